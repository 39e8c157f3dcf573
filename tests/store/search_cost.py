"""What it costs to find words among many: times of searches in a shop of N messages, on SQLite and PostgreSQL.

python -m tests.store.search_cost [--messages 1000000] [--folder .] [--database sqlite|postgresql] [--address ADDRESS]

`--address`: a database of one's own, which stays; when it is filled already, only the searches are done.

The messages are put into the tables directly, for they are not what is measured; the index is made of them by the store.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, func, insert, select

from domain.people import Customer, Shop
from domain.search import Scope
from store.bulk import Bulk
from store.conversation_tables import entries, streams
from store.database import Database, open_database
from store.search import index_next
from store.transactions import Transactions
from tests.support.databases import postgresql_cluster, sqlite_address

NOW = datetime(2026, 11, 22, tzinfo=UTC)
SYLLABLES = [chr(0x4E00 + number) for number in range(0, 3000, 2)]
WEIGHTS = [1 / (n + 5) for n in range(len(SYLLABLES))]
LATIN = ("heel", "sole", "strap", "buckle", "zip", "leather", "friday", "please", "polish", "stitch")
RARE = "左脚的鞋跟断了"  # in one message of a thousand
SOUGHT = (
    "鞋", "鞋跟", "鞋跟断了", SYLLABLES[0], SYLLABLES[3], SYLLABLES[900], SYLLABLES[3] + SYLLABLES[4],
    SYLLABLES[0] + SYLLABLES[1], "".join(SYLLABLES[:4]), "heel", "hee", "heel friday", "zi", "unheard",
)  # fmt: skip
CUSTOMERS = 500
TIMES = 20
_KEEP = Bulk(entries, ["stream", "position", "id", "kind", "author", "side", "author_name", "at", "body", "digest"])


def words(random_: random.Random) -> str:
    said = ["".join(random_.choices(SYLLABLES, weights=WEIGHTS, k=12)), *random_.choices(LATIN, k=2)]
    if random_.random() < 0.001:
        said.append(RARE)
    return " ".join(said)


def fill(connection: Connection, first: int, count: int, texts: list[str]) -> None:
    numbers = range(first, first + count)
    _KEEP.run(connection, [
        (f"c.c{n % CUSTOMERS}", n // CUSTOMERS + 1, f"message-{n}", "text", f"c{n % CUSTOMERS}", "customer", "C",
         NOW + timedelta(seconds=n), {"text": f"{texts[n * 7919 % len(texts)]} {n}"}, 0)
        for n in numbers
    ])  # fmt: skip


async def measure(address: str, messages: int) -> None:
    async with open_database(address) as db:
        transactions: Transactions = db.search._transactions  # type: ignore[attr-defined]
        print(f"{messages} messages, {address.split(':')[0]}", flush=True)
        if await transactions.read(lambda c: c.execute(select(func.count()).select_from(entries)).scalar_one()) == 0:
            await _fill(db, transactions, messages)
        await _searches(db)
        began = time.perf_counter()
        await db.data.scrub()
        print(f"what was deleted leaves the file in {time.perf_counter() - began:.1f} s", flush=True)


async def _fill(db: Database, transactions: Transactions, messages: int) -> None:
    seeded = random.Random(7)
    texts = [words(seeded) for _ in range(20_000)]
    await _people(db, transactions)
    started = time.perf_counter()
    for first in range(0, messages, 5000):
        await transactions.write(lambda c, at=first: fill(c, at, min(5000, messages - at), texts))  # type: ignore[misc]
    filled = time.perf_counter()
    print(f"put into the table in {filled - started:.1f} s", flush=True)
    while await transactions.write(lambda c: index_next(c, 1000)):
        pass
    took = time.perf_counter() - filled
    print(f"indexed in {took:.1f} s, {messages / took:.0f} a second", flush=True)
    await transactions.write(_analyse)


def _analyse(connection: Connection) -> None:
    """As PostgreSQL does by itself a minute later; nobody does it on SQLite."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("ANALYZE")


async def _people(db: Database, transactions: Transactions) -> None:
    await db.people.add_shop(Shop(id="s", slug="s", name="S"))
    for number in range(CUSTOMERS):
        await db.people.put_customer(Customer(id=f"c{number}", shop_id="s", name="C", created_at=NOW))
    rows = [{"id": f"c.c{n}", "shop_id": "s", "head": 0, "digest": 0} for n in range(CUSTOMERS)]
    await transactions.write(lambda c: c.execute(insert(streams), rows))


async def _searches(db: Database) -> None:
    await db.search.search("heel", Scope(shop_id="s"))  # opens the readers' connections
    print(f"{'sought':<16}{'where':>14}{'found':>6}{'p50 ms':>8}{'p95 ms':>8}{'most ms':>9}")
    for where, scope in (("store", Scope(shop_id="s")), ("conversation", Scope(shop_id="s", customer_id="c7"))):
        for sought in SOUGHT:
            took = []
            for _ in range(TIMES):
                began = time.perf_counter()
                found = await db.search.search(sought, scope)
                took.append((time.perf_counter() - began) * 1e3)
            took.sort()
            print(f"{sought:<16}{where:>14}{len(found):>6}{took[10]:>8.1f}{took[18]:>8.1f}{took[19]:>9.1f}", flush=True)


@contextmanager
def database(name: str, folder: Path) -> Iterator[str]:
    if name == "postgresql":
        with postgresql_cluster() as cluster:
            yield cluster.new_database()
    else:
        with tempfile.TemporaryDirectory(dir=folder) as made:
            yield sqlite_address(Path(made).resolve())


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--messages", type=int, default=1_000_000)
    options.add_argument("--folder", type=Path, default=Path(os.curdir))
    options.add_argument("--database", choices=("sqlite", "postgresql"), action="append")
    options.add_argument("--address")
    asked = options.parse_args()
    if asked.address:
        asyncio.run(measure(asked.address, asked.messages))
        raise SystemExit
    for name in asked.database or ("sqlite", "postgresql"):
        with database(name, asked.folder) as address:
            asyncio.run(measure(address, asked.messages))
