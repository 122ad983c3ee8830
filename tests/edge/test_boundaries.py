"""Reading boundaries of others: small made files of every kind and with every trap, and the real ones when they are here."""

import json
import os
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import shapefile
from pyproj import CRS, Transformer

from safetynet.core import areas, geo
from safetynet.core.areas import Code, System
from safetynet.edge import boundaries
from safetynet.edge.boundaries import Columns, Known, Skip, UnreadableError, read

SOUTH, WEST, NORTH, EAST = 36.30, 127.40, 36.34, 127.44
"""Within the province of code 30."""


def square(south=SOUTH, west=WEST, north=NORTH, east=EAST):
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def feature(ring, code="3014053500", name="가람시 달구 별빛동", **more):
    return {
        "type": "Feature",
        "properties": {"adm_cd2": code, "adm_nm": name, **more},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }


LEFT = feature(square(east=127.42), "3014053500", "가람시 달구 별빛동", adm_cd="2502053")
RIGHT = feature(square(west=127.42), "3014054500", "가람시 달구 솔잎동", adm_cd="2502054")


def geojson(folder, *features, **more):
    path = folder / "made.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": list(features), **more}), encoding="utf-8")
    return path


def moved(epsg, ring):
    change = Transformer.from_crs(4326, epsg, always_xy=True).transform
    return [list(change(*corner)) for corner in ring]


def crs(name):
    return {"type": "name", "properties": {"name": name}}


def shp(
    folder, features, *, prj=None, encoding="cp949", cpg=None, fields=(("EMD_CD", "C", 10), ("EMD_KOR_NM", "C", 60))
):
    path = folder / "made.shp"
    with shapefile.Writer(str(path), encoding=encoding) as out:
        for field in fields:
            out.field(*field)
        for code, name, ring in features:
            out.poly([ring[::-1]])  # a shapefile's outlines turn clockwise
            out.record(code, name)
    path.with_suffix(".cpg").unlink(missing_ok=True)
    if cpg is not None:
        path.with_suffix(".cpg").write_text(cpg)
    if prj is not None:
        path.with_suffix(".prj").write_text(prj if isinstance(prj, str) else CRS.from_epsg(prj).to_wkt("WKT1_ESRI"))
    return path


# --- what comes out ------------------------------------------------------------------------------------------------


def test_areas_have_codes_names_and_say_what_they_hold(tmp_path):
    taken = read(geojson(tmp_path, LEFT, RIGHT))
    left, right = taken.areas.all
    assert left.code == Code(System.ADMINISTRATIVE, "3014053500")
    assert left.name == "가람시 달구 별빛동"
    assert left.aliases == (Code(System.STATISTICS, "2502053"),)
    lats, lons = np.array([36.32, 36.32, 36.29, np.nan]), np.array([127.41, 127.43, 127.41, 127.41])
    assert left.contains(lats, lons).tolist() == [True, False, False, False]
    assert taken.areas.locate(lats, lons).tolist() == [0, 1, -1, -1]
    assert taken.areas.at(36.32, 127.41) == (left,)
    assert taken.areas.at(36.32, 127.42) == (left, right)  # a border belongs to both
    assert taken.areas.at(35.0, 129.9) == ()
    assert taken.areas.by_code(Code(System.STATISTICS, "2502054")) == right


def test_near_says_in_metres_who_is_beyond_the_border(tmp_path):
    taken = read(geojson(tmp_path, LEFT, RIGHT))
    away = geo.distance_m(36.32, 127.415, 36.32, 127.42)
    found = taken.areas.near(36.32, 127.415, 1_000.0)
    assert [each.area.name[-3:] for each in found] == ["별빛동", "솔잎동"]
    assert found[0].distance_m == 0.0
    assert found[1].distance_m == pytest.approx(away, abs=1.0)
    assert len(taken.areas.near(36.32, 127.415, away - 5.0)) == 1


def test_districts_are_made_of_villages(tmp_path):
    district = read(geojson(tmp_path, LEFT, RIGHT)).areas.dissolved(5)
    (only,) = district.all
    assert only.code == Code(System.ADMINISTRATIVE, "30140")
    assert only.name == "가람시 달구"
    assert only.aliases == (Code(System.STATISTICS, "25020"),)
    assert only.covers(36.32, 127.41)
    assert only.covers(36.32, 127.43)
    assert len(only.outline()) >= 4
    assert all(SOUTH <= lat <= NORTH and WEST <= lon <= EAST for lat, lon in only.outline())


def test_a_hole_is_not_held(tmp_path):
    ring = feature(square())
    ring["geometry"]["coordinates"].append(square(36.31, 127.41, 36.33, 127.43))
    (only,) = read(geojson(tmp_path, ring)).areas.all
    assert not only.covers(36.32, 127.42)
    assert only.covers(36.305, 127.405)


def test_parts_of_one_code_are_joined_and_two_names_are_refused(tmp_path):
    part = feature(square(west=127.42), LEFT["properties"]["adm_cd2"])
    taken = read(geojson(tmp_path, LEFT, part))
    assert (len(taken.areas), taken.joined) == (1, 1)
    assert taken.areas.all[0].covers(36.32, 127.43)
    with pytest.raises(UnreadableError, match="stands in it for"):
        read(geojson(tmp_path, LEFT, feature(square(west=127.42), LEFT["properties"]["adm_cd2"], "가람시 달구 다른동")))


def test_what_is_no_area_is_left_out_and_counted(tmp_path):
    point = {"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": [127.4, 36.3]}}
    torn = feature([[127.40, 36.30], [127.41, "x"]])
    bow = feature([[127.40, 36.30], [127.44, 36.34], [127.44, 36.30], [127.40, 36.34], [127.40, 36.30]])
    nameless = feature(square(), code="별빛")
    taken = read(geojson(tmp_path, LEFT, point, torn, bow, nameless))
    assert len(taken.areas) == 1
    assert taken.features == 5
    assert taken.skipped == {Skip.NO_AREA: 1, Skip.TORN: 1, Skip.TANGLED: 1, Skip.NO_CODE: 1}


def test_a_bow_tie_of_a_metre_is_untangled_and_said(tmp_path):
    ring = square()
    ring[2:2] = [[127.44, 36.32], [127.440005, 36.320005], [127.440005, 36.32], [127.44, 36.320005]]
    taken = read(geojson(tmp_path, feature(ring)))
    assert (len(taken.areas), taken.mended) == (1, 1)


# --- the reference system ------------------------------------------------------------------------------------------


def test_without_a_word_degrees_in_korea_are_taken_and_it_is_said(tmp_path):
    assert read(geojson(tmp_path, LEFT)).known is Known.PLAIN_DEGREES
    said = read(geojson(tmp_path, LEFT, crs=crs("urn:ogc:def:crs:OGC:1.3:CRS84")))
    assert (said.known, said.epsg) == (Known.CRS_MEMBER, 4326)


def test_without_a_word_metres_are_refused(tmp_path):
    path = geojson(tmp_path, feature(moved(5186, square())))
    with pytest.raises(UnreadableError, match="nothing says its reference system"):
        read(path)
    assert read(path, epsg=5186).known is Known.TOLD


def test_latitude_before_longitude_is_refused_by_its_name(tmp_path):
    with pytest.raises(UnreadableError, match="latitude stands before longitude"):
        read(geojson(tmp_path, feature([corner[::-1] for corner in square()])))


@pytest.mark.parametrize("epsg", sorted(boundaries.EPSG_READ))
def test_each_system_comes_back_to_the_same_place(tmp_path, epsg):
    ring = moved(epsg, square())
    taken = read(geojson(tmp_path, feature(ring), crs=crs(f"urn:ogc:def:crs:EPSG::{epsg}")))
    south, west = (min(each) for each in zip(*taken.areas.all[0].outline(), strict=True))
    assert (taken.epsg, taken.known) == (epsg, Known.CRS_MEMBER)
    assert geo.distance_m(south, west, SOUTH, WEST) < 0.05


def test_a_file_that_says_another_system_than_was_told_is_refused(tmp_path):
    path = geojson(tmp_path, feature(moved(5179, square())), crs=crs("EPSG:5179"))
    with pytest.raises(UnreadableError, match="one of them is wrong"):
        read(path, epsg=5174)
    with pytest.raises(UnreadableError, match="names 'EPSG:32652'"):
        read(geojson(tmp_path, LEFT, crs=crs("EPSG:32652")))
    with pytest.raises(UnreadableError, match="not read here"):
        read(path, epsg=32652)


def test_5186_read_as_5181_lies_100_km_off_and_is_refused(tmp_path):
    path = geojson(tmp_path, feature(moved(5186, square())))
    with pytest.raises(UnreadableError, match="100 km apart"):
        read(path, epsg=5181)


def test_bessel_read_as_5181_passes_alone_and_a_second_map_shows_it(tmp_path):
    truth = read(geojson(tmp_path, LEFT, RIGHT)).areas
    bessel = [feature(moved(5174, each["geometry"]["coordinates"][0]), code=each["properties"]["adm_cd2"], name=each["properties"]["adm_nm"]) for each in (LEFT, RIGHT)]  # fmt: skip
    path = geojson(tmp_path, *bessel)
    east, north, compared = areas.shift_m(read(path, epsg=5181).areas, truth)
    assert compared == 2
    assert np.hypot(east, north) == pytest.approx(313.0, abs=3.0)
    right = areas.shift_m(read(path, epsg=5174).areas, truth)
    assert np.hypot(right[0], right[1]) < 0.1


@pytest.mark.parametrize("epsg", [5174, 5179, 5181, 5186])
def test_a_prj_is_read_by_its_figures(tmp_path, epsg):
    wkt = CRS.from_epsg(epsg).to_wkt("WKT1_ESRI").replace('PROJCS["', 'PROJCS["PCS_of_an_agency_')
    taken = read(shp(tmp_path, [("30140535", "별빛동", moved(epsg, square()))], prj=wkt))
    south, west = (min(each) for each in zip(*taken.areas.all[0].outline(), strict=True))
    assert (taken.epsg, taken.known) == (epsg, Known.PRJ)
    assert geo.distance_m(south, west, SOUTH, WEST) < 0.05


def test_a_prj_that_is_none_of_the_known_is_refused_with_its_figures(tmp_path):
    uncorrected = CRS.from_epsg(5174).to_wkt("WKT1_ESRI").replace("127.002890277778", "127.0")
    row = [("30140535", "별빛동", moved(5174, square()))]
    with pytest.raises(UnreadableError, match=r"longitude=127\.0"):
        read(shp(tmp_path, row, prj=uncorrected))
    with pytest.raises(UnreadableError, match="Bessel"):
        read(shp(tmp_path, [("30140535", "별빛동", square())], prj=4162))
    with pytest.raises(UnreadableError, match="cannot be read"):
        read(shp(tmp_path, row, prj="no projection"))
    with pytest.raises(UnreadableError, match="nothing says"):
        path = shp(tmp_path, row)
        path.with_suffix(".prj").unlink()
        read(path)


# --- shapefiles ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("encoding", "cpg"), [("cp949", None), ("utf-8", None), ("cp949", "949"), ("utf-8", "UTF-8")])
def test_texts_of_a_shapefile_in_either_encoding(tmp_path, encoding, cpg):
    path = shp(tmp_path, [("30140535", "별빛동", square())], prj=4326, encoding=encoding, cpg=cpg)
    (only,) = read(path).areas.all
    assert (only.code, only.name) == (Code(System.LEGAL, "30140535"), "별빛동")


def test_a_zip_of_a_shapefile(tmp_path, monkeypatch):
    path = shp(tmp_path, [("30140535", "별빛동", moved(5186, square()))], prj=5186)
    packed = tmp_path / "made.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as out:
        for each in (".shp", ".dbf", ".prj", ".shx"):
            out.write(path.with_suffix(each), f"folder/made{each}")
    assert read(packed).epsg == 5186
    monkeypatch.setattr(boundaries, "FILE_BYTES_MAX", 200)
    with pytest.raises(UnreadableError, match="unpacks to more"):
        read(packed)
    packed.write_bytes(b"PK no zip")
    with pytest.raises(UnreadableError):
        read(packed)


def test_a_shapefile_cut_or_lying_at_any_place_is_refused_or_read(tmp_path):
    path = shp(tmp_path, [("30140535", "별빛동", square()), ("30140545", "솔잎동", square())], prj=4326)
    whole = {each: path.with_suffix(each).read_bytes() for each in (".shp", ".dbf")}
    refused = 0
    for suffix, raw in whole.items():
        for at in range(0, len(raw), 17):
            for broken in (raw[:at], raw[:at] + struct.pack(">i", 0x7FFF_FFFF) + raw[at + 4 :]):
                path.with_suffix(suffix).write_bytes(broken)
                try:
                    assert len(read(path).areas) <= 2
                except UnreadableError:
                    refused += 1
        path.with_suffix(suffix).write_bytes(raw)
    assert refused > 20


# --- TopoJSON ------------------------------------------------------------------------------------------------------


def topojson(folder, arcs, objects, transform=None):
    path = folder / "made.json"
    content = {"type": "Topology", "arcs": arcs, "objects": objects}
    path.write_text(json.dumps(content | ({"transform": transform} if transform else {})), encoding="utf-8")
    return path


def two_districts():
    """Two squares that share the arc between them, in steps of a hundredth of a degree."""
    arcs = [
        [[2, 0], [0, 4]],
        [[2, 4], [-2, 0], [0, -4], [2, 0]],
        [[2, 0], [2, 0], [0, 4], [-2, 0]],
    ]
    made = [
        {"type": "Polygon", "arcs": [[0, 1]], "properties": {"code": "25020", "name": "중구", "base_year": "2018"}},
        {
            "type": "MultiPolygon",
            "arcs": [[[2, -1]]],
            "properties": {"code": "25010", "name": "동구", "base_year": "2018"},
        },
    ]
    return arcs, {"districts": {"type": "GeometryCollection", "geometries": made}}


STEPS = {"scale": [0.01, 0.01], "translate": [127.40, 36.30]}


def test_arcs_are_steps_and_shared_backwards(tmp_path):
    taken = read(topojson(tmp_path, *two_districts(), STEPS))
    east, west = taken.areas.all
    assert [each.code for each in (east, west)] == [Code(System.STATISTICS, c) for c in ("25010", "25020")]
    assert taken.known is Known.PLAIN_DEGREES
    assert west.covers(36.32, 127.41)
    assert east.covers(36.32, 127.43)
    assert not west.covers(36.32, 127.43)
    assert sum(each.shape.area for each in taken.areas.all) == pytest.approx(0.04 * 0.04)


def test_a_topology_that_points_nowhere_is_torn(tmp_path):
    arcs, objects = two_districts()
    objects["districts"]["geometries"][0]["arcs"] = [[0, 7]]
    taken = read(topojson(tmp_path, arcs, objects, STEPS))
    assert (len(taken.areas), taken.skipped) == (1, {Skip.TORN: 1})


def test_an_islet_that_has_collapsed_leaves_its_area(tmp_path):
    arcs, objects = two_districts()
    arcs.append([[3, 3], [0, 0], [0, 0], [0, 0]])
    objects["districts"]["geometries"][1]["arcs"].append([[3]])
    taken = read(topojson(tmp_path, arcs, objects, STEPS))
    assert (len(taken.areas), taken.skipped) == (2, {Skip.SPECK: 1})


def test_of_several_layers_one_is_chosen(tmp_path):
    arcs, objects = two_districts()
    path = topojson(tmp_path, arcs, {**objects, "other": {"type": "GeometryCollection", "geometries": []}}, STEPS)
    with pytest.raises(UnreadableError, match="districts, other"):
        read(path)
    assert len(read(path, layer="districts").areas) == 2


# --- codes and limits ----------------------------------------------------------------------------------------------


def test_a_column_of_codes_that_does_not_say_its_system_must_be_told(tmp_path):
    row = feature(square())
    row["properties"] = {"code": "30140", "name": "달구"}
    path = geojson(tmp_path, row)
    with pytest.raises(UnreadableError, match="name it and its system"):
        read(path)
    with pytest.raises(UnreadableError, match="by which system"):
        read(path, columns=Columns(code="code"))
    (only,) = read(path, columns=Columns(code="code", system=System.LEGAL)).areas.all
    assert only.code == Code(System.LEGAL, "30140")
    with pytest.raises(UnreadableError, match="province"):  # 30 is no province of Statistics Korea
        read(path, columns=Columns(code="code", system=System.STATISTICS))


def test_one_area_in_another_province_is_left_out_and_many_are_refused(tmp_path):
    columns = 25
    width = (EAST - WEST) / columns
    rows = [
        feature(square(west=WEST + n * width, east=WEST + (n + 1) * width), f"30140{53000 + n}", f"별빛{n}동")
        for n in range(columns)
    ]
    stray = feature(square(), "1114053000", "다른시 어느구 먼동")
    taken = read(geojson(tmp_path, *rows, stray))
    assert (len(taken.areas), taken.skipped) == (columns, {Skip.OTHER_PROVINCE: 1})
    with pytest.raises(UnreadableError, match="province"):
        read(geojson(tmp_path, *rows[:10], stray))


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"[]", b'{"type":"Feature"}', b'{"type":"FeatureCollection","features":[]}', b"[" * 100_000,
     b'{"type":"FeatureCollection","features":' + b"[" * 100_000, b"\xff\xfe\x00"],
)  # fmt: skip
def test_nonsense_is_refused_with_a_word(tmp_path, raw):
    path = tmp_path / "made.json"
    path.write_bytes(raw)
    with pytest.raises(UnreadableError):
        read(path)


def test_nested_coordinates_are_torn_not_fatal(tmp_path):
    path = tmp_path / "made.json"
    deep = b"[" * 50_000 + b"]" * 50_000
    geometry = b'{"type":"Feature","properties":{},"geometry":{"type":"Polygon","coordinates":' + deep + b"}}"
    path.write_bytes(b'{"type":"FeatureCollection","features":[' + geometry + b"]}")
    with pytest.raises(UnreadableError):
        read(path)


def test_sizes_are_bounded(tmp_path, monkeypatch):
    path = geojson(tmp_path, LEFT, RIGHT)
    monkeypatch.setattr(boundaries, "VERTICES_MAX", 9)
    with pytest.raises(UnreadableError, match="corners"):
        read(path)
    monkeypatch.setattr(boundaries, "FEATURES_MAX", 1)
    with pytest.raises(UnreadableError, match="more than 1 features"):
        read(path)
    monkeypatch.setattr(boundaries, "FILE_BYTES_MAX", 10)
    with pytest.raises(UnreadableError, match="larger than 10 bytes"):
        read(path)


# --- real files ----------------------------------------------------------------------------------------------------

DATA = Path(os.environ.get("SAFETYNET_DATA", Path(__file__).parents[3] / "shared" / "data")) / "boundaries"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="needs the recorded data (SAFETYNET_DATA)")


@needs_data
def test_the_real_maps_agree_about_daejeon():
    villages = read(DATA / "hangjeongdong_daejeon.geojson")
    country = read(DATA / "skorea-municipalities-2018-topo-simple.json")
    assert (len(villages.areas), len(country.areas)) == (79, 250)
    assert not villages.skipped
    assert set(country.skipped) == {Skip.SPECK}
    districts = villages.areas.dissolved(5)
    assert [each.name for each in districts.all] == [
        f"대전광역시 {gu}" for gu in ("동구", "중구", "서구", "유성구", "대덕구")
    ]
    east, north, compared = areas.shift_m(districts, country.areas)
    assert compared == 5
    assert np.hypot(east, north) < 60.0
    here = np.array([36.3257, 35.1600, 37.5665, 34.0]), np.array([127.4210, 126.8514, 126.9780, 130.5])
    found = [country.areas.all[n].code.digits if n >= 0 else None for n in country.areas.locate(*here)]
    assert found == ["25020", "24020", "11020", None]


@needs_data
def test_real_districts_in_bessel_under_a_wrong_name_are_313_m_off(tmp_path):
    real = json.loads((DATA / "hangjeongdong_daejeon.geojson").read_text(encoding="utf-8"))
    for each in real["features"]:
        parts = each["geometry"]["coordinates"]
        each["geometry"]["coordinates"] = [[moved(5174, ring) for ring in part] for part in parts]
    real["crs"] = crs("EPSG:5181")
    path = tmp_path / "lying.geojson"
    path.write_text(json.dumps(real), encoding="utf-8")
    country = read(DATA / "skorea-municipalities-2018-topo-simple.json").areas
    east, north, compared = areas.shift_m(read(path).areas.dissolved(5), country)
    assert compared == 5
    assert np.hypot(east, north) == pytest.approx(313.0, abs=60.0)


@needs_data
def test_a_country_of_villages_is_read_and_asked_quickly():
    taken = read(DATA / "skorea-submunicipalities-2018-topo-simple.json")
    assert len(taken.areas) == 3504
    lats, lons = (part.ravel() for part in np.meshgrid(np.linspace(34.5, 38.0, 100), np.linspace(126.5, 129.3, 100)))
    found = taken.areas.locate(lats, lons)
    assert 0.5 < float(np.mean(found >= 0)) < 1.0
    for index in (0, 4321, 9999):
        at = taken.areas.at(float(lats[index]), float(lons[index]))
        assert (found[index] >= 0) == bool(at)
        assert not at or taken.areas.all[found[index]] == at[0]
