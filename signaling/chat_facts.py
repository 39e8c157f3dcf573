"""What hardly ever changes and every hello needs: read once in a while, not two thousand times after a restart."""

from __future__ import annotations

import asyncio

from domain.people import Shop
from signaling.house import House

GOOD_FOR_S = 10.0


class ChatFacts:
    def __init__(self, house: House) -> None:
        self._house = house
        self._epoch: tuple[float, str] = (0.0, "")
        self._shops: dict[str, tuple[float, Shop]] = {}

    async def epoch(self) -> str:
        now = asyncio.get_running_loop().time()
        until, epoch = self._epoch
        if now >= until:
            epoch = await self._house.conversations.epoch()
            self._epoch = (now + GOOD_FOR_S, epoch)
        return epoch

    async def shop(self, shop_id: str) -> Shop:
        now = asyncio.get_running_loop().time()
        until, shop = self._shops.get(shop_id, (0.0, None))
        if shop is None or now >= until:
            shop = await self._house.people.shop(shop_id)
            self._shops[shop_id] = (now + GOOD_FOR_S, shop)
        return shop

    def forget(self) -> None:
        """The next question is asked of the store."""
        self._epoch = (0.0, "")
        self._shops.clear()
