"""Where the cameras of the made city hang: poles at junctions and along streets, one to four lenses each."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

import numpy as np
import numpy.typing as npt

from safetynet.core.terms import CameraId, CentreId, PoleId
from safetynet.sim.streets import GARAM, PAVEMENT_M, Road, Streets

Floats = npt.NDArray[np.float64]

SPACING_M: Final = 92.0
KNOWN_SHARE: Final = 0.70
PTZ_SHARE: Final = 0.15
LENSES_MAX: Final = 4
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


def sees(streets: Streets, camera: SimCamera, x: float, y: float) -> bool:
    """Whether a person at a place stands in the camera's field, near enough, with no building between."""
    away = math.dist((x, y), (camera.x, camera.y))
    if away > camera.range_m or away < 2.5:
        return False
    bearing = math.degrees(math.atan2(x - camera.x, y - camera.y))
    off = abs((bearing - camera.azimuth_deg + 180) % 360 - 180)
    return off <= camera.view_deg / 2 and streets.clear((camera.x, camera.y), (x, y))


def hang(streets: Streets, seed: int) -> list[SimCamera]:
    """Cameras for the whole city pair, by pole."""
    dice = Random(seed * 11 + 3)
    cameras: list[SimCamera] = []
    counts: dict[CentreId, int] = {}
    for x, y, bearings in _places(streets, dice):
        city = streets.city_at(x, y)
        if city is None:
            continue
        counts[city] = counts.get(city, 0) + 1
        cameras += _pole(streets, dice, city, counts[city], x, y, bearings)
    return cameras


def given(streets: Streets, seed: int, poles: Sequence[tuple[PoleId, float, float, int]]) -> list[SimCamera]:
    """Cameras on real poles (id, lat, lon, number of lenses), aimed along the streets that pass there."""
    dice = Random(seed * 11 + 3)
    cameras: list[SimCamera] = []
    for number, (id, lat, lon, lenses) in enumerate(poles, 1):
        x, y = streets.plane.to_xy(lat, lon)
        node = streets.nearest(x, y)
        bearings = [_aim(streets, road, node, x, y) for _, road in streets.adjacent[node]]
        bearings += [dice.uniform(0, 360) for _ in range(lenses - len(bearings))]
        city = streets.city_at(x, y)
        if city is not None:
            cameras += _pole(streets, dice, city, number, x, y, bearings[: min(lenses, LENSES_MAX)], id)
    return cameras


def _pole(streets: Streets, dice: Random, city: CentreId, number: int, x: float, y: float, bearings: Sequence[float],
          id: PoleId | None = None) -> Iterator[SimCamera]:  # fmt: skip
    purpose, latin, _ = dice.choices(PURPOSES, [weight for _, _, weight in PURPOSES])[0]
    height, known = dice.uniform(4.5, 6.0), dice.random() < KNOWN_SHARE
    pole = id or PoleId(f"{city}-{number:03d}")
    lat, lon = streets.plane.to_latlon(x, y)
    road = min(streets.adjacent[streets.nearest(x, y)], key=lambda each: -streets.roads[each[1]].rank)[1]
    street = streets.roads[road].name
    stem = street.removesuffix("대로").removesuffix("로").removesuffix("길")
    for k, bearing in enumerate(bearings, 1):
        yield SimCamera(
            id=CameraId(f"{pole}-{k}"), name=f"{_SHORT.get(city, '나래')}-{stem}-{number:03d}-{k}",
            label=f"{pole}-{k} {latin}", pole=pole, city=city, lat=lat, lon=lon, x=x, y=y, height_m=round(height, 2),
            azimuth_deg=round(bearing % 360, 1), view_deg=float(dice.choice((62, 68, 74, 82, 90))),
            range_m=float(dice.choice((45, 50, 55, 60))), ptz=dice.random() < PTZ_SHARE, purpose=purpose, known=known,
        )  # fmt: skip


def _aim(streets: Streets, road: int, node: int, x: float, y: float) -> float:
    """Bearing from a pole to the middle of a road, 38 m from its junction."""
    piece = streets.roads[road]
    other = piece.b if piece.a == node else piece.a
    a, b = streets.nodes[node], streets.nodes[other]
    tx, ty = a + (b - a) * min(1.0, 38.0 / piece.length_m)
    return math.degrees(math.atan2(float(tx) - x, float(ty) - y))


def _places(streets: Streets, dice: Random) -> Iterator[tuple[float, float, list[float]]]:
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
        yield x, y, bearings[: dice.choice((1, 2, 2, 3, 4))]
    for road in streets.roads:
        if road.length_m < 85 and not road.bridge:
            continue
        x, y, bearings = _along(streets, road, dice)
        if not _near(taken, x, y, 58.0):
            taken.append((x, y))
            yield x, y, bearings[: dice.choice((1, 2, 2))]


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
