"""An outage of one network: one incident in place of the silence of many.

It explains silence and nothing else, for as long as the network is not heard and at most OUTAGE_MS_MAX. Each member is
an alarm of its own with its own record; here is only who belongs together, who has it, and whether it is over.
"""

import hashlib
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from immutables import Map

from safetynet.core.annunciations import OUTAGE_MS_MAX, OUTAGE_OVER_SHARE
from safetynet.core.events import OutageAcknowledged, OutageBegan, OutageEnded
from safetynet.core.terms import AlarmId, Instant, OutageEnd, OutageId, PersonId, WearerId

KEPT_MAX: Final = 20
"""Ended outages that stay in mind for the screens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    outage: OutageId
    network: str
    since: Instant
    """When the first of its members fell silent."""
    began_at: Instant
    members: Map[AlarmId, WearerId] = Map()
    silent: Map[AlarmId, WearerId] = Map()
    """Those of them that are still not heard."""
    acked_by: PersonId | None = None
    acked_at: Instant | None = None
    ended_at: Instant | None = None
    end: OutageEnd | None = None
    left: int = 0
    """How many were still silent at its end: they rang alone, or will."""


Outages: TypeAlias = Map[OutageId, Outage]


def outage_id(network: str, since: Instant) -> OutageId:
    made = hashlib.blake2b(f"outage {network} {since}".encode(), digest_size=8, person=b"safetynet-id")
    return OutageId("O-" + made.hexdigest().upper())


def running(held: Outages, network: str) -> Outage | None:
    found = (each for each in held.values() if each.network == network and each.ended_at is None)
    return next(found, None)


def over(outage: Outage, at: Instant) -> OutageEnd | None:
    """Whether it has ended, and why; None while it lasts."""
    if len(outage.silent) <= len(outage.members) * OUTAGE_OVER_SHARE:
        return OutageEnd.HEARD
    return OutageEnd.TOO_LONG if at - outage.since >= OUTAGE_MS_MAX else None


def after(held: Outages, event: OutageBegan | OutageAcknowledged | OutageEnded) -> Outages:
    if isinstance(event, OutageBegan):
        began = Outage(outage=event.outage, network=event.network, since=event.since, began_at=event.at)
        return held.set(event.outage, began)
    known = held.get(event.outage)
    if known is None:
        return held
    if isinstance(event, OutageAcknowledged):
        return held.set(event.outage, replace(known, acked_by=event.by, acked_at=event.at))
    return _few(held.set(event.outage, replace(known, ended_at=event.at, end=event.why, left=event.silent)))


def _few(held: Outages) -> Outages:
    ended = sorted((each.ended_at, each.outage) for each in held.values() if each.ended_at is not None)
    for _, outage in ended[:-KEPT_MAX]:
        held = held.delete(outage)
    return held


def joined(held: Outages, outage: OutageId, alarm: AlarmId, wearer: WearerId) -> Outages:
    known = held.get(outage)
    if known is None:
        return held
    members, silent = known.members.set(alarm, wearer), known.silent.set(alarm, wearer)
    return held.set(outage, replace(known, members=members, silent=silent))


def heard(held: Outages, outage: OutageId, alarm: AlarmId, *, silent: bool) -> Outages:
    """One of its members is heard again, or silent anew."""
    known = held.get(outage)
    if known is None or alarm not in known.members or (alarm in known.silent) is silent:
        return held
    left = known.silent.set(alarm, known.members[alarm]) if silent else known.silent.delete(alarm)
    return held.set(outage, replace(known, silent=left))
