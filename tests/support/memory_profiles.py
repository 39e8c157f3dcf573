"""Profiles and quick replies in memory: they keep the Protocols of `domain`, and the contract suite runs over them too."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from domain.errors import Conflict, NotFound
from domain.profile import Profile, Visits
from domain.quick_reply import MOST_QUICK_REPLIES, QuickReply

if TYPE_CHECKING:
    from tests.support.houses import MemoryCalls, MemoryPeople


class MemoryProfiles:
    def __init__(self, people: MemoryPeople, calls: MemoryCalls) -> None:
        self._people = people
        self._calls = calls
        self._written: dict[str, Profile] = {}
        self._turn = asyncio.Lock()

    async def profile(self, customer_id: str) -> Profile:
        customer = await self._people.customer(customer_id)
        named = {"name": customer.name, "language": customer.language}
        blank = Profile(customer_id=customer_id, shop_id=customer.shop_id, since=customer.created_at, name="-")
        return self._written.get(customer_id, blank).model_copy(update=named)

    async def change_profile(self, customer_id: str, decide: Callable[[Profile], Profile]) -> Profile:
        async with self._turn:
            after = decide(await self.profile(customer_id))
            customer = await self._people.customer(customer_id)
            change = {"name": after.name, "language": after.language}
            await self._people.put_customer(customer.model_copy(update=change))
            self._written[customer_id] = after
            return after

    async def visits(self, customer_id: str, *, limit: int = 20) -> Visits:
        await self._people.customer(customer_id)
        calls = [c for c in self._calls.calls.values() if c.customer_id == customer_id]
        bookings = [b for b in self._calls.kept_bookings.values() if b.customer_id == customer_id]
        return Visits(
            calls=sorted(calls, key=lambda c: c.created_at, reverse=True)[:limit],
            bookings=sorted(bookings, key=lambda b: b.starts_at, reverse=True)[:limit],
        )


class MemoryQuickReplies:
    def __init__(self) -> None:
        self._kept: dict[str, QuickReply] = {}

    async def quick_replies(self, shop_id: str) -> list[QuickReply]:
        kept = [reply for reply in self._kept.values() if reply.shop_id == shop_id]
        return sorted(kept, key=lambda reply: (reply.label.casefold(), reply.id))

    async def put_quick_reply(self, reply: QuickReply) -> None:
        others = [each for each in self._kept.values() if each.shop_id == reply.shop_id and each.id != reply.id]
        if len(others) >= MOST_QUICK_REPLIES:
            raise Conflict("There are too many quick replies. Remove one first.")
        if self._kept.get(reply.id, reply).shop_id != reply.shop_id:
            raise NotFound("There is no such quick reply.")
        self._kept[reply.id] = reply

    async def remove_quick_reply(self, shop_id: str, reply_id: str) -> None:
        kept = self._kept.get(reply_id)
        if kept is None or kept.shop_id != shop_id:
            raise NotFound("There is no such quick reply.")
        del self._kept[reply_id]
