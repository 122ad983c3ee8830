"""Body-worn devices: what they measure, when they report, how they send it over real HTTP until it is acknowledged.

The error model is that of reference tracking 4.1: GPS and Wi-Fi errors stay for minutes, cell fixes do not; one fix in a
hundred is four times as wrong as it says. Everything but the sending is deterministic by seed.

Absent on purpose: where the wearer is (world), what is made of a report (the control centre).
"""

import asyncio
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Final
from urllib.parse import urlencode, urlsplit

from safetynet.core.terms import SECOND_MS, DeviceId, Instant, Source

QUIET_MS: Final = 60 * SECOND_MS
SUSPICION_MS: Final = 10 * SECOND_MS
TAMPERED_MS: Final = 3 * SECOND_MS
CORRELATION_S: Final = 120.0
RADIUS_PER_SIGMA: Final = 1.51
"""68 % of a two-dimensional normal error lie within 1.51 sigma."""
SPIKE: Final = 0.01
SPIKE_FACTOR: Final = 4.0
WAITING_MAX: Final = 5_000
RETRY_FIRST_S: Final = 0.25
RETRY_MAX_S: Final = 8.0
ANSWER_TIMEOUT_S: Final = 10.0
ANSWER_MAX_BYTES: Final = 64 * 1024

_SHARES: Final = {True: (0.55, 0.37, 0.08), False: (0.92, 0.06, 0.02)}
_SIGMAS: Final = {
    (Source.GNSS, True): ((6.0, 0.50), (12.0, 0.35), (30.0, 0.15)),
    (Source.GNSS, False): ((6.0, 0.75), (12.0, 0.20), (30.0, 0.05)),
    (Source.WIFI, True): ((15.0, 0.5), (35.0, 0.5)),
    (Source.WIFI, False): ((15.0, 0.5), (35.0, 0.5)),
    (Source.CELL, True): ((150.0, 0.5), (400.0, 0.5)),
    (Source.CELL, False): ((150.0, 0.5), (400.0, 0.5)),
}


@dataclass(frozen=True, slots=True)
class Reading:
    """A measured place in plane metres. `radius_m` is what the device believes of itself (68 %)."""

    x: float
    y: float
    radius_m: float
    source: Source


class Sensor:
    """One device's errors. They hang together in time, so readings must be asked for in the order of time."""

    def __init__(self, seed: str) -> None:
        self._dice = Random(seed)
        self._error = (self._dice.gauss(0, 1), self._dice.gauss(0, 1))
        self._at: Instant | None = None
        self._regime: tuple[bool, Source, float] | None = None

    def measure(self, x: float, y: float, at: Instant, *, indoors: bool, towers: bool = True) -> Reading:
        """Without `towers` something nearer says the place where neither satellites nor Wi-Fi would: a home unit."""
        passed_s = math.inf if self._at is None else (at - self._at) / SECOND_MS
        assert passed_s >= 0, "readings go forward in time"
        kept = math.exp(-passed_s / CORRELATION_S)
        fresh = math.sqrt(1 - kept * kept)
        self._at = at
        self._error = (
            self._error[0] * kept + self._dice.gauss(0, 1) * fresh,
            self._error[1] * kept + self._dice.gauss(0, 1) * fresh,
        )
        if self._regime is None or self._regime[0] != indoors or self._dice.random() > kept:
            gnss, wifi, cell = _SHARES[indoors]
            shares = (gnss, wifi, cell if towers else 0.0)
            source = self._dice.choices((Source.GNSS, Source.WIFI, Source.CELL), shares)[0]
            sigmas = _SIGMAS[source, indoors]
            self._regime = indoors, source, self._dice.choices([s for s, _ in sigmas], [w for _, w in sigmas])[0]
        _, source, sigma = self._regime
        ex, ey = self._error if source is not Source.CELL else (self._dice.gauss(0, 1), self._dice.gauss(0, 1))
        wrong = sigma * (SPIKE_FACTOR if self._dice.random() < SPIKE else 1.0)
        radius = RADIUS_PER_SIGMA * sigma * math.exp(self._dice.gauss(0, 0.35))
        return Reading(x + ex * wrong, y + ey * wrong, round(radius, 1), source)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One message of a device, before it has the form of a protocol. `alarm`: tampering, removing or sos."""

    device: DeviceId
    observed_at: Instant
    lat: float
    lon: float
    radius_m: float
    source: Source
    battery: float
    speed_mps: float
    alarm: str | None = None
    recorded_off_m: float | None = None
    """How far it is from a fix of a real receiver on a real walk; None for all others. Not sent: it is for counting."""


def osmand(report: Report, key: str) -> bytes:
    """The report as a form of the OsmAnd protocol; `speed` is in knots there."""
    fields = {
        "id": report.device, "key": key, "lat": f"{report.lat:.6f}", "lon": f"{report.lon:.6f}",
        "timestamp": report.observed_at, "accuracy": f"{report.radius_m:.1f}", "speed": f"{report.speed_mps / 0.514444:.1f}",
        "batt": f"{report.battery:.0f}", "source": report.source.value,
    }  # fmt: skip
    if report.alarm is not None:
        fields["alarm"] = report.alarm
    return urlencode(fields).encode()


def rhythm_ms(*, tampered: bool, suspicious: bool) -> int:
    return TAMPERED_MS if tampered else SUSPICION_MS if suspicious else QUIET_MS


# --- sending -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sent:
    """One acknowledged report, for measuring. `first_sent_at` is when its first byte left for the first time."""

    report: Report
    first_sent_at: Instant
    acked_at: Instant
    tries: int


@dataclass(slots=True)
class Counts:
    acked: int = 0
    retried: int = 0
    refused: int = 0
    """The centre said 4xx to a report without alarm: it is not sent again."""
    overflowed: int = 0
    """Given up because too many waited: the oldest position; of alarms one in between, never the first or the last."""


@dataclass
class Post:
    """The sending half of one device: one kept-alive connection, in order, each report until it is acknowledged.

    A report with an alarm is sent until 200, whatever the centre says meanwhile, and goes before waiting ordinary ones.
    """

    address: str
    key: str
    now: Callable[[], Instant]
    counts: Counts = field(default_factory=Counts)
    on_sent: Callable[[Sent], None] | None = None
    covered: Callable[[], bool] = lambda: True
    _urgent: deque[Report] = field(default_factory=deque)
    _waiting: deque[Report] = field(default_factory=deque)
    _ready: asyncio.Event = field(default_factory=asyncio.Event)
    _line: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    def put(self, report: Report) -> None:
        if report.alarm is not None:
            self._urgent.append(report)
            if len(self._urgent) > WAITING_MAX:
                # The first cut and the newest place are what counts; the first may be under way and stays.
                del self._urgent[1]
                self.counts.overflowed += 1
        else:
            self._waiting.append(report)
            if len(self._waiting) > WAITING_MAX:
                self._waiting.popleft()
                self.counts.overflowed += 1
        self._ready.set()

    @property
    def waiting(self) -> int:
        return len(self._urgent) + len(self._waiting)

    async def run(self) -> None:
        """Sends until cancelled."""
        try:
            while True:
                await self._ready.wait()
                self._ready.clear()
                while queue := self._urgent or self._waiting:
                    # It leaves its queue only when it is through, and by its own identity: the queue may have moved.
                    report = queue[0]
                    await self._deliver(report)
                    if queue and queue[0] is report:
                        queue.popleft()
        finally:
            self._hang_up()

    async def _deliver(self, report: Report) -> None:
        pause_s, tries, first = RETRY_FIRST_S, 0, None
        while True:
            if self.covered():
                tries += 1
                first = first or self.now()
                status = await self._attempt(report)
                if status == 200:
                    self.counts.acked += 1
                    if self.on_sent is not None:
                        self.on_sent(Sent(report, first, self.now(), tries))
                    return
                if status is not None and 400 <= status < 500 and report.alarm is None:
                    self.counts.refused += 1
                    return
                self.counts.retried += 1
            await asyncio.sleep(pause_s)
            pause_s = min(RETRY_MAX_S, pause_s * 2)
            if report.alarm is None and self._urgent:
                # An alarm does not wait behind the back-off of an old position: that goes on after it.
                await self._deliver(self._urgent[0])
                self._urgent.popleft()

    async def _attempt(self, report: Report) -> int | None:
        """Status of the answer; None when there was none."""
        where = urlsplit(self.address)
        body = osmand(report, self.key)
        head = (
            f"POST {where.path or '/'} HTTP/1.1\r\nHost: {where.netloc}\r\nContent-Type: application/x-www-form-urlencoded"
            f"\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                if self._line is None:
                    self._line = await asyncio.open_connection(where.hostname, where.port or 80, limit=ANSWER_MAX_BYTES)
                reader, writer = self._line
                writer.write(head.encode() + body)
                await writer.drain()
                status, keep = await _answer(reader)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError, ValueError):
            # Whatever went wrong on the way, the report was not acknowledged: a fresh connection, and again.
            self._hang_up()
            return None
        if not keep:
            self._hang_up()
        return status

    def _hang_up(self) -> None:
        if self._line is not None:
            self._line[1].close()
            self._line = None


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bool]:
    """Status and whether the connection stays open. Raises ValueError for what is no HTTP/1.1 with a length."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    status = int(head[0].split(" ", 2)[1])
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:-2])}
    size = int(fields.get("content-length", "0"))
    if not 0 <= size <= ANSWER_MAX_BYTES or "transfer-encoding" in fields:
        raise ValueError(f"answer of {size} bytes")
    await reader.readexactly(size)
    return status, fields.get("connection", "").lower() != "close"
