"""Photographs from the field: a JPEG taken apart and put together again without anything but the picture.

A telephone writes into a photograph where, when and with what it was taken, and often a second, smaller picture.
What is kept here are tables, frame and scans; every other segment is left out (Exif, XMP, ICC, comments, thumbnails),
and so is whatever lies behind the end of the picture.

Absent on purpose: a decoder. What the scans hold is the viewer's browser's to decode; here only their borders count.
"""

from typing import Final

PHOTO_BYTES_MAX: Final = 1_500_000
"""The page makes it smaller before it sends it: about 300 kB."""
SIDE_PX_MAX: Final = 4_096
PIXELS_MAX: Final = 12_000_000
SEGMENTS_MAX: Final = 400
COMPONENTS_MAX: Final = 4

_SOI, _EOI, _SOS, _DRI, _DQT, _DHT, _DNL = 0xD8, 0xD9, 0xDA, 0xDD, 0xDB, 0xC4, 0xDC
_FRAMES: Final = frozenset({0xC0, 0xC1, 0xC2})
"""Baseline, extended and progressive: what browsers show."""
_TABLES: Final = frozenset({_DQT, _DHT, _DRI})
_DROPPED: Final = frozenset({*range(0xE0, 0xF0), 0xFE})
"""APP0 to APP15 and comments."""
_JFIF: Final = bytes.fromhex("ffe000104a46494600010100000100010000")
"""A plain header: no density, no thumbnail."""


class NotAPhoto(Exception):
    """`word` says why: `not_a_photo`, `too_large`."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


def cleaned(data: bytes) -> bytes:
    """The picture alone. Raises NotAPhoto for what is too large or not one JPEG picture. Time grows with the length."""
    if len(data) > PHOTO_BYTES_MAX:
        raise NotAPhoto("too_large")
    if data[:2] != bytes((0xFF, _SOI)):
        raise NotAPhoto("not_a_photo")
    kept = [data[:2], _JFIF]
    at, framed, scanned = 2, False, False
    for _ in range(SEGMENTS_MAX):
        marker, at = _marker(data, at)
        if marker == _EOI and scanned:
            kept.append(bytes((0xFF, _EOI)))
            return b"".join(kept)
        body, at = _segment(data, at)
        if marker in _DROPPED:
            continue
        if marker in _FRAMES and not framed:
            _bounded(body)
            framed = True
        elif marker == _SOS and framed:
            scanned = True
        elif marker not in _TABLES:
            raise NotAPhoto("not_a_photo")
        kept.append(bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body)
        if marker == _SOS:
            end = _scan_end(data, at)
            kept.append(data[at:end])
            at = end
    raise NotAPhoto("not_a_photo")


def _marker(data: bytes, at: int) -> tuple[int, int]:
    """The marker at `at` and where it ends. Fill bytes before it are allowed, anything else is not."""
    if data[at : at + 1] != b"\xff":
        raise NotAPhoto("not_a_photo")
    while data[at : at + 1] == b"\xff":
        at += 1
    if at >= len(data):
        raise NotAPhoto("not_a_photo")
    return data[at], at + 1


def _segment(data: bytes, at: int) -> tuple[bytes, int]:
    size_bytes = int.from_bytes(data[at : at + 2], "big")
    end = at + size_bytes
    if size_bytes < 2 or end > len(data):
        raise NotAPhoto("not_a_photo")
    return data[at + 2 : end], end


def _bounded(frame: bytes) -> None:
    if len(frame) < 6 or not 1 <= frame[5] <= COMPONENTS_MAX or len(frame) != 6 + 3 * frame[5]:
        raise NotAPhoto("not_a_photo")
    high, wide = int.from_bytes(frame[1:3], "big"), int.from_bytes(frame[3:5], "big")
    if not high or not wide:
        raise NotAPhoto("not_a_photo")
    if max(high, wide) > SIDE_PX_MAX or high * wide > PIXELS_MAX:
        raise NotAPhoto("too_large")


def _scan_end(data: bytes, at: int) -> int:
    """Where the next marker begins that belongs to no scan: neither a stuffed byte nor a restart."""
    while True:
        at = data.find(b"\xff", at)
        if at < 0 or at + 1 >= len(data):
            raise NotAPhoto("not_a_photo")
        following = data[at + 1]
        if following == 0xFF:
            at += 1
        elif following == 0x00 or 0xD0 <= following <= 0xD7:
            at += 2
        else:
            return at
