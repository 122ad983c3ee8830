"""Roads out of the files of others: small made ones of every kind with every fault, and the real ones when they are here."""

import gzip
import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
import shapefile
from pyproj import CRS, Transformer

from safetynet.app.intake import main
from safetynet.core.roads import Rank, Travel, arrival_s, costs_s, pack, reach
from safetynet.core.roads.graph import ARRAYS
from safetynet.edge import roads
from safetynet.edge.roads import UnreadableError

DATA = Path(os.environ.get("SAFETYNET_DATA", Path(__file__).parents[3] / "shared" / "data")) / "roads"
SPOTS = {"1": (36.350, 127.380), "2": (36.350, 127.381), "3": (36.351, 127.381), "4": (36.352, 127.381)}


# --- GraphML -------------------------------------------------------------------------------------------------------

KEYS = {"d2": ("graph", "crs"), "d5": ("node", "x"), "d4": ("node", "y"), "d10": ("edge", "highway"),
        "d13": ("edge", "length"), "d9": ("edge", "oneway"), "d18": ("edge", "name"), "d15": ("edge", "maxspeed"),
        "d14": ("edge", "geometry")}  # fmt: skip


def graphml(folder, *, crs="epsg:4326", keys=KEYS, spots=SPOTS, name="made.graphml"):
    def edge(a, b, length, highway, **more):
        said = {"d10": highway, "d13": str(length), "d9": str(more.pop("oneway", False)), **more}
        return f'<edge source="{a}" target="{b}" id="0">{data(said)}</edge>'

    def data(said):
        return "".join(f'<data key="{key}">{value}</data>' for key, value in said.items())

    text = (
        "<?xml version='1.0' encoding='utf-8'?><graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\">"
        + "".join(f'<key id="{id}" for="{kind}" attr.name="{said}" attr.type="string"/>' for id, (kind, said) in keys.items())
        + f'<graph edgedefault="directed"><data key="d2">{crs}</data>'
        + "".join(f'<node id="{id}">{data({"d4": lat, "d5": lon})}</node>' for id, (lat, lon) in spots.items())
        + edge(1, 2, 90.0, "residential", d18="별빛길", d15="30")
        + edge(2, 1, 90.0, "residential", d18="별빛길", d15="30")
        + edge(2, 3, 111.0, "['primary', 'secondary']", oneway=True, d18="한밭대로",
               d14="LINESTRING (127.381 36.350, 127.3812 36.3505, 127.381 36.351)")
        + edge(3, 4, 111.0, "footway")
        + edge(3, 9, 5.0, "residential")
        + "</graph></graphml>"
    )  # fmt: skip
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


@pytest.mark.parametrize("name", ["made.graphml", "made.graphml.gz"])
def test_graphml_with_both_directions_joined(tmp_path, name):
    heard = []
    drawn = roads.read(graphml(tmp_path, name=name), heard.append)
    assert (drawn.form, drawn.epsg, len(drawn.junctions), drawn.left_out) == ("graphml", 4326, 4, 1)
    local, primary, path = drawn.streets
    assert (local.rank, local.along, local.against, local.name) == (Rank.LOCAL, True, True, "별빛길")
    assert (primary.rank, primary.along, primary.against, len(primary.line)) == (Rank.TRUNK, True, False, 3)
    assert (path.rank, path.along, path.against, path.foot) == (Rank.PATH, False, False, True)
    assert heard == sorted(heard)


def without(name):
    return {id: said for id, said in KEYS.items() if said[1] != name}


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"crs": "epsg:5186"}, "reference system"),
        ({"crs": ""}, "reference system"),
        ({"spots": SPOTS | {"2": (452_310.0, 201_000.0)}}, "no degrees"),
        ({"keys": without("highway")}, "edge.highway"),
        ({"keys": without("x")}, "coordinates"),
    ],
)
def test_graphml_that_cannot_be_stood_behind(tmp_path, how, said):
    with pytest.raises(UnreadableError, match=said):
        roads.read(graphml(tmp_path, **how))


@pytest.mark.parametrize("name", ["made.graphml", "made.graphml.gz"])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_half_a_graphml_is_none(tmp_path, name, share):
    path = graphml(tmp_path, name=name)
    path.write_bytes(path.read_bytes()[: int(len(path.read_bytes()) * share)])
    with pytest.raises(UnreadableError, match="no whole GraphML"):
        roads.read(path)


def test_an_entity_is_no_road(tmp_path):
    path = graphml(tmp_path)
    path.write_text(path.read_text().replace("<graphml", '<!DOCTYPE g [<!ENTITY a "b">]><graphml', 1))
    with pytest.raises(UnreadableError):
        roads.read(path)


# --- OpenStreetMap -------------------------------------------------------------------------------------------------


def osm(folder, name="made.osm"):
    nodes = {
        1: (36.350, 127.380),
        2: (36.350, 127.381),
        3: (36.350, 127.382),
        4: (36.351, 127.381),
        5: (36.349, 127.381),
    }

    def way(id, refs, **tags):
        return (
            f'<way id="{id}" version="1">'
            + "".join(f'<nd ref="{each}"/>' for each in refs)
            + "".join(f'<tag k="{key}" v="{value}"/>' for key, value in tags.items())
            + "</way>"
        )

    text = (
        '<?xml version="1.0" encoding="UTF-8"?><osm version="0.6" generator="made">'
        + "".join(f'<node id="{id}" version="1" lat="{lat}" lon="{lon}"/>' for id, (lat, lon) in nodes.items())
        + way(11, [1, 2, 3], highway="tertiary", name="은하로", maxspeed="20", oneway="-1")
        + way(12, [4, 2, 5], highway="steps")
        + way(13, [4, 99], highway="residential")
        + way(14, [1, 4], building="yes")
        + way(15, [3, 5], highway="service", access="private")
        + "</osm>"
    )
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


@pytest.mark.parametrize("name", ["made.osm", "made.osm.gz"])
def test_ways_are_cut_where_others_touch_them(tmp_path, name):
    drawn = roads.read(osm(tmp_path, name))
    assert (len(drawn.junctions), len(drawn.streets), drawn.left_out) == (5, 5, 1)
    tertiary = [each for each in drawn.streets if each.rank is Rank.COLLECTOR]
    assert [(each.along, each.against, each.name) for each in tertiary] == [(False, True, "은하로")] * 2
    assert [each.usual_mps for each in tertiary] == pytest.approx([20 / 3.6] * 2)
    assert {(each.along, each.foot) for each in drawn.streets if each.rank is Rank.PATH} == {(False, True)}
    (private,) = [each for each in drawn.streets if each.rank is Rank.LOCAL]
    assert (private.along, private.against, private.foot) == (False, False, False)


def test_half_an_osm_file_is_none(tmp_path):
    path = osm(tmp_path)
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(UnreadableError, match="OpenStreetMap"):
        roads.read(path)


def test_an_osm_file_without_roads_is_refused(tmp_path):
    path = tmp_path / "empty.osm"
    path.write_text('<osm version="0.6"><node id="1" version="1" lat="36.3" lon="127.3"/></osm>')
    with pytest.raises(UnreadableError, match="not one road"):
        roads.read(path)


# --- node-link -----------------------------------------------------------------------------------------------------

LINK_FIELDS = [("LINK_ID", "C", 10), ("F_NODE", "C", 10), ("T_NODE", "C", 10), ("LANES", "N", 4), ("ROAD_RANK", "C", 3),
               ("ROAD_TYPE", "C", 3), ("ROAD_NO", "C", 5), ("ROAD_NAME", "C", 30), ("ROAD_USE", "C", 1),
               ("MULTI_LINK", "C", 1), ("CONNECT", "C", 3), ("MAX_SPD", "N", 4), ("REST_VEH", "C", 3),
               ("REST_W", "N", 6), ("REST_H", "N", 6), ("LENGTH", "F", 18), ("REMARK", "C", 30)]  # fmt: skip
NODE_FIELDS = [("NODE_ID", "C", 10), ("NODE_TYPE", "C", 3), ("NODE_NAME", "C", 30), ("TURN_P", "C", 1), ("REMARK", "C", 30)]  # fmt: skip


def nodelink(folder, *, epsg=5186, prj=True, drop="", far=0.0, spots=SPOTS):
    """As the ministry delivers it: two shapefiles in cp949 with the real columns."""
    change = Transformer.from_crs(4326, epsg, always_xy=True).transform
    xy = {id: change(lon, lat) for id, (lat, lon) in spots.items()}
    folder.mkdir(exist_ok=True)
    with shapefile.Writer(str(folder / "MOCT_NODE"), shapeType=shapefile.POINT, encoding="cp949") as out:
        fields = [each for each in NODE_FIELDS if each[0] != drop]
        for each in fields:
            out.field(*each)
        for id, (x, y) in xy.items():
            out.point(x + far, y)
            out.record(**{name: {"NODE_ID": id, "NODE_TYPE": "101", "NODE_NAME": "가람네거리"}.get(name, "") for name, *_ in fields})  # fmt: skip
    links = [
        ("3010001", "1", "2", "107", "은하로", 50), ("3010002", "2", "1", "107", "은하로", 50),
        ("3010003", "2", "3", "103", "한밭대로", 60), ("3010004", "3", "4", "101", "가람고속도로", 100),
        ("3010005", "3", "77", "107", "-", 50),
    ]  # fmt: skip
    with shapefile.Writer(str(folder / "MOCT_LINK"), shapeType=shapefile.POLYLINE, encoding="cp949") as out:
        fields = [each for each in LINK_FIELDS if each[0] != drop]
        for each in fields:
            out.field(*each)
        for id, a, b, rank, name, limit in links:
            out.line([[xy[a], xy.get(b, (xy[a][0] + 30, xy[a][1]))]])
            said = {"LINK_ID": id, "F_NODE": a, "T_NODE": b, "ROAD_RANK": rank, "ROAD_NAME": name, "MAX_SPD": limit}
            out.record(**{name: said.get(name, 0 if kind in "NF" else "") for name, kind, _ in fields})
    if prj:
        for stem in ("MOCT_NODE", "MOCT_LINK"):
            (folder / f"{stem}.prj").write_text(CRS.from_epsg(epsg).to_wkt("WKT1_ESRI"))
    return folder


@pytest.mark.parametrize("how", ["folder", "shp", "zip"])
def test_the_standard_node_link(tmp_path, how):
    folder = nodelink(tmp_path / "made")
    path = {"folder": folder, "shp": folder / "MOCT_LINK.shp", "zip": tmp_path / "made.zip"}[how]
    if how == "zip":
        with zipfile.ZipFile(path, "w") as out:
            for each in sorted(folder.iterdir()):
                out.write(each, f"전국/{each.name}")
    drawn = roads.read(path)
    assert (drawn.form, drawn.epsg, len(drawn.junctions), drawn.left_out) == ("node-link", 5186, 4, 1)
    assert [(each.rank, each.name, each.along, each.against, each.foot) for each in drawn.streets] == [
        (Rank.COLLECTOR, "은하로", True, True, True),
        (Rank.TRUNK, "한밭대로", True, False, True),
        (Rank.MOTORWAY, "가람고속도로", True, False, False),
    ]
    for (lat, lon), truth in zip(drawn.junctions, SPOTS.values(), strict=True):
        assert (lat, lon) == pytest.approx(truth, abs=1e-7)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"prj": False}, "no .prj"),
        ({"epsg": 32652}, "none that is known|prj says"),
        ({"drop": "MAX_SPD"}, "no column MAX_SPD"),
        ({"drop": "NODE_ID"}, "no column NODE_ID"),
        ({"far": 400.0}, "does not begin at its node"),
    ],
)
def test_a_node_link_that_cannot_be_stood_behind(tmp_path, how, said):
    with pytest.raises(UnreadableError, match=said):
        roads.read(nodelink(tmp_path / "made", **how))


def test_the_wrong_reference_system_lies_outside_korea(tmp_path):
    folder = nodelink(tmp_path / "made", prj=False)
    with pytest.raises(UnreadableError, match="does not lie in Korea"):
        roads.read(folder, epsg=5179)
    with pytest.raises(UnreadableError, match="two reference systems"):
        roads.read(nodelink(tmp_path / "other"), epsg=5181)


@pytest.mark.parametrize("name", ["MOCT_LINK.shp", "MOCT_LINK.dbf", "MOCT_NODE.dbf"])
def test_half_a_node_link_is_none(tmp_path, name):
    folder = nodelink(tmp_path / "made")
    raw = (folder / name).read_bytes()
    (folder / name).write_bytes(raw[: int(len(raw) * 0.7)])
    with pytest.raises(UnreadableError, match="not whole"):
        roads.read(folder)
    (folder / name).unlink()
    with pytest.raises(UnreadableError, match="no MOCT"):
        roads.read(folder)


# --- kept, and the command -----------------------------------------------------------------------------------------


def test_what_is_kept_is_what_was_read(tmp_path):
    drawn = roads.read(nodelink(tmp_path / "made"))
    packed = pack(drawn.junctions, drawn.streets)
    roads.write(tmp_path / "city", packed)
    again = roads.load(tmp_path / "city")
    assert (again.lat0, again.lon0, again.names) == (packed.lat0, packed.lon0, packed.names)
    for name in ARRAYS:
        one, other = getattr(packed, name), getattr(again, name)
        assert one.dtype == other.dtype, name
        assert np.array_equal(one, other), name


def test_a_file_that_is_not_whole_is_not_loaded(tmp_path):
    drawn = roads.read(graphml(tmp_path))
    roads.write(tmp_path, pack(drawn.junctions, drawn.streets))
    path = tmp_path / roads.FILE
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(UnreadableError, match="import the roads again"):
        roads.load(tmp_path)
    with pytest.raises(FileNotFoundError):
        roads.load(tmp_path / "elsewhere")


def test_the_command_writes_all_or_nothing(tmp_path, capsys):
    city = tmp_path / "garam"
    good, bad = graphml(tmp_path), graphml(tmp_path, crs="epsg:5186", name="bad.graphml")
    assert main(["roads", str(bad), "--city", "garam", "--dir", str(city)]) == 1
    assert not city.exists()
    assert "reference system" in capsys.readouterr().err
    assert main(["roads", str(good), "--city", "garam", "--dir", str(city), "--dry-run"]) == 0
    assert not city.exists()
    assert main(["roads", str(good), "--city", "garam", "--dir", str(city)]) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (said["streets"], said["junctions"], said["written"]) == (3, 4, True)
    before = (city / roads.FILE).read_bytes()
    assert main(["roads", str(bad), "--city", "garam", "--dir", str(city)]) == 1
    assert (city / roads.FILE).read_bytes() == before
    assert main(["roads", str(good), "--city", "ga ram"]) == 2


# --- real files ----------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not DATA.exists(), reason="shared data is absent")
@pytest.mark.parametrize(
    ("name", "nodes", "km"),
    [
        ("seoul_osmnx_drive.graphml.gz", (3_300, 3_400), (340, 375)),
        ("monaco.osm.gz", (500, 6_000), (60, 200)),
        ("helsinki.osm.pbf", (2_000, 12_000), (80, 600)),
    ],
)
def test_real_cities(name, nodes, km):
    drawn = roads.read(DATA / name)
    packed = pack(drawn.junctions, drawn.streets)
    assert nodes[0] <= packed.nodes <= nodes[1]
    assert km[0] <= packed.length_m / 1000 <= km[1]
    costs = costs_s(packed, Travel.WALK)
    starts = range(0, packed.places, packed.places // 12)  # some lie on islets: a garden path that joins nothing
    _, start = max((reach(packed, costs, each, 900.0).settled, each) for each in starts)
    there = reach(packed, costs, start, 900.0).places(packed, costs)
    goal = int(np.argmax(np.where(np.isfinite(there), there, -1.0)))
    took = arrival_s(packed, costs, start, goal, 900.0)
    assert took == pytest.approx(float(there[goal]), rel=1e-3)
    assert 500.0 < took <= 900.0
    assert np.isfinite(there).sum() > 500
