"""Two carriers, one stream: kept once, shown once, whichever way it went."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from signaling.feed import CONFIRM_WITHIN_S
from tests.support.houses import ANN
from tests.support.tabs import PROPOSAL, cmid, opened


async def test_an_event_reaches_both_and_is_answered_with_its_position(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei, call_id = await stand.talking()
        answer = await mei.propose(service="The heel")
        heard = await ann.event("booking")
        assert heard["body"]["booking"]["service"] == "The heel"
        assert heard["position"] == answer["position"] == len(stand.house.calls.streams[call_id])
        assert (await mei.event("booking"))["position"] == answer["position"]


async def test_the_same_request_on_both_carriers_is_kept_once_and_answered_the_same(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei, call_id = await stand.talking()
        mei.open_channel()
        frame = {"type": "booking.propose", "cmid": cmid(), **PROPOSAL}
        on_channel = mei.say_on_channel(**frame)
        on_socket = await mei.ask(**frame)
        answer = await mei.channel_frame(lambda f: f.get("ref") == on_channel)
        assert answer["position"] == on_socket["position"]
        kept = [e for e in stand.house.calls.streams[call_id] if e.kind == "booking"]
        assert len(kept) == 1
        await ann.event("booking")
        await ann.ask("ping")
        assert sum(f["type"] == "event" and f["event"]["kind"] == "booking" for f in ann.frames) == 1


async def test_copies_of_a_request_that_is_still_being_kept_cost_nothing_and_each_is_answered(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        _, mei, call_id = await stand.talking()
        mei.open_channel()
        frame = {"type": "booking.propose", "cmid": cmid(), **PROPOSAL}
        other = {**frame, "cmid": cmid()}
        async with stand.live.floor.visits[call_id].turn:  # the store is slow
            refs = [await mei.send(**frame) for _ in range(3)]
            on_channel = mei.say_on_channel(**frame)
            late = await mei.send(**other)
            refusal = await mei.refused("consent.set", cmid=cmid(), recording=True)
            assert refusal["code"] == "forbidden"  # answered at once
            assert stand.live.counts()["copies"] == 3
        answers = [await mei.answer_to(ref) for ref in refs]
        answers.append(await mei.channel_frame(lambda f: f.get("ref") == on_channel))
        assert [answer["type"] for answer in answers] == ["ok"] * 4
        assert len({answer["position"] for answer in answers}) == 1
        assert (await mei.answer_to(late))["position"] == answers[0]["position"] + 1


async def test_one_id_for_two_proposals_is_no_copy(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        _, mei, call_id = await stand.talking()
        frame = {"type": "booking.propose", "cmid": cmid(), **PROPOSAL}
        past = {**frame, "starts_at": "2020-12-01T10:00:00Z"}
        async with stand.live.floor.visits[call_id].turn:
            refs = [await mei.send(**each) for each in (past, frame)]
        assert (await mei.answer_to(refs[0]))["code"] == "bad_request"
        assert (await mei.answer_to(refs[1]))["type"] == "ok"


async def test_events_travel_on_the_data_channel_when_it_is_open(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei, _ = await stand.talking()
        ann.open_channel()
        before = len(ann.frames)
        await mei.propose()
        heard = await ann.channel_frame(lambda f: f["type"] == "event")
        assert heard["event"]["kind"] == "booking"
        await ann.ask("seen", delivered=heard["event"]["position"])
        assert [f for f in ann.frames[before:] if f["type"] == "event"] == []


async def test_an_event_that_a_dead_channel_swallowed_comes_again_on_the_socket_within_a_second_and_a_half(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as stand:
        ann, mei, _ = await stand.talking()
        ann.open_channel()
        started = asyncio.get_running_loop().time()
        await mei.propose()
        await ann.channel_frame(lambda f: f["type"] == "event")  # the node took it; the phone never confirms
        await ann.event("booking")
        waited = asyncio.get_running_loop().time() - started
        assert CONFIRM_WITHIN_S * 0.9 < waited < CONFIRM_WITHIN_S + 0.5


async def test_what_was_on_a_channel_that_closes_comes_on_the_socket_at_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei, _ = await stand.talking()
        ann.open_channel()
        await mei.propose()
        await ann.channel_frame(lambda f: f["type"] == "event")
        started = asyncio.get_running_loop().time()
        stand.house.node.close_channel(ann.node_peer)
        await ann.event("booking")
        assert asyncio.get_running_loop().time() - started < CONFIRM_WITHIN_S / 2


async def test_a_booking_passes_both_ways_with_both_sockets_cut(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei, call_id = await stand.talking()
        ann.open_channel()
        mei.open_channel()
        await ann.close()
        await mei.close()
        proposed = await mei.ask_on_channel("booking.propose", cmid=cmid(), **PROPOSAL)
        event = await ann.channel_frame(lambda f: f["type"] == "event" and f["event"]["kind"] == "booking")
        booking = event["event"]["body"]["booking"]
        assert (booking["state"], booking["currency"]) == ("proposed", "CNY")
        await ann.ask_on_channel("booking.answer", cmid=cmid(), booking_id=booking["id"], answer="confirm")
        confirmed = await mei.channel_frame(
            lambda f: f["type"] == "event" and f["event"]["position"] > proposed["position"]
        )
        assert confirmed["event"]["body"]["booking"]["state"] == "confirmed"
        assert stand.live.floor.visits[call_id].call.state == "live"


async def test_hello_on_the_data_channel_is_welcomed_there(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, _, call_id = await stand.talking()
        ann.open_channel()
        welcome = await ann.ask_on_channel("hello", position=0)
        assert (welcome["type"], welcome["call"]["id"]) == ("welcome", call_id)


async def test_a_returning_page_gets_what_it_missed(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei, _ = await stand.talking()
        first = await mei.propose()
        await ann.close()
        second = await mei.propose()
        back = await stand.tab(ANN, position=first["position"])
        assert [e["position"] for e in back.welcome["events"]] == [second["position"]]
        synced = await back.ask("sync", after=first["position"])
        assert synced["events"] == back.welcome["events"]


async def test_delivered_and_read_are_seen_by_the_other_side_and_only_grow(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei, call_id = await stand.talking()
        position = (await mei.propose())["position"]
        await ann.ask("seen", delivered=position)
        mark = (await mei.news("watermark"))["watermark"]
        assert mark == {"person_id": ANN.id, "delivered": position, "read": 0}
        await ann.ask("seen", delivered=0, read=position)
        await mei.news("watermark", lambda f: f["watermark"]["read"] == position)
        await ann.ask("seen", delivered=10**9, read=1)
        kept = (await stand.house.calls.watermarks(call_id))[0]
        assert (kept.delivered, kept.read) == (position, position)


async def test_the_newest_tab_of_a_person_wins_and_the_older_is_told_and_sent_away(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei, _ = await stand.talking()
        newer = await stand.tab(ANN, position=1)
        await ann.news("replaced")
        assert await ann.closed() == 4500
        await mei.propose()
        await newer.event("booking")


async def test_a_slow_reader_is_closed_with_a_come_back_code_and_misses_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei, call_id = await stand.talking()
        session = stand.live.floor.sessions["customer", ANN.id]
        assert session.socket is not None
        for _ in range(2000):  # nobody reads: no turn of the loop in between
            session.say(json.dumps({"type": "noise", "text": "x" * 100}))
        assert await ann.closed() == 4001
        await mei.propose(service="Hello")
        back = await stand.tab(ANN, position=1)
        assert "Hello" in str(back.welcome["events"])
        assert stand.live.floor.visits[call_id].call.state == "live"


async def test_an_answer_whose_socket_is_gone_comes_on_the_channel(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, _, _ = await stand.talking()
        ann.open_channel()
        ref = ann.say_on_channel(type="ping")
        await ann.channel_frame(lambda f: f.get("ref") == ref)
        await ann.close()
        call = await ann.channel_frame(lambda f: f["type"] == "call" or f.get("ref") == ref)
        assert call


async def test_a_stopping_server_says_come_back(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann = await stand.waiting()
        await stand.live.close()
        assert await ann.closed() == 4000
