"""`safetynet backup` and `safetynet restore`: a centre's folder as one file, and back without rolling anything back.

A backup is made while the programs run and is verified by unpacking it again. A restore ends everything that was alive
in it, begins a new epoch, and declares in the ledger what is missing; whoever was erased since stays erased.

Absent on purpose: key files in the archive. They go into a file of their own, sealed for somebody else's safe.
"""

import argparse
import contextlib
import shutil
import sys
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from safetynet.core import events, ledger
from safetynet.core.ledger import Checkpoint, Frontier, VerifierKey
from safetynet.core.terms import CentreId
from safetynet.edge import archive, clock, config, erasures, files, heads, journal, judged, keys, sealed, snapshot
from safetynet.edge.archive import BadArchiveError, Manifest
from safetynet.edge.heads import Heads
from safetynet.edge.journal import CorruptError, Journal
from safetynet.edge.keys import CentreKeys
from safetynet.edge.store import Damaged, Restoration, Store

LOG: Final = "log.db"
RELAY_LOG: Final = "relay.db"
JOURNAL: Final = "journal"
NEEDED: Final = ("keys/log.key", "keys/sign.key", "keys/person.key")
PUBLIC_KEYS: Final = ("keys/ca.pem", "keys/peers.json")
SECRETS: Final = ("sources.json", "demo.json")
"""Outside `keys/`: they go with the keys, only ever into the sealed file."""
NEVER: Final = (LOG, RELAY_LOG, JOURNAL, "ledger", "reserve", "sessions.json", "footage", judged.FILE)
"""Copied in another way, made anew, or (who was signed in; past footage, which must end in time) over with the restore."""


def _files(folder: Path) -> tuple[list[str], list[str]]:
    """Names below `folder` for the archive, and for the sealed file. What a later release adds is not forgotten."""
    plain: list[str] = []
    apart: list[str] = []
    for path in sorted(each for each in folder.rglob("*") if each.is_file() and not each.is_symlink()):
        name = path.relative_to(folder).as_posix()
        top = name.partition("/")[0]
        unfinished = any(part.startswith(".") for part in name.split("/"))
        if top in NEVER or unfinished or path.name.endswith((".lock", "-wal", "-shm")):
            continue
        secret = name in SECRETS or (top == "keys" and name not in PUBLIC_KEYS)
        (apart if secret else plain).append(name)
    return plain, apart


Tell = Callable[[str], None]


class CannotRestoreError(Exception):
    """It is refused, and nothing was changed. The message is for the person at the keyboard."""


class Secrets(msgspec.Struct, frozen=True):
    """What the sealed file holds."""

    centre: CentreId
    files: dict[str, bytes]


# --- out -----------------------------------------------------------------------------------------------------------


def backup(folder: Path, to: Path, tell: Tell = lambda _: None) -> Manifest:
    """Writes the archive `to` while the programs of `folder` run, and reads it back.

    Raises BadArchiveError, Damaged or CorruptError when what was written does not stand; then no file is left.
    """
    if to.resolve().is_relative_to(folder.resolve()):
        raise BadArchiveError("a backup cannot lie in the folder that it is of")
    centre, own = config.read(folder), keys.open_centre(folder)
    with _workroom(to) as stage:
        tell("copy")
        with snapshot.frozen(folder / LOG) as copy:
            if (folder / JOURNAL).is_dir():
                journal.copy(folder / JOURNAL, stage / JOURNAL)  # after the instant of the log: never behind its marks
            copy(stage / LOG, lambda _done, _all: None)
        if (folder / RELAY_LOG).exists():
            with snapshot.frozen(folder / RELAY_LOG) as copy:
                copy(stage / RELAY_LOG, lambda _done, _all: None)
        for name in _files(folder)[0]:
            (stage / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / name, stage / name)
        tell("sign")
        manifest = _described(stage, centre.id, own)
        tell("pack")
        archive.pack(stage, manifest, own.sign, to)
    try:
        with _workroom(to) as stage:
            tell("verify")
            _verified(archive.unpack(to, stage, _signed_by(own)), stage, own)
    except BaseException:
        to.unlink()
        raise
    return manifest


def _described(stage: Path, centre: CentreId, own: CentreKeys) -> Manifest:
    """Opened once, so that the copy stands by itself without a write-ahead log."""
    stones = erasures.read(stage / erasures.FILE)
    with _opened(stage, centre, own) as store:
        size, epoch = store.head(), store.said_to(centre).epoch
        root = Frontier().extend(store.leaves()).root()
        body = Checkpoint(ledger.origin_of(centre), size, root).body
        key = VerifierKey(ledger.origin_of(centre), own.log_public)
        signs = size > store.signed_through()
        note = ledger.signed_note(body, key, own.sign_log(body)).text.decode() if signs else ""
    fixes = 0
    if (stage / JOURNAL).is_dir():
        with _opened(stage, centre, own) as store, Journal(stage / JOURNAL, store.person_keys) as positions:
            fixes = positions.newest
    _clean(stage)
    return Manifest(
        v=archive.VERSION,
        centre=centre,
        events=events.VERSION,
        made_at=clock.now(),
        epoch=epoch,
        size=size,
        root=root.hex(),
        note=note,
        fixes=fixes,
        erasures=len(stones),
        erasures_sha256=erasures.digest(stones).hex(),
        files=archive.entries(stage),
    )


def _signed_by(own: CentreKeys) -> Callable[[Manifest, bytes, bytes], None]:
    def believe(_manifest: Manifest, body: bytes, signature: bytes) -> None:
        if not keys.verify(own.public, archive.signed_part(body), signature):
            raise BadArchiveError("the manifest is not signed by this centre's key")

    return believe


def _verified(manifest: Manifest, stage: Path, own: CentreKeys) -> None:
    """Every event against its leaf, the root against the manifest, every position against its key."""
    centre = manifest.centre
    with _opened(stage, centre, own) as store:
        tree = Frontier().extend(store.leaves())
        if (store.head(), tree.root().hex()) != (manifest.size, manifest.root):
            raise BadArchiveError("the log is not the one that the manifest describes")
        for _ in store.events():
            continue  # raises Damaged where an event is not what its leaf says
        if (stage / JOURNAL).is_dir():
            with Journal(stage / JOURNAL, store.person_keys) as positions:
                for _ in positions.replay():
                    continue  # raises CorruptError
                if positions.newest != manifest.fixes:
                    raise BadArchiveError("the journal is not the one that the manifest describes")
    if manifest.note:
        heard, note = heads.read(manifest.note.encode())
        key = VerifierKey(ledger.origin_of(centre), own.log_public)
        if heard is None or note is None or not ledger.signed_by(note, key, keys.verify):
            raise BadArchiveError("the checkpoint is not signed by this centre's log key")
        if (heard.size, heard.root.hex()) != (manifest.size, manifest.root):
            raise BadArchiveError("the checkpoint signs another log")


def secrets_of(folder: Path) -> Secrets:
    """Keys, and addresses and passwords that lie in files."""
    return Secrets(config.read(folder).id, {name: (folder / name).read_bytes() for name in _files(folder)[1]})


def seal_keys(folder: Path, seal: Callable[[bytes], bytes], to: Path) -> None:
    """For somebody else's safe."""
    files.write(to, seal(msgspec.msgpack.encode(secrets_of(folder))), mode=0o400)


# --- and back ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A restore as the operator asked for it. `erasures` None: the operator vouches that nobody was erased since."""

    source: Path
    folder: Path
    secrets: Secrets
    erasures: Path | None
    newest: bytes | None = None
    """The largest checkpoint of this log that anybody holds."""


def restore(wish: Wish, tell: Tell = lambda _: None) -> Restoration:
    """Makes `wish.folder`, whole or not at all. Raises CannotRestoreError, BadArchiveError, Damaged, CorruptError."""
    folder = wish.folder
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CannotRestoreError(f"{folder} is not empty: a restore never writes over anything")
    with _workroom(folder) as stage:
        tell("unpack")
        for name, data in wish.secrets.files.items():
            if not (stage / name).resolve().is_relative_to(stage.resolve()):
                raise CannotRestoreError(f"{name} would lie outside")
            files.write(stage / name, data, mode=0o600 if name.endswith(".json") else 0o400)
        missing = [each for each in NEEDED if not (stage / each).exists()]
        if missing:
            raise CannotRestoreError(f"without {', '.join(missing)} nothing of it can be read")
        own = keys.open_centre(stage)

        def believe(manifest: Manifest, body: bytes, signature: bytes) -> None:
            if wish.secrets.centre != manifest.centre:
                raise CannotRestoreError(
                    f"this is a backup of {manifest.centre}, the keys are of {wish.secrets.centre}"
                )
            _signed_by(own)(manifest, body, signature)

        manifest = archive.unpack(wish.source, stage, believe)
        if config.read(stage).id != manifest.centre:
            raise CannotRestoreError(f"this is a backup of {manifest.centre}, its centre.json is another's")
        tell("verify")
        _verified(manifest, stage, own)
        stones = _stones(wish, manifest, stage)
        tell("declare")
        with _opened(stage, manifest.centre, own) as store:
            point = _newest(wish.newest, store, manifest, own)
            made = _ended(store, stage, stones, point, known=wish.erasures is not None)
        _clean(stage)
        if folder.exists():
            folder.rmdir()
        stage.rename(folder)
        files.sync_folders(folder.parent)
    return made


def _stones(wish: Wish, manifest: Manifest, stage: Path) -> tuple[bytes, ...]:
    """The list of erasures must begin with the one that the backup knew: else it is older, or another centre's."""
    if wish.erasures is None:
        return erasures.read(stage / erasures.FILE)
    if not wish.erasures.exists():
        raise CannotRestoreError(f"{wish.erasures} is not there")
    stones = erasures.read(wish.erasures)
    begin = stones[: manifest.erasures]
    if len(begin) != manifest.erasures or erasures.digest(begin).hex() != manifest.erasures_sha256:
        raise CannotRestoreError("this list of erasures is older than the backup, or another centre's")
    return stones


def _newest(text: bytes | None, store: Store, manifest: Manifest, own: CentreKeys) -> Checkpoint | None:
    """What was known to be there. A smaller checkpoint than the backup's must be of the same history."""
    if text is None:
        return None
    point = Heads(store, manifest.centre, own.log_public, own.sign_log).of_ours(text)
    if point is None:
        raise CannotRestoreError("that checkpoint is not signed by this log")
    if point.size > manifest.size:
        return point
    tree = Frontier()
    for leaf, _ in zip(store.leaves(), range(point.size), strict=False):
        tree = tree.append(leaf)
    if tree.root() != point.root:
        raise CannotRestoreError("that checkpoint signs another history than this backup's")
    return None


def _ended(
    store: Store, stage: Path, stones: tuple[bytes, ...], point: Checkpoint | None, *, known: bool
) -> Restoration:
    listed, gone = set(stones), 0
    for subject in store.subjects():
        if store.tombstone(subject) in listed:
            store.erase(subject)
            gone += 1
    lines = b"".join(each.hex().encode() + b"\n" for each in stones)
    files.write(stage / erasures.FILE, lines, mode=0o600)  # the list as it was given, not as erasing again has left it
    return store.begin_epoch(
        found="operator",
        size_before=point.size if point else 0,
        root_before=point.root if point else b"",
        erased=gone,
        erasures_known=known,
    )


# --- both ----------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _workroom(beside: Path) -> Generator[Path]:
    """A folder on the same disk that is gone afterwards, unless it was renamed into its place."""
    stage = beside.with_name(f".{beside.name}.unfinished")
    shutil.rmtree(stage, ignore_errors=True)  # left by one that was killed
    stage.mkdir(mode=0o700, parents=True)
    try:
        yield stage
    finally:
        if stage.exists():
            shutil.rmtree(stage)


@contextlib.contextmanager
def _opened(folder: Path, centre: CentreId, own: CentreKeys) -> Generator[Store]:
    store = Store.open(folder / LOG, centre=centre, keys=own.persons, sign=own.sign, salt=keys.salt)
    try:
        yield store
    finally:
        store.close()


def _clean(stage: Path) -> None:
    """Lock files are of the process that held them."""
    for each in (stage / f"{LOG}.lock", stage / JOURNAL / "lock"):
        each.unlink(missing_ok=True)


# --- commands ------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _progress(words: dict[str, str]) -> Generator[Tell]:
    columns = (SpinnerColumn(), BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=len(words))
        yield lambda word: bar.update(task, advance=1, description=words[word])


def _phrase(path: Path) -> str:
    return path.read_text(encoding="utf-8").strip("\r\n")


def backup_main(given: Sequence[str] | None = None) -> int:
    ask = argparse.ArgumentParser(prog="safetynet backup", description="A centre's folder as one file, while it runs.")
    ask.add_argument("--dir", type=Path, required=True, help="the centre's folder")
    ask.add_argument("--to", type=Path, required=True, help="the file to write, or a folder to write it into")
    ask.add_argument("--keys-to", type=Path, metavar="FILE", help="the keys, sealed, apart; keep it elsewhere")
    how = ask.add_mutually_exclusive_group()
    how.add_argument("--passphrase-file", type=Path, metavar="FILE", help="what seals the keys")
    how.add_argument("--recipient", type=Path, metavar="PEM", help="X25519 public key of who may open the keys")
    said = ask.parse_args(given)
    if (said.keys_to is None) != (said.passphrase_file is None and said.recipient is None):
        ask.error("--keys-to goes with --passphrase-file or --recipient")
    to: Path = said.to
    if to.is_dir():
        to /= f"{config.read(said.dir).id}-{clock.now()}.tar.gz"
    if to.exists():
        return _no(f"{to} is there already")
    words = {"copy": "복사 copy", "sign": "서명 sign", "pack": "쓰기 write", "verify": "검증 verify"}
    try:
        if said.keys_to is not None:
            seal_keys(said.dir, _seal(said.passphrase_file, said.recipient), said.keys_to)
        with _progress(words) as tell:
            manifest = backup(said.dir, to, tell)
    except (BadArchiveError, Damaged, CorruptError, OSError, ValueError) as fault:
        return _no(str(fault))
    made = {"backup": str(to), "centre": manifest.centre, "size": manifest.size, "root": manifest.root}
    more = {"fixes": manifest.fixes, "erasures": manifest.erasures, "bytes": to.stat().st_size, "verified": True}
    print(msgspec.json.encode({**made, **more, "keys": said.keys_to and str(said.keys_to)}).decode())
    return 0


def _seal(passphrase: Path | None, recipient: Path | None) -> Callable[[bytes], bytes]:
    if recipient is not None:
        public = sealed.read_recipient(recipient)
        return lambda data: sealed.to_recipient(data, public)
    assert passphrase is not None
    phrase = _phrase(passphrase)
    return lambda data: sealed.to_passphrase(data, phrase)


def restore_main(given: Sequence[str] | None = None) -> int:
    ask = argparse.ArgumentParser(prog="safetynet restore", description="A centre's folder from its backup.")
    ask.add_argument("source", type=Path, metavar="FILE", help="what `safetynet backup` wrote")
    ask.add_argument("--dir", type=Path, required=True, help="the folder to make; it must be empty or absent")
    ask.add_argument("--keys", type=Path, required=True, metavar="FILE", help="the sealed keys")
    how = ask.add_mutually_exclusive_group(required=True)
    how.add_argument("--passphrase-file", type=Path, metavar="FILE")
    how.add_argument("--identity", type=Path, metavar="PEM", help="X25519 private key")
    who = ask.add_mutually_exclusive_group(required=True)
    who.add_argument("--erasures", type=Path, metavar="FILE", help=f"the newest {erasures.FILE} that is left")
    who.add_argument(
        "--no-erasures-since", action="store_true", help="you vouch that nobody was erased since; recorded"
    )
    ask.add_argument("--newest-checkpoint", type=Path, metavar="NOTE", help="the largest checkpoint anybody holds")
    said = ask.parse_args(given)
    words = {"unpack": "풀기 unpack", "verify": "검증 verify", "declare": "기록 declare"}
    try:
        blob = said.keys.read_bytes()
        plain = (
            sealed.by_identity(blob, sealed.read_identity(said.identity))
            if said.identity is not None
            else sealed.by_passphrase(blob, _phrase(said.passphrase_file))
        )
        wish = Wish(
            source=said.source,
            folder=said.dir,
            secrets=msgspec.msgpack.decode(plain, type=Secrets),
            erasures=said.erasures,
            newest=said.newest_checkpoint.read_bytes() if said.newest_checkpoint else None,
        )
        with _progress(words) as tell:
            made = restore(wish, tell)
    except (CannotRestoreError, BadArchiveError, Damaged, CorruptError, OSError, ValueError) as fault:
        return _no(str(fault))
    missing = made.size_before - made.size
    print(msgspec.json.encode({"restored": str(said.dir), "size": made.size, "missing": missing, "epoch": made.epoch, "erased": made.erased, "erasures_known": made.erasures_known}).decode())  # fmt: skip
    return 0


def _no(why: str) -> int:
    print(why, file=sys.stderr)
    return 1
