"""Tasks of one relay. A task that ends by our own mistake ends the program: nothing runs on half a relay."""

import asyncio
from collections.abc import Coroutine


class Crew:
    """`failed` carries the first exception of any task; the program awaits it."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and not self.failed.done():
            self.failed.set_exception(error)

    async def watch(self) -> None:
        """Waits for a failure and raises it. Cancelling the wait harms nothing."""
        await asyncio.wait({self.failed})
        self.failed.result()

    async def close(self) -> None:
        """Ends every task. Raises what one of them failed with, so that a test or a program cannot overlook it."""
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(tuple(self._tasks), timeout=2.0)
        if self.failed.done():
            self.failed.result()
        else:
            self.failed.cancel()
