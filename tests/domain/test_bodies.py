"""What the body of an entry may hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from domain.bodies import NoteBody, TextBody, is_blank

# the pages' own decision is held against the same list
WORDS = json.loads((Path(__file__).parent.parent / "golden" / "blank.json").read_text())


def test_what_nobody_would_see_is_blank_and_nothing_else() -> None:
    assert [text for text in WORDS["blank"] if not is_blank(text)] == []
    assert [text for text in WORDS["seen"] if is_blank(text)] == []


def test_words_that_nobody_would_see_are_no_message_and_no_note() -> None:
    for text in WORDS["blank"]:
        for body in (TextBody, NoteBody):
            with pytest.raises(ValidationError):
                body(text=text)
    assert [TextBody(text=text).text for text in WORDS["seen"]] == WORDS["seen"]
