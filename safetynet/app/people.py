"""Who the control centre's people are. Wearers and protected persons: the sealed records, opened once and held only while the program runs.

Nothing of this ever crosses to another organisation, a log, a metric or the ledger.
"""

from pathlib import Path
from typing import Final

import msgspec

from safetynet.core.orders import Order
from safetynet.core.terms import DeviceId, OfficeId, PersonId, ProtectedId, SubjectId, UnitId, WearerClass, WearerId
from safetynet.edge.store import Store

OPERATORS: Final = frozenset({"operator", "supervisor"})
"""Roles that see wearers. Every other role sees its own orders, its own warnings, or nothing."""
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
    """The opened records. `erase` forgets here what the store has destroyed."""

    def __init__(self, store: Store) -> None:
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

    def __len__(self) -> int:
        return len(self._records)

    def get(self, wearer: WearerId) -> WearerRecord | None:
        return self._records.get(wearer)

    def footing(self, wearer: WearerId) -> WearerClass:
        """Raises KeyError for a wearer that is not enrolled: nobody is judged without an order."""
        return self.orders[wearer].wearer_class

    def protected_of(self, person: PersonId) -> ProtectedId | None:
        """Whose phone this account opens."""
        return next((each.protected for each in self.protected.values() if each.person == person), None)

    def forget(self, wearer: WearerId) -> None:
        self._records.pop(wearer, None)
        self.orders.pop(wearer, None)


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
