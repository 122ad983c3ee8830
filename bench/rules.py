"""How many fixes a second one core judges, everything on: beside PostGIS and Redis on the same zones and fixes, in one run.

    python bench/rules.py [--short] [--port 17200]

100,000 made wearers (`parts/crowd.py`), each with a record, five zones, a curfew, half of them under 20,000 shared zones,
one in ten with a protected person whose phone reports as well; one fix a minute, in the order of arrival, with its accuracy.
What is timed is the whole of `core.kernel.packing.Packed.judge_rows`: the compiled kernel, and the rules in Python for every
fix that it does not let pass. `fixes_per_s_core_basic` is the same without the way between fixes and without pairs. Rates
are per second of processor time of one core, ours and the peers' alike. `postgis_ratio`: to what SQL can be asked of the same
(`parts/peers.py`); beside it, on the line before the last, to a mere "which zones does the circle touch". `twin_agreement`: the share of fixes of which the
rules alone (`core.rules.judge`) say exactly the same, over all rounds, for a part of the wearers.
"""

import argparse
import gc
import json
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent / "parts")]
import crowd
import numpy as np
import peers

from safetynet.edge import compiled

compiled.prepare()
from safetynet.core.kernel.packing import Packed
from safetynet.core.rules import RULES_VERSION, RuleState, judge

BATCH = 4_096
WARM_ROUNDS = 3
"""Everybody's record is made, beliefs settle."""


@dataclass(frozen=True)
class Size:
    wearers: int
    shared: int
    rounds: int
    twins: int
    """Wearers that the rules judge as well, from the first fix on."""
    beside: int
    """Wearers whose zones and fixes the peers get, and all shared zones. Fewer make a smaller table: to the peers' advantage."""
    postgis_fixes: int
    redis_fixes: int


FULL = Size(
    wearers=100_000, shared=20_000, rounds=10, twins=4_000, beside=20_000, postgis_fixes=20_000, redis_fixes=10_000
)
SHORT = Size(wearers=1_000, shared=500, rounds=3, twins=1_000, beside=1_000, postgis_fixes=1_000, redis_fixes=1_000)


BEGAN = time.monotonic()


def said(what: str) -> None:
    print(f"{time.monotonic() - BEGAN:6.1f} s  {what}", file=sys.stderr, flush=True)


class Run:
    """Rounds judged, with what came of them."""

    def __init__(self, made: crowd.Crowd) -> None:
        self.made = made
        self.packed = Packed(made.shared)
        self.packed.follow(made.orders, 1)
        self.persons = [self.packed.person_row(f"p{n}") for n in made.persons]
        self.told: list = []
        self.heard = 0
        """Fixes that went to the rules."""

    def judge(self, rows: np.ndarray, *, everything: bool = True) -> float:
        """Processor seconds of it."""
        mine = self._placed(rows)
        started = time.process_time()
        for n in range(0, len(mine), BATCH):
            batch = mine[n : n + BATCH]
            self.told += self.packed.judge_rows(batch, self._fix(batch), sweeping=everything, pairing=everything)
        return time.process_time() - started

    def _placed(self, rows: np.ndarray) -> np.ndarray:
        mine = rows.copy()
        own = mine["protected"] == 1
        mine["row"][own] = np.array(self.persons)[mine["row"][own]]
        self._numbers = {row: n for n, row in enumerate(self.persons)}
        return mine

    def _fix(self, batch: np.ndarray):
        def fix(n: int):
            self.heard += 1
            row = batch[n].copy()
            if row["protected"]:
                row["row"] = self._numbers[int(row["row"])]
            return crowd.fix(row, self.made)

        return fix


def timed(run: Run, rounds: list[np.ndarray], *, everything: bool) -> dict:
    before, spent = run.heard, [run.judge(each, everything=everything) for each in rounds]
    fixes = sum(map(len, rounds))
    return {
        "fixes_per_s": round(fixes / sum(spent)),
        "best_round": round(max(len(each) / s for each, s in zip(rounds, spent, strict=True))),
        "to_the_rules": round((run.heard - before) / fixes, 5),
    }


def agreement(made: crowd.Crowd, rounds: list[np.ndarray], told: list, size: Size) -> tuple[float, float]:
    """Share of fixes of which both say the same, and the rate of the rules alone."""
    chosen = made.persons[made.persons < size.twins]
    mine = {f"w{n}" for n in range(size.twins)}
    orders = {each: made.orders[each] for each in mine}
    state, alone, fixes, spent = RuleState(), [], 0, 0.0
    for rows in rounds:
        some = rows[np.where(rows["protected"] == 1, rows["row"] < len(chosen), rows["row"] < size.twins)]
        batch = [crowd.fix(each, made) for each in some]
        started = time.process_time()
        said, state = judge(batch, orders, state)
        spent += time.process_time() - started
        alone += said
        fixes += len(batch)
    ours = {each for each in map(_said, told) if each[1] in mine}
    theirs = set(map(_said, alone))
    return 1.0 - len({each[0] for each in ours ^ theirs}) / fixes, fixes / spent


def _said(each) -> tuple:
    return (each.fix.id, each.wearer, each.kind, each.change, each.certainty, each.zone, each.protected, each.episode,
            each.how, each.off_m)  # fmt: skip


def _whose(rows: np.ndarray, made: crowd.Crowd) -> np.ndarray:
    """The number of the wearer whom a fix concerns."""
    of_person = rows["protected"] == 1
    return np.where(of_person, made.persons[np.where(of_person, rows["row"], 0)], rows["row"])


def measured(size: Size, port: int, *, beside: bool = True) -> dict:
    """The figures; more of them are printed. `beside`: ask PostGIS and Redis too."""
    said(f"making {size.wearers} wearers, {size.shared} shared zones")
    made = crowd.made(size.wearers, size.shared, np.random.default_rng(1))
    days = crowd.Days(made, np.random.default_rng(2))
    run = Run(made)
    warm = [days.round() for _ in range(WARM_ROUNDS)]
    for n, each in enumerate(warm, 1):
        said(f"warming, round {n} of {WARM_ROUNDS}" + (": the rules hear everybody and lay them out" if n == 1 else ""))
        run.judge(each)
    gc.collect()
    gc.freeze()
    rounds = [days.round() for _ in range(size.rounds)]
    said("everything on")
    everything = timed(run, rounds, everything=True)
    told = list(run.told)
    said("the rules alone, beside it")
    agreed, alone = agreement(made, warm + rounds, told, size)
    said("without the way between fixes, without pairs")
    basic = timed(run, [days.round() for _ in range(max(1, size.rounds // 2))], everything=False)
    gc.unfreeze()
    postgis = redis = None
    if beside:
        some = [each[_whose(each, made) < size.beside] for each in rounds[:3]]
        part = replace(made, orders=dict(list(made.orders.items())[: size.beside]))
        said(f"PostGIS: the zones and fixes of {size.beside} wearers")
        postgis = peers.ask_postgis(part, [each[: size.postgis_fixes] for each in some], port)
        said(f"Redis: the same {size.beside} wearers")
        redis = peers.ask_redis(part, some[0][: size.redis_fixes])
        said("done")
    rate = everything["fixes_per_s"]
    more = {
        "rules": RULES_VERSION,
        "wearers": size.wearers,
        "peers_wearers": size.beside,
        "everything": everything,
        "basic": basic,
        "rules_alone_per_s": round(alone),
        "transitions": len(told),
        "postgis": postgis or "not asked: postgresql-15-postgis-3 is not installed",
        "touches_ratio": round(rate / postgis["touches_per_cpu_s"], 1) if postgis else None,
        "redis": redis or "not asked: redis-server is not installed",
    }
    print(json.dumps(more, ensure_ascii=False))
    return {
        "fixes_per_s_core": rate,
        "fixes_per_s_core_basic": basic["fixes_per_s"],
        "postgis_ratio": round(rate / postgis["everything_per_cpu_s"], 1) if postgis else None,
        "redis_ratio": round(rate / redis["fixes_per_cpu_s"], 1) if redis else None,
        "twin_agreement": agreed,
    }


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--short", action="store_true")
    options.add_argument("--port", type=int, default=17_200)
    asked = options.parse_args()
    print(json.dumps(measured(SHORT if asked.short else FULL, asked.port)))


if __name__ == "__main__":
    main()
