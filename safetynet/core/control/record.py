"""One line of an incident's record: who, what and the few words beside it, of every event that is about an incident."""

from dataclasses import dataclass
from typing import TypeAlias

from safetynet.core import incidents
from safetynet.core.alarms import Step
from safetynet.core.events import (
    AlarmAcknowledged,
    AlarmAmended,
    AlarmJoined,
    AlarmShelved,
    AlarmSurfaced,
    AlarmUnshelved,
    AnswerOverdue,
    AnyEvent,
    BackupAnswered,
    CamerasChanged,
    CamerasProposed,
    DispatchOrdered,
    FieldMarked,
    FieldTold,
    IncidentClaimed,
    IncidentHandedOver,
    IncidentReassigned,
    IncidentTakenOver,
    LocationAsked,
    PhotoTaken,
    PoliceNoticeAnswered,
    PoliceNotified,
    PositionFollowed,
    ProtectedAnswered,
    ProtectedLocated,
    ProtectedWarned,
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
from safetynet.core.events.footage import (
    AtControl,
    FootageAsked,
    FootageDeclined,
    FootageDeleted,
    FootageGranted,
    FootageLost,
    FootageRefused,
)
from safetynet.core.terms import Instant, PersonId
from safetynet.core.verdicts import Change


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of an incident's record, for the screens. The log holds the whole; this is what was kept in mind."""

    at: Instant
    what: str
    by: PersonId | None = None
    detail: tuple[tuple[str, str], ...] = ()


IncidentEvent: TypeAlias = (
    AlarmJoined
    | IncidentClaimed
    | IncidentTakenOver
    | IncidentHandedOver
    | IncidentReassigned
    | WearerCalled
    | LocationAsked
    | PositionFollowed
    | VideoPrepared
    | VideoRequested
    | VideoRefusedHere
    | CamerasProposed
    | VideoGranted
    | VideoRefused
    | CamerasChanged
    | VideoEnded
    | VideoAwaited
    | SightingReported
    | ViewerAdmitted
    | DispatchOrdered
    | UnitReported
    | FieldMarked
    | BackupAnswered
    | FieldTold
    | PhotoTaken
    | PoliceNotified
    | PoliceNoticeAnswered
    | AnswerOverdue
    | ViewingNoticeDue
    | ProtectedWarned
    | ProtectedAnswered
    | ProtectedLocated
)


def tag(event: AnyEvent) -> str:
    tag = type(event).__struct_config__.tag
    assert isinstance(tag, str)
    return tag


def by(event: IncidentEvent) -> PersonId | None:
    match event:
        case (
            IncidentClaimed()
            | IncidentTakenOver()
            | IncidentHandedOver()
            | IncidentReassigned()
            | WearerCalled()
            | LocationAsked()
            | VideoRequested()
            | VideoRefusedHere()
            | ViewerAdmitted()
            | SightingReported()
            | DispatchOrdered()
            | UnitReported()
            | FieldMarked()
            | BackupAnswered()
            | FieldTold()
            | PhotoTaken()
            | PoliceNotified()
        ):
            return event.by
        case _:
            return None


def detail(event: IncidentEvent) -> tuple[tuple[str, str], ...]:
    match event:
        case WearerCalled():
            return (("outcome", event.outcome.value),)
        case FieldTold():
            return (("text", event.text),)
        case LocationAsked():
            return (("kind", event.kind.value),)
        case VideoPrepared() | VideoRequested():
            return (("city", event.city),)
        case CamerasProposed() | VideoGranted():
            return (("city", event.city), ("cameras", str(len(event.cameras))))
        case VideoRefused():
            return (("city", event.city), ("why", event.why.value))
        case VideoRefusedHere() | VideoEnded():
            return (("why", event.why.value),)
        case CamerasChanged():
            return (("cameras", str(len(event.cameras))),)
        case VideoAwaited():
            return (("city", event.city),)
        case SightingReported():
            found: list[tuple[str, str]] = [("city", event.city)] if event.city else []
            found += [("sight", event.sight.value), ("camera_name", event.camera)]
            found += [("heading", event.heading.value)] if event.heading else []
            found += [("travel", event.travel.value)] if event.travel else []
            return tuple(found)
        case DispatchOrdered():
            standing = () if event.standing is None else (("standing", event.standing.value),)
            competent = () if event.competent is None else (("competent", event.competent),)
            return (("unit", event.unit), *standing, *competent)
        case UnitReported():
            unable = (("unable", event.unable.value),) if event.unable else ()
            return (("unit", event.unit), ("state", event.state.value), *unable, *incidents.late(event))
        case FieldMarked():
            return (("unit", event.unit), ("mark", event.mark.value), *incidents.late(event))
        case PhotoTaken():
            return (("unit", event.unit), *incidents.late(event))
        case PoliceNotified() | ProtectedLocated():
            return (("room", event.room),)
        case ProtectedWarned():
            return (("kind", event.kind.value), ("near_m", str(event.near_m)))
        case ProtectedAnswered():
            return (("answer", event.answer.value),)
        case PoliceNoticeAnswered():
            return (("state", event.state.value),)
        case IncidentHandedOver():
            return (("to", event.to),)
        case IncidentReassigned():
            return (("to", event.to), ("reason", event.reason.value))
        case _:
            return ()


def of_alarm(event: Step) -> tuple[PersonId | None, tuple[tuple[str, str], ...]]:
    """Who and the few words beside it, of what happens to an alarm of an incident."""
    match event:
        case AlarmAcknowledged() | AlarmUnshelved():
            return event.by, ()
        case AlarmShelved():
            return event.by, (("shelved", event.shelved.value),)
        case AlarmSurfaced():
            return None, (("surfaced", event.surfaced.value),)
        case AlarmAmended():
            return None, (("change", amended(event)),)
        case _:
            return None, ()


def amended(event: AlarmAmended) -> str:
    """A word of `verdicts.Change`."""
    change: str = (Change.RETRACTED if event.retracted else Change.AMENDED).value
    return change


def of_footage(event: AtControl | FootageDeleted) -> tuple[PersonId | None, tuple[tuple[str, str], ...]]:
    """Who and the few words beside it, of what happens to past footage."""
    by: PersonId | None = getattr(event, "by", None)
    city: str | None = getattr(event, "city", None)
    detail = [("city", city)] if city else []
    if isinstance(event, FootageDeclined | FootageRefused | FootageLost | FootageDeleted):
        detail.append(("why", event.why.value))
    if isinstance(event, FootageAsked | FootageGranted):
        detail.append(("cameras", str(len(event.cameras))))
    return by, tuple(detail)
