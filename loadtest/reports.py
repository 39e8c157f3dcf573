"""The RTCP that a browser sends and heeds: sender and receiver reports, transport-wide feedback, keyframe requests."""

from __future__ import annotations

import struct
import time

from aiortc import rtp

_NTP_EPOCH_S = 2_208_988_800
_PSFB, _RTPFB = 206, 205


def sender_report(ssrc: int, stamp: int, packets: int, octets: int, heard: list[tuple[int, int]]) -> bytes:
    """Sender report and CNAME in one compound (RFC 3550 6.1); `heard` as in `receiver_blocks`."""
    now = time.time() + _NTP_EPOCH_S
    info = rtp.RtcpSenderInfo(
        ntp_timestamp=int(now * (1 << 32)) & ((1 << 64) - 1),
        rtp_timestamp=stamp & 0xFFFFFFFF,
        packet_count=packets,
        octet_count=octets & 0xFFFFFFFF,
    )
    report = rtp.RtcpSrPacket(ssrc=ssrc, sender_info=info, reports=receiver_blocks(heard))
    name = rtp.RtcpSourceInfo(ssrc=ssrc, items=[(1, b"person")])
    return bytes(report) + bytes(rtp.RtcpSdesPacket(chunks=[name]))


def receiver_blocks(heard: list[tuple[int, int]]) -> list[rtp.RtcpReceiverInfo]:
    """`heard`: (SSRC, highest sequence number). Loopback loses nothing, so none is reported lost."""
    return [
        rtp.RtcpReceiverInfo(
            ssrc=ssrc, fraction_lost=0, packets_lost=0, highest_sequence=highest, jitter=0, lsr=0, dlsr=0
        )
        for ssrc, highest in heard
    ]


def bandwidth_estimate(ssrc: int, media: list[int], bps: int) -> bytes:
    """REMB, for servers that know no transport-wide feedback."""
    fci = rtp.pack_remb_fci(bps, media)
    return bytes(rtp.RtcpPsfbPacket(fmt=rtp.RTCP_PSFB_APP, ssrc=ssrc, media_ssrc=0, fci=fci))


def keyframe_request(ssrc: int, media: int) -> bytes:
    return bytes(rtp.RtcpPsfbPacket(fmt=rtp.RTCP_PSFB_PLI, ssrc=ssrc, media_ssrc=media))


def lost_packets_request(ssrc: int, media: int, sequences: list[int]) -> bytes:
    """A generic NACK (RFC 4585 6.2.1) for these sequence numbers, which stand in their order."""
    return bytes(rtp.RtcpRtpfbPacket(fmt=1, ssrc=ssrc, media_ssrc=media, lost=sequences))


def asked_packets(compound: bytes) -> list[int]:
    """The sequence numbers that generic NACKs in this compound ask for again, whatever stream they are of."""
    found: list[int] = []
    at = 0
    while at + 4 <= len(compound):
        end = at + 4 + 4 * int.from_bytes(compound[at + 2 : at + 4], "big")
        if compound[at + 1] == _RTPFB and compound[at] & 0x1F == 1:
            for place in range(at + 12, min(end, len(compound) - 3), 4):
                first, mask = struct.unpack_from("!HH", compound, place)
                found += [first, *((first + by + 1) & 0xFFFF for by in range(16) if mask >> by & 1)]
        at = end
    return found


def transport_feedback(ssrc: int, media: int, count: int, arrivals: list[tuple[int, int]]) -> bytes:
    """Transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01 3.1). `arrivals`: (number,
    nanoseconds) in the order of arrival, not empty; numbers that are missing in between are told as lost."""
    first = arrivals[0][0]
    times = {((number - first) & 0xFFFF): at for number, at in arrivals if ((number - first) & 0xFFFF) < 0x8000}
    span = max(times) + 1
    reference = times[0] // 64_000_000
    ticks = reference * 256  # 250 us each
    symbols, deltas = [], bytearray()
    for index in range(span):
        at = times.get(index)
        if at is None:
            symbols.append(0)
            continue
        delta = at // 250_000 - ticks
        ticks += delta
        if 0 <= delta < 256:
            symbols.append(1)
            deltas.append(delta)
        else:
            symbols.append(2)
            deltas += struct.pack("!h", max(-32768, min(32767, delta)))
    chunks = bytearray()
    for at in range(0, span, 7):  # vectors of seven two-bit symbols
        word = 0xC000
        for place, symbol in enumerate(symbols[at : at + 7]):
            word |= symbol << (12 - 2 * place)
        chunks += word.to_bytes(2, "big")
    body = struct.pack("!IIHH", ssrc, media, first, span)
    body += (reference & 0xFFFFFF).to_bytes(3, "big") + bytes((count & 0xFF,)) + chunks + deltas
    padding = -len(body) % 4
    head = 0x8F
    if padding:
        head |= 0x20
        body += bytes(padding - 1) + bytes((padding,))
    return struct.pack("!BBH", head, _RTPFB, len(body) // 4) + body


def asks_for_keyframe(compound: bytes) -> bool:
    """Picture loss indication (RFC 4585 6.3.1) or full intra request (RFC 5104 4.3.1)."""
    at = 0
    while at + 4 <= len(compound):
        if compound[at + 1] == _PSFB and compound[at] & 0x1F in (1, 4):
            return True
        at += 4 + 4 * int.from_bytes(compound[at + 2 : at + 4], "big")
    return False


def transport_number(packet: bytes, extension: int) -> int | None:
    """The transport-wide number in a one-byte header extension (RFC 8285 4.2) of an RTP packet."""
    if not packet[0] & 0x10 or packet[12:14] != b"\xbe\xde":
        return None
    at, end = 16, 16 + 4 * int.from_bytes(packet[14:16], "big")
    while at < end:
        head = packet[at]
        if head == 0:
            at += 1
            continue
        if head >> 4 == extension:
            return int.from_bytes(packet[at + 1 : at + 3], "big")
        at += 2 + (head & 0x0F)
    return None
