"""The mind of a smart city centre: asked by a control centre, it checks again by itself, provides, follows and ends.

A city knows an incident by its pseudonym, the kind of event, the basis and a place. It never learns who the person is.

Absent on purpose: the wearer, the order, the control centre's reasons; and the policy engine, whose answer comes in.
"""

import hashlib
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias, assert_never

from immutables import Map

from safetynet.core import cameras, grants, law
from safetynet.core.events import (
    AnyEvent,
    CameraCard,
    DiskChanged,
    GrantEnded,
    GrantIssued,
    GrantMoved,
    GrantRefused,
    IncidentEnded,
    LogRestored,
    MessageRefused,
    Place,
    RelayEvent,
    RequestPrepared,
)
from safetynet.core.messages import (
    AnyMessage,
    ChangeCameras,
    EndGrant,
    EndIncident,
    GiveGrant,
    MovePlace,
    PrepareVideo,
    ProposeCameras,
    RefuseVideo,
    RequestVideo,
    Send,
)
from safetynet.core.terms import (
    AlarmKind,
    Basis,
    CameraId,
    CentreId,
    DiskLevel,
    GrantId,
    IncidentId,
    Instant,
    RequestId,
    Why,
)

PROPOSED_MAX: Final = 9
ENDED_KEPT_MAX: Final = 10_000
"""Incidents remembered as ended, so that a request that comes late cannot begin them again."""


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


Given: TypeAlias = Heard | HeardBadly | RelayHeard | LogRestored | DiskChanged | Tick
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


Errand: TypeAlias = Send | LeaseGrant | StopGrant | Preconnect | StopPreconnect


# --- what is so ----------------------------------------------------------------------------------------------------


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


@dataclass(frozen=True, slots=True)
class State:
    requests: Map[RequestId, Held] = Map()
    """Only what is alive: a city forgets where a person was as soon as the request is over."""
    ended: tuple[tuple[CentreId, IncidentId], ...] = ()
    """By whom and what: one control centre cannot end the incident of another."""
    over: frozenset[tuple[CentreId, IncidentId]] = field(default_factory=frozenset)
    disk: DiskLevel = DiskLevel.AMPLE


EMPTY: Final = State()


def grant(state: State, id: GrantId) -> Held | None:
    return next((each for each in state.requests.values() if each.grant == id), None)


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
            return [given, *(_over(each, Why.RESTORED, at) for each in alive)]
        case DiskChanged():
            return [given]
        case Tick():
            over = [each for _, each in sorted(state.requests.items()) if at >= each.until]
            return [_over(each, Why.RUN_OUT, at) for each in over]
        case _:
            assert_never(given)


def _heard(ground: Ground, state: State, given: Heard, at: Instant) -> list[AnyEvent]:
    message = given.message
    match message:
        case PrepareVideo() | RequestVideo():
            held = state.requests.get(message.request)
            if held is not None and (held.sender != given.sender or held.incident != message.incident):
                return _unasked(given, at)
            if held is not None and (held.grant is not None or isinstance(message, PrepareVideo)):
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
        case _:
            return _unasked(given, at)


def _end_of(held: Held, why: Why, at: Instant) -> GrantEnded:
    assert held.grant is not None
    return GrantEnded(at=at, grant=held.grant, incident=held.incident, receiver=held.sender, why=why)


def _over(held: Held, why: Why, at: Instant) -> AnyEvent:
    """A preparation that nobody took up ends as a refusal of that request alone: the incident itself goes on."""
    if held.grant is not None:
        return _end_of(held, why, at)
    return GrantRefused(
        at=at, request=held.request, incident=held.incident, sender=held.sender, why=why, policy_sha256=b""
    )


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
            return [
                GrantIssued(
                    at=at,
                    grant=GrantId("G-" + _short(f"{message.incident} {message.request} {at}")),
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
                    by=None,
                )
            ]
        case _:
            assert_never(answer)


def asked_for(state: State, sender: CentreId, message: PrepareVideo | RequestVideo) -> grants.Wanted:
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
    ground: Ground, place: Place, earlier: Place | None, radius_m: int, wanted: int, held: Held | None
) -> tuple[cameras.Choice, ...]:
    """The best cameras for where the person may be and goes, never beyond the radius that was granted."""
    heading_deg, speed_mps = cameras.course(earlier, place)
    return cameras.choose(
        ground.registry,
        place,
        min(wanted, PROPOSED_MAX),
        heading_deg,
        speed_mps,
        keep=frozenset(held.cameras) if held else frozenset(),
        radius_max_m=float(radius_m),
    )


def _moved(ground: Ground, held: Held, message: MovePlace, at: Instant) -> list[AnyEvent]:
    """The camera set follows. A place that may not be followed to changes nothing: the pictures of before stay."""
    if message.place.observed_at <= held.place.observed_at:
        return []
    choices = _choices(ground, message.place, held.place, held.radius_m, held.cameras_max, held)
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


# --- what is so afterwards -----------------------------------------------------------------------------------------


def evolve(state: State, event: AnyEvent) -> State:
    match event:
        case RequestPrepared():
            return _kept(state, _held(state, event, event.sender))
        case GrantIssued():
            return _kept(state, replace(_held(state, event, event.receiver), grant=event.grant))
        case GrantMoved():
            held = grant(state, event.grant)
            if held is None:
                return state
            return _kept(state, replace(held, place=event.place, earlier=held.place, cameras=event.cameras))
        case GrantRefused() if event.request in state.requests:
            return replace(state, requests=state.requests.delete(event.request))
        case GrantEnded():
            held = grant(state, event.grant)
            return state if held is None else replace(state, requests=state.requests.delete(held.request))
        case IncidentEnded():
            return _ended(state, event)
        case DiskChanged():
            return replace(state, disk=event.level)
        case _:
            return state


def _held(state: State, event: RequestPrepared | GrantIssued, sender: CentreId) -> Held:
    before = state.requests.get(event.request)
    return Held(
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
    )


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
    return replace(state, requests=alive, ended=ended, over=over)


# --- what must be done about it ------------------------------------------------------------------------------------


def react(ground: Ground, state: State, serial: int, event: AnyEvent) -> list[Errand]:
    """Errands of one event; `state` is the one after it."""
    match event:
        case RequestPrepared():
            proposal = ProposeCameras(
                incident=event.incident, request=event.request, cameras=_cards(ground, event.cameras)
            )
            return [Preconnect(event.request, event.cameras, event.until), Send(event.sender, proposal)]
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
            return [LeaseGrant(event.grant, event.cameras), Send(held.sender, change)]
        case GrantEnded():
            stop: list[Errand] = [StopGrant(event.grant, event.why)]
            if event.why is not Why.INCIDENT_CLOSED:
                end = EndGrant(incident=event.incident, grant=event.grant, why=event.why)
                stop.append(Send(event.receiver, end))
            return stop
        case IncidentEnded():
            return [StopPreconnect(each) for each in event.requests]
        case _:
            return []


def _cards(ground: Ground, ids: tuple[CameraId, ...]) -> tuple[CameraCard, ...]:
    held = (ground.registry.camera(each) for each in ids)
    return tuple(cameras.card(each) for each in held if each is not None)


def resume(state: State) -> list[Errand]:
    """What a start must say again to its relay."""
    errands: list[Errand] = []
    for held in state.requests.values():
        if held.grant is not None:
            errands.append(LeaseGrant(held.grant, held.cameras))
        else:
            errands.append(Preconnect(held.request, held.cameras, held.until))
    return errands
