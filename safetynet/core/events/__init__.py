"""Everything that can be recorded, in the past tense, made only of terms.

An event never changes: fields are only ever added with a default, and the golden bytes of each version are kept as
tests. What concerns a person is stored under that person's key (`subject` says whose), so that it can be erased
while the ledger above it stays provable.

Absent on purpose: names, contacts, orders (but in what an administrator entered, sealed) and tracks (in the journal).
A position is here only where it justified a decision.
"""

from typing import Final, TypeAlias

import msgspec

from safetynet.core.events import by_administrator
from safetynet.core.events.base import CameraCard as CameraCard
from safetynet.core.events.base import Event as Event
from safetynet.core.events.base import Place as Place
from safetynet.core.events.base import Spot as Spot
from safetynet.core.events.by_city import ApprovalAwaited as ApprovalAwaited
from safetynet.core.events.by_city import ApprovalSet as ApprovalSet
from safetynet.core.events.by_city import CameraReturned as CameraReturned
from safetynet.core.events.by_city import CameraTurned as CameraTurned
from safetynet.core.events.by_city import GrantReviewed as GrantReviewed
from safetynet.core.events.by_city import SightingMarked as SightingMarked
from safetynet.core.events.by_field import BackupAnswered as BackupAnswered
from safetynet.core.events.by_field import FieldMarked as FieldMarked
from safetynet.core.events.by_field import FieldTold as FieldTold
from safetynet.core.events.by_field import PhotoTaken as PhotoTaken
from safetynet.core.events.by_operator import LocationAsked as LocationAsked
from safetynet.core.events.by_relay import CameraPreconnected as CameraPreconnected
from safetynet.core.events.by_relay import RelayEvent as RelayEvent
from safetynet.core.events.by_relay import Segment as Segment
from safetynet.core.events.by_relay import StrangersRefused as StrangersRefused
from safetynet.core.events.by_relay import StreamClosed as StreamClosed
from safetynet.core.events.by_relay import StreamOpened as StreamOpened
from safetynet.core.events.by_relay import ViewingRefused as ViewingRefused
from safetynet.core.events.footage import AboutFootage as AboutFootage
from safetynet.core.events.footage import FootageAsked, FootageRequested
from safetynet.core.events.late import AlarmAmended as AlarmAmended
from safetynet.core.events.of_alarm import AlarmShelved as AlarmShelved
from safetynet.core.events.of_alarm import AlarmSuppressed as AlarmSuppressed
from safetynet.core.events.of_alarm import AlarmSurfaced as AlarmSurfaced
from safetynet.core.events.of_alarm import AlarmUnshelved as AlarmUnshelved
from safetynet.core.events.of_alarm import OfAlarm as OfAlarm
from safetynet.core.events.of_alarm import OfOutage as OfOutage
from safetynet.core.events.of_alarm import OfService as OfService
from safetynet.core.events.of_alarm import OutageAcknowledged as OutageAcknowledged
from safetynet.core.events.of_alarm import OutageBegan as OutageBegan
from safetynet.core.events.of_alarm import OutageEnded as OutageEnded
from safetynet.core.events.of_alarm import ServiceResumed as ServiceResumed
from safetynet.core.events.of_alarm import ServiceStopped as ServiceStopped
from safetynet.core.events.of_program import DiskChanged as DiskChanged
from safetynet.core.events.of_program import LogRestored as LogRestored
from safetynet.core.events.of_program import ProgramStarted as ProgramStarted
from safetynet.core.events.of_shift import AtShift as AtShift
from safetynet.core.events.of_shift import HandoverItem as HandoverItem
from safetynet.core.events.of_shift import HandoverItemConfirmed as HandoverItemConfirmed
from safetynet.core.events.of_shift import HandoverNoted as HandoverNoted
from safetynet.core.events.of_shift import HandoverOffered as HandoverOffered
from safetynet.core.events.of_shift import HandoverTaken as HandoverTaken
from safetynet.core.events.of_shift import HandoverWithdrawn as HandoverWithdrawn
from safetynet.core.events.of_shift import IncidentReassigned as IncidentReassigned
from safetynet.core.events.shielded import ProtectedAnswered as ProtectedAnswered
from safetynet.core.events.shielded import ProtectedLocated as ProtectedLocated
from safetynet.core.events.shielded import ProtectedPlaceReceived as ProtectedPlaceReceived
from safetynet.core.events.shielded import ProtectedWarned as ProtectedWarned
from safetynet.core.terms import (
    ActionId,
    AlarmId,
    AlarmKind,
    Basis,
    CalibrationReason,
    CallOutcome,
    CameraId,
    CentreId,
    Certainty,
    DispatchId,
    Disposition,
    FixId,
    GrantId,
    Heading,
    IncidentId,
    Instant,
    NoticeId,
    NoticeState,
    OfficeId,
    PersonId,
    Priority,
    ProtectedId,
    Purpose,
    RequestId,
    Sight,
    Standing,
    SubjectId,
    Travel,
    Unable,
    UnitId,
    UnitState,
    ViewerId,
    WearerId,
    Why,
    ZoneId,
)

VERSION: Final = 1
"""Raised when a meaning changes. Older versions are read for ever."""


# --- at the control centre: alarm ----------------------------------------------------------------------------------


class AlarmRaised(Event, frozen=True, kw_only=True, tag="alarm_raised"):
    alarm: AlarmId
    wearer: WearerId
    kind: AlarmKind
    priority: Priority
    certainty: Certainty
    place: Place | None
    """Absent when the device reported a violation and no position is known at all."""
    zone: ZoneId | None
    episode: str
    """Of the rules' own; with it the end of an alarm is told to them again after a crash."""
    order_version: int | None
    rules: str
    """Version of the rules that judged it."""
    protected: ProtectedId | None = None
    unproven: bool = False
    """It came of a word that nothing proved to be the device's."""


class AlarmRepeated(Event, frozen=True, kw_only=True, tag="alarm_repeated"):
    """The same condition was broken again within the episode; certainty may have risen."""

    alarm: AlarmId
    wearer: WearerId
    certainty: Certainty
    place: Place | None


class AlarmReturned(Event, frozen=True, kw_only=True, tag="alarm_returned"):
    """The condition holds again. The alarm stays: a person closes it (a tamper is never healed by its signal)."""

    alarm: AlarmId
    wearer: WearerId
    place: Place | None


class AlarmAcknowledged(Event, frozen=True, kw_only=True, tag="alarm_acknowledged"):
    alarm: AlarmId
    wearer: WearerId
    by: PersonId


class AlarmEscalated(Event, frozen=True, kw_only=True, tag="alarm_escalated"):
    """Nobody acknowledged in time; it now rings for more people. `level` counts from 1."""

    alarm: AlarmId
    wearer: WearerId
    level: int


# --- at the control centre: incident -------------------------------------------------------------------------------


class IncidentOpened(Event, frozen=True, kw_only=True, tag="incident_opened"):
    incident: IncidentId
    wearer: WearerId
    alarm: AlarmId


class AlarmJoined(Event, frozen=True, kw_only=True, tag="alarm_joined"):
    """A further alarm of the same wearer was grouped into the open incident."""

    incident: IncidentId
    wearer: WearerId
    alarm: AlarmId


class IncidentClaimed(Event, frozen=True, kw_only=True, tag="incident_claimed"):
    incident: IncidentId
    by: PersonId


class IncidentTakenOver(Event, frozen=True, kw_only=True, tag="incident_taken_over"):
    incident: IncidentId
    by: PersonId
    previous: PersonId


class IncidentHandedOver(Event, frozen=True, kw_only=True, tag="incident_handed_over"):
    incident: IncidentId
    by: PersonId
    to: PersonId


class WearerCalled(Event, frozen=True, kw_only=True, tag="wearer_called"):
    incident: IncidentId
    by: PersonId
    outcome: CallOutcome


class PositionFollowed(Event, frozen=True, kw_only=True, tag="position_followed"):
    """The wearer of an open incident moved far enough to matter to those who follow."""

    incident: IncidentId
    wearer: WearerId
    place: Place


class IncidentClosed(Event, frozen=True, kw_only=True, tag="incident_closed"):
    incident: IncidentId
    wearer: WearerId
    by: PersonId
    code: Disposition
    fix_through: FixId
    """The newest journalled fix when it was closed: what a device says after it begins a new alarm."""


class ViewingNoticeDue(Event, frozen=True, kw_only=True, tag="viewing_notice_due"):
    """The wearer must be told that video was viewed (Act 16-3(3), Rule 11-7): at the latest at `due_at`."""

    incident: IncidentId
    wearer: WearerId
    due_at: Instant


class ClosedIncidentOpened(Event, frozen=True, kw_only=True, tag="closed_incident_opened"):
    """Somebody read a closed incident again, and for what. `permit` names the court's permission where one is needed."""

    incident: IncidentId
    wearer: WearerId | None
    """None when the wearer was erased: what is left names nobody."""
    by: PersonId
    purpose: Purpose
    permit: str = ""


class ReportMade(Event, frozen=True, kw_only=True, tag="report_made"):
    """A closed incident left the house as a document. By its hash anyone can tell a copy from a forgery."""

    incident: IncidentId
    wearer: WearerId | None
    by: PersonId
    purpose: Purpose
    sha256: bytes
    permit: str = ""


# --- at the control centre: video ----------------------------------------------------------------------------------


class VideoPrepared(Event, frozen=True, kw_only=True, tag="video_prepared"):
    """A city was asked to propose and pre-connect cameras. Nothing is delivered by this."""

    incident: IncidentId
    request: RequestId
    city: CentreId
    basis: Basis
    kind: AlarmKind
    place: Place
    radius_m: int
    cameras_max: int
    until: Instant


class VideoRequested(Event, frozen=True, kw_only=True, tag="video_requested"):
    """A person asked a city for video."""

    incident: IncidentId
    request: RequestId
    city: CentreId
    basis: Basis
    kind: AlarmKind
    place: Place
    radius_m: int
    cameras_max: int
    until: Instant
    by: PersonId


class VideoRefusedHere(Event, frozen=True, kw_only=True, tag="video_refused_here"):
    """The control centre's own law table said no; nothing was sent."""

    incident: IncidentId
    by: PersonId
    why: Why


class CamerasProposed(Event, frozen=True, kw_only=True, tag="cameras_proposed"):
    incident: IncidentId
    request: RequestId
    city: CentreId
    cameras: tuple[CameraCard, ...]


class VideoGranted(Event, frozen=True, kw_only=True, tag="video_granted"):
    """A city's grant arrived. `cameras` in order of worth, best first."""

    incident: IncidentId
    request: RequestId
    grant: GrantId
    city: CentreId
    cameras: tuple[CameraCard, ...]
    conditions: tuple[str, ...]
    until: Instant


class VideoRefused(Event, frozen=True, kw_only=True, tag="video_refused"):
    incident: IncidentId
    request: RequestId
    city: CentreId
    why: Why


class VideoAwaited(Event, frozen=True, kw_only=True, tag="video_awaited"):
    """The city's policy allows it, and the city leaves the answer to a person of its own, until `answer_by`."""

    incident: IncidentId
    request: RequestId
    city: CentreId
    answer_by: Instant


class SightingReported(Event, frozen=True, kw_only=True, tag="sighting_reported"):
    """A person saw the wearer in a picture, or saw that he is not there. `city` when a city's people said it."""

    incident: IncidentId
    grant: GrantId
    camera: CameraId
    city: CentreId | None
    by: PersonId | None
    """Of this centre. A city does not say which of its people it was."""
    sight: Sight
    heading: Heading | None
    travel: Travel | None
    seen_at: Instant


class CamerasChanged(Event, frozen=True, kw_only=True, tag="cameras_changed"):
    """The city moved the camera set of a live grant, inside its limits."""

    incident: IncidentId
    grant: GrantId
    cameras: tuple[CameraCard, ...]


class VideoEnded(Event, frozen=True, kw_only=True, tag="video_ended"):
    incident: IncidentId
    grant: GrantId
    why: Why


class ViewerAdmitted(Event, frozen=True, kw_only=True, tag="viewer_admitted"):
    """A single-use token for one window was made. Only its SHA-256 is kept."""

    incident: IncidentId
    grant: GrantId
    viewer: ViewerId
    by: PersonId
    token_sha256: bytes
    until: Instant
    dispatch: DispatchId | None = None
    """The order under which an officer in the field sees one picture; None for a window of who leads."""


# --- at the control centre: people sent and told -------------------------------------------------------------------


class DispatchOrdered(Event, frozen=True, kw_only=True, tag="dispatch_ordered"):
    incident: IncidentId
    dispatch: DispatchId
    unit: UnitId
    by: PersonId
    answer_by: Instant
    competent: OfficeId | None = None
    """The probation office in whose district the person was, when there was one for certain."""
    standing: Standing | None = None


class UnitReported(Event, frozen=True, kw_only=True, tag="unit_reported"):
    incident: IncidentId
    dispatch: DispatchId
    unit: UnitId
    state: UnitState
    by: PersonId | None = None
    action: ActionId | None = None
    acted_at: Instant | None = None
    """When the officer pressed, by his telephone: earlier than `at` when it had no connection."""
    unable: Unable | None = None
    """Why a unit that declined cannot go."""


class PoliceNotified(Event, frozen=True, kw_only=True, tag="police_notified"):
    incident: IncidentId
    notice: NoticeId
    room: CentreId
    kind: AlarmKind
    place: Place | None
    by: PersonId | None
    """None: the statute's own duty, without asking anybody."""
    answer_by: Instant
    apart_m: int | None = None


class PoliceNoticeAnswered(Event, frozen=True, kw_only=True, tag="police_notice_answered"):
    incident: IncidentId
    notice: NoticeId
    state: NoticeState


class AnswerOverdue(Event, frozen=True, kw_only=True, tag="answer_overdue"):
    """An acknowledgement timer ran out. `what` is the dispatch or the notice."""

    incident: IncidentId
    what: DispatchId | NoticeId


# --- at a city -----------------------------------------------------------------------------------------------------


class RequestPrepared(Event, frozen=True, kw_only=True, tag="request_prepared"):
    """Cameras were proposed and pre-connected inside the city for a request that no person has made yet."""

    request: RequestId
    incident: IncidentId
    sender: CentreId
    basis: Basis
    kind: AlarmKind
    place: Place
    radius_m: int
    cameras_max: int
    cameras: tuple[CameraId, ...]
    until: Instant


class GrantIssued(Event, frozen=True, kw_only=True, tag="grant_issued"):
    """The eight items of the provision ledger (PIPA Decree 15) are this event plus the city's own particulars."""

    grant: GrantId
    request: RequestId
    incident: IncidentId
    receiver: CentreId
    basis: Basis
    kind: AlarmKind
    place: Place
    radius_m: int
    cameras_max: int
    cameras: tuple[CameraId, ...]
    conditions: tuple[str, ...]
    until: Instant
    policy_sha256: bytes
    by: PersonId | None
    """Who approved it; None when the city's written policy did."""
    withheld: tuple[CameraId, ...] = ()
    """Cameras that the person left out; the set never moves to them."""


class GrantRefused(Event, frozen=True, kw_only=True, tag="grant_refused"):
    request: RequestId
    incident: IncidentId
    sender: CentreId
    why: Why
    policy_sha256: bytes
    by: PersonId | None = None
    """Who refused; None when facts, law, policy or time did."""


class GrantMoved(Event, frozen=True, kw_only=True, tag="grant_moved"):
    """The camera set followed the person, inside the limits of the grant."""

    grant: GrantId
    incident: IncidentId
    place: Place
    cameras: tuple[CameraId, ...]


class GrantEnded(Event, frozen=True, kw_only=True, tag="grant_ended"):
    grant: GrantId
    incident: IncidentId
    receiver: CentreId
    why: Why
    by: PersonId | None = None
    """Who at the city stopped providing; None when it ended otherwise."""


class IncidentEnded(Event, frozen=True, kw_only=True, tag="incident_ended"):
    """Told by the sender. It stays ended whatever arrives later: an end may overtake its beginning."""

    incident: IncidentId
    sender: CentreId
    requests: tuple[RequestId, ...]
    """What was alive of it."""
    why: Why


# --- at a police room ----------------------------------------------------------------------------------------------


class NoticeReceived(Event, frozen=True, kw_only=True, tag="notice_received"):
    """A control centre told it of an incident. What it answers is a `PoliceNoticeAnswered` in its own log."""

    incident: IncidentId
    notice: NoticeId
    sender: CentreId
    kind: AlarmKind
    place: Place | None


# --- at a city: its own cameras ------------------------------------------------------------------------------------


class LensPreset(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Where a camera that turns looks when it is called to this number."""

    number: int
    name: str
    azimuth_deg: float
    view_deg: float


class LensSetting(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """How a lens stands. None where it is not known."""

    azimuth_deg: float | None
    view_deg: float | None
    range_m: float
    presets: tuple[LensPreset, ...] = ()


class CameraCalibrated(Event, frozen=True, kw_only=True, tag="camera_calibrated"):
    """The city's staff set how a camera stands. `setting` None: as the list says. `undoes`: the setting before it again."""

    camera: CameraId
    by: PersonId
    reason: CalibrationReason
    setting: LensSetting | None
    undoes: bool = False


# --- at any centre -------------------------------------------------------------------------------------------------


class MessageRefused(Event, frozen=True, kw_only=True, tag="message_refused"):
    """A partner said something that its signature, its direction or its time does not bear out."""

    sender: CentreId
    seq: int
    why: Why


class PersonErased(Event, frozen=True, kw_only=True, tag="person_erased"):
    """The key of a subject was destroyed. What was sealed under it is noise from here on; proofs still hold."""

    subject: SubjectId
    by: PersonId


AtAlarm: TypeAlias = AlarmRaised | AlarmRepeated | AlarmReturned | AlarmAcknowledged | AlarmEscalated | AlarmAmended
AtIncident: TypeAlias = (
    IncidentOpened
    | AlarmJoined
    | IncidentClaimed
    | IncidentTakenOver
    | IncidentHandedOver
    | WearerCalled
    | LocationAsked
    | PositionFollowed
    | IncidentClosed
    | ViewingNoticeDue
    | ClosedIncidentOpened
    | ReportMade
)
AtVideo: TypeAlias = (
    VideoPrepared
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
)
ToPeople: TypeAlias = (
    DispatchOrdered
    | UnitReported
    | FieldMarked
    | BackupAnswered
    | FieldTold
    | PhotoTaken
    | PoliceNotified
    | PoliceNoticeAnswered
    | AnswerOverdue
    | ProtectedWarned
    | ProtectedAnswered
    | ProtectedLocated
)
AtCity: TypeAlias = RequestPrepared | GrantIssued | GrantRefused | GrantMoved | GrantEnded | IncidentEnded
ByCity: TypeAlias = ApprovalAwaited | ApprovalSet | GrantReviewed | SightingMarked | CameraTurned | CameraReturned
Anywhere: TypeAlias = (
    NoticeReceived
    | ProtectedPlaceReceived
    | MessageRefused
    | PersonErased
    | ProgramStarted
    | LogRestored
    | DiskChanged
    | CameraCalibrated
)
ByAdministrator: TypeAlias = by_administrator.AnyAdministered
AnyEvent: TypeAlias = (
    AtAlarm
    | AtIncident
    | AtVideo
    | ToPeople
    | AtShift
    | AtCity
    | ByCity
    | RelayEvent
    | AboutFootage
    | ByAdministrator
    | OfAlarm
    | OfService
    | OfOutage
    | Anywhere
)


def subject(event: AnyEvent) -> SubjectId | None:
    """Whose key seals this event, or None when it says nothing of a person.

    At the control centre the wearer's or the protected person's; where nobody is named the event speaks of an incident
    by its pseudonym, which seals it when it holds a position. At a city nobody is named, but where the person was is
    sealed under the incident. Cameras of a grant stay open: they bear out the streams, whose segments name them too (ADR 9).
    """
    match event:
        case (
            AlarmRaised()
            | AlarmRepeated()
            | AlarmReturned()
            | AlarmAcknowledged()
            | AlarmEscalated()
            | AlarmAmended()
            | IncidentOpened()
            | AlarmJoined()
            | PositionFollowed()
            | IncidentClosed()
            | ViewingNoticeDue()
            | FootageAsked()
            | AlarmSuppressed()
            | AlarmSurfaced()
            | AlarmShelved()
            | AlarmUnshelved()
            | ServiceStopped()
            | ServiceResumed()
        ):
            return SubjectId(f"wearer:{event.wearer}")
        case ClosedIncidentOpened() | ReportMade():
            return SubjectId(f"wearer:{event.wearer}" if event.wearer else f"incident:{event.incident}")
        case (
            VideoPrepared()
            | VideoRequested()
            | CamerasProposed()
            | PoliceNotified()
            | FieldTold()
            | LocationAsked()
            | FieldMarked()
            | PhotoTaken()
            | RequestPrepared()
            | GrantIssued()
            | GrantMoved()
            | ApprovalAwaited()
            | SightingMarked()
            | SightingReported()
            | NoticeReceived()
            | ProtectedPlaceReceived()
            | FootageRequested()
        ):
            return SubjectId(f"incident:{event.incident}")
        case ProtectedWarned() | ProtectedAnswered() | ProtectedLocated():
            return SubjectId(f"protected:{event.protected}")
        case HandoverNoted() | HandoverItemConfirmed():
            return SubjectId(f"handover:{event.handover}")
        case by_administrator.Administered():
            return by_administrator.subject(event)
        case _:
            return None
