"""A process that takes a processor away from all others but for a share of each `PERIOD_NS`: to those it is a slow one.

`python -m loadtest.thief CORE`: says `ready`, then reads a share (0..1) for each line, and ends with its input. It takes the
right to run before others (SCHED_FIFO, sched(7)), usually root's; exit code 1 and the reason where that is not permitted."""

from __future__ import annotations

import gc
import os
import select
import sys
import time

PERIOD_NS = 2_000_000
_LEAST_GAP_NS = 20_000  # a shorter one is all waking up


def main(core: int) -> int:
    try:
        os.sched_setaffinity(0, {core})
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except OSError as fault:
        print(fault.strerror, flush=True)
        return 1
    print("ready", flush=True)
    gc.disable()
    clock, share = time.monotonic_ns, 1.0
    begun = given = 0
    while True:
        if share >= 1.0 or select.select([sys.stdin], [], [], 0)[0]:
            line = sys.stdin.readline()
            if not line:
                return 0
            share = float(line)
            begun, given = clock(), 0
            continue
        until = clock() + round(PERIOD_NS * (1.0 - share))
        while (now := clock()) < until:
            pass
        # After this gap the others will have had their share of all the time so far: waking up late takes nothing from anybody.
        gap = (share * (now - begun) - given) / (1.0 - share)
        if gap > _LEAST_GAP_NS:
            time.sleep(gap / 1e9)
            given += clock() - now


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
