"""What was said late: a wearer's last fixes are kept, and judged again in the order of the world when one comes late.

Two snapshots and the fixes since the older one are kept of each wearer (`History`). A late fix is put where it belongs,
everything after it is judged again from the snapshot before it, and what is different is said: an alarm that should have
rung rings, one that should not have is retracted, one that was less certain is amended. Nothing is taken back silently,
and no alarm is closed by it: a person does that. What a device says of itself, and pairs of people, are judged at once
when they arrive and never again.

Absent on purpose: how a fix is judged (`rules`).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

import msgspec
from immutables import Map

from safetynet.core.conditions import Record
from safetynet.core.fixes import Fix, Mark, instant
from safetynet.core.keeps import KEEPING
from safetynet.core.terms import AlarmKind, Certainty, Instant
from safetynet.core.verdicts import EPISODE_GAP_MS, PAST_MAX, Change, Episode, Key

KEPT_MIN: Final = 16
"""Fixes behind the newest snapshot at most; between both as many again. A fix later than all of them is judged as a point."""
AGAIN: Final = KEEPING | {AlarmKind.EXCLUSION_ZONE}
"""Kinds that are judged again."""

Difference: TypeAlias = tuple[Change, Key, Episode]


class History(NamedTuple):
    older: Record
    older_at: Instant
    """Nothing before this is judged again."""
    newer: Record
    fixes: tuple[Fix, ...]
    """Since the older snapshot, in the order of the world."""
    split: int
    """So many of them came before the newer snapshot."""


def begun(record: Record) -> History:
    return History(record, newest_of(record), record, (), 0)


def newest_of(record: Record) -> Instant:
    """The newest instant that a record knows of; no later fix can stand before it."""
    anchor = instant(record.anchor) if record.anchor is not None else Instant(0)
    return Instant(max(record.newest_at, record.rung_at, anchor))


def noted(history: History, fix: Fix, after: Record) -> History:
    """With a fix that came in the order of the world, and the record that it left."""
    fixes = (*history.fixes, fix)
    if len(fixes) - history.split < KEPT_MIN:
        return history._replace(fixes=fixes)
    older_at = instant(fixes[history.split - 1]) if history.split else history.older_at
    rest = fixes[history.split :]
    return History(history.newer, older_at, after, rest, len(rest))


def late(history: History, fix: Fix) -> bool:
    """Whether it stands before, or beside, what was judged already, and may still be judged there."""
    at = instant(fix)
    return bool(history.fixes) and history.older_at < at <= instant(history.fixes[-1])


def known(history: History, fix: Fix) -> bool:
    """Whether the very same was said before: a device that got no answer says it again."""
    return any(_same(each, fix) for each in history.fixes)


def _same(one: Fix, other: Fix) -> bool:
    return one.observed_at == other.observed_at and _place(one) == _place(other)


def _place(fix: Fix) -> tuple[float, ...]:
    """A total order of what is said at one instant, whatever came first."""
    return (
        1.0 if fix.marks & Mark.BELL else 0.0,
        float(int(fix.marks)),
        fix.lat if fix.lat is not None else -1.0,
        fix.lon if fix.lon is not None else -1.0,
        fix.accuracy_m if fix.accuracy_m is not None else -1.0,
        fix.speed_mps if fix.speed_mps is not None else -1.0,
        float(list(type(fix.source)).index(fix.source)),
        float(int(fix.said)),
    )


def merged(history: History, fix: Fix) -> tuple[Fix, ...]:
    return tuple(sorted((*history.fixes, fix), key=lambda each: (instant(each), _place(each))))


def rebuilt(history: History, fixes: tuple[Fix, ...], records: Sequence[Record], names: Mapping[str, str]) -> History:
    """After judging again; `records[n]` is what fix n left. The oldest go when there are too many."""
    drop = max(0, len(fixes) - 2 * KEPT_MIN + 1)
    older = renamed(records[drop - 1], names) if drop else history.older
    older_at = instant(fixes[drop - 1]) if drop else history.older_at
    rest = fixes[drop:]
    split = max(0, len(rest) - KEPT_MIN + 1)
    newer = renamed(records[drop + split - 1], names) if split else older
    return History(older, older_at, newer, rest, split)


# --- what is different ---------------------------------------------------------------------------------------------


def differences(told: Record, again: Record) -> tuple[list[Difference], dict[str, str]]:
    """What is to be said after judging again, and under which known name each episode goes on."""
    found: list[Difference] = []
    names: dict[str, str] = {}
    for key in sorted({*_keys(told), *_keys(again)}, key=lambda each: (each[0].value, each[1] or "")):
        old, new = _all(told, key), _all(again, key)
        left = {each.id: each for each in old}
        for each in new:
            match = left.get(each.id) or next((one for one in left.values() if _together(one, each)), None)
            if match is None:
                found.append((Change.RAISED, key, each))
                if not each.broken:
                    found.append((Change.RETURNED, key, each))
                continue
            del left[match.id]
            names[each.id] = match.id
            found += [(change, key, msgspec.structs.replace(each, id=match.id)) for change in _changes(match, each)]
        found += [(Change.RETRACTED, key, each) for each in left.values()]
    return found, names


def _changes(old: Episode, new: Episode) -> Iterable[Change]:
    risen = new.certainty is Certainty.CERTAIN and old.certainty is not Certainty.CERTAIN
    if new.certainty is not old.certainty:
        yield Change.RISEN if risen else Change.AMENDED
    if new.broken and not old.broken and not risen:
        yield Change.REPEATED
    if not new.broken and (old.broken or risen):
        yield Change.RETURNED  # a rise says that it is broken: what was over by then is over


def _keys(record: Record) -> Iterable[Key]:
    return (key for key in {*record.episodes, *record.past} if key[0] in AGAIN)


def _all(record: Record, key: Key) -> list[Episode]:
    """Of one condition, oldest first."""
    current = record.episodes.get(key)
    return [*record.past.get(key, ()), *((current,) if current is not None else ())]


def _together(one: Episode, other: Episode) -> bool:
    """Whether both tell of one stretch."""
    return (
        one.first_at - EPISODE_GAP_MS <= other.latest_at and other.first_at - EPISODE_GAP_MS <= one.latest_at
    )  # fmt: skip


def renamed(record: Record, names: Mapping[str, str]) -> Record:
    """With its episodes under the names that were told."""

    def named(each: Episode) -> Episode:
        return msgspec.structs.replace(each, id=names[each.id]) if each.id in names else each

    episodes: Map[Key, Episode] = Map([(key, named(each)) for key, each in record.episodes.items()])
    past: Map[Key, tuple[Episode, ...]] = Map(
        [(key, tuple(named(one) for one in each)[-PAST_MAX:]) for key, each in record.past.items()]
    )
    return msgspec.structs.replace(record, episodes=episodes, past=past)


def grafted(told: Record, again: Record) -> Record:
    """The record as judged again, with all that is not judged again as it was."""
    episodes: Map[Key, Episode] = Map(
        [(key, each) for key, each in told.episodes.items() if key[0] not in AGAIN]
        + [(key, each) for key, each in again.episodes.items() if key[0] in AGAIN]
    )
    past: Map[Key, tuple[Episode, ...]] = Map(
        [(key, each) for key, each in told.past.items() if key[0] not in AGAIN]
        + [(key, each) for key, each in again.past.items() if key[0] in AGAIN]
    )
    return msgspec.structs.replace(
        again, episodes=episodes, past=past, trail=told.trail, heard_at=told.heard_at, removed_at=told.removed_at
    )
