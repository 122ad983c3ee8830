"""What rings for nobody at a control centre, kept so that it is found at once: by its time, by its wearer, by its network."""

from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from immutables import Map

from safetynet.core import outages
from safetynet.core.alarms import HELD, Alarm, AlarmState, Step
from safetynet.core.annunciations import OUTAGE_MEMBERS_MIN
from safetynet.core.events import (
    AlarmAmended,
    AlarmRepeated,
    AlarmReturned,
    AlarmSuppressed,
    OutageAcknowledged,
    OutageBegan,
    OutageEnded,
    ServiceResumed,
    ServiceStopped,
)
from safetynet.core.outages import Outages
from safetynet.core.terms import AlarmId, Instant, WearerId

SETTLED_KEPT_MAX: Final = 10_000
"""Alarms that were held back and are over stay in mind so long: one that is broken anew is then counted on, not begun."""
_TIMED: Final = (*HELD, AlarmState.SHELVED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    due: Map[AlarmId, Instant] = Map()
    """When each comes up, or back from the shelf, by itself."""
    of: Map[WearerId, tuple[AlarmId, ...]] = Map()
    """What is broken and rings for nobody, by wearer."""
    settled: Map[int, AlarmId] = Map()
    """Over, the latest SETTLED_KEPT_MAX of them, by number."""
    next_settled: int = 0
    recent: Map[str, tuple[tuple[Instant, AlarmId], ...]] = Map()
    """Who fell silent last, by network."""
    outages: Outages = Map()
    service: Map[WearerId, ServiceStopped] = Map()
    """Whose device is being worked on, why, by whose word, and until when."""


EMPTY: Final = Held()
Wide: TypeAlias = ServiceStopped | ServiceResumed | OutageBegan | OutageAcknowledged | OutageEnded


def stepped(held: Held, before: Alarm, after: Alarm, event: Step) -> Held:
    """After one alarm changed."""
    timed = after.state in _TIMED and after.due_at is not None
    if timed and after.due_at is not None:
        held = replace(held, due=held.due.set(after.alarm, after.due_at))
    elif after.alarm in held.due:
        held = replace(held, due=held.due.delete(after.alarm))
    was, now = before.state in HELD, after.state in HELD
    if was != now:
        held = replace(held, of=_listed(held.of, after, now=now))
    if after.state is AlarmState.NORMAL and before.state is not AlarmState.NORMAL:
        settled = held.settled.set(held.next_settled, after.alarm)
        held = replace(held, settled=settled, next_settled=held.next_settled + 1)
    return _networked(held, after, event)


def _listed(of: Map[WearerId, tuple[AlarmId, ...]], alarm: Alarm, *, now: bool) -> Map[WearerId, tuple[AlarmId, ...]]:
    others = tuple(each for each in of.get(alarm.wearer, ()) if each != alarm.alarm)
    left = (*others, alarm.alarm) if now else others
    if left:
        return of.set(alarm.wearer, left)
    return of.delete(alarm.wearer) if alarm.wearer in of else of


def _networked(held: Held, alarm: Alarm, event: Step) -> Held:
    match event:
        case AlarmSuppressed(outage=outage) if outage is not None:
            return replace(held, outages=outages.joined(held.outages, outage, alarm.alarm, alarm.wearer))
        case AlarmSuppressed(network=network) if network:
            some = (*held.recent.get(network, ()), (event.at, alarm.alarm))[-OUTAGE_MEMBERS_MIN:]
            return replace(held, recent=held.recent.set(network, some))
        case AlarmReturned() | AlarmRepeated() | AlarmAmended(retracted=True) if alarm.outage is not None:
            silent = isinstance(event, AlarmRepeated)
            return replace(held, outages=outages.heard(held.outages, alarm.outage, alarm.alarm, silent=silent))
        case _:
            return held


def widely(held: Held, event: Wide) -> Held:
    match event:
        case ServiceStopped():
            return replace(held, service=held.service.set(event.wearer, event))
        case ServiceResumed():
            known = event.wearer in held.service
            return replace(held, service=held.service.delete(event.wearer)) if known else held
        case OutageBegan() | OutageAcknowledged() | OutageEnded():
            return replace(held, outages=outages.after(held.outages, event))


def trimmed(held: Held) -> tuple[Held, AlarmId | None]:
    """Without the oldest that is over, when there are too many, and which that is."""
    oldest = held.next_settled - SETTLED_KEPT_MAX - 1
    if oldest not in held.settled:
        return held, None
    return replace(held, settled=held.settled.delete(oldest)), held.settled[oldest]


def without(held: Held, alarms: tuple[AlarmId, ...]) -> Held:
    """These were closed."""
    due = held.due
    for each in alarms:
        due = due.delete(each) if each in due else due
    return held if due is held.due else replace(held, due=due)
