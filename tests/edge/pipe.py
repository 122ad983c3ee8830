"""A real pipe for tests and measurements: simulated cameras, a city's relay, a centre's relay, in one loop or apart."""

import asyncio
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from patience import PATIENCE_S
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from safetynet.core.events import RelayEvent
from safetynet.core.terms import CameraId, CentreId, GrantId, IncidentId, Instant, RequestId, ViewerId
from safetynet.edge import clock
from safetynet.edge.relay import words
from safetynet.edge.relay.centre import Centre
from safetynet.edge.relay.city import City
from safetynet.edge.relay.credit import Piece
from safetynet.edge.relay.log import Log
from safetynet.sim import cameras

CITY, CONTROL, STRANGER = CentreId("garam"), CentreId("control"), CentreId("stranger")
GRANT, INCIDENT, VIEWER = GrantId("g1"), IncidentId("i1"), ViewerId("v1")
KEY = Ed25519PrivateKey.generate()
PUBLIC = KEY.public_key().public_bytes_raw()


def lease(server: cameras.Cameras, ids: list[str], **more: object) -> words.SetLease:
    """What a city says: signed unless `signature` is given."""
    named = tuple(CameraId(each) for each in ids)
    made = words.SetLease(
        grant=GRANT,
        receiver=CONTROL,
        cameras=named,
        lease_ms=10_000,
        issued_ms=clock.monotonic(),
        urls={each: f"rtsp://u:p@127.0.0.1:{server.port}/{each}" for each in named},
    )
    signature = more.pop("signature", None)
    made = msgspec.structs.replace(made, **more)
    signed = KEY.sign(words.lease_part(made)) if signature is None else signature
    return msgspec.structs.replace(made, signature=signed)


def admit(token: str, ids: list[str], **more: object) -> words.Admit:
    made = words.Admit(
        token_sha256=hashlib.sha256(token.encode()).digest(),
        viewer=VIEWER,
        incident=INCIDENT,
        grant=GRANT,
        city=CITY,
        cameras=tuple(CameraId(each) for each in ids),
        until_ms=Instant(clock.now() + 60_000),
    )
    return msgspec.structs.replace(made, **more)


@dataclass
class Pipe:
    """Everything from the lens to the window's port. `caller` is who the city thinks is calling."""

    folder: Path
    caller: CentreId = CONTROL
    server: cameras.Cameras = field(init=False)
    city: City = field(init=False)
    centre: Centre = field(init=False)
    city_log: Log = field(init=False)
    centre_log: Log = field(init=False)
    port: int = 0

    async def open(
        self, scenes: dict[str, object], habits: dict[str, cameras.Habits] | None = None, port: int = 0
    ) -> None:
        named = {CameraId(id): scene for id, scene in scenes.items()}
        self.server = await cameras.serve(named, "127.0.0.1", 0, {CameraId(k): v for k, v in (habits or {}).items()})
        self.city_log, self.centre_log = Log(self.folder / "city.db"), Log(self.folder / "centre.db")
        self.city = City(self.city_log, PUBLIC, lambda _: self.caller)
        relay_port = await self.city.open("127.0.0.1", 0, None)
        self.centre = Centre(self.centre_log, {CITY: ("127.0.0.1", relay_port)}, None, lambda _: CITY, [])
        self.port = await self.centre.open("127.0.0.1", port, None)

    async def preconnect(self, ids: list[str]) -> None:
        urls = {CameraId(each): f"rtsp://u:p@127.0.0.1:{self.server.port}/{each}" for each in ids}
        await self.city.take(words.Preconnect(request=RequestId("r1"), cameras=tuple(urls), for_ms=60_000, urls=urls))

    async def lease(self, ids: list[str], **more: object) -> None:
        await self.city.take(lease(self.server, ids, **more))

    async def admit(self, token: str, ids: list[str], **more: object) -> None:
        await self.centre.take(admit(token, ids, **more))

    async def close(self) -> None:
        await self.centre.close()
        await self.city.close()
        await self.server.close()
        await self.city_log.close()
        await self.centre_log.close()


class Page:
    """A window as a program: acknowledges like the player, unless it is told not to."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket, self.texts, self.fragments = socket, list[dict[str, Any]](), dict[int, list[bytes]]()
        self.acknowledge = True
        self.task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            async for message in self.socket:
                if isinstance(message, str):
                    self.texts.append(json.loads(message))
                elif message[6:10] == b"prft":
                    self.fragments.setdefault(int.from_bytes(message[:2], "big"), []).append(message[2:])
                    if self.acknowledge:
                        await self.socket.send(message[:2] + b"\0\1")
        except ConnectionClosed:
            return

    async def say(self, **what: object) -> None:
        await self.socket.send(json.dumps(what))

    async def watch(self, tile: int, camera: str, grant: str = GRANT) -> None:
        await self.say(op="open", tile=tile, grant=grant, camera=camera)

    def count(self, tile: int = 1) -> int:
        return len(self.fragments.get(tile, []))

    def said(self, **what: object) -> bool:
        return any(all(text.get(k) == v for k, v in what.items()) for text in self.texts)

    async def until(self, truth: Callable[[], object], seconds: float = PATIENCE_S) -> None:
        await until(truth, seconds)


async def start(pipe: Pipe, ids: tuple[str, ...] = ("a",), **more: Any) -> None:
    await pipe.open({each: cameras.TestCard() for each in ids}, **more)
    await pipe.lease(list(ids))
    await pipe.admit("token", list(ids))


async def until(truth: Callable[[], object], seconds: float = PATIENCE_S) -> None:
    async with asyncio.timeout(seconds):
        while not truth():
            await asyncio.sleep(0.01)


def cached(pipe: Pipe, camera: str) -> list[Piece]:
    """What the city's relay holds of a camera since its last key frame."""
    stream = pipe.city._streams.get(CameraId(camera))
    return stream.cache if stream is not None else []


def records(log: Log, kind: type[RelayEvent]) -> list[Any]:
    return [each for each in log.pending(10_000)[1] if isinstance(each, kind)]
