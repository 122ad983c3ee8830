"""A city's program: its pages, its people, what they see and for how long."""

import asyncio
import contextlib
import itertools
import json
import sys
from pathlib import Path

import msgspec
import pytest
from patience import PATIENCE_S

sys.path.insert(0, str(Path(__file__).parent))
import deployment
import ports
from deployment import LAT, LON, cookie, http, page, sign_in
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from safetynet.app import surveys
from safetynet.app.city import City
from safetynet.core import cameras, city
from safetynet.core.events import Place, ViewerAdmitted
from safetynet.core.messages import (
    AwaitPerson,
    EndGrant,
    EndIncident,
    Envelope,
    GiveGrant,
    MovePlace,
    PrepareVideo,
    RefuseVideo,
    ReportSighting,
    RequestVideo,
)
from safetynet.core.terms import HOUR_MS, AlarmKind, Basis, Source, Why
from safetynet.edge import clock, codec, registry
from safetynet.edge.registry import CityCameras
from safetynet.edge.relay.words import SetLease


class Running:
    """A city in this process, and a control centre that speaks to it without a road."""

    def __init__(self, folder: Path, port: int) -> None:
        self.city, self.port, self._seq = City(folder), port, itertools.count(1)

    def hear(self, message) -> None:
        envelope = Envelope(
            v=1, origin="control", to="garam", epoch=1, seq=next(self._seq), sent_at=clock.now(), body=b""
        )
        self.city.deliver(envelope, message)

    def ask(self, form=RequestVideo, incident="I1", request="R1", **but) -> None:
        at = clock.now()
        place = Place(LAT, LON, 15.0, Source.GNSS, at - 1_000, at, 1)
        facts = {
            "incident": incident, "request": request, "basis": Basis.DEVICE_DUTY, "kind": AlarmKind.STRAP_CUT,
            "place": place, "radius_m": 300, "cameras_max": 4, "until": at + 600_000,
        }  # fmt: skip
        self.hear(form(**(facts | but)))

    def said(self) -> list:
        return [codec.decode_message(each.body) for each in self.city.store.pending("control", 0, 100)]


@pytest.fixture
async def running(tmp_path):
    port = ports.take(6)
    one = Running(deployment.make_city(tmp_path, port), port)
    task = asyncio.create_task(one.city.run())
    async with asyncio.timeout(PATIENCE_S):
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                await writer.wait_closed()
                break
            await asyncio.sleep(0.02)
    yield one
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    one.city.store.close()


async def test_pages_are_for_the_citys_own_people(running):
    status, _, body = await http(running.port, "GET", "/")
    assert (status, b"sign-in.js" in body) == (200, True)
    status, headers, _ = await http(running.port, "GET", "/city")
    assert (status, headers["location"]) == (307, "/")
    _, headers, _ = await sign_in(running.port, "shim")
    own = headers["set-cookie"].partition(";")[0]
    status, headers, body = await http(running.port, "GET", "/city", cookie=own)
    assert (status, b"city.js" in body) == (200, True)
    assert f"ws://127.0.0.1:{running.port + 4}" in headers["content-security-policy"]
    status, headers, body = await sign_in(running.port, "lost")
    assert (status, json.loads(body)["reason"], "set-cookie" in headers) == (403, "not_at_this_door", False)


DEEP = "[" * 1_500 + "]" * 1_500


@pytest.mark.parametrize("body", [b'{"account":"\xff","password":"x"}', b'{"account":' + DEEP.encode()])
async def test_nonsense_at_the_door_stops_nothing(running, body):
    assert (await http(running.port, "POST", "/sign-in", body))[0] == 400
    assert (await sign_in(running.port, "shim"))[0] == 200, "the centre runs on"


@pytest.mark.parametrize(
    "frame", ['{"op":"hello","x":' + DEEP + "}", '{"op":"do","ref":1,"act":"watch","x":' + DEEP + "}"]
)
async def test_a_window_that_nests_without_end_is_closed_alone(running, frame):
    async with page(running.port, "shim") as other:
        async with page(running.port, "shim") as window:
            await window.socket.send(frame)
            with pytest.raises(ConnectionClosed):
                while True:
                    await window.step()
        assert await other.do("watch", incident="I9") == "not_live", "the centre runs on"
        said = {"Cookie": await cookie(running.port, "shim")}
        async with connect(f"ws://127.0.0.1:{running.port}/ws", additional_headers=said, compression=None) as bare:
            await bare.send(frame)
            with pytest.raises(ConnectionClosed):
                await bare.recv()
    assert (await sign_in(running.port, "shim"))[0] == 200


async def test_a_position_is_seen_while_a_request_is_open_and_by_nobody_after(running):
    async with page(running.port, "shim") as window:
        running.ask(PrepareVideo)
        await window.until(lambda page: page.shown["requests"].get("R1"))
        prepared = window.one("requests")
        assert (prepared["state"], prepared["cameras"]) == ("prepared", [])
        assert window.shown["incidents"] == {}, "a preparation shows nobody where anybody is"
        running.ask()
        shown = await window.until(lambda page: page.shown["incidents"].get("I1"))
        assert shown["place"]["lat"] == LAT
        assert shown["who"] == {"name": ""}
        away = {"epoch": window.epoch, "seq": window.seq}
        at = clock.now()
        moved = Place(LAT + 3e-4, LON, 15.0, Source.GNSS, at, at, 2)
        running.hear(MovePlace(incident="I1", request="R1", place=moved))
        await window.until(lambda page: page.shown["incidents"]["I1"]["place"]["lat"] > LAT)
        running.hear(EndIncident(incident="I1", why=Why.INCIDENT_CLOSED))
        await window.until(lambda page: not page.shown["incidents"])
        assert window.shown["requests"] == {}
        (row,) = window.shown["provisions"].values()
        assert (row["state"], row["why"], row["unreviewed"]) == ("ended", "incident_closed", True)
        assert "lat" not in str(window.shown["provisions"])
    async with page(running.port, "shim", have=away) as back:
        assert back.fulls == 1, "who was away is not told where anybody was"
        assert back.shown["incidents"] == {}


async def test_a_person_answers_where_the_head_has_said_so(running):
    async with page(running.port, "shim") as window, page(running.port, "eom") as head:
        rule = {"basis": Basis.DEVICE_DUTY.value, "approval": "person"}
        assert await window.do("set_approval", **rule) == "not_allowed_now"
        assert await head.do("set_approval", **rule) == "ok"
        running.ask()
        waits = await window.until(lambda page: page.shown["requests"].get("R1"))
        assert (waits["state"], waits["answer_by"] > clock.now()) == ("waiting", True)
        assert isinstance(running.said()[-1], AwaitPerson)
        assert await window.do("watch", incident="I1") == "ok", "it may be asked for; nothing comes before a grant"
        assert window.admits == []
        assert await window.do("refuse", request="R1", why="policy_denied") == "not_allowed_now"
        assert await window.do("refuse", request="R1", why="others_shown") == "ok"
        assert running.said()[-1] == RefuseVideo(incident="I1", request="R1", why=Why.OTHERS_SHOWN)
        running.ask(request="R2", incident="I2")
        waits = await window.until(lambda page: page.shown["requests"].get("R2"))
        out = waits["cameras"][0]["camera"]
        assert await window.do("approve", request="R2", without=[out]) == "ok"
        given = running.said()[-1]
        assert isinstance(given, GiveGrant)
        assert out not in {each.camera for each in given.cameras}
        assert await window.do("approve", request="R2") == "not_allowed_now", "one answer is enough"
        row = await window.until(lambda page: page.shown["provisions"].get("R2"))
        assert (row["by_name"], row["unreviewed"]) == ("심시험", False)


async def test_own_people_are_let_in_once_by_a_token_and_their_finding_is_sent(running):
    async with page(running.port, "shim") as window, page(running.port, "eom") as other:
        running.ask()
        await window.until(lambda page: page.shown["incidents"].get("I1"))
        assert await window.do("watch", incident="I9") == "not_live"
        assert await window.do("watch", incident="I1") == "ok"
        admit = (await window.until(lambda page: page.admits))[0]
        grant = window.one("requests")["grant"]
        assert admit["grant"] == f"{grant}/own"
        assert other.admits == [], "another window asks for itself"
        events = [event for _, event in running.city.store.events() if isinstance(event, ViewerAdmitted)]
        assert [(each.by, each.grant) for each in events] == [("p-shim", f"{grant}/own")]
        camera = window.one("requests")["cameras"][0]["camera"]
        assert await window.do("mark", grant=grant, camera="c-none", sight="seen") == "camera_not_granted"
        assert await window.do("mark", grant=grant, camera=camera, sight="seen", heading="ne", travel="car") == "ok"
        said = running.said()[-1]
        assert isinstance(said, ReportSighting)
        assert "p-shim" not in codec.encode_message(said).decode(errors="replace")
        (seen,) = await other.until(lambda page: page.shown["incidents"].get("I1", {}).get("sightings"))
        assert (seen["who"], seen["heading"]) == ("심시험", "ne")
        assert await window.do("turn", grant=grant, camera=camera, turn="left") == "no_ptz"
        assert await window.do("review", grant=grant) == "ok"
        assert await window.do("stop", grant=grant, why="needed_elsewhere") == "ok"
        assert running.said()[-1] == EndGrant(incident="I1", grant=grant, why=Why.NEEDED_ELSEWHERE)
        assert await window.do("watch", incident="I1") == "not_live"
        row = (await window.until(lambda page: page.shown["provisions"]["R1"]["ended_by_name"] and page.shown["provisions"]["R1"]))  # fmt: skip
        assert (row["watched"], row["reviewed_by_name"], row["ended_by_name"]) == (True, "심시험", "심시험")


async def test_a_clock_that_is_set_back_lengthens_no_lease(running, monkeypatch):
    """The wall says that there is an hour more; the clock that nobody can set says when it would have ended."""
    program, leases = running.city, []
    program.relay.tell = lambda word: leases.append(word) if isinstance(word, SetLease) else None
    program.link.confirmed.add("control")
    program.link.heard_at = lambda _: clock.monotonic()
    wall, steady = clock.now, clock.monotonic
    running.ask(until=clock.now() + 5_000)
    (held,) = program.loop.state.requests.values()
    assert 4_000 < leases[-1].lease_ms <= 5_000
    monkeypatch.setattr(clock, "now", lambda: wall() - HOUR_MS)
    program._lease(held.grant, held.cameras)
    assert leases[-1].lease_ms <= 5_000
    monkeypatch.setattr(clock, "monotonic", lambda: steady() + 5_000)
    count = len(leases)
    program._lease(held.grant, held.cameras)
    assert len(leases) == count, "it is over"


async def test_nobody_is_let_in_to_what_is_no_grant(running):
    async with page(running.port, "shim") as window:
        assert await window.do("admit", grant="G-NONE") == "no_such_grant"


async def told_of(port: int, path: str) -> tuple[int, dict]:
    own = await cookie(port, "shim")
    status, _, body = await http(port, "GET", path, cookie=own)
    return status, json.loads(body)


SETTING = {"azimuth_deg": 0.0, "view_deg": 60.0, "range_m": 90.0, "presets": []}


async def test_staff_say_how_a_camera_stands_and_it_holds_over_a_restart_and_another_list(running):
    assert (await http(running.port, "GET", "/cameras"))[0] == 401
    status, found = await told_of(running.port, "/cameras?find=c-1")
    assert (status, [each["camera"] for each in found["rows"]], found["unknown"]) == (200, ["c-1"], 1)
    status, before = await told_of(running.port, "/cameras/c-1")
    assert (status, before["setting"], before["can_undo"], before["listed"]["range_m"]) == (200, None, False, 60.0)
    assert (await told_of(running.port, "/cameras/none"))[0] == 404
    running.ask()
    async with page(running.port, "shim") as window:
        await window.until(lambda page: page.shown["incidents"].get("I1"))
        saved = await window.do("calibrate", camera="c-1", setting=SETTING, over=None, because="measured")
        assert saved == "ok"
        (cone,) = [each for each in window.one("incidents")["video"]["cameras"] if each["camera"] == "c-1"]
        if cone["azimuth_deg"] is None:
            await window.until(
                lambda page: any(
                    each["camera"] == "c-1" and each["azimuth_deg"] == 0.0
                    for each in page.one("incidents")["video"]["cameras"]
                )
            )
        stale = await window.do("calibrate", camera="c-1", setting=SETTING, over=None, because="aligned")
        assert stale == "stale"
        assert (
            await window.do("calibrate", camera="c-1", setting=SETTING, over=SETTING, because="undone") == "malformed"
        )
        assert await window.do("calibrate", camera="c-1", setting=SETTING) == "bad_command"
    sent = [card for each in running.said() if hasattr(each, "cameras") for card in each.cameras]
    assert [each.azimuth_deg for each in sent if each.camera == "c-1"][-1] == 0.0, "the control centre's map shows it"
    folder = running.city.folder
    renamed = tuple(msgspec.structs.replace(each, name=f"새 {each.name}") for each in registry.read(folder))
    registry.write(folder, CityCameras(city="garam", cameras=renamed))
    state = city.EMPTY
    for _, event in running.city.store.events():
        state = city.evolve(state, event)
    ground = city.Ground(cameras.Registry.of(registry.read(folder)), deployment.AREA)
    seen = surveys.calibrated(ground, state, "c-1", {"p-shim": "심시험"}, registry.read_descriptions(folder))
    assert (seen["name"], seen["setting"], seen["reason"], seen["can_undo"]) == (
        "새 시험 -1",
        SETTING,
        "measured",
        True,
    )
    assert seen["set_by"] == "심시험"
    assert ground.surveyed(state).registry.camera("c-1").azimuth_deg == 0.0
