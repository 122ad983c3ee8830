"""The change of shift: one person offers a seat or the shift to another, who confirms item by item and then takes it.

What is to be confirmed is read from the state at each look, never from a list made at the beginning: what arises or
changes meanwhile must be confirmed too. Until the taking everything stays with the giver; whoever withdraws, signs
out or vanishes leaves it there. A supervisor may besides give one incident to another seat, with a reason.
"""

from typing import Final, assert_never

from immutables import Map

from safetynet.core import incidents
from safetynet.core.alarms import AlarmState
from safetynet.core.control.field import calls_for_backup
from safetynet.core.control.handovers import Handover
from safetynet.core.control.state import State
from safetynet.core.control.words import (
    ConfirmItem,
    NoteHandover,
    OfferHandover,
    ReassignIncident,
    ShiftCommand,
    TakeHandover,
    WithdrawHandover,
)
from safetynet.core.events import (
    AnyEvent,
    HandoverItem,
    HandoverItemConfirmed,
    HandoverNoted,
    HandoverOffered,
    HandoverTaken,
    HandoverWithdrawn,
    IncidentHandedOver,
    IncidentReassigned,
)
from safetynet.core.incidents import Act, Incident, VideoState
from safetynet.core.terms import (
    HOUR_MS,
    DiskLevel,
    HandoverEnd,
    HandoverId,
    HandoverPart,
    Instant,
    PersonId,
    UnitState,
    Why,
)

HANDOVER_MS_MAX: Final = 2 * HOUR_MS
"""Nobody is still handing over after this: it was forgotten, and two seats would go on believing in it."""
NOTES_MAX: Final = 10
NOTE_CHARS_MAX: Final = 400
RINGING: Final = (AlarmState.UNACKED, AlarmState.RETURNED_UNACKED)


# --- what it is made of ---


def items(state: State, held: Handover, outages: tuple[HandoverItem, ...]) -> tuple[HandoverItem, ...]:
    """Everything that the taker must confirm now, in the order in which it is read. `outages`: what the edges know."""
    concerned = sorted(
        (incident for incident in map(state.incidents.__getitem__, state.open.values()) if _goes_over(held, incident)),
        key=lambda each: (min(int(state.alarms[one].priority) for one in each.alarms), each.opened_at, each.incident),
    )
    found = [HandoverItem(HandoverPart.INCIDENT, each.incident, each.owner or "") for each in concerned]
    for part in (_alarms, _backups, _dispatches, _grants):
        found += [item for each in concerned for item in part(state, each)]
    if state.disk is not DiskLevel.AMPLE:
        found.append(HandoverItem(HandoverPart.OUTAGE, "disk", state.disk.value))
    found += outages
    found += [HandoverItem(HandoverPart.NOTE, str(each.note), "") for each in held.notes]
    return tuple(found)


def _goes_over(held: Handover, incident: Incident) -> bool:
    """Of a seat: what its person leads, and what nobody does, which may not fall between the two."""
    return held.whole or incident.owner in (held.giver, None)


def _alarms(state: State, incident: Incident) -> list[HandoverItem]:
    return [
        HandoverItem(HandoverPart.ALARM, each, f"{alarm.state.value} {alarm.raised_at}")
        for each in incident.alarms
        if (alarm := state.alarms[each]).state in RINGING
    ]


def _backups(_: State, incident: Incident) -> list[HandoverItem]:
    if incident.backup is None or not calls_for_backup(incident):
        return []
    return [HandoverItem(HandoverPart.BACKUP, incident.incident, incident.backup.mark.action)]


def _dispatches(_: State, incident: Incident) -> list[HandoverItem]:
    return [
        HandoverItem(HandoverPart.DISPATCH, id, each.state.value)
        for id, each in sorted(incident.dispatches.items())
        if each.state is not UnitState.RELEASED  # who declined too: somebody else must be sent
    ]


def _grants(_: State, incident: Incident) -> list[HandoverItem]:
    return [
        HandoverItem(HandoverPart.GRANT, each.grant, "")
        for _, each in sorted(incident.requests.items())
        if each.state is VideoState.GRANTED and each.grant is not None
    ]


def unconfirmed(state: State, held: Handover, outages: tuple[HandoverItem, ...]) -> tuple[HandoverItem, ...]:
    return tuple(each for each in items(state, held, outages) if each not in held.confirmed)


def engaged(state: State, person: PersonId) -> Handover | None:
    """The open hand-over that this person gives or takes."""
    return next((each for each in state.handovers.values() if each.open and person in each.parties), None)


def _readable(text: str) -> str:
    """Without what a screen does not show, or shows in another order than it was written."""
    return "".join(each if each.isprintable() or each == "\n" else " " for each in text).strip()


# --- no ---


def refusal(state: State, command: ShiftCommand) -> Why | None:
    match command:
        case OfferHandover():
            both = engaged(state, command.by) or engaged(state, command.to)
            return Why.NOT_ALLOWED_NOW if both or command.by == command.to else None
        case ReassignIncident():
            return _refuses_move(state.incidents.get(command.incident), command)
        case _:
            held = state.handovers.get(command.handover)
            if held is None or not held.open:
                return Why.NOT_ALLOWED_NOW
            return _refuses_step(state, held, command)


def _refuses_step(
    state: State, held: Handover, command: NoteHandover | ConfirmItem | TakeHandover | WithdrawHandover
) -> Why | None:
    match command:
        case NoteHandover():
            if command.by != held.giver:
                return Why.NOT_YOURS
            if not _readable(command.text) or len(command.text) > NOTE_CHARS_MAX:
                return Why.MALFORMED
            return Why.TOO_MANY_REPORTS if len(held.notes) >= NOTES_MAX else None
        case WithdrawHandover():
            return None if command.by in held.parties else Why.NOT_YOURS
        case ConfirmItem():
            if command.by != held.taker:
                return Why.NOT_YOURS
            return None if command.item in unconfirmed(state, held, command.outages) else Why.STALE
        case TakeHandover():
            if command.by != held.taker:
                return Why.NOT_YOURS
            return Why.UNCONFIRMED if unconfirmed(state, held, command.outages) else None
        case _:
            assert_never(command)


def _refuses_move(incident: Incident | None, command: ReassignIncident) -> Why | None:
    no = incidents.refusal(incident, Act.REASSIGN, command.by)
    if no is not None or incident is None:
        return no or Why.NO_SUCH_INCIDENT
    if incident.owner != command.held_by:
        return Why.STALE  # somebody took it while the supervisor looked: nobody is pushed aside unseen
    return Why.NOT_ALLOWED_NOW if incident.owner == command.to else None


# --- what happens ---


def commanded(state: State, given: ShiftCommand, at: Instant) -> list[AnyEvent]:
    """What `refusal` let pass."""
    match given:
        case OfferHandover():
            id = HandoverId(f"H-{at}-{given.by}")
            return [HandoverOffered(at=at, handover=id, by=given.by, to=given.to, whole=given.whole)]
        case NoteHandover():
            number = len(state.handovers[given.handover].notes) + 1
            text = _readable(given.text)
            return [HandoverNoted(at=at, handover=given.handover, by=given.by, note=number, text=text)]
        case ConfirmItem():
            return [HandoverItemConfirmed(at=at, handover=given.handover, by=given.by, item=given.item)]
        case TakeHandover():
            return _taken(state, state.handovers[given.handover], at)
        case WithdrawHandover():
            own = given.by == state.handovers[given.handover].giver
            why = HandoverEnd.WITHDRAWN if own else HandoverEnd.DECLINED
            return [HandoverWithdrawn(at=at, handover=given.handover, by=given.by, why=why)]
        case ReassignIncident():
            return [
                IncidentReassigned(
                    at=at,
                    incident=given.incident,
                    by=given.by,
                    previous=given.held_by,
                    to=given.to,
                    reason=given.reason,
                )
            ]
        case _:
            assert_never(given)


def _taken(state: State, held: Handover, at: Instant) -> list[AnyEvent]:
    """In one act: the taking, and every incident that the giver leads."""
    led = sorted(each for each in state.open.values() if state.incidents[each].owner == held.giver)
    return [
        HandoverTaken(at=at, handover=held.handover, by=held.taker, giver=held.giver, items=len(held.confirmed)),
        *(IncidentHandedOver(at=at, incident=each, by=held.giver, to=held.taker) for each in led),
    ]


def absent(state: State, person: PersonId, at: Instant) -> list[AnyEvent]:
    held = engaged(state, person)
    return [] if held is None else [_ended(held, HandoverEnd.ABSENT, at)]


def due(state: State, at: Instant) -> list[AnyEvent]:
    over = [each for each in _open(state.handovers) if at - each.offered_at >= HANDOVER_MS_MAX]
    return [_ended(each, HandoverEnd.TIMED_OUT, at) for each in over]


def restored(state: State, at: Instant) -> list[AnyEvent]:
    return [_ended(each, HandoverEnd.RESTORED, at) for each in _open(state.handovers)]


def _open(held: Map[HandoverId, Handover]) -> list[Handover]:
    return [each for _, each in sorted(held.items()) if each.open]


def _ended(held: Handover, why: HandoverEnd, at: Instant) -> HandoverWithdrawn:
    return HandoverWithdrawn(at=at, handover=held.handover, by=None, why=why)
