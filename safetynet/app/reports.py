"""The report of a closed incident: what happened, on what law, who looked, and how anyone can check it.

`safetynet report --dir D INCIDENT --out FILE.pdf` makes it while the centre's program is not running; the page's
button while it is. Both write down first who made it and for what, and its hash.

A report names the wearer, who led, and who looked. Everybody else is a unit or an organisation.
"""

import argparse
import asyncio
import base64
import getpass
import hashlib
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from safetynet.app.archive import Archive, Names, Opened, ticks
from safetynet.app.people import opened as opened_people
from safetynet.app.people import units
from safetynet.app.views import KOREA
from safetynet.core import archives, law, ledger
from safetynet.core.archives import Reader
from safetynet.core.events import ClosedIncidentOpened, ReportMade, ViewingNoticeDue
from safetynet.core.geo import Plane
from safetynet.core.ledger import Checkpoint, VerifierKey
from safetynet.core.terms import SECOND_MS, IncidentId, Instant, PersonId, Purpose, Why
from safetynet.edge import clock, config, export, files, keys, texts
from safetynet.edge.export import Camera, Document, Facts, Section, Sketch, Table, Xy
from safetynet.edge.journal import Journal
from safetynet.edge.store import Store

HALF_M_MIN: Final = 130.0
HALF_M_MAX: Final = 3_000.0
"""A sketch shows no more than 6 km: beyond it nothing could be read."""
SCALES_M: Final = (50, 100, 200, 500, 1_000)
QUIET: Final = frozenset({"position_followed", "cameras_changed", "cameras_proposed", "alarm_repeated"})
"""Many in a minute: between two other events those that say the same are one line of the timeline."""
DONE: Final = frozenset({
    "alarm_raised", "alarm_acknowledged", "alarm_escalated", "alarm_surfaced", "alarm_shelved", "alarm_unshelved",
    "incident_claimed", "incident_taken_over", "incident_handed_over", "incident_reassigned",
    "video_requested", "video_granted", "video_refused", "video_refused_here", "video_ended", "dispatch_ordered",
    "unit_reported", "police_notified", "police_notice_answered", "answer_overdue", "wearer_called", "sighting_reported",
    "sighting_marked", "field_marked", "photo_taken", "backup_answered", "field_told", "protected_warned", "protected_answered",
    "incident_closed",
})  # fmt: skip
"""What people did and what rang: the front of a report. All the rest is in its annex."""
CIRCLES_MAX: Final = 12
MAP_BYTES_MAX: Final = 64 * 1024 * 1024

Say = Callable[..., str]


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """Who makes a report of what, and what the ledger's key is called."""

    incident: IncidentId
    purpose: Purpose
    permit: str
    by_name: str
    centre_name: str
    at: Instant
    note: str
    """The signed checkpoint at that moment."""
    key: str
    korean: bool = True


def compose(
    opened: Opened, names: Names, made: Made, roads: Sequence[tuple[float, tuple[tuple[float, float], ...]]]
) -> Document:
    """`roads` are (width in metres, points (lat, lon))."""

    def say(key: str, **values: object) -> str:
        return texts.text(key, korean=made.korean, **values)

    under = say(
        "report.under",
        incident=made.incident,
        at=_when(made.at),
        name=made.by_name,
        purpose=say(f"Purpose.{made.purpose.value}"),
    )
    if made.permit:
        under += " · " + say("report.permit", permit=made.permit)
    rows = _timeline(opened, names, say)
    return Document(
        title=say("report.title"),
        under=under,
        foot=say("report.foot", incident=made.incident, centre=made.centre_name),
        made_at=made.at,
        language="ko" if made.korean else "en",
        cut=say("report.cut", n=export.ROWS_MAX),
        sections=(
            Section(title=say("report.facts"), parts=(_facts(opened, names, say),)),
            Section(title=say("report.done"), parts=(_done(rows, say),)),
            Section(title=say("report.law"), parts=_law(opened, names, say, korean=made.korean)),
            Section(title=say("report.map"), parts=_map(opened, roads, say)),
            Section(title=say("report.viewings"), parts=(say("report.nothing_kept"), _viewings(opened, names, say))),
            Section(title=say("report.readings"), parts=(_readings(opened, names, say),)),
            Section(title=say("report.timeline"), parts=(_timetable(rows, say),)),
            Section(title=say("report.ledger"), parts=_proofs(opened, made, rows, say)),
        ),
    )


def _when(at: Instant | None) -> str:
    return "–" if at is None else f"{datetime.fromtimestamp(at / SECOND_MS, KOREA):%Y-%m-%d %H:%M:%S}"


def _span(ms: int, say: Say) -> str:
    s = max(0, ms // SECOND_MS)
    if s < 60:
        return say("span.seconds", s=s)
    return say("span.minutes", m=s // 60, s=s % 60) if s < 3_600 else say("span.hours", h=s // 3_600, m=s % 3_600 // 60)


def _facts(opened: Opened, names: Names, say: Say) -> Facts:
    row, who = opened.row, opened.who
    lines: list[tuple[str, str]] = [(say("report.incident"), row.incident)]
    if row.kind is not None and row.priority is not None:
        lines.append(
            (say("report.kind"), f"{say(f'AlarmKind.{row.kind.value}')} ({say(f'Priority.{int(row.priority)}')})")
        )
    if who is not None:
        lines.append((say("report.wearer"), f"{who.name} · {who.case_no}"))
        lines.append((say("report.office"), who.office))
    else:
        lines.append((say("report.wearer"), opened.case_no or say("archive.erased")))
    lines.append((say("report.began"), _when(row.opened_at)))
    if row.closed_at is not None:
        lines.append((say("report.ended"), f"{_when(row.closed_at)} ({_span(row.closed_at - row.opened_at, say)})"))
    if row.code is not None:
        lines.append((say("report.code"), say(f"Disposition.{row.code.value}")))
    led = ", ".join(sorted(str(names.of(each, names.people)) for each in row.led_by))
    lines.append((say("report.led"), led or "–"))
    due = [each.event.due_at for each in opened.story.told if isinstance(each.event, ViewingNoticeDue)]
    if due:
        lines.append((say("report.duty"), say("report.notice", day=_when(max(due))[:10])))
    if opened.story.erased:
        lines.append((say("report.gone"), say("archive.gone", n=opened.story.erased)))
    return Facts(lines=tuple(lines))


def _law(opened: Opened, names: Names, say: Say, *, korean: bool) -> tuple[Table | str, ...]:
    found = opened.law
    if found is None:
        head = say("archive.erased")
    else:
        article = found.article_ko if korean else found.article_en
        head = article if isinstance(found, law.Rule) else f"{article} – {say(f'Why.{found.why.value}')}"
    rows = tuple(
        (
            str(names.of(each.city, names.centres)),
            say(f"Basis.{each.basis.value}") if each.basis else "–",
            f"{names.of(each.asked_by, names.people) or '–'}\n{_when(each.asked_at)}",
            _when(each.granted_at),
            f"{_when(each.ended_at)}\n{say(f'Why.{each.why.value}') if each.why else ''}".strip(),
            ", ".join(say(f"Condition.{word}") for word in each.conditions),
        )
        for each in opened.story.provisions
    )
    heads = tuple(say(f"report.{word}") for word in ("city", "basis", "asked", "granted", "ended_at", "conditions"))
    return head, Table(head=heads, widths=(12, 26, 22, 20, 26, 26), rows=rows, empty=say("report.no_provision"))


# --- the map -------------------------------------------------------------------------------------------------------


def _map(
    opened: Opened, roads: Sequence[tuple[float, tuple[tuple[float, float], ...]]], say: Say
) -> tuple[Sketch | str, ...]:
    said = say(f"archive.positions.{opened.positions}")
    places = opened.track or opened.story.places
    if not places:
        return (said,)
    lat = (min(each.lat for each in places) + max(each.lat for each in places)) / 2
    lon = (min(each.lon for each in places) + max(each.lon for each in places)) / 2
    plane = Plane(lat, lon)

    def at(lat: float, lon: float) -> Xy:
        x, y = plane.to_xy(lat, lon)
        return float(x), float(y)

    way = tuple(at(each.lat, each.lon) for each in places)
    reach = max(max(abs(x) / 1.6, abs(y)) for x, y in way)
    half_m = min(HALF_M_MAX, max(HALF_M_MIN, reach * 1.35))
    step = max(1, len(places) // CIRCLES_MAX)
    first, last = places[0], places[-1]
    marks = [(way[0], f"{_when(first.observed_at)[11:]}")]
    if len(way) > 1:
        marks.append((way[-1], f"{_when(last.observed_at)[11:]}"))
    sketch = Sketch(
        half_m=half_m,
        roads=tuple((width, tuple(at(*each) for each in line)) for width, line in roads),
        track=way,
        marks=tuple(marks),
        circles=tuple((way[n], places[n].radius_m) for n in range(0, len(places), step)),
        cameras=_cameras(opened, at),
        scale_m=max((each for each in SCALES_M if each <= half_m / 2), default=SCALES_M[0]),
        legend=say("report.legend"),
    )
    return (sketch,) if opened.positions == "kept" else (sketch, said)


def _cameras(opened: Opened, at: Callable[[float, float], Xy]) -> tuple[Camera, ...]:
    """Each lens once, as provided if it ever was."""
    shown: dict[tuple[str, str], Camera] = {}
    for sight in sorted(opened.story.sights, key=lambda each: each.grant is None, reverse=True):
        card = sight.card
        shown[sight.city, card.camera] = Camera(
            at=at(card.lat, card.lon),
            azimuth_deg=card.azimuth_deg,
            view_deg=card.view_deg,
            range_m=card.range_m,
            label=card.name,
            granted=sight.grant is not None,
        )
    return tuple(shown.values())


def read_roads(path: Path) -> list[tuple[float, tuple[tuple[float, float], ...]]]:
    """The streets of a centre's base map (GeoJSON, `layer` = road), or nothing where it has none."""
    if not path.is_file() or path.stat().st_size > MAP_BYTES_MAX:
        return []
    found: list[tuple[float, tuple[tuple[float, float], ...]]] = []
    for feature in msgspec.json.decode(path.read_bytes(), type=_Ground).features:
        if feature.properties.layer == "road" and feature.geometry.type == "LineString":
            line = msgspec.json.decode(feature.geometry.coordinates, type=tuple[tuple[float, float], ...])
            found.append((feature.properties.width_m, tuple((lat, lon) for lon, lat in line)))
    return found


class _Shape(msgspec.Struct):
    type: str
    coordinates: msgspec.Raw


class _Said(msgspec.Struct):
    layer: str = ""
    width_m: float = 6.0


class _Feature(msgspec.Struct):
    properties: _Said
    geometry: _Shape


class _Ground(msgspec.Struct):
    features: list[_Feature]


# --- tables --------------------------------------------------------------------------------------------------------


class _Line(msgspec.Struct, frozen=True):
    at: Instant | None
    what: str
    by: str
    first: int
    last: int
    tag: str
    count: int = 1
    until: Instant | None = None
    """When the last of a run was."""


def _timeline(opened: Opened, names: Names, say: Say) -> tuple[_Line, ...]:
    """Quiet events that say the same, between two others, are one line."""
    lines: list[_Line] = []
    run: dict[str, int] = {}
    for tick in ticks(opened.story, names):
        what, serial, at = tick["what"], tick["serial"], tick["at"]
        assert isinstance(serial, int)
        tag = str(what) if what else ""
        with_ = tick["with"]
        assert isinstance(with_, Mapping)
        said = " · ".join([say(f"event.{tag}") if tag else say("archive.erased"), *_details(tag, with_, say)])
        when = Instant(at) if isinstance(at, int) else None
        if tag not in QUIET:
            run = {}
        elif (known := run.get(said)) is not None:
            line = lines[known]
            lines[known] = msgspec.structs.replace(line, last=serial, count=line.count + 1, until=when)
            continue
        else:
            run[said] = len(lines)
        lines.append(_Line(when, said, str(tick["by_name"] or ""), serial, serial, tag))
    return tuple(lines)


ENUM_OF: Final[Mapping[str, str]] = {
    "kind": "AlarmKind",
    "why": "Why",
    "code": "Disposition",
    "outcome": "CallOutcome",
    "certainty": "Certainty",
    "sight": "Sight",
    "heading": "Heading",
    "travel": "Travel",
    "standing": "Standing",
    "answer": "WarningAnswer",
    "purpose": "Purpose",
    "mark": "FieldMark",
    "unable": "Unable",
    "reason": "Reassign",
    "shelved": "ShelveReason",
    "surfaced": "Surfacing",
    "suppression": "Suppression",
    "change": "Change",
}
"""As `DETAILS` of console/sheet.js."""


def _details(tag: str, more: Mapping[str, object], say: Say) -> list[str]:
    said: list[str] = []
    for name, value in more.items():
        if name in ENUM_OF:
            said.append(say(f"{ENUM_OF[name]}.{value}"))
        elif name == "state":
            said.append(say(f"{'NoticeState' if tag == 'police_notice_answered' else 'UnitState'}.{value}"))
        elif name == "cameras":
            said.append(say("record.cameras", n=value))
        else:
            said.append(str(value))
    return said


def _timetable(lines: Sequence[_Line], say: Say) -> Table:
    rows = tuple((_times(each), _counted(each), each.by, _index(each)) for each in lines)
    heads = tuple(say(f"report.{word}") for word in ("at", "what", "by", "leaf"))
    return Table(head=heads, widths=(30, 76, 22, 18), rows=rows, empty="–")


def _done(lines: Sequence[_Line], say: Say) -> Table:
    """On one page: what rang, who did what about it, how it ended."""
    rows = tuple((_when(each.at), each.what, each.by) for each in lines if each.tag in DONE)
    heads = tuple(say(f"report.{word}") for word in ("at", "what", "by"))
    return Table(head=heads, widths=(32, 90, 24), rows=rows, empty="–")


def _times(line: _Line) -> str:
    return _when(line.at) if line.until is None else f"{_when(line.at)} – {_when(line.until)[11:]}"


def _counted(line: _Line) -> str:
    return line.what if line.count == 1 else f"{line.what} ×{line.count}"


def _index(line: _Line) -> str:
    """Leaf indices count from 0, serials from 1."""
    return f"{line.first - 1}" if line.count == 1 else f"{line.first - 1} … {line.last - 1} ({line.count})"


def _viewings(opened: Opened, names: Names, say: Say) -> Table:
    cards = {(each.grant, each.card.camera): each.card.name for each in opened.story.sights if each.grant}
    rows = tuple(
        (
            str(names.of(each.by, names.people) or say("report.unknown")),
            cards.get((each.grant, each.camera), each.camera),
            _when(each.since),
            _when(each.until),
            _span(each.until - each.since, say) if each.until else "–",
            say(f"Why.{each.why.value}") if each.why else "–",
        )
        for each in opened.story.viewings
    )
    heads = tuple(say(f"report.{word}") for word in ("by", "camera", "since", "until", "lasted", "why"))
    return Table(head=heads, widths=(16, 26, 30, 30, 16, 28), rows=rows, empty=say("report.no_viewing"))


def _readings(opened: Opened, names: Names, say: Say) -> Table:
    rows = tuple(
        (
            _when(each.at),
            say(f"event.{type(each).__struct_config__.tag}"),
            str(names.of(each.by, names.people)),
            say(f"Purpose.{each.purpose.value}") + (f" · {each.permit}" if each.permit else ""),
            each.sha256.hex()[:16] if isinstance(each, ReportMade) else "",
        )
        for each in opened.story.readings
    )
    heads = tuple(say(f"report.{word}") for word in ("at", "what", "by", "purpose", "sha256"))
    return Table(head=heads, widths=(30, 30, 20, 44, 26), rows=rows, empty="–")


def _proofs(opened: Opened, made: Made, lines: Sequence[_Line], say: Say) -> tuple[Facts | Table | str, ...]:
    shown = {number for each in lines for number in (each.first, each.last)}
    rows = tuple((str(each.serial - 1), each.leaf.hex()) for each in opened.story.told if each.serial in shown)
    facts = Facts(
        lines=(
            (say("report.size"), str(opened.size)),
            (say("report.root"), base64.b64encode(opened.root).decode()),
            (say("report.key"), made.key),
            (say("report.note"), made.note.strip()),
        )
    )
    heads = (say("report.leaf"), say("report.entry"))
    return say("report.how"), facts, Table(head=heads, widths=(14, 132), rows=rows, empty="–", small=True)


# --- making one ----------------------------------------------------------------------------------------------------


def signed(opened: Opened, centre: str, own: keys.CentreKeys, store: Store) -> tuple[str, str]:
    """The checkpoint over the ledger as it was when the incident was opened, kept in the store; and its key."""
    key = VerifierKey(ledger.origin_of(centre), own.log_public)
    body = Checkpoint(key.name, opened.size, opened.root).body
    note = ledger.signed_note(body, key, own.sign_log(body))
    store.set_checkpoint(opened.size, note.text)
    return note.text.decode(), key.text


def left_the_house(opened: Opened, made: Made, by: PersonId, sha256: bytes) -> ReportMade:
    return ReportMade(
        at=made.at,
        incident=made.incident,
        wearer=opened.row.wearer,
        by=by,
        purpose=made.purpose,
        sha256=sha256,
        permit=made.permit,
    )


def names_of(store: Store, centre: config.Centre, folder: Path) -> Names:
    return Names(
        people={each.person: each.name for each in store.accounts()},
        centres={each.id: each.name for each in centre.peers},
        units={each.unit: each.name for each in units(folder)},
    )


def report_main() -> int:
    ask = argparse.ArgumentParser(prog="safetynet report", description="a closed incident as a PDF")
    ask.add_argument("--dir", type=Path, required=True, help="the control centre's folder; its program must not run")
    ask.add_argument("incident", metavar="INCIDENT")
    ask.add_argument("--out", type=Path, required=True, metavar="FILE.pdf")
    words = sorted(each.value for each in Purpose)
    ask.add_argument(
        "--purpose", choices=words, default=Purpose.GUIDANCE.value, help="what for; recorded (default: %(default)s)"
    )
    ask.add_argument("--permit", default="", help="the court's file number, for the purpose `court`")
    ask.add_argument("--language", choices=("ko", "en"), default="ko")
    given = ask.parse_args()
    try:
        made = asyncio.run(_report(given))
    except BlockingIOError:
        print("the centre's program is running: make the report on its page", file=sys.stderr)
        return 2
    if isinstance(made, Why):
        print(texts.text(f"Why.{made.value}", korean=given.language == "ko"), file=sys.stderr)
        return 1
    print(msgspec.json.encode(made).decode())
    return 0


async def _report(given: argparse.Namespace) -> Why | dict[str, object]:
    folder: Path = given.dir
    centre, own = config.read(folder), keys.open_centre(folder)
    store = Store.open(folder / "log.db", centre=centre.id, keys=own.persons, sign=own.sign, salt=keys.salt)
    try:
        with Journal(folder / "journal", store.person_keys) as journal:
            archive = Archive(store, journal, opened_people(store))
            incident, purpose = IncidentId(given.incident), Purpose(given.purpose)
            by = PersonId(f"local:{getpass.getuser()}")
            row = archive.row(incident)
            no = archives.refusal(row, Reader(person=by, supervisor=True), purpose, given.permit)
            if no is not None or row is None:
                return no or Why.NO_SUCH_INCIDENT
            reading = ClosedIncidentOpened(
                at=clock.now(), incident=incident, wearer=row.wearer, by=by, purpose=purpose, permit=given.permit
            )
            store.commit([reading])
            opened = await archive.open(incident, purpose)
            note, key = signed(opened, centre.id, own, store)
            made = Made(
                incident=incident, purpose=purpose, permit=given.permit, by_name=by, centre_name=centre.name,
                at=clock.now(), note=note, key=key, korean=given.language == "ko",
            )  # fmt: skip
            roads = read_roads(folder / "map" / "base.geojson")
            body = export.pdf(compose(opened, names_of(store, centre, folder), made, roads))
            digest = hashlib.sha256(body).digest()
            store.commit([left_the_house(opened, made, by, digest)])
            files.write(given.out, body, mode=0o600)
    finally:
        store.close()
    return {"report": str(given.out), "incident": incident, "bytes": len(body), "sha256": digest.hex()}
