"""A photograph is kept without anything but the picture, whatever a telephone put into it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safetynet.edge import photos
from safetynet.edge.photos import NotAPhoto, cleaned


def segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body


def frame(wide: int = 16, high: int = 16, marker: int = 0xC0) -> bytes:
    parts = b"".join(bytes((n, 0x11, 0)) for n in (1, 2, 3))
    return segment(marker, b"\x08" + high.to_bytes(2, "big") + wide.to_bytes(2, "big") + b"\x03" + parts)


EXIF = segment(0xE1, b"Exif\0\0GPS 36.35 127.38 made by a telephone")
TABLE = segment(0xDB, bytes(65))
SCAN = segment(0xDA, b"\x03\x01\x00\x02\x11\x03\x11\x00\x3f\x00") + b"\x12\xff\x00\xff\xd0\x34\xff\x00"
END = b"\xff\xd9"


def photograph(*more: bytes, tail: bytes = b"", of: bytes | None = None) -> bytes:
    return b"".join((b"\xff\xd8", *more, TABLE, of or frame(), SCAN, END, tail))


@pytest.mark.parametrize("marker", [*range(0xE0, 0xF0), 0xFE])
def test_nothing_that_a_telephone_wrote_beside_the_picture_is_kept(marker):
    kept = cleaned(photograph(EXIF, segment(marker, b"secret" * 9), tail=b"a second picture"))
    assert kept == photograph(photos._JFIF)
    assert cleaned(kept) == kept


def test_progressive_pictures_keep_all_their_scans():
    whole = b"".join((b"\xff\xd8", photos._JFIF, TABLE, frame(marker=0xC2), SCAN, segment(0xC4, bytes(20)), SCAN, END))
    assert cleaned(whole) == whole


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "not_a_photo"), (b"\x89PNG\r\n", "not_a_photo"), (b"\xff\xd8\xff\xd9", "not_a_photo"),
        (photograph()[:-2], "not_a_photo"), (photograph()[:-20], "not_a_photo"),
        (photograph(of=frame(0)), "not_a_photo"), (photograph(of=frame(5_000)), "too_large"),
        (photograph(of=frame(4_000, 4_000)), "too_large"), (photograph(of=frame(marker=0xC3)), "not_a_photo"),
        (photograph(frame()), "not_a_photo"), (b"\xff\xd8" + SCAN + END, "not_a_photo"),
        (photograph(*[TABLE] * photos.SEGMENTS_MAX), "not_a_photo"),
        (photograph(tail=bytes(photos.PHOTO_BYTES_MAX)), "too_large"), (photograph(b"stray"), "not_a_photo"),
    ],
)  # fmt: skip
def test_what_is_no_photograph_or_too_large_is_refused(data, word):
    with pytest.raises(NotAPhoto) as no:
        cleaned(data)
    assert no.value.word == word


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 200), st.binary(max_size=6), st.integers(0, 200))
def test_nonsense_is_refused_or_cleaned_and_never_anything_else(at, put, cut):
    whole = photograph(EXIF)
    try:
        kept = cleaned(whole[:at] + put + whole[at + cut % 9 :])
    except NotAPhoto:
        return
    assert b"Exif" not in kept
    assert kept[-2:] == END
