"""Timetables by the wall clock: against an oracle that asks every minute, on zones with summer time, on public holidays."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safetynet.core.orders import (
    Absence,
    Circle,
    Curfew,
    Inclusion,
    Leave,
    OnHolidays,
    Order,
    Row,
    Stay,
    next_start,
    period,
    periods,
    permitted,
)
from safetynet.core.terms import DAY_MS, HOUR_MS, MINUTE_MS, WearerClass
from safetynet.core.timetables import HOLIDAY, instant

HOME = Circle(36.35, 127.38, 50.0)
ZONES = ("Asia/Seoul", "America/New_York", "Europe/London", "Australia/Lord_Howe", "America/Sao_Paulo", "UTC")
CHANGES = {  # days on which these clocks are put forward or back
    "Asia/Seoul": (date(2026, 3, 8),),
    "America/New_York": (date(2026, 3, 8), date(2026, 11, 1)),
    "Europe/London": (date(2026, 3, 29), date(2026, 10, 25)),
    "Australia/Lord_Howe": (date(2026, 4, 5), date(2026, 10, 4)),  # by half an hour
    "America/Sao_Paulo": (date(2018, 11, 4), date(2019, 2, 17)),  # at midnight
    "UTC": (date(2026, 3, 8),),
}


def curfew(rows, zone="Asia/Seoul", on_holidays=OnHolidays.ANY_DAY):
    return Curfew(id="c", name="집", home=HOME, rows=tuple(rows), zone=zone, on_holidays=on_holidays)


def order(timed, **more):
    return Order(wearer="w", wearer_class=WearerClass.ORDER, version=1, curfews=(timed,), **more)


# --- the oracle ----------------------------------------------------------------------------------------------------


def walls(zone, first, days):
    """Every minute of so many days as (UTC ms, the wall clock then): no arithmetic but asking the clock."""
    at = int(datetime(first.year, first.month, first.day, tzinfo=ZoneInfo("UTC")).timestamp()) * 1000 - DAY_MS
    clock = ZoneInfo(zone)
    for n in range((days + 2) * 1440):
        moment = at + n * MINUTE_MS
        yield moment, datetime.fromtimestamp(moment / 1000, clock).replace(tzinfo=None)


class Oracle:
    """Says of every minute whether a row holds: by looking up when the wall clock first shows each of its times."""

    def __init__(self, zone, first, days):
        self.first, self.days = first, days
        self.minutes = list(walls(zone, first, days))
        self.shows: dict = {}
        for at, wall in self.minutes:
            self.shows.setdefault(wall, at)

    def when(self, day, minutes):
        """The first time it is shown; a time that never comes, by how long after the last one before it."""
        wall = datetime.combine(day, datetime.min.time()) + timedelta(minutes=minutes)
        late = 0
        while wall not in self.shows:
            wall, late = wall - timedelta(minutes=1), late + 1
            assert late < 200
        return self.shows[wall] + late * MINUTE_MS

    def held(self, rows, own, holidays):
        """Minutes at which somebody must be home."""
        found = set()
        for n in range(self.days):
            day = self.first + timedelta(days=n)
            for row in rows:
                if not starts(row, day, own and day in holidays):
                    continue
                end = row.end_min if row.end_min > row.start_min else row.end_min + 1440
                found.update(range(self.when(day, row.start_min), self.when(day, end), MINUTE_MS))
        return found


def starts(row, day, holiday):
    if day.isoformat() in {each.isoformat() for each in row.except_on}:
        return False
    if day.isoformat() in {each.isoformat() for each in row.also_on}:
        return True
    if row.since and day < row.since:
        return False
    if row.until and day > row.until:
        return False
    if row.every_weeks > 1:
        monday = row.since
        while monday.weekday():
            monday -= timedelta(days=1)
        weeks = 0
        while monday + timedelta(days=7) <= day:
            monday, weeks = monday + timedelta(days=7), weeks + 1
        if weeks % row.every_weeks:
            return False
    return (HOLIDAY if holiday else day.weekday()) in row.days


def days_around(change, span=6):
    return st.integers(-span, span).map(lambda n: change + timedelta(days=n))


@st.composite
def timetable(draw):
    zone = draw(st.sampled_from(ZONES))
    change = draw(st.sampled_from(CHANGES[zone]))
    own = draw(st.booleans())
    near = days_around(change)
    rows = []
    for _ in range(draw(st.integers(1, 3))):
        days = draw(st.sets(st.integers(0, 7 if own else 6), max_size=8))
        also = tuple(sorted(draw(st.sets(near, max_size=2))))
        if not days and not also:
            days = {change.weekday()}
        since, until = draw(st.none() | near), draw(st.none() | near)
        if since and until and since > until:
            since, until = until, since
        rows.append(
            Row(
                days=tuple(sorted(days)),
                start_min=draw(
                    st.sampled_from([0, 60, 90, 119, 120, 150, 180, 540, 1320, 1439]) | st.integers(0, 1439)
                ),
                end_min=draw(st.sampled_from([0, 60, 120, 150, 180, 360, 1440]) | st.integers(0, 1440)),
                since=since,
                until=until,
                every_weeks=draw(st.sampled_from([1, 1, 2])) if since else 1,
                except_on=tuple(sorted(draw(st.sets(near, max_size=2)))),
                also_on=also,
            )
        )
    holidays = tuple(sorted(draw(st.sets(near, max_size=3))))
    return zone, change, rows, own, holidays


@settings(max_examples=60, deadline=None)
@given(timetable())
def test_every_minute_across_a_change_of_the_clock_is_as_a_slow_oracle_says(made):
    zone, change, rows, own, holidays = made
    timed = curfew(rows, zone, OnHolidays.OWN if own else OnHolidays.ANY_DAY)
    whole = order(timed, holidays=holidays)
    oracle = Oracle(zone, change - timedelta(days=4), 8)
    held = oracle.held(rows, own, holidays)
    since, until = oracle.when(change, 0) - DAY_MS, oracle.when(change, 0) + 2 * DAY_MS
    mine = {at for each in periods(whole, timed, since, until) for at in range(max(each.start, since), min(each.end, until), MINUTE_MS)}  # fmt: skip
    assert mine == {at for at in held if since <= at < until}
    for at in range(since, until, 37 * MINUTE_MS):
        assert (period(whole, timed, at) is not None) == (at in held)


@settings(max_examples=40, deadline=None)
@given(timetable(), st.integers(0, 2 * 1440))
def test_the_next_beginning_is_the_first_minute_of_a_stretch(made, minutes):
    zone, change, rows, own, holidays = made
    timed = curfew(rows, zone, OnHolidays.OWN if own else OnHolidays.ANY_DAY)
    whole = order(timed, holidays=holidays)
    after = instant(zone, change, 0) - DAY_MS + minutes * MINUTE_MS
    coming = next_start(whole, timed, after)
    starts_ = [each.start for each in periods(whole, timed, after, after + 7 * DAY_MS) if each.start > after]
    assert coming == min(starts_, default=coming)


# --- tables --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "day", "minutes", "utc"),
    [
        ("America/New_York", date(2026, 3, 8), 90, "2026-03-08T06:30"),
        ("America/New_York", date(2026, 3, 8), 150, "2026-03-08T07:30"),  # never shown: by the offset before
        ("America/New_York", date(2026, 3, 8), 180, "2026-03-08T07:00"),
        ("America/New_York", date(2026, 11, 1), 90, "2026-11-01T05:30"),  # shown twice: the first
        ("Asia/Seoul", date(2026, 11, 24), 22 * 60, "2026-11-24T13:00"),
        ("Asia/Seoul", date(2026, 11, 24), 1440, "2026-11-24T15:00"),
        ("Asia/Seoul", date(1988, 5, 8), 150, "1988-05-07T17:30"),  # the last summer time of Korea
    ],
)
def test_a_wall_clock_as_the_standard_reads_it(zone, day, minutes, utc):
    assert instant(zone, day, minutes) == round(datetime.fromisoformat(f"{utc}+00:00").timestamp() * 1000)


def test_a_night_over_the_change_ends_by_the_wall():
    """22:00–06:00 is seven hours in the night that loses one, nine in the night that gets one back."""
    timed = curfew([Row(days=tuple(range(7)), start_min=1320, end_min=360)], "America/New_York")
    whole = order(timed)
    for day, hours in ((date(2026, 3, 7), 7), (date(2026, 3, 8), 8), (date(2026, 10, 31), 9)):
        held = period(whole, timed, instant("America/New_York", day, 1380))
        assert held is not None
        assert held.end - held.start == hours * HOUR_MS


def test_hours_that_the_clock_leaves_out_are_no_stretch():
    timed = curfew([Row(days=tuple(range(7)), start_min=150, end_min=180)], "America/New_York")
    since = instant("America/New_York", date(2026, 3, 8), 0)
    assert [each.start for each in periods(order(timed), timed, since, since + DAY_MS)] == []


SEOLLAL = (date(2026, 2, 16), date(2026, 2, 17), date(2026, 2, 18))
SCHOOL = Row(days=(0, 1, 2, 3, 4), start_min=450, end_min=540)


@pytest.mark.parametrize(
    ("on_holidays", "rows", "day", "held"),
    [
        (OnHolidays.ANY_DAY, [SCHOOL], date(2026, 2, 17), True),
        (OnHolidays.OWN, [SCHOOL], date(2026, 2, 17), False),
        (OnHolidays.OWN, [SCHOOL], date(2026, 2, 19), True),
        (OnHolidays.OWN, [SCHOOL], date(2026, 3, 2), False),  # in place of Sunday, 1 March
        (OnHolidays.OWN, [msgspec.structs.replace(SCHOOL, days=(7,))], date(2026, 2, 17), True),
        (OnHolidays.OWN, [msgspec.structs.replace(SCHOOL, days=(7,))], date(2026, 2, 19), False),
        (OnHolidays.OWN, [msgspec.structs.replace(SCHOOL, also_on=(date(2026, 2, 17),))], date(2026, 2, 17), True),
        (OnHolidays.OWN, [msgspec.structs.replace(SCHOOL, days=(7,), except_on=(date(2026, 2, 17),))], date(2026, 2, 17), False),
    ],
)  # fmt: skip
def test_public_holidays_and_those_in_their_place(on_holidays, rows, day, held):
    timed = curfew(rows, on_holidays=on_holidays)
    whole = order(timed, holidays=(*SEOLLAL, date(2026, 3, 2)))
    assert (period(whole, timed, instant("Asia/Seoul", day, 480)) is not None) is held


def test_an_order_is_judged_by_the_holidays_that_it_lists_itself():
    timed = curfew([SCHOOL], on_holidays=OnHolidays.OWN)
    at = instant("Asia/Seoul", date(2026, 2, 17), 480)
    assert period(order(timed, holidays=SEOLLAL), timed, at) is None
    assert period(order(timed), timed, at) is not None


def test_an_area_without_hours_holds_always_but_for_what_was_permitted():
    kept = Inclusion(id="i", name="가람시", area=HOME)
    away = Absence(id="a", starts_at=5 * HOUR_MS, ends_at=8 * HOUR_MS, leave=Leave.REMOVAL)
    whole = order(curfew([SCHOOL]), inclusions=(kept,), absences=(away,), starts_at=HOUR_MS, ends_at=10 * HOUR_MS)
    assert period(whole, kept, 0) is None
    assert period(whole, kept, 2 * HOUR_MS) == (HOUR_MS, 5 * HOUR_MS)
    assert period(whole, kept, 6 * HOUR_MS) is None
    assert period(whole, kept, 9 * HOUR_MS) == (8 * HOUR_MS, 10 * HOUR_MS)
    assert permitted(whole, 6 * HOUR_MS) is away
    assert permitted(whole, 8 * HOUR_MS) is None


def test_a_removal_of_the_device_comes_before_an_outing():
    outing = Absence(id="a", starts_at=0, ends_at=10)
    removal = Absence(id="b", starts_at=2, ends_at=4, leave=Leave.REMOVAL)
    whole = order(curfew([SCHOOL]), absences=(outing, removal))
    assert [permitted(whole, at) for at in (1, 3, 5)] == [outing, removal, outing]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Row(days=(), start_min=0, end_min=60), "days"),
        (lambda: Row(days=(8,), start_min=0, end_min=60), "days"),
        (lambda: Row(days=(0,), start_min=0, end_min=60, every_weeks=2), "weeks"),
        (lambda: Row(days=(0,), start_min=0, end_min=60, since=date(2026, 2, 2), until=date(2026, 2, 1)), "ends before"),
        (lambda: Row(days=(0,), start_min=0, end_min=60, also_on=(date(2026, 2, 2), date(2026, 2, 2))), "dates"),
        (lambda: Row(days=(0,), start_min=0, end_min=60, until=date(9999, 12, 31)), "day"),
        (lambda: curfew([SCHOOL], "Asia/Atlantis"), "time zone"),
        (lambda: curfew([SCHOOL], "../../etc/passwd"), "time zone"),
        (lambda: curfew([SCHOOL], ""), "time zone"),
        (lambda: curfew([msgspec.structs.replace(SCHOOL, days=(7,))]), "holidays"),
        (lambda: Inclusion(id="i", name="병원", area=HOME, stay=Stay.ATTENDANCE), "hours"),
        (lambda: order(curfew([SCHOOL]), holidays=(date(2026, 2, 2), date(2026, 2, 1))), "holidays"),
    ],
)  # fmt: skip
def test_no_timetable_that_nobody_can_have_meant(make, said):
    with pytest.raises(ValueError, match=said):
        make()
