"""A process of its own that appends to a call and prints what was acknowledged, one line each, until it is killed.

python -m tests.store.appender DATABASE_ADDRESS WRITERS
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from datetime import UTC, datetime

from domain.call import Call
from domain.people import Customer, Shop
from domain.record import NewEvent
from store.database import open_database

NOW = datetime(2026, 11, 22, tzinfo=UTC)


async def main(address: str, writers: int) -> None:
    async with open_database(address) as db, asyncio.TaskGroup() as group:
        await db.people.add_shop(Shop(id="s", slug="s", name="S"))
        await db.people.put_customer(Customer(id="c", shop_id="s", name="C", created_at=NOW))
        await db.calls.add(Call(id="k", shop_id="s", customer_id="c", customer_name="C", created_at=NOW))

        async def write(author: str) -> None:
            for number in itertools.count():
                event = NewEvent(
                    call_id="k", kind="message", cmid=f"cmid-{number:06}", author=author, side="staff", author_name="W",
                    at=NOW, body={"text": "x" * 300},
                )  # fmt: skip
                kept, _ = await db.calls.append(event)
                print(kept.position, author, event.cmid, flush=True)

        for number in range(writers):
            group.create_task(write(f"w-{number}"))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
