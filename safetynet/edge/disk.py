"""How much room is left where a centre writes, and a reserve that keeps alarms going when there is none.

The reserve is a file with nothing in it that takes its place on the disk beforehand. Below the first limit video must
stop; below the second the reserve is given up, so that journal and log can still write for hours. When room comes back the
reserve is taken again first. A program that owns the log holds the reserve; its relay only looks.

Absent on purpose: what is stopped at which level (the minds and the relays).
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from safetynet.core.terms import DiskLevel
from safetynet.edge.config import DiskLimits

FILE: Final = "reserve"
LOOK_S: Final = 1.0
MIB: Final = 1024 * 1024
BACK_PERCENT: Final = 125
"""Of a limit must be free before its level is left again: no flicker around it."""


def free_bytes(folder: Path) -> int:
    """What this user may still write there."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


class Disk:
    """`level` is what the last `look` found. `holds` is False for a relay."""

    def __init__(
        self, folder: Path, limits: DiskLimits, *, holds: bool = True, free: Callable[[Path], int] = free_bytes
    ) -> None:
        assert limits.scarce_mib + limits.reserve_mib < limits.low_mib, "given up, the reserve must not read as room"
        self._folder, self._holds, self._free = folder, holds, free
        self._low, self._scarce, self._reserve = (
            each * MIB for each in (limits.low_mib, limits.scarce_mib, limits.reserve_mib)
        )
        self._path = folder / FILE
        self.level = DiskLevel.AMPLE
        self.free_bytes = 0
        self.look()

    def look(self) -> DiskLevel:
        """Gives up or takes back the reserve as needed. Never raises for a full disk."""
        held = not self._holds or self._path.exists()
        self.free_bytes = free = self._free(self._folder)
        counted = free if held else free - self._reserve
        level = self._level(counted)
        if self._holds and level is DiskLevel.SCARCE:
            self._path.unlink(missing_ok=True)
        elif not held and not self._take():
            level = DiskLevel.SCARCE
        self.level = level
        return level

    def _level(self, counted: int) -> DiskLevel:
        scarce = self._scarce * (BACK_PERCENT if self.level is DiskLevel.SCARCE else 100) // 100
        low = self._low * (100 if self.level is DiskLevel.AMPLE else BACK_PERCENT) // 100
        if counted < scarce:
            return DiskLevel.SCARCE
        return DiskLevel.LOW if counted < low else DiskLevel.AMPLE

    def _take(self) -> bool:
        """Whole or not at all: half a reserve would only make the disk fuller."""
        unfinished = self._path.with_name(f".{FILE}.new")
        handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(handle, 0, self._reserve)
        except OSError:  # somebody else was quicker: it stays given up and is tried again at the next look
            unfinished.unlink()
            return False
        finally:
            os.close(handle)
        unfinished.replace(self._path)
        return True
