"""The whole story on the whole product, in a real browser. The figures are the smoke run's own; here function counts."""

import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import ports
import pytest

from safetynet.sim.screen import BROWSERS

PORT = ports.take(60)
SHOTS = ("sign-in", "calm", "alarm", "granted-one", "four", "border", "officer", "closed")


@pytest.mark.browser
@pytest.mark.timeout(240)
@pytest.mark.skipif(not any(shutil.which(each) for each in BROWSERS), reason="no browser on PATH")
def test_a_strap_is_cut_and_the_story_ends_in_a_proved_ledger(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "safetynet", "smoke", "--runs", "1", "--port", str(PORT), "--out", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=230,
        check=False,
    )
    said = msgspec.json.decode(done.stdout.strip().splitlines()[-1])
    assert said["faults"] == [], done.stderr[-4_000:]
    assert done.returncode == 0
    assert said["ledger_verified"]
    assert said["tamper_found"]
    assert said["border_followed"]
    assert said["runs"] == 1
    assert said["grants"] >= 2
    for figure in ("alarm_ms", "first_picture_ms", "four_pictures_ms", "city_last_byte_ms"):
        assert 0 <= said[figure] < 60_000
    assert [each for each in SHOTS if not (tmp_path / f"{each}.png").stat().st_size] == []
