"""The codec-free writer against a decoder that we did not write."""

import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safetynet.sim.h264 import PcmWriter

FFMPEG = shutil.which("ffmpeg")
needs_ffmpeg = pytest.mark.skipif(FFMPEG is None, reason="ffmpeg is not installed")


def decode(nals: list[bytes], width: int, height: int) -> np.ndarray:
    stream = b"".join(b"\0\0\0\1" + nal for nal in nals)
    command = [FFMPEG or "", "-v", "error", "-f", "h264", "-i", "-", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-"]
    done = subprocess.run(command, input=stream, capture_output=True, check=True, timeout=60)
    assert done.stderr == b""
    return np.frombuffer(done.stdout, np.uint8).reshape(-1, width * height * 3 // 2)


@needs_ffmpeg
@pytest.mark.parametrize(("width", "height"), [(640, 360), (352, 288), (336, 184), (320, 240)])
def test_decodes_bit_exact(width: int, height: int) -> None:
    dice = np.random.default_rng(7)
    writer = PcmWriter(width, height, gop=9)
    picture = dice.integers(0, 256, width * height * 3 // 2, dtype=np.uint8)
    given_pictures, nals, keys = [], [], []
    for k in range(24):
        if k % 5:  # every fifth picture repeats the one before
            at = int(dice.integers(0, picture.size - 3_000))
            picture[at : at + int(dice.integers(1, 3_000))] = dice.integers(0, 256)
        writer.force = k == 13
        made, key = writer.encode(picture)
        nals += made
        keys.append(key)
        given_pictures.append(np.clip(picture, 16, 240))
    assert [k for k, key in enumerate(keys) if key] == [0, 9, 13, 22]
    assert np.array_equal(decode(nals, width, height), np.array(given_pictures))


@needs_ffmpeg
@settings(max_examples=15, deadline=None)
@given(st.lists(st.lists(st.tuples(st.integers(0, 38_399), st.integers(0, 255)), max_size=40), min_size=2, max_size=8))
def test_any_change_decodes_bit_exact(changes: list[list[tuple[int, int]]]) -> None:
    width, height = 160, 160
    writer, picture = PcmWriter(width, height, gop=100), np.full(38_400, 90, np.uint8)
    given_pictures, nals = [], []
    for change in changes:
        for at, value in change:
            picture[at] = value
        nals += writer.encode(picture)[0]
        given_pictures.append(np.clip(picture, 16, 240))
    assert np.array_equal(decode(nals, width, height), np.array(given_pictures))


def test_a_still_picture_costs_a_few_bytes() -> None:
    writer, picture = PcmWriter(640, 360, gop=100), np.full(640 * 360 * 3 // 2, 77, np.uint8)
    writer.encode(picture)
    nals, key = writer.encode(picture)
    assert not key
    assert sum(map(len, nals)) < 16
