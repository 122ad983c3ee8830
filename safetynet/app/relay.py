"""The two relay programs: wiring only.

A relay is its own process beside its centre's loop, so that judging never waits for pictures and pictures end when
the loop is dead.
"""

import argparse
import asyncio
import ipaddress
from pathlib import Path
from typing import Final

from safetynet.core.messages import Role
from safetynet.core.terms import CentreId
from safetynet.edge import config, keys, process
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


def _peer(writer: asyncio.StreamWriter) -> CentreId | None:
    """The centre at the other end, by its certificate."""
    return keys.peer_id(writer.get_extra_info("ssl_object"))


async def _city(folder: Path) -> None:
    centre = config.read(folder)
    assert centre.video_port is not None, "a city's centre.json names its video_port"
    log = Log(folder / LOG)
    relay = City(log, keys.open_centre(folder).public, _peer, centre.id)
    desk = Desk(log, words.ToCityRelay, relay.take)
    try:
        port = await relay.open(centre.host, centre.video_port, keys.server_context(folder))
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
    relay = Centre(
        log,
        _routes(centre),
        keys.client_context(folder),
        _peer,
        [f"http://{name}:{centre.web_port}" for name in (centre.host, "localhost")],
        side="own_received" if own else "received",
    )
    desk = Desk(log, words.ToCentreRelay, relay.take)
    try:
        port = await relay.open(centre.host, port, None)
        await desk.open(folder / (WINDOWS_SOCKET if own else SOCKET))
        process.ready("centre-relay", centre=centre.id, port=port)
        await relay.crew.watch()
    finally:
        await desk.close()
        await relay.close()
        await log.close()


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
    return process.run(lambda: _city(folder))


def centre_main() -> int:
    folder = _folder("centre-relay")
    return process.run(lambda: _centre(folder))
