"""The network lab with real UDP sockets on loopback: what goes in, what comes out, when, and from which port."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Self

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from loadtest.impairment import Impairment
from loadtest.lab import Lab
from tests.support.rtc_heard import until

DEADLINE_S = 5.0


class Listener:
    """A UDP socket that keeps what it hears: (bytes, sender's port, loop time)."""

    def __init__(self) -> None:
        self.heard: list[tuple[bytes, int, float]] = []
        self._more = asyncio.Event()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 21)
        self._socket.bind(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])

    async def __aenter__(self) -> Self:
        asyncio.get_running_loop().add_reader(self._socket, self._read)
        return self

    async def __aexit__(self, *fault: object) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def _read(self) -> None:
        while True:
            try:
                data, address = self._socket.recvfrom(65_535)
            except BlockingIOError:
                break
            self.heard.append((data, int(address[1]), asyncio.get_running_loop().time()))
        self._more.set()

    def send(self, data: bytes, port: int) -> None:
        self._socket.sendto(data, ("127.0.0.1", port))

    async def until(self, count: int) -> list[bytes]:
        async with asyncio.timeout(DEADLINE_S):
            while len(self.heard) < count:
                self._more.clear()
                await self._more.wait()
        return self.words

    @property
    def words(self) -> list[bytes]:
        return [data for data, _, _ in self.heard]

    @property
    def ports(self) -> list[int]:
        return [port for _, port, _ in self.heard]


@asynccontextmanager
async def between(words: str = "", seed: int = 1) -> AsyncIterator[tuple[Listener, Lab, Listener]]:
    """A person, the lab with this impairment, and a server."""
    impairment = Impairment.parse(words) if words else Impairment()
    async with Listener() as server, Lab(server.port, impairment, seed=seed) as lab, Listener() as person:
        yield person, lab, server


async def passed(lab: Lab, came: int) -> None:
    """Returns when the lab has read so many datagrams and let go of all that it held."""
    await until(lambda: lab.counts.came >= came and not lab.held)


def numbers(words: list[bytes]) -> list[int]:
    return [int.from_bytes(word[:4], "big") for word in words]


async def send_numbers(person: Listener, lab: Lab, count: int, size: int = 4) -> None:
    """In batches that a kernel buffer holds."""
    for number in range(count):
        person.send(number.to_bytes(4, "big").ljust(size, b"."), lab.port)
        if number % 100 == 99 or number == count - 1:
            await until(lambda: lab.counts.came > number)  # noqa: B023 - waited for at once


async def test_a_perfect_network_carries_all_both_ways_in_order() -> None:
    async with between() as (person, lab, server):
        await send_numbers(person, lab, 500)
        assert numbers(await server.until(500)) == list(range(500))
        server.send(b"back", server.ports[0])
        assert await person.until(1) == [b"back"]
        assert person.ports == [lab.port]


async def test_a_seed_loses_its_share_each_way_and_always_the_same_datagrams() -> None:
    survivors = []
    for seed in (3, 3, 4):
        async with between("loss=20", seed) as (person, lab, server):
            await send_numbers(person, lab, 2000)
            await passed(lab, 2000)
            survivors.append(numbers(await server.until(lab.counts.out)))
            assert lab.counts.lost + lab.counts.out == 2000
            server.send(b"", server.ports[0])
    assert survivors[0] == survivors[1] != survivors[2]
    assert all(0.77 < len(came) / 2000 < 0.83 for came in survivors)


async def test_burst_loss_keeps_the_share_and_comes_in_runs() -> None:
    async with between("loss=10,burst=5", seed=5) as (person, lab, server):
        await send_numbers(person, lab, 8000)
        await passed(lab, 8000)
        came = set(numbers(await server.until(lab.counts.out)))
    missing = [number for number in range(8000) if number not in came]
    runs = sum(1 for number in missing if number - 1 in came)
    assert 0.07 < len(missing) / 8000 < 0.13
    assert 4 < len(missing) / runs < 6


async def test_delay_and_jitter_hold_every_datagram_and_change_no_order() -> None:
    async with between("delay=40,jitter=10") as (person, lab, server):
        began = asyncio.get_running_loop().time()
        await send_numbers(person, lab, 300)
        assert numbers(await server.until(300)) == list(range(300))
        assert min(at for _, _, at in server.heard) >= began + 0.030
        assert lab.counts.lost == lab.counts.reordered == 0
        server.send(b"back", server.ports[0])
        began = asyncio.get_running_loop().time()
        await person.until(1)
        assert person.heard[0][2] >= began + 0.030


async def test_reordered_datagrams_come_late_and_none_is_lost() -> None:
    async with between("reorder=10", seed=2) as (person, lab, server):
        await send_numbers(person, lab, 500)
        came = numbers(await server.until(500))
    assert sorted(came) == list(range(500)) != came
    assert 25 < lab.counts.reordered < 75


async def test_doubled_datagrams_come_twice_one_behind_the_other() -> None:
    async with between("duplicate=20", seed=2) as (person, lab, server):
        await send_numbers(person, lab, 500)
        await passed(lab, 500)
        came = numbers(await server.until(500 + lab.counts.duplicated))
    assert came == sorted(came)
    assert set(came) == set(range(500))
    assert 70 < lab.counts.duplicated < 130


async def test_a_rate_is_kept_and_its_queue_drops_what_would_wait_too_long() -> None:
    async with between("rate=1M,queue=100") as (person, lab, server):
        # 1,000 bytes with headers are 8 ms: one on the link and 100 ms of others wait, the rest finds no room.
        began = asyncio.get_running_loop().time()
        for number in range(50):
            person.send(number.to_bytes(4, "big").ljust(972, b"."), lab.port)
        await passed(lab, 50)
        came = await server.until(lab.counts.out)
        assert 13 <= len(came) <= 16
        assert lab.counts.dropped == 50 - len(came)
        assert numbers(came) == list(range(len(came)))
        assert server.heard[-1][2] - began >= len(came) * 0.008


async def test_each_person_has_a_link_of_their_own() -> None:
    async with between("rate=1M,queue=20") as (person, lab, server), Listener() as other:
        for _ in range(20):
            person.send(b"a" * 972, lab.port)
        await passed(lab, 20)
        full = lab.counts.dropped
        assert full > 10
        other.send(b"b" * 972, lab.port)
        await passed(lab, 21)
        assert lab.counts.dropped == full
        assert b"b" * 972 in await server.until(lab.counts.out)
        assert lab.people == 2


async def test_many_people_behind_one_port_each_hear_their_own_answers() -> None:
    async with between("delay=5") as (person, lab, server), AsyncExitStack() as stack:
        people = [person, *[await stack.enter_async_context(Listener()) for _ in range(20)]]
        for at, one in enumerate(people):
            one.send(b"%d" % at, lab.port)
        await server.until(len(people))
        assert len(set(server.ports)) == len(people)
        for word, port, _ in list(server.heard):
            server.send(b"to " + word, port)
        for at, one in enumerate(people):
            assert await one.until(1) == [b"to %d" % at]


async def test_after_a_rebind_the_server_hears_another_port_and_its_answers_arrive() -> None:
    async with between() as (person, lab, server):
        person.send(b"before", lab.port)
        await server.until(1)
        lab.rebind()
        server.send(b"to the old port", server.ports[0])
        person.send(b"after", lab.port)
        await server.until(2)
        assert server.ports[0] != server.ports[1]
        server.send(b"to the new port", server.ports[1])
        assert await person.until(1) == [b"to the new port"]
        assert lab.counts.handovers == 1


async def test_a_handover_comes_by_itself_and_is_dark_for_a_while() -> None:
    async with between("handover=1,dark=300") as (person, lab, server):
        person.send(b"hello", lab.port)
        await server.until(1)
        await until(lambda: lab.counts.handovers)
        person.send(b"into the dark", lab.port)
        await until(lambda: lab.counts.lost)

        def is_through() -> bool:
            person.send(b"again", lab.port)
            return len(server.heard) > 1

        await until(is_through)
        assert b"into the dark" not in server.words
        assert server.ports[-1] != server.ports[0]


async def test_in_the_dark_nothing_passes_in_either_direction() -> None:
    async with between() as (person, lab, server):
        person.send(b"hello", lab.port)
        await server.until(1)
        lab.is_dark = True
        person.send(b"lost", lab.port)
        server.send(b"lost", server.ports[0])
        await passed(lab, 3)
        lab.is_dark = False
        person.send(b"found", lab.port)
        assert await server.until(2) == [b"hello", b"found"]
        assert person.heard == []
        assert lab.counts.lost == 2


async def test_who_left_is_forgotten_with_their_socket_and_who_speaks_stays() -> None:
    async with Listener() as server, Lab(server.port, idle_s=0.3) as lab, Listener() as left, Listener() as stays:
        open_before = len(os.listdir("/proc/self/fd"))
        left.send(b"hello", lab.port)
        stays.send(b"hello", lab.port)
        await until(lambda: lab.people == 2)

        def is_alone() -> bool:
            stays.send(b"still here", lab.port)
            return lab.people == 1

        await until(is_alone)
        assert len(os.listdir("/proc/self/fd")) == open_before + 1
        heard = len(server.heard)
        left.send(b"back again", lab.port)
        await until(lambda: b"back again" in server.words[heard:])


async def test_a_flood_is_read_in_turns_and_all_of_it_arrives() -> None:
    async with between() as (person, lab, server), Listener() as other:
        for number in range(300):
            person.send(number.to_bytes(4, "big"), lab.port)
        other.send(b"me too", lab.port)
        assert sorted(await server.until(301))[-1] == b"me too"


async def test_a_server_that_is_not_there_costs_datagrams_and_nothing_else() -> None:
    async with Listener() as gone:
        port = gone.port
    async with Lab(port) as lab, Listener() as person, Listener() as server:
        await send_numbers(person, lab, 20)
        assert lab.counts.came == 20
        lab.target_port = server.port
        lab.rebind()
        person.send(b"hello", lab.port)
        assert await server.until(1) == [b"hello"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "allowed are loss, burst, delay"),
        ("los=5", "'los' is no impairment; allowed are loss, burst"),
        ("loss=5,", "'' is no impairment"),
        ("loss", "loss lacks its number, 0 to 100 per cent"),
        ("loss=much", "loss takes a number, not 'much'; give 0 to 100 per cent"),
        ("loss=nan", "loss takes a number, not 'nan'"),
        ("loss=120", "loss=120 is out of range; give 0 to 100 per cent"),
        ("loss=-1", "loss=-1 is out of range"),
        ("loss=1,loss=2", "loss is given twice"),
        ("delay=40ms", "delay takes a number, not '40ms'; give 0 to 10000 milliseconds"),
        ("rate=800", "rate=800 is out of range; give 8k to 1000M bit/s"),
        ("rate=800q", "rate takes a number, not '800q'"),
        ("queue=100", "queue does nothing without rate"),
        ("burst=5", "burst does nothing without loss"),
        ("loss=90,burst=2", "burst=2 allows a loss of at most 67 per cent"),
        ("handover=1,dark=2000", "dark must be shorter than handover"),
    ],
)
def test_wrong_words_are_refused_with_what_is_allowed(words: str, said: str) -> None:
    with pytest.raises(ValueError) as refused:
        Impairment.parse(words)
    assert said in str(refused.value)


def test_the_words_of_the_command_line_mean_these_figures() -> None:
    read = Impairment.parse("loss=5, delay=40,jitter=10,rate=1.5M,handover=15,burst=4,queue=300")
    assert read == Impairment(
        loss_share=0.05,
        burst_packets=4,
        delay_ms=40,
        jitter_ms=10,
        rate_bps=1_500_000,
        queue_ms=300,
        handover_s=15,
    )


@given(st.text(max_size=60) | st.from_regex(r"(loss|rate|delay|dark)=[0-9eE+.kMGn_-]{0,8}(,[a-z]+=[0-9]{0,400})*"))
@example("\x1f" * 40)
def test_any_words_are_read_or_refused_in_one_sentence(words: str) -> None:
    refusal = ""
    try:
        read = Impairment.parse(words)
    except ValueError as refused:
        refusal = str(refused)
    if refusal:
        assert 10 < len(refusal) < 250
        assert refusal.isprintable()
    else:
        assert str(read) == "nothing" or Impairment.parse(str(read)) == read


@given(
    st.builds(
        Impairment,
        loss_share=st.integers(0, 50).map(lambda percent: percent / 100),
        burst_packets=st.sampled_from([0, 1, 2.5, 20]),
        delay_ms=st.integers(0, 10_000),
        jitter_ms=st.integers(0, 500),
        rate_bps=st.integers(8_000, 10**9),
        queue_ms=st.integers(1, 10_000),
        handover_s=st.integers(1, 3600),
        dark_ms=st.integers(0, 999),
    ).filter(lambda made: bool(made.loss_share) or not made.burst_packets)
)
def test_an_impairment_reads_back_from_its_own_words(made: Impairment) -> None:
    assert Impairment.parse(str(made)) == made
