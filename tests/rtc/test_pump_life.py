"""How the native pump begins, moves, is overrun and ends."""

from __future__ import annotations

import asyncio
import gc
import itertools
import os
import resource
import secrets
import socket
import sys
import threading
import time
import weakref
import zlib
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager, nullcontext
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

import pytest
from aiortc import rtcdtlstransport as dtls
from hypothesis import given
from hypothesis import strategies as st

from rtc.counters import Counters
from rtc.endpoint import Endpoint
from rtc.native.address import pack_address, unpack_address
from rtc.native.library import library
from rtc.native.pump import Pump
from rtc.pressure import Pressure
from rtc.srtp import header_length
from server.tapes import Tapes
from signaling.node import Tape
from tests.rtc.phones import TABLET, Phone, Studio, begin, call, speak, video
from tests.support.rtc_client import Client
from tests.support.rtc_heard import Heard, until

ROOM = 16 << 20  # a pump alone is 2 MB


async def test_ordinary_packets_do_not_come_up_to_python() -> None:
    async with call(is_native=True) as running:
        studio = Studio(1)
        ssrc = await begin(running, studio)
        await speak(running, studio, 1)
        before = running.pumped()
        await speak(running, studio, 100)
        assert running.pumped() - before == 300
        await until(lambda: len(video(running.tablet, ssrc)) == 306)
        assert video(running.tablet, ssrc) == list(range(306))
        assert running.endpoint.counters.srtp_opened <= 6


async def test_keyframes_do_not_come_up_to_python_and_are_known_there() -> None:
    async with call(is_native=True) as running:
        studio = Studio(1)
        ssrc = await begin(running, studio)
        await speak(running, studio, 1)
        source = running.room.forwarder.source_of("phone").sources["video"]
        known, before = source.ring.keyframes, running.pumped()
        frames = [studio.frame(packets=3, is_key=True) for _ in range(5)]
        source.keys.want(time.monotonic_ns())
        for frame in frames:
            for made in frame:
                running.phone.send(running.phone.seal(made))
        await until(lambda: running.pumped() - before == 15)
        await until(lambda: source.ring.keyframes - known == 5)
        assert running.endpoint.counters.srtp_opened <= 6
        assert not source.keys.wanted
        assert source.ring.key_first == source.highest - 2
        assert source.ring.since_keyframe(source.highest) == [
            (source.highest - 2 + place, made) for place, made in enumerate(frames[-1])
        ]
        await until(lambda: len(video(running.tablet, ssrc)) == 21)


async def test_a_phone_whose_address_moves_is_carried_from_its_new_one() -> None:
    async with call(is_native=True) as running:
        studio = Studio(2)
        ssrc = await begin(running, studio)
        source = running.room.forwarder.source_of("phone").sources["video"]
        moved = running.endpoint.counters.address_moved
        for turn in range(4):
            before = running.pumped()
            for made in (*studio.frame(), *studio.frame()):
                received = source.received
                running.phone.send(running.phone.seal(made))
                await until(lambda received=received: source.received > received)  # type: ignore[misc]
            assert running.pumped() == before + (6 if turn == 0 else 5)
            assert running.endpoint.peers["phone"].ice.address == running.phone.address
            assert running.endpoint.counters.address_moved == moved + turn
            await running.phone.rebind()
        await until(lambda: len(video(running.tablet, ssrc)) == 27)
        assert video(running.tablet, ssrc) == list(range(27))


async def test_a_tablet_whose_address_moves_gets_its_packets_there() -> None:
    async with call(is_native=True) as running:
        studio = Studio(3)
        ssrc = await begin(running, studio)
        for turn in range(1, 4):
            await speak(running, studio, 10)
            await until(lambda turn=turn: len(video(running.tablet, ssrc)) == 3 + 30 * turn)  # type: ignore[misc]
            await running.tablet.rebind()
            await running.tablet.check()
        assert video(running.tablet, ssrc) == list(range(93))


async def test_peers_with_other_ciphers_are_served_by_python() -> None:
    async with call(is_native=True, profiles=[dtls.SRTP_AES128_CM_SHA1_80]) as running:
        studio = Studio(4)
        ssrc = await begin(running, studio)
        await speak(running, studio, 20)
        await until(lambda: len(video(running.tablet, ssrc)) == 63)
        assert running.endpoint.peers["phone"].srtp_profile == "SRTP_AES128_CM_SHA1_80"
        assert running.pumped() == 0


async def test_a_sink_that_is_handed_over_in_mid_stream_sees_one_stream_without_a_seam() -> None:
    async with call(is_native=True) as running:
        forwarder, studio = running.room.forwarder, Studio(5)
        async with Phone(running.endpoint.port, TABLET) as colleague:
            colleague.take(await running.endpoint.open_peer("colleague", colleague.offer()))
            await colleague.connect()
            await until(lambda: "colleague" in running.room.connected)
            ssrc = await begin(running, studio)
            theirs = forwarder.source_of("colleague").legs["video", 0].ssrc
            for turn in range(6):
                await begin(running, studio)
                await speak(running, studio, 10)
                routes = [("tablet", 0, "phone")] if turn % 2 else [("colleague", 0, "phone")]
                forwarder.set_routes("call", [*routes, ("phone", 0, "tablet")], time.monotonic_ns())
            await running.settle()
            await colleague.check()
            for client, leg in ((running.tablet, ssrc), (colleague, theirs)):
                numbers = video(client, leg)
                assert len(numbers) > 90
                assert numbers == list(range(len(numbers)))


async def test_two_who_chose_the_same_numbers_see_each_other_and_not_themselves() -> None:
    async with call(is_native=True) as running:
        running.room.forwarder.set_routes("call", [("tablet", 0, "phone"), ("phone", 0, "tablet")])
        ends = [(running.phone, Studio(9), "tablet"), (running.tablet, Studio(10), "phone")]
        for turn in range(20):
            for client, studio, _ in ends:
                for made in studio.frame(is_key=turn == 0, packets=6):
                    client.send(client.seal(made))
            for client, _, _ in ends:
                await client.check()
        assert running.pumped() > 150
        for (_, studio, _), (client, _, name) in itertools.permutations(ends, 2):
            ssrc = running.room.forwarder.source_of("phone" if name == "tablet" else "tablet").legs["video", 0].ssrc
            await until(lambda client=client, ssrc=ssrc: len(video(client, ssrc)) == 120)  # type: ignore[misc]
            seen = [d for d in client.packets if d[8:12] == ssrc.to_bytes(4, "big")]
            assert [d[header_length(d) :] for d in seen] == [d[header_length(d) :] for d in studio.video.sent]


async def test_a_phone_that_many_see_is_seen_by_all_of_them_in_order() -> None:
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(call(is_native=True))
        forwarder, studio, viewers = running.room.forwarder, Studio(11), [("tablet", running.tablet)]
        await begin(running, studio)
        carried = []
        for number in range(5):
            before = running.pumped()
            await speak(running, studio, 4)
            for made in studio.frame(packets=30):  # more than the pump sends in one turn
                running.phone.send(running.phone.seal(made))
            await running.phone.check()
            carried.append(running.pumped() - before)
            client = await stack.enter_async_context(Phone(running.endpoint.port, TABLET))
            name = f"viewer {number}"
            client.take(await running.endpoint.open_peer(name, client.offer()))
            await client.connect()
            await until(lambda name=name: name in running.room.connected)  # type: ignore[misc]
            viewers.append((name, client))
            forwarder.set_routes("call", [(viewer, 0, "phone") for viewer, _ in viewers], time.monotonic_ns())
            await begin(running, studio)
        assert all(count > 10 for count in carried[:4])
        assert carried[4] == 0  # more than the pump serves
        for name, client in viewers:
            await client.check()
            numbers = video(client, forwarder.source_of(name).legs["video", 0].ssrc)
            assert numbers
            assert sorted(numbers) == list(range(len(numbers)))


async def test_packets_that_fly_while_everything_changes_are_counted_once(tmp_path: Path) -> None:
    """The tape comes and goes, the routes change, pictures begin anew, all while packets come."""
    async with call(is_native=True) as running:
        forwarder, studio = running.room.forwarder, Studio(6)
        pump = running.endpoint.pump
        assert pump is not None
        tapes = Tapes(tmp_path, forwarder, lambda peer: running.endpoint.peers[peer].negotiated, lambda *_: None)
        tapes.hold_in(pump.tape)
        await begin(running, studio)
        for turn in range(60):
            for number in range(5):
                for made in (*studio.frame(is_key=turn % 7 == number == 0), studio.sound()):
                    running.phone.send(running.phone.seal(made))
            tapes.want("call", (Tape("phone", "customer"),) if turn % 3 else ())
            await tapes.flush("call")
            forwarder.set_routes("call", [("tablet", 0, "phone")] if turn % 5 else [], time.monotonic_ns())
            await running.tablet.check()
        await running.phone.check()
        stats = forwarder.stats()
        assert stats["packets_in"] == len(studio.video.sent) + len(studio.audio.sent)
        assert stats["duplicates"] == stats["malformed"] == running.endpoint.stats()["faults"] == 0
        await tapes.close()


@contextmanager
def flood(port: int) -> Iterator[None]:
    """Datagrams of every size and beginning from another thread."""
    is_over = threading.Event()

    def run() -> None:
        with socket.socket(type=socket.SOCK_DGRAM) as sock:
            while not is_over.is_set():
                for size in (0, 1, 2, 9, 12, 13, 28, 60, 1400, 2048, 2049, 9000):
                    sock.sendto(secrets.token_bytes(size), ("127.0.0.1", port))
                    sock.sendto((b"\x90\x60" + secrets.token_bytes(size))[:size], ("127.0.0.1", port))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


async def test_a_stop_while_packets_fly_waits_for_nothing() -> None:
    for _ in range(3):
        async with call(is_native=True) as running:
            studio = Studio(8)
            await begin(running, studio)
            with flood(running.endpoint.port):
                await speak(running, studio, 20)
                pump = running.endpoint.pump
                assert pump is not None
                for made in studio.frame(packets=30):
                    running.phone.send(running.phone.seal(made))
                began = time.monotonic()
                pump.stop()
                pump.stop()
                assert time.monotonic() - began < 1
                assert not [thread for thread in threading.enumerate() if thread.name == "packets"]


@pytest.mark.alone
async def test_an_end_leaves_no_thread_no_descriptor_and_no_memory() -> None:
    """In a process of its own: what other tests left in this one's memory is taken back at times of its own."""
    lives = "import asyncio; from tests.rtc.test_pump_life import many_lives; asyncio.run(many_lives())"
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", lives, stderr=asyncio.subprocess.PIPE)
    _, said = await child.communicate()
    assert child.returncode == 0, said.decode()


async def many_lives() -> None:
    def left() -> tuple[int, int]:
        return threading.active_count(), len(os.listdir("/proc/self/fd"))

    before = left()
    sizes = []
    for turn in range(200):
        async with Endpoint("127.0.0.1", 0, hear=Heard()) as endpoint:
            pump = endpoint.pump
            assert pump is not None
            sealer, opener = pump.sealer(bytes(16), bytes(12)), pump.opener(bytes(16), bytes(12), Counters())
            tape = pump.tape()
            tape.keep(bytes(100_000))
            assert opener.open_rtp(sealer.seal_rtp(b"\x80" + bytes(11), b"sound")) is not None
        taken, *told = tape.take()
        assert (bytes(taken), *told) == (bytes(100_000), 1, zlib.crc32(bytes(100_000)))
        cycle: list[object] = [pump, sealer, opener, tape, endpoint]
        cycle.append(cycle)
        del endpoint, pump, sealer, opener, tape, taken, cycle
        if turn % 20 == 19:
            gc.collect()
            sizes.append(memory())
    assert left() == before
    assert sizes[-1] - sizes[1] < ROOM


def memory() -> int:
    """Bytes in use by this process now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


@pytest.mark.alone
async def test_a_call_that_ended_leaves_no_thread_no_descriptor_and_no_memory() -> None:
    sizes, threads = [], threading.active_count()
    for turn in range(8):
        async with call(is_native=True) as running:
            studio = Studio(turn)
            await begin(running, studio)
            await speak(running, studio, 20)
            await running.settle()
            running.room.forwarder.remove_peer("tablet")
            await running.endpoint.close_peer("tablet")
            await speak(running, studio, 5)
            running.room.forwarder.remove_peer("phone")
            await running.endpoint.close_peer("phone")
        assert threading.active_count() == threads
        gc.collect()
        sizes.append(memory())
    assert sizes[-1] - sizes[2] < ROOM


async def test_an_end_that_is_cut_short_ends_the_pump() -> None:
    endpoint = await Endpoint("127.0.0.1", 0, hear=Heard()).__aenter__()
    async with Client(endpoint.port) as phone:
        phone.take(await endpoint.open_peer("phone", phone.offer()))
        await phone.connect()
        ending = asyncio.create_task(endpoint.__aexit__(None, None, None))
        await asyncio.sleep(0)
        while not ending.done():
            ending.cancel()
            await asyncio.sleep(0)
        assert ending.cancelled()
        assert "packets" not in [thread.name for thread in threading.enumerate()]


async def test_a_pump_that_hears_nobody_stops_at_once() -> None:
    found = library()
    assert found is not None
    sock = socket.socket(type=socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    pump = Pump(found, sock, Pressure().state, lambda *_: None)
    sock.connect(("127.0.0.1", 1))  # nobody else is heard from now on
    began = time.monotonic()
    pump.stop()
    sock.close()
    assert time.monotonic() - began < 1
    assert "packets" not in [thread.name for thread in threading.enumerate()]


async def test_memory_stays_while_a_thread_that_does_not_end_may_touch_it() -> None:
    async with call(is_native=True) as running:
        studio = Studio(11)
        await begin(running, studio)
        await speak(running, studio, 3)
        await running.settle()
        pump, sockets = running.endpoint.pump, len(os.listdir("/proc/self/fd"))
        assert pump is not None
        watched, lock, at, unlock = weakref.ref(pump), pump.call.pump_lock, pump.at, pump.call.pump_unlock
        source = running.room.forwarder.source_of("phone").sources["video"]
        thread = next(thread for thread in threading.enumerate() if thread.name == "packets")
        lock(at)
        for made in studio.frame():
            running.phone.send(running.phone.seal(made))  # the thread takes it and waits for the lock
        assert not pump.stop(within_s=0.05)
        assert pump.stop()
        assert source.pipe is not None
        source.halt()
        running.room.forwarder.remove_peer("tablet")
        running.room.forwarder.remove_peer("phone")
        received = source.received
        running.endpoint.pump = running.room.forwarder._pump = None
        running.room.forwarder.still = nullcontext()
        del pump
        gc.collect()
        assert watched() is not None
        assert len(os.listdir("/proc/self/fd")) == sockets
        unlock(at)
        await asyncio.to_thread(thread.join, 5)
        assert not thread.is_alive()
        assert source.received > received


@given(st.ip_addresses(), st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF), st.integers(0, 0xFFFFFFFF))
def test_addresses_are_those_of_the_kernel_and_come_back(
    host: IPv4Address | IPv6Address, port: int, flow: int, scope: int
) -> None:
    address = (str(host), port) if host.version == 4 else (str(host), port, flow, scope)
    raw = pack_address(address)
    assert len(raw) == (16 if host.version == 4 else 28)
    assert unpack_address(raw)[1:] == address[1:]
    assert ip_address(unpack_address(raw)[0]) == host
