"""What a loop and its relay say to each other over a unix socket, and two relays over mutual TLS.

Between loop and relay: u32 length, then msgpack of one tagged struct. Between relays: u32 length, u8 kind, u16
channel, payload; the length counts what follows it. Whoever breaks a limit is disconnected.
"""

import asyncio
import struct
from enum import IntEnum
from typing import Final, TypeAlias

import msgspec

from safetynet.core.events import RelayEvent
from safetynet.core.terms import CameraId, CentreId, GrantId, IncidentId, Instant, RequestId, StreamId, ViewerId, Why

WORD_BYTES_MAX: Final = 1_048_576
FRAME_BYTES_MAX: Final = 9 * 1_048_576
RECORDED_EVENTS_MAX: Final = 256
RECORDED_BYTES_MAX: Final = WORD_BYTES_MAX // 2
"""Of the events in one `Recorded`: the rest of the word is small."""
ID_CHARS_MAX: Final = 256
"""Of what a relay of others names, before it is written down or handed over."""
STREAM_CHARS_MAX: Final = 2 * ID_CHARS_MAX + 32
"""A stream is named after its grant and its camera, with a number."""
_LEASE_DOMAIN: Final = "safetynet/lease/1"


class Word(msgspec.Struct, frozen=True, kw_only=True, tag_field="word"):
    pass


class SetLease(Word, frozen=True, kw_only=True, tag="set_lease"):
    """A city's word that `receiver` may open these cameras until `issued_ms + lease_ms`; renewed every 3 s.

    `issued_ms` is `clock.monotonic()` of the city's loop, which runs on the same machine as its relay, so that a lease
    that waited in a queue is not longer for it and a replayed one is over. A newer lease of a grant replaces the older,
    also its cameras. `urls` are where the cameras are; they never leave the city. `signature` covers `lease_part`.
    """

    grant: GrantId
    receiver: CentreId
    cameras: tuple[CameraId, ...]
    lease_ms: int
    issued_ms: Instant
    urls: dict[CameraId, str]
    signature: bytes = b""


def lease_part(lease: SetLease) -> bytes:
    """The bytes that the city signs: every field but the signature, in a fixed order."""
    cameras, urls = sorted(lease.cameras), sorted(lease.urls.items())
    return msgspec.msgpack.encode(
        (_LEASE_DOMAIN, lease.grant, lease.receiver, cameras, lease.lease_ms, lease.issued_ms, urls)
    )


class EndGrant(Word, frozen=True, kw_only=True, tag="end_grant"):
    """It is over now, whatever leases say. Needs no signature: it can only close."""

    grant: GrantId
    why: Why


class Preconnect(Word, frozen=True, kw_only=True, tag="preconnect"):
    """Open these cameras inside the city for a request that nobody has granted. Nothing is delivered."""

    request: RequestId
    cameras: tuple[CameraId, ...]
    for_ms: int
    urls: dict[CameraId, str]


class EndPreconnect(Word, frozen=True, kw_only=True, tag="end_preconnect"):
    request: RequestId


class Admit(Word, frozen=True, kw_only=True, tag="admit"):
    """Whoever shows the token with this hash, once, may watch these cameras until `until_ms` (UTC)."""

    token_sha256: bytes
    viewer: ViewerId
    incident: IncidentId
    grant: GrantId
    city: CentreId
    cameras: tuple[CameraId, ...]
    until_ms: Instant
    one_tile: bool = False
    """One picture at a time, of key frames only."""


class SetCameras(Word, frozen=True, kw_only=True, tag="set_cameras"):
    grant: GrantId
    cameras: tuple[CameraId, ...]


class CutGrant(Word, frozen=True, kw_only=True, tag="cut_grant"):
    grant: GrantId
    why: Why


class CutIncident(Word, frozen=True, kw_only=True, tag="cut_incident"):
    incident: IncidentId
    why: Why


class CutViewer(Word, frozen=True, kw_only=True, tag="cut_viewer"):
    viewer: ViewerId
    why: Why


class Recorded(Word, frozen=True, kw_only=True, tag="recorded"):
    """Rows of the relay's own log up to `upto_row`, in order. Sent again until `Merged` names that row."""

    upto_row: int
    events: tuple[RelayEvent, ...]


class Merged(Word, frozen=True, kw_only=True, tag="merged"):
    """The loop has committed them; the relay may forget."""

    upto_row: int


def unmerged(recorded: Recorded, mark: int) -> tuple[RelayEvent, ...]:
    """What of `recorded` lies beyond row `mark`: after a crash it may begin before what was merged."""
    first = recorded.upto_row - len(recorded.events) + 1
    return recorded.events[max(0, mark + 1 - first) :]


ToCityRelay: TypeAlias = SetLease | EndGrant | Preconnect | EndPreconnect | Merged
ToCentreRelay: TypeAlias = Admit | SetCameras | CutGrant | CutIncident | CutViewer | Merged
ToRelay: TypeAlias = ToCityRelay | ToCentreRelay


def encode(word: Word) -> bytes:
    body = msgspec.msgpack.encode(word)
    assert len(body) <= WORD_BYTES_MAX
    return len(body).to_bytes(4, "big") + body


async def read(reader: asyncio.StreamReader) -> bytes:
    """The next word, still encoded. Raises asyncio.IncompleteReadError at the end, ValueError for one too long."""
    size = int.from_bytes(await reader.readexactly(4), "big")
    if size > WORD_BYTES_MAX:
        raise ValueError("word too long")
    return await reader.readexactly(size)


# --- between relays ------------------------------------------------------------------------------------------------


class Kind(IntEnum):
    """Below 16 from the centre to the city, from 16 on the other way."""

    OPEN = 1
    CLOSE = 2
    """With an `Ending` when the window was lost; empty when somebody closed it."""
    ACK = 3
    WANT_KEY = 4
    OPENED = 16
    INIT = 17
    FRAGMENT = 18
    SEGMENT_END = 19
    ENDED = 20
    REFUSED = 21
    CAMERA = 22


class Open(msgspec.Struct, frozen=True):
    """`viewer` is a nonce: a city learns that somebody watches, not who."""

    grant: GrantId
    camera: CameraId
    viewer: ViewerId


class Opened(msgspec.Struct, frozen=True):
    stream: StreamId


class CodecOf(msgspec.Struct, frozen=True):
    """Comes before each init segment, in one payload with it."""

    codec: str
    width: int
    height: int
    init: bytes


class SegmentEnd(msgspec.Struct, frozen=True):
    seq: int
    sha256: bytes
    pre_grant: bool


class Ending(msgspec.Struct, frozen=True):
    why: Why


class CameraState(msgspec.Struct, frozen=True):
    lost: bool


_FRAME: Final = struct.Struct(">IBH")


class Line:
    """One connection between two relays. Channels share it; credit keeps what waits in it small."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self.writer = reader, writer
        self.sent_bytes = 0

    def send(self, kind: Kind, channel: int, payload: bytes = b"") -> None:
        if self.writer.is_closing():
            return
        self.sent_bytes += len(payload)
        self.writer.writelines((_FRAME.pack(len(payload) + 3, kind, channel), payload))

    def say(self, kind: Kind, channel: int, value: msgspec.Struct) -> None:
        self.send(kind, channel, msgspec.msgpack.encode(value))

    async def read(self) -> tuple[int, int, bytes]:
        """(kind, channel, payload). Raises IncompleteReadError at the end, ValueError when a limit is broken."""
        size, kind, channel = _FRAME.unpack(await self._reader.readexactly(_FRAME.size))
        if not 3 <= size <= FRAME_BYTES_MAX:
            raise ValueError("frame too long")
        return kind, channel, await self._reader.readexactly(size - 3)

    def close(self) -> None:
        self.writer.close()
