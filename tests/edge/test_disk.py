"""The reserve and its levels, with room that is made up; on a real small disk: tests/app/test_disk_full.py."""

import pytest

from safetynet.core.terms import DiskLevel
from safetynet.edge.config import DiskLimits
from safetynet.edge.disk import FILE, MIB, Disk

LIMITS = DiskLimits(low_mib=10, scarce_mib=4, reserve_mib=2)


class Room:
    """A disk of which others use `used` MiB; the reserve takes its part as a real one would."""

    def __init__(self, folder, whole=40):
        self.folder, self.whole, self.used = folder, whole, 0

    def __call__(self, _):
        held = (self.folder / FILE).stat().st_size if (self.folder / FILE).exists() else 0
        return self.whole * MIB - self.used * MIB - held


@pytest.fixture
def room(tmp_path):
    return Room(tmp_path)


def test_levels_down_and_back_with_the_reserve(room, tmp_path):
    disk = Disk(tmp_path, LIMITS, free=room)
    assert (disk.level, (tmp_path / FILE).stat().st_size) == (DiskLevel.AMPLE, 2 * MIB)
    seen = []
    for used in (27, 29, 33, 35, 37, 35, 34, 33, 32, 29, 26, 25, 20):
        room.used = used
        seen.append((used, disk.look().value, (tmp_path / FILE).exists()))
    assert seen == [
        (27, "ample", True),  # 11 free
        (29, "low", True),
        (33, "low", True),
        (35, "scarce", False),  # 3 free before the reserve was given up
        (37, "scarce", False),
        (35, "scarce", False),
        (34, "scarce", False),  # 4 with the reserve taken back, but 5 are asked for
        (33, "low", True),
        (32, "low", True),
        (29, "low", True),
        (26, "low", True),  # 12 free; 12.5 are asked for
        (25, "ample", True),
        (20, "ample", True),
    ]


def test_a_program_that_starts_on_a_full_disk_gives_the_reserve_up_at_once(room, tmp_path):
    Disk(tmp_path, LIMITS, free=room)
    room.used = 36
    assert Disk(tmp_path, LIMITS, free=room).level is DiskLevel.SCARCE
    assert not (tmp_path / FILE).exists()


def test_a_relay_looks_and_holds_nothing(room, tmp_path):
    room.used = 32
    assert Disk(tmp_path, LIMITS, holds=False, free=room).level is DiskLevel.LOW
    assert not (tmp_path / FILE).exists()
    owner = Disk(tmp_path, LIMITS, free=room)
    relay = Disk(tmp_path, LIMITS, holds=False, free=room)
    room.used = 35
    assert owner.look() is DiskLevel.SCARCE
    assert relay.look() is not DiskLevel.AMPLE, "the reserve that was given up is no room for video"


def test_a_reserve_that_cannot_be_taken_leaves_no_half(room, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("safetynet.edge.disk.os.posix_fallocate", full)
    disk = Disk(tmp_path, LIMITS, free=room)
    assert disk.level is DiskLevel.SCARCE
    assert list(tmp_path.iterdir()) == []


def test_limits_that_would_never_stop_video_are_refused(tmp_path):
    with pytest.raises(AssertionError):
        Disk(tmp_path, DiskLimits(low_mib=10, scarce_mib=8, reserve_mib=4))
