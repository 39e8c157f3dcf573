"""What the server costs and holds, seen from outside for a server of our own, from its own counters for another one."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from loadtest.front_door import Refused, Visitor
from loadtest.measures import cpu_seconds, with_children

LAG_EVERY_S = 0.01


@dataclass(frozen=True, slots=True)
class Held:
    """Sums over the server's processes."""

    rss_mb: float
    descriptors: int
    threads: int


def held_by(root: int) -> Held:
    rss_kb, descriptors, threads = 0, 0, 0
    for pid in with_children(root):
        try:
            status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
            rss_kb += int(status.get("VmRSS", "0 kB").split()[0])
            threads += int(status.get("Threads", "0"))
            descriptors += len(list(Path(f"/proc/{pid}/fd").iterdir()))
        except OSError:  # it ended meanwhile
            continue
    return Held(rss_kb / 1024, descriptors, threads)


class ServerCost:
    """CPU of the server since `begin`. `pid` None: `operator` asks the server, which knows its media process only."""

    def __init__(self, pid: int | None, operator: Visitor | None = None) -> None:
        self._pid = pid
        self._operator = operator
        self._start_s = 0.0
        self._since = 0.0
        self.is_known = True

    async def _spent(self) -> float:
        if self._pid is not None:
            return cpu_seconds(with_children(self._pid))
        try:
            return (await stats_of(self._operator))["node_cpu_s"] if self._operator else 0.0
        except (Refused, KeyError, aiohttp.ClientError):  # not a manager's sign-in, or it is gone
            self.is_known = False
            return 0.0

    async def begin(self) -> None:
        self._start_s, self._since = await self._spent(), time.monotonic()

    async def so_far(self) -> tuple[float, float]:
        """CPU seconds, and the seconds in which they were spent."""
        return await self._spent() - self._start_s, time.monotonic() - self._since


async def stats_of(operator: Visitor) -> dict[str, float]:
    """`/api/stats`. Raises Refused for who is no manager."""
    return {name: float(value) for name, value in (await operator.get("/api/stats")).items()}


class OwnLoad:
    """How busy the tester itself is: its CPU as a share of one core, and how late its event loop is."""

    def __init__(self) -> None:
        self._cpu_s = time.process_time()
        self._since = time.monotonic()
        self.late_ms = 0.0  # the worst within the last second or so
        self.most_late_ms = 0.0

    def restart(self) -> None:
        self._cpu_s, self._since, self.most_late_ms = time.process_time(), time.monotonic(), 0.0

    @property
    def cores(self) -> float:
        return (time.process_time() - self._cpu_s) / max(1e-6, time.monotonic() - self._since)

    async def watch(self) -> None:
        """Until cancelled."""
        while True:
            start = time.monotonic()
            await asyncio.sleep(LAG_EVERY_S)
            late_ms = (time.monotonic() - start - LAG_EVERY_S) * 1000
            self.late_ms = max(late_ms, self.late_ms * 0.98)
            self.most_late_ms = max(late_ms, self.most_late_ms)
