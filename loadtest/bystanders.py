"""How much CPU everything outside a run takes meanwhile: on a busy machine latencies are those of the machine."""

from __future__ import annotations

import os
import time
from pathlib import Path

from loadtest.measures import cpu_seconds, with_children

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_BUSY_FIELDS = (0, 1, 2, 5, 6)  # user, nice, system, irq, softirq: proc(5)


class Bystanders:
    """Made when a measurement begins; `cores()` tells of the time since then. Processes of this run that began or ended
    meanwhile count as others': use it while they stay."""

    def __init__(self) -> None:
        self._own = with_children(os.getpid())
        self._at = time.monotonic()
        self._busy_s = _busy_s()
        self._own_s = cpu_seconds(self._own)

    def cores(self) -> float:
        others_s = (_busy_s() - self._busy_s) - (cpu_seconds(self._own) - self._own_s)
        return max(0.0, others_s / (time.monotonic() - self._at))


def _busy_s() -> float:
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    return sum(int(fields[at]) for at in _BUSY_FIELDS) / _TICKS_PER_S
