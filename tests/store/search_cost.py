"""What it costs to find words among many: times of searches in a shop of N messages.

python -m tests.store.search_cost [--messages 1000000] [--folder .]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from domain.people import Customer, Shop
from domain.search import Scope
from domain.stream import NewEntry
from store.database import open_database
from store.search import index_next

NOW = datetime(2026, 11, 22, tzinfo=UTC)
SYLLABLES = [chr(0x4E00 + number) for number in range(0, 3000, 2)]
LATIN = ("heel", "sole", "strap", "buckle", "zip", "leather", "friday", "please", "polish", "stitch")
SOUGHT = ("鞋", "鞋跟", "鞋跟断了", "heel", "heel friday", "zi", SYLLABLES[3], SYLLABLES[3] + SYLLABLES[4])
CUSTOMERS = 500


def words(random_: random.Random) -> str:
    said = [
        "".join(random_.choices(SYLLABLES, weights=[1 / (n + 5) for n in range(len(SYLLABLES))], k=12)),
        *random_.choices(LATIN, k=2),
    ]
    if random_.random() < 0.001:
        said.append("左脚的鞋跟断了")
    return " ".join(said)


async def main(folder: Path, messages: int) -> None:
    seeded = random.Random(7)
    texts = [words(seeded) for _ in range(5000)]
    async with open_database(f"sqlite:///{folder / 'search.sqlite'}") as db:
        await db.people.add_shop(Shop(id="s", slug="s", name="S"))
        for number in range(CUSTOMERS):
            await db.people.put_customer(Customer(id=f"c{number}", shop_id="s", name="C", created_at=NOW))
        started = time.perf_counter()
        for first in range(0, messages, 2000):
            await asyncio.gather(*(db.conversations.append(entry(n, texts)) for n in range(first, first + 2000)))
        print(f"{messages} messages kept in {time.perf_counter() - started:.1f} s", flush=True)
        while await db.search._transactions.write(lambda c: index_next(c, 2000)):  # type: ignore[attr-defined]
            pass
        print(f"and indexed after {time.perf_counter() - started:.1f} s", flush=True)
        print(f"{'sought':<16}{'found':>6}{'p50 ms':>8}{'p95 ms':>8}{'most ms':>9}")
        for scope in (Scope(shop_id="s"), Scope(shop_id="s", customer_id="c7")):
            for sought in SOUGHT:
                took = []
                for _ in range(20):
                    began = time.perf_counter()
                    found = await db.search.search(sought, scope)
                    took.append((time.perf_counter() - began) * 1e3)
                took.sort()
                print(f"{sought:<16}{len(found):>6}{took[10]:>8.1f}{took[18]:>8.1f}{took[19]:>9.1f}", flush=True)


def entry(number: int, texts: list[str]) -> NewEntry:
    customer = f"c{number % CUSTOMERS}"
    return NewEntry(
        stream=f"c.{customer}", id=f"message-{number}", kind="text", author=customer, side="customer", author_name="C",
        at=NOW, body={"text": f"{texts[number % len(texts)]} {number}"},
    )  # fmt: skip


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--messages", type=int, default=1_000_000)
    options.add_argument("--folder", type=Path, default=Path(os.curdir))
    asked = options.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as made:
        asyncio.run(main(Path(made).resolve(), asked.messages))
