"""The kernel against the rules: the same transitions, and the same state, whatever happens in whatever pieces."""

import math
import random
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from immutables import Map

from safetynet.app.bells import bell
from safetynet.core import geo, homes, rules, zones
from safetynet.core.fixes import Fix, Mark, Said
from safetynet.core.grounds import ground, off_m
from safetynet.core.orders import Absence, Circle, Curfew, Leave, Order, Polygon, Protected, Row, Zone
from safetynet.core.rules import RuleState
from safetynet.core.terms import Source, WearerClass
from safetynet.core.thresholds import STANDARD
from safetynet.core.zonesets import Shared
from safetynet.edge import compiled

compiled.prepare()
from safetynet.core.kernel import layout, maths, packing  # noqa: E402
from safetynet.core.kernel.packing import Packed  # noqa: E402
from safetynet.core.kernel.rows import outlined  # noqa: E402

LAT, LON = 36.35, 127.38
PLANE = geo.Plane(LAT, LON)
T0 = 1_763_992_800_000
"""23:00 in Seoul: a curfew begins within the hour."""
SPOTS = ((0.0, 0.0), (150.0, 0.0), (420.0, 60.0), (900.0, -300.0), (1_250.0, 200.0), (0.0, -1_600.0), (30_000.0, 0.0))
NIGHT = (Row(days=(0, 1, 2, 3, 4, 5, 6), start_min=23 * 60 + 20, end_min=300),)


def around(x, y, r, corners=7):
    turns = [2 * math.pi * n / corners for n in range(corners)]
    return tuple(PLANE.to_latlon(x + r * math.cos(t), y + r * math.sin(t)) for t in turns)


SHARED = tuple(Zone(id=f"school{n}", name="학교", area=Polygon(around(600.0 * n, 100.0, 120.0))) for n in range(-2, 6))


def order(wearer, *, curfew=True, protected=(), shared=True, version=1, **more):
    zones = (
        Zone(id="round", name="집 앞", area=Circle(*PLANE.to_latlon(450.0, 0.0), 150.0)),
        Zone(id="park", name="공원", area=Polygon(around(1_100.0, 150.0, 260.0))),
    )
    home = Curfew(id="c", name="집", home=Circle(LAT, LON, 60.0), rows=NIGHT)
    return Order(
        wearer=wearer,
        wearer_class=WearerClass.ORDER,
        version=version,
        zones=(*zones, *(SHARED if shared else ())),
        curfews=(home,) if curfew else (),
        protected=tuple(Protected(id=each) for each in protected),
        **more,
    )


ORDERS = {
    "w1": order("w1"),
    "w2": order("w2", curfew=False, protected=("p1",)),
    "w3": order(
        "w3", shared=False, protected=("p1", "p2"), absences=(Absence(id="a", starts_at=T0, ends_at=T0 + 5_000_000),)
    ),
    "w4": order("w4", starts_at=T0 + 600_000, ends_at=T0 + 4_000_000),
    # A yard within a forbidden block: only the rules know holes. And the same hours by another clock.
    "w5": msgspec.structs.replace(
        order("w5", curfew=False, shared=False),
        zones=(Zone(id="block", name="구역", area=Polygon(around(500.0, 0.0, 420.0), (around(450.0, 0.0, 200.0),))),),
    ),
    "w6": msgspec.structs.replace(
        order("w6"),
        curfews=(
            Curfew(id="c", name="집", home=Circle(LAT, LON, 60.0), rows=NIGHT),
            Curfew(id="k", name="집", home=Circle(LAT, LON, 60.0), rows=NIGHT, zone="Europe/Paris"),
        ),
    ),
}


def history(dice, length):
    """People who walk, jump, fall silent and are late, with everything a device may say now and then."""
    at = dict.fromkeys((*ORDERS, "p1", "p2"), T0)
    where = {each: dice.choice(SPOTS[:5]) for each in at}
    for n in range(1, length + 1):
        who = dice.choice(sorted(at))
        at[who] += dice.choice((10_000, 30_000, 60_000, 60_000, 60_000, 200_000, 400_000, 2_000_000))
        x, y = where[who]
        step = dice.choice((0.0, 5.0, 40.0, 80.0, 200.0))
        if dice.random() < 0.06:
            x, y = dice.choice(SPOTS)
        where[who] = x, y = x + dice.gauss(0, step), y + dice.gauss(0, step)
        if who.startswith("w") and dice.random() < 0.03:
            yield msgspec.structs.replace(bell(who, at[who]), id=n), None
            continue
        rare = dice.random() < 0.08
        lat, lon = PLANE.to_latlon(x, y)
        seen = at[who] - (dice.choice((0, 90_000, 3_600_000)) if rare else 0)
        yield (
            Fix(
                id=n,
                wearer=who,
                device=dice.choice(("d", "e")) if rare else "d",
                observed_at=seen,
                received_at=max(seen, at[who]) + 400,
                lat=None if rare and dice.random() < 0.3 else lat,
                lon=None,
                accuracy_m=dice.choice((None, 4.0, 15.0, 40.0, 150.0, 900.0, 4_000.0)),
                source=dice.choice((Source.GNSS, Source.GNSS, Source.GNSS, Source.WIFI, Source.CELL)),
                speed_mps=dice.choice((None, 0.0, 1.3, 14.0)),
                battery_percent=dice.choice((None, None, 80.0, 25.0)) if dice.random() < 0.95 else 12.0,
                said=dice.choice(
                    (Said.NOTHING, Said.STRAP_CUT, Said.SOS, Said.LOW_BATTERY, Said.JAMMING, Said.SEPARATION)
                )
                if rare
                else Said.NOTHING,
                marks=dice.choice((Mark.NOTHING, Mark.MOCK, Mark.UNPROVEN, Mark.APPROXIMATE)) if rare else Mark.NOTHING,
                protected=who.startswith("p"),
            ),
            lon,
        )


def fixes(dice, length):
    for fix, lon in history(dice, length):
        yield fix if fix.lat is None else msgspec.structs.replace(fix, lon=lon)


def states(packed, state):
    assert dict(packed.records.items()) == dict(state.records.items())
    assert dict(packed.guarded.items()) == dict(state.guarded.items())
    assert packed.endings == state.endings
    assert packed.suspects == state.suspects
    assert packed.histories == state.histories


def play(seed, length, *, pieces, remembering=False, adopted=0):
    """The same history through both, in pieces of any size, with orders that change and alarms that people end."""
    dice, stills = random.Random(seed), []
    orders, state, packed, revision, told = dict(ORDERS), RuleState(), Packed(SHARED), 0, 0
    if remembering:
        state, packed = rules.begun(), Packed(SHARED, remembering=True)
    way = list(fixes(dice, length))
    if adopted:
        before, way = way[:adopted], way[adopted:]
        said, state = rules.judge(before, orders, state)
        for each in said[:2]:
            state = rules.end(state, each.wearer, each.episode, before[-1].id)
        packed.adopt(state, orders, revision)
        states(packed, state)
    while way:
        piece, way = way[: (cut := dice.randint(1, pieces))], way[cut:]
        alone, state = rules.judge(piece, orders, state)
        assert packed.judge(piece, orders, revision) == alone
        told += len(alone)
        if alone and dice.random() < 0.3:
            one = dice.choice(alone)
            state = rules.end(state, one.wearer, one.episode, piece[-1].id)
            packed.end(one.wearer, one.episode, piece[-1].id)
        if dice.random() < 0.05:
            who, revision = dice.choice(sorted(ORDERS)), revision + 1
            if who in orders and dice.random() < 0.3:
                del orders[who]
            else:
                said = order(
                    who, version=revision + 1, curfew=dice.random() < 0.5, protected=dice.choice(((), ("p1",), ("p2",)))
                )
                orders[who] = said
        if dice.random() < 0.1:
            states(packed, state)
        if dice.random() < 0.1:
            stills.append((packed.still(), state))
    states(packed, state)
    for still, then in stills:
        states(still, then if remembering else replace(then, histories=Map()))
    return told


@given(st.integers(0, 2**32), st.integers(1, 40))
@settings(deadline=None, max_examples=60)
def test_the_kernel_says_what_the_rules_say(seed, pieces):
    play(seed, 400, pieces=pieces)


@given(st.integers(0, 2**32), st.integers(1, 60), st.sampled_from((0, 0, 130)))
@settings(deadline=None, max_examples=60)
def test_with_histories_late_fixes_are_put_where_the_rules_put_them(seed, pieces, adopted):
    play(seed, 400, pieces=pieces, remembering=True, adopted=adopted)


def test_much_of_it_happens_in_such_a_history():
    assert sum(play(seed, 600, pieces=20) for seed in range(3)) > 100


def test_what_is_ordinary_never_reaches_the_rules(monkeypatch):
    """Somebody at home, somebody who stays in a zone, a pair that stays apart: heard by the rules at first, then no more."""
    packed, heard = Packed(SHARED), []
    orders = {each: ORDERS[each] for each in ("w1", "w3", "w4")} | {"w3": order("w3", protected=("p1",))}
    monkeypatch.setattr(
        packing.rules, "judge", lambda batch, *rest, **more: heard.extend(batch) or rules_judge(batch, *rest, **more)
    )
    at = {"w1": (0.0, 0.0), "w4": (450.0, 0.0), "w3": (0.0, 30.0), "p1": (5_000.0, 0.0)}
    for n in range(60):
        lines = []
        for k, (who, (x, y)) in enumerate(at.items()):
            lat, lon = PLANE.to_latlon(x + n % 3, y)
            lines.append(
                Fix(id=4 * n + k + 1, wearer=who, device="d", observed_at=T0 + 60_000 * n, received_at=T0 + 60_000 * n + 9,
                    lat=lat, lon=lon, accuracy_m=10.0, source=Source.GNSS, protected=who == "p1")
            )  # fmt: skip
        packed.judge(lines, orders, 0)
    assert len(heard) < 40, "of 240"
    assert not [each for each in heard if each.id > 4 * 45]


rules_judge = rules.judge


def test_an_order_that_says_more_than_the_kernel_knows_is_judged_by_the_rules(monkeypatch):
    packed = Packed()
    monkeypatch.setattr(packing, "FOLLOWS", "another")
    heard = []
    monkeypatch.setattr(
        packing.rules, "judge", lambda batch, *rest, **more: heard.extend(batch) or rules_judge(batch, *rest, **more)
    )
    for n in range(20):
        packed.judge(
            [Fix(id=n + 1, wearer="w1", device="d", observed_at=T0 + 60_000 * n, received_at=T0 + 60_000 * n, lat=LAT, lon=LON,
                 accuracy_m=10.0, source=Source.GNSS)],
            ORDERS, 0,
        )  # fmt: skip
    assert len(heard) == 20


def test_the_kernel_follows_the_rules_as_they_are():
    assert rules.RULES_VERSION == packing.FOLLOWS, (
        "the rules have changed: bring core/kernel after them, then its FOLLOWS"
    )


@given(st.floats(33.0, 39.0), st.floats(124.0, 132.0), st.floats(-3_000, 3_000), st.floats(-3_000, 3_000))
def test_places_are_the_same_to_the_bit(lat, lon, x, y):
    plane = geo.Plane(lat, lon)
    there = plane.to_latlon(x, y)
    place = ground("z", Circle(lat, lon, 100.0)) if geo.in_korea(lat, lon) else None
    assert place is not None
    shape = np.zeros(1, layout.SHAPE)
    shape[0] = outlined(Packed()._edges, place)
    assert maths.to_xy(there.lat, there.lon, shape[0]) == plane.to_xy(there.lat, there.lon)


@pytest.mark.parametrize("off", [-500.0, -31.0, -8.1, -0.2, 0.0, 0.3, 9.0, 28.4, 77.0, 4_000.0])
@pytest.mark.parametrize("radius", [12.08, 15.0, 33.3, 180.0])
@pytest.mark.parametrize("odds", [None, -10.0, -6.0, -4.4, -3.0, -0.7, 2.0, 6.0])
def test_beliefs_are_the_same_to_the_bit(off, radius, odds):
    lat, lon = PLANE.to_latlon(60.0 + off, 0.0)
    place = ground("c", Circle(LAT, LON, 60.0))
    fix = Fix(
        id=1,
        wearer="w",
        device="d",
        observed_at=T0,
        received_at=T0,
        lat=lat,
        lon=lon,
        accuracy_m=radius,
        source=Source.GNSS,
    )
    away, then = off_m(place, place.plane.to_xy(lat, lon)), T0 - 47_000
    home = None if odds is None else homes.Belief(odds, then)
    assert (
        maths.home_odds(odds is not None, odds or 0.0, 47_000, away, radius)
        == homes.fold(home, place, fix, T0, STANDARD.home).odds
    )
    last = msgspec.structs.replace(fix, observed_at=then, received_at=then)
    zone = None if odds is None else zones.Belief(odds, then)
    mine = maths.zone_odds(odds is not None, odds or 0.0, 47_000, away, radius)
    assert mine == zones.fold(zone, last, fix, away, STANDARD.zone).odds


def test_whoever_is_under_a_shared_set_is_judged_by_the_rules_with_it():
    named = msgspec.structs.replace(order("w1", shared=False), zones=(), shared=("schools",))
    sets = {"schools": Shared(SHARED, "schools", 1)}
    packed, state = Packed(SHARED), rules.RuleState()
    packed.sets = sets
    lat, lon = PLANE.to_latlon(-1_200.0, 100.0)
    for n in range(8):
        piece = [Fix(id=n + 1, wearer="w1", device="d", observed_at=T0 + 60_000 * n, received_at=T0 + 60_000 * n, lat=lat,
                     lon=lon, accuracy_m=10.0, source=Source.GNSS)]  # fmt: skip
        told, state = rules.judge(piece, {"w1": named}, state, sets=sets)
        assert packed.judge(piece, {"w1": named}, 0) == told
    assert packed.records["w1"].episodes == state.records["w1"].episodes
    assert len(state.records["w1"].episodes) == 1


def test_a_strap_opened_by_permit_is_waited_for_by_the_rules_until_it_is_closed():
    free = Absence(id="a", starts_at=T0, ends_at=T0 + 5_000_000, leave=Leave.REMOVAL)
    orders = {"w1": order("w1", absences=(free,))}
    packed, state = Packed(SHARED), rules.RuleState()
    for n in range(12):
        said = Said.STRAP_CUT if n == 4 else Said.NOTHING
        piece = [Fix(id=n + 1, wearer="w1", device="d", observed_at=T0 + 60_000 * n, received_at=T0 + 60_000 * n, lat=LAT, lon=LON,
                     accuracy_m=10.0, source=Source.GNSS, said=said)]  # fmt: skip
        told, state = rules.judge(piece, orders, state)
        assert packed.judge(piece, orders, 0) == told
        for each in told:
            packed.end("w1", each.episode, n + 1)
            state = rules.end(state, "w1", each.episode, n + 1)
        assert packed.records["w1"].removed_at == state.records["w1"].removed_at
    assert state.records["w1"].removed_at == 0


def test_a_history_is_as_the_rules_keep_it_over_many_snapshots(monkeypatch):
    """One person in order, 200 fixes, in one batch and one by one; then some come late, and what was missed is raised."""
    heard, orders = [], {"w1": order("w1", curfew=False, shared=False)}
    way = []
    for n in range(200):
        lat, lon = PLANE.to_latlon(0.0, float(n % 3))
        at = T0 + 60_000 * n
        way.append(
            Fix(id=n + 1, wearer="w1", device="d", observed_at=at, received_at=at, lat=lat, lon=lon, accuracy_m=10.0,
                source=Source.GNSS)
        )  # fmt: skip
    lat, lon = PLANE.to_latlon(450.0, 0.0)
    late = [
        msgspec.structs.replace(
            way[-1], id=201 + n, lat=lat, lon=lon, observed_at=T0 + 60_000 * 195 + 20_000 + 4_000 * n
        )
        for n in range(6)
    ]
    alone, state = rules.judge([*way, *late], orders, rules.begun())
    monkeypatch.setattr(
        packing.rules, "judge", lambda batch, *rest, **more: heard.extend(batch) or rules_judge(batch, *rest, **more)
    )
    for pieces in ([way], [[each] for each in way]):
        packed, heard[:] = Packed(remembering=True), []
        said = [one for piece in [*pieces, late] for one in packed.judge(piece, orders, 0)]
        assert tuple(said) == alone
        states(packed, state)
    assert len(heard) < 20, "of 206"
    assert [each.change for each in alone if each.how.value == "late"], "the late one said something"
