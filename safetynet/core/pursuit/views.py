"""What each view shows: the places in its footprint, and how well each is seen.

A *view* is a camera as it stands, or one preset of a camera that turns; presets of one camera exclude each other. A
line of sight must stay in the street: nothing else is known of walls. Of a camera whose direction nobody has measured
the whole circle is taken, thinned by the part of it that it can see at a time.

Absent on purpose: which views are shown (`choosing`), and whether they may be (`grants`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from safetynet.core.roads import Roads, compiled
from safetynet.core.roads.graph import Doubles, Floats, Ints
from safetynet.core.terms import CameraId

PLACES_MAX: Final = 400
"""Of one view. A view over more is cut to the first of them; no camera of 200 m in a town comes near."""
STEP_M: Final = 4.0
"""Along a line of sight."""
VIEW_DEG_ASSUMED: Final = 60.0
Q_FAR: Final = 0.3
"""How well somebody is seen at the end of the range; up to half of it: 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Metres in the plane of the roads; degrees clockwise from north."""

    camera: CameraId
    preset: str = ""
    x: float
    y: float
    range_m: float
    azimuth_deg: float | None = None
    view_deg: float = VIEW_DEG_ASSUMED
    turns: bool = False
    """It has to be turned there first."""


@dataclass(frozen=True, eq=False)
class Views:
    """Footprints, one row of `offset` per view."""

    all: tuple[View, ...]
    camera: Ints
    """Rank of the camera in order of id: views of one camera exclude each other."""
    offset: Ints
    place: Ints
    q: Floats
    """How well a person there would be seen if the view looks there, 0 to 1."""
    bearing: Floats
    """From the camera to the place, radians clockwise from north."""
    worth: Floats
    """Chance that a person there is really in the picture, all that is known of the direction taken in."""
    known: NDArray[np.bool_]
    share: Floats
    """Of the circle that the view covers; 1 where the direction is known."""
    turns: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.all)

    @cached_property
    def view_of(self) -> Ints:
        """The view of each entry."""
        return np.repeat(np.arange(len(self), dtype=np.int32), np.diff(self.offset))

    @cached_property
    def by_place(self) -> tuple[Ints, Ints]:
        """Entries by place: rows of a place are `entry[offset[place] : offset[place + 1]]`; places after the last have none."""
        entry = np.argsort(self.place, kind="stable").astype(np.int32)
        last = int(self.place.max(initial=-1)) + 1
        return np.searchsorted(self.place[entry], np.arange(last + 1)).astype(np.int32), entry

    def places(self, view: int) -> Ints:
        return self.place[self.offset[view] : self.offset[view + 1]]


def footprints(roads: Roads, views: Sequence[View], known_floor: float) -> Views:
    rank = {id: row for row, id in enumerate(sorted({each.camera for each in views}))}
    known = np.array([each.azimuth_deg is not None or each.view_deg >= 360.0 for each in views])
    share = np.array([1.0 if ok else each.view_deg / 360.0 for each, ok in zip(views, known, strict=True)], np.float32)
    offset, place, q, bearing = _seen(roads, views)
    row = np.repeat(np.arange(len(views)), np.diff(offset))
    worth = np.where(known[row], np.maximum(q, known_floor), q * share[row])
    return Views(
        all=tuple(views),
        camera=np.array([rank[each.camera] for each in views], np.int32),
        offset=offset,
        place=place,
        q=q,
        bearing=bearing,
        worth=worth.astype(np.float32),
        known=known,
        share=share,
        turns=np.array([each.turns for each in views]),
    )


def _seen(roads: Roads, views: Sequence[View]) -> tuple[Ints, Ints, Floats, Floats]:
    grid = roads.buckets
    half = [
        math.pi if each.azimuth_deg is None or each.view_deg >= 360.0 else math.radians(each.view_deg) / 2
        for each in views
    ]
    count, place, q, bearing = look(
        np.array([(each.x, each.y, each.range_m) for each in views], np.float64).reshape(-1, 3),
        np.array([math.radians(each.azimuth_deg or 0.0) for each in views], np.float64),
        np.array(half, np.float64),
        np.array([grid.left, grid.low], np.float64),
        np.array([grid.wide, grid.high], np.int64),
        grid.offset,
        grid.place,
        np.column_stack([roads.place_ax, roads.place_ay, roads.place_bx, roads.place_by]).astype(np.float32),
        roads.place_x,
        roads.place_y,
        roads.place_half_m,
    )
    offset = np.concatenate([[0], np.cumsum(count)]).astype(np.int32)
    return offset, place, q, bearing


@compiled
def look(
    stand: Doubles,
    azimuth: Doubles,
    half: Doubles,
    corner: Doubles,
    shape: NDArray[np.int64],
    offset: Ints,
    listed: Ints,
    ends: Floats,
    px: Floats,
    py: Floats,
    wide: Floats,
) -> tuple[NDArray[np.int64], Ints, Floats, Floats]:
    """For each view the places in range and sector to which a line of sight stays within the streets."""
    views = len(stand)
    count = np.zeros(views, np.int64)
    room = 64 * views + PLACES_MAX
    place = np.empty(room, np.int32)
    q = np.empty(room, np.float32)
    bearing = np.empty(room, np.float32)
    total = 0
    near = np.empty(20_000, np.int32)
    for v in range(views):
        x, y, far = stand[v, 0], stand[v, 1], stand[v, 2]
        margin = far + 64.0
        first = max(0, int((x - margin - corner[0]) // 64.0))
        last = min(shape[0] - 1, int((x + margin - corner[0]) // 64.0))
        low = max(0, int((y - margin - corner[1]) // 64.0))
        high = min(shape[1] - 1, int((y + margin - corner[1]) // 64.0))
        found = 0
        for line in range(low, high + 1):
            for column in range(first, last + 1):
                box = line * shape[0] + column
                for k in range(offset[box], offset[box + 1]):
                    if found < len(near):
                        near[found] = listed[k]
                        found += 1
        if total + PLACES_MAX > room:
            room *= 2
            place = grown_ints(place, room)
            q = grown(q, room)
            bearing = grown(bearing, room)
        for n in range(found):
            p = near[n]
            dx, dy = px[p] - x, py[p] - y
            away = math.hypot(dx, dy)
            if away > far or count[v] >= PLACES_MAX:
                continue
            turn = math.atan2(dx, dy)
            off = abs((turn - azimuth[v] + math.pi) % (2 * math.pi) - math.pi)
            if off > half[v] or not clear(x, y, dx, dy, away, near, found, ends, wide):
                continue
            place[total] = p
            share = away / far
            q[total] = 1.0 if share <= 0.5 else 1.0 - (1.0 - Q_FAR) * (share - 0.5) / 0.5
            bearing[total] = turn
            total += 1
            count[v] += 1
    return count, place[:total].copy(), q[:total].copy(), bearing[:total].copy()


@compiled
def grown(values: Floats, room: int) -> Floats:
    wider = np.empty(room, np.float32)
    wider[: len(values)] = values
    return wider


@compiled
def grown_ints(values: Ints, room: int) -> Ints:
    wider = np.empty(room, np.int32)
    wider[: len(values)] = values
    return wider


@compiled
def clear(
    x: float, y: float, dx: float, dy: float, away: float, near: Ints, found: int, ends: Floats, wide: Floats
) -> bool:
    """Whether every point of the line lies in some street's width."""
    steps = int(away / STEP_M)
    held = -1
    for s in range(steps, 0, -1):
        share = s * STEP_M / away
        sx, sy = x + dx * share, y + dy * share
        if held >= 0 and beside(sx, sy, ends[held], wide[held]):
            continue
        held = -1
        for n in range(found):
            if beside(sx, sy, ends[near[n]], wide[near[n]]):
                held = near[n]
                break
        if held < 0:
            return False
    return True


@compiled
def beside(x: float, y: float, end: Floats, wide: float) -> bool:
    ex, ey = end[2] - end[0], end[3] - end[1]
    wx, wy = x - end[0], y - end[1]
    square = ex * ex + ey * ey
    along = 0.0 if square <= 0.0 else min(1.0, max(0.0, (wx * ex + wy * ey) / square))
    gx, gy = wx - ex * along, wy - ey * along
    near: bool = gx * gx + gy * gy <= wide * wide
    return near
