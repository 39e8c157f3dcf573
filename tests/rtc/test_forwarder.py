from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtc import nack, rtcp, rtp
from rtc.forwarder import Forwarder
from rtc.rtcp import Report, SenderInfo
from tests.rtc.synthetic import DELTA, KEY, MS, OTHER_IDS, Browser, Sent, elements, packet


@pytest.fixture
def forwarder() -> Forwarder:
    return Forwarder()


def both(a: Browser, b: Browser) -> list[tuple[str, int, str]]:
    return [(a.id, 0, b.id), (b.id, 0, a.id)]


def in_order(sent: list[Sent]) -> bool:
    return all((b.sequence - a.sequence) & 0xFFFF == 1 for a, b in itertools.pairwise(sent))


def is_key(sent: Sent) -> bool:
    return rtp.vp8_starts_keyframe(sent.payload)


PLI = (rtcp.PAYLOAD_FEEDBACK, rtcp.PLI)
NACK = (rtcp.TRANSPORT_FEEDBACK, rtcp.NACK)


def test_a_late_joiner_starts_with_the_last_keyframe_and_a_fresh_one_is_asked_for_soon(forwarder: Forwarder) -> None:
    phone, tablet = Browser(forwarder, 1), Browser(forwarder, 2)
    made: list[bytes] = []
    for n in range(10):
        frame = phone.frame(n * 50 * MS, key=n in (0, 4))
        made = frame if n == 4 else made + frame
    assert tablet.port.rtp == []
    forwarder.set_routes("call", [(tablet.id, 0, phone.id)], 500 * MS)
    got = tablet.port.of(tablet.leg("video"))
    assert [sent.payload for sent in got] == [p[rtp.read_layout(p).header_bytes :] for p in made]  # type: ignore[union-attr]
    assert is_key(got[0])
    assert in_order(got)
    phone.frame(550 * MS)
    assert in_order(tablet.port.of(tablet.leg("video")))
    forwarder.tick(850 * MS)
    assert phone.port.kinds() == []
    forwarder.tick(900 * MS)
    assert phone.port.kinds() == [PLI]


def test_a_sink_that_cannot_use_the_replay_gets_a_fresh_keyframe_at_once(forwarder: Forwarder) -> None:
    phone, tablet = Browser(forwarder, 1), Browser(forwarder, 2)
    phone.frame(0, key=True)
    forwarder.set_routes("call", [(tablet.id, 0, phone.id)], 10 * MS)
    tablet.say(rtcp.build_pli(1, tablet.leg("video")), 30 * MS)
    assert phone.port.kinds() == [PLI]


def test_replayed_frames_are_told_as_just_taken_and_live_ones_keep_their_rhythm(forwarder: Forwarder) -> None:
    phone, tablet = Browser(forwarder, 1), Browser(forwarder, 2)
    for n in range(10):
        phone.frame(n * 50 * MS, key=n == 0)
    forwarder.set_routes("call", [(tablet.id, 0, phone.id)], 500 * MS)
    phone.frame(500 * MS)
    stamps = list(dict.fromkeys(sent.stamp for sent in tablet.port.of(tablet.leg("video"))))
    steps = [(b - a) & 0xFFFFFFFF for a, b in itertools.pairwise(stamps)]
    assert steps == [90] * 9 + [4500]


def test_without_a_keyframe_nothing_is_shown_until_one_comes(forwarder: Forwarder) -> None:
    phone, tablet = Browser(forwarder, 1), Browser(forwarder, 2)
    phone.frame(0)
    forwarder.set_routes("call", [(tablet.id, 0, phone.id)], 0)
    phone.frame(50 * MS)
    assert tablet.port.of(tablet.leg("video")) == []
    phone.frame(100 * MS, key=True)
    phone.frame(150 * MS)
    got = tablet.port.of(tablet.leg("video"))
    assert is_key(got[0])
    assert len(got) == 6


def test_a_keyframe_whose_first_packet_was_lost_opens_the_picture_when_it_is_recovered(forwarder: Forwarder) -> None:
    phone, tablet = Browser(forwarder, 1), Browser(forwarder, 2)
    phone.frame(0)
    forwarder.set_routes("call", [(tablet.id, 0, phone.id)], 0)
    made = phone.frame(50 * MS, key=True, lose=(0,))
    phone.frame(100 * MS)
    assert tablet.port.of(tablet.leg("video")) == []
    phone.resend(made[0], 110 * MS)
    got = tablet.port.of(tablet.leg("video"))
    assert is_key(got[0])
    assert in_order(got)
    assert len(got) == 6


def test_a_keyframe_request_is_repeated_until_one_comes_and_a_storm_is_throttled(forwarder: Forwarder) -> None:
    phone, tablet = Browser(forwarder, 1), Browser(forwarder, 2)
    phone.frame(0, key=True)
    forwarder.set_routes("call", [(tablet.id, 0, phone.id)], 10 * MS)
    for n in range(100):
        tablet.say(rtcp.build_pli(1, tablet.leg("video")), (20 + n) * MS)
    assert phone.port.kinds().count(PLI) == 1
    for now in range(150, 2000, 50):
        forwarder.tick(now * MS)
    assert 3 <= phone.port.kinds().count(PLI) <= 4
    phone.frame(2000 * MS, key=True)
    before = phone.port.kinds().count(PLI)
    for now in range(2000, 4000, 50):
        forwarder.tick(now * MS)
    assert phone.port.kinds().count(PLI) == before


def test_an_idle_source_is_kept_fresh_so_that_a_replay_is_short(forwarder: Forwarder) -> None:
    phone = Browser(forwarder, 1)
    for now in range(0, 10_000, 50):
        phone.frame(now * MS, key=now == 0 or phone.port.kinds().count(PLI) > forwarder.stats()["keyframes"] - 1)
        forwarder.tick(now * MS)
    assert 5 <= forwarder.stats()["keyframes"] <= 8


def test_hold_and_resume_keep_ssrc_sequence_and_clock(forwarder: Forwarder) -> None:
    phone, tablet = Browser(forwarder, 1), Browser(forwarder, 2)
    forwarder.set_routes("call", both(phone, tablet), 0)
    for n in range(5):
        phone.frame(n * 50 * MS, key=n == 0)
        phone.sound(n * 50 * MS)
    forwarder.set_routes("call", [], 250 * MS)
    for n in range(5, 45):
        phone.frame(n * 50 * MS, key=n == 40)
        phone.sound(n * 50 * MS)
    held = len(tablet.port.rtp)
    forwarder.set_routes("call", both(phone, tablet), 2250 * MS)
    phone.frame(2250 * MS)
    phone.sound(2250 * MS)
    video, audio = tablet.port.of(tablet.leg("video")), tablet.port.of(tablet.leg("audio"))
    assert len(tablet.port.rtp) > held
    assert in_order(video)
    assert in_order(audio)
    assert is_key(tablet.port.rtp[held])
    assert audio[-1].marker
    assert (audio[-1].stamp - audio[-2].stamp) & 0xFFFFFFFF == 48 * 2050
    assert abs(((video[-1].stamp - video[14].stamp) & 0xFFFFFFFF) - 90 * 2050) < 90 * 100


def test_a_hand_over_keeps_ssrc_and_sequence_and_starts_with_a_keyframe(forwarder: Forwarder) -> None:
    phone, first, second = (Browser(forwarder, n) for n in (1, 2, 3))
    forwarder.set_routes("call", both(phone, first), 0)
    for n in range(6):
        first.frame(n * 50 * MS, key=n == 0)
        second.frame(n * 50 * MS, key=n == 2)
    before = len(phone.port.of(phone.leg("video")))
    forwarder.set_routes("call", both(phone, second), 300 * MS)
    second.frame(300 * MS)
    got = phone.port.of(phone.leg("video"))
    assert is_key(got[before])
    assert len(got) == before + 15
    assert in_order(got)
    stamps = [sent.stamp for sent in got]
    assert all((b - a) & 0xFFFFFFFF < 90_000 for a, b in itertools.pairwise(stamps))


def test_a_new_ssrc_of_the_same_camera_goes_on_in_the_same_leg(forwarder: Forwarder) -> None:
    phone, tablet = Browser(forwarder, 1), Browser(forwarder, 2)
    forwarder.set_routes("call", [(tablet.id, 0, phone.id)], 0)
    phone.frame(0, key=True)
    phone.frame(50 * MS)
    phone.video, phone.video_sequence, phone.video_stamp = 4242, 17, 99
    phone.frame(60 * MS)
    assert forwarder.stats()["unknown_ssrc"] == 3  # the present stream still speaks
    phone.frame(400 * MS)
    phone.frame(450 * MS, key=True)
    got = tablet.port.of(tablet.leg("video"))
    assert len(got) == 9
    assert in_order(got)
    assert is_key(got[6])


def test_a_nack_is_answered_from_the_cache_by_rtx(forwarder: Forwarder) -> None:
    phone, tablet = Browser(forwarder, 1), Browser(forwarder, 2)
    forwarder.set_routes("call", [(tablet.id, 0, phone.id)], 0)
    phone.frame(0, key=True, packets=6)
    got = tablet.port.of(tablet.leg("video"))
    lost = [got[1], got[4]]
    tablet.say(nack.build_nack(1, tablet.leg("video"), [sent.sequence for sent in lost]), 20 * MS)
    again = tablet.port.of(tablet.leg("video") + 1)
    assert [sent.payload for sent in again] == [s.sequence.to_bytes(2, "big") + s.payload for s in lost]
    assert [sent.pt for sent in again] == [97, 97]
    assert in_order(again)
    tablet.say(nack.build_nack(1, tablet.leg("video"), [lost[0].sequence]), 40 * MS)
    assert in_order(tablet.port.of(tablet.leg("video") + 1))
    assert NACK not in phone.port.kinds()


def test_a_sink_without_rtx_gets_the_very_same_bytes_again(forwarder: Forwarder) -> None:
    phone, tablet = Browser(forwarder, 1), Browser(forwarder, 2, rtx_pt=None)
    forwarder.set_routes("call", [(tablet.id, 0, phone.id)], 0)
    phone.frame(0, key=True, packets=6)
    got = tablet.port.of(tablet.leg("video"))
    tablet.say(nack.build_nack(1, tablet.leg("video"), [got[2].sequence]), 20 * MS)
    assert tablet.port.rtp[-1] == got[2]
    assert len(tablet.port.rtp) == 7


def test_nothing_is_ever_sent_with_other_bytes_under_the_same_number(forwarder: Forwarder) -> None:
    dice = random.Random(4)
    phone, other, tablet = Browser(forwarder, 1), Browser(forwarder, 3), Browser(forwarder, 2)
    bare = Browser(forwarder, 4, rtx_pt=None)
    now = 0
    for _ in range(400):
        now += 50 * MS
        for sender in (phone, other):
            lost = tuple(place for place in range(3) if dice.random() < 0.1)
            made = sender.frame(now, key=dice.random() < 0.1, lose=lost)
            for place in lost:
                if dice.random() < 0.8:
                    sender.resend(made[place], now + 10 * MS)
        shown = dice.choice([phone.id, other.id, None])
        if dice.random() < 0.2:
            routes = [(sink.id, 0, shown) for sink in (tablet, bare) if shown]
            forwarder.set_routes("call", routes, now)
        for sink in (tablet, bare):
            sent = sink.port.of(sink.leg("video"))[-20:]
            wanted = [s.sequence for s in sent if dice.random() < 0.3]
            if wanted:
                sink.say(nack.build_nack(1, sink.leg("video"), wanted), now + 20 * MS)
        forwarder.tick(now)
    for sink in (tablet, bare):
        seen: dict[tuple[int, int], bytes] = {}
        assert len(sink.port.rtp) > 1000
        for sent in sink.port.rtp:
            assert seen.setdefault((sent.ssrc, sent.sequence), sent.data) == sent.data
            seen[sent.ssrc, sent.sequence] = sent.data


def test_a_lost_packet_is_asked_for_until_it_comes_then_forwarded_and_tapped_once(forwarder: Forwarder) -> None:
    phone, tablet = Browser(forwarder, 1), Browser(forwarder, 2)
    forwarder.set_routes("call", [(tablet.id, 0, phone.id)], 0)
    heard: list[bytes] = []
    forwarder.set_tap(phone.id, lambda data, at, is_video: heard.append(data) if is_video else None)
    made = phone.frame(0, key=True, packets=5, lose=(2,))
    asked = [p for p in phone.port.rtcp if (p[1], p[0] & 31) == NACK]
    assert len(asked) == 1
    assert nack.read_nack(asked[0]) == [int.from_bytes(made[2][2:4], "big")]
    for now in range(50, 500, 50):
        forwarder.tick(now * MS)
    assert 3 <= phone.port.kinds().count(NACK) <= 6
    phone.resend(made[2], 500 * MS)
    phone.resend(made[2], 510 * MS)
    phone.give(made[2], 520 * MS)
    count = phone.port.kinds().count(NACK)
    for now in range(550, 2000, 50):
        forwarder.tick(now * MS)
    assert phone.port.kinds().count(NACK) == count
    got = tablet.port.of(tablet.leg("video"))
    assert sorted(s.sequence for s in got) == sorted({s.sequence for s in got})
    assert len(got) == 5
    assert in_order(sorted(got, key=lambda s: (s.sequence - got[0].sequence) & 0xFFFF))
    plain = [data[:12] + data[rtp.read_layout(data).header_bytes :] for data in heard]  # type: ignore[union-attr]
    wanted = [data[:12] + data[rtp.read_layout(data).header_bytes :] for data in made]  # type: ignore[union-attr]
    assert sorted(plain) == sorted(wanted)
    assert forwarder.stats()["recovered"] == 1


def test_lost_sound_is_asked_for_and_comes_back_as_itself(forwarder: Forwarder) -> None:
    phone, tablet = Browser(forwarder, 1), Browser(forwarder, 2)
    forwarder.set_routes("call", [(tablet.id, 0, phone.id)], 0)
    phone.sound(0)
    phone.audio_sequence += 1
    phone.audio_stamp += 960
    phone.sound(40 * MS)
    assert phone.port.kinds() == [NACK]
    late = packet(111, phone.audio_sequence - 1, phone.audio_stamp - 960, phone.audio, b"late")
    phone.give(late, 60 * MS)
    got = tablet.port.of(tablet.leg("audio"))
    assert [s.payload for s in got] == [b"opus", b"opus", b"late"]
    assert in_order(sorted(got, key=lambda s: (s.sequence - got[0].sequence) & 0xFFFF))


def test_padding_is_forwarded_but_never_tapped(forwarder: Forwarder) -> None:
    phone, tablet = Browser(forwarder, 1), Browser(forwarder, 2)
    heard: list[bytes] = []
    forwarder.set_tap(phone.id, lambda data, at, is_video: heard.append(data))
    forwarder.set_routes("call", [(tablet.id, 0, phone.id)], 0)
    phone.frame(0, key=True)
    phone.video_sequence += 1
    phone.give(packet(96, phone.video_sequence, phone.video_stamp, phone.video, b"", pad=200), MS)
    assert len(heard) == 3
    assert len(tablet.port.of(tablet.leg("video"))) == 4


def test_a_sink_with_other_numbers_gets_its_own(forwarder: Forwarder) -> None:
    phone = Browser(forwarder, 1)
    tablet = Browser(forwarder, 2, ids=OTHER_IDS, video_pt=120, rtx_pt=121)
    forwarder.set_routes("call", [(tablet.id, 0, phone.id)], 0)
    block = elements(e4=b"1", e3=b"\x00\x07", e13=b"\x01", e9=b"capture1")
    for sequence, payload in ((5, KEY), (6, DELTA)):
        phone.give(packet(96, sequence, 9000, phone.video, payload + b"abc", block=block), 0)
    first, second = tablet.port.of(tablet.leg("video"))
    assert first.pt == 120
    assert first.element(2) == (40).to_bytes(3, "big")  # playout delay: min 0, max 400 ms
    assert first.element(1) == b"1"
    assert first.element(7) is not None
    assert second.element(2) is None
    assert set(second.layout.elements) == {1, 7}
    assert second.payload == DELTA + b"abc"
    assert int.from_bytes(second.element(7) or b"", "big") == int.from_bytes(first.element(7) or b"", "big") + 1


def test_rotation_and_capture_time_are_carried(forwarder: Forwarder) -> None:
    phone, tablet = Browser(forwarder, 1), Browser(forwarder, 2)
    forwarder.set_routes("call", [(tablet.id, 2, phone.id)], 0)
    block = elements(e4=b"1", e3=b"\x00\x07", e13=b"\x03", e9=b"capture1")
    phone.give(packet(96, 5, 9000, phone.video, KEY, block=block), 0)
    (sent,) = tablet.port.of(tablet.leg("video", 2))
    assert sent.element(13) == b"\x03"
    assert sent.element(9) == b"capture1"
    assert sent.element(4) == b"5"  # the third slot's mid


def test_four_peers_all_see_and_hear_each_other(forwarder: Forwarder) -> None:
    peers = [Browser(forwarder, n) for n in (1, 2, 3, 4)]
    routes = []
    for sink in peers:
        others = [p for p in peers if p is not sink]
        routes += [(sink.id, slot, source.id) for slot, source in enumerate(others)]
    forwarder.set_routes("call", routes, 0)
    for n in range(3):
        for peer in peers:
            peer.frame(n * 50 * MS, key=n == 0)
            peer.sound(n * 50 * MS)
    for sink in peers:
        for slot in range(3):
            assert len(sink.port.of(sink.leg("video", slot))) == 9
            assert len(sink.port.of(sink.leg("audio", slot))) == 3


def test_a_route_to_a_peer_that_is_not_here_yet_holds_when_it_comes(forwarder: Forwarder) -> None:
    forwarder.set_routes("call", [("p2", 0, "p1")], 0)
    phone = Browser(forwarder, 1)
    phone.frame(0, key=True)
    tablet = Browser(forwarder, 2)
    assert len(tablet.port.of(tablet.leg("video"))) == 3
    forwarder.remove_peer(phone.id)
    again = Browser(forwarder, 1)
    again.frame(2000 * MS, key=True)
    got = tablet.port.of(tablet.leg("video"))
    assert len(got) == 6
    assert in_order(got)
    forwarder.remove_peer(tablet.id)
    again.frame(2050 * MS)
    assert len(tablet.port.of(tablet.leg("video"))) == 6


def test_a_new_description_of_the_same_peer_keeps_its_legs(forwarder: Forwarder) -> None:
    phone, tablet = Browser(forwarder, 1), Browser(forwarder, 2)
    forwarder.set_routes("call", both(phone, tablet), 0)
    phone.frame(0, key=True)
    forwarder.add_peer(tablet.port)
    forwarder.add_peer(phone.port)
    phone.frame(50 * MS)
    got = tablet.port.of(tablet.leg("video"))
    assert len(got) == 6
    assert in_order(got)


def test_a_senders_clock_reaches_the_sink_in_the_legs_time(forwarder: Forwarder) -> None:
    phone, tablet = Browser(forwarder, 1), Browser(forwarder, 2)
    forwarder.set_routes("call", [(tablet.id, 0, phone.id)], 0)
    reports: list[bytes] = []
    forwarder.set_tap(phone.id, None, lambda data, at: reports.append(data))
    phone.frame(0, key=True)
    leg = tablet.port.of(tablet.leg("video"))[0]
    said = rtcp.build_sender_report(SenderInfo(phone.video, 77 << 32, phone.video_stamp + 900, 3, 100), "x")
    phone.say(said, 10 * MS)
    first, second = rtcp.blocks(tablet.port.rtcp[-1])
    info = rtcp.sender_info(first.data)
    assert info is not None
    assert (info.ssrc, info.ntp, info.packets) == (tablet.leg("video"), 77 << 32, 3)
    assert (info.rtp - leg.stamp) & 0xFFFFFFFF == 900
    assert b"c0" in second.data
    assert reports == [said[:28]]


def test_a_sinks_report_reaches_the_source_in_its_numbers(forwarder: Forwarder) -> None:
    phone, tablet = Browser(forwarder, 1), Browser(forwarder, 2)
    forwarder.set_routes("call", [(tablet.id, 0, phone.id)], 0)
    phone.frame(0, key=True)
    phone.frame(50 * MS)
    phone.say(rtcp.build_sender_report(SenderInfo(phone.video, 0x0001_2345_6789_0000, 0, 3, 100), "x"), 60 * MS)
    phone.port.rtcp.clear()
    last = tablet.port.of(tablet.leg("video"))[-1].sequence
    told = Report(tablet.leg("video"), 12, 3, last, 40, 0x2345_6789, 99)
    tablet.say(rtcp.build_receiver_report(9, [told]), 100 * MS)
    (block,) = rtcp.blocks(phone.port.rtcp[-1])
    (report,) = rtcp.reports(block)
    assert report.ssrc == phone.video
    assert report.highest & 0xFFFF == phone.video_sequence
    assert (report.fraction, report.lost, report.jitter, report.last_sr, report.delay) == (12, 3, 40, 0x2345_6789, 99)


def test_without_a_sink_the_server_reports_for_itself(forwarder: Forwarder) -> None:
    phone = Browser(forwarder, 1)
    phone.frame(0, key=True, packets=10, lose=(4, 5))
    phone.sound(0)
    forwarder.tick(3_000 * MS)
    blocks = [b for p in phone.port.rtcp for b in rtcp.blocks(p) if b.kind == rtcp.RECEIVER_REPORT]
    found = {r.ssrc: r for b in blocks for r in rtcp.reports(b)}
    assert found[phone.video].lost == 2
    assert found[phone.video].fraction == 2 * 256 // 10
    assert found[phone.audio].lost == 0
    assert forwarder.quality(phone.id)["video"].loss == pytest.approx(0.2)


def test_a_sinks_bandwidth_estimate_reaches_the_source_it_shows(forwarder: Forwarder) -> None:
    phone, tablet = Browser(forwarder, 1), Browser(forwarder, 2)
    forwarder.set_routes("call", [(tablet.id, 0, phone.id)], 0)
    phone.frame(0, key=True)
    tablet.say(rtcp.build_remb(1, 500_000, [tablet.leg("video")]), 10 * MS)
    (block,) = rtcp.blocks(phone.port.rtcp[-1])
    bps, ssrcs = rtcp.remb_bps(block.data) or (0, [])
    assert bps == pytest.approx(500_000, rel=0.001)
    assert ssrcs == [phone.video]


def test_the_packets_since_the_last_keyframe_are_given_for_a_picture(forwarder: Forwarder) -> None:
    phone = Browser(forwarder, 1)
    assert forwarder.gop(phone.id) is None
    phone.frame(0)
    assert forwarder.gop(phone.id) is None
    wanted = phone.frame(50 * MS, key=True) + phone.frame(100 * MS)
    assert forwarder.gop(phone.id) == ("VP8", wanted)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.binary(max_size=80)), max_size=12), st.randoms(use_true_random=False))
def test_garbage_from_a_peer_is_counted_and_harms_nobody(said: list[tuple[bool, bytes]], dice: random.Random) -> None:
    forwarder = Forwarder()
    phone, tablet = Browser(forwarder, 1), Browser(forwarder, 2)
    forwarder.set_routes("call", both(phone, tablet), 0)
    phone.frame(0, key=True)
    for is_rtp, data in said:
        if is_rtp:
            ssrc = dice.choice([phone.video, phone.rtx, phone.audio])
            phone.give(data, MS)
            phone.give(
                bytes((dice.choice([0x80, 0x90, 0xB1]), dice.choice([96, 97, 111])))
                + data[:6].ljust(6, b"\1")
                + ssrc.to_bytes(4, "big")
                + data[6:],
                MS,
            )
        else:
            tablet.say(data, MS)
            for kind in (200, 201, 203, 205, 206):
                head = bytes((0x80 | dice.randrange(32), kind)) + (1 + len(data) // 4).to_bytes(2, "big")
                tablet.say(head + data + b"\0\0\0\0", MS)
        forwarder.tick(2 * MS)
    forwarder.tick(2000 * MS)
