"""Judging lists: each error of real lists, what would mend it, and that nothing is mended unasked."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from made_lists import accepted, heap, problems, sifted, town

from safetynet.core import geo
from safetynet.core.lists import coast, sieve
from safetynet.core.lists.bounds import Bounds, Outline, municipality
from safetynet.core.lists.words import SETTLED, Problem, Repair, Word

LAT, LON = Word.LAT, Word.LON
DMS = {LAT: "36.184018", LON: "127.232649"}  # 36°18′40.18″ 127°23′26.49″
FAR = {LAT: "36.9683", LON: "127.9370", Word.ROAD: "먼 길 1"}


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({LAT: ""}, Problem.NO_COORDINATES),
        ({LON: "  "}, Problem.NO_COORDINATES),
        ({LAT: "0", LON: "0.000"}, Problem.ZERO),
        ({LAT: "127.4541", LON: "36.3283"}, Problem.SWAPPED),
        ({LAT: "32.2123"}, Problem.OUTSIDE_KOREA),
        ({LON: "140.1234"}, Problem.OUTSIDE_KOREA),
        ({LAT: "-36.3283"}, Problem.OUTSIDE_KOREA),
        ({LAT: "36°19'42\""}, Problem.NOT_A_NUMBER),
        ({LAT: "nan"}, Problem.NOT_A_NUMBER),
        ({LAT: "3.6e1"}, Problem.NOT_A_NUMBER),
        ({LAT: "36,3283"}, Problem.NOT_A_NUMBER),
        ({LAT: "36.1", LON: "127.1"}, Problem.PLACEHOLDER),
        ({LAT: "36", LON: "127"}, Problem.PLACEHOLDER),
        ({LAT: "34.9123", LON: "131.2123"}, Problem.SEA),
        ({Word.COUNT: ""}, Problem.COUNT_NOT_PLAUSIBLE),
        ({Word.COUNT: "0"}, Problem.COUNT_NOT_PLAUSIBLE),
        ({Word.COUNT: "-2"}, Problem.COUNT_NOT_PLAUSIBLE),
        ({Word.COUNT: "1.5"}, Problem.COUNT_NOT_PLAUSIBLE),
        ({Word.COUNT: "17"}, Problem.COUNT_NOT_PLAUSIBLE),
        ({Word.COUNT: "두 대"}, Problem.COUNT_NOT_PLAUSIBLE),
        ({Word.NUMBER: "2026-0"}, Problem.DUPLICATE),
    ],
)
def test_what_cannot_be_stood_behind_is_left_out_and_counted(row, problem):
    got = sifted({}, row)
    assert (got.kept.tolist(), got.problems()) == ([0], {problem: 1})
    assert sifted({}, {LAT: "36.3290"}).kept.tolist() == [0, 1]


def test_full_width_digits_are_digits():
    assert problems({LAT: "３６.3283"}) == {}


def test_only_the_owner_asked_for():
    got = sifted({}, {Word.OWNER: "나래시청"}, owner="동구청")
    assert (len(got.heap), got.problems()) == (1, {Problem.OTHER_OWNER: 1})


def test_without_numbers_only_rows_that_say_the_same_are_one():
    plain = {Word.NUMBER: ""}
    assert problems(plain, plain) == {"duplicate": 1}
    assert problems(plain, {**plain, Word.ROAD: "별빛로 2"}) == {}


def test_yearly_lists_pile_up_and_only_the_newest_counts():
    years = [{Word.DATED: f"{year}-05-20"} for year in (2023, 2026, 2024)]
    got = sifted(*years, {Word.DATED: "2022-01-01", Word.PURPOSE: "교통단속"})
    assert (got.kept.tolist(), got.problems()) == ([1, 3], {Problem.OUTDATED: 2})


def test_one_spot_for_dozens_of_addresses_is_a_placeholder():
    many = [{Word.ROAD: f"별빛로 {n}"} for n in range(31)]
    assert problems({LAT: "36.3300"}, *many) == {"placeholder": 31}
    assert problems(*many[:30]) == {}


def test_a_site_far_from_its_owners_others_is_left_out_and_the_cause_named_where_it_shows():
    got = sifted(*town(), DMS, FAR)
    assert got.problems() == {Problem.DEGREES_MINUTES_SECONDS: 1, Problem.FAR_FROM_OWNER: 1}
    (dms,) = [each for each in got.quarantined() if each.problem is Problem.DEGREES_MINUTES_SECONDS]
    assert dms.repair is Repair.READ_DEGREES_MINUTES_SECONDS
    assert dms.repaired == pytest.approx((36 + 18 / 60 + 40.18 / 3600, 127 + 23 / 60 + 26.49 / 3600))
    assert (dms.lat, dms.lon, dms.row) == ("36.184018", "127.232649", 27)
    assert problems(*town(5), DMS) == {}  # of five sites nobody can say where the middle is


# --- repairs -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "repair", "place"),
    [
        ({LAT: "127.4541", LON: "36.3283"}, Repair.SWAP, (36.3283, 127.4541)),
        ({LAT: "36°19'42\"", LON: "127°27′14.5″"}, Repair.READ_DEGREES_MINUTES_SECONDS, (36.328333, 127.454028)),
        ({LAT: "36도 19분 42초", LON: "127도27분14초"}, Repair.READ_DEGREES_MINUTES_SECONDS, (36.328333, 127.453889)),
        ({LAT: "0", LON: "0", Word.ROAD: "은하로 3"}, Repair.SAME_ADDRESS, (36.3103, 127.4103)),
        ({LAT: "", Word.ROAD: "은하로 4"}, Repair.SAME_ADDRESS, (36.3104, 127.4104)),
        ({LAT: "36.1", LON: "127.1", Word.ROAD: "은하로 5"}, Repair.SAME_ADDRESS, (36.3105, 127.4105)),
        ({**FAR, Word.ROAD: "은하로 6"}, Repair.SAME_ADDRESS, (36.3106, 127.4106)),
        ({LAT: "0", LON: "0", Word.ROAD: ""}, None, None),
        ({LAT: "0", LON: "0", Word.ROAD: "어디에도 없는 길 1"}, None, None),
        ({Word.COUNT: "0"}, Repair.ONE_LENS, None),
        ({Word.COUNT: "99"}, None, None),
        ({Word.NUMBER: "2026-0"}, Repair.DROP, None),
    ],
)
def test_a_repair_is_proposed_and_not_done(row, repair, place):
    got = sifted(*town(), row)
    assert 25 not in got.kept.tolist()
    (waiting,) = got.quarantined()
    assert waiting.repair is repair
    assert (waiting.repaired is None) if place is None else (waiting.repaired == pytest.approx(place, abs=1e-6))


def test_an_address_whose_rows_disagree_proposes_nothing():
    apart = [{LAT: "36.3100", Word.ROAD: "두 곳"}, {LAT: "36.3200", Word.ROAD: "두 곳"}]
    got = sifted(*apart, {LAT: "0", LON: "0", Word.ROAD: "두 곳"})
    assert [each.repair for each in got.quarantined()] == [None]


def test_what_was_accepted_is_taken_in_and_nothing_else():
    rows = (*town(), DMS, {LAT: "127.4541", LON: "36.3283"}, FAR, {Word.COUNT: "0"})
    got = sifted(*rows, accept=accepted("degrees_minutes_seconds"))
    assert got.problems() == {Problem.SWAPPED: 1, Problem.FAR_FROM_OWNER: 1, Problem.COUNT_NOT_PLAUSIBLE: 1}
    assert (got.accepted, 25 in got.kept.tolist()) == (1, True)
    assert got.lat[25] == pytest.approx(36.311161, abs=1e-6)
    got = sifted(*rows, accept=accepted("swapped", "count_not_plausible", "far_from_owner"))
    assert got.problems() == {Problem.DEGREES_MINUTES_SECONDS: 1, Problem.FAR_FROM_OWNER: 1}
    assert got.count[28] == 1


def test_a_repaired_row_is_judged_on():
    again = {**DMS, Word.DATED: "2020-01-01"}
    got = sifted(*town(), DMS, again, accept=accepted("degrees_minutes_seconds"))
    assert got.problems() == {Problem.OUTDATED: 1}


@given(st.floats(33.5, 38.5), st.floats(126.2, 129.0))
def test_degrees_minutes_seconds_read_back_what_was_written(lat, lon):
    def written(value):
        seconds = round((value % 1) * 3600, 4)
        minutes, rest = divmod(seconds, 60)
        return int(value) + int(minutes) / 100 + rest / 10_000

    if lat % 1 > 0.999 or lon % 1 > 0.999:
        return
    got = sieve.from_dms(np.array([written(lat), written(lon)]))
    assert got == pytest.approx([lat, lon], abs=1e-6)


# --- boundaries and the sea ----------------------------------------------------------------------------------------


def square(south, west, north, east):
    return lambda lat, lon: (lat >= south) & (lat <= north) & (lon >= west) & (lon <= east)


HOME = Outline("동구", "1", square(36.30, 127.40, 36.35, 127.50))
OTHER_EAST = Outline("동구", "2", square(35.0, 128.0, 35.2, 128.2))
WEST = Outline("서구", "3", square(36.30, 127.30, 36.35, 127.40))


def bounds(*outlines, name=None):
    return Bounds(outlines, [], name)


def test_outside_the_owners_boundary():
    outside = {LAT: "36.3283", LON: "127.3541"}
    got = sifted(*town(), outside, areas=bounds(HOME, OTHER_EAST, WEST))
    assert got.problems() == {Problem.OUTSIDE_BOUNDARY: 1}
    assert sifted(*town(), outside).problems() == {}


def test_a_boundary_finds_minutes_and_seconds_among_few_sites_too():
    got = sifted(*town(3), {**DMS, LON: "127.252649"}, areas=bounds(HOME, WEST))
    assert got.problems() == {Problem.DEGREES_MINUTES_SECONDS: 1}
    far_off = sifted(*town(3), {LAT: "36.3911", LON: "127.1911"}, areas=bounds(HOME, WEST))
    assert far_off.problems() == {Problem.OUTSIDE_BOUNDARY: 1}


def test_a_border_street_is_inside():
    on_the_border = {LAT: "36.3283", LON: "127.39900"}  # 90 m beyond
    beyond = {LAT: "36.3283", LON: "127.39700"}
    assert problems(*town(), on_the_border, areas=bounds(HOME, WEST)) == {}
    assert problems(*town(), beyond, areas=bounds(HOME, WEST)) == {"outside_boundary": 1}


def test_villages_of_one_municipality_are_its_boundary():
    villages = [
        Outline("가람시 동구 하나동", "1", square(36.30, 127.40, 36.35, 127.4115)),
        Outline("가람시 동구 두리동", "1", square(36.30, 127.4115, 36.35, 127.50)),
    ]
    assert problems(*town(), {LON: "127.5541"}, areas=bounds(*villages, WEST)) == {"outside_boundary": 1}


def test_an_owner_without_an_outline_is_named_and_not_judged():
    asked = bounds(OTHER_EAST, WEST)
    assert problems(*town(), areas=asked) == {}
    assert asked.unknown == ["가람시 동구청"]
    assert problems(*town(), areas=bounds(WEST)) == {"outside_boundary": 25}  # one outline is everybody's
    assert problems(*town(), areas=bounds(HOME, WEST, name="서구")) == {"outside_boundary": 25}


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        ("대전광역시 대덕구청 공원녹지과", "대덕구"),
        ("유성구청", "유성구"),
        ("강남구", "강남구"),
        ("서울특별시 종로구청", "종로구"),
        ("제주특별자치도 서귀포시", "서귀포시"),
        ("한국도로공사", None),
    ],
)
def test_whose_municipality(owner, name):
    assert municipality(owner) == name


@pytest.mark.parametrize(
    ("name", "lat", "lon"),
    [
        ("마라도", 33.117, 126.267),
        ("독도", 37.241, 131.866),
        ("울릉도", 37.484, 130.905),
        ("백령도", 37.974, 124.716),
        ("연평도", 37.666, 125.697),
        ("가거도", 34.073, 125.113),
        ("홍도", 34.687, 125.193),
        ("거문도", 34.028, 127.309),
        ("추자도", 33.955, 126.297),
        ("해남 땅끝", 34.297, 126.524),
        ("호미곶", 36.077, 129.567),
        ("고성 통일전망대", 38.586, 128.375),
    ],
)
def test_no_island_is_sea(name, lat, lon):
    assert coast.on_land(np.array([lat]), np.array([lon])).all(), name


def test_open_water_is_sea():
    lat, lon = np.array([34.9, 37.5, 35.5, 33.4, 38.3]), np.array([131.2, 130.2, 124.5, 128.5, 129.5])
    assert not coast.on_land(lat, lon).any()


# --- any list ------------------------------------------------------------------------------------------------------

CELLS = st.sampled_from(["", "0", "36.3283", "127.4541", "36.1", "x", "36.184018", "127.232649", "-1", "99", "2"])
ROWS = st.fixed_dictionaries(
    {},
    optional={
        LAT: CELLS,
        LON: CELLS,
        Word.COUNT: CELLS,
        Word.ROAD: st.sampled_from(["", "은하로 1", "별빛로 2 (172.31.1.2)"]),
        Word.OWNER: st.sampled_from(["가람시 동구청", "나래시청", ""]),
        Word.NUMBER: st.sampled_from(["", "1", "2"]),
        Word.DATED: st.sampled_from(["2026-05-20", "2024-05-20", ""]),
    },
)


@settings(max_examples=150, deadline=None)
@given(st.lists(ROWS, max_size=12), st.sets(st.sampled_from(list(Problem))))
def test_every_row_is_kept_or_has_one_reason_and_what_is_kept_is_sound(rows, accept):
    got = sifted(*rows, accept=frozenset(accept))
    counted = got.problems()
    assert len(got.kept) + sum(counted.values()) == len(rows)
    waiting = list(got.quarantined())
    assert len(waiting) == sum(counted.values())
    assert all(geo.in_korea(got.lat[k], got.lon[k]) and 1 <= got.count[k] <= sieve.COUNT_MAX for k in got.kept)
    assert not any("172" in f"{each.address}{each.lat}" for each in waiting)
    assert all(each.repaired is None or geo.in_korea(*each.repaired) for each in waiting)
    if not accept:
        assert got.accepted == 0
    assert all(each.repair is Repair.DROP for each in waiting if each.problem in SETTLED)


@settings(max_examples=30, deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=12), st.integers(1, 5))
def test_it_does_not_matter_in_which_pieces_a_list_is_read(rows, size):
    whole, pieces = sieve.sift(heap(*rows)), sieve.sift(heap(*rows, chunk_rows=size))
    assert whole.problem.tolist() == pieces.problem.tolist()


def test_an_empty_list():
    got = sieve.sift(heap())
    assert (len(got.kept), got.problems(), list(got.quarantined())) == (0, {}, [])
