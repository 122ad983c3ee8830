"""Teltonika: an IMEI that is accepted or not, then packets of records in codec 8, 8 extended or 16.

    00 0F | 15 digits                                       answered 01 or 00
    00000000 | length 4 | codec 1 | count 1 | records | count 1 | CRC 4       answered with the count, 4 bytes

    length 2 | packet 2 | 01 | its number 1 | 00 0F | 15 digits | codec 1 | count 1 | records | count 1        over UDP, answered
    00 05 | packet 2 | 01 | its number 1 | count 1

The CRC is CRC-16/ARC from the codec to the second count. What is not acknowledged is sent again, so a late answer costs
nothing and a wrong one costs records: a packet that cannot be read is not answered. There is no key; a device may show a
certificate (TLS). Commands go as text in codec 12.

Absent on purpose: codecs 7 and 13, elements other than those in `_said` (a document for each model).
"""

import struct
from typing import Final, assert_never

from safetynet.core.fixes import Mark, Said
from safetynet.core.terms import DeviceId, Instant
from safetynet.edge.devices import words
from safetynet.edge.devices.lines import Cursor, Dialect, Heard, Locate, Malformed, Rhythm, Wish
from safetynet.edge.devices.words import MPS_PER_KMH, Reason, Spoken

CODEC_8: Final = 0x08
CODEC_8E: Final = 0x8E
CODEC_16: Final = 0x10
CODEC_12: Final = 0x0C
NAME_DIGITS_MAX: Final = 17
ELEMENTS_MAX: Final = 1_024
"""Of one record."""
ACCEPTED: Final = b"\x01"
DENIED: Final = b"\x00"
PING: Final = 0xFF
_HEAD: Final = 8
_RECORD: Final = struct.Struct(">QBiiHHBH")
_PANIC: Final = 2

ALARM: Final = 236
MAN_DOWN: Final = 242
JAMMING: Final = 249
UNPLUG: Final = 252
CRASH: Final = 247
BATTERY_PERCENT: Final = 113
HDOP: Final = 182
_FLAGS: Final = {
    ALARM: Said.SOS,
    MAN_DOWN: Said.SHOCK,
    CRASH: Said.SHOCK,
    JAMMING: Said.JAMMING,
    UNPLUG: Said.POWER_CUT,
}
_TABLE: Final = words.crc_table(0xA001)


def checksum(data: bytes) -> int:
    """CRC-16/ARC."""
    return words.crc(data, _TABLE, 0)


def framed(data: bytes) -> bytes:
    """A packet around codec, counts and what is between, as both sides send it."""
    return bytes(4) + len(data).to_bytes(4, "big") + data + checksum(data).to_bytes(4, "big")


class Teltonika(Dialect):
    def cut(self, data: bytes) -> tuple[int, bytes | None]:
        if data[0] == PING:
            return 1, None
        if len(data) < 2:
            return 0, None
        length = int.from_bytes(data[:2], "big")
        if length:
            if length > NAME_DIGITS_MAX:
                return 1, None
            return (0, None) if len(data) < 2 + length else (2 + length, data[: 2 + length])
        if len(data) < _HEAD:
            return 0, None
        if data[2:4] != b"\0\0":
            return 1, None
        whole = _HEAD + int.from_bytes(data[4:_HEAD], "big") + 4
        return (0, None) if len(data) < whole else (whole, data[:whole])

    def read(self, frame: bytes, now: Instant) -> Heard:
        if frame[:2] != b"\0\0":
            name = frame[2:].decode("ascii", "replace")
            if not (name.isascii() and name.isdigit()):
                raise Malformed
            return Heard(name=name, reply=ACCEPTED, denied=DENIED)
        data = frame[_HEAD:-4]
        if checksum(data) != int.from_bytes(frame[-4:], "big"):
            return Heard(refused=Reason.BAD_CHECKSUM)
        at = Cursor(data)
        codec, count = at.number(1), at.number(1)
        if codec == CODEC_12:
            return Heard(spoken=(Spoken(),))  # what a device answers to a command
        if codec not in (CODEC_8, CODEC_8E, CODEC_16):
            return Heard(refused=Reason.UNREAD, over=True)
        return Heard(spoken=_records(at, codec, count), reply=count.to_bytes(4, "big"))

    def say(self, wish: Wish, device: DeviceId, now: Instant) -> bytes:
        match wish:
            case Rhythm(every_s):
                # Minimum period at home, moving and standing: an element of the configuration each.
                text = f"setparam 10000:{every_s};10050:{every_s}"
            case Locate():
                text = "getgps"
            case _:
                assert_never(wish)
        command = text.encode()
        data = bytes((CODEC_12, 1, 5)) + len(command).to_bytes(4, "big") + command + b"\x01"
        return framed(data)


class TeltonikaDatagram(Teltonika):
    """The same records in datagrams, each with its device's name. There are no commands this way."""

    def cut(self, data: bytes) -> tuple[int, bytes | None]:
        return len(data), data

    def read(self, frame: bytes, now: Instant) -> Heard:
        at = Cursor(frame)
        length, packet, kind, number = at.number(2), at.take(2), at.take(1), at.take(1)
        if length != len(frame) - 2 or not 1 <= (digits := at.number(2)) <= NAME_DIGITS_MAX:
            raise Malformed
        name = at.take(digits).decode("ascii", "replace")
        if not (name.isascii() and name.isdigit()):
            raise Malformed
        codec, count = at.number(1), at.number(1)
        if codec not in (CODEC_8, CODEC_8E, CODEC_16):
            return Heard(name=name, refused=Reason.UNREAD)
        spoken = _records(at, codec, count)
        reply = b"\x00\x05" + packet + kind + number + count.to_bytes(1, "big")
        return Heard(name=name, spoken=spoken, reply=reply)

    def say(self, wish: Wish, device: DeviceId, now: Instant) -> bytes:
        return b""


def _records(at: Cursor, codec: int, count: int) -> tuple[Spoken, ...]:
    spoken = tuple(_record(at, codec) for _ in range(count))
    if at.number(1) != count or at.left:
        raise Malformed
    return spoken


def _record(at: Cursor, codec: int) -> Spoken:
    when, priority, lon, lat, _, course, satellites, kmh = at.of(_RECORD)
    elements = _elements(at, codec)
    said, other = Said.NOTHING, ""
    for element, flag in _FLAGS.items():
        if elements.get(element):
            said |= flag
    if priority == _PANIC and not said:
        said, other = Said.OTHER, "panic"
    hdop = elements.get(HDOP)
    return Spoken(
        place=words.spot(lat / 1e7, lon / 1e7),
        observed_at=Instant(when),
        radius_m=words.radius(satellites, None if not hdop else hdop / 10),
        speed_mps=kmh * MPS_PER_KMH,
        course_deg=float(course),
        battery_percent=elements.get(BATTERY_PERCENT),
        said=said,
        marks=words.few(satellites) if satellites else Mark.NOT_VALID,
        other=other,
    )


def _elements(at: Cursor, codec: int) -> dict[int, int]:
    """The values of a record by their number; those of no fixed size are passed by."""
    wide = 2 if codec == CODEC_8E else 1
    name = 1 if codec == CODEC_8 else 2
    at.take(name)  # the element that caused the record
    if codec == CODEC_16:
        at.take(1)  # how it was caused
    total = at.number(wide)
    found: dict[int, int] = {}
    seen = 0
    for size in (1, 2, 4, 8):
        count = at.number(wide)
        seen += count
        if seen > ELEMENTS_MAX:
            raise Malformed
        for _ in range(count):
            element = at.number(name)
            found[element] = at.number(size)
    if codec == CODEC_8E:
        count = at.number(wide)
        seen += count
        for _ in range(min(count, ELEMENTS_MAX)):
            at.take(2)
            at.take(at.number(2))
    if seen != total:
        raise Malformed
    return found
