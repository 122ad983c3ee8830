"""Where the cameras of the made city hang: poles at junctions and along streets, one to four lenses each."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from safetynet.core.terms import CameraId, CentreId, PoleId
from safetynet.sim.streets import GARAM, PAVEMENT_M, Road, Streets

Floats = npt.NDArray[np.float64]

SPACING_M: Final = 96.0
BETWEEN_M: Final = 74.0
"""Least distance of a pole along a street from all others."""
WATCHED_M: Final = 44.0
"""The same on streets that the town watches closely."""
LOOK_NEAR_M: Final = 12.0
LOOK_FAR_M: Final = 50.0
KNOWN_SHARE: Final = 0.70
PTZ_SHARE: Final = 0.15
VIEWS_DEG: Final = (50, 56, 62, 68, 76)
PURPOSES: Final = (("생활방범", "CRIME PREVENTION", 60), ("어린이보호", "CHILD SAFETY", 15), ("차량방범", "VEHICLES", 10),
                   ("교통단속", "TRAFFIC", 10), ("시설물관리", "FACILITIES", 5))  # fmt: skip
_SHORT: Final = {GARAM: "가람"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SimCamera:
    """A lens. `azimuth_deg` and `view_deg` are the truth; `known` says whether the city's registry knows them."""

    id: CameraId
    name: str
    label: str
    """Latin, written into the picture."""
    pole: PoleId
    city: CentreId
    lat: float
    lon: float
    x: float
    y: float
    height_m: float
    azimuth_deg: float
    view_deg: float
    range_m: float
    ptz: bool
    purpose: str
    known: bool

    def row(self) -> "CameraRow":
        return CameraRow(
            id=self.id, city=self.city, pole=self.pole, name=self.name, lat=self.lat, lon=self.lon, range_m=self.range_m,
            azimuth_deg=self.azimuth_deg if self.known else None, view_deg=self.view_deg if self.known else None,
            ptz=self.ptz, purpose=self.purpose,
        )  # fmt: skip


class CameraRow(msgspec.Struct, frozen=True, kw_only=True):
    """What a city's registry knows of a lens, field by field as it is kept there. Absent azimuth and view are unknown."""

    id: CameraId
    city: CentreId
    pole: PoleId
    name: str
    lat: float
    lon: float
    range_m: float
    azimuth_deg: float | None
    view_deg: float | None
    ptz: bool
    purpose: str


def sees(streets: Streets, camera: SimCamera, x: float, y: float) -> bool:
    """Whether a person at a place stands in the camera's field, near enough, with no building between."""
    away = math.dist((x, y), (camera.x, camera.y))
    if away > camera.range_m or away < 2.5:
        return False
    bearing = math.degrees(math.atan2(x - camera.x, y - camera.y))
    off = abs((bearing - camera.azimuth_deg + 180) % 360 - 180)
    return off <= camera.view_deg / 2 and streets.clear((camera.x, camera.y), (x, y))


def hang(streets: Streets, seed: int, watched: Floats | None = None) -> list[SimCamera]:
    """Cameras for the whole city pair, by pole; closer together along `watched`, a polyline (n, 2)."""
    dice = Random(seed * 11 + 3)
    cameras: list[SimCamera] = []
    counts: dict[CentreId, int] = {}
    for x, y, bearings in _places(streets, dice, watched):
        city = streets.city_at(x, y)
        if city is None:
            continue
        counts[city] = counts.get(city, 0) + 1
        cameras += _pole(streets, dice, city, counts[city], x, y, bearings)
    return cameras


class Registered(Protocol):
    """A lens of a real list: who it is and where its pole stands; where it looks nobody wrote down."""

    @property
    def id(self) -> CameraId: ...
    @property
    def pole(self) -> PoleId: ...
    @property
    def name(self) -> str: ...
    @property
    def lat(self) -> float: ...
    @property
    def lon(self) -> float: ...
    @property
    def purpose(self) -> str: ...


def given(
    streets: Streets, seed: int, registered: Sequence[Registered], watched: Floats | None = None
) -> list[SimCamera]:
    """Cameras on real poles, aimed in turn along the streets that pass there; the second city gets made ones.

    The first lens of a pole near `watched`, a polyline (n, 2), looks there instead: nobody wrote down where it really does.
    """
    dice = Random(seed * 11 + 3)
    cameras: list[SimCamera] = []
    lenses: dict[PoleId, int] = {}
    first = streets.cities[0].id
    for each in registered:
        x, y = streets.plane.to_xy(each.lat, each.lon)
        node, k = streets.nearest(x, y), lenses.get(each.pole, 0)
        lenses[each.pole] = k + 1
        near = streets.adjacent[node]
        bearing = _aim(streets, near[k][1], node, x, y) if k < len(near) else dice.uniform(0, 360)
        if k == 0 and watched is not None and (onto := _towards(streets, watched, x, y)) is not None:
            bearing = onto
        cameras.append(SimCamera(
            id=each.id, name=each.name, label=f"{each.id}", pole=each.pole, city=first, lat=each.lat, lon=each.lon,
            x=x, y=y, height_m=round(dice.uniform(4.5, 6.0), 2), azimuth_deg=round(bearing % 360, 1),
            view_deg=float(dice.choice(VIEWS_DEG)), range_m=60.0, ptz=False, purpose=each.purpose, known=False,
        ))  # fmt: skip
    return cameras + [each for each in hang(streets, seed, watched) if each.city != first]


def _pole(
    streets: Streets, dice: Random, city: CentreId, number: int, x: float, y: float, bearings: Sequence[float]
) -> Iterator[SimCamera]:
    purpose, latin, _ = dice.choices(PURPOSES, [weight for _, _, weight in PURPOSES])[0]
    height, known = dice.uniform(4.5, 6.0), dice.random() < KNOWN_SHARE
    pole = PoleId(f"{city}-{number:03d}")
    lat, lon = streets.plane.to_latlon(x, y)
    road = min(streets.adjacent[streets.nearest(x, y)], key=lambda each: -streets.roads[each[1]].rank)[1]
    street = streets.roads[road].name
    stem = street.removesuffix("대로").removesuffix("로").removesuffix("길")
    for k, bearing in enumerate(bearings, 1):
        yield SimCamera(
            id=CameraId(f"{pole}-{k}"), name=f"{_SHORT.get(city, '나래')}-{stem}-{number:03d}-{k}",
            label=f"{pole}-{k} {latin}", pole=pole, city=city, lat=lat, lon=lon, x=x, y=y, height_m=round(height, 2),
            azimuth_deg=round(bearing % 360, 1), view_deg=float(dice.choice(VIEWS_DEG)),
            range_m=float(dice.choice((45, 50, 55, 60))), ptz=dice.random() < PTZ_SHARE, purpose=purpose, known=known,
        )  # fmt: skip


def _towards(streets: Streets, line: Floats, x: float, y: float) -> float | None:
    """Bearing from a pole to the nearest point of a line that it would really see, a few steps away."""
    gaps = np.linalg.norm(line - (x, y), axis=1)
    for n in np.argsort(gaps):
        tx, ty = (float(each) for each in line[n])
        if LOOK_NEAR_M < gaps[n] < LOOK_FAR_M and streets.clear((x, y), (tx, ty)):
            return math.degrees(math.atan2(tx - x, ty - y))
    return None


def _aim(streets: Streets, road: int, node: int, x: float, y: float) -> float:
    """Bearing from a pole to the middle of a road, 38 m from its junction."""
    piece = streets.roads[road]
    other = piece.b if piece.a == node else piece.a
    a, b = streets.nodes[node], streets.nodes[other]
    tx, ty = a + (b - a) * min(1.0, 38.0 / piece.length_m)
    return math.degrees(math.atan2(float(tx) - x, float(ty) - y))


def _places(streets: Streets, dice: Random, watched: Floats | None) -> Iterator[tuple[float, float, list[float]]]:
    """Poles with a distance between them, wide roads first: x, y and where the lenses look."""
    order = sorted(
        (node for node, near in enumerate(streets.adjacent) if near),
        key=lambda node: (-max(streets.roads[road].rank for _, road in streets.adjacent[node]), dice.random()),
    )
    taken: list[tuple[float, float]] = []
    for node in order:
        x, y = _corner(streets, node)
        if _near(taken, x, y):
            continue
        bearings = [_aim(streets, road, node, x, y) for _, road in streets.adjacent[node]]
        dice.shuffle(bearings)
        taken.append((x, y))
        yield x, y, bearings[: dice.choice((1, 2, 3, 3, 4))]
    close = {road for road in streets.roads if _is_watched(streets, road, watched)}
    for road in sorted(streets.roads, key=lambda each: each not in close):
        if road.length_m < 85 and road not in close:
            continue
        x, y, bearings = _along(streets, road, dice)
        if not _near(taken, x, y, WATCHED_M if road in close else BETWEEN_M):
            taken.append((x, y))
            yield x, y, bearings if road in close else bearings[: dice.choice((1, 2, 2))]


def _is_watched(streets: Streets, road: Road, watched: Floats | None) -> bool:
    if watched is None:
        return False
    middle = (streets.nodes[road.a] + streets.nodes[road.b]) / 2
    return bool((((watched - middle) ** 2).sum(axis=1) < (road.width_m + 8.0) ** 2).any())


def _near(taken: Sequence[tuple[float, float]], x: float, y: float, gap: float = SPACING_M) -> bool:
    return any((x - tx) ** 2 + (y - ty) ** 2 < gap * gap for tx, ty in taken)


def _corner(streets: Streets, node: int) -> tuple[float, float]:
    """On the pavement, in the widest corner between two roads of a junction."""
    here = streets.nodes[node]
    arms: list[tuple[float, Road]] = []
    for other, road in streets.adjacent[node]:
        dx, dy = streets.nodes[other] - here
        arms.append((math.atan2(dy, dx), streets.roads[road]))
    arms.sort(key=lambda arm: arm[0])
    gaps = [((arms[(k + 1) % len(arms)][0] - arms[k][0] - 1e-9) % math.tau + 1e-9, k) for k in range(len(arms))]
    # A right angle is best: in a straight side the pole stands beside the road.
    gap, k = min(gaps, key=lambda each: abs(each[0] - math.pi / 2))
    right, left = arms[k], arms[(k + 1) % len(arms)]
    out_r, out_l = (each[1].width_m / 2 + PAVEMENT_M[each[1].rank] * 0.75 for each in (right, left))
    if abs(math.sin(gap)) < 0.35:
        angle = right[0] + min(gap, math.pi) / 2
        return float(here[0]) + out_r * math.cos(angle), float(here[1]) + out_r * math.sin(angle)
    u, v = (np.array([math.cos(each[0]), math.sin(each[0])]) for each in (right, left))
    place = here + (u * out_l + v * out_r) / math.sin(gap)
    return float(place[0]), float(place[1])


def _along(streets: Streets, road: Road, dice: Random) -> tuple[float, float, list[float]]:
    a, b = streets.nodes[road.a], streets.nodes[road.b]
    ahead = (b - a) / road.length_m
    aside = np.array([-ahead[1], ahead[0]]) * dice.choice((-1.0, 1.0))
    x, y = (a + b) / 2 + aside * (road.width_m / 2 + PAVEMENT_M[road.rank] * 0.75)
    bearings = []
    for way in (ahead, -ahead):
        tx, ty = (a + b) / 2 + way * 36.0
        bearings.append(math.degrees(math.atan2(float(tx - x), float(ty - y))))
    dice.shuffle(bearings)
    return float(x), float(y), bearings
