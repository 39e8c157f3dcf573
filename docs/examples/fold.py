"""What entries and marks make of what is kept: the same for every client, held to tests/golden."""

from __future__ import annotations

import copy
import zlib
from typing import Any

Frame = dict[str, Any]


def beginning(stream: str, floor: int = 0, digest: int = 0) -> Frame:
    """Nothing is kept of this stream; it goes on after `floor`."""
    return {"stream": stream, "floor": floor, "head": floor, "digest": digest, "entries": []}


def next_digest(digest: int, entry_id: str) -> int:
    return zlib.crc32(entry_id.encode(), digest)


def fold(state: Frame, entries: list[Frame]) -> Frame:
    """Reading, rules 2 and 3: what is known is ignored, and nothing is applied from a gap on."""
    state = copy.deepcopy(state)
    for entry in [e for e in entries if e["position"] > state["head"]]:
        if entry["position"] != state["head"] + 1:
            break
        is_recall = entry["kind"] == "recall" and not entry["gone"]
        for older in state["entries"]:
            if entry["kind"] == "erased":
                older |= {"body": {}, "gone": "erased"}
                older["author_name"] = "-" if older["side"] == "customer" else older["author_name"]
            elif is_recall and (older["id"], older["author"]) == (entry["body"]["target"], entry["author"]):
                older |= {"body": {}, "gone": "recalled"}
        state["entries"].append(entry)
        state |= {"head": entry["position"], "digest": next_digest(state["digest"], entry["id"])}
    return state


def merge(marks: list[Frame], told: list[Frame]) -> list[Frame]:
    """Marks only grow."""
    merged = {mark["person_id"]: mark for mark in marks}
    for mark in told:
        known = merged.get(mark["person_id"], mark)
        merged[mark["person_id"]] = mark | {name: max(known[name], mark[name]) for name in ("delivered", "read")}
    return list(merged.values())
