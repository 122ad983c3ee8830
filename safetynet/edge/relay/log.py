"""A relay's own durable log: nothing leaves before what was promised about it is on disk.

It is the only file of the relays that knows SQL (the store of a centre is another room: a relay must be able to write
while its loop is dead). WAL with synchronous=FULL; one thread commits whatever has gathered while the last commit
ran, so that many streams share an fsync. Rows are kept until the loop has merged them.
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Final

import msgspec

from safetynet.core.events import RelayEvent, Segment, StreamClosed, StreamOpened
from safetynet.core.terms import DAY_MS, CameraId, GrantId, Instant, StreamId, Why
from safetynet.edge.config import failpoint

COMMIT_S_MAX: Final = 2.0
WAITING_WRITES_MAX: Final = 10_000
BATCH_WRITES_MAX: Final = 256
BATCH_BYTES_MAX: Final = 524_288
"""Of the rows that are read at once."""
TOKEN_KEEP_MS: Final = 7 * DAY_MS
_SCHEMA: Final = """
create table if not exists row (id integer primary key autoincrement, event blob not null);
create table if not exists token (sha256 blob primary key, at integer not null) without rowid;
create table if not exists running (stream text primary key, event blob not null, segments integer not null) without rowid;
create table if not exists counter (name text primary key, value integer not null) without rowid;
"""


class LedgerFailedError(Exception):
    """It could not be written in time: whatever waited for it must not happen."""


@dataclass(frozen=True, slots=True)
class _Write:
    events: tuple[RelayEvent, ...]
    token: tuple[bytes, Instant] | None
    merged: int | None
    done: asyncio.Future[bool]


class Log:
    """Opened and used from one event loop; its thread alone touches the database. Raises sqlite3.Error on opening."""

    def __init__(self, path: Path) -> None:
        self._path = path
        base = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        base.execute("pragma journal_mode=wal")
        base.execute("pragma synchronous=full")
        base.executescript(_SCHEMA)
        self._base, self._lock = base, threading.Lock()
        self._loop = asyncio.get_running_loop()
        self._waiting: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._count, self.written = 0, asyncio.Event()
        (last,) = base.execute("select coalesce(max(value), 0) from counter where name = 'stream'").fetchone()
        self._stream, self._promised = int(last), int(last)
        self._thread = threading.Thread(target=self._work, name="relay log", daemon=True)
        self._thread.start()

    def stream_id(self, grant: GrantId, camera: CameraId) -> StreamId:
        """A name that this relay has never given before, also not before a crash: the counter is on disk first."""
        self._stream += 1
        if self._stream > self._promised:
            self._promised = self._stream + 63
            with self._lock:
                self._base.execute("insert or replace into counter values ('stream', ?)", (self._promised,))
        return StreamId(f"{grant}/{camera}/{self._stream}")

    async def write(self, *events: RelayEvent) -> None:
        """Returns when they are on disk. Raises LedgerFailedError."""
        await self._put(events, None, None)

    async def use_token(self, sha256: bytes, at: Instant) -> bool:
        """False when it was used before, in this life of the process or an earlier one. Raises LedgerFailedError."""
        return await self._put((), (sha256, at), None)

    async def token_used(self, sha256: bytes) -> bool:
        with self._lock:
            return self._base.execute("select 1 from token where sha256 = ?", (sha256,)).fetchone() is not None

    async def forget(self, upto_row: int) -> None:
        """The loop has merged these rows."""
        await self._put((), None, upto_row)

    async def _put(
        self, events: tuple[RelayEvent, ...], token: tuple[bytes, Instant] | None, merged: int | None
    ) -> bool:
        if self._count >= WAITING_WRITES_MAX:
            raise LedgerFailedError("too many writes wait")
        done: asyncio.Future[bool] = self._loop.create_future()
        self._count += 1
        self._waiting.put(_Write(events, token, merged, done))
        try:
            async with asyncio.timeout(COMMIT_S_MAX):
                result = await asyncio.shield(done)
        except TimeoutError:
            raise LedgerFailedError("commit takes too long") from None
        finally:
            self._count -= 1
        if events:
            self.written.set()
        return result

    def pending(self, limit: int, bytes_max: int = BATCH_BYTES_MAX) -> tuple[int, list[RelayEvent]]:
        """(highest row, events) of the oldest rows not yet merged, as many as fit; (0, []) when there are none."""
        with self._lock:
            rows = self._base.execute("select id, event from row order by id limit ?", (limit,)).fetchall()
        sums = accumulate(len(each) for _, each in rows)
        rows = [row for n, (row, total) in enumerate(zip(rows, sums, strict=True)) if total <= bytes_max or n == 0]
        return (rows[-1][0] if rows else 0), [msgspec.msgpack.decode(each, type=RelayEvent) for _, each in rows]

    def waiting_rows(self) -> int:
        """Not yet merged by the loop."""
        with self._lock:
            (count,) = self._base.execute("select count(*) from row").fetchone()
        return int(count)

    async def close_left_open(self, at: Instant) -> int:
        """Streams that a crash left open are closed as stopped. Returns how many. Called once at start."""
        with self._lock:
            rows = self._base.execute("select event, segments from running").fetchall()
        for event, segments in rows:
            was = msgspec.msgpack.decode(event, type=StreamOpened)
            closed = StreamClosed(
                at=at,
                side=was.side,
                grant=was.grant,
                camera=was.camera,
                stream=was.stream,
                segments=segments,
                why=Why.STOPPED,
                viewer=was.viewer,
                cut=was.side != "viewed",
            )
            await self.write(closed)
        return len(rows)

    async def close(self) -> None:
        self._waiting.put(None)
        await asyncio.to_thread(self._thread.join, COMMIT_S_MAX)
        with self._lock:
            self._base.close()

    # --- in the thread

    def _work(self) -> None:
        while True:
            first = self._waiting.get()
            if first is None:
                return
            batch = [first]
            while len(batch) < BATCH_WRITES_MAX:
                try:
                    following = self._waiting.get_nowait()
                except queue.Empty:
                    break
                if following is None:
                    self._waiting.put(None)
                    break
                batch.append(following)
            try:
                with self._lock:
                    results = self._commit(batch)
            except sqlite3.Error as error:
                outcome: list[bool] | LedgerFailedError = LedgerFailedError(str(error))
            else:
                outcome = results
            try:
                self._loop.call_soon_threadsafe(_settle, batch, outcome)
            except RuntimeError:  # the loop is closed: nobody waits any more
                return

    def _commit(self, batch: Sequence[_Write]) -> list[bool]:
        base, results = self._base, list[bool]()
        base.execute("begin immediate")
        try:
            for each in batch:
                results.append(self._one(each))
            failpoint("relay.log.commit")
            base.execute("commit")
        except sqlite3.Error:
            if base.in_transaction:
                base.execute("rollback")
            raise
        return results

    def _one(self, write: _Write) -> bool:
        base = self._base
        for event in write.events:
            body = msgspec.msgpack.encode(event)
            base.execute("insert into row (event) values (?)", (body,))
            if isinstance(event, StreamOpened):
                base.execute("insert or replace into running values (?, ?, 0)", (_key(event), body))
            elif isinstance(event, Segment):
                base.execute("update running set segments = segments + 1 where stream = ?", (_key(event),))
            elif isinstance(event, StreamClosed):
                base.execute("delete from running where stream = ?", (_key(event),))
        if write.merged is not None:
            base.execute("delete from row where id <= ?", (write.merged,))
        if write.token is not None:
            done = base.execute("insert or ignore into token values (?, ?)", write.token)
            base.execute("delete from token where at < ?", (write.token[1] - TOKEN_KEEP_MS,))
            return done.rowcount == 1
        return True


def _key(event: StreamOpened | Segment | StreamClosed) -> str:
    """A stream is received once and viewed by many: each viewing is open or closed for itself."""
    viewer = None if isinstance(event, Segment) else event.viewer
    return f"{event.side}|{event.stream}|{viewer or ''}"


def _settle(batch: Sequence[_Write], outcome: list[bool] | LedgerFailedError) -> None:
    for place, write in enumerate(batch):
        if write.done.done():
            continue
        if isinstance(outcome, LedgerFailedError):
            write.done.set_exception(outcome)
            write.done.exception()
        else:
            write.done.set_result(outcome[place])
