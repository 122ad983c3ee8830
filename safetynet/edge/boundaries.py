"""Boundaries of municipalities, districts and villages, read from the files of others: GeoJSON, TopoJSON, shapefiles.

The reference system is never guessed. A shapefile's `.prj` is read and compared by its figures, because its names
vary; a GeoJSON's old `crs` member is read; without either only degrees that lie in Korea are taken, and it is said
that they were taken for WGS84. EPSG:5186 is 5181 moved 100 km north: an area must lie in the province that its code
names. Bessel (5174) read as 5181 looks right and is 313 m off: only a second map shows it (`core.areas.shift_m`).

    taken = boundaries.read(Path("districts.geojson"))
    taken.areas.at(36.32, 127.42)          # the areas that hold a place
    taken.areas.all[0].contains(lats, lons)  # arrays in, array of bool out

Absent on purpose: repair of shapes beyond what changes nothing (a bow tie of a metre), and points or lines.
"""

import io
import re
import struct
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec
import numpy as np
import shapefile
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from safetynet.core import areas, geo
from safetynet.core.areas import Area, Areas, Code, System
from safetynet.edge.codec import NONSENSE

FILE_BYTES_MAX: Final = 512 * 1024 * 1024
"""The country's 법정동 as a shapefile is about 100 MB."""
PRJ_BYTES_MAX: Final = 64 * 1024
FEATURES_MAX: Final = 60_000
VERTICES_MAX: Final = 20_000_000
TEXT_CHARS_MAX: Final = 100
MENDED_SHARE_MAX: Final = 0.01
"""More of an area's size than this may not change when its outline, which crosses itself, is untangled."""
MISPLACED_SHARE_MAX: Final = 0.05
"""More areas than this outside the province of their code: the reference system is wrong, not the areas."""

EPSG_READ: Final = frozenset({4326, 5174, 5179, 5181, 5186})
_SAME_AS_WGS84: Final = frozenset({4019, 4737})
"""GRS80 and KGD2002 in degrees: less than a metre from WGS84."""

_CODE_COLUMNS: Final[tuple[tuple[str, System], ...]] = (
    ("adm_cd2", System.ADMINISTRATIVE),
    ("li_cd", System.LEGAL),
    ("emd_cd", System.LEGAL),
    ("sig_cd", System.LEGAL),
    ("ctprvn_cd", System.LEGAL),
    ("adm_dr_cd", System.STATISTICS),
    ("sigungu_cd", System.STATISTICS),
    ("sido_cd", System.STATISTICS),
    ("adm_cd", System.STATISTICS),
)
"""Columns that say what they count by. A bare `code` says it only beside `base_year` (maps of Statistics Korea)."""
_NAME_COLUMNS: Final = (
    "adm_nm", "li_kor_nm", "emd_kor_nm", "sig_kor_nm", "ctp_kor_nm", "adm_dr_nm", "sigungu_nm", "sido_nm", "name",
)  # fmt: skip
_ENGLISH_COLUMNS: Final = ("name_eng", "li_eng_nm", "emd_eng_nm", "sig_eng_nm", "ctp_eng_nm")

Ring: TypeAlias = list[list[float]]
Rings: TypeAlias = list[Ring]


class UnreadableError(Exception):
    """The file gives no boundaries that can be stood behind. The text says why and what would help."""


class Known(Enum):
    """By what the reference system is known."""

    TOLD = "told"
    PRJ = "prj"
    CRS_MEMBER = "crs_member"
    PLAIN_DEGREES = "plain_degrees"
    """Nothing says it. The figures are degrees in Korea and were taken for WGS84: the importer must say so."""


class Skip(Enum):
    """Why a feature was left out."""

    NO_AREA = "no_area"
    """A point, a line or nothing."""
    TORN = "torn"
    """An outline of fewer than three corners, or not of figures."""
    TANGLED = "tangled"
    """An outline that crosses itself so that untangling would change its size."""
    NO_CODE = "no_code"
    SPECK = "speck"
    """Only a part of an area, an islet, whose outline has collapsed to a point or a line: the area itself is kept."""
    OTHER_PROVINCE = "other_province"
    """It does not lie in the province that its code names."""


class Columns(NamedTuple):
    """Which properties hold what. None: found by the names known here."""

    code: str | None = None
    name: str | None = None
    system: System | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Boundaries:
    areas: Areas
    epsg: int
    known: Known
    features: int
    joined: int
    """Features that were parts of an area given before under the same code."""
    mended: int
    skipped: Counter[Skip]


class _Feature(NamedTuple):
    properties: dict[str, object]
    shape: Any


class _Read(NamedTuple):
    features: list[_Feature]
    epsg: int | None
    known: Known
    skipped: Counter[Skip]


def read(
    path: Path,
    *,
    epsg: int | None = None,
    columns: Columns | None = None,
    layer: str | None = None,
    text: str | None = None,
) -> Boundaries:
    """`.geojson`, `.json` (GeoJSON or TopoJSON), `.shp` with its `.dbf` beside it, or a `.zip` of those.

    `epsg` tells the reference system where the file does not; a file that says another is refused. `layer` chooses
    among the objects of a TopoJSON. `text` is the encoding of a `.dbf`, else its `.cpg`, UTF-8 or CP949 as it fits.
    Raises UnreadableError, or OSError where the file itself cannot be had.
    """
    if epsg is not None and epsg not in EPSG_READ:
        raise UnreadableError(f"EPSG:{epsg} is not read here; {_known_systems()}")
    if path.suffix.lower() in (".shp", ".zip"):
        found = _read_shp(_shp_files(path), text)
    else:
        found = _read_json(_bytes(path), layer)
    if not found.features:
        raise UnreadableError(f"no areas in it{_counted(found.skipped)}")
    projected, used, known = _to_wgs84(found, epsg)
    return _gathered(projected, found, used, known, columns or Columns())


def _known_systems() -> str:
    return "known are EPSG:" + ", ".join(str(each) for each in sorted(EPSG_READ))


def _counted(skipped: Counter[Skip]) -> str:
    return "".join(f", {count} {skip.value}" for skip, count in skipped.items())


def _bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        raw = file.read(FILE_BYTES_MAX + 1)
    if len(raw) > FILE_BYTES_MAX:
        raise UnreadableError(f"{path.name}: larger than {FILE_BYTES_MAX} bytes")
    return raw


# --- GeoJSON and TopoJSON ------------------------------------------------------------------------------------------


class _CrsMember(msgspec.Struct):
    type: str = ""
    properties: dict[str, msgspec.Raw] = {}


class _Geometry(msgspec.Struct):
    type: str = ""
    coordinates: msgspec.Raw = msgspec.Raw(b"null")
    arcs: msgspec.Raw = msgspec.Raw(b"null")
    geometries: list["_Geometry"] = []
    properties: dict[str, object] | None = None


class _JsonFeature(msgspec.Struct):
    geometry: _Geometry | None = None
    properties: dict[str, object] | None = None


class _Transform(msgspec.Struct):
    scale: tuple[float, float]
    translate: tuple[float, float]


class _Document(msgspec.Struct):
    type: str = ""
    features: list[_JsonFeature] = []
    crs: _CrsMember | None = None
    objects: dict[str, _Geometry] = {}
    arcs: list[list[list[float]]] = []
    transform: _Transform | None = None


def _read_json(raw: bytes, layer: str | None) -> _Read:
    try:
        document = msgspec.json.decode(raw.removeprefix(b"\xef\xbb\xbf"), type=_Document)
    except NONSENSE as broken:
        raise UnreadableError(f"neither GeoJSON nor TopoJSON: {broken}") from broken
    skipped: Counter[Skip] = Counter()
    if document.type == "Topology":
        return _Read(list(_topology(document, layer, skipped)), None, Known.PLAIN_DEGREES, skipped)
    if document.type != "FeatureCollection":
        raise UnreadableError(f"neither a FeatureCollection nor a Topology but {document.type[:40]!r}")
    if len(document.features) > FEATURES_MAX:
        raise UnreadableError(f"more than {FEATURES_MAX} features")
    found: list[_Feature] = []
    for each in document.features:
        shape = Skip.NO_AREA if each.geometry is None else _geojson_shape(each.geometry, skipped)
        _keep(found, skipped, each.properties or {}, shape)
    member = None if document.crs is None else _member_epsg(document.crs)
    return _Read(found, member, Known.PLAIN_DEGREES if member is None else Known.CRS_MEMBER, skipped)


def _keep(found: list[_Feature], skipped: Counter[Skip], properties: dict[str, object], shape: Any) -> None:
    if isinstance(shape, Skip):
        skipped[shape] += 1
    else:
        found.append(_Feature({key.lower(): value for key, value in properties.items()}, shape))


def _member_epsg(member: _CrsMember) -> int:
    """Of the `crs` member of GeoJSON before RFC 7946. Raises UnreadableError when it names what is not known here."""
    try:
        name = msgspec.json.decode(member.properties.get("name", msgspec.Raw(b'""')), type=str)
    except NONSENSE as broken:
        raise UnreadableError(f"its crs member has no name: {broken}") from broken
    if re.fullmatch(r"urn:ogc:def:crs:OGC:(1\.3)?:CRS84", name, re.IGNORECASE):
        return 4326
    match = re.fullmatch(r"(?:urn:ogc:def:crs:)?EPSG:[\d.]*:?(\d{4,5})", name, re.IGNORECASE)
    number = int(match[1]) if match else 0
    if number in _SAME_AS_WGS84:
        return 4326
    if number not in EPSG_READ:
        raise UnreadableError(f"its crs member names {name[:60]!r}; {_known_systems()}")
    return number


def _geojson_shape(geometry: _Geometry, skipped: Counter[Skip]) -> Any:
    try:
        match geometry.type:
            case "Polygon":
                return _polygons([msgspec.json.decode(geometry.coordinates, type=Rings)], skipped)
            case "MultiPolygon":
                return _polygons(msgspec.json.decode(geometry.coordinates, type=list[Rings]), skipped)
            case _:
                return Skip.NO_AREA
    except NONSENSE:
        return Skip.TORN


def _polygons(parts: Sequence[Sequence[Any]], skipped: Counter[Skip]) -> Any:
    """A shape of rings of x, y (a height is left aside), or why not."""
    made: list[Any] = []
    for rings in parts:
        corners = [_corners(ring) for ring in rings]
        if any(each is None for each in corners):
            return Skip.TORN
        spread = [each for each in corners if each is not None and _is_ring(each)]
        if corners and corners[0] is not None and _is_ring(corners[0]):
            made.append(shapely.Polygon(spread[0], spread[1:]))
        else:
            skipped[Skip.SPECK] += 1
    return Skip.TORN if not made else made[0] if len(made) == 1 else shapely.MultiPolygon(made)


def _corners(ring: Any) -> NDArray[np.float64] | None:
    try:
        corners = np.asarray([each[:2] for each in ring], dtype=np.float64)
    except (ValueError, TypeError):
        return None
    usable = corners.ndim == 2 and corners.shape[1] == 2 and bool(np.isfinite(corners).all())
    return corners if usable else None


def _is_ring(corners: NDArray[np.float64]) -> bool:
    return len(np.unique(corners, axis=0)) >= 3


def _topology(document: _Document, layer: str | None, skipped: Counter[Skip]) -> Iterator[_Feature]:
    objects = document.objects
    if layer is None and len(objects) != 1:
        raise UnreadableError(f"it holds {len(objects)} layers, choose one: {', '.join(sorted(objects)[:20])}")
    chosen = next(iter(objects.values())) if layer is None else objects.get(layer)
    if chosen is None:
        raise UnreadableError(f"no layer {layer!r} in it; it holds {', '.join(sorted(objects)[:20])}")
    arcs = _arcs(document)
    found: list[_Feature] = []
    for each in chosen.geometries if chosen.type == "GeometryCollection" else [chosen]:
        if len(found) > FEATURES_MAX:
            raise UnreadableError(f"more than {FEATURES_MAX} features")
        _keep(found, skipped, each.properties or {}, _topology_shape(each, arcs, skipped))
    yield from found


def _arcs(document: _Document) -> list[NDArray[np.float64]]:
    """Arcs in the file's own coordinates: with a transform they are whole steps from corner to corner."""
    if sum(len(each) for each in document.arcs) > VERTICES_MAX:
        raise UnreadableError(f"more than {VERTICES_MAX} corners")
    found: list[NDArray[np.float64]] = []
    for each in document.arcs:
        try:
            corners = np.asarray([corner[:2] for corner in each], dtype=np.float64).reshape(-1, 2)
        except ValueError as broken:
            raise UnreadableError("an arc is not made of pairs of figures") from broken
        if document.transform is not None:
            corners = np.cumsum(corners, axis=0) * document.transform.scale + document.transform.translate
        found.append(corners)
    return found


def _topology_shape(geometry: _Geometry, arcs: list[NDArray[np.float64]], skipped: Counter[Skip]) -> Any:
    try:
        match geometry.type:
            case "Polygon":
                parts = [msgspec.json.decode(geometry.arcs, type=list[list[int]])]
            case "MultiPolygon":
                parts = msgspec.json.decode(geometry.arcs, type=list[list[list[int]]])
            case _:
                return Skip.NO_AREA
    except NONSENSE:
        return Skip.TORN
    if any(not ring or not all(-len(arcs) <= each < len(arcs) for each in ring) for part in parts for ring in part):
        return Skip.TORN
    return _polygons([[_stitched(ring, arcs) for ring in part] for part in parts], skipped)


def _stitched(ring: list[int], arcs: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """~i is arc i backwards; each arc begins where the one before it ends."""
    pieces = [arcs[each] if each >= 0 else arcs[~each][::-1] for each in ring]
    return np.concatenate([pieces[0], *(each[1:] for each in pieces[1:])])


# --- shapefiles ----------------------------------------------------------------------------------------------------


def _shp_files(path: Path) -> dict[str, bytes]:
    """By suffix. A `.zip` may hold one shapefile only; what it unpacks to is bounded before it is unpacked."""
    if path.suffix.lower() == ".shp":
        beside = {each: path.with_suffix(each) for each in (".shp", ".dbf", ".prj", ".cpg")}
        upper = {each: path.with_suffix(each.upper()) for each in beside}
        return {each: _bytes(file) for each in beside for file in (beside[each], upper[each]) if file.is_file()} or {
            ".shp": _bytes(path)
        }
    try:
        with zipfile.ZipFile(path) as packed:
            return _unpacked(packed)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as broken:
        raise UnreadableError(f"{path.name}: {broken}") from broken


def _unpacked(packed: zipfile.ZipFile) -> dict[str, bytes]:
    inside = [
        each for each in packed.infolist() if Path(each.filename).suffix.lower() in (".shp", ".dbf", ".prj", ".cpg")
    ]
    stems = {str(Path(each.filename).with_suffix("")) for each in inside if each.filename.lower().endswith(".shp")}
    if len(stems) != 1:
        raise UnreadableError(f"{len(stems)} shapefiles in it; one is wanted")
    wanted = [each for each in inside if str(Path(each.filename).with_suffix("")) in stems]
    found: dict[str, bytes] = {}
    left = FILE_BYTES_MAX
    for each in wanted:
        with packed.open(each) as file:
            raw = file.read(left + 1)  # what it says of its size may be a lie
        left -= len(raw)
        if left < 0:
            raise UnreadableError(f"it unpacks to more than {FILE_BYTES_MAX} bytes")
        found[Path(each.filename).suffix.lower()] = raw
    return found


def _read_shp(files: dict[str, bytes], text: str | None) -> _Read:
    if ".shp" not in files or ".dbf" not in files:
        raise UnreadableError("a shapefile needs its .shp and its .dbf")
    epsg = prj_epsg(files[".prj"]) if ".prj" in files else None
    raw, skipped = _shp_features(files)
    told = text or _python_encoding(files.get(".cpg", b"").decode("ascii", "replace").strip())
    refused = ""
    for encoding in (told,) if told else ("utf-8", "cp949"):
        try:
            found = [_Feature(_decoded(each.properties, encoding), each.shape) for each in raw]
        except (UnicodeDecodeError, LookupError) as other:
            refused = f"its texts are not {encoding}: {other}"
            continue
        return _Read(found, epsg, Known.PLAIN_DEGREES if epsg is None else Known.PRJ, skipped)
    raise UnreadableError(refused)


def _decoded(properties: dict[str, object], encoding: str) -> dict[str, object]:
    """Texts as they are: the reader of the `.dbf` was told Latin-1, which keeps every byte."""
    return {
        key: value.encode("latin-1").decode(encoding) if isinstance(value, str) else value
        for key, value in properties.items()
    }


def _python_encoding(cpg: str) -> str:
    plain = cpg.lower().replace("ansi ", "cp").replace(" ", "")
    return {"949": "cp949", "cp949": "cp949", "euc-kr": "cp949", "euckr": "cp949", "65001": "utf-8"}.get(plain, plain)


def _shp_features(files: dict[str, bytes]) -> tuple[list[_Feature], Counter[Skip]]:
    """With texts still as bytes, see `_decoded`."""
    found: list[_Feature] = []
    skipped: Counter[Skip] = Counter()
    corners = 0
    shp, dbf = io.BytesIO(files[".shp"]), io.BytesIO(files[".dbf"])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a header that lies is no reason to go on
            reader: Any = shapefile.Reader(shp=shp, dbf=dbf, encoding="latin-1")
            for each in reader.iterShapeRecords():
                corners += len(each.shape.points)
                if len(found) >= FEATURES_MAX or corners > VERTICES_MAX:
                    raise UnreadableError(f"more than {FEATURES_MAX} areas or {VERTICES_MAX} corners")
                _keep(found, skipped, each.record.as_dict(), _shp_shape(each.shape, skipped))
    except (shapefile.ShapefileException, struct.error, ValueError, LookupError, TypeError, OSError, Warning) as broken:
        raise UnreadableError(f"no whole shapefile: {broken}") from broken
    return found, skipped


def _shp_shape(shape: Any, skipped: Counter[Skip]) -> Any:
    if shape.shapeTypeName not in ("POLYGON", "POLYGONZ", "POLYGONM"):
        return Skip.NO_AREA
    described = shape.__geo_interface__
    match described["type"]:
        case "Polygon":
            return _polygons([described["coordinates"]], skipped)
        case "MultiPolygon":
            return _polygons(described["coordinates"], skipped)
        case _:
            return Skip.NO_AREA


# --- the reference system ------------------------------------------------------------------------------------------


class _Figures(NamedTuple):
    """What makes a transverse Mercator projection the one that it is, whatever its name."""

    semi_major_m: float
    latitude: float
    longitude: float
    scale: float
    easting_m: float
    northing_m: float


_BESSEL_M: Final = 6_377_397.155
_GRS80_M: Final = 6_378_137.0
_PROJECTIONS: Final[dict[int, _Figures]] = {
    5174: _Figures(_BESSEL_M, 38.0, 127.0 + 10.405 / 3600, 1.0, 200_000.0, 500_000.0),
    5179: _Figures(_GRS80_M, 38.0, 127.5, 0.9996, 1_000_000.0, 2_000_000.0),
    5181: _Figures(_GRS80_M, 38.0, 127.0, 1.0, 200_000.0, 500_000.0),
    5186: _Figures(_GRS80_M, 38.0, 127.0, 1.0, 200_000.0, 600_000.0),
}
_PARAMETERS: Final = (
    "Latitude of natural origin",
    "Longitude of natural origin",
    "Scale factor at natural origin",
    "False easting",
    "False northing",
)


def prj_epsg(raw: bytes) -> int:
    """Which known system a `.prj` describes. Raises UnreadableError when it is none of them, with its figures."""
    if len(raw) > PRJ_BYTES_MAX:
        raise UnreadableError(f"its .prj is larger than {PRJ_BYTES_MAX} bytes")
    try:
        crs = CRS.from_wkt(raw.decode("utf-8", "replace").strip("\x00\ufeff \r\n"))
    except CRSError as broken:
        raise UnreadableError(f"its .prj cannot be read: {str(broken)[:200]}") from broken
    ellipsoid, operation = crs.ellipsoid, crs.coordinate_operation
    if crs.is_geographic and ellipsoid is not None:
        if abs(ellipsoid.semi_major_metre - geo.A_M) < 1.0:
            return 4326
        raise UnreadableError(f"its .prj says degrees on {ellipsoid.name}, hundreds of metres from WGS84")
    if operation is None or ellipsoid is None or operation.method_name != "Transverse Mercator":
        raise UnreadableError(f"its .prj says {crs.name[:60]!r}; {_known_systems()}")
    by_name = {each.name: each.value for each in operation.params}
    said = _Figures(ellipsoid.semi_major_metre, *(float(by_name.get(each, 0.0)) for each in _PARAMETERS))
    for epsg, figures in _PROJECTIONS.items():
        if _same(said, figures):
            return epsg
    raise UnreadableError(f"its .prj says {crs.name[:60]!r} with {said}: none that is known here; {_known_systems()}")


def _same(one: _Figures, other: _Figures) -> bool:
    """To a few centimetres. WGS84 and GRS80 differ in nothing that counts here."""
    near = (0.5, 1e-6, 1e-6, 1e-7, 0.01, 0.01)
    return all(abs(a - b) <= by for a, b, by in zip(one, other, near, strict=True))


@cache
def _transformer(epsg: int) -> Any:
    return Transformer.from_crs(epsg, 4326, always_xy=True)


def _to_wgs84(found: _Read, told: int | None) -> tuple[list[Any], int, Known]:
    if told is not None and found.epsg is not None and told != found.epsg:
        raise UnreadableError(f"EPSG:{told} was told, but the file says EPSG:{found.epsg}; one of them is wrong")
    shapes = [each.shape for each in found.features]
    west, south, east, north = (float(each) for each in shapely.total_bounds(shapes))
    if shapely.get_num_coordinates(shapes).sum() > VERTICES_MAX:
        raise UnreadableError(f"more than {VERTICES_MAX} corners")
    spread = f"x {west:.3f} … {east:.3f}, y {south:.3f} … {north:.3f}"
    epsg = told if told is not None else found.epsg
    known = Known.TOLD if told is not None and found.epsg is None else found.known
    if epsg is None:
        if geo.in_korea(west, south) and geo.in_korea(east, north):
            raise UnreadableError(f"latitude stands before longitude in it ({spread})")
        if not (geo.in_korea(south, west) and geo.in_korea(north, east)):
            raise UnreadableError(
                f"nothing says its reference system and it is not in degrees in Korea ({spread}):"
                f" find out and tell it; {_known_systems()}"
            )
        epsg = 4326
    if epsg == 4326:
        moved = shapes
    else:
        change = _transformer(epsg).transform
        moved = list(shapely.transform(shapes, lambda xy: np.column_stack(change(xy[:, 0], xy[:, 1]))))
        west, south, east, north = (float(each) for each in shapely.total_bounds(moved))
    if not (geo.in_korea(south, west) and geo.in_korea(north, east)):
        raise UnreadableError(f"read as EPSG:{epsg} it does not lie in Korea ({spread})")
    return moved, epsg, known


# --- areas out of features -----------------------------------------------------------------------------------------


def _gathered(shapes: list[Any], found: _Read, epsg: int, known: Known, columns: Columns) -> Boundaries:
    given = frozenset(found.features[0].properties)
    column, system = _code_column(given, columns)
    name = _first(given, (columns.name.lower(),) if columns.name else _NAME_COLUMNS)
    if name is None:
        raise UnreadableError(f"no column of names known here; it has {', '.join(sorted(given)[:30])}")
    skipped = Counter(found.skipped)
    by_code: dict[Code, Area] = {}
    joined = mended = misplaced = 0
    for feature, raw in zip(found.features, shapes, strict=True):
        shape = _sound(raw)
        if isinstance(shape, Skip):
            skipped[shape] += 1
            continue
        mended += shape is not raw
        code = areas.parsed(system, _text(feature.properties.get(column)))
        if code is None:
            skipped[Skip.NO_CODE] += 1
            continue
        area = Area(
            code=code,
            name=_text(feature.properties.get(name)) or code.digits,
            name_en=_text(feature.properties.get(_first(given, _ENGLISH_COLUMNS) or "")),
            aliases=_aliases(feature.properties, column, code),
            shape=shape,
        )
        if not _in_its_province(area):
            misplaced += 1
            skipped[Skip.OTHER_PROVINCE] += 1
            continue
        before = by_code.get(code)
        if before is not None:
            if before.name != area.name:
                raise UnreadableError(f"{code.digits} stands in it for {before.name} and for {area.name}")
            joined += 1
            area = replace(before, shape=shapely.union_all([before.shape, area.shape]))
        by_code[code] = area
    if misplaced > MISPLACED_SHARE_MAX * (len(by_code) + misplaced):
        raise UnreadableError(
            f"read as EPSG:{epsg}, {misplaced} areas do not lie in the province that their code names"
            f" ({column} taken as {system.value}). EPSG:5181 and 5186 are 100 km apart"
        )
    if not by_code:
        raise UnreadableError(f"no area could be taken{_counted(skipped)}")
    return Boundaries(
        areas=Areas(tuple(by_code[code] for code in sorted(by_code, key=lambda each: each.digits))),
        epsg=epsg,
        known=known,
        features=len(found.features) + sum(found.skipped.values()) - found.skipped[Skip.SPECK],
        joined=joined,
        mended=mended,
        skipped=+skipped,
    )


def _first(given: frozenset[str], wanted: Sequence[str]) -> str | None:
    return next((each for each in wanted if each in given), None)


def _code_column(given: frozenset[str], columns: Columns) -> tuple[str, System]:
    listed = (*_CODE_COLUMNS, *((("code", System.STATISTICS),) if "base_year" in given else ()))
    if columns.code is None:
        found = next(((column, system) for column, system in listed if column in given), None)
        if found is None:
            raise UnreadableError(
                f"no column of codes known here; name it and its system. It has {', '.join(sorted(given)[:30])}"
            )
        return found[0], columns.system or found[1]
    column = columns.code.lower()
    if column not in given:
        raise UnreadableError(f"no column {columns.code!r}; it has {', '.join(sorted(given)[:30])}")
    system = columns.system or dict(listed).get(column)
    if system is None:
        raise UnreadableError(f"column {columns.code!r} does not say by which system it counts: tell it")
    return column, system


def _text(value: object) -> str:
    """Codes are read as numbers by some writers; a float's `.0` is theirs, not the code's."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else " ".join(str(value).split())[:TEXT_CHARS_MAX]


def _aliases(properties: dict[str, object], column: str, code: Code) -> tuple[Code, ...]:
    """Codes of other systems that the same feature carries, at the same depth."""
    found: dict[System, Code] = {}
    for other, system in _CODE_COLUMNS:
        alias = areas.parsed(system, _text(properties.get(other)))
        if alias is None or other == column or system is code.system or areas.depth(alias) != areas.depth(code):
            continue
        found.setdefault(system, alias)
    return tuple(found.values())


def _sound(shape: Any) -> Any:
    """The shape when it is valid, untangled where that changes nothing that counts, or why not."""
    if shapely.is_valid(shape):
        return shape if shape.area > 0 else Skip.TORN
    parts = shapely.get_parts(shapely.make_valid(shape))
    flat = [each for each in parts if each.geom_type in ("Polygon", "MultiPolygon")]
    whole = shapely.union_all(flat)
    if whole.is_empty or abs(whole.area - abs(shape.area)) > MENDED_SHARE_MAX * whole.area:
        return Skip.TANGLED
    return whole


def _in_its_province(area: Area) -> bool:
    province = areas.province(area.code)
    if province is None:
        return area.code.system is System.LOCAL_GOVERNMENT
    return province.box.holds(*area.middle())
