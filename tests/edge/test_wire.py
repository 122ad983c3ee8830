"""The loop's side of the unix socket: greets at each meeting, hands records on, waits for nobody."""

import asyncio
from contextlib import asynccontextmanager

import msgspec
import pytest
from patience import PATIENCE_S

from safetynet.core.events import CameraPreconnected
from safetynet.core.terms import Why
from safetynet.edge.relay import wire, words
from safetynet.edge.relay.wire import Wire

CUT = words.CutIncident(incident="I1", why=Why.STOPPED)
RECORDED = words.Recorded(upto_row=1, events=(CameraPreconnected(at=1, request="R1", camera="c1"),))


class Relay:
    def __init__(self, path):
        self.path, self.heard, self.met = path, [], 0

    async def open(self):
        self.path.unlink(missing_ok=True)
        self.server = await asyncio.start_unix_server(self._serve, self.path)

    async def _serve(self, reader, writer):
        self.met += 1
        self.writer = writer
        decoder = msgspec.msgpack.Decoder(words.ToCentreRelay)
        try:
            while True:
                self.heard.append(decoder.decode(await words.read(reader)))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def close(self):
        self.server.close()
        self.writer.close()
        await self.writer.wait_closed()


async def until(true, wait_s=PATIENCE_S):
    async with asyncio.timeout(wait_s):
        while not true():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def met(tmp_path, recorded=lambda _: None, *, open_first=True):
    relay = Relay(tmp_path / "r.sock")
    if open_first:
        await relay.open()
    road = Wire(relay.path, recorded)
    task = asyncio.create_task(road.run(lambda: road.tell(CUT)))
    yield relay, road, task
    task.cancel()
    await asyncio.wait({task})
    await relay.close()


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    monkeypatch.setattr(wire, "RETRY_S", 0.02)


async def test_it_greets_at_every_meeting_also_when_the_relay_comes_late(tmp_path):
    async with met(tmp_path, open_first=False) as (relay, road, _):
        await asyncio.sleep(0.05)
        assert not road.up
        road.tell(CUT)  # lost: nobody is there, nothing waits
        await relay.open()
        await until(lambda: relay.heard == [CUT])
        assert road.up
        await relay.close()
        await until(lambda: not road.up)
        await relay.open()
        await until(lambda: relay.heard == [CUT, CUT])
        assert relay.met == 2


async def test_records_are_handed_on_in_order_and_merged_after_that(tmp_path):
    seen = []
    async with met(tmp_path, lambda each: seen.append(each.upto_row)) as (relay, road, _):
        await until(lambda: road.up and relay.met)
        for row in (1, 2, 3):
            relay.writer.write(words.encode(msgspec.structs.replace(RECORDED, upto_row=row)))
        await until(lambda: seen == [1, 2, 3])
        road.tell(words.Merged(upto_row=3))
        await until(lambda: words.Merged(upto_row=3) in relay.heard)


async def test_a_record_that_cannot_be_committed_ends_the_program(tmp_path):
    def full(_):
        raise OSError("disk full")

    async with met(tmp_path, full) as (relay, road, task):
        await until(lambda: road.up and relay.met)
        relay.writer.write(words.encode(RECORDED))
        await asyncio.wait({task}, timeout=PATIENCE_S)
        assert "disk full" in repr(task.exception())


@pytest.mark.parametrize("sent", [b"\x00\x00\x00\x02\xc1\xc1", (words.WORD_BYTES_MAX + 1).to_bytes(4, "big")])
async def test_a_relay_that_talks_nonsense_is_our_own_mistake(tmp_path, sent):
    async with met(tmp_path) as (relay, road, task):
        await until(lambda: road.up and relay.met)
        relay.writer.write(sent)
        await asyncio.wait({task}, timeout=PATIENCE_S)
        assert isinstance(task.exception(), ValueError | msgspec.DecodeError)


async def test_a_relay_that_does_not_read_is_hung_up_on_and_met_again(tmp_path, monkeypatch):
    monkeypatch.setattr(wire, "UNSAID_BYTES_MAX", 100_000)
    relay = Relay(tmp_path / "r.sock")
    stalled = asyncio.Event()

    async def deaf(reader, writer):
        relay.met += 1
        relay.writer = writer
        await stalled.wait()
        writer.close()

    monkeypatch.setattr(relay, "_serve", deaf)
    await relay.open()
    road = Wire(relay.path, lambda _: None)
    task = asyncio.create_task(road.run(lambda: None))
    await until(lambda: road.up)
    big = words.SetCameras(grant="G", cameras=tuple(f"camera-{n}" for n in range(5_000)))
    async with asyncio.timeout(PATIENCE_S):
        while relay.met < 2:
            road.tell(big)
            await asyncio.sleep(0.005)
    task.cancel()
    await asyncio.wait({task})
    stalled.set()
    await relay.close()
