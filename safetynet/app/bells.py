"""Whom the clock strikes for: the program's side of `core.deadlines`.

A heap of when to look at whom. A look is cheap and may come too early (something was heard meanwhile): it then only
says when to look again.
"""

from collections.abc import Iterable, Mapping
from heapq import heappop, heappush
from typing import Final

from safetynet.core import deadlines
from safetynet.core.fixes import Fix, Mark
from safetynet.core.orders import Order
from safetynet.core.rules import RuleState
from safetynet.core.terms import SECOND_MS, DeviceId, FixId, Instant, ProtectedId, WearerId

RUNG_MAX: Final = 500
"""In one go: what is due at midnight for everybody is struck in turns, so that no alarm waits behind it."""
LOOK_AGAIN_MS: Final = SECOND_MS


class Bells:
    """`since`: when the centre began to listen."""

    def __init__(self, wearers: Iterable[WearerId], since: Instant) -> None:
        self._since = since
        self._looks: list[tuple[Instant, str, bool]] = []
        self._next: dict[tuple[str, bool], Instant] = {}
        """Of each the look that counts; an earlier one that stands in the heap still is passed over."""
        self._protected: set[ProtectedId] = set()
        for each in wearers:
            self.look(each)

    def look(self, wearer: WearerId) -> None:
        """Soon: the wearer is new, or has another order."""
        self._plan(self._since, wearer, protected=False)

    def _plan(self, at: Instant, whose: str, *, protected: bool) -> None:
        self._next[whose, protected] = at
        heappush(self._looks, (at, whose, protected))

    def due(self, orders: Mapping[WearerId, Order], state: RuleState, at: Instant) -> list[Fix]:
        """The bells to ring now. They count once they are journalled and judged; who was not, is found again."""
        rung: list[Fix] = []
        again: list[tuple[Instant, str, bool]] = []
        while self._looks and self._looks[0][0] <= at and len(rung) < RUNG_MAX:
            when, whose, protected = heappop(self._looks)
            if self._next.get((whose, protected)) != when:
                continue
            del self._next[whose, protected]
            if protected:
                due_at = deadlines.protected_due_at(ProtectedId(whose), state, at, self._since)
            else:
                order = orders.get(WearerId(whose))
                if order is None:
                    continue
                self._shield(order)
                if not deadlines.may_strike(order):
                    continue
                due_at = deadlines.due_at(order, state, at, self._since)
            if due_at <= at:
                rung.append(bell(whose, at, protected=protected))
            again.append((max(due_at, Instant(at + LOOK_AGAIN_MS)), whose, protected))
        for when, whose, protected in again:
            self._plan(when, whose, protected=protected)
        return rung

    def _shield(self, order: Order) -> None:
        """The protected persons of an order are listened for from now on, each once."""
        for each in order.protected:
            if each.device and each.id not in self._protected:
                self._protected.add(each.id)
                self._plan(self._since, each.id, protected=True)


def bell(whose: str, at: Instant, *, protected: bool = False) -> Fix:
    return Fix(
        id=FixId(0),
        wearer=WearerId(whose),
        device=DeviceId(""),
        observed_at=at,
        received_at=at,
        marks=Mark.BELL,
        protected=protected,
    )
