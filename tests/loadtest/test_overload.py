"""A server with too little of a processor: what is asked of it, and how it is judged."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from loadtest import overload, sheets
from loadtest.measures import cpu_seconds
from loadtest.outcome import Outcome
from loadtest.processor_share import ProcessorShare
from loadtest.target import CannotLoad
from loadtest.verdict import verdict_of
from loadtest.window import LIMIT_MS, Window

SPIN = "while True: pass"


@pytest.fixture
def spinning() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", SPIN])
    yield process
    process.kill()
    process.wait()


def may_share(pid: int) -> bool:
    try:
        with ProcessorShare(pid):
            return True
    except CannotLoad:
        return False


def test_a_process_gets_its_share_of_a_core_and_is_free_afterwards(spinning: subprocess.Popen[bytes]) -> None:
    if not may_share(spinning.pid):
        return
    before = os.sched_getaffinity(spinning.pid)
    with ProcessorShare(spinning.pid) as share:
        assert not os.sched_getaffinity(spinning.pid) & os.sched_getaffinity(0)
        share.set(0.1)
        start_s, start = cpu_seconds([spinning.pid]), time.monotonic()
        while time.monotonic() - start < 1.0:
            pass
        assert cpu_seconds([spinning.pid]) - start_s < 0.15
    assert os.sched_getaffinity(spinning.pid) == before
    assert os.sched_getaffinity(0) == before


def test_where_no_processor_can_be_shared_out_the_sentence_says_what_it_takes() -> None:
    gone = max(os.sched_getaffinity(0)) + 1
    with pytest.raises(CannotLoad, match="usually root's"), ProcessorShare(os.getpid(), [0, gone]):
        pass
    with pytest.raises(CannotLoad, match="takes two cores"), ProcessorShare(os.getpid(), [0]):
        pass


@pytest.mark.parametrize(("shown", "is_over"), [(100, False), (98, False), (96, True)])
def test_a_picture_that_does_not_come_counts_as_one_that_took_for_ever(shown: int, is_over: bool) -> None:
    window = Window(1.0, frames_sent=100, frames_shown=shown)
    window.transit.record(1.0, shown)
    assert (window.p99_of_sent_ms > LIMIT_MS) is is_over


def found(**changed: Any) -> overload.OverloadRun:
    """A run that kept every promise, but for what is `changed`."""
    run = overload.OverloadRun(10, overload.Pace(), 1, lambda _: None)
    window = Window(0.2, sounds_sent=100, sounds_heard=99, frames_sent=100, frames_shown=50, least_sound_share=0.97)
    window.transit.record(3.0)
    run._steps = [window, window]
    run._share_at_limit, run._half, run._twice, run._is_over = 0.2, window, window, True
    run._recovered_s, run._new_call_s = 2.0, 8.0
    run._comers.refusals.append((700.0, "All lines are busy."))
    for name, value in changed.items():
        setattr(run, name, value)
    return run


def test_who_keeps_voices_and_refuses_clearly_and_recovers_is_good() -> None:
    verdict = verdict_of(Outcome("overload", found().facts()))
    assert verdict.is_good
    assert "97 %" in verdict.sentences[0]
    assert found().facts()["overload"]["calls_per_core_at_limit"] == 50  # type: ignore[index]


@pytest.mark.parametrize(
    "changed",
    [
        {"_recovered_s": None},
        {"_new_call_s": None},
        {"_faults": ["the server does not answer"]},
        {"_comers": overload.Comers([(1.0, "busy")], let_in=1)},
        {"_comers": overload.Comers([(1.0, "busy")], silent=["no answer"])},
        {"_comers": overload.Comers()},
        {"_twice": Window(0.1, least_sound_share=0.9)},
    ],
)
def test_each_broken_promise_spoils_the_verdict(changed: dict[str, Any]) -> None:
    assert not verdict_of(Outcome("overload", found(**changed).facts())).is_good


def test_the_table_tells_of_each_load_and_of_new_customers() -> None:
    sheet = sheets.overload_sheet(found(_new_call_s=None).facts())
    assert [row[0] for row in sheet.rows] == [
        "nothing limits it",
        "half of the load",
        "p99 over 20 ms",
        "twice the load",
    ]
    assert sheet.figures["new_call_s"] is None
    assert sheet.figures["least_sound_percent"] == 97.0
    assert any("All lines are busy." in note and "within 0.7 s" in note for note in sheet.notes)


@pytest.mark.journey
@pytest.mark.alone
async def test_a_server_with_less_and_less_of_a_core_is_measured_at_its_limit_and_beyond() -> None:
    told: list[str] = []
    run = overload.OverloadRun(2, overload.QUICK, 1, told.append)
    if not may_share(os.getpid()):
        with pytest.raises(CannotLoad, match="usually root's"):
            await run.run()
        return
    await run.run()
    facts: Any = run.facts()
    found = facts["overload"]
    assert found["calls_per_core_at_limit"] > 2
    assert found["twice_the_load"]["share"] < found["share_at_limit"] < found["half_load"]["share"]
    assert found["comers"]["came"] == 1
    assert sheets.overload_sheet(facts).figures["faults"] == found["faults"]
    assert "twice the load" in " ".join(verdict_of(Outcome("overload", facts)).sentences)
