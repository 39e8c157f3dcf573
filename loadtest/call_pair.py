"""One call under load: a customer and a member of staff, what they send each other, and what became of it."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from dataclasses import dataclass, field

import aiohttp

from loadtest.clip import Clip
from loadtest.front_door import Refused, Visitor
from loadtest.histogram import Histogram
from loadtest.target import Target

PICTURE_DEADLINE_S = 20.0
CHAT_EVERY_S = 1.0
BROKEN = (Refused, aiohttp.ClientError, TimeoutError, OSError, ValueError)


@dataclass(slots=True)
class Timings:
    """Shared by all calls of a run; milliseconds."""

    connect: Histogram = field(default_factory=Histogram)
    steps: dict[str, Histogram] = field(default_factory=dict)
    first_packet: Histogram = field(default_factory=Histogram)
    first_frame: Histogram = field(default_factory=Histogram)
    transit: Histogram = field(default_factory=Histogram)
    chat: Histogram = field(default_factory=Histogram)
    channel: Histogram = field(default_factory=Histogram)
    messages_sent: int = 0
    messages_kept: int = 0

    def take_steps(self, visitor: Visitor) -> None:
        for name, value in visitor.steps_ms.items():
            self.steps.setdefault(name, Histogram()).record(value)


class Pair:
    """`come_in`, `begin`, then `flow`; `hang_up`. Who uses it closes both visitors."""

    def __init__(
        self, target: Target, number: int, username: str, clip: Clip, timings: Timings, staff: Visitor | None = None
    ) -> None:
        self.number = number
        self.username = username
        self.call_id = ""
        self.staff = staff or target.visitor(clip)
        self.customer = target.visitor(clip)
        self.live_ns = self.over_ns = 0
        self._target = target
        self._timings = timings

    @property
    def visitors(self) -> tuple[Visitor, Visitor]:
        return self.customer, self.staff

    async def staff_come_in(self) -> None:
        await self.staff.__aenter__()
        await self.staff.sign_in(self.username, self._target.password)
        self._timings.take_steps(self.staff)

    async def begin(self, due: float, *, is_recorded: bool) -> None:
        """The customer, due at `due`, comes, waits, is answered; both see each other. Raises one of `BROKEN`."""
        await self.customer.__aenter__()
        await self.customer.enter(self._target.shop)
        self._timings.take_steps(self.customer)
        self._timings.connect.record_since(due, time.monotonic())
        self.customer.client.start()
        self.staff.client.start()
        self.call_id = await self.customer.join(f"Customer {self.number}", consent=is_recorded)
        await self.answer()

    async def answer(self) -> None:
        """From the tap on Answer to the first packet and the first whole frame of the other, at both sides."""
        for visitor in self.visitors:
            visitor.client.first_packet_ns = 0
        shown = [len(visitor.client.arrived_frames) for visitor in self.visitors]
        tapped_ns = time.monotonic_ns()
        await self.staff.answer(self.call_id)
        self.live_ns = time.monotonic_ns()
        async with asyncio.timeout(PICTURE_DEADLINE_S):
            for visitor, before in zip(self.visitors, shown, strict=True):
                client = visitor.client
                while len(client.arrived_frames) <= before:
                    client.frame_shown.clear()
                    await client.frame_shown.wait()
                self._timings.first_packet.record((client.first_packet_ns - tapped_ns) / 1e6)
                self._timings.first_frame.record((client.arrived_frames[before][1] - tapped_ns) / 1e6)

    async def chat(self, seeded: random.Random) -> None:
        """Until cancelled: at a steady pace the customer writes on the WebSocket, staff on the data channel. Timed from
        the moment at which each message was due."""
        for visitor in self.visitors:
            with contextlib.suppress(*BROKEN):
                await visitor.begin_to_write(on_channel=visitor is self.staff)
        due = time.monotonic() + seeded.random() * CHAT_EVERY_S
        number = 0
        while True:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            number += 1
            for visitor, on_channel, kept in (
                (self.customer, False, self._timings.chat),
                (self.staff, True, self._timings.channel),
            ):
                start = max(due, time.monotonic()) if on_channel else due  # it is due when the other one is answered
                self._timings.messages_sent += 1
                with contextlib.suppress(*BROKEN):
                    await visitor.say(f"message {number}", on_channel=on_channel)
                    kept.record_since(start, time.monotonic())
                    self._timings.messages_kept += 1
                await visitor.seen()
            due += CHAT_EVERY_S

    async def hang_up(self) -> None:
        self.over_ns = time.monotonic_ns()
        await self.staff.hang_up()

    async def close(self) -> None:
        for visitor in self.visitors:
            with contextlib.suppress(*BROKEN):
                await visitor.__aexit__()
