"""What a device says of its own state, and what its silence means: jamming, separation, battery, no position, no word.

A wearer owes it to the device to charge and to carry it (Act 14(1), Decree 11). Jamming and a device
left behind impair it; the others are no breach yet and open no video: a hazard that grows. Who is not heard may be anywhere in a circle that grows with every second, so silence is
graded by what lies in that circle and by what holds now, and rises by itself the longer it lasts.

A device is known by its rhythm: silence begins when MISSED of its words did not come. It counts from the last word that
*arrived*, so that a device that hands over what it kept is heard. What nothing proves to be its word breaks no silence.

Absent on purpose: when the clock strikes (`deadlines`), how long such an alarm waits before it rings (`annunciations`),
and an outage of a network, which explains silence (`outages`).
"""

from collections.abc import Iterable
from math import ceil, hypot
from typing import Final, NamedTuple

from safetynet.core import evidence, geo, keeps, proximity
from safetynet.core.conditions import UNKNOWN, Condition, Given, Record, said_by_device
from safetynet.core.evidence import missed_ms
from safetynet.core.fixes import Said, instant, proven, radius_m
from safetynet.core.grounds import off_m
from safetynet.core.homes import UNKNOWN_MS
from safetynet.core.orders import Leave, Order, in_force, period, permitted
from safetynet.core.terms import HOUR_MS, MINUTE_MS, SECOND_MS, AlarmKind, Instant
from safetynet.core.verdicts import Finding, How, Verdict

BATTERY_LOW_PERCENT: Final = 20.0
"""Of a day or two: time enough to remind, and to call before it is dead."""
BATTERY_AGAIN_PERCENT: Final = 30.0
"""It is being charged. Between the two nothing changes."""
BATTERY_UNSAID_MS: Final = 2 * HOUR_MS
"""A device that gives no level has charged when it has not said the word for so long."""
BLIND_MS: Final = 10 * MINUTE_MS
"""Words without a usable position for so long: not a tunnel any more."""
GRAVE_MS: Final = 10 * MINUTE_MS
"""Silence for so long is grave where something is at stake, as it is for curfews and protected persons."""
LONG_MS: Final = 30 * MINUTE_MS
"""And for so long it is grave for everybody."""
ON_FOOT_MPS: Final = proximity.GROWTH_MPS
BY_CAR_MPS: Final = 22.0
"""80 km/h: faster over any distance than a car in a town, and about a train with its stops."""
STEP_ON_FOOT_M: Final = 50
STEP_BY_CAR_M: Final = 500
"""So that what is shown changes every half a minute and not at every look."""

_AT_ONCE: Final = frozenset(
    {AlarmKind.STRAP_CUT, AlarmKind.BODY_TAMPER, AlarmKind.JAMMING, AlarmKind.SEPARATION, AlarmKind.EXCLUSION_ZONE}
)
"""Who falls silent after one of these has not gone into a cellar."""


def battery_low(given: Given) -> Iterable[Finding]:
    """A flag is heard whenever it comes; a level says something of now only when it is the newest word."""
    fix, record, level = given.fix, given.record, given.fix.battery_percent
    newest = given.at > record.newest_at
    if fix.said & Said.LOW_BATTERY or (newest and level is not None and level <= BATTERY_LOW_PERCENT):
        return (Finding(AlarmKind.BATTERY_LOW, None, Verdict.CERTAIN, How.SAID),)
    episode = record.episodes.get((AlarmKind.BATTERY_LOW, None)) if record.episodes else None
    if episode is None or not episode.broken or not newest or not proven(fix):
        return ()
    over = given.at - episode.latest_at >= BATTERY_UNSAID_MS if level is None else level >= BATTERY_AGAIN_PERCENT
    return (Finding(AlarmKind.BATTERY_LOW, None, Verdict.CLEAR, How.CHARGED),) if over else ()


def jamming(given: Given) -> Iterable[Finding]:
    return said_by_device(given, Said.JAMMING, AlarmKind.JAMMING)


def separation(given: Given) -> Iterable[Finding]:
    """At home the device may lie in the next room: a suspicion. Elsewhere it was left behind."""
    fix, record, at = given.fix, given.record, given.at
    if fix.said & Said.SEPARATION:
        known = (each for each in given.beliefs.values() if at - each.at < UNKNOWN_MS)
        home = any(each.odds <= given.by.home.over for each in known)
        return (Finding(AlarmKind.SEPARATION, None, Verdict.MAYBE if home else Verdict.CERTAIN, How.SAID),)
    episode = record.episodes.get((AlarmKind.SEPARATION, None)) if record.episodes else None
    if episode is None or not episode.broken or at <= record.newest_at or not proven(fix):
        return ()
    return (Finding(AlarmKind.SEPARATION, None, Verdict.CLEAR, How.HEARD),)


def gps_lost(given: Given) -> Iterable[Finding]:
    fix, record, at = given.fix, given.record, given.at
    if given.steering:
        episode = record.episodes.get((AlarmKind.GPS_LOST, None)) if record.episodes else None
        broken = episode is not None and episode.broken
        return (Finding(AlarmKind.GPS_LOST, None, Verdict.CLEAR, How.HEARD),) if broken else ()
    if not proven(fix) or at <= record.newest_at or at - unplaced_at(record, at) < BLIND_MS:
        return ()
    owes = record.order is not None and _owed(record.order, at)
    return (Finding(AlarmKind.GPS_LOST, None, Verdict.CERTAIN, How.BLIND),) if owes else ()


def heard(given: Given) -> Iterable[Finding]:
    """Any word that is proven and arrives ends a silence, whatever it says and however old it is."""
    record = given.record
    episode = record.episodes.get((AlarmKind.COMM_LOST, None)) if record.episodes else None
    if episode is None or not episode.broken or not proven(given.fix) or given.fix.received_at <= record.heard_at:
        return ()
    return (Finding(AlarmKind.COMM_LOST, None, Verdict.CLEAR, How.HEARD),)


def comm_lost(given: Given) -> Iterable[Finding]:
    """At a bell."""
    record, at = given.record, given.at
    order, silent_ms = record.order, at - record.heard_at
    if order is None or not record.heard_at or silent_ms < missed_ms(record.rhythm_ms) or not _owed(order, at):
        return ()
    sure = Verdict.CERTAIN if grave(given, order, silent_ms) else Verdict.MAYBE
    return (Finding(AlarmKind.COMM_LOST, None, sure, How.SILENT, reach_m(record, at)),)


def grave(given: Given, order: Order, silent_ms: int) -> bool:
    """Whether more is to be feared than a lift, a tunnel or a cellar."""
    record, at = given.record, given.at
    broken = {kind for (kind, _), each in record.episodes.items() if each.broken}
    if silent_ms >= LONG_MS or broken & _AT_ONCE:
        return True
    if silent_ms < GRAVE_MS:
        return False
    if AlarmKind.BATTERY_LOW in broken:  # it is dead: to charge it is a duty (Decree 11)
        return True
    if any(period(order, each, at) is not None for each in order.curfews):
        return True
    reach = reach_m(record, at)
    return reach is not None and (_zone_within(record, reach) or _protected_within(given, order, reach))


class Reach(NamedTuple):
    """How far from the last position somebody may be by now, as it is told: in steps, never less than it is."""

    on_foot_m: int
    by_car_m: int


def reach(radius: float, silent_s: float) -> Reach:
    on_foot, by_car = (evidence.reach_m(radius, silent_s, each) for each in (ON_FOOT_MPS, BY_CAR_MPS))
    return Reach(ceil(on_foot / STEP_ON_FOOT_M) * STEP_ON_FOOT_M, ceil(by_car / STEP_BY_CAR_M) * STEP_BY_CAR_M)


_OF_DEVICE: Final[tuple[Condition, ...]] = (jamming, separation, battery_low, gps_lost, heard)
AT_ONCE: Final[tuple[Condition, ...]] = (*keeps.AT_ONCE, *_OF_DEVICE)
CONDITIONS: Final[tuple[Condition, ...]] = (*keeps.CONDITIONS, *_OF_DEVICE)
"""With what a device says of itself: judged when a fix arrives, and never again."""


def unplaced_at(record: Record, at: Instant) -> Instant:
    """Since when its words have had no usable position, with one of `at` that has none."""
    placed_at = instant(record.anchor) if record.anchor is not None else Instant(0)
    return record.unplaced_at if record.unplaced_at > placed_at else at


def _owed(order: Order, at: Instant) -> bool:
    """Whether the device is to be worn now: not while its removal is permitted (Decree 10)."""
    if not in_force(order, at):
        return False
    leave = permitted(order, at) if order.absences else None
    return leave is None or leave.leave is not Leave.REMOVAL


def reach_m(record: Record, at: Instant) -> float | None:
    """By which a silence is graded: around the newest position, at a brisk walk or as fast as was last reported; None without any."""
    anchor = record.anchor
    if anchor is None:
        return None
    pace = max(ON_FOOT_MPS, anchor.speed_mps or 0.0)
    return evidence.reach_m(radius_m(anchor), (at - instant(anchor)) / SECOND_MS, pace)


def _zone_within(record: Record, reach: float) -> bool:
    """Whether a forbidden zone lies in the circle."""
    anchor = record.anchor
    assert anchor is not None
    assert anchor.lat is not None
    assert anchor.lon is not None
    for place in record.places:
        north = (anchor.lat - place.lat) * 110_800
        east = (anchor.lon - place.lon) * place.lon_m
        if hypot(north, east) > place.bound_m + 1.01 * reach + 1.0:
            continue
        if off_m(place, place.plane.to_xy(anchor.lat, anchor.lon)) <= reach:
            return True
    return False


def _protected_within(given: Given, order: Order, reach: float) -> bool:
    """Whether a person whom the order protects may be in the circle. Where nobody knows, it cannot be ruled out."""
    anchor = given.record.anchor
    assert anchor is not None
    assert anchor.lat is not None
    assert anchor.lon is not None
    for each in order.protected:
        other = proximity.spot(given.guarded.get(each.id, UNKNOWN).trail, given.at)
        if other is None:
            return True
        apart = geo.distance_m(anchor.lat, anchor.lon, other.lat, other.lon)
        if apart - other.radius_m - each.distance_m <= reach:
            return True
    return False
