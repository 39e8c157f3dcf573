"""A call from its answer to its end: media plans, hold, hand-over, loss and return."""

from __future__ import annotations

from pathlib import Path

from signaling.node import PeerBack, PeerClosed, PeerLost
from tests.support.fake_node import OFFER_SDP
from tests.support.houses import ANN, BO, LI, MEI, TOM
from tests.support.tabs import PROPOSAL, Stand, Tab, cmid, opened


async def test_answering_connected_people_is_live_at_once_and_packets_flow_both_ways(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        _ann, mei, call_id = await stand.talking()
        assert stand.routes(call_id) == {(ANN.id, 0, MEI.id), (MEI.id, 0, ANN.id)}
        assert stand.tapes(call_id) == {"customer": ANN.id, "staff": MEI.id}
        person = next(p for p in (await mei.ask("hello"))["call"]["people"] if p["id"] == ANN.id)
        assert (person["slot"], person["connected"], person["side"]) == (0, True, "customer")
        await mei.news("recording", lambda f: f["recording"]["state"] == "recording")
        assert stand.house.calls.recordings[call_id].state == "recording"


async def test_without_consent_nothing_is_taped_and_nothing_is_written_down_as_recorded(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei, call_id = await stand.talking(consent=False)
        await mei.ask("call.hold", held=True)
        await mei.ask("call.hold", held=False)
        await ann.ask("call.end")
        await stand.house.node.until(lambda: call_id in stand.house.node.ended)
        assert all(not plan.tapes for plan in stand.house.node.every_plan)
        assert call_id not in stand.house.calls.recordings


async def test_withdrawn_consent_stops_the_tape_before_it_is_answered_and_agreeing_again_resumes_it(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as stand:
        ann, mei, call_id = await stand.talking()
        no, yes = cmid(), cmid()
        answer = await ann.ask("consent.set", cmid=no, recording=False)
        assert stand.tapes(call_id) == {}
        assert (await mei.call_where(lambda c: not c["consent"]))["recording"] == "off"
        assert (await mei.event("consent"))["body"] in ({"recording": False}, {"recording": True})
        await ann.ask("consent.set", cmid=yes, recording=True)
        await stand.house.node.until(lambda: len(stand.tapes(call_id)) == 2)
        late = await ann.ask("consent.set", cmid=no, recording=False)  # a repeat that came late on the other way
        assert late["position"] == answer["position"]
        assert stand.house.calls.calls[call_id].consent is True
        assert len(stand.tapes(call_id)) == 2


async def test_pausing_and_holding_stop_the_tape_and_holding_stops_the_packets(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei, call_id = await stand.talking()
        await mei.ask("recording.pause", paused=True)
        assert stand.tapes(call_id) == {}
        assert len(stand.routes(call_id)) == 2
        assert (await ann.call_where(lambda c: c["recording"] == "paused"))["state"] == "live"
        assert (await ann.event("recording"))["body"] == {"paused": True}
        await mei.ask("recording.pause", paused=False)
        await mei.ask("call.hold", held=True)
        assert stand.routes(call_id) == set()
        assert (await ann.call_where(lambda c: c["held"]))["recording"] == "paused"
        await mei.ask("call.hold", held=False)
        await stand.house.node.until(lambda: len(stand.routes(call_id)) == 2 and len(stand.tapes(call_id)) == 2)


async def _invited(stand: Stand, mei: Tab, li: Tab, call_id: str, *, handover: bool) -> None:
    await mei.ask("call.invite", staff_id=li.person.id, handover=handover)
    news = await li.news("invitation")
    assert (news["call_id"], news["from_name"], news["handover"]) == (call_id, "Mei", handover)


async def test_an_invited_colleague_joins_and_all_three_see_each_other_in_their_slots(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei, call_id = await stand.talking()
        li = await stand.staff(LI)
        await _invited(stand, mei, li, call_id, handover=False)
        answer = await li.ask("invite.answer", call_id=call_id, accept=True)
        assert {p["id"]: p["slot"] for p in answer["call"]["people"]} == {ANN.id: 0, MEI.id: 1, LI.id: None}
        assert answer["events"][-1]["kind"] == "joined"
        everyone = {(ANN.id, 0, MEI.id), (ANN.id, 1, LI.id), (MEI.id, 0, ANN.id), (MEI.id, 1, LI.id)}
        everyone |= {(LI.id, 0, ANN.id), (LI.id, 1, MEI.id)}
        await stand.house.node.until(lambda: stand.routes(call_id) == everyone)
        assert stand.tapes(call_id) == {"customer": ANN.id, "staff": MEI.id, f"staff-{LI.id}": LI.id}
        assert (await ann.event("joined"))["author_name"] == "Li"
        await li.ask("call.leave")
        await stand.house.node.until(lambda: len(stand.routes(call_id)) == 2)
        assert (await ann.event("left"))["author_name"] == "Li"


async def test_a_hand_over_leaves_the_call_with_the_colleague_alone(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        _ann, mei, call_id = await stand.talking()
        li = await stand.staff(LI)
        await _invited(stand, mei, li, call_id, handover=True)
        await li.ask("invite.answer", call_id=call_id, accept=True)
        last = await mei.call_where(lambda c: MEI.id not in [p["id"] for p in c["people"]])
        assert last["state"] == "live"
        await stand.house.node.until(lambda: stand.routes(call_id) == {(ANN.id, 0, LI.id), (LI.id, 0, ANN.id)})
        assert stand.house.calls.calls[call_id].staff_ids == (LI.id,)
        await mei.news("line", lambda f: any(c["in_call"] for c in f["colleagues"]))
        assert (await mei.refused("booking.propose", cmid=cmid(), **PROPOSAL))["code"] == "conflict"


async def test_a_hand_over_to_somebody_not_yet_connected_waits_until_they_are(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        _, mei, call_id = await stand.talking()
        li = await stand.staff(LI, connected=False)
        await _invited(stand, mei, li, call_id, handover=True)
        await li.ask("invite.answer", call_id=call_id, accept=True)
        assert stand.house.calls.calls[call_id].staff_ids == (MEI.id, LI.id)
        await li.connect()
        await mei.call_where(lambda c: MEI.id not in [p["id"] for p in c["people"]])


async def test_a_declined_invitation_disappears_and_an_uninvited_colleague_cannot_come_in(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        _, mei, call_id = await stand.talking()
        li, bo = await stand.staff(LI), await stand.staff(BO)
        await _invited(stand, mei, li, call_id, handover=False)
        await mei.call_where(lambda c: [p["id"] for p in c["invited"]] == [LI.id])
        await li.ask("invite.answer", call_id=call_id, accept=False)
        await mei.call_where(lambda c: c["invited"] == [])
        assert (await bo.refused("invite.answer", call_id=call_id, accept=True))["code"] == "forbidden"
        await bo.ask("available.set", available=False)
        assert (await mei.refused("call.invite", staff_id=BO.id))["code"] == "conflict"
        assert (await mei.refused("call.invite", staff_id="staff-nobody"))["code"] == "conflict"
        assert (await mei.refused("call.invite", staff_id=MEI.id))["code"] == "bad_request"
        assert (await mei.refused("call.leave"))["code"] == "conflict"


async def test_an_invitation_is_told_again_to_a_page_that_comes_back(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        _, mei, call_id = await stand.talking()
        li = await stand.staff(LI)
        await _invited(stand, mei, li, call_id, handover=True)
        again = await stand.tab(LI)
        assert (await again.news("invitation"))["handover"] is True


async def test_an_invitation_is_withdrawn_when_its_call_ends(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        _, mei, call_id = await stand.talking()
        li = await stand.staff(LI)
        await _invited(stand, mei, li, call_id, handover=False)
        await mei.ask("call.end")
        assert (await li.news("invitation.gone"))["call_id"] == call_id


async def test_who_accepted_an_invitation_is_not_told_that_it_is_gone(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        _, mei, call_id = await stand.talking()
        li = await stand.staff(LI)
        await _invited(stand, mei, li, call_id, handover=False)
        await li.ask("invite.answer", call_id=call_id, accept=True)
        await mei.ask("call.end")
        await li.call_where(lambda c: c["state"] == "ended")
        assert all(frame["type"] != "invitation.gone" for frame in li.frames)


async def test_a_lost_socket_ends_nothing_while_the_media_lives(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei, call_id = await stand.talking()
        await ann.close()
        await mei.ask("ping")
        stand.house.clock.advance(600)
        await stand.live.presence.look()
        assert stand.house.calls.calls[call_id].state == "live"
        assert stand.house.calls.calls[call_id].customer_gone_at is None


async def test_with_media_and_socket_gone_the_other_side_is_told_and_sixty_seconds_run(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei, _call_id = await stand.talking()
        await ann.close()
        stand.house.node.emit(PeerLost(ann.node_peer, 3.0))
        gone = await mei.call_where(lambda c: not c["people"][0]["connected"])
        assert gone["people"][0]["status"] is None
        stand.house.clock.advance(59)
        await stand.live.presence.look()
        back = await stand.tab(ANN, position=1)
        assert back.welcome["call"]["state"] == "live"
        await mei.call_where(lambda c: c["people"][0]["connected"])
        await back.close()
        await mei.call_where(lambda c: not c["people"][0]["connected"])
        stand.house.clock.advance(60)
        await stand.live.presence.look()
        over = await mei.call_where(lambda c: c["state"] == "ended")
        assert over["end_reason"] == "customer_gone"


async def test_lost_media_shows_as_quality_lost_until_it_is_back(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei, _ = await stand.talking()
        await ann.ask("status.set", muted=True, quality="good")
        await mei.call_where(lambda c: c["people"][0]["status"]["muted"])
        stand.house.node.emit(PeerLost(ann.node_peer, 2.0))
        await mei.call_where(lambda c: c["people"][0]["status"]["quality"] == "lost")
        stand.house.clock.advance(11)
        await stand.live.presence.look()
        assert (await ann.news("media.renew"))["reason"] == "peer_lost"
        stand.house.node.emit(PeerBack(ann.node_peer))
        await mei.call_where(lambda c: c["people"][0]["status"]["quality"] == "good")


async def test_a_dead_worker_asks_for_a_new_connection_and_the_plan_follows_to_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei, call_id = await stand.talking()
        for tab in (ann, mei):
            stand.house.node.emit(PeerClosed(tab.node_peer, worker_died=True))
            assert (await tab.news("media.renew"))["reason"] == "worker_lost"
        await ann.connect("p2")
        await mei.connect("p2")
        await stand.house.node.until(
            lambda: {t.peer for t in stand.plan(call_id).tapes} == {ann.node_peer, mei.node_peer}
        )
        assert stand.house.calls.calls[call_id].state == "live"


async def test_the_same_peer_is_an_ice_restart_and_a_new_one_takes_over_once_connected(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei, call_id = await stand.talking()
        await ann.ask("media.offer", peer="p1", sdp=OFFER_SDP)
        node = stand.house.node
        assert len(node.peers[f"{ANN.id}.p1"].offers) == 2
        await ann.ask("media.offer", peer="p2", sdp=OFFER_SDP)
        assert {t.peer for t in stand.plan(call_id).tapes} == {f"{ANN.id}.p1", mei.node_peer}
        node.connect(f"{ANN.id}.p2")
        await node.until(lambda: f"{ANN.id}.p1" in node.closed)
        assert {t.peer for t in stand.plan(call_id).tapes} == {f"{ANN.id}.p2", mei.node_peer}


async def test_an_offer_that_the_node_refuses_is_told_and_leaves_the_old_connection(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, _, call_id = await stand.talking()
        refusal = await ann.refused("media.offer", peer="p2", sdp="v=0")
        assert (refusal["code"], "video" in refusal["message"]) == ("bad_request", True)
        assert stand.live.floor.sessions["customer", ANN.id].peer is not None
        assert len(stand.routes(call_id)) == 2
        for number in range(12):
            last = await ann.answer_to(await ann.send(type="media.offer", peer=f"q{number}", sdp=OFFER_SDP))
        assert last["code"] == "rate_limited"


async def test_two_people_with_the_same_peer_id_do_not_meet(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann = await stand.waiting(ANN)
        tom = await stand.waiting(TOM)
        assert ann.peer == tom.peer
        assert set(stand.house.node.peers) == {f"{ANN.id}.p1", f"{TOM.id}.p1"}


async def test_a_stalled_media_node_holds_up_neither_a_booking_nor_a_new_page(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei, call_id = await stand.talking()
        stand.house.node.stalled = True
        held = await mei.send(type="call.hold", held=True)
        await mei.propose()
        await ann.event("booking")
        await stand.tab(LI)
        refusal = await mei.answer_to(held)
        assert refusal["code"] == "unavailable"
        stand.house.node.stalled = False
        await stand.live.presence.look()
        assert stand.routes(call_id) == set()


async def test_hanging_up_tells_all_frees_staff_and_ends_the_media(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei, call_id = await stand.talking()
        tom = await stand.waiting(TOM)
        await mei.ask("call.end")
        over = await ann.call_where(lambda c: c["state"] == "ended")
        assert over["end_reason"] == "staff_hung_up"
        await stand.house.node.until(lambda: call_id in stand.house.node.ended)
        assert (await tom.news("place", lambda f: f["staff_available"] == 1))["number"] == 1
        await ann.ask("call.end")  # said twice is fine
        assert (await ann.refused("consent.set", cmid=cmid(), recording=True))["code"] == "conflict"
        again = await ann.ask("call.join", name="Ann", matter="Another heel")
        assert again["call"]["id"] != call_id


async def test_a_customers_connection_outlives_the_call_for_its_last_words_and_one_for_the_next_call_stays(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as stand:
        ann, tom = await stand.waiting(ANN), await stand.waiting(TOM)
        for tab in (ann, tom):
            await tab.ask("call.end")
        stand.house.clock.advance(4)
        await stand.live.presence.look()
        assert set(stand.house.node.peers) == {ann.node_peer, tom.node_peer}
        await tom.connect()  # the same name again, for another call
        stand.house.clock.advance(1)
        await stand.live.presence.look()
        assert (stand.house.node.closed, set(stand.house.node.peers)) == ([ann.node_peer], {tom.node_peer})
        await tom.ask("call.join", name="Tom", matter="Another heel")
        mei = await stand.staff()
        await mei.ask("call.answer", call_id=next(iter(stand.live.floor.open_visits())).id)
        await tom.call_where(lambda c: c["state"] == "live")


async def test_a_node_that_misses_the_end_of_a_call_is_told_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei, call_id = await stand.talking()
        stand.house.node.broken = True
        await mei.ask("call.end")
        await ann.call_where(lambda c: c["state"] == "ended")
        assert stand.routes(call_id)
        stand.house.node.broken = False
        await stand.live.presence.look()
        assert call_id in stand.house.node.ended


async def test_the_private_note_never_travels_to_a_customer(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei, call_id = await stand.talking()
        ann.open_channel()
        secret = "wants-a-discount"
        await mei.ask("note.save", call_id=call_id, text=secret)
        li = await stand.staff(LI)
        await mei.ask("call.invite", staff_id=LI.id)
        answer = await li.ask("invite.answer", call_id=call_id, accept=True)
        assert answer["call"]["note"] == secret
        await mei.ask("call.hold", held=True)
        await mei.propose()
        back = await stand.tab(ANN)
        await ann.closed()
        await mei.ask("call.end")
        await back.call_where(lambda c: c["state"] == "ended")
        await mei.ask("note.save", call_id=call_id, text=secret + " again")
        await back.ask("sync", after=0)
        heard = [*ann.frames, *back.frames, *ann.heard_on_channel(), *back.heard_on_channel()]
        assert len(heard) > 10
        assert secret not in str(heard)
        assert all(f["call"]["note"] is None for f in heard if f["type"] == "call")
        assert stand.house.calls.calls[call_id].note == secret + " again"


async def test_absent_colleagues_leave_a_call_that_others_carry_on(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        _, mei, call_id = await stand.talking()
        li = await stand.staff(LI)
        await mei.ask("call.invite", staff_id=LI.id)
        await li.ask("invite.answer", call_id=call_id, accept=True)
        await li.close()
        stand.house.node.emit(PeerClosed(li.node_peer))
        await mei.call_where(lambda c: len(c["people"]) == 3 and not c["people"][2]["connected"])
        stand.house.clock.advance(61)
        await stand.live.presence.look()
        await mei.call_where(lambda c: len(c["people"]) == 2)
        assert stand.house.calls.calls[call_id].state == "live"
