"""Fix and order give verdicts: the only place where a broken condition is found.

`judge` is a pure function of the batch, the orders and the state; the same journal judged again gives the same
transitions with the same episode ids, to the byte. Only transitions come out. Each condition is a function in
`CONDITIONS`; all of them run for every fix, and one that fails stops the program (which restarts from its journal).

How uncertainty is treated. Where a wearer is, is a belief (`zones`, `homes`, with the arithmetic of `evidence`): log-odds
fed by every position that steers. A suspicion is a MAYBE, a violation is CERTAIN; one wild position among many is neither,
and one that lies inside asks for the next ones soon (`suspected`). Between two fixes the way is swept: certain when there
was no time to go round.

What an adversary gets: a flag is heard in a fix without position, without order, late, or marked as mock; a fix older
than the newest one may raise but clears nothing; neither does a position that nobody could have reached in time, until
JUMPS_TO_BELIEVE of them agree; towers alone neither open nor clear; what nothing proves to be this device's word raises,
clears nothing and breaks no silence. A tamper or SOS episode ends only when a person
ends it (`end`).

A curfew is judged by a belief: log-odds of being out, fed by every position that tells (`homes`), at all hours, so
that who is out when a curfew begins is known to be; so are areas to keep (`keeps`). Where nothing is heard, a bell is: a journalled `Fix` that no device sent (`Mark.BELL`, rung when `deadlines` says so).
At a bell, whoever is not known to be home is out, certainly or maybe; so is whoever has been silent.

A protected person's messages (`Fix.protected`) are judged with those of the wearers whose orders name this person: a pair
is judged when either moves, brought to one instant. What comes out speaks of the wearer and carries no place of the other.

Where histories are kept, a fix that comes late is put where it belongs and what follows it is judged again (`arrears`);
without, or later than all that is kept, it is judged as a point. All the world may be spoofed for long enough to be believed. This pure-Python form is the oracle for a compiled kernel behind the same `judge`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final, Protocol, TypeAlias

import msgspec
from immutables import Map

from safetynet.core import arrears, evidence, keeps, proximity, silences
from safetynet.core.arrears import History
from safetynet.core.conditions import (
    UNKNOWN,
    Condition,
    Given,
    Guarded,
    Guardeds,
    Record,
    Records,
    inside_zones,
    near_zones,
    overdue,
    removed_at,
    ring_findings,
    suspicious,
)
from safetynet.core.fixes import (
    Fix,
    Mark,
    Said,
    instant,
    jumped,
    opens,
    proven,
    steers,
    tells,
)
from safetynet.core.grounds import Ground, ground
from safetynet.core.keeps import JUDGED_AGAIN
from safetynet.core.orders import Order, in_force
from safetynet.core.proximity import LOST_MS
from safetynet.core.silences import AT_ONCE, CONDITIONS, comm_lost
from safetynet.core.terms import (
    MINUTE_MS,
    AlarmKind,
    FixId,
    Instant,
    ProtectedId,
    WearerId,
    ZoneId,
    ZoneSetId,
)
from safetynet.core.thresholds import STANDARD, Rules
from safetynet.core.verdicts import SAID, Book, Episode, Finding, How, Key, Seen, Transition, Verdict, apply
from safetynet.core.zonesets import NO_SETS, Sets, Shared

RULES_VERSION: Final = STANDARD.version

JUMPS_TO_BELIEVE: Final = 3
"""So many successive positions that agree with each other are believed although nobody could have got there."""
SCAN_MS: Final = 10 * MINUTE_MS
"""From a protected person's side a new order counts after this at the latest; from the wearer's side at once."""


Naming: TypeAlias = Callable[[ProtectedId], Iterable[WearerId]]
"""Whose orders name a protected person."""


class Standing(Protocol):
    """How everybody stands, whoever keeps it: a `RuleState`, or the rows of a kernel."""

    @property
    def records(self) -> Mapping[WearerId, Record]: ...
    @property
    def endings(self) -> Mapping[WearerId, Mapping[str, FixId]]: ...
    @property
    def guarded(self) -> Mapping[ProtectedId, Guarded]: ...
    @property
    def suspects(self) -> Mapping[WearerId, Instant]: ...


@dataclass(frozen=True, slots=True)
class RuleState:
    """Immutable; share it freely. Starts empty, grows by `judge` and `end` only."""

    records: Map[WearerId, Record] = field(default_factory=Map)
    endings: Map[WearerId, Map[str, FixId]] = field(default_factory=Map)
    """Episodes that a person ended: with the first fix after that serial they are over."""
    guarded: Map[ProtectedId, Guarded] = field(default_factory=Map)
    suspects: Map[WearerId, Instant] = field(default_factory=Map)
    """Who is to report quickly, and until when."""
    histories: Map[WearerId, History] | None = None
    """The last fixes of those whose orders are judged again when one comes late. None: a late fix is judged as a point."""


_BLANK: Final = Record()


def begun() -> RuleState:
    """From which a journal is judged so that late fixes are put where they belong."""
    return RuleState(histories=Map())


def judge(
    batch: Sequence[Fix],
    orders: Mapping[WearerId, Order],
    state: RuleState,
    by: Rules = STANDARD,
    sets: Sets = NO_SETS,
    named: Naming | None = None,
) -> tuple[tuple[Transition, ...], RuleState]:
    """Judges fixes in the order of the journal (the order of arrival) and gives the state after them.

    A wearer without an order is heard all the same: flags need none. After a crash, judge the journal from its start
    (or from the fix after a kept state) with the same orders, having told `end` first of all that people ended.
    `sets`: the editions of shared zones that hold; one that an order names and that is not here forbids nothing.
    `named`: for who knows without looking through all orders; it must say the same.
    """
    told: list[Transition] = []
    records, guarded = state.records.mutate(), state.guarded.mutate()
    endings, suspects = state.endings, state.suspects
    histories = None if state.histories is None else state.histories.mutate()
    for fix in batch:
        if fix.protected:
            id = ProtectedId(fix.wearer)
            before = guarded.get(id, UNKNOWN)
            after = _guarded(before, fix, named or partial(_named, orders))
            guarded[id] = after
            for wearer in after.wearers:
                old = records.get(wearer, _BLANK)
                record, endings = _ready(old, orders, sets, wearer, fix.id, endings)
                records[wearer] = record
                if histories is not None and record is not old and wearer in histories:
                    histories[wearer] = arrears.begun(record)
            for wearer in after.wearers:
                records[wearer] = _concerned(wearer, fix, before, after, records, told, by)
            continue
        old = records.get(fix.wearer, _BLANK)
        record, endings = _ready(old, orders, sets, fix.wearer, fix.id, endings)
        if histories is not None and (record.places or record.homes or record.keeps or record.shared):
            history = (histories.get(fix.wearer) if record is old else None) or arrears.begun(record)
            records[fix.wearer], histories[fix.wearer], doubtful = _placed(record, history, fix, guarded, told, by)
        else:
            records[fix.wearer], doubtful = _step(record, fix, guarded, told, by)
        if doubtful or fix.wearer in suspects:
            suspects = _watched(suspects, fix, by.watch_ms, suspicious=doubtful)
    return tuple(told), RuleState(
        records.finish(), endings, guarded.finish(), suspects, None if histories is None else histories.finish()
    )


def _ready(
    record: Record,
    orders: Mapping[WearerId, Order],
    sets: Sets,
    wearer: WearerId,
    fix: FixId,
    endings: Map[WearerId, Map[str, FixId]],
) -> tuple[Record, Map[WearerId, Map[str, FixId]]]:
    """Under the present order, and without what a person ended."""
    order = orders.get(wearer)
    if order is not record.order:
        record = _under(record, order)
    if record.shared or (order is not None and order.shared):
        record = _of_sets(record, sets)
    return _over(record, wearer, fix, endings) if endings and wearer in endings else (record, endings)


def end(state: RuleState, wearer: WearerId, episode: str, upto: FixId) -> RuleState:
    """A person closed the alarm of this episode when fix `upto` was the newest journalled: what comes after is new."""
    known = state.endings.get(wearer, Map())
    return replace(state, endings=state.endings.set(wearer, known.set(episode, upto)))


def episodes(state: Standing, wearer: WearerId) -> Mapping[Key, Episode]:
    """The episodes that have not ended, for a screen or a test."""
    return state.records.get(wearer, _BLANK).episodes


def suspected(state: Standing, at: Instant) -> frozenset[WearerId]:
    """Whose device is to be asked for quick positions: something was seen that one position alone does not decide."""
    return frozenset(wearer for wearer, until in state.suspects.items() if until > at)


# --- one fix -------------------------------------------------------------------------------------------------------


def _seen(given: Given) -> Seen:
    order = given.record.order
    return Seen(given.wearer, given.fix, given.at, None if order is None else order.version)


def _placed(
    record: Record, history: History, fix: Fix, guarded: Guardeds, told: list[Transition], by: Rules
) -> tuple[Record, History, bool]:
    """A fix where it belongs: after all others, or among them, which are then judged again."""
    if not arrears.late(history, fix):
        after, doubtful = _step(record, fix, guarded, told, by)
        if instant(fix) <= history.older_at:
            return after, history, doubtful  # later than all that is kept: judged as a point
        return after, arrears.noted(history, fix, after), doubtful
    if arrears.known(history, fix):
        after, _ = _step(record, fix, guarded, told, by, AT_ONCE)
        return after, history, False
    # What it says of the device and of a pair is heard now, as it is.
    now, _ = _step(record, fix, guarded, told, by, AT_ONCE)
    order = arrears.merged(history, fix)
    again, records, doubtful = history.older, list[Record](), False
    for each in order:
        again, doubtful = _step(again, each, guarded, [], by, JUDGED_AGAIN)
        records.append(again)
    found, names = arrears.differences(now, again)
    version = None if record.order is None else record.order.version
    for change, (kind, about), episode in found:
        told.append(
            Transition(
                wearer=fix.wearer, kind=kind, change=change, certainty=episode.certainty,
                zone=ZoneId(about) if about and kind is AlarmKind.EXCLUSION_ZONE else None,
                fix=fix, episode=episode.id, how=How.LATE, order_version=version,
            )
        )  # fmt: skip
    after = arrears.grafted(now, arrears.renamed(again, names))
    return after, arrears.rebuilt(history, order, records, names), doubtful


def _step(
    record: Record,
    fix: Fix,
    guarded: Guardeds,
    told: list[Transition],
    by: Rules,
    conditions: tuple[Condition, ...] = CONDITIONS,
) -> tuple[Record, bool]:
    """The record with this fix, and whether it is suspicious."""
    at = instant(fix)
    if fix.marks and fix.marks & Mark.BELL:
        return _struck(record, fix, at, guarded, told, by, conditions), False
    steering, strays = _steering(record, fix, at)
    anchor = record.anchor if steering and not strays else None
    start = anchor if anchor is not None and at - instant(anchor) <= by.sweep_gap_ms_max else None
    beliefs, stays = record.beliefs, record.stays
    if (record.homes or record.keeps) and steering and tells(fix):
        beliefs, stays = keeps.folded(record, fix, at, by.home)
    trail = record.trail
    if steering and record.order is not None and record.order.protected:
        trail = proximity.noted(trail, fix)
    near = near_zones(record, fix, start) if (record.places or record.shared) and opens(fix) else ()
    insides = inside_zones(record, near, fix, at, by.zone) if steering else record.insides
    given = Given(fix.wearer, fix, at, record, steering, start, beliefs, guarded, by, near, insides, stays)
    book, seen = Book(record.episodes, record.past), _seen(given)
    for condition in conditions:
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
        insides,
        beliefs,
        record.rung_at,
        trail,
        record.under_at,
        record.fresh,
        record.keeps,
        stays,
        record.shared,
        record.editions,
        record.sets_at,
        record.sets_before,
        removed_at(record, fix, at) if fix.said or record.removed_at else Instant(0),
        *_heard(record, fix, at, steering=steering),
    )
    doubtful = (bool(near) and suspicious(given)) or (bool(beliefs or stays) and keeps.wanted(given))
    if steering:
        return Record(fix, None, 0, newest, *more), doubtful
    stray = fix if strays else record.stray
    return Record(record.anchor, stray, strays or record.strays, newest, *more), doubtful


def _heard(record: Record, fix: Fix, at: Instant, *, steering: bool) -> tuple[Instant, int, Instant]:
    """When a word last arrived, how often one comes, and since when none has had a position."""
    if not proven(fix):
        return record.heard_at, record.rhythm_ms, record.unplaced_at
    heard_at, rhythm = max(record.heard_at, fix.received_at), record.rhythm_ms
    if at <= record.newest_at:
        return heard_at, rhythm, record.unplaced_at
    if record.newest_at:
        rhythm = evidence.rhythm_ms(rhythm, at - record.newest_at)
    return heard_at, rhythm, record.unplaced_at if steering else silences.unplaced_at(record, at)


def _struck(
    record: Record,
    fix: Fix,
    at: Instant,
    guarded: Guardeds,
    told: list[Transition],
    by: Rules,
    conditions: tuple[Condition, ...],
) -> Record:
    """A bell is no word of the device: it ends no flag and moves nobody."""
    given = Given(fix.wearer, fix, at, record, False, None, record.beliefs, guarded, by, stays=record.stays)
    book, seen = Book(record.episodes, record.past), _seen(given)
    at_once = conditions is not JUDGED_AGAIN
    late = tuple(overdue(given))
    for finding in (
        *((*keeps.presence(given), *late) if keeps.presence in conditions else ()),
        *(comm_lost(given) if at_once else ()),
    ):
        book = apply(book, seen, finding, told)
    if keeps.presence not in conditions:
        return msgspec.structs.replace(record, episodes=book.seen, past=book.past)
    rung_at = max(at, record.rung_at)
    open_since = Instant(0) if late else record.removed_at
    return msgspec.structs.replace(record, episodes=book.seen, past=book.past, rung_at=rung_at, removed_at=open_since)


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


def _watched(suspects: Map[WearerId, Instant], fix: Fix, watch_ms: int, *, suspicious: bool) -> Map[WearerId, Instant]:
    """With who is to report quickly because of this fix, without whom nothing has spoken against for a while."""
    at, until = instant(fix), suspects.get(fix.wearer, Instant(0))
    if suspicious:
        return suspects if at + watch_ms <= until else suspects.set(fix.wearer, Instant(at + watch_ms))
    return suspects.delete(fix.wearer) if at >= until else suspects


# --- protected persons ---------------------------------------------------------------------------------------------


def _named(orders: Mapping[WearerId, Order], id: ProtectedId) -> Iterable[WearerId]:
    """Whose orders name this person."""
    return (each.wearer for each in orders.values() if any(one.id == id for one in each.protected))


def _guarded(before: Guarded, fix: Fix, naming: Naming) -> Guarded:
    """What is kept of a protected person after a message, or after a bell."""
    at, bell = instant(fix), bool(fix.marks & Mark.BELL)
    wearers, scanned_at = before.wearers, before.scanned_at
    if bell or fix.said & Said.SOS or at - scanned_at >= SCAN_MS:
        id = ProtectedId(fix.wearer)
        # A call for help is heard without any order too: then it stands for itself.
        wearers, scanned_at = tuple(sorted(naming(id))) or (() if bell else (fix.wearer,)), max(at, scanned_at)
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
    records: Records,
    told: list[Transition],
    by: Rules,
) -> Record:
    """A protected person's message as it concerns one of the wearers."""
    record, at, id = records[wearer], instant(fix), ProtectedId(fix.wearer)
    placed = after.known_at > before.known_at
    given = Given(wearer, fix, at, record, placed, None, record.beliefs, Map(), by)
    book, seen = Book(record.episodes, record.past), _seen(given)
    order = record.order
    mine = next((each for each in order.protected if each.id == id), None) if order is not None else None
    if mine is not None and order is not None and placed and in_force(order, at):
        me, other = proximity.spot(after.trail, at), proximity.spot(record.trail, at)
        if me is not None and other is not None:
            for finding in ring_findings(mine, proximity.apart(me, other), given):
                book = apply(book, seen, finding, told)
    for finding in _calls(wearer, given, before, after, records):
        book = apply(book, seen, finding, told)
    return msgspec.structs.replace(record, episodes=book.seen, past=book.past)


def _calls(wearer: WearerId, given: Given, before: Guarded, after: Guarded, records: Records) -> Iterable[Finding]:
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


def _whose(key: Key, guarded: Guarded, records: Records, at: Instant) -> WearerId:
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
    if book.seen is record.episodes:
        return record, endings  # what is to end comes later in the journal: nothing is different yet
    endings = endings.set(wearer, mine) if mine else endings.delete(wearer)
    return msgspec.structs.replace(record, episodes=book.seen, past=book.past), endings


# --- orders made ready ---------------------------------------------------------------------------------------------


def under_again(record: Record, order: Order | None, sets: Sets = NO_SETS) -> Record:
    """A record that was kept without its order, under that same order and these sets: nothing of it is new. A set that
    is another by now is met with the next fix.
    """
    places, homes, areas = _places(order), _homes(order), _keeps(order)
    shared = _sets(order, sets)
    shared = shared if record.editions == _editions(shared) else ()
    return msgspec.structs.replace(record, order=order, places=places, homes=homes, keeps=areas, shared=shared)


def _sets(order: Order | None, sets: Sets) -> tuple[Shared, ...]:
    return () if order is None else tuple(sets[each] for each in order.shared if each in sets)


def _editions(shared: tuple[Shared, ...]) -> Map[ZoneSetId, int]:
    return Map({each.set: each.number for each in shared})


def _of_sets(record: Record, sets: Sets) -> Record:
    """The record under the editions that hold now: another one counts from the next fix, as another order does."""
    shared = _sets(record.order, sets)
    if shared == record.shared:
        return record
    editions = _editions(shared)
    if editions == record.editions:
        return msgspec.structs.replace(record, shared=shared)
    before = Map(
        {id: record.editions.get(id, 0) for id, number in editions.items() if number != record.editions.get(id)}
    )
    return msgspec.structs.replace(
        record, shared=shared, editions=editions, sets_at=record.newest_at, sets_before=before
    )


def _places(order: Order | None) -> tuple[Ground, ...]:
    return () if order is None else tuple(ground(each.id, each.area) for each in order.zones)


def _homes(order: Order | None) -> tuple[Ground, ...]:
    return () if order is None else tuple(ground(each.id, each.home) for each in order.curfews)


def _keeps(order: Order | None) -> tuple[Ground, ...]:
    return () if order is None else tuple(ground(each.id, each.area) for each in order.inclusions)


def _under(record: Record, order: Order | None) -> Record:
    """The record under another order. An equal one is taken for the same, so that decoding anew costs nothing here."""
    if order == record.order:
        return record
    places, homes, areas = _places(order), _homes(order), _keeps(order)
    # A home that moved is another home: what was believed of the old one is forgotten.
    same = {new.id for new in homes if new in record.homes}
    beliefs = Map({id: each for id, each in record.beliefs.items() if id in same})
    same = {new.id for new in areas if new in record.keeps}
    stays = Map({id: each for id, each in record.stays.items() if id in same})
    fresh = frozenset(ZoneId(each.id) for each in places if each not in record.places)
    return msgspec.structs.replace(
        record, order=order, places=places, homes=homes, beliefs=beliefs, under_at=record.newest_at, fresh=fresh,
        keeps=areas, stays=stays,
    )  # fmt: skip
