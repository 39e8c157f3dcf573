from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from domain.fold import StreamState, fold, fold_marks, newest
from domain.stream import Entry, Mark, next_digest

GOLDEN = Path(__file__).parents[1] / "golden"
CASES = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in (GOLDEN / "conversation").glob("*.json")}
SHOWN = {"position", "id", "kind", "author", "side", "author_name", "at", "reply_to", "gone", "body"}


def _entry(stream: str, shown: dict[str, Any]) -> Entry:
    return Entry.model_validate({**shown, "stream": stream, "digest": 0})


def _state(shown: dict[str, Any]) -> StreamState:
    entries = [_entry(shown["stream"], e) for e in shown["entries"]]
    return StreamState.model_validate({**shown, "entries": entries})


def _shown(state: StreamState) -> dict[str, Any]:
    return {**state.model_dump(), "entries": [e.model_dump(mode="json", include=SHOWN) for e in state.entries]}


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_golden_state_folded_with_its_entries_is_the_golden_state_after(name: str) -> None:
    case = CASES[name]
    before = _state(case["before"])
    after = fold(before, [_entry(before.stream, e) for e in case["entries"]])
    assert _shown(after) == case["after"], case["promise"]


@pytest.mark.parametrize("case", json.loads((GOLDEN / "marks.json").read_text()), ids=lambda case: case["promise"])
def test_marks_grow_as_the_golden_file_says(case: dict[str, Any]) -> None:
    def marks(shown: list[dict[str, Any]]) -> tuple[Mark, ...]:
        return tuple(Mark.model_validate({**mark, "stream": "c.ann"}) for mark in shown)

    assert fold_marks(marks(case["before"]), marks(case["told"])) == marks(case["after"])


@pytest.mark.parametrize(
    "case", json.loads((GOLDEN / "digests.json").read_text()), ids=lambda case: str(case["digest"])
)
def test_a_digest_is_the_golden_one(case: dict[str, Any]) -> None:
    digest = 0
    for id in case["ids"]:
        digest = next_digest(digest, id)
    assert digest == case["digest"]


def test_a_state_cut_to_its_newest_entries_still_takes_the_next_one() -> None:
    whole = _state(CASES["recall"]["after"])
    short = newest(whole, 2)
    assert (short.floor, short.head, short.digest, len(short.entries)) == (2, 4, whole.digest, 2)
    more = whole.entries[-1].model_copy(
        update={"position": 5, "id": "m-00000005", "kind": "text", "body": {"text": "on"}}
    )
    assert newest(fold(short, [more]), 2) == newest(fold(whole, [more]), 2)
