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
    if (port := centre.relay_health_port) is not None:
        relay.crew.start(health.serve(name, centre.host, port, centre.health_from, report))


def _peer(writer: asyncio.StreamWriter) -> CentreId | None:
    """The centre at the other end, by its certificate."""
    return keys.peer_id(writer.get_extra_info("ssl_object"))


async def _city(folder: Path) -> None:
    centre = config.read(folder)
    assert centre.video_port is not None, "a city's centre.json names its video_port"
    log = Log(folder / LOG)
    relay = City(log, keys.open_centre(folder).public, _peer)
    desk = Desk(log, words.ToCityRelay, relay.take)
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
    centre = config.read(folder)
    assert centre.video_port is not None, "a control centre's centre.json names its video_port"
    assert ipaddress.ip_address(centre.host).is_loopback, "windows beyond this machine need TLS in front of the relay"
    cities = [each for each in centre.peers if each.role is Role.CITY and each.relay_port is not None]
    routes = {each.id: (each.host, each.relay_port or 0) for each in cities}
    origins = [f"http://{name}:{centre.web_port}" for name in (centre.host, "localhost")]
    log = Log(folder / LOG)
    context = keys.client_context(folder)
    relay = Centre(log, routes, context, _peer, origins)
    desk = Desk(log, words.ToCentreRelay, relay.take)
    disk = Disk(folder, centre.disk, holds=False)
    try:
        relay.crew.start(_watch_disk(disk, lambda room: relay.set_room(room=room)))
        _watched(folder, centre, relay, log, disk)
        port = await relay.open(centre.host, centre.video_port, None)
        relay.crew.start(keys.follow(folder, context))
        await desk.open(folder / SOCKET)
        process.ready("centre-relay", centre=centre.id, port=port)
        await relay.crew.watch()
    finally:
        await desk.close()
        await relay.close()
        await log.close()


def city_main() -> int:
    folder = _folder("city-relay")
    return process.run(lambda: _city(folder), "city-relay")


def centre_main() -> int:
    folder = _folder("centre-relay")
    return process.run(lambda: _centre(folder), "centre-relay")
