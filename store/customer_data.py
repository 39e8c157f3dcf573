"""`domain.customer_data.CustomerData` in SQL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection, select

from domain.accepting import Committed
from domain.call import Call
from domain.customer_data import CustomerRecord, Erasure
from domain.people import Customer, LeftMessage, Staff
from domain.record import Booking, CallEvent, Picture, Recording
from store import attachments, devices, erasure, search, tables
from store import conversation_tables as t
from store.people import NO_CUSTOMER
from store.rows import many, one
from store.transactions import Transactions


class SqlCustomerData:
    """`tell` hears of what an erasure wrote into the streams."""

    def __init__(self, transactions: Transactions, tell: Callable[[Committed], None]) -> None:
        self._transactions = transactions
        self._tell = tell

    async def record(self, customer_id: str) -> CustomerRecord:
        return await self._transactions.read(lambda c: _record(c, customer_id))

    async def events(self, call_id: str) -> list[CallEvent]:
        table = tables.events
        statement = select(table).where(table.c.call_id == call_id).order_by(table.c.position)
        return await self._transactions.read(lambda c: many(c, statement, CallEvent))

    async def erase(self, erasure_id: str, customer_id: str, by: Staff, now: datetime) -> Erasure:
        made, committed = await self._transactions.write(lambda c: erasure.erase(c, erasure_id, customer_id, by, now))
        if committed is not None:
            self._tell(committed)
        return made

    async def unfinished(self) -> list[Erasure]:
        table = t.erasures
        statement = select(table).where(table.c.done_at.is_(None)).order_by(table.c.at, table.c.id)
        return await self._transactions.read(lambda c: many(c, statement, Erasure))

    async def scrub(self) -> None:
        while await self._transactions.write(search.tidy):
            pass
        await self._transactions.scrub()

    async def finish(self, erasure_id: str, now: datetime) -> None:
        await self._transactions.write(lambda c: erasure.finish(c, erasure_id, now))


def _record(connection: Connection, customer_id: str) -> CustomerRecord:
    call, booking, left = tables.calls, tables.bookings, tables.left_messages
    of_customer = select(call.c.id).where(call.c.customer_id == customer_id)
    customer = select(tables.customers).where(tables.customers.c.id == customer_id)
    calls = select(call).where(call.c.customer_id == customer_id).order_by(call.c.created_at, call.c.id)
    bookings = select(booking).where(booking.c.customer_id == customer_id).order_by(booking.c.starts_at, booking.c.id)
    pictures, recordings = tables.pictures, tables.recordings
    messages = select(left).where(left.c.customer_id == customer_id).order_by(left.c.created_at, left.c.id)
    return CustomerRecord(
        customer=one(connection, customer, Customer, NO_CUSTOMER),
        calls=many(connection, calls, Call),
        bookings=many(connection, bookings, Booking),
        pictures=many(
            connection,
            select(pictures).where(pictures.c.call_id.in_(of_customer)).order_by(pictures.c.taken_at, pictures.c.id),
            Picture,
        ),
        recordings=many(connection, select(recordings).where(recordings.c.call_id.in_(of_customer)), Recording),
        left_messages=many(connection, messages, LeftMessage),
        attachments=attachments.of_conversation(connection, customer_id),
        devices=devices.of_person(connection, customer_id),
    )
