"""A national day of alarms through the real mind of a control centre: how much of it rings, and how soon a cut strap is on top.

    python bench/flood.py [--hours 24] [--seed 1] [--longer 1] [--delays 1]

10,000 wearers, 20,000 raw alarms, a burst of 5,000 in one minute (the network of a third of all devices goes out as the
curfews begin at midnight), 14 operators who take what is on top, answer and close it. What the rules find is made here
(`core.rules` is measured by bench/rules.py and bench/decisions.py); from there on everything is the product's own: `mind.decide`,
`evolve`, a tick each second, the order of the queue. Figures come out of the events alone, by `core.loads`.

How long each kind lasts is assumed, and everything depends on it: `MIX` says what, with the shares of the real kinds
seen in the sources (mostly silence, lost satellites, batteries, wandering positions); `--longer 2` lets everything last twice as long, `--delays 2`
lets everything wait twice as long as the table says before it rings. `raw` is the same day with every
alarm put before people as it comes.

The straps that are cut are planted all over the day, ten of them in the middle of the burst. `tamper_to_top_ms` is the
time from the report to the row at the head of the queue: what waits before it in the same second, decided one batch after another,
its own decision, and the queue in order. Real milliseconds of this machine, no network and no disk.
"""

import argparse
import heapq
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

sys.path.insert(0, str(Path(__file__).parents[1]))

from safetynet.core import annunciations, geo, loads
from safetynet.core.alarms import RINGING, TAMPER
from safetynet.core.annunciations import ALWAYS
from safetynet.core.control import mind, words
from safetynet.core.control import state as minds
from safetynet.core.events import (
    AlarmEscalated,
    AlarmRaised,
    AlarmShelved,
    AlarmSuppressed,
    IncidentOpened,
    OutageBegan,
)
from safetynet.core.fixes import Fix
from safetynet.core.terms import AlarmKind as K
from safetynet.core.terms import Certainty, Disposition, Priority, Source, WearerClass, ZoneId
from safetynet.core.verdicts import Change, How, Transition, episode_id

WEARERS = 10_000
RAW = 20_000
BURST = 5_000
BURST_S = 60
OPERATORS = 14
NETWORKS = ("net-a", "net-b", "net-c")
OUT = "net-a"
OUTAGE_S = 45 * 60
TAMPERS = 24
IN_BURST = 10
BATCH = 256
"""Verdicts that one batch of fixes brings at most, as the intake takes them under back-pressure."""
T0 = 1_700_000_000_000 // 86_400_000 * 86_400_000
S = 1_000
HANDLE_S = (60, 240)
"""How long an operator needs for one incident, from taking to closing."""


@dataclass(frozen=True, slots=True)
class Mix:
    kind: K
    share: float
    certain: float
    """Share that is certain from the first word."""
    brief: float
    """Share that is over within `short_s`; the others last `long_s`. Mean of an exponential in seconds."""
    short_s: float
    long_s: float
    rises: float = 0.0
    """Share of the suspicions that becomes certain."""
    flickers: float = 0.0
    """Share that comes back some times after it was over."""


MIX = (
    Mix(K.COMM_LOST, 0.38, 1.0, 0.96, 50, 2_400, flickers=0.10),
    Mix(K.GPS_LOST, 0.24, 1.0, 0.98, 420, 5_400, flickers=0.20),
    Mix(K.BATTERY_LOW, 0.16, 1.0, 0.97, 900, 7_200),
    Mix(K.EXCLUSION_ZONE, 0.11, 0.06, 0.95, 18, 300, rises=0.05, flickers=0.10),
    Mix(K.CURFEW, 0.07, 0.08, 0.90, 70, 1_200, rises=0.06),
    Mix(K.APPROACH_2K, 0.008, 1.0, 0.5, 300, 1_200),
    Mix(K.APPROACH_1K, 0.006, 0.5, 0.5, 200, 900, rises=0.2),
    Mix(K.APPROACH_100, 0.001, 0.7, 0.5, 60, 600),
    Mix(K.SOS, 0.002, 1.0, 0.0, 1, 1),
    Mix(K.PROTECTED_LOST, 0.004, 1.0, 0.7, 600, 1_800),
)
"""The rest of the day's 20,000 is the burst."""


class Day:
    """What the rules find in a day, in order of time."""

    def __init__(self, seed: int, hours: float, longer: float) -> None:
        self.longer = longer
        self.dice = random.Random(seed)
        self.hours = hours
        self.out: list[tuple[int, int, Transition]] = []
        self.fix = 0
        self.raw = 0
        self.tampers: dict[str, int] = {}
        self.network = {f"w{n}": self.dice.choices(NETWORKS, (0.34, 0.33, 0.33))[0] for n in range(WEARERS)}
        self.busy: Counter[tuple[str, K]] = Counter()
        share = hours / 24
        ordinary = round((RAW - BURST) * share) - TAMPERS
        for _ in range(ordinary):
            self.ordinary(self.dice.choices(MIX, [each.share for each in MIX])[0], self.dice.uniform(0, hours * 3_600))
        self.burst_at = hours * 1_800
        self.burst(round(BURST * min(1.0, share * 4)))
        for n in range(TAMPERS):
            at = self.burst_at + self.dice.uniform(0, BURST_S) if n < IN_BURST else self.dice.uniform(0, hours * 3_600)
            self.tamper(at)
        self.out.sort(key=lambda each: each[:2])

    def say(self, at_s: float, wearer: str, kind: K, change: Change, certain: bool, episode: str) -> None:  # noqa: FBT001
        self.fix += 1
        at = T0 + int(at_s * S)
        lat, lon = geo.Plane(36.35, 127.38).to_latlon(
            self.dice.uniform(-9_000, 9_000), self.dice.uniform(-9_000, 9_000)
        )
        placed = kind not in (K.COMM_LOST, K.GPS_LOST)
        fix = Fix(id=self.fix, wearer=wearer, device=f"d{wearer}", observed_at=at - 900, received_at=at, lat=lat if placed else None,
                  lon=lon if placed else None, accuracy_m=20.0, source=Source.GNSS)  # fmt: skip
        certainty = Certainty.CERTAIN if certain else Certainty.MAYBE
        zone = ZoneId("z1") if kind is K.EXCLUSION_ZONE else None
        protected = "p1" if kind.value.startswith(("approach", "protected")) else None
        told = Transition(wearer=wearer, kind=kind, change=change, certainty=certainty, zone=zone, fix=fix, episode=episode, how=How.SAID,
                          order_version=1, protected=protected)  # fmt: skip
        self.out.append((at, self.fix, told))
        self.raw += change is Change.RAISED

    def begin(self, at_s: float, wearer: str, kind: K, certain: bool) -> str:  # noqa: FBT001
        self.busy[wearer, kind] += 1
        episode = episode_id(wearer, kind, None, self.fix + 1)
        self.say(at_s, wearer, kind, Change.RAISED, certain, episode)
        return episode

    def ordinary(self, mix: Mix, at_s: float) -> None:
        dice, wearer = self.dice, f"w{self.dice.randrange(WEARERS)}"
        certain = dice.random() < mix.certain
        episode = self.begin(at_s, wearer, mix.kind, certain)
        if mix.kind is K.SOS:
            return
        lasts = self.longer * dice.expovariate(1 / (mix.short_s if dice.random() < mix.brief else mix.long_s))
        if not certain and dice.random() < mix.rises:
            self.say(at_s + dice.uniform(5, 40), wearer, mix.kind, Change.RISEN, True, episode)
            lasts = max(lasts, 45.0) + mix.long_s / 2
        self.say(at_s + lasts, wearer, mix.kind, Change.RETURNED, certain, episode)
        while dice.random() < mix.flickers:
            at_s += lasts + dice.uniform(20, 900)
            lasts = self.longer * dice.expovariate(1 / mix.short_s)
            self.say(at_s, wearer, mix.kind, Change.REPEATED, certain, episode)
            self.say(at_s + lasts, wearer, mix.kind, Change.RETURNED, certain, episode)

    def burst(self, alarms: int) -> None:
        """A network goes out, and the curfews begin."""
        dice = self.dice
        silent = [each for each, network in self.network.items() if network == OUT]
        silent = dice.sample(silent, min(len(silent), round(alarms * 0.66)))
        for wearer in silent:
            at_s = self.burst_at + dice.uniform(0, BURST_S)
            episode = self.begin(at_s, wearer, K.COMM_LOST, True)
            back_s = self.burst_at + OUTAGE_S + dice.expovariate(1 / 60)
            if dice.random() < 0.99:
                self.say(back_s, wearer, K.COMM_LOST, Change.RETURNED, True, episode)
        for wearer in dice.sample(
            [each for each, network in self.network.items() if network != OUT], alarms - len(silent)
        ):
            at_s = self.burst_at + dice.uniform(0, BURST_S)
            episode = self.begin(at_s, wearer, K.CURFEW, False)
            if dice.random() < 0.02:
                self.say(at_s + dice.uniform(60, 170), wearer, K.CURFEW, Change.RISEN, True, episode)
            else:
                self.say(
                    at_s + self.longer * dice.expovariate(1 / 45), wearer, K.CURFEW, Change.RETURNED, False, episode
                )

    def tamper(self, at_s: float) -> None:
        """Somebody of the dark network too: it is the hardest to see."""
        some = (
            [each for each, network in self.network.items() if network == OUT]
            if len(self.tampers) % 2
            else list(self.network)
        )
        wearer = self.dice.choice(some)
        self.tampers[self.begin(at_s, wearer, K.STRAP_CUT, True)] = int(at_s)


class Centre:
    """One control centre in memory, and its people."""

    def __init__(self, day: Day) -> None:
        self.day, self.state, self.log = day, minds.EMPTY, []
        self.country = words.Country((), None, b"secret of a bench")
        self.lives = loads.EMPTY
        self.free = [T0] * OPERATORS
        self.closing: list[tuple[int, str, str]] = []
        self.dice = random.Random(2)
        self.ended: set[str] = set()
        """Episodes that a person closed: as the rules are told, what is broken after that is another one."""
        self.anew: dict[str, str] = {}
        self.raw = 0

    def give(self, given: words.Given, at: int) -> list:
        events = mind.decide(self.country, self.state, given, at)
        for event in events:
            self.state = minds.evolve(self.state, event)
            self.lives = loads.noted(self.lives, event)
        self.log += events
        return events

    def ruled(self, said: Transition) -> Transition | None:
        """As the rules would say it, who know which episodes a person has ended."""
        episode = self.anew.get(said.episode, said.episode)
        if episode in self.ended:
            if said.change is Change.RETURNED:
                return None
            episode = self.anew[said.episode] = f"{episode}+"
            said = msgspec.structs.replace(said, change=Change.RAISED)
        self.raw += said.change is Change.RAISED
        return msgspec.structs.replace(said, episode=episode)

    def judged(self, batch: list[Transition], at: int) -> None:
        told = [each for said in batch if (each := self.ruled(said)) is not None]
        wearers = {each.wearer for each in told}
        self.give(
            words.Judged(
                transitions=tuple(told), fixes=(), last={}, network={each: self.day.network[each] for each in wearers},
                footing=dict.fromkeys(wearers, WearerClass.ORDER),
            ),
            at,
        )  # fmt: skip

    def queue(self) -> list[tuple[int, int, str, str]]:
        """As the page sorts it: what rings, the most urgent first, then the oldest."""
        alarms = self.state.alarms
        return sorted(
            min((int(alarms[each].priority), alarms[each].raised_at, each, incident) for each in ringing)
            for incident in self.state.open.values()
            if (ringing := [each for each in self.state.incidents[incident].alarms if alarms[each].state in RINGING])
        )

    def work(self, at: int) -> None:
        """Operators take from the top, answer, and close what they are done with."""
        while self.closing and self.closing[0][0] <= at:
            _, incident, who = heapq.heappop(self.closing)
            held = self.state.incidents[incident]
            if any(self.state.alarms[each].state in RINGING for each in held.alarms):
                for each in held.alarms:
                    self.give(words.Acknowledge(alarm=each, by=who), at)
                heapq.heappush(self.closing, (at + 60 * S, incident, who))
                continue
            genuine = held.kinds & TAMPER
            code = Disposition.GENUINE_ARREST if genuine else Disposition.MINOR
            self.ended |= {self.state.alarms[each].episode for each in held.alarms}
            self.give(words.Close(incident=incident, by=who, code=code, fix_through=self.day.fix), at)
        idle = [n for n, until in enumerate(self.free) if until <= at]
        if not idle:
            return
        waiting = [each for each in self.queue() if self.state.incidents[each[3]].owner is None]
        for n, (_, _, _, incident) in zip(idle, waiting, strict=False):
            self.give(words.Claim(incident=incident, by=f"op{n}"), at)
            self.free[n] = at + self.dice.randrange(*HANDLE_S) * S
            heapq.heappush(self.closing, (self.free[n], incident, f"op{n}"))


def run(day: Day) -> tuple[Centre, list[float]]:
    """Second by second. What comes in one second is decided in batches; a strap is timed from the beginning of the first."""
    centre, told, latencies = Centre(day), day.out, []
    upto, last = 0, T0 + int(day.hours * 3_600 + 7_200) * S
    for at in range(T0, last, S):
        began = time.perf_counter()
        while upto < len(told) and told[upto][0] <= at:
            batch = [each[2] for each in told[upto : upto + BATCH] if each[0] <= at]
            upto += len(batch)
            centre.judged(batch, at)
            cut = [each for each in batch if each.episode in day.tampers and each.change is Change.RAISED]
            if cut:
                top = [centre.state.alarms[each[2]] for each in centre.queue()[: len(cut) + IN_BURST]]
                on_top = {each.episode for each in top if each.priority is Priority.EMERGENCY}
                assert {each.episode for each in cut} <= on_top, "a cut strap is not at the head of the queue"
                latencies += [(time.perf_counter() - began) * 1_000] * len(cut)
        centre.give(words.Tick(), at)
        centre.work(at)
    return centre, latencies


def worst(times: list[int]) -> int:
    """The most in any ten minutes, wherever these begin."""
    times, most, first = sorted(times), 0, 0
    for n, at in enumerate(times):
        while at - times[first] >= loads.WINDOW_MS:
            first += 1
        most = max(most, n - first + 1)
    return most


def figures(day: Day, centre: Centre, latencies: list[float]) -> dict[str, object]:
    lives = list(centre.lives.of.values())
    until = T0 + int(day.hours * 3_600) * S
    load = loads.load(lives, T0, until, OPERATORS)
    windows = day.hours * 6
    raised = [each for each in centre.log if isinstance(each, AlarmRaised)]
    assert len({each.alarm for each in raised}) == centre.raw, "an alarm was lost"
    assert len(raised) == centre.raw, "an alarm was told twice"
    forbidden = [
        each
        for each in centre.log
        if isinstance(each, AlarmSuppressed | AlarmShelved) and centre.lives.of[each.alarm].kind in ALWAYS
    ]
    rung = [each.rung_at for each in lives if each.rung_at is not None]
    explained = {each.alarm for each in centre.log if isinstance(each, AlarmSuppressed)}
    unexplained = [each for each in lives if each.rung_at is None and each.alarm not in explained]
    listed = {each.alarm: each.held for each in loads.suppressed(lives, T0)}
    assert listed.keys() == explained, "what was held back is not on the list, or something else is"
    assert all(listed.values()), "held back, and the list does not say why"
    burst = [
        each
        for each in lives
        if each.rung_at is not None and 0 <= each.rung_at - T0 - day.burst_at * S < loads.WINDOW_MS
    ]
    latencies.sort()
    return {
        "wearers": WEARERS, "operators": OPERATORS, "hours": day.hours, "raw": centre.raw, "shown": load.rung,
        "suppressed": {why.value: n for why, n in load.held.items()}, "listed": len(listed), "outages": sum(isinstance(each, OutageBegan) for each in centre.log),
        "shown_kinds": dict(Counter(each.kind.value for each in lives if each.rung_at is not None).most_common()),
        "burst_kinds": dict(Counter(each.kind.value for each in burst).most_common()),
        "incidents": sum(isinstance(each, IncidentOpened) for each in centre.log), "escalated": sum(isinstance(each, AlarmEscalated) for each in centre.log),
        "raw_per_operator_10min": round(centre.raw / OPERATORS / windows, 2),
        "raw_per_operator_10min_worst": round(worst([each.at for each in raised]) / OPERATORS, 1),
        "shown_per_operator_10min_mean": round(len(rung) / OPERATORS / windows, 3),
        "shown_per_operator_10min_worst": round(worst(rung) / OPERATORS, 2),
        "answer_s_p50": None if load.answer_ms_p50 is None else load.answer_ms_p50 / S,
        "answer_s_p95": None if load.answer_ms_p95 is None else load.answer_ms_p95 / S,
        "planted_tampers": len(latencies),
        "tamper_to_top_ms_p50": round(latencies[len(latencies) // 2], 2),
        "tamper_to_top_ms_p99": round(latencies[min(len(latencies) - 1, int(len(latencies) * 0.99))], 2),
        "unexplained_suppressions": len(unexplained) + len(forbidden),
    }  # fmt: skip


@contextmanager
def waiting(delays: float) -> Iterator[None]:
    """With a table in which everything waits so many times as long."""
    table = annunciations.TABLE
    longer = {
        kind: replace(
            each, on_delay_ms=round(each.on_delay_ms * delays), off_delay_ms=round(each.off_delay_ms * delays)
        )
        for kind, each in table.items()
    }
    vars(annunciations)["TABLE"] = longer
    try:
        yield
    finally:
        vars(annunciations)["TABLE"] = table


def main(hours: float, seed: int, longer: float = 1.0, delays: float = 1.0) -> dict[str, object]:
    day = Day(seed, hours, longer)
    began = time.perf_counter()
    with waiting(delays):
        centre, latencies = run(day)
    made = figures(day, centre, latencies)
    made["seconds"] = round(time.perf_counter() - began, 1)
    made["speed_up"] = round(hours * 3_600 / (time.perf_counter() - began))
    for name, value in made.items():
        print(f"   {name:<34} {value}", flush=True)
    assert len(latencies) == TAMPERS, "a cut strap never came up"
    print(json.dumps(made))
    return made


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--longer", type=float, default=1.0, help="everything lasts so many times as long")
    parser.add_argument(
        "--delays", type=float, default=1.0, help="everything waits so many times as long before it rings"
    )
    given = parser.parse_args()
    main(given.hours, given.seed, given.longer, given.delays)
