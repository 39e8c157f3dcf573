"""One browser's connection: credentials, keys, channel, last sign of life; packets pass in the reader's callback."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog
from aiortc.rtcdtlstransport import RTCDtlsFingerprint, RTCDtlsParameters

from rtc.channel import Channel
from rtc.dtls import Link, PassiveDtls
from rtc.events import PeerBack, PeerConnected, PeerLost
from rtc.ice import Address, Credentials, IceLite
from rtc.offer import Offer
from rtc.sdp import Negotiated
from rtc.srtp import Buffer, Opener, Sealer
from rtc.state import HEARD_AT, IS_LOST, MEDIA_AT, numbers

if TYPE_CHECKING:
    from rtc.endpoint import Endpoint

_HANDSHAKE_S = 30.0  # a browser gives up on ICE after about as long
_PROBE_AFTER_NS = 1_000_000_000  # silence after which a data channel is asked for a sign of life
_NO_PROBE_FACTOR = 3  # idle without a channel: only consent checks, every 2.5 s (Chromium) to 6 s (RFC 7675)

_log = structlog.get_logger(__name__)


class Peer:
    """`on_rtp` and `on_rtcp` hear what was opened, with the arrival time in ns of the endpoint's clock.

    Both are called from the socket's reader and must not block. Sending before `is_connected` drops the packet.
    """

    __slots__ = (
        "_channel",
        "_counters",
        "_dtls",
        "_endpoint",
        "_fault_was_logged",
        "_link",
        "_send_to",
        "_task",
        "fingerprints",
        "ice",
        "id",
        "is_connected",
        "negotiated",
        "on_rtcp",
        "on_rtp",
        "opener",
        "sdp_session",
        "sdp_version",
        "sealer",
        "signs",
    )

    def __init__(self, peer_id: str, offer: Offer, negotiated: Negotiated, endpoint: Endpoint) -> None:
        self.id = peer_id
        self.negotiated = negotiated
        self.ice = IceLite(Credentials(offer.ufrag, offer.pwd))
        self.fingerprints = sorted(offer.fingerprints)
        self.on_rtp: Callable[[bytes, int], None] | None = None
        self.on_rtcp: Callable[[bytes, int], None] | None = None
        self.is_connected = False
        self.sdp_session = secrets.randbits(62)
        self.sdp_version = 0
        self._endpoint = endpoint
        self._counters = endpoint.counters
        self._send_to = endpoint.send_to
        self.opener: Opener | None = None
        self.sealer: Sealer | None = None
        self._link = Link(endpoint.send_to, lambda: self.ice.address)
        self._dtls = PassiveDtls(self._link, endpoint.certificate, endpoint.counters, endpoint.pump)
        self._channel: Channel | None = None
        self.signs = numbers(3)  # of life; see rtc/state.py
        self.signs[HEARD_AT] = endpoint.clock_ns()
        self._fault_was_logged = False
        self._task: asyncio.Task[None] | None = None

    @property
    def srtp_profile(self) -> str:
        """OpenSSL's name of the negotiated profile, empty before the handshake."""
        return self._dtls.profile

    @property
    def is_lost(self) -> bool:
        return bool(self.signs[IS_LOST])

    # --- sending ---

    def send_rtp(self, header: Buffer, payload: Buffer) -> bytes:
        """Seals and sends one packet, now; answers the datagram for `send_again`, empty when it was not sent. `header` has
        its final SSRC and sequence number (see `Sealer`)."""
        sealer, address = self.sealer, self.ice.address
        if sealer is None or address is None:
            return b""
        datagram = sealer.seal_rtp(header, payload)
        if datagram:
            self._send_to(datagram, address)
        else:
            self._counters.srtp_unsealed += 1
        return datagram

    def send_again(self, datagram: bytes) -> None:
        if self.sealer is not None and self.ice.address is not None:
            self._send_to(datagram, self.ice.address)

    def send_rtcp(self, packet: bytes) -> None:
        """`packet` is a compound (or reduced-size) RTCP packet of at least 8 bytes."""
        sealer, address = self.sealer, self.ice.address
        if sealer is not None and address is not None:
            self._send_to(sealer.seal_rtcp(packet), address)

    def send_text(self, text: str) -> bool:
        """False: no open channel, too large, too much waits, or the peer is lost. Use the other carrier."""
        return self._channel is not None and not self.is_lost and self._channel.send_text(text)

    @property
    def has_open_channel(self) -> bool:
        return self._channel is not None and self._channel.is_open

    # --- receiving, called by the endpoint for every datagram of this peer ---

    def receive_media(self, datagram: bytes, address: Address, now_ns: int) -> bool:
        """True when the datagram was authentic."""
        opener = self.opener
        if opener is None:
            self._counters.srtp_early += 1
            return False
        # RTCP has packet types 192-223 where RTP has marker and payload type (RFC 5761 4).
        if len(datagram) > 1 and 192 <= datagram[1] <= 223:
            packet = opener.open_rtcp(datagram)
            hear = self.on_rtcp
        else:
            packet = opener.open_rtp(datagram)
            hear = self.on_rtp
            # The newest packet shows where the peer is now, also when its NAT gave it another port in silence.
            if packet is not None and opener.is_newest:
                self.signs[MEDIA_AT] = now_ns
                if address != self.ice.address:
                    self._endpoint.moved(self, address)
        if packet is None:
            return False
        self._hear(hear, packet, now_ns)
        return True

    def receive_opened(self, packet: bytes, now_ns: int) -> None:
        """RTP or RTCP that the pump has opened and checked."""
        self._hear(self.on_rtcp if 192 <= packet[1] <= 223 else self.on_rtp, packet, now_ns)

    def _hear(self, hear: Callable[[bytes, int], None] | None, packet: bytes, now_ns: int) -> None:
        self.signs[HEARD_AT] = now_ns
        if self.is_lost:
            self._come_back()
        if hear is not None:
            try:
                hear(packet, now_ns)
            except Exception:
                # What hears packets is built by others; its fault costs this packet, never the port.
                self._counters.faults += 1
                if not self._fault_was_logged:
                    self._fault_was_logged = True
                    _log.exception("a packet's receiver failed", peer=self.id)

    def speaks_from(self, address: Address) -> bool:
        """True while this is a living connection and `address` the one in use."""
        return self.is_connected and not self.is_lost and self.ice.address == address

    def knows(self, ssrc: int) -> bool:
        return self.opener is not None and self.opener.knows(ssrc)

    def receive_dtls(self, datagram: bytes, address: Address) -> None:
        if not self._link.feed(datagram, address):
            self._counters.dtls_dropped += 1

    def heard(self) -> None:
        """Something authentic came that is not media: a check, or a record of the data channel."""
        self.signs[HEARD_AT] = self._endpoint.clock_ns()
        if self.is_lost:
            self._come_back()

    def _come_back(self) -> None:
        self.signs[IS_LOST] = 0
        self._endpoint.tell(PeerBack(self.id))

    async def watch(self, now_ns: int, silent_after_ns: int) -> None:
        """Called four times a second. Asks a silent peer for a sign of life, then reports it lost, once."""
        silent_ns = now_ns - self.signs[HEARD_AT]
        if not self.is_connected or self.is_lost or silent_ns < min(_PROBE_AFTER_NS, silent_after_ns):
            return
        can_be_asked = self._channel is not None and self._channel.is_open
        had_media = self.signs[MEDIA_AT] > self.signs[HEARD_AT] - _PROBE_AFTER_NS
        limit_ns = silent_after_ns if can_be_asked or had_media else _NO_PROBE_FACTOR * silent_after_ns
        if silent_ns >= limit_ns:
            self.signs[IS_LOST] = 1
            self._counters.peers_lost += 1
            self._endpoint.tell(PeerLost(self.id, silent_ns / 1e9))
        elif can_be_asked and self._channel is not None:
            await self._channel.probe()

    # --- life ---

    def start(self, offer: Offer) -> None:
        self._task = asyncio.get_running_loop().create_task(self._connect(offer), name=f"peer {self.id}")

    async def _connect(self, offer: Offer) -> None:
        remote = RTCDtlsParameters(
            fingerprints=[RTCDtlsFingerprint(algorithm=name, value=digest) for name, digest in offer.fingerprints]
        )
        try:
            async with asyncio.timeout(_HANDSHAKE_S):
                await self._dtls.start(remote)
            if self._dtls.state == "connected":
                await self._be_connected(offer)
            else:
                self._counters.dtls_failed += 1
                self._endpoint.lose(self)
        except TimeoutError:
            self._counters.peers_expired += 1
            self._endpoint.lose(self)
        except Exception:
            # A fault in aiortc or OpenSSL on hostile input ends this peer only.
            self._counters.faults += 1
            _log.exception("a handshake failed unexpectedly", peer=self.id)
            self._endpoint.lose(self)

    async def _be_connected(self, offer: Offer) -> None:
        self._dtls.on("statechange", self._changed)
        self.sealer, self.opener = self._dtls.sealer, self._dtls.opener
        self.signs[HEARD_AT] = self._endpoint.clock_ns()
        self.is_connected = True
        self._endpoint.tell(PeerConnected(self.id))
        if self.negotiated.has_channel:
            self._channel = Channel(self.id, self._dtls, self._counters, self._endpoint.tell, self.heard)
            section = next((s for s in offer.sections if s.kind == "application"), None)
            values = section.values if section is not None else {}
            await self._channel.start(
                _number(values.get("sctp-port"), 5000), _number(values.get("max-message-size"), 65536)
            )

    def _changed(self) -> None:
        if self._dtls.state in ("closed", "failed"):
            self._endpoint.lose(self)

    async def close(self) -> None:
        """Tells the browser (close_notify) and waits until nothing of this peer runs any more."""
        self._dtls.remove_all_listeners()
        self.is_connected = False
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._channel is not None:
            await self._channel.stop()
        await self._dtls.finish()
        self._channel = None
        self.sealer = self.opener = None
        self.on_rtp = self.on_rtcp = None


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else default
