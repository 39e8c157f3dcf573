"""A person's data channel that comes back: a light client's connection without media, made anew when it keeps silent."""

from __future__ import annotations

import asyncio
import secrets
import time

from loadtest.chat_outbox import CarrierName
from loadtest.chat_socket import Socket
from loadtest.chat_wire import Wire
from loadtest.clients import Client
from loadtest.clip import Clip

LOOK_EVERY_S = 0.5
PING_EVERY_S = 1.0
ANSWER_WITHIN_S = 1.5
OFFER_DEADLINE_S = 6.0
CONNECT_DEADLINE_S = 8.0
OFFER_PAUSE_S = 1.0  # the server takes one a second in the long run
LOOPBACK = "127.0.0.1"


class ChannelCarrier:
    """One data channel; open from the moment at which `client.channel` is."""

    name: CarrierName = "channel"

    def __init__(self, client: Client) -> None:
        self.client = client

    @property
    def is_open(self) -> bool:
        return self.client.channel is not None and self.client.channel.is_open

    def send(self, text: str) -> bool:
        if self.client.channel is None or not self.client.channel.is_open:
            return False
        self.client.channel.send(text)
        return True

    def close_channel(self) -> None:
        """Closes the data channel alone (RFC 8832); its connection stays."""
        channel = self.client.channel._channel if self.client.channel is not None else None
        if channel is not None:
            channel.close()

    def go_dark(self) -> None:
        """The network is gone: nothing comes, nothing goes, and nobody is told."""
        self.client._close_socket()


class Link:
    """`run` is its whole life. It needs the call's WebSocket for each new connection's offer."""

    def __init__(self, wire: Wire, desk: Socket, host: str = LOOPBACK) -> None:
        self._wire = wire
        self._desk = desk
        self._host = host
        self.carrier: ChannelCarrier | None = None
        self.connections = 0
        self.opened = asyncio.Event()

    async def run(self) -> None:
        while True:
            await self._desk.opened.wait()
            began = time.monotonic()
            async with Client(Clip((), ()), host=self._host) as client:
                try:
                    async with asyncio.timeout(CONNECT_DEADLINE_S):
                        await self._connect(client)
                except (TimeoutError, ConnectionError):
                    pass
                else:
                    await self._stand(client)
            await asyncio.sleep(max(0.0, began + OFFER_PAUSE_S - time.monotonic()))

    async def _connect(self, client: Client) -> None:
        offer = {"type": "media.offer", "peer": secrets.token_hex(6), "sdp": client.offer(has_channel=True)}
        answer = await self._wire.ask(offer, deadline_s=OFFER_DEADLINE_S)
        await client.connect(answer["sdp"])
        carrier = self.carrier = ChannelCarrier(client)
        self._wire.renewal_asked.clear()
        await client.open_channel(lambda text: self._wire.hear(carrier, text))

    async def _stand(self, client: Client) -> None:
        """From the open channel to the moment at which it is of no more use."""
        carrier = self.carrier
        assert carrier is not None
        self.connections += 1
        try:
            carrier.send(self._wire.chat_hello())
            self.opened.set()
            pinged = time.monotonic()
            while carrier.is_open and not self._wire.renewal_asked.is_set():
                await asyncio.sleep(LOOK_EVERY_S)
                if time.monotonic() - pinged >= PING_EVERY_S:
                    await self._wire.ask({"type": "ping"}, on=carrier, deadline_s=ANSWER_WITHIN_S)
                    pinged = time.monotonic()
        except (TimeoutError, ConnectionError):
            pass  # silent: a new connection takes its place
        finally:
            self.opened.clear()
            self.carrier = None
            self._wire.detach(carrier)
