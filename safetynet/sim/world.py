"""The made city by itself: who lives there, what happens, what the devices and cameras report of it.

Positions are functions of the instant; only running stories, units under way and the devices' errors are state.
`advance` brings the devices up to an instant and gives what they said: in real time for the demo, at once for tests.
"""

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from safetynet.core.terms import (
    CameraId,
    CentreId,
    CurfewId,
    DeviceId,
    Instant,
    ProtectedId,
    Source,
    UnitId,
    WearerClass,
    WearerId,
    ZoneId,
)
from safetynet.sim import devices, poles, stories, streets
from safetynet.sim.people import OFFICER_TOP, WEARER_LEGS, People, Way, beside, look, ring, way
from safetynet.sim.poles import CameraRow, Registered, SimCamera
from safetynet.sim.stories import Moment, Story
from safetynet.sim.streets import GARAM, NARAE, Streets
from safetynet.sim.tracks import Walk, spaced

Floats = npt.NDArray[np.float64]

WEARERS: Final = 48
ROUND_MS: Final = 90 * 60_000
"""A wearer goes out once in this time, and walks for a share of it."""
SUSPECT_M: Final = 150.0
"""A device that is so near a forbidden place reports in the rhythm of suspicion."""
CONFINED: Final = 3
APPROACHER: Final = 4
CONFINED_AT_NIGHT: Final = frozenset({5, 6, 7, 8})
UNLUCKY: Final = 9
"""Whose story meets an outage."""
STAY_HOME: Final = frozenset({CONFINED, APPROACHER, UNLUCKY}) | CONFINED_AT_NIGHT
"""By number: who is at home until a story begins, and who has a curfew at night and keeps it."""
HOME_CLEAR_M: Final = 260.0
"""From the edge of a forbidden place to the homes of those in the stories about it: further than a bad position indoors
may reach, so that nothing rings before a story begins.
"""
FIRST_MS: Final = 20_000
"""A device that is switched on speaks within this time: nobody is silent because the world began late."""
OUTING_STEP_M: Final = 20.0
WEST_M: Final = 260.0
"""From the western end of town to the protected person's home."""
RIDE_M_MAX: Final = 3_300.0
DRIVE_MPS: Final = 12.5
ADVANCE_MAX_MS: Final = 6 * 3_600_000
TOLD_MAX: Final = 64
"""Tellings of before that a recorder can still show."""

_FAMILY: Final = "박최김정윤한이오강조임서신권황안송류전남"
_GIVEN: Final = ("예시", "모의", "가상", "시험", "보기", "견본", "표본", "연습", "가명", "허구", "예제", "시범", "가정")
_OFFICES: Final = ("가온보호관찰소", "나래보호관찰소 달맞이지소")
_OFFICERS: Final = ("담당 한예시", "담당 오시범", "담당 류견본", "담당 남가명")


class SimZone(msgspec.Struct, frozen=True, kw_only=True):
    """A forbidden place: a circle, or a polygon of (lat, lon) corners."""

    id: ZoneId
    wearer: WearerId
    name: str
    lat: float
    lon: float
    radius_m: float | None
    polygon: tuple[tuple[float, float], ...] = ()


class SimCurfew(msgspec.Struct, frozen=True, kw_only=True):
    """Every day from minute to minute, Korean time, within so many metres of the home."""

    id: CurfewId
    name: str
    start_min: int
    end_min: int
    radius_m: float


class SimProtected(msgspec.Struct, frozen=True, kw_only=True):
    """A protected person as the control centre is told, with the phone. Everybody is made up."""

    id: ProtectedId
    device: DeviceId
    name: str
    phone: str
    lat: float
    lon: float


class SimWearer(msgspec.Struct, frozen=True, kw_only=True):
    """One wearer as the control centre is told: person, device and forbidden places. Everybody is made up."""

    id: WearerId
    device: DeviceId
    city: CentreId
    wearer_class: WearerClass
    name: str
    case_no: str
    age: int
    office: str
    officer: str
    phone: str
    lat: float
    lon: float
    """Of the home."""
    zones: tuple[SimZone, ...]
    curfew: SimCurfew | None = None
    protected: tuple[ProtectedId, ...] = ()


class SimUnit(msgspec.Struct, frozen=True, kw_only=True):
    id: UnitId
    name: str
    kind: str
    """office or rapid"""
    lat: float
    lon: float


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Plane metres; `heading` in radians from east."""

    x: float
    y: float
    heading: float
    walked_m: float
    speed_mps: float
    indoors: bool


@dataclass(frozen=True, slots=True)
class _Home:
    x: float
    y: float
    outing: Way
    phase_ms: int
    outing_share: float


@dataclass(frozen=True, slots=True)
class _Trip:
    line: Way
    started: Instant


@dataclass(frozen=True, slots=True)
class Running:
    story: Story
    started: Instant
    caught: Instant | None = None
    """From then on he stands where he was caught, and the device that was taken from him says no more of its strap."""

    def moment(self, seconds: float) -> Moment:
        if self.caught is None or self.started + seconds * 1000 < self.caught:
            return self.story.moment(seconds)
        held = self.story.moment((self.caught - self.started) / 1000)
        return replace(held, alarm=None, tampered=False, speed_mps=0.0, recorded=False)


@dataclass(frozen=True, slots=True)
class Told:
    """A telling that was ended: told again, or stopped."""

    run: Running
    ended: Instant


class World:
    """With `registered` cameras of a real list the streets are built past their poles instead of the made pair, and
    with a recorded `walk` also along it: that is then the way of the story's wearer.
    """

    def __init__(
        self,
        seed: int = 20261123,
        *,
        registered: Sequence[Registered] | None = None,
        walk: Walk | None = None,
        border_m: float = stories.BORDER_M,
        pace_mps: float = stories.FLIGHT_MPS,
    ) -> None:
        self.seed = seed
        if registered is None:
            self.streets = streets.build(seed)
            line, _ = stories.escape(self.streets)
            watched = np.array([line.at(s)[:2] for s in range(0, int(line.length_m), 4)])
            self._cameras = poles.hang(self.streets, seed, watched)
        else:
            self.streets = streets.along([(each.lat, each.lon) for each in registered], seed, walk)
            trail = None if self.streets.walk is None else spaced(self.streets.walk.trail, 4.0)
            self._cameras = poles.given(self.streets, seed, registered, trail)
        self._by_id = {each.id: each for each in self._cameras}
        self.people = People(self.streets, seed)
        dice = Random(seed * 13 + 5)
        self._looks = {WearerId(f"w-{n:03d}"): look(dice, hood=True) for n in range(1, WEARERS + 1)}
        self._zone_spots = _zone_spots(self.streets, dice)
        self._homes = _homes(self.streets, dice, list(self._looks), self._zone_spots, border_m)
        self._protected = _protected(self.streets)
        self._wearers = _enrol(self.streets, dice, self._homes, self._zone_spots, self._protected)
        phones = [*(each.device for each in self._wearers), *(each.device for each in self._protected)]
        self._sensors = {each: devices.Sensor(f"{seed}/{each}") for each in phones}
        self._next: dict[DeviceId, Instant] = {}
        self._at: Instant | None = None
        self._units = _units(self.streets, dice)
        self._trips: dict[UnitId, _Trip] = {}
        self._running: dict[str, Running] = {}
        self._told: deque[Told] = deque(maxlen=TOLD_MAX)
        self._stories = self._script(border_m, pace_mps)

    def _script(self, border_m: float, pace_mps: float) -> dict[str, Story]:
        known = list(self._looks)
        first, second, third, fourth, fifth = known[:5]
        zone, other = self._zone_spots[0], self._zone_spots[1]
        home, kept, near = self._homes[third], self._homes[fourth], self._homes[fifth]
        (shielded,) = self._protected
        walk = self.streets.walk
        made = (
            stories.tamper(self.streets, first, border_m=border_m, pace_mps=pace_mps)
            if walk is None
            else stories.recorded(self.streets, first, walk),
            stories.zone(self.streets, second, zone[:2], zone[2]),
            stories.drift(third, (home.x, home.y), other[:2]),
            stories.curfew(self.streets, fourth, (kept.x, kept.y)),
            stories.nearing(
                self.streets, fifth, (near.x, near.y), self.streets.plane.to_xy(shielded.lat, shielded.lon)
            ),
            stories.outage(self.streets, known[UNLUCKY]),
        )
        return {each.name: each for each in made}

    # --- what the centres are given ---

    def cameras(self) -> list[SimCamera]:
        return list(self._cameras)

    def registry(self, city: CentreId) -> list[CameraRow]:
        return [each.row() for each in self._cameras if each.city == city]

    def wearers(self) -> list[SimWearer]:
        return list(self._wearers)

    def protected(self) -> list[SimProtected]:
        return list(self._protected)

    def zones(self) -> list[SimZone]:
        return [zone for each in self._wearers for zone in each.zones]

    def units(self, at: Instant | None = None) -> list[SimUnit]:
        """Where the units stand at an instant; without one, where they are posted."""
        if at is None:
            return list(self._units)
        made = []
        for unit in self._units:
            lat, lon = self.streets.plane.to_latlon(*self.unit_at(unit.id, at)[:2])
            made.append(msgspec.structs.replace(unit, lat=lat, lon=lon))
        return made

    def areas(self) -> dict[CentreId, tuple[tuple[float, float], ...]]:
        """Corners (lat, lon) for each city's `area` in centre.json."""
        plane = self.streets.plane
        return {each.id: tuple(plane.to_latlon(*corner) for corner in each.outline) for each in self.streets.cities}

    def city_name(self, city: CentreId) -> str:
        return next(each.name for each in self.streets.cities if each.id == city)

    def base_map(self) -> bytes:
        return self.streets.base_map_bytes()

    def stories(self) -> list[Story]:
        return list(self._stories.values())

    # --- what happens ---

    def start(self, name: str, at: Instant) -> Story:
        """Starts a story, anew if it runs. Raises KeyError for one that does not exist."""
        story = self._stories[name]
        self.stop(name, at)
        self._running[name] = Running(story, at)
        # The device of the story speaks at once: nobody waits a minute for the first position.
        for each in self._wearers:
            if each.id == story.wearer:
                self._next[each.device] = at
        return story

    def stop(self, name: str, at: Instant | None = None) -> None:
        """With `at` it stays told up to then: who looks back sees what was seen."""
        ended = self._running.pop(name, None)
        if ended is not None and at is not None:
            self._told.append(Told(ended, at))

    def catch(self, wearer: WearerId, at: Instant) -> None:
        """Whoever plays a story was arrested. Raises KeyError when this wearer plays none."""
        name, run = next(
            ((name, each) for name, each in self._running.items() if each.story.wearer == wearer), ("", None)
        )
        if run is None:
            raise KeyError(wearer)
        self._running[name] = replace(run, caught=run.caught or at)

    def running(self, at: Instant) -> list[Running]:
        return [each for each in self._running.values() if at - each.started <= each.story.length_s * 1000]

    def cut(self, at: Instant) -> frozenset[CentreId]:
        """The cities whose road is cut now."""
        broken = ((each.story.outage, (at - each.started) / 1000) for each in self.running(at))
        return frozenset(out.road for out, seconds in broken if out is not None and out.cut_s <= seconds < out.mended_s)

    def kills(self, at: Instant) -> frozenset[Instant]:
        """For each time that the control centre's program must have been killed by now in what runs, when it was."""
        due = ((each.story.outage, each.started) for each in self.running(at))
        return frozenset(
            Instant(since + round(out.killed_s * 1000))
            for out, since in due
            if out is not None and at - since >= out.killed_s * 1000
        )

    def moment(self, wearer: WearerId, at: Instant) -> Moment | None:
        for each in self._running.values():
            seconds = (at - each.started) / 1000
            if each.story.wearer == wearer and 0 <= seconds <= each.story.length_s:
                return each.moment(seconds)
        for before in reversed(self._told):
            seconds = (at - before.run.started) / 1000
            if before.run.story.wearer == wearer and 0 <= seconds <= before.run.story.length_s and at < before.ended:
                return before.run.moment(seconds)
        return None

    def position(self, wearer: WearerId, at: Instant) -> Whereabouts:
        """Where the wearer truly is. Raises KeyError for nobody of this world."""
        told = self.moment(wearer, at)
        if told is not None:
            return Whereabouts(told.x, told.y, told.heading, told.walked_m, told.speed_mps, told.indoors)
        home = self._homes[wearer]
        into = (at + home.phase_ms) % ROUND_MS
        along = into / 1000 * 1.25
        if along >= home.outing.length_m or into > ROUND_MS * home.outing_share:
            return Whereabouts(home.x, home.y, 0.0, 0.0, 0.0, indoors=True)
        x, y, heading = home.outing.at(along)
        return Whereabouts(x, y, heading, along, 1.25, indoors=False)

    def send_unit(self, unit: UnitId, lat: float, lon: float, at: Instant) -> float:
        """Sends a unit by road; gives the seconds it will need. Raises KeyError for a unit that does not exist."""
        x, y, _ = self.unit_at(unit, at)
        goal = self.streets.plane.to_xy(lat, lon)
        nodes = self.streets.route(self.streets.nearest(x, y), self.streets.nearest(*goal), faster_by_rank=True)
        lane = beside(self.streets, nodes, pavement=False).corners if len(nodes) > 1 else np.zeros((0, 2))
        self._trips[unit] = _Trip(way(np.vstack([[(x, y)], lane, [goal]])), at)
        return self._trips[unit].line.length_m / DRIVE_MPS

    def unit_at(self, unit: UnitId, at: Instant) -> tuple[float, float, float]:
        """x, y and heading."""
        trip = self._trips.get(unit)
        if trip is None:
            base = next((each for each in self._units if each.id == unit), None)
            if base is None:
                raise KeyError(unit)
            return (*self.streets.plane.to_xy(base.lat, base.lon), 0.0)
        return trip.line.at((at - trip.started) / 1000 * DRIVE_MPS)

    def advance(self, until: Instant) -> list[devices.Report]:
        """What all devices said since the last call, in order of time. The first call only starts the clocks."""
        if self._at is None:
            dice = Random(self.seed * 17)
            self._next = {e.device: Instant(until + dice.randrange(FIRST_MS)) for e in self._wearers} | self._next
            self._next |= {each.device: until for each in self._protected}
            self._at = until
        assert 0 <= until - self._at <= ADVANCE_MAX_MS, "time goes forward, by at most six hours at once"
        said: list[devices.Report] = []
        for each in self._wearers:
            while self._next[each.device] <= until:
                at = self._next[each.device]
                report, wait_ms = self._say(each, at)
                said.append(report)
                self._next[each.device] = Instant(at + min(wait_ms, self._until_alarm(each.id, at)))
        for phone in self._protected:
            while self._next[phone.device] <= until:
                at = self._next[phone.device]
                said.append(self._says(phone, at))
                near = any(phone.id in one.protected and self.moment(one.id, at) is not None for one in self._wearers)
                self._next[phone.device] = Instant(at + devices.rhythm_ms(tampered=False, suspicious=near))
        self._at = until
        return sorted(said, key=lambda report: (report.observed_at, report.device))

    def _until_alarm(self, wearer: WearerId, at: Instant) -> int:
        """Milliseconds to the next change of the alarm in the wearer's story: a device notices a cut when it happens."""
        for each in self.running(at):
            if each.story.wearer == wearer:
                ahead = [
                    each.started + round(step.at_s * 1000) - at
                    for step in each.story.steps
                    if each.moment(step.at_s).alarm != each.moment(step.at_s - 0.1).alarm
                ]
                return min((ms for ms in ahead if ms > 0), default=devices.QUIET_MS)
        return devices.QUIET_MS

    def _until_fix(self, wearer: WearerId, at: Instant) -> int | None:
        """Milliseconds to the next fix of the recorded walk, while there is one."""
        for each in self.running(at):
            if each.story.wearer == wearer:
                ahead = (each.started + round(second * 1000) - at for second in each.story.fixes_s)
                return next((ms for ms in ahead if ms > 0), None)
        return None

    def _say(self, enrolled: SimWearer, at: Instant) -> tuple[devices.Report, int]:
        told = self.moment(enrolled.id, at)
        true = self.position(enrolled.id, at)
        # Who has a curfew has a home unit too: at home the device never falls back on towers alone.
        unit = true.indoors and enrolled.curfew is not None
        walked = told.fix if told is not None and told.recorded else None
        # What a receiver really wrote is where he was, for the device that he wears here: it has errors of its own.
        x, y = (true.x, true.y) if walked is None else walked[:2]
        reading = self._sensors[enrolled.device].measure(x, y, at, indoors=true.indoors, towers=not unit)
        off_m = math.dist((reading.x, reading.y), (x, y))
        if walked is not None:
            pass
        elif told is not None and told.fix is not None:
            reading = devices.Reading(*told.fix, reading.source)
        elif told is not None:
            # Scripts are about the story, not about luck: their walks are out of doors, with satellites in sight.
            clipped = min(18.0, math.hypot(reading.x - true.x, reading.y - true.y))
            turn = math.atan2(reading.y - true.y, reading.x - true.x)
            x, y = true.x + clipped * math.cos(turn) * 0.6, true.y + clipped * math.sin(turn) * 0.6
            reading = devices.Reading(x, y, min(24.0, max(8.0, reading.radius_m)), Source.GNSS)
        lat, lon = self.streets.plane.to_latlon(reading.x, reading.y)
        report = devices.Report(
            device=enrolled.device, observed_at=at, lat=lat, lon=lon, radius_m=reading.radius_m, source=reading.source,
            battery=float(95 - (at // 600_000 + len(enrolled.name) * 7) % 60), speed_mps=true.speed_mps,
            alarm=told.alarm if told is not None else None, recorded_off_m=None if walked is None else off_m,
        )  # fmt: skip
        near = any(
            math.dist((reading.x, reading.y), self.streets.plane.to_xy(zone.lat, zone.lon))
            < (zone.radius_m or 200.0) + SUSPECT_M
            for zone in enrolled.zones
        )
        tampered = told is not None and told.tampered
        if (wait_ms := self._until_fix(enrolled.id, at)) is not None:
            return report, wait_ms
        return report, devices.rhythm_ms(tampered=tampered, suspicious=near or told is not None)

    def _says(self, protected: SimProtected, at: Instant) -> devices.Report:
        """A protected person stays at home, near the window: satellites in sight."""
        x, y = self.streets.plane.to_xy(protected.lat, protected.lon)
        reading = self._sensors[protected.device].measure(x, y, at, indoors=False)
        clipped = min(15.0, math.hypot(reading.x - x, reading.y - y))
        turn = math.atan2(reading.y - y, reading.x - x)
        lat, lon = self.streets.plane.to_latlon(x + clipped * math.cos(turn) * 0.6, y + clipped * math.sin(turn) * 0.6)
        return devices.Report(
            device=protected.device, observed_at=at, lat=lat, lon=lon, radius_m=min(24.0, max(8.0, reading.radius_m)),
            source=Source.GNSS, battery=76.0, speed_mps=0.0,
        )  # fmt: skip

    # --- what the cameras see ---

    def sees(self, camera: CameraId, x: float, y: float) -> bool:
        return poles.sees(self.streets, self._by_id[camera], x, y)

    def seen_by(self, wearer: WearerId, at: Instant) -> list[CameraId]:
        """Cameras in whose field the wearer truly stands, unhidden."""
        where = self.position(wearer, at)
        if where.indoors:
            return []
        return [each.id for each in self._cameras if poles.sees(self.streets, each, where.x, where.y)]

    def people_near(self, x: float, y: float, within_m: float, at: Instant) -> Floats:
        rows = [self.people.people_near(x, y, within_m, at)]
        for wearer, appearance in self._looks.items():
            where = self.position(wearer, at)
            if not where.indoors and math.dist((where.x, where.y), (x, y)) < within_m:
                stride = 0.74 if where.speed_mps < 2 else 1.1
                rows.append(
                    np.array([[where.x, where.y, where.heading, where.walked_m / stride * math.pi, *appearance[4:]]])
                )
        for unit, trip in self._trips.items():
            px, py, heading = self.unit_at(unit, at)
            if (at - trip.started) / 1000 * DRIVE_MPS > trip.line.length_m and math.dist((px, py), (x, y)) < within_m:
                officer = [px + 1.8, py + 0.6, heading, 0.0, 1.76, *OFFICER_TOP, *WEARER_LEGS, 0.0, 0.42, 0.0]
                rows.append(np.array([officer]))
        return np.vstack(rows)

    def cars_near(self, x: float, y: float, within_m: float, at: Instant) -> Floats:
        rows = [self.people.cars_near(x, y, within_m, at)]
        for unit in self._trips:
            px, py, heading = self.unit_at(unit, at)
            if math.dist((px, py), (x, y)) < within_m:
                rows.append(np.array([[px, py, heading, 4.6, 0.55, 0.56, 0.58, 1.0]]))
        return np.vstack(rows)

    def parked_near(self, x: float, y: float, within_m: float) -> Floats:
        return self.people.parked_near(x, y, within_m)


# --- the people of the made city -----------------------------------------------------------------------------------


def _zone_spots(made: Streets, dice: Random) -> list[tuple[float, float, float, str]]:
    """Middle, radius and name of forbidden places: parks where there are any, else junctions."""
    spots = []
    for park in made.parks:
        x, y = np.mean(np.array(park.outline), axis=0)
        spots.append((float(x), float(y), 170.0, park.name))
    while len(spots) < 5:
        x, y = made.nodes[dice.choice([n for n, near in enumerate(made.adjacent) if len(near) > 2])]
        spots.append((float(x), float(y), 150.0, f"가상초등학교 {len(spots) + 1}"))
    # The story's zone comes first: the children's park of the first city, where there is one.
    return sorted(spots, key=lambda spot: ("어린이" not in spot[3], spot[3]))


def _homes(made: Streets, dice: Random, wearers: Sequence[WearerId], spots: Sequence[tuple[float, float, float, str]],
           border_m: float) -> dict[WearerId, _Home]:  # fmt: skip
    homes: dict[WearerId, _Home] = {}
    line, border = stories.escape(made)
    start = line.at(border - max(border_m, stories.BORDER_M))
    zone, other = spots[0], spots[1]
    wanted = [start[:2], *((x + radius_m + HOME_CLEAR_M, y) for x, y, radius_m, _ in (zone, other))]
    end = _far_end(made)
    for k, wearer in enumerate(wearers):
        place = wanted[k] if k < len(wanted) else tuple(made.middles[dice.randrange(len(made.buildings))])
        if k == APPROACHER:
            place = end
        elif k == UNLUCKY:
            place = line.at(max(0.0, border - stories.OUTAGE_M))[:2]
        far = ((made.middles - place) ** 2).sum(axis=1)
        if k in (1, 2):
            # Nobody is sent to live where he is forbidden to be.
            mx, my, radius_m, _ = zone if k == 1 else other
            far[((made.middles - (mx, my)) ** 2).sum(axis=1) < (radius_m + HOME_CLEAR_M) ** 2] = np.inf
        middle = made.middles[int(np.argmin(far))]
        x, y = (float(v) for v in middle)
        route: list[int] = []
        node = made.nearest(x, y)
        while not route:
            route = ring(made, dice, node, 12)
            node = dice.randrange(len(made.nodes)) if not route else node
        outing = beside(made, route, pavement=True)
        # Those of the stories stay at home until their story begins.
        share = 0.0 if k < len(wanted) else dice.uniform(0.1, 0.3)
        share = 0.0 if k in STAY_HOME else share
        homes[wearer] = _Home(x, y, outing, dice.randrange(ROUND_MS), share)
    return homes


def _far_end(made: Streets) -> tuple[float, float]:
    """Outside of every ring around the protected person: the other end of town, unless that is further than a ride."""
    east = min(float(made.middles[:, 0].max()) - 120.0, float(made.middles[:, 0].min()) + WEST_M + RIDE_M_MAX)
    return east, float(made.middles[:, 1].mean())


def _protected(made: Streets) -> tuple[SimProtected, ...]:
    """One, at the western end of the first city."""
    goal = (float(made.middles[:, 0].min()) + WEST_M, float(made.middles[:, 1].mean()))
    x, y = (float(v) for v in made.middles[int(np.argmin(((made.middles - goal) ** 2).sum(axis=1)))])
    lat, lon = made.plane.to_latlon(x, y)
    return (
        SimProtected(
            id=ProtectedId("p-001"),
            device=DeviceId("phone-p-001"),
            name="윤보기",
            phone="010-0000-0901",
            lat=lat,
            lon=lon,
        ),
    )


def _curfew(n: int) -> SimCurfew | None:
    """The wearer of the story must be at home at all hours, some others at night."""
    hours = (0, 24 * 60) if n == CONFINED else (22 * 60, 6 * 60) if n in CONFINED_AT_NIGHT else None
    if hours is None:
        return None
    return SimCurfew(id=CurfewId(f"c-{n + 1:03d}"), name="주거지", start_min=hours[0], end_min=hours[1], radius_m=60.0)


def _enrol(
    made: Streets,
    dice: Random,
    homes: Mapping[WearerId, _Home],
    spots: Sequence[tuple[float, float, float, str]],
    protected: Sequence[SimProtected],
) -> list[SimWearer]:
    rows: list[SimWearer] = []
    names = ["박예시", "최모의", "김가상"]
    names += dice.sample(sorted({f + g for f in _FAMILY for g in _GIVEN} - set(names)), WEARERS - len(names))
    classes = [WearerClass.ORDER] * 6 + [WearerClass.PAROLE] * 2 + [WearerClass.SUSPENDED, WearerClass.BAIL]
    for n, (wearer, home) in enumerate(homes.items()):
        device = DeviceId(f"dev-{n + 1:04d}")
        mine = spots[0] if n == 1 else spots[1] if n == 2 else dice.choice(spots)
        lat, lon = made.plane.to_latlon(mine[0], mine[1])
        zone = SimZone(id=ZoneId(f"z-{n + 1:03d}"), wearer=wearer, name=mine[3], lat=lat, lon=lon, radius_m=mine[2])
        spot = made.plane.to_latlon(home.x, home.y)
        has_zone = n in (1, 2) or (
            n > 2
            and dice.random() < 0.4
            and math.dist((home.x, home.y), mine[:2]) > mine[2] + 700
            and _keeps_clear(home.outing, mine)
        )
        rows.append(SimWearer(
            id=wearer, device=device, city=made.city_at(home.x, home.y) or GARAM,
            wearer_class=_class(n, dice, classes), name=names[n],
            case_no=f"가상-2026-{147 if n == 0 else 200 + n * 3:04d}", age=41 if n == 0 else dice.randint(24, 66),
            office=_OFFICES[0 if made.city_at(home.x, home.y) == GARAM else 1], officer=dice.choice(_OFFICERS),
            phone=f"010-0000-{n + 1:04d}", lat=spot[0], lon=spot[1],
            zones=(zone,) if has_zone and n not in (CONFINED, APPROACHER, UNLUCKY) else (), curfew=_curfew(n),
            protected=tuple(each.id for each in protected) if n == APPROACHER else (),
        ))  # fmt: skip
    return rows


def _keeps_clear(outing: Way, spot: tuple[float, float, float, str]) -> bool:
    """Whoever walks for himself keeps away from where he is forbidden to be: only stories go there."""
    x, y, radius_m, _ = spot
    line = spaced(outing.corners, OUTING_STEP_M)
    return float(np.linalg.norm(line - (x, y), axis=1).min()) > radius_m + HOME_CLEAR_M


def _class(n: int, dice: Random, classes: Sequence[WearerClass]) -> WearerClass:
    if n < 3:
        return WearerClass.ORDER
    drawn = dice.choice(classes)
    return WearerClass.ORDER if n in (CONFINED, APPROACHER, UNLUCKY) else drawn


def _units(made: Streets, dice: Random) -> list[SimUnit]:
    rows = (("u-1", "가온보호관찰소 1조", "office", GARAM), ("u-2", "가온보호관찰소 2조", "office", GARAM),
            ("u-3", "달맞이지소 1조", "office", NARAE), ("u-9", "신속수사팀 2", "rapid", GARAM))  # fmt: skip
    units = []
    for id, name, kind, city in rows:
        nodes = [n for n, near in enumerate(made.adjacent) if near and made.city_at(*map(float, made.nodes[n])) == city]
        lat, lon = made.plane.to_latlon(*map(float, made.nodes[dice.choice(nodes)]))
        units.append(SimUnit(id=UnitId(id), name=name, kind=kind, lat=lat, lon=lon))
    return units
