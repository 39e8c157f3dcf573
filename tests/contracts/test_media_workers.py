"""What a media worker may do wrong, and what the server makes of it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from domain.errors import Refusal, Unavailable
from server.node_pipe import NodeOptions
from server.node_pool import NodePool
from signaling.node import PeerClosed, Plan, Tape
from tests.support.rtc_client import Client
from tests.support.rtc_heard import Heard, until
from tests.support.speaking import clip, say


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest_asyncio.fixture
async def pool(tmp_path: Path, heard: Heard) -> AsyncIterator[NodePool]:
    async with NodePool(NodeOptions("127.0.0.1", 0, (), str(tmp_path / "journals")), 1) as opened:
        opened.listen(heard)
        yield opened


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


async def answers(pool: NodePool) -> None:
    """Returns when the worker is of use again; at most 10 s."""
    async with asyncio.timeout(10):
        while True:
            with contextlib.suppress(Unavailable):
                await pool.stats()
                return


async def test_a_worker_that_hangs_is_ended_and_replaced_before_a_question_to_it_gives_up(
    pool: NodePool, heard: Heard
) -> None:
    async with Client(pool.ports[0]) as phone:
        phone.take(await pool.open_peer("phone", phone.offer(), group="shop"))
        pid = pool.workers[0].pid
        os.kill(pid, signal.SIGSTOP)
        asked = asyncio.create_task(pool.take_picture("phone"))
        await until(lambda: PeerClosed("phone", worker_died=True) in heard.events)
        with pytest.raises(Unavailable, match="ended"):
            await asked
        await answers(pool)
        assert not is_alive(pid)
        assert pool.workers[0].pid != pid


async def test_a_worker_that_stood_still_for_three_seconds_keeps_its_calls(pool: NodePool, heard: Heard) -> None:
    async with Client(pool.ports[0]) as phone:
        phone.take(await pool.open_peer("phone", phone.offer(), group="shop"))
        pid = pool.workers[0].pid
        os.kill(pid, signal.SIGSTOP)
        again_s = time.monotonic() + 3
        await until(lambda: time.monotonic() > again_s)
        os.kill(pid, signal.SIGCONT)
        assert (await pool.stats())["peers"] == 1
        assert pool.workers[0].pid == pid
        assert PeerClosed("phone", worker_died=True) not in heard.events


@pytest.mark.parametrize("doing", ["open_peer", "apply", "end", "finish_recording", "take_picture", "close_peer"])
async def test_a_worker_killed_while_it_is_asked_is_a_refusal_and_the_next_asking_is_answered(
    pool: NodePool, heard: Heard, doing: str
) -> None:
    async with Client(pool.ports[0]) as phone:
        phone.take(await pool.open_peer("phone", phone.offer(), group="shop"))
        await phone.connect()
        plan = Plan("call", (), (Tape("phone", "customer"),))
        await pool.apply(plan)
        say(phone, clip(0.5))
        await phone.check()
        asks: dict[str, Callable[[], Awaitable[object]]] = {
            "open_peer": lambda: pool.open_peer("tablet", phone.offer(), group="shop"),
            "apply": lambda: pool.apply(plan),
            "end": lambda: pool.end("call"),
            "finish_recording": lambda: pool.finish_recording("call"),
            "take_picture": lambda: pool.take_picture("phone"),
            "close_peer": lambda: pool.close_peer("phone"),
        }
        asked = asyncio.ensure_future(asks[doing]())
        await asyncio.sleep(0)
        os.kill(pool.workers[0].pid, signal.SIGKILL)
        outcome = (await asyncio.wait_for(asyncio.gather(asked, return_exceptions=True), 15))[0]
        assert not isinstance(outcome, BaseException) or isinstance(outcome, Refusal), outcome
        await answers(pool)
        if doing != "close_peer":
            assert PeerClosed("phone", worker_died=True) in heard.events
        assert (await pool.stats())["peers"] == 0
        assert pool._group_of == {}
        again = await pool.open_peer("phone", phone.offer(), group="shop")
        assert again.startswith("v=0")


async def test_a_worker_that_cannot_start_again_is_tried_now_and_then_until_it_can(pool: NodePool) -> None:
    worker = pool.workers[0]
    pids = {worker.pid}
    os.kill(worker.pid, signal.SIGKILL)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as thief:

        def stolen() -> bool:
            with contextlib.suppress(OSError):
                thief.bind(("127.0.0.1", pool.ports[0]))
                return True
            return False

        await until(stolen, deadline_s=2.0)
        began = time.monotonic()

        def has_waited() -> bool:
            pids.add(worker.pid)
            return time.monotonic() - began > 4.0

        await until(has_waited)
        assert len(pids) <= 6
        with pytest.raises(Unavailable):
            await asyncio.wait_for(pool.stats(), 11)
    await answers(pool)


async def test_a_pool_whose_first_worker_cannot_start_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as thief:
        thief.bind(("127.0.0.1", 0))
        port = thief.getsockname()[1]
        before = asyncio.all_tasks()
        pool = NodePool(NodeOptions("127.0.0.1", port, (), str(tmp_path / "journals")), 1)
        with pytest.raises(Unavailable, match=f"media port 127.0.0.1:{port}"):
            await pool.__aenter__()
        await until(lambda: asyncio.all_tasks() == before)
        assert not is_alive(pool.workers[0].pid)


SERVER = """
import asyncio, sys
from server.node_pipe import NodeOptions
from server.node_pool import NodePool
async def main():
    async with NodePool(NodeOptions("127.0.0.1", 0, (), sys.argv[1]), 1) as pool:
        print(pool.workers[0].pid, flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


async def test_no_worker_outlives_a_server_that_was_killed(tmp_path: Path) -> None:
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVER, str(tmp_path / "journals"), stdout=subprocess.PIPE
    )
    assert server.stdout is not None
    pid = int(await asyncio.wait_for(server.stdout.readline(), 20))
    assert is_alive(pid)
    server.kill()
    await server.wait()
    await until(lambda: not is_alive(pid))
