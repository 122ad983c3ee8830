"""`safetynet import cameras FILE --city NAME`: read the lists of others into a city's folder.

Wiring and words: `edge.lists` reads, `core.lists` judges, finds each camera again and says what has changed,
`edge.registry` keeps. What was not taken in waits in `D/import/quarantine.csv` with its reason and, where one is
known, a repair; `--accept` takes a kind of repair in.
"""

import argparse
import csv
import hashlib
import io
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from safetynet.app import offices, orders, roads
from safetynet.core.cameras import Camera
from safetynet.core.lists import directions, editions, sieve
from safetynet.core.lists.bounds import Bounds
from safetynet.core.lists.editions import Change, Changes, Edition, Optics
from safetynet.core.lists.sieve import Heap, Ints, Sifted
from safetynet.core.lists.words import SETTLED, Problem, Quarantined
from safetynet.core.terms import CameraId, CentreId
from safetynet.edge import clock, files, registry
from safetynet.edge.lists import layouts, outlines, reading

CITY: Final = re.compile(r"[\w-]{1,40}")
REPORT_FOLDER: Final = "import"
GONE_SHARE_MAX: Final = 0.5
"""A list that takes away more of a city's cameras than this is, more likely, the wrong list."""
HASH_BYTES: Final = 1 << 20

_SAID: Final[dict[Problem, str]] = {
    Problem.TORN: "줄이 깨짐 · another number of columns than the header",
    Problem.OTHER_OWNER: "다른 기관 · belongs to another owner",
    Problem.DUPLICATE: "중복 · listed twice",
    Problem.NO_COORDINATES: "좌표 없음 · no coordinates",
    Problem.NOT_A_NUMBER: "숫자가 아님 · coordinates are no decimal number",
    Problem.ZERO: "0,0 · coordinates are 0,0",
    Problem.SWAPPED: "위도·경도 뒤바뀜 · latitude and longitude swapped",
    Problem.OUTSIDE_KOREA: "국외 · outside Korea",
    Problem.PLACEHOLDER: "임시 좌표 · filled in for want of better",
    Problem.DEGREES_MINUTES_SECONDS: "도분초 표기 · degrees, minutes, seconds written as decimals",
    Problem.SEA: "바다 · in the sea",
    Problem.OUTSIDE_BOUNDARY: "관할 경계 밖 · outside the owner's boundary",
    Problem.FAR_FROM_OWNER: "관할에서 먼 곳 · far from the owner's other sites",
    Problem.COUNT_NOT_PLAUSIBLE: "대수 오류 · number of cameras not plausible",
    Problem.OUTDATED: "이전 자료 · listed again at a later date",
}


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """What came of a list, before anything is written."""

    told: reading.Told
    sifted: Sifted
    rows: Ints
    edition: Edition
    changes: Changes
    first: bool
    """Nothing was there before."""
    known: Mapping[CameraId, Optics]
    without_boundary: tuple[str, ...]

    def cameras(self, city: CentreId, range_m: float) -> Iterator[tuple[Camera, str, int]]:
        return editions.cameras_of(city, self.sifted, self.rows, self.edition, range_m=range_m, known=self.known)


def _arguments(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="safetynet import", description="Read lists of others.")
    what = parser.add_subparsers(dest="what", required=True)
    for each in (*offices.KINDS, *orders.KINDS, "roads"):
        what.add_parser(each, help=f"see `safetynet import {each} --help`", add_help=False)
    cameras = what.add_parser("cameras", help="전국CCTV표준데이터 and others: CSV, XLSX or JSON")
    cameras.add_argument("file", type=Path, metavar="FILE")
    cameras.add_argument("--city", required=True, metavar="NAME", help="id of the smart city centre")
    cameras.add_argument("--dir", type=Path, metavar="D", help="the city's folder (default data/NAME)")
    cameras.add_argument("--owner", metavar="TEXT", help="only rows whose 관리기관명 holds this text")
    cameras.add_argument("--mapping", type=Path, metavar="FILE", help="TOML or JSON: which column means what")
    cameras.add_argument("--boundary", type=Path, metavar="FILE", help="GeoJSON, TopoJSON or SHP of the owners' areas")
    cameras.add_argument("--area", metavar="NAME", help="of the boundary file: the one area of all owners")
    cameras.add_argument("--accept", default="", metavar="PROBLEM,...", help="do the repairs proposed for these")
    cameras.add_argument("--range-m", type=float, default=registry.RANGE_M_ASSUMED, metavar="M")
    cameras.add_argument("--replace", action="store_true", help="also when more than half of the cameras would go")
    cameras.add_argument("--dry-run", action="store_true", help="read, judge and compare, change nothing")
    cameras.add_argument("--report", type=Path, metavar="FOLDER", help="for quarantine.csv and changes.csv (D/import)")
    return parser.parse_args(given)


def _accepted(text: str) -> frozenset[Problem]:
    """Raises ValueError for a word that is no problem."""
    return frozenset(Problem(each.strip()) for each in text.split(",") if each.strip())


def take_in(
    file: Path,
    city: CentreId,
    folder: Path,
    *,
    owner: str | None = None,
    mapping: layouts.Mapped | None = None,
    bounds: Bounds | None = None,
    accept: frozenset[Problem] = frozenset(),
    progress: reading.Progress = lambda _: None,
) -> Taken:
    """Read and judge a list against what the city's folder holds. Writes nothing."""
    before = registry.read_edition(folder)
    earlier, earlier_range_m = before or (editions.NONE_BEFORE, registry.RANGE_M_ASSUMED)
    known = registry.read_measured(folder, earlier_range_m) if before else {}
    heap = Heap(owner=owner)
    told, chunks = reading.open_list(file, mapping, progress)
    for chunk in chunks:
        heap.take(chunk)
    sifted = sieve.sift(heap, areas=bounds, accept=accept)
    sites, rows = editions.sites_of(sifted)
    edition, changes = editions.follow(city, sites, earlier)
    return Taken(
        told=told,
        sifted=sifted,
        rows=rows,
        edition=edition,
        changes=changes,
        first=before is None,
        known=known,
        without_boundary=tuple(bounds.unknown) if bounds else (),
    )


def _sha256(file: Path) -> bytes:
    digest = hashlib.sha256()
    with file.open("rb") as raw:
        while block := raw.read(HASH_BYTES):
            digest.update(block)
    return digest.digest()


# --- what is written -----------------------------------------------------------------------------------------------


def write(taken: Taken, city: CentreId, folder: Path, *, list_sha256: bytes, range_m: float) -> None:
    """Cameras first: they are the truth; the edition only helps the next import."""
    each = ((camera, view) for camera, view, _ in taken.cameras(city, range_m))
    registry.write_each(folder, city, each)
    registry.write_edition(folder, taken.edition, at=clock.now(), list_sha256=list_sha256, range_m=range_m)
    streams = taken.sifted.heap.streams
    if streams:
        _write_sources(folder, {id: streams[row] for id, row in _ids(taken) if streams[row]}, taken.changes.gone)


def _ids(taken: Taken) -> Iterator[tuple[CameraId, int]]:
    for lens, row in enumerate(taken.rows[taken.edition.site].tolist()):
        yield taken.edition.id(lens), row


def _write_sources(folder: Path, found: dict[CameraId, str], gone: Iterable[CameraId]) -> None:
    """Addresses of a VMS's list, beside those that others have entered; those of cameras that are gone go."""
    try:
        sources = registry.read_sources(folder)
    except FileNotFoundError:
        sources = {}
    for each in gone:
        sources.pop(each, None)
    registry.write_sources(folder, sources | found)


def _cell(text: str) -> str:
    """A spreadsheet takes a text that begins like a formula for one."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t") and not _is_number(text) else text


def _is_number(text: str) -> bool:
    return sieve.plain_number(text) is not None


def _csv(header: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[bytes]:
    """UTF-8 with its mark, as spreadsheets want it."""
    yield b"\xef\xbb\xbf"
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(header)
    for row in rows:
        writer.writerow([_cell(each) for each in row])
        if out.tell() > HASH_BYTES:
            yield out.getvalue().encode()
            out.seek(0)
            out.truncate()
    yield out.getvalue().encode()


def _quarantine_row(each: Quarantined) -> tuple[str, ...]:
    lat, lon = (f"{each.repaired[0]:.7f}", f"{each.repaired[1]:.7f}") if each.repaired else ("", "")
    repair = each.repair.value if each.repair else ""
    return (
        str(each.row), each.problem.value, each.number, each.owner, each.address, each.lat, each.lon, repair, lat, lon,
    )  # fmt: skip


def _change_rows(taken: Taken, city: CentreId, range_m: float) -> Iterator[tuple[str, ...]]:
    what = taken.changes.what[taken.edition.site]
    for lens, (camera, _, row) in enumerate(taken.cameras(city, range_m)):
        if taken.changes.new_lens[lens]:
            kind, fields = "added", ""
        elif what[lens]:
            names = (change.name or "" for change in Change if change.value & what[lens])
            kind, fields = "changed", " ".join(names).casefold()
        else:
            continue
        number = taken.sifted.heap.numbers[row]
        yield camera.id, kind, fields, number, camera.name, f"{camera.lat:.7f}", f"{camera.lon:.7f}"
    for each in taken.changes.gone:
        yield each, "gone", "", "", "", "", ""


def report(taken: Taken, city: CentreId, folder: Path, range_m: float) -> None:
    """The report for spreadsheets. Of a first list all cameras are new: `changes.csv` is then not written."""
    header = ("row", "problem", "number", "owner", "address", "lat", "lon", "repair", "repaired_lat", "repaired_lon")
    rows = map(_quarantine_row, taken.sifted.quarantined())
    files.write(folder / "quarantine.csv", _csv(header, rows))
    if not taken.first:
        columns = ("camera", "change", "what", "number", "name", "lat", "lon")
        files.write(folder / "changes.csv", _csv(columns, _change_rows(taken, city, range_m)))


# --- what is said --------------------------------------------------------------------------------------------------


def _show(taken: Taken, figures: Mapping[str, object], city: str) -> None:
    problems, proposals = taken.sifted.problems(), taken.sifted.proposals()
    table = Table(title=f"{city}: {figures['cameras']} cameras on {figures['poles']} poles")
    table.add_column("rows left out")
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("repairs", justify="right", no_wrap=True)
    for problem, count in sorted(problems.items(), key=lambda item: -item[1]):
        table.add_row(_SAID[problem], str(count), str(proposals.get(problem, "")))
    table.add_section()
    diff = taken.changes.counted(taken.edition)
    for said, shown in (
        ("rows read", figures["rows"]),
        ("sites kept", figures["sites"]),
        ("of them repaired", figures["repaired"]),
        ("texts rid of a network address", figures["texts_redacted"]),
        ("directions known", figures["directions"]),
        *((f"cameras {name}", count) for name, count in diff.items()),
    ):
        table.add_row(said, str(shown))
    Console().print(table)
    for each in taken.without_boundary:
        print(f"no boundary of its own in the file: {each}", file=sys.stderr)


def figures(taken: Taken, city: CentreId) -> dict[str, object]:
    heap, sifted, edition = taken.sifted.heap, taken.sifted, taken.edition
    problems = sifted.problems()
    views = heap.views.all()
    speaking = {k for k, text in enumerate(heap.views.texts) if directions.read(text).azimuths_deg}
    spoken = sum(int(views[row]) in speaking for row in sifted.kept.tolist()) if speaking else 0
    return {
        "city": city,
        "form": taken.told.form,
        "encoding": taken.told.encoding,
        "rows": heap.rows_read,
        "sites": len(sifted.kept),
        "poles": len(set(edition.stands.tolist())),
        "cameras": len(edition.site),
        "skipped": {each.value: problems[each] for each in sorted(problems, key=lambda each: each.value)},
        "quarantined": sum(count for each, count in problems.items() if each not in SETTLED),
        "proposals": {each.value: count for each, count in sifted.proposals().items()},
        "repaired": sifted.accepted,
        "directions": spoken,
        "texts_redacted": heap.redacted,
        "diff": taken.changes.counted(edition),
    }


def _too_much_gone(taken: Taken) -> bool:
    before = len(taken.changes.gone) + int((~taken.changes.new_lens).sum())
    return before > 0 and len(taken.changes.gone) > GONE_SHARE_MAX * before


def _with_bar(said: argparse.Namespace, folder: Path, accept: frozenset[Problem]) -> Taken:
    mapping = layouts.read_mapping(said.mapping) if said.mapping else None
    bounds = outlines.read(said.boundary, said.area) if said.boundary else None
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(said.file.name, total=1.0)
        return take_in(
            said.file,
            CentreId(said.city),
            folder,
            owner=said.owner,
            mapping=mapping,
            bounds=bounds,
            accept=accept,
            progress=lambda share: bar.update(task, completed=share),
        )


def _refused_arguments(said: argparse.Namespace) -> str | None:
    if not CITY.fullmatch(said.city):
        return f"--city: not an id: {said.city!r}"
    if not 0 < said.range_m <= 2_000:
        return "--range-m: 1 to 2000"
    try:
        _accepted(said.accept)
    except ValueError:
        return f"--accept: words of {', '.join(each.value for each in Problem)}"
    return "--area: says nothing without --boundary" if said.area and not said.boundary else None


def main(given: list[str] | None = None) -> int:
    """Exit 0 and one JSON object as the last line; 1 when the file or the folder cannot be used, with the reason."""
    asked = sys.argv[1:] if given is None else given
    if asked and asked[0] in offices.KINDS:
        return offices.main(asked)
    if asked and asked[0] in orders.KINDS:
        return orders.main(asked)
    if asked and asked[0] == "roads":
        return roads.main(asked[1:])
    said = _arguments(given)
    refused = _refused_arguments(said)
    if refused:
        print(refused, file=sys.stderr)
        return 2
    city, folder = CentreId(said.city), said.dir or Path("data") / said.city
    written = False
    try:
        taken = _with_bar(said, folder, _accepted(said.accept))
        none_left = not len(taken.edition.site)
        if none_left:
            print(f"{said.file}: not one camera could be taken in; nothing written", file=sys.stderr)
        elif _too_much_gone(taken) and not (said.replace or said.dry_run):
            gone = len(taken.changes.gone)
            print(f"{said.file}: {gone} cameras would go, more than half; --replace does it", file=sys.stderr)
            return 1
        if said.report or not (said.dry_run or none_left):
            report(taken, city, said.report or folder / REPORT_FOLDER, said.range_m)
        if not (said.dry_run or none_left):
            write(taken, city, folder, list_sha256=_sha256(said.file), range_m=said.range_m)
            written = True
    except (OSError, layouts.UnreadableError, registry.RegistryInvalidError) as unusable:
        print(f"{said.file}: {unusable}", file=sys.stderr)
        return 1
    shown = figures(taken, city) | {"written": written}
    _show(taken, shown, city)
    print(msgspec.json.encode(shown).decode())
    return 1 if none_left else 0


if __name__ == "__main__":
    raise SystemExit(main())
