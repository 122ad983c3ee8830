"""What was told to a protected person, and of one: warned by the control centre, located for the police alone."""

from safetynet.core.events.base import Event, Place
from safetynet.core.terms import AlarmKind, CentreId, Certainty, IncidentId, NoticeId, ProtectedId, WarningAnswer


class ProtectedWarned(Event, frozen=True, kw_only=True, tag="protected_warned"):
    """A protected person was told that the wearer is near; `near_m` in steps, `direction`: also from which side."""

    incident: IncidentId
    protected: ProtectedId
    kind: AlarmKind
    certainty: Certainty
    near_m: int
    direction: bool


class ProtectedAnswered(Event, frozen=True, kw_only=True, tag="protected_answered"):
    incident: IncidentId
    protected: ProtectedId
    answer: WarningAnswer


class ProtectedLocated(Event, frozen=True, kw_only=True, tag="protected_located"):
    """The police were told where the protected person is. Nobody else ever is; sealed under that person's own key."""

    incident: IncidentId
    notice: NoticeId
    room: CentreId
    protected: ProtectedId
    place: Place


class ProtectedPlaceReceived(Event, frozen=True, kw_only=True, tag="protected_place_received"):
    incident: IncidentId
    notice: NoticeId
    sender: CentreId
    place: Place
