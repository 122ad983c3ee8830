"""OwnTracks over MQTT, through the real client library."""

import asyncio
import os
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))
from dialects import IMEI, KNOWN, NOW, walk
from mqtt import Broker
from test_intake import Keys

from safetynet.core.fixes import Mark
from safetynet.edge import config, journal
from safetynet.edge.broker import Subscriber
from safetynet.edge.devices.lines import Locate, Rhythm
from safetynet.edge.intake import Intake
from safetynet.edge.journal import Journal
from safetynet.sim.dialects import location

TOPIC = f"owntracks/{IMEI}/phone".encode()


@pytest.fixture
def log(tmp_path):
    with Journal(tmp_path / "journal", Keys(), segment_records=64) as log:
        yield log


@pytest.fixture
def app(log):
    return Intake(log, KNOWN.get, lambda _: None, now=lambda: NOW)


@asynccontextmanager
async def subscribed(broker, port, app, tmp_path, **more):
    at = config.Broker(host="127.0.0.1", port=port, tls=False, **more)
    client = Subscriber(tmp_path, "control", at, app, KNOWN.get, now=lambda: NOW)
    task = asyncio.create_task(client.run())
    async with asyncio.timeout(10):
        await broker.subscribed.wait()
    try:
        yield client
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def broker():
    made = Broker()
    made.port = await made.start()
    yield made
    await made.close()


async def until(true):
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("own_topics", [False, True])
async def test_the_same_walk_in_the_same_fixes_out(broker, app, log, tmp_path, own_topics):
    async with subscribed(broker, broker.port, app, tmp_path, own_topics=own_topics):
        sent = [broker.publish(TOPIC, location(each)) for each in walk(6)]
        await until(lambda: broker.acknowledged == sent)
    assert [(round(fix.lat, 4), round(fix.lon, 4), fix.observed_at) for fix in log.replay()] == [
        (round(each.lat, 4), round(each.lon, 4), each.observed_at) for each in walk(6)
    ]
    assert {bool(fix.marks & Mark.UNPROVEN) for fix in log.replay()} == {not own_topics}
    assert b"safetynet-control" in broker.clients[0]
    assert not broker.clients[0][7] & 0x02, "the session is kept at the broker"


async def test_the_broker_is_told_after_the_disk(broker, app, tmp_path, monkeypatch):
    order = []
    real = os.fdatasync
    monkeypatch.setattr(journal.os, "fdatasync", lambda fd: (order.append("disk"), real(fd)))
    async with subscribed(broker, broker.port, app, tmp_path) as client:
        ack = client._client.ack
        monkeypatch.setattr(client._client, "ack", lambda *told: (order.append("told"), ack(*told)))
        sent = broker.publish(TOPIC, location(walk(1)[0]))
        await until(lambda: broker.acknowledged == [sent])
    assert order == ["disk", "told"]


async def test_when_the_disk_refuses_the_broker_keeps_it_and_says_it_again(broker, log, tmp_path, monkeypatch):
    def broken(fd):
        raise OSError(5, "Input/output error")

    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    stopped = []
    failing = Intake(log, KNOWN.get, lambda _: None, now=lambda: NOW, stop=stopped.append)
    with monkeypatch.context() as patch:
        patch.setattr(journal.os, "fdatasync", broken)
        async with subscribed(broker, broker.port, failing, tmp_path):
            sent = broker.publish(TOPIC, location(walk(1)[0]))
            await until(lambda: stopped)
    assert broker.acknowledged == []
    log.close()
    with Journal(tmp_path / "journal2", Keys(), segment_records=64) as fresh:
        again = Intake(fresh, KNOWN.get, lambda _: None, now=lambda: NOW)
        async with subscribed(broker, broker.port, again, tmp_path):
            await until(lambda: broker.acknowledged == [sent])
        assert [fix.observed_at for fix in fresh.replay()] == [walk(1)[0].observed_at]


@pytest.mark.parametrize(
    ("topic", "payload", "counted"),
    [
        (b"owntracks/nobody/phone", location(walk(1)[0]), {"unknown_device": 1}),
        (b"owntracks/\xff\xfe/phone", b"{}", {"unknown_device": 1}),
        (TOPIC, b"nonsense", {"malformed": 1}),
        (TOPIC, b"x" * 20_000, {"frame_too_long": 1}),
        (TOPIC, b'{"_type":"encrypted","data":"x"}', {"unread": 1}),
        (TOPIC, b'{"_type":"lwt","tst":1}', {}),
        (TOPIC, b"", {}),
    ],
)
async def test_what_is_not_taken_is_counted_and_acknowledged(broker, app, log, tmp_path, topic, payload, counted):
    """Unacknowledged it would come again for ever."""
    async with subscribed(broker, broker.port, app, tmp_path):
        sent = broker.publish(topic, payload)
        await until(lambda: broker.acknowledged == [sent])
    assert app.counts == counted
    assert log.newest == 0


async def test_a_wish_goes_to_the_device_s_own_topic(broker, app, tmp_path):
    async with subscribed(broker, broker.port, app, tmp_path):
        app.asked.ask(IMEI, Rhythm(10))
        broker.publish(TOPIC, location(walk(1)[0]))
        await until(lambda: len(broker.commands) == 1)
        app.asked.ask(IMEI, Locate())
        await until(lambda: len(broker.commands) == 2)
    assert [topic for topic, _ in broker.commands] == [TOPIC.decode() + "/cmd"] * 2
    assert b"setConfiguration" in broker.commands[0][1]
    assert b"reportLocation" in broker.commands[1][1]


async def test_a_broker_that_was_away_is_found_again(broker, app, log, tmp_path):
    async with subscribed(broker, broker.port, app, tmp_path) as client:
        await broker.close()
        await until(lambda: not client.up)
        await broker.start(broker.port)
        async with asyncio.timeout(20):
            await broker.subscribed.wait()
        sent = broker.publish(TOPIC, location(walk(1)[0]))
        await until(lambda: broker.acknowledged == [sent])
    assert log.newest == 1
