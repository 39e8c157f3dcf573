"""Processes that hold many open pages each: one process could neither open nor hear thousands of them in time."""

from __future__ import annotations

import asyncio
import multiprocessing
import resource
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Self

from loadtest.messages_page import Figures, Page
from loadtest.messages_people import Address, Person

OPENED_AT_ONCE = 40
OPEN_DEADLINE_S = 240.0
ANSWER_DEADLINE_S = 60.0


@dataclass(slots=True)
class Report:
    """`heard_inbox`: of each position of the inbox, how many pages had it and when the last one did (monotonic)."""

    open: int = 0
    lost: int = 0
    heads_heard: int = 0  # the least of all pages
    cpu_s: float = 0.0
    late_ms: float = 0.0
    heard_inbox: dict[int, tuple[int, float]] = field(default_factory=dict)


class Crew:
    """`async with Crew(address, people, pages)`: as many pages, spread over the people and over `processes`."""

    def __init__(self, address: Address, people: Sequence[Person], pages: int, processes: int = 3) -> None:
        self._address, self._people, self._pages, self._count = address, people, pages, processes
        self._pipes: list[Connection] = []
        self._processes: list[multiprocessing.process.BaseProcess] = []

    async def __aenter__(self) -> Self:
        """Returns when all pages are open, or as many as could be."""
        spawn = multiprocessing.get_context("spawn")
        tabs = [self._people[number % len(self._people)] for number in range(self._pages)]
        for number in range(self._count):
            ours, theirs = spawn.Pipe()
            process = spawn.Process(
                target=_work, args=(theirs, self._address, tabs[number :: self._count]), daemon=True
            )
            process.start()
            self._pipes.append(ours)
            self._processes.append(process)
        await self._answers(OPEN_DEADLINE_S)
        return self

    async def report(self) -> list[Report]:
        for pipe in self._pipes:
            pipe.send("report")
        return await self._answers(ANSWER_DEADLINE_S)

    async def _answers(self, within_s: float) -> list[Report]:
        return list(await asyncio.gather(*(asyncio.to_thread(_receive, pipe, within_s) for pipe in self._pipes)))

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            await asyncio.to_thread(process.join, 10)


def _receive(pipe: Connection, within_s: float) -> Report:
    if not pipe.poll(within_s):
        raise TimeoutError("a process that holds pages kept silent")
    report = pipe.recv()
    assert isinstance(report, Report)
    return report


def _work(pipe: Connection, address: Address, people: list[Person]) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asyncio.run(_hold(pipe, address, people))


async def _hold(pipe: Connection, address: Address, people: list[Person]) -> None:
    figures = Figures()
    heard: dict[int, tuple[int, float]] = {}

    def hear(position: int) -> None:
        count, _ = heard.get(position, (0, 0.0))
        heard[position] = count + 1, time.monotonic()

    devices = {person.id: secrets.token_hex(8) for person in people}
    pages = [
        Page(
            address,
            person,
            devices[person.id],
            f"t{number}-{secrets.token_hex(3)}",
            figures,
            streams=own_stream(person),
        )
        for number, person in enumerate(people)
    ]
    gate = asyncio.Semaphore(OPENED_AT_ONCE)

    async def come(page: Page) -> None:
        async with gate:
            try:
                await page.open()
            except (OSError, TimeoutError):
                page.wire = None

    await asyncio.gather(*(come(page) for page in pages))
    for page in pages:
        page.inbox_heard = hear
    late = asyncio.create_task(_lateness())
    asked = asyncio.Event()

    def ask() -> None:
        pipe.recv()
        asked.set()

    asyncio.get_running_loop().add_reader(pipe.fileno(), ask)
    while True:
        is_open = [page.wire is not None for page in pages]
        pipe.send(
            Report(
                open=sum(is_open),
                lost=len(pages) - sum(is_open),
                heads_heard=min((page.heads_heard for page in pages), default=0),
                cpu_s=time.process_time(),
                late_ms=_worst[0],
                heard_inbox=dict(heard),
            )
        )
        await asked.wait()
        asked.clear()
        if late.done():
            late.result()


_worst = [0.0]


async def _lateness() -> None:
    while True:
        start = time.monotonic()
        await asyncio.sleep(0.01)
        _worst[0] = max(_worst[0], (time.monotonic() - start - 0.01) * 1000)


def own_stream(person: Person) -> list[str]:
    return [f"c.{person.id}"] if person.side == "customer" else [f"s.{person.id}"]
