"""Two still lives painted by code, for Chromium's fake camera: a scratched bag on a table, and someone behind a counter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]
Colour = tuple[float, float, float]  # red, green, blue, 0..1

BAG_SIZE = (720, 1280)  # a phone held upright
COUNTER_SIZE = (1280, 720)
FRAMES = 30
FPS = 15  # half a camera's: three software encoders share one small machine
MARGIN = 12  # the hand's sway needs picture beyond the edge


def bag_video(path: Path) -> Path:
    """A bag, upright, as Y4M for `--use-file-for-fake-video-capture` (Chromium loops it)."""
    return _film(_bag(*BAG_SIZE), path)


def counter_video(path: Path) -> Path:
    return _film(_counter(*COUNTER_SIZE), path)


def bag_photo(path: Path) -> Path:
    """One JPEG of the bag, such as a phone's camera makes."""
    cv2.imwrite(str(path), _pixels(_bag(*BAG_SIZE)))
    return path


def bag_film(path: Path) -> Path:
    """Two seconds of the bag as WebM, such as a phone's camera makes."""
    pixels = _pixels(_bag(*BAG_SIZE))
    with av.open(str(path), "w", format="webm") as film:
        stream = film.add_stream("libvpx", rate=FPS)
        stream.height, stream.width = pixels.shape[:2]
        stream.pix_fmt, stream.bit_rate = "yuv420p", 2_000_000
        for _ in range(2 * FPS):
            film.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "bgr24")))
        film.mux(stream.encode(None))
    return path


def _film(still: Image, path: Path) -> Path:
    height, width = still.shape[:2]
    grain = np.random.default_rng(4)
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{width - 2 * MARGIN} H{height - 2 * MARGIN} F{FPS}:1 Ip A1:1 C420jpeg\n".encode())
        for left, top in _sway():
            move = np.array([[1, 0, left], [0, 1, top]], np.float32)
            moved = cv2.warpAffine(still, move, (width, height), flags=cv2.INTER_LINEAR)
            frame = moved[MARGIN : height - MARGIN, MARGIN : width - MARGIN]
            noisy = frame + grain.normal(0, 0.004, frame.shape[:2])[..., None]
            file.write(
                b"FRAME\n" + cv2.cvtColor(_pixels(np.asarray(noisy, np.float32)), cv2.COLOR_BGR2YUV_I420).tobytes()
            )
    return path


def _pixels(image: Image) -> NDArray[np.uint8]:
    """Eight bits, in OpenCV's order of colours."""
    return np.ascontiguousarray(np.clip(image[..., ::-1], 0, 1) * 255, dtype=np.uint8)


def _sway() -> Iterator[tuple[float, float]]:
    """A hand's slow sway that ends where it began; far below what counts as shaking."""
    for index in range(FRAMES):
        turn = 2 * np.pi * index / FRAMES
        yield 1.2 * float(np.sin(turn)), 0.8 * float(np.cos(2 * turn))


class _Canvas:
    """Coordinates are shares of the width, from the top left corner. Painted at twice the size, so that edges are smooth."""

    def __init__(self, width: int, height: int) -> None:
        self.size = (width + 2 * MARGIN, height + 2 * MARGIN)
        self.scale = 2.0 * self.size[0]
        w, h = 2 * self.size[0], 2 * self.size[1]
        self.y, self.x = (axis.astype(np.float32) / self.scale for axis in np.mgrid[0:h, 0:w])
        self.rgb: Image = np.zeros((h, w, 3), np.float32)
        self.random = np.random.default_rng(11)

    def shape(self, points: list[tuple[float, float]], soft: float = 0.0, rounded: float = 0.0) -> Image:
        """A mask 0..1 of a polygon; `rounded` takes its corners off, `soft` blurs its edge."""
        mask = np.zeros(self.x.shape, np.float32)
        corners = np.round(np.array(points) * self.scale).astype(np.int32)
        cv2.fillPoly(mask, [corners], 1.0, lineType=cv2.LINE_AA)
        if rounded:
            mask = np.clip((self.blurred(mask, rounded) - 0.5) * rounded * self.scale / 3 + 0.5, 0, 1)
        return self.blurred(mask, soft) if soft else mask

    def line(self, points: list[tuple[float, float]], width: float, soft: float = 0.0) -> Image:
        mask = np.zeros(self.x.shape, np.float32)
        path = np.round(np.array(points) * self.scale).astype(np.int32)
        cv2.polylines(mask, [path], False, 1.0, max(1, round(width * self.scale)), cv2.LINE_AA)
        return self.blurred(mask, soft) if soft else mask

    def blurred(self, field: Image, share: float) -> Image:
        return self._blurred(field, (share, share))

    def _blurred(self, field: Image, share: tuple[float, float]) -> Image:
        wide, high = share[0] * self.scale, share[1] * self.scale
        # Wide blurs are made on a small copy: the same picture in a twentieth of the time.
        columns, rows = (max(1, int(sigma / 4)) for sigma in (wide, high))
        small = cv2.resize(field, (field.shape[1] // columns, field.shape[0] // rows), interpolation=cv2.INTER_AREA)
        small = cv2.GaussianBlur(small, (0, 0), wide / columns, sigmaY=high / rows)
        return np.asarray(cv2.resize(small, (field.shape[1], field.shape[0])), np.float32)

    def noise(self, share: tuple[float, float]) -> Image:
        """Smooth noise of unit strength whose grains are `share` wide and high."""
        raw = self.random.normal(0, 1, self.x.shape).astype(np.float32)
        soft = self._blurred(raw, share)
        return np.asarray(soft / soft.std(), np.float32)

    def paint(self, mask: Image, colour: Colour, light: Image | float = 1.0) -> None:
        box = _where(mask)
        lit = light[box] if isinstance(light, np.ndarray) else np.float32(light)
        part = mask[box]
        for channel, tone in enumerate(colour):
            below = self.rgb[..., channel][box]
            below += part * (lit * np.float32(tone) - below)

    def shade(self, mask: Image, by: float) -> None:
        box = _where(mask)
        self.rgb[box] *= 1 + by * mask[box][..., None]

    def picture(self) -> Image:
        small: Any = cv2.resize(self.rgb, self.size, interpolation=cv2.INTER_AREA)
        return np.asarray(np.clip(small, 0, 1), np.float32)


def _where(mask: Image) -> tuple[slice, slice]:
    """The rectangle outside of which the mask is empty: most shapes are small."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if rows.size == 0:
        return slice(0, 0), slice(0, 0)
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _arc(x: float, y: float, rx: float, ry: float, start: float, end: float) -> list[tuple[float, float]]:
    return [(x + rx * float(np.cos(a)), y + ry * float(np.sin(a))) for a in np.radians(np.linspace(start, end, 60))]


def _stitches(canvas: _Canvas, path: list[tuple[float, float]]) -> None:
    """A seam: a groove with pale thread in it."""
    canvas.shade(canvas.line(path, 0.010, soft=0.003), -0.35)
    points = np.array(path)
    steps = np.hypot(*np.diff(points, axis=0).T)
    along = np.concatenate([[0], np.cumsum(steps)])
    for start in np.arange(0.0, along[-1] - 0.012, 0.021):
        ends = [(float(np.interp(s, along, points[:, 0])), float(np.interp(s, along, points[:, 1])))
                for s in (start, start + 0.0125)]  # fmt: skip
        canvas.paint(canvas.line(ends, 0.0045), (0.86, 0.72, 0.50))


def _bag(width: int, height: int) -> Image:
    c = _Canvas(width, height)
    edge = 0.80  # where wall and table meet
    c.paint(np.ones_like(c.x), (0.83, 0.80, 0.75), 1.06 - 0.28 * c.x - 0.10 * c.y)
    grain = c.noise((0.16, 0.0016)) * 0.045 + c.noise((0.30, 0.012)) * 0.05
    table = c.blurred((c.y > edge).astype(np.float32), 0.004)
    c.paint(table, (0.66, 0.47, 0.31), 1.06 - 0.22 * c.x - 0.10 * (c.y - edge) + grain)
    for y in (1.12, 1.50):
        c.shade(c.line([(-0.1, y), (1.1, y + 0.006)], 0.004, soft=0.0015), -0.45)
    c.shade(c.shape([(0.10, 1.15), (0.96, 1.15), (1.06, 1.27), (0.12, 1.31)], soft=0.030), -0.55)
    c.shade(c.shape([(0.11, 1.20), (0.89, 1.20), (0.90, 1.277), (0.10, 1.277)], soft=0.006), -0.70)

    leather = 1 + 0.035 * c.noise((0.004, 0.004)) + 0.03 * c.noise((0.012, 0.009)) + 0.03 * c.noise((0.08, 0.06))
    light = leather * (1.12 - 0.42 * (c.x - 0.2) ** 2 - 0.30 * np.clip(c.y - 0.75, 0, 1))
    tan, dark = (0.60, 0.335, 0.165), (0.43, 0.225, 0.105)

    for offset, colour in ((0.018, (0.30, 0.15, 0.07)), (0.0, dark)):  # the handle, and its edge behind it
        c.paint(c.line(_arc(0.50, 0.53 + offset, 0.17, 0.20, 180, 360), 0.045), colour, light)
    body = c.shape([(0.15, 0.56), (0.85, 0.56), (0.91, 1.27), (0.09, 1.27)], rounded=0.030)
    c.paint(body, tan, light)
    c.shade(body * np.clip(1 - np.abs(c.x - 0.5) / 0.5, 0, 1), 0.10)
    c.shade(body * c.shape([(0.0, 1.19), (1.0, 1.19), (1.0, 1.4), (0.0, 1.4)], soft=0.03), -0.38)
    c.shade(body * c.shape([(0.82, 0.5), (1.0, 0.5), (1.0, 1.4), (0.86, 1.4)], soft=0.035), -0.30)
    _stitches(c, [(0.135, 0.95), (0.120, 1.19), (0.15, 1.235), (0.85, 1.235), (0.880, 1.19), (0.865, 0.95)])

    flap_edge = [(0.885, 0.60), (0.895, 0.86), *_arc(0.5, 0.865, 0.395, 0.135, 0, 180), (0.115, 0.60)]
    flap_points = [(0.14, 0.53), (0.86, 0.53), *flap_edge]
    c.shade(c.shape([(x, y + 0.035) for x, y in flap_points], soft=0.018) * body, -0.50)
    flap = c.shape(flap_points, rounded=0.02)
    c.paint(
        flap,
        (0.64, 0.36, 0.18),
        light * (1.02 + 0.10 * np.exp(-(((c.x - 0.34) / 0.2) ** 2 + ((c.y - 0.66) / 0.1) ** 2))),
    )
    c.shade(flap * c.shape([(0.1, 0.50), (0.9, 0.50), (0.9, 0.565), (0.1, 0.565)], soft=0.012), 0.16)
    c.shade(c.line([(0.895, 0.86), *_arc(0.5, 0.865, 0.395, 0.135, 0, 180)], 0.006, soft=0.002), -0.35)
    inner = [(0.845, 0.585), (0.857, 0.86), *_arc(0.5, 0.862, 0.357, 0.103, 0, 180), (0.155, 0.585)]
    _stitches(c, inner)

    strap = c.shape([(0.452, 0.80), (0.548, 0.80), (0.548, 1.13), (0.500, 1.165), (0.452, 1.13)], rounded=0.008)
    c.shade(c.blurred(np.roll(strap, round(0.010 * c.scale), 1), 0.012) * body, -0.35)
    c.paint(strap, dark, light * 1.1)
    _stitches(c, [(0.465, 0.815), (0.465, 1.12), (0.50, 1.148), (0.535, 1.12), (0.535, 0.815)])
    for y in (1.075, 1.105):
        c.paint(c.shape(_arc(0.5, y, 0.006, 0.006, 0, 360)), (0.12, 0.06, 0.03))
    _buckle(c)
    _scratch(c)
    return c.picture()


def _buckle(c: _Canvas) -> None:
    frame = [(0.425, 0.965), (0.575, 0.965), (0.575, 1.055), (0.425, 1.055), (0.425, 0.965)]
    c.shade(c.line([(x + 0.006, y + 0.010) for x, y in frame], 0.022, soft=0.006), -0.5)
    shine = 0.95 + 0.35 * np.sin((c.x + c.y) * 60) * 0.4 + 0.5 * np.exp(-(((c.y - 0.962) / 0.006) ** 2))
    c.paint(c.line(frame, 0.018), (0.80, 0.62, 0.30), shine)
    c.paint(c.line([(0.43, 1.01), (0.565, 1.01)], 0.013), (0.84, 0.67, 0.36), shine)


def _scratch(c: _Canvas) -> None:
    """What the call is about: the finish is gone along a crooked line."""
    steps = np.linspace(0, 1, 40)
    crooked = np.cumsum(np.random.default_rng(5).normal(0, 0.0016, 40))
    path = [(0.60 + 0.19 * float(s), 0.655 + 0.105 * float(s) + float(d)) for s, d in zip(steps, crooked, strict=True)]
    c.shade(c.line(path, 0.016, soft=0.007), -0.22)
    c.paint(c.line(path, 0.0065, soft=0.0012) * 0.9, (0.87, 0.69, 0.50))
    c.paint(c.line([(x + 0.002, y - 0.003) for x, y in path[6:30]], 0.0030, soft=0.0008) * 0.8, (0.95, 0.83, 0.68))
    side = [(x - 0.012, y + 0.024) for x, y in path[9:25]]
    c.paint(c.line(side, 0.0035, soft=0.001) * 0.7, (0.82, 0.62, 0.42))


def _counter(width: int, height: int) -> Image:
    c = _Canvas(width, height)
    c.paint(np.ones_like(c.x), (0.80, 0.74, 0.66), 1.02 - 0.25 * np.abs(c.x - 0.35))
    for y in (0.16, 0.34, 0.52):
        c.paint(c.shape([(0, y), (1.1, y), (1.1, y + 0.014), (0, y + 0.014)]), (0.48, 0.34, 0.22))
        for x in np.arange(0.03, 1.0, 0.085):
            hue = c.random.uniform(0, 1)
            tall, wide = c.random.uniform(0.05, 0.12), c.random.uniform(0.035, 0.07)
            colour = (0.35 + 0.4 * hue, 0.28 + 0.16 * hue, 0.22 + 0.1 * (1 - hue))
            box = [(float(x), y - tall), (float(x) + wide, y - tall), (float(x) + wide, y), (float(x), y)]
            c.paint(c.shape(box, rounded=0.004), colour, 1.05 - 0.4 * np.abs(c.x - 0.4))
    c.rgb = np.asarray(
        cv2.GaussianBlur(c.rgb, (0, 0), 0.010 * c.scale), np.float32
    )  # the lens is focused on the person
    _person(c)
    counter = c.shape([(-0.1, 0.535), (1.2, 0.535), (1.2, 0.7), (-0.1, 0.7)], soft=0.002)
    c.shade(c.shape([(-0.1, 0.515), (1.2, 0.515), (1.2, 0.7), (-0.1, 0.7)], soft=0.012), -0.35)
    c.paint(counter, (0.60, 0.42, 0.27), 1.05 - 0.3 * c.x + 0.05 * c.noise((0.12, 0.002)))
    return c.picture()


def _person(c: _Canvas) -> None:
    side = 1.10 - 0.9 * np.clip(c.x - 0.46, 0, 1)  # the window is at the left
    skin, hair, shirt, apron = (0.86, 0.66, 0.53), (0.13, 0.10, 0.09), (0.86, 0.85, 0.82), (0.22, 0.30, 0.30)
    c.paint(c.shape([*_arc(0.50, 0.215, 0.098, 0.120, 150, 390), (0.590, 0.33), (0.410, 0.33)], soft=0.003), hair, side)
    shoulders = [
        (0.285, 0.60),
        (0.31, 0.44),
        (0.39, 0.395),
        (0.455, 0.37),
        (0.545, 0.37),
        (0.61, 0.395),
        (0.69, 0.44),
        (0.715, 0.60),
    ]
    c.paint(c.shape(shoulders, rounded=0.016, soft=0.002), shirt, side * (1 + 0.03 * c.noise((0.02, 0.03))))
    neck = c.shape(
        [(0.462, 0.30), (0.538, 0.30), (0.545, 0.385), (0.50, 0.415), (0.455, 0.385)], rounded=0.008, soft=0.002
    )
    c.paint(neck, skin, side * 0.86)
    for x in (0.437, 0.563):
        c.paint(c.line([(x, 0.372), (x + (0.5 - x) * 0.1, 0.47)], 0.026, soft=0.001), apron, side)
    c.paint(c.shape([(0.40, 0.46), (0.60, 0.46), (0.64, 0.62), (0.36, 0.62)], rounded=0.008, soft=0.001), apron, side)
    face = c.shape([*_arc(0.50, 0.225, 0.072, 0.080, 180, 360), *_arc(0.50, 0.235, 0.070, 0.098, 0, 180)], soft=0.0025)
    c.shade(neck * c.shape(_arc(0.50, 0.262, 0.07, 0.092, 0, 360), soft=0.008), -0.30)
    c.paint(face, skin, side)
    c.shade(face * c.shape([(0.535, 0.1), (0.6, 0.1), (0.6, 0.36), (0.53, 0.36)], soft=0.016), -0.13)
    for x in (0.470, 0.532):
        c.paint(c.shape(_arc(x, 0.226, 0.0085, 0.0058, 0, 360), soft=0.0012), (0.16, 0.11, 0.10))
        c.paint(c.line(_arc(x, 0.217, 0.017, 0.010, 205, 335), 0.0042, soft=0.001) * 0.85, hair)
        c.paint(
            c.shape(_arc(x + (x - 0.501) * 0.45, 0.264, 0.015, 0.010, 0, 360), soft=0.008) * 0.5, (0.90, 0.56, 0.46)
        )
    c.shade(c.line([(0.503, 0.235), (0.507, 0.259), (0.497, 0.262)], 0.003, soft=0.0022), -0.24)
    c.paint(c.line(_arc(0.501, 0.274, 0.026, 0.018, 25, 155), 0.0052, soft=0.0012) * 0.9, (0.66, 0.30, 0.27))
    fringe = [
        *_arc(0.50, 0.205, 0.080, 0.092, 176, 364),
        (0.575, 0.215),
        (0.545, 0.165),
        (0.49, 0.158),
        (0.44, 0.185),
        (0.424, 0.22),
    ]
    c.paint(c.shape(fringe, rounded=0.006, soft=0.002), hair, side)
    c.shade(c.line(_arc(0.485, 0.20, 0.055, 0.068, 215, 290), 0.012, soft=0.008), 0.9)
