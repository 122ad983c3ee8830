"""Changes of shift through real windows and a real log: who confirms, what goes over, who is put out, who left."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import deployment
from deployment import Relay, asked, cookie, cut, grant, http, page, running_in, until

from safetynet.app import shifts
from safetynet.core import law
from safetynet.core.events import (
    HandoverItemConfirmed,
    HandoverTaken,
    HandoverWithdrawn,
    IncidentHandedOver,
    IncidentReassigned,
)
from safetynet.core.terms import AlarmKind, WearerClass
from safetynet.edge.relay import words

PORTS = iter(range(9240, 9330, 6))


@pytest.fixture
def port():
    return next(PORTS)


@pytest.fixture
def folder(tmp_path, port):
    return deployment.make(tmp_path, port)


@pytest.fixture
async def running(folder):
    async with Relay(folder) as relay, running_in(folder) as control:
        yield control, relay


def events(control, kind):
    return [event for _, event in control.store.events() if isinstance(event, kind)]


def left(window):
    return [each for each in window.one("handovers")["items"] if each["confirmed_at"] is None]


async def offered(kim, to="p-lee"):
    assert await kim.do("handover_offer", to=to) == "ok"
    return (await kim.until(lambda p: p.shown["handovers"]) and kim.one("handovers"))["id"]


async def confirm(taker, id):
    """Item by item, as long as one is left."""
    await taker.until(lambda p: p.shown["handovers"])
    while some := left(taker):
        one = some[0]
        assert await taker.do("handover_confirm", handover=id, item=[one["part"], one["id"], one["word"]]) == "ok"
        await taker.until(lambda p, one=one: (one["part"], one["id"]) not in {(e["part"], e["id"]) for e in left(p)})


async def test_a_shift_is_handed_over_and_the_givers_pictures_end(running, port):
    control, relay = running
    async with page(port, "kim") as kim, page(port, "lee") as lee:
        incident = await asked(kim, port)
        grant(control)
        await kim.until(lambda p: p.admits)
        id = await offered(kim)
        assert await kim.do("handover_note", handover=id, text="사거리 공사로 우회") == "ok"
        await lee.until(lambda p: p.shown["handovers"] and p.one("handovers")["items"][-1]["part"] == "note")
        shown = lee.one("handovers")
        assert (shown["giver_name"], shown["taker_name"], shown["whole"]) == ("김하나", "이둘", False)
        assert [each["part"] for each in shown["items"]] == ["incident", "grant", "link", "link", "note"]
        assert shown["items"][0]["leader_name"] == "김하나"
        assert shown["items"][1]["city_name"] == "가람시"
        for who, act in ((kim, "handover_take"), (lee, "handover_take")):
            assert await who.do(act, handover=id) == ("not_yours" if who is kim else "unconfirmed")
        one = left(lee)[0]
        assert await kim.do("handover_confirm", handover=id, item=[one["part"], one["id"], one["word"]]) == "not_yours"
        await confirm(lee, id)

        assert await cut(port, "d2") == 200
        await lee.until(left)
        assert await lee.do("handover_take", handover=id) == "unconfirmed", "what arises is confirmed too"
        await confirm(lee, id)
        assert await lee.do("handover_take", handover=id) == "ok"
        await lee.until(lambda p: p.shown["incidents"][incident]["owner"] == "p-lee")
        await kim.until(lambda p: p.one("handovers")["taken_at"])
        assert relay.of(words.CutIncident)[-1].incident == incident
        assert await kim.do("admit", grant="G1") == "not_owner"
        assert {each["confirmed_at"] is not None for each in lee.one("handovers")["items"]} == {True}
    (taken,) = events(control, HandoverTaken)
    assert (taken.by, taken.giver, taken.items) == ("p-lee", "p-kim", len(events(control, HandoverItemConfirmed)))
    (over,) = events(control, IncidentHandedOver)
    assert (over.by, over.to) == ("p-kim", "p-lee")
    openings = json.dumps([str(each) for each in control.store.openings(0)])
    assert "handover_taken" in openings
    assert "공사" not in openings
    assert "handover_item_confirmed" not in openings, "what was confirmed names alarms"


@pytest.mark.parametrize("who", ["giver", "taker"])
async def test_who_signs_out_midway_leaves_everything_with_the_giver(running, port, who):
    control, _ = running
    own = {each: await cookie(port, each) for each in ("kim", "lee")}
    async with page(port, own["kim"]) as kim, page(port, own["lee"]) as lee:
        incident = await asked(kim, port)
        id = await offered(kim)
        await confirm(lee, id)
        gone, stays = ("kim", lee) if who == "giver" else ("lee", kim)
        assert (await http(port, "POST", "/sign-out", cookie=own[gone]))[0] == 204
        await stays.until(lambda p: p.one("handovers")["end"] == "absent")
        assert stays.shown["incidents"][incident]["owner"] == "p-kim"
        assert await stays.do("handover_take", handover=id) == "not_allowed_now"
    (over,) = events(control, HandoverWithdrawn)
    assert (over.by, over.why.value) == (None, "absent")
    assert events(control, IncidentHandedOver) == []


async def test_a_page_that_is_loaded_anew_does_not_end_it_but_an_empty_seat_does(running, port, monkeypatch):
    control, _ = running
    own = await cookie(port, "lee")
    async with page(port, "kim") as kim:
        async with page(port, own):
            id = await offered(kim)
        await until(lambda: len(control.seats) == 1)
        async with page(port, own) as lee:
            assert lee.one("handovers")["end"] is None
            assert await lee.do("handover_confirm", handover=id, item=["note", "9", ""]) == "stale"
        monkeypatch.setattr(shifts, "AWAY_MS_MAX", 200)
        await kim.until(lambda p: p.one("handovers")["end"] == "absent")
        assert await kim.do("handover_offer", to="p-lee") == "absent", "nobody is offered what he cannot see"
        assert await kim.do("handover_offer", to="p-unit") == "bad_command", "an officer leads nothing"


async def test_it_outlives_a_restart_with_all_that_was_confirmed(folder, port):
    async with Relay(folder), running_in(folder), page(port, "kim") as kim, page(port, "lee") as lee:
        own = {each: await cookie(port, each) for each in ("kim", "lee")}
        assert await cut(port) == 200
        incident = (await kim.until(lambda p: p.shown.get("incidents")) and kim.one("incidents"))["id"]
        assert await kim.do("claim", incident=incident) == "ok"
        id = await offered(kim)
        await lee.until(lambda p: p.shown["handovers"])
        one = left(lee)[0]
        assert await lee.do("handover_confirm", handover=id, item=[one["part"], one["id"], one["word"]]) == "ok"
    async with Relay(folder), running_in(folder), page(port, own["kim"]), page(port, own["lee"]) as lee:
        items = {each["part"]: each["confirmed_at"] for each in lee.one("handovers")["items"]}
        assert items["incident"] is not None
        assert await lee.do("handover_take", handover=id) == "unconfirmed"
        await confirm(lee, id)
        assert await lee.do("handover_take", handover=id) == "ok"
        await lee.until(lambda p: p.shown["incidents"][incident]["owner"] == "p-lee")


async def test_nobody_but_a_supervisor_gives_an_incident_to_another_seat(running, port):
    control, _ = running
    async with page(port, "kim") as kim, page(port, "lee") as lee:
        assert await cut(port) == 200
        id = (await lee.until(lambda p: p.shown.get("incidents")) and lee.one("incidents"))["id"]
        move = {"incident": id, "held_by": None, "reason": "unanswered"}
        assert await kim.do("reassign", to="p-lee", **move) == "not_allowed_now"
        assert await lee.do("reassign", to="p-unit", **move) == "bad_command", "an officer leads nothing"
        assert await lee.do("reassign", to="p-kim", incident=id, held_by=None) == "bad_command", "a reason is said"
    assert events(control, IncidentReassigned) == []


async def test_the_supervisors_page_shows_seats_links_and_figures(running, port):
    control, relay = running
    async with page(port, "lee") as lee, page(port, "kim") as kim:
        assert await cut(port) == 200
        id = (await lee.until(lambda p: p.shown.get("incidents")) and lee.one("incidents"))["id"]
        assert await lee.do("reassign", incident=id, to="p-kim", held_by=None, reason="unanswered") == "ok"
        await lee.until(lambda p: p.shown["desks"]["p-kim"]["ringing"] == 1)
        assert lee.shown["desks"]["p-kim"]["oldest_at"] == lee.one("alarms")["raised_at"]
        assert lee.one("figures")["raised"] == 1
        await kim.until(lambda p: p.shown.get("incidents") and p.one("incidents")["owner"] == "p-kim")
        assert await kim.do("ack", alarm=kim.one("alarms")["id"]) == "ok"
        await lee.until(lambda p: p.shown["desks"]["p-kim"]["answered"] == 1)
        assert lee.shown["desks"]["p-kim"]["answer_ms_median"] >= 0
        await lee.until(lambda p: p.one("health")["relay"]["up"])
        health = lee.one("health")
        assert [(each["id"], each["up"]) for each in health["links"]] == [("garam", False), ("police", False)]
        assert health["certificate_days"] > 0
        assert not {"desks", "health", "figures"} & kim.shown.keys(), "an operator's window carries none of it"
    (event,) = events(control, IncidentReassigned)
    assert (event.by, event.previous, event.to, event.reason.value) == ("p-lee", None, "p-kim", "unanswered")
    assert relay.of(words.CutIncident)[-1].incident == id


async def test_the_law_table_is_the_mind_s_own_and_for_those_who_sit_there(running, port):
    own = {each: await cookie(port, each) for each in ("kim", "lee", "unit")}
    for who in ("kim", "lee"):
        assert (await http(port, "GET", "/law", cookie=own[who]))[0] == 200
        status, _, body = await http(port, "GET", "/law.json", cookie=own[who])
        assert status == 200
    told = json.loads(body)
    assert len(told["lines"]) == len(law.TABLE)
    for line in told["lines"]:
        found = law.basis(WearerClass(line["class"]), AlarmKind(line["kind"]))
        assert (line["article_ko"], line["article_en"]) == (found.article_ko, found.article_en)
        assert line["basis"] == (found.basis.value if isinstance(found, law.Rule) else None)
    assert told["reviewed_by"] is None
    for said in ({}, {"cookie": own["unit"]}):
        assert (await http(port, "GET", "/law", **said))[0] == 307
        assert (await http(port, "GET", "/law.json", **said))[0] == 401


async def test_whose_home_is_which(running, port):
    own = {each: await cookie(port, each) for each in ("kim", "lee")}
    where = {who: (await http(port, "GET", "/", cookie=own[who]))[1]["location"] for who in own}
    assert where == {"kim": "/operator", "lee": "/supervisor"}
    assert (await http(port, "GET", "/supervisor", cookie=own["lee"]))[0] == 200
    assert (await http(port, "GET", "/operator", cookie=own["lee"]))[0] == 200, "a supervisor may sit down at a desk"
    assert (await http(port, "GET", "/supervisor", cookie=own["kim"]))[0] == 307
