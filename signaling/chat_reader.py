"""One open page of one person that follows conversations: its device, its carriers, and how far each stream was told.

A device is a browser profile; a tab of it is one page load. Tabs of one device share a counter and each is a reader.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from domain.people import Customer, Staff
from domain.record import Side
from signaling.carriers import Carrier, SocketCarrier
from signaling.lanes import Bucket, Lane, Spawn

FRAMES_PER_SECOND = 50.0
FRAMES_AT_ONCE = 100.0
ANSWERING_AGAIN_S = 10.0  # pages show it for 15
FRAMES_AGAIN_AT = 10.0  # 0.2 s: longer than a burst takes to be read
NOT_YET = -1  # of `Reader.sent`: subscribed, but where to begin is still being found out


class ReaderKey(NamedTuple):
    person_id: str
    device: str
    tab: str


class Reader:
    """`sent` is the last position of each open stream that was said to this page. `lane` attends its requests in their
    order. `emptied` is called when a carrier of it has room again."""

    def __init__(
        self, person: Staff | Customer, key: ReaderKey, spawn: Spawn, emptied: Callable[[Reader], None]
    ) -> None:
        self.person = person
        self.key = key
        self.side: Side = "staff" if isinstance(person, Staff) else "customer"
        self.sent: dict[str, int] = {}
        self.catching_up: set[object] = set()  # lines that are being read for it
        self.carriers: list[Carrier] = []
        self.is_welcome = False
        self.is_ended = False
        self.bad_frames = 0
        self.over_rate = 0
        self.frames = Bucket(FRAMES_PER_SECOND, FRAMES_AT_ONCE, FRAMES_AGAIN_AT)
        self.lane = Lane(spawn)
        self.answering: dict[str, float] = {}  # streams in which the inbox knows this person to write, and until when
        self._emptied = emptied

    @property
    def person_id(self) -> str:
        return self.key.person_id

    @property
    def device(self) -> str:
        return self.key.device

    @property
    def is_slow(self) -> bool:
        """No carrier has room: what can be read again later is better not said now."""
        return all(carrier.outbox.is_slow for carrier in self.carriers)

    def tells_inbox(self, stream: str, is_typing: bool) -> bool:
        """Whether the whole shop is to hear that this person writes, or no more: at first, and now and then while it lasts."""
        now = asyncio.get_running_loop().time()
        known_until = self.answering.pop(stream, 0.0)
        if is_typing:
            is_news = now >= known_until
            self.answering[stream] = now + ANSWERING_AGAIN_S if is_news else known_until
            return is_news
        return known_until > 0.0

    def attach(self, carrier: Carrier) -> list[Carrier]:
        """A page has one channel, and beside it one socket or poll: the newest. Returns those that it replaces."""
        is_channel = carrier.name == "channel"
        replaced = [c for c in self.carriers if (c.name == "channel") is is_channel and c is not carrier]
        for former in replaced:
            self.detach(former)
        if carrier not in self.carriers:
            self.carriers.append(carrier)
            self.carriers.sort(key=lambda c: c.name == "channel")  # the socket is asked first
            carrier.outbox.emptied = lambda: self._emptied(self)
        return replaced

    def detach(self, carrier: Carrier) -> None:
        if carrier in self.carriers:
            self.carriers.remove(carrier)
            carrier.outbox.emptied = None

    def prune(self) -> bool:
        """Forgets closed carriers; True while one is left."""
        for carrier in [c for c in self.carriers if not c.is_open]:
            self.detach(carrier)
        return bool(self.carriers)

    def say(self, text: str) -> bool:
        """On the socket when it is there, else on the other carrier."""
        return not self.is_ended and any(carrier.send(text) for carrier in self.carriers)

    def say_on_all(self, text: str) -> bool:
        return not self.is_ended and sum(carrier.send(text) for carrier in self.carriers) > 0

    def tell(self, text: str) -> bool:
        """Says what can be read again later, on every carrier that has room for it; False when none has."""
        if self.is_ended:
            return False
        return sum(carrier.send(text) for carrier in self.carriers if not carrier.outbox.is_slow) > 0

    def end(self, code: int, reason: str) -> None:
        """Nothing more is said to this page, and its socket closes with `code` after what was said before."""
        self.is_ended = True
        for carrier in self.carriers:
            if isinstance(carrier, SocketCarrier):
                carrier.close(code, reason)
