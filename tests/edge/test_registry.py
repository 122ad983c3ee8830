"""A city's folder: written whole, read only when sound, and what the next import is told."""

import os
import stat

import msgspec
import numpy as np
import pytest

from safetynet.core.cameras import Camera
from safetynet.core.lists import editions
from safetynet.core.lists.editions import Optics
from safetynet.core.terms import CameraId, CentreId, Instant, PoleId
from safetynet.edge import registry
from safetynet.edge.registry import CityCameras, RegistryInvalidError

CITY = CentreId("garam")


def camera(n, **more):
    return Camera(
        **{
            "id": CameraId(f"garam-3632830-12745410-{n:02d}"),
            "city": CITY,
            "pole": PoleId("garam-3632830-12745410"),
            "name": f"별빛로 1 #{n}",
            "lat": 36.3283,
            "lon": 127.4541,
            "range_m": 60.0,
            "purpose": "생활방범",
            **more,
        }
    )


def made(count=2):
    cameras = tuple(camera(n) for n in range(1, count + 1))
    return CityCameras(city=CITY, cameras=cameras, descriptions={cameras[0].id: "360도 전방면"})


# --- the city's folder ---------------------------------------------------------------------------------------------


def test_written_and_read_again(tmp_path):
    city = made()
    registry.write(tmp_path / "new", city)
    assert registry.read(tmp_path / "new") == city.cameras
    assert registry.read_city(tmp_path / "new") == city
    assert [each.name for each in (tmp_path / "new").iterdir()] == ["cameras.json"]


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    city = made()
    registry.write(tmp_path, city)

    def full(_file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        registry.write(tmp_path, made(9))
    monkeypatch.undo()
    assert registry.read_city(tmp_path) == city
    registry.write(tmp_path, made(9))  # what the failed one left is in nobody's way
    assert len(registry.read(tmp_path)) == 9


def changed(**change):
    city = made()
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
        CityCameras(city=CITY, cameras=made().cameras * 2),
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


def test_many_cameras_are_written_one_by_one_as_all_at_once(tmp_path):
    city = made(2_345)
    registry.write(tmp_path / "whole", city)
    each = ((one, city.descriptions.get(one.id, "")) for one in city.cameras)
    registry.write_each(tmp_path / "pieces", CITY, each)
    assert registry.read_city(tmp_path / "pieces") == registry.read_city(tmp_path / "whole") == city
    registry.write_each(tmp_path / "none", CITY, iter(()))
    assert registry.read(tmp_path / "none") == ()


def test_one_bad_camera_among_many_leaves_the_old_file(tmp_path, monkeypatch):
    registry.write(tmp_path, made())
    bad = [(one, "") for one in (*made(1_500).cameras, camera(1_501, lat=0.0))]
    with pytest.raises(RegistryInvalidError, match="not in Korea"):
        registry.write_each(tmp_path, CITY, bad)
    monkeypatch.setattr(registry, "REGISTRY_CAMERAS_MAX", 3)
    with pytest.raises(RegistryInvalidError, match="more than"):
        registry.write_each(tmp_path, CITY, [(one, "") for one in made(4).cameras])
    assert registry.read_city(tmp_path) == made()
    assert [each.name for each in tmp_path.iterdir()] == ["cameras.json"]


def remembered():
    return editions.of_cameras(made().cameras, {})


def test_an_edition_is_kept_and_read_again(tmp_path):
    assert registry.read_edition(tmp_path) is None
    registry.write(tmp_path, made())
    found = registry.read_edition(tmp_path)
    assert found is not None
    assert [found[0].id(n) for n in range(2)] == [each.id for each in made().cameras]
    registry.write_edition(tmp_path, remembered(), at=Instant(1), list_sha256=b"x", range_m=80.0)
    again = registry.read_edition(tmp_path)
    assert again is not None
    assert again[1] == 80.0
    assert again[0].poles == remembered().poles
    assert np.array_equal(again[0].sites.address, remembered().sites.address)
    assert np.array_equal(again[0].number, remembered().number)


@pytest.mark.parametrize("spoil", ["cut", "v", "column", "length", "pointer"])
def test_a_spoilt_edition_is_refused(tmp_path, spoil):
    registry.write_edition(tmp_path, remembered(), at=Instant(1), list_sha256=b"x", range_m=60.0)
    path = tmp_path / registry.EDITION_FILE
    kept = msgspec.msgpack.decode(path.read_bytes())
    if spoil == "v":
        kept["v"] = 2
    elif spoil == "column":
        del kept["columns"]["sites.lat"]
    elif spoil == "length":
        kept["columns"]["number"] += b"\0\0\0\0"
    elif spoil == "pointer":
        kept["columns"]["prefix"] = np.array([99, 99], "<i4").tobytes()
    raw = msgspec.msgpack.encode(kept)
    path.write_bytes(raw[:-3] if spoil == "cut" else raw)
    with pytest.raises(RegistryInvalidError):
        registry.read_edition(tmp_path)


def test_only_what_somebody_measured_is_told(tmp_path):
    assert registry.read_measured(tmp_path, 60.0) == {}
    cameras = (
        camera(1),
        camera(2, azimuth_deg=45.0, view_deg=90.0),
        camera(3, range_m=75.0),
        camera(4, azimuth_deg=0.0),
    )
    said = {cameras[3].id: "북쪽방향"}
    registry.write(tmp_path, CityCameras(city=CITY, cameras=cameras, descriptions=said))
    assert registry.read_measured(tmp_path, 60.0) == {
        cameras[1].id: Optics(azimuth_deg=45.0, view_deg=90.0),
        cameras[2].id: Optics(range_m=75.0),
    }
    (tmp_path / registry.FILE).write_bytes(b'{"cameras":[{]}')
    with pytest.raises(RegistryInvalidError):
        registry.read_measured(tmp_path, 60.0)
