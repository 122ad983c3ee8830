"""A copy of a database as it stands at one instant, while its program goes on writing.

By SQLite's online backup inside one read transaction: a copy of the file alone would miss the write-ahead log, and one
made page by page without the transaction would begin again at each commit.
"""

import contextlib
import sqlite3
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Final, TypeAlias

COPY_PAGES: Final = 1_024
"""Between two words of progress: 4 MiB."""

Told: TypeAlias = Callable[[int, int], None]
"""Pages done, pages in all."""


@contextlib.contextmanager
def frozen(path: Path) -> Generator[Callable[[Path, Told], None]]:
    """Holds the instant; call the result to copy it. No longer than needed: an erasure waits for it."""
    source = sqlite3.connect(path.absolute().as_uri() + "?mode=ro", uri=True, isolation_level=None)
    with contextlib.closing(source):
        source.execute("begin")
        source.execute("select count(*) from sqlite_schema").fetchone()  # the instant is that of the first read

        def copy(to: Path, told: Told) -> None:
            to.touch(0o600)
            with contextlib.closing(sqlite3.connect(to)) as target:
                source.backup(target, pages=COPY_PAGES, progress=lambda _, left, whole: told(whole - left, whole))

        yield copy
