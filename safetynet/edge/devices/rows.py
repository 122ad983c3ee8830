"""Many reports in one body: JSON rows with the names of the OsmAnd form, each of its own device with its own key.

For whoever forwards what devices said: a telephone that was away, an aggregator of a network operator. Who forwards proves
nothing and need not be known; each row is proved by its own device's key. A row is read as if it had come alone
(`osmand`): what is plain goes a short way to the same fix, everything else takes the long one. A row that is refused takes
none of the others with it.

Absent on purpose: what any field means (`osmand`), and what is no statement of a device at all (`words`).
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from safetynet.core import geo
from safetynet.core.fixes import AHEAD_MS_MAX, Fix
from safetynet.core.terms import DeviceId, FixId, Instant, Source
from safetynet.edge.codec import NONSENSE
from safetynet.edge.devices import osmand
from safetynet.edge.devices.words import MPS_PER_KNOT, Known, Reason, Refusal

ROWS_MAX: Final = 1_000
BODY_BYTES_MAX: Final = 262_144


class Row(msgspec.Struct, gc=False):
    """One report. `timestamp` in seconds, milliseconds or ISO 8601, `speed` in knots, as the form has them."""

    id: str
    key: str = ""
    lat: float | None = None
    lon: float | None = None
    timestamp: float | str | None = None
    accuracy: float | None = None
    speed: float | None = None
    bearing: float | None = None
    batt: float | None = None
    source: str = ""
    alarm: str | None = None
    hdop: float | None = None
    valid: bool | None = None
    mock: bool | None = None
    approximate: bool | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """What a body came to: the fixes in its order, and why the rows at these places are none."""

    fixes: tuple[Fix, ...]
    refused: tuple[tuple[int, Refusal], ...]


class _No(msgspec.Struct, frozen=True):
    row: int
    reason: str


class _Answer(msgspec.Struct, frozen=True):
    taken: int
    refused: list[_No]


_rows: Final = msgspec.json.Decoder(list[Row])
_raws: Final = msgspec.json.Decoder(list[msgspec.Raw])
_row: Final = msgspec.json.Decoder(Row)
_answer: Final = msgspec.json.Encoder()
_SOURCES: Final = {each.value: each for each in Source}
_MS_FROM: Final = 1e11
"""A number from here on is milliseconds, below it seconds (`osmand`)."""


def decode(body: bytes, now: Instant, known: Known) -> Rows | Refusal:
    """All of a body, or why it is none: no list of rows, an empty one, or too many of them."""
    found: Sequence[Row | None]
    try:
        found = _rows.decode(body)
    except NONSENSE:
        try:
            found = [_alone(each) for each in _raws.decode(body)]
        except NONSENSE:
            return Refusal(Reason.MALFORMED)
    if not found:
        return Refusal(Reason.MALFORMED)
    if len(found) > ROWS_MAX:
        return Refusal(Reason.FRAME_TOO_LONG)
    fixes: list[Fix] = []
    refused: list[tuple[int, Refusal]] = []
    for n, row in enumerate(found):
        got = Refusal(Reason.MALFORMED) if row is None else _plain(row, now, known) or _whole(row, now, known)
        if isinstance(got, Refusal):
            refused.append((n, got))
        else:
            fixes.append(got)
    return Rows(tuple(fixes), tuple(refused))


def answer(rows: Rows) -> bytes:
    """What the sender is told, once the fixes are on disk."""
    return _answer.encode(_Answer(len(rows.fixes), [_No(n, each.word) for n, each in rows.refused]))


def _alone(raw: msgspec.Raw) -> Row | None:
    """One row out of a body in which not every row can be read."""
    try:
        return _row.decode(raw)
    except NONSENSE:
        return None


def _plain(row: Row, now: Instant, known: Known) -> Fix | None:
    """The fix of a row about which there is nothing to say. None: it takes the long way, which knows why."""
    lat, lon, radius, at = row.lat, row.lon, row.accuracy, row.timestamp
    if lat is None or lon is None or radius is None or row.alarm is not None or row.hdop is not None:
        return None
    if row.valid is not None or row.mock is not None or row.approximate is not None or isinstance(at, str):
        return None
    whose = known(DeviceId(row.id))
    if whose is None or at is None or not geo.in_korea(lat, lon) or not 0.0 <= radius < 1e9:
        return None
    if not hmac.compare_digest(hashlib.sha256(row.key.encode(errors="replace")).digest(), whose.key_sha256):
        return None
    if not 0.0 <= at < osmand.LATEST_MS:
        return None
    observed = round(at if at >= _MS_FROM else at * 1000)
    if observed > now + AHEAD_MS_MAX:
        return None
    speed, course, battery = row.speed, row.bearing, row.batt
    if speed is not None:
        speed = speed * MPS_PER_KNOT if 0.0 <= speed <= osmand.KNOTS_MAX else None
    return Fix(
        id=FixId(0),
        wearer=whose.wearer,
        device=DeviceId(row.id),
        observed_at=Instant(observed),
        received_at=now,
        lat=lat,
        lon=lon,
        accuracy_m=radius,
        source=_SOURCES.get(row.source.lower(), Source.UNKNOWN),
        speed_mps=speed,
        course_deg=course if course is not None and 0.0 <= course <= 360.0 else None,
        battery_percent=battery if battery is not None and 0.0 <= battery <= 100.0 else None,
        protected=whose.protected,
    )


def _whole(row: Row, now: Instant, known: Known) -> Fix | Refusal:
    """As the form would have brought it."""
    fields: dict[str, str] = {}
    for name in Row.__struct_fields__:
        value = getattr(row, name)
        if value is not None and value != "":
            fields[name] = str(value).lower() if isinstance(value, bool) else str(value)
    return osmand.taken(fields, now, known)
