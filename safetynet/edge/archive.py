"""A backup as one file: a tar with a signed manifest in front, each file with its size and hash.

Nothing is believed that the manifest does not name, and nothing is left out that it names. Key files are never in it.
"""

import base64
import gzip
import hashlib
import io
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Final

import msgspec

from safetynet.core.terms import CentreId, Instant
from safetynet.edge import files
from safetynet.edge.codec import NONSENSE
from safetynet.edge.disk import free_bytes

VERSION: Final = 1
MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "manifest.sig"
MANIFEST_BYTES_MAX: Final = 16 * 1024 * 1024
CHUNK_BYTES: Final = 1024 * 1024
_DOMAIN: Final = b"safetynet/backup/1\n"


class BadArchiveError(Exception):
    """Not a backup, damaged, or changed by somebody."""


class Entry(msgspec.Struct, frozen=True):
    size_bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What the backup is of, and at which instant. `note` is the ledger's checkpoint, signed; empty for an empty log."""

    v: int
    centre: CentreId
    events: int
    """Version of the events in its log."""
    made_at: Instant
    epoch: int
    size: int
    root: str
    note: str
    fixes: int
    erasures: int
    erasures_sha256: str
    files: dict[str, Entry]


def entries(folder: Path) -> dict[str, Entry]:
    """Of every file below `folder`."""
    found: dict[str, Entry] = {}
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        with path.open("rb") as file:
            found[path.relative_to(folder).as_posix()] = Entry(path.stat().st_size, _sha256(file))
    return found


def pack(folder: Path, manifest: Manifest, sign: Callable[[bytes], bytes], to: Path) -> None:
    """Whole and on disk under its name when this returns; readable by its owner only."""
    body = msgspec.json.format(msgspec.json.encode(manifest))
    unfinished = to.with_name(f".{to.name}.new")
    unfinished.touch(0o600)
    try:
        with unfinished.open("wb") as raw:
            with tarfile.open(fileobj=raw, mode="w:gz", compresslevel=1, format=tarfile.PAX_FORMAT) as tar:
                _put(tar, MANIFEST, io.BytesIO(body), len(body))
                signature = base64.b64encode(sign(_DOMAIN + body))
                _put(tar, SIGNATURE, io.BytesIO(signature), len(signature))
                for name, entry in manifest.files.items():
                    with (folder / name).open("rb") as file:
                        _put(tar, f"files/{name}", file, entry.size_bytes)
            raw.flush()
            files.sync(raw.fileno())
        unfinished.replace(to)
        files.sync_folders(to.parent)
    finally:
        unfinished.unlink(missing_ok=True)


def _silent(_name: str, _bytes: int) -> None:
    """Nobody watches the progress."""


def unpack(
    path: Path,
    to: Path,
    believe: Callable[[Manifest, bytes, bytes], None],
    told: Callable[[str, int], None] = _silent,
    free: Callable[[Path], int] = free_bytes,
) -> Manifest:
    """Writes the files below `to`, each checked against the manifest. Raises BadArchiveError.

    `believe` gets the manifest, its bytes and its signature before any file is written, and raises when it is not by
    whom it must be: whose key that is lies in no backup.
    """
    try:
        with gzip.open(path) as raw, tarfile.open(fileobj=raw, mode="r:") as tar:
            body = _take(tar, MANIFEST)
            signature = base64.b64decode(_take(tar, SIGNATURE), validate=True)
            manifest = msgspec.json.decode(body, type=Manifest)
            if manifest.v != VERSION:
                raise BadArchiveError(f"made by a release with backups of version {manifest.v}")
            believe(manifest, body, signature)
            _fits(manifest, free(to))
            for name, entry in manifest.files.items():
                _extract(tar, name, entry, to)
                told(name, entry.size_bytes)
            if tar.next() is not None:
                raise BadArchiveError("more is in it than its manifest names")
            while raw.read(CHUNK_BYTES):
                continue  # to the end, where the check sum of the whole stands
    except (tarfile.TarError, zlib.error, EOFError, OSError, ValueError, *NONSENSE) as fault:
        raise BadArchiveError(f"{path.name}: {fault}") from fault
    return manifest


def _fits(manifest: Manifest, room_bytes: int) -> None:
    sizes = [each.size_bytes for each in manifest.files.values()]
    if min(sizes, default=0) < 0:
        raise BadArchiveError("a file of less than nothing")
    if sum(sizes) > room_bytes:
        raise BadArchiveError(f"{sum(sizes)} bytes do not fit into the {room_bytes} that are free")


def signed_part(body: bytes) -> bytes:
    return _DOMAIN + body


def _put(tar: tarfile.TarFile, name: str, file: IO[bytes], size_bytes: int) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size_bytes, 0o600
    tar.addfile(info, file)


def _member(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    info = tar.next()
    if info is None or info.name != name or not info.isfile():
        raise BadArchiveError(f"{name} is not where it must be")
    file = tar.extractfile(info)
    assert file is not None, "a regular file has content"
    return file


def _take(tar: tarfile.TarFile, name: str) -> bytes:
    data = _member(tar, name).read(MANIFEST_BYTES_MAX + 1)
    if len(data) > MANIFEST_BYTES_MAX:
        raise BadArchiveError(f"{name} is too long")
    return data


def _extract(tar: tarfile.TarFile, name: str, entry: Entry, to: Path) -> None:
    place = to / name
    if not place.resolve().is_relative_to(to.resolve()):
        raise BadArchiveError(f"{name} would lie outside")
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    place.touch(0o600, exist_ok=False)
    source, hashed, left = _member(tar, f"files/{name}"), hashlib.sha256(), entry.size_bytes
    with place.open("wb") as file:
        while chunk := source.read(min(CHUNK_BYTES, left + 1)):
            left -= len(chunk)
            if left < 0:
                break
            hashed.update(chunk)
            file.write(chunk)
        file.flush()
        files.sync(file.fileno())
    if left != 0 or hashed.hexdigest() != entry.sha256:
        raise BadArchiveError(f"{name} is not what the manifest says")


def _sha256(file: IO[bytes]) -> str:
    hashed = hashlib.sha256()
    while chunk := file.read(CHUNK_BYTES):
        hashed.update(chunk)
    return hashed.hexdigest()
