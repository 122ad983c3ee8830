import asyncio
import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import ports
import pytest
import uvicorn
from patience import PATIENCE_S

from safetynet.core.fixes import Said
from safetynet.edge import intake, journal
from safetynet.edge.devices.osmand import Registered
from safetynet.edge.intake import Intake
from safetynet.edge.journal import Journal, JournalFailedError


class Keys:
    """Seals nothing: what sealing does is shown in test_journal."""

    def seal(self, subject, data, aad=b""):
        return data

    def open(self, subject, sealed, aad=b""):
        return sealed

    def erase(self, subject):
        raise AssertionError("nobody is erased here")


NOW = 1_750_000_000_000
KEY = "k" * 22
KNOWN = {f"d{n}": Registered(f"w{n}", hashlib.sha256(KEY.encode()).digest()) for n in range(50)}


def query(n=0, **more):
    fields = {"id": f"d{n}", "key": KEY, "lat": "36.35", "lon": "127.38", "timestamp": "1749999990"} | more
    return "&".join(f"{name}={value}" for name, value in fields.items())


@pytest.fixture
def log(tmp_path):
    with Journal(tmp_path / "journal", Keys(), segment_records=64) as log:
        yield log


@pytest.fixture
def served(log):
    """The real server on a thread of its own; gives address, intake and what was handed on."""
    seen = []
    app = Intake(log, KNOWN.get, seen.extend, now=lambda: NOW)
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=ports.take(), lifespan="off", log_level="error", ws="none")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    deadline = time.monotonic() + PATIENCE_S
    while not server.started:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.config.port}/device", app, seen
    server.should_exit = True
    thread.join(10)
    assert not thread.is_alive()


def test_taken_journalled_acknowledged_handed_on(served, log):
    url, app, seen = served
    with httpx.Client() as http:
        answers = [
            http.get(f"{url}?{query(1)}"),
            http.post(url, content=query(2), headers={"content-type": "application/x-www-form-urlencoded"}),
            http.post(url, json={"device_id": "d3", "location": {"coords": {"latitude": 36.3, "longitude": 127.3}}},
                      headers={"x-device-key": KEY}),
            http.get(f"{url}?{query(4, lat='nan', alarm='removing')}"),
        ]  # fmt: skip
    assert [(each.status_code, each.content) for each in answers] == [(200, b"")] * 4
    assert [(each.id, each.wearer) for each in seen] == [(1, "w1"), (2, "w2"), (3, "w3"), (4, "w4")]
    assert list(log.replay()) == seen
    assert seen[3].said is Said.STRAP_CUT
    assert app.counts["taken"] == 4


@pytest.mark.parametrize(
    ("query_", "status", "word", "count"),
    [
        (query(1, id="nobody"), 401, "not_known", "unknown_device"),
        (query(1, key="wrong"), 401, "not_known", "bad_key"),
        (query(1, lat="nan"), 422, "bad_place", "bad_place"),
        (query(1, lat="127.38", lon="36.35"), 422, "swapped", "swapped"),
        (query(1, timestamp="1850000000"), 422, "future", "future"),
        (query(1, id=""), 400, "malformed", "malformed"),
        (query(1, x="x" * 5000), 414, "query_too_long", "query_too_long"),
    ],
)
def test_refusals_are_problems_and_counted(served, query_, status, word, count):
    url, app, seen = served
    answer = httpx.get(f"{url}?{query_}")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["reason"] == word
    assert app.counts == {count: 1}
    assert seen == []


def test_other_methods_and_long_bodies(served):
    url, app, _ = served
    assert httpx.put(url, content=b"x").status_code == 405
    assert httpx.post(url, content=b"x" * 20_000).status_code == 413
    assert app.counts == {"method_not_allowed": 1, "body_too_long": 1}


def test_many_at_once_share_flushes(served, log):
    url, app, seen = served

    async def storm():
        async with httpx.AsyncClient(limits=httpx.Limits(max_connections=25)) as http:
            return await asyncio.gather(*(http.get(f"{url}?{query(n % 50)}") for n in range(200)))

    answers = asyncio.run(storm())
    assert [each.status_code for each in answers] == [200] * 200
    assert sorted(each.id for each in seen) == list(range(1, 201))
    assert [each.id for each in seen] == sorted(each.id for each in seen)
    assert app.counts["taken"] == 200
    assert app.counts["batches"] <= 200
    assert log.newest == 200


# --- without a server: the order of things ------------------------------------------------------------------------


async def ask(app, text, method="GET", bodies=(b"",), *, hang_up=False):
    parts = [{"type": "http.request", "body": body, "more_body": True} for body in bodies]
    parts[-1]["more_body"] = hang_up
    parts.append({"type": "http.disconnect"})
    sent = []

    async def receive():
        return parts.pop(0)

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": method, "path": "/device", "query_string": text.encode(), "headers": []}
    await app(scope, receive, send)
    return sent


async def test_what_arrives_together_is_one_flush(log, monkeypatch):
    flushes = []
    real = os.fdatasync
    monkeypatch.setattr(journal.os, "fdatasync", lambda fd: (flushes.append(fd), real(fd)))
    app = Intake(log, KNOWN.get, lambda _: None, now=lambda: NOW)
    answers = await asyncio.gather(*(ask(app, query(n)) for n in range(40)))
    assert [each[0]["status"] for each in answers] == [200] * 40
    assert len(flushes) == 1
    assert app.counts == {"batches": 1, "taken": 40}


async def test_a_full_queue_says_when_to_come_again(log):
    app = Intake(log, KNOWN.get, lambda _: None, now=lambda: NOW, waiting_fixes_max=3)
    answers = await asyncio.gather(*(ask(app, query(n)) for n in range(5)))
    assert [each[0]["status"] for each in answers] == [200, 200, 200, 503, 503]
    assert (b"retry-after", b"2") in answers[4][0]["headers"]
    assert log.newest == 3
    assert (await ask(app, query(4)))[0]["status"] == 200


async def test_half_a_body_is_no_fix(log):
    """Cut in the right place, 36.35 would read as 36.3: five kilometres away."""
    app = Intake(log, KNOWN.get, lambda _: None, now=lambda: NOW)
    assert await ask(app, "", "POST", [query(1)[:-30].encode()], hang_up=True) == []
    assert app.counts == {"hung_up": 1}
    assert log.newest == 0


async def test_a_failed_flush_is_never_acknowledged(log, monkeypatch):
    def broken(fd):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(journal.os, "fdatasync", broken)
    stopped, seen, trouble = [], [], []
    asyncio.get_running_loop().set_exception_handler(lambda *told: trouble.append(told[1]["exception"]))
    app = Intake(log, KNOWN.get, seen.extend, now=lambda: NOW, stop=stopped.append)
    tasks = [asyncio.ensure_future(ask(app, query(n))) for n in range(3)]
    async with asyncio.timeout(PATIENCE_S):
        while not stopped:
            await asyncio.sleep(0.01)
    await asyncio.wait(tasks, timeout=0.1)
    assert not any(task.done() for task in tasks)
    assert [type(each) for each in stopped] == [JournalFailedError]
    assert seen == []
    assert trouble == stopped
    monkeypatch.undo()
    assert (await ask(app, query(4)))[0]["status"] == 503, "and nothing is taken afterwards"
    for task in tasks:
        task.cancel()


async def test_our_own_mistake_behind_the_journal_stops_too(log):
    def mistaken(batch):
        raise ZeroDivisionError

    stopped = []
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    app = Intake(log, KNOWN.get, mistaken, now=lambda: NOW, stop=stopped.append)
    task = asyncio.ensure_future(ask(app, query(1)))
    async with asyncio.timeout(PATIENCE_S):
        while not stopped:
            await asyncio.sleep(0.01)
    await asyncio.wait([task], timeout=0.1)
    assert not task.done()
    assert [type(each) for each in stopped] == [ZeroDivisionError]
    assert [each.id for each in log.replay()] == [1], "it is on disk and judged again at the next start"
    task.cancel()


# --- kill -9 over the wire ----------------------------------------------------------------------------------------

SERVER = """
import sys
from pathlib import Path
sys.path[:0] = [{tests!r}, {ports!r}]
import uvicorn
from test_intake import KNOWN, NOW, Keys
from safetynet.edge.intake import Intake
from safetynet.edge.journal import Journal
log = Journal(Path({folder!r}), Keys(), segment_records=8)
uvicorn.run(Intake(log, KNOWN.get, lambda _: None, now=lambda: NOW), host="127.0.0.1", port={port}, lifespan="off",
            log_level="error")
"""


@pytest.mark.parametrize("point", ["before_sync:7", "after_sync:7"])
def test_every_answer_of_200_is_on_disk_after_kill_9(tmp_path, point):
    port = ports.take()
    child = subprocess.Popen(
        [
            sys.executable,
            "-c",
            SERVER.format(
                tests=str(Path(__file__).parent), ports=str(Path(__file__).parents[1]), folder=str(tmp_path), port=port
            ),
        ],
        env=os.environ | {"SAFETYNET_FAILPOINT": f"journal.{point}", "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    acknowledged = []
    deadline = time.monotonic() + PATIENCE_S
    with httpx.Client() as http:
        for n in range(1_000):
            try:
                answer = http.get(f"http://127.0.0.1:{port}/device?{query(len(acknowledged) % 50)}")
            except httpx.TransportError:
                if child.poll() is not None:
                    break
                assert time.monotonic() < deadline
                time.sleep(0.02)
                continue
            assert answer.status_code == 200, n
            acknowledged.append(f"w{len(acknowledged) % 50}")
    assert child.wait(10) == -signal.SIGKILL
    assert len(acknowledged) == 6
    with Journal(tmp_path, Keys(), segment_records=8) as log:
        assert [each.wearer for each in log.replay()][:6] == acknowledged


def test_the_fence_ends_the_process_without_an_answer():
    done = subprocess.run(
        [sys.executable, "-c", "from safetynet.edge.intake import fence; fence(OSError('disk'))"],
        capture_output=True,
        cwd=Path(__file__).parents[2],
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == intake.STOPPED_EXIT
    assert b'"fault":"OSError"' in done.stderr
