"""The OsmAnd form, as Traccar's phone clients and many trackers send it: query, form body, or JSON (client 9 and later).

Who speaks is settled first: an unknown device and a wrong key get the same answer in the same time (a SHA-256 and a
constant-time comparison are done for both), so that nobody can list our devices from outside; the counters tell them
apart. Then nonsense is refused with its reason. One thing goes before every refusal: an alarm. When a message carries
one, a place or a time beyond the limits is struck out and marked and the fix stands, for whoever can feed a device a
false position must not silence its strap by that.

Absent on purpose: grading (core.fixes), everything that this service does not use (odometer, altitude, activity).
"""

import datetime as dt
import hashlib
import hmac
import math
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

import msgspec

from safetynet.core.fixes import DEVICE_BYTES_MAX, Fix, Mark, Said
from safetynet.core.terms import DeviceId, Instant, Source
from safetynet.edge.codec import NONSENSE
from safetynet.edge.devices import words
from safetynet.edge.devices.words import MPS_PER_KNOT, NOBODY, Known, Reason, Refusal, Registered, Spoken

__all__ = ["Known", "Reason", "Refusal", "Registered", "decode", "taken"]

FIELDS_MAX: Final = 64
KNOTS_MAX: Final = 1_000.0
"""A faster report has no speed (`words.settle`)."""
LATEST_MS: Final = 1e15
"""Whatever is later than the year 33658 is that: a number that no calendar holds."""

_SAID: Final[Mapping[str, Said]] = {
    "strapcut": Said.STRAP_CUT,
    "removing": Said.STRAP_CUT,
    "tampering": Said.BODY_TAMPER,
    "bodytamper": Said.BODY_TAMPER,
    "sos": Said.SOS,
    "lowbattery": Said.LOW_BATTERY,
    "lowpower": Said.LOW_BATTERY,
    "powercut": Said.POWER_CUT,
    "poweroff": Said.POWER_CUT,
    "jamming": Said.JAMMING,
    "gpsantennacut": Said.JAMMING,
    "separation": Said.SEPARATION,
    "outofrange": Said.SEPARATION,
    "vibration": Said.SHOCK,
    "falldown": Said.SHOCK,
    "shock": Said.SHOCK,
}
_TRUE: Final = frozenset({"1", "true", "yes", "t"})
_FALSE: Final = frozenset({"0", "false", "no", "f"})


def decode(
    query: bytes, body: bytes, content_type: str, now: Instant, known: Known, *, header_key: bytes = b""
) -> Fix | Refusal:
    """One request, one fix with id 0. `header_key` is the value of X-Device-Key, better than a key in an address."""
    try:
        fields = _fields(query, body, content_type)
    except (ValueError, *NONSENSE):
        return Refusal(Reason.MALFORMED)
    return taken(fields, now, known, header_key=header_key)


def taken(fields: Mapping[str, str], now: Instant, known: Known, *, header_key: bytes = b"") -> Fix | Refusal:
    """What the fields of one message come to, however they were brought."""
    device = DeviceId(fields.get("id") or fields.get("deviceid") or fields.get("device_id") or "")
    if not device or len(device.encode(errors="replace")) > DEVICE_BYTES_MAX:
        return Refusal(Reason.MALFORMED)
    registered = known(device)
    key = header_key or fields.get("key", "").encode(errors="replace")
    right = hmac.compare_digest(hashlib.sha256(key).digest(), (registered or NOBODY).key_sha256)
    if registered is None:
        return Refusal(Reason.UNKNOWN_DEVICE)
    if not right:
        return Refusal(Reason.BAD_KEY)
    return words.settle(_spoken(fields), device, registered, now)


def _spoken(fields: Mapping[str, str]) -> Spoken:
    said, other = _alarms(fields.get("alarm", ""))
    marks = _marks(fields)
    radius = _number(fields.get("accuracy", ""))
    if radius is not None and radius < 0:
        radius, marks = None, marks | Mark.NOT_VALID
    elif radius is None:
        radius = words.radius(None, _number(fields.get("hdop", "")))
    speed = _number(fields.get("speed", ""))
    return Spoken(
        place=_place(fields),
        observed_at=_time(fields.get("timestamp", "")),
        radius_m=radius,
        source=_source(fields.get("source", "")),
        speed_mps=None if speed is None else speed * MPS_PER_KNOT,
        course_deg=_number(fields.get("bearing", fields.get("heading", ""))),
        battery_percent=_number(fields.get("batt", "").rstrip("%")),
        said=said,
        marks=marks,
        other=other,
    )


# --- the three forms ------------------------------------------------------------------------------------------------


def _fields(query: bytes, body: bytes, content_type: str) -> dict[str, str]:
    """Raises ValueError or what NONSENSE names. A name that stands twice is refused, lest two readers take different ones."""
    if body and content_type.partition(";")[0].strip().lower() == "application/json":
        return _from_json(body)
    fields: dict[str, str] = {}
    for part in (query, body):
        for name, value in _pairs(part.decode("utf-8")):
            if name == "alarm" and name in fields:
                value = f"{fields[name]},{value}"  # noqa: PLW2901 - several alarms are several alarms
            elif name in fields and name not in {"wifi", "cell"}:
                raise ValueError("a field stands twice")
            fields[name] = value
    return fields


def _pairs(text: str) -> list[tuple[str, str]]:
    """Of a query. Nothing is escaped in most of them, and then nothing need be undone."""
    if not text:
        return []
    if "%" in text or "+" in text or not text.isascii():
        return parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS_MAX)
    parts = text.split("&")
    if len(parts) > FIELDS_MAX:
        raise ValueError("too many fields")
    return [(name, value) for name, equals, value in (each.partition("=") for each in parts) if name or equals]


class _Coords(msgspec.Struct):
    latitude: float | None = None
    longitude: float | None = None
    accuracy: float | None = None
    speed: float | None = None
    heading: float | None = None


class _Battery(msgspec.Struct):
    level: float | None = None


class _Extras(msgspec.Struct):
    alarm: str | None = None
    key: str | None = None
    source: str | None = None


class _Location(msgspec.Struct):
    timestamp: str | int | float | None = None
    coords: _Coords | None = None
    battery: _Battery | None = None
    mock: bool | None = None
    alarm: str | None = None
    extras: _Extras | None = None


class _Json(msgspec.Struct):
    device_id: str
    location: _Location
    key: str | None = None
    alarm: str | None = None


_json: Final = msgspec.json.Decoder(_Json)


def _from_json(body: bytes) -> dict[str, str]:
    """The same names and units as the form; the JSON form has metres per second and a battery from 0 to 1."""
    said = _json.decode(body)
    location, coords = said.location, said.location.coords or _Coords()
    extras = location.extras or _Extras()
    level = None if location.battery is None else location.battery.level
    alarms = [each for each in (said.alarm, location.alarm, extras.alarm) if each]
    found: dict[str, object] = {
        "id": said.device_id,
        "key": said.key or extras.key,
        "lat": coords.latitude,
        "lon": coords.longitude,
        "accuracy": coords.accuracy,
        "speed": None if coords.speed is None else coords.speed / MPS_PER_KNOT,
        "heading": coords.heading,
        "batt": None if level is None or level < 0 else level * 100,
        "timestamp": location.timestamp,
        "mock": location.mock,
        "alarm": ",".join(alarms) or None,
        "source": extras.source,
    }
    return {name: str(value) for name, value in found.items() if value is not None}


# --- the fields -----------------------------------------------------------------------------------------------------


def _number(text: str) -> float | None:
    """A finite number or None: what is not essential does not cost a fix."""
    if not text or "_" in text:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _place(fields: Mapping[str, str]) -> tuple[float, float] | Reason | None:
    texts = fields.get("lat"), fields.get("lon")
    if texts == (None, None) and "location" in fields:
        first, _, second = fields["location"].partition(",")
        texts = first, second
    if texts == (None, None):
        return None
    lat, lon = _number(texts[0] or ""), _number(texts[1] or "")
    if lat is None or lon is None:
        return Reason.BAD_PLACE
    return lat, lon


def _time(text: str) -> Instant | Reason | None:
    """Seconds, milliseconds or ISO 8601 with a zone; without any time it is now, as the protocol has it."""
    if not text:
        return None
    value = _number(text)
    if value is not None:
        return Instant(round(max(-1.0, min(value if value >= 1e11 else value * 1000, LATEST_MS))))
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return Reason.BAD_TIME
    return Reason.BAD_TIME if moment.tzinfo is None else Instant(round(moment.timestamp() * 1000))


def _alarms(text: str) -> tuple[Said, str]:
    said = Said.NOTHING
    unknown: list[str] = []
    for word in filter(None, (each.strip() for each in text.split(","))):
        flag = _SAID.get(word.lower().replace("_", "").replace("-", "").replace(" ", ""), Said.OTHER)
        said |= flag
        if flag is Said.OTHER:
            unknown.append(word)
    return said, ",".join(unknown)


def _marks(fields: Mapping[str, str]) -> Mark:
    marks = Mark.NOTHING
    if fields.get("valid", "").lower() in _FALSE:
        marks |= Mark.NOT_VALID
    if fields.get("mock", "").lower() in _TRUE:
        marks |= Mark.MOCK
    if fields.get("approximate", "").lower() in _TRUE:
        marks |= Mark.APPROXIMATE
    return marks


def _source(text: str) -> Source:
    try:
        return Source(text.lower())
    except ValueError:
        return Source.UNKNOWN
