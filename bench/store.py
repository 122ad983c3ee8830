"""What a durable commit costs, against the raw flush of the same bytes on the same disk in the same run.

Absolute times of a virtual disk mean little; the ratio does. A commit seals each event under its person's key, draws a
salt, makes the leaf, and holds an outbox row for one event in ten.
"""

import json
import os
import statistics
import tempfile
import time
from pathlib import Path

from safetynet.core import events as e
from safetynet.core.messages import EndIncident, Send
from safetynet.core.terms import (
    AlarmId,
    AlarmKind,
    CentreId,
    Certainty,
    FixId,
    IncidentId,
    Instant,
    Priority,
    Source,
    WearerId,
    Why,
)
from safetynet.edge.codec import encode_record
from safetynet.edge.keys import open_centre, salt
from safetynet.edge.store import Store

SIZES = (1, 10, 100)
ROUNDS = 150


def alarm(number: int) -> e.AlarmRaised:
    place = e.Place(36.35, 127.38, 12.0, Source.GNSS, Instant(1), Instant(2), FixId(number))
    return e.AlarmRaised(
        at=Instant(number), alarm=AlarmId(f"a-{number}"), wearer=WearerId(f"w-{number % 200}"),
        kind=AlarmKind.STRAP_CUT, priority=Priority.EMERGENCY, certainty=Certainty.CERTAIN, place=place, zone=None,
        episode="e", order_version=1, rules="1",
    )  # fmt: skip


def percentiles(took_s: list[float]) -> tuple[float, float]:
    ordered = sorted(took_s)
    return statistics.median(ordered) * 1_000, ordered[int(len(ordered) * 0.99)] * 1_000


def main() -> None:
    figures: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(dir=".") as name:  # beside the code: the folder for temporary files may be memory
        folder = Path(name)
        keys = open_centre(folder)
        store = Store.open(folder / "log.db", centre=CentreId("bench"), keys=keys.persons, sign=keys.sign, salt=salt)
        store.commit([alarm(number) for number in range(200)])  # every person has a key from here on
        raw = os.open(folder / "raw", os.O_RDWR | os.O_CREAT)
        for size in SIZES:
            events = [alarm(number) for number in range(size)]
            sends = [Send(CentreId("garam"), EndIncident(incident=IncidentId("i"), why=Why.STOPPED))] * (size // 10)
            block = os.urandom(sum(len(encode_record(1, event)) for event in events))
            flushes: list[float] = []
            commits: list[float] = []
            for _ in range(ROUNDS):  # in turns, so that both meet the same disk
                start = time.perf_counter()
                os.write(raw, block)
                os.fdatasync(raw)
                flushed = time.perf_counter()
                store.commit(events, sends)
                flushes.append(flushed - start)
                commits.append(time.perf_counter() - flushed)
            (flush_p50, flush_p99), (commit_p50, commit_p99) = percentiles(flushes), percentiles(commits)
            figures[str(size)] = {
                "commit_p50_ms": round(commit_p50, 3),
                "commit_p99_ms": round(commit_p99, 3),
                "fdatasync_p50_ms": round(flush_p50, 3),
                "fdatasync_p99_ms": round(flush_p99, 3),
                "ratio_p50": round(commit_p50 / flush_p50, 2),
                "events_per_s": round(size / commit_p50 * 1_000),
            }
            print(f"{size:>4} events: commit {commit_p50:.3f} ms, raw flush of {len(block)} bytes {flush_p50:.3f} ms")
        os.close(raw)
        start = time.perf_counter()
        count = sum(1 for _ in store.events())
        rebuilt_per_s = round(count / (time.perf_counter() - start))
        store.close()
    print(f"rebuild: {count} events, {rebuilt_per_s} per second, each opened and checked against its leaf")
    print(json.dumps({"bench": "store", "commit_by_events": figures, "rebuild_events_per_s": rebuilt_per_s}))


if __name__ == "__main__":
    main()
