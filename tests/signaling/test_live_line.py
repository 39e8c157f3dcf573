"""The waiting line and who answers it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from domain.call import Call
from domain.people import Customer, LeftMessage
from signaling.visit import Visit
from tests.support.fake_node import OFFER_SDP
from tests.support.houses import ANN, LI, MEI, START, TOM, ZHOU
from tests.support.pages import page
from tests.support.rtc_heard import until
from tests.support.tabs import opened


async def test_another_name_said_on_joining_is_the_name_in_the_conversation_too(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        writes, call = await page(stand, ANN), await stand.tab(ANN)
        await call.ask("call.join", name="Anna", matter="A scuffed heel", consent=False)
        await writes.write(f"c.{ANN.id}", "Hello")
        told = (await writes.reads(f"c.{ANN.id}", 1)).entries[-1]
        assert (told["kind"], told["author_name"]) == ("text", "Anna")


async def test_a_name_that_nobody_can_read_is_none(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann = await stand.tab(ANN)
        assert (await ann.refused("call.join", name="\u200b \u2060", matter="", consent=False))["code"] == "bad_request"


async def test_a_customer_hears_their_place_and_staff_the_whole_line(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        tablet = await stand.staff()
        ann = await stand.waiting(ANN)
        assert (await ann.news("place"))["number"] == 1
        tom = await stand.waiting(TOM)
        place = await tom.news("place")
        assert (place["number"], place["staff_available"]) == (2, 1)
        line = await tablet.news("line", lambda f: len(f["waiting"]) == 2)
        assert [(w["name"], w["number"], w["connected"]) for w in line["waiting"]] == [
            ("Ann", 1, True),
            ("Tom", 2, True),
        ]
        assert line["available"] is True
        await ann.ask("call.end")
        assert (await tom.news("place"))["number"] == 1
        over = await ann.call_where(lambda c: c["ended_at"] is not None)
        assert stand.house.calls.calls[over["id"]].state == "abandoned"


async def test_staff_count_as_available_while_they_say_so_are_here_and_are_not_in_a_call(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        assert stand.live.staff_available(MEI.shop_id) == 0
        tablet = await stand.staff()
        assert stand.live.staff_available(MEI.shop_id) == 1
        await tablet.ask("available.set", available=False)
        assert stand.live.staff_available(MEI.shop_id) == 0
        await tablet.ask("available.set", available=True)
        ann = await stand.waiting()
        call_id = (await tablet.news("line", lambda f: bool(f["waiting"])))["waiting"][0]["call_id"]
        await tablet.ask("call.answer", call_id=call_id)
        assert stand.live.staff_available(MEI.shop_id) == 0
        await ann.ask("call.end")
        assert stand.live.staff_available(MEI.shop_id) == 1


async def test_a_server_that_carries_all_it_can_refuses_new_calls_and_keeps_those_that_are_there(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as stand:
        ann, mei, call_id = await stand.talking()
        stand.house.node.busy, there = True, set(stand.house.node.peers)
        tom = await stand.tab(TOM)
        refusal = await tom.refused("call.join", name="Tom", matter="Blue boots", consent=False)
        assert refusal["code"] == "unavailable"
        assert (await tom.refused("media.offer", peer="tom1", sdp=OFFER_SDP))["code"] == "unavailable"
        assert stand.house.node.peers.keys() == there
        assert await stand.house.calls.open_call_of(TOM.id) is None
        await ann.ask("media.offer", peer="ann2", sdp=OFFER_SDP)
        await mei.propose(service="Still here")
        assert (await ann.event("booking"))["body"]["booking"]["service"] == "Still here"
        stand.house.node.busy = False
        assert (await tom.ask("call.join", name="Tom", matter="Blue boots", consent=False))["call"]["id"] != call_id


async def test_who_joins_twice_gets_the_same_call(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann = await stand.waiting()
        first = stand.live.floor.open_visits()[0].id
        again = await ann.ask("call.join", name="Ann", matter="something else", consent=True)
        assert again["call"]["id"] == first
        assert again["call"]["matter"] == "A scuffed heel"


async def test_two_tablets_that_answer_200_customers_at_once_have_exactly_one_winner_each(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        mei, li = await stand.staff(MEI), await stand.staff(LI)
        for number in range(200):
            customer = Customer(id=f"c{number}", shop_id=MEI.shop_id, name=f"C{number}", created_at=START)
            stand.house.people.customers[customer.id] = customer
            call = await stand.house.waiting_call(customer)
            stand.live.floor.visits[call.id] = Visit(call)
            for tablet in (mei, li):
                stand.give_breath(tablet)
            refs = await asyncio.gather(*(t.send(type="call.answer", call_id=call.id) for t in (mei, li)))
            answers = await asyncio.gather(mei.answer_to(refs[0]), li.answer_to(refs[1]))
            won = [a for a in answers if a["type"] == "ok"]
            lost = [a for a in answers if a["type"] == "error"]
            assert len(won) == len(lost) == 1
            winner, name = (mei, "Mei") if answers[0] in won else (li, "Li")
            assert (lost[0]["code"], lost[0]["taken_by"]) == ("already_taken", name)
            assert stand.house.calls.calls[call.id].staff_ids == (winner.person.id,)
            await winner.ask("call.end")


async def test_staff_in_a_call_cannot_answer_another(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        _, mei, _ = await stand.talking()
        tom = await stand.waiting(TOM)
        await tom.news("place")
        call_id = next(v.id for v in stand.live.floor.open_visits() if v.call.customer_id == TOM.id)
        assert (await mei.refused("call.answer", call_id=call_id))["code"] == "conflict"


async def test_staff_of_another_shop_see_and_answer_nothing_of_this_one(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        zhou = await stand.staff(ZHOU)
        await stand.waiting()
        call_id = stand.live.floor.open_visits()[0].id
        assert (await zhou.refused("call.answer", call_id=call_id))["code"] == "not_found"
        assert (await zhou.refused("note.save", call_id=call_id, text="x"))["code"] == "not_found"
        assert all(not f["waiting"] for f in zhou.frames if f["type"] == "line")


async def test_a_customer_without_a_connection_rings_until_it_is_up(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        tablet = await stand.staff()
        ann = await stand.waiting(connected=False)
        call_id = stand.live.floor.open_visits()[0].id
        assert (await tablet.ask("call.answer", call_id=call_id))["call"]["state"] == "ringing"
        assert stand.house.node.every_plan == []
        await ann.connect()
        assert (await tablet.call_where(lambda c: c["state"] == "live"))["live_at"] is not None
        await stand.house.node.until(lambda: len(stand.routes(call_id)) == 2)


async def test_a_customer_who_closes_the_tab_keeps_the_place_for_sixty_seconds(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        tablet = await stand.staff()
        ann = await stand.waiting(connected=False)
        call_id = stand.live.floor.open_visits()[0].id
        await ann.close()
        await tablet.news("line", lambda f: bool(f["waiting"]) and not f["waiting"][0]["connected"])
        stand.house.clock.advance(59)
        await stand.live.presence.look()
        back = await stand.tab(ANN)
        assert back.welcome["call"]["id"] == call_id
        await tablet.news("line", lambda f: bool(f["waiting"]) and f["waiting"][0]["connected"])
        await back.close()
        await tablet.news("line", lambda f: bool(f["waiting"]) and not f["waiting"][0]["connected"])
        stand.house.clock.advance(61)
        await stand.live.presence.look()
        assert stand.house.calls.calls[call_id].state == "abandoned"
        await tablet.news("line", lambda f: not f["waiting"])
        assert (await stand.tab(ANN)).welcome["call"] is None


async def test_a_customer_whom_nobody_answers_all_day_was_missed(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann = await stand.waiting()
        stand.house.clock.advance(5 * 3600)
        await stand.live.presence.look()
        call = await ann.call_where(lambda c: c["state"] == "missed")
        assert call["end_reason"] == "nobody_answered"


async def test_a_left_message_shows_in_the_line_of_its_shop(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        tablet = await stand.staff()
        message = LeftMessage(
            id="m1", shop_id=MEI.shop_id, customer_id=ANN.id, name="Ann", text="Heel", created_at=START
        )
        await stand.house.people.leave_message(message)
        await stand.live.left_message_arrived(MEI.shop_id)
        await tablet.news("line", lambda f: f["unread_left_messages"] == 1)
        await stand.house.people.finish_left_message("m1", MEI.id, START)
        await stand.live.left_message_arrived(MEI.shop_id)
        await tablet.news("line", lambda f: f["unread_left_messages"] == 0)


async def test_a_customer_who_connects_while_the_answer_is_being_kept_comes_into_a_live_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as stand:
        ann, mei = await stand.waiting(connected=False), await stand.staff()
        call_id = stand.live.floor.open_visits()[0].id
        session = stand.live.floor.sessions["customer", ANN.id]
        calls, keep = stand.house.calls, stand.house.calls.change

        async def keep_slowly(call_id: str, decide: Callable[[Call], Call]) -> Call:
            kept = await keep(call_id, decide)
            if kept.state == "ringing":
                await ann.connect()
                await until(lambda: session.peer is not None and session.peer.is_connected)
                await ann.ask("sync", after=0)  # what the connection brings about has run
            return kept

        monkeypatch.setattr(calls, "change", keep_slowly)
        await mei.ask("call.answer", call_id=call_id)
        await ann.call_where(lambda c: c["state"] == "live")
