"""The turning side of simulated cameras: ONVIF PTZ over SOAP on a port of its own, and the picture turns.

A camera pans at PAN_DEG_S while it is told to move and keeps its home for `GotoHomePosition`. The made city has no
sky to look up to: a tilt is answered and changes nothing in the picture.
"""

import asyncio
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from safetynet.core.terms import CameraId
from safetynet.edge import clock

PAN_DEG_S: Final = 50.0
"""At speed 1."""
PAN_DEG_MAX: Final = 170.0
REQUEST_BYTES_MAX: Final = 16_384
REQUEST_S_MAX: Final = 5.0
_PATH: Final = re.compile(rb"^POST /onvif/([A-Za-z0-9_-]+)/ptz HTTP/1\.1\r\n")
_LENGTH: Final = re.compile(rb"\r\ncontent-length: (\d{1,6})\r\n", re.IGNORECASE)
_MOVE: Final = re.compile(rb'<p:ContinuousMove>.*?<t:PanTilt x="(-?[\d.]+)" y="(-?[\d.]+)"')

_PLACE: Final = re.compile(rb'<p:AbsoluteMove>.*?<t:PanTilt x="(-?[\d.]+)" y="(-?[\d.]+)"')


@dataclass(slots=True)
class _Head:
    pan_deg: float = 0.0
    speed: float = 0.0
    since_ms: int = 0


class Heads:
    """All cameras that can turn. `turned` hears how far from home a camera looks, whenever it came to rest."""

    def __init__(self, cameras: Iterable[CameraId], turned: Callable[[CameraId, float], None]) -> None:
        self._heads = {each: _Head() for each in cameras}
        self._turned = turned
        self.heard: list[tuple[CameraId, str]] = []
        """What was asked of which camera, for tests."""

    def ask(self, camera: CameraId, body: bytes) -> bool:
        """Whether the camera took it."""
        head = self._heads.get(camera)
        if head is None:
            return False
        move = _MOVE.search(body)
        if move is not None:
            self._rest(head)
            head.speed, head.since_ms = max(-1.0, min(1.0, float(move[1]))), clock.monotonic()
            self.heard.append((camera, "move"))
        elif b"<p:Stop>" in body:
            self._rest(head)
            self._turned(camera, head.pan_deg)
            self.heard.append((camera, "stop"))
        elif (place := _PLACE.search(body)) is not None:
            head.pan_deg, head.speed = max(-PAN_DEG_MAX, min(PAN_DEG_MAX, float(place[1]) * 180.0)), 0.0
            self._turned(camera, head.pan_deg)
            self.heard.append((camera, "preset"))
        elif b"<p:GotoHomePosition>" in body:
            head.pan_deg, head.speed = 0.0, 0.0
            self._turned(camera, 0.0)
            self.heard.append((camera, "home"))
        else:
            return False
        return True

    def _rest(self, head: _Head) -> None:
        moved = head.speed * PAN_DEG_S * (clock.monotonic() - head.since_ms) / 1_000
        head.pan_deg = max(-PAN_DEG_MAX, min(PAN_DEG_MAX, head.pan_deg + moved))
        head.speed = 0.0

    async def serve(self, host: str, port: int) -> asyncio.Server:
        return await asyncio.start_server(self._one, host, port, limit=REQUEST_BYTES_MAX)

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(REQUEST_S_MAX):
                head = await reader.readuntil(b"\r\n\r\n")
                path, length = _PATH.match(head), _LENGTH.search(head)
                size = int(length[1]) if length else 0
                taken = False
                if path is not None and 0 < size <= REQUEST_BYTES_MAX:
                    taken = self.ask(CameraId(path[1].decode()), await reader.readexactly(size))
            status = b"200 OK" if taken else b"400 Bad Request"
            writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
        except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # whoever asked so gets no answer
        finally:
            writer.close()
