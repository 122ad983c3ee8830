"""The real player in real Chromium against the real pipe."""

import asyncio
import http.server
import shutil
import sys
import threading
from functools import partial
from pathlib import Path

import pytest
from patience import PATIENCE_S
from playwright.async_api import Browser, Page, async_playwright

sys.path.insert(0, str(Path(__file__).parents[1] / "edge"))
from pipe import GRANT, Pipe

from safetynet.core.terms import CameraId, Why
from safetynet.edge.relay import words
from safetynet.sim import cameras

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PLAYER = Path(__file__).parents[2] / "safetynet" / "console" / "player"
POLICY = "default-src 'none'; script-src 'self'; worker-src 'self'; img-src data:; media-src blob:; connect-src 'self' ws://127.0.0.1:*"
FLAGS = [
    "--no-sandbox",
    "--use-angle=swiftshader-webgl",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
]
STEPS = """
import { Player } from '/player/player.js';
const player = new Player(), seen = { states: {}, grants: [], pictures: {}, warm: 0 };
player.addEventListener('warm', () => { seen.warm += 1; });
player.addEventListener('state', ({ detail }) => (seen.states[detail.tile] ??= []).push(detail.state + ':' + detail.why));
player.addEventListener('grant', ({ detail }) => seen.grants.push(detail.state + ':' + detail.why));
player.addEventListener('picture', ({ detail }) => { seen.pictures[detail.tile] = detail.after_ms; });
const place = new Map();
window.stage = { player, seen,
  open(tile, grant, camera) {
    const canvas = player.surface();
    place.set(tile, canvas);
    document.body.append(canvas);
    player.open(tile, canvas, { grant, camera });
  },
  blank(tile) {
    const from = place.get(tile), to = document.createElement('canvas');
    to.width = from.width; to.height = from.height;
    const ink = to.getContext('2d');
    ink.drawImage(from, 0, 0);
    return ink.getImageData(0, 0, to.width, to.height).data.every((each) => each === 0);
  } };
"""

pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on PATH")]


class Pages(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        name = self.path.removeprefix("/player/")
        if self.path == "/":
            kind, body = (
                "text/html",
                b'<!doctype html><link rel="icon" href="data:,"><script type="module" src="/steps.js"></script>',
            )
        elif self.path == "/steps.js":
            kind, body = "text/javascript", STEPS.encode()
        elif name in ("player.js", "worker.js", "media.js"):
            kind, body = "text/javascript", (PLAYER / name).read_bytes()
        else:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Security-Policy", POLICY)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """A test's output is its own."""


class Stage:
    def __init__(self, pipe: Pipe, page: Page) -> None:
        self.pipe, self.page, self.faults = pipe, page, list[str]()
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda said: self.faults.append(said.text) if said.type == "error" else None)

    async def start(self, address: str, token: str) -> None:
        await self.page.goto(address)
        await self.until("window.stage !== undefined")
        await self.page.evaluate(
            "([url, token]) => { stage.player.connect(url); stage.player.hello(token); }",
            [f"ws://127.0.0.1:{self.pipe.port}/video", token],
        )

    async def open(self, tile: int, camera: str) -> None:
        await self.page.evaluate("([tile, grant, camera]) => stage.open(tile, grant, camera)", [tile, GRANT, camera])

    async def pictures(self, count: int) -> None:
        await self.until(f"Object.keys(stage.seen.pictures).length >= {count}")

    async def until(self, truth: str, seconds: float = PATIENCE_S) -> None:
        """Asked from outside: Playwright's own waiting would need `eval` inside the page, which its policy forbids."""
        async with asyncio.timeout(seconds):
            while not await self.page.evaluate(truth):
                await asyncio.sleep(0.02)


@pytest.fixture
async def address():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    await asyncio.to_thread(server.shutdown)
    server.server_close()
    thread.join()


@pytest.fixture
async def browser():
    async with async_playwright() as playing:
        browser: Browser = await playing.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
async def pipe(tmp_path: Path):
    pipe = Pipe(tmp_path)
    yield pipe
    await pipe.close()


async def test_four_tiles_play_and_are_wiped_when_the_grant_ends(browser: Browser, address: str, pipe: Pipe) -> None:
    ids = ["a", "b", "c", "d"]
    await pipe.open({each: cameras.TestCard() for each in ids})
    await pipe.lease(ids)
    await pipe.admit("token", ids)
    stage = Stage(pipe, await browser.new_page())
    await stage.start(address, "token")
    for tile, camera in enumerate(ids):
        await stage.open(tile + 1, camera)
    await stage.pictures(4)
    await asyncio.sleep(2)
    reports = await stage.page.evaluate("stage.player.report()")
    assert [each["tile"] for each in reports] == [1, 2, 3, 4]
    for each in reports:
        assert each["shown"] >= 8, each
        assert each["errors"] == 0
        assert -50 < each["glass_ms"] < 1_500, each  # a wrong bit of the barcode would be off by hours
        assert -50 < each["age_ms"] < 1_500
    assert not await stage.page.evaluate("stage.blank(1)")
    await pipe.centre.take(words.CutGrant(grant=GRANT, why=Why.INCIDENT_CLOSED))
    await stage.until("stage.seen.grants.includes('ended:incident_closed')")
    states = await stage.page.evaluate("stage.seen.states")
    assert all(each[-1] == "ended:incident_closed" for each in states.values())
    await asyncio.sleep(0.3)
    assert await stage.page.evaluate("[1, 2, 3, 4].every((tile) => stage.blank(tile))")
    assert stage.faults == []


async def test_the_decoder_is_ready_before_a_picture_is_asked_for(browser: Browser, address: str, pipe: Pipe) -> None:
    await pipe.open({"a": cameras.TestCard()})
    stage = Stage(pipe, await browser.new_page())
    await stage.start(address, "not admitted to anything")
    await stage.until("stage.seen.warm === 1")
    assert stage.faults == []


async def test_a_second_window_joins_and_a_used_token_is_refused(browser: Browser, address: str, pipe: Pipe) -> None:
    await pipe.open({"a": cameras.TestCard()})
    await pipe.lease(["a"])
    await pipe.admit("one", ["a"])
    await pipe.admit("two", ["a"])
    first, second, third = [Stage(pipe, await browser.new_page()) for _ in range(3)]
    await first.start(address, "one")
    await first.open(1, "a")
    await first.pictures(1)
    await second.start(address, "two")
    await second.open(1, "a")
    await second.pictures(1)
    assert pipe.server.methods["PLAY"] == 1  # one camera, one session, however many look
    await third.start(address, "one")
    await third.until("stage.seen.grants.includes('refused:token_used')")
    await third.open(1, "a")
    await third.until("stage.seen.states[1]?.includes('refused:no_such_grant')")


async def test_a_paused_tile_stops_the_camera_and_comes_back(browser: Browser, address: str, pipe: Pipe) -> None:
    await pipe.open({"a": cameras.TestCard()})
    await pipe.lease(["a"])
    await pipe.admit("token", ["a"])
    stage = Stage(pipe, await browser.new_page())
    await stage.start(address, "token")
    await stage.open(7, "a")
    await stage.pictures(1)
    shown = partial(stage.page.evaluate, "stage.player.report().then(([each]) => each.shown)")
    await stage.page.evaluate("stage.player.mode(7, 'paused')")
    await asyncio.sleep(0.5)
    before = await shown()
    await asyncio.sleep(0.6)
    assert await shown() == before
    await stage.page.evaluate("stage.player.mode(7, 'full')")
    await asyncio.sleep(1.5)
    assert await shown() > before + 3
    await stage.page.evaluate("stage.player.close(7)")
    await asyncio.sleep(0.3)
    assert not pipe.city.watching(CameraId("a"))


async def test_without_webcodecs_the_same_bytes_play_in_media_elements(browser: Browser, address: str, pipe: Pipe) -> None:  # fmt: skip
    ids = ["a", "b"]
    await pipe.open({each: cameras.TestCard() for each in ids})
    await pipe.lease(ids)
    await pipe.admit("token", ids)
    page = await browser.new_page()
    await page.add_init_script("delete window.VideoDecoder")
    stage = Stage(pipe, page)
    await stage.start(address, "token")
    assert await stage.page.evaluate("stage.player.kind") == "mse"
    for tile, camera in enumerate(ids):
        await stage.open(tile + 1, camera)
    await stage.pictures(2)
    await stage.until(
        "stage.player.report().then((all) => all.every((each) => each.shown > 6))"
    )  # a busy machine drops most of them
    reports = await stage.page.evaluate("stage.player.report()")
    for each in reports:
        assert each["errors"] == 0
        assert -50 < each["glass_ms"] < 3_000, each  # a wrong bit of the barcode would be off by hours
        assert -50 < each["age_ms"] < 3_000

    await pipe.centre.take(words.CutGrant(grant=GRANT, why=Why.INCIDENT_CLOSED))
    await stage.until("stage.seen.grants.includes('ended:incident_closed')")
    await stage.until("[...document.querySelectorAll('video')].every((each) => !each.src && each.readyState === 0)")
    assert stage.faults == []
