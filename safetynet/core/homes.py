"""Whether somebody is at home: a belief fed by positions, the same arithmetic by day and night.

Log-odds of being out (tracking.md section 4). Every position that tells adds what it says, capped, because one in a
hundred is several times as wrong as it claims. That somebody was at home grows stale; who was out is out until seen at
home. What the thresholds are worth is measured in tests/core/test_curfew.py.

Absent on purpose: when anybody has to be at home (`orders`) and what follows from it (`rules`).
"""

from math import exp, sqrt
from typing import Final, NamedTuple

from safetynet.core import grounds
from safetynet.core.fixes import Fix, lean
from safetynet.core.grounds import Ground
from safetynet.core.terms import MINUTE_MS, Instant

SILENT_MS: Final = 10 * MINUTE_MS
"""Who was not heard at all for so long may be anywhere."""
UNKNOWN_MS: Final = 30 * MINUTE_MS
"""Nor does a position that tells say after so long that somebody is at home, although the device still speaks."""
FADES_MS: Final = 10 * MINUTE_MS
ODDS_PRIOR: Final = -3.0
ODDS_MAX: Final = 6.0
ODDS_WEIGHT: Final = 0.5
"""Of a position that comes RHYTHM_MS after the one before; of a sooner one less."""
RHYTHM_MS: Final = MINUTE_MS
ODDS_SURE: Final = 3.5
ODDS_SUSPECT: Final = 2.2
ODDS_HOME: Final = -1.4
"""Log-odds of being out: 97 %, 90 %, 20 %."""


class Belief(NamedTuple):
    odds: float
    """That the wearer is out, as of the newest position that tells."""
    at: Instant
    """The instant of that position."""


def fold(old: Belief | None, home: Ground, fix: Fix, at: Instant) -> Belief:
    """The belief with a position that tells and is newer than the one before."""
    assert fix.lat is not None
    assert fix.lon is not None
    # Errors of neighbouring positions hang together: at a quick rhythm each says less.
    weight = ODDS_WEIGHT * sqrt(min(1.0, (at - old.at) / RHYTHM_MS)) if old else ODDS_WEIGHT
    kept = ODDS_PRIOR if old is None else old.odds
    if old is not None and kept < ODDS_PRIOR:
        kept = ODDS_PRIOR + (kept - ODDS_PRIOR) * exp((old.at - at) / FADES_MS)
    odds = kept + weight * lean(fix, grounds.off_m(home, home.plane.to_xy(fix.lat, fix.lon)))
    return Belief(max(-ODDS_MAX, min(ODDS_MAX, odds)), at)
