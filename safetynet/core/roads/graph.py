"""A city's roads as arrays: junctions, arcs (a street in one direction), cells of about 20 m, turns at junctions.

A *place* is what a camera sees: a piece of street of about 20 m. It has two *cells*, one per direction, each the
other's *twin*. Cells of one arc follow each other, so the next cell on the way is i + 1 until the arc ends.

Absent on purpose: files (edge/roads) and who goes there (`pursuit`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum
from functools import cached_property
from typing import Any, Final, TypeAlias

import numba
import numpy as np
from numpy.typing import NDArray

from safetynet.core import geo

Floats: TypeAlias = NDArray[np.float32]
Doubles: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int32]
Bytes: TypeAlias = NDArray[np.int8]
Bools: TypeAlias = NDArray[np.bool_]

CELL_M: Final = 20.0
LENGTH_M_MIN: Final = 1.0
"""Shorter streets are counted as this long: two junctions drawn on one spot must not stop time."""
BUCKET_M: Final = 64.0


def compiled(function: Any) -> Any:
    """Without `fastmath`: the same input gives the same bits on the same machine, and no NaN is undefined."""
    return numba.njit(cache=True, nogil=True, error_model="numpy")(function)


class Rank(IntEnum):
    """How large a road is; the half width and the usual speed are read by it."""

    PATH = 0
    """Footways, stairs, park paths: no cars."""
    LOCAL = 1
    COLLECTOR = 2
    ARTERIAL = 3
    TRUNK = 4
    MOTORWAY = 5
    """No people on foot."""


HALF_WIDTH_M: Final = (4.0, 6.0, 9.0, 13.0, 18.0, 18.0)
"""From the axis to the fronts of the houses, by rank: where a line of sight may run."""
USUAL_MPS: Final = (0.0, 5.0, 7.0, 9.0, 11.0, 20.0)
"""In town with its lights and queues, where the file says no speed."""
LIMIT_SHARE: Final = 0.6
"""What is really driven in town, as a share of the limit."""


@dataclass(frozen=True, slots=True)
class Street:
    """A piece between two junctions, as an importer hands it over. `line` begins at `a`, ends at `b`: (lat, lon)."""

    a: int
    b: int
    line: tuple[tuple[float, float], ...]
    rank: Rank
    name: str = ""
    usual_mps: float | None = None
    along: bool = True
    against: bool = True
    """Whether cars may go from a to b, from b to a."""
    foot: bool = True


@dataclass(frozen=True, eq=False)
class Roads:
    """Metres east (x) and north (y) of the origin. Arc 2k is street k from a to b, arc 2k + 1 the way back."""

    lat0: float
    lon0: float
    names: tuple[str, ...]
    node_x: Doubles
    node_y: Doubles
    arc_from: Ints
    arc_to: Ints
    arc_m: Floats
    arc_mps: Floats
    """Usual speed of cars."""
    arc_rank: Bytes
    arc_car: Bools
    arc_foot: Bools
    arc_name: Ints
    arc_first: Ints
    """First cell of each arc, and one past the last of all."""
    out_offset: Ints
    out_arc: Ints
    """Arcs that leave a junction."""
    turn_offset: Ints
    turn_arc: Ints
    """Arcs by which one may go on at the end of an arc; the way back is among them."""
    turn_cos: Floats
    """1 straight on, -1 back."""
    cell_arc: Ints
    cell_place: Ints
    cell_twin: Ints
    cell_m: Floats
    cell_hx: Floats
    cell_hy: Floats
    """Heading, a unit vector."""
    place_cell: Ints
    """The cell of the even arc; the other is its twin."""
    place_x: Floats
    place_y: Floats
    place_ax: Floats
    place_ay: Floats
    place_bx: Floats
    place_by: Floats
    place_half_m: Floats
    """Half the width of the street."""

    @property
    def nodes(self) -> int:
        return len(self.node_x)

    @property
    def arcs(self) -> int:
        return len(self.arc_m)

    @property
    def cells(self) -> int:
        return len(self.cell_m)

    @property
    def places(self) -> int:
        return len(self.place_x)

    @cached_property
    def plane(self) -> geo.Plane:
        return geo.Plane(self.lat0, self.lon0)

    @cached_property
    def length_m(self) -> float:
        """Of all streets, each once."""
        return float(self.arc_m[::2].sum(dtype=np.float64))

    @cached_property
    def buckets(self) -> "Buckets":
        return Buckets.of(self)

    def name(self, place: int) -> str:
        return self.names[int(self.arc_name[self.cell_arc[self.place_cell[place]]])]


ARRAYS: Final = tuple(each.name for each in fields(Roads) if each.name not in ("lat0", "lon0", "names"))


@dataclass(frozen=True, eq=False)
class Buckets:
    """Places by squares of BUCKET_M."""

    left: float
    low: float
    wide: int
    high: int
    offset: Ints
    place: Ints

    @staticmethod
    def of(roads: Roads) -> "Buckets":
        left, low = float(roads.place_x.min()), float(roads.place_y.min())
        column = ((roads.place_x - left) / BUCKET_M).astype(np.int64)
        line = ((roads.place_y - low) / BUCKET_M).astype(np.int64)
        wide, high = int(column.max()) + 1, int(line.max()) + 1
        key = line * wide + column
        order = np.argsort(key, kind="stable")
        offset = np.searchsorted(key[order], np.arange(wide * high + 1)).astype(np.int32)
        return Buckets(left, low, wide, high, offset, order.astype(np.int32))

    def around(self, x: float, y: float, radius_m: float) -> Ints:
        """Places in the squares that a circle touches."""
        first = max(0, int((x - radius_m - self.left) // BUCKET_M))
        last = min(self.wide - 1, int((x + radius_m - self.left) // BUCKET_M))
        low = max(0, int((y - radius_m - self.low) // BUCKET_M))
        high = min(self.high - 1, int((y + radius_m - self.low) // BUCKET_M))
        if first > last or low > high:
            return np.empty(0, np.int32)
        return np.concatenate(
            [
                self.place[self.offset[line * self.wide + first] : self.offset[line * self.wide + last + 1]]
                for line in range(low, high + 1)
            ]
        )


def pack(junctions: Sequence[tuple[float, float]], streets: Sequence[Street]) -> Roads:
    """Asserts what an importer must have refused: streets that begin or end at no junction, lines of one point."""
    assert streets, "no streets"
    lat0 = round(float(np.mean([lat for lat, _ in junctions])), 4)
    lon0 = round(float(np.mean([lon for _, lon in junctions])), 4)
    plane = geo.Plane(lat0, lon0)
    node = np.array([plane.to_xy(*each) for each in junctions], np.float64)
    for each in streets:
        assert len(each.line) > 1, each.name
        assert 0 <= each.a < len(node), each.name
        assert 0 <= each.b < len(node), each.name
    names = tuple(sorted({each.name for each in streets}))
    rank_of = {name: row for row, name in enumerate(names)}
    cut = _cut(plane, streets)
    arc_from = _both(np.array([each.a for each in streets]), np.array([each.b for each in streets])).astype(np.int32)
    arc_to = arc_from.reshape(-1, 2)[:, ::-1].reshape(-1).copy()
    out_offset, out_arc = _leaving(arc_from, len(node))
    turn_offset, turn_arc = _turns(arc_to, out_offset, out_arc)
    first, place, twin = _cells(cut.count)
    cell_arc = np.repeat(np.arange(len(arc_from)), np.repeat(cut.count, 2)).astype(np.int32)
    dx, dy = cut.bx - cut.ax, cut.by - cut.ay
    norm = np.maximum(np.hypot(dx, dy), 1e-6)
    sign = np.where(cell_arc % 2 == 0, 1.0, -1.0)
    hx, hy = (dx / norm)[place] * sign, (dy / norm)[place] * sign
    coming = np.repeat(np.arange(len(arc_from)), np.diff(turn_offset))
    end, begin = first[1:][coming] - 1, first[turn_arc]
    rank = np.array([each.rank for each in streets], np.int8)
    usual = [USUAL_MPS[each.rank] if each.usual_mps is None else each.usual_mps for each in streets]
    return Roads(
        lat0=lat0,
        lon0=lon0,
        names=names,
        node_x=node[:, 0].copy(),
        node_y=node[:, 1].copy(),
        arc_from=arc_from,
        arc_to=arc_to,
        arc_m=np.repeat(cut.length, 2).astype(np.float32),
        arc_mps=np.repeat(usual, 2).astype(np.float32),
        arc_rank=np.repeat(rank, 2),
        arc_car=_both(np.array([e.along for e in streets]), np.array([e.against for e in streets]))
        & (np.repeat(usual, 2) > 0.0),
        arc_foot=np.repeat(np.array([each.foot for each in streets]), 2),
        arc_name=np.repeat([rank_of[each.name] for each in streets], 2).astype(np.int32),
        arc_first=first,
        out_offset=out_offset,
        out_arc=out_arc,
        turn_offset=turn_offset,
        turn_arc=turn_arc,
        turn_cos=(hx[end] * hx[begin] + hy[end] * hy[begin]).astype(np.float32),
        cell_arc=cell_arc,
        cell_place=place,
        cell_twin=twin,
        cell_m=np.repeat(cut.length / cut.count, 2 * cut.count).astype(np.float32),
        cell_hx=hx.astype(np.float32),
        cell_hy=hy.astype(np.float32),
        place_cell=_even_cells(cut.count, first),
        place_x=cut.x.astype(np.float32),
        place_y=cut.y.astype(np.float32),
        place_ax=cut.ax.astype(np.float32),
        place_ay=cut.ay.astype(np.float32),
        place_bx=cut.bx.astype(np.float32),
        place_by=cut.by.astype(np.float32),
        place_half_m=np.repeat(np.array(HALF_WIDTH_M)[rank], cut.count).astype(np.float32),
    )


@dataclass(frozen=True, slots=True)
class _Cut:
    """Streets in pieces, one row per place; `count` and `length` per street."""

    count: NDArray[np.int64]
    length: Doubles
    x: Doubles
    y: Doubles
    ax: Doubles
    ay: Doubles
    bx: Doubles
    by: Doubles


def _cut(plane: geo.Plane, streets: Sequence[Street]) -> _Cut:
    """All lines behind each other as one long line, on which each piece's ends are found by their distance."""
    xy = np.array([plane.to_xy(*point) for each in streets for point in each.line], np.float64)
    corners = np.array([len(each.line) for each in streets])
    street = np.repeat(np.arange(len(streets)), corners)
    step = np.hypot(*np.diff(xy, axis=0).T)
    step[street[1:] != street[:-1]] = 0.0
    along = np.concatenate([[0.0], np.cumsum(step)])
    start = along[np.concatenate([[0], np.cumsum(corners)[:-1]])]
    drawn = np.bincount(street[1:], step, len(streets))
    length = np.maximum(drawn, LENGTH_M_MIN)
    count = np.maximum(1, np.rint(length / CELL_M)).astype(np.int64)
    # Streets follow each other at one distance; moved apart by a metre each, no search can land in the next.
    along = along + street * 1.0
    start = start + np.arange(len(streets)) * 1.0
    of = np.repeat(np.arange(len(streets)), count)
    number = np.arange(len(of)) - np.repeat(np.cumsum(count) - count, count)

    def at(share: Doubles) -> tuple[Doubles, Doubles]:
        wanted = start[of] + np.clip(share, 0.0, 1.0) * drawn[of]
        return np.interp(wanted, along, xy[:, 0]), np.interp(wanted, along, xy[:, 1])

    ax, ay = at(number / count[of])
    bx, by = at((number + 1) / count[of])
    x, y = at((number + 0.5) / count[of])
    return _Cut(count, length, x, y, ax, ay, bx, by)


def _both(along: NDArray[Any], against: NDArray[Any]) -> NDArray[Any]:
    return np.column_stack([along, against]).reshape(-1)


def _leaving(arc_from: Ints, nodes: int) -> tuple[Ints, Ints]:
    order = np.argsort(arc_from, kind="stable")
    return np.searchsorted(arc_from[order], np.arange(nodes + 1)).astype(np.int32), order.astype(np.int32)


def _turns(arc_to: Ints, out_offset: Ints, out_arc: Ints) -> tuple[Ints, Ints]:
    count = np.diff(out_offset)[arc_to]
    offset = np.concatenate([[0], np.cumsum(count)])
    row = np.arange(offset[-1]) - np.repeat(offset[:-1], count) + np.repeat(out_offset[arc_to], count)
    return offset.astype(np.int32), out_arc[row]


def _cells(count: NDArray[np.int64]) -> tuple[Ints, Ints, Ints]:
    """First cell per arc; place and twin per cell. Both arcs of a street follow each other."""
    first = np.concatenate([[0], np.cumsum(np.repeat(count, 2))])
    street = np.repeat(np.arange(len(count)), 2 * count)
    number = np.arange(first[-1]) - 2 * (np.cumsum(count) - count)[street]
    forward = number < count[street]
    place_first = (np.cumsum(count) - count)[street]
    place = place_first + np.where(forward, number, 2 * count[street] - 1 - number)
    twin = np.arange(first[-1]) - number + 2 * count[street] - 1 - number
    return first.astype(np.int32), place.astype(np.int32), twin.astype(np.int32)


def _even_cells(count: NDArray[np.int64], first: Ints) -> Ints:
    start = np.repeat(first[:-1:2], count)
    number = np.arange(len(start)) - np.repeat(np.cumsum(count) - count, count)
    return (start + number).astype(np.int32)
