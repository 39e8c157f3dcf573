"""An event loop on virtual time: it never waits, it moves the clock to the next timer. Nothing in it comes from outside,
so the same program does the same in every run."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")
START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


class Deadlock(AssertionError):
    """Everybody waits and no timer runs."""


class VirtualLoop(asyncio.BaseEventLoop):
    """No sockets, no threads, no signals: only callbacks and timers. `time()` begins at 0."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self._clock_resolution = 1e-6  # timers that are this close are due together; keeps rounding from looping
        self._selector = self  # what BaseEventLoop asks for the next event
        self.turns = 0
        self.at_turn: dict[int, Callable[[], object]] = {}  # what is to happen between two turns of the loop

    def time(self) -> float:
        return self._now

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise Deadlock("everybody waits and no timer runs")
        self._now += max(timeout, 0.0)
        self.turns += 1
        if self.turns in self.at_turn:
            self.at_turn[self.turns]()
        return []

    def _process_events(self, events: list[Any]) -> None:
        assert not events

    def _write_to_self(self) -> None:
        raise AssertionError("another thread called into the simulation")


class WallClock:
    """What people call the time: runs with the loop, and may jump."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._offset_s = 0.0

    def __call__(self) -> datetime:
        return START + timedelta(seconds=self._loop.time() + self._offset_s)

    def jump(self, seconds: float) -> None:
        self._offset_s += seconds


def run(main: Coroutine[Any, Any, T]) -> T:
    """Runs `main` in a loop of its own. What its tasks raised and nobody asked for is raised here."""
    loop = VirtualLoop()
    faults: list[BaseException] = []

    def note(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        faults.append(context.get("exception") or AssertionError(context["message"]))

    loop.set_exception_handler(note)
    try:
        result = loop.run_until_complete(main)
        _end(loop)
    except BaseException:
        with contextlib.suppress(Exception):
            _end(loop)
        raise
    finally:
        loop.close()
    if faults:
        raise faults[0]
    return result


def _end(loop: VirtualLoop) -> None:
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
