"""What the people who run a control centre changed: accounts, devices, wearers, orders. Each with who and why.

A court's order and a wearer's name are here and nowhere else (ADR 13): a change and what it changes are one record under
one key, so that a crash can never part them and an erasure takes both. `why` is free text and may name anybody; each
kind is therefore sealed. An order stands as the bytes of `orders.encode`: an event is made only of terms.
"""

from typing import TypeAlias

from safetynet.core.events.base import Event
from safetynet.core.terms import AbsenceId, DeviceId, FixId, Instant, PersonId, Post, SubjectId, WearerId, ZoneSetId


class Administered(Event, frozen=True, kw_only=True):
    """`by` is the person who did it, `why` the reason in that person's own words."""

    by: PersonId
    why: str


class AccountOpened(Administered, frozen=True, kw_only=True, tag="account_opened"):
    """Name and password stand in the account itself, never here."""

    person: PersonId
    login: str
    post: Post
    seat: str


class RoleChanged(Administered, frozen=True, kw_only=True, tag="role_changed"):
    person: PersonId
    before: Post
    post: Post


class PasswordRenewed(Administered, frozen=True, kw_only=True, tag="password_renewed"):
    """A new password was drawn and shown once to `by`. Every session of the account has ended."""

    person: PersonId


class AccountClosed(Administered, frozen=True, kw_only=True, tag="account_closed"):
    """For good: who comes back gets another account."""

    person: PersonId


class DeviceBound(Administered, frozen=True, kw_only=True, tag="device_bound"):
    device: DeviceId
    wearer: WearerId
    key_sha256: bytes


class DeviceKeyRenewed(Administered, frozen=True, kw_only=True, tag="device_key_renewed"):
    """From here on the device is heard under its new key alone."""

    device: DeviceId
    wearer: WearerId
    key_sha256: bytes


class DeviceReturned(Administered, frozen=True, kw_only=True, tag="device_returned"):
    device: DeviceId
    wearer: WearerId


class WearerEnrolled(Administered, frozen=True, kw_only=True, tag="wearer_enrolled"):
    """Nobody is monitored by this: that begins with the first order in force."""

    wearer: WearerId
    name: str
    case_no: str
    born_year: int | None
    office: str
    officer: str
    phone: str


class OrderDrafted(Administered, frozen=True, kw_only=True, tag="order_drafted"):
    """Waits for a second person. `order` None: the wearer is to be discharged."""

    wearer: WearerId
    version: int
    order: bytes | None


class DraftWithdrawn(Administered, frozen=True, kw_only=True, tag="draft_withdrawn"):
    wearer: WearerId
    version: int


class OrderEntered(Administered, frozen=True, kw_only=True, tag="order_entered"):
    """In force from the first fix after `fix_through`. `by` is another person than `drafted_by`, whose reason is `drafted_why`."""

    wearer: WearerId
    version: int
    order: bytes
    drafted_by: PersonId
    drafted_why: str
    fix_through: FixId


class WearerDischarged(Administered, frozen=True, kw_only=True, tag="wearer_discharged"):
    """Monitoring is over from the first fix after `fix_through`."""

    wearer: WearerId
    drafted_by: PersonId
    drafted_why: str
    fix_through: FixId


class AbsenceNoted(Administered, frozen=True, kw_only=True, tag="absence_noted"):
    """What really became of a permit or a planned removal (Decree 10, form 8). None: not yet, or not known."""

    wearer: WearerId
    absence: AbsenceId
    left_at: Instant | None
    returned_at: Instant | None


class ZonesDrafted(Administered, frozen=True, kw_only=True, tag="zones_drafted"):
    """Another edition of a shared set of forbidden places waits for a second person. `sha256` names its file."""

    set: ZoneSetId
    edition: int
    name: str
    count: int
    sha256: bytes


class ZonesWithdrawn(Administered, frozen=True, kw_only=True, tag="zones_withdrawn"):
    set: ZoneSetId
    edition: int


class ZonesEntered(Administered, frozen=True, kw_only=True, tag="zones_entered"):
    """In force from the first fix after `fix_through`, for everybody whose order names the set."""

    set: ZoneSetId
    edition: int
    name: str
    count: int
    sha256: bytes
    drafted_by: PersonId
    drafted_why: str
    fix_through: FixId


OfStaff: TypeAlias = AccountOpened | RoleChanged | PasswordRenewed | AccountClosed
OfWearer: TypeAlias = (
    DeviceBound
    | DeviceKeyRenewed
    | DeviceReturned
    | WearerEnrolled
    | OrderDrafted
    | DraftWithdrawn
    | OrderEntered
    | WearerDischarged
    | AbsenceNoted
)
OfZones: TypeAlias = ZonesDrafted | ZonesWithdrawn | ZonesEntered
AnyAdministered: TypeAlias = OfStaff | OfWearer | OfZones


def subject(event: AnyAdministered) -> SubjectId:
    """A wearer's own key; of staff that of the account; of shared zones that of who did it, whose words they hold."""
    match event:
        case AccountOpened() | RoleChanged() | PasswordRenewed() | AccountClosed():
            return SubjectId(f"person:{event.person}")
        case ZonesDrafted() | ZonesWithdrawn() | ZonesEntered():
            return SubjectId(f"person:{event.by}")
        case _:
            return SubjectId(f"wearer:{event.wearer}")
