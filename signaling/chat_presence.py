"""Whether a customer has the conversation open, for the staff who have it open, too. Nothing of it is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from domain.stream import conversation_stream, owner_of
from signaling.chat_hub import ChatHub
from signaling.chat_news import ChatHere
from signaling.chat_reader import Reader
from signaling.lanes import Spawn

RELOAD_S = 3.0  # a page that loads again has not left


class ChatPresence:
    def __init__(self, hub: ChatHub, spawn: Spawn) -> None:
        self._hub = hub
        self._spawn = spawn
        self._here: set[str] = set()  # customers whom staff were told of as here
        self.reload_s = RELOAD_S

    def came(self, reader: Reader) -> None:
        """Said hello: a customer's first page is told to staff."""
        if reader.side == "customer" and not (reader.is_ended or reader.person_id in self._here):
            self._here.add(reader.person_id)
            self._tell(reader.person_id)

    def left(self, reader: Reader) -> None:
        if reader.person_id in self._here and not self._is_reading(reader.person_id):
            self._spawn(self._leaving(reader.person_id))

    def show(self, reader: Reader, streams: Iterable[str]) -> None:
        """To staff who open conversations."""
        if reader.side == "staff":
            for stream in streams:
                if stream[0] == "c":
                    reader.say(self._text(owner_of(stream)))

    async def _leaving(self, customer_id: str) -> None:
        await asyncio.sleep(self.reload_s)
        if customer_id in self._here and not self._is_reading(customer_id):
            self._here.discard(customer_id)
            self._tell(customer_id)

    def _is_reading(self, customer_id: str) -> bool:
        return any(r.side == "customer" and r.is_welcome for r in self._hub.readers_of.get(customer_id, ()))

    def _tell(self, customer_id: str) -> None:
        self._hub.whisper(conversation_stream(customer_id), self._text(customer_id), but=customer_id)

    def _text(self, customer_id: str) -> str:
        return ChatHere(conversation=customer_id, is_here=customer_id in self._here).model_dump_json()
