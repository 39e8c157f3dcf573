from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from signaling import chat_news, chat_protocol, news
from signaling import protocol as p

DOCS = Path(__file__).parents[2] / "docs"
ANSWERS = ("ok", "error", "welcome", "chat.welcome", "chat.ack", "chat.entries")


class Page:
    """One page of frames: what it shows, what may be asked there and what is said."""

    def __init__(self, name: str, asked: Any, said: Any) -> None:
        frames = (DOCS / name).read_text(encoding="utf-8").split("\n## Frames\n", 1)[1]
        self.examples = [json.loads(line) for line in re.findall(r"^\{.*\}$", frames, flags=re.M)]
        self.asked, self.said = asked, said

    @staticmethod
    def is_asked(example: dict[str, Any]) -> bool:
        return "ref" in example and example["type"] not in ANSWERS


PAGES = (
    Page("protocol.md", p.CustomerAsk | p.StaffAsk, news.Said),
    Page("protocol-conversation.md", chat_protocol.ChatAsk, chat_news.ChatSaid),
)


def _kinds(union: Any) -> set[str]:
    return {m.model_fields["type"].annotation.__args__[0] for m in union.__args__}


def test_every_frame_has_an_example_in_its_document_and_no_other_frame_is_shown() -> None:
    for page in PAGES:
        assert {e["type"] for e in page.examples if page.is_asked(e)} == _kinds(page.asked)
        assert {e["type"] for e in page.examples if not page.is_asked(e)} == _kinds(page.said)


def test_every_example_is_a_valid_frame() -> None:
    for page in PAGES:
        asked: TypeAdapter[object] = TypeAdapter(page.asked)
        said: TypeAdapter[object] = TypeAdapter(page.said)
        for example in page.examples:
            (asked if page.is_asked(example) else said).validate_json(json.dumps(example))
