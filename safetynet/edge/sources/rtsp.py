"""A camera's live H.264 over RTSP in one TCP connection, as access units.

Only the video track is ever set up: sound is not fetched, so it cannot be delivered. The camera is asked for a key
frame (RTCP PLI) when it starts in the middle of a group of pictures, after a gap, and on demand. What the camera
says is hostile until proven otherwise: every length has a limit, a broken one ends the session, and memory does not
grow with it.

Absent on purpose: UDP, sound, H.265 (the page cannot show it) and credentials anywhere but in the URL that the city
gave. `Wire` and `Assembler` know no socket, so that a fuzzer can feed them.
"""

import asyncio
import base64
import binascii
import hashlib
import re
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, cast
from urllib.parse import unquote, urlsplit

from safetynet.edge.sources.fmp4 import AccessUnit

HEAD_BYTES_MAX: Final = 16_384
BODY_BYTES_MAX: Final = 65_536
UNIT_BYTES_MAX: Final = 8 * 1_048_576
UNIT_NALS_MAX: Final = 512
URL_CHARS_MAX: Final = 1_024
CONNECT_S_MAX: Final = 3.0
REPLY_S_MAX: Final = 3.0
STRAY_REPLIES_MAX: Final = 8
STALL_S_MAX: Final = 3.0
BACK_OFF_S_MIN: Final = 0.5
BACK_OFF_S_MAX: Final = 30.0
KEY_WISH_S_MIN: Final = 0.4
RECEIVER_REPORT_S: Final = 5.0
_OWN_SSRC: Final = 0x53AF37E7
_STAP_A, _FU_A = 24, 28


class BrokenError(Exception):
    """The camera said what the protocol does not allow, said no, or fell silent. The session is over."""


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    fields: Mapping[str, str]
    challenges: tuple[str, ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class Packet:
    """One interleaved frame: RTP or RTCP by its channel."""

    channel: int
    data: bytes


class Wire:
    """Cuts the byte stream into replies and interleaved packets. Holds at most one of them. Raises BrokenError."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Reply | Packet]:
        buffer = self._buffer
        buffer += data
        at = 0
        try:
            while at < len(buffer):
                if buffer[at] == 0x24:
                    if len(buffer) - at < 4:
                        return
                    end = at + 4 + int.from_bytes(buffer[at + 2 : at + 4], "big")
                    if end > len(buffer):
                        return
                    packet = Packet(buffer[at + 1], bytes(buffer[at + 4 : end]))
                    at = end
                    yield packet
                    continue
                found = self._reply(at)
                if found is None:
                    return
                reply, at = found
                if reply is not None:
                    yield reply
        finally:
            del buffer[:at]

    def _reply(self, at: int) -> tuple[Reply | None, int] | None:
        """(reply, where it ends); the reply is None for a request of the camera, which needs no answer from us."""
        end = self._buffer.find(b"\r\n\r\n", at, at + HEAD_BYTES_MAX)
        if end < 0:
            if len(self._buffer) - at >= HEAD_BYTES_MAX or self._buffer[at] not in b"RASGOPDT\r\n":
                raise BrokenError("no reply")
            return None
        lines = self._buffer[at:end].decode("latin-1").lstrip("\r\n").split("\r\n")
        fields: dict[str, str] = {}
        challenges: list[str] = []
        for line in lines[1:]:
            name, _, value = line.partition(":")
            if name.strip().lower() == "www-authenticate":
                challenges.append(value.strip())
            fields[name.strip().lower()] = value.strip()
        length = fields.get("content-length", "0")
        if not re.fullmatch(r"\d{1,6}", length) or int(length) > BODY_BYTES_MAX:
            raise BrokenError("body too long")
        stop = end + 4 + int(length)
        if stop > len(self._buffer):
            return None
        version, _, rest = lines[0].partition(" ")
        if not version.startswith("RTSP/1."):
            return None, stop
        if not re.match(r"\d{3}( |$)", rest):
            raise BrokenError("no status")
        return Reply(int(rest[:3]), fields, tuple(challenges), bytes(self._buffer[end + 4 : stop])), stop


class Assembler:
    """RTP packets to access units. After a gap nothing comes out until the next key frame.

    `gaps` counts losses, `waiting` says that a key frame is needed. Raises BrokenError when a picture is too large.
    """

    def __init__(self) -> None:
        self.gaps, self.waiting = 0, True
        self.ssrc: int | None = None
        self._sequence: int | None = None
        self._ticks = 0
        self._nals: list[bytes] = []
        self._part: bytearray | None = None
        self._size = 0

    def take(self, data: bytes) -> Iterator[AccessUnit]:
        """A unit ends at the marker bit or, for cameras that forget it, when the RTP time changes."""
        if len(data) < 12 or data[0] >> 6 != 2:
            return
        marker, sequence, ticks, ssrc = data[1] & 0x80, *struct.unpack_from(">HII", data, 2)
        if self.ssrc is None:
            self.ssrc = ssrc
        if ssrc != self.ssrc:
            return
        payload = _payload(data)
        if self._sequence is not None and sequence != (self._sequence + 1) & 0xFFFF:
            self.gaps += 1
            self._forget()
            self.waiting = True
        self._sequence = sequence
        if ticks != self._ticks:
            yield from self._finish()
            self._ticks = ticks
        self._add(payload)
        if marker:
            yield from self._finish()

    def _forget(self) -> None:
        self._nals, self._part, self._size = [], None, 0

    def _finish(self) -> Iterator[AccessUnit]:
        nals = tuple(self._nals)
        self._forget()
        if not nals:
            return
        key = any(nal[0] & 31 == 5 for nal in nals)
        if key:
            self.waiting = False
        if not self.waiting:
            yield AccessUnit(nals, self._ticks, key)

    def _add(self, payload: bytes) -> None:
        if len(payload) < 2:
            return
        self._size += len(payload)
        if self._size > UNIT_BYTES_MAX or len(self._nals) > UNIT_NALS_MAX:
            raise BrokenError("picture too large")
        kind = payload[0] & 31
        if 1 <= kind <= 23:
            self._nals.append(payload)
        elif kind == _STAP_A:
            self._aggregate(payload)
        elif kind == _FU_A:
            self._fragment(payload)

    def _aggregate(self, payload: bytes) -> None:
        at = 1
        while at + 2 < len(payload):
            end = at + 2 + int.from_bytes(payload[at : at + 2], "big")
            if end > len(payload) or end == at + 2:
                return
            self._nals.append(payload[at + 2 : end])
            at = end

    def _fragment(self, payload: bytes) -> None:
        flags = payload[1]
        if flags & 0x80:
            self._part = bytearray(((payload[0] & 0xE0) | (flags & 31),))
        if self._part is None:
            return
        self._part += payload[2:]
        if flags & 0x40:
            self._nals.append(bytes(self._part))
            self._part = None


def _payload(data: bytes) -> bytes:
    """What follows the RTP header, its CSRC entries and its extension, without padding. Empty when lengths lie."""
    start, end = 12 + 4 * (data[0] & 15), len(data)
    if data[0] & 0x10:
        if start + 4 > end:
            return b""
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
    if data[0] & 0x20:
        end -= data[-1]
    return data[start:end] if start < end else b""


@dataclass(frozen=True, slots=True)
class Track:
    """The video track of a description: its control URL, payload type and the parameter sets it announces."""

    control: str
    payload_type: int
    sets: tuple[bytes, ...]


def video_track(sdp: bytes, base: str) -> Track:
    """Finds the H.264 track; every other track stays unnamed and so cannot be set up. Raises BrokenError without one."""
    control, payload_type, sets, inside, h264 = "", -1, "", False, False
    for line in sdp.decode("latin-1").splitlines():
        if line.startswith("m="):
            if h264:
                break
            inside = line.startswith("m=video")
            found = re.match(r"m=video \d+ \S+ (\d{1,3})", line)
            payload_type, control, sets = int(found[1]) if found else -1, "", ""
        elif inside and line.lower().startswith(f"a=rtpmap:{payload_type} h264/90000"):
            h264 = True
        elif inside and line.startswith("a=control:"):
            control = line[10:].strip()
        elif inside and line.startswith(f"a=fmtp:{payload_type} "):
            match = re.search(r"sprop-parameter-sets=([^;\s]+)", line)
            sets = match[1] if match else ""
    if not h264 or payload_type < 0:
        raise BrokenError("no H.264 track")
    if control in ("", "*"):
        url = base
    else:
        url = control if "://" in control else base.rstrip("/") + "/" + control.lstrip("/")
    if len(url) > URL_CHARS_MAX or not url.isprintable() or " " in url:
        raise BrokenError("control URL")
    return Track(url, payload_type, _sets(sets))


def _sets(text: str) -> tuple[bytes, ...]:
    """Parameter sets that an SDP announces; unreadable ones are left out, the stream itself brings them too."""
    made: list[bytes] = []
    for part in text.split(",")[:16]:
        try:
            raw = base64.b64decode(part, validate=True)
        except (binascii.Error, ValueError):
            continue
        if raw:
            made.append(raw)
    return tuple(made)


@dataclass(slots=True)
class Account:
    """Answers a camera's challenge: Digest (MD5 or SHA-256, with or without qop) before Basic."""

    user: str
    password: str
    _said: dict[str, str] = field(default_factory=dict[str, str])
    _kind: str = ""
    _count: int = 0

    def challenge(self, challenges: tuple[str, ...]) -> bool:
        """Takes the best challenge; False when there is none that can be answered."""
        for text in sorted(challenges, key=lambda each: not each.lower().startswith("digest")):
            kind, _, rest = text.partition(" ")
            said = {k.lower(): (q or v) for k, q, v in re.findall(r'(\w+)=(?:"([^"]*)"|([^\s,]+))', rest)}
            if kind.lower() == "digest" and said.get("algorithm", "MD5").upper() in ("MD5", "SHA-256"):
                self._kind, self._said, self._count = "Digest", said, 0
                return True
            if kind.lower() == "basic":
                self._kind = "Basic"
                return True
        return False

    def header(self, method: str, url: str) -> str:
        if self._kind == "Basic":
            return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        if self._kind != "Digest":
            return ""
        algorithm = self._said.get("algorithm", "MD5").upper()

        def digest(text: str) -> str:
            data = text.encode()
            return (
                hashlib.sha256(data) if algorithm == "SHA-256" else hashlib.md5(data, usedforsecurity=False)
            ).hexdigest()

        realm, nonce = self._said.get("realm", ""), self._said.get("nonce", "")
        first, second = digest(f"{self.user}:{realm}:{self.password}"), digest(f"{method}:{url}")
        parts = f'Digest username="{self.user}", realm="{realm}", nonce="{nonce}", uri="{url}"'
        if "algorithm" in self._said:
            parts += f", algorithm={algorithm}"
        if "opaque" in self._said:
            parts += f', opaque="{self._said["opaque"]}"'
        if "auth" in self._said.get("qop", "").split(","):
            self._count += 1
            count, ours = f"{self._count:08x}", digest(f"{nonce}{self._count}")[:16]
            answer = digest(f"{first}:{nonce}:{count}:{ours}:auth:{second}")
            return parts + f', qop=auth, nc={count}, cnonce="{ours}", response="{answer}"'
        return parts + f', response="{digest(f"{first}:{nonce}:{second}")}"'


class Session(asyncio.Protocol):
    """One connection to one camera, from DESCRIBE to TEARDOWN."""

    def __init__(self, url: str, take: Callable[[AccessUnit], None]) -> None:
        parts = urlsplit(url)
        if parts.scheme != "rtsp" or not parts.hostname:
            raise BrokenError("no rtsp URL")
        self.host, self.port = parts.hostname, parts.port or 554
        self._url = f"rtsp://{parts.netloc.rpartition('@')[2]}{parts.path or '/'}" + (
            f"?{parts.query}" if parts.query else ""
        )
        self._account = (
            Account(unquote(parts.username or ""), unquote(parts.password or "")) if parts.username else None
        )
        self._take, self._wire, self._assembler = take, Wire(), Assembler()
        self._transport: asyncio.Transport | None = None
        self._replies: asyncio.Queue[Reply] = asyncio.Queue(maxsize=8)
        self._cseq, self._session = 0, ""
        self._control, self._rtp, self._rtcp, self._timeout_s = "", 0, 1, 60.0
        self._packets, self._heard, self._wished = 0, 0.0, 0.0
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.sets: tuple[bytes, ...] = ()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # By name only: the transports of uvloop are no subclasses of those of asyncio.
        self._transport = cast("asyncio.Transport", transport)
        self._heard = asyncio.get_running_loop().time()

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail("connection lost")

    def _fail(self, why: str) -> None:
        if not self.over.done():
            self.over.set_exception(BrokenError(why))
            self.over.exception()  # a session that nobody waits for any more may end in silence

    def data_received(self, data: bytes) -> None:
        if self.over.done():
            return
        try:
            for each in self._wire.feed(data):
                if isinstance(each, Packet):
                    self._packet(each)
                elif self._replies.full():
                    raise BrokenError("replies that nobody asked for")
                else:
                    self._replies.put_nowait(each)
        except ValueError as error:  # the taker found the picture malformed
            self._fail(str(error))
        except BrokenError as error:
            self._fail(str(error))

    def _packet(self, packet: Packet) -> None:
        if packet.channel != self._rtp:
            return
        self._heard = asyncio.get_running_loop().time()
        for unit in self._assembler.take(packet.data):
            self._take(unit)
        self._packets += 1
        if self._assembler.waiting and self._packets >= 2 and not _of_key(packet.data):
            self.want_key()

    def want_key(self) -> None:
        """Asks for a key frame (RTCP PLI), at most once in KEY_WISH_S_MIN."""
        now = asyncio.get_running_loop().time()
        ssrc = self._assembler.ssrc
        if ssrc is None or self._transport is None or now - self._wished < KEY_WISH_S_MIN:
            return
        self._wished = now
        self._transport.write(struct.pack(">BBHBBHII", 0x24, self._rtcp, 12, 0x81, 206, 2, _OWN_SSRC, ssrc))

    async def _ask(self, method: str, url: str, extra: str = "") -> Reply:
        """One request and its reply; a first 401 is answered once with the account. Raises BrokenError."""
        reply = await self._request(method, url, extra)
        if reply.status == 401 and self._account is not None and self._account.challenge(reply.challenges):
            reply = await self._request(method, url, extra)
        if reply.status != 200:
            raise BrokenError(f"{method} answered {reply.status}")
        return reply

    async def _request(self, method: str, url: str, extra: str) -> Reply:
        self._write(method, url, f"User-Agent: safetynet\r\n{extra}")
        return await self._reply()

    def _write(self, method: str, url: str, extra: str = "") -> None:
        assert self._transport is not None
        self._cseq += 1
        lines = f"{method} {url} RTSP/1.0\r\nCSeq: {self._cseq}\r\n"
        if self._session:
            lines += f"Session: {self._session}\r\n"
        if self._account is not None and (answer := self._account.header(method, url)):
            lines += f"Authorization: {answer}\r\n"
        self._transport.write((lines + extra + "\r\n").encode())

    async def _reply(self) -> Reply:
        """The reply that belongs to the last request. Answers to earlier keep-alives are read over."""
        try:
            async with asyncio.timeout(REPLY_S_MAX):
                for _ in range(STRAY_REPLIES_MAX):
                    reply = await self._replies.get()
                    if reply.fields.get("cseq", str(self._cseq)) == str(self._cseq):
                        return reply
        except TimeoutError:
            raise BrokenError("no reply in time") from None
        raise BrokenError("replies to something else")

    async def start(self) -> None:
        """DESCRIBE, SETUP of the video track alone, PLAY."""
        described = await self._ask("DESCRIBE", self._url, "Accept: application/sdp\r\n")
        track = video_track(described.body, described.fields.get("content-base", self._url))
        self.sets, self._control = track.sets, self._url
        wanted = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
        ready = await self._ask("SETUP", track.control, wanted)
        session, _, rest = ready.fields.get("session", "").partition(";")
        if not session or len(session) > 256:
            raise BrokenError("no session")
        self._session = session.strip()
        found = re.search(r"timeout=(\d{1,4})", rest)
        self._timeout_s = min(max(float(found[1]) if found else 60.0, 10.0), 120.0)
        transport = ready.fields.get("transport", "")
        channels = re.search(r"interleaved=(\d{1,3})-(\d{1,3})", transport)
        if channels:
            self._rtp, self._rtcp = int(channels[1]) & 255, int(channels[2]) & 255
        ssrc = re.search(r"ssrc=([0-9A-Fa-f]{8})(;|$)", transport)
        if ssrc:
            self._assembler.ssrc = int(ssrc[1], 16)
        await self._ask("PLAY", self._url, "Range: npt=0.000-\r\n")

    async def watch(self) -> None:
        """Runs until the session breaks: keep-alives, receiver reports, and 3 s without a packet are the end."""
        loop = asyncio.get_running_loop()
        self._heard = alive = reported = loop.time()
        while True:
            done, _ = await asyncio.wait({self.over}, timeout=0.5)
            if done:
                self.over.result()
            now = loop.time()
            if now - self._heard > STALL_S_MAX:
                raise BrokenError("stalled")
            while not self._replies.empty():
                self._replies.get_nowait()
            assert self._transport is not None
            if now - reported > RECEIVER_REPORT_S:
                reported = now
                self._transport.write(struct.pack(">BBHBBHI", 0x24, self._rtcp, 8, 0x80, 201, 1, _OWN_SSRC))
            if now - alive > self._timeout_s / 2:
                alive = now
                self._write("GET_PARAMETER", self._control)

    def end(self) -> None:
        """TEARDOWN if a session stands, then close. Cameras keep dead sessions for a minute and run out of them."""
        if self._transport is None or self._transport.is_closing():
            return
        if self._session:
            self._write("TEARDOWN", self._control)
        self._transport.close()


def _of_key(data: bytes) -> bool:
    """Whether a packet belongs to a key frame or its parameter sets, so that a key frame need not be asked for."""
    payload = _payload(data)
    if len(payload) < 4:
        return True
    kind = payload[0] & 31
    if kind == _FU_A:
        kind = payload[1] & 31
    elif kind == _STAP_A:
        kind = payload[3] & 31
    return kind in (5, 6, 7, 8, 9)


class Source:
    """A camera that is kept open until `run` is cancelled: reconnects with a capped back-off.

    `take` gets every access unit, `sets` the announced parameter sets at each new session, `lost` the reason when one
    breaks. The jitter of the back-off comes from the URL, so that cameras behind one failed switch do not come back
    at once.
    """

    def __init__(
        self,
        url: str,
        take: Callable[[AccessUnit], None],
        began: Callable[[tuple[bytes, ...]], None],
        lost: Callable[[str], None],
    ) -> None:
        self._url, self._take, self._began, self._lost = url, take, began, lost
        self._session: Session | None = None
        self._failures = 0

    def want_key(self) -> None:
        if self._session is not None:
            self._session.want_key()

    def _count(self, unit: AccessUnit) -> None:
        self._failures = 0
        self._take(unit)

    async def run(self) -> None:
        while True:
            try:
                await self._once()
            except (BrokenError, OSError) as error:
                self._lost(str(error) or type(error).__name__)
            await asyncio.sleep(back_off_s(self._url, self._failures))
            self._failures += 1

    async def _once(self) -> None:
        session = Session(self._url, self._count)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_S_MAX):
                await loop.create_connection(lambda: session, session.host, session.port)
            starting = asyncio.ensure_future(session.start())
            try:
                await asyncio.wait({starting, session.over}, return_when=asyncio.FIRST_COMPLETED)
                if session.over.done():
                    session.over.result()
                starting.result()
            finally:
                starting.cancel()
            self._session = session
            try:
                self._began(session.sets)
            except ValueError as malformed:  # the parameter sets of its description
                raise BrokenError(str(malformed)) from malformed
            await session.watch()
        finally:
            self._session = None
            session.end()
            if session.over.done():
                session.over.exception()


def back_off_s(url: str, failures: int) -> float:
    """Doubles from BACK_OFF_S_MIN to BACK_OFF_S_MAX; a fixed quarter more or less for each (url, try)."""
    base = min(BACK_OFF_S_MAX, BACK_OFF_S_MIN * 2.0 ** min(failures, 10))
    spread = zlib.crc32(f"{url}#{failures}".encode()) / 2**32
    return base * (0.75 + spread / 2)
