"""A road that loses, doubles, overtakes, dawdles and breaks, the same way for the same seed.

Time is simulated: nothing moves until `step`. What is lost here is lost as on a real road; that it arrives in the end is
the outbox's doing, which the storm resends.
"""

import heapq
import random
from collections.abc import Callable
from typing import Final

import msgspec

from safetynet.core.messages import Envelope
from safetynet.core.terms import CentreId, Instant
from safetynet.edge import codec

IN_FLIGHT_MAX: Final = 100_000


class Weather(msgspec.Struct, frozen=True):
    """Chances from 0 to 1; delays in ms, drawn evenly. Different delays are what makes envelopes overtake."""

    drop: float = 0.1
    duplicate: float = 0.05
    delay_ms_min: int = 1
    delay_ms_max: int = 400
    dawdle: float = 0.02
    """Chance of being held up for as long as `dawdle_ms_max`."""
    dawdle_ms_max: int = 600_000


FAIR: Final = Weather(drop=0.0, duplicate=0.0, dawdle=0.0, delay_ms_max=20)


class Net:
    """All roads between all centres of one storm."""

    def __init__(self, seed: int, weather: Weather | None = None) -> None:
        self.weather = weather or Weather()
        self.now = Instant(0)
        self.dropped = self.doubled = self.delivered = 0
        self._dice: Final = random.Random(seed)
        self._doors: dict[CentreId, Callable[[Envelope], None]] = {}
        self._flying: list[tuple[Instant, int, bytes]] = []
        """Arrival, tie-break in order of sending, and the bytes: nobody shares a value with anybody."""
        self._sent = 0
        self._cut: dict[tuple[CentreId, CentreId], Instant] = {}

    def join(self, centre: CentreId, door: Callable[[Envelope], None]) -> None:
        """`door` takes what arrives for `centre`; joining again replaces it (the program was started anew)."""
        self._doors[centre] = door

    def leave(self, centre: CentreId) -> None:
        """The program is dead: what arrives meanwhile is lost."""
        self._doors.pop(centre, None)

    def part(self, one: CentreId, other: CentreId, until: Instant, *, both: bool = True) -> None:
        """Cuts the road from `one` to `other` (and back unless not `both`) until then."""
        self._cut[one, other] = until
        if both:
            self._cut[other, one] = until

    def cut(self, origin: CentreId, to: CentreId) -> bool:
        return self.now < self._cut.get((origin, to), 0)

    def send(self, envelope: Envelope) -> None:
        if self.cut(envelope.origin, envelope.to) or self._dice.random() < self.weather.drop:
            self.dropped += 1
            return
        self._fly(envelope)
        if self._dice.random() < self.weather.duplicate:
            self.doubled += 1
            self._fly(envelope)

    def step(self, until: Instant) -> int:
        """Moves the clock to `until` and hands over what arrives by then, in order of arrival. How many."""
        assert until >= self.now
        before = self.delivered
        while self._flying and self._flying[0][0] <= until:
            self.now, _, body = heapq.heappop(self._flying)
            envelope = codec.decode_envelope(body)
            door = self._doors.get(envelope.to)
            if door is None or self.cut(envelope.origin, envelope.to):
                self.dropped += 1
                continue
            self.delivered += 1
            door(envelope)
        self.now = until
        return self.delivered - before

    def in_flight(self) -> int:
        return len(self._flying)

    def _fly(self, envelope: Envelope) -> None:
        assert len(self._flying) < IN_FLIGHT_MAX
        delay_ms = self._dice.randint(self.weather.delay_ms_min, self.weather.delay_ms_max)
        if self._dice.random() < self.weather.dawdle:
            delay_ms += self._dice.randint(0, self.weather.dawdle_ms_max)
        self._sent += 1
        heapq.heappush(self._flying, (Instant(self.now + delay_ms), self._sent, codec.encode_envelope(envelope)))
