"""The centre relay's side of the road to the cities: one connection per city, one stream per (grant, camera).

A stream that comes in is hashed here too, compared with what the city says it gave, and recorded as received; the
first byte of a segment goes on to a window only when the segment before it is on disk.
"""

import asyncio
import ssl
import zlib
from collections.abc import Callable
from typing import Final, Protocol

import msgspec

from safetynet.core.events import StreamClosed, StreamOpened
from safetynet.core.terms import CameraId, CentreId, GrantId, StreamId, ViewerId, Why
from safetynet.edge import clock
from safetynet.edge.codec import NONSENSE
from safetynet.edge.relay import words
from safetynet.edge.relay.credit import Piece
from safetynet.edge.relay.crew import Crew
from safetynet.edge.relay.log import LedgerFailedError, Log
from safetynet.edge.relay.segments import Tally
from safetynet.edge.relay.words import Kind, Line
from safetynet.edge.sources import fmp4

CONNECT_S_MAX: Final = 3.0
DRAIN_S_MAX: Final = 1.0
BACK_OFF_S_MIN: Final = 0.2
BACK_OFF_S_MAX: Final = 5.0
INBOX_BYTES_MAX: Final = 32 * 1_048_576
CACHE_BYTES_MAX: Final = 16 * 1_048_576
CACHE_PIECES_MAX: Final = 900
INIT_BYTES_MAX: Final = 65_536

Peer = Callable[[asyncio.StreamWriter], CentreId | None]


class Taker(Protocol):
    """A tile of a window, as an upstream sees it."""

    def offer(self, piece: Piece) -> None: ...

    def opened(self, stream: StreamId) -> None: ...

    def state(self, word: str, why: Why | None) -> None: ...


class Upstream:
    """One camera under one grant, as it comes from a city, fanned out to every tile that shows it."""

    def __init__(self, uplink: "Uplink", grant: GrantId, camera: CameraId, log: Log) -> None:
        self.grant, self.camera, self.takers = grant, camera, set[Taker]()
        self.cache: list[Piece] = []
        self.stream: StreamId | None = None
        self.why: Why | None = None
        self._uplink, self._log, self._side, self._cache_bytes = uplink, log, uplink.side, 0
        self._inbox: asyncio.Queue[tuple[int, bytes] | None] = asyncio.Queue()
        self._inbox_bytes = 0
        self._tally: Tally | None = None
        self._init: fmp4.Init | None = None
        self.channel: int | None = None
        self._lied = False
        self._last_word = False
        """The city has said that this stream is over: nothing of it is on the road any more."""

    def join(self, taker: Taker) -> None:
        self.takers.add(taker)
        if self.stream is not None:
            taker.opened(self.stream)
        for piece in self.cache:
            taker.offer(piece)

    def want_key(self) -> None:
        if self.channel is not None:
            self._uplink.send(Kind.WANT_KEY, self.channel)

    def arrive(self, kind: int, payload: bytes) -> None:
        """Called by the reader of the connection; never blocks. Raises ValueError when the city sends past its credit."""
        self._inbox_bytes += len(payload)
        if self._inbox_bytes > INBOX_BYTES_MAX:
            raise ValueError("a city sends past its credit")
        self._inbox.put_nowait((kind, payload))

    def end(self, why: Why) -> None:
        """Cut: nothing goes on to a window from here on. What is on the road is still counted, see `run`."""
        if self.why is not None:
            return
        self.why = why
        self.cache.clear()
        if self.channel is None or why is Why.LINK_LOST:
            self._inbox.put_nowait(None)
            return
        lost = msgspec.msgpack.encode(words.Ending(why)) if why is Why.VIEWER_LOST else b""
        self._uplink.send(Kind.CLOSE, self.channel, lost)
        asyncio.get_running_loop().call_later(DRAIN_S_MAX, self._inbox.put_nowait, None)

    async def run(self) -> None:
        """Until it is cut, refused, or its city is lost; then the closing record.

        After a cut what the city had already sent is still hashed, up to its last word, so that the giving and the
        receiving record of the last segment agree; a city that stays silent is waited for DRAIN_S_MAX.
        """
        try:
            while (each := await self._inbox.get()) is not None:
                self._inbox_bytes -= len(each[1])
                await self._take(*each)
            await self._finish(cut=not self._last_word and not self._lied)
        except LedgerFailedError:
            self._uplink.failed_writes += 1
            self.end(Why.LEDGER_FAILED)
        except (ValueError, *NONSENSE):
            self._uplink.refused += 1
            self.end(Why.STALE)
            await self._finish_quietly()
        finally:
            self._uplink.over(self)

    async def _finish_quietly(self) -> None:
        try:
            await self._finish(cut=False)  # what a city says wrongly is no broken road
        except LedgerFailedError:
            self._uplink.failed_writes += 1

    async def _take(self, kind: int, payload: bytes) -> None:
        match kind:
            case Kind.OPENED:
                await self._opened(msgspec.msgpack.decode(payload, type=words.Opened).stream)
            case Kind.INIT:
                of = msgspec.msgpack.decode(payload, type=words.CodecOf)
                if len(of.init) > INIT_BYTES_MAX or of.init[4:8] != b"ftyp" or len(of.codec) > 64:
                    raise ValueError("no init segment")
                self._init = fmp4.Init(of.init, of.codec, of.width, of.height)
            case Kind.FRAGMENT:
                self._fragment(payload)
            case Kind.SEGMENT_END:
                await self._segment_end(msgspec.msgpack.decode(payload, type=words.SegmentEnd))
            case Kind.CAMERA:
                lost = msgspec.msgpack.decode(payload, type=words.CameraState).lost
                for taker in self.takers:
                    taker.state("lost" if lost else "waiting", Why.CAMERA_LOST if lost else None)
            case Kind.ENDED | Kind.REFUSED:
                said = msgspec.msgpack.decode(payload, type=words.Ending)
                self._last_word = True
                self.why = self.why or said.why
                self._inbox.put_nowait(None)
            case _:
                raise ValueError("unknown kind of frame")

    async def _opened(self, stream: StreamId) -> None:
        if self._tally is not None:
            raise ValueError("opened twice")
        if len(stream) > words.STREAM_CHARS_MAX:
            raise ValueError("no name of a stream")
        await self._log.write(
            StreamOpened(at=clock.now(), side=self._side, grant=self.grant, camera=self.camera, stream=stream)
        )
        self.stream, self._tally = stream, Tally(self._side, self.grant, self.camera, stream)
        for taker in self.takers:
            taker.opened(stream)

    def _fragment(self, data: bytes) -> None:
        if self._tally is None or self._init is None or not fmp4.well_formed(data):
            raise ValueError("not a fragment")
        key, ticks = fmp4.is_key(data), fmp4.ticks_of(data)
        self._tally.add(data, ticks, pre_grant=False)
        if self.channel is not None:
            self._uplink.send(Kind.ACK, self.channel, b"\0\1")
        if self.why is not None:
            return
        piece = Piece(data, key, ticks, clock.monotonic(), self._init)
        if key:
            self.cache, self._cache_bytes = [piece], len(data)
        elif self.cache:
            self.cache.append(piece)
            self._cache_bytes += len(data)
            if self._cache_bytes > CACHE_BYTES_MAX or len(self.cache) > CACHE_PIECES_MAX:
                self.cache.clear()
        for taker in self.takers:
            taker.offer(piece)

    async def _segment_end(self, said: words.SegmentEnd) -> None:
        """Records what came; a city that says it gave something else is not watched any further.

        What it had sent before it heard of the end is still recorded, for the comparison of the ledgers; the stream
        counts as one mismatch, however many of its segments are on the road.
        """
        if self._tally is None or self._tally.empty:
            raise ValueError("an empty segment")
        made = self._tally.close(clock.now(), pre_grant=said.pre_grant)
        await self._log.write(made)
        if made.sha256 != said.sha256 or made.seq != said.seq:
            self._uplink.mismatches += not self._lied
            self._lied = True
            self.end(Why.LEDGER_FAILED)

    async def _finish(self, *, cut: bool) -> None:
        """`cut`: the road broke, or stayed silent, before the city had said what it gave last."""
        if self._tally is None or self.stream is None:
            return
        if not self._tally.empty:
            await self._log.write(self._tally.close(clock.now()))
        closed = StreamClosed(
            at=clock.now(),
            side=self._side,
            grant=self.grant,
            camera=self.camera,
            stream=self.stream,
            segments=self._tally.closed,
            why=self.why or Why.STOPPED,
            cut=cut,
        )
        await self._log.write(closed)


class Uplink:
    """The connection to one city's relay. Connects while somebody is admitted; `ended` hears of each upstream's end."""

    def __init__(
        self,
        city: CentreId,
        host: str,
        port: int,
        *,
        context: ssl.SSLContext | None,
        peer: Peer,
        log: Log,
        crew: Crew,
        ended: Callable[[Upstream], None],
        side: str = "received",
    ) -> None:
        self.side = side
        self.city, self._host, self._port, self._context, self._peer = city, host, port, context, peer
        self._log, self._crew, self._ended = log, crew, ended
        self._line: Line | None = None
        self._channels: dict[int, Upstream] = {}
        self._last_channel = 0
        self._task: asyncio.Task[None] | None = None
        self._waiting: list[Upstream] = []
        self.failed_writes = self.refused = self.failures = 0
        self.mismatches = 0
        """Streams that were something else than the city said."""

    @property
    def up(self) -> bool:
        return self._line is not None

    def warm(self) -> None:
        """Connects now, so that the first picture does not wait for a handshake."""
        if self._task is None:
            self._task = self._crew.start(self._run())

    def cool(self) -> None:
        """Nobody is admitted any more."""
        if self._task is not None and not self._channels and not self._waiting:
            self._task.cancel()
            self._task = None

    def open(self, grant: GrantId, camera: CameraId) -> Upstream:
        upstream = Upstream(self, grant, camera, self._log)
        self._crew.start(upstream.run())
        self.warm()
        if self._line is None:
            self._waiting.append(upstream)
        else:
            self._ask(upstream)
        return upstream

    def _ask(self, upstream: Upstream) -> None:
        while (self._last_channel in self._channels) or not self._last_channel:
            self._last_channel = (self._last_channel + 1) % 65_536
        upstream.channel = self._last_channel
        self._channels[upstream.channel] = upstream
        nonce = ViewerId(f"{zlib.crc32(f'{upstream.grant}/{upstream.camera}'.encode()):08x}")
        asked = words.Open(upstream.grant, upstream.camera, nonce)
        assert self._line is not None
        self._line.say(Kind.OPEN, upstream.channel, asked)

    def send(self, kind: Kind, channel: int, payload: bytes = b"") -> None:
        if self._line is not None:
            self._line.send(kind, channel, payload)

    def over(self, upstream: Upstream) -> None:
        """An upstream has written its closing record, or failed to."""
        if upstream.channel is not None and self._channels.get(upstream.channel) is upstream:
            del self._channels[upstream.channel]
        if upstream in self._waiting:
            self._waiting.remove(upstream)
        self._ended(upstream)

    async def _run(self) -> None:
        while True:
            try:
                await self._once()
            except (OSError, ValueError, asyncio.IncompleteReadError, *NONSENSE):
                self.failures += 1
            finally:
                self._drop()
            base = min(BACK_OFF_S_MAX, BACK_OFF_S_MIN * 2 ** min(self.failures, 8))
            await asyncio.sleep(base * (0.75 + zlib.crc32(f"{self.city}{self.failures}".encode()) / 2**33))

    def _drop(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.close()
        for upstream in tuple(self._channels.values()):
            upstream.end(Why.LINK_LOST)

    async def _once(self) -> None:
        async with asyncio.timeout(CONNECT_S_MAX):
            name = self._host if self._context is not None else None
            reader, writer = await asyncio.open_connection(
                self._host, self._port, ssl=self._context, server_hostname=name
            )
        if self._peer(writer) != self.city:
            writer.close()
            raise ValueError("somebody else answers")
        line = self._line = Line(reader, writer)
        waiting, self._waiting = self._waiting, []
        for upstream in waiting:
            self._ask(upstream)
        while True:
            kind, channel, payload = await line.read()
            self.failures = 0
            if channel in self._channels:
                self._channels[channel].arrive(kind, payload)
