"""How one source's packets come in: losses, jitter after RFC 3550 A.8, bitrate."""

from __future__ import annotations

from array import array
from typing import NamedTuple

from rtc.state import JITTER_16, TRANSIT


class Quality(NamedTuple):
    """Of the last second: share of packets that did not come (after retransmission), jitter, bitrate of all packets."""

    loss: float
    jitter_ms: float
    bitrate_bps: int


class Meter:
    """`arrived` once per timestamp, `measure` once a second. Transit and jitter lie in the source's `state`."""

    __slots__ = ("_expected", "_octets", "_received", "_state", "clock_khz", "quality")

    def __init__(self, clock_khz: int, state: array[int]) -> None:
        self.clock_khz = clock_khz
        self._state = state
        self._expected = self._received = self._octets = 0
        self.quality = Quality(0.0, 0.0, 0)

    def restart(self, received: int, octets: int) -> None:
        """Sequence and timestamps begin anew."""
        self._state[TRANSIT] = 0
        self._expected, self._received, self._octets = 0, received, octets

    @property
    def jitter(self) -> int:
        """Ticks of the clock."""
        return self._state[JITTER_16] >> 4

    def arrived(self, stamp: int, now_ns: int) -> None:
        state = self._state
        transit = now_ns * self.clock_khz // 1_000_000 - stamp
        if state[TRANSIT]:
            step = (transit - state[TRANSIT] + (1 << 31)) % (1 << 32) - (1 << 31)
            state[JITTER_16] += abs(step) - (state[JITTER_16] + 8 >> 4)
        state[TRANSIT] = transit

    def measure(self, expected: int, received: int, octets: int, span_ns: int) -> tuple[int, int]:
        """Takes running totals, answers (lost, expected) of the span and sets `quality`."""
        wanted = expected - self._expected
        lost = max(wanted - (received - self._received), 0)
        bitrate = (octets - self._octets) * 8_000_000_000 // max(span_ns, 1)
        self._expected, self._received, self._octets = expected, received, octets
        self.quality = Quality(
            lost / wanted if wanted > 0 else 0.0, self._state[JITTER_16] / 16 / self.clock_khz, bitrate
        )
        return lost, wanted
