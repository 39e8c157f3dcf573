"""`domain.conversation_ports.ConversationStore` in SQL."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, select, update

from domain.accepting import Committed, accept, needs, place_in_inboxes
from domain.conversation import Conversation, ConversationState, Row
from domain.conversation_ports import Told
from domain.errors import Forbidden, Invalid, NotFound, Refusal
from domain.stream import Cursor, Device, Entry, Head, Kept, Mark, NewEntry, inbox_stream
from store import conversation_tables as t
from store import devices, erasure, inbox, tables
from store import marks as store_marks
from store.among import Among
from store.appender import Appender
from store.appending import append_many, load, write
from store.columns import check_words, dump_json, has_only_words
from store.people import NO_CUSTOMER
from store.rows import many
from store.transactions import Transactions

MOST = 1000
LAST = 2**31 - 1  # the largest position that the column holds
EPOCH = "epoch"
_HEADS = Among(t.streams.c.id)


class SqlConversations:
    """`async with` runs its appender; leaving it waits for what is being kept."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions
        self._listeners: list[Told] = []
        self._appender = Appender(self._commit, self.tell)
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._appender.run(), name="appender")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._appender.close()
        if self._task is not None:
            await self._task

    # --- writing ------------------------------------------------------------------------------------------------------

    def append(self, entry: NewEntry) -> asyncio.Future[Kept]:
        try:
            check(entry)
        except Refusal as refusal:
            refused: asyncio.Future[Kept] = asyncio.get_running_loop().create_future()
            refused.set_exception(refusal)
            return refused
        return self._appender.put(entry)

    def listen(self, told: Told) -> None:
        self._listeners.append(told)

    def tell(self, committed: Committed) -> None:
        """Of a transaction that has just been committed. Also for what calls write into streams."""
        for told in self._listeners:
            told(committed.fresh, committed.inboxes)

    async def act(
        self, conversation_id: str, decide: Callable[[Conversation], Conversation], note: NewEntry
    ) -> Kept | None:
        check(note)

        def job(connection: Connection) -> Committed | None:
            ledger = load(connection, needs([note]))
            before = ledger.conversations.get(conversation_id)
            if before is None:
                raise NotFound(NO_CUSTOMER)
            is_known = (note.id, note.author) in ledger.known
            if not is_known:
                after = decide(before)
                if after == before:
                    return None
                ledger.put(after)
            kept = accept(ledger, note)
            committed = Committed([kept], ledger.fresh, place_in_inboxes(ledger))
            write(connection, ledger, committed)
            return committed

        committed = await self._transactions.write(job)
        if committed is None:
            return None
        if committed.fresh:
            self.tell(committed)
        kept = committed.answers[0]
        assert isinstance(kept, Kept)
        return kept

    async def _commit(self, batch: Sequence[NewEntry]) -> Committed:
        return await self._transactions.write(lambda connection: append_many(connection, batch))

    # --- reading ------------------------------------------------------------------------------------------------------

    async def entries(self, stream: str, *, after: int = 0, limit: int = 200) -> list[Entry]:
        table = t.entries
        statement = select(table).where(table.c.stream == stream, table.c.position > min(after, LAST))
        statement = statement.order_by(table.c.position).limit(min(max(limit, 0), MOST))
        return await self._transactions.read(lambda c: many(c, statement, Entry))

    async def older(self, stream: str, *, before: int, limit: int = 50) -> list[Entry]:
        table = t.entries
        statement = select(table).where(table.c.stream == stream, table.c.position < min(before, LAST))
        statement = statement.order_by(table.c.position.desc()).limit(min(max(limit, 0), MOST))
        return (await self._transactions.read(lambda c: many(c, statement, Entry)))[::-1]

    async def heads(self, streams: Sequence[str]) -> list[Head]:
        rows = await self._transactions.read(lambda c: _HEADS.rows(c, streams))
        known = {row.id: row for row in rows}
        return [
            Head(stream=i, head=known[i].head, digest=known[i].digest)
            if i in known
            else Head(stream=i, head=0, digest=0)
            for i in streams
        ]

    async def matches(self, cursor: Cursor) -> bool:
        if cursor.position == 0 or cursor.position > LAST:
            return cursor.position == 0 and cursor.digest == 0
        if cursor.stream.startswith("i."):
            return await self._transactions.read(lambda c: inbox.matches(c, cursor))
        table = t.entries
        at = (table.c.stream == cursor.stream, table.c.position == cursor.position)
        statement = select(table.c.digest).where(*at)
        return await self._transactions.read(lambda c: c.execute(statement).scalar_one_or_none()) == cursor.digest

    async def conversation(self, conversation_id: str) -> Conversation:
        kept = select(t.conversations).where(t.conversations.c.id == conversation_id)
        found = await self._transactions.read(lambda c: many(c, kept, Conversation))
        if found:
            return found[0]
        statement = select(tables.customers).where(tables.customers.c.id == conversation_id)
        row = await self._transactions.read(lambda c: c.execute(statement).one_or_none())
        if row is None:
            raise NotFound(NO_CUSTOMER)
        return Conversation(id=row.id, shop_id=row.shop_id, last_at=row.created_at)

    async def rows(self, shop_id: str, *, after: int = 0, limit: int = 500) -> tuple[list[Row], int]:
        (head,) = await self.heads([inbox_stream(shop_id)])  # first: what changes meanwhile comes with the next call
        statement = inbox.changed(shop_id, min(after, LAST), min(max(limit, 0), MOST))
        return await self._transactions.read(lambda c: inbox.rows(c, statement)), head.head

    async def listed(
        self,
        shop_id: str,
        *,
        state: ConversationState | None = None,
        assignee: str | None = None,
        before: int | None = None,
        limit: int = 50,
    ) -> list[Row]:
        statement = inbox.listed(shop_id, state, assignee, min(before or LAST, LAST), min(max(limit, 0), MOST))
        return await self._transactions.read(lambda c: inbox.rows(c, statement))

    async def due(self, now: datetime, *, limit: int = 100) -> list[str]:
        return await self._transactions.read(lambda c: inbox.due(c, now, limit))

    async def row(self, conversation_id: str) -> Row:
        found = await self._transactions.read(lambda c: inbox.rows(c, inbox.of(conversation_id)))
        if found:
            return found[0]
        named = select(tables.customers.c.name).where(tables.customers.c.id == conversation_id)
        conversation = await self.conversation(conversation_id)
        name = await self._transactions.read(lambda c: c.execute(named).scalar_one())
        return Row(conversation=conversation, name=name, assignee_name=None, head=0)

    # --- marks and devices ------------------------------------------------------------------------------------------

    async def see(self, marks: Sequence[Mark]) -> list[Mark]:
        streams = sorted({mark.stream for mark in marks})
        heads = {head.stream: head.head for head in await self.heads(streams)}  # may be a little old: heads only grow
        known = {store_marks.key_of(mark): mark for mark in await self.marks(streams)}
        merged = store_marks.merged(known, marks, heads)
        news = [mark for key, mark in merged.items() if mark != known.get(key)]
        if news:  # marks are sent again and again: those that add nothing cost no commit
            kept = await self._transactions.write(lambda c: store_marks.put(c, news))
            merged |= {store_marks.key_of(m): m for m in kept if store_marks.key_of(m) in merged}
        return [merged[key] for key in sorted(merged)]

    async def marks(self, streams: Sequence[str]) -> list[Mark]:
        return await self._transactions.read(lambda c: store_marks.of_streams(c, streams))

    async def marks_of(self, person_id: str) -> list[Mark]:
        statement = select(t.marks).where(t.marks.c.person_id == person_id).order_by(t.marks.c.stream)
        return await self._transactions.read(lambda c: many(c, statement, Mark))

    async def device(self, device: Device) -> Device:
        try:
            kept = await self._transactions.read(lambda c: devices.known(c, device.id))
            if kept is not None and devices.is_recent(devices.checked(kept, device), device):
                return kept
            return await self._transactions.write(lambda c: devices.meet(c, device))
        except Forbidden:
            if await self._transactions.read(lambda c: erasure.was_erased(c, device.id)):
                raise Forbidden(erasure.ERASED, code="erased") from None
            raise

    async def devices_of(self, person_id: str) -> list[Device]:
        return await self._transactions.read(lambda c: devices.of_person(c, person_id))

    async def end_device(self, device_id: str, now: datetime, *, asked_by: str = "") -> str:
        return await self._transactions.write(lambda c: devices.end(c, device_id, now, asked_by))

    async def sign_out(self, session: str, now: datetime) -> None:
        await self._transactions.write(lambda c: devices.sign_out(c, session, now))

    async def has_signed_out(self, session: str) -> bool:
        return await self._transactions.read(lambda c: devices.has_signed_out(c, session))

    async def signed_out_since(self, at: datetime) -> list[str]:
        return await self._transactions.read(lambda c: devices.signed_out_since(c, at))

    async def put_code(self, code_hash: str, customer_id: str, expires_at: datetime) -> None:
        await self._transactions.write(lambda c: devices.put_code(c, code_hash, customer_id, expires_at))

    async def use_code(self, code_hash: str, now: datetime) -> str:
        customer_id = await self._transactions.write(lambda c: devices.use_code(c, code_hash, now))
        if customer_id is None:
            raise NotFound(devices.NO_CODE)
        return customer_id

    # --- the house ----------------------------------------------------------------------------------------------------

    async def epoch(self) -> str:
        statement = select(t.house.c.value).where(t.house.c.name == EPOCH)
        return str(await self._transactions.read(lambda c: c.execute(statement).scalar_one()))

    async def renew_epoch(self) -> str:
        epoch = secrets.token_hex(8)
        statement = update(t.house).where(t.house.c.name == EPOCH).values(value=epoch)
        await self._transactions.write(lambda c: c.execute(statement))
        return epoch


def check(entry: NewEntry) -> None:
    """Raises Invalid for what a column would refuse: one entry must not spoil the batch that it is in."""
    words = [entry.stream, entry.id, entry.author, entry.author_name, entry.reply_to or "", entry.device or ""]
    if has_only_words(entry.body):  # the common case, without writing JSON to throw it away
        words += entry.body.values()
    else:
        dump_json(entry.body)
    check_words(" ".join(words))
    if entry.at.utcoffset() is None:
        raise Invalid("A time needs a time zone.")
    if entry.counter is not None and entry.counter > LAST:
        raise Invalid("This number is too large.")
