"""Bad input of every kind, while a call runs: a clear refusal (or silence, for datagrams), counted; nothing crashes,
nothing is kept, and the call does not notice."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import secrets
import socket
import struct
from typing import Any

import aiohttp
import pytest
from aiortc.rtcdatachannel import RTCDataChannel, RTCDataChannelParameters

from rtc import stun
from tests.journeys.hostile_scene import Scene, Stranger
from tests.support.rtc_client import Client, rtp

pytestmark = [pytest.mark.journey, pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="module")]
JPEG = b"\xff\xd8\xff\xe0" + bytes(200)


# --- datagrams ----------------------------------------------------------------------------------------------------


async def test_garbage_datagrams_of_every_first_byte_and_size_are_dropped(call: Scene) -> None:
    dice = random.Random(1)
    async with call.unharmed("node_garbage", "node_unknown_address", "node_stun_malformed"):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.connect(("127.0.0.1", call.server.media_port))
            for first in range(256):
                for size in (1, 2, 12, 20, 28, 100, 1200, 2048, 9000):
                    sender.send(bytes([first]) + dice.randbytes(size - 1))
                sender.send(b"")
                await asyncio.sleep(0)


async def test_forged_connectivity_checks_are_dropped_by_cause(call: Scene) -> None:
    remote = call.customer.client._remote
    assert remote is not None
    async with call.unharmed("node_stun_forged", "node_stun_malformed", "node_stun_unknown", "node_stun_ignored"):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.connect(("127.0.0.1", call.server.media_port))
            sender.settimeout(0.3)
            right = stun.request(
                secrets.token_bytes(12), f"{remote.ufrag}:abcd", remote.pwd.encode(), use_candidate=True
            )
            wrong = stun.request(secrets.token_bytes(12), f"{remote.ufrag}:abcd", b"0" * 36, use_candidate=True)
            nobody = stun.request(secrets.token_bytes(12), "nobody:abcd", remote.pwd.encode(), use_candidate=True)
            response = stun.success(stun.Message(1, secrets.token_bytes(12)), ("127.0.0.1", 9), remote.pwd.encode())
            for datagram in (wrong, nobody, response, *(flipped(right, bit) for bit in range(0, 8 * len(right), 7))):
                sender.send(datagram)
            with pytest.raises(TimeoutError):
                sender.recv(2048)


def flipped(data: bytes, bit: int) -> bytes:
    altered = bytearray(data)
    altered[bit // 8] ^= 1 << bit % 8
    return bytes(altered)


async def test_replayed_unknown_truncated_and_oversized_media_of_a_right_sender_is_dropped(call: Scene) -> None:
    client = call.customer.client
    seal = client._dtls._tx_srtp
    counters = ("node_srtp_replayed", "node_srtp_auth_failed", "node_srtp_malformed", "node_forward_unknown_ssrc")
    async with call.unharmed(*counters, "node_srtp_too_many_sources", "node_srtcp_replayed"):
        for number in range(40):
            stray = bytes(seal.protect(rtp(number, bytes(50), ssrc=0x77770000 + number % 3, kind=111)))
            client._put(flipped(stray, 8 * len(stray) - 3))
            client._put(stray)
            client._put(stray)
            client._put(stray[: 12 + number % 20])
            report = bytes(seal.protect_rtcp(struct.pack("!BBHI", 0x80, 201, 1, 7)))
            client._put(report)
            client._put(report)
            client._put(stray + bytes(3000))
        for number in range(80):
            client._put(bytes(seal.protect(rtp(1, bytes(50), ssrc=0x66660000 + number, kind=100))))


async def test_reports_made_to_hurt_cost_their_sender_only(call: Scene) -> None:
    client = call.customer.client
    seal = client._dtls._tx_srtp
    dice = random.Random(2)
    chunks = struct.pack("!8H", *[0x1FFF] * 8)
    lies = struct.pack("!BBHIIHHI", 0x8F, 205, 8, 1, 2, 0, 65528, 0) + chunks
    named = b"".join(struct.pack("!HH", dice.randrange(65536), 0xFFFF) for _ in range(300))
    kinds = [
        lies * 36,
        struct.pack("!BBHII", 0x81, 205, 302, 1, 2) + named,
        struct.pack("!BBHI", 0x81, 203, 1, 3) * 100,
        struct.pack("!BBH", 0xBF, 200, 0xFFFF) + dice.randbytes(1000),
        struct.pack("!BBHII", 0x81, 206, 2, 1, 2) * 80,
    ]
    async with call.unharmed("node_forward_reports_refused"):
        for number in range(300):
            report = (
                kinds[number % len(kinds)] if number % 2 else bytes([0x80, 200 + number % 8]) + dice.randbytes(1200)
            )
            client._put(bytes(seal.protect_rtcp(report)))


# --- SDP and frames -----------------------------------------------------------------------------------------------


async def answer_to_offer(stranger: Stranger, offer: dict[str, Any]) -> dict[str, Any]:
    """The answer once offers are taken: each visitor's are limited, and for seconds after a flood (the tests before sent
    some) nobody new's are taken at all."""
    while (said := await stranger.ask(offer)).get("code") in ("rate_limited", "unavailable"):  # noqa: ASYNC110 - what another process does has no event
        await asyncio.sleep(said.get("retry_after_s") or 0.5)
    return said


async def test_descriptions_that_cannot_be_served_are_refused_with_a_sentence(call: Scene, stranger: Stranger) -> None:
    async with Client(1) as honest, call.unharmed("live_refused_bad_request", "live_refused_too_large"):
        await stranger.open_socket()
        whole = honest.offer()
        many = "v=0\r\n" + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" * 1300
        bad = [
            honest.offer("audio", "application"), honest.offer("video"), honest.offer("application"), "", "v=0\r\n", many,
            whole.replace("a=fingerprint", "a=nothing"), whole.replace("a=ice-pwd", "a=nothing"),
            whole.replace("actpass", "passive"), whole.replace("a=mid:1", "a=mid:0"), whole.replace("VP8", "XX8").replace("opus", "x"),
            whole.replace("m=video 9", "m=video 99999999"), whole[:300], "\0" * 2000, "v=0\r\nm=" + "é" * 10_000,
        ]  # fmt: skip
        for number, sdp in enumerate(bad):
            said = await answer_to_offer(stranger, {"type": "media.offer", "peer": f"p{number}", "sdp": sdp})
            assert (said["type"], said["code"]) == ("error", "bad_request"), (number, said)
            assert len(said["message"]) > 20
        offer = {"type": "media.offer", "ref": "large", "peer": "p", "sdp": whole + "a=x\r\n" * 20_000}
        await stranger.socket.send_str(json.dumps(offer))
        assert (await stranger.hear(lambda said: said["type"] == "error"))["code"] == "too_large"
        await stranger.socket.send_str(
            json.dumps({"type": "media.offer", "ref": "x", "peer": "p", "sdp": "v" * 1_000_000})
        )
        assert await stranger.closed_with() == 1009
    assert (await call.stats())["node_peers"] == 2


async def test_frames_that_are_none_are_refused_and_a_ten_megabyte_message_ends_its_socket(
    call: Scene, stranger: Stranger
) -> None:
    async with call.unharmed("live_refused_bad_request", "live_refused_too_large", "live_refused_forbidden"):
        await stranger.open_socket()
        for text in (
            "",
            "{",
            "[]",
            "null",
            "1e999",
            '"x"',
            "[" * 30_000,
            '{"type":' * 5000,
            "\ud7ff\0",
            '{"a":"\\ud800"}',
        ):
            await stranger.socket.send_str(text)
            assert (await stranger.hear(lambda said: said["type"] == "error"))["code"] == "bad_request"
        await stranger.socket.send_bytes(b"\0\1\2")
        assert (await stranger.hear(lambda said: said["type"] == "error"))["code"] == "bad_request"
        odd: list[dict[str, Any]] = [
            {"type": "nothing"}, {"type": 7}, {"type": "ping", "extra": 1}, {"type": "ping", "ref": "x" * 65},
            {"type": "media.offer", "peer": "../x", "sdp": "v=0"}, {"type": "seen", "delivered": -1},
            {"type": "hello", "position": 1.5}, {"type": "call.join", "name": ""}, {"type": "call.join", "name": "x" * 81},
        ]  # fmt: skip
        for frame in odd:
            await stranger.socket.send_str(json.dumps({"ref": "odd", **frame}))
            assert (await stranger.hear(lambda said: said["type"] == "error"))["code"] == "bad_request"
        assert (await stranger.ask({"type": "call.answer", "call_id": call.call_id}))["code"] == "forbidden"
        far = await stranger.ask({"type": "hello", "position": 10**30})
        assert far["type"] == "welcome"
        message = {"type": "call.join", "name": "Ann", "matter": "x" * 100_000}
        await stranger.socket.send_str(json.dumps({"ref": "large", **message}))
        assert (await stranger.hear(lambda said: said["type"] == "error"))["code"] == "too_large"
        with contextlib.suppress(ConnectionError, aiohttp.ClientError):
            await stranger.socket.send_str("x" * 10_000_000)
        assert await stranger.closed_with() in (1009, 1006, None)
    async with call.unharmed("live_refused_hello_first"):
        await stranger.open_socket(hello=False)
        assert (await stranger.ask({"type": "ping"}))["code"] == "hello_first"
        assert await stranger.closed_with() == 4002


async def test_frames_of_those_in_the_call_that_no_store_can_keep_are_refused(call: Scene) -> None:
    """The same member of staff, with times and texts at the edge of what there is."""
    booking = {"service": "Heels", "minutes": 30, "price": 1}
    asks: list[dict[str, Any]] = [
        {"type": "booking.propose", "cmid": "edge-time-1", "starts_at": "9999-12-31T23:59:59-23:00", **booking},
        {"type": "booking.propose", "cmid": "edge-time-2", "starts_at": "0001-01-01T00:00:00+23:00", **booking},
        {"type": "seen", "delivered": 10**40, "read": 10**40},
        {"type": "sync", "after": 10**40},
    ]
    async with call.unharmed("live_frames"):
        socket_ = call.staff._socket
        assert socket_ is not None
        for number, ask in enumerate(asks):
            answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
            call.staff._answers[f"edge{number}"] = answer
            await socket_.send_str(json.dumps({"ref": f"edge{number}", **ask}))
            said = await asyncio.wait_for(answer, 5)
            assert said["type"] == "ok" or said["code"] == "bad_request", said


async def test_a_ten_megabyte_message_and_foreign_channels_end_the_data_channel_of_their_sender(
    call: Scene, stranger: Stranger
) -> None:
    await stranger.open_socket()
    async with (
        Client(call.server.media_port) as phone,
        call.unharmed("node_text_too_large", "node_channel_refused", "live_refused_bad_request"),
    ):
        said = await stranger.ask({"type": "media.offer", "peer": "channel", "sdp": phone.offer()})
        phone.take(said["sdp"])
        await phone.connect()
        channel = await phone.open_channel()
        channel.send(b"\0binary")
        channel.send("no json")
        other = RTCDataChannel(phone.sctp, RTCDataChannelParameters(label="another"))
        assert other.label == "another"
        channel.send("x" * 10_000_000)
    assert (await stranger.ask({"type": "ping"}))["type"] == "ok"
