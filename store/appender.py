"""Group commit: whatever waits to be appended is committed at once, while the next batch gathers."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from domain.accepting import Committed
from domain.errors import Refusal, Unavailable
from domain.stream import Kept, NewEntry

MAX_BATCH = 512  # bounds how long the first of a batch waits for the last
GATHER_S = 0.01  # from one commit to the next: a commit costs as much as ten messages do. Who comes alone does not wait
MAX_WAITING = 4000  # beyond that a person would wait too long, and is told so
BUSY = "The server has more messages to keep than it can; this one was not kept. Try again in a moment."
STOPPING = "This server is stopping; nothing was kept. Try again in a moment."
Commit = Callable[[Sequence[NewEntry]], Awaitable[Committed]]


class Appender:
    """`commit` decides and keeps a batch in one transaction; `told` hears of each commit that kept something, in their
    order. `run` must be running. No entry costs a task of its own: the futures' callbacks acknowledge."""

    def __init__(self, commit: Commit, told: Callable[[Committed], None]) -> None:
        self._commit = commit
        self._told = told
        self._waiting: deque[tuple[NewEntry, asyncio.Future[Kept]]] = deque()
        self._is_wanted = asyncio.Event()
        self._is_closing = False

    def put(self, entry: NewEntry) -> asyncio.Future[Kept]:
        done: asyncio.Future[Kept] = asyncio.get_running_loop().create_future()
        if self._is_closing or len(self._waiting) >= MAX_WAITING:
            done.set_exception(Unavailable(STOPPING if self._is_closing else BUSY))
        else:
            self._waiting.append((entry, done))
            self._is_wanted.set()
        return done

    def close(self) -> None:
        """Takes no more; `run` returns when those that wait are done."""
        self._is_closing = True
        self._is_wanted.set()

    async def run(self) -> None:
        now = asyncio.get_running_loop().time
        began = now() - GATHER_S
        while self._waiting or not self._is_closing:
            await self._is_wanted.wait()
            if len(self._waiting) < MAX_BATCH and not self._is_closing:
                await asyncio.sleep(began + GATHER_S - now())
            began = now()
            taken = [self._waiting.popleft() for _ in range(min(len(self._waiting), MAX_BATCH))]
            if not self._waiting and not self._is_closing:
                self._is_wanted.clear()
            batch = [waiting for waiting in taken if not waiting[1].done()]  # whoever was cancelled wants nothing
            if batch:
                await self._keep(batch)

    async def _keep(self, batch: list[tuple[NewEntry, asyncio.Future[Kept]]]) -> None:
        try:
            committed = await self._commit([entry for entry, _ in batch])
        except Exception as fault:
            if len(batch) > 1 and isinstance(fault, Refusal) and not isinstance(fault, Unavailable):
                for waiting in batch:  # one of them is at fault (another node took its id meanwhile), and only that one
                    await self._keep([waiting])
                return
            for _, done in batch:
                if not done.done():
                    done.set_exception(fault)
            return
        for (_, done), answer in zip(batch, committed.answers, strict=True):
            if done.done():
                continue
            if isinstance(answer, Refusal):
                done.set_exception(answer)
            else:
                done.set_result(answer)
        if committed.fresh or committed.inboxes:
            self._told(committed)
