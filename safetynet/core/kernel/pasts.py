"""A wearer's history of late fixes (`arrears.History`) as it grows while the kernel lets fixes pass: the same, in place.

Absent on purpose: a fix that is late; it goes to the rules, with the history as they know it.
"""

from safetynet.core.arrears import KEPT_MIN, History
from safetynet.core.conditions import Record
from safetynet.core.fixes import Fix, instant
from safetynet.core.terms import Instant


class Past:
    __slots__ = ("_fixes", "_newer", "_older", "_older_at", "_split", "grows")

    def __init__(self, history: History) -> None:
        self._older, self._older_at, self._newer, fixes, self._split = history
        self._fixes = [*fixes]
        self.grows = False
        """Not under an order without places: then nothing is judged again."""

    def history(self) -> History:
        return History(self._older, self._older_at, self._newer, tuple(self._fixes), self._split)

    @property
    def newest_at(self) -> Instant:
        """Whatever comes at this instant or before it is not in order."""
        return instant(self._fixes[-1]) if self._fixes else self._older_at

    @property
    def room(self) -> int:
        """After so many fixes more a snapshot is due."""
        return KEPT_MIN - (len(self._fixes) - self._split)

    def noted(self, fix: Fix) -> bool:
        """With a fix that came in the order of the world; whether a snapshot is due now."""
        self._fixes.append(fix)
        return len(self._fixes) - self._split >= KEPT_MIN

    def snapshot(self, after: Record) -> None:
        """`after`: the record that the newest fix left."""
        if self._split:
            self._older_at = instant(self._fixes[self._split - 1])
        self._older, self._newer = self._newer, after
        del self._fixes[: self._split]
        self._split = len(self._fixes)
