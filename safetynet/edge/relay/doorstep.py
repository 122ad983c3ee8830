"""Who has come to the windows' port and shown no token yet. A stranger may stand here; nobody who belongs here waits behind him.

Places are few. When they are taken, the address that holds most of them gives one back, its oldest: who floods the
door turns himself out, and a page that shows its token at once is in before that.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from websockets.asyncio.server import ServerConnection

STRANGERS_MAX: Final = 64
"""Connections without a token that stand at the door at once, whatever stage their handshake has."""


class Doorstep:
    """`places` for connections that nobody knows yet. Each is `come`, then known or gone by `leave`.

    `turned_out` is told of each that had to make room.
    """

    def __init__(self, turned_out: Callable[[], None], places: int | None = None) -> None:
        self._turned_out: Final = turned_out
        self._places: Final = STRANGERS_MAX if places is None else places
        self._waiting: dict[str, dict[object, Callable[[], None]]] = {}
        """By address, the oldest first."""
        self._address: dict[object, str] = {}

    def __len__(self) -> int:
        return len(self._address)

    def come(self, who: object, address: str, turn_out: Callable[[], None]) -> None:
        """Takes a place; `turn_out` is called when it is wanted for somebody else."""
        if len(self) >= self._places:
            crowd = max(self._waiting.values(), key=len)
            oldest = next(iter(crowd))
            go = crowd[oldest]
            self.leave(oldest)
            self._turned_out()
            go()
        self._address[who] = address
        self._waiting.setdefault(address, {})[who] = turn_out

    def leave(self, who: object) -> None:
        """It showed a token, or it is gone."""
        address = self._address.pop(who, None)
        if address is None:
            return
        del self._waiting[address][who]
        if not self._waiting[address]:
            del self._waiting[address]


def callers(doorstep: Doorstep) -> type[ServerConnection]:
    """Connections that stand on `doorstep` from their first byte on, before there is any handshake."""

    class Caller(ServerConnection):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            peer = transport.get_extra_info("peername")
            doorstep.come(self, str(peer[0]) if peer else "", self.transport.abort)

        def connection_lost(self, exc: Exception | None) -> None:
            doorstep.leave(self)
            super().connection_lost(exc)

    return Caller
