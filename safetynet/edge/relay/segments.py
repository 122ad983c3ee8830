"""Streams cut into segments of at most two seconds, hashed as delivered. Both relays count alike."""

import hashlib
from typing import Final

from safetynet.core.events import Segment
from safetynet.core.terms import CameraId, GrantId, Instant, StreamId
from safetynet.edge.sources.fmp4 import TICKS_PER_S

SEGMENT_TICKS_MAX: Final = 2 * TICKS_PER_S


class Tally:
    """The running segment of one stream. Fragments go in as their bytes leave; `close` gives the record."""

    def __init__(self, side: str, grant: GrantId, camera: CameraId, stream: StreamId) -> None:
        self._side, self._grant, self._camera, self._stream = side, grant, camera, stream
        self.closed = 0
        self._clear()

    def _clear(self) -> None:
        self._hash, self._size, self._count, self._pre_grant = hashlib.sha256(), 0, 0, False
        self._first = self._last = 0

    @property
    def empty(self) -> bool:
        return self._count == 0

    def add(self, data: bytes, ticks: int, *, pre_grant: bool) -> None:
        if not self._count:
            self._first = ticks
        self._hash.update(data)
        self._size += len(data)
        self._count += 1
        self._last = max(ticks, self._last)
        self._pre_grant |= pre_grant

    def full_before(self, ticks: int, *, key: bool) -> bool:
        """Whether a fragment at `ticks` belongs to the next segment. A key frame always begins one."""
        return self._count > 0 and (key or ticks - self._first >= SEGMENT_TICKS_MAX)

    def full_after(self, duration_ticks: int) -> bool:
        """Whether the next fragment will not fit, so that the record can be written while nothing else waits."""
        return self._count > 0 and self._last + duration_ticks - self._first >= SEGMENT_TICKS_MAX

    def close(self, at: Instant, *, pre_grant: bool | None = None) -> Segment:
        """The record of what was added since the last one. `pre_grant` is what the giver said of it."""
        self.closed += 1
        made = Segment(
            at=at,
            side=self._side,
            grant=self._grant,
            camera=self._camera,
            stream=self._stream,
            seq=self.closed,
            first_ticks=self._first,
            last_ticks=self._last,
            size_bytes=self._size,
            sha256=self._hash.digest(),
            pre_grant=self._pre_grant if pre_grant is None else pre_grant,
        )
        self._clear()
        return made
