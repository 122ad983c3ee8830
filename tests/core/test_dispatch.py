"""Who goes: the nearest free unit whose position is known, and in which order a unit reports."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from minds import LAT, LON, T0, ll

from safetynet.core.dispatch import BUSY, FOLLOWS, POSITION_MS_MAX, UNANSWERED, Unit, recommend, standing
from safetynet.core.jurisdictions import Answer, Finding, Kind, Office
from safetynet.core.terms import Standing, UnitState


def unit(id, x, *, age_ms=0, **more):
    lat, lon = ll(x)
    return Unit(unit=id, kind="office", lat=lat, lon=lon, seen_at=T0 - age_ms, **more)


NEAR, FAR = unit("near", 300), unit("far", 3_000)


@pytest.mark.parametrize(
    ("units", "busy", "order"),
    [
        ([FAR, NEAR], set(), ["near", "far"]),
        ([FAR, NEAR], {"near"}, ["far"]),
        ([], set(), []),
        ([NEAR, replace(FAR, speed_mps=100.0)], set(), ["far", "near"]),
        ([unit("near", 300, age_ms=POSITION_MS_MAX + 1), FAR], set(), ["far", "near"]),
        ([unit("near", 300, age_ms=POSITION_MS_MAX), FAR], set(), ["near", "far"]),
        ([unit("b", 300), unit("a", 300)], set(), ["a", "b"]),
    ],
)
def test_who_would_be_there_first(units, busy, order):
    found = recommend(tuple(units), LAT, LON, frozenset(busy), T0)
    assert [each.unit for each in found] == order


def test_a_recommendation_says_how_far_how_long_and_what_speaks_against_it():
    (found,) = recommend((unit("u", 800, age_ms=60_000, speed_mps=16.0),), LAT, LON, frozenset(), T0)
    assert found.distance_m == pytest.approx(800, rel=0.01)
    assert found.arrives_s == pytest.approx(50, rel=0.01)
    assert found.shortfall == "position_old"


def test_every_state_says_what_may_follow_and_ends():
    assert set(FOLLOWS) == set(UnitState)
    assert FOLLOWS[UnitState.RELEASED] == FOLLOWS[UnitState.DECLINED] == frozenset()
    for state in UNANSWERED | BUSY:
        assert UnitState.RELEASED in FOLLOWS[state], "every order in hand can be called off"


@given(st.lists(st.sampled_from(list(UnitState)), max_size=20))
def test_no_history_of_reports_goes_backwards(reports):
    rank = [UnitState.ORDERED, UnitState.RECEIVED, UnitState.ACCEPTED, UnitState.EN_ROUTE, UnitState.ON_SCENE]
    now = UnitState.ORDERED
    for said in reports:
        if said in FOLLOWS[now]:
            if said in rank:
                assert rank.index(said) > rank.index(now)
            now = said


# --- whose district it is ------------------------------------------------------------------------------------------

OWN, NEXT = (Office(id=each, kind=Kind.PROBATION, name=each, serves=()) for each in ("own", "next"))
COMPETENT = Answer(kind=Kind.PROBATION, finding=Finding.COMPETENT, office=OWN)
BORDER = Answer(kind=Kind.PROBATION, finding=Finding.BORDER, candidates=(OWN, NEXT))
SEA = Answer(kind=Kind.PROBATION, finding=Finding.NO_AREA, candidates=(OWN,))
OURS, THEIRS = unit("ours", 3_000, office="own"), unit("theirs", 300, office="next")


@pytest.mark.parametrize(
    ("sent", "units", "busy", "district", "said"),
    [
        ("ours", (OURS, THEIRS), (), COMPETENT, Standing.COMPETENT),
        ("theirs", (OURS, THEIRS), (), COMPETENT, Standing.NEARER),
        ("theirs", (OURS, THEIRS), ("ours",), COMPETENT, Standing.COMPETENT_BUSY),
        ("theirs", (THEIRS,), (), COMPETENT, Standing.COMPETENT_WITHOUT_UNIT),
        ("theirs", (replace(OURS, lat=LAT, lon=LON), THEIRS), (), COMPETENT, Standing.CHOSEN),
        ("theirs", (OURS, THEIRS), (), BORDER, Standing.BORDER),
        ("theirs", (OURS, THEIRS), (), SEA, Standing.UNKNOWN),
        ("ours", (OURS, THEIRS), (), SEA, Standing.UNKNOWN),
        ("ours", (OURS, THEIRS), (), None, Standing.UNKNOWN),
        ("near", (NEAR, OURS), (), COMPETENT, Standing.UNKNOWN),  # nobody said whose it is
    ],
)
def test_an_order_says_whose_district_it_is_and_why_another_is_sent(sent, units, busy, district, said):
    found = recommend(units, LAT, LON, frozenset(busy), T0)
    assert standing(sent, units, found, district) is said
