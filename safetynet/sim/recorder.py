"""The recorder of the made cities, over HTTP as `edge.recorder.Web` asks for it: it keeps nothing and draws again.

Where somebody of the made city is depends on the instant alone, so a camera's picture of any past instant is drawn anew,
to the same sample, as far back as this program runs. What it does not know again: where somebody had turned a camera,
and earlier ways of units that were sent on since. A camera that loops a film has no recorder.
"""

import asyncio
import re
from collections.abc import Callable, Iterable
from typing import Final

import numpy as np

from safetynet.core.footage import FILE_BYTES_MAX
from safetynet.core.terms import MINUTE_MS, CameraId, Instant
from safetynet.edge.sources.fmp4 import TICKS_PER_S, AccessUnit, Packager
from safetynet.sim.cameras import Scene, stamp
from safetynet.sim.h264 import PcmWriter

RATE_PER_S: Final = 5
"""Recorders keep fewer pictures than they show."""
GOP_S: Final = 20
INTERVAL_MS_MAX: Final = 11 * MINUTE_MS
REQUEST_BYTES_MAX: Final = 4_096
REQUEST_S_MAX: Final = 5.0
ANSWER_S_MAX: Final = 600.0
_ASK: Final = re.compile(rb"^GET /recorder/([A-Za-z0-9_%.-]{1,200})\?since=(\d{1,15})&until=(\d{1,15}) HTTP/1\.1\r\n")


class Redrawn:
    """`began` is when the recorder was switched on: it holds nothing from before."""

    def __init__(
        self, scene: Scene, cameras: Iterable[CameraId], *, began: Instant, now: Callable[[], Instant]
    ) -> None:
        self._scene, self._cameras, self._began, self._now = scene, frozenset(cameras), began, now
        self._drawing = asyncio.Lock()
        self.given = 0

    def span(self, camera: CameraId, since: Instant, until: Instant) -> tuple[Instant, Instant] | None:
        """What of this time it holds; None when that is nothing."""
        first, last = max(since, self._began), min(until, self._now())
        known = camera in self._cameras and until - since <= INTERVAL_MS_MAX
        return (Instant(first), Instant(last)) if known and first < last else None

    def file(self, camera: CameraId, since: Instant, until: Instant) -> bytes:
        """Fragmented MP4 without sound. The same bytes for the same question."""
        planes = np.empty((self._scene.height * 3 // 2, self._scene.width), np.uint8)
        writer = PcmWriter(self._scene.width, self._scene.height, RATE_PER_S * GOP_S)
        packager, parts, size = Packager(), list[bytes](), 0
        for n, at_ms in enumerate(range(since, until, 1_000 // RATE_PER_S)):
            self._scene.draw(camera, at_ms, planes)
            stamp(planes, at_ms)
            nals, key = writer.encode(planes)
            unit = AccessUnit(tuple(nals), n * TICKS_PER_S // RATE_PER_S, key)
            taken = packager.take(unit, Instant(at_ms))
            assert taken is not None, "the first picture is a key frame"
            init, fragment = taken
            parts += [init.data, fragment.data] if init else [fragment.data]
            size += len(parts[-1])
            if size > FILE_BYTES_MAX:
                break  # a recorder's file has an end too
        return b"".join(parts)

    async def serve(self, host: str, port: int) -> asyncio.Server:
        return await asyncio.start_server(self._one, host, port, limit=REQUEST_BYTES_MAX)

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(REQUEST_S_MAX):
                asked = _ASK.match(await reader.readuntil(b"\r\n\r\n"))
            async with asyncio.timeout(ANSWER_S_MAX):
                await self._answer(asked, writer)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # whoever asked so gets no answer
        finally:
            writer.close()

    async def _answer(self, asked: "re.Match[bytes] | None", writer: asyncio.StreamWriter) -> None:
        span = None
        if asked is not None:
            camera = CameraId(asked[1].decode())
            span = self.span(camera, Instant(int(asked[2])), Instant(int(asked[3])))
        if asked is None or span is None:
            status = "400 Bad Request" if asked is None else "404 Not Found"
            writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            await writer.drain()
            return
        async with self._drawing:  # one at a time: live pictures come first
            body = await asyncio.to_thread(self.file, CameraId(asked[1].decode()), *span)
        self.given += 1
        head = f"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nX-Since: {span[0]}\r\nX-Until: {span[1]}\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode())
        writer.write(body)
        await writer.drain()
