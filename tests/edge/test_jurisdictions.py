"""A centre's table of areas, offices and codes: lists of others with every error, and the folder's own files."""

import pytest
import shapely

from safetynet.core import geo, jurisdictions
from safetynet.core.areas import Area, Areas, Code, System
from safetynet.core.codes import Link
from safetynet.core.jurisdictions import Finding, Kind, Office
from safetynet.edge import jurisdictions as shelf
from safetynet.edge.jurisdictions import (
    JurisdictionsInvalidError,
    Refusal,
    Refused,
    Skip,
    UnreadableError,
    take_in_codes,
    take_in_offices,
)

LEGAL, ADMIN, SGIS, LOCAL = System.LEGAL, System.ADMINISTRATIVE, System.STATISTICS, System.LOCAL_GOVERNMENT


def area(code, name, west=127.40, south=36.30, aliases=()):
    return Area(code=code, name=name, shape=shapely.box(west, south, west + 0.02, south + 0.02), aliases=aliases)


DAEJEON = area(Code(SGIS, "25020"), "중구")
SEOUL = area(Code(SGIS, "11020"), "중구", 126.98, 37.55)
CHUNCHEON = area(Code(SGIS, "32010"), "춘천시", 127.72, 37.87)
KNOWN = Areas((DAEJEON, SEOUL, CHUNCHEON))


def offices(*rows, header="id,kind,name,serves,lat,lon,centre", encoding="utf-8", known=KNOWN):
    return take_in_offices("\r\n".join((header, *rows)).encode(encoding), known)


def test_offices_are_read_with_codes_and_names():
    taken = offices(
        "jungbu,police,대전중부경찰서,30140,36.32,127.41,",
        "garam,도시센터,대전 중구 센터,대전광역시 중구; sgis:32010,,,garam",
        "hub,광역센터,대전 광역센터,대전광역시,,,",
        "gw,준법지원센터,춘천보호관찰소,강원도 춘천시,,,",
    )
    assert not taken.refused
    jungbu, garam, hub, gangwon = taken.offices
    assert jungbu == Office(
        id="jungbu",
        kind=Kind.POLICE,
        name="대전중부경찰서",
        serves=(Code(LEGAL, "30140"),),
        seat=geo.Point(36.32, 127.41),
    )
    assert garam.serves == (Code(SGIS, "25020"), Code(SGIS, "32010"))
    assert (garam.kind, garam.centre) == (Kind.CENTRE, "garam")
    assert hub.serves == (Code(LEGAL, "30"),)
    assert (gangwon.kind, gangwon.serves) == (Kind.PROBATION, (Code(SGIS, "32010"),))


def test_korean_headers_in_cp949():
    taken = offices("a,경찰서,가람경찰서,30140", header="기관코드,구분,기관명,관할", encoding="cp949")
    assert [each.name for each in taken.offices] == ["가람경찰서"]


@pytest.mark.parametrize(
    ("row", "why", "what"),
    [
        (",police,가,30140,,,", Refusal.NO_ID, ""),
        ("a b,police,가,30140,,,", Refusal.NO_ID, "a b"),
        ("ok,police,가,30140,,,", Refusal.TWICE, "ok"),
        ("a,post,가,30140,,,", Refusal.UNKNOWN_KIND, "post"),
        ("a,police,,30140,,,", Refusal.NO_NAME, "a"),
        ("a,police,가,;,,,", Refusal.SERVES_NOTHING, "a"),
        ("a,police,가,30140;99,,,", Refusal.NO_SUCH_CODE, "99"),
        ("a,police,가,moon:30140,,,", Refusal.NO_SUCH_CODE, "moon:30140"),
        ("a,police,가,없는시 없는구,,,", Refusal.UNKNOWN_AREA, "없는시 없는구"),
        ("a,police,가,중구,,,", Refusal.AMBIGUOUS_AREA, "중구"),
        ("a,police,가,30140,127.41,36.32,", Refusal.NO_PLACE, "127.41, 36.32"),
        ("a,police,가,30140,nan,127,", Refusal.NO_PLACE, "nan, 127"),
        ("a,police,가,30140,here,,", Refusal.NO_PLACE, "here, "),
    ],
)
def test_a_row_that_is_wrong_is_refused_by_line_and_reason(row, why, what):
    taken = offices("ok,police,가람경찰서,30140,,,", row)
    assert [each.id for each in taken.offices] == ["ok"]
    assert taken.refused == (Refused(3, why, what),)


@pytest.mark.parametrize("raw", [b"", b"id,kind,name\n", b"\xff\xfe\xff", b'id,kind,name,serves\n"a,b', b"{}"])
def test_what_is_no_table_of_offices_is_refused(raw):
    with pytest.raises(UnreadableError):
        take_in_offices(raw, KNOWN)


def test_lists_are_bounded(monkeypatch):
    rows = [f"o{n},police,가,30140,,," for n in range(4)]
    monkeypatch.setattr(shelf, "OFFICES_MAX", 3)
    with pytest.raises(UnreadableError, match="more than 3 offices"):
        offices(*rows)
    monkeypatch.setattr(shelf, "ROWS_MAX", 3)
    with pytest.raises(UnreadableError, match="more than 3 rows"):
        offices(*rows)
    monkeypatch.setattr(shelf, "LIST_BYTES_MAX", 10)
    with pytest.raises(UnreadableError, match="larger than 10 bytes"):
        offices(*rows)


# --- codes ---------------------------------------------------------------------------------------------------------


def codes(text, known=KNOWN, encoding="utf-8"):
    return take_in_codes(text.encode(encoding), known)


def test_the_list_of_the_ministry_links_two_systems_with_days():
    taken = codes(
        "행정동코드,시도명,시군구명,읍면동명,법정동코드,동리명,생성일자,말소일자\n"
        "3014053500,대전광역시,중구,은행선화동,3014010100,은행동,19980905,\n"
        "3014053500,대전광역시,중구,은행선화동,3014010200,선화동,19980905,20200101\n",
        encoding="cp949",
    )
    assert taken.links == (
        Link(Code(LEGAL, "30140101"), Code(ADMIN, "3014053500"), "1998-09-05", ""),
        Link(Code(LEGAL, "30140102"), Code(ADMIN, "3014053500"), "1998-09-05", "2020-01-01"),
    )
    assert (taken.rows, taken.skipped) == (2, {})


def test_names_link_a_list_with_one_system_to_the_map():
    taken = codes("법정동코드\t법정동명\t폐지여부\n3014000000\t대전광역시 중구\t존재\n5111000000\t강원특별자치도 춘천시\t존재\n"
                  "4211000000\t강원도 춘천시\t폐지\n3014010100\t대전광역시 중구 은행동\t존재\n")  # fmt: skip
    assert taken.links == (
        Link(Code(LEGAL, "30140"), Code(SGIS, "25020")),
        Link(Code(LEGAL, "51110"), Code(SGIS, "32010")),
    )
    assert taken.skipped == {Skip.ABOLISHED: 1, Skip.UNKNOWN_NAME: 1}


def test_a_camera_list_says_which_local_government_is_which():
    taken = codes("개방자치단체코드,관리번호,관리기관명\n3640000,1,대전광역시 중구청\n3640000,2,대전광역시 중구청\n9999,3,x\n3000001,4,\n"
                  "3000002,5,중구청\n")  # fmt: skip
    assert taken.links == (Link(Code(LOCAL, "3640000"), Code(SGIS, "25020")),)
    assert taken.skipped == {Skip.BAD_CODE: 1, Skip.ALONE: 1, Skip.AMBIGUOUS_NAME: 1}
    own = codes("adm_cd,name\n25020,대전광역시 중구\n")
    assert (own.links, own.skipped) == ((), {Skip.SAME_SYSTEM: 1})
    with pytest.raises(UnreadableError, match="no column of codes"):
        codes("a,b\n1,2\n")


# --- the folder ----------------------------------------------------------------------------------------------------


def test_what_is_written_is_read_again(tmp_path):
    assert shelf.read(tmp_path) == jurisdictions.EMPTY
    village = area(Code(ADMIN, "3014053500"), "대전광역시 중구 은행선화동", aliases=(Code(SGIS, "2502053"),))
    taken = offices("jungbu,police,대전중부경찰서,sgis:25020,36.32,127.41,garam", known=Areas((village,))).offices
    links = (Link(Code(LEGAL, "30140101"), Code(ADMIN, "3014053500"), "1998-09-05", ""),)
    shelf.write_areas(tmp_path, Areas((village,)))
    shelf.write_offices(tmp_path, taken)
    shelf.write_codes(tmp_path, links)
    table = shelf.read(tmp_path)
    assert table.areas == Areas((village,))
    assert table.offices == taken
    assert set(table.crosswalk.links) == {Link(village.code, village.aliases[0]), *links}
    found = jurisdictions.competent(table, 36.31, 127.41).of(Kind.POLICE)
    assert (found.finding, found.office) == (Finding.COMPETENT, taken[0])
    assert table.crosswalk.of(Code(SGIS, "2502053"), ADMIN) == (village.code,)


@pytest.mark.parametrize(
    ("file", "raw"),
    [
        (shelf.AREAS_FILE, b"{"),
        (shelf.AREAS_FILE, (b'{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"code":["legal","30140"],'
         b'"name":"a"},"geometry":{"type":"Point","coordinates":[127.4,36.3]}}]}')),
        (shelf.AREAS_FILE, (b'{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"code":["legal","301"],'
         b'"name":"a"},"geometry":{"type":"Polygon","coordinates":[[[127,36],[128,36],[128,37],[127,36]]]}}]}')),
        (shelf.AREAS_FILE, (b'{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"code":["legal","30140"],'
         b'"name":"a"},"geometry":{"type":"Polygon","coordinates":[[[36,127],[36,128],[37,128],[36,127]]]}}]}')),
        (shelf.AREAS_FILE, (b'{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"code":["legal","30140"],'
         b'"name":"a"},"geometry":{"type":"Nonsense"}}]}')),
        (shelf.OFFICES_FILE, b'[{"id":"a"}]'),
        (shelf.OFFICES_FILE, b'[{"id":"a","kind":"hub","name":"x","serves":[]},{"id":"a","kind":"hub","name":"x","serves":[]}]'),
        (shelf.CODES_FILE, b'[[["legal","30140"],["legal","x"]]]'),
        (shelf.CODES_FILE, b"[1]"),
    ],
)  # fmt: skip
def test_a_file_of_our_own_that_is_broken_is_refused_not_passed_over(tmp_path, file, raw):
    (tmp_path / shelf.FOLDER).mkdir()
    (tmp_path / shelf.FOLDER / file).write_bytes(raw)
    with pytest.raises(JurisdictionsInvalidError):
        shelf.read(tmp_path)
