from __future__ import annotations

import pytest

from signaling.chat import Chat
from tests.simulator import broken
from tests.simulator.disk import DiskStore
from tests.simulator.scenario import Failed, run_seed

SEEDS_A_TEST = 20
CAUGHT_WITHIN = 60


@pytest.mark.parametrize("first", range(0, 200, SEEDS_A_TEST))
def test_every_promise_is_kept_in_the_runs_from_this_seed_on(first: int) -> None:
    for seed in range(first, first + SEEDS_A_TEST):
        world = run_seed(seed)
        assert world.audit.frames > 0


def test_a_seed_is_always_the_same_run() -> None:
    once, again = run_seed(7), run_seed(7)
    assert once.traces == again.traces
    assert once.disk.streams == again.disk.streams


@pytest.mark.parametrize(
    ("store", "chat"),
    [
        (broken.AcknowledgesBeforeCommit, Chat),
        (broken.IgnoresCounters, Chat),
        (broken.ForgetsIds, Chat),
        (broken.TellsBeforeCommit, Chat),
        (broken.TakesPositionsFromASequence, Chat),
        (broken.ForgetsTheDigest, Chat),
        (DiskStore, broken.DropsNobody),
    ],
    ids=lambda kind: kind.__name__,
)
def test_a_server_that_breaks_a_promise_is_caught(store: type[DiskStore], chat: type[Chat]) -> None:
    for seed in range(CAUGHT_WITHIN):
        try:
            run_seed(seed, store, chat)
        except Failed:
            return
    pytest.fail(f"{store.__name__} with {chat.__name__} kept every promise in {CAUGHT_WITHIN} runs")
