"""Calls through a Loupe that the run starts itself, from the front door on."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from loadtest.clip import Clip
from loadtest.front_door import Refused, Visitor
from loadtest.server_process import LoupeServer
from loadtest.standing import Standing

LEAST_STAFF = 3  # a demonstration shop has so many
ROOM_DEADLINE_S = 20.0
ROOM_EVERY_S = 0.5


@asynccontextmanager
async def loupe_calls(clip: Clip, calls: int, *, is_recorded: bool) -> AsyncIterator[Standing]:
    """Customers and staff as pages bring them: both are connected, and send, before the call is answered."""
    async with AsyncExitStack() as open_things:
        folder = open_things.enter_context(tempfile.TemporaryDirectory(prefix="loupe-bench-"))
        staff_of_shop = ("--demo-staff", str(max(LEAST_STAFF, calls)))
        server = await open_things.enter_async_context(LoupeServer(Path(folder) / "data", *staff_of_shop))
        assert server.process is not None
        standing = Standing(server.process.pid)
        visitors: list[Visitor] = []
        if is_recorded:
            standing.pause = partial(_pause, visitors)
        for number, username in enumerate(server.facts["usernames"][:calls], start=1):
            staff = await open_things.enter_async_context(Visitor(server.base, clip))
            await staff.sign_in(username, server.facts["password"])
            customer = await open_things.enter_async_context(Visitor(server.base, clip))
            await customer.enter("demo")
            pair = (customer.client, staff.client)
            for visitor in (customer, staff):
                standing.connect_ms.append(sum(visitor.steps_ms[step] for step in ("offer", "ice", "dtls")))
                visitor.client.start()
            call_id = await _join(customer, f"Customer {number}", is_recorded=is_recorded)
            answered_ns = time.monotonic_ns()
            await staff.answer(call_id)
            await standing.answered(pair, answered_ns)
            visitors += [customer, staff]
        for visitor in visitors:
            await visitor.seen()  # as pages do; until then the server tries every second to tell it on another way
        yield standing


async def _pause(visitors: list[Visitor], is_paused: bool, /) -> None:
    """`visitors`: customers and staff in turn."""
    for staff in visitors[1::2]:
        await staff.pause_recording(is_paused)


async def _join(customer: Visitor, name: str, *, is_recorded: bool) -> str:
    """Loupe lets nobody in while the machine is too busy for those who are in already; then it is asked again."""
    deadline = time.monotonic() + ROOM_DEADLINE_S
    while True:
        try:
            return await customer.join(name, consent=is_recorded)
        except Refused as refusal:
            if refusal.code != "unavailable" or time.monotonic() > deadline:
                raise
        await asyncio.sleep(ROOM_EVERY_S)
