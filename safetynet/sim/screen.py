"""An operator and an officer in a real browser: they see what is on the screen and press keys, nothing else.

Times are taken in the page, on the machine's own clock (`Date.now()`), after the frame that showed the change was
painted. What the page does not tell is read off its pictures: a simulated camera writes the time into its top left
corner (reference: 48 bits, 2 rows of 24 cells of 8 x 8), and the canvas on the screen gives it back.
"""

import asyncio
import re
import shutil
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypedDict

from playwright.async_api import Browser, BrowserContext, Page, Playwright, WebSocket

from safetynet.edge import clock

BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS: Final = (
    "--lang=ko",
    "--no-sandbox",
    "--use-angle=swiftshader-webgl",  # as a desktop without a GPU: only the map's WebGL is emulated, the page is not
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
    "--disable-quic",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)
DESK: Final = (1920, 1080)
PHONE: Final = (390, 844)
STEP_MS_MAX: Final = 60_000
"""No single step of the story may take longer."""
POLL_MS: Final = 50
NOTES_MAX: Final = 5_000
ROWS_MAX: Final = 8

WATCH: Final = """
(() => {
  const seen = { alarms: {}, kinds: {}, tiles: [], keys: {}, errors: [] };
  const last = new Map();
  Object.defineProperty(window, '__seen', { value: seen });
  const painted = (then) => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => then(Date.now());
    channel.port2.postMessage(0);
  });
  const STATES = ['empty', 'proposed', 'asked', 'refused', 'waiting', 'live', 'stale', 'lost', 'ended'];
  const look = (tile, slot) => ({
    slot: Number(tile.dataset.tile ?? slot + 1),
    state: tile.dataset.state ?? STATES.find((each) => tile.classList.contains(each)) ?? 'empty',
    camera: tile.dataset.camera || (tile.tile?.camera?.camera ?? ''),
  });
  Object.defineProperty(window, '__tiles', { value: () => [...document.querySelectorAll('sn-tile')].map(look) });
  const check = () => {
    for (const row of document.querySelectorAll('sn-alarm.new, sn-alarm[data-state=unacked]')) {
      const id = row.dataset.alarm ?? row.row?.alarm?.id ?? '';
      seen.kinds[id] = row.row?.alarm?.kind ?? '';
      if (!(id in seen.alarms)) { seen.alarms[id] = 0; painted((at) => { seen.alarms[id] = at; }); }
    }
    for (const now of window.__tiles()) {
      const before = last.get(now.slot);
      if (before && before.state === now.state && before.camera === now.camera) continue;
      last.set(now.slot, now);
      if (seen.tiles.length < NOTES_MAX) { const note = { ...now, seen: Date.now(), at: 0 }; seen.tiles.push(note); painted((at) => { note.at = at; }); }
    }
  };
  const begin = () => new MutationObserver(check).observe(document.documentElement,
    { subtree: true, childList: true, attributes: true, attributeFilter: ['class', 'data-state', 'data-camera', 'data-alarm'] });
  if (document.documentElement) begin(); else document.addEventListener('readystatechange', begin, { once: true });
  window.addEventListener('keydown', (event) => { seen.keys[event.code] = Date.now(); }, { capture: true });

  // Reads the cameras' clocks off the pictures for so long; how old each new picture was when it was on the canvas.
})();
""".replace("NOTES_MAX", str(NOTES_MAX))


_GLASS = """async (forMs) => {
  const { pictures } = await import('/console/operator.js');
  const ages = [], end = Date.now() + forMs;
  while (Date.now() < end) {
    for (const each of await pictures()) if (each.glass_ms !== null && Math.abs(each.glass_ms) < 60000) ages.push(each.glass_ms);
  }
  return ages;
}"""
"""The player reads the time that simulated cameras draw into their pictures, as it paints them."""


class TileNote(TypedDict):
    slot: int
    state: str
    camera: str
    at: int
    seen: int


class CannotSeeError(Exception):
    """What the story says must appear did not, in time. The text says what."""


def browser_path() -> str:
    """Raises FileNotFoundError."""
    for name in BROWSERS:
        if (found := shutil.which(name)) is not None:
            return found
    raise FileNotFoundError(f"no browser on PATH ({', '.join(BROWSERS)})")


async def launch(playwright: Playwright) -> Browser:
    return await playwright.chromium.launch(executable_path=browser_path(), args=list(ARGUMENTS))


async def until(what: str, look: Callable[[], Awaitable[Any]], within_ms: int = STEP_MS_MAX) -> Any:
    """The first truthy answer. Raises CannotSeeError."""
    deadline = clock.monotonic() + within_ms
    while True:
        found = await look()
        if found:
            return found
        if clock.monotonic() >= deadline:
            raise CannotSeeError(f"{what}: not within {within_ms / 1_000:g} s")
        await asyncio.sleep(POLL_MS / 1_000)


class Screen:
    """One window of one person."""

    def __init__(self, context: BrowserContext, page: Page, shots: Path) -> None:
        self.page = page
        self._context, self.shots = context, shots
        self.faults: list[str] = []
        self.frames: list[float] = []
        """When a frame of video came, wall clock ms; only while `count_frames` is on."""
        self.feeds = 0
        """How often a centre has begun to tell the page its state: once more each time the page lost it and found it again."""
        self._sockets: list[WebSocket] = []
        self._counting = False
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("websocket", self._socket)

    @classmethod
    async def open(cls, browser: Browser, size: tuple[int, int], shots: Path) -> "Screen":
        context = await browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            locale="ko-KR",
            timezone_id="Asia/Seoul",
            reduced_motion="reduce",
        )
        context.set_default_timeout(STEP_MS_MAX)
        await context.add_init_script(WATCH)
        return cls(context, await context.new_page(), shots)

    async def close(self) -> None:
        await self._context.close()

    def _socket(self, socket: WebSocket) -> None:
        if not socket.url.endswith("/video"):
            socket.on("framereceived", self._begun)
            return
        self._sockets.append(socket)
        socket.on("framereceived", self._frame)

    def _begun(self, payload: str | bytes) -> None:
        if isinstance(payload, str) and payload.startswith('{"epoch"'):
            self.feeds += 1

    def _frame(self, payload: str | bytes) -> None:
        if self._counting and isinstance(payload, bytes):
            self.frames.append(time.time() * 1_000)

    def count_frames(self) -> None:
        self.frames.clear()
        self._counting = True

    async def shoot(self, name: str) -> None:
        self.shots.mkdir(parents=True, exist_ok=True)
        await self.page.screenshot(path=self.shots / f"{name}.png")

    async def sign_in(self, url: str, account: str, *, shot: str | None = None) -> None:
        """With the demo account's own button, by keyboard."""
        await self.page.goto(url)
        button = self.page.locator(f"[data-account={account}]")
        await button.wait_for()
        if shot is not None:
            await self.shoot(shot)
        await button.focus()
        async with self.page.expect_navigation():
            await self.page.keyboard.press("Enter")

    async def press(self, *keys: str) -> None:
        for each in keys:
            await self.page.keyboard.press(each)

    async def key_at(self, code: str) -> int:
        """When this key was last pressed, by the page."""
        return int(await self.page.evaluate("code => window.__seen.keys[code]", code))

    # --- what is on the screen ---

    async def rows(self) -> int:
        """Alarms that wait, on the screen."""
        return await self.page.locator("sn-alarm.new").count()

    async def new_alarm(self, known: frozenset[str], kind: str = "") -> tuple[str, int] | None:
        """An alarm that was not there before, of that kind if one is named, and when it had been painted."""
        seen: Mapping[str, int] = await self.page.evaluate("window.__seen.alarms")
        kinds: Mapping[str, str] = await self.page.evaluate("window.__seen.kinds")
        return next(
            ((id, at) for id, at in seen.items() if id not in known and at and kind in ("", kinds.get(id))), None
        )

    async def choose(self, kind: str) -> None:
        """To the row of that kind, by keyboard: the selection does not move by itself. Raises CannotSeeError."""
        selected = "document.querySelector('sn-alarm[aria-selected=true]')?.row?.alarm?.kind ?? ''"
        for key in ("k",) * ROWS_MAX + ("j",) * ROWS_MAX * 2:
            if await self.page.evaluate(selected) == kind:
                return
            await self.page.keyboard.press(key)
        raise CannotSeeError(f"no row of kind {kind}")

    async def alarms(self) -> frozenset[str]:
        return frozenset(await self.page.evaluate("Object.keys(window.__seen.alarms)"))

    async def tiles(self) -> list[TileNote]:
        found: list[TileNote] = await self.page.evaluate("window.__tiles()")
        return found

    async def notes(self, since: int) -> list[TileNote]:
        """Every change of a tile since then, in order, with the time it had been painted."""
        found: list[TileNote] = await self.page.evaluate("window.__seen.tiles.filter((each) => each.at)")
        return [each for each in found if each["at"] >= since]

    async def live(self, cameras: frozenset[str] | None = None) -> set[str]:
        """Cameras whose picture is on the wall now; of `cameras` only, when given."""
        found = {each["camera"] for each in await self.tiles() if each["state"] == "live"}
        return found if cameras is None else found & cameras

    async def glass(self, for_ms: int) -> list[float]:
        found: list[float] = await self.page.evaluate(_GLASS, for_ms)
        return found

    async def text(self, selector: str) -> str:
        """All that stands there, or nothing."""
        return "\n".join(await self.page.locator(selector).all_inner_texts())

    async def says(self, selector: str, pattern: str) -> bool:
        return re.search(pattern, await self.text(selector)) is not None

    async def answer(self, state: str) -> None:
        """An officer's answer, with the phone's own button."""
        button = self.page.locator(f"button[data-state={state}]")
        await button.wait_for()
        await button.tap() if await self._touches() else await button.click()
        with suppress(TimeoutError):
            await button.wait_for(state="detached")

    async def _touches(self) -> bool:
        return bool(await self.page.evaluate("navigator.maxTouchPoints > 0"))
