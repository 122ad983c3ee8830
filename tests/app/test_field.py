"""An officer's telephone at the real program: what it is shown and lets in, its words and photographs, and the desk's side."""

import hashlib
import json
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent / "edge"))
import deployment
import ports
from deployment import Relay, asked, cookie, grant, http, page, running_in, until
from test_photos import EXIF, photograph

from safetynet.core.events import FieldMarked, PhotoTaken, ViewerAdmitted
from safetynet.core.terms import SubjectId
from safetynet.edge.relay import words

ACTION = "action-of-a-test-{:02}"
SPOT = [36.351, 127.381, 12.0]


@pytest.fixture
def port():
    return ports.take(6)


@pytest.fixture
def folder(tmp_path, port):
    return deployment.make(tmp_path, port)


@pytest.fixture
async def running(folder):
    async with Relay(folder) as relay, running_in(folder) as control:
        yield control, relay


def events(control, kind):
    return [event for _, event in control.store.events() if isinstance(event, kind)]


async def ordered(kim, unit, port, control):
    """An incident with a live grant, and the unit's order of it."""
    id = await asked(kim, port)
    grant(control)
    assert await kim.do("office", incident=id, unit="u1") == "ok"
    await unit.until(lambda p: p.shown.get("orders"))
    return id, unit.one("orders")["dispatch"]


async def test_a_line_from_the_desk_is_on_every_telephone_of_the_incident_and_on_no_other(running, folder, port):
    control, _ = running
    async with page(port, "kim") as kim, page(port, "unit") as unit, page(port, "lost") as lost:
        id, _dispatch = await ordered(kim, unit, port, control)
        assert await unit.do("tell", incident=id, text="저희가 씀") != "ok"
        assert await kim.do("tell", incident=id) == "bad_command"
        assert await kim.do("tell", incident=id, text="검은 윗옷, 남쪽 골목") == "ok"
        told = await unit.until(lambda p: p.one("orders")["told"])
        assert [each["text"] for each in told] == ["검은 윗옷, 남쪽 골목"]
        assert "검은 윗옷" not in json.dumps(lost.shown, ensure_ascii=False)
        kept = [each.read_bytes() for each in folder.rglob("*") if each.is_file()]
        assert any(b"dispatch_ordered" in each for each in kept), "the log is among them"
        assert not any("검은 윗옷".encode() in each for each in kept), "it may describe the person: sealed"


async def test_the_picture_opens_with_accepting_and_ends_with_the_order(running, port):
    control, relay = running
    async with page(port, "kim") as kim, page(port, "unit") as unit, page(port, "lost") as lost:
        id, dispatch = await ordered(kim, unit, port, control)
        assert unit.one("orders")["cameras"] == [], "no name of a camera before it has accepted"
        assert await unit.do("admit", dispatch=dispatch, grant="G1") == "not_accepted"
        assert await unit.do("unit", dispatch=dispatch, state="accepted", action=ACTION.format(0)) == "ok"
        order = await unit.until(lambda p: p.one("orders")["cameras"] and p.one("orders"))
        assert [each["camera"] for each in order["cameras"]] == ["c1", "c2"]
        assert "one_picture" in order["law"]["conditions"]
        assert "시험용" not in json.dumps(unit.shown, ensure_ascii=False)
        assert await lost.do("admit", dispatch=dispatch, grant="G1") == "not_allowed_now"
        assert await unit.do("admit", dispatch=dispatch, grant="G1") == "ok"
        (token,) = await unit.until(lambda p: p.admits)
        digest = hashlib.sha256(token["token"].encode()).digest()
        admitted = next(each for each in events(control, ViewerAdmitted) if each.by == "p-unit")
        assert (admitted.token_sha256, admitted.dispatch) == (digest, dispatch)
        await until(lambda: any(each.token_sha256 == digest and each.one_tile for each in relay.of(words.Admit)))
        assert not any(each.one_tile for each in relay.of(words.Admit) if each.viewer != admitted.viewer)
        assert control.admitted[admitted.viewer][0].account.person == "p-unit", "cut when it signs out"
        assert await unit.do("unit", dispatch=dispatch, state="released") == "ok"
        await until(lambda: any(each.viewer == admitted.viewer for each in relay.of(words.CutViewer)))
        assert await unit.do("admit", dispatch=dispatch, grant="G1") == "dispatch_over"
        assert id in kim.shown["incidents"]


async def test_a_word_from_the_field_is_heard_once_and_a_call_for_backup_is_an_emergency(running, port):
    control, _ = running
    async with page(port, "kim") as kim, page(port, "lee") as lee, page(port, "unit") as unit:
        id, dispatch = await ordered(kim, unit, port, control)
        pressed = int(time.time() * 1000)
        said = {"dispatch": dispatch, "mark": "seen", "acted_at": pressed, "spot": SPOT}
        assert await unit.do("field", **said, action=ACTION.format(1)) == "not_accepted"
        assert await unit.do("unit", dispatch=dispatch, state="accepted") == "ok"
        assert await unit.do("field", **said, action="short") == "bad_command"
        for _ in range(2):
            assert await unit.do("field", **said, action=ACTION.format(1)) == "ok"
        (mark,) = await lee.until(lambda p: p.shown["incidents"] and p.one("incidents")["marks"])
        assert (mark["mark"], mark["at"], mark["unit_name"], mark["by_name"]) == ("seen", pressed, "신속 1", "박셋")
        assert (mark["spot"]["lat"], mark["spot"]["lon"]) == (36.351, 127.381)
        assert await lee.do("backup", incident=id) == "not_allowed_now"
        assert await unit.do("field", **{**said, "mark": "backup"}, action=ACTION.format(2)) == "ok"
        called = await lee.until(lambda p: p.one("incidents")["backup"])
        assert lee.one("incidents")["priority"] == 1
        assert called["answered_at"] is None
        assert await lee.do("backup", incident=id) == "ok", "whoever leads"
        backup = await unit.until(lambda p: (b := p.one("orders")["backup"]) and b["answered_at"] and b)
        assert backup["at"] == pressed
        assert [each.mark.value for each in events(control, FieldMarked)] == ["seen", "backup"]
        assert await unit.do("unit", dispatch=dispatch, state="declined") == "bad_command", "only with a reason"
        assert await unit.do("unit", dispatch=dispatch, state="declined", unable="vehicle") == "ok"


async def send(port, own, dispatch, data, n=3, **more):
    query = f"dispatch={dispatch}&action={ACTION.format(n)}&acted_at={int(time.time() * 1000)}"
    status, _, body = await http(port, "POST", f"/field/photo?{query}", data, cookie=own, **more)
    return status, (json.loads(body)["reason"] if body else "")


async def test_a_photograph_is_stripped_sealed_shown_to_the_desk_and_erasable(running, port):
    control, _ = running
    own, desk = await cookie(port, "unit"), await cookie(port, "kim")
    async with page(port, desk) as kim, page(port, own) as unit:
        id, dispatch = await ordered(kim, unit, port, control)
        assert await send(port, own, dispatch, photograph(EXIF)) == (422, "not_accepted")
        assert await unit.do("unit", dispatch=dispatch, state="accepted") == "ok"
        assert (await send(port, "safetynet=guess", dispatch, photograph()))[0] == 401
        assert await send(port, desk, dispatch, photograph()) == (422, "not_allowed_now")
        assert (await send(port, own, dispatch, photograph(), origin="https://evil.example"))[0] == 403
        assert await send(port, own, dispatch, b"<html>") == (422, "not_a_photo")
        assert await send(port, own, dispatch, bytes(1_500_001)) == (413, "too_large")
        for _ in range(2):
            assert await send(port, own, dispatch, photograph(EXIF)) == (204, "")
        (shown,) = await kim.until(lambda p: p.one("incidents")["photos"])
        (event,) = events(control, PhotoTaken)
        place = f"/photo/{id}/{shown['photo']}"
        status, headers, data = await http(port, "GET", place, cookie=desk)
        assert (status, headers["content-type"], headers["cache-control"]) == (200, "image/jpeg", "no-store")
        assert b"Exif" not in data
        assert event.sha256 == hashlib.sha256(data).digest()
        assert (await http(port, "GET", place, cookie=own))[0] == 401, "the desk's, not a telephone's"
        assert (await http(port, "GET", place))[0] == 401
        control.store.erase(SubjectId(f"incident:{id}"))
        assert (await http(port, "GET", place, cookie=desk))[0] == 404
