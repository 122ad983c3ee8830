"""HTTP for devices, spoken directly: between the socket and the intake stands a parser and nothing else.

The same requests and answers as at the web port (`edge.intake`), on a port of their own, for a third of the processor: where
devices report one by one, reading HTTP is what a fix costs most. A connection has one request in hand; what it sends beyond
that is not read before the answer, which is what slows a sender down. Who does not finish a request in time, or sends a
longer one than it may, goes.

Absent on purpose: TLS (it stands in front), pages, request lines without a path (`devices.osmand`).
"""

import asyncio
from http import HTTPStatus
from typing import Any, Final, cast

import httptools

from safetynet.edge.config import HttpPort
from safetynet.edge.intake import Answer, Brought, Intake, Stopped, body_bytes_max

HEAD_BYTES_MAX: Final = 16_384
SLOW_S: Final = 30.0
"""For a request from its first byte to its last, and for the first of a connection."""
IDLE_S: Final = 1_200.0
"""Between two requests of a connection, as at the ports of trackers."""
LOOK_S: Final = 5.0
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_TAKEN: Final = Answer(200, b"")
_PLAIN: Final = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


class Direct:
    """Listens for devices. Refusals are counted in `intake.counts` by their words."""

    def __init__(self, intake: Intake, config: HttpPort, *, slow_s: float = SLOW_S, look_s: float = LOOK_S) -> None:
        self.intake, self._config = intake, config
        self.slow_s, self._look_s = slow_s, look_s
        self.open_: set[_Connection] = set()

    async def open(self, host: str) -> int:
        """Listens from here on; returns the port."""
        running = asyncio.get_running_loop()
        self._failed: asyncio.Future[None] = running.create_future()
        self._server = await running.create_server(
            lambda: _Connection(self), self._config.host or host, self._config.port
        )
        return int(self._server.sockets[0].getsockname()[1])

    async def serve(self) -> None:
        """Until cancelled. A mistake of ours in any connection comes out of here."""
        try:
            while not self._failed.done():
                await asyncio.wait((self._failed,), timeout=self._look_s)
                self._sweep(asyncio.get_running_loop().time())
            self._failed.result()
        finally:
            self._server.close()
            for each in tuple(self.open_):
                each.abort()

    @property
    def connections(self) -> int:
        return len(self.open_)

    @property
    def crowded(self) -> bool:
        return len(self.open_) >= self._config.connections_max

    def failed(self, fault: BaseException) -> None:
        if not self._failed.done():
            self._failed.set_exception(fault)

    def _sweep(self, now: float) -> None:
        for each in tuple(self.open_):
            if each.is_over(now):
                self.intake.counts["line_silent"] += 1
                each.abort()


class _Connection(asyncio.Protocol):
    def __init__(self, door: Direct) -> None:
        self._door, self._intake = door, door.intake
        self._parser: Any = httptools.HttpRequestParser(self)
        self._since = asyncio.get_running_loop().time()
        self._begun = True
        """A request is being read, or the first is waited for."""
        self._doing = False
        self._later = b""
        self._task: asyncio.Task[None] | None = None
        self._clear()

    def _clear(self) -> None:
        self._url, self._size = b"", 0
        self._headers: dict[bytes, bytes] = {}
        self._parts: list[bytes] = []
        self._path, self._query = "", b""
        self._no: Answer | None = None
        self._whole = self._crossed = False
        self._keeps = True

    def is_over(self, now: float) -> bool:
        """Whether it has had its time. Never while it waits for us."""
        return not self._doing and now - self._since > (self._door.slow_s if self._begun else IDLE_S)

    def abort(self) -> None:
        self._transport.abort()

    # --- the connection --------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one without saying so
        if self._door.crowded:
            self._intake.counts["too_many_connections"] += 1
            self._transport.abort()
            return
        self._door.open_.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._door.open_.discard(self)
        if not self._doing and (self._url or self._parts):
            # Half a body may read as another position: nothing of it is taken.
            self._intake.counts["hung_up"] += 1

    def data_received(self, data: bytes) -> None:
        if self._doing:
            self._later += data
            self._transport.pause_reading()
            return
        if not self._begun:
            self._begun, self._since = True, asyncio.get_running_loop().time()
        try:
            self._read(data)
        except Exception as fault:
            self._door.failed(fault)

    def _read(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > HEAD_BYTES_MAX + body_bytes_max(self._path):
            self._end(self._intake.refused(413, "body_too_long"))
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._end(self._intake.refused(400, "malformed"))
            return
        if self._whole:
            self._heard()

    # --- the parser ------------------------------------------------------------------------------------------------

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        try:
            parsed = httptools.parse_url(self._url)
        except httptools.HttpParserInvalidURLError:
            self._no = self._intake.refused(400, "malformed")
            return
        self._path, self._query = (parsed.path or b"").decode("latin-1"), parsed.query or b""
        self._no = self._intake.refuses(self._parser.get_method().decode("latin-1"), self._query)
        if self._headers.get(b"expect", b"").lower() == b"100-continue" and self._no is None:
            self._transport.write(_CONTINUE)

    def on_body(self, part: bytes) -> None:
        self._parts.append(part)

    def on_message_begin(self) -> None:
        # Two in one read: a device waits for its answer, and who does not is no device.
        self._crossed = self._whole

    def on_message_complete(self) -> None:
        self._whole = True
        self._keeps = bool(self._parser.should_keep_alive())

    # --- the answer ------------------------------------------------------------------------------------------------

    def _heard(self) -> None:
        """A request is whole."""
        if self._crossed:
            self._end(self._intake.refused(400, "malformed"))
            return
        body = b"".join(self._parts) if self._parser.get_method() == b"POST" else b""
        got: Answer | Brought
        if self._no is not None:
            got = self._no
        elif len(body) > body_bytes_max(self._path):
            got = self._intake.refused(413, "body_too_long")
        else:
            got = self._intake.hear(self._path, self._query, self._headers, body)
        if isinstance(got, Answer):
            self._say(got)
            return
        self._doing = True
        if got.waits and self._intake.full:
            self._task = asyncio.get_running_loop().create_task(self._wait(got))
        else:
            self._intake.offer(got.fixes).add_done_callback(lambda _: self._taken(got))

    async def _wait(self, got: Brought) -> None:
        try:
            await self._intake.take(got.fixes)
        except Stopped:
            self.abort()  # nobody may be answered any more: the program is ending
            return
        self._taken(got)

    def _taken(self, got: Brought) -> None:
        """On disk. The sender may have gone meanwhile."""
        if self._transport.is_closing():
            return
        try:
            self._say(got.answer())
        except Exception as fault:
            self._door.failed(fault)

    def _say(self, answer: Answer) -> None:
        if not self._keeps:
            self._end(answer)
            return
        self._transport.write(_PLAIN if answer == _TAKEN else _written(answer, b""))
        self._doing = self._begun = False
        self._since = asyncio.get_running_loop().time()
        self._clear()
        if self._later:
            later, self._later = self._later, b""
            self._transport.resume_reading()
            self.data_received(later)

    def _end(self, answer: Answer) -> None:
        self._doing = True  # nothing that follows is read
        self._transport.write(_written(answer, b"connection: close\r\n"))
        self._transport.close()


def _written(answer: Answer, more: bytes) -> bytes:
    phrase = HTTPStatus(answer.status).phrase.encode()
    headers = b"".join(name + b": " + value + b"\r\n" for name, value in answer.headers)
    length = len(answer.body)
    return b"HTTP/1.1 %d %s\r\ncontent-length: %d\r\n%s%s\r\n%s" % (
        answer.status, phrase, length, headers, more, answer.body,
    )  # fmt: skip
