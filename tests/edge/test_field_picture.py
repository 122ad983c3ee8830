"""A telephone in the field gets one picture of key frames, whatever its page asks the relay for."""

import asyncio
import sys
from pathlib import Path
from typing import Any

from safetynet.edge.sources import fmp4
from safetynet.sim import cameras

sys.path.insert(0, str(Path(__file__).parent))
from pipe import Pipe


async def test_one_picture_of_key_frames_whatever_the_page_asks_for(pipe: Pipe, pages: Any) -> None:
    await pipe.open({each: cameras.TestCard() for each in ("a", "b")})
    await pipe.lease(["a", "b"])
    await pipe.admit("token", ["a", "b"], one_tile=True)
    page = await pages()
    await page.watch(1, "a")
    await page.until(lambda: page.count() > 0)
    await page.say(op="mode", tile=1, mode="full")
    await page.watch(2, "b")
    await page.until(lambda: page.said(tile=2, state="refused", why="too_many_cameras"))
    await asyncio.sleep(2.6)
    assert all(fmp4.is_key(each) for each in page.fragments[1])
    assert 2 <= page.count() <= 6, "key frames are asked for at an interval, not more"
    await page.watch(1, "b")  # the next camera takes the place of the one before
    await page.until(lambda: sum(each.get("state") == "live" for each in page.texts) == 2)
    assert page.count(2) == 0
