"""Whom the clock strikes for: the program's side of `core.deadlines`.

A heap of when to look at whom. A look is cheap and may come too early (something was heard meanwhile): it then only
says when to look again.
"""

from collections.abc import Iterable, Mapping
from enum import IntEnum
from heapq import heappop, heappush
from typing import Final, TypeAlias

from safetynet.core import deadlines
from safetynet.core.fixes import Fix, Mark
from safetynet.core.orders import Order
from safetynet.core.rules import Standing
from safetynet.core.terms import SECOND_MS, DeviceId, FixId, Instant, ProtectedId, WearerId

RUNG_MAX: Final = 500
"""In one go: what is due at midnight for everybody is struck in turns, so that no alarm waits behind it."""
LOOKS_MAX: Final = 5_000
"""In one go likewise: at a start everybody is looked at."""
LOOK_AGAIN_MS: Final = SECOND_MS


class Watch(IntEnum):
    """What is looked at."""

    CURFEWS = 0
    SILENCE = 1
    """Whether the device is heard: far more often, and without any timetable."""
    PROTECTED = 2


_Look: TypeAlias = tuple[Instant, str, Watch]


class Bells:
    """`since`: when the centre began to listen."""

    def __init__(self, wearers: Iterable[WearerId], since: Instant) -> None:
        self._since = since
        self._looks: list[_Look] = []
        self._next: dict[tuple[str, Watch], Instant] = {}
        """Of each the look that counts; an earlier one that stands in the heap still is passed over."""
        self._protected: set[ProtectedId] = set()
        for each in wearers:
            self.look(each)

    def look(self, wearer: WearerId) -> None:
        """Soon: the wearer is new, or has another order."""
        self._plan(self._since, wearer, Watch.CURFEWS)
        self._plan(self._since, wearer, Watch.SILENCE)

    def _plan(self, at: Instant, whose: str, watch: Watch) -> None:
        self._next[whose, watch] = at
        heappush(self._looks, (at, whose, watch))

    def due(self, orders: Mapping[WearerId, Order], state: Standing, at: Instant) -> list[Fix]:
        """The bells to ring now. They count once they are journalled and judged; who was not, is found again."""
        rung: dict[tuple[str, bool], Fix] = {}
        again: list[_Look] = []
        while self._looks and self._looks[0][0] <= at and len(rung) < RUNG_MAX and len(again) < LOOKS_MAX:
            when, whose, watch = heappop(self._looks)
            if self._next.get((whose, watch)) != when:
                continue
            del self._next[whose, watch]
            due_at = self._due_at(whose, watch, orders, state, at)
            if due_at is None:
                continue
            protected = watch is Watch.PROTECTED
            if due_at <= at:
                rung[whose, protected] = bell(whose, at, protected=protected)
            if watch is Watch.SILENCE:
                due_at = min(due_at, deadlines.silent_look_at(WearerId(whose), state, at))
            again.append((max(due_at, Instant(at + LOOK_AGAIN_MS)), whose, watch))
        for when, whose, watch in again:
            self._plan(when, whose, watch)
        return list(rung.values())

    def _due_at(
        self, whose: str, watch: Watch, orders: Mapping[WearerId, Order], state: Standing, at: Instant
    ) -> Instant | None:
        """None: nothing is looked for any more."""
        if watch is Watch.PROTECTED:
            return deadlines.protected_due_at(ProtectedId(whose), state, at, self._since)
        order = orders.get(WearerId(whose))
        if order is None:
            return None
        if watch is Watch.SILENCE:
            return deadlines.silent_due_at(order, state, at, self._since)
        self._shield(order)
        return deadlines.due_at(order, state, at, self._since) if deadlines.may_strike(order) else None

    def _shield(self, order: Order) -> None:
        """The protected persons of an order are listened for from now on, each once."""
        for each in order.protected:
            if each.device and each.id not in self._protected:
                self._protected.add(each.id)
                self._plan(self._since, each.id, Watch.PROTECTED)


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
