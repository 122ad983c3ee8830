"""The world as a program: devices that send, cameras that serve, a panel that starts stories. Until it is told to stop.

Reads `world.json` in its folder: seed, control_url, panel_port, rtsp_port, devices {id: key}, registry (folder of a real
list, or null), console_origins.
"""

import argparse
import asyncio
import importlib
import os
import signal
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
import uvicorn
from starlette.applications import Starlette

from safetynet.core.terms import CameraId, CentreId, DeviceId, Instant, Source, UnitId, WearerId
from safetynet.edge import clock, log
from safetynet.sim import cameras, outages, phones, recordings
from safetynet.sim.cameras import Clip
from safetynet.sim.devices import Post, Report, Sent
from safetynet.sim.panel import Panel, Recorded
from safetynet.sim.phones import Settings as Telephones
from safetynet.sim.ptz import Heads
from safetynet.sim.recorder import Redrawn
from safetynet.sim.scene import Scene
from safetynet.sim.stories import BORDER_M, FLIGHT_MPS, Story
from safetynet.sim.world import World

HOST: Final = "127.0.0.1"
TICK_S: Final = 0.1
UNITS_S: Final = 5.0
STEP_S: Final = 5
NEAR_M: Final = 120.0
PREPARED_MAX: Final = 96
LOW_PRIORITY: Final = 15
UNIT_RADIUS_M: Final = 8.0
PANEL_CLOSE_S_MAX: Final = 3.0
FILE: Final = "world.json"
WALKED_MAX: Final = 100_000
DOOR_TRIES_MAX: Final = 600
"""One minute."""
KILLED: Final = "control"
"""The program that dies in the story of the outage."""


class UnitPhone(msgspec.Struct, frozen=True):
    device: DeviceId
    key: str


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    seed: int
    control_url: str
    """Where devices send: the control centre's `/device`."""
    panel_port: int
    rtsp_port: int
    devices: dict[DeviceId, str]
    registry: str | None = None
    data: str | None = None
    """Folder of recordings of others: a walk, a film."""
    console_origins: tuple[str, ...] = ()
    unit_url: str | None = None
    """Where the phones of units say where they are: the control centre's `/unit`."""
    units: dict[UnitId, UnitPhone] = {}
    ptz_port: int | None = None
    """Where cameras that can turn hear of it."""
    phones: Telephones | None = None
    """How telephones come to the pages."""
    outages: str | None = None
    """The door of what can fail: roads, programs."""
    recorder_port: int | None = None
    """Where the cities' recorder answers."""
    border_m: float = BORDER_M
    pace_mps: float = FLIGHT_MPS


def read(folder: Path) -> Settings:
    """Raises FileNotFoundError without a `world.json`, msgspec.ValidationError when it is not what it must be."""
    return msgspec.json.decode((folder / FILE).read_bytes(), type=Settings)


def make(settings: Settings) -> World:
    registered: Sequence[Any] | None = None
    if settings.registry is not None:
        # The importers belong to another floor's room and are wanted only with real lists.
        registered = importlib.import_module("safetynet.edge.registry").read(Path(settings.registry))
    walk = None if settings.data is None else recordings.walk(Path(settings.data))
    return World(
        settings.seed, registered=registered, walk=walk, border_m=settings.border_m, pace_mps=settings.pace_mps
    )


class _Server(uvicorn.Server):
    """uvicorn would take the signals for itself; here one event ends everything."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


async def tell(world: World, posts: dict[DeviceId, Post]) -> None:
    """Brings the devices up to the wall clock, again and again. A clock that was set back only makes them wait."""
    latest = Instant(0)
    while True:
        now = clock.now()
        if now >= latest:
            for report in world.advance(now):
                if report.device in posts:
                    posts[report.device].put(report)
            latest = now
        await asyncio.sleep(TICK_S)


def near_stories(world: World, stories: Sequence[Story]) -> list[CameraId]:
    """Cameras that will be asked for when a story is told: those near its way, in the order of its seconds."""
    known = world.cameras()
    found: dict[CameraId, None] = {}
    for story in stories:
        for second in range(0, int(story.length_s) + 1, STEP_S):
            at = story.moment(float(second))
            for each in known:
                if (each.x - at.x) ** 2 + (each.y - at.y) ** 2 < NEAR_M**2:
                    found.setdefault(each.id)
    return list(found)


def look(drawn: Sequence[CameraId], scene: Scene, over: threading.Event) -> None:
    """Draws what never moves before anybody looks: real cameras see all the time, ours must not be slow at first.

    In a thread of its own that yields to everything else.
    """
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LOW_PRIORITY)
    for camera in drawn[:PREPARED_MAX]:
        if over.is_set():
            return
        scene.background(camera)


def filmed(world: World, settings: Settings) -> tuple[Clip | None, frozenset[CameraId]]:
    """The film, and the cameras near the first story's way that loop it. They are like the recorder of a shop: it plays
    from the first picture, and no wish makes a key frame where the film has none.
    """
    if settings.data is None:
        return None, frozenset()
    clip = cameras.read_clip(Path(settings.data) / recordings.CLIP_FILE)
    return clip, recordings.looping(near_stories(world, world.stories()[:1]))


async def patrol(world: World, settings: Settings, posts: dict[UnitId, Post]) -> None:
    """The phones of units say where they are, every few seconds."""
    while True:
        now = clock.now()
        for unit in world.units(now):
            if unit.id in posts:
                device = settings.units[unit.id].device
                posts[unit.id].put(
                    Report(
                        device=device,
                        observed_at=now,
                        lat=unit.lat,
                        lon=unit.lon,
                        radius_m=UNIT_RADIUS_M,
                        source=Source.GNSS,
                        battery=80.0,
                        speed_mps=0.0,
                    )
                )
        await asyncio.sleep(UNITS_S)


def _served(app: Starlette, host: str, port: int) -> _Server:
    return _Server(uvicorn.Config(app, host=host, port=port, log_config=None, access_log=False))


async def break_things(world: World, door: Path) -> None:
    """Cuts, mends and kills as the running stories say. What a story that was stopped has cut is mended at once."""
    cut: frozenset[CentreId] | None = None
    killed = world.kills(clock.now())
    while True:
        now = clock.now()
        for _ in world.kills(now) - killed:
            await _at(door, kill=KILLED)
        killed = world.kills(now)
        if (wanted := world.cut(now)) != cut and await _at(door, cut=sorted(wanted)):
            cut = wanted
        await asyncio.sleep(TICK_S)


async def _at(door: Path, **said: object) -> bool:
    """All programs start at once: the door may not be there yet. Raises OSError when it does not come."""
    for _ in range(DOOR_TRIES_MAX):
        try:
            return await outages.tell(door, **said)
        except OSError:
            await asyncio.sleep(TICK_S)
    return await outages.tell(door, **said)


async def keep(world: World, settings: Settings, looping: frozenset[CameraId]) -> None:
    """The cities' recorder, where there is one. A scene of its own: what it saw does not turn with what somebody turns now."""
    if settings.recorder_port is None:
        await asyncio.Event().wait()  # until cancelled, as the others
        return
    scene = Scene(world.streets, world, {each.id: each for each in world.cameras()})
    kept = (each.id for each in world.cameras() if each.id not in looping)
    server = await Redrawn(scene, kept, began=clock.now(), now=clock.now).serve(HOST, settings.recorder_port)
    async with server:
        await server.serve_forever()


def _carried(settings: Settings) -> dict[UnitId, Post]:
    """The telephones that units carry, where they say where they are."""
    url = settings.unit_url
    return {} if url is None else {unit: Post(url, phone.key, clock.now) for unit, phone in settings.units.items()}


def _servers(panel: Panel, settings: Settings) -> list[_Server]:
    found = [_served(panel.app(), HOST, settings.panel_port)]
    if (wanted := settings.phones) is not None:
        found.append(_served(phones.stand(wanted), wanted.host, wanted.stand_port))
    return found


async def _until(stop: asyncio.Event) -> None:
    await stop.wait()


def _recorded(walked: list[Report], looping: tuple[CameraId, ...], clip_sound: bool, sound_fetched: int) -> Recorded:  # noqa: FBT001
    """What of this run was no invention."""
    return Recorded(
        walk_fixes=len(walked),
        walk_wifi=sum(each.source is Source.WIFI for each in walked),
        walk_cell=sum(each.source is Source.CELL for each in walked),
        walk_beyond_radius=sum((each.recorded_off_m or 0.0) > each.radius_m for each in walked),
        clip_cameras=looping,
        clip_sound=clip_sound,
        sound_fetched=sound_fetched,
    )


async def run(world: World, settings: Settings) -> None:
    scene = Scene(world.streets, world, {each.id: each for each in world.cameras()})
    # The kernels are compiled before the first picture is asked for: it must not wait for that.
    await asyncio.to_thread(scene.warm)
    sent: dict[DeviceId, Instant] = {}
    walked: list[Report] = []

    def heard(news: Sent) -> None:
        if news.report.recorded_off_m is not None and len(walked) < WALKED_MAX:
            walked.append(news.report)
        if news.report.alarm is None:
            sent.pop(news.report.device, None)
        else:
            sent.setdefault(news.report.device, news.first_sent_at)

    posts = {
        device: Post(settings.control_url, key, clock.now, on_sent=heard) for device, key in settings.devices.items()
    }
    carried = _carried(settings)
    device_of = {each.id: each.device for each in world.wearers()}
    clip, looping = await asyncio.to_thread(filmed, world, settings)
    pictures = {each.id: clip if clip is not None and each.id in looping else scene for each in world.cameras()}
    habits = dict.fromkeys(looping, cameras.Habits(honour_pli=False))
    serving = await cameras.serve(pictures, HOST, settings.rtsp_port, habits)
    heads = Heads((each.id for each in world.cameras() if each.ptz and each.id not in looping), scene.turn)
    turning = await heads.serve(HOST, settings.ptz_port) if settings.ptz_port is not None else None

    def recorded() -> Recorded:
        return _recorded(walked, tuple(sorted(looping)), clip is not None and clip.audio, serving.audio_setups)

    def alarm_sent_at(wearer: WearerId) -> Instant | None:
        return sent.get(device_of[wearer])

    panel = Panel(world, clock.now, frozenset(settings.console_origins), alarm_sent_at, recorded, settings.phones)
    servers = _servers(panel, settings)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    serving_pages = [asyncio.create_task(each.serve()) for each in servers]
    over = threading.Event()
    drawn = [each for each in near_stories(world, world.stories()) if each not in looping]
    threading.Thread(target=look, args=(drawn, scene, over), name="look", daemon=True).start()
    breaking = [break_things(world, Path(settings.outages))] if settings.outages is not None else []
    work = [
        tell(world, posts),
        patrol(world, settings, carried),
        keep(world, settings, looping),
        _until(stop),
        *breaking,
        *(post.run() for post in (*posts.values(), *carried.values())),
    ]
    tasks = [*serving_pages, *(asyncio.create_task(each) for each in work)]
    try:
        # Whatever ends first ends the program; a fault in any part is raised here.
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        over.set()
        # The panel closes its lines by itself, within a second; only then is it cut.
        for server in servers:
            server.should_exit = True
        await asyncio.wait(serving_pages, timeout=PANEL_CLOSE_S_MAX)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if turning is not None:
            turning.close()
        await serving.close()


def main() -> int:
    parser = argparse.ArgumentParser(prog="safetynet world", description="The made city by itself.")
    parser.add_argument("--dir", type=Path, required=True, help="folder with world.json")
    settings = read(parser.parse_args().dir)
    log.begin("world")
    asyncio.run(run(make(settings), settings))
    return 0
