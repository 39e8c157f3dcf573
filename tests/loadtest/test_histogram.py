from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.histogram import Histogram, histogram_of
from loadtest.measures import percentile

durations_ms = st.floats(0.001, 1e7)


@given(st.lists(durations_ms, min_size=1, max_size=300), st.sampled_from([0.0, 0.5, 0.95, 0.99, 1.0]))
def test_a_percentile_is_right_to_one_part_in_a_thousand(values: list[float], share: float) -> None:
    found = histogram_of(values).percentile(share)
    exact = percentile(values, share)
    assert found == pytest.approx(exact, rel=0.001, abs=0.0001)


@given(st.lists(durations_ms), st.lists(durations_ms))
def test_two_merged_are_one_that_saw_all(one: list[float], other: list[float]) -> None:
    merged = histogram_of(one)
    merged.merge(histogram_of(other))
    assert merged.facts() == histogram_of(one + other).facts()


def test_nothing_recorded_is_said_and_no_number_is_made_up() -> None:
    assert Histogram().facts() == {"p50": None, "p95": None, "p99": None, "max": None, "count": 0}
    assert math.isnan(Histogram().percentile(0.5))


def test_what_is_no_duration_is_refused_and_a_hair_below_zero_is_zero() -> None:
    recorded = Histogram()
    recorded.record(-0.01)
    assert recorded.facts()["max"] == 0.0
    for wrong in (math.nan, math.inf):
        with pytest.raises(ValueError, match="no duration"):
            recorded.record(wrong)


def test_a_stall_counts_for_everything_that_it_delayed() -> None:
    # One request each 10 ms; the server stands still for a second, then answers all at once.
    paced, naive = Histogram(), Histogram()
    for number in range(100):
        due_s, done_s = number * 0.01, 1.0
        paced.record_since(due_s, done_s)
    naive.record_since(0.0, 1.0)  # who waits for the answer before asking again sees one slow request
    assert paced.facts()["count"] == 100
    assert paced.percentile(0.5) == pytest.approx(500, abs=11)
    assert naive.facts()["count"] == 1
