"""When datagrams arrived, whenever they are read."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from loadtest.arrival import receive, stamp_arrivals

BUSY_NS = 50_000_000
MOST_TURNS = 20


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as near,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as far,
    ):
        near.bind(("127.0.0.1", 0))
        far.bind(("127.0.0.1", 0))
        near.connect(far.getsockname())
        yield near, far


def be_busy() -> int:
    """Computes for 50 ms; the nanosecond of its end."""
    until = time.monotonic_ns() + BUSY_NS
    while (now := time.monotonic_ns()) < until:
        pass
    return now


def test_what_waited_for_a_busy_reader_has_the_moment_of_its_arrival(pair: tuple[socket.socket, socket.socket]) -> None:
    near, far = pair
    stamp_arrivals(far)
    for _ in range(MOST_TURNS):
        sent_ns = time.monotonic_ns()
        near.send(b"one")
        near.send(b"two")
        read_ns = be_busy()
        (first, address, first_ns), (second, _, second_ns) = receive(far), receive(far)
        assert (first, second, address) == (b"one", b"two", near.getsockname())
        if (
            second_ns < read_ns
        ):  # the kernel begins to stamp a moment after the first socket of the machine asked for it
            break
    for arrived_ns in (first_ns, second_ns):
        assert abs(arrived_ns - sent_ns) < read_ns - arrived_ns  # nearer to the sending than to the reading


def test_without_a_stamp_it_is_the_moment_of_reading(pair: tuple[socket.socket, socket.socket]) -> None:
    near, far = pair
    near.send(b"one")
    read_ns = be_busy()
    assert receive(far)[2] >= read_ns
    with pytest.raises(BlockingIOError):
        receive(far)
