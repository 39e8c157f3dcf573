"""Reading RTP and RTCP (RFC 3550, RFC 8285) as far as a recording needs it. Bytes that are no RTP give None."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

_HEADER = struct.Struct("!BBHII")
_REPORT = struct.Struct("!IIII")
_NTP_EPOCH = 2_208_988_800  # seconds from 1900 to 1970

Orientation = tuple[int, bool]  # degrees to turn the picture clockwise so that it stands upright, mirrored


class Rtp(NamedTuple):
    """A packet's header and where its payload lies, padding removed. `orientation` None: not said."""

    payload_type: int
    marker: bool
    seq: int
    timestamp: int
    ssrc: int
    start: int
    end: int
    orientation: Orientation | None


def read_rtp(packet: memoryview | bytes, orientation_id: int | None = None) -> Rtp | None:
    size = len(packet)
    if size < 12:
        return None
    first, second, seq, timestamp, ssrc = _HEADER.unpack_from(packet)
    if first >> 6 != 2:
        return None
    start = 12 + 4 * (first & 15)
    orientation = None
    if first & 16:
        if start + 4 > size:
            return None
        words = packet[start + 2] << 8 | packet[start + 3]
        end_of_extension = start + 4 + 4 * words
        if end_of_extension > size:
            return None
        if orientation_id is not None:
            orientation = _orientation(packet, start, end_of_extension, orientation_id)
        start = end_of_extension
    end = size
    if first & 32:
        end -= packet[size - 1]
    if start > end:
        return None
    return Rtp(second & 127, second > 127, seq, timestamp, ssrc, start, end, orientation)


def _orientation(packet: memoryview | bytes, start: int, end: int, wanted: int) -> Orientation | None:
    """3GPP TS 26.114, 7.4.5 (urn:3gpp:video-orientation): one byte, 0000CFRR, RR in quarter turns."""
    profile = packet[start] << 8 | packet[start + 1]
    at = start + 4
    if profile == 0xBEDE:
        while at < end:
            number, length = packet[at] >> 4, (packet[at] & 15) + 1
            if packet[at] == 0:
                at += 1
                continue
            if number == 15 or at + 1 + length > end:
                return None
            if number == wanted:
                return (packet[at + 1] & 3) * 90, bool(packet[at + 1] & 4)
            at += 1 + length
    elif profile & 0xFFF0 == 0x1000:
        while at + 1 < end:
            if packet[at] == 0:
                at += 1
                continue
            number, length = packet[at], packet[at + 1]
            if at + 2 + length > end:
                return None
            if number == wanted and length >= 1:
                return (packet[at + 2] & 3) * 90, bool(packet[at + 2] & 4)
            at += 2 + length
    return None


class SenderReport(NamedTuple):
    """`ntp` in Unix seconds by the sender's clock, at which its media clock of `ssrc` stood at `timestamp`."""

    ssrc: int
    ntp: float
    timestamp: int


def read_sender_reports(packet: bytes) -> Iterator[SenderReport]:
    """Every sender report in a compound RTCP packet; stops at the first thing that is none."""
    at = 0
    while at + 8 <= len(packet) and packet[at] >> 6 == 2:
        length = 4 * (1 + (packet[at + 2] << 8 | packet[at + 3]))
        if at + length > len(packet):
            return
        if packet[at + 1] == 200 and length >= 28:
            ssrc, high, low, timestamp = _REPORT.unpack_from(packet, at + 4)
            yield SenderReport(ssrc, high - _NTP_EPOCH + low / 2**32, timestamp)
        at += length
