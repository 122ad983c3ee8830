"""The arithmetic of one fix, compiled: the rules' own functions where they are of numbers alone, the same steps where not.

What adds up in a state (the log-odds of a belief) is the same to the last bit as in `homes` and `geo`. What is only held
against a limit may differ in the last bit: within a DOUBT of a limit the kernel says nothing and lets the rules say.
"""

from collections.abc import Callable
from math import asin, cos, hypot, pi, radians, sin, sqrt
from types import FunctionType
from typing import Any, Final, TypeVar, cast

import numba

from safetynet.core import evidence, geo
from safetynet.core.fixes import (
    CELL_RADIUS_M_MIN,
    RADIUS_M_MAX,
    RADIUS_M_MIN,
    SPEED_MPS_MAX,
    UNKNOWN_RADIUS_M,
)
from safetynet.core.kernel.layout import CELL
from safetynet.core.thresholds import STANDARD

DOUBT_M: Final = 1e-6
"""Of a distance. What two ways of reckoning differ by is a thousandth of it."""
DOUBT_ODDS: Final = 1e-9
_ZONE: Final = STANDARD.zone
ZONE_LEAN_MAX: Final = _ZONE.lean_max
ZONE_WEIGHT: Final = _ZONE.weight
ZONE_RHYTHM_MS: Final = _ZONE.rhythm_ms
ZONE_POWER: Final = _ZONE.power
ZONE_FADES_MS: Final = _ZONE.fades_ms
ZONE_PRIOR: Final = _ZONE.prior
ZONE_FLOOR: Final = _ZONE.floor
ZONE_CEILING: Final = _ZONE.ceiling
_HOME: Final = STANDARD.home
HOME_LEAN_MAX: Final = _HOME.lean_max
HOME_WEIGHT: Final = _HOME.weight
HOME_RHYTHM_MS: Final = _HOME.rhythm_ms
HOME_POWER: Final = _HOME.power
HOME_FADES_MS: Final = _HOME.fades_ms
HOME_PRIOR: Final = _HOME.prior
HOME_FLOOR: Final = _HOME.floor
HOME_CEILING: Final = _HOME.ceiling
FAR_SIGMAS: Final = 5.2
"""So far from an edge the log-odds are beyond any cap that is asked for here."""
assert evidence.lean(FAR_SIGMAS, 1.0, 1e9) > max(ZONE_LEAN_MAX, HOME_LEAN_MAX)
A_M: Final = geo.A_M
E2: Final = geo.E2
HALF_TURN: Final = pi

_F = TypeVar("_F", bound=Callable[..., Any])
_OPTIONS: Final[dict[str, Any]] = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    "forceinline": True,
    "_nrt": False,
}
"""Without `_nrt` arrays are counted in and out at every step, which costs three times as much as all the rest (measured):
nothing here makes an array."""


def jit(function: _F) -> _F:
    """No fast maths: NaN stands for what was not said, and the last bit counts."""
    return cast("_F", numba.njit(**_OPTIONS)(function))


def compiled(function: _F, **parts: Any) -> _F:
    """A function of another room, compiled as it stands there, with what it calls."""
    assert isinstance(function, FunctionType)
    names = {**function.__globals__, **parts}
    return cast("_F", jit(FunctionType(function.__code__, names, function.__name__)))


rhythm_ms: Final = compiled(evidence.rhythm_ms)
radii_m: Final = compiled(geo.radii_m)
distance_m: Final = compiled(geo.distance_m, radii_m=radii_m)
foot: Final = compiled(geo.foot)
point_segment_m: Final = compiled(geo.point_segment_m, foot=foot)
_cross: Final = compiled(geo._cross)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
_between: Final = compiled(geo._between)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
segments_touch: Final = compiled(geo.segments_touch, _cross=_cross, _between=_between)
sigma_m: Final = compiled(evidence.sigma_m)
lean: Final = compiled(evidence.lean)
share: Final = compiled(evidence.share)
faded: Final = compiled(evidence.faded)
updated: Final = compiled(evidence.updated)
around_m: Final = compiled(evidence.around_m)
longest_m: Final = compiled(evidence.longest_m)
swept: Final = compiled(evidence.swept)


@jit
def radius_m(accuracy_m: float, source: int) -> float:
    """As `fixes.radius_m`; NaN: the device said none."""
    said = min(accuracy_m, RADIUS_M_MAX)
    if source == CELL:
        return max(said, CELL_RADIUS_M_MIN) if said == said else CELL_RADIUS_M_MIN  # noqa: PLR0124
    return max(said, RADIUS_M_MIN) if said == said else UNKNOWN_RADIUS_M  # noqa: PLR0124


@jit
def leaning(off: float, radius: float, cap: float) -> float:
    """As `evidence.lean`, of which whoever is FAR_SIGMAS away needs no tail: it is the cap."""
    sigma = sigma_m(radius)
    if off > FAR_SIGMAS * sigma:
        return cap
    return -cap if off < -FAR_SIGMAS * sigma else lean(off, sigma, cap)


@jit
def folded(odds: float, gap_ms: int, said: float, prior: float, fades_ms: int, floor: float, ceiling: float) -> float:
    """A belief faded and updated. Where it comes down to the floor whatever has faded, nothing is reckoned."""
    if odds <= prior and prior + said <= floor:
        return floor
    return updated(faded(odds, prior, gap_ms, fades_ms), said, floor, ceiling)


@jit
def zone_odds(known: bool, odds: float, gap_ms: int, off: float, radius: float) -> float:
    """As `zones.fold`: the log-odds of being inside with one more position, after there was one before it."""
    said = -leaning(off, radius, ZONE_LEAN_MAX)
    said *= share(gap_ms, ZONE_WEIGHT, ZONE_RHYTHM_MS, ZONE_POWER)
    return folded(odds if known else ZONE_FLOOR, gap_ms, said, ZONE_PRIOR, ZONE_FADES_MS, ZONE_FLOOR, ZONE_CEILING)


@jit
def home_odds(believed: bool, odds: float, gap_ms: int, off: float, radius: float) -> float:
    """As `homes.fold`: the log-odds of being out with one more position."""
    said = leaning(off, radius, HOME_LEAN_MAX)
    if not believed:
        return updated(HOME_PRIOR, HOME_WEIGHT * said, HOME_FLOOR, HOME_CEILING)
    said *= share(gap_ms, HOME_WEIGHT, HOME_RHYTHM_MS, HOME_POWER)
    return folded(odds, gap_ms, said, HOME_PRIOR, HOME_FADES_MS, HOME_FLOOR, HOME_CEILING)


@jit
def to_xy(lat: float, lon: float, shape: Any) -> geo.Xy:
    """As `geo.Plane.to_xy`."""
    phi = radians(lat)
    lam = radians(lon - shape.lon0)
    sine = sin(phi)
    across = A_M / sqrt(1.0 - E2 * sine * sine)
    out = across * cos(phi)
    x = out * sin(lam)
    out *= cos(lam)
    y = shape.cos * (across * (1.0 - E2) * sine - shape.z0) - shape.sin * (out - shape.n0)
    short = sqrt(x * x + y * y) / shape.r
    if shape.cos * out + shape.sin * across * sine < 0.0:
        return (HALF_TURN - asin(min(short, 1.0))) * shape.r, 0.0
    if short < 1e-9:
        return x, y
    stretch = asin(min(short, 1.0)) / short
    return x * stretch, y * stretch


@jit
def off_m(x: float, y: float, shape: Any, edges: Any) -> float:
    """As `grounds.off_m`. Rings need no order among themselves: a point in a hole has an even number of edges beside it."""
    if shape.edges == 0:
        away: float = sqrt(x * x + y * y) - shape.bound_m
        return away
    best = 1e300
    inside = False
    for n in range(shape.edge_from, shape.edge_from + shape.edges):
        edge = edges[n]
        ax, ay, bx, by = edge.ax, edge.ay, edge.bx, edge.by
        ex, ey = bx - ax, by - ay
        wx, wy = x - ax, y - ay
        square = ex * ex + ey * ey
        if square > 0.0:
            along = (wx * ex + wy * ey) / square
            if along >= 1.0:
                wx, wy = x - bx, y - by
            elif along > 0.0:
                wx -= ex * along
                wy -= ey * along
        best = min(best, wx * wx + wy * wy)
        if (ay > y) != (by > y) and x < (bx - ax) * (y - ay) / (by - ay) + ax:
            inside = not inside
    return -sqrt(best) if inside else sqrt(best)


@jit
def touches(there: geo.Xy, here: geo.Xy, shape: Any, edges: Any) -> bool:
    """Whether the straight way cuts or touches an edge."""
    for n in range(shape.edge_from, shape.edge_from + shape.edges):
        edge = edges[n]
        if segments_touch(there, here, (edge.ax, edge.ay), (edge.bx, edge.by)):
            return True
    return False


@jit
def may_have_jumped(before: Any, fix: Any) -> bool:
    """As `fixes.jumped`, or nearly so."""
    gap_s = abs(fix.at - before.at) / 1000
    reach = SPEED_MPS_MAX * (gap_s + 1.0)
    reach += radius_m(before.accuracy_m, before.source) + radius_m(fix.accuracy_m, fix.source) - DOUBT_M
    if abs(fix.lat - before.lat) * 111_200 + abs(fix.lon - before.lon) * 94_000 <= reach:
        return False
    return bool(distance_m(before.lat, before.lon, fix.lat, fix.lon) > reach)


@jit
def apart(lat1: float, lon1: float, radius1: float, lat2: float, lon2: float, radius2: float) -> tuple[float, float]:
    """As `proximity.apart`: metres, and what they may be off by."""
    return distance_m(lat1, lon1, lat2, lon2), hypot(radius1, radius2)
