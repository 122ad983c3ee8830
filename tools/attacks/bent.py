"""A program on a machine that lies: its wall clock stands wrong, or its policy engine is dead, slow or talks nonsense.

    python -m tools.attacks.bent PLAN PARENT COMMAND [OPTION ...]

PLAN is a file of 9 bytes that may be changed while the program runs: how far the wall clock is off (ms, signed), and what the engine
does (`WORDS`). The product knows nothing of this and has no switch for it: what it imports is replaced before it is started.
"""

import mmap
import runpy
import struct
import sys
import time  # noqa: TID251 - this is what lies
from pathlib import Path
from typing import Any, Final

import cedarpy

from safetynet.sim.children import bind_to_parent

_PLAN: Final = struct.Struct("<qB")
SLOW_S: Final = 2.0
WORDS: Final = ("sound", "dead", "erring", "garbage", "undecided", "slow")


def write(path: Path, offset_ms: int = 0, engine: str = "sound") -> Path:
    """In place: a running program sees it at once."""
    with path.open("r+b" if path.exists() else "wb") as file:
        file.write(_PLAN.pack(offset_ms, WORDS.index(engine)))
    return path


class _Said:
    """What an engine says that may be anybody."""

    def __init__(self, decision: object, errors: list[str]) -> None:
        self.decision = decision
        self.diagnostics = type("Diagnostics", (), {"errors": errors})()


def _bend(told: mmap.mmap) -> None:
    true_ns, sound = time.time_ns, cedarpy.is_authorized

    def time_ns() -> int:
        return true_ns() + int(_PLAN.unpack_from(told)[0]) * 1_000_000

    def answer(*asked: Any) -> object:
        match WORDS[_PLAN.unpack_from(told)[1]]:
            case "dead":
                raise RuntimeError("the engine is dead")
            case "erring":
                return _Said(cedarpy.Decision.Allow, ["a forbid was skipped"])
            case "garbage":
                return _Said("Allow", [])
            case "undecided":
                return _Said(cedarpy.Decision.NoDecision, [])
            case "slow":
                time.sleep(SLOW_S)
                return _Said(cedarpy.Decision.Allow, [])
            case _:
                return sound(*asked)

    time.time_ns, cedarpy.is_authorized = time_ns, answer


if __name__ == "__main__":
    plan, parent = Path(sys.argv[1]), int(sys.argv[2])
    bind_to_parent(parent)
    with plan.open("r+b") as file:
        _bend(mmap.mmap(file.fileno(), 0))
    sys.argv[:] = ["safetynet", *sys.argv[3:]]
    runpy.run_module("safetynet", run_name="__main__")
