"""At the policy engine: it is dead, errs, talks nonsense, decides nothing or is late. None of that is a yes."""

from safetynet.core.messages import EndIncident
from safetynet.core.terms import IncidentId, Why
from safetynet.sim.provision import CONTROL
from tools.attacks import bent
from tools.attacks.book import Wave, attack
from tools.attacks.road import refused, road, wanted
from tools.attacks.stage import Stage, demand


async def _asked(stage: Stage, engine: str) -> None:
    incident = f"I-ENGINE-{engine}"
    bent.write(stage.plan, engine=engine)
    try:
        async with road(stage, CONTROL) as at:
            why = await refused(at, wanted(stage, incident))
            demand(why.startswith("policy"), f"refused as {why}, not for its engine")
            await at.say(EndIncident(incident=IncidentId(incident), why=Why.STOPPED))
    finally:
        bent.write(stage.plan)


@attack("video out of a policy engine that is dead", Wave.CITY)
async def dead(stage: Stage) -> None:
    await _asked(stage, "dead")


@attack("video out of a policy engine that allows and errs", Wave.CITY, "an allow counts although a policy erred")
async def erring(stage: Stage) -> None:
    await _asked(stage, "erring")


@attack("video out of a policy engine that talks nonsense", Wave.CITY)
async def garbage(stage: Stage) -> None:
    await _asked(stage, "garbage")


@attack("video out of a policy engine that decides nothing", Wave.CITY)
async def undecided(stage: Stage) -> None:
    await _asked(stage, "undecided")


@attack("video out of a policy engine that says yes too late", Wave.CITY, "a yes may come as late as it likes")
async def slow(stage: Stage) -> None:
    await _asked(stage, "slow")
