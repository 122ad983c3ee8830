"""`safetynet why ALARM` and `safetynet replay`: the past judged again from the journal and the log.

Both work on a copy that is taken while the centre's program runs, and write nothing into its folder's log. `why` tells
of one alarm which words of the device made it, in numbers, without a coordinate and without a name; told again from the
same records it is the same to the byte. `replay` judges the past by other figures and says what that would have rung.
"""

import argparse
import contextlib
import shutil
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from safetynet.app.people import People, before_the_log
from safetynet.app.views import KOREA
from safetynet.core import administration, evidence, reasons, rules, thresholds
from safetynet.core.administration import Register
from safetynet.core.events import AlarmJoined, AlarmRaised, IncidentClosed, IncidentOpened
from safetynet.core.events.by_administrator import Administered, AnyAdministered
from safetynet.core.fixes import Fix
from safetynet.core.orders import Order
from safetynet.core.proximity import PROTECTING
from safetynet.core.reasons import Line, Rang, Why
from safetynet.core.rules import RuleState
from safetynet.core.terms import (
    SECOND_MS,
    AlarmId,
    AlarmKind,
    Certainty,
    FixId,
    IncidentId,
    Instant,
    WearerId,
)
from safetynet.core.thresholds import STANDARD, Rules
from safetynet.edge import config, journal, keys, snapshot, texts
from safetynet.edge.codec import NONSENSE
from safetynet.edge.config import Centre
from safetynet.edge.journal import CorruptError, Journal
from safetynet.edge.keys import CentreKeys
from safetynet.edge.store import Damaged, Store

LOG: Final = "log.db"
JOURNAL: Final = "journal"
WORKROOM: Final = ".hindsight"
"""In the centre's own folder: the copies hold what the originals hold, and are gone afterwards."""
TOLD_EVERY: Final = 500
"""Fixes between two steps of the bar."""
DAYS_SHOWN_MAX: Final = 62

Tell = Callable[[int, int], None]
"""Fixes done, fixes in all."""


class Closing(NamedTuple):
    wearer: WearerId
    fix_through: FixId
    episodes: tuple[str, ...]


class Past(NamedTuple):
    """What is needed to judge the journal again as it was judged."""

    journal: Journal
    people: People
    register: Register
    raised: dict[AlarmId, AlarmRaised]
    closings: tuple[Closing, ...]


@contextlib.contextmanager
def opened(folder: Path) -> Generator[Past]:
    """A copy of log and journal at one instant. Raises what opening them raises: Damaged, CorruptError, OSError."""
    centre, own = config.read(folder), keys.open_centre(folder)
    stage = folder / WORKROOM
    shutil.rmtree(stage, ignore_errors=True)  # left by one that was killed
    stage.mkdir(mode=0o700)
    try:
        with snapshot.frozen(folder / LOG) as copy:
            if (folder / JOURNAL).is_dir():
                journal.copy(folder / JOURNAL, stage / JOURNAL)
            copy(stage / LOG, lambda _done, _all: None)
        yield from _read(folder, stage, centre, own)
    finally:
        shutil.rmtree(stage)


def _read(folder: Path, stage: Path, centre: Centre, own: CentreKeys) -> Generator[Past]:
    store = Store.open(stage / LOG, centre=centre.id, keys=own.persons, sign=own.sign, salt=keys.salt)
    try:
        with Journal(stage / JOURNAL, store.person_keys) as positions:
            people = People(store, folder)
            administered: list[AnyAdministered] = []
            raised: dict[AlarmId, AlarmRaised] = {}
            grouped: defaultdict[IncidentId, list[AlarmId]] = defaultdict(list)
            closings: list[Closing] = []
            for _, event in store.events():
                match event:
                    case Administered():
                        administered.append(event)
                    case AlarmRaised():
                        raised[event.alarm] = event
                    case IncidentOpened() | AlarmJoined():
                        grouped[event.incident].append(event.alarm)
                    case IncidentClosed():
                        episodes = tuple(raised[each].episode for each in grouped.pop(event.incident, ()))
                        closings.append(Closing(event.wearer, event.fix_through, episodes))
                    case _:
                        continue
            register = administration.fold(before_the_log(store, people), administered)
            yield Past(positions, people, register, raised, tuple(closings))
    finally:
        store.close()


def _ended(past: Past) -> RuleState:
    """Told of all that people ended, as a start of the program tells it."""
    state = rules.begun()
    for closing in past.closings:
        for episode in closing.episodes:
            state = rules.end(state, closing.wearer, episode, closing.fix_through)
    return state


def _under_orders(past: Past, fixes: Iterator[Fix], tell: Tell) -> Iterator[tuple[Fix, Mapping[WearerId, Order]]]:
    """Each fix with the orders that held for it."""
    past.people.rewind(past.register)
    for fix in fixes:
        if past.people.changes_before(fix.id):
            past.people.advance(fix.id)
        if fix.id % TOLD_EVERY == 0:
            tell(fix.id, past.journal.newest)
        yield fix, past.people.orders


# --- why -----------------------------------------------------------------------------------------------------------


def why(past: Past, alarm: AlarmId, tell: Tell = lambda _done, _all: None) -> Why | None:
    """None when there is no such alarm, or its positions are gone, or these rules would not have raised it."""
    event = past.raised.get(alarm)
    if event is None:
        return None

    def judged() -> Iterator[reasons.Step]:
        if event.kind in PROTECTING:
            fixes = past.journal.replay()
        else:  # nobody else's word bears on it
            found, _ = past.journal.find(event.wearer, FixId(1), past.journal.newest)
            fixes = past.journal.opened(found)
        return reasons.steps(_under_orders(past, fixes, tell), _ended(past), sets=past.people.editions.held)

    key = reasons.find(judged(), event.wearer, event.episode)
    return None if key is None else reasons.explain(judged(), event.wearer, key, event.episode)


def told(event: AlarmRaised, found: Why, *, korean: bool) -> str:
    """The explanation for people, one line for each word of the device."""

    def say(key: str, **values: object) -> str:
        return texts.text(key, korean=korean, **values)

    lines = [
        f"{event.alarm} · {say(f'AlarmKind.{found.kind.value}')} · {say(f'Certainty.{event.certainty.value}')}",
        say("why.rules", rules=found.rules, recorded=event.rules, version=found.order_version or "–"),
    ]
    if found.suspect is not None and found.sure is not None:
        lines.append(say("why.levels", suspect=_share(found.suspect), sure=_share(found.sure)))
    lines += [_row(each, say, raised=each.fix == found.raised_by) for each in found.lines]
    return "\n".join(lines)


def _share(odds: float) -> str:
    return f"{round(100 * evidence.probability(odds))} %"


def _row(line: Line, say: Callable[..., str], *, raised: bool) -> str:
    at = datetime.fromtimestamp(line.observed_at / SECOND_MS, KOREA)
    parts = [f"{'▶' if raised else ' '} {line.fix:>6}", f"{at:%m-%d %H:%M:%S}"]
    late_s = (line.received_at - line.observed_at) // SECOND_MS
    if line.bell:
        parts.append(say("why.bell"))
    elif line.source is None:
        parts.append(say("why.no_place"))
    else:
        parts.append(say("why.place", source=say(f"Source.{line.source.value}"), radius=line.radius_m))
        parts.append(say(f"FixReason.{line.reason.value}"))
    if late_s >= LATE_S:
        parts.append(say("why.late", s=late_s))
    if line.said:
        parts.append(say("why.said", words=", ".join(say(f"Said.{each}") for each in line.said)))
    if line.off_m is not None:
        key = "why.apart" if line.give_m is not None else "why.outside" if line.off_m > 0 else "why.inside"
        parts.append(say(key, m=abs(line.off_m), give=line.give_m))
    if line.silent_s is not None:
        parts.append(say("why.silent", s=line.silent_s))
    if line.reach_m is not None:
        parts.append(say("why.reach", m=line.reach_m))
    if line.probability is not None:
        before = "–" if line.odds_before is None else _share(line.odds_before)
        parts.append(say("why.belief", before=before, after=f"{round(100 * line.probability)} %"))
    for change in line.changes:
        what, certainty, how = change.split("/")
        parts.append(f"{say(f'Change.{what}')} ({say(f'Certainty.{certainty}')}, {say(f'How.{how}')})")
    return " | ".join(parts)


LATE_S: Final = 30
"""A word that arrived so long after it was said is called late."""


def why_main(given: Sequence[str] | None = None) -> int:
    ask = argparse.ArgumentParser(prog="safetynet why", description="Why an alarm rang: the fixes, in numbers.")
    ask.add_argument("alarm", metavar="ALARM")
    ask.add_argument("--dir", type=Path, required=True, metavar="D", help="the control centre's folder; it may run")
    ask.add_argument("--language", choices=("ko", "en"), default="ko")
    ask.add_argument("--json", action="store_true", help="everything, as one JSON object")
    said = ask.parse_args(given)
    try:
        with opened(said.dir) as past, _bar() as tell:
            event = past.raised.get(AlarmId(said.alarm))
            found = why(past, AlarmId(said.alarm), tell)
    except (Damaged, CorruptError, OSError) as fault:
        return _no(str(fault))
    if event is None:
        return _no(texts.text("why.no_alarm", korean=said.language == "ko", alarm=said.alarm))
    if found is None:
        return _no(texts.text("why.not_again", korean=said.language == "ko", rules=event.rules))
    print(msgspec.json.encode(found).decode() if said.json else told(event, found, korean=said.language == "ko"))
    return 0


# --- replay --------------------------------------------------------------------------------------------------------


class Compared(NamedTuple):
    before: list[Rang]
    after: list[Rang]
    fixes: int
    days: float


def replay(
    past: Past, since: Instant, by: Rules, *, standard: Rules = STANDARD, tell: Tell = lambda _done, _all: None
) -> Compared:
    """Both sets of rules over the same journal, under the same orders; what people closed then is closed in both."""
    closings = sorted(past.closings, key=lambda each: each.fix_through)
    sides = [(each, rules.begun(), list[Rang]()) for each in (standard, by)]
    taken, first, last = 0, None, since
    for fix, orders in _under_orders(past, past.journal.replay(), tell):
        while closings and closings[0].fix_through < fix.id:
            closing = closings.pop(0)
            sides = [(each, _close(state, closing), found) for each, state, found in sides]
        judged = [
            (each, *rules.judge((fix,), orders, state, each, past.people.editions.held), found)
            for each, state, found in sides
        ]
        sides = [(each, state, found) for each, _, state, found in judged]
        if fix.received_at >= since:
            for _, transitions, _, found in judged:
                found.extend(reasons.rang(transitions))
        if fix.received_at >= since:
            taken, first, last = taken + 1, first or fix.received_at, max(last, fix.received_at)
    span = last - first if first is not None else 0
    return Compared(sides[0][2], sides[1][2], taken, span / (24 * 3_600 * SECOND_MS))


def _close(state: RuleState, closing: Closing) -> RuleState:
    """All that runs of this wearer: under other rules the episodes have other names."""
    for episode in rules.episodes(state, closing.wearer).values():
        state = rules.end(state, closing.wearer, episode.id, closing.fix_through)
    return state


def _by_day(found: Compared) -> list[tuple[str, int, int]]:
    days: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    for side, some in enumerate((found.before, found.after)):
        for each in some:
            days[f"{datetime.fromtimestamp(each.at / SECOND_MS, KOREA):%Y-%m-%d}"][side] += 1
    return [(day, before, after) for day, (before, after) in sorted(days.items())]


def _summary(found: Compared, by: Rules) -> dict[str, object]:
    """What would change; the difference counts alarms of one wearer and kind that only one side has in that minute."""
    before, after = (Counter(_minute(each) for each in some) for some in (found.before, found.after))
    days = max(found.days, 1e-9)
    kinds: dict[str, dict[str, int]] = {}
    for name, some in (("before", found.before), ("after", found.after)):
        for (kind, certainty), n in sorted(reasons.counted(some).items(), key=lambda each: str(each[0])):
            kinds.setdefault(f"{kind.value}/{certainty.value}", {"before": 0, "after": 0})[name] = n
    return {
        "rules_before": STANDARD.version,
        "rules_after": by.version,
        "fixes": found.fixes,
        "days": round(found.days, 3),
        "alarms_before": len(found.before),
        "alarms_after": len(found.after),
        "alarms_per_day_before": round(len(found.before) / days, 2),
        "alarms_per_day_after": round(len(found.after) / days, 2),
        "only_before": sum((before - after).values()),
        "only_after": sum((after - before).values()),
        "kinds": kinds,
    }


def _minute(each: Rang) -> tuple[WearerId, AlarmKind, Certainty, int]:
    return each.wearer, each.kind, each.certainty, each.at // (60 * SECOND_MS)


def _since(text: str) -> Instant:
    """A day or an instant, in Korean time unless it says otherwise. Raises ValueError."""
    at = datetime.fromisoformat(text)
    return Instant(round((at if at.tzinfo else at.replace(tzinfo=KOREA)).timestamp()) * SECOND_MS)


def replay_main(given: Sequence[str] | None = None) -> int:
    ask = argparse.ArgumentParser(prog="safetynet replay", description="A dry run of other rules over the past.")
    ask.add_argument("--dir", type=Path, metavar="D", help="the control centre's folder; it may run")
    ask.add_argument("--since", metavar="DAY", help="2026-11-01, or with a time; Korean time")
    ask.add_argument("--rules", type=Path, metavar="FILE", help="JSON; what is left out is as in the standard")
    ask.add_argument("--standard", action="store_true", help="print the standard as such a file, and nothing else")
    said = ask.parse_args(given)
    if said.standard:
        print(thresholds.to_json(STANDARD).decode())
        return 0
    if said.dir is None or said.since is None:
        ask.error("--dir and --since are needed")
    try:
        by = thresholds.from_json(said.rules.read_bytes()) if said.rules is not None else STANDARD
        since = _since(said.since)
    except (OSError, *NONSENSE) as wrong:
        return _no(f"{said.rules or said.since}: {wrong}")
    try:
        with opened(said.dir) as past, _bar() as tell:
            found = replay(past, since, by, tell=tell)
    except (Damaged, CorruptError, OSError) as fault:
        return _no(str(fault))
    sheet = Table(title=f"{STANDARD.version} → {by.version}")
    for head in ("날짜 · day", "지금 규칙 · now", "바꾼 규칙 · changed", "차이 · difference"):
        sheet.add_column(head, justify="right")
    for day, before, after in _by_day(found)[-DAYS_SHOWN_MAX:]:
        sheet.add_row(day, str(before), str(after), f"{after - before:+d}")
    Console(stderr=True).print(sheet)
    print(msgspec.json.encode(_summary(found, by)).decode())
    return 0


@contextlib.contextmanager
def _bar() -> Generator[Tell]:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("다시 판단 · judging again", total=None)
        yield lambda done, whole: bar.update(task, completed=done, total=whole)


def _no(why: str) -> int:
    print(why, file=sys.stderr)
    return 1
