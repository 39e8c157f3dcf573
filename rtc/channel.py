"""The data channel that the browser opens (RFC 8831, RFC 8832), through aiortc's SCTP on the peer's DTLS."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import structlog
from aiortc import rtcsctptransport as sctp
from aiortc.rtcdatachannel import RTCDataChannel
from aiortc.rtcdtlstransport import RTCDtlsTransport

from rtc.counters import Counters
from rtc.events import ChannelClosed, ChannelOpen, ChannelText

LABEL = "loupe"
SCTP_PORT = 5000
MAX_TEXT_BYTES = 64 * 1024
MAX_BUFFERED_BYTES = 256 * 1024
# aiortc's 3 s and 1 s come from RFC 9260 and make one lost chat packet cost a second; a call's round trip is short.
_RTO_INITIAL_S = 0.5
_RTO_MIN_S = 0.2
# With the shorter time-out the handshake must still outlive a tunnel: 60 * 0.5 s.
_INIT_REPEATS = 60
# One message in reassembly may be MAX_TEXT_BYTES; a few may be under way on other streams.
_MAX_REASSEMBLY_BYTES = 4 * MAX_TEXT_BYTES
sctp.SCTP_RTO_MIN = _RTO_MIN_S  # type: ignore[assignment]
sctp.SCTP_MAX_INIT_RETRANS = _INIT_REPEATS

_log = structlog.get_logger(__name__)


class _Association(sctp.RTCSctpTransport):
    """aiortc's association, made to survive a hostile browser: a fault ends the association, not the peer."""

    def __init__(self, transport: RTCDtlsTransport, counters: Counters, heard: Callable[[], None]) -> None:
        super().__init__(transport, SCTP_PORT)
        self._rto = _RTO_INITIAL_S
        self._counters = counters
        self._heard = heard

    async def _handle_data(self, data: bytes) -> None:
        self._heard()
        try:
            await super()._handle_data(data)
            if self._advertised_rwnd < 1024 * 1024 - _MAX_REASSEMBLY_BYTES:
                self._counters.text_too_large += 1
                await self.stop()
        except ConnectionError:
            raise
        except Exception:
            self._counters.channel_faults += 1
            await self.stop()

    async def _receive(self, stream_id: int, pp_id: int, data: bytes) -> None:
        if len(data) > MAX_TEXT_BYTES:
            self._counters.text_too_large += 1
            return
        await super()._receive(stream_id, pp_id, data)

    async def probe(self) -> None:
        """A HEARTBEAT (RFC 9260 3.3.5): a living peer answers at once, also when it has nothing to say."""
        if self._association_state == self.State.ESTABLISHED:
            chunk = sctp.HeartbeatChunk()
            chunk.params = [(1, int(time.monotonic() * 1000).to_bytes(8, "big"))]
            await self._send_chunk(chunk)


class Channel:
    """`tell` hears ChannelOpen, ChannelText, ChannelClosed; `heard` is called for every authentic SCTP packet."""

    def __init__(
        self,
        peer: str,
        transport: RTCDtlsTransport,
        counters: Counters,
        tell: Callable[[ChannelOpen | ChannelText | ChannelClosed], None],
        heard: Callable[[], None],
    ) -> None:
        self._peer = peer
        self._counters = counters
        self._tell = tell
        self._association = _Association(transport, counters, heard)
        self._association.on("datachannel", self._opened)
        self._channel: RTCDataChannel | None = None

    async def start(self, remote_port: int, remote_max_bytes: int) -> None:
        await self._association.start(sctp.RTCSctpCapabilities(maxMessageSize=remote_max_bytes), remote_port)

    async def stop(self) -> None:
        """Ends the association. Nothing is told: whoever stops it knows."""
        self._channel = None
        await self._association.stop()

    async def probe(self) -> None:
        await self._association.probe()

    @property
    def is_open(self) -> bool:
        return self._channel is not None and self._channel.readyState == "open"

    def send_text(self, text: str) -> bool:
        """False: not open, over 64 kB, or more than 256 kB wait already. The caller uses the other carrier."""
        channel = self._channel
        if channel is None or channel.readyState != "open":
            self._counters.texts_refused += 1
            return False
        size = len(text.encode("utf-8", "replace"))
        if size > MAX_TEXT_BYTES or channel.bufferedAmount + size > MAX_BUFFERED_BYTES:
            self._counters.texts_refused += 1
            return False
        try:
            channel.send(text)
        except ValueError:  # more than the peer's SDP allows, or a lone surrogate
            self._counters.texts_refused += 1
            return False
        self._counters.texts_sent += 1
        return True

    def _opened(self, channel: RTCDataChannel) -> None:
        if channel.label != LABEL:
            self._counters.channel_refused += 1
            channel.close()
            return
        before, self._channel = self._channel, channel
        if before is not None:
            before.remove_all_listeners()
            before.close()
        channel.on("message", self._received)
        channel.on("close", lambda: self._closed(channel))
        if before is None:
            self._tell(ChannelOpen(self._peer))

    def _received(self, message: Any) -> None:
        if not isinstance(message, str):
            self._counters.channel_refused += 1
            return
        self._counters.texts_received += 1
        self._tell(ChannelText(self._peer, message))

    def _closed(self, channel: RTCDataChannel) -> None:
        if channel is self._channel:
            self._channel = None
            self._tell(ChannelClosed(self._peer))
