"""What goes wrong on purpose while people write: cuts in the middle of a frame and before the answer, frames sent twice, readers
that stop reading, servers that are killed. From a seed: the same one does the same in the same order, to those who are there."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Literal

from loadtest.messages_page import Page
from loadtest.server_process import LoupeServer, NotStarted

Kind = Literal["cut in a frame", "cut before the answer", "sent twice", "reader cut", "slow reader"]
KINDS: tuple[Kind, ...] = ("cut in a frame", "cut before the answer", "sent twice", "reader cut", "slow reader")
SLOW_S = 2.0
TWICE = 5
POLLED_SHARE = 0.25  # of the faults: long polls are few, and each kind of fault is to hit them often
STARTS = 3  # of a killed server, before the run is given up


class Mischief:
    """`count` faults and `kills` of the server, spread evenly over a run; `done` counts what really happened, `not_started`
    has the words of each start of a killed server that failed."""

    def __init__(
        self, count: int, kills: int, seed: int, writers: Sequence[Page], readers: Sequence[Page], server: LoupeServer
    ) -> None:
        self._seeded = random.Random(seed)
        self._writers, self._readers, self._server = writers, readers, server
        self._left = [self._seeded.choice(KINDS) for _ in range(count)]
        self._kills = kills
        self._all = count, kills
        self._killing: asyncio.Task[None] | None = None
        self.done: Counter[str] = Counter()
        self.not_started: list[str] = []
        self.slowest_start_s = 0.0

    def keep_up(self, share: float, tell: Callable[[str], None]) -> None:
        """`share` of the run is over: what is due by now happens. Raises NotStarted when a killed server did not come again."""
        if self._killing is not None and self._killing.done():
            self._killing.result()
        count, kills = self._all
        while self._left and count - len(self._left) < share * count and self._break(self._left[-1]):
            self._left.pop()
        if (
            self._kills
            and share > (kills - self._kills + 0.5) / kills
            and (self._killing is None or self._killing.done())
        ):
            self._kills -= 1
            tell("the server is killed (kill -9) and started again on the same data")
            self._killing = asyncio.create_task(self._kill())

    async def end(self) -> None:
        """Raises NotStarted when a killed server did not come again."""
        if self._killing is not None:
            await self._killing

    async def _kill(self) -> None:
        await self._server.kill()
        self.done["server killed"] += 1
        for left in range(STARTS - 1, -1, -1):
            began = time.monotonic()
            try:
                await self._server.start()
            except NotStarted as fault:
                self.not_started.append(str(fault))
                if not left:
                    raise
            else:
                self.slowest_start_s = max(self.slowest_start_s, time.monotonic() - began)
                return

    def _break(self, kind: Kind) -> bool:
        """False while nobody is there whom it could happen to."""
        pages = self._readers if kind in ("reader cut", "slow reader") else self._writers
        is_polling = self._seeded.random() < POLLED_SHARE
        there = [
            (page, page.wire, page.wire.transport)
            for page in pages
            if page.is_polling is is_polling and page.wire and page.wire.transport
        ]
        if not there:
            return False
        page, wire, transport = self._seeded.choice(there)
        if kind == "sent twice":
            page.send_twice += TWICE
        elif kind == "cut before the answer":
            page.cut_before_answer = True
        elif kind == "cut in a frame":
            waiting = page.writing.waiting if page.writing is not None else {}
            wire.cut(next((written.text for written in waiting.values()), '{"type":"chat.seen"'))
        elif kind == "reader cut":
            wire.cut()
        else:
            assert isinstance(transport, asyncio.Transport)
            transport.pause_reading()
            asyncio.get_running_loop().call_later(SLOW_S, _go_on, page, transport)
        self.done[f"long poll: {kind}" if is_polling else kind] += 1
        return True


def _go_on(page: Page, transport: asyncio.Transport) -> None:
    if page.wire is not None and page.wire.transport is transport:
        transport.resume_reading()
