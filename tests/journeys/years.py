"""A long conversation that was had long ago: put into the store, for typing it would take as long as people took."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from aiohttp import ClientSession, CookieJar

from domain.stream import NewEntry
from loadtest.server_process import LoupeServer
from store.database import open_database


async def somebody(server: LoupeServer) -> str:
    """A new customer's id."""
    async with (
        ClientSession(server.base, cookie_jar=CookieJar(unsafe=True)) as browser,
        browser.post("/api/enter", json={"shop": "demo", "language": "en"}) as said,
    ):
        assert said.status == 200, await said.text()
        return str((await said.json())["customer"]["id"])


async def years_of_words(server: LoupeServer, customer: str, texts: Sequence[str]) -> None:
    """This customer said all this, an hour between any two lines. The server is stopped meanwhile."""
    await server.stop()
    async with open_database(f"sqlite:///{server.data.resolve() / 'loupe.sqlite'}") as db:
        start = datetime.now(UTC) - timedelta(days=400)
        entries = (
            NewEntry(
                stream=f"c.{customer}", id=f"old-{number:06}", kind="text", author=customer, side="customer",
                author_name="Guest", at=start + timedelta(hours=number), body={"text": text},
            )
            for number, text in enumerate(texts)
        )  # fmt: skip
        await asyncio.gather(*map(db.conversations.append, entries))  # kept in this order
    await server.start()
