"""A relay's side of the unix socket to its loop: takes words, hands its records over, survives the loop's death.

The relay listens, because it lives longer: the loop may die and come back while pictures go on until leases end.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from safetynet.edge.codec import NONSENSE
from safetynet.edge.relay import words
from safetynet.edge.relay.crew import Crew
from safetynet.edge.relay.log import LedgerFailedError, Log

MERGE_S_MAX: Final = 10.0


class Desk:
    """`take` gets every word but `Merged`; `accepted` is the union of words this relay heeds. The newest connection is the loop; an older one is closed."""

    def __init__(self, log: Log, accepted: Any, take: Callable[[words.ToRelay], Awaitable[None]], crew: Crew) -> None:
        self._log, self._take, self._crew = log, take, crew
        self._decoder: msgspec.msgpack.Decoder[words.ToRelay] = msgspec.msgpack.Decoder(accepted)
        self._server: asyncio.Server | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._merged = asyncio.Event()
        self.refused = 0

    async def open(self, path: Path) -> None:
        """Listens at `path`, readable and writable by this account alone."""
        path.unlink(missing_ok=True)  # noqa: ASYNC240 - once, at start
        self._server = await asyncio.start_unix_server(self._serve, path)
        path.chmod(0o600)  # noqa: ASYNC240 - once, at start

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        if self._writer is not None:
            self._writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._writer is not None:
            self._writer.close()
        self._writer = writer
        handing = self._crew.start(self._hand_over(writer))  # that it fails is no secret of this connection
        try:
            while True:
                word = self._decoder.decode(await words.read(reader))
                if isinstance(word, words.Merged):
                    await self._log.forget(word.upto_row)
                    self._merged.set()
                else:
                    await self._take(word)
        except (ValueError, *NONSENSE):
            self.refused += 1
        except (OSError, asyncio.IncompleteReadError, LedgerFailedError):
            pass  # the loop is gone, or rows cannot be forgotten: they are handed over again at its next connection
        finally:
            handing.cancel()
            writer.close()
            if self._writer is writer:
                self._writer = None

    async def _hand_over(self, writer: asyncio.StreamWriter) -> None:
        """One batch at a time, the next only after the loop has merged it; the same one again after MERGE_S_MAX."""
        while not writer.is_closing():
            self._log.written.clear()
            upto, events = self._log.pending(words.RECORDED_EVENTS_MAX, words.RECORDED_BYTES_MAX)
            if not events:
                await self._log.written.wait()
                continue
            self._merged.clear()
            writer.write(words.encode(words.Recorded(upto_row=upto, events=tuple(events))))
            try:
                async with asyncio.timeout(MERGE_S_MAX):
                    await self._merged.wait()
            except TimeoutError:
                continue
