import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safetynet.core.terms import CameraId, Instant
from safetynet.sim import figures, scene, streets
from safetynet.sim.people import WEARER_LEGS, WEARER_TOP
from safetynet.sim.world import World

T0 = Instant(1_795_436_880_000)
WORLD = World()
LENSES = {each.id: each for each in WORLD.cameras()}


class Stage:
    """Nobody but whom the test puts there."""

    def __init__(self):
        self.people = np.zeros((0, figures.FIGURE_WIDTH))

    def people_near(self, x, y, within_m, at):
        return self.people

    def cars_near(self, x, y, within_m, at):
        return np.zeros((0, figures.CAR_WIDTH))

    def parked_near(self, x, y, within_m):
        return np.zeros((0, figures.CAR_WIDTH))


STAGE = Stage()
ALONE = scene.Scene(WORLD.streets, STAGE, LENSES)


def figure(x, y):
    return np.array([[x, y, 0.3, 0.8, 1.75, *WEARER_TOP, *WEARER_LEGS, 1.0, 0.4, 0.0]])


def picture(drawn, camera, at=T0):
    planes = np.empty(scene.WIDTH * scene.HEIGHT * 3 // 2, np.uint8)
    drawn.draw(camera, at, planes)
    return planes


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 5), st.floats(6, 44), st.floats(-80, 80))
def test_a_person_is_in_the_picture_if_and_only_if_in_the_field_and_not_hidden(pick, away, off_deg):
    lens = LENSES[CAMERAS[pick]]
    bearing = math.radians(lens.azimuth_deg + off_deg)
    x, y = lens.x + away * math.sin(bearing), lens.y + away * math.cos(bearing)
    STAGE.people = np.zeros((0, figures.FIGURE_WIDTH))
    empty = picture(ALONE, lens.id)
    STAGE.people = figure(x, y)
    changed = int((picture(ALONE, lens.id) != empty).sum())
    # At the very edge of the field, and at the corner of a house, half a person is neither.
    margin = 90 / away
    if abs(off_deg) > lens.view_deg / 2 + margin:
        assert changed == 0
        return
    if abs(off_deg) > lens.view_deg / 2 - margin:
        return
    near = WORLD.streets.buildings_near(x, y, 3.0)
    if any(streets.inside(x, y, WORLD.streets.buildings[k].corners) for k in near):
        return  # nobody stands in a wall
    right = math.cos(bearing), -math.sin(bearing)
    clear = [WORLD.streets.clear((lens.x, lens.y), (x + right[0] * d, y + right[1] * d)) for d in (-1.2, 0.0, 1.2)]
    if not any(clear):
        assert changed == 0
    elif all(clear):
        trees = ALONE.background(lens.id).depth
        column, row, _ = scene.spot(lens, x, y, 1.3)
        if 0 <= row < scene.HEIGHT and trees[int(row), int(column)] > away * 100:
            assert changed > 8
            assert WORLD.sees(lens.id, x, y)


CAMERAS = sorted(LENSES)[:: len(LENSES) // 6][:6]


def test_the_wearer_of_a_story_is_where_the_cameras_say():
    world = World()
    drawn = scene.Scene(world.streets, world, {each.id: each for each in world.cameras()})
    story = world.start("tamper", T0)
    seen = 0
    for second in range(6, 100, 6):
        at = Instant(T0 + second * 1000)
        where = world.position(story.wearer, at)
        for camera in world.seen_by(story.wearer, at)[:1]:
            lens = LENSES[camera]
            column, row, ahead = scene.spot(lens, where.x, where.y, 1.2)
            if not (20 < column < scene.WIDTH - 20 and 40 < row < scene.HEIGHT - 40):
                continue
            there = picture(drawn, camera, at)[: scene.WIDTH * scene.HEIGHT].reshape(scene.HEIGHT, scene.WIDTH)
            back = drawn.background(camera)
            if back.depth[int(row), int(column)] < ahead * 100:
                continue
            window = np.s_[int(row) - 2 : int(row) + 3, int(column) - 2 : int(column) + 3]
            assert (there[window] != back.luma[window]).any()
            seen += 1
    assert seen >= 3


def test_the_background_stands_still_and_the_barcode_corner_is_free():
    STAGE.people = np.zeros((0, figures.FIGURE_WIDTH))
    for camera in CAMERAS[:3]:
        one, two = picture(ALONE, camera), picture(ALONE, camera, Instant(T0 + 120))
        assert np.array_equal(one, two)
        later = picture(ALONE, camera, Instant(T0 + 3_600_000))
        assert np.array_equal(one.reshape(-1, scene.WIDTH)[16:], later.reshape(-1, scene.WIDTH)[16:])
        corner = one[: scene.WIDTH * scene.HEIGHT].reshape(scene.HEIGHT, scene.WIDTH)[:16, :192]
        assert np.array_equal(corner, ALONE.background(camera).luma[:16, :192])


def test_samples_stay_in_what_the_codec_may_carry():
    drawn = scene.Scene(WORLD.streets, WORLD, LENSES)
    for camera in CAMERAS[:4]:
        planes = picture(drawn, camera)
        assert planes.min() >= 16
        assert planes.max() <= 240


def test_the_same_instant_gives_the_same_bytes():
    a = picture(scene.Scene(WORLD.streets, WORLD, LENSES), CAMERAS[5])
    world = World()
    b = picture(scene.Scene(world.streets, world, {each.id: each for each in world.cameras()}), CAMERAS[5])
    assert np.array_equal(a, b)


def test_only_so_many_backgrounds_are_kept(monkeypatch):
    monkeypatch.setattr(scene, "BACKGROUNDS_MAX", 3)
    drawn = scene.Scene(WORLD.streets, STAGE, LENSES)
    for camera in CAMERAS[:5]:
        drawn.background(camera)
    assert len(drawn._kept) == 3


def test_a_camera_that_does_not_exist_is_refused():
    with pytest.raises(KeyError):
        picture(ALONE, CameraId("nobody"))


def test_a_turned_camera_looks_elsewhere_and_home_is_the_same_picture_again():
    drawn = scene.Scene(WORLD.streets, STAGE, LENSES)
    camera = next(iter(LENSES))
    first = drawn.background(camera).luma.copy()
    drawn.turn(camera, 60.0)
    turned = drawn.background(camera)
    assert not np.array_equal(turned.luma, first)
    drawn.turn(camera, 0.0)
    assert np.array_equal(drawn.background(camera).luma, first)
