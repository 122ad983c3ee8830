"""Shared sets of forbidden places, such as all schools of the country: thousands of zones that many orders name by one word.

A set is a file named by its SHA-256; which file holds from which fix on, the register says (`registers.zone_timeline`).
Here are its bytes, what differs between two editions, and a grid that finds the few zones near a position.

Absent on purpose: files, who may change a set, and what being inside means (`rules`).
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from math import ceil, cos, floor, radians
from typing import Final, NamedTuple, TypeAlias

import msgspec

from safetynet.core.grounds import Ground, ground
from safetynet.core.orders import Zone
from safetynet.core.terms import ZoneId, ZoneSetId

CELL_DEG: Final = 0.01
"""About 1.1 km by 0.9 km: a school lies in one cell or two."""
_M_PER_DEG: Final = 110_800.0
"""Of latitude, a little too short: so that a reach is never too short."""
_file: Final = msgspec.json.Decoder(tuple[Zone, ...])


NO_NAME: Final = ZoneSetId("")


class Changed(NamedTuple):
    added: tuple[Zone, ...]
    removed: tuple[Zone, ...]
    redrawn: tuple[Zone, ...]
    renamed: tuple[Zone, ...]


def encode(zones: Iterable[Zone]) -> bytes:
    """The same zones give the same bytes, whatever their order."""
    return msgspec.json.encode(sorted(zones, key=lambda each: each.id))


def decode(data: bytes) -> tuple[Zone, ...]:
    """Raises msgspec.ValidationError or msgspec.DecodeError."""
    return _file.decode(data)


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def changed(before: Iterable[Zone], after: Iterable[Zone]) -> Changed:
    old, new = {each.id: each for each in before}, {each.id: each for each in after}
    both = [(old[id], each) for id, each in new.items() if id in old]
    return Changed(
        added=tuple(each for id, each in new.items() if id not in old),
        removed=tuple(each for id, each in old.items() if id not in new),
        redrawn=tuple(each for was, each in both if was.area != each.area),
        renamed=tuple(each for was, each in both if was.area == each.area and was.name != each.name),
    )


class Shared:
    """One edition of a set made ready: zones found by a grid. Never changed once made.

    Judged, a zone is called by set and zone, so that no two sets and no order's own zones meet under one name.
    """

    def __init__(
        self,
        zones: Iterable[Zone],
        set: ZoneSetId = NO_NAME,
        number: int = 1,
        before: Iterable[Zone] | None = None,
    ) -> None:
        zones = tuple(zones)
        self.set, self.number = set, number
        self.zones = {named(set, each.id): each for each in zones}
        self.grounds = tuple(ground(id, each.area) for id, each in self.zones.items())
        self._places = {each.id: each for each in self.grounds}
        found = changed(before or (), zones)
        self._new = frozenset(named(set, each.id) for each in (*found.added, *found.redrawn))
        self._cells: dict[tuple[int, int], list[int]] = {}
        for n, each in enumerate(self.grounds):
            for cell in _cells(each.lat, each.lon, each.bound_m):
                self._cells.setdefault(cell, []).append(n)

    def __len__(self) -> int:
        return len(self.grounds)

    def ground(self, id: str) -> Ground | None:
        return self._places.get(ZoneId(id))

    def new_since(self, id: str, number: int) -> bool:
        """Whether an earlier edition knew no such zone, or drew it otherwise. Of one before the last, all are taken for new."""
        return number < self.number - 1 or (number < self.number and id in self._new)

    def near(self, lat: float, lon: float, reach_m: float) -> tuple[Ground, ...]:
        """Every zone that comes within so many metres, and perhaps a few that do not; in the order of the set."""
        found = {n for cell in _cells(lat, lon, reach_m) for n in self._cells.get(cell, ())}
        return tuple(self.grounds[n] for n in sorted(found))


Sets: TypeAlias = Mapping[ZoneSetId, Shared]
"""The editions that hold, by the name under which orders know them."""
NO_SETS: Final[Sets] = {}


def named(set: ZoneSetId, zone: ZoneId) -> ZoneId:
    return ZoneId(f"{set}/{zone}") if set else zone


def _cells(lat: float, lon: float, reach_m: float) -> Iterator[tuple[int, int]]:
    north = reach_m / _M_PER_DEG
    east = north / cos(radians(min(89.0, abs(lat) + north)))
    for y in range(floor((lat - north) / CELL_DEG), ceil((lat + north) / CELL_DEG) + 1):
        for x in range(floor((lon - east) / CELL_DEG), ceil((lon + east) / CELL_DEG) + 1):
            yield y, x
