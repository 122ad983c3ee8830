"""Past footage of an incident: what may be asked for, in which pieces a file crosses, how long anything waits.

`asking` is the control centre's side, `giving` the city's. Both check the same bounds, each by itself.

Absent on purpose: any way from a live grant to a recorded minute. Past footage has a basis and an approval of its own.
"""

from typing import Final

from safetynet.core import law
from safetynet.core.law import (
    DOCUMENT,
    FOOTAGE_AGE_DAYS_MAX,
    FOOTAGE_CAMERAS_MAX,
    FOOTAGE_MINUTES_MAX,
)
from safetynet.core.terms import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    SECOND_MS,
    CameraId,
    FootageBasis,
    Instant,
    Why,
)

PIECE_BYTES: Final = 256 * 1024
"""Of a file, all but the last of that size. Each has its hash, and a transfer that was cut goes on with the next."""
FILE_BYTES_MAX: Final = 256 * 1024 * 1024
"""Ten minutes at 3.5 Mbit/s; the hashes of its pieces still fit into one message."""
HASH_BYTES: Final = 32
AHEAD_MS_MAX: Final = 10 * SECOND_MS
"""How far a partner's clock may run ahead."""
SLACK_MS: Final = 30 * SECOND_MS
"""A recorder keeps whole segments: what it gives may begin this much earlier and end this much later than asked."""
APPROVAL_MS: Final = 3 * DAY_MS
"""A request that nobody approved is declined after this."""
ANSWER_MS: Final = 3 * DAY_MS
"""A city that did not answer has refused after this."""
FETCH_MS: Final = 2 * DAY_MS
"""What a city cut out is fetched within this, or deleted there unfetched."""
OVERDUE_MS: Final = HOUR_MS
"""How much longer than a partner's own limit its silence is waited for."""
REASONS: Final = (Why.BEYOND_PURPOSE, Why.OTHERS_SHOWN, Why.FACTS_UNCLEAR, Why.NO_LONGER_NEEDED)
"""What a person may give for declining, refusing or deleting."""
CITY_REASONS: Final = (Why.BEYOND_PURPOSE, Why.OTHERS_SHOWN, Why.FACTS_UNCLEAR, Why.NOT_RECORDED, Why.UNDER_REPAIR)
"""What a person of a city may give for a refusal, in the order of the keys 1 to 5."""


def piece_count(size_bytes: int) -> int:
    return -(-size_bytes // PIECE_BYTES)


def piece_bytes(size_bytes: int, n: int) -> int:
    """Length of piece `n`, from 0."""
    return min(PIECE_BYTES, size_bytes - n * PIECE_BYTES)


def sound(size_bytes: int, sha256: bytes, pieces: bytes) -> bool:
    """Whether a file can be what its announcement says."""
    fits = 0 < size_bytes <= FILE_BYTES_MAX and len(sha256) == HASH_BYTES
    return fits and len(pieces) == HASH_BYTES * piece_count(size_bytes)


def bounds(
    basis: FootageBasis, document: str, cameras: tuple[CameraId, ...], since: Instant, until: Instant, at: Instant
) -> tuple[Why | None, ...]:
    """What both sides check of every request, one condition per line; None where it is kept."""
    line = law.FOOTAGE[basis]
    return (
        Why.NO_PERMIT if line.document and not DOCUMENT.fullmatch(document) else None,
        Why.MALFORMED if document and not line.document else None,
        None if cameras and len(set(cameras)) == len(cameras) else Why.MALFORMED,
        None if len(cameras) <= FOOTAGE_CAMERAS_MAX else Why.TOO_MANY_CAMERAS,
        None if since < until else Why.MALFORMED,
        None if until - since <= FOOTAGE_MINUTES_MAX * MINUTE_MS else Why.TOO_LONG,
        None if until <= at + AHEAD_MS_MAX else Why.MALFORMED,
        None if since >= at - FOOTAGE_AGE_DAYS_MAX * DAY_MS else Why.STALE,
    )


def first(reasons: tuple[Why | None, ...]) -> Why | None:
    return next((why for why in reasons if why is not None), None)
