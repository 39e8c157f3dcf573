from __future__ import annotations

import math
import os
import random
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.measures import cpu_seconds, parent_of, percentile, shift_between, transits_ms, with_children


def test_percentiles_are_nearest_rank() -> None:
    values = [float(n) for n in range(100, 0, -1)]
    assert [percentile(values, share) for share in (0.5, 0.95, 0.99, 1.0, 0.0)] == [50, 95, 99, 100, 1]
    assert percentile([7.0], 0.99) == 7.0
    assert math.isnan(percentile([], 0.5))


@given(st.lists(st.floats(-1e6, 1e6), min_size=1), st.floats(0, 1))
def test_a_percentile_is_one_of_the_values_and_covers_its_share(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-6


def test_a_process_name_with_brackets_does_not_hide_the_parent() -> None:
    assert parent_of("41 (a) b (c) R 17 41 41 0 -1 4194304 100 0") == 17


def test_children_and_their_cpu_are_found() -> None:
    # A parent whose child works until its input ends, and says so when it has worked enough to be seen.
    child = "import sys, time\nwhile time.process_time() < 0.3: pass\nprint('worked', flush=True)\nsys.stdin.read()"
    parent = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {child!r}])"
    with subprocess.Popen(
        [sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "worked\n"
        family = with_children(process.pid)
        assert len(family) == 2
        assert cpu_seconds(family) > 0.3
        assert cpu_seconds(family) > cpu_seconds([process.pid])
        process.communicate()
    assert cpu_seconds([process.pid]) == 0.0


def test_our_own_cpu_clock_agrees_with_pythons() -> None:
    assert cpu_seconds([os.getpid()]) == pytest.approx(time.process_time(), abs=0.05)


def camera(frames: int, seed: int = 3) -> dict[int, int]:
    """Irregular RTP timestamps at 25 pictures a second, each with the nanosecond at which it was sent."""
    seeded = random.Random(seed)
    return {1000 + n * 3600 + seeded.randrange(450): n * 40_000_000 for n in range(frames)}


@pytest.mark.parametrize("shift", [0, 77, (1 << 32) - 90_000])
def test_frames_are_recognised_behind_any_constant_and_a_rounding_of_one_tick(shift: int) -> None:
    sent = camera(200)
    received = [
        ((stamp + shift + at % 3 - 1) % (1 << 32), ns + 5_000_000) for at, (stamp, ns) in enumerate(sent.items())
    ]
    found = transits_ms(sent, received[60:160])
    assert found == [5.0] * 100


def test_frames_of_somebody_else_have_no_transit() -> None:
    received = [(stamp, ns) for stamp, ns in camera(200, seed=4).items()]
    assert shift_between(list(camera(200)), [stamp for stamp, _ in received]) is None
    assert transits_ms(camera(200), received) == []
    assert transits_ms(camera(200), []) == []
