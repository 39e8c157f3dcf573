"""What the native pump leaves out when more comes than can be carried, what it never does, and how it comes back."""

from __future__ import annotations

import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from rtc import rtcp
from rtc.native.pump import Pump
from rtc.pressure import IS_SHEDDING, SHED_AFTER_NS, SHED_AFTER_TURNS, SHED_AT, SHED_FOR, SHED_FOR_NS
from rtc.state import SKIPPED_TO
from tests.rtc.phones import OPUS, Call, Studio, begin, call, feedback, speak, video
from tests.support.rtc_heard import until

STALE_NS = 400_000_000  # pump.h
RETURN_STEP_NS = 200_000_000
OPEN_FACTOR, OPEN_SHIFT = 2654435761, 26


@asynccontextmanager
async def talking() -> AsyncIterator[tuple[Call, Studio, Pump]]:
    """A call in which the first picture and the first sound have passed."""
    async with call(is_native=True) as running:
        studio, pump = Studio(7), running.endpoint.pump
        assert pump is not None
        await begin(running, studio)
        running.phone.send(running.phone.seal(studio.sound()))
        await running.settle()
        yield running, studio, pump


async def test_a_call_goes_on_while_python_stands_still_and_new_ones_are_refused() -> None:
    async with talking() as (running, studio, pump):
        forwarder = running.room.forwarder
        voices = forwarder.source_of("tablet").legs["audio", 0]
        carried, spoken = voices.packets, 0
        end_ns = time.monotonic_ns() + 5_000_000_000
        with socket.socket(type=socket.SOCK_DGRAM) as stranger:
            while not pump.stats()["handed_up_dropped"] or voices.packets < carried + spoken:  # the loop stands in here
                assert time.monotonic_ns() < end_ns
                if not pump.stats()["handed_up_dropped"]:
                    for _ in range(40):
                        stranger.sendto(b"\xff" * 20, running.phone.server)
                    running.phone.send(running.phone.seal(studio.sound()))
                    spoken += 1
        studio.sound()  # is lost: Python, which is late, is not needed for those after it
        for _ in range(10):
            running.phone.send(running.phone.seal(studio.sound()))
        while voices.packets < carried + spoken + 10:
            assert time.monotonic_ns() < end_ns
        assert running.endpoint.is_busy
        await until(lambda: pump.stats()["datagrams"] and pump.call.pump_up(pump.at) is None)
        while running.endpoint.pressure.is_shedding:
            await running.phone.check()
        before = running.pumped()
        await speak(running, studio, 10)
        assert running.pumped() >= before + 20


async def test_a_pump_that_is_overrun_leaves_pictures_out_and_keeps_the_voice_until_it_has_caught_up() -> None:
    async with talking() as (running, studio, pump):
        forwarder = running.room.forwarder
        now_ns = time.monotonic_ns()
        with pump:
            for turn in range(SHED_AFTER_TURNS):  # as the pump itself would have counted them
                running.endpoint.pressure.lagged(now_ns - (0 if turn else SHED_AFTER_NS))
        sources = forwarder.source_of("phone").sources
        spoken, asked = 1, sources["video"].keys.asked
        while running.endpoint.pressure.is_shedding:
            for made in (*studio.frame(), studio.sound()):
                running.phone.send(running.phone.seal(made))
            spoken += 1
            await running.phone.check()
        shed = left_out(pump)
        assert 0 < 3 * (spoken - 2) <= shed <= 3 * spoken
        assert sources["audio"].received == spoken
        assert sources["video"].keys.asked == asked
        assert time.monotonic_ns() - now_ns >= SHED_FOR_NS
        await come_back(running, studio)
        shed, before = left_out(pump), running.pumped()
        await speak(running, studio, 10)
        assert running.pumped() == before + 30
        assert left_out(pump) == shed
        await until(lambda: sources["video"].keys.asked > asked)  # a keyframe, and none of what was left out
        skipped_to = sources["video"].state[SKIPPED_TO]
        sources["video"].want(list(range(skipped_to - 60, skipped_to)), time.monotonic_ns())
        assert len(sources["video"].missing) == 0


def left_out(pump: Pump) -> float:
    """By the pump, and by the kernel before it."""
    stats = pump.stats()
    return stats["shed"] + stats["kernel_dropped"]


async def come_back(running: Call, *studios: Studio) -> None:
    """Sends pictures of phone and tablet until all of them pass."""
    pump, shed = running.endpoint.pump, -1.0
    assert pump is not None
    while left_out(pump) > shed:
        shed = left_out(pump)
        for client, studio in zip((running.phone, running.tablet), studios, strict=False):
            for made in studio.frame():
                client.send(client.seal(made))
            await client.check()


def hold_pressure(running: Call, for_ns: int) -> None:
    pump, pressure = running.endpoint.pump, running.endpoint.pressure
    assert pump is not None
    with pump:
        pressure.state[IS_SHEDDING], pressure.state[SHED_FOR] = 1, 0
        pressure.state[SHED_AT] = time.monotonic_ns() + for_ns


async def test_under_pressure_pictures_are_left_out_unopened_every_sound_passes_and_feedback_is_thinned() -> None:
    async with talking() as (running, studio, pump):
        hold_pressure(running, 60_000_000_000)
        before, opened = left_out(pump), running.endpoint.counters.srtcp_opened
        sounds = pump.stats()["srtp_opened"]
        with pump:  # all of it waits for the pump
            for number in range(100):
                for made in (*studio.frame(packets=9), studio.sound()):
                    running.phone.send(running.phone.seal(made))
                running.tablet.send(running.tablet.seal_report(feedback(number, [number])[0]))
        await running.settle()
        await running.tablet.check()
        assert left_out(pump) - before == 900
        assert pump.stats()["srtp_opened"] - sounds == 100
        assert len(video(running.tablet, running.room.forwarder.source_of("tablet").legs["audio", 0].ssrc)) == 101
        assert 0 < running.endpoint.counters.srtcp_opened - opened < 50
        report = rtcp.build_receiver_report(1, [])
        for _ in range(20):
            running.tablet.send(running.tablet.seal_report(report))
        heard = running.endpoint.counters.srtcp_opened
        await running.tablet.check()
        await until(lambda: running.endpoint.counters.srtcp_opened >= heard + 20)


async def test_under_pressure_the_kernel_drops_pictures_before_they_take_a_place_of_sounds() -> None:
    async with talking() as (running, studio, pump):
        hold_pressure(running, 60_000_000_000)
        await running.phone.check()
        read, opened = pump.stats()["datagrams"], pump.stats()["srtp_opened"]
        for _ in range(100):
            for made in (*studio.frame(packets=9), studio.sound()):
                running.phone.send(running.phone.seal(made.ljust(500) if made[1] & 0x7F != OPUS else made))
        await running.phone.check()
        now = pump.stats()
        assert now["srtp_opened"] - opened == 100
        assert now["kernel_dropped"] > 700
        assert now["datagrams"] - read < 300
        hold_pressure(running, 0)
        await running.phone.check()
        await come_back(running, studio)
        dropped = pump.stats()["kernel_dropped"]
        await speak(running, studio, 10)
        assert pump.stats()["kernel_dropped"] == dropped


async def test_under_pressure_sounds_that_are_too_late_are_left_out_and_the_next_ones_need_no_python() -> None:
    async with talking() as (running, studio, pump):
        forwarder = running.room.forwarder
        voices = forwarder.source_of("tablet").legs["audio", 0]
        hold_pressure(running, 60_000_000_000)
        carried = voices.packets
        with pump:  # it cannot go on meanwhile
            for _ in range(50):
                running.phone.send(running.phone.seal(studio.sound()))
            end_ns = time.monotonic_ns() + STALE_NS
            while time.monotonic_ns() < end_ns:
                pass
        await running.phone.check()
        assert pump.stats()["shed"] >= 45  # one that comes alone is not too late: what waits is behind it
        assert voices.packets + pump.stats()["shed"] == carried + 50
        carried = voices.packets
        handed_up = pump.stats()["handed_up"]
        for _ in range(20):
            running.phone.send(running.phone.seal(studio.sound()))
        end_ns = time.monotonic_ns() + 5_000_000_000
        while voices.packets < carried + 20:  # the loop stands in here
            assert time.monotonic_ns() < end_ns
        assert pump.stats()["handed_up"] == handed_up


def ssrc_at(place: int) -> int:
    """Of a stream that comes back when more than `place` of 64 do."""
    return next(ssrc for ssrc in range(1, 1 << 16) if (ssrc * OPEN_FACTOR & 0xFFFFFFFF) >> OPEN_SHIFT == place)


async def test_streams_of_pictures_come_back_in_doubling_steps_while_nothing_waits_and_go_at_once_when_it_does() -> (
    None
):
    async with call(is_native=True) as running:
        pump = running.endpoint.pump
        assert pump is not None
        pictures = [
            b"\x80\x60" + bytes(6) + ssrc_at(place).to_bytes(4, "big") + bytes(500) for place in range(0, 64, 4)
        ]
        hold_pressure(running, 60_000_000_000)
        await running.phone.check()
        with socket.socket(type=socket.SOCK_DGRAM) as phones:

            async def passed() -> int:
                before = running.endpoint.counters.unknown_address
                for made in pictures:
                    phones.sendto(made, running.phone.server)
                await running.phone.check()
                return running.endpoint.counters.unknown_address - before

            assert await passed() == 0
            hold_pressure(running, 0)
            began_ns, seen = time.monotonic_ns(), [await passed()]
            while seen[-1] < len(pictures):
                assert time.monotonic_ns() - began_ns < 5_000_000_000
                seen.append(await passed())
            assert seen == sorted(seen)
            assert {1, 2, 4, 8, 16} <= set(seen)
            assert time.monotonic_ns() - began_ns >= 4 * RETURN_STEP_NS
            hold_pressure(running, 60_000_000_000)
            await running.phone.check()
            assert await passed() == 0


@pytest.mark.parametrize("one_in", [1, 4])
async def test_pictures_that_were_left_out_for_minutes_are_opened_afterwards(one_in: int) -> None:
    """The receiver guesses how often the sequence number went round from the last packet that it opened. Of each `one_in` packets
    one comes: when more is sent than can be carried, most is lost before the pump sees it."""
    async with call(is_native=True) as running:
        studio, pump = Studio(13), running.endpoint.pump
        assert pump is not None
        ssrc = await begin(running, studio)
        await running.settle()
        hold_pressure(running, 60_000_000_000)
        for _ in range(400):
            for place, made in enumerate(studio.frame(packets=100)):
                sealed = running.phone.seal(made[:40])
                if place % one_in == 0:
                    running.phone.send(sealed)
            await running.phone.check()
        assert pump.stats()["shed"] > 39_000 // one_in
        hold_pressure(running, 0)
        await running.phone.check()
        await come_back(running, studio)
        await running.settle()
        seen = len(video(running.tablet, ssrc))
        await speak(running, studio, 10)
        await until(lambda: len(video(running.tablet, ssrc)) == seen + 30)
        assert pump.stats()["srtp_auth_failed"] == 0


async def test_streams_that_were_left_out_for_long_are_opened_now_and_then_although_others_were_just_before() -> None:
    async with call(is_native=True) as running:
        running.room.forwarder.set_routes("call", [("tablet", 0, "phone"), ("phone", 0, "tablet")])
        pump, ends = running.endpoint.pump, [(running.phone, Studio(16)), (running.tablet, Studio(17))]
        assert pump is not None
        for client, studio in ends:
            for made in (*studio.frame(is_key=True), *studio.frame()):
                client.send(client.seal(made))
                await client.check()
        hold_pressure(running, 60_000_000_000)
        for _ in range(2):
            for client, studio in ends:
                for made in studio.frame():
                    client.send(client.seal(made))
                await client.check()
                studio.video.sequence += 0x4000
            pumped = running.pumped()
            with pump:  # they come at the same time
                for client, studio in ends:  # short ones: the kernel lets only a few of the others through
                    client.send(client.seal(studio.frame(packets=1)[0][:40]))
            for client, _ in ends:
                await client.check()
            assert running.pumped() == pumped + 2
