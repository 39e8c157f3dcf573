"""What staff do around a conversation, in real Chromium pages: two tablets of a shop and a customer's phone."""

from __future__ import annotations

import asyncio
import json

import pytest
from playwright.async_api import Browser, Page, WebSocket, expect

from loadtest.browser import PHONE, person
from loadtest.server_process import LoupeServer
from tests.journeys.test_conversation import open_first, phone, reads, say, tablet

pytestmark = [pytest.mark.journey, pytest.mark.timeout(120)]


async def named(browser: Browser, server: LoupeServer, name: str, text: str) -> Page:
    """A customer's phone, who said a name and some words."""
    _, page = await phone(browser, server)
    await page.get_by_role("textbox", name="What may we call you?").fill(name)
    await page.keyboard.press("Enter")
    await expect(page.get_by_text(f"Hello {name}")).to_be_visible()
    await say(page, text)
    return page


async def test_a_colleague_who_is_named_in_a_note_sees_it_and_jumps_there(
    browser: Browser, server: LoupeServer
) -> None:
    heard: list[str] = []
    _, customer = await person(browser, size=PHONE)
    customer.on("websocket", lambda socket: socket.on("framereceived", lambda text: heard.append(str(text))))
    await customer.goto(f"{server.base}/s/demo/chat")
    await say(customer, "Can you glue this?")
    _, lin = await tablet(browser, server, "lin")
    _, li = await tablet(browser, server, "li")
    await open_first(lin)
    await lin.get_by_role("textbox", name="Write a note").press_sequentially("Please @l")
    # the first letter comes before the next paint
    await lin.get_by_role("button", name="Li Wei").evaluate(
        "button => { button.click(); document.execCommand('insertText', false, 'l'); }"
    )
    await lin.keyboard.type("ook at the glue")
    await lin.get_by_role("button", name="Save the note").click()
    await li.get_by_role("button", name="1 new note names you").click()
    await li.get_by_role("button", name="Lin Mei, about").click()
    await expect(li.get_by_role("complementary").get_by_text("Please @Li Wei look at the glue")).to_be_visible()
    await expect(li.get_by_role("button", name="Where you are named")).to_be_visible()
    await li.reload()
    await expect(li.get_by_role("button", name="Where you are named")).to_be_visible()
    await say(lin, "Yes, we can")
    await reads(customer, "Yes, we can")
    assert not [text for text in heard if "look at the glue" in text or '"s.' in text]


async def test_who_waits_in_line_is_answered_from_the_conversation_at_once(
    browser: Browser, server: LoupeServer
) -> None:
    _, customer = await phone(browser, server)
    await say(customer, "Can you see the scratch?")
    await customer.goto(f"{server.base}/s/demo")
    await customer.get_by_role("textbox", name="Your name").fill("Ann")
    await customer.get_by_role("button", name="Start video call").click()
    await expect(customer.get_by_role("status").filter(has_text="You are number 1 in line")).to_be_visible()
    _, lin = await tablet(browser, server, "lin")
    await open_first(lin)
    await lin.get_by_role("button", name="Video call", exact=True).click()
    for page in (customer, lin):
        await expect(page.get_by_role("button", name="Hang up", exact=True)).to_be_visible()


async def test_a_call_from_the_conversation_rings_until_it_is_answered_and_opens_by_itself(
    browser: Browser, server: LoupeServer
) -> None:
    customer = await named(browser, server, "Ann", "May I show you?")
    _, lin = await tablet(browser, server, "lin")
    await open_first(lin)
    await lin.get_by_role("button", name="Video call", exact=True).click()
    await expect(lin.get_by_text("Calling Ann")).to_be_visible()
    await customer.get_by_role("button", name="Not now").click()
    await expect(lin.get_by_text("Ann cannot talk now.")).to_be_visible()
    await lin.get_by_role("button", name="Ring again").click()
    await lin.get_by_role("button", name="Stop").click()
    await expect(customer.get_by_role("alertdialog")).to_have_count(0)
    await lin.get_by_role("button", name="Video call", exact=True).click()
    await customer.reload()  # a page that is opened meanwhile rings, too
    await customer.get_by_role("alertdialog").get_by_role("button", name="Join").click()
    await expect(lin.get_by_text("The call opens here by itself")).to_be_visible()
    await customer.get_by_role("button", name="Start video call").click()
    await expect(lin.get_by_role("button", name="Hang up")).to_be_visible()
    await expect(customer.locator("video[data-remote]").first).to_be_visible()


async def test_who_signs_out_hands_over_in_one_tap(browser: Browser, server: LoupeServer) -> None:
    await named(browser, server, "Ann", "Hello")
    await named(browser, server, "Tom", "Is my bag ready?")
    _, lin = await tablet(browser, server, "lin")
    _, li = await tablet(browser, server, "li")
    for name in ("Ann", "Tom"):
        await lin.get_by_role("navigation", name="Conversations").get_by_role("link", name=name).click()
        await lin.get_by_role("button", name="Take it").click()
        await expect(lin.get_by_text("Assigned to you")).to_be_visible()
    await lin.get_by_role("link", name="Desk").click()
    await lin.get_by_role("button", name="Sign out").click()
    await expect(lin.get_by_role("heading", name="2 conversations are still yours")).to_be_visible()
    await lin.get_by_role("button", name="Give them to Li Wei").click()
    await expect(lin.get_by_role("button", name="Sign in")).to_be_visible()
    await li.get_by_role("button", name="Mine 2").click()
    await expect(li.get_by_role("navigation", name="Conversations").get_by_role("link")).to_have_count(2)


async def test_a_quick_reply_is_written_once_and_inserted_on_the_other_tablet(
    browser: Browser, server: LoupeServer
) -> None:
    customer = await named(browser, server, "Ann", "When are you open?")
    _, lin = await tablet(browser, server, "lin")
    await open_first(lin)
    await lin.get_by_role("button", name="Add a quick reply").click()
    await lin.get_by_role("button", name="New quick reply").click()
    await lin.get_by_role("textbox", name="Name", exact=True).fill("hours")
    await lin.get_by_role("textbox", name="Words").fill("Hello {name}, we are open from 9 to 6.")
    await lin.get_by_role("button", name="Save", exact=True).click()
    await lin.keyboard.press("Escape")
    _, li = await tablet(browser, server, "li")
    await open_first(li)
    await expect(li.get_by_role("list", name="Quick replies").get_by_role("button", name="hours")).to_be_visible()
    await li.get_by_role("textbox", name="Write a message").focus()
    # As fast as a hand on a keyboard is when the page is slow: no key waits for what the one before has painted.
    await asyncio.gather(*(li.keyboard.press(key) for key in ("/", "h", "o", "Enter", "Enter")))
    await reads(customer, "Hello Ann, we are open from 9 to 6.")
    await expect(customer.get_by_text("/ho", exact=True)).to_have_count(0)


async def test_two_who_edit_one_customer_lose_nothing_and_a_new_name_is_on_both_tablets(
    browser: Browser, server: LoupeServer
) -> None:
    await named(browser, server, "Ann", "Hello")
    tablets = [(await tablet(browser, server, user))[1] for user in ("lin", "li")]
    for page in tablets:
        await open_first(page)
        await page.get_by_role("button", name="Edit the profile").click()
    lin, li = tablets
    await lin.get_by_role("textbox", name="Name", exact=True).fill("Ann Chen")
    await lin.get_by_role("button", name="Save", exact=True).click()
    await expect(li.get_by_role("link", name="Ann Chen")).to_be_visible()
    await li.get_by_role("textbox", name="Preferences").fill("Comes after six")
    await li.get_by_role("button", name="Save", exact=True).click()
    await expect(li.get_by_role("alert")).to_contain_text("Lin Mei changed this profile meanwhile")
    await expect(li.get_by_role("textbox", name="Name", exact=True)).to_have_value("Ann Chen")
    await li.get_by_role("button", name="Save", exact=True).click()
    await expect(li.get_by_role("complementary").get_by_text("Comes after six")).to_be_visible()
    await expect(li.get_by_role("complementary").get_by_role("heading", name="Ann Chen")).to_be_visible()


async def test_a_closed_conversation_is_found_again_and_opens_with_the_next_words(
    browser: Browser, server: LoupeServer
) -> None:
    customer = await named(browser, server, "Ann", "Thank you")
    _, lin = await tablet(browser, server, "lin")
    await open_first(lin)
    await lin.get_by_role("button", name="Done").click()
    await expect(lin.get_by_text("Nobody waits for an answer")).to_be_visible()
    _, li = await tablet(browser, server, "li")
    await li.get_by_role("button", name="Closed").click()
    await open_first(li)
    await expect(li.get_by_text("What you write opens it again")).to_be_visible()
    await reads(li, "Thank you")  # an answer to what is not there yet would be held back
    await say(li, "Your shoes are ready")
    await reads(customer, "Your shoes are ready")
    await li.get_by_role("button", name="Mine 1").click()
    await expect(li.get_by_role("navigation", name="Conversations").get_by_role("link", name="Ann")).to_be_visible()


async def test_done_right_after_a_reply_waits_until_the_reply_is_kept(browser: Browser, server: LoupeServer) -> None:
    await named(browser, server, "Ann", "Hello")
    passed: list[str] = []
    _, lin = await tablet(browser, server, "lin")

    def watch(socket: WebSocket) -> None:
        socket.on("framesent", lambda text: passed.append(f"> {json.loads(text)['type']}"))
        socket.on("framereceived", lambda text: passed.append(f"< {json.loads(text)['type']}"))

    lin.on("websocket", watch)
    await lin.reload()
    await open_first(lin)
    await expect(lin.get_by_role("region", name="Ann").get_by_text("Hello")).to_be_visible()
    field = lin.get_by_role("textbox", name="Write a message")
    await field.fill("It is ready")
    await field.evaluate(
        """field => {
            field.form.requestSubmit();
            document.querySelector("[data-deed='close']").click();
        }"""
    )
    await expect(lin.get_by_role("button", name="Reopen")).to_be_visible()
    await expect(lin.get_by_text("You closed it")).to_be_visible()
    between = passed[passed.index("> chat.append") + 1 : passed.index("> chat.inbox.set")]
    assert {"< chat.ack", "< chat.entries"} & set(between)  # either says that it is kept


async def test_the_next_key_after_one_that_opens_a_dialog_is_the_dialogs(browser: Browser, server: LoupeServer) -> None:
    _, page = await tablet(browser, server, "lin")
    for name in ("Keyboard", "Search all conversations"):
        button = page.get_by_role("button", name=name)
        holds_focus = await button.evaluate(
            """button => new Promise((resolve) => {
                const look = (_, observer) => {
                    const dialog = document.querySelector("[role='dialog']");
                    if (!dialog) return;
                    observer.disconnect();
                    resolve(dialog.contains(document.activeElement));
                };
                new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
                button.click();
            })"""
        )
        assert holds_focus
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)


async def test_both_tablets_see_who_answers_and_the_inbox_is_worked_by_keys(
    browser: Browser, server: LoupeServer
) -> None:
    await named(browser, server, "Ann", "Hello")
    await named(browser, server, "Tom", "Is my bag ready?")
    _, lin = await tablet(browser, server, "lin")
    _, li = await tablet(browser, server, "li")
    rows = li.get_by_role("navigation", name="Conversations")
    await expect(lin.get_by_role("button", name="All 2")).to_be_visible()
    await lin.keyboard.press("j")
    await expect(lin.get_by_role("region", name="Ann").get_by_text("Hello")).to_be_visible()
    await lin.keyboard.press("r")
    await lin.keyboard.type("Come in, ")
    await expect(rows.get_by_role("link", name="Ann")).to_contain_text("Lin Mei is answering")
    await lin.keyboard.type("we are open")
    await lin.keyboard.press("Enter")
    await expect(rows.get_by_text("Lin Mei is answering")).to_have_count(0)
    await lin.keyboard.press("Escape")
    await lin.keyboard.press("e")
    await expect(lin.get_by_role("button", name="All 1")).to_be_visible()
    await lin.keyboard.press("6")
    await expect(lin.get_by_role("button", name="Closed")).to_have_attribute("aria-pressed", "true")
    await lin.keyboard.press("1")
    await lin.keyboard.press("j")
    await lin.keyboard.press("t")
    await expect(lin.get_by_text("Assigned to you")).to_be_visible()
    await lin.keyboard.press("?")
    await expect(lin.get_by_role("dialog", name="Keyboard")).to_be_visible()
    await lin.keyboard.press("Escape")
    await lin.keyboard.press("n")
    await lin.keyboard.type("wants it today")
    await lin.keyboard.press("Control+Enter")
    await rows.get_by_role("link", name="Tom").click()
    await expect(li.get_by_text("wants it today")).to_be_visible()
