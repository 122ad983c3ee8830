"""A camera is turned over its own port: what is said, in which order, and what a camera that is away costs."""

import asyncio

from safetynet.core.terms import CameraId, Turn
from safetynet.edge.sources import ptz
from safetynet.edge.sources.ptz import Turner, bodies
from safetynet.sim.ptz import Heads

CAMERA = CameraId("garam-001-1")


async def until(true) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.02)


async def test_a_step_moves_and_stops_and_home_is_home(monkeypatch) -> None:
    monkeypatch.setattr(ptz, "STEP_S", 0.1)
    looked: list[tuple[str, float]] = []
    heads = Heads([CAMERA], lambda camera, pan: looked.append((camera, pan)))
    server = await heads.serve("127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    turner = Turner({CAMERA: f"http://127.0.0.1:{port}/onvif/{CAMERA}/ptz", "none": f"http://127.0.0.1:{port}/onvif/none/ptz"})  # fmt: skip
    turner.turn(CAMERA, Turn.LEFT)
    await until(lambda: looked)
    assert looked[0][0] == CAMERA
    assert -20 < looked[0][1] < 0
    turner.turn(CAMERA, Turn.RIGHT)
    await until(lambda: len(looked) == 2)
    turner.turn(CAMERA, Turn.HOME)
    await until(lambda: len(looked) == 3)
    assert looked[2] == (CAMERA, 0.0)
    assert [what for _, what in heads.heard] == ["move", "stop", "move", "stop", "home"]
    assert turner.failed == 0
    turner.turn(CameraId("none"), Turn.HOME)
    await until(lambda: turner.failed == 1)
    server.close()


async def test_home_does_not_wait_behind_steps_and_steps_do_not_pile_up(monkeypatch) -> None:
    monkeypatch.setattr(ptz, "STEP_S", 0.3)
    heads = Heads([CAMERA], lambda camera, pan: None)
    server = await heads.serve("127.0.0.1", 0)
    turner = Turner({CAMERA: f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/onvif/{CAMERA}/ptz"})
    for _ in range(10):
        turner.turn(CAMERA, Turn.UP)
    assert turner.refused == 10 - ptz.WAITING_PER_CAMERA_MAX
    await until(lambda: heads.heard)
    turner.turn(CAMERA, Turn.HOME)
    await until(lambda: heads.heard[-1][1] == "home")
    assert len(heads.heard) <= 4
    server.close()


async def test_a_camera_that_is_away_is_counted_and_holds_nobody_up() -> None:
    turner = Turner({CAMERA: "http://127.0.0.1:9/onvif/x/ptz"})
    turner.turn(CAMERA, Turn.HOME)
    await until(lambda: turner.failed == 1)
    turner.turn(CameraId("unknown"), Turn.HOME)
    assert turner.refused == 1


def test_what_is_said_is_what_onvif_knows() -> None:
    move, stop = bodies(Turn.RIGHT)
    assert "<p:ContinuousMove>" in move
    assert 'x="0.50" y="0.00"' in move
    assert "<p:Stop>" in stop
    assert bodies(Turn.HOME) == ("<p:GotoHomePosition><p:ProfileToken>main</p:ProfileToken></p:GotoHomePosition>",)
