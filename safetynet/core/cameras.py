"""Who can see a place: the best few cameras for a region in which a person may be, and those just ahead.

A position is never a point. `choose` lays sample points over its uncertainty and, when the person moves, along the
way ahead; a camera is worth what it covers of them that the cameras before it do not. Where nothing covers, the
nearest are offered all the same, and called by their right name.

Absent on purpose: walls (no list of cameras knows them), the wish to see a person (that is `grants`), and the clock.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final, Protocol, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from safetynet.core import events, geo
from safetynet.core.terms import CameraId, CentreId, PoleId

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]

CELL_M: Final = 128.0
RADIUS_M_MAX: Final = 1_000.0
"""How far from the place a camera may stand unless the caller says otherwise: the widest any basis allows."""
WANTED_MAX: Final = 64
VIEW_DEG_ASSUMED: Final = 60.0
"""Of a fixed camera whose direction is known and whose opening is not: a common lens, rather too narrow."""

TRUST_KNOWN: Final = 1.0
TRUST_PTZ: Final = 0.85
"""It can be turned to see; until then it looks elsewhere."""
TRUST_UNKNOWN: Final = 0.4
"""In range, direction unknown: between one lens (view / 360) and a pole with one lens for each road."""

KEEP_BONUS: Final = 1.25
"""A picture already on the screen stays until another is worth a quarter more: tiles must not flicker."""
SAME_POLE: Final = 0.5
"""What a further lens is worth for each lens of its pole already chosen."""
GAIN_MIN: Final = 1e-6
FOOT_M: Final = 8.0
"""Nearer than this a lens on a pole (4 to 5 m high, pointed along the street) begins to look over people's heads."""
FOOT_WORTH: Final = 0.25
"""What a camera is worth for a point right under it."""
POLE_M: Final = 10.0
"""Added to distances in the ranking of those that see nothing, so that a pole on the very spot is no exception."""
SPEED_MPS_MIN: Final = 0.5
"""Slower than this a heading is noise."""
AHEAD_M_MAX: Final = 150.0
AHEAD_STEP_S: Final = 5.0
AHEAD_STEPS: Final = 6


class Camera(msgspec.Struct, frozen=True, kw_only=True):
    """One lens. Degrees WGS84; `azimuth_deg` clockwise from north, None when nobody has measured it."""

    id: CameraId
    city: CentreId
    pole: PoleId
    name: str
    lat: float
    lon: float
    range_m: float
    azimuth_deg: float | None = None
    view_deg: float | None = None
    ptz: bool = False
    purpose: str = ""


class Reason(Enum):
    """Why a camera is offered, and no more than can be known of it."""

    SEES_NOW = "sees_now"
    """As it stands now it looks at the likely part of the region."""
    AHEAD = "ahead"
    """It covers the way ahead of a moving person."""
    WHERE_FIX_WAS = "where_fix_was"
    """The region is in its range, but whether it looks there now is not known (unmeasured, PTZ, or only the rim)."""
    NEAR = "near"
    """It does not reach the region; nothing nearer is left."""


class Place(Protocol):
    """Anything with a position and its 68 % radius, such as `events.Place`."""

    @property
    def lat(self) -> float: ...
    @property
    def lon(self) -> float: ...
    @property
    def radius_m(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Choice:
    """`score` is the weight of sample points that this camera added to those before it (0 for `NEAR`)."""

    camera: Camera
    reason: Reason
    distance_m: float
    score: float


@dataclass(frozen=True, slots=True)
class _Samples:
    """Points in metres east and north of the place, each with its weight; heart first, then rim, then ahead."""

    x: Floats
    y: Floats
    weight: Floats
    heart: int
    disc: int

    @property
    def reach_m(self) -> float:
        return float(np.hypot(self.x, self.y).max())


@dataclass(frozen=True, slots=True)
class _Near:
    """Candidates around a place: their rows in the registry, in order of camera id, and what they cover."""

    rows: Ints
    away: Floats
    covers: Floats
    """Candidates x samples: weight seen, discounted by distance and by how little is known of the direction."""
    certain: NDArray[np.bool_]
    """Candidates x samples: seen by the camera as it stands."""


@dataclass(frozen=True, slots=True, eq=False)
class Registry:
    """All cameras of a city (or a country), built once, sorted by grid cell; one row per camera in every array."""

    cameras: tuple[Camera, ...]
    """In grid order."""
    row_of: dict[CameraId, int]
    lat: Floats
    lon: Floats
    range_m: Floats
    sin: Floats
    cos: Floats
    half_cos: Floats
    """Cosine of half the opening; NaN where the direction is not known."""
    trust: Floats
    """Of the whole circle: 0 for a fixed camera of known direction."""
    pole: Ints
    by_id: Ints
    """Rank of each camera's id: what decides between equals."""
    key: Ints
    corner: tuple[float, float]
    cell_deg: tuple[float, float]
    cells: tuple[int, int]
    range_m_max: float

    @staticmethod
    def of(cameras: Sequence[Camera]) -> "Registry":
        """Asserts what an importer must have refused: coordinates outside Korea, no range, one id twice."""
        for each in cameras:
            assert geo.in_korea(each.lat, each.lon), each.id
            assert 0.0 < each.range_m < math.inf, each.id
        lat = np.array([each.lat for each in cameras], np.float64)
        lon = np.array([each.lon for each in cameras], np.float64)
        corner = (float(lat.min()), float(lon.min())) if len(cameras) else (geo.LAT_MIN, geo.LON_MIN)
        north_m, east_m = _metres_per_degree(float(lat.mean()) if len(cameras) else corner[0])
        cell = (CELL_M / north_m, CELL_M / east_m)
        line = np.floor((lat - corner[0]) / cell[0]).astype(np.int64)
        column = np.floor((lon - corner[1]) / cell[1]).astype(np.int64)
        cells = (int(line.max()) + 1, int(column.max()) + 1) if len(cameras) else (1, 1)
        key = line * cells[1] + column
        ids = {id: rank for rank, id in enumerate(sorted(each.id for each in cameras))}
        assert len(ids) == len(cameras), "a camera id twice"
        rank = np.array([ids[each.id] for each in cameras], np.int64)
        order = np.lexsort((rank, key))
        ordered = tuple(cameras[int(row)] for row in order)
        poles: dict[PoleId, int] = {}
        sin, cos, half_cos, trust = _optics(ordered)
        return Registry(
            cameras=ordered,
            row_of={each.id: row for row, each in enumerate(ordered)},
            lat=lat[order],
            lon=lon[order],
            range_m=np.array([each.range_m for each in ordered], np.float64),
            sin=sin,
            cos=cos,
            half_cos=half_cos,
            trust=trust,
            pole=np.array([poles.setdefault(each.pole, len(poles)) for each in ordered], np.int64),
            by_id=rank[order],
            key=key[order],
            corner=corner,
            cell_deg=cell,
            cells=cells,
            range_m_max=max((each.range_m for each in ordered), default=0.0),
        )

    def with_optics(self, changed: Sequence[Camera]) -> "Registry":
        """The same cameras where they hang, some of them looking otherwise or farther. Costs a copy, not a sorting."""
        cameras, range_m = list(self.cameras), self.range_m.copy()
        sin, cos, half_cos, trust = (each.copy() for each in (self.sin, self.cos, self.half_cos, self.trust))
        rows = np.array([self.row_of[each.id] for each in changed], np.int64)
        for row, each in zip(rows.tolist(), changed, strict=True):
            assert (each.lat, each.lon) == (cameras[row].lat, cameras[row].lon), each.id
            cameras[row] = each
        range_m[rows] = [each.range_m for each in changed]
        sin[rows], cos[rows], half_cos[rows], trust[rows] = _optics(tuple(changed))
        return replace(
            self,
            cameras=tuple(cameras),
            range_m=range_m,
            sin=sin,
            cos=cos,
            half_cos=half_cos,
            trust=trust,
            range_m_max=float(range_m.max()),
        )

    def __len__(self) -> int:
        return len(self.cameras)

    def camera(self, id: CameraId) -> Camera | None:
        row = self.row_of.get(id)
        return None if row is None else self.cameras[row]

    def around(self, lat: float, lon: float, radius_m: float) -> tuple[Ints, Floats, Floats]:
        """Rows within `radius_m`, with metres east and north of the place; in order of camera id."""
        north_m, east_m = _metres_per_degree(lat)
        up, right = radius_m / north_m * 1.001, radius_m / east_m * 1.001
        first_line = max(0, math.floor((lat - up - self.corner[0]) / self.cell_deg[0]))
        last_line = min(self.cells[0] - 1, math.floor((lat + up - self.corner[0]) / self.cell_deg[0]))
        first = max(0, math.floor((lon - right - self.corner[1]) / self.cell_deg[1]))
        last = min(self.cells[1] - 1, math.floor((lon + right - self.corner[1]) / self.cell_deg[1]))
        if first_line > last_line or first > last:
            return np.empty(0, np.int64), np.empty(0, np.float64), np.empty(0, np.float64)
        lines = np.arange(first_line, last_line + 1, dtype=np.int64) * self.cells[1]
        starts = np.searchsorted(self.key, lines + first, "left").tolist()
        ends = np.searchsorted(self.key, lines + last, "right").tolist()
        rows = np.concatenate([np.arange(s, e, dtype=np.int64) for s, e in zip(starts, ends, strict=True)])
        x, y = (self.lon[rows] - lon) * east_m, (self.lat[rows] - lat) * north_m
        inside = np.flatnonzero(x * x + y * y <= radius_m * radius_m)
        inside = inside[np.argsort(self.by_id[rows[inside]])]
        return rows[inside], x[inside], y[inside]


def _metres_per_degree(lat: float) -> tuple[float, float]:
    along, across = geo.radii_m(lat)
    return math.radians(along), math.radians(across) * math.cos(math.radians(lat))


def _optics(cameras: tuple[Camera, ...]) -> tuple[Floats, Floats, Floats, Floats]:
    """Sine and cosine of the azimuth, cosine of half the opening, and the trust in the whole circle."""
    count = len(cameras)
    sin, cos = np.zeros(count), np.zeros(count)
    half_cos, trust = np.full(count, np.nan), np.zeros(count)
    for row, each in enumerate(cameras):
        if each.view_deg is not None and each.view_deg >= 360.0:
            sin[row], cos[row], half_cos[row] = 0.0, 1.0, -1.0
        elif each.azimuth_deg is not None:
            turn = math.radians(each.azimuth_deg)
            view = VIEW_DEG_ASSUMED if each.view_deg is None else each.view_deg
            sin[row], cos[row], half_cos[row] = math.sin(turn), math.cos(turn), math.cos(math.radians(view / 2))
            trust[row] = TRUST_PTZ if each.ptz else 0.0
        else:
            trust[row] = TRUST_PTZ if each.ptz else TRUST_UNKNOWN
    return sin, cos, half_cos, trust


def _ring(count: int, radius: float) -> list[tuple[float, float]]:
    turns = (2 * math.pi * k / count for k in range(count))
    return [(radius * math.sin(turn), radius * math.cos(turn)) for turn in turns]


def _samples(radius_m: float, heading_deg: float | None, speed_mps: float | None) -> _Samples:
    """Centre 2, six at half the radius 1, twelve at the radius 0.5; six ahead 1/k (performance.md section 3.3)."""
    points = [(0.0, 0.0), *_ring(6, radius_m / 2), *_ring(12, radius_m)]
    weights = [2.0] + [1.0] * 6 + [0.5] * 12
    if heading_deg is not None and speed_mps is not None and speed_mps >= SPEED_MPS_MIN:
        turn = math.radians(heading_deg)
        for k in range(1, AHEAD_STEPS + 1):
            far = min(AHEAD_M_MAX, AHEAD_STEP_S * k * speed_mps)
            points.append((far * math.sin(turn), far * math.cos(turn)))
            weights.append(1 / k)
    xy = np.array(points, np.float64)
    return _Samples(x=xy[:, 0], y=xy[:, 1], weight=np.array(weights, np.float64), heart=7, disc=19)


def _near(registry: Registry, place: Place, samples: _Samples, radius_m: float) -> _Near:
    """Those whose range touches the region, and what each covers."""
    rows, x, y = registry.around(place.lat, place.lon, radius_m)
    away = np.hypot(x, y)
    reaching = np.flatnonzero(away <= registry.range_m[rows] + samples.reach_m)
    rows, away = rows[reaching], away[reaching]
    dx = samples.x[None, :] - x[reaching, None]
    dy = samples.y[None, :] - y[reaching, None]
    far = np.hypot(dx, dy)
    share = far / registry.range_m[rows, None]
    facing = dx * registry.sin[rows, None] + dy * registry.cos[rows, None]
    # Comparisons with NaN (direction unknown) are false. Who stands at the pole's foot may be seen, but hardly.
    sees = (share <= 1.0) & (facing >= far * registry.half_cos[rows, None] - 1e-9)
    trust = np.where(sees, TRUST_KNOWN, registry.trust[rows, None])
    foot = np.clip(far / FOOT_M, FOOT_WORTH, 1.0)
    covers = np.where(share <= 1.0, samples.weight[None, :] * (1.0 - 0.7 * share) * trust * foot, 0.0)
    return _Near(rows, away, covers, sees)


def _reason(near: _Near, samples: _Samples, which: int) -> Reason:
    seen = near.covers[which] > 0.0
    if near.certain[which, : samples.heart].any():
        return Reason.SEES_NOW
    if seen[samples.disc :].any():
        return Reason.AHEAD
    return Reason.WHERE_FIX_WAS


def _pick_seeing(near: _Near, pole: Ints, liking: Floats, wanted: int) -> list[tuple[int, float]]:
    """Greedy: always the candidate that adds most; then those that see but add nothing, by what they see."""
    chosen: list[tuple[int, float]] = []
    worth = liking.copy()
    best = np.zeros(near.covers.shape[1])
    whole = near.covers.sum(axis=1)
    adding = np.flatnonzero(whole > GAIN_MIN)
    while len(adding) and len(chosen) < wanted:
        gain = np.maximum(near.covers[adding] - best, 0.0).sum(axis=1)
        liked = gain * worth[adding]
        top = int(np.argmax(liked))
        if liked[top] <= GAIN_MIN:
            break
        which = int(adding[top])
        chosen.append((which, float(gain[top])))
        best = np.maximum(best, near.covers[which])
        worth[pole == pole[which]] *= SAME_POLE
        # What adds nothing now never will: what is covered only grows.
        adding = adding[(gain > GAIN_MIN) & (adding != which)]
    rest = np.setdiff1d(np.flatnonzero(whole > GAIN_MIN), [which for which, _ in chosen])
    while len(rest) and len(chosen) < wanted:
        top = int(np.argmax(whole[rest] * worth[rest]))
        which = int(rest[top])
        chosen.append((which, 0.0))
        worth[pole == pole[which]] *= SAME_POLE
        rest = np.delete(rest, top)
    return chosen


def _nearest(
    registry: Registry, place: Place, keep: frozenset[CameraId], taken: list[int], wanted: int, radius_m: float
) -> tuple[list[tuple[int, float]], float]:
    """Rows that see nothing, with their distance: the nearest first, a further lens of a pole counting as farther.

    Also the farthest distance so felt: beyond the searched radius somebody unseen may have been better.
    """
    rows, x, y = registry.around(place.lat, place.lon, radius_m)
    lenses: Counter[int] = Counter(registry.pole[taken].tolist())
    free = ~np.isin(rows, taken)
    rows, away = rows[free], np.hypot(x, y)[free]
    pole = registry.pole[rows]
    felt = (away + POLE_M) / _liking(registry, rows, keep)
    scale = np.array([1.0 + lenses[each] for each in pole.tolist()])
    found: list[tuple[int, float]] = []
    farthest = 0.0
    for _ in range(min(wanted, len(rows))):
        weighed = felt * scale
        top = int(np.argmin(weighed))
        farthest = max(farthest, float(weighed[top]))
        found.append((int(rows[top]), float(away[top])))
        scale[pole == pole[top]] += 1.0
        felt[top] = math.inf
    return found, farthest


def _liking(registry: Registry, rows: Ints, keep: frozenset[CameraId]) -> Floats:
    if not keep:
        return np.ones(len(rows))
    return np.array([KEEP_BONUS if registry.cameras[row].id in keep else 1.0 for row in rows.tolist()])


def choose(
    registry: Registry,
    place: Place,
    wanted: int,
    heading_deg: float | None = None,
    speed_mps: float | None = None,
    keep: frozenset[CameraId] = frozenset(),
    radius_max_m: float = RADIUS_M_MAX,
) -> tuple[Choice, ...]:
    """The best `wanted` cameras for the region, best first; fewer only when fewer stand within `radius_max_m`.

    First those that cover the region or the way ahead, each for what it adds to those before it; then, widening the
    search step by step, the nearest. The same question always has the same answer, whatever order the cameras were
    read in. `keep` are those already shown: they win against a little better.
    """
    assert 0 <= wanted <= WANTED_MAX, wanted
    assert geo.in_korea(place.lat, place.lon), place
    assert place.radius_m >= 0.0, place
    if wanted == 0 or not len(registry):
        return ()
    samples = _samples(min(place.radius_m, radius_max_m), heading_deg, speed_mps)
    radius = min(radius_max_m, samples.reach_m + registry.range_m_max)
    near = _near(registry, place, samples, radius)
    seeing = _pick_seeing(near, registry.pole[near.rows], _liking(registry, near.rows, keep), wanted)
    choices = [
        Choice(
            registry.cameras[int(near.rows[which])],
            _reason(near, samples, which),
            round(float(near.away[which]), 1),
            round(score, 6),
        )
        for which, score in seeing
    ]
    left = wanted - len(seeing)
    taken = [int(near.rows[which]) for which, _ in seeing]
    while left > 0:
        found, farthest = _nearest(registry, place, keep, taken, left, radius)
        # A kept camera beyond the circle would feel nearer than it is: allow for it.
        if radius >= radius_max_m or (len(found) == left and farthest * KEEP_BONUS <= radius + POLE_M):
            choices += [Choice(registry.cameras[row], Reason.NEAR, round(away, 1), 0.0) for row, away in found]
            break
        radius = min(radius_max_m, radius * 2)
    return tuple(choices)


COURSE_S_MAX: Final = 60.0
"""Older than this, the place before says nothing of where the person goes now."""


def course(earlier: events.Place | None, now: events.Place) -> tuple[float | None, float | None]:
    """Heading (degrees) and pace (m/s) from two places; (None, None) when the way is lost in their uncertainty."""
    if earlier is None:
        return None, None
    gap_s = (now.observed_at - earlier.observed_at) / 1000
    if not 0 < gap_s <= COURSE_S_MAX:
        return None, None
    way_m = geo.distance_m(earlier.lat, earlier.lon, now.lat, now.lon)
    if way_m < (earlier.radius_m + now.radius_m) / 2:
        return None, None
    return geo.bearing_deg(earlier.lat, earlier.lon, now.lat, now.lon), way_m / gap_s


def card(camera: Camera) -> events.CameraCard:
    """What a city tells a partner of a camera: never where its stream is fetched."""
    return events.CameraCard(
        camera=camera.id,
        pole=camera.pole,
        name=camera.name,
        lat=camera.lat,
        lon=camera.lon,
        range_m=camera.range_m,
        azimuth_deg=camera.azimuth_deg,
        view_deg=camera.view_deg,
        ptz=camera.ptz,
        purpose=camera.purpose,
    )


def rank(
    cards: Mapping[tuple[CentreId, CameraId], events.CameraCard],
    place: events.Place | None,
    earlier: events.Place | None,
) -> tuple[tuple[tuple[CentreId, CameraId], Choice], ...]:
    """Cards of several cities in one order of worth for where the person is; all of them. Without a place, as given.

    Ids of cameras and of poles are each city's own: what one city says must not move or hide a camera of another.
    """
    whose = {CameraId(f"{city}/{camera}"): (city, camera) for city, camera in cards}
    held = [
        Camera(
            id=id,
            city=whose[id][0],
            pole=PoleId(f"{whose[id][0]}/{each.pole}"),
            name=each.name,
            lat=each.lat,
            lon=each.lon,
            range_m=each.range_m,
            azimuth_deg=each.azimuth_deg,
            view_deg=each.view_deg,
            ptz=each.ptz,
            purpose=each.purpose,
        )
        for id, each in zip(whose, cards.values(), strict=True)
    ]
    if place is None:
        return tuple((whose[each.id], Choice(each, Reason.NEAR, 0.0, 0.0)) for each in held)
    heading_deg, speed_mps = course(earlier, place)
    first = choose(Registry.of(held), place, min(len(held), WANTED_MAX), heading_deg, speed_mps)
    chosen = {each.camera.id for each in first}
    rest = (
        Choice(each, Reason.NEAR, round(geo.distance_m(place.lat, place.lon, each.lat, each.lon), 1), 0.0)
        for each in held
        if each.id not in chosen
    )
    ordered = (*first, *sorted(rest, key=lambda choice: choice.distance_m))
    return tuple((whose[each.camera.id], each) for each in ordered)
