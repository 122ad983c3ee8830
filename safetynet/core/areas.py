"""Areas on the map: which municipality, district or village a place lies in, and by which codes it is called.

Shapes are WGS84, x = longitude and y = latitude, and their edges are straight in degrees, as their makers drew them.
A border belongs to both sides: who asks gets both. Nothing here guesses: no area is an answer too.

Absent on purpose: files and projections (`edge.boundaries` reads and reprojects).
"""

import math
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from safetynet.core import geo


class System(Enum):
    """Who counts areas how (domain.md 5.3)."""

    LEGAL = "legal"
    """법정동: 2 (시도), 5 (시군구), 8 (읍면동) or 10 digits (리)."""
    ADMINISTRATIVE = "administrative"
    """행정동: 2, 5 or 10 digits. The first five are those of the legal code."""
    STATISTICS = "statistics"
    """SGIS of Statistics Korea: 2, 5, 7 (to 2020) or 8 digits. Its 11110 is another district than the legal 11110."""
    LOCAL_GOVERNMENT = "local_government"
    """개방자치단체코드: 7 digits, an organisation rather than an area."""


DIGITS: Final[dict[System, frozenset[int]]] = {
    System.LEGAL: frozenset({2, 5, 8, 10}),
    System.ADMINISTRATIVE: frozenset({2, 5, 10}),
    System.STATISTICS: frozenset({2, 5, 7, 8}),
    System.LOCAL_GOVERNMENT: frozenset({7}),
}


class Code(NamedTuple):
    system: System
    digits: str


def parsed(system: System, text: str) -> Code | None:
    """A code in its shortest form: 3014000000 names the district 30140. None when it is none of the system."""
    if not (text.isascii() and text.isdigit()):
        return None
    digits = text
    if len(digits) == 10 and system in (System.LEGAL, System.ADMINISTRATIVE):
        for ends, kept in (("00000000", 2), ("00000", 5), ("00", 8)):
            if digits.endswith(ends) and kept in DIGITS[system]:
                digits = digits[:kept]
                break
    return Code(system, digits) if len(digits) in DIGITS[system] else None


def depth(code: Code) -> int:
    """1 province, 2 district, 3 village, 4 hamlet (리); 2 for a local government."""
    match code.system:
        case System.LOCAL_GOVERNMENT:
            return 2
        case System.LEGAL:
            return {2: 1, 5: 2, 8: 3, 10: 4}[len(code.digits)]
        case System.ADMINISTRATIVE | System.STATISTICS:
            return {2: 1, 5: 2}.get(len(code.digits), 3)


def wider(code: Code) -> tuple[Code, ...]:
    """The code itself and those of the areas around it, the narrowest first."""
    if code.system is System.LOCAL_GOVERNMENT:
        return (code,)
    shorter = [size for size in sorted(DIGITS[code.system], reverse=True) if size < len(code.digits)]
    if code.system is System.STATISTICS:
        shorter = [size for size in shorter if size <= 5]  # seven digits are not the beginning of eight
    return (code, *(Code(code.system, code.digits[:size]) for size in shorter))


class Box(NamedTuple):
    south: float
    west: float
    north: float
    east: float

    def holds(self, lat: float, lon: float) -> bool:
        return self.south <= lat <= self.north and self.west <= lon <= self.east


class Province(NamedTuple):
    """시도. `legal` are its codes, the newest first: special self-governing provinces got new ones."""

    name: str
    legal: tuple[str, ...]
    statistics: str
    box: Box
    """Rounded outwards to 0.05 degrees or more, islands included. Wide enough for every boundary in force since 2018."""
    earlier_names: tuple[str, ...] = ()


PROVINCES: Final = (
    Province("서울특별시", ("11",), "11", Box(37.40, 126.70, 37.75, 127.25)),
    Province("부산광역시", ("26",), "21", Box(34.85, 128.70, 35.45, 129.40)),
    Province("대구광역시", ("27",), "22", Box(35.55, 128.30, 36.40, 129.00)),  # with 군위군, since July 2023
    Province("인천광역시", ("28",), "23", Box(36.85, 124.50, 38.05, 126.85)),
    Province("광주광역시", ("29",), "24", Box(35.00, 126.60, 35.30, 127.10)),
    Province("대전광역시", ("30",), "25", Box(36.15, 127.20, 36.55, 127.60)),
    Province("울산광역시", ("31",), "26", Box(35.25, 128.90, 35.80, 129.55)),
    Province("세종특별자치시", ("36",), "29", Box(36.35, 127.05, 36.80, 127.45)),
    Province("경기도", ("41",), "31", Box(36.80, 126.25, 38.35, 127.95)),
    Province("강원특별자치도", ("51", "42"), "32", Box(36.95, 127.00, 38.70, 129.45), ("강원도",)),
    Province("충청북도", ("43",), "33", Box(35.95, 127.20, 37.35, 128.75)),
    Province("충청남도", ("44",), "34", Box(35.90, 125.45, 37.15, 127.75)),
    Province("전북특별자치도", ("52", "45"), "35", Box(35.20, 125.90, 36.25, 128.00), ("전라북도",)),
    Province("전라남도", ("46",), "36", Box(33.85, 124.95, 35.60, 127.95)),
    Province("경상북도", ("47",), "37", Box(35.45, 127.70, 37.65, 131.95)),
    Province("경상남도", ("48",), "38", Box(34.40, 127.50, 36.00, 129.30)),
    Province("제주특별자치도", ("50", "49"), "39", Box(33.00, 125.95, 34.10, 127.10), ("제주도",)),
)


def province(code: Code) -> Province | None:
    """By the first two digits. A local government's code does not say its province."""
    first = code.digits[:2]
    match code.system:
        case System.LEGAL | System.ADMINISTRATIVE:
            return next((each for each in PROVINCES if first in each.legal), None)
        case System.STATISTICS:
            return next((each for each in PROVINCES if first == each.statistics), None)
        case System.LOCAL_GOVERNMENT:
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    code: Code
    name: str
    """As its source writes it: `중구` or `대전광역시 중구 은행선화동`."""
    name_en: str = ""
    aliases: tuple[Code, ...] = ()
    """What other systems call the same area, where its source says so."""
    shape: Any
    """shapely Polygon or MultiPolygon, valid, not empty."""

    def contains(self, lats: NDArray[np.float64], lons: NDArray[np.float64]) -> NDArray[np.bool_]:
        """For each place whether it lies in the area or on its border. False for NaN."""
        shapely.prepare(self.shape)
        return np.asarray(shapely.intersects_xy(self.shape, lons, lats), dtype=np.bool_)

    def covers(self, lat: float, lon: float) -> bool:
        return bool(self.contains(np.array([lat]), np.array([lon]))[0])

    def middle(self) -> geo.Point:
        """A place that certainly lies within."""
        inner = shapely.point_on_surface(self.shape)
        return geo.Point(float(inner.y), float(inner.x))

    def outline(self) -> tuple[tuple[float, float], ...]:
        """(lat, lon) corners of the outer border of the largest part, the first not repeated."""
        largest = max(shapely.get_parts(self.shape), key=lambda part: float(part.area))
        ring = shapely.get_coordinates(shapely.get_exterior_ring(largest))[:-1]
        return tuple((float(lat), float(lon)) for lon, lat in ring)


class Near(NamedTuple):
    area: Area
    distance_m: float
    """0 within the area and on its border."""


@dataclass(frozen=True)
class Areas:
    """Areas of one kind over which places are looked up. They may touch, and where maps disagree, overlap."""

    all: tuple[Area, ...]

    @cached_property
    def _tree(self) -> Any:
        return shapely.STRtree([each.shape for each in self.all])

    @cached_property
    def _by_code(self) -> dict[Code, Area]:
        found = {code: each for each in self.all for code in each.aliases}
        return found | {each.code: each for each in self.all}

    def __len__(self) -> int:
        return len(self.all)

    def by_code(self, code: Code) -> Area | None:
        return self._by_code.get(code)

    def at(self, lat: float, lon: float) -> tuple[Area, ...]:
        """All areas that hold the place, in their order: none in the sea, two on a border."""
        hits = self._tree.query(shapely.Point(lon, lat), predicate="intersects")
        return tuple(self.all[int(each)] for each in sorted(hits))

    def locate(self, lats: NDArray[np.float64], lons: NDArray[np.float64]) -> NDArray[np.int64]:
        """For each place the index in `all` of the area that holds it (the first, on a border), -1 for none."""
        found = np.full(len(lats), -1, dtype=np.int64)
        placed = np.isfinite(lats) & np.isfinite(lons)
        points = shapely.points(np.asarray(lons)[placed], np.asarray(lats)[placed])
        which, area = self._tree.query(points, predicate="intersects")
        where = np.flatnonzero(placed)
        order = np.argsort(-area, kind="stable")  # the first area is written last
        found[where[which[order]]] = area[order]
        return found

    def near(self, lat: float, lon: float, within_m: float) -> tuple[Near, ...]:
        """Areas not farther than `within_m` (at most 100 km), nearest first: who is asked when a circle crosses."""
        reach = min(within_m, 100_000.0)
        along, across = geo.radii_m(lat)
        north = math.degrees(reach / along)
        east = math.degrees(reach / (across * math.cos(math.radians(lat))))
        hits = self._tree.query(shapely.box(lon - east, lat - north, lon + east, lat + north))
        scale = np.array([math.radians(1.0) * across * math.cos(math.radians(lat)), math.radians(1.0) * along])
        here = np.array([lon, lat])
        found: list[tuple[float, int]] = []
        for each in hits:
            flat = shapely.transform(self.all[int(each)].shape, lambda xy: (xy - here) * scale)
            away = float(shapely.distance(flat, shapely.Point(0.0, 0.0)))
            if away <= reach:
                found.append((away, int(each)))
        return tuple(Near(self.all[index], away) for away, index in sorted(found))

    def dissolved(self, digits: int) -> "Areas":
        """Areas joined whose codes (and aliases) agree in their first digits: districts (5) out of villages.

        The name is the part that all names share, word by word; the code of the first alias system is kept too.
        """
        groups: dict[Code, list[Area]] = {}
        for each in self.all:
            groups.setdefault(Code(each.code.system, each.code.digits[:digits]), []).append(each)
        return Areas(tuple(_joined(code, groups[code], digits) for code in sorted(groups, key=lambda c: c.digits)))


def _joined(code: Code, parts: list[Area], digits: int) -> Area:
    words = [each.name.split() for each in parts]
    shared: list[str] = []
    for at_place in zip(*words, strict=False):
        if len(set(at_place)) > 1:
            break
        shared.append(at_place[0])
    aliases = {Code(each.system, each.digits[:digits]) for part in parts for each in part.aliases}
    one_each = {each.system for each in aliases}
    sure = tuple(sorted(aliases, key=lambda c: c.system.value)) if len(one_each) == len(aliases) else ()
    shape = shapely.union_all([each.shape for each in parts])
    if len(parts) == 1:
        return replace(parts[0], code=code, aliases=sure)
    return Area(code=code, name=" ".join(shared) or code.digits, aliases=sure, shape=shape)


def shift_m(areas: Areas, reference: Areas) -> tuple[float, float, int]:
    """How far areas lie from those of the same code in another map: median metres east and north, and how many.

    Two maps of the same districts disagree here and there; all of them moved the same way is a wrong reference
    system: Bessel read as GRS80 is 313 m off and looks right.
    """
    moved: list[tuple[float, float]] = []
    for each in areas.all:
        other = next((o for c in (each.code, *each.aliases) if (o := reference.by_code(c)) is not None), None)
        if other is not None:
            here, there = shapely.centroid(each.shape), shapely.centroid(other.shape)
            moved.append(geo.Plane(float(there.y), float(there.x)).to_xy(float(here.y), float(here.x)))
    if not moved:
        return 0.0, 0.0, 0
    east, north = np.median(np.array(moved), axis=0)
    return float(east), float(north), len(moved)
