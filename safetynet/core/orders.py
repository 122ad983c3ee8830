"""What a court ordered: on what footing a person is monitored, which zones are forbidden, when the person must be home.

Timetables are in Korean time (which has had no summer time since 1988); `period` and `next_start` give instants. A
row belongs to the day on which it starts and may end on the next. Public holidays change nothing: no statute says so,
and a court that means it otherwise writes a permitted absence.

An `Order` is personal data. It lives only in the sealed person store, as `encode` writes it, under the wearer's key;
no event and no message carries it.

Absent on purpose: the clock, the person's name and contacts (beside the order in the store), what is a violation (`rules`).
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from safetynet.core import geo
from safetynet.core.terms import (
    MINUTE_MS,
    SECOND_MS,
    AbsenceId,
    CurfewId,
    Instant,
    ProtectedId,
    WearerClass,
    WearerId,
    ZoneId,
)

ZONES_MAX: Final = 200
CORNERS_MAX: Final = 500
RADIUS_M_MIN: Final = 1.0
REACH_M_MAX: Final = 50_000.0
"""No zone reaches further from its middle. A larger one is an input mistake, not a court's wish."""
NAME_CHARS_MAX: Final = 120
CURFEWS_MAX: Final = 8
ROWS_MAX: Final = 64
ABSENCES_MAX: Final = 400
PROTECTED_MAX: Final = 16
DISTANCE_M_MIN, DISTANCE_M_MAX = 50.0, 500.0
"""Of a no-approach condition; 100 m is the rule (Stalking Punishment Act Art. 9)."""
EARLIEST, LATEST = Instant(0), Instant(2**53 - 1)
"""What every store and every page can hold. JSON knows no limit, and a number that cannot be written down ends a program."""
DAY_MINUTES: Final = 24 * 60
AHEAD_DAYS: Final = 8
"""How far `next_start` looks: every weekly row has begun once by then."""
SEOUL: Final = ZoneInfo("Asia/Seoul")


class Circle(msgspec.Struct, frozen=True, tag="circle"):
    lat: float
    lon: float
    radius_m: float

    def __post_init__(self) -> None:
        if not geo.in_korea(self.lat, self.lon):
            raise ValueError("circle outside Korea")
        if not RADIUS_M_MIN <= self.radius_m <= REACH_M_MAX:
            raise ValueError("radius out of range")


class Polygon(msgspec.Struct, frozen=True, tag="polygon"):
    """Corners as (lat, lon), first not repeated; edges are straight in the plane around the first corner."""

    corners: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        if not 3 <= len(self.corners) <= CORNERS_MAX:
            raise ValueError("number of corners out of range")
        if not all(geo.in_korea(lat, lon) for lat, lon in self.corners):
            raise ValueError("corner outside Korea")
        plane = geo.Plane(*self.corners[0])
        ring = [plane.to_xy(lat, lon) for lat, lon in self.corners]
        if any(x * x + y * y > REACH_M_MAX**2 for x, y in ring):
            raise ValueError("polygon too large")
        if not geo.simple(ring):
            raise ValueError("polygon crosses itself or has no area")


class Zone(msgspec.Struct, frozen=True, kw_only=True):
    """A forbidden place (출입금지구역)."""

    id: ZoneId
    name: str
    area: Circle | Polygon

    def __post_init__(self) -> None:
        if not self.id or not 1 <= len(self.name) <= NAME_CHARS_MAX:
            raise ValueError("zone without id or with a bad name")


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a timetable. Night hours, school hours and whole days are all rows (Act 9-2(1) no. 1)."""

    days: tuple[int, ...]
    """0 Monday … 6 Sunday: the days on which it starts."""
    start_min: int
    """Minutes after midnight, Korean time."""
    end_min: int
    """Not later than the start: it ends on the next day; equal to the start: after 24 hours."""

    def __post_init__(self) -> None:
        if not self.days or len(set(self.days)) < len(self.days) or not set(self.days) <= set(range(7)):
            raise ValueError("days out of range")
        if not 0 <= self.start_min < DAY_MINUTES or not 0 <= self.end_min <= DAY_MINUTES:
            raise ValueError("minutes out of range")

    @property
    def length_min(self) -> int:
        return self.end_min - self.start_min + (DAY_MINUTES if self.end_min <= self.start_min else 0)


class Curfew(msgspec.Struct, frozen=True, kw_only=True):
    """When the person must be at which home (외출제한)."""

    id: CurfewId
    name: str
    home: Circle | Polygon
    rows: tuple[Row, ...]

    def __post_init__(self) -> None:
        if not self.id or not 1 <= len(self.name) <= NAME_CHARS_MAX or not 1 <= len(self.rows) <= ROWS_MAX:
            raise ValueError("curfew without id, name or rows, or with too many")


class Absence(msgspec.Struct, frozen=True, kw_only=True):
    """A permitted absence: while it lasts no curfew holds. `ends_at` is the first instant after it."""

    id: AbsenceId
    starts_at: Instant
    ends_at: Instant

    def __post_init__(self) -> None:
        if not self.id or not EARLIEST <= self.starts_at < self.ends_at <= LATEST:
            raise ValueError("absence without id or end")


class Protected(msgspec.Struct, frozen=True, kw_only=True):
    """A person whom the wearer must not approach (피해자·보호대상자 접근금지). Who it is stands in a sealed record."""

    id: ProtectedId
    distance_m: float = 100.0
    device: bool = True
    """False: the person wants none (the police are told once, by hand), so that silence means nothing."""

    def __post_init__(self) -> None:
        if not self.id or not DISTANCE_M_MIN <= self.distance_m <= DISTANCE_M_MAX:
            raise ValueError("protected person without id, or distance out of range")


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """Raises ValueError (msgspec.ValidationError when decoded) for an order that no judge can have meant."""

    wearer: WearerId
    wearer_class: WearerClass
    version: int
    """Rises with every change; a verdict names the version it was judged by."""
    zones: tuple[Zone, ...] = ()
    starts_at: Instant | None = None
    ends_at: Instant | None = None
    """First instant at which it no longer holds."""
    curfews: tuple[Curfew, ...] = ()
    absences: tuple[Absence, ...] = ()
    protected: tuple[Protected, ...] = ()

    def __post_init__(self) -> None:
        if not self.wearer or self.version < 1:
            raise ValueError("order without wearer or version")
        if len(self.zones) > ZONES_MAX:
            raise ValueError("too many zones")
        if len({zone.id for zone in self.zones}) < len(self.zones):
            raise ValueError("two zones with one id")
        if len(self.curfews) > CURFEWS_MAX or len({each.id for each in self.curfews}) < len(self.curfews):
            raise ValueError("too many curfews, or two with one id")
        if len(self.absences) > ABSENCES_MAX:
            raise ValueError("too many absences")
        if len(self.protected) > PROTECTED_MAX or len({each.id for each in self.protected}) < len(self.protected):
            raise ValueError("too many protected persons, or one twice")
        if not all(EARLIEST <= each <= LATEST for each in (self.starts_at, self.ends_at) if each is not None):
            raise ValueError("order starts or ends at no date")
        if self.starts_at is not None and self.ends_at is not None and self.starts_at >= self.ends_at:
            raise ValueError("order ends before it starts")


def in_force(order: Order, at: Instant) -> bool:
    return (order.starts_at is None or order.starts_at <= at) and (order.ends_at is None or at < order.ends_at)


class Period(NamedTuple):
    """A stretch without a break in which a curfew holds; `end` is the first instant after it."""

    start: Instant
    end: Instant


def period(order: Order, curfew: Curfew, at: Instant) -> Period | None:
    """The stretch in which `at` lies: the one that began last when several do. None: nobody needs to be home."""
    return max((each for each in _periods(order, curfew, at, 0) if each.start <= at < each.end), default=None)


def next_start(order: Order, curfew: Curfew, after: Instant) -> Instant | None:
    """When the next stretch begins; None when none does within the days it looks ahead."""
    starts = (each.start for each in _periods(order, curfew, after, AHEAD_DAYS) if each.start > after)
    return min(starts, default=None)


def _periods(order: Order, curfew: Curfew, at: Instant, days: int) -> Iterator[Period]:
    """Of the rows that start from the day before until so many days after: a row is never longer than 24 hours."""
    today = datetime.fromtimestamp(at / SECOND_MS, SEOUL).date()
    for n in range(-1, days + 1):
        day = today + timedelta(days=n)
        for row in curfew.rows:
            if day.weekday() in row.days:
                start = _instant(day, row.start_min)
                yield from _left(order, Period(start, Instant(start + row.length_min * MINUTE_MS)))


def _instant(day: date, minutes: int) -> Instant:
    midnight = datetime(day.year, day.month, day.day, tzinfo=SEOUL)
    return Instant(round(midnight.astimezone(UTC).timestamp()) * SECOND_MS + minutes * MINUTE_MS)


def _left(order: Order, whole: Period) -> Iterator[Period]:
    """What permitted absences and the order's own beginning and end leave of a stretch."""
    start = max(whole.start, order.starts_at if order.starts_at is not None else whole.start)
    end = min(whole.end, order.ends_at if order.ends_at is not None else whole.end)
    inside = (each for each in order.absences if each.ends_at > start and each.starts_at < end)
    for away in sorted(inside, key=lambda each: each.starts_at):
        if away.starts_at > start:
            yield Period(start, away.starts_at)
        start = max(start, away.ends_at)
    if start < end:
        yield Period(start, end)


_to_bytes: Final = msgspec.msgpack.Encoder()
_from_bytes: Final = msgspec.msgpack.Decoder(Order)


def encode(order: Order) -> bytes:
    """MessagePack for the sealed person store."""
    return _to_bytes.encode(order)


def decode(data: bytes) -> Order:
    """Raises msgspec.ValidationError or msgspec.DecodeError."""
    return _from_bytes.decode(data)


def from_json(data: bytes) -> Order:
    """What an importer or an administrator hands in. Raises as `decode` does."""
    return msgspec.json.decode(data, type=Order)


def to_json(order: Order) -> bytes:
    return msgspec.json.encode(order)
