"""Which views to show: always those in which he will most likely be over the next seconds.

Greedy cover: the view that adds most, then the one that adds most to it, until the wall is full. What is shown already
is worth a little more, so that pictures do not flicker. One view stays where he was last seen. Every tile says why.

Absent on purpose: whether a view may be shown (`grants`): the caller says which are allowed.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

import numpy as np

from safetynet.core.pursuit.belief import Belief, Ground, Outlook, ahead, by_place
from safetynet.core.pursuit.search import Search, worths
from safetynet.core.roads import compiled, place_near
from safetynet.core.roads.graph import Bools, Doubles, Floats, Ints

GAIN_MIN: Final = 1e-9
COMING_S: Final = (20, 30, 40)
"""Pictures of this near future are connected before they are shown."""
HERE_M: Final = 25.0
REGION: Final = ((0.5, 0.5), (0.95, 0.95))
"""(what is said, what is drawn): where a region holds less than the belief says, a larger one is drawn. Measured by bench/pursuit.py."""


class Why(Enum):
    """Why a view is shown."""

    LIKELY = "likely"
    """He is most likely in this picture within the next seconds."""
    LAST_SEEN = "last_seen"
    """Here he was seen last."""
    KEPT = "kept"
    """Shown already, and nearly as good as another."""


@dataclass(frozen=True, slots=True)
class Tile:
    view: int
    why: Why
    share: float
    """Chance that he is in the picture, averaged over `seconds`."""
    seconds: int
    toward_deg: float | None
    """From where he was last known to be to what the view shows, clockwise from north; None when it shows that very place."""


def choose(
    ground: Ground, search: Search, wanted: int, shown: Sequence[int] = (), allowed: Bools | None = None
) -> tuple[Tile, ...]:
    """At most one view per camera; ties by row. Deterministic."""
    horizon = ground.model.horizon_s
    seconds = (0,) if horizon == 0 else (0, horizon // 2, horizon)
    return _chosen(ground, search, wanted, shown, allowed, seconds, back=wanted > 1)


def coming(
    ground: Ground, search: Search, wanted: int, shown: Sequence[int], allowed: Bools | None = None
) -> tuple[Tile, ...]:
    """Which views to connect beforehand: where he will most likely be a little later, and what is not shown yet."""
    free = np.ones(len(ground.views), np.bool_) if allowed is None else allowed.copy()
    free[np.isin(ground.views.camera, ground.views.camera[list(shown)])] = False
    return _chosen(ground, search, wanted, (), free, COMING_S, back=False)


def _chosen(
    ground: Ground,
    search: Search,
    wanted: int,
    shown: Sequence[int],
    allowed: Bools | None,
    seconds: tuple[int, ...],
    *,
    back: bool,
) -> tuple[Tile, ...]:
    views, model = ground.views, ground.model
    outlook = Outlook(ground)
    ahead(ground, search.belief, ground.turns(search.anchor), [(each, 1.0 / len(seconds)) for each in seconds], outlook)
    worth = worths(ground, search.learnt)
    factor = np.ones(len(views))
    factor[list(shown)] += model.bonus
    if allowed is not None:
        factor[~allowed] = 0.0
    first = _back(ground, search, outlook.there, worth, factor) if back else -1
    by_place, entry = views.by_place
    picked, gain, leads = pick(
        views.offset, views.place, worth, views.camera, by_place, entry, views.view_of,
        outlook.there, outlook.places, factor, wanted, first,
    )  # fmt: skip
    outlook.close()
    kept = set(shown)
    return tuple(
        Tile(
            int(view),
            Why.LAST_SEEN if view == first else Why.KEPT if view in kept and not best else Why.LIKELY,
            float(share),
            seconds[-1],
            _toward(ground, search, int(view), worth),
        )
        for view, share, best in zip(picked, gain, leads, strict=True)
    )


def _toward(ground: Ground, search: Search, view: int, worth: Floats) -> float | None:
    entries = slice(ground.views.offset[view], ground.views.offset[view + 1])
    place, weight = ground.views.place[entries], worth[entries]
    whole = float(weight.sum())
    if whole <= 0.0:
        return None
    east = float((ground.roads.place_x[place] * weight).sum()) / whole - search.spot[0]
    north = float((ground.roads.place_y[place] * weight).sum()) / whole - search.spot[1]
    return None if math.hypot(east, north) < HERE_M else math.degrees(math.atan2(east, north)) % 360.0


def _back(ground: Ground, search: Search, there: Doubles, worth: Floats, factor: Doubles) -> int:
    """The view that sees best where he was last seen, -1 for none."""
    last = search.last
    if last is None or search.second - search.second_of(last.at) > ground.model.back_s:
        return -1
    place = place_near(ground.roads, last.x, last.y)
    if place is None:
        return -1
    entries = np.flatnonzero(ground.views.place == place)
    if not len(entries):
        return -1
    seeing = np.searchsorted(ground.views.offset, entries, "right") - 1
    value = np.array([_value(ground, int(view), there, worth) for view in seeing])
    value = (value + 0.02 * worth[entries]) * factor[seeing]
    if last.view is not None:
        value = np.where(seeing == last.view, value * 1.5, value)
    return int(seeing[np.argmax(value)]) if value.max() > 0.0 else -1


def _value(ground: Ground, view: int, there: Doubles, worth: Floats) -> float:
    entries = slice(ground.views.offset[view], ground.views.offset[view + 1])
    return float((there[ground.views.place[entries]] * worth[entries]).sum())


def chance_in_view(ground: Ground, search: Search, shown: Sequence[int]) -> float:
    """That he is now in one of these pictures."""
    views, model = ground.views, ground.model
    worth = worths(ground, search.learnt)
    learnt = {each.view for each in search.learnt}
    outlook = Outlook(ground)
    outlook.add(search.belief, 1.0)
    missed: dict[int, float] = {}
    for view in shown:
        for k in range(int(views.offset[view]), int(views.offset[view + 1])):
            sure = float(worth[k]) if view in learnt else float(views.share[view])
            place = int(views.place[k])
            missed[place] = missed.get(place, 1.0) * (1.0 - (1.0 - model.blind) * sure)
    chance = sum(float(outlook.there[place]) * (1.0 - left) for place, left in missed.items())
    outlook.close()
    return chance


def region(ground: Ground, belief: Belief, share: float) -> Ints:
    """The fewest places that hold so much of the belief, likeliest first."""
    places, chance = by_place(ground, belief)
    return places[: int(np.searchsorted(np.cumsum(chance), share * chance.sum())) + 1]


@compiled
def pick(
    offset: Ints, place: Ints, worth: Floats, camera: Ints, by_place: Ints, entry: Ints, view_of: Ints,
    left: Doubles, places: Ints, factor: Doubles, wanted: int, first: int,
) -> tuple[Ints, Doubles, Bools]:  # fmt: skip
    """Greedy with lazy gains: an old gain is never less than the new one. Uses `left` up."""
    gain = np.zeros(len(offset) - 1, np.float64)
    some = np.empty(len(offset) - 1, np.int32)
    found = 0
    for n in range(len(places)):
        p = places[n]
        if p + 1 >= len(by_place) or left[p] <= 0.0:
            continue
        for k in range(by_place[p], by_place[p + 1]):
            v = view_of[entry[k]]
            if factor[v] > 0.0:
                if gain[v] == 0.0:
                    some[found] = v
                    found += 1
                gain[v] += left[p] * worth[entry[k]] + 1e-300
    some = np.sort(some[:found])
    chosen = np.empty(wanted, np.int32)
    added = np.empty(wanted, np.float64)
    leads = np.zeros(wanted, np.bool_)
    count = 0
    while count < wanted:
        best, plain = first, first
        if count > 0 or first < 0:
            best, plain, liked, plainly = -1, -1, GAIN_MIN, 0.0
            for n in range(found):
                v = some[n]
                if (gain[v] * factor[v] <= liked and gain[v] <= plainly) or taken(camera, chosen, count, v):
                    continue
                gain[v] = 0.0
                for k in range(offset[v], offset[v + 1]):
                    gain[v] += left[place[k]] * worth[k]
                if gain[v] > plainly:
                    plain, plainly = v, gain[v]
                if gain[v] * factor[v] > liked:
                    best, liked = v, gain[v] * factor[v]
        if best < 0:
            break
        chosen[count] = best
        added[count] = 0.0
        for k in range(offset[best], offset[best + 1]):
            added[count] += left[place[k]] * worth[k]
            left[place[k]] *= 1.0 - worth[k]
        leads[count] = best == plain
        count += 1
    return chosen[:count], added[:count], leads[:count]


@compiled
def taken(camera: Ints, chosen: Ints, count: int, view: int) -> bool:
    """Whether another view of its camera was chosen already."""
    for n in range(count):  # noqa: SIM110 - a compiled kernel knows no generators
        if camera[chosen[n]] == camera[view]:
            return True
    return False
