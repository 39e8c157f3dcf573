"""Photos from phones are upright, clean, and never harm the house."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from media.errors import MediaFault
from media.stills import clean


def photo(kind: str = "JPEG", size: tuple[int, int] = (64, 48), **extra: object) -> bytes:
    """Left half red, right half blue."""
    image = Image.new("RGB", size, (0, 0, 255))
    image.paste((255, 0, 0), (0, 0, size[0] // 2, size[1]))
    made = io.BytesIO()
    image.save(made, kind, **extra)
    return made.getvalue()


def colour(image: Image.Image, at: tuple[int, int]) -> tuple[int, ...]:
    found = image.getpixel(at)
    assert isinstance(found, tuple)
    return found


def with_place(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "SecretPhone"
    gps = exif.get_ifd(0x8825)
    gps[1], gps[2] = "N", (31.0, 13.0, 49.0)
    exif._ifds[0x8825] = gps
    return photo(exif=exif.tobytes(), comment=b"SecretComment", xmp=b"<x:xmpmeta>SecretXmp</x:xmpmeta>")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
async def test_each_kind_becomes_a_jpeg_of_the_same_size(kind: str) -> None:
    done = await clean(photo(kind))
    assert (done.width, done.height) == (64, 48)
    with Image.open(io.BytesIO(done.jpeg)) as image:
        assert image.format == "JPEG"
        left, right = colour(image, (5, 20)), colour(image, (60, 20))
    assert left[0] > 200 > 60 > left[2]
    assert right[2] > 200 > 60 > right[0]


@pytest.mark.parametrize(("orientation", "size", "red_at"), [(1, (64, 48), (5, 20)), (3, (64, 48), (60, 20)),
                                                             (6, (48, 64), (20, 5)), (8, (48, 64), (20, 60))])  # fmt: skip
async def test_it_stands_upright_and_tells_nothing_of_place_or_phone(
    orientation: int, size: tuple[int, int], red_at: tuple[int, int]
) -> None:
    data = with_place(orientation)
    assert b"SecretPhone" in data
    assert b"SecretXmp" in data
    done = await clean(data)
    assert (done.width, done.height) == size
    for secret in (b"Exif", b"Secret", b"xmpmeta", b"GPS", b"ICC_PROFILE"):
        assert secret not in done.jpeg
    with Image.open(io.BytesIO(done.jpeg)) as image:
        assert not image.getexif()
        assert colour(image, red_at)[0] > 200


async def test_a_colour_profile_is_applied_and_removed() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    done = await clean(photo(icc_profile=profile))
    with Image.open(io.BytesIO(done.jpeg)) as image:
        assert "icc_profile" not in image.info
        assert colour(image, (5, 20))[0] > 200


async def test_transparent_places_become_white() -> None:
    made = io.BytesIO()
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(made, "PNG")
    with Image.open(io.BytesIO((await clean(made.getvalue())).jpeg)) as image:
        assert min(colour(image, (4, 4))) > 250


async def test_a_bomb_is_refused_before_its_pixels_are_decoded() -> None:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack("!I", len(body)) + kind + body + struct.pack("!I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack("!IIBBBBB", 19_000, 19_000, 8, 2, 0, 0, 0))
    bomb = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(10_000))) + chunk(b"IEND", b"")
    with pytest.raises(MediaFault, match=r"60 megapixels|damaged"):
        await clean(bomb)
    with pytest.raises(MediaFault, match="too large"):
        await clean(photo(size=(2000, 1000)), max_pixels=1_000_000)


@pytest.mark.parametrize("data", [b"", b"GIF89a" + bytes(50), b"<svg/>", b"%PDF-1.7", b"\xff\xd8\xff" + bytes(30)])
async def test_what_is_no_photo_is_refused_with_a_sentence(data: bytes) -> None:
    with pytest.raises(MediaFault, match=r"photo .*[;].*\."):
        await clean(data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
async def test_a_cut_photo_is_refused(kind: str) -> None:
    data = photo(kind, size=(300, 200))
    with pytest.raises(MediaFault, match="damaged"):
        await clean(data[: len(data) // 2])


_WHOLE = with_place(6)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
async def test_altered_photos_are_cleaned_or_refused_but_never_crash(data: st.DataObject) -> None:
    altered = bytearray(_WHOLE)
    for _ in range(data.draw(st.integers(1, 6))):
        altered[data.draw(st.integers(3, len(altered) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        done = await clean(bytes(altered))
    except MediaFault:
        return
    assert b"Secret" not in done.jpeg
