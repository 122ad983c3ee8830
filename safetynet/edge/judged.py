"""The judging as it stood at one fix, as one file: where a start begins, instead of at the journal's first record.

Each person's part is sealed under that person's own key and bound to the fix, so that an erasure reaches it like everything
else. The file is there whole or not at all, and worth nothing beside another journal: it names the very record that it
follows. Whatever does not fit is told and not used; the journal holds the truth and is judged from its start then.

Absent on purpose: what the parts say (`app.standing`).
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from safetynet.core.terms import FixId, SubjectId
from safetynet.edge import files, log
from safetynet.edge.codec import NONSENSE
from safetynet.edge.doors import PersonKeys

FILE: Final = "judged.msgpack"
_HASH_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Moment:
    """`form` changes whenever a part would read otherwise."""

    form: str
    through: FixId
    """The newest fix that was judged."""
    record: bytes
    """What the journal holds there (`Journal.mark`)."""
    serial: int
    """The newest event of the log by then."""


class _Head(msgspec.Struct, frozen=True, array_like=True):
    form: str
    through: FixId
    record: bytes
    serial: int


class _File(msgspec.Struct, frozen=True, array_like=True):
    head: _Head
    parts: list[tuple[SubjectId, bytes]]


_file: Final = msgspec.msgpack.Decoder(_File)


def seal(keys: PersonKeys, moment: Moment, subject: SubjectId, part: bytes) -> tuple[SubjectId, bytes]:
    return subject, keys.seal(subject, part, _bound(moment))


def write(folder: Path, moment: Moment, parts: Iterable[tuple[SubjectId, bytes]]) -> None:
    """On disk when this returns. Touches nothing but the file, so another thread may do it."""
    head = _Head(moment.form, moment.through, moment.record, moment.serial)
    body = msgspec.msgpack.encode(_File(head, list(parts)))
    files.write(folder / FILE, body + hashlib.sha256(body).digest(), mode=0o600)


def read(
    folder: Path, keys: PersonKeys, form: str, newest: FixId, head: int
) -> tuple[Moment, list[tuple[SubjectId, bytes]]] | None:
    """The last one, without those who were erased; None when there is none that can be used."""
    path = folder / FILE
    if not path.exists():
        return None
    data = path.read_bytes()
    body = data[:-_HASH_BYTES]
    if hashlib.sha256(body).digest() != data[-_HASH_BYTES:]:
        log.say("judged_unused", log.Level.WARN, why="damaged")
        return None
    try:
        found = _file.decode(body)
    except NONSENSE:
        log.say("judged_unused", log.Level.WARN, why="unread")
        return None
    moment = Moment(found.head.form, found.head.through, found.head.record, found.head.serial)
    if moment.form != form or moment.through > newest or moment.serial > head:
        why = "other_release" if moment.form != form else "ahead"
        log.say("judged_unused", log.Level.WARN, why=why)
        return None
    opened = ((subject, keys.open(subject, sealed, _bound(moment))) for subject, sealed in found.parts)
    return moment, [(subject, part) for subject, part in opened if part is not None]


def _bound(moment: Moment) -> bytes:
    return b"judged" + moment.through.to_bytes(8, "little")
