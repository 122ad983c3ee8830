"""Past footage at the control centre: what its pages ask and see, and how files come here and go again.

Every act is an event before it is answered, a viewing before the first byte of the picture leaves.

Absent on purpose: a download. A file is shown in the page of who may see the incident, and deleted in time.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from safetynet.app import surface
from safetynet.app.archive import Archive, Names
from safetynet.app.loop import Loop
from safetynet.app.people import OPERATORS, People
from safetynet.app.site import body_of
from safetynet.core import archives, law
from safetynet.core.archives import Reader, Row
from safetynet.core.control import mind, words
from safetynet.core.control.state import State
from safetynet.core.footage import REASONS, asking
from safetynet.core.footage.asking import OVER, Asked, Stage
from safetynet.core.terms import (
    MINUTE_MS,
    CameraId,
    CentreId,
    DiskLevel,
    FootageBasis,
    FootageId,
    IncidentId,
    Instant,
    KeepReason,
    SubjectId,
    Why,
)
from safetynet.edge import clock
from safetynet.edge.auth import Session, Sessions
from safetynet.edge.codec import NONSENSE
from safetynet.edge.config import Centre
from safetynet.edge.courier import Fetcher, Job, Want
from safetynet.edge.disk import Disk
from safetynet.edge.link import Link
from safetynet.edge.spool import Spool
from safetynet.edge.store import Store

BODY_BYTES_MAX: Final = 4_096
LISTED_MAX: Final = 100
SUPERVISOR: Final = "supervisor"
DEFAULT_LEAD_MS: Final = MINUTE_MS
"""The page proposes this much before the first alarm and behind the closing."""
VIEWINGS_AT_ONCE: Final = 2


class Program(Protocol):
    """What this needs of the control centre."""

    centre: Centre
    sessions: Sessions
    people: People
    archive: Archive
    loop: Loop[State, words.Given, words.Errand]
    files: "Files"

    def take_footage(self, command: asking.Command) -> None: ...


# --- files -----------------------------------------------------------------------------------------------------------


def subject(asked: Asked) -> SubjectId:
    """Under the wearer's key: whoever erases him erases every picture of him."""
    return SubjectId(f"wearer:{asked.wearer}")


class Keeper(Protocol):
    """What the files need of the control centre."""

    store: Store
    disk: Disk
    link: Link
    loop: Loop[State, words.Given, words.Errand]

    def take_footage(self, command: asking.Command) -> None: ...


class Files:
    """What lies here, and what is still to be fetched."""

    def __init__(self, program: Keeper, folder: Path) -> None:
        self._program, self.spool = program, Spool(folder, program.store.person_keys)
        self.fetcher = Fetcher(
            self.spool,
            jobs=self._jobs,
            tell=self._tell,
            ended=self._ended,
        )
        self._sweep()

    def _tell(self, peer: CentreId, want: Want) -> bool:
        return self._program.link.tell(peer, want)

    def _jobs(self) -> list[Job]:
        if self._program.disk.level is not DiskLevel.AMPLE:
            return []
        return [
            Job(
                peer=asked.city,
                footage=asked.footage,
                camera=file.camera,
                subject=subject(asked),
                size_bytes=file.size_bytes,
                sha256=file.sha256,
                pieces=file.pieces,
            )
            for asked, file in asking.to_fetch(self._program.loop.state.footage)
        ]

    def _ended(self, job: Job, why: Why | None) -> None:
        if why is None:
            self._program.take_footage(asking.Fetched(job.footage, job.camera))
        else:
            self._program.take_footage(asking.NotFetched(job.footage, job.camera, why))

    def drop(self, footage: FootageId) -> None:
        """The record of it is on disk already."""
        asked = self._program.loop.state.footage.get(footage)
        if asked is not None:
            self.spool.drop(footage, asked.files)

    def _sweep(self) -> int:
        """At a start: what a crash left behind, and files of those who were erased."""
        held = self._program.loop.state.footage
        return self.spool.sweep(
            (asked.footage, camera) for asked in held.values() if asked.stage not in OVER for camera in asked.files
        )


# --- over HTTP -----------------------------------------------------------------------------------------------------


class _About(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    incident: IncidentId | None = None
    """None: every request that this person has something to do with."""


class _Ask(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    incident: IncidentId
    city: CentreId
    cameras: tuple[CameraId, ...]
    since: Instant
    until: Instant
    basis: FootageBasis
    document: str = ""


class _Do(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    footage: FootageId
    act: str
    """`approve`, `decline`, `extend`, `delete`"""
    why: Why | None = None
    reason: KeepReason | None = None


class _View(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    footage: FootageId
    camera: CameraId


_Said = TypeVar("_Said", _About, _Ask, _Do, _View)
Whose = Callable[[Request], Session | None]
Problem = Callable[[int, str], Response]


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of an incident to whoever asks for its footage."""

    row: Row
    cameras: dict[tuple[CentreId, CameraId], str]


class Desk:
    """`whose` finds a request's session, `ours` turns a foreign origin away, `problem` is the pages' own answer."""

    def __init__(
        self, program: Program, whose: Whose, ours: Callable[[Request], bool], problem: Problem, headers: dict[str, str]
    ) -> None:
        self._program, self._whose, self._ours, self._problem = program, whose, ours, problem
        self._headers = {**headers, "cache-control": "no-store"}
        self._viewing = asyncio.Semaphore(VIEWINGS_AT_ONCE)

    def routes(self) -> list[Route]:
        return [
            Route("/footage/about", self._about, methods=["POST"]),
            Route("/footage/ask", self._ask, methods=["POST"]),
            Route("/footage/do", self._do, methods=["POST"]),
            Route("/footage/view", self._view, methods=["POST"]),
        ]

    async def _said(self, request: Request, kind: type[_Said]) -> tuple[Session, _Said] | Response:
        if not self._ours(request):
            return self._problem(403, "wrong_origin")
        session = self._whose(request)
        if session is None:
            return self._problem(401, "sign_in")
        if session.account.role not in OPERATORS:
            return self._problem(403, Why.NOT_ALLOWED_NOW.value)
        try:
            return session, msgspec.json.decode(await body_of(request, BODY_BYTES_MAX), type=kind)
        except NONSENSE:
            return self._problem(400, Why.MALFORMED.value)

    def _reader(self, session: Session) -> Reader:
        return reader(session, self._program.loop.state)

    def _visible(self, incident: IncidentId, session: Session) -> Row | None:
        """The incident, when this person may see it; whether there is another is no business of theirs."""
        self._program.archive.catch_up(limit=None)
        row = self._program.archive.row(incident)
        return row if row is not None and archives.may_see(row, self._reader(session)) else None

    def _mine(self, footage: FootageId, session: Session) -> Asked | None:
        asked = self._program.loop.state.footage.get(footage)
        return asked if asked is not None and self._visible(asked.incident, session) is not None else None

    # --- asking and answering --------------------------------------------------------------------------------------

    @surface.says(
        "Requests for past footage, and what may be asked for",
        takes=_About, gives={200: surface.JSON}, problems=(400, 403, 404), signed_in=True,
    )  # fmt: skip
    async def _about(self, request: Request) -> Response:
        said = await self._said(request, _About)
        if isinstance(said, Response):
            return said
        session, about = said
        held = self._program.loop.state.footage
        if about.incident is None:
            newest = sorted(held.values(), key=lambda each: each.at, reverse=True)
            mine = [each for each in newest if self._mine(each.footage, session) is not None]
            rows = [self.card(each, session) for each in mine[:LISTED_MAX]]
            return self._json({"requests": rows, "may_approve": session.account.role == SUPERVISOR})
        row = self._visible(about.incident, session)
        if row is None:
            return self._problem(404, Why.NO_SUCH_INCIDENT.value)
        known = self._known(row)
        mine = sorted((each for each in held.values() if each.incident == row.incident), key=lambda each: -each.at)
        return self._json(
            {
                "requests": [self.card(each, session) for each in mine[:LISTED_MAX]],
                "may_approve": session.account.role == SUPERVISOR,
                **self._offer(known),
            }
        )

    def _known(self, row: Row) -> _Known:
        return _Known(row, self._program.archive.lenses(row.incident))

    def _offer(self, known: _Known) -> dict[str, object]:
        """What may be asked for: cameras that were near, a sensible interval, bases with their articles, the limits."""
        row, now = known.row, clock.now()
        names = self._names()
        end = Instant(row.closed_at or now)
        since = Instant(row.opened_at - DEFAULT_LEAD_MS)
        until = Instant(min(end + DEFAULT_LEAD_MS, since + law.FOOTAGE_MINUTES_MAX * MINUTE_MS, now))
        margin_ms = law.FOOTAGE_MARGIN_MINUTES * MINUTE_MS
        return {
            "cameras": [
                {"city": city, "city_name": names.of(city, names.centres), "camera": camera, "name": name}
                for (city, camera), name in sorted(known.cameras.items())
            ],
            "since": since,
            "until": until,
            "earliest": max(row.opened_at - margin_ms, now - law.FOOTAGE_AGE_DAYS_MAX * 24 * 60 * MINUTE_MS),
            "latest": min(end + margin_ms, now),
            "minutes_max": law.FOOTAGE_MINUTES_MAX,
            "cameras_max": law.FOOTAGE_CAMERAS_MAX,
            "bases": [self._basis(each, row) for each in FootageBasis],
        }

    def _basis(self, basis: FootageBasis, row: Row) -> dict[str, object]:
        record = self._program.people.get(row.wearer) if row.wearer else None
        line = law.FOOTAGE[basis]
        why: Why | None = Why.NO_BASIS
        if record is not None and row.kind is not None:
            found = law.footage(basis, record.order.wearer_class, row.kind)
            why = found.why if isinstance(found, law.NoBasis) else None
            if why is None and line.while_open and row.closed_at is not None:
                why = Why.NOT_LIVE
        return {
            "basis": basis.value,
            "article_ko": line.article_ko,
            "article_en": line.article_en,
            "document": line.document,
            "why": why.value if why else None,
        }

    @surface.says(
        "Past footage is asked for",
        takes=_Ask, gives={204: None}, problems=(400, 403, 404, 409), signed_in=True,
    )  # fmt: skip
    async def _ask(self, request: Request) -> Response:
        said = await self._said(request, _Ask)
        if isinstance(said, Response):
            return said
        session, wish = said
        row = self._visible(wish.incident, session)
        if row is None:
            return self._problem(404, Why.NO_SUCH_INCIDENT.value)
        record = self._program.people.get(row.wearer) if row.wearer else None
        return self._done(
            asking.AskFootage(
                incident=wish.incident,
                wearer=row.wearer if record else None,
                city=wish.city,
                cameras=wish.cameras,
                since=wish.since,
                until=wish.until,
                basis=wish.basis,
                document=wish.document,
                by=session.account.person,
                opened_at=row.opened_at,
                closed_at=row.closed_at,
                kind=row.kind,
                footing=record.order.wearer_class if record else None,
                near=frozenset(self._known(row).cameras),
            )
        )

    @surface.says(
        "Past footage approved, declined, kept longer or deleted",
        takes=_Do, gives={204: None}, problems=(400, 403, 404, 409), signed_in=True,
    )  # fmt: skip
    async def _do(self, request: Request) -> Response:
        said = await self._said(request, _Do)
        if isinstance(said, Response):
            return said
        session, do = said
        if self._mine(do.footage, session) is None:
            return self._problem(404, Why.NO_SUCH_INCIDENT.value)
        command = _command(do, session)
        return self._problem(400, Why.MALFORMED.value) if command is None else self._done(command)

    def _done(self, command: asking.Command) -> Response:
        no = mind.refuses(self._program.loop.state, command, clock.now())
        if no is not None:
            return self._problem(409, no.value)
        self._program.take_footage(command)
        return Response(status_code=204, headers=self._headers)

    # --- seeing ----------------------------------------------------------------------------------------------------

    @surface.says(
        "A file of past footage, seen",
        takes=_View, gives={200: "video/mp4"}, problems=(400, 403, 404, 409, 410), signed_in=True,
    )  # fmt: skip
    async def _view(self, request: Request) -> Response:
        """The file, after the event that this person saw it is on disk."""
        said = await self._said(request, _View)
        if isinstance(said, Response):
            return said
        session, view = said
        asked = self._mine(view.footage, session)
        if asked is None:
            return self._problem(404, Why.NO_SUCH_INCIDENT.value)
        command = asking.ViewFootage(footage=view.footage, camera=view.camera, by=session.account.person)
        async with self._viewing:
            no = mind.refuses(self._program.loop.state, command, clock.now())  # also after it has waited its turn
            if no is not None:
                return self._problem(409, no.value)
            self._program.take_footage(command)
            body = bytearray()
            size = asked.files[view.camera].size_bytes
            for piece in self._program.files.spool.whole(view.footage, view.camera, subject(asked), size):
                if piece is None:
                    return self._problem(410, Why.ERASED.value)
                body += piece
                await asyncio.sleep(0)  # an alarm comes between any two pieces
        return Response(bytes(body), media_type="video/mp4", headers=self._headers)

    # --- what a page gets ------------------------------------------------------------------------------------------

    def card(self, asked: Asked, session: Session) -> dict[str, object]:
        names, me = self._names(), session.account.person
        lenses = self._program.archive.lenses(asked.incident)
        supervisor = session.account.role == SUPERVISOR
        row = self._program.archive.row(asked.incident)
        waits = asked.stage is Stage.ASKED
        return {
            "footage": asked.footage,
            "incident": asked.incident,
            "case_no": self._program.archive.case_no(row.wearer if row else None),
            "city": asked.city,
            "city_name": names.of(asked.city, names.centres),
            "state": asked.stage.value,
            "at": asked.at,
            "by_name": names.of(asked.by, names.people),
            "approved_by_name": names.of(asked.approved_by, names.people),
            "approved_at": asked.approved_at,
            "since": asked.since,
            "until": asked.until,
            "basis": asked.basis.value,
            "document": asked.document,
            "answer_by": asked.answer_by,
            "conditions": list(asked.conditions),
            "why": asked.why.value if asked.why else None,
            "expires_at": asked.expires_at,
            "extended": asked.extended,
            "over_at": asked.over_at,
            "cameras": [self._file(asked, each, lenses.get((asked.city, each), each)) for each in asked.cameras],
            "may": {
                "approve": waits and supervisor and asked.by != me,
                "own": waits and asked.by == me,
                "delete": asked.stage not in OVER and (supervisor or asked.by == me),
                "extend": supervisor
                and asked.stage not in OVER
                and asked.expires_at is not None
                and asked.extended < law.FOOTAGE_EXTENSIONS_MAX,
            },
            "reasons": [each.value for each in REASONS],
        }

    def _file(self, asked: Asked, camera: CameraId, name: str) -> dict[str, object]:
        file = asked.files.get(camera)
        lost = asked.lost.get(camera)
        here = file is not None and file.received_at is not None and asked.stage not in OVER
        coming = file is not None and file.received_at is None and lost is None and asked.stage not in OVER
        held = self._program.files.spool.held(asked.footage, camera) if coming else 0
        return {
            "camera": camera,
            "name": name,
            "state": "here" if here else "lost" if lost else "coming" if coming else "none",
            "why": lost.value if lost else None,
            "size_bytes": file.size_bytes if file else None,
            "pieces": len(file.pieces) // 32 if file else None,
            "pieces_here": held,
            "sha256": file.sha256.hex() if file else None,
            "since": file.since if file else None,
            "until": file.until if file else None,
        }

    def _names(self) -> Names:
        return Names(
            people={each.person: each.name for each in self._program.sessions.people()},
            centres={each.id: each.name for each in self._program.centre.peers},
            units={},
        )

    def _json(self, said: object) -> Response:
        return Response(msgspec.json.encode(said), media_type="application/json", headers=self._headers)


def _command(do: _Do, session: Session) -> asking.Command | None:
    by, may = session.account.person, session.account.role == SUPERVISOR
    match do:
        case _Do(act="approve", footage=footage):
            return asking.ApproveFootage(footage=footage, by=by, may=may)
        case _Do(act="decline", footage=footage, why=why) if why:
            return asking.DeclineFootage(footage=footage, by=by, may=may, why=why)
        case _Do(act="extend", footage=footage, reason=reason) if reason:
            return asking.ExtendFootage(footage=footage, by=by, may=may, reason=reason)
        case _Do(act="delete", footage=footage, why=why) if why:
            return asking.DeleteFootage(footage=footage, by=by, may=may, why=why)
        case _:
            return None


def reader(session: Session, state: State) -> Reader:
    """Who looks: what they led, and what concerns a wearer whose open incident they lead now."""
    account = session.account
    concerned = frozenset(wearer for wearer, id in state.open.items() if state.incidents[id].owner == account.person)
    return Reader(person=account.person, supervisor=account.role == SUPERVISOR, concerned=concerned)
