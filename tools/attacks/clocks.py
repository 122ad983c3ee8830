"""At the clock: it jumps by an hour, forwards or back, at who gives pictures and at who shows them."""

import asyncio
from typing import Final

from safetynet.core.messages import EndIncident
from safetynet.core.terms import HOUR_MS, IncidentId, Instant, Why
from safetynet.edge import clock
from safetynet.sim.provision import CONTROL
from tools.attacks import bent
from tools.attacks.book import Wave, attack
from tools.attacks.road import road, wanted
from tools.attacks.roads import SLACK_MS, granted, lasts
from tools.attacks.stage import CUT_MS_MAX, Stage, demand, video
from tools.attacks.viewing import watching

GRANT_MS: Final = 5_000
LOOK_MS: Final = 9_000


async def _city(stage: Stage, shift_ms: int) -> None:
    """A short grant; the clock of the whole city jumps in the middle of it."""
    incident = f"I-CLOCK{shift_ms}"
    try:
        async with road(stage, CONTROL) as at:
            asked = clock.monotonic()
            given = await granted(stage, at, incident, until=Instant(clock.now() + GRANT_MS))
            looking = asyncio.create_task(lasts(stage, given, LOOK_MS))
            await asyncio.sleep(1.5)
            bent.write(stage.plan, shift_ms)
            count, last_at = await looking
            demand(count, "no picture came before, so the end says nothing")
            demand(last_at - asked <= GRANT_MS + SLACK_MS, f"a grant of {GRANT_MS} ms lasted {last_at - asked} ms")
            bent.write(stage.plan)
            await at.say(EndIncident(incident=IncidentId(incident), why=Why.STOPPED))
    finally:
        bent.write(stage.plan)


@attack(
    "pictures for an hour longer by setting the city's clock back", Wave.CITY, "a grant ends by the wall clock alone"
)
async def city_back(stage: Stage) -> None:
    await _city(stage, -HOUR_MS)


@attack("pictures by setting the city's clock forward", Wave.CITY)
async def city_forward(stage: Stage) -> None:
    await _city(stage, HOUR_MS)


@attack("a request of before taken for new by a city whose clock was set back", Wave.CITY)
async def old_request(stage: Stage) -> None:
    try:
        async with road(stage, CONTROL) as at:
            first = at.envelope(wanted(stage, "I-OLD", until=Instant(clock.now() + GRANT_MS)))
            demand(await at.carry(first) is None, "a request is not taken")
            await at.say(EndIncident(incident=IncidentId("I-OLD"), why=Why.STOPPED))
            await asyncio.sleep(0.3)
            at.heard.clear()
            bent.write(stage.plan, -HOUR_MS)
            await at.carry(first)
            await at.say(wanted(stage, "I-OLD"))
            await asyncio.sleep(0.5)
            demand(
                not [each for each in at.heard if type(each).__name__ == "GiveGrant"], "what is over was granted again"
            )
    finally:
        bent.write(stage.plan)


async def _centre(stage: Stage, shift_ms: int) -> None:
    """The clock of the control centre's relay jumps while a window looks; then the window's ground goes."""
    try:
        async with stage.at("operator1") as desk, video(stage.ports.windows) as opened:
            held = await stage.granted(desk)
            await watching(stage, opened, held)
            bent.write(stage.plan, shift_ms)
            await asyncio.sleep(0.5)
            before = sum(opened.pictures.values())
            await asyncio.sleep(1.0)
            demand(sum(opened.pictures.values()) > before, "a jump of the clock ended a picture that was lawful")
            since = clock.monotonic()
            await stage.close(desk, held.incident)
            await asyncio.sleep(CUT_MS_MAX / 1_000)
            demand(await opened.quiet() and opened.last_at - since <= CUT_MS_MAX, "pictures go on after the end")
    finally:
        bent.write(stage.plan)


@attack("pictures after the end by setting the relay's clock back", Wave.DESK)
async def relay_back(stage: Stage) -> None:
    await _centre(stage, -HOUR_MS)


@attack("a lawful picture taken away, or kept, by setting the relay's clock forward", Wave.DESK)
async def relay_forward(stage: Stage) -> None:
    await _centre(stage, HOUR_MS)
