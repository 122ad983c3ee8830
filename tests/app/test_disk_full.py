"""A control centre on a real disk of 96 MiB that fills up: alarms go on, video stops, the operator is told, and back."""

import asyncio
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
from patience import PATIENCE_S

sys.path.insert(0, str(Path(__file__).parent))
import deployment
import ports
from deployment import LAT, LON, page, report

from safetynet.edge import config
from safetynet.edge.disk import FILE, MIB, free_bytes

PORT = ports.take(6)
LIMITS = config.DiskLimits(low_mib=44, scarce_mib=26, reserve_mib=12)


def may_mount() -> bool:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        return False
    return (
        subprocess.run(
            ["unshare", "-m", "mount", "-t", "tmpfs", "x", "/mnt"], check=False, capture_output=True
        ).returncode
        == 0
    )


@pytest.fixture
async def small(tmp_path):
    """The centre's folder on a small disk of its own, and the program that lives there; seen through /proc."""
    if not may_mount():
        pytest.skip("a small disk needs root and a mount namespace")
    folder = deployment.make(tmp_path, PORT)
    config.write(folder, msgspec.structs.replace(config.read(folder), disk=LIMITS))
    disk = tmp_path / "disk"
    disk.mkdir()
    script = 'mount -t tmpfs -o size=96m x "$1" && cp -a "$2" "$1/control" && exec "$3" -m safetynet control --dir "$1/control"'
    process = await asyncio.create_subprocess_exec(
        "unshare", "-m", "sh", "-c", script, "sh", str(disk), str(folder), sys.executable, stdout=asyncio.subprocess.PIPE
    )  # fmt: skip
    try:
        line = await asyncio.wait_for(process.stdout.readline(), 60)
        assert b'"ready"' in line, line
        yield Path(f"/proc/{process.pid}/root{disk}/control")
    finally:
        process.terminate()
        await asyncio.wait_for(process.communicate(), PATIENCE_S)


def fill(folder, leave_mib):
    """Somebody else's file grows until so much is left."""
    path = folder.parent / "other"
    size = (path.stat().st_size if path.exists() else 0) + free_bytes(folder) - leave_mib * MIB
    with path.open("ab") as file:
        os.posix_fallocate(file.fileno(), 0, size)


async def cut(device):
    return await report(
        PORT, device, lat=LAT + 0.01, lon=LON, accuracy=10, timestamp=int(time.time()), alarm="removing"
    )


def disk_of(shown):
    return shown.shown["calm"]["calm"]["disk"]


async def test_alarms_go_on_from_the_reserve_while_video_stops_and_all_comes_back(small):
    async with page(PORT, "kim") as kim:
        assert await cut("d1") == 200
        await kim.until(lambda p: len(p.shown.get("alarms", {})) == 1)
        (incident,) = kim.shown["incidents"]
        assert await kim.do("claim", incident=incident) == "ok"

        fill(small, 36)
        await kim.until(lambda p: disk_of(p) == "low")
        assert await kim.do("video", incident=incident) == "disk_low"
        assert (small / FILE).exists()

        fill(small, 20)
        await kim.until(lambda p: disk_of(p) == "scarce")
        assert not (small / FILE).exists()
        assert free_bytes(small) >= 30 * MIB, "the reserve is free to be written to"
        fill(small, 14)  # it goes on: less than there was before the reserve was given up
        assert await cut("d2") == 200
        await kim.until(lambda p: len(p.shown["alarms"]) == 2)
        assert await kim.do("call", incident=incident, outcome="no_answer") == "ok"

        (small.parent / "other").unlink()
        await kim.until(lambda p: disk_of(p) == "ample")
        assert (small / FILE).stat().st_size == LIMITS.reserve_mib * MIB
        assert await kim.do("video", incident=incident) != "disk_low"
