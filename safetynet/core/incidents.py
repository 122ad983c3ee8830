"""From alarm to closed: what an incident is and which step may follow which.

One table says what may be done at which stage; video, people and police go on beside each other under it.
An incident closes by a person with a code, never by a signal or by time.

Absent on purpose: how anything is carried out, and who the wearer is.
"""

from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from immutables import Map

from safetynet.core.alarms import TAMPER
from safetynet.core.events import (
    BackupAnswered,
    CameraCard,
    FieldMarked,
    FieldTold,
    PhotoTaken,
    Place,
    Spot,
    UnitReported,
)
from safetynet.core.terms import (
    DAY_MS,
    SECOND_MS,
    ActionId,
    AlarmId,
    AlarmKind,
    Basis,
    CallOutcome,
    CameraId,
    CentreId,
    Certainty,
    DispatchId,
    Disposition,
    FieldMark,
    GrantId,
    Heading,
    IncidentId,
    Instant,
    NoticeId,
    NoticeState,
    PersonId,
    ProtectedId,
    RequestId,
    Sight,
    Standing,
    Travel,
    Unable,
    UnitId,
    UnitState,
    ViewerId,
    WarningAnswer,
    WearerId,
    Why,
)

NOTICE_OF_VIEWING_MS: Final = 30 * DAY_MS
"""Electronic Device Attachment Act 16-3(3), Rule 11-7: within 30 days of the end of viewing."""


SIGHTINGS_MAX: Final = 50
LATE_MS: Final = 5 * SECOND_MS
"""What an officer did longer ago than this shows both times in the record."""


class Stage(Enum):
    OPEN = "open"
    CLAIMED = "claimed"
    CLOSED = "closed"


class Act(Enum):
    """What a person may do to an incident."""

    CLAIM = "claim"
    TAKE_OVER = "take_over"
    HAND_OVER = "hand_over"
    CALL = "call"
    LOCATE = "locate"
    VIDEO = "video"
    ADMIT = "admit"
    OFFICE = "office"
    POLICE = "police"
    CLOSE = "close"
    MARK = "mark"
    REASSIGN = "reassign"
    SHELVE = "shelve"


ALLOWED: Final[dict[Stage, frozenset[Act]]] = {
    Stage.OPEN: frozenset({Act.CLAIM, Act.REASSIGN}),
    Stage.CLAIMED: frozenset(Act) - {Act.CLAIM},
    Stage.CLOSED: frozenset(),
}
OWNER_ONLY: Final = frozenset(
    {Act.HAND_OVER, Act.CALL, Act.LOCATE, Act.VIDEO, Act.ADMIT, Act.OFFICE, Act.POLICE, Act.CLOSE, Act.MARK, Act.SHELVE}
)
"""One person leads; anybody else takes it over first, which is recorded."""


class VideoState(Enum):
    PREPARED = "prepared"
    PROPOSED = "proposed"
    REQUESTED = "requested"
    GRANTED = "granted"
    REFUSED = "refused"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What one city was asked and what it answered."""

    request: RequestId
    city: CentreId
    basis: Basis
    kind: AlarmKind
    state: VideoState
    place: Place
    """For where it was asked."""
    asked_at: Instant
    until: Instant
    by: PersonId | None = None
    """Who asked. None: it is only a preparation, and a grant for it is none."""
    why: Why | None = None
    grant: GrantId | None = None
    granted_at: Instant | None = None
    conditions: tuple[str, ...] = ()
    cameras: tuple[CameraCard, ...] = ()
    earlier: frozenset[RequestId] = frozenset()
    """What this city was asked for before, and below what it gave: a late word on it is history."""
    earlier_grants: frozenset[GrantId] = frozenset()
    answer_by: Instant | None = None
    """A person of the city decides, at the latest then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    dispatch: DispatchId
    unit: UnitId
    state: UnitState
    ordered_at: Instant
    answer_by: Instant
    reported_at: Instant | None = None
    accepted_at: Instant | None = None
    overdue: bool = False
    unable: Unable | None = None
    viewers: frozenset[ViewerId] = frozenset()
    """The telephone's windows that were let in to a picture under this order."""
    standing: Standing | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    notice: NoticeId
    room: CentreId
    state: NoticeState
    sent_at: Instant
    answer_by: Instant
    answered_at: Instant | None = None
    overdue: bool = False
    kind: AlarmKind | None = None
    apart_m: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """What a protected person was told last, and what came of it."""

    at: Instant
    kind: AlarmKind
    near_m: int
    direction: bool
    answer: WarningAnswer | None = None
    answered_at: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    at: Instant
    by: PersonId
    outcome: CallOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What a person saw in a picture, and where that camera stands."""

    at: Instant
    card: CameraCard
    sight: Sight
    heading: Heading | None
    travel: Travel | None
    city: CentreId | None
    by: PersonId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What an officer said from where he stood. `at` is his own time of it."""

    action: ActionId
    mark: FieldMark
    at: Instant
    heard_at: Instant
    unit: UnitId
    by: PersonId
    spot: Spot | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What was written to the units of an incident."""

    at: Instant
    by: PersonId
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    action: ActionId
    at: Instant
    unit: UnitId
    by: PersonId
    sha256: bytes
    size_bytes: int
    spot: Spot | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """The last call for backup: priority 1 for as long as the incident lives, ringing until somebody answers."""

    mark: Mark
    answered_at: Instant | None = None
    answered_by: PersonId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    incident: IncidentId
    wearer: WearerId
    kind: AlarmKind
    """Of the most urgent alarm: the ground of any video request."""
    stage: Stage
    opened_at: Instant
    alarms: tuple[AlarmId, ...]
    kinds: frozenset[AlarmKind]
    certainty: Certainty
    place: Place | None
    earlier: Place | None = None
    """The place before `place`: course and speed are read from the pair."""
    owner: PersonId | None = None
    claimed_at: Instant | None = None
    closed_at: Instant | None = None
    code: Disposition | None = None
    asked_by: PersonId | None = None
    """The person who asked for video. None: nobody has, and nothing may be delivered."""
    asked_at: Instant | None = None
    refused_here: Why | None = None
    requests: Map[CentreId, Request] = Map()
    dispatches: Map[DispatchId, Dispatch] = Map()
    notices: Map[NoticeId, Notice] = Map()
    warnings: Map[ProtectedId, Warned] = Map()
    calls: tuple[Call, ...] = ()
    located_at: Instant | None = None
    """When a person last had the device asked where it is."""
    viewers: frozenset[ViewerId] = frozenset()
    """Windows that were let in by the present owner."""
    cut: frozenset[ViewerId] = frozenset()
    """Windows of earlier owners: the relay is told again at each meeting that they are out."""
    viewed: bool = False
    """Whether anybody was ever let in to a picture: then the wearer must be told."""
    notice_due_at: Instant | None = None
    sightings: tuple[Sighting, ...] = ()
    """Oldest first, at most SIGHTINGS_MAX."""
    marks: tuple[Mark, ...] = ()
    photos: tuple[Photo, ...] = ()
    told: tuple[Told, ...] = ()
    backup: Backup | None = None
    actions: frozenset[ActionId] = frozenset()
    """Of telephones in the field: one that is sent again has no further effect."""


def refusal(incident: Incident | None, act: Act, by: PersonId) -> Why | None:
    """Why `by` may not do this now; None means go on."""
    if incident is None:
        return Why.NO_SUCH_INCIDENT
    if incident.stage is Stage.CLOSED:
        return Why.INCIDENT_CLOSED
    if act not in ALLOWED[incident.stage]:
        return Why.NOT_ALLOWED_NOW
    if act in OWNER_ONLY and incident.owner != by:
        return Why.NOT_OWNER
    return None


def may_close(incident: Incident, code: Disposition) -> bool:
    """A cut strap is not explained by a wandering position: such a closing would bury the rare real one."""
    return not (code is Disposition.DRIFT and incident.kinds & TAMPER)


def grant_of(incident: Incident, grant: GrantId) -> Request | None:
    return next((each for each in incident.requests.values() if each.grant == grant), None)


def live(request: Request, at: Instant) -> bool:
    return request.state is VideoState.GRANTED and at < request.until


def cameras(incident: Incident) -> dict[tuple[CentreId, CameraId], tuple[CameraCard, Request]]:
    """Every camera that a city proposed, provides or has provided for this incident.

    An id is its city's own word: another city may use the same, by chance or to hide this one's camera.
    """
    return {
        (request.city, card.camera): (card, request)
        for request in incident.requests.values()
        if request.state is not VideoState.REFUSED
        for card in request.cameras
    }


def with_request(incident: Incident, request: Request) -> Incident:
    return replace(incident, requests=incident.requests.set(request.city, request))


def with_dispatch(incident: Incident, dispatch: Dispatch) -> Incident:
    return replace(incident, dispatches=incident.dispatches.set(dispatch.dispatch, dispatch))


def with_notice(incident: Incident, notice: Notice) -> Incident:
    return replace(incident, notices=incident.notices.set(notice.notice, notice))


def acted(incident: Incident, action: ActionId | None) -> Incident:
    return incident if action is None else replace(incident, actions=incident.actions | {action})


def officer_admitted(incident: Incident, dispatch: DispatchId, viewer: ViewerId) -> Incident:
    """His window stands under his order, not under who leads: it ends with the one and outlives a change of the other."""
    order = incident.dispatches.get(dispatch)
    incident = replace(incident, viewed=True)
    return incident if order is None else with_dispatch(incident, replace(order, viewers=order.viewers | {viewer}))


def viewers(incident: Incident) -> frozenset[ViewerId]:
    """All windows that were let in: those of who leads and those of officers."""
    return incident.viewers.union(*(each.viewers for each in incident.dispatches.values()))


def marked(incident: Incident, event: FieldMarked | PhotoTaken | BackupAnswered | FieldTold) -> Incident:
    """The incident after an officer's word or photograph, after an answer to his call, or after words to him."""
    match event:
        case FieldMarked():
            made = Mark(
                action=event.action,
                mark=event.mark,
                at=event.acted_at,
                heard_at=event.at,
                unit=event.unit,
                by=event.by,
                spot=event.spot,
            )
            backup = Backup(mark=made) if event.mark is FieldMark.BACKUP else incident.backup
            actions = incident.actions | {event.action}
            return replace(incident, marks=(*incident.marks, made), backup=backup, actions=actions)
        case PhotoTaken():
            photo = Photo(
                action=event.action,
                at=event.acted_at,
                unit=event.unit,
                by=event.by,
                sha256=event.sha256,
                size_bytes=event.size_bytes,
                spot=event.spot,
            )
            return replace(incident, photos=(*incident.photos, photo), actions=incident.actions | {event.action})
        case FieldTold():
            return replace(incident, told=(*incident.told, Told(at=event.at, by=event.by, text=event.text)))
        case BackupAnswered():
            if incident.backup is None:
                return incident  # the call was erased, the answer names nobody of the incident
            return replace(incident, backup=replace(incident.backup, answered_at=event.at, answered_by=event.by))


def late(event: UnitReported | FieldMarked | PhotoTaken) -> tuple[tuple[str, str], ...]:
    """His own time of what an officer did, when it was heard late."""
    told_late = event.acted_at is not None and event.at - event.acted_at >= LATE_MS
    return (("acted_at", str(event.acted_at)),) if told_late else ()
