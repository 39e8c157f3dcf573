"""What every database must keep of a call's stream and of what travels on it: run against SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
from datetime import datetime

import pytest

from domain.errors import Conflict, Invalid, NotFound
from domain.record import BookingState, CallEvent, NewEvent, Recording, Watermark
from store.database import Database
from tests.support.kept import CALL, LIVE, NOW, PICTURE, booking, message

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
    assert await db.calls.kept("call-1", "ann", message(1).cmid) == first
    assert await db.calls.kept("call-1", "bob", message(1).cmid) is None
    assert await db.calls.kept("call-2", "ann", message(1).cmid) is None


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


async def test_a_time_that_could_be_written_but_never_read_is_refused(db: Database) -> None:
    await db.calls.add(LIVE)
    for time in ("9999-12-31T23:59:59-23:00", "0001-01-01T00:00:00+23:00"):
        with pytest.raises(Invalid):
            await db.calls.append(message(1), booking=booking(starts_at=datetime.fromisoformat(time)))
    assert await db.calls.bookings("call-1") == []
    assert await db.calls.events("call-1") == []


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
