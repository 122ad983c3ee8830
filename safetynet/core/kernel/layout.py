"""What lies where in memory: one row for each wearer, zone, home, pair and protected person, as the kernel reads them."""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from safetynet.core.orders import CURFEWS_MAX, PROTECTED_MAX
from safetynet.core.proximity import TRAIL_MAX
from safetynet.core.terms import Source

Rows = NDArray[Any]
"""A structured array. Its fields are what the dtype says; numpy's types cannot say it to a checker."""

SOURCES: Final = tuple(Source)
"""A source is kept as its place in this order."""
CELL: Final = SOURCES.index(Source.CELL)

CALM, PERHAPS, SURE, PAST = range(4)
"""How a condition stands: never broken as far as remembered; broken, perhaps; broken for certain; holds again, with a past."""

QUIET, STILL, TELL = range(3)
"""What a condition says of a fix: nothing; broken as it was known to be; let the rules say."""

NEVER: Final = -(1 << 62)
ALWAYS: Final = 1 << 62
"""Instants before and after all others."""

SLOT: Final = [("first_at", "<i8"), ("latest_at", "<i8"), ("stands", "u1")]
"""An episode as far as the kernel needs to know it."""
BELIEF: Final = [("odds", "<f8"), ("odds_at", "<i8")]
INSIDE: Final = [*BELIEF, ("deepest_m", "<f8"), ("outside", "u1")]
AT_ANCHOR, KEPT, NOWHERE = range(3)
"""Where the newest position outside a zone is: it is the anchor; kept beside; there is none."""

FIX: Final = np.dtype(
    [
        ("serial", "<i8"),
        ("at", "<i8"),
        ("observed_at", "<i8"),
        ("received_at", "<i8"),
        ("lat", "<f8"),
        ("lon", "<f8"),
        ("accuracy_m", "<f8"),
        ("speed_mps", "<f8"),
        ("course_deg", "<f8"),
        ("battery_percent", "<f8"),
        ("row", "<i4"),
        ("source", "u1"),
        ("protected", "u1"),
        ("odd", "u1"),
    ],
    align=True,
)
"""NaN: not said. `odd`: anything that only the rules weigh: a flag, a mark, an alarm word, another device."""

WEARER: Final = np.dtype(
    [
        ("starts_at", "<i8"),
        ("ends_at", "<i8"),
        ("newest_at", "<i8"),
        ("watch_until", "<i8"),
        ("heard_at", "<i8"),
        ("rhythm_ms", "<i8"),
        ("unplaced_at", "<i8"),
        ("zone_from", "<i4"),
        ("zones", "<i4"),
        ("home_from", "<i4"),
        ("pair_from", "<i4"),
        ("trail", "<i4"),
        ("homes", "u1"),
        ("pairs", "u1"),
        ("shared", "u1"),
        ("broken", "u1"),
        ("engaged", "u1"),
        ("held", "u1"),
        ("ahead", "u1"),
        ("moved", "u1"),
        ("remembers", "u1"),
    ],
    align=True,
)
"""`held`: every fix goes to the rules. `watch_until`: 0, or as in the rules' suspects. `ahead`: newer than the record; `moved`: the anchor is, too. `shared`: bound by the shared zones. `broken`: any
own zone is; `engaged`: any shared one is known: so that what lies elsewhere is not read for most. `remembers`: a history of late
fixes is kept."""

NOTED: Final = np.dtype([("at", "<i8"), ("room", "<i4")], align=True)
"""Of a wearer's history: nothing at or before `at` is in order; after so many fixes more it wants a snapshot."""

NEAR: Final = np.dtype([("lat", "<f8"), ("lon", "<f8"), ("bound_m", "<f8"), ("lon_m", "<f8")])
"""For the quick no: half a cache line a zone."""

SHAPE: Final = np.dtype(
    [
        ("lat0", "<f8"),
        ("lon0", "<f8"),
        ("sin", "<f8"),
        ("cos", "<f8"),
        ("n0", "<f8"),
        ("z0", "<f8"),
        ("r", "<f8"),
        ("bound_m", "<f8"),
        ("x", "<f8"),
        ("y", "<f8"),
        ("edge_from", "<i4"),
        ("edges", "<i4"),
    ],
    align=True,
)
"""A ground: its plane, its bounding circle (x, y: the middle), its edges; none for a circle."""

EPISODE: Final = np.dtype(SLOT, align=True)
ZONE: Final = np.dtype([*INSIDE, *SLOT], align=True)
"""How an own zone stands. What is believed of it holds when it is as old as the anchor; else the zone was not near."""

ENGAGED: Final = np.dtype([("zone", "<i4"), *INSIDE, *SLOT], align=True)
"""The same of a shared zone that is near, or broken; -1: none."""
ENGAGED_MAX: Final = 6

HOME: Final = np.dtype(
    [
        ("since", "<i8"),
        ("until", "<i8"),
        ("span_from", "<i4"),
        ("spans", "<i4"),
        ("believed", "u1"),
        *BELIEF,
        *SLOT,
    ],
    align=True,
)
"""One for each curfew. Its timetable is laid out from `since` until `until` as pairs of instants."""

PAIR: Final = np.dtype(
    [
        ("distance_m", "<f8"),
        ("wearer", "<i4"),
        ("person", "<i4"),
    ],
    align=True,
)
RINGS: Final = 3
"""Of a pair, innermost first: rows 3n … 3n+2 of the rings' episodes."""

PERSON: Final = np.dtype(
    [
        ("newest_at", "<i8"),
        ("known_at", "<i8"),
        ("scanned_at", "<i8"),
        ("trail", "<i4"),
        ("pair_from", "<i4"),
        ("pairs", "<i4"),
        ("held", "u1"),
        ("ahead", "u1"),
        ("named", "u1"),
    ],
    align=True,
)
"""A protected person. `named`: the wearers whose orders name this person are those that the person's record knows."""

TRAIL: Final = np.dtype([("head", "<i4"), ("count", "<i4")])
"""Positions of one person: rows TRAIL_MAX * n … of the trails' fixes, a ring that begins at `head`."""

EDGE: Final = np.dtype([("ax", "<f8"), ("ay", "<f8"), ("bx", "<f8"), ("by", "<f8")])

NEARS_MAX: Final = 16
"""Zones near one fix; where there are more, the rules judge."""


class Grid(NamedTuple):
    """Shared zones by cells of equal degrees: which zones may be reached from a fix in a cell."""

    offsets: Rows
    zones: Rows
    lat: float
    lon: float
    step_lat: float
    step_lon: float
    high: int
    wide: int


class Scratch(NamedTuple):
    """Room for what one fix would change, before it is known that nothing comes of it."""

    zones: Rows
    zone_odds: Rows
    zone_deepest: Rows
    zone_said: Rows
    shared: Rows
    shared_odds: Rows
    shared_deepest: Rows
    shared_said: Rows
    odds: Rows
    home_said: Rows
    rings: Rows


def scratch() -> Scratch:
    return Scratch(
        np.zeros(NEARS_MAX, "<i4"),
        np.zeros(NEARS_MAX, "<f8"),
        np.zeros(NEARS_MAX, "<f8"),
        np.zeros(NEARS_MAX, "u1"),
        np.zeros(ENGAGED_MAX, "<i4"),
        np.zeros(ENGAGED_MAX, "<f8"),
        np.zeros(ENGAGED_MAX, "<f8"),
        np.zeros(ENGAGED_MAX, "u1"),
        np.zeros(CURFEWS_MAX, "<f8"),
        np.zeros(CURFEWS_MAX, "u1"),
        np.zeros(PROTECTED_MAX * RINGS, "<i4"),
    )


class Tables(NamedTuple):
    """All that the kernel reads and writes. Zones 0 … shared-1 are the shared ones."""

    wearers: Rows
    noted: Rows
    anchors: Rows
    nears: Rows
    shapes: Rows
    zones: Rows
    outsides: Rows
    """Of each own zone the position that its `outside` names."""
    engaged: Rows
    engaged_outsides: Rows
    calm: Rows
    """A zone that was never near."""
    edges: Rows
    homes: Rows
    home_shapes: Rows
    spans: Rows
    pairs: Rows
    ring_episodes: Rows
    persons: Rows
    person_pairs: Rows
    trails: Rows
    trail_fixes: Rows
    grid: Grid
    scratch: Scratch


TRAIL_ROWS: Final = TRAIL_MAX
