from __future__ import annotations

import random

from loadtest.recorded import lag_ms, matched


def log_of(frames: int) -> list[tuple[int, int]]:
    seeded = random.Random(5)
    return [(1_000_000_000 + n * 40_000_000, seeded.randrange(400, 4000)) for n in range(frames)]


def filed(log: list[tuple[int, int]], behind_s: float = 0.0) -> list[tuple[float, int]]:
    return [((ns - log[0][0]) / 1e9 + behind_s, size) for ns, size in log]


def test_a_file_that_begins_and_ends_within_the_call_is_found_in_its_place() -> None:
    log = log_of(100)
    assert [ns for ns, _ in matched(log, filed(log[20:90]))] == [ns for ns, _ in log[20:90]]


def test_each_frame_that_a_file_lacks_is_missed_and_no_other() -> None:
    log = log_of(200)
    lacking = {50, 51, 120, 199}
    kept = [entry for at, entry in enumerate(log) if at not in lacking]
    found = {ns for ns, _ in matched(log, filed(kept))}
    assert {at for at, (ns, _) in enumerate(log) if ns not in found} == lacking


def test_a_file_that_lacks_seconds_is_found_again_behind_the_gap() -> None:
    log = log_of(400)
    kept = [entry for at, entry in enumerate(log) if not 60 <= at < 260]
    assert [ns for ns, _ in matched(log, filed(kept))] == [ns for ns, _ in kept]


def test_a_frame_that_nobody_sent_changes_nothing() -> None:
    log = log_of(60)
    strange = filed(log)
    strange.insert(30, (1.2, 7))
    assert len(matched(log, strange)) == 60


def test_an_empty_file_has_nothing() -> None:
    assert matched(log_of(50), []) == []


def test_pictures_that_lie_behind_the_sound_are_told_with_by_how_much() -> None:
    pictures, sounds = log_of(100), log_of(100)
    found = lag_ms(matched(pictures, filed(pictures, 0.085)), matched(sounds, filed(sounds)))
    assert found is not None
    assert round(found, 3) == 85
    assert lag_ms([], matched(sounds, filed(sounds))) is None
