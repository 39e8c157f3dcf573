"""What bad networks do to a call, through the network lab in front of the media port."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from loadtest.browser import HEARS_TONE
from loadtest.impairment import Impairment
from loadtest.lab import Lab
from loadtest.people import share_shown
from loadtest.server_process import LoupeServer
from tests.journeys.meeting import gap_after, hang_up, meet, ready_record, records

pytestmark = [pytest.mark.journey, pytest.mark.alone, pytest.mark.timeout(180)]
DARK_S = 5.0


@pytest_asyncio.fixture(loop_scope="session")
async def bad_network(tmp_path: Path) -> AsyncIterator[tuple[LoupeServer, Lab]]:
    async with Lab(seed=7) as lab:
        server = LoupeServer(tmp_path / "data", advertise_port=lab.port)
        lab.target_port = server.media_port
        async with server:
            yield server, lab


async def test_with_five_percent_loss_each_way_the_call_goes_on_and_the_recording_is_whole(
    browser: Browser, bad_network: tuple[LoupeServer, Lab]
) -> None:
    server, lab = bad_network
    customer, staff = await meet(browser, server)
    lab.impairment = Impairment(loss_share=0.05)
    shown = await asyncio.gather(
        share_shown(staff.page, customer.page, 20.0), share_shown(customer.page, staff.page, 20.0)
    )
    assert min(shown) >= 0.8, shown
    for page in (staff.page, customer.page):
        assert await page.evaluate(HEARS_TONE) > 0.02
    await hang_up(staff)
    record = await ready_record(staff, server, (await records(staff, server))[0]["id"])
    assert lab.counts.lost > 50
    for track in record["recording"]["tracks"]:
        sent = track["frames"] + track["frames_dropped"] + track["frames_missing"]
        assert track["frames"] >= 0.995 * sent, json.dumps(track)


async def test_a_cut_websocket_and_then_a_dead_path_and_a_new_port_heal_by_themselves(
    browser: Browser, bad_network: tuple[LoupeServer, Lab]
) -> None:
    server, lab = bad_network
    customer, staff = await meet(browser, server)
    for page in (customer.page, staff.page):
        await page.evaluate("probe.cutSockets(); probe.healSockets()")
        await page.wait_for_function("() => probe.sockets.some((socket) => socket.readyState === 1)")
    lab.is_dark = True
    dark = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(DARK_S, dark.set_result, None)
    await dark
    lab.rebind()
    lab.is_dark = False
    gaps = await asyncio.gather(gap_after(staff.page), gap_after(customer.page))
    assert max(gaps) < 2.0, gaps
    await customer.say("still here")
    await staff.page.get_by_text("still here", exact=True).wait_for()
