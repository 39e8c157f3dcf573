"""RTP headers read by offset (RFC 3550, RFC 8285), and what a payload's first bytes tell (RFC 7741, RFC 6184).

Nothing here raises for any bytes: what cannot be read answers None, False or -1. No object is made per packet; a
`Layout` is made once per shape of header and found again by one comparison.
"""

from __future__ import annotations

import struct
from typing import Final

MID: Final = "urn:ietf:params:rtp-hdrext:sdes:mid"
TRANSPORT_SEQUENCE: Final = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
ABS_SEND_TIME: Final = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
ABS_CAPTURE_TIME: Final = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"
PLAYOUT_DELAY: Final = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
VIDEO_ORIENTATION: Final = "urn:3gpp:video-orientation"
STREAM_ID: Final = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED_STREAM_ID: Final = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"

ONE_BYTE: Final = 0xBEDE
FIXED = struct.Struct("!BBHII")  # first byte, marker and payload type, sequence number, timestamp, SSRC
HEAD = struct.Struct("!BBHI")
MASK32: Final = 0xFFFFFFFF


class Layout:
    """One shape of header: where each extension element's data lies. Compared by identity; `elements` maps id to
    (offset of the data, length of the data), `one_byte` tells the form (None: no extension block that we can read)."""

    __slots__ = ("elements", "header_bytes", "lead", "mask", "one_byte", "sequence_at", "start", "value")

    def __init__(
        self, start: int, header_bytes: int, one_byte: bool | None, elements: dict[int, tuple[int, int]]
    ) -> None:
        self.start = start
        self.header_bytes = header_bytes
        self.one_byte = one_byte
        self.elements = elements
        self.lead = b""  # first four bytes of the block
        self.mask = 0
        self.value = 0
        self.sequence_at = 0  # offset of the transport-wide sequence number, set by whoever knows the ids; 0: none

    def fits(self, packet: bytes) -> bool:
        """Whether a packet without CSRCs and with this `lead` has this shape."""
        return int.from_bytes(packet[12 : self.header_bytes], "big") & self.mask == self.value


def read_layout(packet: bytes | bytearray | memoryview) -> Layout | None:
    """Walks the header once. None: not RTP version 2, or cut short."""
    size = len(packet)
    if size < 12 or packet[0] >> 6 != 2:
        return None
    start = 12 + 4 * (packet[0] & 0x0F)
    if size < start:
        return None
    if not packet[0] & 0x10:
        return Layout(start, start, None, {})
    if size < start + 4:
        return None
    profile = packet[start] << 8 | packet[start + 1]
    end = start + 4 + 4 * (packet[start + 2] << 8 | packet[start + 3])
    if size < end:
        return None
    one_byte = profile == ONE_BYTE
    if not one_byte and profile & 0xFFF0 != 0x1000:
        return Layout(start, end, None, {})
    elements, shape = _walk(packet, start + 4, end, one_byte)
    layout = Layout(start, end, one_byte, elements)
    layout.lead = bytes(packet[start : start + 4])
    fixed = bytearray(end - start)
    fixed[0:4] = b"\xff\xff\xff\xff"  # the form and the length of the block
    for at in shape:
        fixed[at - start] = 0xFF
    layout.mask = int.from_bytes(fixed, "big")
    layout.value = int.from_bytes(packet[start:end], "big") & layout.mask
    return layout


def _walk(
    packet: bytes | bytearray | memoryview, at: int, end: int, one_byte: bool
) -> tuple[dict[int, tuple[int, int]], list[int]]:
    """Elements by id, and the offsets of every byte that decides the shape (ids, lengths, padding between)."""
    elements: dict[int, tuple[int, int]] = {}
    shape: list[int] = []
    while at < end:
        shape.append(at)
        lead = packet[at]
        if lead == 0:
            at += 1
            continue
        if one_byte:
            element, length = lead >> 4, (lead & 0x0F) + 1
            if element == 15:  # RFC 8285 4.2: stop reading here
                shape.extend(range(at + 1, end))
                break
            at += 1
        else:
            if at + 1 >= end:
                break
            shape.append(at + 1)
            element, length = lead, packet[at + 1]
            at += 2
        if at + length > end:
            shape.extend(range(at, end))
            break
        if element not in elements and element != 0:
            elements[element] = (at, length)
        at += length
    return elements, shape


def padding_only(packet: bytes, header_bytes: int) -> bool:
    """A probe without media: the padding is the whole payload (RFC 3550 5.1)."""
    size = len(packet) - header_bytes
    return size > 0 and bool(packet[0] & 0x20) and packet[-1] >= size


def add_element(header: bytearray, element: int, data: bytes) -> bytearray:
    """The header with one more extension element at its end; as it was when the form cannot hold it."""
    start = 12 + 4 * (header[0] & 0x0F)
    if not header[0] & 0x10:
        if not 0 < element < 15 or not 0 < len(data) <= 16:
            return header
        header[0] |= 0x10
        block = bytes([element << 4 | len(data) - 1]) + data
        block += bytes(-len(block) % 4)
        return header[:start] + struct.pack("!HH", ONE_BYTE, len(block) // 4) + block
    profile = header[start] << 8 | header[start + 1]
    if profile == ONE_BYTE:
        if not 0 < element < 15 or not 0 < len(data) <= 16:
            return header
        block = bytes([element << 4 | len(data) - 1]) + data
    elif profile & 0xFFF0 == 0x1000:
        block = bytes([element, len(data)]) + data
    else:
        return header
    used = len(header)
    while used > start + 4 and header[used - 1] == 0 and _is_padding(header, start + 4, used - 1, profile == ONE_BYTE):
        used -= 1
    longer = header[:used] + block
    longer += bytes(-(len(longer) - start) % 4)
    struct.pack_into("!H", longer, start + 2, (len(longer) - start - 4) // 4)
    return longer


def _is_padding(header: bytearray, at: int, where: int, one_byte: bool) -> bool:
    """Whether the zero at `where` lies between elements, not inside one."""
    while at < where:
        lead = header[at]
        if lead == 0:
            at += 1
        elif one_byte:
            if lead >> 4 == 15:
                return False
            at += 2 + (lead & 0x0F)
        else:
            at += 2 + (header[at + 1] if at + 1 < len(header) else 0)
    return at == where


def vp8_starts_keyframe(payload: bytes | memoryview) -> bool:
    """RFC 7741: first packet of partition 0 of a keyframe (S set, partition 0, inverse key bit clear)."""
    size = len(payload)
    if size < 2 or payload[0] & 0x17 != 0x10:
        return False
    at = vp8_descriptor_bytes(payload)
    return 0 < at < size and not payload[at] & 0x01


def vp8_descriptor_bytes(payload: bytes | memoryview) -> int:
    """Length of the payload descriptor (RFC 7741 4.2), -1 when it is cut short."""
    size = len(payload)
    if size < 1:
        return -1
    if not payload[0] & 0x80:
        return 1
    if size < 2:
        return -1
    flags = payload[1]
    at = 2
    if flags & 0x80:  # picture id of 7 or 15 bits
        if size <= at:
            return -1
        at += 2 if payload[at] & 0x80 else 1
    if flags & 0x40:
        at += 1
    if flags & 0x30:
        at += 1
    return at if at <= size else -1


def vp8_picture_id(payload: bytes | memoryview) -> int:
    """The picture id (7 or 15 bits), -1 when there is none."""
    if len(payload) < 3 or not payload[0] & 0x80 or not payload[1] & 0x80:
        return -1
    if not payload[2] & 0x80:
        return payload[2]
    return (payload[2] & 0x7F) << 8 | payload[3] if len(payload) > 3 else -1


def h264_starts_keyframe(payload: bytes | memoryview) -> bool:
    """RFC 6184: a packet with a sequence parameter set, or the start of an IDR picture (single NAL, STAP-A, FU-A)."""
    size = len(payload)
    if size < 2:
        return False
    kind = payload[0] & 0x1F
    if kind in (5, 7):
        return True
    if kind == 24:
        at = 1
        while at + 3 <= size:
            if payload[at + 2] & 0x1F in (5, 7):
                return True
            at += 2 + (payload[at] << 8 | payload[at + 1])
        return False
    return kind == 28 and payload[1] & 0x9F in (0x85, 0x87)


def starts_keyframe(codec: str, payload: bytes | memoryview) -> bool:
    if codec == "VP8":
        return vp8_starts_keyframe(payload)
    return codec == "H264" and h264_starts_keyframe(payload)


def orientation_degrees(value: int) -> int:
    """3GPP TS 26.114 coordination of video orientation: clockwise rotation that the shower must undo, 0/90/180/270."""
    return (value & 0x03) * 90


def unwrap_rtx(packet: bytes, header_bytes: int, payload_type: int, ssrc: bytes) -> tuple[int, bytes] | None:
    """RFC 4588: the original's sequence number, and the original packet with `payload_type` and `ssrc` (4 bytes) put
    back. None: no original inside (a probe of padding)."""
    if len(packet) < header_bytes + 2 or padding_only(packet, header_bytes):
        return None
    marker = packet[1] & 0x80
    original = b"".join((
        packet[0:1], bytes((marker | payload_type,)), packet[header_bytes : header_bytes + 2], packet[4:8], ssrc,
        packet[12:header_bytes], packet[header_bytes + 2 :],
    ))  # fmt: skip
    return packet[header_bytes] << 8 | packet[header_bytes + 1], original
