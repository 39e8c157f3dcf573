"""A started server, a real Chromium and two people, for the journeys."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Browser

from loadtest.browser import chromium
from loadtest.server_process import LoupeServer


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as started:
        yield started


@pytest_asyncio.fixture
async def server(tmp_path: Path) -> AsyncIterator[LoupeServer]:
    async with LoupeServer(tmp_path / "data") as started:
        yield started
