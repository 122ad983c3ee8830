"""Health, metrics and logs of real programs: the story is run, then everything they say to machines is searched."""

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from patience import PATIENCE_S

sys.path.insert(0, str(Path(__file__).parent))
import deployment
import ports
from deployment import ACCOUNTS, KEY, LAT, LON, http, page, report

from safetynet.core.messages import Role
from safetynet.edge import config, files, health, keys, log, metrics, registry

PORT = ports.take(24)
PERSONAL = [
    "시험용", "2026-", "초등학교", "정다섯", "000", KEY, deployment.PASSWORD, "36.3", "127.3", r"w[123]", r"d[123]", r"z[123]",
    "d-unknown-canary", "phone1", *(each.login for each in ACCOUNTS), *(each.name for each in ACCOUNTS),
    *(each.person for each in ACCOUNTS),
]  # fmt: skip


def named(text: str) -> list[str]:
    """What of a person stands in it, as a word of its own."""
    return [each for each in PERSONAL if re.search(rf"(?<![\w.]){each}(?!\w)" if each.isascii() else each, text)]


@asynccontextmanager
async def started(folder: Path, command: str, out: Path):
    with out.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "safetynet", command, "--dir", str(folder), stdout=asyncio.subprocess.PIPE, stderr=errors
        )  # fmt: skip
    try:
        line = await asyncio.wait_for(process.stdout.readline(), 60)
        assert b'"ready"' in line, out.read_text()
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.communicate(), PATIENCE_S)


async def metric(port: int) -> dict[str, float]:
    status, headers, body = await http(port, "GET", "/metrics")
    assert status == 200
    assert headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = [line for line in body.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


@pytest.fixture
def folder(tmp_path):
    made = deployment.make(tmp_path, PORT)
    own = config.read(made)
    config.write(made, msgspec.structs.replace(own, health_port=PORT + 10, relay_health_port=PORT + 11))
    return made


async def test_a_whole_story_names_nobody_in_metrics_health_or_logs(folder, tmp_path):
    out = tmp_path / "stderr.log"
    async with started(folder, "centre-relay", out), started(folder, "control", out), page(PORT, "kim") as kim:
        now = int(time.time())
        assert await report(PORT, "d1", lat=LAT + 0.01, lon=LON, accuracy=9, timestamp=now, alarm="removing") == 200
        assert await report(PORT, "d2", lat=LAT, lon=LON, accuracy=9, timestamp=now) == 200
        assert await report(PORT, "d-unknown-canary", lat=LAT, lon=LON, timestamp=now) == 401
        assert await report(PORT, "d3", lat=LON, lon=LAT, timestamp=now) == 422
        await deployment.sign_in(PORT, "kim", "not the word")
        await kim.until(lambda p: len(p.shown.get("alarms", {})) == 2)
        for id, incident in dict(kim.shown["incidents"]).items():
            assert await kim.do("claim", incident=id) == "ok"
            assert await kim.do("call", incident=id, outcome="no_answer") == "ok"
            if incident["kind"] == "strap_cut":
                assert await kim.do("video", incident=id) == "ok"
                assert await kim.do("office", incident=id) == "ok"
                assert await kim.do("close", incident=id, code="genuine_arrest") == "ok"
        said = await metric(PORT + 10)
        assert said["safetynet_fixes_total"] == 2
        assert said['safetynet_alarms_total{kind="strap_cut",priority="1",certainty="certain"}'] == 1
        assert said['safetynet_devices_refused_total{reason="unknown_device"}'] == 1
        assert said['safetynet_devices_refused_total{reason="swapped"}'] == 1
        assert said['safetynet_link_up{partner="garam"}'] == 0
        assert said['safetynet_outbox_messages{partner="garam"}'] >= 1
        assert said["safetynet_journal_flush_seconds_count"] == said["safetynet_fix_batches_total"] == 2
        assert said["safetynet_commit_seconds_count"] >= 5
        assert said['safetynet_events_total{event="incident_closed"}'] == 1
        assert said["safetynet_incidents_open"] == 1
        assert said["safetynet_disk_free_bytes"] > 0
        assert 2 < said["safetynet_certificate_days_left"] <= 3
        assert said["safetynet_relay_up"] == 1
        _, _, answer = await http(PORT + 10, "GET", "/health")
        found = json.loads(answer)
        assert (found["program"], found["status"]) == ("control", "degraded")
        assert "link_down" in found["troubles"], "no partner runs here"
        assert (await metric(PORT + 11))["safetynet_streams_open"] == 0
        texts = [answer.decode()]
        for port in (PORT + 10, PORT + 11):
            texts += [(await http(port, "GET", path))[2].decode() for path in ("/metrics", "/health")]
        ids = [*kim.shown["alarms"], *kim.shown["incidents"]]
    texts.append(out.read_text())
    for text in texts:
        assert named(text) == []
        assert [each for each in ids if each in text] == []
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert {"starting", "ended"} <= {each["word"] for each in lines}
    assert {each["program"] for each in lines} == {"control", "centre-relay"}
    assert all({"at", "level", "program", "word"} <= each.keys() for each in lines)


async def test_a_city_says_how_it_is(tmp_path):
    folder, ca = tmp_path / "garam", keys.make_ca(tmp_path / "ca")
    peer = config.Peer(id="control", name="관제센터", role=Role.CONTROL, host="127.0.0.1", link_port=PORT + 20)
    config.write(
        folder,
        config.Centre(
            id="garam", name="가람시", role=Role.CITY, host="127.0.0.1", link_port=PORT + 21, peers=(peer,),
            health_port=PORT + 22,
        ),
    )  # fmt: skip
    keys.open_centre(folder)
    keys.issue(ca, folder, "garam", ["127.0.0.1"])
    registry.write(folder, registry.CityCameras(v=1, city="garam", cameras=[], descriptions={}))
    files.write(folder / "sources.json", b"{}", mode=0o600)
    async with started(folder, "city", tmp_path / "err"):
        async with asyncio.timeout(PATIENCE_S):
            while True:
                try:
                    said = await metric(PORT + 22)
                    break
                except OSError:
                    await asyncio.sleep(0.05)
        assert said["safetynet_grants_live"] == 0
        _, _, answer = await http(PORT + 22, "GET", "/health")
        assert json.loads(answer)["troubles"] == ["link_down", "relay_away"]


async def asked(app, client: str, path: str = "/metrics", method: str = "GET") -> int:
    sent = []

    async def send(message):
        sent.append(message)

    await app({"type": "http", "client": (client, 1), "path": path, "method": method}, None, send)
    return sent[0]["status"]


async def test_only_the_listed_networks_are_answered():
    app = health.application("control", lambda: health.Report((), ()), ("10.1.0.0/16",))
    assert [await asked(app, each) for each in ("127.0.0.1", "::1", "10.1.2.3", "10.2.0.1", "8.8.8.8")] == [
        200, 200, 200, 403, 403,
    ]  # fmt: skip
    assert await asked(app, "127.0.0.1", "/") == 404
    assert await asked(app, "127.0.0.1", "/health", "POST") == 405


def test_a_label_that_is_no_word_stops_the_program():
    with pytest.raises(AssertionError):
        metrics.text([metrics.gauges("x", "About.", "who", {"시험용 1": 1.0})])


def test_a_histogram_adds_up():
    timed = metrics.Timing()
    for us in (100, 1_000, 1_001, 400_000, 9_000_000):
        timed.took(us)
    said = metrics.text([metrics.timing("commit_seconds", "About.", timed)]).decode()
    assert 'bucket{le="0.001"} 2' in said
    assert 'bucket{le="0.5"} 4' in said
    assert 'bucket{le="+Inf"} 5' in said
    assert "safetynet_commit_seconds_count 5" in said


def test_a_failure_is_logged_by_its_place_and_quotes_nobody(capfd):
    try:
        {}["시험용 1"]
    except KeyError as error:
        log.say("failed", log.Level.ERROR, **log.fault(error))
    try:
        raise ExceptionGroup("two", [ValueError("w-canary")])
    except ExceptionGroup as error:
        log.say("failed", log.Level.ERROR, **log.fault(error))
    said = capfd.readouterr().err
    assert "시험용" not in said
    assert "canary" not in said
    first, second = (json.loads(line) for line in said.splitlines())
    assert first["fault"] == "KeyError"
    assert "test_figures.py" in first["frames"][0]
    assert second["fault"] == "ValueError"


def test_what_nobody_catches_comes_out_in_the_same_form(tmp_path):
    script = "from safetynet.edge import log; log.begin('control'); import logging; logging.getLogger('x').error('GET /device?id=%s', 'w-canary'); raise RuntimeError('w-canary')"
    read, write = os.pipe()
    done = subprocess.run([sys.executable, "-c", script], stderr=write, check=False)
    os.close(write)
    lines = [json.loads(line) for line in os.read(read, 65_536).decode().splitlines()]
    os.close(read)
    assert done.returncode == 1
    assert [(each["word"], each.get("logger"), each.get("fault")) for each in lines] == [
        ("library", "x", None), ("failed", None, "RuntimeError"),
    ]  # fmt: skip
    assert "canary" not in json.dumps(lines)


def test_a_line_is_bounded(capfd):
    log.say("long", **{f"f{n}": "x" * 150 for n in range(100)})
    said = capfd.readouterr().err
    assert len(said) < 200
    assert json.loads(said)["cut"] > log.LINE_BYTES_MAX
