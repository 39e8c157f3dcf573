"""Finding out from the database what no other server's word told: every few seconds, and at once when words may be lost."""

from __future__ import annotations

import asyncio
from collections import Counter

from domain.conversation_ports import ConversationStore
from domain.errors import Refusal
from signaling.chat_hub import COMPARED_AT_ONCE, ChatHub
from signaling.chat_marks import marks_texts
from signaling.chat_neighbours import Neighbours


class Comparing:
    def __init__(self, hub: ChatHub, store: ConversationStore, neighbours: Neighbours, counts: Counter[str]) -> None:
        self._hub = hub
        self._store = store
        self._neighbours = neighbours
        self._counts = counts
        self._told: dict[str, str] = {}  # marks of streams, while other servers' words may be lost

    async def keep(self, every_s: float) -> None:
        while True:
            await asyncio.sleep(every_s)
            await self.compare(with_marks=not self._neighbours.are_heard)

    async def compare(self, *, with_marks: bool) -> None:
        """What was written is read on. Marks hold no place in a stream: they are told again, those that changed."""
        try:
            await self._hub.compare()
            if with_marks:
                await self._tell_marks()
            else:
                self._told.clear()
        except Refusal:  # the store is away: pages are told when it is back
            self._counts["compares_failed"] += 1

    async def _tell_marks(self) -> None:
        streams = [stream for stream in self._hub.lines if stream[0] in "cn"]
        told: dict[str, str] = {}
        for start in range(0, len(streams), COMPARED_AT_ONCE):
            told |= marks_texts(await self._store.marks(streams[start : start + COMPARED_AT_ONCE]))
        for stream, text in told.items():
            if self._told.get(stream) != text:
                self._hub.whisper(stream, text)
        self._told = told
