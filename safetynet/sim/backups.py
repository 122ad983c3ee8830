"""A store of a storm that can be brought back to an older state, as `safetynet restore` does it: what it said since is gone.

Absent on purpose: persons, devices and accounts, which no storm keeps in a store.
"""

from dataclasses import dataclass

from safetynet.core import ledger, messages
from safetynet.core.events import LogRestored
from safetynet.core.messages import Envelope, Send
from safetynet.core.terms import CentreId, Instant, SubjectId
from safetynet.edge import codec
from safetynet.edge.doors import InboxKey
from safetynet.sim.memory import Memory

Row = tuple[SubjectId | None, bytes, bytes, bytes]


@dataclass(frozen=True, slots=True)
class Backup:
    """Everything a store holds, at one instant."""

    rows: tuple[Row, ...]
    outbox: dict[CentreId, dict[int, tuple[SubjectId, Envelope]]]
    seq_last: dict[CentreId, int]
    inbox: frozenset[InboxKey]
    marks: dict[str, int]


class Restorable(Memory):
    """The twin of edge.store with the verbs of a backup."""

    owed: LogRestored | None = None
    """What the log must declare at its next start, before anything else."""

    def backup(self) -> Backup:
        outbox = {to: dict(owed) for to, owed in self._outbox.items()}
        return Backup(tuple(self._rows), outbox, dict(self._seq_last), frozenset(self._inbox), dict(self._marks))

    def restore(self, made: Backup, at: Instant, found: str) -> None:
        """As `Store.begin_epoch`: new numbers, and what is still owed without what could open a picture."""
        size, before = len(made.rows), self.head()
        root = ledger.Frontier().extend(self.leaves()).root() if before > size else b""
        epoch = max(at, self._epoch + 1)
        self.owed = LogRestored(
            at=at, size=size, size_before=before, root_before=root, epoch_before=self._epoch, epoch=epoch, found=found,
            erased=0, erasures_known=True,
        )  # fmt: skip
        self._rows, self._epoch = list(made.rows), Instant(epoch)
        self._seq_last, self._inbox, self._marks = dict(made.seq_last), set(made.inbox), dict(made.marks)
        self._outbox = {to: self._again(to, owed) for to, owed in made.outbox.items()}

    def _again(
        self, to: CentreId, owed: dict[int, tuple[SubjectId, Envelope]]
    ) -> dict[int, tuple[SubjectId, Envelope]]:
        kept: dict[int, tuple[SubjectId, Envelope]] = {}
        for seq, (subject, envelope) in owed.items():
            message = codec.decode_message(envelope.body, envelope.v)
            if not isinstance(message, messages.OPENING):
                kept[seq] = subject, self._enveloped(Send(to, message), seq)
        return kept
