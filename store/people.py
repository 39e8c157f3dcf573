"""`domain.ports.PeopleStore` in SQL."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection, Table, insert, select, update

from domain.accepting import Committed
from domain.errors import Conflict, NotFound
from domain.people import Customer, LeftMessage, Shop, Staff
from store import tables
from store.renaming import place_anew
from store.rows import insert_into, many, one, put, row_of, value_of
from store.transactions import Transactions

NO_SHOP = "This shop is not known here. Check the link."
NO_STAFF = "This member of staff is not known here."
NO_CUSTOMER = "This customer is not known here. Open the shop's link again."
NO_MESSAGE = "This message is not known here. Load the list again."
MOST = 1000


def username_key(username: str) -> str:
    """Two usernames with the same key are the same to a person (a tablet's keyboard capitalises the first letter)."""
    return unicodedata.normalize("NFKC", username).casefold()


class SqlPeople:
    """Usernames are unique in the whole house, however they are capitalised. `tell` hears of inbox rows that have another
    name."""

    def __init__(self, transactions: Transactions, tell: Callable[[Committed], None]) -> None:
        self._transactions = transactions
        self._tell = tell

    async def add_shop(self, shop: Shop) -> None:
        """Raises Conflict when its id or slug is taken."""
        row = row_of(shop, tables.shops)
        await self._add(tables.shops, row, "A shop with this id or link already exists.")

    async def shop(self, shop_id: str) -> Shop:
        statement = select(tables.shops).where(tables.shops.c.id == shop_id)
        return await self._transactions.read(lambda c: one(c, statement, Shop, NO_SHOP))

    async def shop_by_slug(self, slug: str) -> Shop:
        statement = select(tables.shops).where(tables.shops.c.slug == slug)
        return await self._transactions.read(lambda c: one(c, statement, Shop, NO_SHOP))

    async def add_staff(self, staff: Staff) -> None:
        """Raises Conflict when the id or the username is taken, NotFound for an unknown shop."""
        row = row_of(staff, tables.staff) | {"username_key": username_key(staff.username)}
        await self._add(tables.staff, row, "This username is taken. Choose another.")

    async def staff(self, staff_id: str) -> Staff:
        statement = select(tables.staff).where(tables.staff.c.id == staff_id)
        return await self._transactions.read(lambda c: one(c, statement, Staff, NO_STAFF))

    async def staff_by_username(self, username: str) -> Staff | None:
        statement = select(tables.staff).where(tables.staff.c.username_key == username_key(username))

        def job(connection: Connection) -> Staff | None:
            row = connection.execute(statement).one_or_none()
            return None if row is None else value_of(Staff, row)

        return await self._transactions.read(job)

    async def staff_of(self, shop_id: str) -> list[Staff]:
        """By name."""
        table = tables.staff
        statement = select(table).where(table.c.shop_id == shop_id).order_by(table.c.name, table.c.id)
        return await self._transactions.read(lambda c: many(c, statement, Staff))

    async def put_customer(self, customer: Customer) -> None:
        row = row_of(customer, tables.customers)
        same = select(tables.customers.c.name).where(tables.customers.c.id == customer.id)

        def job(connection: Connection) -> Committed | None:
            before = connection.execute(same.with_for_update(key_share=True)).scalar()
            put(connection, tables.customers, row, change=("name", "language"))
            return place_anew(connection, customer.id) if before not in (None, customer.name) else None

        committed = await self._transactions.write(job)
        if committed is not None:
            self._tell(committed)

    async def customer(self, customer_id: str) -> Customer:
        statement = select(tables.customers).where(tables.customers.c.id == customer_id)
        return await self._transactions.read(lambda c: one(c, statement, Customer, NO_CUSTOMER))

    async def leave_message(self, message: LeftMessage) -> None:
        row = row_of(message, tables.left_messages)

        def job(connection: Connection) -> None:
            connection.execute(insert_into(connection, tables.left_messages).values(row).on_conflict_do_nothing())

        await self._transactions.write(job)

    async def left_messages(self, shop_id: str, *, limit: int = 100) -> list[LeftMessage]:
        table = tables.left_messages
        newest = (table.c.done_at.is_not(None), table.c.created_at.desc(), table.c.id)
        statement = select(table).where(table.c.shop_id == shop_id).order_by(*newest).limit(min(max(limit, 0), MOST))
        return await self._transactions.read(lambda c: many(c, statement, LeftMessage))

    async def left_message(self, message_id: str) -> LeftMessage:
        statement = select(tables.left_messages).where(tables.left_messages.c.id == message_id)
        return await self._transactions.read(lambda c: one(c, statement, LeftMessage, NO_MESSAGE))

    async def finish_left_message(self, message_id: str, staff_id: str, now: datetime) -> LeftMessage:
        """The first to finish it stays the one who did."""
        table = tables.left_messages
        done = update(table).where(table.c.id == message_id, table.c.done_at.is_(None))

        def job(connection: Connection) -> LeftMessage:
            connection.execute(done.values(done_at=now, done_by=staff_id))
            return one(connection, select(table).where(table.c.id == message_id), LeftMessage, NO_MESSAGE)

        return await self._transactions.write(job)

    async def _add(self, table: Table, row: dict[str, object], taken: str) -> None:
        try:
            await self._transactions.write(lambda c: c.execute(insert(table).values(row)))
        except NotFound:
            raise NotFound(NO_SHOP) from None
        except Conflict:
            raise Conflict(taken) from None
