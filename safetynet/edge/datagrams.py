"""UDP for devices that speak it: each datagram stands for itself, and is answered when what it said is on disk.

The dialects are those of the streams (`edge.devices`). What differs is what a sender's address is worth: anybody can write
another's. So nothing that comes this way is ever proven, neither by an address nor by a key that was shown before, an answer
is never longer than a few words, and who is not registered gets none. A datagram that finds no room is dropped and counted:
it was not answered, so the device sends it again.

Absent on purpose: what a protocol means, connections (`edge.ports`).
"""

import asyncio
import ipaddress
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, TypeAlias

from safetynet.core.terms import Instant
from safetynet.edge import clock
from safetynet.edge.config import DevicePort
from safetynet.edge.devices.lines import Dialect, Line, Turn
from safetynet.edge.devices.words import Known
from safetynet.edge.intake import Intake, Stopped

DATAGRAM_BYTES_MAX: Final = 4_096
SENDERS_MAX: Final = 20_000
"""Addresses that have said which device they are: the one that was silent longest makes room."""
ANSWERS_MAX: Final = 1_000
"""Datagrams that wait for the disk."""
ANSWER_BYTES_MAX: Final = 2_048
"""To a message in as many parts as there may be."""

Address: TypeAlias = tuple[str, int]


class Datagrams(asyncio.DatagramProtocol):
    """One protocol on one port. Refusals are counted in `intake.counts` by their words."""

    def __init__(
        self,
        make: Callable[[], Dialect],
        intake: Intake,
        known: Known,
        config: DevicePort,
        now: Callable[[], Instant] = clock.now,
    ) -> None:
        self._make, self._intake, self._known, self._config, self._now = make, intake, known, config, now
        self._networks = tuple(ipaddress.ip_network(each) for each in config.networks)
        self._senders: OrderedDict[Address, Line] = OrderedDict()
        self._answers: set[asyncio.Task[None]] = set()
        self._counts = intake.counts

    async def open(self, host: str) -> int:
        """Listens from here on; returns the port."""
        running = asyncio.get_running_loop()
        self._failed: asyncio.Future[None] = running.create_future()
        address = (self._config.host or host, self._config.port)
        self._transport, _ = await running.create_datagram_endpoint(lambda: self, local_addr=address)
        return int(self._transport.get_extra_info("sockname")[1])

    async def serve(self) -> None:
        """Until cancelled. A mistake of ours in any datagram comes out of here."""
        try:
            await self._failed
        finally:
            self._transport.abort()
            for task in self._answers:
                task.cancel()

    @property
    def senders(self) -> int:
        return len(self._senders)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        try:
            self._heard(data, addr)
        except Exception as fault:
            if not self._failed.done():
                self._failed.set_exception(fault)

    def _heard(self, data: bytes, addr: Address) -> None:
        source = ipaddress.ip_address(addr[0])
        if self._networks and not any(source in each for each in self._networks):
            self._counts["foreign_network"] += 1
            return
        if len(data) > DATAGRAM_BYTES_MAX or len(self._answers) >= ANSWERS_MAX:
            self._counts["datagram_dropped"] += 1
            return
        line = self._senders.pop(addr, None) or Line(self._make(), self._known, self._intake.proved, provable=False)
        turns = [*line.feed(data, self._now()), *line.ended(self._now())]
        for reason in (reason for turn in turns for reason in turn.refused):
            self._counts[reason.value] += 1
        if line.device is None:
            return
        if not line.over:
            self._senders[addr] = line
            if len(self._senders) > SENDERS_MAX:
                self._senders.popitem(last=False)
        task = asyncio.get_running_loop().create_task(self._answer(line, turns, addr))
        self._answers.add(task)
        task.add_done_callback(self._answered)

    async def _answer(self, line: Line, turns: list[Turn], addr: Address) -> None:
        fixes = [fix for each in turns for fix in each.fixes]
        if fixes:
            try:
                await self._intake.take(fixes)
            except Stopped:
                return  # nobody may be answered any more: the program is ending
        for turn in turns:
            assert len(turn.reply) <= ANSWER_BYTES_MAX
            if turn.reply:
                self._transport.sendto(turn.reply, addr)
        if line.device is not None and not line.over:
            for wish in self._intake.asked.take(line.device):
                said = line.say(wish, self._now())
                if said:
                    self._transport.sendto(said, addr)

    def _answered(self, task: asyncio.Task[None]) -> None:
        self._answers.discard(task)
        fault = None if task.cancelled() else task.exception()
        if fault is not None and not self._failed.done():
            self._failed.set_exception(fault)
