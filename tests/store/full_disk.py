"""A process of its own whose files may not grow beyond a limit, as on a full disk; prints what it was told.

python -m tests.store.full_disk FOLDER
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
from datetime import UTC, datetime
from pathlib import Path

from domain.call import Call
from domain.errors import Unavailable
from domain.people import Customer, Shop
from domain.record import CallEvent, NewEvent
from store.blobs import open_blobs
from store.database import open_database

NOW = datetime(2026, 11, 22, tzinfo=UTC)
LIMIT = 700_000
WRITES = 400


async def main(folder: Path) -> None:
    async with open_database(f"sqlite:///{folder / 'full.sqlite'}") as db, open_blobs(folder / "blobs") as blobs:
        await db.people.add_shop(Shop(id="s", slug="s", name="S"))
        await db.people.put_customer(Customer(id="c", shop_id="s", name="C", created_at=NOW))
        await db.calls.add(Call(id="k", shop_id="s", customer_id="c", customer_name="C", created_at=NOW))
        resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, resource.RLIM_INFINITY))

        async def write(number: int) -> CallEvent | str:
            event = NewEvent(
                call_id="k", kind="message", cmid=f"cmid-{number:06}", author="c", side="customer", author_name="C",
                at=NOW, body={"text": "x" * 4000},
            )  # fmt: skip
            try:
                return (await db.calls.append(event))[0]
            except Unavailable as refusal:
                return refusal.message

        outcomes = [await write(number) for number in range(WRITES // 2)]
        outcomes += await asyncio.gather(*(write(number) for number in range(WRITES // 2, WRITES)))
        told: list[str] = []
        source = folder / "big"
        try:
            await blobs.put(b"x" * (LIMIT + 1), ".bin")
        except Unavailable as refusal:
            told.append(refusal.message)
        source.write_bytes(b"y" * 1000)
        await blobs.put_file(source, ".bin")
        readable = len(await db.calls.events("k", limit=1000))
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        after = await write(WRITES)
        print(
            json.dumps(
                {
                    "acknowledged": [one.cmid for one in outcomes if isinstance(one, CallEvent)],
                    "refused": [one for one in outcomes if isinstance(one, str)],
                    "blob_refused": told,
                    "readable_while_full": readable,
                    "after": after.position if isinstance(after, CallEvent) else after,
                }
            )
        )


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
