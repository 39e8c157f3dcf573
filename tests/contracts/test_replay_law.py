"""The replay law on the real stores: what a commit tells, folded onto what was fetched before, is what is fetched after."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta
from typing import Any

from domain.errors import Refusal
from domain.fold import StreamState, fold, fold_marks, newest
from domain.people import Staff
from domain.stream import Entry, EntryKind, EntrySide, Head, Mark, NewEntry
from store.database import Database
from tests.support.kept import NOW

STREAMS = ("c.ann", "n.ann", "c.bob", "s.s-1")
WINDOW = 20
ROUNDS = 25


async def _fetched(db: Database, stream: str) -> StreamState:
    store = db.conversations
    [head] = await store.heads([stream])
    entries = await store.older(stream, before=head.head + 1, limit=WINDOW)
    return StreamState(
        stream=stream, floor=head.head - len(entries), head=head.head, digest=head.digest, entries=tuple(entries)
    )


def _entry(rng: random.Random, number: int, known: list[NewEntry]) -> NewEntry:
    if known and rng.random() < 0.15:
        return rng.choice(known)
    author = rng.choice(["ann", "bob", "s-1"])
    side: EntrySide = "staff" if author == "s-1" else "customer"
    stream = f"c.{rng.choice(['ann', 'bob']) if side == 'staff' else author}"
    kind: EntryKind = "text"
    body: dict[str, Any] = {"text": f"词 {number} <b>'"}
    own = [entry for entry in known if (entry.author, entry.stream, entry.kind) == (author, stream, "text")]
    if own and rng.random() < 0.3:
        kind, body = "recall", {"target": rng.choice(own[-4:]).id}
    elif side == "staff" and rng.random() < 0.3:
        kind, stream, body = "note", "n.ann", {"text": "between us", "mentions": ["s-1"]}
    new = NewEntry(
        stream=stream, id=f"entry-{number:05}", kind=kind, author=author, side=side, author_name=author.title(),
        at=NOW + timedelta(seconds=number), body=body,
    )  # fmt: skip
    known.append(new)
    return new


async def test_what_is_told_folded_onto_what_was_fetched_is_what_is_fetched_next(db: Database) -> None:
    await db.people.add_staff(Staff(id="s-1", shop_id="shop-1", username="u", name="S", password_hash="-"))
    rng, known, told = random.Random(4), [], []  # type: ignore[var-annotated]
    store = db.conversations

    def hear(entries: list[Entry], inboxes: list[Head]) -> None:
        told.extend(entries)

    store.listen(hear)  # type: ignore[arg-type]
    number = 0
    for _ in range(ROUNDS):
        before = {stream: await _fetched(db, stream) for stream in STREAMS}
        marks = await store.marks(list(STREAMS))
        rows, position = await store.rows("shop-1")
        told.clear()
        batch = [_entry(rng, number := number + 1, known) for _ in range(rng.randrange(1, 12))]
        answers = await asyncio.gather(*(store.append(new) for new in batch), return_exceptions=True)
        assert all(not isinstance(a, BaseException) or isinstance(a, Refusal) for a in answers)
        for stream in STREAMS:
            mine = [entry for entry in told if entry.stream == stream]
            assert newest(fold(before[stream], mine), WINDOW) == newest(await _fetched(db, stream), WINDOW)
        seen = [Mark(stream="c.ann", person_id="ann", side="customer", delivered=number, read=number // 2)]
        assert fold_marks(marks, await store.see(seen)) == tuple(await store.marks(list(STREAMS)))
        changed, _ = await store.rows("shop-1", after=position) if position else await store.rows("shop-1")
        now, _ = await store.rows("shop-1")
        assert {row.conversation.id: row for row in [*rows, *changed]} == {row.conversation.id: row for row in now}
