"""Fifty calls leave nothing behind: no descriptor, no thread, no process, no peer, no socket, and little memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from loadtest.clip import Clip, make_clip
from loadtest.front_door import Visitor
from loadtest.server_process import LoupeServer
from tests.journeys.test_ends import children
from tests.support.news import answered
from tests.support.rtc_heard import until

pytestmark = [pytest.mark.journey, pytest.mark.alone, pytest.mark.timeout(180)]
WARM_UP, CALLS = 10, 50
# The record of a call that is over, its session and its line in the sign-in limits stay for minutes: some 20 kB.
BYTES_PER_CALL = 100_000


@dataclass(frozen=True)
class Held:
    """What one process holds."""

    descriptors: int
    threads: int
    children: int
    resident_bytes: int


def held_by(pid: int) -> Held:
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return Held(
        len(list(Path(f"/proc/{pid}/fd").iterdir())),
        int(status["Threads"]),
        len(children(pid)),
        int(status["VmRSS"].split()[0]) * 1024,
    )


async def one_call(server: LoupeServer, staff: Visitor, clip: Clip, number: int) -> None:
    """A customer comes with a connection of their own, is answered, both are shown a picture, and goes."""
    async with Visitor(server.base, clip) as customer:
        await customer.enter("demo")
        call_id = await customer.join(f"Customer {number}", consent=number % 5 == 0)
        await staff.answer(call_id)
        customer.client.start()
        before = len(staff.client.arrived_frames)
        await until(lambda: len(staff.client.arrived_frames) > before + 2)
        if number % 2:
            await customer.hang_up()
        else:
            await staff.hang_up()


@pytest.mark.parametrize("workers", [0, 1])
async def test_fifty_calls_leave_nothing_behind(tmp_path: Path, workers: int) -> None:
    clip = make_clip(1.0)
    jar = aiohttp.CookieJar(unsafe=True)
    async with (
        LoupeServer(tmp_path / "data", "--workers", str(workers)) as server,
        Visitor(server.base, clip) as staff,
        aiohttp.ClientSession(server.base, cookie_jar=jar) as operator,
    ):
        sign_in = {"username": server.facts["username"], "password": server.facts["password"]}
        async with operator.post("/api/sign-in", json=sign_in) as answer:
            assert answer.status == 200
        await staff.sign_in(**sign_in)
        staff.client.start()
        assert server.process is not None
        pids = (server.process.pid, *server.facts["worker_pids"])

        async def settled() -> tuple[Held, ...]:
            """What is held once only the member of staff is left."""
            await answered(lambda: quiet(operator), bool)
            return tuple(held_by(pid) for pid in pids)

        for number in range(WARM_UP):
            await one_call(server, staff, clip, number)
        before = await settled()
        for number in range(WARM_UP, WARM_UP + CALLS):
            await one_call(server, staff, clip, number)
        after = await settled()
        for was, now in zip(before, after, strict=True):
            assert now.descriptors <= was.descriptors + 2  # a keep-alive connection may be on its way out
            assert now.threads <= was.threads + 2  # the pool for blocking work fills up once
            assert now.children == was.children
            assert now.resident_bytes - was.resident_bytes < CALLS * BYTES_PER_CALL
        print(before, after)
        assert "Traceback" not in server.log.read_text()


async def quiet(operator: aiohttp.ClientSession) -> bool:
    """One connected member of staff, no open call, no recording at work."""
    async with operator.get("/api/stats") as answer:
        stats = await answer.json()
    if (stats["node_peers"], stats["live_sockets"], stats["live_open_calls"]) != (1, 1, 0):
        return False
    return not {recording["state"] for recording in await recordings(operator)} & {"recording", "finishing"}


async def recordings(operator: aiohttp.ClientSession) -> list[dict[str, str]]:
    async with operator.get("/api/calls") as answer:
        calls = (await answer.json())["calls"][:12]
    found = []
    for call in calls:
        async with operator.get(f"/api/calls/{call['id']}") as answer:
            found.append((await answer.json())["recording"])
    return found
