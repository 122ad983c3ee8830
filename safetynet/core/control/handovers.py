"""A hand-over as it stands: between whom, what was confirmed and noted, how it ended. Decided in `relief`."""

from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from immutables import Map

from safetynet.core.events import (
    HandoverItem,
    HandoverItemConfirmed,
    HandoverNoted,
    HandoverOffered,
    HandoverTaken,
    HandoverWithdrawn,
)
from safetynet.core.terms import HandoverEnd, HandoverId, Instant, PersonId

ENDED_KEPT_MAX: Final = 20
"""Ended hand-overs that stay in mind for the screens and the printer. All of them stay in the log."""

HandoverEvent: TypeAlias = HandoverOffered | HandoverNoted | HandoverItemConfirmed | HandoverTaken | HandoverWithdrawn


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    note: int
    at: Instant
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    handover: HandoverId
    giver: PersonId
    taker: PersonId
    whole: bool
    offered_at: Instant
    confirmed: Map[HandoverItem, Instant] = Map()
    notes: tuple[Note, ...] = ()
    taken_at: Instant | None = None
    ended_at: Instant | None = None
    """When it ended without anything going over, and below why and by whom."""
    end: HandoverEnd | None = None
    ended_by: PersonId | None = None

    @property
    def open(self) -> bool:
        return self.taken_at is None and self.ended_at is None

    @property
    def parties(self) -> frozenset[PersonId]:
        return frozenset({self.giver, self.taker})


def after(held: Map[HandoverId, Handover], event: HandoverEvent) -> Map[HandoverId, Handover]:
    """All hand-overs in mind after an event of one. One whose beginning was forgotten leaves them as they are."""
    if isinstance(event, HandoverOffered):
        made = Handover(handover=event.handover, giver=event.by, taker=event.to, whole=event.whole, offered_at=event.at)
        return _kept(held.set(event.handover, made))
    one = held.get(event.handover)
    return held if one is None else held.set(event.handover, _stepped(one, event))


def _stepped(
    one: Handover, event: HandoverNoted | HandoverItemConfirmed | HandoverTaken | HandoverWithdrawn
) -> Handover:
    match event:
        case HandoverNoted():
            return replace(one, notes=(*one.notes, Note(note=event.note, at=event.at, text=event.text)))
        case HandoverItemConfirmed():
            return replace(one, confirmed=one.confirmed.set(event.item, event.at))
        case HandoverTaken():
            return replace(one, taken_at=event.at)
        case HandoverWithdrawn():
            return replace(one, ended_at=event.at, end=event.why, ended_by=event.by)


def _kept(held: Map[HandoverId, Handover]) -> Map[HandoverId, Handover]:
    ended = sorted((each for each in held.values() if not each.open), key=lambda each: each.offered_at)
    for each in ended[:-ENDED_KEPT_MAX]:
        held = held.delete(each.handover)
    return held
