"""Records of a journal that wait for the disk."""

from __future__ import annotations

import zlib
from typing import Protocol

# About 40 MB of full packets: more than half a minute of two good cameras while the disk stands still.
MOST_RECORDS = 32_768
MOST_AT_ONCE = 4096


class Held(Protocol):
    """`keep` takes a whole record, or drops and counts it when too many wait; `take` hands over the oldest ones, which
    stay until it is called again, how many they are, and the CRC-32 of them all (it is called on another thread)."""

    @property
    def dropped(self) -> int: ...
    def keep(self, record: bytes) -> None: ...
    def take(self) -> tuple[bytes | memoryview, int, int]: ...


class HeldList:
    """Satisfies `Held`."""

    __slots__ = ("_records", "dropped")

    def __init__(self) -> None:
        self._records: list[bytes] = []
        self.dropped = 0

    def keep(self, record: bytes) -> None:
        if len(self._records) < MOST_RECORDS:
            self._records.append(record)
        else:
            self.dropped += 1

    def take(self) -> tuple[bytes, int, int]:
        count = min(len(self._records), MOST_AT_ONCE)
        taken = b"".join(self._records[:count])
        del self._records[:count]
        return taken, count, zlib.crc32(taken)
