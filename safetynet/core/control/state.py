"""What is so at a control centre, how an event changes it, and what must be done about an event."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, assert_never

from immutables import Map

from safetynet.core import administration, alarms, incidents
from safetynet.core.administration import Register
from safetynet.core.alarms import Alarm, AlarmState
from safetynet.core.control import handovers, record, sightings
from safetynet.core.control import held as holding
from safetynet.core.control.handovers import Handover
from safetynet.core.control.held import Held
from safetynet.core.control.record import Entry, IncidentEvent
from safetynet.core.control.words import Admit, AskDevice, CutGrant, CutIncident, CutViewer, Errand, SetCameras
from safetynet.core.dispatch import BUSY, FOLLOWS, UNANSWERED
from safetynet.core.events import (
    AlarmAcknowledged,
    AlarmAmended,
    AlarmEscalated,
    AlarmJoined,
    AlarmRaised,
    AlarmRepeated,
    AlarmReturned,
    AlarmShelved,
    AlarmSuppressed,
    AlarmSurfaced,
    AlarmUnshelved,
    AnswerOverdue,
    AnyEvent,
    BackupAnswered,
    CamerasChanged,
    CamerasProposed,
    DiskChanged,
    DispatchOrdered,
    FieldMarked,
    FieldTold,
    HandoverItemConfirmed,
    HandoverNoted,
    HandoverOffered,
    HandoverTaken,
    HandoverWithdrawn,
    IncidentClaimed,
    IncidentClosed,
    IncidentHandedOver,
    IncidentOpened,
    IncidentReassigned,
    IncidentTakenOver,
    LocationAsked,
    OutageAcknowledged,
    OutageBegan,
    OutageEnded,
    PhotoTaken,
    PoliceNoticeAnswered,
    PoliceNotified,
    PositionFollowed,
    ProtectedAnswered,
    ProtectedLocated,
    ProtectedWarned,
    ServiceResumed,
    ServiceStopped,
    SightingReported,
    UnitReported,
    VideoAwaited,
    VideoEnded,
    VideoGranted,
    VideoPrepared,
    VideoRefused,
    VideoRefusedHere,
    VideoRequested,
    ViewerAdmitted,
    ViewingNoticeDue,
    WearerCalled,
)
from safetynet.core.events.by_administrator import Administered
from safetynet.core.events.footage import AtControl, FootageDeleted, FootageViewed
from safetynet.core.footage import asking
from safetynet.core.incidents import Call, Dispatch, Incident, Notice, Request, Stage, VideoState, Warned
from safetynet.core.messages import (
    EndIncident,
    LocateProtected,
    MovePlace,
    NotifyPolice,
    PrepareVideo,
    RequestVideo,
    Send,
    outward,
)
from safetynet.core.terms import (
    AlarmId,
    DiskLevel,
    DispatchId,
    FootageBasis,
    GrantId,
    HandoverId,
    IncidentId,
    NoticeId,
    NoticeState,
    RequestId,
    UnitId,
    UnitState,
    WearerId,
    Why,
)

CLOSED_KEPT_MAX: Final = 200
"""Closed incidents that stay in memory for the screens. All of them stay in the log."""
RECORD_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class State:
    alarms: Map[AlarmId, Alarm] = Map()
    incidents: Map[IncidentId, Incident] = Map()
    open: Map[WearerId, IncidentId] = Map()
    closed: tuple[IncidentId, ...] = ()
    given: Map[str, IncidentId] = Map()
    """Grant or dispatch id -> its incident."""
    record: Map[IncidentId, tuple[Entry, ...]] = Map()
    disk: DiskLevel = DiskLevel.AMPLE
    handovers: Map[HandoverId, Handover] = Map()
    register: Register = administration.EMPTY
    footage: asking.Requests = Map()
    held: Held = holding.EMPTY
    """What rings for nobody, and why."""


EMPTY: Final = State()


def busy(state: State) -> frozenset[UnitId]:
    """Units that have an order in hand anywhere."""
    return frozenset(
        each.unit
        for incident in state.open.values()
        for each in state.incidents[incident].dispatches.values()
        if each.state in BUSY or each.state in UNANSWERED
    )


def fold(state: State, events: Iterable[AnyEvent]) -> State:
    for event in events:
        state = evolve(state, event)
    return state


def evolve(state: State, event: AnyEvent) -> State:
    """The state after an event. An event of a kind that means nothing here leaves it as it is.

    Events of an incident whose person was erased are gone from the log; what remains of it is skipped.
    """
    if isinstance(event, AtControl | FootageDeleted):
        return _footage(state, event)
    match event:
        case AlarmRaised():
            return replace(state, alarms=state.alarms.set(event.alarm, alarms.raised(event)))
        case (
            AlarmRepeated()
            | AlarmReturned()
            | AlarmAcknowledged()
            | AlarmEscalated()
            | AlarmSuppressed()
            | AlarmSurfaced()
            | AlarmShelved()
            | AlarmUnshelved()
            | AlarmAmended()
        ):
            return _alarm_stepped(state, event)
        case ServiceStopped() | ServiceResumed() | OutageBegan() | OutageAcknowledged() | OutageEnded():
            return replace(state, held=holding.widely(state.held, event))
        case IncidentOpened():
            return _opened(state, event)
        case (
            AlarmJoined()
            | IncidentClaimed()
            | IncidentTakenOver()
            | IncidentHandedOver()
            | IncidentReassigned()
            | WearerCalled()
            | LocationAsked()
            | PositionFollowed()
            | VideoPrepared()
            | VideoRequested()
            | VideoRefusedHere()
            | CamerasProposed()
            | VideoGranted()
            | VideoRefused()
            | CamerasChanged()
            | VideoEnded()
            | VideoAwaited()
            | SightingReported()
            | ViewerAdmitted()
            | DispatchOrdered()
            | UnitReported()
            | FieldMarked()
            | BackupAnswered()
            | FieldTold()
            | PhotoTaken()
            | PoliceNotified()
            | PoliceNoticeAnswered()
            | AnswerOverdue()
            | ViewingNoticeDue()
            | ProtectedWarned()
            | ProtectedAnswered()
            | ProtectedLocated()
        ):
            incident = state.incidents.get(event.incident)
            return state if incident is None else _happened(state, incident, event)
        case IncidentClosed():
            incident = state.incidents.get(event.incident)
            return state if incident is None else _closed(state, incident, event)
        case DiskChanged():
            return replace(state, disk=event.level)
        case HandoverOffered() | HandoverNoted() | HandoverItemConfirmed() | HandoverTaken() | HandoverWithdrawn():
            return replace(state, handovers=handovers.after(state.handovers, event))
        case Administered():
            return replace(state, register=administration.evolve(state.register, event))
        case _:
            return state


def _footage(state: State, event: AtControl | FootageDeleted) -> State:
    """What is seen on the ground of Art. 16-3(2) while the incident is open must be told to the wearer (16-3(3))."""
    state = replace(state, footage=asking.evolve(state.footage, event))
    incident = state.incidents.get(event.incident)
    if incident is None:
        return state
    asked = state.footage.get(event.footage)
    if isinstance(event, FootageViewed) and asked is not None and asked.basis is FootageBasis.URGENT:
        state = replace(state, incidents=state.incidents.set(event.incident, replace(incident, viewed=True)))
    return _noted(state, event.incident, Entry(event.at, record.tag(event), *record.of_footage(event)))


def _alarm_stepped(state: State, event: alarms.Step) -> State:
    before = state.alarms.get(event.alarm)
    if before is None:
        return state
    after = alarms.step(before, event)
    now, gone = holding.trimmed(holding.stepped(state.held, before, after, event))
    kept = state.alarms.set(event.alarm, after)
    if gone is not None and gone in kept and kept[gone].state is AlarmState.NORMAL:
        kept = kept.delete(gone)
    state = replace(state, alarms=kept, held=now)
    incident = state.incidents.get(after.incident) if after.incident else None
    if incident is None:
        return state
    if isinstance(event, AlarmAcknowledged) and incident.stage is Stage.CLAIMED and incident.claimed_at is None:
        incident = replace(incident, claimed_at=event.at)  # given to a seat; now somebody there has it
    state = replace(state, incidents=state.incidents.set(incident.incident, _regraded(state, incident)))
    by, more = record.of_alarm(event)
    return _noted(state, incident.incident, Entry(event.at, record.tag(event), by, (("kind", after.kind.value), *more)))


def _regraded(state: State, incident: Incident) -> Incident:
    """Kind and certainty of an incident are those of its foremost alarm; the place is the newest known."""
    mine = [state.alarms[each] for each in incident.alarms]
    first = alarms.foremost(mine)
    newest = max(
        (each.latest for each in mine if each.latest is not None), key=lambda place: place.observed_at, default=None
    )
    place = incident.place
    if newest is not None and (place is None or newest.observed_at > place.observed_at):
        place = newest
    return replace(
        incident,
        kind=first.kind,
        certainty=first.certainty,
        kinds=frozenset(each.kind for each in mine),
        place=place,
        earlier=incident.place if place is not incident.place else incident.earlier,
    )


def _opened(state: State, event: IncidentOpened) -> State:
    alarm = state.alarms[event.alarm]
    incident = Incident(
        incident=event.incident,
        wearer=event.wearer,
        kind=alarm.kind,
        certainty=alarm.certainty,
        stage=Stage.OPEN,
        opened_at=event.at,
        alarms=(event.alarm,),
        kinds=frozenset({alarm.kind}),
        place=alarm.latest,
    )
    state = replace(
        state,
        alarms=state.alarms.set(event.alarm, replace(alarm, incident=event.incident)),
        incidents=state.incidents.set(event.incident, incident),
        open=state.open.set(event.wearer, event.incident),
    )
    return _noted(state, event.incident, Entry(event.at, record.tag(event), None, (("kind", alarm.kind.value),)))


def _happened(state: State, incident: Incident, event: IncidentEvent) -> State:
    match event:
        case AlarmJoined():
            alarm = replace(state.alarms[event.alarm], incident=event.incident)
            state = replace(state, alarms=state.alarms.set(event.alarm, alarm))
            after = _regraded(state, replace(incident, alarms=(*incident.alarms, event.alarm)))
        case VideoGranted():
            state = replace(state, given=state.given.set(event.grant, event.incident))
            after = _after(incident, event)
        case DispatchOrdered():
            state = replace(state, given=state.given.set(event.dispatch, event.incident))
            after = _after(incident, event)
        case _:
            after = _after(incident, event)
    state = replace(state, incidents=state.incidents.set(incident.incident, after))
    if isinstance(event, PositionFollowed | CamerasChanged):
        return state  # many in a minute: the map shows them, the log holds them
    return _noted(state, incident.incident, Entry(event.at, record.tag(event), record.by(event), record.detail(event)))


def _after(incident: Incident, event: IncidentEvent) -> Incident:
    """What changes in the incident itself. Nothing, when the asking or telling it follows from was erased."""
    match event:
        case AlarmJoined():
            return incident
        case IncidentClaimed():
            return replace(incident, stage=Stage.CLAIMED, owner=event.by, claimed_at=event.at)
        case IncidentTakenOver():
            return replace(incident, owner=event.by, viewers=frozenset(), cut=incident.cut | incident.viewers)
        case IncidentHandedOver() | IncidentReassigned():
            led = replace(incident, owner=event.to, viewers=frozenset(), cut=incident.cut | incident.viewers)
            return replace(led, stage=Stage.CLAIMED)
        case WearerCalled():
            return replace(incident, calls=(*incident.calls, Call(at=event.at, by=event.by, outcome=event.outcome)))
        case LocationAsked():
            return replace(incident, located_at=event.at)
        case PositionFollowed():
            return replace(incident, place=event.place, earlier=incident.place)
        case VideoRefusedHere():
            return replace(incident, refused_here=event.why)
        case FieldMarked() | PhotoTaken() | BackupAnswered() | FieldTold():
            return incidents.marked(incident, event)
        case ViewerAdmitted() if event.dispatch is not None:
            return incidents.officer_admitted(incident, event.dispatch, event.viewer)
        case ViewerAdmitted():
            return replace(
                incident, viewers=incident.viewers | {event.viewer}, cut=incident.cut - {event.viewer}, viewed=True
            )
        case SightingReported():
            return sightings.seen(incident, event)
        case ViewingNoticeDue():
            return replace(incident, notice_due_at=event.due_at)
        case DispatchOrdered() | UnitReported() | PoliceNotified() | PoliceNoticeAnswered() | AnswerOverdue():
            return _people(incident, event)
        case ProtectedWarned() | ProtectedAnswered() | ProtectedLocated():
            return _protected(incident, event)
        case _:
            return _video(incident, event)


def _protected(incident: Incident, event: ProtectedWarned | ProtectedAnswered | ProtectedLocated) -> Incident:
    match event:
        case ProtectedWarned():
            warned = Warned(at=event.at, kind=event.kind, near_m=event.near_m, direction=event.direction)
            return replace(incident, warnings=incident.warnings.set(event.protected, warned))
        case ProtectedAnswered():
            known = incident.warnings.get(event.protected)
            if known is None:
                return incident
            answered = replace(known, answer=event.answer, answered_at=event.at)
            return replace(incident, warnings=incident.warnings.set(event.protected, answered))
        case ProtectedLocated():
            return incident
        case _:
            assert_never(event)


def _video(
    incident: Incident,
    event: VideoPrepared
    | VideoRequested
    | VideoAwaited
    | CamerasProposed
    | VideoGranted
    | VideoRefused
    | CamerasChanged
    | VideoEnded,
) -> Incident:
    match event:
        case VideoPrepared() | VideoRequested():
            request = incident.requests.get(event.city)
            made = Request(
                request=event.request,
                city=event.city,
                basis=event.basis,
                kind=event.kind,
                state=VideoState.PREPARED if isinstance(event, VideoPrepared) else VideoState.REQUESTED,
                place=event.place,
                asked_at=event.at,
                until=event.until,
                by=event.by if isinstance(event, VideoRequested) else None,
                cameras=request.cameras if request else (),
                earlier=_earlier(request, event.request),
                earlier_grants=_earlier_grants(request),
            )
            if isinstance(event, VideoRequested):
                asked = incident.asked_at or event.at
                incident = replace(incident, asked_by=event.by, asked_at=asked, refused_here=None)
            return incidents.with_request(incident, made)
        case VideoAwaited():
            request = incident.requests.get(event.city)
            if request is None:
                return incident
            return incidents.with_request(incident, replace(request, answer_by=event.answer_by))
        case CamerasProposed() | VideoRefused():
            request = incident.requests.get(event.city)
            if request is None:
                return incident
            if isinstance(event, CamerasProposed):
                change = replace(request, state=VideoState.PROPOSED, cameras=event.cameras)
            else:
                change = replace(request, state=VideoState.REFUSED, why=event.why)
            return incidents.with_request(incident, change)
        case VideoGranted():
            request = incident.requests.get(event.city)
            if request is None:
                return incident
            return incidents.with_request(
                incident,
                replace(
                    request,
                    state=VideoState.GRANTED,
                    grant=event.grant,
                    granted_at=event.at,
                    conditions=event.conditions,
                    cameras=event.cameras,
                    until=event.until,
                ),
            )
        case CamerasChanged() | VideoEnded():
            held = incidents.grant_of(incident, event.grant)
            if held is None:
                return incident
            if isinstance(event, CamerasChanged):
                return incidents.with_request(incident, replace(held, cameras=event.cameras))
            return incidents.with_request(incident, replace(held, state=VideoState.ENDED, why=event.why))
        case _:
            assert_never(event)


def _earlier(held: Request | None, now: RequestId) -> frozenset[RequestId]:
    if held is None or held.request == now:
        return held.earlier if held else frozenset()
    return held.earlier | {held.request}


def _earlier_grants(held: Request | None) -> frozenset[GrantId]:
    if held is None:
        return frozenset()
    return held.earlier_grants | {held.grant} if held.grant else held.earlier_grants


def _people(
    incident: Incident,
    event: DispatchOrdered | UnitReported | PoliceNotified | PoliceNoticeAnswered | AnswerOverdue,
) -> Incident:
    match event:
        case DispatchOrdered():
            return incidents.with_dispatch(
                incident,
                Dispatch(
                    dispatch=event.dispatch,
                    unit=event.unit,
                    state=UnitState.ORDERED,
                    ordered_at=event.at,
                    answer_by=event.answer_by,
                    standing=event.standing,
                ),
            )
        case UnitReported():
            order = incident.dispatches[event.dispatch]
            accepted_at = order.accepted_at or (event.at if event.state in BUSY else None)
            after = replace(
                order, state=event.state, reported_at=event.at, accepted_at=accepted_at, unable=event.unable
            )
            incident = incidents.acted(incident, event.action)
            return incidents.with_dispatch(incident, after)
        case PoliceNotified():
            return incidents.with_notice(
                incident,
                Notice(
                    notice=event.notice,
                    room=event.room,
                    state=NoticeState.SENT,
                    sent_at=event.at,
                    answer_by=event.answer_by,
                    kind=event.kind,
                    apart_m=event.apart_m,
                ),
            )
        case PoliceNoticeAnswered():
            notice = incident.notices.get(event.notice)
            if notice is None:
                return incident
            return incidents.with_notice(incident, replace(notice, state=event.state, answered_at=event.at))
        case AnswerOverdue():
            dispatch = incident.dispatches.get(DispatchId(event.what))
            if dispatch is not None:
                return incidents.with_dispatch(incident, replace(dispatch, overdue=True))
            notice = incident.notices.get(NoticeId(event.what))
            return incident if notice is None else incidents.with_notice(incident, replace(notice, overdue=True))
        case _:
            assert_never(event)


def _closed(state: State, incident: Incident, event: IncidentClosed) -> State:
    after = replace(incident, stage=Stage.CLOSED, closed_at=event.at, code=event.code, viewers=frozenset())
    state = replace(
        state,
        alarms=_closing(state, incident),
        incidents=state.incidents.set(event.incident, after),
        open=state.open.delete(incident.wearer),
        closed=(*state.closed, event.incident),
        held=holding.without(state.held, incident.alarms),
    )
    state = _noted(state, event.incident, Entry(event.at, record.tag(event), event.by, (("code", event.code.value),)))
    return _forgotten(state) if len(state.closed) > CLOSED_KEPT_MAX else state


def _closing(state: State, incident: Incident) -> Map[AlarmId, Alarm]:
    kept = state.alarms
    for each in incident.alarms:
        kept = kept.set(each, alarms.closed(kept[each]))
    return kept


def _forgotten(state: State) -> State:
    """The oldest closed incident leaves the mind; the log keeps it for ever."""
    oldest, *rest = state.closed
    incident = state.incidents[oldest]
    kept, given = state.alarms, state.given
    for alarm in incident.alarms:
        kept = kept.delete(alarm)
    for each in incident.requests.values():
        for grant in each.earlier_grants | ({each.grant} if each.grant else set()):
            given = given.delete(grant) if grant in given else given
    for dispatch in incident.dispatches:
        given = given.delete(dispatch)
    return replace(
        state,
        alarms=kept,
        given=given,
        incidents=state.incidents.delete(oldest),
        record=state.record.delete(oldest),
        closed=tuple(rest),
    )


def _noted(state: State, incident: IncidentId, entry: Entry) -> State:
    entries = (entry, *state.record.get(incident, ()))[:RECORD_MAX]
    return replace(state, record=state.record.set(incident, entries))


# --- what must be done about it ------------------------------------------------------------------------------------


def react(state: State, serial: int, event: AnyEvent) -> list[Errand]:
    """Errands of one event. `state` is the one after it. Messages are written with the event; the rest may be lost
    in a crash and is derived again by `resume`.
    """
    if isinstance(event, AtControl | FootageDeleted):
        return [*asking.react(state.footage, event)]
    match event:
        case VideoPrepared():
            return [Send(event.city, _asks(event, PrepareVideo))]
        case VideoRequested():
            return [Send(event.city, _asks(event, RequestVideo))]
        case PositionFollowed():
            return _moves(state, event)
        case LocationAsked():
            return [AskDevice(state.incidents[event.incident].wearer)]
        case IncidentClosed():
            incident = state.incidents[event.incident]
            told = sorted({*incident.requests, *(each.room for each in incident.notices.values())})
            over = EndIncident(incident=event.incident, why=Why.INCIDENT_CLOSED)
            return [CutIncident(event.incident, Why.INCIDENT_CLOSED), *(Send(each, over) for each in told)]
        case PoliceNotified():
            place = outward(event.place) if event.place else None
            notice = NotifyPolice(
                incident=event.incident,
                notice=event.notice,
                kind=event.kind,
                place=place,
                apart_m=event.apart_m,
            )
            return [Send(event.room, notice)]
        case ProtectedLocated():
            return [
                Send(
                    event.room,
                    LocateProtected(incident=event.incident, notice=event.notice, place=outward(event.place)),
                )
            ]
        case ViewerAdmitted():
            return _admits(state, event)
        case CamerasChanged():
            return [SetCameras(event.grant, tuple(each.camera for each in event.cameras))]
        case VideoEnded():
            return [CutGrant(event.grant, event.why)]
        case UnitReported() if not FOLLOWS[event.state] and event.incident in state.incidents:
            return _officer_out(state.incidents[event.incident].dispatches[event.dispatch])
        case IncidentTakenOver() | IncidentHandedOver() | IncidentReassigned():
            return [CutIncident(event.incident, Why.NOT_OWNER)]
        case _:
            return []


def _asks(
    event: VideoPrepared | VideoRequested, kind: type[PrepareVideo] | type[RequestVideo]
) -> PrepareVideo | RequestVideo:
    """What crosses to a city: no name, no class, no order, no zone, no number of a fix."""
    return kind(
        incident=event.incident,
        request=event.request,
        basis=event.basis,
        kind=event.kind,
        place=outward(event.place),
        radius_m=event.radius_m,
        cameras_max=event.cameras_max,
        until=event.until,
    )


def _moves(state: State, event: PositionFollowed) -> list[Errand]:
    incident = state.incidents.get(event.incident)
    if incident is None:
        return []
    over = (VideoState.REFUSED, VideoState.ENDED)
    return [
        Send(each.city, MovePlace(incident=event.incident, request=each.request, place=outward(event.place)))
        for _, each in sorted(incident.requests.items())
        if each.state not in over
    ]


def _admits(state: State, event: ViewerAdmitted) -> list[Errand]:
    incident = state.incidents.get(event.incident)
    request = incidents.grant_of(incident, event.grant) if incident else None
    if request is None:
        return []
    return [
        Admit(
            token_sha256=event.token_sha256,
            viewer=event.viewer,
            incident=event.incident,
            grant=event.grant,
            city=request.city,
            cameras=tuple(each.camera for each in request.cameras),
            until=event.until,
            one_tile=event.dispatch is not None,
        )
    ]


def _officer_out(order: Dispatch) -> list[Errand]:
    """His order is over, and with it his picture; also when he is still let in to others."""
    return [CutViewer(each, Why.DISPATCH_OVER) for each in sorted(order.viewers)]


def resume(state: State) -> list[Errand]:
    """What must be said again at each meeting: which cameras live grants have, and that what has ended is cut."""
    errands: list[Errand] = []
    for incident in state.incidents.values():
        if incident.stage is Stage.CLOSED:
            errands.append(CutIncident(incident.incident, Why.INCIDENT_CLOSED))
        errands += [CutViewer(each, Why.NOT_OWNER) for each in sorted(incident.cut)]
        for order in incident.dispatches.values():
            errands += _officer_out(order) if not FOLLOWS[order.state] else []
        for request in incident.requests.values():
            if request.grant is None:
                continue
            if request.state is VideoState.GRANTED:
                errands.append(SetCameras(request.grant, tuple(each.camera for each in request.cameras)))
            else:
                errands.append(CutGrant(request.grant, request.why or Why.STOPPED))
    return errands
