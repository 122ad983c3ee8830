"""Whether somebody is at home: a belief fed by positions, the same arithmetic by day and night.

Log-odds of being out (tracking.md section 4). Every position that tells adds what it says, capped, because one in a
hundred is several times as wrong as it claims. That somebody was at home grows stale; who was out is out until seen at
home.

Absent on purpose: when anybody has to be at home (`orders`) and what follows from it (`rules`).
"""

from typing import Final, NamedTuple

from safetynet.core import evidence, grounds
from safetynet.core.fixes import Fix, sigma_m
from safetynet.core.grounds import Ground
from safetynet.core.terms import MINUTE_MS, Instant
from safetynet.core.thresholds import Home

SILENT_MS: Final = 10 * MINUTE_MS
"""Who was not heard at all for so long may be anywhere."""
UNKNOWN_MS: Final = 30 * MINUTE_MS
"""Nor does a position that tells say after so long that somebody is at home, although the device still speaks."""


class Belief(NamedTuple):
    odds: float
    """That the wearer is out, as of the newest position that tells."""
    at: Instant
    """The instant of that position."""


def fold(old: Belief | None, home: Ground, fix: Fix, at: Instant, by: Home) -> Belief:
    """The belief with a position that tells and is newer than the one before."""
    assert fix.lat is not None
    assert fix.lon is not None
    off_m = grounds.off_m(home, home.plane.to_xy(fix.lat, fix.lon))
    said = evidence.lean(off_m, sigma_m(fix), by.lean_max)
    if old is None:
        return Belief(evidence.updated(by.prior, by.weight * said, by.floor, by.ceiling), at)
    gap_ms = at - old.at
    said *= evidence.share(gap_ms, by.weight, by.rhythm_ms, by.power)
    kept = evidence.faded(old.odds, by.prior, gap_ms, by.fades_ms)
    return Belief(evidence.updated(kept, said, by.floor, by.ceiling), at)
