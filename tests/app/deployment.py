"""A minimal control centre on disk: its keys, two operators, one unit, wearers with devices. And a browser's side."""

import asyncio
import hashlib
import json
import os
import socket
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import websockets
from patience import PATIENCE_S

from safetynet.app import people
from safetynet.app.control import Control
from safetynet.core.cameras import Camera
from safetynet.core.events import CameraCard
from safetynet.core.messages import Envelope, GiveGrant, Role
from safetynet.core.orders import Circle, Order, Zone
from safetynet.core.terms import WearerClass
from safetynet.edge import config, keys, registry
from safetynet.edge.registry import CityCameras
from safetynet.edge.relay import words
from safetynet.edge.store import Account, Device, Store

KEY = "device-key-of-a-test"
PASSWORD = "a long enough word"
HASH = keys.hash_password(PASSWORD)
LAT, LON = 36.35, 127.38
AREA = ((36.30, 127.30), (36.30, 127.46), (36.40, 127.46), (36.40, 127.30))
ACCOUNTS = [
    Account("p-kim", "kim", "김하나", "operator", "1", HASH),
    Account("p-lee", "lee", "이둘", "supervisor", "2", HASH),
    Account("p-unit", "unit", "박셋", "officer", "", HASH),
    Account("p-lost", "lost", "최넷", "officer", "", HASH),
]


def make(folder: Path, port: int) -> Path:
    """The folder of a control centre whose pages are at `port`."""
    control, ca = folder / "control", keys.make_ca(folder / "ca")
    city = config.Peer(
        id="garam", name="가람시", role=Role.CITY, host="127.0.0.1", link_port=port + 2, relay_port=port + 3, area=AREA
    )
    room = config.Peer(id="police", name="112", role=Role.POLICE, host="127.0.0.1", link_port=port + 4)
    config.write(
        control,
        config.Centre(
            id="control", name="관제센터", role=Role.CONTROL, host="127.0.0.1", link_port=port + 1, web_port=port,
            video_port=port + 5, peers=(city, room),
        ),
    )  # fmt: skip
    own = keys.open_centre(control)
    keys.issue(ca, control, "control", ["127.0.0.1"])
    for each in ("garam", "police"):
        keys.pin_peer(control, each, keys.open_centre(folder / each).public)
    store = Store.open(control / "log.db", centre="control", keys=own.persons, sign=own.sign, salt=keys.salt)
    digest = hashlib.sha256(KEY.encode()).digest()
    for account in ACCOUNTS:
        store.put_account(account)
    for n, footing in enumerate([WearerClass.ORDER, WearerClass.BAIL, WearerClass.ORDER], 1):
        wearer = f"w{n}"
        zone = Zone(id=f"z{n}", name="초등학교", area=Circle(LAT, LON, 150.0))
        people.enrol(
            store,
            people.WearerRecord(
                wearer=wearer, name=f"시험용 {n}", case_no=f"2026-{n}", born_year=1980, office="가람보호관찰소", officer="정다섯",
                phone="000", order=Order(wearer=wearer, wearer_class=footing, version=1, zones=(zone,)),
            ),
        )  # fmt: skip
        store.put_device(Device(f"d{n}", wearer, digest))
    store.close()
    unit = people.UnitRow(
        unit="u1", name="신속 1", kind="rapid", person="p-unit", device="phone1", key_sha256=digest, lat=LAT, lon=LON
    )
    (control / "units.json").write_bytes(msgspec.json.encode([unit]))
    return control


CITY_ACCOUNTS = [
    Account("p-shim", "shim", "심시험", "city_operator", "1", HASH),
    Account("p-eom", "eom", "엄시험", "city_head", "", HASH),
    Account("p-lost", "lost", "최넷", "officer", "", HASH),
]


def make_city(folder: Path, port: int) -> Path:
    garam, ca = folder / "garam", keys.make_ca(folder / "ca")
    control = config.Peer(id="control", name="관제센터", role=Role.CONTROL, host="127.0.0.1", link_port=port + 2)
    config.write(
        garam,
        config.Centre(
            id="garam", name="가람시", role=Role.CITY, host="127.0.0.1", link_port=port + 1, web_port=port,
            video_port=port + 3, window_port=port + 4, peers=(control,), area=AREA,
        ),
    )  # fmt: skip
    own = keys.open_centre(garam)
    keys.issue(ca, garam, "garam", ["127.0.0.1"])
    keys.pin_peer(garam, "control", keys.open_centre(folder / "control").public)
    cameras = tuple(
        Camera(id=f"c{n}", city="garam", pole=f"p{n}", name=f"시험 {n}", lat=LAT + n * 3e-4, lon=LON, range_m=60.0)
        for n in range(-6, 7)
    )
    registry.write(garam, CityCameras(city="garam", cameras=cameras))
    registry.write_sources(garam, {each.id: "rtsp://127.0.0.1:9/none" for each in cameras})
    store = Store.open(garam / "log.db", centre="garam", keys=own.persons, sign=own.sign, salt=keys.salt)
    for account in CITY_ACCOUNTS:
        store.put_account(account)
    store.close()
    return garam


class Program:
    """`safetynet control` as a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    @classmethod
    async def start(cls, folder: Path, failpoint: str = "") -> "Program":
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "safetynet", "control", "--dir", str(folder),
            stdout=asyncio.subprocess.PIPE, env={**os.environ, "SAFETYNET_FAILPOINT": failpoint},
        )  # fmt: skip
        line = await asyncio.wait_for(process.stdout.readline(), PATIENCE_S)
        assert b'"ready"' in line, line
        return cls(process)

    async def end(self) -> int:
        if self.process.returncode is None:
            self.process.terminate()
        await asyncio.wait_for(self.process.communicate(), PATIENCE_S)
        return self.process.returncode


@asynccontextmanager
async def program(folder: Path, failpoint: str = ""):
    running = await Program.start(folder, failpoint)
    try:
        yield running
    finally:
        await running.end()


async def http(
    port: int, method: str, path: str, body: bytes = b"", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """One request as written; headers keep their case, underscores are dashes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    said = {"host": f"127.0.0.1:{port}", "connection": "close", "content-length": str(len(body))}
    said |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in said.items()) + "\r\n"
    try:
        writer.write(head.encode() + body)
        answer = await asyncio.wait_for(reader.read(), PATIENCE_S)
    finally:
        writer.close()
        await writer.wait_closed()
    top, _, content = answer.partition(b"\r\n\r\n")
    first, *lines = top.decode().split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return int(first.split()[1]), fields, content


async def sign_in(
    port: int, account: str, password: str = PASSWORD, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    return await http(
        port, "POST", "/sign-in", json.dumps({"account": account, "password": password}).encode(), **headers
    )


async def cookie(port: int, account: str) -> str:
    status, headers, _ = await sign_in(port, account)
    assert status == 200
    return headers["set-cookie"].partition(";")[0]


async def report(port: int, device: str, **fields: object) -> int:
    query = "&".join(f"{name}={value}" for name, value in {"id": device, **fields}.items())
    status, _, _ = await http(port, "GET", f"/device?{query}", X_Device_Key=KEY)
    return status


class Page:
    """One window: what it shows, folded from its frames."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self.socket, self.shown, self.epoch, self.seq = socket, {}, None, None
        self.admits, self.fulls, self.resumed, self.answers, self.ref = [], 0, False, {}, 0
        self.beats = []

    async def step(self, wait_s: float = PATIENCE_S) -> dict:
        said = json.loads(await asyncio.wait_for(self.socket.recv(), wait_s))
        if "full" in said:
            self.fulls, self.shown = self.fulls + 1, said["full"]
            self.epoch, self.seq = said["epoch"], said["seq"]
        elif "resumed" in said:
            self.resumed, self.epoch, self.seq = True, said["epoch"], said["seq"]
        elif "put" in said:
            assert said["seq"] == self.seq + 1, "no gap"
            self.seq = said["seq"]
            for name, entities in said["put"].items():
                self.shown.setdefault(name, {}).update(entities)
            for name, ids in said["del"].items():
                for id in ids:
                    del self.shown[name][id]
        elif "admit" in said:
            self.admits.append(said["admit"])
        elif "beat" in said:
            self.beats.append(said["beat"])
        elif "ref" in said:
            self.answers[said["ref"]] = said
        return said

    async def until(self, true, wait_s: float = PATIENCE_S):
        async with asyncio.timeout(wait_s):
            while not (found := true(self)):
                await self.step(wait_s)
        return found

    async def do(self, act: str, **more: object) -> str:
        """`ok`, or the word why not."""
        self.ref += 1
        ref = self.ref
        await self.socket.send(json.dumps({"op": "do", "ref": ref, "act": act, **more}))
        answer = await self.until(lambda page: page.answers.get(ref))
        return "ok" if answer.get("ok") else answer["no"]

    def one(self, collection: str) -> dict:
        (found,) = self.shown[collection].values()
        return found


@asynccontextmanager
async def page(port: int, who: str, have: dict | None = None, **headers: str):
    """`who` is an account or a cookie."""
    own = who if "=" in who else await cookie(port, who)
    said = {"Cookie": own, **headers}
    async with websockets.connect(f"ws://127.0.0.1:{port}/ws", additional_headers=said, compression=None) as socket:
        await socket.send(json.dumps({"op": "hello", "have": have}))
        opened = Page(socket)
        await opened.until(lambda page: page.epoch)
        yield opened


# --- the city's and the relay's side, played in the test's own process


class Relay:
    """The centre relay's end of the unix socket."""

    def __init__(self, folder):
        self.path, self.heard = folder / "relay.sock", []

    async def __aenter__(self):
        self.server = await asyncio.start_unix_server(self._serve, self.path)
        return self

    async def __aexit__(self, *_):
        self.server.close()
        self.writer.close()

    async def _serve(self, reader, writer):
        self.writer = writer
        decoder = msgspec.msgpack.Decoder(words.ToCentreRelay)
        try:
            while True:
                self.heard.append(decoder.decode(await words.read(reader)))
        except asyncio.IncompleteReadError:
            writer.close()

    def of(self, kind):
        return [each for each in self.heard if isinstance(each, kind)]


def card(n):
    return CameraCard(
        camera=f"c{n}", pole="p", name=f"c{n}", lat=LAT, lon=LON, range_m=80.0, azimuth_deg=None, view_deg=None, ptz=False,
        purpose="crime",
    )  # fmt: skip


@asynccontextmanager
async def running_in(folder):
    control = Control(folder)
    task = asyncio.create_task(control.run())
    await until(lambda: control.relay.up and listening(control.centre.web_port))
    yield control
    task.cancel()
    await asyncio.wait({task})
    control.journal.close()
    control.store.close()


async def cut(port, device="d1", **more):
    fields = {"lat": LAT + 0.01, "lon": LON, "accuracy": 10, "timestamp": int(time.time()), "alarm": "removing"}
    return await report(port, device, **(fields | more))


async def until(true, wait_s=PATIENCE_S):
    async with asyncio.timeout(wait_s):
        while not true():
            await asyncio.sleep(0.02)


def listening(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def grant(control, id="G1"):
    (incident,) = control.loop.state.incidents.values()
    request = incident.requests["garam"]
    message = GiveGrant(
        incident=incident.incident, request=request.request, grant=id, cameras=(card(1), card(2)), conditions=("no_audio",),
        until=request.until,
    )  # fmt: skip
    envelope = Envelope(v=1, origin="garam", to="control", epoch=1, seq=len(id), sent_at=1, body=b"")
    control.deliver(envelope, message)
    control.deliver(envelope, message)  # the road may double


async def asked(kim, port):
    assert await cut(port) == 200
    id = (await kim.until(lambda p: p.shown.get("incidents")) and kim.one("incidents"))["id"]
    assert await kim.do("claim", incident=id) == "ok"
    assert await kim.do("video", incident=id) == "ok"
    return id
