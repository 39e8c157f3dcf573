"""What every store of conversations must keep: run against SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.call import end
from domain.conversation import Conversation
from domain.conversation_ports import ConversationStore
from domain.errors import Conflict, Expect, Forbidden, HeldBack, Invalid, NotFound, NotReady, TooLate
from domain.people import Customer, Shop, Staff
from domain.record import Recording
from domain.stream import Cursor, Device, Entry, Head, Kept, Mark, NewEntry, next_digest
from store.database import Database, open_database
from tests.support.kept import CALL, LIVE, NOW, SHOP, booking, message

OTHER_SHOP = Shop(id="shop-2", slug="mei", name="Mei")


def device(who: str, person: str | None = None, **changes: Any) -> Device:
    person = person or who
    side = "staff" if person.startswith("s-") else "customer"
    made = Device(id=f"device-{who}", person_id=person, side=side, made_at=NOW, seen_at=NOW)  # type: ignore[arg-type]
    return made.model_copy(update=changes)


def said(number: int, author: str = "ann", **changes: Any) -> NewEntry:
    """Words without a device, in Ann's conversation."""
    side = "staff" if author.startswith("s-") else "customer"
    entry = NewEntry(
        stream="c.ann", id=f"{author}-{number:06}", kind="text", author=author, side=side, author_name=author.title(),
        at=NOW + timedelta(seconds=number), body={"text": f"word {number}"},
    )  # type: ignore[arg-type] # fmt: skip
    return entry.model_copy(update=changes)


def note(number: int, **changes: Any) -> NewEntry:
    return said(number, "s-1").model_copy(update={"stream": "n.ann", "kind": "note", **changes})


class Listener:
    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.inboxes: list[Head] = []

    def told(self, entries: Sequence[Entry], inboxes: Sequence[Head]) -> None:
        self.entries += entries
        self.inboxes += inboxes


@pytest.fixture
async def store(db: Database) -> ConversationStore:
    await db.people.add_shop(OTHER_SHOP)
    for number in (1, 2):
        person = Staff(id=f"s-{number}", shop_id="shop-1", username=f"u{number}", name=f"S{number}", password_hash="-")
        await db.people.add_staff(person)
    await db.people.add_staff(Staff(id="s-9", shop_id="shop-2", username="u9", name="S9", password_hash="-"))
    await db.people.put_customer(Customer(id="far", shop_id="shop-2", name="Far", created_at=NOW))
    return db.conversations


async def positions(store: ConversationStore, stream: str = "c.ann") -> list[int]:
    return [entry.position for entry in await store.entries(stream, limit=1000)]


# --- writing ----------------------------------------------------------------------------------------------------------


async def test_an_entry_sent_twice_is_kept_once_and_answered_the_same(store: ConversationStore) -> None:
    first = await store.append(said(1))
    again = await store.append(said(1, body={"text": "changed on the way"}, at=NOW + timedelta(days=1)))
    other = await store.append(said(1, "s-1", id=said(1).id))
    assert (first.is_fresh, again.is_fresh, other.is_fresh) == (True, False, True)
    assert again.entry == first.entry
    assert [first.entry.position, other.entry.position] == [1, 2]
    assert await store.entries("c.ann") == [first.entry, other.entry]


async def test_an_entry_that_comes_twice_at_once_is_kept_once(store: ConversationStore) -> None:
    answers = await asyncio.gather(*(store.append(said(n // 4)) for n in range(80)))
    assert sum(answer.is_fresh for answer in answers) == 20
    assert {(a.entry.id, a.entry.position) for a in answers} == {(said(n).id, n + 1) for n in range(20)}


async def test_an_id_belongs_to_one_thing_of_its_author(store: ConversationStore) -> None:
    await store.append(said(1))
    with pytest.raises(Conflict):
        await store.append(said(1, kind="ring", body={"path": "/s/lin"}))
    with pytest.raises(Conflict):
        await store.append(said(1, stream="c.bob"))
    assert await positions(store, "c.bob") == []


async def test_two_hundred_writers_get_the_positions_in_the_order_of_commits(store: ConversationStore) -> None:
    heard = Listener()
    store.listen(heard.told)
    kept = await asyncio.gather(*(store.append(said(n, f"w{n}")) for n in range(200)))
    assert sorted(answer.entry.position for answer in kept) == list(range(1, 201))
    assert [entry.position for entry in heard.entries] == list(range(1, 201))
    digest = 0
    for entry in await store.entries("c.ann", limit=1000):
        digest = next_digest(digest, entry.id)
        assert entry.digest == digest
    assert await store.heads(["c.ann", "c.bob"]) == [
        Head(stream="c.ann", head=200, digest=digest),
        Head(stream="c.bob", head=0, digest=0),
    ]


async def test_a_device_writes_in_its_own_order(store: ConversationStore) -> None:
    await store.device(device("ann"))
    for counter, expected in ((2, 1), (0, 1)):
        with pytest.raises(Expect) as refused:
            await store.append(said(counter, device="device-ann", counter=counter))
        assert refused.value.expected == expected
    burst = [store.append(said(n, device="device-ann", counter=n)) for n in (1, 2, 4, 3)]
    outcomes = await asyncio.gather(*burst, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Kept, Kept, Expect, Kept]
    assert (await store.append(said(2, device="device-ann", counter=77))).entry.position == 2
    assert (await store.device(device("ann"))).counter == 3
    assert await positions(store) == [1, 2, 3]


async def test_a_device_that_is_unknown_ended_or_anothers_writes_nothing(store: ConversationStore) -> None:
    await store.device(device("bob"))
    with pytest.raises(NotFound):
        await store.append(said(1, device="device-ann", counter=1))
    with pytest.raises(Forbidden):
        await store.append(said(1, device="device-bob", counter=1))
    with pytest.raises(Conflict):
        await store.device(device("bob", "ann"))
    await store.end_device("device-bob", NOW)
    with pytest.raises(Forbidden) as ended:
        await store.append(said(1, "bob", stream="c.bob", device="device-bob", counter=1))
    assert ended.value.code == "ended"
    with pytest.raises(Forbidden):
        await store.device(device("bob"))
    with pytest.raises(NotFound):
        await store.end_device("none", NOW)
    assert await positions(store) == await positions(store, "c.bob") == []


async def test_a_batch_keeps_what_is_good_and_leaves_no_hole_for_what_is_not(store: ConversationStore) -> None:
    bad = {"text": "\x00"}
    batch = [
        said(1), said(2, body=bad), said(3, stream="c.none"), said(4, kind="image", body={"attachment": "none"}),
        said(5, kind="recall", body={"target": "unknown-one"}), said(6, at=datetime(2026, 1, 1)), said(7),
        said(8, author_name="\ud800"),
    ]  # fmt: skip
    outcomes = await asyncio.gather(*(store.append(entry) for entry in batch), return_exceptions=True)
    kinds = [Kept, Invalid, NotFound, NotReady, NotFound, Invalid, Kept, Invalid]
    assert [type(outcome) for outcome in outcomes] == kinds
    assert await positions(store) == [1, 2]
    assert (await store.append(said(9))).entry.position == 3


@pytest.mark.parametrize("words", ["鞋跟断了 👟", "'; DROP TABLE entries; --", '"\\u0000" spelt out', "\u202e\u0301"])
async def test_any_words_that_people_write_come_back_as_they_were(store: ConversationStore, words: str) -> None:
    kept = await store.append(said(1, body={"text": words, "more": [1, 2.5, None, {"a": True}]}))
    assert await store.entries("c.ann") == [kept.entry]
    assert kept.entry.body["text"] == words


# --- replies that have not seen ---------------------------------------------------------------------------------------


async def reply(store: ConversationStore, number: int, staff: str = "s-1", **changes: Any) -> Kept:
    counter = (await store.device(device(staff))).counter + 1
    return await store.append(said(number, staff, device=f"device-{staff}", counter=counter, **changes))


async def test_a_reply_that_has_not_seen_the_newest_words_is_held_back(store: ConversationStore) -> None:
    await store.append(said(1))
    await store.append(said(2))
    with pytest.raises(HeldBack) as held:
        await reply(store, 3, seen=1)
    assert held.value.position == 2
    assert (await reply(store, 3, seen=2)).entry.position == 3
    assert (await reply(store, 4, seen=2)).entry.position == 4  # own words never hold back
    with pytest.raises(HeldBack) as held:
        await reply(store, 5, "s-2", seen=3)
    assert held.value.position == 4
    assert (await reply(store, 5, "s-2", seen=3, force=True)).entry.position == 5
    with pytest.raises(HeldBack):
        await reply(store, 6, seen=4)
    assert (await store.device(device("s-1"))).counter == 2


async def test_of_two_replies_at_once_the_second_is_held_back(store: ConversationStore) -> None:
    await store.append(said(1))
    both = [reply(store, 2, "s-1", seen=1), reply(store, 3, "s-2", seen=1)]
    outcomes = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["HeldBack", "Kept"]


# --- taking back ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "is_taken_back"), [(119, True), (120, True), (121, False)])
async def test_own_words_can_be_taken_back_for_two_minutes(
    store: ConversationStore, seconds: int, is_taken_back: bool
) -> None:
    await store.append(said(0))
    await store.append(said(1, "s-1"))
    recall = said(2, kind="recall", body={"target": said(0).id}, at=NOW + timedelta(seconds=seconds))
    if not is_taken_back:
        with pytest.raises(TooLate):
            await store.append(recall)
        assert (await store.entries("c.ann"))[0].body == {"text": "word 0"}
        return
    assert (await store.append(recall)).entry.position == 3
    stub, other, last = await store.entries("c.ann")
    assert (stub.gone, stub.body, other.gone, last.kind) == ("recalled", {}, None, "recall")
    assert (await store.conversation("ann")).preview == ""
    with pytest.raises(Conflict):
        await store.append(recall.model_copy(update={"id": "again-0001"}))
    assert not (await store.append(recall)).is_fresh


async def test_words_can_be_taken_back_in_the_batch_that_brings_them(store: ConversationStore) -> None:
    recall = said(2, kind="recall", body={"target": said(1).id})
    await asyncio.gather(store.append(said(1)), store.append(recall))
    assert [entry.gone for entry in await store.entries("c.ann")] == ["recalled", None]


async def test_nobody_takes_back_what_others_wrote(store: ConversationStore) -> None:
    await store.append(said(1))
    for target in (said(1).id, "unknown-one"):
        with pytest.raises(NotFound):
            await store.append(said(2, "s-1", kind="recall", body={"target": target}))
    with pytest.raises(NotFound):
        await store.append(said(2, stream="n.ann", kind="recall", body={"target": said(1).id}))


# --- reading ----------------------------------------------------------------------------------------------------------


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


# --- the inbox --------------------------------------------------------------------------------------------------------


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


async def test_a_touched_row_is_told_anew_and_nothing_else_of_it_changes(store: ConversationStore) -> None:
    heard = Listener()
    store.listen(heard.told)
    await store.touch("bob")
    assert (heard.inboxes, (await store.row("bob")).name) == ([], "Bob")
    await store.append(said(1))
    before, (_, head) = await store.row("ann"), await store.rows("shop-1")
    await store.touch("ann")
    [after], _ = await store.rows("shop-1", after=head)
    assert (heard.entries[1:], heard.inboxes[-1].head) == ([], after.conversation.inbox_position)
    places = {"inbox_position", "inbox_digest"}
    assert after.conversation.model_dump(exclude=places) == before.conversation.model_dump(exclude=places)
    assert (after.name, after.head) == ("Ann", 1)
    with pytest.raises(NotFound):
        await store.row("nobody")


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
    assert (again.is_fresh, again.entry) == (False, won[0].entry)


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
        await store.act(name, lambda c, put_off=put_off: c.model_copy(update=put_off), told)
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


# --- calls ------------------------------------------------------------------------------------------------------------


async def test_what_happens_in_a_call_is_told_in_the_conversation(db: Database) -> None:
    heard = Listener()
    db.conversations.listen(heard.told)
    await db.calls.add(LIVE)
    await db.calls.append(message(1, text="The heel"))
    await db.calls.append(message(1, text="The heel"))
    await db.calls.append(message(2, author="s-0").model_copy(update={"side": "staff"}), booking=booking())
    consent = message(3).model_copy(update={"kind": "consent", "body": {"recording": True}})
    await db.calls.append(consent)
    over = NOW + timedelta(seconds=90)
    await db.calls.change("call-1", lambda call: end(call, "staff_hung_up", over))
    await db.calls.change("call-1", lambda call: call.model_copy(update={"note": "later"}))
    ready = Recording(call_id="call-1", state="ready", started_at=NOW, duration_s=20.125)
    await db.calls.put_recording(ready)
    await db.calls.put_recording(ready)
    entries = await db.conversations.entries("c.ann")
    assert [(e.position, e.kind, e.id.removeprefix("call-1.")) for e in entries] == [
        (1, "text", "cmid-000001"), (2, "text", "cmid-000002"), (3, "call", "over"), (4, "recording", "recording"),
    ]  # fmt: skip
    assert entries[0].body == {"text": "The heel", "call_id": "call-1"}
    assert entries[2].body == {"call_id": "call-1", "state": "ended", "seconds": 90.0}
    assert heard.entries == entries
    conversation = await db.conversations.conversation("ann")
    assert (conversation.state, conversation.waiting_since) == ("open", None)


async def test_a_call_that_nobody_answered_waits_in_the_inbox(db: Database) -> None:
    await db.calls.add(CALL)
    await db.calls.change("call-1", lambda call: end(call, "nobody_answered", NOW + timedelta(minutes=10)))
    (entry,) = await db.conversations.entries("c.ann")
    assert (entry.kind, entry.body["state"], entry.side) == ("call", "missed", "machine")
    conversation = await db.conversations.conversation("ann")
    assert (conversation.state, conversation.waiting_since) == ("open", entry.at)


# --- devices and the house --------------------------------------------------------------------------------------------


async def test_a_code_lets_one_device_in_once_and_not_for_ever(store: ConversationStore) -> None:
    await store.put_code("hash-1", "ann", NOW + timedelta(minutes=5))
    await store.put_code("hash-2", "ann", NOW + timedelta(minutes=5))
    assert await store.use_code("hash-1", NOW) == "ann"
    for code, at in (("hash-1", NOW), ("none", NOW), ("hash-2", NOW + timedelta(minutes=5))):
        with pytest.raises(NotFound):
            await store.use_code(code, at)


async def test_a_persons_devices_are_listed_until_they_are_ended(store: ConversationStore) -> None:
    await store.device(device("ann", name="Phone"))
    await store.device(device("two", "ann", seen_at=NOW + timedelta(hours=2)))
    await store.device(device("ann", name="Phone", seen_at=NOW + timedelta(hours=3)))
    assert [d.id for d in await store.devices_of("ann")] == ["device-ann", "device-two"]
    await store.end_device("device-ann", NOW)
    assert [d.id for d in await store.devices_of("ann")] == ["device-two"]


async def test_the_epoch_lasts_until_it_is_renewed(address: str) -> None:
    async with open_database(address) as db:
        first = await db.conversations.epoch()
    async with open_database(address) as db:
        assert await db.conversations.epoch() == first
        renewed = await db.conversations.renew_epoch()
        assert renewed != first
        assert await db.conversations.epoch() == renewed


# --- two nodes --------------------------------------------------------------------------------------------------------


@pytest.fixture
async def nodes(cluster: Any) -> AsyncIterator[list[ConversationStore]]:
    address = cluster.new_database()
    async with open_database(address) as one, open_database(address) as two:
        await one.people.add_shop(SHOP)
        for number in range(10):
            await one.people.put_customer(Customer(id=f"c{number}", shop_id="shop-1", name="C", created_at=NOW))
        yield [one.conversations, two.conversations]


async def test_two_nodes_on_one_postgresql_never_double_and_never_stop_each_other(
    nodes: list[ConversationStore],
) -> None:
    devices = [device(f"c{number}") for number in range(10)]
    for each in devices:
        await nodes[0].device(each)

    def entry(customer: int, counter: int) -> NewEntry:
        name = f"c{customer}"
        return said(counter, name, stream=f"c.{name}", device=f"device-{name}", counter=counter)

    async def write(customer: int, carrier: int) -> None:
        for counter in range(1, 31):  # each entry goes to both nodes, as on two carriers
            await nodes[carrier].append(entry(customer, counter))

    async def take(customer: int, node: int) -> None:
        for number in range(10):
            own = note(
                number, stream=f"n.c{customer}", id=f"note-{customer}-{node}-{number:04}", kind="closed", body={}
            )
            await nodes[node].act(f"c{customer}", lambda c: c.model_copy(update={"state": "closed"}), own)

    pairs = [(customer, node) for customer in range(10) for node in (0, 1)]
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        for customer, node in pairs:
            group.create_task(write(customer, node))
            group.create_task(take(customer, node))
    for number in range(10):
        entries = await nodes[0].entries(f"c.c{number}", limit=1000)
        assert [e.position for e in entries] == list(range(1, 31))
        assert [e.counter for e in entries] == list(range(1, 31))
        assert await positions(nodes[1], f"n.c{number}") == list(range(1, 21))
    rows, head = await nodes[0].rows("shop-1", after=1)
    assert len({row.conversation.inbox_position for row in rows}) == 10
    assert max(row.conversation.inbox_position for row in rows) == head


async def test_one_id_to_two_streams_from_two_nodes_at_once_is_kept_in_one(nodes: list[ConversationStore]) -> None:
    for number in range(20):
        both = [
            nodes[0].append(said(number, stream="c.c1")), nodes[0].append(said(number, "w1", stream="c.c1")),
            nodes[1].append(said(number, stream="c.c2")), nodes[1].append(said(number, "w2", stream="c.c2")),
        ]  # fmt: skip
        outcomes = await asyncio.gather(*both, return_exceptions=True)
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict", "Kept", "Kept", "Kept"]
    total = [*await positions(nodes[0], "c.c1"), *await positions(nodes[0], "c.c2")]
    assert len(total) == 60
