"""What one browser profile keeps of one person: survives every crash of its tabs, changes only in whole transactions."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from domain.fold import StreamState
from domain.stream import Entry

T = TypeVar("T")
Wire = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something written that the server has not acknowledged: shown with a clock. `written`: the how-manyeth write of
    this device, kept for the audit only."""

    id: str
    stream: str
    kind: str
    body: Wire
    written: int
    reply_to: str | None = None
    seen: int | None = None
    force: bool = False
    is_offered: bool = False


@dataclass(slots=True)
class Database:
    """`outbox` by counter; `own`: what this device wrote, by id, so that it can be offered again to a server that lost
    it; `kept`: what was acknowledged, with its position, until it comes in its stream; `lost`: what a reset put in doubt;
    `shown_sent`: ids that the page has shown as sent, ever."""

    device: str
    rng: random.Random
    counter: int = 0
    epoch: str = ""
    written: int = 0
    streams: dict[str, StreamState] = field(default_factory=dict)
    outbox: dict[int, Waiting] = field(default_factory=dict)
    own: dict[str, Waiting] = field(default_factory=dict)
    kept: dict[str, tuple[Waiting, int]] = field(default_factory=dict)
    lost: dict[str, list[Waiting]] = field(default_factory=dict)
    shown_sent: set[str] = field(default_factory=set)
    given_up: dict[str, str] = field(default_factory=dict)
    resets: int = 0
    sender: object | None = None  # the tab that holds the Web Lock
    changed: list[Callable[[], None]] = field(default_factory=list)  # the BroadcastChannel

    async def transaction(self, change: Callable[[], T]) -> T:
        """All of `change` or nothing; a tab may crash before it and after it."""
        await asyncio.sleep(self.rng.uniform(0.0, 0.01))
        result = change()
        await asyncio.sleep(0)
        return result

    def state(self, stream: str) -> StreamState:
        return self.streams.get(stream) or StreamState(stream=stream)

    def write(self, stream: str, kind: str, body: Wire, **more: Any) -> Waiting:
        """The id and the counter are kept before anything is sent."""
        self.counter += 1
        self.written += 1
        waiting = Waiting(f"{self.device}-{self.written:04d}", stream, kind, body, self.written, **more)
        self.outbox[self.counter] = waiting
        self.own[waiting.id] = waiting
        return waiting

    def number_anew(self, first: int) -> None:
        """All that waits gets new numbers from `first` on, in its order."""
        waiting = [self.outbox[n] for n in sorted(self.outbox)]
        self.outbox = dict(enumerate(waiting, first))
        self.counter = first + len(waiting) - 1

    def acknowledge(self, id: str, position: int) -> None:
        if all(entry.id != id for entry in self.state(self.own[id].stream).entries):
            self.kept[id] = (self.own[id], position)
        self.settle(id)

    def settle(self, id: str) -> None:
        """It is kept: acknowledged, or it came as an entry."""
        self.shown_sent.add(id)
        self.given_up.pop(id, None)
        for n in [n for n, waiting in self.outbox.items() if waiting.id == id]:
            del self.outbox[n]

    def give_up(self, id: str, code: str) -> None:
        """Refused for good: it uses no number, and those behind it are numbered anew."""
        for n in [n for n, waiting in self.outbox.items() if waiting.id == id]:
            del self.outbox[n]
            self.given_up[id] = code

    def change_all(self, stream: str, **changes: Any) -> None:
        """What the person decides on the first that was held back holds for all that wait for this stream."""
        for n, waiting in self.outbox.items():
            if waiting.stream == stream:
                self.outbox[n] = replace(waiting, **changes)

    def forget(self, stream: str, after: int, digest: int) -> None:
        """A reset: the window goes. What this device wrote of it may be lost on the server; until the stream has caught
        up nobody knows."""
        self.resets += 1
        mine = [self.own[e.id] for e in self.state(stream).entries if e.id in self.own and e.gone is None]
        self.lost[stream] = [*self.lost.get(stream, []), *mine]
        self.streams[stream] = StreamState(stream=stream, floor=after, head=after, digest=digest)

    def apply(self, stream: str, after: StreamState, head: int) -> None:
        self.streams[stream] = after
        for id in {entry.id for entry in after.entries} & self.own.keys():
            self.settle(id)
        self.compare(stream, head)

    def compare(self, stream: str, head: int, *, is_begin: bool = False) -> None:
        """The server's stream ends at `head`. When this device has caught up, what the server may have lost, and what
        it acknowledged and has not, is offered again under the old ids. `is_begin`: all that was
        told before has arrived, so what was acknowledged beyond the head is gone."""
        state = self.state(stream)
        here = {entry.id for entry in state.entries}
        self.kept = {id: kept for id, kept in self.kept.items() if id not in here}
        if state.head < head:
            return
        doubted = [*self.lost.pop(stream, [])]
        for write, position in list(self.kept.values()):
            if write.stream == stream and (is_begin or position <= state.head):
                doubted.append(write)
                del self.kept[write.id]
        waiting = {w.id for w in self.outbox.values()}
        for write in doubted:
            if write.id not in here and write.id not in waiting:
                waiting.add(write.id)
                self.counter += 1
                self.outbox[self.counter] = replace(write, force=True, is_offered=True)


def entry_of(stream: str, wire: Wire) -> Entry:
    return Entry.model_validate({**wire, "stream": stream, "digest": 0})
