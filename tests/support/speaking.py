"""A loopback client that speaks a real clip: packets sent at once, in order, as one camera and one microphone would."""

from __future__ import annotations

from tests.media.clips import person
from tests.support.rtc_client import AUDIO_SSRC, VIDEO_SSRC, Client


def rewritten(packet: bytes, ssrc: int, payload_type: int) -> bytes:
    """The clip's packet under the SSRC and payload type that the client's offer names; header extensions dropped."""
    start = 12
    if packet[0] & 0x10:
        start += 4 + 4 * int.from_bytes(packet[14:16], "big")
    marker = packet[1] & 0x80
    return bytes([0x80, marker | payload_type]) + packet[2:8] + ssrc.to_bytes(4, "big") + packet[start:]


def clip(seconds: float = 2.0) -> list[bytes]:
    """RTP packets (VP8 as 96, Opus as 111) of a person who shows and says something, in order of time."""
    packets = []
    for _, sent, codec in person("customer", seconds=seconds, codec="vp8", report_every=None):
        ssrc, kind = (AUDIO_SSRC, 111) if codec == "opus" else (VIDEO_SSRC, 96)
        packets += [(packet.at_s, rewritten(packet.data, ssrc, kind)) for packet in sent]
    return [packet for _, packet in sorted(packets, key=lambda pair: pair[0])]


def say(client: Client, packets: list[bytes]) -> None:
    for packet in packets:
        client.send(client.seal(packet))
