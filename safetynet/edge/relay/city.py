"""The city's relay: pulls a camera while a signed lease lasts and gives its pictures to the centre it was granted to.

It lives on while its city's loop is dead, but never longer than the leases it holds (10 s). Before the first byte of
a stream leaves, `StreamOpened` is on disk; before the first byte of a segment, the segment before it. A camera may be
opened ahead of a grant (pre-connection); nothing of that is delivered but a key frame that carries the mark.

Absent on purpose: who watches (a city learns a nonce) and any way to open a camera without a `Ticket`.
"""

import asyncio
import ssl
from collections.abc import Callable
from typing import Final

import msgspec

from safetynet.core.events import CameraPreconnected, RelayEvent, StreamClosed, StreamOpened, ViewingRefused
from safetynet.core.grants import Refused, Ticket
from safetynet.core.terms import CameraId, CentreId, GrantId, Instant, RequestId, ViewerId, Why
from safetynet.edge import clock
from safetynet.edge.codec import NONSENSE
from safetynet.edge.relay import words
from safetynet.edge.relay.credit import Outlet, Piece
from safetynet.edge.relay.crew import Crew
from safetynet.edge.relay.leases import Leases
from safetynet.edge.relay.log import LedgerFailedError, Log
from safetynet.edge.relay.segments import Tally
from safetynet.edge.relay.words import Kind, Line
from safetynet.edge.sources import fmp4
from safetynet.edge.sources.rtsp import Source

SWEEP_S: Final = 0.1
LINGER_S: Final = 5.0
FRESH_KEY_S_MAX: Final = 0.5
CACHE_BYTES_MAX: Final = 16 * 1_048_576
CACHE_PIECES_MAX: Final = 900
STREAMS_MAX: Final = 1_000
LINES_MAX: Final = 64
CHANNELS_PER_LINE_MAX: Final = 256
REFUSALS_PER_LINE_MAX: Final = 1_000
PRECONNECT_MS_MAX: Final = 120_000

Who = Callable[[asyncio.StreamWriter], CentreId | None]


class Stream:
    """One camera, opened once however many receive it. Keeps the pictures since the last key frame."""

    def __init__(self, camera: CameraId, url: str, crew: Crew, gone: Callable[["Stream"], None]) -> None:
        self.camera, self.url, self.takers = camera, url, set["Delivery"]()
        self.preconnected: dict[RequestId, Instant] = {}
        self.cache: list[Piece] = []
        self._packager, self._cache_bytes, self._gone = fmp4.Packager(), 0, gone
        self._source = Source(url, self._unit, self._began, self._lost)
        self._task = crew.start(self._source.run())
        self._linger: asyncio.TimerHandle | None = None
        self.lost = False

    def want_key(self) -> None:
        self._source.want_key()

    def _began(self, sets: tuple[bytes, ...]) -> None:
        self._packager.restart()
        self._packager.learn(sets)

    def _lost(self, why: str) -> None:
        self.lost = True
        self.cache.clear()
        for taker in self.takers:
            taker.camera_state(lost=True)

    def _unit(self, unit: fmp4.AccessUnit) -> None:
        made = self._packager.take(unit, clock.now())
        if made is None or self._packager.init is None:
            return
        _, fragment = made
        piece = Piece(fragment.data, fragment.key, fragment.ticks, clock.monotonic(), self._packager.init)
        if self.lost:
            self.lost = False
            for taker in self.takers:
                taker.camera_state(lost=False)
        if piece.key:
            self.cache, self._cache_bytes = [piece], len(piece.data)
        elif self.cache:
            self.cache.append(piece)
            self._cache_bytes += len(piece.data)
            if self._cache_bytes > CACHE_BYTES_MAX or len(self.cache) > CACHE_PIECES_MAX:
                self.cache.clear()  # a camera that never sends key frames: joiners wait for the next one
        for taker in self.takers:
            taker.outlet.offer(piece)

    def join(self, ticket: Ticket, delivery: "Delivery") -> None:
        """The only way to a camera's pictures: with a ticket for it."""
        assert ticket.camera == self.camera, "a ticket opens its own camera only"
        self._hold()
        self.takers.add(delivery)

    def _hold(self) -> None:
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None

    def preconnect(self, request: RequestId, until: Instant) -> None:
        self._hold()
        self.preconnected[request] = until

    def leave(self, delivery: "Delivery") -> None:
        self.takers.discard(delivery)

    def release(self, *, linger: bool) -> None:
        """Closes the camera when nobody needs it: at once when a grant ended, else after LINGER_S."""
        if self.takers or self.preconnected or (self._linger is not None and linger):
            return
        if linger:
            self._linger = asyncio.get_running_loop().call_later(LINGER_S, self._close_if_idle)
        else:
            self.close()

    def _close_if_idle(self) -> None:
        if not self.takers and not self.preconnected:
            self.close()

    def close(self) -> None:
        self._hold()
        self._task.cancel()
        self._gone(self)


class Delivery:
    """One stream of one camera under one grant to one centre, from its opening to its closing record."""

    def __init__(self, city: "City", line: Line, channel: int, peer: CentreId, ticket: Ticket, stream: Stream) -> None:
        self._city, self._line, self._channel, self.peer, self.ticket, self.source = (
            city,
            line,
            channel,
            peer,
            ticket,
            stream,
        )
        self.stream = city.log.stream_id(ticket.grant, ticket.camera)
        self.outlet = Outlet(stream.want_key)
        self._granted = city.leases.granted(ticket.grant)
        self._side = "own" if peer == city.own else "given"
        self._tally = Tally(self._side, ticket.grant, ticket.camera, self.stream)
        self._init: fmp4.Init | None = None
        self._begun = False
        self.why: Why | None = None

    def camera_state(self, *, lost: bool) -> None:
        self._line.say(Kind.CAMERA, self._channel, words.CameraState(lost))

    def end(self, why: Why) -> None:
        """Cut: from here on no byte leaves. The closing record follows by itself."""
        if self.why is None:
            self.why = why
        self.outlet.close()

    async def run(self) -> None:
        try:
            await self._deliver()
            await self._finish()
        except LedgerFailedError:
            self._city.failed_writes += 1
            self.end(Why.LEDGER_FAILED)
            self._line.say(Kind.ENDED, self._channel, words.Ending(Why.LEDGER_FAILED))
        finally:
            self.outlet.close()
            self._city.ended(self)

    async def _deliver(self) -> None:
        ticket = self.ticket
        await self._city.log.write(
            StreamOpened(
                at=clock.now(),
                side=self._side,
                grant=ticket.grant,
                camera=ticket.camera,
                stream=self.stream,
                viewer=ticket.viewer,
            )
        )
        self._line.say(Kind.OPENED, self._channel, words.Opened(self.stream))
        self._begin()
        while (piece := await self.outlet.take()) is not None:
            if self._tally.full_before(piece.ticks, key=piece.key):
                await self._seal()
            self._city.judge(self)
            if self.outlet.closed:
                break
            self._send(piece)
            if self._tally.full_after(fmp4.duration_of(piece.data)):
                await self._seal()

    def _begin(self) -> None:
        """From a key frame made after the grant; failing that within FRESH_KEY_S_MAX, from the cached one."""
        cache = self.source.cache
        if cache and cache[0].made >= self._granted:
            self.outlet.restart(tuple(cache))
            return
        self.source.want_key()
        asyncio.get_running_loop().call_later(FRESH_KEY_S_MAX, self._fall_back)

    def _fall_back(self) -> None:
        if not self._begun and not self.outlet.closed and self.source.cache:
            self.outlet.restart(tuple(self.source.cache))

    def _send(self, piece: Piece) -> None:
        self._begun = True
        if piece.init is not self._init:
            self._init = piece.init
            said = words.CodecOf(piece.init.codec, piece.init.width, piece.init.height, piece.init.data)
            self._line.say(Kind.INIT, self._channel, said)
        self._tally.add(piece.data, piece.ticks, pre_grant=piece.made < self._granted)
        self._line.send(Kind.FRAGMENT, self._channel, piece.data)

    async def _seal(self) -> None:
        segment = self._tally.close(clock.now())
        await self._city.log.write(segment)
        self._line.say(
            Kind.SEGMENT_END, self._channel, words.SegmentEnd(segment.seq, segment.sha256, segment.pre_grant)
        )

    async def _finish(self) -> None:
        if not self._tally.empty:
            await self._seal()
        why = self.why or Why.STOPPED
        closed = StreamClosed(
            at=clock.now(),
            side=self._side,
            grant=self.ticket.grant,
            camera=self.ticket.camera,
            stream=self.stream,
            segments=self._tally.closed,
            why=why,
            viewer=self.ticket.viewer,
        )
        await self._city.log.write(closed)
        self._line.say(Kind.ENDED, self._channel, words.Ending(why))


class City:
    """`public` is the key of the city that signs leases; `who` names the centre at the other end of a connection.

    `own` is this city: what its own windows are shown is recorded as its own viewing, not as provided.
    """

    def __init__(self, log: Log, public: bytes, who: Who, own: CentreId | None = None) -> None:
        self.own = own
        self.log, self.leases, self.crew = log, Leases(public), Crew()
        self._who, self._streams, self._deliveries = who, dict[CameraId, Stream](), set[Delivery]()
        self._lines: set[Line] = set()
        self._server: asyncio.Server | None = None
        self.failed_writes = self.refused = 0
        self._room = True

    def set_room(self, *, room: bool) -> None:
        """Whether the disk has room for the log of what would be delivered. Without it nothing is."""
        if self._room and not room:
            for delivery in tuple(self._deliveries):
                delivery.end(Why.DISK_LOW)
            for stream in tuple(self._streams.values()):
                stream.preconnected.clear()
                stream.release(linger=False)
        self._room = room

    async def open(self, host: str, port: int, context: ssl.SSLContext | None) -> int:
        """Starts to listen and to sweep; returns the port. Without a context only tests and benchmarks do so."""
        await self.log.close_left_open(clock.now())
        self._server = await asyncio.start_server(self._serve, host, port, ssl=context)
        self.crew.start(self._sweep())
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Ends every stream with its record, then everything else."""
        if self._server is not None:
            self._server.close()
        for delivery in tuple(self._deliveries):
            delivery.end(Why.STOPPED)
        for _ in range(100):
            if not self._deliveries:
                break
            await asyncio.sleep(0.02)
        for line in tuple(self._lines):
            line.close()
        for stream in tuple(self._streams.values()):
            stream.close()
        await self.crew.close()

    # --- words of the loop

    async def take(self, word: words.ToRelay) -> None:
        match word:
            case words.SetLease():
                await self._lease(word)
            case words.EndGrant():
                self.leases.end(word.grant, word.why)
                self._judge_all()
            case words.Preconnect():
                await self._preconnect(word)
            case words.EndPreconnect():
                self._end_preconnect(word.request)
            case _:
                raise ValueError("not a word for a city relay")

    async def _lease(self, word: words.SetLease) -> None:
        refused = self.leases.accept(word)
        if refused is not None:
            await self._refuse(word.grant, CameraId(""), ViewerId(""), refused.why)
            return
        for camera in word.cameras:
            stream = self._streams.get(camera)
            if stream is not None and stream.url != word.urls.get(camera, stream.url):
                self._move(stream, word.urls[camera])
        self._judge_all()

    def _move(self, stream: Stream, url: str) -> None:
        """The registry says that the camera is elsewhere: whoever watches is cut and may open anew."""
        for delivery in tuple(stream.takers):
            delivery.end(Why.CAMERA_LOST)
        stream.close()

    async def _preconnect(self, word: words.Preconnect) -> None:
        if not self._room:
            return
        until = Instant(clock.monotonic() + min(word.for_ms, PRECONNECT_MS_MAX))
        events: list[RelayEvent] = []
        ready: list[tuple[CameraId, str]] = []
        for camera in word.cameras:
            url = word.urls.get(camera)
            if url is not None and len(self._streams) + len(ready) < STREAMS_MAX:
                events.append(CameraPreconnected(at=clock.now(), request=word.request, camera=camera))
                ready.append((camera, url))
        try:
            await self.log.write(*events)
        except LedgerFailedError:
            self.failed_writes += 1
            return
        for camera, url in ready:
            self._stream(camera, url).preconnect(word.request, until)

    def _end_preconnect(self, request: RequestId) -> None:
        for stream in tuple(self._streams.values()):
            if stream.preconnected.pop(request, None) is not None:
                stream.release(linger=self.leases.url(stream.camera) is not None)

    # --- cameras

    def _stream(self, camera: CameraId, url: str) -> Stream:
        stream = self._streams.get(camera)
        if stream is None:
            stream = self._streams[camera] = Stream(camera, url, self.crew, self._gone)
        return stream

    def _gone(self, stream: Stream) -> None:
        if self._streams.get(stream.camera) is stream:
            del self._streams[stream.camera]

    @property
    def cameras_open(self) -> int:
        return len(self._streams)

    @property
    def streams_open(self) -> int:
        return len(self._deliveries)

    def watching(self, camera: CameraId) -> bool:
        """Whether anything of that camera is being delivered."""
        return any(each.ticket.camera == camera for each in self._deliveries)

    # --- judging what runs

    def judge(self, delivery: Delivery) -> None:
        """Ends a delivery whose grant no longer bears it. Asked before every picture and ten times a second."""
        ticket = delivery.ticket
        match self.leases.view(ticket.grant, ticket.camera, ticket.viewer, delivery.peer):
            case Refused(Why.CAMERA_NOT_GRANTED):
                delivery.end(Why.MOVED_ON)
            case Refused(Why.GRANT_ENDED):
                delivery.end(self.leases.why_ended(ticket.grant))
            case Refused(why):
                delivery.end(why)
            case Ticket():
                return

    def _judge_all(self) -> None:
        for delivery in tuple(self._deliveries):
            self.judge(delivery)

    def ended(self, delivery: Delivery) -> None:
        self._deliveries.discard(delivery)
        delivery.source.leave(delivery)
        delivery.source.release(linger=self.leases.url(delivery.ticket.camera) is not None)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            self._judge_all()
            now = clock.monotonic()
            for stream in tuple(self._streams.values()):
                over = [request for request, until in stream.preconnected.items() if now >= until]
                for request in over:
                    del stream.preconnected[request]
                if over or self.leases.url(stream.camera) is None:
                    stream.release(linger=False)
            self.leases.tidy()

    # --- centres

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer, line, channels = self._who(writer), Line(reader, writer), dict[int, Delivery]()
        if peer is None or len(self._lines) >= LINES_MAX:
            self.refused += 1
            writer.close()
            return
        self._lines.add(line)
        refusals = 0
        try:
            while True:
                kind, channel, payload = await line.read()
                match kind:
                    case Kind.OPEN:
                        refusals += not await self._open(line, channel, peer, payload, channels)
                        if refusals > REFUSALS_PER_LINE_MAX:
                            raise ValueError("too many refusals")
                    case Kind.ACK if channel in channels and len(payload) == 2:
                        channels[channel].outlet.acked(int.from_bytes(payload, "big"))
                    case Kind.CLOSE if channel in channels:
                        lost = payload and msgspec.msgpack.decode(payload, type=words.Ending).why is Why.VIEWER_LOST
                        channels.pop(channel).end(Why.VIEWER_LOST if lost else Why.VIEWER_LEFT)
                    case Kind.WANT_KEY if channel in channels:
                        channels[channel].source.want_key()
                    case Kind.ACK | Kind.CLOSE | Kind.WANT_KEY:
                        continue  # about a stream that has just ended
                    case _:
                        raise ValueError("unknown kind of frame")
        except (ValueError, *NONSENSE):
            self.refused += 1
        except (OSError, asyncio.IncompleteReadError):
            pass  # the centre is gone; its streams end below with the reason
        finally:
            self._lines.discard(line)
            for delivery in channels.values():
                delivery.end(Why.LINK_LOST)
            writer.close()

    async def _open(
        self, line: Line, channel: int, peer: CentreId, payload: bytes, channels: dict[int, Delivery]
    ) -> bool:
        asked = msgspec.msgpack.decode(payload, type=words.Open)
        if max(len(asked.grant), len(asked.camera), len(asked.viewer)) > words.ID_CHARS_MAX:
            raise ValueError("no such grant, camera or viewer")
        if channel in channels and channels[channel].why is None:
            raise ValueError("channel in use")
        for number in [number for number, each in channels.items() if each.why is not None]:
            del channels[number]
        answer = self.leases.view(asked.grant, asked.camera, asked.viewer, peer)
        url = self.leases.url(asked.camera)
        if isinstance(answer, Ticket) and (
            url is None or len(channels) >= CHANNELS_PER_LINE_MAX or self._crowded(asked.camera)
        ):
            answer = Refused(Why.NO_CAMERA)
        if not self._room:
            answer = Refused(Why.DISK_LOW)
        if isinstance(answer, Refused) or url is None:
            why = answer.why if isinstance(answer, Refused) else Why.NO_CAMERA
            await self._refuse(asked.grant, asked.camera, asked.viewer, why)
            line.say(Kind.REFUSED, channel, words.Ending(why))
            return False
        stream = self._stream(asked.camera, url)
        delivery = channels[channel] = Delivery(self, line, channel, peer, answer, stream)
        stream.join(answer, delivery)
        self._deliveries.add(delivery)
        self.crew.start(delivery.run())
        return True

    def _crowded(self, camera: CameraId) -> bool:
        return camera not in self._streams and len(self._streams) >= STREAMS_MAX

    async def _refuse(self, grant: GrantId, camera: CameraId, viewer: ViewerId, why: Why) -> None:
        self.refused += 1
        try:
            await self.log.write(
                ViewingRefused(at=clock.now(), side="given", grant=grant, camera=camera, viewer=viewer, why=why)
            )
        except LedgerFailedError:
            self.failed_writes += 1
