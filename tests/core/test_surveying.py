"""What a city does when its staff say how a camera stands: choose again, say it to who is provided, call presets."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

sys.path.insert(0, str(Path(__file__).parent))
from minds import GARAM, T0, camera, place, tags
from test_city import YES, Told, the_grant, wanted

from safetynet.core import calibrations, cameras, city
from safetynet.core.calibrations import Set, Undo, overlay, pan_deg
from safetynet.core.cameras import Registry
from safetynet.core.city import Ground, LeaseGrant, MoveCamera
from safetynet.core.events import LensPreset, LensSetting
from safetynet.core.messages import ChangeCameras, MovePlace, PrepareVideo, ProposeCameras
from safetynet.core.provisions import Approve, SetApproval, TurnCamera
from safetynet.core.terms import Approval, Basis, CalibrationReason, Turn, Why

NEAR = [replace(camera(n, 12.0 * n), id=f"c{n}", azimuth_deg=None, view_deg=None, ptz=n == 1) for n in range(1, 7)]
GROUND = Ground(Registry.of(NEAR), GARAM.area)
LOOKS_AT = LensSetting(270.0, 60.0, 90.0, ())
AWAY = LensSetting(90.0, 60.0, 90.0)
PRESETS = LensSetting(270.0, 60.0, 90.0, (LensPreset(3, "정문", 300.0, 40.0), LensPreset(4, "뒷문", 100.0, 40.0)))


def setting(told, camera, value, reason=CalibrationReason.MEASURED):
    over = calibrations.now(told.state.book, camera)
    return Set(camera=camera, setting=value, over=over, by="p-shim", reason=reason)


def provided(**but):
    told = Told(GROUND)
    (issued,) = told.hear(wanted(cameras_max=2, **but))
    return told, issued


def test_what_is_provided_is_chosen_again_and_who_has_it_hears_how_it_stands_now():
    told, issued = provided()
    assert "c6" not in issued.cameras, "the farthest, of which nobody knows where it looks"
    assert tags(told.give(setting(told, "c6", LOOKS_AT), s=5)) == ["camera_calibrated", "grant_moved"]
    moved = told.log[-1]
    assert "c6" in moved.cameras
    assert moved.place == issued.place
    (lease, change) = told.last
    assert lease == LeaseGrant(issued.grant, moved.cameras)
    assert isinstance(change.message, ChangeCameras)
    (card,) = [each for each in change.message.cameras if each.camera == "c6"]
    assert (card.azimuth_deg, card.view_deg, card.range_m) == (270.0, 60.0, 90.0)
    assert tags(told.give(Undo(camera="c6", over=LOOKS_AT, by="p-eom"), s=6)) == ["camera_calibrated", "grant_moved"]
    assert told.log[-1].cameras == issued.cameras
    assert city.calibrates(GROUND, told.state, Undo(camera="c6", over=None, by="p"), told.at) is Why.NOT_ALLOWED_NOW


def test_a_camera_that_stays_is_told_anew_and_one_far_off_tells_nobody():
    told, issued = provided()
    assert tags(told.give(setting(told, issued.cameras[0], LOOKS_AT), s=5)) == ["camera_calibrated", "grant_moved"]
    far = Told(Ground(Registry.of([*NEAR, replace(camera(7, 900.0), id="far")]), GARAM.area))
    far.hear(wanted(cameras_max=2))
    assert tags(far.give(setting(far, "far", LOOKS_AT), s=5)) == ["camera_calibrated"]


def test_a_preparation_is_made_again_and_still_delivers_nothing():
    told = Told(GROUND)
    told.hear(wanted(PrepareVideo, cameras_max=2))
    assert tags(told.give(setting(told, "c6", LOOKS_AT), s=2)) == ["camera_calibrated", "request_prepared"]
    assert isinstance(told.told()[0], ProposeCameras)
    assert not any(isinstance(each, LeaseGrant) for each in told.last)


def test_the_way_somebody_goes_is_not_forgotten_by_choosing_again():
    told, _ = provided()
    told.hear(MovePlace(incident="I1", request="R1", place=place(30, s=20)), s=20)
    (before,) = told.state.requests.values()
    told.give(setting(told, before.cameras[0], LOOKS_AT), s=21)
    (after,) = told.state.requests.values()
    assert after.earlier == before.earlier != None  # noqa: E711 - both are places


def test_somebody_elses_word_is_not_overwritten_and_a_no_records_nothing():
    told, _ = provided()
    told.give(setting(told, "c5", AWAY), s=5)
    late = Set(camera="c5", setting=LOOKS_AT, over=None, by="p", reason=CalibrationReason.ALIGNED)
    assert city.calibrates(GROUND, told.state, late, told.at) is Why.STALE
    assert told.give(late) == []
    gone = Set(camera="none", setting=LOOKS_AT, over=None, by="p", reason=CalibrationReason.ALIGNED)
    assert city.calibrates(GROUND, told.state, gone, told.at) is Why.NO_CAMERA


def test_the_log_alone_tells_how_cameras_stand_also_with_another_list():
    told, _ = provided()
    told.give(setting(told, "c6", LOOKS_AT), s=5)
    told.give(setting(told, "c2", AWAY), s=6)
    again = city.EMPTY
    for event in told.log:
        again = city.evolve(again, event)
    assert again.book == told.state.book
    newer = Ground(Registry.of([replace(each, name="새 목록", range_m=40.0) for each in NEAR]), GARAM.area)
    found = newer.camera(again, "c6")
    assert (found.name, found.azimuth_deg, found.range_m) == ("새 목록", 270.0, 90.0)
    assert again.calibrated["c6"].by == "p-shim"


def test_a_preset_is_called_under_a_grant_alone_and_only_where_its_direction_is_known():
    told, _ = provided()
    told.give(setting(told, "c1", PRESETS), s=5)
    grant = the_grant(told)
    assert "c1" in city.grant(told.state, grant).cameras
    call = TurnCamera(grant=grant, camera="c1", by="p", turn=Turn.PRESET, can_turn=True, preset=3)
    for wrong, why in (
        ({"preset": 9}, Why.NO_PRESET),
        ({"preset": None}, Why.MALFORMED),
        ({"turn": Turn.LEFT}, Why.MALFORMED),
        ({"grant": "G-none"}, Why.NO_SUCH_GRANT),
        ({"can_turn": False}, Why.NO_PTZ),
    ):
        refused = TurnCamera(**{**{name: getattr(call, name) for name in call.__slots__}, **wrong})
        assert city.refuses(told.state, refused, told.at) is why
        assert told.give(refused) == []
    (turned,) = told.give(call, s=6)
    assert (turned.turn, turned.preset, turned.by) == (Turn.PRESET, 3, "p")
    assert told.last == [MoveCamera("c1", Turn.PRESET, 30.0)]
    told.give(setting(told, "c1", replace(PRESETS, azimuth_deg=None)), s=7)
    assert city.refuses(told.state, call, told.at) is Why.NO_PRESET, "nobody knows how far it is to turn"


@pytest.mark.parametrize(
    ("home", "to", "pan"), [(10.0, 350.0, -20.0), (350.0, 10.0, 20.0), (0.0, 180.0, -180.0), (90.0, 90.0, 0.0)]
)
def test_a_camera_turns_the_shorter_way_round(home, to, pan):
    book = calibrations.EMPTY.set("c1", (None, LensSetting(home, 60.0, 60.0, (LensPreset(1, "문", to, 30.0),))))
    assert pan_deg(book, "c1", 1) == pan


SETTING = st.builds(
    LensSetting, st.sampled_from([None, 0.0, 90.0, 270.0]), st.sampled_from([None, 60.0, 360.0]), st.sampled_from([20.0, 60.0, 200.0])
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(["c1", "c2", "c5", "gone"]), st.one_of(st.none(), SETTING)))
def test_the_quick_overlay_is_the_registry_built_anew(held):
    book = calibrations.EMPTY
    for id, value in held.items():
        book = book.set(id, (None, value))
    quick = overlay(GROUND.registry, book)
    anew = Registry.of([calibrations.set_to(each, calibrations.now(book, each.id)) for each in GROUND.registry.cameras])
    assert quick.cameras == anew.cameras
    assert quick.range_m_max == anew.range_m_max
    for name in ("lat", "lon", "range_m", "sin", "cos", "half_cos", "trust", "pole", "by_id", "key"):
        np.testing.assert_array_equal(getattr(quick, name), getattr(anew, name))
    where = place(10.0)
    assert cameras.choose(quick, where, 4) == cameras.choose(anew, where, 4)


def test_a_person_who_says_yes_gives_what_is_seen_now():
    """Between the asking and the yes a camera was set."""
    told = Told(GROUND)
    told.give(SetApproval(basis=Basis.DEVICE_DUTY, approval=Approval.PERSON, by="head"))
    told.hear(wanted(cameras_max=2))
    told.give(setting(told, "c6", LOOKS_AT), s=2)
    (issued,) = told.give(Approve(request="R1", by="p", policy=YES), s=3)
    assert "c6" in issued.cameras
    assert told.at == T0 + 3_000
