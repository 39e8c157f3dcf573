"""Latencies, counted in buckets of growing width as HdrHistogram does: any number of values in little memory, each known
to one part in a thousand.

Without coordinated omission: who keeps a pace measures from the moment at which a thing was due, not from the moment at
which it could at last be begun. `record_since` takes that moment; a stall then shows in all that it delayed.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TypedDict

_UNITS_PER_MS = 10_000  # 0.1 us: a transit over loopback is about 200 us
_LINEAR_BITS = 10  # 1024 equal buckets in each doubling: 0.1 % of the value at most


class LatencyFacts(TypedDict):
    """Milliseconds; all None while nothing was recorded."""

    p50: float | None
    p95: float | None
    p99: float | None
    max: float | None
    count: int


class Histogram:
    def __init__(self) -> None:
        self._buckets: Counter[int] = Counter()
        self._max_ms = 0.0
        self._sum_ms = 0.0
        self.count = 0

    def record(self, ms: float, times: int = 1) -> None:
        """A negative value (two clocks that disagree by a hair) counts as 0. Raises ValueError for what is no number."""
        if not math.isfinite(ms):
            raise ValueError(f"{ms} is no duration")
        ms = max(0.0, ms)
        self._buckets[_bucket(round(ms * _UNITS_PER_MS))] += times
        self._max_ms = max(self._max_ms, ms)
        self._sum_ms += ms * times
        self.count += times

    def record_since(self, due_s: float, done_s: float) -> None:
        """`due_s`: when it should have begun by the pace that is kept; both by `time.monotonic`."""
        self.record((done_s - due_s) * 1000)

    def merge(self, other: Histogram) -> None:
        self._buckets.update(other._buckets)
        self._max_ms = max(self._max_ms, other._max_ms)
        self._sum_ms += other._sum_ms
        self.count += other.count

    def percentile(self, share: float) -> float:
        """The value in ms that `share` (0..1) of all do not exceed, to 0.1 %; nan while nothing was recorded."""
        if not self.count:
            return math.nan
        wanted = max(1, math.ceil(share * self.count))
        seen = 0
        for bucket in sorted(self._buckets):
            seen += self._buckets[bucket]
            if seen >= wanted:
                return min(_highest(bucket) / _UNITS_PER_MS, self._max_ms)
        return self._max_ms

    @property
    def max_ms(self) -> float:
        return self._max_ms if self.count else math.nan

    @property
    def mean_ms(self) -> float:
        return self._sum_ms / self.count if self.count else math.nan

    def facts(self) -> LatencyFacts:
        if not self.count:
            return {"p50": None, "p95": None, "p99": None, "max": None, "count": 0}
        p50, p95, p99 = (round(self.percentile(share), 3) for share in (0.5, 0.95, 0.99))
        return {"p50": p50, "p95": p95, "p99": p99, "max": round(self._max_ms, 3), "count": self.count}


def histogram_of(values_ms: list[float]) -> Histogram:
    made = Histogram()
    for value in values_ms:
        made.record(value)
    return made


def _bucket(units: int) -> int:
    """Each doubling above the first 2048 units has 1024 buckets, below it each unit has its own."""
    shift = max(0, units.bit_length() - _LINEAR_BITS - 1)
    return (shift << _LINEAR_BITS) + (units >> shift)


def _highest(bucket: int) -> int:
    """The largest number of units that this bucket counts."""
    shift = max(0, (bucket >> _LINEAR_BITS) - 1)
    return ((bucket - (shift << _LINEAR_BITS) + 1) << shift) - 1
