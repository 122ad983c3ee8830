"""Why an alarm rang, and why not before: what each word of a device said of one condition, in numbers.

Made from the journal and the orders alone, by the very rules that judge: what is told here is what was decided, and the
same journal tells it again to the byte. No coordinates come out and nobody is named: distances, radii and odds are enough
to follow a decision.

Absent on purpose: reading the journal, and the words (`app.hindsight`).
"""

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

import msgspec

from safetynet.core import evidence, keeps, proximity, silences
from safetynet.core.conditions import UNKNOWN, Record
from safetynet.core.fixes import Fix, Grade, Mark, Reason, Said, grade, instant, radius_m
from safetynet.core.grounds import Ground, off_m
from safetynet.core.keeps import KEEPING
from safetynet.core.orders import Order, timed_of
from safetynet.core.proximity import APPROACH
from safetynet.core.rules import RuleState, judge
from safetynet.core.terms import (
    SECOND_MS,
    AlarmKind,
    Certainty,
    CurfewId,
    FixId,
    Instant,
    ProtectedId,
    Source,
    WearerId,
    ZoneId,
)
from safetynet.core.thresholds import STANDARD, Rules
from safetynet.core.verdicts import Change, How, Key, Transition
from safetynet.core.zonesets import NO_SETS, Sets

BEFORE_MAX: Final = 12
"""Words of the device told of before the one that opened the alarm."""
AFTER_MAX: Final = 60
"""Words told of after it; those that changed something are told in any case."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One word of a device, or a bell, as it bears on one condition."""

    fix: FixId
    observed_at: Instant
    received_at: Instant
    bell: bool
    source: Source | None
    """None without a position."""
    radius_m: float | None
    grade: Grade
    reason: Reason
    said: tuple[str, ...]
    off_m: float | None
    """Distance to the edge of the zone or the home, negative inside; of an approach how far apart the two were."""
    give_m: float | None
    """Of an approach: the 68 % radius of that distance."""
    odds_before: float | None
    odds_after: float | None
    """Log-odds of the violating side: inside the zone, out of where one must be."""
    probability: float | None
    changes: tuple[str, ...]
    """What was told of it, as change/certainty/how."""
    silent_s: int | None = None
    """Of a silence, at a bell: for how long no word had arrived."""
    reach_m: float | None = None
    """And how far from the last position the wearer might be by then, at a walk or as fast as was last reported."""


class Why(msgspec.Struct, frozen=True, kw_only=True):
    episode: str
    kind: AlarmKind
    about: str | None
    rules: str
    order_version: int | None
    certainty: Certainty
    how: How
    """What showed it when it rang."""
    raised_by: FixId
    suspect: float | None
    sure: float | None
    """Log-odds from which on it is a suspicion, a violation; None where no belief decides."""
    lines: tuple[Line, ...]


class Step(NamedTuple):
    """One fix judged: the state before and after it, and what was told."""

    fix: Fix
    before: RuleState
    told: tuple[Transition, ...]
    after: RuleState


def steps(
    journal: Iterable[tuple[Fix, Mapping[WearerId, Order]]],
    state: RuleState,
    by: Rules = STANDARD,
    sets: Sets = NO_SETS,
) -> Iterator[Step]:
    """Judges a journal fix by fix, each under the orders that held for it. `state` knows what people ended; `sets` are
    those that hold when the fix is handed over.
    """
    for fix, orders in journal:
        told, after = judge((fix,), orders, state, by, sets)
        yield Step(fix, state, told, after)
        state = after


def explain(judged: Iterable[Step], wearer: WearerId, key: Key, episode: str, by: Rules = STANDARD) -> Why | None:
    """None when this journal does not give this episode: another journal, other orders, or other rules."""
    earlier: deque[Line] = deque(maxlen=BEFORE_MAX)
    lines: list[Line] = []
    opened: Transition | None = None
    after = 0
    for step in judged:
        line = _line(step, wearer, key, episode, by)
        if line is None:
            continue
        mine = [each for each in step.told if each.episode == episode]
        if opened is None:
            opened = next((each for each in mine if each.change is Change.RAISED), None)
            if opened is None:
                earlier.append(line)
                continue
            lines = [*earlier, line]
            continue
        after += 1
        if mine or after <= AFTER_MAX:
            lines.append(line)
    if opened is None:
        return None
    belief = by.zone if opened.kind is AlarmKind.EXCLUSION_ZONE else by.home if opened.kind in KEEPING else None
    return Why(
        episode=episode,
        kind=opened.kind,
        about=key[1],
        rules=by.version,
        order_version=opened.order_version,
        certainty=opened.certainty,
        how=opened.how,
        raised_by=opened.fix.id,
        suspect=None if belief is None else belief.suspect,
        sure=None if belief is None else belief.sure,
        lines=tuple(lines),
    )


def find(judged: Iterable[Step], wearer: WearerId, episode: str) -> Key | None:
    """Which condition an episode is of."""
    for step in judged:
        if any(each.episode == episode and each.change is Change.RAISED for each in step.told):
            record = step.after.records[wearer]
            found = [key for key, each in record.episodes.items() if each.id == episode]
            found += [key for key, past in record.past.items() if any(each.id == episode for each in past)]
            return found[0]
    return None


def _line(step: Step, wearer: WearerId, key: Key, episode: str, by: Rules) -> Line | None:
    fix, about = step.fix, key[1]
    concerns = not fix.protected and fix.wearer == wearer
    if not concerns and not (fix.protected and str(fix.wearer) == about):
        return None
    before, after = step.before.records.get(wearer, Record()), step.after.records.get(wearer, Record())
    off, give = _off(step, wearer, after, key) if fix.lat is not None else (None, None)
    odds = _odds(before, key, instant(fix), by), _odds(after, key, instant(fix), by)
    silent_s, reach = _silence(fix, before, key[0])
    graded = grade(fix, before.anchor) if concerns else (Grade.UNUSABLE if fix.lat is None else Grade.GOOD, Reason.NONE)
    return Line(
        fix=fix.id,
        observed_at=fix.observed_at,
        received_at=fix.received_at,
        bell=bool(fix.marks & Mark.BELL),
        source=fix.source if fix.lat is not None else None,
        radius_m=_rounded(radius_m(fix)) if fix.lat is not None else None,
        grade=graded[0],
        reason=graded[1],
        said=tuple(sorted((each.name or "").lower() for each in Said if each and each in fix.said)),
        off_m=_rounded(off),
        give_m=_rounded(give),
        odds_before=_rounded(odds[0], 2),
        odds_after=_rounded(odds[1], 2),
        probability=None if odds[1] is None else _rounded(evidence.probability(odds[1]), 3),
        changes=tuple(
            f"{each.change.value}/{each.certainty.value}/{each.how.value}"
            for each in step.told
            if each.episode == episode
        ),
        silent_s=silent_s,
        reach_m=_rounded(reach),
    )


def _silence(fix: Fix, record: Record, kind: AlarmKind) -> tuple[int | None, float | None]:
    at = instant(fix)
    if kind is not AlarmKind.COMM_LOST or not fix.marks & Mark.BELL or not record.heard_at:
        return None, None
    return (at - record.heard_at) // SECOND_MS, silences.reach_m(record, at)


def _rounded(value: float | None, digits: int = 1) -> float | None:
    return None if value is None else round(value, digits) + 0.0  # no -0.0 in what must compare byte for byte


def _odds(record: Record, key: Key, at: Instant, by: Rules) -> float | None:
    kind, about = key
    match kind:
        case AlarmKind.EXCLUSION_ZONE:
            inside = record.insides.get(ZoneId(about or ""))
            return None if inside is None else inside.odds
        case _ if kind in KEEPING:
            held = next((each for each in keeps.holding(record, at) if (each.kind, each.about) == key), None)
            if held is not None:
                return held.odds(by.home) if any(each is not None for each in held.known) else None
            out = record.beliefs.get(CurfewId(about or ""), record.stays.get(ZoneId(about or "")))
            return None if out is None else out.odds
        case _:
            return None


def _off(step: Step, wearer: WearerId, record: Record, key: Key) -> tuple[float | None, float | None]:
    fix, (kind, about) = step.fix, key
    assert fix.lat is not None
    assert fix.lon is not None
    grounds: tuple[Ground, ...] = ()
    match kind:
        case AlarmKind.EXCLUSION_ZONE:
            shared = (each.ground(about or "") for each in record.shared)
            grounds = (*record.places, *(each for each in shared if each is not None))
        case _ if kind in KEEPING:
            return _from_where_to_be(record, key, fix), None
        case _ if kind in APPROACH:
            at, id = instant(fix), ProtectedId(about or "")
            me = proximity.spot(record.trail, at)
            other = proximity.spot(step.after.guarded.get(id, UNKNOWN).trail, at)
            if me is not None and other is not None:
                return proximity.apart(me, other)
        case _:
            pass
    place = next((each for each in grounds if each.id == about), None)
    return (None if place is None else off_m(place, place.plane.to_xy(fix.lat, fix.lon))), None


def _from_where_to_be(record: Record, key: Key, fix: Fix) -> float | None:
    """From the nearest of those places, whether its hours are now or not."""
    timed = () if record.order is None else tuple(timed_of(record.order))
    places = zip(timed, (*record.homes, *record.keeps), strict=True)
    assert fix.lat is not None
    assert fix.lon is not None
    mine = [off_m(place, place.plane.to_xy(fix.lat, fix.lon)) for each, place in places if keeps.key_of(each) == key]
    return min(mine, default=None)


# --- a dry run of other rules --------------------------------------------------------------------------------------


class Rang(NamedTuple):
    """One alarm that would have rung."""

    at: Instant
    wearer: WearerId
    kind: AlarmKind
    certainty: Certainty


def rang(told: Iterable[Transition]) -> Iterator[Rang]:
    """What of the transitions rings: a new alarm, or one that becomes certain."""
    for each in told:
        if each.change in (Change.RAISED, Change.RISEN):
            yield Rang(each.fix.received_at, each.wearer, each.kind, each.certainty)


def counted(some: Iterable[Rang]) -> Counter[tuple[AlarmKind, Certainty]]:
    return Counter((each.kind, each.certainty) for each in some)
