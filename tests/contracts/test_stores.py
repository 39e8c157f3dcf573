"""What every database must keep, whichever it is: run against SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from domain import call as calls
from domain.call import Call
from domain.errors import AlreadyTaken, Conflict, Invalid, NotFound
from domain.people import Customer, LeftMessage, Service, Shop, Staff
from domain.record import Booking, BookingState, CallEvent, NewEvent, Picture, Recording, Watermark
from store.database import Database, open_database
from tests.support.databases import Cluster, postgresql_cluster, sqlite_address

NOW = datetime(2026, 11, 22, 10, 30, 15, 123456, tzinfo=UTC)
SHOP = Shop(
    id="shop-1", slug="lin", name="Lin", name_zh="林记", services=(Service(name="Sole", minutes=30, price=900),)
)
CALL = Call(id="call-1", shop_id="shop-1", customer_id="ann", customer_name="Ann", matter="a scratch", created_at=NOW)
LIVE = CALL.model_copy(update={"state": "live", "staff_ids": ("s-0",), "answered_at": NOW, "live_at": NOW})


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with postgresql_cluster() as started:
        yield started


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return sqlite_address(tmp_path)
    cluster: Cluster = request.getfixturevalue("cluster")
    return cluster.new_database()


@pytest.fixture
async def db(address: str) -> AsyncIterator[Database]:
    async with open_database(address) as opened:
        await opened.people.add_shop(SHOP)
        for name in ("ann", "bob"):
            await opened.people.put_customer(Customer(id=name, shop_id="shop-1", name=name.title(), created_at=NOW))
        yield opened


def message(number: int, *, author: str = "ann", call_id: str = "call-1", text: str = "hello") -> NewEvent:
    return NewEvent(
        call_id=call_id,
        kind="message",
        cmid=f"cmid-{number:06}",
        author=author,
        side="customer",
        author_name="Ann",
        at=NOW,
        body={"text": text},
    )


def booking(state: BookingState = "proposed", **changes: Any) -> Booking:
    kept = Booking(
        id="booking-1",
        shop_id="shop-1",
        call_id="call-1",
        customer_id="ann",
        service="Sole",
        starts_at=NOW + timedelta(days=2),
        minutes=30,
        price=900,
        currency="CNY",
        state=state,
        proposed_by="s-0",
        proposed_at=NOW,
    )
    return kept.model_copy(update=changes)


PICTURE = Picture(id="pic-1", call_id="call-1", taken_by="s-0", taken_at=NOW, width=640, height=480, blob="a" * 64)


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
    assert sorted(type(result) for result in results if result is not None) == [Conflict]
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


# --- the stream ---------------------------------------------------------------------------------------------------


async def test_a_message_sent_twice_is_kept_once_and_answered_the_same(db: Database) -> None:
    await db.calls.add(CALL)
    first, is_new = await db.calls.append(message(1))
    again, is_new_again = await db.calls.append(message(1, text="changed on the way"))
    other, _ = await db.calls.append(message(1, author="s-0"))
    assert (is_new, is_new_again) == (True, False)
    assert first == again
    assert (first.position, other.position) == (1, 2)
    assert await db.calls.events("call-1") == [first, other]


async def test_a_message_sent_on_both_carriers_at_once_is_kept_once(db: Database) -> None:
    await db.calls.add(CALL)
    for number in range(20):
        pair = await asyncio.gather(*(db.calls.append(message(number)) for _ in range(4)))
        assert sorted(is_new for _, is_new in pair) == [False, False, False, True]
        assert len({event.position for event, _ in pair}) == 1
    assert [event.position for event in await db.calls.events("call-1")] == list(range(1, 21))


async def test_positions_have_no_gaps_when_many_write_and_some_are_refused(db: Database) -> None:
    await db.calls.add(LIVE)
    await db.calls.append(message(0), booking=booking())
    await db.calls.append(message(1), booking=booking("confirmed"))

    async def write(number: int) -> CallEvent | None:
        if number % 5 == 0:
            with pytest.raises(Conflict):
                await db.calls.append(message(number), booking=booking("declined"))
            return None
        return (await db.calls.append(message(number)))[0]

    kept = [event for event in await asyncio.gather(*(write(i) for i in range(2, 152))) if event]
    events = await db.calls.events("call-1")
    assert [event.position for event in events] == list(range(1, len(kept) + 3))
    assert events[2:] == sorted(kept, key=lambda event: event.position)


async def test_events_are_read_on_from_any_position(db: Database) -> None:
    await db.calls.add(CALL)
    for number in range(7):
        await db.calls.append(message(number))
    assert [event.position for event in await db.calls.events("call-1", after=2, limit=3)] == [3, 4, 5]
    assert await db.calls.events("call-1", after=7) == []
    assert await db.calls.events("call-1", after=10**30) == []
    assert await db.calls.events("none") == []


async def test_an_event_of_an_unknown_call_is_refused(db: Database) -> None:
    with pytest.raises(NotFound):
        await db.calls.append(message(1, call_id="none"))


@pytest.mark.parametrize(
    "text", ["鞋跟断了 👟", "", "'; DROP TABLE events; --", '"\\u0000" spelt out', "x" * 4000, "\u202e\u0301"]
)
async def test_any_text_that_people_write_comes_back_as_it_was(db: Database, text: str) -> None:
    await db.calls.add(CALL)
    event, _ = await db.calls.append(message(1, text=text))
    assert event.body == {"text": text}
    assert await db.calls.events("call-1") == [event]


@pytest.mark.parametrize("text", ["\x00", "a\\\x00", "\ud800"])
async def test_text_that_one_database_could_not_hold_is_refused_by_both(db: Database, text: str) -> None:
    await db.calls.add(CALL)
    with pytest.raises(Invalid):
        await db.calls.append(NewEvent.model_construct(**{**message(1).model_dump(), "body": {"text": text}}))
    with pytest.raises(Invalid):
        await db.calls.change("call-1", lambda call: call.model_copy(update={"note": text}))
    await db.calls.append(message(2))
    assert [event.position for event in await db.calls.events("call-1")] == [1]


async def test_a_time_without_a_time_zone_is_refused(db: Database) -> None:
    await db.calls.add(LIVE)
    with pytest.raises(Invalid, match="time zone"):
        await db.calls.append(message(1), booking=booking(starts_at=datetime(2027, 1, 1, 9)))
    assert await db.calls.events("call-1") == []


# --- watermarks ---------------------------------------------------------------------------------------------------


async def test_watermarks_only_grow_and_never_pass_the_head(db: Database) -> None:
    await db.calls.add(CALL)
    for number in range(5):
        await db.calls.append(message(number))

    async def see(delivered: int, read: int) -> tuple[int, int]:
        mark = await db.calls.seen(Watermark(call_id="call-1", person_id="s-0", delivered=delivered, read=read))
        return mark.delivered, mark.read

    assert await see(3, 1) == (3, 1)
    assert await see(2, 2) == (3, 2)
    assert await see(10**30, 0) == (5, 2)
    assert await see(0, 4) == (5, 4)
    assert await see(0, 0) == (5, 4)
    assert await db.calls.watermarks("call-1") == [Watermark(call_id="call-1", person_id="s-0", delivered=5, read=4)]
    with pytest.raises(NotFound):
        await db.calls.seen(Watermark(call_id="none", person_id="s-0", delivered=1))


async def test_what_was_read_was_delivered(db: Database) -> None:
    await db.calls.add(CALL)
    await db.calls.append(message(1))
    mark = await db.calls.seen(Watermark(call_id="call-1", person_id="s-0", delivered=0, read=1))
    assert (mark.delivered, mark.read) == (1, 1)


async def test_marks_of_two_devices_at_once_become_the_larger(db: Database) -> None:
    await db.calls.add(CALL)
    for number in range(20):
        await db.calls.append(message(number))
    marks = [Watermark(call_id="call-1", person_id="s-0", delivered=i, read=20 - i) for i in range(21)]
    await asyncio.gather(*(db.calls.seen(mark) for mark in marks))
    assert await db.calls.watermarks("call-1") == [marks[20].model_copy(update={"read": 20})]


# --- bookings, pictures, recordings -------------------------------------------------------------------------------


async def test_a_booking_is_kept_with_its_event_or_not_at_all(db: Database) -> None:
    await db.calls.add(LIVE)
    await db.calls.append(message(1), booking=booking())
    assert await db.calls.booking("booking-1") == booking()
    confirmed = booking("confirmed", answered_at=NOW)
    await db.calls.append(message(2), booking=confirmed)
    await db.calls.append(message(2), booking=confirmed)
    assert await db.calls.bookings("call-1") == [confirmed]
    with pytest.raises(NotFound):
        await db.calls.append(message(3), booking=booking(id="b-2", customer_id="none"))
    assert len(await db.calls.events("call-1")) == 2
    with pytest.raises(NotFound):
        await db.calls.booking("b-2")


async def test_a_booking_is_answered_once_whoever_is_first(db: Database) -> None:
    await db.calls.add(LIVE)
    await db.calls.append(message(0), booking=booking())
    states: list[BookingState] = ["confirmed", "declined"] * 5
    answers = (db.calls.append(message(i + 1), booking=booking(state)) for i, state in enumerate(states))
    results = await asyncio.gather(*answers, return_exceptions=True)
    assert sum(isinstance(result, tuple) for result in results) == 1
    assert sum(isinstance(result, Conflict) for result in results) == 9
    assert [event.position for event in await db.calls.events("call-1")] == [1, 2]


async def test_a_picture_is_kept_with_its_event_and_can_be_drawn_on(db: Database) -> None:
    await db.calls.add(LIVE)
    await db.calls.append(message(1), picture=PICTURE)
    drawn = PICTURE.model_copy(update={"strokes": ({"tool": "pen", "points": [[0.1, 0.25]]},), "source": "still"})
    await db.calls.put_picture(drawn)
    assert await db.calls.picture("pic-1") == drawn
    assert await db.calls.pictures("call-1") == [drawn]
    with pytest.raises(NotFound):
        await db.calls.put_picture(PICTURE.model_copy(update={"id": "none"}))
    with pytest.raises(NotFound):
        await db.calls.picture("none")


async def test_a_recording_grows_in_place(db: Database) -> None:
    await db.calls.add(LIVE)
    assert await db.calls.recording("call-1") == Recording(call_id="call-1", state="none")
    await db.calls.put_recording(Recording(call_id="call-1", state="recording", started_at=NOW))
    ready = Recording(
        call_id="call-1",
        state="ready",
        started_at=NOW,
        duration_s=20.125,
        files={"call": "b" * 64},
        tracks=({"kind": "audio"},),
    )
    await db.calls.put_recording(ready)
    assert await db.calls.recording("call-1") == ready
    with pytest.raises(NotFound):
        await db.calls.put_recording(Recording(call_id="none", state="recording"))


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
