"""`calls`: customers and staff with real transports hold calls through a Loupe; what that is like for them, and what it
costs the server."""

from __future__ import annotations

import asyncio
import gc
import random
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from loadtest.call_pair import BROKEN, Pair, Timings
from loadtest.clip import Clip, make_clip
from loadtest.flow import Flow
from loadtest.gauges import Held, OwnLoad, ServerCost, held_by
from loadtest.impairment import Impairment
from loadtest.lab import Lab
from loadtest.measures import cores
from loadtest.recorded import Completeness, examine
from loadtest.target import Target, Tell, Where, open_target

RAMP_PER_CALL_S = 0.1
SETTLE_S = 1.0  # first keyframes and congestion control
# One event loop: beyond this its own delays show in what it measures.
OWN_LIMIT_CORES, OWN_LIMIT_LATE_MS = 0.75, 50.0


class NoCalls(RuntimeError):
    """Not a single call came about."""


@dataclass(slots=True)
class Asked:
    """What was typed."""

    calls: int
    seconds: float
    ramp_s: float | None = None
    is_recorded: bool = True
    impairment: Impairment | None = None
    seed: int = 1
    where: Where = field(default_factory=Where)


class CallsRun:
    """`await run()`; `facts()` at any time, also when `run` was cancelled in the middle."""

    def __init__(self, asked: Asked, tell: Tell) -> None:
        self.asked = asked
        self.timings = Timings()
        self._tell = tell
        self._own = OwnLoad()
        self._pairs: list[Pair] = []
        self._failures: list[str] = []
        self._unbegun = 0  # calls that did not come about
        self._broken: set[int] = set()  # calls that came about and did not hold
        self._flow: Flow | None = None
        self._completeness: Completeness | None = None
        self._held: list[Held] = []
        self._lab: Lab | None = None

    async def run(self) -> None:
        """Raises CannotLoad and NotStarted before any load, NoCalls when nothing came about."""
        asked = self.asked
        async with AsyncExitStack() as stack:
            self._tell("looking for the server" if asked.where.url else "starting a server")
            target = await stack.enter_async_context(
                open_target(asked.where, asked.calls, self._tell, impairment=asked.impairment, seed=asked.seed)
            )
            self._lab = target.lab
            clip = await asyncio.to_thread(make_clip)
            stack.push_async_callback(ended, [asyncio.create_task(self._own.watch())])
            cost = await self._come_in(target, clip, stack)
            await self._talk(target, cost, stack)
            await self._go()

    async def _come_in(self, target: Target, clip: Clip, stack: AsyncExitStack) -> ServerCost:
        asked = self.asked
        self._tell(f"{asked.calls} members of staff sign in")
        waiting: list[Pair] = []
        for number, username in enumerate(target.staff[: asked.calls], start=1):
            pair = Pair(target, number, username, clip, self.timings)
            stack.push_async_callback(pair.close)
            await pair.staff_come_in()  # one after the other: a server limits how fast one address may sign in
            waiting.append(pair)
        if target.pid is not None:
            self._held.append(held_by(target.pid))
        ramp_s = RAMP_PER_CALL_S * asked.calls if asked.ramp_s is None else asked.ramp_s
        self._tell(f"{asked.calls} customers come in within {ramp_s:.1f} s")
        start = time.monotonic()
        begun = [
            asyncio.create_task(self._begin(pair, start + ramp_s * at / len(waiting)))
            for at, pair in enumerate(waiting)
        ]
        stack.push_async_callback(ended, begun)
        await asyncio.gather(*begun)
        if not self._pairs:
            raise NoCalls(f"No call came about. The first fault: {self._failures[0]}")
        return ServerCost(target.pid, waiting[0].staff)

    async def _begin(self, pair: Pair, due: float) -> None:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        try:
            await pair.begin(due, is_recorded=self.asked.is_recorded)
        except BROKEN as fault:
            self._unbegun += 1
            self._failures.append(f"call {pair.number}: {fault or 'the server kept silent'}")
        else:
            self._pairs.append(pair)

    async def _talk(self, target: Target, cost: ServerCost, stack: AsyncExitStack) -> None:
        asked = self.asked
        seeded = random.Random(asked.seed)
        talking = [asyncio.create_task(pair.chat(random.Random(seeded.random()))) for pair in self._pairs]
        stack.push_async_callback(ended, talking)
        await asyncio.sleep(min(SETTLE_S, asked.seconds))
        self._tell(f"{len(self._pairs)} calls flow for {asked.seconds:g} s")
        gc.collect()
        self._flow = Flow(self._pairs, self.timings, cost, self._own)
        await self._flow.measure(asked.seconds)
        if target.pid is not None:
            self._held.append(held_by(target.pid))
        await ended(talking)
        for pair in self._pairs:
            for visitor in pair.visitors:
                if fault := visitor.client.fault():
                    self._broken.add(pair.number)
                    self._failures.append(f"call {pair.number}: a client failed: {fault!r}")

    async def _go(self) -> None:
        self._tell("hanging up")
        for pair in self._pairs:
            try:
                await pair.hang_up()
            except BROKEN as fault:
                self._broken.add(pair.number)
                said = fault or "the server kept silent"
                self._failures.append(f"call {pair.number} could not be hung up: {said}")
        if self.asked.is_recorded:
            self._tell("comparing the recordings with what was sent")
            try:
                self._completeness = await examine(self._pairs, self._pairs[0].staff)
            except BROKEN as fault:
                self._failures.append(f"the recordings could not be read: {fault or 'the server kept silent'}")

    # --- what came out ---

    def live(self) -> list[tuple[str, str]]:
        """For a person who watches: name and value."""
        timings = self.timings
        shown = [("calls", f"{len(self._pairs)} of {self.asked.calls}"), ("failed", str(len(self._failures)))]
        for name, found in (
            ("connect", timings.connect),
            ("first picture", timings.first_frame),
            ("transit", timings.transit),
            ("chat", timings.chat),
        ):
            if found.count:
                shown.append((name, f"p50 {found.percentile(0.5):.2f}  p99 {found.percentile(0.99):.2f} ms"))
        if self._flow is not None and self._flow.packets:
            cost = self._flow.cost(len(self._pairs))
            shown.append(("server", f"{cost['us_per_packet']} us a packet, {cost['calls_per_core']} calls a core"))
            shown.append(("tester", f"{self._flow.own_cores:.2f} cores"))
        return shown

    def facts(self) -> dict[str, object]:
        timings, flow = self.timings, self._flow
        calls, held = len(self._pairs), len(self._pairs) - len(self._broken)
        found: dict[str, object] = {
            "calls": held,
            "calls_failed": self._unbegun + len(self._broken),
            "connect_ms": timings.connect.facts(),
            "steps_ms": {name: step.facts() for name, step in timings.steps.items()},
            "first_packet_ms": timings.first_packet.facts(),
            "first_frame_ms": timings.first_frame.facts(),
            "transit_ms": timings.transit.facts(),
            "chat_ms": timings.chat.facts(),
            "channel_ms": timings.channel.facts(),
            "messages": {"sent": timings.messages_sent, "acknowledged": timings.messages_kept},
        }
        server: dict[str, object] = flow.cost(calls) if flow else {}
        if self._held:
            server["rss_mb"] = round(self._held[-1].rss_mb, 1)
        if len(self._held) > 1 and calls:
            server["rss_mb_per_call"] = round((self._held[-1].rss_mb - self._held[0].rss_mb) / calls, 2)
        found["server"] = server
        if flow is not None:
            found |= {"seconds": round(flow.seconds, 2), "packets": flow.packets, **flow.loss()}
            found["tester"] = {"cpu_cores": round(flow.own_cores, 3), "late_ms": round(flow.own_late_ms, 1)}
            found["series"] = flow.series
        if self._completeness is not None:
            found["recording"] = self._completeness.facts()
        if self._lab is not None:
            found["network"] = {"impairment": str(self.asked.impairment), **self._lab.counts.facts()}
        found["notes"] = self._notes()
        return found

    def _notes(self) -> list[str]:
        notes = []
        flow = self._flow
        if flow is not None and flow.own_cores > OWN_LIMIT_CORES:
            notes.append(
                f"The tester's own processor time was the limit ({flow.own_cores:.2f} of the one core that it can use): "
                "times hold its own delays too, and the server may carry more than this."
            )
        elif flow is not None and flow.own_late_ms > OWN_LIMIT_LATE_MS:
            notes.append(
                f"This machine ({cores()} cores) was busy: the tester itself was up to {flow.own_late_ms:.0f} ms late, and "
                "every time holds that."
            )
        if self._failures:
            notes.append(f"{len(self._failures)} faults; the first: {self._failures[0]}")
        if flow is not None and flow.cost(1)["cpu_cores"] is None:
            notes.append("What the server costs is not known: it is not ours, and the sign-in is not a manager's.")
        return notes


async def ended(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
