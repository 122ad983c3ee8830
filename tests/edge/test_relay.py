"""The two relays, attacked: by time, by a dead loop, by a broken log, by windows and centres that ask for too much."""

import asyncio
import hashlib
import json
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from safetynet.core.events import CameraPreconnected, RelayEvent, Segment, StreamClosed, StreamOpened, ViewingRefused
from safetynet.core.terms import CameraId, GrantId, IncidentId, Instant, RequestId, ViewerId, Why
from safetynet.edge import clock
from safetynet.edge.relay import words
from safetynet.edge.relay.centre import Centre
from safetynet.edge.relay.credit import STALE_S, WINDOW_BYTES_MAX, WINDOW_BYTES_MIN, Credit, Mode, Outlet, Piece
from safetynet.edge.relay.desk import Desk
from safetynet.edge.relay.log import LedgerFailedError, Log
from safetynet.edge.sources import fmp4
from safetynet.sim import cameras
from safetynet.sim.h264 import PcmWriter

sys.path.insert(0, str(Path(__file__).parent))
from pipe import CITY, CONTROL, GRANT, INCIDENT, STRANGER, VIEWER, Pipe, lease


class Page:
    """A window as a program: acknowledges like the player, unless it is told not to."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket, self.texts, self.fragments = socket, list[dict[str, Any]](), dict[int, list[bytes]]()
        self.acknowledge = True
        self.task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            async for message in self.socket:
                if isinstance(message, str):
                    self.texts.append(json.loads(message))
                elif message[6:10] == b"prft":
                    self.fragments.setdefault(int.from_bytes(message[:2], "big"), []).append(message[2:])
                    if self.acknowledge:
                        await self.socket.send(message[:2] + b"\0\1")
        except ConnectionClosed:
            return

    async def say(self, **what: object) -> None:
        await self.socket.send(json.dumps(what))

    async def watch(self, tile: int, camera: str, grant: str = GRANT) -> None:
        await self.say(op="open", tile=tile, grant=grant, camera=camera)

    def count(self, tile: int = 1) -> int:
        return len(self.fragments.get(tile, []))

    def said(self, **what: object) -> bool:
        return any(all(text.get(k) == v for k, v in what.items()) for text in self.texts)

    async def until(self, truth: Callable[[], object], seconds: float = 5) -> None:
        async with asyncio.timeout(seconds):
            while not truth():
                await asyncio.sleep(0.01)


@pytest.fixture
async def pipe(tmp_path: Path) -> AsyncIterator[Pipe]:
    made = Pipe(tmp_path)
    yield made
    await made.close()


@pytest.fixture
async def pages(pipe: Pipe) -> AsyncIterator[Callable[..., Any]]:
    opened: list[Page] = []

    async def open(token: str | None = "token") -> Page:
        page = Page(await connect(f"ws://127.0.0.1:{pipe.port}/video", max_size=None))
        opened.append(page)
        if token is not None:
            await page.say(op="hello", token=token)
        return page

    yield open
    for page in opened:
        await page.socket.close()
        await page.task


async def start(pipe: Pipe, ids: tuple[str, ...] = ("a",), **more: Any) -> None:
    await pipe.open({each: cameras.TestCard() for each in ids}, **more)
    await pipe.lease(list(ids))
    await pipe.admit("token", list(ids))


def records(log: Log, kind: type[RelayEvent]) -> list[Any]:
    return [each for each in log.pending(10_000)[1] if isinstance(each, kind)]


# --- what was seen is what is recorded


async def test_both_ledgers_agree_on_every_segment(pipe: Pipe, pages: Any) -> None:
    await start(pipe, ("a", "b"))
    page = await pages()
    await page.watch(1, "a")
    await page.watch(2, "b")
    await page.until(lambda: page.count(1) > 45 and page.count(2) > 45, 10)
    await page.say(op="close", tile=1)
    await page.say(op="close", tile=2)
    await page.until(lambda: len(records(pipe.centre_log, StreamClosed)) == 4)
    given_segments = {(each.stream, each.seq): each for each in records(pipe.city_log, Segment)}
    received = {(each.stream, each.seq): each for each in records(pipe.centre_log, Segment)}
    assert given_segments.keys() == received.keys()
    assert len(given_segments) >= 6
    for place, each in given_segments.items():
        assert each.sha256 == received[place].sha256
        assert each.last_ticks - each.first_ticks < 2 * 90_000
        assert (each.side, received[place].side) == ("given", "received")
    assert pipe.centre.uplinks[CITY].mismatches == 0
    viewed = [each for each in records(pipe.centre_log, StreamOpened) if each.side == "viewed"]
    assert {(each.camera, each.viewer) for each in viewed} == {("a", VIEWER), ("b", VIEWER)}
    assert not any(each.viewer == VIEWER for each in records(pipe.city_log, StreamOpened))  # a city learns no person


async def test_opened_is_on_disk_before_the_first_byte(pipe: Pipe, pages: Any) -> None:
    await start(pipe)
    page, seen = await pages(), list[int]()
    await page.watch(1, "a")
    while not page.count():
        await asyncio.sleep(0)
    base = sqlite3.connect(pipe.folder / "city.db")
    seen.append(base.execute("select count(*) from row").fetchone()[0])
    base.close()
    assert seen[0] >= 1


async def test_a_log_that_cannot_be_written_stops_the_stream(pipe: Pipe, pages: Any) -> None:
    await start(pipe)
    page = await pages()
    await page.watch(1, "a")
    await page.until(lambda: page.count() > 3)
    pipe.city_log._base.execute(
        "create trigger full before insert on row begin select raise(fail, 'disk is full'); end"
    )
    await page.until(lambda: page.said(tile=1, state="ended", why="ledger_failed"))
    ticks = [fmp4.ticks_of(each) for each in page.fragments[1]]
    assert ticks[-1] - ticks[0] <= 2 * 90_000  # nothing of the segment after the one that could not be recorded
    assert pipe.city.failed_writes >= 1
    before = page.count()
    await asyncio.sleep(0.5)
    assert page.count() == before


async def test_without_a_log_nothing_opens(pipe: Pipe, pages: Any) -> None:
    await start(pipe)
    pipe.city_log._base.execute(
        "create trigger full before insert on row begin select raise(fail, 'disk is full'); end"
    )
    page = await pages()
    await page.watch(1, "a")
    await page.until(lambda: page.said(tile=1, state="ended", why="ledger_failed"))
    assert page.count() == 0


async def test_a_city_that_gives_other_bytes_than_it_says_is_not_watched(
    pipe: Pipe, pages: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await start(pipe)
    honest = msgspec.msgpack.encode

    def lying(value: object) -> bytes:
        return honest(words.SegmentEnd(value.seq, bytes(32), False) if isinstance(value, words.SegmentEnd) else value)

    page = await pages()
    await page.watch(1, "a")
    await page.until(lambda: page.count() > 3)
    monkeypatch.setattr(msgspec.msgpack, "encode", lying)
    await page.until(lambda: page.said(tile=1, state="ended", why="ledger_failed"))
    assert pipe.centre.uplinks[CITY].mismatches == 1


# --- leases and cuts


async def test_a_dead_loop_ends_the_stream_with_the_lease(pipe: Pipe, pages: Any) -> None:
    await pipe.open({"a": cameras.TestCard()})
    await pipe.lease(["a"], lease_ms=1_200)
    await pipe.admit("token", ["a"])
    page = await pages()
    await page.watch(1, "a")
    await page.until(lambda: page.count() > 2)
    await page.until(lambda: page.said(tile=1, state="lost"), 2.5)  # and no word from anybody
    count = page.count()
    await asyncio.sleep(0.5)
    assert page.count() == count
    assert pipe.city.cameras_open == 0
    assert [each.why for each in records(pipe.city_log, StreamClosed)] == [Why.LEASE_RUN_OUT]


async def test_a_renewed_lease_goes_on(pipe: Pipe, pages: Any) -> None:
    await pipe.open({"a": cameras.TestCard()})
    await pipe.admit("token", ["a"])
    page = await pages()
    for k in range(6):
        await pipe.lease(["a"], lease_ms=700)
        if k == 0:
            await page.watch(1, "a")
        await asyncio.sleep(0.4)
    assert page.count() > 15
    assert not page.said(state="lost")


async def test_an_ended_grant_is_cut_at_once_and_stays_ended(pipe: Pipe, pages: Any) -> None:
    await start(pipe)
    page = await pages()
    await page.watch(1, "a")
    await page.until(lambda: page.count() > 2)
    at = clock.monotonic()
    await pipe.city.take(words.EndGrant(grant=GRANT, why=Why.INCIDENT_CLOSED))
    await page.until(lambda: page.said(tile=1, state="ended", why="incident_closed"))
    assert clock.monotonic() - at < 1_000
    assert pipe.server.watched() == 0  # no lingering after a grant
    await pipe.lease(["a"])
    assert [each.why for each in records(pipe.city_log, ViewingRefused)] == [Why.GRANT_ENDED]
    await page.watch(2, "a")
    await page.until(lambda: page.said(tile=2, state="ended"))
    assert page.count(2) == 0


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"signature": bytes(64)}, Why.BAD_SIGNATURE),
        ({"lease_ms": 10_001}, Why.TOO_LONG),
        ({"lease_ms": 0}, Why.TOO_LONG),
        ({"issued_ms": 1}, Why.STALE),
        ({"issued_ms": 2**50}, Why.STALE),
    ],
)
async def test_a_bad_lease_opens_nothing(pipe: Pipe, more: dict[str, Any], why: Why) -> None:
    await pipe.open({"a": cameras.TestCard()})
    await pipe.lease(["a"], **more)
    assert [each.why for each in records(pipe.city_log, ViewingRefused)] == [why]
    assert pipe.city.leases.url(CameraId("a")) is None


async def test_a_lease_cannot_be_altered_or_replayed(pipe: Pipe) -> None:
    await pipe.open({"a": cameras.TestCard(), "b": cameras.TestCard()})
    good = lease(pipe.server, ["a"])
    for changed in (
        msgspec.structs.replace(good, cameras=(CameraId("a"), CameraId("b"))),
        msgspec.structs.replace(good, receiver=STRANGER),
        msgspec.structs.replace(good, urls={CameraId("a"): "rtsp://127.0.0.1/other"}),
        msgspec.structs.replace(good, lease_ms=9_999),
        msgspec.structs.replace(good, grant=GrantId("g2")),
    ):
        await pipe.city.take(changed)
    await pipe.city.take(good)
    await pipe.city.take(good)
    assert [each.why for each in records(pipe.city_log, ViewingRefused)] == [Why.BAD_SIGNATURE] * 5 + [Why.STALE]


async def test_another_centre_cannot_use_the_grant(pipe: Pipe, pages: Any) -> None:
    pipe.caller = STRANGER
    await start(pipe)
    page = await pages()
    await page.watch(1, "a")
    await page.until(lambda: records(pipe.city_log, ViewingRefused))
    assert records(pipe.city_log, ViewingRefused)[0].why is Why.NO_SUCH_GRANT
    assert pipe.city.cameras_open == 0
    assert page.count() == 0


async def test_who_has_no_certificate_is_not_heard(pipe: Pipe, pages: Any) -> None:
    pipe.caller = None  # type: ignore[assignment]
    await start(pipe)
    page = await pages()
    await page.watch(1, "a")
    await page.until(lambda: pipe.city.refused >= 1)
    assert page.count() == 0


async def test_cameras_that_move_on_are_cut_at_both_ends(pipe: Pipe, pages: Any) -> None:
    await start(pipe, ("a", "b"))
    page = await pages()
    await page.watch(1, "a")
    await page.watch(2, "b")
    await page.until(lambda: page.count(1) > 2 and page.count(2) > 2)
    await pipe.lease(["b"])
    await page.until(lambda: page.said(tile=1, state="ended", why="moved_on"))
    await pipe.centre.take(words.SetCameras(grant=GRANT, cameras=(CameraId("a"),)))
    await page.until(lambda: page.said(tile=2, state="ended", why="moved_on"))
    await page.watch(3, "b")
    await page.until(lambda: page.said(tile=3, state="refused", why="camera_not_granted"))


@pytest.mark.parametrize(
    "cut",
    [
        words.CutGrant(grant=GRANT, why=Why.WITHDRAWN),
        words.CutIncident(incident=INCIDENT, why=Why.WITHDRAWN),
        words.CutViewer(viewer=VIEWER, why=Why.WITHDRAWN),
    ],
)
async def test_the_scissors_work_when_everything_else_is_dead(pipe: Pipe, pages: Any, cut: words.ToRelay) -> None:
    await start(pipe)
    page = await pages()
    page.acknowledge = True
    await page.watch(1, "a")
    await page.until(lambda: page.count() > 2)
    pipe.city._judge_all = lambda: None  # type: ignore[method-assign]
    pipe.city.judge = lambda _: None  # type: ignore[method-assign]
    for line in pipe.city._lines:
        line.read = asyncio.Future  # type: ignore[method-assign,assignment]
    at = clock.monotonic()
    await pipe.centre.take(cut)
    await page.until(lambda: page.said(tile=1, state="ended", why="withdrawn"), 2)
    assert page.said(grant=GRANT, state="ended", why="withdrawn")
    assert clock.monotonic() - at < 500
    count = page.count()
    await asyncio.sleep(0.4)
    assert page.count() == count
    await page.watch(2, "a")
    await page.until(lambda: page.said(tile=2, state="refused", why="no_such_grant"))


async def test_an_admission_runs_out_by_itself(pipe: Pipe, pages: Any) -> None:
    await pipe.open({"a": cameras.TestCard()})
    await pipe.lease(["a"])
    await pipe.admit("token", ["a"], until_ms=Instant(clock.now() + 1_200))
    page = await pages()
    await page.watch(1, "a")
    await page.until(lambda: page.count() > 2)
    await page.until(lambda: page.said(grant=GRANT, state="ended", why="run_out"), 2.5)
    count = page.count()
    await asyncio.sleep(0.3)
    assert page.count() == count


async def test_a_cut_concerns_nobody_else(pipe: Pipe, pages: Any) -> None:
    await start(pipe)
    await pipe.admit("other", ["a"], viewer=ViewerId("v2"))
    first, second = await pages("token"), await pages("other")
    await first.watch(1, "a")
    await second.watch(1, "a")
    await second.until(lambda: first.count() > 2 and second.count() > 2)
    await pipe.centre.take(words.CutViewer(viewer=VIEWER, why=Why.WITHDRAWN))
    await pipe.centre.take(words.CutIncident(incident=IncidentId("i2"), why=Why.WITHDRAWN))
    count = second.count()
    await second.until(lambda: second.count() > count + 5, 3)
    assert first.said(tile=1, state="ended")
    assert pipe.server.methods["PLAY"] == 1


# --- windows that ask for too much


async def test_a_token_admits_once_also_after_a_restart(pipe: Pipe, pages: Any) -> None:
    await start(pipe)
    await pages("token")
    await asyncio.sleep(0.1)
    again = await pages("token")
    await again.until(lambda: again.said(state="refused", why="token_used"))
    other = Centre(pipe.centre_log, {}, None, lambda _: None, [])
    await other.take(
        words.Admit(
            token_sha256=hashlib.sha256(b"token").digest(),
            viewer=VIEWER,
            incident=INCIDENT,
            grant=GRANT,
            city=CITY,
            cameras=(),
            until_ms=Instant(clock.now() + 60_000),
        )
    )
    assert await other.admit_window("token") is Why.TOKEN_USED
    await other.close()


async def test_an_unknown_token_admits_nobody(pipe: Pipe, pages: Any) -> None:
    await start(pipe)
    page = await pages("guess")
    await page.until(lambda: page.said(state="refused", why="token_unknown"))
    await page.watch(1, "a")
    await page.until(lambda: page.said(tile=1, state="refused", why="no_such_grant"))
    assert {each.why for each in records(pipe.centre_log, ViewingRefused)} == {Why.TOKEN_UNKNOWN, Why.NO_SUCH_GRANT}


async def test_another_camera_is_refused(pipe: Pipe, pages: Any) -> None:
    await pipe.open({"a": cameras.TestCard(), "b": cameras.TestCard()})
    await pipe.lease(["a", "b"])
    await pipe.admit("token", ["a"])
    page = await pages()
    await page.watch(1, "b")
    await page.until(lambda: page.said(tile=1, state="refused", why="camera_not_granted"))
    assert page.count() == 0
    assert "PLAY" not in pipe.server.methods


async def test_guessing_ends_the_socket(pipe: Pipe, pages: Any) -> None:
    await start(pipe)
    page = await pages(None)
    for k in range(60):
        try:
            await page.say(op="hello", token=str(k))
        except ConnectionClosed:
            break
    await page.until(lambda: page.task.done())  # noqa: PLW0108


@pytest.mark.parametrize(
    "nonsense",
    ["{", "[]", '{"op":"fly"}', '{"op":"open","tile":99999999}', '{"op":"mode","mode":"x"}', b"\0", b"x" * 5_000],
)
async def test_nonsense_ends_the_socket_and_nothing_else(pipe: Pipe, pages: Any, nonsense: str | bytes) -> None:
    await start(pipe)
    page = await pages()
    await page.socket.send(nonsense)
    await page.until(lambda: page.task.done())  # noqa: PLW0108
    assert not pipe.centre.crew.failed.done()


async def test_a_page_of_somebody_else_gets_no_socket(tmp_path: Path) -> None:
    log = Log(tmp_path / "x.db")
    centre = Centre(log, {}, None, lambda _: None, ["http://127.0.0.1:8400"])
    port = await centre.open("127.0.0.1", 0, None)
    with pytest.raises(InvalidStatus):
        await connect(f"ws://127.0.0.1:{port}/video", origin="http://evil.example")  # type: ignore[arg-type]
    with pytest.raises(InvalidStatus):
        await connect(f"ws://127.0.0.1:{port}/else", origin="http://127.0.0.1:8400")  # type: ignore[arg-type]
    good = await connect(f"ws://127.0.0.1:{port}/video", origin="http://127.0.0.1:8400")  # type: ignore[arg-type]
    await good.close()
    await centre.close()
    await log.close()


# --- beginnings


def loop_clip() -> cameras.Clip:
    """A camera with key frames 4 s apart that ignores the wish for one."""
    writer, planes, pictures = PcmWriter(192, 96, 1_000), np.full((144, 192), 90, np.uint8), []
    for k in range(40):
        cameras.stamp(planes, k)
        nals, key = writer.encode(planes)
        pictures.append((tuple(nals[2:] if key else nals), key, k * 0.1))
    return cameras.Clip(192, 96, tuple(pictures), 4.0, writer.sps, writer.pps, audio=True)


async def test_preconnection_delivers_nothing_and_is_recorded(pipe: Pipe, pages: Any) -> None:
    await pipe.open({"a": cameras.TestCard()})
    await pipe.preconnect(["a"])
    await asyncio.sleep(0.5)
    assert pipe.server.watched() == 1
    assert [type(each) for each in pipe.city_log.pending(10)[1]] == [CameraPreconnected]
    await pipe.city.take(words.EndPreconnect(request=RequestId("r1")))
    await asyncio.sleep(0.1)
    assert pipe.server.watched() == 0


async def test_after_a_grant_delivery_begins_at_a_key_frame_made_since(pipe: Pipe, pages: Any) -> None:
    await pipe.open({"a": cameras.TestCard()})
    await pipe.preconnect(["a"])
    await asyncio.sleep(0.6)
    granted = clock.now()
    await pipe.lease(["a"])
    await pipe.admit("token", ["a"])
    page = await pages()
    await page.watch(1, "a")
    await page.until(lambda: page.count() > 25)
    first = page.fragments[1][0]
    assert fmp4.is_key(first)
    made = int.from_bytes(first[16:24], "big") / 2**32 * 1_000 - 2_208_988_800_000
    assert made >= granted - 1
    await page.until(lambda: records(pipe.city_log, Segment))
    assert not any(each.pre_grant for each in records(pipe.city_log, Segment))


async def test_a_camera_that_ignores_the_wish_begins_pre_grant_and_says_so(pipe: Pipe, pages: Any) -> None:
    await pipe.open({"a": loop_clip()})
    await pipe.preconnect(["a"])
    await asyncio.sleep(0.6)
    await pipe.lease(["a"])
    await pipe.admit("token", ["a"])
    page = await pages()
    at = clock.monotonic()
    await page.watch(1, "a")
    await page.until(lambda: page.count() > 3)
    assert 450 <= clock.monotonic() - at < 1_500
    assert fmp4.is_key(page.fragments[1][0])
    await page.until(lambda: len(records(pipe.centre_log, Segment)) >= 3, 8)
    marks = [each.pre_grant for each in records(pipe.city_log, Segment)]
    assert marks[0]
    assert not marks[2]
    assert [each.pre_grant for each in records(pipe.centre_log, Segment)][:3] == marks[:3]


async def test_a_second_window_joins_without_a_second_stream(pipe: Pipe, pages: Any) -> None:
    await start(pipe)
    await pipe.admit("other", ["a"], viewer=ViewerId("v2"))
    first, second = await pages("token"), await pages("other")
    await first.watch(1, "a")
    await first.until(lambda: first.count() > 5)
    at = clock.monotonic()
    await second.watch(1, "a")
    await second.until(second.count)
    assert clock.monotonic() - at < 300
    assert fmp4.is_key(second.fragments[1][0])
    assert len(records(pipe.city_log, StreamOpened)) == 1


async def test_a_camera_that_dies_comes_back_in_the_same_tile(pipe: Pipe, pages: Any) -> None:
    await start(pipe)
    page = await pages()
    await page.watch(1, "a")
    await page.until(lambda: page.count() > 2)
    for session in tuple(pipe.server.sessions):
        session.end()
    await page.until(lambda: page.said(tile=1, state="lost", why="camera_lost"))
    count = page.count()
    await page.until(lambda: page.count() > count + 5, 6)
    ticks = [fmp4.ticks_of(each) for each in page.fragments[1]]
    assert ticks == sorted(ticks)


async def test_the_way_to_the_city_breaks_and_heals(pipe: Pipe, pages: Any) -> None:
    await start(pipe)
    page = await pages()
    await page.watch(1, "a")
    await page.until(lambda: page.count() > 2)
    for line in tuple(pipe.city._lines):
        line.writer.transport.abort()
    await page.until(lambda: page.said(tile=1, state="lost", why="link_lost"))
    count = page.count()
    await page.until(lambda: page.count() > count + 5, 6)
    streams = [each.stream for each in records(pipe.centre_log, StreamOpened) if each.side == "viewed"]
    assert len(set(streams)) == 2


async def test_paused_and_key_only_tiles(pipe: Pipe, pages: Any) -> None:
    await start(pipe)
    page = await pages()
    await page.watch(1, "a")
    await page.until(lambda: page.count() > 2)
    await page.say(op="mode", tile=1, mode="key")
    await asyncio.sleep(0.3)
    before = page.count()
    await asyncio.sleep(0.7)
    assert page.count() == before  # its next key frame is seconds away
    await page.say(op="mode", tile=1, mode="full")
    await page.until(lambda: page.count() > before + 3, 2)
    assert fmp4.is_key(page.fragments[1][before])


# --- slow roads


async def test_a_window_that_does_not_acknowledge_costs_no_memory_and_no_other_window(pipe: Pipe, pages: Any) -> None:
    await start(pipe)
    await pipe.admit("other", ["a"], viewer=ViewerId("v2"))
    stuck, good = await pages("token"), await pages("other")
    stuck.acknowledge = False
    await stuck.watch(1, "a")
    await good.watch(1, "a")
    await good.until(lambda: good.count() > 30, 8)
    assert sum(map(len, stuck.fragments[1])) < WINDOW_BYTES_MIN + 400_000
    (tile,) = [t for w in pipe.centre._windows for t in w.tiles.values() if t.outlet.dropped]
    assert tile.outlet._bytes < 16_000_000


def piece(size: int, *, key: bool = False) -> Piece:
    return Piece(bytes(size), key, 0, Instant(0), fmp4.Init(b"", "", 0, 0))


@given(st.lists(st.tuples(st.integers(1, 400_000), st.floats(0, 2), st.integers(0, 5)), max_size=80))
def test_credit_never_runs_away(steps: list[tuple[int, float, int]]) -> None:
    credit, now, largest = Credit(), 0.0, 0
    for size, wait, acks in steps:
        if credit.open():
            credit.sent(size, now)
            largest = max(largest, size)
        now += wait
        credit.acked(acks, now)
        assert 0 <= credit.flying <= WINDOW_BYTES_MAX + largest
        assert WINDOW_BYTES_MIN <= credit.window <= WINDOW_BYTES_MAX


def test_the_window_follows_the_road() -> None:
    """100 ms there and back at 10 Mbit/s needs 125 kB in flight."""
    credit, now, road = Credit(), 0.0, list[float]()
    for _ in range(4_000):
        while credit.open():
            free = max(road[-1] if road else now, now) + 5_000 * 8 / 10e6
            road.append(free)
            credit.sent(5_000, now)
        now = max(now, road.pop(0) + 0.1)
        credit.acked(1, now)
    assert credit.window > 100_000


async def test_a_stale_queue_is_dropped_up_to_a_key_frame() -> None:
    wishes = list[int]()
    outlet, now = Outlet(lambda: wishes.append(1)), [0.0]
    outlet._time = lambda: now[0]
    outlet.offer(piece(50_000, key=True))
    assert (await outlet.take()) is not None  # the window is full from here on
    outlet.offer(piece(10))
    now[0] += STALE_S + 0.1
    outlet.offer(piece(20))
    assert wishes == [1]
    outlet.offer(piece(30))
    outlet.offer(piece(40, key=True))
    outlet.acked(1)
    left = await outlet.take()
    assert left is not None
    assert (len(left.data), left.key) == (40, True)


async def test_a_closed_outlet_gives_nothing() -> None:
    outlet = Outlet(lambda: None)
    outlet.offer(piece(10, key=True))
    outlet.close()
    outlet.offer(piece(10, key=True))
    assert await outlet.take() is None
    assert outlet.mode is Mode.FULL


# --- the log and its hand-over


def opened(n: int) -> StreamOpened:
    return StreamOpened(at=Instant(n), side="given", grant=GRANT, camera=CameraId("a"), stream=f"s{n}")  # type: ignore[arg-type]


async def test_records_are_handed_over_until_the_loop_has_merged_them(tmp_path: Path) -> None:
    log = Log(tmp_path / "x.db")
    taken = list[words.ToRelay]()

    async def take(word: words.ToRelay) -> None:
        taken.append(word)

    desk = Desk(log, words.ToCityRelay, take)
    await desk.open(tmp_path / "relay.sock")
    assert (tmp_path / "relay.sock").stat().st_mode & 0o777 == 0o600
    await log.write(opened(1), opened(2))
    for life in range(2):  # the loop dies after the first reading, before it merged
        reader, writer = await asyncio.open_unix_connection(tmp_path / "relay.sock")
        recorded = msgspec.msgpack.decode(await words.read(reader), type=words.Recorded)
        assert recorded.events == (opened(1), opened(2))
        if life:
            writer.write(words.encode(words.Merged(upto_row=recorded.upto_row)))
            writer.write(words.encode(words.EndGrant(grant=GRANT, why=Why.WITHDRAWN)))
            while not taken:
                await asyncio.sleep(0.01)
        writer.close()
        await writer.wait_closed()
    assert taken == [words.EndGrant(grant=GRANT, why=Why.WITHDRAWN)]
    assert log.pending(10) == (0, [])
    reader, writer = await asyncio.open_unix_connection(tmp_path / "relay.sock")
    writer.write(words.encode(words.CutGrant(grant=GRANT, why=Why.WITHDRAWN)))  # a word for the other relay
    assert await reader.read() == b""
    assert desk.refused == 1
    writer.close()
    await desk.close()
    await log.close()


async def test_a_crash_leaves_no_stream_open_and_no_name_twice(tmp_path: Path) -> None:
    log = Log(tmp_path / "x.db")
    first = log.stream_id(GRANT, CameraId("a"))
    await log.write(msgspec.structs.replace(opened(1), stream=first))
    log._waiting.put(None)  # the power goes: nothing is closed in order
    await asyncio.to_thread(log._thread.join)
    log._base.close()
    again = Log(tmp_path / "x.db")
    assert again.stream_id(GRANT, CameraId("a")) != first
    assert await again.close_left_open(Instant(9)) == 1
    assert [(type(each), each.why) for each in again.pending(9)[1][1:]] == [(StreamClosed, Why.STOPPED)]
    assert await again.close_left_open(Instant(9)) == 0
    await again.close()


async def test_a_failed_commit_is_all_or_nothing(tmp_path: Path) -> None:
    log = Log(tmp_path / "x.db")
    log._base.execute(
        "create trigger full after insert on row when new.id > 1 begin select raise(fail, 'disk is full'); end"
    )
    with pytest.raises(LedgerFailedError):
        await log.write(opened(1), opened(2))
    assert log.pending(10) == (0, [])
    await log.close()


def test_lease_bytes_are_of_this_and_no_other_lease() -> None:
    made = words.SetLease(
        grant=GRANT, receiver=CONTROL, cameras=(CameraId("a"), CameraId("b")), lease_ms=1, issued_ms=Instant(2), urls={}
    )
    turned = msgspec.structs.replace(made, cameras=(CameraId("b"), CameraId("a")))
    assert words.lease_part(made) == words.lease_part(turned)
    joined = msgspec.structs.replace(made, cameras=(CameraId("a,b"),))
    assert words.lease_part(made) != words.lease_part(joined)
