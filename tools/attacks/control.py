"""Shows that an attack is real: with the defence that it names taken out of a copy of the tree, it gets through.

The defences are entries of `tools/sabotages.toml`; the copy is the one of `tools/sabotage.py`. The product has no switch for this.
"""

import json
import os
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Final

from safetynet.edge import clock
from tools import sabotage
from tools.attacks.book import BOOK, Attack
from tools.attacks.stage import ROOT

RUN_S_MAX: Final = 180


def _made(tree: sabotage.Tree, one: Attack, port: int) -> str:
    """`broken` with how, `held`, or what kept it from being made."""
    done = subprocess.run(
        [sys.executable, "-m", "tools.attacks", "--only", one.name, "--port", str(port)],
        cwd=tree.folder, env={**os.environ, "PYTHONPATH": str(tree.folder)}, capture_output=True, text=True, timeout=RUN_S_MAX, check=False,
    )  # fmt: skip
    lines = done.stdout.strip().splitlines()
    if not lines:
        return f"could not be made: {done.stderr.strip().splitlines()[-1:]}"
    how = json.loads(lines[-1])["how"][one.name]
    return "held" if how is None else str(how)


def main(word: str, port: int) -> int:
    table = {each["name"]: each for each in tomllib.loads((ROOT / "tools" / "sabotages.toml").read_text())["sabotage"]}
    named = [each for each in BOOK.values() if each.control is not None and word in each.name]
    began, real = clock.monotonic(), 0
    with tempfile.TemporaryDirectory(prefix="attack-control-") as folder:
        tree = sabotage.Tree(Path(folder))
        for n, one in enumerate(named, 1):
            assert one.control is not None
            how = tree.with_fault(table[one.control], lambda one=one: _made(tree, one, port))
            got_through = how != "held" and not how.startswith("could not be made")
            real += got_through
            mark = "real" if got_through else "NOT SHOWN"
            print(
                f"[{n:>2}/{len(named)}, {(clock.monotonic() - began) / 1_000:>4.0f} s] {mark:<9} {one.name}", flush=True
            )
            print(f"        without: {one.control}\n        {how}", flush=True)
    print(json.dumps({"real": real, "not_shown": len(named) - real}), flush=True)
    return 0 if named and real == len(named) else 1
