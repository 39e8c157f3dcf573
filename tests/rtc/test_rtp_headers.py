from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from rtc import rtp
from tests.rtc.synthetic import elements, packet


@given(st.binary(max_size=120))
def test_no_bytes_make_a_reader_raise(data: bytes) -> None:
    layout = rtp.read_layout(data)
    if layout is not None:
        assert 12 <= layout.header_bytes <= len(data)
        for at, length in layout.elements.values():
            assert at + length <= layout.header_bytes
        rtp.padding_only(data, layout.header_bytes)
        rtp.unwrap_rtx(data, layout.header_bytes, 96, b"abcd")
    for codec in ("VP8", "H264", "opus"):
        rtp.starts_keyframe(codec, data)
    rtp.vp8_picture_id(data)


@given(st.binary(max_size=60))
def test_any_extension_block_behind_a_good_header_is_read_or_refused(block: bytes) -> None:
    for profile in (0xBEDE, 0x1000, 0x100F, 0x0007):
        data = struct.pack("!BBHIIHH", 0x90, 96, 1, 2, 3, profile, len(block) // 4) + block
        layout = rtp.read_layout(data)
        assert layout is not None
        assert layout.fits(data)
        longer = rtp.add_element(bytearray(data[: layout.header_bytes]), 5, b"abc")
        assert rtp.read_layout(longer) is not None


@given(st.dictionaries(st.integers(1, 14), st.binary(min_size=1, max_size=16), max_size=6))
def test_elements_of_the_one_byte_form_are_found_and_one_more_is_added(found: dict[int, bytes]) -> None:
    data = packet(96, 1, 2, 3, b"x", block=elements(**{f"e{n}": v for n, v in found.items()}))
    layout = rtp.read_layout(data)
    assert layout is not None
    assert {n: data[at : at + size] for n, (at, size) in layout.elements.items()} == found
    free = next(n for n in range(1, 15) if n not in found)
    longer = rtp.add_element(bytearray(data[: layout.header_bytes]), free, b"abc")
    again = rtp.read_layout(longer)
    assert again is not None
    assert again.header_bytes == len(longer)
    assert {n: bytes(longer[at : at + size]) for n, (at, size) in again.elements.items()} == {**found, free: b"abc"}


def test_the_two_byte_form_is_read() -> None:
    block = bytes((3, 2)) + b"ab" + bytes((0, 20, 1)) + b"z"
    data = struct.pack("!BBHIIHH", 0x90, 96, 1, 2, 3, 0x1000, 2) + block + b"payload"
    layout = rtp.read_layout(data)
    assert layout is not None
    assert layout.elements == {3: (18, 2), 20: (23, 1)}


def test_headers_of_another_shape_do_not_fit() -> None:
    one = packet(96, 1, 2, 3, b"", block=elements(e3=b"ab", e4=b"1"))
    other = packet(96, 1, 2, 3, b"", block=elements(e4=b"1", e3=b"ab"))
    layout = rtp.read_layout(one)
    assert layout is not None
    assert layout.fits(packet(97, 9, 8, 7, b"", block=elements(e3=b"zz", e4=b"9")))
    assert not layout.fits(other)


def test_a_vp8_keyframe_starts_with_its_first_packet_only() -> None:
    assert rtp.vp8_starts_keyframe(b"\x10\x00")
    assert rtp.vp8_starts_keyframe(b"\x90\xe0\x81\x23\x01\x20\x00")  # 15-bit picture id, TL0PICIDX, TID
    assert not rtp.vp8_starts_keyframe(b"\x10\x01")
    assert not rtp.vp8_starts_keyframe(b"\x00\x00")
    assert not rtp.vp8_starts_keyframe(b"\x11\x00")
    assert rtp.vp8_picture_id(b"\x90\x80\x81\x23") == 0x123
    assert rtp.vp8_picture_id(b"\x90\x80\x21") == 0x21


def test_an_h264_keyframe_is_seen_in_every_packetization() -> None:
    assert rtp.h264_starts_keyframe(b"\x67\x42")
    assert rtp.h264_starts_keyframe(b"\x65\x88")
    assert rtp.h264_starts_keyframe(b"\x78\x00\x02\x67\x42\x00\x02\x68\xce")
    assert rtp.h264_starts_keyframe(b"\x78\x00\x02\x09\x10\x00\x02\x67\x42")
    assert rtp.h264_starts_keyframe(b"\x7c\x85\x88")
    assert not rtp.h264_starts_keyframe(b"\x7c\x05\x88")
    assert not rtp.h264_starts_keyframe(b"\x61\x9a")


def test_a_retransmission_gives_the_original_back() -> None:
    original = packet(96, 777, 5, 1001, b"\x90\x80\x01\x01abc", block=elements(e3=b"ab"), marker=True)
    wrapped = packet(
        97, 3, 5, 1002, (777).to_bytes(2, "big") + b"\x90\x80\x01\x01abc", block=elements(e3=b"ab"), marker=True
    )
    assert rtp.unwrap_rtx(wrapped, 20, 96, (1001).to_bytes(4, "big")) == (777, original)
    assert rtp.unwrap_rtx(packet(97, 3, 5, 1002, b"", pad=200), 12, 96, b"abcd") is None
