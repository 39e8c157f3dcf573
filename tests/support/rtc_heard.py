"""Waiting for what an endpoint tells, with a deadline, in place of sleeping."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

E = TypeVar("E")


class Heard:
    """Give it to the endpoint as `hear`; `await until(kind)` returns the first event of that kind, heard or to come."""

    def __init__(self) -> None:
        self.events: list[object] = []
        self._news = asyncio.Event()

    def __call__(self, event: object) -> None:
        self.events.append(event)
        self._news.set()

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    async def until(self, kind: type[E], count: int = 1, deadline_s: float = 10.0) -> E:
        async with asyncio.timeout(deadline_s):
            while len(found := self.of(kind)) < count:
                self._news.clear()
                await self._news.wait()
        return found[count - 1]


async def until(condition: Callable[[], object], deadline_s: float = 10.0) -> None:
    """Looks at a condition that nobody announces (a counter), often, until the deadline."""
    async with asyncio.timeout(deadline_s):
        while not condition():  # noqa: ASYNC110 - counters have no event
            await asyncio.sleep(0.005)
