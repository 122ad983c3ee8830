"""Every attack of the book on the running product, one line each: held or broken. The last line is one JSON object.

python -m tools.attacks [WORD]      only those with the word in their name
python -m tools.attacks --control   shows of each that names a defence that it gets through without it
"""

import argparse
import asyncio
import importlib
import json
import sys
import tempfile
from pathlib import Path
from typing import Final

from safetynet.edge import clock
from tools.attacks import waves
from tools.attacks.book import BOOK, Attack, Wave
from tools.attacks.stage import Broken, Stage, opened

ROOMS: Final = ("door", "roles", "viewing", "page", "roads", "engines", "clocks", "files")
PORT: Final = 18_200
ATTACK_S_MAX: Final = 90.0


async def _made(stage: Stage, one: Attack) -> str | None:
    """None when it held, or how it got through. An attack that cannot be made has not held."""
    try:
        async with asyncio.timeout(ATTACK_S_MAX):
            await one.run(stage)
    except Broken as how:
        return str(how)
    except Exception as fault:
        return f"could not be made: {type(fault).__name__}: {fault}"
    return None


async def run(chosen: list[Attack], port: int, *, quiet: bool = False) -> dict[str, str | None]:
    """What became of each."""
    found: dict[str, str | None] = {}
    since = clock.monotonic()
    with tempfile.TemporaryDirectory(prefix="attack-") as folder:
        async with opened(Path(folder) / "demo", port) as stage:
            for wave in Wave:
                mine = [each for each in chosen if each.wave is wave]
                if not mine:
                    continue
                async with waves.set_for(wave, stage):
                    for one in mine:
                        began = clock.monotonic()
                        found[one.name] = await _made(stage, one) or await waves.healed(wave, stage)
                        if not quiet:
                            _tell(
                                len(found),
                                len(chosen),
                                one,
                                found[one.name],
                                clock.monotonic() - began,
                                clock.monotonic() - since,
                            )
    return found


def _tell(n: int, of: int, one: Attack, how: str | None, took_ms: int, since_ms: int) -> None:
    word = "held  " if how is None else "BROKEN"
    print(f"[{n:>2}/{of}, {since_ms / 1_000:>3.0f} s] {word} {took_ms / 1_000:5.1f} s  {one.name}", flush=True)
    if how is not None:
        print(f"        {how}", flush=True)


def main() -> int:
    ask = argparse.ArgumentParser(prog="make attack", description=__doc__)
    ask.add_argument("word", nargs="?", default="", help="only attacks with this word in their name")
    ask.add_argument("--port", type=int, default=PORT, help="first of 60 ports")
    ask.add_argument(
        "--only", action="append", default=[], help="an attack by its whole name; the only output is the last line"
    )
    ask.add_argument("--control", action="store_true", help="each with its defence taken out")
    given = ask.parse_args()
    for room in ROOMS:
        importlib.import_module(f"tools.attacks.{room}")
    if given.control:
        return importlib.import_module("tools.attacks.control").main(given.word, given.port)
    chosen = [each for each in BOOK.values() if (each.name in given.only if given.only else given.word in each.name)]
    found = asyncio.run(run(chosen, given.port, quiet=bool(given.only)))
    broken = [name for name, how in found.items() if how is not None]
    said: dict[str, object] = {"held": len(found) - len(broken), "broken": len(broken)}
    if given.only:
        said["how"] = found
    print(json.dumps(said, ensure_ascii=False), flush=True)
    return 1 if broken or not found else 0


if __name__ == "__main__":
    sys.exit(main())
