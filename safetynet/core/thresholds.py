"""The figures by which it is judged, in one place: what is believed, from when on it is a suspicion, and a violation.

`STANDARD` is what a control centre judges by. Another set is a file for a dry run over the past (`safetynet replay`):
it says in alarms a day what a change would do, before anybody makes it. What the standard's figures are worth is
measured in bench/decisions.py.

Absent on purpose: the arithmetic (`evidence`), and every limit that is no matter of opinion (`rules`, `homes`).
"""

from typing import Final

import msgspec

from safetynet.core.terms import MINUTE_MS

FADES_MS_MIN, FADES_MS_MAX = MINUTE_MS, 24 * 60 * MINUTE_MS
RHYTHM_MS_MIN: Final = 1_000
ODDS_MAX: Final = 20.0
"""Log-odds beyond this are certainty to nine digits: no threshold lies there."""


class Belief(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Log-odds of the violating side: inside a forbidden zone, out of a home. Raises ValueError for what cannot be meant."""

    lean_max: float
    """No single position says more."""
    weight: float
    """Of a position that comes `rhythm_ms` after the one before; of a sooner one less."""
    rhythm_ms: int
    power: float
    """How much less: 0 not at all, 1 in proportion to the time between. Errors of neighbours hang together."""
    fades_ms: int
    """Knowing that somebody was elsewhere grows stale with this time constant."""
    prior: float
    floor: float
    """Of who was seen elsewhere again and again."""
    ceiling: float
    watch: float
    """From here on the device is asked for quick positions."""
    suspect: float
    sure: float
    over: float
    """Down to here the condition holds again."""

    def __post_init__(self) -> None:
        bounds = (-ODDS_MAX, self.floor, self.prior, self.suspect, self.sure, self.ceiling, ODDS_MAX)
        if list(bounds) != sorted(bounds):
            raise ValueError("not in order: floor, prior, suspect, sure, ceiling")
        if not (self.floor <= self.over <= self.suspect and self.floor <= self.watch <= self.sure):
            raise ValueError("over or watch out of place")
        if not 0.0 < self.weight <= 4.0 or not 0.0 < self.lean_max <= ODDS_MAX:
            raise ValueError("weight or lean_max out of range")
        if not 0.0 <= self.power <= 2.0:
            raise ValueError("power out of range")
        if self.rhythm_ms < RHYTHM_MS_MIN or not FADES_MS_MIN <= self.fades_ms <= FADES_MS_MAX:
            raise ValueError("rhythm_ms or fades_ms out of range")


class Zone(Belief, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of being inside a forbidden zone. Who has just been seen elsewhere needs more than one wild position; of whom
    nothing is known one sharp position is enough.
    """

    lean_max: float = 10.0
    weight: float = 1.0
    rhythm_ms: int = MINUTE_MS
    power: float = 0.63
    fades_ms: int = 10 * MINUTE_MS
    prior: float = -2.0
    floor: float = -10.0
    ceiling: float = 6.0
    watch: float = 0.0
    suspect: float = 0.0
    sure: float = 4.0
    over: float = -1.4


class Home(Belief, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of being out of where one must be: when a curfew holds, of an area of residence, of an ordered place."""

    lean_max: float = 10.0
    weight: float = 0.7
    rhythm_ms: int = MINUTE_MS
    power: float = 0.7
    fades_ms: int = 10 * MINUTE_MS
    prior: float = -3.0
    floor: float = -10.0
    ceiling: float = 6.0
    watch: float = -4.0
    suspect: float = 2.2
    sure: float = 4.5
    over: float = -1.4


class Rules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    version: str
    """Stored with every alarm. Changed whenever any fix could be judged differently."""
    zone: Zone = Zone()
    home: Home = Home()
    watch_ms: int = MINUTE_MS
    """A device is asked for quick positions until nothing was suspicious for so long."""
    sweep_gap_ms_max: int = 5 * MINUTE_MS
    """Over a longer silence the way between two positions says nothing."""
    pace_factor: float = 1.2
    """Between two fixes nobody is taken to be faster than this times the pace seen there (means and reported speeds)."""

    def __post_init__(self) -> None:
        if not self.version or not 0 <= self.watch_ms <= 60 * MINUTE_MS:
            raise ValueError("version or watch_ms out of range")
        if not 0 <= self.sweep_gap_ms_max <= 60 * MINUTE_MS or not 1.0 <= self.pace_factor <= 10.0:
            raise ValueError("sweep_gap_ms_max or pace_factor out of range")


STANDARD: Final = Rules(version="2026.11-5")


def from_json(data: bytes) -> Rules:
    """What is left out is as in the standard. Raises msgspec.ValidationError or msgspec.DecodeError."""
    return msgspec.json.decode(data, type=Rules)


def to_json(rules: Rules) -> bytes:
    return msgspec.json.format(msgspec.json.encode(rules), indent=2)
