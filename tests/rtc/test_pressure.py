"""More datagrams than the machine can handle: pictures are left out, voices go on, and it recovers by itself."""

from __future__ import annotations

import asyncio
import itertools
import time

from rtc.endpoint import Endpoint
from rtc.events import PeerConnected
from rtc.pressure import BUSY_FOR_NS, MS, SHED_AFTER_NS, SHED_AFTER_TURNS, SHED_FOR_MOST_NS, SHED_FOR_NS, Pressure
from tests.support.rtc_client import AUDIO_SSRC, VIDEO_SSRC, Client, rtp
from tests.support.rtc_heard import Heard, until

SLOW_NS = 1 * MS  # what a packet costs on this test's machine


def overloaded(at_ns: int) -> Pressure:
    """Began to leave pictures out at `at_ns`."""
    pressure = Pressure()
    lag(pressure, at_ns)
    return pressure


def lag(pressure: Pressure, until_ns: int) -> None:
    for turn in range(SHED_AFTER_TURNS):
        assert not pressure.is_shedding
        pressure.lagged(until_ns - (SHED_AFTER_NS if turn == 0 else 0))


def test_a_burst_is_no_overload() -> None:
    pressure = Pressure()
    for now_ns in range(1, 100):
        pressure.lagged(now_ns)
    pressure.caught_up(100)
    pressure.lagged(2 * SHED_AFTER_NS)
    assert not pressure.is_shedding
    assert not pressure.is_high(2 * SHED_AFTER_NS)


def test_a_process_that_stood_still_for_a_moment_is_no_overload() -> None:
    pressure = Pressure()
    pressure.lagged(1)
    pressure.lagged(1 + 3 * SHED_AFTER_NS)
    assert not pressure.is_shedding


def test_pictures_are_left_out_until_the_senders_had_time_to_send_less() -> None:
    at = 2 * SHED_AFTER_NS
    pressure = overloaded(at)
    assert pressure.is_shedding
    pressure.caught_up(at + 1)
    assert pressure.is_shedding
    pressure.caught_up(at + SHED_FOR_NS)
    assert not pressure.is_shedding


def test_a_burst_does_not_prolong_it() -> None:
    at = 2 * SHED_AFTER_NS
    pressure = overloaded(at)
    for burst in range(1, 6):
        pressure.lagged(at + burst * SHED_FOR_NS // 4)
        pressure.caught_up(at + burst * SHED_FOR_NS // 4 + 1)
    assert not pressure.is_shedding


def test_no_new_calls_for_some_seconds_after_an_overload() -> None:
    assert not Pressure().is_high(1)
    at = 2 * SHED_AFTER_NS
    pressure = overloaded(at)
    assert pressure.is_high(at + SHED_FOR_NS + BUSY_FOR_NS - 1)
    assert not pressure.is_high(at + SHED_FOR_NS + BUSY_FOR_NS)


def test_each_relapse_leaves_pictures_out_for_longer_and_a_good_while_is_forgiven() -> None:
    at, lasted = 2 * SHED_AFTER_NS, []
    pressure = overloaded(at)
    for _ in range(6):
        end = at
        while pressure.is_shedding:
            end += SHED_FOR_NS // 2
            pressure.caught_up(end)
        lasted.append(end - at)
        at = end + SHED_AFTER_NS
        lag(pressure, at)
    assert lasted == [SHED_FOR_NS, 2 * SHED_FOR_NS, 4 * SHED_FOR_NS, *[SHED_FOR_MOST_NS] * 3]
    pressure.caught_up(at + SHED_FOR_MOST_NS)
    at += SHED_FOR_MOST_NS + BUSY_FOR_NS
    lag(pressure, at)
    pressure.caught_up(at + SHED_FOR_NS)
    assert not pressure.is_shedding


async def test_a_port_that_is_overrun_keeps_the_voice_and_recovers() -> None:
    heard, sounds = Heard(), 0

    def hear(packet: bytes, now_ns: int) -> None:
        nonlocal sounds
        sounds += packet[8:12] == AUDIO_SSRC.to_bytes(4, "big")
        done_ns = time.perf_counter_ns() + SLOW_NS
        while time.perf_counter_ns() < done_ns:
            pass

    async with Endpoint("127.0.0.1", 0, hear=heard, is_native=False) as endpoint, Client(endpoint.port) as phone:
        phone.take(await endpoint.open_peer("phone", phone.offer()))
        await phone.connect()
        await heard.until(PeerConnected)
        endpoint.peers["phone"].on_rtp = hear
        numbers, pictures_sent = itertools.count(), itertools.count()

        def speak(pictures: int) -> None:
            for _ in range(pictures):
                phone.send(phone.seal(rtp(next(pictures_sent) & 0xFFFF, bytes(1000), ssrc=VIDEO_SSRC, kind=96)))
            phone.send(phone.seal(rtp(next(numbers))))

        spoken = 0
        async with asyncio.timeout(10):
            while endpoint.counters.shed < 1000:
                speak(pictures=80)  # 16 more than one turn of the reader takes
                spoken += 1
                await asyncio.sleep(0)
        await until(lambda: sounds == spoken)
        assert endpoint.is_busy

        def hears_pictures() -> bool:
            speak(pictures=1)
            return endpoint.counters.srtp_opened > opened + sounds - spoken

        opened = endpoint.counters.srtp_opened
        await until(hears_pictures)
