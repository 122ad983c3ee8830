"""What a court ordered: on what footing a person is monitored, which zones are forbidden, when the person must be where.

Conditions of Act 9-2(1): curfews (no. 1), forbidden zones and shared sets of them (no. 2), where the person must stay
(no. 2-2), protected persons (no. 3), alcohol and drugs (no. 5); beside them the duties of the device (Art. 14(1)) and
what was permitted (`Absence`). Times are those of a wall clock (`timetables`); `period` and `next_start` give instants.
Public holidays change nothing unless the timetable says so (`OnHolidays`), and are then those that the order lists.

An `Order` is personal data. It lives only in the sealed person store, as `encode` writes it, under the wearer's key;
no event and no message carries it.

Absent on purpose: the clock, the person's name and contacts (beside the order in the store), what is a violation (`rules`).
"""

from collections.abc import Iterator
from datetime import date, timedelta
from enum import Enum
from typing import Final, TypeAlias

import msgspec

from safetynet.core.shapes import (
    CORNERS_MAX,
    RADIUS_M_MIN,
    REACH_M_MAX,
    Area,
    Circle,
    MultiPolygon,
    Polygon,
)
from safetynet.core.terms import (
    AbsenceId,
    CurfewId,
    Instant,
    ProtectedId,
    WearerClass,
    WearerId,
    ZoneId,
    ZoneSetId,
)
from safetynet.core.timetables import (
    DAY_MINUTES,
    HOLIDAY,
    ROWS_MAX,
    SEOUL,
    OnHolidays,
    Period,
    Row,
    day_of,
    holidays_ok,
    stretches,
    zone_ok,
)

__all__ = [
    "CORNERS_MAX",
    "DAY_MINUTES",
    "HOLIDAY",
    "RADIUS_M_MIN",
    "REACH_M_MAX",
    "ROWS_MAX",
    "SEOUL",
    "Area",
    "Circle",
    "MultiPolygon",
    "OnHolidays",
    "Period",
    "Polygon",
    "Row",
]

ZONES_MAX: Final = 200
NAME_CHARS_MAX: Final = 120
CURFEWS_MAX: Final = 8
INCLUSIONS_MAX: Final = 16
SHARED_MAX: Final = 16
ABSENCES_MAX: Final = 400
WORDS_CHARS_MAX: Final = 200
"""Of who asked for a permit, who granted it and what for."""
PROTECTED_MAX: Final = 16
DISTANCE_M_MIN, DISTANCE_M_MAX = 50.0, 500.0
"""Of a no-approach condition; 100 m is the rule (Stalking Punishment Act Art. 9)."""
EARLIEST, LATEST = Instant(0), Instant(2**53 - 1)
"""What every store and every page can hold. JSON knows no limit, and a number that cannot be written down ends a program."""
ALCOHOL_PERCENT_MAX: Final = 0.5
AHEAD_DAYS: Final = 8
"""How far `next_start` looks: every weekly row has begun once by then. One that comes later is found on a later day."""
ALWAYS: Final = Period(Instant(0), Instant(1 << 52))


class Zone(msgspec.Struct, frozen=True, kw_only=True):
    """A forbidden place (출입금지구역)."""

    id: ZoneId
    name: str
    area: Area

    def __post_init__(self) -> None:
        if not self.id or not 1 <= len(self.name) <= NAME_CHARS_MAX:
            raise ValueError("zone without id or with a bad name")


class Hours(Enum):
    """Why somebody has to be home: both are Act 9-2(1) no. 1, and each rings under its own name."""

    NIGHT = "night"
    SCHOOL = "school"
    """While children are on their way (통학시간)."""


class Curfew(msgspec.Struct, frozen=True, kw_only=True):
    """When the person must be at which home (외출제한). Another address, other hours: another curfew."""

    id: CurfewId
    name: str
    home: Area
    rows: tuple[Row, ...]
    zone: str = SEOUL
    """The time zone whose wall clock the rows mean."""
    on_holidays: OnHolidays = OnHolidays.ANY_DAY
    hours: Hours = Hours.NIGHT

    def __post_init__(self) -> None:
        if not self.id or not 1 <= len(self.name) <= NAME_CHARS_MAX or not 1 <= len(self.rows) <= ROWS_MAX:
            raise ValueError("curfew without id, name or rows, or with too many")
        _check_clock(self.zone, self.on_holidays, self.rows)


class Stay(Enum):
    """Why somebody has to be at a place that is no home under curfew."""

    RESIDENCE = "residence"
    """Act 9-2(1) no. 2-2 (주거지역 제한): within one of the areas of this kind."""
    ATTENDANCE = "attendance"
    """Ordered treatment, work, school: at this place at these hours. Opens no video by itself."""


class Inclusion(msgspec.Struct, frozen=True, kw_only=True):
    """An area that must not be left."""

    id: ZoneId
    name: str
    area: Area
    stay: Stay = Stay.RESIDENCE
    rows: tuple[Row, ...] = ()
    """Empty: at all times."""
    zone: str = SEOUL
    on_holidays: OnHolidays = OnHolidays.ANY_DAY

    def __post_init__(self) -> None:
        if not self.id or not 1 <= len(self.name) <= NAME_CHARS_MAX or len(self.rows) > ROWS_MAX:
            raise ValueError("inclusion without id or name, or with too many rows")
        if self.stay is Stay.ATTENDANCE and not self.rows:
            raise ValueError("attendance without hours")
        _check_clock(self.zone, self.on_holidays, self.rows)


def _check_clock(zone: str, on_holidays: OnHolidays, rows: tuple[Row, ...]) -> None:
    if not zone_ok(zone):
        raise ValueError("unknown time zone")
    if on_holidays is OnHolidays.ANY_DAY and any(HOLIDAY in row.days for row in rows):
        raise ValueError("a row names holidays, and the timetable knows none")


class Leave(Enum):
    """What was permitted."""

    OUTING = "outing"
    TRAVEL = "travel"
    REMOVAL = "removal"
    """The device comes off for a while, for an examination or to be exchanged (일시분리, Decree 10)."""


class Absence(msgspec.Struct, frozen=True, kw_only=True):
    """What was permitted: while it lasts no curfew holds and no area need be kept. `ends_at` is the first instant after it.

    When the person really left and came back is not here but in the ledger (`events.AbsenceNoted`).
    """

    id: AbsenceId
    starts_at: Instant
    ends_at: Instant
    leave: Leave = Leave.OUTING
    asked_by: str = ""
    granted_by: str = ""
    purpose: str = ""

    def __post_init__(self) -> None:
        if not self.id or not EARLIEST <= self.starts_at < self.ends_at <= LATEST:
            raise ValueError("absence without id or end")
        if max(map(len, (self.asked_by, self.granted_by, self.purpose))) > WORDS_CHARS_MAX:
            raise ValueError("absence with too long a text")


class Protected(msgspec.Struct, frozen=True, kw_only=True):
    """A person whom the wearer must not approach (피해자·보호대상자 접근금지). Who it is stands in a sealed record.

    The rings around `distance_m`, 1 km and 2 km, are those of the statute and of practice: `proximity`.
    """

    id: ProtectedId
    distance_m: float = 100.0
    device: bool = True
    """False: the person wants none (the police are told once, by hand), so that silence means nothing."""

    def __post_init__(self) -> None:
        if not self.id or not DISTANCE_M_MIN <= self.distance_m <= DISTANCE_M_MAX:
            raise ValueError("protected person without id, or distance out of range")


class Substance(Enum):
    ALCOHOL = "alcohol"
    DRUG = "drug"


class Sobriety(msgspec.Struct, frozen=True, kw_only=True):
    """Act 9-2(1) no. 5 (음주·약물 금지)."""

    substance: Substance
    limit_percent: float | None = None
    """Blood alcohol that is still no breach; None: none at all."""

    def __post_init__(self) -> None:
        if self.limit_percent is None:
            return
        if self.substance is not Substance.ALCOHOL or not 0.0 < self.limit_percent <= ALCOHOL_PERCENT_MAX:
            raise ValueError("limit out of range")


class Duty(Enum):
    """What the wearer owes to the device (Act 14(1), Decree 11)."""

    CHARGE = "charge"
    CARRY = "carry"
    REPORT_FAULTS = "report_faults"
    OBEY = "obey"
    HOME_UNIT = "home_unit"
    """The home unit stays where it was put. Not everybody has one."""


STATUTORY: Final = (Duty.CHARGE, Duty.CARRY, Duty.REPORT_FAULTS, Duty.OBEY)


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
    inclusions: tuple[Inclusion, ...] = ()
    shared: tuple[ZoneSetId, ...] = ()
    """Sets of forbidden places that many share, such as all schools of the country (`zonesets`)."""
    sobriety: tuple[Sobriety, ...] = ()
    duties: tuple[Duty, ...] = STATUTORY
    holidays: tuple[date, ...] = ()
    """The public holidays that its timetables mean, as the centre's table had them when it was drafted."""

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
        if len(self.inclusions) > INCLUSIONS_MAX or len({each.id for each in self.inclusions}) < len(self.inclusions):
            raise ValueError("too many inclusions, or two with one id")
        if len(self.shared) > SHARED_MAX or len(set(self.shared)) < len(self.shared):
            raise ValueError("too many shared sets, or one twice")
        if len({each.substance for each in self.sobriety}) < len(self.sobriety):
            raise ValueError("one substance twice")
        if len(set(self.duties)) < len(self.duties):
            raise ValueError("one duty twice")
        if not holidays_ok(self.holidays):
            raise ValueError("holidays out of order, one twice, or too many")


def in_force(order: Order, at: Instant) -> bool:
    return (order.starts_at is None or order.starts_at <= at) and (order.ends_at is None or at < order.ends_at)


def asks_for_holidays(order: Order) -> bool:
    """Whether any of its timetables means public holidays."""
    return any(each.on_holidays is OnHolidays.OWN for each in timed_of(order))


Timed: TypeAlias = Curfew | Inclusion
"""What holds by a timetable."""


def timed_of(order: Order) -> Iterator[Timed]:
    yield from order.curfews
    yield from order.inclusions


def period(order: Order, timed: Timed, at: Instant) -> Period | None:
    """The stretch in which `at` lies: the one that began last when several do. None: nobody needs to be there."""
    return max((each for each in _periods(order, timed, at, 0) if each.start <= at < each.end), default=None)


def next_start(order: Order, timed: Timed, after: Instant) -> Instant | None:
    """When the next stretch begins; None when none does within the days it looks ahead."""
    starts = (each.start for each in _periods(order, timed, after, AHEAD_DAYS) if each.start > after)
    return min(starts, default=None)


def periods(order: Order, timed: Timed, since: Instant, until: Instant) -> list[Period]:
    """Every stretch that reaches into that time, by beginning: to be judged in advance, or drawn."""
    days = (day_of(timed.zone, until) - day_of(timed.zone, since)).days
    found = _periods(order, timed, since, days)
    return sorted(each for each in found if each.start < until and each.end > since)


def permitted(order: Order, at: Instant) -> Absence | None:
    """What was permitted for this instant; a removal of the device before anything else."""
    inside = [each for each in order.absences if each.starts_at <= at < each.ends_at]
    return min(inside, key=lambda each: each.leave is not Leave.REMOVAL, default=None)


def _periods(order: Order, timed: Timed, at: Instant, days: int) -> Iterator[Period]:
    """Of the rows that start from the day before until so many days after: a row is never longer than a day."""
    if not timed.rows:
        yield from _left(order, ALWAYS)
        return
    first = day_of(timed.zone, at) - timedelta(days=1)
    holidays = order.holidays if timed.on_holidays is OnHolidays.OWN else ()
    for _, each in stretches(timed.rows, timed.zone, holidays, first, days + 2):
        yield from _left(order, each)


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
