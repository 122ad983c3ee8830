"""Cameras that really speak RTSP: one server for a whole city, drawing only what is watched.

A camera is a path (`rtsp://host:port/<camera id>`). Its picture comes live from a `Scene` through the codec-free
writer, or looped from a clip that somebody filmed. It also plays the bad cameras: starting in the middle of a group
of pictures, ignoring the wish for a key frame, asking for a password. An unwatched camera costs nothing.

Absent on purpose: UDP. Who asks for it gets 461 and, like every client of the field, comes back with TCP.
"""

import asyncio
import base64
import hashlib
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, cast

import numpy as np
import numpy.typing as npt

from safetynet.core.terms import CameraId
from safetynet.edge import clock
from safetynet.sim.h264 import PcmWriter

Planes = npt.NDArray[np.uint8]

RATE_PER_S: Final = 10
GOP_S: Final = 10
PAYLOAD_BYTES_MAX: Final = 1_400
REQUEST_BYTES_MAX: Final = 16_384
SESSIONS_MAX: Final = 512
HEARTBEAT_S: Final = 5.0
SESSION_TIMEOUT_S: Final = 60
_CELL: Final = 8


class Scene(Protocol):
    """What the cameras see. `planes` is an I420 buffer of shape (height * 3 // 2, width), reused between pictures."""

    width: int
    height: int

    def draw(self, camera: CameraId, at_ms: int, planes: Planes) -> None: ...


@dataclass(frozen=True, slots=True)
class Habits:
    """How good a camera is. `account` is (user, password) of a Digest challenge; `drop_every` loses each nth packet."""

    idr_on_play: bool = True
    honour_pli: bool = True
    account: tuple[str, str] | None = None
    drop_every: int | None = None


GOOD: Final = Habits()


@dataclass(frozen=True, slots=True)
class Clip:
    """A filmed loop: for each picture its NAL units, whether it is a key frame, and its time in seconds."""

    width: int
    height: int
    pictures: tuple[tuple[tuple[bytes, ...], bool, float], ...]
    length_s: float
    sps: bytes
    pps: bytes
    audio: bool


def stamp(planes: Planes, at_ms: int) -> None:
    """Writes the time into the top left 192x16 samples: 48 bits of UTC ms as 2 rows of 24 cells of 8x8, luma 235/16.

    `planes` is I420 of shape (height * 3 // 2, width). The page reads it back to tell glass-to-glass delay.
    """
    bits = np.unpackbits(np.frombuffer(at_ms.to_bytes(6, "big"), np.uint8)).reshape(2, 24)
    luma = np.where(bits, 235, 16).astype(np.uint8)
    planes[:16, :192] = luma.repeat(_CELL, axis=0).repeat(_CELL, axis=1)
    rows, width = planes.shape
    height = rows * 2 // 3
    chroma = planes.reshape(-1)[height * width :].reshape(2, height // 2, width // 2)
    chroma[:, :8, :96] = 128


class TestCard:
    """A moving picture for tests and measurements: grey ground, a walking block, a colour of its own per camera."""

    __test__ = False

    def __init__(self, width: int = 640, height: int = 360) -> None:
        self.width, self.height = width, height

    def draw(self, camera: CameraId, at_ms: int, planes: Planes) -> None:
        planes[:] = 96
        height, width = self.height, self.width
        chroma = planes.reshape(-1)[height * width :].reshape(2, height // 2, width // 2)
        chroma[:] = 128
        chroma[0, height // 4 :, :] = 64 + zlib.crc32(camera.encode()) % 128
        left = at_ms // 20 % (width - 32)
        planes[height // 2 : height // 2 + 64, left : left + 32] = 200


def read_clip(path: Path) -> Clip:
    """Takes an H.264 MP4 apart. What has pictures out of order (B) is encoded anew once, as cameras do not send it.

    Raises ValueError when the file has no H.264 video. Needs `av`, which belongs to the simulator only.
    """
    from safetynet.sim.clips import demux

    return Clip(*demux(path))


class Camera:
    """One camera: draws and encodes while somebody watches, and hands each picture to all who do."""

    def __init__(self, id: CameraId, source: Scene | Clip, habits: Habits) -> None:
        self.id, self.source, self.habits = id, source, habits
        self.watchers: set[Session] = set()
        self._task: asyncio.Task[None] | None = None
        self._writer: PcmWriter | None = None
        self.pictures = 0

    def parameter_sets(self) -> tuple[bytes, bytes]:
        if isinstance(self.source, Clip):
            return self.source.sps, self.source.pps
        writer = self._ready()
        return writer.sps, writer.pps

    def _ready(self) -> PcmWriter:
        assert not isinstance(self.source, Clip)
        if self._writer is None:
            self._writer = PcmWriter(self.source.width, self.source.height, RATE_PER_S * GOP_S)
        return self._writer

    def watch(self, session: "Session") -> None:
        self.watchers.add(session)
        if self.habits.idr_on_play:
            self.force_key()
        if self._task is None:
            run = self._play(self.source) if isinstance(self.source, Clip) else self._draw(self.source)
            self._task = asyncio.create_task(run)

    def leave(self, session: "Session") -> None:
        self.watchers.discard(session)
        if not self.watchers and self._task is not None:
            self._task.cancel()
            self._task = None
            self._writer = None

    def force_key(self) -> None:
        """A clip was encoded long ago: it keeps its own key frames, as a camera does that ignores the wish."""
        if self._writer is not None:
            self._writer.force = True

    async def _draw(self, scene: Scene) -> None:
        planes = np.empty((scene.height * 3 // 2, scene.width), np.uint8)
        writer, loop = self._ready(), asyncio.get_running_loop()
        # A scene renders its background at the first look; other cameras go on meanwhile.
        await asyncio.to_thread(scene.draw, self.id, clock.now(), planes)
        due = loop.time()
        if not self.habits.idr_on_play:  # the camera has been running: the first pictures belong to an earlier group
            writer.encode(planes)
            writer.force = False
        while True:
            at_ms = clock.now()
            scene.draw(self.id, at_ms, planes)
            stamp(planes, at_ms)
            nals, _ = writer.encode(planes)
            self._spread(nals)
            due = max(due + 1 / RATE_PER_S, loop.time())
            await asyncio.sleep(due - loop.time())

    async def _play(self, clip: Clip) -> None:
        """Starts where the wall clock says the loop is, so usually between two key frames."""
        loop = asyncio.get_running_loop()
        start = loop.time() - (0.0 if self.habits.idr_on_play else clock.now() / 1_000 % clip.length_s)
        while True:
            for nals, key, at_s in clip.pictures:
                wait = start + at_s - loop.time()
                if wait < -0.5:
                    continue
                await asyncio.sleep(max(wait, 0.0))
                self._spread([clip.sps, clip.pps, *nals] if key else list(nals))
            start += clip.length_s

    def _spread(self, nals: list[bytes]) -> None:
        self.pictures += 1
        ticks = clock.now() * 90 & 0xFFFFFFFF
        for session in tuple(self.watchers):
            session.picture(nals, ticks)


class Session(asyncio.Protocol):
    """One RTSP connection. A slow reader loses pictures until the next key frame; memory never grows."""

    def __init__(self, city: "Cameras") -> None:
        self._city, self._buffer = city, bytearray()
        self._transport: asyncio.Transport | None = None
        self._camera: Camera | None = None
        self._channel, self._playing, self._paused, self._lost = 0, False, False, False
        self._sequence, self._ssrc, self._offset = 0, 0, 0
        self._sent, self._bytes, self._reported = 0, 0, 0.0
        self._nonce = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast("asyncio.Transport", transport)  # those of uvloop are no subclasses
        self._transport = transport
        name = repr(transport.get_extra_info("peername")).encode()
        self._ssrc, self._offset = zlib.crc32(name), zlib.crc32(name + b"offset")
        self._sequence = self._ssrc & 0xFFFF
        self._nonce = hashlib.md5(name + str(clock.now()).encode(), usedforsecurity=False).hexdigest()
        self._city.sessions.add(self)
        if len(self._city.sessions) > SESSIONS_MAX:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._city.sessions.discard(self)
        self._stop()

    def pause_writing(self) -> None:
        self._paused = self._lost = True

    def resume_writing(self) -> None:
        self._paused = False
        if self._camera is not None:
            self._camera.force_key()

    def end(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _stop(self) -> None:
        if self._camera is not None and self._playing:
            self._camera.leave(self)
        self._playing = False

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        assert self._transport is not None
        while self._buffer:
            if self._buffer[0] == 0x24:
                if len(self._buffer) < 4 or len(self._buffer) < 4 + int.from_bytes(self._buffer[2:4], "big"):
                    return
                size = int.from_bytes(self._buffer[2:4], "big")
                self._feedback(bytes(self._buffer[4 : 4 + size]))
                del self._buffer[: 4 + size]
                continue
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                if len(self._buffer) > REQUEST_BYTES_MAX:
                    self._transport.abort()
                return
            head = self._buffer[:end].decode("latin-1")
            del self._buffer[: end + 4]
            self._request(head)

    def _feedback(self, packet: bytes) -> None:
        """RTCP of the client: PLI (FMT 1) and FIR (FMT 4) of payload type 206 ask for a key frame."""
        if len(packet) >= 12 and packet[1] == 206 and packet[0] & 31 in (1, 4):
            self._city.wishes += 1
            if self._camera is not None and self._camera.habits.honour_pli:
                self._camera.force_key()

    def _request(self, head: str) -> None:
        assert self._transport is not None
        first, *lines = head.split("\r\n")
        method, _, rest = first.partition(" ")
        url = rest.partition(" ")[0]
        fields = {k.strip().lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
        self._city.methods[method] = self._city.methods.get(method, 0) + 1
        path = url.split("://", 1)[-1].partition("/")[2].split("/")[0]
        camera = self._city.cameras.get(CameraId(path)) if self._camera is None else self._camera
        status, extra, body = self._answer(method, url, fields, camera)
        reply = f"RTSP/1.0 {status}\r\nCSeq: {fields.get('cseq', '0')}\r\n{extra}"
        if body:
            reply += f"Content-Length: {len(body)}\r\n"
        self._transport.write((reply + "\r\n" + body).encode())
        if method == "PLAY" and status.startswith("200") and camera is not None and not self._playing:
            self._playing = True
            camera.watch(self)

    def _answer(self, method: str, url: str, fields: Mapping[str, str], camera: Camera | None) -> tuple[str, str, str]:
        """(status, further header lines, body)."""
        if method == "OPTIONS":
            return "200 OK", "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER, SET_PARAMETER\r\n", ""
        if camera is None:
            return "404 Not Found", "", ""
        if camera.habits.account is not None and not self._known(method, camera.habits.account, fields):
            return "401 Unauthorized", f'WWW-Authenticate: Digest realm="camera", nonce="{self._nonce}"\r\n', ""
        session = f"Session: {self._ssrc:08x};timeout={SESSION_TIMEOUT_S}\r\n"
        match method:
            case "DESCRIBE":
                return "200 OK", f"Content-Base: {url}/\r\nContent-Type: application/sdp\r\n", self._sdp(camera)
            case "SETUP":
                return self._setup(url, fields, camera, session)
            case "PLAY":
                info = f"RTP-Info: url={url}/video;seq={self._sequence};rtptime={self._offset}\r\n"
                return (
                    ("200 OK", session + info, "") if self._camera else ("455 Method Not Valid in This State", "", "")
                )
            case "GET_PARAMETER" | "SET_PARAMETER":
                return "200 OK", session, ""
            case "TEARDOWN":
                self._stop()
                return "200 OK", session, ""
            case _:
                return "501 Not Implemented", "", ""

    def _setup(self, url: str, fields: Mapping[str, str], camera: Camera, session: str) -> tuple[str, str, str]:
        transport = fields.get("transport", "")
        if "TCP" not in transport:
            return "461 Unsupported Transport", "", ""
        if url.rstrip("/").endswith("audio"):
            self._city.audio_setups += 1
            return "200 OK", f"Transport: {transport}\r\n{session}", ""
        _, found, channels = transport.partition("interleaved=")
        self._channel = int(channels.partition("-")[0]) & 0xFE if found and channels[:1].isdigit() else 0
        self._camera = camera
        back = f"RTP/AVP/TCP;unicast;interleaved={self._channel}-{self._channel + 1};ssrc={self._ssrc:08X}"
        return "200 OK", f"Transport: {back}\r\n{session}", ""

    def _known(self, method: str, account: tuple[str, str], fields: Mapping[str, str]) -> bool:
        kind, _, rest = fields.get("authorization", "").partition(" ")
        if kind != "Digest":
            return False
        said = {k.strip(): v.strip(' "') for k, _, v in (part.partition("=") for part in rest.split(","))}

        def md5(text: str) -> str:
            return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

        first, second = md5(f"{account[0]}:camera:{account[1]}"), md5(f"{method}:{said.get('uri', '')}")
        return said.get("nonce") == self._nonce and said.get("response") == md5(f"{first}:{self._nonce}:{second}")

    def _sdp(self, camera: Camera) -> str:
        sps, pps = camera.parameter_sets()
        sets = ",".join(base64.b64encode(each).decode() for each in (sps, pps))
        lines = ["v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=camera", "c=IN IP4 0.0.0.0", "t=0 0", "a=control:*"]
        if isinstance(camera.source, Clip) and camera.source.audio:
            lines += ["m=audio 0 RTP/AVP 97", "a=rtpmap:97 mpeg4-generic/48000/2", "a=control:audio"]
        lines += ["m=video 0 RTP/AVP 96", "a=rtpmap:96 H264/90000"]
        profile = sps[1:4].hex()
        lines += [f"a=fmtp:96 packetization-mode=1;profile-level-id={profile};sprop-parameter-sets={sets}"]
        return "\r\n".join([*lines, "a=control:video", ""])

    def picture(self, nals: list[bytes], ticks: int) -> None:
        """Sends one picture as RTP: single NAL units, or FU-A where one is longer than a packet may be."""
        if self._transport is None or self._transport.is_closing() or self._paused:
            return
        if self._lost:
            if nals[0][0] & 31 != 7:
                return
            self._lost = False
        out: list[bytes] = []
        stamped = (ticks + self._offset) & 0xFFFFFFFF
        for place, nal in enumerate(nals):
            last = place == len(nals) - 1
            if len(nal) <= PAYLOAD_BYTES_MAX:
                out += self._packet(last, stamped, b"", nal)
                continue
            kind, header = nal[0] & 31, nal[0] & 0xE0 | 28
            body = memoryview(nal)
            for at in range(1, len(nal), PAYLOAD_BYTES_MAX):
                ends = at + PAYLOAD_BYTES_MAX >= len(nal)
                flags = (0x80 if at == 1 else 0) | (0x40 if ends else 0) | kind
                part = body[at : at + PAYLOAD_BYTES_MAX]
                out += self._packet(last and ends, stamped, bytes((header, flags)), part)
        if self._sent and asyncio.get_running_loop().time() - self._reported > HEARTBEAT_S:
            out.append(self._report(stamped))
        elif not self._sent:
            self._reported = (
                asyncio.get_running_loop().time() - HEARTBEAT_S
            )  # the first report follows the first packets
        self._sent += 1
        self._transport.writelines(out)

    def _packet(self, marker: bool, ticks: int, head: bytes, body: bytes | memoryview) -> list[bytes]:  # noqa: FBT001
        self._sequence = (self._sequence + 1) & 0xFFFF
        drop = self._camera.habits.drop_every if self._camera is not None else None
        if drop is not None and self._sequence % drop == 0:
            return []
        size = 12 + len(head) + len(body)
        rtp = struct.pack(">BBHII", 0x80, 96 | (0x80 if marker else 0), self._sequence, ticks, self._ssrc)
        return [struct.pack(">BBH", 0x24, self._channel, size) + rtp + head + bytes(body)]

    def _report(self, ticks: int) -> bytes:
        self._reported = asyncio.get_running_loop().time()
        ntp = (clock.now() + 2_208_988_800_000) * 2**32 // 1_000
        body = struct.pack(">BBHIQIII", 0x80, 200, 6, self._ssrc, ntp, ticks, self._sent, 0)
        return struct.pack(">BBH", 0x24, self._channel + 1, len(body)) + body


class Cameras:
    """The running server. Counters are what tests look at: requests per method, wishes for key frames, audio set-ups."""

    def __init__(self, cameras: Mapping[CameraId, Camera]) -> None:
        self.cameras = dict(cameras)
        self.sessions: set[Session] = set()
        self.methods: dict[str, int] = {}
        self.wishes, self.audio_setups = 0, 0
        self.server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        assert self.server is not None
        return int(self.server.sockets[0].getsockname()[1])

    def watched(self) -> int:
        return sum(1 for camera in self.cameras.values() if camera.watchers)

    async def close(self) -> None:
        if self.server is not None:
            self.server.close()
        for session in tuple(self.sessions):
            session.end()
        await asyncio.sleep(0)


async def serve(
    scenes: Mapping[CameraId, Scene | Clip], host: str, port: int, habits: Mapping[CameraId, Habits] | None = None
) -> Cameras:
    """Listens for RTSP over TCP; port 0 takes a free one. Cameras without `habits` are good ones."""
    known = habits or {}
    city = Cameras({id: Camera(id, source, known.get(id, GOOD)) for id, source in scenes.items()})
    loop = asyncio.get_running_loop()
    city.server = await loop.create_server(lambda: Session(city), host, port)
    return city
