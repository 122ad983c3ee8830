"""Setting how a camera stands: bounds, who was first, undo, and what the choice of cameras then sees."""

import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

sys.path.insert(0, str(Path(__file__).parent))
from minds import T0, camera

from safetynet.core import calibrations, cameras
from safetynet.core.calibrations import EMPTY, Set, Undo, decide, evolve, now, overlay
from safetynet.core.cameras import Registry
from safetynet.core.events import CameraCalibrated, LensPreset, LensSetting
from safetynet.core.terms import CalibrationReason, CameraId, PersonId, Why

STANDING = replace(camera("g1", 0.0), azimuth_deg=None, view_deg=None, ptz=False)
TURNING = replace(camera("g2", 60.0), azimuth_deg=None, view_deg=None, ptz=True)
REGISTRY = Registry.of((STANDING, TURNING))
BY = PersonId("city-staff")
GOOD = LensSetting(90.0, 60.0, 80.0)
PRESET = LensPreset(1, "정문", 45.0, 30.0)


def wish(setting, which=STANDING, over=None, reason=CalibrationReason.MEASURED):
    return Set(camera=which.id, setting=setting, over=over, by=BY, reason=reason)


def test_a_setting_is_an_event_with_who_and_why():
    assert decide(REGISTRY, EMPTY, wish(GOOD), T0) == CameraCalibrated(
        at=T0, camera=STANDING.id, by=BY, reason=CalibrationReason.MEASURED, setting=GOOD, undoes=False
    )


@pytest.mark.parametrize(
    ("setting", "which"),
    [
        (LensSetting(-0.1, 60.0, 80.0), STANDING),
        (LensSetting(360.1, 60.0, 80.0), STANDING),
        (LensSetting(float("nan"), 60.0, 80.0), STANDING),
        (LensSetting(90.0, 4.9, 80.0), STANDING),
        (LensSetting(90.0, 361.0, 80.0), STANDING),
        (LensSetting(90.0, float("inf"), 80.0), STANDING),
        (LensSetting(90.0, 60.0, 4.9), STANDING),
        (LensSetting(90.0, 60.0, 501.0), STANDING),
        (LensSetting(90.0, 60.0, float("nan")), STANDING),
        (LensSetting(90.0, 60.0, 80.0, (PRESET,)), STANDING),
        (LensSetting(90.0, 60.0, 80.0, (PRESET, PRESET)), TURNING),
        (LensSetting(90.0, 60.0, 80.0, (replace(PRESET, number=0),)), TURNING),
        (LensSetting(90.0, 60.0, 80.0, (replace(PRESET, number=256),)), TURNING),
        (LensSetting(90.0, 60.0, 80.0, (replace(PRESET, name=""),)), TURNING),
        (LensSetting(90.0, 60.0, 80.0, (replace(PRESET, name="192.168.0.1"),)), TURNING),
        (LensSetting(90.0, 60.0, 80.0, (replace(PRESET, name="가" * 41),)), TURNING),
        (LensSetting(90.0, 60.0, 80.0, (replace(PRESET, azimuth_deg=-1.0),)), TURNING),
        (LensSetting(90.0, 60.0, 80.0, (replace(PRESET, view_deg=float("nan")),)), TURNING),
        (LensSetting(90.0, 60.0, 80.0, tuple(replace(PRESET, number=n) for n in range(1, 18))), TURNING),
    ],
)
def test_what_cannot_be_meant_is_refused(setting, which):
    assert decide(REGISTRY, EMPTY, wish(setting, which), T0) is Why.MALFORMED


@pytest.mark.parametrize(
    ("setting", "which"),
    [
        (LensSetting(None, None, 5.0), STANDING),
        (LensSetting(0.0, 360.0, 500.0), STANDING),
        (LensSetting(90.0, 60.0, 80.0, tuple(replace(PRESET, number=n) for n in range(1, 17))), TURNING),
    ],
)
def test_the_bounds_themselves_are_taken(setting, which):
    assert isinstance(decide(REGISTRY, EMPTY, wish(setting, which), T0), CameraCalibrated)


def test_a_full_turn_is_north_and_names_are_cleaned():
    setting = LensSetting(360.0, 60.0, 80.0, (replace(PRESET, name=" 정문\n172.31.1.2 ", azimuth_deg=360.0),))
    found = decide(REGISTRY, EMPTY, wish(setting, TURNING), T0)
    assert isinstance(found, CameraCalibrated)
    assert found.setting == LensSetting(0.0, 60.0, 80.0, (replace(PRESET, name="정문", azimuth_deg=0.0),))


def test_no_such_camera_nothing_new_and_nothing_to_undo():
    assert decide(REGISTRY, EMPTY, replace_camera(wish(GOOD), "gone"), T0) is Why.NO_CAMERA
    assert decide(REGISTRY, EMPTY, wish(None), T0) is Why.NOT_ALLOWED_NOW
    assert decide(REGISTRY, EMPTY, Undo(camera=STANDING.id, over=None, by=BY), T0) is Why.NOT_ALLOWED_NOW


def replace_camera(asked, id):
    return Set(camera=CameraId(id), setting=asked.setting, over=asked.over, by=asked.by, reason=asked.reason)


def done(book, asked):
    event = decide(REGISTRY, book, asked, T0)
    assert isinstance(event, CameraCalibrated), event
    return evolve(book, event)


def test_two_people_do_not_overwrite_each_other_blindly():
    book = done(EMPTY, wish(GOOD))
    late = wish(LensSetting(180.0, 60.0, 80.0), over=None)
    assert decide(REGISTRY, book, late, T0) is Why.STALE
    assert decide(REGISTRY, book, Undo(camera=STANDING.id, over=None, by=BY), T0) is Why.STALE
    assert now(done(book, wish(late.setting, over=GOOD)), STANDING.id) == late.setting


def test_undo_goes_back_step_by_step_to_what_the_list_says():
    other = LensSetting(180.0, 60.0, 80.0)
    book = done(done(done(EMPTY, wish(GOOD)), wish(other, over=GOOD)), wish(None, over=other))
    assert now(book, STANDING.id) is None
    seen = []
    for _ in range(3):
        event = decide(REGISTRY, book, Undo(camera=STANDING.id, over=now(book, STANDING.id), by=BY), T0)
        assert isinstance(event, CameraCalibrated)
        assert (event.undoes, event.reason) == (True, CalibrationReason.UNDONE)
        book = evolve(book, event)
        seen.append(now(book, STANDING.id))
        assert event.setting == seen[-1]
    assert seen == [other, GOOD, None]
    assert decide(REGISTRY, book, Undo(camera=STANDING.id, over=None, by=BY), T0) is Why.NOT_ALLOWED_NOW


def test_what_is_remembered_has_an_end_and_undo_stops_there():
    book = EMPTY
    for n in range(calibrations.HISTORY_MAX + 5):
        book = done(book, wish(LensSetting(float(n), 60.0, 80.0), over=now(book, STANDING.id)))
    undone = 0
    while not isinstance(
        event := decide(REGISTRY, book, Undo(camera=STANDING.id, over=now(book, STANDING.id), by=BY), T0), Why
    ):
        book = evolve(book, event)
        undone += 1
    assert undone == calibrations.HISTORY_MAX - 1
    assert now(book, STANDING.id) == LensSetting(5.0, 60.0, 80.0)


def test_the_choice_of_cameras_sees_what_was_set():
    place = camera_place()
    before = {each.camera.id: each.reason for each in cameras.choose(REGISTRY, place, 2)}
    assert before[STANDING.id] is cameras.Reason.WHERE_FIX_WAS
    looking = evolve(EMPTY, decide(REGISTRY, EMPTY, wish(LensSetting(90.0, 60.0, 80.0)), T0))
    after = {each.camera.id: each.reason for each in cameras.choose(overlay(REGISTRY, looking), place, 2)}
    assert after[STANDING.id] is cameras.Reason.SEES_NOW
    away = evolve(EMPTY, decide(REGISTRY, EMPTY, wish(LensSetting(270.0, 60.0, 80.0)), T0))
    gone = {each.camera.id: each.reason for each in cameras.choose(overlay(REGISTRY, away), place, 2)}
    assert gone.get(STANDING.id) in (None, cameras.Reason.NEAR)


def camera_place():
    """Thirty metres east of the standing camera."""
    from safetynet.core import geo

    class At:
        lat, lon = geo.destination(STANDING.lat, STANDING.lon, 90.0, 30.0)
        radius_m = 5.0

    return At()


def test_nothing_set_is_the_registry_itself_and_a_camera_that_is_gone_waits():
    assert overlay(REGISTRY, EMPTY) is REGISTRY
    book = done(EMPTY, wish(GOOD))
    assert overlay(Registry.of((TURNING,)), book).camera(STANDING.id) is None
    found = overlay(REGISTRY, book).camera(STANDING.id)
    assert found is not None
    assert (found.azimuth_deg, found.view_deg, found.range_m, found.lat) == (90.0, 60.0, 80.0, STANDING.lat)


SETTINGS = st.one_of(
    st.none(), st.builds(LensSetting, st.sampled_from([None, 0.0, 90.0]), st.just(60.0), st.sampled_from([50.0, 60.0]))
)
STEPS = st.lists(st.tuples(st.sampled_from([STANDING, TURNING]), st.one_of(st.just("undo"), SETTINGS)), max_size=20)


@settings(max_examples=200, deadline=None)
@given(STEPS)
def test_undo_is_the_inverse_of_set_and_the_log_alone_tells_the_state(steps):
    book, log, trail = EMPTY, [], {STANDING.id: [None], TURNING.id: [None]}
    for which, step in steps:
        held = now(book, which.id)
        assert held == trail[which.id][-1]
        asked = Undo(camera=which.id, over=held, by=BY) if step == "undo" else wish(step, which, over=held)
        event = decide(REGISTRY, book, asked, T0)
        if isinstance(event, Why):
            assert (step == "undo" and len(trail[which.id]) == 1) or step == held
            continue
        log.append(event)
        book = evolve(book, event)
        if step == "undo":
            trail[which.id].pop()
        else:
            trail[which.id].append(step)
    again = EMPTY
    for event in log:
        again = evolve(again, event)
    assert {id: now(again, id) for id in trail} == {id: each[-1] for id, each in trail.items()}
