"""A page's wire without a page: the conversation over its own WebSocket and over the call's data channel, by the rules of
`web/src/conversation`, and what the call needs over the call's WebSocket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from loadtest.chat_outbox import Carrier, CarrierName, Frame, Outbox, RefusedMessage, new_id
from loadtest.chat_stream import Entry, Stream

ANSWER_DEADLINE_S = 8.0
SEEN_WITHIN_S = 0.15


class Wire:
    """`acknowledged(id, position, carrier)` once for each message; `applied(entry, carrier)` once for each entry, in order;
    `brought_again` when the other carrier brings one, too. `renewal_asked`: the server wants a new connection."""

    def __init__(
        self,
        acknowledged: Callable[[str, int, CarrierName], None],
        applied: Callable[[Entry, str], None],
        brought_again: Callable[[Entry, str], None] = lambda entry, carrier: None,
    ) -> None:
        self._applied = applied
        self._carriers: dict[CarrierName, Carrier] = {}
        self._answers: dict[str, asyncio.Future[Frame]] = {}
        self._seen_timer: asyncio.TimerHandle | None = None
        self._device, self._tab = new_id(), new_id()
        self.desk: Carrier | None = None
        self.stream = Stream(self._fetch, self._apply, brought_again)
        self.outbox = Outbox(lambda avoid: self._carrier("channel", avoid), acknowledged)
        self.renewal_asked = asyncio.Event()

    @property
    def unanswered(self) -> int:
        return len(self.outbox)

    @property
    def fault(self) -> RefusedMessage | None:
        return self.outbox.fault

    async def close(self) -> None:
        self.outbox.close()
        if self._seen_timer is not None:
            self._seen_timer.cancel()
        await self.stream.close()

    async def turn_to(self, stream: str, *, opens: bool) -> None:
        """The conversation to write in and to follow. `opens`: staff, who follow none by themselves."""
        self.stream.id = self.outbox.stream = stream
        if opens:
            await self.ask({"type": "chat.open", "stream": stream})

    # --- carriers ---

    def hello(self) -> str:
        """What the call's WebSocket begins with. Nobody here reads the call's own events."""
        return json.dumps({"type": "hello", "ref": f"hello-{new_id()}", "position": 0})

    def chat_hello(self) -> str:
        """What a carrier of the conversation begins with; it is attached once it is welcomed."""
        cursors = []
        if self.stream.id:
            cursors = [{"stream": self.stream.id, "position": self.stream.position, "digest": self.stream.digest}]
        page = {"device": self._device, "tab": self._tab, "cursors": cursors}
        return json.dumps({"type": "chat.hello", "ref": f"hello-{new_id()}", **page})

    def attach(self, carrier: Carrier) -> None:
        former = self._carriers.get(carrier.name)
        self._carriers[carrier.name] = carrier
        if former is not None and former is not carrier:
            self.outbox.fail_over(former)
        self.outbox.pump()

    def detach(self, carrier: Carrier) -> None:
        if self._carriers.get(carrier.name) is carrier:
            del self._carriers[carrier.name]
        self.outbox.fail_over(carrier)

    def _carrier(self, first: CarrierName, avoid: Carrier | None = None) -> Carrier | None:
        order: tuple[CarrierName, CarrierName] = ("socket", "channel") if first == "socket" else ("channel", "socket")
        usable = [c for name in order if (c := self._carriers.get(name)) is not None and c.is_open]
        return next((c for c in usable if c is not avoid), usable[0] if usable else None)

    def writes_on(self, carrier: Carrier) -> bool:
        """Whether the next message goes out on this one."""
        return self._carrier("channel") is carrier

    # --- what goes out ---

    def say(self, id: str, text: str) -> None:
        """A message, kept until it is acknowledged."""
        self.outbox.say(id, text)

    async def ask(self, frame: Frame, *, on: Carrier | None = None, deadline_s: float = ANSWER_DEADLINE_S) -> Frame:
        """A request that is not kept; of the call over the call's WebSocket. Raises TimeoutError; ConnectionError when there
        is no carrier or the server refuses."""
        ref = new_id()
        carrier = on or (self._carrier("socket") if frame["type"].startswith("chat.") else self.desk)
        answer: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._answers[ref] = answer
        try:
            if carrier is None or not carrier.send(json.dumps({**frame, "ref": ref})):
                raise ConnectionError(f"no carrier for {frame['type']}")
            async with asyncio.timeout(deadline_s):
                said = await answer
        finally:
            del self._answers[ref]
        if said["type"] == "error":
            raise ConnectionError(f"{frame['type']}: {said['message']}")
        return said

    # --- what comes in ---

    def hear(self, carrier: Carrier, text: str) -> None:
        said: Frame = json.loads(text)
        answer = self._answers.get(said.get("ref") or "")
        if answer is not None and not answer.done():
            answer.set_result(said)
        match said["type"]:
            case "chat.entries" if said["stream"] == self.stream.id:
                self.stream.take(said["entries"], carrier.name)
                self.stream.reaches(said["head"])
            case "chat.ack" | "error":
                self.outbox.hear(said)
            case "chat.welcome":
                self._heads(said["streams"])
                self.attach(carrier)
            case "chat.heads":
                self._heads(said["heads"])
            case "media.renew":
                self.renewal_asked.set()

    def _heads(self, heads: list[dict[str, Any]]) -> None:
        for head in heads:
            if head["stream"] == self.stream.id:
                self.stream.reaches(head["head"])

    async def _fetch(self, after: int) -> list[Entry]:
        said = await self.ask({"type": "chat.fetch", "stream": self.stream.id, "after": after})
        entries: list[Entry] = said["entries"]
        return entries

    def _apply(self, entry: Entry, carrier: str) -> None:
        self._applied(entry, carrier)
        if self._seen_timer is None:
            self._seen_timer = asyncio.get_running_loop().call_later(SEEN_WITHIN_S, self._tell_seen)

    def _tell_seen(self) -> None:
        self._seen_timer = None
        carrier = self._carrier("socket")
        if carrier is not None:
            position = self.stream.position
            seen = {"type": "chat.seen", "stream": self.stream.id, "delivered": position, "read": position}
            carrier.send(json.dumps({**seen, "ref": new_id()}))
