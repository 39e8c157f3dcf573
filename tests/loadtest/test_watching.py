from __future__ import annotations

import struct

from aiortc import rtp

from loadtest import reports
from loadtest.watching import ASK_AGAIN_NS, GIVE_UP_NS, Watch

FRAME_NS = 40_000_000
KEY, DELTA, REST = memoryview(b"\x10\x00"), memoryview(b"\x10\x01"), memoryview(b"\x00\x01")


def show(watch: Watch, number: int, *, lacking: tuple[int, ...] = (), key: bool = False, late_ns: int = 0) -> None:
    """Frame `number` in three packets, without those at the places in `lacking`."""
    for at in range(3):
        if at not in lacking:
            payload = (KEY if key else DELTA) if at == 0 else REST
            sequence = (65_530 + number * 3 + at) & 0xFFFF
            watch.packet(sequence, number * 3600, payload, marker=at == 2, now_ns=number * FRAME_NS + at + late_ns + 1)


def test_whole_frames_are_shown_in_their_order_across_the_wrap() -> None:
    watch = Watch()
    for number in range(10):
        show(watch, number, key=number == 0)
    assert [stamp for stamp, _ in watch.shown] == [number * 3600 for number in range(10)]
    assert (watch.packets, watch.lost, watch.freezes) == (30, 0, 0)


def test_frames_wait_for_the_one_that_is_not_whole_and_are_shown_when_it_is_mended() -> None:
    watch = Watch()
    show(watch, 0, key=True)
    show(watch, 1, lacking=(1,))
    show(watch, 2)
    assert watch.shown_frames == 1
    now_ns = 3 * FRAME_NS
    assert watch.to_ask_for(now_ns) == [(65_530 + 4) & 0xFFFF]
    assert watch.to_ask_for(now_ns + ASK_AGAIN_NS // 2) == []
    show(watch, 1, lacking=(0, 2), late_ns=3 * FRAME_NS)
    assert watch.shown_frames == 3
    assert (watch.healed, watch.lost) == (1, 0)


def test_a_keyframe_ends_the_wait_and_the_standing_picture_counts_as_a_freeze() -> None:
    watch = Watch()
    show(watch, 0, key=True)
    show(watch, 1, lacking=(0,))
    for number in range(2, 12):
        show(watch, number)
    assert watch.needs_keyframe(12 * FRAME_NS)
    show(watch, 12, key=True)
    assert [stamp for stamp, _ in watch.shown] == [0, 12 * 3600]
    assert watch.freezes == 1
    assert watch.frozen_ns == 12 * FRAME_NS
    watch.to_ask_for(12 * FRAME_NS + GIVE_UP_NS)
    assert watch.lost == 1


def test_a_packet_that_came_twice_counts_once() -> None:
    watch = Watch()
    for _ in range(2):
        show(watch, 0, key=True)
    assert (watch.packets, watch.shown_frames) == (3, 1)


def test_packets_asked_for_are_read_from_what_asks_for_them() -> None:
    asked = [3, 4, 20, 65_535]
    compound = reports.keyframe_request(1, 9) + reports.lost_packets_request(1, 9, asked)
    assert reports.asked_packets(compound) == asked
    assert reports.asks_for_keyframe(compound)
    assert rtp.is_rtcp(compound)
    assert reports.asked_packets(struct.pack("!BBH", 0x81, 205, 200)) == []
