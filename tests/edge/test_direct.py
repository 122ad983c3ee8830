"""HTTP spoken directly: the same answers as at the web port, one request at a time, and what ends a connection."""

import asyncio
import contextlib
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from test_intake import KEY, KNOWN, NOW, Keys, query

from safetynet.edge import direct, journal
from safetynet.edge.config import HttpPort
from safetynet.edge.direct import Direct
from safetynet.edge.intake import Intake
from safetynet.edge.journal import Journal

ROW = f'{{"id":"d1","key":"{KEY}","lat":36.35,"lon":127.38,"timestamp":{NOW - 5000},"accuracy":9}}'


@pytest.fixture
def log(tmp_path):
    with Journal(tmp_path / "journal", Keys(), segment_records=64) as log:
        yield log


@pytest.fixture
def app(log):
    return Intake(log, KNOWN.get, lambda _: None, now=lambda: NOW, waiting_fixes_max=3)


@asynccontextmanager
async def served(app, connections_max=100, **more):
    door = Direct(app, HttpPort(port=0, connections_max=connections_max), **more)
    port = await door.open("127.0.0.1")
    task = asyncio.create_task(door.serve())
    try:
        yield port, door
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def wire(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


def request(target, body=None, method=None, *headers):
    lines = [f"{method or ('GET' if body is None else 'POST')} {target} HTTP/1.1", "Host: x", *headers]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + (body or "").encode()


async def answer(reader):
    head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)).decode()
    fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in head.split("\r\n")[1:])}
    return int(head.split()[1]), fields, await reader.readexactly(int(fields["content-length"]))


async def test_one_connection_many_requests_in_their_order(app, log):
    async with served(app) as (port, door), wire(port) as (reader, writer):
        for data, status in [
            (request(f"/device?{query(1)}"), 200),
            (request("/device", query(2), None, "Content-Type: application/x-www-form-urlencoded"), 200),
            (request(f"/device?{query(3, key='')}", None, None, f"X-Device-Key: {KEY}"), 200),
            (request(f"/device?{query(1, key='wrong')}"), 401),
            (request("/device/batch", f"[{ROW},{ROW},{ROW},{ROW}]"), 200),
            (request("/device/batch", "[]"), 400),
            (request(f"/device?{query(4)}", "", "PUT"), 405),
            (request(f"/device?{query(4, x='y' * 5_000)}"), 414),
            (request(f"/device?{query(4)}"), 200),
        ]:
            writer.write(data)
            got, fields, body = await answer(reader)
            assert got == status, (data[:60], body)
            assert ("problem" in fields.get("content-type", "")) == (status != 200)
        assert door.connections == 1
    assert [fix.device for fix in log.replay()] == ["d1", "d2", "d3", *["d1"] * 4, "d4"]
    assert app.counts["taken"] == 8


async def test_a_request_may_come_in_any_pieces(app, log):
    data = request("/device", query(1), None, "Content-Type: application/x-www-form-urlencoded")
    async with served(app) as (port, _), wire(port) as (reader, writer):
        for n in range(0, len(data), 7):
            writer.write(data[n : n + 7])
            await writer.drain()
            await asyncio.sleep(0)
        assert (await answer(reader))[0] == 200
        writer.write(b"POST /device/batch HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n[\r\n")
        await asyncio.sleep(0.02)
        writer.write(f"{len(ROW):x}\r\n{ROW}\r\n1\r\n]\r\n0\r\n\r\n".encode())
        assert (await answer(reader))[0] == 200
    assert log.newest == 2


async def test_two_requests_in_one_piece_are_none(app, log):
    async with served(app) as (port, _), wire(port) as (reader, writer):
        writer.write(request(f"/device?{query(1)}") * 2)
        assert (await answer(reader))[0] == 400
        assert await reader.read() == b""
    assert log.newest == 0


async def test_what_comes_while_a_request_is_in_hand_is_read_after_its_answer(app, log, monkeypatch):
    flush, slow = app.offer, asyncio.get_running_loop().create_future()
    monkeypatch.setattr(app, "offer", lambda _: slow)
    async with served(app) as (port, door), wire(port) as (reader, writer):
        writer.write(request("/device/batch", f"[{ROW}]"))
        async with asyncio.timeout(5):
            while not any(each._doing for each in door.open_):
                await asyncio.sleep(0.01)
        writer.write(request(f"/device?{query(2)}"))
        await asyncio.sleep(0.05)
        assert log.newest == 0
        monkeypatch.setattr(app, "offer", flush)
        slow.set_result(None)
        assert [(await answer(reader))[0] for _ in range(2)] == [200, 200]
    assert log.newest == 1


@pytest.mark.parametrize(
    "data",
    [
        b"hello\r\n\r\n",
        b"GET /device HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST /device HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /device?id=%ff HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        b"GET /" + b"x" * 40_000,
        request("/device", "x" * 40_000),
        request("/device/batch", "x" * 300_000),
    ],
)
async def test_nonsense_ends_its_connection_and_takes_nothing(app, log, data):
    async with served(app) as (port, door):
        async with wire(port) as (reader, writer):
            writer.write(data)
            with contextlib.suppress(ConnectionError):
                head = await asyncio.wait_for(reader.read(), 5)
                assert head.startswith((b"HTTP/1.1 400", b"HTTP/1.1 413"))
        async with wire(port) as (reader, writer):
            writer.write(request(f"/device?{query(1)}"))
            assert (await answer(reader))[0] == 200, "and the door still stands"
        assert door.connections <= 1
    assert log.newest == 1


async def test_half_a_request_is_nothing_and_who_is_slow_goes(app, log):
    async with served(app, slow_s=0.1, look_s=0.05) as (port, _):
        async with wire(port) as (_, writer):
            writer.write(request("/device", query(1), None)[:-30])
            await writer.drain()
        async with wire(port) as (reader, writer):
            writer.write(b"POST /device HTTP/1.1\r\n")
            assert await asyncio.wait_for(reader.read(), 5) == b""
    assert log.newest == 0
    assert app.counts["hung_up"] >= 1
    assert app.counts["line_silent"] == 1


async def test_nothing_is_answered_before_the_disk_has_it(app, log, monkeypatch):
    def broken(_fd):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(journal.os, "fdatasync", broken)
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    app._stop = lambda _: None
    async with served(app) as (port, _), wire(port) as (reader, writer):
        writer.write(request("/device/batch", f"[{ROW}]"))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.3)


async def test_over_its_connections_a_door_is_shut(app):
    async with served(app, connections_max=1) as (port, _), wire(port) as (reader, writer):
        writer.write(request(f"/device?{query(1)}"))
        assert (await answer(reader))[0] == 200
        async with wire(port) as (other, _):
            with contextlib.suppress(ConnectionError):
                assert await asyncio.wait_for(other.read(), 5) == b""
        assert app.counts["too_many_connections"] == 1


async def test_what_it_must_not_forget_comes_out(app, monkeypatch):
    def mistaken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(app, "hear", mistaken)
    door = Direct(app, HttpPort(port=0))
    port = await door.open("127.0.0.1")
    task = asyncio.create_task(door.serve())
    async with wire(port) as (_, writer):
        writer.write(request(f"/device?{query(1)}"))
        with pytest.raises(ZeroDivisionError):
            await asyncio.wait_for(task, direct.LOOK_S)
