"""Who keeps the register of a control centre, and what is in it: accounts, devices, wearers and every version of their orders.

Three rules hold here. An administrator alone changes accounts, never the own one, so that there is always one. Nobody
brings alone into force what a court ordered, nor ends a monitoring: one person drafts, another confirms the very bytes
that he saw. And *another person* is meant: whose account somebody opened, or whose password somebody drew, may be that
somebody. Each account carries the `hands` it went through; two persons are two only when their hands are.

An order counts from the fix after `fix_through` on (`timeline`), so that a journal judged again is judged the same.

Absent on purpose: names and passwords of staff (the account rows), the clock, what an order means (`orders`, `rules`).
"""

import hashlib
import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final, NamedTuple, TypeAlias, assert_never, get_args

from immutables import Map

from safetynet.core import orders
from safetynet.core.amendments import differences
from safetynet.core.events.by_administrator import (
    AccountClosed,
    AccountOpened,
    AnyAdministered,
    DeviceBound,
    DeviceKeyRenewed,
    DeviceReturned,
    DraftWithdrawn,
    OfStaff,
    OfWearer,
    OrderDrafted,
    OrderEntered,
    PasswordRenewed,
    RoleChanged,
    WearerDischarged,
    WearerEnrolled,
)
from safetynet.core.fixes import DEVICE_BYTES_MAX
from safetynet.core.orders import Order
from safetynet.core.terms import DeviceId, FixId, Instant, PersonId, Post, WearerId

REASON_CHARS_MIN, REASON_CHARS_MAX = 4, 500
"""Of the text that says why. One word says nothing; a page belongs into the file."""
TEXT_CHARS_MAX: Final = 60
"""Names, numbers, offices."""
BORN_YEARS: Final = range(1900, 2101)
LOGIN: Final = re.compile(r"[a-z0-9][a-z0-9._-]{2,31}")
DEVICE: Final = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{DEVICE_BYTES_MAX - 1}}}")
VERSIONS_MAX: Final = 1_000
"""Of one wearer's order; they all stay readable."""


BEFORE_ALL: Final = FixId(0)


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


# --- the register --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Standing:
    """`hands`: the person, and everybody who could sign in as this person, with theirs. `post` None: closed."""

    login: str
    post: Post | None
    hands: frozenset[PersonId]


@dataclass(frozen=True, slots=True)
class Binding:
    wearer: WearerId
    key_sha256: bytes
    since: Instant | None
    """None: from before the log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """An order that was in force, or is. Who entered it is None for what was there before the log."""

    order: Order
    drafted_by: PersonId | None = None
    drafted_why: str = ""
    by: PersonId | None = None
    why: str = ""
    at: Instant | None = None
    fix_through: FixId = BEFORE_ALL


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    version: int
    order: Order | None
    """None: discharge."""
    sha256: bytes
    by: PersonId
    why: str
    at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """A wearer as the register keeps one."""

    enrolled: WearerEnrolled | None = None
    """None: the sealed record from before the log."""
    versions: tuple[Version, ...] = ()
    draft: Draft | None = None
    discharged_at: Instant | None = None
    discharged_through: FixId | None = None


@dataclass(frozen=True, slots=True)
class Register:
    staff: Map[PersonId, Standing] = field(default_factory=Map)
    devices: Map[DeviceId, Binding] = field(default_factory=Map)
    charges: Map[WearerId, Charge] = field(default_factory=Map)
    taken: Map[str, PersonId] = field(default_factory=Map)
    """Logins, those of closed accounts and of protected persons too."""
    phones: frozenset[DeviceId] = frozenset()
    """Of protected persons: no wearer's device is called so."""


EMPTY: Final = Register()
_UNKNOWN: Final = Charge()


def begun(
    staff: Mapping[PersonId, tuple[str, Post]],
    others: Mapping[str, PersonId],
    devices: Mapping[DeviceId, tuple[WearerId, bytes]],
    first: Mapping[WearerId, Order],
    phones: Iterable[DeviceId] = (),
) -> Register:
    """What was there before anybody entered anything. `others`: logins of those who have no post here."""
    return Register(
        staff=Map({person: Standing(login, post, frozenset({person})) for person, (login, post) in staff.items()}),
        devices=Map({device: Binding(wearer, key, None) for device, (wearer, key) in devices.items()}),
        charges=Map({wearer: Charge(versions=(Version(order=order),)) for wearer, order in first.items()}),
        taken=Map({login: person for person, (login, _) in staff.items()} | dict(others)),
        phones=frozenset(phones),
    )


def in_force(charge: Charge) -> Order | None:
    return charge.versions[-1].order if charge.versions and charge.discharged_at is None else None


def _version(charge: Charge) -> int:
    return charge.versions[-1].order.version if charge.versions else 0


def apart(register: Register, one: PersonId, other: PersonId) -> bool:
    """Whether these are two persons, as far as this centre can know."""
    return _hands(register, one).isdisjoint(_hands(register, other))


def _hands(register: Register, person: PersonId) -> frozenset[PersonId]:
    held = register.staff.get(person)
    return held.hands if held else frozenset({person})


class Change(NamedTuple):
    """From the fix after `fix_through` on, this is the wearer's order; None: there is none any more."""

    fix_through: FixId
    wearer: WearerId
    order: Order | None


def timeline(register: Register) -> list[Change]:
    """Every order that ever held, as a journal judged again must meet them."""
    found = [
        Change(each.fix_through, wearer, each.order)
        for wearer, charge in sorted(register.charges.items())
        for each in charge.versions
    ]
    found += [
        Change(charge.discharged_through, wearer, None)
        for wearer, charge in sorted(register.charges.items())
        if charge.discharged_through is not None
    ]
    return sorted(found, key=lambda each: each.fix_through)


# --- what a person may ask for -------------------------------------------------------------------------------------


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


StaffAct: TypeAlias = OpenAccount | ChangePost | RenewPassword | CloseAccount
DeviceAct: TypeAlias = BindDevice | RenewKey | ReturnDevice
WearerAct: TypeAlias = Enrol | DraftOrder | WithdrawDraft | EnterOrder
AnyAct: TypeAlias = StaffAct | DeviceAct | WearerAct

MAY: Final[Mapping[Post, frozenset[type[AnyAct]]]] = {
    Post.ADMINISTRATOR: frozenset(get_args(StaffAct) + get_args(DeviceAct) + get_args(WearerAct)),
    Post.SUPERVISOR: frozenset({EnterOrder, WithdrawDraft}),
    Post.OPERATOR: frozenset(),
    Post.OFFICER: frozenset(),
}


def refusal(register: Register, act: AnyAct, open: Container[WearerId] = ()) -> No | None:
    """Why not. `open`: the wearers whose incident is open. Judged by what the log says now, not by any session."""
    held = register.staff.get(act.by)
    if held is None or held.post is None or type(act) not in MAY[held.post]:
        return No.NOT_YOURS
    if not REASON_CHARS_MIN <= len(act.why.strip()) <= REASON_CHARS_MAX or not _plain(act.why):
        return No.NO_REASON
    match act:
        case OpenAccount() | ChangePost() | RenewPassword() | CloseAccount():
            return _refuses_account(register, act)
        case BindDevice() | RenewKey() | ReturnDevice():
            return _refuses_device(register, act, open)
        case Enrol():
            return _refuses_enrolment(register, act)
        case DraftOrder():
            return _refuses_draft(register, act)
        case WithdrawDraft():
            draft = register.charges.get(act.wearer, _UNKNOWN).draft
            return None if draft is not None and draft.sha256 == act.sha256 else No.OVERTAKEN
        case EnterOrder():
            return _refuses_entry(register, act, open)
        case _:
            assert_never(act)


def _plain(text: str) -> bool:
    return all(each.isprintable() or each == "\n" for each in text)


def _said(text: str, *, least: int = 1) -> bool:
    return least <= len(text.strip()) and len(text) <= TEXT_CHARS_MAX and text.isprintable()


def _refuses_account(register: Register, act: StaffAct) -> No | None:
    held = register.staff.get(act.person)
    match act:
        case OpenAccount():
            if not LOGIN.fullmatch(act.login) or not _said(act.name) or not _said(act.seat, least=0):
                return No.MALFORMED
            return No.LOGIN_TAKEN if act.login in register.taken or held is not None else None
        case _ if act.person == act.by:
            return No.OWN_ACCOUNT
        case _ if held is None or held.post is None:
            return No.NOT_THERE
        case ChangePost():
            return No.UNCHANGED if held.post is act.post else None
        case RenewPassword() | CloseAccount():
            return None
        case _:
            assert_never(act)


def _refuses_device(register: Register, act: DeviceAct, open: Container[WearerId]) -> No | None:
    held = register.devices.get(act.device)
    match act:
        case BindDevice():
            if not DEVICE.fullmatch(act.device):
                return No.MALFORMED
            if held is not None or act.device in register.phones:
                return No.DEVICE_BOUND
            charge = register.charges.get(act.wearer)
            if charge is None:
                return No.NOT_THERE
            return None if in_force(charge) is not None else No.NO_ORDER
        case RenewKey():
            return No.NOT_THERE if held is None else None
        case ReturnDevice():
            if held is None:
                return No.NOT_THERE
            if held.wearer in open:
                return No.INCIDENT_OPEN
            watched = in_force(register.charges.get(held.wearer, _UNKNOWN)) is not None
            return No.LAST_DEVICE if watched and len(devices_of(register, held.wearer)) == 1 else None
        case _:
            assert_never(act)


def devices_of(register: Register, wearer: WearerId) -> tuple[DeviceId, ...]:
    return tuple(sorted(device for device, each in register.devices.items() if each.wearer == wearer))


def _refuses_enrolment(register: Register, act: Enrol) -> No | None:
    texts = all(map(_said, (act.name, act.case_no, act.office))) and all(
        _said(each, least=0) for each in (act.officer, act.phone)
    )
    if not texts or not act.wearer or (act.born_year is not None and act.born_year not in BORN_YEARS):
        return No.MALFORMED
    return No.UNCHANGED if act.wearer in register.charges else None


def _refuses_draft(register: Register, act: DraftOrder) -> No | None:
    charge = register.charges.get(act.wearer)
    if charge is None or charge.discharged_at is not None:
        return No.NOT_THERE
    if charge.draft is not None:
        return No.DRAFT_WAITS
    if act.over != _version(charge):
        return No.OVERTAKEN
    if act.order is None:
        return None
    if act.order.wearer != act.wearer or act.order.version != act.over + 1 or len(charge.versions) >= VERSIONS_MAX:
        return No.MALFORMED
    return None if differences(in_force(charge), act.order) else No.UNCHANGED


def _refuses_entry(register: Register, act: EnterOrder, open: Container[WearerId]) -> No | None:
    draft = register.charges.get(act.wearer, _UNKNOWN).draft
    if draft is None or draft.sha256 != act.sha256:
        return No.OVERTAKEN
    if not apart(register, draft.by, act.by):
        return No.SAME_HAND
    return No.INCIDENT_OPEN if draft.order is None and act.wearer in open else None


# --- what happens --------------------------------------------------------------------------------------------------


def decide(register: Register, act: AnyAct, open: Container[WearerId], at: Instant) -> list[AnyAdministered]:
    if refusal(register, act, open) is not None:
        return []
    by, why = act.by, act.why.strip()
    match act:
        case OpenAccount():
            return [AccountOpened(at=at, by=by, why=why, person=act.person, login=act.login, post=act.post, seat=act.seat)]  # fmt: skip
        case ChangePost():
            before = register.staff[act.person].post
            assert before is not None, "refusal() found it open"
            return [RoleChanged(at=at, by=by, why=why, person=act.person, before=before, post=act.post)]
        case RenewPassword():
            return [PasswordRenewed(at=at, by=by, why=why, person=act.person)]
        case CloseAccount():
            return [AccountClosed(at=at, by=by, why=why, person=act.person)]
        case BindDevice():
            return [DeviceBound(at=at, by=by, why=why, device=act.device, wearer=act.wearer, key_sha256=act.key_sha256)]
        case RenewKey():
            whose = register.devices[act.device].wearer
            return [DeviceKeyRenewed(at=at, by=by, why=why, device=act.device, wearer=whose, key_sha256=act.key_sha256)]
        case ReturnDevice():
            whose = register.devices[act.device].wearer
            return [DeviceReturned(at=at, by=by, why=why, device=act.device, wearer=whose)]
        case Enrol():
            return [
                WearerEnrolled(
                    at=at,
                    by=by,
                    why=why,
                    wearer=act.wearer,
                    name=act.name.strip(),
                    case_no=act.case_no.strip(),
                    born_year=act.born_year,
                    office=act.office.strip(),
                    officer=act.officer.strip(),
                    phone=act.phone.strip(),
                )
            ]
        case DraftOrder():
            written = None if act.order is None else orders.encode(act.order)
            return [OrderDrafted(at=at, by=by, why=why, wearer=act.wearer, version=act.over + 1, order=written)]
        case WithdrawDraft():
            draft = register.charges[act.wearer].draft
            assert draft is not None, "refusal() found it"
            return [DraftWithdrawn(at=at, by=by, why=why, wearer=act.wearer, version=draft.version)]
        case EnterOrder():
            return _entered(register, act, at)
        case _:
            assert_never(act)


def _entered(register: Register, act: EnterOrder, at: Instant) -> list[AnyAdministered]:
    draft, why = register.charges[act.wearer].draft, act.why.strip()
    assert draft is not None, "refusal() found it"
    if draft.order is not None:
        return [
            OrderEntered(
                at=at,
                by=act.by,
                why=why,
                wearer=act.wearer,
                version=draft.version,
                order=orders.encode(draft.order),
                drafted_by=draft.by,
                drafted_why=draft.why,
                fix_through=act.fix_through,
            )
        ]
    return [
        WearerDischarged(
            at=at,
            by=act.by,
            why=why,
            wearer=act.wearer,
            drafted_by=draft.by,
            drafted_why=draft.why,
            fix_through=act.fix_through,
        ),
        *(
            DeviceReturned(at=at, by=act.by, why=why, device=each, wearer=act.wearer)
            for each in devices_of(register, act.wearer)
        ),
    ]


# --- what is so afterwards -----------------------------------------------------------------------------------------


def evolve(register: Register, event: AnyAdministered) -> Register:
    """What remains of somebody whose record was erased is skipped: nothing is opened again by it."""
    match event:
        case AccountOpened() | RoleChanged() | PasswordRenewed() | AccountClosed():
            return _of_staff(register, event)
        case _:
            return _of_wearer(register, event)


def _of_staff(register: Register, event: OfStaff) -> Register:
    held = register.staff.get(event.person)
    match event:
        case AccountOpened():
            hands = _hands(register, event.by) | {event.person}
            opened = Standing(event.login, event.post, hands)
            taken = register.taken.set(event.login, event.person)
            return replace(register, staff=register.staff.set(event.person, opened), taken=taken)
        case _ if held is None:
            return register
        case RoleChanged():
            after = replace(held, post=event.post)
        case PasswordRenewed():
            after = replace(held, hands=held.hands | _hands(register, event.by))
        case AccountClosed():
            after = replace(held, post=None)
        case _:
            assert_never(event)
    return replace(register, staff=register.staff.set(event.person, after))


def _of_wearer(register: Register, event: OfWearer) -> Register:
    charge = register.charges.get(event.wearer, _UNKNOWN)
    match event:
        case DeviceBound() | DeviceKeyRenewed():
            bound = Binding(event.wearer, event.key_sha256, event.at)
            return replace(register, devices=register.devices.set(event.device, bound))
        case DeviceReturned():
            held = register.devices.get(event.device)
            if held is None or held.wearer != event.wearer:
                return register
            return replace(register, devices=register.devices.delete(event.device))
        case WearerEnrolled():
            after = replace(charge, enrolled=event)
        case OrderDrafted():
            order = None if event.order is None else orders.decode(event.order)
            draft = Draft(
                version=event.version, order=order, sha256=_seal(event), by=event.by, why=event.why, at=event.at
            )
            after = replace(charge, draft=draft)
        case DraftWithdrawn():
            after = replace(charge, draft=None)
        case OrderEntered():
            entered = Version(
                order=orders.decode(event.order),
                drafted_by=event.drafted_by,
                drafted_why=event.drafted_why,
                by=event.by,
                why=event.why,
                at=event.at,
                fix_through=event.fix_through,
            )
            after = replace(charge, versions=(*charge.versions, entered), draft=None)
        case WearerDischarged():
            after = replace(charge, draft=None, discharged_at=event.at, discharged_through=event.fix_through)
        case _:
            assert_never(event)
    return replace(register, charges=register.charges.set(event.wearer, after))


def _seal(event: OrderDrafted) -> bytes:
    """Names this one draft: another with the same content, drafted at another time, is another."""
    said = f"{event.wearer} {event.version} {event.at} {event.by} ".encode()
    return hashlib.sha256(said + (event.order or b"discharge")).digest()


def fold(register: Register, events: Iterable[AnyAdministered]) -> Register:
    for event in events:
        register = evolve(register, event)
    return register
