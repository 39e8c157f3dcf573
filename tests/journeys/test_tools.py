"""The tools of a call, each used by one person and seen by the other, in real Chromium pages."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, Page, expect

from loadtest.mishaps import RICH
from loadtest.people import CustomerPerson, StaffPerson
from loadtest.server_process import LoupeServer
from tests.journeys.meeting import hang_up, records, sees_picture

pytestmark = [pytest.mark.journey, pytest.mark.timeout(120)]
OF_CUSTOMER = ("Mute", "Camera off", "Switch camera", "Torch", "Hang up", "Send")
OF_STAFF = (
    "Snapshot", "Freeze", "Draw", "Switch customer camera", "Customer torch", "Hold", "Pause recording", "Propose booking",
    "Mute", "Camera off", "Hang up", "Send",
)  # fmt: skip
LOADED = """() => [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
  .reduce((sum, each) => sum + each.encodedBodySize, 0)"""
SET = """() => {
  const { torch, zoom } = document.querySelector('video[data-local]').srcObject.getVideoTracks()[0].getSettings();
  return [torch, zoom];
}"""


async def shows(page: Page, text: str) -> None:
    await expect(page.get_by_text(text, exact=True).first).to_be_visible()


async def test_each_tool_has_its_name_and_does_what_it_says_on_the_other_side(
    browser: Browser, server: LoupeServer
) -> None:
    staff = await StaffPerson.come_in(browser, server)
    await staff.be_available()
    colleague = await StaffPerson.come_in(browser, server, username="li")
    await colleague.be_available()
    customer = await CustomerPerson.arrive(browser, server, script=RICH)
    await expect(customer.page.get_by_role("textbox", name="Your name")).to_be_visible()
    assert 20_000 < await customer.page.evaluate(LOADED) < 90_000
    await customer.join()
    await customer.wait_in_line()
    await expect(customer.page.locator("video[data-local]")).to_have_count(1)
    await staff.answer()
    await sees_picture(staff.page)
    await sees_picture(customer.page)
    for person, names in ((customer, OF_CUSTOMER), (staff, OF_STAFF)):
        for name in names:
            await expect(person.page.get_by_role("button", name=name, exact=True)).to_be_visible()
        await expect(person.page.get_by_role("textbox", name="Message", exact=True)).to_be_visible()
        await expect(person.page.locator("video[data-local]")).to_have_count(1)
        await expect(person.page.locator("video[data-remote]")).to_have_count(1)

    await expect(staff.page.get_by_role("button", name="Customer torch")).not_to_have_attribute("aria-disabled", "true")
    await staff.button("Customer torch")
    await expect(customer.page.get_by_role("button", name="Torch", exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )
    await staff.page.get_by_role("slider", name=re.compile("Zoom")).fill("3")
    await customer.page.wait_for_function(f"() => String(({SET})()) === 'true,3'")
    before = await customer.page.evaluate(
        "document.querySelector('video[data-local]').srcObject.getVideoTracks()[0].id"
    )
    await staff.button("Switch customer camera")
    await customer.page.wait_for_function(
        "(id) => (document.querySelector('video[data-local]').srcObject.getVideoTracks()[0] ?? { id }).id !== id",
        arg=before,
    )

    await staff.button("Draw")
    area = staff.page.get_by_label("Drawing area over the picture")
    await staff.page.get_by_role("button", name="Arrow", exact=True).click()
    await area.drag_to(area, source_position={"x": 90, "y": 120}, target_position={"x": 200, "y": 220})
    await expect(customer.page.locator("svg.marks path").first).to_be_visible()
    await staff.page.get_by_role("button", name="Done", exact=True).click()
    await staff.button("Freeze")
    await shows(customer.page, "Picture frozen")
    await staff.button("Freeze")
    await expect(customer.page.get_by_text("Picture frozen", exact=True)).to_have_count(0)
    await staff.button("Hold")
    await shows(customer.page, "On hold")
    await staff.button("Hold")
    await expect(customer.page.get_by_text("On hold", exact=True)).not_to_be_visible()
    await staff.button("Pause recording")
    await shows(customer.page, "Recording paused")
    await staff.button("Pause recording")
    await customer.button("Mute")
    await shows(staff.page, "Ana is muted")
    await customer.button("Camera off")
    await shows(staff.page, "Ana turned the camera off")
    await customer.button("Camera off")

    await staff.page.get_by_role("tab", name="Note").click()
    await staff.page.get_by_role("textbox", name="Private note").fill("Match tan no. 4")
    await shows(staff.page, "Saved")
    await staff.button("Hand over")
    await staff.page.get_by_role("dialog").get_by_role("button", name=re.compile("Li Wei")).click()
    await colleague.button("Join")
    await sees_picture(colleague.page)
    await expect(staff.page.get_by_role("switch", name="Available")).to_be_visible()
    await hang_up(colleague)
    [call] = await records(staff, server)
    record = await (await staff.context.request.get(f"{server.base}/api/calls/{call['id']}")).json()
    assert record["call"]["note"] == "Match tan no. 4"


async def test_a_note_keeps_what_is_typed_as_soon_as_it_opens(browser: Browser, server: LoupeServer) -> None:
    staff = await StaffPerson.come_in(browser, server)
    await staff.be_available()
    customer = await CustomerPerson.arrive(browser, server)
    await customer.join()
    await staff.answer()
    await staff.page.get_by_role("tab", name="Note").evaluate(
        """tab => new Promise((resolve) => {
            new MutationObserver((_, observer) => {
                const field = document.querySelector("textarea[maxlength='4000']");
                if (!field) return;
                observer.disconnect();
                field.value = "Match tan no. 4";
                field.dispatchEvent(new InputEvent("input", { bubbles: true }));
                resolve();
            }).observe(document.body, { childList: true, subtree: true });
            tab.click();
        })"""
    )
    await shows(staff.page, "Saved")
    await expect(staff.page.get_by_role("textbox", name="Private note")).to_have_value("Match tan no. 4")
    await hang_up(staff)
