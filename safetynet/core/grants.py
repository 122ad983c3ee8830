"""Who may view what, why, until when: the only maker of a `Ticket`.

Two questions. A city asks `issue` once per request (and `move` when the person moves): the law, the facts and the
policy engine's answer go in, a grant or a refusal comes out. A relay asks `view` before every opening: it holds a
`Lease` that its city signed and counts it on its own monotonic clock.

Absent on purpose: any clock, the wearer, and any way to say yes without the policy engine.
"""

import math
from dataclasses import dataclass
from typing import Final

from safetynet.core import geo
from safetynet.core.cameras import Choice
from safetynet.core.events import Place
from safetynet.core.law import Limits
from safetynet.core.terms import (
    MINUTE_MS,
    SECOND_MS,
    AlarmKind,
    Basis,
    CameraId,
    CentreId,
    GrantId,
    IncidentId,
    Instant,
    RequestId,
    ViewerId,
    Why,
)

LEASE_MS_MAX: Final = 10_000
"""A lease outlives the word of its city by no more than this (design.md section 3)."""


PLACE_AGE_MS_MAX: Final = 120 * SECOND_MS
"""An older position is no ground for urgency: the person is elsewhere, other people would be shown."""
PLACE_AHEAD_MS_MAX: Final = 10 * SECOND_MS
"""How far a device's clock may run ahead of the city's before its position is taken for wrong."""


@dataclass(frozen=True, slots=True)
class Refused:
    """No, and why. Every refusal is recorded."""

    why: Why


@dataclass(frozen=True, slots=True)
class Lease:
    """What a relay knows of a grant: which cameras, and until when unless the city says so again.

    `until` is on the relay's monotonic clock (ms), so that nobody can lengthen it by setting a wall clock.
    """

    grant: GrantId
    cameras: frozenset[CameraId]
    until: Instant


@dataclass(frozen=True, slots=True)
class Ticket:
    """Proof that `view` said yes. The relay opens a camera for nothing else."""

    grant: GrantId
    camera: CameraId
    viewer: ViewerId
    until: Instant


def view(lease: Lease | None, *, ended: bool, camera: CameraId, viewer: ViewerId, now: Instant) -> Ticket | Refused:
    """May `viewer` watch `camera` now? `now` and the lease are on the same monotonic clock (ms)."""
    if lease is None:
        return Refused(Why.NO_SUCH_GRANT)
    if ended:
        return Refused(Why.GRANT_ENDED)
    if now >= lease.until:
        return Refused(Why.LEASE_RUN_OUT)
    if camera not in lease.cameras:
        return Refused(Why.CAMERA_NOT_GRANTED)
    return Ticket(lease.grant, camera, viewer, lease.until)


OWN: Final = "/own"


def own(grant: GrantId) -> GrantId:
    """Under which the city's own people watch what it provides: another viewing, another lease, the same end."""
    return GrantId(f"{grant}{OWN}")


def given(grant: GrantId) -> GrantId:
    """The grant to a control centre behind an own viewing; any other grant is itself."""
    return GrantId(grant.removesuffix(OWN))


# --- a city decides ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a control centre asks of a city, as the city knows it after it checked seal, sender and way."""

    request: RequestId
    incident: IncidentId
    receiver: CentreId
    basis: Basis
    kind: AlarmKind
    place: Place
    radius_m: int
    cameras_max: int
    until: Instant
    live: bool
    """Whether the incident has not ended, as far as this city was told."""
    cameras_held: int = 0
    """Already granted to this incident by this city under other requests: the limit holds for all of them together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyAnswer:
    """What the policy engine said. `present` is False when it gave no answer in time or was never asked."""

    allow: bool
    errors: int
    sha256: bytes
    """Of policy and schema: which text decided."""
    present: bool


ABSENT: Final = PolicyAnswer(allow=False, errors=0, sha256=b"", present=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A city's yes: everything `events.GrantIssued` records except the grant's own id and who approved."""

    request: RequestId
    incident: IncidentId
    receiver: CentreId
    basis: Basis
    kind: AlarmKind
    place: Place
    radius_m: int
    cameras_max: int
    cameras: tuple[CameraId, ...]
    """In order of worth, best first."""
    conditions: tuple[str, ...]
    until: Instant
    policy_sha256: bytes


@dataclass(frozen=True, slots=True)
class Moved:
    """The camera set of a live grant after the person moved. A camera that is no longer here must be closed."""

    place: Place
    cameras: tuple[CameraId, ...]


def check(
    wanted: Wanted, limits: Limits | None, area: tuple[tuple[float, float], ...], at: Instant
) -> tuple[Why | None, ...]:
    """The facts and the law, one condition per line; None where it is kept. All None: the policy may be asked."""
    if limits is None:
        return (Why.BASIS_MISMATCH,)
    return (
        None if wanted.live else Why.NOT_LIVE,
        None if _sound(wanted.place) else Why.OUT_OF_AREA,
        None if _fresh(wanted.place, at) else Why.STALE,
        None if 0 < wanted.radius_m <= limits.radius_m_max else Why.RADIUS_TOO_WIDE,
        None if _reaches(wanted.place, wanted.radius_m, area) else Why.OUT_OF_AREA,
        None if 0 < wanted.cameras_max <= limits.cameras_max - wanted.cameras_held else Why.TOO_MANY_CAMERAS,
        None if wanted.until > at else Why.RUN_OUT,
        None if wanted.until <= at + limits.minutes_max * MINUTE_MS else Why.TOO_LONG,
    )


def first_against(reasons: tuple[Why | None, ...]) -> Why | None:
    return next((why for why in reasons if why is not None), None)


def issue(
    wanted: Wanted,
    limits: Limits | None,
    area: tuple[tuple[float, float], ...],
    answer: PolicyAnswer,
    choices: tuple[Choice, ...],
    at: Instant,
) -> Issued | Refused:
    """A city's decision. `area` is its outline in (lat, lon) corners, `choices` what `cameras.choose` offered.

    Cameras outside the radius are left out, then those beyond the number asked for. The policy is read last, so that a
    refusal names the fact where there is one; without a clean yes of the policy there is no grant whatever the facts.
    """
    against = first_against(check(wanted, limits, area, at))
    if against is not None:
        return Refused(against)
    assert limits is not None
    if not answer.present:
        return Refused(Why.POLICY_ABSENT)
    if answer.errors != 0:
        return Refused(Why.POLICY_ERROR)
    if answer.allow is not True:
        return Refused(Why.POLICY_DENIED)
    cameras = _inside(choices, wanted.radius_m, wanted.cameras_max)
    if not cameras:
        return Refused(Why.NO_CAMERA)
    return Issued(
        request=wanted.request,
        incident=wanted.incident,
        receiver=wanted.receiver,
        basis=wanted.basis,
        kind=wanted.kind,
        place=wanted.place,
        radius_m=wanted.radius_m,
        cameras_max=wanted.cameras_max,
        cameras=cameras,
        conditions=limits.conditions,
        until=wanted.until,
        policy_sha256=answer.sha256,
    )


def move(
    issued: Issued, place: Place, area: tuple[tuple[float, float], ...], choices: tuple[Choice, ...], at: Instant
) -> Moved | Refused:
    """Follow the person under a live grant, inside its radius, its number of cameras and its time.

    A refusal changes nothing: the cameras of before stay until the grant ends. An older position than the last is
    refused too, so that messages out of order cannot turn the pictures back.
    """
    if (why := unfollowed(issued, place, area, at)) is not None:
        return Refused(why)
    cameras = _inside(choices, issued.radius_m, issued.cameras_max)
    return Moved(place, cameras) if cameras else Refused(Why.NO_CAMERA)


def unfollowed(issued: Issued, place: Place, area: tuple[tuple[float, float], ...], at: Instant) -> Why | None:
    """Why nobody may be followed there. To be asked before cameras are chosen: a partner can say any place."""
    if at >= issued.until:
        return Why.RUN_OUT
    if not _sound(place) or not _reaches(place, issued.radius_m, area):
        return Why.OUT_OF_AREA
    if not _fresh(place, at) or place.observed_at < issued.place.observed_at:
        return Why.STALE
    return None


def _inside(choices: tuple[Choice, ...], radius_m: int, cameras_max: int) -> tuple[CameraId, ...]:
    return tuple(each.camera.id for each in choices if each.distance_m <= radius_m)[:cameras_max]


def _sound(place: Place) -> bool:
    return geo.in_korea(place.lat, place.lon) and 0.0 <= place.radius_m < math.inf


def _fresh(place: Place, at: Instant) -> bool:
    return -PLACE_AHEAD_MS_MAX <= at - place.observed_at <= PLACE_AGE_MS_MAX


def _reaches(place: Place, radius_m: int, area: tuple[tuple[float, float], ...]) -> bool:
    """Whether the circle touches the city. A city without an outline has no area: it can grant nothing."""
    if len(area) < 3 or not _sound(place):
        return False
    plane = geo.Plane(place.lat, place.lon)
    return geo.polygon_signed_m(0.0, 0.0, [plane.to_xy(lat, lon) for lat, lon in area]) <= radius_m
