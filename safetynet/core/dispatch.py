"""Who goes: units, the order of their progress, and which of them would be there first.

Absent on purpose: roads (a later issue recommends by the moving belief over the road network; here by the straight
line, which is said on the screen) and what an officer knows of the wearer.
"""

from dataclasses import dataclass
from typing import Final

from safetynet.core.geo import distance_m
from safetynet.core.jurisdictions import Answer, Finding
from safetynet.core.terms import SECOND_MS, Instant, OfficeId, Standing, UnitId, UnitState

ANSWER_MS: Final = 60 * SECOND_MS
"""An order or a notice that nobody answered for this long turns red and names who is next (domain.md section 7)."""

POSITION_MS_MAX: Final = 30 * SECOND_MS
"""An older position of a unit is shown as old and is never used to call a unit the nearest while a fresh one exists."""

FOLLOWS: Final[dict[UnitState, frozenset[UnitState]]] = {
    UnitState.ORDERED: frozenset({UnitState.RECEIVED, UnitState.ACCEPTED, UnitState.DECLINED, UnitState.RELEASED}),
    UnitState.RECEIVED: frozenset({UnitState.ACCEPTED, UnitState.DECLINED, UnitState.RELEASED}),
    UnitState.ACCEPTED: frozenset({UnitState.EN_ROUTE, UnitState.ON_SCENE, UnitState.DECLINED, UnitState.RELEASED}),
    UnitState.EN_ROUTE: frozenset({UnitState.ON_SCENE, UnitState.RELEASED}),
    UnitState.ON_SCENE: frozenset({UnitState.RELEASED}),
    UnitState.DECLINED: frozenset(),
    UnitState.RELEASED: frozenset(),
}
"""Which report may follow which. A late `accepted` after `on_scene` is a phone that was offline: it changes nothing."""

UNANSWERED: Final = frozenset({UnitState.ORDERED, UnitState.RECEIVED})
BUSY: Final = frozenset({UnitState.ACCEPTED, UnitState.EN_ROUTE, UnitState.ON_SCENE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A team that can be sent, and where its phone last said it was."""

    unit: UnitId
    kind: str
    lat: float
    lon: float
    seen_at: Instant
    speed_mps: float = 8.0
    """What it makes through town on the straight line; a car with lights, not a measured figure."""
    office: OfficeId | None = None
    """Whose it is, where the table of offices has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    unit: UnitId
    distance_m: float
    arrives_s: float
    shortfall: str | None
    """`position_old` when the unit's own position is; None when nothing speaks against it."""


def recommend(
    units: tuple[Unit, ...], lat: float, lon: float, busy: frozenset[UnitId], at: Instant
) -> tuple[Recommendation, ...]:
    """Free units, best first: fresh before old, then by time on the straight line, then by name."""
    found = [
        Recommendation(
            unit=each.unit,
            distance_m=(away := distance_m(each.lat, each.lon, lat, lon)),
            arrives_s=away / each.speed_mps,
            shortfall="position_old" if at - each.seen_at > POSITION_MS_MAX else None,
        )
        for each in units
        if each.unit not in busy
    ]
    return tuple(sorted(found, key=lambda each: (each.shortfall is not None, each.arrives_s, each.unit)))


def standing(
    unit: UnitId, units: tuple[Unit, ...], found: tuple[Recommendation, ...], district: Answer | None
) -> Standing:
    """Why this unit and not one of the competent office. `found` is what `recommend` said, `district` who is competent.

    Who would be there first is sent, whosever district it is (a neighbour caught the man while the competent team stood
    in traffic); the order then says that it is not the competent office's, and why.
    """
    own = next((each.office for each in units if each.unit == unit), None)
    if district is None or own is None:
        return Standing.UNKNOWN
    if district.office is None:
        asked = {each.id for each in district.candidates}
        undecided = district.finding in (Finding.BORDER, Finding.CLAIMED_TWICE)
        return Standing.BORDER if undecided and own in asked else Standing.UNKNOWN
    competent = district.office.id
    if own == competent:
        return Standing.COMPETENT
    theirs = {each.unit for each in units if each.office == competent}
    if not theirs:
        return Standing.COMPETENT_WITHOUT_UNIT
    if not any(each.unit in theirs for each in found):
        return Standing.COMPETENT_BUSY
    return Standing.NEARER if _before(unit, theirs, found) else Standing.CHOSEN


def _before(unit: UnitId, theirs: set[UnitId], found: tuple[Recommendation, ...]) -> bool:
    """Whether it stands before all of the competent office's in the recommendation."""
    first = next((each.unit for each in found if each.unit == unit or each.unit in theirs), None)
    return first == unit
