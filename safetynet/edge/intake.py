"""The way in for devices: take what has arrived, one flush, acknowledge, hand on.

A raw ASGI application for devices that speak HTTP (`/owntracks` for one form, `/device/batch` for many reports in one body, any
other path for OsmAnd's), and `take` for those that speak a stream (`edge.ports`). Everything that arrives while the disk works makes the next batch, so batches grow
by themselves under load and nobody waits for a timer. 200 goes out after the fsync and never before; the batch then
goes to `on_fixes` in the order of the journal. When the flush or what follows it fails, nothing is acknowledged and
the program stops: it starts again from its journal.

Absent on purpose: judging, sessions, frameworks (four times dearer per request).
"""

import asyncio
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any, Final, NamedTuple, NoReturn, TypeAlias

import msgspec

from safetynet.core.fixes import Fix
from safetynet.core.terms import DeviceId, FixId, Instant
from safetynet.edge import clock, log
from safetynet.edge.devices import osmand, owntracks, rows
from safetynet.edge.devices.asked import Asked
from safetynet.edge.devices.words import Known, Refusal
from safetynet.edge.journal import Journal

BODY_BYTES_MAX: Final = 16_384
QUERY_BYTES_MAX: Final = 4_096
BATCH_PATH: Final = "/device/batch"
WAITING_FIXES_MAX: Final = 10_000
RETRY_AFTER_S: Final = 2
_JSON: Final = ((b"content-type", b"application/json"),)
STOPPED_EXIT: Final = 74
"""EX_IOERR: a supervisor starts the program anew."""

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Stop: TypeAlias = Callable[[BaseException], object]


def fence(why: BaseException) -> NoReturn:
    """Ends the process at once, without letting any open request be answered."""
    log.say("intake_stopped", log.Level.ERROR, **log.fault(why))
    os._exit(STOPPED_EXIT)


class Stopped(Exception):
    """The disk refused: nothing is taken any more, and nobody may be answered."""


class Answer(NamedTuple):
    """To one request."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Brought(NamedTuple):
    """Fixes of one request, and what it is answered when they are on disk."""

    fixes: Sequence[Fix]
    answer: Callable[[], Answer]
    waits: bool = False
    """For room, where there is none."""


_TAKEN: Final = Answer(200, b"")


def _taken() -> Answer:
    return _TAKEN


class Intake:
    """`counts` has "taken", "batches", "waiting_full" and every refusal by its reason word.

    `on_fixes` is called on the loop with fixes that are on disk and numbered. `stop` must not let the program go on.
    """

    def __init__(
        self,
        journal: Journal,
        known: Known,
        on_fixes: Callable[[list[Fix]], None],
        *,
        now: Callable[[], Instant] = clock.now,
        stop: Stop = fence,
        waiting_fixes_max: int = WAITING_FIXES_MAX,
    ) -> None:
        self._journal = journal
        self._known = known
        self._on_fixes = on_fixes
        self._now = now
        self._stop = stop
        self._waiting_max = waiting_fixes_max
        self._waiting: list[tuple[Sequence[Fix], asyncio.Future[None]]] = []
        self._count = 0
        self._stopped = False
        self.counts: Counter[str] = Counter()
        self.proved: set[DeviceId] = set()
        """Devices that have shown a proof since the start: none of them is believed without one. No more than there are."""
        self.asked = Asked()
        """What devices are to be told when they are there."""

    @property
    def waiting(self) -> int:
        """Fixes that have arrived and are not on disk yet."""
        return self._count

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http", scope["type"]
        method, path, query = scope["method"], scope["path"], scope["query_string"]
        no = self.refuses(method, query)
        if no is not None:
            return await _answer(send, no)
        try:
            body = await _body(receive, body_bytes_max(path)) if method == "POST" else b""
        except ConnectionResetError:
            # Half a body may read as another position: nobody is left to answer, and nothing is taken.
            self.counts["hung_up"] += 1
            return None
        if body is None:
            return await _answer(send, self.refused(413, "body_too_long"))
        got = self.hear(path, query, dict(scope["headers"]), body)
        if isinstance(got, Answer):
            return await _answer(send, got)
        if got.waits:
            try:
                await self.take(got.fixes)
            except Stopped:
                return await _answer(send, self.refused(503, "waiting_full"))
        else:
            await self.offer(got.fixes)
        return await _answer(send, got.answer())

    # --- one request, whoever carries it ---------------------------------------------------------------------------

    def refuses(self, method: str, query: bytes) -> Answer | None:
        """Before any body is read."""
        if method not in {"GET", "POST"}:
            return self.refused(405, "method_not_allowed")
        return self.refused(414, "query_too_long") if len(query) > QUERY_BYTES_MAX else None

    def hear(self, path: str, query: bytes, headers: Mapping[bytes, bytes], body: bytes) -> Answer | Brought:
        """What the request is answered at once, or what it brought. Names of headers are in small letters."""
        if path == BATCH_PATH:
            return self._many(body)
        if path in owntracks.PATHS:
            got = owntracks.decode(body, headers.get(b"authorization", b""), self._now(), self._known)
        else:
            kind = headers.get(b"content-type", b"").decode("latin-1")
            key = headers.get(b"x-device-key", b"")
            got = osmand.decode(query, body, kind, self._now(), self._known, header_key=key)
        if isinstance(got, Refusal):
            return self.refused(got.status, got.word, got.reason.value)
        if got is None:
            return Answer(200, owntracks.NOTHING, _JSON)
        if self._stopped or self._count >= self._waiting_max:
            return self.refused(503, "waiting_full")
        device = got.device
        self.proved.add(device)
        if path not in owntracks.PATHS:
            self.asked.hearing.discard(device)
            return Brought((got,), _taken)
        self.asked.hearing.add(device)
        return Brought((got,), lambda: Answer(200, owntracks.reply(self.asked.take(device)), _JSON))

    def _many(self, body: bytes) -> Answer | Brought:
        """Who brings many waits for room: it would only bring them all again."""
        got = rows.decode(body, self._now(), self._known)
        if isinstance(got, Refusal):
            return self.refused(got.status, got.word, got.reason.value)
        self.counts.update(each.reason.value for _, each in got.refused)
        self.proved.update(each.device for each in got.fixes)
        answer = Answer(200, rows.answer(got), _JSON)
        return Brought(got.fixes, lambda: answer, waits=True) if got.fixes else answer

    def refused(self, status: int, word: str, count: str = "") -> Answer:
        self.counts[count or word] += 1
        problem = {"type": "about:blank", "title": word.replace("_", " "), "status": status, "reason": word}
        headers = [(b"content-type", b"application/problem+json")]
        if status == 503:
            headers.append((b"retry-after", str(RETRY_AFTER_S).encode()))
        if status == 405:
            headers.append((b"allow", b"GET, POST"))
        return Answer(status, msgspec.json.encode(problem), tuple(headers))

    # --- onto the disk ---------------------------------------------------------------------------------------------

    @property
    def full(self) -> bool:
        """Whether who can wait must."""
        return self._stopped or self._count >= self._waiting_max

    async def take(self, fixes: Sequence[Fix]) -> None:
        """Returns when these are on disk. Waits while too many do: who speaks a stream is slowed, never refused.

        Raises Stopped when the disk refused.
        """
        while self._count >= self._waiting_max and not self._stopped:
            await asyncio.wait((self._waiting[-1][1],))
        if self._stopped:
            raise Stopped
        await self.offer(fixes)

    def offer(self, fixes: Sequence[Fix]) -> asyncio.Future[None]:
        """Done when these are on disk and judged; never, when the disk refused. However many wait."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._flush)
        self._waiting.append((fixes, done))
        self._count += len(fixes)
        return done

    def _flush(self) -> None:
        """On the loop on purpose: a writer thread costs ten times the tail latency (measured)."""
        work, self._waiting, self._count = self._waiting, [], 0
        batch = [fix for fixes, _ in work for fix in fixes]
        try:
            first = self._journal.append(batch)
            self._on_fixes(numbered(batch, first))
        except BaseException as error:
            self._stopped = True
            self._stop(error)
            raise
        self.counts["batches"] += 1
        self.counts["taken"] += len(batch)
        for _, done in work:
            if not done.done():  # a sender who hung up has cancelled
                done.set_result(None)


def body_bytes_max(path: str) -> int:
    return rows.BODY_BYTES_MAX if path == BATCH_PATH else BODY_BYTES_MAX


def numbered(batch: Sequence[Fix], first: FixId) -> list[Fix]:
    """With the serials that the journal gave them."""
    return [msgspec.structs.replace(fix, id=FixId(id)) for id, fix in enumerate(batch, first)]


async def _body(receive: Receive, bytes_max: int) -> bytes | None:
    """None when it is too long. Raises ConnectionResetError when the sender hung up before its end."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > bytes_max:
            return None
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


async def _answer(send: Send, answer: Answer) -> None:
    length = (b"content-length", str(len(answer.body)).encode())
    await send({"type": "http.response.start", "status": answer.status, "headers": [length, *answer.headers]})
    await send({"type": "http.response.body", "body": answer.body})
