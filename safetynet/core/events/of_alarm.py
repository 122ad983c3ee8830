"""What became of an alarm besides ringing: held back by design, come up after all, shelved by a person; and outages.

Nothing here takes an alarm out of the log: `AlarmRaised` stands before each of these, and each says why.
"""

from typing import TypeAlias

from safetynet.core.events.base import Event
from safetynet.core.terms import (
    AlarmId,
    Instant,
    OutageEnd,
    OutageId,
    PersonId,
    ServiceReason,
    ShelveReason,
    Suppression,
    Surfacing,
    WearerId,
)


class AlarmSuppressed(Event, frozen=True, kw_only=True, tag="alarm_suppressed"):
    """Raised and held back by design: it rings for nobody, and comes up by itself at `until`, or sooner when it is more."""

    alarm: AlarmId
    wearer: WearerId
    suppression: Suppression
    until: Instant | None = None
    """None: not by time, but with what holds it back."""
    outage: OutageId | None = None
    network: str = ""
    """Over which network the device speaks, where the kind is one that an outage explains."""


class AlarmSurfaced(Event, frozen=True, kw_only=True, tag="alarm_surfaced"):
    """It was more than noise: from now on it rings like any other."""

    alarm: AlarmId
    wearer: WearerId
    surfaced: Surfacing


class AlarmShelved(Event, frozen=True, kw_only=True, tag="alarm_shelved"):
    """A person put it aside, for a reason and until a time. It stays listed and comes back by itself."""

    alarm: AlarmId
    wearer: WearerId
    by: PersonId
    shelved: ShelveReason
    until: Instant


class AlarmUnshelved(Event, frozen=True, kw_only=True, tag="alarm_unshelved"):
    """Back from the shelf, and rings. `by` None: no person, but its time or that it became graver."""

    alarm: AlarmId
    wearer: WearerId
    by: PersonId | None


class ServiceStopped(Event, frozen=True, kw_only=True, tag="service_stopped"):
    """A wearer's device is being exchanged or repaired: what it says of itself is held back, and nothing else."""

    wearer: WearerId
    by: PersonId
    reason: ServiceReason
    until: Instant


class ServiceResumed(Event, frozen=True, kw_only=True, tag="service_resumed"):
    """`by` None: its time was over."""

    wearer: WearerId
    by: PersonId | None


class OutageBegan(Event, frozen=True, kw_only=True, tag="outage_began"):
    """So many wearers of one network fell silent at once that the network is the cause: one incident for all of them.

    Who they are stands in the `AlarmSuppressed` of each, sealed under that wearer's key.
    """

    outage: OutageId
    network: str
    since: Instant
    members: int
    """When it was recognised; more may follow."""


class OutageAcknowledged(Event, frozen=True, kw_only=True, tag="outage_acknowledged"):
    outage: OutageId
    by: PersonId


class OutageEnded(Event, frozen=True, kw_only=True, tag="outage_ended"):
    """The network is heard again, or it lasted too long to explain anything. Who is still silent then rings alone."""

    outage: OutageId
    why: OutageEnd
    members: int
    silent: int
    """Of them, still not heard."""


OfAlarm: TypeAlias = AlarmSuppressed | AlarmSurfaced | AlarmShelved | AlarmUnshelved
OfService: TypeAlias = ServiceStopped | ServiceResumed
OfOutage: TypeAlias = OutageBegan | OutageAcknowledged | OutageEnded
