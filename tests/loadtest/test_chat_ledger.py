"""The audit finds what is wrong, and only that."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.chat_faults import KINDS, plan
from loadtest.chat_ledger import CallBook, Message
from loadtest.chat_stream import Entry, Stream


def entry(position: int, id: str, text: str = "") -> Entry:
    return {"position": position, "id": id, "kind": "text", "body": {"text": text or id}}


def book(*messages: tuple[str, str, int, int]) -> CallBook:
    """(id, author, number, promised position), and two readers."""
    return CallBook(("ann", "mei"), {m[0]: Message(m[0], m[1], m[2], m[0], 0.0, m[3]) for m in messages})


def audited(kept: CallBook, record: list[Entry], ann: list[Entry], mei: list[Entry]) -> dict[str, set[str]]:
    kept.applied["ann"], kept.applied["mei"] = ann, mei
    found = kept.audit(record)
    wrong = {name: getattr(found, name) for name in ("lost", "duplicated", "reordered", "altered")}
    return {name: ids for name, ids in wrong.items() if ids}


TWO = (("a0", "ann", 0, 1), ("a1", "ann", 1, 2))
GOOD = [entry(1, "a0"), entry(2, "a1")]


def test_a_run_without_a_fault_has_no_findings() -> None:
    kept = book(*TWO)
    assert audited(kept, GOOD, GOOD, GOOD) == {}
    assert kept.audit(GOOD).delivered == 2


@pytest.mark.parametrize("place", range(3))
def test_a_promised_message_that_misses_anywhere_is_lost(place: int) -> None:
    lists = [GOOD, GOOD, GOOD]
    lists[place] = GOOD[:1]
    assert audited(book(*TWO), *lists)["lost"] == {"a1"}


def test_a_reader_who_has_nothing_at_all_has_lost_everything() -> None:
    assert audited(book(*TWO), GOOD, [], GOOD) == {"lost": {"a0", "a1"}}


def test_a_message_without_a_promise_may_be_kept_or_not() -> None:
    for record in (GOOD, GOOD[:1]):
        kept = book(TWO[0], ("a1", "ann", 1, 0))
        assert audited(kept, record, record, record) == {}
        assert kept.audit(record).delivered == 1


def test_one_id_at_two_places_is_a_duplicate() -> None:
    twice = [*GOOD, entry(3, "a0")]
    assert "a0" in audited(book(*TWO), twice, twice, twice)["duplicated"]


def test_a_message_behind_a_later_one_of_its_author_is_reordered() -> None:
    swapped = [entry(1, "a1"), entry(2, "a0")]
    kept = book(("a0", "ann", 0, 2), ("a1", "ann", 1, 1))
    assert audited(kept, swapped, swapped, swapped) == {"reordered": {"a0"}}


def test_a_reader_with_another_order_than_the_record_is_found() -> None:
    other = [entry(1, "m0"), entry(2, "a0")]
    kept = book(("a0", "ann", 0, 1), ("m0", "mei", 0, 2))
    record = [entry(1, "a0"), entry(2, "m0")]
    assert audited(kept, record, record, other)["reordered"] == {"a0", "m0"}


def test_a_changed_text_is_found() -> None:
    changed = [GOOD[0], entry(2, "a1", "something else")]
    assert audited(book(*TWO), GOOD, changed, GOOD) == {"altered": {"a1"}}


@given(st.permutations(range(1, 9)), st.lists(st.integers(1, 8), max_size=8), st.sets(st.integers(1, 8)))
def test_whatever_comes_in_whatever_order_is_applied_once_in_order(
    order: list[int], again: list[int], missing: set[int]
) -> None:
    """What is missing is fetched."""
    entries = {position: entry(position, f"m{position}") for position in range(1, 9)}
    applied: list[int] = []

    async def fetch(after: int) -> list[Entry]:
        return [entries[position] for position in range(after + 1, 9)]

    async def read() -> None:
        stream = Stream(fetch, lambda got, _: applied.append(got["position"]))
        for position in [*order, *again]:
            if position not in missing:
                stream.take([entries[position]], "socket")
        stream.reaches(8)
        if stream.position < 8:
            stream._look()
            assert stream._filling is not None
            await stream._filling
        await stream.close()

    asyncio.run(read())
    assert applied == list(range(1, 9))


def test_the_same_seed_breaks_the_same_things_at_the_same_times() -> None:
    assert plan(30.0, 5, may_kill=True) == plan(30.0, 5, may_kill=True)
    assert plan(30.0, 5, may_kill=True) != plan(30.0, 6, may_kill=True)


@given(st.floats(8.0, 600.0), st.integers())
def test_a_run_of_eight_seconds_holds_every_kind_of_fault(seconds: float, seed: int) -> None:
    faults = plan(seconds, seed, may_kill=True)
    assert {fault.kind for fault in faults} == {*KINDS, "server killed"}
    assert all(0 < fault.at < seconds for fault in faults)
    assert "server killed" not in {fault.kind for fault in plan(seconds, seed, may_kill=False)}
