"""Cameras of a made town and the people who look at them, for measuring a pursuit. What the town's list says of a camera
is not all true, and whoever looks at nine pictures does not see everything.

A pole hangs at a junction or along a street, poles gather in some quarters; each has one to five lenses, a quarter of
them turn. Truth differs from the list: ranges, a fifth of each footprint hidden behind something, a third of the
directions unwritten. The watcher notices by chance, follows what he has noticed, is late, is wrong.

Absent on purpose: pictures.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

import numpy as np
import numpy.typing as npt

from safetynet.core.pursuit.model import Means
from safetynet.core.pursuit.views import View, Views, footprints
from safetynet.core.roads import Roads
from safetynet.core.terms import CameraId
from safetynet.sim.flights import Flight, Gait

AT_JUNCTION: Final = 0.55
APART_M: Final = 22.0
LENSES: Final = (0.17, 0.30, 0.26, 0.17, 0.10)
TURNING: Final = 0.25
PRESETS: Final = 4
UNKNOWN: Final = 0.35
BLIND: Final = 0.2
RANGE_SPREAD: Final = 0.15
RANGE_M: Final = (30.0, 200.0)
CLUSTERS_PER_KM2: Final = 1.4

NOTICE_PER_S: Final = 0.45
NOTICE_FALL: Final = 0.17
AGAIN_S: Final = 4
LATE_S: Final = (1.0, 4.0)
ERROR_M: Final = 10.0
WAY_TOLD: Final = 0.5
WAY_WRONG: Final = 0.1
MEANS_TOLD: Final = 0.8
MEANS_WRONG: Final = 0.05
FALSE_S: Final = 300
FALSE_AGAIN: Final = 0.5
START_S: Final = 1
TURN_S: Final = 3

MEANS: Final = {Gait.WALK: Means.FOOT, Gait.RUN: Means.FOOT, Gait.BICYCLE: Means.BICYCLE, Gait.CAR: Means.CAR}


@dataclass(frozen=True, eq=False)
class Lookouts:
    """All views: as the list has them, and as they are. Rows agree."""

    listed: Views
    true: Views
    poles: int
    seen_by: tuple[tuple[tuple[int, float], ...], ...]
    """Per place: (view, how well it shows it), in truth."""

    @property
    def cameras(self) -> int:
        return int(self.listed.camera.max()) + 1


def hang(roads: Roads, seed: int, poles_per_km: float, known_floor: float = 0.5) -> Lookouts:
    dice = Random(seed)
    stands = _poles(roads, dice, round(roads.length_m / 1000 * poles_per_km))
    listed: list[View] = []
    true: list[View] = []
    for number, (x, y, bearings) in enumerate(stands):
        for lens in range(dice.choices((1, 2, 3, 4, 5), LENSES)[0]):
            for one, other in _lens(dice, CameraId(f"{number:05d}-{lens}"), x, y, bearings, lens):
                listed.append(one)
                true.append(other)
    as_listed = footprints(roads, listed, known_floor)
    as_is = footprints(roads, true, 0.0)
    kept = np.random.default_rng(seed).random(len(as_is.place)) >= BLIND
    seen: list[list[tuple[int, float]]] = [[] for _ in range(roads.places)]
    for view in range(len(as_is)):
        for k in range(int(as_is.offset[view]), int(as_is.offset[view + 1])):
            if kept[k]:
                seen[int(as_is.place[k])].append((view, float(as_is.q[k])))
    return Lookouts(as_listed, as_is, len(stands), tuple(tuple(each) for each in seen))


def _poles(roads: Roads, dice: Random, wanted: int) -> list[tuple[float, float, list[float]]]:
    x0, x1 = float(roads.place_x.min()), float(roads.place_x.max())
    y0, y1 = float(roads.place_y.min()), float(roads.place_y.max())
    count = max(3, round((x1 - x0) * (y1 - y0) / 1e6 * CLUSTERS_PER_KM2))
    clusters = [(dice.uniform(x0, x1), dice.uniform(y0, y1), dice.uniform(180, 420)) for _ in range(count)]

    def liking(x: float, y: float) -> float:
        return min(1.0, 0.22 + sum(math.exp(-0.5 * ((x - a) ** 2 + (y - b) ** 2) / s**2) for a, b, s in clusters))

    found: list[tuple[float, float, list[float]]] = []
    boxes: dict[tuple[int, int], list[tuple[float, float]]] = {}
    tries = 0
    while len(found) < wanted and tries < 200 * wanted:
        tries += 1
        junction = dice.random() < AT_JUNCTION
        x, y, bearings, half = _at_junction(roads, dice) if junction else _along(roads, dice)
        if dice.random() > liking(x, y):
            continue
        side = dice.uniform(0, 2 * math.pi) if junction else bearings[0] + math.pi / 2
        x, y = x + 0.7 * half * math.sin(side), y + 0.7 * half * math.cos(side)
        box = (int(x // APART_M), int(y // APART_M))
        near = [each for i in (-1, 0, 1) for j in (-1, 0, 1) for each in boxes.get((box[0] + i, box[1] + j), ())]
        if any(math.hypot(x - a, y - b) < APART_M for a, b in near):
            continue
        boxes.setdefault(box, []).append((x, y))
        found.append((x, y, bearings))
    return found


def _at_junction(roads: Roads, dice: Random) -> tuple[float, float, list[float], float]:
    node = dice.randrange(roads.nodes)
    out = roads.out_arc[roads.out_offset[node] : roads.out_offset[node + 1]]
    cells = roads.arc_first[out]
    bearings = [math.atan2(float(roads.cell_hx[each]), float(roads.cell_hy[each])) for each in cells]
    half = max((float(roads.place_half_m[roads.cell_place[each]]) for each in cells), default=6.0)
    return float(roads.node_x[node]), float(roads.node_y[node]), bearings or [0.0], half


def _along(roads: Roads, dice: Random) -> tuple[float, float, list[float], float]:
    place = dice.randrange(roads.places)
    cell = int(roads.place_cell[place])
    bearing = math.atan2(float(roads.cell_hx[cell]), float(roads.cell_hy[cell]))
    return (
        float(roads.place_x[place]), float(roads.place_y[place]), [bearing, bearing + math.pi],
        float(roads.place_half_m[place]),
    )  # fmt: skip


def _lens(dice: Random, id: CameraId, x: float, y: float, bearings: list[float], lens: int) -> list[tuple[View, View]]:
    if dice.random() < TURNING:
        range_m = dice.uniform(70, 120)
        real = min(RANGE_M[1], max(RANGE_M[0], range_m * math.exp(dice.gauss(0, RANGE_SPREAD))))
        found: list[tuple[View, View]] = []
        for preset in range(PRESETS):
            aim = bearings[preset] if preset < len(bearings) else dice.uniform(0, 2 * math.pi)
            azimuth = math.degrees(aim + dice.gauss(0, 0.1)) % 360
            one = View(camera=id, preset=str(preset), x=x, y=y, range_m=range_m, azimuth_deg=azimuth, view_deg=70.0, turns=True)  # fmt: skip
            other = View(camera=id, preset=str(preset), x=x, y=y, range_m=real, azimuth_deg=azimuth, view_deg=70.0, turns=True)  # fmt: skip
            found.append((one, other))
        return found
    range_m, wide = dice.uniform(40, 80), dice.uniform(50, 100)
    real = min(RANGE_M[1], max(RANGE_M[0], range_m * math.exp(dice.gauss(0, RANGE_SPREAD))))
    azimuth = math.degrees(bearings[lens % len(bearings)] + dice.gauss(0, 0.2)) % 360
    known = dice.random() >= UNKNOWN
    return [
        (
            View(camera=id, x=x, y=y, range_m=range_m, azimuth_deg=azimuth if known else None, view_deg=wide),
            View(camera=id, x=x, y=y, range_m=real, azimuth_deg=azimuth, view_deg=wide),
        )
    ]


# --- whoever looks -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Mark:
    second: int
    """When it was seen."""
    heard: int
    view: int
    x: float
    y: float
    heading_deg: float | None
    means: Means | None
    true: bool


@dataclass(eq=False)
class Wall:
    """The pictures on a screen and who looks at them, one second after the other."""

    roads: Roads
    lookouts: Lookouts
    flight: Flight
    dice: Random
    size: int
    shown: dict[int, int] = field(default_factory=dict)
    """View → the second from which its picture lives."""
    changes: int = 0
    _turned: dict[int, int] = field(default_factory=dict)
    """Camera that turns → the view it was turned to last."""
    _following: int | None = None
    """One pair of eyes: the view in which he was noticed, while he stays in it."""
    _next: int = 0
    _again: list[tuple[int, int, int]] = field(default_factory=list)

    def show(self, views: Sequence[int], second: int) -> None:
        assert len(views) <= self.size
        for each in views:
            if each not in self.shown:
                self.changes += 1
                camera = int(self.lookouts.listed.camera[each])
                turns = bool(self.lookouts.listed.turns[each]) and self._turned.get(camera) != each
                self.shown[each] = second + (TURN_S if turns else START_S)
                if self.lookouts.listed.turns[each]:
                    self._turned[camera] = each
        for gone in set(self.shown) - set(views):
            del self.shown[gone]

    def show_at_once(self, views: Sequence[int], second: int) -> None:
        """As nobody can: without a limit and without a second's delay."""
        self.shown = {view: self.shown.get(view, second) for view in views}

    def live(self, second: int) -> tuple[int, ...]:
        return tuple(view for view, since in self.shown.items() if since <= second)

    def look(self, second: int) -> tuple[bool, list[Mark]]:
        """Whether he is in a live picture, and what is said of this second."""
        live = self.live(second)
        place = int(self.flight.place[second])
        there = dict(self.lookouts.seen_by[place]) if self.flight.open[second] else {}
        notice = NOTICE_PER_S / (1.0 + NOTICE_FALL * (self.size - 1))
        marks: list[Mark] = []
        seen_in = [view for view in live if view in there]
        if self._following not in seen_in:
            self._following = next((view for view in seen_in if self.dice.random() < notice * there[view]), None)
            self._next = second
        if self._following is not None and second >= self._next:
            marks.append(self._mark(second, self._following))
            self._next = second + AGAIN_S
        return bool(seen_in), marks + self._wrong(second, live)

    def _mark(self, second: int, view: int) -> Mark:
        dice, flight = self.dice, self.flight
        heading = None
        if dice.random() < WAY_TOLD:
            heading = math.degrees(float(flight.heading[second])) % 360
            if dice.random() < WAY_WRONG:
                heading = (heading + 180) % 360
        means = None
        if dice.random() < MEANS_TOLD:
            means = MEANS[Gait(int(flight.means[second]))]
            if dice.random() < MEANS_WRONG:
                means = dice.choice([each for each in Means if each is not means])
        return Mark(second, second + math.ceil(dice.uniform(*LATE_S)), view,
                    float(flight.x[second]) + dice.gauss(0, ERROR_M), float(flight.y[second]) + dice.gauss(0, ERROR_M),
                    heading, means, true=True)  # fmt: skip

    def _wrong(self, second: int, live: tuple[int, ...]) -> list[Mark]:
        dice, found = self.dice, []
        for when, view, place in [each for each in self._again if each[0] <= second]:
            self._again.remove((when, view, place))
            if view in live:
                found.append(self._false(second, view, place))
        if live and dice.random() < 1 / FALSE_S:
            view = dice.choice(live)
            places = self.lookouts.true.places(view)
            if len(places):
                place = int(places[dice.randrange(len(places))])
                found.append(self._false(second, view, place))
                if dice.random() < FALSE_AGAIN:
                    self._again.append((second + AGAIN_S, view, place))
        return found

    def _false(self, second: int, view: int, place: int) -> Mark:
        dice = self.dice
        heading = dice.uniform(0, 360) if dice.random() < WAY_TOLD else None
        means = dice.choice(list(Means)) if dice.random() < MEANS_TOLD else None
        return Mark(second, second + math.ceil(dice.uniform(*LATE_S)), view,
                    float(self.roads.place_x[place]) + dice.gauss(0, ERROR_M),
                    float(self.roads.place_y[place]) + dice.gauss(0, ERROR_M), heading, means, true=False)  # fmt: skip


def exposed(lookouts: Lookouts, flight: Flight) -> npt.NDArray[np.bool_]:
    """Seconds in which some camera of the town could show him."""
    can = np.array([bool(lookouts.seen_by[place]) for place in range(len(lookouts.seen_by))])
    found: npt.NDArray[np.bool_] = flight.open & can[flight.place]
    return found
