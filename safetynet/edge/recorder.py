"""A city's recorder, asked for what one camera saw between two instants: one file of fragmented MP4, no sound.

Two kinds stand behind the one door. `Folder` is a directory of segments, as most recorders can write one: `D/recordings/
<camera>/init.mp4` and `<first ms>-<last ms>.m4s` beside it, UTC. `Web` asks a recorder or its gateway over HTTP. Which of
them a city has, `recorder.json` says; without it, it is the folder.

Absent on purpose: recording. What is kept, and how long, is the recorder's own affair under the city's own rules.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import quote, urlsplit

import msgspec

from safetynet.core.footage import FILE_BYTES_MAX, SLACK_MS
from safetynet.core.terms import DAY_MS, CameraId, Instant, Why
from safetynet.edge import files

FILE: Final = "recorder.json"
FOLDER: Final = "recordings"
INIT: Final = "init.mp4"
KEPT_DAYS: Final = 30
"""What is older is deleted (보관일수)."""
SEGMENT_MS_MAX: Final = SLACK_MS
"""A segment is given whole: a longer one would show more than was asked for by more than the slack."""
INIT_BYTES_MAX: Final = 64 * 1024
READ_BYTES: Final = 256 * 1024
ANSWER_S_MAX: Final = 600.0
"""For one whole file: a recorder may have to read it off a tape robot, or draw it."""
SILENT_S_MAX: Final = 60.0
HEAD_BYTES_MAX: Final = 16_384
_SEGMENT: Final = re.compile(r"(\d{13})-(\d{13})\.m4s")
_CAMERA: Final = re.compile(r"[A-Za-z0-9가-힣][A-Za-z0-9가-힣_.-]{0,127}")


class NotGiven(Exception):
    """No file. `why` is `NOT_RECORDED` when the recorder has nothing, `RECORDER_FAILED` otherwise."""

    def __init__(self, why: Why) -> None:
        super().__init__(why.value)
        self.why = why


@dataclass(frozen=True, slots=True)
class Taken:
    """What was given covers this time, a little more than asked for: a recorder keeps whole segments."""

    since: Instant
    until: Instant
    data: AsyncIterator[bytes]


class Recorder(Protocol):
    async def take(self, camera: CameraId, since: Instant, until: Instant) -> Taken:
        """Raises NotGiven, also while `data` is read."""
        ...


class Place(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`recorder.json`: where the recorder answers over HTTP."""

    url: str


def of(folder: Path) -> Recorder:
    """The recorder of a city's folder. Raises msgspec.ValidationError when `recorder.json` is not what it must be."""
    path = folder / FILE
    if not path.exists():
        return Folder(folder / FOLDER)
    return Web(msgspec.json.decode(path.read_bytes(), type=Place).url)


# --- a folder of segments ------------------------------------------------------------------------------------------


class Folder:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, camera: CameraId, init: bytes, since: Instant, until: Instant, segment: bytes) -> None:
        """What a recorder writes: one segment, whole or not at all."""
        assert 0 < until - since <= SEGMENT_MS_MAX
        place = self._place(camera)
        if not (place / INIT).exists():
            files.write(place / INIT, init, mode=0o600)
        files.write(place / f"{since:013}-{until:013}.m4s", segment, mode=0o600)

    def expire(self, at: Instant) -> int:
        """Deletes what is older than KEPT_DAYS; how many segments that were."""
        gone = 0
        for place in self._folder.iterdir() if self._folder.exists() else ():
            for _, until, path in _segments(place):
                if until < at - KEPT_DAYS * DAY_MS:
                    path.unlink()
                    gone += 1
        return gone

    async def take(self, camera: CameraId, since: Instant, until: Instant) -> Taken:
        if not _CAMERA.fullmatch(camera):
            raise NotGiven(Why.NOT_RECORDED)
        place = self._place(camera)
        found = [each for each in _segments(place) if each[0] < until and each[1] > since]
        init = place / INIT
        if not found or not init.is_file() or init.stat().st_size > INIT_BYTES_MAX:
            raise NotGiven(Why.NOT_RECORDED)
        found = [each for each in found if each[0] >= since - SLACK_MS and each[1] <= until + SLACK_MS]
        if not found or sum(path.stat().st_size for *_, path in found) + INIT_BYTES_MAX > FILE_BYTES_MAX:
            raise NotGiven(Why.RECORDER_FAILED)
        paths = [init, *(path for *_, path in found)]
        return Taken(found[0][0], max(each[1] for each in found), _read(paths))

    def _place(self, camera: CameraId) -> Path:
        assert _CAMERA.fullmatch(camera), "a camera's name is no path"
        return self._folder / camera


def _segments(place: Path) -> list[tuple[Instant, Instant, Path]]:
    """In order of time. Whatever else lies there is none of ours."""
    found = ((_SEGMENT.fullmatch(path.name), path) for path in (place.iterdir() if place.is_dir() else ()))
    return sorted((Instant(int(name[1])), Instant(int(name[2])), path) for name, path in found if name)


async def _read(paths: list[Path]) -> AsyncIterator[bytes]:
    for path in paths:
        try:
            pieces = await asyncio.to_thread(_pieces, path)
        except OSError as fault:
            raise NotGiven(Why.RECORDER_FAILED) from fault
        for piece in pieces:
            yield piece


def _pieces(path: Path) -> list[bytes]:
    with path.open("rb") as file:
        return list(iter(lambda: file.read(READ_BYTES), b""))


# --- over HTTP -----------------------------------------------------------------------------------------------------


class Web:
    """`GET <url>/<camera>?since=<ms>&until=<ms>` → 200 with `X-Since`, `X-Until` (ms) and the file, 404 when there is none.

    A file that breaks off is none: the answer says its length, or ends with the connection and a `mfra` box.
    """

    def __init__(self, url: str) -> None:
        split = urlsplit(url)
        assert split.scheme == "http", "a recorder stands in the city's own net; TLS stands in front of it"
        assert split.hostname
        self._host, self._port, self._path = split.hostname, split.port or 80, split.path.rstrip("/")

    async def take(self, camera: CameraId, since: Instant, until: Instant) -> Taken:
        if not _CAMERA.fullmatch(camera):
            raise NotGiven(Why.NOT_RECORDED)
        try:
            async with asyncio.timeout(ANSWER_S_MAX):
                reader, writer = await asyncio.open_connection(self._host, self._port, limit=HEAD_BYTES_MAX)
                path = f"{self._path}/{quote(camera)}?since={since}&until={until}"
                writer.write(f"GET {path} HTTP/1.1\r\nHost: {self._host}\r\nConnection: close\r\n\r\n".encode())
                head = await reader.readuntil(b"\r\n\r\n")
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as fault:
            raise NotGiven(Why.RECORDER_FAILED) from fault
        status, fields = _head(head)
        first, last, size = (_number(fields.get(name, "")) for name in ("x-since", "x-until", "content-length"))
        if status != 200 or first is None or last is None or size is None or not 0 < size <= FILE_BYTES_MAX:
            writer.close()
            raise NotGiven(Why.NOT_RECORDED if status == 404 else Why.RECORDER_FAILED)
        return Taken(Instant(first), Instant(last), _body(reader, writer, size))


def _head(head: bytes) -> tuple[int, dict[str, str]]:
    top, *lines = head.decode("latin-1").split("\r\n")
    status = top.split(" ")[1:2]
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return (_number(status[0]) if status else None) or 0, fields


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"\d{1,15}", text) else None


async def _body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, size_bytes: int) -> AsyncIterator[bytes]:
    left = size_bytes
    try:
        while left:
            async with asyncio.timeout(SILENT_S_MAX):
                piece = await reader.read(min(left, READ_BYTES))
            if not piece:
                raise NotGiven(Why.RECORDER_FAILED)
            left -= len(piece)
            yield piece
    except (OSError, TimeoutError) as fault:
        raise NotGiven(Why.RECORDER_FAILED) from fault
    finally:
        writer.close()
