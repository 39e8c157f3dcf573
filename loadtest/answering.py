"""From the tap on "Answer" to the first remote picture, in two real Chromium pages through a started server.

Each person has a browser of their own, as each has a camera of their own: pages of one Chromium share its one fake camera,
which stands still for one to two seconds on every page when one page asks it for another frame rate."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import Browser, Page
from playwright.async_api import Error as BrowserError

from loadtest.browser import chromium
from loadtest.measures import percentile
from loadtest.people import CustomerPerson, StaffPerson
from loadtest.server_process import LoupeServer

PICTURE_DEADLINE_MS = 10_000
UNSEEN_S = 0.5  # both pages note their moments themselves; to ask them earlier would take time from what is measured
LOOK_EVERY_MS = 100  # looking at each frame would make both pages draw frames of their own
REACTION_S = 1.0  # what a person needs at least to read who is there and to tap
CONNECTED = "() => probe.peers.some((peer) => peer.connectionState === 'connected')"
HAS_PICTURE = "() => probe.firstPictureAt > 0"
# The customer's page has no "Answer": its probe is armed so that the next remote frame counts as the first.
ARM = "() => probe.arm(1)"
ANSWERED = "() => performance.timeOrigin + probe.answeredAt"
TOLD = "() => performance.timeOrigin + probe.toldAt"
SEEN = "() => performance.timeOrigin + probe.firstPictureAt"


class NoPicture(RuntimeError):
    """A call did not come to a picture; which one and where."""


@dataclass(slots=True)
class Answered:
    """Milliseconds from the click, one of each per call: until the tablet's page heard that the call is live (the
    server's part and both ways), and until the first remote frame was presented."""

    told_ms: list[float] = field(default_factory=list)
    tablet_ms: list[float] = field(default_factory=list)
    phone_ms: list[float] = field(default_factory=list)

    def facts(self) -> list[dict[str, object]]:
        return [
            {
                "name": name,
                "calls": len(values),
                "p50_ms": round(percentile(values, 0.5), 1),
                "p95_ms": round(percentile(values, 0.95), 1),
                "max_ms": round(max(values), 1),
            }
            for name, values in (("told", self.told_ms), ("tablet", self.tablet_ms), ("phone", self.phone_ms))
        ]


async def run(*, calls: int, tell: Callable[[str], None]) -> Answered:
    """Raises NoPicture; NotStarted when there is no server."""
    answered = Answered()
    async with chromium() as tablets, chromium() as phones:
        with tempfile.TemporaryDirectory(prefix="loupe-bench-") as folder:
            async with LoupeServer(Path(folder) / "data") as server:
                staff = await StaffPerson.come_in(tablets, server)
                for number in range(1, calls + 1):
                    tell(f"answering, call {number} of {calls}")
                    try:
                        await _one_call(phones, server, staff, f"Customer {number}", answered)
                    except (BrowserError, AssertionError) as fault:
                        raise NoPicture(f"call {number} of {calls}: {str(fault).strip()}") from fault
    return answered


async def _one_call(phones: Browser, server: LoupeServer, staff: StaffPerson, name: str, answered: Answered) -> None:
    await staff.be_available()
    customer = await CustomerPerson.arrive(phones, server)
    try:
        await customer.join(name)
        await customer.wait_in_line()
        for page in (staff.page, customer.page):
            await page.wait_for_function(CONNECTED)
        await customer.page.evaluate(ARM)
        await staff.point_at_answer(name)
        await asyncio.sleep(REACTION_S)
        await staff.press()
        await asyncio.sleep(UNSEEN_S)
        await asyncio.gather(*(_picture(page) for page in (staff.page, customer.page)))
        start = await staff.page.evaluate(ANSWERED)
        answered.told_ms.append(await staff.page.evaluate(TOLD) - start)
        answered.tablet_ms.append(await staff.page.evaluate(SEEN) - start)
        answered.phone_ms.append(await customer.page.evaluate(SEEN) - start)
        await staff.button("Hang up")
        await staff.button("Back to the desk")
    finally:
        await customer.context.close()


async def _picture(page: Page) -> None:
    await page.wait_for_function(HAS_PICTURE, timeout=PICTURE_DEADLINE_MS, polling=LOOK_EVERY_MS)
