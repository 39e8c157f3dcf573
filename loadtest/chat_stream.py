"""A reader's copy of a call's stream, by the rules of the page: only `position + 1` is applied, what is there already is
ignored, a gap is fetched."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

Event = dict[str, Any]
PATIENCE_S = 0.3  # events behind a newer head are usually on their way


@dataclass(frozen=True, slots=True)
class Applied:
    """One event as this reader has it: `at` by `time.monotonic`, `carrier` is what brought it."""

    event: Event
    at: float
    carrier: str


class Stream:
    """`fetch(after)` is the `sync` request; `apply` hears each event once, in order."""

    def __init__(
        self, fetch: Callable[[int], Awaitable[list[Event]]], apply: Callable[[Event, str], None], call_id: str = ""
    ) -> None:
        self._fetch = fetch
        self._apply = apply
        self.call_id = call_id
        self.position = 0
        self.ignored = self.gaps = 0
        self._head = 0
        self._filling: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def take(self, events: list[Event], carrier: str) -> None:
        for event in sorted(events, key=lambda event: int(event["position"])):
            if event["call_id"] != self.call_id:
                continue
            self._head = max(self._head, event["position"])
            if event["position"] <= self.position:
                self.ignored += 1
            elif event["position"] == self.position + 1:
                self.position += 1
                self._apply(event, carrier)
            else:
                self.gaps += 1
                self._fill()
                return

    def reaches(self, head: int) -> None:
        """The server says how long the stream is: what does not come by itself is fetched."""
        self._head = max(self._head, head)
        if self._timer is None and head > self.position:
            self._timer = asyncio.get_running_loop().call_later(PATIENCE_S, self._look)

    async def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._filling is not None:
            self._filling.cancel()
            await asyncio.gather(self._filling, return_exceptions=True)

    def _look(self) -> None:
        self._timer = None
        if self._head > self.position:
            self._fill()

    def _fill(self) -> None:
        if self._filling is None or self._filling.done():
            self._filling = asyncio.create_task(self._fetch_rest())

    async def _fetch_rest(self) -> None:
        try:
            while self._head > self.position:
                before = self.position
                self.take(await self._fetch(before), "sync")
                if self.position == before:
                    break
        except (TimeoutError, ConnectionError):
            pass  # no carrier, or no answer: below it is asked for again, and the next welcome brings it too
        if self._head > self.position and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(PATIENCE_S, self._look)
