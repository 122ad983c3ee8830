"""Curfews: timetables at their edges, the belief of being out, and silence."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safetynet.app.bells import Bells, bell
from safetynet.core import deadlines, geo
from safetynet.core.fixes import Fix, Mark, Said
from safetynet.core.homes import SILENT_MS, UNKNOWN_MS
from safetynet.core.orders import Absence, Circle, Curfew, Order, Polygon, Row, next_start, period
from safetynet.core.rules import RuleState, end, judge
from safetynet.core.terms import HOUR_MS, MINUTE_MS, AlarmKind, Certainty, Source, WearerClass
from safetynet.core.verdicts import Change, How
from safetynet.sim.devices import Sensor

LAT, LON = 36.35, 127.38
PLANE = geo.Plane(LAT, LON)
DAYS = tuple(range(7))
MIDNIGHT = datetime(2026, 11, 23, tzinfo=UTC) - timedelta(hours=9)
"""Monday 00:00 in Korea."""


def at(day, clock):
    """`day` 0 is that Monday; `clock` as on a Korean wall, seconds if wanted."""
    h, m, *s = map(int, clock.split(":"))
    seconds = day * 86_400 + h * 3_600 + m * 60 + (s[0] if s else 0)
    return round(MIDNIGHT.timestamp()) * 1_000 + seconds * 1_000


def minutes(clock):
    h, m = map(int, clock.split(":"))
    return 60 * h + m


def row(start, stop, days=DAYS):
    return Row(days=days, start_min=minutes(start), end_min=minutes(stop))


def order(*rows, absences=(), **more):
    home = more.pop("home", Circle(LAT, LON, 50.0))
    curfew = Curfew(id="c1", name="집", home=home, rows=rows or (row("22:00", "06:00"),))
    return Order(
        wearer="w1", wearer_class=WearerClass.ORDER, version=1, curfews=(curfew,), absences=tuple(absences), **more
    )


def absence(start, stop):
    return Absence(id="a1", starts_at=start, ends_at=stop)


NIGHT = order()
WEEKDAYS = (0, 1, 2, 3, 4)


# --- the timetable -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ordered", "when", "expected"),
    [
        (NIGHT, at(0, "21:59:59"), None),
        (NIGHT, at(0, "22:00"), (at(0, "22:00"), at(1, "06:00"))),
        (NIGHT, at(1, "00:00"), (at(0, "22:00"), at(1, "06:00"))),
        (NIGHT, at(1, "05:59:59"), (at(0, "22:00"), at(1, "06:00"))),
        (NIGHT, at(1, "06:00"), None),
        # the row belongs to the day on which it starts: Friday night reaches into Saturday, Saturday night is free
        (order(row("22:00", "06:00", WEEKDAYS)), at(5, "05:00"), (at(4, "22:00"), at(5, "06:00"))),
        (order(row("22:00", "06:00", WEEKDAYS)), at(5, "23:00"), None),
        (order(row("22:00", "06:00", WEEKDAYS)), at(0, "05:00"), None),
        # on the way to school and back
        (order(row("07:30", "09:00", WEEKDAYS), row("13:00", "17:00", WEEKDAYS)), at(2, "08:00"), (at(2, "07:30"), at(2, "09:00"))),
        (order(row("07:30", "09:00", WEEKDAYS), row("13:00", "17:00", WEEKDAYS)), at(2, "12:00"), None),
        (order(row("07:30", "09:00", WEEKDAYS)), at(6, "08:00"), None),
        # whole days, in three spellings
        (order(row("00:00", "24:00")), at(3, "00:00"), (at(3, "00:00"), at(4, "00:00"))),
        (order(row("00:00", "00:00")), at(3, "23:59:59"), (at(3, "00:00"), at(4, "00:00"))),
        (order(row("09:00", "09:00")), at(3, "08:59"), (at(2, "09:00"), at(3, "09:00"))),
        # permitted absences cut pieces out; one that covers all leaves nothing
        (order(absences=[absence(at(0, "23:00"), at(1, "01:00"))]), at(0, "22:30"), (at(0, "22:00"), at(0, "23:00"))),
        (order(absences=[absence(at(0, "23:00"), at(1, "01:00"))]), at(0, "23:00"), None),
        (order(absences=[absence(at(0, "23:00"), at(1, "01:00"))]), at(1, "01:00"), (at(1, "01:00"), at(1, "06:00"))),
        (order(absences=[absence(at(0, "20:00"), at(1, "07:00"))]), at(1, "01:00"), None),
        # the order's own beginning and end
        (order(starts_at=at(1, "02:00")), at(1, "01:00"), None),
        (order(starts_at=at(1, "02:00")), at(1, "02:00"), (at(1, "02:00"), at(1, "06:00"))),
        (order(ends_at=at(1, "02:00")), at(1, "02:00"), None),
    ],
)  # fmt: skip
def test_when_a_curfew_holds(ordered, when, expected):
    assert period(ordered, ordered.curfews[0], when) == expected


@pytest.mark.parametrize(
    ("ordered", "after", "expected"),
    [
        (NIGHT, at(0, "12:00"), at(0, "22:00")),
        (NIGHT, at(0, "22:00"), at(1, "22:00")),
        (order(row("22:00", "06:00", (6,))), at(6, "22:00"), at(13, "22:00")),
        (order(absences=[absence(at(0, "21:00"), at(0, "23:30"))]), at(0, "12:00"), at(0, "23:30")),
        (order(ends_at=at(0, "20:00")), at(0, "12:00"), None),
    ],
)
def test_when_it_begins_next(ordered, after, expected):
    assert next_start(ordered, ordered.curfews[0], after) == expected


def test_korea_has_no_summer_time():
    """The same wall clock all year: each night begins 24 hours after the one before, for a whole year."""
    begun = at(0, "22:00")
    for _ in range(370):
        following = next_start(NIGHT, NIGHT.curfews[0], begun)
        assert following - begun == 24 * HOUR_MS
        begun = following


@pytest.mark.parametrize(
    "bad",
    [
        {"days": ()},
        {"days": (8,)},
        {"days": (1, 1)},
        {"start_min": 1440},
        {"start_min": -1},
        {"end_min": 1441},
    ],
)
def test_a_row_that_no_court_can_have_meant_is_refused(bad):
    with pytest.raises(ValueError):
        Row(**({"days": (0,), "start_min": 60, "end_min": 120} | bad))


def test_an_absence_that_ends_before_it_starts_and_two_curfews_with_one_id_are_refused():
    with pytest.raises(ValueError):
        absence(at(1, "02:00"), at(1, "02:00"))
    one = NIGHT.curfews[0]
    with pytest.raises(ValueError):
        msgspec.structs.replace(NIGHT, curfews=(one, one)).__post_init__()


# --- what is judged ------------------------------------------------------------------------------------------------

HOME, OUT = 0.0, 400.0


def fix(n, when, x=HOME, *, received=None, **more):
    lat, lon = (None, None) if x is None else PLANE.to_latlon(x, 0.0)
    fields = {
        "id": n, "wearer": "w1", "device": "d1", "observed_at": when, "received_at": when if received is None else received,
        "lat": lat, "lon": lon, "accuracy_m": 15.0, "source": Source.GNSS,
    }  # fmt: skip
    return Fix(**(fields | more))


def struck(n, when):
    return msgspec.structs.replace(bell("w1", when), id=n)


def every_minute(start, count, x, n=1):
    return [fix(n + k, start + k * MINUTE_MS, x) for k in range(count)]


def told(*batch, ordered=NIGHT, state=None):
    found, state = judge(batch, {"w1": ordered}, state or RuleState())
    mine = [each for each in found if each.kind is AlarmKind.CURFEW or each.how is How.SAID]
    return [(each.change.value, each.certainty.value, each.how.value) for each in mine], state


def numbered(*parts):
    flat = [each for part in parts for each in (part if isinstance(part, list) else [part])]
    return [msgspec.structs.replace(each, id=n) for n, each in enumerate(flat, 1)]


START = at(0, "22:00")
AT_HOME = every_minute(START - 30 * MINUTE_MS, 30, HOME)
AWAY = every_minute(START - 30 * MINUTE_MS, 30, OUT)
CERTAIN = ("raised", "certain", "outside")


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        # at home when it begins, and all night
        ([AT_HOME, every_minute(START, 30, HOME)], []),
        ([AT_HOME, struck(0, START + 90_000)], []),
        # out before it begins is nobody's business; out when it begins is
        ([AWAY], []),
        ([AWAY, fix(0, START, OUT)], [CERTAIN]),
        ([AWAY, fix(0, START - 1, OUT)], []),
        # the clock strikes for who said nothing after the start
        ([AWAY, struck(0, START + 90_000)], [CERTAIN]),
        ([struck(0, START + 90_000)], [("raised", "maybe", "silent")]),
        ([AT_HOME[:15], struck(0, START + 90_000)], [("raised", "maybe", "silent")]),
        ([AT_HOME[:25], struck(0, START + 90_000)], []),
        # home between prior and certain: neither known to be home
        ([fix(0, START - 60_000, OUT), struck(0, START + 90_000)], [("raised", "maybe", "outside")]),
        # silence in the night, and what is heard after it
        ([AT_HOME, every_minute(START, 5, HOME), struck(0, START + 15 * MINUTE_MS)], [("raised", "maybe", "silent")]),
        ([AT_HOME, struck(0, START + 15 * MINUTE_MS), every_minute(START + 20 * MINUTE_MS, 5, HOME)], [("raised", "maybe", "silent"), ("returned", "maybe", "home")]),
        ([AT_HOME, struck(0, START + 15 * MINUTE_MS), every_minute(START + 20 * MINUTE_MS, 9, OUT)], [("raised", "maybe", "silent"), ("risen", "certain", "outside")]),
        # a late word from home of before the silence is history, one that reaches to now is an answer
        ([AT_HOME, struck(0, START + 25 * MINUTE_MS), fix(0, START + 3 * MINUTE_MS, HOME, received=START + 26 * MINUTE_MS)], [("raised", "maybe", "silent")]),
        ([AT_HOME, struck(0, START + 25 * MINUTE_MS), fix(0, START + 24 * MINUTE_MS, HOME, received=START + 26 * MINUTE_MS)], [("raised", "maybe", "silent"), ("returned", "maybe", "home")]),
        # goes out in the night, comes home
        ([AT_HOME, every_minute(START, 9, OUT)], [CERTAIN]),
        ([AT_HOME, every_minute(START, 9, 63.0)], [("raised", "maybe", "outside"), ("risen", "certain", "outside")]),
        ([AT_HOME, every_minute(START, 9, OUT), every_minute(START + 9 * MINUTE_MS, 9, HOME)], [CERTAIN, ("returned", "certain", "home")]),
        # one wild position among many says nothing
        ([AT_HOME, fix(0, START, OUT), every_minute(START + MINUTE_MS, 9, HOME)], []),
        # late and alone it is a suspicion, when the newest word is from home
        ([AT_HOME, every_minute(START, 20, HOME), fix(0, START + 90_000, OUT, received=START + 20 * MINUTE_MS)], [("raised", "maybe", "outside")]),
        # towers alone for half an hour say no more than silence; for less they say that somebody is there
        ([AT_HOME, [fix(0, START + k * MINUTE_MS, OUT, source=Source.CELL) for k in range(28)], struck(0, START + 28 * MINUTE_MS)], []),
        ([AT_HOME, [fix(0, START + k * MINUTE_MS, OUT, source=Source.CELL) for k in range(30)], struck(0, START + 30 * MINUTE_MS)], [("raised", "maybe", "silent")]),
        # towers alone, and what nobody can have measured, do not tell
        ([AT_HOME, [fix(0, START + k * MINUTE_MS, OUT, source=Source.CELL) for k in range(9)]], []),
        ([AT_HOME, [fix(0, START + k * MINUTE_MS, OUT, marks=Mark.MOCK) for k in range(9)]], []),
        ([AT_HOME, [fix(0, START + k * MINUTE_MS, OUT, accuracy_m=250.0) for k in range(9)]], []),
        # ended by the morning: the next night is another matter
        ([AWAY, fix(0, START, OUT), fix(0, at(1, "06:00"), OUT), fix(0, at(1, "22:00"), OUT)], [CERTAIN, CERTAIN]),
        ([AWAY, fix(0, START, OUT), fix(0, at(1, "06:00"), OUT)], [CERTAIN]),
    ],
)  # fmt: skip
def test_a_night(way, expected):
    assert told(*numbered(*way))[0] == expected


def test_a_permitted_absence_is_no_breach_and_its_end_is():
    free = order(absences=[absence(at(0, "23:00"), at(1, "01:00"))])
    way = numbered(
        every_minute(at(0, "21:30"), 90, HOME),
        every_minute(at(0, "23:00"), 119, OUT),
        struck(0, at(1, "01:01:30")),
    )
    found, _ = told(*way, ordered=free)
    assert found == [CERTAIN]
    assert told(*way[:-1], ordered=free)[0] == []


def test_a_home_with_corners_is_judged_by_its_edge():
    yard = Polygon(tuple(PLANE.to_latlon(x, y) for x, y in ((-60, -60), (60, -60), (60, 60), (-60, 60))))
    assert told(*numbered(AT_HOME, every_minute(START, 9, 40.0)), ordered=order(home=yard))[0] == []
    assert told(*numbered(AT_HOME, every_minute(START, 9, 140.0)), ordered=order(home=yard))[0][-1][1] == "certain"


def test_who_moves_house_is_not_at_the_old_home():
    _, state = told(*numbered(AT_HOME))
    moved = order(home=Circle(*PLANE.to_latlon(900.0, 0.0), 50.0))
    found, _ = told(struck(99, START + 90_000), ordered=msgspec.structs.replace(moved, version=2), state=state)
    assert found == [("raised", "maybe", "silent")], "of the new home nothing is known"


def test_a_bell_is_no_word_of_the_device():
    cut = numbered(
        fix(0, START, HOME, said=Said.STRAP_CUT),
        struck(0, START + MINUTE_MS),
        fix(0, START + 61_000, HOME, said=Said.STRAP_CUT),
    )
    assert told(*cut)[0] == [("raised", "certain", "said")]
    flicker = numbered(*(fix(0, START + 30_000 * k, HOME, said=Said.STRAP_CUT) for k in range(4)))
    assert told(*flicker)[0] == [("raised", "certain", "said")]


def test_closed_while_still_out_it_rings_again():
    _, state = told(*numbered(AWAY, fix(0, START, OUT)))
    (episode,) = [each for key, each in state.records["w1"].episodes.items() if key[0] is AlarmKind.CURFEW]
    state = end(state, "w1", episode.id, 31)
    found, _ = told(fix(32, START + MINUTE_MS, OUT), state=state)
    assert found == [CERTAIN]


# --- when the clock must strike ------------------------------------------------------------------------------------

LONG_AGO = 0


def due(state, when, since=LONG_AGO, ordered=NIGHT):
    return deadlines.due_at(ordered, state, when, since)


def test_the_bells_of_a_night():
    _, state = told(*AT_HOME[:25])
    known = AT_HOME[24].observed_at
    assert due(state, known) == START + deadlines.HEAR_MS
    _, state = told(struck(26, START + 90_000), state=state)
    assert due(state, START + 90_000) == known + SILENT_MS
    found, state = told(struck(27, known + SILENT_MS), state=state)
    assert found == [("raised", "maybe", "silent")]
    assert due(state, known + SILENT_MS) == START + 24 * HOUR_MS + deadlines.HEAR_MS, "once for each silence"


def test_who_was_heard_after_the_start_needs_no_bell_until_silent():
    _, state = told(*numbered(AT_HOME, fix(0, START + 20_000, HOME)))
    assert due(state, START + 20_000) == START + 20_000 + SILENT_MS


def test_never_heard_at_all():
    assert due(RuleState(), START - HOUR_MS) == START + deadlines.HEAR_MS
    assert due(RuleState(), START + HOUR_MS) <= START + HOUR_MS


def test_our_own_outage_is_nobodys_breach():
    """The centre begins to listen in the middle of a night: devices first say what they have kept."""
    up = START + HOUR_MS
    assert due(RuleState(), up, since=up) == up + deadlines.HEAR_MS


def test_silence_after_a_closing_is_asked_about():
    _, state = told(*numbered(AWAY, fix(0, START, OUT)))
    (episode,) = [each for key, each in state.records["w1"].episodes.items() if key[0] is AlarmKind.CURFEW]
    assert due(state, START + MINUTE_MS) > START + HOUR_MS
    assert due(end(state, "w1", episode.id, 31), START + MINUTE_MS) == START + SILENT_MS


def test_bells_ring_once_and_for_those_with_a_curfew_only():
    orders = {"w1": NIGHT, "w2": Order(wearer="w2", wearer_class=WearerClass.ORDER, version=1)}
    bells, state, rung = Bells(orders, START - HOUR_MS), RuleState(), []
    for now in range(START - MINUTE_MS, START + 30 * MINUTE_MS, 1_000):
        fixes = bells.due(orders, state, now)
        rung += [(each.wearer, now) for each in fixes]
        _, state = judge([msgspec.structs.replace(each, id=len(rung)) for each in fixes], orders, state)
    assert rung == [("w1", START + deadlines.HEAR_MS)]


def test_a_changed_order_is_looked_at():
    orders = {}
    bells = Bells(orders, START - HOUR_MS)
    assert bells.due(orders, RuleState(), START + HOUR_MS) == []
    orders["w1"] = NIGHT
    bells.look("w1")
    assert [each.wearer for each in bells.due(orders, RuleState(), START + HOUR_MS)] == ["w1"]


# --- whatever comes ------------------------------------------------------------------------------------------------

steps = st.lists(
    st.tuples(
        st.integers(1, 20 * 60_000),
        st.one_of(st.none(), st.floats(-600, 600)),
        st.sampled_from([5.0, 15.0, 60.0, 300.0, None]),
        st.sampled_from([Source.GNSS, Source.WIFI, Source.CELL]),
        st.integers(0, 3),
    ),
    max_size=60,
)


def walk(drawn):
    """Fixes and bells; the last number: 0 a bell, 1 late by half an hour."""
    now, batch = START - HOUR_MS, []
    for n, (gap, x, radius, source, what) in enumerate(drawn, 1):
        now += gap
        if what == 0:
            batch.append(struck(n, now))
        else:
            late = 30 * MINUTE_MS if what == 1 else 0
            batch.append(fix(n, now - late, x, received=now, accuracy_m=radius, source=source))
    return batch


@given(steps, st.integers(0, 60))
def test_cut_into_batches_it_comes_out_the_same(drawn, cut):
    batch = walk(drawn)
    whole, _ = judge(batch, {"w1": NIGHT}, RuleState())
    first, state = judge(batch[:cut], {"w1": NIGHT}, RuleState())
    second, _ = judge(batch[cut:], {"w1": NIGHT}, state)
    assert whole == (*first, *second)


@given(steps)
def test_an_alarm_is_about_a_time_in_which_a_curfew_held(drawn):
    found, _ = judge(walk(drawn), {"w1": NIGHT}, RuleState())
    for each in found:
        if each.change is not Change.RETURNED and each.kind is AlarmKind.CURFEW:
            assert period(NIGHT, NIGHT.curfews[0], min(each.fix.observed_at, each.fix.received_at)) is not None
        assert each.how is not How.SILENT or each.fix.marks & Mark.BELL


@settings(max_examples=60)
@given(steps, st.integers(0, 7 * 60))
def test_who_is_far_out_long_enough_is_always_found(drawn, minute):
    """Whatever was said before: an hour of certain positions outside, within the night."""
    batch = walk(drawn)
    begin = max(START + minute * MINUTE_MS, batch[-1].received_at if batch else 0)
    if period(NIGHT, NIGHT.curfews[0], begin + HOUR_MS) is None or period(NIGHT, NIGHT.curfews[0], begin) is None:
        return
    batch += every_minute(begin + MINUTE_MS, 20, OUT, n=len(batch) + 1)
    _, state = judge(batch, {"w1": NIGHT}, RuleState())
    episode = state.records["w1"].episodes[AlarmKind.CURFEW, "c1"]
    assert episode.broken
    assert episode.certainty is Certainty.CERTAIN


@given(steps)
def test_who_is_not_known_to_be_home_at_the_bell_is_told(drawn):
    """An oracle in two lines: nobody was heard for a while, or nothing that tells for long."""
    batch = [each for each in walk(drawn) if not each.marks & Mark.BELL and each.received_at < START + 90_000]
    near = [
        each
        for each in batch
        if each.lat is not None and each.source is not Source.CELL and (each.accuracy_m or 100.0) <= 200
    ]
    known = max((each.observed_at for each in near), default=0)
    _, state = judge([*batch, struck(len(batch) + 1, START + 90_000)], {"w1": NIGHT}, RuleState())
    heard = max((each.observed_at for each in batch), default=0)
    if START + 90_000 - heard >= SILENT_MS or START + 90_000 - known >= UNKNOWN_MS:
        assert (AlarmKind.CURFEW, "c1") in state.records["w1"].episodes


# --- what it is worth ----------------------------------------------------------------------------------------------


def measured(seed, rhythm_s, hours, x=lambda seconds: 0.0):
    """What the error model's device says of somebody who is `x(seconds)` east of home."""
    sensor, batch = Sensor(str(seed)), []
    for n in range(round(hours * 3_600 / rhythm_s)):
        seconds = n * rhythm_s
        when = START + 1_000 * seconds
        got = sensor.measure(x(seconds), 0.0, when, indoors=x(seconds) == 0.0)
        lat, lon = PLANE.to_latlon(got.x, got.y)
        batch.append(fix(n + 1, when, None, accuracy_m=got.radius_m, source=got.source, lat=lat, lon=lon))
    return batch


def test_forty_nights_at_home_and_no_false_alarm():
    """At one position a minute (tracking.md section 8 asks for at most one in five nights); a suspicion is no alarm."""
    told = [one for seed in range(40) for one in judge(measured(seed, 60, 8), {"w1": NIGHT}, RuleState())[0]]
    assert [each for each in told if each.certainty is Certainty.CERTAIN and each.kind is AlarmKind.CURFEW] == []
    assert sum(each.change is Change.RAISED for each in told) <= 8


def test_who_walks_out_is_certain_within_minutes():
    """p95 of the delay after the garden gate, at the 10 s rhythm of suspicion."""
    delays = []
    for seed in range(20):
        batch = measured(seed, 10, 1, lambda seconds: max(0.0, (seconds - 1_200) * 1.3))
        found, _ = judge(batch, {"w1": NIGHT}, RuleState())
        out = START + 1_200_000 + round(50 / 1.3) * 1_000
        delays.append(min(each.fix.observed_at - out for each in found if each.certainty is Certainty.CERTAIN))
    assert sorted(delays)[18] <= 150_000
