"""A page's wire without a page: requests and news over a WebSocket and a data channel, by the rules of `web/src/wire`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

from loadtest.chat_outbox import Carrier, CarrierName, Frame, Outbox, RefusedMessage, new_id
from loadtest.chat_stream import Event, Stream

ANSWER_DEADLINE_S = 8.0
SEEN_WITHIN_S = 0.15


class Wire:
    """`acknowledged(cmid, position, carrier)` once for each message; `applied(event, carrier)` once for each event, in
    order. `renewal_asked`: the server wants a new connection."""

    def __init__(
        self, acknowledged: Callable[[str, int, CarrierName], None], applied: Callable[[Event, str], None]
    ) -> None:
        self._applied = applied
        self._carriers: dict[CarrierName, Carrier] = {}
        self._answers: dict[str, asyncio.Future[Frame]] = {}
        self._seen_timer: asyncio.TimerHandle | None = None
        self.stream = Stream(self._fetch, self._apply)
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

    # --- carriers ---

    def hello(self) -> str:
        return json.dumps({"type": "hello", "ref": f"hello-{new_id()}", "position": self.stream.position})

    def attach(self, carrier: Carrier) -> None:
        """A carrier that is open and, for a WebSocket, welcomed."""
        former = self._carriers.get(carrier.name)
        self._carriers[carrier.name] = carrier
        if former is not None:
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

    def say(self, cmid: str, text: str) -> None:
        """A message, kept until it is acknowledged."""
        self.outbox.say(cmid, text)

    async def ask(self, frame: Frame, *, on: Carrier | None = None, deadline_s: float = ANSWER_DEADLINE_S) -> Frame:
        """A request that is not kept. Raises TimeoutError; ConnectionError when there is no carrier or the server
        refuses."""
        ref = new_id()
        carrier = on or self._carrier("socket")
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
        kind = said["type"]
        if kind == "event":
            self.stream.take([said["event"]], carrier.name)
        elif kind in ("ok", "error"):
            answer = self._answers.get(said["ref"] or "")
            if answer is not None and not answer.done():
                answer.set_result(said)
            self.outbox.hear(said, carrier)
        elif kind == "welcome":
            self.stream.take(said["events"], carrier.name)
            if said["call"] is not None:
                self.stream.reaches(said["call"]["head"])
        elif kind == "call" and said["call"]["id"] == self.stream.call_id:
            self.stream.reaches(said["call"]["head"])
        elif kind == "media.renew":
            self.renewal_asked.set()

    async def _fetch(self, after: int) -> list[Event]:
        events: list[Event] = (await self.ask({"type": "sync", "after": after}))["events"]
        return events

    def _apply(self, event: Event, carrier: str) -> None:
        self._applied(event, carrier)
        if self._seen_timer is None:
            self._seen_timer = asyncio.get_running_loop().call_later(SEEN_WITHIN_S, self._tell_seen)

    def _tell_seen(self) -> None:
        self._seen_timer = None
        carrier = self._carrier("socket")
        if carrier is not None:
            seen = {"type": "seen", "ref": new_id(), "delivered": self.stream.position, "read": self.stream.position}
            carrier.send(json.dumps(seen))
