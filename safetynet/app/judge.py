"""What the control centre's program judges with: the rules' state, and where everybody was last, of all that the journal holds.

One call takes a batch that is on disk (`judge_batch`). At a start the same is found again: from what was kept of it
(`edge.judged`), and from what the journal holds since. What was judged already stays as it was decided, and what a crash cut
off between journal and log is decided then.

Absent on purpose: what a verdict leads to (`core.control`), and every condition (`core.rules`).
"""

import asyncio
from collections import deque
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from immutables import Map

from safetynet.app import standing
from safetynet.app.people import People, protected_subject, subject
from safetynet.app.standing import Heard
from safetynet.core import administration, fixes, rules
from safetynet.core.administration import Register
from safetynet.core.arrears import History
from safetynet.core.events import AlarmJoined, AlarmRaised, AnyEvent, IncidentClosed, IncidentOpened, Place
from safetynet.core.fixes import Fix, Mark
from safetynet.core.orders import Order
from safetynet.core.rules import RuleState
from safetynet.core.terms import AlarmId, DeviceId, FixId, IncidentId, Instant, ProtectedId, SubjectId, WearerId
from safetynet.core.verdicts import Transition
from safetynet.edge import judged, log
from safetynet.edge.doors import PersonKeys
from safetynet.edge.journal import Journal
from safetynet.edge.judged import Moment

TRACK_POINTS_MAX: Final = 600
POINTS_KEPT_MAX: Final = 10
"""Of the track of a wearer about whom no incident is open."""
AGAIN_MAX: Final = 4_096
"""Fixes judged in one go at a start."""
KEEP_FIXES: Final = 200_000
"""Judged since what was last kept: a start judges hardly more than these again."""
LOOK_S: Final = 5.0
AT_ONCE: Final = 25
"""Wearers kept between two turns of the loop: less than a flush takes."""

NOTHING: Final = FixId(0)
"""Before the first fix."""

_BLANK: Final = RuleState(histories=Map())
Decide = Callable[[tuple[Transition, ...], list[Fix]], object]
"""Takes transitions that the log lacks, and the fixes that they came with."""


@dataclass(slots=True)
class _Start:
    """Where a start begins: at nothing, or at what was kept."""

    state: RuleState
    through: FixId = NOTHING
    serial: int = 0


class Judge:
    """`state`, `tracks` and `heard` are only ever of fixes that are on disk."""

    def __init__(self, folder: Path, journal: Journal, people: People, keys: PersonKeys) -> None:
        self._folder, self._journal, self._people, self._keys = folder, journal, people, keys
        self.state = _BLANK
        self.tracks: dict[WearerId, deque[Place]] = {}
        self.heard: dict[DeviceId, Heard] = {}
        self.through = NOTHING
        """The newest fix that was judged."""
        self.kept_through = NOTHING
        self.last_fix_at: Instant | None = None
        """When a wearer's device was heard last."""

    def judge_batch(self, batch: Sequence[Fix]) -> tuple[Transition, ...]:
        """In the order of the journal."""
        told, self.state = rules.judge(batch, self._people.orders, self.state, sets=self._people.editions.held)
        self._follow(batch)
        return told

    def end(self, wearer: WearerId, episode: str) -> None:
        """A person ended this episode: what comes from now on is new."""
        self.state = rules.end(self.state, wearer, episode, self.through)

    def _follow(self, batch: Sequence[Fix]) -> None:
        """A loop over every fix there is: what does not concern all of them stands elsewhere."""
        tracks, heard = self.tracks, self.heard
        for fix in batch:
            if fix.marks and fix.marks & Mark.BELL:
                continue
            heard[fix.device] = Heard(fix.device, fix.received_at, fix.battery_percent, fix.wearer, fix.protected)
            if fix.protected:
                continue
            self.last_fix_at = fix.received_at
            if fix.lat is None:
                continue
            track = tracks.get(fix.wearer)
            if track is None:
                track = tracks[fix.wearer] = deque(maxlen=TRACK_POINTS_MAX)
            if not track or fix.observed_at >= track[-1].observed_at:
                place = fixes.place(fix)
                assert place is not None
                track.append(place)
        if batch:
            self.through = batch[-1].id

    # --- a start ---------------------------------------------------------------------------------------------------

    def begin(
        self, register: Register, events: Iterable[tuple[int, AnyEvent]], head: int, judged_upto: FixId, decide: Decide
    ) -> None:
        """`judged_upto`: up to which fix the log, whose newest event is `head`, holds what was decided."""
        orders = {
            (each.wearer, each.order.version): each.order
            for each in administration.timeline(register)
            if each.order is not None
        }
        self._people.rewind(register)
        start = self._kept(orders, head)
        if start is None:
            start = _Start(_BLANK)
            self._people.rewind(register)
        self.state, self.through = _ended(start, events), start.through
        self.kept_through = start.through
        batch: list[Fix] = []
        self._people.advance(FixId(start.through + 1))
        for fix in self._journal.replay(FixId(start.through + 1)):
            if len(batch) >= AGAIN_MAX or self._people.changes_before(fix.id):
                self._again(batch, judged_upto, decide)
                batch = []
                self._people.advance(fix.id)
            batch.append(fix)
        self._again(batch, judged_upto, decide)
        log.say("judged_again", fixes=self.through - start.through)
        self._people.advance()
        self._people.follow(register)

    def _again(self, batch: list[Fix], judged_upto: FixId, decide: Decide) -> None:
        missing = tuple(each for each in self.judge_batch(batch) if each.fix.id > judged_upto)
        if missing:
            decide(missing, [each for each in batch if each.id > judged_upto])

    def _kept(self, orders: dict[tuple[WearerId, int], Order], head: int) -> _Start | None:
        found = judged.read(self._folder, self._keys, standing.FORM, self._journal.newest, head)
        if found is None:
            return None
        moment, parts = found
        if self._journal.mark(moment.through) != moment.record:
            log.say("judged_unused", log.Level.WARN, why="other_journal")
            return None
        self._people.advance(FixId(moment.through + 1))
        sets = self._people.editions.held
        state = _BLANK
        records, guarded, endings = state.records.mutate(), state.guarded.mutate(), state.endings.mutate()
        suspects, histories = state.suspects.mutate(), Map[WearerId, History]().mutate()
        for whose, part in parts:
            kind, _, id = whose.partition(":")
            if kind != "wearer":
                guarded[ProtectedId(id)], spoke = standing.guarded(part)
                self.heard.update((each.device, each) for each in spoke)
                continue
            wearer, one = WearerId(id), standing.kept(part)
            under = partial(_order, orders, wearer)
            try:
                records[wearer] = standing.record(one.record, under, sets)
                if one.history is not None:
                    histories[wearer] = standing.history(one.history, under, sets)
            except LookupError:
                log.say("judged_unused", log.Level.WARN, why="other_register")
                return None
            if one.suspect is not None:
                suspects[wearer] = one.suspect
            if one.endings:
                endings[wearer] = Map(dict(one.endings))
            self.tracks[wearer] = deque(one.track, maxlen=TRACK_POINTS_MAX)
            self.heard.update((each.device, each) for each in one.heard)
        self.last_fix_at = max((each[-1].received_at for each in self.tracks.values() if each), default=None)
        state = RuleState(records.finish(), endings.finish(), guarded.finish(), suspects.finish(), histories.finish())
        return _Start(state, moment.through, moment.serial)

    # --- keeping it ------------------------------------------------------------------------------------------------

    async def keep_now_and_then(self, head: Callable[[], int], followed: Callable[[], Container[WearerId]]) -> None:
        """Until cancelled. `followed`: about whom an incident is open."""
        while True:
            await asyncio.sleep(LOOK_S)
            if self.through - self.kept_through >= KEEP_FIXES:
                await self.keep(head(), followed())

    async def keep(self, head: int, followed: Container[WearerId]) -> None:
        """The state of this instant; it does not change any more while it is written down bit by bit."""
        state, through = self.state, self.through
        if not through:
            return
        moment = Moment(standing.FORM, through, self._journal.mark(through), head)
        parts: list[tuple[SubjectId, bytes]] = []
        spoke: dict[tuple[str, bool], list[Heard]] = {}
        for each in self.heard.values():
            spoke.setdefault((each.whose, each.protected), []).append(each)
        for n, wearer in enumerate(state.records):
            points = [each for each in self.tracks.get(wearer, ()) if each.fix <= through]
            points = points if wearer in followed else points[-POINTS_KEPT_MAX:]
            part = standing.keep(state, wearer, points, spoke.get((wearer, False), ()))
            parts.append(judged.seal(self._keys, moment, subject(wearer), part))
            if n % AT_ONCE == 0:
                await asyncio.sleep(0)
        for id, guarded in state.guarded.items():
            part = standing.keep_guarded(guarded, spoke.get((id, True), ()))
            parts.append(judged.seal(self._keys, moment, protected_subject(id), part))
        await asyncio.to_thread(judged.write, self._folder, moment, parts)
        self.kept_through = through


def _order(orders: dict[tuple[WearerId, int], Order], wearer: WearerId, version: int) -> Order:
    """Raises KeyError."""
    return orders[wearer, version]


def _ended(start: _Start, events: Iterable[tuple[int, AnyEvent]]) -> RuleState:
    """The state at the start, told which episodes people have ended since."""
    state = start.state
    episodes: dict[AlarmId, str] = {}
    grouped: dict[IncidentId, list[AlarmId]] = {}
    for serial, event in events:
        match event:
            case AlarmRaised():
                episodes[event.alarm] = event.episode
            case IncidentOpened() | AlarmJoined():
                grouped.setdefault(event.incident, []).append(event.alarm)
            case IncidentClosed():
                for alarm in grouped.pop(event.incident, []):
                    episode = episodes.pop(alarm)
                    if serial > start.serial:
                        state = rules.end(state, event.wearer, episode, event.fix_through)
            case _:
                continue
    return state
