"""One short story, and a fault at each place where there can be one."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from signaling.chat import Chat
from tests.simulator.clock import VirtualLoop, run
from tests.simulator.disk import DiskStore
from tests.simulator.scenario import settle
from tests.simulator.world import World
from tests.support.houses import ANN

STREAM = f"c.{ANN.id}"
WRITTEN = 3


@dataclass(slots=True)
class Told:
    """How the story went: turns of the loop, the ends of the texts on the phone's first connection, what was kept."""

    turns: int
    to_server: list[int]
    to_phone: list[int]
    kept: list[str]


def tell(*, cuts: tuple[int | None, int | None] = (None, None), fault: Callable[[World], object] | None = None,
         at_turn: int = 0) -> Told:  # fmt: skip
    """Ann's phone writes three messages while Mei's desk looks on and answers. Afterwards every promise is audited."""

    async def main() -> Told:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        world = World(random.Random(1), DiskStore, Chat)
        world.weather.delay_s = (0.01, 0.03)
        world.weather.notice_s = (0.0, 0.2)
        await world.boot()
        world.weather.cuts = cuts
        phone, desk = world.device("ann-phone"), world.device("mei-desk")
        world.open("ann", phone)
        world.open("mei", desk)
        if fault is not None:
            loop.at_turn[loop.turns + at_turn] = lambda: fault(world)
        begun = loop.turns
        for number in range(WRITTEN):
            await asyncio.sleep(0.06)
            for tab in [tab for tab in world.tabs if tab.database is phone]:
                tab.type(STREAM, f"message {number}")
        await asyncio.sleep(0.2)
        turns = loop.turns - begun
        await settle(world)
        world.audit.record()
        assert not world.fault.done(), world.fault.exception()
        first = next(iter(world.truths))
        await world.crash()
        return Told(
            turns, first.to_server.ends, first.to_device.ends, [e.body["text"] for e in world.disk.stream(STREAM)]
        )

    return run(main())


def _page_crashes(world: World) -> None:
    for tab in [tab for tab in world.tabs if tab.person.side == "customer"]:
        world.crash_tab(tab)
        world.open("ann", tab.database)


def _server_crashes(world: World) -> None:
    async def again() -> None:
        await world.crash()
        await world.boot()

    world.jobs.append(asyncio.ensure_future(again()))


def test_the_story_without_a_fault_keeps_all_that_was_written() -> None:
    assert tell().kept == [f"message {number}" for number in range(WRITTEN)]


@pytest.mark.parametrize("fault", [_page_crashes, _server_crashes], ids=["page", "server"])
def test_a_crash_between_any_two_steps_loses_nothing_that_was_shown_as_sent(fault: Callable[[World], object]) -> None:
    for turn in range(1, tell().turns):
        kept = tell(fault=fault, at_turn=turn).kept
        assert kept == sorted(set(kept))
        if fault is _server_crashes:
            assert len(kept) == WRITTEN


def test_a_cut_within_any_text_to_either_side_loses_and_doubles_nothing() -> None:
    told = tell()
    for end in told.to_server:
        assert tell(cuts=(end - 1, None)).kept == told.kept
    for end in told.to_phone:
        assert tell(cuts=(None, end - 1)).kept == told.kept


def test_a_cut_at_any_byte_of_an_acknowledgement_loses_and_doubles_nothing() -> None:
    told = tell()
    begin, end = told.to_phone[1], told.to_phone[2]
    for byte in range(begin, end + 1):
        assert tell(cuts=(None, byte)).kept == told.kept
