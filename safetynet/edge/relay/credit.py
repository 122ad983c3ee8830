"""How much may be on the road to one viewer, so that what he sees is now and not seconds ago.

TCP and socket queues hide seconds of video; only the viewer's own acknowledgements bound them. The window follows the
road: twice what the measured rate carries in the shortest round trip seen, never less than WINDOW_BYTES_MIN. What
cannot be sent in time is dropped up to the next key frame, so that no broken picture is ever painted.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from safetynet.core.terms import Instant
from safetynet.edge.sources.fmp4 import Init

WINDOW_BYTES_MIN: Final = 32_768
WINDOW_BYTES_MAX: Final = 2 * 1_048_576
STALE_S: Final = 0.7
QUEUE_BYTES_MAX: Final = 16 * 1_048_576
ROUND_TRIP_KEEP_S: Final = 10.0


class Mode(Enum):
    FULL = "full"
    KEY = "key"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Piece:
    """A fragment on its way, with the init segment its decoder needs and when it was made (monotonic ms, here)."""

    data: bytes
    key: bool
    ticks: int
    made: Instant
    init: Init


class Credit:
    """Bytes in flight and the window they may fill."""

    def __init__(self) -> None:
        self.flying, self.window = 0, WINDOW_BYTES_MIN
        self._sent: deque[tuple[int, float, int]] = deque()
        self._shortest, self._shortest_at = 1.0, 0.0
        self._acked_bytes = 0

    def open(self) -> bool:
        """Checked before sending, so that a key frame larger than the window cannot block for ever."""
        return self.flying < self.window

    def sent(self, size_bytes: int, now: float) -> None:
        self.flying += size_bytes
        self._sent.append((size_bytes, now, self._acked_bytes))

    def acked(self, count: int, now: float) -> None:
        """`count` further messages were consumed. Acknowledging what was never sent changes nothing."""
        for _ in range(min(count, len(self._sent))):
            size, at, before = self._sent.popleft()
            self.flying -= size
            self._acked_bytes += size
            trip = max(now - at, 0.0005)
            if trip < self._shortest or now - self._shortest_at > ROUND_TRIP_KEEP_S:
                self._shortest, self._shortest_at = trip, now
            rate = (self._acked_bytes - before) / trip
            self.window = int(min(max(2 * rate * self._shortest, WINDOW_BYTES_MIN), WINDOW_BYTES_MAX))


class Outlet:
    """The queue before one channel or tile. `want_key` is called when pictures were dropped."""

    def __init__(self, want_key: Callable[[], None]) -> None:
        self.credit, self.mode, self.dropped = Credit(), Mode.FULL, 0
        self._want_key, self._queue = want_key, deque[tuple[float, Piece]]()
        self._bytes, self._need_key, self.closed = 0, True, False
        self._wake = asyncio.Event()
        self._time = asyncio.get_running_loop().time

    def offer(self, piece: Piece) -> None:
        """Never blocks, never grows beyond QUEUE_BYTES_MAX."""
        if self.closed or self.mode is Mode.PAUSED or (self.mode is Mode.KEY and not piece.key):
            return
        now = self._time()
        if self._queue and (now - self._queue[0][0] > STALE_S or self._bytes > QUEUE_BYTES_MAX):
            self._forget()
            if not piece.key:
                self._want_key()
        if self._need_key and not piece.key:
            return
        self._need_key = self.mode is Mode.KEY
        self._queue.append((now, piece))
        self._bytes += len(piece.data)
        self._wake.set()

    def _forget(self) -> None:
        self.dropped += len(self._queue)
        self._queue.clear()
        self._bytes, self._need_key = 0, True

    def restart(self, pieces: tuple[Piece, ...]) -> None:
        """Begins anew with a cached group of pictures (its first piece a key frame), or with the next key frame."""
        self._forget()
        for piece in pieces:
            self.offer(piece)

    def set_mode(self, mode: Mode) -> None:
        if mode is not self.mode:
            self._forget()
        self.mode = mode

    def acked(self, count: int) -> None:
        self.credit.acked(count, self._time())
        self._wake.set()

    def close(self) -> None:
        """Nothing leaves any more; whoever waits in `take` gets None."""
        self.closed = True
        self._queue.clear()
        self._bytes = 0
        self._wake.set()

    async def take(self) -> Piece | None:
        """The next piece that may leave now, or None when it is closed."""
        while True:
            if self.closed:
                return None
            if self._queue and self.credit.open():
                _, piece = self._queue.popleft()
                self._bytes -= len(piece.data)
                self.credit.sent(len(piece.data), self._time())
                return piece
            self._wake.clear()
            await self._wake.wait()
