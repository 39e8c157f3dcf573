"""A peer with right keys and wrong intentions: it harms itself only."""

from __future__ import annotations

import gc
import os
import secrets
import socket
import struct
from collections.abc import AsyncIterator

import pytest

from rtc import rtcp, stun
from rtc.endpoint import Endpoint
from rtc.forwarder import Forwarder
from rtc.party import WORK_PER_TICK
from rtc.source import Source
from tests.rtc.synthetic import MS, Browser
from tests.support.rtc_client import Client, rtp
from tests.support.rtc_heard import Heard, until


@pytest.fixture(params=[True, False], ids=["native", "python"])
async def endpoint(request: pytest.FixtureRequest) -> AsyncIterator[Endpoint]:
    async with Endpoint("127.0.0.1", 0, hear=Heard(), is_native=request.param) as opened:
        assert (opened.pump is not None) == request.param
        yield opened


def feedback_about(packets: int) -> bytes:
    """Transport-wide feedback in 40 bytes that says of `packets` packets that none arrived."""
    chunks = b"".join(struct.pack("!H", min(0x1FFF, packets - at)) for at in range(0, packets, 0x1FFF))
    body = struct.pack("!IIHHI", 1, 2, 0, packets, 0) + chunks + bytes(-len(chunks) % 4)
    return struct.pack("!BBH", 0x80 | rtcp.TRANSPORT_WIDE, rtcp.TRANSPORT_FEEDBACK, len(body) // 4) + body


def test_what_reports_ask_for_is_bounded_and_honest_ones_are_heard_again_a_tick_later() -> None:
    forwarder = Forwarder()
    hostile = Browser(forwarder, 1)
    party = forwarder.source_of(hostile.id)
    for kind in (feedback_about(65535), feedback_about(1000), rtcp.build_pli(1, 2), nack_of(300)):
        forwarder.tick(MS)
        before = party.reports_refused
        for _ in range(20):
            forwarder.rtcp_in(hostile.id, kind * (1300 // len(kind)), MS)
        assert party.reports_refused > before
        assert party.work[0] >= 0
    forwarder.tick(2 * MS)
    refused = party.reports_refused
    assert party.work[0] == WORK_PER_TICK
    forwarder.rtcp_in(hostile.id, feedback_about(400) + rtcp.build_pli(1, 2), 2 * MS)
    assert party.reports_refused == refused
    assert forwarder.stats()["reports_refused"] == refused


def nack_of(pairs: int) -> bytes:
    named = b"".join(struct.pack("!HH", 17 * i & 0xFFFF, 0xFFFF) for i in range(pairs))
    return struct.pack("!BBHII", 0x81, rtcp.TRANSPORT_FEEDBACK, 2 + pairs, 1, 2) + named


def test_who_stays_does_not_hold_the_packets_of_who_went() -> None:
    forwarder = Forwarder()
    tablet = Browser(forwarder, 1)
    phone = Browser(forwarder, 2)
    forwarder.set_routes("call", [(tablet.id, 0, phone.id), (phone.id, 0, tablet.id)], 0)
    for number in range(5):
        phone.frame(number * 40 * MS, key=number == 0)
        tablet.frame(number * 40 * MS, key=number == 0)
    assert tablet.port.rtp
    before = sources_in_memory()
    forwarder.set_routes("call", [], MS)
    forwarder.remove_peer(phone.id)
    assert sources_in_memory() == before - 2
    tablet.frame(400 * MS)
    forwarder.tick(500 * MS)


def sources_in_memory() -> int:
    gc.collect()
    return sum(isinstance(thing, Source) for thing in gc.get_objects())


async def test_a_forged_source_address_does_not_take_another_peers_packets(endpoint: Endpoint) -> None:
    async with Client(endpoint.port) as victim, Client(endpoint.port) as attacker:
        for name, client in (("victim", victim), ("attacker", attacker)):
            client.take(await endpoint.open_peer(name, client.offer()))
            await client.connect()
            await until(lambda name=name: endpoint.peers[name].is_connected)  # type: ignore[misc]
        heard: list[bytes] = []
        endpoint.peers["victim"].on_rtp = lambda packet, _: heard.append(packet)
        names = f"{attacker.remote.ufrag}:{attacker.credentials.ufrag}"
        forged = stun.request(secrets.token_bytes(12), names, attacker.remote.pwd.encode(), use_candidate=True)
        endpoint._check(forged, victim.address)  # as the kernel would give it, with the victim's address as its source
        assert endpoint.counters.address_kept == 1
        assert endpoint.peers["attacker"].ice.address == attacker.address
        victim.send(victim.seal(rtp(1)))
        await until(lambda: heard)
        await victim.check()


async def test_a_living_peers_address_is_free_again_when_it_is_gone(endpoint: Endpoint) -> None:
    async with Client(endpoint.port) as client, Client(endpoint.port) as other:
        client.take(await endpoint.open_peer("first", client.offer()))
        await client.connect()
        await until(lambda: endpoint.peers["first"].is_connected)
        await endpoint.close_peer("first")
        other.take(await endpoint.open_peer("second", other.offer()))
        client.remote, client.credentials = other.remote, other.credentials
        await client.check()  # the same socket speaks for another peer now
        assert endpoint.peers["second"].ice.address == client.address


async def test_strangers_leave_nothing_behind(endpoint: Endpoint) -> None:
    async with Client(endpoint.port) as client:
        client.take(await endpoint.open_peer("ann", client.offer()))
        await client.connect()
        await until(lambda: endpoint.peers["ann"].is_connected)
        known = (len(endpoint._by_address), len(endpoint._by_ufrag), len(endpoint.peers))
        before = endpoint.stats()["datagrams"]
        for number in range(40):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
                for size in (0, 1, 11, 12, 20, 60, 1200, 2048):
                    first = bytes([(number * 7 + size) & 0xFF]) if size else b""
                    stranger.sendto(first + os.urandom(max(size - 1, 0)), client.server)
            arrived = before + (number + 1) * 8
            await until(lambda arrived=arrived: endpoint.stats()["datagrams"] >= arrived)  # type: ignore[misc]
        assert (len(endpoint._by_address), len(endpoint._by_ufrag), len(endpoint.peers)) == known
        assert endpoint.stats()["faults"] == 0
        await client.check()
