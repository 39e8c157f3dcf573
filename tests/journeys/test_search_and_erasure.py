"""Finding what was said, and erasing a customer, in real Chromium pages."""

from __future__ import annotations

import asyncio
import os

import pytest
from playwright.async_api import Browser, Page, expect

from loadtest.server_process import LoupeServer
from tests.journeys.test_conversation import has_mark, open_first, phone, reads, say, tablet
from tests.journeys.years import years_of_words

pytestmark = [pytest.mark.journey, pytest.mark.timeout(180)]
LOOKED_AT = os.environ.get("LOUPE_PICTURES", "")  # a folder: the pages are photographed for people to look at
MANY = 1200


async def look(page: Page, name: str) -> None:
    if LOOKED_AT:
        await page.screenshot(path=f"{LOOKED_AT}/{name}.png")


async def id_of(customer: Page) -> str:
    return str(await customer.evaluate("JSON.parse(localStorage.getItem('loupe.chat.demo')).id"))


def words() -> list[str]:
    """One line of much is to be found."""
    return ["左脚的鞋跟断了，周五能修好吗？" if number == 200 else f"Message number {number}" for number in range(MANY)]


async def looks_for(page: Page, name: str, words: str) -> None:
    await page.get_by_role("button", name=name).first.click()
    await page.get_by_role("searchbox").fill(words)


async def scrolls_down(page: Page) -> None:
    await page.get_by_role("region", name="Messages").evaluate(
        "(box) => new Promise((done) => { box.scrollBy(0, 4000); requestAnimationFrame(done); })"
    )


async def test_words_of_long_ago_are_found_and_shown_in_their_place(browser: Browser, server: LoupeServer) -> None:
    _, customer = await phone(browser, server)
    await say(customer, "Hello")
    await has_mark(customer, "Hello", "Sent")
    await years_of_words(server, await id_of(customer), words())
    _, staff = await tablet(browser, server, "lin")
    await looks_for(staff, "Search all conversations", "鞋跟")
    hit = staff.get_by_role("dialog").get_by_role("button").filter(has_text="左脚的")
    await expect(hit.locator("mark")).to_have_text("鞋跟")
    await look(staff, "search-staff")
    await hit.click()
    await reads(staff, "左脚的鞋跟断了，周五能修好吗？")
    await expect(staff.locator(".talk-words mark")).to_have_text("鞋跟")
    await expect(staff.locator(".talk-words mark")).to_be_in_viewport()
    await reads(staff, "Message number 199")
    await look(staff, "found-staff")
    await staff.get_by_role("button", name="To the newest message").click()
    await expect(staff.locator(".talk-words").get_by_text(f"Message number {MANY - 1}")).to_be_in_viewport()

    await looks_for(customer, "Search this conversation", "number 777")
    await expect(customer.get_by_role("dialog").locator("mark")).to_have_count(1)
    await look(customer, "search-customer")
    await customer.get_by_role("dialog").get_by_role("button").filter(has_text="777").click()
    await expect(customer.locator(".talk-words mark")).to_have_text("number 777")
    await expect(customer.locator(".talk-words mark")).to_be_in_viewport()
    await look(customer, "found-customer")
    await looks_for(customer, "Search this conversation", "unheard of")
    await expect(customer.get_by_text("Nothing found for “unheard of”.")).to_be_visible()
    await look(customer, "nothing-customer")


async def test_what_was_found_is_read_on_to_the_end(browser: Browser, server: LoupeServer) -> None:
    _, customer = await phone(browser, server)
    await say(customer, "Hello")
    await has_mark(customer, "Hello", "Sent")
    await years_of_words(server, await id_of(customer), words())
    await looks_for(customer, "Search this conversation", "number 600")
    await customer.get_by_role("dialog").get_by_role("button").filter(has_text="600").click()
    await reads(customer, "Message number 600")
    newest = customer.get_by_text(f"Message number {MANY - 1}", exact=True)
    async with asyncio.timeout(60):
        while not await newest.count():
            await scrolls_down(customer)
    await reads(customer, f"Message number {MANY - 1}")
    shown = await customer.locator(".talk-words").all_inner_texts()
    numbers = [int(text.rsplit(" ", 1)[1]) for text in shown if text.startswith("Message number")]
    assert numbers == list(range(numbers[0], MANY))


async def test_a_manager_erases_a_customer_and_every_page_says_so(browser: Browser, server: LoupeServer) -> None:
    context, customer = await phone(browser, server)
    await say(customer, "My heel is loose")
    _, staff = await tablet(browser, server, "lin")
    await open_first(staff)
    await reads(staff, "My heel is loose")
    panel = staff.get_by_role("complementary")
    async with staff.expect_download() as download:
        await panel.get_by_role("link", name="Export all data").click()
    assert (await (await download.value).path()).stat().st_size > 0
    await panel.get_by_role("button", name="Erase all data").click()
    dialog = staff.get_by_role("dialog")
    await expect(dialog.get_by_role("button", name="Erase everything")).to_be_disabled()
    await look(staff, "erase-staff")
    await dialog.get_by_role("textbox").fill("Guest")
    await dialog.get_by_role("button", name="Erase everything").click()
    await expect(
        staff.get_by_role("region", name="Messages").get_by_text("This conversation was erased")
    ).to_be_visible()
    await expect(staff.get_by_text("My heel is loose")).to_have_count(0)
    await expect(staff.get_by_text("Guest")).to_have_count(0)
    await look(staff, "erased-staff")
    await expect(customer.get_by_text("Your data were erased")).to_be_visible()
    await expect(customer.get_by_text("My heel is loose")).to_have_count(0)
    await look(customer, "erased-customer")
    await customer.reload()
    await expect(customer.get_by_text("Your data were erased")).to_be_visible()
    assert "heel" not in await kept_in(customer)
    await customer.get_by_role("button", name="Write to the shop anew").click()
    await say(customer, "Me again")
    await reads(staff, "Me again")
    await look(customer, "anew-customer")
    await context.close()


async def kept_in(page: Page) -> str:
    """All that the browser keeps of this page, as text."""
    return str(
        await page.evaluate("""async () => {
            const found = [JSON.stringify({...localStorage})];
            for (const {name} of await indexedDB.databases()) {
                const db = await new Promise((done) => { indexedDB.open(name).onsuccess = (e) => done(e.target.result); });
                for (const store of db.objectStoreNames) {
                    const asked = db.transaction(store).objectStore(store).getAll();
                    found.push(JSON.stringify(await new Promise((done) => { asked.onsuccess = () => done(asked.result); })));
                }
                db.close();
            }
            return found.join('\\n');
        }""")
    )
