"""Who sits in a storm's cities, and what befalls the disks of its centres. Rolled from the same seed as everything else.

Absent on purpose: sense. People answer late, refuse what they should give, mark what nobody asked for; the minds must hold.
"""

import random
from collections.abc import Sequence
from typing import Final

from safetynet.core import city
from safetynet.core.provisions import REASONS, Held
from safetynet.core.terms import (
    MINUTE_MS,
    Approval,
    Basis,
    DiskLevel,
    Heading,
    Instant,
    PersonId,
    Sight,
    Travel,
    Turn,
)
from safetynet.sim.backups import Backup
from safetynet.sim.centres import CityCentre, Control

CLERK: Final = PersonId("city-clerk")
LOW_MS_MAX: Final = 6 * MINUTE_MS
BACKUPS_MS: Final = 10 * MINUTE_MS


class Staff:
    """The people of one city. Each second each of them may do something."""

    def __init__(self, centre: CityCentre, dice: random.Random) -> None:
        self._city, self._dice = centre, dice
        self._strict = dice.random() < 0.5
        """Whether this city begins by answering one basis by hand."""

    def step(self) -> None:
        if self._city.loop is None:
            return
        dice = self._dice
        if self._strict or dice.random() < 0.0005:
            self._strict = False
            approval = dice.choice((Approval.PERSON, Approval.PERSON, Approval.AUTO))
            self._city.command(city.SetApproval(basis=dice.choice(tuple(Basis)), approval=approval, by=CLERK))
            if self._died():
                return
        for held in [each for _, each in sorted(self._city.loop.state.requests.items())]:
            if self._died():
                return  # over the act before
            if held.grant is None and held.answer_by is not None and dice.random() < 0.04:
                self._answer(held)
            elif held.grant is not None and dice.random() < 0.02:
                self._act(held)

    def _died(self) -> bool:
        return self._city.loop is None

    def _answer(self, held: Held) -> None:
        dice = self._dice
        if dice.random() < 0.35:
            self._city.command(city.Refuse(request=held.request, by=CLERK, why=dice.choice(REASONS)))
            return
        without = frozenset(each for each in held.cameras if dice.random() < 0.2)
        answer = self._city.asked(held.sender, held)
        self._city.command(city.Approve(request=held.request, by=CLERK, without=without, policy=answer))

    def _act(self, held: Held) -> None:
        assert held.grant is not None
        dice, grant = self._dice, held.grant
        cameras = (*held.cameras, self._city.ground.registry.cameras[0].id)
        match dice.choices(("mark", "turn", "review", "stop"), (6, 3, 2, 0.4))[0]:
            case "mark":
                sight = dice.choice(tuple(Sight))
                heading, travel = dice.choice((None, *Heading)), dice.choice((None, *Travel))
                mark = city.MarkSighting(
                    grant=grant, camera=dice.choice(cameras), by=CLERK, sight=sight, heading=heading, travel=travel
                )
                self._city.command(mark)
            case "turn":
                turn = city.TurnCamera(
                    grant=grant, camera=dice.choice(cameras), by=CLERK, turn=dice.choice(tuple(Turn)), can_turn=True
                )
                self._city.command(turn)
            case "review":
                self._city.command(city.Review(grant=grant, by=CLERK))
            case _:
                self._city.command(city.StopProviding(grant=grant, by=CLERK, why=dice.choice(REASONS)))


class Disks:
    """At times a disk is nearly full for minutes, or a centre comes back from a backup: a city from one of minutes ago,
    the control centre from one of this moment (its journal is not part of a storm's backup).
    """

    def __init__(self, control: Control, cities: Sequence[CityCentre], dice: random.Random) -> None:
        self._control, self._cities, self._dice = control, cities, dice
        self._low: dict[Control | CityCentre, tuple[DiskLevel, Instant]] = {}
        self._backups: dict[CityCentre, Backup] = {}
        self._due = Instant(0)
        self.restores = 0

    def step(self, now: Instant) -> None:
        dice = self._dice
        if dice.random() < 0.0004:
            level = dice.choice((DiskLevel.LOW, DiskLevel.SCARCE))
            centres: tuple[Control | CityCentre, ...] = (self._control, *self._cities)
            self._low[dice.choice(centres)] = level, Instant(now + dice.randint(5_000, LOW_MS_MAX))
        for one, (level, until) in tuple(self._low.items()):
            if now >= until:
                del self._low[one]
            one.disk_is(level if now < until else DiskLevel.AMPLE)
        if now >= self._due:
            self._due = Instant(now + BACKUPS_MS)
            self._backups = {each: each.disk.backup() for each in self._cities}
        if dice.random() < 0.00015:
            self.restores += 1
            if dice.random() < 0.3:
                self._control.bring_back(self._control.disk.backup(), "operator")
            else:
                city_ = dice.choice(self._cities)
                city_.bring_back(self._backups[city_], dice.choice(("operator", "partner")))

    def end(self) -> None:
        """The room is back everywhere."""
        for one in self._low:
            one.disk_is(DiskLevel.AMPLE)
        self._low = {}
