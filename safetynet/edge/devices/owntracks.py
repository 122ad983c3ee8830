"""OwnTracks, the open telephone application: JSON over HTTP or over MQTT.

Over HTTP a message comes with HTTP Basic: the user is our device, the password its key. Over MQTT the topic names it
(`owntracks/<device>/<anything>`). Speed is in km/h and time in seconds; `acc` is a radius. Everything that is no
`location`, and a message without a body, is acknowledged and passed by, as the application expects.

Absent on purpose: encrypted payloads (the transport is encrypted), friends, cards, waypoints. The application has no
alarms of its own.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from typing import Final, TypeAlias, assert_never

import msgspec

from safetynet.core.fixes import DEVICE_BYTES_MAX, Fix, Mark
from safetynet.core.terms import DeviceId, Instant, Source
from safetynet.edge.codec import NONSENSE
from safetynet.edge.devices.lines import Locate, Rhythm, Wish
from safetynet.edge.devices.words import MPS_PER_KMH, NOBODY, Known, Reason, Refusal, Registered, Spoken, settle

PATHS: Final = frozenset({"/owntracks", "/pub"})
NOTHING: Final = b"[]"
TOPIC: Final = "owntracks/+/+"
BODY_BYTES_MAX: Final = 16_384
LATEST_S: Final = 1e12
_MOVING: Final = 2
"""The application's mode in which it reports by the clock."""


class _Message(msgspec.Struct):
    type_: str = msgspec.field(name="_type")
    lat: float | None = None
    lon: float | None = None
    acc: float | None = None
    vel: float | None = None
    cog: float | None = None
    batt: float | None = None
    tst: float | None = None


_message: Final = msgspec.json.Decoder(_Message)


Got: TypeAlias = Fix | Refusal | None
"""A message that says nothing of a place is None."""


def decode(body: bytes, authorization: bytes, now: Instant, known: Known) -> Got:
    """One message over HTTP."""
    name, key = _basic(authorization)
    whose = known(DeviceId(name)) if 0 < len(name.encode(errors="replace")) <= DEVICE_BYTES_MAX else None
    right = hmac.compare_digest(hashlib.sha256(key).digest(), (whose or NOBODY).key_sha256)
    if whose is None:
        return Refusal(Reason.UNKNOWN_DEVICE)
    if not right:
        return Refusal(Reason.BAD_KEY)
    return of(body, DeviceId(name), whose, now)


def of(body: bytes, device: DeviceId, whose: Registered, now: Instant) -> Got:
    """One message of a device that is known by other means."""
    spoken = read(body)
    return spoken if spoken is None or isinstance(spoken, Refusal) else settle(spoken, device, whose, now)


def read(body: bytes) -> Spoken | Refusal | None:
    if not body:
        return None
    try:
        message = _message.decode(body)
    except NONSENSE:
        return Refusal(Reason.MALFORMED)
    if message.type_ == "encrypted":
        return Refusal(Reason.UNREAD)
    if message.type_ != "location":
        return None
    lat, lon, radius, vague = message.lat, message.lon, message.acc, Mark.NOTHING
    if radius is not None and radius < 0:
        radius, vague = None, Mark.NOT_VALID
    if radius == 0:
        radius = None  # not measured
    when = message.tst
    return Spoken(
        place=Reason.BAD_PLACE if lat is None or lon is None else (lat, lon),
        observed_at=Reason.BAD_TIME if when is None else Instant(round(max(-1.0, min(when, LATEST_S)) * 1000)),
        radius_m=radius,
        source=Source.UNKNOWN,
        speed_mps=None if message.vel is None else message.vel * MPS_PER_KMH,
        course_deg=message.cog,
        battery_percent=message.batt,
        marks=vague,
    )


def device_of(topic: str) -> DeviceId | None:
    """Whose topic it is."""
    parts = topic.split("/")
    return DeviceId(parts[1]) if len(parts) == 3 and parts[0] == "owntracks" and parts[1] else None


def command(wish: Wish) -> bytes:
    """As the application takes it, over either transport; its owner must have allowed remote commands."""
    return msgspec.json.encode(_command(wish))


def reply(wishes: Sequence[Wish]) -> bytes:
    """What is answered over HTTP."""
    return msgspec.json.encode([_command(each) for each in wishes])


def _command(wish: Wish) -> dict[str, object]:
    match wish:
        case Rhythm(every_s):
            settings = {"_type": "configuration", "monitoring": _MOVING, "moveModeLocatorInterval": every_s,
                        "locatorInterval": every_s}  # fmt: skip
            return {"_type": "cmd", "action": "setConfiguration", "configuration": settings}
        case Locate():
            return {"_type": "cmd", "action": "reportLocation"}
        case _:
            assert_never(wish)


def _basic(authorization: bytes) -> tuple[str, bytes]:
    scheme, _, coded = authorization.partition(b" ")
    if scheme.lower() != b"basic":
        return "", b""
    try:
        name, _, key = base64.b64decode(coded.strip(), validate=True).partition(b":")
        return name.decode("utf-8"), key
    except (binascii.Error, UnicodeDecodeError):
        return "", b""
