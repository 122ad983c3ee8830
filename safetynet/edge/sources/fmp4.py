"""The form in which pictures travel: one access unit per fragment of MP4, the same bytes for screen, hash and disk.

A fragment is a 140-byte head and one access unit; a receiver needs three reads at fixed offsets: key (byte 128 == 2),
time on the camera's 90 kHz clock (u64 at 92) and arrival at this gateway (NTP u64 at 16). Parameter sets live only in
the init segment; SEI stays, because a camera's own signature travels in it.

Absent on purpose: reordered (B) pictures, which no composition offset here could place. A camera that sends them is
refused by name, not painted in the wrong order.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from safetynet.core.terms import Instant

TICKS_PER_S: Final = 90_000
FIRST_DURATION_TICKS: Final = 9_000
SIDE_SAMPLES_MAX: Final = 8_192
PARAMETER_SETS_MAX: Final = 16
PARAMETER_SET_BYTES_MAX: Final = 1_024
HEAD_BYTES: Final = 140
_NTP_EPOCH_MS: Final = 2_208_988_800_000
_HEAD: Final = struct.Struct(">I4sIIQQ I4s I4sII I4s I4sII I4sIQ I4sIIIIII I4s")
_KEY, _OTHER = 0x02000000, 0x01010000
_IDR, _SEI, _SPS, _PPS, _AUD = 5, 6, 7, 8, 9


class MalformedError(ValueError):
    """A camera or a relay sent what H.264 or this form does not allow."""


@dataclass(frozen=True, slots=True)
class AccessUnit:
    """One picture as a camera sent it: its NAL units in order, the RTP time (not unwrapped) and whether it is an IDR."""

    nals: tuple[bytes, ...]
    rtp_ticks: int
    key: bool


@dataclass(frozen=True, slots=True)
class Init:
    """The init segment with what a decoder must be told beforehand."""

    data: bytes
    codec: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Fragment:
    data: bytes
    key: bool
    ticks: int


class _Bits:
    """Exp-Golomb reader over an RBSP. Reading past the end is malformed."""

    def __init__(self, nal: bytes) -> None:
        raw = nal.replace(b"\0\0\3", b"\0\0")
        self._value, self._left = int.from_bytes(raw, "big"), len(raw) * 8

    def u(self, n: int) -> int:
        self._left -= n
        if self._left < 0:
            raise MalformedError("parameter set ends too early")
        return self._value >> self._left & ((1 << n) - 1)

    def ue(self) -> int:
        zeros = 0
        while self.u(1) == 0:
            zeros += 1
            if zeros > 31:
                raise MalformedError("number too long")
        return (1 << zeros) - 1 + self.u(zeros)

    def se(self) -> int:
        n = self.ue()
        return (n + 1) // 2 if n & 1 else -(n // 2)


def size(sps: bytes) -> tuple[int, int]:
    """Width and height in samples after cropping (H.264 7.3.2.1.1). Raises MalformedError."""
    if not 4 <= len(sps) <= PARAMETER_SET_BYTES_MAX or sps[0] & 31 != _SPS:
        raise MalformedError("no sequence parameter set")
    bits, profile, chroma = _Bits(sps[4:]), sps[1], 1
    bits.ue()
    if profile in (44, 83, 86, 100, 110, 118, 122, 128, 134, 138, 139, 244):
        chroma = _high_profile(bits)
    bits.ue()
    match bits.ue():
        case 0:
            bits.ue()
        case 1:
            bits.u(1)
            bits.se()
            bits.se()
            for _ in range(min(bits.ue(), 256)):
                bits.se()
        case _:
            pass
    bits.ue()
    bits.u(1)
    across, down, frame_only = bits.ue() + 1, bits.ue() + 1, bits.u(1)
    if not frame_only:
        bits.u(1)
    bits.u(1)
    left = right = top = bottom = 0
    if bits.u(1):
        left, right, top, bottom = bits.ue(), bits.ue(), bits.ue(), bits.ue()
    step_x = 2 if chroma in (1, 2) else 1
    step_y = (2 if chroma == 1 else 1) * (2 - frame_only)
    width = across * 16 - step_x * (left + right)
    height = down * 16 * (2 - frame_only) - step_y * (top + bottom)
    if not (0 < width <= SIDE_SAMPLES_MAX and 0 < height <= SIDE_SAMPLES_MAX):
        raise MalformedError("impossible picture size")
    return width, height


def _high_profile(bits: _Bits) -> int:
    """Reads over what high profiles add; returns chroma_format_idc."""
    chroma = bits.ue()
    if chroma == 3:
        bits.u(1)
    bits.ue()
    bits.ue()
    bits.u(1)
    if bits.u(1):
        for index in range(12 if chroma == 3 else 8):
            if bits.u(1):
                last = following = 8
                for _ in range(16 if index < 6 else 64):
                    if following:
                        following = (last + bits.se()) & 255
                    last = following or last
    return chroma


def reordered(nal: bytes) -> bool:
    """Whether this slice is a B slice, which comes earlier than it is shown."""
    if nal[0] & 31 not in (1, 2):
        return False
    bits = _Bits(nal[1:24])
    bits.ue()
    return bits.ue() % 5 == 1


def _box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def _avcc(sps: Sequence[bytes], pps: Sequence[bytes]) -> bytes:
    head = bytes((1, sps[0][1], sps[0][2], sps[0][3], 0xFF, 0xE0 | len(sps)))
    first = b"".join(struct.pack(">H", len(each)) + each for each in sps)
    second = b"".join(struct.pack(">H", len(each)) + each for each in pps)
    return head + first + bytes((len(pps),)) + second


def init_segment(sps: Sequence[bytes], pps: Sequence[bytes]) -> Init:
    """`ftyp` + `moov` with one H.264 track, id 1, 90 kHz. Raises MalformedError when the SPS is nonsense."""
    if not sps or not pps:
        raise MalformedError("parameter sets are missing")
    width, height = size(sps[0])
    matrix = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    entry = struct.pack(">6xH16xHHIIIH32xHh", 1, width, height, 0x480000, 0x480000, 0, 1, 24, -1)
    avc1 = _box(b"avc1", entry, _box(b"avcC", _avcc(sps, pps)))
    tables = [_box(b"stsd", struct.pack(">II", 0, 1), avc1)]
    tables += [_box(kind, bytes(8)) for kind in (b"stts", b"stsc", b"stco")] + [_box(b"stsz", bytes(12))]
    source = _box(b"dinf", _box(b"dref", struct.pack(">II", 0, 1), _box(b"url ", struct.pack(">I", 1))))
    media = _box(b"minf", _box(b"vmhd", struct.pack(">I8x", 1)), source, _box(b"stbl", *tables))
    mdhd = _box(b"mdhd", struct.pack(">IIIIIHH", 0, 0, 0, TICKS_PER_S, 0, 0x55C4, 0))
    hdlr = _box(b"hdlr", struct.pack(">II4s12x", 0, 0, b"vide"), b"video\0")
    tkhd = _box(
        b"tkhd",
        struct.pack(">IIIII4x8xHHHH", 7, 0, 0, 1, 0, 0, 0, 0, 0),
        matrix,
        struct.pack(">II", width << 16, height << 16),
    )
    mvhd = _box(
        b"mvhd", struct.pack(">IIIIIIH10x", 0, 0, 0, TICKS_PER_S, 0, 0x10000, 0x100), matrix, struct.pack(">24xI", 2)
    )
    trex = _box(b"mvex", _box(b"trex", struct.pack(">IIIIII", 0, 1, 1, 0, 0, 0)))
    moov = _box(b"moov", mvhd, _box(b"trak", tkhd, _box(b"mdia", mdhd, hdlr, media)), trex)
    ftyp = _box(b"ftyp", b"iso6", struct.pack(">I", 0x200), b"iso6mp41")
    return Init(ftyp + moov, "avc1." + sps[0][1:4].hex(), width, height)


def head(seq: int, ticks: int, duration_ticks: int, *, key: bool, size_bytes: int, at: Instant) -> bytes:
    """The 140 bytes before an access unit. `at` is this gateway's wall clock: cameras have wrong ones."""
    ntp = (at + _NTP_EPOCH_MS) * 2**32 // 1_000
    flags = _KEY if key else _OTHER
    # prft flags 0: the NTP time is when the unit came to the gateway's encoder input, not when it was captured.
    prft = (32, b"prft", 0x01000000, 1, ntp, ticks)
    moof = (100, b"moof", 16, b"mfhd", 0, seq & 0xFFFFFFFF)
    traf = (76, b"traf", 16, b"tfhd", 0x020000, 1, 20, b"tfdt", 0x01000000, ticks)
    trun = (32, b"trun", 0x000701, 1, 108, duration_ticks, size_bytes, flags)
    return _HEAD.pack(*prft, *moof, *traf, *trun, 8 + size_bytes, b"mdat")


def is_key(fragment: bytes) -> bool:
    return fragment[128] == 2


def ticks_of(fragment: bytes) -> int:
    return int.from_bytes(fragment[92:100], "big")


def duration_of(fragment: bytes) -> int:
    return int.from_bytes(fragment[120:124], "big")


def well_formed(fragment: bytes) -> bool:
    """Whether bytes that another centre sent are a fragment at all: boxes where they must be, sizes that fit."""
    if (
        len(fragment) <= HEAD_BYTES
        or fragment[4:8] != b"prft"
        or fragment[36:40] != b"moof"
        or fragment[136:140] != b"mdat"
    ):
        return False
    held = len(fragment) - HEAD_BYTES
    return int.from_bytes(fragment[124:128], "big") == held and int.from_bytes(fragment[132:136], "big") == held + 8


class Packager:
    """Access units of one camera to fragments. Time goes on over reconnects; new parameter sets make a new init."""

    def __init__(self) -> None:
        self.init: Init | None = None
        self._sps: dict[int, bytes] = {}
        self._pps: dict[int, bytes] = {}
        self._stale, self._seq, self._ticks = False, 0, 0
        self._rtp: int | None = None
        self._at: Instant | None = None
        self._duration = FIRST_DURATION_TICKS

    def learn(self, nals: Sequence[bytes]) -> None:
        """Takes parameter sets in (also those of an SDP). Too many or too long ones are malformed."""
        for nal in nals:
            kind = nal[0] & 31
            if kind not in (_SPS, _PPS):
                continue
            if len(nal) > PARAMETER_SET_BYTES_MAX:
                raise MalformedError("parameter set too long")
            known, at = (self._sps, 4) if kind == _SPS else (self._pps, 1)
            id = _Bits(nal[at : at + 8]).ue()
            if known.get(id) != nal:
                known[id] = nal
                self._stale = True
            if len(known) > PARAMETER_SETS_MAX:
                raise MalformedError("too many parameter sets")

    def restart(self) -> None:
        """A new session began: its RTP clock has nothing to do with the old one."""
        self._rtp = None

    def take(self, unit: AccessUnit, at: Instant) -> tuple[Init | None, Fragment] | None:
        """(init segment if it is new, fragment), or None for a unit without a picture or before the first key frame."""
        self.learn(unit.nals)
        fresh = None
        if self._stale and unit.key and self._sps and self._pps:
            made = init_segment(tuple(self._sps.values()), tuple(self._pps.values()))
            self._stale = False
            if self.init is None or made.data != self.init.data:
                fresh = self.init = made
        if self.init is None:
            return None
        kept = [nal for nal in unit.nals if nal[0] & 31 in (1, 2, 3, 4, _IDR, _SEI)]
        if not any(nal[0] & 31 != _SEI for nal in kept):
            return None
        if reordered(next(nal for nal in kept if nal[0] & 31 != _SEI)):
            raise MalformedError("pictures out of order")
        ticks = self._unwrap(unit.rtp_ticks, at)
        sample = b"".join(part for nal in kept for part in (len(nal).to_bytes(4, "big"), nal))
        self._seq += 1
        front = head(self._seq, ticks, self._duration, key=unit.key, size_bytes=len(sample), at=at)
        return fresh, Fragment(front + sample, unit.key, ticks)

    def _unwrap(self, rtp_ticks: int, at: Instant) -> int:
        """The RTP clock wraps after 13.3 h; backward steps count as none, a new session goes on by the wall clock."""
        if self._rtp is None:
            step = 0 if self._at is None else max(0, at - self._at) * TICKS_PER_S // 1_000
        else:
            step = (rtp_ticks - self._rtp) & 0xFFFFFFFF
            if step >= 2**31:
                step = 0
            elif step:
                self._duration = min(step, TICKS_PER_S)
        self._rtp, self._at = rtp_ticks, at
        self._ticks += step
        return self._ticks
