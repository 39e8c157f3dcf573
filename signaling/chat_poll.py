"""Conversations where WebSockets are blocked: the same frames by HTTP. One request of a page waits for news, what it
writes goes in others."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Protocol

from pydantic import Field

from domain.errors import Invalid, RateLimited, Unavailable
from domain.people import Customer, Staff
from domain.record import Cmid, Side
from signaling.carriers import PollCarrier
from signaling.chat_readers import Readers
from signaling.protocol import Frame, Id

LIFE_S = 60.0  # between two requests; after that the page has to say hello again
LONGEST_WAIT_S = 25.0  # proxies cut silent requests after 30 s
MAX_FRAMES = 100
MAX_POLLS = 10_000
Key = tuple[str, str, str]  # person, device, tab


class PollBody(Frame):
    """`tab` and `side` tell pages of one browser apart: who is staff and customer in one browser names the side."""

    device: Cmid
    tab: Id = "-"
    side: Side | None = None
    frames: list[dict[str, Any]] = Field(default=[], max_length=MAX_FRAMES)
    wait_s: float = Field(default=0.0, ge=0.0, le=LONGEST_WAIT_S)


class Taking(Protocol):
    """What polls need of the chat."""

    @property
    def readers(self) -> Readers: ...

    def take(self, person: Staff | Customer, carrier: PollCarrier, text: str) -> None: ...


class Polls:
    def __init__(self, chat: Taking) -> None:
        self._chat = chat
        self.carriers: dict[Key, PollCarrier] = {}
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._is_closing = False

    def __len__(self) -> int:
        return len(self.carriers)

    def close(self) -> None:
        self._is_closing = True
        for key in list(self.carriers):
            self.end(key)

    async def poll(self, person: Staff | Customer, ask: PollBody, session: str = "") -> list[str]:
        """Takes a page's frames in and answers with what waits for it. Raises Invalid (`hello_first`) when nothing is
        known of this page, RateLimited, Unavailable."""
        key = (person.id, ask.device, ask.tab)
        if key in self.carriers and not self.carriers[key].is_open:
            self.end(key)  # too much waited
        carrier = self.carriers.get(key) or self._begin(key, ask, session)
        carrier.session = session
        if (timer := self._timers.pop(key, None)) is not None:
            timer.cancel()
        carrier.requests += 1
        if says_hello(ask):
            carrier.begin_anew()
        try:
            for frame in ask.frames:
                self._chat.take(person, carrier, json.dumps(frame))
            texts = await carrier.take(ask.wait_s)
        finally:
            carrier.requests -= 1
            if not carrier.requests and self.carriers.get(key) is carrier:
                self._timers[key] = asyncio.get_running_loop().call_later(LIFE_S, self.end, key)
        if not (texts or ask.frames or self._is_closing) and carrier not in self._chat.readers.on:
            self.end(key)
            raise hello_first()
        return texts

    def _begin(self, key: Key, ask: PollBody, session: str) -> PollCarrier:
        if self._is_closing:
            raise Unavailable("This server is stopping. Try again in a moment.")
        if len(self.carriers) >= MAX_POLLS:
            raise RateLimited("Too many pages are open here. Try again in a while.", retry_after_s=60.0)
        if not says_hello(ask):
            raise hello_first()
        carrier = self.carriers[key] = PollCarrier(session)
        return carrier

    def end(self, key: Key) -> None:
        timer, carrier = self._timers.pop(key, None), self.carriers.pop(key, None)
        if timer is not None:
            timer.cancel()
        if carrier is not None:
            carrier.drop()
            self._chat.readers.leave(carrier)


def says_hello(ask: PollBody) -> bool:
    return bool(ask.frames) and ask.frames[0].get("type") == "chat.hello"


def hello_first() -> Invalid:
    return Invalid("Say hello first.", code="hello_first")
