"""`safetynet publish` and `safetynet verify`: the ledgers as an outsider gets them, and the proof that they hold.

The verifier needs nothing of a centre but the published folders. It believes what follows from signed roots, and
names everything else by log and index. What it cannot see is said too: one log alone is not compared.
"""

import argparse
import importlib
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol, TypeVar

import msgspec
from rich.console import Console

from safetynet.app import receipts
from safetynet.core import ledger
from safetynet.core.events import (
    AnyEvent,
    CameraCard,
    CamerasChanged,
    Event,
    GrantEnded,
    GrantIssued,
    GrantMoved,
    LogRestored,
    Segment,
    StreamClosed,
    StreamOpened,
    VideoEnded,
    VideoGranted,
)
from safetynet.core.grants import LEASE_MS_MAX, given
from safetynet.core.ledger import MalformedError, Note, VerifierKey
from safetynet.core.terms import MINUTE_MS, SECOND_MS, CameraId, GrantId, Instant, StreamId
from safetynet.edge import config, files, keys, tiles
from safetynet.edge.codec import NONSENSE
from safetynet.edge.tiles import Audited, Fault

RECORDS: Final = "records.jsonl"
OWN_SIDES: Final = ("own", "own_received")
PENDING_MS: Final = MINUTE_MS
"""A segment this much younger than the newest one may still be on its way into the other ledger (L12)."""
SEGMENT_MS_MAX: Final = 2 * SECOND_MS
LOST_MS_MAX: Final = LEASE_MS_MAX + 2 * SEGMENT_MS_MAX
"""How much a city may have given into a road that had broken: until its lease ran out, and the segment under way."""
AFTER_END_MS_MAX: Final = LEASE_MS_MAX + SEGMENT_MS_MAX
"""How long after a grant's end a segment may still be recorded: the lease runs out, the last segment closes."""
FAULTS_SHOWN_MAX: Final = 50
FAULTS_LISTED_MAX: Final = 1_000


class Opening(msgspec.Struct, frozen=True):
    """Proves to an outsider that leaf `index` is this record: leaf = HMAC-SHA256(salt, record)."""

    index: int
    salt: bytes
    record: bytes


class Opened(Protocol):
    """As `edge.store` yields it."""

    @property
    def index(self) -> int: ...
    @property
    def salt(self) -> bytes: ...
    @property
    def record(self) -> bytes: ...


class Source(Protocol):
    """What publishing needs of a store: every leaf, and the openings of records that name no person."""

    def leaves(self, start: int = 0) -> Iterator[bytes]: ...
    def openings(self, start: int = 0) -> Iterator[Opened]: ...


# --- publish -------------------------------------------------------------------------------------------------------


def publish(source: Source, key: VerifierKey, sign: Callable[[bytes], bytes], out: Path) -> Note:
    """Writes one log for outsiders into `out`. Raises tiles.ForkError when the store is not what `out` says it was."""
    note = tiles.publish(out, key, source.leaves, sign, whole=True)
    size = ledger.read_checkpoint(note.body).size
    encode = msgspec.json.Encoder().encode
    lines = (
        encode(Opening(each.index, each.salt, each.record)) + b"\n" for each in source.openings() if each.index < size
    )
    files.write(out / RECORDS, b"".join(lines))
    return note


def publish_main() -> int:
    ask = argparse.ArgumentParser(prog="safetynet publish", description="write a ledger for outsiders")
    ask.add_argument("--dir", type=Path, required=True, help="the centre's folder")
    ask.add_argument("--out", type=Path, required=True, help="its log goes into a folder of the centre's name here")
    given = ask.parse_args()
    centre, own = config.read(given.dir), keys.open_centre(given.dir)
    store = importlib.import_module("safetynet.edge.store").Store.open(
        given.dir / "log.db", centre=centre.id, keys=own.persons, sign=own.sign, salt=keys.salt
    )
    key = VerifierKey(ledger.origin_of(centre.id), own.log_public)
    try:
        if (through := store.signed_through()) and store.head() <= through:
            print(f"this log was restored: nothing is signed again up to {through} events", file=sys.stderr)
            return 1
        note = publish(store, key, own.sign_log, given.out / centre.id)
        store.set_checkpoint(ledger.read_checkpoint(note.body).size, note.text)
    finally:
        store.close()
    point = ledger.read_checkpoint(note.body)
    print(
        msgspec.json.encode({"log": centre.id, "size": point.size, "root": point.root.hex(), "key": key.text}).decode()
    )
    return 0


# --- verify --------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Log:
    """One published log after its audit, with the events of its opened records by leaf index."""

    audited: Audited
    records: int = 0
    unmarked: int = 0
    """Leaves from before there were marks: which of their records are withheld cannot be found."""
    events: list[tuple[int, AnyEvent]] = field(default_factory=list[tuple[int, AnyEvent]])

    @property
    def name(self) -> str:
        return self.audited.log


@dataclass(slots=True)
class Verdict:
    logs: list[Log]
    faults: list[Fault]
    compared: bool
    """False with one log alone: giving and receiving could not be held against each other."""
    matched: int = 0
    pending: int = 0
    lost: int = 0
    """Segments at the end of a stream whose road, or whose relay, broke: one side has less of them, and says so."""
    footage: int = 0
    """Files of past footage that stand in both logs, alike."""
    footage_pending: int = 0
    footage_undelivered: int = 0
    """Files that a city cut and the receiver says, in the open, never to have had."""
    unproven_streams: int = 0
    """Streams of a lone log whose grant is sealed: only the receiver's log can bear them out."""


def verify(folder: Path, known: Sequence[Note] = (), trusted: Sequence[VerifierKey] = ()) -> Verdict:
    """`known` are checkpoints the auditor kept from earlier, `trusted` the keys he expects (all, if any is given)."""
    places = sorted(each for each in folder.iterdir() if each.is_dir())
    logs = [_log(each, known, trusted) for each in places]
    faults = [fault for log in logs for fault in log.audited.faults]
    if not logs:
        faults.append(Fault(folder.name, None, "no log is here"))
    origins = [log.audited.key.name for log in logs if log.audited.key]
    faults += [
        Fault(log.name, None, "two folders hold the log of one centre")
        for log in logs
        if log.audited.key and origins.count(log.audited.key.name) > 1
    ]
    for each in trusted:
        if each.name not in origins:
            faults.append(Fault(each.name, None, "this log is expected and not here"))
    verdict = Verdict(logs, faults, compared=len(logs) > 1)
    for log in logs:
        faults += _streams(log)
        faults += _own(log)
    if verdict.compared:
        _compare(verdict)
        _files(verdict)
    _grants(verdict)
    return verdict


def _log(folder: Path, known: Sequence[Note], trusted: Sequence[VerifierKey]) -> Log:
    text = folder / tiles.KEY
    origin = text.read_text(encoding="utf-8", errors="replace").partition("+")[0] if text.is_file() else ""
    own = [each for each in known if each.body.startswith(f"{origin}\n".encode())]
    log = Log(tiles.audit(folder, own))
    if trusted and log.audited.key not in trusted:
        log.audited.fault(f"{tiles.KEY} is not a key the auditor trusts")
    path = folder / RECORDS
    if not path.is_file():
        log.audited.fault(f"{RECORDS} is missing")
        return log
    _open(log, path.read_bytes().splitlines())
    return log


_OPENING: Final = msgspec.json.Decoder(Opening)
_RECORD: Final = msgspec.msgpack.Decoder(tuple[int, int, AnyEvent])


def _open(log: Log, lines: Iterable[bytes]) -> None:
    """Every opened record must be what its leaf commits to, and say its own place."""
    entries, last, opened = log.audited.entries, -1, set[int]()
    for number, line in enumerate(lines, 1):
        try:
            opening = _OPENING.decode(line)
        except NONSENSE as fault:
            log.audited.fault(f"{RECORDS} line {number}: {fault}")
            continue
        log.records += 1
        index = opening.index
        if index <= last:
            log.audited.fault(f"{RECORDS} line {number}: this record is opened twice or out of order", index)
            continue
        last = index
        opened.add(index)
        if index >= len(entries):
            log.audited.fault(f"{RECORDS} line {number}: no such leaf is signed", index)
        elif (held := entries[index]) is None or not ledger.bears_out(held, opening.salt, opening.record):
            log.audited.fault(f"{RECORDS} line {number}: the record is not what its leaf commits to", index)
        else:
            _read(log, opening)
    _withheld(log, opened)


def _withheld(log: Log, opened: set[int]) -> None:
    """Each leaf says since its writing whether its record must be opened: none of these may be left out."""
    missing: list[int] = []
    marked = False
    for index, entry in enumerate(log.audited.entries):
        if entry is None:
            continue  # its tile is named already
        try:
            sealed = ledger.sealed(entry)
        except MalformedError as fault:
            log.audited.fault(str(fault), index)
            continue
        if sealed is None:
            log.unmarked += 1
            if marked:
                log.audited.fault("a leaf without a mark behind leaves with one", index)
        elif not sealed and index not in opened:
            missing.append(index)
        marked = marked or sealed is not None
    if missing:
        log.audited.fault(f"{len(missing)} records that must be opened are withheld, the first here", missing[0])


def _read(log: Log, opening: Opening) -> None:
    try:
        _, serial, event = _RECORD.decode(opening.record)
    except NONSENSE as fault:
        log.audited.fault(f"the record cannot be read: {fault}", opening.index)
        return
    if serial != opening.index + 1:
        log.audited.fault(f"the record says serial {serial}", opening.index)
        return
    log.events.append((opening.index, event))


T = TypeVar("T", bound=Event)


def _of(log: Log, kind: type[T]) -> Iterator[tuple[int, T]]:
    """What was provided from one organisation to another."""
    for index, event in log.events:
        if isinstance(event, kind) and not _is_viewing(event) and not _is_own(event):
            yield index, event


def _is_own(event: AnyEvent) -> bool:
    """What a city's own people watched: it crosses to nobody and stands in one log alone."""
    return isinstance(event, StreamOpened | Segment | StreamClosed) and event.side in OWN_SIDES


def _is_viewing(event: AnyEvent) -> bool:
    """Who of the receiver's windows watched a stream: kept beside the two entries that are compared."""
    return isinstance(event, StreamOpened | StreamClosed) and event.side == "viewed"


# --- streams: each by itself, then giving against receiving ---------------------------------------------------------


def _streams(log: Log) -> Iterator[Fault]:
    """A stream is opened once, its segments follow each other without gap or repetition, its closing counts them."""
    opened: dict[tuple[StreamId, bool], StreamOpened] = {}
    segments: dict[tuple[StreamId, bool], list[int]] = defaultdict(list)
    for index, event in log.events:
        match event:
            case _ if _is_viewing(event):
                continue
            case StreamOpened():
                if _place(event) in opened:
                    yield Fault(log.name, index, f"stream {event.stream} is opened twice")
                opened[_place(event)] = event
            case Segment():
                seen, start = segments[_place(event)], opened.get(_place(event))
                if start is None or (start.grant, start.camera, start.side) != (event.grant, event.camera, event.side):
                    yield Fault(log.name, index, f"segment {event.seq} of {event.stream} has no opening that fits it")
                if event.seq in seen[-1:]:
                    yield Fault(log.name, index, f"segment {event.seq} of {event.stream} is recorded twice")
                elif (seen and event.seq != seen[-1] + 1) or (not seen and event.seq > 1):
                    yield Fault(log.name, index, f"segments are missing before {event.seq} of {event.stream}")
                seen.append(event.seq)
            case StreamClosed() if event.segments != len(segments[_place(event)]):
                counted = len(segments[_place(event)])
                yield Fault(log.name, index, f"stream {event.stream} closed after {event.segments}, recorded {counted}")
            case _:
                continue


def _place(event: StreamOpened | Segment | StreamClosed) -> tuple[StreamId, bool]:
    """A stream stands once in a log; a city's own one twice, as it left the cameras and as it came to the windows."""
    return event.stream, event.side == OWN_SIDES[1]


def _own(log: Log) -> Iterator[Fault]:
    """A city's own viewing: under a grant that it gave, and what its windows got is what left its cameras."""
    left: dict[tuple[StreamId, int], Segment] = {}
    broken = _broken(event for _, event in log.events if isinstance(event, StreamClosed) and _is_own(event))
    for index, event in log.events:
        if not isinstance(event, StreamOpened | Segment) or not _is_own(event):
            continue
        if given(event.grant) == event.grant:
            yield Fault(log.name, index, f"stream {event.stream} is the city's own under a grant that is not")
        if isinstance(event, Segment):
            name = (event.stream, event.seq)
            other = left.setdefault(name, event)
            if event.side == OWN_SIDES[1] and broken.part(other, event):
                continue
            if (other.sha256, other.size_bytes, other.camera) != (event.sha256, event.size_bytes, event.camera):
                yield Fault(log.name, index, f"segment {_named(event)} differs at the city's own windows")


@dataclass(frozen=True, slots=True)
class _Entry:
    log: str
    index: int
    segment: Segment


def _compare(verdict: Verdict) -> None:
    """Every (stream, seq) must be given and received, by two logs, with equal bytes (L1, L12)."""
    sides: dict[str, dict[tuple[StreamId, int], _Entry]] = {"given": {}, "received": {}}
    newest = 0
    for log in verdict.logs:
        for index, segment in _of(log, Segment):
            newest = max(newest, segment.at)
            side, name = sides.get(segment.side), (segment.stream, segment.seq)
            if side is None:
                verdict.faults.append(Fault(log.name, index, f"a segment of no side: {segment.side!r}"))
            elif name in side and side[name].log != log.name:
                where = f"{side[name].log} too"
                verdict.faults.append(Fault(log.name, index, f"segment {_named(segment)} is {segment.side} by {where}"))
            else:
                side.setdefault(name, _Entry(log.name, index, segment))
    given, received = sides["given"], sides["received"]
    broken = _broken(event for log in verdict.logs for _, event in _of(log, StreamClosed))
    for name in given.keys() | received.keys():
        one, other = given.get(name), received.get(name)
        if one is not None and other is not None:
            if broken.part(one.segment, other.segment):
                verdict.lost += 1
            else:
                _match(verdict, one, other)
            continue
        alone = one or other
        assert alone is not None
        if broken.lost(alone.segment, given):
            verdict.lost += 1
        elif alone.segment.at > newest - PENDING_MS:
            verdict.pending += 1
        else:
            what = f"segment {_named(alone.segment)} is {alone.segment.side} here and in no other log"
            verdict.faults.append(Fault(alone.log, alone.index, what))


@dataclass(frozen=True, slots=True)
class _Broken:
    """Streams that ended without the other side's last word, by side, with how many segments that side has."""

    ends: dict[tuple[str, StreamId], int]

    def part(self, given: Segment, received: Segment) -> bool:
        """The last that was received is a part of what was given: no more bytes, and of the same camera."""
        last = self.ends.get((received.side, received.stream))
        return (
            received.seq == last
            and received.size_bytes < given.size_bytes
            and (received.grant, received.camera) == (given.grant, given.camera)
        )

    def lost(self, alone: Segment, given: Mapping[tuple[StreamId, int], _Entry]) -> bool:
        """Given after the road had broken; or received from a relay that died before it had written it down."""
        last = self.ends.get(("received" if alone.side == "given" else "given", alone.stream))
        if last is None or alone.seq <= last:
            return False
        if alone.side == "received":
            return alone.seq == last + 1
        known = given.get((alone.stream, last)) or given.get((alone.stream, last + 1))
        return known is not None and alone.at - known.segment.at <= LOST_MS_MAX


def _broken(closed: Iterable[StreamClosed]) -> _Broken:
    return _Broken({(each.side, each.stream): each.segments for each in closed if each.cut})


def _match(verdict: Verdict, given: _Entry, received: _Entry) -> None:
    one, other = given.segment, received.segment
    wrong = [
        word
        for word, differs in (
            ("sha256", one.sha256 != other.sha256),
            ("size", one.size_bytes != other.size_bytes),
            ("grant", one.grant != other.grant),
            ("camera", one.camera != other.camera),
            ("log (one centre recorded both sides)", given.log == received.log),
        )
        if differs
    ]
    if wrong:
        what = f"segment {_named(one)} differs from {received.log} {received.index} in {', '.join(wrong)}"
        verdict.faults.append(Fault(given.log, given.index, what))
    else:
        verdict.matched += 1


def _named(segment: Segment) -> str:
    return f"{segment.seq} of {segment.stream}"


def _files(verdict: Verdict) -> None:
    """Files of past footage: what was provided against what was received."""
    found = receipts.compare((log.name, log.events) for log in verdict.logs)
    verdict.faults += [Fault(each.log, each.index, each.what) for each in found.faults]
    verdict.footage, verdict.footage_pending = found.alike, found.pending
    verdict.footage_undelivered = found.undelivered


# --- grants --------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Grant:
    """Everything any log says of one grant. A city's own record of it may be sealed, for it holds a position; then
    the receiver's `VideoGranted` bears it out.
    """

    cameras: set[CameraId] = field(default_factory=set[CameraId])
    until: Instant | None = None
    ended: dict[str, Instant] = field(default_factory=dict[str, Instant])
    """By log: each log's times are on its own clock."""


def _grants(verdict: Verdict) -> None:
    known = _known_grants(verdict.logs)
    for log in verdict.logs:
        for index, stream in _of(log, StreamOpened):
            grant = known.get(stream.grant)
            if grant is None or grant.until is None:
                if verdict.compared:
                    verdict.faults.append(Fault(log.name, index, f"stream {stream.stream} has no grant"))
                else:
                    verdict.unproven_streams += 1
                continue
            ended = min(grant.ended.get(log.name, grant.until), grant.until)
            if stream.at > ended:
                verdict.faults.append(Fault(log.name, index, f"stream {stream.stream} opened after its grant ended"))
            if stream.camera not in grant.cameras:
                what = f"stream {stream.stream} shows {stream.camera}, which was not granted"
                verdict.faults.append(Fault(log.name, index, what))
        for index, event in log.events:
            if not isinstance(event, Segment):
                continue
            segment = event
            grant = known.get(given(segment.grant))
            if grant is None or grant.until is None:
                continue
            if segment.at > min(grant.ended.get(log.name, grant.until), grant.until) + AFTER_END_MS_MAX:
                what = f"segment {_named(segment)} was {segment.side} after its grant ended"
                verdict.faults.append(Fault(log.name, index, what))
        _closings(verdict, log, known)


def _closings(verdict: Verdict, log: Log, grants: dict[GrantId, _Grant]) -> None:
    """A stream whose grant is long over, by this log's own later entries, must have its closing."""
    newest = max((event.at for _, event in log.events), default=Instant(0))
    closed = {stream.stream for _, stream in _of(log, StreamClosed)}
    for index, stream in _of(log, StreamOpened):
        grant = grants.get(stream.grant)
        if stream.stream in closed or grant is None or grant.until is None:
            continue
        if newest > min(grant.ended.get(log.name, grant.until), grant.until) + AFTER_END_MS_MAX + PENDING_MS:
            verdict.faults.append(Fault(log.name, index, f"stream {stream.stream} is never closed"))


def _ids(cameras: tuple[CameraId, ...] | tuple[CameraCard, ...]) -> list[CameraId]:
    """A city's events name cameras; the centre's hold the cards it was shown."""
    return [each.camera if isinstance(each, CameraCard) else each for each in cameras]


def _known_grants(logs: Iterable[Log]) -> dict[GrantId, _Grant]:
    grants: dict[GrantId, _Grant] = defaultdict(_Grant)
    for log in logs:
        for _, event in log.events:
            match event:
                case GrantIssued() | VideoGranted():
                    grant = grants[event.grant]
                    grant.cameras.update(_ids(event.cameras))
                    grant.until = event.until if grant.until is None else max(grant.until, event.until)
                case GrantMoved() | CamerasChanged():
                    grants[event.grant].cameras.update(_ids(event.cameras))
                case GrantEnded() | VideoEnded():
                    ended = grants[event.grant].ended
                    ended[log.name] = min(ended.get(log.name, event.at), event.at)
                case _:
                    continue
    return grants


# --- what the auditor sees -----------------------------------------------------------------------------------------


def verify_main() -> int:
    ask = argparse.ArgumentParser(prog="safetynet verify", description="prove published ledgers, compare them")
    ask.add_argument("dir", type=Path, help="a folder with one folder for each log")
    ask.add_argument("--known", type=Path, action="append", default=[], help="a checkpoint kept from earlier")
    ask.add_argument("--trust", type=Path, help="file of the verifier keys that are expected, one a line")
    given = ask.parse_args()
    try:
        known = [ledger.read_note(each.read_bytes()) for each in given.known]
        lines = given.trust.read_text(encoding="utf-8").split() if given.trust else []
        trusted = [ledger.read_verifier_key(each) for each in lines]
        verdict = verify(given.dir, known, trusted)
    except (OSError, MalformedError) as fault:
        print(msgspec.json.encode({"ok": False, "logs": 0, "records": 0, "faults": [{"what": str(fault)}]}).decode())
        return 1
    _show(verdict)
    print(msgspec.json.encode(_summary(verdict)).decode())
    return 1 if verdict.faults else 0


def _summary(verdict: Verdict) -> dict[str, object]:
    listed = verdict.faults[:FAULTS_LISTED_MAX]
    return {
        "ok": not verdict.faults,
        "logs": len(verdict.logs),
        "records": sum(log.records for log in verdict.logs),
        "unmarked": sum(log.unmarked for log in verdict.logs),
        "leaves": sum(len(log.audited.entries) for log in verdict.logs),
        "checkpoints": sum(log.audited.older for log in verdict.logs),
        "compared": verdict.compared,
        "matched": verdict.matched,
        "pending": verdict.pending,
        "lost": verdict.lost,
        "footage": verdict.footage,
        "footage_pending": verdict.footage_pending,
        "footage_undelivered": verdict.footage_undelivered,
        "unproven_streams": verdict.unproven_streams,
        "restored": [
            {
                "log": log.name,
                "index": index,
                "at": each.at,
                "size": each.size,
                "size_before": each.size_before,
                "found": each.found,
                "erased": each.erased,
                "erasures_known": each.erasures_known,
            }
            for log in verdict.logs
            for index, each in _restored(log)
        ],
        "fault_count": len(verdict.faults),
        "faults": [{"log": each.log, "index": each.index, "what": each.what} for each in listed],
    }


def _restored(log: Log) -> Iterator[tuple[int, LogRestored]]:
    return ((index, event) for index, event in log.events if isinstance(event, LogRestored))


def _tell_of(restored: LogRestored, index: int) -> Iterator[str]:
    """What a log says of its own gap. It is no fault: it is said in the ledger, and an auditor asks what became of it."""
    lost = restored.size_before - restored.size
    day = datetime.fromtimestamp(restored.at / SECOND_MS, UTC).isoformat(timespec="seconds")
    yield (
        f"    복원 restored: 잎 leaf {index}, {day}: 백업 상태 {restored.size:,}건으로 되돌아갔습니다. "
        f"The log went back to a backup of {restored.size:,} records."
    )
    if lost > 0:
        yield (
            f"        사라진 기록 lost: {lost:,} (그때 크기 size then {restored.size_before:,}, 뿌리 root "
            f"{restored.root_before.hex()}). 이 크기의 체크포인트를 가진 이에게 물으십시오. Ask whoever holds a checkpoint of that size."
        )
    else:
        yield "        사라진 기록은 알려지지 않았습니다. Nobody knew of records that are missing."
    if restored.found == "partner":
        yield "        상대 기관이 발견했습니다: 신고된 복원이 아닙니다. A partner found it: no operator had declared it."
    else:
        yield "        운영자가 복원을 실행했습니다. An operator ran the restore."
    if restored.erasures_known:
        yield f"        파기 목록에 따라 다시 파기 erased again from the list of erasures: {restored.erased:,}"
    else:
        yield "        파기 목록 없이: 운영자가 파기가 없었다고 보증했습니다. Without a list of erasures: the operator vouched for it."


def _show(verdict: Verdict) -> None:
    out = Console(highlight=False, markup=False, soft_wrap=True)
    for log in verdict.logs:
        point = log.audited.checkpoint
        sound = "이상 없음 sound" if not log.audited.faults else "이상 있음 FAULTY"
        size = point.size if point else 0
        out.print(f"원장 ledger {log.name}: 잎 leaves {size:,} · 공개 기록 opened {log.records:,} · {sound}")
        if point:
            out.print(f"    뿌리 root {point.root.hex()} · 이전 체크포인트 older checkpoints {log.audited.older:,}")
        for index, restored in _restored(log):
            for line in _tell_of(restored, index):
                out.print(line, style="yellow")
    if verdict.compared:
        out.print(
            f"제공-수신 대조 given against received: 일치 equal {verdict.matched:,} · 대기 pending {verdict.pending:,}"
            f" · 길에서 잃음 lost on a broken road {verdict.lost:,}"
        )
        if verdict.footage or verdict.footage_pending or verdict.footage_undelivered:
            out.print(
                f"과거 영상 past footage: 일치 equal {verdict.footage:,} · 대기 pending {verdict.footage_pending:,}"
                f" · 미수령 undelivered {verdict.footage_undelivered:,}"
            )
    else:
        out.print("원장이 하나뿐이라 제공과 수신을 대조하지 못했습니다. One ledger alone: nothing was compared.")
    for fault in verdict.faults[:FAULTS_SHOWN_MAX]:
        where = "" if fault.index is None else f" 잎 leaf {fault.index}"
        out.print(f"이상 fault: {fault.log}{where}: {fault.what}", style="red")
    if len(verdict.faults) > FAULTS_SHOWN_MAX:
        out.print(f"… 외 and {len(verdict.faults) - FAULTS_SHOWN_MAX:,} more", style="red")
    if unmarked := sum(log.unmarked for log in verdict.logs):
        out.print(
            f"표시 없는 옛 잎 leaves without a mark: {unmarked:,} · 빠진 기록을 알 수 없음 what is withheld there is not found"
        )
    elif not verdict.faults:
        out.print("모두 증명되었습니다. Everything is proved.", style="green")
