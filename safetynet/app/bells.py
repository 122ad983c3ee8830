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
from safetynet.core.terms import SECOND_MS, DeviceId, FixId, Instant, WearerId

RUNG_MAX: Final = 500
"""In one go: what is due at midnight for everybody is struck in turns, so that no alarm waits behind it."""
LOOK_AGAIN_MS: Final = SECOND_MS


class Bells:
    """`since`: when the centre began to listen."""

    def __init__(self, wearers: Iterable[WearerId], since: Instant) -> None:
        self._since = since
        self._looks: list[tuple[Instant, WearerId]] = []
        for each in wearers:
            self.look(each)

    def look(self, wearer: WearerId) -> None:
        """Soon: the wearer is new, or has another order."""
        heappush(self._looks, (self._since, wearer))

    def due(self, orders: Mapping[WearerId, Order], state: RuleState, at: Instant) -> list[Fix]:
        """The bells to ring now. They count once they are journalled and judged; who was not, is found again."""
        rung: list[Fix] = []
        again: list[tuple[Instant, WearerId]] = []
        while self._looks and self._looks[0][0] <= at and len(rung) < RUNG_MAX:
            _, wearer = heappop(self._looks)
            order = orders.get(wearer)
            if order is None or not order.curfews:
                continue
            due_at = deadlines.due_at(order, state, at, self._since)
            if due_at <= at:
                rung.append(bell(wearer, at))
            again.append((max(due_at, Instant(at + LOOK_AGAIN_MS)), wearer))
        for each in again:
            heappush(self._looks, each)
        return rung


def bell(wearer: WearerId, at: Instant) -> Fix:
    return Fix(id=FixId(0), wearer=wearer, device=DeviceId(""), observed_at=at, received_at=at, marks=Mark.BELL)
