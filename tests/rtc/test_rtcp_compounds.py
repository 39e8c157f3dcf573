from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from rtc import rtcp
from rtc.nack import MS, Missing, build_nack, read_nack
from rtc.rtcp import Report, SenderInfo
from rtc.state import numbers


@given(st.binary(max_size=200))
def test_no_compound_makes_a_reader_raise(data: bytes) -> None:
    for block in rtcp.blocks(data):
        rtcp.reports(block)
        rtcp.sender_info(block.data)
        rtcp.media_ssrc(block.data)
        rtcp.fir_ssrcs(block.data)
        rtcp.remb_bps(block.data)
        rtcp.bye_ssrcs(block)
        read_nack(block.data)


u32 = st.integers(0, 0xFFFFFFFF)
report = st.builds(Report, u32, st.integers(0, 255), st.integers(-0x800000, 0x7FFFFF), u32, u32, u32, u32)


@given(u32, st.lists(report, max_size=31))
def test_reception_reports_come_back_as_written(ssrc: int, found: list[Report]) -> None:
    (block,) = rtcp.blocks(rtcp.build_receiver_report(ssrc, found))
    assert (block.kind, block.subtype) == (rtcp.RECEIVER_REPORT, len(found))
    assert rtcp.reports(block) == found


def test_a_sender_report_names_its_stream() -> None:
    info = SenderInfo(7, 0x0102030405060708, 9, 10, 11)
    first, second = rtcp.blocks(rtcp.build_sender_report(info, "cname-of-peer"))
    assert rtcp.sender_info(first.data) == info
    assert second.kind == rtcp.SOURCE_DESCRIPTION
    assert b"cname-of-peer\0" in second.data


@given(st.integers(0, (1 << 18) - 1), st.integers(0, 40), st.lists(u32, max_size=5))
def test_an_estimate_comes_back_as_written(mantissa: int, exponent: int, ssrcs: list[int]) -> None:
    (block,) = rtcp.blocks(rtcp.build_remb(1, mantissa << exponent, ssrcs))
    assert rtcp.remb_bps(block.data) == (mantissa << exponent, ssrcs)


@given(st.integers(0, 0xFFFF), st.lists(st.integers(1, 40), max_size=60))
def test_a_nack_names_exactly_what_was_put_in(first: int, steps: list[int]) -> None:
    wanted = [first]
    for step in steps:
        wanted.append((wanted[-1] + step) & 0xFFFF)
    (block,) = rtcp.blocks(build_nack(1, 2, wanted))
    assert sorted(read_nack(block.data)) == sorted(set(wanted))


def test_pli_fir_and_bye_name_their_streams() -> None:
    (pli,) = rtcp.blocks(rtcp.build_pli(1, 77))
    assert (pli.kind, pli.subtype, rtcp.media_ssrc(pli.data)) == (206, 1, 77)
    (fir,) = rtcp.blocks(rtcp.build_fir(1, 77, 300))
    assert rtcp.fir_ssrcs(fir.data) == [77]
    (bye,) = rtcp.blocks(b"\x81\xcb\x00\x01\x00\x00\x00\x4d")
    assert rtcp.bye_ssrcs(bye) == [77]


def test_what_is_missing_is_asked_for_again_and_later_each_time_then_given_up() -> None:
    missing = Missing(numbers(8))
    assert missing.add(5, 7, 0) == [5, 6]
    assert missing.add(5, 8, 0) == [7]
    asked, now = [0], 0
    while len(missing) and now < 5_000 * MS:
        if missing.due(now):
            asked.append(now)
        now += 5 * MS
    assert 5 <= len(asked) <= 11
    steps = [b - a for a, b in itertools.pairwise(asked)]
    assert steps == sorted(steps)
    assert missing.given_up == 3


def test_a_recovered_packet_teaches_the_round_trip() -> None:
    missing = Missing(numbers(8))
    for number in range(40):
        missing.add(number, number + 1, number * 100 * MS)
        missing.due(number * 100 * MS)
        assert missing.arrived(number, number * 100 * MS + 10 * MS)
    assert missing.rtt_ns < 15 * MS
