"""How often one address or person may try. Memory is bounded: the key that was quiet longest is forgotten first."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from datetime import datetime

from domain.errors import RateLimited

MAX_KEYS = 20_000  # about 4 MB


class Buckets:
    """One token bucket per key: `burst` at once, then `per_second`."""

    def __init__(self, *, burst: float, per_second: float, max_keys: int = MAX_KEYS) -> None:
        self._burst = burst
        self._per_second = per_second
        self._max_keys = max_keys
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()  # key -> (tokens, at)

    def __len__(self) -> int:
        return len(self._levels)

    def take(self, key: str, now: datetime) -> None:
        """Takes one token of `key`, or raises RateLimited with the time until the next one."""
        at = now.timestamp()
        tokens, since = self._levels.pop(key, (self._burst, at))
        tokens = min(self._burst, tokens + max(0.0, at - since) * self._per_second)
        allowed = tokens >= 1.0
        self._levels[key] = (tokens - 1.0 if allowed else tokens, at)
        while len(self._levels) > self._max_keys:
            self._levels.popitem(last=False)
        if not allowed:
            raise too_often((1.0 - tokens) / self._per_second)


class Failures:
    """Failed attempts per key: the first `free` cost nothing, then each doubles the wait, up to `longest_s`.

    A key that is quiet for `forget_s` starts afresh, as does one that succeeded.
    """

    def __init__(
        self,
        *,
        free: int = 5,
        first_s: float = 2.0,
        longest_s: float = 900.0,
        forget_s: float = 3600.0,
        max_keys: int = MAX_KEYS,
    ) -> None:
        self._free = free
        self._first_s = first_s
        self._longest_s = longest_s
        self._forget_s = forget_s
        self._max_keys = max_keys
        self._failed: OrderedDict[str, tuple[int, float]] = OrderedDict()  # key -> (count, at)

    def __len__(self) -> int:
        return len(self._failed)

    def check(self, key: str, now: datetime) -> None:
        """Raises RateLimited while `key` has to wait."""
        count, at = self._failed.get(key, (0, 0.0))
        left = at + self._wait_s(count) - now.timestamp()
        if left > 0:
            raise too_often(min(left, self._longest_s))

    def failed(self, key: str, now: datetime) -> None:
        count, at = self._failed.pop(key, (0, 0.0))
        if now.timestamp() - at > self._forget_s:
            count = 0
        self._failed[key] = (count + 1, now.timestamp())
        while len(self._failed) > self._max_keys:
            self._failed.popitem(last=False)

    def succeeded(self, key: str) -> None:
        self._failed.pop(key, None)

    def _wait_s(self, count: int) -> float:
        if count < self._free:
            return 0.0
        return float(min(self._longest_s, self._first_s * 2 ** min(count - self._free, 30)))


def address_key(remote: str | None) -> str:
    """One household: an IPv4 address, or the /64 of an IPv6 address (one phone owns a whole /64)."""
    try:
        address = ipaddress.ip_address((remote or "").partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((int(address) >> 64 << 64, 64)))


def too_often(retry_after_s: float) -> RateLimited:
    wait = max(1, round(retry_after_s))
    return RateLimited(f"Too many tries. Wait {wait} s and try again.", retry_after_s=max(retry_after_s, 0.1))
