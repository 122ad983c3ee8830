"""From a device's request to an alarm in a console, at rising rates: HTTP in, durable, acknowledged, judged, shown.

    python bench/ingest.py [--short] [--port 17400]

The control centre's real program in a process of its own; this process is the load and the operator's window. Rows: 1,000
and 10,000 fixes a second with one fix per request, 50,000 and 100,000 with 100 per request (`/device/batch`). In each row
some wearers say that their strap is cut (a zone is held back for a minute, a strap never): an alarm is timed from its request to its first frame in the window. Then as fast as
it goes, and a kill -9 under load. In the same run, for comparison: a bare write + fdatasync, an echo over HTTP that does nothing, our own way in
without judging, and the classic stack (FastAPI, psycopg, PostGIS: one insert, one question, one commit per fix).
`lost`: what was acknowledged and is not in the journal, alarms that are not in the log or never came to the window.
`duplicated`: fixes twice in the journal that were sent once, alarms raised twice. Only loopback.
"""

import argparse
import contextlib
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent / "parts")]
import centre
import load
import postgis
from centre import KEY, Subject
from load import Request, Window

from safetynet.core.events import AlarmRaised
from safetynet.core.terms import AlarmKind
from safetynet.edge.journal import Journal

FSYNCS = 400
BLOCK_BYTES = 4_096
LATE_S = 0.5
"""After the end of a row: a rate is sustained when all of it is answered by then, and nothing is sent any more."""
KERNEL_S = 180.0
"""For compiling the kernel where nobody has done so yet; afterwards it is there in seconds."""
BEGAN = time.monotonic()
WAYS = ((1, 128), (100, 32))
"""Fixes per request, connections."""
HEAD = "Host: 127.0.0.1\r\nConnection: keep-alive\r\n"


@dataclass(frozen=True)
class Plan:
    wearers: int
    seconds: float
    alarms_per_s: float
    rows: tuple[tuple[int, int], ...]
    """Fixes a second, fixes per request."""
    burst_fixes: int
    classic_fixes: int
    windows: int


FULL = Plan(10_000, 6.0, 10.0, ((1_000, 1), (10_000, 1), (50_000, 100), (100_000, 100)), 400_000, 10_000, 3)
SHORT = Plan(400, 1.0, 10.0, ((500, 1), (5_000, 100)), 10_000, 400, 1)


@dataclass
class Tally:
    """What was promised to whom, to be held against what is on disk."""

    acked: Counter = field(default_factory=Counter)
    unsure: set = field(default_factory=set)
    """Sent, not answered, perhaps sent again: may stand in the journal, also twice."""
    planted: set = field(default_factory=set)
    shown: dict = field(default_factory=dict)
    """Wearer -> alarms in the window."""

    def add(self, run: load.Run) -> None:
        self.acked.update(key for each in run.acked for key in each.keys)
        self.unsure.update(key for each in run.unanswered for key in each.keys)
        self.planted.update(each.planted for each in run.acked if each.planted)

    def see(self, window: Window) -> None:
        for alarm, (wearer, _) in window.seen.items():
            self.shown.setdefault(wearer, set()).add(alarm)


class Made:
    """Requests made beforehand, for as long as a row lasts. Each wearer's fixes are in order."""

    def __init__(self, subjects: list[Subject], dice: random.Random) -> None:
        self.subjects, self.dice = subjects, dice
        self._turn = 0
        self._fresh = list(range(len(subjects)))
        dice.shuffle(self._fresh)
        self._stamp: Counter = Counter()

    def requests(self, rate: float, per: int, count: int, alarms: int) -> list[Request]:
        """`rate` 0: all at once. The alarms are spread over the time."""
        began_ms = int(time.time() * 1_000)
        sure = {round((n + 0.5) * count / per / (alarms or 1)): None for n in range(alarms)}
        made = []
        for n in range(count // per):
            due_s = n * per / rate if rate else 0.0
            picked = [self._next() for _ in range(per)]
            planted = None
            if n in sure and self._fresh:
                picked[-1] = self.subjects[self._fresh.pop()]
                planted = picked[-1].wearer
            fixes = [self._fix(each, began_ms + int(due_s * 1_000)) for each in picked]
            alarm = "removing" if planted else None  # a place is held for a minute; a cut strap rings at once
            data = _single(*fixes[0], alarm) if per == 1 else _many(fixes, alarm)
            keys = tuple((device, at) for device, at, _, _ in fixes)
            made.append(Request(due_s, data, per, keys, planted))
        return made

    def _next(self) -> Subject:
        self._turn = (self._turn + 1) % len(self.subjects)
        return self.subjects[self._turn]

    def _fix(self, each: Subject, at_ms: int) -> tuple[str, int, float, float]:
        at_ms = max(at_ms, self._stamp[each.device] + 1)
        self._stamp[each.device] = at_ms
        lat, lon = each.lat, each.lon
        return each.device, at_ms, lat + self.dice.uniform(-1e-4, 1e-4), lon + self.dice.uniform(-1e-4, 1e-4)


def _single(device: str, at_ms: int, lat: float, lon: float, alarm: str | None = None) -> bytes:
    said = f"&alarm={alarm}" if alarm else ""
    return (
        f"GET /device?id={device}&lat={lat:.6f}&lon={lon:.6f}&timestamp={at_ms}&accuracy=12{said} HTTP/1.1\r\n{HEAD}"
        f"X-Device-Key: {KEY}\r\n\r\n"
    ).encode()


def _many(fixes: list[tuple[str, int, float, float]], alarm: str | None = None) -> bytes:
    """With an alarm: the last of them says it."""
    said = [""] * (len(fixes) - 1) + [f',"alarm":"{alarm}"' if alarm else ""]
    rows = ",".join(
        f'{{"id":"{device}","key":"{KEY}","lat":{lat:.6f},"lon":{lon:.6f},"timestamp":{at_ms},"accuracy":12{more}}}'
        for (device, at_ms, lat, lon), more in zip(fixes, said, strict=True)
    )
    return (
        f"POST /device/batch HTTP/1.1\r\n{HEAD}Content-Type: application/json\r\nContent-Length: {len(rows) + 2}\r\n\r\n[{rows}]"
    ).encode()


# --- figures -------------------------------------------------------------------------------------------------------


def percentile(values: list[float], share: float) -> float | None:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else None


def raw_flush(folder: Path, size: int = BLOCK_BYTES, count: int = FSYNCS) -> tuple[float, float, float]:
    """p50 and p99 of write + fdatasync into a file with its room, in ms; and bytes a second in a row."""
    path = folder / "raw"
    handle = os.open(path, os.O_RDWR | os.O_CREAT)
    block, took = os.urandom(size), []
    try:
        os.posix_fallocate(handle, 0, size * count)
        os.fsync(handle)
        for n in range(count):
            began = time.perf_counter()
            os.pwrite(handle, block, n * size)
            os.fdatasync(handle)
            took.append((time.perf_counter() - began) * 1_000)
    finally:
        os.close(handle)
        path.unlink()
    return statistics.median(took), percentile(took, 0.99) or 0.0, size * 1_000 / statistics.mean(took)


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def child(*command: str, ready: bytes = b"ready") -> Generator[subprocess.Popen]:
    process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT)
    try:
        line = process.stdout.readline()
        assert ready in line, (command, line)
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(20)
        process.stdout.close()


def control(folder: Path):
    return child(sys.executable, "-m", "safetynet", "control", "--dir", str(folder))


def server(which: str, port: int, more: str = ""):
    return child(sys.executable, str(ROOT / "bench" / "parts" / "servers.py"), which, str(port), more)


def said(what: str) -> None:
    print(f"{time.monotonic() - BEGAN:6.1f} s  {what}", file=sys.stderr, flush=True)


def judging(port: int) -> str:
    """By what, once that does not change any more: the kernel, or the rules where it cannot be had in time."""
    until = time.monotonic() + KERNEL_S
    while time.monotonic() < until:
        with urllib.request.urlopen(f"http://127.0.0.1:{port + centre.HEALTH}/metrics") as answer:
            if b"\nsafetynet_kernel_judges 1" in answer.read():
                return "kernel"
        time.sleep(0.25)
    return "rules"


# --- what is measured ----------------------------------------------------------------------------------------------


def saturate(port: int, pid: int, requests: list[Request], connections: int) -> tuple[load.Run, int, int]:
    """As fast as it goes: the run, fixes a second, fixes per second of the server's processor."""
    before = cpu_s(pid)
    run = load.drive(port, requests, connections, [], lambda: True)
    assert not run.unanswered, run.statuses
    return run, round(run.rate), round(sum(each.fixes for each in run.acked) / max(cpu_s(pid) - before, 0.01))


def row(plan: Plan, folder: Path, port: int, pid: int, made: Made, window: Window, others: list[Window], tally: Tally,
        rate: int, per: int) -> dict:  # fmt: skip
    flush_p50, flush_p99, _ = raw_flush(folder)
    count = int(rate * plan.seconds) // per * per
    requests = made.requests(rate, per, count, int(plan.alarms_per_s * plan.seconds))
    before = cpu_s(pid)

    def seen() -> bool:
        planted = {each.planted for each in requests if each.planted and each.began_at}
        return planted <= {wearer for wearer, _ in window.seen.values()}

    give_up_s = plan.seconds + LATE_S
    run = load.drive(
        port + centre.DEVICES, requests, 16 if per > 1 else 64, [window, *others], seen, give_up_s=give_up_s
    )
    tally.add(run)
    used = cpu_s(pid) - before
    first: dict[str, float] = {}
    for wearer, at in window.seen.values():
        first[wearer] = min(at, first.get(wearer, at))
    waited = [(first[r.planted] - r.began_at) * 1_000 for r in run.acked if r.planted in first]
    answered = [(r.acked_at - r.began_at) * 1_000 for r in run.acked]
    took = run.ended_at - run.began_at
    p50, p99 = percentile(waited, 0.5), percentile(waited, 0.99)
    found = {
        "offered_per_s": rate,
        "per_request": per,
        "reached_per_s": round(run.rate),
        "sustained": len(run.acked) == len(requests) and took < plan.seconds + LATE_S,
        "alarms": len(waited),
        "alarm_p50_ms": p50 and round(p50, 2),
        "alarm_p99_ms": p99 and round(p99, 2),
        "answer_p50_ms": round(percentile(answered, 0.5) or 0.0, 2),
        "answer_p99_ms": round(percentile(answered, 0.99) or 0.0, 2),
        "fsync_p50_ms": round(flush_p50, 3),
        "fsync_p99_ms": round(flush_p99, 3),
        "p50_fsync_ratio": p50 and round(p50 / flush_p50, 1),
        "p99_fsync_ratio": p99 and round(p99 / flush_p50, 1),
        "cpu_share": round(used / took, 2),
    }
    print(json.dumps(found), flush=True)
    return found


def killed(plan: Plan, folder: Path, port: int, made: Made, tally: Tally) -> None:
    """kill -9 in the middle of a load; what was not answered is sent again to the program that comes after it."""
    rate, per = (10_000, 100) if plan is FULL else (2_000, 20)
    requests = made.requests(rate, per, rate, 10)
    with control(folder) as process:
        killer = subprocess.Popen(["sh", "-c", f"sleep 0.5; kill -9 {process.pid}"])
        run = load.drive(port + centre.DEVICES, requests, 8, [], lambda: True)
        killer.wait()
        assert process.wait(10) == -signal.SIGKILL, "or it was not under load when it died"
    tally.add(run)
    with control(folder):
        window = Window(port, centre.ACCOUNT, centre.PASSWORD)
        again = sorted(run.unanswered, key=lambda each: each.keys)
        for each in again:
            each.due_s = 0.0
        wanted = {each.planted for each in requests if each.planted}
        after = load.drive(
            port + centre.DEVICES, again, 1, [window], lambda: wanted <= {wearer for wearer, _ in window.seen.values()}
        )
        assert not after.unanswered, after.statuses
        tally.add(after)
        tally.see(window)
    print(f"kill -9: {len(run.acked)} requests answered before it, {len(again)} sent again", flush=True)


def counted(folder: Path, tally: Tally) -> tuple[int, int]:
    """What is lost and what is doubled, of all rows together."""
    store = centre.read_back(folder)
    held: Counter = Counter()
    with Journal(folder / "journal", store.person_keys) as journal:
        for fix in journal.replay():
            held[fix.device, fix.observed_at] += 1
    raised = Counter(
        event.wearer
        for _, event in store.events()
        if isinstance(event, AlarmRaised) and event.kind is AlarmKind.STRAP_CUT
    )
    store.close()
    lost = sum(key not in held for key in tally.acked)
    lost += sum(wearer not in raised or wearer not in tally.shown for wearer in tally.planted)
    doubled = sum(count - 1 for key, count in held.items() if count > 1 and key not in tally.unsure)
    doubled += sum(count - 1 for wearer, count in raised.items() if count > 1)
    doubled += sum(len(alarms) - 1 for alarms in tally.shown.values())
    print(
        f"{sum(held.values())} fixes in the journal, {len(raised)} alarms in the log, {len(tally.planted)} planted",
        flush=True,
    )
    return lost, doubled


def classic(plan: Plan, folder: Path, port: int, subjects: list[Subject], made: Made) -> int | None:
    """Fixes a second of the classic stack, one per request; None where PostGIS is not installed."""
    with postgis.running(port + 1, folder) as address:
        if address is None:
            print("classic: PostgreSQL with PostGIS is not installed (Debian: postgresql postgis)", flush=True)
            return None
        import psycopg

        with psycopg.connect(address, autocommit=True) as db:
            db.execute("create extension postgis")
            db.execute(
                "create table fix (id bigserial primary key, device text, at bigint, place geometry(point, 4326))"
            )
            db.execute("create table zone (owner text, area geometry)")
            for each in subjects:
                db.execute(
                    "insert into zone select %s, st_buffer(st_setsrid(st_makepoint(%s, %s), 4326)::geography, 150)::geometry",
                    (each.device, each.zone[1], each.zone[0]),
                )
            db.execute("create index on zone (owner)")
            db.execute("create index on zone using gist (area)")
            db.execute("create index on fix (device, at)")
            db.execute("analyze")
        with server("classic", port, address) as process:
            load.drive(port, made.requests(0, 1, 200, 0), 16, [], lambda: True)
            _, rate, _ = saturate(port, process.pid, made.requests(0, 1, plan.classic_fixes, 0), WAYS[0][1])
    return rate


def measured(plan: Plan, folder: Path, port: int) -> dict:
    dice = random.Random(1)
    home = folder / "control"
    said(f"making {plan.wearers} wearers")
    subjects = centre.make(home, port, plan.wearers, dice)
    made, tally = Made(subjects, dice), Tally()
    _, _, bytes_per_s = raw_flush(folder, 100 * 256)
    found: dict = {"bench": "ingest", "raw_flush_fixes_per_s": round(bytes_per_s / 256)}
    said("an echo, and our own way in without judging")
    for which, names in (("echo", ("echo_single", "echo_batch")), ("bare", ("unjudged_single", "unjudged_batch"))):
        with server(which, port, str(home)) as process:
            for (per, connections), name in zip(WAYS, names, strict=True):
                burst = made.requests(0, per, plan.burst_fixes // (1 if per > 1 else 20), 0)
                _, found[f"{name}_per_s"], found[f"{name}_per_cpu_s"] = saturate(port, process.pid, burst, connections)
    print(json.dumps(found), flush=True)
    rows = []
    with control(home) as process:
        at = port + centre.DEVICES
        said("the control centre; waiting for the kernel")
        found["judged_by"] = judging(port)
        said("everybody reports once")
        warm, _, _ = saturate(at, process.pid, made.requests(0, 100 if plan is FULL else 20, plan.wearers, 0), 4)
        tally.add(warm)
        window = Window(port, centre.ACCOUNT, centre.PASSWORD)
        others = [Window(port, centre.ACCOUNT, centre.PASSWORD) for _ in range(plan.windows - 1)]
        for rate, per in plan.rows:
            said(f"{rate} fixes a second, {per} per request")
            rows.append(row(plan, folder, port, process.pid, made, window, others, tally, rate, per))
        tally.see(window)
        for each in (window, *others):
            each.socket.close()
        for (per, connections), name in zip(WAYS, ("single", "batch"), strict=True):
            said(f"as fast as it goes, {per} per request")
            burst = made.requests(0, per, plan.burst_fixes // (1 if per > 1 else 20), 0)
            run, found[f"{name}_max_per_s"], found[f"{name}_per_cpu_s"] = saturate(at, process.pid, burst, connections)
            tally.add(run)
    said("kill -9 under load")
    killed(plan, home, port, made, tally)
    said("counting what is on disk")
    lost, doubled = counted(home, tally)
    said("the classic stack")
    peer = classic(plan, folder, port, subjects, made)
    best = found["single_max_per_s"]
    ratios = [each for each in rows if each["p50_fsync_ratio"] is not None]
    return found | {
        "rows": rows,
        "max_rate_per_s": max([found["batch_max_per_s"], *(each["reached_per_s"] for each in rows)]),
        "sustained_per_s": max((each["offered_per_s"] for each in rows if each["sustained"]), default=0),
        "p50_fsync_ratio_worst": max((each["p50_fsync_ratio"] for each in ratios), default=None),
        "p99_fsync_ratio_worst": max((each["p99_fsync_ratio"] for each in ratios), default=None),
        "classic_per_s": peer,
        "classic_ratio": peer and round(best / peer, 1),
        "classic_ratio_batches": peer and round(found["batch_max_per_s"] / peer, 1),
        "lost": lost,
        "duplicated": doubled,
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--short", action="store_true", help="a few seconds, for the tests")
    parser.add_argument("--port", type=int, default=17_400)
    said = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=ROOT, prefix="bench-ingest-") as name:
        Path(name).chmod(0o755)
        print(json.dumps(measured(SHORT if said.short else FULL, Path(name), said.port)))


if __name__ == "__main__":
    main()
