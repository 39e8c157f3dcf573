"""What waits for the disk, appended to by the pump. Satisfies `media.held.Held`."""

from __future__ import annotations

import ctypes
import zlib
from ctypes import byref, c_int64, c_void_p
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from rtc.native.pump import Pump

_READ: Final = 0x100  # PyBUF_READ
_view: Any = ctypes.pythonapi.PyMemoryView_FromMemory
_view.restype, _view.argtypes = ctypes.py_object, (c_void_p, ctypes.c_ssize_t, ctypes.c_int)


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

    def take(self) -> tuple[memoryview, int, int]:
        call = self._pump.call
        size, count = c_int64(), c_int64()
        data = call.tape_take(self._pump.at, self.at, byref(size), byref(count))
        taken: memoryview = _view(data, size.value, _READ) if data else memoryview(b"")
        checked = call.checksum(data, size.value) if call.can_checksum() else zlib.crc32(taken)
        return taken, count.value, checked

    @property
    def dropped(self) -> int:
        return int(self._pump.call.tape_dropped(self.at))
