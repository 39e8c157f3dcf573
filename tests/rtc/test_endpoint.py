from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator

import pytest
from aiortc.rtcdtlstransport import SRTP_AES128_CM_SHA1_80

from domain.errors import Invalid, Unavailable
from rtc import stun
from rtc.endpoint import Endpoint
from rtc.events import PeerBack, PeerClosed, PeerConnected, PeerLost
from rtc.ice import Credentials
from rtc.state import HEARD_AT
from tests.support.rtc_client import AUDIO_SSRC, Client, rtp
from tests.support.rtc_heard import Heard, until


class Clock:
    """The monotonic clock, which a test may push forward."""

    def __init__(self) -> None:
        self.ahead_ns = 0

    def __call__(self) -> int:
        return time.monotonic_ns() + self.ahead_ns


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def endpoint(heard: Heard, clock: Clock) -> AsyncIterator[Endpoint]:
    async with Endpoint("127.0.0.1", 0, hear=heard, clock_ns=clock) as endpoint:
        yield endpoint


async def connected(endpoint: Endpoint, client: Client, peer_id: str = "ann", *kinds: str) -> None:
    client.take(await endpoint.open_peer(peer_id, client.offer(*kinds)))
    await client.connect()
    await until(lambda: endpoint.peers[peer_id].is_connected)


async def test_packets_pass_both_ways_with_gcm(endpoint: Endpoint, heard: Heard) -> None:
    async with Client(endpoint.port) as client:
        await connected(endpoint, client)
        await heard.until(PeerConnected)
        peer = endpoint.peers["ann"]
        assert peer.srtp_profile == "SRTP_AEAD_AES_128_GCM"
        packets: list[tuple[bytes, int]] = []
        reports: list[bytes] = []
        peer.on_rtp = lambda packet, at_ns: packets.append((packet, at_ns))
        peer.on_rtcp = lambda packet, at_ns: reports.append(packet)
        client.send(client.seal(rtp(1)))
        client.send(client.seal_report(bytes.fromhex("80c9000111111111")))
        await until(lambda: packets and reports)
        assert packets[0][0] == rtp(1)
        assert reports == [bytes.fromhex("80c9000111111111")]
        packet = rtp(9, b"picture", ssrc=7)
        peer.send_rtp(bytearray(packet[:12]), memoryview(packet)[12:])
        peer.send_rtcp(bytes.fromhex("80c9000100000007"))
        await until(lambda: client.packets and client.reports)
        assert client.packets == [packet]


async def test_a_peer_without_gcm_is_served_with_sha1(endpoint: Endpoint) -> None:
    async with Client(endpoint.port, profiles=[SRTP_AES128_CM_SHA1_80]) as client:
        await connected(endpoint, client)
        peer = endpoint.peers["ann"]
        assert peer.srtp_profile == "SRTP_AES128_CM_SHA1_80"
        packets: list[bytes] = []
        peer.on_rtp = lambda packet, at_ns: packets.append(packet)
        client.send(client.seal(rtp(1)))
        peer.send_rtp(rtp(9)[:12], rtp(9)[12:])
        await until(lambda: packets and client.packets)


async def test_an_answer_names_the_address_that_a_check_came_from(endpoint: Endpoint) -> None:
    async with Client(endpoint.port) as client:
        client.take(await endpoint.open_peer("ann", client.offer()))
        message = await client.check()
        assert message.mapped == client.address


async def test_a_forged_stun_request_is_counted_and_dropped(endpoint: Endpoint) -> None:
    async with Client(endpoint.port) as client:
        client.take(await endpoint.open_peer("ann", client.offer()))
        name = f"{client.remote.ufrag}:{client.credentials.ufrag}"
        client.send(stun.request(bytes(12), name, b"guessed", use_candidate=True))
        client.send(stun.request(bytes(12), "nobody:me", b"guessed"))
        client.send(stun.request(bytes(12), client.remote.ufrag, client.remote.pwd.encode()))
        good = stun.request(bytes(12), name, client.remote.pwd.encode())
        client.send(good[:-1] + bytes([good[-1] ^ 1]))
        client.send(good[:30])
        counters = endpoint.counters
        await until(lambda: counters.datagrams == 5)
        assert (counters.stun_forged, counters.stun_unknown, counters.stun_malformed, counters.stun_ok) == (2, 1, 2, 0)
        assert endpoint.peers["ann"].ice.address is None
        assert counters.datagrams_sent == 0


async def test_a_replayed_packet_is_counted_and_not_heard(endpoint: Endpoint) -> None:
    async with Client(endpoint.port) as client:
        await connected(endpoint, client)
        packets: list[bytes] = []
        endpoint.peers["ann"].on_rtp = lambda packet, at_ns: packets.append(packet)
        sealed = client.seal(rtp(1))
        for _ in range(5):
            client.send(sealed)
        await until(lambda: endpoint.counters.srtp_replayed == 4)
        assert packets == [rtp(1)]


async def test_garbage_of_every_kind_changes_nothing(endpoint: Endpoint) -> None:
    async with Client(endpoint.port) as client, Client(endpoint.port) as stranger:
        await connected(endpoint, client)
        packets: list[bytes] = []
        endpoint.peers["ann"].on_rtp = lambda packet, at_ns: packets.append(packet)
        dice = random.Random(4)
        before = endpoint.counters.datagrams
        for number in range(600):
            sender = client if number % 2 else stranger
            sender.send(dice.randbytes(dice.randrange(1, 200)))
            if number % 50 == 0:
                await until(lambda: endpoint.counters.datagrams > before)
        stranger.send(b"")
        client.send(client.seal(rtp(1)))
        await until(lambda: packets)
        assert packets == [rtp(1)]
        assert endpoint.counters.garbage > 0
        assert endpoint.counters.unknown_address > 0
        assert endpoint.counters.faults == 0
        assert endpoint.peers["ann"].is_connected


async def test_a_fault_in_a_receiver_is_counted_and_costs_one_packet(endpoint: Endpoint) -> None:
    async with Client(endpoint.port) as client:
        await connected(endpoint, client)
        seen: list[int] = []

        def receive(packet: bytes, at_ns: int) -> None:
            seen.append(packet[3])
            raise RuntimeError("a fault above")

        endpoint.peers["ann"].on_rtp = receive
        client.send(client.seal(rtp(1)))
        client.send(client.seal(rtp(2)))
        await until(lambda: len(seen) == 2)
        assert endpoint.counters.faults == 2


async def test_a_newer_packet_from_a_new_port_moves_the_peer(endpoint: Endpoint) -> None:
    async with Client(endpoint.port) as client:
        await connected(endpoint, client)
        peer = endpoint.peers["ann"]
        client.send(client.seal(rtp(10)))
        await until(lambda: endpoint.counters.srtp_opened == 1)
        before, late = peer.ice.address, client.seal(rtp(9))
        await client.rebind()
        client.send(late)
        await until(lambda: endpoint.counters.srtp_opened == 2)
        assert peer.ice.address == before
        client.send(client.seal(rtp(11)))
        await until(lambda: peer.ice.address == client.address)
        peer.send_rtp(rtp(1, ssrc=7)[:12], b"back")
        await until(lambda: client.packets)


async def test_a_stolen_packet_does_not_move_the_peer(endpoint: Endpoint) -> None:
    async with Client(endpoint.port) as client, Client(endpoint.port) as thief:
        await connected(endpoint, client)
        sealed = client.seal(rtp(1))
        client.send(sealed)
        await until(lambda: endpoint.counters.srtp_opened == 1)
        thief.send(sealed)
        thief.send(sealed[:3] + b"\x05" + sealed[4:])
        await until(lambda: endpoint.counters.srtp_replayed and endpoint.counters.srtp_auth_failed)
        assert endpoint.peers["ann"].ice.address == client.address


async def test_an_ice_restart_in_place_keeps_keys_and_moves_the_address(endpoint: Endpoint, heard: Heard) -> None:
    async with Client(endpoint.port) as client:
        await connected(endpoint, client)
        peer, old = endpoint.peers["ann"], client.remote
        ssrcs = [line.ssrc for line in peer.negotiated.lines]
        client.credentials = Credentials.fresh()
        client.take(await endpoint.open_peer("ann", client.offer()))
        assert endpoint.peers["ann"] is peer
        assert client.remote != old
        assert [line.ssrc for line in peer.negotiated.lines] == ssrcs
        await client.check(remote=old)
        await client.rebind()
        await client.check()
        assert peer.ice.address == client.address
        client.send(client.seal(rtp(1)))
        await until(lambda: endpoint.counters.srtp_opened == 1)
        assert len(heard.of(PeerConnected)) == 1


async def test_a_new_connection_under_a_known_id_is_refused(endpoint: Endpoint) -> None:
    async with Client(endpoint.port) as client, Client(endpoint.port) as other:
        await endpoint.open_peer("ann", client.offer())
        with pytest.raises(Invalid, match="new peer id"):
            await endpoint.open_peer("ann", other.offer())


@pytest.mark.parametrize("kinds", [("audio", "video", "application"), ("audio",)])
async def test_a_silent_peer_is_lost_within_three_seconds_and_found_again(
    endpoint: Endpoint, heard: Heard, clock: Clock, kinds: tuple[str, ...]
) -> None:
    async with Client(endpoint.port) as client:
        await connected(endpoint, client, "ann", *kinds)
        client.send(client.seal(rtp(1)))
        await until(lambda: endpoint.counters.srtp_opened == 1)
        clock.ahead_ns = 2_600_000_000
        lost = await heard.until(PeerLost, deadline_s=2)
        assert lost.peer == "ann"
        assert 2.5 <= lost.silent_s < 3
        client.send(client.seal(rtp(2)))
        await heard.until(PeerBack)
        assert len(heard.of(PeerLost)) == 1


async def test_an_idle_peer_with_a_channel_answers_the_probe_and_is_not_lost(heard: Heard) -> None:
    async with Endpoint("127.0.0.1", 0, hear=heard, silent_after_s=1.6) as endpoint, Client(endpoint.port) as client:
        await connected(endpoint, client)
        await client.open_channel()
        peer = endpoint.peers["ann"]
        first = peer.signs[HEARD_AT]
        # Heard again long after the last thing that the client said of its own accord.
        await until(lambda: peer.signs[HEARD_AT] - first > 1_800_000_000)
        assert not heard.of(PeerLost)
        client.fall_silent()
        await heard.until(PeerLost)


async def test_a_wrong_certificate_ends_the_handshake_and_the_peer(endpoint: Endpoint, heard: Heard) -> None:
    async with Client(endpoint.port) as client:
        digest = client.certificate.getFingerprints()[0].value
        wrong = ("00" if digest[:2] != "00" else "01") + digest[2:]
        client.take(await endpoint.open_peer("ann", client.offer().replace(digest, wrong)))
        await client.connect()
        await heard.until(PeerClosed)
        assert not endpoint.peers
        assert endpoint.counters.dtls_failed == 1


async def test_a_lost_handshake_flight_is_repeated_at_once(endpoint: Endpoint) -> None:
    async with Client(endpoint.port) as client:
        client.take(await endpoint.open_peer("ann", client.offer()))
        client.lose_next_dtls = 2
        loop = asyncio.get_running_loop()
        start = loop.time()
        await client.connect()
        # OpenSSL alone would wait 1 s, then 2 s.
        assert loop.time() - start < 0.9


async def test_a_goodbye_is_told_and_frees_the_peer(endpoint: Endpoint, heard: Heard) -> None:
    async with Client(endpoint.port) as client:
        await connected(endpoint, client)
    assert (await heard.until(PeerClosed)).peer == "ann"
    assert not endpoint.peers
    assert not endpoint._by_address
    assert not endpoint._by_ufrag


async def test_close_peer_says_goodbye_and_an_unknown_one_is_already_closed(endpoint: Endpoint, heard: Heard) -> None:
    async with Client(endpoint.port) as client:
        await connected(endpoint, client)
        await endpoint.close_peer("ann")
        await until(lambda: client.dtls.state == "closed")
        await endpoint.close_peer("ann")
        assert not heard.of(PeerClosed)


async def test_closing_leaves_no_task_and_no_descriptor(heard: Heard) -> None:
    tasks, files = asyncio.all_tasks(), len(os.listdir("/proc/self/fd"))
    async with Endpoint("127.0.0.1", 0, hear=heard) as endpoint:
        clients = [Client(endpoint.port) for _ in range(8)]
        for number, client in enumerate(clients):
            await client.rebind()
            client.take(await endpoint.open_peer(str(number), client.offer()))
            if number % 2:
                await client.connect()
                await client.open_channel()
    for client in clients:
        await client.__aexit__(None, None, None)
    await until(lambda: asyncio.all_tasks() == tasks and len(os.listdir("/proc/self/fd")) == files)


async def test_a_taken_port_and_a_closed_endpoint_are_refused(endpoint: Endpoint, heard: Heard) -> None:
    with pytest.raises(Unavailable, match="media port"):
        async with Endpoint("127.0.0.1", endpoint.port, hear=heard):
            pass
    with pytest.raises(Unavailable):
        await Endpoint("127.0.0.1", 0, hear=heard).open_peer("ann", Client(9).offer())


async def test_a_wildcard_host_is_reached_by_ipv4_and_the_advertised_address_is_the_candidate(heard: Heard) -> None:
    async with (
        Endpoint("0.0.0.0", 0, hear=heard, advertise=[("192.0.2.7", 4000)]) as endpoint,
        Client(endpoint.port) as client,
    ):
        answer = await endpoint.open_peer("ann", client.offer())
        assert [line.split()[4:6] for line in answer.splitlines() if "candidate:" in line] == [["192.0.2.7", "4000"]]
        client.take(answer)
        await client.connect()
        assert (await client.check()).mapped == client.address
        client.send(client.seal(rtp(1, ssrc=AUDIO_SSRC)))
        await until(lambda: endpoint.counters.srtp_opened == 1)


async def test_a_later_offer_changes_directions_in_place(endpoint: Endpoint) -> None:
    async with Client(endpoint.port) as client:
        await connected(endpoint, client)
        audio = endpoint.peers["ann"].negotiated.line("audio", 0)
        assert audio is not None
        ssrc, before = audio.ssrc, client.remote
        answer = await endpoint.open_peer("ann", client.offer().replace("a=sendrecv", "a=recvonly"))
        client.take(answer)
        assert client.remote == before
        assert (audio.accepts, audio.sends, audio.ssrc) == (False, True, ssrc)
        assert f"a=ssrc:{ssrc} " in answer
