"""What tests of the relays share: a pipe from the lens to the window, and pages at its end."""

import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect

sys.path.insert(0, str(Path(__file__).parent))
from pipe import Page, Pipe


@pytest.fixture
async def pipe(tmp_path: Path) -> AsyncIterator[Pipe]:
    made = Pipe(tmp_path)
    yield made
    await made.close()


@pytest.fixture
async def pages(pipe: Pipe) -> AsyncIterator[Callable[..., Any]]:
    opened: list[Page] = []

    async def open(token: str | None = "token") -> Page:
        page = Page(await connect(f"ws://127.0.0.1:{pipe.port}/video", max_size=None))
        opened.append(page)
        if token is not None:
            await page.say(op="hello", token=token)
        return page

    yield open
    for page in opened:
        await page.socket.close()
        await page.task
