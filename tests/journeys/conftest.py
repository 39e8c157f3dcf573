"""A started server, a real Chromium and two people, for the journeys."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from loadtest.browser import chromium
from loadtest.server_process import LoupeServer
from tests.journeys.hostile_scene import Scene, Stranger, scene


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as started:
        yield started


@pytest_asyncio.fixture
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
