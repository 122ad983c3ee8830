"""What a city has done about what was recorded: leases and stops for its relays, turns for its cameras, words for partners.

Each errand is a value that can be made again from the state. Cameras are told of as staff have set them.

Absent on purpose: whether it may happen (that is `city`), and doing it (that is `app`).
"""

from dataclasses import dataclass
from typing import Final, TypeAlias

from safetynet.core import calibrations, cameras, provisions
from safetynet.core.cameras import Camera
from safetynet.core.events import (
    AnyEvent,
    ApprovalAwaited,
    CameraCard,
    CameraReturned,
    CameraTurned,
    GrantEnded,
    GrantIssued,
    GrantMoved,
    GrantRefused,
    IncidentEnded,
    RequestPrepared,
    SightingMarked,
    ViewerAdmitted,
)
from safetynet.core.events.footage import AtCity, FootageDeleted
from safetynet.core.footage import giving
from safetynet.core.messages import (
    AwaitPerson,
    ChangeCameras,
    EndGrant,
    GiveGrant,
    ProposeCameras,
    RefuseVideo,
    Send,
)
from safetynet.core.provisions import Outcome, State, grant
from safetynet.core.terms import CameraId, GrantId, IncidentId, Instant, RequestId, Turn, ViewerId, Why

CUT_AGAIN_MAX: Final = 50
"""Grants that ended last: the window relay is told of them again at each meeting."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What the city has beside its log: its cameras and its outline."""

    registry: cameras.Registry
    area: tuple[tuple[float, float], ...]

    def surveyed(self, state: State) -> "Ground":
        """With every camera as the city's staff have set it."""
        return Ground(calibrations.overlay(self.registry, state.book), self.area)

    def camera(self, state: State, id: CameraId) -> Camera | None:
        """One of them."""
        listed = self.registry.camera(id)
        return None if listed is None else calibrations.set_to(listed, calibrations.now(state.book, id))


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
    pan_deg: float | None = None
    """Of a preset: from where it looks by itself, clockwise."""


Errand: TypeAlias = (
    Send | LeaseGrant | StopGrant | Preconnect | StopPreconnect | LetIn | LeaseOwn | CutOwn | MoveCamera | giving.Errand
)


# --- what must be done about it ------------------------------------------------------------------------------------


def react(ground: Ground, state: State, serial: int, event: AnyEvent) -> list[Errand]:
    """Errands of one event; `state` is the one after it."""
    if isinstance(event, AtCity | FootageDeleted):
        return [*giving.react(event)]
    match event:
        case RequestPrepared():
            proposal = ProposeCameras(
                incident=event.incident, request=event.request, cameras=_cards(ground, state, event.cameras)
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
                cameras=_cards(ground, state, event.cameras),
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
            change = ChangeCameras(
                incident=event.incident, grant=event.grant, cameras=_cards(ground, state, event.cameras)
            )
            own: list[Errand] = [LeaseOwn(event.grant, event.cameras)] if held.viewers else []
            return [LeaseGrant(event.grant, event.cameras), *own, Send(held.sender, change)]
        case CameraTurned():
            return _turns(state, event)
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


def _turns(state: State, event: CameraTurned) -> list[Errand]:
    """A preset is a direction on the map; the camera is told how far that is from where it looks by itself."""
    if event.turn is not Turn.PRESET:
        return [MoveCamera(event.camera, event.turn)]
    pan_deg = None if event.preset is None else calibrations.pan_deg(state.book, event.camera, event.preset)
    return [] if pan_deg is None else [MoveCamera(event.camera, event.turn, pan_deg)]


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


def _cards(ground: Ground, state: State, ids: tuple[CameraId, ...]) -> tuple[CameraCard, ...]:
    held = (ground.camera(state, each) for each in ids)
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
