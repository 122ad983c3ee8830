"""Past footage at a city: asked for, checked again, decided by a person, cut from the recorder, fetched, deleted.

A city learns the incident's pseudonym, cameras of its own, minutes and a basis. It never learns who it is about.

Absent on purpose: an answer by the policy alone. What was recorded shows everybody who passed; a person looks at each request.
"""

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final, TypeAlias, assert_never

from immutables import Map

from safetynet.core import footage, law
from safetynet.core.cameras import Registry
from safetynet.core.events import AnyEvent, MessageRefused
from safetynet.core.events.footage import (
    AtCity,
    FootageAllowed,
    FootageDeleted,
    FootageDenied,
    FootageMissing,
    FootageProvided,
    FootageRequested,
)
from safetynet.core.grants import ABSENT, PolicyAnswer
from safetynet.core.messages import (
    AnnounceFootage,
    AwaitFootage,
    CloseFootage,
    GiveFootage,
    LackFootage,
    RefuseFootage,
    RequestFootage,
    Send,
)
from safetynet.core.terms import (
    CameraId,
    CentreId,
    FootageBasis,
    FootageId,
    IncidentId,
    Instant,
    PersonId,
    Why,
)

KEPT_MAX: Final = 500
"""Requests that are over and stay in mind; the log keeps all of them."""
WAITING_MAX: Final = 100
"""That a person has not answered yet; beyond this a partner is refused."""


class Stage(Enum):
    WAITING = "waiting"
    ALLOWED = "allowed"
    """Its files are being cut and fetched."""
    DENIED = "denied"
    CLOSED = "closed"
    """Fetched, or its time was over: nothing of it lies here any more."""


OVER: Final = frozenset({Stage.DENIED, Stage.CLOSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One request of one control centre."""

    footage: FootageId
    incident: IncidentId
    sender: CentreId
    basis: FootageBasis
    document: str
    cameras: tuple[CameraId, ...]
    since: Instant
    until: Instant
    at: Instant
    stage: Stage = Stage.WAITING
    answer_by: Instant
    policy_sha256: bytes = b""
    by: PersonId | None = None
    answered_at: Instant | None = None
    conditions: tuple[str, ...] = ()
    fetch_by: Instant | None = None
    files: Map[CameraId, FootageProvided] = field(default_factory=Map)
    lacking: Map[CameraId, Why] = field(default_factory=Map)
    why: Why | None = None
    over_at: Instant | None = None


Requests: TypeAlias = Map[FootageId, Wanted]


# --- what comes in -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Around:
    """What a city knows beside a request: its cameras, and which incidents have ended."""

    registry: Registry
    over: frozenset[tuple[CentreId, IncidentId]]

    def own(self, cameras: tuple[CameraId, ...]) -> frozenset[CameraId]:
        return frozenset(each for each in cameras if self.registry.camera(each) is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowFootage:
    """A person says yes, without these cameras; `policy` is the engine's answer of this moment."""

    footage: FootageId
    by: PersonId
    without: frozenset[CameraId] = frozenset()
    policy: PolicyAnswer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DenyFootage:
    footage: FootageId
    by: PersonId
    why: Why


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """The recorder gave this file, and it lies sealed on this city's disk."""

    footage: FootageId
    camera: CameraId
    since: Instant
    until: Instant
    size_bytes: int
    sha256: bytes
    pieces: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class NotCut:
    footage: FootageId
    camera: CameraId
    why: Why


Command: TypeAlias = AllowFootage | DenyFootage | Cut | NotCut


@dataclass(frozen=True, slots=True)
class CutFootage:
    """An errand: the recorder is to give these files."""

    footage: FootageId


@dataclass(frozen=True, slots=True)
class DropFootage:
    """An errand: whatever lies here of this request goes."""

    footage: FootageId


Errand: TypeAlias = CutFootage | DropFootage


# --- no ------------------------------------------------------------------------------------------------------------


def _against(
    asked: RequestFootage | Wanted, sender: CentreId, around: Around, policy: PolicyAnswer, at: Instant
) -> Why | None:
    """The facts and the law, and then the written policy, which is asked the same."""
    live = (sender, asked.incident) not in around.over
    return footage.first(
        (
            *footage.bounds(asked.basis, asked.document, asked.cameras, asked.since, asked.until, at),
            Why.NOT_LIVE if law.FOOTAGE[asked.basis].while_open and not live else None,
            None if around.own(asked.cameras).issuperset(asked.cameras) else Why.NO_CAMERA,
        )
    ) or _against_policy(policy)


def _against_policy(policy: PolicyAnswer) -> Why | None:
    if not policy.present:
        return Why.POLICY_ABSENT
    if policy.errors != 0:
        return Why.POLICY_ERROR
    return None if policy.allow is True else Why.POLICY_DENIED


def refuses(held: Requests, command: Command, at: Instant) -> Why | None:
    """Why a person of the city may not do this now, or None."""
    wanted = held.get(command.footage)
    if wanted is None or wanted.stage in OVER:
        return Why.NOT_LIVE
    match command:
        case AllowFootage():
            if wanted.stage is not Stage.WAITING or at >= wanted.answer_by:
                return Why.NOT_ALLOWED_NOW
            return None if set(wanted.cameras) - command.without else Why.NO_CAMERA
        case DenyFootage():
            if wanted.stage is not Stage.WAITING or at >= wanted.answer_by:
                return Why.NOT_ALLOWED_NOW
            return None if command.why in footage.CITY_REASONS else Why.NOT_ALLOWED_NOW
        case Cut() | NotCut():
            settled = command.camera in wanted.files or command.camera in wanted.lacking
            right = wanted.stage is Stage.ALLOWED and command.camera in wanted.cameras and not settled
            return None if right else Why.NOT_ALLOWED_NOW
        case _:
            assert_never(command)


# --- what happens --------------------------------------------------------------------------------------------------


def heard(
    held: Requests,
    message: RequestFootage | CloseFootage,
    sender: CentreId,
    seq: int,
    policy: PolicyAnswer | None,
    around: Around,
    at: Instant,
) -> list[AnyEvent]:
    wanted = held.get(message.footage)
    theirs = wanted is None or (wanted.sender == sender and wanted.incident == message.incident)
    if not theirs:
        return [MessageRefused(at=at, sender=sender, seq=seq, why=Why.NOT_ALLOWED_NOW)]
    if isinstance(message, CloseFootage):
        return [] if wanted is None or wanted.stage in OVER else [_closed(wanted, message.why, at)]
    return [] if wanted is not None else [_asked(held, message, sender, policy or ABSENT, around, at)]  # told twice


def _asked(
    held: Requests, message: RequestFootage, sender: CentreId, policy: PolicyAnswer, around: Around, at: Instant
) -> FootageRequested | FootageDenied:
    waiting = sum(each.stage is Stage.WAITING for each in held.values())
    full = Why.NOT_ALLOWED_NOW if waiting >= WAITING_MAX else None
    why = _against(message, sender, around, policy, at) or full
    if why is not None:
        return FootageDenied(
            at=at,
            incident=message.incident,
            footage=message.footage,
            sender=sender,
            why=why,
            policy_sha256=policy.sha256,
        )
    return FootageRequested(
        at=at,
        incident=message.incident,
        footage=message.footage,
        sender=sender,
        basis=message.basis,
        document=message.document,
        cameras=message.cameras,
        since=message.since,
        until=message.until,
        policy_sha256=policy.sha256,
        answer_by=Instant(at + footage.ANSWER_MS),
    )


def commanded(held: Requests, command: Command, around: Around, at: Instant) -> list[AnyEvent]:
    """A person's yes is held against facts, law and policy once more."""
    return [] if refuses(held, command, at) is not None else [_done(held[command.footage], command, around, at)]


def _done(wanted: Wanted, command: Command, around: Around, at: Instant) -> AnyEvent:
    match command:
        case AllowFootage():
            policy = command.policy or ABSENT
            why = _against(wanted, wanted.sender, around, policy, at)
            return _denied(wanted, why, at) if why is not None else _allowed(wanted, command, policy, at)
        case DenyFootage():
            return _denied(wanted, command.why, at, by=command.by)
        case Cut():
            return FootageProvided(
                at=at,
                incident=wanted.incident,
                footage=wanted.footage,
                receiver=wanted.sender,
                camera=command.camera,
                since=command.since,
                until=command.until,
                size_bytes=command.size_bytes,
                sha256=command.sha256,
                pieces=command.pieces,
            )
        case NotCut():
            return FootageMissing(
                at=at,
                incident=wanted.incident,
                footage=wanted.footage,
                receiver=wanted.sender,
                camera=command.camera,
                why=command.why,
            )
        case _:
            assert_never(command)


def _allowed(wanted: Wanted, command: AllowFootage, policy: PolicyAnswer, at: Instant) -> FootageAllowed:
    return FootageAllowed(
        at=at,
        incident=wanted.incident,
        footage=wanted.footage,
        receiver=wanted.sender,
        cameras=tuple(each for each in wanted.cameras if each not in command.without),
        conditions=law.FOOTAGE_CONDITIONS,
        policy_sha256=policy.sha256,
        by=command.by,
        until=Instant(at + footage.FETCH_MS),
    )


def _denied(wanted: Wanted, why: Why, at: Instant, *, by: PersonId | None = None) -> FootageDenied:
    return FootageDenied(
        at=at,
        incident=wanted.incident,
        footage=wanted.footage,
        sender=wanted.sender,
        why=why,
        policy_sha256=wanted.policy_sha256,
        by=by,
    )


def _closed(wanted: Wanted, why: Why, at: Instant) -> FootageDeleted:
    return FootageDeleted(at=at, incident=wanted.incident, footage=wanted.footage, why=why)


def due(held: Requests, at: Instant) -> list[AnyEvent]:
    """Nobody answered in time; nobody fetched in time."""
    events: list[AnyEvent] = []
    for _, wanted in sorted(held.items()):
        if wanted.stage is Stage.WAITING and at >= wanted.answer_by:
            events.append(_denied(wanted, Why.UNANSWERED, at))
        elif wanted.stage is Stage.ALLOWED and wanted.fetch_by is not None and at >= wanted.fetch_by:
            events.append(_closed(wanted, Why.RUN_OUT, at))
    return events


def restored(held: Requests, at: Instant) -> list[AnyEvent]:
    """In a log that was brought back nothing is alive: who was let have a file asks again."""
    alive = [each for _, each in sorted(held.items()) if each.stage not in OVER]
    return [
        _denied(each, Why.RESTORED, at) if each.stage is Stage.WAITING else _closed(each, Why.RESTORED, at)
        for each in alive
    ]


def to_cut(held: Requests) -> list[tuple[Wanted, CameraId]]:
    """Files that were allowed and not cut yet, oldest first."""
    allowed = sorted((each for each in held.values() if each.stage is Stage.ALLOWED), key=lambda each: each.at)
    return [
        (wanted, camera)
        for wanted in allowed
        for camera in wanted.cameras
        if camera not in wanted.files and camera not in wanted.lacking
    ]


def may_fetch(held: Requests, asker: CentreId, id: FootageId, camera: CameraId, at: Instant) -> FootageProvided | None:
    """The file that this partner may fetch now, or None: not its own, over, or never allowed."""
    wanted = held.get(id)
    if wanted is None or wanted.sender != asker or wanted.stage is not Stage.ALLOWED:
        return None
    if wanted.fetch_by is None or at >= wanted.fetch_by:
        return None
    return wanted.files.get(camera)


# --- what is so afterwards -----------------------------------------------------------------------------------------


def evolve(held: Requests, event: AtCity | FootageDeleted) -> Requests:
    if isinstance(event, FootageRequested):
        return _bounded(
            held.set(
                event.footage,
                Wanted(
                    footage=event.footage,
                    incident=event.incident,
                    sender=event.sender,
                    basis=event.basis,
                    document=event.document,
                    cameras=event.cameras,
                    since=event.since,
                    until=event.until,
                    at=event.at,
                    answer_by=event.answer_by,
                    policy_sha256=event.policy_sha256,
                ),
            )
        )
    wanted = held.get(event.footage)
    return held if wanted is None else held.set(event.footage, _after(wanted, event))


def _after(wanted: Wanted, event: AtCity | FootageDeleted) -> Wanted:
    match event:
        case FootageRequested():
            return wanted
        case FootageAllowed():
            return replace(
                wanted,
                stage=Stage.ALLOWED,
                cameras=event.cameras,
                conditions=event.conditions,
                by=event.by,
                answered_at=event.at,
                fetch_by=event.until,
            )
        case FootageDenied():
            return replace(
                wanted, stage=Stage.DENIED, why=event.why, by=event.by, answered_at=event.at, over_at=event.at
            )
        case FootageProvided():
            return replace(wanted, files=wanted.files.set(event.camera, event))
        case FootageMissing():
            return replace(wanted, lacking=wanted.lacking.set(event.camera, event.why))
        case FootageDeleted():
            return replace(wanted, stage=Stage.CLOSED, why=event.why, over_at=event.at)
        case _:
            assert_never(event)


def _bounded(held: Requests) -> Requests:
    over = sorted((each for each in held.values() if each.stage in OVER), key=lambda each: (each.at, each.footage))
    for each in over[: max(0, len(over) - KEPT_MAX)]:
        held = held.delete(each.footage)
    return held


# --- what must be done about it ------------------------------------------------------------------------------------


def react(event: AtCity | FootageDeleted) -> list[Send | Errand]:
    match event:
        case FootageRequested():
            wait = AwaitFootage(incident=event.incident, footage=event.footage, answer_by=event.answer_by)
            return [Send(event.sender, wait)]
        case FootageDenied():
            return [Send(event.sender, RefuseFootage(incident=event.incident, footage=event.footage, why=event.why))]
        case FootageAllowed():
            given = GiveFootage(
                incident=event.incident,
                footage=event.footage,
                cameras=event.cameras,
                conditions=event.conditions,
                until=event.until,
            )
            return [Send(event.receiver, given), CutFootage(event.footage)]
        case FootageProvided():
            announced = AnnounceFootage(
                incident=event.incident,
                footage=event.footage,
                camera=event.camera,
                since=event.since,
                until=event.until,
                size_bytes=event.size_bytes,
                sha256=event.sha256,
                pieces=event.pieces,
            )
            return [Send(event.receiver, announced)]
        case FootageMissing():
            lack = LackFootage(incident=event.incident, footage=event.footage, camera=event.camera, why=event.why)
            return [Send(event.receiver, lack)]
        case FootageDeleted():
            return [DropFootage(event.footage)]
        case _:
            assert_never(event)
