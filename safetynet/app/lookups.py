"""Closed incidents over HTTP: find, open for a purpose, take a report along. Every answer comes after its event.

Absent on purpose: a list without an end, and any way to open one without having said what for.
"""

import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol, TypeVar

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from safetynet.app import footage, reports, surface
from safetynet.app.administration import Office
from safetynet.app.archive import PAGE_ROWS, Archive, Names, Opened, Page, ticks
from safetynet.app.loop import Loop
from safetynet.app.people import OPERATORS, UnitRow
from safetynet.app.views import zone_view
from safetynet.core import archives, law
from safetynet.core.archives import Reader, Row, Wish
from safetynet.core.control import words
from safetynet.core.control.state import State
from safetynet.core.events import ClosedIncidentOpened, Place
from safetynet.core.terms import (
    AlarmKind,
    Disposition,
    IncidentId,
    Instant,
    PersonId,
    Purpose,
    UnitId,
    Why,
)
from safetynet.edge import clock, export, keys
from safetynet.edge.auth import Session, Sessions
from safetynet.edge.codec import NONSENSE
from safetynet.edge.config import Centre
from safetynet.edge.store import Store

BODY_BYTES_MAX: Final = 2_048
PAGES_MAX: Final = 1_000


class Program(Protocol):
    """What this needs of the control centre."""

    folder: Path
    centre: Centre
    sessions: Sessions
    units: dict[UnitId, UnitRow]
    store: Store
    own: keys.CentreKeys
    archive: Archive
    office: Office
    loop: Loop[State, words.Given, words.Errand]


class _Search(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    since: Instant | None = None
    until: Instant | None = None
    kind: AlarmKind | None = None
    code: Disposition | None = None
    owner: PersonId | None = None
    case_no: str = ""
    page: int = 0


class _Open(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    incident: IncidentId
    purpose: Purpose
    permit: str = ""
    language: str = "ko"


class _Row(msgspec.Struct, frozen=True):
    incident: str
    case_no: str | None
    kind: str | None
    priority: int | None
    opened_at: int | None
    closed_at: int | None
    code: str | None
    owner_name: str | None


class _Owner(msgspec.Struct, frozen=True):
    person: str
    name: str


class _Found(msgspec.Struct, frozen=True):
    rows: list[_Row]
    page: int
    page_rows: int
    total: int
    owners: list[_Owner]


_Asked = TypeVar("_Asked", _Search, _Open)
Whose = Callable[[Request], Session | None]
Problem = Callable[[int, str], Response]


class Lookups:
    """`whose` finds a request's session, `ours` turns a foreign origin away, `problem` is the pages' own answer."""

    def __init__(
        self, program: Program, whose: Whose, ours: Callable[[Request], bool], problem: Problem, headers: dict[str, str]
    ) -> None:
        self._program, self._whose, self._ours, self._problem = program, whose, ours, problem
        self._headers = {**headers, "cache-control": "no-store"}
        self._writing = asyncio.Lock()
        self._roads = reports.read_roads(program.folder / "map" / "base.geojson")

    def routes(self) -> list[Route]:
        return [
            Route("/archive/search", self._search, methods=["POST"]),
            Route("/archive/open", self._open, methods=["POST"]),
            Route("/archive/report", self._report, methods=["POST"]),
        ]

    async def _said(self, request: Request, kind: type[_Asked]) -> tuple[Session, _Asked] | Response:
        """Who asks and what, or the refusal."""
        if not self._ours(request):
            return self._problem(403, "wrong_origin")
        session = self._whose(request)
        if session is None:
            return self._problem(401, "sign_in")
        if session.account.role not in OPERATORS:
            return self._problem(403, Why.NOT_ALLOWED_NOW.value)
        try:
            return session, msgspec.json.decode(await _body(request), type=kind)
        except NONSENSE:
            return self._problem(400, Why.MALFORMED.value)

    @surface.says("Closed incidents that fit", takes=_Search, gives={200: _Found}, problems=(400, 403), signed_in=True)
    async def _search(self, request: Request) -> Response:
        said = await self._said(request, _Search)
        if isinstance(said, Response):
            return said
        session, asked = said
        if not 0 <= asked.page < PAGES_MAX:
            return self._problem(400, Why.MALFORMED.value)
        wish = Wish(
            since=asked.since,
            until=asked.until,
            kind=asked.kind,
            code=asked.code,
            owner=asked.owner,
            case_no=asked.case_no.strip(),
        )
        return self._json(self._page(self._program.archive.search(wish, self._reader(session), asked.page)))

    def _page(self, page: Page) -> dict[str, object]:
        names = self._names()
        return {
            "rows": [self._row(each, names) for each in page.rows],
            "page": page.number,
            "page_rows": PAGE_ROWS,
            "total": page.total,
            "owners": [
                {"person": each.person, "name": each.name}
                for each in self._program.sessions.people()
                if each.role in OPERATORS
            ],
        }

    def _row(self, row: Row, names: Names) -> dict[str, object]:
        return {
            "incident": row.incident,
            "case_no": self._program.archive.case_no(row.wearer),
            "kind": row.kind.value if row.kind else None,
            "priority": int(row.priority) if row.priority else None,
            "opened_at": row.opened_at,
            "closed_at": row.closed_at,
            "code": row.code.value if row.code else None,
            "owner_name": names.of(row.owner, names.people),
        }

    async def _opened(self, session: Session, asked: _Open) -> Opened | Response:
        """Refused, or opened after that was written down."""
        row = self._program.archive.row(asked.incident)
        no = archives.refusal(row, self._reader(session), asked.purpose, asked.permit)
        if no is not None or row is None:
            why = no or Why.NO_SUCH_INCIDENT
            return self._problem(404 if why is Why.NO_SUCH_INCIDENT else 409, why.value)
        self._write_down(
            ClosedIncidentOpened(
                at=clock.now(),
                incident=asked.incident,
                wearer=row.wearer,
                by=session.account.person,
                purpose=asked.purpose,
                permit=asked.permit,
            )
        )
        return await self._program.archive.open(asked.incident, asked.purpose)

    @surface.says(
        "One closed incident, opened for a purpose; written down first",
        takes=_Open, gives={200: surface.JSON}, problems=(400, 403, 404, 409), signed_in=True,
    )  # fmt: skip
    async def _open(self, request: Request) -> Response:
        said = await self._said(request, _Open)
        if isinstance(said, Response):
            return said
        opened = await self._opened(*said)
        return opened if isinstance(opened, Response) else self._json(self._story(opened))

    @surface.says(
        "The report of a closed incident on paper; written down first",
        takes=_Open, gives={200: surface.PDF}, problems=(400, 403, 404, 409), signed_in=True,
    )  # fmt: skip
    async def _report(self, request: Request) -> Response:
        said = await self._said(request, _Open)
        if isinstance(said, Response):
            return said
        session, asked = said
        async with self._writing:
            opened = await self._opened(session, asked)
            if isinstance(opened, Response):
                return opened
            note, key = reports.signed(opened, self._program.centre.id, self._program.own, self._program.store)
            made = reports.Made(
                incident=asked.incident,
                purpose=asked.purpose,
                permit=asked.permit,
                by_name=session.account.name,
                centre_name=self._program.centre.name,
                at=clock.now(),
                note=note,
                key=key,
                korean=asked.language != "en",
            )
            document = reports.compose(opened, self._names(), made, self._roads)
            body = await asyncio.to_thread(export.pdf, document)
            digest = hashlib.sha256(body).digest()
            self._write_down(reports.left_the_house(opened, made, session.account.person, digest))
        named = {**self._headers, "content-disposition": f'attachment; filename="{asked.incident}.pdf"'}
        return Response(body, media_type="application/pdf", headers=named)

    # --- what a page gets ------------------------------------------------------------------------------------------

    def _story(self, opened: Opened) -> dict[str, object]:
        names, story, who = self._names(), opened.story, opened.who
        found = opened.law
        return {
            **self._row(opened.row, names),
            "purpose": opened.purpose.value,
            "who": {"name": who.name, "office": who.office} if who else None,
            "law": {
                "article_ko": found.article_ko,
                "article_en": found.article_en,
                "why": found.why.value if isinstance(found, law.NoBasis) else None,
            }
            if found
            else None,
            "led": [names.of(each, names.people) for each in sorted(opened.row.led_by)],
            "positions": opened.positions,
            "track": [_point(each) for each in opened.track],
            "places": [_point(each) for each in story.places],
            "zones": [zone_view(each) for each in who.order.zones] if who else [],
            "sights": [
                {
                    **msgspec.to_builtins(each.card),
                    "city_name": names.of(each.city, names.centres),
                    "grant": each.grant,
                    "since": each.since,
                    "until": each.until,
                }
                for each in story.sights
            ],
            "provisions": [
                {
                    "grant": each.grant,
                    "city_name": names.of(each.city, names.centres),
                    "asked_by_name": names.of(each.asked_by, names.people),
                    "since": each.granted_at,
                    "until": each.ended_at,
                    "conditions": each.conditions,
                    "why": each.why.value if each.why else None,
                }
                for each in story.provisions
            ],
            "viewings": [
                {
                    "camera": each.camera,
                    "grant": each.grant,
                    "by_name": names.of(each.by, names.people),
                    "since": each.since,
                    "until": each.until,
                    "why": each.why.value if each.why else None,
                }
                for each in story.viewings
            ],
            "ticks": list(ticks(story, names)),
            "erased": story.erased,
            "ledger_size": opened.size,
        }

    def _reader(self, session: Session) -> Reader:
        return footage.reader(session, self._program.loop.state)

    def _write_down(self, event: words.Reread) -> None:
        """On disk before anything of it is shown."""
        errands = self._program.loop.take(event, clock.now())
        assert not errands, "reading sends nobody anywhere"

    def _names(self) -> Names:
        return Names(
            people={str(each): name for each, name in self._program.office.names().items()},
            centres={each.id: each.name for each in self._program.centre.peers},
            units={each.unit: each.name for each in self._program.units.values()},
        )

    def _json(self, said: object) -> Response:
        return Response(msgspec.json.encode(said), media_type="application/json", headers=self._headers)


def _point(place: Place) -> tuple[float, float, int, float, str]:
    return round(place.lat, 6), round(place.lon, 6), place.observed_at, round(place.radius_m, 1), place.source.value


async def _body(request: Request) -> bytes:
    """At most BODY_BYTES_MAX; what is longer is nothing, and then fails to decode."""
    taken = bytearray()
    try:
        async for chunk in request.stream():
            taken += chunk
            if len(taken) > BODY_BYTES_MAX:
                return b""
    except ClientDisconnect:
        return b""  # nobody is left to answer
    return bytes(taken)
