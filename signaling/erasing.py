"""Erasing a customer to the end: what the database let go of leaves the disk, also when the server was stopped meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Literal

import structlog
from aiohttp import web

from domain.attachment import Removed
from domain.customer_data import CustomerData, Erasure
from domain.errors import Refusal
from domain.people import Staff
from signaling.arrivals import Arrivals
from signaling.composition import Compositions
from signaling.house import House
from signaling.http_context import ChatDoor

AGAIN_S = 60.0
UNREAD = "the list of them"
FilesAre = Literal["going", "late", "gone"]
log = structlog.get_logger(__name__)


class Erasing:
    """`erase` answers when nobody can read anything any more; the files go right after, in `lifetime`'s task."""

    def __init__(
        self,
        house: House,
        data: CustomerData,
        chat: ChatDoor,
        arrivals: Arrivals,
        compositions: Compositions,
        *,
        again_s: float = AGAIN_S,
    ) -> None:
        self._house = house
        self._data = data
        self._chat = chat
        self._arrivals = arrivals
        self._compositions = compositions
        self._again_s = again_s
        self._late: set[str] = set()
        self._is_wanted = asyncio.Event()
        self._is_whole = asyncio.Event()

    async def settled(self) -> None:
        """Returns when every erasure is done to the end."""
        await self._is_whole.wait()

    def files(self, erasure: Erasure) -> FilesAre:
        """What has become of the files of an erasure that `erase` has just returned."""
        if erasure.done_at is not None:
            return "gone"
        return "late" if erasure.id in self._late else "going"

    async def lifetime(self, app: web.Application) -> AsyncIterator[None]:
        """For `app.cleanup_ctx`. What a stop left half done is taken up again."""
        self._is_wanted.set()
        working = asyncio.create_task(self._run(), name="erasures")
        yield
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)

    async def erase(self, erasure_id: str, customer_id: str, by: Staff) -> Erasure:
        for call in (await self._data.record(customer_id)).calls:
            await self._compositions.forget(call.id)
        now = self._house.now()
        erasure = await self._data.erase(erasure_id, customer_id, by, now)
        if erasure.at == now:  # asked again, nobody is put out who has come anew since
            self._chat.erased(customer_id)
        if self.files(erasure) == "going":  # who asks again about a late one does not hurry it
            self._is_whole.clear()
            self._is_wanted.set()
        return erasure

    async def finish(self, erasure: Erasure) -> None:
        """May be done again, from any point: what is gone is gone."""
        for call_id in erasure.calls:
            await self._house.node.forget_journal(call_id)
        await self._arrivals.forget(Removed(uploads=erasure.uploads, blobs=erasure.blobs))
        await self._data.scrub()
        await self._data.finish(erasure.id, self._house.now())
        log.info("a customer was erased", erasure=erasure.id, entries=erasure.entries, files=erasure.files)

    async def _run(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self._again_s if self._late else None):
                    await self._is_wanted.wait()
            except TimeoutError:
                pass
            self._is_wanted.clear()
            self._late = await self._finish_all()
            if not self._late and not self._is_wanted.is_set():
                self._is_whole.set()

    async def _finish_all(self) -> set[str]:
        """Those that could not be finished: one does not hold up the next."""
        late = set[str]()
        try:
            unfinished = await self._data.unfinished()
        except Exception as fault:
            _tell(fault, UNREAD)
            return {UNREAD}
        for erasure in unfinished:
            try:
                await self.finish(erasure)
            except Exception as fault:
                _tell(fault, erasure.id)
                late.add(erasure.id)
        return late


def _tell(fault: Exception, erasure: str) -> None:
    if isinstance(fault, Refusal):  # the database, a worker or the disk is away, somebody is reading
        log.warning("an erasure is not finished yet", erasure=erasure, code=fault.code)
    else:
        log.error("an erasure is not finished yet", erasure=erasure, fault=type(fault).__name__)


ERASING: web.AppKey[Erasing] = web.AppKey("erasing", Erasing)
