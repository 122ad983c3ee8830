"""Where compiled code is kept: a folder for each state of the source, so that old code is never taken for new.

numba looks at the file of a function only, not at those it takes its parts from. Here the whole of `core` decides.
Compiling takes long (20 s of a processor): a program has it done by a process of its own at the lowest priority (`fill`,
`python -m safetynet.edge.compiled`), and then only loads what lies there.
"""

import asyncio
import fcntl
import hashlib
import os
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Final

STATES_MAX: Final = 4
"""Folders kept; the least lately used go first."""
FILL_S_MAX: Final = 600.0
"""For one process that compiles, the wait for another's included."""
READY: Final = "ready"
"""In a folder where the whole kernel lies, compiled and tried."""
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
    states = sorted(
        (each for each in mine.parent.iterdir() if each.is_dir()), key=lambda each: each.stat().st_mtime, reverse=True
    )
    for each in states[STATES_MAX:]:
        shutil.rmtree(each, ignore_errors=True)
    numba.config.CACHE_DIR = str(mine)  # type: ignore[attr-defined]
    return mine


def filled() -> bool:
    return (folder() / READY).exists()


async def fill() -> None:
    """Returns when the whole kernel lies compiled in the folder; at once when it does already.

    Raises OSError, ChildProcessError, or TimeoutError.
    """
    if filled():
        return
    process = await asyncio.create_subprocess_exec(
        "nice", "-n", "19", sys.executable, "-m", "safetynet.edge.compiled", stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL, cwd=_CORE.parents[1],
    )  # fmt: skip
    try:
        status = await asyncio.wait_for(process.wait(), FILL_S_MAX)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if status:
        raise ChildProcessError(f"compiling ended with {status}")


def load() -> ModuleType:
    """The kernel's `packing`, tried. Raises ImportError without numba, AssertionError when it says else than the rules."""
    prepare()
    from safetynet.core.kernel import packing, trial  # loads numba

    assert trial.agrees(), "the compiled kernel says something else than the rules"
    return packing


def main() -> int:
    """Compiles, tries, and says so in the folder. One at a time."""
    mine = folder()
    mine.mkdir(parents=True, exist_ok=True)
    with (mine.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (mine / READY).exists():
            load()
            (mine / READY).touch()
    return 0


def _home() -> Path:
    """In the user's own cache, and nowhere else: what lies there is run."""
    said = os.environ.get("XDG_CACHE_HOME")
    return (Path(said) if said else Path.home() / ".cache") / "safetynet-compiled"


if __name__ == "__main__":
    sys.exit(main())
