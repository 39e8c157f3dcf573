from __future__ import annotations

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
