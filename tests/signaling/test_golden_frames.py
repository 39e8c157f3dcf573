"""The dialogues of `tests/golden/frames`, played against the real server part, over a disk in memory and virtual time."""

from __future__ import annotations

import asyncio
import json
import random
from pathlib import Path
from typing import Any

import pytest

from signaling.chat import Chat
from tests.simulator.around import Person
from tests.simulator.clock import run
from tests.simulator.disk import DiskStore
from tests.simulator.page import Page
from tests.simulator.world import World

DIALOGUES = {path.stem: json.loads(path.read_text(encoding="utf-8"))
             for path in (Path(__file__).parents[1] / "golden" / "frames").glob("*.json")}  # fmt: skip
SILENCE_S = 2.0


def fits(wish: Any, heard: Any) -> bool:
    if wish == "*":
        return True
    if isinstance(wish, dict):
        return isinstance(heard, dict) and wish.keys() == heard.keys() and all(fits(wish[k], heard[k]) for k in wish)
    if isinstance(wish, list):
        return isinstance(heard, list) and len(wish) == len(heard) and all(map(fits, wish, heard))
    return bool(wish == heard)


async def _play(dialogue: dict[str, Any]) -> None:
    world = World(random.Random(1), DiskStore, Chat)
    world.weather.delay_s = (0.001, 0.002)
    await world.boot()
    pages = {name: Page(world, name, Person(who["person"], who["side"], ())) for name, who in dialogue["pages"].items()}
    for number, step in enumerate(dialogue["steps"]):
        page = pages[step["as"]]
        if "says" in step:
            page.says(step["says"])
            await asyncio.sleep(SILENCE_S)
            continue
        for wish in step["hears"]:
            found = next((frame for frame in page.heard if fits(wish, frame)), None)
            assert found is not None, f"step {number}: {step['as']} wants {wish}\nand heard {page.heard}"
            page.heard.remove(found)
    unexpected = {name: page.heard for name, page in pages.items() if page.heard}
    assert not unexpected
    await world.crash()


@pytest.mark.parametrize("name", sorted(DIALOGUES))
def test_the_server_answers_as_in_the_golden_dialogue(name: str) -> None:
    run(_play(DIALOGUES[name]))
