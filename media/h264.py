"""H.264 in RTP (RFC 6184: single NAL units, STAP-A, FU-A) and what a container must know of it (ISO 14496-15)."""

from __future__ import annotations

import struct

from media.frames import Payload

_SLICE, _IDR, _SEI, _SPS, _PPS, _AUD = 1, 5, 6, 7, 8, 9
_STAP_A, _FU_A = 24, 28
_HIGH_PROFILES = (100, 110, 122, 244, 44, 83, 86, 118, 128)


def begins_frame(payload: Payload) -> bool | None:
    """True: surely the first of its picture. None: only the packet before can tell. False: surely not the first."""
    kind = payload[0] & 31
    if kind == _FU_A:
        if len(payload) < 3 or not payload[1] & 0x80:
            return False
        return _first_slice(payload[1] & 31, payload[2])
    if kind == _STAP_A:
        if len(payload) < 5:
            return False
        return _first_slice(payload[3] & 31, payload[4])
    return _first_slice(kind, payload[1] if len(payload) > 1 else 0)


def _first_slice(kind: int, second: int) -> bool | None:
    if kind in (_AUD, _SPS):
        return True
    # first_mb_in_slice is ue(v): a leading 1 bit is zero. Not of an IDR picture: its parameter sets travel before it.
    if kind == _SLICE and second >= 0x80:
        return True
    return None


def nal_units(payloads: list[Payload]) -> list[bytes]:
    """The NAL units of one picture; fragments whose start is missing are left out."""
    units: list[bytes] = []
    pieces: list[bytes] = []
    for payload in payloads:
        if not len(payload):
            continue
        kind = payload[0] & 31
        if 1 <= kind <= 23:
            units.append(bytes(payload))
        elif kind == _STAP_A:
            at = 1
            while at + 2 < len(payload):
                length = payload[at] << 8 | payload[at + 1]
                at += 2
                if not length or at + length > len(payload):
                    break
                units.append(bytes(payload[at : at + length]))
                at += length
        elif kind == _FU_A and len(payload) > 2:
            if payload[1] & 0x80:
                pieces = [bytes(((payload[0] & 0xE0) | (payload[1] & 31),))]
            if pieces:
                pieces.append(bytes(payload[2:]))
                if payload[1] & 0x40:
                    units.append(b"".join(pieces))
                    pieces = []
    return units


def is_keyframe(payloads: list[Payload]) -> bool:
    for payload in payloads:
        kind = payload[0] & 31
        if kind == _FU_A and len(payload) > 1:
            kind = payload[1] & 31
        if kind == _IDR or (kind == _STAP_A and any(unit[0] & 31 == _IDR for unit in nal_units([payload]))):
            return True
    return False


def parameter_sets(payloads: list[Payload]) -> tuple[bytes, bytes] | None:
    """The (SPS, PPS) that this picture carries, None when not both."""
    found: dict[int, bytes] = {}
    for unit in nal_units([p for p in payloads if p[0] & 31 in (_SPS, _PPS, _STAP_A)]):
        found.setdefault(unit[0] & 31, unit)
    sps, pps = found.get(_SPS), found.get(_PPS)
    return (sps, pps) if sps and pps and len(sps) >= 4 else None


def assemble(payloads: list[Payload]) -> bytes:
    """The picture as a Matroska or MP4 sample: each NAL unit behind its length in 4 bytes; access unit delimiters left out."""
    return b"".join(struct.pack("!I", len(u)) + u for u in nal_units(payloads) if u[0] & 31 != _AUD)


def annex_b(payloads: list[Payload]) -> bytes:
    return b"".join(b"\x00\x00\x00\x01" + unit for unit in nal_units(payloads))


def configuration(sps: bytes, pps: bytes) -> bytes:
    """The `avcC` record (ISO 14496-15, 5.3.3.1) of one SPS and one PPS."""
    record = bytes((1, sps[1], sps[2], sps[3], 0xFF, 0xE1)) + struct.pack("!H", len(sps)) + sps
    record += b"\x01" + struct.pack("!H", len(pps)) + pps
    if sps[1] in _HIGH_PROFILES:
        record += b"\xfd\xf8\xf8\x00"  # 4:2:0, 8 bit: all that browsers send
    return record


def picture_size(sps: bytes) -> tuple[int, int] | None:
    """(width, height) in pixels after cropping (H.264, 7.3.2.1.1); None for an SPS that is cut or absurd."""
    try:
        return _picture_size(_Bits(sps[1:].replace(b"\x00\x00\x03", b"\x00\x00")))
    except IndexError:
        return None


class _Bits:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, count: int) -> int:
        value = 0
        for _ in range(count):
            value = value << 1 | (self._data[self._at >> 3] >> (7 - (self._at & 7)) & 1)
            self._at += 1
        return value

    def ue(self) -> int:
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > 32:
                raise IndexError
        return (1 << zeros) - 1 + self.take(zeros)

    def se(self) -> int:
        value = self.ue()
        return (value + 1) // 2 if value & 1 else -(value // 2)


def _picture_size(bits: _Bits) -> tuple[int, int] | None:
    profile = bits.take(8)
    bits.take(16)
    bits.ue()
    chroma = 1
    if profile in _HIGH_PROFILES:
        chroma = bits.ue()
        if chroma == 3:
            bits.take(1)
        bits.ue(), bits.ue(), bits.take(1)
        if bits.take(1):
            for index in range(8 if chroma != 3 else 12):
                if bits.take(1):
                    _skip_scaling_list(bits, 16 if index < 6 else 64)
    bits.ue()
    order = bits.ue()
    if order == 0:
        bits.ue()
    elif order == 1:
        bits.take(1), bits.se(), bits.se()
        for _ in range(min(bits.ue(), 255)):
            bits.se()
    bits.ue(), bits.take(1)
    width = 16 * (bits.ue() + 1)
    map_height = bits.ue() + 1
    frames_only = bits.take(1)
    height = 16 * map_height * (2 - frames_only)
    if not frames_only:
        bits.take(1)
    bits.take(1)
    if bits.take(1):
        unit_x = 1 if chroma in (0, 3) else 2
        unit_y = (2 if chroma == 1 else 1) * (2 - frames_only)
        left, right, top, bottom = bits.ue(), bits.ue(), bits.ue(), bits.ue()
        width -= unit_x * (left + right)
        height -= unit_y * (top + bottom)
    return (width, height) if 0 < width <= 16384 and 0 < height <= 16384 else None


def _skip_scaling_list(bits: _Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.se() + 256) % 256
        last = following or last
