"""Conversations in memory: the simulator's store without its delays, for tests that move no clock."""

from __future__ import annotations

import asyncio
import random
from datetime import datetime
from typing import TYPE_CHECKING

from domain.accepting import accept_all
from domain.errors import NotFound, Refusal, Unavailable
from domain.stream import Kept, NewEntry
from store.conversations import check
from tests.simulator.disk import Disk, DiskStore

if TYPE_CHECKING:
    from tests.support.houses import MemoryPeople


class MemoryConversations(DiskStore):
    """What is appended in one turn of the loop is one commit. `hold` lets appends wait until `release`."""

    def __init__(self, people: MemoryPeople) -> None:
        super().__init__(Disk(people.customers, people.staff_by_id), random.Random(1))
        self._waiting: list[tuple[NewEntry, asyncio.Future[Kept]]] = []
        self._is_held = False
        self._codes: dict[str, tuple[str, datetime]] = {}

    def hold(self) -> None:
        self._is_held = True

    def release(self) -> None:
        self._is_held = False
        self._keep()

    def append(self, entry: NewEntry) -> asyncio.Future[Kept]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Kept] = loop.create_future()
        try:
            check(entry)
        except Refusal as refusal:
            future.set_exception(refusal)
            return future
        self._waiting.append((entry, future))
        if len(self._waiting) == 1:
            loop.call_soon(self._keep)
        return future

    def _keep(self) -> None:
        if self._is_held or not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        if self.disk.is_full:
            for _, future in waiting:
                future.set_exception(Unavailable("The disk is full; nothing was kept. Try again later."))
            return
        batch = [entry for entry, _ in waiting]
        ledger = self.disk.ledger(batch)
        committed = accept_all(ledger, batch)
        self.disk.write(ledger, committed)
        for (_, future), answer in zip(waiting, committed.answers, strict=True):
            if isinstance(answer, Refusal):
                future.set_exception(answer)
            else:
                future.set_result(answer)
        self._tell(committed)

    async def _wait(self) -> None:
        await asyncio.sleep(0)

    async def put_code(self, code_hash: str, customer_id: str, expires_at: datetime) -> None:
        self._codes[code_hash] = (customer_id, expires_at)

    async def use_code(self, code_hash: str, now: datetime) -> str:
        customer_id, expires_at = self._codes.pop(code_hash, ("", now))
        if expires_at <= now:
            raise NotFound("This code is not valid any more. Show a new one on the first device.")
        return customer_id
