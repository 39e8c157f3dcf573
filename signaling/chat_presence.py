"""Whether a customer has the conversation open, at this server or another one, for the staff who have it open, too.

Nothing of it is kept. Each server holds a lease for those who are here; a server that dies lets go by dying.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from domain.stream import conversation_stream, owner_of
from signaling.chat_hub import ChatHub
from signaling.chat_neighbours import Neighbours
from signaling.chat_news import ChatHere
from signaling.chat_reader import Reader
from signaling.lanes import Spawn

RELOAD_S = 3.0  # a page that loads again has not left
ASK_EVERY_S = 10.0  # whether those of other servers are still there; they hold leases of 15 s


class ChatPresence:
    def __init__(self, hub: ChatHub, neighbours: Neighbours, spawn: Spawn) -> None:
        self._hub = hub
        self._neighbours = neighbours
        self._spawn = spawn
        self._here: set[str] = set()  # customers with a page of this server
        self._elsewhere: set[str] = set()  # with a page of another one, as far as is known
        self.reload_s = RELOAD_S
        neighbours.came = self._told

    def came(self, reader: Reader) -> None:
        """Said hello: a customer's first page is told to staff."""
        if reader.side == "customer" and not (reader.is_ended or reader.person_id in self._here):
            self._here.add(reader.person_id)
            self._neighbours.here(reader.person_id, True)
            if reader.person_id not in self._elsewhere:
                self._tell(reader.person_id)

    def left(self, reader: Reader) -> None:
        if reader.person_id in self._here and not self._is_reading(reader.person_id):
            self._spawn(self._leaving(reader.person_id))

    def show(self, reader: Reader, streams: Iterable[str]) -> None:
        """To staff who open conversations."""
        if reader.side == "staff":
            customers = [owner_of(stream) for stream in streams if stream[0] == "c"]
            for customer in customers:
                reader.say(self._text(customer))
            if unknown := [customer for customer in customers if not self._is_here(customer)]:
                self._spawn(self._ask(unknown))

    async def keep_asking(self) -> None:
        """Finds out who went with a server that died."""
        while True:
            await asyncio.sleep(ASK_EVERY_S)
            await self.look()

    async def look(self) -> None:
        if known := list(self._elsewhere):
            await self._ask(known)

    async def _leaving(self, customer_id: str) -> None:
        await asyncio.sleep(self.reload_s)
        if customer_id in self._here and not self._is_reading(customer_id):
            self._here.discard(customer_id)
            self._neighbours.here(customer_id, False)
            if customer_id not in self._elsewhere:
                self._tell(customer_id)

    async def _ask(self, customers: Sequence[str]) -> None:
        with_others = await self._neighbours.with_others(customers)
        for customer in customers if with_others is not None else ():
            self._heard(customer, customer in (with_others or ()))

    def _told(self, customer_id: str, is_here: bool) -> None:
        """By another server. Who says goodbye knows of itself only: there may be a third one."""
        if is_here:
            self._heard(customer_id, True)
        else:
            self._spawn(self._ask([customer_id]))

    def _heard(self, customer_id: str, is_elsewhere: bool) -> None:
        was_here = self._is_here(customer_id)
        (self._elsewhere.add if is_elsewhere else self._elsewhere.discard)(customer_id)
        if self._is_here(customer_id) != was_here:
            self._tell(customer_id)

    def _is_here(self, customer_id: str) -> bool:
        return customer_id in self._here or customer_id in self._elsewhere

    def _is_reading(self, customer_id: str) -> bool:
        return any(r.side == "customer" and r.is_welcome for r in self._hub.readers_of.get(customer_id, ()))

    def _tell(self, customer_id: str) -> None:
        self._hub.whisper(conversation_stream(customer_id), self._text(customer_id), but=customer_id)

    def _text(self, customer_id: str) -> str:
        return ChatHere(conversation=customer_id, is_here=self._is_here(customer_id)).model_dump_json()
