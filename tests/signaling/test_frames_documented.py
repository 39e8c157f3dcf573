from __future__ import annotations

import json
import re
from pathlib import Path

from pydantic import TypeAdapter

from signaling import news
from signaling import protocol as p

DOCUMENT = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text(encoding="utf-8")
FRAMES = DOCUMENT.split("\n## Frames\n", 1)[1]
EXAMPLES = [json.loads(line) for line in re.findall(r"^\{.*\}$", FRAMES, flags=re.M)]
asked: TypeAdapter[object] = TypeAdapter(p.CustomerAsk | p.StaffAsk)
said: TypeAdapter[object] = TypeAdapter(news.Said)


def _kinds(union: object) -> set[str]:
    return {m.model_fields["type"].annotation.__args__[0] for m in union.__args__}  # type: ignore[attr-defined]


def test_every_frame_has_an_example_in_the_document_and_no_other_frame_is_shown() -> None:
    from_browser = {e["type"] for e in EXAMPLES if "ref" in e and e["type"] not in ("ok", "error", "welcome")}
    from_server = {e["type"] for e in EXAMPLES} - from_browser
    assert from_browser == _kinds(p.CustomerAsk) | _kinds(p.StaffAsk)
    both_ways = {"camera.command"}  # the same name asks and tells
    assert from_server | both_ways == _kinds(news.Said)
    assert any(e["type"] == "camera.command" and "ref" not in e for e in EXAMPLES)


def test_every_example_is_a_valid_frame() -> None:
    for example in EXAMPLES:
        is_answer = example["type"] in ("ok", "error", "welcome")
        adapter = asked if "ref" in example and not is_answer else said
        adapter.validate_json(json.dumps(example))
