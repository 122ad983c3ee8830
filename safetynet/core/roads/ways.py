"""Over the roads: what is reached within a time, the fastest way, and when somebody would arrive.

One bounded Dijkstra serves all three. It begins at a place, which is a stretch of street: so at both its ends, each
with the time it takes to get there. tests/core/test_roads.py has its twin in plain Python.

Absent on purpose: traffic, turn bans and timetables.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

import numpy as np

from safetynet.core.roads.graph import Doubles, Floats, Ints, Roads, compiled

WALK_MPS: Final = 1.3
RUN_MPS: Final = 2.6
BICYCLE_MPS: Final = 4.2
NEAR_M_MAX: Final = 2_000.0
"""Farther from every road no place is found."""


class Travel(Enum):
    """How somebody moves over the roads."""

    WALK = "walk"
    RUN = "run"
    BICYCLE = "bicycle"
    CAR = "car"


@dataclass(frozen=True, slots=True, eq=False)
class Reach:
    """Where one can be within a time. Infinite where not."""

    start: int
    limit_s: float
    node_s: Floats
    frontier: Ints
    """Arcs on which the time runs out: who goes on is met there, and their cameras see it."""
    settled: int

    def places(self, roads: Roads, costs: Floats) -> Floats:
        """Seconds to the middle of each place; infinite outside."""
        even = roads.cell_arc[roads.place_cell]
        odd = even + 1
        first = roads.arc_first[even]
        count = roads.arc_first[even + 1] - first
        share = (roads.place_cell - first + 0.5) / count
        best = np.minimum(
            self.node_s[roads.arc_from[even]] + costs[even] * share,
            self.node_s[roads.arc_from[odd]] + costs[odd] * (1.0 - share),
        )
        own = np.flatnonzero(even == even[self.start])
        way = share[own] - share[self.start]
        with np.errstate(invalid="ignore"):
            direct = np.where(way > 0.0, costs[even[own]] * way, costs[odd[own]] * -way)
        best[own] = np.fmin(best[own], direct)
        best[self.start] = 0.0
        best[best > self.limit_s] = np.inf
        found: Floats = best.astype(np.float32)
        return found


@dataclass(frozen=True, slots=True)
class Route:
    """The fastest way between two places: the arcs that are gone through, in order, and how long it takes."""

    arcs: tuple[int, ...]
    seconds: float
    metres: float


def costs_s(roads: Roads, travel: Travel) -> Floats:
    """Seconds for each arc; infinite where this way of moving is not allowed. Kept by the caller."""
    match travel:
        case Travel.CAR:
            return np.where(roads.arc_car, roads.arc_m / np.maximum(roads.arc_mps, 0.1), np.inf).astype(np.float32)
        case Travel.WALK | Travel.RUN | Travel.BICYCLE:
            speed = {Travel.WALK: WALK_MPS, Travel.RUN: RUN_MPS, Travel.BICYCLE: BICYCLE_MPS}[travel]
            return np.where(roads.arc_foot, roads.arc_m / speed, np.inf).astype(np.float32)


def place_near(roads: Roads, x: float, y: float, travel: Travel | None = None) -> int | None:
    """The place whose middle is nearest and where one may be so; None farther than NEAR_M_MAX."""
    radius = 100.0
    while radius <= NEAR_M_MAX:
        found = roads.buckets.around(x, y, radius)
        if travel is not None and len(found):
            arc = roads.cell_arc[roads.place_cell[found]]
            free = roads.arc_car[arc] | roads.arc_car[arc + 1] if travel is Travel.CAR else roads.arc_foot[arc]
            found = found[free]
        away = np.hypot(roads.place_x[found] - x, roads.place_y[found] - y)
        if len(found) and away.min() <= radius:
            return int(found[np.lexsort((found, away))[0]])
        radius *= 4.0
    return None


def reach(roads: Roads, costs: Floats, start: int, limit_s: float) -> Reach:
    """From a place. Pure; about as long as what is reached is large."""
    node_s, _, settled, frontier = _from(roads, costs, start, limit_s, -1, -1)
    return Reach(start, limit_s, node_s, frontier, settled)


def seconds_to(roads: Roads, costs: Floats, start: int, places: Sequence[int], limit_s: float) -> tuple[float, ...]:
    """How long to each place; infinite beyond the limit."""
    there = reach(roads, costs, start, limit_s).places(roads, costs)
    return tuple(float(there[each]) for each in places)


def arrival_s(roads: Roads, costs: Floats, start: int, goal: int, limit_s: float) -> float | None:
    found = route(roads, costs, start, goal, limit_s)
    return None if found is None else found.seconds


def route(roads: Roads, costs: Floats, start: int, goal: int, limit_s: float) -> Route | None:
    """None when the goal cannot be reached in time."""
    if start == goal:
        return Route((), 0.0, 0.0)
    ends = _ends(roads, costs, goal)
    goals = tuple(int(roads.arc_from[arc]) for arc, _ in ends)
    node_s, via, _, _ = _from(roads, costs, start, limit_s, goals[0], goals[1])
    by = min(((float(node_s[roads.arc_from[arc]]) + into, arc) for arc, into in ends), default=(np.inf, -1))
    direct = _along(roads, costs, start, goal)
    if direct is not None and direct[0] <= min(by[0], limit_s):
        return Route((direct[1],), direct[0], float(direct[2]))
    if by[0] > limit_s:
        return None
    arcs = [by[1]]
    while via[roads.arc_from[arcs[-1]]] >= 0:
        arcs.append(int(via[roads.arc_from[arcs[-1]]]))
    arcs.append(_leaving_by(roads, costs, start, int(roads.arc_from[arcs[-1]])))
    arcs.reverse()
    metres = sum(float(roads.arc_m[each]) for each in arcs[1:-1])
    metres += _part_m(roads, arcs[0], start, leaving=True) + _part_m(roads, arcs[-1], goal, leaving=False)
    return Route(tuple(arcs), by[0], metres)


def _share(roads: Roads, arc: int, place: int) -> float:
    """Where on an arc the middle of a place lies, 0 to 1."""
    even = arc - arc % 2
    first, last = int(roads.arc_first[even]), int(roads.arc_first[even + 1])
    share = (int(roads.place_cell[place]) - first + 0.5) / (last - first)
    return share if arc == even else 1.0 - share


def _ends(roads: Roads, costs: Floats, goal: int) -> list[tuple[int, float]]:
    """Both arcs into a place, and the seconds from their beginnings."""
    even = int(roads.cell_arc[roads.place_cell[goal]])
    return [(arc, float(costs[arc]) * _share(roads, arc, goal)) for arc in (even, even + 1)]


def _part_m(roads: Roads, arc: int, place: int, *, leaving: bool) -> float:
    share = _share(roads, arc, place)
    return float(roads.arc_m[arc]) * (1.0 - share if leaving else share)


def _along(roads: Roads, costs: Floats, start: int, goal: int) -> tuple[float, int, float] | None:
    """Within one street, without a junction."""
    even = int(roads.cell_arc[roads.place_cell[start]])
    if int(roads.cell_arc[roads.place_cell[goal]]) != even:
        return None
    arc = even if roads.place_cell[goal] > roads.place_cell[start] else even + 1
    share = _share(roads, arc, goal) - _share(roads, arc, start)
    seconds = float(costs[arc]) * share
    return (seconds, arc, float(roads.arc_m[arc]) * share) if np.isfinite(seconds) else None


def _leaving_by(roads: Roads, costs: Floats, start: int, node: int) -> int:
    """The arc of the start's street by which its end is reached first (a street may end where it began)."""
    even = int(roads.cell_arc[roads.place_cell[start]])
    ways = [
        (float(costs[arc]) * (1.0 - _share(roads, arc, start)), arc)
        for arc in (even, even + 1)
        if int(roads.arc_to[arc]) == node
    ]
    return min(ways)[1]


def _from(
    roads: Roads, costs: Floats, start: int, limit_s: float, goal: int, other: int
) -> tuple[Floats, Ints, int, Ints]:
    even = int(roads.cell_arc[roads.place_cell[start]])
    begin = [(even, _share(roads, even, start)), (even + 1, _share(roads, even + 1, start))]
    nodes = np.array([roads.arc_to[arc] for arc, _ in begin], np.int32)
    after = np.array([float(costs[arc]) * (1.0 - share) for arc, share in begin], np.float64)
    node_s, via, settled, frontier = spread(
        roads.out_offset, roads.out_arc, roads.arc_to, costs, nodes, after, limit_s, goal, other
    )
    return node_s, via, int(settled), frontier


@compiled
def spread(
    out_offset: Ints,
    out_arc: Ints,
    arc_to: Ints,
    costs: Floats,
    nodes: Ints,
    after: Doubles,
    limit_s: float,
    goal: int,
    other: int,
) -> tuple[Floats, Ints, int, Ints]:
    """Bounded Dijkstra from several junctions. Stops early once both goals are settled (-1: none)."""
    count = len(out_offset) - 1
    best = np.full(count, np.inf, np.float32)
    via = np.full(count, -1, np.int32)
    done = np.zeros(count, np.uint8)
    heap: Any = [(np.float32(0.0), np.int32(-1))]
    for k in range(len(nodes)):
        if after[k] <= limit_s and np.float32(after[k]) < best[nodes[k]]:
            best[nodes[k]] = np.float32(after[k])
            heapq.heappush(heap, (best[nodes[k]], nodes[k]))
    settled = 0
    crossing = np.empty(64, np.int32)
    crossed = 0
    while len(heap) > 0:
        at, node = heapq.heappop(heap)
        if node < 0 or done[node]:
            continue
        done[node] = 1
        settled += 1
        if goal >= 0 and done[goal] and done[other]:
            break
        for k in range(out_offset[node], out_offset[node + 1]):
            arc = out_arc[k]
            there = np.float32(at + costs[arc])
            to = arc_to[arc]
            if there > limit_s:
                if there < np.inf:
                    if crossed == len(crossing):
                        wider = np.empty(2 * crossed, np.int32)
                        wider[:crossed] = crossing
                        crossing = wider
                    crossing[crossed] = arc
                    crossed += 1
            elif there < best[to]:
                best[to] = there
                via[to] = arc
                heapq.heappush(heap, (there, to))
    # An arc that runs out of time although its end is reached another way is no frontier.
    kept = 0
    for k in range(crossed):
        if not done[arc_to[crossing[k]]]:
            crossing[kept] = crossing[k]
            kept += 1
    return best, via, settled, crossing[:kept]
