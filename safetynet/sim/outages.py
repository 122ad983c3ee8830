"""What fails in the demo for real: a road between two organisations is cut, a program is killed.

The control centre reaches each city only through these roads. A road that is cut is a cable in the ground: connections
stay open and nothing arrives, in neither direction, until it is mended; what was on the way then goes on. Nobody is told.
A program is killed as by the kernel, by the number its launcher wrote down; the launcher starts it again.

`safetynet outages --dir D` reads `D/outages.json` and does what is said at its door, a unix socket in D: JSON lines
`{"cut": [road, ...]}` (all others are whole) and `{"kill": program}`, each answered by `{"ok": true|false}`.
"""

import argparse
import asyncio
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from safetynet.core.terms import CentreId
from safetynet.edge import log, process
from safetynet.edge.codec import NONSENSE

HOST: Final = "127.0.0.1"
FILE: Final = "outages.json"
DOOR: Final = "door.sock"
PIECE_BYTES_MAX: Final = 65_536
CONNECTIONS_MAX: Final = 64
"""Through one road at once: a link, a video line, and what was begun anew while it was cut."""
CONNECT_S_MAX: Final = 3.0
LINE_BYTES_MAX: Final = 4_096
ANSWER_S_MAX: Final = 5.0


class Way(msgspec.Struct, frozen=True):
    """What comes to `listen` goes to `to`. A road has several: the link, and the pictures."""

    road: CentreId
    listen: int
    to: int


class Settings(msgspec.Struct, frozen=True):
    ways: tuple[Way, ...]
    pids: str
    """Folder in which the launcher writes down the numbers of its programs."""


class Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    cut: tuple[CentreId, ...] | None = None
    kill: str | None = None


class Roads:
    """All roads; each is open or cut. Used from one event loop."""

    def __init__(self, ways: Sequence[Way]) -> None:
        self._ways = ways
        self._open = {each.road: asyncio.Event() for each in ways}
        self._through: dict[CentreId, int] = dict.fromkeys(self._open, 0)
        self._running: set[asyncio.Task[None]] = set()
        for each in self._open.values():
            each.set()

    def cut(self, roads: Sequence[CentreId]) -> bool:
        """These are cut from now on and all others whole. False, and nothing is done, when there is no such road."""
        if not set(roads) <= self._open.keys():
            return False
        for road, is_open in self._open.items():
            changed = is_open.is_set() == (road in roads)
            is_open.clear() if road in roads else is_open.set()
            if changed:
                log.say("road_cut" if road in roads else "road_mended", partner=road)
        return True

    async def serve(self) -> None:
        """Until cancelled; then no connection is left."""
        servers = [await self._listen(each) for each in self._ways]
        try:
            await asyncio.gather(*(each.serve_forever() for each in servers))
        finally:
            for each in servers:
                each.close()
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)

    async def _listen(self, way: Way) -> asyncio.Server:
        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if self._through[way.road] >= CONNECTIONS_MAX:
                writer.transport.abort()
                return
            self._through[way.road] += 1
            task = asyncio.get_running_loop().create_task(self._carry(way, reader, writer))
            self._running.add(task)
            task.add_done_callback(over)

        def over(task: asyncio.Task[None]) -> None:
            self._running.discard(task)
            self._through[way.road] -= 1

        return await asyncio.start_server(accept, HOST, way.listen, limit=PIECE_BYTES_MAX)

    async def _carry(self, way: Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection from its beginning to its end. Neither side hears of the other's end while the road is cut."""
        try:
            await self._open[way.road].wait()
            async with asyncio.timeout(CONNECT_S_MAX):
                far, onward = await asyncio.open_connection(HOST, way.to, limit=PIECE_BYTES_MAX)
        except OSError:  # nobody lives there now: whoever called sees the connection end, as from the partner itself
            writer.close()
            return
        except asyncio.CancelledError:
            writer.close()
            raise
        pumps = [
            asyncio.ensure_future(self._pump(way.road, reader, onward)),
            asyncio.ensure_future(self._pump(way.road, far, writer)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            onward.close()
            writer.close()
            for each in pumps:
                each.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _pump(self, road: CentreId, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        is_open = self._open[road]
        with suppress(OSError):  # either end broke off; the other learns it by the end of this connection
            while piece := await reader.read(PIECE_BYTES_MAX):
                await is_open.wait()
                writer.write(piece)
                await writer.drain()
        await is_open.wait()


def kill(pids: Path, program: str) -> bool:
    """As by the kernel: no last word, nothing put in order. False when no such program runs."""
    if not program.replace("-", "").isalnum():
        return False
    try:
        os.kill(int((pids / f"{program}.pid").read_text("ascii")), signal.SIGKILL)
    except (FileNotFoundError, ProcessLookupError):
        return False
    log.say("killed", program=program)
    return True


class Door:
    """What may fail, said by whoever plays the story."""

    def __init__(self, folder: Path, roads: Roads, pids: Path) -> None:
        self._path, self._roads, self._pids = folder / DOOR, roads, pids

    async def serve(self) -> None:
        self._path.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(self._hear, self._path, limit=LINE_BYTES_MAX)
        self._path.chmod(0o600)
        async with server:
            await server.serve_forever()

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(msgspec.json.encode({"ok": self._do(line)}) + b"\n")
                await writer.drain()
        except (OSError, ValueError, *NONSENSE):
            log.say("door_refused", log.Level.WARN)
        finally:
            writer.close()

    def _do(self, line: bytes) -> bool:
        """Raises one of NONSENSE for what is no word of ours."""
        said = msgspec.json.decode(line, type=Said)
        if said.kill is not None:
            return kill(self._pids, said.kill)
        return said.cut is not None and self._roads.cut(said.cut)


async def tell(door: Path, **said: object) -> bool:
    """Says one thing at the door of outages. Raises OSError when nobody is there."""
    async with asyncio.timeout(ANSWER_S_MAX):
        reader, writer = await asyncio.open_unix_connection(door)
        try:
            writer.write(msgspec.json.encode(said) + b"\n")
            answer = await reader.readline()
        finally:
            writer.close()
    return bool(answer) and msgspec.json.decode(answer, type=dict[str, bool]).get("ok", False)


async def _run(folder: Path) -> None:
    settings = msgspec.json.decode((folder / FILE).read_bytes(), type=Settings)
    roads = Roads(settings.ways)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(roads.serve())
        tasks.create_task(Door(folder, roads, Path(settings.pids)).serve())


def main() -> int:
    parser = argparse.ArgumentParser(prog="safetynet outages", description="What fails in the demo: roads, programs.")
    parser.add_argument("--dir", type=Path, required=True, metavar="D", help=f"folder with {FILE}")
    folder: Path = parser.parse_args().dir
    return process.run(lambda: _run(folder), "outages")
