from __future__ import annotations

import pytest

from domain.errors import RateLimited
from signaling.limits import Buckets, Failures, address_key
from tests.support.houses import Clock


def test_a_bucket_gives_its_burst_then_its_rate() -> None:
    clock, buckets = Clock(), Buckets(burst=3, per_second=0.5)
    for _ in range(3):
        buckets.take("a", clock())
    with pytest.raises(RateLimited) as refused:
        buckets.take("a", clock())
    assert refused.value.retry_after_s == pytest.approx(2.0)
    buckets.take("b", clock())
    clock.advance(2)
    buckets.take("a", clock())
    with pytest.raises(RateLimited):
        buckets.take("a", clock())


def test_a_bucket_never_holds_more_than_its_burst_and_a_clock_set_back_gives_nothing() -> None:
    clock, buckets = Clock(), Buckets(burst=2, per_second=1)
    buckets.take("a", clock())
    clock.advance(3600)
    buckets.take("a", clock())
    buckets.take("a", clock())
    with pytest.raises(RateLimited):
        buckets.take("a", clock())
    clock.advance(-3600)
    with pytest.raises(RateLimited):
        buckets.take("a", clock())


def test_a_million_addresses_take_bounded_memory_and_the_one_in_use_is_remembered() -> None:
    clock, buckets, failures = Clock(), Buckets(burst=1, per_second=0.001, max_keys=100), Failures(free=1, max_keys=100)
    for n in range(5000):
        buckets.take(f"10.0.{n}", clock())
        failures.failed(f"10.0.{n}", clock())
    assert len(buckets) == 100
    assert len(failures) == 100
    with pytest.raises(RateLimited):
        buckets.take("10.0.4999", clock())


def test_each_failure_after_the_free_ones_doubles_the_wait_up_to_the_longest() -> None:
    clock, failures = Clock(), Failures(free=2, first_s=2, longest_s=60)
    waits = []
    for _ in range(9):
        failures.failed("a", clock())
        try:
            failures.check("a", clock())
            waits.append(0.0)
        except RateLimited as refused:
            waits.append(refused.retry_after_s)
            clock.advance(refused.retry_after_s)
            failures.check("a", clock())
    assert waits == [0, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_success_or_a_quiet_hour_forgets_the_failures() -> None:
    clock, failures = Clock(), Failures(free=1)
    for forget in (lambda: failures.succeeded("a"), lambda: clock.advance(3601)):
        failures.failed("a", clock())
        failures.failed("a", clock())
        with pytest.raises(RateLimited):
            failures.check("a", clock())
        forget()
        failures.check("a", clock())
        failures.succeeded("a")


@pytest.mark.parametrize(
    ("remote", "key"),
    [
        ("192.168.1.7", "192.168.1.7"),
        ("::ffff:192.168.1.7", "192.168.1.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("nonsense", "unknown"),
        (None, "unknown"),
    ],
)
def test_a_household_is_one_address(remote: str | None, key: str) -> None:
    assert address_key(remote) == key
