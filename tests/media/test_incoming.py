"""What people send is what it says it is, tells nothing of where it was made, and harms nobody."""

from __future__ import annotations

import asyncio
import hashlib
import io
import struct
import sys
import time
import zlib
from asyncio.subprocess import PIPE
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pillow_heif
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from media import customs
from media.errors import MediaFault
from media.incoming import Examined, examine
from media.sniff import sniff
from media.wave import play
from tests.media.test_stills import with_place

PLACE = "+31.2304+121.4737/"
SECRETS = (b"SecretPhone", b"SecretComment", b"SecretXmp", b"SecretTitle", PLACE.encode(), b"Exif", b"GPS")


class Sent:
    """Sends bytes as a person would, and looks at what is kept of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def __call__(self, data: bytes) -> Examined:
        source = self.folder / "source"
        source.write_bytes(data)
        return await examine(source, self.folder / "out", hashlib.sha256(data).hexdigest())

    @property
    def is_clear(self) -> bool:
        return not (self.folder / "out").exists()


@pytest.fixture
def sent(tmp_path: Path) -> Sent:
    return Sent(tmp_path)


def film(kind: str, codec: str, folder: Path, *, sound: str | None = None, turned: int = 0) -> bytes:
    """Two seconds that get brighter to the left, 320x240, with a title and a place."""
    path = folder / f"film.{kind}"
    with av.open(str(path), "w", options={"movflags": "use_metadata_tags"} if kind == "mp4" else {}) as made:
        made.metadata.update({"title": "SecretTitle", "location": PLACE, "com.apple.quicktime.location.ISO6709": PLACE})
        video = made.add_stream(codec, rate=10)
        assert isinstance(video, av.VideoStream)
        video.width, video.height, video.pix_fmt = 320, 240, "yuv420p"
        if kind == "mkv":
            video.options = {"tune": "zerolatency"}  # as browsers record
        if turned:
            video.set_display_rotation(turned)
        tone = made.add_stream(sound, rate=48_000) if sound else None
        for number in range(20):
            image = np.zeros((240, 320, 3), np.uint8)
            image[:, :160] = 40 + number * 10
            frame = av.VideoFrame.from_ndarray(image, "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 10)
            made.mux(video.encode(frame))
        made.mux(video.encode(None))
        if tone is not None:
            assert isinstance(tone, av.AudioStream)
            beep(made, tone, 2.0)
    return path.read_bytes()


def voice(kind: str, codec: str, folder: Path) -> bytes:
    """Three seconds: silence, then a tone, then silence."""
    path = folder / f"voice.{kind}"
    with av.open(str(path), "w") as made:
        made.metadata["title"] = "SecretTitle"
        tone = made.add_stream(codec, rate=48_000)
        assert isinstance(tone, av.AudioStream)
        beep(made, tone, 3.0, lambda at: 1.0 <= at < 2.0)
    return path.read_bytes()


def beep(made: av.container.OutputContainer, stream: av.AudioStream, seconds: float,
         is_loud: Callable[[float], bool] = lambda at: True) -> None:  # fmt: skip
    at = np.arange(int(seconds * 48_000)) / 48_000
    loud = np.vectorize(is_loud)(at)
    samples = (np.sin(at * 880 * np.pi) * 12_000 * loud).astype(np.int16)
    for start in range(0, samples.size, 960):
        frame = av.AudioFrame.from_ndarray(samples[None, start : start + 960], "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, start, Fraction(1, 48_000)
        made.mux(stream.encode(frame))
    made.mux(stream.encode(None))


def tells_nothing(path: Path) -> bool:
    data = path.read_bytes()
    return not any(secret in data for secret in SECRETS)


async def test_a_photo_becomes_an_upright_jpeg_without_its_place(sent: Sent) -> None:
    data = with_place(6)
    assert b"SecretPhone" in data
    kept = await sent(data)
    assert (kept.kind, kept.mime, kept.suffix, kept.width, kept.height) == ("image", "image/jpeg", ".jpg", 48, 64)
    assert kept.thumb is not None
    assert tells_nothing(kept.file)
    assert tells_nothing(kept.thumb)


async def test_a_heic_photo_is_read(sent: Sent) -> None:
    exif = Image.Exif()
    exif[0x010F] = "SecretPhone"
    made = io.BytesIO()
    pillow_heif.from_pillow(Image.new("RGB", (640, 480), "red")).save(made, format="HEIF", exif=exif.tobytes())
    kept = await sent(made.getvalue())
    assert (kept.kind, kept.width, kept.height) == ("image", 640, 480)
    assert tells_nothing(kept.file)
    with Image.open(kept.file) as image:
        assert image.format == "JPEG"


async def test_a_large_photo_has_a_small_picture(sent: Sent) -> None:
    made = io.BytesIO()
    Image.effect_noise((6000, 3000), 40).convert("RGB").save(made, "JPEG", quality=60)
    kept = await sent(made.getvalue())
    assert (kept.width, kept.height) == (4096, 2048)
    assert kept.thumb is not None
    with Image.open(kept.thumb) as thumb:
        assert thumb.size == (640, 320)
    assert kept.thumb.stat().st_size < 100_000


def png_bomb(side: int) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack("!I", len(data)) + name + data + struct.pack("!I", zlib.crc32(name + data))

    head = struct.pack("!IIBBBBB", side, side, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000) * 10_000, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


async def test_a_bomb_is_refused_before_it_is_decoded(sent: Sent) -> None:
    began = time.monotonic()
    with pytest.raises(MediaFault, match="too large"):
        await sent(png_bomb(60_000))
    assert time.monotonic() - began < 20
    assert sent.is_clear


async def test_the_photo_that_needs_most_memory_is_read(sent: Sent) -> None:
    made, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6  # to be turned
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    photo = Image.new("RGBA", (10_000, 6_000), (200, 20, 20, 128))
    photo.save(made, "WEBP", lossless=True, quality=0, method=0, exif=exif, icc_profile=profile)
    kept = await sent(made.getvalue())
    assert (kept.kind, kept.width, kept.height) == ("image", 2458, 4096)


@pytest.mark.parametrize("size", [1, 0.5])
async def test_what_needs_more_memory_than_any_photo_ends_its_process_and_not_the_server(size: float) -> None:
    code = (
        f"from media import customs; customs._limit(); bytearray(int(customs.MEMORY_BYTES * {size})); print('had it')"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=PIPE, stderr=PIPE)
    said, fault = await process.communicate()
    assert customs.MEMORY_BYTES <= 2 * 1024**3
    assert (b"MemoryError" in fault, said) == ((True, b"") if size == 1 else (False, b"had it\n"))


@pytest.mark.parametrize(
    "data",
    [
        b"<!doctype html><script>alert(1)</script>",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"%PDF-1.7 something",
        b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
        b"PK\x03\x04 a zip",
        b"x",
        bytes(1000),
    ],
)
async def test_what_is_no_picture_sound_or_film_is_only_a_file(sent: Sent, data: bytes) -> None:
    kept = await sent(data)
    assert kept.kind == "file"
    assert kept.mime in ("application/octet-stream", "application/pdf")
    assert kept.file.read_bytes() == data
    assert kept.thumb is None


async def test_a_damaged_photo_and_one_that_is_not_what_was_promised_are_refused(sent: Sent) -> None:
    with pytest.raises(MediaFault, match="damaged"):
        await sent(with_place(1)[:300])
    assert sent.is_clear
    source = sent.folder / "source"
    source.write_bytes(b"something")
    with pytest.raises(MediaFault, match="damaged"):
        await examine(source, sent.folder / "out", "0" * 64)
    assert sent.is_clear


async def test_a_broken_film_is_only_a_file(sent: Sent, tmp_path: Path) -> None:
    kept = await sent(film("mp4", "libx264", tmp_path)[:900])
    assert kept.kind == "file"
    assert not (sent.folder / "out" / "kept").exists()


@pytest.mark.parametrize(("kind", "codec", "sound"), [("mp4", "libx264", "aac"), ("webm", "libvpx", "libopus"),
                                                       ("mkv", "libx264", "libopus")])  # fmt: skip
async def test_a_film_keeps_its_packets_and_loses_its_place(
    sent: Sent, tmp_path: Path, kind: str, codec: str, sound: str
) -> None:
    data = film(kind, codec, tmp_path, sound=sound)
    assert PLACE.encode() in data
    kept = await sent(data)
    assert (kept.kind, kept.mime) == ("video", f"video/{'webm' if kind == 'webm' else 'mp4'}")
    assert (kept.width, kept.height) == (320, 240)
    assert kept.seconds == pytest.approx(2.0, abs=0.2)
    assert tells_nothing(kept.file)
    with av.open(str(kept.file)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 20
    with av.open(str(kept.file)) as container:
        assert container.duration == pytest.approx(2_000_000, rel=0.1)
        assert len(container.streams) == 2


async def test_a_film_that_was_held_upright_is_shown_upright(sent: Sent, tmp_path: Path) -> None:
    kept = await sent(film("mp4", "libx264", tmp_path, turned=90))
    assert (kept.width, kept.height) == (240, 320)
    with av.open(str(kept.file)) as container:
        assert abs(next(container.decode(video=0)).rotation) == 90
    assert kept.thumb is not None
    with Image.open(kept.thumb) as thumb:
        assert thumb.size == (240, 320)
        half = [sum(np.asarray(thumb)[y, 120].tolist()) for y in (40, 280)]
    assert (half[0] > half[1]) != (half[0] < half[1])


@pytest.mark.parametrize(("kind", "codec", "mime"), [("webm", "libopus", "audio/mp4"), ("ogg", "libopus", "audio/mp4"),
                                                     ("m4a", "aac", "audio/mp4"), ("mp3", "libmp3lame", "audio/mpeg"),
                                                     ("wav", "pcm_s16le", "audio/wav")])  # fmt: skip
async def test_a_voice_note_has_its_shape_and_length(
    sent: Sent, tmp_path: Path, kind: str, codec: str, mime: str
) -> None:
    kept = await sent(voice(kind, codec, tmp_path))
    assert (kept.kind, kept.mime) == ("voice", mime)
    assert kept.seconds == pytest.approx(3.0, abs=0.15)
    assert kept.wave is not None
    assert len(kept.wave) == 60
    assert max(kept.wave[:15] + kept.wave[45:]) < 10 < 90 < min(kept.wave[24:36])
    assert tells_nothing(kept.file)
    with av.open(str(kept.file)) as container:
        [stream] = container.streams
        assert (
            stream.codec_context.name == {"audio/mp4": "aac", "audio/mpeg": "mp3float", "audio/wav": "pcm_s16le"}[mime]
        )
        assert container.duration == pytest.approx(3_000_000, abs=150_000)
    assert kind in ("mp3", "m4a") or b"Lavc" not in kept.file.read_bytes()


def test_a_sound_that_is_longer_than_a_voice_note_keeps_its_packets(tmp_path: Path) -> None:
    note = tmp_path / "note"
    note.write_bytes(voice("ogg", "libopus", tmp_path))
    played = play(note, "ogg", tmp_path / "out", longest_turned_s=2.9)
    assert (played.mime, played.suffix) == ("audio/webm", ".webm")
    with av.open(str(tmp_path / "out")) as container:
        assert container.streams.audio[0].codec_context.name == "opus"


@given(st.binary(max_size=80))
def test_no_beginning_of_a_file_is_too_strange(head: bytes) -> None:
    found = sniff(head)
    assert (found.kind == "other") == (found.reader == "")
