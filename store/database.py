"""The database that a server opens: SQLite by default, PostgreSQL when it grows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from domain.attachment import AttachmentStore
from domain.conversation_ports import ConversationStore
from domain.customer_data import CustomerData
from domain.errors import Invalid
from domain.floors import FloorStore
from domain.ports import CallStore, PeopleStore
from domain.profile import ProfileStore
from domain.quick_reply import QuickReplyStore
from domain.search import SearchStore
from store.attachments import SqlAttachments
from store.calls import SqlCalls, unfenced
from store.conversations import SqlConversations
from store.customer_data import SqlCustomerData
from store.floors import Fence, SqlFloors
from store.people import SqlPeople
from store.postgresql import open_postgresql
from store.profiles import SqlProfiles
from store.quick_replies import SqlQuickReplies
from store.search import SqlSearch
from store.sqlite import open_sqlite
from store.transactions import Transactions

SQLITE = "sqlite:///"


@dataclass(frozen=True, slots=True)
class Database:
    people: PeopleStore
    calls: CallStore
    floors: FloorStore
    conversations: ConversationStore
    search: SearchStore
    attachments: AttachmentStore
    profiles: ProfileStore
    quick_replies: QuickReplyStore
    data: CustomerData


@asynccontextmanager
async def open_database(url: str, *, node: str = "") -> AsyncIterator[Database]:
    """`sqlite:///PATH` (three slashes and a path, which may be absolute) or `postgresql://USER:PASSWORD@HOST:PORT/NAME`.

    Brings the tables up to date first. Writes that wait are finished before it closes. Raises Invalid for an address it
    does not understand, Unavailable when it cannot be opened (away, used by another Loupe, made by a newer one). `node`:
    the name of this server where several share a PostgreSQL; it changes calls only of shops whose floors it keeps.
    """
    if url.startswith(SQLITE) and url != SQLITE:
        async with open_sqlite(_file(url)) as sqlite, _on(sqlite, True) as database:
            yield database
    elif url.startswith(("postgresql://", "postgres://")):
        async with open_postgresql(url) as postgresql, _on(postgresql, False, node) as database:
            yield database
    else:
        raise Invalid("The database address must be sqlite:///PATH or postgresql://USER:PASSWORD@HOST:PORT/NAME.")


@asynccontextmanager
async def _on(transactions: Transactions, indexes_later: bool, node: str = "") -> AsyncIterator[Database]:
    async with SqlConversations(transactions) as conversations:
        calls = SqlCalls(transactions, conversations.tell, Fence(node) if node else unfenced)
        search = SqlSearch(transactions, indexes_later=indexes_later)
        database = Database(
            people=SqlPeople(transactions, conversations.tell),
            calls=calls,
            floors=SqlFloors(transactions),
            conversations=conversations,
            search=search,
            attachments=SqlAttachments(transactions),
            profiles=SqlProfiles(transactions, conversations.tell),
            quick_replies=SqlQuickReplies(transactions),
            data=SqlCustomerData(transactions, conversations.tell),
        )
        if not indexes_later:
            yield database
            return
        conversations.listen(lambda _entries, _inboxes: search.wake())
        indexing = asyncio.create_task(search.run(), name="index of words")
        try:
            yield database
        finally:
            indexing.cancel()
            await asyncio.wait([indexing])


def _file(url: str) -> Path:
    return Path(url.removeprefix(SQLITE)).resolve()
