"""What the server tells a visitor, kept in its order, so that a test waits for a word instead of asking again and again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from loadtest.front_door import Visitor

T = TypeVar("T")
Frame = dict[str, Any]
ASK_EVERY_S = 0.05


class News:
    """Hears all from now on. `until` gives the first frame of its kind, heard or to come, behind the `after`th."""

    def __init__(self, visitor: Visitor) -> None:
        self.frames: list[Frame] = []
        self._more = asyncio.Event()
        visitor.hear = self._hear

    def _hear(self, said: Frame) -> None:
        self.frames.append(said)
        self._more.set()

    async def until(self, is_wanted: Callable[[Frame], bool], *, after: int = 0, deadline_s: float = 10.0) -> Frame:
        async with asyncio.timeout(deadline_s):
            while True:
                for said in self.frames[after:]:
                    if is_wanted(said):
                        return said
                after = len(self.frames)
                self._more.clear()
                await self._more.wait()

    async def recording(self, call_id: str, state: str = "ready", deadline_s: float = 20.0) -> Frame:
        """Staff only. The call's recording once it is in this state."""
        said = await self.until(
            lambda said: said["type"] == "recording" and is_recording(said["recording"], call_id, state),
            deadline_s=deadline_s,
        )
        return dict(said["recording"])


def is_recording(recording: Frame, call_id: str, state: str) -> bool:
    return bool(recording["call_id"] == call_id and recording["state"] == state)


async def answered(ask: Callable[[], Awaitable[T]], is_enough: Callable[[T], bool], deadline_s: float = 20.0) -> T:
    """Asks for what nobody announces (a counter, a gauge) until the answer is enough."""
    async with asyncio.timeout(deadline_s):
        while not is_enough(answer := await ask()):  # noqa: ASYNC110 - counters have no event
            await asyncio.sleep(ASK_EVERY_S)
    return answer
