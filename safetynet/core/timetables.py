"""When something holds, as a wall clock says it: rows of a weekly timetable in one time zone, with public holidays.

A row belongs to the day on which it starts and may end on the next. Times are those of the wall: where the clock is put
forward or back, as RFC 5545 reads them (section 3.3.5): one that comes twice is the first of both, one that never
comes counts by the offset before the gap. Korea has had no summer time since 1988; other zones have it.

A public holiday is what the order itself lists (`Order.holidays`), so that a journal judged again is judged the same
whatever the government has declared since.

Absent on purpose: the clock, where anybody has to be (`orders`), calendar files (the edge).
"""

from collections.abc import Container, Iterable, Iterator
from datetime import date, datetime, timedelta
from enum import Enum
from functools import cache, lru_cache
from itertools import pairwise
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from safetynet.core.terms import SECOND_MS, Instant

SEOUL: Final = "Asia/Seoul"
DAY_MINUTES: Final = 24 * 60
WEEK_DAYS: Final = 7
HOLIDAY: Final = 7
"""Stands among a row's days beside 0 Monday … 6 Sunday: it starts on public holidays."""
ROWS_MAX: Final = 64
DATES_MAX: Final = 400
"""Of one row, single dates on which it starts or does not; of one order, public holidays."""
EVERY_WEEKS_MAX: Final = 52
YEARS: Final = range(1900, 2200)
"""Of a single day: near the ends of the calendar its arithmetic breaks."""
LAST_DAY_MS: Final = 7_226_582_400_000
"""2199: what lasts longer lasts until then."""
ZONE_CHARS_MAX: Final = 64
INSTANTS_MAX: Final = 16_384
"""Wall clock times whose instant is kept in mind: all wearers share a handful of them each day."""


class OnHolidays(Enum):
    """What a public holiday is to a timetable."""

    ANY_DAY = "any_day"
    """The day of the week that it is: no statute says otherwise."""
    OWN = "own"
    """A day of its own: only rows that name HOLIDAY start on it."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a timetable. Night hours, school hours and whole days are all rows (Act 9-2(1) no. 1)."""

    days: tuple[int, ...]
    """0 Monday … 6 Sunday, 7 a public holiday: the days on which it starts. Empty: only on `also_on`."""
    start_min: int
    """Minutes after midnight, as the wall clock says."""
    end_min: int
    """Not later than the start: it ends on the next day; equal to the start: at the same time of the next day."""
    since: date | None = None
    """The first day on which it may start, and the last; `also_on` knows neither."""
    until: date | None = None
    every_weeks: int = 1
    """Counted from the week of `since`; weeks begin on Monday."""
    except_on: tuple[date, ...] = ()
    """Days on which it does not start, whatever else is said."""
    also_on: tuple[date, ...] = ()

    def __post_init__(self) -> None:
        if len(set(self.days)) < len(self.days) or not set(self.days) <= set(range(WEEK_DAYS + 1)):
            raise ValueError("days out of range")
        if not self.days and not self.also_on:
            raise ValueError("days out of range")
        if not 0 <= self.start_min < DAY_MINUTES or not 0 <= self.end_min <= DAY_MINUTES:
            raise ValueError("minutes out of range")
        if max(len(self.except_on), len(self.also_on)) > DATES_MAX:
            raise ValueError("too many dates")
        if not _rising(self.except_on) or not _rising(self.also_on):
            raise ValueError("dates out of order, or one twice")
        if any(
            each is not None and each.year not in YEARS
            for each in (self.since, self.until, *self.except_on, *self.also_on)
        ):
            raise ValueError("day out of range")
        if self.since is not None and self.until is not None and self.since > self.until:
            raise ValueError("row ends before it starts")
        if not 1 <= self.every_weeks <= EVERY_WEEKS_MAX or (self.every_weeks > 1 and self.since is None):
            raise ValueError("weeks out of range, or counted from no day")

    @property
    def length_min(self) -> int:
        """By the wall clock."""
        return self.end_min - self.start_min + (DAY_MINUTES if self.end_min <= self.start_min else 0)


def _rising(dates: tuple[date, ...]) -> bool:
    return all(a < b for a, b in pairwise(dates))


class Period(NamedTuple):
    """A stretch without a break; `end` is the first instant after it."""

    start: Instant
    end: Instant


def holidays_ok(dates: tuple[date, ...]) -> bool:
    return len(dates) <= DATES_MAX and _rising(dates) and all(each.year in YEARS for each in dates)


@cache
def _known(zone: str) -> ZoneInfo:
    return ZoneInfo(zone)


def zone_ok(zone: str) -> bool:
    """Whether this machine knows the time zone."""
    if not 0 < len(zone) <= ZONE_CHARS_MAX:
        return False
    try:
        _known(zone)
    except (KeyError, ValueError, OSError):
        return False
    return True


def day_of(zone: str, at: Instant) -> date:
    """Which day it is there."""
    return datetime.fromtimestamp(min(at, LAST_DAY_MS) / SECOND_MS, _known(zone)).date()


@lru_cache(INSTANTS_MAX)
def instant(zone: str, day: date, minutes: int) -> Instant:
    """When the wall clock there shows so many minutes after midnight of that day; 1440 is the next midnight."""
    wall = datetime(day.year, day.month, day.day) + timedelta(minutes=minutes)  # noqa: DTZ001 - a wall clock, made an instant below
    return Instant(round(wall.replace(tzinfo=_known(zone)).timestamp()) * SECOND_MS)


def starts_on(row: Row, day: date, *, holiday: bool) -> bool:
    """`holiday`: whether the day is one on which HOLIDAY alone counts."""
    if row.except_on and day in row.except_on:
        return False
    if row.also_on and day in row.also_on:
        return True
    if (HOLIDAY if holiday else day.weekday()) not in row.days:
        return False
    if (row.since is not None and day < row.since) or (row.until is not None and day > row.until):
        return False
    return row.every_weeks == 1 or _weeks_since(row, day) % row.every_weeks == 0


def _weeks_since(row: Row, day: date) -> int:
    assert row.since is not None, "a row that counts weeks says from when"
    return ((day - timedelta(days=day.weekday())) - (row.since - timedelta(days=row.since.weekday()))).days // WEEK_DAYS


def stretches(
    rows: Iterable[Row], zone: str, holidays: Container[date], first: date, days: int
) -> Iterator[tuple[date, Period]]:
    """Of all rows that start on one of so many days, each with its day. None is longer than a day of the wall clock."""
    for n in range(days):
        day = first + timedelta(days=n)
        holiday = day in holidays
        for row in rows:
            if starts_on(row, day, holiday=holiday):
                start = instant(zone, day, row.start_min)
                end = instant(zone, day, row.start_min + row.length_min)
                if start < end:  # an hour that the clock leaves out can be all there was of it
                    yield day, Period(start, end)
