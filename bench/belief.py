"""What a pursuit costs: a step of the belief, fifty pursuits at once with their planning, and the ring of five minutes.

    python bench/belief.py [--incidents 50] [--side 450]

A made town of about 20 km² and a made region of 202,500 junctions (safetynet/sim/flights.py), with made cameras. Fifty people
are sought at once, two to five minutes after they were lost: each second a step and the silence of nine pictures, every
five seconds a plan, every half minute a mark that comes two seconds late. One thread; processor time, not the clock's.
The peer of the ring is networkx with the same bound, on the same graph in the same run.
"""

import argparse
import json
import math
import os
import sys
import time
from pathlib import Path
from random import Random

import networkx as nx
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from safetynet.core.pursuit import belief as beliefs
from safetynet.core.pursuit import choosing, evidence, search
from safetynet.core.pursuit.belief import Ground
from safetynet.core.pursuit.model import FLIGHT
from safetynet.core.roads import Roads, Travel, costs_s, reach
from safetynet.core.terms import Instant
from safetynet.sim.flights import SIDE, grid_town
from safetynet.sim.lookouts import hang

WALL = 9
PLAN_S = 5
MARK_S = 30
YOUNG_S, OLD_S = 120, 300
RING_S = 300.0


def ground_of(side: int, poles_per_km: float) -> tuple[Ground, dict[str, float]]:
    before = time.perf_counter()
    roads = grid_town(3, side)
    packed = time.perf_counter()
    views = hang(roads, 3, poles_per_km).listed
    return Ground(roads, views, FLIGHT), {
        "nodes": roads.nodes,
        "cells": roads.cells,
        "views": len(views),
        "pack_s": round(packed - before, 1),
    }


def spots(roads: Roads, count: int, dice: Random) -> list[tuple[float, float]]:
    rows = [dice.randrange(roads.places) for _ in range(count)]
    return [(float(roads.place_x[row]), float(roads.place_y[row])) for row in rows]


def lost(ground: Ground, x: float, y: float, seconds: int) -> search.Search:
    now = search.begin(ground, Instant(0), x, y, 15.0)
    return search.go_on(ground, now, Instant(seconds * 1000))


def step_ms(ground: Ground, spot: tuple[float, float]) -> dict[str, float]:
    now = lost(ground, *spot, OLD_S)
    turns = ground.turns(now.anchor)
    took = []
    for k in range(100):
        before = time.thread_time_ns()
        beliefs.advance(ground, now.belief, turns, 1, at=1 + 5 * k)
        took.append((time.thread_time_ns() - before) / 1e6)
    plans = []
    for _ in range(30):
        before = time.thread_time_ns()
        choosing.choose(ground, now, WALL)
        plans.append((time.thread_time_ns() - before) / 1e6)
    return {
        "step_ms_p50": round(float(np.median(took)), 3),
        "plan_ms_p50": round(float(np.median(plans)), 3),
        "active_cells": len(now.belief.cells),
    }


def cores(ground: Ground, incidents: int, seconds: int, dice: Random) -> float:
    """Processor seconds per second."""
    found = [
        lost(ground, x, y, YOUNG_S + (OLD_S - YOUNG_S) * k // incidents)
        for k, (x, y) in enumerate(spots(ground.roads, incidents, dice))
    ]
    shown: list[tuple[int, ...]] = [() for _ in found]
    at = [each.second for each in found]
    before = time.process_time()
    for second in range(1, seconds + 1):
        for k in range(len(found)):
            when = Instant((at[k] + second) * 1000)
            now = search.go_on(ground, found[k], when)
            if (second + k) % MARK_S == 0 and shown[k]:
                view = ground.views.all[shown[k][0]]
                said = evidence.Seen(Instant(when - 2_000), view.x, view.y, view=shown[k][0])
                now = search.take(ground, now, said)
            if (second + k) % PLAN_S == 0:
                shown[k] = tuple(each.view for each in choosing.choose(ground, now, WALL, shown[k]))
            found[k] = search.take(ground, now, evidence.Shown(when, shown[k], WALL))
    return (time.process_time() - before) / seconds


def ring(roads: Roads, dice: Random) -> dict[str, float]:
    costs = costs_s(roads, Travel.CAR)
    starts = [dice.randrange(roads.places) for _ in range(300)]
    took = []
    for start in starts:
        before = time.thread_time_ns()
        reach(roads, costs, start, RING_S)
        took.append((time.thread_time_ns() - before) / 1e6)
    peer = nx.DiGraph()
    peer.add_weighted_edges_from(
        (int(a), int(b), float(s))
        for a, b, s in zip(roads.arc_from, roads.arc_to, costs, strict=True)
        if math.isfinite(s)
    )
    theirs = []
    agree = 0
    for start in starts[:20]:
        node = int(roads.arc_to[roads.cell_arc[roads.place_cell[start]]])
        if node not in peer:
            continue
        before = time.thread_time_ns()
        settled = nx.single_source_dijkstra_path_length(peer, node, cutoff=RING_S)
        theirs.append((time.thread_time_ns() - before) / 1e6)
        agree += len(settled) > 0
    took.sort()
    return {
        "ring_5min_ms_p50": round(float(np.median(took)), 3),
        "ring_5min_ms_p99": round(took[int(len(took) * 0.99)], 3),
        "networkx_ms_p50": round(float(np.median(theirs)), 2),
        "networkx_ratio": round(float(np.median(theirs)) / float(np.median(took)), 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--incidents", type=int, default=50)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--side", type=int, default=450)
    said = parser.parse_args()
    os.nice(5)
    out: dict[str, object] = {"bench": "belief", "incidents": said.incidents}
    for name, side, poles in (("city", SIDE, 4.2), ("200k", said.side, 0.3)):
        dice = Random(5)
        ground, about = ground_of(side, poles)
        (spot,) = spots(ground.roads, 1, dice)
        lost(ground, *spot, 10)
        choosing.choose(ground, lost(ground, *spot, 10), WALL)
        reach(ground.roads, costs_s(ground.roads, Travel.CAR), 0, 10.0)
        cores(ground, 1, MARK_S + 1, dice)
        steps = step_ms(ground, spot)
        used = cores(ground, said.incidents, said.seconds, dice)
        out |= {f"{key}_{name}": value for key, value in {**about, **steps}.items()}
        out[f"cores_{said.incidents}_incidents_{name}"] = round(used, 3)
        if name == "200k":
            out |= ring(ground.roads, dice)
        print(json.dumps(out), flush=True)
    print(json.dumps(out))


if __name__ == "__main__":
    main()
