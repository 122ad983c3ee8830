"""What the pages' side of every program has in common: sign-in, the map's files, the door for windows, the server.

A program says which pages it has and for which roles (`Site.pages`). Who may see what is decided by the session's
role and, for every act, by the mind. Absent on purpose: what a window shows and does.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket

from safetynet.app import surface, windows
from safetynet.edge import auth, health, keys, process
from safetynet.edge.auth import Locked, Session, Sessions
from safetynet.edge.codec import NONSENSE
from safetynet.edge.config import Centre, Phones
from safetynet.edge.web import Files

BODY_BYTES_MAX: Final = 4_096
SHOW_S: Final = 0.04
"""Screens are brought up to date at once, then at most this often."""
SHARE: Final = 4
"""Making them costs at most a fifth of the loop's time, however much there is to see: devices and alarms go first."""
SHOW_S_MAX: Final = 0.8
"""And no screen is older than this because of it."""
MAP_FILES: Final[Mapping[str, str]] = {"base": "base.geojson", "cameras": "cameras.json"}


class Program(windows.Desk, Protocol):
    """What the pages need of a program."""

    folder: Path
    centre: Centre
    sessions: Sessions

    def cut_signed_out(self) -> None: ...
    def fail(self, fault: Exception) -> None: ...


class Screens:
    """Brings every window up to date: at once, then at most every SHOW_S, and no more of the time than one in SHARE."""

    def __init__(self, show: Callable[[], None]) -> None:
        self._show, self._at, self._planned = show, 0.0, False
        self._cost_s = 0.0

    def show(self) -> None:
        wait = self._wait_s()
        if self._planned:
            return
        if wait <= 0:
            self.show_now()
        else:
            self._plan(wait)

    def soon(self) -> None:
        """For who is in a hurry with something else."""
        if not self._planned:
            self._plan(max(self._wait_s(), SHOW_S))

    def show_now(self) -> None:
        self._planned = False
        running = asyncio.get_running_loop()
        began = running.time()
        self._show()
        self._at = running.time()
        self._cost_s = self._at - began

    def quiet_s(self) -> float:
        """How long nothing was shown."""
        return asyncio.get_running_loop().time() - self._at

    def _wait_s(self) -> float:
        return self._at + min(max(SHOW_S, SHARE * self._cost_s), SHOW_S_MAX) - asyncio.get_running_loop().time()

    def _plan(self, wait_s: float) -> None:
        self._planned = True
        asyncio.get_running_loop().call_later(wait_s, self.show_now)


class _SignIn(msgspec.Struct, frozen=True):
    account: str
    password: str


class _SignedIn(msgspec.Struct, frozen=True):
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Where a program's pages are found. Without TLS only on this machine."""

    host: str
    port: int
    windows_port: int | None
    """Where the pages' pictures come from, at the same host."""
    tls: bool = False

    @property
    def own(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def cookie(self) -> str:
        return auth.PHONE_COOKIE if self.tls else auth.COOKIE

    @property
    def origins(self) -> tuple[str, ...]:
        return (f"https://{self.own}",) if self.tls else (f"http://{self.own}", f"https://{self.own}")

    def sockets(self) -> tuple[str, ...]:
        """Origins of this door's own state socket and pictures."""
        scheme, name = ("wss" if self.tls else "ws"), self.own.rpartition(":")[0]
        found = (f"{scheme}://{self.own}",)
        return found if self.windows_port is None else (*found, f"{scheme}://{name}:{self.windows_port}")


def loopback(centre: Centre, windows_port: int | None) -> Door:
    """The pages as this machine sees them (or what stands in front of them)."""
    return Door(host=centre.host, port=centre.web_port or 0, windows_port=windows_port)


def phones(door: Phones) -> Door:
    return Door(host=door.host, port=door.web_port, windows_port=door.video_port, tls=True)


class Site:
    """`home` names the page of each role; nobody of another role has a session at this door."""

    def __init__(self, program: Program, *, door: Door, home: Mapping[str, str]) -> None:
        self._program, self._sessions, self._home_of = program, program.sessions, home
        self._door = door
        self._files = Files(connect=self._connect())

    def routes(self) -> list[Route | WebSocketRoute]:
        return [
            Route("/", self._home),
            Route("/sign-in", self._sign_in, methods=["POST"]),
            Route("/sign-out", self._sign_out, methods=["POST"]),
            Route("/openapi.json", self._openapi),
            Route("/demo.json", self._demo),
            Route("/map/{name}.geojson", self._map_file),
            Route("/map/{name}.json", self._map_file),
            Route("/console/{path:path}", self._console),
            WebSocketRoute("/ws", self._state),
        ]

    def _connect(self) -> tuple[str, ...]:
        """Where the pages' sockets may go besides home."""
        centre, demo = self._program.centre, self._program.folder / "demo.json"
        found = self._door.sockets()
        if self._door.tls or not centre.demo or not demo.exists():
            return found
        panel = msgspec.json.decode(demo.read_bytes()).get("panel_url")
        return (*found, str(panel)) if panel else found

    def _whose(self, request: Request | WebSocket) -> Session | None:
        session = self._sessions.whose(request.headers.get("cookie", ""), self._door.cookie)
        return session if session is None or session.account.role in self._home_of else None

    def _ours(self, request: Request | WebSocket) -> bool:
        """A page of another origin may send our cookie nowhere (besides SameSite)."""
        origin = request.headers.get("origin")
        return request.headers.get("host") == self._door.own and (origin is None or origin in self._door.origins)

    def _cookie(self, request: Request, token: str) -> str:
        return auth.set_cookie(token, secure=request.url.scheme == "https", name=self._door.cookie)

    # --- pages and files -------------------------------------------------------------------------------------------

    @surface.says("Sign-in, or the way to one's own page", gives={200: surface.HTML, 307: None})
    async def _home(self, request: Request) -> Response:
        session = self._whose(request)
        if session is None:
            return self._files.page("index.html")
        home = self._home_of.get(session.account.role)
        return self._files.page("index.html") if home is None else RedirectResponse(home)

    def _page(self, request: Request, name: str, path: str) -> Response:
        """A page for those roles alone whose home it is."""
        session = self._whose(request)
        if session is None or self._home_of.get(session.account.role) != path:
            return RedirectResponse("/")
        return self._files.page(name)

    @surface.says("The base map and the cameras on it", gives={200: surface.JSON}, problems=(404,), signed_in=True)
    async def _map_file(self, request: Request) -> Response:
        if self._whose(request) is None:
            return self._problem(401, "sign_in")
        path = self._program.folder / "map" / MAP_FILES.get(request.path_params["name"], "")
        if not path.is_file():
            return self._problem(404, "no_such_file")
        headers = {**self._files.headers, "cache-control": "private, max-age=3600"}
        return Response(path.read_bytes(), media_type="application/json", headers=headers)

    @surface.says("Accounts of the demo, nothing elsewhere", gives={200: surface.JSON}, problems=(404,))
    async def _demo(self, request: Request) -> Response:
        path = self._program.folder / "demo.json"
        if not self._program.centre.demo or not path.exists():
            return self._problem(404, "not_a_demo")
        return Response(path.read_bytes(), media_type="application/json", headers=self._files.headers)

    @surface.says("A file of the pages", gives={200: "*/*", 304: None, 404: surface.TEXT})
    async def _console(self, request: Request) -> Response:
        return await self._files.serve(request)

    @surface.says("This document", gives={200: surface.JSON}, signed_in=True)
    async def _openapi(self, request: Request) -> Response:
        if self._whose(request) is None:
            return self._problem(401, "sign_in")
        return JSONResponse(self.description(), headers={**self._files.headers, "cache-control": "no-store"})

    def description(self) -> dict[str, object]:
        """The HTTP surface of this program as OpenAPI."""
        return surface.describe(f"safetynet {self._program.centre.role.value}", self.entries())

    def entries(self) -> list[surface.Entry]:
        return surface.entries(self.routes())

    # --- who is there ----------------------------------------------------------------------------------------------

    @surface.says("Opens a session", takes=_SignIn, gives={200: _SignedIn}, problems=(400, 401, 403, 429))
    async def _sign_in(self, request: Request) -> Response:
        if not self._ours(request):
            return self._problem(403, "wrong_origin")
        body = await body_of(request)
        try:
            asked = msgspec.json.decode(body, type=_SignIn)
            token = await self._sessions.sign_in(
                asked.account, asked.password, request.client.host if request.client else ""
            )
        except NONSENSE:
            return self._problem(400, "bad_sign_in")
        except Locked as locked:
            answer = self._problem(429, "too_many_tries")
            answer.headers["retry-after"] = str(locked.wait_ms // 1000 + 1)
            return answer
        if token is None:
            return self._problem(401, "bad_sign_in")
        signed = self._sessions.whose(f"{auth.COOKIE}={token}")
        assert signed is not None
        if signed.account.role not in self._home_of:
            self._sessions.sign_out(f"{auth.COOKIE}={token}")
            return self._problem(403, "not_at_this_door")
        answer = JSONResponse({"role": signed.account.role}, headers=self._files.headers)
        answer.headers["set-cookie"] = self._cookie(request, token)
        return answer

    @surface.says("Ends the session, its windows and their pictures", gives={204: None}, problems=(403,))
    async def _sign_out(self, request: Request) -> Response:
        if not self._ours(request):
            return self._problem(403, "wrong_origin")
        self._sessions.sign_out(request.headers.get("cookie", ""), self._door.cookie)
        self._program.cut_signed_out()
        answer = Response(status_code=204, headers=self._files.headers)
        answer.headers["set-cookie"] = self._cookie(request, "")
        return answer

    async def _state(self, socket: WebSocket) -> None:
        session = self._whose(socket)
        if session is None or not self._ours(socket):
            await socket.accept()
            await socket.close(windows.SIGNED_OUT)
            return
        video_url = f"{self._door.sockets()[-1]}/video" if self._door.tls else None
        await windows.serve(socket, session, self._program, video_url)

    def _problem(self, status: int, reason: str) -> Response:
        """RFC 9457, the reason as a word that the page translates."""
        body = surface.Problem(type="about:blank", status=status, title=reason, reason=reason)
        return JSONResponse(
            msgspec.to_builtins(body),
            status_code=status,
            headers=self._files.headers,
            media_type="application/problem+json",
        )


async def body_of(request: Request, bytes_max: int = BODY_BYTES_MAX) -> bytes:
    """At most `bytes_max`; what is longer is cut off and then fails to decode."""
    taken = bytearray()
    try:
        async for chunk in request.stream():
            taken += chunk
            if len(taken) > bytes_max:
                return b""
    except ClientDisconnect:
        return b""  # nobody is left to answer, and half a body is none
    return bytes(taken)


async def serve(app: ASGIApp, centre: Centre, name: str) -> None:
    """The pages of one program, until cancelled. Beyond this machine they need TLS in front."""
    assert ipaddress.ip_address(centre.host).is_loopback, "pages beyond this machine need TLS in front"
    await _serve(app, centre.host, centre.web_port or 0, name)


async def serve_phones(app: ASGIApp, folder: Path, door: Phones) -> None:
    """The door for telephones, until cancelled: TLS, on the one address that was asked for."""
    assert not ipaddress.ip_address(door.host).is_unspecified, "the door for telephones has one address, not all"
    context = keys.phones_context(folder)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(keys.follow_phones(folder, context))
        tasks.create_task(_serve(app, door.host, door.web_port, "phones", context))


async def _serve(app: ASGIApp, host: str, port: int, name: str, context: ssl.SSLContext | None = None) -> None:
    server = _Server.over(
        app,
        host,
        port,
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        ws_max_size=windows.COMMAND_BYTES_MAX * 2,
        ssl_context_factory=None if context is None else _given(context),
    )
    server.name = name
    try:
        await server.serve()
    finally:
        server.close()


def _given(context: ssl.SSLContext) -> Callable[[object, object], ssl.SSLContext]:
    """What uvicorn would make of files by itself is made already, and can be renewed."""

    def context_of(_config: object, _default: object) -> ssl.SSLContext:
        return context

    return context_of


class _Server(health.Server):
    """Says that the program can be used when it can."""

    name = ""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        process.ready(self.name, port=self.config.port)
