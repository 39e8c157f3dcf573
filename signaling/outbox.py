"""Frames on their way out on one carrier: in order, bounded, never waited for by whoever puts them there."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable

MAX_FRAMES = 512  # a slow phone on a bad network holds some 30 s of a busy call's news
MAX_CHARACTERS = 4 * 1024 * 1024
SLOW_FRAMES = 256  # from here on, what can be read again later is better not put here
SLOW_CHARACTERS = 1024 * 1024
DELIVERY_DEADLINE_S = 8.0  # under the WebSocket's heartbeat, so that a stuck reader is noticed here first


class Outbox:
    """`deliver` writes one text and answers False when the carrier is of no use any more.

    `put` answers False when the box is full or closed; `run` is one task's whole life and ends when `finish` was asked
    for and the rest is out, when `deliver` fails, or when it exceeds the deadline. `overflowed` tells a slow reader
    from a dead one. `emptied` is called when all that waited is out, at least when there was so much that the box was slow.
    `write` takes all that waits at once, without anybody's waiting, or answers False: then `deliver` is for it.
    """

    def __init__(
        self, deliver: Callable[[str], Awaitable[bool]], write: Callable[[Iterable[str]], bool] | None = None
    ) -> None:
        self._deliver = deliver
        self._write = write
        self._will_write = False  # at the end of this turn of the loop, with all that is put until then
        self._is_delivering = False
        self._waiting: deque[str] = deque()
        self._characters = 0
        self._wake = asyncio.Event()
        self._finishing = False
        self.closed = False
        self.overflowed = False
        self.emptied: Callable[[], None] | None = None

    @property
    def is_slow(self) -> bool:
        return len(self._waiting) >= SLOW_FRAMES or self._characters >= SLOW_CHARACTERS

    def put(self, text: str) -> bool:
        if self.closed or self._finishing:
            return False
        if len(self._waiting) >= MAX_FRAMES or self._characters + len(text) > MAX_CHARACTERS:
            self.overflowed = True
            self.abandon()
            return False
        self._waiting.append(text)
        self._characters += len(text)
        if self._write is None or self._is_delivering:
            self._wake.set()
        elif not self._will_write:
            self._will_write = True
            asyncio.get_running_loop().call_soon(self._write_all, self._write)
        return True

    def _write_all(self, write: Callable[[Iterable[str]], bool]) -> None:
        self._will_write = False
        if not self._waiting or self._is_delivering:
            return
        if self._finishing or not write(self._waiting):
            self._wake.set()
            return
        was_slow = self.is_slow
        self._waiting.clear()
        self._characters = 0
        if was_slow and self.emptied is not None:
            self.emptied()

    def finish(self) -> None:
        """Nothing more comes in; what waits still goes out."""
        self._finishing = True
        self._wake.set()

    def abandon(self) -> None:
        """Drops what waits and ends `run`."""
        self.closed = True
        self._waiting.clear()
        self._characters = 0
        self._wake.set()

    def take(self) -> list[str]:
        """All that waits, in place of `run`: for a carrier that is asked for it."""
        texts = list(self._waiting)
        self._waiting.clear()
        self._characters = 0
        if texts and self.emptied is not None:
            self.emptied()
        return texts

    async def filled(self, within_s: float) -> None:
        """Waits until there is something to take, or that long."""
        if self._waiting or self.closed:
            return
        self._wake.clear()
        try:
            async with asyncio.timeout(within_s):
                await self._wake.wait()
        except TimeoutError:
            return

    def wake(self) -> None:
        """Whoever waits in `filled` looks again."""
        self._wake.set()

    async def run(self) -> None:
        try:
            while not self.closed:
                if not self._waiting:
                    if self._finishing:
                        return
                    self._wake.clear()
                    await self._wake.wait()
                    continue
                text = self._waiting.popleft()
                self._characters -= len(text)
                self._is_delivering = True
                async with asyncio.timeout(DELIVERY_DEADLINE_S):
                    if not await self._deliver(text):
                        return
                self._is_delivering = bool(self._waiting)
                if self.emptied is not None and not self._waiting:
                    self.emptied()
        except TimeoutError:
            self.overflowed = True
        finally:
            self.closed = True
            self._waiting.clear()
