"""The way in for devices: take what has arrived, one flush, acknowledge, hand on.

A raw ASGI application for devices that speak HTTP (`/owntracks` for one form, any other path for OsmAnd's), and `take`
for those that speak a stream (`edge.ports`). Everything that arrives while the disk works makes the next batch, so batches grow
by themselves under load and nobody waits for a timer. 200 goes out after the fsync and never before; the batch then
goes to `on_fixes` in the order of the journal. When the flush or what follows it fails, nothing is acknowledged and
the program stops: it starts again from its journal.

Absent on purpose: judging, sessions, frameworks (four times dearer per request).
"""

import asyncio
import os
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, Final, NoReturn, TypeAlias

import msgspec

from safetynet.core.fixes import Fix
from safetynet.core.terms import DeviceId, FixId, Instant
from safetynet.edge import clock, log
from safetynet.edge.devices import osmand, owntracks
from safetynet.edge.devices.asked import Asked
from safetynet.edge.devices.words import Known, Refusal
from safetynet.edge.journal import Journal

BODY_BYTES_MAX: Final = 16_384
QUERY_BYTES_MAX: Final = 4_096
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
        self._waiting: list[tuple[Fix, asyncio.Future[None]]] = []
        self._stopped = False
        self.counts: Counter[str] = Counter()
        self.proved: set[DeviceId] = set()
        """Devices that have shown a proof since the start: none of them is believed without one. No more than there are."""
        self.asked = Asked()
        """What devices are to be told when they are there."""

    @property
    def waiting(self) -> int:
        """Fixes that have arrived and are not on disk yet."""
        return len(self._waiting)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http", scope["type"]
        method, query = scope["method"], scope["query_string"]
        if method not in {"GET", "POST"}:
            return await self._refuse(send, 405, "method_not_allowed")
        if len(query) > QUERY_BYTES_MAX:
            return await self._refuse(send, 414, "query_too_long")
        try:
            body = await _body(receive) if method == "POST" else b""
        except ConnectionResetError:
            # Half a body may read as another position: nobody is left to answer, and nothing is taken.
            self.counts["hung_up"] += 1
            return None
        if body is None:
            return await self._refuse(send, 413, "body_too_long")
        headers = dict(scope["headers"])
        phone = scope["path"] in owntracks.PATHS
        if phone:
            got = owntracks.decode(body, headers.get(b"authorization", b""), self._now(), self._known)
        else:
            kind = headers.get(b"content-type", b"").decode("latin-1")
            key = headers.get(b"x-device-key", b"")
            got = osmand.decode(query, body, kind, self._now(), self._known, header_key=key)
        if isinstance(got, Refusal):
            return await self._refuse(send, got.status, got.word, got.reason.value)
        if got is None:
            return await _answer(send, 200, owntracks.NOTHING, _JSON)
        if self._stopped or len(self._waiting) >= self._waiting_max:
            return await self._refuse(send, 503, "waiting_full")
        self.proved.add(got.device)
        await self._take([got])
        if phone:
            return await _answer(send, 200, owntracks.reply(self.asked.take(got.device)), _JSON)
        return await _answer(send, 200, b"", ())

    async def take(self, fixes: Sequence[Fix]) -> None:
        """Returns when these are on disk. Waits while too many do: who speaks a stream is slowed, never refused.

        Raises Stopped when the disk refused.
        """
        while len(self._waiting) >= self._waiting_max and not self._stopped:
            await asyncio.wait((self._waiting[-1][1],))
        if self._stopped:
            raise Stopped
        await self._take(fixes)

    def _take(self, fixes: Sequence[Fix]) -> asyncio.Future[None]:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._flush)
        self._waiting += [(fix, done) for fix in fixes]
        return done

    def _flush(self) -> None:
        """On the loop on purpose: a writer thread costs ten times the tail latency (measured)."""
        work, self._waiting = self._waiting, []
        try:
            first = self._journal.append([fix for fix, _ in work])
            numbered = [msgspec.structs.replace(fix, id=FixId(first + n)) for n, (fix, _) in enumerate(work)]
            self._on_fixes(numbered)
        except BaseException as error:
            self._stopped = True
            self._stop(error)
            raise
        self.counts["batches"] += 1
        self.counts["taken"] += len(work)
        for _, done in work:
            if not done.done():  # a sender who hung up has cancelled
                done.set_result(None)

    async def _refuse(self, send: Send, status: int, word: str, count: str = "") -> None:
        self.counts[count or word] += 1
        problem = {"type": "about:blank", "title": word.replace("_", " "), "status": status, "reason": word}
        headers = [(b"content-type", b"application/problem+json")]
        if status == 503:
            headers.append((b"retry-after", str(RETRY_AFTER_S).encode()))
        if status == 405:
            headers.append((b"allow", b"GET, POST"))
        await _answer(send, status, msgspec.json.encode(problem), headers)


async def _body(receive: Receive) -> bytes | None:
    """None when it is too long. Raises ConnectionResetError when the sender hung up before its end."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > BODY_BYTES_MAX:
            return None
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


async def _answer(send: Send, status: int, body: bytes, headers: Any) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [length, *headers]})
    await send({"type": "http.response.body", "body": body})
