"""Turning a camera: ONVIF PTZ over SOAP, the five requests that a person of a city needs.

Speaks to one address per camera (`ptz.json`, 0600, never sent anywhere). A turn is a short continuous move and a stop;
home is the camera's own home position. What a camera answers is not read beyond its status: it is a machine of others.
"""

import asyncio
from pathlib import Path
from typing import Final, TypeAlias
from urllib.parse import urlsplit

import msgspec

from safetynet.core.terms import CameraId, Turn

FILE: Final = "ptz.json"
STEP_S: Final = 0.6
"""How long one step moves at SPEED."""
SPEED: Final = 0.5
ANSWER_S_MAX: Final = 3.0
ANSWER_BYTES_MAX: Final = 65_536
WAITING_PER_CAMERA_MAX: Final = 4
"""Steps a person has pressed ahead of a camera; more are not taken."""
PROFILE: Final = "main"
NAMESPACE: Final = "http://www.onvif.org/ver20/ptz/wsdl"
_ENVELOPE: Final = (
    '<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"'
    ' xmlns:p="{ns}" xmlns:t="http://www.onvif.org/ver10/schema"><s:Body>{body}</s:Body></s:Envelope>'
)
Step: TypeAlias = tuple[Turn, float | None]
_WAYS: Final = {Turn.LEFT: (-1, 0), Turn.RIGHT: (1, 0), Turn.UP: (0, 1), Turn.DOWN: (0, -1)}


def read(folder: Path) -> dict[CameraId, str]:
    """Where each camera hears of turns; none when the city has no such list."""
    path = folder / FILE
    return msgspec.json.decode(path.read_bytes(), type=dict[CameraId, str]) if path.exists() else {}


def bodies(turn: Turn, pan_deg: float | None = None) -> tuple[str, ...]:
    """The SOAP bodies of one turn, in order. `pan_deg` of a preset counts from home; 180 is 1 in ONVIF's generic space."""
    profile = f"<p:ProfileToken>{PROFILE}</p:ProfileToken>"
    if turn is Turn.PRESET:
        assert pan_deg is not None, "a preset is a direction"
        assert -180.0 <= pan_deg <= 180.0, pan_deg
        position = f'<p:Position><t:PanTilt x="{pan_deg / 180:.4f}" y="0"/></p:Position>'
        return (f"<p:AbsoluteMove>{profile}{position}</p:AbsoluteMove>",)
    way = _WAYS.get(turn)
    if way is None:
        return (f"<p:GotoHomePosition>{profile}</p:GotoHomePosition>",)
    x, y = (SPEED * each for each in way)
    velocity = f'<p:Velocity><t:PanTilt x="{x:.2f}" y="{y:.2f}"/></p:Velocity>'
    stop = f"<p:Stop>{profile}<p:PanTilt>true</p:PanTilt><p:Zoom>true</p:Zoom></p:Stop>"
    return (f"<p:ContinuousMove>{profile}{velocity}</p:ContinuousMove>", stop)


class Turner:
    """Says turns to cameras, one after another for each. A camera that does not answer is counted, not waited for."""

    def __init__(self, addresses: dict[CameraId, str]) -> None:
        self._addresses = addresses
        self._waiting: dict[CameraId, asyncio.Queue[Step]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.refused = self.failed = 0

    def turn(self, camera: CameraId, turn: Turn, pan_deg: float | None = None) -> None:
        """Never waits. Home and a preset take the place of every step that still waits."""
        address = self._addresses.get(camera)
        if address is None:
            self.refused += 1
            return
        queue = self._waiting.get(camera)
        if queue is None:
            queue = self._waiting[camera] = asyncio.Queue()
            task = asyncio.get_running_loop().create_task(self._work(camera, address, queue))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if turn in (Turn.HOME, Turn.PRESET):
            while not queue.empty():
                queue.get_nowait()
        elif queue.qsize() >= WAITING_PER_CAMERA_MAX:
            self.refused += 1
            return
        queue.put_nowait((turn, pan_deg))

    async def _work(self, camera: CameraId, address: str, queue: "asyncio.Queue[Step]") -> None:
        while not queue.empty():
            first, *rest = bodies(*queue.get_nowait())
            await self._say(address, first)
            for body in rest:
                await asyncio.sleep(STEP_S)
                await self._say(address, body)
        del self._waiting[camera]

    async def _say(self, address: str, body: str) -> None:
        try:
            async with asyncio.timeout(ANSWER_S_MAX):
                ok = await _post(address, _ENVELOPE.format(ns=NAMESPACE, body=body).encode())
        except (OSError, TimeoutError, ValueError):
            ok = False
        self.failed += not ok


async def _post(address: str, body: bytes) -> bool:
    """Whether the camera took it. Raises OSError, ValueError."""
    url = urlsplit(address)
    reader, writer = await asyncio.open_connection(url.hostname, url.port or 80)
    try:
        head = (
            f"POST {url.path or '/'} HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Type: application/soap+xml; charset=utf-8\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        writer.write(head.encode() + body)
        await writer.drain()
        answer = await reader.read(ANSWER_BYTES_MAX)
        return answer.split(b" ", 2)[1:2] == [b"200"]
    finally:
        writer.close()
