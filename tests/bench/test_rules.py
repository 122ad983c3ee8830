"""The bench of rules in short: what it times is what the rules say, of everybody, and little of it needs the rules."""

import importlib.util
from pathlib import Path

import pytest

PATH = Path(__file__).parents[2] / "bench" / "rules.py"


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location("bench_rules", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_is_timed_is_what_the_rules_say(bench, capsys):
    size = bench.Size(wearers=400, shared=200, rounds=3, twins=400, beside=400, postgis_fixes=0, redis_fixes=0)
    figures = bench.measured(size, 0, beside=False)
    more = capsys.readouterr().out
    assert figures["twin_agreement"] == 1.0
    assert figures.keys() == {
        "fixes_per_s_core",
        "fixes_per_s_core_basic",
        "postgis_ratio",
        "redis_ratio",
        "twin_agreement",
    }
    assert figures["postgis_ratio"] is None, "not asked"
    assert '"transitions": 0' not in more, "something happened"
