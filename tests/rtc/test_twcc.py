from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from rtc import rtcp, twcc

times = st.lists(st.one_of(st.none(), st.integers(0, 3_000_000)), max_size=400)
close = st.lists(st.one_of(st.none(), st.integers(1000, 1400)), max_size=400)


@given(st.binary(max_size=300))
def test_no_feedback_makes_the_reader_raise(data: bytes) -> None:
    twcc.read_feedback(data)
    for block in rtcp.blocks(b"\x8f\xcd" + (len(data) // 4).to_bytes(2, "big") + data):
        twcc.read_feedback(block.data)


@given(st.one_of(times, close), st.integers(0, 0xFFFF), st.integers(0, 255))
def test_feedback_comes_back_as_written(told: list[int | None], base: int, number: int) -> None:
    heard: dict[int, int | None] = {}
    at = base
    for place, packet in enumerate(twcc.build_feedback(1, 2, number, base, told)):
        assert len(packet) % 4 == 0
        (block,) = rtcp.blocks(packet)
        feedback = twcc.read_feedback(block.data)
        assert feedback is not None
        assert feedback.media_ssrc == 2
        assert feedback.number == (number + place) & 0xFF
        assert feedback.base == at & 0xFFFF
        for time in feedback.times:
            heard[at - base] = time
            at += 1
    last = max((i for i, t in enumerate(told) if t is not None), default=-1)
    assert {i: t for i, t in heard.items() if i <= last} == dict(enumerate(told[: last + 1]))


def test_all_chunk_forms_of_the_draft_are_read() -> None:
    head = b"\x8f\xcd\x00\x07" + bytes(8) + b"\x00\x05" + b"\x00\x18" + b"\x00\x00\x01\x07"
    run, ones, twos = b"\x20\x03", b"\xa0\x01", b"\xd2\x00"  # 3 small; 14 of one bit: 2nd and last; 7 of two bits
    deltas = bytes((4, 4, 4)) + bytes((8,)) + bytes((12,)) + bytes((1,)) + b"\xff\xfe"
    feedback = twcc.read_feedback(head + run + ones + twos + deltas)
    assert feedback is not None
    present = {i: t for i, t in enumerate(feedback.times) if t is not None}
    assert len(feedback.times) == 24
    assert list(present.values())[:3] == [260, 264, 268]


@given(st.lists(st.integers(0, 0xFFFF), max_size=5), st.integers(0, 60), st.binary(max_size=60))
def test_the_first_delta_is_found_where_the_reader_finds_it_and_in_whole_feedback_only(
    chunks: list[int], count: int, deltas: bytes
) -> None:
    body = b"".join(struct.pack("!H", chunk) for chunk in chunks) + deltas
    data = struct.pack("!BBHIIHHI", 0x8F, 205, 4 + len(body) // 4, 1, 2, 100, count, 7 << 8) + body
    feedback, found = twcc.read_feedback(data), twcc.first_delta(data, count)
    heard = [time for time in feedback.times if time is not None] if feedback is not None else []
    if found is None:
        assert not heard or _reserved(data, count)
        return
    at, size = found
    delta = int.from_bytes(data[at : at + size], "big", signed=size == 2)
    assert heard[0] == (7 * twcc.REFERENCE_TICKS + delta) % twcc.WRAP_TICKS


def _reserved(data: bytes, count: int) -> bool:
    """Whether a symbol that the draft does not define is among the first `count`."""
    at, seen = 20, 0
    while seen < count:
        chunk = data[at] << 8 | data[at + 1]
        at += 2
        pairs = [chunk >> shift & 3 for shift in range(12, -1, -2)] if chunk & 0x4000 else []
        if not chunk & 0x8000:
            if chunk >> 13 == 3:
                return True
            seen += chunk & 0x1FFF
        elif 3 in pairs[: count - seen]:
            return True
        else:
            seen += len(pairs) or 14
    return False
