"""Choosing cameras: the grid against a scan of all cameras, in one run. Last line: figures and ratios as JSON.

`scan` asks the same question of the same arrays without the grid (every camera's distance, then the same choice), so
that only the index differs; `scan_nearest` is the plainest thing one could do instead: numpy distances, the 16
nearest, no direction and no coverage. `rings` is a peer without any index library: a dict of cells, pure Python,
the 16 nearest. Usage: cameras.py [--cameras N] [--queries N]
"""

import argparse
import json
import math
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from safetynet.core import cameras

SIDE_M = {"mean": 178.0, "dense": 40.0}
"""Metres of side per pole of three lenses: the country's towns, and 20 times as dense."""


@dataclass(frozen=True)
class Spot:
    lat: float
    lon: float
    radius_m: float


def made(count: int, side_m: float, dice: np.random.Generator) -> list[cameras.Camera]:
    poles = max(1, count // 3)
    size = side_m * math.sqrt(poles)
    size = min(size, 440_000.0)
    x, y = dice.uniform(0, size, poles), dice.uniform(0, size, poles)
    known, turn = dice.random(count) < 0.6, dice.uniform(0, 360, count)
    view, far, ptz = dice.uniform(40, 110, count), dice.uniform(30, 200, count), dice.random(count) < 0.25
    return [
        cameras.Camera(
            id=f"{n // 3 % poles}-{n}",
            city="bench",
            pole=str(n // 3 % poles),
            name="",
            lat=34.0 + y[n // 3 % poles] / 111_000,
            lon=126.0 + x[n // 3 % poles] / 91_000,
            range_m=float(far[n]),
            azimuth_deg=float(turn[n]) if known[n] else None,
            view_deg=float(view[n]) if known[n] else None,
            ptz=bool(ptz[n]),
        )
        for n in range(count)
    ]


class Scan:
    """The registry with its index taken out."""

    def __init__(self, registry: cameras.Registry) -> None:
        self.registry = registry

    def __getattr__(self, name: str) -> object:
        return getattr(self.registry, name)

    def __len__(self) -> int:
        return len(self.registry)

    def around(self, lat: float, lon: float, radius_m: float) -> tuple[object, object, object]:
        along, across = cameras.geo.radii_m(lat)
        y = (self.registry.lat - lat) * math.radians(along)
        x = (self.registry.lon - lon) * math.radians(across) * math.cos(math.radians(lat))
        inside = np.flatnonzero(x * x + y * y <= radius_m * radius_m)
        inside = inside[np.argsort(self.registry.by_id[inside])]
        return inside, x[inside], y[inside]


def nearest(registry: cameras.Registry, spot: Spot) -> object:
    along, across = cameras.geo.radii_m(spot.lat)
    y = (registry.lat - spot.lat) * math.radians(along)
    x = (registry.lon - spot.lon) * math.radians(across) * math.cos(math.radians(spot.lat))
    return np.argpartition(x * x + y * y, 16)[:16]


class Rings:
    def __init__(self, registry: cameras.Registry) -> None:
        self.cells: defaultdict[tuple[int, int], list[tuple[float, float, int]]] = defaultdict(list)
        for row, (lat, lon) in enumerate(zip(registry.lat.tolist(), registry.lon.tolist(), strict=True)):
            self.cells[self.cell(lat, lon)].append((lat, lon, row))

    @staticmethod
    def cell(lat: float, lon: float) -> tuple[int, int]:
        return int(lat * 111_000 / 128), int(lon * 91_000 / 128)

    def nearest(self, spot: Spot) -> object:
        i, j = self.cell(spot.lat, spot.lon)
        for far in (2, 4, 8, 16):
            found = [
                ((lat - spot.lat) ** 2 * 1.5 + (lon - spot.lon) ** 2, row)
                for a in range(i - far, i + far + 1)
                for b in range(j - far, j + far + 1)
                for lat, lon, row in self.cells.get((a, b), ())
            ]
            if len(found) >= 16:
                break
        return sorted(found)[:16]


def timed(ask: Callable[[Spot], object], spots: list[Spot]) -> dict[str, float]:
    took = []
    for spot in spots:
        before = time.perf_counter_ns()
        ask(spot)
        took.append((time.perf_counter_ns() - before) / 1000)
    took.sort()
    return {"p50_us": round(statistics.median(took), 1), "p99_us": round(took[int(len(took) * 0.99)], 1)}


def row(count: int, kind: str, queries: int) -> dict[str, object]:
    dice = np.random.default_rng(7)
    made_up = made(count, SIDE_M[kind], dice)
    before = time.perf_counter()
    registry = cameras.Registry.of(made_up)
    built_s = time.perf_counter() - before
    centres = dice.integers(0, count, queries)
    spots = [
        Spot(made_up[c].lat + dx, made_up[c].lon + dy, float(r))
        for c, dx, dy, r in zip(
            centres,
            dice.normal(0, 5e-4, queries),
            dice.normal(0, 5e-4, queries),
            dice.uniform(5, 80, queries),
            strict=True,
        )
    ]
    few = spots[: max(20, min(queries, 20_000_000 // count))]
    scan, rings = Scan(registry), Rings(registry)

    def ask(spot: Spot) -> tuple[cameras.Choice, ...]:
        return cameras.choose(registry, spot, 16, 90.0, 3.0)

    def ask_scan(spot: Spot) -> tuple[cameras.Choice, ...]:
        return cameras.choose(scan, spot, 16, 90.0, 3.0)  # type: ignore[arg-type]

    same = sum(ask(spot) == ask_scan(spot) for spot in few)
    found: dict[str, object] = {
        "cameras": count,
        "density": kind,
        "build_s": round(built_s, 2),
        "choose": timed(ask, spots),
        "scan": timed(ask_scan, few),
        "scan_nearest": timed(lambda spot: nearest(registry, spot), few),
        "rings_nearest": timed(rings.nearest, few),
        "same_answer": f"{same}/{len(few)}",
        "seen_by_median": statistics.median(
            sum(each.reason is not cameras.Reason.NEAR for each in ask(replace(spot))) for spot in few
        ),
    }
    for peer in ("scan", "scan_nearest", "rings_nearest"):
        found[f"{peer}_over_choose_p50"] = round(found[peer]["p50_us"] / found["choose"]["p50_us"], 2)  # type: ignore[index]
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cameras", type=int, action="append")
    parser.add_argument("--queries", type=int, default=500)
    said = parser.parse_args()
    rows = []
    for count in said.cameras or [10_000, 100_000, 1_000_000]:
        for kind in SIDE_M:
            rows.append(row(count, kind, said.queries))
            print(json.dumps(rows[-1]), flush=True)
    print(json.dumps({"bench": "cameras", "wanted": 16, "rows": rows}))


if __name__ == "__main__":
    main()
