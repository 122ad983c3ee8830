"""Alarms held back, shelved and grouped, through real windows, over HTTP, over a restart, and by the command."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import deployment
import ports
from deployment import Relay, cookie, cut, http, page, running_in

from safetynet.app import loads
from safetynet.core.control import annunciator, words
from safetynet.core.events import AlarmShelved, AlarmSuppressed, AlarmUnshelved, OutageBegan
from safetynet.core.fixes import Fix
from safetynet.core.terms import MINUTE_MS, AlarmKind, Certainty
from safetynet.core.verdicts import Change, How, Transition
from safetynet.edge import clock

CARRIERS = {"d1": "망 가", "d2": "망 가", "d3": "망 가", "d9": "망 나"}


@pytest.fixture
def port():
    return ports.take(6)


@pytest.fixture
def folder(tmp_path, port):
    made = deployment.make(tmp_path, port)
    (made / "carriers.json").write_text(json.dumps(CARRIERS))
    return made


@pytest.fixture
async def running(folder):
    async with Relay(folder), running_in(folder) as control:
        yield control


def silent(control, *wearers, ago_s=0, kind=AlarmKind.COMM_LOST):
    """As if the rules had found it so long ago: what a delay does needs no waiting."""
    at = clock.now() - ago_s * 1_000
    told = tuple(
        Transition(
            wearer=each, kind=kind, change=Change.RAISED, certainty=Certainty.CERTAIN, zone=None, episode=f"e {each} {kind.value}", how=How.SILENT,
            fix=Fix(id=1, wearer=each, device="", observed_at=at, received_at=at),
        )
        for each in wearers
    )  # fmt: skip
    network = control.loads.networks(set(wearers), control.office.devices)
    control.loop.take(words.Judged(transitions=told, fixes=(), footing={}, last={}, network=network), at)


def events(control, kind):
    return [event for _, event in control.store.events() if isinstance(event, kind)]


async def listed(port, who, path="/alarms/suppressed"):
    status, headers, body = await http(port, "GET", path, cookie=who)
    assert status == 200
    assert headers["cache-control"] == "no-store"
    return json.loads(body)


async def test_what_is_held_back_is_on_no_screen_and_on_the_list_with_its_reason(running, port):
    silent(running, "w1")
    own = await cookie(port, "kim")
    async with page(port, own) as kim:
        assert kim.shown.get("alarms", {}) == {}
        found = await listed(port, own)
        assert [(each["kind"], each["why"], each["became"]) for each in found["rows"]] == [
            ("comm_lost", "brief", "held")
        ]
        assert (found["total"], found["reasons"]) == (1, {"brief": 1})
        assert "w1" not in json.dumps(found)
        assert "시험용" not in json.dumps(found)
        silent(running, "w3", ago_s=200)
        await kim.until(lambda p: p.shown.get("alarms"))
        assert kim.one("alarms")["wearer"] == "w3", "it lasted"
        assert [each["became"] for each in (await listed(port, own))["rows"]] == ["held", "lasted"]


async def test_the_shelf_from_a_window_with_its_reason_its_end_and_the_way_back(running, port):
    silent(running, "w1", ago_s=200)
    async with page(port, "kim") as kim, page(port, "lee") as lee:
        await kim.until(lambda p: p.shown.get("incidents"))
        incident, alarm = kim.one("incidents")["id"], kim.one("alarms")["id"]
        wish = {"alarm": alarm, "shelve": "charging", "for_ms": 15 * MINUTE_MS}
        assert await kim.do("shelve", **wish) == "not_allowed_now", "who leads it first"
        assert await kim.do("claim", incident=incident) == "ok"
        assert await lee.do("shelve", **wish) == "not_owner"
        assert await kim.do("shelve", **(wish | {"for_ms": 10**9})) == "too_long"
        assert await kim.do("shelve", **wish) == "ok"
        await lee.until(lambda p: p.shown["alarms"][alarm]["state"] == "shelved")
        shelf = lee.shown["shelves"][alarm]
        assert (shelf["by_name"], shelf["reason"]) == ("김하나", "charging")
        assert 0 < shelf["until"] - clock.now() <= 15 * MINUTE_MS
        assert lee.shown["incidents"][incident]["record"][0]["with"] == {"kind": "comm_lost", "shelved": "charging"}
        assert await lee.do("unshelve", alarm=alarm) == "ok", "anybody brings it back"
        await kim.until(lambda p: p.shown["alarms"][alarm]["state"] == "unacked")

        assert await cut(port) == 200
        cut_alarm = (await kim.until(lambda p: [each for each in p.shown["alarms"].values() if each["kind"] == "strap_cut"]))[0]["id"]  # fmt: skip
        assert cut_alarm not in kim.shown["shelves"]
        assert await kim.do("shelve", **(wish | {"alarm": cut_alarm, "for_ms": 1})) == "never_shelved"
    (shelved,) = events(running, AlarmShelved)
    assert (shelved.by, shelved.until - shelved.at) == ("p-kim", 15 * MINUTE_MS)
    (back,) = events(running, AlarmUnshelved)
    assert back.by == "p-lee"


async def test_an_outage_is_one_block_with_its_members_and_outlives_a_restart(folder, port, monkeypatch):
    monkeypatch.setattr(annunciator, "OUTAGE_MEMBERS_MIN", 3)
    async with Relay(folder), running_in(folder) as control:
        silent(control, "w1", "w2", "w3")
        assert [each.network for each in events(control, OutageBegan)] == ["망 가"]
        own = await cookie(port, "kim")
        async with page(port, own) as kim:
            await kim.until(lambda p: p.shown.get("outages"))
            one = kim.one("outages")
            assert (one["network"], one["members"], one["silent"], one["acked_by_name"]) == ("망 가", 3, 3, None)
            assert [each["who"] for each in one["list"]] == ["시험용 1", "시험용 2", "시험용 3"]
            assert kim.shown.get("incidents", {}) == {}
            assert await kim.do("ack_outage", outage=one["id"]) == "ok"
            await kim.until(lambda p: p.one("outages")["acked_by_name"] == "김하나")
            assert await kim.do("ack_outage", outage=one["id"]) == "not_allowed_now"
        before = await listed(port, own)
    async with Relay(folder), running_in(folder) as control, page(port, own) as kim:
        assert kim.one("outages")["acked_by_name"] == "김하나"
        assert await listed(port, own) == before
        assert {each["why"] for each in before["rows"]} == {"outage"}


async def test_the_days_load_is_for_supervisors_and_over_http(running, port):
    silent(running, "w1")
    own = {each: await cookie(port, each) for each in ("kim", "lee", "unit")}
    async with page(port, own["lee"]) as lee, page(port, own["kim"]) as kim:
        assert await cut(port, "d2") == 200
        alarm = (await kim.until(lambda p: p.shown.get("alarms")) and kim.one("alarms"))["id"]
        assert await kim.do("ack", alarm=alarm) == "ok"
        assert "load" not in kim.shown
        running.loads._load = None  # reckoned every ten seconds; a test does not wait for that
        await lee.until(
            lambda p: p.shown.get("load") and p.one("load")["rung"] == 1 and p.one("load")["answer_ms_p50"] is not None
        )
        load = lee.one("load")
        assert (load["raised"], load["held"], load["unexplained"], load["operators"]) == (2, {"brief": 1}, 0, 1)
        assert {each["who"] for each in load["top"]} == {"시험용 1", "시험용 2"}
    figures = await listed(port, own["lee"], "/alarms/load?hours=1")
    assert (figures["raised"], figures["rung"], figures["windows"]) == (2, 1, 6)
    assert figures["priorities"] == {"1": 1}
    status, headers, body = await http(port, "GET", "/alarms/load.csv", cookie=own["kim"])
    assert (status, headers["content-type"].partition(";")[0]) == (200, "text/csv")
    assert dict(line.split(",") for line in body.decode().split())["held.brief"] == "1"
    for hours in ("0", "49", "x", "-1", "999999999999"):
        assert (await http(port, "GET", f"/alarms/load?hours={hours}", cookie=own["lee"]))[0] == 400
    for said in ({}, {"cookie": own["unit"]}):
        assert (await http(port, "GET", "/alarms/suppressed", **said))[0] == 401


async def test_a_supervisor_takes_a_device_out_of_service_and_nobody_else(running, port):
    stop = {"wearer": "w1", "service": "exchange", "for_ms": 60 * MINUTE_MS}
    async with page(port, "kim") as kim, page(port, "lee") as lee:
        assert await kim.do("stop_service", **stop) == "bad_command"
        assert await lee.do("stop_service", **(stop | {"wearer": "nobody"})) == "bad_command"
        assert await lee.do("stop_service", **(stop | {"for_ms": 8 * 60 * MINUTE_MS + 1})) == "too_long"
        assert await lee.do("stop_service", **stop) == "ok"
        silent(running, "w1")
        (out,) = await lee.until(lambda p: [each for each in p.one("load")["out_of_service"] if each["holds"]])
        assert {key: out[key] for key in ("wearer", "who", "reason", "by_name", "holds")} == {
            "wearer": "w1", "who": "시험용 1", "reason": "exchange", "by_name": "이둘", "holds": ["comm_lost"]
        }  # fmt: skip
        assert out["until"] - out["since"] == 60 * MINUTE_MS
        assert [each.suppression.value for each in events(running, AlarmSuppressed)] == ["out_of_service"]
        assert await cut(port) == 200
        await kim.until(lambda p: p.shown.get("alarms"))
        assert kim.one("alarms")["kind"] == "strap_cut", "what somebody does to the strap rings all the same"
        assert await lee.do("resume_service", wearer="w1") == "ok"
        assert await lee.do("resume_service", wearer="w1") == "not_allowed_now"


async def test_the_command_lists_every_alarm_that_was_held_back_while_the_program_is_away(
    folder, port, monkeypatch, capsys
):
    async with Relay(folder), running_in(folder) as control:
        await cookie(port, "kim")  # it has seen to whoever knocked before
        silent(control, "w1", "w2")
        monkeypatch.setattr(sys, "argv", ["alarms", "--dir", str(folder), "--suppressed"])
        assert loads.alarms_main() == 2
        capsys.readouterr()
    assert loads.alarms_main() == 0
    *rows, last = map(json.loads, capsys.readouterr().out.splitlines())
    assert [(each["kind"], each["why"]) for each in rows] == [("comm_lost", "brief")] * 2
    assert last == {"total": 2, "reasons": {"brief": 2}}
    monkeypatch.setattr(sys, "argv", ["alarms", "--dir", str(folder)])
    assert loads.alarms_main() == 0
    assert json.loads(capsys.readouterr().out)["unexplained"] == 0
