"""A legal H.264 stream without a codec: raw 16x16 blocks where the picture changed, skips everywhere else.

I_PCM macroblocks carry samples as they are and P_Skip copies from the previous picture, so a drawn scene needs no
transform, no motion search and no entropy coder. Decoders give back exactly the samples that went in, clipped to
16..240: without zero bytes in the payload no emulation prevention has to be searched for.

Absent on purpose: any licence but ours, and compression of a changing background; keep the background still.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.uint8]

_SE0: Final = "1"
_I_PCM: Final = "000011010"  # mb_type ue(25) in an I slice
_P_PCM: Final = "000011111"  # mb_type ue(30) in a P slice: 5 + 25
_LEVELS: Final = ((1_620, 30), (3_600, 31), (5_120, 32), (8_192, 40), (22_080, 50))
"""(macroblocks per picture, level_idc) of H.264 Table A-1."""


def _ue(n: int) -> str:
    bits = f"{n + 1:b}"
    return "0" * (len(bits) - 1) + bits


def _pack(bits: str) -> bytes:
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def _guard(raw: bytes) -> bytes:
    """Emulation prevention: 00 00 0x becomes 00 00 03 0x."""
    out, zeros = bytearray(), 0
    for each in raw:
        if zeros >= 2 and each <= 3:
            out.append(3)
            zeros = 0
        out.append(each)
        zeros = zeros + 1 if each == 0 else 0
    return bytes(out)


def _rbsp(bits: str) -> bytes:
    return _guard(_pack(bits + "1"))


class PcmWriter:
    """Baseline, CAVLC, lossless, 4:2:0, one reference, every picture shown at once.

    `gop` is the longest distance of key frames in pictures. Width and height must be even. Set `force` for a key
    frame at the next `encode`.
    """

    def __init__(self, width: int, height: int, gop: int) -> None:
        assert width % 2 == 0
        assert height % 2 == 0
        self.width, self.height, self.gop, self.force = width, height, gop, False
        self._across, self._down = (width + 15) // 16, (height + 15) // 16
        self._total = self._across * self._down
        self.sps, self.pps = self._parameter_sets()
        # "skip n, then I_PCM" as bytes: in a P slice each run starts on a byte boundary, after the raw samples.
        self._skip = [_pack(_ue(n) + _P_PCM) for n in range(self._total + 1)]
        self._rows = np.empty((self._total, 386), np.uint8)
        self._rows[:, 0], self._rows[:, 1] = 0x0D, 0x00  # mb_type 25 on a byte boundary
        self._now, self._before = self._planes(), self._planes()
        self._since_key, self._frame_num, self._idr_id, self._started = 0, 0, 0, False

    def _parameter_sets(self) -> tuple[bytes, bytes]:
        right, below = self._across * 16 - self.width, self._down * 16 - self.height
        crop = "1" + _ue(0) + _ue(right // 2) + _ue(0) + _ue(below // 2) if right or below else "0"
        level = next(idc for macroblocks, idc in _LEVELS if self._total <= macroblocks)
        # VUI with bitstream_restriction only: no reordering, one picture buffered.
        vui = "1" + "0" * 8 + "1" + "1" + _ue(0) + _ue(0) + _ue(10) + _ue(10) + _ue(0) + _ue(1)
        head = format(66, "08b") + "11000000" + format(level, "08b") + _ue(0) + _ue(4) + _ue(2) + _ue(1) + "0"
        size = _ue(self._across - 1) + _ue(self._down - 1) + "1" + "0"
        pps = _ue(0) + _ue(0) + "00" + _ue(0) + _ue(0) + _ue(0) + "000" + _SE0 * 3 + "1" + "00"
        return b"\x67" + _rbsp(head + size + crop + vui), b"\x68" + _rbsp(pps)

    def _planes(self) -> tuple[Samples, Samples, Samples]:
        """Y, U and V padded to whole macroblocks with grey, so that the padding never counts as a change."""
        high, wide = self._down * 16, self._across * 16
        return (
            np.full((high, wide), 128, np.uint8),
            np.full((high // 2, wide // 2), 128, np.uint8),
            np.full((high // 2, wide // 2), 128, np.uint8),
        )

    def _load(self, buffer: Samples) -> None:
        """Clips the I420 buffer (flat, or any shape of that size) into the padded planes."""
        flat, luma = buffer.reshape(-1), self.width * self.height
        chroma = luma // 4
        y, u, v = self._now
        half_high, half_wide = self.height // 2, self.width // 2
        np.clip(flat[:luma].reshape(self.height, self.width), 16, 240, out=y[: self.height, : self.width])
        np.clip(flat[luma : luma + chroma].reshape(half_high, half_wide), 16, 240, out=u[:half_high, :half_wide])
        np.clip(flat[luma + chroma :].reshape(half_high, half_wide), 16, 240, out=v[:half_high, :half_wide])

    def _blocks(self, plane: Samples, side: int) -> Samples:
        """The plane seen as (down, across, side, side), without a copy."""
        return plane.reshape(self._down, side, self._across, side).transpose(0, 2, 1, 3)

    def _changed(self) -> npt.NDArray[np.intp]:
        """Indices of macroblocks that differ from the previous picture; eight samples are compared at a time."""
        down, across = self._down, self._across
        moved = np.zeros((down, across), np.bool_)
        for now, before, side in zip(self._now, self._before, (16, 8, 8), strict=True):
            differs = now.view(np.uint64) != before.view(np.uint64)
            moved |= differs.reshape(down, side, across, side // 8).any(axis=(1, 3))
        return np.flatnonzero(moved)

    def encode(self, buffer: Samples) -> tuple[list[bytes], bool]:
        """One I420 picture to (NAL units without start codes, whether it is a key frame)."""
        self._load(buffer)
        key = not self._started or self.force or self._since_key >= self.gop
        nals = self._intra() if key else self._inter()
        self._now, self._before = self._before, self._now
        self._started, self._since_key = True, 1 if key else self._since_key + 1
        return nals, key

    def _intra(self) -> list[bytes]:
        self._frame_num, self.force, self._idr_id = 0, False, self._idr_id ^ 1
        head = _ue(0) + _ue(7) + _ue(0) + "0" * 8 + _ue(self._idr_id) + "00" + _SE0 + _ue(1)
        y, u, v = self._now
        self._rows[:, 2:258] = self._blocks(y, 16).reshape(self._total, 256)
        self._rows[:, 258:322] = self._blocks(u, 8).reshape(self._total, 64)
        self._rows[:, 322:386] = self._blocks(v, 8).reshape(self._total, 64)
        return [self.sps, self.pps, b"\x65" + _guard(_pack(head + _I_PCM)) + self._rows.tobytes()[2:] + b"\x80"]

    def _inter(self) -> list[bytes]:
        self._frame_num = (self._frame_num + 1) & 255
        head = _ue(0) + _ue(5) + _ue(0) + format(self._frame_num, "08b") + "000" + _SE0 + _ue(1)
        changed = self._changed()
        if not len(changed):
            return [b"\x41" + _rbsp(head + _ue(self._total))]
        row, column = np.divmod(changed, self._across)
        y, u, v = (
            self._blocks(plane, side)[row, column].reshape(len(changed), side * side)
            for plane, side in zip(self._now, (16, 8, 8), strict=True)
        )
        samples = np.concatenate((y, u, v), axis=1).tobytes()
        parts, last = [b"\x41"], -1
        for place, index in enumerate(changed.tolist()):
            run = index - last - 1
            parts.append(_guard(_pack(head + _ue(run) + _P_PCM)) if last < 0 else self._skip[run])
            parts.append(samples[place * 384 : place * 384 + 384])
            last = index
        rest = self._total - 1 - last
        parts.append(_rbsp(_ue(rest)) if rest else b"\x80")
        return [b"".join(parts)]
