"""What the product wants to reach, and how far the last figures are from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

COLUMNS = ("target", "wanted", "measured", "")


@dataclass(frozen=True, slots=True)
class Target:
    """`figure` is one of those that `benchmark` keeps."""

    benchmark: str
    figure: str
    about: str
    bound: float
    unit: str = ""
    is_least: bool = False

    def row(self, kept: Mapping[str, Any]) -> tuple[str, str, str, str]:
        """`kept`: everything of the last runs, by benchmark."""
        wanted = f"{'at least' if self.is_least else 'at most'} {self._with_unit(self.bound)}"
        run = kept.get(self.benchmark)
        value = run["figures"].get(self.figure) if run else None
        if value is None:
            return self.about, wanted, "-", "**not met**: no figure, see there" if run else "not measured"
        return self.about, wanted, self._with_unit(value), self._judged(value)

    def _judged(self, value: float) -> str:
        lacking = self.bound - value if self.is_least else value - self.bound
        if lacking <= 0:
            return "met"
        return f"**not met**: {self._with_unit(lacking)} {'too little' if self.is_least else 'too much'}"

    def _with_unit(self, value: float) -> str:
        return f"{value:.3g} {self.unit}".rstrip() if abs(value) < 100 else f"{value:.0f} {self.unit}".rstrip()


TARGETS = (
    Target("peers", "calls_per_core_to_janus", "calls per core beside Janus, both recording", 3, "times", is_least=True),
    Target("peers", "calls_per_core_to_aiortc", "calls per core beside stock aiortc, both recording", 100, "times", is_least=True),
    Target("peers", "recording_costs_percent", "recording, on top of forwarding", 10, "%"),
    Target("overload", "half_load_p50_ms", "transit at half load, p50", 0.5, "ms"),
    Target("overload", "half_load_p99_ms", "transit at half load, p99", 5, "ms"),
    Target("glass", "above_direct_p50_ms", "glass to glass above direct, p50", 10, "ms"),
    Target("glass", "above_direct_p95_ms", "glass to glass above direct, p95", 10, "ms"),
    Target("answering", "tablet_p95_ms", "answer to first picture on the tablet, p95", 100, "ms"),
    Target("overload", "least_sound_percent", "twice the load: sound that reaches the person who hears least", 95, "%", is_least=True),
    Target("overload", "not_refused", "twice the load: new customers who are not refused in a sentence", 0),
    Target("overload", "faults", "twice the load: faults of the server, calls that broke", 0),
    Target("messages", "acknowledged_per_second", "messages kept and acknowledged, SQLite", 5000, "a second", is_least=True),
    Target("messages", "delivery_p99_ms", "a message's delivery at 1,000 a second, p99", 50, "ms"),
    Target("messages", "idle_pages", "open pages, each with a WebSocket", 20000, "", is_least=True),
    Target("messages", "idle_gb", "memory for them", 4, "GB"),
    Target("messages", "inbox_ms", "one message to an inbox of 2,000 open pages, the slowest page", 150, "ms"),
    Target("messages", "wrong", "messages with faults: lost, doubled or out of order", 0),
    Target("overload", "recovered_s", "the load falls to the half: until calls are as before", 30, "s"),
    Target("overload", "new_call_s", "the load falls to the half: until a new call comes about", 30, "s"),
)  # fmt: skip


def rows(kept: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return [target.row(kept) for target in TARGETS]
