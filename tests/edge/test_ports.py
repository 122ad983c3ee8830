"""Devices over real connections: the same walk in every protocol, the disk before the answer, limits, the line as proof."""

import asyncio
import contextlib
import hashlib
import os
import signal
import ssl
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))
from dialects import IMEI, KEY, NOW, WAYS, walk
from ports import take
from test_intake import Keys

from safetynet.core.fixes import Mark, Said
from safetynet.core.terms import DeviceId
from safetynet.edge import health, journal, keys, ports
from safetynet.edge.config import DevicePort
from safetynet.edge.devices.lines import Locate, Rhythm
from safetynet.edge.devices.words import Registered
from safetynet.edge.intake import Intake
from safetynet.edge.journal import Journal
from safetynet.edge.ports import Port
from safetynet.sim import dialects

KNOWN = {IMEI: Registered("w1", hashlib.sha256(KEY.encode()).digest())}
SPEAKERS = {name: speaker for name, (_, speaker) in WAYS.items()} | {
    "osmand": lambda: dialects.OsmAnd(KEY),
    "owntracks": lambda: dialects.OwnTracks(IMEI, KEY),
}


@asynccontextmanager
async def served(way, app, *, known=KNOWN.get, addresses=None, tls=None, networks=(), **more):
    """The real listener of a protocol over this intake; gives its port."""
    if way in WAYS:
        config = DevicePort(port=0, networks=networks, **{k: more.pop(k) for k in ("connections_max",) if k in more})
        door = Port(WAYS[way][0], app, known, config, addresses=addresses or {}, tls=tls, now=lambda: NOW, **more)
        port = await door.open("127.0.0.1")
        task = asyncio.create_task(door.serve())
    else:
        port = take()
        door = health.Server.over(app, "127.0.0.1", port, http="h11", ws="none")
        task = asyncio.create_task(door.serve())
        while not door.started:
            await asyncio.sleep(0.01)
    try:
        yield port, door
    finally:
        if way not in WAYS:
            door.should_exit = True
            await task
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        while way in WAYS and door.connections:
            await asyncio.sleep(0.01)


@pytest.fixture
async def dial():
    """Opens connections, and closes them after the test."""
    opened = []

    async def open_(port, **more):
        opened.append(await asyncio.open_connection("127.0.0.1", port, **more))
        return opened[-1]

    yield open_
    for _, writer in opened:
        writer.close()
    await asyncio.gather(*(writer.wait_closed() for _, writer in opened), return_exceptions=True)


@pytest.fixture
def log(tmp_path):
    with Journal(tmp_path / "journal", Keys(), segment_records=64) as log:
        yield log


@pytest.fixture
def app(log):
    return Intake(log, KNOWN.get, lambda _: None, now=lambda: NOW)


async def gone(reader):
    """Whether the other side hangs up without a word: by an end, or by a reset where it had not read everything."""
    try:
        return await asyncio.wait_for(reader.read(), 5) == b""
    except ConnectionResetError:
        return True


def placed(log):
    return [fix for fix in log.replay() if fix.lat is not None]


@pytest.mark.parametrize("way", SPEAKERS)
async def test_the_same_walk_in_the_same_fixes_out(way, app, log):
    speaker = SPEAKERS[way]()
    sos = "sos" in speaker.says
    async with served(way, app) as (port, _):
        assert await dialects.talk("127.0.0.1", port, speaker, walk(6, "sos" if sos else None)) == 6
    got = placed(log)
    assert [(round(fix.lat, 4), round(fix.lon, 4), fix.observed_at) for fix in got] == [
        (round(each.lat, 4), round(each.lon, 4), each.observed_at) for each in walk(6)
    ]
    assert {(fix.wearer, fix.device) for fix in got} == {("w1", IMEI)}
    assert [fix.said for fix in got] == [Said.NOTHING] * 5 + [Said.SOS if sos else Said.NOTHING]
    proven = way in ("osmand", "owntracks", "jt808_key")
    assert {bool(fix.marks & Mark.UNPROVEN) for fix in got} == {not proven}
    assert [fix.id for fix in log.replay()] == list(range(1, log.newest + 1))


SERVER = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_ports import KNOWN, NOW, Keys, served
from safetynet.edge.intake import Intake
from safetynet.edge.journal import Journal
async def main():
    log = Journal(Path({folder!r}), Keys(), segment_records=8)
    async with served({way!r}, Intake(log, KNOWN.get, lambda _: None, now=lambda: NOW)) as (port, _):
        print(port, flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("way", "point"),
    [
        ("gt06", "before_sync:5"),
        ("teltonika_8e", "after_sync:5"),
        ("h02", "before_sync:5"),
        ("jt808", "after_sync:5"),
        ("osmand", "before_sync:5"),
        ("owntracks", "after_sync:5"),
    ],
)
async def test_what_was_answered_is_on_disk_after_kill_9(way, point, tmp_path):
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVER.format(tests=str(Path(__file__).parent), folder=str(tmp_path), way=way),
        env=os.environ | {"SAFETYNET_FAILPOINT": f"journal.{point}", "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    port = int(await child.stdout.readline())
    speaker = SPEAKERS[way]()
    answered = await dialects.talk("127.0.0.1", port, speaker, walk(20))
    assert await asyncio.wait_for(child.wait(), 10) == -signal.SIGKILL
    assert 0 < answered < 20
    with Journal(tmp_path, Keys(), segment_records=8) as log:
        kept = [fix.observed_at for fix in placed(log)]
    assert kept[:answered] == [each.observed_at for each in walk(20)][:answered]
    assert len(kept) <= answered + 1


@pytest.mark.parametrize("way", ["gt06", "teltonika_8e", "h02", "jt808"])
async def test_nothing_is_answered_before_the_disk_has_it(way, app, log, monkeypatch, dial):
    """The flush is held open: until it is done not one byte of an answer to a report goes out."""
    events = []
    real = os.fdatasync
    monkeypatch.setattr(journal.os, "fdatasync", lambda fd: (events.append("disk"), real(fd)))
    write = asyncio.StreamWriter.write
    monkeypatch.setattr(asyncio.StreamWriter, "write", lambda self, data: (events.append(self), write(self, data))[1])
    async with served(way, app) as (port, _):
        reader, writer = await dial(port)
        one = SPEAKERS[way]()
        if hello := one.hello():
            writer.write(hello)
            await one.answer(reader)
        before = log.newest
        events.clear()
        writer.write(b"".join(one.report(each) for each in walk(3)))
        assert await reader.read(1)
    mine = [each for each in events if each is not writer]
    assert mine[0] == "disk"
    assert log.newest == before + 3


async def test_when_the_disk_refuses_nobody_is_answered_any_more(log, monkeypatch, dial):
    def broken(fd):
        raise OSError(5, "Input/output error")

    stopped = []
    app = Intake(log, KNOWN.get, lambda _: None, now=lambda: NOW, stop=stopped.append)
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    async with served("gt06", app) as (port, _):
        one, two = SPEAKERS["gt06"](), SPEAKERS["gt06"]()
        reader, writer = await dial(port)
        writer.write(one.hello())
        await one.answer(reader)
        monkeypatch.setattr(journal.os, "fdatasync", broken)
        writer.write(one.report(walk(1)[0]))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.3)
        assert len(stopped) == 1
        later, other = await dial(port)
        other.write(two.hello() + two.report(walk(1)[0]))
        with contextlib.suppress(ConnectionResetError):
            assert len(await asyncio.wait_for(later.read(), 5)) in (0, 10), "its sign-in may have been, its report not"


# --- limits --------------------------------------------------------------------------------------------------------


async def test_a_backlog_is_taken_and_what_follows_it_waits(app, log, monkeypatch, dial):
    """A device that was away brings everything at once; one that never stops is slowed, and nothing is lost."""
    monkeypatch.setattr(ports, "FIXES_AT_ONCE_MAX", 20)
    monkeypatch.setattr(ports, "FIXES_PER_S_MAX", 50)
    one = SPEAKERS["h02"]()
    data = b"".join(one.report(each) for each in walk(50))
    async with served("h02", app) as (port, _):
        reader, writer = await dial(port)
        began = time.monotonic()
        writer.write(data)
        for _ in range(50):
            await one.answer(reader)
        assert time.monotonic() - began >= 0.5
    assert log.newest == 50


async def test_a_full_intake_slows_a_stream_and_refuses_nothing(log):
    app = Intake(log, KNOWN.get, lambda _: None, now=lambda: NOW, waiting_fixes_max=2)
    async with served("h02", app) as (port, _):
        done = await asyncio.gather(*(dialects.talk("127.0.0.1", port, SPEAKERS["h02"](), walk(5)) for _ in range(4)))
    assert done == [5] * 4
    assert log.newest == 20
    assert app.counts["waiting_full"] == 0


async def test_who_does_not_say_who_it_is_goes_and_who_is_silent_too(app, dial):
    async with served("gt06", app, sign_in_s=0.2, idle_s=0.4) as (port, door):
        reader, writer = await dial(port)
        dribble = asyncio.create_task(drip(writer))
        assert await gone(reader), "also who dribbles"
        dribble.cancel()
        one = SPEAKERS["gt06"]()
        reader, writer = await dial(port)
        writer.write(one.hello())
        await one.answer(reader)
        assert await gone(reader)
        assert app.counts["line_silent"] == 2
        assert door.connections == 0


async def drip(writer):
    while True:
        writer.write(b"\x78")
        await asyncio.sleep(0.02)


async def test_connections_are_counted_and_those_of_one_device_are_few(app, monkeypatch, dial):
    monkeypatch.setattr(ports, "STRANGERS_MAX", 3)
    async with served("gt06", app, connections_max=6) as (port, door):
        strangers = [await dial(port) for _ in range(4)]
        assert await gone(strangers[3][0])
        assert app.counts["too_many_connections"] == 1
        for _, writer in strangers[:3]:
            writer.write_eof()
        while door.connections:
            await asyncio.sleep(0.01)
        mine = []
        for _ in range(5):
            one = SPEAKERS["gt06"]()
            reader, writer = await dial(port)
            writer.write(one.hello())
            await one.answer(reader)
            mine.append((reader, writer))
        assert await gone(mine[0][0]), "the oldest"
        while door.connections > ports.CONNECTIONS_OF_DEVICE_MAX:
            await asyncio.sleep(0.01)


async def test_a_message_that_may_be_whole_is_taken_after_a_pause(app, log, dial):
    """A short binary one of H02: its alarm must not wait for the next."""
    frame = bytes.fromhex("24") + bytes.fromhex("3140414198") + bytes.fromhex("150640150625") + bytes.fromhex(
        "36210000" "05" "127228000e" "001090" "fffffbfd" "ff0000"
    )  # fmt: skip
    assert len(frame) == 32
    known = {DeviceId("3140414198"): KNOWN[IMEI]}.get
    async with served("h02", app, known=known, rest_s=0.05) as (port, _):
        _, writer = await dial(port)
        writer.write(frame)
        async with asyncio.timeout(5):
            while not log.newest:
                await asyncio.sleep(0.01)
    (fix,) = log.replay()
    assert (round(fix.lat, 3), round(fix.lon, 3), fix.observed_at, fix.said) == (36.35, 127.38, NOW, Said.SOS)


# --- the line as proof ---------------------------------------------------------------------------------------------


async def test_who_connects_from_elsewhere_is_not_served(app, dial):
    async with served("gt06", app, networks=("10.0.0.0/8",)) as (port, _):
        reader, _ = await dial(port)
        assert await gone(reader)
    assert app.counts == {"foreign_network": 1}


@pytest.mark.parametrize(("address", "proven"), [("127.0.0.1/32", True), ("127.0.0.2/32", False)])
async def test_an_address_of_its_own_proves_a_device(app, log, address, proven):
    async with served("gt06", app, addresses={IMEI: address}) as (port, _):
        assert await dialects.talk("127.0.0.1", port, SPEAKERS["gt06"](), walk(2)) == 2
    assert {bool(fix.marks & Mark.UNPROVEN) for fix in log.replay()} == {not proven}


async def test_who_spoke_with_its_key_is_not_believed_without_it(app, log):
    """Over whatever door: else a stranger who knows a number could lead the cameras away from a phone's own words."""
    async with served("owntracks", app) as (port, _):
        assert await dialects.talk("127.0.0.1", port, SPEAKERS["owntracks"](), walk(1)) == 1
    async with served("h02", app) as (port, _):
        with pytest.raises((TimeoutError, AssertionError)):
            assert await dialects.talk("127.0.0.1", port, SPEAKERS["h02"](), walk(1)) == 1
    assert app.counts["unproven"] == 1
    assert log.newest == 1


# --- what is said to devices ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("way", "mark"), [("gt06", b"TIMER,10"), ("teltonika_8e", b"10050:10"), ("h02", b",S71,"), ("jt808", b"\x82\x02")]
)
async def test_a_wish_reaches_an_open_connection_at_once_and_another_at_its_next_word(app, way, mark, dial):
    app.asked.ask(IMEI, Rhythm(60))
    app.asked.ask(IMEI, Rhythm(10))
    async with served(way, app) as (port, _):
        reader, writer = await dial(port)
        one = SPEAKERS[way]()
        writer.write(one.hello() or one.report(walk(1)[0]))
        said = b""
        async with asyncio.timeout(5):
            while mark not in said:
                said += await reader.read(1_000)
        assert b"60" not in said or way in ("h02", "jt808", "gt06")
        app.asked.ask(IMEI, Locate())
        assert await asyncio.wait_for(reader.read(1_000), 5)
    assert app.asked.take(IMEI) == ()


async def test_a_phone_is_told_with_its_answer(app, dial):
    app.asked.ask(IMEI, Rhythm(10))
    async with served("owntracks", app) as (port, _):
        reader, writer = await dial(port)
        speaker, told = SPEAKERS["owntracks"](), []
        for each in walk(2):
            writer.write(speaker.report(each))
            head = await reader.readuntil(b"\r\n\r\n")
            told.append(
                msgspec.json.decode(
                    await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r")[0]))
                )
            )
    assert [[each["action"] for each in one] for one in told] == [["setConfiguration"], []]


async def test_a_certificate_proves_a_device(app, log, tmp_path, dial):
    ca, mine = certificates(tmp_path / "keys")
    context = keys.device_context(tmp_path)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.load_verify_locations(ca)
    client.load_cert_chain(*mine)
    async with served("teltonika_8e", app, tls=context) as (port, _):
        reader, writer = await dial(port, ssl=client)
        one = SPEAKERS["teltonika_8e"]()
        writer.write(one.hello())
        await one.answer(reader)
        writer.write(one.report(walk(1)[0]))
        await one.answer(reader)
    (fix,) = log.replay()
    assert not fix.marks & Mark.UNPROVEN
    (tmp_path / "keys" / "devices.key").chmod(0o640)
    with pytest.raises(PermissionError):
        keys.device_context(tmp_path)


def certificates(folder):
    """A CA, the centre's and a device's certificate made by openssl, which is none of ours."""
    folder.mkdir()

    def run(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "devices-ca.pem", "-subj", "/CN=ca", "-days", "2",
        "-addext", "basicConstraints=critical,CA:TRUE")  # fmt: skip
    for name in ("devices", IMEI):
        run(
            "req",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-keyout",
            f"{name}.key",
            "-out",
            f"{name}.csr",
            "-subj",
            f"/CN={name}",
        )
        run("x509", "-req", "-in", f"{name}.csr", "-CA", "devices-ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-out", f"{name}.pem")  # fmt: skip
    (folder / "devices.key").chmod(0o400)
    return str(folder / "devices-ca.pem"), (str(folder / f"{IMEI}.pem"), str(folder / f"{IMEI}.key"))
