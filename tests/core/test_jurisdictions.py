"""Codes between systems and through the years; who is competent, and every way in which nobody is for certain."""

import math

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from safetynet.core import areas, geo, jurisdictions
from safetynet.core.areas import PROVINCES, Area, Areas, Code, System, parsed, wider
from safetynet.core.codes import Crosswalk, Link, as_of, newest
from safetynet.core.jurisdictions import Finding, Kind, Office, Table, competent

LEGAL, ADMIN, SGIS, LOCAL = System.LEGAL, System.ADMINISTRATIVE, System.STATISTICS, System.LOCAL_GOVERNMENT

# --- codes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("system", "text", "digits"),
    [
        (LEGAL, "3014000000", "30140"), (LEGAL, "3014010100", "30140101"), (LEGAL, "3000000000", "30"),
        (LEGAL, "3014010121", "3014010121"), (ADMIN, "3014053500", "3014053500"), (ADMIN, "3014000000", "30140"),
        (SGIS, "2502053", "2502053"), (SGIS, "35570310", "35570310"), (LOCAL, "3000000", "3000000"),
        (LEGAL, "301", None), (SGIS, "250205", None), (LEGAL, "30140a0100", None), (LEGAL, "３０１４０", None), (LOCAL, "30", None),
    ],
)  # fmt: skip
def test_a_code_is_read_in_its_shortest_form(system, text, digits):
    assert parsed(system, text) == (None if digits is None else Code(system, digits))


@pytest.mark.parametrize(
    ("before", "after", "on"),
    [("4211010100", "5111010100", "2023-06-11"), ("45111", "52111", "2024-01-18"), ("47720", "27720", "2023-07-01"),
     ("28170", "28177", "2018-07-01")],
)  # fmt: skip
def test_a_code_follows_its_area_through_the_years(before, after, on):
    old, new = Code(LEGAL, before), Code(LEGAL, after)
    day_before = f"{on[:-2]}{int(on[-2:]) - 1:02d}" if on[-2:] != "01" else f"{on[:5]}{int(on[5:7]) - 1:02d}-30"
    assert newest(old) == newest(new) == new
    assert as_of(new, day_before) == old
    assert as_of(old, on) == new
    assert as_of(Code(SGIS, before[:5]), "2026-01-01") == Code(SGIS, before[:5])


CROSSWALK = Crosswalk(
    (
        Link(Code(ADMIN, "3014053500"), Code(LEGAL, "30140101")),
        Link(Code(ADMIN, "3014053500"), Code(LEGAL, "30140102")),
        Link(Code(ADMIN, "3014053500"), Code(SGIS, "2502053")),
        Link(Code(ADMIN, "3014054500"), Code(SGIS, "2502054")),
        Link(Code(ADMIN, "3011053000"), Code(SGIS, "2501053")),
        Link(Code(LOCAL, "3640000"), Code(LEGAL, "30140")),
        Link(Code(LEGAL, "30140199"), Code(ADMIN, "3014054500"), "2001-01-01", "2019-07-01"),
    )
)


@pytest.mark.parametrize(
    ("code", "system", "found"),
    [
        (Code(ADMIN, "3014053500"), LEGAL, ("30140101", "30140102")),
        (Code(LEGAL, "30140102"), ADMIN, ("3014053500",)),
        (Code(LEGAL, "30140"), ADMIN, ("30140",)),
        (Code(LEGAL, "30140"), LOCAL, ("3640000",)),
        (Code(ADMIN, "30140"), LOCAL, ("3640000",)),
        (Code(SGIS, "25020"), ADMIN, ("30140",)),  # all its villages lie there
        (Code(SGIS, "25020"), LEGAL, ("30140",)),
        (Code(SGIS, "32"), LEGAL, ("51",)),
        (Code(LEGAL, "42"), SGIS, ("32",)),
        (Code(LEGAL, "30140199"), ADMIN, ()),
        (Code(LEGAL, "30140105"), ADMIN, ()),  # nothing says it: nothing is said
        (Code(SGIS, "2502053"), SGIS, ("2502053",)),
    ],
)
def test_a_code_in_another_system(code, system, found):
    assert tuple(each.digits for each in CROSSWALK.of(code, system)) == found


def test_what_held_on_a_day():
    code = Code(LEGAL, "30140199")
    assert CROSSWALK.of(code, ADMIN, "2010-01-01") == (Code(ADMIN, "3014054500"),)
    assert CROSSWALK.of(code, ADMIN, "2019-07-01") == ()
    assert CROSSWALK.of(Code(SGIS, "32"), LEGAL, "2020-01-01") == (Code(LEGAL, "42"),)
    assert CROSSWALK.of(Code(LEGAL, "51110"), LEGAL, "2020-01-01") == (Code(LEGAL, "42110"),)


def test_districts_whose_villages_are_mixed_are_not_linked():
    mixed = Crosswalk((*CROSSWALK.links, Link(Code(ADMIN, "3011054000"), Code(SGIS, "2502099"))))
    assert mixed.of(Code(SGIS, "25020"), ADMIN) == ()


def test_each_province_has_one_code_in_each_system():
    assert len({each.statistics for each in PROVINCES}) == len(PROVINCES) == 17
    assert len({code for each in PROVINCES for code in each.legal}) == 20
    assert all(newest(Code(LEGAL, code)).digits == each.legal[0] for each in PROVINCES for code in each.legal
               if code != "49")  # fmt: skip


# --- who is competent ----------------------------------------------------------------------------------------------

LAT, LON = 36.32, 127.42


def area(digits, south, west, north, east, system=ADMIN, name="별빛동", aliases=()):
    shape = shapely.box(west, south, east, north)
    return Area(code=Code(system, digits), name=name, shape=shape, aliases=aliases)


WEST_VILLAGE = area("3014053500", 36.30, 127.40, 36.34, 127.42)
EAST_VILLAGE = area("3014054500", 36.30, 127.42, 36.34, 127.44, name="솔잎동")
OTHER = area("3011053000", 36.30, 127.44, 36.34, 127.46, name="다른동")
LONELY = area("3017053000", 36.34, 127.40, 36.36, 127.46, name="먼동")


def office(id, kind, *served):
    return Office(id=id, kind=kind, name=id, serves=tuple(Code(system, digits) for system, digits in served))


JUNGBU = office("jungbu", Kind.POLICE, (LEGAL, "30140"))
DONGBU = office("dongbu", Kind.POLICE, (LEGAL, "30110"))
CENTRE = office("garam", Kind.CENTRE, (SGIS, "25020"))
HUB = office("hub", Kind.HUB, (LEGAL, "30"))
TABLE = Table(
    Areas((WEST_VILLAGE, EAST_VILLAGE, OTHER, LONELY)), (JUNGBU, DONGBU, CENTRE, HUB), Crosswalk(CROSSWALK.links[:5])
)


def police(lat, lon, radius_m=0.0, table=TABLE):
    return competent(table, lat, lon, radius_m).of(Kind.POLICE)


def test_the_narrowest_code_decides_and_is_named():
    found = competent(TABLE, 36.32, 127.41)
    assert found.areas == (WEST_VILLAGE,)
    assert {each.kind: (each.finding, each.office) for each in found.answers} == {
        Kind.CENTRE: (Finding.COMPETENT, CENTRE),
        Kind.HUB: (Finding.COMPETENT, HUB),
        Kind.PROBATION: (Finding.NOT_CONFIGURED, None),
        Kind.POLICE: (Finding.COMPETENT, JUNGBU),
    }
    assert found.of(Kind.POLICE).by == Code(LEGAL, "30140")
    own = office("station", Kind.POLICE, (ADMIN, "3014054500"))
    narrow = Table(TABLE.areas, (*TABLE.offices, own), TABLE.crosswalk)
    assert police(36.32, 127.43, table=narrow).office == own
    assert police(36.32, 127.41, table=narrow).office == JUNGBU
    assert narrow.ground(own) == (EAST_VILLAGE,)


def test_on_a_border_of_one_office_it_is_competent_and_of_two_nobody_is():
    assert police(36.32, 127.42).office == JUNGBU
    found = police(36.32, 127.44)
    assert (found.finding, found.office) == (Finding.BORDER, None)
    assert found.candidates == (JUNGBU, DONGBU)


def test_on_a_border_with_unassigned_ground_nobody_is_competent_for_certain():
    found = police(36.34, 127.41)
    assert (found.finding, found.office, found.candidates) == (Finding.BORDER, None, (JUNGBU,))


def test_a_circle_over_the_border_names_the_neighbour_too():
    away = geo.distance_m(36.32, 127.439, 36.32, 127.44)
    assert police(36.32, 127.439, away + 5).also == (DONGBU,)
    assert police(36.32, 127.439, away - 5).also == ()
    assert police(36.32, 127.439, away + 5).office == JUNGBU


def test_in_the_sea_no_office_is_made_up():
    found = competent(TABLE, 36.32, 127.50)
    assert found.areas == ()
    assert (found.of(Kind.POLICE).finding, found.of(Kind.POLICE).office) == (Finding.NO_AREA, None)
    assert found.of(Kind.POLICE).candidates[0] == DONGBU  # the nearest coast first
    far = competent(TABLE, 34.0, 130.5)
    assert (far.of(Kind.POLICE).finding, far.of(Kind.POLICE).candidates, far.near) == (Finding.NO_AREA, (), ())


def test_unassigned_claimed_twice_not_configured_outside():
    assert police(36.35, 127.43).finding is Finding.UNASSIGNED
    assert TABLE.unserved(Kind.POLICE) == (LONELY,)
    rival = Table(TABLE.areas, (*TABLE.offices, office("rival", Kind.POLICE, (LEGAL, "30140"))), TABLE.crosswalk)
    found = police(36.32, 127.41, table=rival)
    assert (found.finding, found.office) == (Finding.CLAIMED_TWICE, None)
    assert {each.id for each in found.candidates} == {"jungbu", "rival"}
    assert rival.contested(Kind.POLICE) == (WEST_VILLAGE, EAST_VILLAGE)
    assert police(36.32, 127.41, table=jurisdictions.EMPTY).finding is Finding.NOT_CONFIGURED
    for lat, lon in ((35.0, 0.0), (math.nan, 127.4), (127.4, 36.3)):
        assert police(lat, lon).finding is Finding.OUTSIDE


def test_a_map_of_before_and_an_office_of_after_find_each_other():
    old = area("4211025000", 37.85, 127.70, 37.90, 127.75)
    table = Table(Areas((old,)), (office("chuncheon", Kind.POLICE, (LEGAL, "51110")),))
    assert police(37.87, 127.72, table=table).office is not None


def test_an_area_around_another_does_not_make_a_border():
    district = area("30140", 36.30, 127.40, 36.34, 127.44)
    found = competent(Table(Areas((district, WEST_VILLAGE)), (JUNGBU,)), 36.32, 127.41)
    assert found.areas == (WEST_VILLAGE,)


@given(st.floats(36.29, 36.37), st.floats(127.39, 127.47), st.floats(0.0, 5_000.0))
def test_only_a_place_within_what_an_office_serves_makes_it_competent(lat, lon, radius_m):
    for answer in competent(TABLE, lat, lon, radius_m).answers:
        assert (answer.office is not None) == (answer.finding is Finding.COMPETENT)
        if answer.office is not None:
            assert any(each.covers(lat, lon) for each in TABLE.ground(answer.office))
            assert answer.office not in answer.also


def test_wider_areas_of_a_code():
    assert [each.digits for each in wider(Code(LEGAL, "3014010121"))] == ["3014010121", "30140101", "30140", "30"]
    assert [each.digits for each in wider(Code(SGIS, "25020530"))] == ["25020530", "25020", "25"]
    assert areas.province(Code(LOCAL, "3000000")) is None
