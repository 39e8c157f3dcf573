"""The time code, what is made of it, and a short run with real browsers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest import direct, glass, glass_pages, timecode
from loadtest.browser import TABLET, chromium, person
from loadtest.histogram import histogram_of

TIMES = st.integers(0, 2**timecode.TIME_BITS - 1)
BLOCKS = timecode.COLUMNS * timecode.ROWS


def brightness(ticks: int) -> list[float]:
    return [235.0 if is_white else 16.0 for is_white in timecode.blocks(ticks)]


@given(
    ticks=TIMES,
    noise=st.lists(st.floats(-40, 40), min_size=BLOCKS, max_size=BLOCKS),
    contrast=st.floats(0.8, 1.0),
    lift=st.floats(-10, 20),
)
def test_a_code_is_read_through_noise_and_loss_of_contrast(
    ticks: int, noise: list[float], contrast: float, lift: float
) -> None:
    seen = [value * contrast + lift + wrong for value, wrong in zip(brightness(ticks), noise, strict=True)]
    assert timecode.read(seen) == ticks


@given(ticks=TIMES, wrong=st.sets(st.integers(0, BLOCKS - 1), min_size=1, max_size=3))
def test_up_to_three_wrong_blocks_are_always_noticed(ticks: int, wrong: set[int]) -> None:
    seen = [251 - value if at in wrong else value for at, value in enumerate(brightness(ticks))]
    assert timecode.read(seen) is None


@given(st.lists(st.floats(0, 255), max_size=BLOCKS + 1))
def test_whatever_is_shown_reading_gives_a_time_that_fits_or_none(seen: list[float]) -> None:
    ticks = timecode.read(seen)
    assert ticks is None or 0 <= ticks < 2**timecode.TIME_BITS


def test_a_grey_picture_shows_no_time() -> None:
    assert timecode.read([120.0] * BLOCKS) is None
    assert timecode.read([value / 5 for value in brightness(1234)]) is None
    assert timecode.read([]) is None


@pytest.mark.parametrize("ticks", [-1, 2**timecode.TIME_BITS])
def test_a_time_that_does_not_fit_is_refused(ticks: int) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        timecode.blocks(ticks)


@given(start=TIMES, span=st.integers(-100_000, 100_000))
def test_a_span_is_right_across_the_wrap(start: int, span: int) -> None:
    assert timecode.ticks_between(start, (start + span) % 2**timecode.TIME_BITS) == span


def picture(taken_ms: float, shown_ms: float) -> tuple[float, float, list[int]]:
    ticks = round(taken_ms * timecode.TICKS_PER_MS) % 2**timecode.TIME_BITS
    return (shown_ms, shown_ms, [int(value) for value in brightness(ticks)])


def test_latency_is_corrected_by_the_clocks_difference_and_an_unreadable_picture_is_counted_apart() -> None:
    way = glass.Way()
    start = 1_800_000_000_000.0
    way.add_turn([picture(start + 34 * n, start + 34 * n + 50 - 7) for n in range(30)], 7.0)
    way.add_turn([(start, start, [120] * BLOCKS), (start + 34, start + 34, [])], 0.0)
    assert way.latencies.facts() == {"p50": 50.0, "p95": 50.0, "p99": 50.0, "max": 50.0, "count": 30}
    assert (way.pictures, way.unreadable) == (32, 2)
    assert way.turns == [{"p50": 50.0, "p95": 50.0, "others_cores": 0.0}]
    assert way.series(start) == [(0.0, 50.0), (1.0, 50.0)]


def test_a_picture_that_stands_still_is_a_freeze_and_a_late_one_is_not() -> None:
    freezes = glass.Freezes()
    freezes.add_turn([0, 34, 68, 102, 136, 270, 304, 338, 720, 754])
    assert freezes.facts() == {"count": 1, "total_ms": 382, "longest_ms": 382}
    freezes.add_turn([10_000])  # the pause between two turns is none
    assert freezes.count == 1


def test_the_facts_say_how_far_above_direct_and_nothing_where_nothing_was_seen() -> None:
    loupe, straight = glass.Way(latencies=histogram_of([40.0, 50.0, 60.0])), glass.Way(latencies=histogram_of([30.0]))
    told = glass.facts(loupe, straight, histogram_of([90.0]), histogram_of([95.0]))
    assert isinstance(told["glass"], dict)
    assert told["glass"]["above_direct_ms"] == pytest.approx({"p50": 20.0, "p95": 30.0}, abs=0.1)
    empty = glass.facts(glass.Way(), straight, histogram_of([]), histogram_of([]))
    assert isinstance(empty["glass"], dict)
    assert empty["glass"]["above_direct_ms"] == {"p50": None, "p95": None}


def test_what_was_sent_is_told_per_second_and_per_picture() -> None:
    before = {"at": 1000.0, "bytes": 1000.0, "frames": 10.0, "encoding_s": 1.0, "estimate_bps": 0.0}
    after = {"at": 3000.0, "bytes": 251_000.0, "frames": 60.0, "encoding_s": 1.5, "estimate_bps": 3_000_400.0}
    assert glass.sending(before, after) == {
        "kbps": 1000,
        "frames_per_s": 25.0,
        "encode_ms": 10.0,
        "estimate_kbps": 3000,
    }
    assert glass.sending(before, before | {"at": 3000.0})["encode_ms"] == 0.0


SDP = """v=0
m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 0.0.0.0
a=candidate:1 1 tcp 1518280447 127.0.0.1 9 typ host tcptype active
a=candidate:2 1 udp 2122260223 10.0.0.2 4000 typ host
a=candidate:3 1 udp 2122194687 127.0.0.1 4001 typ host
a=mid:0
m=video 9 UDP/TLS/RTP/SAVPF 96
c=IN IP4 0.0.0.0
a=rtpmap:96 VP8/90000
"""


def test_a_direct_call_is_pointed_at_the_one_port_that_it_is_given() -> None:
    assert direct.loopback_port(SDP) == 4001
    moved = direct.with_candidate(SDP, 5000)
    assert [line for line in moved.splitlines() if line.startswith("a=candidate:")] == [
        "a=candidate:1 1 udp 2113937151 127.0.0.1 5000 typ host"
    ]
    with pytest.raises(ValueError, match="loopback"):
        direct.loopback_port("v=0\r\n")


def test_a_short_run_has_few_calls_and_each_is_long_enough_to_measure() -> None:
    assert [glass.calls_within(seconds) for seconds in (1, 9, 30, 1000)] == [1, 1, 6, 20]
    begun = glass.GlassRun(2, None, 1, lambda phase: None, calls=3)
    assert (begun.calls, begun.turn_s) == (3, glass.LEAST_TURN_S)
    assert begun.live() == []
    before_it_began = begun.facts()["glass"]
    assert isinstance(before_it_began, dict)
    assert before_it_began["loupe_ms"]["count"] == 0


@pytest.mark.browser
@pytest.mark.alone
async def test_what_the_pages_camera_draws_is_read_back_with_the_time_at_which_it_was_drawn() -> None:
    async with chromium() as browser:
        context, page = await person(browser, size=TABLET, script=glass_pages.script(1))
        await page.route(direct.ADDRESS, direct.bare)
        await page.goto(direct.ADDRESS)
        await page.evaluate(
            "async () => { document.querySelector('video[data-remote]').srcObject ="
            " await navigator.mediaDevices.getUserMedia({video: {width: {ideal: 640}, height: {ideal: 360}}}); }"
        )
        await page.evaluate(glass_pages.BEGIN)
        await page.wait_for_function("() => eye.pictures.length >= 30", polling=100)
        read = await page.evaluate(glass_pages.END)
        await context.close()
    way = glass.Way()
    way.add_turn(read["pictures"], 0.0)
    assert way.unreadable == 0, read["fault"]
    assert way.latencies.percentile(0.5) < 500
