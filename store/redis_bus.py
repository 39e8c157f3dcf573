"""The bus over Redis: one channel that all servers of a house hear, and leases as sorted sets of who holds them until when.

Each server hears itself, too: a beat that comes back proves both directions, and its absence shows a bus that is away.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import structlog
from pydantic import BaseModel, ValidationError
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from domain.bus import LEASE_S, Ears
from domain.errors import Invalid, Unavailable

log = structlog.get_logger()
AWAY = "Redis cannot be reached. Conversations go on, a few seconds slower."
ANSWER_S = 3.0  # how long Redis may take for anything
BEAT_S = 2.0
SILENCE_S = 3 * BEAT_S  # not even an own beat for so long: the connection is dead
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 5.0  # before trying again, doubled each time
MOST_WHISPERS = 1000  # that wait to be said; the oldest are dropped
AT_ONCE = 500  # names in one script
FAULTS = (RedisError, OSError, TimeoutError)
# Redis' own clock decides when a lease ends, so the clocks of servers need not agree. A set without members is gone.
NOW = "local time = redis.call('TIME') local now = time[1] + time[2] / 1000000 "
HOLD = f"""{NOW}
for _, key in ipairs(KEYS) do
  redis.call('ZADD', key, now + ARGV[2], ARGV[1])
  redis.call('PEXPIRE', key, math.ceil(ARGV[2] * 1000))
end"""
LET_GO = "for _, key in ipairs(KEYS) do redis.call('ZREM', key, ARGV[1]) end"
HELD = f"""{NOW} local found = {{}}
for i, key in ipairs(KEYS) do
  local mine = redis.call('ZSCORE', key, ARGV[1])
  local all = redis.call('ZCOUNT', key, now, '+inf')
  if all - ((mine and tonumber(mine) >= now) and 1 or 0) > 0 then found[#found + 1] = i end
end
return found"""


class Said(BaseModel):
    """What one server says at once. `has_come`: others may have missed what it said before."""

    node: str
    hints: list[str] = []
    whispers: list[str] = []
    has_come: bool = False


class RedisBus:
    """Implements `domain.bus.Bus`. `space` keeps the houses that share one Redis apart."""

    def __init__(self, client: Redis, space: str, *, lease_s: float = LEASE_S) -> None:
        self._client = client
        self._channel = f"loupe:{space}"
        self._lease_s = lease_s
        self._node = secrets.token_hex(8)
        self._ears: Ears | None = None
        self._is_connected = False
        self._is_noted = False  # that it is away is in the log
        self._wanted = asyncio.Event()
        self._hints: set[str] = set()
        self._whispers: deque[str] = deque(maxlen=MOST_WHISPERS)
        self._held: set[str] = set()
        self._to_hold: set[str] = set()
        self._to_let_go: set[str] = set()
        self._has_come = True  # others are told that they may have missed something of this server
        self._renew_at = 0.0
        self.counts: Counter[str] = Counter()

    # --- what the house says ---

    @property
    def is_connected(self) -> bool:
        return self._is_connected

    def listen(self, ears: Ears) -> None:
        self._ears = ears

    def hint(self, streams: Iterable[str]) -> None:
        if self._is_connected:  # else they are told to compare when this server is back
            self._hints.update(streams)
            self._wanted.set()

    def whisper(self, text: str) -> None:
        if self._is_connected:
            self._whispers.append(text)
            self._wanted.set()

    def hold(self, name: str) -> None:
        self._held.add(name)
        self._to_hold.add(name)
        self._to_let_go.discard(name)
        self._wanted.set()

    def let_go(self, name: str) -> None:
        self._held.discard(name)
        self._to_hold.discard(name)
        if self._is_connected:  # else the lease ends by itself before long
            self._to_let_go.add(name)
        self._wanted.set()

    async def held(self, names: Sequence[str]) -> set[str]:
        found: set[str] = set()
        try:
            async with asyncio.timeout(ANSWER_S):
                for part in _parts(names):
                    keys = [self._key(name) for name in part]
                    numbers = await self._client.eval(HELD, len(keys), *keys, self._node)
                    found.update(part[number - 1] for number in numbers)
        except FAULTS as fault:
            raise Unavailable(AWAY) from fault
        return found

    def figures(self) -> dict[str, float]:
        gauges = {"is_connected": float(self._is_connected), "leases": float(len(self._held))}
        return {**{name: float(count) for name, count in self.counts.items()}, **gauges}

    # --- the two halves of its life ---

    async def speak(self) -> None:
        """Says what waits, all of it at once, and a beat when nothing does; keeps the leases."""
        pause = FIRST_PAUSE_S
        while True:
            try:
                async with asyncio.timeout(min(BEAT_S, self._lease_s / 3)):
                    await self._wanted.wait()
            except TimeoutError:
                pass
            self._wanted.clear()
            try:
                async with asyncio.timeout(ANSWER_S):
                    await self._say()
                pause = FIRST_PAUSE_S
            except FAULTS as fault:
                self._lost(fault)
                pause = await _rest(pause)

    async def hear(self) -> None:
        pause = FIRST_PAUSE_S
        while True:
            try:
                async with self._client.pubsub(ignore_subscribe_messages=False) as channel:
                    async with asyncio.timeout(ANSWER_S):
                        await channel.subscribe(self._channel)
                    pause = await self._listen_to(channel, pause)
            except FAULTS as fault:
                self._lost(fault)
            pause = await _rest(pause)

    async def leave(self) -> None:
        """Lets all leases go, when Redis can be reached."""
        self._to_let_go |= self._held
        self._held, self._to_hold = set(), set()
        try:
            async with asyncio.timeout(1.0):
                await self._say()
        except FAULTS:
            pass
        await self._client.aclose()

    async def _listen_to(self, channel: Any, pause: float) -> float:
        silent_s = 0.0
        while silent_s < SILENCE_S:
            message = await channel.get_message(timeout=BEAT_S)
            silent_s = 0.0 if message is not None else silent_s + BEAT_S
            if message is not None and message["type"] == "subscribe":
                self._wanted.set()  # the beat that shows whether all is well
            elif message is not None and message["type"] == "message":
                self._take(message["data"])
                pause = FIRST_PAUSE_S
        self._lost(TimeoutError())
        return pause

    async def _say(self) -> None:
        now = asyncio.get_running_loop().time()
        hints, self._hints = self._hints, set()
        whispers, self._whispers = list(self._whispers), deque(maxlen=MOST_WHISPERS)
        holding, self._to_hold = self._to_hold, set()
        leaving, self._to_let_go = self._to_let_go, set()
        if now >= self._renew_at:
            holding = set(self._held)
            self._renew_at = now + self._lease_s / 3
        said = Said(node=self._node, hints=sorted(hints), whispers=whispers, has_come=self._has_come)
        pipe = self._client.pipeline(transaction=False)
        for script, names, arguments in (
            (HOLD, holding, (self._node, self._lease_s)),
            (LET_GO, leaving, (self._node,)),
        ):
            for part in _parts(sorted(names)):
                keys = [self._key(name) for name in part]
                pipe.eval(script, len(keys), *keys, *arguments)
        pipe.publish(
            self._channel, said.model_dump_json(exclude_defaults=True)
        )  # last: who hears it may ask for leases
        try:
            await pipe.execute()
        except BaseException:
            self._to_hold |= holding & self._held
            self._to_let_go |= leaving - self._held
            raise
        self.counts["said"] += 1

    def _take(self, text: str) -> None:
        try:
            said = Said.model_validate_json(text)
        except ValidationError:
            self.counts["misunderstood"] += 1  # somebody else uses our channel
            return
        if said.node == self._node:
            self._back()
            return
        self.counts["heard"] += 1
        if self._ears is None:
            return
        if said.has_come:
            self._ears.returned()
        if said.hints:
            self._ears.hinted(said.hints)
        for whisper in said.whispers:
            self._ears.whispered(whisper)

    def _back(self) -> None:
        if not self._is_connected:
            self._is_connected, self._is_noted = True, False
            self._renew_at = 0.0  # what held the leases may have forgotten them
            self._wanted.set()
            log.info("redis is there", times_lost=self.counts["lost"])
            if self._ears is not None:
                self._ears.returned()
        else:
            self._has_come = False

    def _lost(self, fault: BaseException) -> None:
        if self._is_connected:
            self.counts["lost"] += 1
        self._is_connected, self._has_come = False, True
        if not self._is_noted:
            self._is_noted = True
            log.warning("redis is away, other servers' news come a few seconds later", cause=type(fault).__name__)

    def _key(self, name: str) -> str:
        return f"{self._channel}:{name}"


@asynccontextmanager
async def open_redis_bus(url: str, space: str, *, lease_s: float = LEASE_S) -> AsyncIterator[RedisBus]:
    """`redis://[:PASSWORD@]HOST:PORT`, `rediss://...` or `unix:///PATH`. A Redis that is away now is found later. Raises
    Invalid for an address that it does not understand."""
    try:
        client = Redis.from_url(
            url,
            decode_responses=True,
            encoding_errors="replace",  # what others say on our channel must not end our hearing
            socket_connect_timeout=ANSWER_S,
            retry=Retry(NoBackoff(), 0),
            max_connections=8,
        )
    except ValueError as fault:
        raise Invalid("The address of Redis must be redis://HOST:PORT, rediss://HOST:PORT or unix:///PATH.") from fault
    bus = RedisBus(client, space, lease_s=lease_s)
    tasks = [asyncio.create_task(bus.hear(), name="bus hears"), asyncio.create_task(bus.speak(), name="bus speaks")]
    try:
        yield bus
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await bus.leave()


async def _rest(pause: float) -> float:
    await asyncio.sleep(pause * random.uniform(0.5, 1.0))
    return min(pause * 2, LONGEST_PAUSE_S)


def _parts(names: Sequence[str]) -> Iterator[Sequence[str]]:
    return (names[start : start + AT_ONCE] for start in range(0, len(names), AT_ONCE))
