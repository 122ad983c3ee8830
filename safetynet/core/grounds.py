"""An area made ready for judging many positions: a bounding circle for the quick no, the exact shape in a plane of its own.

Absent on purpose: what an area is for (a forbidden zone, a home) and what being inside or outside means.
"""

from math import cos, hypot, radians, sqrt
from typing import NamedTuple

from safetynet.core import geo
from safetynet.core.orders import Area, Circle, MultiPolygon, Polygon
from safetynet.core.shapes import rings
from safetynet.core.terms import CurfewId, ZoneId


class Ground(NamedTuple):
    id: ZoneId | CurfewId
    lat: float
    lon: float
    bound_m: float
    lon_m: float
    """Metres per degree of longitude here, a little too small."""
    plane: geo.Plane
    ring: tuple[geo.Xy, ...]
    """Empty for a circle around the origin of the plane with radius `bound_m`."""
    middle: geo.Xy
    """Of the bounding circle, in the plane."""
    more: tuple[tuple[geo.Xy, ...], ...] = ()
    """Outlines besides `ring`: of holes and of further polygons. Inside is what lies in an odd number of them all."""


def off_m(place: Ground, here: geo.Xy) -> float:
    """Signed distance to its edge, negative inside; `here` in its own plane."""
    if place.ring:
        if place.more:
            return geo.rings_signed_m(*here, (place.ring, *place.more))
        return geo.polygon_signed_m(*here, place.ring)
    x, y = here
    return sqrt(x * x + y * y) - place.bound_m


def deepest(place: Ground, there: geo.Xy, here: geo.Xy) -> tuple[float, float]:
    """How deep a straight way comes into a place (negative inside), and where on it (0 … 1), in the place's own plane.

    Above zero, the way stays outside.
    """
    if not place.ring:
        return geo.segment_circle_m(there, here, 0.0, 0.0, place.bound_m), geo.foot(there, here, (0.0, 0.0))
    if not place.more:
        return geo.deepest(there, here, place.ring)
    return geo.deepest_of_rings(there, here, (place.ring, *place.more))


def ground(id: ZoneId | CurfewId, area: Area) -> Ground:
    match area:
        case Circle(lat, lon, radius):
            return Ground(id, lat, lon, radius, _metres_per_lon(lat), geo.Plane(lat, lon), (), (0.0, 0.0))
        case Polygon() | MultiPolygon():
            outlines = tuple(rings(area))
            plane = geo.Plane(*outlines[0][0])
            ring, *more = (tuple(plane.to_xy(lat, lon) for lat, lon in each) for each in outlines)
            every = [spot for each in (ring, *more) for spot in each]
            x = (min(p[0] for p in every) + max(p[0] for p in every)) / 2
            y = (min(p[1] for p in every) + max(p[1] for p in every)) / 2
            lat, lon = plane.to_latlon(x, y)
            bound = max(hypot(p[0] - x, p[1] - y) for p in every) * 1.001
            return Ground(id, lat, lon, bound, _metres_per_lon(lat), plane, ring, (x, y), tuple(more))


def _metres_per_lon(lat: float) -> float:
    """Two in a hundred less than true, so that the quick no stays right up to 100 km north or south."""
    return 0.98 * radians(1.0) * geo.radii_m(lat)[1] * cos(radians(lat))
