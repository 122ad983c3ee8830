"""TCP for devices that speak a stream: one listener for each protocol, slow rather than full, answers after the disk.

A connection reads no more before what it sent is on disk and answered: that is the back-pressure, and it bounds what is
kept of each to one read and one unfinished frame. Who does not name a registered device within SIGN_IN_S goes, and so does who
is silent for IDLE_S. Who connects from a network that the port does not serve is closed without a word.

Absent on purpose: what a protocol means (`edge.devices`), UDP (`edge.datagrams`).
"""

import asyncio
import ipaddress
import ssl
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from safetynet.core.terms import DeviceId, Instant
from safetynet.edge import clock
from safetynet.edge.config import DevicePort
from safetynet.edge.devices.lines import Dialect, Line, Turn
from safetynet.edge.devices.words import Known
from safetynet.edge.intake import Intake, Stopped

READ_BYTES: Final = 16_384
SIGN_IN_S: Final = 30.0
IDLE_S: Final = 1_200.0
"""Above every rhythm of reports and of heartbeats that a tracker is delivered with."""
REST_S: Final = 2.0
"""After this a frame that may be whole is taken for whole."""
WRITE_S: Final = 10.0
"""For a device to take what it is told."""
STRANGERS_MAX: Final = 1_000
"""Connections of a port that have named no device yet."""
CONNECTIONS_OF_DEVICE_MAX: Final = 4
"""A net that breaks leaves dead ones behind; the oldest goes."""
FIXES_PER_S_MAX: Final = 200
"""An alarm that comes behind a longer backlog waits with it: a stream has one order."""
FIXES_AT_ONCE_MAX: Final = 5_000
"""What a device has kept while it was away: three days at one in a minute."""

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


class Port:
    """One protocol on one port. Refusals are counted in `intake.counts` by their words."""

    def __init__(
        self,
        make: Callable[[], Dialect],
        intake: Intake,
        known: Known,
        config: DevicePort,
        *,
        addresses: Mapping[DeviceId, str],
        tls: ssl.SSLContext | None = None,
        now: Callable[[], Instant] = clock.now,
        sign_in_s: float = SIGN_IN_S,
        idle_s: float = IDLE_S,
        rest_s: float = REST_S,
    ) -> None:
        self._make, self._intake, self._known, self._config = make, intake, known, config
        self._networks = tuple(ipaddress.ip_network(each) for each in config.networks)
        self._addresses: dict[DeviceId, Network] = {
            device: ipaddress.ip_network(each) for device, each in addresses.items()
        }
        self._tls, self._now = tls, now
        self._sign_in_s, self._idle_s, self._rest_s = sign_in_s, idle_s, rest_s
        self._open: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}
        self._strangers: set[asyncio.StreamWriter] = set()
        self._lines: dict[DeviceId, list[tuple[Line, asyncio.StreamWriter]]] = {}
        self._counts = intake.counts
        intake.asked.listen(self._told)

    async def open(self, host: str) -> int:
        """Listens from here on; returns the port."""
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        host = self._config.host or host
        self._server = await asyncio.start_server(
            self._connected, host, self._config.port, limit=READ_BYTES, ssl=self._tls
        )
        return int(self._server.sockets[0].getsockname()[1])

    async def serve(self) -> None:
        """Until cancelled. A mistake of ours in any connection comes out of here."""
        try:
            await self._failed
        finally:
            self._server.close()
            for writer, task in self._open.items():
                writer.transport.abort()
                if task is not None:
                    task.cancel()

    @property
    def connections(self) -> int:
        return len(self._open)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername")
        source = ipaddress.ip_address(peer[0]) if peer else None
        if source is None or (self._networks and not any(source in each for each in self._networks)):
            self._counts["foreign_network"] += 1
            writer.transport.abort()
            return
        if len(self._open) >= self._config.connections_max or len(self._strangers) >= STRANGERS_MAX:
            self._counts["too_many_connections"] += 1
            writer.transport.abort()
            return
        shown = _certificate_name(writer)
        line = Line(
            self._make(),
            self._known,
            self._intake.proved,
            lambda device: device == shown or (device in self._addresses and source in self._addresses[device]),
        )
        self._open[writer] = asyncio.current_task()
        self._strangers.add(writer)
        try:
            await self._talk(line, reader, writer)
            writer.close()
        except Stopped:
            writer.transport.abort()  # nobody may be answered any more: the program is ending
        except TimeoutError:
            self._counts["line_silent"] += 1
            writer.transport.abort()
        except OSError:
            self._counts["line_broken"] += 1
            writer.transport.abort()
        except Exception as fault:
            if not self._failed.done():
                self._failed.set_exception(fault)
        finally:
            del self._open[writer]
            self._left(line, writer)

    async def _talk(self, line: Line, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pace, running = _Pace(self._now()), asyncio.get_running_loop()
        sign_in_by = running.time() + self._sign_in_s
        while not line.over:
            async with asyncio.timeout_at(running.time() + self._idle_s if line.device is not None else sign_in_by):
                data = await self._read(line, reader)
            if data == b"":
                return
            turns = line.rest(self._now()) if data is None else line.feed(data, self._now())
            fixes = [fix for each in turns for fix in each.fixes]
            if fixes:
                await asyncio.sleep(pace.wait_s(len(fixes), self._now()))
                await self._intake.take(fixes)
            self._arrived(line, writer)
            for turn in turns:
                self._answer(turn, writer)
            if line.device is not None:
                self._tell(line, writer, line.device)
            async with asyncio.timeout(WRITE_S):
                await writer.drain()

    async def _read(self, line: Line, reader: asyncio.StreamReader) -> bytes | None:
        """Empty at its end; None when something waits that may be whole, and nothing follows."""
        if line.rests:
            try:
                async with asyncio.timeout(self._rest_s):
                    return await reader.read(READ_BYTES)
            except TimeoutError:
                return None
        return await reader.read(READ_BYTES)

    def _answer(self, turn: Turn, writer: asyncio.StreamWriter) -> None:
        for reason in turn.refused:
            self._counts[reason.value] += 1
        if turn.reply:
            writer.write(turn.reply)

    # --- who is there ----------------------------------------------------------------------------------------------

    def _arrived(self, line: Line, writer: asyncio.StreamWriter) -> None:
        if line.device is None or writer not in self._strangers:
            return
        self._strangers.discard(writer)
        if line.hears(self._now()):
            self._intake.asked.hearing.add(line.device)
        lines = self._lines.setdefault(line.device, [])
        lines.append((line, writer))
        if len(lines) > CONNECTIONS_OF_DEVICE_MAX:
            lines.pop(0)[1].transport.abort()

    def _left(self, line: Line, writer: asyncio.StreamWriter) -> None:
        self._strangers.discard(writer)
        if line.device is None:
            return
        lines = self._lines.get(line.device, [])
        lines[:] = [each for each in lines if each[1] is not writer]
        if not lines:
            self._lines.pop(line.device, None)

    def _told(self, device: DeviceId) -> None:
        """There is a wish for a device, whose connection may be open."""
        for line, writer in self._lines.get(device, ())[-1:]:
            self._tell(line, writer, device)

    def _tell(self, line: Line, writer: asyncio.StreamWriter, device: DeviceId) -> None:
        for wish in self._intake.asked.take(device):
            writer.write(line.say(wish, self._now()))


class _Pace:
    """What one connection may bring: so much at once, then so much a second. Over it, reading waits."""

    def __init__(self, at: Instant) -> None:
        self._left, self._at = float(FIXES_AT_ONCE_MAX), at

    def wait_s(self, count: int, at: Instant) -> float:
        self._left = min(FIXES_AT_ONCE_MAX, self._left + max(0, at - self._at) / 1000 * FIXES_PER_S_MAX) - count
        self._at = at
        return max(0.0, -self._left / FIXES_PER_S_MAX)


def _certificate_name(writer: asyncio.StreamWriter) -> str | None:
    """The common name of the certificate that the other side has proved to hold."""
    shown = writer.get_extra_info("peercert") or {}
    names = [value for part in shown.get("subject", ()) for name, value in part if name == "commonName"]
    return names[0] if len(names) == 1 else None
