"""Who the control centre's people are. Wearers and protected persons: the sealed records, opened once and held only while the program runs.

Nothing of this ever crosses to another organisation, a log, a metric or the ledger.
"""

from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from safetynet.app.editions import FOLDER, Editions
from safetynet.core import administration
from safetynet.core.administration import Register
from safetynet.core.events.by_administrator import Administered, WearerEnrolled
from safetynet.core.orders import Order
from safetynet.core.terms import (
    DeviceId,
    FixId,
    OfficeId,
    PersonId,
    Post,
    ProtectedId,
    SubjectId,
    UnitId,
    WearerClass,
    WearerId,
)
from safetynet.edge.store import Account, Store

OPERATORS: Final = frozenset({"operator", "supervisor"})
"""Roles that see wearers. Every other role sees its own orders, its own warnings, or nothing."""
OFFICER: Final = Post.OFFICER.value
PROTECTED: Final = "protected"
"""The role of a protected person's own account."""


class WearerRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What is sealed under the wearer's own key in the person store."""

    wearer: WearerId
    name: str
    case_no: str
    born_year: int | None
    office: str
    officer: str
    phone: str
    order: Order


class ProtectedRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What is sealed under a protected person's own key. Which orders name this person stands in the orders alone."""

    protected: ProtectedId
    name: str
    phone: str
    person: PersonId | None
    """The account with which the phone's page signs in."""


def subject(wearer: WearerId) -> SubjectId:
    return SubjectId(f"wearer:{wearer}")


def encode(record: WearerRecord) -> bytes:
    return msgspec.msgpack.encode(record)


def enrol(store: Store, record: WearerRecord) -> None:
    store.put_person(subject(record.wearer), encode(record))


def protected_subject(protected: ProtectedId) -> SubjectId:
    return SubjectId(f"protected:{protected}")


def enrol_protected(store: Store, record: ProtectedRecord) -> None:
    store.put_person(protected_subject(record.protected), msgspec.msgpack.encode(record))


class People:
    """The opened records, and the orders that hold. `follow` brings in what administrators have entered since."""

    def __init__(self, store: Store, folder: Path | None = None) -> None:
        """`folder`: the centre's own, where the files of shared zones lie; None for who judges nothing."""
        self.editions = Editions(None if folder is None else folder / FOLDER)
        self._records = {
            record.wearer: record
            for name, data in store.persons()
            if name.startswith("wearer:")
            for record in (msgspec.msgpack.decode(data, type=WearerRecord),)
        }
        self.protected = {
            record.protected: record
            for name, data in store.persons()
            if name.startswith("protected:")
            for record in (msgspec.msgpack.decode(data, type=ProtectedRecord),)
        }
        self.orders: dict[WearerId, Order] = {each.wearer: each.order for each in self._records.values()}
        self.revision = 0
        """Another one whenever `orders` has become another."""
        self._coming: deque[administration.Change] = deque()

    def __len__(self) -> int:
        return len(self.orders)

    def get(self, wearer: WearerId) -> WearerRecord | None:
        """Also of who was discharged: with the last order."""
        return self._records.get(wearer)

    def footing(self, wearer: WearerId) -> WearerClass:
        """Raises KeyError for a wearer that is not enrolled: nobody is judged without an order."""
        return self.orders[wearer].wearer_class

    def protected_of(self, person: PersonId) -> ProtectedId | None:
        """Whose phone this account opens."""
        return next((each.protected for each in self.protected.values() if each.person == person), None)

    def forget(self, wearer: WearerId) -> None:
        self._records.pop(wearer, None)
        self._hold(wearer, None)

    # --- what administrators entered -------------------------------------------------------------------------------

    def follow(self, register: Register) -> None:
        """Records, orders and shared zones as the register has them now."""
        self.editions.follow(register)
        for wearer, charge in register.charges.items():
            if not charge.versions:
                continue  # enrolled, and under no order yet
            known, last = self._records.get(wearer), charge.versions[-1].order
            if known is None and charge.enrolled is not None:
                self._records[wearer] = _record(charge.enrolled, last)
            elif known is not None and known.order is not last:
                self._records[wearer] = msgspec.structs.replace(known, order=last)
            self._hold(wearer, administration.in_force(charge))

    def _hold(self, wearer: WearerId, order: Order | None) -> None:
        if self.orders.get(wearer) is order:
            return
        self.revision += 1
        if order is None:
            del self.orders[wearer]
        else:
            self.orders[wearer] = order

    def rewind(self, register: Register) -> None:
        """To before the first fix: a journal judged again meets each order where it was entered."""
        self.editions.rewind(register)
        self._coming = deque(administration.timeline(register))
        self.orders.clear()
        self.revision += 1

    def changes_before(self, fix: FixId) -> bool:
        """Whether other orders, or other shared zones, hold for this fix than for the one before it."""
        if self.editions.changes_before(fix):
            return True
        return bool(self._coming) and self._coming[0].fix_through < fix

    def advance(self, fix: FixId | None = None) -> None:
        """To the orders that hold for this fix; None: for those that are yet to come."""
        self.editions.advance(fix)
        while self._coming and (fix is None or self._coming[0].fix_through < fix):
            change = self._coming.popleft()
            self._hold(change.wearer, change.order)


def _record(enrolled: WearerEnrolled, order: Order) -> WearerRecord:
    return WearerRecord(
        wearer=enrolled.wearer,
        name=enrolled.name,
        case_no=enrolled.case_no,
        born_year=enrolled.born_year,
        office=enrolled.office,
        officer=enrolled.officer,
        phone=enrolled.phone,
        order=order,
    )


def opened(store: Store) -> People:
    """For a command that reads a log which no program has open."""
    people = People(store)
    told = (event for _, event in store.events() if isinstance(event, Administered))
    people.follow(administration.fold(before_the_log(store, people), told))
    return people


_POSTS: Final = {each.value: each for each in Post}


def before_the_log(store: Store, people: People) -> Register:
    """The register as it was set up: rows of accounts and devices, sealed records. A row without a role opens nothing."""
    rows = store.accounts()
    devices = store.devices()
    return administration.begun(
        {each.person: (each.login, _POSTS[each.role]) for each in rows if each.role in _POSTS},
        {each.login: each.person for each in rows if each.role and each.role not in _POSTS},
        {each.device: (each.wearer, each.key_sha256) for each in devices if not each.protected},
        people.orders,
        (each.device for each in devices if each.protected),
    )


def accounts(rows: Iterable[Account], register: Register) -> list[Account]:
    """Who may sign in, and as what: the row says how, the register whether."""
    found: list[Account] = []
    for row in rows:
        held = register.staff.get(row.person)
        if held is None:
            found += [row] if row.role and row.role not in _POSTS else []
        elif held.post is not None:
            found.append(msgspec.structs.replace(row, role=held.post.value))
    return found


class UnitRow(msgspec.Struct, frozen=True, kw_only=True):
    """One team in `units.json`: who signs in for it, which phone reports for it, where it starts."""

    unit: UnitId
    name: str
    kind: str
    person: PersonId
    device: DeviceId
    key_sha256: bytes
    lat: float
    lon: float
    speed_mps: float = 8.0
    office: OfficeId | None = None
    """Whose team it is, as the table of offices calls it (`areas/offices.json`)."""


def units(folder: Path) -> tuple[UnitRow, ...]:
    path = folder / "units.json"
    return msgspec.json.decode(path.read_bytes(), type=tuple[UnitRow, ...]) if path.exists() else ()
