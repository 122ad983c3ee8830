"""The mind of a smart city centre: asked by a control centre, it checks again by itself, provides, follows and ends.

A city knows an incident by its pseudonym, the kind of event, the basis and a place. It never learns who the person is.

Absent on purpose: the wearer, the order, the control centre's reasons; and the policy engine, whose answer comes in.
"""

import hashlib
from dataclasses import dataclass, replace
from typing import Final, TypeAlias, assert_never

from safetynet.core import calibrations, cameras, grants, law, provisions
from safetynet.core.errands import (
    CutOwn,
    Errand,
    Ground,
    LeaseGrant,
    LeaseOwn,
    LetIn,
    MoveCamera,
    Preconnect,
    StopGrant,
    StopPreconnect,
    react,
    resume,
)
from safetynet.core.events import (
    AnyEvent,
    ApprovalAwaited,
    ApprovalSet,
    CameraCalibrated,
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
from safetynet.core.footage import giving
from safetynet.core.messages import (
    AnyMessage,
    CloseFootage,
    EndIncident,
    MovePlace,
    PrepareVideo,
    RequestFootage,
    RequestVideo,
)
from safetynet.core.provisions import (
    ANSWER_MS,
    AdmitOwn,
    Approve,
    Command,
    Held,
    MarkSighting,
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
    Instant,
    PersonId,
    Why,
)

__all__ = [
    "AdmitOwn",
    "Approve",
    "Command",
    "CutOwn",
    "Errand",
    "Ground",
    "LeaseGrant",
    "LeaseOwn",
    "LetIn",
    "MarkSighting",
    "MoveCamera",
    "Preconnect",
    "Refuse",
    "Review",
    "SetApproval",
    "State",
    "StopGrant",
    "StopPreconnect",
    "StopProviding",
    "TurnCamera",
    "approval",
    "evolve",
    "grant",
    "react",
    "refuses",
    "resume",
]

EMPTY: Final = State()
PROPOSED_MAX: Final = 9


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


Given: TypeAlias = (
    Heard
    | HeardBadly
    | RelayHeard
    | LogRestored
    | DiskChanged
    | Command
    | giving.Command
    | calibrations.Set
    | calibrations.Undo
    | Tick
)
"""`LogRestored`: the log is older than it was, and what it holds alive must end. It is recorded as it comes, like `DiskChanged`."""


# --- what happens --------------------------------------------------------------------------------------------------


def decide(ground: Ground, state: State, given: Given, at: Instant) -> list[AnyEvent]:
    match given:
        case Heard():
            return _heard(ground.surveyed(state), state, given, at)
        case calibrations.Set() | calibrations.Undo():
            return _calibrated(ground, state, given, at)
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


def calibrates(ground: Ground, state: State, wish: calibrations.Wish, at: Instant) -> CameraCalibrated | Why:
    """Whether a camera may be set so, by the list and by who set it before."""
    return calibrations.decide(ground.registry, state.book, wish, at)


def _calibrated(ground: Ground, state: State, wish: calibrations.Wish, at: Instant) -> list[AnyEvent]:
    """What is provided now is chosen again: a camera may see the place only since it is known where it looks."""
    event = calibrates(ground, state, wish, at)
    if isinstance(event, Why):
        return []
    after = ground.surveyed(evolve(state, event))
    chosen = (_chosen_again(after, each, event.camera, at) for _, each in sorted(state.requests.items()))
    return [event, *(each for each in chosen if each is not None)]


def _chosen_again(ground: Ground, held: Held, calibrated: CameraId, at: Instant) -> AnyEvent | None:
    """None where the request has nothing to do with that camera, or is as good as over."""
    choices = _choices(ground, held.place, held.earlier, held.radius_m, held.cameras_max, held, held.withheld)
    moved = grants.move(_issued(held), held.place, ground.area, choices, at)
    ids = held.cameras if isinstance(moved, grants.Refused) else moved.cameras
    if at >= held.until or (ids == held.cameras and calibrated not in ids):
        return None
    if held.grant is None:
        return _preparation(held.sender, held, held.place, ids, at)
    return GrantMoved(at=at, grant=held.grant, incident=held.incident, place=held.place, cameras=ids)


def _commanded(ground: Ground, state: State, given: Command, at: Instant) -> list[AnyEvent]:
    match given:
        case Approve():
            return [_approved(ground.surveyed(state), state, state.requests[given.request], given, at)]
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
                preset=given.preset,
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
