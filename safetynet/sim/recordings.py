"""What others recorded, as the made world uses it: the walk of its story's wearer, the film some of its cameras loop.

A folder of recordings is given by whoever starts the world; none of it belongs to the product. Without a folder the
wearer walks a made way and every picture is drawn.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from safetynet.core.terms import CameraId
from safetynet.sim import tracks
from safetynet.sim.tracks import Walk

WALK_FILE: Final = Path("tracks/geolife_plt/002/Trajectory/20081027103804.plt")
"""A walker of 2008: a fix every 4 to 5 s, one pause, 390 m in the four minutes that are taken."""
WALK_S: Final = 240.0
CLIP_FILE: Final = Path("video/people/car-detection.mp4")
CLIP_EVERY: Final = 3
"""One camera in so many near the story's way loops the film; the others are drawn live."""


def missing(folder: Path) -> list[Path]:
    return [each for each in (folder / WALK_FILE, folder / CLIP_FILE) if not each.is_file()]


def walk(folder: Path) -> Walk:
    """Raises ValueError when nobody walks in the recorded track, OSError when it cannot be read."""
    return tracks.straight(tracks.walk(tracks.read(folder / WALK_FILE), WALK_S))


def looping(near: Sequence[CameraId]) -> frozenset[CameraId]:
    """Which of the cameras near the story's way loop the film: the second, and every third from there.

    Lenses of one pole follow each other, so film and drawn picture hang side by side.
    """
    return frozenset(near[1::CLIP_EVERY])
