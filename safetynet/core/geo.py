"""Points, metres, bearings, sectors, signed distances, and the Korean projections.

Everything that is judged in metres is judged in a `Plane`: the local plane of the ellipsoid in which distance and
bearing from the origin are true. Latitudes and longitudes are degrees on WGS84, always in this order; x is east and
y is north, in metres. Signed distances are negative inside.

Absent on purpose: one-radius spheres (haversine is wrong by up to 0.37 %), cells and indexes.
"""

import math
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import Any, Final, NamedTuple, TypeAlias

from pyproj import Transformer

A_M: Final = 6_378_137.0
"""Semi-major axis of WGS84 and GRS80."""
E2: Final = 0.00669437999014
"""First eccentricity squared of WGS84."""

LAT_MIN, LAT_MAX, LON_MIN, LON_MAX = 33.0, 39.0, 124.0, 132.0
"""Korea with its islands and seas. What lies outside is no position of this service."""


class Point(NamedTuple):
    lat: float
    lon: float


Xy: TypeAlias = tuple[float, float]
Ring: TypeAlias = Sequence[Xy]
"""Corners of a polygon in a plane, in either turning direction, the first not repeated at the end."""


def in_korea(lat: float, lon: float) -> bool:
    """False for NaN too."""
    return LAT_MIN <= lat <= LAT_MAX and LON_MIN <= lon <= LON_MAX


def radii_m(lat: float) -> tuple[float, float]:
    """Radii of curvature of the ellipsoid at a latitude: along the meridian, across it."""
    w2 = 1.0 - E2 * math.sin(math.radians(lat)) ** 2
    across = A_M / math.sqrt(w2)
    return across * (1.0 - E2) / w2, across


class Plane:
    """Local plane around an origin: within 10 km less than 1 cm from the geodesic, within 500 km fit for ordering.

    A point is put on the tangent plane of the ellipsoid (east, north) and the shortening of the orthographic view is
    undone with the mean radius, which makes the plane azimuthal equidistant.
    """

    __slots__ = ("_cos", "_n0", "_r", "_sin", "_z0", "lat0", "lon0")

    def __init__(self, lat0: float, lon0: float) -> None:
        self.lat0 = lat0
        self.lon0 = lon0
        self._sin = math.sin(math.radians(lat0))
        self._cos = math.cos(math.radians(lat0))
        along, across = radii_m(lat0)
        self._n0 = across * self._cos
        self._z0 = across * (1.0 - E2) * self._sin
        self._r = math.sqrt(along * across)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Plane) and (self.lat0, self.lon0) == (other.lat0, other.lon0)

    def __hash__(self) -> int:
        return hash((self.lat0, self.lon0))

    def to_xy(self, lat: float, lon: float) -> Xy:
        phi = math.radians(lat)
        lam = math.radians(lon - self.lon0)
        sine = math.sin(phi)
        across = A_M / math.sqrt(1.0 - E2 * sine * sine)
        out = across * math.cos(phi)
        x = out * math.sin(lam)
        out *= math.cos(lam)
        y = self._cos * (across * (1.0 - E2) * sine - self._z0) - self._sin * (out - self._n0)
        short = math.sqrt(x * x + y * y) / self._r
        if self._cos * out + self._sin * across * sine < 0.0:
            # Behind the horizon the view folds back; a spoofed place there must not come to lie near.
            return (math.pi - math.asin(min(short, 1.0))) * self._r, 0.0
        if short < 1e-9:
            return x, y
        stretch = math.asin(min(short, 1.0)) / short
        return x * stretch, y * stretch

    def to_latlon(self, x: float, y: float) -> Point:
        """The inverse of `to_xy`, to less than a micrometre within 100 km."""
        lat, lon = self.lat0, self.lon0
        for _ in range(6):
            along, across = radii_m(lat)
            got_x, got_y = self.to_xy(lat, lon)
            lat += math.degrees((y - got_y) / along)
            lon += math.degrees((x - got_x) / (across * math.cos(math.radians(lat))))
        return Point(lat, lon)


def distance_m(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Ellipsoidal distance with the radii of the middle latitude: 1e-8 off at 3 km, 1e-5 at 300 km."""
    middle = (lat1 + lat2) / 2
    along, across = radii_m(middle)
    north = math.radians(lat2 - lat1) * along
    east = math.radians(lon2 - lon1) * across * math.cos(math.radians(middle))
    return math.hypot(east, north)


def bearing_deg(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Clockwise from north, 0 ≤ b < 360, as seen at the first point; 0 when both are one point."""
    x, y = Plane(lat1, lon1).to_xy(lat2, lon2)
    return math.degrees(math.atan2(x, y)) % 360.0 % 360.0  # the second: -1e-17 % 360 is 360.0


def destination(lat: float, lon: float, bearing: float, metres: float) -> Point:
    """Where one comes who goes so far from here in that bearing (degrees clockwise from north)."""
    turn = math.radians(bearing)
    return Plane(lat, lon).to_latlon(metres * math.sin(turn), metres * math.cos(turn))


def turn_deg(a: float, b: float) -> float:
    """The angle between two bearings, 0 … 180."""
    return abs((a - b + 180.0) % 360.0 - 180.0)


class Sector(NamedTuple):
    """What a fixed camera can see: a piece of pie. `azimuth_deg` is the middle, `view_deg` the whole opening."""

    lat: float
    lon: float
    azimuth_deg: float
    view_deg: float
    range_m: float

    def contains(self, lat: float, lon: float) -> bool:
        """Edges included; the apex itself is seen."""
        x, y = Plane(self.lat, self.lon).to_xy(lat, lon)
        return sector_contains(x, y, self.azimuth_deg, self.view_deg, self.range_m)


def sector_contains(x: float, y: float, azimuth_deg: float, view_deg: float, range_m: float) -> bool:
    """The same in a plane whose origin is the apex."""
    away = math.hypot(x, y)
    if away > range_m:
        return False
    return away == 0.0 or turn_deg(math.degrees(math.atan2(x, y)), azimuth_deg) <= view_deg / 2


# --- distances in a plane ------------------------------------------------------------------------------------------


def foot(a: Xy, b: Xy, p: Xy) -> float:
    """Where on the way from a (0) to b (1) one is nearest to p."""
    ex, ey = b[0] - a[0], b[1] - a[1]
    square = ex * ex + ey * ey
    return 0.0 if square == 0.0 else min(1.0, max(0.0, ((p[0] - a[0]) * ex + (p[1] - a[1]) * ey) / square))


def point_segment_m(p: Xy, a: Xy, b: Xy) -> float:
    """From a point to a segment, which may be a point itself."""
    along = foot(a, b, p)
    return math.hypot(p[0] - a[0] - (b[0] - a[0]) * along, p[1] - a[1] - (b[1] - a[1]) * along)


def circle_signed_m(px: float, py: float, cx: float, cy: float, radius: float) -> float:
    return math.hypot(px - cx, py - cy) - radius


def polygon_signed_m(px: float, py: float, ring: Ring) -> float:
    """Distance to the nearest edge, negative inside (even-odd). One pass over the corners."""
    best = math.inf
    inside = False
    ax, ay = ring[-1]
    for bx, by in ring:
        ex, ey = bx - ax, by - ay
        wx, wy = px - ax, py - ay
        square = ex * ex + ey * ey
        if square > 0.0:
            along = (wx * ex + wy * ey) / square
            if along >= 1.0:
                wx, wy = px - bx, py - by
            elif along > 0.0:
                wx -= ex * along
                wy -= ey * along
        best = min(best, wx * wx + wy * wy)
        if (ay > py) != (by > py) and px < (bx - ax) * (py - ay) / (by - ay) + ax:
            inside = not inside
        ax, ay = bx, by
    return -math.sqrt(best) if inside else math.sqrt(best)


def _cross(a: Xy, b: Xy, c: Xy) -> float:
    """Twice the area of the triangle, positive when it turns left."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def segments_touch(a: Xy, b: Xy, c: Xy, d: Xy) -> bool:
    """Whether two closed segments have a point in common."""
    d1, d2 = _cross(c, d, a), _cross(c, d, b)
    d3, d4 = _cross(a, b, c), _cross(a, b, d)
    if ((d1 > 0) != (d2 > 0)) and ((d3 > 0) != (d4 > 0)) and d1 and d2 and d3 and d4:
        return True
    return (
        (d1 == 0 and _between(c, d, a))
        or (d2 == 0 and _between(c, d, b))
        or (d3 == 0 and _between(a, b, c))
        or (d4 == 0 and _between(a, b, d))
    )


def _between(a: Xy, b: Xy, p: Xy) -> bool:
    return min(a[0], b[0]) <= p[0] <= max(a[0], b[0]) and min(a[1], b[1]) <= p[1] <= max(a[1], b[1])


def segment_polygon_m(a: Xy, b: Xy, ring: Ring) -> float:
    """The least signed distance that a way straight from a to b comes to a polygon: ≤ 0 when it enters or touches.

    When it enters, the depth is taken at the ends, at the middle of each piece inside, and at the corners' feet; for a
    convex polygon it is the true depth to within a quarter of it, and it is never exaggerated.
    """
    off, _ = deepest(a, b, ring)
    if off <= 0.0:
        return off
    # It stays outside: then the nearest approach is at an end or at a corner (or, touching, at a cut: found above).
    return min(off, *(point_segment_m(corner, a, b) for corner in ring))


def deepest(a: Xy, b: Xy, ring: Ring) -> tuple[float, float]:
    """The least signed distance found on the way from a to b, as above, and where on it (0 … 1)."""
    cuts = sorted({0.0, 1.0, *_cuts(a, b, ring)})
    spots = [*cuts, *((s + t) / 2 for s, t in pairwise(cuts)), *(foot(a, b, c) for c in ring)]
    return min((polygon_signed_m(a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, ring), t) for t in spots)


def rings_signed_m(px: float, py: float, rings: Sequence[Ring]) -> float:
    """Distance to the nearest edge of several outlines, negative inside an odd number of them: holes, several parts."""
    off = [polygon_signed_m(px, py, ring) for ring in rings]
    best = min(map(abs, off))
    return -best if sum(each < 0.0 for each in off) % 2 else best


def deepest_of_rings(a: Xy, b: Xy, rings: Sequence[Ring]) -> tuple[float, float]:
    """Where (0 … 1) the way straight from a to b comes deepest into several outlines, and how deep: negative inside.

    The same spots are looked at as for one polygon. It stays outside when what comes out is above zero.
    """
    corners = [corner for ring in rings for corner in ring]
    cuts = sorted({0.0, 1.0, *(cut for ring in rings for cut in _cuts(a, b, ring))})
    spots = [*cuts, *((s + t) / 2 for s, t in pairwise(cuts)), *(foot(a, b, c) for c in corners)]
    return min((rings_signed_m(a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, rings), t) for t in spots)


def _cuts(a: Xy, b: Xy, ring: Ring) -> list[float]:
    """Where (0 … 1) the way from a to b cuts the edges."""
    found: list[float] = []
    c = ring[-1]
    for d in ring:
        d1, d2 = _cross(c, d, a), _cross(c, d, b)
        if d1 != d2 and segments_touch(a, b, c, d):
            found.append(d1 / (d1 - d2))
        c = d
    return found


def segment_circle_m(a: Xy, b: Xy, cx: float, cy: float, radius: float) -> float:
    """The least signed distance of the straight way from a to b to a circle: ≤ 0 when it enters or touches."""
    return point_segment_m((cx, cy), a, b) - radius


def simple(ring: Ring) -> bool:
    """At least three corners, some area, and no edge crosses or touches another that is not its neighbour."""
    n = len(ring)
    if n < 3 or len(set(ring)) < n:
        return False
    area = sum(ring[i - 1][0] * ring[i][1] - ring[i][0] * ring[i - 1][1] for i in range(n)) / 2
    if abs(area) < 1.0:
        return False
    for i in range(n):
        for j in range(i + 2, n):
            if i == 0 and j == n - 1:
                continue
            if segments_touch(ring[i], ring[i + 1], ring[j], ring[(j + 1) % n]):
                return False
    return True


# --- Korean projections --------------------------------------------------------------------------------------------

EPSG_KNOWN: Final = frozenset({5174, 5179, 5181, 5186})
"""5174 is Bessel and 313 m from 5181; 5186 is 5181 moved north by exactly 100 km. Whoever imports must say which."""


@cache
def _to_wgs84(epsg: int) -> Any:
    assert epsg in EPSG_KNOWN, epsg
    return Transformer.from_crs(epsg, 4326, always_xy=True)


@cache
def _from_wgs84(epsg: int) -> Any:
    assert epsg in EPSG_KNOWN, epsg
    return Transformer.from_crs(4326, epsg, always_xy=True)


def from_epsg(epsg: int, easting: float, northing: float) -> Point:
    """Inf coordinates come back where the projection has none."""
    lon, lat = _to_wgs84(epsg).transform(easting, northing)
    return Point(float(lat), float(lon))


def to_epsg(epsg: int, lat: float, lon: float) -> Xy:
    """(easting, northing). Distances in 5179 are short by its scale 0.9996: never judge in it."""
    easting, northing = _from_wgs84(epsg).transform(lon, lat)
    return float(easting), float(northing)


def distance_to_area_m(lat: float, lon: float, area: Sequence[tuple[float, float]]) -> float:
    """To the outline `area` of (lat, lon) corners; negative inside. Infinite for an outline of fewer than 3 corners."""
    if len(area) < 3:
        return math.inf
    plane = Plane(lat, lon)
    return polygon_signed_m(0.0, 0.0, [plane.to_xy(*corner) for corner in area])
