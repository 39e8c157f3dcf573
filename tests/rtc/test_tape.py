"""What the pump holds for the disk."""

from __future__ import annotations

import os
import zlib

from hypothesis import example, given
from hypothesis import strategies as st

from media.held import MOST_RECORDS
from rtc.native.library import library
from rtc.native.pump import Pump


@given(st.integers(0, 9), st.integers(0, 3000), st.binary(max_size=80))
@example(0, 0, b"")
@example(1, 63, b"")
@example(1, 64, b"")
@example(3, 129, b"\xff" * 80)
def test_a_checksum_is_that_of_zlib(start: int, size: int, tail: bytes) -> None:
    found = library()
    assert found is not None
    data = (os.urandom(start + size) + tail)[start:]
    if found.call.can_checksum():
        assert found.call.checksum(data, len(data)) == zlib.crc32(data)


@given(st.lists(st.lists(st.binary(min_size=1, max_size=300), max_size=8), max_size=8))
def test_what_was_kept_is_taken_once_in_order_and_stays_until_the_next_is(pump: Pump, turns: list[list[bytes]]) -> None:
    tape = pump.tape()
    for records in turns:
        for record in records:
            tape.keep(record)
        whole = b"".join(records)
        taken, count, checked = tape.take()
        assert (bytes(taken), count, checked) == (whole, len(records), zlib.crc32(whole))
        tape.keep(b"next")
        assert bytes(taken) == whole
        taken, *told = tape.take()
        assert (bytes(taken), *told) == (b"next", 1, zlib.crc32(b"next"))


def test_a_tape_that_nobody_takes_is_bounded_and_counts_what_it_dropped(pump: Pump) -> None:
    tape = pump.tape()
    for _ in range(MOST_RECORDS + 10):
        tape.keep(b"0123456789" * 10)
    assert tape.dropped == 10
    taken, count, checked = tape.take()
    assert (len(taken), count, checked) == (MOST_RECORDS * 100, MOST_RECORDS, zlib.crc32(taken))
    for number in range(4):
        tape.keep(b"%d" % number)
        assert tape.take()[0] == b"%d" % number
