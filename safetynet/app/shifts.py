"""Changes of shift and what a supervisor sees: hand-overs, seats with their load, the health of links, figures.

Words and numbers only, like `views`. What is out at the edges (a partner not heard, the relay away) becomes items of a
hand-over here, because the mind knows nothing of sockets.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final, Protocol

from safetynet.app import figures, windows
from safetynet.app.cards import LinkView
from safetynet.app.loop import Loop
from safetynet.app.people import OPERATORS
from safetynet.app.views import Looked, View
from safetynet.core import alarms, incidents
from safetynet.core.alarms import Alarm
from safetynet.core.control import relief, words
from safetynet.core.control.handovers import Handover
from safetynet.core.control.state import State
from safetynet.core.events import HandoverItem
from safetynet.core.incidents import Incident
from safetynet.core.terms import (
    HOUR_MS,
    MINUTE_MS,
    SECOND_MS,
    AlarmId,
    CentreId,
    DiskLevel,
    DispatchId,
    GrantId,
    HandoverPart,
    IncidentId,
    Instant,
    PersonId,
    UnitId,
    WearerId,
    Why,
)
from safetynet.edge import clock
from safetynet.edge.auth import Sessions
from safetynet.edge.config import Centre
from safetynet.edge.disk import Disk
from safetynet.edge.link import Link
from safetynet.edge.relay.wire import Wire
from safetynet.edge.store import Store

AWAY_MS_MAX: Final = MINUTE_MS
"""A page is loaded anew and a line comes back within this; who is away longer has left."""
DUTIES_SHOWN_MAX: Final = 50
SHOWN_MS: Final = 12 * HOUR_MS
"""How long an ended hand-over can still be looked at and printed."""
COUNTED_MS: Final = 10 * MINUTE_MS
SHIFT_MS: Final = 8 * HOUR_MS
SUPERVISOR: Final = "supervisor"
RELAY: Final = "relay"
HEARD_STEP_MS: Final = 10 * SECOND_MS
GIGABYTE: Final = 1_000_000_000


# --- who and what is there -----------------------------------------------------------------------------------------


class Program(Protocol):
    """What is watched: the control centre's program, of which only this much is known here."""

    folder: Path
    centre: Centre
    sessions: Sessions
    seats: set[windows.Seat]
    store: Store
    disk: Disk
    link: Link
    relay: Wire
    loop: Loop[State, words.Given, words.Errand]

    def links(self) -> tuple[LinkView, ...]: ...


class Watch:
    """Who sits at the centre and what is out, as a change of shift and a supervisor must know it."""

    def __init__(self, program: Program) -> None:
        self._of = program
        self._seen: dict[PersonId, Instant] = {}
        """When those of open hand-overs last had a window, by the steady clock."""
        self._relay: tuple[bool, Instant] = (False, clock.now())
        self._health: tuple[Health, Instant] | None = None

    def here(self) -> frozenset[PersonId]:
        return frozenset(each.person for each in self._of.seats if self._of.sessions.live(each.session))

    def gone(self) -> list[PersonId]:
        """Those of open hand-overs who left: signed out is gone at once, without a window after a while."""
        if self._relay[0] != self._of.relay.up:
            self._relay = self._of.relay.up, clock.now()
        at, signed_in = clock.monotonic(), self._of.sessions.signed_in
        held = self._of.loop.state.handovers.values()
        watched = {person for each in held if each.open for person in each.parties}
        here = self.here() if watched else frozenset[PersonId]()
        self._seen = {each: at if each in here else self._seen.get(each, at) for each in watched}
        return sorted(
            each for each, seen_at in self._seen.items() if at - seen_at >= AWAY_MS_MAX or not signed_in(each)
        )

    def outages(self) -> tuple[HandoverItem, ...]:
        """What the edges know to be out. The word is since when: what came back and went again is confirmed anew."""
        links = [each for each in self._of.links() if not each.up]
        found = [HandoverItem(HandoverPart.LINK, each.id, str(each.since)) for each in links]
        up, since = self._relay
        return tuple(found) if up else (*found, HandoverItem(HandoverPart.OUTAGE, RELAY, str(since)))

    def view(self, state: State, seen: Looked) -> View:
        """For everybody who sits at the centre."""
        here, owned = self.here(), [state.incidents[each].owner for each in state.open.values()]
        seats: dict[str, dict[str, object]] = {
            each.person: {
                "person": each.person,
                "name": each.name,
                "role": each.role,
                "seat": each.seat,
                "here": each.person in here,
                "incidents": owned.count(each.person),
            }
            for each in self._of.sessions.people()
            if each.role in OPERATORS
        }
        return {"seats": seats, "handovers": handovers(state, seen, self.outages())}

    def supervised(self, state: State, seen: Looked) -> View:
        people = [each.person for each in self._of.sessions.people() if each.role in OPERATORS]
        return supervised(state, seen, self._measured(), people)

    def _measured(self) -> "Health":
        """Asked anew once a second: the outbox is counted and the certificate read."""
        at = clock.monotonic()
        if self._health is None or at - self._health[1] >= SECOND_MS:
            self._health = self._measure(), at
        return self._health[0]

    def _measure(self) -> "Health":
        up, since = self._relay
        peers = [each.id for each in self._of.centre.peers]
        return Health(
            owed={each: self._of.store.owed(each) for each in peers},
            heard={each: self._of.link.heard_utc(each) for each in peers},
            relay_up=up,
            relay_since=since,
            disk=self._of.disk.level,
            disk_free_bytes=self._of.disk.free_bytes,
            certificate_days=figures.certificate_days(self._of.folder),
            windows=len(self._of.seats),
        )


# --- what is said --------------------------------------------------------------------------------------------------


def command(seat: windows.Seat, said: windows.Do, watch: Watch) -> words.ShiftCommand | Why | None:
    """What a window said of a hand-over or of who leads; None when it is about something else."""
    by, head, out = seat.person, seat.session.account.role == SUPERVISOR, watch.outages()
    match said:
        case windows.Do(act="handover_offer", to=to) if to:
            return words.OfferHandover(by=by, to=to, whole=head) if to in watch.here() else Why.ABSENT
        case windows.Do(act="handover_note", handover=handover) if handover:
            return words.NoteHandover(handover=handover, by=by, text=said.text)
        case windows.Do(act="handover_confirm", handover=handover, item=item) if handover and item:
            return words.ConfirmItem(handover=handover, by=by, item=item, outages=out)
        case windows.Do(act="handover_take", handover=handover) if handover:
            return words.TakeHandover(handover=handover, by=by, outages=out)
        case windows.Do(act="handover_withdraw", handover=handover) if handover:
            return words.WithdrawHandover(handover=handover, by=by)
        case windows.Do(act="reassign", incident=incident, to=to, reason=reason) if incident and to and reason:
            if not head:
                return Why.NOT_ALLOWED_NOW
            return words.ReassignIncident(incident=incident, by=by, to=to, held_by=said.held_by, reason=reason)
        case _:
            return None


def moved(state: State, command: words.Command) -> tuple[IncidentId, ...]:
    """Which incidents another person leads after this command: their pictures are put out."""
    match command:
        case words.TakeOver() | words.HandOver() | words.ReassignIncident():
            return (command.incident,)
        case words.TakeHandover():
            giver = state.handovers[command.handover].giver
            return tuple(each for each in state.open.values() if state.incidents[each].owner == giver)
        case _:
            return ()


# --- hand-overs ----------------------------------------------------------------------------------------------------


def handovers(state: State, seen: Looked, out: tuple[HandoverItem, ...]) -> dict[str, dict[str, object]]:
    shown = [
        each
        for each in state.handovers.values()
        if each.open or seen.at - (each.taken_at or each.ended_at or each.offered_at) < SHOWN_MS
    ]
    return {each.handover: _handover(state, each, seen, out) for each in shown}


def _handover(state: State, held: Handover, seen: Looked, out: tuple[HandoverItem, ...]) -> dict[str, object]:
    order = list(HandoverPart)
    was = sorted(held.confirmed, key=lambda each: (order.index(each.part), held.confirmed[each], each.id))
    rows = relief.items(state, held, out) if held.open else tuple(was)
    return {
        "id": held.handover,
        "giver": held.giver,
        "giver_name": seen.names.get(held.giver, held.giver),
        "taker": held.taker,
        "taker_name": seen.names.get(held.taker, held.taker),
        "whole": held.whole,
        "offered_at": held.offered_at,
        "taken_at": held.taken_at,
        "ended_at": held.ended_at,
        "end": held.end.value if held.end else None,
        "ended_by_name": seen.names.get(held.ended_by, held.ended_by) if held.ended_by else None,
        "items": [_item(state, held, each, seen) for each in rows],
        "duties": _duties(state, held, seen) if held.open else [],
    }


def _item(state: State, held: Handover, item: HandoverItem, seen: Looked) -> dict[str, object]:
    return {
        "part": item.part.value,
        "id": item.id,
        "word": item.word,
        "confirmed_at": held.confirmed.get(item),
        **_facts(state, held, item, seen),
    }


def _facts(state: State, held: Handover, item: HandoverItem, seen: Looked) -> dict[str, object]:
    """What is known of it now; of what has left the mind, nothing."""
    match item.part:
        case HandoverPart.INCIDENT:
            return _incident_facts(state, state.incidents.get(IncidentId(item.id)), item, seen)
        case HandoverPart.ALARM:
            return _alarm_facts(state.alarms.get(AlarmId(item.id)), item, seen)
        case HandoverPart.BACKUP:
            incident = state.incidents.get(IncidentId(item.id))
            mark = incident.backup.mark if incident and incident.backup else None
            return {"unit_name": _unit_name(mark.unit, seen), "at": mark.at, "incident": item.id} if mark else {}
        case HandoverPart.DISPATCH:
            incident = state.incidents.get(state.given.get(item.id, IncidentId("")))
            order = incident.dispatches.get(DispatchId(item.id)) if incident else None
            if incident is None or order is None:
                return {}
            unit = _unit_name(order.unit, seen)
            said = {"unit_name": unit, "state": item.word, "at": order.ordered_at, "due_at": order.answer_by}
            return {**said, "incident": incident.incident, "who": _name(incident.wearer, seen)}
        case HandoverPart.GRANT:
            incident = state.incidents.get(state.given.get(item.id, IncidentId("")))
            request = incidents.grant_of(incident, GrantId(item.id)) if incident else None
            if incident is None or request is None:
                return {}
            city = seen.centres.get(request.city, request.city)
            said = {"city_name": city, "cameras": len(request.cameras), "due_at": request.until}
            return {**said, "incident": incident.incident, "who": _name(incident.wearer, seen)}
        case HandoverPart.LINK:
            return {"name": seen.centres.get(CentreId(item.id), item.id), "at": int(item.word)}
        case HandoverPart.OUTAGE:
            return {"at": int(item.word)} if item.id == RELAY else {"state": item.word}
        case HandoverPart.NOTE:
            note = next((each for each in held.notes if str(each.note) == item.id), None)
            return {"text": note.text, "at": note.at} if note else {}


def _incident_facts(state: State, incident: Incident | None, item: HandoverItem, seen: Looked) -> dict[str, object]:
    if incident is None:
        return {}
    leader = PersonId(item.word)
    record = seen.people.get(incident.wearer)
    return {
        "kind": incident.kind.value,
        "priority": min(int(state.alarms[each].priority) for each in incident.alarms),
        "who": record.name if record else "",
        "case_no": record.case_no if record else "",
        "at": incident.opened_at,
        "leader_name": seen.names.get(leader, leader) if leader else None,
        "incident": incident.incident,
    }


def _alarm_facts(alarm: Alarm | None, item: HandoverItem, seen: Looked) -> dict[str, object]:
    if alarm is None:
        return {}
    return {
        "kind": alarm.kind.value,
        "priority": int(alarm.priority),
        "who": _name(alarm.wearer, seen),
        "state": item.word.partition(" ")[0],
        "at": alarm.raised_at,
        "incident": alarm.incident,
    }


def _duties(state: State, held: Handover, seen: Looked) -> list[dict[str, object]]:
    """What outlives the incidents that the giver closed: shown, and bound to an office and not to a seat."""
    closed = [state.incidents[each] for each in state.closed]
    due: list[dict[str, object]] = [
        {"duty": "viewing_notice", "due_at": each.notice_due_at, "who": _name(each.wearer, seen)}
        for each in closed
        if each.notice_due_at is not None and (held.whole or each.owner == held.giver)
    ]
    return due[-DUTIES_SHOWN_MAX:]


def _name(wearer: WearerId, seen: Looked) -> str:
    record = seen.people.get(wearer)
    return record.name if record else ""


def _unit_name(unit: UnitId, seen: Looked) -> str:
    return next((each.name for each in seen.units if each.unit.unit == unit), unit)


# --- what a supervisor sees besides --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What the program knows of its own roads and of the machine below it."""

    owed: Mapping[CentreId, int]
    """Messages that wait for a partner."""
    heard: Mapping[CentreId, Instant | None]
    relay_up: bool
    relay_since: Instant
    disk: DiskLevel
    disk_free_bytes: int
    certificate_days: float
    windows: int


def supervised(state: State, seen: Looked, health: Health, people: Iterable[PersonId]) -> View:
    return {
        "desks": {each: _desk(state, each, seen.at) for each in people},
        "health": {"health": _health(seen, health)},
        "figures": {"figures": _figures(state, seen.at)},
    }


def _health(seen: Looked, health: Health) -> dict[str, object]:
    return {
        "links": [
            {
                "id": each.id,
                "name": each.name,
                "role": each.role,
                "up": each.up,
                "since": each.since,
                "heard_at": _coarse(health.heard.get(each.id)),
                "delay_ms": each.delay_ms,
                "owed": health.owed.get(each.id, 0),
                "streams": each.streams,
            }
            for each in seen.links
        ],
        "relay": {"up": health.relay_up, "since": health.relay_since, "streams": seen.numbers.pictures_open},
        "disk": {"level": health.disk.value, "free_gb": round(health.disk_free_bytes / GIGABYTE, 1)},
        "certificate_days": round(health.certificate_days, 1),
        "ledger_size": seen.numbers.ledger_size,
        "windows": health.windows,
    }


def _coarse(heard_at: Instant | None) -> int | None:
    """A partner is heard all the time: its row need not change with each beat."""
    return None if heard_at is None else heard_at - heard_at % HEARD_STEP_MS


def _desk(state: State, person: PersonId, at: Instant) -> dict[str, object]:
    """One seat: what rings there and since when, and how fast its person answered in this shift."""
    led = [state.incidents[each] for each in state.open.values() if state.incidents[each].owner == person]
    ringing = [alarm for each in led for alarm in _ringing(state, each)]
    answered = [each for each in _answered(state, at) if each.acked_by == person]
    return {
        "person": person,
        "ringing": len(ringing),
        "oldest_at": min((each.raised_at for each in ringing), default=None),
        "answered": len(answered),
        "answer_ms_median": _median(answered),
    }


def _ringing(state: State, incident: Incident) -> list[Alarm]:
    return [state.alarms[each] for each in incident.alarms if state.alarms[each].state in alarms.RINGING]


def _answered(state: State, at: Instant) -> list[Alarm]:
    """Of this shift, as far as they are in mind: open incidents and the last closed ones."""
    return [each for each in state.alarms.values() if each.acked_at is not None and at - each.acked_at < SHIFT_MS]


def _median(answered: Sequence[Alarm]) -> int | None:
    return round(median(_answer_ms(each) for each in answered)) if answered else None


def _answer_ms(alarm: Alarm) -> int:
    assert alarm.acked_at is not None, "only what was answered is measured"
    return max(0, alarm.acked_at - alarm.raised_at)


def _figures(state: State, at: Instant) -> dict[str, object]:
    ringing = [alarm for each in state.open.values() for alarm in _ringing(state, state.incidents[each])]
    answered = _answered(state, at)
    return {
        "raised": sum(at - each.raised_at < COUNTED_MS for each in state.alarms.values()),
        "ringing": len(ringing),
        "oldest_at": min((each.raised_at for each in ringing), default=None),
        "escalated": sum(each.level > 0 for each in ringing),
        "answered": len(answered),
        "answer_ms_median": _median(answered),
        "answer_ms_max": max((_answer_ms(each) for each in answered), default=None),
        "acceptable": alarms.PER_PERSON_ACCEPTABLE,
        "manageable": alarms.PER_PERSON_MANAGEABLE,
        "flood": alarms.PER_PERSON_FLOOD,
    }
