"""Runs one command and brings out what it found: on the terminal, as JSON, as a page; also when it is stopped midway."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

from rich.console import Console

from loadtest import bench, chat, compare, glass
from loadtest.calls import Asked, CallsRun
from loadtest.chat_calls import ChatServer
from loadtest.messages import MessagesRun
from loadtest.messages import Wanted as MessagesAsked
from loadtest.messages import check as check_messages
from loadtest.options import where_of
from loadtest.outcome import Limit, Outcome
from loadtest.overload import OverloadRun, Pace
from loadtest.page import page
from loadtest.peers import PeersRun
from loadtest.screen import Screen, show_outcome
from loadtest.soak import SoakRun
from loadtest.target import CannotLoad, Where, address_of, check_room, look_for_loupe

LIMIT_PASSED, INTERRUPTED = 1, 130
Tell = Callable[[str], None]


class Run(Protocol):
    """`facts` and `live` may be asked at any time."""

    async def run(self) -> None: ...
    def facts(self) -> dict[str, object]: ...
    def live(self) -> list[tuple[str, str]]: ...


class ChatRun:
    """A chat that is stopped midway settles and reads the server's record all the same."""

    def __init__(self, asked: argparse.Namespace, tell: Tell) -> None:
        self._asked = asked
        self._tell = tell
        self._found: dict[str, object] = {}

    async def run(self) -> None:
        self._found = await _chat(self._asked, self._tell)

    def facts(self) -> dict[str, object]:
        return self._found or {"notes": ["It was stopped before anybody wrote."]}

    def live(self) -> list[tuple[str, str]]:
        return []


def make_run(asked: argparse.Namespace, tell: Tell) -> tuple[Run, float]:
    """The run, and about how many seconds it takes."""
    if asked.command == "calls":
        wanted = Asked(asked.calls, asked.seconds, asked.ramp, asked.record, asked.impair, asked.seed, where_of(asked))
        return CallsRun(wanted, tell), asked.seconds + 8 + asked.calls * 0.5
    if asked.command == "soak":
        return SoakRun(asked.minutes, asked.calls, asked.seed, where_of(asked), tell), asked.minutes * 60 + 15
    if asked.command == "chat":
        return ChatRun(asked, tell), asked.seconds + 8
    if asked.server:
        raise CannotLoad(f"{asked.command} compares with servers that it starts itself: leave --server away.")
    if asked.command == "messages":
        asks = MessagesAsked(
            asked.devices,
            asked.rate,
            asked.seconds,
            asked.listen,
            asked.idle,
            asked.inbox,
            asked.faults,
            asked.messages,
            asked.seed,
        )
        check_messages(asks)
        conversing = MessagesRun(asks, tell)
        return conversing, conversing.expected_s
    if asked.command == "glass":
        if asked.calls is not None:
            check_room(asked.calls)
        if shutil.which("chromium") is None:
            raise bench.NoChromium
        tell("The load goes to a server of its own, on this machine, and two browsers.")
        measured = glass.GlassRun(asked.seconds, asked.impair, asked.seed, tell, asked.calls)
        return measured, measured.expected_s
    if asked.command == "overload":
        overloaded = OverloadRun(asked.calls, Pace(step_s=asked.seconds), asked.seed, tell)
        return overloaded, overloaded.expected_s
    compared = PeersRun(asked.calls, asked.seconds, asked.seed, tell)
    return compared, compared.expected_s


async def _chat(asked: argparse.Namespace, tell: Tell) -> dict[str, object]:
    check_room(asked.customers, option="--customers")
    where: Where = where_of(asked)
    server = None
    if where.url:
        base = address_of(where.url)
        await look_for_loupe(base, is_trusting=where.is_trusting)
        if not where.staff:
            raise CannotLoad(
                f"--server {base}: customers are answered by staff; name their sign-ins with --staff-user."
            )
        server = ChatServer(base, where.staff, where.password, shop=where.shop)
    kind = where.url or "a server of its own, on this machine"
    tell(f"The load goes to {kind}; {asked.customers} customers.")
    return await chat.run(
        customers=asked.customers, rate=asked.rate, seconds=asked.seconds, faults=asked.faults, seed=asked.seed,
        server=server, tell=tell,
    )  # fmt: skip


async def carry_out(asked: argparse.Namespace, limits: list[Limit], console: Console) -> int:
    """The exit code. Whatever cannot be begun is raised, before any report is written."""
    given = {
        name: str(value) if name == "impair" else value
        for name, value in vars(asked).items()
        if name in ("calls", "customers", "seconds", "minutes", "ramp", "record", "rate", "faults", "impair", "seed", "server", "workers",
            "devices", "listen", "idle", "inbox", "messages")
        and value not in (None, "")
    }  # fmt: skip
    screen = Screen(console, asked.command, 0.0)
    run, expected_s = make_run(asked, screen.tell)
    screen.expect(expected_s)
    screen.figures = run.live
    with screen:
        is_stopped = await until_stopped(run.run())
    outcome = Outcome(asked.command, run.facts(), limits, is_stopped, given)
    outcome.is_partial = bool(outcome.facts.pop("is_partial", False)) or is_stopped
    await deliver(outcome, asked.json, asked.html, console)
    if is_stopped:
        return INTERRUPTED
    return LIMIT_PASSED if outcome.passed_limits else 0


async def until_stopped(work: Awaitable[None]) -> bool:
    """True when Ctrl-C (or SIGTERM) ended it; it has then closed all that it opened. A second one cuts that short, too."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    stopped: list[int] = []

    def stop(number: int) -> None:
        stopped.append(number)
        task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number)
    try:
        await task
    except asyncio.CancelledError:
        if not stopped:
            raise
    except Exception:
        if not stopped:  # what breaks while everything is being closed is no finding
            raise
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
    return bool(stopped)


async def deliver(outcome: Outcome, json_file: Path | None, html_file: Path | None, console: Console) -> None:
    show_outcome(outcome, console)
    for sentence in outcome.passed_limits:
        console.print(f"Limit passed: {sentence}", style="bold red", highlight=False, markup=False, soft_wrap=True)
    if outcome.is_partial:
        console.print("This report is partial: the run was stopped before its end.", style="bold", highlight=False)
    for path, text in ((json_file, outcome.json_text), (html_file, lambda: page(outcome))):
        if path is not None:
            await asyncio.to_thread(path.write_text, text(), encoding="utf-8")
            console.print(f"Written to {path}.", highlight=False, markup=False, soft_wrap=True)


async def report(asked: argparse.Namespace, limits: list[Limit], console: Console) -> int:
    """Raises NoReport."""
    before = await asyncio.to_thread(compare.read_report, asked.before)
    after = await asyncio.to_thread(compare.read_report, asked.after)
    outcome = Outcome("report", compare.facts(before, after), limits)
    compare.show(before, after, console)
    await deliver(outcome, asked.json, asked.html, console)
    return LIMIT_PASSED if outcome.passed_limits else 0
