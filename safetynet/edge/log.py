"""What a program says of itself to whoever keeps it running: one JSON line for each thing, to standard error.

    {"at": 1790000000000, "level": "warn", "program": "control", "word": "link_down", "partner": "garam"}

A word and a few fields, never a sentence, never anything of a person: no name, case, wearer, device, incident or position.
What happened to incidents stands in the event log. Libraries' own logs and uncaught failures come out in the same form,
by their place in the code and without their texts, which may quote anything.

Absent on purpose: files, rotation and shipping. They belong to whoever starts the program.
"""

import logging
import os
import sys
import traceback
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Final

import msgspec

from safetynet.edge import clock

LINE_BYTES_MAX: Final = 4_096
TEXT_CHARS_MAX: Final = 200
FRAMES_MAX: Final = 12
QUOTED: Final = frozenset(
    {"Damaged", "Fenced", "CorruptError", "JournalFailedError", "PermissionError", "BlockingIOError"}
)
"""Failures whose text is ours, or the system's about a file: only these are quoted."""

Value = str | int | float | bool | None | list[str]


class Level(Enum):
    INFO = "info"
    WARN = "warn"
    ERROR = "error"


_program = "safetynet"


def begin(program: str) -> None:
    """From here on this process is that program, also for libraries' logs and for what nobody catches."""
    global _program  # noqa: PLW0603 - one process is one program
    _program = program
    root = logging.getLogger()
    root.handlers[:] = [_Libraries(logging.WARNING)]
    root.setLevel(logging.WARNING)
    sys.excepthook = _uncaught


def say(word: str, level: Level = Level.INFO, **fields: Value) -> None:
    """Never raises for what is said: a line that is too long loses its fields."""
    head: dict[str, Value] = {"at": clock.now(), "level": level.value, "program": _program, "word": word}
    short = {name: each[:TEXT_CHARS_MAX] if isinstance(each, str) else each for name, each in fields.items()}
    line = msgspec.json.encode(head | short)
    if len(line) >= LINE_BYTES_MAX:
        line = msgspec.json.encode(head | {"cut": len(line)})
    os.write(2, line + b"\n")


def fault(error: BaseException) -> dict[str, Value]:
    """The fields that describe a failure: its kind and its place, and its text only when it can quote nobody."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    kind = type(error).__name__
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES_MAX:]
    said: dict[str, Value] = {
        "fault": kind,
        "frames": [f"{_short(each.filename)}:{each.lineno} {each.name}" for each in frames],
    }
    if kind in QUOTED:
        said["text"] = str(error)
    elif isinstance(error, OSError):
        said["text"] = error.strerror or str(error)
    return said


def _short(path: str) -> str:
    """From the package on: where it is installed is nobody's business."""
    parts = Path(path).parts
    return "/".join(parts[-3:])


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    say("failed", Level.ERROR, **fault(error))


class _Libraries(logging.Handler):
    """By place, not by text: a library quotes requests, headers and values."""

    def emit(self, record: logging.LogRecord) -> None:
        level = Level.ERROR if record.levelno >= logging.ERROR else Level.WARN
        more = fault(record.exc_info[1]) if record.exc_info and record.exc_info[1] else {}
        place = f"{_short(record.pathname)}:{record.lineno}"
        say("library", level, **(dict[str, Value](logger=record.name, place=place) | more))
