"""Which outline is whose: an owner writes its name on each row, a file of boundaries names areas, and they seldom agree.

대전광역시 대덕구청 공원녹지과 is 대덕구; five cities have a 중구. The last municipality in the owner's name is looked for,
and of several of that name the one that holds most of the owner's sites is meant, if it holds half of them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from safetynet.core.lists.coast import Bools, Floats, Inside

HELD_SHARE_MIN: Final = 0.5
"""An outline that holds fewer of an owner's sites is somebody else's, or the list is of nowhere."""
_MUNICIPALITY: Final = re.compile(r"[가-힣]+?(?:시|군|구)(?=청|의회|[^가-힣]|$)")


@dataclass(frozen=True, slots=True)
class Outline:
    name: str
    municipality: str
    """A key that outlines of one municipality share: villages are joined by it."""
    inside: Inside


def municipality(owner: str) -> str | None:
    """The last word of a name that is a municipality."""
    found: list[str] = _MUNICIPALITY.findall(owner)
    return found[-1] if found else None


def _joined(outlines: Sequence[Outline]) -> Inside:
    if len(outlines) == 1:
        return outlines[0].inside

    def inside(lat: Floats, lon: Floats) -> Bools:
        found = np.zeros(len(lat), np.bool_)
        for each in outlines:
            left = np.flatnonzero(~found)
            found[left] = each.inside(lat[left], lon[left])
        return found

    return inside


@dataclass(slots=True)
class Bounds:
    """Answers `sieve.Areas`; remembers for which owners it had none."""

    outlines: Sequence[Outline]
    unknown: list[str]
    one_name: str | None = None
    """All owners lie in this area."""

    def __call__(self, owner: str, lat: Floats, lon: Floats) -> Inside | None:
        if len(self.outlines) == 1:
            return self.outlines[0].inside
        name = self.one_name or municipality(owner)
        groups: dict[str, list[Outline]] = {}
        for each in self.outlines:
            words = each.name.split()
            if name is not None and (name in words or each.name == name):
                groups.setdefault(each.municipality, []).append(each)
        best, held = None, 0.0 if self.one_name else HELD_SHARE_MIN
        for own in groups.values():
            inside = _joined(own)
            share = float(inside(lat, lon).mean())
            if share >= held:
                best, held = inside, share
        if best is None:
            self.unknown.append(owner)
        return best
