"""A program's life: started, ready, ended by SIGTERM or ctrl-C, and never half alive."""

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from typing import Any, Final

import msgspec
import uvloop

END_S_MAX: Final = 3.0


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
    waiting = running.create_task(told.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if told.is_set():
        await asyncio.wait({task}, timeout=END_S_MAX)
        if not task.done():
            # Everything that counts is on disk already: an end that hangs is cut off like a crash, and says so.
            print(
                msgspec.json.encode({"cut_off": [str(each.get_coro()) for each in asyncio.all_tasks()]}).decode(),
                flush=True,
            )
            os._exit(0)
        return 0
    await task
    return 0
