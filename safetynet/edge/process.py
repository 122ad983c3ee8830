"""A program's life: started, ready, ended by SIGTERM or ctrl-C, and never half alive."""

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from typing import Any, Final

import msgspec
import uvloop

from safetynet.edge import log

END_S_MAX: Final = 3.0
LEFT_MAX: Final = 20
"""Tasks that are named when an end is cut off."""


def ready(name: str, **more: str | int) -> None:
    """Says on standard output, as one JSON line, that the program can be used."""
    print(msgspec.json.encode({"ready": name, **more}).decode(), flush=True)


def run(program: Callable[[], Coroutine[Any, Any, None]], name: str = "safetynet") -> int:
    """Runs until it ends, fails or is told to end. 0 when it was told to; a failure propagates, and is logged."""
    log.begin(name)
    log.say("starting")
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
    waiting = running.create_task(told.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if told.is_set():
        await asyncio.wait({task}, timeout=END_S_MAX)
        if not task.done():
            # Everything that counts is on disk already: an end that hangs is cut off like a crash, and says so.
            left = [each.get_coro() for each in asyncio.all_tasks()]
            log.say("cut_off", log.Level.WARN, left=[getattr(each, "__qualname__", "") for each in left][:LEFT_MAX])
            os._exit(0)
        log.say("ended")
        return 0
    await task
    return 0
