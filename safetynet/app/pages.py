"""The control centre's pages: whose page is which, the device intake, units' phones. The rest is `site`.

Two doors: this machine's (everything), and the one for telephones, over TLS, with what they need and nothing else.
"""

from collections.abc import Mapping
from typing import Final, Protocol

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from safetynet.app import administration, batches, field, footage, loads, lookups, site, statute, surface
from safetynet.app.people import OPERATORS, UnitRow
from safetynet.app.site import Door, Site, body_of
from safetynet.core.fixes import Fix
from safetynet.core.terms import ActionId, DeviceId, IncidentId, UnitId, WearerId, Why
from safetynet.edge import clock
from safetynet.edge.auth import Session
from safetynet.edge.config import Phones
from safetynet.edge.devices import osmand
from safetynet.edge.intake import BATCH_PATH
from safetynet.edge.photos import PHOTO_BYTES_MAX

PHONES: Final = {"officer": "/field", "protected": "/protected"}
"""Whose pages are telephones. Nobody else signs in at the door for them."""
HOME: Final = {"operator": "/operator", "supervisor": "/supervisor", "administrator": "/admin", **PHONES}
WORKER: Final = "field-worker.js"
DEVICES: Final = frozenset({"/device", "/owntracks", BATCH_PATH})
"""Where devices speak."""

PHOTO: Final = (
    surface.Query(name="dispatch", schema={"type": "string", "minLength": 1}, required=True),
    surface.Query(name="action", schema={"type": "string", "pattern": "^[A-Za-z0-9_-]{16,64}$"}, required=True),
    surface.Query(name="acted_at", schema={"type": "integer", "minimum": 0}, required=True),
)
OSMAND: Final = tuple(
    surface.Query(name=name, schema={"type": "string"}) for name in ("id", "key", "lat", "lon", "timestamp", "alarm")
)
REFUSED: Final = (400, 401, 413, 422)
DEVICE: Final = surface.Entry(
    "/device",
    frozenset({"GET", "POST"}),
    surface.Said(
        what="What a wearer's device or a protected person's phone says",
        takes=surface.FORM, query=OSMAND, gives={200: None}, problems=(*REFUSED, 414, 503),
    ),
)  # fmt: skip
"""In front of the route table, as the next: the intake is raw ASGI."""
BATCH: Final = surface.Entry(
    BATCH_PATH,
    frozenset({"GET", "POST"}),
    surface.Said(
        what="Many reports in one body, each row of its own device",
        takes=surface.JSON, gives={200: surface.JSON}, problems=(*REFUSED, 414, 503),
    ),
)  # fmt: skip
OWNTRACKS: Final = surface.Entry(
    "/owntracks",
    frozenset({"GET", "POST"}),
    surface.Said(
        what="What an OwnTracks telephone says; answered with what it is asked",
        takes=surface.JSON, gives={200: surface.JSON}, problems=(*REFUSED, 414, 503),
    ),
)  # fmt: skip


class Program(site.Program, lookups.Program, administration.Program, footage.Program, loads.Keeps, Protocol):
    """What the pages need of the control centre."""

    units: dict[UnitId, UnitRow]

    def on_unit(self, fix: Fix) -> None: ...
    def keep_photo(self, session: Session, one: field.Taken) -> Why | str | None: ...
    def photo(self, incident: IncidentId, action: ActionId) -> bytes | None: ...


def application(control: Program, intake: ASGIApp) -> ASGIApp:
    """Device intake as raw ASGI in front, everything of the pages behind it."""
    pages = _failing(control, Starlette(routes=site_of(control).routes()))

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] in DEVICES:
            await intake(scope, receive, send)
            return
        await pages(scope, receive, send)

    return serve


def phones(control: Program, door: Phones) -> ASGIApp:
    """What officers and protected persons need, and nothing of the desk: no intake, no demo accounts, no closed incidents."""
    return _failing(control, Starlette(routes=_Phones(control, door).routes()))


def _failing(control: Program, pages: ASGIApp) -> ASGIApp:
    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await pages(scope, receive, send)
        except Exception as fault:
            control.fail(fault)  # the server would log it and go on
            raise

    return serve


def site_of(control: Program) -> Site:
    return _Pages(control)


class _Carried(Site):
    """What a telephone opens."""

    def __init__(self, control: Program, door: Door, home: Mapping[str, str]) -> None:
        super().__init__(control, door=door, home=home)
        self._control = control

    def carried(self) -> list[Route | WebSocketRoute]:
        return [
            Route("/field", self._field),
            Route("/protected", self._protected),
            Route("/field/photo", self._take_photo, methods=["POST"]),
            Route(f"/{WORKER}", self._worker),
        ]

    @surface.says("The officer's page")
    async def _field(self, request: Request) -> Response:
        return self._files.page("field.html")

    @surface.says("The protected person's page")
    async def _protected(self, request: Request) -> Response:
        return self._files.page("protected.html")

    @surface.says(
        "What keeps the officer's page on the telephone", gives={200: "text/javascript", 304: None, 404: surface.TEXT}
    )
    async def _worker(self, request: Request) -> Response:
        """At the root, so that it may answer for `/field` when there is no network."""
        return self._files.named(request, WORKER)

    @surface.says(
        "A photograph from an officer's telephone",
        takes=surface.JPEG, query=PHOTO, gives={204: None}, problems=(400, 403, 413, 422), signed_in=True,
    )  # fmt: skip
    async def _take_photo(self, request: Request) -> Response:
        """From an officer's telephone; sent again after a lost answer it is there already."""
        session = self._whose(request)
        if session is None:
            return self._problem(401, "sign_in")
        if not self._ours(request):
            return self._problem(403, "wrong_origin")
        body = await body_of(request, PHOTO_BYTES_MAX)
        one = field.taken(request.query_params, body)
        if one is None:
            return self._problem(400, "malformed")
        if not body:
            return self._problem(413, "too_large")
        no = self._control.keep_photo(session, one)
        if no is not None:
            return self._problem(422, no.value if isinstance(no, Why) else no)
        return Response(status_code=204, headers=self._files.headers)


class _Phones(_Carried):
    """The door for telephones alone, over TLS."""

    def __init__(self, control: Program, door: Phones) -> None:
        super().__init__(control, site.phones(door), PHONES)

    def routes(self) -> list[Route | WebSocketRoute]:
        own = [each for each in super().routes() if each.path != "/demo.json"]
        return [*self.carried(), *own]


class _Pages(_Carried):
    def __init__(self, control: Program) -> None:
        super().__init__(control, site.loopback(control.centre, control.centre.video_port), HOME)
        self._lookups = lookups.Lookups(control, self._whose, self._ours, self._problem, self._files.headers)
        self._administration = administration.Desk(
            control, self._whose, self._ours, self._problem, self._files.page, self._files.headers
        )
        self._footage = footage.Desk(control, self._whose, self._ours, self._problem, self._files.headers)
        self._loads = loads.Desk(control, self._whose, self._problem, self._files.headers)
        self._units: dict[DeviceId, osmand.Registered] = {
            each.device: osmand.Registered(WearerId(each.unit), each.key_sha256) for each in control.units.values()
        }

    def routes(self) -> list[Route | WebSocketRoute]:
        return [
            Route("/operator", self._operator),
            Route("/supervisor", self._supervisor),
            Route("/wall", self._wall),
            Route("/law", self._law),
            Route("/law.json", self._law_table),
            Route("/incidents", self._incidents),
            *self._lookups.routes(),
            *self._administration.routes(),
            *batches.Batches(self._administration).routes(),
            *self._footage.routes(),
            *self._loads.routes(),
            *self.carried(),
            Route("/photo/{incident}/{action}", self._photo),
            Route("/unit", self._unit, methods=["GET", "POST"]),
            *super().routes(),
        ]

    def entries(self) -> list[surface.Entry]:
        return [DEVICE, BATCH, OWNTRACKS, *super().entries()]

    @surface.says("The operator's page", gives={200: surface.HTML, 307: None})
    async def _operator(self, request: Request) -> Response:
        return self._desk(request, "operator.html")

    @surface.says("The supervisor's page", gives={200: surface.HTML, 307: None})
    async def _supervisor(self, request: Request) -> Response:
        return self._page(request, "supervisor.html", "/supervisor")

    @surface.says("The page of closed incidents", gives={200: surface.HTML, 307: None})
    async def _incidents(self, request: Request) -> Response:
        return self._desk(request, "incidents.html")

    @surface.says("The wall in a window of its own", gives={200: surface.HTML, 307: None})
    async def _wall(self, request: Request) -> Response:
        return self._desk(request, "wall.html")

    @surface.says("The law table as a page", gives={200: surface.HTML, 307: None})
    async def _law(self, request: Request) -> Response:
        return self._desk(request, "law.html")

    @surface.says("The law table", gives={200: surface.JSON}, signed_in=True)
    async def _law_table(self, request: Request) -> Response:
        session = self._whose(request)
        if session is None or session.account.role not in OPERATORS:
            return self._problem(401, "sign_in")
        headers = {**self._files.headers, "cache-control": "no-cache"}
        return Response(statute.table(), media_type="application/json", headers=headers)

    def _desk(self, request: Request, name: str) -> Response:
        """A page for everybody who sits at the centre, whichever is their home."""
        session = self._whose(request)
        if session is None or session.account.role not in OPERATORS:
            return RedirectResponse("/")
        return self._files.page(name)

    # --- photographs -----------------------------------------------------------------------------------------------

    @surface.says("A photograph of an incident", gives={200: surface.JPEG}, problems=(404,), signed_in=True)
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

    @surface.says("Where a unit's phone is", takes=surface.FORM, query=OSMAND, gives={200: None}, problems=REFUSED)
    async def _unit(self, request: Request) -> Response:
        body = await body_of(request)
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
