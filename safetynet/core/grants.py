"""Who may view what, why, until when: the only maker of a `Ticket`.

Absent on purpose: who asked and for what incident (that is `control` and `city`), and any clock. A relay holds a
`Lease` that its city signed, counts it on its own monotonic clock and asks `view` before every opening.
"""

from dataclasses import dataclass
from typing import Final

from safetynet.core.terms import CameraId, GrantId, Instant, ViewerId, Why

LEASE_MS_MAX: Final = 10_000
"""A lease outlives the word of its city by no more than this (design.md section 3)."""


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
