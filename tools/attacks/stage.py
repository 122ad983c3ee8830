"""The product on its stage: provisioned and started as `safetynet demo` does, with real keys, on this machine alone.

The made world is not started (it costs a core): cameras are test cards that really speak RTSP and turn, devices speak
when an attack makes them. Programs are started when an attack needs them and ended again, some of them on a machine that lies
(`bent`).
"""

import asyncio
import contextlib
import json
import os
import shutil
import sys
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec
import websockets
from websockets.asyncio.client import ClientConnection

from safetynet.app.people import People
from safetynet.core.cameras import Camera
from safetynet.core.terms import CameraId, CentreId, DeviceId, WearerClass, WearerId
from safetynet.edge import clock, config, registry
from safetynet.sim import cameras, provision, ptz
from safetynet.sim.children import HOST, Program, tail
from safetynet.sim.demo import programs
from safetynet.sim.provision import CITIES, CONTROL, POLICE, Deployment, Ports, Wish

ROOT: Final = Path(__file__).resolve().parents[2]
SEED: Final = 20261123
GARAM, NARAE = CITIES
PATIENCE_S: Final = 30.0
"""How long an attack waits for what must come. It says nothing about how quick that is."""
CUT_MS_MAX: Final = 2_000
"""A picture that has lost its ground is gone by then (design.md section 3)."""
LEASE_MS_MAX: Final = 10_000
READY_S_MAX: Final = 90.0
END_S_MAX: Final = 6.0
HOSTILE: Final = "<img src=x onerror=window.pwned=1>"
"""Stands in the names of cameras, in a zone and in a unit: what a page must show as text."""


PAGE_OF: Final[dict[int, int]] = {}
"""Port of the pages that belong to a window relay's port."""


class Broken(Exception):
    """The attack got through. The text says how."""


def demand(true: object, how: str) -> None:
    """What the product must have done; else the attack got through."""
    if not true:
        raise Broken(how)


async def until(true: Callable[[], Any], what: str, wait_s: float = PATIENCE_S) -> Any:
    try:
        async with asyncio.timeout(wait_s):
            while not (found := true()):
                await asyncio.sleep(0.02)
            return found
    except TimeoutError as late:
        raise Broken(f"{what}: not within {wait_s:.0f} s") from late


# --- what is said over HTTP ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def said(self) -> Any:
        return json.loads(self.body)


async def raw(port: int, request: bytes, wait_s: float = PATIENCE_S, host: str = HOST) -> Answer:
    """One request as it is written, and what came back; status 0 when nothing did."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(request)
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        answer = b""
        with contextlib.suppress(ConnectionError):
            answer = await asyncio.wait_for(reader.read(), wait_s)
    finally:
        writer.close()
    top, _, content = answer.partition(b"\r\n\r\n")
    first, *lines = top.decode("latin-1").split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    words = first.split()
    return Answer(int(words[1]) if len(words) > 1 else 0, fields, content)


async def http(port: int, method: str, path: str, body: bytes | object = b"", **headers: str) -> Answer:
    """Headers keep their case; underscores are dashes. What is no bytes is said as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    said = {"host": f"{HOST}:{port}", "connection": "close", "content-length": str(len(content))}
    said |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in said.items()) + "\r\n"
    return await raw(port, head.encode() + content)


# --- windows -------------------------------------------------------------------------------------------------------


class Window:
    """One state socket, folded from its frames."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket, self.shown, self.admits = socket, dict[str, dict[str, Any]](), list[dict[str, str]]()
        self._answers, self._ref, self.everything = dict[int, dict[str, Any]](), 0, list[str]()
        self.closed: int | None = None
        self.task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            async for text in self.socket:
                self.everything.append(str(text))
                self._fold(json.loads(text))
        except websockets.ConnectionClosed:
            pass
        finally:
            self.closed = self.socket.close_code or 1006

    def _fold(self, said: dict[str, Any]) -> None:
        if "full" in said:
            self.shown = said["full"]
        elif "put" in said:
            for name, entities in said["put"].items():
                self.shown.setdefault(name, {}).update(entities)
            for name, ids in said["del"].items():
                for id in ids:
                    self.shown[name].pop(id, None)
        elif "admit" in said:
            self.admits.append(said["admit"])
        elif "ref" in said:
            self._answers[said["ref"]] = said

    async def do(self, act: str, **more: object) -> str:
        """`ok`, or the word why not; `gone` when the window was closed over it."""
        self._ref += 1
        ref = self._ref
        try:
            await self.socket.send(json.dumps({"op": "do", "ref": ref, "act": act, **more}))
        except websockets.ConnectionClosed:
            return "gone"
        await until(lambda: ref in self._answers or self.closed is not None, f"an answer to {act}")
        if ref not in self._answers:
            return "gone"
        answer = self._answers[ref]
        return "ok" if answer.get("ok") else str(answer["no"])

    async def see(self, true: Callable[[dict[str, dict[str, Any]]], Any], what: str, wait_s: float = PATIENCE_S) -> Any:
        return await until(lambda: true(self.shown), what, wait_s)


@contextlib.asynccontextmanager
async def window(port: int, cookie: str, **headers: str) -> AsyncGenerator[Window]:
    said = {"Cookie": cookie, **headers}
    address = f"ws://{HOST}:{port}/ws"
    async with websockets.connect(address, additional_headers=said, compression=None, max_size=None) as socket:
        with contextlib.suppress(websockets.ConnectionClosed):
            await socket.send('{"op":"hello","have":null}')
        opened = Window(socket)
        try:
            await until(lambda: opened.shown or opened.closed is not None, "a first frame")
            yield opened
        finally:
            opened.task.cancel()


class Video:
    """One window's video socket. Acknowledges like the player."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket, self.texts, self.pictures = socket, list[dict[str, Any]](), dict[int, int]()
        self.last_at = 0
        self.closed = False
        self.task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            async for message in self.socket:
                if isinstance(message, str):
                    self.texts.append(json.loads(message))
                elif message[6:10] == b"prft":
                    tile = int.from_bytes(message[:2], "big")
                    self.pictures[tile] = self.pictures.get(tile, 0) + 1
                    self.last_at = clock.monotonic()
                    await self.socket.send(message[:2] + b"\0\1")
        except websockets.ConnectionClosed:
            pass
        finally:
            self.closed = True

    async def say(self, **what: object) -> None:
        with contextlib.suppress(websockets.ConnectionClosed):
            await self.socket.send(json.dumps(what))

    def said(self, **what: object) -> bool:
        return any(all(text.get(name) == each for name, each in what.items()) for text in self.texts)

    async def hello(self, token: str) -> str:
        """`admitted`, or the word why not."""
        before = len(self.texts)
        await self.say(op="hello", token=token)
        await until(lambda: self.closed or any("grant" in each for each in self.texts[before:]), "an answer to a token")
        answer = next((each for each in self.texts[before:] if "grant" in each), {"why": "closed"})
        return "admitted" if answer.get("state") == "admitted" else str(answer["why"])

    async def quiet(self, for_ms: int = 1_200) -> bool:
        """Whether no picture comes any more."""
        before = sum(self.pictures.values())
        await asyncio.sleep(for_ms / 1_000)
        return sum(self.pictures.values()) == before


@contextlib.asynccontextmanager
async def video(port: int, **headers: str) -> AsyncGenerator[Video]:
    address = f"ws://{HOST}:{port}/video"
    said = {"Origin": f"http://{HOST}:{PAGE_OF[port]}", **headers}
    async with websockets.connect(address, additional_headers=said, compression=None, max_size=None) as socket:
        opened = Video(socket)
        try:
            yield opened
        finally:
            opened.task.cancel()


# --- the stage -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wearer:
    wearer: WearerId
    name: str
    wearer_class: WearerClass
    device: DeviceId
    key: str


@dataclass(slots=True)
class Stage:
    """`folder` holds the deployment; `ports` are the demo's, from the first on."""

    folder: Path
    ports: Ports
    deployment: Deployment
    wearers: tuple[Wearer, ...]
    cameras: tuple[Camera, ...]
    """Of the first city."""
    running: dict[str, asyncio.subprocess.Process] = field(default_factory=dict[str, asyncio.subprocess.Process])
    cookies: dict[str, str] = field(default_factory=dict[str, str])
    turn: int = 0

    @property
    def plan(self) -> Path:
        """How the machine lies on which the programs of `waves.BENT` run."""
        return self.folder / "machine.plan"

    heads: ptz.Heads | None = None

    # --- programs

    def _program(self, name: str) -> Program:
        return next(each for each in programs(self.folder, self.ports) if each.name == name)

    async def start(self, *names: str, plan: Path | None = None) -> None:
        """Started together, waited for until all their ports answer. With a `plan` their machine lies (`bent`)."""
        await self.launch(*names, plan=plan)
        await self.ready(*names)

    async def launch(self, *names: str, plan: Path | None = None) -> None:
        for name in names:
            program = self._program(name)
            bent = [] if plan is None else ["tools.attacks.bent", str(plan)]
            command = [*(bent or ["safetynet.sim.children"]), str(os.getpid()), *program.arguments]
            with self._log(name).open("ab") as log:
                self.running[name] = await asyncio.create_subprocess_exec(
                    sys.executable, "-u", "-m", *command,
                    stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT,
                    env={**os.environ, "PYTHONPATH": str(ROOT)}, start_new_session=True,
                )  # fmt: skip

    async def ready(self, *names: str) -> None:
        for name in names:
            await self._ready(self._program(name))

    def _log(self, name: str) -> Path:
        folder = self.folder / "log"
        folder.mkdir(exist_ok=True)
        return folder / f"{name}.log"

    async def _ready(self, program: Program) -> None:
        async with asyncio.timeout(READY_S_MAX):
            for port in program.ports:
                while not await answers(port):
                    if not self.alive(program.name):
                        raise RuntimeError(f"{program.name} did not start:\n{tail(self._log(program.name))}")
                    await asyncio.sleep(0.05)

    def alive(self, name: str) -> bool:
        process = self.running.get(name)
        return process is not None and process.returncode is None

    def require_alive(self, *names: str) -> None:
        for name in names or tuple(self.running):
            demand(self.alive(name), f"{name} is dead:\n{tail(self._log(name), 6)}")

    async def end(self, *names: str) -> None:
        for name in names:
            process = self.running.pop(name, None)
            if process is None or process.returncode is not None:
                continue
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), END_S_MAX)
            except TimeoutError:
                process.kill()
                await process.wait()
        self.cookies = {} if CONTROL in names or GARAM in names else self.cookies

    async def kill(self, name: str) -> None:
        process = self.running.pop(name)
        process.kill()
        await process.wait()

    def files(self, centre: CentreId) -> Path:
        return self.folder / centre

    def kept(self, centre: CentreId) -> Path:
        """The centre's folder as it was after an honest day, before anybody played one of them."""
        return self.folder / "kept" / centre

    def keep(self) -> None:
        for centre in (CONTROL, GARAM):
            copy(self.files(centre), self.kept(centre))

    # --- people

    def password(self, account: str) -> str:
        logins = [*self.deployment.logins, *(one for each in self.deployment.city_logins.values() for one in each)]
        return next(each.password for each in logins if each.account == account)

    def door(self, account: str) -> int:
        """The port of the pages at which this account signs in."""
        for index, city in enumerate(CITIES):
            if any(each.account == account for each in self.deployment.city_logins[city]):
                return self.ports.city_pages(index)
        return self.ports.pages

    async def sign_in(self, account: str, password: str | None = None, **headers: str) -> Answer:
        said = {"account": account, "password": self.password(account) if password is None else password}
        return await http(self.door(account), "POST", "/sign-in", said, **headers)

    async def cookie(self, account: str, *, fresh: bool = False) -> str:
        if fresh or account not in self.cookies:
            answer = await self.sign_in(account)
            demand(answer.status == 200, f"{account} cannot sign in: {answer.status}")
            self.cookies[account] = answer.headers["set-cookie"].partition(";")[0]
        return self.cookies[account]

    @contextlib.asynccontextmanager
    async def at(self, account: str, *, fresh: bool = False) -> AsyncGenerator[Window]:
        async with window(self.door(account), await self.cookie(account, fresh=fresh)) as opened:
            yield opened

    async def ask(self, account: str, method: str, path: str, body: object = b"", **headers: str) -> Answer:
        return await http(self.door(account), method, path, body, Cookie=await self.cookie(account), **headers)

    # --- devices

    def one(self, *classes: WearerClass) -> Wearer:
        """A wearer for whom no incident is open: attacks take turns and close what they opened."""
        wanted = classes or (WearerClass.ORDER, WearerClass.PAROLE)
        found = [each for each in self.wearers if each.wearer_class in wanted]
        self.turn += 1
        return found[self.turn % len(found)]

    def place(self) -> tuple[float, float]:
        """Where many cameras of the first city are near."""
        ordered = sorted(self.cameras, key=lambda each: (each.lat, each.lon))
        middle = ordered[len(ordered) // 2]
        return middle.lat, middle.lon

    async def report(
        self, wearer: Wearer, *, key: str | None = None, at_ms: int | None = None, **more: object
    ) -> Answer:
        lat, lon = self.place()
        said = {"id": wearer.device, "lat": lat, "lon": lon, "accuracy": 8, "timestamp": at_ms or clock.now(), **more}
        query = "&".join(f"{name}={value}" for name, value in said.items())
        return await http(self.ports.pages, "GET", f"/device?{query}", X_Device_Key=wearer.key if key is None else key)

    async def incident(self, seen: Window, wearer: Wearer | None = None, **more: object) -> str:
        """A strap is cut near cameras of the first city; the incident's id, as a window sees it."""
        cut = wearer or self.one()
        known = set(seen.shown.get("incidents", {}))
        answer = await self.report(cut, alarm="removing", **more)
        demand(answer.status == 200, f"a device is not heard: {answer.status} {answer.body!r}")
        new = await seen.see(lambda shown: set(shown.get("incidents", {})) - known, "an incident")
        return str(new.pop())

    async def granted(self, seen: Window, wearer: Wearer | None = None) -> "Granted":
        """An incident led by this window's person, with live cameras of the first city."""
        incident = await self.incident(seen, wearer)
        demand(await seen.do("claim", incident=incident) == "ok", "an incident cannot be claimed")
        demand(await seen.do("video", incident=incident) == "ok", "video cannot be asked for")
        await until(lambda: seen.admits, "a token")
        admit = seen.admits.pop()
        live = await seen.see(lambda shown: _live(shown, incident), "cameras under the grant")
        return Granted(incident, admit["grant"], admit["token"], live)

    async def close(self, seen: Window, incident: str) -> None:
        await seen.do("claim", incident=incident)
        await seen.do("close", incident=incident, code="minor")


@dataclass(frozen=True, slots=True)
class Granted:
    incident: str
    grant: str
    token: str
    cameras: list[str]


def _live(shown: dict[str, dict[str, Any]], incident: str) -> list[str]:
    whole = shown.get("incidents", {}).get(incident)
    found = whole["video"]["cameras"] if whole else []
    return [each["camera"] for each in found if each["state"] == "granted" and each["city"] == GARAM]


def copy(source: Path, target: Path) -> Path:
    """Without sockets and locks."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.sock", "*.lock"))
    return target


async def answers(port: int) -> bool:
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(HOST, port), 1.0)
    except (OSError, TimeoutError):
        return False
    writer.transport.abort()
    return True


@contextlib.asynccontextmanager
async def opened(folder: Path, first: int) -> AsyncGenerator[Stage]:
    """Provisioned; nothing runs yet but cameras. Everything is ended when this is left."""
    wish = Wish(folder=folder, ports=Ports(first=first), seed=SEED, data=None, fresh=False)
    deployment, _ = await asyncio.to_thread(provision.provision, wish, lambda _ko, _en: None)
    _by_no_road(wish)
    PAGE_OF[wish.ports.windows] = wish.ports.pages
    PAGE_OF[wish.ports.city_windows(0)] = wish.ports.city_pages(0)
    found = registry.read(folder / GARAM)
    stage = Stage(
        folder=folder,
        ports=wish.ports,
        deployment=deployment,
        wearers=tuple(_wearers(folder, deployment)),
        cameras=found,
    )
    cards: dict[CameraId, object] = {each.id: cameras.TestCard(256, 144) for each in found}
    lenses = await cameras.serve(cards, HOST, wish.ports.rtsp)  # type: ignore[arg-type]
    stage.heads = ptz.Heads((each.id for each in found if each.ptz), lambda _camera, _pan: None)
    turning = await stage.heads.serve(HOST, wish.ports.ptz)
    try:
        yield stage
    finally:
        await stage.end(*tuple(stage.running))
        turning.close()
        await lenses.close()


def _by_no_road(wish: Wish) -> None:
    """Partners are dialled directly: the demo's breakable roads are not started. Names of the list are hostile."""
    control = config.read(wish.folder / CONTROL)
    peers = tuple(
        each
        if each.id == POLICE
        else msgspec.structs.replace(
            each,
            link_port=wish.ports.city_link(CITIES.index(each.id)),
            relay_port=wish.ports.city_video(CITIES.index(each.id)),
        )
        for each in control.peers
    )
    config.write(wish.folder / CONTROL, msgspec.structs.replace(control, peers=peers))
    listed = registry.read(wish.folder / GARAM)
    named = tuple(msgspec.structs.replace(each, name=f"{HOSTILE}{n}") for n, each in enumerate(listed))
    registry.write(wish.folder / GARAM, registry.CityCameras(city=GARAM, cameras=named))


def _wearers(folder: Path, deployment: Deployment) -> Iterator[Wearer]:
    store = provision.open_store(folder / CONTROL, CONTROL)
    try:
        people, devices = People(store), store.devices()
        for each in devices:
            record = people.get(each.wearer)
            if record is not None and not each.protected:
                key = deployment.devices[each.device]
                yield Wearer(each.wearer, record.name, record.order.wearer_class, each.device, key)
    finally:
        store.close()
