"""What forwarding one packet costs without socket and crypto: `python -m rtc.cost`. A yardstick for changes, not a test."""

from __future__ import annotations

import struct
import time

from rtc import rtp
from rtc.forwarder import Forwarder
from rtc.sdp import Codec, MediaLine, Negotiated

PACKETS = 30_000  # fits in memory without being half of the measurement
PER_FRAME = 4


class Nowhere:
    """A port that takes everything."""

    def __init__(self, name: str, number: int) -> None:
        self.id = name
        extensions = {rtp.MID: 4, rtp.TRANSPORT_SEQUENCE: 3, rtp.PLAYOUT_DELAY: 5, rtp.ABS_CAPTURE_TIME: 9}
        codecs = {"VP8": Codec("VP8", 96, 97, 90_000, "", frozenset({"nack", "nack pli", "transport-cc"}))}
        line = MediaLine("1", "video", 0, True, True, codecs, extensions, [number], [], number + 1, number + 2, name)
        self.negotiated = Negotiated([line])

    def send_rtp(self, header: bytes | bytearray, payload: bytes | memoryview) -> bytes:
        return b"sent"

    def send_again(self, datagram: bytes) -> None:
        pass

    def send_rtcp(self, packet: bytes) -> None:
        pass


def packets(count: int) -> list[bytes]:
    """Video as Chromium sends it: 1100 bytes, mid and transport-wide number, a frame every `PER_FRAME` packets."""
    made = []
    for n in range(count):
        block = struct.pack("!HHBBBHxxx", 0xBEDE, 2, 0x40, 0x31, 0x31, n & 0xFFFF)
        first = n % PER_FRAME == 0
        payload = (b"\x90\x80\x01\x00" if n == 0 else b"\x90\x80\x01\x01") if first else b"\x80\x80\x01\x00"
        head = struct.pack("!BBHII", 0x90, 96, n & 0xFFFF, n // PER_FRAME * 3000, 10)
        made.append(head + block + payload + bytes(1080))
    return made


def microseconds_per_packet(count: int = PACKETS) -> float:
    """One source, one sink, in order, nothing lost: the path that nearly all packets take."""
    forwarder = Forwarder()
    forwarder.add_peer(Nowhere("phone", 10))
    forwarder.add_peer(Nowhere("tablet", 20))
    forwarder.set_routes("call", [("tablet", 0, "phone")], 0)
    take = forwarder.source_of("phone").rtp
    made = packets(count)
    start = time.process_time_ns()
    now_ns = 0
    for packet in made:
        now_ns += 1_000_000
        take(packet, now_ns)
    spent = time.process_time_ns() - start
    if forwarder.stats()["packets_out"] != count:
        raise RuntimeError("not every packet was forwarded: this measures nothing")
    return spent / count / 1000


def main() -> None:
    print(f"forwarding without socket and crypto: {min(microseconds_per_packet() for _ in range(7)):.2f} us per packet")


if __name__ == "__main__":
    main()
