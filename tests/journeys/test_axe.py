"""axe-core finds nothing on any page, in both languages, on a phone and on a tablet."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from loadtest.browser import PHONE, TABLET, person
from loadtest.people import CustomerPerson, StaffPerson
from loadtest.server_process import LoupeServer
from tests.journeys.meeting import hang_up, sees_picture
from tests.journeys.test_conversation import open_first, phone, reads, say, tablet

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]
AXE = (Path(__file__).parents[2] / "web/node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")
RUN = """async () => (await axe.run(document, {resultTypes: ['violations']})).violations.map((fault) => ({
  rule: fault.id, impact: fault.impact,
  nodes: fault.nodes.slice(0, 4).map((node) => node.target.join(' ') + ' | ' + node.any.concat(node.all, node.none)
    .map((check) => check.message).join('; ').slice(0, 200)),
}))"""


class Examiner:
    """Gathers what axe finds; `nothing` fails with all of it."""

    def __init__(self) -> None:
        self.found: list[str] = []

    async def look(self, page: Page, name: str, ready: str) -> None:
        """`ready`: a selector of what the page shows once it stands. The page survives being loaded again."""
        await page.emulate_media(reduced_motion="reduce")
        for language in ("zh-CN", "en"):
            await page.evaluate("(language) => localStorage.setItem('loupe.language', language)", language)
            await page.reload()
            await expect(page.locator("html")).to_have_attribute("lang", re.compile(f"^{language}"))
            for size, kind in ((PHONE, "phone"), (TABLET, "tablet")):
                await page.set_viewport_size({"width": size["width"], "height": size["height"]})
                await page.locator(ready).first.wait_for()
                await self.once(page, f"{name}, {language}, {kind}")

    async def once(self, page: Page, where: str) -> None:
        """As it stands, without loading it again."""
        if not await page.evaluate("'axe' in window"):
            await page.evaluate(AXE)
        faults: list[dict[str, Any]] = await page.evaluate(RUN)
        for fault in faults:
            self.found += [f"{where}: {fault['rule']} ({fault['impact']}): {node}" for node in fault["nodes"]]

    async def opened(self, page: Page, *buttons: str) -> None:
        """What each button opens over the page."""
        for name in buttons:
            await page.get_by_role("button", name=name, exact=True).click()
            await expect(page.get_by_role("dialog")).to_be_visible()
            await self.once(page, f"what {name} opens")
            await page.keyboard.press("Escape")
            await expect(page.get_by_role("dialog")).to_have_count(0)

    def nothing(self) -> None:
        assert not self.found, "\n" + "\n".join(self.found)


async def test_axe_finds_nothing_on_the_way_to_a_call_in_it_and_after_it(browser: Browser, server: LoupeServer) -> None:
    axe = Examiner()
    customer = await CustomerPerson.arrive(browser, server)
    await axe.look(customer.page, "door", "form")
    staff = await StaffPerson.come_in(browser, server)
    await staff.be_available()
    await customer.page.reload()
    await customer.join()
    await customer.wait_in_line()
    await axe.look(customer.page, "waiting", "h1")
    await axe.look(staff.page, "desk", "button:not([disabled]) > span[aria-live]")  # the customer's link is there
    await staff.answer()
    await sees_picture(staff.page)
    await axe.look(customer.page, "call of a customer", "video[data-remote]")
    await customer.say("Can you see it?")
    await axe.once(customer.page, "call of a customer with its chat")
    await axe.look(staff.page, "call of staff", "video[data-remote]")
    await staff.page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})  # as a tablet is turned
    await staff.page.get_by_role("button", name="Show chat and notes").click()
    await axe.once(staff.page, "call of staff with its chat over the picture")
    await staff.page.set_viewport_size({"width": TABLET["width"], "height": TABLET["height"]})
    await expect(staff.page.get_by_role("button", name="Hide chat and notes")).to_be_visible()
    await hang_up(staff)
    await axe.once(staff.page, "call of staff, ended")
    await expect(customer.page.get_by_role("heading").first).to_be_visible()
    await axe.look(customer.page, "goodbye", "main h1")
    call = (await (await staff.context.request.get(f"{server.base}/api/calls")).json())["calls"][0]
    await staff.page.goto(f"{server.base}/staff/calls/{call['id']}")
    await axe.look(staff.page, "record", "main h1, main h2")
    axe.nothing()


async def test_axe_finds_nothing_around_the_conversation(browser: Browser, server: LoupeServer) -> None:
    axe = Examiner()
    _, door = await person(browser, size=TABLET)
    await door.goto(f"{server.base}/staff/inbox")
    await axe.look(door, "sign-in", "form")
    _, customer = await phone(browser, server)
    await axe.look(customer, "conversation without a word", "textarea, [role=textbox]")
    await say(customer, "https://example.com/boots")
    await say(customer, "The heel is loose")
    _, staff = await tablet(browser, server, "lin")
    await axe.look(staff, "inbox", "nav[aria-label] a")
    await open_first(staff)
    await reads(staff, "The heel is loose")
    await say(staff, "Bring it by tomorrow")
    await reads(customer, "Bring it by tomorrow")
    await axe.look(customer, "conversation", ".talk-words")
    await axe.look(staff, "inbox with a conversation", ".talk-words")
    await axe.opened(customer, "My devices", "Search this conversation")
    lin_may = ("Keyboard", "Where you are named", "Search all conversations", "Search this conversation", "More",
               "Edit the profile", "Erase all data…", "Add a quick reply")  # fmt: skip
    await axe.opened(staff, *lin_may)
    axe.nothing()
