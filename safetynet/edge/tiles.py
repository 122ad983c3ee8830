"""A ledger on disk as outsiders read it (C2SP tlog-tiles), written as it grows, and read back with a full audit.

    checkpoint               the newest signed note, always written last
    checkpoints/<size>       every note published before it: an outsider may hold any of them
    tile/entries/..., tile/<level>/...
    key.vkey                 the name and public key that the notes are signed with

Nothing here can make the published tree smaller or another one: what is there is read and checked before a longer
tree is signed. What an opened record says is none of this room's business (app.audit).
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final, Self

from safetynet.core import ledger
from safetynet.core.ledger import HASH_BYTES, TILE_HEIGHT, TILE_WIDTH, Checkpoint, Frontier, MalformedError, Note, Tile
from safetynet.edge import files, keys

CHECKPOINT: Final = "checkpoint"
CHECKPOINTS: Final = "checkpoints"
KEY: Final = "key.vkey"


class ForkError(RuntimeError):
    """What should be published is not a continuation of what has been published."""


# --- writing -------------------------------------------------------------------------------------------------------


class Publisher:
    """Continues the tree in one folder. Keep it open between flushes: it holds the unfinished tiles, nothing more."""

    def __init__(self, folder: Path, key: ledger.VerifierKey, note: Note | None) -> None:
        self._folder, self._key, self.note = folder, key, note
        self._tree = Frontier()
        self._entries: list[bytes] = []
        self._rows: list[list[bytes]] = []

    @classmethod
    def open(cls, folder: Path, key: ledger.VerifierKey) -> Self:
        """Raises ForkError when the folder holds another log, or tiles that its checkpoint does not sign.

        Reads O(log n) tiles, those that it will continue; `audit` reads them all.
        """
        path = folder / CHECKPOINT
        if not path.exists():
            if (folder / CHECKPOINTS).exists():
                raise ForkError("the checkpoint is gone, older ones are there")
            return cls(folder, key, None)
        try:
            note = ledger.read_note(path.read_bytes())
            signed = ledger.read_checkpoint(note.body)
            if not ledger.signed_by(note, key, keys.verify) or signed.origin != key.name:
                raise ForkError("the published checkpoint is not signed by this log")
            made = cls(folder, key, note)
            made._load(signed)
        except (MalformedError, FileNotFoundError) as fault:
            raise ForkError(f"the published log cannot be continued: {fault}") from fault
        return made

    @property
    def size(self) -> int:
        return self._tree.size

    @property
    def unfinished(self) -> tuple[bytes, ...]:
        """Entries of the last bundle that is not full yet: they begin at `size - len(unfinished)`."""
        return tuple(self._entries)

    def extend(self, entries: Iterable[bytes], sign: Callable[[bytes], bytes]) -> Note:
        """Publishes what follows the first `size` entries: tiles, their folders, then the checkpoint.

        All of it or nothing counts: until the checkpoint is renamed, readers have the old tree.
        """
        tree, bundle, rows = self._tree, [*self._entries], [[*each] for each in self._rows]
        coming, folders = iter(entries), set[Path]()
        while more := [*islice(coming, TILE_WIDTH - len(bundle))]:
            assert all(0 < len(each) <= ledger.ENTRY_BYTES_MAX for each in more)
            at = tree.size // TILE_WIDTH
            bundle += more
            hashes = [ledger.leaf_hash(each) for each in more]
            tree = tree.extend_hashes(hashes)
            self._write(Tile(None, at, len(bundle)), ledger.bundle(bundle), folders)
            self._climb(tree.size, rows, hashes, folders)
            if len(bundle) == TILE_WIDTH:
                bundle = []
        if self.note is None or tree.size > self._tree.size:
            self.note = self._finish(tree, rows, folders, sign)
            self._tree, self._entries, self._rows = tree, bundle, rows
        assert self.note is not None
        return self.note

    def _climb(self, size: int, rows: list[list[bytes]], hashes: list[bytes], folders: set[Path]) -> None:
        """Adds hashes to level 0; a tile that becomes full is written and hands its root to the level above."""
        level = 0
        while hashes:
            if level == len(rows):
                rows.append([])
            rows[level] += hashes
            hashes = []
            if len(rows[level]) == TILE_WIDTH:
                full = tuple(rows[level])
                number = (size >> (TILE_HEIGHT * (level + 1))) - 1
                self._write(Tile(level, number), b"".join(full), folders)
                rows[level] = []
                hashes = [ledger.tile_root(full)]
            level += 1

    def _finish(
        self, tree: Frontier, rows: list[list[bytes]], folders: set[Path], sign: Callable[[bytes], bytes]
    ) -> Note:
        for level, row in enumerate(rows):
            if row:
                number = (tree.size >> (TILE_HEIGHT * level)) // TILE_WIDTH
                self._write(Tile(level, number, len(row)), b"".join(row), folders)
        files.write(self._folder / KEY, f"{self._key.text}\n".encode(), sync_folder=False)
        files.sync_folders(self._folder, *sorted(folders))
        point = Checkpoint(self._key.name, tree.size, tree.root())
        if self.note is not None:  # kept before it is replaced: no crash can lose it, or leave one that is ahead
            files.write(self._folder / CHECKPOINTS / str(self.size), self.note.text)
        note = ledger.signed_note(point.body, self._key, sign(point.body))
        files.write(self._folder / CHECKPOINT, note.text)
        self._prune(tree.size)
        return note

    def _write(self, tile: Tile, data: bytes, folders: set[Path]) -> None:
        path = self._folder / tile.path
        files.write(path, data, sync_folder=False)
        folders.update(each for each in path.parents if each.is_relative_to(self._folder))

    def _prune(self, size: int) -> None:
        """Partial forms of tiles that have become full since the last checkpoint: the full ones serve for them."""
        level: int | None = None
        before, now = self._tree.size, size
        while now >= TILE_WIDTH:
            number = before // TILE_WIDTH
            if before % TILE_WIDTH and now // TILE_WIDTH > number:
                partials = (self._folder / Tile(level, number).path).with_suffix(".p")
                for each in partials.iterdir():
                    each.unlink()
                partials.rmdir()
            if level is not None:
                before, now = before >> TILE_HEIGHT, now >> TILE_HEIGHT
            level = 0 if level is None else level + 1

    def _load(self, signed: Checkpoint) -> None:
        reader = Reader(self._folder, signed.size)
        if ledger.root(signed.size, reader.hash_at) != signed.root:
            raise ForkError("the published tiles are not those that the checkpoint signs")
        width = signed.size
        while width:
            number, rest = divmod(width, TILE_WIDTH)
            self._rows.append(list(reader.hashes(Tile(len(self._rows), number, rest))) if rest else [])
            width = number
        number, rest = divmod(signed.size, TILE_WIDTH)
        if rest:
            self._entries = list(reader.entries(Tile(None, number, rest)))
            if [ledger.leaf_hash(each) for each in self._entries] != self._rows[0]:
                raise ForkError("the last bundle is not what its tile says")
        self._tree = Frontier(signed.size, reader.peaks())


def publish(
    folder: Path,
    key: ledger.VerifierKey,
    leaves: Callable[[int], Iterable[bytes]],
    sign: Callable[[bytes], bytes],
    *,
    whole: bool = False,
) -> Note:
    """Brings the folder up to a store's leaves (`Store.leaves`: entries from an index on).

    Compares what was published with the store first: the last unfinished bundle, or with `whole` everything. Raises
    ForkError when the store has fewer leaves or others.
    """
    publisher = Publisher.open(folder, key)
    size = publisher.size
    start = 0 if whole else size - len(publisher.unfinished)
    coming = iter(leaves(start))
    reader = Reader(folder, size)
    for number in range(start // TILE_WIDTH, -(-size // TILE_WIDTH)):
        published = reader.entries(Tile(None, number, min(TILE_WIDTH, size - number * TILE_WIDTH)))
        held = tuple(islice(coming, len(published)))
        if len(held) < len(published):
            raise ForkError(f"the store ends at {number * TILE_WIDTH + len(held)}, published are {size}")
        if held != published:
            at = next(at for at, (one, two) in enumerate(zip(held, published, strict=True)) if one != two)
            raise ForkError(f"leaf {number * TILE_WIDTH + at} is not the one that was published")
    return publisher.extend(coming, sign)


# --- reading -------------------------------------------------------------------------------------------------------


class Reader:
    """Tiles of a tree of a known size. Raises FileNotFoundError and MalformedError; checks widths, not hashes."""

    def __init__(self, folder: Path, size: int) -> None:
        self._folder, self._size = folder, size

    def entries(self, tile: Tile) -> tuple[bytes, ...]:
        entries = ledger.read_bundle(self._read(tile))
        if len(entries) < tile.width:
            raise MalformedError(f"{tile.path} holds {len(entries)} entries, not {tile.width}")
        return entries[: tile.width]

    def hashes(self, tile: Tile) -> tuple[bytes, ...]:
        data = self._read(tile)
        if len(data) % HASH_BYTES or len(data) < tile.width * HASH_BYTES:
            raise MalformedError(f"{tile.path} holds {len(data)} bytes, not {tile.width * HASH_BYTES}")
        return tuple(data[at : at + HASH_BYTES] for at in range(0, tile.width * HASH_BYTES, HASH_BYTES))

    def hash_at(self, level: int, index: int) -> bytes:
        """For `ledger.inclusion`, `ledger.consistency` and `ledger.root`."""
        upper, below = divmod(level, TILE_HEIGHT)
        number, place = divmod(index << below, TILE_WIDTH)
        width = min(TILE_WIDTH, (self._size >> (TILE_HEIGHT * upper)) - number * TILE_WIDTH)
        row = [*self.hashes(Tile(upper, number, width))[place : place + (1 << below)]]
        while len(row) > 1:
            row = [ledger.node_hash(left, right) for left, right in zip(row[::2], row[1::2], strict=True)]
        return row[0]

    def peaks(self) -> tuple[bytes, ...]:
        """Of the tree's frontier."""
        levels = [each for each in reversed(range(self._size.bit_length())) if self._size >> each & 1]
        return tuple(self.hash_at(each, (self._size >> each) - 1) for each in levels)

    def _read(self, tile: Tile) -> bytes:
        """A full tile serves for a partial one that was pruned."""
        path = self._folder / tile.path
        if tile.width < TILE_WIDTH and not path.exists():
            path = self._folder / Tile(tile.level, tile.number).path
        try:
            return path.read_bytes()
        except FileNotFoundError:
            raise FileNotFoundError(f"{tile.path} is missing") from None


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, where: `index` is the leaf, or the first of the leaves that a bad tile covers."""

    log: str
    index: int | None
    what: str


@dataclass(slots=True)
class Audited:
    """What a full reading of one log found. `entries` holds None where a bundle could not be read."""

    log: str
    key: ledger.VerifierKey | None = None
    checkpoint: Checkpoint | None = None
    entries: list[bytes | None] = field(default_factory=list[bytes | None])
    older: int = 0
    faults: list[Fault] = field(default_factory=list[Fault])

    def fault(self, what: str, index: int | None = None) -> None:
        self.faults.append(Fault(self.log, index, what))


def audit(folder: Path, known: Iterable[Note] = ()) -> Audited:
    """Reads everything, computes every tile and root from the entries, and checks every signature.

    That every entry is under the signed root, and that every older checkpoint is a prefix, follows from computing
    those roots anew: stronger than a proof of each. `known` are notes of this log that the auditor holds himself.
    """
    found = Audited(folder.name)
    try:
        found.key = ledger.read_verifier_key((folder / KEY).read_text(encoding="utf-8").removesuffix("\n"))
    except (MalformedError, FileNotFoundError, UnicodeDecodeError) as fault:
        found.fault(f"{KEY}: {fault}")
        return found
    found.checkpoint = _checkpoint(found, CHECKPOINT, _bytes_of(folder / CHECKPOINT))
    if found.checkpoint is None:
        return found
    older = {CHECKPOINT: found.checkpoint, **_older(found, folder, known)}
    roots = _recompute(found, folder, found.checkpoint.size, {each.size for each in older.values()})
    for name, point in older.items():
        if point.size > found.checkpoint.size:
            found.fault(f"{name} signs {point.size} entries, the newest checkpoint only {found.checkpoint.size}")
        elif roots.get(point.size) != point.root:
            found.fault(f"{name}: the entries do not hash to the root it signs (size {point.size})")
    found.older = len(older) - 1
    return found


def _bytes_of(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _checkpoint(found: Audited, name: str, text: bytes | None) -> Checkpoint | None:
    if text is None:
        found.fault(f"{name} is missing")
        return None
    assert found.key is not None
    try:
        note = ledger.read_note(text)
        point = ledger.read_checkpoint(note.body)
    except MalformedError as fault:
        found.fault(f"{name}: {fault}")
        return None
    if point.origin != found.key.name or not ledger.signed_by(note, found.key, keys.verify):
        found.fault(f"{name}: the signature does not hold")
        return None
    return point


def _older(found: Audited, folder: Path, known: Iterable[Note]) -> dict[str, Checkpoint]:
    older: dict[str, Checkpoint] = {}
    place = folder / CHECKPOINTS
    for path in sorted(place.iterdir()) if place.is_dir() else ():
        name = f"{CHECKPOINTS}/{path.name}"
        point = _checkpoint(found, name, path.read_bytes())
        if point is None:
            continue
        if path.name != str(point.size):
            found.fault(f"{name} signs size {point.size}")
        older[name] = point
    assert found.key is not None
    for number, note in enumerate(known):
        point = _checkpoint(found, f"known checkpoint {number}", note.text)
        if point is not None:
            older[f"known checkpoint {number}"] = point
    return older


def _recompute(found: Audited, folder: Path, size: int, wanted: set[int]) -> dict[int, bytes]:
    """Roots at the wanted sizes, from the entries; compares every tile on the way."""
    reader, tree, roots = Reader(folder, size), Frontier(), {0: ledger.EMPTY_ROOT}
    above: list[bytes] = []
    for number in range(-(-size // TILE_WIDTH)):
        hashes = _bundle(found, reader, Tile(None, number, min(TILE_WIDTH, size - number * TILE_WIDTH)))
        if hashes is None:
            return roots
        at = tree.size
        for stop in sorted({each for each in wanted if at < each < at + len(hashes)} | {at + len(hashes)}):
            tree = tree.extend_hashes(hashes[tree.size - at : stop - at])
            roots[stop] = tree.root() if stop in wanted else b""
        if len(hashes) == TILE_WIDTH:
            above.append(ledger.tile_root(hashes))
    level = 1
    while above:
        above = _compare_level(found, reader, level, above)
        level += 1
    _strays(found, folder, reader, size)
    return roots


def _bundle(found: Audited, reader: Reader, tile: Tile) -> tuple[bytes, ...] | None:
    """Leaf hashes of one bundle, compared with its tile; from the tile alone when the bundle cannot be read."""
    first = tile.number * TILE_WIDTH
    hashes: tuple[bytes, ...] | None = None
    try:
        entries = reader.entries(tile)
        found.entries.extend(entries)
        hashes = tuple(map(ledger.leaf_hash, entries))
    except (MalformedError, FileNotFoundError) as fault:
        found.fault(f"{tile.path}: {fault}", first)
        found.entries.extend([None] * tile.width)
    lowest = Tile(0, tile.number, tile.width)
    try:
        said = reader.hashes(lowest)
    except (MalformedError, FileNotFoundError) as fault:
        found.fault(f"{lowest.path}: {fault}", first)
        return hashes
    if hashes is None:
        return said
    for at, (made, written) in enumerate(zip(hashes, said, strict=True)):
        if made != written:
            found.fault(f"{tile.path} and {lowest.path} disagree about this leaf", first + at)
    return hashes


def _compare_level(found: Audited, reader: Reader, level: int, row: list[bytes]) -> list[bytes]:
    """Compares one upper level with what its tiles say; returns the level above it."""
    above: list[bytes] = []
    for start in range(0, len(row), TILE_WIDTH):
        part = tuple(row[start : start + TILE_WIDTH])
        tile = Tile(level, start // TILE_WIDTH, len(part))
        first = start << (TILE_HEIGHT * level)
        try:
            said = reader.hashes(tile)
        except (MalformedError, FileNotFoundError) as fault:
            found.fault(f"{tile.path}: {fault}", first)
        else:
            wrong = [at for at, (made, written) in enumerate(zip(part, said, strict=True)) if made != written]
            if wrong:
                found.fault(
                    f"{tile.path} is not the hash of the tiles below", (start + wrong[0]) << (TILE_HEIGHT * level)
                )
        if len(part) == TILE_WIDTH:
            above.append(ledger.tile_root(part))
    return above


def _strays(found: Audited, folder: Path, reader: Reader, size: int) -> None:
    """Partial tiles of earlier sizes must be beginnings of the present ones; other files have no place here.

    Tiles beyond the checkpoint are no fault: a publisher writes them first, and nothing signs them yet.
    """
    for tile in _tiles_in(found, folder):
        level = tile.level or 0
        covered = min(TILE_WIDTH, (size >> (TILE_HEIGHT * level)) - tile.number * TILE_WIDTH)
        if tile.width >= covered:
            continue
        whole = Tile(tile.level, tile.number, covered)
        read = reader.entries if tile.level is None else reader.hashes
        try:
            if read(tile) != read(whole)[: tile.width]:
                found.fault(
                    f"{tile.path} is not the beginning of {whole.path}", tile.number << (TILE_HEIGHT * (level + 1))
                )
        except (MalformedError, FileNotFoundError) as fault:
            found.fault(f"{tile.path}: {fault}", tile.number << (TILE_HEIGHT * (level + 1)))


def _tiles_in(found: Audited, folder: Path) -> Iterator[Tile]:
    for path in sorted((folder / "tile").rglob("*")):
        if path.is_dir() or path.name.startswith("."):
            continue
        name = path.relative_to(folder).as_posix()
        try:
            tile = ledger.read_tile_path(name)
        except MalformedError as fault:
            found.fault(f"{name}: {fault}")
            continue
        yield tile
