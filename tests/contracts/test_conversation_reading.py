"""How streams are read on, and how far people are in them."""

from __future__ import annotations

import asyncio

from domain.conversation_ports import ConversationStore
from domain.stream import Cursor, Mark
from tests.support.said import said


async def test_a_stream_is_read_on_and_back_from_any_position(store: ConversationStore) -> None:
    for number in range(7):
        await store.append(said(number))
    assert [e.position for e in await store.entries("c.ann", after=2, limit=3)] == [3, 4, 5]
    assert [e.position for e in await store.older("c.ann", before=4, limit=2)] == [2, 3]
    assert await store.older("c.ann", before=1) == []
    assert await store.entries("c.ann", after=10**30) == await store.entries("c.none") == []
    assert len(await store.older("c.ann", before=10**30)) == 7


async def test_a_cursor_is_proved_by_its_digest(store: ConversationStore) -> None:
    kept = [(await store.append(said(number))).entry for number in range(3)]
    assert await store.matches(Cursor(stream="c.ann", position=2, digest=kept[1].digest))
    assert await store.matches(Cursor(stream="c.ann"))
    assert await store.matches(Cursor(stream="c.none"))
    for position, digest in ((2, kept[0].digest), (4, kept[2].digest), (0, 5), (2**40, 0)):
        assert not await store.matches(Cursor(stream="c.ann", position=position, digest=digest))


async def test_marks_grow_never_pass_the_head_and_belong_to_one_person(store: ConversationStore) -> None:
    for number in range(5):
        await store.append(said(number))

    def mark(delivered: int, read: int, person: str = "s-1", stream: str = "c.ann") -> Mark:
        return Mark(stream=stream, person_id=person, side="staff", delivered=delivered, read=read)

    assert await store.see([mark(3, 1)]) == [mark(3, 1)]
    assert await store.see([mark(2, 2), mark(1, 0, "s-2")]) == [mark(3, 2), mark(1, 0, "s-2")]
    assert await store.see([mark(10**30, 0), mark(0, 4), mark(9, 9, stream="c.none")]) == [
        mark(5, 4), mark(0, 0, stream="c.none"),
    ]  # fmt: skip
    assert await store.see([mark(0, 0)]) == [mark(5, 4)]
    assert await store.marks(["c.ann"]) == [mark(5, 4), mark(1, 0, "s-2")]
    assert [m for m in await store.marks_of("s-1") if m.delivered] == [mark(5, 4)]
    both = [store.see([mark(5, n, "s-3")]) for n in range(6)]
    await asyncio.gather(*both)
    assert (await store.marks_of("s-3")) == [mark(5, 5, "s-3")]
