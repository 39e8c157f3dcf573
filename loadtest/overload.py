"""`overload`: what happens at twice the load at which a picture takes 20 ms through the server (99 of 100), and afterwards.

The load is calls for each processor core. The calls stay as they are and the server's core is made slower
(`loadtest.processor_share`): more calls would make the tester the limit, which shares the machine, and a server that is busy
takes no more calls, so that nobody could bring it there."""

from __future__ import annotations

import asyncio
import contextlib
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from loadtest.call_pair import BROKEN, Pair, Timings
from loadtest.calls import NoCalls, ended
from loadtest.clip import Clip, make_clip
from loadtest.front_door import Refused, Visitor
from loadtest.gauges import OwnLoad, ServerCost, stats_of
from loadtest.processor_share import ProcessorShare
from loadtest.target import Target, Tell, Where, open_target
from loadtest.window import LIMIT_MS, Window, measure

FIRST_SHARE = 2.0  # times what the calls take when nothing limits them
LEAST_SHARE = 0.005
LEAST_SOUND = 0.95
COME_DEADLINE_S = 20.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How long each part lasts; `ratio` of one share to the one before: how exactly the load is found; how many `times_over`
    show it."""

    step_s: float = 4.0
    settle_s: float = 1.0
    ratio: float = 0.85
    times_over: int = 3
    drain_s: float = 10.0  # at most, until calls are well again
    half_s: float = 10.0
    overload_s: float = 15.0
    comers_at_s: tuple[float, ...] = (2.0, 5.0, 8.0)  # shedding has begun by then
    recovery_s: float = 40.0  # at most
    new_call_s: float = 30.0  # at most, after that


QUICK = Pace(
    step_s=1.0,
    settle_s=0.5,
    ratio=0.5,
    times_over=1,
    drain_s=4.0,
    half_s=1.0,
    overload_s=4.0,
    comers_at_s=(2.0,),
    recovery_s=5.0,
    new_call_s=5.0,
)


class NotOverloaded(RuntimeError):
    """No share of the processor was small enough."""


@dataclass(slots=True)
class Comers:
    """New customers during the overload: `refusals` (milliseconds, the server's sentence), how many were let in, and what
    happened to those who got no answer."""

    refusals: list[tuple[float, str]] = field(default_factory=list)
    let_in: int = 0
    silent: list[str] = field(default_factory=list)

    def facts(self) -> dict[str, object]:
        return {
            "came": len(self.refusals) + self.let_in + len(self.silent),
            "refused": len(self.refusals),
            "let_in": self.let_in,
            "without_answer": len(self.silent),
            "refused_within_ms": round(max(ms for ms, _ in self.refusals), 1) if self.refusals else None,
            "refusal": self.refusals[0][1] if self.refusals else None,
        }


class OverloadRun:
    """`await run()`; `facts()` at any time."""

    def __init__(self, calls: int, pace: Pace, seed: int, tell: Tell) -> None:
        self.calls = calls
        self._pace = pace
        self._seed = seed
        self._tell = tell
        self._timings = Timings()
        self._own = OwnLoad()
        self._steps: list[Window] = []
        self._share_at_limit: float | None = None
        self._half: Window | None = None
        self._twice: Window | None = None
        self._comers = Comers()
        self._recovered_s: float | None = None
        self._new_call_s: float | None = None
        self._faults: list[str] = []  # the server's, and calls that broke
        self._troubles: list[str] = []  # what did not come right by itself
        self._is_over = False

    @property
    def expected_s(self) -> float:
        pace = self._pace
        return 35 + self.calls * 0.4 + 10 * (pace.step_s + pace.settle_s) + pace.half_s + pace.overload_s

    async def run(self) -> None:
        """Raises CannotLoad and NotStarted before any load, NoCalls when so many do not come about, NotOverloaded."""
        async with AsyncExitStack() as stack:
            target = await stack.enter_async_context(
                open_target(Where(), self.calls, self._tell, seed=self._seed, spare_staff=1)
            )
            assert target.pid is not None
            share = stack.enter_context(ProcessorShare(target.pid))
            clip = await asyncio.to_thread(make_clip)
            stack.push_async_callback(ended, [asyncio.create_task(self._own.watch())])
            *pairs, waiting = await self._come_in(target, clip, stack)
            gauge = _Gauge(pairs, ServerCost(target.pid), self._own, share, self._pace.drain_s)
            at_limit = self._share_at_limit = await self._search(gauge)
            self._tell(f"half that load: {2 * at_limit:.2f} of a core")
            # What the limit left behind is not of this load.
            if not (await gauge.relieve() and await gauge.relieve(2 * at_limit)):
                self._troubles.append(f"Calls were not well at half load within {2 * self._pace.drain_s:g} s.")
            self._half = await gauge.window(2 * at_limit, self._pace.half_s)
            faults = await self._server_faults(pairs[0].staff)
            await self._overload(gauge, at_limit / 2, target, clip)
            await self._recover(gauge, 2 * at_limit, waiting, target, clip)
            share.set(1.0)
            await self._look_for_faults(pairs, faults)
            self._is_over = True

    async def _come_in(self, target: Target, clip: Clip, stack: AsyncExitStack) -> list[Pair]:
        """All calls, and one whose member of staff waits."""
        self._tell(f"{self.calls} recorded calls begin")
        pairs = []
        for number, username in enumerate(target.staff[: self.calls + 1], start=1):
            pair = Pair(target, number, username, clip, self._timings)
            stack.push_async_callback(pair.close)
            await pair.staff_come_in()
            if number <= self.calls and (said := await self._begin(pair, target, clip, COME_DEADLINE_S)):
                raise NoCalls(f"Call {number} of {self.calls} did not come about: {said}")
            pairs.append(pair)
        return pairs

    async def _search(self, gauge: _Gauge) -> float:
        """The share at which the 99th percentile is over the limit as many times in a row as the pace asks for: what holds
        pictures up just once is the machine's and not load."""
        await asyncio.sleep(self._pace.settle_s)
        if not await gauge.relieve():
            self._troubles.append(
                f"Calls were not well with a whole core, within {self._pace.drain_s:g} s of their beginning."
            )
        free = await gauge.window(1.0, self._pace.step_s)
        self._steps.append(free)
        share = min(1.0, FIRST_SHARE * free.server_cores)
        while share >= LEAST_SHARE:
            self._tell(f"looking for the load at which p99 is {LIMIT_MS:g} ms: {share:.2f} of a core")
            for _ in range(self._pace.times_over):
                gauge.share.set(share)
                await asyncio.sleep(self._pace.settle_s)
                step = await gauge.window(share, self._pace.step_s)
                self._steps.append(step)
                if step.p99_of_sent_ms < LIMIT_MS:
                    break
                if not await gauge.relieve():
                    self._troubles.append(
                        f"Calls did not recover from {share:.2f} of a core within {self._pace.drain_s:g} s of a whole one."
                    )
                    return share
            else:
                return share
            share *= self._pace.ratio
        raise NotOverloaded(f"{self.calls} calls are no load for this server: ask for more with --calls.")

    async def _overload(self, gauge: _Gauge, share: float, target: Target, clip: Clip) -> None:
        self._tell(
            f"twice that load: {share:.2f} of a core, for {self._pace.overload_s:g} s; {len(self._pace.comers_at_s)} new customers come"
        )
        coming = [asyncio.create_task(self._come(target, clip, after)) for after in self._pace.comers_at_s]
        try:
            self._twice = await gauge.window(share, self._pace.overload_s)
            await asyncio.gather(*coming)
        finally:
            await ended(coming)

    async def _come(self, target: Target, clip: Clip, after_s: float) -> None:
        await asyncio.sleep(after_s)
        start = time.monotonic()
        customer = target.visitor(clip)
        try:
            async with asyncio.timeout(COME_DEADLINE_S), customer:
                await customer.enter(target.shop, connects=False)
                await customer.join("A new customer", consent=True)
            self._comers.let_in += 1
        except Refused as refusal:
            if refusal.code == "unavailable":
                sentence = str(refusal).removeprefix("call.join: ")
                self._comers.refusals.append(((time.monotonic() - start) * 1000, sentence))
            else:
                self._comers.silent.append(str(refusal))
        except BROKEN as fault:
            self._comers.silent.append(str(fault) or f"no answer within {COME_DEADLINE_S:g} s")

    async def _recover(self, gauge: _Gauge, share: float, pair: Pair, target: Target, clip: Clip) -> None:
        """`pair`: who waits for a new customer."""
        self._tell(f"the load falls: {share:.2f} of a core")
        start = time.monotonic()
        gauge.share.set(share)
        while self._recovered_s is None and time.monotonic() - start < self._pace.recovery_s:
            window = await gauge.window(share, 1.0)
            if window.is_well:
                self._recovered_s = time.monotonic() - start
        if said := await self._begin(pair, target, clip, self._pace.new_call_s):
            self._troubles.append(f"No new call came about within {self._pace.new_call_s:g} s; at last: {said}")
        else:
            self._new_call_s = time.monotonic() - start

    async def _begin(self, pair: Pair, target: Target, clip: Clip, within_s: float) -> str:
        """A customer comes, again and again, until the call stands; empty then, else what went wrong at last."""
        until, said = time.monotonic() + within_s, ""
        while time.monotonic() < until:
            try:
                await pair.begin(time.monotonic(), is_recorded=True)
            except BROKEN as fault:
                said = str(fault) or "the server kept silent"
            else:
                return ""
            with contextlib.suppress(*BROKEN):
                await pair.customer.__aexit__()
            pair.customer = target.visitor(clip)
            await asyncio.sleep(0.5)
        return said

    async def _server_faults(self, operator: Visitor) -> float:
        stats = await stats_of(operator)
        return stats.get("live_faults", 0.0) + stats.get("node_faults", 0.0)

    async def _look_for_faults(self, pairs: list[Pair], before: float) -> None:
        try:
            faults = await self._server_faults(pairs[0].staff) - before
            if faults:
                self._faults.append(f"the server counted {faults:.0f} faults of its own")
        except BROKEN as fault:
            self._faults.append(f"the server does not answer: {fault}")
        for pair in pairs:
            for visitor in pair.visitors:
                if broken := visitor.client.fault():
                    self._faults.append(f"call {pair.number}: a client failed: {broken!r}")
            try:
                await pair.hang_up()
            except BROKEN as fault:
                self._faults.append(f"call {pair.number} could not be hung up: {fault or 'the server kept silent'}")

    # --- what came out ---

    def live(self) -> list[tuple[str, str]]:
        return [
            (f"{step.share:.2f} of a core", f"transit p50 {step.p50_ms:.2f}  p99 {step.p99_ms:.2f} ms")
            for step in self._steps[-8:]
        ]

    def facts(self) -> dict[str, object]:
        share, half, twice = self._share_at_limit, self._half, self._twice
        overload: dict[str, object] = {
            "share_at_limit": None if share is None else round(share, 3),
            "calls_per_core_at_limit": None if share is None else round(self.calls / share, 1),
            "half_load": half.facts() if half else None,
            "twice_the_load": twice.facts() if twice else None,
            "comers": self._comers.facts(),
            "recovered_s": None if self._recovered_s is None else round(self._recovered_s, 1),
            "new_call_s": None if self._new_call_s is None else round(self._new_call_s, 1),
            "faults": len(self._faults),
        }
        if self._is_over:
            overload["is_kept"] = self._is_kept()
        return {
            "calls": self.calls,
            "overload": overload,
            "steps": [step.facts() for step in self._steps],
            "tester": {"cpu_cores": round(max((step.tester_cores for step in self._steps), default=0.0), 3)},
            "notes": self._notes(),
        }

    def _is_kept(self) -> bool:
        return bool(
            self._twice
            and self._twice.least_sound_share >= LEAST_SOUND
            and self._comers.refusals
            and not self._comers.let_in
            and not self._comers.silent
            and not self._faults
            and not self._troubles
            and self._recovered_s is not None
            and self._new_call_s is not None
        )

    def _notes(self) -> list[str]:
        notes = [
            "The load is calls for each processor core: the calls stay the same and the server is left a smaller share "
            "of one core. Clients here go on sending as much as before; phones would send smaller pictures."
        ]
        if self._comers.silent:
            notes.append(f"{len(self._comers.silent)} new customers got no clear answer: {self._comers.silent[0]}")
        return notes + self._troubles + self._faults


@dataclass(slots=True)
class _Gauge:
    pairs: list[Pair]
    cost: ServerCost
    own: OwnLoad
    share: ProcessorShare
    drain_s: float

    async def window(self, share: float, seconds: float) -> Window:
        self.share.set(share)
        return await measure(self.pairs, self.cost, self.own, share, seconds)

    async def relieve(self, share: float = 1.0) -> bool:
        """This much of a core, until calls are as before; False when they do not become so."""
        deadline = time.monotonic() + self.drain_s
        while time.monotonic() < deadline:
            if (await self.window(share, 1.0)).is_well:
                return True
        return False
