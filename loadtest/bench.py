"""`python -m loadtest bench`: runs the benchmarks, prints their tables, keeps the figures in docs/performance.md."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from loadtest import answering, peers
from loadtest.measures import cores, percentile, processor

PAGE = Path(__file__).resolve().parent.parent / "docs" / "performance.md"
NAMES = ("forwarding", "answering")
CALLS = 10  # with fewer, waking up for single packets is most of the cost, and no busy server does that
BUSY_LOAD = 0.5  # before we begin


class NoChromium(RuntimeError):
    """The pages cannot be driven."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One benchmark's result: `columns` and `rows` of text, `notes` in whole sentences, `facts` for a program."""

    name: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]
    notes: list[str]
    facts: object

    def table(self) -> Table:
        table = Table(title=self.name.capitalize(), title_justify="left")
        for at, column in enumerate(self.columns):
            table.add_column(column, justify="right" if at else "left", overflow="fold")
        for row in self.rows:
            table.add_row(*row)
        return table

    def markdown(self) -> str:
        rule = ("---", *("---:" for _ in self.columns[1:]))
        lines = ["| " + " | ".join(row) + " |" for row in (self.columns, rule, *self.rows)]
        return "\n".join([*lines, "", *self.notes])


async def run(names: tuple[str, ...], *, quick: bool, json_file: Path | None, console: Console) -> None:
    """`quick` shows that all works, its figures are not kept. Raises NoChromium before anything is measured."""
    if "answering" in names and shutil.which("chromium") is None:
        raise NoChromium
    sheets = []
    with console.status("starting") as status:

        def tell(phase: str) -> None:
            status.update(phase)
            if not console.is_terminal:
                console.print(phase, highlight=False)

        load = os.getloadavg()[0]
        for name in names:
            sheets.append(await (_forwarding(quick, tell) if name == "forwarding" else _answering(quick, tell)))
    if load > BUSY_LOAD:
        for sheet in sheets:
            sheet.notes.append(f"The machine was busy with other work (load {load:.1f}): only ratios count.")
    for sheet in sheets:
        console.print(sheet.table())
        for note in sheet.notes:
            console.print(note, highlight=False)
    if json_file is not None:
        about = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine(), "quick": quick}
        text = json.dumps({**about, **{sheet.name: sheet.facts for sheet in sheets}}, indent=2)
        await asyncio.to_thread(json_file.write_text, text + "\n")
    if quick:
        console.print("A quick run: docs/performance.md keeps the figures of the last whole one.", highlight=False)
        return
    page = PAGE.read_text()
    for sheet in sheets:
        page = with_section(page, sheet.name, f"{_heading(sheet.name, names)}\n\n{sheet.markdown()}")
    PAGE.write_text(page)
    console.print("Written to docs/performance.md.", highlight=False)


def machine() -> str:
    return f"{cores()} cores, {processor()}"


def _heading(name: str, names: tuple[str, ...]) -> str:
    command = "make bench" if names == NAMES else f"python -m loadtest bench --only {name}"
    return f"Measured {datetime.now(UTC):%Y-%m-%d} on {machine()}, with `{command}`."


def with_section(page: str, name: str, text: str) -> str:
    """The page with what stands between this benchmark's markers replaced. Raises ValueError when they are missing."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, found_begin, rest = page.partition(begin)
    _, found_end, after = rest.partition(end)
    if not (found_begin and found_end):
        raise ValueError(f"docs/performance.md lacks the markers {begin} and {end}")
    return f"{before}{begin}\n{text}\n{end}{after}"


async def _forwarding(quick: bool, tell: peers.Tell) -> Sheet:
    calls, seconds = (1, 2.0) if quick else (CALLS, 45.0)
    facts = await peers.run(calls=calls, seconds=seconds, seed=1, tell=tell)
    return forwarding_sheet(facts)


def forwarding_sheet(facts: Mapping[str, Any]) -> Sheet:
    """The table of what `peers.run` found."""
    rows: list[tuple[str, ...]] = [
        (
            peer["name"],
            str(peer["calls"]),
            f"{peer['us_per_packet']:.1f}",
            f"{peer['calls_per_core']:.0f}" if peer["calls_per_core"] > 10 else f"{peer['calls_per_core']:.1f}",
            _ms(peer["transit_ms"], "p50", "p99"),
            _ms(peer["connect_ms"], "p50", "p95"),
            _ms(peer["first_frame_ms"], "p50", "p95"),
            f"{peer['rss_mb']:.0f}",
        )
        for peer in facts["peers"]
    ]
    columns = (
        "server",
        "calls",
        "us/packet",
        "calls/core",
        "transit ms p50/99",
        "set-up p50/95",
        "picture p50/95",
        "MB",
    )
    return Sheet("forwarding", columns, rows, list(facts["notes"]), facts)


def _ms(latency: Mapping[str, float | None], *parts: str) -> str:
    values = [latency[part] for part in parts]
    return "/".join("-" if value is None else f"{value:.2f}" if value < 10 else f"{value:.0f}" for value in values)


async def _answering(quick: bool, tell: peers.Tell) -> Sheet:
    return answering_sheet(await answering.run(calls=2 if quick else 20, tell=tell))


def answering_sheet(answered: answering.Answered) -> Sheet:
    rows = [
        (
            where,
            str(len(values)),
            *(f"{percentile(values, share):.0f}" for share in (0.5, 0.95, 1.0)),
        )
        for where, values in (
            ("staff's tablet is told that it is live", answered.told_ms),
            ("staff's tablet sees the customer", answered.tablet_ms),
            ("customer's phone sees the staff", answered.phone_ms),
        )
    ]
    columns = ("tap on Answer until", "calls", "p50 ms", "p95", "max")
    return Sheet(
        "answering", columns, rows, ["Both pages, both cameras and the server shared the machine."], answered.facts()
    )
