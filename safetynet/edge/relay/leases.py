"""The leases that a city relay holds: signed by its city, counted on the monotonic clock, never longer than 10 s.

It carries the city's word; `core.grants.view` decides with it. It forgets nothing early: an ended grant stays ended.
"""

from dataclasses import dataclass
from typing import Final

from safetynet.core.grants import LEASE_MS_MAX, Lease, Refused, Ticket, view
from safetynet.core.terms import DAY_MS, CameraId, CentreId, GrantId, Instant, ViewerId, Why
from safetynet.edge import clock, keys
from safetynet.edge.relay.words import SetLease, lease_part

GRANTS_MAX: Final = 10_000
CAMERAS_PER_GRANT_MAX: Final = 256
AHEAD_MS_MAX: Final = 50
ENDED_KEEP_MS: Final = DAY_MS


@dataclass(frozen=True, slots=True)
class _Held:
    lease: Lease
    receiver: CentreId
    issued: Instant
    granted: Instant
    urls: dict[CameraId, str]


class Leases:
    def __init__(self, public: bytes) -> None:
        self._public = public
        self._held: dict[GrantId, _Held] = {}
        self._ended: dict[GrantId, tuple[Instant, Why]] = {}

    def accept(self, word: SetLease) -> Refused | None:
        """Takes a lease in. It counts from when it was issued, however long it was on the way."""
        now = clock.monotonic()
        if not keys.verify(self._public, lease_part(word), word.signature):
            return Refused(Why.BAD_SIGNATURE)
        if word.grant in self._ended:
            return Refused(Why.GRANT_ENDED)
        if not 0 < word.lease_ms <= LEASE_MS_MAX:
            return Refused(Why.TOO_LONG)
        before = self._held.get(word.grant)
        until = Instant(word.issued_ms + word.lease_ms)
        if (
            word.issued_ms > now + AHEAD_MS_MAX
            or until <= now
            or (before is not None and word.issued_ms <= before.issued)
        ):
            return Refused(Why.STALE)
        if len(word.cameras) > CAMERAS_PER_GRANT_MAX or (before is None and len(self._held) >= GRANTS_MAX):
            return Refused(Why.TOO_MANY_CAMERAS)
        if before is not None and before.receiver != word.receiver:
            return Refused(Why.WRONG_SENDER)
        lease = Lease(word.grant, frozenset(word.cameras), until)
        granted = now if before is None else before.granted
        self._held[word.grant] = _Held(lease, word.receiver, word.issued_ms, granted, dict(word.urls))
        return None

    def end(self, grant: GrantId, why: Why) -> None:
        self._ended.setdefault(grant, (clock.monotonic(), why))

    def view(self, grant: GrantId, camera: CameraId, viewer: ViewerId, receiver: CentreId) -> Ticket | Refused:
        """May that centre open that camera now? Asked before every opening and again while it runs."""
        held = self._held.get(grant)
        if held is not None and held.receiver != receiver:
            return Refused(Why.NO_SUCH_GRANT)  # another centre's grant does not exist for this one
        lease = held.lease if held is not None else None
        return view(lease, ended=grant in self._ended, camera=camera, viewer=viewer, now=clock.monotonic())

    def granted(self, grant: GrantId) -> Instant:
        """When its first lease came (monotonic): what a camera made earlier is pre-grant."""
        return self._held[grant].granted

    def why_ended(self, grant: GrantId) -> Why:
        return self._ended.get(grant, (Instant(0), Why.GRANT_ENDED))[1]

    def url(self, camera: CameraId) -> str | None:
        """Where the camera is, by any lease that still runs."""
        now = clock.monotonic()
        for held in self._held.values():
            if camera in held.urls and now < held.lease.until and held.lease.grant not in self._ended:
                return held.urls[camera]
        return None

    def tidy(self) -> None:
        """Forgets leases a minute after they ran out, and endings after a day."""
        now = clock.monotonic()
        self._held = {id: held for id, held in self._held.items() if now < held.lease.until + 60_000}
        self._ended = {id: each for id, each in self._ended.items() if now < each[0] + ENDED_KEEP_MS}
