"""`soak`: calls that come, change networks, reconnect and go, for minutes; then, what the server holds beside what it held."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from contextlib import AsyncExitStack

from loadtest.call_pair import BROKEN, Pair, Timings
from loadtest.calls import NoCalls, ended
from loadtest.clip import Clip, make_clip
from loadtest.front_door import Refused, Visitor
from loadtest.gauges import held_by, stats_of
from loadtest.histogram import Histogram
from loadtest.measures import transits_ms
from loadtest.target import Target, Tell, Where, open_target

WARM_UP_CALLS = 3  # for each member of staff: pools and caches fill once
CALL_S = (1.5, 4.0)
SAMPLE_EVERY_S = 1.0
SETTLE_DEADLINE_S = 45.0
RECOVERY_DEADLINE_S = 20.0
# A call that is over, its session and its line in the limits stay for minutes: some 20 kB; and an allocator's slack.
ALLOWED_MB, ALLOWED_MB_PER_CALL = 12.0, 0.1
ALLOWED_THINGS = 4  # descriptors, threads, tasks: a connection may be on its way out


class SoakRun:
    """`await run()`; `facts()` at any time."""

    def __init__(self, minutes: float, calls: int, seed: int, where: Where, tell: Tell) -> None:
        self._seconds = minutes * 60
        self._at_once = calls
        self._seed = seed
        self._where = where
        self._tell = tell
        self._timings = Timings()
        self._recovery = Histogram()
        self._begun = self._done = self._refused = 0
        self._changes = {"networks": 0, "reconnects": 0}
        self._failures: list[str] = []
        self._start: dict[str, float] = {}
        self._end: dict[str, float] = {}
        self._series: dict[str, list[tuple[float, float]]] = {}

    async def run(self) -> None:
        """Raises CannotLoad and NotStarted before any load, NoCalls when nothing came about."""
        async with AsyncExitStack() as stack:
            target = await stack.enter_async_context(
                open_target(self._where, self._at_once, self._tell, seed=self._seed)
            )
            clip = await asyncio.to_thread(make_clip)
            staff = []
            for username in target.staff[: self._at_once]:
                visitor = target.visitor(clip)
                await visitor.__aenter__()
                stack.push_async_callback(visitor.__aexit__)
                await visitor.sign_in(username, target.password)
                staff.append(visitor)
            await self._warm_up(target, clip, staff)
            self._start = self._end = await self._settled(target, staff)
            begun = time.monotonic()
            self._tell(f"calls come and go for {self._seconds / 60:g} min, {self._at_once} at once")
            watching = asyncio.create_task(self._watch(target, staff[0], begun))
            stack.push_async_callback(ended, [watching])
            await self._serve_all(target, clip, staff, until=begun + self._seconds)
            await ended([watching])
            if not self._done:
                raise NoCalls(f"No call came about. The first fault: {self._first_fault()}")
            self._tell("waiting until the server has given everything back")
            self._end = await self._settled(target, staff)

    async def _warm_up(self, target: Target, clip: Clip, staff: list[Visitor]) -> None:
        self._tell(f"warming up with {WARM_UP_CALLS} calls each")
        for _ in range(WARM_UP_CALLS):
            await self._serve_all(target, clip, staff, until=0.0)
        if not self._done:
            raise NoCalls(f"No call came about. The first fault: {self._first_fault()}")
        self._done = self._begun = 0

    async def _serve_all(self, target: Target, clip: Clip, staff: list[Visitor], *, until: float) -> None:
        """Each member of staff takes call after call until `until`, one at least."""
        seeded = random.Random(self._seed)
        serving = [
            asyncio.create_task(self._serve(target, clip, visitor, until, random.Random(seeded.random())))
            for visitor in staff
        ]
        try:
            await asyncio.gather(*serving)
        finally:
            await ended(serving)

    async def _serve(self, target: Target, clip: Clip, staff: Visitor, until: float, seeded: random.Random) -> None:
        while True:
            self._begun += 1
            pair = Pair(target, self._begun, "", clip, self._timings, staff)
            try:
                await pair.begin(time.monotonic(), is_recorded=self._begun % 3 == 0)
                await self._live_through(pair, seeded)
                await (pair.customer if seeded.random() < 0.5 else staff).hang_up()
                self._done += 1
            except BROKEN as fault:
                if isinstance(fault, Refused) and fault.code in ("unavailable", "rate_limited"):
                    self._refused += 1  # a busy server that says so has not failed
                else:
                    self._failures.append(f"call {self._begun}: {fault or 'the server kept silent'}")
                with contextlib.suppress(*BROKEN):
                    await staff.hang_up()
                await asyncio.sleep(0.5)
            finally:
                with contextlib.suppress(*BROKEN):
                    await pair.customer.__aexit__()
                staff.client.forget()
            if time.monotonic() >= until:
                return

    async def _live_through(self, pair: Pair, seeded: random.Random) -> None:
        await asyncio.sleep(seeded.uniform(*CALL_S) / 2)
        for value in transits_ms(pair.customer.client.sent_frames, pair.staff.client.arrived_frames):
            self._timings.transit.record(value)
        change = seeded.choice(("nothing", "network", "staff's network", "reconnect"))
        start = time.monotonic()
        if change == "network":
            pair.customer.client.change_network()
        elif change == "staff's network":
            pair.staff.client.change_network()
        elif change == "reconnect":
            await pair.customer.reconnect()
            self._changes["reconnects"] += 1
        if change != "nothing":
            for viewer in pair.visitors:
                viewer.client.frame_shown.clear()
            for viewer in pair.visitors:
                await self._recovered(viewer, start)
        self._changes["networks"] += change.endswith("network")
        await asyncio.sleep(seeded.uniform(*CALL_S) / 2)

    async def _recovered(self, viewer: Visitor, start: float) -> None:
        """Until `viewer` sees the next picture."""
        async with asyncio.timeout(RECOVERY_DEADLINE_S):
            await viewer.client.frame_shown.wait()
        self._recovery.record_since(start, time.monotonic())

    # --- what the server holds ---

    async def _holds(self, target: Target, operator: Visitor) -> dict[str, float]:
        stats = await stats_of(operator)
        holds = {"tasks": stats.get("live_tasks", 0.0), "peers": stats.get("node_peers", 0.0)}
        holds |= {"sockets": stats.get("live_sockets", 0.0), "open_calls": stats.get("live_open_calls", 0.0)}
        if target.pid is not None:
            held = await asyncio.to_thread(held_by, target.pid)
            holds |= {"rss_mb": held.rss_mb, "descriptors": float(held.descriptors), "threads": float(held.threads)}
        return holds

    async def _settled(self, target: Target, staff: list[Visitor]) -> dict[str, float]:
        """Once only the staff are left, and twice in a row the same number of tasks and descriptors is seen."""
        last: dict[str, float] = {}
        deadline = time.monotonic() + SETTLE_DEADLINE_S
        while time.monotonic() < deadline:
            holds = await self._holds(target, staff[0])
            is_quiet = holds["open_calls"] == 0 and holds["peers"] <= len(staff) and holds["sockets"] <= len(staff)
            same = all(holds.get(name) == last.get(name) for name in ("tasks", "descriptors"))
            if is_quiet and same and last:
                return holds
            last = holds
            await asyncio.sleep(1.0)
        return last

    async def _watch(self, target: Target, operator: Visitor, begun: float) -> None:
        while True:
            await asyncio.sleep(SAMPLE_EVERY_S)
            with contextlib.suppress(*BROKEN):
                self._end = await self._holds(target, operator)
                for name in ("rss_mb", "descriptors", "tasks", "open_calls"):
                    if name in self._end:
                        points = self._series.setdefault(name.replace("_", " "), [])
                        points.append((round(time.monotonic() - begun, 1), round(self._end[name], 2)))

    # --- what came out ---

    def _first_fault(self) -> str:
        return self._failures[0] if self._failures else "the server said that it is too busy"

    def live(self) -> list[tuple[str, str]]:
        shown = [("calls", str(self._done)), ("failed", str(len(self._failures)))]
        shown += [(name, f"{self._start.get(name, 0):.0f} -> {value:.0f}") for name, value in self._end.items()]
        return shown

    def facts(self) -> dict[str, object]:
        leaks: dict[str, object] = {}
        growing = []
        for name in ("rss_mb", "descriptors", "threads", "tasks", "peers", "sockets"):
            if name in self._start and name in self._end:
                growth = self._end[name] - self._start[name]
                leaks[name] = {
                    "start": round(self._start[name], 1),
                    "end": round(self._end[name], 1),
                    "growth": round(growth, 1),
                }
                allowed = ALLOWED_MB + ALLOWED_MB_PER_CALL * self._done if name == "rss_mb" else ALLOWED_THINGS
                if growth > allowed:
                    growing.append(f"{name} grew by {growth:.0f}, which is more than {allowed:.0f}.")
        if leaks:
            leaks["is_growing"] = bool(growing)
        return {
            "calls": self._done,
            "calls_failed": len(self._failures),
            "calls_refused": self._refused,
            "changes": dict(self._changes),
            "connect_ms": self._timings.connect.facts(),
            "first_frame_ms": self._timings.first_frame.facts(),
            "recovery_ms": self._recovery.facts(),
            "transit_ms": self._timings.transit.facts(),
            "leaks": leaks,
            "series": self._series,
            "notes": [
                *growing,
                *([f"{len(self._failures)} faults; the first: {self._failures[0]}"] if self._failures else []),
            ],
        }
