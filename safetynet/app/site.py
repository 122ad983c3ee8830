"""What the pages' side of every program has in common: sign-in, the map's files, the door for windows, the server.

A program says which pages it has and for which roles (`Site.pages`). Who may see what is decided by the session's
role and, for every act, by the mind. Absent on purpose: what a window shows and does.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Protocol

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket

from safetynet.app import surface, windows
from safetynet.edge import auth, health, process
from safetynet.edge.auth import Locked, Session, Sessions
from safetynet.edge.codec import NONSENSE
from safetynet.edge.config import Centre
from safetynet.edge.web import Files

BODY_BYTES_MAX: Final = 4_096
SHOW_S: Final = 0.04
"""Screens are brought up to date at once, then at most this often."""
MAP_FILES: Final[Mapping[str, str]] = {"base": "base.geojson", "cameras": "cameras.json"}


class Program(windows.Desk, Protocol):
    """What the pages need of a program."""

    folder: Path
    centre: Centre
    sessions: Sessions

    def cut_signed_out(self) -> None: ...
    def fail(self, fault: Exception) -> None: ...


class Screens:
    """Brings every window up to date: at once, then at most every SHOW_S."""

    def __init__(self, show: Callable[[], None]) -> None:
        self._show, self._at, self._planned = show, 0.0, False

    def show(self) -> None:
        running = asyncio.get_running_loop()
        wait = self._at + SHOW_S - running.time()
        if self._planned:
            return
        if wait <= 0:
            self.show_now()
        else:
            self._planned = True
            running.call_later(wait, self.show_now)

    def show_now(self) -> None:
        self._planned = False
        self._show()
        self._at = asyncio.get_running_loop().time()

    def quiet_s(self) -> float:
        """How long nothing was shown."""
        return asyncio.get_running_loop().time() - self._at


class _SignIn(msgspec.Struct, frozen=True):
    account: str
    password: str


class _SignedIn(msgspec.Struct, frozen=True):
    role: str


class Site:
    """`windows_port` is where the pages' pictures come from; `home` names the page of each role."""

    def __init__(self, program: Program, *, windows_port: int | None, home: Mapping[str, str]) -> None:
        self._program, self._sessions, self._home_of = program, program.sessions, home
        self._own = f"{program.centre.host}:{program.centre.web_port}"
        self._files = Files(connect=self._connect(windows_port))

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

    def _connect(self, windows_port: int | None) -> tuple[str, ...]:
        """Where the pages' sockets may go besides home."""
        centre, demo = self._program.centre, self._program.folder / "demo.json"
        found = [f"ws://{self._own}"]
        if windows_port is not None:
            found.append(f"ws://{centre.host}:{windows_port}")
        if centre.demo and demo.exists() and (panel := msgspec.json.decode(demo.read_bytes()).get("panel_url")):
            found.append(str(panel))
        return tuple(found)

    def _whose(self, request: Request | WebSocket) -> Session | None:
        return self._sessions.whose(request.headers.get("cookie", ""))

    def _ours(self, request: Request | WebSocket) -> bool:
        """A page of another origin may send our cookie nowhere (besides SameSite)."""
        origin = request.headers.get("origin")
        return request.headers.get("host") == self._own and origin in (
            None,
            f"http://{self._own}",
            f"https://{self._own}",
        )

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
        answer = JSONResponse({"role": signed.account.role}, headers=self._files.headers)
        answer.headers["set-cookie"] = auth.set_cookie(token, secure=request.url.scheme == "https")
        return answer

    @surface.says("Ends the session, its windows and their pictures", gives={204: None}, problems=(403,))
    async def _sign_out(self, request: Request) -> Response:
        if not self._ours(request):
            return self._problem(403, "wrong_origin")
        self._sessions.sign_out(request.headers.get("cookie", ""))
        self._program.cut_signed_out()
        answer = Response(status_code=204, headers=self._files.headers)
        answer.headers["set-cookie"] = auth.set_cookie("", secure=request.url.scheme == "https")
        return answer

    async def _state(self, socket: WebSocket) -> None:
        session = self._whose(socket)
        if session is None or not self._ours(socket):
            await socket.accept()
            await socket.close(windows.SIGNED_OUT)
            return
        await windows.serve(socket, session, self._program)

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
    server = _Server.over(
        app,
        centre.host,
        centre.web_port or 0,
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        ws_max_size=windows.COMMAND_BYTES_MAX * 2,
    )
    server.name = name
    try:
        await server.serve()
    finally:
        server.close()


class _Server(health.Server):
    """Says that the program can be used when it can."""

    name = ""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        process.ready(self.name, port=self.config.port)
