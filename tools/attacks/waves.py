"""What runs while a wave of attacks is made."""

import contextlib
from collections.abc import AsyncGenerator
from typing import Final

from safetynet.sim.provision import CONTROL, POLICE
from tools.attacks import bent
from tools.attacks.book import Wave
from tools.attacks.stage import GARAM, Stage

PROGRAMS: Final[dict[Wave, tuple[str, ...]]] = {
    Wave.DESK: (GARAM, f"{GARAM}-relay", f"{GARAM}-windows", POLICE, CONTROL, "centre-relay"),
    Wave.CITY: (GARAM, f"{GARAM}-relay"),
    Wave.CENTRE: (CONTROL, "centre-relay"),
    Wave.STORE: (),
}
BENT: Final[dict[Wave, frozenset[str]]] = {
    Wave.DESK: frozenset({"centre-relay"}),
    Wave.CITY: frozenset({GARAM, f"{GARAM}-relay"}),
    Wave.CENTRE: frozenset(),
    Wave.STORE: frozenset(),
}
"""What runs on a machine that will lie; until an attack makes it lie it is as true as any."""


@contextlib.asynccontextmanager
async def set_for(wave: Wave, stage: Stage) -> AsyncGenerator[None]:
    bent.write(stage.plan)
    try:
        await _start(wave, stage, PROGRAMS[wave])
        yield
    finally:
        await stage.end(*tuple(stage.running))
        if wave is Wave.DESK:
            stage.keep()


async def _start(wave: Wave, stage: Stage, names: tuple[str, ...]) -> None:
    """All at once."""
    lying = BENT[wave]
    await stage.launch(*(each for each in names if each in lying), plan=stage.plan)
    await stage.start(*(each for each in names if each not in lying))
    await stage.ready(*(each for each in names if each in lying))


async def healed(wave: Wave, stage: Stage) -> str | None:
    """None when everything still runs. Else an attack has ended a program: it is started again for the next one."""
    dead = tuple(name for name in PROGRAMS[wave] if not stage.alive(name))
    if not dead:
        return None
    said = f"{', '.join(dead)} ended over it"
    await stage.end(*dead)
    await _start(wave, stage, dead)
    return said
