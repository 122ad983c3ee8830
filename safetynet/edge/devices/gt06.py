"""GT06 (Concox, Jimi and many that copy them): login by IMEI, binary frames with a CRC, an answer to each.

    78 78 | length 1 | type 1 | content | serial 2 | CRC 2 | 0D 0A     and 79 79 with a length of 2

The length counts from the type to the CRC; the CRC is X.25 from the length to the serial. A place is time 6, satellites
(low half of a byte), latitude and longitude in 1/1,800,000 degree, km/h, and flags: course 10 bits, north, west, valid.
There is no radius and no key; the clock shows UTC, or the zone that the login names.

A frame of a type that is not read here is a word of the device without a place. Absent on purpose: positions out of
cells and Wi-Fi (no table of towers), fuel, passengers, pictures.
"""

import struct
from typing import Final, assert_never

from safetynet.core.fixes import Mark, Said
from safetynet.core.terms import DeviceId, Instant
from safetynet.edge.devices import words
from safetynet.edge.devices.lines import Cursor, Dialect, Heard, Locate, Malformed, Rhythm, Wish
from safetynet.edge.devices.words import MPS_PER_KMH, Reason, Spoken

LOGIN: Final = 0x01
STATUS: Final = 0x13
HEARTBEAT: Final = 0x23
REPLY_TO_COMMAND: Final = 0x15
COMMAND: Final = 0x80
CLOCK: Final = 0x8A
_HEARTBEATS: Final = frozenset({STATUS, HEARTBEAT})
_PLACES: Final = frozenset({0x10, 0x11, 0x12, 0x1A, 0x1E, 0x22, 0x2D, 0x31, 0x37, 0x38, 0xA0})
_PLACES_WITH_STATUS: Final = frozenset({0x16, 0x26, 0x27, 0x32, 0xA3, 0xA4})
_STATUS_AFTER_CELL: Final = frozenset({0x19, 0xA5})
_UNALIKE: Final = frozenset({0x32, 0x33})
"""In the long form another family uses these for something else."""
_START: Final = (b"\x78\x78", b"\x79\x79")
_STOP: Final = b"\r\n"
_PLACE: Final = struct.Struct(">6BBIIBH")
_PER_DEGREE: Final = 1_800_000
_VOLTAGE_STEPS: Final = 6
_LENGTH_MIN: Final = 5

_ALARMS: Final = {
    0x01: Said.SOS,
    0x02: Said.POWER_CUT,
    0x03: Said.SHOCK,
    0x09: Said.SHOCK,
    0x0E: Said.LOW_BATTERY,
    0x0F: Said.LOW_BATTERY,
    0x11: Said.POWER_CUT,
    0x13: Said.BODY_TAMPER,
    0x15: Said.LOW_BATTERY,
    0x17: Said.JAMMING,
    0x18: Said.BODY_TAMPER,
    0x19: Said.LOW_BATTERY,
    0x23: Said.SHOCK,
    0x2C: Said.SHOCK,
    0x32: Said.POWER_CUT,
}
_NO_ALARMS: Final = frozenset({0x00, 0x04, 0x05, 0x06, 0x0A, 0x0B, 0x0C, 0x0D, 0xFE, 0xFF})
"""Fences of its own, speed, shadow of the sky, switched on: nothing of ours."""
_STATES: Final = {1: Said.SHOCK, 2: Said.POWER_CUT, 3: Said.LOW_BATTERY, 4: Said.SOS, 7: Said.STRAP_CUT}
"""Three bits of the terminal's state; 7 is "taken off"."""
_TABLE: Final = words.crc_table(0x8408)


def checksum(data: bytes) -> int:
    """CRC-16/X.25."""
    return words.crc(data, _TABLE, 0xFFFF) ^ 0xFFFF


def framed(kind: int, content: bytes, serial: int) -> bytes:
    """A frame in the short form, as both sides send it."""
    body = bytes((len(content) + _LENGTH_MIN, kind)) + content + serial.to_bytes(2, "big")
    return _START[0] + body + checksum(body).to_bytes(2, "big") + _STOP


class Gt06(Dialect):
    def __init__(self, zone_min: int = 0) -> None:
        self._zone_min = zone_min
        self._serial = 0

    def cut(self, data: bytes) -> tuple[int, bytes | None]:
        if data[:2] not in _START:
            starts = [at for at in (data.find(_START[0]), data.find(_START[1])) if at >= 0]
            # The last byte may be the first of a start.
            return (min(starts) if starts else len(data) - (data[-1] in (0x78, 0x79))), None
        wide = 2 if data[:1] == b"\x79" else 1
        head = 2 + wide
        if len(data) < head:
            return 0, None
        length = int.from_bytes(data[2:head], "big")
        whole = head + length + 2
        if length < _LENGTH_MIN:
            return 2, None
        if len(data) < whole:
            return 0, None
        return (whole, data[:whole]) if data[whole - 2 : whole] == _STOP else (2, None)

    def read(self, frame: bytes, now: Instant) -> Heard:
        long = frame[0] == 0x79
        start = 4 if long else 3
        if checksum(frame[2:-4]) != int.from_bytes(frame[-4:-2], "big"):
            raise Malformed(Reason.BAD_CHECKSUM)
        kind, content, serial = frame[start], frame[start + 1 : -6], int.from_bytes(frame[-6:-4], "big")
        reply = framed(kind, b"", serial)
        if kind == LOGIN:
            return Heard(name=self._login(Cursor(content)), reply=reply)
        if kind == CLOCK:
            return Heard(reply=framed(kind, words.clock_bytes(now), serial))
        if kind == REPLY_TO_COMMAND:
            return Heard(spoken=(Spoken(),))
        if not content:
            return Heard()
        return Heard(spoken=(self._spoken(kind, content, long=long),), reply=reply)

    def say(self, wish: Wish, device: DeviceId, now: Instant) -> bytes:
        match wish:
            case Rhythm(every_s):
                text = f"TIMER,{every_s},{every_s}#"
            case Locate():
                text = "WHERE#"
            case _:
                assert_never(wish)
        self._serial = self._serial % 0xFFFF + 1
        command = text.encode()
        return framed(COMMAND, bytes((len(command) + 4,)) + bytes(4) + command, self._serial)

    def _login(self, content: Cursor) -> str:
        name = content.take(8).hex().lstrip("0")
        if not name.isdigit():
            raise Malformed
        if content.left >= 4:
            content.take(2)
            bits = content.number(2)
            hours, minutes = divmod(bits >> 4, 100)
            ahead = hours * 60 + minutes
            if ahead:
                self._zone_min = -ahead if bits & 0x8 else ahead
        return name

    def _spoken(self, kind: int, content: bytes, *, long: bool) -> Spoken:
        if kind in _HEARTBEATS:
            return _heartbeat(kind, content)
        if kind in _STATUS_AFTER_CELL:
            said, other, battery = _status(content[-5:])
            return Spoken(said=said, other=other, battery_percent=battery)
        if kind in _PLACES and not (long and kind in _UNALIKE):
            return self._place(content)
        if kind in _PLACES_WITH_STATUS and not (long and kind in _UNALIKE):
            placed = self._place(content)
            said, other, battery = _status(_after_cell(content[_PLACE.size :]))
            return Spoken(
                place=placed.place,
                observed_at=placed.observed_at,
                radius_m=placed.radius_m,
                speed_mps=placed.speed_mps,
                course_deg=placed.course_deg,
                marks=placed.marks,
                battery_percent=battery,
                said=said,
                other=other,
            )
        return Spoken()

    def _place(self, content: bytes) -> Spoken:
        if len(content) < _PLACE.size:
            return Spoken()
        year, month, day, hour, minute, second, sky, lat, lon, kmh, flags = _PLACE.unpack_from(content)
        observed = words.calendar(year, month, day, hour, minute, second, self._zone_min)
        if observed is Reason.BAD_TIME and not (year or month or day):
            return Spoken()  # no calendar begins like that: another family's message under this number
        if observed is Reason.BAD_TIME and content[0] >> 4 == 0 and len(content) >= 8 + _PLACE.size:
            return self._place(content[8:])  # some say their IMEI in front of each place
        satellites = sky & 0x0F
        north = 1 if flags & 0x0400 else -1
        east = -1 if flags & 0x0800 else 1
        valid = Mark.NOTHING if flags & 0x1000 else Mark.NOT_VALID
        return Spoken(
            place=words.spot(north * lat / _PER_DEGREE, east * lon / _PER_DEGREE),
            observed_at=observed,
            radius_m=words.radius(satellites),
            speed_mps=kmh * MPS_PER_KMH,
            course_deg=float(flags & 0x03FF),
            marks=valid | words.few(satellites),
        )


def _heartbeat(kind: int, content: bytes) -> Spoken:
    said = _STATES.get(content[0] >> 3 & 0x07, Said.NOTHING)
    battery = None
    if kind == STATUS and len(content) >= 2:
        battery = min(content[1], _VOLTAGE_STEPS) * 100 / _VOLTAGE_STEPS
    return Spoken(said=said, battery_percent=battery)


def _after_cell(rest: bytes) -> bytes:
    """What follows the cell: a length in front that counts itself, or none; towers of newer nets take more room."""
    if not rest:
        return b""
    length = rest[0]
    return rest[length : length + 5] if length >= 9 and length + 4 <= len(rest) else rest[-5:]


def _status(status: bytes) -> tuple[Said, str, float | None]:
    """Terminal state, voltage in sixths, signal, alarm, language."""
    if len(status) < 4:
        return Said.NOTHING, "", None
    said = _STATES.get(status[0] >> 3 & 0x07, Said.NOTHING)
    alarm, other = status[3], ""
    if alarm in _ALARMS:
        said |= _ALARMS[alarm]
    elif alarm not in _NO_ALARMS:
        said, other = said | Said.OTHER, f"gt06_{alarm:02x}"
    return said, other, min(status[1], _VOLTAGE_STEPS) * 100 / _VOLTAGE_STEPS
