import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safetynet.core import rules
from safetynet.core.fixes import Fix, Said
from safetynet.core.terms import Instant, UnitId
from safetynet.sim import provision, streets
from safetynet.sim.poles import CameraRow
from safetynet.sim.world import World

T0 = Instant(1_795_436_880_000)
WORLD = World()


def told(world, seconds):
    world.advance(T0)
    world.start("tamper", T0)
    return world.advance(Instant(T0 + seconds * 1000))


def test_the_same_seed_says_the_same():
    said = told(World(5), 60)
    assert said == told(World(5), 60)
    assert said != told(World(6), 60)


def test_in_small_steps_the_devices_say_the_same_as_in_one():
    one, many = World(5), World(5)
    both = []
    for world in (one, many):
        world.advance(T0)
        world.start("tamper", T0)
    for second in range(0, 60_001, 700):
        both += many.advance(Instant(T0 + second))
    both += many.advance(Instant(T0 + 60_000))
    key = lambda report: (report.observed_at, report.device)  # noqa: E731
    assert sorted(both, key=key) == one.advance(Instant(T0 + 60_000))


def test_it_is_large_enough_and_says_what_it_knows():
    cameras = WORLD.cameras()
    assert len(cameras) >= 200
    assert len({each.id for each in cameras}) == len(cameras)
    assert {each.city for each in cameras} == {streets.GARAM, streets.NARAE}
    assert 0.10 < sum(each.ptz for each in cameras) / len(cameras) < 0.20
    assert 0.62 < sum(each.known for each in cameras) / len(cameras) < 0.78
    for each in cameras:
        assert 4.5 <= each.height_m <= 6.0
    poles = {}
    for each in cameras:
        poles.setdefault(each.pole, []).append(each)
    assert all(1 <= len(lenses) <= 4 for lenses in poles.values())
    rows = WORLD.registry(streets.GARAM)
    assert all(isinstance(each, CameraRow) for each in rows)
    assert any(each.azimuth_deg is None for each in rows)


def test_nobody_could_be_real():
    wearers = WORLD.wearers()
    assert len(wearers) >= 40
    assert wearers[0].name == "박예시"
    assert wearers[0].case_no == "가상-2026-0147"
    assert len({each.name for each in wearers}) == len(wearers)
    assert all(each.phone.startswith("010-0000-") and each.case_no.startswith("가상-") for each in wearers)
    assert WORLD.zones()


@pytest.mark.parametrize("seed", [7, 20261123])
def test_nobody_in_a_story_lives_where_he_is_forbidden_to_be(seed):
    world = WORLD if seed == WORLD.seed else World(seed)
    for each in world.wearers()[:3]:
        for zone in each.zones:
            gap = math.dist(
                world.streets.plane.to_xy(each.lat, each.lon), world.streets.plane.to_xy(zone.lat, zone.lon)
            )
            assert gap > zone.radius_m + 30.0, each.id


def test_cameras_hang_over_pavement_and_not_in_houses():
    for each in WORLD.cameras():
        near = WORLD.streets.buildings_near(each.x, each.y, 5.0)
        assert not any(streets.inside(each.x, each.y, WORLD.streets.buildings[k].corners) for k in near), each.id


@given(st.integers(0, 47), st.integers(0, 6 * 3600))
def test_wearers_go_no_faster_than_people(number, second):
    wearer = WORLD.wearers()[number].id
    a = WORLD.position(wearer, Instant(T0 + second * 1000))
    b = WORLD.position(wearer, Instant(T0 + second * 1000 + 1000))
    if not a.indoors and not b.indoors:
        assert math.dist((a.x, a.y), (b.x, b.y)) < 3.5


def test_most_wearers_are_at_home():
    there = [WORLD.position(each.id, T0).indoors for each in WORLD.wearers()]
    assert sum(there) > len(there) / 2


@pytest.mark.parametrize(("border_m", "pace", "low", "high"), [(150.0, 3.0, 48, 62), (75.0, 4.0, 15, 25)])
def test_the_flight_reaches_the_border_in_time(border_m, pace, low, high):
    world = World(border_m=border_m, pace_mps=pace)
    world.advance(T0)
    story = world.start("tamper", T0)
    where = [world.position(story.wearer, Instant(T0 + s * 1000)) for s in range(120)]
    cities = [world.streets.city_at(each.x, each.y) for each in where]
    assert cities[0] == streets.GARAM
    crossed = cities.index(streets.NARAE)
    assert low <= crossed <= high
    assert set(cities[crossed:]) == {streets.NARAE}
    reports = [r for r in world.advance(Instant(T0 + 120_000)) if r.device == world.wearers()[0].device]
    first = next(r for r in reports if r.alarm)
    assert first.alarm == "removing"
    assert first.observed_at == T0 + 3_000
    after = [r.observed_at for r in reports if r.observed_at >= T0 + 3_000]
    assert all(2_000 <= b - a <= 5_000 for a, b in itertools.pairwise(after))


def test_the_border_is_crossed_on_a_bridge_and_never_through_water_or_walls():
    world = World()
    story = world.start("tamper", T0)
    for second in range(0, 300, 4):
        p = world.position(story.wearer, Instant(T0 + second * 1000))
        gaps = []
        for road in world.streets.roads:
            a, b = world.streets.nodes[road.a], world.streets.nodes[road.b]
            share = min(1.0, max(0.0, float(((p.x, p.y) - a) @ (b - a)) / road.length_m**2))
            gaps.append(math.dist((p.x, p.y), a + (b - a) * share) - road.width_m / 2)
        assert min(gaps) < 5.0, second


def test_the_zone_is_entered_and_left():
    world = World()
    world.advance(T0)
    story = world.start("zone", T0)
    zone = next(each for each in world.zones() if each.wearer == story.wearer)
    x, y = world.streets.plane.to_xy(zone.lat, zone.lon)
    inside = []
    for second in range(int(story.length_s)):
        p = world.position(story.wearer, Instant(T0 + second * 1000))
        inside.append(math.dist((p.x, p.y), (x, y)) < zone.radius_m)
    assert not inside[0]
    assert sum(inside) > 100
    assert not inside[-1]
    assert not any(report.alarm for report in world.advance(Instant(T0 + 200_000)))


def test_drift_leaves_the_wearer_at_home_and_says_how_unsure_it_is():
    world = World()
    world.advance(T0)
    story = world.start("drift", T0)
    device = next(each.device for each in world.wearers() if each.id == story.wearer)
    zone = next(each for each in world.zones() if each.wearer == story.wearer)
    middle = world.streets.plane.to_xy(zone.lat, zone.lon)
    reports = [r for r in world.advance(Instant(T0 + 150_000)) if r.device == device]
    wild = [r for r in reports if math.dist(world.streets.plane.to_xy(r.lat, r.lon), middle) < zone.radius_m]
    assert 1 <= len(wild) <= 5
    assert all(r.radius_m >= 100 for r in wild)
    assert all(world.position(story.wearer, Instant(T0 + s * 1000)).indoors for s in range(0, 150, 10))
    assert not any(r.alarm for r in reports)


def test_a_story_that_does_not_exist_is_refused():
    with pytest.raises(KeyError):
        WORLD.start("nobody", T0)


def test_a_unit_arrives_by_road():
    world = World()
    unit = world.units()[0]
    goal = world.wearers()[0]
    eta_s = world.send_unit(unit.id, goal.lat, goal.lon, T0)
    assert 10 < eta_s < 600
    x, y, _ = world.unit_at(unit.id, Instant(T0 + round(eta_s * 1000) + 1000))
    assert math.dist((x, y), world.streets.plane.to_xy(goal.lat, goal.lon)) < 1
    with pytest.raises(KeyError):
        world.send_unit(UnitId("u-none"), goal.lat, goal.lon, T0)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 6 * 3600 * 1000))
def test_where_somebody_is_depends_on_the_instant_alone(ms):
    at = Instant(T0 + ms)
    first = WORLD.people_near(0, 0, 300, at)
    WORLD.people_near(0, 0, 300, Instant(at + 12_345))
    assert np.array_equal(first, WORLD.people_near(0, 0, 300, at))


def test_real_poles_give_the_same_doors():
    plane = WORLD.streets.plane
    rows = [
        CameraRow(id=f"real-{i}-{j}", city=streets.GARAM, pole=f"p-{i}-{j}", name="", lat=lat, lon=lon, range_m=60.0,
                  azimuth_deg=None, view_deg=None, ptz=False, purpose="생활방범")
        for i in range(14) for j in range(9) for lat, lon in [plane.to_latlon(95.0 * i + 6 * (j % 2), 88.0 * j)]
    ]  # fmt: skip
    world = World(registered=rows)
    assert {each.id for each in rows} <= {each.id for each in world.cameras()}
    assert world.registry(streets.NARAE)
    assert len(world.wearers()) >= 40
    story = world.start("tamper", T0)
    cities = [world.streets.city_at(*_xy(world, story.wearer, s)) for s in (0, 120)]
    assert cities == [streets.GARAM, streets.NARAE]


def _xy(world, wearer, second):
    where = world.position(wearer, Instant(T0 + second * 1000))
    return where.x, where.y


def test_each_story_rings_about_when_it_says():
    world = World()
    orders = {each.id: provision.record(each).order for each in world.wearers()}
    whose = {each.device: (each.id, False) for each in world.wearers()}
    whose |= {each.device: (each.id, True) for each in world.protected()}
    world.advance(T0)
    told = {world.start(each.name, T0).wearer: each for each in world.stories()}
    first, state = {}, rules.RuleState()
    for second in range(1, 241):
        fixes = [
            Fix(id=second, wearer=whose[each.device][0], device=each.device, observed_at=each.observed_at,
                received_at=each.observed_at, lat=each.lat, lon=each.lon, accuracy_m=each.radius_m, source=each.source,
                said=Said.STRAP_CUT if each.alarm else Said.NOTHING, protected=whose[each.device][1])
            for each in world.advance(Instant(T0 + second * 1000))
        ]  # fmt: skip
        rung, state = rules.judge(fixes, orders, state)
        for each in rung:
            first.setdefault(each.wearer, second)
    calm = next(wearer for wearer, story in told.items() if story.name == "drift")
    assert calm not in first, "a reflected signal rings for nobody"
    for wearer, story in told.items():
        if wearer == calm:
            continue
        assert abs(first[wearer] - story.rings_s) <= 20, (story.name, first[wearer], story.rings_s)
