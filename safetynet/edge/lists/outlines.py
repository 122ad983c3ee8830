"""Boundaries as the judging of a list wants them: each area with its name and the municipality it belongs to."""

from pathlib import Path
from typing import Final

from safetynet.core.lists.bounds import Bounds, Outline
from safetynet.edge import boundaries
from safetynet.edge.lists.layouts import UnreadableError

MUNICIPALITY_DIGITS: Final = 5
"""So many digits of every code system name the municipality."""


def read(path: Path, area: str | None = None) -> Bounds:
    """`area` names the one area in which all owners lie. Raises UnreadableError, OSError."""
    try:
        found = boundaries.read(path)
    except boundaries.UnreadableError as unreadable:
        raise UnreadableError(f"{path.name}: {unreadable}") from unreadable
    outlines = [
        Outline(
            name=each.name,
            municipality=f"{each.code.system.value} {each.code.digits[:MUNICIPALITY_DIGITS]}",
            inside=each.contains,
        )
        for each in found.areas.all
    ]
    if area is not None:
        outlines = [each for each in outlines if area == each.name or area in each.name.split()]
        if not outlines:
            raise UnreadableError(f"{path.name}: no area is called {area!r}")
    return Bounds(outlines, [], area)
