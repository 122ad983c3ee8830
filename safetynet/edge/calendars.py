"""Timetables as iCalendar (RFC 5545): an order's hours for other people's calendars, and other people's for an order.

Written: one VEVENT for each row, with the plain properties that every program reads, and the row itself beside them
(`X-SAFETYNET-ROW`), which is believed only while those plain properties are still the ones it was written with.
Public holidays become single dates (RDATE, EXDATE): the standard has no word for them.

Read: daily and weekly rules become rows; any other rule becomes the dates it gives, if it ends. Whatever cannot be meant
as a timetable is left out with a word. Hours end as the wall clock says, also in a night on which it is put forward.

Absent on purpose: whose home it is (the order has it) and whether anybody accepts it.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import Enum
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import recurring_ical_events
from icalendar import Calendar, Event

from safetynet.core.orders import DAY_MINUTES, HOLIDAY, ROWS_MAX, SEOUL, OnHolidays, Order, Row, Timed
from safetynet.core.terms import SECOND_MS, Instant
from safetynet.core.timetables import DATES_MAX, EVERY_WEEKS_MAX, WEEK_DAYS, YEARS, day_of, instant, starts_on
from safetynet.edge.codec import NONSENSE

BYTES_MAX: Final = 4 * 1024 * 1024
EVENTS_MAX: Final = 2_000
AHEAD_YEARS: Final = 10
"""A rule that neither ends nor is weekly, or ends later, is not spelled out."""
COUNT_MAX: Final = 5_000
SPLIT_DAYS_MAX: Final = 31
"""One event over so many days becomes a row for each."""
SEARCH_DAYS_MAX: Final = 366 * 2
ROW: Final = "X-SAFETYNET-ROW"
CURFEW: Final = "X-SAFETYNET-CURFEW"
CLOCK: Final = "X-SAFETYNET-CLOCK"
HOLIDAYS: Final = "X-SAFETYNET-ON-HOLIDAYS"
_DAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_WEEKLY: Final = frozenset({"FREQ", "INTERVAL", "BYDAY", "UNTIL", "COUNT", "WKST"})
_TOO_FINE: Final = frozenset({"SECONDLY", "MINUTELY", "HOURLY"})
_CLOCKED: Final = frozenset({"BYHOUR", "BYMINUTE", "BYSECOND"})


class Problem(Enum):
    """Why an event of a calendar is no line of a timetable."""

    TORN = "torn"
    """A property cannot be read."""
    NO_TIMES = "no_times"
    """It has no beginning, no end, or no length."""
    NOT_A_MINUTE = "not_a_minute"
    TOO_LONG = "too_long"
    ZONE_UNKNOWN = "zone_unknown"
    ZONES_DIFFER = "zones_differ"
    """It recurs in another time zone than the first event of its timetable."""
    NEVER_ENDS = "never_ends"
    """A rule that is not weekly and does not end."""
    TOO_FINE = "too_fine"
    """It recurs within a day."""
    TOO_MANY_DATES = "too_many_dates"
    OUTDATED_RULE = "outdated_rule"
    """EXRULE, several rules, a change of this and all later ones, periods: forms that nobody writes any more."""
    TOO_MANY_ROWS = "too_many_rows"
    EMPTY = "empty"
    """Nothing is left of it."""


class LeftOut(NamedTuple):
    uid: str
    summary: str
    problem: Problem


class Timetable(NamedTuple):
    """`curfew` is the id under which it was written; empty when another program made it."""

    curfew: str
    name: str
    zone: str
    on_holidays: OnHolidays
    rows: tuple[Row, ...]


class Taken(NamedTuple):
    timetables: tuple[Timetable, ...]
    left_out: tuple[LeftOut, ...]


class UnreadableError(Exception):
    """No calendar at all. The text says why."""


class _NotMeant(Exception):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.value)
        self.problem = problem


# --- written -------------------------------------------------------------------------------------------------------


def written(order: Order, timed: Sequence[Timed], at: Instant) -> bytes:
    """The timetables of an order. `at` is when it was written; rows without a beginning are shown from then on."""
    calendar = Calendar()
    calendar.add("prodid", "-//safetynet//timetable//KO")
    calendar.add("version", "2.0")
    for each in timed:
        holidays = order.holidays if each.on_holidays is OnHolidays.OWN else ()
        for n, row in enumerate(each.rows):
            calendar.add_component(_event(order, each, n, row, holidays, at))
    calendar.add_missing_timezones()
    return bytes(calendar.to_ical())


def _event(order: Order, timed: Timed, n: int, row: Row, holidays: tuple[date, ...], at: Instant) -> Event:
    zone = ZoneInfo(timed.zone)

    def wall(day: date, minutes: int) -> datetime:
        return datetime.combine(day, time(), zone) + timedelta(minutes=minutes)  # the wall clock's own arithmetic

    since = row.since or (
        day_of(timed.zone, order.starts_at) if order.starts_at is not None else day_of(timed.zone, at)
    )
    last = row.until
    if order.ends_at is not None:
        ends = day_of(timed.zone, order.ends_at)
        last = ends if last is None else min(last, ends)
    weekly = tuple(each for each in row.days if each != HOLIDAY)
    plain = msgspec.structs.replace(row, days=weekly, since=since, until=last, except_on=(), also_on=()) if weekly and (last is None or since <= last) else None  # fmt: skip
    regular = [each for each in _first_days(plain, since) if starts_on(row, each, holiday=each in holidays)][:1] if plain else []  # fmt: skip
    single = {each for each in row.also_on if each not in row.except_on}
    single |= {each for each in holidays if each >= since and (last is None or each <= last) and starts_on(row, each, holiday=True)}  # fmt: skip
    if plain is not None:
        single = {each for each in single if not starts_on(plain, each, holiday=False)}
    event = Event()
    event.add("uid", f"{timed.id}-{n}@safetynet")
    event.add("dtstamp", datetime.fromtimestamp(at / SECOND_MS, UTC))
    event.add("summary", timed.name)
    begin = regular[0] if regular else min(single, default=since)
    event.add("dtstart", wall(begin, row.start_min))
    event.add("dtend", wall(begin, row.start_min + row.length_min))
    without: set[date] = set()
    if regular and plain is not None:
        rule: dict[str, Any] = {"freq": "weekly", "byday": [_DAYS[each] for each in weekly], "wkst": "MO"}
        if row.every_weeks > 1:
            rule["interval"] = row.every_weeks
        if last is not None:
            rule["until"] = datetime.fromtimestamp(instant(timed.zone, last, row.start_min) / SECOND_MS, UTC)
        event.add("rrule", rule)
        without = {
            each for each in (*row.except_on, *holidays) if each > begin and starts_on(plain, each, holiday=False)
        }
        without = {each for each in without if not starts_on(row, each, holiday=each in holidays)}
    elif not single:
        without = {begin}
    single.discard(begin)
    if single:
        event.add("rdate", [wall(each, row.start_min) for each in sorted(single)])
    if without:
        event.add("exdate", [wall(each, row.start_min) for each in sorted(without)])
    event.add(CURFEW, timed.id)
    event.add(CLOCK, timed.zone)
    event.add(HOLIDAYS, timed.on_holidays.value)
    read_back = Event.from_ical(event.to_ical())  # as whoever reads it will have it
    event.add(ROW, f"{_seal(read_back)} {msgspec.json.encode(row).decode()}")
    return event


def _first_days(plain: Row, since: date) -> Iterator[date]:
    """Days on which the weekly part of a row falls, from its beginning."""
    for n in range(SEARCH_DAYS_MAX):
        if starts_on(plain, since + timedelta(days=n), holiday=False):
            yield since + timedelta(days=n)


def _seal(event: Any) -> str:
    """Of the plain properties: another program that moves the event breaks it."""
    rule = event.get("RRULE")
    said = [
        _plain(event.get("DTSTART").dt),
        _plain(event.get("DTEND").dt),
        sorted((str(k), [_plain(each) for each in v]) for k, v in dict(rule).items()) if rule else [],
        sorted(map(_plain, _dates(event, "EXDATE"))),
        sorted(map(_plain, _dates(event, "RDATE"))),
        str(event.get(CURFEW)),
        str(event.get(CLOCK)),
        str(event.get(HOLIDAYS)),
    ]
    return hashlib.sha256(msgspec.json.encode(said)).hexdigest()[:16]


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat() + (
            "Z" if value.tzinfo is UTC or str(value.tzinfo) == "UTC" else ""
        )
    return value.isoformat() if isinstance(value, date) else str(value)


def _dates(event: Any, name: str) -> list[Any]:
    """Of a property that may stand there several times, each with several values."""
    found = event.get(name)
    each = found if isinstance(found, list) else [] if found is None else [found]
    return [one.dt for many in each for one in many.dts]


# --- read ----------------------------------------------------------------------------------------------------------


def read(data: bytes) -> Taken:
    """Raises UnreadableError for what is no calendar; of a calendar everything is taken or left out with a word."""
    if len(data) > BYTES_MAX:
        raise UnreadableError(f"more than {BYTES_MAX} bytes")
    try:
        found = Calendar.from_ical(data, multiple=True)
        events = [each for calendar in found for each in calendar.walk("VEVENT")]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as nonsense:
        raise UnreadableError("no iCalendar file (RFC 5545)") from nonsense
    if not events:
        raise UnreadableError("no event in it")
    if len(events) > EVENTS_MAX:
        raise UnreadableError(f"more than {EVENTS_MAX} events")
    groups: dict[str, _Group] = {}
    left_out: list[LeftOut] = []
    moved = _moved(events)
    for event in events:
        group = groups.setdefault(str(event.get(CURFEW, "")), _Group())
        try:
            group.take(event, moved)
        except _NotMeant as wrong:
            left_out.append(LeftOut(str(event.get("UID", "")), str(event.get("SUMMARY", "")), wrong.problem))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, *NONSENSE):
            left_out.append(LeftOut(str(event.get("UID", "")), str(event.get("SUMMARY", "")), Problem.TORN))
    whole = tuple(
        Timetable(id, each.name, each.zone or SEOUL, each.on_holidays, tuple(each.rows))
        for id, each in groups.items()
        if each.rows
    )
    return Taken(whole, tuple(left_out))


def _moved(events: Iterable[Any]) -> dict[str, set[date]]:
    """Of each event with changed instances, the days on which these would have been."""
    found: dict[str, set[date]] = {}
    for event in events:
        when = event.get("RECURRENCE-ID")
        if when is not None:
            found.setdefault(str(event.get("UID", "")), set()).add(_day(when.dt, _zone_of(when) or ZoneInfo(SEOUL)))
    return found


class _Group:
    """Events that are one timetable."""

    def __init__(self) -> None:
        self.name, self.zone, self.on_holidays = "", "", OnHolidays.ANY_DAY
        self.rows: list[Row] = []

    def take(self, event: Any, moved: dict[str, set[date]]) -> None:
        """Raises _NotMeant."""
        if str(event.get("STATUS", "")).upper() == "CANCELLED":
            return
        zone, rows, on_holidays = _own(event) or _others(event, self.zone, moved)
        if self.zone and zone != self.zone:
            raise _NotMeant(Problem.ZONES_DIFFER)
        if len(self.rows) + len(rows) > ROWS_MAX:
            raise _NotMeant(Problem.TOO_MANY_ROWS)
        self.zone, self.name = zone, self.name or str(event.get("SUMMARY", "")).strip()
        if on_holidays is OnHolidays.OWN:
            self.on_holidays = on_holidays
        self.rows += rows


_Rows = tuple[str, list[Row], OnHolidays]


def _own(event: Any) -> _Rows | None:
    """As it was written here, if nobody has moved it since."""
    said = event.get(ROW)
    if said is None or event.get("DTEND") is None:
        return None
    seal, _, text = str(said).partition(" ")
    if seal != _seal(event):
        return None
    try:
        row = msgspec.json.decode(text, type=Row)
    except NONSENSE:
        return None  # of a release that knew more, or no row at all: the plain properties say it
    return str(event.get(CLOCK)), [row], OnHolidays(str(event.get(HOLIDAYS)))


def _zone_of(value: Any) -> ZoneInfo | None:
    """None: the clock of wherever it is read. Raises _NotMeant for a zone that nobody knows."""
    zone: tzinfo | None = getattr(value.dt, "tzinfo", None)
    if zone is None:
        if value.params.get("TZID"):
            raise _NotMeant(Problem.ZONE_UNKNOWN)
        return None
    if zone is UTC or str(zone) == "UTC":
        return ZoneInfo("UTC")
    if not isinstance(zone, ZoneInfo):
        raise _NotMeant(Problem.ZONE_UNKNOWN)
    return zone


def _day(value: date, zone: ZoneInfo) -> date:
    if not isinstance(value, datetime):
        return value
    return value.date() if value.tzinfo is None else value.astimezone(zone).date()


def _others(event: Any, known: str, moved: dict[str, set[date]]) -> _Rows:
    """An event of any other program."""
    if event.get("EXRULE") is not None or isinstance(event.get("RRULE"), list):
        raise _NotMeant(Problem.OUTDATED_RULE)
    recurrence = event.get("RECURRENCE-ID")
    if recurrence is not None and recurrence.params.get("RANGE"):
        raise _NotMeant(Problem.OUTDATED_RULE)
    start = event.get("DTSTART")
    if start is None:
        raise _NotMeant(Problem.NO_TIMES)
    rule = dict(event["RRULE"]) if event.get("RRULE") else {}
    zone = _zone_of(start)
    if zone is None or (not rule and str(zone) == "UTC"):
        zone = ZoneInfo(known or SEOUL)
    begin, length_min = _times(event, start.dt, zone)
    dates = [each for name in ("RDATE", "EXDATE") for each in _dates(event, name)]
    if any(isinstance(each, tuple) for each in dates):
        raise _NotMeant(Problem.OUTDATED_RULE)
    except_on = {_day(each, zone) for each in _dates(event, "EXDATE") if _same_time(each, begin, zone)}
    if recurrence is None:
        except_on |= moved.get(str(event.get("UID", "")), set())
    also = [_local(each, zone, begin) for each in _dates(event, "RDATE")]
    row = _row(event, rule, begin, zone, except_on, {each.date() for each in also if each.time() == begin.time()})
    rows = [row] if row is not None else []
    rows += [_at(each, (each.date(),)) for each in also if each.time() != begin.time()]
    split = [part for each in rows for part in _split(each, length_min)]
    if not split:
        raise _NotMeant(Problem.EMPTY)
    return str(zone), split, OnHolidays.ANY_DAY


def _local(value: date, zone: ZoneInfo, begin: datetime) -> datetime:
    """On the wall clock there; a whole day begins when the event does."""
    if not isinstance(value, datetime):
        return datetime.combine(value, begin.time())
    return value.replace(tzinfo=None) if value.tzinfo is None else value.astimezone(zone).replace(tzinfo=None)


def _same_time(value: date, begin: datetime, zone: ZoneInfo) -> bool:
    return not isinstance(value, datetime) or _local(value, zone, begin).time() == begin.time()


def _times(event: Any, start: date, zone: ZoneInfo) -> tuple[datetime, int]:
    """When it begins on the wall clock, and for how many of its minutes."""
    begin = _local(start, zone, datetime.combine(date.min, time()))
    if event.get("DTEND") is not None:
        end = _local(event.get("DTEND").dt, zone, begin if isinstance(start, datetime) else datetime.combine(date.min, time()))  # fmt: skip
        length = end - begin
    elif event.get("DURATION") is not None:
        length = event.get("DURATION").dt
    else:
        length = timedelta(days=0 if isinstance(start, datetime) else 1)
    minutes, rest = divmod(length, timedelta(minutes=1))
    if rest or begin.second or begin.microsecond:
        raise _NotMeant(Problem.NOT_A_MINUTE)
    if minutes <= 0:
        raise _NotMeant(Problem.NO_TIMES)
    if minutes > SPLIT_DAYS_MAX * DAY_MINUTES:
        raise _NotMeant(Problem.TOO_LONG)
    return begin, minutes


def _at(begin: datetime, also_on: tuple[date, ...], **more: Any) -> Row:
    """A row at this time of day; how long it is, is put in by `_split`."""
    return Row(days=more.pop("days", ()), start_min=begin.hour * 60 + begin.minute, end_min=0, also_on=also_on, **more)


def _row(event: Any, rule: dict[str, Any], begin: datetime, zone: ZoneInfo, except_on: set[date], also_on: set[date]) -> Row | None:  # fmt: skip
    """The event as a row, without its length. None: every date of it is taken out."""
    if not rule:
        return _singly(begin, {begin.date(), *also_on} - except_on)
    freq = str(rule["FREQ"][0]).upper()
    if freq in _TOO_FINE or rule.keys() & _CLOCKED:
        raise _NotMeant(Problem.TOO_FINE)
    days = _weekdays(rule, begin)
    every = int(rule.get("INTERVAL", [1])[0])
    monday = str(rule.get("WKST", ["MO"])[0]).upper() == "MO"
    simple = (freq == "WEEKLY" and every <= EVERY_WEEKS_MAX and (every == 1 or monday)) or (
        freq == "DAILY" and every == 1
    )
    if days is None or not simple or not rule.keys() <= _WEEKLY:
        return _spelled_out(event, rule, begin, zone, except_on, also_on)
    if begin.date().weekday() not in days:
        also_on = also_on | ({begin.date()} - except_on)  # the first is one of them, whatever the rule says
    whole = _at(begin, (), days=days, since=begin.date(), every_weeks=every)
    until = _until(rule, whole, begin, zone)
    if until is not None and until.year not in YEARS:
        until = None  # for ever, as some programs say it
    if until is not None and until < begin.date():
        return _singly(begin, also_on - except_on)
    row = msgspec.structs.replace(whole, until=until)
    except_on = {each for each in except_on if starts_on(row, each, holiday=False) or each in also_on}
    also_on = {each for each in also_on if not starts_on(row, each, holiday=False)}
    if max(len(except_on), len(also_on)) > DATES_MAX:
        raise _NotMeant(Problem.TOO_MANY_DATES)
    return msgspec.structs.replace(row, except_on=tuple(sorted(except_on)), also_on=tuple(sorted(also_on)))


def _weekdays(rule: dict[str, Any], begin: datetime) -> tuple[int, ...] | None:
    """None: days such as *the second Tuesday*."""
    said = [str(each).upper() for each in rule.get("BYDAY", [])]
    if not set(said) <= set(_DAYS):
        return None
    if said:
        return tuple(sorted({_DAYS.index(each) for each in said}))
    return tuple(range(WEEK_DAYS)) if str(rule["FREQ"][0]).upper() == "DAILY" else (begin.weekday(),)


def _until(rule: dict[str, Any], row: Row, begin: datetime, zone: ZoneInfo) -> date | None:
    if rule.get("UNTIL"):
        last = _local(rule["UNTIL"][0], zone, begin)
        return last.date() - timedelta(days=last.time() < begin.time())
    if not rule.get("COUNT"):
        return None
    count, day = int(rule["COUNT"][0]), begin.date()
    if not 1 <= count <= COUNT_MAX:
        raise _NotMeant(Problem.TOO_MANY_DATES)
    count -= not starts_on(row, day, holiday=False)  # a first one that the rule does not give counts too
    last_day = day - timedelta(days=1)
    while count > 0:
        if starts_on(row, day, holiday=False):
            count, last_day = count - 1, day
        day += timedelta(days=1)
    return last_day


def _singly(begin: datetime, days: set[date]) -> Row | None:
    if len(days) > DATES_MAX:
        raise _NotMeant(Problem.TOO_MANY_DATES)
    return _at(begin, tuple(sorted(days))) if days else None


def _spelled_out(event: Any, rule: dict[str, Any], begin: datetime, zone: ZoneInfo, except_on: set[date], also_on: set[date]) -> Row | None:  # fmt: skip
    """The dates that a rule gives which is no weekly one."""
    if not rule.get("UNTIL") and not rule.get("COUNT"):
        raise _NotMeant(Problem.NEVER_ENDS)
    alone = Calendar()
    single = Event()
    single.add("uid", "1")
    single.add("dtstart", begin)
    single.add("dtend", begin + timedelta(minutes=1))
    if rule.get("UNTIL"):
        rule = {**rule, "UNTIL": [_local(rule["UNTIL"][0], zone, begin)]}
    single.add("rrule", rule)
    alone.add_component(single)
    ahead = begin + timedelta(days=366 * AHEAD_YEARS)
    days: set[date] = set()
    found: Any = recurring_ical_events.of(alone).between(begin - timedelta(days=1), ahead)
    for each in found:
        days.add(each["DTSTART"].dt.date())
        if len(days) > DATES_MAX:
            raise _NotMeant(Problem.TOO_MANY_DATES)
    return _singly(begin, (days | also_on) - except_on)


def _split(row: Row, length_min: int) -> Iterator[Row]:
    """A row with its length; what is longer than a day, as one row for each day of it."""
    if length_min > DAY_MINUTES and row.every_weeks > 1:
        raise _NotMeant(Problem.TOO_LONG)
    for n in range(-(-length_min // DAY_MINUTES)):
        rest = min(DAY_MINUTES, length_min - n * DAY_MINUTES)
        end = row.start_min + rest

        def later(day: date, n: int = n) -> date:
            return day + timedelta(days=n)

        yield msgspec.structs.replace(
            row,
            days=tuple(sorted((each + n) % WEEK_DAYS for each in row.days)),
            end_min=end if end <= DAY_MINUTES else end - DAY_MINUTES,
            since=later(row.since) if row.since else None,
            until=later(row.until) if row.until else None,
            except_on=tuple(map(later, row.except_on)),
            also_on=tuple(map(later, row.also_on)),
        )
