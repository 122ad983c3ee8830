"""Past footage at the control centre: one person asks, another approves, the city answers, files come and go again.

Absent on purpose: the bytes of a file, and any way for the one who asked to approve.
"""

import hashlib
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final, TypeAlias, assert_never

from immutables import Map

from safetynet.core import footage, law
from safetynet.core.events import AnyEvent, MessageRefused
from safetynet.core.events.footage import (
    AtControl,
    FootageAnnounced,
    FootageApproved,
    FootageAsked,
    FootageDeclined,
    FootageDeleted,
    FootageExtended,
    FootageGranted,
    FootageLost,
    FootagePending,
    FootageReceived,
    FootageRefused,
    FootageViewed,
)
from safetynet.core.law import FOOTAGE_EXTENSIONS_MAX, FOOTAGE_KEPT_DAYS, FOOTAGE_MARGIN_MINUTES
from safetynet.core.messages import (
    AnnounceFootage,
    AwaitFootage,
    CloseFootage,
    FootageAnswer,
    GiveFootage,
    LackFootage,
    RefuseFootage,
    RequestFootage,
    Send,
)
from safetynet.core.terms import (
    DAY_MS,
    MINUTE_MS,
    AlarmKind,
    CameraId,
    CentreId,
    FootageBasis,
    FootageId,
    IncidentId,
    Instant,
    KeepReason,
    PersonId,
    WearerClass,
    WearerId,
    Why,
)

KEPT_MAX: Final = 500
"""Requests that are over and stay in mind; the log keeps all of them."""
LIVE_MAX: Final = 100
"""Requests that are not over, at once."""
CONDITIONS_MAX: Final = 16


class Stage(Enum):
    """Where a request stands."""

    ASKED = "asked"
    """A second person has to approve it."""
    SENT = "sent"
    PENDING = "pending"
    """A person of the city decides."""
    GRANTED = "granted"
    """Files are on their way."""
    HERE = "here"
    """Everything that will come is here."""
    DECLINED = "declined"
    REFUSED = "refused"
    DELETED = "deleted"


OVER: Final = frozenset({Stage.DECLINED, Stage.REFUSED, Stage.DELETED})


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One camera's file, from its announcement."""

    camera: CameraId
    since: Instant
    until: Instant
    size_bytes: int
    sha256: bytes
    pieces: bytes
    received_at: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    footage: FootageId
    incident: IncidentId
    wearer: WearerId
    city: CentreId
    cameras: tuple[CameraId, ...]
    since: Instant
    until: Instant
    basis: FootageBasis
    document: str
    by: PersonId
    at: Instant
    stage: Stage = Stage.ASKED
    approved_by: PersonId | None = None
    approved_at: Instant | None = None
    answer_by: Instant | None = None
    fetch_by: Instant | None = None
    conditions: tuple[str, ...] = ()
    why: Why | None = None
    files: Map[CameraId, File] = field(default_factory=Map)
    lost: Map[CameraId, Why] = field(default_factory=Map)
    expires_at: Instant | None = None
    extended: int = 0
    over_at: Instant | None = None


Requests: TypeAlias = Map[FootageId, Asked]


# --- what a person may do ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class AskFootage:
    """`opened_at` to `near` is what is known of the incident; `closed_at` None while it is open."""

    incident: IncidentId
    wearer: WearerId | None
    city: CentreId
    cameras: tuple[CameraId, ...]
    since: Instant
    until: Instant
    basis: FootageBasis
    document: str
    by: PersonId
    opened_at: Instant
    closed_at: Instant | None
    kind: AlarmKind | None
    footing: WearerClass | None
    near: frozenset[tuple[CentreId, CameraId]]
    """Cameras that were proposed or provided for it, each with its city."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApproveFootage:
    """`may` says whether this person's role lets them approve at all."""

    footage: FootageId
    by: PersonId
    may: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclineFootage:
    footage: FootageId
    by: PersonId
    may: bool
    why: Why


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtendFootage:
    footage: FootageId
    by: PersonId
    may: bool
    reason: KeepReason


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteFootage:
    """Also takes a request back. Who asked may always."""

    footage: FootageId
    by: PersonId
    may: bool
    why: Why


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewFootage:
    footage: FootageId
    camera: CameraId
    by: PersonId


@dataclass(frozen=True, slots=True)
class Fetched:
    """Every piece is on this centre's disk, and the whole has the hash that was announced."""

    footage: FootageId
    camera: CameraId


@dataclass(frozen=True, slots=True)
class NotFetched:
    footage: FootageId
    camera: CameraId
    why: Why


Command: TypeAlias = (
    AskFootage | ApproveFootage | DeclineFootage | ExtendFootage | DeleteFootage | ViewFootage | Fetched | NotFetched
)


@dataclass(frozen=True, slots=True)
class DropFootage:
    """An errand: whatever lies here of this request goes."""

    footage: FootageId


# --- no ------------------------------------------------------------------------------------------------------------


def refuses(held: Requests, command: Command, at: Instant) -> Why | None:
    """Why a person may not do this now, or None."""
    if isinstance(command, AskFootage):
        return _refuses_asking(held, command, at)
    asked = held.get(command.footage)
    if asked is None or asked.stage in OVER:
        return Why.NOT_LIVE
    match command:
        case ApproveFootage() | DeclineFootage():
            return _refuses_answer(asked, command, at)
        case ExtendFootage():
            if not command.may or asked.expires_at is None:
                return Why.NOT_ALLOWED_NOW
            return Why.TOO_MANY_RENEWALS if asked.extended >= FOOTAGE_EXTENSIONS_MAX else None
        case DeleteFootage():
            may = command.may or command.by == asked.by
            return None if may and command.why in footage.REASONS else Why.NOT_ALLOWED_NOW
        case ViewFootage():
            file = asked.files.get(command.camera)
            if file is None or file.received_at is None or asked.expires_at is None:
                return Why.NOT_ALLOWED_NOW
            return Why.RUN_OUT if at >= asked.expires_at else None
        case Fetched() | NotFetched():
            file = asked.files.get(command.camera)
            return None if file is not None and file.received_at is None else Why.NOT_ALLOWED_NOW
        case _:
            assert_never(command)


def _refuses_answer(asked: Asked, command: ApproveFootage | DeclineFootage, at: Instant) -> Why | None:
    """Two persons: who asked may take it back, and never says yes to it."""
    if asked.stage is not Stage.ASKED or not command.may:
        return Why.NOT_ALLOWED_NOW
    if command.by == asked.by:
        return Why.OWN_REQUEST
    if isinstance(command, DeclineFootage):
        return None if command.why in footage.REASONS else Why.NOT_ALLOWED_NOW
    # It may have become too old meanwhile: asked for on the thirtieth day, approved on the thirty-second.
    return footage.first(footage.bounds(asked.basis, asked.document, asked.cameras, asked.since, asked.until, at))


def _refuses_asking(held: Requests, wish: AskFootage, at: Instant) -> Why | None:
    if wish.wearer is None or wish.footing is None or wish.kind is None:
        return Why.NO_BASIS  # who was erased is looked for no more
    found = law.footage(wish.basis, wish.footing, wish.kind)
    if isinstance(found, law.NoBasis):
        return found.why
    if found.while_open and wish.closed_at is not None:
        return Why.NOT_LIVE
    margin_ms = FOOTAGE_MARGIN_MINUTES * MINUTE_MS
    inside = wish.since >= wish.opened_at - margin_ms and wish.until <= (wish.closed_at or at) + margin_ms
    live = sum(each.stage not in OVER for each in held.values())
    return footage.first(
        (
            *footage.bounds(wish.basis, wish.document, wish.cameras, wish.since, wish.until, at),
            None if inside else Why.TOO_LONG,
            None if all((wish.city, each) in wish.near for each in wish.cameras) else Why.CAMERA_NOT_GRANTED,
            None if live < LIVE_MAX else Why.NOT_ALLOWED_NOW,
        )
    )


# --- what happens --------------------------------------------------------------------------------------------------


def commanded(held: Requests, command: Command, at: Instant) -> AnyEvent:
    """What a person does, after `refuses` had nothing against it."""
    if isinstance(command, AskFootage):
        return _asked(command, at)
    asked = held[command.footage]
    match command:
        case ApproveFootage():
            return FootageApproved(at=at, incident=asked.incident, footage=asked.footage, by=command.by)
        case DeclineFootage():
            return FootageDeclined(
                at=at, incident=asked.incident, footage=asked.footage, by=command.by, why=command.why
            )
        case ExtendFootage():
            assert asked.expires_at is not None, "refuses() found it"
            return FootageExtended(
                at=at,
                incident=asked.incident,
                footage=asked.footage,
                by=command.by,
                reason=command.reason,
                expires_at=Instant(asked.expires_at + FOOTAGE_KEPT_DAYS * DAY_MS),
            )
        case DeleteFootage():
            return _deleted(asked, command.why, at, by=command.by)
        case ViewFootage():
            return FootageViewed(
                at=at, incident=asked.incident, footage=asked.footage, camera=command.camera, by=command.by
            )
        case Fetched():
            return _received(asked, asked.files[command.camera], at)
        case NotFetched():
            return _lost(asked, command.camera, command.why, at)
        case _:
            assert_never(command)


def _asked(wish: AskFootage, at: Instant) -> FootageAsked:
    assert wish.wearer is not None, "refuses() found it"
    name = f"{wish.incident} {wish.city} {at} {wish.by} {wish.cameras}".encode()
    return FootageAsked(
        at=at,
        incident=wish.incident,
        wearer=wish.wearer,
        footage=FootageId("F-" + hashlib.blake2b(name, digest_size=8, person=b"safetynet-id").hexdigest().upper()),
        city=wish.city,
        cameras=wish.cameras,
        since=wish.since,
        until=wish.until,
        basis=wish.basis,
        document=wish.document,
        by=wish.by,
    )


def _received(asked: Asked, file: File, at: Instant) -> FootageReceived:
    return FootageReceived(
        at=at,
        incident=asked.incident,
        footage=asked.footage,
        city=asked.city,
        camera=file.camera,
        size_bytes=file.size_bytes,
        sha256=file.sha256,
        pieces_sha256=hashlib.sha256(file.pieces).digest(),
        expires_at=asked.expires_at or Instant(at + FOOTAGE_KEPT_DAYS * DAY_MS),
    )


def _lost(asked: Asked, camera: CameraId, why: Why, at: Instant) -> FootageLost:
    return FootageLost(at=at, incident=asked.incident, footage=asked.footage, city=asked.city, camera=camera, why=why)


def _refused(asked: Asked, why: Why, at: Instant) -> FootageRefused:
    return FootageRefused(at=at, incident=asked.incident, footage=asked.footage, city=asked.city, why=why)


def _deleted(asked: Asked, why: Why, at: Instant, *, by: PersonId | None = None) -> FootageDeleted:
    return FootageDeleted(at=at, incident=asked.incident, footage=asked.footage, why=why, by=by)


def heard(held: Requests, sender: CentreId, seq: int, message: FootageAnswer, at: Instant) -> list[AnyEvent]:
    """A city speaks only of what it was asked, and only as the next step of it; the rest is refused and recorded."""
    asked = held.get(message.footage)
    if asked is None or asked.city != sender or asked.incident != message.incident or asked.stage is Stage.ASKED:
        return [MessageRefused(at=at, sender=sender, seq=seq, why=Why.NOT_ALLOWED_NOW)]
    if asked.stage in OVER or asked.stage is Stage.HERE:
        return []  # it was on the road when this was over
    malformed: list[AnyEvent] = [MessageRefused(at=at, sender=sender, seq=seq, why=Why.MALFORMED)]
    waits = asked.stage in (Stage.SENT, Stage.PENDING)
    match message:
        case AwaitFootage():
            if asked.stage is not Stage.SENT:
                return []
            pending = FootagePending(
                at=at, incident=asked.incident, footage=asked.footage, city=sender, answer_by=message.answer_by
            )
            return [pending]
        case RefuseFootage():
            return [_refused(asked, message.why, at)] if waits else []
        case GiveFootage():
            if not waits:
                return []
            some = frozenset(message.cameras)
            if not some or not some <= frozenset(asked.cameras) or len(message.conditions) > CONDITIONS_MAX:
                return malformed
            return [
                FootageGranted(
                    at=at,
                    incident=asked.incident,
                    footage=asked.footage,
                    city=sender,
                    cameras=tuple(each for each in asked.cameras if each in some),
                    conditions=message.conditions,
                    until=message.until,
                )
            ]
        case AnnounceFootage():
            if waits or message.camera not in asked.cameras:
                return malformed
            if message.camera in asked.files or message.camera in asked.lost:
                return []
            if not footage.sound(message.size_bytes, message.sha256, message.pieces) or not _of(asked, message):
                return malformed
            return [
                FootageAnnounced(
                    at=at,
                    incident=asked.incident,
                    footage=asked.footage,
                    city=sender,
                    camera=message.camera,
                    since=message.since,
                    until=message.until,
                    size_bytes=message.size_bytes,
                    sha256=message.sha256,
                    pieces=message.pieces,
                )
            ]
        case LackFootage():
            if waits or message.camera not in asked.cameras:
                return malformed
            settled = message.camera in asked.files or message.camera in asked.lost
            return [] if settled else [_lost(asked, message.camera, message.why, at)]
        case _:
            assert_never(message)


def _of(asked: Asked, message: AnnounceFootage) -> bool:
    """Whether the file is of the time that was asked for."""
    slack = footage.SLACK_MS
    return asked.since - slack <= message.since < message.until <= asked.until + slack


def due(held: Requests, at: Instant) -> list[AnyEvent]:
    """What time brings: nobody approved, the city was silent, nothing came, the time of keeping is over."""
    events: list[AnyEvent] = []
    for _, asked in sorted(held.items()):
        match asked.stage:
            case Stage.ASKED if at >= asked.at + footage.APPROVAL_MS:
                events.append(_deleted(asked, Why.UNANSWERED, at))
            case Stage.SENT | Stage.PENDING if at >= (asked.approved_at or at) + footage.ANSWER_MS + footage.OVERDUE_MS:
                events.append(_refused(asked, Why.UNANSWERED, at))
            case Stage.GRANTED if at >= (asked.fetch_by or at) + footage.OVERDUE_MS:
                events += [_lost(asked, each, Why.RUN_OUT, at) for each in missing(asked)]
            case Stage.GRANTED | Stage.HERE if asked.expires_at is not None and at >= asked.expires_at:
                events.append(_deleted(asked, Why.RUN_OUT, at))
            case Stage.HERE if asked.expires_at is None:
                events.append(_deleted(asked, Why.NOT_RECORDED, at))
            case _:
                continue
    return events


def restored(held: Requests, at: Instant) -> list[AnyEvent]:
    """A log that was brought back holds no file, and what it waits for may have been answered since."""
    return [_deleted(each, Why.RESTORED, at) for _, each in sorted(held.items()) if each.stage not in OVER]


def missing(asked: Asked) -> tuple[CameraId, ...]:
    """Cameras of which a file may still come."""
    return tuple(
        each
        for each in asked.cameras
        if each not in asked.lost and (each not in asked.files or asked.files[each].received_at is None)
    )


def to_fetch(held: Requests) -> list[tuple[Asked, File]]:
    """Files that were announced and are not here, oldest request first."""
    waiting = sorted((each for each in held.values() if each.stage is Stage.GRANTED), key=lambda each: each.at)
    return [
        (asked, asked.files[camera])
        for asked in waiting
        for camera in asked.cameras
        if camera in asked.files and asked.files[camera].received_at is None and camera not in asked.lost
    ]


# --- what is so afterwards -----------------------------------------------------------------------------------------


def evolve(held: Requests, event: AtControl | FootageDeleted) -> Requests:
    if isinstance(event, FootageAsked):
        return _bounded(
            held.set(
                event.footage,
                Asked(
                    footage=event.footage,
                    incident=event.incident,
                    wearer=event.wearer,
                    city=event.city,
                    cameras=event.cameras,
                    since=event.since,
                    until=event.until,
                    basis=event.basis,
                    document=event.document,
                    by=event.by,
                    at=event.at,
                ),
            )
        )
    asked = held.get(event.footage)
    return held if asked is None else held.set(event.footage, _after(asked, event))  # None: its wearer was erased


def _after(asked: Asked, event: AtControl | FootageDeleted) -> Asked:
    match event:
        case FootageAsked() | FootageViewed():
            return asked
        case FootageApproved():
            return replace(asked, stage=Stage.SENT, approved_by=event.by, approved_at=event.at)
        case FootageDeclined():
            return replace(asked, stage=Stage.DECLINED, approved_by=event.by, why=event.why, over_at=event.at)
        case FootagePending():
            return replace(asked, stage=Stage.PENDING, answer_by=event.answer_by)
        case FootageRefused():
            return replace(asked, stage=Stage.REFUSED, why=event.why, over_at=event.at)
        case FootageGranted():
            return replace(
                asked,
                stage=Stage.GRANTED,
                cameras=event.cameras,
                conditions=event.conditions,
                fetch_by=event.until,
            )
        case FootageAnnounced():
            file = File(
                camera=event.camera,
                since=event.since,
                until=event.until,
                size_bytes=event.size_bytes,
                sha256=event.sha256,
                pieces=event.pieces,
            )
            return replace(asked, files=asked.files.set(event.camera, file))
        case FootageReceived():
            file = replace(asked.files[event.camera], received_at=event.at)
            here = replace(asked, files=asked.files.set(event.camera, file), expires_at=event.expires_at)
            return here if missing(here) else replace(here, stage=Stage.HERE)
        case FootageLost():
            without = replace(asked, lost=asked.lost.set(event.camera, event.why))
            return without if missing(without) else replace(without, stage=Stage.HERE)
        case FootageExtended():
            return replace(asked, expires_at=event.expires_at, extended=asked.extended + 1)
        case FootageDeleted():
            return replace(asked, stage=Stage.DELETED, why=event.why, over_at=event.at)
        case _:
            assert_never(event)


def _bounded(held: Requests) -> Requests:
    over = sorted((each for each in held.values() if each.stage in OVER), key=lambda each: (each.at, each.footage))
    for each in over[: max(0, len(over) - KEPT_MAX)]:
        held = held.delete(each.footage)
    return held


# --- what must be done about it ------------------------------------------------------------------------------------


def react(held: Requests, event: AtControl | FootageDeleted) -> list[Send | DropFootage]:
    """`held` is what is so after the event. What crosses names no wearer, no class, no kind and no order."""
    asked = held.get(event.footage)
    if asked is None:
        return []
    match event:
        case FootageApproved():
            wanted = RequestFootage(
                incident=asked.incident,
                footage=asked.footage,
                basis=asked.basis,
                document=asked.document,
                cameras=asked.cameras,
                since=asked.since,
                until=asked.until,
            )
            return [Send(asked.city, wanted)]
        case FootageReceived() | FootageLost() if asked.stage is Stage.HERE:
            return [_closing(asked, Why.NO_LONGER_NEEDED)]
        case FootageRefused(why=Why.UNANSWERED):
            return [_closing(asked, Why.WITHDRAWN)]
        case FootageDeleted() if asked.approved_by is None:
            return [DropFootage(asked.footage)]  # the city never heard of it
        case FootageDeleted():
            return [DropFootage(asked.footage), _closing(asked, Why.WITHDRAWN)]
        case _:
            return []


def _closing(asked: Asked, why: Why) -> Send:
    return Send(asked.city, CloseFootage(incident=asked.incident, footage=asked.footage, why=why))
