"""One edition after another: a camera keeps its id, no id is given twice, and what changed is named."""

import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from made_lists import CITY, edition

from safetynet.core.cameras import Camera, Registry
from safetynet.core.lists import editions
from safetynet.core.lists.editions import NONE_BEFORE, Change, Optics
from safetynet.core.lists.words import Word
from safetynet.core.terms import CameraId, PoleId

LAT, LON, COUNT, ROAD, NUMBER, PURPOSE = Word.LAT, Word.LON, Word.COUNT, Word.ROAD, Word.NUMBER, Word.PURPOSE


def made(*rows, before=NONE_BEFORE, known=None, **more):
    found, changes, judged, where = edition(before, *rows, **more)
    each = list(editions.cameras_of(CITY, judged, where, found, range_m=60.0, known=known or {}))
    return found, changes, [camera for camera, _, _ in each]


def ids(cameras):
    return [each.id for each in cameras]


def test_a_row_is_a_site_and_becomes_lenses_of_unknown_direction_on_one_pole():
    _, changes, cameras = made({COUNT: "3", Word.VIEW: "360도 전방면"})
    assert ids(cameras) == [f"garam-3632830-12745410-0{n}" for n in (1, 2, 3)]
    assert {(each.pole, each.azimuth_deg, each.view_deg, each.ptz) for each in cameras} == {
        ("garam-3632830-12745410", None, None, False)
    }
    assert cameras[0] == Camera(
        id=CameraId("garam-3632830-12745410-01"),
        city=CITY,
        pole=PoleId("garam-3632830-12745410"),
        name="가람시 동구 별빛로 1 #1",
        lat=36.3283,
        lon=127.4541,
        range_m=60.0,
        purpose="생활방범",
    )
    assert changes.new_lens.all()


def test_rows_at_one_spot_share_a_pole_and_all_lenses_have_their_own_id():
    _, _, cameras = made({}, {PURPOSE: "교통단속"}, {LAT: "36.3290"})
    assert len({each.pole for each in cameras}) == 2
    assert len(set(ids(cameras))) == 6
    assert len(Registry.of(cameras)) == 6


ROWS = [{LAT: f"36.32{n}5", NUMBER: str(n), ROAD: f"은하로 {n}", COUNT: str(n % 3 + 1)} for n in range(9)]


def test_ids_stay_when_the_list_comes_in_another_order():
    first, _, cameras = made(*ROWS)
    _, changes, again = made(*reversed(ROWS), before=first)
    assert again == cameras == made(*reversed(ROWS))[2]
    assert changes.counted(first) == {"added": 0, "changed": 0, "gone": 0, "same": len(cameras)}


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({LAT: "36.3226"}, Change.PLACE),
        ({PURPOSE: "교통단속"}, Change.PURPOSE),
        ({ROAD: "은하로 2(별빛동)"}, Change.ADDRESS),
        ({Word.VIEW: "정문 앞"}, Change.VIEW),
        ({LAT: "36.3226", PURPOSE: "교통단속", NUMBER: "2"}, Change.PLACE | Change.PURPOSE),
        ({NUMBER: "renumbered"}, Change(0)),
        ({NUMBER: "renumbered", LAT: "36.3226"}, Change.PLACE),
        ({NUMBER: "renumbered", ROAD: "다른 길 1"}, Change.ADDRESS),
    ],
)
def test_a_changed_row_is_found_again_and_its_cameras_keep_their_ids(change, what):
    first, _, cameras = made(*ROWS)
    rows = [*ROWS[:2], {**ROWS[2], **change}, *ROWS[3:]]
    second, changes, now = made(*rows, before=first)
    assert sorted(ids(now)) == sorted(ids(cameras))
    assert Change(int(changes.what.sum())) == what
    assert changes.counted(second)["changed"] == (3 if what else 0)


def test_a_lens_more_a_lens_less():
    first, _, cameras = made({COUNT: "2"}, {PURPOSE: "교통단속"})
    second, changes, more = made({COUNT: "3"}, {PURPOSE: "교통단속"}, before=first)
    assert set(ids(more)) == {*ids(cameras), "garam-3632830-12745410-05"}
    assert changes.counted(second) == {"added": 1, "changed": 2, "gone": 0, "same": 2}
    third, changes, less = made({COUNT: "1"}, {PURPOSE: "교통단속"}, before=second)
    assert changes.gone == ("garam-3632830-12745410-02", "garam-3632830-12745410-05")
    assert len(less) == 3
    _, _, again = made({COUNT: "2"}, {PURPOSE: "교통단속"}, before=third)
    assert "garam-3632830-12745410-06" in ids(again)  # 02 and 05 have been somebody


def test_a_number_given_to_another_site_is_not_believed():
    first, _, _ = made({NUMBER: "7"})
    _, changes, _ = made({NUMBER: "7", LAT: "36.4283", ROAD: "은하로 99"}, before=first)
    assert (changes.found.tolist(), len(changes.gone)) == ([-1], 2)
    moved_office, _, _ = made({NUMBER: "7"})
    _, changes, _ = made({NUMBER: "7", LAT: "36.4283"}, before=moved_office)
    assert changes.found.tolist() == [0]  # the same address: its place was put right


def test_poles_that_change_places_do_not_change_names():
    one, other = {NUMBER: "1", ROAD: "가"}, {NUMBER: "2", ROAD: "나", LAT: "36.3290"}
    first, _, cameras = made(one, other)
    _, _, now = made({**one, LAT: "36.3290"}, {**other, LAT: "36.3283"}, before=first)
    assert sorted(ids(now)) == sorted(ids(cameras))
    assert {(each.name[0], each.pole, each.lat) for each in now} == {
        ("가", "garam-3632830-12745410", 36.3290),
        ("나", "garam-3632900-12745410", 36.3283),
    }


def test_a_new_pole_where_a_moved_one_was_has_a_name_of_its_own():
    first, _, _ = made({NUMBER: "1", ROAD: "가"})
    _, _, now = made({NUMBER: "1", ROAD: "가", LAT: "36.3290"}, {NUMBER: "2", ROAD: "나"}, before=first)
    assert len({each.pole for each in now}) == 2
    assert len(set(ids(now))) == 4
    assert len(Registry.of(now)) == 4


def test_without_an_edition_the_cameras_themselves_are_remembered():
    _, _, cameras = made(*ROWS)
    before = editions.of_cameras(cameras, {})
    second, changes, now = made(*ROWS[1:], before=before)
    assert set(ids(now)) == {each.id for each in cameras if not each.name.startswith("은하로 0")}
    assert changes.gone == (cameras[0].id,)
    assert editions.holds_together(second)
    assert len(editions.of_cameras([msgspec.structs.replace(cameras[0], id=CameraId("VMS 7"))], {}).site) == 0


# --- how a lens stands ---------------------------------------------------------------------------------------------


def test_a_direction_that_the_text_says():
    (one,) = made({COUNT: "1", Word.VIEW: "북동방향"})[2]
    assert (one.azimuth_deg, one.view_deg) == (45.0, None)
    assert [each.azimuth_deg for each in made({Word.VIEW: "북동방향"})[2]] == [None, None]
    assert [each.azimuth_deg for each in made({Word.VIEW: "동, 서"})[2]] == [90.0, 270.0]
    assert [each.ptz for each in made({Word.VIEW: "회전형"})[2]] == [False, False]
    assert made({COUNT: "1", Word.VIEW: "회전형"})[2][0].ptz


def test_columns_of_a_vms_say_more_and_nonsense_in_them_nothing():
    said = {COUNT: "1", Word.AZIMUTH: "270", Word.OPENING: "85.5", Word.RANGE: "120", Word.PTZ: "1"}
    (one,) = made(said)[2]
    assert (one.azimuth_deg, one.view_deg, one.range_m, one.ptz) == (270.0, 85.5, 120.0, True)
    (one,) = made({**said, Word.AZIMUTH: "999", Word.OPENING: "-5", Word.RANGE: "x", Word.PTZ: ""})[2]
    assert (one.azimuth_deg, one.view_deg, one.range_m, one.ptz) == (None, None, 60.0, False)
    assert {each.azimuth_deg for each in made({**said, COUNT: "2"})[2]} == {None}


def test_what_somebody_has_measured_stays_when_the_next_list_is_silent():
    first, _, (one,) = made({COUNT: "1"})
    known = {one.id: editions.measured(msgspec.structs.replace(one, azimuth_deg=77.0, ptz=True), "", 60.0)}
    assert known == {one.id: Optics(azimuth_deg=77.0, ptz=True)}
    (now,) = made({COUNT: "1", Word.VIEW: "북쪽방향"}, before=first, known=known)[2]
    assert (now.azimuth_deg, now.ptz) == (77.0, True)
    (vms,) = made({COUNT: "1", Word.AZIMUTH: "80"}, before=first, known=known)[2]
    assert vms.azimuth_deg == 80.0


def test_what_only_the_text_said_goes_with_the_text():
    (one,) = made({COUNT: "1", Word.VIEW: "북쪽방향 화각 90도"})[2]
    assert editions.measured(one, "북쪽방향 화각 90도", 60.0) == editions.UNKNOWN


# --- any two editions ----------------------------------------------------------------------------------------------

SITE = st.fixed_dictionaries(
    {
        LAT: st.sampled_from(["36.3283", "36.32831", "36.3290", "36.3390"]),
        COUNT: st.sampled_from(["1", "2", "3"]),
        ROAD: st.sampled_from(["가", "나", ""]),
        PURPOSE: st.sampled_from(["생활방범", "교통단속"]),
        NUMBER: st.sampled_from(["1", "2", "3", "4", "5", "6"]),
    }
)
LISTS = st.lists(SITE, min_size=1, max_size=6, unique_by=lambda row: row[NUMBER])


@settings(max_examples=150, deadline=None)
@given(st.lists(LISTS, min_size=2, max_size=4))
def test_through_any_editions_ids_are_unique_never_given_again_and_all_accounted_for(lists):
    before, then, ever_gone = NONE_BEFORE, set(), set()
    for rows in lists:
        before, changes, cameras = made(*rows, before=before)
        now = set(ids(cameras))
        assert len(now) == len(cameras) == sum(int(row[COUNT]) for row in rows)
        assert editions.holds_together(before)
        assert not now & ever_gone
        assert set(changes.gone) == then - now
        counted = changes.counted(before)
        assert counted["added"] == len(now - then)
        assert counted["same"] + counted["changed"] == len(now & then)
        assert {id for id, new in zip(ids(cameras), changes.new_lens.tolist(), strict=True) if new} == now - then
        poles = {each.pole: (each.lat, each.lon) for each in cameras}
        assert all(poles[each.pole] == (each.lat, each.lon) for each in cameras)
        assert len(set(poles.values())) == len(poles)
        ever_gone |= set(changes.gone)
        then = now
    again, changes, cameras = made(*lists[-1], before=before)
    assert changes.counted(again) == {"added": 0, "changed": 0, "gone": 0, "same": len(then)}
    assert set(ids(cameras)) == then
