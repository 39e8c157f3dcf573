"""`report A.json B.json`: two runs of one command beside each other, and what got worse from the first to the second."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from loadtest.outcome import AT_LEAST, flat

# Less than this share, and less than this many ms, is what two runs of the same thing differ by on a quiet machine.
NOISE_SHARE, NOISE_MS = 0.10, 0.1
_MORE_IS_WORSE = (
    "_ms.", "us_per_packet", "rss_mb", "cpu_cores", "lost", "loss_share", "freezes", "frozen_s", "failed", "duplicated",
    "reordered", "growth",
)  # fmt: skip
_LEFT_OUT = ("count", "tester.", "limits")


class NoReport(ValueError):
    """A file that is not a report of this tool; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Change:
    name: str
    before: float
    after: float
    is_worse: bool
    is_better: bool


def read_report(path: Path) -> dict[str, Any]:
    """Raises NoReport."""
    try:
        found = json.loads(path.read_text())
    except OSError as fault:
        raise NoReport(f"{path} cannot be read ({fault.strerror}).") from None
    except ValueError:
        raise NoReport(f"{path} is no JSON.") from None
    if not isinstance(found, dict) or "command" not in found:
        raise NoReport(f"{path} is not a report that `python -m loadtest ... --json FILE` wrote.")
    return found


def compare(before: dict[str, Any], after: dict[str, Any]) -> list[Change]:
    """Raises NoReport when they are of different commands."""
    if before["command"] != after["command"]:
        raise NoReport(
            f"One report is of {before['command']}, the other of {after['command']}: they have nothing in common."
        )
    left = ("given", "verdict", "series", "limits", "is_partial")
    old, new = (flat({k: v for k, v in run.items() if k not in left}) for run in (before, after))
    return [_change(name, old[name], new[name]) for name in old if name in new and not _is_left_out(name)]


def _is_left_out(name: str) -> bool:
    return name.endswith(_LEFT_OUT[0]) or name.startswith(_LEFT_OUT[1:])


def _change(name: str, before: float, after: float) -> Change:
    difference = after - before
    is_noise = abs(difference) <= NOISE_SHARE * abs(before) or ("_ms." in name and abs(difference) <= NOISE_MS)
    less_is_worse = name in AT_LEAST
    more_is_worse = any(part in name for part in _MORE_IS_WORSE)
    worse = not is_noise and ((more_is_worse and difference > 0) or (less_is_worse and difference < 0))
    better = not is_noise and ((more_is_worse and difference < 0) or (less_is_worse and difference > 0))
    return Change(name, before, after, worse, better)


def facts(before: dict[str, Any], after: dict[str, Any]) -> dict[str, object]:
    changes = compare(before, after)
    worse = [change for change in changes if change.is_worse]
    notes = [f"{c.name}: {c.before:g} became {c.after:g}, which is worse." for c in worse] or ["Nothing got worse."]
    if before.get("machine") != after.get("machine"):
        notes.append("The two runs were made on different machines: only ratios count.")
    if before.get("given") != after.get("given"):
        notes.append("The two runs were not asked for the same thing.")
    if before.get("is_partial") or after.get("is_partial"):
        notes.append("At least one of the runs was stopped before its end.")
    return {
        "worse": len(worse),
        "better": sum(change.is_better for change in changes),
        "changes": [
            {"name": c.name, "before": c.before, "after": c.after, "worse": c.is_worse, "better": c.is_better}
            for c in changes
        ],
        "notes": notes,
    }


def show(before: dict[str, Any], after: dict[str, Any], console: Console) -> None:
    table = Table(
        title=f"{before['command']}: {before.get('at', '?')} and {after.get('at', '?')}", title_justify="left"
    )
    for column in ("figure", "first", "second", "change", ""):
        table.add_column(column, justify="left" if column in ("figure", "") else "right")
    for c in compare(before, after):
        share = f"{(c.after - c.before) / abs(c.before):+.0%}" if c.before else ""
        mark = "[bold red]worse[/]" if c.is_worse else "[green]better[/]" if c.is_better else ""
        table.add_row(c.name, f"{c.before:g}", f"{c.after:g}", share, mark)
    console.print(table)
