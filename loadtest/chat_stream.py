"""A reader's copy of a conversation, by the rules of the page: only `position + 1` is applied, what is there already is
ignored, a gap is fetched."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

Entry = dict[str, Any]
PATIENCE_S = 0.3  # entries behind a newer head are usually on their way


class Stream:
    """`fetch(after)` is `chat.fetch`; `apply` hears each entry once, in order, `again` of each that another carrier brought
    as well. `id` is empty until it is known whose it is."""

    def __init__(
        self,
        fetch: Callable[[int], Awaitable[list[Entry]]],
        apply: Callable[[Entry, str], None],
        again: Callable[[Entry, str], None] = lambda entry, carrier: None,
    ) -> None:
        self._fetch = fetch
        self._apply = apply
        self._again = again
        self.id = ""
        self.position = 0
        self.digest = 0
        self.ignored = self.gaps = 0
        self._head = 0
        self._filling: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def take(self, entries: list[Entry], carrier: str) -> None:
        for entry in sorted(entries, key=lambda entry: int(entry["position"])):
            self._head = max(self._head, entry["position"])
            if entry["position"] <= self.position:
                self.ignored += 1
                self._again(entry, carrier)
            elif entry["position"] == self.position + 1:
                self.position += 1
                self.digest = zlib.crc32(entry["id"].encode(), self.digest)
                self._apply(entry, carrier)
            else:
                self.gaps += 1
                self._fill()
                return

    def reaches(self, head: int) -> None:
        """The server says how long the stream is: what does not come by itself is fetched."""
        self._head = max(self._head, head)
        if self._timer is None and head > self.position:
            self._timer = asyncio.get_running_loop().call_later(PATIENCE_S, self._look)

    async def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._filling is not None:
            self._filling.cancel()
            await asyncio.gather(self._filling, return_exceptions=True)

    def _look(self) -> None:
        self._timer = None
        if self._head > self.position:
            self._fill()

    def _fill(self) -> None:
        if self._filling is None or self._filling.done():
            self._filling = asyncio.create_task(self._fetch_rest())

    async def _fetch_rest(self) -> None:
        try:
            while self._head > self.position:
                before = self.position
                self.take(await self._fetch(before), "fetch")
                if self.position == before:
                    break
        except (TimeoutError, ConnectionError):
            pass  # no carrier, or no answer: below it is asked for again, and what follows the next welcome brings it, too
        if self._head > self.position and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(PATIENCE_S, self._look)
