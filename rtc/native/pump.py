"""The pump of one socket: its thread, its lock, and what it hands up."""

from __future__ import annotations

import asyncio
import ctypes
import os
import socket
import struct
import sys
import threading
import time
from array import array
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

import structlog

from rtc.ice import Address
from rtc.native.address import unpack_address
from rtc.native.feedback import Return
from rtc.native.library import Library, Up
from rtc.native.pipe import Pipe
from rtc.native.srtp import PumpedOpener, PumpedSealer
from rtc.native.tape import PumpedTape
from rtc.native.way import Way
from rtc.pressure import BUSY_FOR_NS, IS_SHEDDING, LARGEST_VOICE, MS, SHED_AFTER_NS, SHED_FOR_MOST_NS, SHED_FOR_NS
from rtc.state import numbers

if TYPE_CHECKING:
    from rtc.congestion import Uplink
    from rtc.counters import Counters
    from rtc.peer import Peer
    from rtc.source import Source

COUNTS: Final = (
    "datagrams", "bytes", "datagrams_sent", "bytes_sent", "sendto_dropped", "sendto_failed", "shed", "srtp_opened",
    "srtp_replayed", "srtp_auth_failed", "srtp_malformed", "faults", "handed_up", "handed_up_dropped", "srtcp_opened",
    "srtcp_replayed", "srtcp_auth_failed", "srtp_too_many_sources",
    "srtp_unsealed",
)  # fmt: skip
_OPENED = 1
_SHED_AFTER_TURNS = 128  # full ones: more than the socket's buffer can have gathered while the process stood still
_OLD_NS = 60 * MS  # in the socket's buffer; no burst that is being worked off is still so old after `SHED_AFTER_NS`
_LATE_NS = 100 * MS  # handed up and not yet heard: from then on Python gets less
_OVERDUE_NS = 1_000 * MS  # and from then on pictures are left out: more than a turn of the event loop ever takes
_LIMITS = (
    SHED_AFTER_NS, _SHED_AFTER_TURNS, SHED_FOR_NS, SHED_FOR_MOST_NS, BUSY_FOR_NS, _OLD_NS, _LATE_NS, _OVERDUE_NS, LARGEST_VOICE,
)  # fmt: skip
_TURN = 64  # datagrams handled before the loop's other work has its turn
_SHORT_TURN = 8  # while pictures are left out: on a slow core each takes a millisecond, and a new call has to be refused meanwhile
_HEAD = struct.Struct("=iiqi")
_ADDRESS_AT, _DATA_AT = Up.address.offset, Up.data.offset
_MOST_ADDRESSES = 8192
_STOP_WITHIN_S = 2.0
_SO_MEMINFO = 55  # socket(7) lacks it: nine numbers, the last one is SK_MEMINFO_DROPS

_log = structlog.get_logger(__name__)

Hear = Callable[[bytes, Address, int, bool], None]


class Pump:
    """`hear(datagram, address, now_ns, is_opened)` is called on the event loop for each datagram that is not ordinary.
    Inside `with pump:` no packet moves: whoever reads or writes what pipes share does it there."""

    def __init__(self, library: Library, sock: socket.socket, pressure: array[int], hear: Hear) -> None:
        self.call = library.call
        self.counts = numbers(len(COUNTS))
        self._socket = sock.dup()  # its number is nobody else's while the thread uses it
        self._pressure = pressure  # the pump writes into it
        self.held_ns = 0  # for how long it held what it hands up just now
        self._hear = hear
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._addresses: dict[bytes, Address] = {}
        self._ways: set[Way[Any]] = set()
        self._loop = asyncio.get_running_loop()
        self.is_open = True
        self._is_left = False
        limits = array("q", _LIMITS)
        sock.setblocking(True)
        self.at = self.call.pump_new(
            library.crypto,
            self._socket.fileno(),
            self._wake,
            place_of(self.counts),
            place_of(pressure),
            place_of(limits),
        )
        if not self.at:
            raise MemoryError("no pump")
        self._thread = threading.Thread(target=self._run, name="packets", daemon=True)
        self._loop.add_reader(self._wake, self._take)
        self._thread.start()

    def _run(self) -> None:
        self.call.pump_run(self.at)  # while it runs, this frame keeps what C writes into

    def stop(self, within_s: float = _STOP_WITHIN_S) -> bool:
        """Ends the thread; waits for what it does just now. Twice is once. False, and logged: it did not end within
        `within_s`, so all that it may touch stays until it does."""
        if not self.is_open:
            return True
        self.is_open = False
        self.call.pump_stop(self.at)
        with suppress(OSError):  # unconnected: Linux says so, and wakes who sleeps in it all the same
            self._socket.shutdown(socket.SHUT_RD)
        self._thread.join(within_s)
        self._loop.remove_reader(self._wake)
        if self._thread.is_alive():
            self._is_left = True
            _log.error("the packets' thread does not end: its memory and its port are kept")
            return False
        for way in list(self._ways):
            way.stop()
        self._close()
        return True

    def _close(self) -> None:
        os.close(self._wake)
        self._socket.close()

    def __del__(self) -> None:
        if getattr(self, "at", None):
            self.call.pump_free(self.at)
        if getattr(self, "_is_left", False):
            self._close()

    def __enter__(self) -> None:
        self.call.pump_lock(self.at)

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.call.pump_unlock(self.at)

    # --- what it is told ---

    def sealer(self, master_key: bytes, master_salt: bytes) -> PumpedSealer:
        return PumpedSealer(self, master_key, master_salt)

    def opener(self, master_key: bytes, master_salt: bytes, counters: Counters) -> PumpedOpener:
        return PumpedOpener(self, master_key, master_salt, counters)

    def tape(self) -> PumpedTape:
        return PumpedTape(self)

    def pipe(self, source: Source) -> Pipe:
        return Pipe(self, source)

    def way_back(self, uplink: Uplink) -> Return:
        return Return(self, uplink)

    def add(self, way: Way[Any]) -> None:
        self._ways.add(way)
        (self.call.pump_add if isinstance(way, Pipe) else self.call.pump_add_return)(self.at, way.plan)

    def remove(self, way: Way[Any]) -> bool:
        """False: its memory must stay, because the thread may still go this way."""
        if self._is_left:
            return False
        self._ways.discard(way)
        (self.call.pump_remove if isinstance(way, Pipe) else self.call.pump_remove_return)(self.at, way.plan)
        return True

    def moved(self, peer: Peer) -> None:
        """This peer speaks from another address now."""
        with self:
            for way in [way for way in self._ways if peer in way.ends]:
                way.stop()

    def stats(self) -> dict[str, float]:
        counts = {name: float(count) for name, count in zip(COUNTS, self.counts, strict=True)}
        return {**counts, "kernel_dropped": float(self._kernel_dropped()) if self.is_open else 0.0}

    def _kernel_dropped(self) -> int:
        """Datagrams that the socket's buffer had no place for, and pictures that were left out before they came into it."""
        numbers_of_32_bits = self._socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, 36)
        return int.from_bytes(numbers_of_32_bits[32:36], sys.byteorder)

    # --- what it hands up ---

    def look(self) -> None:
        """Call it now and then: what may wait is handed up although no packet comes."""
        if self.is_open:
            self._take()

    def _take(self) -> None:
        try:
            os.eventfd_read(self._wake)
        except BlockingIOError:
            pass
        call, at = self.call, self.at
        for _ in range(_SHORT_TURN if self._pressure[IS_SHEDDING] else _TURN):
            up = call.pump_up(at)
            if not up:
                return
            kind, size, now_ns, address_bytes = _HEAD.unpack(ctypes.string_at(up, _HEAD.size))
            address = self._address(ctypes.string_at(up + _ADDRESS_AT, address_bytes))
            data = ctypes.string_at(up + _DATA_AT, size)
            call.pump_done(at)
            self.held_ns = time.monotonic_ns() - now_ns
            self._hear(data, address, now_ns, kind == _OPENED)
        os.eventfd_write(self._wake, 1)

    def _address(self, raw: bytes) -> Address:
        address = self._addresses.get(raw)
        if address is None:
            if len(self._addresses) >= _MOST_ADDRESSES:
                self._addresses.clear()
            address = self._addresses[raw] = unpack_address(raw)
        return address


def place_of(flat: array[int]) -> int:
    """Its address; it stays while the array is neither freed nor made longer."""
    return flat.buffer_info()[0]
