"""Made flights, made cameras and a made watcher: they are what they say, the same every time, and worth following."""

import importlib.util
import math
from pathlib import Path
from random import Random

import numpy as np
import pytest

from safetynet.sim.flights import Gait, flight, grid_town
from safetynet.sim.lookouts import BLIND, START_S, TURN_S, Wall, exposed, hang

TOWN = grid_town(2, 14)
LOOKOUTS = hang(TOWN, 2, 3.4)
FLIGHTS = [flight(TOWN, seed, 240) for seed in range(12)]


def test_a_flight_is_the_same_every_time_and_goes_where_roads_are():
    again = flight(TOWN, 3, 240)
    assert np.array_equal(again.x, FLIGHTS[3].x)
    assert np.array_equal(again.open, FLIGHTS[3].open)
    for each in FLIGHTS:
        away = np.hypot(TOWN.place_x[each.place] - each.x, TOWN.place_y[each.place] - each.y)
        assert away[each.open].max() < 20.0
        step = np.hypot(np.diff(each.x), np.diff(each.y))
        assert step.max() < 40.0
    assert {each.gait for each in FLIGHTS} >= {Gait.WALK, Gait.RUN}
    assert 0.4 < np.mean([each.open.mean() for each in FLIGHTS]) < 1.0


def test_cameras_are_not_all_that_their_list_says():
    listed, true = LOOKOUTS.listed, LOOKOUTS.true
    assert len(listed) == len(true)
    fixed = [row for row, each in enumerate(listed.all) if not each.turns]
    unknown = sum(listed.all[row].azimuth_deg is None for row in fixed) / len(fixed)
    assert 0.2 < unknown < 0.5
    assert all(each.azimuth_deg is not None for each in true.all)
    seen = sum(len(each) for each in LOOKOUTS.seen_by)
    assert seen / len(true.place) == pytest.approx(1 - BLIND, abs=0.05)
    assert 0.2 < np.mean([bool(each) for each in LOOKOUTS.seen_by]) < 0.8


def test_a_picture_lives_only_after_it_has_started_and_a_camera_only_after_it_has_turned():
    wall = Wall(TOWN, LOOKOUTS, FLIGHTS[0], Random(1), 3)
    still = next(row for row, each in enumerate(LOOKOUTS.listed.all) if not each.turns)
    turning = next(row for row, each in enumerate(LOOKOUTS.listed.all) if each.turns)
    wall.show((still, turning), 20)
    assert wall.live(20 + START_S - 1) == ()
    assert wall.live(20 + START_S) == (still,)
    assert set(wall.live(20 + TURN_S)) == {still, turning}
    wall.show((turning,), 30)
    assert wall.live(30) == (turning,)
    assert wall.changes == 2


def test_whoever_looks_marks_only_what_is_shown_and_is_late():
    true = wrong = 0
    for each in FLIGHTS:
        wall = Wall(TOWN, LOOKOUTS, each, Random(each.seed), 9)
        for second in range(15, 241):
            wall.show([view for view, _ in LOOKOUTS.seen_by[int(each.place[second])]][:9], second)
            live = wall.live(second)
            seen, marks = wall.look(second)
            assert not seen or exposed(LOOKOUTS, each)[second]
            for mark in marks:
                assert mark.view in live
                assert 1 < mark.heard - second <= 4
                if mark.true:
                    true += 1
                    assert each.open[second]
                    assert math.dist((mark.x, mark.y), (each.x[second], each.y[second])) < 60.0
                else:
                    wrong += 1
    assert true > 20 * max(1, wrong) / 2


def test_the_bench_in_its_short_form_finds_what_the_nearest_cameras_lose():
    path = Path(__file__).parents[2] / "bench" / "pursuit.py"
    spec = importlib.util.spec_from_file_location("bench_pursuit", path)
    bench = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench)
    found = bench.main(
        ["--flights", "3", "--world", "city", "--only", "nearest_k9", "--only", "ours_k9", "--jobs", "1"]
    )
    city = found["city"]
    assert city["ours_k9"] > 1.5 * city["nearest_k9"]
    assert city["ours_k9_ci"][0] <= city["ours_k9"] <= city["ours_k9_ci"][1]
    assert set(city["gates"]) >= {"ours_k9 >= 0.55", "ours_k9 >= 3.5 nearest_k9", "region95_coverage >= 0.85"}
