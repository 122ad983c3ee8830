"""Who has the floor at a web port must say what he wants: a request that is not whole takes one of few places, for a while.

The pages, the intake of devices and the watchers' port share this. Without it whoever opens connections and says nothing
holds every file that a program may open, and no alarm comes in any more.

Absent on purpose: any limit for who speaks. A whole request is in and out before its place is wanted.
"""

import asyncio
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from safetynet.edge.relay.doorstep import Doorstep

PLACES_MAX: Final = 256
"""Requests at once that are not whole yet. At one more, the address that holds most gives its oldest up."""
REQUEST_S_MAX: Final = 60.0
"""From the first byte that could come to the last that must: a photograph over a bad line takes half of it."""


def callers() -> type[HttpToolsProtocol]:
    """The protocol of one server: its callers share PLACES_MAX places."""
    doorstep = Doorstep(lambda: None, PLACES_MAX)

    class Caller(HttpToolsProtocol):
        _deadline: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._wait()

        def on_message_begin(self) -> None:
            super().on_message_begin()
            if self._deadline is None:
                self._wait()  # the next request of a connection that is kept

        def on_message_complete(self) -> None:
            self._heard()
            super().on_message_complete()

        def connection_lost(self, exc: Exception | None) -> None:
            self._heard()
            super().connection_lost(exc)

        def _wait(self) -> None:
            address = self.client[0] if self.client else ""
            doorstep.come(self, address, self.transport.abort)
            self._deadline = asyncio.get_running_loop().call_later(REQUEST_S_MAX, self.transport.abort)

        def _heard(self) -> None:
            doorstep.leave(self)
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None

    return Caller
