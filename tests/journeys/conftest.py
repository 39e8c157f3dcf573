"""A started server, a real Chromium and two people, for the journeys."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from loadtest.browser import chromium
from loadtest.server_process import LoupeServer
from tests.journeys.hostile_scene import Scene, Stranger, scene

# Some run at once, beside shorter tests: a page waits for a processor then. How soon it shows what is for the benchmarks.
expect.set_options(timeout=15_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of this folder run on the loop on which the one browser was started, but for those around one running call."""
    for item in items:
        if item.path.parent == Path(__file__).parent and "call" not in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def one_browser() -> AsyncIterator[Browser]:
    async with chromium() as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def browser(one_browser: Browser) -> AsyncIterator[Browser]:
    """Started once, which takes longer than many a journey; the people in it and all that they keep are gone after each."""
    yield one_browser
    for context in one_browser.contexts:
        await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def server(tmp_path: Path) -> AsyncIterator[LoupeServer]:
    async with LoupeServer(tmp_path / "data") as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def call(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    async with scene(tmp_path_factory.mktemp("bad-input")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def stranger(call: Scene) -> AsyncIterator[Stranger]:
    """A customer of the same shop who is in no call."""
    async with Stranger(call.server.base) as entered:
        await entered.enter()
        yield entered
