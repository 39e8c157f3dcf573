"""From the store to frames: entries and inbox rows cut into texts that every carrier takes, one text for all readers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from domain.conversation import Row
from domain.conversation_ports import ConversationStore
from domain.fold import NAMELESS
from domain.stream import Entry, Head, inbox_stream, owner_of
from domain.unchecked import unchecked
from signaling.chat_hub import Piece
from signaling.chat_news import EntryView, InboxRow

LARGEST_FRAME_BYTES = 48 * 1024  # a data channel takes 64 kB, and a frame has more than its entries
ENTRIES_AT_ONCE = 200
ROWS_AT_ONCE = 500
Shown = TypeVar("Shown", Entry, Row)
UNSHOWN = {"stream", "device", "counter", "digest"}  # of an entry: what is the frame's, and what is nobody's business


class StoreSource:
    """The hub's `Source` over a store."""

    def __init__(self, store: ConversationStore) -> None:
        self._store = store

    def of_entries(self, stream: str, entries: Sequence[Entry], ref: str | None = None) -> list[Piece]:
        """`ref`: the first one answers this request."""
        shown = ((entry.model_dump_json(exclude=UNSHOWN), entry) for entry in entries)
        pieces = []
        for part in _cut(shown):
            pieces.append(_entries_piece(stream, part, entries[-1].position, ref))
            ref = None
        return pieces

    async def read(self, stream: str, after: int, ref: str | None = None) -> list[Piece]:
        if stream.startswith("i."):
            return await self._rows(owner_of(stream), after)
        return self.of_entries(stream, await self._store.entries(stream, after=after, limit=ENTRIES_AT_ONCE), ref)

    async def heads(self, streams: Sequence[str]) -> list[Head]:
        return await self._store.heads(streams)

    async def _rows(self, shop_id: str, after: int) -> list[Piece]:
        [inbox] = await self._store.heads([inbox_stream(shop_id)])  # first: what changes meanwhile may come again
        if inbox.head <= after:
            return []
        rows, _ = await self._store.rows(shop_id, after=after, limit=ROWS_AT_ONCE)
        parts = list(_cut((row_view(row).model_dump_json(), row) for row in rows)) or [[]]
        changes = [part[-1][1].conversation for part in parts if part]
        ends = [(change.inbox_position, change.inbox_digest) for change in changes] or [(after, 0)]
        if len(rows) < ROWS_AT_ONCE:  # from 0, what changed last may be closed and not among them
            ends[-1] = max(ends[-1], (inbox.head, inbox.digest))
        starts = [after, *(position for position, _ in ends)]
        return [
            _rows_piece(start, *end, [text for text, _ in part])
            for start, end, part in zip(starts, ends, parts, strict=False)
        ]


def entry_view(entry: Entry) -> EntryView:
    return EntryView.model_validate(entry.model_dump(exclude=UNSHOWN))


def row_view(row: Row) -> InboxRow:
    kept = row.conversation
    return unchecked(InboxRow, {
        "conversation": kept.id, "position": kept.inbox_position, "name": "" if row.name == NAMELESS else row.name,
        "state": kept.state, "assignee": kept.assignee, "assignee_name": row.assignee_name,
        "waiting_since": kept.waiting_since, "snoozed_until": kept.snoozed_until, "last_at": kept.last_at,
        "preview": kept.preview, "preview_kind": kept.preview_kind, "head": row.head,
        "customer_head": kept.customer_head,
    })  # fmt: skip


def entries_text(stream: str, after: int, shown: Iterable[str], head: int, digest: int, ref: str | None = None) -> str:
    """A `chat.entries` frame of entries that are JSON already: each is written once, however many read it."""
    return (
        f'{{"type":"chat.entries","ref":{json.dumps(ref)},"stream":"{stream}","after":{after},'
        f'"entries":[{",".join(shown)}],"head":{head},"digest":{digest}}}'
    )


def _entries_piece(stream: str, part: list[tuple[str, Entry]], head: int, ref: str | None) -> Piece:
    after, last = part[0][1].position - 1, part[-1][1]
    text = entries_text(stream, after, (text for text, _ in part), head, last.digest, ref)
    return Piece(after, last.position, last.digest, text)


def _rows_piece(after: int, last: int, digest: int, shown: Iterable[str]) -> Piece:
    is_whole = "true" if after == 0 else "false"
    text = (
        f'{{"type":"chat.inbox","after":{after},"position":{last},"digest":{digest},"is_whole":{is_whole},'
        f'"rows":[{",".join(shown)}]}}'
    )
    return Piece(after, last, digest, text)


def _cut(shown: Iterable[tuple[str, Shown]]) -> Iterator[list[tuple[str, Shown]]]:
    """Parts that each fit into a frame, in their order."""
    part: list[tuple[str, Shown]] = []
    size = 0
    for text, thing in shown:
        size += len(text.encode())
        if part and size > LARGEST_FRAME_BYTES:
            yield part
            part, size = [], len(text.encode())
        part.append((text, thing))
    if part:
        yield part
