"""A few seconds of camera and microphone, encoded once and packed for RTP, so that clients never encode."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np

FPS = 25
WIDTH, HEIGHT = 640, 480
VIDEO_BPS = 800_000
SECONDS = 4.0
KEYFRAME_EVERY = 2 * FPS
AUDIO_PACKET_S = 0.02
_PAYLOAD_BYTES = 1150  # Chromium's packets are about 1200 bytes with header, extensions and seal


@dataclass(frozen=True, slots=True)
class Clip:
    """`frames[n]` are the RTP payloads of one VP8 frame (RFC 7741); frame 0 and each `KEYFRAME_EVERY`th is a keyframe.
    `sounds[n]` is 20 ms of Opus. Both loop."""

    frames: tuple[tuple[bytes, ...], ...]
    sounds: tuple[bytes, ...]

    @property
    def video_bps(self) -> float:
        return sum(len(part) for frame in self.frames for part in frame) * 8 * FPS / len(self.frames)


def make_clip(seconds: float = SECONDS) -> Clip:
    return Clip(tuple(_packed(frame) for frame in _video(seconds)), tuple(_sound(seconds)))


def _packed(frame: bytes) -> tuple[bytes, ...]:
    """Parts of nearly equal size, as libwebrtc cuts them; the first one's descriptor has S set (RFC 7741 4.2)."""
    count = -(-len(frame) // _PAYLOAD_BYTES)
    size = -(-len(frame) // count)
    return tuple((b"\x00" if at else b"\x10") + frame[at : at + size] for at in range(0, len(frame), size))


def _video(seconds: float) -> list[bytes]:
    encoder = av.CodecContext.create("libvpx", "w")
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, FPS), Fraction(FPS)
    encoder.bit_rate, encoder.gop_size = VIDEO_BPS, KEYFRAME_EVERY
    encoder.options = {
        "deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "error-resilient": "1", "auto-alt-ref": "0",
        "keyint_min": str(KEYFRAME_EVERY), "minrate": str(VIDEO_BPS), "maxrate": str(VIDEO_BPS), "bufsize": str(VIDEO_BPS // 2),
    }  # fmt: skip
    seeded = np.random.default_rng(1)
    # A grainy leather that moves under a held phone: enough detail to use up the bit rate.
    leather = seeded.normal(128, 30, (HEIGHT * 2, WIDTH * 2, 3))
    for axis in (0, 1):
        leather = (leather + np.roll(leather, 1, axis) + np.roll(leather, 2, axis)) / 3
    pixels = np.clip(leather, 0, 255).astype(np.uint8)
    frames: list[bytes] = []
    for index in range(round(seconds * FPS)):
        top = int(40 + 30 * np.sin(index / 9))
        left = int(60 + 50 * np.cos(index / 13))
        frame = av.VideoFrame.from_ndarray(
            np.ascontiguousarray(pixels[top : top + HEIGHT, left : left + WIDTH]), "rgb24"
        )
        frame.pts = index
        frames += [bytes(packet) for packet in encoder.encode(frame)]
    return frames + [bytes(packet) for packet in encoder.encode(None)]


def _sound(seconds: float) -> list[bytes]:
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, "mono", "s16"
    encoder.bit_rate = 32_000
    encoder.options = {"application": "voip", "frame_duration": "20"}
    size = round(48_000 * AUDIO_PACKET_S)
    seeded = np.random.default_rng(2)
    sounds: list[bytes] = []
    for index in range(round(seconds / AUDIO_PACKET_S)):
        at = np.arange(index * size, (index + 1) * size) / 48_000
        voice = 6000 * np.sin(2 * np.pi * 180 * at) * (1 + np.sin(2 * np.pi * 3 * at)) + seeded.normal(0, 300, size)
        frame = av.AudioFrame.from_ndarray(voice.astype(np.int16)[np.newaxis], format="s16", layout="mono")
        frame.sample_rate, frame.pts = 48_000, index * size
        sounds += [bytes(packet) for packet in encoder.encode(frame)]
    return sounds + [bytes(packet) for packet in encoder.encode(None)]
