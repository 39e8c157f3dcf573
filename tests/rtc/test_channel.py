from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from rtc.channel import MAX_TEXT_BYTES
from rtc.endpoint import Endpoint
from rtc.events import ChannelClosed, ChannelOpen, ChannelText
from tests.support.rtc_client import Client
from tests.support.rtc_heard import Heard, until


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
async def endpoint(heard: Heard) -> AsyncIterator[Endpoint]:
    async with Endpoint("127.0.0.1", 0, hear=heard) as endpoint:
        yield endpoint


@pytest.fixture
async def client(endpoint: Endpoint) -> AsyncIterator[Client]:
    async with Client(endpoint.port) as client:
        client.take(await endpoint.open_peer("ann", client.offer()))
        await client.connect()
        yield client


async def test_text_goes_both_ways_in_order(endpoint: Endpoint, client: Client, heard: Heard) -> None:
    channel = await client.open_channel()
    texts: list[str] = []
    channel.on("message", texts.append)
    await heard.until(ChannelOpen)
    for number in range(50):
        channel.send(f"up {number} 你好")
        assert endpoint.peers["ann"].send_text(f"down {number} 😀")
    await heard.until(ChannelText, count=50)
    assert [event.text for event in heard.of(ChannelText)] == [f"up {number} 你好" for number in range(50)]
    await until(lambda: len(texts) == 50)
    assert texts == [f"down {number} 😀" for number in range(50)]


async def test_the_empty_text_and_the_largest_text_pass(endpoint: Endpoint, client: Client, heard: Heard) -> None:
    channel = await client.open_channel()
    await heard.until(ChannelOpen)
    channel.send("")
    channel.send("a" * MAX_TEXT_BYTES)
    await heard.until(ChannelText, count=2)
    assert [len(event.text) for event in heard.of(ChannelText)] == [0, MAX_TEXT_BYTES]


async def test_a_text_over_the_limit_is_refused_both_ways_and_counted(
    endpoint: Endpoint, client: Client, heard: Heard
) -> None:
    channel = await client.open_channel()
    await heard.until(ChannelOpen)
    assert not endpoint.peers["ann"].send_text("a" * (MAX_TEXT_BYTES + 1))
    assert not endpoint.peers["ann"].send_text("\ud800")
    channel.send("b" * (MAX_TEXT_BYTES + 1))
    channel.send("after it")
    assert (await heard.until(ChannelText)).text == "after it"
    assert endpoint.counters.text_too_large == 1
    assert endpoint.counters.texts_refused == 2


async def test_ten_megabytes_in_one_message_end_the_channel_and_not_the_peer(
    endpoint: Endpoint, client: Client, heard: Heard
) -> None:
    channel = await client.open_channel()
    await heard.until(ChannelOpen)
    channel.send("c" * 10_000_000)
    await heard.until(ChannelClosed)
    assert endpoint.counters.text_too_large == 1
    assert endpoint.peers["ann"].is_connected


async def test_another_label_is_closed_and_counted(endpoint: Endpoint, client: Client, heard: Heard) -> None:
    channel = await client.open_channel("something else")
    await until(lambda: channel.readyState == "closed")
    assert endpoint.counters.channel_refused == 1
    assert not heard.of(ChannelOpen)


async def test_bytes_are_refused_and_counted(endpoint: Endpoint, client: Client, heard: Heard) -> None:
    channel = await client.open_channel()
    channel.send(b"\x00\x01")
    channel.send("text")
    await heard.until(ChannelText)
    assert endpoint.counters.channel_refused == 1


async def test_a_full_buffer_says_no(endpoint: Endpoint, client: Client, heard: Heard) -> None:
    await client.open_channel()
    await heard.until(ChannelOpen)
    client.fall_silent()
    sent = [endpoint.peers["ann"].send_text("d" * 60_000) for _ in range(8)]
    assert sent[0]
    assert not sent[-1]
    assert endpoint.counters.texts_refused > 0


async def test_a_closed_channel_is_told_and_can_be_opened_again(
    endpoint: Endpoint, client: Client, heard: Heard
) -> None:
    channel = await client.open_channel()
    await heard.until(ChannelOpen)
    channel.close()
    await heard.until(ChannelClosed)
    assert not endpoint.peers["ann"].send_text("nobody hears")
    await client.open_channel()
    await heard.until(ChannelOpen, count=2)
    assert endpoint.peers["ann"].send_text("again")


async def test_a_lost_packet_costs_less_than_a_second(endpoint: Endpoint, client: Client, heard: Heard) -> None:
    channel = await client.open_channel()
    await heard.until(ChannelOpen)
    texts: list[str] = []
    channel.on("message", texts.append)
    client.lose_next_dtls = 1
    assert endpoint.peers["ann"].send_text("lost once")
    await until(lambda: texts, deadline_s=0.9)


async def test_garbage_inside_dtls_ends_the_association_and_not_the_peer(
    endpoint: Endpoint, client: Client, heard: Heard
) -> None:
    await client.open_channel()
    await heard.until(ChannelOpen)
    for garbage in (b"\x00", b"\xff" * 40, bytes(200)):
        await client.dtls._send_data(garbage)
    # A second DCEP OPEN on the same stream is what no browser sends.
    stream = next(iter(client.sctp._data_channels))
    await client.sctp._send(stream, 50, b"\x03" + bytes(11))
    await until(lambda: endpoint.counters.channel_faults == 1)
    assert endpoint.peers["ann"].is_connected
    await heard.until(ChannelClosed)
