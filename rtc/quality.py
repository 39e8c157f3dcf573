"""How one source's packets come in: losses, jitter after RFC 3550 A.8, bitrate."""

from __future__ import annotations

from typing import NamedTuple


class Quality(NamedTuple):
    """Of the last second: share of packets that did not come (after retransmission), jitter, bitrate of all packets."""

    loss: float
    jitter_ms: float
    bitrate_bps: int


class Meter:
    """`jitter` is in ticks of `clock_khz`. `arrived` once per timestamp, `measure` once a second."""

    __slots__ = ("_clock_khz", "_expected", "_octets", "_received", "_transit", "jitter", "quality")

    def __init__(self, clock_khz: int) -> None:
        self._clock_khz = clock_khz
        self._transit = 0
        self.jitter = 0.0
        self._expected = self._received = self._octets = 0
        self.quality = Quality(0.0, 0.0, 0)

    def restart(self, received: int, octets: int) -> None:
        """Sequence and timestamps begin anew."""
        self._transit = 0
        self._expected, self._received, self._octets = 0, received, octets

    def arrived(self, stamp: int, now_ns: int) -> None:
        transit = now_ns * self._clock_khz // 1_000_000 - stamp
        if self._transit:
            step = (transit - self._transit + (1 << 31)) % (1 << 32) - (1 << 31)
            self.jitter += (abs(step) - self.jitter) / 16
        self._transit = transit

    def measure(self, expected: int, received: int, octets: int, span_ns: int) -> tuple[int, int]:
        """Takes running totals, answers (lost, expected) of the span and sets `quality`."""
        wanted = expected - self._expected
        lost = max(wanted - (received - self._received), 0)
        bitrate = (octets - self._octets) * 8_000_000_000 // max(span_ns, 1)
        self._expected, self._received, self._octets = expected, received, octets
        self.quality = Quality(lost / wanted if wanted > 0 else 0.0, self.jitter / self._clock_khz, bitrate)
        return lost, wanted
