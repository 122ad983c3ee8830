"""Wearers' records as rows: laid out, brought up to what the kernel has judged, and back.

A `Packed` holds the rules' state in two forms. The records (`rules.RuleState`) are what the rules last made of a wearer; the
rows are what the kernel has made of it since. A record is caught up when somebody asks for it, above all the rules
themselves, before they hear a fix that the kernel does not let pass.

Absent on purpose: judging (`judging` and `rules`), and where fixes come from.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import Any, Final

import msgspec
import numpy as np
from immutables import Map

from safetynet.core import rules, zones
from safetynet.core.arrears import KEPT_MIN, History
from safetynet.core.conditions import Guarded, Record
from safetynet.core.fixes import Fix, instant
from safetynet.core.grounds import Ground, ground
from safetynet.core.homes import Belief
from safetynet.core.keeps import KEEPING, key_of
from safetynet.core.kernel import judging
from safetynet.core.kernel.layout import (
    ALWAYS,
    AT_ANCHOR,
    CALM,
    EDGE,
    ENGAGED,
    ENGAGED_MAX,
    EPISODE,
    FIX,
    HOME,
    NEAR,
    NEVER,
    NOTED,
    NOWHERE,
    PAIR,
    PAST,
    PERSON,
    RINGS,
    SHAPE,
    TRAIL,
    TRAIL_ROWS,
    WEARER,
    ZONE,
    Rows,
    Tables,
    scratch,
)
from safetynet.core.kernel.pasts import Past
from safetynet.core.kernel.pools import Pool
from safetynet.core.kernel.rows import (
    LAID_OUT_MS,
    SPANS_MAX,
    Timetables,
    at_id,
    fix_of,
    grid,
    one_outline,
    outlined,
    packed,
    plain_fields,
    row_of,
)
from safetynet.core.kernel.standing import Caught, Still, believe, stand
from safetynet.core.orders import Order, Zone
from safetynet.core.proximity import APPROACH, Trail
from safetynet.core.rules import RuleState
from safetynet.core.terms import (
    DAY_MS,
    HOUR_MS,
    AlarmKind,
    CurfewId,
    DeviceId,
    FixId,
    Instant,
    ProtectedId,
    WearerId,
    ZoneId,
)
from safetynet.core.thresholds import STANDARD
from safetynet.core.verdicts import Key, Transition
from safetynet.core.zonesets import NO_SETS, Sets

FOLLOWS: Final = "2026.11-5"
"""The rules that this kernel is a twin of (`rules.RULES_VERSION`). Under others it lets nothing pass."""

_KINDS: Final = (AlarmKind.APPROACH_100, AlarmKind.APPROACH_1K, AlarmKind.APPROACH_2K)
_BLANK: Final = Record()
_UNKNOWN: Final = Guarded()


class Packed:
    """Judges as `rules.judge` does. `shared`: zones that stand in many orders, looked up by place and not per wearer.

    `remembering`: histories are kept, as from `rules.begun()`; without, a late fix is judged as a point.
    """

    def __init__(self, shared: Sequence[Zone] = (), *, remembering: bool = False) -> None:
        self._remembering = remembering
        self._pasts: list[Past | None] = []
        self._kept = RuleState()
        self.sets: Sets = NO_SETS  # which orders name: whoever is under one is judged by the rules
        self._orders: dict[WearerId, Order] = {}
        self._revision: object = None
        self._ids: list[WearerId] = []
        self._rows: dict[WearerId, int] = {}
        self._devices: list[DeviceId] = []
        self._laid: list[Order | None] = []
        self._persons: list[ProtectedId] = []
        self._person_rows: dict[ProtectedId, int] = {}
        self._phones: list[DeviceId] = []
        self._named: dict[ProtectedId, set[WearerId]] = {}
        self._astray: dict[ProtectedId, set[WearerId]] = {}
        """Of persons whose record knows other wearers than the orders: all these wait for the rules."""
        self._strange: set[int] = set()
        """Rows under an order that says more than the kernel knows."""
        self._pairs_of: dict[int, list[int]] = {}
        self._timetables = Timetables()
        self._wearers = Pool(
            wearers=(WEARER, 1),
            noted=(NOTED, 1),
            anchors=(FIX, 1),
            engaged=(ENGAGED, ENGAGED_MAX),
            outsides=(FIX, ENGAGED_MAX),
        )
        self._zones = Pool(nears=(NEAR, 1), shapes=(SHAPE, 1), zones=(ZONE, 1), outsides=(FIX, 1))
        self._homes = Pool(homes=(HOME, 1), shapes=(SHAPE, 1), spans=("<i8", 2 * SPANS_MAX))
        self._pairs = Pool(pairs=(PAIR, 1), episodes=(EPISODE, RINGS))
        self._people = Pool(persons=(PERSON, 1))
        self._links = Pool(pairs=("<i4", 1))
        self._trails = Pool(trails=(TRAIL, 1), fixes=(FIX, TRAIL_ROWS))
        self._edges = Pool(edges=(EDGE, 1))
        self._scratch = scratch()
        self._calm, self._told = np.zeros(1, ZONE), np.zeros(1, "<i8")
        self._shared = {each.id: n for n, each in enumerate(shared)}
        self._shared_zones = tuple(shared)
        grounds = [ground(each.id, each.area) for each in shared]
        for n, each in enumerate(grounds, self._zones.take(len(grounds))):
            self._put_zone(n, each)
        self._grid = grid(grounds)

    # --- judging -------------------------------------------------------------------------------------------------------

    def judge(self, batch: Sequence[Fix], orders: Mapping[WearerId, Order], revision: object) -> tuple[Transition, ...]:
        """As `rules.judge`. `revision` is another one whenever any order is."""
        self.follow(orders, revision)
        return self.judge_rows(self.rows(batch), batch.__getitem__)

    def judge_rows(
        self, rows: Rows, fix_at: Callable[[int], Fix], *, sweeping: bool = True, pairing: bool = True
    ) -> tuple[Transition, ...]:
        """The same of rows made before, under orders that `follow` has been told."""
        if len(rows) > len(self._told):
            self._told = np.zeros(2 * len(rows), "<i8")
        upto = count = 0
        tables = self._tables()
        while upto < len(rows):
            first, before = upto, count
            upto, count = judging.judge(tables, rows, first, self._told, before, sweeping, pairing)
            if self._remembering:
                self._note(rows, fix_at, range(first, upto), {*self._told[before:count].tolist()})
        return self._tell([fix_at(n) for n in self._told[:count].tolist()]) if count else ()

    def _note(self, rows: Rows, fix_at: Callable[[int], Fix], some: range, told: set[int]) -> None:
        """What the kernel let pass goes into the histories."""
        whose, protected = (rows[each][some.start : some.stop].tolist() for each in ("row", "protected"))
        for n, row, of_person in zip(some, whose, protected, strict=True):
            past = None if of_person or n in told else self._pasts[row]
            if past is not None and past.grows and past.noted(fix_at(n)):
                past.snapshot(self._caught_up(row))
                self._wearers["noted"]["room"][row] = KEPT_MIN

    def end(self, wearer: WearerId, episode: str, upto: FixId) -> None:
        self._kept = rules.end(self._kept, wearer, episode, upto)
        self._hold(wearer)

    def follow(self, orders: Mapping[WearerId, Order], revision: object) -> None:
        if revision == self._revision:
            return
        self._revision = revision
        for wearer in [each for each in self._orders if each not in orders]:
            self._ordered(wearer, None)
        for wearer, order in orders.items():
            if self._orders.get(wearer) is not order:
                self._ordered(wearer, order)

    def adopt(self, state: RuleState, orders: Mapping[WearerId, Order], revision: object) -> None:
        """Goes on from a state of the rules. The first fix of each wearer is heard by them, who is then laid out."""
        assert (state.histories is not None) is self._remembering, "histories are kept by both or by neither"
        self._kept = replace(state, histories=None)
        self.follow(orders, revision)
        for wearer, history in (state.histories or {}).items():
            self._pasts[self._row(wearer)] = Past(history)
        for row, until in [(self._row(wearer), until) for wearer, until in state.suspects.items()]:
            self._wearers["wearers"]["watch_until"][row] = until
        for id in state.guarded:
            self._load_person(self.person_row(id))

    def _tell(self, batch: list[Fix]) -> tuple[Transition, ...]:
        """What the rules say of fixes that the kernel did not let pass."""
        wearers: set[WearerId] = set()
        persons: set[ProtectedId] = set()
        others: set[ProtectedId] = set()  # only read, from the wearer's side
        for fix in batch:
            if fix.protected:
                id = ProtectedId(fix.wearer)
                persons.add(id)
                wearers |= {fix.wearer, *self._named.get(id, ()), *self._kept.guarded.get(id, _UNKNOWN).wearers}
            else:
                wearers.add(fix.wearer)
                order = self._orders.get(fix.wearer)
                if order is not None:
                    others.update(each.id for each in order.protected)
        records, guarded = self._kept.records.mutate(), self._kept.guarded.mutate()
        for wearer in wearers:
            row = self._rows.get(wearer)
            if row is not None and self._wearers["wearers"]["ahead"][row]:
                records[wearer] = self._caught_up(row)
        for id in persons | others:
            row = self._person_rows.get(id)
            if row is not None and self._people["persons"]["ahead"][row]:
                guarded[id] = self._caught_up_person(row)
                self._people["persons"]["ahead"][row] = 0
        histories = self._histories(wearers) if self._remembering else None
        state = RuleState(records.finish(), self._kept.endings, guarded.finish(), self._suspects(wearers), histories)
        transitions, after = rules.judge(
            batch, self._orders, state, STANDARD, self.sets, named=lambda one: self._named.get(one, ())
        )
        for wearer, history in (after.histories or {}).items():
            self._pasts[self._row(wearer)] = Past(history)
        self._kept = replace(after, histories=None)
        for id in persons:
            self._load_person(self.person_row(id))
        for wearer in wearers:
            if wearer in self._kept.records:
                self._load(self._row(wearer))
        return transitions

    def _histories(self, wearers: Iterable[WearerId]) -> Map[WearerId, History]:
        pasts = ((each, self._pasts[self._rows[each]]) for each in wearers if each in self._rows)
        return Map({each: past.history() for each, past in pasts if past is not None})

    # --- fixes as rows -------------------------------------------------------------------------------------------------

    def rows(self, batch: Sequence[Fix]) -> Rows:
        return np.frombuffer(bytearray().join(self._as_row(fix) for fix in batch), FIX)

    def _as_row(self, fix: Fix) -> bytes:
        if fix.protected:
            row = self.person_row(ProtectedId(fix.wearer))
            device = self._phones[row]
        else:
            row = self._row(fix.wearer)
            device = self._devices[row]
        return packed(fix, row, odd=fix.device != device or bool(fix.said or fix.marks or fix.other))

    def _row(self, wearer: WearerId) -> int:
        row = self._rows.get(wearer)
        if row is None:
            row = self._rows[wearer] = self._wearers.take(1)
            self._ids.append(wearer)
            self._devices.append(DeviceId(""))
            self._laid.append(None)
            self._pasts.append(None)
            self._wearers["wearers"]["held"][row] = 1
            self._wearers["wearers"]["trail"][row] = -1
            self._wearers["engaged"]["zone"][row * ENGAGED_MAX : (row + 1) * ENGAGED_MAX] = -1
        return row

    def person_row(self, person: ProtectedId) -> int:
        row = self._person_rows.get(person)
        if row is None:
            row = self._person_rows[person] = self._people.take(1)
            self._persons.append(person)
            self._phones.append(DeviceId(""))
            self._people["persons"]["held"][row] = 1
            self._people["persons"]["trail"][row] = self._trails.take(1)
        return row

    # --- records out of rows -------------------------------------------------------------------------------------------

    @property
    def records(self) -> "Mapping[WearerId, Record]":
        return Caught(self._kept.records, self._rows, self._wearers["wearers"], self._caught_up)

    @property
    def guarded(self) -> "Mapping[ProtectedId, Guarded]":
        return Caught(self._kept.guarded, self._person_rows, self._people["persons"], self._caught_up_person)

    @property
    def histories(self) -> Map[WearerId, History] | None:
        return self._histories(self._ids) if self._remembering else None

    @property
    def endings(self) -> Map[WearerId, Map[str, FixId]]:
        return self._kept.endings

    @property
    def suspects(self) -> Map[WearerId, Instant]:
        rows = np.flatnonzero(self._wearers["wearers"]["watch_until"][: len(self._ids)]).tolist()
        return self._suspects({*self._kept.suspects, *(self._ids[row] for row in rows)})

    def still(self) -> Still:
        """As it stands now: what is judged from now on does not show in it. Copies, and reckons nothing."""
        one = copy(self)
        one.take_apart()
        return Still(one.records, self.endings, one.guarded, self.suspects, self.histories or Map())

    def take_apart(self) -> None:
        """Rows of its own, for a copy that is read only."""
        self._wearers = self._wearers.copied("wearers", "anchors", "engaged", "outsides")
        self._zones, self._homes = self._zones.copied("zones", "outsides"), self._homes.copied("homes")
        self._pairs, self._people = self._pairs.copied("episodes"), self._people.copied("persons")
        self._trails = self._trails.copied("trails", "fixes")
        self._ids, self._rows, self._devices = [*self._ids], {**self._rows}, [*self._devices]
        self._persons, self._person_rows, self._phones = [*self._persons], {**self._person_rows}, [*self._phones]

    def _suspects(self, wearers: Iterable[WearerId]) -> Map[WearerId, Instant]:
        """The rules' own, with what the kernel has made of these wearers since."""
        until = self._wearers["wearers"]["watch_until"]
        suspects = self._kept.suspects.mutate()
        for wearer in wearers:
            row = self._rows.get(wearer)
            if row is None:
                continue
            if until[row]:
                suspects[wearer] = Instant(int(until[row]))
            elif wearer in suspects:
                del suspects[wearer]
        return suspects.finish()

    def _caught_up(self, row: int) -> Record:
        record, wearer = self._kept.records[self._ids[row]], self._wearers["wearers"][row]
        changed: dict[str, Any] = {
            "newest_at": Instant(int(wearer["newest_at"])),
            "heard_at": Instant(int(wearer["heard_at"])),
            "rhythm_ms": int(wearer["rhythm_ms"]),
            "unplaced_at": Instant(int(wearer["unplaced_at"])),
        }
        if wearer["moved"]:
            outsides = (each.outside for each in record.insides.values())
            known = {each.id: each for each in (record.anchor, *record.trail, *outsides) if each is not None}
            of = self._of(row)
            changed |= {"anchor": fix_of(self._wearers["anchors"][row], known, *of), "stray": None, "strays": 0}
            changed["insides"] = self._insides(row, record, known)
            if record.homes:
                changed["beliefs"] = self._beliefs(wearer, record)
            if wearer["trail"] >= 0:
                changed["trail"] = self._trail(int(wearer["trail"]), known, *of)
        if record.episodes:
            episodes = record.episodes.mutate()
            for key, episode in record.episodes.items():
                slot = self._slot(row, record, key)
                if slot is not None and episode.broken and int(slot["latest_at"]) > episode.latest_at:
                    episodes[key] = msgspec.structs.replace(episode, latest_at=Instant(int(slot["latest_at"])))
            changed["episodes"] = episodes.finish()
        return msgspec.structs.replace(record, **changed)

    def _insides(self, row: int, record: Record, known: Mapping[FixId, Fix]) -> Map[ZoneId, zones.Belief]:
        wearer, anchor = self._wearers["wearers"][row], self._wearers["anchors"][row]
        at = int(anchor["at"])

        def belief(stands: Any, outside: Any) -> zones.Belief:
            where = int(stands["outside"])
            fix = None if where == NOWHERE else fix_of(anchor if where == AT_ANCHOR else outside, known, *self._of(row))
            return zones.Belief(float(stands["odds"]), Instant(at), fix, float(stands["deepest_m"]))

        first = int(wearer["zone_from"])
        own = (ZoneId(each.id) for each in record.places if each.id not in self._shared)
        rows = (self._zones["zones"][first:], self._zones["outsides"][first:])
        found = {id: belief(*each) for id, *each in zip(own, *rows, strict=False) if each[0]["odds_at"] == at}
        if wearer["shared"]:
            some = slice(row * ENGAGED_MAX, (row + 1) * ENGAGED_MAX)
            for each, outside in zip(self._wearers["engaged"][some], self._wearers["outsides"][some], strict=True):
                if each["zone"] >= 0 and each["odds_at"] == at:
                    found[self._shared_zones[int(each["zone"])].id] = belief(each, outside)
        return Map(found)

    def _of(self, row: int) -> tuple[WearerId, DeviceId]:
        return self._ids[row], self._devices[row]

    def _beliefs(self, wearer: Any, record: Record) -> Map[CurfewId, Belief]:
        beliefs = record.beliefs
        for k, home in enumerate(record.homes):
            row = self._homes["homes"][int(wearer["home_from"]) + k]
            if row["believed"]:
                beliefs = beliefs.set(CurfewId(home.id), Belief(float(row["odds"]), Instant(int(row["odds_at"]))))
        return beliefs

    def _slot(self, row: int, record: Record, key: Key) -> Any:
        """The row of that episode; None for what the kernel has nothing to do with."""
        kind, about = key
        wearer = self._wearers["wearers"][row]
        order = record.order
        if order is None or about is None:
            return None
        if kind is AlarmKind.EXCLUSION_ZONE:
            if about in self._shared:
                engaged = self._wearers["engaged"][row * ENGAGED_MAX : (row + 1) * ENGAGED_MAX]
                return next((each for each in engaged if each["zone"] == self._shared[ZoneId(about)]), None)
            own = (each.id for each in order.zones if each.id not in self._shared)
            return at_id(self._zones["zones"], int(wearer["zone_from"]), own, about)
        if kind in KEEPING:
            return at_id(self._homes["homes"], int(wearer["home_from"]), map(key_of, order.curfews), key)
        if kind in APPROACH:
            rings = ((each.id, one) for each in order.protected for one in _KINDS)
            return at_id(self._pairs["episodes"], RINGS * int(wearer["pair_from"]), rings, (about, kind))
        return None

    def _trail(self, trail: int, known: Mapping[FixId, Fix], wearer: WearerId, device: DeviceId) -> Trail:
        way, first = self._trails["trails"][trail], trail * TRAIL_ROWS
        return tuple(
            fix_of(self._trails["fixes"][first + (int(way["head"]) + n) % TRAIL_ROWS], known, wearer, device)
            for n in range(int(way["count"]))
        )

    def _caught_up_person(self, row: int) -> Guarded:
        person, guarded = self._people["persons"][row], self._kept.guarded[self._persons[row]]
        known = {each.id: each for each in guarded.trail}
        return msgspec.structs.replace(
            guarded,
            trail=self._trail(int(person["trail"]), known, WearerId(self._persons[row]), self._phones[row]),
            newest_at=Instant(int(person["newest_at"])),
            known_at=Instant(int(person["known_at"])),
            scanned_at=Instant(int(person["scanned_at"])),
        )

    # --- rows out of records -------------------------------------------------------------------------------------------

    def _ordered(self, wearer: WearerId, order: Order | None) -> None:
        """Another order holds: the rules must hear the next fix."""
        row = self._row(wearer)
        wearers = self._wearers["wearers"]
        if wearers["ahead"][row]:
            self._kept = replace(self._kept, records=self._kept.records.set(wearer, self._caught_up(row)))
            wearers["ahead"][row] = wearers["moved"][row] = 0
        wearers["held"][row] = 1
        before = self._orders.get(wearer)
        if order is None:
            self._orders.pop(wearer, None)
        else:
            self._orders[wearer] = order
        now = {each.id for each in order.protected} if order is not None else set[ProtectedId]()
        was = {each.id for each in before.protected} if before is not None else set[ProtectedId]()
        for id in was - now:
            self._named[id].discard(wearer)
        for id in now - was:
            self._named.setdefault(id, set()).add(wearer)
        for id in was ^ now:
            self._know(self.person_row(id))

    def _know(self, row: int) -> None:
        """Whether the person's record knows the same wearers as the orders; else all of them wait for the rules."""
        id = self._persons[row]
        guarded, named = self._kept.guarded.get(id), self._named.get(id, set())
        knows = set(guarded.wearers) if guarded is not None else set[WearerId]()
        same = bool(named) and knows == named
        self._people["persons"]["named"][row] = same
        self._settle(row)
        self._astray.pop(id, None)
        if guarded is not None and not same:
            self._astray[id] = knows | named
            for wearer in knows | named:
                self._hold(wearer)

    def _settle(self, row: int) -> None:
        """A person waits for the rules until all is laid out on both sides."""
        person = self._people["persons"][row]
        linked = int(person["pairs"]) == len(self._named.get(self._persons[row], ()))
        known = self._trails["trails"]["count"][person["trail"]] > 0
        person["held"] = not (person["named"] and linked and known)

    def _hold(self, wearer: WearerId) -> None:
        row = self._row(wearer)
        self._wearers["wearers"]["held"][row] = 1

    def _load_person(self, row: int) -> None:
        guarded = self._kept.guarded.get(self._persons[row])
        person = self._people["persons"][row]
        person["ahead"] = 0
        if guarded is None:
            return
        person["newest_at"], person["known_at"] = guarded.newest_at, guarded.known_at
        person["scanned_at"] = guarded.scanned_at
        self._put_trail(int(person["trail"]), guarded.trail)
        self._know(row)
        if guarded.trail:
            self._phones[row] = guarded.trail[-1].device

    def _load(self, row: int) -> None:
        """The row as the rules have left the record."""
        id = self._ids[row]
        record, order = self._kept.records[id], self._orders.get(id)
        wearer = self._wearers["wearers"][row]
        wearer["ahead"] = wearer["moved"] = 0
        wearer["newest_at"], wearer["watch_until"] = record.newest_at, self._kept.suspects.get(id, 0)
        wearer["heard_at"], wearer["rhythm_ms"], wearer["unplaced_at"] = (
            record.heard_at, record.rhythm_ms, record.unplaced_at
        )  # fmt: skip
        wearer["held"] = 1
        past = self._pasts[row]
        wearer["remembers"] = 0
        if past is not None:
            past.grows = bool(record.places or record.homes)
            wearer["remembers"] = past.grows
            self._wearers["noted"][row] = past.newest_at, past.room
        anchor = record.anchor
        if anchor is None or record.order != order or id in self._kept.endings:
            return
        if self._remembering and past is None and (record.places or record.homes or record.keeps or record.shared):
            return
        if record.removed_at or (record.fresh and instant(anchor) <= record.under_at):
            return  # the next word may close the strap, or is the first of a new order
        if self._laid[row] is not order:
            self._lay(row, record)
            self._laid[row] = order
            (self._strange.discard if self._knows(order) else self._strange.add)(row)
        self._wearers["anchors"][row] = row_of(anchor, row)
        self._devices[row] = anchor.device
        stands = self._stand(row, record) and self._engage(row, record)
        for k in range(int(wearer["homes"])):
            self._put_home(row, k, record)
        if wearer["trail"] >= 0:
            self._put_trail(int(wearer["trail"]), record.trail)
        astray = any(id in each for each in self._astray.values())
        wearer["held"] = not stands or astray or row in self._strange

    def _knows(self, order: Order | None) -> bool:
        """Whether the kernel follows these rules, and knows all that the order says."""
        if order is None:
            return rules.RULES_VERSION == FOLLOWS
        shared = (self._shared_zones[self._shared[each.id]] == each for each in order.zones if each.id in self._shared)
        areas = (*(each.area for each in order.zones), *(each.home for each in order.curfews))
        plain = plain_fields(order) and all(shared) and all(map(one_outline, areas))
        return rules.RULES_VERSION == FOLLOWS and plain

    def _stand(self, row: int, record: Record) -> bool:
        """How each condition stands, from what is remembered of it; False: one is broken that has no row."""
        wearer = self._wearers["wearers"][row]
        first, count = int(wearer["zone_from"]), int(wearer["zones"])
        own = self._zones["zones"][first : first + count]
        own["stands"], own["odds_at"] = CALM, NEVER
        home, homes = int(wearer["home_from"]), int(wearer["homes"])
        self._homes["homes"]["stands"][home : home + homes] = CALM
        pair, pairs = RINGS * int(wearer["pair_from"]), RINGS * int(wearer["pairs"])
        self._pairs["episodes"]["stands"][pair : pair + pairs] = CALM
        if record.insides:
            places = (each.id for each in record.places if each.id not in self._shared)
            for n, (place, row_of) in enumerate(zip(places, own, strict=True)):
                belief = record.insides.get(ZoneId(place))
                if belief is not None:
                    believe(row_of, self._zones["outsides"], first + n, belief, record.anchor)
        for key in record.past:
            slot = self._slot(row, record, key)
            if slot is not None:
                slot["stands"] = PAST
        wearer["broken"] = any(
            each.broken for (kind, _), each in record.episodes.items() if kind is AlarmKind.EXCLUSION_ZONE
        )
        for key, episode in record.episodes.items():
            if key[1] in self._shared:
                continue
            slot = self._slot(row, record, key)
            if slot is not None:
                stand(slot, episode)
            elif episode.broken:
                return False
        return True

    def _engage(self, row: int, record: Record) -> bool:
        """The shared zones that are near or broken; False when there are more than a row has room for."""
        engaged = self._wearers["engaged"][row * ENGAGED_MAX : (row + 1) * ENGAGED_MAX]
        engaged["zone"] = -1
        self._wearers["wearers"]["engaged"][row] = 0
        broken = {
            about: each
            for (kind, about), each in record.episodes.items()
            if kind is AlarmKind.EXCLUSION_ZONE and about in self._shared and each.broken
        }
        near = [each for each in record.insides if each in self._shared]
        ids = dict.fromkeys((*near, *broken))
        if len(ids) > ENGAGED_MAX or (ids and not self._wearers["wearers"]["shared"][row]):
            return not ids
        self._wearers["wearers"]["engaged"][row] = bool(ids)
        for n, (slot, id) in enumerate(zip(engaged, ids, strict=False), row * ENGAGED_MAX):
            slot["zone"], slot["stands"], slot["odds_at"] = self._shared[ZoneId(str(id))], CALM, NEVER
            belief = record.insides.get(ZoneId(str(id)))
            if belief is not None:
                believe(slot, self._wearers["outsides"], n, belief, record.anchor)
            if id in broken:
                stand(slot, broken[id])
        return True

    def _lay(self, row: int, record: Record) -> None:
        """Room for what the order names. What it named before is handed back."""
        wearer, order = self._wearers["wearers"][row], record.order
        before = [int(wearer[each]) for each in ("zone_from", "zones", "home_from", "homes", "pair_from", "pairs")]
        for first in range(before[0], before[0] + before[1]):
            shape = self._zones["shapes"][first]
            self._edges.give_back(int(shape["edge_from"]), int(shape["edges"]))
        for first in range(before[2], before[2] + before[3]):
            shape = self._homes["shapes"][first]
            self._edges.give_back(int(shape["edge_from"]), int(shape["edges"]))
        self._zones.give_back(before[0], before[1])
        self._homes.give_back(before[2], before[3])
        for pair in range(before[4], before[4] + before[5]):
            self._unlink(int(self._pairs["pairs"][pair]["person"]), pair)
        self._pairs.give_back(before[4], before[5])
        places = [each for each in record.places if each.id not in self._shared]
        wearer["shared"] = len(places) < len(record.places)
        wearer["starts_at"] = NEVER if order is None or order.starts_at is None else order.starts_at
        wearer["ends_at"] = ALWAYS if order is None or order.ends_at is None else order.ends_at
        wearer["zone_from"], wearer["zones"] = self._zones.take(len(places)), len(places)
        for n, place in enumerate(places, int(wearer["zone_from"])):
            self._put_zone(n, place)
        wearer["home_from"], wearer["homes"] = self._homes.take(len(record.homes)), len(record.homes)
        for n, home in enumerate(record.homes, int(wearer["home_from"])):
            self._homes["shapes"][n] = outlined(self._edges, home)
        protected = () if order is None else order.protected
        wearer["pair_from"], wearer["pairs"] = self._pairs.take(len(protected)), len(protected)
        for n, each in enumerate(protected, int(wearer["pair_from"])):
            person = self.person_row(each.id)
            self._pairs["pairs"][n] = (each.distance_m, row, person)
            self._pairs_of.setdefault(person, []).append(n)
            self._link(person)
        if protected and wearer["trail"] < 0:
            wearer["trail"] = self._trails.take(1)
        elif not protected and wearer["trail"] >= 0:
            self._trails.give_back(int(wearer["trail"]), 1)
            wearer["trail"] = -1

    def _link(self, person: int) -> None:
        """A person's pairs, side by side."""
        row = self._people["persons"][person]
        self._links.give_back(int(row["pair_from"]), int(row["pairs"]))
        mine = self._pairs_of[person]
        row["pair_from"], row["pairs"] = self._links.take(len(mine)), len(mine)
        self._links["pairs"][int(row["pair_from"]) : int(row["pair_from"]) + len(mine)] = mine
        self._settle(person)

    def _unlink(self, person: int, pair: int) -> None:
        self._pairs_of[person].remove(pair)
        self._link(person)

    def _put_zone(self, n: int, place: Ground) -> None:
        self._zones["nears"][n] = (place.lat, place.lon, place.bound_m, place.lon_m)
        self._zones["shapes"][n] = outlined(self._edges, place)

    def _put_home(self, row: int, k: int, record: Record) -> None:
        wearer, order = self._wearers["wearers"][row], record.order
        assert order is not None
        n = int(wearer["home_from"]) + k
        home, curfew = self._homes["homes"][n], order.curfews[k]
        belief = record.beliefs.get(curfew.id)
        home["believed"] = belief is not None
        if belief is not None:
            home["odds"], home["odds_at"] = belief
        if home["since"] <= record.newest_at < home["until"] - DAY_MS // 2:
            return
        since, spans = self._timetables.of(order, curfew, record.newest_at)
        until = since + LAID_OUT_MS + row % 24 * HOUR_MS
        home["since"], home["until"] = since, min(until, spans[-1][1]) if len(spans) == SPANS_MAX else until
        home["span_from"], home["spans"] = n * SPANS_MAX, len(spans)
        self._homes["spans"][2 * n * SPANS_MAX : 2 * (n * SPANS_MAX + len(spans))] = np.array(spans, "<i8").reshape(-1)

    def _put_trail(self, trail: int, fixes: Trail) -> None:
        self._trails["trails"][trail] = (0, len(fixes))
        for n, fix in enumerate(fixes, trail * TRAIL_ROWS):
            self._trails["fixes"][n] = row_of(fix, 0)

    def _tables(self) -> Tables:
        return Tables(
            wearers=self._wearers["wearers"],
            noted=self._wearers["noted"],
            anchors=self._wearers["anchors"],
            nears=self._zones["nears"],
            shapes=self._zones["shapes"],
            zones=self._zones["zones"],
            outsides=self._zones["outsides"],
            engaged_outsides=self._wearers["outsides"],
            engaged=self._wearers["engaged"],
            calm=self._calm,
            edges=self._edges["edges"],
            homes=self._homes["homes"],
            home_shapes=self._homes["shapes"],
            spans=self._homes["spans"],
            pairs=self._pairs["pairs"],
            ring_episodes=self._pairs["episodes"],
            persons=self._people["persons"],
            person_pairs=self._links["pairs"],
            trails=self._trails["trails"],
            trail_fixes=self._trails["fixes"],
            grid=self._grid,
            scratch=self._scratch,
        )
