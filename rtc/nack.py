"""Generic NACK (RFC 4585 6.2.1), and what one receiver of packets still misses and when to ask for it again."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterable

from rtc import rtcp
from rtc.state import ASK_NS

MS = 1_000_000
FIRST_RTT_NS = 60 * MS  # until a recovered packet has shown the true one
TRIES = 10
GIVE_UP_NS = 1_000 * MS  # senders keep packets for about a second
LOOK_EVERY_NS = 10 * MS  # a look goes through all that is missing: under heavy loss not with every packet
LONGEST_GAP = 600  # more lost at once is an outage: only a keyframe helps


def read_nack(data: bytes) -> list[int]:
    """The sequence numbers that a NACK names, in its order."""
    named = []
    for at in range(12, len(data) - 3, 4):
        first, more = struct.unpack_from("!HH", data, at)
        named.append(first)
        while more:
            bit = more & -more
            named.append((first + bit.bit_length()) & 0xFFFF)
            more ^= bit
    return named


def build_nack(sender: int, media: int, sequences: Iterable[int]) -> bytes:
    """One NACK for sequence numbers given in sending order."""
    pairs: list[list[int]] = []
    for sequence in sequences:
        ahead = (sequence - pairs[-1][0]) & 0xFFFF if pairs else 0
        if pairs and 0 < ahead <= 16:
            pairs[-1][1] |= 1 << (ahead - 1)
        elif not pairs or ahead:
            pairs.append([sequence & 0xFFFF, 0])
    body = struct.pack("!II", sender, media) + b"".join(struct.pack("!HH", *pair) for pair in pairs)
    return struct.pack("!BBH", 0x80 | rtcp.NACK, rtcp.TRANSPORT_FEEDBACK, len(body) // 4) + body


class Missing:
    """Extended sequence numbers not yet here, each asked for when it is added (by the caller) and again when `due` says
    so; `arrived` ends a wait and learns the round trip. `state[ASK_NS]` of the source is all that the hot path looks
    at."""

    __slots__ = ("_state", "_wanted", "given_up", "rtt_ns")

    def __init__(self, state: array[int]) -> None:
        self._state = state
        self._wanted: dict[int, list[int]] = {}  # sequence -> [first asked, next ask, tries]
        self.rtt_ns = FIRST_RTT_NS
        self.given_up = 0

    def __len__(self) -> int:
        return len(self._wanted)

    def __contains__(self, sequence: int) -> bool:
        return sequence in self._wanted

    def add(self, first: int, end: int, now_ns: int) -> list[int] | None:
        """Starts waiting for first..end-1 and answers those to ask for now. None: too many, nothing was added and the
        older waits are given up."""
        wanted = self._wanted
        if end - first + len(wanted) > LONGEST_GAP:
            self.given_up += len(wanted) + end - first
            wanted.clear()
            return None
        fresh = [sequence for sequence in range(first, end) if sequence not in wanted]
        again_ns = now_ns + self._pause_ns(0)
        for sequence in fresh:
            wanted[sequence] = [now_ns, again_ns, 1]
        if fresh and (again_ns < self._state[ASK_NS] or len(wanted) == len(fresh)):
            self._state[ASK_NS] = again_ns
        return fresh

    def _pause_ns(self, tries: int) -> int:
        """About a round trip, longer with every try."""
        pause = self.rtt_ns + (self.rtt_ns >> 2) + 5 * MS
        return min(max(pause, 20 * MS) + (pause >> 1) * tries, 250 * MS)

    def arrived(self, sequence: int, now_ns: int) -> bool:
        """True when it was waited for."""
        wait = self._wanted.pop(sequence, None)
        if wait is None:
            return False
        if wait[2] == 1:  # asked once: the answer's way is known
            self.rtt_ns += (min(now_ns - wait[0], 500 * MS) - self.rtt_ns) >> 2
        return True

    def due(self, now_ns: int) -> list[int]:
        """Sequence numbers to ask for again now, ascending."""
        asked = []
        again = now_ns + 10_000 * MS
        for sequence, wait in list(self._wanted.items()):
            if wait[1] <= now_ns:
                if wait[2] >= TRIES or now_ns - wait[0] > GIVE_UP_NS:
                    del self._wanted[sequence]
                    self.given_up += 1
                    continue
                wait[1] = now_ns + self._pause_ns(wait[2])
                wait[2] += 1
                asked.append(sequence)
            again = min(again, wait[1])
        self._state[ASK_NS] = max(again, now_ns + LOOK_EVERY_NS)
        asked.sort()
        return asked

    def clear(self) -> None:
        self._wanted.clear()
