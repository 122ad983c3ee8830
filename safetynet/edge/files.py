"""A file that is there whole or not at all, also after a power cut."""

import os
from collections.abc import Iterable
from pathlib import Path


def write(
    path: Path, data: bytes | Iterable[bytes], *, mode: int = 0o644, replace: bool = True, sync_folder: bool = True
) -> None:
    """Temporary name, fsync, rename. Without `replace` an existing file stays and FileExistsError is raised.

    Pieces are written as they come: no more than one is held. `sync_folder` False leaves it to the caller to call `sync_folders` once for many files.
    """
    path.parent.mkdir(mode=0o755 if mode & 0o044 else 0o700, parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.new")
    unfinished.unlink(missing_ok=True)
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines((data,) if isinstance(data, bytes) else data)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            unfinished.replace(path)
        else:
            os.link(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
    if sync_folder:
        sync_folders(path.parent, path.parent.parent)


def sync_folders(*folders: Path) -> None:
    """Makes names durable: an fsync of a file does not do that."""
    for each in folders:
        handle = os.open(each, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def sync(handle: int) -> None:
    """What was written to this open file is on disk when this returns."""
    os.fsync(handle)
