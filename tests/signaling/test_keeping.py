"""One of several servers: a floor is kept by exactly one, however claims, failures and giving up fall together."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from domain.errors import Unavailable
from domain.floors import Keeper
from signaling import keeping
from signaling.keeping import Keeping

SHOP = "shop"


class Floors:
    """Keeps `FloorStore`, without a clock: nobody's lease ends."""

    def __init__(self) -> None:
        self.kept: dict[str, Keeper] = {}
        self.in_leaving = asyncio.Event()
        self.may_leave = asyncio.Event()
        self.may_leave.set()

    async def keeper(self, shop_id: str, node: str, url: str) -> Keeper:
        await asyncio.sleep(0)
        return self.kept.setdefault(shop_id, Keeper(shop_id=shop_id, node=node, url=url))

    async def renew(self, node: str, available: Mapping[str, int]) -> set[str]:
        await asyncio.sleep(0)
        return {shop_id for shop_id, keeper in self.kept.items() if keeper.node == node}

    async def deserted(self) -> list[str]:
        return []

    async def leave(self, node: str, shop_id: str | None = None) -> None:
        self.in_leaving.set()
        await self.may_leave.wait()
        for gone in [shop_id] if shop_id is not None else list(self.kept):
            if gone in self.kept and self.kept[gone].node == node:
                del self.kept[gone]


class House:
    """Keeps `Keepable`: nobody is ever in it."""

    def __init__(self) -> None:
        self.floors: list[str] = []
        self.fault: Exception | None = None

    async def take_up(self, shop_id: str) -> None:
        await asyncio.sleep(0)
        if self.fault is not None:
            raise self.fault
        self.floors.append(shop_id)

    async def let_go(self, shop_id: str) -> None:
        await asyncio.sleep(0)
        self.floors.remove(shop_id)

    def is_idle(self, shop_id: str) -> bool:
        return True

    def staff_available(self, shop_id: str) -> int:
        return 0


def two(floors: Floors) -> tuple[Keeping, House, Keeping, House]:
    """Not entered: their clocks stand still, and `_turn` is one tick."""
    one, other = House(), House()
    return Keeping(floors, one, "one", "http://one"), one, Keeping(floors, other, "two", "http://two"), other


async def turns(kept: Keeping, count: int) -> None:
    for _ in range(count):
        await kept._turn()


async def test_a_floor_that_nobody_is_on_is_given_up_after_a_minute() -> None:
    floors = Floors()
    one, house, other, _ = two(floors)
    assert await one.claim(SHOP) is None
    await turns(one, keeping.IDLE_TURNS)
    assert (house.floors, floors.kept) == ([], {})
    assert await other.claim(SHOP) is None


async def test_a_floor_is_not_given_up_under_a_page_that_is_about_to_say_hello() -> None:
    floors = Floors()
    one, house, _, _ = two(floors)
    await one.claim(SHOP)
    await turns(one, keeping.IDLE_TURNS - 1)
    assert await one.claim(SHOP) is None  # its socket opens here
    await turns(one, keeping.IDLE_TURNS - 1)
    assert (house.floors, floors.kept[SHOP].node) == ([SHOP], "one")


async def test_who_asks_while_a_floor_is_given_up_finds_one_keeper() -> None:
    floors = Floors()
    one, house, other, other_house = two(floors)
    await one.claim(SHOP)
    await turns(one, keeping.IDLE_TURNS - 1)
    floors.may_leave.clear()
    giving_up = asyncio.create_task(one._turn())
    await floors.in_leaving.wait()
    asking = asyncio.create_task(one.claim(SHOP))
    for _ in range(10):
        await asyncio.sleep(0)
    floors.may_leave.set()
    await asyncio.gather(giving_up, asking)
    await other.claim(SHOP)
    assert house.floors + other_house.floors == [SHOP]
    assert floors.kept[SHOP].node == ("one" if house.floors else "two")


async def test_a_floor_that_could_not_be_taken_up_is_tried_again_though_nobody_asks() -> None:
    floors = Floors()
    one, house, _, _ = two(floors)
    house.fault = Unavailable("The database is away.")
    with pytest.raises(Unavailable):
        await one.claim(SHOP)
    house.fault = None
    await turns(one, 1)
    assert house.floors == [SHOP]
