"""The two relay programs: wiring only.

A relay is its own process beside its centre's loop, so that judging never waits for pictures and pictures end when
the loop is dead.
"""

import argparse
import asyncio
import ipaddress
from collections.abc import Callable
from pathlib import Path
from typing import Final

from safetynet.app import figures
from safetynet.core.messages import Role
from safetynet.core.terms import CentreId, DiskLevel
from safetynet.edge import config, health, keys, metrics, process
from safetynet.edge.disk import LOOK_S, Disk
from safetynet.edge.health import Lag, Report
from safetynet.edge.relay import words
from safetynet.edge.relay.centre import Centre
from safetynet.edge.relay.city import City
from safetynet.edge.relay.desk import Desk
from safetynet.edge.relay.log import Log

SOCKET: Final = "relay.sock"
LOG: Final = "relay.db"
WINDOWS_SOCKET: Final = "windows.sock"
WINDOWS_LOG: Final = "windows.db"
"""Of a city's second relay, before which its own people sit."""


def _folder(name: str) -> Path:
    parser = argparse.ArgumentParser(prog=f"safetynet {name}")
    parser.add_argument("--dir", type=Path, required=True, help="the centre's folder")
    folder: Path = parser.parse_args().dir
    return folder


async def _watch_disk(disk: Disk, room: Callable[[bool], None]) -> None:
    """A stream may not run when its log could soon not be written."""
    while True:
        room(disk.look() is DiskLevel.AMPLE)
        await asyncio.sleep(LOOK_S)


def _watched(folder: Path, centre: config.Centre, relay: City | Centre, log: Log, disk: Disk) -> None:
    """Health and metrics of a relay: how much it carries, never what or to whom."""
    lag = Lag()
    name = "city-relay" if isinstance(relay, City) else "centre-relay"

    def report() -> Report:
        wrong = figures.troubles(lag, disk, folder)
        if relay.failed_writes:
            wrong.append("log_failed")
        found = (
            *figures.machine(lag, disk, folder),
            metrics.gauge("streams_open", "Streams that run now.", relay.streams_open),
            metrics.counter("refused_total", "Openings and connections that were refused.", relay.refused),
            metrics.counter(
                "log_failures_total", "Streams that ended because they could not be recorded.", relay.failed_writes
            ),
            metrics.gauge("log_rows_waiting", "Records that the loop has not merged yet.", log.waiting_rows()),
        )
        return Report(tuple(sorted(wrong)), found)

    relay.crew.start(lag.watch())
    own_windows = centre.role is Role.CITY and isinstance(relay, Centre)
    if (port := centre.window_health_port if own_windows else centre.relay_health_port) is not None:
        relay.crew.start(health.serve(name, centre.host, port, centre.health_from, report))


def _peer(writer: asyncio.StreamWriter) -> CentreId | None:
    """The centre at the other end, by its certificate."""
    return keys.peer_id(writer.get_extra_info("ssl_object"))


async def _city(folder: Path) -> None:
    centre = config.read(folder)
    assert centre.video_port is not None, "a city's centre.json names its video_port"
    log = Log(folder / LOG)
    relay = City(log, keys.open_centre(folder).public, _peer, centre.id)
    desk = Desk(log, words.ToCityRelay, relay.take, relay.crew)
    disk = Disk(folder, centre.disk, holds=False)
    try:
        relay.crew.start(_watch_disk(disk, lambda room: relay.set_room(room=room)))
        _watched(folder, centre, relay, log, disk)
        context = keys.server_context(folder)
        port = await relay.open(centre.host, centre.video_port, context)
        relay.crew.start(keys.follow(folder, context))
        await desk.open(folder / SOCKET)
        process.ready("city-relay", centre=centre.id, port=port)
        await relay.crew.watch()
    finally:
        await desk.close()
        await relay.close()
        await log.close()


async def _centre(folder: Path) -> None:
    """At a control centre before the relays of its cities; at a city before its own relay, for its own people."""
    centre = config.read(folder)
    own = centre.role is Role.CITY
    port = centre.window_port if own else centre.video_port
    assert port is not None, "centre.json names where windows find this relay"
    assert ipaddress.ip_address(centre.host).is_loopback, "windows beyond this machine need TLS in front of the relay"
    log = Log(folder / (WINDOWS_LOG if own else LOG))
    context = keys.client_context(folder)
    relay = Centre(
        log,
        _routes(centre),
        context,
        _peer,
        [f"http://{name}:{centre.web_port}" for name in (centre.host, "localhost")],
        side="own_received" if own else "received",
    )
    desk = Desk(log, words.ToCentreRelay, relay.take, relay.crew)
    disk = Disk(folder, centre.disk, holds=False)
    try:
        relay.crew.start(_watch_disk(disk, lambda room: relay.set_room(room=room)))
        _watched(folder, centre, relay, log, disk)
        port = await relay.open(centre.host, port, None)
        if centre.phones is not None and not own:
            await _open_for_phones(relay, folder, centre.phones)
        relay.crew.start(keys.follow(folder, context))
        await desk.open(folder / (WINDOWS_SOCKET if own else SOCKET))
        process.ready("centre-relay", centre=centre.id, port=port)
        await relay.crew.watch()
    finally:
        await desk.close()
        await relay.close()
        await log.close()


async def _open_for_phones(relay: Centre, folder: Path, door: config.Phones) -> None:
    """The same relay, the same tokens and scissors: telephones only come in by another door."""
    context = keys.phones_context(folder)
    host = f"[{door.host}]" if ":" in door.host else door.host
    await relay.open(door.host, door.video_port, context, [f"https://{host}:{door.web_port}"])
    relay.crew.start(keys.follow_phones(folder, context))


def _routes(centre: config.Centre) -> dict[CentreId, tuple[str, int]]:
    if centre.role is Role.CITY:
        assert centre.video_port is not None, "a city's centre.json names its video_port"
        return {centre.id: (centre.host, centre.video_port)}
    return {
        each.id: (each.host, each.relay_port)
        for each in centre.peers
        if each.role is Role.CITY and each.relay_port is not None
    }


def city_main() -> int:
    folder = _folder("city-relay")
    return process.run(lambda: _city(folder), "city-relay")


def centre_main() -> int:
    folder = _folder("centre-relay")
    return process.run(lambda: _centre(folder), "centre-relay")
