from __future__ import annotations

import struct

import pytest
from aiortc import rtp

from loadtest import bench, reports
from loadtest.__main__ import arguments
from loadtest.clip import FPS, KEYFRAME_EVERY, VIDEO_BPS, make_clip
from loadtest.sdp import read_answer

ANSWER = """v=0
a=ice-lite
m=audio 9 UDP/TLS/RTP/SAVPF 111
a=candidate:1 1 udp 1 192.0.2.1 4000 typ host
a=candidate:2 1 udp 1 127.0.0.1 4001 typ host
a=ice-ufrag:abcd
a=ice-pwd:efgh
a=fingerprint:sha-256 AA:BB
a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
"""


def test_an_answer_says_where_and_with_whom_to_speak() -> None:
    answer = read_answer(ANSWER.replace("\n", "\r\n"))
    assert (answer.ufrag, answer.pwd, answer.fingerprint) == ("abcd", "efgh", ("sha-256", "AA:BB"))
    assert answer.address == ("127.0.0.1", 4001)
    assert answer.transport_cc == 3


def test_an_answer_without_loopback_or_fingerprint_is_refused_by_name() -> None:
    lines = [line for line in ANSWER.splitlines() if "127.0.0.1" not in line and "fingerprint" not in line]
    with pytest.raises(ValueError, match="no fingerprint, no candidate on"):
        read_answer("\n".join(lines))


def test_keyframe_requests_are_seen_wherever_they_stand_in_a_compound() -> None:
    report = reports.sender_report(1, 2, 3, 4, [(9, 100)])
    assert not reports.asks_for_keyframe(report)
    assert not reports.asks_for_keyframe(reports.bandwidth_estimate(1, [9], 800_000))
    assert reports.asks_for_keyframe(report + reports.keyframe_request(1, 9))
    assert not reports.asks_for_keyframe(b"\x81")


def test_a_transport_number_is_read_behind_other_elements_and_padding() -> None:
    head = struct.pack("!BBHII", 0x90, 96, 1, 2, 3)
    packet = head + struct.pack("!HH", 0xBEDE, 2) + b"\x40\x31\x00\x31\xab\xcd\x00\x00" + b"payload"
    assert reports.transport_number(packet, 3) == 0xABCD
    assert reports.transport_number(packet, 5) is None
    assert reports.transport_number(b"\x80" + packet[1:], 3) is None


def test_transport_feedback_tells_arrivals_and_losses() -> None:
    ms = 1_000_000
    packet = reports.transport_feedback(1, 9, 5, [(65534, 640 * ms), (65535, 641 * ms), (1, 800 * ms)])
    assert len(packet) % 4 == 0
    assert rtp.is_rtcp(packet)
    assert packet[0] & 0x1F == 15
    first, count = struct.unpack_from("!HH", packet, 12)
    assert (first, count) == (65534, 4)
    assert int.from_bytes(packet[16:19], "big") == 10  # 640 ms in steps of 64
    assert packet[19] == 5
    chunk = int.from_bytes(packet[20:22], "big")
    assert [(chunk >> (12 - 2 * at)) & 3 for at in range(4)] == [1, 1, 0, 2]
    assert (packet[22], packet[23]) == (0, 4)  # steps of 250 us
    assert struct.unpack_from("!h", packet, 24)[0] == 159 * 4


def test_the_clip_keeps_its_rate_and_begins_with_a_keyframe() -> None:
    clip = make_clip(KEYFRAME_EVERY / FPS + 0.2)
    is_key = [not frame[0][1] & 1 for frame in clip.frames]  # RFC 6386 9.1: the first bit is 0 in keyframes
    assert [at for at, key in enumerate(is_key) if key] == [0, KEYFRAME_EVERY]
    assert 0.5 * VIDEO_BPS < clip.video_bps < 1.5 * VIDEO_BPS
    assert all(len(part) < 1200 for frame in clip.frames for part in frame)


def test_only_the_section_between_the_markers_is_replaced() -> None:
    page = "a\n<!-- peers: begin -->\nold\n<!-- peers: end -->\nb\n<!-- answering: begin -->\n<!-- answering: end -->\n"
    once = bench.with_section(page, "peers", "new")
    assert once == page.replace("old", "new")
    assert bench.with_section(once, "peers", "new") == once
    with pytest.raises(ValueError, match="peers: begin"):
        bench.with_section("no markers", "peers", "new")


def test_the_page_of_figures_has_a_place_for_each_benchmark() -> None:
    for name in bench.NAMES:
        assert "figures" in bench.with_section(bench.PAGE.read_text(), name, "figures")


def test_what_was_typed_wrongly_is_refused() -> None:
    assert arguments(["bench", "--quick", "--only", "peers"]).only == "peers"
    for wrong in ([], ["bench", "--only", "flying"], ["dance"]):
        with pytest.raises(SystemExit) as refusal:
            arguments(wrong)
        assert refusal.value.code == 2
