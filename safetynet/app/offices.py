"""`safetynet import areas|offices|codes FILE --dir D` and `safetynet where LAT LON --dir D`.

A centre's table of jurisdictions is made here from files of others, and shown. What is taken in also gives each
partner city its outline in `centre.json`, where its office says which partner it is.
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console
from rich.table import Table as Sheet

from safetynet.core import areas, codes, jurisdictions
from safetynet.core.areas import Area, Areas, System
from safetynet.core.jurisdictions import Answer, Finding, Kind, Office, Table
from safetynet.core.terms import CentreId
from safetynet.edge import boundaries, config, files
from safetynet.edge import jurisdictions as shelf
from safetynet.edge.boundaries import Boundaries, Columns, Known
from safetynet.edge.codec import NONSENSE
from safetynet.edge.config import Centre

KINDS: Final = ("areas", "offices", "codes")
SHIFT_M_MAX: Final = 150.0
"""Two maps of the same districts may differ by this much. Bessel read as GRS80 moves all by 313 m."""
COMPARED_MIN: Final = 3
SHOWN_MAX: Final = 10
"""Names of a list that are printed; the count says how many there are."""

_KNOWN: Final[dict[Known, str]] = {
    Known.TOLD: "--epsg 로 지정 · as told",
    Known.PRJ: ".prj 파일 · from its .prj",
    Known.CRS_MEMBER: "crs 항목 · from its crs member",
    Known.PLAIN_DEGREES: "표시 없음, 국내 경위도이므로 WGS84로 봄 · not said; degrees in Korea, taken for WGS84",
}
_FINDINGS: Final[dict[Finding, str]] = {
    Finding.COMPETENT: "관할 · competent",
    Finding.BORDER: "경계: 정해지지 않음 · on a border: undecided",
    Finding.NO_AREA: "구역 밖(해상 등) · in no area (sea)",
    Finding.UNASSIGNED: "담당 기관 없음 · nobody serves this area",
    Finding.CLAIMED_TWICE: "중복 관할: 정해지지 않음 · claimed twice: undecided",
    Finding.NOT_CONFIGURED: "등록된 자료 없음 · nothing brought in",
    Finding.OUTSIDE: "국외 · outside Korea",
}
_KIND_SAID: Final[dict[Kind, str]] = {
    Kind.CENTRE: "스마트시티센터 · smart city centre",
    Kind.HUB: "광역센터 · metropolitan hub",
    Kind.PROBATION: "보호관찰소 · probation office",
    Kind.POLICE: "경찰서 · police station",
}
_SYSTEM_SAID: Final[dict[System, str]] = {
    System.LEGAL: "법정동",
    System.ADMINISTRATIVE: "행정동",
    System.STATISTICS: "통계청(SGIS)",
    System.LOCAL_GOVERNMENT: "개방자치단체",
}


class CannotImportError(Exception):
    """Nothing was written. The text says why."""


def _arguments(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="safetynet import", description="Read areas, offices and codes of others.")
    what = parser.add_subparsers(dest="what", required=True)
    said = what.add_parser("areas", help="boundaries: GeoJSON, TopoJSON, a shapefile or a zip of one")
    said.add_argument("--epsg", type=int, metavar="N", help="reference system, where the file does not say it")
    said.add_argument("--code-column", metavar="NAME")
    said.add_argument("--name-column", metavar="NAME")
    said.add_argument("--system", choices=[each.value for each in System], help="what the codes count by")
    said.add_argument("--layer", metavar="NAME", help="of a TopoJSON with several")
    said.add_argument("--encoding", metavar="NAME", help="of a .dbf that does not say it")
    said.add_argument("--districts", action="store_true", help="join villages to their districts (five digits)")
    said.add_argument("--compare", type=Path, metavar="FILE", help="a second map of the same areas")
    said.add_argument("--shifted", action="store_true", help="take it though it lies off the other map")
    offices = what.add_parser("offices", help="CSV: id, kind, name, serves")
    offices.add_argument("--partly", action="store_true", help="take the rows that are right though others are not")
    coded = what.add_parser("codes", help="CSV: codes of the same ground in several systems")
    for each in (said, offices, coded):
        each.add_argument("file", type=Path, metavar="FILE")
        each.add_argument("--dir", type=Path, required=True, metavar="D", help="the centre's folder")
        each.add_argument("--dry-run", action="store_true", help="read and count, write nothing")
    return parser.parse_args(given)


def main(given: list[str] | None = None) -> int:
    """Exit 0 and one JSON object as the last line; 1 with the reason when nothing was written."""
    said = _arguments(given)
    try:
        match said.what:
            case "areas":
                figures = _import_areas(said)
            case "offices":
                figures = _import_offices(said)
            case _:
                figures = _import_codes(said)
    except (OSError, CannotImportError, boundaries.UnreadableError, shelf.UnreadableError, shelf.JurisdictionsInvalidError, *NONSENSE) as refused:  # fmt: skip
        print(f"{said.file}: {refused}", file=sys.stderr)
        return 1
    print(msgspec.json.encode(figures | {"written": not said.dry_run}).decode())
    return 0


# --- areas ---------------------------------------------------------------------------------------------------------


def _import_areas(said: argparse.Namespace) -> dict[str, object]:
    columns = Columns(said.code_column, said.name_column, System(said.system) if said.system else None)
    taken = boundaries.read(said.file, epsg=said.epsg, columns=columns, layer=said.layer, text=said.encoding)
    known = taken.areas.dissolved(5) if said.districts else taken.areas
    before = shelf.read_areas(said.dir)
    other = boundaries.read(said.compare).areas if said.compare else before
    shift = _shift(known, other, refuse=not said.shifted)
    links = tuple(codes.Link(each.code, alias) for each in taken.areas.all for alias in each.aliases)
    kept = tuple(dict.fromkeys((*shelf.read_codes(said.dir), *links)))
    if not said.dry_run:
        shelf.write_areas(said.dir, known)
        shelf.write_codes(said.dir, kept)
    outlined = _outline(said.dir, write=not said.dry_run, table=_table(said.dir, known))
    _show_areas(taken, known, shift)
    return {
        "areas": len(known),
        "features": taken.features,
        "epsg": taken.epsg,
        "known_by": taken.known.value,
        "joined": taken.joined,
        "mended": taken.mended,
        "skipped": _counts(taken.skipped),
        "compared": shift[2],
        "shift_m": round((shift[0] ** 2 + shift[1] ** 2) ** 0.5, 1),
        "outlines": outlined,
    }


def _shift(known: Areas, other: Areas, *, refuse: bool) -> tuple[float, float, int]:
    depths = {areas.depth(each.code) for each in known.all}
    alike = other if {areas.depth(each.code) for each in other.all} <= depths else other.dissolved(5)
    compared = known if {areas.depth(each.code) for each in alike.all} >= depths else known.dissolved(5)
    east, north, count = areas.shift_m(compared, alike)
    if refuse and count >= COMPARED_MIN and (east**2 + north**2) ** 0.5 > SHIFT_M_MAX:
        raise CannotImportError(
            f"{count} areas lie {east:.0f} m east and {north:.0f} m north of the same areas in the other map."
            " Bessel (EPSG:5174) under another name does that. Tell the right --epsg, or --shifted if this map is right"
        )
    return east, north, count


def _table(folder: Path, known: Areas) -> Table:
    """With areas that may not be written yet."""
    stored = shelf.read(folder)
    own = tuple(codes.Link(each.code, alias) for each in known.all for alias in each.aliases)
    return Table(known, stored.offices, codes.Crosswalk((*stored.crosswalk.links, *own)))


def _show_areas(taken: Boundaries, known: Areas, shift: tuple[float, float, int]) -> None:
    sheet = Sheet(title=f"{len(known)} areas")
    sheet.add_column("")
    sheet.add_column("", justify="right")
    sheet.add_row("좌표계 · reference system", f"EPSG:{taken.epsg}")
    sheet.add_row("근거 · known by", _KNOWN[taken.known])
    sheet.add_row("도형 · features", str(taken.features))
    sheet.add_row("같은 코드로 합침 · joined under one code", str(taken.joined))
    sheet.add_row("꼬임 풀기 · outlines untangled", str(taken.mended))
    for skip, count in sorted(taken.skipped.items(), key=lambda item: -item[1]):
        sheet.add_row(f"제외 · left out: {skip.value}", str(count))
    if shift[2]:
        sheet.add_row(
            "다른 지도와의 차이 · off the other map", f"{shift[0]:+.0f} m E, {shift[1]:+.0f} m N ({shift[2]})"
        )
    Console().print(sheet)


def _counts(counted: Mapping[boundaries.Skip, int] | Mapping[shelf.Skip, int]) -> dict[str, int]:
    return {each.value: count for each, count in sorted(counted.items(), key=lambda item: item[0].value)}


# --- offices and codes ---------------------------------------------------------------------------------------------


def _import_offices(said: argparse.Namespace) -> dict[str, object]:
    stored = shelf.read(said.dir)
    taken = shelf.take_in_offices(said.file.read_bytes(), stored.areas)
    for each in taken.refused[: SHOWN_MAX * 5]:
        print(f"line {each.line}: {each.why.value}: {each.what}", file=sys.stderr)
    if taken.refused and not said.partly:
        raise CannotImportError(
            f"{len(taken.refused)} rows cannot be used; nothing written (--partly takes the others)"
        )
    if not taken.offices:
        raise CannotImportError("not one office could be taken in")
    table = Table(stored.areas, taken.offices, stored.crosswalk)
    strangers = _unknown_partners(said.dir, taken.offices)
    if not said.dry_run:
        shelf.write_offices(said.dir, taken.offices)
    outlined = _outline(said.dir, write=not said.dry_run, table=table)
    sheet = Sheet(title=f"{len(taken.offices)} offices over {len(stored.areas)} areas")
    for head in ("", "기관 · offices", "무담당 구역 · unserved", "중복 · claimed twice"):
        sheet.add_column(head, justify="left" if not head else "right")
    gaps: dict[str, object] = {}
    for kind in Kind:
        unserved, contested = table.unserved(kind), table.contested(kind)
        count = sum(each.kind is kind for each in taken.offices)
        sheet.add_row(_KIND_SAID[kind], str(count), *(_few(each) for each in (unserved, contested)))
        gaps[kind.value] = {"offices": count, "unserved": len(unserved), "claimed_twice": len(contested)}
    Console().print(sheet)
    return {
        "offices": len(taken.offices),
        "refused": len(taken.refused),
        "kinds": gaps,
        "no_such_partner": strangers,
        "outlines": outlined,
    }


def _few(found: tuple[Area, ...]) -> str:
    names = ", ".join(each.name for each in found[:3])
    return f"{len(found)}" + (f" ({names}{' …' if len(found) > 3 else ''})" if found else "")


def _unknown_partners(folder: Path, offices: tuple[Office, ...]) -> list[str]:
    """Offices that say they are a partner which this centre does not have: a slip, or a partner to come."""
    try:
        centre = config.read(folder)
    except FileNotFoundError:
        return []
    known = {centre.id, *(each.id for each in centre.peers)}
    found = sorted({str(each.centre) for each in offices if each.centre is not None and each.centre not in known})
    for each in found[:SHOWN_MAX]:
        print(f"centre {each}: no such partner in {config.FILE}", file=sys.stderr)
    return found


def _import_codes(said: argparse.Namespace) -> dict[str, object]:
    taken = shelf.take_in_codes(said.file.read_bytes(), shelf.read_areas(said.dir))
    if not taken.links:
        raise CannotImportError(f"no link in {taken.rows} rows: {_counts(taken.skipped)}")
    kept = tuple(dict.fromkeys((*shelf.read_codes(said.dir), *taken.links)))
    if not said.dry_run:
        shelf.write_codes(said.dir, kept)
    return {"rows": taken.rows, "links": len(taken.links), "known": len(kept), "skipped": _counts(taken.skipped)}


# --- outlines of partners ------------------------------------------------------------------------------------------


def outlined(centre: Centre, table: Table) -> tuple[Centre, dict[CentreId, float]]:
    """The centre with the outline of each city (a partner, or itself) whose office is in the table, and its share."""
    found: dict[CentreId, jurisdictions.Outline] = {}
    for office in table.offices:
        if office.kind is Kind.CENTRE and office.centre is not None:
            drawn = jurisdictions.outline(table, office)
            if drawn is not None:
                found[office.centre] = drawn
    peers = tuple(
        msgspec.structs.replace(each, area=found[each.id].corners) if each.id in found else each
        for each in centre.peers
    )
    own = found[centre.id].corners if centre.id in found else centre.area
    known = {centre.id, *(each.id for each in centre.peers)}
    return (
        msgspec.structs.replace(centre, peers=peers, area=own),
        {id: drawn.share for id, drawn in found.items() if id in known},
    )


def _outline(folder: Path, *, write: bool, table: Table) -> dict[str, float]:
    try:
        centre = config.read(folder)
    except FileNotFoundError:
        return {}
    changed, shares = outlined(centre, table)
    if write and changed != centre:
        files.write(folder / config.FILE, msgspec.json.format(msgspec.json.encode(changed)))
    for id, share in shares.items():
        if share < 0.999:
            print(f"{id}: its outline holds {share:.1%} of its ground; parts beside it are left out", file=sys.stderr)
    return {str(id): round(share, 4) for id, share in shares.items()}


# --- where ---------------------------------------------------------------------------------------------------------


def where_main(given: list[str] | None = None) -> int:
    """Exit 0 and one JSON object as the last line; 1 when the folder's table cannot be read."""
    parser = argparse.ArgumentParser(prog="safetynet where", description="Who is competent for a place, and why.")
    parser.add_argument("lat", type=float, metavar="LAT")
    parser.add_argument("lon", type=float, metavar="LON")
    parser.add_argument("--dir", type=Path, required=True, metavar="D", help="the centre's folder")
    parser.add_argument("--radius-m", type=float, default=0.0, metavar="M", help="uncertainty of the place")
    parser.add_argument("--on", default="", metavar="DAY", help="codes as of that day, 2020-01-31")
    said = parser.parse_args(given)
    try:
        table = shelf.read(said.dir)
    except (OSError, shelf.JurisdictionsInvalidError) as refused:
        print(f"{said.dir}: {refused}", file=sys.stderr)
        return 1
    found = jurisdictions.competent(table, said.lat, said.lon, said.radius_m)
    sheet = Sheet(title=f"{said.lat:.6f}, {said.lon:.6f}" + (f" ± {said.radius_m:.0f} m" if said.radius_m else ""))
    for head in ("", "", "이유 · why"):
        sheet.add_column(head, overflow="fold")
    for area in found.areas:
        sheet.add_row("구역 · area", area.name, _codes(area, table, said.on))
    for near in found.near[:SHOWN_MAX]:
        sheet.add_row("가까운 구역 · near", near.area.name, f"{near.distance_m:.0f} m")
    sheet.add_section()
    for answer in found.answers:
        sheet.add_row(_KIND_SAID[answer.kind], _named(answer), _why(answer))
    Console().print(sheet)
    print(msgspec.json.encode(_figures(found.answers, found.areas, table, said.on)).decode())
    return 0


def _codes(area: Area, table: Table, day: str) -> str:
    return " · ".join(f"{_SYSTEM_SAID[system]} {', '.join(found)}" for system, found in _by_system(area, table, day))


def _by_system(area: Area, table: Table, day: str) -> list[tuple[System, list[str]]]:
    """The area's own codes; where a system has none for it, that of its district."""
    listed: list[tuple[System, list[str]]] = []
    for system in System:
        for wide in areas.wider(area.code):
            own = (
                [each.digits for each in (area.code, *area.aliases) if each.system is system]
                if wide == area.code
                else []
            )
            found = own or [each.digits for each in table.crosswalk.of(wide, system, day)]
            if found:
                listed.append((system, found))
                break
    return listed


def _named(answer: Answer) -> str:
    shown = (answer.office,) if answer.office is not None else answer.candidates
    return " / ".join(f"{each.name} ({each.id})" for each in shown) or "–"


def _why(answer: Answer) -> str:
    why = _FINDINGS[answer.finding]
    if answer.by is not None:
        why += f" ({_SYSTEM_SAID[answer.by.system]} {answer.by.digits})"
    if answer.also:
        why += " · 인접 also " + ", ".join(each.name for each in answer.also)
    return why


class _Words(msgspec.Struct, omit_defaults=True):
    finding: Finding
    office: str | None = None
    by: str | None = None
    candidates: list[str] = []
    also: list[str] = []


def _figures(answers: tuple[Answer, ...], here: tuple[Area, ...], table: Table, day: str) -> dict[str, object]:
    def digits(area: Area) -> dict[str, list[str]]:
        return {system.value: found for system, found in _by_system(area, table, day)}

    return {
        "areas": [{"name": each.name, "codes": digits(each)} for each in here],
        **{
            each.kind.value: _Words(
                each.finding,
                each.office.id if each.office else None,
                f"{each.by.system.value}:{each.by.digits}" if each.by else None,
                [one.id for one in each.candidates],
                [one.id for one in each.also],
            )
            for each in answers
        },
    }
