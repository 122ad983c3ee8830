"""Who is competent for a place: smart city centre, metropolitan hub, probation office, police station.

An office serves areas by their codes; the narrowest code that an area carries decides (a station that serves three
villages of a district before the one that serves the district). Where nothing decides, the answer is why, and who
comes into question: on a border both, in the sea those of the nearest coast, where two claim the same area both.

Absent on purpose: choosing among candidates. A person does, or `dispatch` by who would be there first, and says so.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Final

import shapely

from safetynet.core import geo
from safetynet.core.areas import Area, Areas, Code, Near, depth, wider
from safetynet.core.codes import Crosswalk, newest
from safetynet.core.terms import CentreId, OfficeId

NEAREST_M_MAX: Final = 30_000.0
"""In the sea, offices of coasts up to this far come into question."""
NEAREST_MAX: Final = 3


class Kind(Enum):
    CENTRE = "centre"
    """스마트도시 통합운영센터 of a municipality."""
    HUB = "hub"
    """광역센터."""
    PROBATION = "probation"
    """보호관찰소 (준법지원센터)."""
    POLICE = "police"
    """경찰서."""


class Finding(Enum):
    """Why the answer is what it is."""

    COMPETENT = "competent"
    BORDER = "border"
    """The place lies on a border, or in areas that overlap, and different offices serve them."""
    NO_AREA = "no_area"
    """The sea, or ground that no map here covers."""
    UNASSIGNED = "unassigned"
    """The area is known and no office of this kind serves it."""
    CLAIMED_TWICE = "claimed_twice"
    NOT_CONFIGURED = "not_configured"
    """No areas or no offices of this kind have been brought in."""
    OUTSIDE = "outside"
    """Not in Korea, or no place at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    id: OfficeId
    kind: Kind
    name: str
    name_en: str = ""
    serves: tuple[Code, ...]
    seat: geo.Point | None = None
    centre: CentreId | None = None
    """The partner on the link that it is, where it has one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    kind: Kind
    finding: Finding
    office: Office | None = None
    """Only with COMPETENT."""
    by: Code | None = None
    """What its own list says that it serves."""
    candidates: tuple[Office, ...] = ()
    """Who comes into question where none is competent for certain, the nearest first."""
    also: tuple[Office, ...] = ()
    """Offices of other areas that the uncertainty circle reaches, the nearest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Competence:
    areas: tuple[Area, ...]
    """What holds the place: one, or several on a border."""
    near: tuple[Near, ...]
    """What else the circle reaches; in the sea the nearest coasts."""
    answers: tuple[Answer, ...]
    """One of each kind."""

    def of(self, kind: Kind) -> Answer:
        return next(each for each in self.answers if each.kind is kind)


@dataclass(frozen=True)
class Table:
    """Areas and the offices that serve them. Comes with the configuration, not with the log."""

    areas: Areas = field(default_factory=lambda: Areas(()))
    offices: tuple[Office, ...] = ()
    crosswalk: Crosswalk = field(default_factory=Crosswalk)

    @cached_property
    def _serving(self) -> dict[tuple[Kind, Code], tuple[tuple[Office, Code], ...]]:
        """Offices by every code that means what they serve, with the code that their own list gives."""
        found: defaultdict[tuple[Kind, Code], list[tuple[Office, Code]]] = defaultdict(list)
        for office in sorted(self.offices, key=lambda each: each.id):
            for served in office.serves:
                for code in self.crosswalk.every(served):
                    found[office.kind, code].append((office, served))
        return {key: tuple(each) for key, each in found.items()}

    @cached_property
    def kinds(self) -> frozenset[Kind]:
        return frozenset(each.kind for each in self.offices)

    def serving(self, area: Area, kind: Kind) -> tuple[tuple[Office, ...], Code | None]:
        """Offices of that kind that serve the area by its narrowest code: none, one, or those who all claim it."""
        codes = {
            wide
            for known in (area.code, *area.aliases)
            for every in self.crosswalk.every(known)
            for wide in wider(every)
        }
        for at_depth in (4, 3, 2, 1):
            found: dict[OfficeId, tuple[Office, Code]] = {}
            for code in sorted(codes, key=lambda each: (each.system.value, each.digits)):
                if depth(code) == at_depth:
                    for office, served in self._serving.get((kind, code), ()):
                        found.setdefault(office.id, (office, served))
            if found:
                offices = tuple(office for office, _ in found.values())
                return offices, next(iter(found.values()))[1]
        return (), None

    def unserved(self, kind: Kind) -> tuple[Area, ...]:
        return tuple(each for each in self.areas.all if not self.serving(each, kind)[0])

    def contested(self, kind: Kind) -> tuple[Area, ...]:
        return tuple(each for each in self.areas.all if len(self.serving(each, kind)[0]) > 1)

    def ground(self, office: Office) -> tuple[Area, ...]:
        """The areas for which this office alone is competent."""
        return tuple(each for each in self.areas.all if self.serving(each, office.kind)[0] == (office,))


EMPTY: Final = Table()


def competent(table: Table, lat: float, lon: float, radius_m: float = 0.0) -> Competence:
    """For a place with its uncertainty. `radius_m` only adds who else is reached: the place itself decides."""
    if not geo.in_korea(lat, lon):
        return Competence(areas=(), near=(), answers=tuple(Answer(kind=kind, finding=Finding.OUTSIDE) for kind in Kind))
    here = _narrowest(table.areas.at(lat, lon))
    reached = table.areas.near(lat, lon, radius_m if here else max(radius_m, NEAREST_M_MAX)) if len(table.areas) else ()
    near = tuple(each for each in reached if each.area not in here)
    near = near if here else near[:NEAREST_MAX]
    return Competence(areas=here, near=near, answers=tuple(_answer(table, kind, here, near) for kind in Kind))


def _narrowest(found: tuple[Area, ...]) -> tuple[Area, ...]:
    """Without areas that only lie around others of them: maps may hold districts and their villages."""
    around = {wide for each in found for wide in wider(newest(each.code))[1:]}
    return tuple(each for each in found if newest(each.code) not in around)


def _answer(table: Table, kind: Kind, here: tuple[Area, ...], near: tuple[Near, ...]) -> Answer:
    if kind not in table.kinds or not len(table.areas):
        return Answer(kind=kind, finding=Finding.NOT_CONFIGURED)
    beside = _offices(table, kind, (each.area for each in near))
    if not here:
        return Answer(kind=kind, finding=Finding.NO_AREA, candidates=beside)
    candidates = _offices(table, kind, here)
    served = [table.serving(each, kind) for each in here]
    if not candidates:
        return Answer(kind=kind, finding=Finding.UNASSIGNED, candidates=beside)
    if len(candidates) == 1 and all(offices for offices, _ in served):
        also = tuple(each for each in beside if each != candidates[0])
        return Answer(kind=kind, finding=Finding.COMPETENT, office=candidates[0], by=served[0][1], also=also)
    finding = Finding.BORDER if len(here) > 1 else Finding.CLAIMED_TWICE
    return Answer(kind=kind, finding=finding, candidates=candidates)


def _offices(table: Table, kind: Kind, areas: Iterable[Area]) -> tuple[Office, ...]:
    found = {office.id: office for area in areas for office in table.serving(area, kind)[0]}
    return tuple(found.values())


OUTLINE_CORNERS_MAX: Final = 2_000
"""Of a city's outline in a centre's configuration: it is measured against for every request."""
_STEP_DEG: Final = 1e-5
"""About a metre: by how much an outline is smoothed at first when it has too many corners."""


@dataclass(frozen=True, slots=True)
class Outline:
    corners: tuple[tuple[float, float], ...]
    """(lat, lon), the first not repeated."""
    share: float
    """How much of the ground lies within: an outline has one part, islands beside it are left out."""


def outline(table: Table, office: Office) -> Outline | None:
    """The outer border of the largest connected part of an office's ground. None when it has no ground."""
    ground = table.ground(office)
    if not ground:
        return None
    whole = shapely.union_all([each.shape for each in ground])
    largest = max(shapely.get_parts(whole), key=lambda part: float(part.area))
    smooth = shapely.Polygon(shapely.get_exterior_ring(largest))
    step = _STEP_DEG
    while shapely.get_num_coordinates(smooth) > OUTLINE_CORNERS_MAX:
        smooth = shapely.simplify(smooth, step)
        step *= 2
    ring = shapely.get_coordinates(smooth)[:-1]
    corners = tuple((round(float(lat), 7), round(float(lon), 7)) for lon, lat in ring)
    return Outline(corners, float(largest.area / whole.area))
