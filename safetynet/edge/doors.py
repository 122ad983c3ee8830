"""What a store is to those who use it: the numbers of roads and the few verbs that the disk and its twin both have.

Absent on purpose: SQL, files and keys.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol

from safetynet.core.events import AnyEvent
from safetynet.core.messages import Envelope, Send
from safetynet.core.terms import CentreId, SubjectId


class InboxKey(NamedTuple):
    """Unique for ever: an effect under this key happens once."""

    origin: CentreId
    epoch: int
    seq: int


class RelayMark(NamedTuple):
    """Rows of this relay's own log up to `upto_row` are merged by this commit."""

    relay: str
    upto_row: int


class Said(NamedTuple):
    """How far one road has come: the last number of an epoch. Zeros before the first."""

    epoch: int
    seq: int


class PersonKeys(Protocol):
    """Seals under one key per subject (edge.keys.PersonKeys). `open` answers None when the key was destroyed."""

    def seal(self, subject: SubjectId, data: bytes, aad: bytes = b"") -> bytes: ...
    def open(self, subject: SubjectId, sealed: bytes, aad: bytes = b"") -> bytes | None: ...
    def erase(self, subject: SubjectId) -> None: ...
    def forget(self) -> None: ...
    def tombstone(self, subject: SubjectId) -> bytes | None: ...


class WrappedKeys(Protocol):
    """Where PersonKeys keeps each subject's key, wrapped under the centre's master key; 2 to WRAPPED_BYTES_MAX bytes.

    What a `put` or a `delete` replaces is gone from the disk after the truncating checkpoint of `Store.erase`.
    """

    def get(self, subject: SubjectId) -> bytes | None: ...
    def put(self, subject: SubjectId, wrapped: bytes) -> None: ...
    def delete(self, subject: SubjectId) -> None: ...


class Log(Protocol):
    """What app.loop and edge.link need of a store; sim.memory is the twin without a disk."""

    def events(self) -> Iterator[tuple[int, AnyEvent]]: ...
    def commit(
        self,
        events: Sequence[AnyEvent],
        sends: Sequence[Send] = (),
        inbox: Sequence[InboxKey] = (),
        relay_marks: Sequence[RelayMark] = (),
    ) -> int: ...
    def head(self) -> int: ...
    def pending(self, to: CentreId, after_seq: int, limit: int) -> list[Envelope]: ...
    def acked(self, to: CentreId, seq: int) -> None: ...
    def seen(self, key: InboxKey) -> bool: ...
    def heard_of(self, origin: CentreId) -> Said: ...
    def said_to(self, to: CentreId) -> Said: ...
    def relay_mark(self, relay: str) -> int: ...
    def listen(self, heard: Callable[[frozenset[CentreId]], None]) -> None: ...
