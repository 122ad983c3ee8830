"""The road graph: cells, twins and turns agree; reach, routes and arrival against plain Dijkstra without bounds."""

import heapq
import math
import sys
from pathlib import Path

import numpy as np
import pytest

from safetynet.core.roads import Rank, Travel, arrival_s, costs_s, place_near, reach, route, seconds_to

sys.path.insert(0, str(Path(__file__).parent))
from towns import line, town

TOWNS = [town(seed=seed) for seed in (1, 2, 3)]


@pytest.mark.parametrize("roads", TOWNS)
def test_cells_twins_and_places_agree(roads):
    cells = np.arange(roads.cells)
    assert (roads.cell_twin[roads.cell_twin] == cells).all()
    assert (roads.cell_place[roads.cell_twin] == roads.cell_place).all()
    assert (roads.cell_arc[roads.cell_twin] == roads.cell_arc ^ 1).all()
    assert (roads.cell_place[roads.place_cell] == np.arange(roads.places)).all()
    assert np.allclose(roads.cell_hx[roads.cell_twin], -roads.cell_hx)
    lengths = np.bincount(roads.cell_arc, roads.cell_m)
    assert np.allclose(lengths, roads.arc_m, rtol=1e-4)
    assert roads.cell_m.max() < 1.5 * 20.0


def test_cells_follow_each_other_along_an_arc():
    roads = line()
    first, after = roads.arc_first[0], roads.arc_first[1]
    assert np.diff(roads.place_x[roads.cell_place[first:after]]) == pytest.approx(20.0, abs=0.1)
    back = roads.cell_place[roads.arc_first[1] : roads.arc_first[2]]
    assert (np.diff(roads.place_x[back]) < 0).all()


@pytest.mark.parametrize("roads", TOWNS)
def test_turns_begin_where_the_arc_ends(roads):
    for arc in range(roads.arcs):
        onto = roads.turn_arc[roads.turn_offset[arc] : roads.turn_offset[arc + 1]]
        assert set(roads.arc_from[onto]) == {roads.arc_to[arc]}
        assert arc ^ 1 in onto
    straight = np.flatnonzero(roads.turn_arc == (np.repeat(np.arange(roads.arcs), np.diff(roads.turn_offset)) ^ 1))
    assert roads.turn_cos[straight] == pytest.approx(-1.0, abs=1e-5)


def plain(roads, costs, start):
    """Seconds to every junction, without a bound and without numpy."""
    even = int(roads.cell_arc[roads.place_cell[start]])
    first, after = int(roads.arc_first[even]), int(roads.arc_first[even + 1])
    share = (int(roads.place_cell[start]) - first + 0.5) / (after - first)
    queue = [(float(costs[even]) * (1 - share), int(roads.arc_to[even])), (float(costs[even + 1]) * share, int(roads.arc_to[even + 1]))]  # fmt: skip
    best = {}
    heapq.heapify(queue)
    while queue:
        at, node = heapq.heappop(queue)
        if node in best or math.isinf(at):
            continue
        best[node] = at
        for arc in range(roads.arcs):
            if roads.arc_from[arc] == node:
                heapq.heappush(queue, (at + float(costs[arc]), int(roads.arc_to[arc])))
    return best


@pytest.mark.parametrize("roads", TOWNS)
@pytest.mark.parametrize("travel", [Travel.WALK, Travel.CAR])
def test_reach_is_what_plain_dijkstra_finds(roads, travel):
    costs = costs_s(roads, travel)
    for start in range(0, roads.places, 17):
        truth = plain(roads, costs, start)
        found = reach(roads, costs, start, 90.0)
        for node in range(roads.nodes):
            at = truth.get(node, math.inf)
            assert found.node_s[node] == pytest.approx(at if at <= 90.0 else math.inf, rel=1e-4)
        assert found.settled == sum(at <= 90.0 for at in truth.values())
        for arc in found.frontier:
            assert truth[int(roads.arc_from[arc])] <= 90.0 < truth.get(int(roads.arc_to[arc]), math.inf) + 1e-3


@pytest.mark.parametrize("roads", TOWNS)
def test_a_route_joins_up_and_takes_as_long_as_it_says(roads):
    costs = costs_s(roads, Travel.CAR)
    tried = 0
    for start in range(0, roads.places, 23):
        for goal in range(3, roads.places, 29):
            found = route(roads, costs, start, goal, 3_600.0)
            if found is None or not found.arcs:
                continue
            tried += 1
            assert all(roads.arc_car[arc] for arc in found.arcs)
            for one, other in zip(found.arcs, found.arcs[1:], strict=False):
                assert roads.arc_to[one] == roads.arc_from[other]
            assert roads.cell_arc[roads.place_cell[goal]] // 2 == found.arcs[-1] // 2
            assert roads.cell_arc[roads.place_cell[start]] // 2 == found.arcs[0] // 2
            speeds = [float(roads.arc_mps[arc]) for arc in found.arcs]
            assert found.metres / max(speeds) <= found.seconds + 1e-3
            assert found.seconds <= found.metres / min(speeds) + 1e-3
            (there,) = seconds_to(roads, costs, start, [goal], 3_600.0)
            assert there == pytest.approx(found.seconds, rel=1e-3, abs=0.05)
    assert tried > 20


def test_arrival_along_one_street():
    roads = line()
    costs = costs_s(roads, Travel.WALK)
    a, b = place_near(roads, -170.0, 0.0), place_near(roads, 130.0, 0.0)
    assert arrival_s(roads, costs, a, b, 600.0) == pytest.approx(300.0 / 1.3, rel=0.01)
    assert arrival_s(roads, costs, a, b, 100.0) is None


def test_cars_keep_to_their_direction_and_people_do_not():
    roads = line(against=False)
    a, b = place_near(roads, -170.0, 0.0), place_near(roads, 130.0, 0.0)
    assert arrival_s(roads, costs_s(roads, Travel.CAR), b, a, 3_600.0) is None
    assert arrival_s(roads, costs_s(roads, Travel.WALK), b, a, 3_600.0) is not None


def test_nobody_walks_on_a_motorway():
    roads = town(seed=5)
    assert (roads.arc_car == (roads.arc_rank != Rank.PATH))[roads.arc_rank == Rank.PATH].all()
    assert not roads.arc_car[roads.arc_rank == Rank.PATH].any()


def test_far_from_every_road_there_is_no_place():
    assert place_near(line(), 0.0, 90_000.0) is None
    assert place_near(line(), 0.0, 700.0) is not None
