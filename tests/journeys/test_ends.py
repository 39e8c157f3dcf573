"""How a server ends, and what a full disk does, while a call runs."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
from collections.abc import Callable
from functools import cache
from pathlib import Path

import aiohttp
import pytest

from loadtest.clip import make_clip
from loadtest.front_door import Visitor
from loadtest.server_process import LoupeServer
from tests.support.news import Frame, News
from tests.support.rtc_heard import until

pytestmark = [pytest.mark.journey, pytest.mark.timeout(120)]
clip = cache(make_clip)


async def talk(server: LoupeServer, customer: Visitor, staff: Visitor) -> str:
    """A recorded call in which both see each other; its id."""
    await staff.sign_in(server.facts["username"], server.facts["password"])
    await customer.enter("demo")
    call_id = await customer.join("Ana", consent=True)
    await staff.answer(call_id)
    for visitor in (customer, staff):
        visitor.client.start()
    await until(lambda: all(len(v.client.arrived_frames) > 25 for v in (customer, staff)))
    return call_id


def children(pid: int) -> list[int]:
    """All processes below this one."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += [int(child), *children(int(child))]
    return found


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize(("number", "workers"), [(signal.SIGINT, 0), (signal.SIGTERM, 0), (signal.SIGTERM, 2)])
async def test_a_server_told_to_stop_during_a_call_ends_with_zero_and_leaves_no_process(
    tmp_path: Path, number: int, workers: int
) -> None:
    async with LoupeServer(tmp_path / "data", "--workers", str(workers)) as server:
        async with Visitor(server.base, clip(2.0)) as customer, Visitor(server.base, clip(2.0)) as staff:
            call_id = await talk(server, customer, staff)
            assert server.process is not None
            below = children(server.process.pid)
            assert len(below) >= max(workers, 1)
            # as Ctrl-C in a terminal and service managers do it: everybody is told
            for pid in (server.process.pid, *(server.facts["worker_pids"])):
                os.kill(pid, number)
            assert await asyncio.wait_for(server.process.wait(), 15) == 0
            await until(lambda: not any(is_alive(pid) for pid in below))
        log = server.log.read_text()
        assert "Traceback" not in log
        assert "level=error" not in log
        await server.start()
        async with Visitor(server.base, clip(2.0)) as again:
            news = News(again)
            await again.sign_in(server.facts["username"], server.facts["password"])
            record = (await again.get(f"/api/calls/{call_id}"))["recording"]
            if record["state"] != "ready":  # finished before anybody was there to be told
                record = await news.recording(call_id)
            assert record["files"].keys() >= {"call", "customer", "staff"}
            assert record["duration_s"] > 0.5


async def test_a_full_disk_ends_the_recording_and_not_the_call_and_both_are_told(tmp_path: Path) -> None:
    async with (
        LoupeServer(tmp_path / "data") as server,
        Visitor(server.base, clip(2.0)) as customer,
        Visitor(server.base, clip(2.0)) as staff,
    ):
        news, told = News(staff), News(customer)
        call_id = await talk(server, customer, staff)
        assert server.process is not None
        (journal,) = (server.data / "journals" / call_id).iterdir()
        await until(lambda: journal.stat().st_size > 300_000)
        # no file of the server may grow beyond what the journal has: what a full disk says, to this server alone
        before = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (journal.stat().st_size + 10_000, before[1]))
        await news.until(is_told("failed"))
        await told.until(is_told("failed"))
        shown = len(staff.client.arrived_frames)
        await until(lambda: len(staff.client.arrived_frames) > shown + 25)
        stats = await staff.get("/api/stats")
        assert stats["node_recording_write_faults"] > 0
        assert stats["live_recording_troubles"] == 1
        failed = len(told.frames)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, before)
        await told.until(is_told("on"), after=failed)
        await staff.hang_up()
        assert (await news.recording(call_id))["duration_s"] is not None
        assert "Traceback" not in server.log.read_text()


def is_told(recording: str) -> Callable[[Frame], bool]:
    """A frame that says so of the call's recording."""
    return lambda said: said["type"] == "call" and bool(said["call"]["recording"] == recording)


async def test_a_shop_without_visitors_holds_no_connection_open_after_its_server_ended(tmp_path: Path) -> None:
    async with LoupeServer(tmp_path / "data") as server, aiohttp.ClientSession(server.base) as http:
        async with http.get("/api/health") as answer:
            assert answer.status == 200
        assert await server.stop() == 0
        with pytest.raises(aiohttp.ClientError):
            await http.get("/api/health")
