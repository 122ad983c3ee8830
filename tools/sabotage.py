"""Puts each deliberate fault of `sabotages.toml` into a copy of the tree and shows that the named tests fail.

Exit status 1 when one survives. `tools/sabotage.py WORD` tries those with the word in their name.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
TEST_S_MAX: Final = 120
COPIED: Final = ("safetynet", "tests", "docs", "pyproject.toml")
FAILED: Final = 1
"""pytest's word for failing tests; anything else (no tests, a wrong file) proves nothing."""


def main() -> int:
    word = sys.argv[1] if len(sys.argv) > 1 else ""
    table = tomllib.loads((ROOT / "tools" / "sabotages.toml").read_text())["sabotage"]
    chosen = [each for each in table if word in each["name"]]
    survived = 0
    with tempfile.TemporaryDirectory(prefix="sabotage-") as folder:
        tree = Path(folder)
        for name in COPIED:
            _copy(ROOT / name, tree / name)
        for each in chosen:
            began = time.monotonic()
            verdict = _try(tree, each)
            survived += verdict != "caught"
            print(f"{verdict:<10} {time.monotonic() - began:6.1f} s  {each['name']}", flush=True)
    print(f"{len(chosen) - survived} of {len(chosen)} caught")
    return 1 if survived or not chosen else 0


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "vendor"))
    else:
        shutil.copy2(source, target)


def _try(tree: Path, sabotage: dict[str, str]) -> str:
    """`caught`, `survived`, or why it could not be tried."""
    path = tree / sabotage["file"]
    whole = path.read_text()
    if whole.count(sabotage["old"]) != 1:
        return "not found"
    path.write_text(whole.replace(sabotage["old"], sabotage["new"]))
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *sabotage["tests"]],
            cwd=tree,
            env={**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            timeout=TEST_S_MAX,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "too slow"
    finally:
        path.write_text(whole)
    return {FAILED: "caught", 0: "survived"}.get(done.returncode, f"error {done.returncode}")


if __name__ == "__main__":
    raise SystemExit(main())
