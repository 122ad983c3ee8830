"""The power fails under load: a file system of its own on a loop device is shut down without writing its log, and mounted again.

What the program had not flushed is then gone, as on a disk that loses its power. Needs root and loop devices.
"""

import asyncio
import contextlib
import fcntl
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import deployment
import ports
import rounds
from deployment import page, program

SHUTDOWN = 0x8004587D
"""EXT4_IOC_SHUTDOWN; 2: without flushing its log."""
IMAGE_MIB = 96


@contextlib.contextmanager
def mounted(image, at):
    at.mkdir(exist_ok=True)
    done = subprocess.run(["mount", "-o", "loop", image, at], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"the power cut did not run: no loop device here ({done.stderr.strip()})")
    try:
        yield
    finally:
        subprocess.run(["umount", at], check=True)


def power_off(at):
    handle = os.open(at, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.ioctl(handle, SHUTDOWN, struct.pack("<I", 2))
    finally:
        os.close(handle)


@pytest.fixture
def image(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("the power cut did not run: only root mounts a file system")
    if shutil.which("mkfs.ext4") is None:
        pytest.skip("the power cut did not run: mkfs.ext4 is not installed")
    path = tmp_path / "disk.img"
    with path.open("wb") as file:
        file.truncate(IMAGE_MIB << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", path], check=True)
    return path


def test_what_was_not_flushed_is_gone_after_the_cut(image, tmp_path):
    """The test's own teeth: without an fsync this power cut does lose what was written."""
    with mounted(image, tmp_path / "disk"):
        kept, lost = tmp_path / "disk" / "kept", tmp_path / "disk" / "lost"
        kept.write_bytes(b"flushed")
        handle = os.open(kept, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)
        lost.write_bytes(b"not flushed")
        power_off(tmp_path / "disk")
    with mounted(image, tmp_path / "disk"):
        assert kept.read_bytes() == b"flushed"
        assert not lost.exists() or lost.read_bytes() == b""


@pytest.mark.parametrize("after_acked", [20, 90])
async def test_what_was_acknowledged_survives_a_power_cut(image, tmp_path, after_acked):
    port = ports.take(6)
    with mounted(image, tmp_path / "disk"):
        folder = deployment.make(tmp_path / "disk", port)
        rounds.enrol(folder)
        os.sync()
        fleet = rounds.Fleet(port)
        async with program(folder) as running:
            load = asyncio.create_task(fleet.run())
            while len(fleet.acked) < after_acked:
                await asyncio.sleep(0.001)
            power_off(tmp_path / "disk")
            running.process.kill()
            await running.process.wait()
            await load
        assert not fleet.done
    with mounted(image, tmp_path / "disk"):
        async with program(folder), page(port, "kim") as kim:
            await fleet.run()
            assert fleet.done
            await kim.until(lambda page: len(rounds.shown(page)) == rounds.WEARERS)
        rounds.check(folder, fleet)
