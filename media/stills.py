"""Photos from phones: checked, turned upright, freed of everything but their pixels."""

from __future__ import annotations

import asyncio
import io
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageCms, ImageOps

from media.errors import MediaFault, Oversized

JPEG_QUALITY = 93
MAX_SIDE = 20_000
# Two at once: each may hold a few hundred megabytes of pixels for a moment.
_AT_ONCE = 2
_places: dict[asyncio.AbstractEventLoop, asyncio.Semaphore] = {}


@dataclass(frozen=True, slots=True)
class CleanPicture:
    jpeg: bytes
    width: int
    height: int


async def clean(photo: bytes | BinaryIO, *, max_pixels: int = 60_000_000) -> CleanPicture:
    """Makes an upright sRGB JPEG without any metadata (EXIF, GPS, XMP, comments, thumbnails) of a JPEG, PNG or WebP photo
    (its bytes, or a file at its beginning), in a thread. The type is read from the bytes. Raises MediaFault for anything
    else, for what is broken, and for more than `max_pixels`, before any pixel is decoded."""
    loop = asyncio.get_running_loop()
    for stale in [known for known in _places if known.is_closed()]:
        del _places[stale]
    async with _places.setdefault(loop, asyncio.Semaphore(_AT_ONCE)):
        return await asyncio.to_thread(_clean, io.BytesIO(photo) if isinstance(photo, bytes) else photo, max_pixels)


def _clean(photo: BinaryIO, max_pixels: int) -> CleanPicture:
    head = photo.read(12)
    photo.seek(0)
    if not (
        head[:3] == b"\xff\xd8\xff" or head[:8] == b"\x89PNG\r\n\x1a\n" or (head[:4], head[8:]) == (b"RIFF", b"WEBP")
    ):
        raise MediaFault("This is not a photo that can be read; send a JPEG, PNG or WebP.")
    pixels = bare_pixels(photo, ("JPEG", "PNG", "WEBP"), max_pixels)
    return CleanPicture(jpeg_of(pixels), *pixels.size)


def bare_pixels(photo: BinaryIO | Path, formats: tuple[str, ...], max_pixels: int) -> Image.Image:
    """Upright, in sRGB, without any metadata. Raises MediaFault, for one that is too large before any pixel is decoded."""
    try:
        with Image.open(photo, formats=formats) as opened:
            width, height = opened.size
            if width * height > max_pixels or max(width, height) > MAX_SIDE:
                raise _oversized(max_pixels)
            opened.load()
            return _to_srgb(_upright(opened))
    except MediaFault:
        raise
    except Image.DecompressionBombError as fault:
        raise _oversized(max_pixels) from fault
    except Exception as fault:  # decoders raise nearly anything on broken bytes
        raise MediaFault("This photo is damaged; take it again.") from fault


def _oversized(max_pixels: int) -> Oversized:
    return Oversized(f"This photo is too large; at most {max_pixels // 1_000_000} megapixels are taken.")


def jpeg_of(pixels: Image.Image, quality: int = JPEG_QUALITY) -> bytes:
    made = io.BytesIO()
    pixels.save(made, "JPEG", quality=quality, subsampling=0, optimize=False)
    return made.getvalue()


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # a broken EXIF block must not cost the photo
        return image


def _to_srgb(image: Image.Image) -> Image.Image:
    """The pixels alone, in sRGB, transparent places white."""
    profile = image.info.get("icc_profile")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        clear = image.convert("RGBA")
        image = Image.new("RGB", clear.size, "white")
        image.paste(clear, mask=clear.getchannel("A"))
    if profile and image.mode in ("RGB", "CMYK", "L"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            turned = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except (ImageCms.PyCMSError, OSError):
            turned = None
        image = turned if turned is not None else image
    bare = Image.new("RGB", image.size)
    bare.paste(image.convert("RGB"))
    return bare
