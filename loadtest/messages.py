"""Messages of conversations: how many a second are kept and acknowledged, how soon they are delivered, how many open pages the
server holds, how soon a whole shop sees a new message, and whether anything is lost, doubled or out of order on the way."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from loadtest.gauges import OwnLoad, ServerCost
from loadtest.histogram import Histogram
from loadtest.messages_audit import Findings, audit, held
from loadtest.messages_crew import Crew
from loadtest.messages_faults import Mischief
from loadtest.messages_idle import CUSTOMERS_OF_IDLE, open_pages
from loadtest.messages_page import Figures, Page, Writing
from loadtest.messages_people import Address, customers, own_server, staff
from loadtest.server_process import LoupeServer
from loadtest.target import CannotLoad

Tell = Callable[[str], None]
STREAMS_OF_A_STAFF_READER = 20
SETTLE_DEADLINE_S = 60.0
TICK_S = 0.001
BUSY_TESTER = 0.9  # of its one core: from here on the figures may be the tester's
KILL_EVERY_MESSAGES = 100_000
STAFF_OF_INBOX = 20
MOST_DEVICES, MOST_A_SECOND = 250, 40.0
INBOX_MESSAGES = 20
POLL_EVERY = 20  # with faults: each twentieth customer's pages come by long poll


@dataclass(frozen=True, slots=True)
class Wanted:
    """`rate` is of one device; `messages` instead of `seconds` where it is not 0. `listens`: a second device of each customer,
    and staff who have the conversations open."""

    devices: int = 200
    rate: float = 5.0
    seconds: float = 20.0
    listens: bool = True
    idle: int = 0
    inbox: int = 0
    faults: bool = False
    messages: int = 0
    seed: int = 1


def check(wanted: Wanted) -> None:
    """Raises CannotLoad for what cannot be asked."""
    if wanted.devices < 1 or wanted.devices > MOST_DEVICES or wanted.rate > MOST_A_SECOND:
        raise CannotLoad(
            f"messages takes 1 to {MOST_DEVICES} devices and at most {MOST_A_SECOND:g} messages a second of each: the server lets "
            "so many customers in from one address, and takes 50 frames a second from a page."
        )
    if min(wanted.idle, wanted.inbox, wanted.messages) < 0 or wanted.inbox > 128 * STAFF_OF_INBOX:
        raise CannotLoad(
            f"--inbox takes up to {128 * STAFF_OF_INBOX} pages: {STAFF_OF_INBOX} staff with 128 pages each."
        )
    if wanted.idle > 128 * CUSTOMERS_OF_IDLE:
        raise CannotLoad(
            f"--idle takes up to {128 * CUSTOMERS_OF_IDLE} pages: {CUSTOMERS_OF_IDLE} customers with 128 each."
        )


@dataclass(slots=True)
class Steady:
    writers: list[Page] = field(default_factory=list)
    readers: list[Page] = field(default_factory=list)
    writings: dict[str, Writing] = field(default_factory=dict)

    def due_of(self, id: str) -> float:
        device, _, number = id.rpartition("-")
        writing = self.writings.get(device)
        return writing.book[int(number) - 1].due if writing is not None else 0.0

    @property
    def waiting(self) -> int:
        return sum(len(writing.waiting) for writing in self.writings.values())


class MessagesRun:
    def __init__(self, wanted: Wanted, tell: Tell) -> None:
        self._wanted, self._tell = wanted, tell
        self._figures = Figures()
        self._found: dict[str, object] = {}
        self._notes: list[str] = []

    @property
    def expected_s(self) -> float:
        wanted = self._wanted
        if wanted.idle:
            return 60 + wanted.idle / 250
        if wanted.inbox:
            return 40 + (wanted.messages or INBOX_MESSAGES)
        return 12 + (wanted.messages / (wanted.devices * wanted.rate) if wanted.messages else wanted.seconds)

    async def run(self) -> None:
        wanted = self._wanted
        if wanted.idle:
            self._found = await open_pages(wanted.idle, self._tell, self._notes)
        elif wanted.inbox:
            await self._inbox(wanted.inbox, wanted.messages or INBOX_MESSAGES)
        else:
            await self._steady()

    def facts(self) -> dict[str, object]:
        return {**self._found, "notes": self._notes or ["It was stopped before anybody wrote."] * (not self._found)}

    def live(self) -> list[tuple[str, str]]:
        figures = self._figures
        return [("written", str(figures.written)), ("acknowledged", str(figures.acknowledged))]

    # --- a steady rate, with or without faults ---

    async def _steady(self) -> None:
        wanted, figures = self._wanted, self._figures
        async with AsyncExitStack() as stack:
            server, address = await stack.enter_async_context(
                own_server(1 + wanted.devices // STREAMS_OF_A_STAFF_READER)
            )
            steady = await self._come_in(server, address)
            self._tell(
                f"The load goes to {server.base} (a server of its own, on this machine): {wanted.devices} devices."
            )
            pages = [*steady.writers, *steady.readers]
            tasks = [asyncio.create_task(page.stay()) for page in pages]
            stack.push_async_callback(_end, tasks)
            for page in pages:
                async with asyncio.timeout(SETTLE_DEADLINE_S):
                    await page.welcomed.wait()
            total = wanted.messages or int(wanted.devices * wanted.rate * wanted.seconds)
            kills = max(1, total // KILL_EVERY_MESSAGES)
            count = max(10, total // 1000)
            mischief = (
                Mischief(count, kills, wanted.seed, steady.writers, steady.readers, server) if wanted.faults else None
            )
            assert server.process is not None
            cost, own = ServerCost(server.process.pid), OwnLoad()
            await cost.begin()
            start = time.monotonic()
            await self._write(steady, start, total, mischief)
            lasted_s, acknowledged = time.monotonic() - start, figures.acknowledged
            spent_s, tester_cores = (await cost.so_far())[0], own.cores
            self._tell("writing is over: what is under way arrives")
            if mischief is not None:
                await mischief.end()
            settled_s = await self._all_acknowledged(steady)
            found = await self._settled(server, steady)
        self._found = {
            "ack_ms": figures.ack.facts(),
            "delivery_ms": figures.delivery.facts(),
            "messages": {
                "asked_per_second": round(wanted.devices * wanted.rate, 1),
                "acknowledged_per_second": round(acknowledged / lasted_s, 1),
                "written": figures.written,
                "acknowledged": figures.acknowledged,
                "unacknowledged": steady.waiting,
                "kept": found.kept,
                "lost": found.lost + found.pages_behind,
                "duplicated": found.duplicated,
                "reordered": found.reordered + found.gaps + found.pages_wrong + len(figures.wrong),
                "resent": figures.resent,
                "refused": figures.refused,
                "settled_s": round(settled_s, 2),
            },
            "tester_cores": round(tester_cores, 2),
        }
        if mischief is None:
            self._found["server"] = {
                "cpu_cores": round(spent_s / lasted_s, 2),
                "us_per_message": round(spent_s / max(1, acknowledged) * 1e6, 1),
            }
        else:
            self._found["faults"] = dict(mischief.done)
            self._notes.append(
                "Latencies hold the time in which the server was dead: people went on writing. It came again within "
                f"{mischief.slowest_start_s:.1f} s; {len(mischief.not_started)} starts failed."
            )
            self._notes += mischief.not_started
        self._notes += [*figures.wrong[:3], *found.examples[:3]]
        if tester_cores > BUSY_TESTER:
            self._notes.append(
                f"The tester itself used {tester_cores:.2f} of its one core: the figures may be its own."
            )
        if not self._notes:
            self._notes.append(f"The tester used {tester_cores:.2f} of its one core.")

    async def _come_in(self, server: LoupeServer, address: Address) -> Steady:
        wanted, figures = self._wanted, self._figures
        steady = Steady()
        people = await customers(server.base, wanted.devices)
        for number, person in enumerate(people):
            writing, polls = Writing(secrets.token_hex(8)), wanted.faults and number % POLL_EVERY == 0
            steady.writings[writing.device] = writing
            due_of = steady.due_of
            steady.writers.append(
                Page(address, person, writing.device, "t", figures, due_of, writing, is_polling=polls)
            )
            if wanted.listens or wanted.faults:
                steady.readers.append(
                    Page(address, person, secrets.token_hex(8), "t", figures, due_of, is_polling=polls)
                )
        if wanted.listens:
            count = max(1, wanted.devices // STREAMS_OF_A_STAFF_READER)
            colleagues = await staff(server.base, server.facts["usernames"][:count], server.facts["password"])
            for number, person in enumerate(colleagues):
                streams = [f"c.{customer.id}" for customer in people[number::count]]
                steady.readers.append(
                    Page(address, person, secrets.token_hex(8), "t", figures, steady.due_of, streams=streams)
                )
        return steady

    async def _write(self, steady: Steady, start: float, total: int, mischief: Mischief | None) -> None:
        """An open loop: message k is due at `start` + k * gap, whoever is late, and is written by the next device in turn."""
        writers = steady.writers
        gap = 1 / (self._wanted.rate * len(writers))
        done = 0
        while done < total:
            due = min(total, int((time.monotonic() - start) / gap) + 1)
            while done < due:
                writers[done % len(writers)].write(start + done * gap)
                done += 1
            if mischief is not None:
                mischief.keep_up(done / total, self._tell)
            await asyncio.sleep(TICK_S)

    async def _all_acknowledged(self, steady: Steady) -> float:
        """The seconds until everything was, or until nothing more was for as long as the deadline."""
        start = since = time.monotonic()
        known = self._figures.acknowledged
        while steady.waiting and time.monotonic() - since < SETTLE_DEADLINE_S:
            await asyncio.sleep(0.02)
            if self._figures.acknowledged != known:
                known, since = self._figures.acknowledged, time.monotonic()
        return time.monotonic() - start

    async def _settled(self, server: LoupeServer, steady: Steady) -> Findings:
        """Once the pages hold what the server's record holds, or after the deadline."""
        database = server.data / "loupe.sqlite"
        pages = [*steady.writers, *steady.readers]
        end = time.monotonic() + SETTLE_DEADLINE_S
        while True:
            found = await asyncio.to_thread(audit, database, held(steady.writings.values(), pages))
            if not found.pages_behind or time.monotonic() > end:
                return found
            await asyncio.sleep(1.0)

    async def _inbox(self, sessions: int, messages: int) -> None:
        async with AsyncExitStack() as stack:
            server, address = await stack.enter_async_context(own_server(STAFF_OF_INBOX))
            self._tell(
                f"The load goes to {server.base} (a server of its own, on this machine): {sessions} staff pages."
            )
            colleagues = await staff(server.base, server.facts["usernames"][:STAFF_OF_INBOX], server.facts["password"])
            [customer] = await customers(server.base, 1)
            writing = Writing(secrets.token_hex(8))
            writer = Page(address, customer, writing.device, "t", self._figures, writing=writing)
            crew = await stack.enter_async_context(Crew(address, colleagues, sessions))
            task = asyncio.create_task(writer.stay())
            stack.push_async_callback(_end, [task])
            async with asyncio.timeout(SETTLE_DEADLINE_S):
                await writer.welcomed.wait()
            self._tell(f"{messages} messages, one a second")
            for _ in range(messages):
                await asyncio.sleep(1.0)
                writer.write(time.monotonic())
            await asyncio.sleep(2.0)
            reports = await crew.report()
        heard: dict[int, list[tuple[int, float]]] = {}
        for report in reports:
            for position, each in report.heard_inbox.items():
                heard.setdefault(position, []).append(each)
        last = Histogram()
        missing = 0
        for written, position in zip(writing.book, sorted(heard)[-messages:], strict=False):
            last.record_since(written.due, max(at for _, at in heard[position]))
            missing += sessions - sum(count for count, _ in heard[position])
        self._found = {
            "inbox_ms": last.facts(),
            "inbox": {
                "sessions": sum(report.open for report in reports),
                "messages": len(writing.book),
                "missing": missing,
            },
            "ack_ms": self._figures.ack.facts(),
        }
        late_ms = max(report.late_ms for report in reports)
        self._notes.append(
            f"inbox_ms is from when a message was due until the last of the {sessions} pages had its row; a process of the tester "
            f"was late by {late_ms:.0f} ms at worst."
        )


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
