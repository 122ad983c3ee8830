"""Files of past footage at rest: in pieces, each sealed under somebody's key, in a folder that is emptied in time.

`D/footage/<name>/<n>` is piece n of one file. The name is a hash of request and camera: the folder says of nobody that
he was looked for. Whoever's key is destroyed takes the pieces along (they are noise), and a sweep takes the noise away.

Absent on purpose: when something must go. The log says so; here it is done.
"""

import asyncio
import hashlib
import shutil
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from safetynet.core.footage import FILE_BYTES_MAX, PIECE_BYTES, piece_count
from safetynet.core.terms import CameraId, FootageId, SubjectId
from safetynet.edge import files
from safetynet.edge.doors import PersonKeys

FOLDER: Final = "footage"
_NAME_CHARS: Final = 40


class TooLarge(Exception):
    """More than FILE_BYTES_MAX."""


@dataclass(frozen=True, slots=True)
class Filed:
    size_bytes: int
    sha256: bytes
    pieces: bytes


class Spool:
    """Used from the program's one thread."""

    def __init__(self, folder: Path, keys: PersonKeys) -> None:
        self._folder, self._keys = folder / FOLDER, keys

    async def file(self, footage: FootageId, camera: CameraId, subject: SubjectId, data: AsyncIterator[bytes]) -> Filed:
        """Takes a whole file in, from its beginning. Raises TooLarge; what the source raises comes out of it."""
        self.drop(footage, (camera,))
        whole, hashes, size, held = hashlib.sha256(), bytearray(), 0, bytearray()

        async def put() -> None:
            piece = bytes(held[:PIECE_BYTES])
            del held[:PIECE_BYTES]
            await self.put(footage, camera, subject, len(hashes) // 32, piece)
            hashes.extend(hashlib.sha256(piece).digest())

        async for some in data:
            size += len(some)
            if size > FILE_BYTES_MAX:
                raise TooLarge
            whole.update(some)
            held += some
            while len(held) >= PIECE_BYTES:
                await put()
        if held:
            await put()
        return Filed(size, whole.digest(), bytes(hashes))

    async def put(self, footage: FootageId, camera: CameraId, subject: SubjectId, n: int, piece: bytes) -> None:
        """On disk when this returns; the program goes on while the disk works."""
        sealed = self._keys.seal(subject, piece, _aad(footage, camera, n))
        await asyncio.to_thread(files.write, self._place(footage, camera) / f"{n:05}", sealed, mode=0o600)

    def piece(self, footage: FootageId, camera: CameraId, subject: SubjectId, n: int) -> bytes | None:
        """None when it is not here, or nobody can read it any more."""
        path = self._place(footage, camera) / f"{n:05}"
        return self._keys.open(subject, path.read_bytes(), _aad(footage, camera, n)) if path.is_file() else None

    def held(self, footage: FootageId, camera: CameraId) -> int:
        """How many pieces are here from the first on without a gap: where a transfer goes on."""
        place, n = self._place(footage, camera), 0
        while (place / f"{n:05}").is_file():
            n += 1
        return n

    def whole(
        self, footage: FootageId, camera: CameraId, subject: SubjectId, size_bytes: int
    ) -> Iterator[bytes | None]:
        """Its pieces in order; None for one that is missing or that nobody can read any more."""
        for n in range(piece_count(size_bytes)):
            yield self.piece(footage, camera, subject, n)

    def drop(self, footage: FootageId, cameras: Iterable[CameraId]) -> None:
        """Their files are gone when this returns. Harmless when done twice."""
        for camera in cameras:
            place = self._place(footage, camera)
            if place.exists():
                shutil.rmtree(place)
        if self._folder.exists():
            files.sync_folders(self._folder)

    def sweep(self, alive: Iterable[tuple[FootageId, CameraId]]) -> int:
        """Deletes whatever belongs to no living request: a crash between the record and the deletion. How many files."""
        kept = {_name(*each) for each in alive}
        gone = 0
        for place in self._folder.iterdir() if self._folder.exists() else ():
            if place.name not in kept:
                shutil.rmtree(place)
                gone += 1
        return gone

    def _place(self, footage: FootageId, camera: CameraId) -> Path:
        return self._folder / _name(footage, camera)


def _name(footage: FootageId, camera: CameraId) -> str:
    return hashlib.sha256(f"{len(footage)}:{footage}{camera}".encode()).hexdigest()[:_NAME_CHARS]


def _aad(footage: FootageId, camera: CameraId, n: int) -> bytes:
    """Binds a piece to its place: none can be put where another belongs."""
    return f"footage/{len(footage)}:{footage}/{n}/{camera}".encode()
