"""At the files: an administrator with SQL, an editor and the real keys. Nothing he does goes unseen."""

import asyncio
import json
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from safetynet.core import ledger
from safetynet.core.events import Segment
from safetynet.edge import codec, keys
from safetynet.sim.provision import CONTROL
from tools.attacks.book import Wave, attack
from tools.attacks.stage import GARAM, ROOT, Broken, Stage, copy, demand

TRIGGERS: Final = ("event_follows", "event_stays", "event_remains")
COMMAND_S_MAX: Final = 60.0


async def product(*arguments: str) -> tuple[int, dict[str, Any]]:
    """Exit status and the last line's JSON of a command of the product."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "safetynet", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    out, _ = await asyncio.wait_for(process.communicate(), COMMAND_S_MAX)
    lines = out.decode().strip().splitlines()
    last = lines[-1] if lines and lines[-1].startswith("{") else "{}"
    return process.returncode or 0, json.loads(last)


async def published(stage: Stage) -> Path:
    """Both ledgers as an outsider gets them: made once, whole and sound. What an attack spoils is a copy."""
    out = stage.folder / "published"
    if not out.exists():
        for centre in (CONTROL, GARAM):
            code, _ = await product("publish", "--dir", str(stage.kept(centre)), "--out", str(out))
            demand(code == 0, f"the ledger of {centre} cannot be published")
        code, said = await product("verify", str(out))
        demand(code == 0 and said["ok"] and said["compared"], f"an honest ledger does not verify: {said}")
        demand(said["matched"] > 0, "no segment stands in both ledgers, so their comparison says nothing")
    return out


def _copy(source: Path, stage: Stage, name: str) -> Path:
    return copy(source, stage.folder / "spoilt" / name)


async def _found(folder: Path, what: str, *more: str) -> str:
    code, said = await product("verify", str(folder), *more)
    demand(code != 0 and said.get("fault_count", len(said.get("faults", []))), f"{what}: verified as {said}")
    return json.dumps(said["faults"][:1], ensure_ascii=False)


# --- SQL -----------------------------------------------------------------------------------------------------------


def _sql(folder: Path, work: Callable[[sqlite3.Connection], None], *, triggers: bool = False) -> None:
    db = sqlite3.connect(folder / "log.db", isolation_level=None)
    db.execute("pragma recursive_triggers = on")
    if not triggers:
        for each in TRIGGERS:
            db.execute(f"drop trigger {each}")
    try:
        work(db)
        db.execute("pragma wal_checkpoint(truncate)")
    finally:
        db.close()


async def _refuses(stage: Stage, name: str, work: Callable[[sqlite3.Connection], None]) -> None:
    """The log is spoilt in a copy of the folder: neither the old copy of the ledger nor a new one may bear it out."""
    known = await published(stage) / GARAM / "checkpoint"
    folder = _copy(stage.kept(GARAM), stage, name)
    _sql(folder, work)
    fresh, old = stage.folder / "spoilt" / f"{name}-new", _copy(await published(stage), stage, f"{name}-old")
    code, _ = await product("publish", "--dir", str(folder), "--out", str(fresh))
    if code == 0:
        await _found(fresh, f"{name}, published anew", "--known", str(known))
    code, _ = await product("publish", "--dir", str(folder), "--out", str(old))
    if code == 0:
        await _found(old, f"{name}, published over the old one", "--known", str(known))


@attack("a record deleted or changed by SQL, as the store stands", Wave.STORE, "the log may be deleted from")
async def plain_sql(stage: Stage) -> None:
    folder = _copy(stage.kept(GARAM), stage, "plain")
    for words in (
        "delete from event where serial = 3", "delete from event", "update event set leaf = x'00' where serial = 3",
        "insert or replace into event values (3, null, x'00', x'00')", "update event set serial = 99999 where serial = 3",
        "delete from inbox", "update inbox set seq = 0",
    ):  # fmt: skip
        try:
            _sql(folder, lambda db, words=words: db.execute(words), triggers=True)
        except sqlite3.IntegrityError:
            continue
        raise Broken(f"the store lets {words!r} through")


@attack("a record deleted by SQL, with the triggers taken out", Wave.STORE)
async def deleted(stage: Stage) -> None:
    def work(db: sqlite3.Connection) -> None:
        last = db.execute("select max(serial) from event").fetchone()[0]
        db.execute("delete from event where serial = ?", (last // 2,))

    await _refuses(stage, "deleted", work)


@attack("a record changed by SQL, with the triggers taken out", Wave.STORE)
async def changed(stage: Stage) -> None:
    def work(db: sqlite3.Connection) -> None:
        serial, sealed = db.execute(
            "select serial, sealed from event where subject is null order by serial limit 1 offset 3"
        ).fetchone()
        spoilt = bytearray(sealed)
        spoilt[-1] ^= 1
        db.execute("update event set sealed = ? where serial = ?", (bytes(spoilt), serial))

    await _refuses(stage, "changed", work)


def _segment(db: sqlite3.Connection) -> tuple[int, Segment]:
    """A segment that was given, as it stands in the log."""
    for serial, sealed in db.execute(
        "select serial, sealed from event where subject is null order by serial"
    ).fetchall():
        _, event = codec.decode_record(sealed[32:])
        if isinstance(event, Segment) and event.side == "given":
            return serial, event
    raise Broken("no segment was given")


def _rewrite(db: sqlite3.Connection, serial: int, event: Any) -> None:
    """Record, salt and leaf made anew, as if it had always been so."""
    record, salt = codec.encode_record(serial, event), b"\x07" * 32
    leaf = ledger.entry(salt, record, sealed=False)
    db.execute("update event set sealed = ?, leaf = ? where serial = ?", (salt + record, leaf, serial))


@attack("a record rewritten together with its leaf", Wave.STORE)
async def rewritten(stage: Stage) -> None:
    def work(db: sqlite3.Connection) -> None:
        serial, event = _segment(db)
        _rewrite(db, serial, msgspec.structs.replace(event, size_bytes=1))
        db.execute("delete from checkpoint")

    await _refuses(stage, "rewritten", work)


@attack("the end of a log cut off, with every checkpoint the store kept", Wave.STORE)
async def cut_off(stage: Stage) -> None:
    def work(db: sqlite3.Connection) -> None:
        last = db.execute("select max(serial) from event").fetchone()[0]
        db.execute("delete from event where serial > ?", (last - 5,))
        db.execute("delete from checkpoint")

    await _refuses(stage, "cut-off", work)


# --- the published ledger ------------------------------------------------------------------------------------------


def _some(folder: Path, pattern: str) -> Path:
    return next(iter(sorted(folder.rglob(pattern))))


@attack("a tile of the published ledger edited", Wave.STORE)
async def tile(stage: Stage) -> None:
    for n, pattern in enumerate(("tile/0/*", "tile/entries/*")):
        folder = _copy(await published(stage), stage, f"tile{n}")
        path = next(
            each
            for each in sorted(folder.glob(f"{GARAM}/{pattern}/**/*")) + sorted(folder.glob(f"{GARAM}/{pattern}"))
            if each.is_file()
        )
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
        await _found(folder, f"a byte of {path.name}")


@attack("a published record edited, or left out", Wave.STORE, "verification does not ask for what must be opened")
async def record(stage: Stage) -> None:
    for what in ("edited", "left out", "twice"):
        folder = _copy(await published(stage), stage, f"record-{what}")
        path = folder / GARAM / "records.jsonl"
        lines = path.read_bytes().splitlines(keepends=True)
        middle = len(lines) // 2
        if what == "edited":
            said = json.loads(lines[middle])
            said["record"] = said["record"][:-4] + ("AAA=" if not said["record"].endswith("AAA=") else "BBB=")
            lines[middle] = json.dumps(said).encode() + b"\n"
        elif what == "left out":
            del lines[middle]
        else:
            lines.insert(middle, lines[middle])
        path.write_bytes(b"".join(lines))
        await _found(folder, f"a record {what}")


def _fork(stage: Stage, folder: Path) -> None:
    """Another tree of the same size, signed by the real key: every checkpoint that lies here is replaced."""
    own = keys.open_centre(stage.kept(GARAM))
    key = ledger.VerifierKey(ledger.origin_of(GARAM), own.log_public)
    note = ledger.read_note((folder / GARAM / "checkpoint").read_bytes())
    point = ledger.read_checkpoint(note.body)
    body = ledger.Checkpoint(point.origin, point.size, bytes(32)).body
    text = ledger.signed_note(body, key, own.sign_log(body)).text
    (folder / GARAM / "checkpoint").write_bytes(text)
    shutil.rmtree(folder / GARAM / "checkpoints", ignore_errors=True)
    (folder / GARAM / "checkpoints").mkdir()
    (folder / GARAM / "checkpoints" / str(point.size)).write_bytes(text)


@attack("a checkpoint of another tree, signed with the real key", Wave.STORE)
async def forked(stage: Stage) -> None:
    folder = _copy(await published(stage), stage, "forked")
    _fork(stage, folder)
    await _found(folder, "a forked checkpoint")
    await _found(
        folder,
        "a forked checkpoint against one that was kept",
        "--known",
        str(await published(stage) / GARAM / "checkpoint"),
    )


@attack(
    "a ledger shortened to an older checkpoint, all of it sound",
    Wave.STORE,
    "older checkpoints of an auditor are not asked",
)
async def shortened(stage: Stage) -> None:
    """A log of fewer records, honestly made and signed: only who kept the larger checkpoint can tell."""
    known = await published(stage) / GARAM / "checkpoint"
    folder = _copy(stage.kept(GARAM), stage, "shortened")

    def work(db: sqlite3.Connection) -> None:
        last = db.execute("select max(serial) from event").fetchone()[0]
        db.execute("delete from event where serial > ?", (last - 3,))
        db.execute("delete from checkpoint")

    _sql(folder, work)
    out = stage.folder / "spoilt" / "shortened-out"
    code, _ = await product("publish", "--dir", str(folder), "--out", str(out))
    demand(code == 0, "a shortened log cannot be published, so this shows nothing")
    await _found(out, "a shortened log", "--known", str(known))


@attack("a ledger of a stranger under a known name", Wave.STORE, "any key signs a ledger")
async def stranger(stage: Stage) -> None:
    out = await published(stage)
    folder = _copy(out, stage, "stranger")
    trusted = stage.folder / "trusted"
    trusted.write_text("".join((out / each / "key.vkey").read_text() for each in (CONTROL, GARAM)))
    other = keys.open_centre(stage.folder / "stranger-log")
    key = ledger.VerifierKey(ledger.origin_of(GARAM), other.log_public)
    for path in (folder / GARAM / "checkpoint", *(folder / GARAM / "checkpoints").glob("*")):
        body = ledger.read_note(path.read_bytes()).body
        path.write_bytes(ledger.signed_note(body, key, other.sign_log(body)).text)
    (folder / GARAM / "key.vkey").write_text(f"{key.text}\n")
    await _found(folder, "a ledger under a stranger's key", "--trust", str(trusted))
