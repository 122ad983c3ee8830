"""Orders: what was stored long ago still means the same, shapes with holes and parts, and no difference that is not said."""

from datetime import date

import msgspec
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from safetynet.core import geo, grounds, orders, zonesets
from safetynet.core.amendments import differences
from safetynet.core.orders import (
    STATUTORY,
    Absence,
    Circle,
    Curfew,
    Duty,
    Hours,
    Inclusion,
    Leave,
    MultiPolygon,
    OnHolidays,
    Order,
    Polygon,
    Protected,
    Row,
    Sobriety,
    Stay,
    Substance,
    Zone,
)
from safetynet.core.terms import WearerClass

LAT, LON = 36.35, 127.38
OLD = bytes.fromhex(
    "89a6776561726572a27731ac7765617265725f636c617373b07374616c6b696e675f696e746572696da776657273696f6e03a57a6f6e657392"
    "83a26964a27a31a46e616d65acecb488eb93b1ed9599eab590a46172656184a474797065a6636972636c65a36c6174cb40422ccccccccccda3"
    "6c6f6ecb405fd851eb851eb8a87261646975735f6dcb4062c0000000000083a26964a27a32a46e616d65a9eb8680ec9db4ed84b0a461726561"
    "82a474797065a7706f6c79676f6ea7636f726e6572739492cb40422d0e56041894cb405fd83126e978d592cb40422d0e56041894cb405fd862"
    "4dd2f1aa92cb40422ccccccccccdcb405fd8624dd2f1aa92cb40422ccccccccccdcb405fd83126e978d5a97374617274735f6174cf000001a0"
    "c4506c00a7656e64735f6174cf000001a3185c5000a7637572666577739184a26964a26331a46e616d65a3eca791a4686f6d6584a474797065"
    "a6636972636c65a36c6174cb40422c6a7ef9db23a36c6f6ecb405fd883126e978da87261646975735f6dcb404e000000000000a4726f777392"
    "83a4646179739700010203040506a973746172745f6d696ecd0528a7656e645f6d696ecd016883a464617973920506a973746172745f6d696e"
    "cd02d0a7656e645f6d696ecd05a0a8616273656e6365739183a26964a26131a97374617274735f6174cf000001a0c4506c00a7656e64735f61"
    "74cf000001a0c4875a80a970726f7465637465649183a26964a470702d31aa64697374616e63655f6dcb4062c00000000000a6646576696365"
    "c2"
)
"""As it was sealed before timetables knew dates and zones knew holes."""
OLDEST = bytes.fromhex(
    "89a6776561726572a27732ac7765617265725f636c617373a56f72646572a776657273696f6e01a57a6f6e657390a97374617274735f6174c0"
    "a7656e64735f6174c0a76375726665777390a8616273656e63657390a970726f74656374656490"
)
RING = ((LAT, LON), (LAT, LON + 0.01), (LAT + 0.01, LON + 0.01), (LAT + 0.01, LON))
HOLE = ((LAT + 0.004, LON + 0.004), (LAT + 0.004, LON + 0.006), (LAT + 0.006, LON + 0.006), (LAT + 0.006, LON + 0.004))
FAR = tuple((lat + 0.02, lon) for lat, lon in RING)


def test_an_order_sealed_long_ago_means_what_it_meant():
    old = orders.decode(OLD)
    assert (old.wearer, old.wearer_class, old.version) == ("w1", WearerClass.STALKING_INTERIM, 3)
    assert old.zones[0].area == Circle(LAT, LON, 150.0)
    assert isinstance(old.zones[1].area, Polygon)
    assert len(old.zones[1].area.corners) == 4
    assert old.zones[1].area.holes == ()
    (curfew,) = old.curfews
    assert [(row.days, row.start_min, row.end_min) for row in curfew.rows] == [(tuple(range(7)), 1320, 360), ((5, 6), 720, 1440)]  # fmt: skip
    assert all((row.since, row.until, row.every_weeks, row.except_on, row.also_on) == (None, None, 1, (), ()) for row in curfew.rows)  # fmt: skip
    assert (curfew.zone, curfew.on_holidays, curfew.hours) == ("Asia/Seoul", OnHolidays.ANY_DAY, Hours.NIGHT)
    assert old.absences == (Absence(id="a1", starts_at=1_790_000_000_000, ends_at=1_790_003_600_000),)
    assert old.protected == (Protected(id="pp-1", distance_m=150.0, device=False),)
    assert (old.inclusions, old.shared, old.sobriety, old.holidays) == ((), (), (), ())
    assert old.duties == STATUTORY, "the statute holds for everybody"
    assert orders.decode(orders.encode(old)) == old
    assert orders.from_json(orders.to_json(old)) == old
    bare = orders.decode(OLDEST)
    assert bare == Order(wearer="w2", wearer_class=WearerClass.ORDER, version=1)


FULL = Order(
    wearer="w1",
    wearer_class=WearerClass.PAROLE,
    version=2,
    starts_at=1,
    ends_at=10**13,
    zones=(Zone(id="z1", name="공원", area=Polygon(RING, (HOLE,))), Zone(id="z2", name="두 곳", area=MultiPolygon((Polygon(RING), Polygon(FAR))))),
    curfews=(
        Curfew(
            id="c1", name="통학", home=Polygon(RING), hours=Hours.SCHOOL, on_holidays=OnHolidays.OWN, zone="Europe/London",
            rows=(Row(days=(0, 7), start_min=450, end_min=540, since=date(2026, 3, 2), until=date(2026, 7, 17), every_weeks=2, except_on=(date(2026, 5, 5),), also_on=(date(2026, 8, 1),)),),
        ),
    ),
    absences=(Absence(id="a1", starts_at=5, ends_at=9, leave=Leave.REMOVAL, asked_by="본인", granted_by="정다섯", purpose="MRI"),),
    protected=(Protected(id="pp-1"),),
    inclusions=(Inclusion(id="i1", name="가람시", area=Circle(LAT, LON, 9_000.0)), Inclusion(id="i2", name="상담", area=Circle(LAT, LON, 60.0), stay=Stay.ATTENDANCE, rows=(Row(days=(2,), start_min=840, end_min=960),))),
    shared=("schools",),
    sobriety=(Sobriety(substance=Substance.ALCOHOL, limit_percent=0.03), Sobriety(substance=Substance.DRUG)),
    duties=(*STATUTORY, Duty.HOME_UNIT),
    holidays=(date(2026, 5, 5),),
)  # fmt: skip


def test_everything_of_an_order_is_kept():
    assert orders.decode(orders.encode(FULL)) == FULL
    assert orders.from_json(orders.to_json(FULL)) == FULL


def _parts(value, path=()):
    """Every place in an order at which something is said."""
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from _parts(getattr(value, name), (*path, name))
    elif isinstance(value, tuple) and value and isinstance(value[0], msgspec.Struct):
        for n, each in enumerate(value):
            yield from _parts(each, (*path, n))
    else:
        yield path


OTHER = {  # for each field of the full order another value that may stand there
    "wearer_class": WearerClass.BAIL, "starts_at": 2, "ends_at": 10**13 + 1, "name": "다른 이름", "zone": "UTC", "on_holidays": OnHolidays.OWN,
    "hours": Hours.NIGHT, "days": (1, 7), "start_min": 451, "end_min": 541, "since": date(2026, 3, 1), "until": date(2026, 7, 18), "every_weeks": 3,
    "except_on": (), "also_on": (), "leave": Leave.TRAVEL, "asked_by": "가족", "granted_by": "다른 이", "purpose": "장례", "distance_m": 200.0, "device": False,
    "radius_m": 77.0, "lat": LAT + 0.0001, "lon": LON + 0.0001, "stay": Stay.ATTENDANCE, "rows": (Row(days=(3,), start_min=1, end_min=2),),
    "shared": ("childcare",), "substance": Substance.DRUG, "limit_percent": 0.05, "duties": STATUTORY, "holidays": (), "id": "another",
    "corners": tuple((lat + 0.0001, lon) for lat, lon in RING), "holes": (), "polygons": (Polygon(RING),),
}  # fmt: skip


def _with(value, path, new):
    if not path:
        return new
    head, *rest = path
    if isinstance(head, int):
        return (*value[:head], _with(value[head], rest, new), *value[head + 1 :])
    return msgspec.structs.replace(value, **{head: _with(getattr(value, head), rest, new)})


def _cases():
    for path in _parts(FULL):
        name = path[-1]
        if name in ("wearer", "version"):
            continue
        yield path, OTHER[name]


@pytest.mark.parametrize(("path", "new"), list(_cases()), ids=lambda each: ".".join(map(str, each)) if isinstance(each, tuple) and each and isinstance(each[0], str) else "")  # fmt: skip
def test_whatever_is_changed_is_said(path, new):
    """An order in which something differs never counts as unchanged: it would be thrown away unseen."""
    held = FULL
    for name in path:
        held = held[name] if isinstance(name, int) else getattr(held, name)
    try:
        changed = _with(FULL, path, new)
    except ValueError as refused:
        pytest.skip(f"not alone: {refused}")
    if held == new:
        pytest.skip("this is what it says already")
    assert differences(FULL, changed) != ()
    assert differences(changed, FULL) != ()


def test_the_same_order_differs_in_nothing():
    assert differences(FULL, msgspec.structs.replace(FULL, version=9)) == ()
    blank = Order(wearer="w1", wearer_class=WearerClass.PAROLE, version=1)
    said = [each.what for each in differences(None, FULL)]
    assert {"curfew_kind", "on_holidays", "clock", "inclusion_added", "inclusion_hours", "inclusion_kind", "absence_said", "shared_added", "sobriety_added", "duties", "holidays"} <= set(said)  # fmt: skip
    assert differences(FULL, blank) != ()


# --- shapes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Polygon(RING, (FAR,)), "hole"),
        (lambda: Polygon(RING, (HOLE, HOLE)), "hole"),
        (lambda: Polygon(RING, (HOLE[:2],)), "corners"),
        (lambda: Polygon(RING, ((HOLE[0], HOLE[2], HOLE[1], HOLE[3]),)), "hole"),
        (lambda: Polygon(RING, ((*HOLE[:3], (0.0, 0.0)),)), "outside Korea"),
        (lambda: MultiPolygon(()), "number of polygons"),
        (lambda: MultiPolygon((Polygon(RING), Polygon(HOLE))), "over each other"),
        (lambda: MultiPolygon((Polygon(RING), Polygon(tuple((lat + 1.0, lon) for lat, lon in RING)))), "too large"),
    ],
)
def test_no_shape_that_nobody_can_have_meant(make, said):
    with pytest.raises(ValueError, match=said):
        make()


AREAS = (Polygon(RING, (HOLE,)), MultiPolygon((Polygon(RING, (HOLE,)), Polygon(FAR))), Polygon(RING), Polygon(HOLE))
DEGREES = st.floats(-0.012, 0.035)


@settings(max_examples=200)
@given(st.sampled_from(AREAS), DEGREES, DEGREES)
def test_inside_holes_and_parts_as_another_library_says(area, north, east):
    place = grounds.ground("z", area)
    here = place.plane.to_xy(LAT + north, LON + east)
    parts = (area,) if isinstance(area, Polygon) else area.polygons
    flat = [[[place.plane.to_xy(*corner) for corner in ring] for ring in (each.corners, *each.holes)] for each in parts]
    shape = shapely.MultiPolygon([(outer, inner) for outer, *inner in flat])
    point = shapely.Point(here)
    off = grounds.off_m(place, here)
    assert abs(off) == pytest.approx(shape.boundary.distance(point), abs=1e-6)
    assert (off < 0) == shape.contains(point) or abs(off) < 1e-6
    north_m, east_m = (LAT + north - place.lat) * 111_200, (LON + east - place.lon) * 90_000
    if off < 0:
        assert (north_m**2 + east_m**2) ** 0.5 <= place.bound_m * 1.01 + 1, "the quick no is never wrong"


@settings(max_examples=100)
@given(st.sampled_from(AREAS), DEGREES, DEGREES, DEGREES, DEGREES)
def test_a_way_is_as_deep_as_its_deepest_spot(area, n1, e1, n2, e2):
    place = grounds.ground("z", area)
    a, b = place.plane.to_xy(LAT + n1, LON + e1), place.plane.to_xy(LAT + n2, LON + e2)
    deep, at = grounds.deepest(place, a, b)
    spot = (a[0] + (b[0] - a[0]) * at, a[1] + (b[1] - a[1]) * at)
    assert grounds.off_m(place, spot) == pytest.approx(deep, abs=1e-6), "never exaggerated"
    walked = min(grounds.off_m(place, (a[0] + (b[0] - a[0]) * n / 400, a[1] + (b[1] - a[1]) * n / 400)) for n in range(401))  # fmt: skip
    assert (deep < 0) or walked > -1.0, "no way through is missed"


# --- shared sets ---------------------------------------------------------------------------------------------------


def _zones(n):
    for k in range(n):
        lat, lon = 34.0 + (k * 37 % 997) / 400, 126.5 + (k * 71 % 991) / 400
        ring = tuple((lat + a, lon + b) for a, b in ((0, 0), (0, 0.002), (0.002, 0.002), (0.002, 0)))
        yield Zone(id=f"s{k}", name=f"학교 {k}", area=Circle(lat, lon, 120.0) if k % 3 else Polygon(ring))


SHARED = zonesets.Shared(_zones(600))


@settings(max_examples=150)
@given(st.floats(33.5, 36.9), st.floats(126.2, 129.3), st.floats(0, 3_000))
def test_the_grid_leaves_out_no_zone_that_is_near(lat, lon, reach_m):
    found = {each.id for each in SHARED.near(lat, lon, reach_m)}
    for each in SHARED.grounds:
        if each.id not in found:
            assert geo.distance_m(lat, lon, each.lat, each.lon) - each.bound_m > reach_m


def test_a_set_says_the_same_bytes_whatever_its_order_and_what_differs():
    zones = list(_zones(30))
    data = zonesets.encode(zones)
    assert zonesets.encode(reversed(zones)) == data
    assert zonesets.encode(zonesets.decode(data)) == data
    after = [*zones[2:], Zone(id="new", name="새 학교", area=Circle(LAT, LON, 90.0))]
    after[0] = msgspec.structs.replace(after[0], name="이름 바뀐 학교")
    after[1] = msgspec.structs.replace(after[1], area=Circle(LAT, LON, 91.0))
    found = zonesets.changed(zones, after)
    assert [[each.id for each in part] for part in found] == [["new"], ["s0", "s1"], ["s3"], ["s2"]]
    assert not any(zonesets.changed(zones, zonesets.decode(data)))
