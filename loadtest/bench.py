"""`python -m loadtest bench`: runs the benchmarks, prints their tables, and keeps their figures in docs/performance.json, from
which the tables of docs/performance.md are written."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from loadtest import answering, messages_bench, sheets, targets
from loadtest.bystanders import Bystanders
from loadtest.glass import GlassRun
from loadtest.measures import cores, processor
from loadtest.overload import QUICK, OverloadRun, Pace
from loadtest.peers import PeersRun, Tell
from loadtest.sheets import Sheet, markdown

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE, KEPT = DOCS / "performance.md", DOCS / "performance.json"
NAMES = ("peers", "glass", "answering", "overload", "messages")
IN_BROWSERS = {"glass", "answering"}
CALLS = 10  # with fewer, waking up for single packets is most of the cost, and no busy server does that
OVERLOAD_CALLS = 20  # with fewer, twice the load is a share that the kernel leaves to every process anyway
BUSY_CORES = 0.2  # before a benchmark begins
LOOK_S = 1.0


class NoChromium(RuntimeError):
    """The pages cannot be driven."""


async def run(
    names: tuple[str, ...], *, quick: bool, json_file: Path | None, console: Console, calls: int | None = None
) -> None:
    """`quick` shows that all works, its figures are not kept; `calls` at once instead of 10 for peers and 20 for overload. Raises
    NoChromium before anything is measured."""
    if IN_BROWSERS.intersection(names) and shutil.which("chromium") is None:
        raise NoChromium
    found = []
    with console.status("starting") as status:

        def tell(phase: str) -> None:
            status.update(phase)
            if not console.is_terminal:
                console.print(phase, highlight=False)

        for name in names:
            tell(f"{name} begins")
            bystanders = Bystanders()
            await asyncio.sleep(LOOK_S)
            others_cores = bystanders.cores()
            sheet = await _measured(name, quick, calls, tell)
            if others_cores > BUSY_CORES:
                sheet.notes.append(f"Other work took {others_cores:.1f} cores before it began: only ratios count.")
            found.append(sheet)
            if not quick:
                await asyncio.to_thread(keep, sheet, command_of(name, names, calls))
    for sheet in found:
        console.print(sheet.table())
        for note in sheet.notes:
            console.print(note, highlight=False)
    if json_file is not None:
        about = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine(), "quick": quick}
        text = json.dumps({**about, **{sheet.name: sheet.facts for sheet in found}}, indent=2)
        await asyncio.to_thread(json_file.write_text, text + "\n")
    said = (
        "A quick run: docs/performance.md keeps the figures of the last whole one." if quick else f"Written to {PAGE}."
    )
    console.print(said, highlight=False)


async def _measured(name: str, quick: bool, calls: int | None, tell: Tell) -> Sheet:
    if name == "peers":
        asked, seconds = (calls or 1, 2.0) if quick else (calls or CALLS, 45.0)
        compared = PeersRun(asked, seconds, 1, tell)
        await compared.run()
        return sheets.peers_sheet(compared.facts())
    if name == "answering":
        return sheets.answering_sheet(await answering.run(calls=2 if quick else 20, tell=tell))
    if name == "glass":
        glass = GlassRun(2.0 if quick else 100.0, None, 1, tell)
        await glass.run()
        return sheets.glass_sheet(glass.facts())
    if name == "messages":
        return await messages_bench.run(quick=quick, tell=tell)
    overload = OverloadRun(calls or (2 if quick else OVERLOAD_CALLS), QUICK if quick else Pace(), 1, tell)
    await overload.run()
    return sheets.overload_sheet(overload.facts())


def command_of(name: str, names: tuple[str, ...], calls: int | None) -> str:
    given = "make bench" if names == NAMES else f"python -m loadtest bench --only {name}"
    return given if calls is None else f"{given} --calls {calls}"


def machine() -> str:
    return f"{cores()} cores, {processor()}"


def keep(sheet: Sheet, command: str, page: Path = PAGE, kept: Path = KEPT) -> None:
    """Replaces what was kept of this benchmark, and writes the page anew."""
    known = json.loads(kept.read_text())
    known[sheet.name] = {
        "at": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "machine": machine(),
        "command": command,
        **sheet.kept(),
    }
    text = json.dumps(known, indent=1, ensure_ascii=False) + "\n"
    drawn = drawn_page(page.read_text(), json.loads(text))
    kept.write_text(text)
    page.write_text(drawn)


def drawn_page(page: str, kept: Mapping[str, Any]) -> str:
    """The page with the tables of what is kept. Raises ValueError when it lacks their markers."""
    for name, run in kept.items():
        head = f"Measured {run['at']} on {run['machine']}, with `{run['command']}`."
        parts = (head, "", markdown(run["columns"], run["rows"]), "", *run["notes"])
        page = with_section(page, name, "\n".join(parts))
    return with_section(page, "targets", markdown(targets.COLUMNS, targets.rows(kept)))


def with_section(page: str, name: str, text: str) -> str:
    """The page with what stands between these markers replaced. Raises ValueError when they are missing."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, found_begin, rest = page.partition(begin)
    _, found_end, after = rest.partition(end)
    if not (found_begin and found_end):
        raise ValueError(f"docs/performance.md lacks the markers {begin} and {end}")
    return f"{before}{begin}\n{text}\n{end}{after}"
