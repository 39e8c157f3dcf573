"""What a run brought: its facts under the names that `docs/operations.md` explains, the limits it was held to, whether it
is partial. One JSON object for a program; `loadtest.page` and `loadtest.screen` draw the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from loadtest.measures import cores, processor

_PARTS = ("p50", "p95", "p99", "max")
# What is better when it is larger; a limit of any other name is the most that is allowed.
AT_LEAST = frozenset(
    {
        "calls", "server.calls_per_core", "recording.frames_recorded", "recording.frames_received", "recording.frames_sent",
        "messages.delivered", "messages.acknowledged_per_second", "idle.open",
        "overload.calls_per_core_at_limit", "overload.twice_the_load.sound_share",
        "overload.twice_the_load.least_sound_share", "overload.comers.refused",
        "ratios.calls_per_core_to_janus", "ratios.calls_per_core_to_aiortc",
    }
)  # fmt: skip


class UnknownLimit(ValueError):
    """A limit that cannot be held to; the sentence names those that can."""


@dataclass(frozen=True, slots=True)
class Limit:
    """`value` is the most, for a name of `AT_LEAST` the least, that is allowed."""

    name: str
    limit: float

    def facts(self, measured: Mapping[str, float]) -> dict[str, object]:
        """A name that the run did not measure is not kept: `value` None, `ok` False."""
        value = measured.get(self.name)
        is_kept = value is not None and (value >= self.limit if self.name in AT_LEAST else value <= self.limit)
        return {"name": self.name, "value": value, "limit": self.limit, "ok": is_kept}

    def sentence(self, measured: Mapping[str, float]) -> str:
        value = measured.get(self.name)
        bound = "at least" if self.name in AT_LEAST else "at most"
        found = "was not measured" if value is None else f"is {value:g}"
        return f"{self.name} {found}; the limit is {bound} {self.limit:g}."


def latency_names(*names: str) -> tuple[str, ...]:
    return tuple(f"{name}.{part}" for name in names for part in _PARTS)


def read_limit(text: str, known: tuple[str, ...]) -> Limit:
    """`NAME=VALUE`. Raises UnknownLimit."""
    name, equals, value = text.partition("=")
    name = name.strip()
    if not equals or not name:
        raise UnknownLimit(f"--limit {text}: write NAME=VALUE, for example {known[0]}=5.")
    if name not in known:
        raise UnknownLimit(f"--limit {name}: there is no such figure. Known here: {', '.join(known)}.")
    try:
        limit = float(value)
    except ValueError:
        limit = float("nan")
    if not limit == limit or limit in (float("inf"), float("-inf")):
        raise UnknownLimit(f"--limit {text}: {value!r} is no number.")
    return Limit(name, limit)


def flat(facts: Mapping[str, object], prefix: str = "") -> dict[str, float]:
    """Every number under its dotted name; lists and texts are left out, True is 1."""
    found: dict[str, float] = {}
    for name, value in facts.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{name}.")
        elif isinstance(value, int | float):
            found[f"{prefix}{name}"] = float(value)
    return found


@dataclass(slots=True)
class Outcome:
    """`facts` are a command's own. Two names in them are for people: `notes`, whole sentences, and `series`, what is
    plotted over time: `{name: [[second, value], ...]}`."""

    command: str
    facts: dict[str, object]
    limits: list[Limit] = field(default_factory=list)
    is_partial: bool = False
    given: dict[str, object] = field(default_factory=dict)
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def numbers(self) -> dict[str, float]:
        return flat(self.facts)

    @property
    def passed_limits(self) -> list[str]:
        """A sentence for each limit that was not kept."""
        numbers = self.numbers
        return [limit.sentence(numbers) for limit in self.limits if not limit.facts(numbers)["ok"]]

    @property
    def notes(self) -> list[str]:
        notes = self.facts.get("notes", [])
        return [str(note) for note in notes] if isinstance(notes, list) else []

    @property
    def series(self) -> dict[str, list[tuple[float, float]]]:
        series = self.facts.get("series", {})
        if not isinstance(series, Mapping):
            return {}
        return {str(name): [(float(at), float(value)) for at, value in points] for name, points in series.items()}

    def as_json(self) -> dict[str, Any]:
        from loadtest.verdict import verdict_of

        numbers = self.numbers
        verdict = verdict_of(self)
        return {
            "command": self.command,
            "at": self.at.isoformat(timespec="seconds"),
            "machine": f"{cores()} cores, {processor()}",
            "given": self.given,
            "is_partial": self.is_partial,
            "verdict": {"is_good": verdict.is_good, "sentences": verdict.sentences},
            **self.facts,
            "limits": [limit.facts(numbers) for limit in self.limits],
        }

    def json_text(self) -> str:
        return json.dumps(self.as_json(), indent=2, allow_nan=False) + "\n"
