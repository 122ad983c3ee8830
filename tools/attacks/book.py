"""The attacks by name. A name says what the attacker wants; the attack raises `Broken` when he gets it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from tools.attacks.stage import Stage


class Wave(Enum):
    """What runs while an attack is made, in the order in which the stage is set."""

    DESK = "desk"
    """A control centre and a city with their relays, and a police room: everything as in the demo."""
    CITY = "city"
    """A city and its relay; the attacker holds every key of the control centre."""
    CENTRE = "centre"
    """A control centre and its relay; the attacker holds every key of the city and of the police room."""
    STORE = "store"
    """Nothing runs: the attacker is an administrator at the files."""


@dataclass(frozen=True, slots=True)
class Attack:
    name: str
    wave: Wave
    run: Callable[[Stage], Awaitable[None]]
    control: str | None
    """Name in `tools/sabotages.toml`: with this defence taken out of a copy of the tree the attack must get through."""


BOOK: Final[dict[str, Attack]] = {}


def attack(
    name: str, wave: Wave, control: str | None = None
) -> Callable[[Callable[[Stage], Awaitable[None]]], Callable[[Stage], Awaitable[None]]]:
    def entered(run: Callable[[Stage], Awaitable[None]]) -> Callable[[Stage], Awaitable[None]]:
        assert name not in BOOK, name
        BOOK[name] = Attack(name, wave, run, control)
        return run

    return entered
