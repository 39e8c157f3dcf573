"""What a kill -9 leaves behind."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest
from playwright.async_api import Browser

from loadtest.people import StaffPerson, frames_in
from loadtest.server_process import LoupeServer
from tests.journeys.meeting import hang_up, longest_gap, meet, ready_record, records

pytestmark = [pytest.mark.journey, pytest.mark.timeout(180)]
SENT = """async () => [...(await probe.peers.at(-1).getStats()).values()]
  .find((stat) => stat.type === 'outbound-rtp' && stat.kind === 'video').framesSent"""


async def test_kill_nine_at_second_ten_leaves_a_playable_recording_after_the_next_start(
    browser: Browser, server: LoupeServer
) -> None:
    customer, staff = await meet(browser, server)
    await frames_in(staff.page, 2.0)
    before = await customer.page.evaluate(SENT)
    await frames_in(staff.page, 6.0)
    sent = await customer.page.evaluate(SENT) - before
    assert sent > 12  # how many a busy machine's Chromium encodes is its own affair
    await frames_in(staff.page, 2.0)
    await server.kill()
    await customer.context.close()
    await staff.context.close()

    await server.start()
    again = await StaffPerson.come_in(browser, server)
    await again.page.get_by_role("button", name="Hang up").wait_for()
    journals = list((server.data / "journals").iterdir())
    assert len(journals) == 1
    record = await ready_record(again, server, journals[0].name)
    assert record["recording"]["duration_s"] >= 9.0
    [camera] = [t for t in record["recording"]["tracks"] if (t["label"], t["kind"]) == ("customer", "video")]
    # Of the customer, who did not come back: at least as many as in six seconds in the middle.
    assert camera["frames"] >= sent, (camera, sent)
    page = again.page
    await hang_up(again)
    await page.goto(f"{server.base}/staff/calls/{journals[0].name}")
    await page.wait_for_function("() => document.querySelectorAll('video').length >= 2")
    await page.get_by_role("button", name="Play").first.click()
    await page.wait_for_function(
        "() => [...document.querySelectorAll('video')].slice(0, 2).every((v) => v.currentTime > 1 && v.videoWidth > 0)"
    )


@pytest.mark.alone
async def test_a_killed_media_worker_is_replaced_within_three_seconds_and_the_recording_stays_one(
    browser: Browser, tmp_path: Path
) -> None:
    async with LoupeServer(tmp_path / "data", "--workers", "1") as server:
        customer, staff = await meet(browser, server)
        await frames_in(staff.page, 3.0)
        sockets = [await person.page.evaluate("probe.sockets.length") for person in (customer, staff)]
        worker = server.facts["worker_pids"][0]
        os.kill(worker, signal.SIGKILL)
        gaps = await asyncio.gather(longest_gap(staff.page, 6.0), longest_gap(customer.page, 6.0))
        assert 0.1 < max(gaps) < 3.0, gaps
        assert [await person.page.evaluate("probe.sockets.length") for person in (customer, staff)] == sockets
        await hang_up(staff)
        record = await ready_record(staff, server, (await records(staff, server))[0]["id"])
        assert set(record["recording"]["files"]) >= {"call", "customer", "staff"}
        assert record["recording"]["duration_s"] >= 6.0
