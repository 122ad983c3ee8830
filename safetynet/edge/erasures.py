"""The list of erasures, kept apart from the log: whoever was erased after a backup must not come back with it.

A line is a tombstone (edge.keys): it names nobody, and only the centre's own person.key can tell whose it is. So the
list may lie on other disks and in other hands. Lines are only ever added, each on disk before its erasure is done.

Absent on purpose: when, and who.
"""

import hashlib
import os
from pathlib import Path
from typing import Final

FILE: Final = "erasures.list"
STONE_BYTES: Final = 32
_LINE_BYTES: Final = STONE_BYTES * 2 + 1


def add(path: Path, stone: bytes) -> None:
    """When this returns it is on disk. Raises OSError: then the erasure must not be done, or a restore would undo it."""
    assert len(stone) == STONE_BYTES
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        whole = os.fstat(handle).st_size // _LINE_BYTES * _LINE_BYTES  # behind it a line that a crash cut short
        os.pwrite(handle, stone.hex().encode() + b"\n", whole)
        os.fsync(handle)
    finally:
        os.close(handle)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read(path: Path) -> tuple[bytes, ...]:
    """In the order in which they were added; none when there is no file. Raises ValueError when it is no such list."""
    if not path.exists():
        return ()
    lines = path.read_bytes().split(b"\n")
    stones = tuple(bytes.fromhex(line.decode("ascii")) for line in lines[:-1])
    if any(len(each) != STONE_BYTES for each in stones):
        raise ValueError(f"{path.name} is not a list of erasures")
    return stones


def digest(stones: tuple[bytes, ...]) -> bytes:
    """By which a backup knows its own list again at the head of a longer one."""
    return hashlib.sha256(b"".join(stones)).digest()
