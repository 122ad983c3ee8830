"""H02 (and its many copies): sentences in ASCII, or a binary form that begins with a dollar sign.

    *HQ,<device>,V1,hhmmss,A|V|B,ddmm.mmmm,N|S,dddmm.mmmm,E|W,knots,course,ddmmyy,status[,...]#
    24 | device 5 | hhmmss 3 | ddmmyy 3 | latitude 4 | battery 1 | longitude and flags 5 | speed, course 3 | status 4 | ...

Times are UTC. The status is eight hexadecimal digits in which a bit that is 0 says something. The protocol has no
checksum, no radius and no key. V1, NBR, LINK and HTBT are answered; the binary form has no answer.

The binary form is 32 bytes, or 45 in a later one. Which, is not said: it is 45 when what begins at the 32nd byte is no
new message, which can be known only from the byte that follows: a message of 32 bytes waits for it, or for a pause.
Either way the same is read, for nothing behind the status is used.
"""

import re
from typing import Final, assert_never

from safetynet.core.fixes import Mark, Said
from safetynet.core.terms import DeviceId, Instant
from safetynet.edge.devices import words
from safetynet.edge.devices.lines import Dialect, Heard, Locate, Malformed, Rhythm, Wish
from safetynet.edge.devices.words import MPS_PER_KNOT, Reason, Spoken

SENTENCE_BYTES_MAX: Final = 1_024
SHORT_BYTES: Final = 32
LONG_BYTES: Final = 45
_ANSWERED: Final = frozenset({"V1", "NBR", "LINK", "HTBT"})
_FLAGS: Final = ((0, Said.SHOCK), (1, Said.SOS), (18, Said.SOS), (19, Said.POWER_CUT))
"""Of the status; 0 says it. Theft or vibration, robbery, the button, the vehicle's battery."""

_TIME: Final = re.compile(r"\d{6}", re.ASCII)
_STATUS: Final = re.compile(r"[0-9A-Fa-f]{8}", re.ASCII)
_NAME: Final = re.compile(r"\d{1,20}", re.ASCII)
_NUMBER: Final = re.compile(r"\d{1,6}(\.\d{1,6})?", re.ASCII)
_WHOLE: Final = re.compile(r"\d{1,3}", re.ASCII)


class H02(Dialect):
    def __init__(self, zone_min: int = 0) -> None:
        self._zone_min = zone_min
        self._maker = "HQ"

    def cut(self, data: bytes) -> tuple[int, bytes | None]:
        if data[:1] == b"*":
            end = data.find(b"#", 0, SENTENCE_BYTES_MAX)
            if end >= 0:
                return end + 1, data[: end + 1]
            return (0, None) if len(data) < SENTENCE_BYTES_MAX else (1, None)
        if data[:1] == b"$":
            if len(data) <= SHORT_BYTES:
                return 0, None
            if data[SHORT_BYTES : SHORT_BYTES + 1] in (b"$", b"*", b"\r"):
                return SHORT_BYTES, data[:SHORT_BYTES]
            return (0, None) if len(data) < LONG_BYTES else (LONG_BYTES, data[:LONG_BYTES])
        starts = [at for at in (data.find(b"*"), data.find(b"$")) if at >= 0]
        return (min(starts) if starts else len(data)), None

    def read(self, frame: bytes, now: Instant) -> Heard:
        if frame[:1] == b"$":
            return self._binary(frame)
        try:
            fields = frame[1:-1].decode("ascii").split(",")
        except UnicodeDecodeError:
            raise Malformed from None
        if len(fields) < 3 or (fields[1] and not _NAME.fullmatch(fields[1])):
            raise Malformed
        maker, name, kind = fields[0], fields[1], fields[2]
        if not (2 <= len(maker) <= 3 and maker.isalnum()):
            raise Malformed
        self._maker = maker
        reply = b""
        if kind in _ANSWERED:
            century = words.digits(now)
            reply = f"*{maker},{name},V4,{kind},20{century}#".encode()
        return Heard(name=name, spoken=(self._sentence(kind, fields[3:]),), reply=reply)

    def say(self, wish: Wish, device: DeviceId, now: Instant) -> bytes:
        clock = words.digits(now)[6:]
        match wish:
            case Rhythm(every_s):
                return f"*{self._maker},{device},S71,{clock},22,{every_s}#".encode()
            case Locate():
                return f"*{self._maker},{device},R1,{clock}#".encode()
            case _:
                assert_never(wish)

    def rested(self, data: bytes) -> bool:
        return len(data) == SHORT_BYTES and data[:1] == b"$"

    def _sentence(self, kind: str, fields: list[str]) -> Spoken:
        status = next((each for each in reversed(fields) if _STATUS.fullmatch(each)), None)
        said = Said.NOTHING if status is None else _said(int(status, 16))
        if kind == "HTBT":
            return Spoken(battery_percent=_number(fields[0]) if fields else None)
        if kind == "LINK":
            return Spoken(
                observed_at=self._at(fields[0], fields[6]) if len(fields) > 6 else None,
                battery_percent=_number(fields[3]) if len(fields) > 3 else None,
                said=said,
            )
        for start in range(len(fields)):
            if fields[start : start + 1] and _hemispheres(fields, start):
                return self._placed(fields, start, said)
        return Spoken(said=said)

    def _placed(self, fields: list[str], start: int, said: Said) -> Spoken:
        """`start` is where latitude stands; the validity is before it and the time before that."""
        lat = _degrees(fields[start], fields[start + 1])
        lon = _degrees(fields[start + 2], fields[start + 3])
        place = Reason.BAD_PLACE if lat is None or lon is None else words.spot(lat, lon)
        # Validity A, or the number of a coding scheme; the battery may stand between course and date.
        valid = start >= 1 and (fields[start - 1] == "A" or fields[start - 1].isdigit())
        clock = fields[start - 2] if start >= 2 else ""
        date = next((each for each in fields[start + 6 : start + 8] if _TIME.fullmatch(each)), "")
        speed = _number(fields[start + 4].strip()) if len(fields) > start + 4 else None
        return Spoken(
            place=place,
            observed_at=self._at(clock, date),
            speed_mps=None if speed is None else speed * MPS_PER_KNOT,
            course_deg=_number(fields[start + 5]) if len(fields) > start + 5 else None,
            said=said,
            marks=Mark.NOTHING if valid else Mark.NOT_VALID,
        )

    def _at(self, clock: str, date: str) -> Instant | Reason:
        if not (_TIME.fullmatch(clock) and _TIME.fullmatch(date)):
            return Reason.BAD_TIME
        day, month, year = int(date[:2]), int(date[2:4]), int(date[4:])
        return words.calendar(year, month, day, int(clock[:2]), int(clock[2:4]), int(clock[4:]), self._zone_min)

    def _binary(self, frame: bytes) -> Heard:
        digits = frame[1:SHORT_BYTES].hex()
        if not digits[:32].isdigit():
            raise Malformed
        name, clock, date, lat, battery = digits[:10], digits[10:16], digits[16:22], digits[22:30], frame[16]
        lon, flags = digits[32:41], int(digits[41], 16)
        rest = digits[42:48]
        if not (lon.isdigit() and rest.isdigit()):
            raise Malformed
        north = int(lat[:2]) + int(lat[2:]) / 600_000
        east = int(lon[:3]) + int(lon[3:]) / 600_000
        spoken = Spoken(
            place=words.spot(north if flags & 0x4 else -north, east if flags & 0x8 else -east),
            observed_at=self._at(clock, date),
            speed_mps=int(rest[:3]) * MPS_PER_KNOT,
            course_deg=float(rest[3:]),
            battery_percent=_battery(battery),
            said=_said(int(digits[48:56], 16)),
            marks=Mark.NOTHING if flags & 0x2 else Mark.NOT_VALID,
        )
        return Heard(name=name, spoken=(spoken,))


def _hemispheres(fields: list[str], start: int) -> bool:
    return len(fields) > start + 3 and fields[start + 1] in ("N", "S") and fields[start + 3] in ("E", "W")


def _said(status: int) -> Said:
    said = Said.NOTHING
    for bit, flag in _FLAGS:
        if not status >> bit & 1:
            said |= flag
    return said


def _degrees(text: str, side: str) -> float | None:
    """`ddmm.mmmm`, or `-dd-m.mmmm` as some copies have it: the sign is the letter's business."""
    if text.startswith("-"):
        whole, _, minutes = text[1:].partition("-")
    else:
        point = text.find(".")
        cut = (point if point >= 0 else len(text) - 4) - 2
        whole, minutes = text[: max(cut, 0)], text[max(cut, 0) :]
        if point < 0:
            minutes = f"{minutes[:2]}.{minutes[2:]}"
    if not (_NUMBER.fullmatch(minutes) and _WHOLE.fullmatch(whole)):
        return None
    value = int(whole) + float(minutes) / 60
    return -value if side in ("S", "W") else value


def _number(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text) else None


def _battery(step: int) -> float | None:
    """Some send steps of one to six, others percent; 0 says nothing."""
    if not step or step > 100:
        return None
    if step <= 3:
        return (step - 1) * 10
    return (step - 1) * 20 if step <= 6 else step
