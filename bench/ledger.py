"""What the ledger costs: appending, signing, publishing, verifying, against bare SHA-256 of the same bytes in the same run.

.venv/bin/python bench/ledger.py [--records 100000]
"""

import argparse
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from safetynet.app import audit
from safetynet.core import events, ledger
from safetynet.core.events import Segment, StreamOpened
from safetynet.core.ledger import Checkpoint, Frontier, VerifierKey
from safetynet.core.terms import CameraId, GrantId, Instant, StreamId
from safetynet.edge import keys, tiles

GROUP = 100
"""Records signed together: one flush."""


def seconds(work: Callable[[], object], times: int = 3) -> float:
    """The best of a few runs: this machine is shared."""
    best = float("inf")
    for _ in range(times):
        begun = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - begun)
    return best


class Memory:
    def __init__(self, records: int) -> None:
        digest, grant, camera = hashlib.sha256(b"segment").digest(), GrantId("grant-1"), CameraId("garam-7")
        self.rows: list[audit.Opening] = []
        for index in range(records):
            at, stream = Instant(1_790_000_000_000 + index), StreamId(f"s{index // 1000}")
            event: StreamOpened | Segment
            if index % 1000 == 0:
                event = StreamOpened(at=at, side="given", grant=grant, camera=camera, stream=stream)
            else:
                event = Segment(
                    at=at,
                    side="given",
                    grant=grant,
                    camera=camera,
                    stream=stream,
                    seq=index % 1000,
                    first_ticks=index,
                    last_ticks=index + 1,
                    size_bytes=40_000,
                    sha256=digest,
                )
            record = msgspec.msgpack.encode((events.VERSION, index + 1, event))
            self.rows.append(audit.Opening(index, index.to_bytes(32, "big"), record))
        self.entries = [ledger.commit(each.salt, each.record) for each in self.rows]

    def leaves(self, start: int = 0) -> Iterator[bytes]:
        return iter(self.entries[start:])

    def openings(self, start: int = 0) -> Iterator[audit.Opening]:
        return iter(self.rows[start:])


def main() -> None:
    ask = argparse.ArgumentParser()
    ask.add_argument("--records", type=int, default=100_000)
    records: int = ask.parse_args().records
    store = Memory(records)
    with tempfile.TemporaryDirectory(prefix="ledger-") as name:
        folder = Path(name)
        own = keys.open_centre(folder / "centre")
        key = VerifierKey("safetynet/garam", own.log_public)

        def bare() -> None:
            """The same bytes hashed the same number of times: a leaf of 33 bytes, a node of 65, a record."""
            sha256, node = hashlib.sha256, bytes(65)
            for entry, row in zip(store.entries, store.rows, strict=True):
                sha256(b"\x00" + entry).digest()
                sha256(node).digest()
                sha256(row.record).digest()

        def grow() -> None:
            Frontier().extend(store.entries)

        def flush() -> None:
            tree = Frontier()
            for start in range(0, records, GROUP):
                rows = store.rows[start : start + GROUP]
                tree = tree.extend([ledger.commit(each.salt, each.record) for each in rows])
                own.sign_log(Checkpoint("safetynet/garam", tree.size, tree.root()).body)

        raw, grown, flushed = seconds(bare), seconds(grow), seconds(flush)
        body = Checkpoint("safetynet/garam", records, b"\0" * 32).body
        signed = seconds(lambda: [own.sign_log(body) for _ in range(1_000)]) / 1_000
        begun = time.perf_counter()
        audit.publish(store, key, own.sign_log, folder / "out" / "garam")
        published = time.perf_counter() - begun
        audited = seconds(lambda: tiles.audit(folder / "out" / "garam"), 2)
        verdict = audit.verify(folder / "out")
        assert not verdict.faults
        verified = seconds(lambda: audit.verify(folder / "out"), 1)
        written = sum(each.stat().st_size for each in (folder / "out").rglob("*") if each.is_file())
        probe = folder / "probe"
        handle = os.open(probe, os.O_WRONLY | os.O_CREAT)
        synced = seconds(lambda: (os.pwrite(handle, b"x" * 4096, 0), os.fdatasync(handle)), 20)
        os.close(handle)

    figures = {
        "records": records,
        "append_per_s": round(records / grown),
        "records_per_s_signed_per_100": round(records / flushed),
        "sign_us": round(signed * 1e6, 1),
        "publish_s": round(published, 2),
        "publish_bytes_per_record": round(written / records, 1),
        "audit_s": round(audited, 2),
        "verify_s": round(verified, 2),
        "verify_s_per_million": round(verified / records * 1e6, 2),
        "raw_sha256_s": round(raw, 3),
        "raw_fdatasync_us": round(synced * 1e6, 1),
        "ratio_append_to_raw": round(grown / raw, 2),
        "ratio_flush_to_raw": round(flushed / raw, 2),
        "ratio_audit_to_raw": round(audited / raw, 2),
        "ratio_verify_to_raw": round(verified / raw, 2),
    }
    for name, value in figures.items():
        print(f"{name:<32} {value:>14,}")
    print(json.dumps({"bench": "ledger", **figures}))


if __name__ == "__main__":
    main()
