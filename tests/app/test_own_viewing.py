"""A city's own people at its own windows: another relay beside the city, another lease, the same end, its own record."""

import asyncio
import hashlib
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from patience import PATIENCE_S
from websockets.asyncio.client import connect

sys.path.insert(0, str(Path(__file__).parent))
import ports
from test_relay import CAMERA, CITY, CONTROL, GRANT, start

from safetynet.core import grants
from safetynet.core.events import RelayEvent, Segment, StreamClosed, StreamOpened
from safetynet.core.messages import Role
from safetynet.core.terms import GrantId, IncidentId, Instant, ViewerId, Why
from safetynet.edge import clock, config, keys
from safetynet.edge.relay import words
from safetynet.sim import cameras

OWN = grants.own(GRANT)


@pytest.fixture
async def city(tmp_path: Path) -> AsyncIterator[config.Centre]:
    ca = keys.make_ca(tmp_path)
    made = config.Centre(
        id=CITY, name="", role=Role.CITY, host="127.0.0.1", link_port=1, web_port=1, video_port=ports.take(),
        window_port=ports.take(),
    )  # fmt: skip
    config.write(tmp_path / CITY, made)
    keys.issue(ca, tmp_path / CITY, CITY, ["127.0.0.1"])
    keys.open_centre(tmp_path / CITY)
    programs = [await start("city-relay", tmp_path / CITY), await start("centre-relay", tmp_path / CITY)]
    yield made
    for program in programs:
        program.kill()
        await program.wait()


def lease(folder: Path, grant: GrantId, receiver: str, port: int) -> bytes:
    made = words.SetLease(
        grant=grant, receiver=receiver, cameras=(CAMERA,), lease_ms=10_000, issued_ms=clock.monotonic(),
        urls={CAMERA: f"rtsp://127.0.0.1:{port}/a"},
    )  # fmt: skip
    signature = keys.open_centre(folder / CITY).sign(words.lease_part(made))
    return words.encode(msgspec.structs.replace(made, signature=signature))


def admit(token: bytes, grant: GrantId) -> bytes:
    return words.encode(
        words.Admit(
            token_sha256=hashlib.sha256(token).digest(), viewer=ViewerId("v"), incident=IncidentId("i"), grant=grant, city=CITY,
            cameras=(CAMERA,), until_ms=Instant(clock.now() + 60_000),
        )
    )  # fmt: skip


async def recorded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, until: type[RelayEvent]) -> list[RelayEvent]:  # fmt: skip
    found: list[RelayEvent] = []
    async with asyncio.timeout(PATIENCE_S):
        while not any(isinstance(each, until) for each in found):
            said = msgspec.msgpack.decode(await words.read(reader), type=words.Recorded)
            found += said.events
            writer.write(words.encode(words.Merged(upto_row=said.upto_row)))
    return found


async def test_own_people_see_by_a_lease_of_their_own_and_are_cut_with_it(city: config.Centre, tmp_path: Path) -> None:
    server = await cameras.serve({CAMERA: cameras.TestCard()}, "127.0.0.1", 0)
    relay_reader, relay = await asyncio.open_unix_connection(tmp_path / CITY / "relay.sock")
    window_reader, windows = await asyncio.open_unix_connection(tmp_path / CITY / "windows.sock")
    relay.write(lease(tmp_path, OWN, CITY, server.port) + lease(tmp_path, GRANT, CONTROL, server.port))
    windows.write(admit(b"token", OWN) + admit(b"other", GRANT))
    await asyncio.sleep(0.3)
    window = await connect(f"ws://127.0.0.1:{city.window_port}/video", max_size=None, origin="http://127.0.0.1:1")  # type: ignore[arg-type]
    for token in ("token", "other"):
        await window.send(json.dumps({"op": "hello", "token": token}))
    for tile, grant in ((1, OWN), (2, GRANT)):
        await window.send(json.dumps({"op": "open", "tile": tile, "grant": grant, "camera": CAMERA}))
    pictures, ended, cut_at, seen = 0, None, 0.0, set()
    async with asyncio.timeout(PATIENCE_S):
        while ended is None:
            message = await window.recv()
            if isinstance(message, bytes):
                seen.add(int.from_bytes(message[:2], "big"))
                pictures += message[6:10] == b"prft"
                await window.send(message[:2] + b"\0\1")
                if pictures == 60:
                    relay.write(words.encode(words.EndGrant(grant=OWN, why=Why.STOPPED)))
                    windows.write(words.encode(words.CutGrant(grant=OWN, why=Why.STOPPED)))
                    cut_at = asyncio.get_running_loop().time()
            elif json.loads(message).get("state") == "ended" and json.loads(message).get("tile") == 1:
                ended = json.loads(message)
    assert (ended["why"], seen) == ("stopped", {1}), "what was granted to another centre is not shown here"
    assert asyncio.get_running_loop().time() - cut_at < 2.0
    left = await recorded(relay_reader, relay, StreamClosed)
    came = await recorded(window_reader, windows, StreamClosed)
    came += await recorded(window_reader, windows, StreamClosed) if not any(isinstance(e, StreamClosed) and e.side == "own_received" for e in came) else []  # fmt: skip
    assert {each.side for each in left if isinstance(each, StreamOpened | Segment)} == {"own"}
    assert {each.side for each in came if isinstance(each, StreamOpened | Segment)} == {"own_received", "viewed"}
    hashes = [{(e.seq, e.sha256) for e in side if isinstance(e, Segment)} for side in (left, came)]
    assert hashes[0]
    assert hashes[1] <= hashes[0]
    await window.close()
    for writer in (relay, windows):
        writer.close()
    await server.close()
