"""The data channel of a light client (RFC 8831, RFC 8832): aiortc's SCTP on the client's own DTLS."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiortc import rtcsctptransport as sctp
from aiortc.rtcdatachannel import RTCDataChannel, RTCDataChannelParameters
from aiortc.rtcdtlstransport import RTCDtlsTransport

LABEL = "loupe"
PORT = 5000
OPEN_DEADLINE_S = 15.0
# aiortc begins with 3 s, browsers with 0.5 s; the clients should be as quick to repeat a lost message as browsers are.
_RTO_INITIAL_S = 0.5


class Channel:
    """`await open()`, then `send(text)`; `hear` gets each text that comes. To be closed before its DTLS is."""

    def __init__(self, transport: RTCDtlsTransport, hear: Callable[[str], None]) -> None:
        self._association = sctp.RTCSctpTransport(transport, PORT)
        self._association._rto = _RTO_INITIAL_S
        self._hear = hear
        self._channel: RTCDataChannel | None = None

    async def open(self) -> None:
        """Raises TimeoutError when the server does not take it."""
        await self._association.start(sctp.RTCSctpCapabilities(maxMessageSize=65536), PORT)
        channel = RTCDataChannel(self._association, RTCDataChannelParameters(label=LABEL))
        opened = asyncio.Event()
        channel.on("open", opened.set)
        channel.on("message", self._take)
        async with asyncio.timeout(OPEN_DEADLINE_S):
            if channel.readyState != "open":
                await opened.wait()
        self._channel = channel

    @property
    def is_open(self) -> bool:
        return self._channel is not None and self._channel.readyState == "open"

    def send(self, text: str) -> None:
        """Raises ConnectionError when the channel is not open."""
        if self._channel is None or self._channel.readyState != "open":
            raise ConnectionError("the data channel is closed")
        self._channel.send(text)

    async def close(self) -> None:
        await self._association.stop()

    def _take(self, message: str | bytes) -> None:
        if isinstance(message, str):
            self._hear(message)
