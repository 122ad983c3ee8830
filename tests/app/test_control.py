"""The control centre's program as it runs: a real process, real sockets, a device at one end and a window at the other."""

import asyncio
import contextlib
import hashlib
import json
import signal
import sys
import time
from pathlib import Path

import pytest
import websockets
from patience import PATIENCE_S

sys.path.insert(0, str(Path(__file__).parent))
import deployment
import ports
from deployment import (
    KEY,
    LAT,
    LON,
    Relay,
    asked,
    cookie,
    cut,
    grant,
    http,
    listening,
    page,
    program,
    running_in,
    sign_in,
    until,
)

from safetynet.app import windows
from safetynet.app.control import Control
from safetynet.core import ledger
from safetynet.core.events import AlarmRaised, IncidentOpened, LogRestored, VideoEnded, ViewerAdmitted
from safetynet.edge import keys, web
from safetynet.edge.link import Behind
from safetynet.edge.relay import words
from safetynet.edge.store import Store


@pytest.fixture
def port():
    return ports.take(6)


@pytest.fixture
def folder(tmp_path, port):
    return deployment.make(tmp_path, port)


def events(folder, kind):
    own = keys.open_centre(folder)
    store = Store.open(folder / "log.db", centre="control", keys=own.persons, sign=own.sign, salt=keys.salt)
    found = [event for _, event in store.events() if isinstance(event, kind)]
    store.close()
    return found


def incident_owner(shown):
    return next(iter(shown["incidents"].values()))["owner"]


async def test_from_the_strap_to_the_screen_and_over_a_restart(folder, port):
    async with program(folder), page(port, "kim") as kim, page(port, "lee") as lee:
        assert kim.shown["me"]["me"]["role"] == "operator"
        assert await cut(port) == 200
        for each in (kim, lee):
            await each.until(lambda p: p.shown.get("alarms"))
            since = [beat for beat in each.beats if beat > each.one("alarms")["raised_at"]]
            assert len(since) <= 1, "every console within a second: before a second heartbeat"
        alarm, incident = kim.one("alarms"), kim.one("incidents")
        assert (alarm["kind"], alarm["state"], alarm["who"]) == ("strap_cut", "unacked", "시험용 1")
        assert await kim.do("call", incident=incident["id"], outcome="answered") == "not_allowed_now"
        assert await kim.do("claim", incident=incident["id"]) == "ok"
        assert await lee.do("claim", incident=incident["id"]) == "not_allowed_now"
        assert await lee.do("office", incident=incident["id"]) == "not_owner"
        assert await kim.do("office", incident=incident["id"]) == "ok"
        assert await kim.do("close", incident=incident["id"], code="drift") == "not_allowed_now"
        assert await kim.do("video", incident=incident["id"]) == "ok"
        await lee.until(lambda p: p.one("incidents")["video"]["state"] == "requested")
        before = lee.shown
    async with program(folder), page(port, "lee") as again:
        for collection in ("alarms", "incidents", "tracks", "zones"):
            assert again.shown[collection] == before[collection], collection
        assert await again.do("take_over", incident=incident["id"], held_by="somebody else") == "stale"
        assert again.one("incidents")["owner"] == before["incidents"][incident["id"]]["owner"]
        assert await again.do("take_over", incident=incident["id"], held_by=incident_owner(before)) == "ok"
        assert await again.do("close", incident=incident["id"], code="minor") == "ok"
        assert await cut(port) == 200
        await again.until(lambda p: len(p.shown["alarms"]) == 2)
    assert len(events(folder, IncidentOpened)) == 2, "after a closing the same signal is a new alarm"


async def test_commands_by_role(running, port):
    await cut(port)
    async with page(port, "kim") as kim, page(port, "unit") as unit, page(port, "lost") as lost:
        assert set(unit.shown) <= {"me", "orders", "units"}
        assert set(lost.shown) == {"me"}, "an officer without a unit sees nothing"
        incident = (await kim.until(lambda p: p.shown.get("incidents")) and kim.one("incidents"))["id"]
        for officer in (unit, lost):
            for act in ("claim", "take_over", "video", "close", "police"):
                assert await officer.do(act, incident=incident, code="minor") == "not_allowed_now"
        await kim.do("claim", incident=incident)
        assert await kim.do("hand_over", incident=incident, to="p-unit") == "bad_command"
        assert await kim.do("unheard", incident=incident) == "bad_command"
        assert await kim.do("office", incident=incident, unit="u1") == "ok"
        order = await unit.until(lambda p: p.shown.get("orders") and p.one("orders"))
        assert "시험용" not in json.dumps(unit.shown, ensure_ascii=False)
        assert await unit.do("unit", dispatch=order["dispatch"], state="accepted") == "ok"
        assert await lost.do("unit", dispatch=order["dispatch"], state="on_scene") == "not_allowed_now"
        await kim.until(lambda p: "accepted" in {each["state"] for each in p.one("incidents")["dispatches"]})


async def test_who_is_turned_away_at_the_door(running, port):
    assert (await sign_in(port, "kim", origin="https://evil.example"))[0] == 403
    assert (await sign_in(port, "kim", host="evil.example"))[0] == 403
    assert (await http(port, "POST", "/sign-in", b"{"))[0] == 400
    assert (await http(port, "POST", "/sign-in", b'{"account":"kim","password":"' + b"x" * 5000 + b'"}'))[0] == 400
    status, headers, _ = await sign_in(port, "kim")
    assert status == 200
    for word in ("HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"):
        assert word in headers["set-cookie"]
    own = headers["set-cookie"].partition(";")[0]
    tries = [(await sign_in(port, "kim", "wrong"))[0] for _ in range(5)]
    assert tries == [401] * 5
    status, headers, _ = await sign_in(port, "kim")
    assert status == 429, "the right word too"
    assert 0 < int(headers["retry-after"]) <= 61
    assert (await sign_in(port, "nobody", "wrong"))[0] == 401

    for said in ({}, {"Cookie": "safetynet=guess"}, {"Cookie": own, "Origin": "https://evil.example"}):
        async with websockets.connect(f"ws://127.0.0.1:{port}/ws", additional_headers=said) as socket:
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await socket.recv()
            assert closed.value.rcvd.code == 4401
    assert (await http(port, "GET", "/map/base.geojson"))[0] == 401
    assert (await http(port, "GET", "/operator"))[0] == 307
    assert (await http(port, "GET", "/demo.json", cookie=own))[0] == 404
    assert (await http(port, "GET", "/map/log.json", cookie=own))[0] == 404
    for path in ("/", "/field"):
        status, headers, _ = await http(port, "GET", path)
        assert status == 200
        assert "default-src 'none'" in headers["content-security-policy"]
    assert (await http(port, "GET", "/console/%00"))[0] == 404


async def test_one_person_has_so_many_windows_and_no_more(running, port, monkeypatch):
    monkeypatch.setattr(windows, "WINDOWS_PER_PERSON_MAX", 2)
    own = await cookie(port, "kim")
    third = websockets.connect(f"ws://127.0.0.1:{port}/ws", additional_headers={"Cookie": own})
    async with page(port, own), page(port, own), page(port, "lee"), third as socket:
        await socket.send('{"op":"hello","have":null}')
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await socket.recv()
        assert closed.value.rcvd.code == windows.TOO_MANY


async def test_nonsense_on_the_state_socket_ends_that_window_alone(running, port):
    own = await cookie(port, "kim")
    async with page(port, own) as kim:
        for frame in (
            b"\x00\x01",
            "{",
            '{"op":"do"}',
            '{"op":"sing"}',
            json.dumps({"op": "do", "ref": 1, "act": "x" * 9000}),
        ):
            async with page(port, own) as other:
                await other.socket.send(frame)
                with pytest.raises(websockets.ConnectionClosed):
                    await other.until(lambda _: False, 3)
        async with page(port, own) as other:
            with contextlib.suppress(websockets.ConnectionClosed):
                for n in range(40):
                    await other.socket.send(json.dumps({"op": "do", "ref": n, "act": "claim"}))
            with pytest.raises(websockets.ConnectionClosed):
                await other.until(lambda _: False, 3)
        async with websockets.connect(f"ws://127.0.0.1:{port}/ws", additional_headers={"Cookie": own}) as socket:
            await socket.send(b"binary")
            with pytest.raises(websockets.ConnectionClosed):
                await socket.recv()
        assert await kim.do("claim", incident="I-none") == "no_such_incident"


async def test_signing_out_ends_the_window(running, port):
    own = await cookie(port, "kim")
    async with page(port, own) as kim:
        assert (await http(port, "POST", "/sign-out", cookie=own))[0] == 204
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await kim.until(lambda _: False, 4)
        assert closed.value.rcvd.code == 4401


async def test_a_window_gets_what_it_missed_or_everything(running, port):
    own = await cookie(port, "kim")
    async with page(port, own) as kim:
        have = {"epoch": kim.epoch, "seq": kim.seq}
        shown = kim.shown
    await cut(port)
    async with page(port, own, have) as kim:
        assert kim.resumed
        kim.shown = shown
        await kim.until(lambda p: p.shown.get("alarms"))
        assert kim.fulls == 0
    for stale in ({"epoch": "E-old", "seq": 1}, {"epoch": have["epoch"], "seq": 10**6}):
        async with page(port, own, stale) as kim:
            assert (kim.resumed, kim.fulls) == (False, 1)


@pytest.mark.parametrize(
    "failpoint",
    [
        "loop.before_commit",
        "store.in_transaction:2",
        "loop.after_commit",
        "loop.before_errands",
    ],
)
async def test_killed_at_any_point_the_alarm_is_there_exactly_once(folder, port, failpoint):
    async with program(folder, failpoint) as running:
        with contextlib.suppress(OSError, ValueError, IndexError):  # the answer breaks off
            for device in ("d1", "d2", "d3", "d1"):
                await cut(port, device)
        await asyncio.wait_for(running.process.wait(), PATIENCE_S)
        assert running.process.returncode == -signal.SIGKILL
    async with program(folder), page(port, "kim") as kim:
        await kim.until(lambda p: p.shown.get("alarms"))
        shown = set(kim.shown["alarms"])
        assert await cut(port) == 200, "the device says it again: it was never acknowledged"
        assert await kim.do("claim", incident="I-none") == "no_such_incident"
    raised = [each.alarm for each in events(folder, AlarmRaised)]
    assert len(raised) == len(set(raised)), "exactly once"
    assert shown <= set(raised)
    assert {each.wearer for each in events(folder, AlarmRaised)} >= {"w1"}


# --- in this process: the city's and the relay's side are played here ----------------------------------------------


@pytest.fixture
async def running(folder):
    async with Relay(folder) as relay, running_in(folder) as control:
        yield control, relay


async def test_only_the_window_that_asked_is_let_in_by_a_token_of_its_own(running, port):
    control, relay = running
    own = await cookie(port, "kim")
    async with page(port, own) as kim, page(port, own) as second, page(port, "lee") as lee:
        id = await asked(kim, port)
        assert kim.admits == [], "no picture before the city's grant"
        grant(control)
        (token,) = await kim.until(lambda p: p.admits)
        assert (second.admits, lee.admits) == ([], [])
        (admit,) = relay.of(words.Admit)
        assert (admit.grant, admit.city, admit.cameras) == ("G1", "garam", ("c1", "c2"))
        assert admit.token_sha256 == hashlib.sha256(token["token"].encode()).digest()
        assert token["token"] not in repr(list(control.store.events())), "only its hash is kept"

        assert await second.do("admit", grant="G1") == "ok"
        await second.until(lambda p: p.admits)
        assert await kim.do("admit", grant="G1") == "ok"
        await kim.until(lambda p: len(p.admits) == 2)
        assert len({each["token"] for each in (*kim.admits, *second.admits)}) == 3, "single use: each its own"
        assert await lee.do("admit", grant="G1") == "not_owner"
        assert await kim.do("admit", grant="G-none") == "no_such_incident"

        assert await lee.do("take_over", incident=id) == "ok"
        assert relay.of(words.CutIncident)[-1].incident == id
        count = len(relay.of(words.Admit))
        assert await kim.do("admit", grant="G1") == "not_owner"
        assert await lee.do("video", incident=id) == "ok"
        await lee.until(lambda p: p.admits)
        assert await lee.do("hand_over", incident=id, to="p-kim") == "ok"
        assert len(relay.of(words.Admit)) == count + 1, "a lead that comes back opens nothing by itself"
        assert await kim.do("video", incident=id) == "ok"
        await kim.until(lambda p: len(p.admits) == 3)
        assert await kim.do("close", incident=id, code="minor") == "ok"
    assert {each.why.value for each in relay.of(words.CutGrant)} == {"incident_closed"}
    admitted = [event for _, event in control.store.events() if isinstance(event, ViewerAdmitted)]
    assert len(admitted) == 5


async def test_a_relay_that_comes_back_is_told_what_holds(running, port):
    control, relay = running
    async with page(port, "kim") as kim:
        await asked(kim, port)
        grant(control)
        await kim.until(lambda p: p.admits)
        relay.heard.clear()
        relay.writer.close()
        await until(lambda: relay.of(words.SetCameras))
        assert relay.heard[0] == words.SetCameras(grant="G1", cameras=("c1", "c2"))


def cut_viewers(relay):
    return {each.viewer for each in relay.of(words.CutViewer) if each.why.value == "signed_out"}


@pytest.mark.parametrize("how", ["signs out", "runs out", "page is gone"])
async def test_who_is_signed_out_loses_the_pictures_too(running, port, how, monkeypatch):
    """The attacker keeps the video socket and lets the rest go: the cut must not need the page."""
    control, relay = running
    own = await cookie(port, "kim")
    async with page(port, own) as kim, page(port, "lee") as lee:
        await asked(kim, port)
        grant(control)
        await kim.until(lambda p: p.admits)
        await until(lambda: relay.of(words.Admit))
        viewer = relay.of(words.Admit)[0].viewer
        (seat,) = [each for each in control.seats if each.viewer == viewer]
        if how == "page is gone":
            await kim.socket.close()
            await until(lambda: seat not in control.seats)
            assert cut_viewers(relay) == set(), "a page that reloads keeps its pictures"
        if how == "runs out":
            dead = control.sessions._sessions[seat.session.key]
            monkeypatch.setattr(control.sessions, "live", lambda session: session is not dead)
        else:
            assert (await http(port, "POST", "/sign-out", cookie=own))[0] == 204
        await until(lambda: cut_viewers(relay) == {viewer})
        assert control.admitted == {}
        assert await lee.do("ack", alarm="A-none") == "not_allowed_now", "nobody else is signed out"


async def test_a_window_signed_out_between_its_wish_and_the_grant_is_not_let_in(running, port):
    control, relay = running
    own = await cookie(port, "kim")
    async with page(port, own) as kim:
        await asked(kim, port)
        control.sessions.sign_out(own)
        grant(control)  # before the window's heart-beat has found out
        assert len(control.seats) == 1
        assert control.admitted == {}
    assert relay.of(words.Admit) == []


async def test_a_start_signs_everybody_out_at_the_relay_as_well(folder, port):
    """Also a role that was changed meanwhile: it counts from the next start, and nobody sees on with the old one."""
    async with Relay(folder) as relay:
        async with running_in(folder) as control, page(port, "kim") as kim:
            await asked(kim, port)
            grant(control)
            await kim.until(lambda p: p.admits)
            await until(lambda: relay.of(words.Admit))
            viewer = relay.of(words.Admit)[0].viewer
            assert cut_viewers(relay) == set()
        async with running_in(folder), page(port, "kim") as kim:
            await until(lambda: cut_viewers(relay) == {viewer})
            assert kim.admits == [], "who signs in again asks again"


async def test_a_log_that_was_rolled_back_signs_everybody_out_and_says_so(folder, port):
    """A partner has seen more of this log than it holds: who signed out since may stand as signed in in the old copy."""
    lost = ledger.Checkpoint(ledger.origin_of("control"), 400, b"\3" * 32)
    async with Relay(folder) as relay, running_in(folder) as control:
        own = await cookie(port, "kim")
        async with page(port, own) as kim:
            await asked(kim, port)
            grant(control)
            await kim.until(lambda p: p.admits)
            await until(lambda: relay.of(words.Admit))
            viewer = relay.of(words.Admit)[0].viewer
            control.behind(Behind("garam", 7, lost))
            await until(lambda: cut_viewers(relay) == {viewer})
            with pytest.raises(websockets.ConnectionClosed) as closed:
                while True:
                    await kim.step()
            assert closed.value.rcvd.code == windows.SIGNED_OUT
            assert control.admitted == {}
            assert (await http(port, "GET", "/operator", cookie=own))[0] == 307, "the cookie opens nothing any more"
            with pytest.raises(websockets.ConnectionClosed):
                async with page(port, own):
                    pass
        (said,) = [event for _, event in control.store.events() if isinstance(event, LogRestored)]
        assert (said.found, said.size_before, said.root_before) == ("partner", 400, lost.root)
        (ended,) = [event for _, event in control.store.events() if isinstance(event, VideoEnded)]
        assert (ended.grant, ended.why.value) == ("G1", "restored")
        assert await cookie(port, "kim") != own, "and everybody may sign in again"


async def test_bail_gets_a_recorded_refusal_on_the_screen(running, port):
    control, _ = running
    async with page(port, "kim") as kim:
        assert await cut(port, "d2") == 200
        id = (await kim.until(lambda p: p.shown.get("incidents")) and kim.one("incidents"))["id"]
        await kim.do("claim", incident=id)
        assert await kim.do("video", incident=id) == "no_basis"
        shown = await kim.until(lambda p: p.one("incidents")["video"]["state"] == "refused" and p.one("incidents"))
        assert shown["law"]["why"] == "no_basis"
        assert "제5장" in shown["law"]["article_ko"]
    assert control.store.pending("garam") == []


async def test_a_window_that_does_not_read_loses_its_place_and_no_token(running, port, monkeypatch):
    control, _ = running
    monkeypatch.setattr(web, "UNREAD_MAX", 3)
    async with page(port, "kim") as kim:
        await asked(kim, port)
        (seat,) = control.seats
        for n in range(10):
            control._operators.show({"calm": {"calm": {"n": n}}}, n)
        assert seat.window.lagging
        grant(control)
        (token,) = await kim.until(lambda p: p.admits and p.fulls == 2 and p.admits)
        assert token["grant"] == "G1"
        assert kim.shown["calm"]["calm"] != {"n": 0}


async def test_a_mistake_of_ours_in_a_request_ends_the_program(folder, port):
    async with Relay(folder):
        control = Control(folder)
        task = asyncio.create_task(control.run())
        await until(lambda: control.relay.up and listening(port))

        def broken(_):
            raise AssertionError("our own mistake")

        control.on_unit = broken
        await http(port, "GET", f"/unit?id=phone1&lat={LAT}&lon={LON}&timestamp={int(time.time())}&key={KEY}")
        await asyncio.wait({task}, timeout=PATIENCE_S)
        assert task.done()
        assert "our own mistake" in repr(task.exception().exceptions)
        control.store.close()


async def test_a_units_phone_says_where_it_is_with_its_own_key_only(running, port):
    _, _ = running
    lat = LAT + 0.01
    query = f"/unit?id=phone1&lat={lat}&lon={LON}&timestamp={int(time.time())}"
    assert (await http(port, "GET", query, X_Device_Key="wrong"))[0] == 401
    assert (await http(port, "GET", query.replace("phone1", "d1"), X_Device_Key=KEY))[0] == 401
    async with page(port, "kim") as kim:
        assert (await http(port, "GET", query, X_Device_Key=KEY))[0] == 200
        await kim.until(lambda p: p.one("units")["lat"] == round(lat, 6))
