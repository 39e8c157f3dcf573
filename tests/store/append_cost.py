"""What it costs to keep messages: appends a second at 1, 50 and 500 writers, and a call's events beside it.

    python -m tests.store.append_cost [--seconds 3] [--folder .] [--postgresql]

SQLite commits with synchronous=FULL, so `--folder` must be on a real disk. Each writer waits for its acknowledgement
before it writes again; each has a conversation and a device of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import resource
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from domain.call import Call
from domain.people import Customer, Shop
from domain.record import NewEvent
from domain.stream import Device, NewEntry
from store.database import Database, open_database
from tests.support.databases import postgresql_cluster

NOW = datetime(2026, 11, 22, tzinfo=UTC)
TEXT = "The heel of the left boot is loose, and the sole has a crack across it." * 2
Write = Callable[[int], Awaitable[object]]


async def main(address: str, seconds: float, rounds: tuple[int, ...]) -> None:
    async with open_database(address) as db:
        await db.people.add_shop(Shop(id="s", slug="s", name="S"))
        print(f"{'what':<28}{'writers':>8}{'a second':>10}{'p50 ms':>8}{'p99 ms':>8}{'CPU us each':>13}")
        for name, prepare in (("conversation entry", entry_writer), ("call event", event_writer)):
            for writers in rounds:
                writes = [await prepare(db, f"{name[:4]}{writers}-{number}") for number in range(writers)]
                await measure(name, writes, seconds)


async def entry_writer(db: Database, name: str) -> Write:
    await db.people.put_customer(Customer(id=name, shop_id="s", name="C", created_at=NOW))
    await db.conversations.device(Device(id=f"d-{name}", person_id=name, side="customer", made_at=NOW, seen_at=NOW))

    async def write(number: int) -> object:
        return await db.conversations.append(
            NewEntry(
                stream=f"c.{name}", id=f"m-{name}-{number}", kind="text", author=name, side="customer", author_name="C",
                at=NOW, body={"text": TEXT}, device=f"d-{name}", counter=number,
            )
        )  # fmt: skip

    return write


async def event_writer(db: Database, name: str) -> Write:
    await db.people.put_customer(Customer(id=name, shop_id="s", name="C", created_at=NOW))
    await db.calls.add(Call(id=f"k-{name}", shop_id="s", customer_id=name, customer_name="C", created_at=NOW))

    async def write(number: int) -> object:
        return await db.calls.append(
            NewEvent(
                call_id=f"k-{name}", kind="message", cmid=f"m-{name}-{number}", author=name, side="customer",
                author_name="C", at=NOW, body={"text": TEXT},
            )
        )  # fmt: skip

    return write


async def measure(name: str, writes: list[Write], seconds: float) -> None:
    took: list[float] = []
    started, cpu = time.perf_counter(), cpu_seconds()
    end = started + seconds

    async def write_on(write: Write) -> None:
        for number in itertools.count(1):
            began = time.perf_counter()
            if began > end:
                return
            await write(number)
            took.append(time.perf_counter() - began)

    await asyncio.gather(*(write_on(write) for write in writes))
    passed, spent = time.perf_counter() - started, cpu_seconds() - cpu
    took.sort()
    each = spent / len(took) * 1e6
    tail = f"{took[len(took) // 2] * 1e3:>8.1f}{took[len(took) * 99 // 100] * 1e3:>8.1f}{each:>13.0f}"
    print(f"{name:<28}{len(writes):>8}{len(took) / passed:>10.0f}{tail}", flush=True)


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--seconds", type=float, default=3)
    options.add_argument("--folder", type=Path, default=Path(os.curdir))
    options.add_argument("--writers", type=int, nargs="*", default=[1, 50, 500])
    options.add_argument("--postgresql", action="store_true", help="a cluster of its own, without fsync")
    asked = options.parse_args()
    with ExitStack() as stack:
        if asked.postgresql:
            where = stack.enter_context(postgresql_cluster()).new_database()
        else:
            folder = stack.enter_context(tempfile.TemporaryDirectory(dir=asked.folder))
            where = f"sqlite:///{Path(folder).resolve() / 'cost.sqlite'}"
        asyncio.run(main(where, asked.seconds, tuple(asked.writers)))
