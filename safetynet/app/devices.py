"""Which device protocols a control centre speaks, and what it asks of its devices.

`centre.json` names the ports; without a name nothing listens. A wearer about whom an incident is open is asked for a
position at once and then in the quick rhythm, afterwards for the quiet one again: where the protocol has words for it.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Final

from safetynet.core.terms import DeviceId, WearerId
from safetynet.edge import config, health, keys
from safetynet.edge.broker import Subscriber
from safetynet.edge.config import Centre, DevicePort, HttpPort
from safetynet.edge.datagrams import Datagrams
from safetynet.edge.devices.gt06 import Gt06
from safetynet.edge.devices.h02 import H02
from safetynet.edge.devices.jt808 import ZONE_MIN, Jt808
from safetynet.edge.devices.lines import Dialect, Locate, Rhythm
from safetynet.edge.devices.teltonika import Teltonika, TeltonikaDatagram
from safetynet.edge.devices.words import Registered
from safetynet.edge.direct import Direct
from safetynet.edge.intake import Intake
from safetynet.edge.ports import Port

QUIET_S: Final = 60
QUICK_S: Final = 10


class Doors:
    """The listeners beside the web port, over one intake."""

    def __init__(self, folder: Path, centre: Centre, intake: Intake, known: Mapping[DeviceId, Registered]) -> None:
        self._centre, self._intake, self._known = centre, intake, known
        self._quick: frozenset[WearerId] = frozenset()
        self.open = asyncio.Event()
        """When all ports listen: before it the program is not ready."""
        addresses = config.read_addresses(folder)
        found: list[tuple[str, DevicePort | None, Callable[[], Dialect]]] = [
            ("gt06", centre.devices.gt06, lambda: Gt06(_zone(centre.devices.gt06, 0))),
            ("teltonika", centre.devices.teltonika, Teltonika),
            ("h02", centre.devices.h02, lambda: H02(_zone(centre.devices.h02, 0))),
            ("jt808", centre.devices.jt808, lambda: Jt808(_zone(centre.devices.jt808, ZONE_MIN))),
        ]
        broker = centre.devices.owntracks
        self.broker = None if broker is None else Subscriber(folder, centre.id, broker, intake, known.get)
        self.ports = {
            name: Port(
                make,
                intake,
                known.get,
                each,
                addresses=addresses,
                tls=keys.device_context(folder) if each.tls else None,
            )
            for name, each, make in found
            if each is not None
        }
        direct = centre.devices.direct
        self.direct = None if direct is None else Direct(intake, direct)
        self.datagrams = {
            name: Datagrams(TeltonikaDatagram if make is Teltonika else make, intake, known.get, each)
            for name, each, make in found
            if each is not None and each.udp
        }

    async def run(self) -> None:
        """Until cancelled; at once where no port is configured."""
        listeners: list[Port | Datagrams | Direct] = [*self.ports.values(), *self.datagrams.values()]
        listeners += [] if self.direct is None else [self.direct]
        for each in listeners:
            await each.open(self._centre.host)
        self.open.set()
        async with asyncio.TaskGroup() as tasks:
            for each in listeners:
                tasks.create_task(each.serve())
            if self.broker is not None:
                tasks.create_task(self.broker.run())
            if (http := self._centre.devices.osmand) is not None:
                tasks.create_task(self._http(http))

    async def _http(self, at: HttpPort) -> None:
        """Clients of this protocol ask for `?id=…` without a path: one of the two parsers takes that."""
        host = at.host or self._centre.host
        server = health.Server.over(
            self._intake, host, at.port, http="h11", ws="none", limit_concurrency=at.connections_max
        )
        try:
            await server.serve()
        finally:
            server.close()

    @property
    def broker_up(self) -> bool | None:
        """None without one."""
        return None if self.broker is None else self.broker.up

    def connections(self) -> dict[str, int]:
        if self.direct is not None:
            return self._connections() | {"direct": self.direct.connections}
        return self._connections()

    def _connections(self) -> dict[str, int]:
        senders = {f"{name}_udp": each.senders for name, each in self.datagrams.items()}
        return {name: each.connections for name, each in self.ports.items()} | senders

    def follow(self, wanted: Collection[WearerId]) -> None:
        """These are to report quickly, all others quietly. Only what changes is said."""
        quick = frozenset(wanted)
        if quick == self._quick:
            return
        for device in self._of(quick - self._quick):
            self._intake.asked.ask(device, Rhythm(QUICK_S))
            self._intake.asked.ask(device, Locate())
        for device in self._of(self._quick - quick):
            self._intake.asked.ask(device, Rhythm(QUIET_S))
        self._quick = quick

    def locate(self, wearer: WearerId) -> None:
        """Asks the devices of this wearer where they are, at once or with their next word."""
        for device in self._of((wearer,)):
            self._intake.asked.ask(device, Locate())

    def hearing(self) -> frozenset[WearerId]:
        """Wearers of whom a device takes commands."""
        bound = (self._known.get(device) for device in self._intake.asked.hearing)
        return frozenset(whose.wearer for whose in bound if whose is not None and not whose.protected)

    def _of(self, wearers: Collection[WearerId]) -> list[DeviceId]:
        """As they are bound now."""
        bound = self._known.items() if wearers else ()
        return sorted(device for device, whose in bound if not whose.protected and whose.wearer in wearers)


def _zone(at: DevicePort | None, usual_min: int) -> int:
    return usual_min if at is None or at.zone_min is None else at.zone_min
