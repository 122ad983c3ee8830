"""What comes into a control centre's mind and which errands leave it: plain values, nothing decided here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from safetynet.core import jurisdictions
from safetynet.core.administration import AnyAct
from safetynet.core.dispatch import Unit
from safetynet.core.events import (
    ClosedIncidentOpened,
    DiskChanged,
    HandoverItem,
    LogRestored,
    Place,
    RelayEvent,
    ReportMade,
    Spot,
)
from safetynet.core.fixes import Fix
from safetynet.core.footage import asking
from safetynet.core.jurisdictions import Table
from safetynet.core.messages import (
    AnyMessage,
    Send,
)
from safetynet.core.terms import (
    ActionId,
    AlarmId,
    CallOutcome,
    CameraId,
    CentreId,
    DispatchId,
    Disposition,
    FieldMark,
    FixId,
    GrantId,
    HandoverId,
    Heading,
    IncidentId,
    Instant,
    OutageId,
    PersonId,
    ProtectedId,
    Reassign,
    ServiceReason,
    ShelveReason,
    Sight,
    Travel,
    Unable,
    UnitId,
    UnitState,
    ViewerId,
    WarningAnswer,
    WearerClass,
    WearerId,
    Why,
)
from safetynet.core.verdicts import Transition


@dataclass(frozen=True, slots=True)
class City:
    city: CentreId
    area: tuple[tuple[float, float], ...]
    """Corners (lat, lon) of its outline."""


PSEUDONYM_KEY_BYTES_MIN: Final = 16


@dataclass(frozen=True, slots=True)
class Country:
    """The partners on the road. Comes with the configuration, not with the log."""

    cities: tuple[City, ...]
    police: CentreId | None
    secret: bytes
    """The key of the pseudonyms under which partners know an incident, at least PSEUDONYM_KEY_BYTES_MIN."""

    table: Table = jurisdictions.EMPTY
    """Who is competent where."""

    def __post_init__(self) -> None:
        assert len(self.secret) >= PSEUDONYM_KEY_BYTES_MIN, "a pseudonym without a key can be tried out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A judged batch: transitions, the newest fix of each wearer in it, and the footing of those concerned."""

    transitions: tuple[Transition, ...]
    fixes: tuple[Fix, ...]
    footing: Mapping[WearerId, WearerClass]
    """Absent for a wearer without an order: heard, but no basis for video."""
    last: Mapping[WearerId, Place]
    """The last known place of those whose device reported without one."""
    protected: Mapping[ProtectedId, Place] = field(default_factory=dict[ProtectedId, Place])
    """Where the protected persons concerned are, for the police alone."""
    network: Mapping[WearerId, str] = field(default_factory=dict[WearerId, str])
    """Over which network the devices of those concerned speak, where that is known."""
    apart: Mapping[tuple[WearerId, ProtectedId], float] = field(
        default_factory=dict[tuple[WearerId, ProtectedId], float]
    )
    """How far apart those are now whom an open incident is about, in metres."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    incident: IncidentId
    by: PersonId


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeOver:
    """`held_by`: from whom, as the person saw it. None: from whoever holds it."""

    incident: IncidentId
    by: PersonId
    held_by: PersonId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver:
    incident: IncidentId
    by: PersonId
    to: PersonId


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledge:
    alarm: AlarmId
    by: PersonId


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelve:
    """Puts one alarm aside for so long, at most as long as `annunciations` lets one of its kind."""

    alarm: AlarmId
    by: PersonId
    reason: ShelveReason
    for_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unshelve:
    alarm: AlarmId
    by: PersonId


@dataclass(frozen=True, slots=True, kw_only=True)
class StopService:
    """What this wearer's device says of itself is held back while somebody works on it. Nothing else is."""

    wearer: WearerId
    by: PersonId
    reason: ServiceReason
    for_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeService:
    wearer: WearerId
    by: PersonId


@dataclass(frozen=True, slots=True, kw_only=True)
class AckOutage:
    outage: OutageId
    by: PersonId


@dataclass(frozen=True, slots=True, kw_only=True)
class CallWearer:
    incident: IncidentId
    by: PersonId
    outcome: CallOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Locate:
    """Have the wearer's device asked where it is, now."""

    incident: IncidentId
    by: PersonId


@dataclass(frozen=True, slots=True, kw_only=True)
class AskVideo:
    incident: IncidentId
    by: PersonId
    footing: WearerClass | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmitViewer:
    incident: IncidentId
    grant: GrantId
    viewer: ViewerId
    by: PersonId
    token_sha256: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SendOffice:
    """`unit` None: the best of `units`. The police are told in the same act when they have not been."""

    incident: IncidentId
    by: PersonId
    unit: UnitId | None
    units: tuple[Unit, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TellPolice:
    incident: IncidentId
    by: PersonId


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportUnit:
    dispatch: DispatchId
    unit: UnitId
    state: UnitState
    by: PersonId | None = None
    action: ActionId | None = None
    acted_at: Instant | None = None
    unable: Unable | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkField:
    dispatch: DispatchId
    unit: UnitId
    by: PersonId
    action: ActionId
    mark: FieldMark
    acted_at: Instant
    spot: Spot | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepPhoto:
    dispatch: DispatchId
    unit: UnitId
    by: PersonId
    action: ActionId
    sha256: bytes
    size_bytes: int
    acted_at: Instant
    spot: Spot | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmitOfficer:
    """One picture for the telephone of a unit that is on its way or there."""

    dispatch: DispatchId
    unit: UnitId
    kind: str
    """Of the unit: only those of this authority see pictures."""
    grant: GrantId
    viewer: ViewerId
    by: PersonId
    token_sha256: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerBackup:
    incident: IncidentId
    by: PersonId


@dataclass(frozen=True, slots=True, kw_only=True)
class TellField:
    """Words to every unit of the incident, as they are to be read on their telephones."""

    incident: IncidentId
    by: PersonId
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerWarning:
    """A protected person has seen the warning, or says to be in a safe place."""

    incident: IncidentId
    protected: ProtectedId
    answer: WarningAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkSighting:
    """Who leads the incident saw the wearer in a picture, or saw that he is not there."""

    incident: IncidentId
    city: CentreId
    camera: CameraId
    by: PersonId
    sight: Sight
    heading: Heading | None = None
    travel: Travel | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferHandover:
    """`whole`: of the shift, not of one seat."""

    by: PersonId
    to: PersonId
    whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteHandover:
    handover: HandoverId
    by: PersonId
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmItem:
    """`outages`, here and below: what the edges know to be out just now, as items."""

    handover: HandoverId
    by: PersonId
    item: HandoverItem
    outages: tuple[HandoverItem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeHandover:
    handover: HandoverId
    by: PersonId
    outages: tuple[HandoverItem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawHandover:
    """By its giver, or by its taker who declines."""

    handover: HandoverId
    by: PersonId


@dataclass(frozen=True, slots=True, kw_only=True)
class ReassignIncident:
    """A supervisor gives an incident to another seat. `held_by`: who led it as the supervisor saw it; None: nobody."""

    incident: IncidentId
    by: PersonId
    to: PersonId
    held_by: PersonId | None
    reason: Reassign


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    incident: IncidentId
    by: PersonId
    code: Disposition
    fix_through: FixId
    """The newest journalled fix: what comes after it is a new episode."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A message whose certificate, signature, direction and size the link has checked."""

    sender: CentreId
    seq: int
    message: AnyMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardBadly:
    """An envelope that did not stand up to the link's checks."""

    sender: CentreId
    seq: int
    why: Why


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayHeard:
    events: tuple[RelayEvent, ...]


@dataclass(frozen=True, slots=True)
class Absent:
    """Signed out, or without a window for a while."""

    person: PersonId


@dataclass(frozen=True, slots=True)
class Tick:
    """Time passed. Everything that is due is done by this, so that a test can let it pass."""


FieldCommand: TypeAlias = ReportUnit | MarkField | KeepPhoto | AdmitOfficer | AnswerBackup | TellField
ShiftCommand: TypeAlias = (
    OfferHandover | NoteHandover | ConfirmItem | TakeHandover | WithdrawHandover | ReassignIncident
)
HoldCommand: TypeAlias = Shelve | Unshelve | StopService | ResumeService | AckOutage
Command: TypeAlias = (
    Claim
    | TakeOver
    | HandOver
    | Acknowledge
    | HoldCommand
    | CallWearer
    | Locate
    | AskVideo
    | AdmitViewer
    | SendOffice
    | TellPolice
    | FieldCommand
    | ShiftCommand
    | AnswerWarning
    | MarkSighting
    | Close
    | asking.Command
)
Reread: TypeAlias = ClosedIncidentOpened | ReportMade
"""A closed incident was opened again, as `core.archives` allowed: recorded as it comes."""
Given: TypeAlias = (
    Judged | Command | AnyAct | Heard | HeardBadly | RelayHeard | LogRestored | DiskChanged | Reread | Absent | Tick
)
"""`LogRestored`: the log is older than it was, and what it holds alive must end. It is recorded as it comes, like `DiskChanged`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admit:
    token_sha256: bytes
    viewer: ViewerId
    incident: IncidentId
    grant: GrantId
    city: CentreId
    cameras: tuple[CameraId, ...]
    until: Instant
    one_tile: bool = False
    """One picture at a time, of key frames only: a telephone in the field."""


@dataclass(frozen=True, slots=True)
class SetCameras:
    grant: GrantId
    cameras: tuple[CameraId, ...]


@dataclass(frozen=True, slots=True)
class CutGrant:
    grant: GrantId
    why: Why


@dataclass(frozen=True, slots=True)
class CutIncident:
    incident: IncidentId
    why: Why


@dataclass(frozen=True, slots=True)
class CutViewer:
    viewer: ViewerId
    why: Why


@dataclass(frozen=True, slots=True)
class AskDevice:
    """Lost in a crash: a person asks again."""

    wearer: WearerId


Errand: TypeAlias = Send | Admit | SetCameras | CutGrant | CutIncident | CutViewer | AskDevice | asking.DropFootage
