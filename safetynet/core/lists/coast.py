"""Where no camera can hang because there is only water.

A hull drawn by hand around the mainland and each group of islands, some 10 km off the coast: what lies outside it is at
sea beyond doubt. Nearer the shore only the boundary of an owner can tell.
"""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

import numpy as np
import shapely
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]
Inside: TypeAlias = Callable[[Floats, Floats], Bools]
"""Latitudes and longitudes → which of them lie inside."""

_MAINLAND: Final = (
    (37.95, 126.0), (38.05, 126.6), (38.36, 127.0), (38.4, 128.0), (38.68, 128.25), (38.68, 128.5), (38.2, 128.75),
    (37.75, 129.2), (37.2, 129.55), (36.5, 129.6), (36.1, 129.75), (35.6, 129.7), (35.1, 129.4), (34.85, 129.0),
    (34.5, 128.85), (34.35, 127.9), (34.2, 127.3), (34.05, 126.6), (34.1, 125.9), (34.6, 125.7), (35.2, 125.8),
    (35.6, 125.95), (35.95, 126.1), (36.05, 125.9), (36.35, 125.85), (36.7, 126.0), (37.0, 125.8), (37.35, 125.85),
    (37.6, 125.95),
)  # fmt: skip
_ISLANDS: Final = (
    ("제주도", 33.05, 126.05, 33.65, 127.05),
    ("추자도", 33.85, 126.15, 34.05, 126.5),
    ("거문도", 33.9, 126.85, 34.25, 127.45),
    ("흑산도", 34.0, 125.0, 34.9, 125.75),
    ("울릉도", 37.4, 130.75, 37.6, 131.0),
    ("독도", 37.2, 131.8, 37.3, 131.95),
    ("백령도", 37.7, 124.5, 38.05, 124.9),
    ("연평도", 37.55, 125.55, 37.75, 126.1),
    ("격렬비열도", 36.5, 125.45, 36.7, 125.65),
)
"""South, west, north, east."""


def _hull() -> Any:
    mainland = shapely.Polygon([(lon, lat) for lat, lon in _MAINLAND])
    boxes = [shapely.box(west, south, east, north) for _, south, west, north, east in _ISLANDS]
    hull = shapely.union_all([mainland, *boxes])
    shapely.prepare(hull)
    return hull


_HULL: Final = _hull()


def on_land(lat: Floats, lon: Floats) -> Bools:
    """False only where it is sea beyond doubt."""
    inside: Bools = shapely.contains_xy(_HULL, lon, lat)
    return inside
