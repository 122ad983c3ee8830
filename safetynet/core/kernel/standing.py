"""How episodes and beliefs stand as rows, and records that are brought up to date when they are asked for."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from safetynet.core import zones
from safetynet.core.arrears import History
from safetynet.core.conditions import Guarded, Record
from safetynet.core.fixes import Fix
from safetynet.core.kernel.layout import AT_ANCHOR, KEPT, NOWHERE, PAST, PERHAPS, SURE, Rows
from safetynet.core.kernel.rows import row_of
from safetynet.core.terms import Certainty, FixId, Instant, ProtectedId, WearerId
from safetynet.core.verdicts import Episode


class Still(NamedTuple):
    """Everybody at one instant. A record is reckoned when it is asked for."""

    records: Mapping[WearerId, Record]
    endings: Mapping[WearerId, Mapping[str, FixId]]
    guarded: Mapping[ProtectedId, Guarded]
    suspects: Mapping[WearerId, Instant]
    histories: Mapping[WearerId, History]


class Caught(Mapping[Any, Any]):
    """Records, each brought up to date when it is asked for."""

    def __init__(
        self, kept: Mapping[Any, Any], rows: Mapping[Any, int], ahead: Rows, caught_up: Callable[[int], Any]
    ) -> None:
        self._kept, self._rows, self._ahead, self._caught_up = kept, rows, ahead, caught_up

    def __getitem__(self, id: Any) -> Any:
        row = self._rows.get(id)
        return self._caught_up(row) if row is not None and self._ahead["ahead"][row] else self._kept[id]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._kept)

    def __len__(self) -> int:
        return len(self._kept)


def stand(slot: Any, episode: Episode) -> None:
    slot["first_at"], slot["latest_at"] = episode.first_at, episode.latest_at
    if not episode.broken:
        slot["stands"] = PAST
    else:
        slot["stands"] = SURE if episode.certainty is Certainty.CERTAIN else PERHAPS


def believe(stands: Any, outsides: Rows, n: int, belief: zones.Belief, anchor: Fix | None) -> None:
    stands["odds"], stands["odds_at"], stands["deepest_m"] = belief.odds, belief.at, belief.deepest_m
    if belief.outside is None:
        stands["outside"] = NOWHERE
    elif belief.outside is anchor:
        stands["outside"] = AT_ANCHOR
    else:
        stands["outside"] = KEPT
        outsides[n] = row_of(belief.outside, 0)
