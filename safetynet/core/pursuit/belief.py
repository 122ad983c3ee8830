"""Where somebody can be: a chance for every cell of road, in both directions, and every gait.

`Ground` is what does not change: roads, views, model. `Belief` is a value: the cells that hold anything, and how much.
Each operation takes one and gives another; the large arrays in between belong to the ground's bench and are left clean.
Only what is active is touched, so a country costs no more than a quarter of a city.

tests/core/pursuit_twin.py says the same in plain Python and is held against it.

Absent on purpose: evidence in order of time (`search`), and dice.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from safetynet.core.pursuit.model import MIX_S, Model
from safetynet.core.pursuit.views import Views
from safetynet.core.roads import Roads, Travel, compiled, costs_s, reach
from safetynet.core.roads.graph import Bools, Doubles, Floats, Ints

STEP_SHARE_MAX: Final = 0.95
"""More of a cell's chance than this never leaves it in one step."""
CROSS_M: Final = (35.0, 150.0)
"""How far from where he went into a block somebody comes out of it."""
CROSS_WAYS: Final = 6
PREDICT_S: Final = 2
"""A longer step would let a car jump over a cell."""
PREDICT_DROPPED: Final = 1e-5
ANCHOR_S_MAX: Final = 3_600.0


@dataclass(frozen=True, eq=False)
class Bench:
    """Scratch arrays, clean between operations: nothing lasts here."""

    one: Floats
    two: Floats
    flag: NDArray[np.uint8]
    missed: Floats
    """Per place, ones."""
    there: Doubles
    """Per place, zeros."""
    listed: Ints
    """Places in use, room for all."""
    used: NDArray[np.uint8]
    """Per place."""

    @staticmethod
    def of(cells: int, places: int, columns: int) -> "Bench":
        return Bench(
            np.zeros((cells, columns), np.float32),
            np.zeros((cells, columns), np.float32),
            np.zeros(cells, np.uint8),
            np.ones(places, np.float32),
            np.zeros(places),
            np.empty(places, np.int32),
            np.zeros(places, np.uint8),
        )


@dataclass(frozen=True, eq=False)
class Turns:
    """Chance of each turn at the end of each arc, per gait; with the anchor it was made for."""

    weight: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Belief:
    """`cells` in the order in which they came to hold anything; `chance` per cell and gait, in all 1."""

    cells: Ints
    chance: Floats

    @property
    def total(self) -> float:
        return float(self.chance.sum(dtype=np.float64))


@dataclass(frozen=True, eq=False)
class Ground:
    roads: Roads
    views: Views
    model: Model
    _turns: dict[int, Turns] = field(default_factory=dict, repr=False)

    @cached_property
    def bench(self) -> Bench:
        return Bench.of(self.roads.cells, self.roads.places, self.model.columns)

    @cached_property
    def inverse_m(self) -> Floats:
        return (1.0 / self.roads.cell_m).astype(np.float32)

    @cached_property
    def car_per_s(self) -> Floats:
        """Cells per second at the road's usual speed."""
        usual: Floats = (self.roads.arc_mps[self.roads.cell_arc] * self.inverse_m).astype(np.float32)
        return usual

    @cached_property
    def last(self) -> Bools:
        found = np.zeros(self.roads.cells, np.bool_)
        found[self.roads.arc_first[1:] - 1] = True
        return found

    @cached_property
    def mps(self) -> Floats:
        return np.array([each.mps for each in self.model.gaits], np.float32)

    @cached_property
    def car_share(self) -> Floats:
        return np.array([each.car_share for each in self.model.gaits], np.float32)

    @cached_property
    def turn_round(self) -> Floats:
        return np.array([each.turns_per_s for each in self.model.gaits], np.float32)

    @cached_property
    def across(self) -> Ints:
        """Per place up to CROSS_WAYS places on other sides of the blocks beside it, else -1."""
        roads, grid = self.roads, self.roads.buckets
        found: Ints = crossings(
            roads.place_x,
            roads.place_y,
            np.array([grid.left, grid.low], np.float64),
            np.array([grid.wide, grid.high], np.int64),
            grid.offset,
            grid.place,
            roads.cell_arc[roads.place_cell] // 2,
        )
        return found

    @cached_property
    def walk_s(self) -> Floats:
        return costs_s(self.roads, Travel.WALK)

    def turns(self, anchor: int | None) -> Turns:
        """Last ones made are kept: several pursuits may share a ground."""
        key = -1 if anchor is None else anchor
        found = self._turns.get(key)
        if found is None:
            found = self._made(anchor)
            if len(self._turns) >= 64:
                self._turns.clear()
            self._turns[key] = found
        return found

    def _made(self, anchor: int | None) -> Turns:
        roads, model = self.roads, self.model
        away = np.zeros(roads.arcs, np.float32)
        if anchor is not None and model.away:
            node_s = reach(roads, self.walk_s, anchor, ANCHOR_S_MAX).node_s
            walk = np.where(np.isfinite(self.walk_s), self.walk_s, roads.arc_m / 1.3)
            with np.errstate(invalid="ignore"):
                gained = (node_s[roads.arc_to] - node_s[roads.arc_from]) / walk
            away = np.where(np.isfinite(gained), np.clip(gained, -1.0, 1.0), 0.0).astype(np.float32)
        by_car = np.array([each.car_share > 0.0 for each in model.gaits])
        weight = turn_weights(
            roads.turn_offset,
            roads.turn_arc,
            roads.turn_cos,
            away,
            roads.arc_rank.astype(np.float32),
            roads.arc_car,
            roads.arc_foot,
            by_car,
            np.array([model.straight, model.back, model.away, model.wide, model.illegal], np.float32),
        )
        return Turns(weight)


def start(ground: Ground, x: float, y: float, radius_m: float) -> Belief:
    """Somebody whose device was here: every cell about, by distance, both directions, gaits by their priors."""
    roads, model = ground.roads, ground.model
    sigma = max(radius_m / 1.5, 8.0)
    near = roads.buckets.around(x, y, 4 * sigma + 50.0)
    away = np.hypot(roads.place_x[near] - x, roads.place_y[near] - y) if len(near) else np.empty(0)
    if not len(near) or away.min() > 4 * sigma + 50.0:
        distance = np.hypot(roads.place_x - x, roads.place_y - y)
        near = np.argsort(distance, kind="stable")[:4].astype(np.int32)
        away = distance[near] - distance[near[0]]
    weight = np.exp(-0.5 * (away / sigma) ** 2) * roads.cell_m[roads.place_cell[near]]
    near, weight = near[weight > 1e-9], weight[weight > 1e-9]
    forward = roads.place_cell[near]
    cells = np.concatenate([forward, roads.cell_twin[forward]]).astype(np.int32)
    arc = roads.cell_arc[cells]
    chance = np.concatenate([weight, weight])[:, None] * model.priors[None, :]
    car = np.array([each.car_share > 0.0 for each in model.gaits])
    chance[np.ix_(~roads.arc_car[arc], car)] = 0.0
    chance[np.ix_(~roads.arc_foot[arc], ~car)] *= 0.01
    return Belief(cells, (chance / chance.sum()).astype(np.float32))


def advance(
    ground: Ground, belief: Belief, turns: Turns, seconds: int, *, at: int, dt: int = 1, dropped: float | None = None
) -> Belief:
    """`at` is the second of the pursuit from which it goes on: people change how they move every MIX_S of it."""
    if seconds <= 0:
        return belief
    bench, model = ground.bench, ground.model
    cells, chance = run(
        belief.cells, belief.chance, bench.one, bench.two, bench.flag, seconds, at, dt, MIX_S,
        *_road_arrays(ground), turns.weight, ground.mps, ground.car_share, ground.turn_round,
        model.mixing, model.hidden, ground.across, ground.roads.cell_place, ground.roads.place_cell,
        np.float32(model.through_per_s), np.float32(model.dropped if dropped is None else dropped),
    )  # fmt: skip
    return Belief(cells, chance)


def _road_arrays(ground: Ground) -> tuple[Bools, Ints, Ints, Ints, Ints, Ints, Floats, Floats]:
    roads = ground.roads
    return (
        ground.last, roads.cell_arc, roads.turn_offset, roads.turn_arc, roads.arc_first, roads.cell_twin,
        ground.inverse_m, ground.car_per_s,
    )  # fmt: skip


def weighted(belief: Belief, factor: Floats) -> Belief:
    """By a likelihood per active cell and gait, normalised. What nothing supports any more stays as it was."""
    chance = belief.chance * factor
    total = float(chance.sum(dtype=np.float64))
    if not total > 0.0 or not math.isfinite(total):
        return belief
    return Belief(belief.cells, (chance / np.float32(total)).astype(np.float32))


def by_place(ground: Ground, belief: Belief) -> tuple[Ints, Doubles]:
    """Chance per place, hidden or not, highest first; ties by place."""
    place = ground.roads.cell_place[belief.cells]
    some, row = np.unique(place, return_inverse=True)
    mass: Doubles = belief.chance.sum(axis=1, dtype=np.float64)
    chance = np.bincount(row, mass, len(some)).astype(np.float64)
    order = np.lexsort((some, -chance))
    return some[order].astype(np.int32), chance[order]


class Outlook:
    """What can be seen of a belief per place, summed over several looks; lies on the bench until it is closed."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.there = ground.bench.there
        self.count = 0

    def add(self, belief: Belief, weight: float) -> None:
        bench, roads = self.ground.bench, self.ground.roads
        self.count = gather(
            belief.cells, belief.chance, roads.cell_place, self.ground.model.hidden, weight,
            bench.there, bench.listed, bench.used, self.count,
        )  # fmt: skip

    @property
    def places(self) -> Ints:
        return self.ground.bench.listed[: self.count]

    def close(self) -> None:
        bench = self.ground.bench
        bench.there[self.places] = 0.0
        bench.used[self.places] = 0
        self.count = 0


def ahead(ground: Ground, belief: Belief, turns: Turns, looks: Sequence[tuple[int, float]], outlook: Outlook) -> Belief:
    """Adds what can be seen per place over the next seconds: (second, weight) of each look, in order."""
    now, then = 0, belief
    for second, weight in looks:
        while now < second:
            dt = min(PREDICT_S, second - now)
            then = advance(ground, then, turns, 1, at=1, dt=dt, dropped=max(ground.model.dropped, PREDICT_DROPPED))
            now += dt
        outlook.add(then, weight)
    return then


def quieter(ground: Ground, belief: Belief, looked: Sequence[tuple[int, float]], worth: Floats) -> Belief:
    """Of what could be seen in these views, only what was missed stays: (view, chance that it would have been said)."""
    views = np.array([view for view, _ in looked], np.int32)
    chance = np.array([each for _, each in looked], np.float32)
    offset, place = ground.views.offset, ground.views.place
    after = missed(
        belief.cells, belief.chance, ground.roads.cell_place, ground.model.hidden, ground.bench.missed,
        offset, place, worth, views, chance,
    )  # fmt: skip
    return Belief(belief.cells, after)


# --- kernels -------------------------------------------------------------------------------------------------------


@compiled
def turn_weights(
    offset: Ints,
    arcs: Ints,
    cos: Floats,
    away: Floats,
    rank: Floats,
    car_may: Bools,
    foot_may: Bools,
    by_car: Bools,
    figures: Floats,
) -> Floats:
    columns = len(by_car)
    straight, back, outward, wide, illegal = figures[0], figures[1], figures[2], figures[3], figures[4]
    weight = np.empty((len(arcs), columns), np.float32)
    for a in range(len(offset) - 1):
        for c in range(columns):
            total = np.float32(0.0)
            for k in range(offset[a], offset[a + 1]):
                arc = arcs[k]
                said = straight * cos[k] + outward * away[arc]
                if arc == a ^ 1:
                    said -= back
                if by_car[c]:
                    said += wide * rank[arc]
                    if not car_may[arc]:
                        said -= illegal
                elif not foot_may[arc]:
                    said -= illegal
                value = np.float32(math.exp(said))
                weight[k, c] = value
                total += value
            for k in range(offset[a], offset[a + 1]):
                weight[k, c] /= total
    return weight


@compiled
def crossings(
    px: Floats, py: Floats, corner: Doubles, shape: NDArray[np.int64], offset: Ints, listed: Ints, street: Ints
) -> Ints:
    """In each of CROSS_WAYS directions the place of another street nearest to the middle of CROSS_M."""
    found = np.full((len(px), CROSS_WAYS), -1, np.int32)
    best = np.empty(CROSS_WAYS, np.float64)
    for p in range(len(px)):
        best[:] = np.inf
        first = max(0, int((px[p] - CROSS_M[1] - corner[0]) // 64.0))
        last = min(shape[0] - 1, int((px[p] + CROSS_M[1] - corner[0]) // 64.0))
        low = max(0, int((py[p] - CROSS_M[1] - corner[1]) // 64.0))
        high = min(shape[1] - 1, int((py[p] + CROSS_M[1] - corner[1]) // 64.0))
        for line in range(low, high + 1):
            for column in range(first, last + 1):
                box = line * shape[0] + column
                for k in range(offset[box], offset[box + 1]):
                    other = listed[k]
                    dx, dy = px[other] - px[p], py[other] - py[p]
                    away = math.hypot(dx, dy)
                    if away < CROSS_M[0] or away > CROSS_M[1] or street[other] == street[p]:
                        continue
                    way = int((math.atan2(dx, dy) + math.pi) / (2 * math.pi) * CROSS_WAYS) % CROSS_WAYS
                    gap = abs(away - 80.0)
                    if gap < best[way]:
                        best[way] = gap
                        found[p, way] = other
    return found


@compiled
def run(
    cells: Ints, chance: Floats, b: Floats, new: Floats, flag: NDArray[np.uint8],
    seconds: int, at: int, dt: int, every: int,
    last: Bools, cell_arc: Ints, turn_offset: Ints, turn_arc: Ints, first: Ints, twin: Ints,
    inverse_m: Floats, car_per_s: Floats, turn: Floats,
    mps: Floats, car_share: Floats, turn_round: Floats,
    mixing: Floats, hidden: Bools, across: Ints, cell_place: Ints, place_cell: Ints,
    through_per_s: float, dropped: float,
) -> tuple[Ints, Floats]:  # fmt: skip
    """`seconds` steps of `dt`: along the road, round, on at junctions; every `every` seconds people change gait."""
    columns = chance.shape[1]
    room = len(b)
    rows = np.empty(room, np.int32)
    other = np.empty(room, np.int32)
    count = len(cells)
    for r in range(count):
        rows[r] = cells[r]
        for c in range(columns):
            b[cells[r], c] = chance[r, c]
    for s in range(seconds):
        grown = 0
        if (at + s * dt) % every == 0:
            grown = mix(b, new, flag, rows, count, other, mixing, hidden, across, cell_place, place_cell, twin,
                        np.float32(through_per_s * every))  # fmt: skip
        grown = step(b, new, flag, rows, count, other, grown, last, cell_arc, turn_offset, turn_arc, first, twin,
                     inverse_m, car_per_s, turn, mps, car_share, turn_round, np.float32(dt), np.float32(dropped))  # fmt: skip
        b, new = new, b
        rows, other = other, rows
        count = grown
        for r in range(count):
            flag[rows[r]] = 0
    out = np.empty((count, columns), np.float32)
    total = np.float32(0.0)
    for r in range(count):
        for c in range(columns):
            out[r, c] = b[rows[r], c]
            total += out[r, c]
            b[rows[r], c] = 0.0
    if total > 0.0:
        for r in range(count):
            for c in range(columns):
                out[r, c] /= total
    return rows[:count].copy(), out


@compiled
def mix(
    b: Floats, new: Floats, flag: NDArray[np.uint8], rows: Ints, count: int, landed: Ints,
    mixing: Floats, hidden: Bools, across: Ints, cell_place: Ints, place_cell: Ints, twin: Ints, through: float,
) -> int:  # fmt: skip
    """Gaits change; some of the hidden come out on another side of the block, straight into the next second."""
    columns = b.shape[1]
    was = np.empty(columns, np.float32)
    grown = 0
    for r in range(count):
        i = rows[r]
        for c in range(columns):
            was[c] = b[i, c]
            b[i, c] = 0.0
        for c in range(columns):
            if was[c] > 0.0:
                for d in range(columns):
                    b[i, d] += was[c] * mixing[c, d]
        place = cell_place[i]
        ways = 0
        for k in range(CROSS_WAYS):
            if across[place, k] >= 0:
                ways += 1
        if ways == 0:
            continue
        for c in range(columns):
            if hidden[c] and b[i, c] > 1e-7:
                gone = b[i, c] * through
                b[i, c] -= gone
                for k in range(CROSS_WAYS):
                    if across[place, k] >= 0:
                        j = place_cell[across[place, k]]
                        if (i + k) % 2:
                            j = twin[j]
                        if flag[j] == 0:
                            flag[j] = 1
                            landed[grown] = j
                            grown += 1
                        new[j, c] += gone / ways
    return grown


@compiled
def step(
    b: Floats, new: Floats, flag: NDArray[np.uint8], rows: Ints, count: int, found: Ints, grown: int,
    last: Bools, cell_arc: Ints, turn_offset: Ints, turn_arc: Ints, first: Ints, twin: Ints,
    inverse_m: Floats, car_per_s: Floats, turn: Floats,
    mps: Floats, car_share: Floats, turn_round: Floats, dt: float, dropped: float,
) -> int:  # fmt: skip
    """One step. Leaves the old rows clean; lists and flags the new ones."""
    columns = b.shape[1]
    ahead = np.empty(columns, np.float32)
    most = np.float32(STEP_SHARE_MAX)
    for r in range(count):
        i = rows[r]
        whole = np.float32(0.0)
        for c in range(columns):
            whole += b[i, c]
        if whole < dropped:
            for c in range(columns):
                b[i, c] = 0.0
            continue
        t = twin[i]
        if flag[i] == 0:
            flag[i] = 1
            found[grown] = i
            grown += 1
        if flag[t] == 0:
            flag[t] = 1
            found[grown] = t
            grown += 1
        for c in range(columns):
            x = b[i, c]
            b[i, c] = 0.0
            go = x * min(most, (inverse_m[i] * mps[c] + car_per_s[i] * car_share[c]) * dt)
            rest = x - go
            back = rest * turn_round[c] * dt
            new[i, c] += rest - back
            new[t, c] += back
            ahead[c] = go
        if not last[i]:
            j = i + 1
            if flag[j] == 0:
                flag[j] = 1
                found[grown] = j
                grown += 1
            for c in range(columns):
                new[j, c] += ahead[c]
        else:
            arc = cell_arc[i]
            for k in range(turn_offset[arc], turn_offset[arc + 1]):
                j = first[turn_arc[k]]
                if flag[j] == 0:
                    flag[j] = 1
                    found[grown] = j
                    grown += 1
                for c in range(columns):
                    new[j, c] += ahead[c] * turn[k, c]
    return grown


@compiled
def gather(
    cells: Ints, chance: Floats, cell_place: Ints, hidden: Bools, weight: float,
    there: Doubles, listed: Ints, used: NDArray[np.uint8], count: int,
) -> int:  # fmt: skip
    """Adds what can be seen to `there`; lists each place once."""
    columns = chance.shape[1]
    for r in range(len(cells)):
        place = cell_place[cells[r]]
        seen = 0.0
        for c in range(columns):
            if not hidden[c]:
                seen += chance[r, c]
        if used[place] == 0:
            used[place] = 1
            listed[count] = place
            count += 1
        there[place] += seen * weight
    return count


@compiled
def missed(
    cells: Ints, chance: Floats, cell_place: Ints, hidden: Bools, left: Floats,
    offset: Ints, place: Ints, worth: Floats, views: Ints, said: Floats,
) -> Floats:  # fmt: skip
    """Normalised. `left` is given as ones and left as ones."""
    one = np.float32(1.0)
    for n in range(len(views)):
        for k in range(offset[views[n]], offset[views[n] + 1]):
            left[place[k]] *= one - said[n] * worth[k]
    out = np.empty_like(chance)
    columns = chance.shape[1]
    total = np.float64(0.0)
    for r in range(len(cells)):
        factor = left[cell_place[cells[r]]]
        for c in range(columns):
            value = chance[r, c] if hidden[c] else chance[r, c] * factor
            out[r, c] = value
            total += value
    if total > 0.0:
        scale = np.float32(1.0 / total)
        for r in range(len(cells)):
            for c in range(columns):
                out[r, c] *= scale
    for n in range(len(views)):
        for k in range(offset[views[n]], offset[views[n] + 1]):
            left[place[k]] = one
    return out
