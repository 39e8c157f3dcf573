"""VP8 payload descriptors of every shape (RFC 7741, 4.2)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media import h264, opus, vp8
from media.rtp import read_rtp, read_sender_reports

KEY = b"\x10\x02\x00\x9d\x01\x2a\x80\x02\xe0\x01rest"


@pytest.mark.parametrize(
    "descriptor",
    [
        b"\x10",
        b"\x90\x80\x11",  # picture id of 7 bits
        b"\x90\x80\x91\x22",  # picture id of 15 bits
        b"\x90\x40\x07",  # TL0PICIDX
        b"\x90\xe0\x91\x22\x07\x40",  # all, as browsers send
        b"\x90\xf0\x91\x22\x07\x41",
        b"\x90\x10\x05",
        b"\x90\x00",
    ],
)
def test_the_frame_starts_behind_each_shape_of_descriptor(descriptor: bytes) -> None:
    payload = memoryview(descriptor + KEY)
    assert vp8.begins_frame(payload)
    assert vp8.descriptor_bytes(payload) == len(descriptor)
    assert vp8.keyframe_size([payload]) == (640, 480)
    assert vp8.assemble([payload, memoryview(b"\x00more")]) == KEY + b"more"


@pytest.mark.parametrize("first", [b"\x00", b"\x11", b"\x01", b"\x80\x00"])
def test_a_later_part_of_a_frame_is_not_taken_for_its_start(first: bytes) -> None:
    assert not vp8.begins_frame(memoryview(first + KEY))


@given(data=st.binary(min_size=1, max_size=60))
def test_no_payload_crashes_a_reader(data: bytes) -> None:
    payload = memoryview(data)
    vp8.begins_frame(payload), vp8.keyframe_size([payload]), vp8.assemble([payload])
    h264.begins_frame(payload), h264.is_keyframe([payload]), h264.parameter_sets([payload]), h264.assemble([payload])
    h264.picture_size(data), opus.duration_ms(data), read_rtp(data, 4), list(read_sender_reports(data))


@given(first=st.integers(0x80, 0xBF), rest=st.binary(max_size=60))
def test_no_packet_puts_its_payload_outside_itself(first: int, rest: bytes) -> None:
    packet = bytes((first,)) + rest
    rtp = read_rtp(packet, 4)
    assert rtp is None or 12 <= rtp.start <= rtp.end <= len(packet)


@pytest.mark.parametrize(("toc", "ms"), [(0xF8, 20), (0x78, 20), (0x08, 20), (0x18, 60), (0xE0, 2.5), (0xF9, 40)])
def test_opus_packets_tell_how_long_they_play(toc: int, ms: float) -> None:
    assert opus.duration_ms(bytes((toc, 0, 0))) == ms
