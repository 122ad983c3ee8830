"""Alarms that are held back, put aside or grouped, as windows see and say it; and how much rings, for supervisors and over HTTP.

`safetynet alarms --dir D --suppressed` lists what was held back with its reason while the centre's program is not
running; `GET /alarms/suppressed` does while it is. Neither names anybody: the list is for who answers for the rules.
"""

import argparse
import csv
import io
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Final, Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from safetynet.app import surface, windows
from safetynet.app.loop import Loop
from safetynet.app.people import OPERATORS, People
from safetynet.app.views import Looked, View
from safetynet.core import loads
from safetynet.core.alarms import AlarmState
from safetynet.core.annunciations import SERVICE_MS, SHELVED_MS, TABLE, shelve_ms_max
from safetynet.core.control import words
from safetynet.core.control.state import State
from safetynet.core.events import AnyEvent, ServiceStopped
from safetynet.core.loads import Life, Load
from safetynet.core.outages import Outage
from safetynet.core.terms import DAY_MS, HOUR_MS, MINUTE_MS, DeviceId, Instant, WearerId
from safetynet.edge import clock, config, keys
from safetynet.edge.auth import Session, Sessions
from safetynet.edge.devices.words import Registered
from safetynet.edge.store import Store

KEPT_MS: Final = 2 * DAY_MS
SWEEP_EVENTS: Final = 5_000
"""After so many events what is older than KEPT_MS is forgotten."""
RECKONED_MS: Final = 10_000
"""The supervisor's figures are a day's: no need to reckon them oftener."""
HOURS_MAX: Final = 48
LISTED_MAX: Final = 5_000
MEMBERS_SHOWN_MAX: Final = 60
OUTAGE_SHOWN_MS: Final = HOUR_MS
"""How long an outage that is over stays on the screens after somebody acknowledged it."""
CARRIERS_MS: Final = MINUTE_MS
"""A device that was bound anew counts to its network after this at the latest."""


class Program(Protocol):
    """What this needs of the control centre."""

    folder: Path
    people: People
    sessions: Sessions
    seats: set[windows.Seat]
    loop: Loop[State, words.Given, words.Errand]


class Loads:
    """What the log says of alarms, kept as events are recorded."""

    def __init__(self, program: Program) -> None:
        self._of = program
        self._lives, self._since_sweep = loads.EMPTY, 0
        self._load: tuple[Load, Instant] | None = None
        self._carriers = config.read_carriers(program.folder)
        self._networks: tuple[dict[WearerId, str], Instant] = {}, Instant(-CARRIERS_MS)

    def note(self, event: AnyEvent) -> None:
        self._lives = loads.noted(self._lives, event)
        self._since_sweep += 1
        if self._since_sweep >= SWEEP_EVENTS:
            self._since_sweep = 0
            self._lives = loads.forgotten(self._lives, Instant(event.at - KEPT_MS))

    def networks(self, wearers: Collection[WearerId], devices: Mapping[DeviceId, Registered]) -> dict[WearerId, str]:
        """Over which network these wearers' devices speak, as far as `carriers.json` says."""
        if not self._carriers:
            return {}
        known, at = self._networks
        if clock.monotonic() - at >= CARRIERS_MS:
            known = {each.wearer: self._carriers[id] for id, each in devices.items() if id in self._carriers}
            self._networks = known, clock.monotonic()
        return {each: known[each] for each in wearers if each in known}

    def load(self, at: Instant, hours: int = 24) -> Load:
        here = {each.person for each in self._of.seats}
        operators = [each.person for each in self._of.sessions.people() if each.role == "operator"]
        on_duty = sum(each in here for each in operators) or len(operators)
        return loads.load(self._lives.of.values(), Instant(at - hours * HOUR_MS), at, on_duty)

    def suppressed(self, at: Instant, hours: int) -> tuple[Life, ...]:
        return loads.suppressed(self._lives.of.values(), Instant(at - hours * HOUR_MS))

    def view(self, state: State, seen: Looked) -> View:
        """For everybody who sits at the centre: outages, and what is on the shelf."""
        shown = [each for each in state.held.outages.values() if _on_screen(each, seen.at)]
        return {"outages": {each.outage: _outage(each, seen) for each in shown}, "shelves": _shelves(state, seen)}

    def supervised(self, state: State, seen: Looked) -> View:
        if self._load is None or seen.at - self._load[1] >= RECKONED_MS:
            self._load = self.load(seen.at), seen.at
        said = _said(self._load[0], seen)
        said["out_of_service"] = [
            _out_of_service(state, state.held.service[each], seen) for each in sorted(state.held.service)
        ]
        said["service_ms"] = SERVICE_MS
        said["service_holds"] = [each.value for each in TABLE if TABLE[each].by_service]
        return {"load": {"load": said}}


# --- what windows see ------------------------------------------------------------------------------------------------


def _on_screen(outage: Outage, at: Instant) -> bool:
    """Until it is over and acknowledged, and a little longer."""
    done = outage.acked_by is not None and outage.ended_at is not None and outage.acked_at is not None
    return not done or at - max(outage.ended_at or 0, outage.acked_at or 0) < OUTAGE_SHOWN_MS


def _outage(outage: Outage, seen: Looked) -> dict[str, object]:
    """Its members: those still silent first, and of them those from whom somebody is protected."""
    rows = sorted(
        (each not in outage.silent, not _guarded(wearer, seen), _name(wearer, seen), wearer)
        for each, wearer in outage.members.items()
    )
    return {
        "id": outage.outage,
        "network": outage.network,
        "since": outage.since,
        "members": len(outage.members),
        "silent": len(outage.silent),
        "acked_by_name": seen.names.get(outage.acked_by, outage.acked_by) if outage.acked_by else None,
        "ended_at": outage.ended_at,
        "end": outage.end.value if outage.end else None,
        "left": outage.left,
        "list": [
            {"who": name, "case_no": _case_no(wearer, seen), "silent": not heard, "guarded": not unguarded}
            for heard, unguarded, name, wearer in rows[:MEMBERS_SHOWN_MAX]
        ],
    }


def _shelves(state: State, seen: Looked) -> dict[str, dict[str, object]]:
    """Of open incidents: what lies on the shelf, and what could."""
    found: dict[str, dict[str, object]] = {}
    for id in state.open.values():
        for each in state.incidents[id].alarms:
            alarm = state.alarms[each]
            longest = shelve_ms_max(alarm.kind, alarm.certainty, alarm.priority)
            shelved = alarm.state is AlarmState.SHELVED
            if longest or shelved:
                found[each] = {
                    "alarm": each,
                    "for_ms": [for_ms for for_ms in SHELVED_MS if for_ms <= longest],
                    "until": alarm.due_at if shelved else None,
                    "by_name": seen.names.get(alarm.shelved_by) if alarm.shelved_by else None,
                    "reason": alarm.shelved_for.value if alarm.shelved_for else None,
                }
    return found


def _out_of_service(state: State, stopped: ServiceStopped, seen: Looked) -> dict[str, object]:
    alarms = [state.alarms[each] for each in state.held.of.get(stopped.wearer, ())]
    return {
        "wearer": stopped.wearer,
        "who": _name(stopped.wearer, seen),
        "case_no": _case_no(stopped.wearer, seen),
        "reason": stopped.reason.value,
        "by_name": seen.names.get(stopped.by, stopped.by),
        "since": stopped.at,
        "until": stopped.until,
        "holds": sorted(each.kind.value for each in alarms if each.state is AlarmState.OUT_OF_SERVICE),
    }


def _name(wearer: WearerId, seen: Looked) -> str:
    record = seen.people.get(wearer)
    return record.name if record else ""


def _case_no(wearer: WearerId, seen: Looked) -> str:
    record = seen.people.get(wearer)
    return record.case_no if record else ""


def _guarded(wearer: WearerId, seen: Looked) -> bool:
    """Whether the order protects somebody from this wearer."""
    record = seen.people.get(wearer)
    return record is not None and bool(record.order.protected)


# --- what windows say ------------------------------------------------------------------------------------------------


def command(seat: windows.Seat, said: windows.Do, people: People) -> words.HoldCommand | None:
    """What a window said of a shelf, of a device out of service or of an outage; None when it is about something else,
    or about nobody.
    """
    by, head = seat.person, seat.session.account.role == "supervisor"
    match said:
        case windows.Do(act="shelve", alarm=alarm, shelve=reason, for_ms=for_ms) if alarm and reason and for_ms:
            return words.Shelve(alarm=alarm, by=by, reason=reason, for_ms=for_ms)
        case windows.Do(act="unshelve", alarm=alarm) if alarm:
            return words.Unshelve(alarm=alarm, by=by)
        case windows.Do(act="ack_outage", outage=outage) if outage:
            return words.AckOutage(outage=outage, by=by)
        case windows.Do(act="stop_service", wearer=wearer, service=reason, for_ms=for_ms) if (
            wearer and people.get(wearer) and reason and for_ms and head
        ):
            return words.StopService(wearer=wearer, by=by, reason=reason, for_ms=for_ms)
        case windows.Do(act="resume_service", wearer=wearer) if wearer and head:
            return words.ResumeService(wearer=wearer, by=by)
        case _:
            return None


# --- over HTTP -------------------------------------------------------------------------------------------------------


class Source(msgspec.Struct, frozen=True):
    who: str
    kind: str
    count: int


class Figures(msgspec.Struct, frozen=True):
    """Alarm load after ISA-18.2, of `since` to `until`."""

    since: int
    until: int
    operators: int
    raised: int
    rung: int
    held: dict[str, int]
    unexplained: int
    per_person_mean: float
    per_person_peak: float
    windows: int
    floods: int
    priorities: dict[str, int]
    answer_ms_p50: int | None
    answer_ms_p95: int | None
    unanswered: int
    top_share: float
    stale: int
    chattering: int
    shelved: int


class Row(msgspec.Struct, frozen=True):
    """One alarm that was held back. No person is in it."""

    alarm: str
    kind: str
    raised_at: int
    why: str
    count: int
    became: str
    """`held`, `normal`, or why it rang after all (`Surfacing`)."""
    rung_at: int | None


class Listed(msgspec.Struct, frozen=True):
    rows: list[Row]
    total: int
    reasons: dict[str, int]


HOURS: Final = (surface.Query(name="hours", schema={"type": "integer", "minimum": 1, "maximum": HOURS_MAX}),)


def figures(load: Load) -> Figures:
    return Figures(
        since=load.since,
        until=load.until,
        operators=load.operators,
        raised=load.raised,
        rung=load.rung,
        held={why.value: n for why, n in sorted(load.held.items(), key=lambda each: each[0].value)},
        unexplained=load.unexplained,
        per_person_mean=round(load.per_person_mean, 3),
        per_person_peak=round(load.per_person_peak, 2),
        windows=load.windows,
        floods=load.floods,
        priorities={str(int(each)): n for each, n in sorted(load.priorities.items())},
        answer_ms_p50=load.answer_ms_p50,
        answer_ms_p95=load.answer_ms_p95,
        unanswered=load.unanswered,
        top_share=round(load.top_share, 3),
        stale=len(load.stale),
        chattering=len(load.chattering),
        shelved=load.shelved,
    )


def _said(load: Load, seen: Looked) -> dict[str, object]:
    """The figures as a supervisor's page shows them: with names, which this person may see anyway."""
    told: dict[str, object] = msgspec.to_builtins(figures(load))
    told["top"] = [{"who": _name(wearer, seen), "kind": kind.value, "count": n} for wearer, kind, n in load.top]
    for name, some in (("stale", load.stale), ("chattering", load.chattering)):
        told[f"{name}_list"] = [
            {"who": _name(each.wearer, seen), "kind": each.kind.value, "count": each.count, "since": each.raised_at}
            for each in some[: loads.TOP_MAX]
        ]
    return told


def listed(some: Iterable[Life]) -> Listed:
    every = tuple(some)
    reasons = Counter(each.held.value for each in every if each.held is not None)
    return Listed(
        rows=[_row(each) for each in every[:LISTED_MAX]], total=len(every), reasons=dict(sorted(reasons.items()))
    )


def _row(life: Life) -> Row:
    assert life.held is not None, "only what was held back is listed"
    became = "held" if life.ended_at is None else "normal"
    if life.rung_at is not None:
        became = life.surfaced.value if life.surfaced else "held"
    return Row(
        alarm=life.alarm,
        kind=life.kind.value,
        raised_at=life.raised_at,
        why=life.held.value,
        count=life.count,
        became=became,
        rung_at=life.rung_at,
    )


class Keeps(Protocol):
    loads: Loads


class Desk:
    """`whose` finds a request's session, `problem` is the pages' own answer."""

    def __init__(
        self,
        program: Keeps,
        whose: Callable[[Request], Session | None],
        problem: Callable[[int, str], Response],
        headers: Mapping[str, str],
    ) -> None:
        self._program, self._whose, self._problem = program, whose, problem
        self._headers = {**headers, "cache-control": "no-store"}

    def routes(self) -> list[Route]:
        return [
            Route("/alarms/load", self._load),
            Route("/alarms/load.csv", self._table),
            Route("/alarms/suppressed", self._suppressed),
        ]

    def _asked(self, request: Request) -> int | Response:
        """Of how many hours, or the refusal."""
        session = self._whose(request)
        if session is None or session.account.role not in OPERATORS:
            return self._problem(401, "sign_in")
        said = request.query_params.get("hours", "24")
        if not (
            said.isascii() and said.isdecimal() and len(said) <= len(str(HOURS_MAX)) and 1 <= int(said) <= HOURS_MAX
        ):
            return self._problem(400, "malformed")
        return int(said)

    @surface.says(
        "Alarm load: the figures of ISA-18.2", query=HOURS, gives={200: Figures}, problems=(400,), signed_in=True
    )
    async def _load(self, request: Request) -> Response:
        hours = self._asked(request)
        if isinstance(hours, Response):
            return hours
        body = msgspec.json.encode(figures(self._program.loads.load(clock.now(), hours)))
        return Response(body, media_type="application/json", headers=self._headers)

    @surface.says("The same as a table", query=HOURS, gives={200: surface.CSV}, problems=(400,), signed_in=True)
    async def _table(self, request: Request) -> Response:
        hours = self._asked(request)
        if isinstance(hours, Response):
            return hours
        body = table(figures(self._program.loads.load(clock.now(), hours)))
        return Response(body, media_type=surface.CSV, headers=self._headers)

    @surface.says(
        "Every alarm that was held back, with its reason and what became of it",
        query=HOURS, gives={200: Listed}, problems=(400,), signed_in=True,
    )  # fmt: skip
    async def _suppressed(self, request: Request) -> Response:
        hours = self._asked(request)
        if isinstance(hours, Response):
            return hours
        body = msgspec.json.encode(listed(self._program.loads.suppressed(clock.now(), hours)))
        return Response(body, media_type="application/json", headers=self._headers)


def table(found: Figures) -> str:
    """One figure a line: name, value."""
    written = io.StringIO()
    rows = csv.writer(written)
    rows.writerow(("figure", "value"))
    for name, value in msgspec.structs.asdict(found).items():
        for part, each in sorted(value.items()) if isinstance(value, dict) else ((None, value),):
            rows.writerow((name if part is None else f"{name}.{part}", "" if each is None else each))
    return written.getvalue()


# --- the command -----------------------------------------------------------------------------------------------------


def alarms_main() -> int:
    ask = argparse.ArgumentParser(prog="safetynet alarms", description="alarm load, and what was held back and why")
    ask.add_argument("--dir", type=Path, required=True, help="the control centre's folder; its program must not run")
    ask.add_argument("--suppressed", action="store_true", help="list each alarm that was held back, with its reason")
    ask.add_argument("--hours", type=int, default=24, help="how far back from the newest event (default: %(default)s)")
    given = ask.parse_args()
    try:
        print(_told(given.dir, given.hours, suppressed=given.suppressed))
    except BlockingIOError:
        print("the centre's program is running: ask its page /alarms/suppressed or /alarms/load", file=sys.stderr)
        return 2
    return 0


def _told(folder: Path, hours: int, *, suppressed: bool) -> str:
    """JSON: a row a line and the sum last, or the figures."""
    centre, own = config.read(folder), keys.open_centre(folder)
    store = Store.open(folder / "log.db", centre=centre.id, keys=own.persons, sign=own.sign, salt=keys.salt)
    found, at = loads.EMPTY, Instant(0)
    try:
        for _, event in store.events():
            found, at = loads.noted(found, event), event.at
        operators = sum(each.role == "operator" for each in store.accounts())
    finally:
        store.close()
    since = Instant(at - hours * HOUR_MS)
    if not suppressed:
        return msgspec.json.encode(figures(loads.load(found.of.values(), since, Instant(at + 1), operators))).decode()
    every = loads.suppressed(found.of.values(), since)
    said = listed(every)
    rows = [msgspec.json.encode(_row(each)).decode() for each in every]
    return "\n".join([*rows, msgspec.json.encode({"total": said.total, "reasons": said.reasons}).decode()])
