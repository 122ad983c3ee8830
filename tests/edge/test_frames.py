"""Recorded messages of others, when they are there (SAFETYNET_DATA): what was expected of them is read out of them.

A recording whose own checksum is wrong (numbers in it were made unreadable afterwards) must be refused.
"""

import datetime as dt
import json
import os
from pathlib import Path

import pytest

from safetynet.core.fixes import Mark, Said
from safetynet.edge.devices import gt06, h02, jt808, owntracks, teltonika
from safetynet.edge.devices.lines import Malformed
from safetynet.edge.devices.words import Reason

DATA = Path(os.environ.get("SAFETYNET_DATA", Path(__file__).parents[3] / "shared" / "data"))
FRAMES = DATA / "frames" / "traccar_frames.jsonl"
FRAMING = DATA / "frames" / "traccar_framing.jsonl"
MAKE = {"Gt06": gt06.Gt06, "H02": h02.H02, "Jt808": jt808.Jt808, "Teltonika": teltonika.Teltonika}
NOW = 1_750_000_000_000
ALARMS = {"sos": Said.SOS, "tampering": Said.BODY_TAMPER}

pytestmark = pytest.mark.skipif(not FRAMES.is_file(), reason="needs the recorded frames (SAFETYNET_DATA)")


def rows(path, protocols=MAKE):
    if not path.is_file():
        return []
    found = (json.loads(line) for line in path.read_text().splitlines())
    return [pytest.param(row, id=f"{row['protocol']}-{row.get('seq', n)}") for n, row in enumerate(found)
            if row["protocol"] in protocols]  # fmt: skip


def heard(protocol, data):
    """What the frames in it say, and the bytes that are not of a whole one."""
    dialect, found, at, dropped = MAKE[protocol](), [], 0, 0
    while at < len(data):
        used, frame = dialect.cut(data[at:])
        if not used:
            break
        at += used
        if frame is None:
            dropped += used
            continue
        try:
            found.append(dialect.read(frame, NOW))
        except Malformed as no:
            found.append(no.reason)
    return found, dropped + len(data) - at


def sound(row):
    """Whether the recording's own length and checksum hold, reckoned here anew."""
    data = bytes.fromhex(row["hex"])
    match row["protocol"]:
        case "Gt06":
            wide = 2 if data[0] == 0x79 else 1
            end = 2 + wide + int.from_bytes(data[2 : 2 + wide], "big")
            return data[end : end + 2] == b"\r\n" and crc(data[2 : end - 2], 0x8408, 0xFFFF) ^ 0xFFFF == int.from_bytes(
                data[end - 2 : end], "big"
            )
        case "Teltonika":
            if data[:2] != b"\0\0":
                return True
            end = 8 + int.from_bytes(data[4:8], "big")
            return len(data) == end + 4 and crc(data[8:end], 0xA001, 0) == int.from_bytes(data[end:], "big")
        case "Jt808":
            check = 0
            body = data[1:-1].replace(b"\x7d\x02", b"\x7e").replace(b"\x7d\x01", b"\x7d")
            for byte in body:
                check ^= byte
            return data[-1] == 0x7E and not check
        case _:
            return True


def crc(data, poly, value):
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ poly if value & 1 else value >> 1
    return value


@pytest.mark.parametrize("row", rows(FRAMES))
def test_a_recorded_message_says_what_was_expected_of_it(row):
    data = bytes.fromhex(row["hex"])
    found, left = heard(row["protocol"], data + b"\r" * (row["protocol"] == "H02"))
    spoken = [one for each in found if not isinstance(each, Reason) for one in each.spoken]
    if not sound(row):
        assert spoken == []
        assert left or {each if isinstance(each, Reason) else each.refused for each in found} == {Reason.BAD_CHECKSUM}
        return
    places = [one.place for one in spoken if isinstance(one.place, tuple)]
    match row["assert"]:
        case "Position":
            assert len(places) == 1
        case "Positions" if data[8] != teltonika.CODEC_12:
            assert len(places) == len(spoken) == data[9]
        case "NotNull" | "Attributes":
            assert spoken
        case "Attribute":
            assert found
            expected(row["attr"], spoken)
        case _:
            assert places == []
    if "expect" in row:
        when = dt.datetime.fromisoformat(row["expect"]["time_utc"] + "+00:00")
        assert spoken[0].observed_at == when.timestamp() * 1000
        assert places[0] == pytest.approx((row["expect"]["lat"], row["expect"]["lon"]), abs=1e-5)
        assert bool(spoken[0].marks & Mark.NOT_VALID) is not row["expect"]["valid"]


def expected(attr, spoken):
    """Of the attributes those that this service has a place for."""
    match attr["key"]:
        case "alarm" if attr["value"] in ALARMS:
            assert spoken[0].said & ALARMS[attr["value"]]
        case "batteryLevel" if spoken[0].battery_percent is not None:
            assert spoken[0].battery_percent == attr["value"]
        case _:
            return


@pytest.mark.parametrize("row", rows(FRAMING))
def test_a_recorded_stream_is_cut_where_it_was_expected(row):
    """What is expected of JT/T 808 there is the frame without its escapes, and a single FF is a sign of life."""
    data = bytes.fromhex(row["input_hex"])
    dialect = MAKE[row["protocol"]]()
    used, frame = dialect.cut(data)
    match row["protocol"]:
        case "Jt808":
            assert b"\x7e" + jt808.unescaped(data[1:-1]) + b"\x7e" == bytes.fromhex(row["frame_hex"])
        case "Gt06" if data[2] + 5 != len(data):
            assert (used, frame) == (0, None), (
                "its length is not its own: it is waited for, and no other is cut out of it"
            )
        case "Teltonika" if row["frame_hex"] == "ff":
            assert (used, frame) == (1, None)
            assert dialect.cut(data[1:])[1] == data[1:]
        case _:
            assert frame == bytes.fromhex(row["frame_hex"])


@pytest.mark.parametrize("row", rows(FRAMES, {"OwnTracks"}))
def test_a_recorded_message_of_owntracks(row):
    body = bytes.fromhex(row["body_hex"])
    spoken, said = owntracks.read(body), json.loads(body)
    assert spoken.place == (said["lat"], said["lon"])
    assert spoken.observed_at == said["tst"] * 1000
    assert spoken.radius_m == said.get("acc")


@pytest.mark.parametrize("name", ["location_timer_trigger", "valid_location_message", "transition_message"])
def test_the_samples_of_owntracks(name):
    body = (DATA / "owntracks" / f"{name}.json").read_bytes()
    spoken, said = owntracks.read(body), json.loads(body)
    if said["_type"] != "location":
        assert spoken is None
        return
    assert spoken.place == (said["lat"], said["lon"])
    assert spoken.speed_mps == pytest.approx(said["vel"] / 3.6)
    assert spoken.battery_percent == said["batt"]


def test_there_is_something_to_read():
    counted = [each.values[0]["protocol"] for each in rows(FRAMES)]
    assert {name: counted.count(name) >= 13 for name in MAKE} == dict.fromkeys(MAKE, True)
