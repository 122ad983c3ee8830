"""A centre's table of areas, offices and codes: read from lists of others, kept in the centre's folder.

    D/areas/areas.geojson   what `edge.boundaries` read, WGS84, with the codes of each area
    D/areas/offices.json    who serves which codes
    D/areas/codes.json      what other systems call the same area, with days

An office's list is a table that somebody types; one wrong code sends people to the wrong door. So a row that cannot
be understood is refused with its number and its reason, and whether the others are taken is the caller's to say.

Absent on purpose: any list of offices of our own. Which office serves which district changes by decree; every
installation brings its own.
"""

import csv
import io
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import combinations
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import shapely

from safetynet.core import areas, geo
from safetynet.core.areas import PROVINCES, Area, Areas, Code, System, depth
from safetynet.core.codes import Crosswalk, Link, newest
from safetynet.core.jurisdictions import Kind, Office, Table
from safetynet.core.terms import CentreId, OfficeId
from safetynet.edge import files
from safetynet.edge.codec import NONSENSE

FOLDER: Final = "areas"
AREAS_FILE: Final = "areas.geojson"
OFFICES_FILE: Final = "offices.json"
CODES_FILE: Final = "codes.json"
FILE_BYTES_MAX: Final = 256 * 1024 * 1024
LIST_BYTES_MAX: Final = 64 * 1024 * 1024
"""The ministry's list of all 행정동 and 법정동 is about 2 MB."""
ROWS_MAX: Final = 500_000
OFFICES_MAX: Final = 5_000
TEXT_CHARS_MAX: Final = 100


class JurisdictionsInvalidError(Exception):
    """The centre's own files do not hold to their form."""


class UnreadableError(Exception):
    """The file is no such list at all: its encoding, a column that is missing, its size."""


# --- the centre's folder -------------------------------------------------------------------------------------------


class _Code(msgspec.Struct, frozen=True, array_like=True):
    system: System
    digits: str


class _Properties(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    code: _Code
    name: str
    name_en: str = ""
    aliases: tuple[_Code, ...] = ()


class _Feature(msgspec.Struct, frozen=True, kw_only=True, tag="Feature"):
    properties: _Properties
    geometry: msgspec.Raw


class _Collection(msgspec.Struct, frozen=True, kw_only=True, tag="FeatureCollection"):
    features: tuple[_Feature, ...]


class _OfficeRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    id: OfficeId
    kind: Kind
    name: str
    name_en: str = ""
    serves: tuple[_Code, ...]
    seat: tuple[float, float] | None = None
    centre: CentreId | None = None


class _LinkRow(msgspec.Struct, frozen=True, array_like=True):
    one: _Code
    other: _Code
    since: str = ""
    until: str = ""


def _code(stored: _Code) -> Code:
    code = areas.parsed(stored.system, stored.digits)
    if code is None:
        raise JurisdictionsInvalidError(f"{stored.digits[:20]!r} is no {stored.system.value} code")
    return code


def write_areas(folder: Path, taken: Areas) -> None:
    features = tuple(
        _Feature(
            properties=_Properties(
                code=_Code(*each.code),
                name=each.name,
                name_en=each.name_en,
                aliases=tuple(_Code(*alias) for alias in each.aliases),
            ),
            geometry=msgspec.Raw(shapely.to_geojson(each.shape).encode()),
        )
        for each in taken.all
    )
    files.write(folder / FOLDER / AREAS_FILE, msgspec.json.encode(_Collection(features=features)))


def write_offices(folder: Path, offices: tuple[Office, ...]) -> None:
    rows = [
        _OfficeRow(
            id=each.id,
            kind=each.kind,
            name=each.name,
            name_en=each.name_en,
            serves=tuple(_Code(*code) for code in each.serves),
            seat=None if each.seat is None else (each.seat.lat, each.seat.lon),
            centre=each.centre,
        )
        for each in offices
    ]
    files.write(folder / FOLDER / OFFICES_FILE, msgspec.json.format(msgspec.json.encode(rows)))


def write_codes(folder: Path, links: tuple[Link, ...]) -> None:
    rows = [_LinkRow(_Code(*each.one), _Code(*each.other), each.since, each.until) for each in links]
    files.write(folder / FOLDER / CODES_FILE, msgspec.json.encode(rows))


def read(folder: Path) -> Table:
    """What has been brought in so far: a table of nothing where there is nothing.

    Raises JurisdictionsInvalidError. A city's own links come with its areas: codes that one feature carries are one.
    """
    taken = read_areas(folder)
    own = tuple(Link(each.code, alias) for each in taken.all for alias in each.aliases)
    return Table(taken, _read_offices(folder), Crosswalk((*own, *read_codes(folder))))


def _raw(path: Path) -> bytes | None:
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return None
    if size > FILE_BYTES_MAX:
        raise JurisdictionsInvalidError(f"{path.name}: larger than {FILE_BYTES_MAX} bytes")
    return path.read_bytes()


def read_areas(folder: Path) -> Areas:
    raw = _raw(folder / FOLDER / AREAS_FILE)
    if raw is None:
        return Areas(())
    try:
        stored = msgspec.json.decode(raw, type=_Collection).features
        shapes = shapely.from_geojson([bytes(each.geometry) for each in stored])
    except (shapely.errors.GEOSException, *NONSENSE) as broken:
        raise JurisdictionsInvalidError(f"{AREAS_FILE}: {broken}") from broken
    found: list[Area] = []
    for each, shape in zip(stored, shapes, strict=True):
        if shape.geom_type not in ("Polygon", "MultiPolygon") or shape.is_empty or not shape.is_valid:
            raise JurisdictionsInvalidError(f"{AREAS_FILE}: {each.properties.code.digits} has no sound shape")
        west, south, east, north = shape.bounds
        if not (geo.in_korea(south, west) and geo.in_korea(north, east)):
            raise JurisdictionsInvalidError(f"{AREAS_FILE}: {each.properties.code.digits} does not lie in Korea")
        said = each.properties
        aliases = tuple(_code(alias) for alias in said.aliases)
        found.append(Area(code=_code(said.code), name=said.name, name_en=said.name_en, aliases=aliases, shape=shape))
    return Areas(tuple(found))


def _read_offices(folder: Path) -> tuple[Office, ...]:
    raw = _raw(folder / FOLDER / OFFICES_FILE)
    try:
        rows = () if raw is None else msgspec.json.decode(raw, type=tuple[_OfficeRow, ...])
    except NONSENSE as broken:
        raise JurisdictionsInvalidError(f"{OFFICES_FILE}: {broken}") from broken
    if len(rows) > OFFICES_MAX or len({each.id for each in rows}) < len(rows):
        raise JurisdictionsInvalidError(f"{OFFICES_FILE}: an id twice, or more than {OFFICES_MAX} offices")
    return tuple(
        Office(
            id=each.id,
            kind=each.kind,
            name=each.name,
            name_en=each.name_en,
            serves=tuple(_code(code) for code in each.serves),
            seat=None if each.seat is None else geo.Point(*each.seat),
            centre=each.centre,
        )
        for each in rows
    )


def read_codes(folder: Path) -> tuple[Link, ...]:
    raw = _raw(folder / FOLDER / CODES_FILE)
    try:
        rows = () if raw is None else msgspec.json.decode(raw, type=tuple[_LinkRow, ...])
    except NONSENSE as broken:
        raise JurisdictionsInvalidError(f"{CODES_FILE}: {broken}") from broken
    return tuple(Link(_code(each.one), _code(each.other), each.since, each.until) for each in rows)


# --- lists of others -----------------------------------------------------------------------------------------------


class _Row(NamedTuple):
    number: int
    """As a person counts: the header is line 1."""
    fields: dict[str, str]


def _rows(raw: bytes) -> tuple[frozenset[str], Iterator[_Row]]:
    """CSV with commas or tabs, UTF-8 or CP949. Column names without spaces, in small letters."""
    if len(raw) > LIST_BYTES_MAX:
        raise UnreadableError(f"larger than {LIST_BYTES_MAX} bytes")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = raw.decode("cp949")
        except UnicodeDecodeError as broken:
            raise UnreadableError("neither UTF-8 nor CP949") from broken
    comma = "\t" if "\t" in text.partition("\n")[0] else ","
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=comma, strict=True)
    try:
        header = [re.sub(r"\s", "", each).lower() for each in next(lines, [])]
    except csv.Error as broken:
        raise UnreadableError(f"no table: {broken}") from broken

    def rows() -> Iterator[_Row]:
        try:
            for number, fields in enumerate(lines, start=2):
                if number > ROWS_MAX:
                    raise UnreadableError(f"more than {ROWS_MAX} rows")
                if any(fields):
                    clean = (" ".join(each.split())[: TEXT_CHARS_MAX * 20] for each in fields)
                    yield _Row(number, dict(zip(header, clean, strict=False)))
        except csv.Error as broken:
            raise UnreadableError(f"line {lines.line_num}: {broken}") from broken

    return frozenset(header), rows()


def _field(row: _Row, names: tuple[str, ...]) -> str:
    return next((row.fields[each] for each in names if row.fields.get(each)), "")


def _plain(name: str) -> str:
    """To compare names by: without spaces, with the newest name of a province."""
    for each in PROVINCES:
        for earlier in each.earlier_names:
            if name.startswith(earlier):
                name = each.name + name[len(earlier) :]
    return re.sub(r"\s", "", name)


class Names:
    """Finds an area's code by its name: with its province it is one, alone it may be several."""

    def __init__(self, known: Areas) -> None:
        self._full: defaultdict[str, set[Code]] = defaultdict(set)
        self._short: defaultdict[str, set[Code]] = defaultdict(set)
        for each in PROVINCES:
            self._full[each.name].add(Code(System.LEGAL, each.legal[0]))
        districts = known.dissolved(5).all if known.all and depth(known.all[0].code) > 2 else ()
        for area in (*known.all, *districts):
            if depth(area.code) == 1:
                continue
            province = areas.province(area.code)
            whole = (
                area.name
                if province is None or _plain(area.name).startswith(province.name)
                else province.name + area.name
            )
            self._full[_plain(whole)].add(newest(area.code))
            short = area.name.split()[-1] if depth(area.code) == 2 else area.name
            for name in {area.name, short}:
                self._short[_plain(name)].add(newest(area.code))

    def of(self, name: str) -> frozenset[Code]:
        plain = _plain(name)
        return frozenset(self._full.get(plain) or self._short.get(plain) or ())


# --- offices -------------------------------------------------------------------------------------------------------


class Refusal(Enum):
    """Why a row of offices was refused."""

    NO_ID = "no_id"
    TWICE = "twice"
    UNKNOWN_KIND = "unknown_kind"
    NO_NAME = "no_name"
    SERVES_NOTHING = "serves_nothing"
    NO_SUCH_CODE = "no_such_code"
    """The digits are no code of their system, or of no province."""
    UNKNOWN_AREA = "unknown_area"
    AMBIGUOUS_AREA = "ambiguous_area"
    """A name such as 중구, which six cities have: write the province before it, or the code."""
    NO_PLACE = "no_place"
    """Its seat is no place in Korea."""


class Refused(NamedTuple):
    line: int
    why: Refusal
    what: str


@dataclass(frozen=True, slots=True)
class OfficeIntake:
    offices: tuple[Office, ...]
    refused: tuple[Refused, ...]


_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "id": ("id", "기관코드", "기관id"),
    "kind": ("kind", "구분", "종류", "기관구분"),
    "name": ("name", "기관명", "관서명"),
    "name_en": ("name_en", "영문명"),
    "serves": ("serves", "관할", "관할구역", "관할지역"),
    "lat": ("lat", "위도", "wgs84위도"),
    "lon": ("lon", "경도", "wgs84경도"),
    "centre": ("centre", "연계기관"),
}
_KINDS: Final[dict[str, Kind]] = {
    "도시센터": Kind.CENTRE,
    "스마트도시통합운영센터": Kind.CENTRE,
    "광역센터": Kind.HUB,
    "보호관찰소": Kind.PROBATION,
    "준법지원센터": Kind.PROBATION,
    "경찰서": Kind.POLICE,
} | {each.value: each for each in Kind}
_SYSTEMS: Final[dict[str, System]] = {
    "법정동": System.LEGAL,
    "행정동": System.ADMINISTRATIVE,
    "sgis": System.STATISTICS,
    "통계청": System.STATISTICS,
    "개방자치단체": System.LOCAL_GOVERNMENT,
} | {each.value: each for each in System}
_ID: Final = re.compile(r"[\w-]{1,40}")


def take_in_offices(raw: bytes, known: Areas) -> OfficeIntake:
    """A table with the columns id, kind, name, serves (and name_en, lat, lon, centre), in English or Korean.

    `serves` holds codes and names with `;` between them: `30140`, `sgis:25020`, `대전광역시 중구`. Digits without a
    system are legal codes. Raises UnreadableError when a needed column is missing.
    """
    header, rows = _rows(raw)
    for needed in ("id", "kind", "name", "serves"):
        if not header & set(_COLUMNS[needed]):
            raise UnreadableError(f"no column {' or '.join(_COLUMNS[needed])}; it has {', '.join(sorted(header)[:20])}")
    names = Names(known)
    offices: dict[OfficeId, Office] = {}
    refused: list[Refused] = []
    for row in rows:
        office = _office(row, names)
        if isinstance(office, Office) and office.id in offices:
            office = Refused(row.number, Refusal.TWICE, office.id)
        if isinstance(office, Refused):
            refused.append(office)
        else:
            offices[office.id] = office
        if len(offices) > OFFICES_MAX:
            raise UnreadableError(f"more than {OFFICES_MAX} offices")
    return OfficeIntake(tuple(offices.values()), tuple(refused))


def _office(row: _Row, names: Names) -> Office | Refused:
    said = {each: _field(row, columns) for each, columns in _COLUMNS.items()}
    if not _ID.fullmatch(said["id"]):
        return Refused(row.number, Refusal.NO_ID, said["id"][:40])
    kind = _KINDS.get(said["kind"].replace(" ", "").lower())
    if kind is None:
        return Refused(row.number, Refusal.UNKNOWN_KIND, said["kind"][:40])
    if not said["name"]:
        return Refused(row.number, Refusal.NO_NAME, said["id"])
    serves: list[Code] = []
    for part in (each.strip() for each in said["serves"].split(";")):
        if part:
            code = _served(part, names)
            if isinstance(code, Refusal):
                return Refused(row.number, code, part[:60])
            serves.append(code)
    if not serves:
        return Refused(row.number, Refusal.SERVES_NOTHING, said["id"])
    seat = _seat(said["lat"], said["lon"])
    if isinstance(seat, Refusal):
        return Refused(row.number, seat, f"{said['lat']}, {said['lon']}"[:40])
    return Office(
        id=OfficeId(said["id"]),
        kind=kind,
        name=said["name"][:TEXT_CHARS_MAX],
        name_en=said["name_en"][:TEXT_CHARS_MAX],
        serves=tuple(dict.fromkeys(serves)),
        seat=seat,
        centre=CentreId(said["centre"]) if said["centre"] else None,
    )


def _served(part: str, names: Names) -> Code | Refusal:
    prefix, _, digits = part.rpartition(":")
    if digits.strip().isdigit():
        system = _SYSTEMS.get(prefix.strip().lower()) if prefix else System.LEGAL
        code = None if system is None else areas.parsed(system, digits.strip())
        if code is None or (code.system is not System.LOCAL_GOVERNMENT and areas.province(code) is None):
            return Refusal.NO_SUCH_CODE
        return code
    found = names.of(part)
    if len(found) != 1:
        return Refusal.AMBIGUOUS_AREA if found else Refusal.UNKNOWN_AREA
    return next(iter(found))


def _seat(lat: str, lon: str) -> geo.Point | Refusal | None:
    if not lat and not lon:
        return None
    try:
        seat = geo.Point(float(lat), float(lon))
    except ValueError:
        return Refusal.NO_PLACE
    return seat if geo.in_korea(*seat) else Refusal.NO_PLACE


# --- codes ---------------------------------------------------------------------------------------------------------


class Skip(Enum):
    """Why a row of codes gave no link."""

    BAD_CODE = "bad_code"
    ABOLISHED = "abolished"
    """The list says that the code is gone and not since when."""
    ALONE = "alone"
    """One code, and no name that finds another."""
    SAME_SYSTEM = "same_system"
    """The list and the map count alike: there is nothing to link."""
    UNKNOWN_NAME = "unknown_name"
    AMBIGUOUS_NAME = "ambiguous_name"


@dataclass(frozen=True, slots=True)
class CodeIntake:
    links: tuple[Link, ...]
    rows: int
    skipped: Counter[Skip]


_CODE_COLUMNS: Final[tuple[tuple[System, tuple[str, ...]], ...]] = (
    (System.LEGAL, ("법정동코드", "legal")),
    (System.ADMINISTRATIVE, ("행정동코드", "adm_cd2", "administrative")),
    (System.STATISTICS, ("통계청행정구역코드", "행정구역코드", "adm_dr_cd", "adm_cd", "statistics")),
    (System.LOCAL_GOVERNMENT, ("개방자치단체코드", "local_government")),
)
_NAME_COLUMNS: Final = ("법정동명", "개방자치단체명", "관리기관명", "name")
_SINCE: Final = ("생성일자", "since")
_UNTIL: Final = ("말소일자", "until")
_GONE: Final = ("폐지여부", "폐지구분")


def take_in_codes(raw: bytes, known: Areas) -> CodeIntake:
    """Lists of codes of the ministry, of Statistics Korea, of 개방자치단체: what stands in one row is the same ground.

    A row with one code and a name is linked to the area of that name. Raises UnreadableError without any column of codes.
    """
    header, rows = _rows(raw)
    columns = [(system, names) for system, names in _CODE_COLUMNS if header & set(names)]
    if not columns:
        raise UnreadableError(f"no column of codes known here; it has {', '.join(sorted(header)[:20])}")
    names = Names(known)
    links: dict[Link, None] = {}
    skipped: Counter[Skip] = Counter()
    count = 0
    for row in rows:
        count += 1
        found = _linked(row, columns, names)
        if isinstance(found, Skip):
            skipped[found] += 1
        else:
            links |= dict.fromkeys(found)
    return CodeIntake(tuple(links), count, skipped)


def _linked(row: _Row, columns: Sequence[tuple[System, tuple[str, ...]]], names: Names) -> tuple[Link, ...] | Skip:
    until = _day(_field(row, _UNTIL))
    if not until and _field(row, _GONE).startswith("폐지"):
        return Skip.ABOLISHED
    codes: list[Code] = []
    for system, aliases in columns:
        text = _field(row, aliases)
        code = areas.parsed(system, text) if text else None
        if text and code is None:
            return Skip.BAD_CODE
        if code is not None:
            codes.append(code)
    if len(codes) == 1:
        name = _field(row, _NAME_COLUMNS)
        if not name:
            return Skip.ALONE
        found = names.of(name) or names.of(name.removesuffix("청"))
        same = sorted(each for each in found if depth(each) == depth(codes[0]))
        if len(same) != 1:
            return Skip.AMBIGUOUS_NAME if same else Skip.UNKNOWN_NAME
        codes += [each for each in same if each.system is not codes[0].system]
        if len(codes) == 1:
            return Skip.SAME_SYSTEM
    since = _day(_field(row, _SINCE))
    return tuple(Link(one, other, since, until) for one, other in combinations(codes, 2))


def _day(text: str) -> str:
    """`20240118` and `2024-01-18` are the same day; anything else is none."""
    match = re.fullmatch(r"(\d{4})[-./]?(\d{2})[-./]?(\d{2})", text)
    return "-".join(match.groups()) if match else ""
