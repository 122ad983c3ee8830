"""The bench of deciders, in its short form: it runs, says what it must, and its own oracle agrees with the rules' arithmetic."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))

import decisions

from safetynet.core import evidence

ROOT = Path(__file__).parents[2]


def test_the_short_form_says_what_is_asked_of_it():
    done = subprocess.run(
        [sys.executable, str(ROOT / "bench" / "decisions.py"), "--quick"],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["bench"] == "decisions"
    assert {(row["decider"], row["rhythm_s"]) for row in said["rows"]} == {
        (name, rhythm_s) for name in (*decisions.PEERS, "ours") for rhythm_s in decisions.RHYTHMS
    }
    for key in (*decisions.KEYS, "naive_delay_s_p95"):
        assert all(key in row for row in said["rows"])
        assert key in said
    assert said["missed_certain_crossings"] == 0
    assert said["false_exclusion_per_day"] < said["rows"][0]["false_exclusion_per_day"]


@settings(max_examples=25)
@given(st.floats(160, 900), st.floats(0, 2 * math.pi), st.floats(160, 900), st.floats(0, 2 * math.pi))
def test_two_ways_of_reckoning_the_way_around(far_a, turn_a, far_b, turn_b):
    a = (far_a * math.cos(turn_a), far_a * math.sin(turn_a))
    b = (far_b * math.cos(turn_b), far_b * math.sin(turn_b))
    assert evidence.around_m(*a, *b, 0.0, 0.0, 150.0) == pytest.approx(
        decisions.around_by_posts_m(a, b, 150.0), rel=0.01, abs=3.0
    )


def test_what_is_reported_was_not_looked_at_while_the_thresholds_were_set():
    assert not {*decisions.HELD_OUT_SEEDS} & {*decisions.TUNING_SEEDS}
    done = subprocess.run(
        [sys.executable, str(ROOT / "bench" / "decisions.py"), "--quick", "--write", "--seeds", f"99,{decisions.TUNING_SEEDS[0]}"],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "nothing of them is written" in done.stderr


def test_seeds_together_are_what_they_are_one_by_one():
    together, single = decisions.Seen(), [decisions.seen(decisions.Said(1, 4, 8, (seed,)), seed, 60) for seed in (5, 6)]
    for each in single:
        together.add(each["naive"])
    rows = [each["naive"].row() for each in single]
    assert together.row()["false_exclusion_per_day"] == pytest.approx(
        sum(each["false_exclusion_per_day"] for each in rows) / 2
    )
    assert together.row()["certain_crossings"] == sum(each["certain_crossings"] for each in rows)
    assert len(together.entered.s) == 8


def test_a_goal_that_is_missed_is_said():
    good = {
        "false_exclusion_per_day": 0.05, "false_curfew_per_night": 0.2, "missed_certain_crossings": 0, "delay_s_p50": 60.0,
        "delay_s_p95": 96.0, "naive_delay_s_p95": 60.0, "burst_share": 0.05,
    }  # fmt: skip
    assert all(decisions.goals(good).values())
    for key, bad in (("false_exclusion_per_day", 0.051), ("false_curfew_per_night", 0.21), ("missed_certain_crossings", 1), ("delay_s_p95", 96.1), ("burst_share", 0.051)):  # fmt: skip
        assert [name for name, met in decisions.goals(good | {key: bad}).items() if not met] == [key]
