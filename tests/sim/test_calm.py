"""Nobody in the made city breaks anything by himself: what rings in a demo is a story that somebody started."""

from collections.abc import Iterator

import msgspec
import pytest

from safetynet.app.bells import Bells
from safetynet.core import rules
from safetynet.core.fixes import Fix
from safetynet.core.rules import RuleState
from safetynet.core.terms import HOUR_MS, AlarmKind, FixId, Instant, WearerId
from safetynet.core.verdicts import Transition
from safetynet.sim.provision import order_of
from safetynet.sim.world import World

DAY = Instant(1_795_399_200_000)
"""11:00 in Korea."""
NIGHT = Instant(DAY + 12 * HOUR_MS)
"""Curfews hold."""
STEP_MS = 5_000
BRIEF = {AlarmKind.GPS_LOST}
"""Somebody sits under concrete for a while with nothing but towers: recorded, and over long before it would ring."""


def listened(world: World, since: Instant, story: str | None = None) -> Iterator[Transition]:
    """An hour of the world as the control centre judges it: every report as a fix, every bell of its clock."""
    orders = {each.id: order_of(each) for each in world.wearers()}
    whose = {each.device: (each.id, False) for each in world.wearers()}
    whose |= {each.device: (WearerId(each.id), True) for each in world.protected()}
    bells, state, heard = Bells(orders, since), RuleState(), 0
    world.advance(since)
    if story is not None:
        world.start(story, since)
    for at in range(since, since + HOUR_MS, STEP_MS):
        fixes = []
        for said in world.advance(Instant(at)):
            wearer, protected = whose[said.device]
            fixes.append(
                Fix(id=FixId(0), wearer=wearer, device=said.device, observed_at=said.observed_at, received_at=Instant(at),
                    lat=said.lat, lon=said.lon, accuracy_m=said.radius_m, source=said.source, speed_mps=said.speed_mps,
                    protected=protected)
            )  # fmt: skip
        fixes += bells.due(orders, state, Instant(at))
        batch = [msgspec.structs.replace(each, id=FixId(heard + n)) for n, each in enumerate(fixes, 1)]
        heard += len(batch)
        told, state = rules.judge(batch, orders, state)
        yield from told


@pytest.mark.parametrize(("seed", "since"), [(20261123, DAY), (20261123, NIGHT), (16, DAY), (7, NIGHT), (15, NIGHT)])
def test_a_calm_demo_is_calm(seed: int, since: Instant) -> None:
    told = [(each.wearer, each.kind, each.zone) for each in listened(World(seed), since) if each.kind not in BRIEF]
    assert told == []


@pytest.mark.parametrize("story", ["zone", "curfew", "approach"])
def test_and_a_story_is_heard(story: str) -> None:
    world = World()
    mine = next(each.wearer for each in world.stories() if each.name == story)
    assert {each.wearer for each in listened(world, DAY, story) if each.kind not in BRIEF} == {mine}
