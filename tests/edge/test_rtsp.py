"""The RTSP client against a real server, a hostile one and a fuzzer."""

import asyncio
import base64
import struct
import tracemalloc
from collections.abc import Callable
from typing import Self

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from patience import PATIENCE_S

from safetynet.core.terms import CameraId
from safetynet.edge.relay.city import Stream
from safetynet.edge.relay.crew import Crew
from safetynet.edge.sources import rtsp
from safetynet.edge.sources.fmp4 import AccessUnit, MalformedError, Packager
from safetynet.edge.sources.rtsp import Account, Assembler, BrokenError, Packet, Reply, Source, Wire, video_track
from safetynet.sim import cameras
from safetynet.sim.h264 import PcmWriter


class Viewing:
    """A source that writes down what it got."""

    def __init__(self, url: str) -> None:
        self.units: list[AccessUnit] = []
        self.sessions, self.lost = 0, list[str]()
        self.source = Source(url, self.units.append, self._began, self.lost.append)
        self._task: asyncio.Task[None] | None = None

    def _began(self, sets: tuple[bytes, ...]) -> None:
        self.sessions += 1

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self.source.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.wait({self._task})

    async def until(self, truth: Callable[[], object], seconds: float = PATIENCE_S) -> None:
        async with asyncio.timeout(seconds):
            while not truth():
                await asyncio.sleep(0.01)


async def city(habits: cameras.Habits = cameras.GOOD, source: object | None = None) -> tuple[cameras.Cameras, str]:
    server = await cameras.serve({CameraId("a"): source or cameras.TestCard()}, "127.0.0.1", 0, {CameraId("a"): habits})
    account = ":".join(habits.account) + "@" if habits.account else ""
    return server, f"rtsp://{account}127.0.0.1:{server.port}/a"


def clip(*, audio: bool) -> cameras.Clip:
    writer, planes, pictures = PcmWriter(320, 240, 10), np.full((360, 320), 90, np.uint8), []
    for k in range(20):
        cameras.stamp(planes, k)
        nals, key = writer.encode(planes)
        pictures.append((tuple(nals[2:] if key else nals), key, k * 0.05))
    return cameras.Clip(320, 240, tuple(pictures), 1.0, writer.sps, writer.pps, audio)


async def test_pictures_come_and_the_session_is_torn_down() -> None:
    server, url = await city()
    async with Viewing(url) as viewing:
        await viewing.until(lambda: len(viewing.units) >= 5)
        assert viewing.units[0].key
        assert server.watched() == 1
    await asyncio.sleep(0.05)
    assert server.methods["TEARDOWN"] == 1
    assert server.watched() == 0
    await server.close()


async def test_a_camera_in_mid_group_is_asked_for_a_key_frame() -> None:
    server, url = await city(cameras.Habits(idr_on_play=False))
    async with Viewing(url) as viewing:
        await viewing.until(lambda: viewing.units, 2)  # its own next key frame is 10 s away
        assert viewing.units[0].key
        assert server.wishes >= 1
    await server.close()


async def test_on_demand_key_frames() -> None:
    server, url = await city()
    async with Viewing(url) as viewing:
        await viewing.until(lambda: len(viewing.units) >= 8)
        viewing.source.want_key()
        await viewing.until(lambda: sum(each.key for each in viewing.units) >= 2, 1)
    await server.close()


async def test_sound_is_never_fetched() -> None:
    server, url = await city(source=clip(audio=True))
    async with Viewing(url) as viewing:
        await viewing.until(lambda: len(viewing.units) >= 5)
    assert server.methods["SETUP"] == 1
    assert server.audio_setups == 0
    await server.close()


async def test_digest_is_answered_and_a_wrong_password_opens_nothing() -> None:
    habits = cameras.Habits(account=("u", "p"))
    server, url = await city(habits)
    async with Viewing(url) as viewing:
        await viewing.until(lambda: viewing.units)
    async with Viewing(url.replace("u:p", "u:wrong")) as viewing:
        await viewing.until(lambda: viewing.lost)
        assert "401" in viewing.lost[0]
        assert not viewing.units
    await server.close()


async def test_a_lost_packet_hides_pictures_until_the_next_key_frame() -> None:
    server, url = await city(cameras.Habits(drop_every=300))
    packager, shown = Packager(), 0
    async with Viewing(url) as viewing:
        await viewing.until(lambda: len(viewing.units) >= 15)
        for unit in viewing.units:
            shown += packager.take(unit, 0) is not None
        assert server.wishes >= 1
    assert shown
    await server.close()


async def test_a_camera_that_falls_silent_is_left_and_met_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rtsp, "STALL_S_MAX", 0.6)
    server, url = await city()
    async with Viewing(url) as viewing:
        await viewing.until(lambda: viewing.units)
        camera = server.cameras[CameraId("a")]
        assert camera._task is not None
        camera._task.cancel()  # half-open: the connection stands, nothing comes
        await viewing.until(lambda: viewing.lost, 3)
        assert viewing.lost[0] == "stalled"
        await viewing.until(lambda: viewing.sessions == 2)
    await server.close()


async def hostile(answer: bytes) -> tuple[asyncio.Server, str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        try:
            for _ in range(2_000):
                writer.write(answer)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    return server, f"rtsp://127.0.0.1:{server.sockets[0].getsockname()[1]}/x"


@pytest.mark.parametrize(
    "answer",
    [
        b"A" * 10_000,
        b"RTSP/1.0 200 OK\r\nContent-Length: 999999999\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nCSeq: 9\r\n\r\n",
        b"RTSP/1.0 ???\r\n\r\n",
    ],
)
async def test_a_hostile_camera_ends_its_session_and_costs_no_memory(answer: bytes) -> None:
    server, url = await hostile(answer)
    tracemalloc.start()
    async with Viewing(url) as viewing:
        await viewing.until(lambda: viewing.lost)
        _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3_000_000
    server.close()


def _told(sets: bytes) -> bytes:
    return (
        b"m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:x\r\na=fmtp:96 sprop-parameter-sets="
        + base64.b64encode(sets)
        + b"\r\n"
    )


@pytest.mark.parametrize(
    "sets", [b"\x67AAA", b"\x67" + b"A" * 40_000, b"\x68"], ids=["ends early", "too long", "empty"]
)
async def test_a_camera_that_describes_itself_wrongly_is_lost_alone(sets: bytes) -> None:
    """A description with parameter sets that are none ended the relay of the whole city."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                asked = (await reader.readuntil(b"\r\n\r\n")).decode()
                number = next(line for line in asked.split("\r\n") if line.startswith("CSeq"))
                body = _told(sets) if asked.startswith("DESCRIBE") else b""
                head = f"RTSP/1.0 200 OK\r\n{number}\r\nSession: 1\r\nContent-Length: {len(body)}\r\n\r\n"
                writer.write(head.encode() + body)
        except (OSError, asyncio.IncompleteReadError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    crew, lost = Crew(), list[Stream]()
    stream = Stream(CameraId("a"), f"rtsp://127.0.0.1:{server.sockets[0].getsockname()[1]}/x", crew, lost.append)
    async with asyncio.timeout(PATIENCE_S):
        while not stream.lost:
            await asyncio.sleep(0.01)
    assert not crew.failed.done()
    stream.close()
    await crew.close()
    server.close()


# --- without a socket


def rtp(sequence: int, ticks: int, payload: bytes, *, marker: bool = False, ssrc: int = 9) -> bytes:
    return struct.pack(">BBHII", 0x80, 96 | (0x80 if marker else 0), sequence, ticks, ssrc) + payload


def test_units_end_at_the_marker_or_at_a_new_time() -> None:
    assembler = Assembler()
    made = [*assembler.take(rtp(1, 10, b"\x65aa")), *assembler.take(rtp(2, 20, b"\x41bb", marker=True))]
    assert [(each.rtp_ticks, each.nals, each.key) for each in made] == [
        (10, (b"\x65aa",), True),
        (20, (b"\x41bb",), False),
    ]


def test_fragments_and_aggregates_become_whole_again() -> None:
    assembler = Assembler()
    stap = b"\x78" + b"".join(len(each).to_bytes(2, "big") + each for each in (b"\x67sp", b"\x68pp"))
    made = [*assembler.take(rtp(1, 10, stap)), *assembler.take(rtp(2, 10, b"\x7c\x85ab"))]
    made += [*assembler.take(rtp(3, 10, b"\x7c\x05cd")), *assembler.take(rtp(4, 10, b"\x7c\x45ef", marker=True))]
    assert made == [AccessUnit((b"\x67sp", b"\x68pp", b"\x65abcdef"), 10, key=True)]


def test_after_a_gap_only_a_key_frame_counts() -> None:
    assembler = Assembler()
    list(assembler.take(rtp(1, 10, b"\x65aa", marker=True)))
    assert list(assembler.take(rtp(3, 20, b"\x41bb", marker=True))) == []
    assert assembler.gaps == 1
    assert list(assembler.take(rtp(4, 30, b"\x41cc", marker=True))) == []
    assert [each.key for each in assembler.take(rtp(5, 40, b"\x65dd", marker=True))] == [True]


def test_another_sender_is_not_heard() -> None:
    assembler = Assembler()
    list(assembler.take(rtp(1, 10, b"\x65aa")))
    assert list(assembler.take(rtp(2, 10, b"\x41evil", marker=True, ssrc=8))) == []
    assert assembler.gaps == 0


def test_a_picture_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rtsp, "UNIT_BYTES_MAX", 50_000)
    assembler = Assembler()
    packets = [rtp(k, 10, b"\x65" + bytes(1_000)) for k in range(100)]
    with pytest.raises(BrokenError, match="too large"):
        [unit for packet in packets for unit in assembler.take(packet)]


def test_extension_and_padding_are_cut_off() -> None:
    extended = (
        struct.pack(">BBHII", 0x91 | 0x20, 96 | 0x80, 1, 10, 9)
        + b"CSRC"
        + b"\0\0\0\1"
        + b"EXTN"
        + b"\x65aa"
        + b"\0\0\3"
    )
    assert [each.nals for each in Assembler().take(extended)] == [(b"\x65aa",)]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=30))
def test_any_bytes_are_read_or_refused(chunks: list[bytes]) -> None:
    wire, assembler = Wire(), Assembler()
    try:
        for chunk in chunks:
            for each in wire.feed(chunk):
                if isinstance(each, Packet):
                    for unit in assembler.take(each.data):
                        assert unit.nals
    except BrokenError:
        return
    assert len(wire._buffer) <= rtsp.HEAD_BYTES_MAX + rtsp.BODY_BYTES_MAX + 300


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 65_535), st.integers(0, 3), st.binary(max_size=60), st.booleans()), max_size=60)
)
def test_any_packets_give_whole_units_or_none(packets: list[tuple[int, int, bytes, bool]]) -> None:
    assembler, packager = Assembler(), Packager()
    for sequence, ticks, payload, marker in packets:
        for unit in assembler.take(rtp(sequence, ticks, payload, marker=marker)):
            assert unit.nals
            assert all(unit.nals)
            try:
                packager.take(unit, 0)
            except MalformedError:
                return


@given(st.binary(max_size=400), st.integers(1, 60))
def test_the_cut_of_the_stream_does_not_matter(body: bytes, step: int) -> None:
    stream = b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    stream += b"$\0" + len(body).to_bytes(2, "big") + body
    wire, found = Wire(), []
    for at in range(0, len(stream), step):
        found += list(wire.feed(stream[at : at + step]))
    reply, packet = found
    assert isinstance(reply, Reply)
    assert (reply.status, reply.body) == (200, body)
    assert packet == Packet(0, body)


def test_the_video_track_is_found_behind_sound() -> None:
    sdp = b"v=0\r\nm=audio 0 RTP/AVP 97\r\na=control:audio\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
    sdp += b"a=fmtp:96 sprop-parameter-sets=" + base64.b64encode(b"\x67abc") + b",!!!\r\na=control:video\r\n"
    track = video_track(sdp, "rtsp://h/x/")
    assert (track.control, track.payload_type, track.sets) == ("rtsp://h/x/video", 96, (b"\x67abc",))


@pytest.mark.parametrize(
    "sdp", [b"", b"m=audio 0 RTP/AVP 97\r\n", b"m=video 0 RTP/AVP 96\r\na=rtpmap:96 H265/90000\r\n"]
)
def test_no_track_that_can_be_shown(sdp: bytes) -> None:
    with pytest.raises(BrokenError, match=r"no H\.264"):
        video_track(sdp, "rtsp://h/x/")


def test_a_control_url_cannot_smuggle_a_header() -> None:
    sdp = b"m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:rtsp://h/\x0bX: y\r\n"
    track = None
    try:
        track = video_track(sdp, "rtsp://h/x/")
    except BrokenError:
        return
    assert track.control.isprintable()


def test_digest_examples_and_basic_only_when_nothing_better_is_offered() -> None:
    account = Account("Mufasa", "Circle Of Life")  # RFC 2617 3.5, without qop: RFC 2069 form
    assert account.challenge(
        ('Basic realm="x"', 'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"')
    )
    assert 'response="670fd8c2df070c60b045671b8b24ff02"' in account.header("GET", "/dir/index.html")
    assert account.challenge(('Basic realm="x"',))
    assert account.header("GET", "/") == "Basic " + base64.b64encode(b"Mufasa:Circle Of Life").decode()
    assert not account.challenge(("Negotiate",))


def test_back_off_doubles_to_a_cap() -> None:
    waits = [rtsp.back_off_s("rtsp://h/x", k) for k in range(20)]
    assert all(rtsp.BACK_OFF_S_MIN * 0.75 <= each <= rtsp.BACK_OFF_S_MAX * 1.25 for each in waits)
    assert waits[6] > 4 * waits[1]
    assert rtsp.back_off_s("rtsp://h/y", 3) != waits[3]
