"""What a recorder held of an incident: asked for, approved, decided by a city, delivered as files, seen and deleted.

`FootageProvided` stands in the city's log and `FootageReceived` in the control centre's: `verify` holds one against the
other, as it does with the segments of a live stream.
"""

from typing import TypeAlias

from safetynet.core.events.base import Event
from safetynet.core.terms import (
    CameraId,
    CentreId,
    FootageBasis,
    FootageId,
    IncidentId,
    Instant,
    KeepReason,
    PersonId,
    WearerId,
    Why,
)

# --- at the control centre -----------------------------------------------------------------------------------------


class FootageAsked(Event, frozen=True, kw_only=True, tag="footage_asked"):
    """A person asks for past footage. Nothing leaves before another person has approved it."""

    incident: IncidentId
    wearer: WearerId
    footage: FootageId
    city: CentreId
    cameras: tuple[CameraId, ...]
    since: Instant
    until: Instant
    basis: FootageBasis
    document: str
    by: PersonId


class FootageApproved(Event, frozen=True, kw_only=True, tag="footage_approved"):
    """A second person approved it: now the city is asked."""

    incident: IncidentId
    footage: FootageId
    by: PersonId


class FootageDeclined(Event, frozen=True, kw_only=True, tag="footage_declined"):
    """The second person did not approve it. The city never hears of it."""

    incident: IncidentId
    footage: FootageId
    by: PersonId
    why: Why


class FootagePending(Event, frozen=True, kw_only=True, tag="footage_pending"):
    """A person of the city decides, until `answer_by`."""

    incident: IncidentId
    footage: FootageId
    city: CentreId
    answer_by: Instant


class FootageRefused(Event, frozen=True, kw_only=True, tag="footage_refused"):
    """The city said no."""

    incident: IncidentId
    footage: FootageId
    city: CentreId
    why: Why


class FootageGranted(Event, frozen=True, kw_only=True, tag="footage_granted"):
    """The city said yes; its files are to be fetched until `until`."""

    incident: IncidentId
    footage: FootageId
    city: CentreId
    cameras: tuple[CameraId, ...]
    conditions: tuple[str, ...]
    until: Instant


class FootageAnnounced(Event, frozen=True, kw_only=True, tag="footage_announced"):
    """The city signed for one file: what it will be, to the hash of each piece (32 bytes each, in order)."""

    incident: IncidentId
    footage: FootageId
    city: CentreId
    camera: CameraId
    since: Instant
    until: Instant
    size_bytes: int
    sha256: bytes
    pieces: bytes


class FootageReceived(Event, frozen=True, kw_only=True, tag="footage_received"):
    """One file is here, whole and as announced. It is deleted at `expires_at` unless somebody extends that."""

    incident: IncidentId
    footage: FootageId
    city: CentreId
    camera: CameraId
    size_bytes: int
    sha256: bytes
    pieces_sha256: bytes
    """Of the hashes of its pieces, in order."""
    expires_at: Instant


class FootageLost(Event, frozen=True, kw_only=True, tag="footage_lost"):
    """A file of this camera will not come."""

    incident: IncidentId
    footage: FootageId
    city: CentreId
    camera: CameraId
    why: Why


class FootageViewed(Event, frozen=True, kw_only=True, tag="footage_viewed"):
    """A person opened a file and saw it."""

    incident: IncidentId
    footage: FootageId
    camera: CameraId
    by: PersonId


class FootageExtended(Event, frozen=True, kw_only=True, tag="footage_extended"):
    incident: IncidentId
    footage: FootageId
    by: PersonId
    reason: KeepReason
    expires_at: Instant


# --- at a city -----------------------------------------------------------------------------------------------------


class FootageRequested(Event, frozen=True, kw_only=True, tag="footage_requested"):
    """Facts, law and policy allow it; a person of the city decides until `answer_by`."""

    incident: IncidentId
    footage: FootageId
    sender: CentreId
    basis: FootageBasis
    document: str
    cameras: tuple[CameraId, ...]
    since: Instant
    until: Instant
    policy_sha256: bytes
    answer_by: Instant


class FootageAllowed(Event, frozen=True, kw_only=True, tag="footage_allowed"):
    """A person of the city said yes. With `FootageRequested` these are the eight items of PIPA Decree 15."""

    incident: IncidentId
    footage: FootageId
    receiver: CentreId
    cameras: tuple[CameraId, ...]
    conditions: tuple[str, ...]
    policy_sha256: bytes
    by: PersonId
    until: Instant
    """The receiver must have fetched it by then; afterwards the excerpt is deleted here."""


class FootageDenied(Event, frozen=True, kw_only=True, tag="footage_denied"):
    incident: IncidentId
    footage: FootageId
    sender: CentreId
    why: Why
    policy_sha256: bytes
    by: PersonId | None = None
    """Who refused; None when facts, law, policy or time did."""


class FootageProvided(Event, frozen=True, kw_only=True, tag="footage_provided"):
    """One file was cut from the recorder for this receiver. `pieces`: the hash of each piece, 32 bytes each, in order."""

    incident: IncidentId
    footage: FootageId
    receiver: CentreId
    camera: CameraId
    since: Instant
    until: Instant
    size_bytes: int
    sha256: bytes
    pieces: bytes


class FootageMissing(Event, frozen=True, kw_only=True, tag="footage_missing"):
    """The recorder gave no file of this camera."""

    incident: IncidentId
    footage: FootageId
    receiver: CentreId
    camera: CameraId
    why: Why


# --- at both -------------------------------------------------------------------------------------------------------


class FootageDeleted(Event, frozen=True, kw_only=True, tag="footage_deleted"):
    """Every file of this request is deleted here. `by` None: its time was over, or the receiver has it."""

    incident: IncidentId
    footage: FootageId
    why: Why
    by: PersonId | None = None


AtControl: TypeAlias = (
    FootageAsked
    | FootageApproved
    | FootageDeclined
    | FootagePending
    | FootageRefused
    | FootageGranted
    | FootageAnnounced
    | FootageReceived
    | FootageLost
    | FootageViewed
    | FootageExtended
)
AtCity: TypeAlias = FootageRequested | FootageAllowed | FootageDenied | FootageProvided | FootageMissing
AboutFootage: TypeAlias = AtControl | AtCity | FootageDeleted
