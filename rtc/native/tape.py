"""What waits for the disk, appended to by the pump. Satisfies `media.held.Held`."""

from __future__ import annotations

import ctypes
from ctypes import byref, c_int64
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rtc.native.pump import Pump


class PumpedTape:
    """`keep` may be called on any thread, `take` on the writer's."""

    def __init__(self, pump: Pump) -> None:
        self._pump = pump
        self.at = pump.call.tape_new()
        if not self.at:
            raise MemoryError("no tape")

    def __del__(self) -> None:
        if getattr(self, "at", None):
            self._pump.call.tape_free(self.at)

    def keep(self, record: bytes) -> None:
        self._pump.call.tape_keep(self._pump.at, self.at, record, len(record))

    def take(self) -> tuple[bytes, int]:
        size, count = c_int64(), c_int64()
        data = self._pump.call.tape_take(self._pump.at, self.at, byref(size), byref(count))
        if not data:
            return b"", 0
        try:
            return ctypes.string_at(data, size.value), count.value
        finally:
            self._pump.call.tape_data_free(data)

    @property
    def dropped(self) -> int:
        return int(self._pump.call.tape_dropped(self.at))
