"""The city's decision and the relay's question. Every refusal differs from a yes by that one thing."""

import ast
import itertools
import math
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import safetynet
from safetynet.core import cameras, geo, grants, law
from safetynet.core.events import Place
from safetynet.core.grants import Issued, Lease, Moved, PolicyAnswer, Refused, Ticket, Wanted, issue, move, view
from safetynet.core.terms import (
    AlarmKind,
    Basis,
    CameraId,
    CentreId,
    FixId,
    GrantId,
    IncidentId,
    Instant,
    PoleId,
    RequestId,
    Source,
    ViewerId,
    Why,
)

AT = Instant(1_800_000_000_000)
AREA = ((36.30, 127.30), (36.30, 127.50), (36.40, 127.50), (36.40, 127.30))
PLACE = Place(36.35, 127.40, 12.0, Source.GNSS, Instant(AT - 3_000), Instant(AT - 2_000), FixId(7))
LIMITS = law.limits(Basis.DEVICE_DUTY, AlarmKind.STRAP_CUT)
YES = PolicyAnswer(allow=True, errors=0, sha256=b"\x05" * 32, present=True)
WANTED = Wanted(
    request=RequestId("r1"),
    incident=IncidentId("i1"),
    receiver=CentreId("control"),
    basis=Basis.DEVICE_DUTY,
    kind=AlarmKind.STRAP_CUT,
    place=PLACE,
    radius_m=500,
    cameras_max=5,
    until=Instant(AT + 600_000),
    live=True,
)


def offered(*away):
    return tuple(
        cameras.Choice(
            cameras.Camera(
                id=CameraId(f"c{n}"),
                city=CentreId("garam"),
                pole=PoleId(f"p{n}"),
                name="",
                lat=36.35,
                lon=127.40,
                range_m=60.0,
            ),
            cameras.Reason.WHERE_FIX_WAS,
            metres,
            0.1,
        )
        for n, metres in enumerate(away)
    )


CHOICES = offered(10.0, 400.0, 500.0, 500.1, 30.0, 20.0, 15.0)


def decide(**change):
    given_now = {"limits": LIMITS, "area": AREA, "answer": YES, "choices": CHOICES, "at": AT}
    own = {key: change.pop(key) for key in list(change) if key in given_now}
    return issue(replace(WANTED, **change), **{**given_now, **own})


def at_place(**change):
    return {"place": msgspec.structs.replace(PLACE, **change)}


def test_a_yes_carries_what_the_ledger_needs_and_only_cameras_inside():
    assert decide() == Issued(
        request=RequestId("r1"),
        incident=IncidentId("i1"),
        receiver=CentreId("control"),
        basis=Basis.DEVICE_DUTY,
        kind=AlarmKind.STRAP_CUT,
        place=PLACE,
        radius_m=500,
        cameras_max=5,
        cameras=(CameraId("c0"), CameraId("c1"), CameraId("c2"), CameraId("c4"), CameraId("c5")),
        conditions=("no_recording", "no_onward_sharing", "no_audio"),
        until=Instant(AT + 600_000),
        policy_sha256=b"\x05" * 32,
    )


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"limits": None}, Why.BASIS_MISMATCH),
        ({"live": False}, Why.NOT_LIVE),
        (at_place(observed_at=Instant(AT - 120_001)), Why.STALE),
        (at_place(observed_at=Instant(AT + 10_001)), Why.STALE),
        (at_place(lat=36.2953), Why.OUT_OF_AREA),
        (at_place(lat=math.nan), Why.OUT_OF_AREA),
        (at_place(radius_m=math.inf), Why.OUT_OF_AREA),
        ({"area": ()}, Why.OUT_OF_AREA),
        ({"area": ((36.35, 127.39), (36.35, 127.41))}, Why.OUT_OF_AREA),
        ({"radius_m": 1001}, Why.RADIUS_TOO_WIDE),
        ({"radius_m": 0}, Why.RADIUS_TOO_WIDE),
        ({"radius_m": -1}, Why.RADIUS_TOO_WIDE),
        ({"cameras_max": 17}, Why.TOO_MANY_CAMERAS),
        ({"cameras_max": 0}, Why.TOO_MANY_CAMERAS),
        ({"cameras_held": 12}, Why.TOO_MANY_CAMERAS),
        ({"until": AT}, Why.RUN_OUT),
        ({"until": Instant(AT + 1_800_001)}, Why.TOO_LONG),
        ({"answer": replace(YES, allow=False)}, Why.POLICY_DENIED),
        ({"answer": replace(YES, errors=1)}, Why.POLICY_ERROR),
        ({"answer": replace(YES, present=False)}, Why.POLICY_ABSENT),
        ({"answer": grants.ABSENT}, Why.POLICY_ABSENT),
        ({"choices": ()}, Why.NO_CAMERA),
        ({"choices": offered(500.1, 900.0)}, Why.NO_CAMERA),
    ],
)
def test_one_thing_wrong_is_a_refusal_that_names_it(change, why):
    assert isinstance(decide(), Issued)
    assert decide(**change) == Refused(why)


@pytest.mark.parametrize(
    "change",
    [
        at_place(observed_at=Instant(AT - 120_000)),
        at_place(observed_at=Instant(AT + 10_000)),
        at_place(lat=36.2957),
        {"radius_m": 1000},
        {"radius_m": 10},
        {"cameras_max": 16},
        {"cameras_held": 11},
        {"until": Instant(AT + 1_800_000)},
        {"until": Instant(AT + 1)},
    ],
)
def test_up_to_the_limit_it_is_a_yes(change):
    assert isinstance(decide(**change), Issued)


answers = st.builds(
    PolicyAnswer,
    allow=st.booleans(),
    errors=st.integers(0, 2),
    sha256=st.just(b"\x05" * 32),
    present=st.booleans(),
)


@given(
    st.sampled_from(Basis),
    st.sampled_from(AlarmKind),
    st.booleans(),
    answers | st.just(YES),
    st.sampled_from([-5, 1, 500, 1000, 1001, 50_000]),
    st.sampled_from([-1, 1, 8, 16, 17]),
    st.sampled_from([0, 8, 15, 16]),
    st.sampled_from([-1, 0, 1, 1_800_000, 1_800_001]),
    st.sampled_from([-130_000, -120_000, 0, 11_000]),
    st.sampled_from([0.0, 36.29, 36.296, 36.35, 37.0]),
    st.lists(st.floats(0, 2_000), max_size=20),
)
def test_no_grant_ever_without_everything(basis, kind, live, answer, radius, count, held, lasts, age, lat, away):
    """A1 to A3: whatever comes in, a grant means that each demand of the law was met."""
    wanted = replace(
        WANTED,
        basis=basis,
        kind=kind,
        live=live,
        radius_m=radius,
        cameras_max=count,
        cameras_held=held,
        until=Instant(AT + lasts),
        place=msgspec.structs.replace(PLACE, lat=lat, observed_at=Instant(AT + age)),
    )
    got = issue(wanted, law.limits(basis, kind), AREA, answer, offered(*away), AT)
    statutory = {
        (Basis.DEVICE_DUTY, AlarmKind.STRAP_CUT),
        (Basis.DEVICE_DUTY, AlarmKind.BODY_TAMPER),
        (Basis.DEVICE_DUTY, AlarmKind.JAMMING),
        (Basis.DEVICE_DUTY, AlarmKind.SEPARATION),
        (Basis.EXCLUSION_ZONE, AlarmKind.EXCLUSION_ZONE),
        (Basis.CURFEW, AlarmKind.CURFEW),
        (Basis.CURFEW, AlarmKind.SCHOOL_HOURS),
        (Basis.RESIDENCE, AlarmKind.RESIDENCE),
        (Basis.NO_APPROACH, AlarmKind.APPROACH_100),
        (Basis.NO_APPROACH, AlarmKind.APPROACH_1K),
        (Basis.NO_APPROACH, AlarmKind.PROTECTED_SOS),
    }
    south_m = (36.30 - lat) * 110_970
    met = (
        (basis, kind) in statutory
        and live
        and answer.allow
        and answer.errors == 0
        and answer.present
        and 0 < radius <= 1000
        and 0 < count <= 16 - held
        and 0 < lasts <= 30 * 60_000
        and -120_000 <= age <= 10_000
        and lat < 36.4
        and south_m <= radius
        and any(metres <= radius for metres in away)
    )
    assume(abs(south_m - radius) > 5)
    assert isinstance(got, Issued) == met
    if isinstance(got, Issued):
        by_id = {each.camera.id: each.distance_m for each in offered(*away)}
        assert 0 < len(got.cameras) <= count
        assert all(by_id[id] <= radius for id in got.cameras)


# --- following -----------------------------------------------------------------------------------------------------


def issued():
    got = decide()
    assert isinstance(got, Issued)
    return got


def later(**change):
    return msgspec.structs.replace(PLACE, observed_at=Instant(AT + 20_000), **change)


def test_the_camera_set_follows_inside_the_limits_of_the_grant():
    got = move(issued(), later(lat=36.36), AREA, offered(*[20.0] * 9), Instant(AT + 21_000))
    assert got == Moved(later(lat=36.36), tuple(CameraId(f"c{n}") for n in range(5)))


@pytest.mark.parametrize(
    ("place", "at", "choices", "why"),
    [
        (later(), AT + 600_000, CHOICES, Why.RUN_OUT),
        (later(lat=36.25), AT + 21_000, CHOICES, Why.OUT_OF_AREA),
        (later(lat=math.nan), AT + 21_000, CHOICES, Why.OUT_OF_AREA),
        (later(), AT + 20_000 + 120_001, CHOICES, Why.STALE),
        (msgspec.structs.replace(PLACE, observed_at=Instant(AT - 3_001)), AT + 1_000, CHOICES, Why.STALE),
        (later(), AT + 21_000, offered(501.0), Why.NO_CAMERA),
    ],
)
def test_a_move_that_is_none(place, at, choices, why):
    assert isinstance(move(issued(), later(), AREA, CHOICES, Instant(AT + 21_000)), Moved)
    assert move(issued(), place, AREA, choices, Instant(at)) == Refused(why)


# --- the relay's question ------------------------------------------------------------------------------------------

LEASE = Lease(GrantId("g"), frozenset({CameraId("c")}), Instant(5_000))


def test_a_ticket_for_what_was_granted():
    got = view(LEASE, ended=False, camera=CameraId("c"), viewer=ViewerId("v"), now=Instant(4_999))
    assert got == Ticket(GrantId("g"), CameraId("c"), ViewerId("v"), Instant(5_000))


@pytest.mark.parametrize(
    ("lease", "ended", "camera", "now", "why"),
    [
        (None, False, "c", 0, Why.NO_SUCH_GRANT),
        (LEASE, True, "c", 0, Why.GRANT_ENDED),
        (LEASE, False, "c", 5_000, Why.LEASE_RUN_OUT),
        (LEASE, False, "d", 0, Why.CAMERA_NOT_GRANTED),
    ],
)
def test_no_ticket(lease, ended, camera, now, why):
    got = view(lease, ended=ended, camera=CameraId(camera), viewer=ViewerId("v"), now=Instant(now))
    assert got == Refused(why)


# --- the house -----------------------------------------------------------------------------------------------------


def test_only_this_room_makes_a_ticket():
    root = Path(safetynet.__file__).parent
    makers = {
        str(file.relative_to(root))
        for file in root.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        and (getattr(node.func, "id", None) == "Ticket" or getattr(node.func, "attr", None) == "Ticket")
    }
    assert makers == {"core/grants.py"}


def test_an_area_is_judged_the_same_whichever_way_it_turns():
    for lat, corners in itertools.product((36.35, 36.2957, 36.2953, 37.0), (AREA, AREA[::-1])):
        assert isinstance(decide(**at_place(lat=lat), area=corners), Issued) == (lat in {36.35, 36.2957})
    assert geo.in_korea(36.35, 127.4)
