"""The words every room shares: ids, kinds, instants and units.

Here is what a thing is called and in which unit it is counted. Nothing here decides.

Absent on purpose: names of people, free text, anything that would make an event personal by itself.
Instants are UTC milliseconds; Korean time exists only in `orders` and on the screens.
"""

from enum import Enum, IntEnum
from typing import Final, NewType

Instant = NewType("Instant", int)
"""UTC milliseconds since 1970. Never seconds, never local time."""

WearerId = NewType("WearerId", str)
ProtectedId = NewType("ProtectedId", str)
"""A person whom an order protects from a wearer (보호대상자)."""
DeviceId = NewType("DeviceId", str)
ZoneId = NewType("ZoneId", str)
"""A forbidden place, or an area that must not be left."""
ZoneSetId = NewType("ZoneSetId", str)
"""Forbidden places that many orders share, kept once at the centre: schools, childcare."""
CurfewId = NewType("CurfewId", str)
AbsenceId = NewType("AbsenceId", str)
FixId = NewType("FixId", int)
"""Serial of a fix in the position journal, from 1, without gaps."""
AlarmId = NewType("AlarmId", str)
IncidentId = NewType("IncidentId", str)
"""Also the pseudonym under which another organisation knows the incident: never derived from a wearer's id."""
RequestId = NewType("RequestId", str)
GrantId = NewType("GrantId", str)
CameraId = NewType("CameraId", str)
PoleId = NewType("PoleId", str)
CentreId = NewType("CentreId", str)
"""A control centre, a smart city centre or a police room: whoever has a key and a link."""
PersonId = NewType("PersonId", str)
"""A person who works: operator, officer, administrator. Never a wearer or a protected person."""
UnitId = NewType("UnitId", str)
OfficeId = NewType("OfficeId", str)
"""A smart city centre, a metropolitan hub, a probation office or a police station, as the table of offices calls it."""
DispatchId = NewType("DispatchId", str)
NoticeId = NewType("NoticeId", str)
ViewerId = NewType("ViewerId", str)
"""One console window of one person at one sign-in."""
ActionId = NewType("ActionId", str)
"""Drawn by a telephone for one thing that its officer did: what is sent twice happens once."""
HandoverId = NewType("HandoverId", str)
"""One person's giving of a seat, or of the whole shift, to another."""
FootageId = NewType("FootageId", str)
"""One request to one city for what its recorder holds of one incident."""
StreamId = NewType("StreamId", str)
"""One delivery of one camera under one grant, from opening to closing."""
OutageId = NewType("OutageId", str)
"""One network that was out, with all whose devices speak over it."""
SubjectId = NewType("SubjectId", str)
"""Whose key seals a record: `wearer:<id>` or `protected:<id>` at the control centre, `person:<id>` of who works there, `incident:<id>` at a city,
`handover:<id>` for what was said of persons at a change of shift."""

SECOND_MS: Final = 1_000
MINUTE_MS: Final = 60 * SECOND_MS
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS


class WearerClass(Enum):
    """On what footing a person is monitored; the law table is read by it (Electronic Device Attachment Act)."""

    ORDER = "order"
    PAROLE = "parole"
    SUSPENDED = "suspended"
    BAIL = "bail"
    STALKING_INTERIM = "stalking_interim"


class AlarmKind(Enum):
    """Kinds of the alarm catalogue that this release can raise."""

    STRAP_CUT = "strap_cut"
    BODY_TAMPER = "body_tamper"
    SOS = "sos"
    EXCLUSION_ZONE = "exclusion_zone"
    CURFEW = "curfew"
    APPROACH_100 = "approach_100"
    """Within the distance of the order, 100 m as a rule, of a protected person."""
    APPROACH_1K = "approach_1k"
    APPROACH_2K = "approach_2k"
    PROTECTED_SOS = "protected_sos"
    PROTECTED_LOST = "protected_lost"
    """Where a protected person is, is not known any more."""
    COMM_LOST = "comm_lost"
    """Nothing is heard of the device."""
    GPS_LOST = "gps_lost"
    """The device is heard and has no position."""
    BATTERY_LOW = "battery_low"
    SCHOOL_HOURS = "school_hours"
    """Out while children are on their way, when a court ordered to be home then."""
    RESIDENCE = "residence"
    """Outside every area in which the wearer has to live."""
    ATTENDANCE = "attendance"
    """Not at an ordered place at its hours: treatment, work, school."""
    PLANNED_REMOVAL = "planned_removal"
    """The strap opened while its removal is permitted (일시분리, Decree 10)."""
    JAMMING = "jamming"
    """The device says that its satellites or its network are disturbed, or its antenna is cut."""
    SEPARATION = "separation"
    """The strap and the part that locates are out of reach of each other."""


class Certainty(Enum):
    CERTAIN = "certain"
    MAYBE = "maybe"


class Priority(IntEnum):
    """1 긴급, 2 위험, 3 주의, 4 장치."""

    EMERGENCY = 1
    DANGER = 2
    CAUTION = 3
    DEVICE = 4


class Suppression(Enum):
    """Why an alarm was raised and rang for nobody (ISA-18.2: suppressed by design, or out of service)."""

    BRIEF = "brief"
    """It has not lasted as long as one of its kind must, nor come as often."""
    OUTAGE = "outage"
    """Its network is out: the outage is one incident, and this one of its members."""
    OUT_OF_SERVICE = "out_of_service"
    """The wearer's device is being exchanged or repaired."""


class Surfacing(Enum):
    """Why an alarm that was held back rings after all."""

    LASTED = "lasted"
    REPEATED = "repeated"
    """It came so often within its window."""
    RISEN = "risen"
    """It became certain."""
    JOINED = "joined"
    """Something else of the same wearer rings."""


class ShelveReason(Enum):
    """Why a person put an alarm aside for a time."""

    OFFICER_ON_IT = "officer_on_it"
    KNOWN_PLACE = "known_place"
    """A place whose positions or signal are known to be bad: a cellar, a tunnel, a workplace underground."""
    CHARGING = "charging"
    """The wearer was reached and is charging."""
    DEVICE_EXCHANGE = "device_exchange"
    AGREED = "agreed"
    """The probation officer knows and agreed."""


class ServiceReason(Enum):
    """Why a device is out of service."""

    EXCHANGE = "exchange"
    REPAIR = "repair"
    UPDATE = "update"


class OutageEnd(Enum):
    HEARD = "heard"
    """Nearly all are heard again."""
    TOO_LONG = "too_long"
    """It has lasted so long that it no longer explains anybody's silence."""


class Source(Enum):
    """What a position was measured with."""

    GNSS = "gnss"
    WIFI = "wifi"
    CELL = "cell"
    BEACON = "beacon"
    HOME = "home"
    UNKNOWN = "unknown"

    # Every fix is looked up by it several times: an enum's own hash is worked out in Python.
    __hash__ = object.__hash__


class Basis(Enum):
    """Statutory basis on which video may be asked for. The only form in which law crosses to a city."""

    DEVICE_DUTY = "EM-16-3-2/14-1"
    """Act 16-3(2) with Art. 14(1): detaching, damaging or impairing the device."""
    EXCLUSION_ZONE = "EM-16-3-2/9-2-1-2"
    """Act 16-3(2) with Art. 9-2(1) no. 2: entering a forbidden place."""
    URGENT_LIFE = "PIPA-18-2-3"
    """PIPA 18(2) no. 3: clearly urgent danger to life, body or property."""
    CURFEW = "EM-16-3-2/9-2-1-1"
    """Act 16-3(2) with Art. 9-2(1) no. 1: being out when a curfew holds."""
    NO_APPROACH = "EM-16-3-2/9-2-1-3"
    """Act 16-3(2) with Art. 9-2(1) no. 3: nearing a protected person."""
    RESIDENCE = "EM-16-3-2/9-2-1-2-2"
    """Act 16-3(2) with Art. 9-2(1) no. 2-2: leaving the area of residence."""


class FootageBasis(Enum):
    """Statutory basis on which past footage may be asked for: apart from the one that opens a live picture."""

    URGENT = "EM-16-3-2"
    """Act 16-3(2), while the incident is open and as far as it opens live video."""
    INVESTIGATION = "PIPA-18-2-7"
    """PIPA 18(2) no. 7: investigation of an offence, here the probation chief's own (Act 16(2) no. 4)."""
    TRIAL = "PIPA-18-2-8"
    """PIPA 18(2) no. 8: a court's trial."""


class KeepReason(Enum):
    """Why past footage is kept beyond its time."""

    INVESTIGATION_OPEN = "investigation_open"
    TRIAL_OPEN = "trial_open"
    OBJECTION_OPEN = "objection_open"


class Disposition(Enum):
    """Why an incident was closed. Every closing has one, so that false alarms can be counted."""

    GENUINE_ARREST = "genuine_arrest"
    AT_LARGE = "at_large"
    MINOR = "minor"
    PERMITTED = "permitted"
    DRIFT = "drift"
    DEVICE = "device"
    CHARGING = "charging"


class Purpose(Enum):
    """For what a closed incident is opened again: the five purposes of Act 16(2), and the keeper's own monthly check."""

    COURT = "court"
    """Investigation or trial; only with a court's permission."""
    GUIDANCE = "guidance"
    PAROLE_REVIEW = "parole_review"
    OWN_INVESTIGATION = "own_investigation"
    """The probation chief's own, of an offence under Art. 38 or 39."""
    VICTIM_NOTICE = "victim_notice"
    SELF_CHECK = "self_check"
    """Of the access records (PIPA Decree 30): who did what, no positions."""


class CallOutcome(Enum):
    """What came of telephoning the wearer."""

    ANSWERED = "answered"
    NO_ANSWER = "no_answer"
    REFUSED = "refused"


class WarningAnswer(Enum):
    """What a protected person answered to a warning."""

    SEEN = "seen"
    SAFE_PLACE = "safe_place"


class UnitState(Enum):
    """A unit's progress under one order to go."""

    ORDERED = "ordered"
    RECEIVED = "received"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EN_ROUTE = "en_route"
    ON_SCENE = "on_scene"
    RELEASED = "released"


class FieldMark(Enum):
    """What an officer says from where he stands, with one press."""

    SEEN = "seen"
    NOT_SEEN = "not_seen"
    BACKUP = "backup"


class Unable(Enum):
    """Why a unit cannot go."""

    ELSEWHERE = "elsewhere"
    TOO_FAR = "too_far"
    VEHICLE = "vehicle"
    UNSAFE = "unsafe"


class CalibrationReason(Enum):
    """Why a city's staff set how a camera stands."""

    MEASURED = "measured"
    """On the spot, with a compass."""
    ALIGNED = "aligned"
    """The picture was compared with the map."""
    TURNED = "turned"
    """The camera itself was turned or exchanged."""
    LIST_WRONG = "list_wrong"
    UNDONE = "undone"


class Standing(Enum):
    """Whose district it is, against who was ordered to go: said with the order, so that nobody need guess later."""

    COMPETENT = "competent"
    NEARER = "nearer"
    """Another office's unit would be there first."""
    COMPETENT_BUSY = "competent_busy"
    COMPETENT_WITHOUT_UNIT = "competent_without_unit"
    CHOSEN = "chosen"
    """The operator chose another than the one that would be there first."""
    BORDER = "border"
    """Several offices come into question, this one's among them."""
    UNKNOWN = "unknown"
    """No competent office is known for the place, or none for the unit."""


class NoticeState(Enum):
    SENT = "sent"
    RECEIVED = "received"
    READ = "read"


class Sight(Enum):
    """What a person saw in a picture: a human finding, never a machine's."""

    SEEN = "seen"
    NOT_HERE = "not_here"


class Heading(Enum):
    """Which way the person went, by the compass; the picture's own left and right mean nothing elsewhere."""

    NORTH = "n"
    NORTH_EAST = "ne"
    EAST = "e"
    SOUTH_EAST = "se"
    SOUTH = "s"
    SOUTH_WEST = "sw"
    WEST = "w"
    NORTH_WEST = "nw"
    STILL = "still"


class Travel(Enum):
    """By what a person was seen to move."""

    ON_FOOT = "on_foot"
    BICYCLE = "bicycle"
    CAR = "car"
    BUS = "bus"


class Turn(Enum):
    """Where a person of the city lets a camera look: one step, or back to where it looks by itself."""

    LEFT = "left"
    RIGHT = "right"
    UP = "up"
    DOWN = "down"
    HOME = "home"
    PRESET = "preset"
    """To a direction that the city's staff have named (`LensSetting.presets`)."""


class Approval(Enum):
    """How a city answers what its written policy allows. It can only narrow: what policy refuses stays refused."""

    AUTO = "auto"
    """Granted at once; a person looks at it afterwards."""
    PERSON = "person"
    """A person of the city grants or refuses, within a time."""


class HandoverPart(Enum):
    """What a hand-over is made of; each is confirmed by who takes it."""

    INCIDENT = "incident"
    ALARM = "alarm"
    BACKUP = "backup"
    """An officer's call that nobody has answered."""
    DISPATCH = "dispatch"
    GRANT = "grant"
    LINK = "link"
    """A partner that is not heard."""
    OUTAGE = "outage"
    NOTE = "note"


class HandoverEnd(Enum):
    """Why a hand-over ended with everything left where it was."""

    WITHDRAWN = "withdrawn"
    DECLINED = "declined"
    ABSENT = "absent"
    """One of the two signed out or was gone for a while."""
    TIMED_OUT = "timed_out"
    RESTORED = "restored"


class Reassign(Enum):
    """Why a supervisor gave an incident to another seat."""

    UNANSWERED = "unanswered"
    OVERLOADED = "overloaded"
    AWAY = "away"
    SKILLED = "skilled"
    """The other knows the person, the place or the matter."""


class Post(Enum):
    """What a person of a control centre is there for; accounts of protected persons have none."""

    OPERATOR = "operator"
    SUPERVISOR = "supervisor"
    OFFICER = "officer"
    ADMINISTRATOR = "administrator"
    """Keeps accounts, devices, wearers and orders. Sees no picture and no position."""


class DiskLevel(Enum):
    """How much room a centre's disk has left for what it must write."""

    AMPLE = "ample"
    LOW = "low"
    """Video stops; everything else goes on."""
    SCARCE = "scarce"
    """The reserve is given up: device intake and alarms only."""


class Why(Enum):
    """Why something was refused or ended. A reason is a word here, never a sentence: the page translates it."""

    NO_BASIS = "no_basis"
    BASIS_MISMATCH = "basis_mismatch"
    NOT_LIVE = "not_live"
    NO_SUCH_INCIDENT = "no_such_incident"
    NO_SUCH_GRANT = "no_such_grant"
    GRANT_ENDED = "grant_ended"
    RUN_OUT = "run_out"
    CAMERA_NOT_GRANTED = "camera_not_granted"
    RADIUS_TOO_WIDE = "radius_too_wide"
    TOO_MANY_CAMERAS = "too_many_cameras"
    TOO_LONG = "too_long"
    TOO_MANY_RENEWALS = "too_many_renewals"
    OUT_OF_AREA = "out_of_area"
    NO_CAMERA = "no_camera"
    BAD_SIGNATURE = "bad_signature"
    WRONG_SENDER = "wrong_sender"
    WRONG_RECEIVER = "wrong_receiver"
    WRONG_DIRECTION = "wrong_direction"
    UNKNOWN_VERSION = "unknown_version"
    MALFORMED = "malformed"
    STALE = "stale"
    POLICY_DENIED = "policy_denied"
    POLICY_ERROR = "policy_error"
    POLICY_ABSENT = "policy_absent"
    NOT_OWNER = "not_owner"
    NOT_ALLOWED_NOW = "not_allowed_now"
    TOKEN_USED = "token_used"
    TOKEN_UNKNOWN = "token_unknown"
    LEASE_RUN_OUT = "lease_run_out"
    INCIDENT_CLOSED = "incident_closed"
    VIEWER_LEFT = "viewer_left"
    VIEWER_LOST = "viewer_lost"
    """The connection to the window broke; nobody closed it."""
    MOVED_ON = "moved_on"
    CAMERA_LOST = "camera_lost"
    LINK_LOST = "link_lost"
    LEDGER_FAILED = "ledger_failed"
    STOPPED = "stopped"
    WITHDRAWN = "withdrawn"
    SIGNED_OUT = "signed_out"
    NOT_ACCEPTED = "not_accepted"
    DISPATCH_OVER = "dispatch_over"
    TOO_MANY_REPORTS = "too_many_reports"
    RESTORED = "restored"
    """The log was brought back from a backup, or found behind what others saw of it: what it held alive is over."""
    DISK_LOW = "disk_low"
    NO_PERMIT = "no_permit"
    ERASED = "erased"
    UNANSWERED = "unanswered"
    """Nobody at the city answered in time."""
    BEYOND_PURPOSE = "beyond_purpose"
    OTHERS_SHOWN = "others_shown"
    FACTS_UNCLEAR = "facts_unclear"
    NEEDED_ELSEWHERE = "needed_elsewhere"
    UNDER_REPAIR = "under_repair"
    NO_PTZ = "no_ptz"
    DEVICE_DEAF = "device_deaf"
    """The wearer's device takes no commands, or was not heard over a way that carries any."""
    NO_PRESET = "no_preset"
    TURNED_BY_OTHER = "turned_by_other"
    LEFT_ALONE = "left_alone"
    """Nobody turned it for a while."""
    NOT_YOURS = "not_yours"
    """A hand-over between two others."""
    UNCONFIRMED = "unconfirmed"
    ABSENT = "absent"
    OWN_REQUEST = "own_request"
    """Nobody approves what they asked for themselves."""
    NOT_RECORDED = "not_recorded"
    """The recorder holds nothing of that camera and time."""
    RECORDER_FAILED = "recorder_failed"
    BAD_HASH = "bad_hash"
    """What arrived is not what was announced."""
    NO_LONGER_NEEDED = "no_longer_needed"
    NEVER_SHELVED = "never_shelved"
    """An alarm of this kind and certainty is never put aside."""
