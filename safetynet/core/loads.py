"""How much rings at a centre, and for whom it is too much: the figures of ISA-18.2, reckoned from the log alone.

What was raised, what rang, what was held back and why, how fast people answered, which sources ring most. An alarm that
neither rang nor says why not is a fault of ours and is counted too.

Absent on purpose: names, places, and any judgement of people.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Final

from immutables import Map

from safetynet.core.alarms import PER_PERSON_FLOOD
from safetynet.core.events import (
    AlarmAcknowledged,
    AlarmAmended,
    AlarmJoined,
    AlarmRaised,
    AlarmRepeated,
    AlarmReturned,
    AlarmShelved,
    AlarmSuppressed,
    AlarmSurfaced,
    AlarmUnshelved,
    AnyEvent,
    IncidentClosed,
    IncidentOpened,
)
from safetynet.core.terms import (
    DAY_MS,
    MINUTE_MS,
    AlarmId,
    AlarmKind,
    IncidentId,
    Instant,
    Priority,
    Suppression,
    Surfacing,
    WearerId,
)

WINDOW_MS: Final = 10 * MINUTE_MS
STALE_MS: Final = DAY_MS
CHATTERS_TIMES: Final = 3
"""So often broken within WINDOW_MS is chattering; ISA-18.2 says a minute, but a device reports once a minute."""
TOP_MAX: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """One alarm from its beginning on."""

    alarm: AlarmId
    wearer: WearerId
    kind: AlarmKind
    priority: Priority
    raised_at: Instant
    rung_at: Instant | None = None
    """When it was first put before people. None: never, so far."""
    held: Suppression | None = None
    """What held it back last."""
    surfaced: Surfacing | None = None
    acked_at: Instant | None = None
    ended_at: Instant | None = None
    """Closed with its incident, or normal again without having rung."""
    shelved: bool = False
    incident: IncidentId | None = None
    count: int = 1
    times: tuple[Instant, ...] = ()
    retracted: bool = False
    """A late word showed that it was no breach."""
    chattered: bool = False


@dataclass(frozen=True, slots=True)
class Lives:
    of: Map[AlarmId, Life] = Map()
    grouped: Map[IncidentId, tuple[AlarmId, ...]] = Map()


EMPTY: Final = Lives()


def noted(lives: Lives, event: AnyEvent) -> Lives:
    """After one event. One of an alarm that is not known (erased, or forgotten) changes nothing."""
    match event:
        case AlarmRaised():
            made = Life(
                alarm=event.alarm,
                wearer=event.wearer,
                kind=event.kind,
                priority=event.priority,
                raised_at=event.at,
                times=(event.at,),
            )
            return replace(lives, of=lives.of.set(event.alarm, made))
        case IncidentOpened() | AlarmJoined():
            life = lives.of.get(event.alarm)
            mine = (*lives.grouped.get(event.incident, ()), event.alarm)
            lives = replace(lives, grouped=lives.grouped.set(event.incident, mine))
            if life is None:
                return lives
            rung = replace(life, rung_at=life.rung_at or event.at, incident=event.incident)
            return replace(lives, of=lives.of.set(event.alarm, rung))
        case IncidentClosed():
            of = lives.of
            for each in lives.grouped.get(event.incident, ()):
                of = of.set(each, replace(of[each], ended_at=event.at)) if each in of else of
            grouped = lives.grouped
            return Lives(of, grouped.delete(event.incident) if event.incident in grouped else grouped)
        case (
            AlarmRepeated()
            | AlarmReturned()
            | AlarmAmended()
            | AlarmAcknowledged()
            | AlarmSuppressed()
            | AlarmSurfaced()
            | AlarmShelved()
            | AlarmUnshelved()
        ):
            life = lives.of.get(event.alarm)
            return lives if life is None else replace(lives, of=lives.of.set(event.alarm, _after(life, event)))
        case _:
            return lives


def _after(
    life: Life,
    event: AlarmRepeated
    | AlarmReturned
    | AlarmAmended
    | AlarmAcknowledged
    | AlarmSuppressed
    | AlarmSurfaced
    | AlarmShelved
    | AlarmUnshelved,
) -> Life:
    match event:
        case AlarmRepeated():
            times = tuple(each for each in (*life.times, event.at) if event.at - each < WINDOW_MS)
            chattered = life.chattered or len(times) >= CHATTERS_TIMES
            return replace(life, count=life.count + 1, times=times, chattered=chattered, ended_at=None, retracted=False)
        case AlarmAmended(retracted=False):
            return life
        case AlarmAmended():
            ended_at = life.ended_at if life.rung_at is not None else life.ended_at or event.at
            return replace(life, ended_at=ended_at, times=(), retracted=True)
        case AlarmReturned():
            return life if life.rung_at is not None else replace(life, ended_at=event.at)
        case AlarmAcknowledged():
            return replace(life, acked_at=life.acked_at or event.at)
        case AlarmSuppressed():
            return replace(life, held=event.suppression)
        case AlarmSurfaced():
            return replace(life, surfaced=event.surfaced)
        case AlarmShelved():
            return replace(life, shelved=True)
        case AlarmUnshelved():
            return replace(life, shelved=False)


def forgotten(lives: Lives, before: Instant) -> Lives:
    """Without what was over before then."""
    gone = [each.alarm for each in lives.of.values() if each.ended_at is not None and each.ended_at < before]
    of = lives.of
    for each in gone:
        of = of.delete(each)
    return replace(lives, of=of) if gone else lives


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Of the time from `since` to `until`, at so many operators."""

    since: Instant
    until: Instant
    operators: int
    raised: int
    rung: int
    held: Mapping[Suppression, int]
    """Raised in that time and never rung, by what held it back."""
    unexplained: int
    """Neither rung nor held back: a fault of ours."""
    per_person_mean: float
    """Rung per operator and ten minutes."""
    per_person_peak: float
    windows: int
    floods: int
    """Windows in which each operator had more than a flood."""
    priorities: Mapping[Priority, int]
    answer_ms_p50: int | None
    answer_ms_p95: int | None
    unanswered: int
    top: tuple[tuple[WearerId, AlarmKind, int], ...]
    top_share: float
    stale: tuple[Life, ...]
    chattering: tuple[Life, ...]
    shelved: int


def load(lives: Iterable[Life], since: Instant, until: Instant, operators: int) -> Load:
    every = tuple(lives)
    fresh = [each for each in every if since <= each.raised_at < until]
    rung = [each for each in every if each.rung_at is not None and since <= each.rung_at < until]
    people = max(1, operators)
    windows = max(1, ceil((until - since) / WINDOW_MS))
    full = Counter((each.rung_at - since) // WINDOW_MS for each in rung if each.rung_at is not None)
    quiet = [each for each in fresh if each.rung_at is None]
    answers = sorted(each.acked_at - (each.rung_at or each.raised_at) for each in rung if each.acked_at is not None)
    sources = Counter[tuple[WearerId, AlarmKind]]()
    for each in fresh:
        sources[each.wearer, each.kind] += each.count
    top = sorted(sources.items(), key=lambda each: (-each[1], each[0][0], each[0][1].value))[:TOP_MAX]
    total = sum(sources.values())
    alive = [each for each in every if each.rung_at is not None and each.ended_at is None]
    return Load(
        since=since,
        until=until,
        operators=operators,
        raised=len(fresh),
        rung=len(rung),
        held=Counter(each.held for each in quiet if each.held is not None),
        unexplained=sum(each.held is None for each in quiet),
        per_person_mean=len(rung) / people / windows,
        per_person_peak=max(full.values(), default=0) / people,
        windows=windows,
        floods=sum(each / people > PER_PERSON_FLOOD for each in full.values()),
        priorities=Counter(each.priority for each in rung),
        answer_ms_p50=_rank(answers, 0.5),
        answer_ms_p95=_rank(answers, 0.95),
        unanswered=sum(each.acked_at is None for each in alive),
        top=tuple((wearer, kind, n) for (wearer, kind), n in top),
        top_share=sum(n for _, n in top) / total if total else 0.0,
        stale=tuple(each for each in alive if until - (each.rung_at or each.raised_at) >= STALE_MS),
        chattering=tuple(each for each in fresh if each.chattered),
        shelved=sum(each.shelved for each in alive),
    )


def _rank(ordered: Sequence[int], share: float) -> int | None:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else None


def suppressed(lives: Iterable[Life], since: Instant) -> tuple[Life, ...]:
    """Everything that was held back since then, also what rang later, newest first."""
    found = [each for each in lives if each.held is not None and each.raised_at >= since]
    return tuple(sorted(found, key=lambda each: (-each.raised_at, each.alarm)))
