"""Fix and order give verdicts: the only place where a broken condition is found.

`judge` is a pure function of the batch, the orders and the state; the same journal judged again gives the same
transitions with the same episode ids, to the byte. Only transitions come out. Each condition is one function in
`CONDITIONS`; all of them run for every fix, and one that fails stops the program (which restarts from its journal).

How uncertainty is treated. Let d be the signed distance to a zone (negative inside) and r the 68 % radius of the fix:
certain when d ≤ -r (at least 93 % with a normal error), clear when d ≥ r, maybe between. "Maybe" raises no more than a
MAYBE, never makes one certain, and clears nothing. Between two fixes the straight way is swept.

What an adversary gets: a flag is heard in a fix without position, without order, late, or marked as mock; a fix older
than the newest one may raise but clears nothing; neither does a position that nobody could have reached in time, until
JUMPS_TO_BELIEVE of them agree; towers alone neither open nor clear; what nothing proves to be this device's word raises,
clears nothing and breaks no silence. A tamper or SOS episode ends only when a person
ends it (`end`).

A curfew is judged by a belief: log-odds of being out, fed by every position that tells (`homes`), at all hours, so
that who is out when a curfew begins is known to be. Where nothing is heard, a bell is: a journalled `Fix` that no device sent (`Mark.BELL`, rung when `deadlines` says so).
At a bell, whoever is not known to be home is out, certainly or maybe; so is whoever has been silent.

A protected person's messages (`Fix.protected`) are judged with those of the wearers whose orders name this person: a pair
is judged when either moves, brought to one instant. What comes out speaks of the wearer and carries no place of the other.

Limits of this form: late fixes are judged as points (no sweep backwards); all the world may be spoofed for long enough
to be believed. This pure-Python form is the oracle for a compiled kernel behind the same `judge`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import hypot, sqrt
from typing import Final, NamedTuple, TypeAlias

import msgspec
from immutables import Map, MapMutation

from safetynet.core import geo, proximity
from safetynet.core.fixes import (
    LEAN_MAX,
    Fix,
    Mark,
    Said,
    hints,
    instant,
    jumped,
    lean,
    opens,
    proven,
    radius_m,
    steers,
    tells,
    usable,
)
from safetynet.core.grounds import Ground, ground, off_m
from safetynet.core.homes import ODDS_HOME, ODDS_SURE, ODDS_SUSPECT, SILENT_MS, UNKNOWN_MS, Belief, fold
from safetynet.core.orders import Curfew, Order, Protected, in_force, period
from safetynet.core.proximity import LOST_MS, Apart, Spot, Trail, Within
from safetynet.core.terms import (
    MINUTE_MS,
    AlarmKind,
    CurfewId,
    FixId,
    Instant,
    ProtectedId,
    WearerId,
    ZoneId,
)
from safetynet.core.verdicts import SAID, Book, Episode, Finding, How, Key, Seen, Transition, Verdict, apply

RULES_VERSION: Final = "2026.11-3"
"""Stored with every alarm. Changed whenever any fix could be judged differently."""

SWEEP_GAP_MS_MAX: Final = 5 * MINUTE_MS
"""Over a longer silence the straight way says nothing."""
PACE_FACTOR: Final = 1.2
"""Between two fixes nobody is taken to be faster than this times the pace seen there (means and reported speeds)."""
JUMPS_TO_BELIEVE: Final = 3
"""So many successive positions that agree with each other are believed although nobody could have got there."""
SCAN_MS: Final = 10 * MINUTE_MS
"""From a protected person's side a new order counts after this at the latest; from the wearer's side at once."""


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
    beliefs: Map[CurfewId, Belief] = Map()
    rung_at: Instant = Instant(0)
    """When the clock last struck for this wearer."""
    trail: Trail = ()
    """Of a wearer who must not approach somebody."""
    under_at: Instant = Instant(0)
    """The newest instant when the order last changed."""
    fresh: frozenset[ZoneId] = frozenset()
    """Zones that it brought or redrew: no way that began by then is held against them."""


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


@dataclass(frozen=True, slots=True)
class RuleState:
    """Immutable; share it freely. Starts empty, grows by `judge` and `end` only."""

    records: Map[WearerId, Record] = field(default_factory=Map)
    endings: Map[WearerId, Map[str, FixId]] = field(default_factory=Map)
    """Episodes that a person ended: with the first fix after that serial they are over."""
    guarded: Map[ProtectedId, Guarded] = field(default_factory=Map)


_Records: TypeAlias = Map[WearerId, Record] | MapMutation[WearerId, Record]
_Guardeds: TypeAlias = Map[ProtectedId, Guarded] | MapMutation[ProtectedId, Guarded]
_BLANK: Final = Record()
_UNKNOWN: Final = Guarded()


def judge(
    batch: Sequence[Fix], orders: Mapping[WearerId, Order], state: RuleState
) -> tuple[tuple[Transition, ...], RuleState]:
    """Judges fixes in the order of the journal (the order of arrival) and gives the state after them.

    A wearer without an order is heard all the same: flags need none. After a crash, judge the journal from its start
    (or from the fix after a kept state) with the same orders, having told `end` first of all that people ended.
    """
    told: list[Transition] = []
    records, guarded = state.records.mutate(), state.guarded.mutate()
    endings = state.endings
    for fix in batch:
        if fix.protected:
            id = ProtectedId(fix.wearer)
            before, after = guarded.get(id, _UNKNOWN), _guarded(guarded.get(id, _UNKNOWN), fix, orders)
            guarded[id] = after
            for wearer in after.wearers:
                record, endings = _ready(records.get(wearer, _BLANK), orders, wearer, fix.id, endings)
                records[wearer] = record
            for wearer in after.wearers:
                records[wearer] = _concerned(wearer, fix, before, after, records, told)
            continue
        record, endings = _ready(records.get(fix.wearer, _BLANK), orders, fix.wearer, fix.id, endings)
        records[fix.wearer] = _step(record, fix, guarded, told)
    return tuple(told), RuleState(records.finish(), endings, guarded.finish())


def _ready(
    record: Record,
    orders: Mapping[WearerId, Order],
    wearer: WearerId,
    fix: FixId,
    endings: Map[WearerId, Map[str, FixId]],
) -> tuple[Record, Map[WearerId, Map[str, FixId]]]:
    """Under the present order, and without what a person ended."""
    order = orders.get(wearer)
    if order is not record.order:
        record = _under(record, order)
    return _over(record, wearer, fix, endings) if endings and wearer in endings else (record, endings)


def end(state: RuleState, wearer: WearerId, episode: str, upto: FixId) -> RuleState:
    """A person closed the alarm of this episode when fix `upto` was the newest journalled: what comes after is new."""
    known = state.endings.get(wearer, Map())
    return RuleState(state.records, state.endings.set(wearer, known.set(episode, upto)), state.guarded)


def episodes(state: RuleState, wearer: WearerId) -> Mapping[Key, Episode]:
    """The episodes that have not ended, for a screen or a test."""
    return state.records.get(wearer, _BLANK).episodes


# --- one fix -------------------------------------------------------------------------------------------------------


class _Given(NamedTuple):
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
    guarded: _Guardeds


def _seen(given: _Given) -> Seen:
    order = given.record.order
    return Seen(given.wearer, given.fix, given.at, None if order is None else order.version)


def _step(record: Record, fix: Fix, guarded: _Guardeds, told: list[Transition]) -> Record:
    at = instant(fix)
    if fix.marks and fix.marks & Mark.BELL:
        return _struck(record, fix, at, told)
    steering, strays = _steering(record, fix, at)
    anchor = record.anchor if steering and not strays else None
    start = anchor if anchor is not None and at - instant(anchor) <= SWEEP_GAP_MS_MAX else None
    beliefs = record.beliefs
    if record.homes and steering and tells(fix):
        for home in record.homes:
            id = CurfewId(home.id)
            beliefs = beliefs.set(id, fold(beliefs.get(id), home, fix, at))
    trail = record.trail
    if steering and record.order is not None and record.order.protected:
        trail = proximity.noted(trail, fix)
    given = _Given(fix.wearer, fix, at, record, steering, start, beliefs, guarded)
    book, seen = Book(record.episodes, record.past), _seen(given)
    for condition in CONDITIONS:
        for finding in condition(given):
            book = apply(book, seen, finding, told)
    episodes, past = book
    newest = max(at, record.newest_at) if proven(fix) else record.newest_at
    more = (
        episodes,
        past,
        record.order,
        record.places,
        record.homes,
        beliefs,
        record.rung_at,
        trail,
        record.under_at,
        record.fresh,
    )
    if steering:
        return Record(fix, None, 0, newest, *more)
    stray = fix if strays else record.stray
    return Record(record.anchor, stray, strays or record.strays, newest, *more)


def _struck(record: Record, fix: Fix, at: Instant, told: list[Transition]) -> Record:
    """A bell is no word of the device: it ends no flag and moves nobody."""
    given = _Given(fix.wearer, fix, at, record, False, None, record.beliefs, Map())
    book, seen = Book(record.episodes, record.past), _seen(given)
    for finding in curfew(given):
        book = apply(book, seen, finding, told)
    rung_at = max(at, record.rung_at)
    return msgspec.structs.replace(record, episodes=book.seen, past=book.past, rung_at=rung_at)


def _steering(record: Record, fix: Fix, at: Instant) -> tuple[bool, int]:
    """Whether the fix may move state; else how many successive strays there are with it (0: it is none)."""
    if not steers(fix):
        return False, 0
    anchor = record.anchor
    if anchor is None:
        return True, 0
    if at <= instant(anchor):
        return False, 0
    if not jumped(anchor, fix):
        return True, 0
    stray = record.stray
    if stray is None or jumped(stray, fix):
        return False, 1
    if at <= instant(stray):
        return False, 0
    strays = record.strays + 1
    return strays >= JUMPS_TO_BELIEVE, strays


# --- the conditions ------------------------------------------------------------------------------------------------


def _said(given: _Given, flag: Said, kind: AlarmKind) -> Iterable[Finding]:
    if given.fix.said and given.fix.said & flag:
        return (Finding(kind, None, Verdict.CERTAIN, How.SAID),)
    if given.record.episodes:
        episode = given.record.episodes.get((kind, None))
        if episode is not None and episode.broken and given.at > given.record.newest_at and proven(given.fix):
            return (Finding(kind, None, Verdict.QUIET, How.SAID),)
    return ()


def strap_cut(given: _Given) -> Iterable[Finding]:
    return _said(given, Said.STRAP_CUT, AlarmKind.STRAP_CUT)


def body_tamper(given: _Given) -> Iterable[Finding]:
    return _said(given, Said.BODY_TAMPER, AlarmKind.BODY_TAMPER)


def sos(given: _Given) -> Iterable[Finding]:
    return _said(given, Said.SOS, AlarmKind.SOS)


def exclusion_zone(given: _Given) -> Iterable[Finding]:
    _, fix, at, record, steering, start, *_ = given
    order = record.order
    if order is None or not record.places or not opens(fix) or not in_force(order, at):
        return ()
    lat, lon = fix.lat, fix.lon
    assert lat is not None
    assert lon is not None
    radius = radius_m(fix)
    near = radius
    if start is not None and start.lat is not None and start.lon is not None:
        # No shorter than the way from there: the sum of both legs, with a degree taken too long.
        near += abs(lat - start.lat) * 111_200 + abs(lon - start.lon) * 94_000
    found: list[Finding] = []
    for place in record.places:
        north = (lat - place.lat) * 110_800
        east = (lon - place.lon) * place.lon_m
        reach = place.bound_m + near + 1.0
        if north * north + east * east <= reach * reach or near > 100_000:
            found.extend(_zone_findings(place, given, radius))
        elif steering and record.episodes and (AlarmKind.EXCLUSION_ZONE, place.id) in record.episodes:
            found.append(Finding(AlarmKind.EXCLUSION_ZONE, place.id, Verdict.CLEAR, How.LEFT))
    return found


def _zone_findings(place: Ground, given: _Given, radius: float) -> Iterable[Finding]:
    fix = given.fix
    assert fix.lat is not None
    assert fix.lon is not None
    kind = AlarmKind.EXCLUSION_ZONE
    here = place.plane.to_xy(fix.lat, fix.lon)
    off = off_m(place, here)
    if off <= -radius:
        return (Finding(kind, place.id, Verdict.CERTAIN, How.INSIDE, off),)
    found: list[Finding] = []
    episode = given.record.episodes.get((kind, place.id))
    start, record = given.start, given.record
    if start is not None and place.id in record.fresh and instant(start) <= record.under_at:
        start = None
    if start is not None and (episode is None or not episode.broken):
        crossed = _crossing(place, start, fix, here)
        if crossed is not None:
            found.append(crossed)
    if off < radius:
        if usable(fix) and not found:
            found.append(Finding(kind, place.id, Verdict.MAYBE, How.INSIDE, off))
    elif given.steering:
        found.append(Finding(kind, place.id, Verdict.CLEAR, How.LEFT, off))
    return found


def _crossing(place: Ground, start: Fix, fix: Fix, here: geo.Xy) -> Finding | None:
    """Whether the way from one fix to the next led through the zone: certainly, possibly or not.

    Possibly when the straight way enters it. Certainly when no detour was possible: at the pace seen there the way
    lies in an ellipse around the straight one, and its half width plus the radius is less than the depth, so that the
    whole cross-section at the deepest point lies in the zone.
    """
    assert start.lat is not None
    assert start.lon is not None
    there = place.plane.to_xy(start.lat, start.lon)
    if geo.point_segment_m(place.middle, there, here) >= place.bound_m:
        return None
    if place.ring:
        depth = geo.segment_polygon_m(there, here, place.ring)
    else:
        depth = geo.segment_circle_m(there, here, 0.0, 0.0, place.bound_m)
    if depth >= 0.0:
        return None
    straight = hypot(here[0] - there[0], here[1] - there[1])
    gap_s = (instant(fix) - instant(start)) / 1000
    longest = PACE_FACTOR * max(straight, gap_s * max(start.speed_mps or 0.0, fix.speed_mps or 0.0))
    aside = sqrt(longest * longest - straight * straight) / 2
    certain = -depth > aside + max(radius_m(start), radius_m(fix))
    verdict = Verdict.CERTAIN if certain else Verdict.MAYBE
    return Finding(AlarmKind.EXCLUSION_ZONE, place.id, verdict, How.CROSSED, depth)


def curfew(given: _Given) -> Iterable[Finding]:
    record, at = given.record, given.at
    order = record.order
    if order is None or not order.curfews:
        return ()
    found: list[Finding] = []
    for each, home in zip(order.curfews, record.homes, strict=True):
        if period(order, each, at) is not None:
            found += _curfew_finding(each, home, given)
            continue
        episode = record.episodes.get((AlarmKind.CURFEW, each.id))
        if episode is not None and episode.broken and at > episode.latest_at:
            found.append(Finding(AlarmKind.CURFEW, each.id, Verdict.QUIET, How.OVER))
    return found


def _curfew_finding(each: Curfew, home: Ground, given: _Given) -> Iterable[Finding]:
    kind, fix, at, record = AlarmKind.CURFEW, given.fix, given.at, given.record
    belief = given.beliefs.get(each.id)
    if fix.marks & Mark.BELL:
        if belief is None or at - belief.at >= UNKNOWN_MS or at - record.newest_at >= SILENT_MS:
            return (Finding(kind, each.id, Verdict.MAYBE, How.SILENT),)
        if belief.odds <= ODDS_HOME:
            return ()
        sure = Verdict.CERTAIN if belief.odds >= ODDS_SURE else Verdict.MAYBE
        return (Finding(kind, each.id, sure, How.OUTSIDE),)
    if not hints(fix) or fix.lat is None or fix.lon is None:
        return ()
    off = off_m(home, home.plane.to_xy(fix.lat, fix.lon))
    if belief is None or belief is record.beliefs.get(each.id):
        # Late, unproven, or nobody could have got there: alone it may cast suspicion, and it takes none away.
        late = not proven(fix) or (record.anchor is not None and at <= instant(record.anchor))
        return (Finding(kind, each.id, Verdict.MAYBE, How.OUTSIDE, off),) if late and lean(fix, off) >= LEAN_MAX else ()
    if belief.odds >= ODDS_SUSPECT and off > 0.0:  # who is seen at home at last is not raised anew
        sure = Verdict.CERTAIN if belief.odds >= ODDS_SURE else Verdict.MAYBE
        return (Finding(kind, each.id, sure, How.OUTSIDE, off),)
    now = max(record.newest_at, record.rung_at)
    if belief.odds <= ODDS_HOME and now - at < SILENT_MS:
        return (Finding(kind, each.id, Verdict.CLEAR, How.HOME, off),)
    return ()


def approach(given: _Given) -> Iterable[Finding]:
    fix, at, order = given.fix, given.at, given.record.order
    if order is None or not order.protected or not opens(fix) or not usable(fix) or not in_force(order, at):
        return ()
    assert fix.lat is not None
    assert fix.lon is not None
    me = Spot(fix.lat, fix.lon, radius_m(fix))
    found: list[Finding] = []
    for each in order.protected:
        other = proximity.spot(given.guarded.get(each.id, _UNKNOWN).trail, at)
        if other is not None:
            found += _ring_findings(each, proximity.apart(me, other), given)
    return found


def _ring_findings(protected: Protected, pair: Apart, given: _Given) -> Iterable[Finding]:
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


CONDITIONS: Final[tuple[Callable[[_Given], Iterable[Finding]], ...]] = (
    strap_cut,
    body_tamper,
    sos,
    exclusion_zone,
    curfew,
    approach,
)
"""One function per condition. All run for every fix of a wearer."""


# --- protected persons ---------------------------------------------------------------------------------------------


def _guarded(before: Guarded, fix: Fix, orders: Mapping[WearerId, Order]) -> Guarded:
    """What is kept of a protected person after a message, or after a bell."""
    at, bell = instant(fix), bool(fix.marks & Mark.BELL)
    wearers, scanned_at = before.wearers, before.scanned_at
    if bell or fix.said & Said.SOS or at - scanned_at >= SCAN_MS:
        id = ProtectedId(fix.wearer)
        named = (each.wearer for each in orders.values() if any(one.id == id for one in each.protected))
        # A call for help is heard without any order too: then it stands for itself.
        wearers, scanned_at = tuple(sorted(named)) or (() if bell else (fix.wearer,)), max(at, scanned_at)
    last = before.trail[-1] if before.trail else None
    placed = not bell and steers(fix) and (last is None or not jumped(last, fix))
    return Guarded(
        trail=proximity.noted(before.trail, fix) if placed else before.trail,
        newest_at=before.newest_at if bell or not proven(fix) else max(at, before.newest_at),
        known_at=max(at, before.known_at) if placed else before.known_at,
        rung_at=max(at, before.rung_at) if bell else before.rung_at,
        wearers=wearers,
        scanned_at=scanned_at,
    )


def _concerned(
    wearer: WearerId,
    fix: Fix,
    before: Guarded,
    after: Guarded,
    records: _Records,
    told: list[Transition],
) -> Record:
    """A protected person's message as it concerns one of the wearers."""
    record, at, id = records[wearer], instant(fix), ProtectedId(fix.wearer)
    placed = after.known_at > before.known_at
    given = _Given(wearer, fix, at, record, placed, None, record.beliefs, Map())
    book, seen = Book(record.episodes, record.past), _seen(given)
    order = record.order
    mine = next((each for each in order.protected if each.id == id), None) if order is not None else None
    if mine is not None and order is not None and placed and in_force(order, at):
        me, other = proximity.spot(after.trail, at), proximity.spot(record.trail, at)
        if me is not None and other is not None:
            for finding in _ring_findings(mine, proximity.apart(me, other), given):
                book = apply(book, seen, finding, told)
    for finding in _calls(wearer, given, before, after, records):
        book = apply(book, seen, finding, told)
    return msgspec.structs.replace(record, episodes=book.seen, past=book.past)


def _calls(wearer: WearerId, given: _Given, before: Guarded, after: Guarded, records: _Records) -> Iterable[Finding]:
    """A call for help, and the silence of a protected person's phone: one alarm, at the wearer who is nearest."""
    fix, at, id = given.fix, given.at, ProtectedId(given.fix.wearer)
    for kind in (AlarmKind.PROTECTED_SOS, AlarmKind.PROTECTED_LOST):
        key = (kind, id)
        bell = bool(fix.marks & Mark.BELL)
        episode = given.record.episodes.get(key)
        if kind is AlarmKind.PROTECTED_SOS:
            broken, over = bool(fix.said & Said.SOS), not bell and proven(fix) and at > before.newest_at
            how, quiet = How.SAID, Verdict.QUIET
        else:
            broken, over = bell and at - after.known_at >= LOST_MS, given.steering
            how, quiet = How.SILENT, Verdict.CLEAR
        if broken and wearer == _whose(key, after, records, at):
            yield Finding(kind, id, Verdict.CERTAIN, how)
        elif not broken and over and episode is not None and episode.broken:
            yield Finding(kind, id, quiet, How.HEARD)


def _whose(key: Key, guarded: Guarded, records: _Records, at: Instant) -> WearerId:
    """With which wearer such an alarm stands: where it already does, else with the nearest, else with the first."""
    me = proximity.spot(guarded.trail, at)

    def worth(wearer: WearerId) -> tuple[bool, float, WearerId]:
        record = records[wearer]
        other = proximity.spot(record.trail, at)
        far = proximity.apart(me, other).metres if me is not None and other is not None else 1e9
        return key not in record.episodes, far, wearer

    return min(guarded.wearers, key=worth)


def _over(
    record: Record, wearer: WearerId, fix: FixId, endings: Map[WearerId, Map[str, FixId]]
) -> tuple[Record, Map[WearerId, Map[str, FixId]]]:
    """Takes the episodes out that a person ended before this fix came."""
    mine = endings[wearer]
    book = Book(record.episodes, record.past)
    for key, episode in record.episodes.items():
        upto = mine.get(episode.id)
        if upto is not None and fix > upto:
            book = Book(book.seen.delete(key), book.past)
            if key[0] not in SAID:
                # A flag said again after that is heard again, even with an old time: it may be a second cut.
                book = book.with_past(key, episode)
            mine = mine.delete(episode.id)
    endings = endings.set(wearer, mine) if mine else endings.delete(wearer)
    return msgspec.structs.replace(record, episodes=book.seen, past=book.past), endings


# --- orders made ready ---------------------------------------------------------------------------------------------


def _under(record: Record, order: Order | None) -> Record:
    """The record under another order. An equal one is taken for the same, so that decoding anew costs nothing here."""
    if order == record.order:
        return record
    places = () if order is None else tuple(ground(each.id, each.area) for each in order.zones)
    homes = () if order is None else tuple(ground(each.id, each.home) for each in order.curfews)
    # A home that moved is another home: what was believed of the old one is forgotten.
    same = {new.id for new in homes if new in record.homes}
    beliefs = Map({id: each for id, each in record.beliefs.items() if id in same})
    fresh = frozenset(ZoneId(each.id) for each in places if each not in record.places)
    return msgspec.structs.replace(
        record, order=order, places=places, homes=homes, beliefs=beliefs, under_at=record.newest_at, fresh=fresh
    )
