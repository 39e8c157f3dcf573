"""The last packets of one stream by sequence number: answers NACKs, and holds what came since the last keyframe."""

from __future__ import annotations

VIDEO_PACKETS = 2048
AUDIO_PACKETS = 512
REPLAY_PACKETS = 600  # a replay longer than this takes longer to send and decode than a fresh keyframe to come
REPLAY_BYTES = 700_000


class PacketRing:
    """Packets as they came, at `number & mask`; `numbers` says which one lies there. The owner writes both lists
    itself: a call per packet would cost more than the two assignments. `key_first` is the number of the last
    keyframe's first packet (-1: none), `key_stamp` its timestamp."""

    __slots__ = ("key_first", "key_ns", "key_stamp", "mask", "numbers", "packets", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self.mask = size - 1
        self.packets: list[bytes] = [b""] * size
        self.numbers: list[int] = [-1] * size
        self.forget_keyframe()

    def forget_keyframe(self) -> None:
        self.key_first = -1
        self.key_stamp = -1
        self.key_ns = 0

    def get(self, number: int) -> bytes | None:
        at = number & self.mask
        return self.packets[at] if self.numbers[at] == number else None

    def since_keyframe(self, highest: int) -> list[tuple[int, bytes]] | None:
        """(number, packet) in order of sequence from the keyframe's first packet on; holes are packets not here (yet).
        None: no keyframe, or its first packets are no longer kept."""
        first = self.key_first
        if first < 0 or highest - first >= self.size:
            return None
        numbers, packets, mask = self.numbers, self.packets, self.mask
        return [(n, packets[n & mask]) for n in range(first, highest + 1) if numbers[n & mask] == n]

    def replay(self, highest: int) -> list[tuple[int, bytes]] | None:
        """The same, or None when it is too much to send at once."""
        if self.key_first < 0 or highest - self.key_first >= REPLAY_PACKETS:
            return None
        found = self.since_keyframe(highest)
        return found if found and sum(len(packet) for _, packet in found) <= REPLAY_BYTES else None
