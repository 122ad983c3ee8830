"""The twin of edge.store without a disk: the same promises, so that a thousand storms fit in a minute.

It outlives the program that uses it, as a disk would: a storm kills the program and opens a new one on the same Memory.
Records pass through the same codec, so that what cannot be written down cannot be kept here either.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from safetynet.core import events as recorded
from safetynet.core import ledger
from safetynet.core.events import AnyEvent
from safetynet.core.messages import Envelope, Send
from safetynet.core.terms import CentreId, Instant, SubjectId
from safetynet.edge import codec
from safetynet.edge.doors import InboxKey, RelayMark, Said
from safetynet.edge.store import CHUNK_ROWS, SALT_BYTES, Account, Device, Opening, enveloped


class Memory:
    """One centre's log. Salts come from the seed: the same storm writes the same ledger to the byte."""

    def __init__(
        self, *, centre: CentreId, sign: Callable[[bytes], bytes], now: Callable[[], Instant], seed: int = 0
    ) -> None:
        self._centre, self._sign, self._now = centre, sign, now
        self._dice: Final = random.Random(f"{seed}/{centre}")
        self._epoch = now()
        self._rows: list[tuple[SubjectId | None, bytes, bytes, bytes]] = []
        """Subject, salt, record and leaf; salt and record are empty once erased."""
        self._outbox: dict[CentreId, dict[int, tuple[SubjectId, Envelope]]] = {}
        self._seq_last: dict[CentreId, int] = {}
        self._inbox: set[InboxKey] = set()
        self._marks: dict[str, int] = {}
        self._persons: dict[SubjectId, bytes] = {}
        self._photos: dict[tuple[SubjectId, str], bytes] = {}
        self._devices: dict[str, Device] = {}
        self._accounts: dict[str, Account] = {}
        self._checkpoints: dict[int, bytes] = {}
        self._heard: list[Callable[[frozenset[CentreId]], None]] = []

    def restarted(self) -> None:
        """The program died: nobody listens any more. What was committed stays."""
        self._heard.clear()

    def events(self) -> Iterator[tuple[int, AnyEvent]]:
        for _, _, record, _ in self._rows[:]:
            if record:
                yield codec.decode_record(record)

    def commit(
        self,
        events: Sequence[AnyEvent],
        sends: Sequence[Send] = (),
        inbox: Sequence[InboxKey] = (),
        relay_marks: Sequence[RelayMark] = (),
    ) -> int:
        first = self.head() + 1
        assert len(set(inbox)) == len(inbox), "an inbox key twice"
        assert self._inbox.isdisjoint(inbox), "an inbox key that was taken before"
        rows = [self._row(serial, event) for serial, event in enumerate(events, first)]
        envelopes = self._envelopes(sends)  # everything that can fail lies above this line
        self._rows += rows
        for send, envelope in zip(sends, envelopes, strict=True):
            self._seq_last[send.to] = envelope.seq
            subject = SubjectId(f"incident:{send.message.incident}")
            self._outbox.setdefault(send.to, {})[envelope.seq] = (subject, envelope)
        self._inbox.update(inbox)
        for mark in relay_marks:
            self._marks[mark.relay] = max(mark.upto_row, self._marks.get(mark.relay, 0))
        if sends:
            for heard in self._heard:
                heard(frozenset(send.to for send in sends))
        return first

    def head(self) -> int:
        return len(self._rows)

    def leaves(self, start: int = 0) -> Iterator[bytes]:
        return (leaf for _, _, _, leaf in self._rows[start:])

    def openings(self, start: int = 0) -> Iterator[Opening]:
        for index, (subject, salt, record, _) in enumerate(self._rows[start:], start):
            if subject is None:
                yield Opening(index, salt, record)

    def set_checkpoint(self, size: int, note: bytes) -> None:
        assert 0 <= size <= self.head()
        self._checkpoints.setdefault(size, note)

    def checkpoint(self) -> tuple[int, bytes] | None:
        return max(self._checkpoints.items(), default=None)

    def pending(self, to: CentreId, after_seq: int = 0, limit: int = CHUNK_ROWS) -> list[Envelope]:
        owed = self._outbox.get(to, {})
        return [owed[seq][1] for seq in sorted(owed) if seq > after_seq][:limit]

    def acked(self, to: CentreId, seq: int) -> None:
        self._outbox.get(to, {}).pop(seq, None)

    def seen(self, key: InboxKey) -> bool:
        return key in self._inbox

    def heard_of(self, origin: CentreId) -> Said:
        return max((Said(each.epoch, each.seq) for each in self._inbox if each.origin == origin), default=Said(0, 0))

    def said_to(self, to: CentreId) -> Said:
        return Said(self._epoch, self._seq_last.get(to, 0))

    def relay_mark(self, relay: str) -> int:
        return self._marks.get(relay, 0)

    def listen(self, heard: Callable[[frozenset[CentreId]], None]) -> None:
        self._heard.append(heard)

    def put_person(self, subject: SubjectId, data: bytes) -> None:
        self._persons[subject] = data

    def person(self, subject: SubjectId) -> bytes | None:
        return self._persons.get(subject)

    def persons(self) -> Iterator[tuple[SubjectId, bytes]]:
        return iter(sorted(self._persons.items()))

    def put_photo(self, subject: SubjectId, name: str, data: bytes) -> None:
        self._photos.setdefault((subject, name), data)

    def photo(self, subject: SubjectId, name: str) -> bytes | None:
        return self._photos.get((subject, name))

    def erase(self, subject: SubjectId) -> None:
        self._rows = [(whose, b"", b"", leaf) if whose == subject else (whose, salt, record, leaf)
                      for whose, salt, record, leaf in self._rows]  # fmt: skip
        self._persons.pop(subject, None)
        self._photos = {key: data for key, data in self._photos.items() if key[0] != subject}
        for owed in self._outbox.values():
            for seq in [seq for seq, (whose, _) in owed.items() if whose == subject]:
                del owed[seq]
        kind, _, name = subject.partition(":")
        if kind == "wearer":
            self._forget_devices(name, protected=False)
        elif kind == "protected":
            self._forget_devices(name, protected=True)
        elif kind == "person":
            self._accounts.pop(name, None)

    def _forget_devices(self, whose: str, *, protected: bool) -> None:
        self._devices = {
            device: each
            for device, each in self._devices.items()
            if (each.wearer, each.protected) != (whose, protected)
        }

    def put_device(self, device: Device) -> None:
        self._devices[device.device] = device

    def devices(self) -> list[Device]:
        return [self._devices[device] for device in sorted(self._devices)]

    def put_account(self, account: Account) -> None:
        if any(each.login == account.login and each.person != account.person for each in self._accounts.values()):
            raise ValueError("login_taken")
        self._accounts[account.person] = account

    def accounts(self) -> list[Account]:
        return [self._accounts[person] for person in sorted(self._accounts)]

    def _row(self, serial: int, event: AnyEvent) -> tuple[SubjectId | None, bytes, bytes, bytes]:
        record, salt = codec.encode_record(serial, event), self._dice.randbytes(SALT_BYTES)
        subject = recorded.subject(event)
        return subject, salt, record, ledger.entry(salt, record, sealed=subject is not None)

    def _envelopes(self, sends: Sequence[Send]) -> list[Envelope]:
        last = dict(self._seq_last)
        made: list[Envelope] = []
        for send in sends:
            seq = last[send.to] = last.get(send.to, 0) + 1
            made.append(self._enveloped(send, seq))
        return made

    def _enveloped(self, send: Send, seq: int) -> Envelope:
        return enveloped(send, origin=self._centre, epoch=self._epoch, seq=seq, sent_at=self._now(), sign=self._sign)
