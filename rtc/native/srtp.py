"""SRTP and SRTCP whose state the pump shares: for the packets that Python opens and seals itself."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

from rtc.counters import Counters
from rtc.native.library import DATAGRAM, LARGEST_OUT, REPORT_TRAILER
from rtc.srtp import Buffer, srtcp_keys, srtp_keys

if TYPE_CHECKING:
    from rtc.native.pump import Pump


class PumpedSealer:
    """Satisfies `Sealer`."""

    __slots__ = ("_out", "_pump", "at")

    def __init__(self, pump: Pump, master_key: bytes, master_salt: bytes) -> None:
        self._pump = pump
        self._out = ctypes.create_string_buffer(LARGEST_OUT)
        keys = (*srtp_keys(master_key, master_salt), *srtcp_keys(master_key, master_salt))
        self.at = pump.call.sealer_new(pump.at, *keys)
        if not self.at:
            raise MemoryError("no SRTP context")

    def __del__(self) -> None:
        if getattr(self, "at", None):
            self._pump.call.sealer_free(self.at)

    def seal_rtp(self, header: Buffer, payload: Buffer) -> bytes:
        head, body = bytes(header), bytes(payload)
        size = self._pump.call.sealer_seal(self._pump.at, self.at, head, len(head), body, len(body), self._out)
        return ctypes.string_at(self._out, size)

    def seal_rtcp(self, packet: bytes) -> bytes:
        size = len(packet) + REPORT_TRAILER
        out = self._out if size <= LARGEST_OUT else ctypes.create_string_buffer(size)
        return ctypes.string_at(out, self._pump.call.sealer_seal_rtcp(self._pump.at, self.at, packet, len(packet), out))


class PumpedOpener:
    """Satisfies `Opener`."""

    __slots__ = ("_counters", "_out", "_pump", "at", "is_newest")

    def __init__(self, pump: Pump, master_key: bytes, master_salt: bytes, counters: Counters) -> None:
        self._pump = pump
        self._counters = counters
        self.is_newest = False
        self._out = ctypes.create_string_buffer(DATAGRAM)
        keys = (*srtp_keys(master_key, master_salt), *srtcp_keys(master_key, master_salt))
        self.at = pump.call.opener_new(pump.at, *keys)
        if not self.at:
            raise MemoryError("no SRTP context")

    def __del__(self) -> None:
        if getattr(self, "at", None):
            self._pump.call.opener_free(self.at)

    def knows(self, ssrc: int) -> bool:
        return bool(self._pump.call.opener_knows(self.at, ssrc))

    def open_rtp(self, datagram: bytes) -> bytes | None:
        counters = self._counters
        size = self._open(datagram, is_rtcp=False)
        if size >= 0:
            counters.srtp_opened += 1
            self.is_newest = bool(self._pump.call.opener_is_newest(self.at))
            return ctypes.string_at(self._out, size)
        if size == -2:
            counters.srtp_replayed += 1
        elif size == -3:
            counters.srtp_auth_failed += 1
        return None

    def open_rtcp(self, datagram: bytes) -> bytes | None:
        counters = self._counters
        size = self._open(datagram, is_rtcp=True)
        if size >= 0:
            counters.srtcp_opened += 1
            return ctypes.string_at(self._out, size)
        if size == -2:
            counters.srtcp_replayed += 1
        elif size == -3:
            counters.srtcp_auth_failed += 1
        return None

    def _open(self, datagram: bytes, *, is_rtcp: bool) -> int:
        """The size of what is in `_out`, or what pump.h has for why not."""
        pump = self._pump
        size: int = pump.call.opener_open(pump.at, self.at, datagram, len(datagram), self._out, is_rtcp)
        if size == -1:
            self._counters.srtp_malformed += 1
        elif size == -4:
            self._counters.srtp_too_many_sources += 1
        return size
