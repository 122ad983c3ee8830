"""What a centre must not lose: the one room that knows SQL.

A commit is one SQLite transaction with an fsync before it returns: events, ledger leaves, outbox rows, inbox keys and
relay marks stand or fall together, so that a crash at any instruction leaves a log from which everything is rebuilt.
When the disk refuses, the store fences itself: nothing is acknowledged any more and the program starts anew.

Absent on purpose: positions (edge.journal), which must stay erasable by time, and any meaning of an event.
"""

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, Self

import msgspec

from safetynet.core import events as recorded
from safetynet.core import ledger, messages
from safetynet.core.events import AnyEvent
from safetynet.core.messages import Envelope, Send
from safetynet.core.terms import CentreId, DeviceId, Instant, PersonId, SubjectId, WearerId
from safetynet.edge import clock, codec, erasures
from safetynet.edge.config import failpoint
from safetynet.edge.doors import InboxKey, PersonKeys, RelayMark, Said, WrappedKeys
from safetynet.edge.metrics import Timing

SALT_BYTES: Final = 32
WRAPPED_BYTES_MAX: Final = 96
"""Room for one wrapped key. Every row has this length, so that an erasure overwrites the very bytes on disk."""
CHUNK_ROWS: Final = 1_000
"""Read at once: a cursor left open would keep the write-ahead log from being emptied."""
WAL_BYTES_MAX: Final = 64 * 1024 * 1024
BUSY_MS_MAX: Final = 5_000
_SCHEMA_VERSION: Final = 1


class Restoration(msgspec.Struct, frozen=True, kw_only=True):
    """What a log must declare that was brought back to an older state (core.events.LogRestored has the same words)."""

    epoch: int
    epoch_before: int
    size: int
    size_before: int
    root_before: bytes
    found: str
    erased: int
    erasures_known: bool


class Opening(msgspec.Struct, frozen=True):
    """What proves to an outsider that a leaf is this record. `index` counts from 0."""

    index: int
    salt: bytes
    record: bytes


_PROTECTED: Final = "protected:"
"""Before the id of a protected person in a device's row: no wearer's id begins so."""


class Device(msgspec.Struct, frozen=True):
    """`protected`: the phone of a protected person, whose id stands in `wearer`."""

    device: DeviceId
    wearer: WearerId
    key_sha256: bytes
    protected: bool = False


class Account(msgspec.Struct, frozen=True):
    """Who may sign in. `argon2` is the encoded hash with its parameters."""

    person: PersonId
    login: str
    name: str
    role: str
    seat: str
    argon2: str


class Damaged(Exception):
    """The log is not what was written: a gap, a changed byte, a cut tail, another centre's file."""


class Fenced(Exception):
    """A commit failed. Whether it is on disk is unknown until the next start; nothing may be acknowledged."""


class Store:
    """One centre's log.db. Used by one thread of one process; a second writer is turned away at `open`."""

    def __init__(
        self,
        db: sqlite3.Connection,
        lock: int,
        *,
        centre: CentreId,
        keys: Callable[[WrappedKeys], PersonKeys],
        sign: Callable[[bytes], bytes],
        salt: Callable[[], bytes],
        now: Callable[[], Instant],
        tombstones: Sequence[Path] = (),
    ) -> None:
        self._db, self._lock, self._centre, self._tombstones = db, lock, centre, tombstones
        self._sign, self._salt, self._now = sign, salt, now
        self._keys = keys(_Wrapped(db))
        self.timing: Final = Timing()
        """Of every transaction, its flush included."""
        self._heard: list[Callable[[frozenset[CentreId]], None]] = []
        self._fenced = False
        self._epoch = self._own_epoch()
        self._head = int(db.execute("select coalesce(max(serial), 0) from event").fetchone()[0])
        signed = self.checkpoint()
        if signed is not None and signed[0] > self._head:
            raise Damaged(f"a checkpoint signs {signed[0]} events, the log has {self._head}")

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        centre: CentreId,
        keys: Callable[[WrappedKeys], PersonKeys],
        sign: Callable[[bytes], bytes],
        salt: Callable[[], bytes],
        now: Callable[[], Instant] = clock.now,
        tombstones: Path | None = None,
    ) -> Self:
        """Opens or makes `path`. Erasures are noted beside it, and first in `tombstones` when a second place is given.

        `keys` makes the PersonKeys on this store's own table, so that a subject's first event and its key are one
        commit; `sign` is the centre's message key over `messages.signed_part`; `salt` draws SALT_BYTES. Raises BlockingIOError when another
        process writes this log, Damaged when it is not ours or was cut.
        """
        lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            places = [each for each in (tombstones, path.with_name(erasures.FILE)) if each is not None]
            db = _connect(path)
            return cls(db, lock, centre=centre, keys=keys, sign=sign, salt=salt, now=now, tombstones=places)
        except BaseException:
            os.close(lock)
            raise

    def close(self) -> None:
        self._db.close()
        os.close(self._lock)

    @property
    def person_keys(self) -> PersonKeys:
        """For what is sealed outside this file under the same keys: the position journal."""
        return self._keys

    # --- the log ---------------------------------------------------------------------------------------------------

    def events(self, after: int = 0) -> Iterator[tuple[int, AnyEvent]]:
        """Serial and event behind `after`; what was erased is skipped. Raises Damaged where a leaf disagrees."""
        for serial, salt, record in self._records(with_subject=True, after=after):
            said, event = codec.decode_record(record)
            if said != serial or len(salt) != SALT_BYTES:
                raise Damaged(f"record {said} stands at serial {serial}")
            yield serial, event

    def commit(
        self,
        events: Sequence[AnyEvent],
        sends: Sequence[Send] = (),
        inbox: Sequence[InboxKey] = (),
        relay_marks: Sequence[RelayMark] = (),
    ) -> int:
        """All of it or nothing, on disk when this returns. The serial of the first event (of the next, if none).

        Raises Fenced, now and ever after, when the disk refuses.
        """
        first = self._head + 1
        with self._transaction():
            self._insert_events(events)
            receivers = self._insert_sends(sends)
            self._db.executemany("insert into inbox values (?, ?, ?)", inbox)
            self._db.executemany(
                "insert into relay values (?, ?) on conflict do update set row_last = max(row_last, excluded.row_last)",
                relay_marks,
            )
            failpoint("store.in_transaction")
        self._head += len(events)
        if receivers:
            for heard in self._heard:
                heard(receivers)
        return first

    def some(self, serials: Iterable[int]) -> Iterator[tuple[int, bytes, AnyEvent | None]]:
        """Serial, leaf and event of exactly these; the event is None when it was erased. Raises Damaged."""
        erased = dict(self._db.execute("select subject, serial_through from erasure").fetchall())
        for serial in serials:
            row = self._db.execute("select subject, sealed, leaf from event where serial = ?", (serial,)).fetchone()
            if row is None:
                raise Damaged(f"event {serial} is missing")
            gone = row[0] is not None and serial <= erased.get(row[0], 0)
            yield serial, row[2], None if gone else codec.decode_record(self._record(serial, *row)[1])[1]

    def head(self) -> int:
        """Serial of the last event; 0 in an empty log. Also the size of the ledger."""
        return self._head

    def leaves(self, start: int = 0) -> Iterator[bytes]:
        """Commitments from leaf index `start` (from 0) on, erased ones too."""
        while rows := self._db.execute(
            "select leaf from event where serial > ? order by serial limit ?", (start, CHUNK_ROWS)
        ).fetchall():
            yield from (row[0] for row in rows)
            start += len(rows)

    def openings(self, start: int = 0) -> Iterator[Opening]:
        """Of the events that name no person, from leaf index `start` on."""
        for serial, salt, record in self._records(with_subject=False, after=start):
            yield Opening(serial - 1, salt, record)

    def set_checkpoint(self, size: int, note: bytes) -> None:
        """Keeps a signed note for ever; a later start finds out if the log was cut behind it."""
        assert 0 <= size <= self._head
        with self._transaction():
            self._db.execute("insert into checkpoint values (?, ?) on conflict do nothing", (size, note))

    def checkpoint(self) -> tuple[int, bytes] | None:
        """Size and note of the last one."""
        row = self._db.execute("select size, note from checkpoint order by size desc limit 1").fetchone()
        return None if row is None else (row[0], row[1])

    def checkpoint_of(self, size: int) -> bytes | None:
        """The note that was kept for exactly this size."""
        row = self._db.execute("select note from checkpoint where size = ?", (size,)).fetchone()
        return None if row is None else bytes(row[0])

    # --- brought back ----------------------------------------------------------------------------------------------

    def begin_epoch(
        self,
        *,
        found: str,
        known_epoch: int = 0,
        size_before: int = 0,
        root_before: bytes = b"",
        erased: int = 0,
        erasures_known: bool = True,
    ) -> Restoration:
        """The log is older than it was. From here on its messages have numbers that nobody has seen.

        What it still owes is signed anew under the new epoch, without what could open a picture.
        """
        assert len(root_before) in (0, 32)
        epoch = max(int(self._now()), self._epoch + 1, known_epoch + 1)
        made = Restoration(
            epoch=epoch,
            epoch_before=self._epoch,
            size=self._head,
            size_before=max(size_before, self._head),
            root_before=root_before,
            found=found,
            erased=erased,
            erasures_known=erasures_known,
        )
        with self._transaction():
            self._db.execute("insert into restoration values (?, ?, ?, ?, ?, ?, ?, ?)", msgspec.structs.astuple(made))
            self._db.execute("update centre set epoch = ?", (epoch,))
            self._epoch = epoch
            owed = self._db.execute("select receiver, seq, subject, sealed from outbox").fetchall()
            for to, seq, subject, blob in owed:
                old = codec.decode_envelope(self._opened(SubjectId(subject), blob, _road(to, seq)))
                message = codec.decode_message(old.body, old.v)
                if isinstance(message, messages.OPENING):
                    self._db.execute("delete from outbox where receiver = ? and seq = ?", (to, seq))
                    continue
                sealed = self._envelope(Send(CentreId(to), message), seq, SubjectId(subject))
                self._db.execute("update outbox set sealed = ? where receiver = ? and seq = ?", (sealed, to, seq))
        return made

    def restoration(self) -> Restoration | None:
        """The newest, until `declared` says that the log holds its event."""
        row = self._db.execute("select * from restoration order by epoch desc limit 1").fetchone()
        if row is None or self.seen(self.declaration(row[0])):
            return None
        return Restoration(
            epoch=row[0],
            epoch_before=row[1],
            size=row[2],
            size_before=row[3],
            root_before=row[4],
            found=row[5],
            erased=row[6],
            erasures_known=bool(row[7]),
        )

    def declaration(self, epoch: int) -> InboxKey:
        """Under this key the event is taken, once."""
        return InboxKey(self._centre, epoch, 0)

    def signed_through(self) -> int:
        """Up to this size the tree was signed in a history that is lost: never sign another one of that size."""
        (size,) = self._db.execute("select coalesce(max(size_before), 0) from restoration").fetchone()
        return int(size)

    def subjects(self) -> list[SubjectId]:
        """Everybody who ever had a key here."""
        return [SubjectId(name) for (name,) in self._db.execute("select subject from wrapped_key").fetchall()]

    def tombstone(self, subject: SubjectId) -> bytes | None:
        """What the list of erasures would say of this subject's present key; None when it has none."""
        return self._keys.tombstone(subject)

    def put_partner_note(self, partner: CentreId, size: int, note: bytes) -> None:
        """Keeps the largest checkpoint that a partner ever showed."""
        with self._transaction():
            self._db.execute(
                "insert into partner values (?, ?, ?) on conflict do update"
                " set size = excluded.size, note = excluded.note where excluded.size > size",
                (partner, size, note),
            )

    def partner_note(self, partner: CentreId) -> bytes:
        """Empty when it never showed one."""
        row = self._db.execute("select note from partner where centre = ?", (partner,)).fetchone()
        return b"" if row is None else bytes(row[0])

    # --- the roads to other centres --------------------------------------------------------------------------------

    def pending(self, to: CentreId, after_seq: int = 0, limit: int = CHUNK_ROWS) -> list[Envelope]:
        """What is owed to `to` behind `after_seq`, in order. Signed once, the same bytes at every resending."""
        rows = self._db.execute(
            "select seq, subject, sealed from outbox where receiver = ? and seq > ? order by seq limit ?",
            (to, after_seq, limit),
        ).fetchall()
        return [codec.decode_envelope(self._opened(SubjectId(s), blob, _road(to, seq))) for seq, s, blob in rows]

    def owed(self, to: CentreId) -> int:
        """How many messages wait for `to`."""
        return int(self._db.execute("select count(*) from outbox where receiver = ?", (to,)).fetchone()[0])

    def acked(self, to: CentreId, seq: int) -> None:
        """The partner has `seq` on its disk. No fsync: a forgotten acknowledgement is one more duplicate."""
        self._db.execute("pragma synchronous = normal")
        self._db.execute("delete from outbox where receiver = ? and seq = ?", (to, seq))
        self._db.execute("pragma synchronous = full")

    def seen(self, key: InboxKey) -> bool:
        row = self._db.execute("select 1 from inbox where origin = ? and epoch = ? and seq = ?", key).fetchone()
        return row is not None

    def heard_of(self, origin: CentreId) -> Said:
        """The last number of the newest epoch that `origin` was ever heard with."""
        row = self._db.execute(
            "select epoch, seq from inbox where origin = ? order by epoch desc, seq desc limit 1", (origin,)
        ).fetchone()
        return Said(0, 0) if row is None else Said(*row)

    def said_to(self, to: CentreId) -> Said:
        """Our epoch, and the last number that was given on this road."""
        row = self._db.execute("select seq_last from road where receiver = ?", (to,)).fetchone()
        return Said(self._epoch, 0 if row is None else int(row[0]))

    def generation(self) -> int:
        """Of the file of sessions; 0 before the first."""
        row = self._db.execute("select generation from session_file").fetchone()
        return 0 if row is None else int(row[0])

    def next_generation(self) -> int:
        generation = self.generation() + 1
        with self._transaction():
            self._db.execute("insert or replace into session_file values (1, ?)", (generation,))
        return generation

    def relay_mark(self, relay: str) -> int:
        """The last merged row of this relay's log; 0 before the first."""
        row = self._db.execute("select row_last from relay where relay = ?", (relay,)).fetchone()
        return 0 if row is None else int(row[0])

    def listen(self, heard: Callable[[frozenset[CentreId]], None]) -> None:
        """`heard` is called after each commit that owes something, with the centres it is owed to."""
        self._heard.append(heard)

    # --- persons ---------------------------------------------------------------------------------------------------

    def put_person(self, subject: SubjectId, data: bytes) -> None:
        with self._transaction():
            sealed = self._keys.seal(subject, data, b"person")
            self._db.execute(
                "insert into person values (?, ?) on conflict do update set sealed = excluded.sealed", (subject, sealed)
            )

    def person(self, subject: SubjectId) -> bytes | None:
        row = self._db.execute("select sealed from person where subject = ?", (subject,)).fetchone()
        return None if row is None else self._opened(subject, row[0], b"person")

    def persons(self) -> Iterator[tuple[SubjectId, bytes]]:
        """In order of subject."""
        for (subject,) in self._db.execute("select subject from person order by subject").fetchall():
            data = self.person(SubjectId(subject))
            assert data is not None
            yield SubjectId(subject), data

    def put_photo(self, subject: SubjectId, name: str, data: bytes) -> None:
        """On disk when this returns. A name that is there already keeps what it holds."""
        with self._transaction():
            sealed = self._keys.seal(subject, data, _picture(name))
            self._db.execute("insert into photo values (?, ?, ?) on conflict do nothing", (subject, name, sealed))

    def photo(self, subject: SubjectId, name: str) -> bytes | None:
        """None when there is none, or none any more."""
        row = self._db.execute("select sealed from photo where subject = ? and name = ?", (subject, name)).fetchone()
        return None if row is None else self._opened(subject, row[0], _picture(name))

    def erase(self, subject: SubjectId) -> None:
        """Destroys the subject's key and what only it could read. Serials, leaves and proofs stay as they are.

        When this returns neither log.db nor its write-ahead log holds the key. Raises TimeoutError when another
        process reads the log all the while; the erasure is then decided and the next start finishes it. It is noted
        outside this file first: a backup that is brought back must not bring back the person.
        """
        stone = self._keys.tombstone(subject)
        if stone is not None:
            for place in self._tombstones:
                erasures.add(place, stone)
        with self._transaction():
            self._keys.erase(subject)
            self._db.execute(
                "insert into erasure values (?, ?) on conflict do update set serial_through = excluded.serial_through",
                (subject, self._head),
            )
            self._db.execute("delete from person where subject = ?", (subject,))
            self._db.execute("delete from outbox where subject = ?", (subject,))
            self._db.execute("delete from photo where subject = ?", (subject,))
            kind, _, name = subject.partition(":")
            if kind == "wearer":
                self._db.execute("delete from device where wearer = ?", (name,))
            elif kind == "protected":
                self._db.execute("delete from device where wearer = ?", (subject,))
            elif kind == "person":
                self._db.execute("delete from account where person = ?", (name,))
        failpoint("store.erased_before_truncate")
        if not _emptied(self._db):
            raise TimeoutError(f"the write-ahead log was read for longer than {BUSY_MS_MAX} ms")

    def put_device(self, device: Device) -> None:
        whose = f"{_PROTECTED if device.protected else ''}{device.wearer}"
        with self._transaction():
            self._db.execute(
                "insert into device values (?, ?, ?)"
                " on conflict do update set wearer = excluded.wearer, key_sha256 = excluded.key_sha256",
                (device.device, whose, device.key_sha256),
            )

    def devices(self) -> list[Device]:
        rows = self._db.execute("select device, wearer, key_sha256 from device order by device").fetchall()
        return [
            Device(DeviceId(device), WearerId(whose.removeprefix(_PROTECTED)), key, whose.startswith(_PROTECTED))
            for device, whose, key in rows
        ]

    def put_account(self, account: Account) -> None:
        """Raises ValueError when another person has this login."""
        taken = self._db.execute(
            "select 1 from account where login = ? and person <> ?", (account.login, account.person)
        ).fetchone()
        if taken is not None:
            raise ValueError("login_taken")
        with self._transaction():
            sealed = self._keys.seal(_worker(account.person), account.name.encode(), b"name")
            self._db.execute(
                "insert or replace into account values (?, ?, ?, ?, ?, ?)",
                (account.person, account.login, account.role, account.seat, sealed, account.argon2),
            )

    def accounts(self) -> list[Account]:
        rows = self._db.execute(
            "select person, login, sealed_name, role, seat, argon2 from account order by person"
        ).fetchall()
        return [
            Account(
                PersonId(person), login, self._opened(_worker(person), sealed, b"name").decode(), role, seat, argon2
            )
            for person, login, sealed, role, seat, argon2 in rows
        ]

    # --- inside ----------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _transaction(self) -> Generator[None]:
        """Any failure fences: a key drawn in a transaction that was rolled back must never seal again."""
        if self._fenced:
            raise Fenced("an earlier commit failed")
        began_us = clock.monotonic_us()
        try:
            self._db.execute("begin immediate")
            yield
            self._db.execute("commit")
            self.timing.took(clock.monotonic_us() - began_us)
        except BaseException as fault:
            self._fenced = True
            self._keys.forget()
            if self._db.in_transaction:
                with contextlib.suppress(sqlite3.Error):  # the first fault is the one to report
                    self._db.execute("rollback")
            if isinstance(fault, sqlite3.OperationalError):
                raise Fenced(str(fault)) from fault
            raise

    def _insert_events(self, events: Sequence[AnyEvent]) -> None:
        rows: list[tuple[int, str | None, bytes, bytes]] = []
        for serial, event in enumerate(events, self._head + 1):
            record, salt = codec.encode_record(serial, event), self._salt()
            assert len(salt) == SALT_BYTES
            subject, plain = recorded.subject(event), salt + record
            sealed = plain if subject is None else self._keys.seal(subject, plain, _place(serial))
            rows.append((serial, subject, sealed, ledger.entry(salt, record, sealed=subject is not None)))
        self._db.executemany("insert into event values (?, ?, ?, ?)", rows)

    def _insert_sends(self, sends: Sequence[Send]) -> frozenset[CentreId]:
        for send in sends:
            (seq,) = self._db.execute(
                "insert into road values (?, 1) on conflict do update set seq_last = seq_last + 1 returning seq_last",
                (send.to,),
            ).fetchone()
            subject = SubjectId(f"incident:{send.message.incident}")
            sealed = self._envelope(send, seq, subject)
            self._db.execute("insert into outbox values (?, ?, ?, ?)", (send.to, seq, subject, sealed))
        return frozenset(send.to for send in sends)

    def _envelope(self, send: Send, seq: int, subject: SubjectId) -> bytes:
        envelope = enveloped(
            send, origin=self._centre, epoch=self._epoch, seq=seq, sent_at=self._now(), sign=self._sign
        )
        return self._keys.seal(subject, codec.encode_envelope(envelope), _road(send.to, seq))

    def _records(self, *, with_subject: bool, after: int = 0) -> Iterator[tuple[int, bytes, bytes]]:
        """Serial, salt and record of what can still be opened, each checked against its leaf."""
        erased = dict(self._db.execute("select subject, serial_through from erasure").fetchall())
        while rows := self._db.execute(
            "select serial, subject, sealed, leaf from event where serial > ? order by serial limit ?",
            (after, CHUNK_ROWS),
        ).fetchall():
            for serial, subject, sealed, leaf in rows:
                if serial != after + 1:
                    raise Damaged(f"event {after + 1} is missing")
                after = serial
                if subject is not None and (not with_subject or serial <= erased.get(subject, 0)):
                    continue
                yield serial, *self._record(serial, subject, sealed, leaf)
        if after < self._head:
            raise Damaged(f"events behind {after} are missing")

    def _record(self, serial: int, subject: str | None, sealed: bytes, leaf: bytes) -> tuple[bytes, bytes]:
        plain = sealed if subject is None else self._opened(SubjectId(subject), sealed, _place(serial))
        salt, record = plain[:SALT_BYTES], plain[SALT_BYTES:]
        if not ledger.bears_out(leaf, salt, record) or ledger.sealed(leaf) not in (None, subject is not None):
            raise Damaged(f"event {serial} is not what its leaf says")
        return salt, record

    def _opened(self, subject: SubjectId, sealed: bytes, aad: bytes) -> bytes:
        plain = self._keys.open(subject, sealed, aad)
        if plain is None:
            raise Damaged("a key is gone that nobody erased")
        return plain

    def _own_epoch(self) -> int:
        row = self._db.execute("select id, epoch from centre").fetchone()
        if row is None:
            epoch = int(self._now())
            with self._transaction():
                self._db.execute("insert into centre values (1, ?, ?)", (self._centre, epoch))
            return epoch
        if row[0] != self._centre:
            raise Damaged(f"this is the log of {row[0]}")
        return int(row[1])


class _Wrapped:
    """Rows of `wrapped_key`, inside whatever transaction is open. Always overwritten in place, never moved."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def get(self, subject: SubjectId) -> bytes | None:
        row = self._db.execute("select size_bytes, wrapped from wrapped_key where subject = ?", (subject,)).fetchone()
        return None if row is None or row[0] < 0 else bytes(row[1][: row[0]])

    def put(self, subject: SubjectId, wrapped: bytes) -> None:
        assert 2 <= len(wrapped) <= WRAPPED_BYTES_MAX
        self._overwrite(subject, len(wrapped), wrapped)

    def delete(self, subject: SubjectId) -> None:
        self._overwrite(subject, -1, b"")

    def _overwrite(self, subject: SubjectId, size_bytes: int, wrapped: bytes) -> None:
        self._db.execute(
            "insert into wrapped_key (subject, size_bytes, wrapped) values (?, ?, ?)"
            " on conflict do update set size_bytes = excluded.size_bytes, wrapped = excluded.wrapped",
            (subject, size_bytes, wrapped.ljust(WRAPPED_BYTES_MAX, b"\0")),
        )


def enveloped(
    send: Send, *, origin: CentreId, epoch: int, seq: int, sent_at: Instant, sign: Callable[[bytes], bytes]
) -> Envelope:
    """Signed and ready for the road."""
    bare = Envelope(
        v=messages.VERSION,
        origin=origin,
        to=send.to,
        epoch=epoch,
        seq=seq,
        sent_at=sent_at,
        body=codec.encode_message(send.message),
    )
    return msgspec.structs.replace(bare, signature=sign(messages.signed_part(bare)))


def _connect(path: Path) -> sqlite3.Connection:
    path.touch(0o600)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(folder)  # SQLite makes its own files' names durable, but this one was made here, for its mode
    os.close(folder)
    db = sqlite3.connect(path, isolation_level=None, timeout=BUSY_MS_MAX / 1_000)
    pragmas: Iterable[str] = (
        "journal_mode = wal",
        "synchronous = full",  # NORMAL lost 200 of 200 acknowledged commits in a power cut
        "secure_delete = on",
        "recursive_triggers = on",  # else `insert or replace` deletes past the append-only triggers
        f"journal_size_limit = {WAL_BYTES_MAX}",
    )
    for pragma in pragmas:
        db.execute(f"pragma {pragma}")
    (version,) = db.execute("pragma user_version").fetchone()
    if version not in (0, _SCHEMA_VERSION):
        raise Damaged(f"the log was written by a release with schema {version}")
    db.executescript(Path(__file__).with_name("schema.sql").read_text(encoding="utf-8"))
    db.execute(f"pragma user_version = {_SCHEMA_VERSION}")
    _emptied(db)  # finishes an erasure that a crash cut short
    return db


def _emptied(db: sqlite3.Connection) -> bool:
    """Moves the write-ahead log into the database and cuts it to nothing; False while somebody else reads it."""
    busy, _, _ = db.execute("pragma wal_checkpoint(truncate)").fetchone()
    return not busy


def _place(serial: int) -> bytes:
    """Binds a sealed event to its serial, so that rows cannot be exchanged."""
    return f"event/{serial}".encode()


def _road(to: CentreId, seq: int) -> bytes:
    return f"outbox/{to}/{seq}".encode()


def _picture(name: str) -> bytes:
    return f"photo/{name}".encode()


def _worker(person: PersonId) -> SubjectId:
    return SubjectId(f"person:{person}")
