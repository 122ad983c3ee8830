"""An outsider's check of two ledgers. Every forgery here would pass but for the one thing that it changes."""

import base64
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest

from safetynet.app import audit
from safetynet.app.audit import Opening, Verdict
from safetynet.core import events as happened
from safetynet.core import grants, ledger
from safetynet.core.events import (
    AnyEvent,
    CameraCard,
    GrantEnded,
    GrantIssued,
    PersonErased,
    Place,
    Segment,
    StreamClosed,
    StreamOpened,
    VideoEnded,
    VideoGranted,
)
from safetynet.core.ledger import VerifierKey
from safetynet.core.terms import (
    AlarmKind,
    Basis,
    CameraId,
    CentreId,
    FixId,
    GrantId,
    IncidentId,
    Instant,
    PersonId,
    PoleId,
    RequestId,
    Source,
    StreamId,
    SubjectId,
    Why,
)
from safetynet.edge import keys, tiles

T0 = 1_790_000_000_000
GRANT, CAMERA, INCIDENT = GrantId("grant-1"), CameraId("garam-7"), IncidentId("incident-1")
PLACE = Place(36.35, 127.38, 8.0, Source.GNSS, Instant(T0), Instant(T0), FixId(1))


class Memory:
    """A store without a disk: each event is a leaf, and opened when it names no person (or when it must be)."""

    def __init__(self, events: Sequence[AnyEvent], *, seal_grants: bool = True) -> None:
        self.rows: list[Opening] = []
        self.sealed: set[int] = set()
        self.unmarked = 0
        """How many leaves are from before there were marks."""
        for index, event in enumerate(events):
            record = msgspec.msgpack.encode((happened.VERSION, index + 1, event))
            self.rows.append(Opening(index, bytes([index % 251]) * 32, record))
            if happened.subject(event) is not None and (seal_grants or not isinstance(event, GrantIssued)):
                self.sealed.add(index)

    def leaves(self, start: int = 0) -> Iterator[bytes]:
        return (
            ledger.entry(each.salt, each.record, sealed=each.index in self.sealed)
            if each.index >= self.unmarked
            else ledger.commit(each.salt, each.record)
            for each in self.rows[start:]
        )

    def openings(self, start: int = 0) -> Iterator[Opening]:
        return (each for each in self.rows[start:] if each.index not in self.sealed)


def at(second: float) -> Instant:
    return Instant(T0 + int(second * 1_000))


def segment(side: str, seq: int, second: float, stream: str = "s1") -> Segment:
    return Segment(
        at=at(second),
        side=side,
        grant=GRANT,
        camera=CAMERA,
        stream=StreamId(stream),
        seq=seq,
        first_ticks=seq * 180_000,
        last_ticks=seq * 180_000 + 179_999,
        size_bytes=40_000 + seq,
        sha256=seq.to_bytes(32, "big"),
    )


def stream(
    side: str, count: int, name: str = "s1", *, camera: CameraId = CAMERA, grant: GrantId = GRANT
) -> list[AnyEvent]:
    who = {"side": side, "grant": grant, "camera": camera, "stream": StreamId(name)}
    between = [
        msgspec.structs.replace(segment(side, seq, 1 + 2 * seq, name), camera=camera, grant=grant)
        for seq in range(1, count + 1)
    ]
    closed = StreamClosed(at=at(4 + 2 * count), segments=count, why=Why.INCIDENT_CLOSED, **who)
    return [StreamOpened(at=at(1), **who), *between, closed]


ISSUED = GrantIssued(
    at=at(0),
    grant=GRANT,
    request=RequestId("request-1"),
    incident=INCIDENT,
    receiver=CentreId("control"),
    basis=Basis.DEVICE_DUTY,
    kind=AlarmKind.STRAP_CUT,
    place=PLACE,
    radius_m=500,
    cameras_max=16,
    cameras=(CAMERA,),
    conditions=(),
    until=at(1_800),
    policy_sha256=b"\0" * 32,
    by=None,
)
CARD = CameraCard(
    camera=CAMERA,
    pole=PoleId("pole-1"),
    name="made up",
    lat=36.35,
    lon=127.38,
    range_m=50.0,
    azimuth_deg=None,
    view_deg=None,
    ptz=False,
    purpose="made up",
)
GRANTED = VideoGranted(
    at=at(0.5),
    incident=INCIDENT,
    request=RequestId("request-1"),
    grant=GRANT,
    city=CentreId("garam"),
    cameras=(CARD,),
    conditions=(),
    until=at(1_800),
)
ERASED = PersonErased(at=at(900), subject=SubjectId("incident:incident-1"), by=PersonId("officer-1"))
ENDED = GrantEnded(at=at(700), grant=GRANT, incident=INCIDENT, receiver=CentreId("control"), why=Why.INCIDENT_CLOSED)
OVER = VideoEnded(at=at(700), grant=GRANT, incident=INCIDENT, why=Why.INCIDENT_CLOSED)
SEGMENTS = 100


@dataclass
class Country:
    """A city and a control centre that publish into one folder."""

    folder: Path
    given: list[AnyEvent] = field(default_factory=lambda: [ISSUED, *stream("given", SEGMENTS), ENDED, ERASED])
    received: list[AnyEvent] = field(default_factory=lambda: [GRANTED, *stream("received", SEGMENTS), OVER, ERASED])
    seal_grants: bool = True

    @property
    def out(self) -> Path:
        return self.folder / "published"

    def key(self, centre: str) -> VerifierKey:
        return VerifierKey(ledger.origin_of(centre), keys.open_centre(self.folder / centre).log_public)

    def publish_one(self, centre: str, events: Sequence[AnyEvent]) -> None:
        own = keys.open_centre(self.folder / centre)
        store = Memory(events, seal_grants=self.seal_grants)
        audit.publish(store, self.key(centre), own.sign_log, self.out / centre)

    def publish(self) -> "Country":
        self.publish_one("garam", self.given)
        self.publish_one("control", self.received)
        return self

    def verify(self) -> Verdict:
        return audit.verify(self.out)

    def faults(self) -> list[tuple[str, int | None, str]]:
        return [(each.log, each.index, each.what) for each in self.verify().faults]


@pytest.fixture
def country(tmp_path: Path) -> Country:
    return Country(tmp_path)


def test_honest_ledgers_hold(country: Country) -> None:
    country.publish_one("garam", country.given[:50])
    country.publish()
    verdict = country.verify()
    assert verdict.faults == []
    assert (verdict.compared, verdict.matched, verdict.pending) == (True, SEGMENTS, 0)
    assert [log.records for log in verdict.logs] == [len(country.received), len(country.given) - 1]
    assert [log.audited.older for log in verdict.logs] == [0, 1]


def test_a_grant_that_is_not_sealed_is_enough_for_one_log(country: Country) -> None:
    country.seal_grants = False
    country.publish_one("garam", country.given)
    verdict = country.verify()
    assert (verdict.faults, verdict.compared, verdict.unproven_streams) == ([], False, 0)


def test_one_log_alone_says_what_it_cannot_prove(country: Country) -> None:
    country.publish_one("garam", country.given)
    verdict = country.verify()
    assert (verdict.faults, verdict.compared, verdict.unproven_streams) == ([], False, 1)


# --- one byte ------------------------------------------------------------------------------------------------------

KINDS = [
    ("checkpoint", "checkpoint"),
    ("checkpoints/50", "checkpoints/50"),
    ("key.vkey", "key.vkey"),
    ("tile/entries/000", "tile/entries/000"),
    ("tile/entries/001.p/48", "tile/entries/001.p/48"),
    ("tile/0/000", "tile/0/000"),
    ("tile/0/001.p/48", "tile/0/001.p/48"),
    ("tile/1/000.p/1", "tile/1/000.p/1"),
    ("records.jsonl", "records.jsonl line"),
]


@pytest.mark.parametrize(("name", "named"), KINDS)
@pytest.mark.parametrize("part", [0.0, 0.3, 0.5, 0.8, 1.0])
def test_one_flipped_byte_is_found_and_named(country: Country, name: str, named: str, part: float) -> None:
    country.given = [ISSUED, *stream("given", 300), ENDED]
    country.received = [GRANTED, *stream("received", 300), OVER]
    country.publish_one("garam", country.given[:50])
    country.publish()
    assert country.faults() == []
    path = country.out / "garam" / name
    data = bytearray(path.read_bytes())
    where = int(part * (len(data) - 1))
    data[where] ^= 1
    path.write_bytes(data)
    found = country.faults()
    assert any(log == "garam" and named in what for log, _, what in found), found


@pytest.mark.parametrize(("name", "named"), KINDS[:1] + KINDS[2:])
def test_a_missing_file_is_found_and_named(country: Country, name: str, named: str) -> None:
    country.given = [ISSUED, *stream("given", 300), ENDED]
    country.received = [GRANTED, *stream("received", 300), OVER]
    country.publish()
    (country.out / "garam" / name).unlink()
    assert any(log == "garam" and named.removesuffix(" line") in what for log, _, what in country.faults())


def test_the_flipped_leaf_is_named_by_its_index(country: Country) -> None:
    country.publish()
    path = country.out / "garam" / "tile/entries/000.p" / str(len(country.given))
    data = bytearray(path.read_bytes())
    data[35 * 17 + 5] ^= 1
    path.write_bytes(data)
    assert ("garam", 17) in [(log, index) for log, index, _ in country.faults()]


# --- histories rewritten by somebody who holds the log key -----------------------------------------------------------


def rewritten(country: Country, change: Callable[[list[AnyEvent]], None]) -> list[tuple[str, int | None, str]]:
    """The city publishes, an outsider keeps its checkpoints, then the city makes a new history and signs it."""
    country.publish_one("garam", country.given[:50])
    country.publish()
    kept = (country.out / "garam" / "checkpoint").read_bytes()
    older = shutil.copytree(country.out / "garam" / "checkpoints", country.folder / "kept")
    shutil.rmtree(country.out / "garam")
    change(country.given)
    country.publish_one("garam", country.given)
    shutil.copytree(older, country.out / "garam" / "checkpoints")
    size = ledger.read_checkpoint(ledger.read_note(kept).body).size
    (country.out / "garam" / "checkpoints" / str(size)).write_bytes(kept)
    return country.faults()


def test_a_resigned_fork_is_found_by_any_older_checkpoint(country: Country) -> None:
    def change(given: list[AnyEvent]) -> None:
        given[30] = msgspec.structs.replace(given[30], pre_grant=True)
        given.append(ERASED)

    found = rewritten(country, change)
    assert {what.partition(":")[0] for _, _, what in found} == {"checkpoints/50", "checkpoints/105"}


def test_a_resigned_truncation_is_found(country: Country) -> None:
    found = rewritten(country, lambda given: given.__delitem__(slice(60, None)))
    assert any("checkpoints/105 signs 105 entries" in what for _, _, what in found)


def test_the_auditors_own_checkpoint_finds_a_fork_that_hides_all_others(country: Country) -> None:
    country.publish()
    kept = ledger.read_note((country.out / "garam" / "checkpoint").read_bytes())
    shutil.rmtree(country.out / "garam")
    country.publish_one("garam", [*country.given[:-1], ENDED, ERASED])
    assert country.faults() == []
    found = audit.verify(country.out, known=[kept]).faults
    assert [(each.log, each.what.partition(":")[0]) for each in found] == [("garam", "known checkpoint 0")]


def test_another_key_than_the_expected_one_is_found(country: Country, tmp_path: Path) -> None:
    country.publish()
    trusted = [country.key("garam"), country.key("control")]
    assert audit.verify(country.out, trusted=trusted).faults == []
    false = keys.open_centre(tmp_path / "thief")
    shutil.rmtree(country.out / "garam")
    key = VerifierKey("safetynet/garam", false.log_public)
    audit.publish(Memory(country.given), key, false.sign_log, country.out / "garam")
    assert country.faults() == []
    assert [each.log for each in audit.verify(country.out, trusted=trusted).faults] == ["garam"]
    shutil.rmtree(country.out / "garam")
    missing = audit.verify(country.out, trusted=trusted).faults
    assert ("safetynet/garam", None, "this log is expected and not here") in [
        (each.log, each.index, each.what) for each in missing
    ]


# --- openings that are left out ---------------------------------------------------------------------------------


def withhold(country: Country, centre: str, gone: Callable[[int], bool]) -> None:
    """As a publisher would: the tree, the roots and every signature stay as they are."""
    path = country.out / centre / "records.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(each for each in lines if not gone(json.loads(each)["index"])))


@pytest.mark.parametrize(
    ("gone", "first"),
    [
        (lambda index: index == 17, 17),  # one segment
        (lambda index: index == 1, 1),  # the opening of the stream
        (lambda index: index >= 60, 60),  # the rest of the evening, closing and end included
        (lambda index: index < 103, 1),  # the whole stream: its grant is sealed, nothing open speaks of it
        (lambda _: True, 1),
    ],
)
def test_a_withheld_opening_is_found_in_one_log_alone(
    country: Country, gone: Callable[[int], bool], first: int
) -> None:
    country.publish_one("garam", country.given)
    assert country.faults() == []
    withhold(country, "garam", gone)
    found = [(index, what) for _, index, what in country.faults() if "withheld" in what]
    assert [index for index, _ in found] == [first]


def test_two_centres_that_withhold_the_same_stream_are_found(country: Country) -> None:
    """Every pairing of the two logs would agree: both say nothing."""
    country.publish()
    withhold(country, "garam", lambda index: 1 <= index < 103)
    withhold(country, "control", lambda index: 1 <= index < 103)
    assert [(log, index, what) for log, index, what in country.faults() if "withheld" not in what] == []
    assert {(log, index) for log, index, _ in country.faults()} == {("garam", 1), ("control", 1)}


def test_a_mark_cannot_be_changed_afterwards(country: Country) -> None:
    country.publish()
    withhold(country, "garam", lambda index: index == 17)
    (path,) = (country.out / "garam" / "tile/entries").rglob(str(len(country.given)))
    data = bytearray(path.read_bytes())
    data[35 * 17 + 34] = 1
    path.write_bytes(data)
    assert any(log == "garam" and "tile" in what for log, _, what in country.faults())


def test_a_log_from_before_the_marks_still_opens_and_says_what_it_cannot_prove(country: Country) -> None:
    own, store = keys.open_centre(country.folder / "garam"), Memory(country.given)
    store.unmarked = 40
    audit.publish(store, country.key("garam"), own.sign_log, country.out / "garam")
    country.publish_one("control", country.received)
    verdict = country.verify()
    assert verdict.faults == []
    assert sum(log.unmarked for log in verdict.logs) == 40
    withhold(country, "garam", lambda index: index == 50)
    assert ("garam", 50) in [(log, index) for log, index, _ in country.faults()], "marks hold from where they begin"


def test_marks_that_stop_again_are_found(country: Country) -> None:
    own, store = keys.open_centre(country.folder / "garam"), Memory(country.given)
    entries = [*store.leaves()]
    entries[50:60] = [each[:32] for each in entries[50:60]]
    store.leaves = lambda start=0: iter(entries[start:])  # type: ignore[method-assign]
    audit.publish(store, country.key("garam"), own.sign_log, country.out / "garam")
    found = [index for _, index, what in country.faults() if "without a mark" in what]
    assert found == list(range(50, 60))


def test_a_stream_that_is_never_closed_is_found_once_its_grant_is_long_over(country: Country) -> None:
    closing = next(each for each in country.given if isinstance(each, StreamClosed))
    country.given.remove(closing)
    assert isinstance(country.given[-1], PersonErased)
    country.publish()
    assert [what for _, _, what in country.faults()] == ["stream s1 is never closed"]


# --- openings ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda each: {**each, "salt": base64.b64encode(b"\7" * 32).decode()}, "not what its leaf commits to"),
        (lambda each: {**each, "record": base64.b64encode(b"forged").decode()}, "not what its leaf commits to"),
        (lambda each: {**each, "index": each["index"] + 1}, "not what its leaf commits to"),
        (lambda each: {**each, "index": 9_999}, "no such leaf is signed"),
        (lambda each: {**each, "index": 0}, "twice or out of order"),
        (lambda each: {"index": each["index"]}, "missing required field"),
    ],
)
def test_a_false_opening_is_found(country: Country, change: Callable[[dict[str, object]], object], what: str) -> None:
    country.publish()
    path = country.out / "control" / "records.jsonl"
    lines = path.read_text().splitlines()
    lines[5] = json.dumps(change(json.loads(lines[5])))
    path.write_text("\n".join(lines) + "\n")
    assert any(log == "control" and what in said for log, _, said in country.faults())


# --- giving against receiving ----------------------------------------------------------------------------------------


def test_a_segment_that_only_one_side_recorded_is_found(country: Country) -> None:
    """L12: the receiver leaves out one segment and counts as if it had never been."""
    country.received.pop(41)
    country.received[101] = msgspec.structs.replace(country.received[101], segments=SEGMENTS - 1)
    country.publish()
    assert ("garam", 41, "segment 40 of s1 is given here and in no other log") in [
        each for each in country.faults() if "missing before" not in each[2]
    ]
    assert ("control", 41, "segments are missing before 41 of s1") in country.faults()


def test_a_whole_stream_that_was_never_given_is_found(country: Country) -> None:
    country.received[-1:-1] = stream("received", 3, "s9")
    country.publish()
    found = [each for each in country.faults() if "s9" in each[2]]
    assert len(found) == 3
    assert all("is received here and in no other log" in what for _, _, what in found)


OWN = grants.own(GRANT)
"""Under which the city's own people watched what it provided."""


def own(count: int) -> list[AnyEvent]:
    return [*stream("own", count, "s9", grant=OWN), *stream("own_received", count, "s9", grant=OWN)]


def test_what_a_citys_own_people_watched_is_held_against_itself(country: Country) -> None:
    country.given[-2:-2] = own(5)
    assert country.publish().faults() == []
    assert country.verify().matched == SEGMENTS, "it is no provision to anybody"


def test_own_viewing_that_does_not_hold_is_found(country: Country) -> None:
    wrong, late, stranger = own(5), own(5), [*stream("own", 1, "s8"), *stream("own_received", 1, "s8")]
    wrong[8] = msgspec.structs.replace(wrong[8], sha256=b"x" * 32)
    late[3] = msgspec.structs.replace(late[3], at=at(900))
    for events, word in (
        (wrong, "differs at the city's own windows"),
        (late, "after its grant ended"),
        (stranger, "under a grant that is not"),
    ):
        country.given[1 + SEGMENTS + 2 : -2] = events
        found = country.publish().faults()
        assert found, word
        assert all(word in what for _, _, what in found), found
        shutil.rmtree(country.out)


def broke(events: list[AnyEvent], count: int, **last: object) -> list[AnyEvent]:
    """The received stream as it is when the road breaks after `count` segments: the last of them may be a part."""
    kept = [each for each in events if not isinstance(each, Segment) or each.seq <= count]
    for n, each in enumerate(kept):
        if isinstance(each, Segment) and each.seq == count:
            kept[n] = msgspec.structs.replace(each, **last)
        elif isinstance(each, StreamClosed):
            kept[n] = msgspec.structs.replace(each, segments=count, cut=True)
    return kept


PART = {"size_bytes": 1_000, "sha256": b"part" * 8}


def test_what_a_broken_road_swallowed_is_counted_and_is_no_fault(country: Country) -> None:
    country.received[1:-2] = broke(stream("received", SEGMENTS), SEGMENTS - 4, **PART)
    verdict = country.publish().verify()
    assert verdict.faults == []
    assert (verdict.matched, verdict.lost, verdict.pending) == (SEGMENTS - 5, 5, 0)


def test_a_relay_that_died_may_miss_the_last_segment_it_gave(country: Country) -> None:
    country.given[1:-2] = broke(stream("given", SEGMENTS), SEGMENTS - 1)
    assert country.publish().verify().faults == []
    shutil.rmtree(country.out)
    country.given[1:-2] = broke(stream("given", SEGMENTS), SEGMENTS - 40)
    found = country.publish().faults()
    assert found
    assert all("in no other log" in what for _, _, what in found), found


@pytest.mark.parametrize(
    ("received", "word"),
    [
        (broke(stream("received", SEGMENTS), SEGMENTS - 40), "in no other log"),  # beyond any lease
        (broke(stream("received", SEGMENTS), SEGMENTS - 2, size_bytes=90_000, sha256=b"more" * 8), "sha256, size"),
        (broke(stream("received", SEGMENTS), SEGMENTS - 2, **PART, camera=CameraId("garam-8")), "camera"),
    ],
)
def test_a_broken_road_excuses_nothing_else(country: Country, received: list[AnyEvent], word: str) -> None:
    country.received[1:-2] = received
    found = country.publish().faults()
    assert found
    assert any(word in what for _, _, what in found), found


def test_a_part_without_a_broken_road_is_found(country: Country) -> None:
    whole = broke(stream("received", SEGMENTS), SEGMENTS, **PART)
    country.received[1:-2] = [
        msgspec.structs.replace(each, cut=False) if isinstance(each, StreamClosed) else each for each in whole
    ]
    (found,) = country.publish().faults()
    assert "sha256, size" in found[2]


def test_the_newest_segments_may_still_be_on_their_way(country: Country) -> None:
    """60 s: 29 segments of two seconds are younger than that; with 31 the eldest is a fault."""
    for missing, faults in ((29, 0), (31, 1)):
        shutil.rmtree(country.out, ignore_errors=True)
        city = [ISSUED, *stream("given", SEGMENTS)[:-1]]
        centre = [GRANTED, *stream("received", SEGMENTS)[: -1 - missing]]
        country.publish_one("garam", city)
        country.publish_one("control", centre)
        verdict = country.verify()
        assert len(verdict.faults) == faults
        assert verdict.pending == missing - faults


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [("sha256", b"\xee" * 32, "sha256"), ("size_bytes", 1, "size")],
)
def test_segments_that_differ_are_found(country: Country, name: str, value: object, word: str) -> None:
    country.received[11] = msgspec.structs.replace(country.received[11], **{name: value})
    country.publish()
    assert country.faults() == [("garam", 11, f"segment 10 of s1 differs from control 11 in {word}")]


def test_one_centre_cannot_record_both_sides(country: Country) -> None:
    country.given[-1:-1] = stream("given", 2, "s2") + stream("received", 2, "s3")
    country.given[-1:-1] = [segment("received", 1, 3, "s2")]
    country.publish()
    assert any("one centre recorded both sides" in what for _, _, what in country.faults())


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda given: given.insert(11, given[10]), "recorded twice"),
        (lambda given: given.insert(2, given[1]), "opened twice"),
        (lambda given: given.pop(1), "no opening that fits it"),
        (lambda given: given.pop(2), "missing before 2"),
        (lambda given: given.__setitem__(102, msgspec.structs.replace(given[102], segments=99)), "closed after 99"),
    ],
)
def test_a_stream_that_does_not_add_up_is_found(
    country: Country, change: Callable[[list[AnyEvent]], None], what: str
) -> None:
    change(country.given)
    country.publish()
    assert any(log == "garam" and what in said for log, _, said in country.faults())


# --- grants --------------------------------------------------------------------------------------------------------


def test_a_stream_without_a_grant_is_found(country: Country) -> None:
    for side, events in (("given", country.given), ("received", country.received)):
        events[-1:-1] = stream(side, 2, "s2", grant=GrantId("grant-none"))
    country.publish()
    assert country.faults() == [("control", 104, "stream s2 has no grant"), ("garam", 104, "stream s2 has no grant")]


def test_a_camera_that_was_not_granted_is_found(country: Country) -> None:
    for side, events in (("given", country.given), ("received", country.received)):
        events[-1:-1] = stream(side, 2, "s2", camera=CameraId("garam-8"))
    country.publish()
    assert {what for _, _, what in country.faults()} == {"stream s2 shows garam-8, which was not granted"}


def test_a_stream_after_the_end_of_its_grant_is_found(country: Country) -> None:
    late = StreamOpened(at=at(701), side="given", grant=GRANT, camera=CAMERA, stream=StreamId("s2"))
    country.given.append(late)
    country.publish()
    assert country.faults() == [
        ("garam", 105, "stream s2 opened after its grant ended"),
        ("garam", 105, "stream s2 is never closed"),
    ]


def test_a_picture_after_the_lease_is_found(country: Country) -> None:
    """The grant ends at 150 s; the lease and one segment carry the stream to 162 s and no further."""
    ended = msgspec.structs.replace(ENDED, at=at(150))
    country.given[country.given.index(ENDED)] = ended
    country.publish()
    late = [index for log, index, what in country.faults() if log == "garam" and "after its grant ended" in what]
    assert late == list(range(82, SEGMENTS + 2))


# --- as a command, and by tools that we did not write ----------------------------------------------------------------


def command(*given: object) -> tuple[int, str, dict[str, object]]:
    ran = subprocess.run(
        [sys.executable, "-m", "safetynet", "verify", *map(str, given)],
        capture_output=True,
        check=False,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert not ran.stderr
    return ran.returncode, ran.stdout, json.loads(ran.stdout.splitlines()[-1])


def test_the_command_says_it_to_people_and_to_programs(country: Country) -> None:
    country.publish()
    kept = country.folder / "kept"
    shutil.copy(country.out / "garam" / "checkpoint", kept)
    trust = country.folder / "trust"
    trust.write_text(f"{country.key('garam').text}\n{country.key('control').text}\n")
    code, text, summary = command(country.out, "--known", kept, "--trust", trust)
    assert code == 0
    assert summary["ok"] is True
    assert (summary["logs"], summary["records"], summary["matched"], summary["faults"]) == (2, 209, SEGMENTS, [])
    assert "모두 증명되었습니다" in text
    (country.out / "garam" / "checkpoint").write_text("forged")
    code, text, summary = command(country.out)
    assert code == 1
    assert summary["ok"] is False
    assert any(each["log"] == "garam" for each in summary["faults"])  # type: ignore[attr-defined]
    assert "이상 fault: garam" in text


@pytest.mark.parametrize(
    ("change", "said", "unsaid"),
    [
        ({"found": "operator"}, ["사라진 기록 lost: 8", "An operator ran the restore", "erased again", ": 2"], "A partner found it"),
        ({"found": "partner"}, ["A partner found it"], "An operator ran"),
        ({"size_before": 40}, ["Nobody knew of records that are missing"], "lost:"),
        ({"erasures_known": False}, ["the operator vouched for it"], "erased again"),
    ],
)  # fmt: skip
def test_a_restore_is_told_in_words_and_is_no_fault(
    country: Country, change: dict[str, object], said: list[str], unsaid: str
) -> None:
    restored = happened.LogRestored(
        at=Instant(T0), size=40, size_before=48, root_before=b"\7" * 32, epoch_before=1, epoch=2, found="operator",
        erased=2, erasures_known=True,
    )  # fmt: skip
    country.received.append(msgspec.structs.replace(restored, **change))
    country.publish()
    code, text, summary = command(country.out)
    assert (code, summary["faults"]) == (0, [])
    (told,) = summary["restored"]  # type: ignore[misc]
    assert (told["log"], told["index"], told["size"]) == ("control", len(country.received) - 1, 40)
    for words in (*said, "복원 restored: 잎 leaf", "a backup of 40 records", "2026-"):
        assert words in text
    assert unsaid not in text
    assert (b"\7" * 32).hex() in text or "size_before" in change


def test_a_folder_without_logs_proves_nothing(tmp_path: Path) -> None:
    assert command(tmp_path)[2]["ok"] is False
    assert command(tmp_path / "nowhere")[0] == 1


def test_openssl_agrees_about_the_checkpoints_signature(country: Country, tmp_path: Path) -> None:
    """By hand from the published bytes alone: body up to the empty line, signature behind four bytes of key id."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    country.publish()
    text = (country.out / "garam" / "checkpoint").read_bytes()
    body, _, line = text.partition(b"\n\n")
    blob = base64.b64decode(line.split(b" ")[2])[4:]
    public = base64.b64decode((country.out / "garam" / "key.vkey").read_text().split("+", 2)[2])[1:]
    (tmp_path / "key.der").write_bytes(bytes.fromhex("302a300506032b6570032100") + public)
    (tmp_path / "body").write_bytes(body + b"\n")
    (tmp_path / "sig").write_bytes(blob)
    ask = ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER", "-inkey", "key.der", "-in", "body"]
    said = subprocess.run([*ask, "-sigfile", "sig"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout.strip()) == (0, "Signature Verified Successfully")
    (tmp_path / "body").write_bytes(body.replace(b"garam", b"narae") + b"\n")
    assert subprocess.run([*ask, "-sigfile", "sig"], cwd=tmp_path, capture_output=True, check=False).returncode != 0


def test_spicy_torchwood_agrees_about_a_proof(country: Country, tmp_path: Path) -> None:
    if shutil.which("spicy-torchwood") is None:
        pytest.skip("needs spicy-torchwood (Debian package torchwood)")
    country.publish()
    out = country.out / "garam"
    note = ledger.read_note((out / "checkpoint").read_bytes())
    size = ledger.read_checkpoint(note.body).size
    proof = ledger.inclusion(17, size, tiles.Reader(out, size).hash_at)
    (tmp_path / "leaf").write_bytes(list(Memory(country.given).leaves())[17])
    text = ledger.proof_file(17, proof, note).partition(b"\n")[2]
    (tmp_path / "leaf.spicy").write_bytes(text)
    ask = ["spicy-torchwood", "-verify", (out / "key.vkey").read_text().strip(), "leaf"]
    assert subprocess.run(ask, cwd=tmp_path, check=False).returncode == 0
    (tmp_path / "leaf").write_bytes(b"\0" * 32)
    assert subprocess.run(ask, cwd=tmp_path, check=False).returncode != 0
