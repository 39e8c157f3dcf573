"""What goes wrong on purpose during a chat, planned ahead from a seed: the same seed breaks the same things at the same
seconds."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from loadtest.chat_people import Writer
from loadtest.server_process import LoupeServer

Kind = Literal[
    "socket cut in a frame",
    "socket cut before the answer",
    "frames sent twice",
    "channel closed",
    "network gone",
    "network changed",
    "slow reader",
    "server killed",
]
KINDS: tuple[Kind, ...] = (
    "socket cut in a frame",
    "frames sent twice",
    "channel closed",
    "socket cut before the answer",
    "network gone",
    "slow reader",
    "network changed",
)
EVERY_S = 0.7
QUIET_S = 0.5  # at both ends of a run
KILL_EVERY_S = 20.0
SLOW_FOR_S = 2.5
TWICE = 5


@dataclass(frozen=True, slots=True)
class Fault:
    """`at` in seconds from the start; `turn` picks the person."""

    at: float
    kind: Kind
    turn: int


def plan(seconds: float, seed: int, *, may_kill: bool) -> list[Fault]:
    """Each kind comes before any comes again; the server is killed once in `KILL_EVERY_S`, in a shorter run half-way."""
    seeded = random.Random(seed)
    faults: list[Fault] = []
    kinds: list[Kind] = []
    at = QUIET_S
    while at < seconds - QUIET_S:
        kinds = kinds or seeded.sample(KINDS, len(KINDS))
        faults.append(Fault(round(at, 3), kinds.pop(), seeded.randrange(1 << 16)))
        at += EVERY_S * seeded.uniform(0.6, 1.4)
    if may_kill:
        kills = max(1, int(seconds // KILL_EVERY_S))
        faults += [Fault(seconds * (turn + 0.5) / kills, "server killed", 0) for turn in range(kills)]
    return sorted(faults, key=lambda fault: fault.at)


class Mischief:
    """`run` carries the plan out; `undo` at the end lets everybody read again, and the server run. `done` counts what really happened: a
    channel that is just coming back cannot be closed."""

    def __init__(self, faults: list[Fault], writers: list[Writer], server: LoupeServer | None) -> None:
        self._faults = faults
        self._writers = writers
        self._server = server
        self._slow: list[asyncio.TimerHandle] = []
        self._is_down = False
        self.done: Counter[str] = Counter()

    @property
    def can_kill(self) -> bool:
        return self._server is not None

    async def run(self, start: float, tell: Callable[[str], None]) -> None:
        """`start` by `time.monotonic`. Raises NotStarted when the killed server does not come again."""
        for fault in self._faults:
            await asyncio.sleep(max(0.0, start + fault.at - time.monotonic()))
            if fault.kind == "server killed":
                await self._kill(tell)
            else:
                self._break(fault.kind, fault.turn)

    async def undo(self) -> None:
        """Raises NotStarted when the server was being started again and cannot be."""
        if self._server is not None and self._server.process is not None and self._is_down:
            await self._server.process.wait()
            await self._server.start()
        for timer in self._slow:
            timer.cancel()
        for writer in self._writers:
            if writer.socket.carrier is not None:
                writer.socket.carrier.go_on_reading()

    async def _kill(self, tell: Callable[[str], None]) -> None:
        if self._server is None:
            return
        tell("the server is killed (kill -9) and started again on the same data")
        self._is_down = True
        await self._server.kill()
        await self._server.start()
        self._is_down = False
        self.done["server killed"] += 1

    def _break(self, kind: Kind, turn: int) -> None:
        """The person whose turn it is; the next one when this one has no such carrier now."""
        count = len(self._writers)
        for writer in (self._writers[(turn + step) % count] for step in range(count)):
            if self._can_break(kind, writer):
                self.done[kind] += 1
                return

    def _can_break(self, kind: Kind, writer: Writer) -> bool:
        socket, link = writer.socket.carrier, writer.link.carrier
        if kind == "frames sent twice":
            writer.wire.outbox.send_twice += TWICE
            return True
        if kind in ("socket cut in a frame", "socket cut before the answer", "slow reader"):
            if socket is None or not writer.socket.opened.is_set():
                return False
            if kind == "slow reader":
                socket.hold_reading()
                self._slow.append(asyncio.get_running_loop().call_later(SLOW_FOR_S, socket.go_on_reading))
            else:
                frame = "chat.append" if writer.wire.writes_on(socket) else ""
                socket.break_at(frame, "in the frame" if kind == "socket cut in a frame" else "before the answer")
            return True
        if link is None or not link.is_open:
            return False
        if kind == "channel closed":
            link.close_channel()
        elif kind == "network gone":
            link.go_dark()
        else:
            link.client.change_network()
        return True
