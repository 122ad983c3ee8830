"""A program's life: started, ready, ended by SIGTERM or ctrl-C, and never half alive."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
import uvloop


def ready(name: str, **more: str | int) -> None:
    """Says on standard output, as one JSON line, that the program can be used."""
    print(msgspec.json.encode({"ready": name, **more}).decode(), flush=True)


def run(program: Callable[[], Coroutine[Any, Any, None]]) -> int:
    """Runs until it ends, fails or is told to end. 0 when it was told to; a failure propagates with its traceback."""
    return uvloop.run(_until_told(program))


async def _until_told(program: Callable[[], Coroutine[Any, Any, None]]) -> int:
    running = asyncio.get_running_loop()
    task = running.create_task(program())
    told = asyncio.Event()

    def end() -> None:
        told.set()
        task.cancel()

    for each in (signal.SIGTERM, signal.SIGINT):
        running.add_signal_handler(each, end)
    try:
        await task
    except asyncio.CancelledError:
        if not told.is_set():
            raise
    return 0
