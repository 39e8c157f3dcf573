"""One direction of one person's network: decides for each datagram whether and when it comes out at the other end."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass

from loadtest.impairment import Impairment

HEADERS_BYTES = 28  # IPv4 and UDP: a link carries them, too
LATE_MS = 15.0  # a reordered datagram: behind the next three of a 1 Mbit/s stream, sooner than a re-send


@dataclass(slots=True)
class Counts:
    """Datagrams of both directions: `came` in, went `out`; `lost` by chance or in the dark, `dropped` from a full queue."""

    came: int = 0
    out: int = 0
    lost: int = 0
    dropped: int = 0
    reordered: int = 0
    duplicated: int = 0
    handovers: int = 0

    def facts(self) -> dict[str, int]:
        return asdict(self)


class Link:
    """`times` gives the moments at which a datagram comes out: none when it is lost, two when it is doubled.

    The same seed and the same datagrams give the same decisions. Seconds, on the clock of `now`.
    """

    def __init__(self, seed: str, counts: Counts) -> None:
        self._counts = counts
        self._random = random.Random(seed)
        self._is_bad = False
        self._free_at = 0.0
        self._last_out = 0.0

    def times(self, impairment: Impairment, now: float, size_bytes: int) -> tuple[float, ...]:
        chance = self._random.random
        if impairment.loss_share and self._loses(impairment):
            self._counts.lost += 1
            return ()
        out = now
        if impairment.rate_bps:
            begins = max(now, self._free_at)
            if (begins - now) * 1000 > impairment.queue_ms:
                self._counts.dropped += 1
                return ()
            out = self._free_at = begins + (size_bytes + HEADERS_BYTES) * 8 / impairment.rate_bps
        spread_ms = impairment.jitter_ms * (2 * chance() - 1) if impairment.jitter_ms else 0.0
        out += max(0.0, impairment.delay_ms + spread_ms) / 1000
        if impairment.reorder_share and chance() < impairment.reorder_share:
            self._counts.reordered += 1
            out = max(out, self._last_out) + LATE_MS / 1000
        else:
            # Jitter is a queue elsewhere that grows and shrinks: nobody overtakes in a queue.
            out = self._last_out = max(out, self._last_out)
        if impairment.duplicate_share and chance() < impairment.duplicate_share:
            self._counts.duplicated += 1
            return (out, out)
        return (out,)

    def _loses(self, impairment: Impairment) -> bool:
        share, burst = impairment.loss_share, impairment.burst_packets
        if not burst:
            return self._random.random() < share
        # Mean stay in the bad state is `burst`; entering it so often that its share of all datagrams is `share`.
        turns = 1 / burst if self._is_bad else share / (burst * (1 - share))
        if self._random.random() < turns:
            self._is_bad = not self._is_bad
        return self._is_bad
