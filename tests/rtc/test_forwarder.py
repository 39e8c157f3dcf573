"""What goes from one peer to another, in which numbers, and what is told back."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtc import rtcp
from rtc.forwarder import PRESSED_TICKS, Forwarder
from rtc.pressure import IS_SHEDDING, Pressure
from rtc.rtcp import Report, SenderInfo
from tests.rtc.synthetic import DELTA, KEY, MS, OTHER_IDS, Browser, both, elements, in_order, is_key, packet


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
    forwarder.set_tap(phone.id, None, lambda data, at, is_video: reports.append(data))
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


def test_while_pictures_are_left_out_each_peer_has_its_turn_and_no_keyframe_is_asked_for_until_it_is_over() -> None:
    pressure = Pressure()
    forwarder = Forwarder(pressure)
    phones = [Browser(forwarder, number) for number in range(1, 21)]
    for phone in phones:
        phone.frame(0, key=True)
        phone.sound(0)

    def told() -> list[int]:
        return [len(phone.port.rtcp) for phone in phones]

    pressure.state[IS_SHEDDING] = 1
    asked = forwarder.stats()["keyframes_asked"]
    forwarder.request_keyframe(phones[0].id, 0)
    before = told()
    for turn in range(PRESSED_TICKS):
        earlier = told()
        forwarder.tick(2000 * MS + turn * 250 * MS)
        assert sum(now > then for now, then in zip(told(), earlier, strict=True)) <= 1 + len(phones) // PRESSED_TICKS
    assert all(now > then for now, then in zip(told(), before, strict=True))
    forwarder.set_routes("call", [(phones[1].id, 0, phones[0].id)], 4000 * MS)
    forwarder.request_keyframe(phones[0].id, 4000 * MS)
    assert forwarder.stats()["keyframes_asked"] == asked
    pressure.state[IS_SHEDDING] = 0
    phones[0].frame(4100 * MS)
    forwarder.tick(5000 * MS)
    assert forwarder.stats()["keyframes_asked"] > asked
