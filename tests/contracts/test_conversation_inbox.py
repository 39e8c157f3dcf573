"""The inbox of a shop, whichever the database."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from domain.conversation import Conversation
from domain.conversation_ports import ConversationStore
from domain.errors import Conflict, NotFound
from domain.stream import Cursor, Kept, NewEntry
from tests.support.kept import NOW
from tests.support.said import Listener, note, positions, reply, said


async def test_the_inbox_is_read_on_from_any_position(store: ConversationStore) -> None:
    heard = Listener()
    store.listen(heard.told)
    await store.append(said(1))
    await store.append(said(2, "bob", stream="c.bob"))
    await store.append(said(3, "far", stream="c.far"))
    rows, head = await store.rows("shop-1")
    assert [(row.conversation.id, row.name, row.head) for row in rows] == [("ann", "Ann", 1), ("bob", "Bob", 1)]
    await reply(store, 4, seen=1)
    changed, later = await store.rows("shop-1", after=head)
    assert [row.conversation.id for row in changed] == ["ann"]
    assert (changed[0].head, changed[0].assignee_name, changed[0].conversation.waiting_since) == (2, "S1", None)
    assert await store.rows("shop-1", after=later) == ([], later)
    assert {inbox.stream for inbox in heard.inboxes} == {"i.shop-1", "i.shop-2"}
    assert [inbox.head for inbox in heard.inboxes if inbox.stream == "i.shop-1"][-1] == later


async def test_words_of_staff_reopen_what_is_closed_for_who_wrote_them(store: ConversationStore) -> None:
    await store.append(said(1))
    await store.append(said(2, "s-1"))
    await store.act("ann", lambda c: c.model_copy(update={"state": "closed"}), note(3, kind="closed", body={}))
    await store.append(said(4, "loupe", side="machine", kind="ring", body={"path": "/s/a"}))
    assert (await store.conversation("ann")).state == "closed"
    await store.append(said(5, "s-2"))
    again = await store.conversation("ann")
    assert (again.state, again.assignee, again.waiting_since) == ("open", "s-2", None)
    snoozed = {"state": "snoozed", "snoozed_until": NOW}
    await store.act("ann", lambda c: c.model_copy(update=snoozed), note(6, kind="snoozed", body={}))
    await store.append(said(7, "s-1"))
    assert (await store.conversation("ann")).state == "snoozed"


async def test_a_first_look_at_the_inbox_leaves_out_what_is_closed(store: ConversationStore) -> None:
    await store.append(said(1))
    await store.append(said(2, "bob", stream="c.bob"))
    await store.act("ann", lambda c: c.model_copy(update={"state": "closed"}), note(3, kind="closed", body={}))
    rows, head = await store.rows("shop-1")
    assert [row.conversation.id for row in rows] == ["bob"]
    changed, _ = await store.rows("shop-1", after=head - 1)
    assert [(row.conversation.id, row.conversation.state) for row in changed] == [("ann", "closed")]


async def test_a_customers_words_open_the_conversation_and_wait_for_an_answer(store: ConversationStore) -> None:
    blank = await store.conversation("ann")
    assert (blank.state, blank.shop_id, blank.customer_head) == ("closed", "shop-1", 0)
    await store.append(said(1))
    await store.append(said(2))
    waiting = await store.conversation("ann")
    assert (waiting.state, waiting.waiting_since, waiting.customer_head) == ("open", said(1).at, 2)
    assert (waiting.preview, waiting.assignee) == ("word 2", None)
    await store.append(said(3, "s-1"))
    await store.append(said(4, "s-2"))
    answered = await store.conversation("ann")
    assert (answered.waiting_since, answered.assignee, answered.staff_head) == (None, "s-1", 4)
    with pytest.raises(NotFound):
        await store.conversation("none")


async def test_of_fifty_who_take_a_conversation_one_wins(store: ConversationStore) -> None:
    await store.append(said(1))

    def take(name: str) -> Any:
        def decide(conversation: Conversation) -> Conversation:
            if conversation.assignee:
                raise Conflict("A colleague has it.")
            return conversation.model_copy(update={"assignee": name})

        return decide

    taken = [store.act("ann", take(f"s-{n}"), note(n, kind="assigned", author=f"s-{n}", body={})) for n in range(50)]
    outcomes = await asyncio.gather(*taken, return_exceptions=True)
    won = [outcome for outcome in outcomes if isinstance(outcome, Kept)]
    assert (len(won), sum(isinstance(outcome, Conflict) for outcome in outcomes)) == (1, 49)
    assert (await store.conversation("ann")).assignee == won[0].entry.author
    assert await positions(store, "n.ann") == [1]
    again = await store.act(
        "ann", take("s-x"), note(0, id=won[0].entry.id, kind="assigned", author=won[0].entry.author)
    )
    assert again == Kept(entry=won[0].entry, is_fresh=False)


async def test_conversations_are_listed_by_state_and_by_who_has_them_newest_first(store: ConversationStore) -> None:
    for number, name in ((1, "ann"), (2, "bob"), (3, "far")):
        await store.append(said(number, name, stream=f"c.{name}"))
    await store.append(said(4, "s-1"))
    await store.act("bob", lambda c: c.model_copy(update={"state": "closed"}), note(5, stream="n.bob", kind="closed"))

    async def ids(**wanted: Any) -> list[str]:
        return [row.conversation.id for row in await store.listed("shop-1", **wanted)]

    assert await ids() == ["bob", "ann"]
    assert await ids(state="closed") == await ids(assignee="") == ["bob"]
    assert await ids(assignee="s-1") == await ids(state="open") == ["ann"]
    (last, *_) = await store.listed("shop-1", limit=1)
    assert await ids(before=last.conversation.inbox_position) == ["ann"]
    assert await ids(before=10**30) == ["bob", "ann"]
    assert (last.name, last.head) == ("Bob", 1)


async def test_what_was_put_off_is_due_when_its_time_has_come(store: ConversationStore) -> None:
    for number, name in ((1, "ann"), (2, "bob")):
        await store.append(said(number, name, stream=f"c.{name}"))
        until = NOW + timedelta(hours=number)
        put_off = {"state": "snoozed", "snoozed_until": until}
        told = note(3 + number, stream=f"n.{name}", kind="snoozed", body={"until": until.isoformat()})
        await store.act(name, lambda c, put_off=put_off: c.model_copy(update=put_off), told)  # type: ignore[misc]
    assert await store.due(NOW + timedelta(minutes=59)) == []
    assert await store.due(NOW + timedelta(hours=1)) == ["ann"]
    assert await store.due(NOW + timedelta(hours=3)) == ["ann", "bob"]
    assert await store.due(NOW + timedelta(hours=3), limit=1) == ["ann"]
    await store.append(said(9))
    assert await store.due(NOW + timedelta(hours=3)) == ["bob"]


async def test_a_note_tells_the_colleagues_of_this_shop_that_it_names(store: ConversationStore) -> None:
    kept = await store.append(note(1, body={"text": "Look", "mentions": ["s-2", "s-9", "s-none"]}))
    (mention,) = await store.entries("s.s-2")
    assert (mention.kind, mention.body) == ("mention", {"conversation": "ann", "position": kept.entry.position})
    assert await positions(store, "s.s-9") == await positions(store, "c.ann") == []
    assert not (await store.append(note(1, body={"text": "Look", "mentions": ["s-2"]}))).is_fresh
    assert await positions(store, "s.s-2") == [1]
    assert (await store.conversation("ann")).preview == ""


async def test_an_inbox_is_proved_where_the_last_change_of_some_conversation_is(store: ConversationStore) -> None:
    at: dict[int, int] = {}
    for number, stream in enumerate(("c.ann", "c.bob", "c.ann"), start=1):
        await store.append(said(number, stream=stream))
        [head] = await store.heads(["i.shop-1"])
        at[head.head] = head.digest
    assert len(set(at.values())) == 3
    proved = {p: await store.matches(Cursor(stream="i.shop-1", position=p, digest=d)) for p, d in at.items()}
    assert proved == {1: False, 2: True, 3: True}  # where Ann's first change was, nothing stands any more
    for position, digest in ((2, at[3]), (3, at[2]), (4, at[3])):
        assert not await store.matches(Cursor(stream="i.shop-1", position=position, digest=digest))


async def test_what_changes_nothing_leaves_no_note(store: ConversationStore) -> None:
    await store.append(said(1))
    before = await store.heads(["i.shop-1"])
    assert await store.act("ann", lambda c: c, note(2, kind="assigned", body={})) is None
    assert await positions(store, "n.ann") == []
    assert await store.heads(["i.shop-1"]) == before


async def test_of_those_who_ring_at_once_one_rings_until_it_is_answered_or_a_minute_is_over(
    store: ConversationStore,
) -> None:
    def ring(number: int, author: str) -> NewEntry:
        return said(number, author, kind="ring", body={"path": "/s/a"}, at=NOW + timedelta(seconds=number))

    kept = await asyncio.gather(*(store.append(ring(1, f"s-{n}")) for n in range(8)))
    assert {each.entry.position for each in kept} == {1}
    assert [each.is_fresh for each in kept].count(True) == 1
    assert (await store.append(ring(10, "s-1"))).entry.position == 1
    assert (await store.append(ring(61, "s-1"))).entry.position == 2

    def rung(number: int, ring_id: str) -> NewEntry:
        answer = {"ring": ring_id, "answer": "withdrawn"}
        return said(number, "loupe", kind="rung", side="machine", body=answer, at=NOW)

    at_once = await asyncio.gather(store.append(rung(62, kept[0].entry.id)), store.append(ring(63, "s-2")))
    assert [each.entry.position for each in at_once] == [3, 2]  # the first one's answer, and the second one rings on
    await store.append(rung(64, "s-1-000061"))
    assert (await store.append(ring(65, "s-2"))).entry.position == 5
