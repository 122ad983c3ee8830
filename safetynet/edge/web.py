"""Pages and the state socket: files with a strict policy, and one numbered feed per audience.

A page holds one WebSocket. It gets everything once and then only what changed, each change with a number; after a
lost connection it says what it has and gets what it missed, or everything when that is too long ago. A page that
reads too slowly is not waited for: it loses its place and starts over.

Absent on purpose: what an entity means and who may see it (that is `app`).
"""

import asyncio
import base64
import hashlib
import mimetypes
import re
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from safetynet.core.terms import Instant
from safetynet.edge import clock

DELTAS_KEPT_MAX: Final = 4_096
"""A page that missed more than this starts over."""
UNREAD_MAX: Final = 512
"""Frames waiting for one slow page."""
PAGES: Final = Path(__file__).resolve().parent.parent / "console"
IMPORTMAP: Final = "<!--importmap-->"
NAME: Final = re.compile(r"[A-Za-z0-9_@.-]{1,80}(/[A-Za-z0-9_@.-]{1,80}){0,8}")
"""What a file of the console may be called. Anything else never reaches the file system, which has its own opinions."""

mimetypes.add_type("text/javascript", ".mjs")
mimetypes.add_type("text/javascript", ".js")
mimetypes.add_type("font/woff2", ".woff2")
mimetypes.add_type("application/geo+json", ".geojson")

Entity = Mapping[str, object]


class Files:
    """The console's files with their headers. `connect` lists the further origins that its sockets may call."""

    def __init__(self, folder: Path = PAGES, connect: tuple[str, ...] = ()) -> None:
        self._folder = folder.resolve()
        self._importmap = (folder / "importmap.json").read_text(encoding="utf-8").strip()
        digest = base64.b64encode(hashlib.sha256(self._importmap.encode()).digest()).decode()
        self.headers: Final[dict[str, str]] = {
            "content-security-policy": "; ".join(
                (
                    "default-src 'none'",
                    f"script-src 'self' 'sha256-{digest}'",
                    "style-src 'self'",
                    "worker-src 'self'",
                    "img-src 'self' data:",
                    "media-src blob:",
                    " ".join(("connect-src 'self'", *connect)),
                    "font-src 'self'",
                    "base-uri 'none'",
                    "form-action 'self'",
                    "frame-ancestors 'none'",
                )
            ),
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",
            "cross-origin-opener-policy": "same-origin",
            "cross-origin-resource-policy": "same-origin",
            "permissions-policy": "camera=(), microphone=(), geolocation=(self), payment=(), usb=()",
        }

    def page(self, name: str) -> Response:
        """An HTML page of the console, its import map put in place."""
        text = (self._folder / name).read_text(encoding="utf-8")
        text = text.replace(IMPORTMAP, f'<script type="importmap">{self._importmap}</script>')
        return Response(text, media_type="text/html", headers={**self.headers, "cache-control": "no-store"})

    async def serve(self, request: Request) -> Response:
        """One named file below the console's folder; nothing above it, no HTML by this way."""
        return self.named(request, str(request.path_params["path"]))

    def named(self, request: Request, name: str) -> Response:
        if not NAME.fullmatch(name):
            return PlainTextResponse("no such file", status_code=404, headers=self.headers)
        path = (self._folder / name).resolve()
        inside = path.is_relative_to(self._folder) or path.is_relative_to((self._folder / "vendor").resolve())
        if not inside or not path.is_file() or path.suffix == ".html":
            return PlainTextResponse("no such file", status_code=404, headers=self.headers)
        body = path.read_bytes()
        tag = '"' + hashlib.sha256(body).hexdigest()[:32] + '"'
        headers = {**self.headers, "etag": tag, "cache-control": "no-cache"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(body, media_type=mimetypes.guess_type(path.name)[0], headers=headers)


class Window:
    """One page at the end of a feed: frames wait here until its socket takes them."""

    def __init__(self) -> None:
        self._frames: deque[bytes] = deque()
        self._own: deque[bytes] = deque(maxlen=UNREAD_MAX)
        self._wake = asyncio.Event()
        self.lagging = False
        """It read too slowly and lost its place; it must get everything again."""

    def offer(self, frame: bytes) -> None:
        """Never waits."""
        if len(self._frames) >= UNREAD_MAX:
            self._frames.clear()
            self.lagging = True
        if not self.lagging:
            self._frames.append(frame)
        self._wake.set()

    def tell(self, frame: bytes) -> None:
        """For this window alone, and not said again by a full state: kept although the window lags."""
        self._own.append(frame)
        self._wake.set()

    async def take(self) -> list[bytes]:
        """What waits, in order, what is for this window alone last; waits until there is something."""
        while not self._frames and not self._own and not self.lagging:
            self._wake.clear()
            await self._wake.wait()
        taken = [*self._frames, *self._own]
        self._frames.clear()
        self._own.clear()
        return taken


class Feed:
    """What one audience sees: entities by collection and id, and the numbered changes of it."""

    def __init__(self, epoch: str) -> None:
        self.epoch = epoch
        self.seq = 0
        self._now: dict[str, dict[str, bytes]] = {}
        self._deltas: deque[tuple[int, bytes]] = deque(maxlen=DELTAS_KEPT_MAX)
        self._windows: set[Window] = set()

    def show(self, view: Mapping[str, Mapping[str, Entity]], at: Instant) -> None:
        """Makes these collections be as given; only what differs goes out, as one change."""
        self._change(view, at, whole=True)

    def add(self, some: Mapping[str, Mapping[str, Entity]], at: Instant) -> None:
        """Puts these entities in, and leaves all others of their collections as they are."""
        self._change(some, at, whole=False)

    def _change(self, view: Mapping[str, Mapping[str, Entity]], at: Instant, *, whole: bool) -> None:
        put: dict[str, dict[str, msgspec.Raw]] = {}
        gone: dict[str, list[str]] = {}
        for collection, entities in view.items():
            have = self._now.setdefault(collection, {})
            for id, entity in entities.items():
                encoded = msgspec.json.encode(entity)
                if have.get(id) != encoded:
                    have[id] = encoded
                    put.setdefault(collection, {})[id] = msgspec.Raw(encoded)
            for id in [each for each in have if each not in entities] if whole else ():
                del have[id]
                gone.setdefault(collection, []).append(id)
        if not put and not gone:
            return
        self.seq += 1
        frame = msgspec.json.encode({"seq": self.seq, "at": at, "put": put, "del": gone})
        self._deltas.append((self.seq, frame))
        for window in self._windows:
            window.offer(frame)

    def join(self, have: tuple[str, int] | None) -> tuple[Window, list[bytes]]:
        """A new window and the frames that bring it up to date. `have` is (epoch, seq) of what it already shows."""
        window = Window()
        self._windows.add(window)
        return window, self.catch_up(have)

    def catch_up(self, have: tuple[str, int] | None) -> list[bytes]:
        oldest = self._deltas[0][0] if self._deltas else self.seq + 1
        if have is not None and have[0] == self.epoch and oldest - 1 <= have[1] <= self.seq:
            head = msgspec.json.encode({"epoch": self.epoch, "seq": have[1], "at": clock.now(), "resumed": True})
            return [head, *(frame for seq, frame in self._deltas if seq > have[1])]
        full = {
            collection: {id: msgspec.Raw(encoded) for id, encoded in entities.items()}
            for collection, entities in self._now.items()
        }
        return [msgspec.json.encode({"epoch": self.epoch, "seq": self.seq, "at": clock.now(), "full": full})]

    def forget(self) -> None:
        """Nobody may be told any more how it came to be as it is: who was away gets everything anew."""
        self._deltas.clear()

    def leave(self, window: Window) -> None:
        self._windows.discard(window)
