"""Scripts on the world: what one wearer does, step by step, and what the device says of it.

A story is a value: where its wearer is at each second follows from the streets and the story's own settings.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from safetynet.core.terms import CentreId, WearerId
from safetynet.sim.people import Way, beside, way
from safetynet.sim.streets import Road, Streets
from safetynet.sim.tracks import Walk

STORY_MAX_S: Final = 900.0
FLIGHT_MPS: Final = 3.0
CUT_S: Final = 3.0
FIX_S_SLACK: Final = 0.002
OUTAGE_M: Final = 260.0
"""How far before the border, along the way of the flight, the story of the outage begins: cameras hang there."""
OUTAGE_WALK_M: Final = 90.0
ZONE_BELIEVED_S: Final = 62.0
"""So long positions inside the zone need until they outweigh those before (measured with the rules themselves)."""
CURFEW_BELIEVED_S: Final = 122.0
"""The same of positions away from home: the way to the garden gate is in it."""
BORDER_M: Final = 150.0
"""From the cut to the border, along the way: 50 s at the usual pace."""


@dataclass(frozen=True, slots=True)
class Step:
    at_s: float
    word: str
    ko: str
    en: str


@dataclass(frozen=True, slots=True)
class Moment:
    """What the story says of its wearer at one second. `fix` is a place the device reports against the truth."""

    x: float
    y: float
    heading: float
    walked_m: float
    speed_mps: float
    indoors: bool
    alarm: str | None = None
    tampered: bool = False
    fix: tuple[float, float, float] | None = None
    """x, y and radius in metres."""
    recorded: bool = False
    """The fix is one that a real receiver wrote at this second of a real walk. It wrote no radius: the device that is worn
    here measures from there, with its own errors.
    """


@dataclass(frozen=True, slots=True)
class Outage:
    """What breaks while a story runs: the road to one city for a while, and the control centre's program at one second."""

    road: CentreId
    cut_s: float
    mended_s: float
    killed_s: float


@dataclass(frozen=True, slots=True)
class Story:
    name: str
    title_ko: str
    line_ko: str
    title_en: str
    line_en: str
    wearer: WearerId
    steps: tuple[Step, ...]
    moment: Callable[[float], Moment]
    """By seconds since the start."""
    fixes_s: tuple[float, ...] = ()
    """When a recorded walk has its fixes: the device speaks then, and not in its own rhythm."""
    outage: Outage | None = None
    rings_s: float = 0.0
    """About when the first alarm is to be expected: a belief needs its time, a flag none."""

    @property
    def length_s(self) -> float:
        return self.steps[-1].at_s

    def step_at(self, seconds: float) -> int:
        """Index of the step that runs; -1 before the first."""
        return sum(1 for each in self.steps if each.at_s <= seconds) - 1


def crossing(streets: Streets) -> Road:
    """The road on which people flee from one city into the other: wide and in the middle."""
    over = [
        each for each in streets.roads
        if streets.city_at(*map(float, streets.nodes[each.a])) != streets.city_at(*map(float, streets.nodes[each.b]))
    ]  # fmt: skip
    assert over, "two cities and no road between them"
    middle = streets.nodes.mean(axis=0)

    def worth(road: Road) -> tuple[int, float]:
        return -road.rank, math.dist((streets.nodes[road.a] + streets.nodes[road.b]) / 2, middle)

    return min(over, key=worth)


@lru_cache(maxsize=4)
def escape(streets: Streets) -> tuple[Way, float]:
    """The way of the flight from deep in the first city far into the second, and how far along it the border lies."""
    first = streets.cities[0].id
    if streets.walk is not None:
        line = way(streets.walk.trail)
        return line, _border(streets, line)
    road = crossing(streets)
    a, b = road.a, road.b
    if streets.city_at(*map(float, streets.nodes[a])) != first:
        a, b = b, a
    start = _far(streets, a, b, 420.0)
    goal = _far(streets, b, a, 650.0)
    nodes = streets.route(start, a) + streets.route(b, goal)
    line = beside(streets, nodes, pavement=True)
    return line, _border(streets, line)


def _border(streets: Streets, line: Way) -> float:
    """How far along a way the first city ends."""
    low, high = 0.0, line.length_m
    while high - low > 0.05:
        middle = (low + high) / 2
        x, y, _ = line.at(middle)
        low, high = (middle, high) if streets.city_at(x, y) == streets.cities[0].id else (low, middle)
    return low


def _far(streets: Streets, node: int, beyond: int, want_m: float) -> int:
    """A node about so far by road, on this side of the border, whose way does not lead over it."""
    side = streets.city_at(*map(float, streets.nodes[node]))
    away = streets.distances(node, without=beyond)
    there = [n for n in away if streets.city_at(*map(float, streets.nodes[n])) == side]
    return min(there, key=lambda n: abs(away[n] - want_m))


def tamper(streets: Streets, wearer: WearerId, *, border_m: float = BORDER_M, pace_mps: float = FLIGHT_MPS) -> Story:
    """The strap is cut near home, then flight on foot over the border. The border comes `border_m / pace_mps` seconds
    after the cut.
    """
    line, border = escape(streets)
    start = max(0.0, border - border_m)
    cut_s, run_s = CUT_S, 5.0
    crossed_s = run_s + (border - start) / pace_mps
    # The first run is fast, then he walks on quickly; deep in the other city he stops.
    hidden_s = run_s + (line.length_m - start) / pace_mps

    def moment(seconds: float) -> Moment:
        run = max(0.0, seconds - run_s)
        along = min(line.length_m, start + run * pace_mps)
        x, y, heading = line.at(along)
        moving = 0 < run < hidden_s - run_s
        return Moment(x, y, heading, along, pace_mps if moving else 0.0, indoors=False,
                      alarm="removing" if seconds >= cut_s else None, tampered=seconds >= cut_s)  # fmt: skip

    steps = (
        Step(0.0, "home", "집 앞에 서 있음", "stands before his home"),
        Step(cut_s, "cut", "부착장치 스트랩을 끊음", "cuts the strap"),
        Step(run_s, "flight", "시 경계 쪽으로 달아남", "flees towards the border"),
        Step(round(crossed_s, 1), "border", "옆 도시로 넘어감", "crosses into the other city"),
        Step(round(hidden_s, 1), "hidden", "골목에 멈춰 섬", "stops in a side street"),
        Step(round(min(STORY_MAX_S, hidden_s + 240), 1), "end", "끝", "end"),
    )
    return Story("tamper", "부착장치 훼손", "집 앞에서 스트랩을 끊고 경계를 넘어 옆 도시로 달아납니다.", "Strap cut",
                 "Cuts the strap near home and flees over the border into the next city.", wearer, steps, moment,
                 rings_s=cut_s)  # fmt: skip


def recorded(streets: Streets, wearer: WearerId, walk: Walk) -> Story:
    """The strap is cut on a walk that somebody really took: its steps, its pauses, and the fixes of its receiver.

    The cut comes with the walk's first fix after `CUT_S`, so that every report of the story is a recorded one. When the
    record ends he stands where it ended.
    """
    line, border = escape(streets)
    run = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(walk.trail, axis=0), axis=1))])
    cut_s = float(walk.at_s[np.searchsorted(walk.at_s, CUT_S)])
    crossed_s, hidden_s = float(np.interp(border, run, walk.at_s)), walk.length_s

    def moment(seconds: float) -> Moment:
        along, soon = (float(np.interp(each, walk.at_s, run)) for each in (seconds, seconds + 1.0))
        x, y, heading = line.at(along)
        last = int(np.searchsorted(walk.at_s, seconds + FIX_S_SLACK, side="right")) - 1
        fx, fy = (float(each) for each in walk.fixes[last])
        written = seconds <= hidden_s and seconds - float(walk.at_s[last]) < FIX_S_SLACK
        return Moment(x, y, heading, along, soon - along, indoors=False,
                      alarm="removing" if seconds >= cut_s else None, tampered=seconds >= cut_s,
                      fix=(fx, fy, 0.0) if written else None, recorded=written)  # fmt: skip

    steps = (
        Step(0.0, "home", "집을 나섬", "leaves his home"),
        Step(cut_s, "cut", "부착장치 스트랩을 끊음", "cuts the strap"),
        Step(cut_s + 1.0, "flight", "시 경계 쪽으로 걸음", "walks towards the border"),
        Step(round(crossed_s, 1), "border", "옆 도시로 넘어감", "crosses into the other city"),
        Step(round(hidden_s, 1), "hidden", "멈춰 섬", "stops"),
        Step(round(min(STORY_MAX_S, hidden_s + 240), 1), "end", "끝", "end"),
    )
    assert 0.0 < cut_s < crossed_s < hidden_s, "a recorded walk cuts, crosses the border and ends, in this order"
    return Story("tamper", "부착장치 훼손", "실제로 기록된 걸음 그대로: 스트랩을 끊고 경계를 넘어 옆 도시로 갑니다.", "Strap cut",
                 "A walk that was really recorded: cuts the strap and crosses the border.", wearer, steps, moment,
                 fixes_s=tuple(walk.at_s.tolist()), rings_s=cut_s)  # fmt: skip


def zone(streets: Streets, wearer: WearerId, middle: tuple[float, float], radius_m: float) -> Story:
    """Walks into an exclusion zone, stays a little, walks out again."""
    line = approach(streets, middle, radius_m + 90.0)
    pace, stay_s = 1.35, 120.0
    entry = next(s for s in range(int(line.length_m) + 1) if math.dist(line.at(s)[:2], middle) < radius_m)
    inside_m = min(line.length_m, entry + 100.0)
    back_s = inside_m / pace + stay_s

    def moment(seconds: float) -> Moment:
        along = min(inside_m, seconds * pace) if seconds < back_s else max(0.0, inside_m - (seconds - back_s) * pace)
        x, y, heading = line.at(along)
        moving = 0 < along < inside_m
        return Moment(
            x,
            y,
            heading + (math.pi if seconds >= back_s else 0),
            seconds * pace,
            pace if moving else 0.0,
            indoors=False,
        )

    steps = (
        Step(0.0, "walk", "출입금지구역 쪽으로 걸음", "walks towards the zone"),
        Step(round(entry / pace, 1), "inside", "출입금지구역에 들어감", "enters the zone"),
        Step(round(inside_m / pace, 1), "stay", "구역 안에 머묾", "stays inside"),
        Step(round(back_s, 1), "leave", "구역을 나감", "leaves"),
        Step(round(back_s + inside_m / pace, 1), "end", "끝", "end"),
    )
    return Story("zone", "출입금지구역 진입", "금지된 어린이공원 둘레로 걸어 들어갑니다.", "Exclusion zone",
                 "Walks into a zone that the court has forbidden.", wearer, steps, moment, rings_s=round(entry / pace + ZONE_BELIEVED_S, 1))  # fmt: skip


def approach(streets: Streets, middle: tuple[float, float], from_m: float) -> Way:
    """A way by road that starts so far from a place and ends nearest to it."""
    goal = streets.nearest(*middle)
    away = streets.distances(goal)
    start = min(away, key=lambda n: (abs(math.dist(streets.nodes[n], middle) - from_m - 20.0), n))
    line = beside(streets, streets.route(start, goal), pavement=True)
    first = next((s for s in range(int(line.length_m)) if math.dist(line.at(s)[:2], middle) < from_m), 0)
    return way([line.at(s)[:2] for s in range(first, int(line.length_m) + 1)])


def drift(wearer: WearerId, home: tuple[float, float], middle: tuple[float, float]) -> Story:
    """Stays at home; reflected signals put two fixes into the zone, with a radius that says so. Nothing happened, nothing rings."""
    wild = ((25.0, 37.0), (45.0, 57.0))

    def moment(seconds: float) -> Moment:
        fix = None
        for k, (start, end) in enumerate(wild):
            if start <= seconds < end:
                fix = middle[0] + 20.0 * k, middle[1] - 15.0, 165.0 + 20.0 * k
        if fix is None:
            fix = home[0] + 3.0 * math.sin(seconds / 40), home[1] + 3.0 * math.cos(seconds / 40), 14.0
        return Moment(home[0], home[1], 0.0, 0.0, 0.0, indoors=True, fix=fix)

    steps = (
        Step(0.0, "home", "집에 있음", "is at home"),
        Step(25.0, "wild", "반사된 신호: 위치가 구역 안으로 튐", "a reflected signal puts him into the zone"),
        Step(37.0, "calm", "다시 제자리", "back in place"),
        Step(45.0, "wild", "한 번 더 튐", "once more"),
        Step(57.0, "calm", "다시 제자리", "back in place"),
        Step(180.0, "end", "끝: 사람이 출동할 일이 아님", "end: nobody had to go out"),
    )
    return Story("drift", "위치 튐", "집에 있는데 위치만 구역 안으로 튑니다. 경보가 없거나, 저절로 풀려야 합니다.", "Drift",
                 "At home all the time; only the fixes jump. No alarm, or one that returns.", wearer, steps, moment)  # fmt: skip


def curfew(streets: Streets, wearer: WearerId, home: tuple[float, float]) -> Story:
    """Leaves home although a curfew holds, stays away a little, comes back."""
    start = streets.nearest(*home)
    away = streets.distances(start)
    goal = min(away, key=lambda n: (abs(away[n] - 300.0), n))
    line = way([home, *map(tuple, beside(streets, streets.route(start, goal), pavement=True).corners)])
    pace, out_s, stay_s = 1.7, 8.0, 150.0
    there_s = out_s + line.length_m / pace
    back_s = there_s + stay_s
    home_s = back_s + line.length_m / pace

    def moment(seconds: float) -> Moment:
        along = (seconds - out_s) * pace if seconds < back_s else line.length_m - (seconds - back_s) * pace
        along = min(line.length_m, max(0.0, along))
        x, y, heading = line.at(along)
        moving = 0 < along < line.length_m
        turned = math.pi if seconds >= back_s else 0.0
        return Moment(x, y, heading + turned, seconds * pace, pace if moving else 0.0, indoors=along == 0.0)

    steps = (
        Step(0.0, "home", "집에 있음", "is at home"),
        Step(out_s, "out", "외출제한 시간에 집을 나섬", "leaves home although a curfew holds"),
        Step(round(there_s, 1), "away", "골목에 머묾", "stays in a street"),
        Step(round(back_s, 1), "back", "집으로 돌아감", "goes back"),
        Step(round(home_s, 1), "returned", "집에 돌아옴", "is home again"),
        Step(round(home_s + 180.0, 1), "end", "끝: 경보는 사람이 종결함", "end: a person closes the alarm"),
    )
    return Story("curfew", "외출제한 위반", "외출제한 시간에 집을 나섰다가 돌아옵니다. 돌아와도 경보는 남습니다.", "Curfew",
                 "Leaves home when a curfew holds and comes back. The alarm stays.", wearer, steps, moment,
                 rings_s=out_s + CURFEW_BELIEVED_S)  # fmt: skip


def nearing(streets: Streets, wearer: WearerId, home: tuple[float, float], protected: tuple[float, float]) -> Story:
    """Rides on a scooter from the other end of town to the street of the protected person, waits there, rides home."""
    start, goal = streets.nearest(*home), streets.nearest(*protected)
    line = way([home, *map(tuple, beside(streets, streets.route(start, goal), pavement=False).corners)])
    pace, out_s, stay_s = 14.0, 5.0, 45.0
    there_s = out_s + line.length_m / pace
    back_s = there_s + stay_s
    home_s = back_s + line.length_m / pace

    def along_at(seconds: float) -> float:
        along = (seconds - out_s) * pace if seconds < back_s else line.length_m - (seconds - back_s) * pace
        return min(line.length_m, max(0.0, along))

    def within(metres: float) -> float:
        """When the straight distance first is less."""
        last = round(there_s)
        return float(next((s for s in range(last) if math.dist(line.at(along_at(s))[:2], protected) < metres), last))

    def moment(seconds: float) -> Moment:
        x, y, heading = line.at(along_at(seconds))
        moving = out_s < seconds < there_s or back_s < seconds < home_s
        turned = math.pi if seconds >= back_s else 0.0
        return Moment(x, y, heading + turned, 0.0, pace if moving else 0.0, indoors=not out_s <= seconds < home_s)

    # On the same way back, as long after turning as he needed before.
    far_s = back_s + there_s - within(2_000.0)
    steps = (
        Step(0.0, "home", "집에 있음", "is at home"),
        Step(out_s, "ride", "보호대상자가 사는 쪽으로 달림", "rides towards where the protected person lives"),
        Step(within(2_000.0), "ring_2k", "2 km 안", "within 2 km"),
        Step(within(1_000.0), "ring_1k", "1 km 안: 112에 바로 알림", "within 1 km: the police are told at once"),
        Step(round(there_s, 1), "ring_100", "집 앞 골목에 멈춤", "stops in the street of the home"),
        Step(round(back_s, 1), "leave", "되돌아감", "turns back"),
        Step(round(far_s, 1), "far", "다시 2 km 밖", "beyond 2 km again"),
        Step(round(home_s, 1), "returned", "집에 돌아옴", "is home again"),
        Step(round(home_s + 120.0, 1), "end", "끝", "end"),
    )
    assert home_s + 120.0 <= STORY_MAX_S, "the town is too wide for this ride"
    return Story("approach", "보호대상자 접근", "스쿠터로 보호대상자의 집 쪽으로 다가옵니다. 보호대상자의 전화가 먼저 압니다.", "Approach",
                 "Rides up to where the protected person lives; that person's phone knows first.", wearer, steps, moment,
                 rings_s=within(2_000.0))  # fmt: skip


def outage(streets: Streets, wearer: WearerId) -> Story:
    """The strap is cut; in the middle of it the first city's line goes dead and comes back, and then the control
    centre's program dies and is started again. The wearer walks up and down one street of the first city.
    """
    line, border = escape(streets)
    there = max(0.0, border - OUTAGE_M)
    far, pace = min(OUTAGE_WALK_M, max(1.0, border - there - 10.0)), 1.3
    breaks = Outage(road=streets.cities[0].id, cut_s=60.0, mended_s=95.0, killed_s=125.0)

    def moment(seconds: float) -> Moment:
        walked = max(0.0, seconds - CUT_S) * pace
        turned = walked % (2 * far) > far
        x, y, heading = line.at(there + (2 * far - walked % (2 * far) if turned else walked % (2 * far)))
        return Moment(x, y, heading + (math.pi if turned else 0.0), walked, pace if walked else 0.0, indoors=False,
                      alarm="removing" if seconds >= CUT_S else None, tampered=seconds >= CUT_S)  # fmt: skip

    steps = (
        Step(0.0, "home", "집 앞에 서 있음", "stands before his home"),
        Step(CUT_S, "cut", "부착장치 스트랩을 끊음", "cuts the strap"),
        Step(breaks.cut_s, "road_cut", "가람시로 가는 회선이 끊김", "the line to the first city goes dead"),
        Step(breaks.mended_s, "road_mended", "회선이 돌아옴", "the line comes back"),
        Step(breaks.killed_s, "killed", "관제센터 프로그램이 죽고 다시 시작됨", "the control centre's program dies and starts again"),
        Step(300.0, "end", "끝", "end"),
    )  # fmt: skip
    return Story("outage", "장애 속의 사건", "스트랩이 끊긴 사건 한가운데에서 시 회선이 끊기고, 관제센터 프로그램이 죽습니다. 경보도 기록도 잃지 않아야 합니다.",
                 "Outage", "In the middle of an incident a city's line goes dead, then the control centre's program dies. Nothing may be lost.",
                 wearer, steps, moment, outage=breaks)  # fmt: skip


NAMES: Final[Sequence[str]] = ("tamper", "zone", "drift", "curfew", "approach", "outage")
