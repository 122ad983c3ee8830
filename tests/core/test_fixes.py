import msgspec
import pytest

from safetynet.core import fixes
from safetynet.core.fixes import Fix, Grade, Mark, Reason, Said
from safetynet.core.orders import Circle, Order, Polygon, Zone, decode, encode, from_json, in_force, to_json
from safetynet.core.terms import Source, WearerClass

GOOD = Fix(
    id=1, wearer="w1", device="d1", observed_at=1_000_000, received_at=1_000_500, lat=36.35, lon=127.38, accuracy_m=8,
    source=Source.GNSS,
)  # fmt: skip


def but(**changes):
    return msgspec.structs.replace(GOOD, **changes)


@pytest.mark.parametrize(
    ("fix", "grade", "reason"),
    [
        (GOOD, Grade.GOOD, Reason.NONE),
        (but(lat=None, lon=None), Grade.UNUSABLE, Reason.NO_POSITION),
        (but(accuracy_m=3_001), Grade.UNUSABLE, Reason.RADIUS_TOO_LARGE),
        (but(accuracy_m=51), Grade.POOR, Reason.RADIUS_LARGE),
        (but(accuracy_m=None), Grade.POOR, Reason.RADIUS_UNKNOWN),
        (but(source=Source.CELL, accuracy_m=10), Grade.POOR, Reason.CELL),
        (but(marks=Mark.MOCK), Grade.POOR, Reason.MOCK),
        (but(marks=Mark.NOT_VALID), Grade.POOR, Reason.NOT_VALID),
        (but(marks=Mark.APPROXIMATE), Grade.POOR, Reason.APPROXIMATE),
        (but(said=Said.STRAP_CUT), Grade.GOOD, Reason.NONE),
    ],
)
def test_grade(fix, grade, reason):
    assert fixes.grade(fix) == (grade, reason)


def test_a_jump_is_flagged_and_the_way_by_train_is_not():
    later = but(observed_at=1_060_000, received_at=1_060_500, lat=36.35 + 0.045)  # 5 km in 60 s = 83 m/s
    assert fixes.grade(later, GOOD) == (Grade.GOOD, Reason.NONE)
    far = but(observed_at=1_060_000, received_at=1_060_500, lat=36.35 + 0.09)  # 10 km
    assert fixes.grade(far, GOOD) == (Grade.POOR, Reason.JUMP)
    assert fixes.jumped(GOOD, far) is fixes.jumped(far, GOOD) is True


def test_the_radius_has_a_floor():
    assert fixes.radius_m(but(accuracy_m=0)) == pytest.approx(12.08)
    assert fixes.sigma_m(but(accuracy_m=0)) == pytest.approx(8)
    assert fixes.radius_m(but(accuracy_m=None)) == 100
    assert fixes.radius_m(but(accuracy_m=5, source=Source.CELL)) == 300
    assert fixes.radius_m(but(accuracy_m=900, source=Source.CELL)) == 900


def test_a_fast_clock_counts_as_arrival():
    assert fixes.instant(but(observed_at=1_200_000)) == 1_000_500
    assert fixes.instant(GOOD) == 1_000_000


def test_place_carries_the_radius_that_rules_use():
    place = fixes.place(but(accuracy_m=1))
    assert place is not None
    assert place.radius_m == pytest.approx(12.08)
    assert fixes.place(but(lat=None, lon=None)) is None


# --- orders --------------------------------------------------------------------------------------------------------

SQUARE = ((36.35, 127.38), (36.36, 127.38), (36.36, 127.39), (36.35, 127.39))


def order(**changes):
    fields = {
        "wearer": "w1", "wearer_class": WearerClass.ORDER, "version": 1,
        "zones": (Zone(id="z1", name="초등학교", area=Polygon(SQUARE)), Zone(id="z2", name="집", area=Circle(36.4, 127.4, 100))),
    }  # fmt: skip
    return Order(**(fields | changes))


def test_order_there_and_back():
    assert decode(encode(order())) == order()
    assert from_json(to_json(order())) == order()


def test_validity_is_half_open():
    bound = order(starts_at=100, ends_at=200)
    assert [in_force(bound, at) for at in (99, 100, 199, 200)] == [False, True, True, False]
    assert in_force(order(), 0)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Circle(127.4, 36.4, 100),
        lambda: Circle(36.4, 127.4, 0),
        lambda: Circle(36.4, 127.4, float("nan")),
        lambda: Circle(36.4, 127.4, 50_001),
        lambda: Polygon(SQUARE[:2]),
        lambda: Polygon((SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3])),
        lambda: Polygon(((36.35, 127.38), (38.0, 127.38), (36.36, 127.39))),
        lambda: Polygon((*SQUARE[:3], (127.39, 36.35))),
        lambda: Polygon(SQUARE * 126),
        lambda: Zone(id="", name="x", area=Circle(36.4, 127.4, 100)),
        lambda: Zone(id="z", name="", area=Circle(36.4, 127.4, 100)),
        lambda: order(wearer=""),
        lambda: order(version=0),
        lambda: order(starts_at=200, ends_at=200),
        lambda: order(zones=order().zones * 2),
        lambda: order(zones=tuple(Zone(id=str(n), name="x", area=Circle(36.4, 127.4, 9)) for n in range(201))),
    ],
)
def test_what_no_judge_can_have_meant(wrong):
    with pytest.raises(ValueError):
        wrong()


def test_a_stored_order_is_checked_too():
    with pytest.raises(msgspec.ValidationError):
        decode(encode(order()).replace(b"\xa8radius_m\x64", b"\xa8radius_m\x00"))


def test_no_claimed_radius_is_too_large_to_reckon_with():
    """One device that says 1e308 stopped a control centre, and its journal stopped it again at every start."""
    assert fixes.radius_m(but(accuracy_m=1e308)) == 100_000.0
