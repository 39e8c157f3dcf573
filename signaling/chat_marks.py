"""How far people have read: gathered for a moment, written as one batch, told to those who have the stream open."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from domain.conversation_ports import ConversationStore
from domain.errors import Unavailable
from domain.stream import Mark
from signaling.chat_news import ChatMarks, MarkView
from signaling.lanes import Spawn

GATHER_S = 0.2
TRY_AGAIN_S = 1.0
MAX_WAITING = 50_000  # while the store is away; a mark that is lost comes again with the next one


class ChatMarkers:
    def __init__(self, store: ConversationStore, tell: Callable[[Sequence[Mark]], None], spawn: Spawn) -> None:
        self._store = store
        self._tell = tell
        self._spawn = spawn
        self._waiting: dict[tuple[str, str], Mark] = {}
        self._is_writing = False

    def see(self, mark: Mark) -> None:
        """Takes note; it is written and told within a moment."""
        key = (mark.stream, mark.person_id)
        known = self._waiting.get(key, mark)
        if len(self._waiting) < MAX_WAITING or key in self._waiting:
            most = {"delivered": max(known.delivered, mark.delivered), "read": max(known.read, mark.read)}
            self._waiting[key] = mark.model_copy(update=most)
        if not self._is_writing:
            self._is_writing = True
            self._spawn(self._write())

    async def _write(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(GATHER_S)
                batch, self._waiting = self._waiting, {}
                try:
                    self._tell(await self._store.see(list(batch.values())))
                except Unavailable:
                    for mark in batch.values():
                        self.see(mark)
                    await asyncio.sleep(TRY_AGAIN_S)
        finally:
            self._is_writing = False


def marks_texts(marks: Sequence[Mark]) -> dict[str, str]:
    """One `chat.marks` frame a stream."""
    found: dict[str, list[MarkView]] = {}
    for mark in marks:
        found.setdefault(mark.stream, []).append(mark_view(mark))
    return {stream: ChatMarks(stream=stream, marks=views).model_dump_json() for stream, views in found.items()}


def mark_view(mark: Mark) -> MarkView:
    return MarkView(person_id=mark.person_id, side=mark.side, delivered=mark.delivered, read=mark.read)
