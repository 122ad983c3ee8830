"""Fixes that come late: judged where they belong, and what changes is said."""

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from immutables import Map

from safetynet.app.bells import bell
from safetynet.core import arrears, geo
from safetynet.core.fixes import Fix, Mark, Said
from safetynet.core.orders import Circle, Curfew, Order, Row, Zone
from safetynet.core.rules import RuleState, end, judge
from safetynet.core.terms import AlarmKind, Source, WearerClass
from safetynet.core.verdicts import Change

LAT, LON = 36.35, 127.38
PLANE = geo.Plane(LAT, LON)
T0 = 1_700_000_000_000
ALWAYS = (Row(days=tuple(range(7)), start_min=0, end_min=24 * 60),)
ORDER = Order(
    wearer="w1",
    wearer_class=WearerClass.ORDER,
    version=3,
    zones=(Zone(id="z1", name="초등학교", area=Circle(LAT, LON, 150.0)),),
    curfews=(Curfew(id="c1", name="집", home=Circle(*PLANE.to_latlon(-600, 0), 80.0), rows=ALWAYS),),
)
ORDERS = {"w1": ORDER}
HOME = -600.0


def fix(n, x=None, y=0.0, *, s, **more):
    lat, lon = (None, None) if x is None else PLANE.to_latlon(x, y)
    fields = {
        "id": n, "wearer": "w1", "device": "d1", "observed_at": T0 + 1000 * s, "received_at": T0 + 10_000_000, "lat": lat,
        "lon": lon, "accuracy_m": 15.0, "source": Source.GNSS,
    }  # fmt: skip
    return Fix(**(fields | more))


def run(*batch, state=None, zones_only=True):
    orders = {"w1": msgspec.structs.replace(ORDER, curfews=())} if zones_only else ORDERS
    told, state = judge(batch, orders, state or RuleState(histories=Map()))
    return [(each.kind.value, each.change.value, each.certainty.value, each.how.value) for each in told], state


def numbered(*fixes):
    return [msgspec.structs.replace(each, id=n) for n, each in enumerate(fixes, 1)]


def standing(state):
    """What has been found out: every stretch of every condition, whatever it is called."""
    record = state.records["w1"]
    found = [(key, each) for key, each in record.episodes.items()]
    found += [(key, each) for key, past in record.past.items() for each in past]
    return sorted(
        (key[0].value, key[1] or "", each.certainty.value, each.first_at, each.latest_at, each.broken)
        for key, each in found
        if key[0] in arrears.AGAIN
    )


AWAY = [fix(0, 500.0, s=60 * n) for n in range(6)]


def test_an_entry_during_a_gap_in_coverage_is_not_lost():
    """The device was without a network, and says the newest first (what trackers lose: traccar 4417)."""
    way = numbered(*AWAY, fix(0, 500.0, s=900), fix(0, 0.0, s=700), fix(0, 0.0, s=640), fix(0, 300.0, s=760))
    told, state = run(*way)
    assert ("exclusion_zone", "risen", "certain", "late") in told
    assert state.records["w1"].anchor.id == 7, "the newest stays the newest"
    assert told[-1][1] != "retracted"


def test_one_that_should_not_have_rung_is_retracted_by_name_and_stays():
    """Two wild positions, and between them the truth, which came late."""
    way = numbered(*AWAY, fix(0, 0.0, s=360), fix(0, 0.0, s=420))
    told, state = run(*way)
    assert told[-1][1:3] in [("risen", "certain"), ("raised", "certain")]
    truth = [fix(50 + n, 500.0, s=361 + 5 * n) for n in range(11)]
    later, state = run(*truth, state=state)
    assert ("exclusion_zone", "amended", "maybe", "late") in later
    assert {each[1] for each in later} <= {"amended", "retracted", "returned", "repeated", "risen"}


def test_the_episode_keeps_its_name():
    way = numbered(*AWAY, fix(0, 0.0, s=480), fix(0, 0.0, s=540))
    first, state = judge(way, ORDERS, RuleState(histories=Map()))
    name = next(each.episode for each in first if each.kind is AlarmKind.EXCLUSION_ZONE)
    told, state = judge([fix(99, 0.0, s=430)], ORDERS, state)
    assert state.records["w1"].episodes[AlarmKind.EXCLUSION_ZONE, "z1"].id == name
    assert all(each.change is not Change.RAISED for each in told if each.kind is AlarmKind.EXCLUSION_ZONE)
    assert state.records["w1"].episodes[AlarmKind.EXCLUSION_ZONE, "z1"].first_at == T0 + 430_000


def test_silence_that_was_none_is_retracted():
    """The clock struck, and then the device said what it had kept: the wearer was at home all the time."""
    home = [fix(0, HOME, s=60 * n) for n in range(10)]
    silent = msgspec.structs.replace(bell("w1", T0 + 1_800_000), id=11)
    told, state = run(*numbered(*home), silent, zones_only=False)
    assert told == [("curfew", "raised", "maybe", "silent")]
    kept = [fix(20 + n, HOME, s=600 + 60 * n) for n in range(21)]
    told, _ = run(*kept, state=state, zones_only=False)
    assert [each[1] for each in told] == ["retracted"]


def test_a_flag_in_a_late_fix_is_heard_and_never_taken_back():
    told, state = run(*numbered(*AWAY), fix(9, 500.0, s=130, said=Said.STRAP_CUT))
    assert told == [("strap_cut", "raised", "certain", "said")]
    told, _ = run(fix(10, 500.0, s=131), fix(11, 500.0, s=129), state=state)
    assert told == []


def test_after_a_person_ended_it_the_past_is_not_opened_again():
    way = numbered(*AWAY, fix(0, 0.0, s=360), fix(0, 0.0, s=420))
    first, state = judge(way, {"w1": ORDER}, RuleState(histories=Map()))
    for each in {one.episode for one in first}:
        state = end(state, "w1", each, 8)
    told, _ = judge([fix(20, 500.0, s=480), fix(21, 0.0, s=365)], {"w1": ORDER}, state)
    assert [each for each in told if each.change in (Change.RETRACTED, Change.AMENDED)] == []


def test_later_than_all_that_is_kept_it_is_judged_as_a_point():
    way = numbered(*(fix(0, 500.0, s=60 * n) for n in range(100)))
    _, state = run(*way)
    history = state.histories["w1"]
    assert arrears.KEPT_MIN <= len(history.fixes) < 2 * arrears.KEPT_MIN
    told, _ = run(fix(200, 0.0, s=30), state=state)
    assert told == [("exclusion_zone", "raised", "maybe", "inside")]


def test_one_history_is_as_long_as_it_may_be_after_many_late_fixes():
    seconds = [0, 3000, *range(60, 2900, 30)]
    _, state = run(*numbered(*(fix(0, 500.0, s=each) for each in seconds)))
    assert len(state.histories["w1"].fixes) < 2 * arrears.KEPT_MIN


steps = st.builds(
    dict,
    x=st.one_of(st.none(), st.floats(-900, 700), st.floats(-200, 200)),
    y=st.floats(-250, 250),
    s=st.integers(0, 1_500),
    accuracy_m=st.one_of(st.none(), st.floats(0, 400)),
    source=st.sampled_from(Source),
    marks=st.sampled_from([Mark.NOTHING] * 4 + [Mark.MOCK, Mark.UNPROVEN, Mark.FEW_SATELLITES]),
    speed_mps=st.one_of(st.none(), st.floats(0, 60)),
)
ways = st.lists(steps, min_size=1, max_size=arrears.KEPT_MIN - 1, unique_by=lambda each: each["s"]).map(
    lambda some: [fix(n, each.pop("x"), each.pop("y"), **each) for n, each in enumerate(some, 1)]
)


@settings(max_examples=300)
@given(ways, st.randoms(use_true_random=False))
@example([fix(1, 0.0, s=10), fix(2, 0.0, s=20), fix(3, 500.0, s=30)], None)
def test_the_order_of_arrival_does_not_change_the_final_verdicts(way, dice):
    as_it_was = sorted(way, key=lambda each: each.observed_at)
    shuffled = list(way)
    if dice:
        dice.shuffle(shuffled)
    else:
        shuffled.reverse()
    _, one = judge(numbered(*as_it_was), ORDERS, RuleState(histories=Map()))
    _, other = judge(numbered(*shuffled), ORDERS, RuleState(histories=Map()))
    assert standing(one) == standing(other)


@settings(max_examples=200)
@given(ways, st.randoms(use_true_random=False))
def test_what_was_told_adds_up_to_what_stands(way, dice):
    """Whoever has only heard the transitions knows what is broken, how certainly, and what was no breach."""
    dice.shuffle(way)
    told, state = judge(numbered(*way), ORDERS, RuleState(histories=Map()))
    heard = {}
    for each in told:
        if each.kind not in arrears.AGAIN:
            continue
        if each.change is Change.RETRACTED:
            del heard[each.episode]
            continue
        assert (each.change is Change.RAISED) == (each.episode not in heard)
        heard[each.episode] = each.certainty
    record = state.records["w1"]
    stands = {each.id: each.certainty for key, each in record.episodes.items() if key[0] in arrears.AGAIN}
    stands |= {one.id: one.certainty for key, past in record.past.items() if key[0] in arrears.AGAIN for one in past}
    assert heard == stands


@pytest.mark.parametrize("cut", [1, 3, 5])
def test_however_it_is_cut_into_batches(cut):
    way = numbered(*AWAY, fix(0, 0.0, s=360), fix(0, 0.0, s=420), fix(0, 500.0, s=390), fix(0, 500.0, s=395))
    whole, at_once = judge(way, ORDERS, RuleState(histories=Map()))
    first, state = judge(way[:cut], ORDERS, RuleState(histories=Map()))
    second, state = judge(way[cut:], ORDERS, state)
    assert msgspec.msgpack.encode(whole) == msgspec.msgpack.encode(first + second)
    assert state == at_once


def test_judged_again_after_a_crash_with_the_ends_known_it_is_the_same():
    """An ending that comes later in the journal makes no difference before it."""
    first = numbered(*AWAY, fix(0, 0.0, s=480), fix(0, 0.0, s=540), fix(0, 0.0, s=500), fix(0, 500.0, s=510))
    then = [msgspec.structs.replace(each, id=20 + n) for n, each in enumerate((*AWAY, fix(0, 0.0, s=900), fix(0, 0.0, s=960), fix(0, 0.0, s=950)))]  # fmt: skip
    told, state = judge(first, ORDERS, RuleState(histories=Map()))
    names = {each.episode for each in told}
    for name in names:
        state = end(state, "w1", name, first[-1].id)
    more, state = judge(then, ORDERS, state)
    known = RuleState(histories=Map())
    for name in names:
        known = end(known, "w1", name, first[-1].id)
    again, other = judge([*first, *then], ORDERS, known)
    assert list(again) == [*told, *more]
    assert other == state
