"""What one device keeps of its conversations, what it says and what it hears. `W` and `R` are the rules of writing and reading
in docs/protocol-conversation.md.

Nothing here waits: a carrier hands in what was heard and says what is taken (`ways.py`). All is kept in one JSON file that is
replaced whole: a store with transactions, and short. A client with much to keep does so entry by entry.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import json
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docs.examples.fold import Frame, beginning, fold, merge

WRITTEN = ("text", "image", "voice", "video", "file", "recall", "note")
PASSING = ("rate_limited", "unavailable", "internal")
NOTHING: Frame = {
    "device": "", "counter": 0, "epoch": "", "streams": {}, "marks": {}, "inbox": None,
    "waiting": [], "held": {}, "acked": [], "lost": [],
}  # fmt: skip


class Page:
    """`wake` is set when there is something to say. `given_up`: refusals that are for good. `is_over`: there is no coming
    back as this device."""

    def __init__(self, path: Path, device: str = "") -> None:
        self.path, self.tab, self.wake = path, secrets.token_hex(4), asyncio.Event()
        self.kept = NOTHING | {"device": device or secrets.token_hex(8)}
        if path.exists():
            self.kept = json.loads(path.read_text())
        self.given_up: list[Frame] = []
        self.is_over = False
        self.begin()

    @contextlib.contextmanager
    def change(self) -> Iterator[Frame]:
        """A transaction: on the disk whole, or not at all."""
        kept, draft = copy.deepcopy(self.kept), self.path.with_suffix(".draft")
        yield kept
        with draft.open("w") as file:
            json.dump(kept, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.path)
        self.kept = kept
        self.wake.set()

    def begin(self) -> None:
        """R1: a new carrier begins with hello, and gets all that waits (W2)."""
        self.me: Frame | None = None
        self.in_flight: dict[str, float] = {}  # when each was sent
        self.refused: list[Frame] = []
        self.expected, self.is_alone, self.rest_until, self.is_restored = 1, False, 0.0, False
        known = [*self.kept["streams"].values(), *filter(None, [self.kept["inbox"]])]
        cursors = [{"stream": s["stream"], "position": s["head"], "digest": s["digest"]} for s in known]
        names = {"device": self.kept["device"], "tab": self.tab, "epoch": self.kept["epoch"]}
        self.hello, self.hello_at = {"type": "chat.hello", "ref": "hello", **names, "cursors": cursors}, -9.0
        self.saying: list[Frame] = []

    def state(self, stream: str) -> Frame:
        return self.kept["streams"].get(stream) or beginning(stream)

    def write(self, stream: str, kind: str, body: Frame, **more: Any) -> str:
        """W1. Returns the id; `more`: what else a `chat.append` may have."""
        entry = {"id": secrets.token_hex(8), "stream": stream, "kind": kind, "body": body} | more
        with self.change() as kept:
            self._put(kept, entry)
        return str(entry["id"])

    def insist(self, id_: str) -> None:
        """What was held back is sent even so."""
        with self.change() as kept:
            stream = next(e["stream"] for e in kept["waiting"] if e["id"] == id_)
            kept["held"] = {}
            kept["waiting"] = [e | ({"force": True} if e["stream"] == stream else {}) for e in kept["waiting"]]

    def ask(self, type_: str, **fields: Any) -> None:
        self.saying.append({"type": type_, "ref": secrets.token_hex(4), **fields})
        self.wake.set()

    def open(self, stream: str) -> None:
        self.ask("chat.open", stream=stream, position=self.state(stream)["head"], digest=self.state(stream)["digest"])

    def take(self) -> list[Frame]:
        """What is to be said now; before the welcome nothing but hello."""
        now = time.monotonic()
        if self.me is None:
            is_due = now - self.hello_at > 3
            self.hello_at = now if is_due else self.hello_at
            return [self.hello] if is_due else []
        saying, self.saying = self.saying, []
        if not self.refused and now >= self.rest_until:
            waiting = self.kept["waiting"]
            low = [entry for entry in waiting if entry["n"] < self.expected]  # W3
            for entry in (low or waiting)[: 1 if self.is_alone else 20]:
                if entry["id"] in self.kept["held"]:
                    break
                if now - self.in_flight.get(entry["id"], -9) > 3:
                    self.in_flight[entry["id"]] = now
                    saying.append({"type": "chat.append", "ref": entry["id"], **entry})
        return saying

    def hear(self, frame: Frame) -> None:
        """What this client has no use for (`chat.typing`, `chat.here`, `ok`) is nothing."""
        attend = getattr(self, "_" + frame["type"].removeprefix("chat."), None)
        if attend:
            attend(frame)

    def _welcome(self, frame: Frame) -> None:
        self.me, self.expected = frame["me"], frame["expected"]
        self.is_restored = self.kept["epoch"] not in ("", frame["epoch"])
        told = {head["stream"]: head for head in frame["streams"]}
        with self.change() as kept:
            for stream in told:
                inbox = kept["inbox"] or beginning(stream) | {"rows": {}}
                if stream[0] != "i":
                    kept["streams"].setdefault(stream, beginning(stream))
                elif told[stream]["head"] < inbox["head"] or self.is_restored:
                    kept["inbox"] = beginning(stream) | {"rows": {}}
                    self.ask("chat.fetch", stream=stream, after=0)
                else:
                    kept["inbox"] = inbox
            kept["epoch"] = frame["epoch"]
            for state in [s for s in kept["streams"].values() if s["head"] == told.get(s["stream"], {}).get("head")]:
                self._offer(kept, state)
        for stream in {*self.kept["streams"], *(entry["stream"] for entry in self.kept["acked"])} - told.keys():
            self.open(stream)

    def _ack(self, frame: Frame) -> None:
        """W4"""
        with self.change() as kept:
            for entry in [e for e in kept["waiting"] if e["id"] == frame["id"]]:
                kept["waiting"].remove(entry)
                if frame["position"] > self.state(entry["stream"])["head"]:
                    kept["acked"].append(entry | {"position": frame["position"]})
                if entry["stream"] not in kept["streams"]:
                    self.open(entry["stream"])
        self._answered(frame["id"])

    def _error(self, frame: Frame) -> None:
        is_end = frame["ref"] == "hello" and frame["code"] not in PASSING
        self.is_over = self.is_over or is_end or frame["code"] in ("ended", "erased")
        if frame["ref"] in self.in_flight:
            self.refused.append(frame)
            self._answered(frame["ref"])

    def _answered(self, *ids: str) -> None:
        """W5, once all in flight is answered."""
        self.is_alone = self.is_alone and not any(id_ in self.in_flight for id_ in ids)
        self.in_flight = {id_: at for id_, at in self.in_flight.items() if id_ not in ids}
        if self.in_flight or not self.refused:
            return
        with self.change() as kept:
            first = kept["waiting"][0]["n"] if kept["waiting"] else kept["counter"] + 1
            for refusal in self.refused:
                if refusal["code"] == "expect":
                    first = self.expected = refusal["expected"]
                    self.is_alone = True
                elif refusal["code"] in PASSING:
                    self.rest_until = time.monotonic() + (refusal["retry_after_s"] or 1)
                elif refusal["code"] == "held_back":
                    kept["held"][refusal["ref"]] = refusal["position"]
                else:
                    kept["waiting"] = [e for e in kept["waiting"] if e["id"] != refusal["ref"]]
                    self.given_up.append(refusal)
            kept["counter"] = first - 1
            waiting, kept["waiting"] = kept["waiting"], []
            for entry in waiting:
                self._put(kept, entry)
        self.refused = []

    def _entries(self, frame: Frame) -> None:
        stream, last = frame["stream"], (frame["entries"] or [{"position": frame["after"]}])[-1]["position"]
        with self.change() as kept:
            state = fold(self.state(stream), frame["entries"])
            here = {e["id"] for e in frame["entries"] if self.me and e["author"] == self.me["id"]}
            kept["streams"][stream] = state
            for name in ("waiting", "acked", "lost"):
                kept[name] = [e for e in kept[name] if e["stream"] != stream or e["id"] not in here]
            if last > state["head"]:
                self.ask("chat.fetch", stream=stream, after=state["head"])
            elif last == state["head"] and state["digest"] != frame["digest"]:  # R4
                self._forget(kept, stream)
                self.ask("chat.fetch", stream=stream, after=0)
            elif state["head"] >= frame["head"]:
                self._offer(kept, state, is_all_told=False)
        if frame["entries"]:
            self.ask("chat.seen", stream=stream, delivered=self.state(stream)["head"])
        self._answered(*here)

    def _reset(self, frame: Frame) -> None:
        with self.change() as kept:
            self._forget(kept, frame["stream"], frame["after"], frame["digest"])

    def _heads(self, frame: Frame) -> None:
        """R6"""
        for told in frame["heads"]:
            ours = self.kept["inbox"] if told["stream"][0] == "i" else self.state(told["stream"])
            if told["head"] > ours["head"]:
                self.ask("chat.fetch", stream=told["stream"], after=ours["head"])
            elif told["head"] == ours["head"] and told["digest"] != ours["digest"]:
                if told["stream"][0] != "i":
                    self._reset({"stream": told["stream"], "after": 0, "digest": 0})
                self.ask("chat.fetch", stream=told["stream"], after=0)
            elif told["head"] == ours["head"] and told["stream"][0] != "i":
                with self.change() as kept:
                    self._offer(kept, ours)

    def _marks(self, frame: Frame) -> None:
        with self.change() as kept:
            kept["marks"][frame["stream"]] = merge(kept["marks"].get(frame["stream"], []), frame["marks"])

    def _inbox(self, frame: Frame) -> None:
        ours = self.kept["inbox"]
        is_new = frame["position"] > ours["head"] or (frame["is_whole"] and frame["digest"] != ours["digest"])
        if frame["after"] > ours["head"]:
            self.ask("chat.fetch", stream=ours["stream"], after=ours["head"])
        elif is_new:
            with self.change() as kept:
                rows = ({} if frame["is_whole"] else ours["rows"]) | {row["conversation"]: row for row in frame["rows"]}
                kept["inbox"] = ours | {"head": frame["position"], "digest": frame["digest"], "rows": rows}

    def _put(self, kept: Frame, entry: Frame) -> None:
        kept["counter"] += 1
        kept["waiting"].append(entry | {"n": kept["counter"]})

    def _forget(self, kept: Frame, stream: str, floor: int = 0, digest: int = 0) -> None:
        """R5: what one wrote oneself is remembered where the server may have lost it."""
        state = kept["streams"].get(stream) or beginning(stream)
        if floor <= state["head"] or self.is_restored:
            mine = [e for e in state["entries"] if self.me and e["author"] == self.me["id"] and e["kind"] in WRITTEN]
            kept["lost"] += [e | {"stream": stream} for e in mine if not e["gone"] and "." not in e["id"]]
        kept["streams"][stream] = beginning(stream, floor, digest)

    def _offer(self, kept: Frame, state: Frame, is_all_told: bool = True) -> None:
        """R5: this page is at the head; what the server has not, it gets again."""
        for name in ("lost", "acked"):
            for entry in [e for e in kept[name] if e["stream"] == state["stream"]]:
                if name == "lost" or is_all_told or entry["position"] <= state["head"]:
                    kept[name].remove(entry)
                    again = {key: entry[key] for key in ("id", "stream", "kind", "reply_to") if entry.get(key)}
                    body = {key: value for key, value in entry["body"].items() if key != "file"}
                    self._put(kept, again | {"body": body, "force": True})
