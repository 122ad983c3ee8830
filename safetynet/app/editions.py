"""Shared sets of zones as they hold: which edition of each, from which fix on, out of the centre's folder `zones`.

An edition is decoded once and made ready beside the loop when it is drafted (`prepare`), so that entering it into force
takes no time from alarms; after a start it is read from its file. A file that is gone, or is another, ends the program:
places would be forbidden and nobody would look.

Absent on purpose: who may change a set (`core.administration`), and what being inside means (`core.rules`).
"""

from collections import deque
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from safetynet.core import zonesets
from safetynet.core.orders import Zone
from safetynet.core.registers import Register, ZoneEdition
from safetynet.core.terms import FixId, ZoneId, ZoneSetId
from safetynet.core.zonesets import Shared

FOLDER: Final = "zones"
PREPARED_MAX: Final = 4
"""Editions made ready that nobody has entered yet."""


class LostZonesError(Exception):
    """An edition that holds cannot be read as it was entered."""


class _Coming(NamedTuple):
    fix_through: FixId
    set: ZoneSetId
    edition: ZoneEdition
    before: ZoneEdition | None


class Editions:
    """`held` is what holds now, and stays the same mapping; empty without a folder."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self.held: dict[ZoneSetId, Shared] = {}
        self._hashes: dict[ZoneSetId, bytes] = {}
        self._coming: deque[_Coming] = deque()
        self._prepared: dict[tuple[ZoneSetId, int, bytes], Shared] = {}

    def zone(self, id: ZoneId) -> Zone | None:
        """A shared zone, called as it is judged."""
        found = next((each.zones[id] for each in self.held.values() if id in each.zones), None)
        return None if found is None else msgspec.structs.replace(found, id=id)

    def prepare(
        self, set: ZoneSetId, number: int, sha256: bytes, zones: tuple[Zone, ...], before: tuple[Zone, ...]
    ) -> None:
        """Another thread may do it: nothing is touched but a dictionary, whole."""
        ready = Shared(zones, set, number, before)
        kept = list(self._prepared.items())[-(PREPARED_MAX - 1) :]
        self._prepared = dict([*kept, ((set, number, sha256), ready)])

    # --- what holds ------------------------------------------------------------------------------------------------

    def follow(self, register: Register) -> None:
        """As the register has them now."""
        for set, held in sorted(register.zone_sets.items()):
            if held.editions:
                self._hold(set, held.editions[-1], held.editions[-2] if len(held.editions) > 1 else None)

    def rewind(self, register: Register) -> None:
        """To before the first fix."""
        found = [
            _Coming(each.fix_through, set, each, held.editions[n - 1] if n else None)
            for set, held in sorted(register.zone_sets.items())
            for n, each in enumerate(held.editions)
        ]
        self._coming = deque(sorted(found, key=lambda each: each.fix_through))
        self.held.clear()
        self._hashes.clear()

    def changes_before(self, fix: FixId) -> bool:
        return bool(self._coming) and self._coming[0].fix_through < fix

    def advance(self, fix: FixId | None = None) -> None:
        """To what holds for this fix; None: to what is yet to come. Only the last of each is read."""
        due: dict[ZoneSetId, _Coming] = {}
        while self._coming and (fix is None or self._coming[0].fix_through < fix):
            change = self._coming.popleft()
            due[change.set] = change
        for each in due.values():
            self._hold(each.set, each.edition, each.before)

    def _hold(self, set: ZoneSetId, edition: ZoneEdition, before: ZoneEdition | None) -> None:
        if self._folder is None:
            return
        if self._hashes.get(set) == edition.sha256 and self.held[set].number == edition.number:
            return
        ready = self._prepared.pop((set, edition.number, edition.sha256), None)
        if ready is None:
            earlier = () if before is None else self._read(before.sha256)
            ready = Shared(self._read(edition.sha256), set, edition.number, earlier)
        self.held[set], self._hashes[set] = ready, edition.sha256

    def _read(self, sha256: bytes) -> tuple[Zone, ...]:
        assert self._folder is not None
        path = self._folder / f"{sha256.hex()}.json"
        data = path.read_bytes()
        if zonesets.sha256(data) != sha256:
            raise LostZonesError(path.name)
        return zonesets.decode(data)
