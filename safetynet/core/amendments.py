"""What differs between two versions of an order, as words: what a person reads before a change is saved, and ever after.

Absent on purpose: sentences (the page makes them), and whether a change is right.
"""

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

from safetynet.core.orders import Circle, Order, Polygon, Row

Value: TypeAlias = str | int | float | tuple[Row, ...] | Circle | Polygon | None


class Difference(NamedTuple):
    """One thing that differs between two orders: a word, what it is about, and both sides of it."""

    what: str
    name: str = ""
    before: Value = None
    after: Value = None


def differences(before: Order | None, after: Order | None) -> tuple[Difference, ...]:
    """In the order of a person who reads: footing, validity, zones, curfews, absences, protected persons."""
    if before is None and after is None:
        return ()
    if after is None:
        return (Difference("ended"),)
    found: list[Difference] = []
    plain = before or Order(wearer=after.wearer, wearer_class=after.wearer_class, version=1)
    if before is None or before.wearer_class is not after.wearer_class:
        found.append(Difference("class", "", before.wearer_class.value if before else None, after.wearer_class.value))
    if plain.starts_at != after.starts_at:
        found.append(Difference("starts", "", plain.starts_at, after.starts_at))
    if plain.ends_at != after.ends_at:
        found.append(Difference("ends", "", plain.ends_at, after.ends_at))
    return (*found, *_zones(plain, after), *_curfews(plain, after), *_rest(plain, after))


def _zones(before: Order, after: Order) -> Iterable[Difference]:
    old, new = {each.id: each for each in before.zones}, {each.id: each for each in after.zones}
    for id, each in new.items():
        was = old.get(id)
        if was is None:
            yield Difference("zone_added", each.name, None, each.area)
            continue
        if was.name != each.name:
            yield Difference("zone_renamed", each.name, was.name, each.name)
        if was.area != each.area:
            yield Difference("zone_redrawn", each.name, was.area, each.area)
    for id, each in old.items():
        if id not in new:
            yield Difference("zone_removed", each.name, each.area, None)


def _curfews(before: Order, after: Order) -> Iterable[Difference]:
    old, new = {each.id: each for each in before.curfews}, {each.id: each for each in after.curfews}
    for id, each in new.items():
        was = old.get(id)
        if was is None:
            yield Difference("curfew_added", each.name, None, each.rows)
            continue
        if was.name != each.name:
            yield Difference("curfew_renamed", each.name, was.name, each.name)
        if was.rows != each.rows:
            yield Difference("curfew_hours", each.name, was.rows, each.rows)
        if was.home != each.home:
            yield Difference("curfew_home", each.name, was.home, each.home)
    for id, each in old.items():
        if id not in new:
            yield Difference("curfew_removed", each.name, each.rows, None)


def _rest(before: Order, after: Order) -> Iterable[Difference]:
    old, new = {each.id: each for each in before.absences}, {each.id: each for each in after.absences}
    for id, away in new.items():
        if old.get(id) != away:
            yield Difference("absence_added" if id not in old else "absence_moved", "", away.starts_at, away.ends_at)
    for id, away in old.items():
        if id not in new:
            yield Difference("absence_removed", "", away.starts_at, away.ends_at)
    kept, named = {each.id: each for each in before.protected}, {each.id: each for each in after.protected}
    for whom, each in named.items():
        was = kept.get(whom)
        if was is None:
            yield Difference("protected_added", whom, None, each.distance_m)
            continue
        if was.distance_m != each.distance_m:
            yield Difference("protected_distance", whom, was.distance_m, each.distance_m)
        if was.device != each.device:
            yield Difference("protected_device", whom, int(was.device), int(each.device))
    for whom, each in kept.items():
        if whom not in named:
            yield Difference("protected_removed", whom, each.distance_m, None)
