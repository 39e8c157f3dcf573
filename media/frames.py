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
    """`whole` are half-open ranges of the pieces; `incomplete` counts frames of which something, but not all, came;
    `missing` how many of which nothing came, by the numbers of packets and the time that are missing between others."""

    whole: list[tuple[int, int]]
    incomplete: int
    missing: int


class _Gap(NamedTuple):
    """Packets lost in front of a frame; `between`: the frames on both sides lack nothing there."""

    packets: int
    step: int
    between: bool


def whole_frames(pieces: Sequence[Piece], begins_frame: Callable[[Payload], bool | None]) -> Frames:
    """Finds the frames that lack no packet. `pieces` are sorted by `seq` and hold no `seq` twice; packets without payload
    (padding) only show that nothing is missing there."""
    whole: list[tuple[int, int]] = []
    incomplete = 0
    gaps: list[_Gap] = []
    steps: list[int] = []
    ended = True
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
        lost = first.seq - pieces[low - 1].seq - 1 if low else 0
        contiguous = last.seq - first.seq == high - 1 - low
        begins = begins_frame(first.payload)
        if begins is None:
            begins = low > 0 and pieces[low - 1].seq == first.seq - 1
        ends = last.marker or (high < count and pieces[high].seq == last.seq + 1)
        if low:
            step = first.timestamp - pieces[low - 1].timestamp
            if lost:
                gaps.append(_Gap(lost, step, between=ended and bool(begins)))
            elif step > 0:
                steps.append(step)
        ended = ends
        if contiguous and begins and ends:
            whole.append((low, high))
        else:
            incomplete += 1
    usual = sorted(steps)[len(steps) // 2] if steps else 0
    return Frames(whole, incomplete, sum(_frames_lost(gap, usual) for gap in gaps))


def _frames_lost(gap: _Gap, usual: int) -> int:
    least = 1 if gap.between else 0
    by_time = round(gap.step / usual) - 1 if usual else 0
    return min(gap.packets, max(least, by_time))
