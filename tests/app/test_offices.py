"""`safetynet import areas|offices|codes` and `safetynet where`, as an administrator meets them."""

import json
import os
from pathlib import Path

import pytest
from pyproj import Transformer

from safetynet.app import intake
from safetynet.app import offices as program
from safetynet.core.messages import Role
from safetynet.edge import config
from safetynet.edge.config import Centre, Peer


def feature(code, name, west, east, south=36.30, north=36.34, epsg=4326):
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    change = Transformer.from_crs(4326, epsg, always_xy=True).transform
    return {
        "type": "Feature",
        "properties": {"adm_cd2": code, "adm_nm": name},
        "geometry": {"type": "Polygon", "coordinates": [[list(change(*corner)) for corner in ring]]},
    }


def made_map(path, epsg=4326):
    villages = [
        feature("3014053500", "대전광역시 중구 별빛동", 127.40, 127.41, epsg=epsg),
        feature("3014054500", "대전광역시 중구 솔잎동", 127.41, 127.42, epsg=epsg),
        feature("3011053000", "대전광역시 동구 다른동", 127.42, 127.44, epsg=epsg),
        feature("3017053000", "대전광역시 서구 먼동", 127.36, 127.38, epsg=epsg),
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": villages}), encoding="utf-8")
    return path


OFFICES = """id,kind,name,serves,centre
hub,hub,대전 광역센터,대전광역시,
garam,centre,중구 센터,대전광역시 중구,garam
narae,centre,동구 센터,30110,narae
jungbu,police,중부경찰서,30140,
dongbu,police,동부경찰서,30110,
"""


def run(capsys, *given, main=intake.main):
    code = main([str(each) for each in given])
    out, err = capsys.readouterr()
    return code, json.loads(out.splitlines()[-1]) if code == 0 else {}, err


@pytest.fixture
def folder(tmp_path):
    peers = tuple(
        Peer(id=each, name=each, role=Role.CITY, host="127.0.0.1", link_port=1, area=((36.0, 127.0),) * 3)
        for each in ("garam", "narae", "other")
    )
    centre = Centre(id="control", name="c", role=Role.CONTROL, host="127.0.0.1", link_port=1, peers=peers)
    config.write(tmp_path / "control", centre)
    return tmp_path / "control"


def test_areas_and_offices_make_a_table_outlines_and_answers(tmp_path, folder, capsys):
    code, said, _ = run(capsys, "areas", made_map(tmp_path / "map.geojson"), "--dir", folder)
    assert (code, said["areas"], said["known_by"], said["written"]) == (0, 4, "plain_degrees", True)
    (tmp_path / "offices.csv").write_text(OFFICES, encoding="utf-8")
    code, said, _ = run(capsys, "offices", tmp_path / "offices.csv", "--dir", folder)
    assert code == 0
    assert said["kinds"]["police"] == {"offices": 2, "unserved": 1, "claimed_twice": 0}
    assert said["outlines"] == {"garam": 1.0, "narae": 1.0}
    garam, narae, other = config.read(folder).peers
    assert {round(lon, 6) for _, lon in garam.area} == {127.40, 127.41, 127.42}
    assert {round(lon, 6) for _, lon in narae.area} == {127.42, 127.44}
    assert other.area == ((36.0, 127.0),) * 3  # who has no office here keeps what was written by hand
    code, said, _ = run(capsys, 36.32, 127.405, "--dir", folder, main=program.where_main)
    assert said["centre"] == {"finding": "competent", "office": "garam", "by": "administrative:30140"}
    assert said["hub"]["office"] == "hub"
    assert said["police"] == {"finding": "competent", "office": "jungbu", "by": "legal:30140"}
    assert said["probation"] == {"finding": "not_configured"}
    assert said["areas"][0]["codes"]["legal"] == ["30140"]
    _, said, _ = run(capsys, 36.32, 127.42, "--dir", folder, main=program.where_main)
    assert said["police"] == {"finding": "border", "candidates": ["dongbu", "jungbu"]}
    _, said, _ = run(capsys, 34.0, 130.0, "--dir", folder, main=program.where_main)
    assert said["police"] == {"finding": "no_area"}


def test_a_second_map_in_bessel_under_another_name_is_refused(tmp_path, folder, capsys):
    run(capsys, "areas", made_map(tmp_path / "map.geojson"), "--dir", folder)
    before = (folder / "areas" / "areas.geojson").read_bytes()
    bessel = made_map(tmp_path / "bessel.geojson", epsg=5174)
    code, _, err = run(capsys, "areas", bessel, "--dir", folder, "--epsg", 5181)
    assert code == 1
    assert "Bessel" in err
    assert (folder / "areas" / "areas.geojson").read_bytes() == before
    code, said, _ = run(capsys, "areas", bessel, "--dir", folder, "--epsg", 5174)
    assert (code, said["compared"]) == (0, 4)
    assert said["shift_m"] < 1.0
    code, said, _ = run(capsys, "areas", bessel, "--dir", folder, "--epsg", 5181, "--shifted")
    assert said["shift_m"] == pytest.approx(313.0, abs=3.0)


def test_districts_out_of_villages(tmp_path, folder, capsys):
    code, said, _ = run(
        capsys, "areas", made_map(tmp_path / "map.geojson"), "--dir", folder, "--districts", "--dry-run"
    )
    assert (code, said["areas"], said["written"]) == (0, 3, False)
    assert not (folder / "areas").exists()


def test_a_list_of_offices_with_a_wrong_row_writes_nothing_unless_told(tmp_path, folder, capsys):
    run(capsys, "areas", made_map(tmp_path / "map.geojson"), "--dir", folder)
    path = tmp_path / "offices.csv"
    path.write_text(OFFICES + "x,police,먼경찰서,없는구,nobody\ny,police,먼경찰서,30170,nobody\n", encoding="utf-8")
    code, _, err = run(capsys, "offices", path, "--dir", folder)
    assert code == 1
    assert "line 7: unknown_area: 없는구" in err
    assert not (folder / "areas" / "offices.json").exists()
    code, said, err = run(capsys, "offices", path, "--dir", folder, "--partly")
    assert (code, said["offices"], said["refused"], said["no_such_partner"]) == (0, 6, 1, ["nobody"])
    assert "no such partner" in err


def test_codes_are_added_to_those_known(tmp_path, folder, capsys):
    run(capsys, "areas", made_map(tmp_path / "map.geojson"), "--dir", folder)
    path = tmp_path / "codes.csv"
    path.write_text("개방자치단체코드,관리기관명\n3640000,대전광역시 중구청\n", encoding="cp949")
    code, said, _ = run(capsys, "codes", path, "--dir", folder)
    assert (code, said["links"], said["known"]) == (0, 1, 1)
    _, said, _ = run(capsys, 36.32, 127.405, "--dir", folder, main=program.where_main)
    assert said["areas"][0]["codes"]["local_government"] == ["3640000"]
    path.write_text("개방자치단체코드,관리기관명\n3640000,모르는 곳\n", encoding="utf-8")
    code, _, err = run(capsys, "codes", path, "--dir", folder)
    assert (code, "no link in 1 rows" in err) == (1, True)


def test_a_broken_table_is_an_error_not_an_empty_answer(tmp_path, folder, capsys):
    (folder / "areas").mkdir()
    (folder / "areas" / "offices.json").write_bytes(b"[1]")
    code, _, err = run(capsys, 36.32, 127.405, "--dir", folder, main=program.where_main)
    assert code == 1
    assert "offices.json" in err


DATA = Path(os.environ.get("SAFETYNET_DATA", Path(__file__).parents[3] / "shared" / "data"))


@pytest.mark.skipif(not (DATA / "boundaries").is_dir(), reason="needs the recorded data (SAFETYNET_DATA)")
def test_daejeon_as_it_is(tmp_path, folder, capsys):
    maps = DATA / "boundaries"
    country = maps / "skorea-municipalities-2018-topo-simple.json"
    code, said, _ = run(capsys, "areas", maps / "hangjeongdong_daejeon.geojson", "--dir", folder, "--compare", country)
    assert (code, said["areas"], said["compared"]) == (0, 79, 5)
    assert said["shift_m"] < 20.0
    code, said, _ = run(capsys, "codes", DATA / "cctv" / "daejeon_2026_std_cp949.csv", "--dir", folder)
    assert (code, said["links"]) == (0, 5)  # each district's 개방자치단체코드, out of its own camera list
    (tmp_path / "offices.csv").write_text(OFFICES, encoding="utf-8")
    run(capsys, "offices", tmp_path / "offices.csv", "--dir", folder)
    _, said, _ = run(capsys, 36.3257, 127.4210, "--dir", folder, main=program.where_main)
    assert said["police"]["office"] == "jungbu"
    assert said["areas"][0]["codes"]["statistics"] == ["2502055"]
    assert len(said["areas"][0]["codes"]["local_government"]) == 1
    assert 100 < len(config.read(folder).peers[0].area) <= 2_000
