"""The choice of cameras against a brute-force oracle written from the requirement, without grid and numpy."""

import math
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safetynet.core import geo
from safetynet.core.cameras import FOOT_WORTH, Camera, Reason, Registry, choose
from safetynet.core.terms import CameraId, CentreId, PoleId

LAT, LON = 36.35, 127.38
PLANE = geo.Plane(LAT, LON)


@dataclass(frozen=True)
class Spot:
    lat: float = LAT
    lon: float = LON
    radius_m: float = 10.0


def camera(id, x, y, *, pole=None, azimuth=None, view=None, range_m=60.0, ptz=False):
    lat, lon = PLANE.to_latlon(x, y)
    return Camera(
        id=CameraId(id),
        city=CentreId("garam"),
        pole=PoleId(pole or f"pole-{id}"),
        name=id,
        lat=lat,
        lon=lon,
        range_m=range_m,
        azimuth_deg=azimuth,
        view_deg=view,
        ptz=ptz,
    )


def ids(choices):
    return [each.camera.id for each in choices]


# --- tables --------------------------------------------------------------------------------------------------------


def test_what_sees_the_place_comes_before_what_is_only_nearer():
    facing = camera("facing", 0, -50, azimuth=0, view=90)
    away = camera("away", 0, -20, azimuth=180, view=90)
    chosen = choose(Registry.of([away, facing]), Spot(), 2)
    assert [(each.camera.id, each.reason) for each in chosen] == [("facing", Reason.SEES_NOW), ("away", Reason.NEAR)]
    assert chosen[0].score > 0 == chosen[1].score
    assert chosen[0].distance_m == pytest.approx(50, abs=0.1)


@pytest.mark.parametrize(
    ("given_camera", "reason"),
    [
        (camera("c", 0, -30, azimuth=0, view=60), Reason.SEES_NOW),
        (camera("c", 0, -30, azimuth=180, view=60), Reason.NEAR),
        (camera("c", 0, -30, view=360), Reason.SEES_NOW),
        (camera("c", 0, -30, azimuth=20, view=None), Reason.SEES_NOW),
        (camera("c", 0, -30, azimuth=100, view=None), Reason.NEAR),
        (camera("c", 0, -30), Reason.WHERE_FIX_WAS),
        (camera("c", 0, -30, azimuth=180, view=60, ptz=True), Reason.WHERE_FIX_WAS),
        (camera("c", 0, -30, azimuth=0, view=60, ptz=True), Reason.SEES_NOW),
        (camera("c", 0, -300, azimuth=0, view=60), Reason.NEAR),
        (camera("c", 0, 0, azimuth=77, view=10), Reason.SEES_NOW),
    ],
)
def test_the_reason_says_no_more_than_is_known(given_camera, reason):
    assert [each.reason for each in choose(Registry.of([given_camera]), Spot(), 5)] == [reason]


def test_only_the_rim_is_not_called_seeing():
    rim = camera("rim", 0, 150, azimuth=180, view=60, range_m=60)
    assert choose(Registry.of([rim]), Spot(radius_m=100), 1)[0].reason is Reason.WHERE_FIX_WAS


def test_a_moving_person_brings_in_the_camera_ahead():
    ahead = camera("ahead", 140, 0, azimuth=270, view=60, range_m=60)
    near = camera("near", 0, 90, azimuth=0, view=60)
    registry = Registry.of([ahead, near])
    assert choose(registry, Spot(), 1)[0].camera.id == "near"
    moving = choose(registry, Spot(), 1, 90.0, 5.0)
    assert [(each.camera.id, each.reason) for each in moving] == [("ahead", Reason.AHEAD)]
    assert choose(registry, Spot(), 1, 90.0, 0.2)[0].camera.id == "near"  # standing: the heading is noise
    assert choose(registry, Spot(), 1, 270.0, 5.0)[0].camera.id == "near"


def test_a_measured_direction_beats_an_unknown_one_and_a_ptz_stands_between():
    fixed = camera("fixed", 0, -30, azimuth=0, view=60)
    ptz = camera("ptz", 0, 30, ptz=True)
    unknown = camera("unknown", 30, 0)
    assert ids(choose(Registry.of([unknown, ptz, fixed]), Spot(radius_m=1), 3)) == ["fixed", "ptz", "unknown"]


def test_four_lenses_of_one_pole_do_not_crowd_out_another_pole():
    pole = [camera(f"p{n}", 5, 0, pole="busy", range_m=60) for n in range(4)]
    others = [camera("east", 40, 0), camera("west", -40, 0), camera("north", 0, 40)]
    chosen = choose(Registry.of([*pole, *others]), Spot(radius_m=30), 4)
    assert sum(each.camera.pole == "busy" for each in chosen) == 1
    assert len(choose(Registry.of([*pole, *others]), Spot(radius_m=30), 7)) == 7


def test_the_search_widens_until_there_are_enough_and_stops_at_its_limit():
    row = [camera(f"c{n}", 150.0 * n, 0) for n in range(1, 10)]
    registry = Registry.of(row)
    assert ids(choose(registry, Spot(), 3)) == ["c1", "c2", "c3"]
    assert ids(choose(registry, Spot(), 9)) == ["c1", "c2", "c3", "c4", "c5", "c6"]
    assert ids(choose(registry, Spot(), 9, radius_max_m=500)) == ["c1", "c2", "c3"]
    assert choose(registry, Spot(), 9, radius_max_m=100) == ()


def test_a_camera_shown_stays_against_a_little_better_but_not_against_much_better():
    a, b = camera("a", 0, -30, azimuth=0, view=60), camera("b", 0, 33, azimuth=180, view=60)
    registry = Registry.of([a, b])
    assert ids(choose(registry, Spot(), 1)) == ["a"]
    assert ids(choose(registry, Spot(), 1, keep=frozenset({CameraId("b")}))) == ["b"]
    far = Registry.of([a, camera("b", 0, 58, azimuth=180, view=60)])
    assert ids(choose(far, Spot(), 1, keep=frozenset({CameraId("b")}))) == ["a"]


@pytest.mark.parametrize(
    ("given_camera", "score"),
    [
        (camera("c", 0, -30, azimuth=0, view=60), 14 * 0.65),
        (camera("c", 0, -30, ptz=True), 14 * 0.65 * 0.85),
        (camera("c", 0, -30), 14 * 0.65 * 0.4),
        (camera("c", 0, -54), 14 * 0.37 * 0.4),
        (camera("c", 0, 0), 14 * 0.4 * FOOT_WORTH),  # right under it: it looks over his head
    ],
)
def test_what_a_camera_is_worth(given_camera, score):
    """Weights of performance.md section 3.3: 2 + 6 + 12 / 2 = 14 over a point, less 0.7 of the share of the range."""
    assert choose(Registry.of([given_camera]), Spot(radius_m=0.0), 1)[0].score == pytest.approx(score, rel=1e-4)


def test_a_pole_some_way_off_sees_more_than_the_one_he_stands_under():
    under, off = camera("under", 0, -2, range_m=100), camera("off", 0, -25, range_m=100)
    assert ids(choose(Registry.of([under, off]), Spot(radius_m=5.0), 1)) == ["off"]


def test_a_second_lens_of_a_pole_must_be_worth_twice_as_much_as_another_poles():
    north = camera("north", 0, -20, pole="p", azimuth=0, view=200, range_m=150)
    south = camera("south", 0, -20, pole="p", azimuth=180, view=150, range_m=150)
    other = camera("other", 0, 20, pole="q", azimuth=180, view=110, range_m=150)
    registry = Registry.of([north, south, other])
    both = {each.camera.id: each.score for each in choose(registry, Spot(radius_m=100), 3)}
    assert ids(choose(registry, Spot(radius_m=100), 2)) == ["north", "other"]
    alone = choose(Registry.of([north, south]), Spot(radius_m=100), 2)[1].score
    assert alone > both["other"] > alone / 2  # it covers less, and was taken before


def test_slower_than_walking_has_no_direction():
    town = Registry.of([camera(f"c{n}", 40.0 * n - 80, 25, azimuth=180, view=50) for n in range(5)])
    still = choose(town, Spot(), 5)
    assert choose(town, Spot(), 5, 90.0, 0.49) == still
    assert choose(town, Spot(), 5, 90.0, None) == still
    assert choose(town, Spot(), 5, None, 9.0) == still
    assert choose(town, Spot(), 5, 90.0, 0.5) != still


@pytest.mark.parametrize("id_west", ["a", "z"])
def test_between_equals_the_id_decides_and_not_the_grid(id_west):
    west, east = camera(id_west, -200, 0), camera("m", 200, 0)
    registry = Registry.of([west, camera("far", -900, -900), east])
    assert ids(choose(registry, Spot(), 2)) == sorted([id_west, "m"])


def test_no_cell_at_the_edge_of_the_circle_is_left_out():
    """Each of many circles, laid over cells at every offset, reaches a camera just inside it in each direction."""
    for step in range(60):
        far = 250.0 + step * 4.3
        ends = [(far, 0), (-far, 0), (0, far), (0, -far)]
        cameras = [camera(f"c{n}", x * 0.998, y * 0.998) for n, (x, y) in enumerate(ends)]
        rows, _, _ = Registry.of([*cameras, camera("corner", -900, -900)]).around(LAT, LON, far)
        assert len(rows) == 4, far


def test_nothing_to_choose_from():
    assert choose(Registry.of([]), Spot(), 5) == ()
    assert choose(Registry.of([camera("a", 0, 0)]), Spot(), 0) == ()
    assert choose(Registry.of([camera("a", 0, 0)]), Spot(lat=35.0), 5) == ()


def test_a_registry_knows_its_cameras():
    a = camera("a", 0, 0)
    registry = Registry.of([a])
    assert (len(registry), registry.camera(CameraId("a")), registry.camera(CameraId("b"))) == (1, a, None)


@pytest.mark.parametrize(
    "wrong",
    [
        [camera("a", 0, 0), camera("a", 9, 9)],
        [camera("a", 0, 0, range_m=0.0)],
        [camera("a", 0, 0, range_m=math.inf)],
        [Camera(id="z", city="c", pole="p", name="", lat=0.0, lon=0.0, range_m=5.0)],
        [Camera(id="z", city="c", pole="p", name="", lat=math.nan, lon=127.0, range_m=5.0)],
    ],
)
def test_what_an_importer_must_refuse_is_our_own_mistake(wrong):
    with pytest.raises(AssertionError):
        Registry.of(wrong)


@pytest.mark.parametrize("place", [Spot(lat=math.nan), Spot(radius_m=math.nan), Spot(radius_m=-1.0)])
def test_a_place_that_is_none_is_our_own_mistake(place):
    with pytest.raises(AssertionError):
        choose(Registry.of([camera("a", 0, 0)]), place, 1)


# --- properties ----------------------------------------------------------------------------------------------------

directions = st.none() | st.integers(0, 359).map(lambda whole: whole + 0.37)  # never on an edge by design


@st.composite
def towns(draw):
    poles = draw(
        st.lists(st.tuples(st.integers(-700, 700), st.integers(-700, 700)), min_size=1, max_size=14, unique=True)
    )
    return [
        camera(
            f"{n:02d}-{lens}",
            x,
            y,
            pole=f"pole-{n}",
            azimuth=draw(directions),
            view=draw(st.none() | st.sampled_from([40.0, 90.0, 200.0, 360.0])),
            range_m=draw(st.sampled_from([30.43, 60.43, 150.43, 200.43])),
            ptz=draw(st.booleans()),
        )
        for n, (x, y) in enumerate(poles)
        for lens in range(draw(st.integers(1, 4)))
    ]


def points(radius, heading, speed):
    yield 0.0, 0.0, 2.0
    for count, r, w in ((6, radius / 2, 1.0), (12, radius, 0.5)):
        for k in range(count):
            yield r * math.sin(math.tau * k / count), r * math.cos(math.tau * k / count), w
    if heading is not None and speed is not None and speed >= 0.5:
        for k in range(1, 7):
            far = min(150.0, 5.0 * k * speed)
            yield far * math.sin(math.radians(heading)), far * math.cos(math.radians(heading)), 1 / k


def offset(each):
    """Metres east and north of the place, on the ellipsoid's radii there."""
    along, across = geo.radii_m(LAT)
    return math.radians(each.lon - LON) * across * math.cos(math.radians(LAT)), math.radians(each.lat - LAT) * along


def covers(each, px, py, weight):
    x, y = offset(each)
    far = math.hypot(px - x, py - y)
    if far > each.range_m:
        return 0.0
    if each.view_deg is not None and each.view_deg >= 360:
        trust = 1.0
    elif each.azimuth_deg is None:
        trust = 0.85 if each.ptz else 0.4
    else:
        off = geo.turn_deg(math.degrees(math.atan2(px - x, py - y)), each.azimuth_deg) if far else 0.0
        trust = 1.0 if off <= (each.view_deg or 60.0) / 2 else 0.85 if each.ptz else 0.0
    return weight * (1 - 0.7 * far / each.range_m) * trust


class Oracle:
    """Looks at every camera anew in every round; no grid, no arrays, no short cuts."""

    def __init__(self, cameras, place, heading, speed, keep, radius_max):
        at = list(points(place.radius_m, heading, speed))
        self.away = {each.id: math.hypot(*offset(each)) for each in cameras}
        pool = [each for each in cameras if self.away[each.id] <= radius_max]
        self.cover = {each.id: [covers(each, *point) for point in at] for each in pool}
        self.left = {each.id: each for each in pool}
        self.keep, self.best, self.chosen = keep, [0.0] * len(at), []

    def lenses(self, each):
        return sum(other.pole == each.pole for other in self.chosen)

    def gain(self, each):
        return sum(max(c - b, 0.0) for c, b in zip(self.cover[each.id], self.best, strict=True))

    def liked(self, each):
        return 1.25 if each.id in self.keep else 1.0

    def tied(self):
        """Ids of the best there are now: more than one only when they are equal to a millionth."""
        seeing = [each for each in self.left.values() if any(self.cover[each.id])]
        adding = [each for each in seeing if self.gain(each) > 1e-6]
        if adding:
            rank = {each.id: self.gain(each) * self.liked(each) * 0.5 ** self.lenses(each) for each in adding}
        elif seeing:
            rank = {e.id: sum(self.cover[e.id]) * self.liked(e) * 0.5 ** self.lenses(e) for e in seeing}
        else:
            rank = {e.id: -(self.away[e.id] + 10) / self.liked(e) * (1 + self.lenses(e)) for e in self.left.values()}
        top = max(rank.values(), default=0.0)
        return {id for id, value in rank.items() if value >= top - 1e-6 * max(1.0, abs(top))}

    def take(self, id):
        each = self.left.pop(id)
        self.chosen.append(each)
        self.best = [max(c, b) for c, b in zip(self.cover[id], self.best, strict=True)]


@settings(max_examples=200, deadline=None)
@given(
    towns(),
    st.integers(0, 120),
    st.integers(1, 16),
    directions,
    st.none() | st.sampled_from([0.0, 1.5, 12.0]),
    st.sampled_from([150.0, 1000.0]),
    st.data(),
)
def test_every_choice_is_the_best_there_was(cameras, radius, wanted, heading, speed, radius_max, data):
    keep = frozenset(data.draw(st.sets(st.sampled_from([each.id for each in cameras]), max_size=3)))
    place = Spot(radius_m=float(radius))
    oracle = Oracle(cameras, place, heading, speed, keep, radius_max)
    possible = min(wanted, len(oracle.left))
    got = choose(Registry.of(cameras), place, wanted, heading, speed, keep, radius_max)
    assert len(got) == possible
    for choice in got:
        assert choice.camera.id in oracle.tied()
        assert (choice.reason is Reason.NEAR) == (not any(oracle.cover[choice.camera.id]))
        oracle.take(choice.camera.id)


@settings(max_examples=60, deadline=None)
@given(towns(), st.integers(0, 120), directions, st.randoms(use_true_random=False))
def test_the_order_of_reading_changes_nothing(cameras, radius, heading, dice):
    shuffled = list(cameras)
    dice.shuffle(shuffled)
    place = Spot(radius_m=float(radius))
    assert choose(Registry.of(cameras), place, 8, heading, 3.0) == choose(Registry.of(shuffled), place, 8, heading, 3.0)


@settings(max_examples=60, deadline=None)
@given(towns(), st.integers(0, 120), st.integers(1, 15))
def test_asking_for_more_only_adds(cameras, radius, wanted):
    registry, place = Registry.of(cameras), Spot(radius_m=float(radius))
    assert ids(choose(registry, place, wanted + 1))[:wanted] == ids(choose(registry, place, wanted))


@settings(max_examples=60, deadline=None)
@given(towns(), st.integers(0, 60))
def test_what_is_shown_is_not_shuffled_by_asking_again(cameras, radius):
    registry, place = Registry.of(cameras), Spot(radius_m=float(radius))
    shown = ids(choose(registry, place, 6))
    assert set(ids(choose(registry, place, 6, keep=frozenset(shown)))) == set(shown)


@given(
    st.integers(0, 359),
    st.integers(5, 300),
    st.integers(1, 300),
    st.sampled_from([40.0, 60.0, 90.0, 150.0]),
    directions,
    st.booleans(),
)
def test_a_camera_facing_away_behind_a_closer_one_is_never_preferred(bearing, close, behind, view, azimuth, ptz):
    """On one line of sight, the farther one looking away from the place: whatever the closer one is."""
    sin, cos = math.sin(math.radians(bearing)), math.cos(math.radians(bearing))
    near = camera("z-near", close * sin, close * cos, azimuth=azimuth, view=view, ptz=ptz)
    away = camera(
        "a-away", (close + behind) * sin, (close + behind) * cos, azimuth=float(bearing), view=view, range_m=200
    )
    assert ids(choose(Registry.of([near, away]), Spot(radius_m=0.0), 1)) == ["z-near"]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(33.2, 38.5), st.floats(124.7, 131.5)), min_size=1, max_size=40), st.data())
def test_the_grid_finds_exactly_those_within_the_circle_anywhere_in_the_country(spots, data):
    cameras = [
        Camera(id=CameraId(str(n)), city=CentreId("c"), pole=PoleId(str(n)), name="", lat=lat, lon=lon, range_m=50.0)
        for n, (lat, lon) in enumerate(spots)
    ]
    lat, lon = data.draw(st.sampled_from(spots))
    radius = data.draw(st.floats(1.0, 3_000.0))
    registry = Registry.of(cameras)
    rows, x, y = registry.around(lat, lon, radius)
    found = {registry.cameras[row].id for row in rows.tolist()}
    for each in cameras:
        away = geo.distance_m(lat, lon, each.lat, each.lon)
        if abs(away - radius) > 1.0:
            assert (each.id in found) == (away < radius)
    assert all(math.hypot(a, b) <= radius for a, b in zip(x, y, strict=True))
