"""The programs of a storm: the real minds in the real loop, on a store that fails, on a road that fails.

A program dies at any commit (before it or after it, which stands for every failpoint of the loop) and at any moment
between; then nothing of it is left but its store. What `app.control` and `app.city` wire to sockets is wired to twins.

Absent on purpose: anything that decides. A centre here may only carry.
"""

import hashlib
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Generic, TypeVar

import msgspec

from safetynet.app.bells import Bells
from safetynet.app.loop import InboxKey, Loop, RelayMark, Taken
from safetynet.app.protected import distances
from safetynet.core import city, fixes, grants, law, rules
from safetynet.core.alarms import RINGING, Alarm
from safetynet.core.control import mind, words
from safetynet.core.control import state as minds
from safetynet.core.events import (
    AlarmJoined,
    AlarmRaised,
    AnyEvent,
    DiskChanged,
    IncidentClosed,
    IncidentOpened,
    LogRestored,
    Place,
)
from safetynet.core.fixes import Fix, Mark
from safetynet.core.grants import PolicyAnswer
from safetynet.core.messages import AnyMessage, Envelope, RequestVideo, Role, Send, passes, signed_part
from safetynet.core.orders import Order
from safetynet.core.provisions import Held
from safetynet.core.terms import AlarmId, CentreId, DiskLevel, FixId, GrantId, IncidentId, Instant, WearerId, Why
from safetynet.core.verdicts import Transition
from safetynet.edge import codec
from safetynet.edge.policy import Policy, facts
from safetynet.edge.relay.words import unmerged
from safetynet.sim import desk112
from safetynet.sim.backups import Backup, Restorable
from safetynet.sim.faults import Net
from safetynet.sim.relays import Giving, Receiving, Rows

State = TypeVar("State")
Given = TypeVar("Given")
Errand = TypeVar("Errand")

JOURNAL: Final = "journal"
RESEND_MS: Final = 3_000
WINDOW_ENVELOPES: Final = 64
RENEW_MS: Final = 3_000
READ_AFTER_MS: Final = 20_000


class Killed(Exception):
    """The program dies here."""


class Disk(Restorable):
    """A store whose program may be killed at a commit: with nothing written, or with all of it and nobody told."""

    def __init__(self, centre: CentreId, now: Callable[[], Instant], seed: int) -> None:
        super().__init__(centre=centre, sign=lambda data: seal(centre, data), now=now, seed=seed)
        self.kill_chance = 0.0
        self.written: bool = False
        """Whether the last commit that killed had been written."""
        self._fate: Final = random.Random(f"{seed}/{centre}/disk")
        self._told: list[AnyEvent] = []
        self.ever: list[AnyEvent] = []
        """All that was ever recorded, in order, also what a restore has lost. For the promises alone: no centre reads it."""

    def commit(
        self,
        events: Sequence[AnyEvent],
        sends: Sequence[Send] = (),
        inbox: Sequence[InboxKey] = (),
        relay_marks: Sequence[RelayMark] = (),
    ) -> int:
        kill, self.written = self._fate.random() < self.kill_chance, self._fate.random() < 0.5
        if kill and not self.written:
            raise Killed
        first = super().commit(events, sends, inbox, relay_marks)
        self.ever += events
        if kill:
            raise Killed
        return first

    def told(self) -> list[AnyEvent]:
        """Every event, each read from its bytes once: a log is only ever added to. The centre itself reads `events`."""
        for _, _, record, _ in self._rows[len(self._told) :]:
            self._told.append(codec.decode_record(record)[1])
        return self._told

    def restore(self, made: Backup, at: Instant, found: str) -> None:
        super().restore(made, at, found)
        del self._told[len(made.rows) :]


def seal(centre: CentreId, data: bytes) -> bytes:
    """A signature that only this storm takes for one."""
    return hashlib.blake2b(data, key=centre.encode(), digest_size=64).digest()


class Program(Generic[State, Given, Errand]):
    """One centre: its store outlives it, everything else is rebuilt."""

    def __init__(
        self, id: CentreId, role: Role, peers: dict[CentreId, Role], now: Callable[[], Instant], net: Net, seed: int
    ) -> None:
        self.id: Final = id
        self.role: Final = role
        self.peers: Final = peers
        self.now: Final = now
        self.disk = Disk(id, now, seed)
        self.loop: Loop[State, Given, Errand] | None = None
        self.downs: list[tuple[Instant, Instant]] = []
        """When it was dead, on its own clock."""
        self.back_at = Instant(0)
        self.effects: Counter[InboxKey] = Counter()
        """How often each message changed the log."""
        self.forged = 0
        self.deaths = 0
        self._net, self._dice = net, random.Random(f"{seed}/{id}/program")
        self._sent: dict[tuple[CentreId, int], Instant] = {}
        self._dying: State | None = None

    # --- what each kind of centre says of itself

    def build(self) -> Loop[State, Given, Errand]:
        raise AssertionError("each centre builds its own")

    def run(self, errands: Sequence[Errand]) -> None:
        raise AssertionError("each centre runs its own")

    def resume(self) -> None:
        """What a start must say again."""

    def heard(self, envelope: Envelope, message: AnyMessage) -> Given:
        raise AssertionError("each centre hears its own")

    def heard_badly(self, sender: CentreId, seq: int, why: Why) -> Given:
        raise AssertionError("each centre hears its own")

    def restored(self, declared: LogRestored) -> Given:
        raise AssertionError("each centre declares for itself")

    # --- life and death

    def start(self) -> None:
        self.disk.restarted()
        self.loop = self.build()
        if self._dying is not None:
            assert self.loop.state == self._dying, f"{self.id}: what was rebuilt is not what was"
        self._dying = None
        self._net.join(self.id, self.arrive)
        if self.disk.owed is not None:
            self.disk.kill_chance, chance = 0.0, self.disk.kill_chance  # else it would declare at the next start
            self.take(self.restored(self.disk.owed))
            self.disk.kill_chance, self.disk.owed = chance, None
        self.resume()

    def die(self, for_ms: int) -> None:
        """Its state is remembered only to be compared with what the log gives back."""
        if self.loop is None:
            return
        self._dying, self.loop, self._sent = self.loop.state, None, {}
        self.deaths += 1
        self.back_at = Instant(self.now() + for_ms)
        self.downs.append((self.now(), self.back_at))
        self._net.leave(self.id)

    def bring_back(self, made: Backup, found: str) -> None:
        """Its log is that of an older day when it starts again; nobody in it knows better."""
        self.die(1)
        self._dying = None
        self.disk.restore(made, self.now(), found)
        self.effects = Counter({key: n for key, n in self.effects.items() if self.disk.seen(key)})

    def take(self, given: Given, inbox: InboxKey | None = None, mark: RelayMark | None = None) -> bool:
        """Whether it lived to say so."""
        return self.take_many([Taken(given, self.now(), inbox, mark)])

    def take_many(self, inputs: Sequence[Taken[Given]]) -> bool:
        if self.loop is None:
            return False
        try:
            errands = self.loop.take_many(inputs)
        except Killed:
            self.die(self._dice.randint(300, 30_000))
            if self.disk.written:
                self._dying = None  # the state that was meant is only in the log now
            return False
        self.run(errands)
        return True

    # --- the road

    def send(self) -> None:
        """Says everything that is owed, again after a while: the receiver's inbox makes one of many."""
        if self.loop is None:
            return
        now = self.now()
        for peer in self.peers:
            for envelope in self.disk.pending(peer, 0, WINDOW_ENVELOPES):
                last = self._sent.get((peer, envelope.seq))
                if last is None or now - last >= RESEND_MS:
                    self._sent[peer, envelope.seq] = now
                    self.overheard(envelope)
                    self._net.send(envelope)

    def acked(self, by: CentreId, seq: int) -> None:
        if self.loop is not None:
            self.disk.acked(by, seq)
            self._sent.pop((by, seq), None)

    def arrive(self, envelope: Envelope) -> None:
        """The link's checks in its order, then the loop, then (elsewhere, if at all) the acknowledgement."""
        message = self._checked(envelope)
        if isinstance(message, Why):
            self.forged += self.take(self.heard_badly(envelope.origin, envelope.seq, message))
            return
        key = InboxKey(envelope.origin, envelope.epoch, envelope.seq)
        before = self.disk.head()
        taken = self.take(self.heard(envelope, message), inbox=key)
        self.effects[key] += self.disk.head() > before
        if taken:
            self.acknowledge(envelope)

    acknowledge: Callable[[Envelope], None]
    """Set by the country: it may be lost on its way."""
    overheard: Callable[[Envelope], None]
    """Set by the country: an onlooker on every road."""

    def _checked(self, envelope: Envelope) -> AnyMessage | Why:
        if seal(envelope.origin, signed_part(envelope)) != envelope.signature:
            return Why.BAD_SIGNATURE
        if envelope.to != self.id or envelope.origin not in self.peers:
            return Why.WRONG_RECEIVER
        message = codec.decode_message(envelope.body, envelope.v)
        return message if passes(message, self.peers[envelope.origin], self.role) else Why.WRONG_DIRECTION

    # --- its relay

    def merge(self, rows: Rows, given: Callable[[Any], Given], *, again: bool) -> None:
        """What the relay wrote becomes part of the log; when the word is lost it is handed over once more."""
        recorded = rows.recorded()
        if recorded is None or self.loop is None:
            return
        events = unmerged(recorded, self.disk.relay_mark("relay"))
        if self.take(given(events), mark=RelayMark("relay", recorded.upto_row)) and not again:
            rows.forget(recorded.upto_row)

    def events(self) -> Iterator[AnyEvent]:
        return iter(self.disk.told())

    def ever(self) -> Iterator[AnyEvent]:
        """Also what a restore has lost: what it said to others then was said."""
        return iter(self.disk.ever)


class Police(Program[desk112.State, desk112.Given, Send]):
    def build(self) -> Loop[desk112.State, desk112.Given, Send]:
        return Loop(
            self.disk,
            desk112.EMPTY,
            lambda state, given, at: desk112.decide(READ_AFTER_MS, state, given, at),
            desk112.evolve,
            desk112.react,
        )

    def run(self, errands: Sequence[Send]) -> None:
        assert not errands, "a police room has nothing but messages"

    def heard(self, envelope: Envelope, message: AnyMessage) -> desk112.Given:
        return desk112.Heard(sender=envelope.origin, seq=envelope.seq, message=message)

    def heard_badly(self, sender: CentreId, seq: int, why: Why) -> desk112.Given:
        return desk112.HeardBadly(sender=sender, seq=seq, why=why)


class CityCentre(Program[city.State, city.Given, city.Errand]):
    """A city's loop, with the real policy engine, which at times errs, denies or does not answer."""

    def __init__(
        self,
        ground: city.Ground,
        policy: Policy,
        id: CentreId,
        role: Role,
        peers: dict[CentreId, Role],
        now: Callable[[], Instant],
        net: Net,
        seed: int,
    ) -> None:
        super().__init__(id, role, peers, now, net, seed)
        self.ground, self.relay = ground, Giving(id, now)
        self.policy_trouble = 0.15
        self.answers: dict[str, list[PolicyAnswer]] = {}
        """Everything the policy engine ever said, by request."""
        self._policy = policy
        self._renewed_at = Instant(0)

    def build(self) -> Loop[city.State, city.Given, city.Errand]:
        ground = self.ground
        return Loop(
            self.disk,
            city.EMPTY,
            lambda state, given, at: city.decide(ground, state, given, at),
            city.evolve,
            lambda state, serial, event: city.react(ground, state, serial, event),
        )

    def heard(self, envelope: Envelope, message: AnyMessage) -> city.Given:
        answer = self.asked(envelope.origin, message) if isinstance(message, RequestVideo) else None
        return city.Heard(sender=envelope.origin, seq=envelope.seq, message=message, policy=answer)

    def heard_badly(self, sender: CentreId, seq: int, why: Why) -> city.Given:
        return city.HeardBadly(sender=sender, seq=seq, why=why)

    def restored(self, declared: LogRestored) -> city.Given:
        return declared

    def command(self, given: city.Command) -> bool:
        """A person's act: whether it was allowed and is in the log."""
        allowed = self.loop is not None and city.refuses(self.loop.state, given, self.now()) is None
        return allowed and self.take(given)

    def disk_is(self, level: DiskLevel) -> None:
        """Its loop and its relay share the disk: without room nothing is delivered."""
        self.relay.set_room(room=level is DiskLevel.AMPLE)
        if self.loop is not None and self.loop.state.disk is not level:
            self.take(DiskChanged(at=self.now(), level=level, free_bytes=0))

    def asked(self, sender: CentreId, message: RequestVideo | Held) -> PolicyAnswer | None:
        """The policy's answer of this moment; at times it errs, denies or does not come."""
        assert self.loop is not None
        held = self.loop.state.requests.get(message.request)
        answer: PolicyAnswer | None = self._policy.ask(
            facts(
                city.asked_for(self.loop.state, sender, message),
                law.limits(message.basis, message.kind),
                self.now(),
                role=self.peers[sender],
                incident_sender=held.sender if held else sender,
                mtls_verified=True,
                signature_verified=True,
            )
        )
        if self._dice.random() < self.policy_trouble:
            sha256 = self._policy.sha256
            answer = self._dice.choice(
                (
                    None,
                    PolicyAnswer(allow=True, errors=1, sha256=sha256, present=True),
                    PolicyAnswer(allow=False, errors=0, sha256=sha256, present=True),
                )
            )
        self.answers.setdefault(message.request, []).append(answer or grants.ABSENT)
        return answer

    def run(self, errands: Sequence[city.Errand]) -> None:
        for errand in errands:
            match errand:
                case city.LeaseGrant(grant, _):
                    self._lease(grant)
                case city.StopGrant(grant, _):
                    self.relay.end(grant)
                case (
                    city.Preconnect()
                    | city.StopPreconnect()
                    | city.LetIn()
                    | city.LeaseOwn()
                    | city.CutOwn()
                    | city.MoveCamera()
                ):
                    pass  # nothing leaves the city by these
                case _:
                    raise AssertionError(f"a message leaves by the outbox: {errand}")

    def _lease(self, grant: GrantId) -> None:
        held = city.grant(self.loop.state, grant) if self.loop is not None else None
        if held is not None:
            self.relay.lease(grant, held.cameras, held.until)

    def resume(self) -> None:
        assert self.loop is not None
        self.run(city.resume(self.loop.state))

    def renew(self) -> None:
        if self.loop is None or self.now() - self._renewed_at < RENEW_MS:
            return
        self._renewed_at = self.now()
        for held in self.loop.state.requests.values():
            if held.grant is not None:
                self._lease(held.grant)


class Control(Program[minds.State, words.Given, words.Errand]):
    """A control centre's loop with its journal and its rules, wired as `app.control` does it."""

    def __init__(
        self,
        country: words.Country,
        orders: dict[WearerId, Order],
        relay: Receiving,
        id: CentreId,
        role: Role,
        peers: dict[CentreId, Role],
        now: Callable[[], Instant],
        net: Net,
        seed: int,
    ) -> None:
        super().__init__(id, role, peers, now, net, seed)
        self.country, self.orders, self.relay = country, orders, relay
        self.journal: list[Fix] = []
        """Outlives the program, like the real one."""
        self.rejudged = 0
        self._bells = Bells((), now())
        self._rules = rules.begun()
        self._places: dict[WearerId, Place] = {}

    def build(self) -> Loop[minds.State, words.Given, words.Errand]:
        country = self.country
        return Loop(
            self.disk,
            minds.EMPTY,
            lambda state, given, at: mind.decide(country, state, given, at),
            minds.evolve,
            minds.react,
        )

    def heard(self, envelope: Envelope, message: AnyMessage) -> words.Given:
        return words.Heard(sender=envelope.origin, seq=envelope.seq, message=message)

    def heard_badly(self, sender: CentreId, seq: int, why: Why) -> words.Given:
        return words.HeardBadly(sender=sender, seq=seq, why=why)

    def restored(self, declared: LogRestored) -> words.Given:
        return declared

    def disk_is(self, level: DiskLevel) -> None:
        self.relay.set_room(room=level is DiskLevel.AMPLE)
        if self.loop is not None and self.loop.state.disk is not level:
            self.take(DiskChanged(at=self.now(), level=level, free_bytes=0))

    # --- fixes

    def on_fixes(self, batch: list[Fix]) -> None:
        """Fixes with their numbers, already in the journal."""
        transitions, self._rules = rules.judge(batch, self.orders, self._rules)
        self._remember(batch)
        assert self.loop is not None
        if transitions or any(fix.wearer in self.loop.state.open for fix in batch):
            self._decide_verdicts(transitions, batch)

    def ring(self) -> None:
        """Strikes for those from whom nothing was heard in time."""
        if self.loop is not None:
            self.journalled(self._bells.due(self.orders, self._rules, self.now()))

    def journalled(self, batch: list[Fix]) -> None:
        """On the disk that outlives the program, and then judged."""
        if batch:
            first = len(self.journal) + 1
            numbered = [msgspec.structs.replace(fix, id=FixId(n)) for n, fix in enumerate(batch, first)]
            self.journal += numbered
            self.on_fixes(numbered)

    def _decide_verdicts(self, transitions: tuple[Transition, ...], batch: list[Fix]) -> None:
        newest = {fix.wearer: fix for fix in batch if not fix.marks & Mark.BELL and not fix.protected}
        wearers = {each.wearer: None for each in transitions} | dict.fromkeys(newest)
        given = words.Judged(
            transitions=transitions,
            fixes=tuple(newest.values()),
            footing={each: self.orders[each].wearer_class for each in wearers if each in self.orders},
            last={each: self._places[each] for each in wearers if each in self._places},
            protected={
                id: place
                for id, each in self._rules.guarded.items()
                if each.trail and (place := fixes.protected_place(each.trail[-1])) is not None
            },
            apart=distances(self._rules, self.orders, self.loop.state.open, batch) if self.loop is not None else {},
        )
        self.take(given, mark=RelayMark(JOURNAL, batch[-1].id))

    def _remember(self, batch: list[Fix]) -> None:
        for fix in batch:
            place, last = fixes.place(fix), self._places.get(fix.wearer)
            if place is not None and (last is None or place.observed_at >= last.observed_at):
                self._places[fix.wearer] = place

    def resume(self) -> None:
        """Judges the journal anew, having told the rules what people ended; then says again what holds."""
        state = rules.begun()
        episodes: dict[AlarmId, str] = {}
        grouped: dict[IncidentId, list[AlarmId]] = {}
        for event in self.events():
            match event:
                case AlarmRaised():
                    episodes[event.alarm] = event.episode
                case IncidentOpened() | AlarmJoined():
                    grouped.setdefault(event.incident, []).append(event.alarm)
                case IncidentClosed():
                    for alarm in grouped.pop(event.incident, []):
                        state = rules.end(state, event.wearer, episodes.pop(alarm), event.fix_through)
                case _:
                    continue
        self._bells = Bells(self.orders, self.now())
        judged = FixId(self.disk.relay_mark(JOURNAL))
        transitions, self._rules = rules.judge(self.journal, self.orders, state)
        self._remember(self.journal)
        missing = tuple(each for each in transitions if each.fix.id > judged)
        if missing:
            self.rejudged += len(missing)
            self._decide_verdicts(missing, [each for each in self.journal if each.id > judged])
        if self.loop is not None:
            self.run(minds.resume(self.loop.state))

    # --- people

    def command(self, command: words.Command) -> bool:
        """A person's act: whether it was allowed and is in the log."""
        if self.loop is None or mind.refuses(self.loop.state, command, self.now()) is not None:
            return False
        if not self.take(command):
            return False
        if isinstance(command, words.Close):
            held = self.loop.state.incidents[command.incident]
            for alarm in held.alarms:
                episode = self.loop.state.alarms[alarm].episode
                self._rules = rules.end(self._rules, held.wearer, episode, command.fix_through)
        return True

    @property
    def last_fix(self) -> FixId:
        return FixId(len(self.journal))

    def ringing(self) -> list[Alarm]:
        assert self.loop is not None
        return [each for _, each in sorted(self.loop.state.alarms.items()) if each.state in RINGING]

    def run(self, errands: Sequence[words.Errand]) -> None:
        for errand in errands:
            match errand:
                case words.Admit():
                    self.relay.admit(errand)
                case words.SetCameras(grant, cameras):
                    self.relay.set_cameras(grant, cameras)
                case words.CutGrant(grant, why):
                    self.relay.cut_grant(grant, why)
                case words.CutIncident(incident, why):
                    self.relay.cut_incident(incident, why)
                case words.CutViewer(viewer, why):
                    self.relay.leave(viewer, why)
                case _:
                    raise AssertionError(f"a message leaves by the outbox: {errand}")
