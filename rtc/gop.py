"""The last packets of one stream by sequence number: answers NACKs, and holds what came since the last keyframe."""

from __future__ import annotations

from rtc.state import KEY_FIRST, KEY_NS, KEY_STAMP, KEYFRAMES, numbers

VIDEO = (2048, 2048 * 1228)  # packets, and bytes for all of them together
AUDIO = (512, 512 * 256)
REPLAY_PACKETS = 600  # a replay longer than this takes longer to send and decode than a fresh keyframe to come
REPLAY_BYTES = 700_000


class PacketRing:
    """Number n lies at `n & mask`: `numbers` says which one is there, `places` and `sizes` where in the `arena` its
    bytes are. Places only grow (the byte is at `place % len(arena)`); what lies further back than the arena is long has
    been written over. `key` says where the last keyframe is (rtc/state.py)."""

    __slots__ = ("arena", "key", "mask", "numbers", "places", "position", "size", "sizes")

    def __init__(self, size: int, arena_bytes: int) -> None:
        self.size = size
        self.mask = size - 1
        self.arena = bytearray(arena_bytes)
        self.numbers = numbers(size, -1)
        self.places = numbers(size)
        self.sizes = numbers(size)
        self.position = numbers(1)
        self.key = numbers(4)
        self.forget_keyframe()

    def forget_keyframe(self) -> None:
        self.key[KEY_FIRST] = self.key[KEY_STAMP] = -1
        self.key[KEY_NS] = 0

    @property
    def key_first(self) -> int:
        return self.key[KEY_FIRST]

    @property
    def key_stamp(self) -> int:
        return self.key[KEY_STAMP]

    @property
    def keyframes(self) -> int:
        """How many came."""
        return self.key[KEYFRAMES]

    def keyframe(self, number: int, stamp: int, now_ns: int) -> None:
        """One begins with this packet."""
        key = self.key
        key[KEY_FIRST], key[KEY_STAMP], key[KEY_NS] = number, stamp, now_ns
        key[KEYFRAMES] += 1

    def keyframe_began(self, number: int) -> None:
        """The last one began with this packet."""
        self.key[KEY_FIRST] = number

    def put(self, number: int, packet: bytes) -> None:
        arena, size, place = self.arena, len(packet), self.position[0]
        start = place % len(arena)
        if start + size > len(arena):
            place += len(arena) - start
            start = 0
        arena[start : start + size] = packet
        at = number & self.mask
        self.places[at], self.sizes[at], self.numbers[at] = place, size, number
        self.position[0] = place + size

    def get(self, number: int) -> bytes | None:
        at = number & self.mask
        if self.numbers[at] != number:
            return None
        arena, place = self.arena, self.places[at]
        if self.position[0] - place > len(arena):
            return None
        start = place % len(arena)
        return bytes(arena[start : start + self.sizes[at]])

    def has(self, number: int) -> bool:
        """Whether it came, among the last `size` numbers; its bytes may be gone."""
        return self.numbers[number & self.mask] == number

    def since_keyframe(self, highest: int) -> list[tuple[int, bytes]] | None:
        """(number, packet) in order of sequence from the keyframe's first packet on; holes are packets not here (yet).
        None: no keyframe, or its first packets are no longer kept."""
        first = self.key_first
        if first < 0 or highest - first >= self.size or self.get(first) is None:
            return None
        return [(n, packet) for n in range(first, highest + 1) if (packet := self.get(n)) is not None]

    def replay(self, highest: int) -> list[tuple[int, bytes]] | None:
        """The same, or None when it is too much to send at once."""
        if self.key_first < 0 or highest - self.key_first >= REPLAY_PACKETS:
            return None
        found = self.since_keyframe(highest)
        return found if found and sum(len(packet) for _, packet in found) <= REPLAY_BYTES else None
