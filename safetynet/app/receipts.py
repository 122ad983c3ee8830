"""Files of past footage in published ledgers, one by one: what a city says it provided against what a centre says it received."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias, TypeVar

from safetynet.core.events import AnyEvent
from safetynet.core.events.footage import FootageLost, FootageProvided, FootageReceived
from safetynet.core.footage import FETCH_MS, OVERDUE_MS
from safetynet.core.terms import CameraId, FootageId

PENDING_MS: Final = FETCH_MS + OVERDUE_MS
"""A file that a city cut this much before the newest record may still be fetched."""

_Name: TypeAlias = tuple[FootageId, CameraId]
_File = TypeVar("_File", FootageProvided, FootageReceived)


@dataclass(frozen=True, slots=True)
class Wrong:
    log: str
    index: int
    what: str


@dataclass(slots=True)
class Compared:
    alike: int = 0
    pending: int = 0
    undelivered: int = 0
    """A city cut it, and the receiver says in the open never to have had it."""
    faults: list[Wrong] = field(default_factory=list[Wrong])


def compare(logs: Iterable[tuple[str, Sequence[tuple[int, AnyEvent]]]]) -> Compared:
    """Every file that was received was provided, and the other way round, with equal bytes, by two logs."""
    found = Compared()
    provided: dict[_Name, tuple[str, int, FootageProvided]] = {}
    received: dict[_Name, tuple[str, int, FootageReceived]] = {}
    lost: set[_Name] = set()
    newest = 0
    for log, events in logs:
        for index, event in events:
            newest = max(newest, event.at)
            match event:
                case FootageProvided():
                    _once(found, provided, log, index, event, "provided")
                case FootageReceived():
                    _once(found, received, log, index, event, "received")
                case FootageLost():
                    lost.add((event.footage, event.camera))
                case _:
                    continue
    for name in sorted(provided.keys() | received.keys()):
        given, got = provided.get(name), received.get(name)
        if given is not None and got is not None:
            _match(found, given, got)
        elif got is not None:
            found.faults.append(
                Wrong(got[0], got[1], f"footage {_named(name)} is received here and provided by no other log")
            )
        elif given is not None and name in lost:
            found.undelivered += 1
        elif given is not None and given[2].at > newest - PENDING_MS:
            found.pending += 1
        elif given is not None:
            found.faults.append(
                Wrong(given[0], given[1], f"footage {_named(name)} is provided here and received by no other log")
            )
    return found


def _once(
    found: Compared, held: dict[_Name, tuple[str, int, _File]], log: str, index: int, event: _File, side: str
) -> None:
    name = event.footage, event.camera
    if name in held:
        found.faults.append(Wrong(log, index, f"footage {_named(name)} is {side} twice"))
    held.setdefault(name, (log, index, event))


def _match(found: Compared, given: tuple[str, int, FootageProvided], got: tuple[str, int, FootageReceived]) -> None:
    one, other = given[2], got[2]
    wrong = [
        word
        for word, differs in (
            ("sha256", one.sha256 != other.sha256),
            ("size", one.size_bytes != other.size_bytes),
            ("pieces", hashlib.sha256(one.pieces).digest() != other.pieces_sha256),
            ("incident", one.incident != other.incident),
            ("log (one centre recorded both sides)", given[0] == got[0]),
        )
        if differs
    ]
    if wrong:
        what = f"footage {_named((one.footage, one.camera))} differs from {got[0]} {got[1]} in {', '.join(wrong)}"
        found.faults.append(Wrong(given[0], given[1], what))
    else:
        found.alike += 1


def _named(name: _Name) -> str:
    return f"{name[0]} of {name[1]}"
