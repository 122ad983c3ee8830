"""The two relays, attacked: by time, by a dead loop, by a broken log, by windows and centres that ask for too much."""

import asyncio
import sqlite3
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from patience import PATIENCE_S

from safetynet.core.events import (
    CameraPreconnected,
    Segment,
    StreamClosed,
    StreamOpened,
    ViewingRefused,
)
from safetynet.core.terms import CameraId, GrantId, IncidentId, Instant, RequestId, StreamId, ViewerId, Why
from safetynet.edge import clock
from safetynet.edge.relay import city, words
from safetynet.edge.relay.credit import STALE_S, WINDOW_BYTES_MAX, WINDOW_BYTES_MIN, Credit, Mode, Outlet, Piece
from safetynet.edge.relay.crew import Crew
from safetynet.edge.relay.desk import Desk
from safetynet.edge.relay.log import LedgerFailedError, Log
from safetynet.edge.relay.uplink import Upstream
from safetynet.edge.sources import fmp4
from safetynet.sim import cameras
from safetynet.sim.h264 import PcmWriter

sys.path.insert(0, str(Path(__file__).parent))
from pipe import CITY, CONTROL, GRANT, INCIDENT, STRANGER, VIEWER, Pipe, cached, lease, records, start, until

# --- what was seen is what is recorded


async def test_both_ledgers_agree_on_every_segment(pipe: Pipe, pages: Any) -> None:
    await start(pipe, ("a", "b"))
    page = await pages()
    await page.watch(1, "a")
    await page.watch(2, "b")
    await page.until(lambda: page.count(1) > 45 and page.count(2) > 45)
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
    assert not any(each.cut for each in records(pipe.centre_log, StreamClosed)), "the city had the last word"
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
    tag = msgspec.msgpack.encode("segment").hex()  # the stream opens; already its first segment cannot be recorded
    pipe.city_log._base.execute(
        f"create trigger full before insert on row when instr(new.event, x'{tag}') begin select raise(fail, 'full'); end"
    )
    page = await pages()
    await page.watch(1, "a")
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


@pytest.mark.parametrize("side", ["city", "centre"])
async def test_a_disk_without_room_stops_every_stream_and_with_room_they_come_back(
    pipe: Pipe, pages: Any, side: str
) -> None:
    await start(pipe)
    page = await pages()
    page.acknowledge = True
    await page.watch(1, "a")
    await page.until(lambda: page.count() > 3)
    relay: Any = getattr(pipe, side)
    relay.set_room(room=False)
    await page.until(lambda: page.said(tile=1, state="lost", why="disk_low"), 2)
    before = page.count()
    await asyncio.sleep(1.2)  # longer than the first tries to open it again
    assert page.count() == before
    assert not pipe.city.watching(CameraId("a")), "nor does anything leave the city"
    relay.set_room(room=True)
    await page.until(lambda: page.count() > before + 3)
    assert len(records(pipe.city_log, StreamOpened)) == 2, "a new stream with a record of its own"
    closed = records(pipe.city_log, StreamClosed)
    assert [each.why for each in closed] == [Why.DISK_LOW if side == "city" else Why.VIEWER_LEFT]


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


class Shown:
    """A tile that keeps what it was offered."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []

    def offer(self, piece: Piece) -> None:
        self.pieces.append(piece)

    def opened(self, stream: StreamId) -> None:
        assert stream == "s1"

    def state(self, word: str, why: Why | None) -> None:
        raise AssertionError((word, why))


async def test_what_a_liar_had_sent_already_is_recorded_and_shown_to_nobody(pipe: Pipe) -> None:
    """The stream's end is still on its way to the city when the next segments arrive: one mismatch, none passed on."""
    await pipe.open({})
    uplink = pipe.centre.uplinks[CITY]
    uplink._ended = lambda _: None
    stream, shown = Upstream(uplink, GRANT, CameraId("a"), pipe.centre_log), Shown()
    stream.takers.add(shown)
    writer, planes = PcmWriter(192, 96, 1_000), np.full((144, 192), 90, np.uint8)
    packager = fmp4.Packager()
    packager.learn((writer.sps, writer.pps))
    stream.arrive(words.Kind.OPENED, msgspec.msgpack.encode(words.Opened(StreamId("s1"))))
    for seq in range(1, 4):
        nals, key = writer.encode(planes)
        made = packager.take(fmp4.AccessUnit(tuple(nals[2:] if key else nals), seq * 90_000, key), Instant(seq))
        assert made is not None
        init, fragment = packager.init, made[1]
        assert init is not None
        stream.arrive(words.Kind.INIT, msgspec.msgpack.encode(words.CodecOf(init.codec, 192, 96, init.data)))
        stream.arrive(words.Kind.FRAGMENT, fragment.data)
        stream.arrive(words.Kind.SEGMENT_END, msgspec.msgpack.encode(words.SegmentEnd(seq, bytes(32), pre_grant=False)))
    stream.arrive(words.Kind.ENDED, msgspec.msgpack.encode(words.Ending(Why.STOPPED)))
    await stream.run()
    assert uplink.mismatches == 1
    assert len(shown.pieces) == 1, "what came before the lie was known, and not a byte after it"
    assert [each.seq for each in records(pipe.centre_log, Segment)] == [1, 2, 3]
    assert [each.why for each in records(pipe.centre_log, StreamClosed)] == [Why.LEDGER_FAILED]


@pytest.mark.parametrize(
    "nonsense",
    [b"\x82\xa6stream\xa1a\xa1x" + b"\x91" * 5_000 + b"\x90", b"\x81\xa6stream\xa1\xff"],
    ids=["deep", "not utf-8"],
)
async def test_a_citys_nonsense_ends_its_stream_and_not_the_relay(pipe: Pipe, nonsense: bytes) -> None:
    await pipe.open({})
    uplink, gone = pipe.centre.uplinks[CITY], list[Upstream]()
    uplink._ended = gone.append
    stream = Upstream(uplink, GRANT, CameraId("a"), pipe.centre_log)
    pipe.centre.crew.start(stream.run())
    stream.arrive(words.Kind.OPENED, nonsense)
    await until(lambda: gone == [stream])
    assert (uplink.refused, stream.why, pipe.centre.crew.failed.done()) == (1, Why.STALE, False)


async def test_a_name_of_a_megabyte_reaches_neither_log(pipe: Pipe) -> None:
    """It would not fit into the word by which a relay hands its log over: everything behind it would wait for ever."""
    await pipe.open({})
    uplink = pipe.centre.uplinks[CITY]
    uplink._ended = lambda _: None
    stream = Upstream(uplink, GRANT, CameraId("a"), pipe.centre_log)
    stream.arrive(words.Kind.OPENED, msgspec.msgpack.encode(words.Opened(StreamId("x" * 1_100_000))))
    await stream.run()
    assert (uplink.refused, pipe.centre_log.waiting_rows()) == (1, 0)
    for field in ("grant", "camera", "viewer"):
        before, long = pipe.city.refused, words.Open(GRANT, CameraId("a"), VIEWER)
        reader, writer = await asyncio.open_connection("127.0.0.1", pipe.centre.uplinks[CITY]._port)
        line = words.Line(reader, writer)
        line.say(words.Kind.OPEN, 1, msgspec.structs.replace(long, **{field: "x" * 1_100_000}))
        assert await reader.read() == b"", "the connection is over"
        writer.close()
        assert pipe.city.refused == before + 1
    assert pipe.city_log.waiting_rows() == 0
    assert not pipe.city.crew.failed.done()


# --- leases and cuts


async def test_a_dead_loop_ends_the_stream_with_the_lease(pipe: Pipe, pages: Any) -> None:
    await pipe.open({"a": cameras.TestCard()})
    await pipe.admit("token", ["a"])
    page = await pages()
    await page.until(lambda: page.said(grant=GRANT, state="admitted"))
    await pipe.lease(["a"], lease_ms=2_500)
    await page.watch(1, "a")
    await page.until(lambda: page.count() > 2)
    await page.until(lambda: page.said(tile=1, state="lost"))  # and no word from anybody
    count = page.count()
    await asyncio.sleep(0.5)
    assert page.count() == count
    await page.until(lambda: pipe.city.cameras_open == 0)
    await page.until(lambda: records(pipe.city_log, StreamClosed))
    assert [each.why for each in records(pipe.city_log, StreamClosed)] == [Why.LEASE_RUN_OUT]


async def test_a_renewed_lease_goes_on(pipe: Pipe, pages: Any) -> None:
    await pipe.open({"a": cameras.TestCard()})
    await pipe.admit("token", ["a"])
    page = await pages()
    begun = clock.monotonic()
    await pipe.lease(["a"], lease_ms=2_000)
    await page.watch(1, "a")
    while page.count() <= 15 or clock.monotonic() - begun < 2_600:  # longer than any one lease
        await asyncio.sleep(0.3)
        await pipe.lease(["a"], lease_ms=2_000)
    assert not page.said(state="lost")


async def test_an_ended_grant_is_cut_at_once_and_stays_ended(pipe: Pipe, pages: Any) -> None:
    await start(pipe)
    page = await pages()
    await page.watch(1, "a")
    await page.until(lambda: page.count() > 2)
    await pipe.city.take(words.EndGrant(grant=GRANT, why=Why.INCIDENT_CLOSED))
    await page.until(lambda: page.said(tile=1, state="ended", why="incident_closed"))
    assert not page.said(why="lease_run_out"), "the word ended it, and not the clock"
    await page.until(lambda: pipe.server.watched() == 0, city.LINGER_S - 1)  # no lingering after a grant
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
    await pipe.centre.take(cut)
    (window,) = pipe.centre._windows
    assert not window.tiles, "with the word itself, not some time after it"
    assert not window.admissions
    await page.until(lambda: page.said(tile=1, state="ended", why="withdrawn"))
    await page.until(lambda: page.said(grant=GRANT, state="ended", why="withdrawn"))
    count = page.count()
    await asyncio.sleep(0.4)
    assert page.count() == count
    await page.watch(2, "a")
    await page.until(lambda: page.said(tile=2, state="refused", why="no_such_grant"))


async def test_an_admission_runs_out_by_itself(pipe: Pipe, pages: Any) -> None:
    await pipe.open({"a": cameras.TestCard()})
    await pipe.lease(["a"])
    await pipe.admit("token", ["a"], until_ms=Instant(clock.now() + 3_000))
    page = await pages()
    await page.watch(1, "a")
    await page.until(lambda: page.count() > 2)
    await page.until(lambda: page.said(grant=GRANT, state="ended", why="run_out"))
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
    await second.until(lambda: second.count() > count + 5)
    await first.until(lambda: first.said(tile=1, state="ended"))
    assert pipe.server.methods["PLAY"] == 1


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
    await until(lambda: pipe.server.watched() == 1)
    await until(lambda: cached(pipe, "a"))
    assert [type(each) for each in pipe.city_log.pending(10)[1]] == [CameraPreconnected]
    await pipe.city.take(words.EndPreconnect(request=RequestId("r1")))
    await until(lambda: pipe.server.watched() == 0)


async def test_after_a_grant_delivery_begins_at_a_key_frame_made_since(pipe: Pipe, pages: Any) -> None:
    await pipe.open({"a": cameras.TestCard()})
    await pipe.preconnect(["a"])
    await until(lambda: cached(pipe, "a"))
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
    await until(lambda: cached(pipe, "a"))
    await pipe.lease(["a"])
    await pipe.admit("token", ["a"])
    page = await pages()
    at, before = clock.monotonic(), cached(pipe, "a")[0].data
    await page.watch(1, "a")
    await page.until(lambda: page.count() > 3)
    assert clock.monotonic() - at >= 450, "the camera was given its time to answer the wish"
    assert fmp4.is_key(page.fragments[1][0])
    assert page.fragments[1][0][16:24] == before[16:24], "the key frame of before, not the next one seconds later"
    await page.until(lambda: len(records(pipe.centre_log, Segment)) >= 3)
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
    (running,) = pipe.centre._upstreams.values()
    before = running.cache[0].data
    await second.watch(1, "a")
    await second.until(second.count)
    assert second.fragments[1][0] == before, "the key frame that was there, without waiting for the next"
    assert fmp4.is_key(before)
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
    await page.until(lambda: page.count() > count + 5)
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
    await page.until(lambda: page.count() > count + 5)
    streams = [each.stream for each in records(pipe.centre_log, StreamOpened) if each.side == "viewed"]
    assert len(set(streams)) == 2
    broken = [each for each in records(pipe.centre_log, StreamClosed) if each.side == "received"]
    assert [(each.why, each.cut) for each in broken] == [(Why.LINK_LOST, True)], "what was on the road is missing here"


async def test_a_city_that_cannot_be_heard_any_more_leaves_the_mark_of_a_broken_road(
    pipe: Pipe, pages: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await start(pipe)
    page = await pages()
    await page.watch(1, "a")
    await page.until(lambda: page.count() > 2)

    async def dead(_: Upstream, kind: int, payload: bytes) -> None:
        assert kind >= 0
        assert payload is not None

    monkeypatch.setattr(Upstream, "_take", dead)
    await page.say(op="close", tile=1)
    await page.until(lambda: any(each.side == "received" for each in records(pipe.centre_log, StreamClosed)), 6)
    (closed,) = [each for each in records(pipe.centre_log, StreamClosed) if each.side == "received"]
    assert (closed.why, closed.cut) == (Why.VIEWER_LEFT, True)


async def test_paused_and_key_only_tiles(pipe: Pipe, pages: Any) -> None:
    await start(pipe)
    page = await pages()
    await page.watch(1, "a")
    await page.until(lambda: page.count() > 2)
    await page.say(op="mode", tile=1, mode="key")
    (window,) = pipe.centre._windows
    await page.until(lambda: window.tiles[1].outlet.mode is Mode.KEY)
    await asyncio.sleep(0.3)  # what was on the road
    before = page.count()
    await asyncio.sleep(0.7)
    assert page.count() == before  # its next key frame is seconds away
    await page.say(op="mode", tile=1, mode="full")
    await page.until(lambda: page.count() > before + 3)
    assert fmp4.is_key(page.fragments[1][before])


# --- slow roads


async def test_a_window_that_does_not_acknowledge_costs_no_memory_and_no_other_window(pipe: Pipe, pages: Any) -> None:
    await start(pipe)
    await pipe.admit("other", ["a"], viewer=ViewerId("v2"))
    stuck, good = await pages("token"), await pages("other")
    stuck.acknowledge = False
    await stuck.watch(1, "a")
    await good.watch(1, "a")
    await good.until(lambda: good.count() > 30)
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

    crew = Crew()
    desk = Desk(log, words.ToCityRelay, take, crew)
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
    await crew.close()
    await log.close()


async def handed(path: Path) -> words.Recorded:
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        async with asyncio.timeout(PATIENCE_S):
            return msgspec.msgpack.decode(await words.read(reader), type=words.Recorded)
    finally:
        writer.close()


async def test_many_long_records_are_handed_over_in_pieces(tmp_path: Path) -> None:
    """256 rows of the longest names are more than one word holds."""
    log, crew = Log(tmp_path / "x.db"), Crew()
    desk = Desk(log, words.ToCityRelay, lambda _: asyncio.sleep(0), crew)
    await desk.open(tmp_path / "relay.sock")
    name = "가" * words.ID_CHARS_MAX
    rows = [
        ViewingRefused(at=Instant(n), side="given", grant=GrantId(name), camera=CameraId(name), viewer=ViewerId(name), why=Why.STALE)
        for n in range(words.RECORDED_EVENTS_MAX)
    ]  # fmt: skip
    await log.write(*rows)
    got = list[object]()
    while len(got) < len(rows):
        recorded = await handed(tmp_path / "relay.sock")
        assert recorded.events == tuple(rows[len(got) : len(got) + len(recorded.events)])
        got += recorded.events
        await log.forget(recorded.upto_row)
    assert 0 < len(recorded.events) < len(rows)
    assert not crew.failed.done()
    await desk.close()
    await crew.close()
    await log.close()


async def test_a_hand_over_that_fails_ends_the_relay_and_jams_nothing_in_silence(tmp_path: Path) -> None:
    log, crew = Log(tmp_path / "x.db"), Crew()
    desk = Desk(log, words.ToCityRelay, lambda _: asyncio.sleep(0), crew)
    await desk.open(tmp_path / "relay.sock")
    await log.write(opened(1), msgspec.structs.replace(opened(2), camera=CameraId("x" * 1_100_000)))
    assert (await handed(tmp_path / "relay.sock")).events == (opened(1),), "what fits goes ahead"
    await log.forget(1)
    _, writer = await asyncio.open_unix_connection(tmp_path / "relay.sock")
    with pytest.raises(AssertionError):
        async with asyncio.timeout(PATIENCE_S):
            await crew.watch()
    writer.close()
    await desk.close()
    with pytest.raises(AssertionError):
        await crew.close()
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
