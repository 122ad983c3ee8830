"""A small program on the real loop and the real store: counts pushes, tells its partner of each, names every third.

Run as `counter.py FOLDER INPUTS [BATCH]`: takes inputs 1 to INPUTS, each under its own inbox key, those that were taken
before too. Writes what left as an errand to `errands`, and prints its state.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from safetynet.app.loop import Loop, Send, Taken
from safetynet.core import events as e
from safetynet.core import messages as m
from safetynet.core.terms import AlarmId, CentreId, IncidentId, Instant, WearerId, Why
from safetynet.edge.doors import InboxKey, Log, RelayMark
from safetynet.edge.keys import open_centre, salt
from safetynet.edge.store import Store

State = tuple[int, int, tuple[str, ...]]
"""Named events, nameless events, and everything in order."""
EMPTY: State = (0, 0, ())
PARTNER = CentreId("garam")


def decide(state: State, given: int, at: Instant) -> Sequence[e.AnyEvent]:
    assert given != 13, "our own mistake"
    if given % 5 == 0:
        return []
    made: list[e.AnyEvent] = [e.ProgramStarted(at=at, version=f"{given} after {len(state[2])}")]
    if given % 3 == 0:
        made.append(
            e.IncidentOpened(
                at=at, incident=IncidentId(f"i-{given}"), wearer=WearerId(f"w-{given % 2}"), alarm=AlarmId("a")
            )
        )
    return made


def evolve(state: State, event: e.AnyEvent) -> State:
    named, nameless, seen = state
    match event:
        case e.IncidentOpened():
            return named + 1, nameless, (*seen, event.incident)
        case e.ProgramStarted():
            return named, nameless + 1, (*seen, event.version)
        case _:
            raise AssertionError(event)


def react(state: State, serial: int, event: e.AnyEvent) -> Sequence[Send | str]:
    assert len(state[2]) == serial, "the state after the event"
    match event:
        case e.IncidentOpened():
            return [Send(PARTNER, m.EndIncident(incident=event.incident, why=Why.STOPPED)), f"push {serial}"]
        case _:
            return [f"push {serial}"]


def looped(log: Log) -> Loop[State, int, str]:
    return Loop(log, EMPTY, decide, evolve, react)


def taken(given: int) -> Taken[int]:
    return Taken(given, Instant(given), InboxKey(PARTNER, 1, given), RelayMark("r", given) if given % 7 == 0 else None)


def store_in(folder: Path) -> Store:
    keys = open_centre(folder)
    return Store.open(
        folder / "log.db",
        centre=CentreId("control"),
        keys=keys.persons,
        sign=keys.sign,
        salt=salt,
        now=lambda: Instant(1),
    )


def main() -> None:
    folder, inputs, batch = Path(sys.argv[1]), int(sys.argv[2]), int((sys.argv[3:] or ["1"])[0])
    loop = looped(store_in(folder))
    for start in range(1, inputs + 1, batch):
        given = range(start, min(start + batch, inputs + 1))
        errands = loop.take_many([taken(each) for each in given])
        with (folder / "errands").open("a") as file:
            file.writelines(f"{errand}\n" for errand in errands)
    print(loop.state)


if __name__ == "__main__":
    main()
