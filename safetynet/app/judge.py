"""What the control centre's program judges with: the rules' state, and where everybody was last, of all that the journal holds.

One call takes a batch that is on disk (`judge_batch`). At a start the same is found again: from what was kept of it
(`edge.judged`), and from what the journal holds since. What was judged already stays as it was decided, and what a crash cut
off between journal and log is decided then.

Absent on purpose: what a verdict leads to (`core.control`), and every condition (`core.rules`).
"""

import asyncio
import gc
from collections import Counter, deque
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final

from immutables import Map

from safetynet.app import standing
from safetynet.app.people import People, protected_subject, subject
from safetynet.app.standing import Heard
from safetynet.core import administration, fixes, rules
from safetynet.core.administration import Register
from safetynet.core.arrears import History
from safetynet.core.conditions import Guarded, Record
from safetynet.core.events import AlarmJoined, AlarmRaised, AnyEvent, IncidentClosed, IncidentOpened, Place
from safetynet.core.fixes import Fix, Mark
from safetynet.core.orders import Order, Zone
from safetynet.core.rules import RuleState, Standing
from safetynet.core.terms import AlarmId, DeviceId, FixId, IncidentId, Instant, ProtectedId, SubjectId, WearerId
from safetynet.core.verdicts import Transition
from safetynet.edge import compiled, judged, log
from safetynet.edge.doors import PersonKeys
from safetynet.edge.journal import Journal
from safetynet.edge.judged import Moment

if TYPE_CHECKING:
    from safetynet.core.kernel.packing import Packed

TRACK_POINTS_MAX: Final = 600
POINTS_KEPT_MAX: Final = 10
"""Of the track of a wearer about whom no incident is open."""
AGAIN_MAX: Final = 4_096
"""Fixes judged in one go at a start."""
LONG_FIXES: Final = 50_000
"""So many to be judged again at a start are worth loading the kernel first."""
KEEP_FIXES: Final = 200_000
"""Judged since what was last kept: a start judges hardly more than these again."""
KEEP_FIXES_FAST: Final = 1_000_000
"""The same where the kernel judges."""
SHARED_MIN: Final = 8
"""A zone that stands alike in so many orders is looked up by place, and not for each wearer."""
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


@dataclass(frozen=True, slots=True)
class _Whole:
    """The rules' state with its histories."""

    records: Map[WearerId, Record]
    endings: Map[WearerId, Map[str, FixId]]
    guarded: Map[ProtectedId, Guarded]
    suspects: Map[WearerId, Instant]
    histories: Map[WearerId, History]


class Judge:
    """`state`, `tracks` and `heard` are only ever of fixes that are on disk.

    The rules judge; once `kernel` has brought it, the compiled kernel does, which says the same.
    """

    def __init__(self, folder: Path, journal: Journal, people: People, keys: PersonKeys) -> None:
        self._folder, self._journal, self._people, self._keys = folder, journal, people, keys
        self._rules = _BLANK
        self._packed: Packed | None = None
        self.tracks: dict[WearerId, deque[Place]] = {}
        self._spoke: dict[DeviceId, Fix | Heard] = {}
        """The newest of each device; what a start found kept is that already."""
        self.through = NOTHING
        """The newest fix that was judged."""
        self.kept_through = NOTHING
        self.last_fix_at: Instant | None = None
        """When a wearer's device was heard last."""

    def judge_batch(self, batch: Sequence[Fix]) -> tuple[Transition, ...]:
        """In the order of the journal."""
        if self._packed is not None:
            self._packed.sets = self._people.editions.held
            told = self._packed.judge(batch, self._people.orders, self._people.revision)
        else:
            told, self._rules = rules.judge(batch, self._people.orders, self._rules, sets=self._people.editions.held)
        self._follow(batch)
        return told

    def end(self, wearer: WearerId, episode: str) -> None:
        """A person ended this episode: what comes from now on is new."""
        if self._packed is not None:
            self._packed.end(wearer, episode, self.through)
        else:
            self._rules = rules.end(self._rules, wearer, episode, self.through)

    # --- the kernel ------------------------------------------------------------------------------------------------

    @property
    def state(self) -> Standing:
        return self._rules if self._packed is None else self._packed

    @property
    def compiled(self) -> bool:
        """Whether the kernel judges."""
        return self._packed is not None

    async def kernel(self) -> None:
        """Brings the kernel when it can be had; the rules judge until then, and if not. Fails for nothing."""
        if self.compiled:
            return
        try:
            await compiled.fill()
            packing = await asyncio.to_thread(compiled.load)
        except Exception as error:
            # Whatever is wrong with a compiler, a cache or a processor: all is judged by the rules, only slower.
            log.say("kernel_absent", log.Level.WARN, **log.fault(error))
            return
        self.adopt(packing, self._people.orders.values())
        gc.freeze()  # a compiler's million objects live as long as the program: nobody waits while they are looked through

    def _kernel_now(self, orders: Iterable[Order]) -> None:
        """The same without waiting, where it lies compiled already: there is much to judge."""
        try:
            packing = compiled.load() if compiled.filled() else None
        except Exception as error:
            log.say("kernel_absent", log.Level.WARN, **log.fault(error))
            return
        if packing is not None:
            self.adopt(packing, orders)

    def adopt(self, packing: ModuleType, orders: Iterable[Order]) -> None:
        """`orders`: whose shared zones are to be found by place."""
        packed: Packed = packing.Packed(_shared(orders), remembering=True)
        packed.adopt(self._rules, self._people.orders, self._people.revision)
        self._packed, self._rules = packed, _BLANK
        log.say("kernel_judges", wearers=len(self._people.orders))

    def _follow(self, batch: Sequence[Fix]) -> None:
        """A loop over every fix there is: what does not concern all of them stands elsewhere."""
        tracks, spoke = self.tracks, self._spoke
        for fix in batch:
            if fix.marks and fix.marks & Mark.BELL:
                continue
            spoke[fix.device] = fix
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

    @property
    def heard(self) -> dict[DeviceId, Heard]:
        """When each device spoke last. Made when it is asked for."""
        return {device: each if isinstance(each, Heard) else _heard(each) for device, each in self._spoke.items()}

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
        self._rules, self.through = _ended(start, events), start.through
        self.kept_through = start.through
        batch: list[Fix] = []
        self._people.advance(FixId(start.through + 1))
        if self._journal.newest - start.through >= LONG_FIXES:
            self._kernel_now(orders.values())
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
                self._spoke.update((each.device, each) for each in spoke)
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
            self._spoke.update((each.device, each) for each in one.heard)
        self.last_fix_at = max((each[-1].received_at for each in self.tracks.values() if each), default=None)
        state = RuleState(records.finish(), endings.finish(), guarded.finish(), suspects.finish(), histories.finish())
        return _Start(state, moment.through, moment.serial)

    # --- keeping it ------------------------------------------------------------------------------------------------

    async def keep_now_and_then(self, head: Callable[[], int], followed: Callable[[], Container[WearerId]]) -> None:
        """Until cancelled. `followed`: about whom an incident is open."""
        while True:
            await asyncio.sleep(LOOK_S)
            if self.through - self.kept_through >= (KEEP_FIXES_FAST if self.compiled else KEEP_FIXES):
                await self.keep(head(), followed())

    async def keep(self, head: int, followed: Container[WearerId]) -> None:
        """The state of this instant; it does not change any more while it is written down bit by bit."""
        through = self.through
        if not through:
            return
        state: standing.Whole
        if self._packed is not None:
            state = self._packed.still()
        else:
            one = self._rules
            state = _Whole(one.records, one.endings, one.guarded, one.suspects, one.histories or Map())
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


def _heard(fix: Fix) -> Heard:
    return Heard(fix.device, fix.received_at, fix.battery_percent, fix.wearer, fix.protected)


def _shared(orders: Iterable[Order]) -> list[Zone]:
    """Zones that many orders name, in the very same words."""
    named = Counter(zone for order in orders for zone in order.zones)
    many = Counter(zone.id for zone, count in named.items() if count >= SHARED_MIN)
    return [zone for zone, count in named.items() if count >= SHARED_MIN and many[zone.id] == 1]


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
