"""SRTP with AES_CM_128_HMAC_SHA1_80 (RFC 3711) by pylibsrtp, for peers that have no AES-GCM."""

from __future__ import annotations

from pylibsrtp import Error, Policy, Session

from rtc.counters import Counters
from rtc.srtp import WINDOW, Buffer, header_length

_MAX_SOURCES = 64
_REPLAYED = ("replay check failed", "replay check failed (index too old)")


def _session(master_key: bytes, master_salt: bytes, direction: int) -> Session:
    policy = Policy(
        key=master_key + master_salt, ssrc_type=direction, srtp_profile=Policy.SRTP_PROFILE_AES128_CM_SHA1_80
    )
    policy.window_size = WINDOW
    return Session(policy)


class Sha1Sealer:
    __slots__ = ("_session",)

    def __init__(self, master_key: bytes, master_salt: bytes) -> None:
        self._session = _session(master_key, master_salt, Policy.SSRC_ANY_OUTBOUND)

    def seal_rtp(self, header: Buffer, payload: Buffer) -> bytes:
        try:
            return bytes(self._session.protect(b"".join((header, payload))))
        except Error:
            return b""

    def seal_rtcp(self, packet: bytes) -> bytes:
        return bytes(self._session.protect_rtcp(packet))


class Sha1Opener:
    __slots__ = ("_counters", "_highest", "_session", "is_newest")

    def __init__(self, master_key: bytes, master_salt: bytes, counters: Counters) -> None:
        self._session = _session(master_key, master_salt, Policy.SSRC_ANY_INBOUND)
        self._counters = counters
        self._highest: dict[int, int] = {}  # SSRC -> highest sequence number, modulo 2^16
        self.is_newest = False

    def knows(self, ssrc: int) -> bool:
        return ssrc in self._highest

    def open_rtp(self, datagram: bytes) -> bytes | None:
        if not header_length(datagram):
            self._counters.srtp_malformed += 1
            return None
        ssrc = int.from_bytes(datagram[8:12], "big")
        if ssrc not in self._highest and len(self._highest) >= _MAX_SOURCES:
            self._counters.srtp_too_many_sources += 1
            return None
        try:
            packet = bytes(self._session.unprotect(datagram))
        except Error as fault:
            if str(fault).startswith(_REPLAYED):
                self._counters.srtp_replayed += 1
            else:
                self._counters.srtp_auth_failed += 1
            return None
        sequence = (datagram[2] << 8) | datagram[3]
        highest = self._highest.get(ssrc)
        self.is_newest = highest is None or 0 < ((sequence - highest) & 0xFFFF) < 0x8000
        if self.is_newest:
            self._highest[ssrc] = sequence
        self._counters.srtp_opened += 1
        return packet

    def open_rtcp(self, datagram: bytes) -> bytes | None:
        try:
            packet = bytes(self._session.unprotect_rtcp(datagram))
        except Error as fault:
            if str(fault).startswith(_REPLAYED):
                self._counters.srtcp_replayed += 1
            else:
                self._counters.srtcp_auth_failed += 1
            return None
        self._counters.srtcp_opened += 1
        return packet
