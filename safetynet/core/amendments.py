"""What differs between two versions of an order, as words: what a person reads before a change is saved, and ever after.

Absent on purpose: sentences (the page makes them), and whether a change is right.
"""

from collections.abc import Container, Iterable, Mapping
from datetime import date
from typing import NamedTuple, TypeAlias

from safetynet.core.orders import (
    SEOUL,
    Absence,
    Area,
    Hours,
    Inclusion,
    Leave,
    OnHolidays,
    Order,
    Row,
    Stay,
    Timed,
    Zone,
)
from safetynet.core.terms import ZoneId

Value: TypeAlias = str | int | float | tuple[Row, ...] | tuple[str, ...] | tuple[date, ...] | Area | None


class Difference(NamedTuple):
    """One thing that differs between two orders: a word, what it is about, and both sides of it."""

    what: str
    name: str = ""
    before: Value = None
    after: Value = None


def differences(before: Order | None, after: Order | None) -> tuple[Difference, ...]:
    """In the order of a person who reads: footing, validity, zones, curfews, areas to keep, permits, protected persons,
    the other conditions. Empty only when both orders mean the same (the order of their parts aside).
    """
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
    return (
        *found,
        *_zones(plain, after),
        *_curfews(plain, after),
        *_inclusions(plain, after),
        *_absences(plain, after),
        *_protected(plain, after),
        *_others(plain, after),
    )


def _zones(before: Order, after: Order) -> Iterable[Difference]:
    old, new = {each.id: each for each in before.zones}, {each.id: each for each in after.zones}
    for id, each in new.items():
        yield from _drawn("zone", old.get(id), each)
    yield from _gone("zone", old, new)


def _drawn(what: str, was: Zone | Inclusion | None, each: Zone | Inclusion) -> Iterable[Difference]:
    if was is None:
        yield Difference(f"{what}_added", each.name, None, each.area)
        return
    if was.name != each.name:
        yield Difference(f"{what}_renamed", each.name, was.name, each.name)
    if was.area != each.area:
        yield Difference(f"{what}_redrawn", each.name, was.area, each.area)


def _gone(
    what: str, old: Mapping[ZoneId, Zone] | Mapping[ZoneId, Inclusion], new: Container[ZoneId]
) -> Iterable[Difference]:
    for id, each in old.items():
        if id not in new:
            yield Difference(f"{what}_removed", each.name, each.area, None)


def _curfews(before: Order, after: Order) -> Iterable[Difference]:
    old, new = {each.id: each for each in before.curfews}, {each.id: each for each in after.curfews}
    for id, each in new.items():
        was = old.get(id)
        if was is None:
            yield Difference("curfew_added", each.name, None, each.rows)
        else:
            if was.name != each.name:
                yield Difference("curfew_renamed", each.name, was.name, each.name)
            if was.rows != each.rows:
                yield Difference("curfew_hours", each.name, was.rows, each.rows)
            if was.home != each.home:
                yield Difference("curfew_home", each.name, was.home, each.home)
        hours = was.hours if was is not None else Hours.NIGHT
        if hours is not each.hours:
            yield Difference("curfew_kind", each.name, hours.value, each.hours.value)
        yield from _clock(was, each)
    for id, each in old.items():
        if id not in new:
            yield Difference("curfew_removed", each.name, each.rows, None)


def _inclusions(before: Order, after: Order) -> Iterable[Difference]:
    old, new = {each.id: each for each in before.inclusions}, {each.id: each for each in after.inclusions}
    for id, each in new.items():
        was = old.get(id)
        yield from _drawn("inclusion", was, each)
        if (was.rows if was is not None else ()) != each.rows:
            yield Difference("inclusion_hours", each.name, was.rows if was is not None else (), each.rows)
        stay = was.stay if was is not None else Stay.RESIDENCE
        if stay is not each.stay:
            yield Difference("inclusion_kind", each.name, stay.value, each.stay.value)
        yield from _clock(was, each)
    yield from _gone("inclusion", old, new)


def _clock(was: Timed | None, each: Timed) -> Iterable[Difference]:
    """By which clock and calendar its hours are meant."""
    on_holidays = was.on_holidays if was is not None else OnHolidays.ANY_DAY
    if on_holidays is not each.on_holidays:
        yield Difference("on_holidays", each.name, on_holidays.value, each.on_holidays.value)
    zone = was.zone if was is not None else SEOUL
    if zone != each.zone:
        yield Difference("clock", each.name, zone, each.zone)


def _absences(before: Order, after: Order) -> Iterable[Difference]:
    old, new = {each.id: each for each in before.absences}, {each.id: each for each in after.absences}
    for id, away in new.items():
        was = old.get(id)
        if was is None or (was.starts_at, was.ends_at) != (away.starts_at, away.ends_at):
            yield Difference("absence_added" if was is None else "absence_moved", "", away.starts_at, away.ends_at)
        said, told = None if was is None else _permit(was), _permit(away)
        if said != told and (was is not None or any(told)):
            yield Difference("absence_said", "", said, told)
    for id, away in old.items():
        if id not in new:
            yield Difference("absence_removed", "", away.starts_at, away.ends_at)


def _permit(away: Absence) -> tuple[str, ...]:
    """Kind, who asked, who granted, what for: as a person reads a permit."""
    kind = "" if away.leave is Leave.OUTING else away.leave.value
    return (kind, away.asked_by, away.granted_by, away.purpose)


def _protected(before: Order, after: Order) -> Iterable[Difference]:
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


def _others(before: Order, after: Order) -> Iterable[Difference]:
    for name in sorted({*after.shared} - {*before.shared}):
        yield Difference("shared_added", name)
    for name in sorted({*before.shared} - {*after.shared}):
        yield Difference("shared_removed", name)
    was = {each.substance: each for each in before.sobriety}
    now = {each.substance: each for each in after.sobriety}
    for substance, each in now.items():
        if substance not in was:
            yield Difference("sobriety_added", substance.value, None, each.limit_percent)
        elif was[substance] != each:
            yield Difference("sobriety_limit", substance.value, was[substance].limit_percent, each.limit_percent)
    for substance in was.keys() - now.keys():
        yield Difference("sobriety_removed", substance.value)
    if set(before.duties) != set(after.duties):
        kept = tuple(each.value for each in after.duties)
        yield Difference("duties", "", tuple(each.value for each in before.duties), kept)
    if before.holidays != after.holidays:
        yield Difference("holidays", "", before.holidays, after.holidays)
