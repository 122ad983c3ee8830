"""Shared sets of forbidden places: judged like an order's own, found by place, and by editions that begin at an instant."""

import sys
import time
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from test_rules import LAT, LON, ORDER, PLANE, T0, fix

from safetynet.app import standing
from safetynet.core import fixes, geo, reasons, rules
from safetynet.core.orders import Circle, Order, Polygon, Zone
from safetynet.core.rules import RuleState, judge
from safetynet.core.terms import AlarmKind, Source, WearerClass
from safetynet.core.verdicts import Change
from safetynet.core.zonesets import Shared

OWN = ORDER.zones
NAMED = msgspec.structs.replace(ORDER, zones=(), shared=("schools",))
FIRST = Shared(OWN, "schools", 1)
SETS = {"schools": FIRST}


def told(*batch, order=NAMED, sets=SETS, state=None):
    found, state = judge(batch, {"w1": order}, state or RuleState(), sets=sets)
    found = [each for each in found if each.kind is AlarmKind.EXCLUSION_ZONE]
    return [(each.kind.value, each.change.value, each.certainty.value, each.zone) for each in found], state


def raised(change, certainty="certain", id="schools/z1"):
    return ("exclusion_zone", change, certainty, id)


ways = st.lists(
    st.tuples(
        st.sampled_from([-700.0, -300.0, -160.0, -90.0, 0.0, 90.0, 300.0, 960.0, 1_100.0, 1_500.0, 6_000.0]),
        st.sampled_from([0.0, 60.0, 200.0]),
        st.sampled_from([10, 30, 60, 400]),
        st.sampled_from([5.0, 15.0, 80.0, 900.0]),
        st.sampled_from([Source.GNSS, Source.GNSS, Source.CELL]),
        st.sampled_from([None, 2.0, 20.0]),
    ),
    max_size=14,
)


@given(ways)
@settings(max_examples=150, deadline=None)
def test_a_shared_zone_is_judged_as_if_it_stood_in_the_order(way):
    """Any way about two zones: only the names differ."""
    s, batch = 0, []
    for n, (x, y, gap_s, accuracy, source, speed) in enumerate(way, 1):
        s += gap_s
        batch.append(fix(n, x, y, s=s, received_at=T0 + 1_000 * s, accuracy_m=accuracy, source=source, speed_mps=speed))
    own, mine = judge(batch, {"w1": ORDER}, RuleState())
    shared, ours = judge(batch, {"w1": NAMED}, RuleState(), sets=SETS)
    own = [each for each in own if each.kind is AlarmKind.EXCLUSION_ZONE]
    shared = [each for each in shared if each.kind is AlarmKind.EXCLUSION_ZONE]
    assert [(each.change, each.certainty, f"schools/{each.zone}", each.how, each.off_m, each.fix) for each in own] == [
        (each.change, each.certainty, each.zone, each.how, each.off_m, each.fix) for each in shared
    ]
    near = {f"schools/{id}": each for id, each in mine.records["w1"].insides.items()} if batch else {}
    for id, belief in ours.records["w1"].insides.items() if batch else ():
        assert near[id] == belief


@pytest.mark.parametrize(
    ("order", "sets"),
    [
        (msgspec.structs.replace(NAMED, shared=()), SETS),
        (msgspec.structs.replace(NAMED, shared=("childcare",)), SETS),
        (NAMED, {}),
        (msgspec.structs.replace(NAMED, starts_at=T0 + 10_000_000), SETS),
    ],
)
def test_it_forbids_nothing_to_whose_order_does_not_name_it(order, sets):
    assert told(fix(1, 0), fix(2, 0), order=order, sets=sets)[0] == []


def test_a_zone_of_ones_own_and_one_of_a_set_under_one_name_are_two():
    far = Zone(id="z1", name="x", area=Circle(*PLANE.to_latlon(5_000.0, 0.0), 150.0))
    both = msgspec.structs.replace(NAMED, zones=(far,))
    found, state = told(fix(1, 0), fix(2, 5_000, s=400), order=both)
    assert [each for each in found if each[1] == "raised"] == [raised("raised"), raised("raised", "maybe", id="z1")]
    assert set(state.records["w1"].insides) == {"z1"}


# --- editions ------------------------------------------------------------------------------------------------------

WIDER = tuple(msgspec.structs.replace(each, area=Circle(LAT, LON, 400.0)) if each.id == "z1" else each for each in OWN)
SECOND = {"schools": Shared(WIDER, "schools", 2, OWN)}


def test_another_edition_counts_from_the_next_fix():
    _, state = told(fix(1, 300), fix(2, 300))
    found, state = told(fix(3, 300), fix(4, 300), sets=SECOND, state=state)
    assert found[-1] == raised("risen") or found == [raised("raised")]
    gone = {"schools": Shared([each for each in WIDER if each.id != "z1"], "schools", 3, WIDER)}
    found, state = told(fix(5, 300), sets=gone, state=state)
    assert found == [raised("returned")], "a person still ends the alarm"


def test_no_way_that_began_under_another_edition_is_held_against_a_zone_that_this_one_drew():
    way = [fix(1, -420, 380, s=0), fix(2, 420, 380, s=60)]
    _, state = told(way[0])
    assert told(way[1], state=state, sets=SECOND)[0] == [], "the way began when it led past the zone"
    _, state = told(fix(1, -420, 0, s=0, speed_mps=20))
    _, under = told(fix(2, -430, 0, s=10, speed_mps=20), sets=SECOND, state=state)
    # what an edition left as it was goes on: the way through it counts
    same = {"schools": Shared(OWN, "schools", 2, OWN)}
    _, state = told(fix(1, -420, 0, s=0))
    found, _ = told(fix(2, 420, 0, s=60), sets=same, state=state)
    assert found[0] == raised("raised", "maybe")
    assert dict(under.records["w1"].editions) == {"schools": 2}


def test_who_was_silent_over_two_editions_is_held_by_none_of_their_zones_for_that_way():
    third = {"schools": Shared(OWN, "schools", 3, OWN)}
    _, state = told(fix(1, -420, 0, s=0))
    assert told(fix(2, 420, 0, s=60), sets=third, state=state)[0] == []


def test_the_record_is_kept_and_read_as_it_was():
    _, state = told(fix(1, -420, 0, s=0), fix(2, 0, 0, s=60))
    state = judge((fix(3, 0, 0, s=120),), {"w1": NAMED}, rules.begun(), sets=SECOND)[1]
    kept = standing.kept(standing.keep(state, "w1", (), ()))
    again = standing.record(kept.record, lambda _: NAMED, SECOND)
    assert again == state.records["w1"]
    assert standing.history(kept.history, lambda _: NAMED, SECOND) == state.histories["w1"]
    behind = standing.record(kept.record, lambda _: NAMED, SETS)
    assert (behind.shared, dict(behind.editions)) == ((), {"schools": 2}), "another edition is met with the next fix"


def test_a_late_word_is_judged_with_the_set():
    way = [fix(1, 500, s=0), fix(2, 500, s=60), fix(4, 500, s=240), fix(5, 0, s=120, received_at=T0 + 300_000), fix(6, 0, s=150, received_at=T0 + 301_000)]  # fmt: skip
    found, _ = judge(way, {"w1": NAMED}, rules.begun(), sets=SETS)
    assert {each.zone for each in found} == {"schools/z1"}
    assert any(each.change is Change.RAISED and each.how.value == "late" for each in found)


def test_why_tells_the_distance_to_a_shared_zone():
    way = [fix(1, 500), fix(2, 0), fix(3, 0), fix(4, 0)]
    steps = list(reasons.steps(((each, {"w1": NAMED}) for each in way), RuleState(), sets=SETS))
    opened = next(each for step in steps for each in step.told)
    why = reasons.explain(steps, "w1", (AlarmKind.EXCLUSION_ZONE, "schools/z1"), opened.episode)
    assert [each.off_m for each in why.lines][:2] == [pytest.approx(350, abs=1), pytest.approx(-150, abs=1)]


# --- the whole country ---------------------------------------------------------------------------------------------


def country(n):
    for k in range(n):
        lat, lon = 34.5 + (k * 37 % 1009) / 290, 126.6 + (k * 71 % 997) / 400
        plane = geo.Plane(lat, lon)
        yield Zone(id=f"s{k}", name="학교", area=Polygon(tuple(plane.to_latlon(x, y) for x, y in ((-80, -60), (90, -50), (70, 80), (-60, 70)))))  # fmt: skip


def test_a_national_set_costs_a_wearer_a_few_places_and_no_grounds_of_their_own():
    sets = {"schools": Shared(country(4_000), "schools", 1)}
    orders = {
        f"w{n}": Order(wearer=f"w{n}", wearer_class=WearerClass.ORDER, version=1, shared=("schools",))
        for n in range(50)
    }
    batch = [
        msgspec.structs.replace(fix(1 + n + 50 * k, 300.0 * k, 40.0 * n, s=60 * k), wearer=f"w{n}")
        for k in range(20)
        for n in range(50)
    ]
    begun = time.process_time()
    _, state = judge(batch, orders, RuleState(), sets=sets)
    spent = time.process_time() - begun
    assert spent / len(batch) < 0.005, "a fix is judged in milliseconds, slow machine or not"
    assert all(record.places == () and record.shared == (sets["schools"],) for record in state.records.values())
    assert max(len(record.insides) for record in state.records.values()) <= 12


@pytest.mark.parametrize("accuracy", [fixes.USABLE_RADIUS_M_MAX + 1, 80_000.0])
def test_a_vague_word_does_not_make_the_centre_look_at_the_whole_country(accuracy):
    sets = {"schools": Shared(country(4_000), "schools", 1)}
    begun = time.process_time()
    found, state = told(*(fix(n, 0, accuracy_m=accuracy) for n in range(1, 200)), sets=sets)
    assert time.process_time() - begun < 2.0
    assert found == []
    assert not state.records["w1"].insides
