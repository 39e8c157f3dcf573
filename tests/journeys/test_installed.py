"""The conversation as an app on a phone: a browser would install it, and it opens without a network."""

from __future__ import annotations

import json

import pytest
from playwright.async_api import Browser, expect

from loadtest.server_process import LoupeServer
from tests.journeys.test_conversation import has_mark, phone, reads, say

pytestmark = [pytest.mark.journey, pytest.mark.timeout(120)]


async def test_a_browser_finds_nothing_missing_to_install_it_and_it_starts_offline(
    browser: Browser, server: LoupeServer
) -> None:
    context, page = await phone(browser, server)
    await say(page, "said at home")
    await has_mark(page, "said at home", "Sent")
    await page.evaluate("navigator.serviceWorker.ready.then(() => undefined)")
    devtools = await context.new_cdp_session(page)
    told = await devtools.send("Page.getAppManifest")
    assert told["errors"] == []
    manifest = json.loads(told["data"])
    assert manifest["start_url"] == "/s/demo/chat"
    faults = await devtools.send("Page.getInstallabilityErrors")
    ours = [f for f in faults["installabilityErrors"] if f["errorId"] != "in-incognito"]  # every test's profile is one
    assert ours == []
    await context.set_offline(True)
    started = await context.new_page()
    await started.goto(f"{server.base}{manifest['start_url']}")
    await reads(started, "said at home")
    await expect(started.get_by_text("No connection.", exact=False)).to_be_visible()
