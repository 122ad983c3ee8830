"""What an administrator's page shows: the register and its history as words and numbers, never a position of a person.

Zones and homes are what a court wrote, not where anybody is. A supervisor sees wearers and what waits for a second
person, and neither accounts nor devices.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

from safetynet.app.people import People
from safetynet.app.standing import Heard
from safetynet.core import administration, orders
from safetynet.core.administration import Charge, Draft, Kept, Register, Standing, Version, ZoneSet
from safetynet.core.amendments import Difference, differences
from safetynet.core.events.by_administrator import (
    AbsenceNoted,
    AccountClosed,
    AccountOpened,
    AnyAdministered,
    DeviceBound,
    DeviceKeyRenewed,
    DeviceReturned,
    DraftWithdrawn,
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
from safetynet.core.orders import Absence, Order
from safetynet.core.terms import AbsenceId, DeviceId, Instant, PersonId, Post, WearerId, ZoneSetId
from safetynet.edge.store import Account

HISTORY_ROWS: Final = 50
View = dict[str, object]


class Record(NamedTuple):
    serial: int
    event: AnyAdministered


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Everything a view is made of; `me` is who looks."""

    me: Account
    register: Register
    rows: Mapping[PersonId, Account]
    record: Sequence[Record]
    heard: Mapping[DeviceId, Heard]
    people: People
    here: Container[PersonId]
    open: Container[WearerId]
    holidays: tuple[date, ...] = ()
    """The centre's own table, as it is now."""

    @property
    def whole(self) -> bool:
        return self.me.role == Post.ADMINISTRATOR.value

    def name(self, person: PersonId | None) -> str | None:
        row = self.rows.get(person) if person else None
        return row.name if row else person


def everything(seen: Shown) -> View:
    register = seen.register
    return {
        "me": {"person": seen.me.person, "name": seen.me.name, "post": seen.me.role},
        "accounts": [_account(seen, person, each) for person, each in sorted(register.staff.items())]
        if seen.whole
        else [],
        "devices": [_device(seen, device, each.wearer, each.since) for device, each in sorted(register.devices.items())]
        if seen.whole
        else [],
        "wearers": [_wearer(seen, wearer, charge) for wearer, charge in sorted(register.charges.items())],
        "protected": sorted(seen.people.protected),
        "zone_sets": [_zone_set(seen, set, each) for set, each in sorted(register.zone_sets.items())],
        "holidays": [each.isoformat() for each in seen.holidays],
    }


def _account(seen: Shown, person: PersonId, held: Standing) -> View:
    row = seen.rows.get(person)
    return {
        "person": person,
        "login": held.login,
        "name": row.name if row else person,
        "post": held.post.value if held.post else None,
        "seat": row.seat if row else "",
        "here": person in seen.here,
        "apart": administration.apart(seen.register, person, seen.me.person),
    }


def _device(seen: Shown, device: DeviceId, wearer: WearerId, since: Instant | None) -> View:
    heard = seen.heard.get(device)
    return {
        "device": device,
        **_whose(seen, wearer),
        "since": since,
        "heard_at": heard.at if heard else None,
        "battery_percent": heard.battery_percent if heard else None,
    }


def _whose(seen: Shown, wearer: WearerId) -> View:
    known, charge = seen.people.get(wearer), seen.register.charges.get(wearer)
    enrolled = charge.enrolled if charge else None
    who = known or enrolled
    return {"wearer": wearer, "name": who.name if who else "", "case_no": who.case_no if who else ""}


def name_of(seen: Shown, wearer: WearerId, charge: Charge) -> str:
    who = seen.people.get(wearer) or charge.enrolled
    return who.name if who else ""


def case_no_of(seen: Shown, wearer: WearerId, charge: Charge) -> str:
    who = seen.people.get(wearer) or charge.enrolled
    return who.case_no if who else ""


def _zone_set(seen: Shown, set: ZoneSetId, held: ZoneSet) -> View:
    newest, draft = held.editions[-1] if held.editions else None, held.draft
    return {
        "set": set,
        "name": newest.name if newest else draft.name if draft else set,
        "edition": newest.number if newest else 0,
        "count": newest.count if newest else 0,
        "at": newest.at if newest else None,
        "by_name": seen.name(newest.by) if newest else None,
        "wearers": sum(set in order.shared for order in seen.people.orders.values()),
        "draft": None
        if draft is None
        else {
            "draft": draft.sha256.hex(),
            "edition": draft.number,
            "name": draft.name,
            "count": draft.count,
            "by_name": seen.name(draft.drafted_by),
            "why": draft.drafted_why,
            "at": draft.drafted_at,
            "apart": administration.apart(seen.register, draft.drafted_by, seen.me.person),
        },
    }


def permits(seen: Shown, wearer: WearerId | None = None) -> list[View]:
    """The ledger: every permit and planned removal of any version, the newest beginning first, with what became of it."""
    rows: list[View] = []
    for id, charge in seen.register.charges.items():
        if wearer is not None and id != wearer:
            continue
        last: dict[AbsenceId, tuple[Absence, Version]] = {}
        for version in charge.versions:
            for each in version.order.absences:
                known = last.get(each.id)
                last[each.id] = (each, version if known is None or known[0] != each else known[1])
        now = administration.in_force(charge)
        held = {each.id for each in now.absences} if now else set[AbsenceId]()
        for away, version in last.values():
            rows.append(_permit(seen, id, away, version, charge.kept.get(away.id), withdrawn=away.id not in held))
    return sorted(rows, key=lambda each: (-int(str(each["starts_at"])), str(each["wearer"]), str(each["absence"])))


def _permit(seen: Shown, wearer: WearerId, away: Absence, version: Version, kept: Kept | None, *, withdrawn: bool) -> View:  # fmt: skip
    return {
        **_whose(seen, wearer),
        "absence": away.id,
        "leave": away.leave.value,
        "starts_at": away.starts_at,
        "ends_at": away.ends_at,
        "asked_by": away.asked_by,
        "granted_by": away.granted_by,
        "purpose": away.purpose,
        "version": version.order.version,
        "drafted_name": seen.name(version.drafted_by),
        "entered_name": seen.name(version.by),
        "entered_at": version.at,
        "withdrawn": withdrawn,
        "left_at": kept.left_at if kept else None,
        "returned_at": kept.returned_at if kept else None,
        "noted_name": seen.name(kept.by) if kept else None,
        "noted_at": kept.at if kept else None,
    }


def _wearer(seen: Shown, wearer: WearerId, charge: Charge) -> View:
    who = seen.people.get(wearer) or charge.enrolled
    order = administration.in_force(charge)
    return {
        **_whose(seen, wearer),
        "office": who.office if who else "",
        "officer": who.officer if who else "",
        "wearer_class": order.wearer_class.value if order else None,
        "version": order.version if order else 0,
        "zones": len(order.zones) if order else 0,
        "curfews": len(order.curfews) if order else 0,
        "protected": len(order.protected) if order else 0,
        "devices": list(administration.devices_of(seen.register, wearer)),
        "discharged_at": charge.discharged_at,
        "incident_open": wearer in seen.open,
        "draft": _draft(seen, charge, charge.draft) if charge.draft else None,
    }


def _draft(seen: Shown, charge: Charge, draft: Draft) -> View:
    return {
        "draft": draft.sha256.hex(),
        "version": draft.version,
        "discharge": draft.order is None,
        "by_name": seen.name(draft.by),
        "at": draft.at,
        "why": draft.why,
        "mine": draft.by == seen.me.person,
        "apart": administration.apart(seen.register, draft.by, seen.me.person),
        "order": draft.order,
        "differences": told(differences(administration.in_force(charge), draft.order)),
    }


def versions(seen: Shown, wearer: WearerId, charge: Charge) -> View:
    """Every version there was, the newest first, each with what it changed; and what waits."""
    found: list[View] = []
    before: Order | None = None
    for each in charge.versions:
        found.append(_version(seen, each, before))
        before = each.order
    return {**_wearer(seen, wearer, charge), "versions": found[::-1]}


def _version(seen: Shown, each: Version, before: Order | None) -> View:
    return {
        "version": each.order.version,
        "order": each.order,
        "drafted_name": seen.name(each.drafted_by),
        "drafted_why": each.drafted_why,
        "by_name": seen.name(each.by),
        "why": each.why,
        "at": each.at,
        "differences": told(differences(before, each.order)) if before else [],
    }


def told(found: Sequence[Difference]) -> list[View]:
    return [{"what": each.what, "name": each.name, "before": each.before, "after": each.after} for each in found]


def history(seen: Shown, wearer: WearerId | None, before: int | None) -> View:
    """Newest first, at most HISTORY_ROWS; `more` when there are older ones."""
    rows: list[View] = []
    for serial, event in reversed(seen.record):
        if (before is not None and serial >= before) or not _concerns(seen, event, wearer):
            continue
        if len(rows) == HISTORY_ROWS:
            return {"rows": rows, "more": True}
        rows.append(row(seen, serial, event))
    return {"rows": rows, "more": False}


def _concerns(seen: Shown, event: AnyAdministered, wearer: WearerId | None) -> bool:
    if isinstance(event, AccountOpened | RoleChanged | PasswordRenewed | AccountClosed):
        return seen.whole and wearer is None
    if isinstance(event, ZonesDrafted | ZonesEntered | ZonesWithdrawn):
        return wearer is None
    return wearer is None or event.wearer == wearer


def row(seen: Shown, serial: int, event: AnyAdministered) -> View:
    """One change: who, why, when, of what, and what was before."""
    shown: View = {
        "serial": serial,
        "at": event.at,
        "what": str(type(event).__struct_config__.tag),
        "by_name": seen.name(event.by),
        "why": event.why,
        "differences": [],
    }
    match event:
        case AccountOpened():
            row = seen.rows.get(event.person)
            return shown | {"account": event.login, "name": row.name if row else "", "after": event.post.value}
        case RoleChanged():
            return shown | _of_account(seen, event) | {"before": event.before.value, "after": event.post.value}
        case PasswordRenewed() | AccountClosed():
            return shown | _of_account(seen, event)
        case DeviceBound() | DeviceKeyRenewed() | DeviceReturned():
            return shown | _whose(seen, event.wearer) | {"device": event.device}
        case WearerEnrolled():
            return shown | {"wearer": event.wearer, "name": event.name, "case_no": event.case_no}
        case OrderDrafted():
            order = None if event.order is None else orders.decode(event.order)
            changed = differences(_version_of(seen, event.wearer, event.version - 1), order)
            return shown | _whose(seen, event.wearer) | {"version": event.version, "differences": told(changed)}
        case OrderEntered():
            changed = differences(_version_of(seen, event.wearer, event.version - 1), orders.decode(event.order))
            drafted = {"drafted_name": seen.name(event.drafted_by), "drafted_why": event.drafted_why}
            return (
                shown | _whose(seen, event.wearer) | drafted | {"version": event.version, "differences": told(changed)}
            )
        case DraftWithdrawn():
            return shown | _whose(seen, event.wearer) | {"version": event.version}
        case WearerDischarged():
            drafted = {"drafted_name": seen.name(event.drafted_by), "drafted_why": event.drafted_why}
            return shown | _whose(seen, event.wearer) | drafted
        case AbsenceNoted():
            noted = {"absence": event.absence, "left_at": event.left_at, "returned_at": event.returned_at}
            return shown | _whose(seen, event.wearer) | noted
        case ZonesDrafted():
            return shown | {"name": event.name, "set": event.set, "version": event.edition, "count": event.count}
        case ZonesEntered():
            drafted = {"drafted_name": seen.name(event.drafted_by), "drafted_why": event.drafted_why}
            return (
                shown | drafted | {"name": event.name, "set": event.set, "version": event.edition, "count": event.count}
            )
        case ZonesWithdrawn():
            return shown | {"name": _set_name(seen, event.set), "set": event.set, "version": event.edition}


def _set_name(seen: Shown, set: ZoneSetId) -> str:
    held = seen.register.zone_sets.get(set)
    newest = (held.draft or (held.editions[-1] if held.editions else None)) if held else None
    return newest.name if newest else set


def _of_account(seen: Shown, event: RoleChanged | PasswordRenewed | AccountClosed) -> View:
    held = seen.register.staff.get(event.person)
    return {"account": held.login if held else "", "name": seen.name(event.person)}


def _version_of(seen: Shown, wearer: WearerId, version: int) -> Order | None:
    charge = seen.register.charges.get(wearer)
    return next((each.order for each in charge.versions if each.order.version == version), None) if charge else None
