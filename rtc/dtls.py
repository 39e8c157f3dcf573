"""DTLS as the passive side (RFC 5763, RFC 5764) through aiortc, on a link that is one peer's share of the UDP port.

Only handshake and data-channel records pass here. RTP never does: its keys are exported when the handshake is done.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from aiortc.rtcdtlstransport import (
    SRTP_AEAD_AES_128_GCM,
    SRTP_AES128_CM_SHA1_80,
    RTCCertificate,
    RTCDtlsTransport,
    SRTPProtectionProfile,
    State,
)
from OpenSSL import SSL

from rtc.counters import Counters
from rtc.ice import Address
from rtc.srtp import GcmOpener, GcmSealer, Opener, Sealer
from rtc.srtp_sha1 import Sha1Opener, Sha1Sealer

if TYPE_CHECKING:
    from rtc.native.pump import Pump

_MAX_WAITING = 64  # datagrams; a handshake flight is 2-4, an SCTP burst 4
_RESEND_S = 0.12  # first repeat of a handshake flight: above a phone's round trip on Wi-Fi, far below OpenSSL's 1 s
_RESEND_TIMES = 5  # 0.12 s doubled five times covers 3.7 s; OpenSSL's own timer goes on after that


class SharedCertificate(RTCCertificate):
    """One certificate per process, and one OpenSSL context, because making either per peer is work for nothing."""

    _context: SSL.Context | None = None

    def _create_ssl_context(self, srtp_profiles: list[SRTPProtectionProfile]) -> SSL.Context:
        if self._context is None:
            self._context = super()._create_ssl_context(srtp_profiles)
        return self._context


class Link:
    """What aiortc takes for an ICE transport: `_recv`, `_send`, `role`, `state`, nothing more.

    While the handshake runs, each answer goes to the address of the datagram that it answers, and the last flight is
    repeated when nothing comes back: a repeated DTLS record is dropped by who has it already (RFC 6347 4.1.2.6).
    """

    role = "controlled"
    state = "completed"

    def __init__(self, send: Callable[[bytes, Address], None], selected: Callable[[], Address | None]) -> None:
        self._send_to = send
        self._selected = selected
        self._waiting: deque[tuple[bytes, Address]] = deque()
        self._reader: asyncio.Future[None] | None = None
        self._reply_to: Address | None = None
        self._flight: list[bytes] = []
        self._has_heard = False
        self._repeats_left = 0
        self._timer: asyncio.TimerHandle | None = None
        self._is_closed = False
        self.is_in_handshake = True

    def feed(self, data: bytes, address: Address) -> bool:
        """False when too many wait already: the datagram is dropped, DTLS or SCTP will repeat it."""
        if self._is_closed or len(self._waiting) >= _MAX_WAITING:
            return False
        self._waiting.append((data, address))
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)
        return True

    async def _recv(self) -> bytes:
        while not self._waiting:
            if self._is_closed:
                raise ConnectionError
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        data, self._reply_to = self._waiting.popleft()
        self._has_heard = True
        return data

    async def _send(self, data: bytes) -> None:
        if not self.is_in_handshake:
            address = self._selected() or self._reply_to
        else:
            address = self._reply_to
            # What comes in may be a repeat that gets no answer, so a flight is forgotten only when the next one begins.
            if self._has_heard:
                self._flight.clear()
                self._has_heard = False
            self._flight.append(data)
            self._repeats_left = _RESEND_TIMES
            self._arm(_RESEND_S)
        if address is not None:
            self._send_to(data, address)

    def finish_handshake(self) -> None:
        self.is_in_handshake = False
        self._cancel_timer()
        self._flight.clear()

    def close(self) -> None:
        self._is_closed = True
        self._cancel_timer()
        self._flight.clear()
        self._waiting.clear()
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def _arm(self, delay_s: float) -> None:
        self._cancel_timer()
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._repeat, delay_s)

    def _repeat(self, delay_s: float) -> None:
        self._timer = None
        address = self._selected() or self._reply_to
        if not self._flight or address is None or self._repeats_left <= 0:
            return
        self._repeats_left -= 1
        for data in self._flight:
            self._send_to(data, address)
        self._arm(delay_s * 2)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class PassiveDtls(RTCDtlsTransport):
    """After `start`, `sealer` and `opener` hold the SRTP keys when `state` is `connected`."""

    def __init__(self, link: Link, certificate: RTCCertificate, counters: Counters, pump: Pump | None = None) -> None:
        super().__init__(link, [certificate])  # type: ignore[arg-type]
        self._srtp_profiles = [SRTP_AEAD_AES_128_GCM, SRTP_AES128_CM_SHA1_80]
        self._set_role("server")
        self._link = link
        self._counters = counters
        self._pump = pump
        self.profile = ""
        self.sealer: Sealer | None = None
        self.opener: Opener | None = None

    def _setup_srtp(self) -> None:
        assert self._ssl is not None
        chosen = self._ssl.get_selected_srtp_profile()
        profile = next((p for p in self._srtp_profiles if p.openssl_profile == chosen), None)
        if profile is None:
            self._set_state(State.FAILED)
            return
        size = profile.key_length + profile.salt_length
        material = self._ssl.export_keying_material(b"EXTRACTOR-dtls_srtp", 2 * size)
        theirs, ours = profile.get_key_and_salt(material, 0), profile.get_key_and_salt(material, 1)
        cut = profile.key_length
        if profile is SRTP_AEAD_AES_128_GCM:
            pump = self._pump
            self.sealer = pump.sealer(ours[:cut], ours[cut:]) if pump else GcmSealer(ours[:cut], ours[cut:])
            theirs_key, theirs_salt = theirs[:cut], theirs[cut:]
            self.opener = (
                pump.opener(theirs_key, theirs_salt, self._counters)
                if pump
                else GcmOpener(theirs_key, theirs_salt, self._counters)
            )
        else:
            self.sealer = Sha1Sealer(ours[:cut], ours[cut:])
            self.opener = Sha1Opener(theirs[:cut], theirs[cut:], self._counters)
        self.profile = profile.openssl_profile.decode()
        self._link.finish_handshake()

    async def _send_data(self, data: bytes) -> None:
        # SCTP's timers may fire once more while the connection goes down; there is nobody to tell.
        if self._state == State.CONNECTED:
            await super()._send_data(data)

    async def finish(self) -> None:
        """Says goodbye (close_notify) and waits until aiortc's reading task is gone."""
        task = self._task
        await self.stop()
        self._link.close()
        if task is not None:
            await asyncio.gather(task, return_exceptions=True)
        self.remove_all_listeners()
        # Peer, transport and callbacks refer to each other, and the collector of cycles comes late to a quiet process:
        # what is large (OpenSSL's buffers, keys) goes now.
        self._ssl = None
        self.sealer = self.opener = None
