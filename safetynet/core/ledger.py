"""The Merkle log: append, prove, check; its tiles, checkpoints and signed notes.

Hashes after RFC 6962 section 2, proofs checked after RFC 9162 section 2.1; tiles, checkpoints, notes and cosignatures
after C2SP (tlog-tiles, tlog-checkpoint, signed-note, tlog-cosignature), so that tools we did not write can verify us.

Absent on purpose: keys and files. A signature comes in and goes out as 64 bytes (edge.keys); where tiles lie is
edge.tiles. And no personal data: a leaf is a commitment, `commit(salt, record)`.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()
ENTRY_BYTES_MAX: Final = 65_535
TILE_HEIGHT: Final = 8
TILE_WIDTH: Final = 1 << TILE_HEIGHT
NOTE_BYTES_MAX: Final = 65_536
SIGNATURES_MAX: Final = 64
SIZE_MAX: Final = 2**63 - 1
LOG_KEY: Final = 0x01
COSIGNATURE_KEY: Final = 0x04

HashAt: TypeAlias = Callable[[int, int], bytes]
"""(level, index) -> hash of the complete subtree over leaves [index << level, (index + 1) << level)."""


class MalformedError(ValueError):
    """Bytes that are no checkpoint, note, key or tile name."""


# --- hashes --------------------------------------------------------------------------------------------------------


def commit(salt: bytes, record: bytes) -> bytes:
    """HMAC-SHA256 under 32 random bytes. Hides the record, binds to it for ever."""
    assert len(salt) == HASH_BYTES, "a short salt lets the record be guessed"
    return hmac.digest(salt, record, "sha256")


_OPEN, _SEALED = b"\x00", b"\x01"


def entry(salt: bytes, record: bytes, *, sealed: bool) -> bytes:
    """The leaf entry of a record: its commitment, and whether it may stay sealed when the log is published.

    The mark is in the tree from the moment of writing: who publishes later cannot leave out what must be opened.
    """
    return commit(salt, record) + (_SEALED if sealed else _OPEN)


def bears_out(entry: bytes, salt: bytes, record: bytes) -> bool:
    """Whether this entry, with its mark or from before there were marks, is of this record."""
    return len(salt) == HASH_BYTES and hmac.compare_digest(entry[:HASH_BYTES], commit(salt, record))


def sealed(entry: bytes) -> bool | None:
    """Whether its record may stay closed; None for an entry from before there were marks. Raises MalformedError."""
    if len(entry) == HASH_BYTES:
        return None
    mark = entry[HASH_BYTES:]
    if mark not in (_OPEN, _SEALED):
        raise MalformedError("a leaf that is no commitment with its mark")
    return mark == _SEALED


def leaf_hash(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """A whole tree as the hashes of its complete subtrees, greatest first: all that appending needs."""

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def append(self, entry: bytes) -> "Frontier":
        return self.extend((entry,))

    def extend(self, entries: Iterable[bytes]) -> "Frontier":
        """All of a batch at once: O(1) amortised per entry."""
        return self.extend_hashes(leaf_hash(each) for each in entries)

    def extend_hashes(self, hashes: Iterable[bytes]) -> "Frontier":
        size, peaks, sha256 = self.size, [*self.peaks], hashlib.sha256
        for node in hashes:
            rest = size
            while rest & 1:
                node = sha256(b"\x01" + peaks.pop() + node).digest()  # noqa: PLW2901 - the hash climbs
                rest >>= 1
            peaks.append(node)
            size += 1
        return Frontier(size, tuple(peaks))

    def root(self) -> bytes:
        root: bytes | None = None
        for peak in reversed(self.peaks):
            root = peak if root is None else node_hash(peak, root)
        return EMPTY_ROOT if root is None else root

    def dump(self) -> bytes:
        """Size (8 bytes, big-endian) and the peaks: under 2.1 kB for any log."""
        return self.size.to_bytes(8, "big") + b"".join(self.peaks)


def load(data: bytes) -> Frontier:
    """Reads what `Frontier.dump` wrote. Raises MalformedError."""
    size, peaks = int.from_bytes(data[:8], "big"), data[8:]
    if len(data) < 8 or size > SIZE_MAX or len(peaks) != size.bit_count() * HASH_BYTES:
        raise MalformedError("not a frontier")
    return Frontier(size, tuple(peaks[at : at + HASH_BYTES] for at in range(0, len(peaks), HASH_BYTES)))


# --- proofs --------------------------------------------------------------------------------------------------------


def _split(size: int) -> int:
    """The greatest power of two below `size` (RFC 6962: k)."""
    return 1 << ((size - 1).bit_length() - 1)


def _subtree(start: int, end: int, hash_at: HashAt) -> bytes:
    """Hash over leaves [start, end); `start` is a multiple of the power of two that covers the range."""
    width = end - start
    if width & (width - 1) == 0:
        level = width.bit_length() - 1
        return hash_at(level, start >> level)
    middle = start + _split(width)
    return node_hash(_subtree(start, middle, hash_at), _subtree(middle, end, hash_at))


def root(size: int, hash_at: HashAt) -> bytes:
    """Of the tree over the first `size` leaves."""
    return _subtree(0, size, hash_at) if size else EMPTY_ROOT


def inclusion(index: int, size: int, hash_at: HashAt) -> tuple[bytes, ...]:
    """Proof that leaf `index` is in the tree over the first `size` leaves; deepest hash first."""
    assert 0 <= index < size
    start, end, path = 0, size, list[bytes]()
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_subtree(middle, end, hash_at))
            end = middle
        else:
            path.append(_subtree(start, middle, hash_at))
            start = middle
    return tuple(reversed(path))


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Iterable[bytes], root: bytes) -> bool:
    """`leaf` is the leaf's hash. RFC 9162 section 2.1.3.2."""
    if not 0 <= index < size:
        return False
    node, last, made = index, size - 1, leaf
    for sibling in proof:
        if last == 0 or len(sibling) != HASH_BYTES:
            return False
        if node & 1 or node == last:
            made = node_hash(sibling, made)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            made = node_hash(made, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and hmac.compare_digest(made, root)


def consistency(old: int, new: int, hash_at: HashAt) -> tuple[bytes, ...]:
    """Proof that the tree of size `new` continues the tree of size `old`. Empty from nothing and for equal sizes."""
    assert 0 <= old <= new
    if old in (0, new):
        return ()
    start, end, whole, path = 0, new, True, list[bytes]()
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(_subtree(middle, end, hash_at))
            end = middle
        else:
            path.append(_subtree(start, middle, hash_at))
            start, whole = middle, False
    if not whole:
        path.append(_subtree(start, end, hash_at))
    return tuple(reversed(path))


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Iterable[bytes]) -> bool:
    """RFC 9162 section 2.1.4.2; every tree continues the empty one."""
    path = list(proof)
    if not 0 <= old <= new or any(len(each) != HASH_BYTES for each in path):
        return False
    if old in (0, new):
        known = EMPTY_ROOT if old == 0 else new_root
        return not path and hmac.compare_digest(old_root, known) and (new > 0 or new_root == EMPTY_ROOT)
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    if not path:
        return False
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    made_old = made_new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            made_old, made_new = node_hash(sibling, made_old), node_hash(sibling, made_new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            made_new = node_hash(made_new, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and hmac.compare_digest(made_old, old_root) and hmac.compare_digest(made_new, new_root)


# --- tiles ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tile:
    """`level` None is a bundle of entries. `width` hashes or entries, TILE_WIDTH when full."""

    level: int | None
    number: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        """As tlog-tiles wants it: `tile/0/x001/x234/067.p/8`."""
        groups = [f"{self.number % 1000:03d}"]
        rest = self.number // 1000
        while rest:
            groups.append(f"x{rest % 1000:03d}")
            rest //= 1000
        level = "entries" if self.level is None else str(self.level)
        partial = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"tile/{level}/{'/'.join(reversed(groups))}{partial}"


_TILE_PATH: Final = re.compile(r"tile/(entries|0|[1-9]\d?)/((?:x\d{3}/){0,6})(\d{3})(?:\.p/([1-9]\d{0,2}))?", re.ASCII)


def read_tile_path(path: str) -> Tile:
    """The only inverse of `Tile.path`: raises MalformedError on any other spelling of the same tile."""
    found = _TILE_PATH.fullmatch(path)
    if found is None:
        raise MalformedError("not a tile's name")
    level, upper, lowest, width = found.groups()
    tile = Tile(
        None if level == "entries" else int(level),
        int(upper.replace("x", "").replace("/", "") + lowest),
        int(width) if width else TILE_WIDTH,
    )
    if tile.path != path:
        raise MalformedError("not the canonical name of a tile")
    return tile


def tiles_of(size: int) -> Iterator[Tile]:
    """Every tile of a tree of this size: bundles first, then level by level; the last of each may be partial."""
    level, width = None, size
    while width:
        yield from (Tile(level, number) for number in range(width >> TILE_HEIGHT))
        if width % TILE_WIDTH:
            yield Tile(level, width >> TILE_HEIGHT, width % TILE_WIDTH)
        level, width = (0, width) if level is None else (level + 1, width >> TILE_HEIGHT)


def bundle(entries: Iterable[bytes]) -> bytes:
    """Each entry behind its length in two bytes, big-endian."""
    return b"".join(len(each).to_bytes(2, "big") + each for each in entries)


def read_bundle(data: bytes) -> tuple[bytes, ...]:
    """Raises MalformedError when the lengths do not add up."""
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if end > len(data):
            raise MalformedError("a bundle that ends inside an entry")
        entries.append(data[at + 2 : end])
        at = end
    return tuple(entries)


def tile_root(hashes: tuple[bytes, ...]) -> bytes:
    """The one hash of a full tile, which stands in the tile above it."""
    assert len(hashes) == TILE_WIDTH
    row = [*hashes]
    while len(row) > 1:
        row = [node_hash(left, right) for left, right in zip(row[::2], row[1::2], strict=True)]
    return row[0]


# --- checkpoints and notes -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Checkpoint:
    origin: str
    size: int
    root: bytes

    @property
    def body(self) -> bytes:
        """What is signed: origin, size, root in base64, each on its line."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n".encode()


_SIZE: Final = re.compile(r"0|[1-9]\d{0,18}", re.ASCII)


def read_checkpoint(body: bytes) -> Checkpoint:
    """Raises MalformedError; extension lines are refused too, for we write none."""
    lines = body.decode("utf-8", "replace").split("\n")
    if len(lines) != 4 or lines[3] or not lines[0] or not _SIZE.fullmatch(lines[1]):
        raise MalformedError("a checkpoint is three lines: origin, size, root")
    made = Checkpoint(lines[0], int(lines[1]), _base64(lines[2]))
    if len(made.root) != HASH_BYTES or made.body != body or made.size > SIZE_MAX:
        raise MalformedError("not the canonical form of a checkpoint")
    return made


@dataclass(frozen=True, slots=True)
class Signature:
    """One line under a note. `blob` is 64 bytes for a log; 8 bytes of Unix time and 64 for a cosignature."""

    name: str
    key_id: bytes
    blob: bytes


@dataclass(frozen=True, slots=True)
class Note:
    body: bytes
    signatures: tuple[Signature, ...]

    @property
    def text(self) -> bytes:
        lines = (
            f"\N{EM DASH} {each.name} {base64.b64encode(each.key_id + each.blob).decode()}\n"
            for each in self.signatures
        )
        return self.body + b"\n" + "".join(lines).encode()


def read_note(text: bytes) -> Note:
    """Raises MalformedError. Whose signature it is and whether it holds is still to be asked (`signed_by`)."""
    if len(text) > NOTE_BYTES_MAX:
        raise MalformedError("a note that is too long")
    body, between, lines = text.rpartition(b"\n\n")
    if not between or not lines.endswith(b"\n") or any(each < 0x20 and each != 0x0A for each in text):
        raise MalformedError("a note is a text, an empty line and signature lines")
    signatures: list[Signature] = []
    for line in lines.decode("utf-8", "replace").split("\n")[:-1]:
        dash, _, rest = line.partition(" ")
        name, _, encoded = rest.partition(" ")
        blob = _base64(encoded)
        if dash != "\N{EM DASH}" or not _NAME.fullmatch(name) or len(blob) < 5:
            raise MalformedError("not a signature line")
        signatures.append(Signature(name, blob[:4], blob[4:]))
    if len(signatures) > SIGNATURES_MAX:
        raise MalformedError("too many signatures")
    note = Note(body + b"\n", tuple(signatures))
    if note.text != text:
        raise MalformedError("not the canonical form of a note")
    return note


_NAME: Final = re.compile(r"[^\s+]+")


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key by name (C2SP vkey). `kind` is LOG_KEY or COSIGNATURE_KEY; `public` 32 bytes Ed25519."""

    name: str
    public: bytes
    kind: int = LOG_KEY

    @property
    def id(self) -> bytes:
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    @property
    def text(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(bytes([self.kind]) + self.public).decode()}"


def read_verifier_key(text: str) -> VerifierKey:
    """Raises MalformedError, also when the id does not follow from name and key."""
    name, id, encoded = [*text.split("+", 2), "", ""][:3]
    key = _base64(encoded)
    if not _NAME.fullmatch(name) or len(key) != 1 + HASH_BYTES or key[0] not in (LOG_KEY, COSIGNATURE_KEY):
        raise MalformedError("not a verifier key")
    made = VerifierKey(name, key[1:], key[0])
    if made.id.hex() != id:
        raise MalformedError("a verifier key whose id is another key's")
    return made


def origin_of(centre: str) -> str:
    """Name of a centre's log: the first line of its checkpoints and the name of its key."""
    return f"safetynet/{centre}"


def signed_note(body: bytes, key: VerifierKey, signature: bytes) -> Note:
    assert key.kind == LOG_KEY
    assert len(signature) == 64
    return Note(body, (Signature(key.name, key.id, signature),))


Verify: TypeAlias = Callable[[bytes, bytes, bytes], bool]
"""(public key, data, signature) -> whether it holds: edge.keys.verify."""


def signed_by(note: Note, key: VerifierKey, verify: Verify) -> bool:
    """Whether `key` signed this note. Lines of other keys are passed over; a false line of this key is a no."""
    own = [each for each in note.signatures if (each.name, each.key_id) == (key.name, key.id)]
    return bool(own) and all(verify(key.public, *_signed(note.body, each.blob, key.kind)) for each in own)


def _signed(body: bytes, blob: bytes, kind: int) -> tuple[bytes, bytes]:
    """Data and signature. A witness signs its time with the body (tlog-cosignature v1)."""
    if kind == LOG_KEY:
        return body, blob
    return f"cosignature/v1\ntime {int.from_bytes(blob[:8], 'big')}\n".encode() + body, blob[8:]


def proof_file(index: int, proof: Iterable[bytes], note: Note) -> bytes:
    """An offline proof of one entry (C2SP tlog-proof). spicy-torchwood 0.9 wants it without the first line."""
    hashes = "".join(f"{base64.b64encode(each).decode()}\n" for each in proof)
    return f"c2sp.org/tlog-proof@v1\nindex {index}\n{hashes}\n".encode() + note.text


def _base64(text: str) -> bytes:
    """Strict: one spelling for each value."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise MalformedError("not base64") from None
    if base64.b64encode(data).decode() != text:
        raise MalformedError("not the canonical base64 of its bytes")
    return data
