"""Bytes of files between two centres, beside the messages on the same road: the receiver asks piece by piece.

What a file is was signed for before, to the hash of each piece (`messages.AnnounceFootage`); a piece that has another
hash is thrown away. One piece is on the road at a time and no faster than BYTES_PER_S_MAX, so that an alarm never waits
behind a file. Every piece is on the receiver's disk before the next is asked for: a transfer that was cut, by the line
or by a crash, goes on where it was.

Absent on purpose: a queue. Who asks for nothing gets nothing, and who gave it keeps nothing in memory.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeAlias

import msgspec

from safetynet.core.footage import HASH_BYTES, PIECE_BYTES, piece_bytes, piece_count
from safetynet.core.terms import SECOND_MS, CameraId, CentreId, FootageId, SubjectId, Why
from safetynet.edge import clock
from safetynet.edge.spool import Spool

PART_BYTES: Final = 56 * 1024
"""Of a piece, in one frame of the link."""
BYTES_PER_S_MAX: Final = 4 * 1024 * 1024
PIECE_S_MAX: Final = 10.0
"""How long one piece is waited for before it is asked for again."""
IDLE_S: Final = 0.25
BAD_MAX: Final = 3
"""Pieces of one file that were not what was signed for; then the file is given up."""
GONE_MAX: Final = 3
"""Times a partner says that it has no such file for us; then it is given up."""
WANTS_PER_S_MAX: Final = 64
"""Of one partner; what it asks beyond this is not answered."""


class Want(msgspec.Struct, frozen=True, array_like=True, tag="want", forbid_unknown_fields=True):
    """Give me piece `n` of that file, from 0."""

    footage: FootageId
    camera: CameraId
    n: int


class Part(msgspec.Struct, frozen=True, array_like=True, tag="part", forbid_unknown_fields=True):
    """The next bytes of that piece, in order."""

    footage: FootageId
    camera: CameraId
    n: int
    last: bool
    data: bytes


class Gone(msgspec.Struct, frozen=True, array_like=True, tag="gone", forbid_unknown_fields=True):
    """I have no such piece for you."""

    footage: FootageId
    camera: CameraId
    n: int


Answer: TypeAlias = Part | Gone


class Courier(Protocol):
    """What the link needs: who answers what a partner wants, and who takes what it brings."""

    def asked(self, peer: CentreId, want: Want) -> Iterable[Answer]: ...
    def brought(self, peer: CentreId, answer: Answer) -> None: ...


# --- who gives -----------------------------------------------------------------------------------------------------


class Giver:
    """`may` says under whose key a file lies that this partner may fetch now, or None."""

    def __init__(self, spool: Spool, may: Callable[[CentreId, FootageId, CameraId], SubjectId | None]) -> None:
        self._spool, self._may = spool, may
        self._spent: dict[CentreId, tuple[int, int]] = {}
        self.counts: Final[Counter[str]] = Counter()

    def asked(self, peer: CentreId, want: Want) -> Iterable[Answer]:
        second = clock.monotonic() // SECOND_MS
        since, spent = self._spent.get(peer, (second, 0))
        spent = spent + 1 if since == second else 1
        self._spent[peer] = second, spent
        if spent > WANTS_PER_S_MAX:
            self.counts["too_often"] += 1
            return ()
        subject = self._may(peer, want.footage, want.camera)
        piece = None if subject is None else self._spool.piece(want.footage, want.camera, subject, want.n)
        if piece is None:
            self.counts["gone"] += 1
            return (Gone(want.footage, want.camera, want.n),)
        self.counts["given"] += 1
        starts = range(0, len(piece), PART_BYTES)
        return [
            Part(want.footage, want.camera, want.n, at + PART_BYTES >= len(piece), piece[at : at + PART_BYTES])
            for at in starts
        ]

    def brought(self, peer: CentreId, answer: Answer) -> None:
        """A partner that brings what nobody here asked for."""
        self.counts["unasked"] += 1


# --- who fetches ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One file that was announced and is not here yet."""

    peer: CentreId
    footage: FootageId
    camera: CameraId
    subject: SubjectId
    size_bytes: int
    sha256: bytes
    pieces: bytes


@dataclass(slots=True)
class _Waiting:
    peer: CentreId
    want: Want
    size_bytes: int
    parts: bytearray = field(default_factory=bytearray)
    done: "asyncio.Future[bytes | None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Fetcher:
    """`jobs` are looked at again after each piece; `ended` hears of a file once: None, it is whole and here, or why not."""

    def __init__(
        self,
        spool: Spool,
        *,
        jobs: Callable[[], Sequence[Job]],
        tell: Callable[[CentreId, Want], bool],
        ended: Callable[[Job, Why | None], None],
    ) -> None:
        self._spool, self._jobs, self._tell, self._ended = spool, jobs, tell, ended
        self._waiting: _Waiting | None = None
        self._bad: Counter[tuple[FootageId, CameraId]] = Counter()
        self._gone: Counter[tuple[FootageId, CameraId]] = Counter()
        self.counts: Final[Counter[str]] = Counter()

    def asked(self, peer: CentreId, want: Want) -> Iterable[Answer]:
        """A control centre gives nobody a file."""
        self.counts["asked_of"] += 1
        return (Gone(want.footage, want.camera, want.n),)

    def brought(self, peer: CentreId, answer: Answer) -> None:
        """Only what is waited for, from whom it was asked; never more than the piece may be long."""
        waiting = self._waiting
        mine = waiting is not None and waiting.peer == peer and not waiting.done.done()
        if waiting is None or not mine or (answer.footage, answer.camera, answer.n) != _key(waiting.want):
            self.counts["unasked"] += 1
            return
        match answer:
            case Gone():
                waiting.done.set_result(None)
            case Part():
                waiting.parts += answer.data
                if answer.last or len(waiting.parts) > waiting.size_bytes:
                    waiting.done.set_result(bytes(waiting.parts))

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            jobs = list(self._jobs())
            for job in jobs:
                began_ms = clock.monotonic()
                if await self._step(job):
                    await asyncio.sleep(
                        max(0.0, PIECE_BYTES / BYTES_PER_S_MAX - (clock.monotonic() - began_ms) / 1_000)
                    )
                    break  # what was announced first is fetched first
            else:
                await asyncio.sleep(IDLE_S)

    async def _step(self, job: Job) -> bool:
        """One piece of this file, or its end. False: nothing came, the next may be tried."""
        n = self._spool.held(job.footage, job.camera)
        if n >= piece_count(job.size_bytes):
            await self._finish(job)
            return True
        want = Want(job.footage, job.camera, n)
        self._waiting = _Waiting(job.peer, want, piece_bytes(job.size_bytes, n))
        try:
            if not self._tell(job.peer, want):
                return False
            async with asyncio.timeout(PIECE_S_MAX):
                piece = await self._waiting.done
        except TimeoutError:
            self.counts["late"] += 1
            return False
        finally:
            self._waiting = None
        return await self._take(job, n, piece)

    async def _take(self, job: Job, n: int, piece: bytes | None) -> bool:
        if not self._wanted(job):
            return False  # it was withdrawn while the piece was on the road
        key = job.footage, job.camera
        if piece is None:
            self._gone[key] += 1
            if self._gone[key] >= GONE_MAX:
                self._give_up(job, Why.NOT_LIVE)
            return False
        if hashlib.sha256(piece).digest() != job.pieces[n * HASH_BYTES : (n + 1) * HASH_BYTES]:
            self.counts["bad"] += 1
            self._bad[key] += 1
            if self._bad[key] >= BAD_MAX:
                self._give_up(job, Why.BAD_HASH)
            return True
        await self._spool.put(job.footage, job.camera, job.subject, n, piece)
        if not self._wanted(job):
            self._spool.drop(job.footage, (job.camera,))  # it was withdrawn while the disk worked
        self.counts["taken"] += 1
        return True

    def _wanted(self, job: Job) -> bool:
        return any((each.footage, each.camera) == (job.footage, job.camera) for each in self._jobs())

    async def _finish(self, job: Job) -> None:
        """Only a file that is whole, and has the hash of the whole, is here."""
        whole = hashlib.sha256()
        for piece in self._spool.whole(job.footage, job.camera, job.subject, job.size_bytes):
            if piece is None:
                self._give_up(job, Why.ERASED)
                return
            whole.update(piece)
            await asyncio.sleep(0)  # an alarm comes between any two pieces
        if not self._wanted(job):
            return
        if whole.digest() != job.sha256:
            self._give_up(job, Why.BAD_HASH)
            return
        self._ended(job, None)

    def _give_up(self, job: Job, why: Why) -> None:
        self._spool.drop(job.footage, (job.camera,))
        self._bad.pop((job.footage, job.camera), None)
        self._gone.pop((job.footage, job.camera), None)
        self._ended(job, why)


def _key(want: Want) -> tuple[FootageId, CameraId, int]:
    return want.footage, want.camera, want.n
