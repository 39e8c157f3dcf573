"""The conversation around the call, in real Chromium pages: a customer's phone and the shop's tablets."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, BrowserContext, Locator, Page, expect

from loadtest.browser import PHONE, TABLET, person
from loadtest.server_process import LoupeServer
from tests.journeys.years import somebody, years_of_words

pytestmark = [pytest.mark.journey, pytest.mark.timeout(120)]

# Survives a reload, as flight mode does.
CUT = "if (sessionStorage.getItem('cut')) probe.wsBlocked = true;"


async def phone(browser: Browser, server: LoupeServer, *, language: str = "en-US") -> tuple[BrowserContext, Page]:
    context, page = await person(browser, size=PHONE, language=language, script=CUT)
    await page.goto(f"{server.base}/s/demo/chat")
    await expect(page.get_by_text("How can we help?" if language == "en-US" else "有什么可以帮您？")).to_be_visible()
    return context, page


async def tablet(browser: Browser, server: LoupeServer, username: str) -> tuple[BrowserContext, Page]:
    context, page = await person(browser, size=TABLET, script=CUT)
    await page.goto(f"{server.base}/staff/inbox")
    await page.get_by_role("textbox", name="Username").fill(username)
    await page.get_by_role("textbox", name="Password").fill(server.facts["password"])
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", name="Inbox")).to_be_visible()
    return context, page


async def say(page: Page, text: str) -> None:
    await page.get_by_role("textbox", name="Write a message").fill(text)
    await page.get_by_role("textbox", name="Write a message").press("Enter")


async def open_first(page: Page) -> None:
    await page.get_by_role("navigation", name="Conversations").get_by_role("link").first.click()


def line(page: Page, text: str) -> Locator:
    return page.get_by_role("listitem").filter(has_text=text)


async def reads(page: Page, text: str) -> None:
    """Exactly once, in the conversation."""
    await expect(page.get_by_role("region", name="Messages").get_by_text(text, exact=True)).to_have_count(1)


async def has_mark(page: Page, text: str, mark: str) -> None:
    await expect(line(page, text).get_by_role("img", name=mark, exact=True)).to_be_visible()


async def texts(page: Page) -> list[str]:
    return await page.locator(".talk-words").all_inner_texts()


async def cut(context: BrowserContext, page: Page) -> None:
    """The network is gone for what the page asks of the server; the page itself can be loaded."""
    await context.route("**/api/**", lambda route: route.abort())
    await page.evaluate("sessionStorage.setItem('cut', '1'); probe.cutSockets()")


async def heal(context: BrowserContext, page: Page) -> None:
    await context.unroute("**/api/**")
    await page.evaluate("sessionStorage.removeItem('cut'); probe.healSockets(); dispatchEvent(new Event('online'))")


async def test_both_write_and_see_what_was_delivered_and_read(browser: Browser, server: LoupeServer) -> None:
    _, customer = await phone(browser, server)
    await say(customer, "The heel is loose")
    await has_mark(customer, "The heel is loose", "Sent")
    _, staff = await tablet(browser, server, "lin")
    await open_first(staff)
    await reads(staff, "The heel is loose")
    await has_mark(customer, "The heel is loose", "Read")
    await say(staff, "Bring it by tomorrow")
    await reads(customer, "Bring it by tomorrow")
    await has_mark(staff, "Bring it by tomorrow", "Read")


async def test_three_words_written_without_a_network_survive_a_reload_and_arrive_once_in_order(
    browser: Browser, server: LoupeServer
) -> None:
    context, customer = await phone(browser, server)
    _, staff = await tablet(browser, server, "lin")
    await say(customer, "before")
    await open_first(staff)
    await reads(staff, "before")

    await cut(context, customer)
    for text in ("first", "second", "third"):
        await say(customer, text)
        await has_mark(customer, text, "Waiting to be sent")
    await customer.reload()
    for text in ("before", "first", "second", "third"):
        await reads(customer, text)
    await has_mark(customer, "third", "Waiting to be sent")

    await heal(context, customer)
    await reads(staff, "third")
    await has_mark(customer, "third", "Read")
    assert await texts(staff) == ["before", "first", "second", "third"]
    assert await texts(customer) == ["before", "first", "second", "third"]


async def test_an_answer_that_has_not_seen_a_colleagues_is_held_back(browser: Browser, server: LoupeServer) -> None:
    _, customer = await phone(browser, server)
    await say(customer, "When do you close?")
    lin_context, lin = await tablet(browser, server, "lin")
    _, li = await tablet(browser, server, "li")
    for staff in (lin, li):
        await open_first(staff)
        await reads(staff, "When do you close?")
    await cut(lin_context, lin)
    await say(lin, "At five")
    await say(li, "At six today")
    await reads(customer, "At six today")
    await heal(lin_context, lin)
    await expect(lin.get_by_role("alert")).to_contain_text("Something new was said before your answer")
    await reads(lin, "At six today")
    assert await texts(customer) == ["When do you close?", "At six today"]
    await lin.get_by_role("button", name="Send anyway").click()
    await reads(customer, "At five")


async def test_a_message_taken_back_leaves_a_stub_on_both_sides(browser: Browser, server: LoupeServer) -> None:
    _, customer = await phone(browser, server)
    await say(customer, "my secret")
    _, staff = await tablet(browser, server, "lin")
    await open_first(staff)
    await reads(staff, "my secret")
    await line(customer, "my secret").get_by_role("button", name="Actions for this message").focus()
    await customer.keyboard.press("Enter")
    await customer.get_by_role("button", name="Take back").click()
    await reads(customer, "You took this message back")
    await reads(staff, "Message taken back")
    await expect(staff.get_by_text("my secret")).to_have_count(0)


async def test_two_tabs_of_one_phone_hold_the_same_conversation(browser: Browser, server: LoupeServer) -> None:
    context, first = await phone(browser, server)
    await say(first, "from the first tab")
    await has_mark(first, "from the first tab", "Sent")
    second = await context.new_page()
    await second.goto(f"{server.base}/s/demo/chat")
    await reads(second, "from the first tab")
    await say(second, "from the second tab")
    await reads(first, "from the second tab")
    await say(first, "and the first again")
    await reads(second, "and the first again")
    assert await texts(first) == await texts(second)


async def test_where_websockets_are_blocked_the_page_falls_back_to_polling(
    browser: Browser, server: LoupeServer
) -> None:
    _, staff = await tablet(browser, server, "lin")
    _, customer = await person(browser, size=PHONE, script="probe.wsBlocked = true;")
    await customer.goto(f"{server.base}/s/demo/chat")
    await say(customer, "From behind a proxy")
    await open_first(staff)
    await reads(staff, "From behind a proxy")
    await say(staff, "Welcome all the same")
    await reads(customer, "Welcome all the same")
    for text in ("one", "two", "three"):
        await say(customer, text)
    await has_mark(customer, "three", "Read")
    assert await texts(staff) == ["From behind a proxy", "Welcome all the same", "one", "two", "three"]


async def test_in_flight_mode_the_page_opens_and_shows_what_was_said(browser: Browser, server: LoupeServer) -> None:
    context, customer = await phone(browser, server)
    await say(customer, "said before the flight")
    await has_mark(customer, "said before the flight", "Sent")
    await customer.evaluate("navigator.serviceWorker.ready.then(() => undefined)")
    await context.set_offline(True)
    await customer.reload()
    await reads(customer, "said before the flight")
    await say(customer, "written above the clouds")
    await has_mark(customer, "written above the clouds", "Waiting to be sent")
    await expect(customer.get_by_text("No connection.", exact=False)).to_be_visible()
    await customer.reload()
    await context.set_offline(False)
    await has_mark(customer, "written above the clouds", "Sent")
    assert await texts(customer) == ["said before the flight", "written above the clouds"]


async def test_ten_thousand_characters_arrive_whole_also_beside_a_file(browser: Browser, server: LoupeServer) -> None:
    _, customer = await phone(browser, server)
    words = " ".join(f"w{number}" for number in range(2000))
    await customer.get_by_role("textbox", name="Write a message").focus()
    await customer.keyboard.insert_text(words)
    await customer.keyboard.press("Enter")
    await has_mark(customer, "w1999", "Sent")
    assert " ".join(await texts(customer)) == words
    short = words[:1500].strip()
    files = customer.locator("input[type=file]").last
    await files.set_input_files({"name": "sizes.txt", "mimeType": "text/plain", "buffer": b"39 and 40"})
    await customer.get_by_role("textbox", name="Write a message").focus()
    await customer.keyboard.insert_text(short)
    await customer.keyboard.press("Enter")
    await has_mark(customer, "sizes.txt", "Sent")
    assert (await texts(customer))[-1] == short


async def test_a_phone_whose_cookies_were_deleted_comes_in_anew_without_a_reload(
    browser: Browser, server: LoupeServer
) -> None:
    context, customer = await phone(browser, server)
    await say(customer, "with the old cookie")
    await has_mark(customer, "with the old cookie", "Sent")
    await context.clear_cookies()
    await customer.evaluate("probe.cutSockets(); probe.healSockets()")
    await expect(customer.get_by_text("How can we help?")).to_be_visible()
    await say(customer, "with the new one")
    await has_mark(customer, "with the new one", "Sent")


async def test_a_second_phone_joins_with_the_digits_that_the_first_one_shows(
    browser: Browser, server: LoupeServer
) -> None:
    _, first = await phone(browser, server)
    await say(first, "from the first phone")
    await has_mark(first, "from the first phone", "Sent")
    await first.get_by_role("button", name="My devices").click()
    await first.get_by_role("button", name="Add a device").click()
    digits = await first.get_by_role("dialog").locator("strong").inner_text()
    await first.get_by_role("button", name="Close", exact=True).click()

    _, second = await phone(browser, server)
    await second.goto(f"{server.base}/s/demo/chat#join={digits.replace(' ', '')}")
    await second.reload()
    await second.get_by_role("button", name="Open it here").click()
    await reads(second, "from the first phone")
    await say(second, "from the second phone")
    await reads(first, "from the second phone")

    await first.get_by_role("button", name="My devices").click()
    await first.get_by_role("button", name="Sign out").click()
    await expect(second.get_by_text("This device was signed out")).to_be_visible()
    await expect(second.get_by_text("from the first phone")).to_have_count(0)
    await second.reload()
    await expect(second.get_by_text("This device was signed out")).to_be_visible()
    await expect(second.get_by_text("from the first phone")).to_have_count(0)

    await first.get_by_role("button", name="Add a device").click()
    digits = await first.get_by_role("dialog").locator("strong").inner_text()
    await second.get_by_role("textbox", name="Code from another device").fill(digits)
    await second.get_by_role("button", name="Join", exact=True).click()
    await reads(second, "from the first phone")


async def test_a_note_is_on_the_other_tablet_and_never_in_what_the_phone_hears(
    browser: Browser, server: LoupeServer
) -> None:
    heard: list[str] = []
    _, customer = await person(browser, size=PHONE)
    customer.on("websocket", lambda socket: socket.on("framereceived", lambda text: heard.append(str(text))))
    await customer.goto(f"{server.base}/s/demo/chat")
    await say(customer, "Can I pay by card?")
    _, lin = await tablet(browser, server, "lin")
    _, li = await tablet(browser, server, "li")
    for staff in (lin, li):
        await open_first(staff)
    await lin.get_by_role("button", name="Take it").click()
    await expect(li.get_by_text("Assigned to Lin Mei")).to_be_visible()
    await li.get_by_role("button", name="Take it").click()
    await expect(li.get_by_role("heading", name="Lin Mei has this conversation.")).to_be_visible()
    await li.get_by_role("button", name="Close", exact=True).click()
    await lin.get_by_role("textbox", name="Write a note").fill("pays late, ask for cash")
    await lin.get_by_role("button", name="Save the note").click()
    await expect(li.get_by_text("pays late, ask for cash")).to_be_visible()
    await say(lin, "Yes, any card")
    await reads(customer, "Yes, any card")
    assert any("Yes, any card" in text for text in heard)
    assert not [text for text in heard if "pays late" in text or '"n.' in text or "assigned" in text]


async def test_years_are_read_from_the_newest_line_back_to_the_first(browser: Browser, server: LoupeServer) -> None:
    await years_of_words(server, await somebody(server), [f"Line {n}" for n in range(1, 561)])
    _, staff = await tablet(browser, server, "lin")
    await open_first(staff)
    await reads(staff, "Line 560")
    assert len(await texts(staff)) < 300
    await staff.wait_for_function(
        """() => {
          const lines = document.querySelector('.talk-scroll');
          lines.scrollTop = -lines.scrollHeight;
          return document.querySelector('.talk-beginning') !== null;
        }""",
        polling=200,
        timeout=40_000,
    )
    assert await texts(staff) == [f"Line {n}" for n in range(1, 561)]
    await staff.reload()
    await reads(staff, "Line 560")
    assert len(await texts(staff)) < 300
