"""The mind of a smart city centre: asked by a control centre, it checks again by itself, provides, follows and ends.

A city knows an incident by its pseudonym, the kind of event, the basis and a place. It never learns who the person is.

Absent on purpose: the wearer, the order, the control centre's reasons; and the policy engine, whose answer comes in.
"""

import hashlib
from dataclasses import dataclass, replace
from typing import Final, TypeAlias, assert_never

from safetynet.core import cameras, grants, law, provisions
from safetynet.core.events import (
    AnyEvent,
    ApprovalAwaited,
    ApprovalSet,
    CameraCard,
    CameraReturned,
    CameraTurned,
    DiskChanged,
    GrantEnded,
    GrantIssued,
    GrantMoved,
    GrantRefused,
    GrantReviewed,
    IncidentEnded,
    LogRestored,
    MessageRefused,
    Place,
    RelayEvent,
    RequestPrepared,
    SightingMarked,
    ViewerAdmitted,
)
from safetynet.core.events.footage import AtCity, FootageDeleted
from safetynet.core.footage import giving
from safetynet.core.messages import (
    AnyMessage,
    AwaitPerson,
    ChangeCameras,
    CloseFootage,
    EndGrant,
    EndIncident,
    GiveGrant,
    MovePlace,
    PrepareVideo,
    ProposeCameras,
    RefuseVideo,
    RequestFootage,
    RequestVideo,
    Send,
)
from safetynet.core.provisions import (
    ANSWER_MS,
    AdmitOwn,
    Approve,
    Command,
    Held,
    MarkSighting,
    Outcome,
    Refuse,
    Review,
    SetApproval,
    State,
    StopProviding,
    TurnCamera,
    approval,
    evolve,
    grant,
    refuses,
)
from safetynet.core.terms import (
    Approval,
    CameraId,
    CentreId,
    DiskLevel,
    GrantId,
    IncidentId,
    Instant,
    PersonId,
    RequestId,
    Turn,
    ViewerId,
    Why,
)

__all__ = [
    "AdmitOwn",
    "Approve",
    "Command",
    "MarkSighting",
    "Refuse",
    "Review",
    "SetApproval",
    "State",
    "StopProviding",
    "TurnCamera",
    "approval",
    "evolve",
    "grant",
    "refuses",
]

EMPTY: Final = State()
PROPOSED_MAX: Final = 9
CUT_AGAIN_MAX: Final = 50
"""Grants that ended last: the window relay is told of them again at each meeting."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What the city has beside its log: its cameras and its outline."""

    registry: cameras.Registry
    area: tuple[tuple[float, float], ...]


# --- what comes in -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A message whose certificate, signature, direction and size the link has checked, with the policy's answer.

    `policy` is absent where none is asked for (a move, an end).
    """

    sender: CentreId
    seq: int
    message: AnyMessage
    policy: grants.PolicyAnswer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardBadly:
    sender: CentreId
    seq: int
    why: Why


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayHeard:
    events: tuple[RelayEvent, ...]


@dataclass(frozen=True, slots=True)
class Tick:
    pass


Given: TypeAlias = Heard | HeardBadly | RelayHeard | LogRestored | DiskChanged | Command | giving.Command | Tick
"""`LogRestored`: the log is older than it was, and what it holds alive must end. It is recorded as it comes, like `DiskChanged`."""


# --- what goes out -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LeaseGrant:
    """The relay may deliver these cameras under this grant, as long as the city keeps saying so."""

    grant: GrantId
    cameras: tuple[CameraId, ...]


@dataclass(frozen=True, slots=True)
class StopGrant:
    grant: GrantId
    why: Why


@dataclass(frozen=True, slots=True)
class Preconnect:
    """The relay may hold these cameras ready inside the city until `until`. Nothing leaves by this."""

    request: RequestId
    cameras: tuple[CameraId, ...]
    until: Instant


@dataclass(frozen=True, slots=True)
class StopPreconnect:
    request: RequestId


@dataclass(frozen=True, slots=True, kw_only=True)
class LetIn:
    """A window of this city's own people may show the token with this hash and watch."""

    grant: GrantId
    incident: IncidentId
    viewer: ViewerId
    token_sha256: bytes
    cameras: tuple[CameraId, ...]
    until: Instant


@dataclass(frozen=True, slots=True)
class LeaseOwn:
    """What the city's own people may watch beside what is provided under `grant`."""

    grant: GrantId
    cameras: tuple[CameraId, ...]


@dataclass(frozen=True, slots=True)
class CutOwn:
    """Nobody of this city watches by `grant` any more."""

    grant: GrantId
    why: Why


@dataclass(frozen=True, slots=True)
class MoveCamera:
    """Say so to the camera itself."""

    camera: CameraId
    turn: Turn


Errand: TypeAlias = (
    Send | LeaseGrant | StopGrant | Preconnect | StopPreconnect | LetIn | LeaseOwn | CutOwn | MoveCamera | giving.Errand
)


# --- what happens --------------------------------------------------------------------------------------------------


def decide(ground: Ground, state: State, given: Given, at: Instant) -> list[AnyEvent]:
    match given:
        case Heard():
            return _heard(ground, state, given, at)
        case HeardBadly():
            return [MessageRefused(at=at, sender=given.sender, seq=given.seq, why=given.why)]
        case RelayHeard():
            return list(given.events)
        case LogRestored():
            alive = [each for _, each in sorted(state.requests.items())]
            return [given, *(_over(each, Why.RESTORED, at) for each in alive), *giving.restored(state.footage, at)]
        case DiskChanged():
            return [given]
        case Tick():
            over = [
                _over(each, _why_over(each, at), at)
                for _, each in sorted(state.requests.items())
                if at >= _ends_at(each)
            ]
            return [*over, *provisions.going_home(state, at), *giving.due(state.footage, at)]
        case giving.AllowFootage() | giving.DenyFootage() | giving.Cut() | giving.NotCut():
            return giving.commanded(state.footage, given, giving.Around(ground.registry, state.over), at)
        case _:
            return [] if refuses(state, given, at) is not None else _commanded(ground, state, given, at)


def _commanded(ground: Ground, state: State, given: Command, at: Instant) -> list[AnyEvent]:
    match given:
        case Approve():
            return [_approved(ground, state, state.requests[given.request], given, at)]
        case Refuse():
            held = state.requests[given.request]
            return [_no_for(held, given.why, at, by=given.by)]
        case StopProviding():
            return [_end_of(_granted(state, given.grant), given.why, at, by=given.by)]
        case Review():
            row = provisions.of_grant(state.record, given.grant)
            assert row is not None, "refuses() found it"
            return [GrantReviewed(at=at, grant=given.grant, incident=row.incident, by=given.by)]
        case SetApproval():
            return [ApprovalSet(at=at, basis=given.basis, approval=given.approval, by=given.by)]
        case MarkSighting():
            held = _granted(state, given.grant)
            assert held.grant is not None
            return [
                SightingMarked(
                    at=at,
                    grant=held.grant,
                    incident=held.incident,
                    camera=given.camera,
                    by=given.by,
                    sight=given.sight,
                    heading=given.heading,
                    travel=given.travel,
                    seen_at=at,
                )
            ]
        case TurnCamera():
            held = _granted(state, given.grant)
            assert held.grant is not None
            turned = CameraTurned(
                at=at,
                grant=held.grant,
                incident=held.incident,
                camera=given.camera,
                by=given.by,
                turn=given.turn,
            )
            return [turned]
        case AdmitOwn():
            held = _granted(state, given.grant)
            assert held.grant is not None
            return [
                ViewerAdmitted(
                    at=at,
                    incident=held.incident,
                    grant=grants.own(held.grant),
                    viewer=given.viewer,
                    by=given.by,
                    token_sha256=given.token_sha256,
                    until=held.until,
                )
            ]
        case _:
            assert_never(given)


def _granted(state: State, id: GrantId) -> Held:
    held = grant(state, id)
    assert held is not None, "refuses() found the grant"
    return held


def _ends_at(held: Held) -> Instant:
    return min(held.until, held.answer_by) if held.answer_by is not None and held.grant is None else held.until


def _heard(ground: Ground, state: State, given: Heard, at: Instant) -> list[AnyEvent]:
    message = given.message
    match message:
        case PrepareVideo() | RequestVideo():
            held = state.requests.get(message.request)
            if held is not None and (held.sender != given.sender or held.incident != message.incident):
                return _unasked(given, at)
            if held is not None and (held.grant or held.answer_by or isinstance(message, PrepareVideo)):
                return []  # told twice
            return _asked(ground, state, given, message, held, at)
        case MovePlace():
            held = state.requests.get(message.request)
            if held is not None and (held.sender != given.sender or held.incident != message.incident):
                return _unasked(given, at)
            if held is None:
                return []  # the request is over here; the control centre learns or has learnt it
            return _moved(ground, held, message, at)
        case EndIncident():
            if (given.sender, message.incident) in state.over:
                return []
            alive = [
                each
                for _, each in sorted(state.requests.items())
                if each.incident == message.incident and each.sender == given.sender
            ]
            ends = [
                GrantEnded(at=at, grant=each.grant, incident=each.incident, receiver=each.sender, why=message.why)
                for each in alive
                if each.grant is not None
            ]
            ended = IncidentEnded(
                at=at,
                incident=message.incident,
                sender=given.sender,
                requests=tuple(each.request for each in alive),
                why=message.why,
            )
            return [*ends, ended]
        case RequestFootage() | CloseFootage():
            around = giving.Around(ground.registry, state.over)
            return giving.heard(state.footage, message, given.sender, given.seq, given.policy, around, at)
        case _:
            return _unasked(given, at)


def _end_of(held: Held, why: Why, at: Instant, *, by: PersonId | None = None) -> GrantEnded:
    assert held.grant is not None
    return GrantEnded(at=at, grant=held.grant, incident=held.incident, receiver=held.sender, why=why, by=by)


def _no_for(held: Held, why: Why, at: Instant, *, by: PersonId | None = None) -> GrantRefused:
    return GrantRefused(
        at=at,
        request=held.request,
        incident=held.incident,
        sender=held.sender,
        why=why,
        policy_sha256=held.policy_sha256,
        by=by,
    )


def _over(held: Held, why: Why, at: Instant) -> AnyEvent:
    """A preparation that nobody took up ends as a refusal of that request alone: the incident itself goes on."""
    if held.grant is not None:
        return _end_of(held, why, at)
    return _no_for(held, why, at)


def _why_over(held: Held, at: Instant) -> Why:
    return Why.UNANSWERED if held.grant is None and at < held.until else Why.RUN_OUT


def _unasked(given: Heard, at: Instant) -> list[AnyEvent]:
    return [MessageRefused(at=at, sender=given.sender, seq=given.seq, why=Why.NOT_ALLOWED_NOW)]


def _asked(
    ground: Ground, state: State, given: Heard, message: PrepareVideo | RequestVideo, held: Held | None, at: Instant
) -> list[AnyEvent]:
    """The same facts are checked for preparing and for providing; only the second needs the policy's word."""
    wanted = asked_for(state, given.sender, message)
    limits = law.limits(message.basis, message.kind)
    no = Why.DISK_LOW if state.disk is not DiskLevel.AMPLE else None
    no = no or grants.first_against(grants.check(wanted, limits, ground.area, at))
    choices = () if no else _choices(ground, message.place, None, message.radius_m, message.cameras_max, held)
    if isinstance(message, PrepareVideo):
        no = no or (None if choices else Why.NO_CAMERA)
        if no is not None:
            return [_refusal(given.sender, message, no, b"", at)]
        ids = tuple(each.camera.id for each in choices)
        return [_preparation(given.sender, message, message.place, ids, at)]
    policy = given.policy or grants.ABSENT
    if no is Why.DISK_LOW:
        return [_refusal(given.sender, message, no, policy.sha256, at)]
    answer = grants.issue(wanted, limits, ground.area, policy, choices, at)
    match answer:
        case grants.Refused(why):
            return [_refusal(given.sender, message, why, policy.sha256, at)]
        case grants.Issued():
            return [_waiting(answer, at) if _by_person(state, answer) else _grant(answer, at)]
        case _:
            assert_never(answer)


def _by_person(state: State, answer: grants.Issued) -> bool:
    """Whether a person of the city must say yes too: by its rule for this basis, or because one has said no before."""
    hand = (answer.receiver, answer.incident) in state.by_hand
    return hand or approval(state, answer.basis) is Approval.PERSON


def _waiting(answer: grants.Issued, at: Instant) -> ApprovalAwaited:
    return ApprovalAwaited(
        at=at,
        request=answer.request,
        incident=answer.incident,
        sender=answer.receiver,
        basis=answer.basis,
        kind=answer.kind,
        place=answer.place,
        radius_m=answer.radius_m,
        cameras_max=answer.cameras_max,
        cameras=answer.cameras,
        until=answer.until,
        policy_sha256=answer.policy_sha256,
        answer_by=Instant(min(at + ANSWER_MS, answer.until)),
    )


def _grant(
    answer: grants.Issued, at: Instant, *, by: PersonId | None = None, withheld: frozenset[CameraId] = frozenset()
) -> GrantIssued:
    return GrantIssued(
        at=at,
        grant=GrantId("G-" + _short(f"{answer.incident} {answer.request} {at}")),
        request=answer.request,
        incident=answer.incident,
        receiver=answer.receiver,
        basis=answer.basis,
        kind=answer.kind,
        place=answer.place,
        radius_m=answer.radius_m,
        cameras_max=answer.cameras_max,
        cameras=answer.cameras,
        conditions=answer.conditions,
        until=answer.until,
        policy_sha256=answer.policy_sha256,
        by=by,
        withheld=tuple(sorted(withheld)),
    )


def _approved(ground: Ground, state: State, held: Held, given: Approve, at: Instant) -> GrantIssued | GrantRefused:
    """A person's yes is asked of facts, law and policy once more: it can only narrow what these allow now."""
    withheld = held.withheld | (given.without & frozenset(held.cameras))
    left = len(frozenset(held.cameras) - withheld)
    wanted = replace(asked_for(state, held.sender, held), cameras_max=min(held.cameras_max, left))
    limits = law.limits(held.basis, held.kind)
    if state.disk is not DiskLevel.AMPLE or left == 0:
        return _no_for(held, Why.DISK_LOW if left else Why.NO_CAMERA, at, by=given.by)
    choices = _choices(ground, held.place, held.earlier, held.radius_m, held.cameras_max, held, withheld)
    answer = grants.issue(wanted, limits, ground.area, given.policy or grants.ABSENT, choices, at)
    if isinstance(answer, grants.Refused):
        return _no_for(held, answer.why, at)
    return _grant(answer, at, by=given.by, withheld=withheld)


def asked_for(state: State, sender: CentreId, message: PrepareVideo | RequestVideo | Held) -> grants.Wanted:
    """A message in the words of `grants`; the policy engine is told the same facts."""
    return grants.Wanted(
        request=message.request,
        incident=message.incident,
        receiver=sender,
        basis=message.basis,
        kind=message.kind,
        place=message.place,
        radius_m=message.radius_m,
        cameras_max=message.cameras_max,
        until=message.until,
        live=(sender, message.incident) not in state.over,
        cameras_held=sum(
            each.cameras_max
            for each in state.requests.values()
            if each.incident == message.incident and each.grant is not None
        ),
    )


def _refusal(
    sender: CentreId, message: PrepareVideo | RequestVideo, why: Why, policy: bytes, at: Instant
) -> GrantRefused:
    return GrantRefused(
        at=at, request=message.request, incident=message.incident, sender=sender, why=why, policy_sha256=policy
    )


def _preparation(
    sender: CentreId, asked: PrepareVideo | RequestVideo | Held, place: Place, ids: tuple[CameraId, ...], at: Instant
) -> RequestPrepared:
    return RequestPrepared(
        at=at,
        request=asked.request,
        incident=asked.incident,
        sender=sender,
        basis=asked.basis,
        kind=asked.kind,
        place=place,
        radius_m=asked.radius_m,
        cameras_max=asked.cameras_max,
        cameras=ids,
        until=asked.until,
    )


def _choices(
    ground: Ground,
    place: Place,
    earlier: Place | None,
    radius_m: int,
    wanted: int,
    held: Held | None,
    withheld: frozenset[CameraId] = frozenset(),
) -> tuple[cameras.Choice, ...]:
    """The best cameras for where the person may be and goes, never beyond the radius that was granted."""
    heading_deg, speed_mps = cameras.course(earlier, place)
    found = cameras.choose(
        ground.registry,
        place,
        min(wanted + len(withheld), PROPOSED_MAX),
        heading_deg,
        speed_mps,
        keep=frozenset(held.cameras) if held else frozenset(),
        radius_max_m=float(radius_m),
    )
    return tuple(each for each in found if each.camera.id not in withheld)[:wanted]


def _moved(ground: Ground, held: Held, message: MovePlace, at: Instant) -> list[AnyEvent]:
    """The camera set follows. A place that may not be followed to changes nothing: the pictures of before stay."""
    if message.place.observed_at <= held.place.observed_at:
        return []
    if grants.unfollowed(_issued(held), message.place, ground.area, at) is not None:
        return []
    choices = _choices(ground, message.place, held.place, held.radius_m, held.cameras_max, held, held.withheld)
    moved = grants.move(_issued(held), message.place, ground.area, choices, at)
    if isinstance(moved, grants.Refused):
        return []
    if held.grant is None:
        return [_preparation(held.sender, held, moved.place, moved.cameras, at)]
    return [GrantMoved(at=at, grant=held.grant, incident=held.incident, place=moved.place, cameras=moved.cameras)]


def _issued(held: Held) -> grants.Issued:
    return grants.Issued(
        request=held.request,
        incident=held.incident,
        receiver=held.sender,
        basis=held.basis,
        kind=held.kind,
        place=held.place,
        radius_m=held.radius_m,
        cameras_max=held.cameras_max,
        cameras=held.cameras,
        conditions=(),
        until=held.until,
        policy_sha256=b"",
    )


def _short(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=8, person=b"safetynet-id").hexdigest().upper()


# --- what must be done about it ------------------------------------------------------------------------------------


def react(ground: Ground, state: State, serial: int, event: AnyEvent) -> list[Errand]:
    """Errands of one event; `state` is the one after it."""
    if isinstance(event, AtCity | FootageDeleted):
        return [*giving.react(event)]
    match event:
        case RequestPrepared():
            proposal = ProposeCameras(
                incident=event.incident, request=event.request, cameras=_cards(ground, event.cameras)
            )
            return [Preconnect(event.request, event.cameras, event.until), Send(event.sender, proposal)]
        case ApprovalAwaited():
            wait = AwaitPerson(incident=event.incident, request=event.request, answer_by=event.answer_by)
            return [Preconnect(event.request, event.cameras, event.until), Send(event.sender, wait)]
        case GrantIssued():
            given = GiveGrant(
                incident=event.incident,
                request=event.request,
                grant=event.grant,
                cameras=_cards(ground, event.cameras),
                conditions=event.conditions,
                until=event.until,
            )
            return [LeaseGrant(event.grant, event.cameras), StopPreconnect(event.request), Send(event.receiver, given)]
        case GrantRefused():
            refusal = RefuseVideo(incident=event.incident, request=event.request, why=event.why)
            return [StopPreconnect(event.request), Send(event.sender, refusal)]
        case GrantMoved():
            held = grant(state, event.grant)
            if held is None:
                return []
            change = ChangeCameras(incident=event.incident, grant=event.grant, cameras=_cards(ground, event.cameras))
            own: list[Errand] = [LeaseOwn(event.grant, event.cameras)] if held.viewers else []
            return [LeaseGrant(event.grant, event.cameras), *own, Send(held.sender, change)]
        case CameraTurned():
            return [MoveCamera(event.camera, event.turn)]
        case CameraReturned():
            return [MoveCamera(event.camera, Turn.HOME)]
        case ViewerAdmitted():
            return _lets_in(state, event)
        case SightingMarked():
            return [*provisions.reports(state, event)]
        case GrantEnded():
            stop: list[Errand] = [StopGrant(event.grant, event.why)]
            row = provisions.of_grant(state.record, event.grant)
            if row is not None and row.watched:
                stop.append(CutOwn(event.grant, event.why))
            if event.why is not Why.INCIDENT_CLOSED:
                end = EndGrant(incident=event.incident, grant=event.grant, why=event.why)
                stop.append(Send(event.receiver, end))
            return stop
        case IncidentEnded():
            return [StopPreconnect(each) for each in event.requests]
        case _:
            return []


def _lets_in(state: State, event: ViewerAdmitted) -> list[Errand]:
    held = grant(state, event.grant)
    if held is None or held.grant is None:
        return []
    return [
        LeaseOwn(held.grant, held.cameras),
        LetIn(
            grant=held.grant,
            incident=held.incident,
            viewer=event.viewer,
            token_sha256=event.token_sha256,
            cameras=held.cameras,
            until=event.until,
        ),
    ]


def _cards(ground: Ground, ids: tuple[CameraId, ...]) -> tuple[CameraCard, ...]:
    held = (ground.registry.camera(each) for each in ids)
    return tuple(cameras.card(each) for each in held if each is not None)


def resume(state: State) -> list[Errand]:
    """What a start must say again to its relay."""
    errands: list[Errand] = []
    for held in state.requests.values():
        if held.grant is not None:
            errands.append(LeaseGrant(held.grant, held.cameras))
            errands += [LeaseOwn(held.grant, held.cameras)] if held.viewers else []
        else:
            errands.append(Preconnect(held.request, held.cameras, held.until))
    errands += [
        CutOwn(each.grant, each.why or Why.STOPPED)
        for each in state.record[-CUT_AGAIN_MAX:]
        if each.grant is not None and each.watched and each.outcome is Outcome.ENDED
    ]
    errands += [MoveCamera(each, Turn.HOME) for each in state.returned if each not in state.turned]
    return errands
