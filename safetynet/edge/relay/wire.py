"""A loop's side of the unix socket to its relay: says words, takes records, comes back when the relay does.

Nothing waits here for a relay that is away: at each meeting the loop says again what holds (`greet`), and the relay
hands over again what was not merged.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from safetynet.edge.relay import words

RETRY_S: Final = 0.2
UNSAID_BYTES_MAX: Final = 4 * words.WORD_BYTES_MAX
"""Of words that the relay did not take; then it is hung up on and met again."""

_recorded: Final = msgspec.msgpack.Decoder(words.Recorded)


class Wire:
    """One relay. `recorded` commits before it returns and then says `Merged`."""

    def __init__(self, path: Path, recorded: Callable[[words.Recorded], None]) -> None:
        self._path, self._recorded = path, recorded
        self._writer: asyncio.StreamWriter | None = None

    @property
    def up(self) -> bool:
        return self._writer is not None

    def tell(self, word: words.ToRelay) -> None:
        """Never waits. Lost when the relay is away."""
        writer = self._writer
        if writer is None or writer.is_closing():
            return
        if writer.transport.get_write_buffer_size() > UNSAID_BYTES_MAX:
            writer.transport.abort()
            return
        writer.write(words.encode(word))

    async def run(self, greet: Callable[[], None]) -> None:
        """Until cancelled. `greet` is called at each meeting."""
        while True:
            try:
                reader, self._writer = await asyncio.open_unix_connection(self._path)
            except (FileNotFoundError, ConnectionRefusedError):
                await asyncio.sleep(RETRY_S)
                continue
            try:
                greet()
                while True:
                    self._recorded(_recorded.decode(await words.read(reader)))
            except (asyncio.IncompleteReadError, ConnectionError):
                await asyncio.sleep(RETRY_S)
            finally:
                self._writer.close()
                self._writer = None
