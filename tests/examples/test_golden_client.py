"""The example client takes the golden files as docs/protocol-conversation.md has it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from docs.examples.fold import Frame, beginning, fold, merge, next_digest
from docs.examples.page import Page

GOLDEN = Path(__file__).parents[1] / "golden"
FOLDS = {path.stem: json.loads(path.read_text()) for path in (GOLDEN / "conversation").glob("*.json")}
DIALOGUES = {path.stem: json.loads(path.read_text()) for path in (GOLDEN / "frames").glob("*.json")}
STARS = {"at": "2026-11-22T09:00:00Z", "now": "2026-11-22T09:00:00Z", "epoch": "9f2c51d3a0b4e677", "digest": 0}
MAY_BE_LEFT_OUT: dict[str, Any] = {"epoch": "", "cursors": [], "reply_to": None, "seen": None, "force": False}


@pytest.mark.parametrize("name", sorted(FOLDS))
def test_the_client_folds_as_the_golden_file_has_it(name: str) -> None:
    golden = FOLDS[name]
    assert fold(golden["before"], golden["entries"]) == golden["after"]


def test_the_client_counts_digests_and_merges_marks_as_the_golden_files_have_it() -> None:
    for golden in json.loads((GOLDEN / "digests.json").read_text()):
        digest = 0
        for entry_id in golden["ids"]:
            digest = next_digest(digest, entry_id)
        assert digest == golden["digest"]
    for golden in json.loads((GOLDEN / "marks.json").read_text()):
        assert merge(golden["before"], golden["told"]) == golden["after"], golden["promise"]


def plain(frame: Frame) -> Frame:
    """Without what is the client's own to choose."""
    return {key: value for key, value in (MAY_BE_LEFT_OUT | frame).items() if key not in ("ref", "tab")}


def without_stars(told: Any) -> Any:
    if isinstance(told, dict):
        return {key: STARS.get(key, "*") if value == "*" else without_stars(value) for key, value in told.items()}
    return [without_stars(each) for each in told] if isinstance(told, list) else told


class Actor:
    """The client in the part of one page. `made`: how many frames it came to say by itself."""

    def __init__(self, folder: Path, name: str) -> None:
        self.page = Page(folder / f"{name}.json", device=f"device-{name}")
        self.refs: dict[str, str] = {}
        self.heads: dict[str, Frame] = {}
        self.made = 0

    def says(self, frame: Frame) -> None:
        """Comes to say it, if the rules allow it; what breaks them was said by somebody else in its name."""
        page = self.page
        if frame["type"] == "chat.hello":
            with page.change() as kept:  # what the dialogue has it hold
                held, kept["inbox"] = kept["streams"], None
                kept["epoch"], kept["streams"] = frame["epoch"], {}
                for cursor in frame["cursors"]:
                    stream, at = cursor["stream"], (cursor["position"], cursor["digest"])
                    known = held.get(stream, beginning(stream))
                    kept["streams"][stream] = (
                        known if (known["head"], known["digest"]) == at else beginning(stream, *at)
                    )
            page.begin()
        elif frame["type"] != "chat.append" or page.me is None or frame["n"] != page.kept["counter"] + 1:
            if frame.get("id") not in page.kept["held"]:
                return
            page.insist(frame["id"])
        elif "surprise" not in frame:
            written = {key: value for key, value in frame.items() if key not in ("type", "ref", "n")}
            page.write(**written)
        else:
            return
        said = [each for each in page.take() if each["type"] != "chat.seen"]
        assert [plain(each) for each in said] == [plain(frame)]
        self.refs[frame["ref"]] = said[0]["ref"]
        self.made += 1

    def hears(self, frames: list[Frame]) -> None:
        for told in without_stars(frames):
            if told["type"] == "chat.inbox":
                continue  # of its rows the dialogues say nothing
            if told["type"] == "chat.entries":
                self.heads[told["stream"]] = told
            self.page.hear(told | ({"ref": self.refs.get(told["ref"], "-")} if told.get("ref") else {}))
        unasked = [each for each in self.page.take() if each["type"] != "chat.seen"]
        assert unasked == [] or (self.page.me is None and unasked[0]["type"] == "chat.hello")


@pytest.mark.parametrize("name", sorted(DIALOGUES))
def test_the_client_says_and_takes_what_the_pages_of_the_golden_dialogue_do(tmp_path: Path, name: str) -> None:
    golden = DIALOGUES[name]
    actors = {page: Actor(tmp_path, page) for page in golden["pages"]}
    for step in golden["steps"]:
        if "says" in step:
            actors[step["as"]].says(step["says"])
        else:
            actors[step["as"]].hears(step["hears"])
    assert name == "hello-first" or sum(actor.made for actor in actors.values()) > 0
    for actor in actors.values():
        for stream, told in actor.heads.items():
            assert (actor.page.state(stream)["head"], actor.page.state(stream)["digest"]) == (
                told["head"],
                told["digest"],
            )
        assert [e for e in actor.page.kept["waiting"] if e["id"] not in actor.page.kept["held"]] == []
