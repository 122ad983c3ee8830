"""What officers did in the field, each once however often a telephone says it, and the answer to a call for backup."""

from safetynet.core.events.base import Event, Spot
from safetynet.core.terms import ActionId, DispatchId, FieldMark, IncidentId, Instant, PersonId, UnitId


class FieldMarked(Event, frozen=True, kw_only=True, tag="field_marked"):
    """An officer under this order saw the person, did not, or needs backup. `acted_at` is his own time of it."""

    incident: IncidentId
    dispatch: DispatchId
    unit: UnitId
    by: PersonId
    action: ActionId
    mark: FieldMark
    acted_at: Instant
    spot: Spot | None


class BackupAnswered(Event, frozen=True, kw_only=True, tag="backup_answered"):
    """A person at the control centre has taken notice that a unit needs backup."""

    incident: IncidentId
    by: PersonId


class FieldTold(Event, frozen=True, kw_only=True, tag="field_told"):
    """What the person who leads wrote to every unit of the incident: what was seen, where not to go."""

    incident: IncidentId
    by: PersonId
    text: str


class PhotoTaken(Event, frozen=True, kw_only=True, tag="photo_taken"):
    """An officer's photograph, kept sealed under the incident beside the log; this is the hash of what is kept."""

    incident: IncidentId
    dispatch: DispatchId
    unit: UnitId
    by: PersonId
    action: ActionId
    """Also the name of the photograph within its incident."""
    sha256: bytes
    size_bytes: int
    acted_at: Instant
    spot: Spot | None
