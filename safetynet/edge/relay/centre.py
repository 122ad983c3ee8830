"""The control centre's relay: one WebSocket per window, and the scissors that always work.

A window shows single-use tokens; each admits it to the cameras of one grant until an hour that stands beforehand.
When the loop, the city or the network is dead, what was admitted still ends then; when they live, a cut takes hold
at once. Everything that a window sees is recorded before it leaves: who, under which grant, which stream.

Absent on purpose: any decision. Who may be admitted was decided at the control centre and at the city.
"""

import asyncio
import hashlib
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import msgspec
from websockets.asyncio.server import Server, ServerConnection
from websockets.asyncio.server import serve as serve_windows
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode
from websockets.http11 import Request, Response
from websockets.typing import Origin

from safetynet.core.events import StrangersRefused, StreamClosed, StreamOpened, ViewingRefused
from safetynet.core.terms import CameraId, CentreId, GrantId, IncidentId, Instant, StreamId, ViewerId, Why
from safetynet.edge import clock
from safetynet.edge.codec import NONSENSE
from safetynet.edge.relay import words
from safetynet.edge.relay.credit import Mode, Outlet, Piece
from safetynet.edge.relay.crew import Crew
from safetynet.edge.relay.doorstep import Doorstep, callers
from safetynet.edge.relay.log import LedgerFailedError, Log
from safetynet.edge.relay.uplink import Uplink, Upstream
from safetynet.edge.sources import fmp4

SWEEP_S: Final = 0.1
FIELD_KEY_MS: Final = 2_000
"""How often a picture in the field is new, where the camera does as it is asked."""
CLOSE_S_MAX: Final = 1.0
REOPEN_S_MIN: Final = 0.5
REOPEN_S_MAX: Final = 8.0
WINDOWS_MAX: Final = 256
"""That were let in. Who shows no token is counted apart (`doorstep`) and takes none of their places."""
TILES_PER_WINDOW_MAX: Final = 64
TILE_NUMBER_MAX: Final = 65_535
TOKENS_WAITING_MAX: Final = 10_000
TOKEN_CHARS_MAX: Final = 256
TEXT_BYTES_MAX: Final = 4_096
REFUSALS_PER_WINDOW_MAX: Final = 50
ID_CHARS_MAX: Final = 256
"""Of a grant or camera that a page names: its refusal is recorded, and the record is no place for prose."""
REPLAYS_KEPT_MAX: Final = 10_000
STRANGERS_TOLD_S: Final = 60.0
"""Who shows no token of ours is counted; the log learns the number this often, and no word of theirs."""
STRANGERS_COUNTED_MAX: Final = 1_000_000
TOKEN_WAIT_S_MAX: Final = 0.5
"""How long a token may be at the page before the loop's word of it is here."""
FIRST_HELLO_S_MAX: Final = 10.0
SEND_BUFFER_BYTES: Final = 131_072
NOT_SENT_LOW_BYTES: Final = 32_768
NOBODY: Final = ViewerId("")
PASSING: Final = frozenset(
    {Why.LINK_LOST, Why.CAMERA_LOST, Why.STOPPED, Why.LEASE_RUN_OUT, Why.NO_SUCH_GRANT, Why.DISK_LOW}
)
"""What a tile lives through: while its window is admitted it tries again."""


class Asked(msgspec.Struct, frozen=True):
    """What a page may say."""

    op: str
    token: str = ""
    tile: int = 0
    grant: GrantId = GrantId("")
    camera: CameraId = CameraId("")
    mode: Mode = Mode.FULL


@dataclass(slots=True)
class Admission:
    """One window's leave to watch under one grant. `until` is monotonic; `cameras` moves with the grant."""

    viewer: ViewerId
    incident: IncidentId
    grant: GrantId
    city: CentreId
    cameras: frozenset[CameraId]
    until: Instant
    one_tile: bool = False
    """A telephone in the field: one picture at a time, key frames only, whatever its page asks for."""


class Tile:
    """One picture in one window. A tile outlives its stream when the way to the city breaks and comes back."""

    def __init__(self, window: "Window", number: int, admission: Admission, camera: CameraId) -> None:
        self.window, self.number, self.admission, self.camera = window, number, admission, camera
        self.upstream: Upstream | None = None
        self.outlet = Outlet(self._want_key)
        self._state = ""
        self._init: fmp4.Init | None = None
        self._stream: StreamId | None = None
        self._logged: StreamId | None = None
        self.why: Why | None = None
        self.tries = 0
        self.key_asked = Instant(0)

    def _want_key(self) -> None:
        if self.upstream is not None:
            self.upstream.want_key()

    def offer(self, piece: Piece) -> None:
        self.outlet.offer(piece)

    def opened(self, stream: StreamId) -> None:
        self._stream = stream

    def state(self, word: str, why: Why | None) -> None:
        if word != self._state:
            self._state = word
            self.window.tell({"tile": self.number, "state": word, "why": why.value if why is not None else ""})

    def end(self, why: Why, word: str = "ended") -> None:
        """Cut: from here on no byte leaves for this tile."""
        if self.why is None:
            self.why = why
            self.outlet.close()
            self.state(word, why)

    async def run(self) -> None:
        relay = self.window.relay
        try:
            while (piece := await self.outlet.take()) is not None:
                if self._stream != self._logged:
                    await self._record_change()
                if clock.monotonic() >= self.admission.until:
                    self.end(Why.RUN_OUT)
                if self.outlet.closed:
                    break
                await self._send(piece)
        except LedgerFailedError:
            relay.failed_writes += 1
            self.end(Why.LEDGER_FAILED)
        except ConnectionClosed:
            self.end(self.window.farewell())
        finally:
            self.outlet.close()
            await self._record_end()

    async def _record_change(self) -> None:
        """A viewing is on disk before its first byte leaves; a stream that came after a break is a new viewing."""
        await self._record_end()
        at, admission, stream = clock.now(), self.admission, self._stream
        assert stream is not None, "a piece comes only from an opened stream"
        await self.window.relay.log.write(
            StreamOpened(
                at=at, side="viewed", grant=admission.grant, camera=self.camera, stream=stream, viewer=admission.viewer
            )
        )
        self._logged = stream

    async def _record_end(self) -> None:
        if self._logged is None:
            return
        stream, self._logged = self._logged, None
        closed = StreamClosed(
            at=clock.now(),
            side="viewed",
            grant=self.admission.grant,
            camera=self.camera,
            stream=stream,
            segments=0,
            why=self.why or Why.LINK_LOST,
            viewer=self.admission.viewer,
        )
        try:
            await self.window.relay.log.write(closed)
        except LedgerFailedError:
            self.window.relay.failed_writes += 1

    async def _send(self, piece: Piece) -> None:
        number = self.number.to_bytes(2, "big")
        if piece.init is not self._init:
            self._init = piece.init
            said = {"tile": self.number, "codec": piece.init.codec, "w": piece.init.width, "h": piece.init.height}
            await self.window.socket.send(msgspec.json.encode(said), text=True)
            await self.window.socket.send(number + piece.init.data)
            if self.outlet.closed:
                return  # cut while a slow window took the beginning
        self.tries = 0
        self.state("live", None)
        await self.window.socket.send(number + piece.data)


class Window:
    """One console window: its admissions and its tiles."""

    def __init__(self, relay: "Centre", socket: ServerConnection) -> None:
        self.relay, self.socket = relay, socket
        self.admissions: dict[GrantId, Admission] = {}
        self.tiles: dict[int, Tile] = {}
        self.viewer = NOBODY
        """Known once a token admitted this window: from then on its refusals are recorded, also after a cut."""
        self._texts: asyncio.Queue[bytes] = asyncio.Queue()
        self._refusals = 0
        self._patient = True

    def tell(self, what: dict[str, object]) -> None:
        self._texts.put_nowait(msgspec.json.encode(what))

    async def _speak(self) -> None:
        try:
            while True:
                await self.socket.send(await self._texts.get(), text=True)
        except ConnectionClosed:
            return

    async def run(self) -> None:
        speaking = self.relay.crew.start(self._speak())
        try:
            async for message in self.socket:
                if isinstance(message, bytes):
                    self._acknowledged(message)
                else:
                    await self._asked(message)
                if self._refusals > REFUSALS_PER_WINDOW_MAX:
                    break
        except (ConnectionClosed, ValueError, *NONSENSE):
            self.relay.refused += 1
        except LedgerFailedError:
            self.relay.failed_writes += 1
        finally:
            for tile in tuple(self.tiles.values()):
                self.close(tile.number, self.farewell())
            await asyncio.sleep(0)
            speaking.cancel()

    def farewell(self) -> Why:
        """Why this window is no more: only its own goodbye says that somebody closed it."""
        goodbye = self.socket.close_code in (CloseCode.NORMAL_CLOSURE, CloseCode.GOING_AWAY)
        return Why.VIEWER_LEFT if goodbye else Why.VIEWER_LOST

    def _acknowledged(self, message: bytes) -> None:
        if len(message) != 4:
            raise ValueError("no acknowledgement")
        tile = self.tiles.get(int.from_bytes(message[:2], "big"))
        if tile is not None:
            tile.outlet.acked(int.from_bytes(message[2:], "big"))

    async def _asked(self, text: str) -> None:
        asked = msgspec.json.decode(text, type=Asked)
        match asked.op:
            case "hello":
                await self._hello(asked.token)
            case "open":
                await self._open(asked)
            case "close":
                self.close(asked.tile, Why.VIEWER_LEFT)
            case "mode":
                tile = self.tiles.get(asked.tile)
                if tile is not None:
                    self.relay.set_mode(tile, asked.mode)
            case _:
                raise ValueError("no such op")

    async def _hello(self, token: str) -> None:
        if self._patient:  # a window that showed one token too many is not waited for again
            self._patient = await self.relay.await_token(token)
        admitted = await self.relay.admit_window(token, self.viewer)
        if isinstance(admitted, Why):
            self._refusals += 1
            self.tell({"grant": "", "state": "refused", "why": admitted.value})
            return
        self.viewer = admitted.viewer
        self.relay.doorstep.leave(self.socket)
        self.admissions[admitted.grant] = admitted
        self.tell({"grant": admitted.grant, "state": "admitted", "why": ""})

    async def _open(self, asked: Asked) -> None:
        self.close(asked.tile, Why.MOVED_ON)
        if not 0 <= asked.tile <= TILE_NUMBER_MAX or len(self.tiles) >= TILES_PER_WINDOW_MAX:
            raise ValueError("no such tile")
        if len(asked.grant) > ID_CHARS_MAX or len(asked.camera) > ID_CHARS_MAX:
            raise ValueError("no such grant or camera")
        admission = self.admissions.get(asked.grant)
        if admission is None:
            why: Why | None = Why.NO_SUCH_GRANT
        elif clock.monotonic() >= admission.until:
            why = Why.RUN_OUT
        else:
            why = None if asked.camera in admission.cameras else Why.CAMERA_NOT_GRANTED
            if admission.one_tile and self.tiles:
                why = Why.TOO_MANY_CAMERAS
        if admission is None or why is not None:
            self._refusals += 1
            self.tell({"tile": asked.tile, "state": "refused", "why": (why or Why.NO_SUCH_GRANT).value})
            viewer = admission.viewer if admission is not None else self.viewer
            await self.relay.refuse(asked.grant, asked.camera, viewer, why or Why.NO_SUCH_GRANT)
            return
        tile = self.tiles[asked.tile] = Tile(self, asked.tile, admission, asked.camera)
        if admission.one_tile:
            tile.outlet.set_mode(Mode.KEY)
        tile.state("waiting", None)
        self.relay.crew.start(tile.run())
        self.relay.connect(tile)

    def close(self, number: int, why: Why) -> None:
        tile = self.tiles.pop(number, None)
        if tile is not None:
            tile.end(why)
            self.relay.disconnect(tile)


class Centre:
    """`routes` says where each city's relay is; `peer` names who answered there; `origins` are the console's own.

    `side` is how what comes in is recorded: at a city, whose own people watch, it is another than at a control centre.
    """

    def __init__(
        self,
        log: Log,
        routes: dict[CentreId, tuple[str, int]],
        context: ssl.SSLContext | None,
        peer: Callable[[asyncio.StreamWriter], CentreId | None],
        origins: Sequence[str],
        side: str = "received",
    ) -> None:
        self._side = side
        self.log, self.crew = log, Crew()
        self._tokens: dict[bytes, words.Admit] = {}
        self._windows: set[Window] = set()
        self.doorstep = Doorstep(self._stranger)
        self._upstreams: dict[tuple[GrantId, CameraId], Upstream] = {}
        self._origins = [Origin(each) for each in origins]
        self._ended_grants: dict[GrantId, Instant] = {}
        self.uplinks = {
            city: Uplink(
                city,
                host,
                port,
                context=context,
                peer=peer,
                log=log,
                crew=self.crew,
                ended=self._upstream_ended,
                side=side,
            )
            for city, (host, port) in routes.items()
        }
        self._servers: list[Server] = []
        self.failed_writes = self.refused = 0
        self.strangers = 0
        """Turned away since the log was last told how many."""
        self._replayed: dict[bytes, None] = {}
        self._awaited: dict[bytes, asyncio.Event] = {}
        """Tokens that a page showed before the loop told of them; one for each window at most."""
        self._room = True

    def set_room(self, *, room: bool) -> None:
        """Whether the disk has room for the log of what would be shown. Without it nothing is; with it all comes back."""
        if self._room and not room:
            for upstream in tuple(self._upstreams.values()):
                upstream.end(Why.DISK_LOW)
        self._room = room

    async def open(
        self, host: str, port: int, context: ssl.SSLContext | None, origins: Sequence[str] | None = None
    ) -> int:
        """Listens for windows at /video; returns the port. A second door may have other `origins`."""
        if not self._servers:
            await self.log.close_left_open(clock.now())
            self.crew.start(self._sweep())
            self.crew.start(self._tell_strangers())
        server = await serve_windows(
            self._window,
            host,
            port,
            ssl=context,
            origins=(self._origins if origins is None else [Origin(each) for each in origins]) or None,
            compression=None,
            max_size=TEXT_BYTES_MAX,
            max_queue=64,
            write_limit=SEND_BUFFER_BYTES,
            process_request=self._path,
            server_header=None,
            create_connection=callers(self.doorstep),
            ping_interval=5,
            ping_timeout=10,
            close_timeout=CLOSE_S_MAX,
        )
        self._servers.append(server)
        for each in server.sockets:
            _short_queue(each)
        return int(next(iter(server.sockets)).getsockname()[1])

    async def close(self) -> None:
        for window in tuple(self._windows):
            for number in tuple(window.tiles):
                window.close(number, Why.STOPPED)
        for upstream in tuple(self._upstreams.values()):
            upstream.end(Why.STOPPED)
        for _ in range(50):
            if not self._upstreams:
                break
            await asyncio.sleep(0.02)
        for server in self._servers:
            server.close()
            await server.wait_closed()
        await self._tell_of_strangers()
        await self.crew.close()

    def _path(self, connection: ServerConnection, request: Request) -> Response | None:
        if request.path != "/video":
            return connection.respond(HTTPStatus.NOT_FOUND, "")
        if sum(each.viewer != NOBODY for each in self._windows) >= WINDOWS_MAX:
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "")
        return None

    async def _window(self, socket: ServerConnection) -> None:
        window = Window(self, socket)
        self._windows.add(window)
        asyncio.get_running_loop().call_later(FIRST_HELLO_S_MAX, self._drop_stranger, window)
        try:
            await window.run()
        finally:
            self._windows.discard(window)

    def _drop_stranger(self, window: Window) -> None:
        if window in self._windows and not window.admissions:
            self._stranger()
            window.socket.transport.close()

    # --- words of the loop

    async def take(self, word: words.ToRelay) -> None:
        match word:
            case words.Admit():
                self._admit(word)
            case words.SetCameras():
                self._set_cameras(word.grant, frozenset(word.cameras))
            case words.CutGrant():
                self._ended_grants[word.grant] = clock.monotonic()
                self._cut(lambda each: each.grant == word.grant, word.why)
            case words.CutIncident():
                self._cut(lambda each: each.incident == word.incident, word.why)
            case words.CutViewer():
                self._cut(lambda each: each.viewer == word.viewer, word.why)
            case _:
                raise ValueError("not a word for a centre relay")

    def _admit(self, word: words.Admit) -> None:
        if len(self._tokens) >= TOKENS_WAITING_MAX or word.grant in self._ended_grants:
            self.refused += 1
            return
        self._tokens[word.token_sha256] = word
        if (awaited := self._awaited.get(word.token_sha256)) is not None:
            awaited.set()
        if word.city in self.uplinks:
            self.uplinks[word.city].warm()

    async def await_token(self, token: str) -> bool:
        """Whether this token is known, now or within TOKEN_WAIT_S_MAX: page and loop reach us by two roads, and the
        page's may be the faster one.
        """
        sha256 = hashlib.sha256(token.encode()).digest()
        if sha256 in self._tokens or await self.log.token_used(sha256):
            return True
        awaited = self._awaited.setdefault(sha256, asyncio.Event())
        try:
            async with asyncio.timeout(TOKEN_WAIT_S_MAX):
                await awaited.wait()
        except TimeoutError:
            return False
        finally:
            self._awaited.pop(sha256, None)
        return True

    async def admit_window(self, token: str, viewer: ViewerId = NOBODY) -> Admission | Why:
        """Uses a token up, durably, before it admits anybody. `viewer` is whoever this window is already.

        While the disk is awaited the token waits with the others, where a cut or a change of cameras finds it; what
        stands there afterwards is what counts.
        """
        sha256 = hashlib.sha256(token.encode()).digest()
        shown = self._tokens.get(sha256)
        if shown is None or len(token) > TOKEN_CHARS_MAX or not await self.log.use_token(sha256, clock.now()):
            return await self._not_admitted(sha256, viewer)
        word, left = self._tokens.pop(sha256, None), shown.until_ms - clock.now()
        if left <= 0 or word is None:
            cut = Why.GRANT_ENDED if shown.grant in self._ended_grants else Why.WITHDRAWN
            why = Why.RUN_OUT if left <= 0 else cut
            await self.refuse(shown.grant, CameraId(""), shown.viewer, why)
            return why
        until = Instant(clock.monotonic() + left)
        cameras = frozenset(word.cameras)
        return Admission(word.viewer, word.incident, word.grant, word.city, cameras, until, word.one_tile)

    async def _not_admitted(self, sha256: bytes, viewer: ViewerId) -> Why:
        """A token shown again says that it was passed on: recorded once for each token, then counted like any guess."""
        if not await self.log.token_used(sha256):
            await self.refuse(GrantId(""), CameraId(""), viewer, Why.TOKEN_UNKNOWN)
            return Why.TOKEN_UNKNOWN
        if sha256 in self._replayed:
            self._stranger()
            return Why.TOKEN_USED
        if len(self._replayed) >= REPLAYS_KEPT_MAX:
            del self._replayed[next(iter(self._replayed))]
        self._replayed[sha256] = None
        await self._record_refusal(GrantId(""), CameraId(""), viewer, Why.TOKEN_USED)
        return Why.TOKEN_USED

    def _admissions(self) -> list[tuple[Window, Admission]]:
        return [(window, each) for window in self._windows for each in tuple(window.admissions.values())]

    def _set_cameras(self, grant: GrantId, cameras: frozenset[CameraId]) -> None:
        for sha256, word in tuple(self._tokens.items()):
            if word.grant == grant:
                self._tokens[sha256] = msgspec.structs.replace(word, cameras=tuple(cameras))
        for window, admission in self._admissions():
            if admission.grant != grant:
                continue
            admission.cameras = cameras
            for number, tile in tuple(window.tiles.items()):
                if tile.admission.grant == admission.grant and tile.camera not in cameras:
                    window.close(number, Why.MOVED_ON)

    def _cut(self, concerns: Callable[[Admission | words.Admit], bool], why: Why) -> None:
        """Everything that is admitted under this, and every token that waits for it, is over now."""
        self._tokens = {sha256: word for sha256, word in self._tokens.items() if not concerns(word)}
        for window, admission in self._admissions():
            if not concerns(admission):
                continue
            for number, tile in tuple(window.tiles.items()):
                if tile.admission.grant == admission.grant:
                    window.close(number, why)
            del window.admissions[admission.grant]
            window.tell({"grant": admission.grant, "state": "ended", "why": why.value})

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            now, wall = clock.monotonic(), clock.now()
            self._cut(_over(now), Why.RUN_OUT)
            self._refresh(now)
            self._tokens = {sha256: word for sha256, word in self._tokens.items() if wall < word.until_ms}
            self._ended_grants = {id: at for id, at in self._ended_grants.items() if now < at + 86_400_000}
            used = {word.city for word in self._tokens.values()} | {each.city for _, each in self._admissions()}
            for city, uplink in self.uplinks.items():
                if city not in used:
                    uplink.cool()

    def _refresh(self, now: Instant) -> None:
        """A telephone's picture is made of key frames alone; most cameras make them rarely unless they are asked."""
        for window in self._windows:
            for tile in window.tiles.values():
                if tile.admission.one_tile and tile.upstream is not None and now - tile.key_asked >= FIELD_KEY_MS:
                    tile.key_asked = now
                    tile.upstream.want_key()

    # --- streams

    def connect(self, tile: Tile) -> None:
        """Joins the running stream of this camera under this grant, or opens it."""
        if not self._room:
            self._lost(tile, Why.DISK_LOW)
            return
        place = (tile.admission.grant, tile.camera)
        upstream = self._upstreams.get(place)
        if upstream is None or upstream.why is not None:
            uplink = self.uplinks.get(tile.admission.city)
            if uplink is None:
                tile.end(Why.WRONG_SENDER, "refused")
                return
            upstream = self._upstreams[place] = uplink.open(*place)
        tile.upstream = upstream
        upstream.join(tile)

    def disconnect(self, tile: Tile) -> None:
        """The last tile that leaves closes the stream: nothing is fetched that nobody watches."""
        upstream, tile.upstream = tile.upstream, None
        if upstream is None:
            return
        upstream.takers.discard(tile)
        if not upstream.takers:
            upstream.end(tile.why or Why.VIEWER_LEFT)

    @property
    def streams_open(self) -> int:
        return len(self._upstreams)

    def set_mode(self, tile: Tile, mode: Mode) -> None:
        """A paused tile takes nothing, so the stream behind it ends unless another tile shows it."""
        if tile.admission.one_tile and mode is Mode.FULL:
            mode = Mode.KEY
        before = tile.outlet.mode
        tile.outlet.set_mode(mode)
        if mode is Mode.PAUSED:
            self.disconnect(tile)
            tile.state("waiting", None)
        elif tile.upstream is None:
            self.connect(tile)
        elif before is not mode:
            tile.outlet.restart(tuple(tile.upstream.cache))

    def _upstream_ended(self, upstream: Upstream) -> None:
        place = (upstream.grant, upstream.camera)
        if self._upstreams.get(place) is upstream:
            del self._upstreams[place]
        why = upstream.why or Why.LINK_LOST
        for taker in tuple(upstream.takers):
            assert isinstance(taker, Tile)
            upstream.takers.discard(taker)
            taker.upstream = None
            if why in PASSING:
                self._lost(taker, why)
            else:
                taker.window.close(taker.number, why)

    def _lost(self, tile: Tile, why: Why) -> None:
        tile.state("lost", why)
        wait_s = min(REOPEN_S_MAX, REOPEN_S_MIN * 2**tile.tries)
        tile.tries = min(tile.tries + 1, 8)
        asyncio.get_running_loop().call_later(wait_s, self._again, tile)

    def _again(self, tile: Tile) -> None:
        """The way to the city broke, or its lease has not come yet; while the window is admitted it is tried again."""
        alive = tile.window in self._windows and tile.window.tiles.get(tile.number) is tile and tile.why is None
        if alive and tile.upstream is None and tile.outlet.mode is not Mode.PAUSED:
            self.connect(tile)

    async def refuse(self, grant: GrantId, camera: CameraId, viewer: ViewerId, why: Why) -> None:
        """A no to an admitted viewer is recorded. A stranger is only counted: what he says would fill the log."""
        if viewer == NOBODY:
            self._stranger()
        else:
            await self._record_refusal(grant, camera, viewer, why)

    def _stranger(self) -> None:
        self.refused += 1
        self.strangers = min(self.strangers + 1, STRANGERS_COUNTED_MAX)

    async def _tell_strangers(self) -> None:
        while True:
            await asyncio.sleep(STRANGERS_TOLD_S)
            await self._tell_of_strangers()

    async def _tell_of_strangers(self) -> None:
        count, self.strangers = self.strangers, 0
        if not count:
            return
        try:
            await self.log.write(StrangersRefused(at=clock.now(), side=self._side, count=count))
        except LedgerFailedError:
            self.failed_writes += 1
            self.strangers = min(self.strangers + count, STRANGERS_COUNTED_MAX)

    async def _record_refusal(self, grant: GrantId, camera: CameraId, viewer: ViewerId, why: Why) -> None:
        self.refused += 1
        await self.log.write(
            ViewingRefused(at=clock.now(), side=self._side, grant=grant, camera=camera, viewer=viewer, why=why)
        )


def _over(now: Instant) -> Callable[[Admission | words.Admit], bool]:
    return lambda each: isinstance(each, Admission) and now >= each.until


def _short_queue(listening: socket.socket) -> None:
    """Little waits in the kernel: accepted sockets inherit this, and credit then sees the road as it is."""
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    if hasattr(socket, "TCP_NOTSENT_LOWAT"):
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, NOT_SENT_LOW_BYTES)
