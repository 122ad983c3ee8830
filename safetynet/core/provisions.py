"""One request at a city from its preparation to its end, what its people may do to it, and the record of what was given.

A person of the city can only narrow: leave cameras out, refuse, stop. What facts, law or policy refuse, nobody grants.

Absent on purpose: a place in the record (it outlives the request), and any free text as a reason.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final, TypeAlias, assert_never

from immutables import Map

from safetynet.core import calibrations, grants
from safetynet.core.calibrations import Book
from safetynet.core.events import (
    AnyEvent,
    ApprovalAwaited,
    ApprovalSet,
    CameraCalibrated,
    CameraReturned,
    CameraTurned,
    DiskChanged,
    GrantEnded,
    GrantIssued,
    GrantMoved,
    GrantRefused,
    GrantReviewed,
    IncidentEnded,
    Place,
    RequestPrepared,
    SightingMarked,
    ViewerAdmitted,
)
from safetynet.core.events.footage import AtCity, FootageDeleted
from safetynet.core.footage import giving
from safetynet.core.grants import PolicyAnswer
from safetynet.core.messages import ReportSighting, Send
from safetynet.core.terms import (
    MINUTE_MS,
    SECOND_MS,
    AlarmKind,
    Approval,
    Basis,
    CameraId,
    CentreId,
    DiskLevel,
    GrantId,
    Heading,
    IncidentId,
    Instant,
    PersonId,
    RequestId,
    Sight,
    Travel,
    Turn,
    ViewerId,
    Why,
)

ANSWER_MS: Final = 60 * SECOND_MS
"""A request that waits for a person is refused after this: somebody out there is running."""
RECORD_ROWS_MAX: Final = 500
"""Rows of the provision record that stay in mind; the log keeps all of them."""
SIGHTINGS_MAX: Final = 50
TURNED_MS: Final = 2 * MINUTE_MS
"""How long a camera stays turned for an incident after the last turn; until then no other incident turns it."""
RETURNED_KEPT_MAX: Final = 50
"""Cameras that were sent home last: they are told again at a start."""
REASONS: Final = (
    Why.BEYOND_PURPOSE,
    Why.OTHERS_SHOWN,
    Why.FACTS_UNCLEAR,
    Why.NEEDED_ELSEWHERE,
    Why.UNDER_REPAIR,
)
"""What a person may give as the reason for a refusal or a stop."""
ENDED_KEPT_MAX: Final = 10_000
"""Incidents remembered as ended, so that a request that comes late cannot begin them again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One request of one control centre, from preparation to its end."""

    request: RequestId
    incident: IncidentId
    sender: CentreId
    basis: Basis
    kind: AlarmKind
    place: Place
    earlier: Place | None = None
    cameras: tuple[CameraId, ...]
    until: Instant
    radius_m: int
    cameras_max: int
    grant: GrantId | None = None
    since: Instant
    """Of its present standing: prepared, waiting for a person, or granted."""
    answer_by: Instant | None = None
    """A person of the city has to answer. None: nobody was asked to."""
    policy_sha256: bytes = b""
    withheld: frozenset[CameraId] = frozenset()
    """Left out by a person; the set never moves to them."""
    viewers: frozenset[ViewerId] = frozenset()
    """Windows of this city's own people that were let in."""
    sightings: tuple[SightingMarked, ...] = ()


# --- what a person of the city may do ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Approve:
    """`without` names cameras that are left out; `policy` is the engine's answer of this moment, not of the asking."""

    request: RequestId
    by: PersonId
    without: frozenset[CameraId] = frozenset()
    policy: PolicyAnswer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    request: RequestId
    by: PersonId
    why: Why


@dataclass(frozen=True, slots=True, kw_only=True)
class StopProviding:
    grant: GrantId
    by: PersonId
    why: Why


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    grant: GrantId
    by: PersonId


@dataclass(frozen=True, slots=True, kw_only=True)
class SetApproval:
    basis: Basis
    approval: Approval
    by: PersonId


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkSighting:
    grant: GrantId
    camera: CameraId
    by: PersonId
    sight: Sight
    heading: Heading | None = None
    travel: Travel | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmitOwn:
    """A window of this city's own people wants to see what the city provides under `grant`."""

    grant: GrantId
    viewer: ViewerId
    by: PersonId
    token_sha256: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnCamera:
    """`can_turn` is what the city's list says of that camera."""

    grant: GrantId
    camera: CameraId
    by: PersonId
    turn: Turn
    can_turn: bool
    preset: int | None = None


Command: TypeAlias = Approve | Refuse | StopProviding | Review | SetApproval | MarkSighting | AdmitOwn | TurnCamera


# --- the record of what was provided -------------------------------------------------------------------------------


class Outcome(Enum):
    GRANTED = "granted"
    ENDED = "ended"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Provision:
    """One line: what a control centre was given, or why it was not."""

    request: RequestId
    incident: IncidentId
    receiver: CentreId
    outcome: Outcome
    at: Instant
    """When it was granted or refused."""
    basis: Basis | None = None
    """None where the refusal's request is no longer known."""
    kind: AlarmKind | None = None
    grant: GrantId | None = None
    cameras: frozenset[CameraId] = frozenset()
    """Every camera that was ever in the set."""
    at_once: int = 0
    """The most that were in it at one time."""
    conditions: tuple[str, ...] = ()
    until: Instant | None = None
    by: PersonId | None = None
    ended_at: Instant | None = None
    why: Why | None = None
    watched: bool = False
    """Whether the city's own people looked too."""
    ended_by: PersonId | None = None
    reviewed_by: PersonId | None = None
    answered_ms: int | None = None
    """From the asking to the answer, where a person had to give it."""


Record: TypeAlias = tuple[Provision, ...]
"""Oldest first."""


def unreviewed(row: Provision) -> bool:
    """Granted by the written policy alone, and nobody of the city has looked at it yet."""
    return row.grant is not None and row.by is None and row.reviewed_by is None


def of_grant(record: Record, grant: GrantId) -> Provision | None:
    return next((each for each in reversed(record) if each.grant == grant), None)


def note(record: Record, event: AnyEvent, held: Held | None) -> Record:
    """The record after an event; `held` is the request as it stood before."""
    match event:
        case GrantIssued():
            row = Provision(
                request=event.request,
                incident=event.incident,
                receiver=event.receiver,
                outcome=Outcome.GRANTED,
                at=event.at,
                basis=event.basis,
                kind=event.kind,
                grant=event.grant,
                cameras=frozenset(event.cameras),
                at_once=len(event.cameras),
                conditions=event.conditions,
                until=event.until,
                by=event.by,
                answered_ms=_answered_ms(held, event.at),
            )
            return (*record, row)[-RECORD_ROWS_MAX:]
        case GrantRefused() if event.policy_sha256 or event.by is not None:
            row = Provision(
                request=event.request,
                incident=event.incident,
                receiver=event.sender,
                outcome=Outcome.REFUSED,
                at=event.at,
                basis=held.basis if held else None,
                kind=held.kind if held else None,
                by=event.by,
                why=event.why,
                answered_ms=_answered_ms(held, event.at),
            )
            return (*record, row)[-RECORD_ROWS_MAX:]
        case GrantMoved():
            now = event.cameras
            return _row_changed(
                record,
                event.grant,
                lambda row: replace(row, cameras=row.cameras | set(now), at_once=max(row.at_once, len(now))),
            )
        case GrantEnded():
            return _row_changed(
                record,
                event.grant,
                lambda row: replace(row, outcome=Outcome.ENDED, ended_at=event.at, why=event.why, ended_by=event.by),
            )
        case ViewerAdmitted():
            return _row_changed(record, grants.given(event.grant), lambda row: replace(row, watched=True))
        case GrantReviewed():
            return _row_changed(record, event.grant, lambda row: replace(row, reviewed_by=event.by))
        case _:
            return record


def _row_changed(record: Record, grant: GrantId, change: Callable[[Provision], Provision]) -> Record:
    return tuple(change(each) if each.grant == grant else each for each in record)


def _answered_ms(held: Held | None, at: Instant) -> int | None:
    return at - held.since if held is not None and held.answer_by is not None else None


# --- what is so ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Turned:
    """A camera that looks elsewhere than by itself, for whom and until when."""

    grant: GrantId
    incident: IncidentId
    until: Instant


@dataclass(frozen=True, slots=True)
class State:
    requests: Map[RequestId, Held] = Map()
    """Only what is alive: a city forgets where a person was as soon as the request is over."""
    ended: tuple[tuple[CentreId, IncidentId], ...] = ()
    """By whom and what: one control centre cannot end the incident of another."""
    over: frozenset[tuple[CentreId, IncidentId]] = field(default_factory=frozenset)
    approval: Map[Basis, Approval] = Map()
    """Who answers; without a line the written policy does."""
    by_hand: frozenset[tuple[CentreId, IncidentId]] = frozenset()
    """A person has refused or stopped here: from then on the policy alone grants this incident nothing."""
    record: Record = ()
    turned: Map[CameraId, Turned] = Map()
    returned: tuple[CameraId, ...] = ()
    disk: DiskLevel = DiskLevel.AMPLE
    footage: giving.Requests = Map()
    book: Book = calibrations.EMPTY
    """How cameras stand, as the city's staff have set them."""
    calibrated: Map[CameraId, CameraCalibrated] = Map()
    """Who set each camera last, when and why."""


def grant(state: State, id: GrantId) -> Held | None:
    """By the grant's own id or that of the city's own viewing under it."""
    id = grants.given(id)
    return next((each for each in state.requests.values() if each.grant == id), None)


# --- no ------------------------------------------------------------------------------------------------------------


def refuses(state: State, command: Command, at: Instant) -> Why | None:
    """Why a person of the city may not do this now, or None. `decide` asks the same and then records nothing."""
    match command:
        case Approve() | Refuse():
            held = state.requests.get(command.request)
            if held is None:
                return Why.NOT_LIVE
            if held.answer_by is None or held.grant is not None or at >= held.answer_by:
                return Why.NOT_ALLOWED_NOW
            return Why.NOT_ALLOWED_NOW if isinstance(command, Refuse) and command.why not in REASONS else None
        case StopProviding():
            no = _refuses_grant(state, command.grant, at)
            return no or (None if command.why in REASONS else Why.NOT_ALLOWED_NOW)
        case Review():
            row = of_grant(state.record, command.grant)
            if row is None:
                return Why.NO_SUCH_GRANT
            return None if unreviewed(row) else Why.NOT_ALLOWED_NOW
        case SetApproval():
            return Why.NOT_ALLOWED_NOW if approval(state, command.basis) is command.approval else None
        case MarkSighting():
            no = _refuses_grant(state, command.grant, at)
            held = grant(state, command.grant)
            if no is None and held is not None and command.camera not in held.cameras:
                return Why.CAMERA_NOT_GRANTED
            if command.sight is Sight.NOT_HERE and (command.heading or command.travel):
                return Why.MALFORMED
            return no
        case AdmitOwn():
            return _refuses_grant(state, command.grant, at)
        case TurnCamera():
            return _refuses_turn(state, command, at)
        case _:
            assert_never(command)


def _refuses_turn(state: State, command: TurnCamera, at: Instant) -> Why | None:
    if (no := _refuses_grant(state, command.grant, at)) is not None:
        return no
    held, turned = grant(state, command.grant), state.turned.get(command.camera)
    if held is None or command.camera not in held.cameras:
        return Why.CAMERA_NOT_GRANTED
    if not command.can_turn:
        return Why.NO_PTZ
    if (command.turn is Turn.PRESET) != (command.preset is not None):
        return Why.MALFORMED
    if command.preset is not None and calibrations.pan_deg(state.book, command.camera, command.preset) is None:
        return Why.NO_PRESET
    other = turned is not None and turned.incident != held.incident and at < turned.until
    return Why.TURNED_BY_OTHER if other else None


def going_home(state: State, at: Instant) -> list[CameraReturned]:
    """Cameras that nothing holds where a person turned them."""
    found: list[CameraReturned] = []
    for camera, turned in sorted(state.turned.items()):
        held = grant(state, turned.grant)
        if held is None:
            why = Why.GRANT_ENDED
        elif camera not in held.cameras:
            why = Why.MOVED_ON
        elif at >= turned.until:
            why = Why.LEFT_ALONE
        else:
            continue
        found.append(CameraReturned(at=at, grant=turned.grant, incident=turned.incident, camera=camera, why=why))
    return found


def _refuses_grant(state: State, id: GrantId, at: Instant) -> Why | None:
    held = grant(state, id)
    if held is None:
        return Why.GRANT_ENDED if of_grant(state.record, id) else Why.NO_SUCH_GRANT
    return None if at < held.until else Why.RUN_OUT


def approval(state: State, basis: Basis) -> Approval:
    return state.approval.get(basis, Approval.AUTO)


# --- what is so afterwards -----------------------------------------------------------------------------------------


def evolve(state: State, event: AnyEvent) -> State:
    if isinstance(event, AtCity | FootageDeleted):
        return replace(state, footage=giving.evolve(state.footage, event))
    state = replace(state, record=note(state.record, event, _about(state, event)))
    match event:
        case RequestPrepared():
            return _kept(state, _held(state, event, event.sender))
        case ApprovalAwaited():
            held = replace(
                _held(state, event, event.sender), answer_by=event.answer_by, policy_sha256=event.policy_sha256
            )
            return _kept(state, replace(held, since=event.at))
        case GrantIssued():
            held = _held(state, event, event.receiver)
            held = replace(held, grant=event.grant, since=event.at, withheld=frozenset(event.withheld))
            return _kept(state, held)
        case GrantMoved() | SightingMarked() | ViewerAdmitted():
            held_now = grant(state, event.grant)
            return state if held_now is None else _kept(state, _changed(held_now, event))
        case GrantRefused():
            state = _handled(state, event.sender, event.incident, event.by)
            return replace(state, requests=_without(state.requests, event.request))
        case GrantEnded():
            state = _handled(state, event.receiver, event.incident, event.by)
            ended = grant(state, event.grant)
            return state if ended is None else replace(state, requests=state.requests.delete(ended.request))
        case CameraTurned():
            turned = Turned(event.grant, event.incident, Instant(event.at + TURNED_MS))
            return replace(state, turned=state.turned.set(event.camera, turned))
        case CameraReturned():
            left = Map({id: each for id, each in state.turned.items() if id != event.camera})
            return replace(state, turned=left, returned=(*state.returned, event.camera)[-RETURNED_KEPT_MAX:])
        case DiskChanged():
            return replace(state, disk=event.level)
        case CameraCalibrated():
            calibrated = state.calibrated.set(event.camera, event)
            return replace(state, book=calibrations.evolve(state.book, event), calibrated=calibrated)
        case ApprovalSet():
            return replace(state, approval=state.approval.set(event.basis, event.approval))
        case IncidentEnded():
            return _ended(state, event)
        case _:
            return state


def _about(state: State, event: AnyEvent) -> Held | None:
    """The request that an answer answers, as it stood before."""
    return state.requests.get(event.request) if isinstance(event, GrantIssued | GrantRefused) else None


def _changed(held: Held, event: GrantMoved | SightingMarked | ViewerAdmitted) -> Held:
    match event:
        case GrantMoved():
            earlier = held.earlier if event.place == held.place else held.place
            return replace(held, place=event.place, earlier=earlier, cameras=event.cameras)
        case SightingMarked():
            return replace(held, sightings=(*held.sightings, event)[-SIGHTINGS_MAX:])
        case ViewerAdmitted():
            return replace(held, viewers=held.viewers | {event.viewer})
        case _:
            assert_never(event)


def _handled(state: State, sender: CentreId, incident: IncidentId, by: PersonId | None) -> State:
    """A person said no: what is asked for this incident from now on waits for a person."""
    if by is None or (sender, incident) in state.over:
        return state
    return replace(state, by_hand=state.by_hand | {(sender, incident)})


def _without(requests: Map[RequestId, Held], request: RequestId) -> Map[RequestId, Held]:
    return requests.delete(request) if request in requests else requests


def _held(state: State, event: RequestPrepared | ApprovalAwaited | GrantIssued, sender: CentreId) -> Held:
    before = state.requests.get(event.request)
    made = Held(
        request=event.request,
        incident=event.incident,
        sender=sender,
        basis=event.basis,
        kind=event.kind,
        place=event.place,
        earlier=before.place if before and before.place != event.place else None,
        cameras=event.cameras,
        until=event.until,
        radius_m=event.radius_m,
        cameras_max=event.cameras_max,
        since=before.since if before else event.at,
    )
    if before is None:
        return made
    return replace(made, answer_by=before.answer_by, policy_sha256=before.policy_sha256, withheld=before.withheld)


def _kept(state: State, held: Held) -> State:
    return replace(state, requests=state.requests.set(held.request, held))


def _ended(state: State, event: IncidentEnded) -> State:
    alive = Map({id: each for id, each in state.requests.items() if id not in event.requests})
    which = (event.sender, event.incident)
    ended = (*state.ended, which)
    over = state.over | {which}
    if len(ended) > ENDED_KEPT_MAX:
        over -= {ended[0]}
        ended = ended[1:]
    return replace(state, requests=alive, ended=ended, over=over, by_hand=state.by_hand - {which})


def reports(state: State, event: SightingMarked) -> list[Send]:
    """The control centre is told what was seen, not by which of the city's people."""
    held = grant(state, event.grant)
    if held is None:
        return []
    said = ReportSighting(
        incident=event.incident,
        grant=event.grant,
        camera=event.camera,
        sight=event.sight,
        heading=event.heading,
        travel=event.travel,
        seen_at=event.seen_at,
    )
    return [Send(held.sender, said)]
