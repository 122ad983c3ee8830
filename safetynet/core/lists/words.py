"""What a list of cameras can say, what can be wrong with a row of it, and what would mend it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final


class Word(Enum):
    """A column, by what it means. How each owner calls it is known to `edge.lists.layouts`."""

    LAT = "lat"
    LON = "lon"
    COUNT = "count"
    """Lenses of the row; without it each row is one."""
    OWNER = "owner"
    ROAD = "road"
    LOT = "lot"
    PURPOSE = "purpose"
    VIEW = "view"
    """촬영방면정보: free text."""
    DATED = "dated"
    NUMBER = "number"
    """The owner's own number of the row, or a VMS's of the channel."""
    NAME = "name"
    AZIMUTH = "azimuth"
    OPENING = "opening"
    RANGE = "range"
    PTZ = "ptz"
    STREAM = "stream"
    """Where the picture is fetched. Goes to `sources.json` and nowhere else."""


class Problem(Enum):
    """Why a row was not taken in as it stands. The first that applies, in this order."""

    TORN = "torn"
    OTHER_OWNER = "other_owner"
    DUPLICATE = "duplicate"
    NO_COORDINATES = "no_coordinates"
    NOT_A_NUMBER = "not_a_number"
    ZERO = "zero"
    SWAPPED = "swapped"
    OUTSIDE_KOREA = "outside_korea"
    PLACEHOLDER = "placeholder"
    """Fewer than two decimals, or one spot for dozens of addresses: filled in for want of better."""
    DEGREES_MINUTES_SECONDS = "degrees_minutes_seconds"
    """36°18′40″ written as 36.1840: kilometres off, and plausible at first sight."""
    SEA = "sea"
    OUTSIDE_BOUNDARY = "outside_boundary"
    """Outside the area of the row's owner."""
    FAR_FROM_OWNER = "far_from_owner"
    COUNT_NOT_PLAUSIBLE = "count_not_plausible"
    OUTDATED = "outdated"
    """The owner has listed the same spot and purpose again at a later date: yearly lists pile up."""


SETTLED: Final = frozenset({Problem.OTHER_OWNER, Problem.DUPLICATE, Problem.OUTDATED})
"""Nothing is lost by leaving these rows out, and nobody need look at them. All others wait in quarantine."""


class Repair(Enum):
    """What would mend a row. A proposal: it is done only when somebody accepts it."""

    SWAP = "swap"
    READ_DEGREES_MINUTES_SECONDS = "read_degrees_minutes_seconds"
    SAME_ADDRESS = "same_address"
    """The place that other rows of the list give for the same address."""
    ONE_LENS = "one_lens"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows of a file, column by column."""

    columns: Mapping[Word, Sequence[str]]
    rows: Sequence[int]
    """The number of each in the file as a spreadsheet counts: the header is 1."""
    torn: Sequence[int] = ()
    """Rows with another number of columns than the header."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """One row that was not taken in, for whoever must look at it. Texts are rid of addresses."""

    row: int
    problem: Problem
    number: str = ""
    owner: str = ""
    address: str = ""
    lat: str = ""
    lon: str = ""
    """What the list says, as it says it."""
    repair: Repair | None = None
    repaired: tuple[float, float] | None = None
