"""The country of a storm: one control centre, two cities, a police room; people in it; weather over it.

Everything is rolled from one seed and moved by one simulated clock. Operators do sensible and senseless things,
officers answer or do not, straps are cut at any moment, also while the centre is dead or a road is cut.

Absent on purpose: whether what happened was right. That is asked afterwards, of the logs alone (`promises`).
"""

import hashlib
import math
import random
from functools import cache
from typing import Any, Final

import msgspec

from safetynet.core import cameras, city
from safetynet.core.control import relief, words
from safetynet.core.dispatch import Unit
from safetynet.core.events import RelayEvent
from safetynet.core.fixes import Fix, Said
from safetynet.core.incidents import Incident, Stage, VideoState
from safetynet.core.messages import AnyMessage, EndGrant, EndIncident, Envelope, Role, signed_part
from safetynet.core.orders import Absence, Circle, Curfew, Order, Protected, Row, Zone
from safetynet.core.terms import (
    HOUR_MS,
    MINUTE_MS,
    SECOND_MS,
    AbsenceId,
    CallOutcome,
    CameraId,
    CentreId,
    CurfewId,
    DeviceId,
    DispatchId,
    Disposition,
    FixId,
    GrantId,
    IncidentId,
    Instant,
    PersonId,
    PoleId,
    ProtectedId,
    Reassign,
    Source,
    UnitId,
    UnitState,
    ViewerId,
    WearerClass,
    WearerId,
    Why,
    ZoneId,
)
from safetynet.edge import codec
from safetynet.edge.policy import Policy
from safetynet.sim import desk112
from safetynet.sim.centres import CityCentre, Control, Police, Program, seal
from safetynet.sim.faults import FAIR, Net
from safetynet.sim.relays import Receiving
from safetynet.sim.staff import Disks, Staff

STEP_MS: Final = 500
START: Final = Instant(1_780_000_000_000)
START_MIN: Final = 5 * 60 + 27
"""Of the day in Korea, then."""
QUIET_MS: Final = 15 * MINUTE_MS
PARTITION_MS_MAX: Final = 15 * MINUTE_MS
LAT: Final = 36.350
LON: Final = 127.380
SIDE_DEG: Final = 0.012
CONTROL: Final = CentreId("control")
GARAM: Final = CentreId("garam")
NARAE: Final = CentreId("narae")
POLICE: Final = CentreId("police")
AREAS: Final = {
    GARAM: ((LAT, LON), (LAT + SIDE_DEG, LON), (LAT + SIDE_DEG, LON + SIDE_DEG), (LAT, LON + SIDE_DEG)),
    NARAE: (
        (LAT, LON + SIDE_DEG),
        (LAT + SIDE_DEG, LON + SIDE_DEG),
        (LAT + SIDE_DEG, LON + 2 * SIDE_DEG),
        (LAT, LON + 2 * SIDE_DEG),
    ),
}
OPERATORS: Final = (PersonId("operator-1"), PersonId("operator-2"))
SUPERVISOR: Final = PersonId("supervisor-1")
UNITS: Final = tuple(UnitId(f"unit-{n}") for n in range(3))
CLASSES: Final = (*WearerClass, WearerClass.ORDER)
CANARY: Final = "CANARY"
"""Stands in every id and name that no partner may ever see."""
SHIELDED: Final = (ProtectedId(f"{CANARY}-protected-0"), ProtectedId(f"{CANARY}-protected-1"))
PROTECTED: Final = {1: SHIELDED[:1], 3: SHIELDED, 4: SHIELDED[1:]}
"""Whom the wearers of these numbers must not approach."""
FORBIDDEN: Final = (CANARY.encode(), *(each.value.encode() for each in WearerClass if each is not WearerClass.ORDER))
"""A wearer's class too: only the basis crosses. (`order` alone is too common a word to look for.)"""
FLAGS: Final = (Said.STRAP_CUT, Said.STRAP_CUT, Said.BODY_TAMPER, Said.SOS)


@cache
def _policy() -> Policy:
    return Policy()


class Wearer:
    """A person who walks, and a device that keeps what was not acknowledged and says it again."""

    def __init__(self, number: int, dice: random.Random) -> None:
        self.id = WearerId(f"{CANARY}-wearer-{number}")
        self.device = DeviceId(f"device-{number}")
        self.dice = dice
        self.lat = LAT + dice.random() * SIDE_DEG
        self.lon = LON + dice.random() * 2 * SIDE_DEG
        self.heading = dice.random() * math.tau
        self.flag, self.flag_until = Said.NOTHING, Instant(0)
        self.next_at = Instant(START + dice.randint(0, 30_000))
        self.queue: list[Fix] = []
        middle = (LAT + dice.random() * SIDE_DEG, LON + dice.random() * 2 * SIDE_DEG)
        zone = Zone(id=ZoneId(f"{CANARY}-zone-{number}"), name=f"{CANARY} school {number}", area=Circle(*middle, 150.0))
        self.order = Order(
            wearer=self.id,
            wearer_class=CLASSES[number % len(CLASSES)],
            version=1 + number,
            zones=(zone,),
            curfews=(self._curfew(number),) if number % 2 == 0 else (),
            absences=self._absences(number),
            protected=tuple(Protected(id=each) for each in PROTECTED.get(number, ())),
        )

    def _curfew(self, number: int) -> Curfew:
        """Of an hour or so, around where the walk begins; it starts within the first hour of the storm."""
        start_min = START_MIN + self.dice.randint(2, 60)
        row = Row(days=tuple(range(7)), start_min=start_min, end_min=start_min + self.dice.randint(20, 90))
        home = Circle(self.lat, self.lon, 80.0)
        return Curfew(id=CurfewId(f"{CANARY}-curfew-{number}"), name=f"{CANARY} night", home=home, rows=(row,))

    def _absences(self, number: int) -> tuple[Absence, ...]:
        """At times a walk within the curfew is permitted."""
        if self.dice.random() < 0.6:
            return ()
        starts_at = Instant(START + self.dice.randint(10, 60) * MINUTE_MS)
        ends_at = Instant(starts_at + self.dice.randint(5, 40) * MINUTE_MS)
        return (Absence(id=AbsenceId(f"{CANARY}-absence-{number}"), starts_at=starts_at, ends_at=ends_at),)

    def step(self, now: Instant, *, followed: bool) -> None:
        """Walks on; when it is time the device says where it believes to be."""
        if now < self.next_at:
            return
        dice = self.dice
        pause_ms = 10_000 if followed else 30_000
        self.heading += dice.uniform(-0.7, 0.7)
        way_m = dice.uniform(0.5, 4.0) * pause_ms / 1000
        self.lat += math.cos(self.heading) * way_m / 111_000
        self.lon += math.sin(self.heading) * way_m / 89_500
        if not (
            LAT - 0.004 < self.lat < LAT + SIDE_DEG + 0.004 and LON - 0.004 < self.lon < LON + 2 * SIDE_DEG + 0.004
        ):
            self.heading += math.pi
        if dice.random() < 0.004:
            self.flag, self.flag_until = dice.choice(FLAGS), Instant(now + dice.randint(1, 20) * MINUTE_MS)
        silent_ms = dice.randint(2, 25) * MINUTE_MS if dice.random() < 0.004 else 0
        self.next_at = Instant(now + pause_ms + dice.randint(-3_000, 3_000) + silent_ms)
        self.queue.append(self._says(now))
        if dice.random() < 0.02:
            self.queue.append(self.queue[-1])

    def _says(self, now: Instant) -> Fix:
        dice = self.dice
        placed = dice.random() > 0.08
        error = dice.gauss(0, 8) / 111_000
        on = now < self.flag_until and dice.random() < 0.8
        return Fix(
            id=FixId(0),
            wearer=self.id,
            device=self.device,
            observed_at=Instant(now - (dice.randint(0, 120_000) if dice.random() < 0.03 else 0)),
            received_at=now,
            lat=self.lat + error if placed else None,
            lon=self.lon - error if placed else None,
            accuracy_m=dice.choice((5.0, 12.0, 30.0, 200.0, None)) if placed else None,
            source=dice.choice((Source.GNSS, Source.GNSS, Source.WIFI, Source.CELL)),
            speed_mps=dice.choice((None, 1.5)),
            said=self.flag if on else Said.NOTHING,
        )


class Phone:
    """A protected person who stays around one place, and a phone that at times does not know where it is."""

    def __init__(self, id: ProtectedId, dice: random.Random) -> None:
        self.id, self.dice = id, dice
        self.lat, self.lon = LAT + dice.random() * SIDE_DEG, LON + dice.random() * 2 * SIDE_DEG
        self.next_at = Instant(START + dice.randint(0, 30_000))
        self.queue: list[Fix] = []

    def step(self, now: Instant) -> None:
        dice = self.dice
        if now < self.next_at:
            return
        self.lat += dice.gauss(0, 20) / 111_000
        self.lon += dice.gauss(0, 20) / 89_500
        silent_ms = dice.randint(5, 25) * MINUTE_MS if dice.random() < 0.006 else 0
        self.next_at = Instant(now + 15_000 + silent_ms)
        placed = dice.random() > 0.05
        self.queue.append(
            Fix(
                id=FixId(0),
                wearer=WearerId(self.id),
                device=DeviceId("phone"),
                observed_at=Instant(now - (dice.randint(0, 90_000) if dice.random() < 0.03 else 0)),
                received_at=now,
                lat=self.lat if placed else None,
                lon=self.lon if placed else None,
                accuracy_m=dice.choice((5.0, 12.0, 30.0, 120.0)) if placed else None,
                source=dice.choice((Source.GNSS, Source.WIFI, Source.CELL)),
                said=Said.SOS if dice.random() < 0.002 else Said.NOTHING,
                protected=True,
            )
        )


def _cameras(id: CentreId, dice: random.Random) -> cameras.Registry:
    (lat, lon), *_ = AREAS[id]
    return cameras.Registry.of(
        [
            cameras.Camera(
                id=CameraId(f"{id}-{n:03}"),
                city=id,
                pole=PoleId(f"{id}-pole-{n // 2}"),
                name=f"camera {n}",
                lat=lat + dice.random() * SIDE_DEG,
                lon=lon + dice.random() * SIDE_DEG,
                range_m=60.0,
                azimuth_deg=dice.choice((None, dice.random() * 360)),
                view_deg=dice.choice((None, 70.0)),
                ptz=dice.random() < 0.2,
                purpose="crime",
            )
            for n in range(70)
        ]
    )


class Country:
    """One storm. `run` moves it to its end; the logs and the notes taken on the way are what is judged."""

    def __init__(self, seed: int, hours: float = 2.0) -> None:
        self.seed, self.hours = seed, hours
        self.now = self.started_at = START
        dice = self.dice = random.Random(f"{seed}/people")
        self.net = Net(seed)
        self.net.now = START
        apart = {each: dice.randint(-2_000, 2_000) for each in (GARAM, NARAE, POLICE)}
        self.wearers = [Wearer(n, random.Random(f"{seed}/wearer/{n}")) for n in range(6)]
        self.phones = [Phone(each, random.Random(f"{seed}/{each}")) for each in SHIELDED]
        self.cities: dict[CentreId, CityCentre] = {}
        for id in AREAS:
            ground = city.Ground(_cameras(id, random.Random(f"{seed}/{id}/cameras")), AREAS[id])
            clock = self._clock(apart[id])
            self.cities[id] = CityCentre(
                ground, _policy(), id, Role.CITY, {CONTROL: Role.CONTROL}, clock, self.net, seed
            )
        relays = {id: each.relay for id, each in self.cities.items()}
        self.relay = Receiving(self._clock(0), relays)
        peers = dict.fromkeys(AREAS, Role.CITY) | {POLICE: Role.POLICE}
        secret = random.Random(f"{seed}/pseudonyms").randbytes(32)
        country = words.Country(tuple(words.City(id, area) for id, area in AREAS.items()), POLICE, secret)
        orders = {each.id: each.order for each in self.wearers[:-1]}
        self.control = Control(
            country, orders, self.relay, CONTROL, Role.CONTROL, peers, self._clock(0), self.net, seed
        )
        self.police = Police(POLICE, Role.POLICE, {CONTROL: Role.CONTROL}, self._clock(apart[POLICE]), self.net, seed)
        self.programs: dict[CentreId, Program[Any, Any, Any]] = {
            CONTROL: self.control,
            **self.cities,
            POLICE: self.police,
        }
        self.diligence = dice.choice((0.15, 0.15, 0.05, 0.003))
        """How often an operator acts, per second. In some storms nobody comes for half an hour."""
        self.leaked: list[str] = []
        """Messages to a partner in which a canary stood."""
        self.shielded: set[tuple[float, float]] = set()
        """Every position that a protected person's phone ever said."""
        self.forged_sent = 0
        self.fair = False
        self.staff = [Staff(each, random.Random(f"{seed}/{id}/staff")) for id, each in self.cities.items()]
        self.disks = Disks(self.control, tuple(self.cities.values()), random.Random(f"{seed}/disks"))
        self._roads: dict[CentreId, Instant] = {}
        self._viewers = 0
        for each in self.programs.values():
            each.acknowledge = self._acknowledge
            each.overheard = self._overheard
            each.disk.kill_chance = 0.003
            each.start()

    def _clock(self, apart_ms: int) -> Any:
        return lambda: Instant(self.now + apart_ms)

    # --- the whole history

    def run(self) -> "Country":
        end = START + round(self.hours * HOUR_MS)
        while self.now < end:
            self.step()
        self.fair, self.net.weather = True, FAIR
        self._roads = dict.fromkeys(self._roads, self.now)
        for one in self.programs:
            for other in self.programs:
                self.net.part(one, other, self.now)
        for each in self.programs.values():
            each.disk.kill_chance = 0.0
        self.disks.end()
        for each in self.cities.values():
            each.policy_trouble = 0.0
        while self.now < end + QUIET_MS:
            self.step()
        return self

    def step(self) -> None:
        self.now = Instant(self.now + STEP_MS)
        if not self.fair:
            self._weather()
        for program in self.programs.values():
            if program.loop is None and program.now() >= program.back_at:
                program.start()
        self._devices()
        self.net.step(self.now)
        self._relays()
        if self.now % SECOND_MS == 0:
            self._people()
            for each in () if self.fair else self.staff:
                each.step()
            if not self.fair:
                self.disks.step(self.now)
            self._tick()
        for program in self.programs.values():
            program.send()

    def _tick(self) -> None:
        if not self.fair:
            self.control.ring()
        self.control.take(words.Tick())
        self.police.take(desk112.Tick())
        for each in self.cities.values():
            each.take(city.Tick())
            each.renew()

    def _acknowledge(self, envelope: Envelope) -> None:
        lost = self.dice.random() < self.net.weather.drop or self.net.cut(envelope.to, envelope.origin)
        if not lost:
            self.programs[envelope.origin].acked(envelope.to, envelope.seq)

    def _overheard(self, envelope: Envelope) -> None:
        """What crosses to another organisation must hold nothing of a person's order."""
        if any(word in envelope.body for word in FORBIDDEN):
            self.leaked.append(repr(envelope.body))
        place = getattr(codec.decode_message(envelope.body, envelope.v), "place", None)
        if envelope.origin == CONTROL and place is not None and place.fix:
            self.leaked.append(f"the number of a fix: {place}")
        if envelope.to in AREAS and place is not None and (place.lat, place.lon) in self.shielded:
            self.leaked.append(f"where a protected person is: {place}")

    # --- weather

    def _weather(self) -> None:
        dice = self.dice
        if dice.random() < 0.0008:
            one, other = CONTROL, dice.choice((GARAM, NARAE, POLICE))
            self.net.part(
                one, other, Instant(self.now + dice.randint(1_000, PARTITION_MS_MAX)), both=dice.random() < 0.7
            )
        if dice.random() < 0.0008:
            dice.choice(tuple(self.programs.values())).die(dice.randint(300, 60_000))
        if dice.random() < 0.0006:
            id = dice.choice((GARAM, NARAE))
            self._roads[id] = Instant(self.now + dice.randint(2_000, 3 * MINUTE_MS))
            self.relay.cut_roads.add(id)
            self._lose(id)
        if dice.random() < 0.0003:
            dice.choice(tuple(self.cities.values())).relay.crash()
        if dice.random() < 0.0003:
            self.relay.crash()
        if dice.random() < 0.002:
            self._forge()

    def _lose(self, id: CentreId) -> None:
        """Both ends find out, each by itself; what is sealed in between never arrives."""
        self.relay.lose(id)

    def _forge(self) -> None:
        """An adversary on the road: a true message with a false seal, and a true seal in a false direction."""
        dice = self.dice
        origin, to = dice.choice(((CONTROL, GARAM), (GARAM, CONTROL), (CONTROL, NARAE), (POLICE, CONTROL)))
        incident = IncidentId("I-FORGED")
        way: AnyMessage = EndIncident(incident=incident, why=Why.INCIDENT_CLOSED)
        if dice.random() < 0.5:
            way = EndGrant(incident=incident, grant=GrantId("G-FORGED"), why=Why.WITHDRAWN)
        wrong_way = isinstance(way, EndGrant) == (origin == CONTROL) or origin == POLICE
        envelope = Envelope(
            v=1,
            origin=origin,
            to=to,
            epoch=1,
            seq=10**9 + self.forged_sent,
            sent_at=self.now,
            body=codec.encode_message(way),
        )
        signature = seal(origin if wrong_way else CentreId("adversary"), signed_part(envelope))
        self.forged_sent += 1
        if self.programs[to].loop is not None:
            self.programs[to].arrive(_with(envelope, signature))

    # --- devices

    def _devices(self) -> None:
        for each in self.wearers:
            if self.fair:
                continue
            loop = self.control.loop
            each.step(self.now, followed=loop is not None and each.id in loop.state.open)
        for phone in () if self.fair else self.phones:
            phone.step(self.now)
            self.shielded |= {(fix.lat, fix.lon) for fix in phone.queue if fix.lat is not None and fix.lon is not None}
        if self.control.loop is None:
            return
        batch: list[Fix] = []
        for queue in (each.queue for group in (self.wearers, self.phones) for each in group):
            batch += [_received(fix, self.now) for fix in queue]
            queue.clear()
        if batch:
            self.control.journalled(batch)

    # --- relays

    def _relays(self) -> None:
        for id, until in tuple(self._roads.items()):
            if self.now >= until:
                self.relay.cut_roads.discard(id)
                del self._roads[id]
            elif id in self.relay.cut_roads and until - self.now < MINUTE_MS * 3 and self.dice.random() < 0.2:
                giving = self.cities[id].relay
                for stream in tuple(giving.streams):
                    giving.close(stream, Why.LINK_LOST)
        for each in self.cities.values():
            each.relay.step()
        self.relay.step()
        self.control.merge(self.relay.rows, _control_heard, again=not self.fair and self.dice.random() < 0.02)
        for each in self.cities.values():
            each.merge(each.relay.rows, _city_heard, again=not self.fair and self.dice.random() < 0.02)

    # --- people

    def _people(self) -> None:
        loop = self.control.loop
        if loop is None:
            return
        state = loop.state
        open = [state.incidents[id] for _, id in sorted(state.open.items())]
        for by in OPERATORS:
            if open and self.dice.random() < (1.0 if self.fair else self.diligence):
                self._operate(by, self.dice.choice(open))
        if not self.fair:
            if open and self.dice.random() < 0.15:
                self._officer(self.dice.choice(open))
            if self.dice.random() < 0.01:
                self._pry()
            if open and self.dice.random() < 0.0005:
                self._goes_home(self.dice.choice(OPERATORS), open)

    def _goes_home(self, by: PersonId, open: list[Incident]) -> None:
        """An operator's shift is over: everything in hand goes to the other one, between two ticks."""
        other = OPERATORS[1 - OPERATORS.index(by)]
        for incident in open:
            if incident.owner == by:
                self.control.command(words.HandOver(incident=incident.incident, by=by, to=other))

    def _operate(self, by: PersonId, incident: Incident) -> None:
        dice, id = self.dice, incident.incident
        if self.control.loop is None or self.control.loop.state.incidents[id].stage is Stage.CLOSED:
            return
        if incident.owner is None:
            self.control.command(words.Claim(incident=id, by=by))
            return
        if incident.owner != by:
            if self.fair or dice.random() < 0.1:
                self.control.command(words.TakeOver(incident=id, by=by))
            else:
                self._act(by, incident, "close")
            return
        acts = (
            "video",
            "watch",
            "watch",
            "watch",
            "office",
            "call",
            "hand_over",
            "shift",
            "move",
            "police",
            "ack",
            "close",
        )
        weights = (6, 5, 5, 5, 4, 3, 0.5, 1.0, 0.3, 2, 2, 1.0)
        self._act(by, incident, "close" if self.fair else dice.choices(acts, weights)[0])

    def _act(self, by: PersonId, incident: Incident, act: str) -> None:
        dice, id, control = self.dice, incident.incident, self.control
        match act:
            case "video":
                order = control.orders.get(incident.wearer)
                footing = order.wearer_class if order else None
                control.command(words.AskVideo(incident=id, by=by, footing=footing))
            case "watch":
                self._watch(by, incident)
            case "office":
                units = tuple(
                    Unit(unit=each, kind="office", lat=LAT, lon=LON + n * 0.01, seen_at=self.now)
                    for n, each in enumerate(UNITS)
                )
                unit = dice.choice((None, *UNITS))
                control.command(words.SendOffice(incident=id, by=by, unit=unit, units=units))
            case "call":
                control.command(words.CallWearer(incident=id, by=by, outcome=dice.choice(tuple(CallOutcome))))
            case "hand_over":
                control.command(words.HandOver(incident=id, by=by, to=dice.choice(OPERATORS)))
            case "shift":
                self._relieve(by)
            case "move":
                to, reason = dice.choice(OPERATORS), dice.choice(tuple(Reassign))
                control.command(words.ReassignIncident(incident=id, by=SUPERVISOR, to=to, held_by=by, reason=reason))
            case "police":
                control.command(words.TellPolice(incident=id, by=by))
            case "ack":
                ringing = control.ringing()
                if ringing:
                    control.command(words.Acknowledge(alarm=dice.choice(ringing).alarm, by=by))
            case _:
                code = Disposition.GENUINE_ARREST if self.fair else dice.choice(tuple(Disposition))
                control.command(words.Close(incident=id, by=by, code=code, fix_through=control.last_fix))

    def _relieve(self, by: PersonId) -> None:
        """A change of shift, one step of it: offered, or confirmed in part, and taken by whoever tries."""
        dice, control = self.dice, self.control
        assert control.loop is not None, "somebody works here"
        held = relief.engaged(control.loop.state, by)
        if held is None:
            control.command(words.OfferHandover(by=by, to=dice.choice(OPERATORS), whole=dice.random() < 0.3))
            return
        if dice.random() < 0.1:
            control.command(words.WithdrawHandover(handover=held.handover, by=by))
            return
        for item in relief.unconfirmed(control.loop.state, held, ()):
            if dice.random() < 0.8:
                wish = words.ConfirmItem(handover=held.handover, by=held.taker, item=item, outages=())
                control.command(wish)
        trying = dice.choice((held.taker, held.taker, held.giver, SUPERVISOR))
        control.command(words.TakeHandover(handover=held.handover, by=trying, outages=()))

    def _watch(self, by: PersonId, incident: Incident) -> None:
        """A new window asks to be let in to a grant and opens a few of its cameras, at times one that is not its."""
        dice = self.dice
        granted = [each for _, each in sorted(incident.requests.items()) if each.state is VideoState.GRANTED]
        if not granted:
            return
        request = dice.choice(granted)
        assert request.grant is not None
        self._viewers += 1
        viewer = ViewerId(f"V-{self._viewers}")
        token = hashlib.sha256(f"{self.seed} {viewer}".encode()).digest()
        wish = words.AdmitViewer(
            incident=incident.incident, grant=request.grant, viewer=viewer, by=by, token_sha256=token
        )
        if not self.control.command(wish):
            return
        if self.relay.hello(token) != viewer:
            return
        if dice.random() < 0.1:
            self.relay.hello(token)
        for card in request.cameras[: dice.randint(1, 2)]:
            self.relay.open(viewer, request.grant, card.camera)
        if dice.random() < 0.1:
            self.relay.open(viewer, request.grant, CameraId("garam-000"))
        if dice.random() < 0.3:
            self.relay.leave(viewer)

    def _pry(self) -> None:
        """A hostile centre relay asks a city's relay for whatever it likes; a stranger shows ours a token he made up."""
        dice = self.dice
        self.relay.hello(dice.randbytes(32))
        one = dice.choice(tuple(self.cities.values()))
        grants = [each.grant for each in one.loop.state.requests.values() if each.grant] if one.loop else []
        grant = dice.choice([GrantId("G-UNKNOWN"), *sorted(grants)])
        camera = dice.choice(one.ground.registry.cameras).id
        stream = one.relay.open(grant, camera, ViewerId("V-HOSTILE"))
        if not isinstance(stream, Why):
            one.relay.close(stream, Why.VIEWER_LEFT)

    def _officer(self, incident: Incident) -> None:
        dice = self.dice
        given = sorted(incident.dispatches.items())
        if given and dice.random() < 0.5:
            id, dispatch = dice.choice(given)
            unit = dispatch.unit if dice.random() < 0.95 else dice.choice(UNITS)
            said = dice.choice(
                (UnitState.RECEIVED, UnitState.ACCEPTED, UnitState.DECLINED, UnitState.EN_ROUTE, UnitState.ON_SCENE)
            )
            self.control.command(words.ReportUnit(dispatch=DispatchId(id), unit=unit, state=said))

    # --- what an onlooker notes

    def digest(self) -> str:
        """Of every byte of every log: the same seed gives the same."""
        whole = hashlib.sha256()
        for each in self.programs.values():
            for leaf in each.disk.leaves():
                whole.update(leaf)
            for event in each.events():
                whole.update(codec.encode_event(event))
        return whole.hexdigest()


def _with(envelope: Envelope, signature: bytes) -> Envelope:
    return msgspec.structs.replace(envelope, signature=signature)


def _received(fix: Fix, at: Instant) -> Fix:
    return msgspec.structs.replace(fix, received_at=at)


def _control_heard(events: tuple[RelayEvent, ...]) -> words.Given:
    return words.RelayHeard(events=events)


def _city_heard(events: tuple[RelayEvent, ...]) -> city.Given:
    return city.RelayHeard(events=events)
