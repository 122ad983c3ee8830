"""Fix and order give verdicts: the only place where a broken condition is found.

`judge` is a pure function of the batch, the orders and the state; the same journal judged again gives the same
transitions with the same episode ids, to the byte. Only transitions come out. Each condition is one function in
`CONDITIONS`; all of them run for every fix, and one that fails stops the program (which restarts from its journal).

How uncertainty is treated. Let d be the signed distance to a zone (negative inside) and r the 68 % radius of the fix:
certain when d ≤ -r (at least 93 % with a normal error), clear when d ≥ r, maybe between. "Maybe" raises no more than a
MAYBE, never makes one certain, and clears nothing. Between two fixes the straight way is swept.

What an adversary gets: a flag is heard in a fix without position, without order, late, or marked as mock; a fix older
than the newest one may raise but clears nothing; neither does a position that nobody could have reached in time, until
JUMPS_TO_BELIEVE of them agree; towers alone neither open nor clear. A tamper or SOS episode ends only when a person
ends it (`end`).

A curfew is judged by a belief: log-odds of being out, fed by every position that tells (tracking.md section 4). It is kept at all hours, so that who is out when a curfew begins is known to be.
Where nothing is heard, a bell is: a journalled `Fix` that no device sent (`Mark.BELL`, rung when `deadlines` says so).
At a bell, whoever is not known to be home is out, certainly or maybe; so is whoever has been silent for SILENT_MS.

Limits of this form: late fixes are judged as points (no sweep backwards); all the world may be spoofed for long enough
to be believed. This pure-Python form is the oracle for a compiled kernel behind the same `judge`.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from math import hypot, sqrt
from typing import Final, NamedTuple, TypeAlias

import msgspec
from immutables import Map

from safetynet.core import geo
from safetynet.core.fixes import (
    LEAN_MAX,
    Fix,
    Mark,
    Said,
    instant,
    lean,
    opens,
    radius_m,
    tells,
    usable,
)
from safetynet.core.grounds import Ground, ground, off_m
from safetynet.core.homes import ODDS_HOME, ODDS_SURE, ODDS_SUSPECT, SILENT_MS, Belief, fold
from safetynet.core.orders import Curfew, Order, in_force, period
from safetynet.core.terms import MINUTE_MS, AlarmKind, Certainty, CurfewId, FixId, Instant, WearerId, ZoneId

RULES_VERSION: Final = "2026.11-2"
"""Stored with every alarm. Changed whenever any fix could be judged differently."""

EPISODE_GAP_MS: Final = 30 * MINUTE_MS
"""Entering a zone again within this after leaving it is the same episode."""
FLICKER_MS: Final = MINUTE_MS
"""A device flag that comes back sooner than this after it was last heard is not told again."""
SWEEP_GAP_MS_MAX: Final = 5 * MINUTE_MS
"""Over a longer silence the straight way says nothing."""
PACE_FACTOR: Final = 1.2
"""Between two fixes nobody is taken to be faster than this times the pace seen there (means and reported speeds)."""
JUMPS_TO_BELIEVE: Final = 3
"""So many successive positions that agree with each other are believed although nobody could have got there."""
PAST_MAX: Final = 16
"""Ended episodes remembered per condition and zone, so that a position delivered again stays known."""


class Change(Enum):
    RAISED = "raised"
    RISEN = "risen"
    """A MAYBE became CERTAIN."""
    REPEATED = "repeated"
    """Broken again within the episode."""
    RETURNED = "returned"
    """The condition holds again. The episode goes on: a person ends the alarm."""


class How(Enum):
    """What showed it."""

    SAID = "said"
    INSIDE = "inside"
    CROSSED = "crossed"
    LEFT = "left"
    OUTSIDE = "outside"
    """Positions speak for being away from home."""
    SILENT = "silent"
    """Nothing that tells was heard, and the clock struck."""
    HOME = "home"
    OVER = "over"
    """The curfew ended."""


About: TypeAlias = ZoneId | CurfewId | None
"""What a condition is about: which zone, which curfew."""


class Transition(msgspec.Struct, frozen=True, kw_only=True):
    wearer: WearerId
    kind: AlarmKind
    change: Change
    certainty: Certainty
    """Of the episode after this change: the highest it has had."""
    zone: ZoneId | None
    fix: Fix
    episode: str
    """Derived from wearer, kind, zone and the fix that opened it; opaque."""
    how: How
    off_m: float | None = None
    """Signed distance to the zone that decided, negative inside."""
    order_version: int | None = None


class Verdict(Enum):
    CERTAIN = "certain"
    MAYBE = "maybe"
    CLEAR = "clear"
    QUIET = "quiet"
    """A device flag is no longer said, a curfew is over: nothing changes but that the next time is told again."""


class Finding(NamedTuple):
    """What one condition says of one fix."""

    kind: AlarmKind
    about: About
    verdict: Verdict
    how: How
    off_m: float | None = None


Key: TypeAlias = tuple[AlarmKind, About]


class Episode(msgspec.Struct, frozen=True):
    id: str
    certainty: Certainty
    first_at: Instant
    latest_at: Instant
    """Newest instant at which it was seen broken."""
    broken: bool
    """Whether it is broken now, as far as known."""


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


@dataclass(frozen=True, slots=True)
class RuleState:
    """Immutable; share it freely. Starts empty, grows by `judge` and `end` only."""

    records: Map[WearerId, Record] = field(default_factory=Map)
    endings: Map[WearerId, Map[str, FixId]] = field(default_factory=Map)
    """Episodes that a person ended: with the first fix after that serial they are over."""


_BLANK: Final = Record()


def judge(
    batch: Sequence[Fix], orders: Mapping[WearerId, Order], state: RuleState
) -> tuple[tuple[Transition, ...], RuleState]:
    """Judges fixes in the order of the journal (the order of arrival) and gives the state after them.

    A wearer without an order is heard all the same: flags need none. After a crash, judge the journal from its start
    (or from the fix after a kept state) with the same orders, having told `end` first of all that people ended.
    """
    told: list[Transition] = []
    records = state.records.mutate()
    endings = state.endings
    for fix in batch:
        wearer = fix.wearer
        before = records.get(wearer, _BLANK)
        order = orders.get(wearer)
        if order is not before.order:
            before = _under(before, order)
        if endings and wearer in endings:
            before, endings = _over(before, fix, endings)
        after = _step(before, fix, told)
        records[wearer] = after
    return tuple(told), RuleState(records.finish(), endings)


def end(state: RuleState, wearer: WearerId, episode: str, upto: FixId) -> RuleState:
    """A person closed the alarm of this episode when fix `upto` was the newest journalled: what comes after is new."""
    known = state.endings.get(wearer, Map())
    return RuleState(state.records, state.endings.set(wearer, known.set(episode, upto)))


def episodes(state: RuleState, wearer: WearerId) -> Mapping[Key, Episode]:
    """The episodes that have not ended, for a screen or a test."""
    return state.records.get(wearer, _BLANK).episodes


def episode_id(wearer: WearerId, kind: AlarmKind, about: About, fix: FixId) -> str:
    parts = (wearer, kind.value, about or "", str(fix))
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return "e" + hashlib.sha256(text.encode()).hexdigest()[:20]


# --- one fix -------------------------------------------------------------------------------------------------------


class _Book(NamedTuple):
    """A wearer's episodes while one fix is judged."""

    seen: Map[Key, Episode]
    past: Map[Key, tuple[Episode, ...]]

    def with_episode(self, key: Key, episode: Episode) -> "_Book":
        return _Book(self.seen.set(key, episode), self.past)

    def with_past(self, key: Key, episode: Episode) -> "_Book":
        return _Book(self.seen, self.past.set(key, (*self.past.get(key, ()), episode)[-PAST_MAX:]))


class _Given(NamedTuple):
    """One fix with what the conditions need to know around it."""

    fix: Fix
    at: Instant
    record: Record
    steering: bool
    """It is newer than the anchor and well measured: it may clear."""
    start: Fix | None
    """Where the straight way to it begins, if that says anything: not over a silence, not over a jump."""
    beliefs: Map[CurfewId, Belief]
    """With this fix."""


def _step(record: Record, fix: Fix, told: list[Transition]) -> Record:
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
    given = _Given(fix, at, record, steering, start, beliefs)
    book = _Book(record.episodes, record.past)
    for condition in CONDITIONS:
        for finding in condition(given):
            book = _apply(book, given, finding, told)
    seen, past = book
    newest = max(at, record.newest_at)
    more = (seen, past, record.order, record.places, record.homes, beliefs, record.rung_at)
    if steering:
        return Record(fix, None, 0, newest, *more)
    stray = fix if strays else record.stray
    return Record(record.anchor, stray, strays or record.strays, newest, *more)


def _struck(record: Record, fix: Fix, at: Instant, told: list[Transition]) -> Record:
    """A bell is no word of the device: it ends no flag and moves nobody."""
    book = _Book(record.episodes, record.past)
    given = _Given(fix, at, record, steering=False, start=None, beliefs=record.beliefs)
    for finding in curfew(given):
        book = _apply(book, given, finding, told)
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
        if episode is not None and episode.broken and given.at > given.record.newest_at:
            return (Finding(kind, None, Verdict.QUIET, How.SAID),)
    return ()


def strap_cut(given: _Given) -> Iterable[Finding]:
    return _said(given, Said.STRAP_CUT, AlarmKind.STRAP_CUT)


def body_tamper(given: _Given) -> Iterable[Finding]:
    return _said(given, Said.BODY_TAMPER, AlarmKind.BODY_TAMPER)


def sos(given: _Given) -> Iterable[Finding]:
    return _said(given, Said.SOS, AlarmKind.SOS)


def exclusion_zone(given: _Given) -> Iterable[Finding]:
    fix, at, record, steering, start, _ = given
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
    if given.start is not None and (episode is None or not episode.broken):
        crossed = _crossing(place, given.start, fix, here)
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
        if belief is None or at - belief.at >= SILENT_MS:
            return (Finding(kind, each.id, Verdict.MAYBE, How.SILENT),)
        if belief.odds <= ODDS_HOME:
            return ()
        sure = Verdict.CERTAIN if belief.odds >= ODDS_SURE else Verdict.MAYBE
        return (Finding(kind, each.id, sure, How.OUTSIDE),)
    if not tells(fix) or fix.lat is None or fix.lon is None:
        return ()
    off = off_m(home, home.plane.to_xy(fix.lat, fix.lon))
    if belief is None or belief is record.beliefs.get(each.id):
        # Late, or nobody could have got there: alone it may cast suspicion, and it takes none away.
        late = record.anchor is not None and at <= instant(record.anchor)
        return (Finding(kind, each.id, Verdict.MAYBE, How.OUTSIDE, off),) if late and lean(fix, off) >= LEAN_MAX else ()
    if belief.odds >= ODDS_SUSPECT:
        sure = Verdict.CERTAIN if belief.odds >= ODDS_SURE else Verdict.MAYBE
        return (Finding(kind, each.id, sure, How.OUTSIDE, off),)
    now = max(record.newest_at, record.rung_at)
    if belief.odds <= ODDS_HOME and now - at < SILENT_MS:
        return (Finding(kind, each.id, Verdict.CLEAR, How.HOME, off),)
    return ()


CONDITIONS: Final[tuple[Callable[[_Given], Iterable[Finding]], ...]] = (
    strap_cut,
    body_tamper,
    sos,
    exclusion_zone,
    curfew,
)
"""One function per condition. All run for every fix."""

SAID: Final = frozenset({AlarmKind.STRAP_CUT, AlarmKind.BODY_TAMPER, AlarmKind.SOS})
"""Kinds that a device says of itself: one episode until a person ends it."""


# --- episodes ------------------------------------------------------------------------------------------------------


def _apply(
    book: _Book,
    given: _Given,
    finding: Finding,
    told: list[Transition],
) -> _Book:
    key = (finding.kind, finding.about)
    episode = book.seen.get(key)
    match finding.verdict:
        case Verdict.CLEAR | Verdict.QUIET:
            if episode is None or not episode.broken:
                return book
            if finding.verdict is Verdict.CLEAR:
                told.append(_transition(given, finding, episode, Change.RETURNED))
            return book.with_episode(key, msgspec.structs.replace(episode, broken=False))
        case Verdict.CERTAIN | Verdict.MAYBE:
            certainty = Certainty.CERTAIN if finding.verdict is Verdict.CERTAIN else Certainty.MAYBE
            if episode is None or _apart(episode, given.at, finding.kind):
                return _begin(book, given, finding, certainty, told)
            return book.with_episode(key, _again(episode, given, finding, certainty, told))


def _apart(episode: Episode, at: Instant, kind: AlarmKind) -> bool:
    """Whether what happened at that instant is no part of this episode. What a device says of itself never is apart."""
    if kind in SAID:
        return False
    if at < episode.first_at:
        return episode.first_at - at > EPISODE_GAP_MS
    return not episode.broken and at - episode.latest_at > EPISODE_GAP_MS


def _begin(
    book: _Book,
    given: _Given,
    finding: Finding,
    certainty: Certainty,
    told: list[Transition],
) -> _Book:
    key = (finding.kind, finding.about)
    at = given.at
    if any(_covers(old, at, certainty) for old in book.past.get(key, ())):
        return book
    id = episode_id(given.fix.wearer, finding.kind, finding.about, given.fix.id)
    new = Episode(id, certainty, at, at, broken=True)
    told.append(_transition(given, finding, new, Change.RAISED))
    current = book.seen.get(key)
    if current is None:
        return book.with_episode(key, new)
    if at < current.first_at:  # a late fix from long before: told, and over
        return book.with_past(key, new)
    return book.with_past(key, current).with_episode(key, new)


def _covers(old: Episode, at: Instant, certainty: Certainty) -> bool:
    """Whether an ended episode already told of this instant, no less certainly."""
    known = old.certainty is Certainty.CERTAIN or certainty is Certainty.MAYBE
    return known and old.first_at <= at <= old.latest_at


def _again(episode: Episode, given: _Given, finding: Finding, certainty: Certainty, told: list[Transition]) -> Episode:
    """Broken, within an episode that is known."""
    at = given.at
    rises = certainty is Certainty.CERTAIN and episode.certainty is Certainty.MAYBE
    anew = at > episode.latest_at and not episode.broken
    after = Episode(
        episode.id,
        certainty if rises else episode.certainty,
        min(episode.first_at, at),
        max(episode.latest_at, at),
        broken=episode.broken or at > episode.latest_at,
    )
    if rises:
        told.append(_transition(given, finding, after, Change.RISEN))
    elif anew and not (finding.how is How.SAID and at - episode.latest_at < FLICKER_MS):
        told.append(_transition(given, finding, after, Change.REPEATED))
    return after


def _transition(given: _Given, finding: Finding, episode: Episode, change: Change) -> Transition:
    order = given.record.order
    return Transition(
        wearer=given.fix.wearer,
        kind=finding.kind,
        change=change,
        certainty=episode.certainty,
        zone=ZoneId(finding.about) if finding.about and finding.kind is AlarmKind.EXCLUSION_ZONE else None,
        fix=given.fix,
        episode=episode.id,
        how=finding.how,
        off_m=finding.off_m,
        order_version=None if order is None else order.version,
    )


def _over(
    record: Record, fix: Fix, endings: Map[WearerId, Map[str, FixId]]
) -> tuple[Record, Map[WearerId, Map[str, FixId]]]:
    """Takes the episodes out that a person ended before this fix came."""
    mine = endings[fix.wearer]
    book = _Book(record.episodes, record.past)
    for key, episode in record.episodes.items():
        upto = mine.get(episode.id)
        if upto is not None and fix.id > upto:
            book = _Book(book.seen.delete(key), book.past)
            if key[0] not in SAID:
                # A flag said again after that is heard again, even with an old time: it may be a second cut.
                book = book.with_past(key, episode)
            mine = mine.delete(episode.id)
    endings = endings.set(fix.wearer, mine) if mine else endings.delete(fix.wearer)
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
    return msgspec.structs.replace(record, order=order, places=places, homes=homes, beliefs=beliefs)
