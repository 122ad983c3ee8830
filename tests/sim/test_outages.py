"""Roads that are cut carry nothing and tell nobody; a program that is killed is dead."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import ports

from safetynet.core.terms import CentreId, Instant
from safetynet.sim import outages
from safetynet.sim.outages import Door, Roads, Way
from safetynet.sim.world import World

GARAM, NARAE = CentreId("garam"), CentreId("narae")
PORT = ports.take(5)
QUIET_S = 0.3


@asynccontextmanager
async def running(tmp_path: Path) -> AsyncIterator[Path]:
    """Two roads to one partner that answers what it hears, and the door."""

    async def partner(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError):
                while piece := await reader.read(1_000):
                    writer.write(piece)
        finally:
            writer.close()

    ways = [Way(GARAM, PORT + 1, PORT), Way(NARAE, PORT + 2, PORT)]
    roads = Roads(ways)
    server = await asyncio.start_server(partner, outages.HOST, PORT)
    tasks = [asyncio.ensure_future(each) for each in (roads.serve(), Door(tmp_path, roads, tmp_path).serve())]
    try:
        async with asyncio.timeout(20):
            while not (tmp_path / outages.DOOR).is_socket():
                await asyncio.sleep(0.01)
            yield tmp_path / outages.DOOR
    finally:
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        server.close()


def play(tmp_path: Path, story: Callable[[Path], Awaitable[None]]) -> None:
    async def told() -> None:
        async with running(tmp_path) as door:
            await story(door)

    asyncio.run(told())


async def dial(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """As soon as somebody listens there."""
    async with asyncio.timeout(10):
        while True:
            with suppress(ConnectionRefusedError):
                return await asyncio.open_connection(outages.HOST, port)
            await asyncio.sleep(0.02)


async def hears(reader: asyncio.StreamReader) -> bytes | None:
    """What comes within a moment; None when nothing does, not even an end."""
    try:
        async with asyncio.timeout(QUIET_S):
            return await reader.read(1_000)
    except TimeoutError:
        return None


def test_a_cut_road_carries_nothing_and_tells_nobody_until_it_is_mended(tmp_path: Path) -> None:
    async def story(door: Path) -> None:
        reader, writer = await dial(PORT + 1)
        writer.write(b"one")
        assert await reader.read(100) == b"one"
        assert await outages.tell(door, cut=[GARAM])
        writer.write(b"two")
        assert await hears(reader) is None
        late, later = await dial(PORT + 1)
        later.write(b"hello")
        assert await hears(late) is None, "who calls now hears nothing either"
        other, onward = await dial(PORT + 2)
        onward.write(b"by the other road")
        assert await other.read(100) == b"by the other road"
        assert await outages.tell(door, cut=[])
        assert await reader.read(100) == b"two", "what was on the way goes on"
        assert await late.read(100) == b"hello"
        for each in (writer, later, onward):
            each.close()
            await each.wait_closed()

    play(tmp_path, story)


def test_an_end_is_heard_over_a_whole_road_and_not_over_a_cut_one(tmp_path: Path) -> None:
    async def story(door: Path) -> None:
        near, far = asyncio.Event(), asyncio.Event()

        async def partner(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            near.set()
            await reader.read(1)
            writer.close()
            far.set()

        roads = Roads([Way(GARAM, PORT + 4, PORT + 3)])
        serving = asyncio.ensure_future(roads.serve())
        async with await asyncio.start_server(partner, outages.HOST, PORT + 3):
            _, writer = await dial(PORT + 4)
            await near.wait()
            assert roads.cut([GARAM])
            writer.close()
            await asyncio.sleep(QUIET_S)
            assert not far.is_set()
            assert roads.cut([])
            await far.wait()
            await writer.wait_closed()
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)

    play(tmp_path, story)


def test_a_program_is_killed_by_its_own_number_and_no_other(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])

    async def story(door: Path) -> None:
        (tmp_path / "control.pid").write_text(str(child.pid), "ascii")
        assert not await outages.tell(door, kill="nobody")
        assert not await outages.tell(door, kill="../control")
        assert child.poll() is None
        assert await outages.tell(door, kill="control")

    try:
        play(tmp_path, story)
        assert child.wait(10) == -9
    finally:
        child.kill()
        child.wait()


def test_the_door_refuses_what_it_does_not_know_and_goes_on(tmp_path: Path) -> None:
    async def story(door: Path) -> None:
        assert not await outages.tell(door, cut=["nowhere"])
        assert not await outages.tell(door, burn="everything")
        assert not await outages.tell(door)
        assert await outages.tell(door, cut=[NARAE, GARAM])
        assert oct(door.stat().st_mode & 0o777) == "0o600"

    play(tmp_path, story)


def test_the_story_cuts_mends_and_kills_at_its_own_seconds() -> None:
    world = World()
    began = Instant(1_795_399_200_000)
    story = world.start("outage", began)
    assert story.outage is not None
    assert story.outage.cut_s < story.outage.mended_s < story.outage.killed_s < story.length_s

    def at(seconds: float) -> Instant:
        return Instant(began + round(seconds * 1_000))

    assert world.cut(at(story.outage.cut_s - 0.1)) == frozenset()
    assert world.cut(at(story.outage.cut_s)) == {GARAM}
    assert world.cut(at(story.outage.mended_s)) == frozenset()
    assert world.kills(at(story.outage.killed_s - 0.1)) == frozenset()
    assert world.kills(at(story.outage.killed_s)) == world.kills(at(story.length_s)), "once"
    world.stop("outage")
    assert world.cut(at(story.outage.cut_s)) == frozenset(), "what was cut is mended when the story is stopped"
