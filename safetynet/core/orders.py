"""What a court ordered: who is monitored on what footing, which zones are forbidden, from when until when.

An `Order` is personal data. It lives only in the sealed person store, as `encode` writes it, under the wearer's key;
no event and no message carries it.

Absent on purpose: the person's name and contacts (beside the order in the store), what is a violation (`rules`).
"""

from typing import Final

import msgspec

from safetynet.core import geo
from safetynet.core.terms import Instant, WearerClass, WearerId, ZoneId

ZONES_MAX: Final = 200
CORNERS_MAX: Final = 500
RADIUS_M_MIN: Final = 1.0
REACH_M_MAX: Final = 50_000.0
"""No zone reaches further from its middle. A larger one is an input mistake, not a court's wish."""
NAME_CHARS_MAX: Final = 120


class Circle(msgspec.Struct, frozen=True, tag="circle"):
    lat: float
    lon: float
    radius_m: float

    def __post_init__(self) -> None:
        if not geo.in_korea(self.lat, self.lon):
            raise ValueError("circle outside Korea")
        if not RADIUS_M_MIN <= self.radius_m <= REACH_M_MAX:
            raise ValueError("radius out of range")


class Polygon(msgspec.Struct, frozen=True, tag="polygon"):
    """Corners as (lat, lon), first not repeated; edges are straight in the plane around the first corner."""

    corners: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        if not 3 <= len(self.corners) <= CORNERS_MAX:
            raise ValueError("number of corners out of range")
        if not all(geo.in_korea(lat, lon) for lat, lon in self.corners):
            raise ValueError("corner outside Korea")
        plane = geo.Plane(*self.corners[0])
        ring = [plane.to_xy(lat, lon) for lat, lon in self.corners]
        if any(x * x + y * y > REACH_M_MAX**2 for x, y in ring):
            raise ValueError("polygon too large")
        if not geo.simple(ring):
            raise ValueError("polygon crosses itself or has no area")


class Zone(msgspec.Struct, frozen=True, kw_only=True):
    """A forbidden place (출입금지구역)."""

    id: ZoneId
    name: str
    area: Circle | Polygon

    def __post_init__(self) -> None:
        if not self.id or not 1 <= len(self.name) <= NAME_CHARS_MAX:
            raise ValueError("zone without id or with a bad name")


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """Raises ValueError (msgspec.ValidationError when decoded) for an order that no judge can have meant."""

    wearer: WearerId
    wearer_class: WearerClass
    version: int
    """Rises with every change; a verdict names the version it was judged by."""
    zones: tuple[Zone, ...] = ()
    starts_at: Instant | None = None
    ends_at: Instant | None = None
    """First instant at which it no longer holds."""

    def __post_init__(self) -> None:
        if not self.wearer or self.version < 1:
            raise ValueError("order without wearer or version")
        if len(self.zones) > ZONES_MAX:
            raise ValueError("too many zones")
        if len({zone.id for zone in self.zones}) < len(self.zones):
            raise ValueError("two zones with one id")
        if self.starts_at is not None and self.ends_at is not None and self.starts_at >= self.ends_at:
            raise ValueError("order ends before it starts")


def in_force(order: Order, at: Instant) -> bool:
    return (order.starts_at is None or order.starts_at <= at) and (order.ends_at is None or at < order.ends_at)


_to_bytes: Final = msgspec.msgpack.Encoder()
_from_bytes: Final = msgspec.msgpack.Decoder(Order)


def encode(order: Order) -> bytes:
    """MessagePack for the sealed person store."""
    return _to_bytes.encode(order)


def decode(data: bytes) -> Order:
    """Raises msgspec.ValidationError or msgspec.DecodeError."""
    return _from_bytes.decode(data)


def from_json(data: bytes) -> Order:
    """What an importer or an administrator hands in. Raises as `decode` does."""
    return msgspec.json.decode(data, type=Order)


def to_json(order: Order) -> bytes:
    return msgspec.json.encode(order)
