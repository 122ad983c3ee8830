"""What others recorded, in the made world: on small made recordings here; on the real ones where their folder is."""

import asyncio
import itertools
import math
import os
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from patience import PATIENCE_S

from safetynet.core.terms import CameraId, Instant, Source
from safetynet.edge.sources import rtsp
from safetynet.sim import cameras, recordings, streets, tracks
from safetynet.sim.panel import Recorded
from safetynet.sim.plane import Plane
from safetynet.sim.poles import CameraRow
from safetynet.sim.provision import CannotProvisionError, Ports, Wish, provision
from safetynet.sim.real import Real
from safetynet.sim.run import Settings, filmed, near_stories
from safetynet.sim.world import World

DATA = Path(os.environ.get("SAFETYNET_DATA", Path(__file__).parents[3] / "shared" / "data"))
T0 = Instant(1_795_436_880_000)
PLT = "Geolife trajectory\nWGS 84\nAltitude is in Feet\nReserved 3\n0,2,255,My Track,0,0,2,8421376\n0\n"
FPS, GROUP = 10, 48


def write_walk(folder: Path) -> None:
    """North-east at 1.7 m/s, a fix every 5 s that trembles by up to 4 m, with a pause of 25 s."""
    plane, lines, along = Plane(39.9, 116.3), [], 0.0
    for k in range(50):
        along += 0.0 if 20 <= k < 25 else 8.5
        lat, lon = plane.to_latlon(along * 0.7 + 4 * math.sin(k * 2.1), along * 0.7 + 3 * math.cos(k * 1.3))
        lines.append(f"{lat:.7f},{lon:.7f},0,0,0,2008-10-23,02:{53 + k // 12:02d}:{k % 12 * 5:02d}\n")
    path = folder / recordings.WALK_FILE
    path.parent.mkdir(parents=True)
    path.write_text(PLT + "".join(lines))


def write_clip(folder: Path) -> None:
    """Ten seconds of 96x64 with a key frame every 4.8 s, without pictures out of order, with sound."""
    path = folder / recordings.CLIP_FILE
    path.parent.mkdir(parents=True)
    with av.open(str(path), "w") as file:
        video = file.add_stream("libx264", rate=FPS, options={"bf": "0", "g": str(GROUP), "sc_threshold": "0"})
        video.width, video.height, video.pix_fmt = 96, 64, "yuv420p"
        sound = file.add_stream("aac", rate=48_000)
        for k in range(FPS * 10):
            frame = av.VideoFrame.from_ndarray(np.full((96, 96), k % 200 + 20, np.uint8), format="yuv420p")
            frame.pts, frame.time_base = k, Fraction(1, FPS)
            file.mux(video.encode(frame))
        for k in range(100):
            beat = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            beat.sample_rate, beat.pts = 48_000, k * 1024
            file.mux(sound.encode(beat))
        file.mux(video.encode(None))
        file.mux(sound.encode(None))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("recordings")
    write_walk(made)
    write_clip(made)
    return made


def poles():
    plane = Plane(36.33, 127.42)
    return [
        CameraRow(id=CameraId(f"real-{i}-{j}"), city=streets.GARAM, pole=f"p-{i}-{j}", name="", lat=lat, lon=lon,
                  range_m=60.0, azimuth_deg=None, view_deg=None, ptz=False, purpose="생활방범")
        for i in range(12) for j in range(9)
        for lat, lon in [plane.to_latlon(95.0 * i + 6 * (j % 2), 88.0 * j)]
    ]  # fmt: skip


@pytest.fixture(scope="module")
def world(folder):
    return World(registered=poles(), walk=recordings.walk(folder))


def test_a_walk_that_was_turned_keeps_its_metres_seconds_and_errors(folder):
    steps = tracks.walk(tracks.read(folder / recordings.WALK_FILE), recordings.WALK_S)
    walk = tracks.straight(steps)
    angle = math.radians(35)
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    moved = walk.placed(turn, np.array([500.0, -300.0]))
    for made in (walk, moved):
        assert made.at_s.tolist() == [each.at_s for each in steps]
        for a, b in itertools.combinations(range(0, len(steps), 7), 2):
            real = math.dist((steps[a].x, steps[a].y), (steps[b].x, steps[b].y))
            assert math.dist(made.fixes[a], made.fixes[b]) == pytest.approx(real, abs=1e-6)
    assert walk.trail[-1] == pytest.approx((np.linalg.norm(walk.trail[-1]), 0.0), abs=1e-6)
    errors = np.linalg.norm(walk.fixes - walk.trail, axis=1)
    assert 0.5 < errors.mean() < 6.0


def test_the_walk_has_a_street_and_leads_over_the_border_once(world):
    made = world.streets
    cities = [made.city_at(*spot) for spot in tracks.spaced(made.walk.trail, 2.0)]
    crossed = cities.index(streets.NARAE)
    assert set(cities[:crossed]) == {streets.GARAM}
    assert set(cities[crossed:]) == {streets.NARAE}
    for x, y in tracks.spaced(made.walk.trail, 10.0):
        gaps = []
        for road in made.roads:
            a, b = made.nodes[road.a], made.nodes[road.b]
            share = min(1.0, max(0.0, float(((x, y) - a) @ (b - a)) / road.length_m**2))
            gaps.append(math.dist((x, y), a + (b - a) * share) - road.width_m / 2)
        assert min(gaps) < 6.0
        assert not any(streets.inside(x, y, made.buildings[k].corners) for k in made.buildings_near(x, y, 6.0))


def test_the_walk_is_seen_from_real_poles(world):
    story = world.start("tamper", T0)
    border_s = next(each.at_s for each in story.steps if each.word == "border")
    seen = [world.seen_by(story.wearer, Instant(T0 + s * 1000)) for s in range(0, int(border_s), 3)]
    assert sum(any(each.startswith("real-") for each in cameras) for cameras in seen) >= 0.6 * len(seen)
    world.stop("tamper")


def test_the_device_reports_the_recorded_fixes_at_their_own_seconds_with_its_own_errors(world):
    walk = world.streets.walk
    world.advance(T0)
    story = world.start("tamper", T0)
    device = world.wearers()[0].device
    end = Instant(T0 + round(walk.length_s * 1000))
    reports = [each for each in world.advance(end) if each.device == device]
    assert [(each.observed_at - T0) / 1000 for each in reports] == walk.at_s.tolist()
    for report, fix in zip(reports, walk.fixes, strict=True):
        off_m = math.dist(world.streets.plane.to_xy(report.lat, report.lon), fix)
        assert off_m == pytest.approx(report.recorded_off_m, abs=0.2)
    assert sum(each.source is Source.GNSS for each in reports) > 0.5 * len(reports)
    assert len({each.radius_m for each in reports}) > 0.5 * len(reports), "each says of itself how good it is"
    beyond = sum(each.recorded_off_m > each.radius_m for each in reports)
    assert 0 < beyond < 0.8 * len(reports)
    steps = {each.word: each.at_s for each in story.steps}
    assert steps["cut"] == next(each for each in walk.at_s if each >= 3)
    assert [each.alarm for each in reports] == ["removing" if each >= steps["cut"] else None for each in walk.at_s]
    later = [each for each in world.advance(Instant(end + 10_000)) if each.device == device]
    assert later
    assert all(each.recorded_off_m is None for each in later)
    world.stop("tamper")


def test_the_told_border_is_where_he_crosses_it(world):
    story = world.start("tamper", T0)
    border_s = next(each.at_s for each in story.steps if each.word == "border")
    assert 30 < border_s < 100
    for seconds, city in ((border_s - 3, streets.GARAM), (border_s + 3, streets.NARAE)):
        where = world.position(story.wearer, Instant(T0 + round(seconds * 1000)))
        assert world.streets.city_at(where.x, where.y) == city
    world.stop("tamper")


def test_he_stands_where_somebody_stood(world):
    story = world.start("tamper", T0)
    paces = [world.position(story.wearer, Instant(T0 + s * 1000)).speed_mps for s in (60, 112)]
    assert paces[0] > 1.2
    assert paces[1] < 0.4
    world.stop("tamper")


def test_some_cameras_near_the_story_loop_the_film_and_more_do_not(world, folder):
    clip, looping = filmed(world, _settings(folder))
    near = near_stories(world, world.stories()[:1])
    assert clip is not None
    assert looping < set(near)
    assert len(looping) == (len(near) + recordings.CLIP_EVERY - 2) // recordings.CLIP_EVERY
    assert {world.streets.city_at(each.x, each.y) for each in world.cameras() if each.id in looping} == {
        streets.GARAM,
        streets.NARAE,
    }
    assert filmed(world, _settings(None)) == (None, frozenset())


def _settings(folder):
    data = None if folder is None else str(folder)
    return Settings(seed=1, control_url="", panel_port=1, rtsp_port=2, devices={}, data=data)


async def test_the_film_is_looped_as_it_was_filmed_and_its_sound_stays_where_it_is(folder):
    clip = cameras.read_clip(folder / recordings.CLIP_FILE)
    keys = [at_s for _, key, at_s in clip.pictures if key]
    assert np.diff(keys) == pytest.approx(GROUP / FPS)
    assert clip.audio
    with av.open(str(folder / recordings.CLIP_FILE)) as file:
        filmed_bytes = [bytes(each) for each in file.demux(video=0) if each.size]
    assert all(nals[-1] in whole for (nals, _, _), whole in zip(clip.pictures, filmed_bytes, strict=True))
    habits = {CameraId("a"): cameras.Habits(honour_pli=False)}
    server = await cameras.serve({CameraId("a"): clip}, "127.0.0.1", 0, habits)
    units, began = [], []
    source = rtsp.Source(f"rtsp://127.0.0.1:{server.port}/a", units.append, began.append, began.append)
    task = asyncio.create_task(source.run())
    async with asyncio.timeout(PATIENCE_S):
        while len(units) < 5:
            await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.wait({task})
    assert units[0].key
    assert server.audio_setups == 0
    assert server.methods["SETUP"] == 1
    await server.close()


def test_a_folder_without_a_recording_is_refused(tmp_path, folder):
    assert recordings.missing(folder) == []
    write_walk(tmp_path)
    assert recordings.missing(tmp_path) == [tmp_path / recordings.CLIP_FILE]
    wish = Wish(folder=tmp_path / "demo", ports=Ports(first=18_860), seed=7, data=tmp_path, fresh=False)
    with pytest.raises(CannotProvisionError, match=r"car-detection\.mp4 is not there"):
        provision(wish, lambda _ko, _en: None)


DISTRICT = {"rows": 33, "sites": 20, "quarantined": 6, "repaired": 2, "outside_boundary": 1}
REAL = Real(list_rows=99, list_quarantined=20, list_repaired=5, list_outside_boundary=3,
            list_districts={"1": DISTRICT, "2": DISTRICT, "3": DISTRICT}, registry_rows=9, registry_cameras=12, districts=5,
            cameras_outside_district=1, walk_fixes=20, walk_wifi=1, walk_cell=0, walk_beyond_radius=6, clip_pictures=2, drawn_pictures=3, clip_segments=4,
            clip_segments_pre_grant=1, sound_fetched=0)  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"list_quarantined": 0}, "quarantine"),
        ({"list_repaired": 0}, "repaired"),
        ({"list_outside_boundary": 0}, "nothing was checked"),
        ({"list_districts": {"1": DISTRICT | {"rows": 99, "sites": 0}}}, "no camera of its own list"),
        ({"list_districts": {"1": DISTRICT, "2": DISTRICT}}, "not the whole list"),
        ({"walk_beyond_radius": 0}, "no errors of the device"),
        ({"registry_cameras": 0, "cameras_outside_district": 0}, "public list"),
        ({"districts": 0}, "real map"),
        ({"cameras_outside_district": 12}, "another district"),
        ({"walk_fixes": 0}, "recorded walk"),
        ({"clip_pictures": 0}, "film was watched"),
        ({"drawn_pictures": 0}, "drawn"),
        ({"clip_segments": 0}, "segment"),
        ({"sound_fetched": 1}, "sound was fetched"),
    ],
)
def test_a_run_on_recordings_that_used_none_has_failed(changed, why):
    said = Recorded(clip_sound=True)
    assert REAL.unmet(said) == []
    assert len(faults := replace(REAL, **changed).unmet(said)) == 1
    assert why in faults[0]
    assert REAL.unmet(Recorded(clip_sound=False)) == ["the film's cameras offered no sound"]


@pytest.mark.skipif(bool(recordings.missing(DATA)), reason="no recordings of others here")
def test_the_real_recordings_are_what_they_are_said_to_be():
    walk = recordings.walk(DATA)
    assert len(walk.at_s) >= 40
    assert np.linalg.norm(walk.trail[-1]) > 300
    clip = cameras.read_clip(DATA / recordings.CLIP_FILE)
    keys = [at_s for _, key, at_s in clip.pictures if key]
    assert np.diff(keys) == pytest.approx(4.8)
    assert clip.audio
