"""The conditions of an order, one function each: what one fix says of it, given all that is kept of its wearer.

A condition gives findings and changes nothing. Where a wearer is, is a belief (`zones`, `homes`); the way between two
fixes is swept against the time there was.

Absent on purpose: where somebody must be (`keeps`), which fix may move state, batches, and what comes of findings (`rules`,
`verdicts`).
"""

from collections.abc import Callable, Iterable, Iterator
from math import hypot
from typing import Final, NamedTuple, TypeAlias

import msgspec
from immutables import Map, MapMutation

from safetynet.core import evidence, geo, proximity, thresholds, zones
from safetynet.core.fixes import Fix, Said, instant, opens, proven, radius_m, sigma_m, usable
from safetynet.core.grounds import Ground, deepest, off_m
from safetynet.core.homes import Belief
from safetynet.core.orders import Leave, Order, Protected, in_force, permitted
from safetynet.core.proximity import Apart, Spot, Trail, Within
from safetynet.core.terms import AlarmKind, Certainty, CurfewId, Instant, ProtectedId, WearerId, ZoneId, ZoneSetId
from safetynet.core.thresholds import Rules
from safetynet.core.verdicts import Episode, Finding, How, Key, Verdict
from safetynet.core.zonesets import Shared


class Record(msgspec.Struct, frozen=True, gc=False):
    """All that is kept of one wearer between fixes."""

    anchor: Fix | None = None
    """Newest position that steers; its instant is where "late" begins."""
    stray: Fix | None = None
    """Newest position that nobody could have reached from the anchor."""
    strays: int = 0
    newest_at: Instant = Instant(0)
    """Newest instant of any fix, with a position or without."""
    episodes: Map[Key, Episode] = Map()
    past: Map[Key, tuple[Episode, ...]] = Map()
    order: Order | None = None
    places: tuple[Ground, ...] = ()
    homes: tuple[Ground, ...] = ()
    """One for each curfew of the order, in its order."""
    insides: Map[ZoneId, zones.Belief] = Map()
    """Of the zones near the anchor."""
    beliefs: Map[CurfewId, Belief] = Map()
    rung_at: Instant = Instant(0)
    """When the clock last struck for this wearer."""
    trail: Trail = ()
    """Of a wearer who must not approach somebody."""
    under_at: Instant = Instant(0)
    """The newest instant when the order last changed."""
    fresh: frozenset[ZoneId] = frozenset()
    """Zones that it brought or redrew: no way that began by then is held against them."""
    keeps: tuple[Ground, ...] = ()
    """One for each area to keep, in the order's own order."""
    stays: Map[ZoneId, Belief] = Map()
    """Of being out of each."""
    shared: tuple[Shared, ...] = ()
    """The sets of zones that the order names, as far as they are here."""
    editions: Map[ZoneSetId, int] = Map()
    """Which edition of each."""
    sets_at: Instant = Instant(0)
    """The newest instant when these last changed."""
    sets_before: Map[ZoneSetId, int] = Map()
    """The editions before that; 0 where there was none."""
    removed_at: Instant = Instant(0)
    """Since when the strap is open by permit; 0: it is not."""
    heard_at: Instant = Instant(0)
    """When a word that is proven last arrived."""
    rhythm_ms: int = evidence.RHYTHM_MS
    """How often the device speaks."""
    unplaced_at: Instant = Instant(0)
    """Its first word without a usable position since the anchor; void when the anchor is newer."""


class Guarded(msgspec.Struct, frozen=True, gc=False):
    """All that is kept of one protected person."""

    trail: Trail = ()
    newest_at: Instant = Instant(0)
    known_at: Instant = Instant(0)
    """Instant of the newest position."""
    rung_at: Instant = Instant(0)
    wearers: tuple[WearerId, ...] = ()
    """Whose orders name this person."""
    scanned_at: Instant = Instant(0)


Records: TypeAlias = Map[WearerId, Record] | MapMutation[WearerId, Record]
Guardeds: TypeAlias = Map[ProtectedId, Guarded] | MapMutation[ProtectedId, Guarded]
UNKNOWN: Final = Guarded()


_PLANNED: Final[Key] = (AlarmKind.PLANNED_REMOVAL, None)
_ROUGH: Final = 1.05
"""Over degrees taken a little too short."""


class Near(NamedTuple):
    """A zone that a position, or the way to it, may touch."""

    place: Ground
    here: geo.Xy
    """The position in the zone's own plane."""
    off_m: float


class Given(NamedTuple):
    """One fix with what the conditions need to know around it."""

    wearer: WearerId
    """Whose conditions are judged: also when a protected person's fix is."""
    fix: Fix
    at: Instant
    record: Record
    steering: bool
    """It is newer than the anchor and well measured: it may clear."""
    start: Fix | None
    """Where the straight way to it begins, if that says anything: not over a silence, not over a jump."""
    beliefs: Map[CurfewId, Belief]
    """With this fix."""
    guarded: Guardeds
    by: Rules
    near: tuple[Near, ...] = ()
    insides: Map[ZoneId, zones.Belief] = Map()
    """With this fix."""
    stays: Map[ZoneId, Belief] = Map()
    """With this fix."""


# --- the conditions ------------------------------------------------------------------------------------------------


def said_by_device(given: Given, flag: Said, kind: AlarmKind) -> Iterable[Finding]:
    if given.fix.said and given.fix.said & flag:
        return (Finding(kind, None, Verdict.CERTAIN, How.SAID),)
    if given.record.episodes:
        episode = given.record.episodes.get((kind, None))
        if episode is not None and episode.broken and given.at > given.record.newest_at and proven(given.fix):
            return (Finding(kind, None, Verdict.QUIET, How.SAID),)
    return ()


def strap_cut(given: Given) -> Iterable[Finding]:
    """While its removal is permitted an open strap is announced as that, unless it was open before or nothing proves who
    says so. When the permit is over, whatever is still open is a cut strap.
    """
    record = given.record
    if given.fix.said & Said.STRAP_CUT and removal(record, given.fix, given.at):
        return (Finding(AlarmKind.PLANNED_REMOVAL, None, Verdict.CERTAIN, How.SAID),)
    found = (*said_by_device(given, Said.STRAP_CUT, AlarmKind.STRAP_CUT),)
    planned = record.episodes.get(_PLANNED) if record.episodes else None
    if planned is None or not planned.broken:
        return found
    if not given.fix.said & Said.STRAP_CUT:
        return (*found, *said_by_device(given, Said.STRAP_CUT, AlarmKind.PLANNED_REMOVAL))
    return (*found, Finding(AlarmKind.PLANNED_REMOVAL, None, Verdict.QUIET, How.OVER))


def removal(record: Record, fix: Fix, at: Instant) -> bool:
    """Whether what was permitted lets the strap be open then, and this is the device's own word."""
    cut = record.episodes.get((AlarmKind.STRAP_CUT, None)) if record.episodes else None
    return proven(fix) and (cut is None or not cut.broken) and removable(record.order, at)


def removable(order: Order | None, at: Instant) -> bool:
    leave = permitted(order, at) if order is not None and order.absences else None
    return leave is not None and leave.leave is Leave.REMOVAL


def overdue(given: Given) -> Iterable[Finding]:
    """At a bell. Whoever closed the announcement before has not closed the strap."""
    if not given.record.removed_at or removable(given.record.order, given.at):
        return ()
    return (
        Finding(AlarmKind.STRAP_CUT, None, Verdict.CERTAIN, How.OVERDUE),
        Finding(AlarmKind.PLANNED_REMOVAL, None, Verdict.QUIET, How.OVER),
    )


def removed_at(record: Record, fix: Fix, at: Instant) -> Instant:
    """Since when the strap is open by permit, as far as the device has said; 0: it is not."""
    if fix.said & Said.STRAP_CUT:
        return record.removed_at or at if removal(record, fix, at) else Instant(0)
    return Instant(0) if at > record.newest_at and proven(fix) else record.removed_at


def body_tamper(given: Given) -> Iterable[Finding]:
    return said_by_device(given, Said.BODY_TAMPER, AlarmKind.BODY_TAMPER)


def sos(given: Given) -> Iterable[Finding]:
    return said_by_device(given, Said.SOS, AlarmKind.SOS)


def exclusion_zone(given: Given) -> Iterable[Finding]:
    _, fix, at, record, steering, *_ = given
    order = record.order
    if order is None or not (record.places or record.shared) or not opens(fix) or not in_force(order, at):
        return ()
    found: list[Finding] = []
    for each in given.near:
        found.extend(_zone_findings(each, given))
    if steering and record.episodes:
        close = {each.place.id for each in given.near}
        found += (
            Finding(kind, about, Verdict.CLEAR, How.LEFT)
            for (kind, about), episode in record.episodes.items()
            if kind is AlarmKind.EXCLUSION_ZONE and episode.broken and about not in close
        )
    return found


def near_zones(record: Record, fix: Fix, start: Fix | None) -> tuple[Near, ...]:
    """The zones that its circle, or the way to it, may touch; for all others nothing needs to be reckoned."""
    lat, lon = fix.lat, fix.lon
    assert lat is not None
    assert lon is not None
    reach = max(2 * radius_m(fix), zones.NEAR_M)
    if start is not None and start.lat is not None and start.lon is not None:
        # No shorter than the way from there: the sum of both legs, with a degree taken too long.
        reach += abs(lat - start.lat) * 111_200 + abs(lon - start.lon) * 94_000
    found: list[Near] = []
    for place in record.places:
        north = (lat - place.lat) * 110_800
        east = (lon - place.lon) * place.lon_m
        far = place.bound_m + reach + 1.0
        if north * north + east * east <= far * far or reach > 100_000:
            here = place.plane.to_xy(lat, lon)
            found.append(Near(place, here, off_m(place, here)))
    if record.shared and usable(fix):
        found += _near_shared(record, fix, start, reach)
    return tuple(found)


def _near_shared(record: Record, fix: Fix, start: Fix | None, reach: float) -> Iterator[Near]:
    """Those of shared sets along the way: a set has thousands, and a fast way is long."""
    lat, lon = fix.lat, fix.lon
    assert lat is not None
    assert lon is not None
    beside = max(2 * radius_m(fix), zones.NEAR_M) * _ROUGH + 1.0
    lat0, lon0 = (lat, lon) if start is None or start.lat is None or start.lon is None else (start.lat, start.lon)
    for shared in record.shared:
        for place in shared.near(lat, lon, reach):
            there = (lon0 - place.lon) * place.lon_m, (lat0 - place.lat) * 110_800
            end = (lon - place.lon) * place.lon_m, (lat - place.lat) * 110_800
            if end[0] * end[0] + end[1] * end[1] > (place.bound_m + reach + 1.0) ** 2:
                continue
            if geo.point_segment_m((0.0, 0.0), there, end) <= place.bound_m + beside:
                here = place.plane.to_xy(lat, lon)
                yield Near(place, here, off_m(place, here))


def brought(record: Record, id: str, since: Instant) -> bool:
    """Whether an order, or an edition of a set, brought the zone or redrew it after a way had begun."""
    if record.fresh and since <= record.under_at and id in record.fresh:
        return True
    if not record.sets_before or since > record.sets_at:
        return False
    of = next((each for each in record.shared if id in each.zones), None)
    known = None if of is None else record.sets_before.get(of.set)
    return of is not None and known is not None and of.new_since(id, known)


def inside_zones(
    record: Record, near: tuple[Near, ...], fix: Fix, at: Instant, by: thresholds.Zone
) -> Map[ZoneId, zones.Belief]:
    """What is believed of the zones near a position that steers. Of those that are not: that the wearer is elsewhere."""
    if not near:
        return record.insides if not record.insides else Map()
    anchor = record.anchor
    found: dict[ZoneId, zones.Belief] = {}
    for place, _, off in near:
        id = ZoneId(place.id)
        last = None if anchor is not None and brought(record, id, instant(anchor)) else anchor
        found[id] = zones.fold(record.insides.get(id), last, fix, off, by)
    return Map(found)


def _zone_findings(near: Near, given: Given) -> Iterable[Finding]:
    fix, record, by = given.fix, given.record, given.by.zone
    place, _, off = near
    kind, id = AlarmKind.EXCLUSION_ZONE, ZoneId(place.id)
    episode = record.episodes.get((kind, id))
    found: list[Finding] = []
    if (
        given.start is not None
        and off >= radius_m(fix)
        and (episode is None or not episode.broken or episode.certainty is Certainty.MAYBE)
    ):
        crossed = _crossing(near, given, record.insides.get(id))
        if crossed is not None:
            found.append(crossed)
    if not given.steering:
        # Late, unproven, made up, or nobody could have got there: it may cast suspicion, and it takes none away.
        if usable(fix) and evidence.lean(off, sigma_m(fix), by.lean_max) <= -by.lean_max:
            found.append(Finding(kind, id, Verdict.MAYBE, How.INSIDE, off))
        return found
    odds = given.insides[id].odds
    match evidence.level(odds, by.suspect, by.sure):
        case evidence.VIOLATION if off < 0.0:  # who is seen outside at last is not raised anew
            found.append(Finding(kind, id, Verdict.CERTAIN, How.INSIDE, off))
        case evidence.SUSPECT if off < 0.0:
            found.append(Finding(kind, id, Verdict.MAYBE, How.INSIDE, off))
        case _ if odds <= by.over:
            found.append(Finding(kind, id, Verdict.CLEAR, How.LEFT, off))
        case _:
            pass
    return found


def _crossing(near: Near, given: Given, known: zones.Belief | None) -> Finding | None:
    """Whether the way from the last position outside to this one led through the zone: certainly, perhaps or not shown.

    What must have been gone round is the zone itself when it is round, else the disc in it around the deepest point.
    """
    place, here, _ = near
    fix, record = given.fix, given.record
    start = given.start if known is None else known.outside
    if start is None or given.at - instant(start) > given.by.sweep_gap_ms_max or start.lat is None or start.lon is None:
        return None
    if brought(record, place.id, instant(start)):
        return None
    there = place.plane.to_xy(start.lat, start.lon)
    if geo.point_segment_m(place.middle, there, here) >= place.bound_m:
        return None
    off, at = deepest(place, there, here)
    if off >= 0.0:
        return None
    middle, disc_m = (0.0, 0.0), place.bound_m
    if place.ring:
        middle, disc_m = (there[0] + (here[0] - there[0]) * at, there[1] + (here[1] - there[1]) * at), -off
    radii = radius_m(start), radius_m(fix)
    if known is not None and known.deepest_m > -zones.INFINITE_M:
        found = evidence.passed(-off, *radii, known.deepest_m)
    else:
        straight = hypot(here[0] - there[0], here[1] - there[1])
        gap_s = (given.at - instant(start)) / 1000
        speeds = start.speed_mps or 0.0, fix.speed_mps or 0.0
        longest = evidence.longest_m(straight, gap_s, *speeds, given.by.pace_factor)
        found = evidence.swept(-off, evidence.around_m(*there, *here, *middle, disc_m), *radii, longest)
    if found == evidence.IMPOSSIBLE:
        return None
    sure = Verdict.CERTAIN if found == evidence.CERTAIN else Verdict.MAYBE
    return Finding(AlarmKind.EXCLUSION_ZONE, place.id, sure, How.CROSSED, off)


def approach(given: Given) -> Iterable[Finding]:
    fix, at, order = given.fix, given.at, given.record.order
    if order is None or not order.protected or not opens(fix) or not usable(fix) or not in_force(order, at):
        return ()
    assert fix.lat is not None
    assert fix.lon is not None
    me = Spot(fix.lat, fix.lon, radius_m(fix))
    found: list[Finding] = []
    for each in order.protected:
        other = proximity.spot(given.guarded.get(each.id, UNKNOWN).trail, at)
        if other is not None:
            found += ring_findings(each, proximity.apart(me, other), given)
    return found


def ring_findings(protected: Protected, pair: Apart, given: Given) -> Iterable[Finding]:
    """Innermost first: what is certain of one ring needs no word about those around it."""
    for kind, ring_m in proximity.rings(protected):
        match proximity.within(pair, ring_m):
            case Within.INSIDE:
                yield Finding(kind, protected.id, Verdict.CERTAIN, How.NEAR, pair.metres)
                return
            case Within.MAYBE:
                yield Finding(kind, protected.id, Verdict.MAYBE, How.NEAR, pair.metres)
            case Within.OUTSIDE if given.steering:
                yield Finding(kind, protected.id, Verdict.CLEAR, How.LEFT, pair.metres)
            case _:
                continue


Condition: TypeAlias = Callable[[Given], Iterable[Finding]]


def suspicious(given: Given) -> bool:
    """Whether this fix alone would be a violation if fixes were never wrong: then the next ones are wanted soon."""
    fix, order = given.fix, given.record.order
    if order is None or not usable(fix) or not opens(fix) or not in_force(order, given.at):
        return False
    for each in given.near:
        inside = given.insides.get(ZoneId(each.place.id))
        if each.off_m < 0.0 or (inside is not None and inside.odds >= given.by.zone.watch):
            return True
    return False
