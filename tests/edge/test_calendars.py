"""Timetables as iCalendar: out and in again nothing is lost, other readers understand them, and so do we other writers."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
import recurring_ical_events
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from safetynet.core.orders import Circle, Curfew, OnHolidays, Order, Row, periods
from safetynet.core.terms import DAY_MS, MINUTE_MS, WearerClass
from safetynet.core.timetables import instant
from safetynet.edge import calendars
from safetynet.edge.calendars import Problem, UnreadableError

HOME = Circle(36.35, 127.38, 50.0)
AT = instant("Asia/Seoul", date(2026, 2, 2), 600)
NEAR = st.integers(0, 60).map(lambda n: date(2026, 2, 2) + timedelta(days=n))


def order(rows, zone="Asia/Seoul", on_holidays=OnHolidays.ANY_DAY, holidays=()):
    timed = Curfew(id="c1", name="집, 밤; \\", home=HOME, rows=tuple(rows), zone=zone, on_holidays=on_holidays)
    return Order(wearer="w", wearer_class=WearerClass.ORDER, version=1, curfews=(timed,), holidays=holidays)


@st.composite
def made(draw):
    own = draw(st.booleans())
    rows = []
    for _ in range(draw(st.integers(1, 4))):
        days = draw(st.sets(st.integers(0, 7 if own else 6), max_size=8))
        also = tuple(sorted(draw(st.sets(NEAR, max_size=3))))
        if not days and not also:
            days = {0}
        since, until = draw(st.none() | NEAR), draw(st.none() | NEAR)
        if since and until and since > until:
            since, until = until, since
        rows.append(
            Row(
                days=tuple(sorted(days)),
                start_min=draw(st.integers(0, 1439)),
                end_min=draw(st.integers(0, 1440)),
                since=since,
                until=until,
                every_weeks=draw(st.sampled_from([1, 1, 1, 2, 3])) if since else 1,
                except_on=tuple(sorted(draw(st.sets(NEAR, max_size=3)))),
                also_on=also,
            )
        )
    holidays = tuple(sorted(draw(st.sets(NEAR, max_size=4)))) if own else ()
    zone = draw(st.sampled_from(["Asia/Seoul", "America/New_York", "Europe/London"]))
    return order(rows, zone, OnHolidays.OWN if own else OnHolidays.ANY_DAY, holidays)


@settings(max_examples=80, deadline=None)
@given(made())
def test_out_and_in_again_is_the_same(whole):
    taken = calendars.read(calendars.written(whole, whole.curfews, AT))
    assert taken.left_out == ()
    (found,) = taken.timetables
    (timed,) = whole.curfews
    assert found == ("c1", timed.name, timed.zone, timed.on_holidays, timed.rows)
    again = msgspec.structs.replace(timed, rows=found.rows, zone=found.zone, on_holidays=found.on_holidays)
    assert calendars.written(whole, (again,), AT) == calendars.written(whole, whole.curfews, AT)


def plain(data):
    """As a program writes it that knows nothing of ours."""
    return b"\r\n".join(line for line in data.split(b"\r\n") if not line.startswith((b"X-", b" "))) + b"\r\n"


def folded(data):
    return data.replace(b"\r\n ", b"")


SINCE = instant("Asia/Seoul", date(2026, 2, 2), 0)
UNTIL = SINCE + 75 * DAY_MS


def minutes(whole, timed):
    return {at for each in periods(whole, timed, SINCE, UNTIL) for at in range(max(each.start, SINCE), min(each.end, UNTIL), MINUTE_MS)}  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(made())
def test_without_our_own_words_it_still_holds_at_the_same_minutes(whole):
    """What any other program keeps of it means the same, holidays spelled out, from its writing on."""
    (timed,) = whole.curfews
    taken = calendars.read(plain(folded(calendars.written(whole, whole.curfews, AT))))
    assert {each.problem for each in taken.left_out} <= {Problem.EMPTY}
    ours = minutes(whole, timed)
    theirs = set()
    for found in taken.timetables:
        again = Curfew(id="c", name="x", home=HOME, rows=found.rows, zone=found.zone)
        theirs |= minutes(msgspec.structs.replace(whole, curfews=(again,)), again)
    begun = instant(timed.zone, date(2026, 2, 2), 0)
    assert {at for at in theirs if at >= begun + DAY_MS} == {at for at in ours if at >= begun + DAY_MS}


@settings(max_examples=40, deadline=None)
@given(made())
def test_another_reader_sees_the_same_beginnings(whole):
    (timed,) = whole.curfews
    data = calendars.written(whole, whole.curfews, AT)
    since = datetime(2026, 2, 3, tzinfo=ZoneInfo(timed.zone))
    found = recurring_ical_events.of(Calendar.from_ical(data)).between(since, since + timedelta(days=70))
    theirs = {round(each["DTSTART"].dt.timestamp() * 1000) for each in found if each["DTSTART"].dt >= since}
    first, last = instant(timed.zone, date(2026, 2, 3), 0), instant(timed.zone, date(2026, 2, 3), 0) + 69 * DAY_MS
    rows = [msgspec.structs.replace(row, end_min=(row.start_min + 1) % 1440 or 1440) for row in timed.rows]
    short = order(rows, timed.zone, timed.on_holidays, whole.holidays)
    ours = {each.start for each in periods(short, short.curfews[0], first, last) if each.start >= first}
    gap = {instant(timed.zone, date(2026, 3, day), 120 + n) for day in (8, 29) for n in range(61)}
    assert {at for at in theirs if at < last} - gap == ours - gap, "but for times that a clock leaves out"


def ics(*lines):
    body = "\r\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x", *lines, "END:VCALENDAR", ""))
    return body.encode()


def event(*lines, uid="1"):
    return ("BEGIN:VEVENT", f"UID:{uid}", "SUMMARY:야간", *lines, "END:VEVENT")


SEOUL = "DTSTART;TZID=Asia/Seoul:20260202T220000", "DTEND;TZID=Asia/Seoul:20260203T060000"
MON = date(2026, 2, 2)


@pytest.mark.parametrize(
    ("lines", "rows"),
    [
        (SEOUL, [Row(days=(), start_min=1320, end_min=360, also_on=(MON,))]),
        ((*SEOUL, "RRULE:FREQ=DAILY"), [Row(days=tuple(range(7)), start_min=1320, end_min=360, since=MON)]),
        ((*SEOUL, "RRULE:FREQ=WEEKLY"), [Row(days=(0,), start_min=1320, end_min=360, since=MON)]),
        ((*SEOUL, "RRULE:FREQ=WEEKLY;BYDAY=MO,FR;UNTIL=20260301"), [Row(days=(0, 4), start_min=1320, end_min=360, since=MON, until=date(2026, 3, 1))]),
        # the last one begins before 22:00 of that day
        ((*SEOUL, "RRULE:FREQ=DAILY;UNTIL=20260210T120000Z"), [Row(days=tuple(range(7)), start_min=1320, end_min=360, since=MON, until=date(2026, 2, 9))]),
        ((*SEOUL, "RRULE:FREQ=WEEKLY;BYDAY=MO,WE;COUNT=3"), [Row(days=(0, 2), start_min=1320, end_min=360, since=MON, until=date(2026, 2, 9))]),
        ((*SEOUL, "RRULE:FREQ=WEEKLY;INTERVAL=2"), [Row(days=(0,), start_min=1320, end_min=360, since=MON, every_weeks=2)]),
        # the first day is one of them although the rule does not give it
        ((*SEOUL, "RRULE:FREQ=WEEKLY;BYDAY=TU"), [Row(days=(1,), start_min=1320, end_min=360, since=MON, also_on=(MON,))]),
        ((*SEOUL, "RRULE:FREQ=DAILY", "EXDATE;TZID=Asia/Seoul:20260204T220000,20260206T220000"), [Row(days=tuple(range(7)), start_min=1320, end_min=360, since=MON, except_on=(date(2026, 2, 4), date(2026, 2, 6)))]),
        # a date of another time takes nothing out
        ((*SEOUL, "RRULE:FREQ=DAILY", "EXDATE;TZID=Asia/Seoul:20260204T210000"), [Row(days=tuple(range(7)), start_min=1320, end_min=360, since=MON)]),
        ((*SEOUL, "RRULE:FREQ=WEEKLY", "EXDATE;VALUE=DATE:20260209"), [Row(days=(0,), start_min=1320, end_min=360, since=MON, except_on=(date(2026, 2, 9),))]),
        # the second Tuesday of a month, and the day it was begun on
        ((*SEOUL, "RRULE:FREQ=MONTHLY;BYDAY=2TU;UNTIL=20260430T000000Z"), [Row(days=(), start_min=1320, end_min=360, also_on=(MON, date(2026, 2, 10), date(2026, 3, 10), date(2026, 4, 14)))]),
        # whole days; two of them; without a zone; in UTC; a length; a zone as another system calls it
        (("DTSTART;VALUE=DATE:20260202",), [Row(days=(), start_min=0, end_min=1440, also_on=(MON,))]),
        (("DTSTART;VALUE=DATE:20260202", "DTEND;VALUE=DATE:20260204"), [Row(days=(), start_min=0, end_min=1440, also_on=(MON,)), Row(days=(), start_min=0, end_min=1440, also_on=(date(2026, 2, 3),))]),
        (("DTSTART:20260202T220000", "DURATION:PT8H"), [Row(days=(), start_min=1320, end_min=360, also_on=(MON,))]),
        (("DTSTART:20260202T130000Z", "DTEND:20260202T210000Z"), [Row(days=(), start_min=1320, end_min=360, also_on=(MON,))]),
        (("DTSTART;TZID=Korea Standard Time:20260202T220000", "DURATION:PT8H"), [Row(days=(), start_min=1320, end_min=360, also_on=(MON,))]),
        ((*SEOUL, "RDATE;TZID=Asia/Seoul:20260204T220000,20260205T210000"), [Row(days=(), start_min=1320, end_min=360, also_on=(MON, date(2026, 2, 4))), Row(days=(), start_min=1260, end_min=300, also_on=(date(2026, 2, 5),))]),
    ],
)  # fmt: skip
def test_what_other_programs_write_is_read(lines, rows):
    taken = calendars.read(ics(*event(*lines)))
    assert taken.left_out == ()
    assert [list(each.rows) for each in taken.timetables] == [rows]
    assert taken.timetables[0].zone == "Asia/Seoul"


def test_a_changed_instance_is_taken_out_and_stands_by_itself():
    moved = event("RECURRENCE-ID;TZID=Asia/Seoul:20260204T220000", "DTSTART;TZID=Asia/Seoul:20260204T200000", "DTEND;TZID=Asia/Seoul:20260205T060000")  # fmt: skip
    gone = event("RECURRENCE-ID;TZID=Asia/Seoul:20260206T220000", "STATUS:CANCELLED", "DTSTART;TZID=Asia/Seoul:20260206T220000", "DTEND;TZID=Asia/Seoul:20260207T060000")  # fmt: skip
    (found,) = calendars.read(ics(*event(*SEOUL, "RRULE:FREQ=DAILY"), *moved, *gone)).timetables
    first, second = found.rows
    assert first.except_on == (date(2026, 2, 4), date(2026, 2, 6))
    assert (second.also_on, second.start_min, second.end_min) == ((date(2026, 2, 4),), 1200, 360)


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (("SUMMARY:x",), Problem.NO_TIMES),
        (("DTSTART:20260202T220000",), Problem.NO_TIMES),
        (("DTSTART:20260202T220000", "DTEND:20260202T210000"), Problem.NO_TIMES),
        (("DTSTART:nonsense", "DTEND:20260202T210000"), Problem.TORN),
        (("DTSTART:20260202T220030", "DURATION:PT8H"), Problem.NOT_A_MINUTE),
        (("DTSTART:20260202T220000", "DTEND:20260402T210000"), Problem.TOO_LONG),
        (("DTSTART;TZID=Mars/Olympus:20260202T220000", "DURATION:PT8H"), Problem.ZONE_UNKNOWN),
        ((*SEOUL, "RRULE:FREQ=MONTHLY;BYDAY=2TU"), Problem.NEVER_ENDS),
        ((*SEOUL, "RRULE:FREQ=SECONDLY;COUNT=1000000000"), Problem.TOO_FINE),
        ((*SEOUL, "RRULE:FREQ=DAILY;BYHOUR=1,2,3"), Problem.TOO_FINE),
        ((*SEOUL, "RRULE:FREQ=DAILY;COUNT=1000000000"), Problem.TOO_MANY_DATES),
        ((*SEOUL, "RRULE:FREQ=YEARLY;BYMONTH=1,2,3,4,5,6,7,8,9,10,11,12;BYDAY=MO,TU,WE,TH,FR,SA;UNTIL=20350101T000000Z"), Problem.TOO_MANY_DATES),
        ((*SEOUL, "RRULE:FREQ=DAILY", "EXRULE:FREQ=WEEKLY"), Problem.OUTDATED_RULE),
        ((*SEOUL, "RRULE:FREQ=DAILY", "RRULE:FREQ=WEEKLY"), Problem.OUTDATED_RULE),
        ((*SEOUL, "EXDATE;TZID=Asia/Seoul:20260202T220000"), Problem.EMPTY),
    ],
)  # fmt: skip
def test_what_is_no_timetable_is_left_out_with_a_word(lines, problem):
    taken = calendars.read(ics(*event(*lines), *event(*SEOUL, uid="2")))
    assert [each.problem for each in taken.left_out] == [problem]
    assert len(taken.timetables) == 1, "the others stay"


def test_an_order_without_an_end_in_sight_is_written_too():
    whole = msgspec.structs.replace(order([Row(days=(0,), start_min=1320, end_min=360)]), ends_at=2**53 - 1)
    (found,) = calendars.read(calendars.written(whole, whole.curfews, AT)).timetables
    assert found.rows == whole.curfews[0].rows
    taken = calendars.read(ics(*event(*SEOUL, "RRULE:FREQ=DAILY;UNTIL=99991231T000000Z")))
    assert [row.until for row in taken.timetables[0].rows] == [None]


def test_an_event_that_somebody_moved_is_believed_as_it_stands_now():
    whole = order([Row(days=(0,), start_min=1320, end_min=360, since=MON)])
    data = folded(calendars.written(whole, whole.curfews, AT)).replace(b"T220000", b"T200000")
    (found,) = calendars.read(data).timetables
    assert [(row.start_min, row.end_min) for row in found.rows] == [(1200, 360)]


@pytest.mark.parametrize("data", [b"", b"garbage", b"\xff\xfe\x00", b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", b"BEGIN:VCALENDAR\r\n" * 2000, b"x" * (calendars.BYTES_MAX + 1)])  # fmt: skip
def test_what_is_no_calendar_is_refused(data):
    with pytest.raises(UnreadableError):
        calendars.read(data)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_nothing_in_a_file_raises_anything_else(data):
    whole = ics(
        *event(*SEOUL, "RRULE:FREQ=WEEKLY;BYDAY=MO,FR;UNTIL=20260301", "EXDATE;TZID=Asia/Seoul:20260206T220000")
    )
    broken = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    try:
        taken = calendars.read(bytes(broken))
    except UnreadableError:
        return
    assert all(isinstance(each.problem, Problem) for each in taken.left_out)
