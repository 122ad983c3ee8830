"""What a person may ask the register of a control centre for, whose it is to ask, and the words for *no*.

Absent on purpose: whether it may be just now, and what comes of it (`administration`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias, get_args

from safetynet.core.orders import Order
from safetynet.core.terms import AbsenceId, DeviceId, FixId, Instant, PersonId, Post, WearerId, ZoneSetId


class No(Enum):
    """Why a change is refused: a word, which the page translates."""

    NOT_YOURS = "not_yours"
    """This post does not do that, or the account is closed."""
    NO_REASON = "no_reason"
    MALFORMED = "malformed"
    NOT_THERE = "not_there"
    UNCHANGED = "unchanged"
    OWN_ACCOUNT = "own_account"
    LOGIN_TAKEN = "login_taken"
    DEVICE_BOUND = "device_bound"
    LAST_DEVICE = "last_device"
    """The wearer would be under an order without a device."""
    NO_ORDER = "no_order"
    INCIDENT_OPEN = "incident_open"
    DRAFT_WAITS = "draft_waits"
    OVERTAKEN = "overtaken"
    """Somebody else was faster: this was not made over what holds now, or is not the draft that was seen."""
    SAME_HAND = "same_hand"
    NO_ZONES = "no_zones"
    """The order names a shared set of zones that is not in force here."""
    TOO_MANY = "too_many"


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    by: PersonId
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAccount(Act):
    person: PersonId
    login: str
    name: str
    post: Post
    seat: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePost(Act):
    person: PersonId
    post: Post


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewPassword(Act):
    person: PersonId


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseAccount(Act):
    person: PersonId


@dataclass(frozen=True, slots=True, kw_only=True)
class BindDevice(Act):
    device: DeviceId
    wearer: WearerId
    key_sha256: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewKey(Act):
    device: DeviceId
    key_sha256: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnDevice(Act):
    device: DeviceId


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrol(Act):
    wearer: WearerId
    name: str
    case_no: str
    born_year: int | None
    office: str
    officer: str
    phone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftOrder(Act):
    """`over`: the version that was before the person's eyes. `order` None: discharge."""

    wearer: WearerId
    over: int
    order: Order | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawDraft(Act):
    wearer: WearerId
    sha256: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class EnterOrder(Act):
    """`sha256` is of the draft that this second person saw; `fix_through` the newest judged fix."""

    wearer: WearerId
    sha256: bytes
    fix_through: FixId


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftOrders(Act):
    """Many drafts of one list: all of them or none."""

    drafts: tuple[DraftOrder, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteAbsence(Act):
    """When somebody really left under a permit and came back: for the ledger (Decree 10, form 8). None: not yet, or never."""

    wearer: WearerId
    absence: AbsenceId
    left_at: Instant | None
    returned_at: Instant | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftZones(Act):
    """Another edition of a shared set; `sha256` names its file, `over` the edition that was before the person's eyes."""

    set: ZoneSetId
    name: str
    over: int
    count: int
    sha256: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawZones(Act):
    set: ZoneSetId
    sha256: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class EnterZones(Act):
    set: ZoneSetId
    sha256: bytes
    fix_through: FixId


StaffAct: TypeAlias = OpenAccount | ChangePost | RenewPassword | CloseAccount
DeviceAct: TypeAlias = BindDevice | RenewKey | ReturnDevice
WearerAct: TypeAlias = Enrol | DraftOrder | DraftOrders | WithdrawDraft | EnterOrder | NoteAbsence
ZonesAct: TypeAlias = DraftZones | WithdrawZones | EnterZones
AnyAct: TypeAlias = StaffAct | DeviceAct | WearerAct | ZonesAct

MAY: Final[Mapping[Post, frozenset[type[AnyAct]]]] = {
    Post.ADMINISTRATOR: frozenset(get_args(StaffAct) + get_args(DeviceAct) + get_args(WearerAct) + get_args(ZonesAct)),
    Post.SUPERVISOR: frozenset({EnterOrder, WithdrawDraft, NoteAbsence, EnterZones, WithdrawZones}),
    Post.OPERATOR: frozenset(),
    Post.OFFICER: frozenset(),
}
