from __future__ import annotations

import itertools

from rtc import nack, rtcp, rtp
from rtc.counters import Counters
from rtc.forwarder import Forwarder
from rtc.leg import LONGEST_GAP
from rtc.srtp import GcmOpener, GcmSealer
from tests.rtc.synthetic import DELTA, KEY, MS, Browser, FakePort, elements, negotiated, packet

SPS, IDR, SLICE = b"\x67\x42\xc0\x1f", b"\x7c\x85\x88", b"\x7c\x81\x9a"


def test_an_h264_picture_starts_with_its_parameter_sets() -> None:
    forwarder = Forwarder()
    phone, tablet = Browser(forwarder, 1), Browser(forwarder, 2)
    forwarder.set_routes("call", [(tablet.id, 0, phone.id)], 0)
    sent = [(1, 100, SLICE), (2, 200, b"\x09\x10"), (3, 200, SPS), (4, 200, IDR), (5, 300, SLICE)]
    for sequence, stamp, payload in sent:
        phone.give(packet(102, sequence, stamp, phone.video, payload), sequence * MS)
    got = tablet.port.of(tablet.leg("video"))
    assert [s.payload for s in got] == [SPS, IDR, SLICE]
    assert [s.pt for s in got] == [102, 102, 102]
    found = forwarder.gop(phone.id)
    assert found is not None
    assert found[0] == "H264"
    assert len(found[1]) == 3


def test_between_two_streams_of_a_source_a_nack_finds_nothing_of_the_other() -> None:
    forwarder = Forwarder()
    phone, tablet = Browser(forwarder, 1), Browser(forwarder, 2)
    forwarder.set_routes("call", [(tablet.id, 0, phone.id)], 0)
    phone.frame(0, key=True)
    phone.video, phone.video_sequence = 4242, phone.video_sequence
    phone.frame(400 * MS)  # no keyframe yet: the leg waits
    count = len(tablet.port.rtp)
    last = tablet.port.rtp[-1].sequence
    tablet.say(nack.build_nack(1, tablet.leg("video"), [last + n for n in range(-3, 10)]), 410 * MS)
    assert len(tablet.port.rtp) == count


def test_after_a_bye_the_line_may_go_on_under_another_ssrc_at_once() -> None:
    forwarder = Forwarder()
    phone, tablet = Browser(forwarder, 1), Browser(forwarder, 2)
    forwarder.set_routes("call", [(tablet.id, 0, phone.id)], 0)
    phone.frame(0, key=True)
    phone.say(b"\x81\xcb\x00\x01" + phone.video.to_bytes(4, "big"), 10 * MS)
    phone.video = 4242
    phone.frame(20 * MS, key=True)
    assert len(tablet.port.of(tablet.leg("video"))) == 6


def test_a_jump_of_the_sender_is_no_gap_for_the_sink() -> None:
    forwarder = Forwarder()
    phone, tablet = Browser(forwarder, 1), Browser(forwarder, 2)
    forwarder.set_routes("call", [(tablet.id, 0, phone.id)], 0)
    phone.frame(0, key=True)
    phone.video_sequence += 20_000
    phone.frame(50 * MS, key=True)
    numbers = [s.sequence for s in tablet.port.of(tablet.leg("video"))]
    assert [(n - numbers[0]) & 0xFFFF for n in numbers] == [0, 1, 2, 3, 4, 5]
    assert (rtcp.TRANSPORT_FEEDBACK, rtcp.NACK) not in phone.port.kinds()


def test_a_mid_that_does_not_fit_is_left_out_and_a_shorter_one_is_padded() -> None:
    forwarder = Forwarder()
    phone, tablet = Browser(forwarder, 1), Browser(forwarder, 2)
    forwarder.set_routes("call", [(tablet.id, 0, phone.id)], 0)
    phone.give(packet(96, 1, 0, phone.video, KEY, block=elements(e4=b"video-1", e3=b"ab")), 0)
    agreed = negotiated(3)
    for line in agreed.lines:
        line.mid = "a-long-name" + line.mid
    colleague = Browser(forwarder, 3)
    colleague.port.negotiated = agreed
    forwarder.add_peer(colleague.port)
    forwarder.set_routes("other", [(colleague.id, 1, phone.id)], 0)
    phone.give(packet(96, 2, 9, phone.video, DELTA, block=elements(e4=b"1", e3=b"ab")), 0)
    padded = tablet.port.rtp[0]
    assert padded.element(4) == b"1"
    assert padded.element(3) is not None
    dropped = colleague.port.rtp[-1]
    assert dropped.element(4) is None
    assert dropped.element(3) is not None
    assert dropped.payload == DELTA


def test_send_times_are_the_servers_own() -> None:
    forwarder = Forwarder()
    ids = {rtp.ABS_SEND_TIME: 2, rtp.MID: 4}
    phone, tablet = Browser(forwarder, 1, ids=ids), Browser(forwarder, 2, ids=ids)
    forwarder.set_routes("call", [(tablet.id, 0, phone.id)], 0)
    phone.give(packet(96, 1, 0, phone.video, KEY, block=elements(e2=b"xyz")), 1_500 * MS)
    assert tablet.port.rtp[0].element(2) == int(1.5 * 2**18).to_bytes(3, "big")


def test_a_line_that_we_may_not_send_on_gets_nothing() -> None:
    forwarder = Forwarder()
    phone, tablet = Browser(forwarder, 1), Browser(forwarder, 2)
    forwarder.set_routes("call", [(tablet.id, 0, phone.id)], 0)
    phone.frame(0, key=True)
    for line in tablet.port.negotiated.lines:
        line.sends = False
    forwarder.add_peer(tablet.port)
    count = len(tablet.port.rtp)
    phone.frame(50 * MS, key=True)
    assert len(tablet.port.rtp) == count


def test_a_sink_cannot_make_us_send_without_end() -> None:
    forwarder = Forwarder()
    phone, tablet = Browser(forwarder, 1), Browser(forwarder, 2)
    forwarder.set_routes("call", [(tablet.id, 0, phone.id)], 0)
    phone.frame(0, key=True, packets=50)
    wanted = [s.sequence for s in tablet.port.rtp]
    for _ in range(200):
        tablet.say(nack.build_nack(1, tablet.leg("video"), wanted), MS)
    assert len(tablet.port.rtp) <= 50 + 400


def test_a_sink_that_could_not_show_a_codec_for_long_sees_one_stream_and_takes_it_up_again() -> None:
    forwarder = Forwarder()
    phone, agreed = Browser(forwarder, 1), negotiated(2)
    for line in agreed.lines:
        line.codecs.pop("H264", None)
    port = FakePort("tablet", agreed)
    forwarder.add_peer(port)
    forwarder.set_routes("call", [("tablet", 0, phone.id)], 0)
    sealer, opener, picture = GcmSealer(bytes(16), bytes(12)), GcmOpener(bytes(16), bytes(12), Counters()), 2501
    number = now_ns = 0
    for count in (1, 40_000, 3 * LONGEST_GAP - 1, 30_000):
        for _ in range(3):
            number += 1
            phone.give(packet(96, number, number, phone.video, KEY), now_ns := now_ns + MS)
        for _ in range(count):
            number += 1
            phone.give(packet(102, number, number, phone.video, SLICE), now_ns := now_ns + MS)
    sent = port.of(picture)
    assert len(sent) == 12
    assert all((b.sequence - a.sequence) & 0xFFFF <= LONGEST_GAP for a, b in itertools.pairwise(sent))
    for made in sent:
        cut = made.layout.header_bytes
        assert opener.open_rtp(sealer.seal_rtp(made.data[:cut], made.data[cut:])) == made.data
