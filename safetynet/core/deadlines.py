"""When somebody must be judged although nothing was heard: the bells of hours that begin and of silence.

A bell is journalled like a message of a device (`fixes.Mark.BELL`) and judged by `rules`, so that silence too is judged
the same after a crash. Here is only when the next one is due. Silence counts from when the centre began to listen: its
own outage is nobody's breach, and devices first say what they have kept.

Absent on purpose: the clock, and whether a bell finds anything (`rules`).
"""

from collections.abc import Mapping
from typing import Final

from safetynet.core.conditions import Guarded, Record
from safetynet.core.evidence import missed_ms
from safetynet.core.keeps import key_of, known_at, silent_at
from safetynet.core.orders import Leave, Order, next_start, period, permitted, timed_of
from safetynet.core.proximity import LOST_MS
from safetynet.core.rules import Standing
from safetynet.core.silences import GRAVE_MS, LONG_MS
from safetynet.core.terms import DAY_MS, SECOND_MS, AlarmKind, FixId, Instant, ProtectedId, WearerId

HEAR_MS: Final = 90 * SECOND_MS
"""After the hours of a condition began, and after the centre began to listen: one rhythm of a quiet device and a half."""
LOOK_AGAIN_MS: Final = DAY_MS
"""Where nothing is due at all."""

_BLANK: Final = Record()
_UNKNOWN: Final = Guarded()


def may_strike(order: Order) -> bool:
    """Whether silence can break anything of it."""
    removal = any(each.leave is Leave.REMOVAL for each in order.absences)
    return bool(order.curfews or order.inclusions or removal)


def due_at(order: Order, state: Standing, at: Instant, since: Instant) -> Instant:
    """When a bell must ring for this wearer if nothing is heard until then; not after `at`: now.

    `since`: when the centre began to listen. Ask again then, and after a change of the order.
    """
    record = state.records.get(order.wearer, _BLANK)
    ended: Mapping[str, FixId] = state.endings.get(order.wearer, {})
    due = Instant(at + LOOK_AGAIN_MS)
    if record.removed_at:
        leave = permitted(order, at)
        over_at = leave.ends_at + HEAR_MS if leave is not None and leave.leave is Leave.REMOVAL else at
        due = Instant(min(due, over_at))
    for timed in timed_of(order):
        now = period(order, timed, at)
        if now is not None:
            episode = record.episodes.get(key_of(timed))
            told = episode is not None and episode.broken and episode.id not in ended
            started_at = now.start + HEAR_MS
            unknown_at = max(silent_at(record, timed), started_at)
            if max(known_at(record, timed), record.rung_at) < now.start:
                due = Instant(min(due, started_at))
            elif record.rung_at < unknown_at and not told:
                due = Instant(min(due, unknown_at))
        coming = next_start(order, timed, at)
        if coming is not None:
            due = Instant(min(due, coming + HEAR_MS))
    return Instant(max(due, since + HEAR_MS))


def silent_due_at(order: Order, state: Standing, at: Instant, since: Instant) -> Instant:
    """The same for a device of which nothing is heard: when its next words have not come, and when that grows grave.

    It costs no look at any timetable: a device is looked at once for each MISSED words. A silence that was closed by a
    person and lasts is asked about again.
    """
    record = state.records.get(order.wearer, _BLANK)
    missed = missed_ms(record.rhythm_ms)
    if not record.heard_at:
        return Instant(at + missed)
    heard_at = max(record.heard_at, since)
    for after in (missed, GRAVE_MS, LONG_MS):
        due = Instant(heard_at + max(after, missed))
        if record.rung_at < due:
            return due
    episode = record.episodes.get((AlarmKind.COMM_LOST, None))
    ended: Mapping[str, FixId] = state.endings.get(order.wearer, {})
    told = episode is not None and episode.broken and episode.id not in ended
    return Instant(at + missed if told else record.rung_at + LONG_MS)


def silent_look_at(wearer: WearerId, state: Standing, at: Instant) -> Instant:
    """Not later than this it is looked at again, whatever is due: until then it may be heard and fall silent anew."""
    return Instant(at + missed_ms(state.records.get(wearer, _BLANK).rhythm_ms))


def protected_due_at(protected: ProtectedId, state: Standing, at: Instant, since: Instant) -> Instant:
    """The same for a protected person: once for each time that nobody knows any more where this person is."""
    guarded = state.guarded.get(protected, _UNKNOWN)
    lost_at = max(guarded.known_at, since) + LOST_MS
    return Instant(lost_at if guarded.rung_at < lost_at else at + LOOK_AGAIN_MS)
