"""How each story but the strap-cut is told: what its operator does and sees, and what must be true of it afterwards.

`sim.smoke` brings up the product, calls one of these for each telling, and reads the logs; here is only what differs.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from playwright.async_api import Browser

from safetynet.core.events import (
    AlarmRaised,
    AlarmReturned,
    AnyEvent,
    GrantIssued,
    PoliceNotified,
    ProtectedAnswered,
    ProtectedLocated,
    ProtectedWarned,
    VideoRequested,
)
from safetynet.core.terms import AlarmId, AlarmKind, Certainty
from safetynet.sim.screen import PHONE, CannotSeeError, Screen, until
from safetynet.sim.smoke import (
    READS_MS,
    Logs,
    Run,
    Stage,
    ask,
    close,
    send_people,
    told_seconds,
    video_seen,
)

Telling: TypeAlias = Callable[[Stage, Screen, Browser, bool], Awaitable[Run]]

ALARM_MS_MAX: Final = 300_000
CERTAIN_MS_MAX: Final = 180_000
DRIFT_S: Final = 80.0
"""Both wild positions are over by then, and the next good one has come."""
QUIET_MS_MAX: Final = 15_000
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
        await close(stage, desk, run, first=first)
        await until("a quiet phone again", lambda: _shows(phone, ""), QUIET_MS_MAX)
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


async def _past(stage: Stage, seconds: float) -> bool:
    told = await told_seconds(stage)
    return told is not None and told >= seconds


TELLINGS: Final[dict[str, Telling]] = {"zone": _breach, "curfew": _breach, "approach": _approach, "drift": _drift}


# --- what must be true of them -------------------------------------------------------------------------------------


def unmet(story: str, logs: Logs, runs: int) -> list[str]:
    """What the story promises and the records do not show."""
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
    return {
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
