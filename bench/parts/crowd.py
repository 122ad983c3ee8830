"""Made people for the bench of rules: homes in towns, zones of their own, shared zones, protected persons, one fix a minute.

A tenth of them are at a zone: most live 60 m beside one (as reference tracking 4.1 has it), one in ten of these walks in and
out of it. A third walk about near their homes, the others are at home. One in ten must not approach somebody, who walks about
some kilometres away. Half are bound by shared zones, and nobody of these lives beside one.
"""

import math
from dataclasses import dataclass

import numpy as np

from safetynet.core.fixes import Fix
from safetynet.core.kernel.layout import FIX, SOURCES
from safetynet.core.orders import Circle, Curfew, Order, Polygon, Protected, Row, Zone
from safetynet.core.terms import Source, WearerClass

TOWNS = 60
OWN_ZONES = 5
SHARED_WITHIN_M = 2_500.0
"""Shared zones so near to a home stand in the order: nobody here goes further than AWAY_M."""
AWAY_M = 1_000.0
WALK_M = 200.0
"""How far from home those walk who keep away from zones."""
MOVES_MAX = 20
APART_M = 600.0
"""From homes to the shared zones that bind who lives there."""
START_MS = 1_763_960_400_000
"""14:00 in Seoul on a Monday."""
NORTH_M = 111_000.0


@dataclass(frozen=True)
class Crowd:
    lat: np.ndarray
    lon: np.ndarray
    orders: dict
    shared: list
    persons: np.ndarray
    """Numbers of the wearers who must not approach somebody: person n belongs to wearer persons[n]."""
    edges: np.ndarray
    """Metres east and north from home of the zone edge about which somebody walks, and its radius."""


def east_m(lat):
    return 111_320.0 * np.cos(np.radians(lat))


def ring(lat, lon, radius, corners, dice):
    turns = (np.arange(corners) + dice.uniform(-0.4, 0.4, corners)) * (2 * math.pi / corners)
    lats = lat + radius * np.cos(turns) / NORTH_M
    lons = lon + radius * np.sin(turns) / east_m(lat)
    return tuple(zip(lats.tolist(), lons.tolist(), strict=True))


def made(count: int, shared_count: int, dice: np.random.Generator) -> Crowd:
    towns = np.column_stack((dice.uniform(34.8, 37.6, TOWNS), dice.uniform(126.6, 128.9, TOWNS)))
    town = towns[dice.integers(0, TOWNS, count)]
    lat, lon = _about(town, dice)
    at_lat, at_lon = _about(towns[dice.integers(0, TOWNS, shared_count)], dice)
    shared = [
        Zone(id=f"school-{n}", name="학교", area=Polygon(ring(at_lat[n], at_lon[n], dice.uniform(60, 200), 12, dice)))
        for n in range(shared_count)
    ]
    near = _near(lat, lon, at_lat, at_lon, town, dice)
    orders, edges = {}, np.zeros((count, 3))
    persons = np.flatnonzero(dice.random(count) < 0.1)
    paired = set(persons.tolist())
    night = (Row(days=(0, 1, 2, 3, 4, 5, 6), start_min=0, end_min=360),)
    longer = (
        Row(days=(0, 1, 2, 3, 4, 5, 6), start_min=22 * 60, end_min=360),
        Row(days=(0, 1, 2, 3, 4), start_min=13 * 60, end_min=17 * 60),
    )
    for n in range(count):
        zones = []
        for z in range(OWN_ZONES):
            far, turn, r = dice.uniform(300, 5_000) if z else 500.0, dice.uniform(0, 2 * math.pi), dice.uniform(80, 300)
            x, y = far * math.sin(turn), far * math.cos(turn)
            at = lat[n] + y / NORTH_M, lon[n] + x / east_m(lat[n])
            area = Circle(*map(float, at), float(r)) if z < 3 else Polygon(ring(*at, r, 12, dice))
            zones.append(Zone(id=f"z{z}", name="측정용", area=area))
            if z == 0:
                edges[n] = x, y, r
        # Whoever walks about is not under curfew at this hour.
        home = Curfew(
            id="c", name="집", home=Circle(float(lat[n]), float(lon[n]), 60.0), rows=longer if n % 10 > 7 else night
        )
        orders[f"w{n}"] = Order(
            wearer=f"w{n}",
            wearer_class=WearerClass.ORDER,
            version=1,
            zones=(*zones, *(shared[k] for k in near[n])) if n % 2 else tuple(zones),
            curfews=(home,),
            protected=(Protected(id=f"p{n}"),) if n in paired else (),
        )
    return Crowd(lat, lon, orders, shared, persons, edges)


def _about(towns, dice):
    lat = towns[:, 0] + dice.normal(0, 8_000, len(towns)) / NORTH_M
    return lat, towns[:, 1] + dice.normal(0, 8_000, len(towns)) / east_m(lat)


def _near(lat, lon, at_lat, at_lon, town, dice):
    """Of each home the shared zones in reach. Who is bound and lives beside one moves."""
    cell = SHARED_WITHIN_M / NORTH_M
    cells: dict = {}
    for k, key in enumerate(zip((at_lat / cell).astype(int), (at_lon / cell).astype(int), strict=True)):
        cells.setdefault(key, []).append(k)
    found = []
    for n in range(len(lat)):
        for _ in range(MOVES_MAX):
            y, x = int(lat[n] / cell), int(lon[n] / cell)
            some = np.array(
                [k for j in (-1, 0, 1) for i in (-2, -1, 0, 1, 2) for k in cells.get((y + j, x + i), ())], int
            )
            off = np.hypot((at_lat[some] - lat[n]) * NORTH_M, (at_lon[some] - lon[n]) * east_m(lat[n]))
            if not n % 2 or not len(off) or off.min() > APART_M:
                break
            (lat[n],), (lon[n],) = _about(town[n : n + 1], dice)
        found.append(some[off < SHARED_WITHIN_M][:100])
    return found


class Days:
    """Everybody's fixes, a round at a time, in an order that no memory likes."""

    def __init__(self, crowd: Crowd, dice: np.random.Generator, gap_s: int = 60) -> None:
        self.crowd, self.dice, self.gap_ms = crowd, dice, gap_s * 1000
        count = len(crowd.lat)
        kind = np.arange(count) % 10
        self.way = np.where(kind == 0, 2, np.where(kind <= 3, 1, 0))
        self.way[::100] = 3
        """At home, through the town, beside a zone, in and out of it."""
        self.turn = dice.uniform(0, 2 * math.pi, count)
        x, y, r = crowd.edges.T
        r = np.where(self.way == 2, r + 60.0, r)
        self.x = np.where(self.way >= 2, x + r * np.sin(self.turn), 0.0)
        self.y = np.where(self.way >= 2, y + r * np.cos(self.turn), 0.0)
        self.other = dice.uniform(-4_000, 4_000, (len(crowd.persons), 2))
        self.at, self.serial = START_MS, 1

    def round(self) -> np.ndarray:
        """One fix of everybody, as rows: `row` is the wearer's number, or the person's."""
        dice, crowd, count = self.dice, self.crowd, len(self.crowd.lat)
        self.at += self.gap_ms
        self.turn += dice.normal(0, 0.6, count)
        pace = np.choose(self.way, (0.0, 1.3, 0.0, 0.7)) * self.gap_ms / 1000
        far = np.choose(self.way, (AWAY_M, WALK_M, AWAY_M, AWAY_M))
        self.x = np.clip(self.x + pace * np.sin(self.turn), -far, far)
        self.y = np.clip(self.y + pace * np.cos(self.turn), -far, far)
        self.other += dice.normal(0, 40, self.other.shape)
        people = len(crowd.persons)
        rows = np.zeros(count + people, FIX)
        rows["row"] = np.concatenate((np.arange(count), np.arange(people)))
        rows["protected"][count:] = 1
        radius = np.clip(np.exp(dice.normal(2.7, 0.8, len(rows))), 3, 200)
        rows["accuracy_m"] = radius
        error = dice.normal(0, 1, (2, len(rows))) * radius / 1.51
        x, y = (
            np.concatenate((self.x, self.other[:, 0])) + error[0],
            np.concatenate((self.y, self.other[:, 1])) + error[1],
        )
        lat0, lon0 = (
            np.concatenate((crowd.lat, crowd.lat[crowd.persons])),
            np.concatenate((crowd.lon, crowd.lon[crowd.persons])),
        )
        rows["lat"], rows["lon"] = lat0 + y / NORTH_M, lon0 + x / east_m(lat0)
        rows["speed_mps"] = rows["course_deg"] = rows["battery_percent"] = np.nan
        rows["source"] = SOURCES.index(Source.GNSS)
        rows["at"] = rows["observed_at"] = self.at + dice.integers(0, self.gap_ms, len(rows))
        rows["received_at"] = rows["at"] + 300
        # Where arrival is the order: everybody's clock ticks at another moment of the minute.
        rows = rows[np.argsort(rows["at"], kind="stable")]
        rows["serial"] = np.arange(self.serial, self.serial + len(rows))
        self.serial += len(rows)
        return rows


def fix(row, crowd: Crowd) -> Fix:
    """The same as the rules take it."""
    n = int(row["row"])
    who = f"p{crowd.persons[n]}" if row["protected"] else f"w{n}"
    return Fix(
        id=int(row["serial"]),
        wearer=who,
        device="d",
        observed_at=int(row["observed_at"]),
        received_at=int(row["received_at"]),
        lat=float(row["lat"]),
        lon=float(row["lon"]),
        accuracy_m=float(row["accuracy_m"]),
        source=SOURCES[row["source"]],
        protected=bool(row["protected"]),
    )
