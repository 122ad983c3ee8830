"""People who flee, made up: ten minutes of somebody who cut the strap, second by second, over any road graph.

They walk, run, ride or drive; most have a place to go to and do not take the shortest way; they turn round, wait, hide in
houses, cross blocks where no street is, are picked up by cars, grow tired. What the belief of `core.pursuit` assumes is
another model, and on purpose: this one knows where it wants to go. Figures follow pursuit studies in docs/adr/0020.

Absent on purpose: any real person's track, and cameras (`lookouts`).
"""

import math
from dataclasses import dataclass
from enum import IntEnum
from random import Random
from typing import Final

import numpy as np
import numpy.typing as npt

from safetynet.core.roads import Rank, Roads, Street, Travel, costs_s, pack
from safetynet.core.roads.graph import Floats, Ints
from safetynet.core.roads.ways import spread

SECONDS: Final = 600
CENTRE_SHARE: Final = 0.5
"""Flights begin in this middle part of the map, so that ten minutes do not leave it."""
TURN_BACK_S: Final = 240
HIDE_S: Final = 400
HIDDEN_S: Final = 135
WAIT_S: Final = 300
WAITING_S: Final = 20
CROSS_S: Final = 400
CROSS_M: Final = (35.0, 150.0)
PICKED_UP_S: Final = 1_400
BICYCLE_S: Final = 2_500
TIRED_S: Final = 600
PARK_S: Final = 700
LIGHT_SHARE: Final = 0.3
LIGHT_S: Final = (8, 40)
INSIDE_SHARE: Final = 0.3
INSIDE_S: Final = 200


class Gait(IntEnum):
    WALK = 0
    RUN = 1
    BICYCLE = 2
    CAR = 3


@dataclass(frozen=True, eq=False)
class Flight:
    """One row per second, from the cut on."""

    seed: int
    gait: Gait
    """At the start."""
    place: Ints
    x: Floats
    y: Floats
    heading: Floats
    """Radians clockwise from north."""
    means: npt.NDArray[np.int8]
    """A `Gait`."""
    open: npt.NDArray[np.bool_]
    """On a road and not hidden: a camera could see him."""


class Runner:
    """One flight in the making."""

    def __init__(self, roads: Roads, seed: int, seconds: int = SECONDS) -> None:
        self.roads, self.dice, self.seed = roads, Random(seed), seed
        self.seconds = seconds
        self.gait = self.first = self.dice.choices(list(Gait), (42, 30, 8, 20))[0]
        self.own = {
            Gait.WALK: self.dice.gauss(1.5, 0.2),
            Gait.RUN: self.dice.gauss(2.9, 0.45),
            Gait.BICYCLE: self.dice.gauss(4.6, 0.8),
        }
        self.hurry = self.dice.uniform(0.5, 0.95)
        """Of the road's usual speed, when driving."""
        self.noise = self.dice.uniform(0.15, 0.8)
        self.aimless = self.dice.random() < 0.15
        self.drawn_back_s = self.dice.randint(150, 350) if self.dice.random() < 0.1 else -1
        numbers = np.random.default_rng(seed)
        self.warp = np.repeat(np.exp(numbers.normal(0.0, self.noise, roads.arcs // 2)), 2).astype(np.float32)
        self.costs = {travel: costs_s(roads, travel) * self.warp for travel in (Travel.WALK, Travel.CAR)}
        self.place = self._start()
        self.origin = self.place
        self.arc = int(roads.cell_arc[roads.place_cell[self.place]]) + self.dice.randint(0, 1)
        if not self._may(self.arc):
            self.arc ^= 1
        self.along = float(roads.arc_m[self.arc]) * self.dice.random()
        self.plan: list[int] = []
        self.aimed = False
        self.hidden = self.still = 0
        self.off: list[tuple[float, float, int]] = []
        """Steps of a way through a block: (x, y, place nearby)."""

    def _start(self) -> int:
        roads, dice = self.roads, self.dice
        x0, x1 = float(roads.place_x.min()), float(roads.place_x.max())
        y0, y1 = float(roads.place_y.min()), float(roads.place_y.max())
        margin = (1 - CENTRE_SHARE) / 2
        while True:
            place = dice.randrange(roads.places)
            x = (float(roads.place_x[place]) - x0) / (x1 - x0)
            y = (float(roads.place_y[place]) - y0) / (y1 - y0)
            arc = int(roads.cell_arc[roads.place_cell[place]])
            if margin < x < 1 - margin and margin < y < 1 - margin and roads.arc_foot[arc]:
                return place

    def _may(self, arc: int) -> bool:
        return bool(self.roads.arc_car[arc] if self.gait is Gait.CAR else self.roads.arc_foot[arc])

    def run(self) -> Flight:
        count = self.seconds + 1
        place, x, y = np.empty(count, np.int32), np.empty(count, np.float32), np.empty(count, np.float32)
        heading, means = np.empty(count, np.float32), np.empty(count, np.int8)
        seen = np.empty(count, np.bool_)
        for second in range(count):
            if second:
                self._second(second)
            spot = self._spot()
            place[second], x[second], y[second], heading[second] = spot
            means[second] = self.gait
            seen[second] = not self.hidden and not self.off
        return Flight(self.seed, Gait(self.first), place, x, y, heading, means, seen)

    # --- one second ------------------------------------------------------------------------------------------------

    def _second(self, second: int) -> None:
        if self.off:
            self.place_off = self.off.pop(0)
            if not self.off:
                self._come_out(self.place_off[2])
            return
        if self.hidden:
            self.hidden -= 1
            if not self.hidden:
                self._leave()
            return
        if self.still:
            self.still -= 1
            return
        if self._changes(second):
            return
        if self.gait is Gait.CAR:
            speed = float(self.roads.arc_mps[self.arc]) * self.hurry
        else:
            speed = max(0.5, self.own[self.gait])
        self._go(speed * self.dice.uniform(0.85, 1.15))

    def _chance(self, mean_s: float) -> bool:
        return self.dice.random() < 1.0 / mean_s

    def _changes(self, second: int) -> bool:
        """Whether something else happened in this second than going on."""
        dice = self.dice
        if second == self.drawn_back_s:
            self._head_for(int(self.roads.arc_from[self.roads.cell_arc[self.roads.place_cell[self.origin]]]))
        if self.gait is Gait.CAR:
            if self._chance(PARK_S) and self.roads.arc_foot[self.arc]:
                self.gait, self.plan = Gait.WALK, []
                if dice.random() < 0.3:
                    self.hidden = 1 + int(dice.expovariate(1 / HIDDEN_S))
            return False
        if self._chance(HIDE_S):
            self.hidden = 1 + int(dice.expovariate(1 / HIDDEN_S))
            return True
        if self._chance(TURN_BACK_S):
            self._turn_round(lasting=False)
        if self._chance(WAIT_S):
            self.still = 1 + int(dice.expovariate(1 / WAITING_S))
            return True
        if self.gait is not Gait.BICYCLE:
            if self._chance(CROSS_S) and self._cross():
                return True
            if self._chance(PICKED_UP_S) and self.roads.arc_car[self.arc]:
                self.gait, self.plan = Gait.CAR, []
            elif self._chance(BICYCLE_S):
                self.gait = Gait.BICYCLE
            elif self.gait is Gait.RUN and self._chance(TIRED_S):
                self.gait = Gait.WALK
        return False

    def _leave(self) -> None:
        """Out of the house again, perhaps otherwise than he went in."""
        said = self.dice.random()
        if said < 0.12 and self.roads.arc_car[self.arc]:
            self.gait = Gait.CAR
        elif said < 0.3:
            self.gait = Gait.WALK
        elif said < 0.4:
            self.gait = Gait.RUN
        self.plan = []
        if self.dice.random() < 0.3:
            self._turn_round()

    def _turn_round(self, *, lasting: bool = True) -> None:
        """For another goal, or only out of somebody's sight: then the way there is found anew."""
        if self.gait is Gait.CAR and not self.roads.arc_car[self.arc ^ 1]:
            return
        self.arc ^= 1
        self.along = float(self.roads.arc_m[self.arc]) - self.along
        goal = int(self.roads.arc_to[self.plan[-1]]) if self.plan else -1
        self.plan = []
        if not lasting and goal >= 0:
            self._head_for(goal)

    def _cross(self) -> bool:
        roads = self.roads
        x, y = self._spot()[1:3]
        near = roads.buckets.around(x, y, CROSS_M[1])
        away = np.hypot(roads.place_x[near] - x, roads.place_y[near] - y)
        street = roads.cell_arc[roads.place_cell[near]] // 2
        fit = near[(away > CROSS_M[0]) & (away < CROSS_M[1]) & (street != self.arc // 2)]
        fit = fit[roads.arc_foot[roads.cell_arc[roads.place_cell[fit]]]]
        if not len(fit):
            return False
        goal = int(fit[self.dice.randrange(len(fit))])
        gx, gy = float(roads.place_x[goal]), float(roads.place_y[goal])
        steps = max(3, int(math.hypot(gx - x, gy - y) * 1.1 / max(0.8, self.own[self.gait])))
        here = int(self._spot()[0])
        self.off = [
            (x + (gx - x) * k / steps, y + (gy - y) * k / steps, here if 2 * k < steps else goal)
            for k in range(1, steps + 1)
        ]
        self.place_off = self.off[0]
        return True

    def _come_out(self, place: int) -> None:
        roads = self.roads
        cell = int(roads.place_cell[place])
        self.arc = int(roads.cell_arc[cell])
        first, after = int(roads.arc_first[self.arc]), int(roads.arc_first[self.arc + 1])
        self.along = float(roads.arc_m[self.arc]) * (cell - first + 0.5) / (after - first)
        self.plan = []
        if self.dice.random() < 0.3:
            self._turn_round()

    # --- along the road --------------------------------------------------------------------------------------------

    def _go(self, metres: float) -> None:
        roads = self.roads
        self.along += metres
        while self.along >= float(roads.arc_m[self.arc]):
            left = self.along - float(roads.arc_m[self.arc])
            self.arc = self._on()
            self.along = left
            if (
                self.gait is Gait.CAR
                and roads.arc_rank[self.arc] >= Rank.COLLECTOR
                and self.dice.random() < LIGHT_SHARE
            ):
                self.still, self.along = self.dice.randint(*LIGHT_S), 0.5
                return

    def _on(self) -> int:
        """The next arc at the end of this one."""
        if self.aimless:
            return self._anywhere()
        if not self.plan:
            if self.dice.random() < INSIDE_SHARE and self.aimed:
                self.hidden = 1 + int(self.dice.expovariate(1 / INSIDE_S))
                self.aimed = False
            self._head_for(self._goal())
            if not self.plan:
                return self._anywhere()
            self.aimed = True
        arc = self.plan.pop(0)
        return arc if self.roads.arc_from[arc] == self.roads.arc_to[self.arc] else self._anywhere()

    def _anywhere(self) -> int:
        roads = self.roads
        turns = range(int(roads.turn_offset[self.arc]), int(roads.turn_offset[self.arc + 1]))
        weight = [
            math.exp(1.2 * float(roads.turn_cos[k]) - (3.0 if int(roads.turn_arc[k]) == self.arc ^ 1 else 0.0))
            * (1.0 if self._may(int(roads.turn_arc[k])) else 1e-6)
            for k in turns
        ]
        self.plan = []
        return int(roads.turn_arc[self.dice.choices(list(turns), weight)[0]])

    def _goal(self) -> int:
        """A junction as far as one goes in such a time."""
        roads = self.roads
        here = int(roads.arc_to[self.arc])
        low, high = (1_200.0, 4_000.0) if self.gait is Gait.CAR else (600.0, 2_800.0)
        away = np.hypot(roads.node_x - roads.node_x[here], roads.node_y - roads.node_y[here])
        fit = np.flatnonzero((away > low) & (away < high))
        return int(fit[self.dice.randrange(len(fit))]) if len(fit) else self.dice.randrange(roads.nodes)

    def _head_for(self, goal: int) -> None:
        roads = self.roads
        here = int(roads.arc_to[self.arc])
        costs = self.costs[Travel.CAR if self.gait is Gait.CAR else Travel.WALK]
        _, via, _, _ = spread(
            roads.out_offset,
            roads.out_arc,
            roads.arc_to,
            costs,
            np.array([here], np.int32),
            np.zeros(1),
            1e9,
            goal,
            goal,
        )
        plan: list[int] = []
        node = goal
        while node != here and via[node] >= 0:
            plan.append(int(via[node]))
            node = int(roads.arc_from[via[node]])
        self.plan = plan[::-1] if node == here else []

    def _spot(self) -> tuple[int, float, float, float]:
        roads = self.roads
        if self.off:
            x, y, place = self.place_off
            return place, x, y, 0.0
        first, after = int(roads.arc_first[self.arc]), int(roads.arc_first[self.arc + 1])
        share = min(self.along / float(roads.arc_m[self.arc]), 0.999_999) * (after - first)
        cell = first + int(share)
        place = int(roads.cell_place[cell])
        part = share - int(share)
        if self.arc % 2:
            part = 1.0 - part
        x = float(roads.place_ax[place]) * (1 - part) + float(roads.place_bx[place]) * part
        y = float(roads.place_ay[place]) * (1 - part) + float(roads.place_by[place]) * part
        return place, x, y, math.atan2(float(roads.cell_hx[cell]), float(roads.cell_hy[cell]))


def flight(roads: Roads, seed: int, seconds: int = SECONDS) -> Flight:
    return Runner(roads, seed, seconds).run()


# --- a town that nobody has built ----------------------------------------------------------------------------------

SIDE: Final = 44
SPACING_M: Final = 100.0
KEPT_SHARE: Final = 0.853


def grid_town(seed: int, side: int = SIDE) -> Roads:
    """An irregular grid of junctions, every seventh street missing, some of them one-way."""
    dice = Random(seed)
    lat0, lon0 = 36.35, 127.38
    east, north = SPACING_M / 89_800.0, SPACING_M / 110_950.0
    junctions = [
        (lat0 + (row + dice.gauss(0, 0.18)) * north, lon0 + (column + dice.gauss(0, 0.18)) * east)
        for row in range(side)
        for column in range(side)
    ]
    streets: list[Street] = []
    for row in range(side):
        for column in range(side):
            for a, b, line in (
                (row * side + column, row * side + column + 1, row),
                (row * side + column, (row + 1) * side + column, column),
            ):
                across = b == a + 1
                if (across and column + 1 == side) or (not across and row + 1 == side):
                    continue
                rank = Rank.TRUNK if line % 14 == 7 else Rank.ARTERIAL if line % 7 == 3 else Rank.COLLECTOR if line % 4 == 1 else Rank.LOCAL  # fmt: skip
                if rank < Rank.ARTERIAL and dice.random() > KEPT_SHARE - 0.03:
                    continue
                one_way = rank is Rank.LOCAL and dice.random() < 0.2
                forward = dice.random() < 0.5
                streets.append(Street(a, b, (junctions[a], junctions[b]), rank,
                                      along=not one_way or forward, against=not one_way or not forward))  # fmt: skip
    return pack(junctions, streets)
