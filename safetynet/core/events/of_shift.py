"""What supervisors and changes of shift do to who leads what: each with who did it and why.

What was confirmed and what was noted may speak of persons (an alarm's id can be tried out, a note is free text): it is
sealed under the hand-over. That there was one, between whom and with what end, is open.
"""

from typing import TypeAlias

import msgspec

from safetynet.core.events.base import Event
from safetynet.core.terms import HandoverEnd, HandoverId, HandoverPart, IncidentId, PersonId, Reassign


class HandoverItem(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One thing as its taker saw it. `word` is what it must still be to count as confirmed: a state, or who led."""

    part: HandoverPart
    id: str
    word: str


class HandoverOffered(Event, frozen=True, kw_only=True, tag="handover_offered"):
    handover: HandoverId
    by: PersonId
    to: PersonId
    whole: bool
    """Of the whole shift; otherwise of one seat and of what nobody leads."""


class HandoverNoted(Event, frozen=True, kw_only=True, tag="handover_noted"):
    handover: HandoverId
    by: PersonId
    note: int
    text: str


class HandoverItemConfirmed(Event, frozen=True, kw_only=True, tag="handover_item_confirmed"):
    handover: HandoverId
    by: PersonId
    item: HandoverItem


class HandoverTaken(Event, frozen=True, kw_only=True, tag="handover_taken"):
    """Everything was confirmed, and what the giver led goes over: an `IncidentHandedOver` of each follows in the same act."""

    handover: HandoverId
    by: PersonId
    giver: PersonId
    items: int
    """How many were confirmed, what fell away since included."""


class HandoverWithdrawn(Event, frozen=True, kw_only=True, tag="handover_withdrawn"):
    """Nothing went over. `by` None: no person ended it."""

    handover: HandoverId
    by: PersonId | None
    why: HandoverEnd


class IncidentReassigned(Event, frozen=True, kw_only=True, tag="incident_reassigned"):
    """A supervisor gave an incident to another seat. `previous` None: nobody had it."""

    incident: IncidentId
    by: PersonId
    previous: PersonId | None
    to: PersonId
    reason: Reassign


AtShift: TypeAlias = (
    HandoverOffered | HandoverNoted | HandoverItemConfirmed | HandoverTaken | HandoverWithdrawn | IncidentReassigned
)
