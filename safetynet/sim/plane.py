"""Plane metres about an origin, and back: a local tangent with the true radii of the WGS84 ellipsoid."""

import math
from typing import Final

_A_M: Final = 6_378_137.0
_E2: Final = 6.694_379_990_14e-3


class Plane:
    """x is metres east, y metres north of the origin. There and back is exact; a distance is true to 0.03 % within 2 km."""

    def __init__(self, lat0: float, lon0: float) -> None:
        self.lat0, self.lon0 = lat0, lon0
        sine = math.sin(math.radians(lat0))
        square = 1 - _E2 * sine * sine
        self._north_m = math.radians(1) * _A_M * (1 - _E2) / square**1.5
        self._east_m = math.radians(1) * _A_M / math.sqrt(square) * math.cos(math.radians(lat0))

    def to_xy(self, lat: float, lon: float) -> tuple[float, float]:
        return (lon - self.lon0) * self._east_m, (lat - self.lat0) * self._north_m

    def to_latlon(self, x: float, y: float) -> tuple[float, float]:
        return self.lat0 + y / self._north_m, self.lon0 + x / self._east_m
