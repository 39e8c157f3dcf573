"""Two things at the same moment: each is done once, and answered as if it had been alone."""

from __future__ import annotations

import asyncio
from pathlib import Path

from signaling.node import PeerConnected
from tests.support.fake_node import OFFER_SDP
from tests.support.houses import ANN, LI, MEI
from tests.support.tabs import PROPOSAL, cmid, opened


async def test_a_colleague_who_accepts_and_connects_at_the_same_moment_takes_over_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei, call_id = await stand.talking()
        li = await stand.staff(LI, connected=False)
        await li.ask("media.offer", peer="p1", sdp=OFFER_SDP)
        li.peer = "p1"
        await mei.ask("call.invite", staff_id=LI.id, handover=True)
        ref = await li.send(type="invite.answer", call_id=call_id, accept=True)
        answer = asyncio.create_task(li.answer_to(ref))
        while not answer.done():
            stand.house.node.emit(PeerConnected(li.node_peer))
            await asyncio.sleep(0)
        await mei.call_where(lambda c: MEI.id not in [p["id"] for p in c["people"]])
        await ann.ask("ping")
        kinds = [event.kind for event in stand.house.calls.streams[call_id]]
        assert kinds.count("left") == 1
        assert stand.house.calls.calls[call_id].staff_ids == (LI.id,)
        assert stand.live.floor.counts["faults"] == 0


async def test_a_hand_over_that_meets_the_end_of_the_call_is_no_fault(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei, call_id = await stand.talking()
        li = await stand.staff(LI, connected=False)
        await li.ask("media.offer", peer="p1", sdp=OFFER_SDP)
        li.peer = "p1"
        await mei.ask("call.invite", staff_id=LI.id, handover=True)
        await li.ask("invite.answer", call_id=call_id, accept=True)
        over = await ann.send(type="call.end")
        answer = asyncio.create_task(ann.answer_to(over))
        while not answer.done():
            stand.house.node.emit(PeerConnected(li.node_peer))
            await asyncio.sleep(0)
        await stand.house.node.until(lambda: call_id in stand.house.node.ended)
        assert stand.live.floor.counts["faults"] == 0


async def test_what_was_kept_before_the_call_ended_is_answered_the_same_after_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei, _ = await stand.talking()
        proposed, agreed = cmid(), cmid()
        first = await mei.propose(cmid=proposed)
        booking = (await ann.event("booking"))["body"]["booking"]
        confirmed = await ann.ask("booking.answer", cmid=agreed, booking_id=booking["id"], answer="confirm")
        await mei.ask("call.end")
        repeat = await ann.ask("booking.answer", cmid=agreed, booking_id=booking["id"], answer="confirm")
        assert repeat["position"] == confirmed["position"]
        assert (await mei.propose(cmid=proposed))["position"] == first["position"]
        assert (await mei.refused("booking.propose", cmid=cmid(), **PROPOSAL))["code"] == "conflict"
        assert (await ann.refused("consent.set", cmid=agreed, recording=True))["code"] == "conflict"
        assert (await ann.refused("booking.answer", cmid=cmid(), booking_id=booking["id"], answer="decline"))[
            "code"
        ] == "conflict"


async def test_the_same_id_of_two_colleagues_is_two_proposals_and_two_pictures(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        _, mei, call_id = await stand.talking()
        li = await stand.staff(LI)
        await mei.ask("call.invite", staff_id=LI.id)
        await li.ask("invite.answer", call_id=call_id, accept=True)
        same, other = cmid(), cmid()
        positions = [(await tab.propose(cmid=same))["position"] for tab in (mei, li)]
        pictures = [(await tab.ask("picture.take", cmid=other))["picture"]["id"] for tab in (mei, li)]
        assert len(set(positions)) == len(set(pictures)) == 2


async def test_a_connection_offered_again_right_after_a_refusal_stays(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann = await stand.tab(ANN)
        bad = await ann.send(type="media.offer", peer="p1", sdp="v=0\r\n")
        good = await ann.send(type="media.offer", peer="p1", sdp=OFFER_SDP)
        assert (await ann.answer_to(bad))["code"] == "bad_request"
        assert (await ann.answer_to(good))["type"] == "ok"
        await ann.ask("ping")
        ann.peer = "p1"
        assert list(stand.house.node.peers) == [ann.node_peer]
        stand.house.node.connect(ann.node_peer)
        session = stand.live.floor.sessions["customer", ANN.id]
        assert session.peer is not None
        assert session.peer.is_connected


async def test_a_booking_answered_on_both_carriers_at_once_is_answered_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei, call_id = await stand.talking()
        ann.open_channel()
        await mei.ask("booking.propose", cmid=cmid(), **PROPOSAL)
        booking = next(iter(stand.house.calls.kept_bookings.values()))
        answer = {"type": "booking.answer", "booking_id": booking.id}
        for words in (("confirm", "confirm"), ("decline", "decline")):
            mine = cmid()
            on_channel = ann.say_on_channel(cmid=mine, answer=words[0], **answer)
            on_socket = await ann.send(cmid=mine, answer=words[1], **answer)
            answers = [
                await ann.channel_frame(lambda f, r=on_channel: f.get("ref") == r),  # type: ignore[misc]
                await ann.answer_to(on_socket),
            ]
            assert {a["type"] for a in answers} == ({"ok"} if words[0] == "confirm" else {"error"}), answers
        kinds = [e.body["booking"]["state"] for e in stand.house.calls.streams[call_id] if e.kind == "booking"]
        assert kinds == ["proposed", "confirmed"]


async def test_two_tabs_of_one_customer_who_join_at_once_have_one_call(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        first, second = await asyncio.gather(stand.tab(ANN), stand.tab(ANN))
        for tab in (first, second):
            if not tab.socket.closed:
                await tab.send(type="call.join", name="Ann", consent=True)
        await stand.house.node.until(lambda: True)
        later = await stand.tab(ANN)
        await later.ask("call.join", name="Ann", consent=True)
        assert len(stand.live.floor.open_visits()) == 1


async def test_a_customer_who_leaves_while_being_answered_is_left_or_met_but_never_both(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        mei = await stand.staff(MEI)
        for _ in range(8):
            ann = await stand.waiting(connected=False)
            call_id = stand.live.floor.open_visits()[0].id
            leave = await ann.send(type="call.end")
            take = await mei.send(type="call.answer", call_id=call_id)
            left, answered = await asyncio.gather(ann.answer_to(leave), mei.answer_to(take))
            call = stand.house.calls.calls[call_id]
            assert left["type"] == "ok"
            assert call.is_over
            assert (answered["type"] == "ok") == bool(call.staff_ids)
            assert call.state == ("ended" if call.staff_ids else "abandoned")
            assert stand.live.floor.visit_including(stand.live.floor.sessions["staff", MEI.id]) is None
            await ann.close()
            stand.give_breath(mei)
