"""How long until a picture is seen, how old it is, and what each part of the road costs.

    python bench/video.py [--seconds 8] [--rounds 3]

Every part is a process of its own, as in the product: simulated cameras, city relay, centre relay, headless Chromium.
Runs with and without TLS between the relays, and with a moving MapLibre map in the page. Only loopback: no network.
"""

import argparse
import asyncio
import hashlib
import http.server
import json
import os
import shutil
import signal
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

import msgspec
from playwright.async_api import Page, async_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from safetynet.core.messages import Role
from safetynet.core.terms import CameraId, CentreId, GrantId, IncidentId, Instant, RequestId, ViewerId, Why
from safetynet.edge import clock, config, keys
from safetynet.edge.relay import words

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
ROOT = Path(__file__).parents[1]
CONSOLE = ROOT / "safetynet" / "console"
CONTROL, CITY = CentreId("control"), CentreId("garam")
CAMERAS = [CameraId(f"cam{k:02d}") for k in range(96)]
FLAGS = [
    "--no-sandbox",
    "--use-angle=swiftshader-webgl",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
]
POLICY = "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self' 'unsafe-inline'; img-src data: blob:; connect-src 'self' ws://127.0.0.1:*"
TICKS_PER_S = os.sysconf("SC_CLK_TCK")

STEPS = """
import { Player } from '/player/player.js';
const player = new Player(), first = {}, grants = [], canvases = new Map();
player.addEventListener('picture', ({ detail }) => { first[detail.tile] = detail.after_ms; });
player.addEventListener('grant', ({ detail }) => grants.push(detail.state));
window.stage = { player, first, grants,
  open(tile, grant, camera) {
    const canvas = document.createElement('canvas');
    canvases.set(tile, canvas);
    document.body.append(canvas);
    player.open(tile, canvas, { grant, camera });
  },
  close(tile) { player.close(tile); canvases.get(tile)?.remove(); canvases.delete(tile); },
  async map() {
    const maplibre = await import('/vendor/maplibre-gl/dist/maplibre-gl.mjs');
    maplibre.setWorkerUrl('/vendor/maplibre-gl/dist/maplibre-gl-worker.mjs');
    const place = document.createElement('div');
    place.style.cssText = 'width:900px;height:600px';
    document.body.prepend(place);
    const lines = Array.from({ length: 4000 }, (_, k) => {
      const lon = 127.3 + (k % 80) / 800, lat = 36.3 + Math.floor(k / 80) / 800;
      return { type: 'Feature', properties: {}, geometry: { type: 'LineString', coordinates: [[lon, lat], [lon + 0.001, lat + 0.0007]] } };
    });
    const map = new maplibre.Map({ container: place, center: [127.35, 36.33], zoom: 14, attributionControl: false, style: { version: 8,
      sources: { roads: { type: 'geojson', data: { type: 'FeatureCollection', features: lines } } },
      layers: [{ id: 'ground', type: 'background', paint: { 'background-color': '#eef' } },
               { id: 'roads', type: 'line', source: 'roads', paint: { 'line-width': 3, 'line-color': '#888' } }] } });
    await new Promise((resolve) => map.once('idle', resolve));
    setInterval(() => map.panBy([4, 1], { duration: 400 }), 1000);
  } };
"""


class Pages(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path in ("/", "/steps.js"):
            page = '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/steps.js"></script>'
            body, kind = (page, "text/html") if path == "/" else (STEPS, "text/javascript")
            data = body.encode()
        elif (CONSOLE / path.strip("/")).resolve().is_relative_to(CONSOLE.resolve()) or path.startswith("/vendor/"):
            data, kind = (CONSOLE / path.strip("/")).read_bytes(), "text/javascript"
        else:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Security-Policy", POLICY)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Only the figures are printed."""


# --- the parts, each in a process of its own


async def part_cameras(port: int) -> None:
    from safetynet.sim import cameras

    await cameras.serve({each: cameras.TestCard() for each in CAMERAS}, "127.0.0.1", port)
    await asyncio.Event().wait()


async def part_city_without_tls(folder: Path) -> None:
    from safetynet.edge.relay.city import City
    from safetynet.edge.relay.desk import Desk
    from safetynet.edge.relay.log import Log

    centre, log = config.read(folder), Log(folder / "relay.db")
    relay = City(log, keys.open_centre(folder).public, lambda _: CONTROL)
    desk = Desk(log, words.ToCityRelay, relay.take, relay.crew)
    await relay.open("127.0.0.1", centre.video_port or 0, None)
    await desk.open(folder / "relay.sock")
    await relay.crew.watch()


async def part_centre_without_tls(folder: Path) -> None:
    from safetynet.edge.relay.centre import Centre
    from safetynet.edge.relay.desk import Desk
    from safetynet.edge.relay.log import Log

    centre, log = config.read(folder), Log(folder / "relay.db")
    routes = {each.id: (each.host, each.relay_port or 0) for each in centre.peers}
    relay = Centre(log, routes, None, lambda _: CITY, [f"http://127.0.0.1:{centre.web_port}"])
    desk = Desk(log, words.ToCentreRelay, relay.take, relay.crew)
    await relay.open("127.0.0.1", centre.video_port or 0, None)
    await desk.open(folder / "relay.sock")
    await relay.crew.watch()


# --- the measurement


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def family(pid: int) -> list[int]:
    """A process and its descendants: a browser is many."""
    found, at = [pid], 0
    while at < len(found):
        for task in Path(f"/proc/{found[at]}/task").glob("*/children"):
            found += [int(each) for each in task.read_text().split()]
        at += 1
    return found


def browser() -> list[int]:
    """Every process of the Chromium that this program started."""
    first = next(each for each in family(os.getpid()) if "chrom" in Path(f"/proc/{each}/comm").read_text())
    return family(first)


async def talk(folder: Path) -> asyncio.StreamWriter:
    """A loop that merges whatever its relay recorded."""
    async with asyncio.timeout(20):
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(folder / "relay.sock")
                break
            except OSError:
                await asyncio.sleep(0.05)

    async def merge() -> None:
        while True:
            try:
                recorded = msgspec.msgpack.decode(await words.read(reader), type=words.Recorded)
            except (OSError, asyncio.IncompleteReadError):
                return
            writer.write(words.encode(words.Merged(upto_row=recorded.upto_row)))

    TASKS.append(asyncio.create_task(merge()))
    return writer


TASKS: list[asyncio.Task[None]] = []


class Bench:
    def __init__(self, folder: Path, port: int, *, tls: bool) -> None:
        self.folder, self.port, self.tls = folder, port, tls
        self.processes: dict[str, asyncio.subprocess.Process] = {}
        self.used = 0
        self.grants = 0

    async def start(self) -> None:
        control, city = self.folder / "control", self.folder / "garam"
        ca = keys.make_ca(self.folder)
        for each, role, web, video in (
            (control, Role.CONTROL, self.port, self.port + 2),
            (city, Role.CITY, None, self.port + 12),
        ):
            peers = (
                config.Peer(id=CITY, name="", role=Role.CITY, host="127.0.0.1", link_port=1, relay_port=self.port + 12),
            )
            named = CONTROL if role is Role.CONTROL else CITY
            made = config.Centre(
                id=named,
                name="",
                role=role,
                host="127.0.0.1",
                link_port=1,
                web_port=web,
                video_port=video,
                peers=peers if role is Role.CONTROL else (),
            )
            config.write(each, made)
            keys.issue(ca, each, named, ["127.0.0.1"])
        self.keys = keys.open_centre(city)
        await self._spawn("cameras", __file__, "--part", "cameras", "--port", str(self.port + 51))
        for name, folder in (("city", city), ("centre", control)):
            if self.tls:
                await self._spawn(name, "-m", "safetynet", f"{name}-relay", "--dir", str(folder))
            else:
                await self._spawn(name, __file__, "--part", name, "--dir", str(folder))
        self.to_city, self.to_centre = await talk(city), await talk(control)

    async def _spawn(self, name: str, *command: str) -> None:
        self.processes[name] = await asyncio.create_subprocess_exec(
            sys.executable, *command, cwd=ROOT, stdout=asyncio.subprocess.DEVNULL
        )

    async def stop(self) -> None:
        for each in self.processes.values():
            if each.returncode is None:
                each.terminate()
        for each in self.processes.values():
            await asyncio.wait_for(each.wait(), 10)

    def take(self, count: int) -> list[CameraId]:
        """Cameras that nobody has looked at yet."""
        self.used += count
        assert self.used <= len(CAMERAS)
        return CAMERAS[self.used - count : self.used]

    def urls(self, ids: list[CameraId]) -> dict[CameraId, str]:
        return {each: f"rtsp://127.0.0.1:{self.port + 51}/{each}" for each in ids}

    def preconnect(self, ids: list[CameraId]) -> None:
        urls = self.urls(ids)
        word = words.Preconnect(request=RequestId(f"r{self.used}"), cameras=tuple(ids), for_ms=60_000, urls=urls)
        self.to_city.write(words.encode(word))

    async def grant(self, page: Page, ids: list[CameraId]) -> GrantId:
        """What the two loops do when a person has asked and a city has agreed; the lease is renewed as they do."""
        self.grants += 1
        grant, token = GrantId(f"g{self.grants}"), f"token{self.grants}"

        async def renew() -> None:
            while True:
                lease = words.SetLease(
                    grant=grant,
                    receiver=CONTROL,
                    cameras=tuple(ids),
                    lease_ms=10_000,
                    issued_ms=clock.monotonic(),
                    urls=self.urls(ids),
                )
                signed = msgspec.structs.replace(lease, signature=self.keys.sign(words.lease_part(lease)))
                self.to_city.write(words.encode(signed))
                await asyncio.sleep(3)

        TASKS.append(asyncio.create_task(renew()))
        admit = words.Admit(
            token_sha256=hashlib.sha256(token.encode()).digest(),
            viewer=ViewerId("v"),
            incident=IncidentId("i"),
            grant=grant,
            city=CITY,
            cameras=tuple(ids),
            until_ms=Instant(clock.now() + 600_000),
        )
        self.to_centre.write(words.encode(admit))
        await asyncio.sleep(0.2)
        before = await page.evaluate("stage.grants.length")
        await page.evaluate("(token) => stage.player.hello(token)", token)
        await until(page, f"stage.grants.length > {before}")
        return grant

    def end(self, grant: GrantId) -> None:
        TASKS.pop().cancel()
        self.to_city.write(words.encode(words.EndGrant(grant=grant, why=Why.INCIDENT_CLOSED)))


async def until(page: Page, truth: str, seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not await page.evaluate(truth):
            await asyncio.sleep(0.02)


async def first_pictures(bench: Bench, page: Page, tiles: int, *, warm: bool) -> list[float]:
    """Milliseconds from opening to painting, per tile, of cameras that nobody watched before."""
    ids = bench.take(tiles)
    if warm:
        bench.preconnect(ids)
        await asyncio.sleep(1.5)
    grant = await bench.grant(page, ids)
    await page.evaluate("() => { for (const each of Object.keys(stage.first)) delete stage.first[each]; }")
    await page.evaluate("([grant, ids]) => ids.forEach((id, k) => stage.open(k + 1, grant, id))", [grant, ids])
    await until(page, f"Object.keys(stage.first).length === {tiles}")
    found: dict[str, float] = await page.evaluate("stage.first")
    await page.evaluate("(tiles) => { for (let k = 1; k <= tiles; k += 1) stage.close(k); }", tiles)
    bench.end(grant)
    await asyncio.sleep(0.3)
    return list(found.values())


async def steady(bench: Bench, page: Page, seconds: float) -> dict[str, float]:
    """Four tiles for a while: how old the pictures are that are painted, and what each part costs."""
    ids = bench.take(4)
    grant = await bench.grant(page, ids)
    await page.evaluate("([grant, ids]) => ids.forEach((id, k) => stage.open(k + 1, grant, id))", [grant, ids])
    await asyncio.sleep(2)
    pids = {name: [each.pid] for name, each in bench.processes.items()} | {"browser": browser()}
    began, before = time.monotonic(), {name: sum(map(cpu_s, each)) for name, each in pids.items()}
    shown = {each["tile"]: each["shown"] for each in await page.evaluate("stage.player.report()")}
    glass: list[float] = []
    while time.monotonic() - began < seconds:
        glass += [
            each["glass_ms"] for each in await page.evaluate("stage.player.report()") if each["glass_ms"] is not None
        ]
    took = time.monotonic() - began
    after = await page.evaluate("stage.player.report()")
    made = {
        f"cpu_{name}_percent": round((sum(map(cpu_s, each)) - before[name]) / took * 100, 2)
        for name, each in pids.items()
    }
    await page.evaluate("() => { for (let k = 1; k <= 4; k += 1) stage.close(k); }")
    bench.end(grant)
    glass.sort()
    made |= {
        "glass_p50_ms": round(statistics.median(glass), 1),
        "glass_p95_ms": round(glass[int(len(glass) * 0.95)], 1),
    }
    made["pictures_per_s_and_tile"] = round(sum(each["shown"] - shown[each["tile"]] for each in after) / 4 / took, 1)
    return made


async def one(port: int, address: str, *, tls: bool, map: bool, rounds: int, seconds: float) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as place:
        bench = Bench(Path(place), port, tls=tls)
        try:
            await bench.start()
            async with async_playwright() as playing:
                chromium = await playing.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
                page = await chromium.new_page()
                await page.goto(address)
                await until(page, "window.stage !== undefined")
                await page.evaluate("(url) => stage.player.connect(url)", f"ws://127.0.0.1:{port + 2}/video")
                if map:
                    await page.evaluate("stage.map()")
                made: dict[str, float] = {}
                await first_pictures(
                    bench, page, 1, warm=False
                )  # the browser's decoder is loaded with the first picture
                for name, tiles, warm in (
                    ("cold_1", 1, False),
                    ("preconnected_1", 1, True),
                    ("cold_4", 4, False),
                    ("preconnected_4", 4, True),
                ):
                    runs = [await first_pictures(bench, page, tiles, warm=warm) for _ in range(rounds)]
                    made[f"first_{name}_p50_ms"] = round(statistics.median(each for run in runs for each in run), 1)
                    made[f"first_{name}_all_ms"] = round(statistics.median(max(run) for run in runs), 1)
                made |= await steady(bench, page, seconds)
                await chromium.close()
        finally:
            for task in TASKS:
                task.cancel()
            TASKS.clear()
            await bench.stop()
        return made


async def main(seconds: float, rounds: int, port: int) -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    made: dict[str, object] = {"load_average": os.getloadavg()[0], "cores": os.cpu_count()}
    for name, tls, map in (("tls", True, False), ("no_tls", False, False), ("tls_map", True, True)):
        print(f"-- {name}", flush=True)
        made[name] = await one(port, f"http://127.0.0.1:{port}/", tls=tls, map=map, rounds=rounds, seconds=seconds)
        for key, value in made[name].items():  # type: ignore[attr-defined]
            print(f"   {key:<32} {value}", flush=True)
    made["load_average_end"] = os.getloadavg()[0]
    server.shutdown()
    print(json.dumps(made))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--port", type=int, default=18_100)
    parser.add_argument("--part", choices=("cameras", "city", "centre"))
    parser.add_argument("--dir", type=Path)
    said = parser.parse_args()
    if said.part == "cameras":
        asyncio.run(part_cameras(said.port))
    elif said.part == "city":
        asyncio.run(part_city_without_tls(said.dir))
    elif said.part == "centre":
        asyncio.run(part_centre_without_tls(said.dir))
    else:
        # Told to end (by a time limit, too), it ends its parts as well.
        signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
        asyncio.run(main(said.seconds, said.rounds, said.port))
