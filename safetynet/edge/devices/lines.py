"""One connection of a device that speaks a stream: bytes in, fixes and replies out. No socket, no clock, no waiting.

A `Dialect` is one protocol on one connection: it cuts frames and reads them. Everything that must not be forgotten in any
of them stands here once: who may speak, one device to a connection, limits on what is kept, and that a reply is given
only together with the fixes it acknowledges (`Turn`), so that whoever writes it can wait for the disk.

Most of these protocols carry a name and no secret. What proves who speaks is one of three: the key (a dialect that
carries one gives it as `Heard.key`), or the line itself (`proves`: its network or its certificate is this device's).
What nothing proves is heard all the same, marked `Mark.UNPROVEN`: it may raise an alarm and can clear none. A device
that has proved itself is not believed without proof any more.

How the bytes are cut into reads never changes what comes out.
"""

import hashlib
import hmac
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeAlias

import msgspec

from safetynet.core.fixes import DEVICE_BYTES_MAX, Fix, Mark
from safetynet.core.terms import DeviceId, Instant
from safetynet.edge.devices.words import NOBODY, Known, Reason, Refusal, Registered, Spoken, settle

FRAME_BYTES_MAX: Final = 16_384
"""No message of any of these protocols is longer; more is not kept."""
GARBAGE_BYTES_MAX: Final = 4_096
"""Bytes in a row that begin no message: after these a connection speaks something else."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Report so often from now on."""

    every_s: int

    def __post_init__(self) -> None:
        assert 1 <= self.every_s <= 65_535


@dataclass(frozen=True, slots=True)
class Locate:
    """Say at once where you are."""


Wish: TypeAlias = Rhythm | Locate


class Malformed(Exception):
    """A dialect's own refusal of one frame. `reason` is for the counters."""

    def __init__(self, reason: Reason = Reason.MALFORMED) -> None:
        super().__init__(reason.value)
        self.reason = reason


class Cursor:
    """Reads a frame from its front. Raises Malformed where it is too short."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes, at: int = 0) -> None:
        self._data, self._at = data, at

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def take(self, count: int) -> bytes:
        if not 0 <= count <= self.left:
            raise Malformed
        self._at += count
        return self._data[self._at - count : self._at]

    def number(self, count: int) -> int:
        return int.from_bytes(self.take(count), "big")

    def of(self, shape: struct.Struct) -> tuple[int, ...]:
        """The integers of a struct."""
        return shape.unpack(self.take(shape.size))


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What one frame says."""

    name: str = ""
    """The device that it says it is; empty when it leans on what was said before."""
    key: bytes | None = None
    """What it shows as proof."""
    spoken: tuple[Spoken, ...] = ()
    reply: bytes = b""
    """To a device that may speak, once the reports are on disk."""
    denied: bytes = b""
    """To one that may not."""
    refused: Reason | None = None
    """A frame, or a part of one, that was not read."""
    over: bool = False


class Dialect(Protocol):
    """One protocol on one connection."""

    def cut(self, data: bytes) -> tuple[int, bytes | None]:
        """How many bytes are used up, and the frame in them or None: (0, None) waits for more, (n, None) drops n bytes.

        A dialect decides by the bytes of the frame alone, never by how many happen to have arrived behind it.
        """
        ...

    def read(self, frame: bytes, now: Instant) -> Heard:
        """Raises Malformed."""
        ...

    def say(self, wish: Wish, device: DeviceId, now: Instant) -> bytes:
        """The wish in this protocol; empty where it has none."""
        ...

    def rested(self, data: bytes) -> bool:
        """Whether what has waited for some time is a frame, although more might have followed."""
        return False


@dataclass(frozen=True, slots=True)
class Turn:
    """What one frame came to. The reply is written when the fixes are on disk, and not before."""

    fixes: tuple[Fix, ...] = ()
    reply: bytes = b""
    refused: tuple[Reason, ...] = ()
    over: bool = False
    """The connection ends after the reply."""


@dataclass(slots=True)
class Line:
    """`proves` says whether the connection itself shows that it is this device; `proved` is shared by all doors."""

    dialect: Dialect
    known: Known
    proved: set[DeviceId]
    proves: Callable[[DeviceId], bool] = lambda _: False
    device: DeviceId | None = None
    proven: bool = False
    over: bool = False
    provable: bool = True
    """Whether a key that is shown counts for what follows: not where every message may come from somebody else."""
    _whose: Registered = NOBODY
    _buffer: bytearray = field(default_factory=bytearray)
    _garbage: int = 0

    @property
    def waiting_bytes(self) -> int:
        """Of a frame that has begun."""
        return len(self._buffer)

    def feed(self, data: bytes, now: Instant) -> list[Turn]:
        """What these bytes came to, in their order. After a turn that is over nothing is read any more."""
        self._buffer += data
        turns: list[Turn] = []
        at = 0
        whole = bytes(self._buffer)
        while not self.over and at < len(whole):
            used, frame = self.dialect.cut(whole[at : at + FRAME_BYTES_MAX])
            if frame is None and not used:
                if len(whole) - at >= FRAME_BYTES_MAX:
                    turns.append(self._end(Reason.FRAME_TOO_LONG))
                break
            at += used
            if frame is None:
                self._garbage += used
                if self._garbage > GARBAGE_BYTES_MAX:
                    turns.append(self._end(Reason.GARBAGE))
                continue
            self._garbage = 0
            turn = self._turn(frame, now)
            self.over |= turn.over
            turns.append(turn)
        del self._buffer[: len(whole) if self.over else at]
        return turns

    @property
    def rests(self) -> bool:
        """Whether what waits may be whole, and a pause would show it."""
        return not self.over and self.dialect.rested(bytes(self._buffer))

    def rest(self, now: Instant) -> list[Turn]:
        """Nothing has come for some time."""
        if not self.rests:
            return []
        turn = self._turn(bytes(self._buffer), now)
        self.over = turn.over
        self._buffer.clear()
        return [turn]

    def ended(self, now: Instant) -> list[Turn]:
        """Nothing belongs to this any more: what waits is whole or is dropped."""
        turns = self.rest(now)
        if self._buffer:
            self._buffer.clear()
            turns.append(Turn(refused=(Reason.MALFORMED,)))
        return turns

    def say(self, wish: Wish, now: Instant) -> bytes:
        """Bytes that bring the wish to the device; empty when the protocol has none for it."""
        return b"" if self.device is None else self.dialect.say(wish, self.device, now)

    def hears(self, now: Instant) -> bool:
        """Whether its protocol has words for where a device is asked to be found."""
        return bool(self.say(Locate(), now))

    def _end(self, reason: Reason) -> Turn:
        self.over = True
        return Turn(refused=(reason,), over=True)

    def _turn(self, frame: bytes, now: Instant) -> Turn:
        try:
            heard = self.dialect.read(frame, now)
        except Malformed as malformed:
            return Turn(refused=(malformed.reason,))
        no = self._admit(heard)
        if no is not None:
            return Turn(reply=heard.denied, refused=(no,), over=True)
        fixes: list[Fix] = []
        refused = [] if heard.refused is None else [heard.refused]
        for spoken in heard.spoken:
            assert self.device is not None
            got = settle(spoken, self.device, self._whose, now)
            if isinstance(got, Refusal):
                refused.append(got.reason)
            else:
                fixes.append(got if self.proven else msgspec.structs.replace(got, marks=got.marks | Mark.UNPROVEN))
        return Turn(tuple(fixes), heard.reply, tuple(refused), heard.over)

    def _admit(self, heard: Heard) -> Reason | None:
        """Settles who speaks, once; afterwards only whether it is still the same."""
        if self.device is None:
            if not heard.name:
                return Reason.NAMELESS if heard.spoken or heard.reply else heard.refused
            device = DeviceId(heard.name)
            whose = self.known(device) if len(heard.name.encode(errors="replace")) <= DEVICE_BYTES_MAX else None
            if whose is None:
                return Reason.UNKNOWN_DEVICE
            self.device, self._whose = device, whose
            self.proven = self.proves(device)
        elif self.known(self.device) != self._whose:
            return Reason.UNKNOWN_DEVICE  # returned, or under another key, while the line stood
        elif heard.name and heard.name != self.device:
            return Reason.OTHER_DEVICE
        if heard.key is not None and self.provable and not self.proven:
            if not hmac.compare_digest(hashlib.sha256(heard.key).digest(), self._whose.key_sha256):
                return Reason.BAD_KEY
            self.proven = True
        if self.proven:
            self.proved.add(self.device)
        elif self.device in self.proved:
            return Reason.UNPROVEN
        return None
