"""A whole city at work: what it costs by process, what of the pictures is lost, and how late an alarm is under it.

    python bench/city.py [--seconds 15] [--watched 40] [--alarms 25] [--port 18400]

The real product (every program of `safetynet demo`: two cities with at least 200 registered cameras, relays, police room,
devices; only the pictures are filmed beforehand, so that drawing them does not drown the rest), a real
browser with nine pictures of one incident, and colleagues without a browser who look at further incidents until
`--watched` different cameras are open; all by the product's own doors. Then straps are cut, one after another, and each
is timed until its row is painted. The peer of the same run: the same cameras read by a bare socket, nothing decided,
nothing recorded, nothing encrypted, nothing shown. Only loopback: no network.
"""

import argparse
import asyncio
import contextlib
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
from playwright.async_api import async_playwright
from video import browser as browser_pids
from video import cpu_s
from websockets.asyncio.client import ClientConnection, connect

sys.path.insert(0, str(Path(__file__).parents[1]))

from safetynet.core.terms import CameraId
from safetynet.edge import clock, registry
from safetynet.sim import cameras
from safetynet.sim.children import Children
from safetynet.sim.demo import SEED, programs
from safetynet.sim.h264 import PcmWriter
from safetynet.sim.provision import CITIES, Ports, Wish, provision
from safetynet.sim.screen import DESK, Screen, launch, until
from safetynet.sim.world import World

ROOT = Path(__file__).parents[1]
TILES = 9
REPORT_TRIES_MAX = 10
FILM_S = 10
GOP = 20
WATCHED_S_MAX = 60


class Colleague:
    """A window without a browser: takes an incident over the state socket and reads its pictures as they come."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.incidents: dict[str, Any] = {}
        self.alarms: dict[str, Any] = {}
        self.watched: dict[tuple[str, str], int] = {}
        """Pictures taken per (grant, camera)."""
        self.gaps = 0
        self.video: ClientConnection | None = None
        self.eye: asyncio.Task[None] | None = None
        self._last: dict[int, int] = {}
        self._tiles: dict[int, tuple[str, str]] = {}
        self._mine: set[str] = set()
        self._admitted: set[str] = set()
        self._ref = 0

    async def sign_in(self, login: str, password: str) -> None:
        origin = f"http://127.0.0.1:{self.port}"
        async with httpx.AsyncClient() as web:
            answer = await web.post(
                f"{origin}/sign-in", json={"account": login, "password": password}, headers={"origin": origin}
            )
            answer.raise_for_status()
        cookie = answer.headers["set-cookie"].partition(";")[0]
        self.socket = await connect(
            f"ws://127.0.0.1:{self.port}/ws", additional_headers={"cookie": cookie}, origin=origin, max_size=None
        )
        self.origin = origin
        await self.socket.send('{"op":"hello","have":null}')

    async def do(self, act: str, **fields: str) -> None:
        self._ref += 1
        await self.socket.send(json.dumps({"op": "do", "ref": self._ref, "act": act, **fields}))

    async def take(self, incident: str) -> None:
        self._mine.add(incident)
        await self.do("claim", incident=incident)
        await self.do("video", incident=incident)

    async def hear(self) -> None:
        async for text in self.socket:
            said = json.loads(text)
            if "admit" in said:
                self._admitted.add(said["admit"]["grant"])
                if self.video is None:
                    self.video = await connect(
                        f"ws://127.0.0.1:{self.port + 2}/video", origin=self.origin, max_size=None
                    )
                    self.eye = asyncio.create_task(self.look(self.video))
                await self.video.send(json.dumps({"op": "hello", "token": said["admit"]["token"]}))
            for name, entities in (said.get("full") or said.get("put") or {}).items():
                if name in ("incidents", "alarms"):
                    getattr(self, name).update(entities)
            for id in self._mine:
                await self._open(self.incidents.get(id, {"video": {"cameras": []}}))

    async def _open(self, incident: dict[str, Any]) -> None:
        for each in incident["video"]["cameras"]:
            key = (each["grant"], each["camera"])
            if each["state"] == "granted" and each["grant"] in self._admitted and key not in self.watched:
                tile = len(self._tiles) + 1
                if tile > 60:
                    return
                self._tiles[tile], self.watched[key] = key, 0
                assert self.video is not None, "nobody is admitted without a token"
                await self.video.send(json.dumps({"op": "open", "tile": tile, "grant": key[0], "camera": key[1]}))

    async def look(self, video: ClientConnection) -> None:
        """Acknowledges each picture, as a page does that has handed it to its decoder."""
        async for data in video:
            if isinstance(data, str) or data[6:10] != b"prft":
                continue
            tile, number = int.from_bytes(data[:2]), int.from_bytes(data[54:58])
            if tile in self._tiles:
                self.watched[self._tiles[tile]] += 1
                last = self._last.get(tile, number - 1)
                self.gaps += max(0, number - last - 1) if number - last < 1_000 else 0
                self._last[tile] = number
            await video.send(data[:2] + b"\0\1")

    async def leave(self, ear: asyncio.Task[None]) -> None:
        """Raises what its tasks raised: a window that broke makes the figures worthless."""
        await self.socket.close()
        await ear
        if self.video is not None and self.eye is not None:
            await self.video.close()
            await self.eye


def film() -> cameras.Clip:
    """Ten seconds, encoded once: what the cameras cost must not drown what is measured."""
    card, writer = cameras.TestCard(), PcmWriter(640, 360, GOP)
    planes = np.empty((card.height * 3 // 2, card.width), np.uint8)
    made: list[tuple[tuple[bytes, ...], bool, float]] = []
    for number in range(FILM_S * cameras.RATE_PER_S):
        card.draw(CameraId("bench"), number * 100, planes)
        nals, key = writer.encode(planes)
        plain = tuple(each for each in nals if each[0] & 31 not in (7, 8))
        made.append((plain, key, number / cameras.RATE_PER_S))
    return cameras.Clip(card.width, card.height, tuple(made), float(FILM_S), writer.sps, writer.pps, audio=False)


async def part_cameras(port: int, ids: Path) -> None:
    """RTSP servers in a process of their own: every camera of both cities plays the film."""
    clip = film()
    await cameras.serve(dict.fromkeys(json.loads(ids.read_bytes()), clip), "127.0.0.1", port)
    await asyncio.Event().wait()


class Product:
    """All programs of the demo as children, with cameras that cost little; its accounts and its devices' keys."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        ports = Ports(first=port)
        self.films = port + 80
        deployment, _ = provision(
            Wish(folder=folder, ports=ports, seed=SEED, data=None, fresh=False), lambda _, __: None
        )
        self.logins = {each.account: each.password for each in deployment.logins}
        self.urls: dict[str, str] = {}
        for city in CITIES:
            mine = {id: f"rtsp://127.0.0.1:{self.films}/{id}" for id in registry.read_sources(folder / city)}
            registry.write_sources(folder / city, mine)
            self.urls |= {str(id): url for id, url in mine.items()}
        world = json.loads((folder / "world" / "world.json").read_bytes())
        self.devices: dict[str, str] = world["devices"]
        self.homes = {str(each.device): (each.lat, each.lon) for each in World(int(world["seed"])).wearers()}
        self.children = Children(programs(folder, ports), folder / "log", say=print)

    async def start(self) -> None:
        ids = self.folder / "cameras.json"
        ids.write_text(json.dumps(sorted(self.urls)), encoding="utf-8")
        self.cameras = await asyncio.create_subprocess_exec(
            sys.executable, __file__, "--part", "cameras", "--port", str(self.films), "--ids", str(ids)
        )
        await self.children.start()
        self.pids = self.children.pids() | {"cameras": self.cameras.pid}

    async def stop(self) -> None:
        await self.children.stop()
        if self.cameras.returncode is None:
            self.cameras.terminate()
        await self.cameras.wait()

    async def cut(self, web: httpx.AsyncClient, device: str) -> tuple[int, float]:
        """The device says that its strap was removed: when it began to, and how long until it was answered, ms."""
        lat, lon = self.homes[device]
        at, began = clock.now(), time.monotonic()
        answer = await web.post(
            f"http://127.0.0.1:{self.port}/device",
            data={
                "id": device,
                "alarm": "removing",
                "lat": str(lat),
                "lon": str(lon),
                "accuracy": "12",
                "timestamp": str(at),
            },
            headers={"X-Device-Key": self.devices[device]},
        )
        answer.raise_for_status()
        return at, (time.monotonic() - began) * 1_000


class Usage:
    """Processor time by process between two looks."""

    def __init__(self, pids: Callable[[], dict[str, list[int]]]) -> None:
        self._pids = pids
        self._before, self._at = self._read(), time.monotonic()

    def _read(self) -> dict[str, float]:
        found: dict[str, float] = {}
        for name, pids in self._pids().items():
            for pid in pids:
                with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a browser's process came and went
                    found[f"{name} {pid}"] = cpu_s(pid)
        return found

    def percent(self) -> dict[str, float]:
        """Of one core, by name."""
        took, made = time.monotonic() - self._at, dict[str, float]()
        for key, value in self._read().items():
            name = key.rpartition(" ")[0]
            made[name] = made.get(name, 0.0) + (value - self._before.get(key, value)) / took * 100
        return {name: round(value, 1) for name, value in made.items()}


async def bare(url: str, counted: dict[str, int]) -> None:
    """The peer: RTSP over TCP by hand, bytes read and thrown away; only the marker bits are counted."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    session, track = "", url
    for number, (method, more) in enumerate((("DESCRIBE", "Accept: application/sdp\r\n"), ("SETUP", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"), ("PLAY", "")), 1):  # fmt: skip
        held = f"Session: {session}\r\n" if session else ""
        writer.write(f"{method} {track if method == 'SETUP' else url} RTSP/1.0\r\nCSeq: {number}\r\n{held}{more}\r\n".encode())  # fmt: skip
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        assert " 200 " in head.splitlines()[0], head
        if found := re.search(r"(?im)^session:\s*([^;\r\n]+)", head):
            session = found[1]
        if found := re.search(r"(?im)^content-length:\s*(\d+)", head):
            sdp = (await reader.readexactly(int(found[1]))).decode()
            control = re.findall(r"(?m)^a=control:(\S+)", sdp.partition("m=video")[2])[0]
            track = control if control.startswith("rtsp:") else f"{url}/{control}"
    while True:
        mark, channel, size = await reader.readexactly(1), await reader.readexactly(1), await reader.readexactly(2)
        assert mark == b"$"
        packet = await reader.readexactly(int.from_bytes(size))
        if channel == b"\0" and packet[1] & 0x80:
            counted[url] = counted.get(url, 0) + 1


def rank(values: list[float], share: float) -> float:
    return round(sorted(values)[min(len(values) - 1, int(len(values) * share))], 1)


async def watch_many(product: Product, wall: Screen, mate: Colleague, web: httpx.AsyncClient, wanted: int) -> set[str]:
    """Nine pictures in the browser, and further incidents in the colleague's hand until enough cameras are open."""
    left = list(product.devices)
    await product.cut(web, left.pop(0))
    await until("the first alarm", wall.rows)
    await wall.press("Enter")
    await until("the cameras", lambda: wall.page.locator("sn-tile.proposed").count())
    await until("the claim", lambda: wall.page.locator("[data-act=police]").count())
    await wall.press("f", "v")

    def seen() -> set[str]:
        mine = {f"{camera}" for _, camera in mate.watched}
        return mine | {each["camera"] for each in tiles if each["state"] in ("live", "stale")}

    tiles = await wall.tiles()
    end = time.monotonic() + WATCHED_S_MAX
    while time.monotonic() < end:
        tiles = await wall.tiles()
        if len(seen()) >= wanted and sum(each["state"] == "live" for each in tiles) >= TILES - 1:
            break
        if left and len(seen()) < wanted:
            known = set(mate.incidents)
            await product.cut(web, left.pop(0))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(3):
                    while not (fresh := set(mate.incidents) - known):
                        await asyncio.sleep(0.05)
                    for each in fresh:
                        await mate.take(each)
        await asyncio.sleep(0.6)
    product.devices = {each: product.devices[each] for each in left}
    return seen()


async def under_load(product: Product, wall: Screen, mate: Colleague, web: httpx.AsyncClient, seconds: float, alarms: int) -> dict[str, Any]:  # fmt: skip
    usage = Usage(lambda: {name: [pid] for name, pid in product.pids.items()} | {"browser": browser_pids(), "colleagues and this program": [os.getpid()]})  # fmt: skip
    began, before = time.monotonic(), await pictures(wall)
    taken, gaps = dict(mate.watched), mate.gaps
    latency: list[float] = []
    answers: list[float] = []
    for device in list(product.devices)[:alarms]:
        known = await wall.alarms()
        at, answered_ms = await product.cut(web, device)
        answers.append(answered_ms)
        found = await until("the alarm", lambda known=known: wall.new_alarm(known), 20_000)  # type: ignore[misc]
        latency.append(found[1] - at)
        await asyncio.sleep(max(0.0, seconds / alarms - (time.monotonic() - began) / (len(latency) + 1) * 0.2))
    while time.monotonic() - began < seconds:
        await asyncio.sleep(0.1)
    took, after = time.monotonic() - began, await pictures(wall)
    cpu = usage.percent()
    both = [(before[tile], each) for tile, each in after.items() if tile in before]
    shown = sum(new["shown"] - old["shown"] for old, new in both)
    dropped = sum(new["dropped"] - old["dropped"] for old, new in both)
    read = sum(mate.watched[key] - taken.get(key, 0) for key in mate.watched)
    lost = mate.gaps - gaps
    product_cpu = sum(
        value
        for name, value in cpu.items()
        if name not in ("world", "outages", "cameras", "colleagues and this program")
    )
    return {
        "cpu_percent": cpu, "cpu_total_percent": round(sum(cpu.values()), 1), "cpu_product_percent": round(product_cpu, 1),
        "alarms": len(latency), "alarm_ms_p50": rank(latency, 0.5), "alarm_ms_p99": rank(latency, 0.99),
        "answer_ms_p50": rank(answers, 0.5), "answer_ms_p99": rank(answers, 0.99),
        "tiles_measured": len(both), "frames_dropped_percent": round(100 * dropped / max(1, shown + dropped), 2),
        "pictures_per_s_and_tile": round(shown / max(1, len(both)) / took, 2),
        "road_lost_percent": round(100 * lost / max(1, read + lost), 2),
        "pictures_per_s_and_camera": round(read / max(1, len(mate.watched)) / took, 2), "seconds": round(took, 1),
    }  # fmt: skip


async def pictures(wall: Screen) -> dict[int, dict[str, float]]:
    """What each open picture counted. A worker that has much to do answers late: asked a few times."""
    for _ in range(REPORT_TRIES_MAX):
        found = await wall.page.evaluate(
            "import('/console/operator.js').then(({ pictures }) => pictures()).catch(() => null)"
        )
        if found is not None:
            return {int(each["tile"]): each for each in found}
    raise TimeoutError("the page's worker did not answer")


async def peer(product: Product, ids: set[str], seconds: float) -> dict[str, float]:
    """The same cameras by bare sockets. Its processor time is this program's and the cameras'."""
    counted: dict[str, int] = {}
    tasks = [asyncio.create_task(bare(product.urls[id], counted)) for id in sorted(ids)]
    await asyncio.sleep(2)
    usage = Usage(lambda: {"cameras": [product.pids["cameras"]], "sinks": [os.getpid()]})
    before, began = dict(counted), time.monotonic()
    await asyncio.sleep(seconds)
    took, cpu = time.monotonic() - began, usage.percent()
    for task in tasks:
        task.cancel()
    failed = [each for each in await asyncio.gather(*tasks, return_exceptions=True) if not isinstance(each, asyncio.CancelledError)]  # fmt: skip
    assert not failed, failed[0]
    read = sum(counted[url] - before.get(url, 0) for url in counted)
    return {
        "peer_cpu_total_percent": round(sum(cpu.values()), 1), "peer_cpu_cameras_percent": cpu["cameras"],
        "peer_cpu_sinks_percent": cpu["sinks"], "peer_pictures_per_s_and_camera": round(read / max(1, len(ids)) / took, 2),
    }  # fmt: skip


async def measure(product: Product, seconds: float, watched: int, alarms: int) -> dict[str, Any]:
    mate = Colleague(product.port)
    await mate.sign_in("operator2", product.logins["operator2"])
    ear = asyncio.create_task(mate.hear())
    async with async_playwright() as playing, httpx.AsyncClient() as web:
        chromium = await launch(playing)
        wall = await Screen.open(chromium, DESK, product.folder / "shots")
        await wall.sign_in(f"http://127.0.0.1:{product.port}/", "operator1")
        await until("the calm screen", lambda: wall.says("sn-queue", ".+"))
        ids = await watch_many(product, wall, mate, web, watched)
        print(f"   {len(ids)} cameras watched", flush=True)
        await asyncio.sleep(2)
        made: dict[str, Any] = {"registered": len(product.urls), "watched": len(ids)}
        made |= await under_load(product, wall, mate, web, seconds, alarms)
        made["page_faults"] = len(wall.faults)
        await wall.shoot("wall")
        await chromium.close()
    await mate.leave(ear)
    await asyncio.sleep(2)  # the relays let go of the cameras
    made |= await peer(product, ids, seconds / 2)
    made["cpu_ratio"] = round(made["cpu_total_percent"] / max(0.1, made["peer_cpu_total_percent"]), 2)
    made["pictures_ratio"] = round(made["pictures_per_s_and_camera"] / max(0.01, made["peer_pictures_per_s_and_camera"]), 3)  # fmt: skip
    made["alarm_over_answer_ratio"] = round(made["alarm_ms_p50"] / max(0.1, made["answer_ms_p50"]), 2)
    return made


async def main(said: argparse.Namespace) -> None:
    made: dict[str, Any] = {"cores": os.cpu_count(), "load_average": round(os.getloadavg()[0], 1)}
    with tempfile.TemporaryDirectory() as place:
        product = Product(Path(place) / "city", said.port)
        try:
            await product.start()
            made |= await measure(product, said.seconds, said.watched, said.alarms)
            if said.keep:
                (product.folder / "shots" / "wall.png").rename(said.keep)
        finally:
            await product.stop()
    made["load_average_end"] = round(os.getloadavg()[0], 1)
    for name, value in made.items():
        print(f"   {name:<34} {value}", flush=True)
    assert made["registered"] >= 200, "the made city has fewer cameras than the figures are named for"
    print(json.dumps(made))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--watched", type=int, default=40)
    parser.add_argument("--alarms", type=int, default=25)
    parser.add_argument("--port", type=int, default=18_400)
    parser.add_argument("--keep", type=Path, help="where the picture of the wall goes")
    parser.add_argument("--part", choices=("cameras",), help="for this program's own use")
    parser.add_argument("--ids", type=Path)
    given = parser.parse_args()
    asyncio.run(part_cameras(given.port, given.ids) if given.part else main(given))
