"""The process behind `media.compose`: arguments `format out label=file...`; prints its progress, a share a line."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT, FPS = 1280, 720, 25
INSET_WIDTH, INSET_HEIGHT, MARGIN = 320, 240, 16
RATE = 48_000
Planes = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]

# Speed over size: people wait for this file, and mostly send it once.
_VIDEO: dict[str, tuple[str, dict[str, str]]] = {
    "mp4": ("libx264", {"preset": "ultrafast", "crf": "24", "threads": "2"}),
    "webm": ("libvpx", {"deadline": "realtime", "cpu-used": "8", "threads": "2", "lag-in-frames": "0"}),
}
_AUDIO: dict[str, tuple[str, str, int]] = {"mp4": ("aac", "fltp", 1024), "webm": ("libopus", "s16", 960)}


class Face:
    """One person's pictures, asked for in the order of time."""

    def __init__(self, path: Path) -> None:
        self._file = av.open(str(path))
        self._frames: Iterator[Any] = self._decode() if self._file.streams.video else iter(())
        self._next = next(self._frames, None)
        self._shown: Any = None
        self._scaled: Planes | None = None
        self._room = (0, 0)

    def _decode(self) -> Iterator[Any]:
        stream = self._file.streams.video[0]
        stream.thread_type = "AUTO"
        for packet in self._file.demux(stream):
            try:
                yield from packet.decode()
            except av.FFmpegError:
                continue

    def at(self, seconds: float, width: int, height: int) -> Planes | None:
        """The picture shown at that time, fitted into a room; None before the first."""
        while self._next is not None and (self._next.time or 0.0) <= seconds:
            self._shown, self._scaled = self._next, None
            self._next = next(self._frames, None)
        if self._shown is None:
            return None
        if self._scaled is None or self._room != (width, height):
            self._scaled, self._room = _fitted(self._shown, width, height), (width, height)
        return self._scaled

    def close(self) -> None:
        self._file.close()


class Voice:
    """One person's sound as 48 kHz mono samples without gaps, asked for in order."""

    def __init__(self, path: Path) -> None:
        self._file = av.open(str(path))
        self._frames: Iterator[Any] = self._decode() if self._file.streams.audio else iter(())
        self._held: NDArray[np.int32] = np.zeros(0, np.int32)
        self._end = 0

    def _decode(self) -> Iterator[Any]:
        resampler = av.AudioResampler("s16", "mono", RATE)
        for packet in self._file.demux(audio=0):
            try:
                frames = packet.decode()
            except av.FFmpegError:
                continue
            for frame in frames:
                at = round((frame.time or 0.0) * RATE)
                for even in resampler.resample(frame):
                    yield at, even.to_ndarray().reshape(-1).astype(np.int32)
                    at += even.samples

    def take(self, count: int) -> NDArray[np.int32]:
        while len(self._held) < count:
            at, samples = next(self._frames, (self._end, np.zeros(count, np.int32)))
            # Millisecond times wobble by a few samples; only a real gap is filled, only a real overlap is cut.
            apart = at - self._end
            if apart > RATE // 100:
                samples = np.concatenate((np.zeros(min(apart, 3600 * RATE), np.int32), samples))
            elif apart < -RATE // 100:
                samples = samples[-apart:]
            self._held = np.concatenate((self._held, samples))
            self._end += len(samples)
        taken, self._held = self._held[:count], self._held[count:]
        return taken

    def close(self) -> None:
        self._file.close()


def _fitted(frame: Any, width: int, height: int) -> Planes:
    turns = round((frame.rotation or 0) / 90) % 4
    image = frame.reformat(format="yuv420p")
    planes = []
    for plane in image.planes:
        pixels = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]
        planes.append(np.rot90(pixels, turns) if turns else pixels)
    scale = min(width / planes[0].shape[1], height / planes[0].shape[0])
    half_width = max(1, round(planes[0].shape[1] * scale) // 2)
    half_height = max(1, round(planes[0].shape[0] * scale) // 2)
    luma, *chroma = (np.ascontiguousarray(plane) for plane in planes)
    y = cv2.resize(luma, (2 * half_width, 2 * half_height), interpolation=cv2.INTER_LINEAR)
    u, v = (cv2.resize(plane, (half_width, half_height), interpolation=cv2.INTER_LINEAR) for plane in chroma)
    return np.asarray(y, np.uint8), np.asarray(u, np.uint8), np.asarray(v, np.uint8)


def _paste(canvas: Planes, picture: Planes, left: int, top: int) -> None:
    for target, source, part in zip(canvas, picture, (1, 2, 2), strict=True):
        x, y = left // part, top // part
        target[y : y + source.shape[0], x : x + source.shape[1]] = source


def _canvas() -> Planes:
    return (
        np.full((HEIGHT, WIDTH), 16, np.uint8),
        np.full((HEIGHT // 2, WIDTH // 2), 128, np.uint8),
        np.full((HEIGHT // 2, WIDTH // 2), 128, np.uint8),
    )


def _composed(faces: dict[str, Face], seconds: float) -> Any:
    canvas = _canvas()
    alone = len(faces) == 1
    for name, face in faces.items():
        large = alone or name == "customer"
        picture = face.at(seconds, *((WIDTH, HEIGHT) if large else (INSET_WIDTH, INSET_HEIGHT)))
        if picture is None:
            continue
        height, width = picture[0].shape
        if large:
            _paste(canvas, picture, (WIDTH - width) // 4 * 2, (HEIGHT - height) // 4 * 2)
        else:
            _paste(canvas, picture, WIDTH - MARGIN - width, HEIGHT - MARGIN - height)
    frame: Any = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
    for plane, pixels in zip(frame.planes, canvas, strict=True):
        rows = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
        rows[:, : plane.width] = pixels
    return frame


def compose(fmt: str, out: Path, people: dict[str, Path]) -> None:
    temporary = out.with_name(f".{out.name}-{os.getpid()}")
    duration = max(_duration(path) for path in people.values())
    faces = {name: Face(path) for name, path in people.items()}
    voices = [Voice(path) for path in people.values()]
    sound_name, sound_format, sound_size = _AUDIO[fmt]
    picture_name, picture_options = _VIDEO[fmt]
    try:
        options = {"movflags": "+faststart"} if fmt == "mp4" else {"cues_to_front": "1"}
        with av.open(str(temporary), "w", format=fmt, options=options) as made:
            video: Any = made.add_stream(picture_name, rate=FPS, options=picture_options)
            video.width, video.height, video.pix_fmt, video.gop_size = WIDTH, HEIGHT, "yuv420p", 4 * FPS
            video.bit_rate = 1_500_000 if fmt == "webm" else 0
            audio: Any = made.add_stream(sound_name, rate=RATE, layout="mono")
            audio.bit_rate, audio.format = 64_000, sound_format
            told, heard = -1, 0
            for index in range(max(1, round(duration * FPS))):
                frame = _composed(faces, index / FPS)
                frame.pts, frame.time_base = index, Fraction(1, FPS)
                made.mux(video.encode(frame))
                while heard < (index + 1) / FPS * RATE:
                    made.mux(audio.encode(_mixed(voices, sound_size, sound_format, heard)))
                    heard += sound_size
                share = int(100 * (index + 1) / max(1.0, duration * FPS))
                if share > told:
                    told = share
                    print(f"{min(share, 99) / 100:.2f}", flush=True)
            made.mux(video.encode(None))
            made.mux(audio.encode(None))
        os.replace(temporary, out)
        print("1.00", flush=True)
    finally:
        temporary.unlink(missing_ok=True)
        for face in faces.values():
            face.close()
        for voice in voices:
            voice.close()


def _mixed(voices: list[Voice], count: int, sample_format: str, at: int) -> Any:
    mixed = np.clip(sum((voice.take(count) for voice in voices), np.zeros(count, np.int32)), -32_768, 32_767)
    samples = mixed.astype(np.int16) if sample_format == "s16" else (mixed / 32_768).astype(np.float32)
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format=sample_format, layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = RATE, at, Fraction(1, RATE)
    return frame


def _duration(path: Path) -> float:
    with av.open(str(path)) as file:
        return float(file.duration or 0) / 1_000_000


def main(fmt: str, out: str, *people: str) -> None:
    os.nice(10)  # live calls on this machine come first
    av.logging.set_level(av.logging.PANIC)
    try:
        compose(fmt, Path(out), {name: Path(path) for name, _, path in (person.partition("=") for person in people)})
    except (av.FFmpegError, OSError, ValueError) as fault:
        sys.exit(f"{type(fault).__name__}: {fault}")


if __name__ == "__main__":
    main(*sys.argv[1:])
