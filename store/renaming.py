"""A customer's new name in the inbox, in the transaction that keeps the name."""

from __future__ import annotations

from sqlalchemy import Connection, select

from domain.accepting import Committed, Needs, place_in_inboxes
from domain.stream import conversation_stream
from store import conversation_tables as t
from store.appending import load, write


def place_anew(connection: Connection, customer_id: str) -> Committed | None:
    """The row of this customer is told anew; None where nobody wrote yet, and no inbox shows one. Rows are locked in the order
    of all others when the customer's was locked before."""
    kept = select(t.conversations.c.id).where(t.conversations.c.id == customer_id)
    if connection.execute(kept).first() is None:
        return None
    ledger = load(connection, Needs({conversation_stream(customer_id)}, set(), set(), set()))
    ledger.put(ledger.conversations[customer_id])
    committed = Committed([], [], place_in_inboxes(ledger))
    write(connection, ledger, committed)
    return committed
