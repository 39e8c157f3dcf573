"""From packets in sequence order to whole frames, for every video codec alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

Payload = memoryview


class Piece(NamedTuple):
    """One packet: `seq` and `timestamp` unwrapped."""

    seq: int
    timestamp: int
    marker: bool
    payload: Payload


class Frames(NamedTuple):
    """`whole` are half-open ranges of the pieces; `incomplete` counts frames of which something, but not all, came."""

    whole: list[tuple[int, int]]
    incomplete: int


def whole_frames(pieces: Sequence[Piece], begins_frame: Callable[[Payload], bool | None]) -> Frames:
    """Finds the frames that lack no packet. `pieces` are sorted by `seq` and hold no `seq` twice; packets without payload
    (padding) only show that nothing is missing there."""
    whole: list[tuple[int, int]] = []
    incomplete = 0
    count = len(pieces)
    at = 0
    while at < count:
        timestamp = pieces[at].timestamp
        end = at + 1
        while end < count and pieces[end].timestamp == timestamp:
            end += 1
        low, high = at, end
        while low < high and not len(pieces[low].payload):
            low += 1
        while high > low and not len(pieces[high - 1].payload):
            high -= 1
        at = end
        if low == high:
            continue
        first, last = pieces[low], pieces[high - 1]
        contiguous = last.seq - first.seq == high - 1 - low
        begins = begins_frame(first.payload)
        if begins is None:
            begins = low > 0 and pieces[low - 1].seq == first.seq - 1
        ends = last.marker or (high < count and pieces[high].seq == last.seq + 1)
        if contiguous and begins and ends:
            whole.append((low, high))
        else:
            incomplete += 1
    return Frames(whole, incomplete)
