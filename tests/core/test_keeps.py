"""Where somebody must be besides at home at night: areas of residence, ordered places, school hours; permits that lift them."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from test_curfew import PLANE, WEEKDAYS, absence, at, fix, numbered, row, struck

from safetynet.core import arrears, deadlines, keeps, reasons, rules
from safetynet.core.alarms import TECHNICAL
from safetynet.core.fixes import Mark, Said
from safetynet.core.homes import UNKNOWN_MS
from safetynet.core.orders import Circle, Curfew, Hours, Inclusion, Leave, OnHolidays, Order, Polygon, Row, Stay
from safetynet.core.rules import RuleState, judge, suspected
from safetynet.core.terms import HOUR_MS, MINUTE_MS, AlarmKind, Source, WearerClass
from safetynet.core.thresholds import STANDARD

NOON = at(0, "12:00")
DISTRICT = Circle(*PLANE.to_latlon(0.0, 0.0), 3_000.0)
OTHER = Polygon(
    tuple(PLANE.to_latlon(x, y) for x, y in ((10_000, -2_000), (14_000, -2_000), (14_000, 2_000), (10_000, 2_000)))
)
LIVING = Inclusion(id="i1", name="주거지", area=DISTRICT)
ALSO = Inclusion(id="i2", name="부모 집", area=OTHER)
WORK = Inclusion(
    id="i3", name="작업장", area=Circle(*PLANE.to_latlon(500.0, 0.0), 60.0), stay=Stay.ATTENDANCE, rows=(row("09:00", "18:00", WEEKDAYS),)
)  # fmt: skip


def order(*areas, **more):
    return Order(wearer="w1", wearer_class=WearerClass.ORDER, version=1, inclusions=areas, **more)


def told(*batch, ordered, state=None):
    found, state = judge(batch, {"w1": ordered}, state or RuleState())
    mine = [each for each in found if each.kind not in TECHNICAL]
    return [(each.kind.value, each.change.value, each.certainty.value, each.how.value) for each in mine], state


def stay(x, minutes, since=NOON, *, every_s=60, **more):
    return [fix(0, since + 1_000 * s, x, **more) for s in range(0, 60 * minutes, every_s)]


OUT = ("residence", "raised", "certain", "outside")


@pytest.mark.parametrize(
    ("areas", "way", "expected"),
    [
        ((LIVING,), stay(0.0, 60), []),
        ((LIVING,), stay(8_000.0, 10), [("residence", "raised", "maybe", "outside"), ("residence", "risen", "certain", "outside")]),
        ((LIVING,), [*stay(0.0, 10), *stay(8_000.0, 10, NOON + 20 * MINUTE_MS)], [OUT]),
        ((LIVING,), [*stay(0.0, 10), *stay(8_000.0, 9, NOON + 20 * MINUTE_MS), *stay(0.0, 9, NOON + 40 * MINUTE_MS)], [OUT, ("residence", "returned", "certain", "home")]),
        # one wild position among many says nothing, nor do towers
        ((LIVING,), [*stay(0.0, 10), fix(0, NOON + 10 * MINUTE_MS, 8_000.0), *stay(0.0, 10, NOON + 11 * MINUTE_MS)], []),
        ((LIVING,), [*stay(0.0, 10), *stay(8_000.0, 20, NOON + 10 * MINUTE_MS, source=Source.CELL, accuracy_m=900.0)], []),
        # of two areas either is enough, the way between them is not
        ((LIVING, ALSO), stay(12_000.0, 30), []),
        ((LIVING, ALSO), [*stay(0.0, 10), *stay(12_000.0, 10, NOON + 15 * MINUTE_MS)], []),
        ((LIVING, ALSO), stay(7_000.0, 10), [("residence", "raised", "maybe", "outside"), ("residence", "risen", "certain", "outside")]),
        # an ordered place has its hours, and a kind of its own
        ((WORK,), stay(500.0, 60), []),
        ((WORK,), stay(2_000.0, 60, at(0, "06:00")), []),
        ((WORK,), stay(2_000.0, 10, at(0, "09:00")), [("attendance", "raised", "maybe", "outside"), ("attendance", "risen", "certain", "outside")]),
        ((WORK,), [*stay(2_000.0, 5, at(0, "17:55")), fix(0, at(0, "18:01"), 2_000.0)], [("attendance", "raised", "maybe", "outside"), ("attendance", "risen", "certain", "outside")]),
        ((WORK,), stay(2_000.0, 60, at(5, "12:00")), []),
    ],
)  # fmt: skip
def test_where_somebody_must_be(areas, way, expected):
    assert told(*numbered(way), ordered=order(*areas))[0] == expected


def test_who_is_late_at_work_is_not_asked_for_quick_positions_and_who_leaves_the_area_is():
    _, state = told(*numbered(stay(2_000.0, 10)), ordered=order(WORK))
    assert not suspected(state, NOON + 10 * MINUTE_MS)
    _, state = told(*numbered(stay(0.0, 10), stay(8_000.0, 2, NOON + 15 * MINUTE_MS)), ordered=order(LIVING))
    assert suspected(state, NOON + 16 * MINUTE_MS + 30_000) == {"w1"}


def test_an_area_with_hours_is_asked_for_only_then():
    nights = msgspec.structs.replace(LIVING, rows=(row("20:00", "08:00"),))
    assert told(*numbered(stay(8_000.0, 30)), ordered=order(nights))[0] == []
    assert told(*numbered(stay(8_000.0, 30, at(0, "21:00"))), ordered=order(nights))[0][-1][2] == "certain"
    # by night here, at the parents' at any time: only by day is the parents' house the one that is left
    assert told(*numbered(stay(12_000.0, 30, at(0, "21:00"))), ordered=order(nights, ALSO))[0] == []
    assert told(*numbered(stay(0.0, 30)), ordered=order(nights, ALSO))[0][-1][2] == "certain"


def test_school_hours_ring_under_their_own_name_and_a_holiday_without_them_does_not():
    home = Circle(*PLANE.to_latlon(0.0, 0.0), 50.0)
    school = Curfew(
        id="c2", name="집", home=home, rows=(row("07:30", "09:00", WEEKDAYS),), hours=Hours.SCHOOL, on_holidays=OnHolidays.OWN
    )  # fmt: skip
    plain = Order(wearer="w1", wearer_class=WearerClass.ORDER, version=1, curfews=(school,))
    way = numbered(stay(900.0, 10, at(0, "08:00")))
    assert told(*way, ordered=plain)[0][-1] == ("school_hours", "risen", "certain", "outside")
    monday = at(0, "12:00")
    closed = msgspec.structs.replace(plain, holidays=(datetime.fromtimestamp(monday / 1_000, UTC).date(),))
    assert told(*way, ordered=closed)[0] == []
    both = msgspec.structs.replace(plain, curfews=(Curfew(id="c1", name="집", home=home, rows=(Row(days=tuple(range(7)), start_min=0, end_min=0),)), school))  # fmt: skip
    assert {each[0] for each in told(*way, ordered=both)[0]} == {"curfew", "school_hours"}


# --- permits -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("leave", list(Leave))
def test_what_is_permitted_makes_no_alarm_and_its_end_does(leave):
    away = msgspec.structs.replace(absence(NOON + 10 * MINUTE_MS, NOON + HOUR_MS), leave=leave)
    free = order(LIVING, WORK, absences=(away,))
    way = numbered(stay(500.0, 10), stay(8_000.0, 49, NOON + 11 * MINUTE_MS))
    found, state = told(*way, ordered=free)
    assert found == []
    due = deadlines.due_at(free, state, NOON + 59 * MINUTE_MS, 0)
    assert due == NOON + HOUR_MS + deadlines.HEAR_MS
    found, _ = told(struck(999, due), ordered=free, state=state)
    assert sorted(found) == [("attendance", "raised", "certain", "outside"), OUT]


def test_who_comes_back_within_the_permit_is_not_asked():
    free = order(LIVING, absences=(absence(NOON, NOON + HOUR_MS),))
    _, state = told(*numbered(stay(8_000.0, 30), stay(0.0, 30, NOON + 30 * MINUTE_MS)), ordered=free)
    assert told(struck(999, NOON + HOUR_MS + deadlines.HEAR_MS), ordered=free, state=state)[0] == []


def test_what_holds_no_longer_is_over_and_a_person_still_ends_the_alarm():
    _, state = told(*numbered(stay(8_000.0, 10)), ordered=order(LIVING))
    assert rules.episodes(state, "w1")[AlarmKind.RESIDENCE, None].broken
    lifted = msgspec.structs.replace(order(), version=2)
    found, state = told(fix(99, NOON + 20 * MINUTE_MS, 8_000.0), ordered=lifted, state=state)
    assert found == []
    assert not rules.episodes(state, "w1")[AlarmKind.RESIDENCE, None].broken


# --- a planned removal -----------------------------------------------------------------------------------------------

REMOVAL = msgspec.structs.replace(absence(NOON, NOON + HOUR_MS), leave=Leave.REMOVAL)
OPENED = order(LIVING, absences=(REMOVAL,))
OPEN = {"said": Said.STRAP_CUT}
CUT = ("strap_cut", "raised", "certain", "said")
ANNOUNCED = ("planned_removal", "raised", "certain", "said")


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        # opened within the permit, and closed
        ([fix(0, NOON, **OPEN)], [ANNOUNCED]),
        ([fix(0, NOON + HOUR_MS - 1, **OPEN)], [ANNOUNCED]),
        ([fix(0, NOON, **OPEN), fix(0, NOON + MINUTE_MS), fix(0, NOON + 2 * HOUR_MS)], [ANNOUNCED]),
        # before it, after it, and still open when it is over
        ([fix(0, NOON - 1, **OPEN)], [CUT]),
        ([fix(0, NOON + HOUR_MS, **OPEN)], [CUT]),
        ([fix(0, NOON, **OPEN), fix(0, NOON + HOUR_MS, **OPEN)], [ANNOUNCED, CUT]),
        # open before it began: the permit covers nothing of that
        ([fix(0, NOON - MINUTE_MS, **OPEN), fix(0, NOON + MINUTE_MS, **OPEN)], [CUT]),
        # what nothing proves is heard as a tamper
        ([fix(0, NOON, marks=Mark.UNPROVEN, **OPEN)], [CUT]),
        # a body that is broken has no permit
        ([fix(0, NOON, said=Said.BODY_TAMPER | Said.STRAP_CUT)], [ANNOUNCED, ("body_tamper", "raised", "certain", "said")]),
        # said late, of within it
        ([fix(0, NOON + 2 * HOUR_MS), fix(0, NOON + MINUTE_MS, received=NOON + 2 * HOUR_MS, **OPEN)], [ANNOUNCED]),
    ],
)  # fmt: skip
def test_a_strap_that_opens_within_a_planned_removal_is_announced_as_that(way, expected):
    found, _ = told(*numbered(way), ordered=msgspec.structs.replace(OPENED, inclusions=()))
    assert found == expected


@pytest.mark.parametrize("leave", [Leave.OUTING, Leave.TRAVEL])
def test_another_permit_does_not_let_the_strap_be_opened(leave):
    free = msgspec.structs.replace(OPENED, absences=(msgspec.structs.replace(REMOVAL, leave=leave),))
    assert told(fix(1, NOON, **OPEN), ordered=free)[0] == [CUT]


@pytest.mark.parametrize("closed", [False, True], ids=["left open", "a person closed the announcement"])
def test_a_strap_that_is_not_said_to_be_closed_is_cut_when_the_permit_is_over(closed):
    ordered = msgspec.structs.replace(OPENED, inclusions=())
    assert deadlines.may_strike(ordered)
    _, state = told(fix(1, NOON + MINUTE_MS, **OPEN), ordered=ordered)
    if closed:
        ((_, episode),) = rules.episodes(state, "w1").items()
        state = rules.end(state, "w1", episode.id, 1)
    due = deadlines.due_at(ordered, state, NOON + 2 * MINUTE_MS, 0)
    assert due == NOON + HOUR_MS + deadlines.HEAR_MS
    assert told(struck(2, NOON + HOUR_MS - 1), ordered=ordered, state=state)[0] == []
    found, state = told(struck(3, due), ordered=ordered, state=state)
    assert found == [("strap_cut", "raised", "certain", "overdue")]
    assert told(struck(4, due + HOUR_MS), ordered=ordered, state=state)[0] == [], "once"
    assert deadlines.due_at(ordered, state, due, 0) > due + HOUR_MS


def test_a_permit_that_is_withdrawn_ends_at_once_and_a_closed_strap_asks_for_nothing():
    ordered = msgspec.structs.replace(OPENED, inclusions=())
    _, state = told(fix(1, NOON + MINUTE_MS, **OPEN), ordered=ordered)
    assert deadlines.due_at(msgspec.structs.replace(ordered, absences=(), version=2), state, NOON + 2 * MINUTE_MS, 0) == NOON + 2 * MINUTE_MS  # fmt: skip
    withdrawn = msgspec.structs.replace(ordered, absences=(), version=2)
    assert told(struck(2, NOON + 2 * MINUTE_MS), ordered=withdrawn, state=state)[0] == [("strap_cut", "raised", "certain", "overdue")]  # fmt: skip
    _, state = told(fix(2, NOON + 3 * MINUTE_MS), ordered=ordered, state=state)
    assert told(struck(3, NOON + 2 * HOUR_MS), ordered=ordered, state=state)[0] == []


@given(st.lists(st.tuples(st.integers(1, 20), st.booleans(), st.booleans()), max_size=30))
@settings(max_examples=80, deadline=None)
def test_no_open_strap_is_ever_swallowed(way):
    """Whatever is said and whenever bells ring: each opening is announced or cut, and none is left open behind the permit."""
    ordered, when, batch = msgspec.structs.replace(OPENED, inclusions=()), NOON - 30 * MINUTE_MS, []
    for minutes, opened, rings in way:
        when += minutes * MINUTE_MS
        batch.append(struck(0, when) if rings else fix(0, when, **(OPEN if opened else {})))
    batch.append(struck(0, max(when, NOON + HOUR_MS) + MINUTE_MS))
    state, open_now = RuleState(), False
    for each in numbered(batch):
        found, state = judge((each,), {"w1": ordered}, state)
        if not each.marks & Mark.BELL:
            open_now = bool(each.said)
        seen = rules.episodes(state, "w1")
        standing = {kind for (kind, _), episode in seen.items() if episode.broken}
        assert not open_now or standing & {AlarmKind.STRAP_CUT, AlarmKind.PLANNED_REMOVAL}
        assert len([each for each in found if each.kind not in TECHNICAL]) <= 2
    assert (AlarmKind.STRAP_CUT in standing) == open_now, "the permit is over"


# --- silence -------------------------------------------------------------------------------------------------------


def test_half_an_hour_of_silence_is_a_suspicion():
    _, state = told(*numbered(stay(2_900.0, 10)), ordered=order(LIVING))
    last = NOON + 9 * MINUTE_MS
    assert deadlines.due_at(order(LIVING), state, last, 0) == last + UNKNOWN_MS
    assert told(struck(98, last + UNKNOWN_MS - 1), ordered=order(LIVING), state=state)[0] == []
    found, _ = told(struck(99, last + UNKNOWN_MS), ordered=order(LIVING), state=state)
    assert found == [("residence", "raised", "maybe", "silent")]


def test_an_area_that_an_order_brings_is_not_missed_at_once():
    _, state = told(*numbered(stay(0.0, 10)), ordered=order())
    last = NOON + 9 * MINUTE_MS
    found, state = told(struck(50, last + MINUTE_MS), ordered=order(LIVING), state=state)
    assert found == []
    due = deadlines.due_at(order(LIVING), state, last + MINUTE_MS, 0)
    assert due == last + UNKNOWN_MS
    assert told(struck(51, due), ordered=order(LIVING), state=state)[0] == [("residence", "raised", "maybe", "silent")]


def test_the_bells_of_a_place_with_hours():
    assert deadlines.may_strike(order(WORK))
    assert not deadlines.may_strike(order())
    _, state = told(*numbered(stay(2_000.0, 30, at(0, "08:30"))), ordered=order(WORK))
    nine = at(0, "09:00")
    due = deadlines.due_at(order(WORK), state, nine - MINUTE_MS, 0)
    assert due == nine + deadlines.HEAR_MS
    found, state = told(struck(99, due), ordered=order(WORK), state=state)
    assert found == [("attendance", "raised", "certain", "outside")]
    assert deadlines.due_at(order(WORK), state, due + 1, 0) > at(0, "18:00"), "told once"


# --- late words, and why -------------------------------------------------------------------------------------------


def test_a_late_word_from_inside_takes_the_alarm_back():
    inside = [msgspec.structs.replace(each, received_at=NOON + 40 * MINUTE_MS) for each in stay(2_800.0, 12, NOON + 10 * MINUTE_MS, every_s=30)]  # fmt: skip
    way = numbered(stay(2_800.0, 10), stay(3_200.0, 2, NOON + 22 * MINUTE_MS), inside)
    first, _ = judge(way[:12], {"w1": order(LIVING)}, rules.begun())
    assert [(each.kind.value, each.change.value) for each in first][:1] == [("residence", "raised")]
    found, state = judge(way, {"w1": order(LIVING)}, rules.begun())
    assert {each.change.value for each in found if each.how.value == "late"} <= {"amended", "retracted", "returned"}
    assert keeps.KEEPING < arrears.AGAIN
    assert state.histories is not None


def test_why_tells_the_distance_and_the_odds_of_the_nearest_area():
    ordered = order(LIVING, ALSO)
    way = numbered(stay(12_000.0, 5), stay(9_000.0, 10, NOON + 9 * MINUTE_MS))
    found, _ = judge(way, {"w1": ordered}, RuleState())
    opened = next(each for each in found if each.kind is AlarmKind.RESIDENCE)
    steps = list(reasons.steps(((each, {"w1": ordered}) for each in way), RuleState()))
    key = reasons.find(steps, "w1", opened.episode)
    assert key == (AlarmKind.RESIDENCE, None)
    why = reasons.explain(steps, "w1", key, opened.episode)
    assert (why.suspect, why.sure) == (STANDARD.home.suspect, STANDARD.home.sure)
    raised = next(each for each in why.lines if each.fix == why.raised_by)
    assert raised.off_m == pytest.approx(1_000.0, abs=5.0), "from the nearer of the two"
    assert raised.odds_after >= STANDARD.home.suspect > raised.odds_before


# --- whatever happens ----------------------------------------------------------------------------------------------

steps = st.lists(
    st.tuples(st.integers(1, 25), st.sampled_from([-2_500.0, 0.0, 2_500.0, 10_500.0, 13_500.0]), st.booleans()),
    max_size=40,
)


@given(steps)
@settings(max_examples=60, deadline=None)
def test_who_is_always_seen_inside_one_of_the_areas_is_never_said_to_have_left(way):
    """Any jumps between them, any bells between, no silence of half an hour."""
    when, batch = NOON, [fix(0, NOON, 0.0)]
    for minutes, x, rings in way:
        if rings:
            batch.append(struck(0, when + minutes * MINUTE_MS - 1))
        when += minutes * MINUTE_MS
        batch.append(fix(0, when, x))
    assert told(*numbered(batch), ordered=order(LIVING, ALSO))[0] == []


@given(steps, st.sampled_from([-30_000.0, 6_500.0, 40_000.0]))
@settings(max_examples=60, deadline=None)
def test_who_is_seen_out_of_them_all_for_ten_minutes_is_certainly_out(way, out):
    when, batch = NOON, []
    for minutes, x, _ in way:
        when += minutes * MINUTE_MS
        batch.append(fix(0, when, x))
    batch += stay(out, 14, when + 10 * MINUTE_MS)
    found, state = told(*numbered(batch), ordered=order(LIVING, ALSO))
    assert any(each[0] == "residence" and each[2] == "certain" for each in found)
    assert rules.episodes(state, "w1")[AlarmKind.RESIDENCE, None].broken
