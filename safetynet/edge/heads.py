"""How large a centre's ledger is, signed, and shown to every partner: they remember what we said we had.

A log that is brought back from a backup, or rolled back by whoever has the disk, meets at its first handshake partners
who hold a larger checkpoint with its own signature. It cannot go on as if nothing had been.

Absent on purpose: what is done then (the program), and the tiles that an outsider reads (edge.tiles).
"""

from collections.abc import Callable
from typing import Final

from safetynet.core import ledger
from safetynet.core.ledger import Checkpoint, Frontier, MalformedError, Note, VerifierKey
from safetynet.core.terms import CentreId
from safetynet.edge import keys
from safetynet.edge.store import Store

NOTE_BYTES_MAX: Final = 4_096


class Heads:
    """Of one centre. The whole tree is hashed once, at the first note; then only what is new."""

    def __init__(self, store: Store, centre: CentreId, public: bytes, sign: Callable[[bytes], bytes]) -> None:
        self._store, self._sign = store, sign
        self._key: Final = VerifierKey(ledger.origin_of(centre), public)
        self._tree = Frontier()
        self._note = b""

    def note(self) -> bytes:
        """The newest checkpoint, kept in the store before it is shown; empty while there is nothing to sign.

        Nothing is signed at a size that a lost history may have signed: a checkpoint never gets smaller.
        """
        size = self._store.head()
        if size <= self._store.signed_through():
            return b""
        if size > self._tree.size:
            self._tree = self._tree.extend(self._store.leaves(self._tree.size))
            body = Checkpoint(self._key.name, size, self._tree.root()).body
            self._note = ledger.signed_note(body, self._key, self._sign(body)).text
            self._store.set_checkpoint(size, self._note)
        return self._note

    def remember(self, partner: CentreId, point: Checkpoint, text: bytes) -> None:
        """The largest only; what a partner signs of itself is for itself to check."""
        self._store.put_partner_note(partner, point.size, text)

    def partner(self, partner: CentreId) -> bytes:
        return self._store.partner_note(partner)

    def of_ours(self, text: bytes) -> Checkpoint | None:
        """What this note signs, when our own key did; None for anything else."""
        point, note = read(text)
        if point is None or note is None or point.origin != self._key.name:
            return None
        return point if ledger.signed_by(note, self._key, keys.verify) else None

    def holds(self, point: Checkpoint, text: bytes) -> bool:
        """Whether this log is the one that said so, or has declared the loss of it."""
        return point.size <= self._store.signed_through() or self._store.checkpoint_of(point.size) == text


def read(text: bytes) -> tuple[Checkpoint | None, Note | None]:
    """Nones when it is no checkpoint. Its signature is not looked at."""
    if len(text) > NOTE_BYTES_MAX:
        return None, None
    try:
        note = ledger.read_note(text)
        return ledger.read_checkpoint(note.body), note
    except MalformedError:
        return None, None
