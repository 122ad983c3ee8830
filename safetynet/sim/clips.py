"""Clips that somebody filmed, taken apart for a simulated camera. The only file that needs `av`."""

from fractions import Fraction
from pathlib import Path
from typing import Final

import av
from av.video.frame import PictureType

CLIP_PICTURES_MAX: Final = 20_000
_START: Final = b"\0\0\0\1"

Picture = tuple[tuple[bytes, ...], bool, float]


def demux(path: Path) -> tuple[int, int, tuple[Picture, ...], float, bytes, bytes, bool]:
    """(width, height, pictures, length in s, SPS, PPS, whether the file has sound). See `cameras.read_clip`."""
    with av.open(str(path)) as file:
        video = file.streams.video[0] if file.streams.video else None
        if video is None or video.codec_context.name != "h264" or not video.codec_context.extradata:
            raise ValueError(f"{path.name} holds no H.264 video")
        sps, pps = _parameter_sets(bytes(video.codec_context.extradata))
        packets = [packet for packet in file.demux(video) if packet.size][:CLIP_PICTURES_MAX]
        base, audio = float(video.time_base or 1 / 90_000), bool(file.streams.audio)
        rate = float(video.average_rate or 10)
        if any(packet.pts != packet.dts for packet in packets):
            width, height = video.codec_context.width, video.codec_context.height
            pictures, sps, pps = _again(path, rate)
            return width, height, pictures, len(pictures) / rate, sps, pps, audio
        start = packets[0].dts or 0
        made = [(_split(bytes(each)), bool(each.is_keyframe), ((each.dts or 0) - start) * base) for each in packets]
        return video.codec_context.width, video.codec_context.height, tuple(made), len(made) / rate, sps, pps, audio


def _parameter_sets(avcc: bytes) -> tuple[bytes, bytes]:
    """First SPS and first PPS of an `avcC` record."""
    size = int.from_bytes(avcc[6:8], "big")
    at = 8 + size + 1
    return avcc[8 : 8 + size], avcc[at + 2 : at + 2 + int.from_bytes(avcc[at : at + 2], "big")]


def _split(sample: bytes) -> tuple[bytes, ...]:
    """Length-prefixed NAL units; parameter sets and delimiters are left out, the camera sends its own."""
    nals, at = [], 0
    while at + 4 <= len(sample):
        size = int.from_bytes(sample[at : at + 4], "big")
        nal = sample[at + 4 : at + 4 + size]
        if nal and nal[0] & 31 not in (7, 8, 9):
            nals.append(nal)
        at += 4 + size
    return tuple(nals)


def _again(path: Path, rate: float) -> tuple[tuple[Picture, ...], bytes, bytes]:
    """Encodes once without pictures out of order, with the key-frame distance of the file."""
    pictures: list[Picture] = []
    sps = pps = b""
    with av.open(str(path)) as file:
        source = file.streams.video[0]
        frames = file.decode(source)
        encoder = av.CodecContext.create("libx264", "w")
        encoder.width, encoder.height = source.codec_context.width, source.codec_context.height
        encoder.pix_fmt, encoder.framerate = "yuv420p", source.average_rate or Fraction(10)
        encoder.time_base = 1 / encoder.framerate
        encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "crf": "23", "bf": "0"}
        for count, frame in enumerate(frames):
            if count >= CLIP_PICTURES_MAX:
                break
            picture = frame.reformat(format="yuv420p")
            picture.pts = count
            picture.pict_type = PictureType.I if frame.key_frame else PictureType.NONE
            for packet in encoder.encode(picture):
                nals = _annex_b(bytes(packet))
                sps = next((each for each in nals if each[0] & 31 == 7), sps)
                pps = next((each for each in nals if each[0] & 31 == 8), pps)
                body = tuple(each for each in nals if each[0] & 31 not in (7, 8, 9))
                pictures.append((body, bool(packet.is_keyframe), len(pictures) / rate))
    return tuple(pictures), sps, pps


def _annex_b(data: bytes) -> list[bytes]:
    return [part for part in data.replace(_START, _START[1:]).split(_START[1:]) if part]
