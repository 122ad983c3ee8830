"""JT/T 808 (2011, 2013 and 2019), the protocol of the Chinese transport ministry that many wearables speak too.

    7E | kind 2 | properties 2 | [version 1] | telephone BCD 6 or 10 | serial 2 | body | XOR 1 | 7E

Between the marks 7E is written 7D 02 and 7D is 7D 01. The telephone's digits, without zeros in front, are the device.
A terminal registers (0100) and is given a code, shows it (0102), then reports (0200, many at once 0704). A code that we
gave over the same line proves nothing; a terminal that was brought our device key as its code proves itself by it.
The clock shows GMT+8 whatever the country.

A message in parts has their number and each one's place behind its serial. No part is answered before the message is whole and
on disk, then all of them: what a terminal was told is taken it does not send again.

Absent on purpose: encryption, what vehicle makers put into the elements of a report.
"""

import struct
from dataclasses import dataclass, field
from typing import Final, assert_never

from safetynet.core.fixes import Mark, Said
from safetynet.core.terms import DeviceId, Instant
from safetynet.edge.devices import words
from safetynet.edge.devices.lines import Cursor, Dialect, Heard, Locate, Malformed, Rhythm, Wish
from safetynet.edge.devices.words import MPS_PER_KMH, Reason, Spoken

ZONE_MIN: Final = 480
FRAME_BYTES_MAX: Final = 4_096
TRACKING_S: Final = 86_400
"""How long a terminal keeps a rhythm that it was asked for, unless it is asked again."""
TERMINAL_REPLY: Final = 0x0001
ALIVE: Final = 0x0002
REGISTER: Final = 0x0100
SHOW_CODE: Final = 0x0102
REPORT: Final = 0x0200
FOUND: Final = 0x0201
REPORTS: Final = 0x0704
REPLY: Final = 0x8001
REGISTERED: Final = 0x8100
WHERE: Final = 0x8201
FOLLOW: Final = 0x8202
TAKEN: Final = 0
REFUSED: Final = 1
UNSUPPORTED: Final = 3
GIVEN: Final = b"unproven"
"""The code for who registers: known to everybody, since it could prove nothing."""
REPORTS_MAX: Final = 200
PARTS_MAX: Final = 32
"""Of one message; a terminal sends one after the other, so no other is kept beside it."""
_MARK: Final = b"\x7e"
_HEAD_MIN: Final = 12
_IN_PARTS: Final = 0x2000
_VERSIONED: Final = 0x4000
_ENCRYPTED: Final = 0x1C00
_REPORT: Final = struct.Struct(">IIIIHHH")
_FLAGS: Final = {
    0: Said.SOS,
    5: Said.JAMMING,
    6: Said.JAMMING,
    7: Said.LOW_BATTERY,
    8: Said.POWER_CUT,
    15: Said.SHOCK,
    16: Said.BODY_TAMPER,
    17: Said.BODY_TAMPER,
    29: Said.SHOCK,
    30: Said.SHOCK,
}
"""Bits of the alarm word: help, antenna cut or shorted, voltage low or gone, shaken, opened or taken off (reserved by the
standard before 2019, and what worn devices use), collision, rollover."""
_SATELLITES: Final = 0x31


def framed(kind: int, body: bytes, telephone: bytes, serial: int) -> bytes:
    """A message as both sides send it; ten bytes of telephone make it one of 2019."""
    properties = len(body) | (_VERSIONED if len(telephone) == 10 else 0)
    head = struct.pack(">HH", kind, properties) + (b"\x01" if len(telephone) == 10 else b"")
    data = head + telephone + struct.pack(">H", serial) + body
    data += bytes((_xor(data),))
    return _MARK + data.replace(b"\x7d", b"\x7d\x01").replace(_MARK, b"\x7d\x02") + _MARK


def unescaped(data: bytes) -> bytes:
    """Raises Malformed where 7D is followed by something else."""
    parts = data.split(b"\x7d")
    out = [parts[0]]
    for part in parts[1:]:
        match part[:1]:
            case b"\x01":
                out.append(b"\x7d" + part[1:])
            case b"\x02":
                out.append(_MARK + part[1:])
            case _:
                raise Malformed
    return b"".join(out)


def _xor(data: bytes) -> int:
    check = 0
    for byte in data:
        check ^= byte
    return check


@dataclass(slots=True)
class _Parts:
    """A message of which not every part is there."""

    kind: int
    first: int
    """Serial of its first part: the others follow it."""
    count: int
    bodies: dict[int, bytes] = field(default_factory=dict[int, bytes])

    def serials(self) -> list[int]:
        return [(self.first + n) % 0x1_0000 for n in range(self.count)]


class Jt808(Dialect):
    def __init__(self, zone_min: int = ZONE_MIN) -> None:
        self._zone_min = zone_min
        self._serial = 0
        self._telephone = bytes(6)
        self._parts: _Parts | None = None

    def cut(self, data: bytes) -> tuple[int, bytes | None]:
        if data[:1] != _MARK:
            start = data.find(_MARK)
            return (start if start >= 0 else len(data)), None
        end = data.find(_MARK, 1, FRAME_BYTES_MAX)
        if end < 0:
            return (0, None) if len(data) < FRAME_BYTES_MAX else (1, None)
        if end <= _HEAD_MIN:
            return end, None  # the second mark may be the first of what follows
        return end + 1, data[1:end]

    def read(self, frame: bytes, now: Instant) -> Heard:
        data = unescaped(frame)
        if len(data) <= _HEAD_MIN or _xor(data):
            raise Malformed(Reason.BAD_CHECKSUM)
        at = Cursor(data[:-1])
        kind, properties = at.number(2), at.number(2)
        later = bool(properties & _VERSIONED)
        if later:
            at.take(1)
        self._telephone = at.take(10 if later else 6)
        name = self._telephone.hex().lstrip("0") or "0"
        if not name.isdigit():
            raise Malformed
        serial = at.number(2)
        if properties & _ENCRYPTED:
            return Heard(name=name, refused=Reason.UNREAD, reply=self._answer(serial, kind, UNSUPPORTED))
        denied = self._answer(serial, kind, REFUSED)
        if not properties & _IN_PARTS:
            taken = self._answer(serial, kind, TAKEN)
            return self._said(kind, serial, name, at, later=later, taken=taken, denied=denied)
        whole = self._joined(kind, serial, at)
        if whole is None:
            return Heard(name=name, denied=denied)
        taken = b"".join(self._answer(each, kind, TAKEN) for each in whole.serials())
        body = Cursor(b"".join(whole.bodies[n] for n in range(1, whole.count + 1)))
        return self._said(kind, serial, name, body, later=later, taken=taken, denied=denied)

    def _joined(self, kind: int, serial: int, at: Cursor) -> _Parts | None:
        """The message that this part makes whole."""
        count, place = at.number(2), at.number(2)
        if not 1 <= place <= count <= PARTS_MAX:
            raise Malformed
        first = (serial - place + 1) % 0x1_0000
        parts = self._parts
        if parts is None or (parts.kind, parts.first, parts.count) != (kind, first, count):
            parts = self._parts = _Parts(kind, first, count)
        parts.bodies[place] = at.take(at.left)
        if len(parts.bodies) < count:
            return None
        self._parts = None
        return parts

    def _said(
        self, kind: int, serial: int, name: str, at: Cursor, *, later: bool, taken: bytes, denied: bytes
    ) -> Heard:
        match kind:
            case 0x0001 | 0x0104:
                return Heard(name=name, spoken=(Spoken(),))
            case 0x0100:
                body = struct.pack(">HB", serial, TAKEN) + GIVEN
                return Heard(
                    name=name, reply=self._say(REGISTERED, body), denied=self._say(REGISTERED, body[:2] + b"\x04")
                )
            case 0x0102:
                shown = at.take(at.number(1)) if later else at.take(at.left)
                code = shown.rstrip(b"\0")
                return Heard(name=name, key=None if code == GIVEN else code, reply=taken, denied=denied)
            case 0x0200:
                return Heard(name=name, spoken=(self._report(at),), reply=taken, denied=denied)
            case 0x0201:
                at.take(2)
                return Heard(name=name, spoken=(self._report(at),))
            case 0x0704:
                return Heard(name=name, spoken=self._reports(at), reply=taken, denied=denied)
            case _:
                return Heard(name=name, spoken=(Spoken(),), reply=taken, denied=denied)

    def say(self, wish: Wish, device: DeviceId, now: Instant) -> bytes:
        match wish:
            case Rhythm(every_s):
                return self._say(FOLLOW, struct.pack(">HI", every_s, TRACKING_S))
            case Locate():
                return self._say(WHERE, b"")
            case _:
                assert_never(wish)

    def _answer(self, serial: int, kind: int, result: int) -> bytes:
        return self._say(REPLY, struct.pack(">HHB", serial, kind, result))

    def _say(self, kind: int, body: bytes) -> bytes:
        self._serial = self._serial % 0xFFFF + 1
        return framed(kind, body, self._telephone, self._serial)

    def _reports(self, at: Cursor) -> tuple[Spoken, ...]:
        count, _ = at.number(2), at.number(1)
        if count > REPORTS_MAX:
            raise Malformed
        found = tuple(self._report(Cursor(at.take(at.number(2)))) for _ in range(count))
        if at.left:
            raise Malformed
        return found

    def _report(self, at: Cursor) -> Spoken:
        alarm, state, lat, lon, _, speed, course = at.of(_REPORT)
        clock = at.take(6).hex()
        observed: Instant | Reason = Reason.BAD_TIME
        if clock.isdigit():
            year, month, day, hour, minute, second = (int(clock[n : n + 2]) for n in range(0, 12, 2))
            observed = words.calendar(year, month, day, hour, minute, second, self._zone_min)
        satellites = _elements(at).get(_SATELLITES)
        said = Said.NOTHING
        for bit, flag in _FLAGS.items():
            if alarm >> bit & 1:
                said |= flag
        north = -lat if state & 0x4 else lat
        east = -lon if state & 0x8 else lon
        return Spoken(
            place=words.spot(north / 1e6, east / 1e6),
            observed_at=observed,
            radius_m=words.radius(satellites),
            speed_mps=speed / 10 * MPS_PER_KMH,
            course_deg=float(course),
            said=said,
            marks=(Mark.NOTHING if state & 0x2 else Mark.NOT_VALID) | words.few(satellites),
        )


def _elements(at: Cursor) -> dict[int, int]:
    """What follows a report: number, length, value. One that is cut short ends them, and the report stands."""
    found: dict[int, int] = {}
    while at.left >= 2:
        name, size = at.number(1), at.number(1)
        if size > at.left:
            break
        value = at.take(size)
        if size <= 4:
            found[name] = int.from_bytes(value, "big")
    return found
