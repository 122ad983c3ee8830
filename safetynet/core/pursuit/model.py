"""How people move who do not want to be found, as figures: the model of the belief.

A *gait* is a column of the belief: hidden, on foot, by bicycle, by car. Speeds and rates are guesses of the right size
(docs/adr/0020): nobody has published flights. They say how wide the belief spreads, never where somebody is.

Absent on purpose: people. Nothing here is learnt from a wearer.
"""

from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

STEP_S: Final = 1
MIX_S: Final = 5
"""Every so many seconds people change how they move."""


class Means(Enum):
    """What a witness can tell: how somebody moves."""

    FOOT = "foot"
    BICYCLE = "bicycle"
    CAR = "car"


@dataclass(frozen=True, slots=True)
class Gait:
    name: str
    means: Means | None
    """None: hidden, nobody sees him."""
    prior: float
    mps: float = 0.0
    car_share: float = 0.0
    """Of the road's usual speed, for gaits that go by it."""
    turns_per_s: float = 0.0
    """Turning round within a street."""


@dataclass(frozen=True)
class Model:
    """Parameters of the belief. Every field has been tuned on seeds of its own, see bench/pursuit.py."""

    gaits: tuple[Gait, ...]
    changes: tuple[tuple[str, str, float], ...]
    """(from, to, per second)."""
    straight: float = 1.6
    back: float = 3.0
    away: float = 1.0
    """Weight of going away from the last fix, until somebody has seen him: after that it only does harm, as measured."""
    wide: float = 0.35
    """Cars like large roads."""
    illegal: float = 30.0
    through_per_s: float = 1 / 150
    """Somebody inside a block comes out on another side of it."""
    attention: float = 0.45
    attention_fall: float = 0.17
    trusted: float = 0.6
    """How much of a view's silence is believed: footprints are wrong, lorries stand in the way."""
    follow_per_s: float = 0.5
    """Chance that whoever has just marked a person in a picture marks him again, once FOLLOW_S have passed."""
    follow_after_s: int = 6
    follow_until_s: int = 14
    false_per_s: float = 1 / 30
    """Rate of false marks that is assumed: far more than happen, so that a false one can be overcome."""
    mark_m: float = 14.0
    mark_lag_s: int = 2
    """A key is pressed so long after the picture was seen, where the report itself does not say."""
    mark_slack_s: float = 1.0
    """How well the second of the picture is known."""
    outside: float = 0.35
    """Weight of a mark for places that the view should not show."""
    means_right: float = 0.9
    way_right: float = 0.85
    blind: float = 0.2
    """Share of a footprint that a camera does not really see."""
    known_floor: float = 0.5
    horizon_s: int = 10
    bonus: float = 0.15
    back_s: int = 120
    """So long after a sighting one view stays where it was."""
    dropped: float = 2e-6
    """Rows with less are forgotten."""

    @property
    def columns(self) -> int:
        return len(self.gaits)

    @cached_property
    def hidden(self) -> NDArray[np.bool_]:
        return np.array([each.means is None for each in self.gaits])

    def index(self, name: str) -> int:
        return next(row for row, each in enumerate(self.gaits) if each.name == name)

    @cached_property
    def priors(self) -> NDArray[np.float32]:
        given = np.array([each.prior for each in self.gaits])
        share: NDArray[np.float32] = (given / given.sum()).astype(np.float32)
        return share

    @cached_property
    def mixing(self) -> NDArray[np.float32]:
        """Row to column, for MIX_S seconds."""
        found = np.eye(self.columns)
        for come, go, rate in self.changes:
            share = rate * MIX_S
            found[self.index(come), self.index(go)] += share
            found[self.index(come), self.index(come)] -= share
        assert found.min() >= 0.0, "a rate too fast for one step"
        return found.astype(np.float32)

    def notice_per_s(self, shown: int) -> float:
        """Chance in a second that somebody notices a person in one of so many pictures."""
        return self.attention / (1.0 + self.attention_fall * max(0, shown - 1))


FLIGHT: Final = Model(
    gaits=(
        Gait("hidden", None, 0.03),
        Gait("walk", Means.FOOT, 0.42, mps=1.3, turns_per_s=1 / 300),
        Gait("run", Means.FOOT, 0.26, mps=2.6, turns_per_s=1 / 300),
        Gait("bicycle", Means.BICYCLE, 0.11, mps=4.2, turns_per_s=1 / 300),
        Gait("car", Means.CAR, 0.18, car_share=0.7),
    ),
    changes=(
        ("walk", "hidden", 1 / 350),
        ("run", "hidden", 1 / 350),
        ("hidden", "walk", 0.7 / 140),
        ("hidden", "run", 0.15 / 140),
        ("hidden", "bicycle", 0.02 / 140),
        ("hidden", "car", 0.13 / 140),
        ("walk", "run", 1 / 400),
        ("walk", "bicycle", 1 / 900),
        ("walk", "car", 1 / 900),
        ("run", "walk", 1 / 160),
        ("bicycle", "walk", 1 / 1500),
        ("bicycle", "hidden", 1 / 600),
        ("car", "walk", 1 / 350),
        ("car", "run", 1 / 700),
        ("car", "hidden", 1 / 900),
    ),
)
"""After a strap was cut."""
