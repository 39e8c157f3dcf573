"""A call through two servers behind one address, and the end of the one that keeps it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from playwright.async_api import Browser

from loadtest.people import frames_in
from tests.journeys.meeting import hang_up, meet, ready_record, records, sees_picture
from tests.support.databases import Cluster, postgresql_cluster
from tests.support.several import several

pytestmark = [pytest.mark.journey, pytest.mark.alone, pytest.mark.timeout(240)]


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with postgresql_cluster() as started:
        yield started


async def test_two_pages_stay_in_their_call_when_the_server_that_keeps_it_is_killed(
    browser: Browser, tmp_path: Path, cluster: Cluster
) -> None:
    async with several(tmp_path, cluster) as two:
        facts = {
            **two.servers[0].facts,
            "customer_url": f"{two.base}/s/demo",
            "staff_url": f"{two.base}/staff",
        }
        door: Any = SimpleNamespace(base=two.base, facts=facts)
        customer, staff = await meet(browser, door)
        await frames_in(staff.page, 3.0)
        keeper = await two.keeper()
        await keeper.kill()
        for person in (customer, staff):
            await person.page.evaluate("probe.frames = 0")
        for person in (customer, staff):
            await sees_picture(person.page)
        assert await frames_in(staff.page, 3.0) > 20
        await hang_up(staff)
        [call] = await records(staff, door)
        record = await ready_record(staff, door, call["id"])
        assert record["recording"]["duration_s"] >= 5.0
