"""python -m tests.simulator --seeds 1000 [--first 0] | --seed 7"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from tests.simulator.scenario import Failed, run_seed


def main() -> int:
    asked = argparse.ArgumentParser(prog="python -m tests.simulator", description="Runs of the conversation, by seed.")
    asked.add_argument("--seeds", type=int, default=200, help="how many")
    asked.add_argument("--first", type=int, default=0)
    asked.add_argument("--seed", type=int, help="this one alone, with all that happened in it")
    wish = asked.parse_args()
    return _many(wish.first, wish.seeds) if wish.seed is None else _one(wish.seed)


def _one(seed: int) -> int:
    try:
        print("\n".join(run_seed(seed).traces))
    except Failed as failed:
        print("\n".join(failed.traces), failed.__cause__, sep="\n")
        return 1
    return 0


def _many(first: int, count: int) -> int:
    began = time.monotonic()
    sums: Counter[str] = Counter()
    failed = []
    for seed in range(first, first + count):
        try:
            world = run_seed(seed)
        except Failed as failure:
            failed.append(seed)
            print(f"seed {seed}: {str(failure.__cause__)[:300]}")
            continue
        sums["entries"] += sum(map(len, world.disk.streams.values()))
        sums["frames"] += world.audit.frames
        sums["most_waiting"] = max(sums["most_waiting"], world.audit.most_waiting)
    print(f"{count} seeds, {len(failed)} failed {failed}, {time.monotonic() - began:.1f} s, {dict(sums)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
