"""What a run is measured with: percentiles, the CPU time of other processes, and which sent frame a received one was."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0..1) of all values do not exceed (nearest rank); nan for no values."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def parent_of(stat: str) -> int:
    """The parent's pid in a line of `/proc/<pid>/stat` (proc(5)). The name in brackets may hold spaces and brackets."""
    return int(stat.rpartition(")")[2].split()[1])


def with_children(root: int) -> list[int]:
    """This process and all below it that run now."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parents[int(folder.name)] = parent_of((folder / "stat").read_text())
            except OSError:  # it ended while we looked
                continue
    family = [root]
    for member in family:
        family += [pid for pid, parent in parents.items() if parent == member]
    return family


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system time of all threads, ended ones too. `/proc/<pid>/stat` has the same in steps of 10 ms, which is
    too coarse for a server that needs 1 % of a core; the process's CPU clock has it in nanoseconds."""
    total = 0.0
    for pid in pids:
        try:
            total += time.clock_gettime((~pid << 3) | 2)  # as clock_getcpuclockid(3) makes it: CPUCLOCK_SCHED of a pid
        except OSError:  # it ended
            continue
    return total


def wakeups(pids: Iterable[int]) -> int:
    """How often all threads of these processes went to sleep and were woken (proc(5): `voluntary_ctxt_switches`)."""
    total = 0
    for pid in pids:
        for status in Path(f"/proc/{pid}/task").glob("*/status"):
            try:
                words = status.read_text().rpartition("\nvoluntary_ctxt_switches:")[2].split()
            except OSError:  # it ended
                continue
            total += int(words[0])
    return total


def cores() -> int:
    return len(os.sched_getaffinity(0))


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("model name", "Model"):
            return " ".join(value.split())
    return os.uname().machine


_WRAP = 1 << 32
_LEAST_SAMPLE = 5  # of one or two timestamps any shift seems right
_TOLERANCE = 2  # ticks: a server that decodes converts time bases, and rounds


def shift_between(sent: Sequence[int], received: Sequence[int]) -> int | None:
    """The constant that a server added to one stream's RTP timestamps; None when there is no such constant,
    or too few were received to know it.

    It is unambiguous because the intervals between sent timestamps are irregular, as those of a real camera are: with
    a wrong constant hardly any received timestamp was ever sent.
    """
    if len(received) < _LEAST_SAMPLE:
        return None
    known = {stamp + by for stamp in sent for by in range(-_TOLERANCE, _TOLERANCE + 1)}
    sample = received[:: max(1, len(received) // 32)]
    best, best_hits = 0, 0
    for stamp in sent:
        shift = (sample[0] - stamp) % _WRAP
        hits = sum((value - shift) % _WRAP in known for value in sample)
        if hits > best_hits:
            best, best_hits = shift, hits
    return best if best_hits > 0.8 * len(sample) else None


def transits_ms(sent: dict[int, int], received: Sequence[tuple[int, int]]) -> list[float]:
    """`sent`: timestamp -> nanoseconds; `received`: (timestamp, nanoseconds). Empty when they do not belong together."""
    shift = shift_between(list(sent), [stamp for stamp, _ in received])
    if shift is None:
        return []
    known = {stamp + by: at for stamp, at in sent.items() for by in range(-_TOLERANCE, _TOLERANCE + 1)}
    pairs = ((known.get((stamp - shift) % _WRAP), at) for stamp, at in received)
    return [(at - start) / 1e6 for start, at in pairs if start is not None]
