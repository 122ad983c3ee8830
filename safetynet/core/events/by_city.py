"""What a city's own people did with a request: answered it, looked at it, saw somebody, turned a camera."""

from safetynet.core.events.base import Event, Place
from safetynet.core.terms import (
    AlarmKind,
    Approval,
    Basis,
    CameraId,
    CentreId,
    GrantId,
    Heading,
    IncidentId,
    Instant,
    PersonId,
    RequestId,
    Sight,
    Travel,
    Turn,
    Why,
)


class ApprovalAwaited(Event, frozen=True, kw_only=True, tag="approval_awaited"):
    """Facts, law and policy allow it; a person of the city decides until `answer_by`. Nothing is delivered by this."""

    request: RequestId
    incident: IncidentId
    sender: CentreId
    basis: Basis
    kind: AlarmKind
    place: Place
    radius_m: int
    cameras_max: int
    cameras: tuple[CameraId, ...]
    until: Instant
    policy_sha256: bytes
    answer_by: Instant


class ApprovalSet(Event, frozen=True, kw_only=True, tag="approval_set"):
    """Who answers requests on this basis from now on."""

    basis: Basis
    approval: Approval
    by: PersonId


class GrantReviewed(Event, frozen=True, kw_only=True, tag="grant_reviewed"):
    """A person of the city looked at what its policy had granted by itself."""

    grant: GrantId
    incident: IncidentId
    by: PersonId


class SightingMarked(Event, frozen=True, kw_only=True, tag="sighting_marked"):
    """A person of the city saw the one who is looked for in a picture it provides, or saw that nobody is there."""

    grant: GrantId
    incident: IncidentId
    camera: CameraId
    by: PersonId
    sight: Sight
    heading: Heading | None
    travel: Travel | None
    seen_at: Instant


class CameraTurned(Event, frozen=True, kw_only=True, tag="camera_turned"):
    """A person of the city turned a camera, under a grant (PIPA 25(5): not at will)."""

    grant: GrantId
    incident: IncidentId
    camera: CameraId
    by: PersonId
    turn: Turn
    preset: int | None = None
    """Its number, where it was called to one."""


class CameraReturned(Event, frozen=True, kw_only=True, tag="camera_returned"):
    """It looks again where it looks by itself: its grant is over, it left the set, or nobody turned it for a while."""

    grant: GrantId
    incident: IncidentId
    camera: CameraId
    why: Why
