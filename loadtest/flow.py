"""What is measured while calls flow: samples twice a second, and the sums over the whole time."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Iterator

from loadtest.call_pair import Pair, Timings
from loadtest.clients import Client
from loadtest.gauges import OwnLoad, ServerCost
from loadtest.histogram import Histogram
from loadtest.measures import transits_ms

SAMPLE_EVERY_S = 0.5
_LEAST_FRAMES = 6
_RECENT_FRAMES = 250  # 10 s: what may still be on its way


class Flow:
    """`await measure(seconds)`; everything else may be read at any time, also while it measures."""

    def __init__(self, pairs: list[Pair], timings: Timings, cost: ServerCost, own: OwnLoad) -> None:
        self._pairs = pairs
        self._timings = timings
        self._cost = cost
        self._own = own
        self._start = self._until = time.monotonic()
        self._seen: dict[int, int] = {}
        self._begun: tuple[int, ...] = (0,) * 6
        self._now: tuple[int, ...] = (0,) * 6
        self._spent_s = 0.0
        self.series: dict[str, list[tuple[float, float]]] = {}
        self.own_cores = self.own_late_ms = 0.0

    async def measure(self, seconds: float) -> None:
        self._own.restart()
        await self._cost.begin()
        self._begun = self._now = self._counted()
        self._start = self._until = time.monotonic()
        self._seen = {id(client): len(client.arrived_frames) for _, client in self._ways()}
        end = self._start + seconds
        while time.monotonic() < end - 0.001:
            await asyncio.sleep(min(SAMPLE_EVERY_S, end - time.monotonic()))
            await self._sample()

    async def _sample(self) -> None:
        window = Histogram()
        for source, sink in self._ways():
            arrived = sink.arrived_frames[self._seen[id(sink)] :]
            if len(arrived) < _LEAST_FRAMES:  # too few to recognise them by: with the next ones
                continue
            self._seen[id(sink)] += len(arrived)
            recent = dict(list(source.sent_frames.items())[-_RECENT_FRAMES:])
            for value in transits_ms(recent, arrived):
                window.record(value)
        self._timings.transit.merge(window)
        before, before_s, before_at = self._now, self._spent_s, self._until
        self._spent_s, _ = await self._cost.so_far()
        self._now, self._until = self._counted(), time.monotonic()
        lasted_s = self._until - before_at
        self._plot("transit p50 (ms)", window.percentile(0.5))
        self._plot("transit p99 (ms)", window.percentile(0.99))
        self._plot("packets through the server (1/s)", (self._now[0] - before[0]) / lasted_s)
        if self._cost.is_known:
            self._plot("server (cores)", (self._spent_s - before_s) / lasted_s)
        self.own_cores, self.own_late_ms = self._own.cores, self._own.most_late_ms
        self._plot("tester (cores)", self.own_cores)
        self._plot("freezes so far", self._now[4] - self._begun[4])

    def _plot(self, name: str, value: float) -> None:
        if math.isfinite(value):
            self.series.setdefault(name, []).append((round(self._until - self._start, 2), round(value, 4)))

    def _ways(self) -> Iterator[tuple[Client, Client]]:
        for pair in self._pairs:
            yield pair.customer.client, pair.staff.client
            yield pair.staff.client, pair.customer.client

    def _counted(self) -> tuple[int, ...]:
        """Packets received, packets given up, sound packets received and expected, freezes, nanoseconds frozen."""
        clients = [client for _, client in self._ways()]
        return (
            sum(c.received for c in clients),
            sum(c.watch.lost for c in clients),
            sum(c.sound.received for c in clients),
            sum(c.sound.expected for c in clients),
            sum(c.watch.freezes for c in clients),
            sum(c.watch.frozen_ns for c in clients),
        )

    @property
    def seconds(self) -> float:
        return self._until - self._start

    @property
    def packets(self) -> int:
        return self._now[0] - self._begun[0]

    def loss(self) -> dict[str, object]:
        packets, given_up, sound, expected, freezes, frozen_ns = (
            now - then for now, then in zip(self._now, self._begun, strict=True)
        )
        lacking = given_up + max(0, expected - sound)
        return {
            "loss_share": round(lacking / (packets + lacking), 6) if packets else None,
            "freezes": freezes,
            "frozen_s": round(frozen_ns / 1e9, 3),
        }

    def cost(self, calls: int) -> dict[str, object]:
        """None where a server that is not ours does not tell."""
        if not self._cost.is_known or not self.packets or self._spent_s <= 0:
            return {"us_per_packet": None, "calls_per_core": None, "cpu_cores": None}
        cores = self._spent_s / self.seconds
        return {
            "us_per_packet": round(self._spent_s / self.packets * 1e6, 2),
            "calls_per_core": round(calls / cores, 1),
            "cpu_cores": round(cores, 4),
        }
