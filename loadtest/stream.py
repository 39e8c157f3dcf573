"""What a client keeps of one RTP stream that it sends, and where a received packet's payload is."""

from __future__ import annotations

import asyncio
import random
import secrets
import time

KEPT_PACKETS = 512  # for who asks again: more than 2 s of video


class Stream:
    """One outgoing RTP stream."""

    def __init__(self, payload_type: int) -> None:
        self.payload_type = payload_type
        self.ssrc = secrets.randbits(32) or 1
        self.sequence = random.randrange(1 << 15)
        self.base = random.randrange(1 << 31)
        self.stamp = self.base
        self.packets = self.octets = 0
        self.stamped_ns = 0  # when what `stamp` stands for was taken
        self.kept: dict[int, bytes] = {}  # sealed, by sequence number, oldest first

    def stamp_at(self, now_ns: int, rate: int) -> int:
        """The RTP timestamp of this moment, for a sender report (RFC 3550 6.4.1)."""
        return self.stamp + (now_ns - self.stamped_ns) * rate // 1_000_000_000 if self.stamped_ns else self.stamp

    def keep(self, sequence: int, sealed: bytes) -> None:
        self.kept[sequence] = sealed
        if len(self.kept) > KEPT_PACKETS:
            del self.kept[next(iter(self.kept))]


def payload_at(packet: bytes) -> int:
    """Where the payload of an RTP packet begins (RFC 3550 5.1); our senders list no contributing sources."""
    return 16 + 4 * int.from_bytes(packet[14:16], "big") if packet[0] & 0x10 else 12


async def until(due: float) -> None:
    """Sleeps until this moment of `time.monotonic`; not at all when it is past."""
    delay = due - time.monotonic()
    if delay > 0:
        await asyncio.sleep(delay)
