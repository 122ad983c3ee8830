"""The flood of bench/flood.py in short: the bench itself still says what it is meant to say, and its targets hold."""

import importlib.util
from pathlib import Path

import pytest

PATH = Path(__file__).parents[2] / "bench" / "flood.py"


@pytest.fixture(scope="module")
def flood():
    spec = importlib.util.spec_from_file_location("flood", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_an_hour_with_its_burst_and_its_outage(flood, capsys):
    made = flood.main(1.0, 3)
    capsys.readouterr()
    assert made["raw_per_operator_10min"] > 10, "it is a flood"
    assert made["outages"] == 1
    assert made["planted_tampers"] == flood.TAMPERS
    assert made["tamper_to_top_ms_p99"] <= 1_000
    assert made["shown_per_operator_10min_worst"] <= 10
    assert made["unexplained_suppressions"] == 0
    assert made["shown"] < made["raw"] / 4
    assert made["listed"] >= sum(made["suppressed"].values())


def test_what_waits_longer_rings_less_and_the_table_is_as_it_was_afterwards(flood, capsys):
    before = flood.annunciations.TABLE
    long = [flood.main(1.0, 3, longer=2.0, delays=delays)["shown"] for delays in (1.0, 2.0)]
    capsys.readouterr()
    assert long[1] < long[0] * 0.7
    assert flood.annunciations.TABLE is before
