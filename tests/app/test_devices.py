"""A control centre that listens to trackers: from a frame to an alarm, and what it asks of devices then."""

import asyncio
import hashlib
import json
import sys
from pathlib import Path

import msgspec
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import ports
from deployment import KEY, LAT, LON, cut, make, page, program

from safetynet.app.devices import Doors
from safetynet.core.events import AlarmRaised
from safetynet.core.terms import AlarmKind, Source
from safetynet.edge import clock, config, keys
from safetynet.edge.config import DevicePort, Devices, HttpPort
from safetynet.edge.devices.lines import Locate, Rhythm
from safetynet.edge.devices.words import Registered
from safetynet.edge.intake import Intake
from safetynet.edge.store import Device, Store
from safetynet.sim import dialects
from safetynet.sim.devices import Report

PORT = ports.take(10)
IMEI = "356314041419858"


@pytest.fixture
def folder(tmp_path):
    """Three wearers; the first wears a tracker with an IMEI besides."""
    control = make(tmp_path, PORT)
    centre = config.read(control)
    devices = Devices(gt06=DevicePort(port=PORT + 6), osmand=HttpPort(port=PORT + 7), direct=HttpPort(port=PORT + 9))
    config.write(control, msgspec.structs.replace(centre, devices=devices, health_port=PORT + 8))
    own = keys.open_centre(control)
    store = Store.open(control / "log.db", centre="control", keys=own.persons, sign=own.sign, salt=keys.salt)
    store.put_device(Device(IMEI, "w1", hashlib.sha256(KEY.encode()).digest()))
    store.close()
    return control


def said(device, alarm=None):
    return Report(
        device=device, observed_at=clock.now(), lat=LAT + 0.01, lon=LON, radius_m=10.0, source=Source.GNSS, battery=80,
        speed_mps=1, alarm=alarm,
    )  # fmt: skip


async def metric(name):
    reader, writer = await asyncio.open_connection("127.0.0.1", PORT + 8)
    writer.write(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    text = (await reader.read()).decode()
    writer.close()
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name))


@pytest.mark.parametrize("addresses", [None, {IMEI: "127.0.0.1/32"}])
async def test_from_a_frame_to_an_alarm_and_the_quick_rhythm_back(folder, addresses):
    """The second time the tracker has an address of its own, by which it is known to be itself."""
    if addresses is not None:
        (folder / "addresses.json").write_text(json.dumps(addresses))
    async with program(folder):
        tracker = dialects.Gt06(IMEI)
        reader, writer = await asyncio.open_connection("127.0.0.1", PORT + 6)
        writer.write(tracker.hello() + tracker.report(said(IMEI, "removing")))
        heard = b""
        async with asyncio.timeout(20):
            while b"TIMER,10,10#" not in heard or b"WHERE#" not in heard:
                heard += await reader.read(1_000)
        assert await metric("safetynet_alarms_total") == 1
        assert await metric("safetynet_device_connections") == 1
        writer.close()
        phone = dialects.OsmAnd(KEY)
        assert await dialects.talk("127.0.0.1", PORT + 7, phone, [said("d2")]) == 1, "without a path in its request"
        own = dialects.OwnTracks("d3", KEY)
        assert await dialects.talk("127.0.0.1", PORT, own, [said("d3")]) == 1, "at the web port too"
        assert await dialects.talk("127.0.0.1", PORT + 9, own, [said("d3")]) == 1, "and directly"
        assert await metric("safetynet_fixes_total") == 4
    own = keys.open_centre(folder)
    store = Store.open(folder / "log.db", centre="control", keys=own.persons, sign=own.sign, salt=keys.salt)
    assert [(each.kind, each.unproven) for _, each in store.events() if isinstance(each, AlarmRaised)] == [
        (AlarmKind.STRAP_CUT, addresses is None)
    ]
    store.close()


async def test_who_leads_asks_the_device_where_it_is_and_one_without_ears_is_not_asked(folder):
    async with program(folder), page(PORT, "kim") as kim:
        assert await cut(PORT, "d2") == 200
        deaf = (await kim.until(lambda p: p.shown.get("incidents")) and kim.one("incidents"))["id"]
        assert await kim.do("claim", incident=deaf) == "ok"
        assert not kim.shown["incidents"][deaf]["locatable"]
        assert await kim.do("locate", incident=deaf) == "device_deaf", "a telephone of this form is never answered"

        tracker = dialects.Gt06(IMEI)
        reader, writer = await asyncio.open_connection("127.0.0.1", PORT + 6)
        writer.write(tracker.hello() + tracker.report(said(IMEI, "removing")))
        id = await kim.until(lambda p: next((each for each in p.shown["incidents"] if each != deaf), None))
        heard = b""
        async with asyncio.timeout(20):
            while b"WHERE#" not in heard:
                heard += await reader.read(1_000)
        assert await kim.do("locate", incident=id) == "not_allowed_now", "nobody leads it yet"
        assert await kim.do("claim", incident=id) == "ok"
        await kim.until(lambda p: p.shown["incidents"][id]["locatable"])
        assert await kim.do("locate", incident=id) == "ok"
        async with asyncio.timeout(20):
            while (heard := heard + await reader.read(1_000)).count(b"WHERE#") < 2:
                continue
        assert await kim.do("locate", incident=id) == "not_allowed_now", "it has not had the time to answer"
        line = await kim.until(
            lambda p: next(
                (each for each in p.shown["incidents"][id]["record"] if each["what"] == "location_asked"), None
            )
        )
        assert (line["by_name"], line["with"]["kind"]) == ("김하나", "strap_cut")
        writer.close()


def test_nothing_listens_unless_it_is_said(tmp_path):
    control = make(tmp_path, PORT)
    centre = config.read(control)
    assert centre.devices == Devices()
    assert json.loads((control / "centre.json").read_text())["devices"] == dict.fromkeys(
        ("osmand", "direct", "gt06", "teltonika", "h02", "jt808", "owntracks")
    )
    assert Doors(control, centre, _intake(), {}).ports == {}


def test_only_what_changes_is_asked(tmp_path):
    control = make(tmp_path, PORT)
    intake = _intake()
    whose = {"a": Registered("w1", bytes(32)), "b": Registered("w1", bytes(32)), "c": Registered("w2", bytes(32)), "p": Registered("w1", bytes(32), protected=True)}  # fmt: skip
    doors = Doors(control, config.read(control), intake, whose)
    doors.follow({"w1"})
    assert {each: intake.asked.take(each) for each in whose} == {
        "a": (Rhythm(10), Locate()), "b": (Rhythm(10), Locate()), "c": (), "p": (),
    }  # fmt: skip
    doors.follow({"w1"})
    doors.follow({"w1", "w2"})
    assert {each: len(intake.asked.take(each)) for each in whose} == {"a": 0, "b": 0, "c": 2, "p": 0}
    doors.follow(set())
    assert {each: intake.asked.take(each) for each in "ac"} == {"a": (Rhythm(60),), "c": (Rhythm(60),)}


def _intake():
    return Intake(None, lambda _: None, lambda _: None)
