from __future__ import annotations

import itertools

from hypothesis import example, given, settings
from hypothesis import strategies as st

from rtc import rtcp, twcc
from rtc.congestion import RING
from rtc.forwarder import Forwarder
from rtc.nack import build_nack
from rtc.twcc import Feedback
from tests.rtc.synthetic import MS, Browser, elements, packet


def heard(browser: Browser) -> list[Feedback]:
    found = []
    for data in browser.port.rtcp:
        for block in rtcp.blocks(data):
            if (block.kind, block.subtype) == (205, 15):
                feedback = twcc.read_feedback(block.data)
                assert feedback is not None
                found.append(feedback)
    return found


def timeline(told: list[Feedback]) -> dict[int, int | None]:
    return {(f.base + i) & 0xFFFF: t for f in told for i, t in enumerate(f.times)}


def wides(browser: Browser) -> list[int]:
    return [int.from_bytes(sent.element(3) or b"", "big") for sent in browser.port.rtp]


def answer(sink: Browser, base: int, times: list[int | None], now_ns: int) -> None:
    for data in twcc.build_feedback(1, 2, 0, base, times):
        sink.say(data, now_ns)


def test_while_nobody_looks_the_server_tells_what_came_and_what_was_lost() -> None:
    forwarder = Forwarder()
    phone = Browser(forwarder, 1)
    first = phone.wide + 1
    phone.frame(1000 * MS, key=True, packets=4, lose=(1,))
    forwarder.tick(1050 * MS)
    phone.frame(1100 * MS)
    forwarder.tick(1150 * MS)
    told = timeline(heard(phone))
    assert list(told) == [(first + i) & 0xFFFF for i in range(7)]
    assert told[(first + 1) & 0xFFFF] is None
    assert told[first & 0xFFFF] == 4000
    assert told[(first + 6) & 0xFFFF] == 4400
    assert [f.number for f in heard(phone)] == [0, 1]


def test_a_sinks_feedback_is_told_to_the_source_in_its_numbers_with_the_losses_of_both_ways() -> None:
    forwarder = Forwarder()
    phone, tablet = Browser(forwarder, 1), Browser(forwarder, 2)
    forwarder.set_routes("call", [(tablet.id, 0, phone.id)], 0)
    first = phone.wide + 1
    phone.frame(1000 * MS, key=True, packets=6, lose=(2,))
    assert wides(tablet) == [1, 2, 3, 4, 5]
    answer(tablet, 1, [900_000, 900_004, 900_008, None, 900_020], 1030 * MS)  # the fourth was lost on the second half
    told = timeline(heard(phone))
    assert [told[(first + i) & 0xFFFF] is None for i in range(6)] == [False, False, True, False, True, False]
    a, b, c, d = (told[(first + i) & 0xFFFF] for i in (0, 1, 3, 5))
    assert (b - a, c - a, d - a) == (4, 8, 20)  # type: ignore[operator]
    assert a == 4000  # on our clock, not the tablet's, and no later than the packet was here
    forwarder.tick(1200 * MS)
    assert len(heard(phone)) == 1  # one who tells, not two
    assert heard(phone)[0].media_ssrc == phone.video


def test_our_own_retransmissions_are_nothing_to_the_source() -> None:
    forwarder = Forwarder()
    phone, tablet = Browser(forwarder, 1), Browser(forwarder, 2)
    forwarder.set_routes("call", [(tablet.id, 0, phone.id)], 0)
    first = phone.wide + 1
    phone.frame(1000 * MS, key=True, packets=2)
    tablet.say(build_nack(1, tablet.leg("video"), [tablet.port.rtp[0].sequence]), 1010 * MS)
    phone.frame(1050 * MS, packets=2)
    assert wides(tablet) == [1, 2, 3, 4, 5]
    answer(tablet, 1, [100, 104, 150, 300, 304], 1060 * MS)
    told = timeline(heard(phone))
    assert list(told) == [(first + i) & 0xFFFF for i in range(4)]
    times = [told[(first + i) & 0xFFFF] for i in range(4)]
    assert [t - times[0] for t in times] == [0, 4, 200, 204]  # type: ignore[operator]


def test_feedback_about_nothing_but_our_own_retransmissions_is_nothing_to_the_source() -> None:
    phone, tablet = worlds()
    phone.frame(1000 * MS, key=True, packets=2)
    answer(tablet, 1, [100, 104], 1005 * MS)
    before = heard(phone)
    tablet.say(build_nack(1, tablet.leg("video"), [tablet.port.rtp[0].sequence]), 1010 * MS)
    assert wides(tablet) == [1, 2, 3]
    answer(tablet, 3, [150], 1060 * MS)
    assert heard(phone) == before
    phone.frame(1080 * MS, packets=2)
    answer(tablet, 4, [420, 424], 1090 * MS)
    assert [t for f in heard(phone) for t in f.times] == [4000, 4004, 4320, 4324]


def test_probes_reach_the_sink_and_are_acknowledged() -> None:
    forwarder = Forwarder()
    phone, tablet = Browser(forwarder, 1), Browser(forwarder, 2)
    forwarder.set_routes("call", [(tablet.id, 0, phone.id)], 0)
    made = phone.frame(1000 * MS, key=True, packets=2)
    first = phone.wide - 1
    phone.resend(made[0], 1010 * MS)
    phone.wide += 1
    block = elements(e4=b"1", e3=phone.wide.to_bytes(2, "big"))
    phone.give(packet(97, 50, 1, phone.rtx, b"", block=block, pad=220), 1011 * MS)
    repeats = tablet.port.of(tablet.leg("video") + 1)
    assert len(repeats) == 2
    assert repeats[0].payload[2:] == tablet.port.rtp[0].payload
    assert repeats[0].payload[:2] == tablet.port.rtp[0].sequence.to_bytes(2, "big")
    assert repeats[1].payload[-1] == 220
    answer(tablet, 1, [100, 104, 140, 142], 1040 * MS)
    told = timeline(heard(phone))
    assert len(told) == 4
    assert None not in told.values()
    assert next(iter(told)) == first & 0xFFFF


def test_what_the_sink_cannot_take_does_not_look_lost() -> None:
    forwarder = Forwarder()
    phone, tablet = Browser(forwarder, 1), Browser(forwarder, 2, rtx_pt=None)
    forwarder.set_routes("call", [(tablet.id, 0, phone.id)], 0)
    made = phone.frame(1000 * MS, key=True, packets=2)
    phone.resend(made[0], 1010 * MS)  # a probe, and this sink has no RTX
    phone.frame(1050 * MS, packets=1)
    answer(tablet, 1, [100, 104, 300], 1060 * MS)
    told = timeline(heard(phone))
    assert len(told) == 4
    assert None not in told.values()


def test_the_server_takes_over_when_the_sink_goes_and_time_does_not_jump() -> None:
    forwarder = Forwarder()
    phone, tablet = Browser(forwarder, 1), Browser(forwarder, 2)
    forwarder.set_routes("call", [(tablet.id, 0, phone.id)], 0)
    phone.frame(1000 * MS, key=True)
    answer(tablet, 1, [7_000_000, 7_000_001, 7_000_002], 1020 * MS)
    forwarder.set_routes("call", [], 1030 * MS)
    phone.frame(1050 * MS)
    forwarder.tick(1100 * MS)
    times = [t for t in timeline(heard(phone)).values() if t is not None]
    assert len(times) == 6
    assert times == sorted(times)
    assert times[-1] - times[0] < 400


def test_a_second_viewer_does_not_tell_the_source() -> None:
    forwarder = Forwarder()
    phone, tablet, colleague = (Browser(forwarder, n) for n in (1, 2, 3))
    forwarder.set_routes("call", [(tablet.id, 0, phone.id), (colleague.id, 1, phone.id)], 0)
    phone.frame(1000 * MS, key=True)
    answer(colleague, 1, [100, 101, 102], 1020 * MS)
    assert heard(phone) == []
    answer(tablet, 1, [100, 101, 102], 1030 * MS)
    assert len(heard(phone)) == 1


def test_a_new_owner_looks_like_no_queue_although_its_feedback_comes_late() -> None:
    forwarder = Forwarder()
    phone, tablet = Browser(forwarder, 1), Browser(forwarder, 2)
    for n in range(10):
        phone.frame((1000 + 10 * n) * MS, key=n == 0, packets=1)
    forwarder.tick(1095 * MS)
    forwarder.set_routes("call", [(tablet.id, 0, phone.id)], 1096 * MS)
    base = len(tablet.port.rtp)
    for n in range(10, 20):
        phone.frame((1000 + 10 * n) * MS, packets=1)
    arrivals: list[int | None] = [5_000_000 + 40 * n + (n == 3) * 8 for n in range(10)]  # one took 2 ms longer
    answer(tablet, base + 1, arrivals, 1300 * MS)
    times = [t for t in timeline(heard(phone)).values() if t is not None]
    steps = [b - a for a, b in itertools.pairwise(times)]
    assert steps == [40] * 12 + [48, 32] + [40] * 5


def worlds() -> tuple[Browser, Browser]:
    """A phone and the tablet that shows it."""
    forwarder = Forwarder()
    phone, tablet = Browser(forwarder, 1), Browser(forwarder, 2)
    forwarder.set_routes("call", [(tablet.id, 0, phone.id)], 0)
    return phone, tablet


def hears_slowly(sink: Browser, data: bytes, now_ns: int) -> None:
    """Every packet's time read, sorted by source, translated and written again."""
    for block in rtcp.blocks(data):
        feedback = twcc.read_feedback(block.data)
        if feedback is not None:
            party = sink.forwarder.source_of(sink.id)
            party.downlink.heard(
                feedback,
                now_ns,
                lambda uplink, numbers, arrivals: uplink.party.tell_uplink(
                    uplink.translated(*uplink.party.speaker, numbers, arrivals)
                ),
            )


Step = tuple[int, list[int | None], bool]
steps = st.lists(
    st.tuples(
        st.integers(1, 12),  # packets that the phone sends
        st.lists(st.one_of(st.none(), st.integers(0, 300), st.integers(-2000, 2000)), min_size=12, max_size=12),
        st.booleans(),  # whether one of the phone's is lost on its way to us
    ),
    min_size=1,
    max_size=8,
)


@settings(deadline=None, max_examples=80)
@given(
    steps=steps,
    began=st.one_of(st.integers(0, twcc.WRAP_TICKS - 1), st.integers(-3000, 3000)),
    late=st.integers(0, 3),
    altered=st.one_of(st.none(), st.integers(1, 8 * 12)),
)
@example(steps=[(3, [4] * 12, False)] * 4, began=-900, late=0, altered=None)
def test_feedback_that_is_passed_on_says_what_feedback_that_is_translated_says(
    steps: list[Step], began: int, late: int, altered: int | None
) -> None:
    """With arrivals of any order, reports of any length, clocks that roll over, and a bit altered on the way."""
    (phone, tablet), (other_phone, other_tablet) = worlds(), worlds()
    now_ns, base, clock = 1_000_000 * MS, 1, began
    for turn, (count, gaps, loses) in enumerate(steps):
        lost = (count // 2,) if loses else ()
        for browser in (phone, other_phone):
            browser.frame(now_ns, key=turn == 0, packets=count, lose=lost)
        arrivals: list[int | None] = []
        for gap in gaps[: count - len(lost)]:
            clock += gap or 0
            arrivals.append(None if gap is None else clock % twcc.WRAP_TICKS)
        is_altered = altered is not None and turn == len(steps) - 1
        for data in twcc.build_feedback(1, 2, 0, base, arrivals):
            if altered is not None and is_altered:
                at = 20 + altered // 8 % max(len(data) - 20, 1)
                data = data[:at] + bytes((data[at] ^ 1 << altered % 8,)) + data[at + 1 :]
            tablet.say(data, now_ns + late * MS)
            hears_slowly(other_tablet, data, now_ns + late * MS)
        base += count - len(lost)
        now_ns += 40 * MS
        # an altered time may lie so far off that the slow way takes the clock for another one
        say = shape if is_altered else list
        assert say(heard(phone)) == say(heard(other_phone))
        assert all(len(data) % 4 == 0 for data in phone.port.rtcp)
        ours, theirs = (b.forwarder.source_of(b.id).uplink for b in (phone, other_phone))
        assert ours.reported == theirs.reported


def shape(told: list[Feedback]) -> list[object]:
    return [(f.media_ssrc, f.base, f.number, [time is None for time in f.times]) for f in told]


def test_feedback_is_passed_on_whole_whatever_its_padding() -> None:
    phone, tablet = worlds()
    phone.frame(1000 * MS, key=True, packets=1)
    answer(tablet, 1, [100], 1020 * MS)
    for turn, count in enumerate((1, 2, 3, 4, 5, 9)):
        phone.frame((1050 + 50 * turn) * MS, packets=count)
        base = wides(tablet)[-count]
        answer(tablet, base, [300 + 200 * turn + place for place in range(count)], (1070 + 50 * turn) * MS)
    told = timeline(heard(phone))
    assert len(told) == 1 + 1 + 2 + 3 + 4 + 5 + 9
    assert [f.number for f in heard(phone)] == list(range(7))


def test_feedback_about_packets_long_gone_is_not_taken_for_newer_ones() -> None:
    phone, tablet = worlds()
    phone.frame(1000 * MS, key=True, packets=3)
    answer(tablet, 1, [100, 104, 108], 1020 * MS)
    for turn in range(RING // 3):
        phone.frame((1050 + turn) * MS)
        if turn < RING // 3 - 1:
            answer(tablet, 4 + 3 * turn, [300 + 4 * turn, 301 + 4 * turn, 302 + 4 * turn], (1070 + turn) * MS)
    before = heard(phone)
    newest = wides(tablet)[-3]
    answer(tablet, newest - RING, [7000, 7001, 7002], 3000 * MS)
    assert heard(phone) == before
