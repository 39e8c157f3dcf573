"""The bus inside one process, which joins several servers of a test. It keeps the promises of the one over Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

from domain.bus import Ears


class Exchange:
    """The ends that hear each other."""

    def __init__(self) -> None:
        self.ends: list[ProcessBus] = []


class ProcessBus:
    """Implements `domain.bus.Bus`. Leases end with `close`: an end cannot die without its process."""

    def __init__(self, exchange: Exchange | None = None) -> None:
        self._exchange = exchange or Exchange()
        self._exchange.ends.append(self)
        self._ears: Ears | None = None
        self._held: set[str] = set()

    @property
    def is_connected(self) -> bool:
        return True

    def listen(self, ears: Ears) -> None:
        self._ears = ears

    def hint(self, streams: Iterable[str]) -> None:
        if others := self._others():
            told = list(streams)
            self._tell([ears.hinted for ears in others], told)

    def whisper(self, text: str) -> None:
        if others := self._others():
            self._tell([ears.whispered for ears in others], text)

    def hold(self, name: str) -> None:
        self._held.add(name)

    def let_go(self, name: str) -> None:
        self._held.discard(name)

    async def held(self, names: Sequence[str]) -> set[str]:
        return {name for name in names for end in self._exchange.ends if end is not self and name in end._held}

    def figures(self) -> dict[str, float]:
        return {}

    def close(self) -> None:
        if self in self._exchange.ends:
            self._exchange.ends.remove(self)

    def _others(self) -> list[Ears]:
        return [end._ears for end in self._exchange.ends if end is not self and end._ears is not None]

    def _tell(self, ears: Sequence[Callable[..., None]], said: object) -> None:
        for hear in ears:  # never inside the one who says it
            asyncio.get_running_loop().call_soon(hear, said)
