"""What a control centre's register holds: accounts with the hands they went through, devices, wearers, every version of their
orders, what became of their permits, and shared sets of zones. A value; `administration` makes the next from it.

Absent on purpose: who may change it, names and passwords of staff (the account rows), the clock.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from immutables import Map

from safetynet.core.events.by_administrator import WearerEnrolled
from safetynet.core.orders import Order
from safetynet.core.terms import AbsenceId, DeviceId, FixId, Instant, PersonId, Post, WearerId, ZoneSetId

BEFORE_ALL: Final = FixId(0)


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


class Kept(NamedTuple):
    """What became of a permit."""

    left_at: Instant | None
    returned_at: Instant | None
    by: PersonId
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
    kept: Map[AbsenceId, Kept] = field(default_factory=Map)
    """Of permits of any version: what is known last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneEdition:
    """A shared set as it was, is or may come into force; `sha256` names the file with its zones."""

    number: int
    name: str
    count: int
    sha256: bytes
    drafted_by: PersonId
    drafted_why: str
    drafted_at: Instant
    by: PersonId | None = None
    why: str = ""
    at: Instant | None = None
    fix_through: FixId = BEFORE_ALL


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneSet:
    editions: tuple[ZoneEdition, ...] = ()
    draft: ZoneEdition | None = None


@dataclass(frozen=True, slots=True)
class Register:
    staff: Map[PersonId, Standing] = field(default_factory=Map)
    devices: Map[DeviceId, Binding] = field(default_factory=Map)
    charges: Map[WearerId, Charge] = field(default_factory=Map)
    taken: Map[str, PersonId] = field(default_factory=Map)
    """Logins, those of closed accounts and of protected persons too."""
    phones: frozenset[DeviceId] = frozenset()
    """Of protected persons: no wearer's device is called so."""
    zone_sets: Map[ZoneSetId, ZoneSet] = field(default_factory=Map)


EMPTY: Final = Register()
UNKNOWN: Final = Charge()
NO_SET: Final = ZoneSet()


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


def version_of(charge: Charge) -> int:
    return charge.versions[-1].order.version if charge.versions else 0


def apart(register: Register, one: PersonId, other: PersonId) -> bool:
    """Whether these are two persons, as far as this centre can know."""
    return hands_of(register, one).isdisjoint(hands_of(register, other))


def hands_of(register: Register, person: PersonId) -> frozenset[PersonId]:
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


def zone_timeline(register: Register) -> list[tuple[FixId, ZoneSetId, bytes]]:
    """From the fix after which on this file is the set: every edition that ever held."""
    found = [(each.fix_through, set, each.sha256) for set, held in sorted(register.zone_sets.items()) for each in held.editions]  # fmt: skip
    return sorted(found, key=lambda each: each[0])
