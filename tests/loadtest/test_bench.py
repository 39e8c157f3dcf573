from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

from loadtest import bench, targets
from loadtest.measures import with_children
from loadtest.sheets import Sheet

ROOT = Path(__file__).resolve().parents[2]


async def start(*given: str, env: dict[str, str] | None = None) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "loadtest", "bench", *given,
        cwd=ROOT, env={**os.environ, **(env or {})}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def test_ctrl_c_leaves_nothing_running() -> None:
    process = await start("--quick", "--only", "peers")
    assert process.stdout is not None
    async with asyncio.timeout(60):
        while b"turn 1" not in await process.stdout.readline():
            pass
        family = with_children(process.pid)
        while len(family) < 2:  # the server is being started
            await asyncio.sleep(0)
            family = with_children(process.pid)
        process.send_signal(signal.SIGINT)
        _, said = await process.communicate()
    assert process.returncode == 130
    assert b"Stopped" in said
    assert not [pid for pid in family if Path(f"/proc/{pid}").exists()]


async def test_without_chromium_answering_says_how_to_get_it() -> None:
    process = await start("--only", "answering", env={"PATH": "/nowhere"})
    _, said = await process.communicate()
    assert process.returncode == 3
    assert b"apt-get install chromium" in said


async def test_a_server_that_does_not_start_is_told_with_its_own_words() -> None:
    process = await start("--quick", "--only", "peers", env={"LOUPE_WORKERS": "many"})
    _, said = await process.communicate()
    assert process.returncode == 4
    assert b"did not start" in said
    assert b"LOUPE_WORKERS" in said


def test_the_page_shows_what_is_kept_and_nothing_else() -> None:
    page = bench.PAGE.read_text()
    assert bench.drawn_page(page, json.loads(bench.KEPT.read_text())) == page


def test_a_benchmarks_figures_are_kept_and_its_targets_judged_anew(tmp_path: Path) -> None:
    page, kept = tmp_path / "page.md", tmp_path / "kept.json"
    page.write_text("".join(f"<!-- {name}: begin -->\n<!-- {name}: end -->\n" for name in ("answering", "targets")))
    kept.write_text("{}")
    sheet = Sheet("answering", ("until", "p95"), [("tablet", "87")], ["A note."], {"tablet_p95_ms": 87.0}, [])
    bench.keep(sheet, "make bench", page, kept)
    written = page.read_text()
    assert "with `make bench`." in written
    assert "| tablet | 87 |\n\nA note.\n" in written
    assert "| answer to first picture on the tablet, p95 | at most 100 ms | 87 ms | met |" in written
    bench.keep(sheet, "make bench", page, kept)
    assert list(json.loads(kept.read_text())) == ["answering"]


def judged(value: float | None, *, is_least: bool) -> str:
    target = targets.Target("peers", "ratio", "calls per core", 3, "times", is_least=is_least)
    return target.row({"peers": {"figures": {"ratio": value}}})[-1]


def test_a_target_is_met_or_said_by_how_much_it_is_not() -> None:
    assert judged(3.0, is_least=True) == "met"
    assert judged(1.13, is_least=True) == "**not met**: 1.87 times too little"
    assert judged(4.5, is_least=False) == "**not met**: 1.5 times too much"
    assert judged(None, is_least=False) == "**not met**: no figure, see there"
    assert targets.rows({})[0][-1] == "not measured"
