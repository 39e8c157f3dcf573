"""`domain.ports.CallStore` in SQL: calls, and what they leave behind that needs no order (pictures, recordings).

Whoever writes in a call's stream or changes the call first takes the call's row: that is what puts writers in one line.
What the customer's conversation must tell of a call (`domain.mirror`) is written in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection, Select, bindparam, insert, select, update

from domain import mirror
from domain.accepting import Committed
from domain.call import Call
from domain.errors import Conflict, NotFound, Refusal
from domain.record import Booking, CallEvent, NewEvent, Picture, Recording, Watermark
from domain.stream import NewEntry
from store import stream, tables
from store.appending import append_many
from store.erasure import is_erased
from store.rows import many, one, put, row_of, value_of
from store.transactions import T, Transactions

NO_CALL = stream.NO_CALL
NO_BOOKING = "This booking is not known here. Load the call again."
NO_PICTURE = "This picture is not known here. Load the call again."
ONE_OPEN = "This customer already has a call. Go back to that one."
MOST = 1000
Asked = Callable[[Connection, str], None]


def unfenced(_connection: Connection, _shop_id: str) -> None:
    """A server that shares its database with nobody keeps every floor."""


class SqlCalls:
    """`tell` hears of each commit that wrote to a conversation. `fence` is asked in the transaction of each change,
    with the shop's id, and raises when this server may not change its calls."""

    def __init__(self, transactions: Transactions, tell: Callable[[Committed], None], fence: Asked = unfenced) -> None:
        self._transactions = transactions
        self._tell = tell
        self._fence = fence

    async def add(self, call: Call) -> None:
        """Raises Conflict when the customer has an open call, NotFound when the shop or the customer is unknown."""
        row = row_of(call, tables.calls)

        def job(connection: Connection) -> None:
            self._fence(connection, call.shop_id)
            connection.execute(insert(tables.calls).values(row))

        try:
            await self._transactions.write(job)
        except NotFound:
            raise NotFound("This shop or this customer is not known here. Open the shop's link again.") from None
        except Conflict:
            raise Conflict(ONE_OPEN) from None

    async def get(self, call_id: str) -> Call:
        return await self._transactions.read(lambda c: one(c, _call(call_id), Call, NO_CALL))

    async def change(self, call_id: str, decide: Callable[[Call], Call]) -> Call:
        # NO KEY: rows that refer to the call (events, marks) need not wait
        statement = _call(call_id).with_for_update(key_share=True)

        def job(connection: Connection) -> tuple[Call, Committed | None]:
            before = one(connection, statement, Call, NO_CALL)
            after = decide(before)
            if after != before:
                self._fence(connection, before.shop_id)
                kept = update(tables.calls).where(tables.calls.c.id == call_id)
                connection.execute(kept.values(row_of(after.model_copy(update={"id": call_id}), tables.calls)))
            return after, _mirror(connection, mirror.of_end(before, after))

        return self._told(await self._transactions.write(job))

    async def open_calls(self, shop_id: str | None = None) -> list[Call]:
        table = tables.calls
        statement = select(table).where(tables.OPEN).order_by(table.c.created_at, table.c.id)
        if shop_id is not None:
            statement = statement.where(table.c.shop_id == shop_id)
        return await self._transactions.read(lambda c: many(c, statement, Call))

    async def open_call_of(self, customer_id: str) -> Call | None:
        statement = select(tables.calls).where(tables.calls.c.customer_id == customer_id, tables.OPEN)

        def job(connection: Connection) -> Call | None:
            row = connection.execute(statement).one_or_none()
            return None if row is None else value_of(Call, row)

        return await self._transactions.read(job)

    async def history(self, shop_id: str, *, before: datetime | None = None, limit: int = 50) -> list[Call]:
        """By `created_at`; `before` is the `created_at` of the last call of the page before."""
        table = tables.calls
        over = table.c.state.in_(("ended", "abandoned", "missed"))
        statement = select(table).where(table.c.shop_id == shop_id, over)
        if before is not None:
            statement = statement.where(table.c.created_at < before)
        statement = statement.order_by(table.c.created_at.desc(), table.c.id.desc()).limit(min(max(limit, 0), MOST))
        return await self._transactions.read(lambda c: many(c, statement, Call))

    async def append(
        self, event: NewEvent, *, booking: Booking | None = None, picture: Picture | None = None
    ) -> tuple[CallEvent, bool]:
        """Raises Conflict when the booking was already answered otherwise: nothing is kept then."""

        def job(connection: Connection) -> tuple[tuple[CallEvent, bool], Committed | None]:
            kept, is_new = stream.append(connection, event, booking, picture)
            if not is_new or kept.kind not in mirror.KINDS:
                return (kept, is_new), None
            customer_id = connection.execute(_CUSTOMER, {"call": kept.call_id}).scalar_one()
            return (kept, is_new), _mirror(connection, mirror.of_event(kept, customer_id))

        return self._told(await self._transactions.write(job))

    async def kept(self, call_id: str, author: str, cmid: str) -> CallEvent | None:
        return await self._transactions.read(lambda c: stream.known(c, call_id, author, cmid))

    async def events(self, call_id: str, *, after: int = 0, limit: int = 500) -> list[CallEvent]:
        """In order. An unknown call has none."""
        table = tables.events
        later = table.c.position > min(after, stream.LAST)
        statement = select(table).where(table.c.call_id == call_id, later)
        statement = statement.order_by(table.c.position).limit(min(max(limit, 0), MOST))
        return await self._transactions.read(lambda c: many(c, statement, CallEvent))

    async def seen(self, mark: Watermark) -> Watermark:
        kept = select(tables.watermarks).where(
            tables.watermarks.c.call_id == mark.call_id, tables.watermarks.c.person_id == mark.person_id
        )
        known = await self._transactions.read(lambda c: many(c, kept, Watermark))
        if known and max(mark.delivered, mark.read) <= known[0].delivered and mark.read <= known[0].read:
            return known[0]  # marks are sent again and again: one that adds nothing costs no commit
        return await self._transactions.write(lambda c: stream.see(c, mark))

    async def watermarks(self, call_id: str) -> list[Watermark]:
        table = tables.watermarks
        statement = select(table).where(table.c.call_id == call_id).order_by(table.c.person_id)
        return await self._transactions.read(lambda c: many(c, statement, Watermark))

    async def booking(self, booking_id: str) -> Booking:
        statement = select(tables.bookings).where(tables.bookings.c.id == booking_id)
        return await self._transactions.read(lambda c: one(c, statement, Booking, NO_BOOKING))

    async def bookings(self, call_id: str) -> list[Booking]:
        """In the order in which they were proposed."""
        table = tables.bookings
        statement = select(table).where(table.c.call_id == call_id).order_by(table.c.proposed_at, table.c.id)
        return await self._transactions.read(lambda c: many(c, statement, Booking))

    async def picture(self, picture_id: str) -> Picture:
        statement = select(tables.pictures).where(tables.pictures.c.id == picture_id)
        return await self._transactions.read(lambda c: one(c, statement, Picture, NO_PICTURE))

    async def pictures(self, call_id: str) -> list[Picture]:
        """In the order in which they were taken."""
        table = tables.pictures
        statement = select(table).where(table.c.call_id == call_id).order_by(table.c.taken_at, table.c.id)
        return await self._transactions.read(lambda c: many(c, statement, Picture))

    async def put_picture(self, picture: Picture) -> None:
        """Raises NotFound when this call has no such picture."""
        table = tables.pictures
        row = row_of(picture, table)
        statement = update(table).where(table.c.id == picture.id, table.c.call_id == picture.call_id)
        statement = statement.values(row).returning(table.c.id)

        def job(connection: Connection) -> None:
            if connection.execute(statement).one_or_none() is None:
                raise NotFound(NO_PICTURE)

        await self._transactions.write(job)

    async def recording(self, call_id: str) -> Recording:
        """A call without one answers with state `none`, an unknown call too."""
        statement = select(tables.recordings).where(tables.recordings.c.call_id == call_id)
        kept = await self._transactions.read(lambda c: many(c, statement, Recording))
        return kept[0] if kept else Recording(call_id=call_id, state="none")

    async def put_recording(self, recording: Recording) -> None:
        table = tables.recordings
        row = row_of(recording, table)
        change = tuple(column.name for column in table.columns if not column.primary_key)

        def job(connection: Connection) -> tuple[bool, Committed | None]:
            call = one(connection, _call(recording.call_id).with_for_update(key_share=True), Call, NO_CALL)
            if is_erased(connection, call):
                raise NotFound(NO_CALL)
            is_put = put(connection, table, row, change=change)
            return is_put, _mirror(connection, mirror.of_recording(recording, call))

        self._told(await self._transactions.write(job))

    def _told(self, outcome: tuple[T, Committed | None]) -> T:
        result, committed = outcome
        if committed is not None and committed.fresh:
            self._tell(committed)
        return result


_CUSTOMER = select(tables.calls.c.customer_id).where(tables.calls.c.id == bindparam("call"))


def _mirror(connection: Connection, entry: NewEntry | None) -> Committed | None:
    """Writes the entry with what it tells of: both are kept, or neither."""
    if entry is None:
        return None
    committed = append_many(connection, [entry])
    if isinstance(committed.answers[0], Refusal):
        raise committed.answers[0]
    return committed


def _call(call_id: str) -> Select[tuple[object, ...]]:
    return select(tables.calls).where(tables.calls.c.id == call_id)
