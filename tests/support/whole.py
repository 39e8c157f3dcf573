"""A door over a real database and real blobs, with the people of the tests' houses in it."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from pathlib import Path

from aiohttp.test_utils import TestServer

from domain.stream import EntryKind, NewEntry
from signaling.app import make_app
from signaling.chat import Chat
from signaling.erasing import ERASING, Erasing
from store.blobs import FileBlobs, open_blobs
from store.database import Database, open_database
from tests.support.doors import Door, SlowComposer, SmallLive
from tests.support.houses import ANN, BO, COBBLER, LI, MEI, NAILS, TOM, ZHOU, TestHouse


class WholeDoor(Door):
    """`say` writes as nobody's device; without a number it is the next one."""

    db: Database
    blobs: FileBlobs
    folder: Path
    _said = 0

    @property
    def now(self) -> datetime:
        return self.house.clock()

    @property
    def erasing(self) -> Erasing:
        return self.app[ERASING]

    async def say(self, text: str, *, of: str = ANN.id, kind: EntryKind = "text", **changes: object) -> int:
        self._said += 1
        entry = NewEntry(
            stream=f"c.{of}", id=f"said-{self._said:06}", kind=kind, author=of, side="customer", author_name=of,
            at=self.now, body={"text": text},
        ).model_copy(update=changes)  # fmt: skip
        return (await self.db.conversations.append(entry)).entry.position


@asynccontextmanager
async def whole_door(folder: Path, address: str, *, is_first: bool = True) -> AsyncIterator[WholeDoor]:
    async with AsyncExitStack() as stack:
        db = await stack.enter_async_context(open_database(address))
        if is_first:
            for shop in (COBBLER, NAILS):
                await db.people.add_shop(shop)
            for staff in (MEI, LI, BO, ZHOU):
                await db.people.add_staff(staff)
            for customer in (ANN, TOM):
                await db.people.put_customer(customer)
        house = TestHouse(folder)
        blobs = await stack.enter_async_context(open_blobs(folder / "blobs"))
        house.house = dataclasses.replace(
            house.house, people=db.people, calls=db.calls, conversations=db.conversations, attachments=db.attachments,
            profiles=db.profiles, search=db.search, data=db.data, blobs=blobs,
        )  # fmt: skip
        chat = await stack.enter_async_context(Chat(house.house))
        live, composer = SmallLive(), SlowComposer()
        server = TestServer(make_app(house.house, live, chat, compose=composer), host="127.0.0.1")
        await server.start_server()
        stack.push_async_callback(server.close)
        door = WholeDoor(house, live, chat, composer, server)
        stack.push_async_callback(door.close)
        door.db, door.blobs, door.folder = db, blobs, folder
        yield door
