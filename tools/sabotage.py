"""Puts each deliberate fault of `sabotages.toml` into a copy of the tree and shows that the named tests fail.

Exit status 1 when one survives. `tools/sabotage.py WORD` tries those with the word in their name.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time  # noqa: TID251 - a tool that times its tests
import tomllib
from pathlib import Path
from typing import Final, TypedDict

ROOT: Final = Path(__file__).parent.parent
TEST_S_MAX: Final = 120
PASSED: Final = 0
COPIED: Final = ("safetynet", "tests", "docs", "pyproject.toml")
FAILED: Final = 1
"""pytest's word for failing tests; anything else (no tests, a wrong file) proves nothing."""


class Sabotage(TypedDict):
    """One fault: in `file`, `old` becomes `new`, and `tests` (arguments of pytest) must fail."""

    name: str
    file: str
    old: str
    new: str
    tests: list[str]


def main() -> int:
    word = sys.argv[1] if len(sys.argv) > 1 else ""
    table: list[Sabotage] = tomllib.loads((ROOT / "tools" / "sabotages.toml").read_text())["sabotage"]
    chosen = [each for each in table if word in each["name"]]
    survived = 0
    sound: dict[tuple[str, ...], bool] = {}
    """Whether these tests pass in the tree as it is."""
    with tempfile.TemporaryDirectory(prefix="sabotage-") as folder:
        tree = Path(folder)
        for name in COPIED:
            _copy(ROOT / name, tree / name)
        for each in chosen:
            began = time.monotonic()
            verdict = _try(tree, each, sound)
            survived += verdict != "caught"
            print(f"{verdict:<10} {time.monotonic() - began:6.1f} s  {each['name']}", flush=True)
    print(f"{len(chosen) - survived} of {len(chosen)} caught")
    return 1 if survived or not chosen else 0


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "vendor"))
    else:
        shutil.copy2(source, target)


def _try(tree: Path, sabotage: Sabotage, sound: dict[tuple[str, ...], bool]) -> str:
    """`caught`, `survived`, or why it could not be tried. Tests that fail by themselves catch nothing."""
    path = tree / sabotage["file"]
    whole = path.read_text()
    if whole.count(sabotage["old"]) != 1:
        return "not found"
    tests = tuple(sabotage["tests"])
    if tests not in sound:
        sound[tests] = _pytest(tree, tests) == PASSED
    if not sound[tests]:
        return "unsound"
    path.write_text(whole.replace(sabotage["old"], sabotage["new"]))
    try:
        code = _pytest(tree, tests)
    finally:
        path.write_text(whole)
    return {FAILED: "caught", PASSED: "survived", None: "too slow"}.get(code, f"error {code}")


def _pytest(tree: Path, tests: tuple[str, ...]) -> int | None:
    """Exit status of pytest in the copied tree; None when it took too long."""
    try:
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests],
            cwd=tree,
            env={**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            timeout=TEST_S_MAX,
            check=False,
        ).returncode
    except subprocess.TimeoutExpired:
        return None


if __name__ == "__main__":
    raise SystemExit(main())
