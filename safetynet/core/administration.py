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
from collections.abc import Container, Iterable
from dataclasses import replace
from typing import Final, assert_never

from safetynet.core import orders
from safetynet.core.acts import (
    MAY,
    Act,
    AnyAct,
    BindDevice,
    ChangePost,
    CloseAccount,
    DeviceAct,
    DraftOrder,
    DraftOrders,
    DraftZones,
    Enrol,
    EnterOrder,
    EnterZones,
    No,
    NoteAbsence,
    OpenAccount,
    RenewKey,
    RenewPassword,
    ReturnDevice,
    StaffAct,
    WearerAct,
    WithdrawDraft,
    WithdrawZones,
    ZonesAct,
)
from safetynet.core.amendments import differences
from safetynet.core.events.by_administrator import (
    AbsenceNoted,
    AccountClosed,
    AccountOpened,
    AnyAdministered,
    DeviceBound,
    DeviceKeyRenewed,
    DeviceReturned,
    DraftWithdrawn,
    OfStaff,
    OfWearer,
    OfZones,
    OrderDrafted,
    OrderEntered,
    PasswordRenewed,
    RoleChanged,
    WearerDischarged,
    WearerEnrolled,
    ZonesDrafted,
    ZonesEntered,
    ZonesWithdrawn,
)
from safetynet.core.fixes import DEVICE_BYTES_MAX
from safetynet.core.registers import (
    BEFORE_ALL,
    EMPTY,
    NO_SET,
    UNKNOWN,
    Binding,
    Change,
    Charge,
    Draft,
    Kept,
    Register,
    Standing,
    Version,
    ZoneEdition,
    ZoneSet,
    apart,
    begun,
    hands_of,
    in_force,
    timeline,
    version_of,
    zone_timeline,
)
from safetynet.core.terms import DeviceId, Instant, WearerId

__all__ = [
    "BEFORE_ALL",
    "BORN_YEARS",
    "DEVICE",
    "DRAFTS_MAX",
    "EMPTY",
    "LOGIN",
    "MAY",
    "REASON_CHARS_MAX",
    "REASON_CHARS_MIN",
    "TEXT_CHARS_MAX",
    "VERSIONS_MAX",
    "ZONES_COUNT_MAX",
    "ZONE_SET",
    "Act",
    "AnyAct",
    "BindDevice",
    "Binding",
    "Change",
    "ChangePost",
    "Charge",
    "CloseAccount",
    "DeviceAct",
    "Draft",
    "DraftOrder",
    "DraftOrders",
    "DraftZones",
    "Enrol",
    "EnterOrder",
    "EnterZones",
    "Kept",
    "No",
    "NoteAbsence",
    "OpenAccount",
    "Register",
    "RenewKey",
    "RenewPassword",
    "ReturnDevice",
    "StaffAct",
    "Standing",
    "Version",
    "WearerAct",
    "WithdrawDraft",
    "WithdrawZones",
    "ZoneEdition",
    "ZoneSet",
    "ZonesAct",
    "apart",
    "begun",
    "decide",
    "devices_of",
    "evolve",
    "fold",
    "in_force",
    "refusal",
    "timeline",
    "zone_timeline",
]

REASON_CHARS_MIN, REASON_CHARS_MAX = 4, 500
"""Of the text that says why. One word says nothing; a page belongs into the file."""
TEXT_CHARS_MAX: Final = 60
"""Names, numbers, offices."""
BORN_YEARS: Final = range(1900, 2101)
LOGIN: Final = re.compile(r"[a-z0-9][a-z0-9._-]{2,31}")
DEVICE: Final = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{DEVICE_BYTES_MAX - 1}}}")
VERSIONS_MAX: Final = 1_000
"""Of one wearer's order; they all stay readable."""
DRAFTS_MAX: Final = 1_000
"""Of one list. One commit of so many keeps the loop busy for about a second, and no alarm waits longer for a list."""
ZONES_COUNT_MAX: Final = 100_000
"""Of one shared set."""
ZONE_SET: Final = re.compile(r"[a-z0-9][a-z0-9-]{1,39}")


# --- whether it may be ---------------------------------------------------------------------------------------------


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
        case DraftOrders():
            return _refuses_drafts(register, act)
        case NoteAbsence():
            return _refuses_note(register, act)
        case DraftZones() | WithdrawZones() | EnterZones():
            return _refuses_zones(register, act)
        case WithdrawDraft():
            draft = register.charges.get(act.wearer, UNKNOWN).draft
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
            watched = in_force(register.charges.get(held.wearer, UNKNOWN)) is not None
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
    if act.over != version_of(charge):
        return No.OVERTAKEN
    if act.order is None:
        return None
    if act.order.wearer != act.wearer or act.order.version != act.over + 1 or len(charge.versions) >= VERSIONS_MAX:
        return No.MALFORMED
    if any(not register.zone_sets.get(each, NO_SET).editions for each in act.order.shared):
        return No.NO_ZONES
    return None if differences(in_force(charge), act.order) else No.UNCHANGED


def _refuses_drafts(register: Register, act: DraftOrders) -> No | None:
    """The first reason among them; nobody is twice in a list."""
    if not act.drafts or len(act.drafts) > DRAFTS_MAX:
        return No.TOO_MANY if act.drafts else No.MALFORMED
    if len({each.wearer for each in act.drafts}) < len(act.drafts) or any(each.by != act.by for each in act.drafts):
        return No.MALFORMED
    refused = (_refuses_draft(register, each) for each in act.drafts)
    return next((each for each in refused if each is not None), None)


def _refuses_note(register: Register, act: NoteAbsence) -> No | None:
    charge = register.charges.get(act.wearer, UNKNOWN)
    if not any(away.id == act.absence for each in charge.versions for away in each.order.absences):
        return No.NOT_THERE
    said = [each for each in (act.left_at, act.returned_at) if each is not None]
    if not all(orders.EARLIEST <= each <= orders.LATEST for each in said):
        return No.MALFORMED
    if act.left_at is None and act.returned_at is not None:
        return No.MALFORMED
    if act.left_at is not None and act.returned_at is not None and act.returned_at < act.left_at:
        return No.MALFORMED
    held = charge.kept.get(act.absence)
    same = held is not None and (held.left_at, held.returned_at) == (act.left_at, act.returned_at)
    return No.UNCHANGED if same or (held is None and act.left_at is None) else None


def _refuses_zones(register: Register, act: ZonesAct) -> No | None:
    held = register.zone_sets.get(act.set, NO_SET)
    newest = held.editions[-1] if held.editions else None
    match act:
        case DraftZones():
            if not ZONE_SET.fullmatch(act.set) or not _said(act.name) or not 1 <= act.count <= ZONES_COUNT_MAX:
                return No.MALFORMED
            if held.draft is not None:
                return No.DRAFT_WAITS
            if act.over != (newest.number if newest else 0):
                return No.OVERTAKEN
            return No.UNCHANGED if newest and (newest.sha256, newest.name) == (act.sha256, act.name) else None
        case WithdrawZones():
            return None if held.draft is not None and held.draft.sha256 == act.sha256 else No.OVERTAKEN
        case EnterZones():
            if held.draft is None or held.draft.sha256 != act.sha256:
                return No.OVERTAKEN
            return None if apart(register, held.draft.drafted_by, act.by) else No.SAME_HAND
        case _:
            assert_never(act)


def _refuses_entry(register: Register, act: EnterOrder, open: Container[WearerId]) -> No | None:
    draft = register.charges.get(act.wearer, UNKNOWN).draft
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
            return [_drafted(act, why, at)]
        case DraftOrders():
            return [_drafted(each, why, at) for each in act.drafts]
        case NoteAbsence():
            return [AbsenceNoted(at=at, by=by, why=why, wearer=act.wearer, absence=act.absence, left_at=act.left_at, returned_at=act.returned_at)]  # fmt: skip
        case DraftZones() | WithdrawZones() | EnterZones():
            return [_of_zones_done(register, act, why, at)]
        case WithdrawDraft():
            draft = register.charges[act.wearer].draft
            assert draft is not None, "refusal() found it"
            return [DraftWithdrawn(at=at, by=by, why=why, wearer=act.wearer, version=draft.version)]
        case EnterOrder():
            return _entered(register, act, at)
        case _:
            assert_never(act)


def _drafted(act: DraftOrder, why: str, at: Instant) -> OrderDrafted:
    written = None if act.order is None else orders.encode(act.order)
    return OrderDrafted(at=at, by=act.by, why=why, wearer=act.wearer, version=act.over + 1, order=written)


def _of_zones_done(register: Register, act: ZonesAct, why: str, at: Instant) -> OfZones:
    if isinstance(act, DraftZones):
        return ZonesDrafted(
            at=at, by=act.by, why=why, set=act.set, edition=act.over + 1, name=act.name.strip(), count=act.count, sha256=act.sha256,
        )  # fmt: skip
    draft = register.zone_sets[act.set].draft
    assert draft is not None, "refusal() found it"
    if isinstance(act, WithdrawZones):
        return ZonesWithdrawn(at=at, by=act.by, why=why, set=act.set, edition=draft.number)
    return ZonesEntered(
        at=at,
        by=act.by,
        why=why,
        set=act.set,
        edition=draft.number,
        name=draft.name,
        count=draft.count,
        sha256=draft.sha256,
        drafted_by=draft.drafted_by,
        drafted_why=draft.drafted_why,
        fix_through=act.fix_through,
    )


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
        case ZonesDrafted() | ZonesEntered() | ZonesWithdrawn():
            return _of_zones(register, event)
        case _:
            return _of_wearer(register, event)


def _of_staff(register: Register, event: OfStaff) -> Register:
    held = register.staff.get(event.person)
    match event:
        case AccountOpened():
            hands = hands_of(register, event.by) | {event.person}
            opened = Standing(event.login, event.post, hands)
            taken = register.taken.set(event.login, event.person)
            return replace(register, staff=register.staff.set(event.person, opened), taken=taken)
        case _ if held is None:
            return register
        case RoleChanged():
            after = replace(held, post=event.post)
        case PasswordRenewed():
            after = replace(held, hands=held.hands | hands_of(register, event.by))
        case AccountClosed():
            after = replace(held, post=None)
        case _:
            assert_never(event)
    return replace(register, staff=register.staff.set(event.person, after))


def _of_zones(register: Register, event: OfZones) -> Register:
    held = register.zone_sets.get(event.set, NO_SET)
    match event:
        case ZonesDrafted():
            draft = ZoneEdition(
                number=event.edition,
                name=event.name,
                count=event.count,
                sha256=event.sha256,
                drafted_by=event.by,
                drafted_why=event.why,
                drafted_at=event.at,
            )
            after = replace(held, draft=draft)
        case ZonesWithdrawn():
            after = replace(held, draft=None)
        case ZonesEntered():
            entered = ZoneEdition(
                number=event.edition,
                name=event.name,
                count=event.count,
                sha256=event.sha256,
                drafted_by=event.drafted_by,
                drafted_why=event.drafted_why,
                drafted_at=held.draft.drafted_at if held.draft is not None else event.at,
                by=event.by,
                why=event.why,
                at=event.at,
                fix_through=event.fix_through,
            )
            after = replace(held, editions=(*held.editions, entered), draft=None)
        case _:
            assert_never(event)
    return replace(register, zone_sets=register.zone_sets.set(event.set, after))


def _of_wearer(register: Register, event: OfWearer) -> Register:
    charge = register.charges.get(event.wearer, UNKNOWN)
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
        case AbsenceNoted():
            kept = Kept(event.left_at, event.returned_at, event.by, event.at)
            after = replace(charge, kept=charge.kept.set(event.absence, kept))
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
