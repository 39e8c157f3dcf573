"""SRTP and SRTCP with AEAD_AES_128_GCM (RFC 7714), keys by RFC 3711 4.3; no object is made per packet."""

from __future__ import annotations

from struct import Struct
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from rtc.counters import Counters

Buffer = bytes | bytearray | memoryview
WINDOW = 1024  # packets of one source that may arrive late; about a second of the fattest video
_MASK = (1 << WINDOW) - 1
_TAG = 16
_MAX_SOURCES = 64  # a browser has at most a dozen; a limit so that one peer cannot fill the memory
_E_BIT = 1 << 31
_SEQUENCE_SSRC = Struct("!HxxxxI").unpack_from


class Sealer(Protocol):
    """Protects what we send to one peer."""

    def seal_rtp(self, header: Buffer, payload: Buffer) -> bytes:
        """The whole datagram. `header` is the RTP header with its extensions, SSRC and sequence number final.

        Each number of an SSRC is sealed once, for a second plaintext under one nonce gives AES-GCM's key away; to send a
        packet again, keep the datagram. Empty, and nothing sealed, when the number was sealed before, is `WINDOW` or
        more behind the highest (nobody would take it) or precedes the stream's start. A number is taken for the nearest
        to the highest, as the receiver takes it: no more than 32,767 may be left out at once.
        """

    def seal_rtcp(self, packet: bytes) -> bytes: ...


class Opener(Protocol):
    """Checks and opens what one peer sends. `is_newest`: the last opened RTP packet was the highest of its source."""

    is_newest: bool

    def open_rtp(self, datagram: bytes) -> bytes | None:
        """The packet in the clear, or None: forged, replayed, malformed (each counted)."""

    def open_rtcp(self, datagram: bytes) -> bytes | None: ...

    def knows(self, ssrc: int) -> bool:
        """True when a packet of this source was authentic before."""


def derive_keys(master_key: bytes, master_salt: bytes, labels: tuple[int, int], salt_bytes: int) -> tuple[bytes, bytes]:
    """Session key and salt (RFC 3711 4.3.1, key derivation rate 0); a 96-bit salt is padded to 112 (RFC 7714 11)."""
    padded = int.from_bytes(master_salt.ljust(14, b"\0"), "big")

    def expand(label: int, size: int) -> bytes:
        start = ((padded ^ (label << 48)) << 16).to_bytes(16, "big")
        stream = Cipher(algorithms.AES(master_key), modes.CTR(start)).encryptor()
        return stream.update(bytes(size))

    return expand(labels[0], len(master_key)), expand(labels[1], salt_bytes)


def srtp_keys(master_key: bytes, master_salt: bytes) -> tuple[bytes, bytes]:
    return derive_keys(master_key, master_salt, (0, 2), 12)


def srtcp_keys(master_key: bytes, master_salt: bytes) -> tuple[bytes, bytes]:
    return derive_keys(master_key, master_salt, (3, 5), 12)


def header_length(datagram: Buffer) -> int:
    """Bytes before the payload: fixed header, CSRCs, extension (RFC 3550 5.1). 0 when it is no RTP packet."""
    size = len(datagram)
    if size < 12 or datagram[0] & 0xC0 != 0x80:
        return 0
    first = datagram[0]
    length = 12 + ((first & 0x0F) << 2)
    if first & 0x10:
        if size < length + 4:
            return 0
        length += 4 + (((datagram[length + 2] << 8) | datagram[length + 3]) << 2)
    return length if length <= size else 0


class _Stream:
    """Where one SSRC stands: the highest index that was sealed or opened, and a bit for each of the `WINDOW` up to it."""

    __slots__ = ("highest", "mask")

    def __init__(self, highest: int) -> None:
        self.highest = highest
        self.mask = 1

    def step(self, sequence: int) -> int:
        """From the highest index to the nearest one with this sequence number (RFC 3711 3.3.1)."""
        return ((sequence - self.highest + 0x8000) & 0xFFFF) - 0x8000

    def had(self, step: int) -> bool:
        """This place was taken, or lies too far back to be known."""
        return step <= 0 and (self.highest + step < 0 or step <= -WINDOW or bool(self.mask >> -step & 1))

    def take(self, step: int) -> None:
        if step > 0:
            self.highest += step
            self.mask = ((self.mask << step) | 1) & _MASK if step < WINDOW else 1
        else:
            self.mask |= 1 << -step


class GcmSealer:
    __slots__ = ("_rtcp", "_rtcp_index", "_rtcp_salt", "_rtp", "_rtp_salt", "_streams")

    def __init__(self, master_key: bytes, master_salt: bytes) -> None:
        key, salt = srtp_keys(master_key, master_salt)
        self._rtp, self._rtp_salt = AESGCM(key), int.from_bytes(salt, "big")
        key, salt = srtcp_keys(master_key, master_salt)
        self._rtcp, self._rtcp_salt = AESGCM(key), int.from_bytes(salt, "big")
        self._streams: dict[int, _Stream] = {}
        self._rtcp_index = 0

    def seal_rtp(self, header: Buffer, payload: Buffer) -> bytes:
        sequence, ssrc = _SEQUENCE_SSRC(header, 2)
        stream = self._streams.get(ssrc)
        if stream is None:
            stream, index = self._streams.setdefault(ssrc, _Stream(sequence)), sequence
        else:
            step = stream.step(sequence)
            if stream.had(step):
                return b""
            index = stream.highest + step
            stream.take(step)
        nonce = (self._rtp_salt ^ ((ssrc << 48) | index)).to_bytes(12, "big")
        return b"".join((header, self._rtp.encrypt(nonce, payload, header)))

    def seal_rtcp(self, packet: bytes) -> bytes:
        index = self._rtcp_index
        self._rtcp_index = (index + 1) & 0x7FFFFFFF
        trailer = (index | _E_BIT).to_bytes(4, "big")
        head = packet[:8]
        nonce = (self._rtcp_salt ^ ((int.from_bytes(packet[4:8], "big") << 48) | index)).to_bytes(12, "big")
        return head + self._rtcp.encrypt(nonce, packet[8:], head + trailer) + trailer


class GcmOpener:
    __slots__ = ("_counters", "_reports", "_rtcp", "_rtcp_salt", "_rtp", "_rtp_salt", "_sources", "is_newest")

    def __init__(self, master_key: bytes, master_salt: bytes, counters: Counters) -> None:
        key, salt = srtp_keys(master_key, master_salt)
        self._rtp, self._rtp_salt = AESGCM(key), int.from_bytes(salt, "big")
        key, salt = srtcp_keys(master_key, master_salt)
        self._rtcp, self._rtcp_salt = AESGCM(key), int.from_bytes(salt, "big")
        self._counters = counters
        self._sources: dict[int, _Stream] = {}
        self._reports: dict[int, _Stream] = {}
        self.is_newest = False

    def knows(self, ssrc: int) -> bool:
        return ssrc in self._sources

    def open_rtp(self, datagram: bytes) -> bytes | None:
        length = header_length(datagram)
        if not length or len(datagram) < length + _TAG:
            self._counters.srtp_malformed += 1
            return None
        sequence, ssrc = _SEQUENCE_SSRC(datagram, 2)
        source = self._sources.get(ssrc)
        if source is None:
            if len(self._sources) >= _MAX_SOURCES:
                self._counters.srtp_too_many_sources += 1
                return None
            index, step = sequence, 0
        else:
            step = source.step(sequence)
            if source.had(step):
                self._counters.srtp_replayed += 1
                return None
            index = source.highest + step
        nonce = (self._rtp_salt ^ ((ssrc << 48) | index)).to_bytes(12, "big")
        header = datagram[:length]
        try:
            payload = self._rtp.decrypt(nonce, datagram[length:], header)
        except InvalidTag:
            self._counters.srtp_auth_failed += 1
            return None
        # Only an authentic packet may change what is known about its source.
        if source is None:
            self._sources[ssrc] = _Stream(index)
        else:
            source.take(step)
        self.is_newest = source is None or step > 0
        self._counters.srtp_opened += 1
        return header + payload

    def open_rtcp(self, datagram: bytes) -> bytes | None:
        if len(datagram) < 8 + _TAG + 4:
            self._counters.srtp_malformed += 1
            return None
        trailer = datagram[-4:]
        word = int.from_bytes(trailer, "big")
        index = word & 0x7FFFFFFF
        ssrc = int.from_bytes(datagram[4:8], "big")
        report = self._reports.get(ssrc)
        if report is None:
            if len(self._reports) >= _MAX_SOURCES:
                self._counters.srtp_too_many_sources += 1
                return None
        elif report.had(index - report.highest):
            self._counters.srtcp_replayed += 1
            return None
        nonce = (self._rtcp_salt ^ ((ssrc << 48) | index)).to_bytes(12, "big")
        try:
            if word & _E_BIT:
                head = datagram[:8]
                packet = head + self._rtcp.decrypt(nonce, datagram[8:-4], head + trailer)
            else:
                packet = datagram[: -4 - _TAG]
                self._rtcp.decrypt(nonce, datagram[-4 - _TAG : -4], packet + trailer)
        except InvalidTag:
            self._counters.srtcp_auth_failed += 1
            return None
        if report is None:
            self._reports[ssrc] = _Stream(index)
        else:
            report.take(index - report.highest)
        self._counters.srtcp_opened += 1
        return packet
