"""`domain.quick_reply.QuickReplyStore` in SQL."""

from __future__ import annotations

from sqlalchemy import Connection, delete, func, select

from domain.errors import Conflict, NotFound
from domain.quick_reply import MOST_QUICK_REPLIES, QuickReply
from store import tables
from store.conversation_tables import quick_replies as table
from store.rows import many, put, row_of
from store.transactions import Transactions

NO_REPLY = "This quick reply is not known here. Load the list again."


class SqlQuickReplies:
    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def quick_replies(self, shop_id: str) -> list[QuickReply]:
        statement = select(table).where(table.c.shop_id == shop_id)
        found = await self._transactions.read(lambda c: many(c, statement, QuickReply))
        return sorted(found, key=lambda reply: (reply.label.casefold(), reply.id))  # alike on both databases

    async def put_quick_reply(self, reply: QuickReply) -> None:
        row = row_of(reply, table)
        count = select(func.count()).where(table.c.shop_id == reply.shop_id, table.c.id != reply.id)
        lock = select(tables.shops.c.id).where(tables.shops.c.id == reply.shop_id).with_for_update()

        def job(connection: Connection) -> None:
            if connection.dialect.name == "postgresql":
                connection.execute(lock)
            if connection.execute(count).scalar_one() >= MOST_QUICK_REPLIES:
                raise Conflict(f"A shop keeps {MOST_QUICK_REPLIES} quick replies. Remove one first.")
            if not put(connection, table, row, change=("label", "text"), where=table.c.shop_id == reply.shop_id):
                raise NotFound(NO_REPLY)

        await self._transactions.write(job)

    async def remove_quick_reply(self, shop_id: str, reply_id: str) -> None:
        statement = delete(table).where(table.c.id == reply_id, table.c.shop_id == shop_id).returning(table.c.id)

        def job(connection: Connection) -> None:
            if connection.execute(statement).first() is None:
                raise NotFound(NO_REPLY)

        await self._transactions.write(job)
