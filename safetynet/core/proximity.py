"""Wearer and protected person as a moving pair: how far apart, how sure, and what the protected person may be told.

Both are brought to one instant first: between two positions on the straight way, after the newest the circle grows with
every second. Whoever is silent is therefore anywhere in a growing circle, never "still there". Of two persons only the
distance comes out here, and for the protected person a wide sector: never a point, never the other person's map.

Absent on purpose: what a distance means in law (`law`, `rules`) and who is told (`control`).
"""

from collections.abc import Iterator, Sequence
from enum import Enum
from math import hypot
from typing import Final, NamedTuple, TypeAlias

from safetynet.core import geo
from safetynet.core.fixes import Fix, instant, radius_m
from safetynet.core.orders import Protected
from safetynet.core.terms import MINUTE_MS, SECOND_MS, AlarmKind, Instant

TRAIL_MAX: Final = 8
"""Positions remembered of one person: enough to bring a late one of the other to its own time."""
GROWTH_MPS: Final = 1.5
"""Of the circle in which somebody is who was not heard since: a brisk walk. A reported speed counts when it is more."""
STALE_MS: Final = 10 * MINUTE_MS
"""So long after a position, or before the first, nothing is said of a pair: the protected person's silence is an alarm."""
LOST_MS: Final = 10 * MINUTE_MS
"""A protected person whose place is not known for so long is called, and the police are told (Decree 23-12(3))."""
RING_1K_M: Final = 1_000.0
"""Decree 23-14: the police are told at once."""
RING_2K_M: Final = 2_000.0
"""Practice of the ministry: the protected person is told."""
CLOSING_MS: Final = 60 * SECOND_MS
SECTOR_DEG_MIN: Final = 60.0
SECTOR_DEG_MAX: Final = 150.0
WINDS: Final = 8
"""A sector is shown around the nearest of these directions, so that nobody can take a bearing from two of them."""
STEP_NEAR_M: Final = 50
STEP_FAR_M: Final = 100

APPROACH: Final = frozenset({AlarmKind.APPROACH_100, AlarmKind.APPROACH_1K, AlarmKind.APPROACH_2K})
PROTECTING: Final = APPROACH | {AlarmKind.PROTECTED_SOS, AlarmKind.PROTECTED_LOST}
"""Kinds of alarm that concern a protected person beside the wearer."""

Trail: TypeAlias = tuple[Fix, ...]
"""Positions of one person that steer, oldest first."""


class Spot(NamedTuple):
    lat: float
    lon: float
    radius_m: float


class Apart(NamedTuple):
    metres: float
    give_m: float
    """68 % radius of the distance: of both circles together."""


class Within(Enum):
    INSIDE = "inside"
    MAYBE = "maybe"
    OUTSIDE = "outside"
    UNKNOWN = "unknown"
    """Too vague to say anything of so small a ring."""


class Sector(NamedTuple):
    """As the protected person sees it, degrees clockwise from north."""

    towards_deg: float
    width_deg: float
    away_deg: float


def noted(trail: Trail, fix: Fix) -> Trail:
    """With a position, which may be late."""
    return tuple(sorted((*trail, fix), key=instant))[-TRAIL_MAX:]


def spot(trail: Trail, at: Instant) -> Spot | None:
    """Where the person was at that instant; None when too far from any position."""
    before = next((each for each in reversed(trail) if instant(each) <= at), None)
    after = next((each for each in trail if instant(each) > at), None)
    near = [each for each in (before, after) if each is not None and abs(instant(each) - at) <= STALE_MS]
    if len(near) == 2:
        return _between(near[0], near[1], at)
    return _grown(near[0], at) if near else None


def _between(one: Fix, other: Fix, at: Instant) -> Spot:
    first, second = _grown(one, at), _grown(other, at)
    share = (at - instant(one)) / (instant(other) - instant(one))
    lat = first.lat + (second.lat - first.lat) * share
    lon = first.lon + (second.lon - first.lon) * share
    # On the straight way between two known places, and no further off it than from the nearer one.
    return Spot(lat, lon, min(first.radius_m, second.radius_m))


def _grown(fix: Fix, at: Instant) -> Spot:
    assert fix.lat is not None
    assert fix.lon is not None
    age_s = abs(at - instant(fix)) / SECOND_MS
    return Spot(fix.lat, fix.lon, radius_m(fix) + age_s * max(GROWTH_MPS, fix.speed_mps or 0.0))


def apart(one: Spot, other: Spot) -> Apart:
    return Apart(geo.distance_m(one.lat, one.lon, other.lat, other.lon), hypot(one.radius_m, other.radius_m))


def rings(protected: Protected) -> Iterator[tuple[AlarmKind, float]]:
    """Innermost first: what the court ordered, what the statute says, what practice adds."""
    yield AlarmKind.APPROACH_100, protected.distance_m
    yield AlarmKind.APPROACH_1K, RING_1K_M
    yield AlarmKind.APPROACH_2K, RING_2K_M


def within(pair: Apart, ring_m: float) -> Within:
    if pair.metres + pair.give_m <= ring_m:
        return Within.INSIDE
    if pair.metres - pair.give_m >= ring_m:
        return Within.OUTSIDE
    # Of what is vaguer than half the ring, only the middle counts.
    return Within.MAYBE if pair.metres - min(pair.give_m, ring_m / 2) < ring_m else Within.UNKNOWN


# --- what the protected person may be told -------------------------------------------------------------------------


def rounded_m(metres: float) -> int:
    """A distance as it is told: in steps, never under the first."""
    step = STEP_NEAR_M if metres < RING_1K_M else STEP_FAR_M
    return max(step, round(metres / step) * step)


def closing(one: Trail, other: Trail, at: Instant) -> bool | None:
    """Whether they come nearer; None when that cannot be told from the errors."""
    earlier = Instant(at - CLOSING_MS)
    spots = (spot(one, at), spot(other, at), spot(one, earlier), spot(other, earlier))
    a, b, c, d = spots
    if a is None or b is None or c is None or d is None:
        return None
    now, then = apart(a, b), apart(c, d)
    change = then.metres - now.metres
    return None if abs(change) < min(now.give_m, then.give_m) else change > 0


def sector(me: Spot, other: Spot) -> Sector | None:
    """In which direction the other is, wide on purpose; None when the circles are too large for any direction."""
    pair = apart(me, other)
    if pair.give_m > pair.metres / 2:
        return None
    wind = 360.0 / WINDS
    towards = round(geo.bearing_deg(me.lat, me.lon, other.lat, other.lon) / wind) % WINDS * wind
    width = min(SECTOR_DEG_MAX, max(SECTOR_DEG_MIN, wind + 2 * 57.3 * pair.give_m / pair.metres))
    return Sector(towards, width, (towards + 180.0) % 360.0)


def newest(trail: Sequence[Fix]) -> Fix | None:
    return trail[-1] if trail else None
