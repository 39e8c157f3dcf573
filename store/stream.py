"""A call's stream: the jobs that append to it and move the marks of those who read it."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, case, select, update
from sqlalchemy.dialects import postgresql, sqlite

from domain.errors import Conflict, NotFound
from domain.record import BOOKING_BEFORE, Booking, CallEvent, NewEvent, Picture, Watermark
from store import tables
from store.rows import insert_into, one, put, row_of, value_of

NO_CALL = "This call is not known here. Load the page again."
ANSWERED = "This booking was already answered. Load the call again to see how."
LAST = 2**31 - 1  # the largest position that the column holds

# The statements of `append` are built once: they run for every message.
_ADVANCE = (
    update(tables.calls)
    .where(tables.calls.c.id == bindparam("call"))
    .values(head=tables.calls.c.head + 1)
    .returning(tables.calls.c.head)
)
_STEP_BACK = update(tables.calls).where(tables.calls.c.id == bindparam("call")).values(head=tables.calls.c.head - 1)
_KEEP = {
    "postgresql": postgresql.insert(tables.events).on_conflict_do_nothing(index_elements=["call_id", "author", "cmid"]),
    "sqlite": sqlite.insert(tables.events).on_conflict_do_nothing(index_elements=["call_id", "author", "cmid"]),
}
_KEEP_NEW = {dialect: keep.returning(tables.events.c.position) for dialect, keep in _KEEP.items()}
_KNOWN = select(tables.events).where(
    tables.events.c.call_id == bindparam("call"),
    tables.events.c.author == bindparam("writer"),
    tables.events.c.cmid == bindparam("own_id"),
)
_BOOKING_CHANGES = tuple(
    c.name for c in tables.bookings.columns if c.name not in ("id", "shop_id", "call_id", "customer_id")
)
_PICTURE_CHANGES = tuple(c.name for c in tables.pictures.columns if c.name not in ("id", "call_id"))


def append(
    connection: Connection, event: NewEvent, booking: Booking | None, picture: Picture | None
) -> tuple[CallEvent, bool]:
    """The first statement takes the call's row until the transaction ends, so the second one sees every earlier event:
    a `cmid` that is known by then is known for good, and a position is given to one event only."""
    head = connection.execute(_ADVANCE, {"call": event.call_id}).scalar_one_or_none()
    if head is None:
        raise NotFound(NO_CALL)
    row = row_of(event, tables.events) | {"position": head}
    if connection.execute(_KEEP_NEW[connection.dialect.name], row).first() is None:
        connection.execute(_STEP_BACK, {"call": event.call_id})
        known = _KNOWN.params(call=event.call_id, writer=event.author, own_id=event.cmid)
        return one(connection, known, CallEvent, NO_CALL), False
    if booking is not None:
        _put_booking(connection, booking)
    if picture is not None:
        row_picture = row_of(picture, tables.pictures)
        same_call = tables.pictures.c.call_id == picture.call_id
        if not put(connection, tables.pictures, row_picture, change=_PICTURE_CHANGES, where=same_call):
            raise Conflict("A picture of another call has this id.")
    return CallEvent.model_validate(row), True


def known(connection: Connection, call_id: str, author: str, cmid: str) -> CallEvent | None:
    row = connection.execute(_KNOWN, {"call": call_id, "writer": author, "own_id": cmid}).one_or_none()
    return None if row is None else value_of(CallEvent, row)


def _put_booking(connection: Connection, booking: Booking) -> None:
    table = tables.bookings
    open_ = (table.c.call_id == booking.call_id) & table.c.state.in_(BOOKING_BEFORE[booking.state])
    if not put(connection, table, row_of(booking, table), change=_BOOKING_CHANGES, where=open_):
        raise Conflict(ANSWERED)


def see(connection: Connection, mark: Watermark) -> Watermark:
    """One statement merges, so that two devices of one person cannot take each other's mark back."""
    table = tables.watermarks
    head = connection.execute(select(tables.calls.c.head).where(tables.calls.c.id == mark.call_id)).scalar_one_or_none()
    if head is None:
        raise NotFound(NO_CALL)
    read = min(mark.read, head)
    row = {
        "call_id": mark.call_id,
        "person_id": mark.person_id,
        "delivered": max(min(mark.delivered, head), read),
        "read": read,
    }
    insert = insert_into(connection, table).values(row)
    merged = {
        name: case((insert.excluded[name] > table.c[name], insert.excluded[name]), else_=table.c[name])
        for name in ("delivered", "read")
    }
    statement = insert.on_conflict_do_update(index_elements=["call_id", "person_id"], set_=merged)
    kept = connection.execute(statement.returning(table)).one()
    return Watermark.model_validate(dict(kept._mapping))
