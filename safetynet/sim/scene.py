"""What a camera of the made city sees: a street at dusk, drawn from the real geometry of the streets.

The background is drawn once per camera and kept; then only what moves is drawn per frame. It never changes between
frames, because the codec pays for every block that does. Occlusion is by depth, per pixel.

The top-left 192 x 16 pixels stay free: the camera server writes a time barcode there.
"""

import math
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from safetynet.core.terms import CameraId, Instant
from safetynet.sim import figures, glyphs, raster
from safetynet.sim.streets import PAVEMENT_M, Road, Streets

Floats = npt.NDArray[np.float64]

WIDTH: Final = 640
HEIGHT: Final = 360
BACKGROUNDS_MAX: Final = 192
"""About 70 MB."""
SIGHT_M: Final = 240.0
DETAIL_M: Final = 130.0
PEOPLE_MAX: Final = 48
CARS_MAX: Final = 24
PITCH: Final = 0.265
"""Radians below the horizon."""


class Lens(Protocol):
    """What the scene must know of a camera. Plane metres; degrees clockwise from north."""

    @property
    def id(self) -> CameraId: ...
    @property
    def label(self) -> str: ...
    @property
    def x(self) -> float: ...
    @property
    def y(self) -> float: ...
    @property
    def height_m(self) -> float: ...
    @property
    def azimuth_deg(self) -> float: ...
    @property
    def view_deg(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Aimed:
    """A lens as somebody turned it."""

    id: CameraId
    label: str
    x: float
    y: float
    height_m: float
    azimuth_deg: float
    view_deg: float


class Cast(Protocol):
    """Who moves: rows as figures.FIGURE_WIDTH and figures.CAR_WIDTH say."""

    def people_near(self, x: float, y: float, within_m: float, at: Instant) -> Floats: ...
    def cars_near(self, x: float, y: float, within_m: float, at: Instant) -> Floats: ...
    def parked_near(self, x: float, y: float, within_m: float) -> Floats: ...


@dataclass(frozen=True, slots=True)
class Background:
    luma: npt.NDArray[np.uint8]
    blue: npt.NDArray[np.uint8]
    red: npt.NDArray[np.uint8]
    depth: npt.NDArray[np.uint16]
    """Centimetres along the optical axis; 65535 is the sky."""
    eye: Floats
    axes: Floats
    focal: float
    lamps: Floats


class Scene:
    width: int = WIDTH
    height: int = HEIGHT

    def __init__(self, streets: Streets, cast: Cast, lenses: Mapping[CameraId, Lens]) -> None:
        self._streets, self._cast, self._lenses = streets, cast, lenses
        self._kept: OrderedDict[CameraId, Background] = OrderedDict()
        self._guard = threading.Lock()
        self._aimed: dict[CameraId, Aimed] = {}
        """Those that do not look where they look by themselves."""

    def draw(self, camera: CameraId, at_ms: int, planes: npt.NDArray[np.uint8]) -> None:
        """Fills an I420 buffer of 640 x 360, flat or (540, 640). Raises KeyError for a camera that does not exist."""
        at, planes = Instant(at_ms), planes.reshape(-1)
        back = self.background(camera)
        lens = self._lenses[camera]
        size = WIDTH * HEIGHT
        luma = planes[:size].reshape(HEIGHT, WIDTH)
        blue = planes[size : size + size // 4].reshape(HEIGHT // 2, WIDTH // 2)
        red = planes[size + size // 4 :].reshape(HEIGHT // 2, WIDTH // 2)
        luma[:], blue[:], red[:] = back.luma, back.blue, back.red
        ahead = float(back.axes[2, 0]), float(back.axes[2, 1])
        middle = lens.x + ahead[0] * 45, lens.y + ahead[1] * 45
        people = _before(self._cast.people_near(*middle, 62.0, at), back, PEOPLE_MAX)
        cars = _before(self._cast.cars_near(*middle, 85.0, at), back, CARS_MAX)
        both = np.concatenate([people[:, :2], cars[:, :2]])
        order = np.argsort(-((both - back.eye[:2]) ** 2).sum(axis=1))
        figures.draw(luma, blue, red, back.depth, back.focal, back.eye, back.axes, back.lamps, people, cars, order)
        glyphs.write(luma, glyphs.clock(at), WIDTH - 12 * 19 - 6, 1)
        glyphs.write(luma, lens.label, WIDTH - 12 * len(lens.label) - 6, 20)  # the page writes along the lower edge

    def turn(self, camera: CameraId, pan_deg: float) -> None:
        """From now on it looks `pan_deg` clockwise of its own direction. Raises KeyError."""
        lens = self._lenses[camera]
        aimed = Aimed(
            lens.id, lens.label, lens.x, lens.y, lens.height_m, (lens.azimuth_deg + pan_deg) % 360.0, lens.view_deg
        )
        with self._guard:
            self._aimed[camera] = aimed
            self._kept.pop(camera, None)
            if pan_deg == 0.0:
                del self._aimed[camera]

    def warm(self) -> None:
        """Compiles the drawing kernels (seconds at the very first time, then kept on disk) by drawing one picture."""
        planes = np.empty(WIDTH * HEIGHT * 3 // 2, np.uint8)
        self.draw(next(iter(self._lenses)), 0, planes)

    def background(self, camera: CameraId) -> Background:
        """Drawn on first use (a few tenths of a second; the kernels let other threads run), then kept."""
        with self._guard:
            kept = self._kept.get(camera)
            if kept is not None:
                self._kept.move_to_end(camera)
                return kept
        lens = self._aimed.get(camera, self._lenses[camera])
        fresh = render(self._streets, self._cast, lens)
        with self._guard:
            if self._aimed.get(camera, self._lenses[camera]) is not lens:
                return fresh  # it was turned on while this was drawn
            kept = self._kept.setdefault(camera, fresh)
            if len(self._kept) > BACKGROUNDS_MAX:
                self._kept.popitem(last=False)
        return kept


def _before(rows: Floats, back: Background, most: int) -> Floats:
    """The nearest rows that stand before the camera and inside its field."""
    away = rows[:, :2] - back.eye[:2]
    along = away @ back.axes[2, :2]
    aside = np.abs(away @ back.axes[0, :2])
    keep = (along > 1.5) & (aside < along * (WIDTH / 2 / back.focal) + 3.0)
    rows, along = rows[keep], along[keep]
    return np.ascontiguousarray(rows[np.argsort(along)[:most]])


def axes_of(azimuth_deg: float, pitch: float = PITCH) -> Floats:
    """Rows: right, up, forward, in plane metres."""
    a = math.radians(azimuth_deg)
    ahead = np.array([math.sin(a), math.cos(a), 0.0])
    right = np.array([math.cos(a), -math.sin(a), 0.0])
    up = np.array([0.0, 0.0, 1.0])
    return np.array(
        [right, ahead * math.sin(pitch) + up * math.cos(pitch), ahead * math.cos(pitch) - up * math.sin(pitch)]
    )


def focal_of(view_deg: float) -> float:
    return WIDTH / 2 / math.tan(math.radians(view_deg) / 2)


def spot(lens: Lens, x: float, y: float, z: float) -> tuple[float, float, float]:
    """Where a point of the world falls in the picture: column, row, metres along the axis (negative: behind)."""
    axes = axes_of(lens.azimuth_deg)
    right, up, ahead = axes @ np.array([x - lens.x, y - lens.y, z - lens.height_m])
    focal = focal_of(lens.view_deg)
    near = max(1e-6, float(ahead))
    return WIDTH / 2 + focal * float(right) / near, HEIGHT / 2 - focal * float(up) / near, float(ahead)


# --- the background ------------------------------------------------------------------------------------------------


class _Stage:
    """Polygons and their materials, as they are collected: first the ground, in order, then what stands on it."""

    def __init__(self) -> None:
        self.quads: list[list[tuple[float, float, float]]] = []
        self.materials: list[tuple[float, ...]] = []
        self.balls: list[tuple[float, float, float, float]] = []
        self.ball_materials: list[tuple[float, ...]] = []
        self.lamps: list[tuple[float, ...]] = []
        self.halos: list[tuple[float, float, float, float]] = []
        self.ground = 0

    def flat(self, corners: list[tuple[float, float]], kind: int, rgb: tuple[float, float, float],
             along: tuple[float, float] = (1.0, 0.0)) -> None:  # fmt: skip
        """Ground polygon of any number of convex corners."""
        assert len(self.quads) == self.ground, "ground before what stands on it"
        for k in range(1, len(corners) - 1, 2):
            tail = corners[min(k + 2, len(corners) - 1)]
            self.quads.append([(*corners[0], 0.0), (*corners[k], 0.0), (*corners[k + 1], 0.0), (*tail, 0.0)])
            self.materials.append((kind, *rgb, 0.0, 0.0, *along, 0, 0, 0, 0, 0, 0, 0, 0))
            self.ground += 1

    def stand(self, corners: list[tuple[float, float, float]], kind: int, rgb: tuple[float, float, float],
              rest: tuple[float, ...] = (0.0,) * 12) -> None:  # fmt: skip
        self.quads.append(corners)
        self.materials.append((kind, *rgb, *rest))

    def box(
        self, x: float, y: float, wide: float, low: float, high: float, rgb: tuple[float, float, float],
            kind: int = raster.PLAIN) -> None:  # fmt: skip
        h = wide / 2
        ring = [(x - h, y - h), (x + h, y - h), (x + h, y + h), (x - h, y + h)]
        for (ax, ay), (bx, by) in zip(ring, [*ring[1:], ring[0]], strict=True):
            self.stand([(ax, ay, low), (bx, by, low), (bx, by, high), (ax, ay, high)], kind, rgb)


def render(streets: Streets, cast: Cast, lens: Lens) -> Background:
    axes, focal = axes_of(lens.azimuth_deg), focal_of(lens.view_deg)
    eye = np.array([lens.x, lens.y, lens.height_m])
    stage = _Stage()
    near = _roads_near(streets, lens)
    _ground(stage, streets, lens, near)
    _houses(stage, streets, lens)
    _furniture(stage, streets, lens, near)
    _parked(stage, cast.parked_near(lens.x, lens.y, DETAIL_M))
    quads = np.array(stage.quads)
    seen = (quads - eye) @ axes.T
    counts = np.full(len(quads), 4, np.int64)
    rows, columns = HEIGHT * 2, WIDTH * 2
    nearness = np.zeros((rows, columns), np.float32)
    owner = np.full((rows, columns), -1, np.int32)
    raster.fill(seen, counts, stage.ground, focal * 2, nearness, owner)
    balls = np.array(stage.balls or [(0.0, 0.0, -1e6, 0.1)])
    placed = np.column_stack([(balls[:, :3] - eye) @ axes.T, balls[:, 3]])
    raster.fill_balls(placed, len(quads), focal * 2, nearness, owner)
    side = np.cross(quads[:, 1] - quads[:, 0], quads[:, 2] - quads[:, 0])
    normals = side / (np.linalg.norm(side, axis=1, keepdims=True) + 1e-12)
    normals = np.vstack([normals, np.zeros((len(balls), 3))])
    leaf = stage.ball_materials or [(raster.LEAF, *(0.0,) * 15)]
    materials = np.array(stage.materials + leaf, np.float64)
    lamps = np.array(stage.lamps or [(0.0,) * 8])
    lamps = lamps[np.argsort(((lamps[:, :2] - eye[:2]) ** 2).sum(axis=1))[:90]]
    picture = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    raster.shade(nearness, owner, materials, normals, balls, len(quads), lamps, eye, axes, focal * 2, picture)
    raster.develop(picture)
    return _develop(picture, nearness, stage.halos, eye, axes, focal, lamps)


def _develop(
    picture: npt.NDArray[np.float32], nearness: npt.NDArray[np.float32],
             halos: list[tuple[float, float, float, float]], eye: Floats, axes: Floats, focal: float,
             lamps: Floats) -> Background:  # fmt: skip
    small = picture
    near = nearness.reshape(HEIGHT, 2, WIDTH, 2).max(axis=(1, 3))
    depth = np.where(near > 1 / 600, np.minimum(100 / np.maximum(near, 1e-6), 65000), 65535).astype(np.uint16)
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    for x, y, z, power in halos:
        right, up, ahead = axes @ (np.array([x, y, z]) - eye)
        if ahead < 2:
            continue
        column, row = WIDTH / 2 + focal * right / ahead, HEIGHT / 2 - focal * up / ahead
        if not (0 <= column < WIDTH and 0 <= row < HEIGHT) or depth[int(row), int(column)] < ahead * 100 - 60:
            continue
        gap = (columns - column) ** 2 + (rows - row) ** 2
        wide = max(3.0, focal * 0.55 / ahead)
        glow = power * (0.55 * np.exp(-gap / (2 * wide**2)) + 0.16 / (1 + gap / (wide * 2.2) ** 2) ** 1.5)
        small = small + glow[..., None] * np.array([1.0, 0.83, 0.58], np.float32)
    grain = np.random.default_rng(5).normal(0.0, 0.007, (HEIGHT, WIDTH, 1))
    small = np.clip(small + grain, 0, 1).astype(np.float64)
    luma = 16 + small @ (65.5, 128.6, 25.0)
    quarter = small.reshape(HEIGHT // 2, 2, WIDTH // 2, 2, 3).mean(axis=(1, 3))
    blue, red = 128 + quarter @ (-37.8, -74.2, 112.0), 128 + quarter @ (112.0, -93.8, -18.2)
    planes = [np.clip(each + 0.5, 16, 240).astype(np.uint8) for each in (luma, blue, red)]
    return Background(planes[0], planes[1], planes[2], depth, eye, axes, focal, lamps)


def _roads_near(streets: Streets, lens: Lens) -> list[Road]:
    a = streets.nodes[[each.a for each in streets.roads]]
    b = streets.nodes[[each.b for each in streets.roads]]
    at = np.array([lens.x, lens.y])
    along = b - a
    share = np.clip(((at - a) * along).sum(axis=1) / (along**2).sum(axis=1), 0, 1)
    gap = np.linalg.norm(a + share[:, None] * along - at, axis=1)
    return [streets.roads[k] for k in np.flatnonzero(gap < SIGHT_M)]


def _strip(a: Floats, b: Floats, left: float, right: float) -> list[tuple[float, float]]:
    """A quad beside the line a-b: from `left` to `right` metres to its left (negative: to its right)."""
    along = (b - a) / np.linalg.norm(b - a)
    aside = np.array([-along[1], along[0]])
    ring = (a + aside * left, b + aside * left, b + aside * right, a + aside * right)
    return [(float(x), float(y)) for x, y in ring]


def _disc(at: Floats, radius: float) -> list[tuple[float, float]]:
    turn = [math.tau * k / 12 for k in range(12)]
    return [(float(at[0]) + radius * math.cos(t), float(at[1]) + radius * math.sin(t)) for t in turn]


def _ground(stage: _Stage, streets: Streets, lens: Lens, roads: list[Road]) -> None:
    far = 600.0
    square = [
        (lens.x - far, lens.y - far),
        (lens.x + far, lens.y - far),
        (lens.x + far, lens.y + far),
        (lens.x - far, lens.y + far),
    ]
    stage.flat(square, raster.PAVING, (0.19, 0.19, 0.185))
    for area in streets.parks:
        if any(math.dist(each, (lens.x, lens.y)) < SIGHT_M + 200 for each in area.outline):
            stage.flat(list(area.outline), raster.GRASS, (0.10, 0.16, 0.075))
    for area in streets.water:
        half = len(area.outline) // 2
        west, east = area.outline[:half], area.outline[half:][::-1]
        for k in range(half - 1):
            if math.dist(west[k], (lens.x, lens.y)) < 500:
                stage.flat([west[k], east[k], east[k + 1], west[k + 1]], raster.WATER, (0.02, 0.03, 0.045))
    node = streets.nodes
    for road in roads:
        out, a, b = road.width_m / 2 + PAVEMENT_M[road.rank], node[road.a], node[road.b]
        along = (b - a) / road.length_m
        stage.flat(_strip(a, b, out, -out), raster.PAVING, (0.27, 0.262, 0.25), (float(along[0]), float(along[1])))
    for road in roads:
        kerb = road.width_m / 2 + 0.22
        stage.flat(_strip(node[road.a], node[road.b], kerb, -kerb), raster.PLAIN, (0.33, 0.33, 0.32))
    reach: dict[int, float] = {}
    for road in roads:
        edge = road.width_m / 2
        stage.flat(_strip(node[road.a], node[road.b], edge, -edge), raster.ASPHALT, (0.118, 0.12, 0.124))
        for each in (road.a, road.b):
            reach[each] = max(reach.get(each, 0.0), edge)
    for each, wide in reach.items():
        stage.flat(_disc(node[each], wide * 1.02), raster.ASPHALT, (0.118, 0.12, 0.124))
    for road in roads:
        _markings(stage, streets, road, reach, lens)


def _markings(stage: _Stage, streets: Streets, road: Road, reach: dict[int, float], lens: Lens) -> None:
    a, b = streets.nodes[road.a], streets.nodes[road.b]
    along = (b - a) / road.length_m
    start, end = reach[road.a] + 1.0, road.length_m - reach[road.b] - 1.0
    white, yellow = (0.62, 0.63, 0.62), (0.60, 0.44, 0.10)
    half = road.width_m / 2
    crossing = [road.rank >= 1 and len(streets.adjacent[each]) >= 3 for each in (road.a, road.b)]
    inner = start + (6.0 if crossing[0] else 0.0), end - (6.0 if crossing[1] else 0.0)

    def line(s: float, t: float, aside: float, wide: float, rgb: tuple[float, float, float]) -> None:
        if t > s:
            stage.flat(_strip(a + along * s, a + along * t, aside + wide / 2, aside - wide / 2), raster.PAINT, rgb)

    if road.rank == 0:
        for t in np.arange(inner[0], inner[1] - 2, 7.0).tolist():
            line(t, t + 2.6, 0.0, 0.11, (0.42, 0.42, 0.41))
    else:
        for aside in (0.16, -0.16) if road.rank == 2 else (0.0,):
            line(inner[0], inner[1], aside, 0.13, yellow)
    if road.rank >= 1:
        for side in (1, -1):
            line(inner[0], inner[1], side * (half - 0.35), 0.12, (0.5, 0.5, 0.49))
    if road.rank == 2:
        for aside in (half * 0.36, half * 0.68, -half * 0.36, -half * 0.68):
            for t in np.arange(inner[0], inner[1] - 3, 8.0).tolist():
                line(t, t + 3.0, aside, 0.12, white)
    for each, s in ((crossing[0], start + 0.4), (crossing[1], end - 3.9)):
        if each and math.dist(a + along * s, (lens.x, lens.y)) < 120:
            for k in range(int((road.width_m - 0.6) / 0.95)):
                line(s, s + 3.5, -half + 0.75 + 0.95 * k, 0.5, white)
            line(*((s + 5.0, s + 5.4) if s < road.length_m / 2 else (s - 1.9, s - 1.5)), half / 2, half * 0.9, white)


_WALLS: Final = ((0.30, 0.285, 0.265), (0.26, 0.245, 0.235), (0.33, 0.30, 0.26), (0.235, 0.16, 0.125), (0.22, 0.225, 0.235),
                 (0.36, 0.345, 0.32), (0.265, 0.19, 0.15), (0.185, 0.195, 0.21))  # fmt: skip


def _houses(stage: _Stage, streets: Streets, lens: Lens) -> None:
    ahead = axes_of(lens.azimuth_deg)[2]
    for index in streets.buildings_near(lens.x, lens.y, SIGHT_M):
        house = streets.buildings[index]
        middle = streets.middles[index] - (lens.x, lens.y)
        if float(middle @ ahead[:2]) < -20:
            continue
        rgb = _WALLS[house.seed % len(_WALLS)]
        ring = house.corners
        for k, ((ax, ay), (bx, by)) in enumerate(zip(ring, (*ring[1:], ring[0]), strict=True)):
            # Counter-clockwise: the outside lies to the right of each wall.
            if (bx - ax) * (lens.y - ay) - (by - ay) * (lens.x - ax) > 0:
                continue
            long = math.dist((ax, ay), (bx, by))
            top = house.height_m
            wall = [(ax, ay, 0.0), (bx, by, 0.0), (bx, by, top), (ax, ay, top)]
            rest = (
                ax,
                ay,
                (bx - ax) / long,
                (by - ay) / long,
                long,
                top,
                (house.seed + k * 977) % (1 << 30),
                float(house.shop),
            )
            stage.stand(wall, raster.FACADE, rgb, (*rest, 0, 0, 0, 0))
            if house.shop and math.hypot(*middle) < 90:
                nx, ny = (by - ay) / long, -(bx - ax) / long
                x, y = (ax + bx) / 2 + nx * 1.3, (ay + by) / 2 + ny * 1.3
                stage.lamps.append((x, y, 2.3, 0.34, 0.27, 0.17, 10.0, 0.0))
        stage.stand([(x, y, house.height_m) for x, y in ring], raster.PLAIN, (0.12, 0.12, 0.125))


def _furniture(stage: _Stage, streets: Streets, lens: Lens, roads: list[Road]) -> None:
    """Lamps, trees and railings, at places that depend on the street alone: two cameras see the same tree."""
    for road in roads:
        a, b = streets.nodes[road.a], streets.nodes[road.b]
        along = (b - a) / road.length_m
        aside = np.array([-along[1], along[0]])
        dice = Random(f"{road.name}/{road.a}/{road.b}")
        step, out = (27.0, 25.0, 24.0)[road.rank], road.width_m / 2 + 0.55
        # Nothing stands in a junction: its size is that of the widest road that meets there.
        start, end = (max(streets.roads[k].width_m for _, k in streets.adjacent[n]) / 2 + 5.0 for n in (road.a, road.b))
        side = 1.0
        for s in np.arange(start - 1.5, road.length_m - end + 2.0, step):
            foot = a + along * s + aside * out * side
            _lamp(stage, lens, foot, -aside * side, road.rank)
            side = -side
        if road.bridge:
            _railings(stage, a + along * start * 1.6, b - along * end * 1.6, road.width_m / 2 + PAVEMENT_M[road.rank])
        for s in np.arange(start + 6.0, road.length_m - end - 4.0, 11.0):
            for way in (1.0, -1.0):
                chance, size, jump = dice.random(), dice.uniform(0.85, 1.35), dice.uniform(-1.5, 1.5)
                if road.rank == 0 or road.bridge or chance > 0.55:
                    continue
                _tree(stage, lens, a + along * (s + jump) + aside * way * (road.width_m / 2 + 1.1), size)
    for area in streets.parks:
        middle = np.mean(np.array(area.outline), axis=0)
        for k, edge in enumerate(area.outline * 3):
            t = 0.25 + 0.7 * float(raster.hash01(k, 5, 2))
            _tree(stage, lens, middle + (np.array(edge) - middle) * t, 1.1 + 0.5 * float(raster.hash01(k, 6, 2)))


def _lamp(stage: _Stage, lens: Lens, foot: Floats, inward: Floats, rank: int) -> None:
    away = math.dist(foot, (lens.x, lens.y))
    if away > DETAIL_M + 60:
        return
    x, y = float(foot[0]), float(foot[1])
    high, arm = (5.6, 7.0, 8.6)[rank], (0.9, 1.5, 2.2)[rank]
    hx, hy = x + float(inward[0]) * arm, y + float(inward[1]) * arm
    strong = (2.3, 3.3, 4.4)[rank]
    stage.lamps.append((hx, hy, high, strong, strong * 0.80, strong * 0.52, (20.0, 26.0, 32.0)[rank], 1.0))
    # The pole of the camera stands clear: what hides the picture would have been moved.
    if away < 15.0:
        return
    stage.box(x, y, 0.16, 0.0, high, (0.16, 0.17, 0.18))
    px, py = -float(inward[1]) * 0.06, float(inward[0]) * 0.06
    stage.stand([(x - px, y - py, high), (hx - px, hy - py, high + 0.15), (hx + px, hy + py, high + 0.25), (x + px, y + py, high + 0.1)],
                raster.PLAIN, (0.16, 0.17, 0.18))  # fmt: skip
    stage.box(hx, hy, 0.42, high - 0.02, high + 0.1, (2.6, 2.15, 1.5), raster.GLOW)
    stage.halos.append((hx, hy, high - 0.1, 0.9))


def _tree(stage: _Stage, lens: Lens, foot: Floats, size: float) -> None:
    away = math.dist(foot, (lens.x, lens.y))
    # No crown before the lens: the town would have cut it.
    if away > DETAIL_M or away < 17.0:
        return
    x, y = float(foot[0]), float(foot[1])
    stage.box(x, y, 0.24 * size, 0.0, 2.9 * size, (0.11, 0.085, 0.06))
    seed = int(x * 31 + y * 17)
    for k in range(7):
        turn, out = k * 2.4, 0.75 * size * (0.3 + 0.7 * float(raster.hash01(k, seed, 1)))
        up = (2.7 + 0.34 * k) * size
        stage.balls.append((x + out * math.cos(turn), y + out * math.sin(turn), up, size * (1.25 - 0.09 * k)))
        green = 0.8 + 0.4 * float(raster.hash01(k, seed, 2))
        stage.ball_materials.append((raster.LEAF, 0.075 * green, 0.125 * green, 0.05 * green, *(0.0,) * 12))


def _railings(stage: _Stage, a: Floats, b: Floats, out: float) -> None:
    along = (b - a) / np.linalg.norm(b - a)
    aside = np.array([-along[1], along[0]])
    for side in (out, -out):
        p, q = a + aside * side, b + aside * side
        for low, high in ((0.12, 0.2), (0.55, 0.62), (1.02, 1.14)):
            stage.stand([(*p, low), (*q, low), (*q, high), (*p, high)], raster.PLAIN, (0.36, 0.38, 0.40))
        for s in np.arange(0.0, float(np.linalg.norm(b - a)), 2.0):
            x, y = p + along * s
            stage.box(float(x), float(y), 0.09, 0.0, 1.1, (0.33, 0.35, 0.37))


def _parked(stage: _Stage, cars: Floats) -> None:
    quads = np.empty((10, 4, 3))
    for x, y, heading, length, r, g, b, _ in cars:
        fx, fy = math.cos(heading), math.sin(heading)
        figures.body(length, quads)
        for n, quad in enumerate(quads):
            placed = [(x + fx * u - fy * v, y + fy * u + fx * v, z) for u, v, z in quad.tolist()]
            glass = 5 <= n <= 8
            stage.stand(placed, raster.PLAIN, (0.035, 0.042, 0.052) if glass else (r, g, b))
        low = [(-length / 2, -0.88), (length / 2, -0.88), (length / 2, 0.88), (-length / 2, 0.88)]
        ring = [(x + fx * u - fy * v, y + fy * u + fx * v, 0.03) for u, v in low]
        stage.stand(ring, raster.PLAIN, (0.012, 0.012, 0.013))
        for u, v in (
            (-length * 0.31, 0.905),
            (length * 0.31, 0.905),
            (-length * 0.31, -0.905),
            (length * 0.31, -0.905),
        ):
            wheel = [(u - 0.32, 0.02), (u + 0.32, 0.02), (u + 0.32, 0.60), (u - 0.32, 0.60)]
            stage.stand(
                [(x + fx * s - fy * v, y + fy * s + fx * v, z) for s, z in wheel], raster.PLAIN, (0.018, 0.018, 0.02)
            )
        for u, rgb in ((-length / 2 - 0.015, (0.30, 0.03, 0.025)), (length / 2 + 0.015, (0.45, 0.45, 0.43))):
            for v in (-0.62, 0.62):
                lamp = [(v - 0.2, 0.62), (v + 0.2, 0.62), (v + 0.2, 0.78), (v - 0.2, 0.78)]
                stage.stand([(x + fx * u - fy * w, y + fy * u + fx * w, z) for w, z in lamp], raster.PLAIN, rgb)
