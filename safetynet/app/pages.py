"""The pages' side of the control centre: routes, sign-in, the map's files, units' phones, the door for windows.

Who may see what is decided by the session's role and, for every act, by the mind. Absent on purpose: what a window
shows and does (`windows`, `views`).
"""

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

import msgspec
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from safetynet.app import field, lookups, windows
from safetynet.app.people import OPERATORS, PROTECTED, UnitRow
from safetynet.core.fixes import Fix
from safetynet.core.terms import ActionId, DeviceId, IncidentId, UnitId, WearerId, Why
from safetynet.edge import auth, clock, health, process
from safetynet.edge.auth import Locked, Session, Sessions
from safetynet.edge.config import Centre
from safetynet.edge.devices import osmand
from safetynet.edge.photos import PHOTO_BYTES_MAX
from safetynet.edge.web import Files

BODY_BYTES_MAX: Final = 4_096
MAP_FILES: Final[Mapping[str, str]] = {"base": "base.geojson", "cameras": "cameras.json"}


class Program(windows.Desk, lookups.Program, Protocol):
    """What the pages need of the control centre."""

    folder: Path
    centre: Centre
    sessions: Sessions
    units: dict[UnitId, UnitRow]

    def on_unit(self, fix: Fix) -> None: ...
    def cut_signed_out(self) -> None: ...
    def keep_photo(self, session: Session, one: field.Taken) -> Why | str | None: ...
    def photo(self, incident: IncidentId, action: ActionId) -> bytes | None: ...
    def fail(self, fault: Exception) -> None: ...


def application(control: Program, intake: ASGIApp) -> ASGIApp:
    """Device intake as raw ASGI in front, everything of the pages behind it."""
    pages = Starlette(routes=_Pages(control).routes())

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == "/device":
            await intake(scope, receive, send)
            return
        try:
            await pages(scope, receive, send)
        except Exception as fault:
            control.fail(fault)  # the server would log it and go on
            raise

    return serve


class _Pages:
    def __init__(self, control: Program) -> None:
        self._control, self._sessions = control, control.sessions
        self._own = f"{control.centre.host}:{control.centre.web_port}"
        self._files = Files(connect=self._connect())
        self._lookups = lookups.Lookups(control, self._whose, self._ours, self._problem, self._files.headers)
        self._units: dict[DeviceId, osmand.Registered] = {
            each.device: osmand.Registered(WearerId(each.unit), each.key_sha256) for each in control.units.values()
        }

    def routes(self) -> list[Route | WebSocketRoute]:
        return [
            Route("/", self._home),
            Route("/operator", self._operator),
            Route("/field", self._field),
            Route("/protected", self._protected),
            Route("/incidents", self._incidents),
            *self._lookups.routes(),
            Route("/sign-in", self._sign_in, methods=["POST"]),
            Route("/sign-out", self._sign_out, methods=["POST"]),
            Route("/demo.json", self._demo),
            Route("/field/photo", self._take_photo, methods=["POST"]),
            Route("/photo/{incident}/{action}", self._photo),
            Route("/unit", self._unit, methods=["GET", "POST"]),
            Route("/map/{name}.geojson", self._map_file),
            Route("/map/{name}.json", self._map_file),
            Route("/console/{path:path}", self._files.serve),
            WebSocketRoute("/ws", self._state),
        ]

    def _connect(self) -> tuple[str, ...]:
        """Where the pages' sockets may go besides home."""
        centre, demo = self._control.centre, self._control.folder / "demo.json"
        found = [f"ws://{self._own}", f"ws://{centre.host}:{centre.video_port}"]
        if centre.demo and demo.exists():
            found.append(str(msgspec.json.decode(demo.read_bytes())["panel_url"]))
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

    async def _home(self, request: Request) -> Response:
        session = self._whose(request)
        if session is None:
            return self._files.page("index.html")
        role = session.account.role
        return RedirectResponse("/operator" if role in OPERATORS else f"/{PROTECTED if role == PROTECTED else 'field'}")

    async def _operator(self, request: Request) -> Response:
        session = self._whose(request)
        if session is None or session.account.role not in OPERATORS:
            return RedirectResponse("/")
        return self._files.page("operator.html")

    async def _incidents(self, request: Request) -> Response:
        session = self._whose(request)
        if session is None or session.account.role not in OPERATORS:
            return RedirectResponse("/")
        return self._files.page("incidents.html")

    async def _field(self, request: Request) -> Response:
        return self._files.page("field.html")

    async def _protected(self, request: Request) -> Response:
        return self._files.page("protected.html")

    async def _map_file(self, request: Request) -> Response:
        if self._whose(request) is None:
            return self._problem(401, "sign_in")
        path = self._control.folder / "map" / MAP_FILES.get(request.path_params["name"], "")
        if not path.is_file():
            return self._problem(404, "no_such_file")
        headers = {**self._files.headers, "cache-control": "private, max-age=3600"}
        return Response(path.read_bytes(), media_type="application/json", headers=headers)

    async def _demo(self, request: Request) -> Response:
        path = self._control.folder / "demo.json"
        if not self._control.centre.demo or not path.exists():
            return self._problem(404, "not_a_demo")
        return Response(path.read_bytes(), media_type="application/json", headers=self._files.headers)

    # --- who is there ----------------------------------------------------------------------------------------------

    async def _sign_in(self, request: Request) -> Response:
        if not self._ours(request):
            return self._problem(403, "wrong_origin")
        body = await _body(request)
        try:
            asked = msgspec.json.decode(body, type=_SignIn)
            token = await self._sessions.sign_in(asked.account, asked.password)
        except (msgspec.DecodeError, RecursionError):
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

    async def _sign_out(self, request: Request) -> Response:
        if not self._ours(request):
            return self._problem(403, "wrong_origin")
        self._sessions.sign_out(request.headers.get("cookie", ""))
        self._control.cut_signed_out()
        answer = Response(status_code=204, headers=self._files.headers)
        answer.headers["set-cookie"] = auth.set_cookie("", secure=request.url.scheme == "https")
        return answer

    async def _state(self, socket: WebSocket) -> None:
        session = self._whose(socket)
        if session is None or not self._ours(socket):
            await socket.accept()
            await socket.close(windows.SIGNED_OUT)
            return
        await windows.serve(socket, session, self._control)

    # --- photographs -----------------------------------------------------------------------------------------------

    async def _take_photo(self, request: Request) -> Response:
        """From an officer's telephone; sent again after a lost answer it is there already."""
        session = self._whose(request)
        if session is None:
            return self._problem(401, "sign_in")
        if not self._ours(request):
            return self._problem(403, "wrong_origin")
        body = await _body(request, PHOTO_BYTES_MAX)
        one = field.taken(request.query_params, body)
        if one is None:
            return self._problem(400, "malformed")
        if not body:
            return self._problem(413, "too_large")
        no = self._control.keep_photo(session, one)
        if no is not None:
            return self._problem(422, no.value if isinstance(no, Why) else no)
        return Response(status_code=204, headers=self._files.headers)

    async def _photo(self, request: Request) -> Response:
        """To who sits at the centre, and never into a cache."""
        session = self._whose(request)
        if session is None or session.account.role not in OPERATORS:
            return self._problem(401, "sign_in")
        told = request.path_params
        data = self._control.photo(IncidentId(told["incident"]), ActionId(told["action"]))
        if data is None:
            return self._problem(404, "no_such_file")
        return Response(data, media_type="image/jpeg", headers={**self._files.headers, "cache-control": "no-store"})

    # --- units' phones ---------------------------------------------------------------------------------------------

    async def _unit(self, request: Request) -> Response:
        body = await _body(request)
        found = osmand.decode(
            request.url.query.encode(),
            body,
            request.headers.get("content-type", ""),
            clock.now(),
            self._units.get,
            header_key=request.headers.get("x-device-key", "").encode("latin-1"),
        )
        if isinstance(found, osmand.Refusal):
            return self._problem(found.status, found.word)
        self._control.on_unit(found)
        return Response(status_code=200)

    def _problem(self, status: int, reason: str) -> Response:
        """RFC 9457, the reason as a word that the page translates."""
        body = {"type": "about:blank", "status": status, "title": reason, "reason": reason}
        return JSONResponse(
            body, status_code=status, headers=self._files.headers, media_type="application/problem+json"
        )


class _SignIn(msgspec.Struct, frozen=True):
    account: str
    password: str


async def _body(request: Request, bytes_max: int = BODY_BYTES_MAX) -> bytes:
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


class Server(health.Server):
    """Says that the program can be used when it can."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        process.ready("control", port=self.config.port)
