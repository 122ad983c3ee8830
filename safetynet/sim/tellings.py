"""How each story but the strap-cut is told: what its operator does and sees, and what must be true of it afterwards.

`sim.smoke` brings up the product, calls one of these for each telling, and reads the logs; here is only what differs.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final, TypeAlias

from playwright.async_api import Browser

from safetynet.core.events import (
    AlarmRaised,
    AlarmReturned,
    AnyEvent,
    GrantIssued,
    IncidentOpened,
    PoliceNotified,
    ProtectedAnswered,
    ProtectedLocated,
    ProtectedWarned,
    Segment,
    StreamClosed,
    StreamOpened,
    VideoRequested,
)
from safetynet.core.grants import LEASE_MS_MAX
from safetynet.core.proximity import APPROACH
from safetynet.core.terms import AlarmId, AlarmKind, Certainty, Why
from safetynet.edge import clock
from safetynet.sim.provision import CITIES
from safetynet.sim.screen import DESK, PHONE, CannotSeeError, Screen, until
from safetynet.sim.smoke import (
    READS_MS,
    Logs,
    Run,
    Stage,
    ask,
    close,
    send_people,
    told_of,
    told_seconds,
    video_seen,
)

Telling: TypeAlias = Callable[[Stage, Screen, Browser, bool], Awaitable[Run]]

ALARM_MS_MAX: Final = 300_000
CERTAIN_MS_MAX: Final = 180_000
DRIFT_S: Final = 80.0
"""Both wild positions are over by then, and the next good one has come."""
AWAY_MS_MAX: Final = 400_000
"""From the officer's arrival to the wearer beyond every ring: he waits in the street, then rides back."""
WELL_AWAY_S: Final = 30.0
"""Until then the circle in which he may be grows over the ring between two fixes: a maybe, and rightly."""
BREAK_MS_MAX: Final = 150_000
BOUND_MS: Final = LEASE_MS_MAX + 1_500
"""From the cut to the last picture that leaves the city: the lease, and a moment for cutting and for the record."""
_DOWN: Final = "sn-header .lk.down"
_AGE: Final = "\\d"
_SURE: Final = "확실|certain"
_ROW: Final = """wearer => {
  const row = [...document.querySelectorAll('sn-alarm.new')].find((each) => each.row?.alarm?.wearer === wearer);
  row?.click();
  return row ? row.row.incident?.id ?? row.row.alarm.id : null;
}"""


async def _begin(stage: Stage, desk: Screen) -> Run:
    """Starts the story and claims its first alarm: others may ring meanwhile, as they do in life."""
    started = await asyncio.to_thread(ask, f"{stage.panel}/story/{stage.story}", "POST")
    alarm = await until("the alarm of the story", lambda: _row(desk, started["wearer"]), ALARM_MS_MAX)
    await desk.press("Enter")
    await until("the incident is ours", lambda: desk.says("sn-sheet", ".+"))
    return Run(AlarmId(alarm))


async def _row(desk: Screen, wearer: str) -> str | None:
    """The alarm that stands in the queue for this wearer; its row is chosen then."""
    found: str | None = await desk.page.evaluate(_ROW, wearer)
    return found


async def _breach(stage: Stage, desk: Screen, browser: Browser, first: bool) -> Run:  # noqa: FBT001 - a Telling
    """A zone or a curfew: suspected, then certain; pictures; people sent; closed."""
    run = await _begin(stage, desk)
    await until("a certain verdict", lambda: desk.says("sn-sheet", _SURE), CERTAIN_MS_MAX)
    if first:
        await desk.shoot(stage.story)
    await asyncio.sleep(READS_MS / 1_000)
    asked_at = await video_seen(desk, run, first=first)
    await send_people(stage, desk, browser, desk.shots, first=first)
    run.notes = await desk.notes(asked_at)
    await close(stage, desk, run, first=first)
    return run


async def _approach(stage: Stage, desk: Screen, browser: Browser, first: bool) -> Run:  # noqa: FBT001 - a Telling
    """The protected person's phone knows each ring; the police are told without anybody's key; then as ever."""
    phone = await Screen.open(browser, PHONE, desk.shots)
    try:
        await phone.sign_in(stage.url, stage.protected)
        await until("a quiet phone", lambda: _shows(phone, ""))
        if first:
            await phone.shoot("protected-quiet")
        run = await _begin(stage, desk)
        await until("the phone knows of 2 km", lambda: _shows(phone, "2k"))
        if first:
            await phone.shoot("protected-2km")
        await until("the phone knows of 1 km", lambda: _shows(phone, "1k"), ALARM_MS_MAX)
        await until("a direction", phone.page.locator(".sh-side").count)
        if first:
            await phone.shoot("protected-1km")
            await desk.shoot("approach")
        await phone.page.locator("[data-answer=seen]").click()
        await until("the answer on the operator's screen", lambda: desk.says("sn-sheet", "알림을 봄|warning seen"))
        asked_at = await video_seen(desk, run, first=first)
        await send_people(stage, desk, browser, desk.shots, first=first)
        run.notes = await desk.notes(asked_at)
        # An operator who closed while he is still near would be rung again at once, and rightly.
        await until("a quiet phone again, since he has left", lambda: _shows(phone, ""), AWAY_MS_MAX)
        far_s = await _step_s(stage, "far") + WELL_AWAY_S
        await until("the wearer is well away", lambda: _past(stage, far_s), AWAY_MS_MAX)
        await close(stage, desk, run, first=first)
        if not await _shows(phone, ""):
            raise CannotSeeError("the protected person was warned again after he had left")
        if phone.faults:
            raise CannotSeeError(f"the protected person's page failed: {phone.faults[0]}")
    finally:
        await phone.close()
    return run


async def _shows(phone: Screen, ring: str) -> bool:
    return await phone.page.locator(f".sh[data-ring='{ring}'] .sos").count() > 0


async def _drift(stage: Stage, desk: Screen, browser: Browser, first: bool) -> Run:  # noqa: FBT001 - a Telling
    """Nothing happened: no alarm, or one that says maybe, returns by itself and is closed as what it was."""
    started = await asyncio.to_thread(ask, f"{stage.panel}/story/{stage.story}", "POST")
    await until("both wild positions are over", lambda: _past(stage, DRIFT_S), ALARM_MS_MAX)
    found = await _row(desk, started["wearer"])
    run = Run(AlarmId(found or ""), ended_at_viewer=True)
    if first:
        await desk.shoot("drift")
    if found:
        await desk.press("Enter")
        await until("the incident is ours", lambda: desk.says("sn-sheet", ".+"))
        await close(stage, desk, run, first=first, code=5)
    else:
        await asyncio.to_thread(ask, f"{stage.panel}/story/{stage.story}/stop", "POST")
    return run


async def _step_s(stage: Stage, word: str) -> float:
    told = await told_of(stage)
    return next(float(each["at_s"]) for each in told["steps"] if each["word"] == word)


async def _past(stage: Stage, seconds: float) -> bool:
    told = await told_seconds(stage)
    return told is not None and told >= seconds


async def _outage(stage: Stage, desk: Screen, browser: Browser, first: bool) -> Run:  # noqa: FBT001 - a Telling
    """In the middle of an incident the first city's line goes dead, then the control centre's program dies."""
    own = stage.cameras[CITIES[0]]
    known = await desk.alarms()
    city = await Screen.open(browser, DESK, desk.shots)
    try:
        await city.sign_in(stage.city_url, stage.city_account)
        await until("the city's calm screen", lambda: city.says("sn-header", ".+"))
        run = await _begin(stage, desk)
        await asyncio.sleep(READS_MS / 1_000)
        asked_at = await video_seen(desk, run, first=first)
        run.breaks, feeds = await _breaks(stage), desk.feeds

        await until("the road to the city is cut", lambda: _broken(run, "road_cut"), BREAK_MS_MAX)
        for screen in (desk, city):
            await until("the link that is down, with its age", partial(screen.says, _DOWN, _AGE))
        await until("no picture of the city is called live", lambda: _none(desk, own))
        if first:
            await desk.shoot("outage-cut")
            await city.shoot("outage-cut-city")
        await until("the road is mended", lambda: _broken(run, "road_mended"), BREAK_MS_MAX)
        for screen in (desk, city):
            await until("the link that is up again", partial(_whole, screen))
        await until("pictures of the city again", lambda: desk.live(own))
        if first:
            await desk.shoot("outage-mended")

        await until("the control centre's program is killed", lambda: _broken(run, "killed"), BREAK_MS_MAX)
        await until("the page that noticed that its centre is gone", lambda: _noticed(desk, feeds))
        if first:
            await desk.shoot("outage-killed")
        await until("the page that has its centre again", lambda: _awake(desk, feeds))
        await until("pictures of the city again, after the start", lambda: desk.live(own))
        if first:
            await desk.shoot("outage-again")
        if len(new := await desk.alarms() - known) > 1:
            raise CannotSeeError(f"{len(new)} alarms rang on the operator's screen, and one was raised")
        await send_people(stage, desk, browser, desk.shots, first=first)
        run.notes = await desk.notes(asked_at)
        await close(stage, desk, run, first=first)
        if city.faults:
            raise CannotSeeError(f"the city's page failed: {city.faults[0]}")
    finally:
        await city.close()
    return run


async def _breaks(stage: Stage) -> dict[str, int]:
    """When each step of the running story comes, wall clock ms."""
    told = await told_of(stage)
    if told["seconds"] is None:
        raise CannotSeeError("the story does not run")
    began = told["at"] - round(told["seconds"] * 1_000)
    return {each["word"]: began + round(each["at_s"] * 1_000) for each in told["steps"]}


async def _broken(run: Run, word: str) -> bool:
    return clock.now() >= run.breaks[word]


async def _none(desk: Screen, cameras: frozenset[str]) -> bool:
    return not await desk.live(cameras)


async def _whole(screen: Screen) -> bool:
    return await screen.page.locator(_DOWN).count() == 0


async def _noticed(desk: Screen, feeds: int) -> bool:
    """It says how old its data is, or the centre was back before the data grew old and told it everything anew."""
    return desk.feeds > feeds or await desk.says("sn-watchdog .wd", _AGE)


async def _awake(desk: Screen, feeds: int) -> bool:
    return desk.feeds > feeds and await desk.page.locator("sn-watchdog .wd").count() == 0


TELLINGS: Final[dict[str, Telling]] = {
    "zone": _breach,
    "curfew": _breach,
    "approach": _approach,
    "drift": _drift,
    "outage": _outage,
}


# --- what must be true of them -------------------------------------------------------------------------------------


def unmet(story: str, logs: Logs, told: Sequence[Run], runs: int) -> list[str]:
    """What the story promises and the records do not show."""
    if story == "outage":
        return [what for what, holds in _survived(logs, told, runs).items() if not holds]
    held = {"zone": _zone, "curfew": _curfew, "approach": _near, "drift": _still}[story](logs, runs)
    return [what for what, holds in held.items() if not holds]


def _raised(logs: Logs, kind: AlarmKind) -> list[AlarmRaised]:
    return [each for each in logs.control() if isinstance(each, AlarmRaised) and each.kind is kind]


def _granted(logs: Logs, kind: AlarmKind) -> int:
    return len({each.incident for each in logs.cities() if isinstance(each, GrantIssued) and each.kind is kind})


def _zone(logs: Logs, runs: int) -> dict[str, bool]:
    return {
        "a telling raised no alarm of the zone": len(_raised(logs, AlarmKind.EXCLUSION_ZONE)) >= runs,
        "a telling without a grant": _granted(logs, AlarmKind.EXCLUSION_ZONE) >= runs,
    }


def _curfew(logs: Logs, runs: int) -> dict[str, bool]:
    return {
        "a telling raised no alarm of the curfew": len(_raised(logs, AlarmKind.CURFEW)) >= runs,
        "a telling without a grant": _granted(logs, AlarmKind.CURFEW) >= runs,
    }


def _near(logs: Logs, runs: int) -> dict[str, bool]:
    warned = [each for each in logs.control() if isinstance(each, ProtectedWarned)]
    told = [each for each in logs.control() if isinstance(each, PoliceNotified)]
    located = [each for each in logs.control() if isinstance(each, ProtectedLocated)]
    near = {each.alarm for each in logs.control() if isinstance(each, AlarmRaised) and each.kind in APPROACH}
    over = {each.alarm for each in logs.control() if isinstance(each, AlarmReturned)}
    return {
        "a ring did not return though he had left": near <= over,
        "an alarm rang anew after the incident was closed": len(near) <= len(APPROACH) * runs,
        "not warned at 2 km": sum(each.kind is AlarmKind.APPROACH_2K for each in warned) >= runs,
        "not warned at 1 km, with a direction": sum(
            each.kind is AlarmKind.APPROACH_1K and each.direction for each in warned
        )
        >= runs,
        "a direction beyond 1 km": all(not each.direction for each in warned if each.kind is AlarmKind.APPROACH_2K),
        "the police waited for a person": sum(each.kind is AlarmKind.APPROACH_1K and each.by is None for each in told)
        >= runs,
        "the answer is not in the record": sum(isinstance(each, ProtectedAnswered) for each in logs.control()) >= runs,
        "a telling without a grant": sum(
            _granted(logs, kind) for kind in (AlarmKind.APPROACH_1K, AlarmKind.APPROACH_100)
        )
        >= runs,
        "a city was told where the protected person is": not _leaks(logs, located),
    }


def _leaks(logs: Logs, located: list[ProtectedLocated]) -> bool:
    own = {(each.place.lat, each.place.lon) for each in located}
    told = (getattr(each, "place", None) for each in logs.cities())
    return any(place is not None and (place.lat, place.lon) in own for place in told)


def _still(logs: Logs, _runs: int) -> dict[str, bool]:
    events: list[AnyEvent] = list(logs.control())
    raised = [each for each in events if isinstance(each, AlarmRaised)]
    returned = {each.alarm for each in events if isinstance(each, AlarmReturned)}
    return {
        "a bad position made a certain alarm": all(each.certainty is Certainty.MAYBE for each in raised),
        "an alarm of a bad position did not return by itself": all(each.alarm in returned for each in raised),
        "video was asked for though nothing happened": not any(isinstance(each, VideoRequested) for each in events),
    }


def _survived(logs: Logs, told: Sequence[Run], runs: int) -> dict[str, bool]:
    """No alarm lost or doubled; the city's pictures ended by their lease and came back under the same grant."""
    held = {
        "an alarm was lost or doubled": len(_raised(logs, AlarmKind.STRAP_CUT)) == runs,
        "an incident was lost or opened twice": sum(isinstance(each, IncidentOpened) for each in logs.control())
        == runs,
        "a telling without a grant": _granted(logs, AlarmKind.STRAP_CUT) >= runs,
    }
    own = logs.events[CITIES[0]]
    for run in told:
        cut_at, mended_at, last_at = (
            run.breaks["road_cut"],
            run.breaks["road_mended"],
            run.breaks["road_cut"] + BOUND_MS,
        )
        closed = [each for each in own if isinstance(each, StreamClosed) and each.side == "given"]
        opened = [each for each in own if isinstance(each, StreamOpened) and each.side == "given"]
        given = [each.at for each in own if isinstance(each, Segment) and each.side == "given"]
        ended = [each for each in closed if each.why is Why.LEASE_RUN_OUT and cut_at < each.at <= last_at]
        held |= {
            "no picture ended by its lease in the city that was cut off": bool(ended),
            "pictures left a city that was cut off beyond its lease": not any(last_at < at < mended_at for at in given),
            "no picture came back under its grant": any(
                each.at > mended_at and each.grant in {one.grant for one in ended} for each in opened
            ),
        }
    return held
