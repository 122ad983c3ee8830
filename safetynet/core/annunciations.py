"""When an alarm is put before people: delays and counts against chatter, what may hold it back, what may be shelved.

One table, a line for each kind, with the reason beside it. Every alarm is raised and recorded whatever stands here; the
table only says when it rings. A kind without a line rings at once and can neither be held back nor shelved.

Never held back, never shelved: who touched the device, calls for help, everything about a protected person, and what
is certain of a place. No line can change that (`ALWAYS`, `CERTAIN_AT_ONCE`): a line that would is a mistake of ours.

Absent on purpose: who may shelve, and how an outage is found (`control.annunciator`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from safetynet.core.alarms import CALLS, TAMPER
from safetynet.core.terms import HOUR_MS, MINUTE_MS, SECOND_MS, AlarmKind, Certainty, Instant, Priority

ALWAYS: Final = (
    TAMPER
    | CALLS
    | {AlarmKind.APPROACH_100, AlarmKind.APPROACH_1K, AlarmKind.APPROACH_2K, AlarmKind.PROTECTED_LOST}
    | {AlarmKind.JAMMING, AlarmKind.PLANNED_REMOVAL}
)
"""Kinds that ring at once, whatever their certainty."""
CERTAIN_AT_ONCE: Final = frozenset(
    {AlarmKind.EXCLUSION_ZONE, AlarmKind.CURFEW, AlarmKind.SCHOOL_HOURS, AlarmKind.RESIDENCE, AlarmKind.SEPARATION}
)
"""Kinds of a place: what is certain of one rings at once; a suspicion may wait."""

SHELVINGS_MAX: Final = 3
"""Of one alarm. Whoever wants a fourth has something to close, or to give to somebody."""
SHELVED_MS: Final = (15 * MINUTE_MS, 30 * MINUTE_MS, HOUR_MS, 4 * HOUR_MS)
"""For how long a person may put something aside, as far as its line lets them."""
SERVICE_MS_MAX: Final = 8 * HOUR_MS
"""A device that is away longer is another device, or a planned removal."""
SERVICE_MS: Final = (30 * MINUTE_MS, HOUR_MS, 2 * HOUR_MS, 4 * HOUR_MS, SERVICE_MS_MAX)
"""For how long a device may be taken out of service, as the page offers it."""

OUTAGE_MEMBERS_MIN: Final = 20
"""So many of one network within OUTAGE_WINDOW_MS are no chance: with 10,000 wearers about three are to be expected."""
OUTAGE_WINDOW_MS: Final = 2 * MINUTE_MS
OUTAGE_OVER_SHARE: Final = 0.1
"""With fewer of its members still silent than this, the network is heard again."""
OUTAGE_GRACE_MS: Final = 5 * MINUTE_MS
"""So long after its network is heard again a member may still be silent: devices come back one after another."""
OUTAGE_MS_MAX: Final = 6 * HOUR_MS
"""After this an outage explains nobody's silence any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handling:
    """How alarms of a kind are put before people. Everything 0: at once, and it can be neither held nor shelved."""

    on_delay_ms: int = 0
    """It must have lasted so long before it rings."""
    off_delay_ms: int = 0
    """A return shorter than this does not begin the on-delay anew."""
    count: int = 0
    """So often within `window_ms` rings before the on-delay is over. 0: only the delay counts."""
    window_ms: int = 0
    shelve_ms_max: int = 0
    by_outage: bool = False
    """An outage of its network explains it."""
    by_service: bool = False
    """Work on the device explains it."""
    joins: bool = True
    """It rings with whatever else rings of the same wearer: it bears that out. Otherwise it waits for its own time."""
    why: str = ""


AT_ONCE: Final = Handling(why="consequence too grave, or too little time, for any delay")

_KEPT: Final = Handling(
    on_delay_ms=3 * MINUTE_MS,
    off_delay_ms=MINUTE_MS,
    count=3,
    window_ms=30 * MINUTE_MS,
    shelve_ms_max=30 * MINUTE_MS,
)
"""Of whoever may be out of where one has to be, and is not certainly."""

TABLE: Final[Mapping[AlarmKind, Handling]] = {
    AlarmKind.EXCLUSION_ZONE: Handling(
        on_delay_ms=60 * SECOND_MS,
        off_delay_ms=30 * SECOND_MS,
        count=3,
        window_ms=10 * MINUTE_MS,
        shelve_ms_max=30 * MINUTE_MS,
        why="a suspicion of one position is mostly its error; the device is asked every 10 s meanwhile, and the first "
        "certain word rings at once",
    ),
    AlarmKind.CURFEW: replace(
        _KEPT,
        why="when curfews begin many are at the door; who is certainly out rings at once",
    ),
    AlarmKind.SCHOOL_HOURS: replace(
        _KEPT,
        why="as a curfew: when the hours begin many are at the door; who is certainly out rings at once",
    ),
    AlarmKind.RESIDENCE: replace(
        _KEPT,
        why="at the edge of an area one position decides nothing; who is certainly out of it rings at once",
    ),
    AlarmKind.ATTENDANCE: Handling(
        on_delay_ms=10 * MINUTE_MS,
        off_delay_ms=5 * MINUTE_MS,
        shelve_ms_max=4 * HOUR_MS,
        joins=False,
        why="who comes some minutes late to work or treatment is late, not gone: the officer speaks to them, nobody drives out",
    ),
    AlarmKind.SEPARATION: Handling(
        on_delay_ms=3 * MINUTE_MS,
        off_delay_ms=30 * SECOND_MS,
        count=3,
        window_ms=30 * MINUTE_MS,
        shelve_ms_max=30 * MINUTE_MS,
        by_service=True,
        why="at home it lies in the next room for a moment; elsewhere it was left behind, and rings at once",
    ),
    AlarmKind.COMM_LOST: Handling(
        on_delay_ms=3 * MINUTE_MS,
        off_delay_ms=30 * SECOND_MS,
        count=4,
        window_ms=HOUR_MS,
        shelve_ms_max=30 * MINUTE_MS,
        by_outage=True,
        by_service=True,
        why="lifts, tunnels and cellars give the device back within minutes; who keeps on vanishing rings by the count",
    ),
    AlarmKind.GPS_LOST: Handling(
        on_delay_ms=30 * MINUTE_MS,
        off_delay_ms=2 * MINUTE_MS,
        shelve_ms_max=4 * HOUR_MS,
        by_service=True,
        joins=False,
        why="indoors is no event: the device is heard, and curfew and zones are judged by what else it measures",
    ),
    AlarmKind.BATTERY_LOW: Handling(
        on_delay_ms=HOUR_MS,
        off_delay_ms=5 * MINUTE_MS,
        shelve_ms_max=4 * HOUR_MS,
        by_service=True,
        joins=False,
        why="the wearer is reminded first; most are charging within the hour, and hours are left",
    ),
}
"""For a suspicion of the kind, and for kinds without a place also when they are certain."""


def handling(kind: AlarmKind, certainty: Certainty) -> Handling:
    if kind in ALWAYS or (kind in CERTAIN_AT_ONCE and certainty is Certainty.CERTAIN):
        return AT_ONCE
    return TABLE.get(kind, AT_ONCE)


def may_be_held(kind: AlarmKind, certainty: Certainty) -> bool:
    found = handling(kind, certainty)
    return found.on_delay_ms > 0 or found.by_outage or found.by_service


def shelve_ms_max(kind: AlarmKind, certainty: Certainty, priority: Priority) -> int:
    """How long one may be put aside, 0: never. Nothing that is urgent to the highest degree, whatever its kind."""
    return 0 if priority is Priority.EMERGENCY else handling(kind, certainty).shelve_ms_max


def often(found: Handling, times: tuple[Instant, ...], at: Instant) -> bool:
    """Whether it came so often within its window that it is more than chance."""
    return 0 < found.count <= sum(at - each < found.window_ms for each in times)
