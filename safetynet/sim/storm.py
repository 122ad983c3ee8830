"""`safetynet storm`: seeded histories of the whole country, and every promise asked of each.

A storm that breaks a promise is named by its seed; the printed command plays it again, to the byte.
"""

import argparse
import traceback
from collections.abc import Sequence
from typing import Final, NamedTuple

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from safetynet.core.terms import SECOND_MS
from safetynet.sim.city_promises import CITY_PROMISES
from safetynet.sim.country import Country
from safetynet.sim.promises import PROMISES
from safetynet.sim.silence_promises import no_device_falls_silent_unheard

HOURS: Final = 2.0
SHOWN_MAX: Final = 20
"""Failing storms that are printed at length."""


class Result(NamedTuple):
    """What came of one storm."""

    seed: int
    digest: str
    """Over all logs; the same seed gives the same."""
    broken: tuple[str, ...]
    """One line for each promise that does not hold; empty when all do."""
    deaths: int
    messages_lost: int
    events: int
    simulated_s: float


def storm(seed: int, hours: float = HOURS) -> Result:
    """One storm from its seed. Never raises for what the country did wrong: that is in `broken`."""
    country = Country(seed, hours)
    try:
        country.run()
    except Exception as fault:  # our own mistake inside a centre is the gravest thing a storm can find
        where = traceback.extract_tb(fault.__traceback__)[-1]
        broken = [
            f"a centre failed: {type(fault).__name__}: {fault} ({where.filename.rsplit('/', 1)[-1]}:{where.lineno})"
        ]
    else:
        broken = []
        for promise in (*PROMISES, *CITY_PROMISES, no_device_falls_silent_unheard):
            try:
                promise(country)
            except AssertionError as fault:
                broken.append(f"{promise.__name__}: {fault}")
    return Result(
        seed,
        country.digest(),
        tuple(broken),
        sum(each.deaths for each in country.programs.values()),
        country.net.dropped,
        sum(each.disk.head() for each in country.programs.values()),
        (country.now - country.started_at) / SECOND_MS,
    )


def replay(seed: int, hours: float = HOURS) -> str:
    """What to type to see it again."""
    return f"safetynet storm --runs 1 --seed {seed}" + (f" --hours {hours:g}" if hours != HOURS else "")


def main(given: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="safetynet storm", description=__doc__)
    parser.add_argument("--runs", type=int, default=10, metavar="N", help="how many storms, one seed each")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="the first seed")
    parser.add_argument("--hours", type=float, default=HOURS, help="simulated hours of each")
    said = parser.parse_args(given)
    results: list[Result] = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as progress:
        task = progress.add_task("storms", total=said.runs)
        for seed in range(said.seed, said.seed + said.runs):
            results.append(storm(seed, said.hours))
            failed = sum(bool(each.broken) for each in results)
            progress.update(task, advance=1, description=f"storms, {failed} broken" if failed else "storms")
    return _told(results, said.hours)


def _told(results: Sequence[Result], hours: float) -> int:
    failed = [each for each in results if each.broken]
    for each in failed[:SHOWN_MAX]:
        print(f"\nseed {each.seed}: {replay(each.seed, hours)}")
        for line in each.broken:
            print(f"  {line}")
    deaths, lost = sum(each.deaths for each in results), sum(each.messages_lost for each in results)
    events = sum(each.events for each in results)
    print(
        f"{len(results)} storms of {hours:g} h, {len(failed)} broken; {events} events, {deaths} deaths, {lost} messages lost"
    )
    return 1 if failed else 0
