"""Fragments and init segments, held against decoders that we did not write."""

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safetynet.core.terms import Instant
from safetynet.edge.sources import fmp4
from safetynet.edge.sources.fmp4 import AccessUnit, MalformedError, Packager
from safetynet.sim.h264 import PcmWriter

DATA = Path(os.environ.get("SAFETYNET_DATA", Path(__file__).parents[3] / "shared" / "data")) / "video"
FFMPEG, FFPROBE = shutil.which("ffmpeg"), shutil.which("ffprobe")


def units(count: int, width: int = 320, height: int = 240, gop: int = 5) -> list[AccessUnit]:
    writer, picture = PcmWriter(width, height, gop), np.full(width * height * 3 // 2, 80, np.uint8)
    made = []
    for k in range(count):
        picture[k * 100 : k * 100 + 50] = 150
        nals, key = writer.encode(picture)
        made.append(AccessUnit(tuple(nals), (2**32 - 20_000 + k * 9_000) & 0xFFFFFFFF, key))
    return made


def packed(given_units: list[AccessUnit]) -> tuple[list[fmp4.Init], list[fmp4.Fragment]]:
    packager, inits, fragments = Packager(), [], []
    for k, unit in enumerate(given_units):
        made = packager.take(unit, Instant(1_700_000_000_000 + k * 100))
        if made is not None:
            inits += [made[0]] if made[0] else []
            fragments.append(made[1])
    return inits, fragments


@pytest.mark.skipif(FFMPEG is None, reason="ffmpeg is not installed")
def test_ffmpeg_reads_what_we_write(tmp_path: Path) -> None:
    inits, fragments = packed(units(12))
    path = tmp_path / "x.mp4"
    path.write_bytes(inits[0].data + b"".join(each.data for each in fragments))
    probe = [
        FFPROBE or "",
        "-v",
        "error",
        "-count_frames",
        "-show_entries",
        "stream=width,height,nb_read_frames",
        "-of",
        "csv=p=0",
        str(path),
    ]
    said = subprocess.run(probe, capture_output=True, text=True, check=True, timeout=30)
    assert said.stdout.strip() == "320,240,12"
    assert said.stderr == ""
    assert inits[0].codec == "avc1.42c01e"


def test_the_head_stands_where_receivers_look() -> None:
    (init,), fragments = packed(units(12))
    assert init.data[4:8] == b"ftyp"
    assert b"moov" in init.data
    assert [each.ticks for each in fragments] == [k * 9_000 for k in range(12)]  # over the wrap of the RTP clock
    for k, each in enumerate(fragments):
        assert fmp4.well_formed(each.data)
        assert fmp4.is_key(each.data) == each.key == (k % 5 == 0)
        assert fmp4.ticks_of(each.data) == each.ticks
        ntp = int.from_bytes(each.data[16:24], "big")
        assert abs(ntp / 2**32 - 2_208_988_800 - (1_700_000_000 + k / 10)) < 0.002
        assert 32 + int.from_bytes(each.data[116:120], "big") == fmp4.HEAD_BYTES


def test_parameter_sets_live_only_in_the_init_segment_and_sei_stays() -> None:
    sei, aud = b"\x06\x05\x01\x00\x80", b"\x09\x10"
    unit = units(1)[0]
    _, (fragment,) = packed([AccessUnit((aud, *unit.nals[:2], sei, unit.nals[2]), 0, key=True)])
    kinds, at = [], fmp4.HEAD_BYTES
    while at < len(fragment.data):
        kinds.append(fragment.data[at + 4] & 31)
        at += 4 + int.from_bytes(fragment.data[at : at + 4], "big")
    assert kinds == [6, 5]


def test_nothing_comes_before_the_first_key_frame() -> None:
    later = units(8)[1:]
    _, fragments = packed(later)
    assert fragments[0].key
    assert len(fragments) == 3  # pictures 5, 6, 7


def test_other_parameter_sets_make_another_init_segment() -> None:
    inits, _ = packed([*units(3), *units(3, width=352, height=288)])
    assert [(each.width, each.height) for each in inits] == [(320, 240), (352, 288)]
    assert len(packed([*units(3), *units(3)])[0]) == 1


def test_a_new_session_goes_on_in_time() -> None:
    packager, (first, second) = Packager(), units(2, gop=1)
    packager.take(first, Instant(1_000_000))
    packager.restart()
    made = packager.take(AccessUnit(second.nals, 77, key=True), Instant(1_002_000))
    assert made is not None
    assert made[1].ticks == 180_000


def test_backward_time_stands_still() -> None:
    packager, (first, second) = Packager(), units(2, gop=1)
    packager.take(AccessUnit(first.nals, 500_000, key=True), Instant(1_000_000))
    made = packager.take(AccessUnit(second.nals, 400_000, key=True), Instant(1_000_100))
    assert made is not None
    assert made[1].ticks == 0


def test_pictures_out_of_order_are_refused_by_name() -> None:
    packager = Packager()
    packager.take(units(1)[0], Instant(0))
    b_slice = bytes((0x01, 0b1_010_0000, 0, 0))  # first_mb ue(0), slice_type ue(1) = B
    with pytest.raises(MalformedError, match="out of order"):
        packager.take(AccessUnit((b_slice,), 0, key=False), Instant(0))


def test_too_many_parameter_sets_are_refused() -> None:
    packager = Packager()
    with pytest.raises(MalformedError, match="too many"):
        packager.learn(
            [b"\x68" + int("1".rjust(11, "0") + format(k, "010b") + "1" * 3, 2).to_bytes(3, "big") for k in range(64)]
        )
    with pytest.raises(MalformedError, match="too long"):
        packager.learn([b"\x68" + bytes(2_000)])


@given(st.binary(min_size=1, max_size=200))
def test_any_sps_is_read_or_refused(body: bytes) -> None:
    try:
        width, height = fmp4.size(b"\x67" + body)
    except MalformedError:
        return
    assert 0 < width <= fmp4.SIDE_SAMPLES_MAX
    assert 0 < height <= fmp4.SIDE_SAMPLES_MAX


@given(st.binary(min_size=0, max_size=400))
def test_any_bytes_are_a_fragment_or_not(data: bytes) -> None:
    assert not fmp4.well_formed(data)


@pytest.mark.skipif(not (DATA / "h264_features.tsv").exists(), reason="shared data is absent")
def test_sizes_of_streams_of_others() -> None:
    for row in (DATA / "h264_features.tsv").read_text().splitlines()[1:]:
        name, _, _, _, _, _, _, sizes, _ = row.split("\t")[:9]
        path = DATA / "h264" / name
        if not path.exists() or "(" not in sizes:
            continue
        stream = path.read_bytes()
        at = stream.find(b"\0\0\1\x67")
        if at < 0:
            continue
        end = stream.find(b"\0\0\1", at + 3)
        width, height = (int(each) for each in sizes.strip("[]()").split(")")[0].split(","))
        assert fmp4.size(stream[at + 3 : end].rstrip(b"\0")) == (width, height), name
