"""In what order one session's requests are attended: in lanes, so that a slow media node never holds up the chat."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Literal

LaneName = Literal["talk", "call", "media"]
Job = Callable[[], Awaitable[None]]
Spawn = Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None] | None"]
MAX_JOBS = 128


class Lane:
    """Jobs one after the other; the task exists only while there are some.

    A lane that was full takes nothing until it is half empty: whoever sends in a row would else see a request refused
    and the next one taken, out of their order."""

    def __init__(self, spawn: Spawn) -> None:
        self._spawn = spawn
        self._jobs: deque[Job] = deque()
        self._is_running = False
        self._is_shut = False

    @property
    def is_idle(self) -> bool:
        return not self._is_running

    def put(self, job: Job) -> bool:
        """False when the lane is full: the caller refuses the request."""
        self._is_shut = len(self._jobs) > (MAX_JOBS // 2 if self._is_shut else MAX_JOBS - 1)
        if self._is_shut:
            return False
        self._jobs.append(job)
        if not self._is_running:
            self._is_running = True
            self._spawn(self._run())
        return True

    async def _run(self) -> None:
        try:
            while self._jobs:
                await self._jobs.popleft()()
        finally:
            self._is_running = False


class Bucket:
    """A token bucket: `burst` at once, `rate` a second in the long run. Times are those of the event loop.

    Once empty it stays shut until it holds `again_at`, so that what follows closely in a burst is refused, too, and
    nothing of it overtakes what was refused."""

    def __init__(self, rate: float, burst: float, again_at: float = 1.0) -> None:
        self._rate = rate
        self._burst = burst
        self._again_at = again_at
        self._is_shut = False
        self._tokens = burst
        self._at = 0.0

    def take(self, now: float) -> float:
        """0.0 when it may pass, else the seconds until it may."""
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        needed = self._again_at if self._is_shut else 1.0
        self._is_shut = self._tokens < needed
        if self._is_shut:
            return (self._again_at - self._tokens) / self._rate
        self._tokens -= 1
        return 0.0
