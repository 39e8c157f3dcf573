"""From a text of a page to its answer: measured, understood, attended in order. No fault gets out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from pydantic import ValidationError

from domain.errors import RateLimited, Refusal, Unavailable
from domain.people import Customer, Staff
from signaling import chat_asks, chat_inbox, chat_ringing
from signaling import chat_protocol as p
from signaling.carriers import BAD_FRAMES, ENDED, NO_HELLO, TOO_MANY, Carrier, SocketCarrier
from signaling.chat_asks import Asked, Desk
from signaling.chat_poll import hello_first
from signaling.chat_reader import Reader
from signaling.chat_readers import Readers
from signaling.news import ErrorFrame
from signaling.protocol import Request
from signaling.refusals import frame_of
from signaling.understanding import misunderstood, ref_in, understood

log = structlog.get_logger()
MAX_BAD_FRAMES = 50  # a page of ours sends none
MAX_OVER_RATE = 500
Do = Callable[[Desk, Asked, Any], Awaitable[None]]
ATTENDED: dict[type[Request], Do] = {
    p.ChatHello: chat_asks.hello,
    p.ChatAppend: chat_asks.append,
    p.ChatOpen: chat_asks.open_stream,
    p.ChatLeave: chat_asks.leave,
    p.ChatFetch: chat_asks.fetch,
    p.ChatSeen: chat_asks.seen,
    p.ChatTyping: chat_asks.typing,
    p.ChatInboxSet: chat_inbox.inbox_set,
    p.ChatRing: chat_ringing.ring,
    p.ChatRingAnswer: chat_ringing.answer,
}


class ChatAttendant:
    def __init__(self, desk: Desk, readers: Readers, counts: Counter[str]) -> None:
        self._desk = desk
        self._readers = readers
        self._counts = counts

    def take(self, person: Staff | Customer, carrier: Carrier, text: str) -> None:
        """Takes one text in. What a page asks in a row is attended in that order."""
        self._counts["frames"] += 1
        if not carrier.is_open:  # it is being closed: nobody is there whom an answer could reach
            return
        reader = self._readers.on.get(carrier)
        if reader is not None and not self._has_breath(reader, carrier, text):
            return
        try:
            ask: p.ChatAsk = understood(p.chat_frames, text)
            if isinstance(ask, p.ChatHello):
                reader = self._readers.enter(person, carrier, ask)
            elif reader is None:
                raise hello_first()
        except ValidationError as fault:
            self._refuse(reader, carrier, text, misunderstood(fault))
        except Refusal as refusal:
            self._refuse(reader, carrier, text, refusal)
        else:
            self._attend(Asked(reader, carrier), ask)

    def _has_breath(self, reader: Reader, carrier: Carrier, text: str) -> bool:
        wait_s = self._readers.wait_s(reader)
        if not wait_s:
            reader.over_rate = 0
            return True
        reader.over_rate += 1
        too_fast = RateLimited("Too many frames. Wait a moment.", retry_after_s=wait_s)
        carrier.send(self._desk.refuse(too_fast, ref_in(text)).model_dump_json())
        if reader.over_rate > MAX_OVER_RATE and isinstance(carrier, SocketCarrier):
            carrier.close(TOO_MANY, "too many frames")
        return False

    def _refuse(self, reader: Reader | None, carrier: Carrier, text: str, refusal: Refusal) -> None:
        carrier.send(self._desk.refuse(refusal, ref_in(text)).model_dump_json())
        if reader is not None:
            reader.bad_frames += 1
        if isinstance(carrier, SocketCarrier):
            if reader is None:
                carrier.close(TOO_MANY if isinstance(refusal, RateLimited) else NO_HELLO, "say hello first")
            elif reader.bad_frames > MAX_BAD_FRAMES:
                carrier.close(BAD_FRAMES, "too many frames that cannot be understood")

    def _attend(self, asked: Asked, ask: p.ChatAsk) -> None:
        reader = asked.reader
        if isinstance(ask, p.ChatAppend) and reader.is_welcome and reader.lane.is_idle:
            shop_id = self._desk.rights.shop_if_known(reader.person, ask.stream)
            if shop_id is not None:  # the common case needs no task
                try:
                    chat_asks.put(self._desk, asked, ask, shop_id)
                except Refusal as refusal:
                    asked.answer(self._desk.refuse(refusal, ask.ref))
                return
        if not reader.lane.put(lambda: self._do(asked, ask)):
            too_much = RateLimited("Too much at once. Wait for the answers first.", retry_after_s=1.0)
            asked.answer(self._desk.refuse(too_much, ask.ref))

    async def _do(self, asked: Asked, ask: p.ChatAsk) -> None:
        reader = asked.reader
        try:
            if not (reader.is_welcome or isinstance(ask, p.ChatHello)):
                raise hello_first()
            await ATTENDED[type(ask)](self._desk, asked, ask)
        except Exception as fault:
            refusal = self._desk.refuse(fault, ask.ref)
            asked.answer(refusal)
            if not reader.is_welcome and isinstance(ask, p.ChatHello):
                reader.end(ENDED if refusal.code in ("ended", "erased") else NO_HELLO, "this device cannot come in")
                self._readers.forget(reader)


def counted_refusal(counts: Counter[str], fault: BaseException, ref: str | None) -> ErrorFrame:
    """The frame that tells of a refusal, which is counted, or of a fault, which is written down."""
    if isinstance(fault, TimeoutError):
        fault = Unavailable("This took too long. Try again.")
    elif not isinstance(fault, Refusal):
        counts["faults"] += 1
        log.error("a request of a conversation failed", exc_info=fault)
        fault = Refusal("Something went wrong on our side; it was written down. Try again.", code="internal")
    counts[f"refused_{fault.code}"] += 1
    return frame_of(fault, ref)
