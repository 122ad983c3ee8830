"""Forbidden places out of files of others: GeoJSON (polygons with holes, several polygons, points with a radius).

RFC 7946: degrees WGS84, longitude first; a file that says another reference system is not guessed at. Each feature is a
zone or is left out with a word; an id that the file has is kept, so that the next edition of the list meets it again.
The other way round too: an order's zones as GeoJSON.

Absent on purpose: what is done with them, and reference systems other than that of the standard (`boundaries` reads those).
"""

import hashlib
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any, Final, NamedTuple

import msgspec

from safetynet.core.orders import NAME_CHARS_MAX, Area, Circle, MultiPolygon, Polygon, Zone
from safetynet.core.shapes import Corners
from safetynet.core.terms import ZoneId
from safetynet.edge.codec import NONSENSE

BYTES_MAX: Final = 256 * 1024 * 1024
FEATURES_MAX: Final = 200_000
STEP: Final = 500
"""Features between two words of progress."""
DEGREES: Final = ("urn:ogc:def:crs:ogc:1.3:crs84", "urn:ogc:def:crs:epsg::4326", "epsg:4326", "crs84")
_NAMES: Final = ("name", "이름", "명칭", "시설명", "학교명", "구역명", "nm", "fclty_nm", "title")
_IDS: Final = ("id", "zone", "code", "관리번호", "시설코드", "학교id", "표준코드", "osm_id")
_RADII: Final = ("radius_m", "radius", "반경", "반지름")


class Problem(Enum):
    """Why a feature is no zone."""

    TORN = "torn"
    """No feature, or coordinates that are none."""
    NO_AREA = "no_area"
    """A line, or a point without a radius."""
    ABROAD = "abroad"
    CROSSES = "crosses"
    """An outline crosses itself, a hole lies outside, or parts lie over each other."""
    TOO_LARGE = "too_large"
    TOO_MANY_CORNERS = "too_many_corners"
    NO_NAME = "no_name"
    TWICE = "twice"
    """An id that an earlier feature has."""


_SAID: Final = {
    "circle outside Korea": Problem.ABROAD,
    "radius out of range": Problem.TOO_LARGE,
    "number of corners out of range": Problem.TOO_MANY_CORNERS,
    "number of polygons out of range": Problem.TOO_MANY_CORNERS,
    "corner outside Korea": Problem.ABROAD,
    "polygon too large": Problem.TOO_LARGE,
    "polygon crosses itself or has no area": Problem.CROSSES,
    "hole crosses an outline or lies outside": Problem.CROSSES,
    "polygons lie over each other": Problem.CROSSES,
}
"""What `core.shapes` says of a shape, as a word."""


class LeftOut(NamedTuple):
    row: int
    """From 1, as a person counts features."""
    name: str
    problem: Problem


class Taken(NamedTuple):
    zones: tuple[Zone, ...]
    left_out: tuple[LeftOut, ...]


class UnreadableError(Exception):
    """No list of zones at all. The text says why."""


class _Geometry(msgspec.Struct, frozen=True):
    type: str
    coordinates: msgspec.Raw = msgspec.Raw(b"null")


class _Feature(msgspec.Struct, frozen=True):
    type: str = ""
    id: str | int | None = None
    geometry: _Geometry | None = None
    properties: dict[str, msgspec.Raw] | None = None


class _Crs(msgspec.Struct, frozen=True):
    properties: dict[str, str] = {}


class _Collection(msgspec.Struct, frozen=True):
    type: str
    features: list[msgspec.Raw] = []
    crs: _Crs | None = None


_Ring = list[list[float]]


def read(data: bytes, progress: Callable[[float], None] = lambda _: None) -> Taken:
    """Raises UnreadableError for what is no GeoJSON of zones."""
    if len(data) > BYTES_MAX:
        raise UnreadableError(f"more than {BYTES_MAX} bytes")
    try:
        whole = msgspec.json.decode(data, type=_Collection)
    except NONSENSE as nonsense:
        raise UnreadableError("no GeoJSON (RFC 7946)") from nonsense
    if whole.type != "FeatureCollection" or not whole.features:
        raise UnreadableError("no FeatureCollection with features in it")
    if len(whole.features) > FEATURES_MAX:
        raise UnreadableError(f"more than {FEATURES_MAX} features")
    if whole.crs is not None and whole.crs.properties.get("name", "").casefold() not in DEGREES:
        raise UnreadableError("its crs member names another reference system than WGS84 degrees")
    zones: dict[ZoneId, Zone] = {}
    left_out: list[LeftOut] = []
    for n, raw in enumerate(whole.features):
        zone = _zone(raw)
        if isinstance(zone, Zone) and zone.id in zones:
            left_out.append(LeftOut(n + 1, zone.name, Problem.TWICE))
        elif isinstance(zone, Zone):
            zones[zone.id] = zone
        else:
            left_out.append(LeftOut(n + 1, _called(raw), zone))
        if n % STEP == 0:
            progress(n / len(whole.features))
    progress(1.0)
    return Taken(tuple(zones.values()), tuple(left_out))


def _zone(raw: msgspec.Raw) -> Zone | Problem:
    try:
        feature = msgspec.json.decode(raw, type=_Feature)
    except NONSENSE:
        return Problem.TORN
    if feature.geometry is None:
        return Problem.NO_AREA
    said = {key.casefold(): value for key, value in (feature.properties or {}).items()}
    area = area_of(feature.geometry.type, feature.geometry.coordinates, _figure(said))
    if isinstance(area, Problem):
        return area
    name = _text(said, _NAMES)[:NAME_CHARS_MAX]
    if not name:
        return Problem.NO_NAME
    own = str(feature.id) if feature.id is not None else _text(said, _IDS)
    if not own:  # the place itself, so that the same list gives the same ids
        own = hashlib.sha256(name.encode() + msgspec.json.encode(area)).hexdigest()[:16]
    return Zone(id=ZoneId(own), name=name, area=area)


def _called(raw: msgspec.Raw) -> str:
    try:
        feature = msgspec.json.decode(raw, type=_Feature)
    except NONSENSE:
        return ""
    return _text({key.casefold(): value for key, value in (feature.properties or {}).items()}, _NAMES)[:NAME_CHARS_MAX]


def _text(said: dict[str, msgspec.Raw], names: tuple[str, ...]) -> str:
    for each in names:
        value: Any = _plain(said[each]) if each in said else None
        if isinstance(value, str | int) and str(value).strip():
            return str(value).strip()
    return ""


def _figure(said: dict[str, msgspec.Raw]) -> float | None:
    for each in _RADII:
        value: Any = _plain(said[each]) if each in said else None
        if isinstance(value, int | float):
            return float(value)
    return None


def _plain(raw: msgspec.Raw) -> Any:
    try:
        return msgspec.json.decode(raw)
    except NONSENSE:
        return None


def area_of(kind: str, coordinates: bytes | msgspec.Raw, radius_m: float | None = None) -> Area | Problem:
    """A geometry of GeoJSON as a place."""
    try:
        match kind:
            case "Polygon":
                return _polygon(msgspec.json.decode(coordinates, type=list[_Ring]))
            case "MultiPolygon":
                parts = msgspec.json.decode(coordinates, type=list[list[_Ring]])
                made = tuple(map(_polygon, parts))
                return made[0] if len(made) == 1 else MultiPolygon(made)
            case "Point" if radius_m is not None:
                lon, lat, *_ = msgspec.json.decode(coordinates, type=list[float])
                return Circle(lat, lon, radius_m)
            case _:
                return Problem.NO_AREA
    except NONSENSE:
        return Problem.TORN
    except ValueError as wrong:
        return _SAID.get(str(wrong), Problem.TORN)


def _polygon(rings: list[_Ring]) -> Polygon:
    """Raises ValueError."""
    if not rings:
        raise ValueError("number of corners out of range")
    outer, *holes = (_corners(ring) for ring in rings)
    return Polygon(outer, tuple(holes))


def _corners(ring: _Ring) -> Corners:
    """Without the last, which repeats the first, and without corners that stand there twice in a row."""
    found: list[tuple[float, float]] = []
    for lon, lat, *_ in ring:
        if not found or found[-1] != (lat, lon):
            found.append((lat, lon))
    if len(found) > 1 and found[0] == found[-1]:
        found.pop()
    return tuple(found)


# --- and out again -------------------------------------------------------------------------------------------------


def written(zones: Iterator[Zone] | tuple[Zone, ...]) -> bytes:
    """As GeoJSON: a circle is a point with `radius_m`."""
    return msgspec.json.encode({"type": "FeatureCollection", "features": [_feature(each) for each in zones]})


def _feature(zone: Zone) -> dict[str, object]:
    said: dict[str, object] = {"name": zone.name}
    if isinstance(zone.area, Circle):
        said["radius_m"] = zone.area.radius_m
    return {"type": "Feature", "id": zone.id, "properties": said, "geometry": _geometry(zone.area)}


def _geometry(area: Area) -> dict[str, object]:
    match area:
        case Circle(lat, lon):
            return {"type": "Point", "coordinates": [lon, lat]}
        case Polygon():
            return {"type": "Polygon", "coordinates": _rings(area)}
        case MultiPolygon(polygons):
            return {"type": "MultiPolygon", "coordinates": [_rings(each) for each in polygons]}


def _rings(polygon: Polygon) -> list[list[list[float]]]:
    return [[[lon, lat] for lat, lon in (*ring, ring[0])] for ring in (polygon.corners, *polygon.holes)]
