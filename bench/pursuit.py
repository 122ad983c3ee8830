"""How much of a flight is seen: the share of the seconds in which any camera could show him in which our wall did.

    python bench/pursuit.py [--flights 60] [--world seoul] [--tune] [--only ours_k9] [--set trusted=0.8] [--plot FILE.svg]

Made flights of ten minutes after a cut strap (safetynet/sim/flights.py) over the real Seoul graph (OSMnx GraphML; skipped
where it is absent) and over a made town; made cameras and a made watcher (safetynet/sim/lookouts.py). Peers of the same
run: the nearest cameras to the last fix (today's practice, K = 5), a ring of reach, and the oracle: whichever camera of
the town shows him now. Flights and layouts of `--tune` are others than those reported. Intervals: bootstrap over flights.
"""

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path
from random import Random

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from safetynet.core.pursuit import choosing, evidence, search
from safetynet.core.pursuit.belief import Ground, by_place
from safetynet.core.pursuit.model import FLIGHT, Model
from safetynet.core.roads import Roads, Travel, costs_s, pack, place_near, reach
from safetynet.core.terms import Instant
from safetynet.edge import roads as road_files
from safetynet.sim.flights import SECONDS, Flight, Gait, flight, grid_town
from safetynet.sim.lookouts import Lookouts, Wall, exposed, hang

SEOUL = "roads/seoul_osmnx_drive.graphml.gz"
POLES_PER_KM = {"seoul": 2.9, "city": 3.4}
FIRST_S = 15
PLAN_S = 5
PEER_PLAN_S = 10
LOST_S = 10
FIX_M = 10.0
FIX_RADIUS_M = 15.0
BIN_MIN = 300
REGIONS = (0.5, 0.8, 0.9, 0.95, 0.99)
TUNE_FLIGHTS, TUNE_LAYOUT = 1_000_000, 1_011
SEED_FLIGHTS, SEED_LAYOUT = 0, 7


@dataclass(eq=False)
class World:
    name: str
    roads: Roads
    lookouts: Lookouts
    model: Model

    def __post_init__(self) -> None:
        self.ground = Ground(self.roads, self.lookouts.listed, self.model)


@dataclass
class Run:
    """What came of one flight under one policy. Seconds count from FIRST_S on."""

    open: int = 0
    oracle: int = 0
    seen: int = 0
    by_part: dict[str, list[int]] = field(default_factory=dict)
    gait: int = 0
    marks: int = 0
    changes: int = 0
    losses: list[tuple[int, int, bool]] = field(default_factory=list)
    """(wall seconds, exposed seconds, found)."""
    chance: list[tuple[float, bool]] = field(default_factory=list)
    regions: list[list[bool]] = field(default_factory=list)
    level: list[float] = field(default_factory=list)
    """Of the belief's mass, how much lies in likelier places than the true one."""
    score: list[float] = field(default_factory=list)
    took_s: float = 0.0


# --- policies: second, wall, evidence → views ----------------------------------------------------------------------


class Nearest:
    """The K cameras nearest to the last fix; those that turn are turned to it. Planned once."""

    def __init__(self, world: World, fix: tuple[float, float], wanted: int) -> None:
        views = world.lookouts.listed
        xy = np.array([(each.x, each.y) for each in views.all])
        away = np.hypot(xy[:, 0] - fix[0], xy[:, 1] - fix[1])
        bearing = np.arctan2(fix[0] - xy[:, 0], fix[1] - xy[:, 1])
        azimuth = np.radians([each.azimuth_deg or 0.0 for each in views.all])
        off = np.where(views.turns, np.abs((azimuth - bearing + np.pi) % (2 * np.pi) - np.pi), 0.0)
        chosen: dict[int, int] = {}
        for row in np.lexsort((off, views.camera, away)):
            if len(chosen) == wanted:
                break
            chosen.setdefault(int(views.camera[row]), int(row))
        self.views = tuple(chosen.values())

    def second(self, second: int, wall: Wall) -> Sequence[int]:
        return self.views

    def hear(self, mark: object, second: int) -> None:
        """Today's list does not listen."""


class Ring:
    """Views on the ring that somebody on foot has reached, spread over K sectors."""

    def __init__(self, world: World, fix: tuple[float, float], wanted: int) -> None:
        self.world, self.wanted = world, wanted
        roads = world.roads
        start = place_near(roads, *fix)
        assert start is not None
        costs = costs_s(roads, Travel.WALK)
        self.metres = reach(roads, costs, start, 5_000.0).places(roads, costs) * 1.3
        self.sector = ((np.arctan2(roads.place_x - fix[0], roads.place_y - fix[1]) + np.pi) / (2 * np.pi) * wanted).astype(int) % wanted  # fmt: skip
        self.shown: tuple[int, ...] = ()

    def second(self, second: int, wall: Wall) -> Sequence[int]:
        if (second - FIRST_S) % PEER_PLAN_S:
            return self.shown
        views = self.world.lookouts.listed
        near = np.exp(-0.5 * ((self.metres - 1.5 * second) / 60.0) ** 2)
        row = np.repeat(np.arange(len(views)), np.diff(views.offset))
        chosen: list[int] = []
        used: set[int] = set()
        for sector in range(self.wanted):
            value = np.bincount(row, near[views.place] * views.worth * (self.sector[views.place] == sector), len(views))
            value[list(self.shown)] *= 1.15
            for view in np.argsort(-value, kind="stable")[:30]:
                if value[view] > 1e-6 and int(views.camera[view]) not in used:
                    chosen.append(int(view))
                    used.add(int(views.camera[view]))
                    break
        self.shown = tuple(chosen)
        return self.shown

    def hear(self, mark: object, second: int) -> None:
        """A ring does not listen."""


class Ours:
    """The belief. With `sights` it hears what is seen and what is not."""

    def __init__(self, world: World, fix: tuple[float, float], wanted: int, *, sights: bool = True) -> None:
        self.world, self.wanted, self.sights = world, wanted, sights
        self.search = search.begin(world.ground, Instant(0), *fix, FIX_RADIUS_M)
        self.shown: tuple[int, ...] = ()
        self.marked = False
        self.tiles: tuple[choosing.Tile, ...] = ()

    def second(self, second: int, wall: Wall) -> Sequence[int]:
        self.search = search.go_on(self.world.ground, self.search, Instant(second * 1000))
        if self.marked or (second - FIRST_S) % PLAN_S == 0:
            self.tiles = choosing.choose(self.world.ground, self.search, self.wanted, self.shown)
            self.shown = tuple(each.view for each in self.tiles)
            self.marked = False
        return self.shown

    def silent(self, second: int, live: tuple[int, ...]) -> None:
        if self.sights:
            said = evidence.Shown(Instant(second * 1000), live, self.wanted)
            self.search = search.take(self.world.ground, self.search, said)

    def hear(self, mark: object, second: int) -> None:
        if not self.sights:
            return
        at = max(FIRST_S, second - self.world.model.mark_lag_s)
        said = evidence.Seen(
            Instant(at * 1000), mark.x, mark.y, view=mark.view, heading_deg=mark.heading_deg, means=mark.means
        )
        self.search = search.take(self.world.ground, self.search, said)
        self.marked = True


# --- one flight ----------------------------------------------------------------------------------------------------


def chase(world: World, flown: Flight, policy: str, wanted: int) -> Run:
    dice = Random(flown.seed * 31 + wanted * 7 + len(policy))
    fixed = Random(flown.seed)
    fix = (float(flown.x[0]) + fixed.gauss(0, FIX_M), float(flown.y[0]) + fixed.gauss(0, FIX_M))
    wall = Wall(world.roads, world.lookouts, flown, dice, wanted)
    could = exposed(world.lookouts, flown)
    makers: dict[str, Callable[[], object]] = {
        "nearest": lambda: Nearest(world, fix, wanted),
        "ring": lambda: Ring(world, fix, wanted),
        "ours": lambda: Ours(world, fix, wanted),
        "ours_nosight": lambda: Ours(world, fix, wanted, sights=False),
        "oracle": lambda: None,  # all views that show him now; the watcher's attention is that of nine pictures
    }
    began = time.process_time()
    who = makers[policy]()
    run = Run(gait=int(flown.gait))
    coming: list[tuple[int, object]] = []
    track = Track(could)
    for second in range(FIRST_S, SECONDS + 1):
        for _, mark in [each for each in coming if each[0] <= second]:
            if who is not None:
                who.hear(mark, second) if not isinstance(who, Ours) else _hear(who, mark, second)
        coming = [each for each in coming if each[0] > second]
        if who is None:
            place = int(flown.place[second])
            views = [view for view, _ in world.lookouts.seen_by[place]] if flown.open[second] else []
            wall.show_at_once(views, second)
        else:
            wall.show(who.second(second, wall), second)
        live = wall.live(second)
        if isinstance(who, Ours) and second % 5 == 0:
            _sample(world, who, flown, second, live, run)
        seen, marks = wall.look(second)
        run.marks += sum(each.true for each in marks)
        if isinstance(who, Ours):
            who.silent(second, live)
        coming += [(each.heard, each) for each in marks]
        track.second(second, seen=seen, marked=any(each.true for each in marks))
        run.open += int(flown.open[second])
        run.oracle += int(could[second])
        run.seen += int(seen)
        part = "0-2" if second < 120 else "2-5" if second < 300 else "5-10"
        cell = run.by_part.setdefault(part, [0, 0])
        cell[0] += int(seen)
        cell[1] += int(could[second])
    run.losses = track.closed()
    run.changes = wall.changes
    run.took_s = time.process_time() - began
    return run


def _hear(who: Ours, mark: object, second: int) -> None:
    """What is heard in a second belongs to a second that the belief has reached."""
    who.search = search.go_on(who.world.ground, who.search, Instant(second * 1000))
    who.hear(mark, second)


def _sample(world: World, who: Ours, flown: Flight, second: int, live: tuple[int, ...], run: Run) -> None:
    chance = choosing.chance_in_view(world.ground, who.search, live)
    place = int(flown.place[second])
    shown = bool(flown.open[second]) and any(view in live for view, _ in world.lookouts.seen_by[place])
    run.chance.append((chance, shown))
    places, mass = by_place(world.ground, who.search.belief)
    row = np.flatnonzero(places == place)
    before = float(mass[: row[0]].sum()) if len(row) else 1.0
    run.level.append(before)
    run.regions.append([before < each for each in REGIONS])
    run.score.append(math.log(max(float(mass[row[0]]) if len(row) else 0.0, 1e-6)))


class Track:
    """Losses: LOST_S out of view after a first mark, counted from leaving the view; found by the next true mark."""

    def __init__(self, could: np.ndarray) -> None:
        self.could = could
        self.met = self.lost = False
        self.out = (0, 0)
        """Seconds without contact, and how many of them some camera could have shown him."""
        self.found: list[tuple[int, int, bool]] = []

    def second(self, second: int, *, seen: bool, marked: bool) -> None:
        if marked:
            if self.lost and self.out[0] >= LOST_S:
                self.found.append((*self.out, True))
            self.met, self.lost, self.out = True, False, (0, 0)
        elif seen and not self.lost:
            self.out = (0, 0)
        elif self.met:
            self.out = (self.out[0] + 1, self.out[1] + int(self.could[second]))
            self.lost = self.lost or self.out[0] >= LOST_S

    def closed(self) -> list[tuple[int, int, bool]]:
        return [*self.found, (*self.out, False)] if self.lost else self.found


def km_median(spans: Sequence[tuple[float, bool]]) -> float | None:
    """Kaplan-Meier: None when it is not reached."""
    alive, share = len(spans), 1.0
    for at in sorted({each for each, _ in spans}):
        ended = sum(found for each, found in spans if each == at)
        gone = sum(each == at for each, _ in spans)
        share *= 1.0 - ended / alive
        alive -= gone
        if share <= 0.5:
            return at
        if not alive:
            break
    return None


# --- many ----------------------------------------------------------------------------------------------------------

ROWS = {
    "nearest_k5": ("nearest", 5), "nearest_k9": ("nearest", 9), "ring_k9": ("ring", 9),
    "ours_nosight_k9": ("ours_nosight", 9), "ours_k5": ("ours", 5), "ours_k9": ("ours", 9), "ours_k16": ("ours", 16),
    "oracle": ("oracle", 9),
}  # fmt: skip

_world: World | None = None


def _one(job: tuple[str, int]) -> Run:
    row, seed = job
    assert _world is not None
    policy, wanted = ROWS[row]
    return chase(_world, flight(_world.roads, seed), policy, wanted)


def ratio(runs: Sequence[Run], dice: np.random.Generator) -> dict[str, object]:
    seen = np.array([each.seen for each in runs], float)
    could = np.array([each.oracle for each in runs], float)
    again = dice.integers(0, len(runs), (1_000, len(runs)))
    drawn = seen[again].sum(axis=1) / np.maximum(1.0, could[again].sum(axis=1))
    low, high = np.percentile(drawn, [2.5, 97.5])
    return {"share": round(float(seen.sum() / could.sum()), 3), "ci": [round(float(low), 3), round(float(high), 3)]}


def calibration(runs: Sequence[Run]) -> tuple[float, list[list[float]]]:
    """Largest gap between said and seen, in bins of at least BIN_MIN samples; (said, seen, samples) per bin."""
    pairs = sorted(each for run in runs for each in run.chance)
    size = max(BIN_MIN, math.ceil(len(pairs) / 12))
    bins = [pairs[k : k + size] for k in range(0, len(pairs) - BIN_MIN + 1, size)]
    said = [[round(float(np.mean([c for c, _ in each])), 3), round(float(np.mean([s for _, s in each])), 3), len(each)] for each in bins]  # fmt: skip
    return max((abs(c - s) for c, s, _ in said), default=1.0), said


def summary(found: dict[str, list[Run]]) -> dict[str, object]:
    dice = np.random.default_rng(1)
    any_row = next(iter(found.values()))
    seconds = sum(SECONDS + 1 - FIRST_S for _ in any_row)
    out: dict[str, object] = {
        "oracle_in_view": round(sum(each.oracle for each in any_row) / seconds, 3),
        "open": round(sum(each.open for each in any_row) / seconds, 3),
    }
    for row, runs in found.items():
        if row == "oracle":
            continue
        said = ratio(runs, dice)
        out[row], out[f"{row}_ci"] = said["share"], said["ci"]
    if "ours_k9" in found:
        ours = found["ours_k9"]
        spans = [each for run in ours for each in run.losses]
        out["found_exposed_s_p50"] = km_median([(e, ok) for _, e, ok in spans])
        wall = km_median([(w, ok) for w, _, ok in spans])
        out["found_wall_s_p50"] = wall
        out["losses_per_flight"] = round(len(spans) / len(ours), 2)
        if "oracle" in found:
            base = [each for run in found["oracle"] for each in run.losses]
            best = km_median([(w, ok) for w, _, ok in base])
            out["oracle_wall_s_p50"] = best
            out["found_wall_oracle_ratio"] = round(wall / best, 3) if wall and best else None
        out["shown_calibration_error"], out["calibration"] = calibration(ours)
        out["shown_calibration_error"] = round(out["shown_calibration_error"], 3)
        levels = np.array([each for run in ours for each in run.level])
        drawn = dict(choosing.REGION)
        out["region95_coverage"] = round(float((levels < drawn[0.95]).mean()), 3)
        out["belief_mass_holds"] = {str(each): round(float((levels < each).mean()), 3) for each in REGIONS}
        out["mass_for_95"] = round(float(np.percentile(levels, 95)), 4)
        out["log_score"] = round(float(np.mean([each for run in ours for each in run.score])), 3)
        out["marks_per_flight"] = round(float(np.mean([each.marks for each in ours])), 1)
        out["changes_per_min"] = round(float(np.mean([each.changes for each in ours])) / 9.75, 1)
        out["parts"] = {part: round(sum(r.by_part[part][0] for r in ours) / max(1, sum(r.by_part[part][1] for r in ours)), 3) for part in ("0-2", "2-5", "5-10")}  # fmt: skip
        out["gaits"] = {Gait(g).name.lower(): round(sum(r.seen for r in ours if r.gait == g) / max(1, sum(r.oracle for r in ours if r.gait == g)), 3) for g in Gait}  # fmt: skip
        out["ms_per_second"] = round(1000 * float(np.mean([each.took_s for each in ours])) / (SECONDS - FIRST_S), 2)
    return out


def made_world(name: str, *, tune: bool, model: Model, data: Path) -> World | None:
    layout = TUNE_LAYOUT if tune else SEED_LAYOUT
    if name == "city":
        roads = grid_town(layout)
    else:
        path = data / SEOUL
        if not path.exists():
            return None
        drawn = road_files.read(path)
        roads = pack(drawn.junctions, drawn.streets)
    return World(name, roads, hang(roads, layout, POLES_PER_KM[name], model.known_floor), model)


def describe(world: World, seeds: Sequence[int]) -> dict[str, object]:
    """What the layout and the flights look like, to be held against what they are meant to be."""
    roads, views = world.roads, world.lookouts.listed
    poles = np.array(sorted({(each.x, each.y) for each in views.all}))
    away = np.array([np.hypot(poles[:, 0] - x, poles[:, 1] - y).min() for x, y in zip(roads.place_x, roads.place_y, strict=True)])  # fmt: skip
    flown = [flight(roads, seed) for seed in seeds]
    last = np.array([math.hypot(each.x[-1] - each.x[0], each.y[-1] - each.y[0]) for each in flown])
    return {
        "km": round(roads.length_m / 1000, 1), "places": roads.places, "nodes": roads.nodes,
        "poles": world.lookouts.poles, "cameras": world.lookouts.cameras, "views": len(views),
        "pole_m_p50": round(float(np.median(away))), "pole_m_p95": round(float(np.percentile(away, 95))),
        "places_seen": round(float(np.mean([bool(each) for each in world.lookouts.seen_by])), 3),
        "open": round(float(np.mean([each.open.mean() for each in flown])), 3),
        "away_m_p50": round(float(np.median(last))), "away_m_p90": round(float(np.percentile(last, 90))),
        "exposed": round(float(np.mean([exposed(world.lookouts, each).mean() for each in flown])), 3),
        "by_gait": {g.name.lower(): round(float(np.mean([(e.means[e.open] == g).mean() for e in flown if e.open.any()])), 3) for g in Gait},
    }  # fmt: skip


def changed(model: Model, said: Sequence[str]) -> Model:
    for each in said:
        key, _, value = each.partition("=")
        kind = type(getattr(model, key))
        model = replace(model, **{key: kind(float(value)) if kind is int else kind(value)})
    return model


GATES = {
    "seoul": (("ours_k9", 0.60), ("ours_k5", 0.48), ("ours_k16", 0.67)),
    "city": (("ours_k9", 0.55),),
}


def gates(name: str, found: dict[str, object]) -> dict[str, bool]:
    """What must hold, with what was found; only rows that were run."""

    def figure(key: str) -> float:
        value = found.get(key)
        return float(value) if isinstance(value, int | float) else math.nan

    said = {f"{key} >= {least}": figure(key) >= least for key, least in GATES[name] if key in found}
    for ours, peer, least in (
        ("ours_k9", "nearest_k9", 3.5), ("ours_nosight_k9", "nearest_k9", 1.5), ("ours_nosight_k9", "nearest_k5", 2.0),
    ):  # fmt: skip
        if ours in found and peer in found:
            said[f"{ours} >= {least} {peer}"] = figure(ours) >= least * figure(peer)
    for key, most in (("found_exposed_s_p50", 15), ("found_wall_oracle_ratio", 1.2), ("shown_calibration_error", 0.06)):
        if key in found:
            said[f"{key} <= {most}"] = figure(key) <= most
    if "region95_coverage" in found:
        said["region95_coverage >= 0.85"] = figure("region95_coverage") >= 0.85
    return said


# --- a picture of it -----------------------------------------------------------------------------------------------

SAID = {
    "nearest_k5": "nearest cameras, K = 5 (today)", "nearest_k9": "nearest cameras, K = 9", "ring_k9": "ring of reach, K = 9",
    "ours_nosight_k9": "belief alone, K = 9", "ours_k5": "belief and sightings, K = 5",
    "ours_k9": "belief and sightings, K = 9", "ours_k16": "belief and sightings, K = 16",
}  # fmt: skip
WORLDS = (("seoul", "#2f6fb0"), ("city", "#d98324"))
STYLE = "text{font:13px sans-serif;fill:#333}.light{fill:none;stroke:#bbb}.ours{fill:none;stroke-width:2}"


def plot(out: dict[str, object]) -> str:
    """Shares of the oracle with their intervals, and what was said against what was seen, as one SVG."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 980 380"><style>{STYLE}</style><rect width="980" height="380" fill="#fff"/>'
    ]
    parts.append(
        '<text x="20" y="24">Share of what any camera could show</text><text x="640" y="24">Chance that he is in view: said (x), seen (y)</text>'
    )
    for tenth in range(0, 11, 2):
        x = 230 + 36 * tenth
        parts.append(
            f'<line class="light" x1="{x}" y1="40" x2="{x}" y2="345"/><text x="{x - 8}" y="362">{tenth / 10:.1f}</text>'
        )
    for row, (key, said) in enumerate(SAID.items()):
        y = 52 + 43 * row
        parts.append(f'<text x="20" y="{y + 14}">{said}</text>')
        for k, (world, colour) in enumerate(WORLDS):
            found = out.get(world)
            if isinstance(found, dict) and key in found:
                low, high = found[f"{key}_ci"]
                top = y + 14 * k
                parts.append(f'<rect x="230" y="{top}" width="{360 * found[key]:.0f}" height="11" fill="{colour}"/>')
                parts.append(
                    f'<line x1="{230 + 360 * low:.0f}" y1="{top + 5.5}" x2="{230 + 360 * high:.0f}" y2="{top + 5.5}" stroke="#000"/>'
                )
    parts.append(
        '<rect class="light" x="650" y="40" width="300" height="300"/><line class="light" x1="650" y1="340" x2="950" y2="40"/>'
    )
    for world, colour in WORLDS:
        found = out.get(world)
        if isinstance(found, dict) and "calibration" in found:
            line = " ".join(f"{650 + 300 * said:.0f},{340 - 300 * seen:.0f}" for said, seen, _ in found["calibration"])
            parts.append(f'<polyline class="ours" stroke="{colour}" points="{line}"/>')
    for k, (world, colour) in enumerate(WORLDS):
        parts.append(
            f'<rect x="{660 + 80 * k}" y="48" width="12" height="12" fill="{colour}"/><text x="{678 + 80 * k}" y="59">{world}</text>'
        )
    return "\n".join([*parts, "</svg>\n"])


def main(given: Sequence[str] | None = None) -> dict[str, object]:
    parser = argparse.ArgumentParser()
    parser.add_argument("--flights", type=int, default=int(os.environ.get("N", "60")))
    parser.add_argument("--world", action="append", choices=("seoul", "city"))
    parser.add_argument("--tune", action="store_true")
    parser.add_argument("--only", action="append", choices=tuple(ROWS))
    parser.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE")
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(os.environ.get("SAFETYNET_DATA", Path(__file__).parents[2] / "shared" / "data")),
    )
    parser.add_argument("--plot", type=Path, metavar="FILE.svg")
    parser.add_argument("--describe", action="store_true")
    parser.add_argument("--jobs", type=int, default=2)
    said = parser.parse_args(given)
    model = changed(FLIGHT, said.set)
    first = TUNE_FLIGHTS if said.tune else SEED_FLIGHTS
    seeds = range(first, first + said.flights)
    out: dict[str, object] = {"bench": "pursuit", "flights": said.flights, "tune": said.tune}
    global _world  # noqa: PLW0603 - what the children of a fork inherit
    for name in said.world or ("seoul", "city"):
        _world = made_world(name, tune=said.tune, model=model, data=said.data)
        if _world is None:
            out[name] = "no data"
            continue
        if said.describe:
            print(json.dumps({name: describe(_world, seeds)}), flush=True)
            continue
        _one(("ours_k9", TUNE_FLIGHTS - 1))  # kernels are compiled before they are shared
        rows = said.only or list(ROWS)
        jobs = [(row, seed) for row in rows for seed in seeds]
        began = time.monotonic()
        if said.jobs == 1:
            runs = [_one(job) for job in jobs]
        else:
            with ProcessPoolExecutor(said.jobs, mp_context=get_context("fork")) as pool:
                runs = list(pool.map(_one, jobs, chunksize=4))
        found = {row: runs[k * len(seeds) : (k + 1) * len(seeds)] for k, row in enumerate(rows)}
        figures = summary(found)
        out[name] = figures | {"gates": gates(name, figures), "took_s": round(time.monotonic() - began, 1)}
        print(json.dumps({name: out[name]}), flush=True)
    if said.plot:
        said.plot.write_text(plot(out), encoding="utf-8")
    print(json.dumps(out))
    return out


if __name__ == "__main__":
    os.nice(5)
    main()
