"""Puts each deliberate fault of `sabotages.toml` into a copy of the tree and shows that the named tests find it.

A fault is caught when a test fails because of it: the same test, alone, must pass in the tree as it is. Two copies work
side by side. What was found is kept in `out/sabotages.json` for as long as neither the tree nor the entry changes, so that
an interrupted run goes on where it was (`--fresh` forgets it). Exit status 1 when one survives.

`tools/sabotage.py WORD` tries those with the word in their name.
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time  # noqa: TID251 - a tool that times its tests
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypedDict, TypeVar

ROOT: Final = Path(__file__).parent.parent
KEPT: Final = ROOT / "out" / "sabotages.json"
TEST_S_MAX: Final = 300
"""A fault may also make a test hang; on a busy machine that must not be mistaken for it."""
WORKERS: Final = 2
T = TypeVar("T")
PASSED: Final = 0
FAILED: Final = 1
"""pytest's word for failing tests; anything else (no tests, a wrong file) proves nothing."""
COPIED: Final = ("safetynet", "tests", "docs", "tools", "pyproject.toml", "Makefile", "README.md", "ARCHITECTURE.md")
LEFT_OUT: Final = {"__pycache__", "vendor", "sabotages.toml"}


class Sabotage(TypedDict):
    """One fault: in `file`, `old` becomes `new`, and `tests` (arguments of pytest) must fail."""

    name: str
    file: str
    old: str
    new: str
    tests: list[str]


class Tree:
    """One copy of the working tree. Only the named file ever differs from it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._writes = 0
        for name in COPIED:
            _copy(ROOT / name, folder / name)
        if (vendor := ROOT / "safetynet" / "console" / "vendor").is_dir():
            (folder / "safetynet" / "console" / "vendor").symlink_to(vendor.resolve())

    def attempt(self, sabotage: Sabotage) -> str:
        """`caught`, `survived`, or why it could not be tried or counted. Tests that fail by themselves catch nothing."""
        path = self.folder / sabotage["file"]
        whole = path.read_text()
        if whole.count(sabotage["old"]) != 1:
            return "not found"
        self._write(path, whole.replace(sabotage["old"], sabotage["new"]))
        try:
            code = self._pytest(sabotage["tests"])
        finally:
            self._write(path, whole)
        if code != FAILED:
            return {PASSED: "survived", None: "too slow"}.get(code, f"error {code}")
        named = self.folder / ".cache" / "v" / "cache" / "lastfailed"
        if not named.exists():
            return "unnamed"  # pytest failed without a failing test to show, so nothing can be run again
        failed = list(json.loads(named.read_text()))
        return "caught" if self._pytest(failed[:1]) == PASSED else "unsound"

    def with_fault(self, sabotage: Sabotage, run: Callable[[], T]) -> T:
        """Runs something in this tree while the fault is in it. The place of the fault must be there."""
        path = self.folder / sabotage["file"]
        whole = path.read_text()
        assert whole.count(sabotage["old"]) == 1, f"{sabotage['name']}: not found"
        self._write(path, whole.replace(sabotage["old"], sabotage["new"]))
        try:
            return run()
        finally:
            self._write(path, whole)

    def _write(self, path: Path, text: str) -> None:
        """With a time of its own: byte code of before is never taken for that of this text."""
        path.write_text(text)
        self._writes += 1
        at = int(time.time()) + self._writes
        os.utime(path, (at, at))

    def _pytest(self, tests: list[str]) -> int | None:
        """Exit status of pytest in the copied tree; None when it took too long."""
        shutil.rmtree(self.folder / ".cache", ignore_errors=True)
        running = subprocess.Popen(
            [sys.executable, "-m", "pytest", "-q", "-x", "-o", "cache_dir=.cache", *tests],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(self.folder)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            return running.wait(TEST_S_MAX)
        except subprocess.TimeoutExpired:
            return None
        finally:
            if running.poll() is None:
                os.killpg(running.pid, signal.SIGKILL)  # its programs with it
                running.wait()


class Known:
    """What an earlier run found out about this very tree."""

    def __init__(self, tree: str, *, fresh: bool) -> None:
        kept = {} if fresh or not KEPT.exists() else json.loads(KEPT.read_text())
        self._tree = tree
        self._found: dict[str, str] = kept.get("found", {}) if kept.get("tree") == tree else {}

    def caught(self, sabotage: Sabotage) -> bool:
        return self._found.get(_print(sabotage)) == "caught"

    def note(self, sabotage: Sabotage, verdict: str) -> None:
        self._found[_print(sabotage)] = verdict
        KEPT.parent.mkdir(exist_ok=True)
        KEPT.write_text(json.dumps({"tree": self._tree, "found": self._found}, indent=1))


def main() -> int:
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("word", nargs="?", default="", help="only those with this word in their name")
    ask.add_argument("--fresh", action="store_true", help="try again what was caught before")
    ask.add_argument("--workers", type=int, default=WORKERS)
    given = ask.parse_args()
    table: list[Sabotage] = tomllib.loads((ROOT / "tools" / "sabotages.toml").read_text())["sabotage"]
    chosen = [each for each in table if given.word in each["name"]]
    known = Known(_tree(), fresh=given.fresh)
    left = [each for each in chosen if not known.caught(each)]
    if len(left) < len(chosen):
        print(f"{len(chosen) - len(left)} of {len(chosen)} were caught before in this very tree", flush=True)
    survived = _run(left, known, given.workers)
    print(f"{len(chosen) - survived} of {len(chosen)} caught")
    return 1 if survived or not chosen else 0


def _run(left: list[Sabotage], known: Known, workers: int) -> int:
    """How many were not caught."""
    began, done, survived = time.monotonic(), 0, 0
    noting = threading.Lock()
    with tempfile.TemporaryDirectory(prefix="sabotage-") as folder:
        trees: queue.SimpleQueue[Tree] = queue.SimpleQueue()
        for n in range(min(workers, len(left))):
            trees.put(Tree(Path(folder) / str(n)))

        def attempt(sabotage: Sabotage) -> tuple[Sabotage, str, float]:
            tree, since = trees.get(), time.monotonic()
            try:
                verdict = tree.attempt(sabotage)
            finally:
                trees.put(tree)
            with noting:
                known.note(sabotage, verdict)
            return sabotage, verdict, time.monotonic() - since

        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            for each in concurrent.futures.as_completed([pool.submit(attempt, one) for one in left]):
                sabotage, verdict, took_s = each.result()
                done, survived = done + 1, survived + (verdict != "caught")
                rest_s = (time.monotonic() - began) / done * (len(left) - done)
                where = f"[{done}/{len(left)}, {rest_s / 60:.0f} min to go]"
                print(f"{where} {verdict:<10} {took_s:6.1f} s  {sabotage['name']}", flush=True)
    return survived


def _tree() -> str:
    """A print of everything that is copied: what was found holds for this and nothing else. Each entry has its own."""
    whole = hashlib.sha256()
    for name in COPIED:
        top = ROOT / name
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if path.is_file() and not LEFT_OUT & set(path.parts):
                whole.update(f"{path.relative_to(ROOT)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()


def _print(sabotage: Sabotage) -> str:
    return hashlib.sha256(json.dumps(sabotage, sort_keys=True).encode()).hexdigest()[:16]


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "vendor"))
    else:
        shutil.copy2(source, target)


if __name__ == "__main__":
    raise SystemExit(main())
