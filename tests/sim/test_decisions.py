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

BENCH = Path(__file__).parents[2] / "bench" / "decisions.py"


def test_the_short_form_says_what_is_asked_of_it():
    done = subprocess.run(
        [sys.executable, str(BENCH), "--quick"],
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
