"""Feedback that the pump passes on is what Python passes on, whatever a sink says."""

from __future__ import annotations

import ctypes
import time
from array import array

from hypothesis import example, given, settings
from hypothesis import strategies as st

from rtc import rtcp, twcc
from rtc.nack import build_nack
from rtc.native import library as native
from rtc.party import WORK_PER_TICK
from rtc.pressure import IS_SHEDDING, SHED_AT, SHED_FOR
from rtc.state import COUNTER
from tests.rtc.phones import Call, Phone, Studio, call, feedback
from tests.rtc.synthetic import MS, Browser
from tests.rtc.test_congestion import Step, heard, steps, worlds
from tests.support.rtc_heard import until


class Sink:
    """A tablet whose feedback the C function turns round as long as it takes it, and Python otherwise."""

    def __init__(self, tablet: Browser, phone: Browser) -> None:
        self.tablet, self.phone = tablet, phone
        self.taken = 0
        calls = ctypes.CDLL(str(native.LIBRARY))
        self._turn_round = calls.turn_round
        self._turn_round.restype = ctypes.c_int
        self._turn_round.argtypes = [ctypes.POINTER(native.Return), ctypes.c_void_p, ctypes.c_int, ctypes.c_int64]

    def say(self, data: bytes, now_ns: int) -> None:
        forwarder = self.tablet.forwarder
        sink, source = forwarder.source_of(self.tablet.id), forwarder.source_of(self.phone.id)
        uplink, downlink = source.uplink, sink.downlink

        def at(flat: array[int]) -> int:
            return flat.buffer_info()[0]

        plan = native.Return(
            work=at(sink.work), downlink=at(downlink.state), sent_uplinks=at(downlink.uplinks),
            sent_numbers=at(downlink.numbers), uplink=at(uplink.state), uplink_times=at(uplink.times_ns),
            uplink_id=uplink.id, speaker=source.speaker[0], spoken_of=source.speaker[1],
        )  # fmt: skip
        # No more room than is said: the sanitizer's build then sees every byte too many.
        packet = ctypes.create_string_buffer(data, len(data) + 3)
        size = self._turn_round(plan, packet, len(data), now_ns) if uplink.owner is downlink else 0
        if size:
            self.taken += 1
            self.phone.port.rtcp.append(packet.raw[:size])
        else:
            assert packet.raw[: len(data)] == data
            self.tablet.say(data, now_ns)


def same(ours: tuple[Browser, Browser], theirs: tuple[Browser, Browser]) -> None:
    assert ours[0].port.rtcp == theirs[0].port.rtcp
    for place in (0, 1):
        one, other = (pair[place].forwarder.source_of(pair[place].id) for pair in (ours, theirs))
        assert one.uplink.state == other.uplink.state
        assert one.downlink.state == other.downlink.state
        assert (one.work, one.reports_refused) == (other.work, other.reports_refused)


@settings(deadline=None, max_examples=150)
@given(
    steps=steps,
    began=st.one_of(st.integers(0, twcc.WRAP_TICKS - 1), st.integers(-3000, 3000)),
    altered=st.one_of(st.none(), st.lists(st.tuples(st.integers(0, 60), st.integers(0, 255)), min_size=1, max_size=3)),
    cut=st.integers(0, 40),
    work=st.sampled_from([WORK_PER_TICK, 60]),
)
@example(steps=[(3, [4] * 12, False)] * 8, began=-900, altered=None, cut=0, work=WORK_PER_TICK)
def test_what_the_pump_turns_round_is_what_python_passes_on(
    steps: list[Step], began: int, altered: list[tuple[int, int]] | None, cut: int, work: int
) -> None:
    """Arrivals of any order, reports of any length, clocks that roll over; the last ones altered or cut short."""
    ours, theirs = worlds(), worlds()
    for phone, tablet in (ours, theirs):
        phone.forwarder.source_of(tablet.id).work[0] = work
    sink = Sink(*reversed(theirs))
    now_ns, base, clock = 1_000_000 * MS, 1, began
    for turn, (count, gaps, loses) in enumerate(steps):
        lost = (count // 2,) if loses else ()
        for phone, _ in (ours, theirs):
            phone.frame(now_ns, key=turn == 0, packets=count, lose=lost)
        arrivals: list[int | None] = []
        for gap in gaps[: count - len(lost)]:
            clock += gap or 0
            arrivals.append(None if gap is None else clock % twcc.WRAP_TICKS)
        for made in twcc.build_feedback(1, 2, 0, base, arrivals):
            data = bytearray(made)
            if altered is not None and turn == len(steps) - 1:
                for at, value in altered:
                    data[at % len(data)] = value
                del data[len(data) - min(cut, len(data) - 8) :]
            ours[1].say(bytes(data), now_ns)
            sink.say(bytes(data), now_ns)
        base += count - len(lost)
        now_ns += 40 * MS
        same(ours, theirs)


def test_the_pump_takes_ordinary_feedback_from_the_second_on() -> None:
    phone, tablet = worlds()
    sink = Sink(tablet, phone)
    for turn in range(8):
        phone.frame((1000 + 40 * turn) * MS, key=turn == 0)
        for made in twcc.build_feedback(1, 2, 0, 1 + 3 * turn, [160 * turn, 160 * turn + 8, 160 * turn + 9]):
            sink.say(made, (1010 + 40 * turn) * MS)
    assert sink.taken == 7
    assert [(f.base, len(f.times)) for f in heard(phone)] == [(65501 + 3 * turn & 0xFFFF, 3) for turn in range(8)]


def heard_by(phone: Phone) -> list[int]:
    return [
        (told.base + place) & 0xFFFF
        for data in phone.reports
        for block in rtcp.blocks(data)
        if (block.kind, block.subtype) == (rtcp.TRANSPORT_FEEDBACK, rtcp.TRANSPORT_WIDE)
        and (told := twcc.read_feedback(block.data)) is not None
        for place in range(len(told.times))
    ]


def acknowledge(running: Call, first: int, count: int) -> None:
    for data in feedback(first, [4 * n for n in range(first, first + count)]):
        running.tablet.send(running.tablet.seal_report(data))


async def test_feedback_does_not_come_up_to_python_whatever_moves() -> None:
    async with call(is_native=True) as running:
        studio, phone, tablet = Studio(6), running.phone, running.tablet
        forwarder, stats = running.room.forwarder, running.endpoint.stats
        told = forwarder.source_of("phone").uplink
        acknowledged = 0

        async def go_on(turns: int) -> None:
            nonlocal acknowledged
            for _ in range(turns):
                for made in studio.frame(is_key=acknowledged == 0, packets=3):
                    phone.send(phone.seal(made))
                await running.settle()
                count = forwarder.source_of("tablet").downlink.state[COUNTER] - acknowledged
                acknowledge(running, acknowledged + 1, count)
                acknowledged += count
                await tablet.check()
                await until(lambda: told.reported == told.top)

        await go_on(2)
        before = stats()["handed_up"], running.endpoint.counters.srtcp_opened
        await go_on(20)
        checks = 40 + 2  # two in each turn; every datagram that is not ordinary is handed up
        assert stats()["handed_up"] - before[0] <= checks
        assert running.endpoint.counters.srtcp_opened == before[1]
        for person in (tablet, phone):
            await person.rebind()
            await person.check()
            opened = running.endpoint.counters.srtcp_opened
            await go_on(5)
            assert running.endpoint.counters.srtcp_opened == opened + 1  # the first after the move
        await until(lambda: len(heard_by(phone)) >= told.top - told.reported)
        numbers = heard_by(phone)
        assert numbers == list(range(numbers[0], numbers[0] + 3 * 32))


async def test_feedback_that_says_more_than_feedback_is_heard_by_python() -> None:
    async with call(is_native=True) as running:
        studio, phone, tablet = Studio(7), running.phone, running.tablet
        forwarder = running.room.forwarder
        for turn in range(4):
            for made in studio.frame(is_key=turn == 0):
                phone.send(phone.seal(made))
            await running.settle()
            acknowledge(running, 1 + 3 * turn, 3)
            await tablet.check()
        leg = forwarder.source_of("tablet").legs["video", 0]
        kept = [d for d in tablet.packets if d[8:12] == leg.ssrc.to_bytes(4, "big")]
        for made in studio.frame():
            phone.send(phone.seal(made))
        await running.settle()
        both = feedback(13, [50, 51, 52])[0] + build_nack(1, leg.ssrc, [int.from_bytes(kept[0][2:4], "big")])
        before = len(tablet.packets)
        tablet.send(tablet.seal_report(both))
        await until(lambda: len(tablet.packets) == before + 1)
        await until(lambda: len(heard_by(phone)) == 15)
        forged = bytearray(tablet.seal_report(feedback(16, [60])[0]))
        forged[-22] ^= 1
        tablet.send(bytes(forged))
        await until(lambda: running.endpoint.stats()["srtcp_auth_failed"] == 1)


async def acknowledged_twice(running: Call, studio: Studio) -> None:
    """From then on the pump opens what the tablet reports."""
    for turn in range(2):
        for made in studio.frame(is_key=turn == 0):
            running.phone.send(running.phone.seal(made))
        await running.settle()
        acknowledge(running, 1 + 3 * turn, 3)
        await running.tablet.check()


async def test_a_report_is_held_until_python_looks_and_the_round_trip_does_not_hold_that() -> None:
    async with call(is_native=True) as running:
        studio, phone, tablet, pump = Studio(8), running.phone, running.tablet, running.endpoint.pump
        assert pump is not None
        await acknowledged_twice(running, studio)
        leg = running.room.forwarder.source_of("tablet").legs["video", 0]
        told = rtcp.build_sender_report(rtcp.SenderInfo(studio.video.ssrc, 0x1234_5678_9ABC_DEF0, 0, 6, 6000), "phone")
        phone.send(phone.seal_report(told))
        await until(lambda: any(data[1] == rtcp.SENDER_REPORT for data in tablet.reports))
        opened, sent_ns = pump.stats()["srtcp_opened"], time.monotonic_ns()
        report = rtcp.Report(leg.ssrc, 0, 0, leg.sequence_offset & 0xFFFF, 0, 0x5678_9ABC, 1000)
        tablet.send(tablet.seal_report(rtcp.build_receiver_report(1, [report])))
        await until(lambda: pump.stats()["srtcp_opened"] > opened)
        opened_ns = time.monotonic_ns()
        assert not round_trips(phone)
        await until(lambda: time.monotonic_ns() > opened_ns + 40 * MS)
        pump.look()
        looked_ns = time.monotonic_ns()
        await until(lambda: bool(round_trips(phone)))
        ((last_sr, delay),) = round_trips(phone)
        assert last_sr == 0x5678_9ABC
        assert (40 << 16) // 1000 <= delay - 1000 <= ((looked_ns - sent_ns) << 16) // 1_000_000_000 + (20 << 16) // 1000


def round_trips(phone: Phone) -> list[tuple[int, int]]:
    return [
        (report.last_sr, report.delay)
        for data in phone.reports
        for block in rtcp.blocks(data)
        for report in (rtcp.reports(block) if block.kind == rtcp.RECEIVER_REPORT else [])
    ]


async def test_under_pressure_reports_are_thinned() -> None:
    async with call(is_native=True) as running:
        tablet, pump, pressure = running.tablet, running.endpoint.pump, running.endpoint.pressure
        assert pump is not None
        await acknowledged_twice(running, Studio(10))
        opened, dropped = pump.stats()["srtcp_opened"], pump.stats()["handed_up_dropped"]
        with pump:  # all of them come at once
            pressure.state[IS_SHEDDING], pressure.state[SHED_FOR] = 1, 60_000 * MS
            pressure.state[SHED_AT] = time.monotonic_ns()
            for _ in range(20):
                tablet.send(tablet.seal_report(rtcp.build_receiver_report(1, [])))
        await until(lambda: pump.stats()["srtcp_opened"] == opened + 20)
        assert 1 <= dropped + 20 - pump.stats()["handed_up_dropped"] < 5


async def test_a_report_with_a_request_behind_it_is_heard_at_once() -> None:
    async with call(is_native=True) as running:
        studio, phone, tablet = Studio(9), running.phone, running.tablet
        await acknowledged_twice(running, studio)
        leg = running.room.forwarder.source_of("tablet").legs["video", 0]
        asked = rtcp.build_receiver_report(1) + rtcp.build_pli(1, leg.ssrc)
        tablet.send(tablet.seal_report(asked))
        await until(lambda: any(data[1] == rtcp.PAYLOAD_FEEDBACK for data in phone.reports))
