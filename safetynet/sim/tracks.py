"""Real walks of others, shifted to a place of ours: GeoLife PLT and NMEA files.

Nonsense lines are left out and counted; times keep their distances. Absent on purpose: any smoothing.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from safetynet.core.terms import Instant
from safetynet.sim.plane import Plane

Floats = npt.NDArray[np.float64]

FILE_BYTES_MAX: Final = 64 * 1024 * 1024
_PLT_HEAD: Final = 6
GAP_S_MAX: Final = 12.0
RUN_MPS_MAX: Final = 3.5
TREMBLE_S: Final = 8.0
"""What a fix differs from its neighbours of so many seconds is taken for the receiver's error, not for a step."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One real fix. `hdop` is 0 where the file does not say."""

    at: Instant
    lat: float
    lon: float
    hdop: float = 0.0


@dataclass(frozen=True, slots=True)
class Track:
    marks: tuple[Mark, ...]
    refused: int
    """Lines that were no position: bad numbers, bad check sums, no fix."""


def read(path: Path) -> Track:
    """By its ending: .plt is GeoLife, all else NMEA 0183. Raises ValueError for a file too large or without a fix."""
    if path.stat().st_size > FILE_BYTES_MAX:
        raise ValueError(f"{path.name}: more than {FILE_BYTES_MAX} bytes")
    lines = path.read_text("ascii", errors="replace").splitlines()
    track = _plt(lines) if path.suffix.lower() == ".plt" else _nmea(lines)
    if not track.marks:
        raise ValueError(f"{path.name}: no position in {len(lines)} lines")
    return track


def shift(track: Track, lat: float, lon: float, start: Instant) -> Track:
    """The same walk, in metres and seconds, begun at another place and time."""
    first = track.marks[0]
    there, here = Plane(first.lat, first.lon), Plane(lat, lon)
    marks = (
        Mark(Instant(start + mark.at - first.at), *here.to_latlon(*there.to_xy(mark.lat, mark.lon)), mark.hdop)
        for mark in track.marks
    )
    return Track(tuple(marks), track.refused)


def _plt(lines: list[str]) -> Track:
    """lat, lon, 0, altitude in feet, days since 1899-12-30, date, time (UTC)."""
    marks: list[Mark] = []
    refused = 0
    for line in lines[_PLT_HEAD:]:
        fields = line.split(",")
        try:
            lat, lon = float(fields[0]), float(fields[1])
            when = datetime.strptime(f"{fields[5]} {fields[6].strip()}", "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
        except (ValueError, IndexError):
            refused += 1
            continue
        if not (-90 <= lat <= 90 and -180 <= lon <= 180):
            refused += 1
            continue
        marks.append(Mark(_instant(when), lat, lon))
    return Track(tuple(marks), refused)


def _nmea(lines: list[str]) -> Track:
    """GGA gives the positions, RMC the date. Without any RMC the day is 1970-01-01."""
    marks: list[Mark] = []
    refused, day, last = 0, datetime(1970, 1, 1, tzinfo=UTC), -1.0
    for line in lines:
        fields = _sentence(line)
        if fields is None:
            refused += line.startswith("$")
            continue
        try:
            if fields[0].endswith("RMC") and len(fields) > 9 and fields[9]:
                day = datetime.strptime(fields[9], "%d%m%y").replace(tzinfo=UTC)
            if not fields[0].endswith("GGA"):
                continue
            if fields[6] in ("", "0"):
                refused += 1
                continue
            seconds = int(fields[1][:2]) * 3600 + int(fields[1][2:4]) * 60 + float(fields[1][4:])
            if seconds < last - 43_200:
                day += timedelta(days=1)
            last = seconds
            at = Instant(_instant(day) + round(seconds * 1000))
            marks.append(
                Mark(at, _degrees(fields[2], fields[3]), _degrees(fields[4], fields[5]), float(fields[8] or 0))
            )
        except (ValueError, IndexError):
            refused += 1
    return Track(tuple(marks), refused)


def _sentence(line: str) -> list[str] | None:
    """Fields of a sentence whose check sum holds."""
    body, star, given = line.strip().removeprefix("$").partition("*")
    if not line.startswith("$") or not star:
        return None
    total = 0
    for letter in body:
        total ^= ord(letter)
    return body.split(",") if given[:2].upper() == f"{total:02X}" else None


def _degrees(text: str, side: str) -> float:
    """ddmm.mmmm or dddmm.mmmm."""
    dot = text.index(".")
    value = int(text[: dot - 2]) + float(text[dot - 2 :]) / 60
    return -value if side in ("S", "W") else value


def _instant(when: datetime) -> Instant:
    return Instant(round(when.timestamp() * 1000))


@dataclass(frozen=True, slots=True)
class Step:
    """A point of a real walk, from its start: seconds, metres east and north."""

    at_s: float
    x: float
    y: float


def walk(track: Track, length_s: float) -> tuple[Step, ...]:
    """The stretch of about `length_s` on which somebody really walked furthest, with its own errors and pauses.

    Raises ValueError when nobody walks in it: a stretch with a faster step than a runner's is none.
    """
    best: tuple[float, tuple[Step, ...]] = (0.0, ())
    for first, begin in enumerate(track.marks):
        plane = Plane(begin.lat, begin.lon)
        steps = [Step(0.0, 0.0, 0.0)]
        for mark in track.marks[first + 1 :]:
            x, y = plane.to_xy(mark.lat, mark.lon)
            after = Step((mark.at - begin.at) / 1000, x, y)
            gap_s, gap_m = after.at_s - steps[-1].at_s, math.hypot(x - steps[-1].x, y - steps[-1].y)
            if after.at_s > length_s or gap_s > GAP_S_MAX or gap_m > RUN_MPS_MAX * max(gap_s, 0.001):
                break
            if gap_s > 0:
                steps.append(after)
        far = math.hypot(steps[-1].x, steps[-1].y)
        if steps[-1].at_s >= 0.7 * length_s and far > best[0]:
            best = far, tuple(steps)
    if best[0] < 0.5 * length_s:
        raise ValueError("nobody walks in this track")
    return best[1]


@dataclass(frozen=True, eq=False)
class Walk:
    """A recorded walk in one piece: what the receiver wrote, and where the person is taken to have been. Plane metres."""

    at_s: Floats
    fixes: Floats
    """(n, 2), with the receiver's own errors."""
    trail: Floats
    """(n, 2), the same without its trembling."""

    @property
    def length_s(self) -> float:
        return float(self.at_s[-1])

    def placed(self, turn: Floats, shift: Floats) -> "Walk":
        """Turned and moved as one piece: its metres, seconds and errors stay what they were."""
        return Walk(self.at_s, self.fixes @ turn + shift, self.trail @ turn + shift)


def straight(steps: Sequence[Step]) -> Walk:
    """The walk from its start towards the east: where it really led is of no use in a made city."""
    assert len(steps) > 1, "a walk has more than one step"
    at_s = np.array([each.at_s for each in steps])
    fixes = np.array([(each.x, each.y) for each in steps])
    # A straight line through the neighbours of each fix, the near ones weighing most.
    apart = at_s[None] - at_s[:, None]
    weights = np.exp(-((apart / TREMBLE_S) ** 2) / 2)
    none, one, two = (((weights * apart**power).sum(axis=1, keepdims=True)) for power in range(3))
    trail = weights * (two - one * apart) / (none * two - one**2) @ fixes
    ahead = (trail[-1] - trail[0]) / np.linalg.norm(trail[-1] - trail[0])
    turn = np.array([[ahead[0], -ahead[1]], [ahead[1], ahead[0]]])
    return Walk(at_s, (fixes - trail[0]) @ turn, (trail - trail[0]) @ turn)


def spaced(line: Floats, gap_m: float) -> Floats:
    """Points along a line, evenly, not further apart than that; both ends are among them."""
    run = [0.0, *itertools.accumulate(np.linalg.norm(np.diff(line, axis=0), axis=1).tolist())]
    at = np.linspace(0.0, run[-1], math.ceil(run[-1] / gap_m) + 1)
    return np.column_stack([np.interp(at, run, line[:, 0]), np.interp(at, run, line[:, 1])])
