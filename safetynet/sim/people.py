"""Everybody who moves on the streets: passers-by, cars, parked cars, the way a wearer spends an evening.

Stateless: where somebody is at an instant follows from the seed and the instant alone, so that a camera may ask for any
moment and two cameras agree. A walker goes round a closed way for ever; all positions of one instant are one kernel.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

import numpy as np
import numpy.typing as npt

from safetynet.core.terms import Instant
from safetynet.sim import figures
from safetynet.sim.raster import jit
from safetynet.sim.streets import PAVEMENT_M, ROAD_WIDTH_M, Streets

Floats = npt.NDArray[np.float64]
Point = tuple[float, float]

WALKERS: Final = 1_900
CARS: Final = 260
STRIDE_M: Final = 0.74

_TOPS: Final = ((0.36, 0.08, 0.07), (0.07, 0.13, 0.33), (0.30, 0.24, 0.13), (0.40, 0.39, 0.37), (0.05, 0.05, 0.055),
                (0.06, 0.21, 0.12), (0.30, 0.13, 0.26), (0.09, 0.24, 0.30), (0.42, 0.27, 0.06), (0.17, 0.10, 0.06))  # fmt: skip
_LEGS: Final = ((0.05, 0.07, 0.13), (0.03, 0.03, 0.032), (0.20, 0.16, 0.10), (0.11, 0.11, 0.12), (0.06, 0.09, 0.07))
_PAINTS: Final = ((0.52, 0.52, 0.53), (0.03, 0.03, 0.035), (0.22, 0.23, 0.245), (0.05, 0.08, 0.17), (0.30, 0.04, 0.035),
                  (0.40, 0.37, 0.30))  # fmt: skip
WEARER_TOP: Final = (0.105, 0.108, 0.116)
WEARER_LEGS: Final = (0.035, 0.038, 0.05)
OFFICER_TOP: Final = (0.05, 0.09, 0.20)


@dataclass(frozen=True, slots=True)
class Way:
    """A polyline that is walked at an even speed. `steps_m` is the way to each corner from the start."""

    corners: Floats
    steps_m: Floats

    @property
    def length_m(self) -> float:
        return float(self.steps_m[-1])

    def at(self, along_m: float) -> tuple[float, float, float]:
        """x, y and heading (radians from east) so far along; before the start and after the end it stands there."""
        s = min(max(along_m, 0.0), self.length_m)
        k = min(max(int(np.searchsorted(self.steps_m, s, side="right")) - 1, 0), len(self.corners) - 2)
        (ax, ay), (bx, by) = self.corners[k], self.corners[k + 1]
        share = (s - self.steps_m[k]) / max(1e-9, self.steps_m[k + 1] - self.steps_m[k])
        return float(ax + (bx - ax) * share), float(ay + (by - ay) * share), math.atan2(by - ay, bx - ax)


def way(corners: Sequence[Point] | Floats) -> Way:
    points = np.array(corners, np.float64)
    keep = np.ones(len(points), bool)
    keep[1:] = np.linalg.norm(np.diff(points, axis=0), axis=1) > 1e-6
    points = points[keep]
    if len(points) == 1:
        points = np.vstack([points, (*points, 0.01, 0.0)])
    gaps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    return Way(points, np.concatenate([[0.0], np.cumsum(gaps)]))


def beside(streets: Streets, nodes: Sequence[int], *, pavement: bool, side: float = -1.0, closed: bool = False) -> Way:
    """The way along a route of nodes, on the pavement or in the lane; `side` -1 is the right-hand side."""
    rings = list(nodes)
    lines = []
    for a, b in itertools.pairwise(rings):
        road = streets.road_between(a, b)
        out = road.width_m / 2 + 0.55 * PAVEMENT_M[road.rank] if pavement else ROAD_WIDTH_M[road.rank] * 0.26
        p, q = streets.nodes[a], streets.nodes[b]
        along = (q - p) / np.linalg.norm(q - p)
        aside = np.array([-along[1], along[0]]) * out * side
        lines.append((p + aside, q + aside, along))
    corners: list[Floats] = []
    if not closed:
        corners.append(lines[0][0])
    pairs = list(itertools.pairwise(lines))
    if closed:
        pairs.append((lines[-1], lines[0]))
    for (_, end, along), (start, _, onward) in pairs:
        corners.extend(_corner(end, along, start, onward))
    corners.append(corners[0] if closed else lines[-1][1])
    return way(np.array(corners))


def _corner(end: Floats, along: Floats, start: Floats, onward: Floats) -> list[Floats]:
    """Where two offset lines meet; nearly straight on, or turning back, they are simply joined."""
    cross = float(along[0] * onward[1] - along[1] * onward[0])
    if abs(cross) < 0.25:
        return [end, start]
    t = float((start - end)[0] * onward[1] - (start - end)[1] * onward[0]) / cross
    return [end + along * t] if abs(t) < 40 else [end, start]


def ring(streets: Streets, dice: Random, home: int, reach: int) -> list[int]:
    """A closed route of nodes from a node and back, about `reach` pieces of road long; empty when it found none."""
    for _ in range(12):
        route, node = [home], home
        for _ in range(dice.randint(reach // 3, reach // 2)):
            onward = [other for other, _ in streets.adjacent[node] if len(route) < 2 or other != route[-2]]
            if not onward:
                break
            node = dice.choice(onward)
            route.append(node)
        back = streets.route(node, home)
        if len(back) > 2 and len(route) > 2 and back[1] != route[-2] and route[1] != back[-2]:
            return route + back[1:]
    return []


@jit
def positions(first: npt.NDArray[np.int64], x: Floats, y: Floats, steps: Floats, start: Floats, speed: Floats,
              seconds: float, out: Floats) -> None:  # fmt: skip
    """x, y, heading and metres walked of everybody; ways lie end to end, way n from first[n] to first[n + 1]."""
    for n in range(len(start)):
        low, high = first[n], first[n + 1] - 1
        length = steps[high]
        along = (start[n] + speed[n] * seconds) % length
        out[n, 3] = start[n] + speed[n] * seconds
        px = py = 0.0
        for look in range(2):
            # The heading is taken over a car's or a step's length, so that corners are rounded.
            s = (along + look * (0.6 if speed[n] < 3 else 3.0)) % length
            a, b = low, high
            while b - a > 1:
                m = (a + b) // 2
                if steps[m] <= s:
                    a = m
                else:
                    b = m
            share = (s - steps[a]) / (steps[b] - steps[a])
            qx, qy = x[a] + (x[b] - x[a]) * share, y[a] + (y[b] - y[a]) * share
            if look == 0:
                px, py = qx, qy
            else:
                out[n, 0], out[n, 1], out[n, 2] = px, py, math.atan2(qy - py, qx - px)


class Crowd:
    """Walkers or cars, all on closed ways."""

    def __init__(self, ways: Sequence[Way], start: Sequence[float], speed: Sequence[float], looks: Floats) -> None:
        self._first = np.cumsum([0, *(len(each.corners) for each in ways)]).astype(np.int64)
        corners = np.vstack([each.corners for each in ways])
        self._x, self._y = np.ascontiguousarray(corners[:, 0]), np.ascontiguousarray(corners[:, 1])
        self._steps = np.concatenate([each.steps_m for each in ways])
        self._start, self._speed = np.array(start, np.float64), np.array(speed, np.float64)
        self.looks = looks
        self._last: tuple[Instant, Floats] | None = None

    def at(self, at: Instant) -> Floats:
        """(n, 4): x, y, heading, metres walked. Kept for the last instant: all cameras of one frame share it."""
        if self._last is None or self._last[0] != at:
            out = np.empty((len(self._start), 4))
            # Seconds since a fixed day keep the arithmetic exact to the millimetre.
            positions(
                self._first,
                self._x,
                self._y,
                self._steps,
                self._start,
                self._speed,
                (at - 1_700_000_000_000) / 1000,
                out,
            )
            self._last = (at, out)
        return self._last[1]


class People:
    """Passers-by, cars and parked cars of one city pair."""

    def __init__(self, streets: Streets, seed: int, walkers: int = WALKERS, cars: int = CARS) -> None:
        self._streets = streets
        dice = Random(seed * 7 + 1)
        self.walkers = _walkers(streets, dice, walkers)
        self.cars = _drivers(streets, dice, cars)
        self.parked = _parked(streets, dice)

    def people_near(self, x: float, y: float, within_m: float, at: Instant) -> Floats:
        now = self.walkers.at(at)
        near = (now[:, 0] - x) ** 2 + (now[:, 1] - y) ** 2 < within_m**2
        rows = self.walkers.looks[near].copy()
        rows[:, :3] = now[near, :3]
        rows[:, 3] = now[near, 3] / STRIDE_M * math.pi + rows[:, 3]
        return rows

    def cars_near(self, x: float, y: float, within_m: float, at: Instant) -> Floats:
        now = self.cars.at(at)
        near = (now[:, 0] - x) ** 2 + (now[:, 1] - y) ** 2 < within_m**2
        rows = self.cars.looks[near].copy()
        rows[:, :3] = now[near, :3]
        return rows

    def parked_near(self, x: float, y: float, within_m: float) -> Floats:
        near: Floats = self.parked[((self.parked[:, :2] - (x, y)) ** 2).sum(axis=1) < within_m**2]
        return near


def look(dice: Random, *, hood: bool = False) -> list[float]:
    """A figure's row without its place: clothes, height, skin, bag."""
    top, legs = (WEARER_TOP, WEARER_LEGS) if hood else (dice.choice(_TOPS), dice.choice(_LEGS))
    return [0, 0, 0, dice.uniform(0, 6.28), dice.uniform(1.58, 1.82), *top, *legs, float(hood), dice.uniform(0.36, 0.5),
            float(not hood and dice.random() < 0.3)]  # fmt: skip


def _walkers(streets: Streets, dice: Random, count: int) -> Crowd:
    ways: list[Way] = []
    start: list[float] = []
    speed: list[float] = []
    looks: list[list[float]] = []
    rounds: list[Way] = []
    while len(ways) < count:
        # Several go the same round, far apart: finding rounds is what takes the time.
        if len(rounds) * 4 <= len(ways):
            route = ring(streets, dice, dice.randrange(len(streets.nodes)), 14)
            if not route:
                continue
            rounds.append(beside(streets, route, pavement=True, side=dice.choice((-1.0, 1.0)), closed=True))
        line = dice.choice(rounds)
        ways.append(line)
        start.append(dice.uniform(0, line.length_m))
        speed.append(dice.uniform(1.05, 1.55))
        looks.append(look(dice))
    return Crowd(ways, start, speed, np.array(looks).reshape(-1, figures.FIGURE_WIDTH))


def _drivers(streets: Streets, dice: Random, count: int) -> Crowd:
    ends = [n for n, near in enumerate(streets.adjacent) if any(streets.roads[road].rank > 0 for _, road in near)]
    ends = ends or [n for n, near in enumerate(streets.adjacent) if near]
    ways: list[Way] = []
    start: list[float] = []
    speed: list[float] = []
    looks: list[list[float]] = []
    rounds: list[Way] = []
    while len(ways) < count:
        if len(rounds) * 5 <= len(ways):
            a, b, c = (dice.choice(ends) for _ in range(3))
            legs = [streets.route(*each, faster_by_rank=True) for each in ((a, b), (b, c), (c, a))]
            if min(len(each) for each in legs) < 2:
                continue
            route = legs[0] + legs[1][1:] + legs[2][1:]
            rounds.append(beside(streets, route, pavement=False, closed=True))
        line = dice.choice(rounds)
        ways.append(line)
        start.append(dice.uniform(0, line.length_m))
        speed.append(dice.uniform(7.0, 11.5))
        looks.append([0, 0, 0, dice.uniform(3.9, 4.7), *dice.choice(_PAINTS), 1.0])
    return Crowd(ways, start, speed, np.array(looks).reshape(-1, figures.CAR_WIDTH))


def _parked(streets: Streets, dice: Random) -> Floats:
    rows = []
    for road in streets.roads:
        if road.bridge or road.rank == 2:
            continue
        a, b = streets.nodes[road.a], streets.nodes[road.b]
        along = (b - a) / road.length_m
        aside = np.array([-along[1], along[0]])
        for s in np.arange(18.0, road.length_m - 16.0, 6.2):
            side = 1.0 if dice.random() < 0.5 else -1.0
            if dice.random() < (0.20, 0.13)[road.rank]:
                x, y = a + along * s + aside * side * (road.width_m / 2 - 1.05)
                turn = math.atan2(along[1], along[0]) + (0.0 if side < 0 else math.pi)
                rows.append([x, y, turn, dice.uniform(3.9, 4.7), *dice.choice(_PAINTS), 0.0])
    return np.array(rows, np.float64).reshape(-1, figures.CAR_WIDTH)
