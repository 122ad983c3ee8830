"""What comes to an administrator as a file, and goes out as one: lists of orders, shared sets of zones, calendars, the ledger of permits.

Beside `administration`, through the same door and the same register: a list becomes drafts, all of them in one commit or
none, and each waits for a second person like one that was drawn by hand. A trial says what would change and keeps nothing.

What takes long (thousands of orders, tens of thousands of zones) is read and judged beside the loop, which goes on
ringing; only the one commit is made on it.
"""

import asyncio
from collections.abc import Sequence
from datetime import date
from typing import Final, NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from safetynet.app import admin_views, surface
from safetynet.app.admin_views import Shown
from safetynet.app.administration import Desk, with_holidays
from safetynet.app.editions import FOLDER
from safetynet.core import administration, zonesets
from safetynet.core.administration import DraftOrder, DraftOrders, DraftZones, No
from safetynet.core.amendments import differences
from safetynet.core.orders import Order, Zone, timed_of
from safetynet.core.terms import CurfewId, PersonId, Post, WearerId, ZoneSetId
from safetynet.edge import calendars, clock, files
from safetynet.edge.codec import NONSENSE
from safetynet.edge.orderfiles import BYTES_MAX as ORDERS_BYTES_MAX
from safetynet.edge.orderfiles import Malformed, made

ZONES_BYTES_MAX: Final = 128 * 1024 * 1024
NAMES_SHOWN_MAX: Final = 20
TRIAL: Final = "trial"
"""Stands for the reason while nothing is kept."""


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    row: int
    order: msgspec.Raw
    wearer: WearerId = WearerId("")
    case_no: str = ""


class _Orders(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    rows: tuple[_Row, ...]
    why: str = ""
    do: bool = False
    """False: a trial."""
    partly: bool = False
    """Takes the orders that are right though others are not."""


class _Zones(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    set: ZoneSetId
    name: str
    zones: tuple[Zone, ...]
    why: str = ""
    do: bool = False


class _Calendar(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    wearer: WearerId
    curfew: CurfewId = CurfewId("")
    """Empty: every timetable of the order."""


class _Permits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    wearer: WearerId | None = None


_orders: Final = msgspec.json.Decoder(_Orders)
_zones: Final = msgspec.json.Decoder(_Zones)
_calendar: Final = msgspec.json.Decoder(_Calendar)
_permits: Final = msgspec.json.Decoder(_Permits)


class _Judged(NamedTuple):
    row: _Row
    wearer: WearerId | None
    draft: DraftOrder | None
    no: No | None
    part: str = ""
    word: str = ""
    same: bool = False
    """Nothing would change: it holds already, or waits already."""


class Batches:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[Route]:
        return [
            Route("/admin/orders", self._take_orders, methods=["POST"]),
            Route("/admin/zones", self._take_zones, methods=["POST"]),
            Route("/admin/calendar", self._give_calendar, methods=["POST"]),
            Route("/admin/calendar/read", self._read_calendar, methods=["POST"]),
            Route("/admin/permits", self._give_permits, methods=["POST"]),
        ]

    # --- orders ----------------------------------------------------------------------------------------------------

    @surface.says(
        "A list of orders as drafts, or what they would change",
        takes=surface.JSON,
        gives={200: surface.JSON},
        problems=(400, 403),
        signed_in=True,
    )
    async def _take_orders(self, request: Request) -> Response:
        said = await self._desk.said(request, bytes, ORDERS_BYTES_MAX)
        if isinstance(said, Response):
            return said
        session, body = said
        shown, office = self._desk.shown(session), self._desk.program.office
        days = office.holidays()

        def judged() -> tuple[_Orders, list[_Judged]] | None:
            try:
                asked = _orders.decode(body)
            except NONSENSE:
                return None
            return asked, _judge(shown, asked.rows, session.account.person, asked.why, days)

        told = await asyncio.to_thread(judged)
        if told is None:
            return self._desk.problem(400, No.MALFORMED.value)
        asked, found = told
        if session.account.role != Post.ADMINISTRATOR.value:
            return self._desk.problem(403, No.NOT_YOURS.value)
        drafts = tuple(each.draft for each in found if each.draft is not None and each.no is None and not each.same)
        wrong = any(each.no is not None for each in found)
        no, written = None, 0
        if asked.do and drafts and (asked.partly or not wrong):
            async with self._desk.writing:
                if not self._desk.program.sessions.live(session):
                    return self._desk.problem(401, "sign_in")
                no = office.take(DraftOrders(by=session.account.person, why=asked.why, drafts=drafts))
            written = 0 if no is not None else len(drafts)
        rows = await asyncio.to_thread(lambda: [_said(shown, each) for each in found])
        return self._desk.json({"no": no.value if no else None, "rows": rows, "written": written})

    # --- shared zones ----------------------------------------------------------------------------------------------

    @surface.says(
        "A shared set of zones as a draft, or what it would change",
        takes=surface.JSON,
        gives={200: surface.JSON},
        problems=(400, 403),
        signed_in=True,
    )
    async def _take_zones(self, request: Request) -> Response:
        said = await self._desk.said(request, bytes, ZONES_BYTES_MAX)
        if isinstance(said, Response):
            return said
        session, body = said
        folder = self._desk.program.folder / FOLDER
        held = self._desk.program.office.register.zone_sets

        def read() -> tuple[_Zones, bytes, zonesets.Changed] | None:
            try:
                asked = _zones.decode(body)
            except NONSENSE:
                return None
            known = held[asked.set].editions if asked.set in held else ()
            before = zonesets.decode((folder / f"{known[-1].sha256.hex()}.json").read_bytes()) if known else ()
            data = zonesets.encode(asked.zones)
            if asked.do:
                number = known[-1].number + 1 if known else 1
                ready = zonesets.decode(data)  # in the order of the file, as a start would read it
                self._desk.program.people.editions.prepare(asked.set, number, zonesets.sha256(data), ready, before)
            return asked, data, zonesets.changed(before, asked.zones)

        told = await asyncio.to_thread(read)
        if told is None:
            return self._desk.problem(400, No.MALFORMED.value)
        asked, data, changed = told
        known = held.get(asked.set)
        act = DraftZones(
            by=session.account.person,
            why=asked.why if asked.do else TRIAL,
            set=asked.set,
            name=asked.name,
            over=known.editions[-1].number if known and known.editions else 0,
            count=len(asked.zones),
            sha256=zonesets.sha256(data),
        )
        no = self._desk.program.office.no(act)
        if no is None and len({each.id for each in asked.zones}) < len(asked.zones):
            no = No.MALFORMED
        if no is None and asked.do:
            path = folder / f"{act.sha256.hex()}.json"  # the file first: an event without its file would say nothing
            await asyncio.to_thread(files.write, path, data, mode=0o600)
            async with self._desk.writing:
                if not self._desk.program.sessions.live(session):
                    return self._desk.problem(401, "sign_in")
                no = self._desk.program.office.take(act)
        wearers = sum(asked.set in order.shared for order in self._desk.program.people.orders.values())
        return self._desk.json(
            {
                "no": no.value if no else None,
                "set": act.set,
                "edition": act.over + 1,
                "count": act.count,
                "draft": act.sha256.hex(),
                "wearers": wearers,
                "written": asked.do and no is None,
                **{
                    kind: {"count": len(zones), "names": [each.name for each in zones[:NAMES_SHOWN_MAX]]}
                    for kind, zones in changed._asdict().items()
                },
            }
        )

    # --- calendars -------------------------------------------------------------------------------------------------

    @surface.says(
        "The timetables of an order as iCalendar",
        takes=_Calendar,
        gives={200: "text/calendar"},
        problems=(400, 403, 404),
        signed_in=True,
    )
    async def _give_calendar(self, request: Request) -> Response:
        said = await self._desk.said(request, _calendar.decode)
        if isinstance(said, Response):
            return said
        _, asked = said
        charge = self._desk.program.office.register.charges.get(asked.wearer)
        order = administration.in_force(charge) if charge else None
        every = timed_of(order) if order is not None else ()
        timed = [each for each in every if each.rows and asked.curfew in ("", each.id)]
        if order is None or not timed:
            return self._desk.problem(404, No.NOT_THERE.value)
        data = await asyncio.to_thread(calendars.written, order, timed, clock.now())
        headers = {"cache-control": "no-store", "content-disposition": 'attachment; filename="curfew.ics"'}
        return Response(data, media_type="text/calendar; charset=utf-8", headers=headers)

    @surface.says(
        "The timetables in a file of iCalendar",
        takes="text/calendar",
        gives={200: surface.JSON},
        problems=(400, 403),
        signed_in=True,
    )
    async def _read_calendar(self, request: Request) -> Response:
        said = await self._desk.said(request, bytes, calendars.BYTES_MAX)
        if isinstance(said, Response):
            return said
        try:
            taken = await asyncio.to_thread(calendars.read, said[1])
        except calendars.UnreadableError:
            return self._desk.problem(400, "no_calendar")
        return self._desk.json(
            {
                "timetables": [each._asdict() for each in taken.timetables],
                "left_out": [each._asdict() for each in taken.left_out],
            }
        )

    # --- permits ---------------------------------------------------------------------------------------------------

    @surface.says(
        "The ledger of permits and planned removals",
        takes=_Permits,
        gives={200: surface.JSON},
        problems=(400, 403),
        signed_in=True,
    )
    async def _give_permits(self, request: Request) -> Response:
        said = await self._desk.said(request, _permits.decode)
        if isinstance(said, Response):
            return said
        session, asked = said
        shown = self._desk.shown(session)
        return self._desk.json({"permits": await asyncio.to_thread(admin_views.permits, shown, asked.wearer)})


def _judge(shown: Shown, rows: Sequence[_Row], by: PersonId, why: str, days: tuple[date, ...]) -> list[_Judged]:
    """Each row by itself, with the wearer found by number of the case where it does not name one."""
    cases: dict[str, list[WearerId]] = {}
    for wearer, charge in shown.register.charges.items():
        cases.setdefault(admin_views.case_no_of(shown, wearer, charge), []).append(wearer)
    found: list[_Judged] = []
    seen: set[WearerId] = set()
    for row in rows:
        mine = [row.wearer] if row.wearer else cases.get(row.case_no, [])
        if len(mine) != 1 or mine[0] not in shown.register.charges:
            found.append(
                _Judged(row, None, None, No.NOT_THERE, "", "unknown_wearer" if len(mine) < 2 else "two_wearers")
            )
        elif mine[0] in seen:
            found.append(_Judged(row, mine[0], None, No.MALFORMED, "", "twice"))
        else:
            seen.add(mine[0])
            found.append(_judge_one(shown, row, mine[0], by, why, days))
    return found


def _judge_one(shown: Shown, row: _Row, wearer: WearerId, by: PersonId, why: str, days: tuple[date, ...]) -> _Judged:
    charge = shown.register.charges[wearer]
    over = charge.versions[-1].order.version if charge.versions else 0
    try:
        order = with_holidays(made(row.order, wearer, over + 1), days)
    except Malformed as wrong:
        return _Judged(row, wearer, None, No.MALFORMED, wrong.part, wrong.word)
    if order is None:
        return _Judged(row, wearer, None, No.MALFORMED, "", "unclear")
    draft = DraftOrder(by=by, why=why, wearer=wearer, over=over, order=order)
    if charge.draft is not None and charge.draft.order is not None and not differences(charge.draft.order, order):
        return _Judged(row, wearer, draft, None, same=True)
    no = administration.refusal(shown.register, DraftOrder(by=by, why=TRIAL, wearer=wearer, over=over, order=order))  # fmt: skip
    return _Judged(row, wearer, draft, None if no is No.UNCHANGED else no, same=no is No.UNCHANGED)


def _said(shown: Shown, each: _Judged) -> dict[str, object]:
    charge = shown.register.charges.get(each.wearer) if each.wearer else None
    order: Order | None = each.draft.order if each.draft else None
    said: dict[str, object] = {
        "row": each.row.row,
        "wearer": each.wearer,
        "name": "",
        "case_no": each.row.case_no,
        "no": each.no.value if each.no else None,
        "part": each.part,
        "word": each.word,
        "same": each.same,
        "version": order.version if order else None,
        "differences": [],
    }
    if each.wearer is None or charge is None:
        return said
    said["name"] = admin_views.name_of(shown, each.wearer, charge)
    said["case_no"] = admin_views.case_no_of(shown, each.wearer, charge)
    if not each.same and each.no is None:
        said["differences"] = admin_views.told(differences(administration.in_force(charge), order))
    return said
