"""What every database must keep of people and calls, whichever it is: run against SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
from datetime import timedelta, timezone

import pytest

from domain import call as calls
from domain.call import Call
from domain.errors import AlreadyTaken, Conflict, NotFound
from domain.people import Customer, LeftMessage, Staff
from store.database import Database, open_database
from tests.support.kept import CALL, LIVE, NOW, SHOP, message

# --- people -------------------------------------------------------------------------------------------------------


async def test_a_shop_is_found_by_id_and_by_slug_as_it_was_kept(db: Database) -> None:
    assert await db.people.shop("shop-1") == SHOP
    assert await db.people.shop_by_slug("lin") == SHOP
    with pytest.raises(NotFound):
        await db.people.shop_by_slug("none")
    with pytest.raises(Conflict):
        await db.people.add_shop(SHOP.model_copy(update={"id": "shop-2"}))


async def test_a_username_is_one_person_however_it_is_capitalised(db: Database) -> None:
    lin = Staff(id="s-0", shop_id="shop-1", username="Lin", name="Lin Mei", password_hash="x")
    await db.people.add_staff(lin)
    assert await db.people.staff("s-0") == lin
    assert await db.people.staff_by_username("lIN") == lin
    assert await db.people.staff_by_username("nobody") is None
    assert await db.people.staff_of("shop-1") == [lin]
    with pytest.raises(Conflict, match="taken"):
        await db.people.add_staff(lin.model_copy(update={"id": "s-1", "username": "LIN"}))
    with pytest.raises(NotFound):
        await db.people.add_staff(lin.model_copy(update={"id": "s-2", "username": "other", "shop_id": "none"}))


async def test_a_customer_who_comes_again_is_renamed(db: Database) -> None:
    await db.people.put_customer(Customer(id="ann", shop_id="shop-1", name="安", language="zh-CN", created_at=NOW))
    kept = await db.people.customer("ann")
    assert (kept.name, kept.language, kept.created_at) == ("安", "zh-CN", NOW)
    with pytest.raises(NotFound):
        await db.people.customer("none")


async def test_a_left_message_is_kept_once_and_finished_once(db: Database) -> None:
    kept = [
        LeftMessage(
            id=f"m-{i}",
            shop_id="shop-1",
            customer_id="ann",
            name="Ann",
            text="x",
            created_at=NOW + i * calls.REJOIN_WINDOW,
        )
        for i in range(3)
    ]
    for one in kept:
        await db.people.leave_message(one)
    await db.people.leave_message(kept[0].model_copy(update={"text": "other"}))
    done = await db.people.finish_left_message("m-2", "s-0", NOW)
    assert await db.people.finish_left_message("m-2", "s-1", NOW + timedelta(hours=1)) == done
    assert (done.done_by, done.done_at) == ("s-0", NOW)
    assert await db.people.left_message("m-0") == kept[0]
    assert await db.people.left_messages("shop-1") == [kept[1], kept[0], done]
    assert await db.people.left_messages("shop-1", limit=1) == [kept[1]]
    with pytest.raises(NotFound):
        await db.people.finish_left_message("none", "s-0", NOW)


# --- calls --------------------------------------------------------------------------------------------------------


async def test_a_call_comes_back_as_it_was_kept_with_times_in_utc(db: Database) -> None:
    shanghai = timezone(timedelta(hours=8))
    call = LIVE.model_copy(
        update={
            "answered_at": NOW.astimezone(shanghai),
            "invited_ids": ("s-1",),
            "held": True,
            "consent": True,
            "note": "“灰”",
        }
    )
    await db.calls.add(call)
    kept = await db.calls.get("call-1")
    assert kept == call
    assert kept.answered_at is not None
    assert kept.answered_at.utcoffset() == timedelta(0)
    with pytest.raises(NotFound):
        await db.calls.get("none")


async def test_a_customer_has_at_most_one_open_call(db: Database) -> None:
    second = CALL.model_copy(update={"id": "call-2"})
    results = await asyncio.gather(db.calls.add(CALL), db.calls.add(second), return_exceptions=True)
    assert [type(result) for result in results if result is not None] == [Conflict]
    open_call = await db.calls.open_call_of("ann")
    assert open_call is not None
    await db.calls.change(open_call.id, lambda call: calls.end(call, "left_line", NOW))
    assert await db.calls.open_call_of("ann") is None
    await db.calls.add(CALL.model_copy(update={"id": "call-3"}))


async def test_a_call_of_an_unknown_customer_is_not_kept(db: Database) -> None:
    with pytest.raises(NotFound):
        await db.calls.add(CALL.model_copy(update={"customer_id": "none"}))


async def test_of_200_who_answer_exactly_one_wins_and_the_others_learn_who(db: Database) -> None:
    await db.calls.add(CALL)

    async def answer(staff_id: str) -> Call:
        return await db.calls.change("call-1", lambda call: calls.answer(call, staff_id, NOW))

    results = await asyncio.gather(*(answer(f"s-{i}") for i in range(200)), return_exceptions=True)
    winners = [result for result in results if isinstance(result, Call)]
    assert len(winners) == 1
    winner = winners[0].staff_ids[0]
    assert {result.taken_by for result in results if isinstance(result, AlreadyTaken)} == {winner}
    assert sum(isinstance(result, AlreadyTaken) for result in results) == 199
    assert (await db.calls.get("call-1")).staff_ids == (winner,)


async def test_changes_of_one_call_are_never_lost_to_each_other(db: Database) -> None:
    await db.calls.add(CALL)

    def add_dot(call: Call) -> Call:
        return call.model_copy(update={"note": call.note + "."})

    await asyncio.gather(*(db.calls.change("call-1", add_dot) for _ in range(50)))
    assert (await db.calls.get("call-1")).note == "." * 50


async def test_what_a_decision_raises_passes_through_and_nothing_is_written(db: Database) -> None:
    await db.calls.add(CALL)

    class OwnFault(Exception):
        pass

    def refuse(call: Call) -> Call:
        raise OwnFault

    outcomes = await asyncio.gather(
        db.calls.change("call-1", refuse),
        db.calls.change("call-1", lambda call: calls.set_consent(call, True)),
        db.calls.change("call-1", refuse),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [OwnFault, Call, OwnFault]
    assert await db.calls.get("call-1") == CALL.model_copy(update={"consent": True})
    with pytest.raises(NotFound):
        await db.calls.change("none", refuse)


async def test_open_calls_are_oldest_first_and_history_is_newest_first(db: Database) -> None:
    for i in range(5):
        call = CALL.model_copy(update={"id": f"old-{i}", "created_at": NOW + timedelta(seconds=i)})
        await db.calls.add(calls.end(call, "left_line", NOW))
    later = CALL.model_copy(update={"id": "b", "created_at": NOW + timedelta(hours=1)})
    sooner = CALL.model_copy(update={"id": "c", "customer_id": "bob"})
    for call in (later, sooner):
        await db.calls.add(call)
    assert await db.calls.open_calls("shop-1") == await db.calls.open_calls() == [sooner, later]
    assert await db.calls.open_calls("other") == []
    page = await db.calls.history("shop-1", limit=3)
    assert [call.id for call in page] == ["old-4", "old-3", "old-2"]
    rest = await db.calls.history("shop-1", before=page[-1].created_at)
    assert [call.id for call in rest] == ["old-1", "old-0"]


# --- opening ------------------------------------------------------------------------------------------------------


async def test_what_was_kept_is_there_after_closing_and_a_second_open_changes_nothing(address: str) -> None:
    async with open_database(address) as db:
        await db.people.add_shop(SHOP)
    async with open_database(address) as db:
        assert await db.people.shop("shop-1") == SHOP


async def test_someone_who_gives_up_waiting_harms_nobody_else(db: Database) -> None:
    await db.calls.add(CALL)
    writes = [asyncio.ensure_future(db.calls.append(message(i))) for i in range(40)]
    await asyncio.wait([writes[0]])
    for write in writes[1::2]:
        write.cancel()
    results = await asyncio.gather(*writes, return_exceptions=True)
    kept = await db.calls.events("call-1")
    assert [event.position for event in kept] == list(range(1, len(kept) + 1))
    acknowledged = [result[0] for result in results if isinstance(result, tuple)]
    assert len(acknowledged) >= 20
    assert all(event in kept for event in acknowledged)
    assert (await db.calls.append(message(99)))[1]
