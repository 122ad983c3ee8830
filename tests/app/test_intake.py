"""`safetynet import cameras` as an administrator uses it: first list, next list, quarantine, repairs, refusals."""

import csv
import io
import json
import os
import re
import stat
import sys
from pathlib import Path

import msgspec
import pytest

from safetynet.app import intake as program
from safetynet.core.cameras import Registry
from safetynet.core.terms import CameraId
from safetynet.edge import registry

sys.path.insert(0, str(Path(__file__).parents[1] / "edge"))
from test_lists import HEADER, listed


def run(tmp_path, capsys, raw, *more, name="list.csv"):
    file = tmp_path / name
    file.write_bytes(raw)
    code = program.main(["cameras", str(file), "--city", "garam", "--dir", str(tmp_path / "garam"), *more])
    said = capsys.readouterr()
    return code, said.out, said.err


def figures(out):
    return msgspec.json.decode(out.splitlines()[-1])


def table(path):
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"), newline="")))


def town(*rows):
    """Twenty-five good sites of one owner, and these."""
    good = [
        {"WGS84위도": f"36.31{n:02d}", "WGS84경도": f"127.41{n:02d}", "소재지도로명주소": f"은하로 {n}"}
        for n in range(25)
    ]
    return listed(*good, *rows)


DMS = {"WGS84위도": "36.184018", "WGS84경도": "127.232649"}
SWAPPED = {"WGS84위도": "127.4541", "WGS84경도": "36.3283"}


def test_the_program_writes_and_says_what_it_did(tmp_path, capsys):
    code, out, _ = run(tmp_path, capsys, listed({}, {"WGS84위도": ""}))
    assert code == 0
    assert "no coordinates" in out
    assert figures(out) == {
        "city": "garam",
        "form": "csv",
        "encoding": "cp949",
        "rows": 2,
        "sites": 1,
        "poles": 1,
        "cameras": 2,
        "skipped": {"no_coordinates": 1},
        "quarantined": 1,
        "proposals": {"no_coordinates": 1},
        "repaired": 0,
        "directions": 0,
        "texts_redacted": 0,
        "diff": {"added": 2, "changed": 0, "gone": 0, "same": 0},
        "written": True,
    }
    assert len(registry.read(tmp_path / "garam")) == 2


def test_what_waits_in_quarantine_is_a_table(tmp_path, capsys):
    run(tmp_path, capsys, town(SWAPPED, DMS, {"소재지도로명주소": "=HYPERLINK(1) 172.31.1.2", "WGS84위도": "-1"}))
    swapped, dms, formula = table(tmp_path / "garam" / "import" / "quarantine.csv")
    assert swapped == {
        "row": "27",
        "problem": "swapped",
        "number": "2026-25",
        "owner": "가람시 동구청",
        "address": "가람시 동구 별빛로 1(별빛동, 은하수)",
        "lat": "127.4541",
        "lon": "36.3283",
        "repair": "swap",
        "repaired_lat": "36.3283000",
        "repaired_lon": "127.4541000",
    }
    assert (dms["problem"], dms["repaired_lat"]) == ("degrees_minutes_seconds", "36.3111611")
    assert (formula["address"], formula["lat"]) == ("'=HYPERLINK(1)", "-1")


def test_a_repair_is_done_when_it_is_accepted(tmp_path, capsys):
    raw = town(SWAPPED, DMS)
    first = figures(run(tmp_path, capsys, raw)[1])
    assert (first["sites"], first["proposals"]) == (25, {"swapped": 1, "degrees_minutes_seconds": 1})
    second = figures(run(tmp_path, capsys, raw, "--accept", "swapped,degrees_minutes_seconds")[1])
    assert (second["sites"], second["repaired"], second["skipped"]) == (27, 2, {})
    assert second["diff"] == {"added": 4, "changed": 0, "gone": 0, "same": 50}


def test_the_next_list_is_told_as_a_difference(tmp_path, capsys):
    run(tmp_path, capsys, town())
    before = {each.id: each for each in registry.read(tmp_path / "garam")}
    lines = town({"WGS84위도": "36.3200"}).decode("cp949").splitlines()
    del lines[3]
    lines[5] = lines[5].replace("생활방범", "교통단속")
    _, out, _ = run(tmp_path, capsys, "\r\n".join(lines).encode("cp949"))
    assert figures(out)["diff"] == {"added": 2, "changed": 2, "gone": 2, "same": 46}
    changes = table(tmp_path / "garam" / "import" / "changes.csv")
    assert [(each["change"], each["what"]) for each in changes] == [
        *[("changed", "purpose")] * 2,
        *[("added", "")] * 2,
        *[("gone", "")] * 2,
    ]
    now = {each.id: each for each in registry.read(tmp_path / "garam")}
    assert {each["camera"] for each in changes if each["change"] == "gone"} == set(before) - set(now)
    assert sum(now.get(id) == each for id, each in before.items()) == 46


def test_a_dry_run_writes_nothing_but_the_report_that_was_asked_for(tmp_path, capsys):
    code, out, _ = run(tmp_path, capsys, listed({}, SWAPPED), "--dry-run")
    assert (code, figures(out)["written"]) == (0, False)
    assert not (tmp_path / "garam").exists()
    run(tmp_path, capsys, listed({}, SWAPPED), "--dry-run", "--report", str(tmp_path / "told"))
    assert not (tmp_path / "garam").exists()
    assert [each["problem"] for each in table(tmp_path / "told" / "quarantine.csv")] == ["swapped"]


def test_an_empty_harvest_does_not_wipe_out_a_registry(tmp_path, capsys):
    run(tmp_path, capsys, listed({}))
    code, _, err = run(tmp_path, capsys, listed({}), "--owner", "나래시")
    assert code == 1
    assert "nothing written" in err
    assert len(registry.read(tmp_path / "garam")) == 2


def test_the_wrong_list_does_not_take_a_citys_cameras_away(tmp_path, capsys):
    run(tmp_path, capsys, town())
    wrong = listed({"관리번호": "x", "WGS84위도": "36.4", "WGS84경도": "127.44", "소재지도로명주소": "먼 길"})
    code, _, err = run(tmp_path, capsys, wrong)
    assert (code, "50 cameras would go" in err) == (1, True)
    assert len(registry.read(tmp_path / "garam")) == 50
    assert figures(run(tmp_path, capsys, wrong, "--dry-run")[1])["diff"]["gone"] == 50
    assert run(tmp_path, capsys, wrong, "--replace")[0] == 0
    assert len(registry.read(tmp_path / "garam")) == 2


def test_measured_directions_survive_the_next_list(tmp_path, capsys):
    run(tmp_path, capsys, town())
    city = registry.read_city(tmp_path / "garam")
    one = msgspec.structs.replace(city.cameras[7], azimuth_deg=90.0, view_deg=60.0)
    registry.write(
        tmp_path / "garam", msgspec.structs.replace(city, cameras=(*city.cameras[:7], one, *city.cameras[8:]))
    )
    run(tmp_path, capsys, town({"WGS84위도": "36.3200"}))
    assert one in registry.read(tmp_path / "garam")


def test_a_list_over_cameras_that_came_from_none(tmp_path, capsys):
    run(tmp_path, capsys, town())
    (tmp_path / "garam" / registry.EDITION_FILE).unlink()
    assert figures(run(tmp_path, capsys, town())[1])["diff"] == {"added": 0, "changed": 0, "gone": 0, "same": 50}


BOUNDARY = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"sig_cd": code, "sig_kor_nm": name},
            "geometry": {
                "type": "Polygon",
                "coordinates": [
                    [[west, 36.28], [west + 0.12, 36.28], [west + 0.12, 36.36], [west, 36.36], [west, 36.28]]
                ],
            },
        }
        for code, name, west in (("30110", "동구", 127.38), ("30170", "서구", 127.26))
    ],
}


def test_a_boundary(tmp_path, capsys):
    path = tmp_path / "areas.geojson"
    path.write_text(json.dumps(BOUNDARY))
    outside = {"WGS84위도": "36.3103", "WGS84경도": "127.3003"}
    raw = town(outside, {"관리기관명": "한국도로공사", **outside})
    _, out, err = run(tmp_path, capsys, raw, "--boundary", str(path))
    assert figures(out)["skipped"] == {"outside_boundary": 1}
    assert "한국도로공사" in err
    _, out, _ = run(tmp_path, capsys, raw, "--boundary", str(path), "--area", "서구", "--dry-run")
    assert figures(out)["skipped"] == {"outside_boundary": 25}
    code, _, err = run(tmp_path, capsys, raw, "--boundary", str(path), "--area", "남구")
    assert (code, "'남구'" in err) == (1, True)


VMS = """
ptz = ["Y"]
[columns]
number = "ch"
name = "name"
lat = "lat"
lon = "lon"
azimuth = "dir"
ptz = "turns"
stream = "url"
"""


def test_a_vms_with_its_streams(tmp_path, capsys):
    (tmp_path / "vms.toml").write_text(VMS)
    more = ("--mapping", str(tmp_path / "vms.toml"))
    head = "ch,name,lat,lon,dir,turns,url\r\n"
    rows = "1,문 10.1.2.3,36.3283,127.4541,90,Y,rtsp://u:p@10.1.2.3/1\r\n2,문,36.3283,127.4541,,N,\r\n"
    code, out, _ = run(tmp_path, capsys, (head + rows).encode(), *more)
    assert (code, figures(out)["texts_redacted"]) == (0, 1)
    one, other = registry.read(tmp_path / "garam")
    assert {(each.azimuth_deg, each.ptz) for each in (one, other)} == {(90.0, True), (None, False)}
    (camera,) = [each for each in (one, other) if each.ptz]
    assert registry.read_sources(tmp_path / "garam") == {camera.id: "rtsp://u:p@10.1.2.3/1"}
    assert stat.S_IMODE((tmp_path / "garam" / "sources.json").stat().st_mode) == 0o600
    shown = out + "".join(
        path.read_text() for path in (tmp_path / "garam").rglob("*.[cj]s*") if "sources" not in path.name
    )
    assert "10.1.2.3" not in shown
    registry.write_sources(tmp_path / "garam", {camera.id: "rtsp://h/old", CameraId("other"): "rtsp://h/2"})
    run(tmp_path, capsys, (head + rows.splitlines()[1] + "\r\n").encode(), *more)
    assert registry.read_sources(tmp_path / "garam") == {CameraId("other"): "rtsp://h/2"}


@pytest.mark.parametrize(
    "given_now",
    [
        ["--city", "../x"],
        ["--city", ""],
        ["--city", "g", "--range-m", "0"],
        ["--city", "g", "--accept", "everything"],
        ["--city", "g", "--area", "동구"],
    ],
)
def test_arguments_that_are_none(given_now, tmp_path, capsys):
    assert program.main(["cameras", str(tmp_path / "f"), *given_now]) == 2
    assert capsys.readouterr().err


def test_a_file_that_cannot_be_used(tmp_path, capsys):
    assert program.main(["cameras", str(tmp_path / "absent"), "--city", "garam", "--dir", str(tmp_path)]) == 1
    assert run(tmp_path, capsys, b"a,b\r\n")[0] == 1
    assert run(tmp_path, capsys, listed({}), "--mapping", str(tmp_path / "absent"))[0] == 1
    assert run(tmp_path, capsys, listed({}), "--boundary", str(tmp_path / "list.csv"))[0] == 1
    assert not (tmp_path / "garam").exists()


def test_every_text_field_is_cleaned(tmp_path, capsys):
    row = {name: "가람 172.31.192.134" for name in HEADER if name not in {"카메라대수", "WGS84위도", "WGS84경도"}}
    _, out, err = run(
        tmp_path, capsys, listed(row, {**row, "관리번호": "2 172.31.192.134", "WGS84위도": "0"}, {**row, **SWAPPED})
    )
    written = "".join(path.read_text("utf-8", "ignore") for path in (tmp_path / "garam").rglob("*") if path.is_file())
    assert "172" not in written + out + err


# --- real lists ----------------------------------------------------------------------------------------------------

DATA = Path(os.environ.get("SAFETYNET_DATA", Path(__file__).parents[3] / "shared" / "data"))


def real(name):
    path = DATA / name
    if not path.exists():
        pytest.skip("the real list is not here")
    return path.read_bytes()


def test_the_real_list_of_daejeon(tmp_path, capsys):
    code, out, _ = run(tmp_path, capsys, real("cctv/daejeon_2026_std_cp949.csv"))
    found = figures(out)
    assert code == 0
    assert found["rows"] == 9037
    assert found["skipped"] == {
        "degrees_minutes_seconds": 233,
        "far_from_owner": 19,
        "outdated": 3560,
        "placeholder": 990,
    }
    assert found["proposals"]["degrees_minutes_seconds"] == 233
    assert found["rows"] == found["sites"] + sum(found["skipped"].values())
    city = registry.read(tmp_path / "garam")
    assert len(city) == found["cameras"] > 7_000
    assert all(36.15 < each.lat < 36.55 and 127.15 < each.lon < 127.65 for each in city)
    assert len(Registry.of(city)) == len(city)
    again = figures(run(tmp_path, capsys, real("cctv/daejeon_2026_std_cp949.csv"))[1])
    assert again["diff"] == {"added": 0, "changed": 0, "gone": 0, "same": len(city)}


def test_the_real_list_within_the_boundary_of_each_district(tmp_path, capsys):
    real("boundaries/hangjeongdong_daejeon.geojson")
    boundary = str(DATA / "boundaries" / "hangjeongdong_daejeon.geojson")
    _, out, err = run(
        tmp_path,
        capsys,
        real("cctv/daejeon_2026_std_cp949.csv"),
        "--boundary",
        boundary,
        "--accept",
        "degrees_minutes_seconds",
    )
    found = figures(out)
    assert "no boundary" not in err
    assert found["skipped"]["placeholder"] >= 990
    assert found["repaired"] >= 218
    assert found["skipped"]["outside_boundary"] == 70


def test_one_district_of_the_real_list(tmp_path, capsys):
    found = figures(run(tmp_path, capsys, real("cctv/daejeon_2026_std_cp949.csv"), "--owner", "유성구청")[1])
    assert (found["sites"], found["skipped"]["other_owner"]) == (579, 9037 - 580)


@pytest.mark.parametrize(
    "name", ["daejeon_2026_std_cp949.csv", "gangnam_2019_std_cp949.csv", "seoul_ansimi_gangnam_cp949.csv"]
)
def test_no_internal_address_of_a_real_list_is_in_any_output(name, tmp_path, capsys):
    raw = real(f"cctv/{name}")
    leaks = set(re.findall(r"\d{1,3}(?:\.\d{1,3}){3}", raw.decode("cp949")))
    assert (len(leaks) > 5_000) == name.startswith("seoul")
    code, out, err = run(tmp_path, capsys, raw)
    assert code == 0
    written = (path.read_text("utf-8", "ignore") for path in (tmp_path / "garam").rglob("*") if path.is_file())
    shown = out + err + "".join(written)
    assert not [leak for leak in leaks if leak in shown]
    assert not re.search(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])", shown)


def test_a_list_of_bells_is_no_list_of_cameras(tmp_path, capsys):
    code, _, err = run(tmp_path, capsys, real("cctv/daejeon_2026_safety_bells_cp949.csv"))
    assert (code, "카메라대수" in err) == (1, True)
