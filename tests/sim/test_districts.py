"""Whose ground the made world stands on: with made districts, and with a real map through the product's own door."""

import json
import os
from pathlib import Path

import pytest

from safetynet.core import jurisdictions
from safetynet.core.jurisdictions import Finding, Kind
from safetynet.edge import jurisdictions as shelf
from safetynet.sim import districts
from safetynet.sim.provision import Ports, Wish, provision
from safetynet.sim.world import World


@pytest.fixture(scope="module")
def world():
    return World(7)


def test_every_place_of_the_made_world_has_its_offices(tmp_path, world):
    districts.write(tmp_path, world, None)
    table = shelf.read(tmp_path)
    assert not any(table.unserved(kind) or table.contested(kind) for kind in Kind)
    for camera in [*world.registry("garam")[:20], *world.registry("narae")[:20]]:
        found = jurisdictions.competent(table, camera.lat, camera.lon)
        assert found.of(Kind.CENTRE).office.centre == camera.city
        assert found.of(Kind.HUB).office.id == "hanul"
    assert set(districts.OFFICES_OF_UNITS.values()) <= {each.id for each in table.offices}
    assert set(districts.OFFICES_OF_UNITS) == {each.id for each in world.units()}


def test_a_made_city_knows_its_district(tmp_path):
    wish = Wish(folder=tmp_path / "demo", ports=Ports(first=12_800), seed=7, data=None, fresh=False)
    provision(wish, lambda _ko, _en: None)
    assert len(shelf.read(wish.folder / "control").areas) == 2
    units = json.loads((wish.folder / "control" / "units.json").read_bytes())
    assert {each["unit"]: each["office"] for each in units} == districts.OFFICES_OF_UNITS


def test_a_map_that_the_product_refuses_ends_the_provision(tmp_path, world, monkeypatch):
    folder = tmp_path / "data"
    for each in (districts.REAL_MAP, districts.SECOND_MAP):
        (folder / each).parent.mkdir(parents=True, exist_ok=True)
        (folder / each).write_text("{}")
    assert districts.missing(folder) == []
    with pytest.raises(districts.CannotReadMapError, match="neither a FeatureCollection"):
        districts.write(tmp_path / "control", world, folder)


DATA = Path(os.environ.get("SAFETYNET_DATA", Path(__file__).parents[3] / "shared" / "data"))


@pytest.mark.skipif(bool(districts.missing(DATA)), reason="no map of others here")
def test_the_real_district_of_the_list(tmp_path, world):
    districts.write(tmp_path, world, DATA)
    table = shelf.read(tmp_path)
    assert len(table.areas) == 79
    assert not any(table.unserved(kind) or table.contested(kind) for kind in Kind)
    found = jurisdictions.competent(table, 36.3257, 127.4210)
    assert found.areas[0].name == "대전광역시 중구 대흥동"
    assert (found.of(Kind.PROBATION).finding, found.of(Kind.PROBATION).office.id) == (Finding.COMPETENT, "gaon")
    inside, outside = (world.registry("garam")[0], world.registry("garam")[1])
    listed = (inside.__class__(**{**_fields(inside), "lat": 36.3257, "lon": 127.4210}),
              outside.__class__(**{**_fields(outside), "lat": 36.35, "lon": 127.46}))  # fmt: skip
    assert districts.outside(tmp_path, listed) == (5, 1)


def _fields(row):
    return {each: getattr(row, each) for each in row.__struct_fields__}
