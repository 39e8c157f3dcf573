"""RTCP compounds taken apart and put together (RFC 3550 6, RFC 4585, RFC 5104, REMB). Reading never raises."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

SENDER_REPORT, RECEIVER_REPORT, SOURCE_DESCRIPTION, BYE = 200, 201, 202, 203
TRANSPORT_FEEDBACK, PAYLOAD_FEEDBACK = 205, 206
NACK, TRANSPORT_WIDE = 1, 15  # formats of 205
PLI, FIR, REMB = 1, 4, 15  # formats of 206


class Block(NamedTuple):
    """One packet of a compound: `subtype` is the report count or feedback format, `data` the whole block."""

    kind: int
    subtype: int
    data: bytes


class Report(NamedTuple):
    """A report block (RFC 3550 6.4.1); `lost` is the cumulative signed count, `delay` in 1/65536 s."""

    ssrc: int
    fraction: int
    lost: int
    highest: int
    jitter: int
    last_sr: int
    delay: int


class SenderInfo(NamedTuple):
    """What a sender report says of its sender; `ntp` is the 64-bit NTP time stamp that belongs to `rtp`."""

    ssrc: int
    ntp: int
    rtp: int
    packets: int
    octets: int


def blocks(packet: bytes) -> Iterator[Block]:
    """The packets of a compound in order; reading ends at the first that is cut short or of another version."""
    at, size = 0, len(packet)
    while at + 4 <= size:
        first, kind, words = packet[at], packet[at + 1], packet[at + 2] << 8 | packet[at + 3]
        end = at + 4 + 4 * words
        if first >> 6 != 2 or end > size:
            return
        data = packet[at:end]
        if first & 0x20:  # padding counts itself in the last byte; transport-wide feedback pads by single bytes
            cut = data[-1]
            if cut == 0 or cut > len(data) - 4:
                return
            data = data[:-cut]
        yield Block(kind, first & 0x1F, data)
        at = end


def sender_info(data: bytes) -> SenderInfo | None:
    return SenderInfo(*struct.unpack_from("!IQIII", data, 4)) if len(data) >= 28 else None


def reports(block: Block) -> list[Report]:
    """The report blocks of a sender or receiver report, as many as are whole."""
    at = 28 if block.kind == SENDER_REPORT else 8
    found = []
    for _ in range(block.subtype):
        if at + 24 > len(block.data):
            break
        ssrc, word, highest, jitter, last_sr, delay = struct.unpack_from("!IIIIII", block.data, at)
        lost = word & 0xFFFFFF
        found.append(
            Report(ssrc, word >> 24, lost - (1 << 24) if lost & 0x800000 else lost, highest, jitter, last_sr, delay)
        )
        at += 24
    return found


def media_ssrc(data: bytes) -> int:
    """The stream that a feedback packet speaks of, -1 when it is cut short."""
    return int.from_bytes(data[8:12], "big") if len(data) >= 12 else -1


def fir_ssrcs(data: bytes) -> list[int]:
    """Streams that a full intra request names (RFC 5104 4.3.1)."""
    return [int.from_bytes(data[at : at + 4], "big") for at in range(12, len(data) - 7, 8)]


def remb_bps(data: bytes) -> tuple[int, list[int]] | None:
    """A receiver's estimated maximum bitrate and the streams that it is for (draft-alvestrand-rmcat-remb)."""
    if len(data) < 20 or data[12:16] != b"REMB":
        return None
    count, exponent = data[16], data[17] >> 2
    mantissa = (data[17] & 0x03) << 16 | data[18] << 8 | data[19]
    ssrcs = [int.from_bytes(data[at : at + 4], "big") for at in range(20, min(20 + 4 * count, len(data) - 3), 4)]
    return mantissa << exponent, ssrcs


def bye_ssrcs(block: Block) -> list[int]:
    return [
        int.from_bytes(block.data[at : at + 4], "big")
        for at in range(4, min(4 + 4 * block.subtype, len(block.data) - 3), 4)
    ]


def _head(count: int, kind: int, body: bytes) -> bytes:
    return struct.pack("!BBH", 0x80 | count, kind, len(body) // 4) + body


def build_report(report: Report) -> bytes:
    return struct.pack(
        "!IIIIII",
        report.ssrc & 0xFFFFFFFF,
        (report.fraction & 0xFF) << 24 | max(-0x800000, min(report.lost, 0x7FFFFF)) & 0xFFFFFF,
        report.highest & 0xFFFFFFFF,
        report.jitter & 0xFFFFFFFF,
        report.last_sr & 0xFFFFFFFF,
        report.delay & 0xFFFFFFFF,
    )


def build_receiver_report(ssrc: int, found: Sequence[Report] = ()) -> bytes:
    """At most 31 blocks fit."""
    return _head(len(found[:31]), RECEIVER_REPORT, struct.pack("!I", ssrc) + b"".join(map(build_report, found[:31])))


def build_sender_report(info: SenderInfo, cname: str) -> bytes:
    """A sender report and the source description that RFC 3550 wants beside it."""
    body = struct.pack(
        "!IQIII",
        info.ssrc,
        info.ntp & (1 << 64) - 1,
        info.rtp & 0xFFFFFFFF,
        info.packets & 0xFFFFFFFF,
        info.octets & 0xFFFFFFFF,
    )
    return _head(0, SENDER_REPORT, body) + build_description(info.ssrc, cname)


def build_description(ssrc: int, cname: str) -> bytes:
    name = cname.encode()[:255]
    item = struct.pack("!IBB", ssrc, 1, len(name)) + name
    return _head(1, SOURCE_DESCRIPTION, item + bytes(4 - len(item) % 4))


def build_pli(sender: int, media: int) -> bytes:
    return _head(PLI, PAYLOAD_FEEDBACK, struct.pack("!II", sender, media))


def build_fir(sender: int, media: int, number: int) -> bytes:
    return _head(FIR, PAYLOAD_FEEDBACK, struct.pack("!IIIBxxx", sender, 0, media, number & 0xFF))


def build_remb(sender: int, bps: int, ssrcs: Sequence[int]) -> bytes:
    exponent = max(0, max(bps, 0).bit_length() - 18)
    mantissa = bps >> exponent
    body = struct.pack("!II4sBBH", sender, 0, b"REMB", len(ssrcs), exponent << 2 | mantissa >> 16, mantissa & 0xFFFF)
    return _head(REMB, PAYLOAD_FEEDBACK, body + b"".join(struct.pack("!I", ssrc) for ssrc in ssrcs))
