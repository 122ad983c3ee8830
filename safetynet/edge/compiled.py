"""Where compiled code is kept: a folder for each state of the source, so that old code is never taken for new.

numba looks at the file of a function only, not at those it takes its parts from. Here the whole of `core` decides.
"""

import hashlib
import os
import shutil
import sys
from pathlib import Path
from typing import Final

STATES_MAX: Final = 4
"""Folders kept; the least lately used go first."""
_CORE: Final = Path(__file__).parents[1] / "core"


def folder() -> Path:
    """Of this source, this Python and this user."""
    digest = hashlib.sha256(sys.version.encode())
    for each in sorted(_CORE.rglob("*.py")):
        digest.update(each.relative_to(_CORE).as_posix().encode() + b"\0" + each.read_bytes())
    return _home() / digest.hexdigest()[:20]


def prepare() -> Path:
    """Before the kernel is imported: says numba where to keep it. Raises OSError when no folder can be written."""
    import numba  # a quarter of a second, for those only who need it

    mine = folder()
    mine.mkdir(parents=True, exist_ok=True)
    os.utime(mine)
    states = sorted(mine.parent.iterdir(), key=lambda each: each.stat().st_mtime, reverse=True)
    for each in states[STATES_MAX:]:
        shutil.rmtree(each, ignore_errors=True)
    numba.config.CACHE_DIR = str(mine)  # type: ignore[attr-defined]
    return mine


def _home() -> Path:
    """In the user's own cache, and nowhere else: what lies there is run."""
    said = os.environ.get("XDG_CACHE_HOME")
    return (Path(said) if said else Path.home() / ".cache") / "safetynet-compiled"
