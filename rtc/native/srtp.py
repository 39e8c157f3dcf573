"""SRTP whose state the pump shares: for the packets that Python opens and seals itself. SRTCP stays in Python."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

from rtc.counters import Counters
from rtc.native.library import DATAGRAM, LARGEST_OUT
from rtc.srtp import Buffer, GcmOpener, GcmSealer, srtp_keys

if TYPE_CHECKING:
    from rtc.native.pump import Pump


class PumpedSealer(GcmSealer):
    __slots__ = ("_out", "_pump", "at")

    def __init__(self, pump: Pump, master_key: bytes, master_salt: bytes) -> None:
        super().__init__(master_key, master_salt)
        self._pump = pump
        self._out = ctypes.create_string_buffer(LARGEST_OUT)
        self.at = pump.call.sealer_new(pump.at, *srtp_keys(master_key, master_salt))
        if not self.at:
            raise MemoryError("no SRTP context")

    def __del__(self) -> None:
        if getattr(self, "at", None):
            self._pump.call.sealer_free(self.at)

    def seal_rtp(self, header: Buffer, payload: Buffer) -> bytes:
        head, body = bytes(header), bytes(payload)
        size = self._pump.call.sealer_seal(self._pump.at, self.at, head, len(head), body, len(body), self._out)
        return self._out.raw[:size] if size > 0 else b""


class PumpedOpener(GcmOpener):
    __slots__ = ("_out", "_pump", "at")

    def __init__(self, pump: Pump, master_key: bytes, master_salt: bytes, counters: Counters) -> None:
        super().__init__(master_key, master_salt, counters)
        self._pump = pump
        self._out = ctypes.create_string_buffer(DATAGRAM)
        self.at = pump.call.opener_new(pump.at, *srtp_keys(master_key, master_salt))
        if not self.at:
            raise MemoryError("no SRTP context")

    def __del__(self) -> None:
        if getattr(self, "at", None):
            self._pump.call.opener_free(self.at)

    def knows(self, ssrc: int) -> bool:
        return bool(self._pump.call.opener_knows(self.at, ssrc))

    def open_rtp(self, datagram: bytes) -> bytes | None:
        size = self._pump.call.opener_open(self._pump.at, self.at, datagram, len(datagram), self._out)
        counters = self._counters
        if size >= 0:
            counters.srtp_opened += 1
            self.is_newest = bool(self._pump.call.opener_is_newest(self.at))
            return self._out.raw[:size]
        if size == -1:
            counters.srtp_malformed += 1
        elif size == -2:
            counters.srtp_replayed += 1
        elif size == -3:
            counters.srtp_auth_failed += 1
        else:
            counters.srtp_too_many_sources += 1
        return None
