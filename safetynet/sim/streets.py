"""The made city pair: streets, buildings, parks, a river with bridges. Everything else of `sim` stands on it.

Deterministic: the same seed gives the same city to the byte. Nothing here is a real place: 가람시 and 나래시 lie on real
coordinates only because a device must report some. Plane metres (x east, y north) throughout; WGS84 at the border.

Absent on purpose: who walks there (people), who looks (world).
"""

import heapq
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from random import Random
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from safetynet.core.terms import CentreId
from safetynet.sim.plane import Plane
from safetynet.sim.tracks import Walk, spaced

Floats = npt.NDArray[np.float64]
Point = tuple[float, float]

ORIGIN: Final = (36.350, 127.380)
GARAM: Final = CentreId("garam")
NARAE: Final = CentreId("narae")
CITY_NAMES: Final = {GARAM: "가람시", NARAE: "나래시"}
ROAD_WIDTH_M: Final = (6.5, 12.0, 20.0)
"""Between kerbs, by rank: 0 local (길), 1 collector (로), 2 arterial (대로)."""
PAVEMENT_M: Final = (1.8, 2.8, 3.8)
CLASSES: Final = ("local", "collector", "arterial")
RIVER_HALF_M: Final = 58.0
MAP_BYTES_MAX: Final = 1_500_000

_STEMS: Final = [
    "물레방아",
    "은하",
    "초승달",
    "별빛",
    "달맞이",
    "솔바람",
    "느티나무",
    "오름",
    "가온",
    "새벽",
    "구름",
    "노을",
    "이슬",
    "무지개",
    "반딧불",
    "종달새",
    "해오름",
    "다솜",
    "미르",
    "누리",
    "아람",
    "보람",
    "한울",
    "찬샘",
    "여울",
    "버들",
    "두레",
    "꽃마루",
    "은모래",
    "샛별",
    "하늬",
    "바람개비",
    "윤슬",
    "소나기",
    "도토리",
    "조약돌",
    "파랑새",
    "민들레",
    "달무리",
    "봄내",
    "갈대",
    "모래톱",
    "산마루",
    "들꽃",
    "청솔",
    "햇살",
    "늘봄",
    "온새미",
    "라온",
    "단풍",
    "다람쥐",
    "억새",
    "물수제비",
    "잠자리",
    "고슬",
    "은방울",
    "너울",
    "마루",
    "나들",
    "새마루",
]
_SUFFIX: Final = ("길", "로", "대로")
_WEST, _EAST, _ROWS = 15, 11, 21
_WIDTH_M, _HEIGHT_M = 3000.0, 2200.0
_PARKS: Final = ((520.0, 640.0, 190.0, 130.0, "별빛공원"), (1120.0, 1580.0, 200.0, 150.0, "가람어린이공원"),
                 (2380.0, 1250.0, 170.0, 190.0, "나래숲공원"), (2520.0, 380.0, 190.0, 120.0, "윤슬공원"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Road:
    """A straight piece between two nodes. Both directions may be used."""

    a: int
    b: int
    rank: int
    name: str
    length_m: float
    bridge: bool = False

    @property
    def width_m(self) -> float:
        return ROAD_WIDTH_M[self.rank]


@dataclass(frozen=True, slots=True)
class Building:
    """A footprint of four corners, counter-clockwise, with what its facade needs. `shop` = a shop at street level."""

    corners: tuple[Point, Point, Point, Point]
    height_m: float
    shop: bool
    seed: int


@dataclass(frozen=True, slots=True)
class City:
    id: CentreId
    name: str
    outline: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Area:
    """A park or a water surface."""

    name: str
    outline: tuple[Point, ...]


@dataclass(frozen=True, eq=False)
class Streets:
    plane: Plane
    nodes: Floats
    """(n, 2) metres."""
    roads: tuple[Road, ...]
    buildings: tuple[Building, ...]
    parks: tuple[Area, ...]
    water: tuple[Area, ...]
    cities: tuple[City, ...]
    border: tuple[Point, ...]
    """Line between the two cities; empty when there is only one."""
    adjacent: tuple[tuple[tuple[int, int], ...], ...] = field(default=())
    """Per node: (neighbour, index of the road)."""
    walk: Walk | None = None
    """A recorded walk that leads over the border, when the streets were made along one."""

    def city_at(self, x: float, y: float) -> CentreId | None:
        return next((each.id for each in self.cities if inside(x, y, each.outline)), None)

    def nearest(self, x: float, y: float) -> int:
        """The node nearest to a point; only nodes that a road reaches count."""
        return int(self._reached[np.argmin(((self.nodes[self._reached] - (x, y)) ** 2).sum(axis=1))])

    @cached_property
    def _reached(self) -> npt.NDArray[np.int64]:
        return np.array([n for n, each in enumerate(self.adjacent) if each], np.int64)

    def route(self, start: int, goal: int, *, faster_by_rank: bool = False) -> list[int]:
        """Nodes of the shortest way, both ends included; empty when there is none. Cars prefer wide roads."""
        gain = (1.0, 0.8, 0.62) if faster_by_rank else (1.0, 1.0, 1.0)
        best, before, queue = {start: 0.0}, {start: start}, [(0.0, start)]
        while queue:
            cost, node = heapq.heappop(queue)
            if node == goal:
                return _unwind(before, start, goal)
            if cost > best[node]:
                continue
            for other, road in self.adjacent[node]:
                onward = cost + self.roads[road].length_m * gain[self.roads[road].rank]
                if onward < best.get(other, math.inf):
                    best[other], before[other] = onward, node
                    heapq.heappush(queue, (onward, other))
        return []

    def distances(self, start: int, without: int = -1) -> dict[int, float]:
        """Metres by road from a node to every node that can be reached, if need be without passing one of them."""
        best, queue = {start: 0.0}, [(0.0, start)]
        while queue:
            cost, node = heapq.heappop(queue)
            if cost > best[node]:
                continue
            for other, road in self.adjacent[node]:
                onward = cost + self.roads[road].length_m
                if other != without and onward < best.get(other, math.inf):
                    best[other] = onward
                    heapq.heappush(queue, (onward, other))
        return best

    def road_between(self, a: int, b: int) -> Road:
        """Raises StopIteration when the two nodes are no neighbours."""
        return next(self.roads[road] for other, road in self.adjacent[a] if other == b)

    @cached_property
    def walls(self) -> Floats:
        """(n, 8) corners of all footprints: x0, y0, ... x3, y3."""
        return np.array([[v for corner in each.corners for v in corner] for each in self.buildings]).reshape(-1, 8)

    @cached_property
    def middles(self) -> Floats:
        found: Floats = self.walls.reshape(-1, 4, 2).mean(axis=1)
        return found

    def buildings_near(self, x: float, y: float, within_m: float) -> list[int]:
        gap = ((self.middles - (x, y)) ** 2).sum(axis=1)
        return [int(each) for each in np.flatnonzero(gap < (within_m + 20.0) ** 2)]

    def clear(self, a: Point, b: Point) -> bool:
        """Whether no footprint stands on the straight line between two points."""
        (ax, ay), (bx, by) = a, b
        middle = ((ax + bx) / 2, (ay + by) / 2)
        near = self.buildings_near(*middle, math.dist(a, b) / 2 + 5)
        if not near:
            return True
        quads = self.walls[near].reshape(-1, 4, 2)
        p, q = quads, np.roll(quads, -1, axis=1)
        side_p = (bx - ax) * (p[..., 1] - ay) - (by - ay) * (p[..., 0] - ax)
        side_q = (bx - ax) * (q[..., 1] - ay) - (by - ay) * (q[..., 0] - ax)
        edge = q - p
        side_a = edge[..., 0] * (ay - p[..., 1]) - edge[..., 1] * (ax - p[..., 0])
        side_b = edge[..., 0] * (by - p[..., 1]) - edge[..., 1] * (bx - p[..., 0])
        return not bool(((side_p * side_q < 0) & (side_a * side_b < 0)).any())

    def base_map(self) -> dict[str, Any]:
        """GeoJSON FeatureCollection; every feature has `layer` (road, building, water, park, border, label)."""
        return {"type": "FeatureCollection", "features": list(_features(self))}

    def base_map_bytes(self) -> bytes:
        """The map as it is served. Where a real list makes the streets long, the houses farthest from the border are left
        out of the map (never out of the pictures) until it is small enough.
        """
        shown = self
        while (
            len(text := json.dumps(shown.base_map(), ensure_ascii=False, separators=(",", ":")).encode())
            > MAP_BYTES_MAX
        ):
            assert shown.buildings, "roads alone are too large"
            middle = np.mean(np.array(self.border or self.cities[0].outline), axis=0)
            gap = ((shown.middles - middle) ** 2).sum(axis=1)
            nearest = np.argsort(gap, kind="stable")[: int(len(gap) * 0.8 * MAP_BYTES_MAX / len(text))]
            shown = replace(self, buildings=tuple(shown.buildings[k] for k in sorted(nearest.tolist())))
        return text


def inside(x: float, y: float, outline: Sequence[Point]) -> bool:
    """Even-odd rule."""
    odd = False
    for (ax, ay), (bx, by) in zip(outline, [*outline[1:], outline[0]], strict=True):
        if (ay > y) != (by > y) and x < (bx - ax) * (y - ay) / (by - ay) + ax:
            odd = not odd
    return odd


def middle(outline: Sequence[Point]) -> Point:
    """The centre of a surface. The mean of its corners would lie where most corners are: at the river."""
    corners = np.array(outline)
    after = np.roll(corners, -1, axis=0)
    cross = corners[:, 0] * after[:, 1] - after[:, 0] * corners[:, 1]
    x, y = ((corners + after) * cross[:, None]).sum(axis=0) / (3 * cross.sum())
    return float(x), float(y)


def _unwind(before: dict[int, int], start: int, goal: int) -> list[int]:
    way = [goal]
    while way[-1] != start:
        way.append(before[way[-1]])
    return way[::-1]


def join(plane: Plane, nodes: Floats, roads: Sequence[Road], **rest: Any) -> Streets:
    adjacent: list[list[tuple[int, int]]] = [[] for _ in nodes]
    for index, road in enumerate(roads):
        adjacent[road.a].append((road.b, index))
        adjacent[road.b].append((road.a, index))
    return Streets(plane=plane, nodes=nodes, roads=tuple(roads), adjacent=tuple(map(tuple, adjacent)), **rest)


# --- the map -------------------------------------------------------------------------------------------------------


def _features(streets: Streets) -> Iterator[dict[str, Any]]:
    def spot(x: float, y: float) -> list[float]:
        lat, lon = streets.plane.to_latlon(x, y)
        return [round(lon, 6), round(lat, 6)]

    def ring(points: Sequence[Point]) -> list[list[float]]:
        return [spot(*each) for each in (*points, points[0])]

    def feature(shape: str, coordinates: Any, **properties: Any) -> dict[str, Any]:
        return {"type": "Feature", "properties": properties, "geometry": {"type": shape, "coordinates": coordinates}}

    for area in streets.water:
        yield feature("Polygon", [ring(area.outline)], layer="water", name=area.name)
    for area in streets.parks:
        yield feature("Polygon", [ring(area.outline)], layer="park", name=area.name)
    # Footprints travel in bundles: a feature's own words would weigh as much as its corners.
    for first in range(0, len(streets.buildings), 64):
        bundle = [[ring(each.corners)] for each in streets.buildings[first : first + 64]]
        yield feature("MultiPolygon", bundle, layer="building")
    for name, rank, bridge, line in _lines(streets):
        yield feature("LineString", [spot(*map(float, streets.nodes[node])) for node in line], layer="road", name=name,
                      **{"class": CLASSES[rank], "width_m": ROAD_WIDTH_M[rank], "bridge": bridge})  # fmt: skip
    if streets.border:
        name = "·".join(each.name for each in streets.cities)
        yield feature("LineString", [spot(*each) for each in streets.border], layer="border", name=name)
    for city in streets.cities:
        x, y = middle(city.outline)
        yield feature("Point", spot(x, y), layer="label", kind="city", name=city.name)
    for kind, areas in (("park", streets.parks), ("water", streets.water)):
        for area in areas:
            x, y = (float(v) for v in np.mean(np.array(area.outline), axis=0))
            yield feature("Point", spot(x, y), layer="label", kind=kind, name=area.name)
    for road in streets.roads:
        if road.bridge:
            x, y = (streets.nodes[road.a] + streets.nodes[road.b]) / 2
            yield feature("Point", spot(float(x), float(y)), layer="label", kind="bridge",
                          name=road.name.removesuffix("대로").removesuffix("로") + "다리")  # fmt: skip


def _lines(streets: Streets) -> Iterator[tuple[str, int, bool, list[int]]]:
    """Pieces of one street joined into lines, so that its name can be written along it."""
    line: list[int] = []
    last: Road | None = None
    for road in streets.roads:
        same = last is not None and last.name == road.name and last.bridge == road.bridge and last.rank == road.rank
        if same and line[-1] == road.a:
            line.append(road.b)
        else:
            if last is not None:
                yield last.name, last.rank, last.bridge, line
            line = [road.a, road.b]
        last = road
    if last is not None:
        yield last.name, last.rank, last.bridge, line


# --- building the made pair ----------------------------------------------------------------------------------------


def _river_x(y: float) -> float:
    return 1720.0 + 120.0 * math.sin(y / 520.0 + 0.6) + 45.0 * math.sin(y / 215.0 + 1.0)


def _turn(x: float, y: float) -> Point:
    """The whole pair is turned a little: no real city lies square to the map."""
    angle, x, y = math.radians(-9.0), x - _WIDTH_M / 2, y - _HEIGHT_M / 2
    return x * math.cos(angle) - y * math.sin(angle), x * math.sin(angle) + y * math.cos(angle)


def _grid(dice: Random) -> Floats:
    """(columns, rows, 2). Columns lean with the river the more, the nearer they are to it; rows wave a little."""
    grid = np.zeros((_WEST + _EAST, _ROWS, 2))
    pitch = _HEIGHT_M / (_ROWS - 1)
    rows = [j * pitch + dice.uniform(-12, 12) for j in range(_ROWS)]
    shares = [(i + dice.uniform(-0.14, 0.14) * (0 < i < _WEST - 1)) / (_WEST - 1) for i in range(_WEST)]
    shares += [(i + dice.uniform(-0.14, 0.14) * (0 < i < _EAST - 1)) / (_EAST - 1) for i in range(_EAST)]
    for i, share in enumerate(shares):
        for j, row in enumerate(rows):
            bank = RIVER_HALF_M + 26.0
            near = _river_x(row)
            x = share * (near - bank) if i < _WEST else near + bank + share * (_WIDTH_M - near - bank)
            y = row + 30.0 * math.sin(x / 430.0 + 0.5) + 12.0 * math.sin(x / 170.0)
            jitter = 5.0 if i not in (_WEST - 1, _WEST) else 0.0
            grid[i, j] = x + dice.uniform(-jitter, jitter), y + dice.uniform(-jitter, jitter)
    return grid


def _rank(index: int, *, column: bool) -> int:
    if column:
        return 2 if index % 8 == 5 else 1 if index % 4 == 1 else 0
    return 2 if index % 6 == 3 else 1 if index % 3 == 0 else 0


def _in_park(x: float, y: float, grow: float = 1.0) -> bool:
    return any(((x - px) / (rx * grow)) ** 2 + ((y - py) / (ry * grow)) ** 2 < 1 for px, py, rx, ry, _ in _PARKS)


def _pieces(dice: Random, grid: Floats) -> Iterator[tuple[int, int, int, str, bool]]:
    """(node, node, rank, name, bridge), street by street and in order along each."""
    stems = iter(_STEMS)
    for j in range(_ROWS):
        rank = _rank(j, column=False)
        name = next(stems) + _SUFFIX[rank]
        for i in range(_WEST + _EAST - 1):
            bridge = i == _WEST - 1
            if bridge and rank == 0:
                continue
            if rank > 0 or _kept(dice, grid[i, j], grid[i + 1, j]):
                yield i * _ROWS + j, (i + 1) * _ROWS + j, rank, name, bridge
    for i in range(_WEST + _EAST):
        bank = i in (_WEST - 1, _WEST)
        rank = 1 if bank else _rank(i, column=True)
        name = f"{'가람' if i < _WEST else '나래'}강변로" if bank else next(stems) + _SUFFIX[rank]
        for j in range(_ROWS - 1):
            if rank > 0 or _kept(dice, grid[i, j], grid[i, j + 1]):
                yield i * _ROWS + j, i * _ROWS + j + 1, rank, name, False


def _kept(dice: Random, a: Floats, b: Floats) -> bool:
    middle = (a + b) / 2
    return dice.random() > 0.11 and not _in_park(float(middle[0]), float(middle[1]))


def build(seed: int = 20261123) -> Streets:
    """The made pair 가람시 and 나래시: about 3 x 2.2 km, divided by a river."""
    dice = Random(seed)
    grid = _grid(dice)
    nodes = np.array([_turn(float(x), float(y)) for x, y in grid.reshape(-1, 2)])
    roads = [
        Road(a, b, rank, name, float(math.dist(nodes[a], nodes[b])), bridge)
        for a, b, rank, name, bridge in _pieces(dice, grid)
    ]
    buildings = [
        each for i in range(_WEST + _EAST - 1) if i != _WEST - 1 for j in range(_ROWS - 1)
        for each in _block(dice, grid, i, j)
    ]  # fmt: skip
    steps = [-160.0 + 40.0 * k for k in range(64)]
    west = [_turn(_river_x(y) - RIVER_HALF_M, y) for y in steps]
    east = [_turn(_river_x(y) + RIVER_HALF_M, y) for y in steps]
    middle = [_turn(_river_x(y), y) for y in steps]
    edge = (steps[0], steps[-1])
    left = [_turn(-160.0, edge[1]), _turn(-160.0, edge[0])]
    right = [_turn(_WIDTH_M + 160.0, edge[1]), _turn(_WIDTH_M + 160.0, edge[0])]
    return join(
        Plane(*ORIGIN), nodes, roads, buildings=tuple(buildings),
        parks=tuple(Area(name, tuple(_oval(px, py, rx, ry))) for px, py, rx, ry, name in _PARKS),
        water=(Area("여울강", tuple(west + east[::-1])),),
        cities=(City(GARAM, CITY_NAMES[GARAM], tuple(middle + left)), City(NARAE, CITY_NAMES[NARAE], tuple(middle + right))),
        border=tuple(middle),
    )  # fmt: skip


def _oval(px: float, py: float, rx: float, ry: float) -> Iterator[Point]:
    for k in range(28):
        angle = k / 28 * math.tau
        swell = 0.9 * (1 + 0.08 * math.sin(angle * 3 + px))
        yield _turn(px + rx * swell * math.cos(angle), py + ry * swell * math.sin(angle))


def _block(dice: Random, grid: Floats, i: int, j: int) -> Iterator[Building]:
    """Buildings stand in rows along the four sides of a block, with a slab or two in a wide yard."""
    sides = (_rank(j, column=False), _column_rank(i + 1), _rank(j + 1, column=False), _column_rank(i))
    insets = [ROAD_WIDTH_M[rank] / 2 + PAVEMENT_M[rank] + 1.2 for rank in sides]
    corner = grid[i, j], grid[i + 1, j], grid[i + 1, j + 1], grid[i, j + 1]
    wide = (math.dist(corner[0], corner[1]) + math.dist(corner[3], corner[2])) / 2
    deep = (math.dist(corner[0], corner[3]) + math.dist(corner[1], corner[2])) / 2
    west, east, south, north = insets[3], wide - insets[1], insets[0], deep - insets[2]

    def put(u: float, v: float) -> Point:
        s, t = u / wide, v / deep
        x, y = (1 - s) * (1 - t) * corner[0] + s * (1 - t) * corner[1] + s * t * corner[2] + (1 - s) * t * corner[3]
        return float(x), float(y)

    def stand(u0: float, v0: float, u1: float, v1: float, rank: int, floors: int) -> Iterator[Building]:
        box = put(u0, v0), put(u1, v0), put(u1, v1), put(u0, v1)
        if any(_in_park(*each, 1.05) for each in (*box, put((u0 + u1) / 2, (v0 + v1) / 2))):
            return
        shop = dice.random() < (0.25, 0.7, 0.85)[rank]
        a, b, c, d = (_turn(*each) for each in box)
        yield Building((a, b, c, d), 0.9 + 3.1 * floors, shop, dice.getrandbits(31))

    row = dice.uniform(12.0, 16.0)
    for u0, u1 in _lots(dice, west, east):
        yield from stand(u0, south, u1, south + row - dice.uniform(0, 3), sides[0], _floors(dice, sides[0]))
    for u0, u1 in _lots(dice, west, east):
        yield from stand(u0, north - row + dice.uniform(0, 3), u1, north, sides[2], _floors(dice, sides[2]))
    for v0, v1 in _lots(dice, south + row + 3, north - row - 3):
        yield from stand(west, v0, west + row - dice.uniform(0, 3), v1, sides[3], _floors(dice, sides[3]))
        yield from stand(east - row + dice.uniform(0, 3), v0, east, v1, sides[1], _floors(dice, sides[1]))
    if east - west - 2 * row > 34 and north - south - 2 * row > 24 and dice.random() < 0.7:
        yield from stand(west + row + 9, south + row + 8, east - row - 9, south + row + 19, 0, dice.randint(3, 6))


def _column_rank(i: int) -> int:
    return 1 if i in (_WEST - 1, _WEST) else _rank(i, column=True)


def _floors(dice: Random, rank: int) -> int:
    return dice.choice(((2, 2, 3, 3, 4), (2, 3, 4, 4, 5, 6), (4, 5, 6, 7, 8, 10))[rank])


def _lots(dice: Random, start: float, end: float) -> Iterator[tuple[float, float]]:
    at = start
    while end - at > 9.0:
        length = dice.uniform(11.0, 22.0)
        if end - at - length < 9.0:
            length = end - at
        if dice.random() > 0.07:
            yield at, at + length
        at += length + (dice.uniform(0.5, 1.4) if dice.random() < 0.8 else dice.uniform(2.5, 5.0))


# --- streets past real poles ---------------------------------------------------------------------------------------

ALONG_MAX: Final = 12_000
_MERGE_M: Final = 18.0
_LINK_MAX_M: Final = 260.0


def along(points: Sequence[tuple[float, float]], seed: int = 20261123, walk: Walk | None = None) -> Streets:
    """Streets that run past given poles, (lat, lon) WGS84: for lists of real cameras, whose real streets we do not have.

    Poles become junctions of a Gabriel graph (no road crosses another), buildings stand along it. All given poles lie in
    the first city; the second is made: the mirror image of the side on which most poles stand near the rim, so that there
    is a border to cross. A recorded `walk` is moved and turned to where it passes most poles on its way over the border,
    and gets a street of its own. Raises ValueError for fewer than 8 or more than 12,000 points.
    """
    if not 8 <= len(points) <= ALONG_MAX:
        raise ValueError(f"{len(points)} poles; 8 to {ALONG_MAX} make streets")
    dice = Random(seed)
    plane = Plane(*(float(v) for v in np.median(np.array(points), axis=0)))
    poles = _merged(np.array([plane.to_xy(*each) for each in points]))
    turn = max((np.array(each) for each in _QUARTERS), key=lambda each: _crowded(poles @ each.T))
    if walk is not None:
        turn, walk = _passing(poles, walk)
    east = poles @ turn.T
    edge = float(east[:, 0].max()) + 30.0
    band = east[east[:, 0] > edge - _BAND_M] * (-1.0, 1.0) + (2 * edge, 0.0)
    # The streets run past the poles, not through them.
    nodes = np.vstack([east, band]) @ turn + (0.0, 6.5)
    if walk is not None:
        nodes = _with_street(nodes, walk)
    roads = list(_gabriel(dice, nodes))
    used = sorted({each.a for each in roads} | {each.b for each in roads})
    at = {node: k for k, node in enumerate(used)}
    nodes = nodes[used]
    roads = [Road(at[each.a], at[each.b], each.rank, each.name, each.length_m) for each in roads]
    (left, low), (right, high) = east.min(axis=0) - 300.0, (nodes @ turn.T).max(axis=0) + 300.0
    boxes = (
        ((edge, low), (edge, high), (left, high), (left, low)),
        ((edge, low), (right, low), (right, high), (edge, high)),
    )
    outlines = [tuple((float(x), float(y)) for x, y in np.array(box) @ turn) for box in boxes]
    cities = tuple(City(id, CITY_NAMES[id], box) for id, box in zip((GARAM, NARAE), outlines, strict=True))
    return join(plane, nodes, roads, buildings=tuple(_frontage(dice, nodes, roads)), parks=(), water=(), cities=cities,
                border=outlines[0][:2], walk=walk)  # fmt: skip


WALK_BORDER_S: Final = 60.0
"""A recorded walk is over the border after so many seconds."""
_WATCHED_M: Final = 45.0
_WALK_DEEP_M: Final = 400.0
_WALK_GAP_M: Final = 38.0
_WALK_CLEAR_M: Final = 24.0
"""More than half the gap: then no pole comes between two corners of the walk's street."""
_WALK_ASIDE_M: Final = 4.2
"""From the middle of a local street to its pavement."""


def _passing(poles: Floats, walk: Walk) -> tuple[Floats, Walk]:
    """Of all directions and places: where the walk passes most poles before it comes to the border."""
    best: tuple[int, Floats, Floats] = -1, np.eye(2), np.zeros(2)
    over = float(np.interp(min(WALK_BORDER_S, walk.length_s / 2), walk.at_s, walk.trail[:, 0]))
    before = walk.trail[walk.trail[:, 0] < over]
    for degrees in range(0, 360, 5):
        angle = math.radians(degrees)
        turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
        east = poles @ turn.T
        edge = float(east[:, 0].max()) + 30.0
        deep = east[east[:, 0] > edge - _WALK_DEEP_M]
        for _, y in deep:
            shift = np.array([edge - over, y + _WALK_ASIDE_M])
            gaps = np.linalg.norm(deep[:, None] - (before + shift)[None], axis=2).min(axis=1)
            seen = int((gaps < _WATCHED_M).sum())
            if seen > best[0]:
                best = seen, turn, shift
    _, turn, shift = best
    return turn, walk.placed(turn, shift @ turn)


def _with_street(nodes: Floats, walk: Walk) -> Floats:
    """Junctions along the walk's right-hand side, instead of those that would stand in its way."""
    corners = spaced(walk.trail, _WALK_GAP_M)
    ahead = (walk.trail[-1] - walk.trail[0]) / np.linalg.norm(walk.trail[-1] - walk.trail[0])
    corners = corners + np.array([-ahead[1], ahead[0]]) * _WALK_ASIDE_M
    line = spaced(corners, 2.0)
    gaps = np.linalg.norm(nodes[:, None] - line[None], axis=2).min(axis=1)
    return np.vstack([nodes[gaps > _WALK_CLEAR_M], corners])


_BAND_M: Final = 900.0
_QUARTERS: Final = (
    ((1.0, 0.0), (0.0, 1.0)),
    ((-1.0, 0.0), (0.0, -1.0)),
    ((0.0, 1.0), (-1.0, 0.0)),
    ((0.0, -1.0), (1.0, 0.0)),
)


def _crowded(points: Floats) -> int:
    return int((points[:, 0] > points[:, 0].max() - _BAND_M).sum())


def _merged(points: Floats) -> Floats:
    """One of each group that stands closer than a junction is wide."""
    kept: dict[tuple[int, int], list[Floats]] = {}
    for each in points:
        i, j = math.floor(each[0] / _MERGE_M), math.floor(each[1] / _MERGE_M)
        near = [other for u in (i - 1, i, i + 1) for v in (j - 1, j, j + 1) for other in kept.get((u, v), ())]
        if all(math.dist(each, other) > _MERGE_M for other in near):
            kept.setdefault((i, j), []).append(each)
    return np.array([each for cell in kept.values() for each in cell])


def _gabriel(dice: Random, nodes: Floats) -> Iterator[Road]:
    """Two poles are joined when no third lies in the circle between them."""
    tree = Cells(nodes)
    for a, here in enumerate(nodes):
        for b in tree.near(here, _LINK_MAX_M):
            gap = math.dist(here, nodes[b])
            if b <= a or any(c not in (a, b) for c in tree.near((here + nodes[b]) / 2, gap / 2 - 0.01)):
                continue
            rank = 1 if gap > 90 and dice.random() < 0.4 else 0
            yield Road(a, b, rank, dice.choice(_STEMS) + _SUFFIX[rank], gap)


class Cells:
    """Points in square cells: who lies within a radius."""

    def __init__(self, points: Floats, cell_m: float = 60.0) -> None:
        self._points, self._cell = points, cell_m
        self._cells: dict[tuple[int, int], list[int]] = {}
        for n, (x, y) in enumerate(points):
            self._cells.setdefault((math.floor(x / cell_m), math.floor(y / cell_m)), []).append(n)

    def near(self, at: Floats, within_m: float) -> list[int]:
        x, y = float(at[0]), float(at[1])
        reach = range(math.floor((x - within_m) / self._cell), math.floor((x + within_m) / self._cell) + 1)
        rows = range(math.floor((y - within_m) / self._cell), math.floor((y + within_m) / self._cell) + 1)
        return sorted(
            n for i in reach for j in rows for n in self._cells.get((i, j), ())
            if math.dist((x, y), self._points[n]) < within_m
        )  # fmt: skip


def _frontage(dice: Random, nodes: Floats, roads: Sequence[Road]) -> Iterator[Building]:
    """Buildings along both sides of every road, where they stand on no road and on no other building."""
    middles = np.array([(nodes[each.a] + nodes[each.b]) / 2 for each in roads])
    index = Cells(middles)
    stood: dict[tuple[int, int], list[tuple[float, float, float]]] = {}
    for road in roads:
        a, b = nodes[road.a], nodes[road.b]
        ahead = (b - a) / road.length_m
        close = [roads[k] for k in index.near((a + b) / 2, road.length_m / 2 + _LINK_MAX_M / 2 + 30)]
        starts, ends = nodes[[each.a for each in close]], nodes[[each.b for each in close]]
        keeps = np.array([each.width_m / 2 + PAVEMENT_M[each.rank] + 0.5 for each in close])
        near = starts, ends - starts, keeps
        for side in (1.0, -1.0):
            aside = np.array([-ahead[1], ahead[0]]) * side
            front = road.width_m / 2 + PAVEMENT_M[road.rank] + 1.2
            for s, t in _lots(dice, 12.0, road.length_m - 12.0):
                deep = dice.uniform(9.0, 13.0)
                ring = [a + ahead * s + aside * front, a + ahead * t + aside * front,
                        a + ahead * t + aside * (front + deep), a + ahead * s + aside * (front + deep)]  # fmt: skip
                middle, reach = (ring[0] + ring[1] + ring[2] + ring[3]) / 4, math.dist(ring[0], ring[2]) / 2
                if not _free(middle, reach, ring, nodes, near, stood):
                    continue
                ring = ring if side > 0 else ring[::-1]
                w, x, y, z = ((float(p[0]), float(p[1])) for p in ring)
                yield Building(
                    (w, x, y, z), 0.9 + 3.1 * _floors(dice, road.rank), dice.random() < 0.5, dice.getrandbits(31)
                )


def _free(
        middle: Floats, reach: float, ring: Sequence[Floats], nodes: Floats, near: tuple[Floats, Floats, Floats],
          stood: dict[tuple[int, int], list[tuple[float, float, float]]]) -> bool:  # fmt: skip
    x, y = float(middle[0]), float(middle[1])
    cell = math.floor(x / 40), math.floor(y / 40)
    for i in (-1, 0, 1):
        for j in (-1, 0, 1):
            for ox, oy, other in stood.get((cell[0] + i, cell[1] + j), ()):
                if math.hypot(x - ox, y - oy) < (reach + other) * 0.72:
                    return False
    spots = np.array([*ring, middle, *((ring[k] + ring[k - 1]) / 2 for k in range(4))])
    a, along, keep = near
    gap = spots[:, None] - a[None]
    share = np.clip((gap * along).sum(axis=2) / (along**2).sum(axis=1), 0.0, 1.0)
    if (np.linalg.norm(gap - along * share[..., None], axis=2) < keep).any():
        return False
    stood.setdefault(cell, []).append((x, y, reach))
    return True
