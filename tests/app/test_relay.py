"""The two relay programs as they are started: own processes, own event loop, mutual TLS, words over the socket."""

import asyncio
import hashlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import ports
import pytest
from patience import PATIENCE_S
from websockets.asyncio.client import connect

from safetynet.core.events import RelayEvent, Segment
from safetynet.core.messages import Role
from safetynet.core.terms import CameraId, CentreId, GrantId, IncidentId, Instant, ViewerId
from safetynet.edge import clock, config, keys
from safetynet.edge.relay import words
from safetynet.sim import cameras

CONTROL, CITY, GRANT, CAMERA = CentreId("control"), CentreId("garam"), GrantId("g"), CameraId("a")


@dataclass
class Programs:
    folder: Path
    window_port: int
    city: asyncio.subprocess.Process
    centre: asyncio.subprocess.Process


async def start(name: str, folder: Path) -> asyncio.subprocess.Process:
    command = (sys.executable, "-m", "safetynet", name, "--dir", str(folder))
    root = Path(__file__).parents[2]
    made = await asyncio.create_subprocess_exec(*command, cwd=root, stdout=asyncio.subprocess.PIPE, env={**os.environ})
    assert made.stdout is not None
    async with asyncio.timeout(PATIENCE_S):
        assert json.loads(await made.stdout.readline())["ready"] == name
    return made


@pytest.fixture
async def programs(tmp_path: Path) -> AsyncIterator[Programs]:
    ca, relay_port, window_port = keys.make_ca(tmp_path), ports.take(), ports.take()
    peer = config.Peer(id=CITY, name="", role=Role.CITY, host="127.0.0.1", link_port=1, relay_port=relay_port)
    shared = {"name": "", "host": "127.0.0.1", "link_port": 1}
    made = config.Centre(id=CONTROL, role=Role.CONTROL, web_port=1, video_port=window_port, peers=(peer,), **shared)
    config.write(tmp_path / CONTROL, made)
    config.write(tmp_path / CITY, config.Centre(id=CITY, role=Role.CITY, video_port=relay_port, **shared))
    for each in (CONTROL, CITY):
        keys.issue(ca, tmp_path / each, each, ["127.0.0.1"])
        keys.open_centre(tmp_path / each)
    city, centre = await start("city-relay", tmp_path / CITY), await start("centre-relay", tmp_path / CONTROL)
    yield Programs(tmp_path, window_port, city, centre)
    for program in (city, centre):
        if program.returncode is None:
            program.kill()
        await program.wait()


async def test_a_picture_crosses_and_both_end_when_told(programs: Programs) -> None:
    server = await cameras.serve({CAMERA: cameras.TestCard()}, "127.0.0.1", 0)
    lease = words.SetLease(
        grant=GRANT,
        receiver=CONTROL,
        cameras=(CAMERA,),
        lease_ms=10_000,
        issued_ms=clock.monotonic(),
        urls={CAMERA: f"rtsp://127.0.0.1:{server.port}/a"},
    )
    signature = keys.open_centre(programs.folder / CITY).sign(words.lease_part(lease))
    admit = words.Admit(
        token_sha256=hashlib.sha256(b"token").digest(),
        viewer=ViewerId("v"),
        incident=IncidentId("i"),
        grant=GRANT,
        city=CITY,
        cameras=(CAMERA,),
        until_ms=Instant(clock.now() + 60_000),
    )
    city_reader, to_city = await asyncio.open_unix_connection(programs.folder / CITY / "relay.sock")
    centre_reader, to_centre = await asyncio.open_unix_connection(programs.folder / CONTROL / "relay.sock")
    to_city.write(words.encode(msgspec.structs.replace(lease, signature=signature)))
    to_centre.write(words.encode(admit))
    window = await connect(f"ws://127.0.0.1:{programs.window_port}/video", max_size=None, origin="http://127.0.0.1:1")  # type: ignore[arg-type]
    async with asyncio.timeout(PATIENCE_S):
        while True:  # until the loop's word has reached the relay: its own road is another one
            await window.send('{"op":"hello","token":"token"}')
            if "admitted" in str(await window.recv()):
                break
            await asyncio.sleep(0.1)
    await window.send('{"op":"open","tile":1,"grant":"g","camera":"a"}')
    async with asyncio.timeout(PATIENCE_S):
        for _ in range(40):
            message = await window.recv()
            if isinstance(message, bytes) and message[6:10] == b"prft":
                await window.send(message[:2] + b"\0\1")
    given, received = [await _segment(*each) for each in ((city_reader, to_city), (centre_reader, to_centre))]
    assert given.sha256 == received.sha256
    assert (given.side, received.side) == ("given", "received")
    for program in (programs.centre, programs.city):  # with the window open and pictures on the road
        program.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE_S):
            assert await program.wait() == 0
    for writer in (to_city, to_centre):
        writer.close()
    await window.close()
    await server.close()


async def _segment(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Segment:
    """Reads on like a loop until the first segment was recorded."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            recorded = msgspec.msgpack.decode(await words.read(reader), type=words.Recorded)
            events: tuple[RelayEvent, ...] = recorded.events
            for event in events:
                if isinstance(event, Segment):
                    return event
            writer.write(words.encode(words.Merged(upto_row=recorded.upto_row)))


async def test_a_window_that_never_answers_does_not_hold_the_program_up(programs: Programs) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", programs.window_port)
    head = (
        "GET /video HTTP/1.1\r\nHost: x\r\nOrigin: http://127.0.0.1:1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    )
    writer.write((head + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n").encode())
    assert b" 101 " in await reader.readline()
    programs.centre.send_signal(signal.SIGTERM)
    async with asyncio.timeout(PATIENCE_S):
        assert await programs.centre.wait() == 0
    writer.close()
