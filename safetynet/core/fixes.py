"""What a device said: where, how well, when, and which alarms. Graded, never dropped.

The grade says how far a position may be trusted; it never says whether the device is heard. An alarm flag counts in
a fix without any position. What is no statement of a device at all (NaN, a place outside Korea, a time more than five
minutes ahead) is refused at the edge and never becomes a `Fix`.

Absent on purpose: orders, verdicts, protocols, the clock.
"""

from enum import Enum, IntFlag
from typing import Final

import msgspec

from safetynet.core import evidence, geo
from safetynet.core.events import Place
from safetynet.core.evidence import RADIUS_PER_SIGMA, SIGMA_M_MIN
from safetynet.core.terms import MINUTE_MS, DeviceId, FixId, Instant, Source, WearerId

WEARER_BYTES_MAX: Final = 40
"""Of a wearer's id in UTF-8, and the two below likewise: they have their place in a journal record of fixed size."""
PROTECTED_BYTES_MAX: Final = 38
DEVICE_BYTES_MAX: Final = 32
OTHER_BYTES_MAX: Final = 32
FEW_SATELLITES_MAX: Final = 3
AHEAD_MS_MAX: Final = 5 * MINUTE_MS
"""A device clock further ahead than this is refused at the edge."""
GOOD_RADIUS_M_MAX: Final = 50.0
USABLE_RADIUS_M_MAX: Final = 3_000.0
"""Korean wearables on cell towers alone are off by up to 2 km; beyond this a position decides nothing."""
RADIUS_M_MIN: Final = SIGMA_M_MIN * RADIUS_PER_SIGMA
RADIUS_M_MAX: Final = 100_000.0
"""A larger claim says no more than this one, and is no number to reckon with."""
UNKNOWN_RADIUS_M: Final = 100.0
"""When a device gives no radius."""
CELL_RADIUS_M_MIN: Final = 300.0
"""A tower's own claim of less is not believed."""
TELLING_RADIUS_M_MAX: Final = 200.0
"""A vaguer position does not tell whether somebody is at home."""
SPEED_MPS_MAX: Final = 100.0
"""360 km/h: faster than any train of the country. An aeroplane is flagged too, until it has landed."""


class Said(IntFlag):
    """Alarms as the device said them."""

    NOTHING = 0
    STRAP_CUT = 1
    BODY_TAMPER = 2
    SOS = 4
    LOW_BATTERY = 8
    POWER_CUT = 16
    JAMMING = 32
    SHOCK = 64
    OTHER = 128
    """A word that this release does not know; it stands in `Fix.other`."""
    SEPARATION = 256
    """In every report while it lasts."""


class Mark(IntFlag):
    """What is remarkable about a fix, found at the edge. A mark lowers the grade and never silences an alarm."""

    NOTHING = 0
    NOT_VALID = 1
    """The device itself says that the position is not valid."""
    MOCK = 2
    """The operating system says that the position was made up by another program."""
    APPROXIMATE = 4
    CLOCK_REFUSED = 8
    """Its time was beyond the limits; the fix stands at its time of arrival because it carries an alarm."""
    PLACE_REFUSED = 16
    """Its position was beyond the limits and was struck out; the fix stands because it carries an alarm."""
    NO_CLOCK = 32
    """It had no time; the fix stands at its time of arrival."""
    BELL = 64
    """No device said this: the centre's own clock struck for this person, so that silence is judged like a message."""
    UNPROVEN = 128
    """Nothing proved which device said it: the protocol has no key. It may raise an alarm, and takes none away."""
    FEW_SATELLITES = 256
    """At most FEW_SATELLITES_MAX were used: the receiver guessed its height, so its place may lie anywhere on a line."""


_MADE_UP: Final = Mark.MOCK | Mark.NOT_VALID
_NOT_BELIEVED: Final = _MADE_UP | Mark.UNPROVEN


class Fix(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One message of one device. `id` is 0 until the journal has it. Latitude and longitude are both there or neither."""

    id: FixId
    wearer: WearerId
    device: DeviceId
    observed_at: Instant
    """As the device said it. Rules use `instant`."""
    received_at: Instant
    lat: float | None = None
    lon: float | None = None
    accuracy_m: float | None = None
    """The 68 % radius as the device said it. Rules use `radius_m`."""
    source: Source = Source.UNKNOWN
    speed_mps: float | None = None
    course_deg: float | None = None
    battery_percent: float | None = None
    said: Said = Said.NOTHING
    marks: Mark = Mark.NOTHING
    other: str = ""
    """Alarm words that no `Said` stands for, comma separated."""
    protected: bool = False
    """Said by a protected person's phone: `wearer` is then that person's id, and `place` gives nothing away."""


class Grade(Enum):
    GOOD = "good"
    POOR = "poor"
    UNUSABLE = "unusable"


class Reason(Enum):
    """Why a fix is not good. The first that applies, the gravest first."""

    NONE = "none"
    NO_POSITION = "no_position"
    RADIUS_TOO_LARGE = "radius_too_large"
    MOCK = "mock"
    NOT_VALID = "not_valid"
    UNPROVEN = "unproven"
    JUMP = "jump"
    FEW_SATELLITES = "few_satellites"
    CELL = "cell"
    APPROXIMATE = "approximate"
    RADIUS_UNKNOWN = "radius_unknown"
    RADIUS_LARGE = "radius_large"


def instant(fix: Fix) -> Instant:
    """When it counts as observed: never after it arrived, so that a fast device clock cannot shut out later fixes."""
    return min(fix.observed_at, fix.received_at)


def radius_m(fix: Fix) -> float:
    """The 68 % radius that rules reckon with: the device's own, never below the floor of its source."""
    said = None if fix.accuracy_m is None else min(fix.accuracy_m, RADIUS_M_MAX)
    if fix.source is Source.CELL:
        return max(said or 0.0, CELL_RADIUS_M_MIN)
    if said is None:
        return UNKNOWN_RADIUS_M
    return max(said, RADIUS_M_MIN)


def sigma_m(fix: Fix) -> float:
    """Standard deviation of each axis."""
    return evidence.sigma_m(radius_m(fix))


def proven(fix: Fix) -> bool:
    """Whether it is known which device said it. Only then may it count as a sign of life, or end what was said before."""
    return not fix.marks & Mark.UNPROVEN


def usable(fix: Fix) -> bool:
    """Whether its circle is small enough for "perhaps inside" to mean anything."""
    return fix.lat is not None and radius_m(fix) <= USABLE_RADIUS_M_MAX


def opens(fix: Fix) -> bool:
    """Whether its position may open or raise a zone alarm: not when towers alone measured it, or too few satellites."""
    return fix.lat is not None and fix.source is not Source.CELL and not fix.marks & Mark.FEW_SATELLITES


def steers(fix: Fix) -> bool:
    """Whether it may say that a wearer has left a zone, and be where the next way starts.

    Not when the device itself calls it invalid or made up, when nothing proved who said it, when towers alone or too few
    satellites measured it, or when it is too vague.
    """
    if not opens(fix) or radius_m(fix) > USABLE_RADIUS_M_MAX:
        return False
    return not fix.marks or not fix.marks & _NOT_BELIEVED


def tells(fix: Fix) -> bool:
    """Whether it can say on which side of a garden fence somebody is."""
    return steers(fix) and radius_m(fix) <= TELLING_RADIUS_M_MAX


def hints(fix: Fix) -> bool:
    """As `tells`, whoever said it: enough to cast suspicion."""
    if not opens(fix) or radius_m(fix) > TELLING_RADIUS_M_MAX:
        return False
    return not fix.marks & _MADE_UP


def jumped(before: Fix, after: Fix) -> bool:
    """Whether nobody can have come from one to the other in time, both circles allowed for. Order does not matter."""
    if before.lat is None or before.lon is None or after.lat is None or after.lon is None:
        return False
    gap_s = abs(instant(after) - instant(before)) / 1000
    reach = SPEED_MPS_MAX * (gap_s + 1.0) + radius_m(before) + radius_m(after)
    # A degree is never longer than this in Korea, so the cheap sum decides nearly always.
    if abs(after.lat - before.lat) * 111_200 + abs(after.lon - before.lon) * 94_000 <= reach:
        return False
    return geo.distance_m(before.lat, before.lon, after.lat, after.lon) > reach


_MARKED: Final = ((Mark.MOCK, Reason.MOCK), (Mark.NOT_VALID, Reason.NOT_VALID), (Mark.UNPROVEN, Reason.UNPROVEN))


def grade(fix: Fix, before: Fix | None = None) -> tuple[Grade, Reason]:
    """`before` is the last fix known to be plausible, if the caller has one."""
    if fix.lat is None:
        return Grade.UNUSABLE, Reason.NO_POSITION
    radius = radius_m(fix)
    if radius > USABLE_RADIUS_M_MAX:
        return Grade.UNUSABLE, Reason.RADIUS_TOO_LARGE
    for mark, reason in _MARKED:
        if fix.marks & mark:
            return Grade.POOR, reason
    if before is not None and jumped(before, fix):
        return Grade.POOR, Reason.JUMP
    if fix.marks & Mark.FEW_SATELLITES:
        return Grade.POOR, Reason.FEW_SATELLITES
    if fix.source is Source.CELL:
        return Grade.POOR, Reason.CELL
    if fix.marks & Mark.APPROXIMATE:
        return Grade.POOR, Reason.APPROXIMATE
    if fix.accuracy_m is None:
        return Grade.POOR, Reason.RADIUS_UNKNOWN
    if radius > GOOD_RADIUS_M_MAX:
        return Grade.POOR, Reason.RADIUS_LARGE
    return Grade.GOOD, Reason.NONE


def place(fix: Fix) -> Place | None:
    """As events and messages about a wearer carry it; None without a position.

    Never where a protected person is: what is made of it goes to cities and to every operator.
    """
    return None if fix.protected else _place(fix)


def protected_place(fix: Fix) -> Place | None:
    """Where a protected person is: for an alarm that concerns this person, at the control centre and with the police."""
    assert fix.protected
    return _place(fix)


def _place(fix: Fix) -> Place | None:
    if fix.lat is None or fix.lon is None:
        return None
    return Place(fix.lat, fix.lon, radius_m(fix), fix.source, fix.observed_at, fix.received_at, fix.id)
