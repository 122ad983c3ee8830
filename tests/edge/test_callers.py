"""Who opens connections and says nothing keeps nobody out."""

import asyncio
import contextlib

import ports
import pytest
from patience import PATIENCE_S

from safetynet.edge import callers, health

HOST = "127.0.0.1"
WHOLE = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
HALVES = (b"", b"GET / HTTP/1.1\r\nhost: ", b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{")


async def answer(scope, receive, send):
    while (await receive()).get("more_body"):
        continue
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture
async def port(monkeypatch):
    monkeypatch.setattr(callers, "PLACES_MAX", 6)
    monkeypatch.setattr(callers, "REQUEST_S_MAX", 1.0)
    number = ports.take()
    server = health.Server.over(answer, HOST, number)
    running = asyncio.create_task(server.serve())
    async with asyncio.timeout(PATIENCE_S):
        while not server.started:
            await asyncio.sleep(0.01)
    yield number
    server.should_exit = True
    await running


async def test_a_request_is_heard_although_many_say_nothing_and_keep_no_place(port):
    standing = [await asyncio.open_connection(HOST, port) for _ in range(12)]
    for n, (_, writer) in enumerate(standing):
        writer.write(HALVES[n % 3])
    await asyncio.sleep(0.1)
    reader, writer = await asyncio.open_connection(HOST, port)
    for _ in range(3):  # a connection that is kept and speaks may go on
        writer.write(WHOLE)
        assert (await asyncio.wait_for(reader.readuntil(b"ok"), PATIENCE_S)).startswith(b"HTTP/1.1 200")
    turned_out = 0
    for each, _ in standing[:6]:
        try:
            turned_out += await asyncio.wait_for(each.read(1), PATIENCE_S) == b""
        except ConnectionResetError:
            turned_out += 1
    assert turned_out == 6, "the oldest made room"
    for _, each in (*standing, (reader, writer)):
        each.close()


@pytest.mark.parametrize("half", HALVES)
async def test_half_a_request_is_not_waited_for_without_end(port, half):
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(half)
    with contextlib.suppress(ConnectionResetError):
        assert await asyncio.wait_for(reader.read(1), PATIENCE_S) == b""
    writer.close()
