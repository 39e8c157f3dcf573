"""Erasing a customer: one transaction for all that the database holds, and the list of what is to be removed outside it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Table, delete, exists, select, update

from domain.accepting import Committed, accept, needs, place_in_inboxes
from domain.call import Call
from domain.customer_data import Erasure
from domain.errors import Conflict
from domain.fold import NAMELESS
from domain.people import Customer, Staff
from domain.stream import NewEntry, conversation_stream, notes_stream
from store import attachments, search, tables
from store import conversation_tables as t
from store.appending import load, write
from store.people import NO_CUSTOMER
from store.rows import insert_into, many, one, row_of

IN_A_CALL = "This customer is in a call or waits for one. End it first."
ERASED = "The shop has erased this conversation. Nothing of it is kept here any more."
BEING_MADE = "A recording of this customer is still being made. Try again in a minute."
ANOTHERS = "This erasure was asked for another customer. Begin it again."
_CALL = tables.calls.c


def erase(
    connection: Connection, erasure_id: str, customer_id: str, by: Staff, now: datetime
) -> tuple[Erasure, Committed | None]:
    """On PostgreSQL rows are locked in the order of all others: profile, customer, calls, then as in `store.appending`."""
    known = many(connection, select(t.erasures).where(t.erasures.c.id == erasure_id), Erasure)
    if known:
        if known[0].customer_id != customer_id:
            raise Conflict(ANOTHERS)
        return known[0], None
    connection.execute(
        select(t.profiles.c.customer_id).where(t.profiles.c.customer_id == customer_id).with_for_update()
    )
    person = select(tables.customers).where(tables.customers.c.id == customer_id).with_for_update(key_share=True)
    customer = one(connection, person, Customer, NO_CUSTOMER)
    calls = many(
        connection,
        select(tables.calls).where(_CALL.customer_id == customer_id).order_by(_CALL.id).with_for_update(),
        Call,
    )
    call_ids = [call.id for call in calls]
    if not all(call.is_over for call in calls):
        raise Conflict(IN_A_CALL)
    blobs = _call_files(connection, call_ids)
    committed, entries = _streams(connection, erasure_id, customer, by, now)
    removed = attachments.delete_of(connection, customer_id)
    _calls(connection, customer_id, call_ids)
    blobs |= _person(connection, customer_id, now) | set(removed.blobs)
    erasure = Erasure(
        id=erasure_id, customer_id=customer_id, shop_id=customer.shop_id, by=by.id, at=now, entries=entries,
        files=len(blobs), calls=tuple(call_ids), uploads=removed.uploads, blobs=tuple(sorted(blobs)),
    )  # fmt: skip
    connection.execute(insert_into(connection, t.erasures).values(row_of(erasure, t.erasures)))
    return erasure, committed


def is_erased(connection: Connection, call: Call) -> bool:
    """True when the call's customer was erased after it: nothing may be kept of it any more."""
    later = (t.erasures.c.customer_id == call.customer_id, t.erasures.c.at >= call.created_at)
    return bool(connection.execute(select(exists().where(*later))).scalar_one())


def was_erased(connection: Connection, device_id: str) -> bool:
    """True when this device ended with all else of its person."""
    later = (t.erasures.c.customer_id == t.devices.c.person_id, t.erasures.c.at >= t.devices.c.made_at)
    return bool(connection.execute(select(exists().where(t.devices.c.id == device_id, *later))).scalar_one())


def finish(connection: Connection, erasure_id: str, now: datetime) -> None:
    done = {"done_at": now, "blobs": [], "uploads": []}
    connection.execute(update(t.erasures).where(t.erasures.c.id == erasure_id).values(done))


def _streams(
    connection: Connection, erasure_id: str, customer: Customer, by: Staff, now: datetime
) -> tuple[Committed, int]:
    """Everything before the new entries `erased` becomes a stub, in the transaction that writes them."""
    streams = (conversation_stream(customer.id), notes_stream(customer.id))
    told = [
        NewEntry(
            stream=stream, id=f"{erasure_id}.{stream[0]}", kind="erased", author=by.id, side="staff", author_name=by.name,
            at=now, body={},
        )
        for stream in streams
    ]  # fmt: skip
    ledger = load(connection, needs(told))
    before = t.entries.c.stream.in_(streams)
    search.forget_of(connection, streams)
    stubs = update(t.entries).where(before).values(body={}, gone="erased")
    entries = connection.execute(stubs).rowcount
    connection.execute(update(t.entries).where(before, t.entries.c.side == "customer").values(author_name=NAMELESS))
    answers = [accept(ledger, new) for new in told]
    quiet = {"state": "closed", "assignee": None, "snoozed_until": None, "waiting_since": None}
    ledger.put(ledger.conversations[customer.id].model_copy(update=quiet))
    committed = Committed(list(answers), ledger.fresh, place_in_inboxes(ledger))
    write(connection, ledger, committed)
    return committed, entries


def _call_files(connection: Connection, call_ids: Sequence[str]) -> set[str]:
    recordings = tables.recordings
    blobs = set(
        connection.execute(select(tables.pictures.c.blob).where(tables.pictures.c.call_id.in_(call_ids))).scalars()
    )
    for row in connection.execute(select(recordings).where(recordings.c.call_id.in_(call_ids))):
        if row.state in ("recording", "finishing"):
            raise Conflict(BEING_MADE)
        blobs |= set(row.files.values())
    return blobs


def _calls(connection: Connection, customer_id: str, call_ids: Sequence[str]) -> None:
    """Of a call its times remain, without a name."""
    for table in (tables.events, tables.watermarks, tables.bookings, tables.pictures, tables.recordings):
        _remove(connection, table, table.c.call_id.in_(call_ids))
    of_customer = update(tables.calls).where(_CALL.customer_id == customer_id)
    connection.execute(of_customer.values(customer_name=NAMELESS, matter="", note=""))


def _person(connection: Connection, customer_id: str, now: datetime) -> set[str]:
    left = tables.left_messages
    photos = connection.execute(select(left.c.picture_blob).where(left.c.customer_id == customer_id)).scalars()
    blobs = {photo for photo in photos if photo}
    _remove(connection, left, left.c.customer_id == customer_id)
    _remove(connection, t.profiles, t.profiles.c.customer_id == customer_id)
    _remove(connection, t.device_codes, t.device_codes.c.customer_id == customer_id)
    connection.execute(update(tables.customers).where(tables.customers.c.id == customer_id).values(name=NAMELESS))
    own = update(t.devices).where(t.devices.c.person_id == customer_id)
    connection.execute(own.values(name=""))
    connection.execute(own.where(t.devices.c.ended_at.is_(None)).values(ended_at=now))
    return blobs


def _remove(connection: Connection, table: Table, which: ColumnElement[bool]) -> None:
    connection.execute(delete(table).where(which))
