import math
import os
from pathlib import Path

import pytest

from safetynet.core.terms import Instant
from safetynet.sim import tracks
from safetynet.sim.plane import Plane

DATA = Path(os.environ.get("SAFETYNET_DATA", Path(__file__).parents[3] / "shared" / "data"))
PLT = "Geolife trajectory\nWGS 84\nAltitude is in Feet\nReserved 3\n0,2,255,My Track,0,0,2,8421376\n0\n"


def sentence(body):
    total = 0
    for letter in body:
        total ^= ord(letter)
    return f"${body}*{total:02X}"


def test_plt(tmp_path):
    path = tmp_path / "walk.plt"
    path.write_text(
        PLT + "39.9,116.3,0,492,39744.1,2008-10-23,02:53:04\nnonsense\n39.901,116.3,0,492,39744.1,2008-10-23,02:53:10\n"
    )
    track = tracks.read(path)
    assert track.refused == 1
    assert track.marks[1].at - track.marks[0].at == 6_000


def test_nmea_believes_no_broken_line(tmp_path):
    good = sentence("GPGGA,123519.50,3621.000,N,12722.800,E,1,08,0.9,45.4,M,20.9,M,,")
    late = sentence("GPGGA,123521.50,3621.010,N,12722.800,E,1,08,0.9,45.4,M,20.9,M,,")
    none = sentence("GPGGA,123522,,,,,0,00,,,M,,M,,")
    date = sentence("GPRMC,123519,A,3621.000,N,12722.800,E,000.0,0,231126,,")
    path = tmp_path / "walk.nmea"
    path.write_text("\n".join([date, good, good.replace("3621", "3721"), none, late]))
    track = tracks.read(path)
    assert len(track.marks) == 2
    assert track.refused == 2
    assert track.marks[0].lat == pytest.approx(36.35)
    assert track.marks[0].lon == pytest.approx(127.38)
    assert track.marks[1].at - track.marks[0].at == 2_000


def test_a_file_without_a_position_is_refused(tmp_path):
    path = tmp_path / "empty.nmea"
    path.write_text("$GPGGA,1*00\n")
    with pytest.raises(ValueError, match="no position"):
        tracks.read(path)


def test_a_shifted_walk_keeps_its_metres_and_seconds(tmp_path):
    path = tmp_path / "walk.plt"
    path.write_text(
        PLT + "".join(f"{39.9 + k * 1e-4},{116.3 + k * 2e-4},0,0,0,2008-10-23,02:53:{k:02d}\n" for k in range(30))
    )
    track = tracks.read(path)
    moved = tracks.shift(track, 36.35, 127.38, Instant(1_000_000))
    assert (moved.marks[0].lat, moved.marks[0].lon) == pytest.approx((36.35, 127.38))
    there, here = Plane(39.9, 116.3), Plane(36.35, 127.38)
    for a, b in zip(track.marks, moved.marks, strict=True):
        assert math.dist(there.to_xy(a.lat, a.lon), here.to_xy(b.lat, b.lon)) < 0.01
        assert b.at - 1_000_000 == a.at - track.marks[0].at


@pytest.mark.skipif(not (DATA / "tracks").is_dir(), reason="no real tracks here")
@pytest.mark.parametrize("name", ["nmea_walking.txt", "geolife_plt/001/Trajectory/20081024234405.plt"])
def test_real_walks_are_read(name):
    track = tracks.read(DATA / "tracks" / name)
    assert len(track.marks) > 20
