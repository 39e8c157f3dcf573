"""What is written into conversations: once, in order, held back where it has not seen, taken back in time."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from domain.conversation_ports import ConversationStore
from domain.errors import Conflict, Expect, Forbidden, HeldBack, Invalid, NotFound, NotReady, TooLate
from domain.stream import Head, Kept, next_digest
from tests.support.kept import NOW
from tests.support.said import Listener, device, positions, reply, said


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
