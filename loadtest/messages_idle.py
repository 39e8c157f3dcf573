"""How many open pages this machine's servers hold, and what that costs: pages with a WebSocket that say nothing."""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import Callable
from contextlib import AsyncExitStack

from loadtest.gauges import ServerCost, held_by
from loadtest.messages_crew import Crew
from loadtest.messages_people import customers, own_server

CUSTOMERS_OF_IDLE = 160
SPARE_DESCRIPTORS = 250  # database, media, logs
TESTERS = 3  # processes that hold pages, for all servers together
LEAST_HEADS = 2
HEADS_DEADLINE_S = 70.0


async def open_pages(wanted: int, tell: Callable[[str], None], notes: list[str]) -> dict[str, object]:
    """The facts. One server holds all where a process may have so many files; else as many servers as it takes."""
    most = _allowed_descriptors(wanted + SPARE_DESCRIPTORS)
    count = -(-wanted // (most - SPARE_DESCRIPTORS))
    if count > 1:
        notes.append(
            f"This machine allows {most} open files in one process (ulimit -Hn) and does not let us raise that (it takes "
            f"CAP_SYS_RESOURCE): {count} servers with their own databases hold the pages. Memory and cores are those of all."
        )
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(own_server(3)) for _ in range(count)]
        pids = [server.process.pid for server, _ in servers if server.process is not None]
        before_mb = sum(held_by(pid).rss_mb for pid in pids)
        shares = [wanted // count + (number < wanted % count) for number in range(count)]
        crews: list[Crew] = []
        start = time.monotonic()
        for (server, address), pages in zip(servers, shares, strict=True):
            people = await customers(server.base, CUSTOMERS_OF_IDLE)
            tell(f"The load goes to {server.base} (a server of its own, on this machine): {pages} pages open.")
            crew = Crew(address, people, pages, -(-TESTERS // count))
            crews.append(await stack.enter_async_context(crew))
        opened_s = time.monotonic() - start
        tell("all are open: their heartbeats are waited for")
        costs = [ServerCost(pid) for pid in pids]
        for cost in costs:
            await cost.begin()
        end = time.monotonic() + HEADS_DEADLINE_S
        reports = [report for crew in crews for report in await crew.report()]
        while time.monotonic() < end and min(report.heads_heard for report in reports) < LEAST_HEADS:
            await asyncio.sleep(2.0)
            reports = [report for crew in crews for report in await crew.report()]
        spent = [await cost.so_far() for cost in costs]
        rss_mb = sum(held_by(pid).rss_mb for pid in pids)
    heads = min(report.heads_heard for report in reports)
    if heads < LEAST_HEADS:
        notes.append(f"A page heard only {heads} heartbeats within {spent[0][1]:.0f} s.")
    is_open = sum(report.open for report in reports)
    notes.append(f"{CUSTOMERS_OF_IDLE} customers of a server with {shares[0] / CUSTOMERS_OF_IDLE:.0f} pages each.")
    return {
        "idle": {
            "open": is_open,
            "lost": sum(report.lost for report in reports),
            "servers": count,
            "opened_in_s": round(opened_s, 1),
            "heartbeats": heads,
            "rss_gb": round(rss_mb / 1024, 3),
            "kb_per_page": round((rss_mb - before_mb) * 1024 / max(1, is_open), 1),
        },
        "server": {
            "cpu_cores": round(sum(spent_s / lasted_s for spent_s, lasted_s in spent), 3),
            "rss_mb": round(rss_mb, 1),
        },
    }


def _allowed_descriptors(wanted: int) -> int:
    """How many a process of ours may have, as many as `wanted` where we may raise it; a server that we start inherits it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY or hard >= wanted:
        return wanted
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, wanted))
    except (ValueError, OSError):
        return hard
    return wanted
