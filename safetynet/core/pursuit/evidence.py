"""What is heard of somebody, and what it makes of a belief. Every kind has a floor: no word is believed entirely.

A fix says about where a device was. Somebody saw him: in a picture, or on the spot. A picture was looked at and nothing
was said: that is evidence too, of the weakest kind, and there is most of it.

Absent on purpose: when what was heard (`search`).
"""

import math
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

import numpy as np

from safetynet.core.pursuit.belief import Belief, Ground, weighted
from safetynet.core.pursuit.model import Means
from safetynet.core.roads.graph import Floats
from safetynet.core.terms import Certainty, Instant


class Witness(Enum):
    """Who says that he was seen."""

    PICTURE = "picture"
    """Somebody at a screen."""
    OFFICER = "officer"
    CALLER = "caller"


@dataclass(frozen=True, slots=True)
class Fixed:
    """A position of the device, while it is believed to be on him. Metres in the plane of the roads."""

    at: Instant
    x: float
    y: float
    radius_m: float
    trust: float = 0.9
    """That the device was near him at all; by source and grade of the fix."""


@dataclass(frozen=True, slots=True)
class Seen:
    at: Instant
    """When the picture was taken, not when the key was pressed."""
    x: float
    y: float
    witness: Witness = Witness.PICTURE
    view: int | None = None
    certainty: Certainty = Certainty.CERTAIN
    heading_deg: float | None = None
    means: Means | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """One second in which these pictures were live before somebody who looked, and nothing was said of them."""

    at: Instant
    views: tuple[int, ...]
    wall: int
    """Pictures on the screen in all: attention is shared."""


@dataclass(frozen=True, slots=True)
class NotThere:
    """Somebody looked for him in this picture and says that he is not in it."""

    at: Instant
    view: int


Evidence: TypeAlias = Fixed | Seen | Shown | NotThere

_SPREAD_M = {Witness.PICTURE: 0.0, Witness.OFFICER: 15.0, Witness.CALLER: 50.0}
"""Added to the width of a sighting."""
_DOUBT = {Witness.PICTURE: 1.0, Witness.OFFICER: 0.3, Witness.CALLER: 5.0}
"""Rate of false words beside that of marks in pictures."""
_DOUBT_MAYBE = 4.0
NOT_THERE: float = 0.9
"""How much a person's word that he is not in a picture is believed."""


def seen(ground: Ground, belief: Belief, said: Seen, wall: int, worth: Floats) -> Belief:
    """A likelihood that falls with the distance, and a floor: the word may be false."""
    model, roads = ground.model, ground.roads
    place = roads.cell_place[belief.cells]
    square = (roads.place_x[place] - said.x) ** 2 + (roads.place_y[place] - said.y) ** 2
    base = model.mark_m + _SPREAD_M[said.witness]
    near = np.empty_like(belief.chance)
    notice = model.notice_per_s(wall)
    for column, gait in enumerate(model.gaits):
        if gait.means is None:
            near[:, column] = 0.0
            continue
        speed = gait.mps or gait.car_share * 8.0
        width = base**2 + (speed * model.mark_slack_s) ** 2
        near[:, column] = np.exp(-0.5 * square / width) / math.sqrt(2.0 * math.pi * width)
        if said.means is not None:
            near[:, column] *= model.means_right if gait.means is said.means else 1.0 - model.means_right
    near *= (notice * roads.cell_m[belief.cells])[:, None]
    if said.heading_deg is not None:
        turn = math.radians(said.heading_deg)
        along = roads.cell_hx[belief.cells] * math.sin(turn) + roads.cell_hy[belief.cells] * math.cos(turn)
        near *= np.where(along > 0.0, model.way_right, 1.0 - model.way_right)[:, None]
    if said.view is not None:
        inside = np.full(roads.places, model.outside, np.float32)
        entries = slice(ground.views.offset[said.view], ground.views.offset[said.view + 1])
        inside[ground.views.place[entries]] = 1.0
        near *= inside[place][:, None]
    doubt = _DOUBT[said.witness] * (_DOUBT_MAYBE if said.certainty is Certainty.MAYBE else 1.0)
    floor = model.false_per_s * doubt / (6.0 * max(1, wall))
    return weighted(belief, near + np.float32(floor))


def fixed(ground: Ground, belief: Belief, said: Fixed) -> Belief:
    """The device was here: whoever wears it was within its accuracy, if he wears it."""
    roads = ground.roads
    place = roads.cell_place[belief.cells]
    width = max(said.radius_m / 1.5, 8.0) ** 2
    square = (roads.place_x[place] - said.x) ** 2 + (roads.place_y[place] - said.y) ** 2
    near = said.trust * np.exp(-0.5 * square / width) + (1.0 - said.trust)
    return weighted(belief, np.repeat(near.astype(np.float32)[:, None], belief.chance.shape[1], axis=1))
