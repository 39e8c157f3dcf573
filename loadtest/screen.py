"""The terminal while a run goes on: what it does now, and its figures so far, four times a second."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from loadtest.outcome import Outcome, flat
from loadtest.verdict import verdict_of

Figures = Callable[[], list[tuple[str, str]]]


class Screen:
    """`tell(phase)` at each step. In a pipe the phases are lines and there are no live figures."""

    def __init__(self, console: Console, title: str, expected_s: float) -> None:
        self._console = console
        self._title = title
        self._expected_s = expected_s
        self._phase = ""
        self._start = time.monotonic()
        self.figures: Figures = list
        self._live: Live | None = None

    def expect(self, seconds: float) -> None:
        self._expected_s = seconds

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live = Live(console=self._console, refresh_per_second=4, transient=True, get_renderable=self._draw)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def tell(self, phase: str) -> None:
        self._phase = phase
        if self._live is None or phase.startswith("The load goes to"):
            self._console.print(phase, highlight=False, markup=False, soft_wrap=True)

    def _draw(self) -> Group:
        spent_s = time.monotonic() - self._start
        grid = Table.grid(padding=(0, 2))
        for name, value in self.figures():
            grid.add_row(Text(name, style="dim"), value)
        head = Text.assemble((self._title, "bold"), f"  {spent_s:.0f} s  ", (self._phase, "dim"))
        bar = Table.grid()  # alone, a bar does not end its line
        bar.add_row(ProgressBar(total=max(self._expected_s, spent_s), completed=spent_s, width=60))
        return Group(head, bar, grid)


def show_outcome(outcome: Outcome, console: Console) -> None:
    """The figures as a table, then the notes and the verdict."""
    numbers = outcome.numbers
    table = Table(title=f"{outcome.command}{' (partial)' if outcome.is_partial else ''}", title_justify="left")
    table.add_column("milliseconds")
    for part in ("p50", "p95", "p99", "max", "count"):
        table.add_column(part, justify="right")
    _show_peers(outcome.facts.get("peers"), console)
    rows = [name.removesuffix(".count") for name, value in numbers.items() if name.endswith(".count") and value]
    for row in rows:
        parts = (numbers.get(f"{row}.{part}") for part in ("p50", "p95", "p99", "max"))
        table.add_row(
            row.removesuffix("_ms"), *("" if v is None else f"{v:.2f}" for v in parts), f"{numbers[f'{row}.count']:.0f}"
        )
    if rows:
        console.print(table)
    others = [name for name in numbers if name.rpartition(".")[0] not in rows and not name.endswith(".count")]
    if others:
        grid = Table.grid(padding=(0, 2))
        for name in others:
            grid.add_row(Text(name, style="dim"), f"{numbers[name]:g}")
        console.print(grid)
    for note in outcome.notes:
        console.print(f"Note: {note}", highlight=False, markup=False)
    verdict = verdict_of(outcome)
    for sentence in verdict.sentences:
        console.print(sentence, style="green" if verdict.is_good else "bold", highlight=False, markup=False)


def _show_peers(peers: object, console: Console) -> None:
    if not isinstance(peers, list):
        return
    table = Table(title="side by side", title_justify="left")
    names = ("us_per_packet", "calls_per_core", "transit_ms.p50", "transit_ms.p99", "first_frame_ms.p95", "rss_mb")
    table.add_column("server")
    for name in names:
        table.add_column(name.replace("_", " "), justify="right", overflow="fold")
    for peer in peers:
        numbers = flat(peer)
        table.add_row(str(peer.get("name")), *(f"{numbers[name]:g}" if name in numbers else "" for name in names))
    console.print(table)
