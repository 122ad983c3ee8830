"""The bench of ingest in its short form: it runs, names its figures, and finds nothing lost and nothing doubled."""

import json
import subprocess
import sys
from pathlib import Path

import ports

ROOT = Path(__file__).parents[2]
KEYS = {
    "rows",
    "max_rate_per_s",
    "p50_fsync_ratio_worst",
    "p99_fsync_ratio_worst",
    "classic_ratio",
    "lost",
    "duplicated",
}


def test_short_form_loses_nothing_and_doubles_nothing():
    done = subprocess.run(
        [sys.executable, "bench/ingest.py", "--short", "--port", str(ports.take(6))],
        capture_output=True,
        cwd=ROOT,
        timeout=250,
        check=True,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert found.keys() >= KEYS
    assert (found["lost"], found["duplicated"]) == (0, 0)
    assert all(each["alarms"] for each in found["rows"]), (
        "all ten came to the window in the end (lost is 0); on a busy machine some after the row"
    )
    assert found["max_rate_per_s"] > 0
