"""The journal of positions: what was acknowledged is here, whatever happens to the power.

Segments of fixed-size records, allocated beforehand, only ever appended to; one `fdatasync` per batch. A record is 256
bytes, little-endian:

    magic 4 | subject length 1 | 0 | sealed length 2 | fix id 8 | synced 8 | subject 48 | sealed 180 | CRC-32 4

`sealed` is the fix under the own key of the wearer, or of the protected person whose phone said it, bound to its id: when the key is destroyed the position is gone, here
and in every backup. `synced` is the newest fix that was on disk before the record's batch was written; by it a torn
batch, which nobody was told of, can be told from damage to what was acknowledged.

Absent on purpose: queries by time or place (one wearer's fixes between two serials can be found), and any retry of a failed flush. After one the kernel may have thrown the
pages away, so the journal refuses everything until the program has started anew and read what is really there.
"""

import fcntl
import hashlib
import math
import os
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final, Protocol, Self

import numpy as np

from safetynet.core.fixes import (
    DEVICE_BYTES_MAX,
    OTHER_BYTES_MAX,
    PROTECTED_BYTES_MAX,
    WEARER_BYTES_MAX,
    Fix,
    Mark,
    Said,
)
from safetynet.core.terms import DeviceId, FixId, Instant, Source, SubjectId, WearerId
from safetynet.edge import clock
from safetynet.edge.config import failpoint
from safetynet.edge.metrics import Timing

RECORD_BYTES: Final = 256
SEGMENT_RECORDS: Final = 65_536
"""16 MiB: at 1,000 fixes a second a new file each minute."""
SEALED_BYTES_MAX: Final = 180
SUBJECT_BYTES_MAX: Final = 48
AHEAD_BYTES: Final = 1 << 20
"""Written as zeros before records come there: a flush into room that is only set aside takes nearly twice as long, for the
file system notes with each that it is written now (measured)."""
SUBJECTS_MAX: Final = 100_000
"""Names remembered."""
FIRST: Final = FixId(1)
_READ_RECORDS: Final = 1_024

SCANNED_FIXES_MAX: Final = 4_000_000
"""Looked through for one person's positions: 1 GB, an hour at 1,000 fixes a second."""

_MAGIC: Final = b"SNJ1"
_HEAD: Final = struct.Struct("<4sBxHQQ48s180s")
_ROW: Final = np.dtype([("head", "V24"), ("subject", "S48"), ("rest", "V184")])
_CRC: Final = struct.Struct("<I")
_BODY: Final = struct.Struct("<qqddddddBHHBB")
_PADDED: Final = struct.Struct(f"<qqddddddBHHBB{DEVICE_BYTES_MAX + OTHER_BYTES_MAX}s")
"""So that the length of a record's secret says nothing."""
_NAN: Final = math.nan
_WEARER: Final = "wearer"
_PROTECTED: Final = "protected"
_SOURCES: Final = (Source.UNKNOWN, Source.GNSS, Source.WIFI, Source.CELL, Source.BEACON, Source.HOME)
"""The place in this row is what stands in a record: only ever added to."""
_CODE: Final = {source: code for code, source in enumerate(_SOURCES)}

assert max(len(_WEARER) + WEARER_BYTES_MAX, len(_PROTECTED) + PROTECTED_BYTES_MAX) < SUBJECT_BYTES_MAX
assert _HEAD.size + _CRC.size == RECORD_BYTES == _ROW.itemsize
assert set(_SOURCES) == set(Source)


class CorruptError(Exception):
    """What was acknowledged is damaged. Nothing is repaired by guessing: the segment comes from a backup or a twin."""


class JournalFailedError(Exception):
    """The disk did not take a batch. Nothing of it may be acknowledged, and nothing more is taken."""


class Keys(Protocol):
    """Of `edge.keys`. A key must be on disk by the time `seal` first returns with it, or what it seals is lost."""

    def seal(self, subject: SubjectId, data: bytes, aad: bytes = b"") -> bytes: ...
    def open(self, subject: SubjectId, sealed: bytes, aad: bytes = b"") -> bytes | None:
        """None when the person was erased."""
        ...

    def erase(self, subject: SubjectId) -> None: ...


class Journal:
    """Opening it takes the folder for this process alone and cuts a torn tail, counted in `cut_records`.

    Raises CorruptError, and BlockingIOError when another process has it.
    """

    def __init__(self, folder: Path, keys: Keys, segment_records: int = SEGMENT_RECORDS) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._keys = keys
        self._size = segment_records
        self._failed = False
        self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._fd = -1
        self._base = 1
        self._zeroed = 0
        """So far, of the newest segment, zeros or records are written."""
        self.newest = FixId(0)
        """The newest fix on disk; 0 when there is none."""
        self.cut_records = 0
        self._subjects: dict[tuple[str, bool], tuple[SubjectId, bytes]] = {}
        self.timing: Final = Timing()
        """Of every flush."""
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._recover()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for fd in (self._fd, self._lock):
            if fd >= 0:
                os.close(fd)
        self._fd = self._lock = -1

    # --- writing ---------------------------------------------------------------------------------------------------

    def append(self, batch: Sequence[Fix]) -> FixId:
        """Gives the batch the serials from the returned one on; when this returns it is on disk.

        Raises JournalFailedError, now and ever after, when the disk failed.
        """
        if self._failed:
            raise JournalFailedError("an earlier batch failed")
        assert batch
        first = FixId(self.newest + 1)
        records = [self._record(fix, id, self.newest) for id, fix in enumerate(batch, first)]
        try:
            self._write(records)
        except OSError as error:
            self._failed = True
            raise JournalFailedError(str(error)) from error
        self.newest = FixId(self.newest + len(batch))
        return first

    def _write(self, records: list[bytes]) -> None:
        at = self.newest + 1
        while records:
            if at - self._base == self._size:
                self._open_segment(at)
            room = self._size - (at - self._base)
            some, records = records[:room], records[room:]
            begin, size = (at - self._base) * RECORD_BYTES, len(some) * RECORD_BYTES
            self._smooth(begin, begin + size)
            _write_all(self._fd, b"".join(some), begin)
            failpoint("journal.before_sync")
            began_us = clock.monotonic_us()
            os.fdatasync(self._fd)
            self.timing.took(clock.monotonic_us() - began_us)
            failpoint("journal.after_sync")
            at += len(some)

    def _smooth(self, begin: int, end: int) -> None:
        """Zeros where records are about to come, and some way on."""
        if end <= self._zeroed:
            return
        start, self._zeroed = max(begin, self._zeroed), min(end + AHEAD_BYTES, self._size * RECORD_BYTES)
        _write_all(self._fd, bytes(self._zeroed - start), start)

    def _record(self, fix: Fix, id: int, synced: FixId) -> bytes:
        whose = fix.wearer, fix.protected
        subject, name = self._subjects.get(whose) or self._named(*whose)
        sealed = self._keys.seal(subject, _packed(fix), b"fix" + id.to_bytes(8, "little"))
        assert len(sealed) <= SEALED_BYTES_MAX
        head = _HEAD.pack(_MAGIC, len(name), len(sealed), id, synced, name, sealed)
        return head + zlib.crc32(head).to_bytes(4, "little")

    def _named(self, whose: str, protected: bool) -> tuple[SubjectId, bytes]:  # noqa: FBT001 - as the fix has it
        """Remembered: each of them comes again within a minute."""
        subject = SubjectId(f"{_PROTECTED if protected else _WEARER}:{whose}")
        name = subject.encode()
        assert len(name) <= SUBJECT_BYTES_MAX
        if len(self._subjects) >= SUBJECTS_MAX:
            self._subjects.clear()
        self._subjects[whose, protected] = subject, name
        return subject, name

    def _open_segment(self, base: int) -> None:
        """A new file is on disk with all its room, and its name in the folder, before anything is written to it."""
        fd = os.open(self._folder / f"{base:016d}.seg", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.posix_fallocate(fd, 0, self._size * RECORD_BYTES)
        os.fsync(fd)
        _sync_folder(self._folder)
        if self._fd >= 0:
            os.close(self._fd)
        self._fd, self._base, self._zeroed = fd, base, 0

    # --- reading ---------------------------------------------------------------------------------------------------

    def replay(self, from_fix: FixId = FIRST) -> Iterator[Fix]:
        """Everything on disk from that serial on, in the order of the journal, without those who were erased.

        Raises CorruptError at a damaged record, after having given everything before it.
        """
        upto = self.newest
        for base in self._bases():
            first, last = max(from_fix, base), min(upto, base + self._size - 1)
            if first > last:
                continue
            with (self._folder / f"{base:016d}.seg").open("rb") as file:
                file.seek((first - base) * RECORD_BYTES)
                at = first
                while at <= last:
                    block = file.read(min(_READ_RECORDS, last - at + 1) * RECORD_BYTES)
                    if not block or len(block) % RECORD_BYTES:
                        raise CorruptError(f"segment {base} is cut short")
                    for offset in range(0, len(block), RECORD_BYTES):
                        fix = self._fix(block[offset : offset + RECORD_BYTES], at)
                        if fix is not None:
                            yield fix
                        at += 1

    def mark(self, id: FixId) -> bytes:
        """By which the record of this fix is known from any other that could ever stand there; empty when it is not here."""
        base = (id - 1) // self._size * self._size + 1
        path = self._folder / f"{base:016d}.seg"
        if not 1 <= id <= self.newest or not path.exists():
            return b""
        with path.open("rb") as file:
            file.seek((id - base) * RECORD_BYTES)
            return hashlib.sha256(file.read(RECORD_BYTES)).digest()

    def find(self, wearer: WearerId, first: FixId, last: FixId) -> tuple[list[tuple[int, bytes]], bool]:
        """Sealed records of one wearer among the fixes `first` to `last`, and whether all of these are still here.

        Only reads files, so another thread may do it; `opened` then reads them. At most SCANNED_FIXES_MAX fixes are
        looked through, the newest ones.
        """
        begin = max(int(first), int(last) - SCANNED_FIXES_MAX + 1, 1)
        bases = self._bases()
        whole = begin == first and bool(bases) and bases[0] <= first
        name = _subject(wearer).encode()
        kept: list[tuple[int, bytes]] = []
        for base in bases:
            low, high = max(begin, base), min(int(last), base + self._size - 1)
            if low > high:
                continue
            rows = np.fromfile(
                self._folder / f"{base:016d}.seg", _ROW, count=high - low + 1, offset=(low - base) * RECORD_BYTES
            )
            kept += [(low + int(n), rows[n].tobytes()) for n in np.flatnonzero(rows["subject"] == name)]
        return kept, whole

    def opened(self, records: Iterable[tuple[int, bytes]]) -> Iterator[Fix]:
        """The fixes of sealed records, without those whose person was erased. Raises CorruptError."""
        for id, record in records:
            fix = self._fix(record, id)
            if fix is not None:
                yield fix

    def _fix(self, record: bytes, id: int) -> Fix | None:
        if _synced(record, id) is None:
            raise CorruptError(f"fix {id} is damaged")
        _, name_length, sealed_length, _, _, name, sealed = _HEAD.unpack_from(record)
        subject = SubjectId(name[:name_length].decode())
        body = self._keys.open(subject, sealed[:sealed_length], _bound(FixId(id)))
        kind, _, whose = subject.partition(":")
        if body is None:
            return None
        return _unpacked(body, FixId(id), WearerId(whose), protected=kind == _PROTECTED)

    # --- forgetting ------------------------------------------------------------------------------------------------

    def forget(self, wearer: WearerId) -> None:
        """Makes every position of the wearer unreadable by destroying the key, and with it all else that it seals."""
        self._keys.erase(_subject(wearer))

    def retire(self, before: FixId) -> int:
        """Deletes the segments that hold only fixes before that serial; never the newest. Returns how many."""
        old = [base for base in self._bases()[:-1] if base + self._size <= before]
        for base in old:
            (self._folder / f"{base:016d}.seg").unlink()
        if old:
            _sync_folder(self._folder)
        return len(old)

    # --- starting --------------------------------------------------------------------------------------------------

    def _bases(self) -> list[int]:
        return sorted(int(path.stem) for path in self._folder.glob("*.seg"))

    def _recover(self) -> None:
        bases = self._bases()
        if not bases:
            self._open_segment(1)
            return
        if any(after - before != self._size for before, after in pairwise(bases)):
            raise CorruptError("a segment is missing, or was written with another size")
        self._open_segment(bases[-1])
        if len(bases) > 1:
            before = (self._folder / f"{bases[-2]:016d}.seg").read_bytes()[-RECORD_BYTES:]
            if _synced(before, bases[-1] - 1) is None:
                raise CorruptError(f"segment {bases[-2]} ends in a damaged record")
        data = os.pread(self._fd, self._size * RECORD_BYTES, 0)
        whole = self._whole(data)
        self.newest = FixId(self._base + whole - 1)
        tail = data[whole * RECORD_BYTES :]
        if any(tail):
            torn = (tail[n : n + RECORD_BYTES] for n in range(0, len(tail), RECORD_BYTES))
            self.cut_records = sum(any(record) for record in torn)
            _write_all(self._fd, bytes(len(tail)), whole * RECORD_BYTES)
            os.fdatasync(self._fd)

    def _whole(self, data: bytes) -> int:
        """How many records from the start are whole. Raises CorruptError when a broken one had been acknowledged."""
        broken: int | None = None
        for n in range(len(data) // RECORD_BYTES):
            synced = _synced(data[n * RECORD_BYTES : (n + 1) * RECORD_BYTES], self._base + n)
            if broken is None:
                if synced is None:
                    broken = n
            elif synced is not None and synced >= self._base + broken:
                raise CorruptError(f"fix {self._base + broken} is damaged, and was on disk before fix {self._base + n}")
        return len(data) // RECORD_BYTES if broken is None else broken


def copy(folder: Path, to: Path) -> int:
    """Copies the journal while its program goes on appending; returns the bytes. Segments that are full never change.

    The newest is read first, so that nothing in the copy is later than this instant; a batch that was half written
    just then is a torn tail, which opening the copy cuts. Raises FileNotFoundError when a segment was retired meanwhile.
    """
    to.mkdir(parents=True, exist_ok=True)
    bases = sorted(folder.glob("*.seg"))
    newest = bases[-1].read_bytes() if bases else b""
    whole = -(-len(newest.rstrip(b"\0")) // RECORD_BYTES) * RECORD_BYTES
    done = 0
    for path in bases:
        data = newest[:whole] if path == bases[-1] else path.read_bytes()
        (to / path.name).write_bytes(data)
        done += len(data)
    return done


def _synced(record: bytes, id: int) -> int | None:
    """The record's `synced`, or None when the record is not the whole record of that fix."""
    if len(record) != RECORD_BYTES or record[:4] != _MAGIC:
        return None
    magic_to_synced = _HEAD.unpack_from(record)
    if _CRC.unpack_from(record, _HEAD.size)[0] != zlib.crc32(record[: _HEAD.size]) or magic_to_synced[3] != id:
        return None
    return int(magic_to_synced[4])


def _subject(wearer: WearerId) -> SubjectId:
    return SubjectId(f"{_WEARER}:{wearer}")


def _bound(id: FixId) -> bytes:
    """What a sealed fix is bound to: nobody can move it to another time of the journal."""
    return b"fix" + id.to_bytes(8, "little")


def _none(value: float) -> float | None:
    return None if math.isnan(value) else value


def _packed(fix: Fix) -> bytes:
    """Every fix comes through here: written out, it costs a third of what a loop over the fields does."""
    device, other = fix.device.encode(), fix.other.encode()
    assert len(device) <= DEVICE_BYTES_MAX
    assert len(other) <= OTHER_BYTES_MAX
    return _PADDED.pack(
        fix.observed_at,
        fix.received_at,
        _NAN if fix.lat is None else fix.lat,
        _NAN if fix.lon is None else fix.lon,
        _NAN if fix.accuracy_m is None else fix.accuracy_m,
        _NAN if fix.speed_mps is None else fix.speed_mps,
        _NAN if fix.course_deg is None else fix.course_deg,
        _NAN if fix.battery_percent is None else fix.battery_percent,
        _CODE[fix.source],
        fix.said,
        fix.marks,
        len(device),
        len(other),
        device + other,
    )


def _unpacked(body: bytes, id: FixId, wearer: WearerId, *, protected: bool) -> Fix:
    observed, received, lat, lon, radius, speed, course, battery, source, said, marks, d, o = _BODY.unpack_from(body)
    return Fix(
        id=id,
        wearer=wearer,
        device=DeviceId(body[_BODY.size : _BODY.size + d].decode()),
        observed_at=Instant(observed),
        received_at=Instant(received),
        lat=_none(lat),
        lon=_none(lon),
        accuracy_m=_none(radius),
        source=_SOURCES[source],
        speed_mps=_none(speed),
        course_deg=_none(course),
        battery_percent=_none(battery),
        said=Said(said),
        marks=Mark(marks),
        other=body[_BODY.size + d : _BODY.size + d + o].decode(),
        protected=protected,
    )


def _write_all(fd: int, data: bytes, offset: int) -> None:
    """`pwrite` may take less than it was given."""
    view = memoryview(data)
    while view:
        done = os.pwrite(fd, view, offset)
        view, offset = view[done:], offset + done


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
