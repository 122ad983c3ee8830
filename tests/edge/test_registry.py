"""Reading lists of others: small made lists with every error seen in real ones, and the real ones when they are here."""

import csv
import io
import ipaddress
import os
import re
import stat
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safetynet.app import intake as program
from safetynet.core.cameras import Camera, Registry
from safetynet.core.terms import CameraId, CentreId, PoleId
from safetynet.edge import registry
from safetynet.edge.registry import CityCameras, RegistryInvalidError, Skip, UnreadableError, clean, take_in

CITY = CentreId("garam")
HEADER = [
    "개방자치단체코드",
    "관리번호",
    "관리기관명",
    "소재지도로명주소",
    "소재지지번주소",
    "설치목적구분",
    "카메라대수",
    "카메라화소수",
    "촬영방면정보",
    "보관일수",
    "설치연월",
    "관리기관전화번호",
    "WGS84위도",
    "WGS84경도",
    "데이터기준일자",
    "데이터갱신구분",
    "데이터갱신시점",
    "최종수정시점",
]
GOOD = {
    "개방자치단체코드": "3640000",
    "관리번호": "2026-1",
    "관리기관명": "가람시 동구청",
    "소재지도로명주소": "가람시 동구 별빛로 1",
    "소재지지번주소": "가람시 동구 별빛동 1-1",
    "설치목적구분": "생활방범",
    "카메라대수": "2",
    "촬영방면정보": "360도 전방면",
    "WGS84위도": "36.3283",
    "WGS84경도": "127.4541",
    "데이터기준일자": "2026-05-20",
}


def listed(*rows, header=HEADER, encoding="cp949"):
    out = io.StringIO()
    writer = csv.DictWriter(out, header, restval="", extrasaction="ignore")
    writer.writeheader()
    for number, row in enumerate(rows):
        writer.writerow({**GOOD, "관리번호": f"2026-{number}", **row})
    return out.getvalue().encode(encoding)


def taken(*rows, **more):
    return take_in(listed(*rows), CITY, **more)


# --- rows ----------------------------------------------------------------------------------------------------------


def test_a_row_is_a_site_and_becomes_virtual_cameras_of_unknown_direction_on_one_pole():
    got = taken({"카메라대수": "3"})
    assert [each.id for each in got.city.cameras] == [f"garam-3632830-12745410-0{n}" for n in (1, 2, 3)]
    assert {each.pole for each in got.city.cameras} == {"garam-3632830-12745410"}
    assert {(each.azimuth_deg, each.view_deg, each.ptz) for each in got.city.cameras} == {(None, None, False)}
    assert got.city.cameras[0] == Camera(
        id=CameraId("garam-3632830-12745410-01"),
        city=CITY,
        pole=PoleId("garam-3632830-12745410"),
        name="가람시 동구 별빛로 1 #1",
        lat=36.3283,
        lon=127.4541,
        range_m=60.0,
        purpose="생활방범",
    )
    assert set(got.city.descriptions.values()) == {"360도 전방면"}
    assert (got.rows, got.sites, got.poles, got.skipped) == (1, 1, 1, {})


def test_rows_at_one_spot_share_a_pole_and_all_lenses_have_their_own_id():
    got = taken({}, {"설치목적구분": "교통단속"}, {"WGS84위도": "36.3290"})
    assert got.poles == 2
    assert len({each.id for each in got.city.cameras}) == 6
    assert len(Registry.of(got.city.cameras)) == 6


def test_ids_stay_when_the_list_comes_in_another_order():
    rows = [{"WGS84위도": f"36.32{n}5", "관리번호": str(n)} for n in range(9)]
    assert taken(*rows).city == taken(*reversed(rows)).city


@pytest.mark.parametrize(
    ("row", "skip"),
    [
        ({"WGS84위도": ""}, Skip.NO_COORDINATES),
        ({"WGS84경도": "  "}, Skip.NO_COORDINATES),
        ({"WGS84위도": "0", "WGS84경도": "0.000"}, Skip.ZERO),
        ({"WGS84위도": "127.4541", "WGS84경도": "36.3283"}, Skip.SWAPPED),
        ({"WGS84위도": "32.2123"}, Skip.OUTSIDE_KOREA),
        ({"WGS84경도": "140.1234"}, Skip.OUTSIDE_KOREA),
        ({"WGS84위도": "-36.3283"}, Skip.OUTSIDE_KOREA),
        ({"WGS84위도": "36°19'42\""}, Skip.NOT_A_NUMBER),
        ({"WGS84위도": "nan"}, Skip.NOT_A_NUMBER),
        ({"WGS84위도": "3.6e1"}, Skip.NOT_A_NUMBER),
        ({"WGS84위도": "36,3283"}, Skip.NOT_A_NUMBER),
        ({"WGS84위도": "36.1", "WGS84경도": "127.1"}, Skip.PLACEHOLDER),
        ({"카메라대수": ""}, Skip.COUNT_NOT_PLAUSIBLE),
        ({"카메라대수": "0"}, Skip.COUNT_NOT_PLAUSIBLE),
        ({"카메라대수": "-2"}, Skip.COUNT_NOT_PLAUSIBLE),
        ({"카메라대수": "1.5"}, Skip.COUNT_NOT_PLAUSIBLE),
        ({"카메라대수": "17"}, Skip.COUNT_NOT_PLAUSIBLE),
        ({"카메라대수": "두 대"}, Skip.COUNT_NOT_PLAUSIBLE),
        ({"관리번호": "2026-0"}, Skip.DUPLICATE),
    ],
)
def test_what_cannot_be_stood_behind_is_left_out_and_counted(row, skip):
    got = taken({}, row)
    assert (got.rows, got.sites, dict(got.skipped)) == (2, 1, {skip: 1})
    assert taken({}, {"WGS84위도": "36.3290"}).sites == 2


def test_a_torn_row_is_counted():
    raw = listed({}) + "3640000,2026-9,가람시\r\n".encode("cp949")
    assert dict(take_in(raw, CITY).skipped) == {Skip.TORN: 1}


def test_only_the_owner_asked_for():
    got = taken({}, {"관리기관명": "나래시청"}, owner="동구청")
    assert (got.sites, dict(got.skipped)) == (1, {Skip.OTHER_OWNER: 1})


def test_yearly_lists_pile_up_and_only_the_newest_counts():
    years = [{"데이터기준일자": f"{year}-05-20"} for year in (2023, 2026, 2024)]
    got = taken(*years, {"데이터기준일자": "2022-01-01", "설치목적구분": "교통단속"})
    assert (got.sites, dict(got.skipped)) == (2, {Skip.OUTDATED: 2})


def test_one_spot_for_dozens_of_addresses_is_a_placeholder():
    many = [{"소재지도로명주소": f"별빛로 {n}"} for n in range(31)]
    assert dict(taken({"WGS84위도": "36.3300"}, *many).skipped) == {Skip.PLACEHOLDER: 31}
    assert taken(*many[:30]).sites == 30


def test_a_site_far_from_its_owners_others_is_left_out_and_the_cause_named_where_it_shows():
    town = [{"WGS84위도": f"36.31{n:02d}", "WGS84경도": f"127.41{n:02d}"} for n in range(25)]
    dms = {"WGS84위도": "36.184018", "WGS84경도": "127.232649"}  # 36°18′40″ 127°23′26″
    far = {"WGS84위도": "36.9683", "WGS84경도": "127.9370"}
    assert dict(taken(*town, dms, far).skipped) == {Skip.DEGREES_MINUTES_SECONDS: 1, Skip.FAR_FROM_OWNER: 1}
    assert taken(*town[:5], dms).skipped == {}  # of five sites nobody can say where the middle is


# --- files ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["cp949", "utf-8", "utf-8-sig"])
def test_encodings(encoding):
    assert take_in(listed({}, encoding=encoding), CITY).city == taken({}).city


def test_other_layouts_by_their_headers():
    seoul = "자치구,안심 주소,CCTV 용도,위도,경도,CCTV 수량,수정 일시\r\n가람구,별빛동 1 (172.31.192.134),방범,37.4933,127.0769,1,2021-10-28\r\n"
    got = take_in(seoul.encode("cp949"), CITY)
    assert [(each.name, each.purpose) for each in got.city.cameras] == [("별빛동 1", "방범")]
    assert got.texts_redacted == 1
    old = "institutionNm,rdnmadr,cctvNumber,latitude,hardness\r\n가람시,별빛로 1,2,36.3283,127.4541\r\n"
    assert len(take_in(old.encode(), CITY).city.cameras) == 2
    of_2019 = '"관리기관명",소재지도로명주소,카메라대수,위도,경도\r\n"가람시","별빛로 1(별빛동, 은하수)",4,37.512973,127.027904\r\n'
    assert take_in(of_2019.encode("cp949"), CITY).city.cameras[0].name == "별빛로 1(별빛동, 은하수) #1"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xff\xff",
        "이름,주소\r\n가,나\r\n".encode("cp949"),
        listed({}, header=[each for each in HEADER if each != "WGS84경도"]),
        listed({}) + b'"torn quote',
        listed({}) + b"x" * 200_000,
    ],
)
def test_what_is_no_camera_list_at_all(raw):
    with pytest.raises(UnreadableError):
        take_in(raw, CITY)


def test_a_list_too_large(monkeypatch):
    monkeypatch.setattr(registry, "LIST_BYTES_MAX", 100)
    with pytest.raises(UnreadableError, match="larger"):
        taken({})
    monkeypatch.undo()
    monkeypatch.setattr(registry, "CAMERAS_MAX", 1)
    with pytest.raises(UnreadableError, match="more than"):
        taken({})


# --- network addresses ---------------------------------------------------------------------------------------------

LEAKS = [
    "172.31.192.134",
    "172.31.192.134:554",
    "172.31.192.134/24",
    "172．31．192．134",
    "172。31。192。134",
    "172 . 31 . 192 . 134",
    "172. 31.192 .134",
    "172[.]31[.]192[.]134",
    "172(dot)31(dot)192(dot)134",
    "172점31점192점134",
    "172-31-192-134",
    "172_31_192_134",
    "172,31,192,134",
    "172 31 192 134",
    "172.31-192,134",
    "0xAC.0x1F.0xC0.0x86",
    "0254.037.0300.0206",
    "0xAC1FC086",
    "2887762054",
    "①⑦②.31.192.134",
    "172.31\u200b.192.134",
    "172.31.192.x",
    "172.31.x.x",
    "192.168.0",
    "10.20.30.*",
    "169.254.1.1",
    "fe80::1c2:3ff:fe45:678%eth0",
    "2001:db8:0:0:0:0:2:1",
    "fd00::1",
    "::1",
    "::ffff:172.31.192.134",
    "rtsp://admin:pw1234@cam7.inside/stream1",
    "http://nvr.inside:8080/x",
    "00:1a:2b:3c:4d:5e",
]


@pytest.mark.parametrize("leak", LEAKS)
@pytest.mark.parametrize("around", ["{}", "별빛동 1-1 ({})", "카메라{}", "{}호 앞", "정문[{}]후문", "앞 {} 뒤 {}"])
def test_a_network_address_in_any_spelling_leaves_no_digit_behind(leak, around):
    if around == "카메라{}" and leak.startswith(("rtsp", "http")):
        assert "inside" not in clean(around.format(leak, leak))[0]
        return
    shown, redacted = clean(around.format(leak, leak))
    assert redacted
    rest = shown.replace("1-1", "")
    assert not re.search(r"\d{2,}|inside|admin|pw1234|[0-9a-f]:[0-9a-f]", rest), shown


@pytest.mark.parametrize(
    "text",
    [
        "가람시 동구 계족로140번길 191-1",
        "중촌동 183-5, 191-1, 191-2",
        "042-251-4175",
        "2026-05-20 18:45:37",
        "360도 전방면",
        "반경 2~3m",
        "[일원2-228] 2 개포동 14 (큰 간판 앞)_0",
        "101동 1203호",
        "1.5km",
        "09:30:00",
    ],
)
def test_an_ordinary_text_stays_as_it_is(text):
    assert clean(text) == (text, False)


def test_texts_are_short_and_on_one_line():
    shown, redacted = clean("한국\n앉은굿\t보존회\x00앞\u202e" + "가" * 500)
    assert shown.startswith("한국 앉은굿 보존회 앞 가가")
    assert (len(shown), redacted) == (200, False)


@pytest.mark.parametrize("before", range(1_960, 2_005))
def test_an_endless_text_is_cut_without_leaving_half_an_address(before):
    shown, redacted = clean(("1.2.3.4 " * 300)[:before] + "8.172.31.192.134" * 9)
    assert redacted
    assert "172" not in shown
    assert len(clean("1" * 2_000_000)[0]) == registry.TEXT_CHARS_MAX


@settings(max_examples=300, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.text(alphabet="가나 ()[]-_.,:/0123456789abcdefx", max_size=12),
    st.text(alphabet="가나 ()[]-_.,:/0123456789abcdefx", max_size=12),
)
def test_no_plain_address_survives_whatever_stands_around_it(value, before, after):
    address = str(ipaddress.IPv4Address(value))
    # A digit, letter or dot that touches it makes it another word.
    shown, _ = clean(f"{before} 가{address} 나{after}")
    assert address not in shown


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**128 - 1), st.booleans())
def test_no_v6_address_survives(value, exploded):
    address = ipaddress.IPv6Address(value)
    text = address.exploded if exploded else address.compressed
    assert text not in clean(f"정문 {text} 앞")[0]


@given(st.text(max_size=300))
def test_cleaning_is_total_and_settled(text):
    shown, _ = clean(text)
    assert len(shown) <= registry.TEXT_CHARS_MAX
    assert not re.search(r"[\x00-\x1f]", shown)


def test_every_text_field_is_cleaned():
    leak = "172.31.192.134"
    row = {name: f"가람 {leak}" for name in HEADER if name not in {"카메라대수", "WGS84위도", "WGS84경도"}}
    written = msgspec.json.encode(taken(row).city).decode()
    assert leak not in written
    assert "172" not in written


# --- the city's folder ---------------------------------------------------------------------------------------------


def test_written_and_read_again(tmp_path):
    city = taken({}).city
    registry.write(tmp_path / "new", city)
    assert registry.read(tmp_path / "new") == city.cameras
    assert registry.read_city(tmp_path / "new") == city
    assert [each.name for each in (tmp_path / "new").iterdir()] == ["cameras.json"]


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    city = taken({}).city
    registry.write(tmp_path, city)

    def full(_file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        registry.write(tmp_path, taken({"카메라대수": "9"}).city)
    monkeypatch.undo()
    assert registry.read_city(tmp_path) == city
    registry.write(tmp_path, taken({"카메라대수": "9"}).city)  # what the failed one left is in nobody's way
    assert len(registry.read(tmp_path)) == 9


def changed(**change):
    city = taken({}).city
    return CityCameras(city=CITY, cameras=(msgspec.structs.replace(city.cameras[0], **change),))


@pytest.mark.parametrize(
    "city",
    [
        changed(lat=0.0),
        changed(lat=float("nan")),
        changed(range_m=0.0),
        changed(range_m=2_001.0),
        changed(azimuth_deg=-1.0),
        changed(azimuth_deg=361.0),
        changed(view_deg=0.0),
        changed(city=CentreId("narae")),
        CityCameras(city=CITY, cameras=taken({}).city.cameras * 2),
        CityCameras(v=2, city=CITY, cameras=()),
    ],
)
def test_a_registry_that_is_none_is_neither_written_nor_read(city, tmp_path):
    with pytest.raises(RegistryInvalidError):
        registry.write(tmp_path, city)
    (tmp_path / registry.FILE).write_bytes(msgspec.json.encode(city))
    with pytest.raises(RegistryInvalidError):
        registry.read(tmp_path)
    registry.write(tmp_path, changed())
    assert len(registry.read(tmp_path)) == 1


def test_no_registry_and_a_torn_one(tmp_path):
    with pytest.raises(FileNotFoundError):
        registry.read(tmp_path)
    (tmp_path / registry.FILE).write_bytes(b'{"v":1,')
    with pytest.raises(RegistryInvalidError):
        registry.read(tmp_path)


def test_sources_are_for_nobody_else(tmp_path):
    sources = {CameraId("c"): "rtsp://10.0.0.1/1"}
    registry.write_sources(tmp_path, sources)
    path = tmp_path / registry.SOURCES_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert registry.read_sources(tmp_path) == sources
    path.chmod(0o640)
    with pytest.raises(RegistryInvalidError, match="readable by others"):
        registry.read_sources(tmp_path)
    with pytest.raises(RegistryInvalidError, match="no RTSP"):
        registry.write_sources(tmp_path, {CameraId("c"): "file:///etc/passwd"})
    path.unlink()
    path.touch(0o600)
    with pytest.raises(RegistryInvalidError, match="not a table"):
        registry.read_sources(tmp_path)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        registry.read_sources(tmp_path)


# --- the program ---------------------------------------------------------------------------------------------------


def run(tmp_path, capsys, raw, *more):
    file = tmp_path / "list.csv"
    file.write_bytes(raw)
    code = program.main(["cameras", str(file), "--city", "garam", "--dir", str(tmp_path / "garam"), *more])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_the_program_writes_and_says_what_it_did(tmp_path, capsys):
    code, out, _ = run(tmp_path, capsys, listed({}, {"WGS84위도": ""}))
    assert code == 0
    assert "no coordinates" in out
    assert msgspec.json.decode(out.splitlines()[-1]) == {
        "city": "garam",
        "rows": 2,
        "sites": 1,
        "poles": 1,
        "cameras": 2,
        "skipped": {"no_coordinates": 1},
        "texts_redacted": 0,
        "written": True,
    }
    assert len(registry.read(tmp_path / "garam")) == 2


def test_a_dry_run_writes_nothing(tmp_path, capsys):
    code, out, _ = run(tmp_path, capsys, listed({}), "--dry-run")
    assert (code, msgspec.json.decode(out.splitlines()[-1])["written"]) == (0, False)
    assert not (tmp_path / "garam").exists()


def test_an_empty_harvest_does_not_wipe_out_a_registry(tmp_path, capsys):
    run(tmp_path, capsys, listed({}))
    code, _, err = run(tmp_path, capsys, listed({}), "--owner", "나래시")
    assert code == 1
    assert "nothing written" in err
    assert len(registry.read(tmp_path / "garam")) == 2


def test_measured_directions_are_not_overwritten_by_a_list(tmp_path, capsys):
    registry.write(tmp_path / "garam", changed(azimuth_deg=90.0, view_deg=60.0))
    code, _, err = run(tmp_path, capsys, listed({}))
    assert code == 1
    assert "measured direction" in err
    assert len(registry.read(tmp_path / "garam")) == 1
    assert run(tmp_path, capsys, listed({}), "--replace")[0] == 0
    assert len(registry.read(tmp_path / "garam")) == 2


@pytest.mark.parametrize("given_now", [["--city", "../x"], ["--city", ""], ["--city", "g", "--range-m", "0"]])
def test_arguments_that_are_none(given_now, tmp_path, capsys):
    assert program.main(["cameras", str(tmp_path / "f"), *given_now]) == 2
    assert capsys.readouterr().err


def test_a_file_that_cannot_be_used(tmp_path, capsys):
    assert program.main(["cameras", str(tmp_path / "absent"), "--city", "garam", "--dir", str(tmp_path)]) == 1
    assert run(tmp_path, capsys, b"a,b\r\n")[0] == 1
    assert not (tmp_path / "garam").exists()


# --- real lists ----------------------------------------------------------------------------------------------------

DATA = Path(os.environ.get("SAFETYNET_DATA", Path(__file__).parents[3] / "shared" / "data")) / "cctv"


def real(name):
    path = DATA / name
    if not path.exists():
        pytest.skip("the real list is not here")
    return path.read_bytes()


def test_the_real_list_of_daejeon(tmp_path, capsys):
    code, out, _ = run(tmp_path, capsys, real("daejeon_2026_std_cp949.csv"))
    figures = msgspec.json.decode(out.splitlines()[-1])
    assert code == 0
    assert figures["rows"] == 9037
    assert figures["skipped"] == {
        "degrees_minutes_seconds": 65,
        "far_from_owner": 14,
        "outdated": 3733,
        "placeholder": 990,
    }
    assert figures["rows"] == figures["sites"] + sum(figures["skipped"].values())
    city = registry.read(tmp_path / "garam")
    assert len(city) == figures["cameras"] > 7_000
    assert all(36.15 < each.lat < 36.55 and 127.15 < each.lon < 127.65 for each in city)
    assert len(Registry.of(city)) == len(city)


def test_one_district_of_the_real_list():
    got = take_in(real("daejeon_2026_std_cp949.csv"), CITY, owner="유성구청")
    assert (got.sites, got.skipped[Skip.OTHER_OWNER]) == (579, 9037 - 580)


@pytest.mark.parametrize(
    "name", ["daejeon_2026_std_cp949.csv", "gangnam_2019_std_cp949.csv", "seoul_ansimi_gangnam_cp949.csv"]
)
def test_no_internal_address_of_a_real_list_is_in_any_output(name, tmp_path, capsys):
    raw = real(name)
    leaks = set(re.findall(r"\d{1,3}(?:\.\d{1,3}){3}", raw.decode("cp949")))
    assert (len(leaks) > 5_000) == name.startswith("seoul")
    code, out, err = run(tmp_path, capsys, raw)
    assert code == 0
    shown = out + err + "".join(path.read_text() for path in (tmp_path / "garam").iterdir())
    assert not [leak for leak in leaks if leak in shown]
    assert not re.search(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])", shown)
