"""VP8 in RTP (RFC 7741) and the little of its bitstream (RFC 6386) that a recording must know."""

from __future__ import annotations

from media.frames import Payload


def descriptor_bytes(payload: Payload) -> int:
    """Length of the payload descriptor; as long as the payload when it is cut."""
    size = len(payload)
    if size == 0:
        return 0
    at = 1
    if payload[0] & 0x80:
        if size < 2:
            return size
        extension = payload[1]
        at = 2
        if extension & 0x80:
            if at >= size:
                return size
            at += 2 if payload[at] & 0x80 else 1
        if extension & 0x40:
            at += 1
        if extension & 0x30:
            at += 1
    return min(at, size)


def begins_frame(payload: Payload) -> bool | None:
    return payload[0] & 0x1F == 0x10  # S set, partition 0


def is_keyframe(payloads: list[Payload]) -> bool:
    size = keyframe_size(payloads)
    return size is not None


def keyframe_size(payloads: list[Payload]) -> tuple[int, int] | None:
    """(width, height) when this is a whole keyframe header, else None."""
    first = payloads[0]
    data = bytes(first[descriptor_bytes(first) : descriptor_bytes(first) + 10])
    if len(data) < 10:
        data = assemble(payloads)[:10]
    if len(data) < 10 or data[0] & 1 or data[3:6] != b"\x9d\x01\x2a":
        return None
    width, height = (data[6] | data[7] << 8) & 0x3FFF, (data[8] | data[9] << 8) & 0x3FFF
    return (width, height) if width and height else None


def assemble(payloads: list[Payload]) -> bytes:
    return b"".join([payload[descriptor_bytes(payload) :] for payload in payloads])
