"""What a bus promises, of the one inside a process and of the one over a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from domain.bus import Bus, Ears
from domain.errors import Invalid, Unavailable
from store.redis_bus import RedisBus, open_redis_bus
from tests.support.process_bus import Exchange, ProcessBus
from tests.support.redis import RedisServer, redis_server

PATIENCE_S = 10.0
LEASE_S = 1.0


class End:
    """One server's end, and what it has heard."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.hints: list[str] = []
        self.whispers: list[str] = []
        self.returns = 0
        self._news = asyncio.Event()
        bus.listen(Ears(self._hinted, self._whispered, self._returned))

    def _hinted(self, streams: Any) -> None:
        self.hints += streams
        self._news.set()

    def _whispered(self, text: str) -> None:
        self.whispers.append(text)
        self._news.set()

    def _returned(self) -> None:
        self.returns += 1
        self._news.set()

    async def until(self, is_true: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not is_true():
                self._news.clear()
                await self._news.wait()


async def eventually(is_true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not await is_true():  # noqa: ASYNC110 (what is waited for is in another process)
            await asyncio.sleep(0.02)


async def connected(bus: Bus, wanted: bool = True) -> None:
    async def is_so() -> bool:
        return bus.is_connected is wanted

    await eventually(is_so)


@pytest.fixture
async def server() -> AsyncIterator[RedisServer]:
    async with redis_server() as started:
        yield started


@asynccontextmanager
async def redis_ends(server: RedisServer, count: int, space: str = "house") -> AsyncIterator[list[End]]:
    async with AsyncExitStack() as stack:
        ends = [
            End(await stack.enter_async_context(open_redis_bus(server.url, space, lease_s=LEASE_S)))
            for _ in range(count)
        ]
        for end in ends:
            await connected(end.bus)
        yield ends


@pytest.fixture(params=["process", "redis"])
async def ends(request: pytest.FixtureRequest) -> AsyncIterator[list[End]]:
    if request.param == "process":
        exchange = Exchange()
        yield [End(ProcessBus(exchange)) for _ in range(3)]
        return
    async with redis_server() as server, redis_ends(server, 3) as opened:
        yield opened


async def test_a_hint_reaches_every_other_server_and_not_the_one_who_gave_it(ends: list[End]) -> None:
    one, two, three = ends
    one.bus.hint(["c.ann", "i.shop"])
    await two.until(lambda: set(two.hints) >= {"c.ann", "i.shop"})
    await three.until(lambda: set(three.hints) >= {"c.ann", "i.shop"})
    two.bus.whisper("after it")
    await one.until(lambda: bool(one.whispers))
    assert one.hints == []


async def test_whispers_of_one_server_are_heard_in_their_order(ends: list[End]) -> None:
    one, two, three = ends
    said = [f"word {number}" for number in range(200)]
    for text in said:
        one.bus.whisper(text)
    await two.until(lambda: len(two.whispers) >= 200)
    await three.until(lambda: len(three.whispers) >= 200)
    assert two.whispers == three.whispers == said


async def test_others_see_what_one_holds_until_it_lets_go(ends: list[End]) -> None:
    one, two, three = ends
    one.bus.hold("here.ann")
    two.bus.hold("here.ann")

    async def both() -> bool:
        return await one.bus.held(["here.ann"]) == await two.bus.held(["here.ann", "here.bob"]) == {"here.ann"}

    await eventually(both)
    one.bus.let_go("here.ann")

    async def is_left() -> bool:
        return await two.bus.held(["here.ann"]) == set()

    await eventually(is_left)
    assert await three.bus.held(["here.ann"]) == {"here.ann"}
    assert await one.bus.held([]) == set()


async def test_a_lease_is_renewed_while_its_server_lives(server: RedisServer) -> None:
    async with redis_ends(server, 2) as (one, two):
        one.bus.hold("here.ann")

        async def is_held() -> bool:
            return await two.bus.held(["here.ann"]) == {"here.ann"}

        await eventually(is_held)
        loop = asyncio.get_running_loop()
        end = loop.time() + 3 * LEASE_S
        while loop.time() < end:
            assert await is_held()
            await asyncio.sleep(0.05)


async def test_the_leases_of_a_server_that_died_end(server: RedisServer) -> None:
    async with redis_ends(server, 1) as (two,), Redis.from_url(server.url, decode_responses=True) as client:
        dying = RedisBus(client, "house", lease_s=LEASE_S)
        life = [asyncio.create_task(dying.hear()), asyncio.create_task(dying.speak())]
        await connected(dying)
        dying.hold("here.ann")

        async def is_held() -> bool:
            return await two.bus.held(["here.ann"]) == {"here.ann"}

        async def is_over() -> bool:
            return not await is_held()

        await eventually(is_held)
        for half in life:
            half.cancel()
        await asyncio.wait(life)
        await eventually(is_over)


async def test_a_redis_that_forgets_everything_is_told_the_leases_again(server: RedisServer) -> None:
    async with redis_ends(server, 2) as (one, two):
        one.bus.hold("here.ann")

        async def is_held() -> bool:
            return await two.bus.held(["here.ann"]) == {"here.ann"}

        await eventually(is_held)
        await server.flush()
        await eventually(is_held)
        one.bus.hint(["c.ann"])
        await two.until(lambda: "c.ann" in two.hints)


async def test_a_redis_that_comes_back_is_found_and_both_are_told_to_compare(server: RedisServer) -> None:
    async with redis_ends(server, 2) as (one, two):
        one.bus.hold("here.ann")
        returns = one.returns, two.returns
        with capture_logs() as logs:
            await server.stop()
            await connected(one.bus, False)
            await connected(two.bus, False)
            one.bus.hint(["c.lost"])
            with pytest.raises(Unavailable):
                await one.bus.held(["here.ann"])
            await server.start()
            await connected(one.bus)
            await connected(two.bus)
        await one.until(lambda: one.returns > returns[0])
        await two.until(lambda: two.returns > returns[1])
        one.bus.hint(["c.ann"])
        await two.until(lambda: "c.ann" in two.hints)

        async def is_held() -> bool:
            return await two.bus.held(["here.ann"]) == {"here.ann"}

        await eventually(is_held)
        away = [entry for entry in logs if entry["log_level"] == "warning"]
        assert len(away) == 2, "each of the two says once that Redis is away"
        assert one.bus.figures()["lost"] == 1


async def test_a_server_starts_without_redis_and_finds_it_later(server: RedisServer) -> None:
    await server.stop()
    async with open_redis_bus(server.url, "house") as bus:
        end = End(bus)
        end.bus.hint(["c.ann"])
        assert not bus.is_connected
        await server.start()
        await connected(bus)
        assert bus.figures()["is_connected"] == 1


async def test_leases_that_end_while_redis_is_away_are_not_gathered(server: RedisServer) -> None:
    await server.stop()
    async with open_redis_bus(server.url, "house") as bus:
        for number in range(100):
            bus.hold(f"here.{number}")
            bus.let_go(f"here.{number}")
        assert not bus._to_let_go
        assert not bus._to_hold


async def test_houses_that_share_a_redis_do_not_hear_each_other(server: RedisServer) -> None:
    async with redis_ends(server, 2) as (one, two), redis_ends(server, 1, "other house") as (stranger,):
        stranger.bus.hold("here.ann")
        stranger.bus.hint(["c.ann"])
        one.bus.whisper("mine")
        await two.until(lambda: bool(two.whispers))
        assert two.hints == []
        assert await two.bus.held(["here.ann"]) == set()


async def test_what_is_no_word_of_ours_on_the_channel_is_counted_and_dropped(server: RedisServer) -> None:
    async with redis_ends(server, 1) as (one,), Redis.from_url(server.url) as client:
        for text in (b"", b"[]", b"{", b'{"hints": 1}', b"\x00", b"\xff"):
            await client.publish("loupe:house", text)

        async def is_counted() -> bool:
            return one.bus.figures().get("misunderstood") == 6

        await eventually(is_counted)
        assert one.bus.is_connected


async def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(Invalid):
        async with open_redis_bus("http://127.0.0.1", "house"):
            pass
