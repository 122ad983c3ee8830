"""What the readers of road files share: the words of their refusals, and what a tag says of a road.

Absent on purpose: any file format.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from safetynet.core.roads import Rank, Street
from safetynet.core.roads.graph import USUAL_MPS

Progress: TypeAlias = Callable[[float], None]
"""Called with the share that is done, 0 to 1."""

STREETS_MAX: Final = 4_000_000
"""The country's node-link has 1.5 million."""
FILE_BYTES_MAX: Final = 2 * 1024 * 1024 * 1024
NAME_CHARS_MAX: Final = 100
SPEED_MPS: Final = (1.5, 28.0)


class UnreadableError(Exception):
    """The file gives no roads that can be stood behind. The text says why and what would help."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a file holds, before it is packed."""

    form: str
    epsg: int
    junctions: tuple[tuple[float, float], ...]
    """(lat, lon)."""
    streets: tuple[Street, ...]
    left_out: int
    """Lines that lead to no junction of the file, or nowhere."""


HIGHWAY: Final[dict[str, Rank]] = {
    **dict.fromkeys(("motorway", "motorway_link"), Rank.MOTORWAY),
    **dict.fromkeys(("trunk", "trunk_link", "primary", "primary_link"), Rank.TRUNK),
    **dict.fromkeys(("secondary", "secondary_link"), Rank.ARTERIAL),
    **dict.fromkeys(("tertiary", "tertiary_link", "busway"), Rank.COLLECTOR),
    **dict.fromkeys(("residential", "unclassified", "living_street", "service", "road", "track"), Rank.LOCAL),
    **dict.fromkeys(("footway", "path", "pedestrian", "steps", "cycleway", "bridleway", "corridor"), Rank.PATH),
}
"""Of OpenStreetMap. What stands not here is no road yet, or no longer."""

_SPEED: Final = re.compile(r"(\d{1,3})(?:\s*(mph|km/h))?")


def usual_mps(rank: Rank, limit: str) -> float:
    """By the kind of road, never faster than its limit."""
    usual = USUAL_MPS[rank]
    said = _SPEED.search(limit)
    if said is None or rank is Rank.PATH:
        return usual
    told = int(said[1]) / 3.6 * (1.609 if said[2] == "mph" else 1.0)
    return min(usual, max(SPEED_MPS[0], min(SPEED_MPS[1], told))) if told > 0 else usual


def plain(text: str) -> str:
    return " ".join(text.split())[:NAME_CHARS_MAX]


def on_earth(lat: float, lon: float) -> bool:
    """False for NaN too. Web maps end at 85 degrees, and so do roads."""
    return -85.0 <= lat <= 85.0 and -180.0 <= lon <= 180.0


def checked(drawn: Drawn, name: str) -> Drawn:
    if not drawn.streets:
        raise UnreadableError(f"{name}: not one road in it that joins two junctions")
    if len(drawn.streets) > STREETS_MAX:
        raise UnreadableError(f"{name}: more than {STREETS_MAX} streets; cut it to the city")
    lats = [lat for lat, _ in drawn.junctions]
    lons = [lon for _, lon in drawn.junctions]
    wide = max(max(lats) - min(lats), max(lons) - min(lons))
    if wide > EXTENT_DEG_MAX:
        raise UnreadableError(f"{name}: {wide:.1f} degrees wide; a city is wanted, cut it out first")
    return drawn


EXTENT_DEG_MAX: Final = 3.0
"""A metropolitan area with its surroundings. Farther apart, one plane in metres is no longer true."""


def used_only(
    junctions: Sequence[tuple[float, float]], streets: Sequence[Street]
) -> tuple[tuple[tuple[float, float], ...], tuple[Street, ...]]:
    """Without the junctions that no street uses."""
    used = sorted({each.a for each in streets} | {each.b for each in streets})
    new = {old: row for row, old in enumerate(used)}
    return (
        tuple(junctions[old] for old in used),
        tuple(
            Street(new[e.a], new[e.b], e.line, e.rank, e.name, e.usual_mps, e.along, e.against, e.foot) for e in streets
        ),
    )
