"""An hour or two of the whole country in bad weather, from one seed; every promise holds whatever happened."""

import os
import subprocess
import sys

import pytest

from safetynet.core import grants
from safetynet.sim import storm as storms

pytestmark = pytest.mark.storm


LONG, SHORT = range(1, 9), range(9, 53)
SHORT_H = 0.7
"""Long ones of two hours: what grows with time is asked of some, what is rare of many."""


@pytest.mark.parametrize(
    ("seed", "hours"), [(seed, storms.HOURS) for seed in LONG] + [(seed, SHORT_H) for seed in SHORT]
)
def test_every_promise_holds(seed, hours):
    result = storms.storm(seed, hours)
    assert not result.broken, f"{storms.replay(seed, hours)}\n" + "\n".join(result.broken)
    assert result.deaths > 0
    assert result.messages_lost > 0
    assert result.events > 500 * hours


def test_the_same_seed_is_the_same_storm_to_the_byte():
    """Also in another process, where Python hashes text differently."""
    script = "from safetynet.sim.storm import storm; print(storm(3, 0.5).digest)"
    digests = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout
        for seed in ("1", "2")
    }
    assert digests == {storms.storm(3, 0.5).digest + "\n"}
    assert storms.storm(4, 0.5).digest + "\n" not in digests


def test_a_broken_promise_names_its_seed_and_how_to_see_it_again(monkeypatch, capsys):
    """A city that forgets the check of the camera is found, and the command says so and fails."""
    honest = grants.view

    def careless(lease, *, ended, camera, viewer, now):
        found = honest(lease, ended=ended, camera=camera, viewer=viewer, now=now)
        if isinstance(found, grants.Refused) and found.why is grants.Why.CAMERA_NOT_GRANTED:
            return grants.Ticket(lease.grant, camera, viewer, lease.until)
        return found

    monkeypatch.setattr("safetynet.sim.relays.view", careless)
    assert storms.main(["--runs", "1", "--seed", "2"]) == 1
    told = capsys.readouterr().out
    assert "safetynet storm --runs 1 --seed 2" in told
    assert "a picture of a camera that was not granted" in told
