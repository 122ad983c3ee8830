"""What befell a program and its log: a start, a restore, the room left on its disk. Of nobody."""

from safetynet.core.events.base import Event
from safetynet.core.terms import DiskLevel


class LogRestored(Event, frozen=True, kw_only=True, tag="log_restored"):
    """The log was brought back to an older state. What it had said since is missing here, and this says so.

    `size` events were there when it was found; it is known to have had `size_before` (equal when nobody knows better),
    whose root was `root_before`. Everything that was alive in it was ended; `epoch` is that of its messages from here on.
    """

    size: int
    size_before: int
    root_before: bytes
    epoch_before: int
    epoch: int
    found: str
    """Who knew: `operator` at a restore, `partner` by what another centre had seen."""
    erased: int
    """Persons who were erased again, from the list of erasures that was given."""
    erasures_known: bool
    """False when the operator had no list and vouched that nobody was erased since the backup."""


class DiskChanged(Event, frozen=True, kw_only=True, tag="disk_changed"):
    """The room left on this centre's disk crossed a limit, downwards or back."""

    level: DiskLevel
    free_bytes: int


class ProgramStarted(Event, frozen=True, kw_only=True, tag="program_started"):
    version: str
