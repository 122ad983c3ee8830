"""Whether somebody is in a forbidden zone: a belief fed by positions.

Absent on purpose: which zones there are (`orders`) and what follows (`rules`).
"""

from typing import Final, NamedTuple

from safetynet.core import evidence
from safetynet.core.fixes import Fix, instant, radius_m
from safetynet.core.terms import Instant
from safetynet.core.thresholds import Zone

NEAR_M: Final = 200.0
"""Further from a zone, and from the way there, a wearer is known to be elsewhere."""
INFINITE_M: Final = 1.0e9


class Belief(NamedTuple):
    odds: float
    """Log-odds that the wearer is inside, as of the newest position that steers."""
    at: Instant
    outside: Fix | None = None
    """The newest position that steers and whose whole circle lies outside: where a way through it begins."""
    deepest_m: float = -INFINITE_M
    """How far the deepest position since then lies within the edge, beyond twice its own radius."""


def before(known: Belief | None, seen_at: Instant | None, at: Instant, by: Zone) -> tuple[float, int]:
    """What was believed until now, faded, and how long ago. `seen_at`: when the newest position before this one was.

    Without a belief the zone was far from that position: the wearer was known to be elsewhere.
    """
    if known is not None:
        gap_ms = at - known.at
        return evidence.faded(known.odds, by.prior, gap_ms, by.fades_ms), gap_ms
    if seen_at is None:
        return by.prior, by.rhythm_ms
    gap_ms = at - seen_at
    return evidence.faded(by.floor, by.prior, gap_ms, by.fades_ms), gap_ms


def fold(known: Belief | None, last: Fix | None, fix: Fix, off_m: float, by: Zone) -> Belief:
    """The belief with a position so far from the zone's edge (negative inside), newer than all before it.

    `last`: the newest position before, which was far outside when nothing is believed of the zone.
    """
    at, radius = instant(fix), radius_m(fix)
    odds, gap_ms = before(known, None if last is None else instant(last), at, by)
    said = -evidence.lean(off_m, evidence.sigma_m(radius), by.lean_max)
    said *= evidence.share(gap_ms, by.weight, by.rhythm_ms, by.power)
    odds = evidence.updated(odds, said, by.floor, by.ceiling)
    if off_m >= radius:
        return Belief(odds, at, fix)
    outside, deepest_m = (known.outside, known.deepest_m) if known is not None else (last, -INFINITE_M)
    return Belief(odds, at, outside, max(deepest_m, -off_m - 2 * radius))
