"""Photos as they are kept, and the small pictures that stand for photos and films in a conversation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image

from media.errors import MediaFault, Oversized
from media.stills import bare_pixels, jpeg_of

MAX_PIXELS = 60_000_000
KEPT_SIDE_PX = 4096  # what a screen can show enlarged; a phone's page sends 2048
THUMB_SIDE_PX = 640
THUMB_QUALITY = 78
MAX_FILM_PIXELS = 8192 * 4352


def develop(source: Path, reader: str) -> tuple[bytes, bytes, tuple[int, int]]:
    """(JPEG, small JPEG, (width, height)) of a photo. Raises MediaFault."""
    if reader == "HEIF":
        _read_heif()
    pixels = bare_pixels(source, (reader,), MAX_PIXELS)
    pixels.thumbnail((KEPT_SIDE_PX, KEPT_SIDE_PX))
    return jpeg_of(pixels, 88), small(pixels), pixels.size


def small(pixels: Image.Image) -> bytes:
    reduced = pixels.copy()
    reduced.thumbnail((THUMB_SIDE_PX, THUMB_SIDE_PX))
    return jpeg_of(reduced, THUMB_QUALITY)


def first_picture(container: Any, stream: Any) -> tuple[bytes, tuple[int, int]]:
    """(small JPEG, (width, height) as it is to be shown) of a film that libav has opened. Raises MediaFault."""
    if stream.width * stream.height > MAX_FILM_PIXELS or not stream.width:
        raise Oversized("This film is too large.")
    for frame in container.decode(stream):
        turned = round(-frame.rotation / 90) * 90 % 360  # libav counts against the clock
        shown = frame.to_image()
        if turned:
            shown = shown.rotate(-turned, expand=True)
        return small(shown), shown.size
    raise MediaFault("This film has no picture.")


def _read_heif() -> None:
    try:
        import pillow_heif
    except ImportError:
        raise MediaFault("HEIC photos cannot be read here; send it as a JPEG.") from None
    pillow_heif.register_heif_opener()
