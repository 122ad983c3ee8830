import itertools
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safetynet.sim import streets
from safetynet.sim.plane import Plane


@pytest.fixture(scope="module")
def made():
    return streets.build()


def test_the_same_seed_gives_the_same_city_to_the_byte(made):
    assert streets.build().base_map_bytes() == made.base_map_bytes()
    assert streets.build(1).base_map_bytes() != made.base_map_bytes()


def test_the_map_is_geojson_within_its_bounds(made):
    data = made.base_map_bytes()
    assert len(data) <= streets.MAP_BYTES_MAX
    collection = json.loads(data)
    assert collection["type"] == "FeatureCollection"
    layers = {}
    for feature in collection["features"]:
        layers.setdefault(feature["properties"]["layer"], []).append(feature)
        for lon, lat in spots(feature["geometry"]["coordinates"]):
            assert 127.35 < lon < 127.41
            assert 36.33 < lat < 36.37
    assert set(layers) == {"road", "building", "water", "park", "border", "label"}
    for road in layers["road"]:
        assert road["properties"]["class"] in streets.CLASSES
        assert road["properties"]["width_m"] in streets.ROAD_WIDTH_M
        assert road["properties"]["name"]
    for polygon in layers["water"] + layers["park"]:
        ring = polygon["geometry"]["coordinates"][0]
        assert ring[0] == ring[-1]
    assert {"가람시", "나래시"} <= {each["properties"]["name"] for each in layers["label"]}


def spots(coordinates):
    if isinstance(coordinates[0], float):
        yield coordinates
    else:
        for each in coordinates:
            yield from spots(each)


def test_bridges_join_what_the_river_divides(made):
    start, goal = made.nearest(-1300, 0), made.nearest(1300, 0)
    way = made.route(start, goal)
    assert way[0] == start
    assert way[-1] == goal
    assert any(made.road_between(a, b).bridge for a, b in itertools.pairwise(way))
    cities = {made.city_at(*made.nodes[n]) for n in way}
    assert cities == {streets.GARAM, streets.NARAE}


@given(st.integers(0, 545), st.integers(0, 545))
def test_no_way_is_shorter_than_the_shortest(a, b):
    made = SHARED
    way = made.route(a, b)
    if not way:
        return
    length = sum(made.road_between(p, q).length_m for p, q in itertools.pairwise(way))
    assert length == pytest.approx(made.distances(a)[b])
    assert length >= math.dist(made.nodes[a], made.nodes[b]) - 1e-6


SHARED = streets.build()


def test_no_building_stands_on_a_road(made):
    a = made.nodes[[each.a for each in made.roads]]
    along = made.nodes[[each.b for each in made.roads]] - a
    half = np.array([each.width_m / 2 for each in made.roads])
    for spot in made.walls.reshape(-1, 2)[::5]:
        share = np.clip(((spot - a) * along).sum(axis=1) / (along**2).sum(axis=1), 0, 1)
        assert (np.linalg.norm(spot - a - along * share[:, None], axis=1) > half).all()


@given(st.floats(-1500, 1500), st.floats(-1500, 1500))
def test_there_and_back(x, y):
    plane = Plane(*streets.ORIGIN)
    assert plane.to_xy(*plane.to_latlon(x, y)) == pytest.approx((x, y), abs=1e-6)


def test_streets_run_past_given_poles():
    plane = Plane(36.33, 127.42)
    points = [plane.to_latlon(90.0 * i + 7 * (j % 3), 85.0 * j + 5 * (i % 2)) for i in range(12) for j in range(10)]
    made = streets.along(points)
    for point in points:
        x, y = made.plane.to_xy(*point)
        node = made.nearest(x, y)
        assert math.dist(made.nodes[node], (x, y)) < 30
        assert made.city_at(x, y) == streets.GARAM
    sides = {made.city_at(*node) for node in made.nodes}
    assert sides == {streets.GARAM, streets.NARAE}
    assert made.buildings
    assert made.border
    json.loads(made.base_map_bytes())


@pytest.mark.parametrize("count", [0, 7, 12_001])
def test_too_few_or_too_many_poles_make_no_streets(count):
    with pytest.raises(ValueError, match="poles"):
        streets.along([(36.3 + k * 1e-5, 127.4) for k in range(count)])


def test_a_map_that_would_be_too_large_loses_its_farthest_houses(made, monkeypatch):
    monkeypatch.setattr(streets, "MAP_BYTES_MAX", 500_000)
    data = made.base_map_bytes()
    assert 250_000 < len(data) <= 500_000
    layers = [each["properties"]["layer"] for each in json.loads(data)["features"]]
    assert "building" in layers
    assert layers.count("road") == sum(each["properties"]["layer"] == "road" for each in made.base_map()["features"])
