"""The one shape of every program: decide, write down, and only then let anything leave the building.

A state is what its log says it is. `take` decides, folds the events into a would-be state, commits events, messages,
inbox key and relay mark in one transaction, adopts the state and hands back the errands that remain. A crash anywhere
in between is repaired by starting again.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final, Generic, NamedTuple, TypeVar

import msgspec

from safetynet.core.events import AnyEvent, DiskChanged, LogRestored
from safetynet.core.messages import Send
from safetynet.core.terms import DiskLevel, Instant
from safetynet.edge import log
from safetynet.edge.config import failpoint
from safetynet.edge.disk import Disk
from safetynet.edge.doors import InboxKey, Log, RelayMark
from safetynet.edge.link import Behind
from safetynet.edge.store import Store

__all__ = ["BATCH_MAX", "InboxKey", "Loop", "RelayMark", "Send", "Taken"]

State = TypeVar("State")
Given = TypeVar("Given")
Errand = TypeVar("Errand")

BATCH_MAX: Final = 4_096
"""Inputs in one transaction. More would only make the first of them wait."""


class Taken(NamedTuple, Generic[Given]):
    """One input with its time and, when it came from elsewhere, under which key it may take effect once."""

    given: Given
    at: Instant
    inbox: InboxKey | None = None
    relay_mark: RelayMark | None = None


def declaration(store: Store, at: Instant) -> tuple[LogRestored, InboxKey] | None:
    """What a log that was brought back has yet to say of itself, and the key under which it says so once."""
    made = store.restoration()
    if made is None:
        return None
    log.say("restored", log.Level.WARN, size=made.size, size_before=made.size_before, found=made.found)
    return LogRestored(at=at, **msgspec.structs.asdict(made)), store.declaration(made.epoch)


def looked(disk: Disk, known: DiskLevel, at: Instant) -> DiskChanged | None:
    """Looks at the room on the disk: what has changed since it was `known`."""
    if disk.look() is known:
        return None
    log.say("disk", log.Level.WARN, level_now=disk.level.value, free_bytes=disk.free_bytes)
    return DiskChanged(at=at, level=disk.level, free_bytes=disk.free_bytes)


def begin_epoch(store: Store, found: Behind) -> None:
    """A partner knows more of this log than it holds: what is missing will be declared, not hidden."""
    point = found.checkpoint
    store.begin_epoch(
        found="partner",
        known_epoch=found.epoch,
        size_before=point.size if point else 0,
        root_before=point.root if point else b"",
    )


class Loop(Generic[State, Given, Errand]):
    """One program's state, kept in step with its log.

    `react(state_after, serial, event)` derives the errands: each `Send` goes into the outbox with its event, all others
    are handed back after the commit and may be lost in a crash; a program derives them anew from `state` at its start.
    An exception out of decide, evolve or react is our own mistake: it propagates and the program stops, nothing written.
    """

    def __init__(
        self,
        store: Log,
        empty: State,
        decide: Callable[[State, Given, Instant], Sequence[AnyEvent]],
        evolve: Callable[[State, AnyEvent], State],
        react: Callable[[State, int, AnyEvent], Sequence[Send | Errand]],
    ) -> None:
        self._store, self._decide, self._evolve, self._react = store, decide, evolve, react
        self.recorded: Final[Counter[str]] = Counter()
        """Kinds of events since the start, for the metrics."""
        self.state = empty
        for _, event in store.events():  # crash = rebuild
            self.state = evolve(self.state, event)

    def take(
        self,
        given: Given,
        at: Instant,
        inbox: InboxKey | None = None,
        relay_mark: RelayMark | None = None,
        *,
        mark_alone: bool = True,
    ) -> list[Errand]:
        """One input all the way through. What is under a key that was already taken has no effect.

        `mark_alone` False: a mark of which nothing came is not worth an fsync, since taking it again brings nothing either.
        """
        return self.take_many([Taken(given, at, inbox, relay_mark)], mark_alone=mark_alone)

    def take_many(self, inputs: Sequence[Taken[Given]], *, mark_alone: bool = True) -> list[Errand]:
        """As if taken one by one, with one fsync. At most BATCH_MAX."""
        assert len(inputs) <= BATCH_MAX
        batch = _Batch[Errand](self._store)
        state = self.state
        for each in inputs:
            if not batch.admits(each.inbox, each.relay_mark):
                continue
            for event in self._decide(state, each.given, each.at):
                state = self._evolve(state, event)
                batch.add(event, self._react(state, batch.next_serial(), event))
        if batch.is_empty() or not (mark_alone or batch.events or batch.keys):
            return []
        failpoint("loop.before_commit")
        first = self._store.commit(batch.events, batch.sends, list(batch.keys), batch.relay_marks())
        assert first == batch.first, f"serial {first} where {batch.first} was promised to react"
        failpoint("loop.after_commit")
        self.state = state
        self.recorded.update(str(type(each).__struct_config__.tag) for each in batch.events)
        failpoint("loop.before_errands")
        return batch.errands


class _Batch(Generic[Errand]):
    """What one commit will write, and what may leave after it."""

    def __init__(self, store: Log) -> None:
        self._store = store
        self.first = store.head() + 1
        self.events: list[AnyEvent] = []
        self.sends: list[Send] = []
        self.errands: list[Errand] = []
        self.keys: dict[InboxKey, None] = {}
        self._marks: dict[str, int] = {}

    def admits(self, key: InboxKey | None, mark: RelayMark | None) -> bool:
        """Whether this input is new; its key and mark are then written whatever is decided."""
        if key is not None and (key in self.keys or self._store.seen(key)):
            return False
        if mark is not None:
            if mark.upto_row <= self._marks.get(mark.relay, self._store.relay_mark(mark.relay)):
                return False
            self._marks[mark.relay] = mark.upto_row
        if key is not None:
            self.keys[key] = None
        return True

    def add(self, event: AnyEvent, errands: Sequence[Send | Errand]) -> None:
        self.events.append(event)
        for errand in errands:
            if isinstance(errand, Send):
                self.sends.append(errand)
            else:
                self.errands.append(errand)

    def next_serial(self) -> int:
        return self.first + len(self.events)

    def relay_marks(self) -> list[RelayMark]:
        return [RelayMark(relay, row) for relay, row in self._marks.items()]

    def is_empty(self) -> bool:
        return not (self.events or self.keys or self._marks)
