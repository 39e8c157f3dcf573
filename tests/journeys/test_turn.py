"""A call from a network that lets no media through, over a real coturn."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser

from loadtest.people import CustomerPerson, StaffPerson
from loadtest.server_process import LoupeServer
from tests.journeys.meeting import sees_picture
from tests.support.turn import SECRET, coturn

pytestmark = [pytest.mark.journey, pytest.mark.timeout(120)]

RELAYED = """async () => {
  const report = await probe.peers.at(-1).getStats();
  const pair = [...report.values()].find((s) => s.type === 'candidate-pair' && s.nominated && s.state === 'succeeded');
  return report.get(pair.localCandidateId).candidateType;
}"""


async def test_a_customer_who_may_only_relay_has_a_call(browser: Browser, tmp_path: Path) -> None:
    async with coturn(tmp_path) as port:
        turn = {"LOUPE_TURN_URLS": f"turn:127.0.0.1:{port}?transport=udp", "LOUPE_TURN_SECRET": SECRET}
        async with LoupeServer(tmp_path / "data", env=turn) as server:
            staff = await StaffPerson.come_in(browser, server)
            await staff.be_available()
            customer = await CustomerPerson.arrive(browser, server)
            await customer.page.evaluate("probe.forceRelay = true")
            await customer.join()
            await customer.wait_in_line()
            await staff.answer()
            await sees_picture(staff.page)
            await sees_picture(customer.page)
            assert await customer.page.evaluate(RELAYED) == "relay"
