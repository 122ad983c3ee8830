"""Shapes of places that a court or an office wrote down: circles, polygons with holes, several polygons as one.

Degrees WGS84 as (lat, lon). Every shape is checked when it is made: what crosses itself, lies abroad or reaches too far
is no shape that anybody can have meant.

Absent on purpose: what a shape is for (`orders`), how it is judged (`grounds`), and GeoJSON (the edge).
"""

from collections.abc import Iterator
from typing import Final, TypeAlias

import msgspec
import shapely

from safetynet.core import geo

CORNERS_MAX: Final = 500
"""Of one polygon, its holes included."""
HOLES_MAX: Final = 32
POLYGONS_MAX: Final = 64
RADIUS_M_MIN: Final = 1.0
REACH_M_MAX: Final = 50_000.0
"""No shape reaches further from its middle. A larger one is an input mistake, not a court's wish."""

Corners: TypeAlias = tuple[tuple[float, float], ...]


class Circle(msgspec.Struct, frozen=True, tag="circle"):
    lat: float
    lon: float
    radius_m: float

    def __post_init__(self) -> None:
        if not geo.in_korea(self.lat, self.lon):
            raise ValueError("circle outside Korea")
        if not RADIUS_M_MIN <= self.radius_m <= REACH_M_MAX:
            raise ValueError("radius out of range")


class Polygon(msgspec.Struct, frozen=True, tag="polygon"):
    """Corners as (lat, lon), first not repeated; edges are straight in the plane around the first corner."""

    corners: Corners
    holes: tuple[Corners, ...] = ()
    """Inside it, apart from each other: who is in a hole is outside."""

    def __post_init__(self) -> None:
        if len(self.holes) > HOLES_MAX or sum(map(len, (self.corners, *self.holes))) > CORNERS_MAX:
            raise ValueError("number of corners out of range")
        if min(map(len, (self.corners, *self.holes))) < 3:
            raise ValueError("number of corners out of range")
        if not all(geo.in_korea(lat, lon) for ring in (self.corners, *self.holes) for lat, lon in ring):
            raise ValueError("corner outside Korea")
        plane = geo.Plane(*self.corners[0])
        outer = [plane.to_xy(lat, lon) for lat, lon in self.corners]
        if any(x * x + y * y > REACH_M_MAX**2 for x, y in outer):
            raise ValueError("polygon too large")
        if not geo.simple(outer):
            raise ValueError("polygon crosses itself or has no area")
        if self.holes:
            inner = [[plane.to_xy(lat, lon) for lat, lon in ring] for ring in self.holes]
            if not all(map(geo.simple, inner)) or not shapely.Polygon(outer, inner).is_valid:
                raise ValueError("hole crosses an outline or lies outside")


class MultiPolygon(msgspec.Struct, frozen=True, tag="multipolygon"):
    """Several polygons that are one place; none lies over another."""

    polygons: tuple[Polygon, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.polygons) <= POLYGONS_MAX:
            raise ValueError("number of polygons out of range")
        if sum(len(ring) for ring in rings(self)) > CORNERS_MAX:
            raise ValueError("number of corners out of range")
        plane = geo.Plane(*self.polygons[0].corners[0])
        flat = [[[plane.to_xy(*corner) for corner in ring] for ring in rings(each)] for each in self.polygons]
        if any(x * x + y * y > REACH_M_MAX**2 for each in flat for x, y in each[0]):
            raise ValueError("polygon too large")
        if not shapely.MultiPolygon([(outer, inner) for outer, *inner in flat]).is_valid:
            raise ValueError("polygons lie over each other")


Area: TypeAlias = Circle | Polygon | MultiPolygon


def rings(area: Polygon | MultiPolygon) -> Iterator[Corners]:
    """Every outline, those of holes too: a place lies inside when it is inside an odd number of them."""
    for each in (area,) if isinstance(area, Polygon) else area.polygons:
        yield each.corners
        yield from each.holes
