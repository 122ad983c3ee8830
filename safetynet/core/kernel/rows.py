"""Fixes, timetables and shared zones as rows, and a fix out of its row.

Absent on purpose: what is kept of a wearer (`packing`).
"""

from collections.abc import Iterable, Mapping, Sequence
from math import cos, nan, radians, sin, sqrt
from struct import Struct
from typing import Any, Final

import msgspec
import numpy as np

from safetynet.core import geo
from safetynet.core.fixes import Fix, instant
from safetynet.core.grounds import Ground
from safetynet.core.kernel.layout import FIX, SOURCES, Grid, Rows
from safetynet.core.orders import Area, Circle, Curfew, Order, Polygon, next_start, period
from safetynet.core.terms import DAY_MS, DeviceId, FixId, Instant, WearerId

SPANS_MAX: Final = 16
"""Stretches of one curfew that are laid out at a time."""
LAID_OUT_MS: Final = 3 * DAY_MS
"""So far a timetable is laid out; up to a day further, not all on the same night."""
TIMETABLES_MAX: Final = 10_000
"""Remembered, because most are alike."""
CELL_LAT: Final = 0.0046
CELL_LON: Final = 0.0058
"""Of the grid of shared zones, degrees: about 512 m."""
_ROW: Final = Struct("<qqqqddddddiBBBx")
assert _ROW.size == FIX.itemsize
_SOURCE_NO: Final = {each: n for n, each in enumerate(SOURCES)}
_PLAIN: Final = frozenset(
    {"wearer", "wearer_class", "version", "zones", "starts_at", "ends_at", "curfews", "absences", "protected"}
)
_MORE: Final = tuple(each for each in msgspec.structs.fields(Order) if each.name not in _PLAIN)


def packed(fix: Fix, row: int, *, odd: bool) -> bytes:
    return _ROW.pack(
        fix.id,
        instant(fix),
        fix.observed_at,
        fix.received_at,
        nan if fix.lat is None else fix.lat,
        nan if fix.lon is None else fix.lon,
        nan if fix.accuracy_m is None else fix.accuracy_m,
        nan if fix.speed_mps is None else fix.speed_mps,
        nan if fix.course_deg is None else fix.course_deg,
        nan if fix.battery_percent is None else fix.battery_percent,
        row,
        _SOURCE_NO[fix.source],
        fix.protected,
        odd,
    )


def row_of(fix: Fix, row: int) -> Any:
    return np.frombuffer(packed(fix, row, odd=False), FIX)[0]


def fix_of(row: Any, known: Mapping[FixId, Fix], wearer: WearerId, device: DeviceId) -> Fix:
    """The fix that a row was made of: the one that is known, or one without flags and marks."""
    (serial, _, observed_at, received_at, lat, lon, accuracy, speed, course, battery, _, source, protected, _) = (
        row.item()
    )
    same = known.get(serial)
    if same is not None:
        return same
    return Fix(
        id=serial,
        wearer=wearer,
        device=device,
        observed_at=observed_at,
        received_at=received_at,
        lat=_said(lat),
        lon=_said(lon),
        accuracy_m=_said(accuracy),
        source=SOURCES[source],
        speed_mps=_said(speed),
        course_deg=_said(course),
        battery_percent=_said(battery),
        protected=bool(protected),
    )


def _said(value: float) -> float | None:
    return value if value == value else None  # noqa: PLR0124


def one_outline(area: Area) -> bool:
    """Holes and several polygons are judged by the rules alone."""
    return isinstance(area, Circle) or (isinstance(area, Polygon) and not area.holes)


def plain_fields(order: Order) -> bool:
    """Whether the order says no more than the kernel knows of. Under one that does, the rules alone judge."""
    return all(getattr(order, each.name) == each.default for each in _MORE)


def at_id(rows: Rows, first: int, ids: Iterable[object], wanted: object) -> Any:
    """The row of one of these, which lie beside each other from `first` on; None when it is not among them."""
    return next((rows[first + n] for n, id in enumerate(ids) if id == wanted), None)


def stretches(order: Order, curfew: Curfew, since: Instant) -> list[tuple[Instant, Instant]]:
    """When a curfew holds, from `since` on, as far as it is laid out."""
    found: list[tuple[Instant, Instant]] = []
    at = since
    while at < since + LAID_OUT_MS + DAY_MS and len(found) < SPANS_MAX:
        now = period(order, curfew, at)
        if now is not None:
            found.append((at, now.end))
            at = now.end
            continue
        coming = next_start(order, curfew, at)
        if coming is None:
            break
        at = coming
    return found


class Timetables:
    """Stretches of curfews, remembered by the day."""

    def __init__(self) -> None:
        self._known: dict[object, tuple[Instant, list[tuple[Instant, Instant]]]] = {}

    def of(self, order: Order, curfew: Curfew, at: Instant) -> tuple[Instant, list[tuple[Instant, Instant]]]:
        since = Instant(at // DAY_MS * DAY_MS)
        key = (curfew.rows, curfew.zone, curfew.on_holidays, order.absences, order.starts_at, order.ends_at, since)
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= TIMETABLES_MAX:
                self._known.clear()
            known = self._known[key] = since, stretches(order, curfew, since)
        return known


def circle(place: Ground) -> tuple[float, ...]:
    """The plane of a ground and the circle around it, as `layout.SHAPE` begins."""
    lat0, lon0 = place.plane.lat0, place.plane.lon0
    along, across = geo.radii_m(lat0)
    sine, cosine = sin(radians(lat0)), cos(radians(lat0))
    z0, r = across * (1.0 - geo.E2) * sine, sqrt(along * across)
    return (lat0, lon0, sine, cosine, across * cosine, z0, r, place.bound_m, *place.middle)


def outline(edges: Rows, place: Ground) -> None:
    """Its edges, into these rows."""
    if place.ring:
        ring = np.array(place.ring)
        edges["bx"], edges["by"] = ring[:, 0], ring[:, 1]
        edges["ax"], edges["ay"] = np.roll(ring[:, 0], 1), np.roll(ring[:, 1], 1)


def grid(places: Sequence[Ground]) -> Grid:
    """Which shared zones touch which cell."""
    high = int((geo.LAT_MAX - geo.LAT_MIN) / CELL_LAT) + 1
    wide = int((geo.LON_MAX - geo.LON_MIN) / CELL_LON) + 1
    cells: list[int] = []
    zones: list[int] = []
    for n, place in enumerate(places):
        up, aside = (place.bound_m + 2.0) / 110_800.0, (place.bound_m + 2.0) / place.lon_m
        for y in range(
            int((place.lat - up - geo.LAT_MIN) / CELL_LAT), int((place.lat + up - geo.LAT_MIN) / CELL_LAT) + 1
        ):
            for x in range(
                int((place.lon - aside - geo.LON_MIN) / CELL_LON), int((place.lon + aside - geo.LON_MIN) / CELL_LON) + 1
            ):
                if 0 <= y < high and 0 <= x < wide:
                    cells.append(y * wide + x)
                    zones.append(n)
    order = np.argsort(np.array(cells, "<i8"), kind="stable")
    offsets = np.zeros(high * wide + 1, "<i4")
    np.cumsum(np.bincount(np.array(cells, "<i8"), minlength=high * wide), out=offsets[1:])
    listed = np.array(zones, "<i4")[order] if zones else np.zeros(0, "<i4")
    return Grid(offsets, listed, geo.LAT_MIN, geo.LON_MIN, CELL_LAT, CELL_LON, high, wide)
