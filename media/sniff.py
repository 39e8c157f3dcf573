"""What a file is, by its first bytes. What its sender calls it is never asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

HEAD_BYTES = 64


@dataclass(frozen=True, slots=True)
class Sniffed:
    """`reader` is what may open it: Pillow's format of a photo, libav's demuxer of a sound or film; `other` has none."""

    kind: Literal["photo", "media", "other"]
    reader: str = ""
    mime: str = "application/octet-stream"
    suffix: str = ""


_STARTS: tuple[tuple[bytes, Sniffed], ...] = (
    (b"\xff\xd8\xff", Sniffed("photo", "JPEG")),
    (b"\x89PNG\r\n\x1a\n", Sniffed("photo", "PNG")),
    (b"GIF87a", Sniffed("photo", "GIF")),
    (b"GIF89a", Sniffed("photo", "GIF")),
    (b"\x1aE\xdf\xa3", Sniffed("media", "matroska")),
    (b"OggS", Sniffed("media", "ogg")),
    (b"fLaC", Sniffed("media", "flac")),
    (b"ID3", Sniffed("media", "mp3")),
    (b"%PDF-", Sniffed("other", mime="application/pdf", suffix=".pdf")),
)
_RIFF = {b"WEBP": Sniffed("photo", "WEBP"), b"WAVE": Sniffed("media", "wav")}
_STILL_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}  # ISO/IEC 23008-12
_OTHER = Sniffed("other")


def sniff(head: bytes) -> Sniffed:
    """`head`: the first HEAD_BYTES, or fewer of a shorter file. Never raises."""
    for start, found in _STARTS:
        if head.startswith(start):
            return found
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12], _OTHER)
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        if brand in (b"avif", b"avis"):
            return Sniffed("photo", "AVIF")
        return Sniffed("photo", "HEIF") if brand in _STILL_BRANDS else Sniffed("media", "mov")
    if len(head) >= 3 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2 and head[2] & 0xF0 not in (0x00, 0xF0):
        return Sniffed("media", "mp3")  # an MPEG layer III frame without a tag
    return _OTHER
