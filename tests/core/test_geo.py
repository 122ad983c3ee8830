import math

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod, Transformer

from safetynet.core import geo

GEOD = Geod(ellps="WGS84")
lats = st.floats(33.2, 38.8)
lons = st.floats(124.2, 131.8)
bearings = st.floats(0, 359.99)
near = st.floats(0.1, 10_000)


@given(lats, lons, bearings, near)
def test_plane_agrees_with_the_geodesic_to_a_centimetre(lat, lon, bearing, metres):
    lon2, lat2, _ = GEOD.fwd(lon, lat, bearing, metres)
    x, y = geo.Plane(lat, lon).to_xy(lat2, lon2)
    turn = math.radians(bearing)
    assert math.hypot(x - metres * math.sin(turn), y - metres * math.cos(turn)) < 0.01


@given(lats, lons, bearings, near, bearings, near)
def test_distances_between_two_points_of_a_plane_are_true(lat, lon, b1, d1, b2, d2):
    lon1, lat1, _ = GEOD.fwd(lon, lat, b1, d1)
    lon2, lat2, _ = GEOD.fwd(lon, lat, b2, d2)
    plane = geo.Plane(lat, lon)
    assert math.dist(plane.to_xy(lat1, lon1), plane.to_xy(lat2, lon2)) == pytest.approx(
        GEOD.inv(lon1, lat1, lon2, lat2)[2], abs=0.01
    )


@given(lats, lons, st.floats(-50_000, 50_000), st.floats(-50_000, 50_000))
def test_there_and_back(lat, lon, x, y):
    plane = geo.Plane(lat, lon)
    assert math.dist(plane.to_xy(*plane.to_latlon(x, y)), (x, y)) < 1e-5


def test_origin_is_zero():
    assert geo.Plane(36.35, 127.38).to_xy(36.35, 127.38) == pytest.approx((0, 0), abs=1e-9)


@given(lats, lons, bearings, st.floats(1, 20_000))
def test_distance_bearing_destination_against_pyproj(lat, lon, bearing, metres):
    lon2, lat2, _ = GEOD.fwd(lon, lat, bearing, metres)
    assert geo.distance_m(lat, lon, lat2, lon2) == pytest.approx(metres, rel=2e-6, abs=1e-3)
    assert geo.turn_deg(geo.bearing_deg(lat, lon, lat2, lon2), bearing) < 0.001
    assert geo.distance_m(*geo.destination(lat, lon, bearing, metres), lat2, lon2) < 0.02


def test_distance_across_the_country():
    assert geo.distance_m(33.1, 126.2, 38.5, 128.3) == pytest.approx(GEOD.inv(126.2, 33.1, 128.3, 38.5)[2], rel=5e-4)


@pytest.mark.parametrize(
    ("bearing", "metres", "seen"),
    [(90, 50, True), (60.5, 50, True), (59.5, 50, False), (119.5, 99, True), (90, 101, False), (270, 5, False)],
)
def test_sector(bearing, metres, seen):
    sector = geo.Sector(36.35, 127.38, azimuth_deg=90, view_deg=60, range_m=100)
    assert sector.contains(*geo.destination(36.35, 127.38, bearing, metres)) is seen


def test_sector_over_north_and_apex_and_whole_circle():
    assert geo.sector_contains(-1, 50, 5, 20, 100)
    assert not geo.sector_contains(-20, 50, 5, 20, 100)
    assert geo.sector_contains(0, 0, 5, 20, 100)
    assert geo.sector_contains(0, -99, 5, 360, 100)


@st.composite
def rings(draw):
    """Star-shaped, so never self-crossing."""
    n = draw(st.integers(3, 12))
    return [
        (r * math.cos(2 * math.pi * i / n), r * math.sin(2 * math.pi * i / n))
        for i, r in enumerate(draw(st.lists(st.floats(20, 500), min_size=n, max_size=n)))
    ]


places = st.tuples(st.floats(-900, 900), st.floats(-900, 900))


@given(rings(), places)
def test_polygon_distance_against_shapely(ring, p):
    polygon, point = shapely.Polygon(ring), shapely.Point(p)
    away = polygon.exterior.distance(point)
    got = geo.polygon_signed_m(*p, ring)
    assert abs(got) == pytest.approx(away, abs=1e-6)
    if away > 1e-6:
        assert (got < 0) == polygon.contains(point)
    assert geo.polygon_signed_m(*p, ring[::-1]) == pytest.approx(got, abs=1e-6)


@given(rings(), places, places)
def test_swept_way_against_shapely(ring, a, b):
    polygon, way = shapely.Polygon(ring), shapely.LineString([a, b])
    got = geo.segment_polygon_m(a, b, ring)
    apart = polygon.distance(way)
    if apart > 1e-6:
        assert got == pytest.approx(apart, abs=1e-6)
    else:
        assert got <= 1e-6
        spots = [way.interpolate(t, normalized=True) for t in np.linspace(0, 1, 60)]
        deepest = max((polygon.exterior.distance(spot) for spot in spots if polygon.contains(spot)), default=0.0)
        assert -got >= min(geo.polygon_signed_m(*a, ring), geo.polygon_signed_m(*b, ring), 0) * -1 - 1e-6
        assert -got >= deepest * 0.4 - way.length / 60 - 1e-6
        assert -got <= deepest + way.length / 60 + 1e-6


def test_circle_and_segments():
    assert geo.circle_signed_m(3, 4, 0, 0, 10) == -5
    assert geo.segment_circle_m((-20, 6), (20, 6), 0, 0, 10) == -4
    assert geo.segment_circle_m((-20, 16), (20, 16), 0, 0, 10) == 6
    assert geo.point_segment_m((5, 5), (0, 0), (0, 0)) == pytest.approx(math.hypot(5, 5))
    assert geo.segments_touch((0, 0), (2, 0), (1, 0), (1, 5))
    assert geo.segments_touch((0, 0), (2, 0), (1, 0), (5, 0))
    assert not geo.segments_touch((0, 0), (2, 0), (3, 0), (5, 0))


def test_what_is_a_polygon():
    assert geo.simple([(0, 0), (10, 0), (10, 10), (0, 10)])
    assert not geo.simple([(0, 0), (10, 10), (10, 0), (0, 10)])
    assert not geo.simple([(0, 0), (10, 10)])
    assert not geo.simple([(0, 0), (5, 5), (10, 10)])
    assert not geo.simple([(0, 0), (10, 0), (10, 0), (0, 10)])


SEOUL = (37.5665, 126.9780)


@pytest.mark.parametrize(
    ("epsg", "east", "north"),
    [(5179, 953901.2, 1952032.1), (5181, 198056.4, 451885.0), (5186, 198056.4, 551885.0)],
)
def test_korean_projections_of_seoul_city_hall(epsg, east, north):
    assert geo.to_epsg(epsg, *SEOUL) == pytest.approx((east, north), abs=0.1)
    assert geo.distance_m(*geo.from_epsg(epsg, *geo.to_epsg(epsg, *SEOUL)), *SEOUL) < 0.001


def test_the_hundred_kilometre_trap():
    """5181 read as 5186 lies exactly 100 km too far south, and still in Korea: only a check of place finds it."""
    east, north = geo.to_epsg(5181, *SEOUL)
    wrong = geo.from_epsg(5186, east, north)
    assert geo.in_korea(*wrong)
    assert geo.to_epsg(5186, *SEOUL)[1] - north == pytest.approx(100_000, abs=1e-3)
    assert geo.distance_m(*wrong, *SEOUL) == pytest.approx(100_000, rel=1e-3)


def test_bessel_looks_right_and_is_not():
    east, north = geo.to_epsg(5174, *SEOUL)
    assert 250 < math.dist((east, north), geo.to_epsg(5181, *SEOUL)) < 400


def test_projection_agrees_with_pyproj():
    transform = Transformer.from_crs(4326, 5179, always_xy=True)
    assert geo.to_epsg(5179, 35.1, 129.0) == pytest.approx(transform.transform(129.0, 35.1), abs=1e-6)


def test_unknown_projection_is_our_own_mistake():
    with pytest.raises(AssertionError):
        geo.to_epsg(3857, *SEOUL)


@pytest.mark.parametrize(
    ("lat", "lon"), [(math.nan, 127), (37, math.nan), (127, 37), (0, 0), (37, math.inf), (39.9, 116.3)]
)
def test_not_in_korea(lat, lon):
    assert not geo.in_korea(lat, lon)


def test_far_points_stay_far():
    """A spoofed place on the other side of the earth must never fold back into a zone."""
    for lat, lon in ((-36.35, -52.62), (0.0, 0.0), (90.0, 0.0), (36.35, -52.6)):
        assert math.hypot(*geo.Plane(36.35, 127.38).to_xy(lat, lon)) > 1_000_000
