"""What every event is made of, besides terms."""

import msgspec

from safetynet.core.terms import CameraId, FixId, Instant, PoleId, Source


class Place(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A position that justified a decision. Degrees WGS84; `radius_m` is the 68 % radius of the fix."""

    lat: float
    lon: float
    radius_m: float
    source: Source
    observed_at: Instant
    received_at: Instant
    fix: FixId


class Spot(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Where an officer's telephone was when its officer did something. Degrees WGS84."""

    lat: float
    lon: float
    radius_m: float


class CameraCard(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a city says of a camera that it proposes or provides: enough to draw it and to know what it is for."""

    camera: CameraId
    pole: PoleId
    name: str
    lat: float
    lon: float
    range_m: float
    azimuth_deg: float | None
    """Clockwise from north; None when nobody has measured it."""
    view_deg: float | None
    ptz: bool
    purpose: str


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", forbid_unknown_fields=True):
    """`at` is when this centre decided it, on its own clock; times of the world stand in the other fields."""

    at: Instant
