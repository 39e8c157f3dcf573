"""Opus in RTP (RFC 7587): one packet is one frame of the file. What a container must know of it (RFC 6716, RFC 7845)."""

from __future__ import annotations

import struct

CLOCK_HZ = 48_000
# 20 ms of full-band silence, mono: fills gaps so that players keep their clock.
SILENCE = b"\xf8\xff\xfe"
SILENCE_MS = 20

# Channels 2: RTP always signals two (RFC 7587, 7); a mono packet decodes into both. No pre-skip is known of a live stream.
HEAD = struct.pack("<8sBBHIhB", b"OpusHead", 1, 2, 0, CLOCK_HZ, 0, 0)

_SILK_MS = (10.0, 20.0, 40.0, 60.0)
_CELT_MS = (2.5, 5.0, 10.0, 20.0)


def duration_ms(packet: bytes | memoryview) -> float:
    """How long a packet plays, by its table-of-contents byte (RFC 6716, 3.1); 0 for one that no decoder takes."""
    if not packet:
        return 0.0
    config, code = packet[0] >> 3, packet[0] & 3
    if config < 12:
        frame = _SILK_MS[config & 3]
    elif config < 16:
        frame = _CELT_MS[2 + (config & 1)]
    else:
        frame = _CELT_MS[config & 3]
    count = 1 if code == 0 else 2 if code < 3 else packet[1] & 63 if len(packet) > 1 else 0
    total = frame * count
    return total if total <= 120 else 0.0
