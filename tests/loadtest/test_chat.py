"""The chat load against a real server, and what it refuses."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from loadtest import chat
from loadtest.chat_calls import ChatServer
from loadtest.chat_faults import KINDS
from loadtest.server_process import LoupeServer


def unheard(_: str) -> None:
    pass


@pytest.mark.journey
async def test_every_message_arrives_once_in_order_on_both_carriers(tmp_path: Path) -> None:
    told: list[str] = []
    async with LoupeServer(tmp_path / "data") as server:
        facts: Any = await chat.run(
            customers=2, rate=4.0, seconds=3.0, faults=False, seed=1, server=server, tell=told.append
        )
    messages = facts["messages"]
    assert (messages["lost"], messages["duplicated"], messages["reordered"], messages["altered"]) == (0, 0, 0, 0)
    assert messages["written"] == messages["sent"] == messages["acknowledged"] == messages["delivered"]
    assert messages["written"] >= 2 * 2 * 4 * 3 - 4
    assert facts["chat_ms"]["count"] == messages["acknowledged"]
    assert facts["delivery_ms"]["count"] == messages["delivered"]
    for carrier in ("socket", "channel"):
        assert facts["by_carrier"][carrier]["chat_ms"]["count"] > 0
        assert facts["by_carrier"][carrier]["delivery_ms"]["count"] > 0
    assert "faults" not in facts
    assert not facts["is_partial"]
    assert told


@pytest.mark.journey
async def test_no_promised_message_is_lost_doubled_or_overtaken_when_carriers_and_the_server_break(
    tmp_path: Path,
) -> None:
    async with LoupeServer(tmp_path / "data") as server:
        facts: Any = await chat.run(
            customers=2, rate=3.0, seconds=8.0, faults=True, seed=7, server=server, tell=unheard
        )
    messages = facts["messages"]
    assert (messages["lost"], messages["duplicated"], messages["reordered"], messages["altered"]) == (0, 0, 0, 0)
    assert messages["sent"] == messages["acknowledged"] == messages["delivered"]
    assert messages["written"] == messages["sent"] + messages["unacknowledged"]
    assert messages["unacknowledged"] == 0
    assert facts["faults"]["server killed"] == 1
    assert len(facts["faults"]) >= len(KINDS) // 2
    assert messages["resent"] > 0


@pytest.mark.journey
async def test_a_run_that_is_stopped_while_the_server_is_down_still_audits_what_was_promised(tmp_path: Path) -> None:
    is_down = asyncio.Event()

    def tell(said: str) -> None:
        if "killed" in said:
            is_down.set()

    async with LoupeServer(tmp_path / "data") as server:
        running: asyncio.Task[Any] = asyncio.create_task(
            chat.run(customers=1, rate=3.0, seconds=6.0, faults=True, seed=2, server=server, tell=tell)
        )
        await is_down.wait()
        running.cancel()
        facts = await running
    messages = facts["messages"]
    assert facts["is_partial"]
    assert messages["written"] > 0
    assert (messages["lost"], messages["duplicated"], messages["reordered"]) == (0, 0, 0)
    assert messages["sent"] == messages["delivered"]


@pytest.mark.parametrize(("customers", "rate", "seconds"), [(0, 1, 1), (1, 0, 1), (1, 21, 1), (1, 1, 0)])
async def test_what_no_run_can_do_is_refused_before_anything_starts(
    customers: int, rate: float, seconds: float
) -> None:
    with pytest.raises(ValueError, match="at least one customer"):
        await chat.run(customers=customers, rate=rate, seconds=seconds, faults=False, seed=1, tell=unheard)


async def test_more_customers_than_staff_are_refused_with_a_way_out() -> None:
    nobody = ChatServer("http://127.0.0.1:9", ["lin"], "")
    with pytest.raises(ValueError, match=r"2 customers .* has 1: .*--demo-staff"):
        await chat.run(customers=2, rate=1, seconds=1, faults=False, seed=1, server=nobody, tell=unheard)
