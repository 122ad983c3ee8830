"""A made-up walk through both: whether the kernel, as it was compiled on this machine, says what the rules say.

Asked once before a program judges with it, and by whoever fills the cache of compiled code.
"""

from typing import Final

from safetynet.core import geo, rules
from safetynet.core.fixes import Fix
from safetynet.core.kernel.packing import Packed
from safetynet.core.orders import Circle, Curfew, Order, Polygon, Row, Zone
from safetynet.core.terms import (
    MINUTE_MS,
    CurfewId,
    DeviceId,
    FixId,
    Instant,
    Source,
    WearerClass,
    WearerId,
    ZoneId,
)

_WHO: Final = WearerId("trial")
_START: Final = Instant(1_763_992_800_000)
_PLANE: Final = geo.Plane(36.35, 127.38)
_STEPS: Final = 90


def agrees() -> bool:
    """In pieces and at once, with transitions in it and a fix that comes late."""
    orders, way = {_WHO: _order()}, _way()
    told, state = rules.judge(way, orders, rules.begun())
    packed = Packed(remembering=True)
    mine = [one for n in range(0, len(way), 7) for one in packed.judge(way[n : n + 7], orders, 0)]
    same = packed.records[_WHO] == state.records[_WHO] and packed.histories == state.histories
    return bool(told) and tuple(mine) == told and same


def _order() -> Order:
    corners = ((200.0, -60.0), (330.0, -60.0), (330.0, 90.0), (200.0, 90.0))
    return Order(
        wearer=_WHO,
        wearer_class=WearerClass.ORDER,
        version=1,
        zones=(
            Zone(id=ZoneId("a"), name="시험", area=Polygon(tuple(_PLANE.to_latlon(*each) for each in corners))),
            Zone(id=ZoneId("b"), name="시험", area=Circle(*_PLANE.to_latlon(900.0, 0.0), 120.0)),
        ),
        curfews=(
            Curfew(
                id=CurfewId("c"),
                name="시험",
                home=Circle(_PLANE.lat0, _PLANE.lon0, 60.0),
                rows=(Row(days=tuple(range(7)), start_min=23 * 60 + 30, end_min=300),),
            ),
        ),
    )


def _way() -> list[Fix]:
    """At home, out and through both zones, and home again."""
    way = []
    for n in range(_STEPS):
        x = 0.0 if n < 40 else 25.0 * (n - 40) if n < 80 else 0.0
        late = 90_000 if n == 70 else 0
        at = Instant(_START + n * MINUTE_MS // 2)
        lat, lon = _PLANE.to_latlon(x, 3.0 * (n % 4))
        way.append(
            Fix(id=FixId(n + 1), wearer=_WHO, device=DeviceId("trial"), observed_at=Instant(at - late), received_at=at,
                lat=lat, lon=lon, accuracy_m=10.0, source=Source.GNSS)
        )  # fmt: skip
    return way
