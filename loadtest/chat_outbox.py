"""Messages on their way out, by the rules of the page: each keeps its id until the server has acknowledged it; unanswered
it goes out on the other carrier, and again on whatever opens next.

Two rules keep the order. A carrier that takes a message has taken every earlier unanswered one before it: whichever
carrier is the quicker, the server meets them in the order in which they were written. And what piled up goes out at a
pace that the server never has to refuse: of two messages in a burst it might refuse the first and take the second.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable
from typing import Any, Literal, Protocol

CarrierName = Literal["socket", "channel"]  # the conversation's own WebSocket, and the call's channel
Frame = dict[str, Any]
OTHER_CARRIER_S, AGAIN_S = 0.7, 3.0
# The server takes 50 frames a second, 100 at once; receipts, pings and copies need their share.
MESSAGES_PER_SECOND, MESSAGES_AT_ONCE = 30.0, 40.0
EXPECT_AGAIN_S = 0.2
# `expect`: one written before this was refused. None is ever given up, so the numbers stay right.
_COME_BACK = ("unavailable", "rate_limited", "expect")


class Carrier(Protocol):
    """`send` answers False when nothing can go out on it any more."""

    @property
    def name(self) -> CarrierName: ...
    @property
    def is_open(self) -> bool: ...
    def send(self, text: str) -> bool: ...


class RefusedMessage(RuntimeError):
    """The server did not take a message, in its own words."""


class _Kept:
    """A message without an acknowledgement. `on`: the carrier that has it now; `taken_by`: all that ever had it; `is_due`:
    it is to go out, on another carrier than `avoid` if there is one. `is_refused`: the server wants it later, and what was
    written after it waits behind it."""

    __slots__ = ("avoid", "id", "is_due", "is_refused", "n", "on", "refs", "taken_by", "text", "timer")

    def __init__(self, n: int, id: str, text: str) -> None:
        self.n = n
        self.id = id
        self.text = text
        self.is_due = True
        self.is_refused = False
        self.avoid: Carrier | None = None
        self.on: Carrier | None = None
        self.taken_by: set[Carrier] = set()
        self.refs: dict[str, CarrierName] = {}
        self.timer: asyncio.TimerHandle | None = None


class Outbox:
    """`choose(avoid)` names the carrier to use now. `acknowledged(id, position, carrier)` once for each message: `carrier` is
    the one that took it. `stream` is where all of them are written.

    `send_twice`: so many of the next frames go out as two copies (a fault that a network or a page may have)."""

    def __init__(
        self,
        choose: Callable[[Carrier | None], Carrier | None],
        acknowledged: Callable[[str, int, CarrierName], None],
    ) -> None:
        self._choose = choose
        self._acknowledged = acknowledged
        self.stream = ""
        self._written = 0
        self._kept: dict[str, _Kept] = {}
        self._by_ref: dict[str, _Kept] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._tokens, self._tokens_at = MESSAGES_AT_ONCE, 0.0
        self.send_twice = 0
        self.resent = self.refused = 0
        self.fault: RefusedMessage | None = None

    def __len__(self) -> int:
        return len(self._kept)

    def close(self) -> None:
        for timer in (self._timer, *(entry.timer for entry in self._kept.values())):
            if timer is not None:
                timer.cancel()

    def say(self, id: str, text: str) -> None:
        self._written += 1  # of a device that is new in each run
        self._kept[id] = _Kept(self._written, id, text)
        self.pump()

    def fail_over(self, gone: Carrier) -> None:
        """What this carrier has goes out on another."""
        for entry in self._kept.values():
            if entry.on is gone:
                entry.on = None
                entry.is_due = True
        self.pump()

    def pump(self) -> None:
        """Sends what is due, oldest first, as far as carriers and the pace allow."""
        for entry in list(self._kept.values()):
            if entry.is_refused:
                return
            carrier = self._choose(entry.avoid) if entry.is_due else None
            if carrier is None:
                continue
            for earlier in list(self._kept.values()):
                if earlier is entry or carrier not in earlier.taken_by:
                    if not self._has_token():
                        return
                    self._put(earlier, carrier)
                if earlier is entry:
                    break

    def hear(self, said: Frame) -> None:
        """A `chat.ack` or an `error`; those of other requests are ignored."""
        entry = self._by_ref.get(said["ref"] or "")
        if entry is None:
            return  # another copy was answered first
        if said["type"] == "error":
            if said["code"] in _COME_BACK:
                wait = EXPECT_AGAIN_S if said["code"] == "expect" else said["retry_after_s"] or 1.0
                self._again_in(entry, wait)
                entry.is_refused = True
                self.refused += 1
                return
            self.fault = self.fault or RefusedMessage(f"chat.append: {said['message']}")
        if entry.timer is not None:
            entry.timer.cancel()
        for ref in entry.refs:
            del self._by_ref[ref]
        del self._kept[entry.id]
        if said["type"] == "chat.ack":
            self._acknowledged(entry.id, said["position"], entry.refs[said["ref"]])
        if entry.is_refused:
            self.pump()  # another copy was taken: what waited behind this one may go

    def _has_token(self) -> bool:
        """Takes one, or calls `pump` again when there is one."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._tokens = min(MESSAGES_AT_ONCE, self._tokens + (now - self._tokens_at) * MESSAGES_PER_SECOND)
        self._tokens_at = now
        if self._tokens >= 1:
            self._tokens -= 1
            return True
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_later((1 - self._tokens) / MESSAGES_PER_SECOND + 0.001, self.pump)
        return False

    def _put(self, entry: _Kept, carrier: Carrier) -> None:
        again = bool(entry.refs)
        ref = new_id()
        text = json.dumps(
            {
                "type": "chat.append", "ref": ref, "n": entry.n, "id": entry.id, "stream": self.stream, "kind": "text",
                "body": {"text": entry.text}, "force": True,
            }  # nobody reads before writing here
        )  # fmt: skip
        entry.is_due = False
        if not carrier.send(text):
            entry.on = None
            self._again_in(entry, OTHER_CARRIER_S, carrier)
            return
        if self.send_twice:
            self.send_twice -= 1
            carrier.send(text)
        self.resent += again
        entry.on = carrier
        entry.taken_by.add(carrier)
        entry.refs[ref] = carrier.name
        self._by_ref[ref] = entry
        self._again_in(entry, AGAIN_S if again else OTHER_CARRIER_S, carrier)

    def _again_in(self, entry: _Kept, seconds: float, avoid: Carrier | None = None) -> None:
        def fall_due() -> None:
            entry.timer = None
            entry.is_due, entry.is_refused, entry.avoid = True, False, avoid
            self.pump()

        if entry.timer is not None:
            entry.timer.cancel()
        entry.timer = asyncio.get_running_loop().call_later(seconds, fall_due)


def new_id() -> str:
    return secrets.token_hex(8)
