"""Customers and staff who write to each other at a fixed pace: how soon a message is acknowledged and delivered, and
whether every promised one is there exactly once, in order, on both sides and in the server's own copy."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress

from loadtest.chat_calls import ChatServer, meet, of_process, own_server
from loadtest.chat_faults import Mischief, plan
from loadtest.chat_ledger import CARRIERS, Findings, Ledger, merged
from loadtest.chat_people import Writer
from loadtest.server_process import LoupeServer

Tell = Callable[[str], None]
MOST_A_SECOND = 20.0  # the server takes 50 frames a second from one person, and copies and receipts need room, too
DRAIN_DEADLINE_S = 30.0
LATE_MS = 20.0
PROGRESS_EVERY_S = 5.0


class ChatBroke(RuntimeError):
    """The run could not go on; the sentence says who heard what."""


async def run(
    *,
    customers: int,
    rate: float,
    seconds: float,
    faults: bool,
    seed: int,
    server: LoupeServer | ChatServer | None = None,
    tell: Tell,
) -> dict[str, object]:
    """Each customer in a call with one of the staff; every person writes `rate` messages a second. Without `server` an own
    one is started and ended; only an own one (or a LoupeServer) is killed among the faults.

    Raises ValueError for what cannot be asked, ChatBroke, Refused, NotStarted, TimeoutError."""
    if customers < 1 or seconds <= 0 or not 0 < rate <= MOST_A_SECOND:
        raise ValueError(
            f"chat needs at least one customer, some seconds, and a rate of more than 0 and at most {MOST_A_SECOND:g} "
            "messages a second for each person: more, and the server would rightly refuse frames."
        )
    async with AsyncExitStack() as stack:
        if server is None:
            tell("starting a server")
            server = await stack.enter_async_context(own_server(customers))
        at = server if isinstance(server, ChatServer) else of_process(server)
        if customers > len(at.usernames):
            raise ValueError(
                f"{customers} customers need as many staff, and this server has {len(at.usernames)}: ask for fewer, or "
                "start it with --demo-staff."
            )
        ledger = Ledger()
        tell(f"{customers} customers and as many staff come in")
        pairs = [await meet(at, stack, ledger, number) for number in range(customers)]
        writers = [writer for pair in pairs for writer in pair]
        mischief = Mischief(plan(seconds, seed, may_kill=at.process is not None) if faults else [], writers, at.process)
        is_whole = await _write(writers, mischief, rate, seconds, seed, tell)
        tell("writing is over: what is under way arrives, then the server's copy is read")
        await mischief.undo()
        await _until_settled(ledger, pairs)
        found = Findings()
        for customer, staff in pairs:
            found.add(ledger.books[customer.call_id].audit(await staff.record()))
        resent = sum(writer.wire.outbox.resent for writer in writers)
        for customer, _ in pairs:
            await customer.hang_up()
    return _facts(ledger, found, customers, resent, mischief, faults, whole=is_whole)


async def _write(writers: list[Writer], mischief: Mischief, rate: float, seconds: float, seed: int, tell: Tell) -> bool:
    """Everybody writes until the time is over or somebody stops the run (False). Raises what broke."""
    start = time.monotonic()
    tasks = [
        *(asyncio.create_task(_keep_pace(w, start, rate, seconds, f"{seed} {w.name}")) for w in writers),
        asyncio.create_task(mischief.run(start, tell)),
        asyncio.create_task(_watch(writers, start, seconds, tell)),
    ]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    except asyncio.CancelledError:
        tell("stopped: the figures cover what was written until now")
        return False
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    for fault in ended:
        if isinstance(fault, Exception):
            raise fault
    return True


async def _keep_pace(writer: Writer, start: float, rate: float, seconds: float, seed: str) -> None:
    """An open loop: the moments are fixed beforehand, and one that was missed is made up for at once."""
    first = start + random.Random(seed).random() / rate
    for count in range(max(1, int((seconds - (first - start)) * rate) + 1)):
        due = first + count / rate
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        writer.say(due)


async def _watch(writers: list[Writer], start: float, seconds: float, tell: Tell) -> None:
    """Raises ChatBroke when one of the people cannot go on."""
    next_word = start + PROGRESS_EVERY_S
    while (now := time.monotonic()) < start + seconds:
        await asyncio.sleep(min(0.25, start + seconds - now))
        for writer in writers:
            if (fault := writer.fault()) is not None:
                raise ChatBroke(f"{writer.name} could not go on: {fault}") from fault
        if now >= next_word:
            next_word += PROGRESS_EVERY_S
            waiting = sum(writer.wire.unanswered for writer in writers)
            written = sum(writer.written for writer in writers)
            tell(f"{now - start:.0f} of {seconds:.0f} s: {written} messages written, {waiting} not acknowledged yet")


async def _until_settled(ledger: Ledger, pairs: list[tuple[Writer, Writer]]) -> None:
    """Until everything is acknowledged, or the deadline; then until everybody has what is promised, or the deadline:
    what misses then is told as lost."""
    writers = [writer for pair in pairs for writer in pair]
    await _until(ledger, lambda: not any(writer.wire.unanswered for writer in writers))
    ledger.is_closed = True
    await _until(ledger, lambda: all(w.wire.stream.position >= ledger.books[w.call_id].head for w in writers))
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_DEADLINE_S):
            for writer in writers:
                await writer.desk.opened.wait()  # a cut one comes back, to hang up with


async def _until(ledger: Ledger, is_so: Callable[[], bool]) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_DEADLINE_S):
            while not is_so():
                ledger.moved.clear()
                await ledger.moved.wait()


def _facts(
    ledger: Ledger, found: Findings, customers: int, resent: int, mischief: Mischief, with_faults: bool, *, whole: bool
) -> dict[str, object]:
    messages = [message for book in ledger.books.values() for message in book.messages.values()]
    facts: dict[str, object] = {
        "calls": customers,
        "chat_ms": merged(ledger.acknowledgement.values()).facts(),
        "delivery_ms": ledger.delivery.facts(),
        "by_carrier": {
            name: {"chat_ms": ledger.acknowledgement[name].facts(), "delivery_ms": ledger.brought[name].facts()}
            for name in CARRIERS
        },
        "messages": {
            "written": len(messages),
            "sent": found.promised,
            "acknowledged": found.promised,
            "unacknowledged": len(messages) - found.promised,
            "delivered": found.delivered,
            "lost": len(found.lost),
            "duplicated": len(found.duplicated),
            "reordered": len(found.reordered),
            "altered": len(found.altered),
            "resent": resent,
        },
        "tester_late_ms": ledger.lateness.facts(),
        "series": {"slowest delivery in each second, ms": ledger.slowest_by_second()},
        "is_partial": not whole,
    }
    if with_faults:
        facts["faults"] = dict(mischief.done)
    facts["notes"] = _notes(ledger, len(messages) - found.promised, mischief, with_faults)
    return facts


def _notes(ledger: Ledger, unanswered: int, mischief: Mischief, with_faults: bool) -> list[str]:
    notes = []
    late_ms = ledger.lateness.percentile(0.99)
    if late_ms > LATE_MS:
        notes.append(
            f"The tester itself was late by {late_ms:.0f} ms (p99): this machine was busy, and every figure holds it."
        )
    if unanswered:
        notes.append(f"{unanswered} messages were never acknowledged: nobody was told that they are sent.")
    if with_faults and not mischief.can_kill:
        notes.append("The server is not ours, so it was not killed among the faults.")
    if mischief.done["server killed"]:
        notes.append("Latencies hold the time in which the server was dead: people went on writing.")
    return notes
