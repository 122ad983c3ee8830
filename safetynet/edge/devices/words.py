"""What all device protocols share: who may speak, why something is refused, and how a report becomes a `Fix`.

A protocol reads its bytes into `Spoken` and goes no further. Here stands, once for all of them, what can be no statement
of a device at all (a place outside Korea, a time ahead of ours) and what an alarm changes about that: it is heard with
the impossible part struck out and marked, for whoever can feed a device a false position must not silence its strap.
"""

import datetime as dt
import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias

from safetynet.core import geo
from safetynet.core.fixes import (
    AHEAD_MS_MAX,
    FEW_SATELLITES_MAX,
    OTHER_BYTES_MAX,
    PROTECTED_BYTES_MAX,
    WEARER_BYTES_MAX,
    Fix,
    Mark,
    Said,
)
from safetynet.core.terms import MINUTE_MS, DeviceId, FixId, Instant, Source, WearerId

MPS_PER_KNOT: Final = 1852 / 3600
MPS_PER_KMH: Final = 1 / 3.6
RADIUS_M_PER_HDOP: Final = 7.5
"""68 % radius for a receiver with 5 m of range error, for a tracker that says only how the satellites stand."""
RADIUS_M_BY_SATELLITES: Final = ((8, 15.0), (6, 30.0), (4, 60.0), (1, 300.0))
"""At least so many satellites, such a radius: for a tracker that says nothing better. Three give no height, so no place."""
NOTHING_BUT_ZERO: Final = 1e-6
"""A receiver without a place says 0, 0: nobody is there, and it is no place outside Korea either."""


class Reason(Enum):
    MALFORMED = "malformed"
    UNKNOWN_DEVICE = "unknown_device"
    BAD_KEY = "bad_key"
    BAD_PLACE = "bad_place"
    """Not a number, not finite, or half a position."""
    OUT_OF_KOREA = "out_of_korea"
    SWAPPED = "swapped"
    """Latitude and longitude are exchanged. It is not mended: who sends it must learn of it."""
    BAD_TIME = "bad_time"
    """No time, or one without a zone, which could be nine hours off."""
    FUTURE = "future"
    BAD_CHECKSUM = "bad_checksum"
    UNREAD = "unread"
    """A kind of message that this release does not read: encrypted, in parts, a codec of another family."""
    NAMELESS = "nameless"
    """It speaks before it has said who it is."""
    OTHER_DEVICE = "other_device"
    """A connection speaks for one device."""
    UNPROVEN = "unproven"
    """It proves nothing, and the device it claims to be has proved itself before."""
    GARBAGE = "garbage"
    """Too much in a row that begins no message."""
    FRAME_TOO_LONG = "frame_too_long"


_STATUS: Final = {Reason.MALFORMED: 400, Reason.UNKNOWN_DEVICE: 401, Reason.BAD_KEY: 401}


@dataclass(frozen=True, slots=True)
class Refusal:
    """What is refused becomes no fix. `reason` is for our counters, `word` for the sender."""

    reason: Reason

    @property
    def status(self) -> int:
        return _STATUS.get(self.reason, 422)

    @property
    def word(self) -> str:
        return "not_known" if self.status == 401 else self.reason.value


@dataclass(frozen=True, slots=True)
class Registered:
    """A device that may speak, for whom, and the SHA-256 of its key (at least 128 random bits, so no salt is needed)."""

    wearer: WearerId
    key_sha256: bytes
    protected: bool = False
    """It is a protected person's phone, and `wearer` that person's id."""

    def __post_init__(self) -> None:
        longest = PROTECTED_BYTES_MAX if self.protected else WEARER_BYTES_MAX
        if len(self.key_sha256) != 32 or not 1 <= len(self.wearer.encode()) <= longest:
            raise ValueError("registration with a bad wearer or key")


Known: TypeAlias = Callable[[DeviceId], Registered | None]
NOBODY: Final = Registered(WearerId("-"), bytes(32))
"""Compared with where there is no such device, so that the answer takes as long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """One report as its protocol has it, in our units, before anybody asks whether it can be true."""

    place: tuple[float, float] | Reason | None = None
    observed_at: Instant | Reason | None = None
    """None: it had no time."""
    radius_m: float | None = None
    source: Source = Source.GNSS
    speed_mps: float | None = None
    course_deg: float | None = None
    battery_percent: float | None = None
    said: Said = Said.NOTHING
    marks: Mark = Mark.NOTHING
    other: str = ""


def settle(spoken: Spoken, device: DeviceId, whose: Registered, now: Instant) -> Fix | Refusal:
    """The report as a fix with id 0, or why it is none."""
    marks = spoken.marks
    place = _sited(spoken.place)
    if isinstance(place, Reason):
        if not spoken.said:
            return Refusal(place)
        place, marks = None, marks | Mark.PLACE_REFUSED
    observed = _timed(spoken.observed_at, now)
    if isinstance(observed, Reason):
        if not spoken.said:
            return Refusal(observed)
        observed, marks = now, marks | Mark.CLOCK_REFUSED
    elif observed is None:
        observed, marks = now, marks | Mark.NO_CLOCK
    lat, lon = (None, None) if place is None else place
    return Fix(
        id=FixId(0),
        wearer=whose.wearer,
        device=device,
        observed_at=observed,
        received_at=now,
        lat=lat,
        lon=lon,
        accuracy_m=spoken.radius_m,
        source=spoken.source,
        speed_mps=within(spoken.speed_mps, 0, 1_000 * MPS_PER_KNOT),
        course_deg=within(spoken.course_deg, 0, 360),
        battery_percent=within(spoken.battery_percent, 0, 100),
        said=spoken.said,
        marks=marks,
        other=spoken.other.encode()[:OTHER_BYTES_MAX].decode(errors="ignore"),
        protected=whose.protected,
    )


def _sited(place: tuple[float, float] | Reason | None) -> tuple[float, float] | Reason | None:
    if not isinstance(place, tuple):
        return place
    lat, lon = place
    if not (math.isfinite(lat) and math.isfinite(lon)):
        return Reason.BAD_PLACE
    if geo.in_korea(lat, lon):
        return place
    return Reason.SWAPPED if geo.in_korea(lon, lat) else Reason.OUT_OF_KOREA


def _timed(observed: Instant | Reason | None, now: Instant) -> Instant | Reason | None:
    if observed is None or isinstance(observed, Reason):
        return observed
    if observed < 0:
        return Reason.BAD_TIME
    return Reason.FUTURE if observed > now + AHEAD_MS_MAX else observed


def within(value: float | None, low: float, high: float) -> float | None:
    return value if value is not None and low <= value <= high else None


# --- what many trackers say alike ---------------------------------------------------------------------------------


def calendar(
    year: int, month: int, day: int, hour: int, minute: int, second: int, zone_min: int = 0
) -> Instant | Reason:
    """Two digits of a year, and a clock that shows a zone so many minutes ahead of UTC."""
    try:
        there = dt.datetime(2000 + year, month, day, hour, minute, second, tzinfo=dt.UTC)
    except (ValueError, OverflowError):
        return Reason.BAD_TIME
    return Instant(round(there.timestamp()) * 1000 - zone_min * MINUTE_MS)


def crc_table(polynomial: int) -> tuple[int, ...]:
    """Of a CRC of 16 bits that takes the lowest bit first."""
    rows: list[int] = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = (value >> 1) ^ polynomial if value & 1 else value >> 1
        rows.append(value)
    return tuple(rows)


def crc(data: bytes, table: tuple[int, ...], start: int) -> int:
    value = start
    for byte in data:
        value = (value >> 8) ^ table[(value ^ byte) & 0xFF]
    return value


def digits(now: Instant, zone_min: int = 0) -> str:
    """The instant as year of two digits, month, day, hour, minute, second."""
    return dt.datetime.fromtimestamp(now // 1000 + zone_min * 60, dt.UTC).strftime("%y%m%d%H%M%S")


def clock_bytes(now: Instant) -> bytes:
    """The same six, each in a byte."""
    text = digits(now)
    return bytes(int(text[n : n + 2]) for n in range(0, 12, 2))


def spot(lat: float, lon: float) -> tuple[float, float] | None:
    """None for the 0, 0 of a receiver that has no place."""
    return None if abs(lat) < NOTHING_BUT_ZERO and abs(lon) < NOTHING_BUT_ZERO else (lat, lon)


def radius(satellites: int | None, hdop: float | None = None) -> float | None:
    """The 68 % radius of a tracker that knows none itself; None when it does not say either."""
    if hdop is not None and 0 < hdop < 100:
        return hdop * RADIUS_M_PER_HDOP
    if satellites is None:
        return None
    return next((metres for least, metres in RADIUS_M_BY_SATELLITES if satellites >= least), None)


def few(satellites: int | None) -> Mark:
    """Three satellites measure no height, and a place only by guessing it."""
    some = satellites is not None and satellites <= FEW_SATELLITES_MAX
    return Mark.APPROXIMATE | Mark.FEW_SATELLITES if some else Mark.NOTHING
