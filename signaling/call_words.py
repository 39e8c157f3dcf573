"""What was written in the customer's conversation during a call."""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.call import Call
from domain.conversation_ports import ConversationStore
from domain.stream import WORDS, Entry, conversation_stream

AT_ONCE = 200
MOST = 2000
SKEW = timedelta(minutes=1)  # entries are in the order of their commits; clocks of several servers may differ by less


async def said_in(store: ConversationStore, call: Call) -> list[Entry]:
    """Words of people from the answer to the end, or until now; and what older versions kept as said in the call itself,
    also in line: their ids begin with the call's. Oldest first, the first 2,000."""
    stream = conversation_stream(call.customer_id)
    found: list[Entry] = []
    after = await _position_before(store, stream, call.created_at - SKEW)
    while len(found) < MOST and (page := await store.entries(stream, after=after, limit=AT_ONCE)):
        found += [entry for entry in page if entry.kind in WORDS and _is_of(entry, call)]
        after = page[-1].position
        if call.ended_at is not None and page[-1].at > call.ended_at + SKEW:
            break
    return found[:MOST]


def _is_of(entry: Entry, call: Call) -> bool:
    if entry.id.startswith(f"{call.id}."):
        return True
    return (
        call.answered_at is not None
        and call.answered_at <= entry.at
        and not (call.ended_at and entry.at > call.ended_at)
    )


async def _position_before(store: ConversationStore, stream: str, moment: datetime) -> int:
    """The last position whose entry is older than `moment`: by halves, so that years of words cost a few looks."""
    [head] = await store.heads([stream])
    low, high = 0, head.head
    while low < high:
        middle = (low + high) // 2
        [entry] = await store.entries(stream, after=middle, limit=1)
        low, high = (middle + 1, high) if entry.at < moment else (low, middle)
    return low
