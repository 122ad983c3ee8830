"""Devices over UDP: the same walk, the disk before the answer, and an address that proves nothing."""

import asyncio
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from dialects import IMEI, KEY, KNOWN, NOW, walk
from test_intake import Keys

from safetynet.core.fixes import Mark
from safetynet.edge import journal
from safetynet.edge.config import DevicePort
from safetynet.edge.datagrams import Datagrams
from safetynet.edge.devices import gt06, h02, jt808, teltonika
from safetynet.edge.devices.lines import Locate
from safetynet.edge.intake import Intake
from safetynet.edge.journal import Journal
from safetynet.sim import dialects


class Device(asyncio.DatagramProtocol):
    """One end; what it hears waits in a queue."""

    def __init__(self):
        self.heard = asyncio.Queue()

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        self.heard.put_nowait(data)

    async def answer(self, data, wait_s=5.0):
        self.transport.sendto(data)
        return await asyncio.wait_for(self.heard.get(), wait_s)


@asynccontextmanager
async def served(make, app, **more):
    door = Datagrams(make, app, KNOWN.get, DevicePort(port=0, udp=True, **more), now=lambda: NOW)
    port = await door.open("127.0.0.1")
    task = asyncio.create_task(door.serve())
    transport, device = await asyncio.get_running_loop().create_datagram_endpoint(
        Device, remote_addr=("127.0.0.1", port)
    )
    try:
        yield device, door
    finally:
        transport.close()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def log(tmp_path):
    with Journal(tmp_path / "journal", Keys(), segment_records=64) as log:
        yield log


@pytest.fixture
def app(log):
    return Intake(log, KNOWN.get, lambda _: None, now=lambda: NOW)


def placed(log):
    return [(round(fix.lat, 4), round(fix.lon, 4), fix.observed_at) for fix in log.replay() if fix.lat is not None]


WALK = [(round(each.lat, 4), round(each.lon, 4), each.observed_at) for each in walk(4)]


def datagram(report, number):
    """A record as Teltonika's own form for UDP, out of the packet that the same device sends over a stream."""
    packet = dialects.Teltonika(IMEI).report(report)
    name = len(IMEI).to_bytes(2, "big") + IMEI.encode()
    body = b"\xca\xfe\x01" + bytes((number,)) + name + packet[8:-4]
    return len(body).to_bytes(2, "big") + body


@pytest.mark.parametrize(
    ("make", "speaker"), [(gt06.Gt06, dialects.Gt06), (h02.H02, dialects.H02), (jt808.Jt808, dialects.Jt808)]
)
async def test_the_same_walk_and_nothing_of_it_proven(make, speaker, app, log):
    speaks = speaker(IMEI)
    async with served(make, app) as (device, door):
        if hello := speaks.hello():
            device.transport.sendto(hello)
        for each in walk(4):
            device.transport.sendto(speaks.report(each))
        async with asyncio.timeout(5):
            while len(placed(log)) < 4:
                await asyncio.sleep(0.01)
        assert door.senders == 1
    assert placed(log) == WALK
    assert all(fix.marks & Mark.UNPROVEN for fix in log.replay())


async def test_teltonika_has_a_form_of_its_own(app, log):
    async with served(teltonika.TeltonikaDatagram, app) as (device, _):
        for n, each in enumerate(walk(4)):
            assert await device.answer(datagram(each, n)) == b"\x00\x05\xca\xfe\x01" + bytes((n, 1))
        app.asked.ask(IMEI, Locate())
        assert await device.answer(datagram(walk(4)[0], 9)) == b"\x00\x05\xca\xfe\x01\x09\x01", "and no command"
    assert placed(log)[:4] == WALK


async def test_a_key_shown_once_proves_nothing_that_comes_after(app, log):
    """Whoever writes the address of a device that has just proved itself would be believed."""
    speaks = dialects.Jt808(IMEI, KEY)
    async with served(jt808.Jt808, app) as (device, _):
        await device.answer(speaks.hello())
        await device.answer(speaks.report(walk(1)[0]))
    assert all(fix.marks & Mark.UNPROVEN for fix in log.replay())
    assert app.proved == set()


async def test_nothing_is_answered_before_the_disk_has_it(app, log, monkeypatch):
    def broken(_fd):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(journal.os, "fdatasync", broken)
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    app._stop = lambda _: None
    async with served(teltonika.TeltonikaDatagram, app) as (device, _):
        with pytest.raises(TimeoutError):
            await device.answer(datagram(walk(1)[0], 1), 0.3)


@pytest.mark.parametrize(
    ("data", "count"),
    [
        (b"", None),
        (b"\x00\x01", "malformed"),
        (bytes(4_097), "datagram_dropped"),
        (datagram(walk(1)[0], 1)[:-3], "malformed"),
        (datagram(walk(1)[0], 1).replace(IMEI.encode(), b"1" * 15), "unknown_device"),
    ],
)
async def test_nonsense_is_counted_and_not_answered(app, log, data, count):
    async with served(teltonika.TeltonikaDatagram, app) as (device, door):
        with pytest.raises(TimeoutError):
            await device.answer(data, 0.2)
        assert dict(app.counts) == ({count: 1} if count else {})
        assert door.senders == 0
        assert await device.answer(datagram(walk(1)[0], 3)), "and the door still stands"


async def test_who_sends_from_elsewhere_is_not_heard(app):
    async with served(teltonika.TeltonikaDatagram, app, networks=("10.0.0.0/8",)) as (device, _):
        with pytest.raises(TimeoutError):
            await device.answer(datagram(walk(1)[0], 1), 0.2)
    assert dict(app.counts) == {"foreign_network": 1}
