"""`domain.profile.ProfileStore` in SQL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, select, update

from domain.accepting import Committed
from domain.call import Call
from domain.people import Customer
from domain.profile import Profile, Visits
from domain.record import Booking
from store import conversation_tables as t
from store import tables
from store.people import NO_CUSTOMER
from store.renaming import place_anew
from store.rows import insert_into, many, one, row_of
from store.transactions import Transactions


class SqlProfiles:
    """`tell` hears of inbox rows that have another name."""

    def __init__(self, transactions: Transactions, tell: Callable[[Committed], None]) -> None:
        self._transactions = transactions
        self._tell = tell

    async def profile(self, customer_id: str) -> Profile:
        return await self._transactions.read(lambda c: _profile(c, customer_id))

    async def change_profile(self, customer_id: str, decide: Callable[[Profile], Profile]) -> Profile:
        def job(connection: Connection) -> tuple[Profile, Committed | None]:
            blank = _row(_profile(connection, customer_id))
            connection.execute(insert_into(connection, t.profiles).values(blank).on_conflict_do_nothing())
            if connection.dialect.name == "postgresql":  # now there is a row to lock; SQLite has one writer
                connection.execute(select(t.profiles).where(t.profiles.c.customer_id == customer_id).with_for_update())
            before = _profile(connection, customer_id)
            after = decide(before)
            kept = update(t.profiles).where(t.profiles.c.customer_id == customer_id)
            connection.execute(kept.values(_row(after)))
            if (after.name, after.language) != (before.name, before.language):
                customer = update(tables.customers).where(tables.customers.c.id == customer_id)
                connection.execute(customer.values(name=after.name, language=after.language))
            return after, place_anew(connection, customer_id) if after.name != before.name else None

        after, committed = await self._transactions.write(job)
        if committed is not None:
            self._tell(committed)
        return after

    async def visits(self, customer_id: str, *, limit: int = 20) -> Visits:
        calls, bookings = tables.calls, tables.bookings
        of_calls = select(calls).where(calls.c.customer_id == customer_id).order_by(calls.c.created_at.desc())
        of_bookings = select(bookings).where(bookings.c.customer_id == customer_id)
        of_bookings = of_bookings.order_by(bookings.c.starts_at.desc())

        def job(connection: Connection) -> Visits:
            _customer(connection, customer_id)
            return Visits(
                calls=many(connection, of_calls.limit(limit), Call),
                bookings=many(connection, of_bookings.limit(limit), Booking),
            )

        return await self._transactions.read(job)


def _customer(connection: Connection, customer_id: str) -> Customer:
    statement = select(tables.customers).where(tables.customers.c.id == customer_id)
    return one(connection, statement, Customer, NO_CUSTOMER)


def _profile(connection: Connection, customer_id: str) -> Profile:
    customer = _customer(connection, customer_id)
    found = connection.execute(select(t.profiles).where(t.profiles.c.customer_id == customer_id)).one_or_none()
    written: dict[str, Any] = dict(found._mapping) if found is not None else {}
    its = customer.model_dump(include={"shop_id", "name", "language"})
    return Profile.model_validate({**written, **its, "customer_id": customer.id, "since": customer.created_at})


def _row(profile: Profile) -> dict[str, Any]:
    row = row_of(profile, t.profiles)
    return {column.name: row[column.name] for column in t.profiles.columns}
