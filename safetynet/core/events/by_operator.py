"""What people at a control centre asked of a device."""

from safetynet.core.events.base import Event
from safetynet.core.terms import AlarmKind, IncidentId, PersonId


class LocationAsked(Event, frozen=True, kw_only=True, tag="location_asked"):
    """Who leads an incident had the wearer's device asked where it is, beside its own rhythm. `kind` is the ground."""

    incident: IncidentId
    by: PersonId
    kind: AlarmKind
