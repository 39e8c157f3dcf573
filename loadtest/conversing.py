"""The customer's conversation with the shop, for the portraits: empty, busy, without a network, searched, on a second device."""

from __future__ import annotations

import asyncio

from playwright.async_api import expect

from loadtest.scenes import bag_film
from loadtest.sitters import THREE, Clerk, Set, Writer

LATER_MS = 3000  # a voice note of this length
SIZES = ("phone", "tablet", "side")


async def conversation(scene: Set) -> None:
    clerk = await scene.clerk("lin")
    customer = await scene.writer()
    async with scene.part("hello"):
        await _hello(customer)
    async with scene.part("talk"):
        await _talk(scene, customer, clerk)
    async with scene.part("writing"):
        await _writing(scene, customer, clerk)
    async with scene.part("without a network"):
        await _offline(customer, clerk)
    async with scene.part("search"):
        await _search(customer)
    async with scene.part("devices"):
        await _devices(scene, customer)
    async with scene.part("ring"):
        await _ring(customer, clerk)
    async with scene.part("door of the conversation"):
        lost = await scene.writer()
        await lost.page.goto(lost.page.url.replace("/demo/", "/gone/"))
        await lost.shows(lost.page.get_by_role("heading").first)
        await lost.portrait("conversation-no-shop")
    async with scene.part("erased"):
        await _erased(customer, clerk)
    await scene.over()


async def _hello(customer: Writer) -> None:
    await customer.sees("How can we help?")
    await customer.portrait("conversation-empty", SIZES)
    await customer.call_me("Ana")
    await customer.portrait("conversation-named")


async def _talk(scene: Set, customer: Writer, clerk: Clerk) -> None:
    """Words, pictures, a video, a voice note and a file; an answer to one line, and one taken back on each side."""
    await customer.message("Hello, the flap of my bag is scratched. Can you mend it?")
    await customer.choose(scene.photo)
    await customer.message("This is the place")
    await clerk.page.goto(scene.facts["staff_url"].rstrip("/") + "/inbox")
    await clerk.open("Ana")
    await clerk.sees("This is the place")
    reply = "Thank you. The leather is sound, only the finish is gone: 180, ready on Thursday."
    await _act(clerk, "This is the place", "Reply")
    await clerk.message(reply)
    await customer.sees(reply)
    await customer.tap("Record a voice note")
    await customer.page.wait_for_timeout(LATER_MS)
    await customer.portrait("conversation-recording")
    await customer.tap("Send the voice note")
    await clerk.shows(clerk.button("Play the voice note"))
    await customer.message("Is Wednesday possible?")
    await clerk.sees("Is Wednesday possible?")  # an answer that has not seen it is held back
    await clerk.message("Wednesday after four is fine.")
    await clerk.message("That was for another customer")
    await _act(clerk, "That was for another customer", "Take back")
    await customer.sees("Message taken back")
    await customer.message("The address is wrong, sorry")
    await customer.has_mark("The address is wrong, sorry", "Read", "Delivered", "Sent")
    await _act(customer, "The address is wrong, sorry", "Take back")
    await customer.portrait("conversation-words", SIZES)
    await clerk.field("Write a message").press_sequentially("...")
    await customer.shows(customer.page.get_by_text(customer.say("{name} is answering", name="Lin Mei")))
    await customer.portrait("conversation-being-answered")
    await clerk.field("Write a message").fill("")
    receipt = scene.photo.with_name(customer.say("receipt.pdf"))
    receipt.write_bytes(b"%PDF-1.4 " + bytes(183_000))
    await customer.choose(receipt)
    await customer.message("The receipt is here:")
    film = await asyncio.to_thread(bag_film, scene.photo.with_name("bag.webm"))
    await customer.choose(film, scene.photo)
    await customer.portrait("conversation-tray")
    await customer.tap("Send")
    await clerk.shows(clerk.page.get_by_label(clerk.say("Video"), exact=True).first)
    await clerk.message("Your colour card: https://example.com/colours")
    await customer.shows(customer.page.get_by_role("link", name="example.com").first)
    await customer.shows(customer.page.get_by_label(customer.say("Video"), exact=True).first)
    await customer.portrait("conversation-files", SIZES)
    await clerk.portrait("inbox-files", THREE)


async def _act(sitter: Writer | Clerk, text: str, deed: str) -> None:
    line = sitter.page.get_by_role("listitem").filter(has_text=sitter.say(text)).last
    await sitter.button("Actions for this message", within=line).dispatch_event("click")
    await sitter.button(deed, within=line).click()


async def _writing(scene: Set, customer: Writer, clerk: Clerk) -> None:
    line = customer.page.get_by_role("listitem").filter(has_text=customer.say("Wednesday after four is fine.")).last
    await customer.button("Actions for this message", within=line).dispatch_event("click")
    await customer.button("Reply", within=line).scroll_into_view_if_needed()
    await customer.portrait("conversation-actions")
    await customer.button("Reply", within=line).click()
    await customer.portrait("conversation-replying")
    await customer.tap("Do not reply to this")
    await customer.tap("Add a picture or a file")
    await customer.portrait("conversation-picker")
    await customer.page.keyboard.press("Escape")
    await customer.button("Open the picture").click()
    await customer.portrait("conversation-picture")
    await customer.page.keyboard.press("Escape")


async def _offline(customer: Writer, clerk: Clerk) -> None:
    await customer.loses_network()
    await customer.message("I am on the underground, I will write soon")
    await customer.has_mark("I am on the underground, I will write soon", "Waiting to be sent")
    await customer.shows(
        customer.page.locator(".talk-link, [role=status]").filter(has_text=customer.say("No connection")).first
    )
    await customer.portrait("conversation-offline", SIZES)
    await customer.has_network_again()
    await customer.has_mark("I am on the underground, I will write soon", "Sent", "Delivered", "Read")
    await clerk.sees("I am on the underground, I will write soon")


async def _search(customer: Writer) -> None:
    await customer.tap("Search this conversation")
    await customer.portrait("conversation-search")
    field = customer.page.get_by_role("searchbox")
    await field.fill(customer.say("Wednesday"))
    await customer.shows(customer.page.get_by_role("dialog").locator("mark").first)
    await customer.portrait("conversation-search-hits", SIZES)
    await field.fill(customer.say("umbrella"))
    await customer.shows(
        customer.page.get_by_text(customer.say("Nothing found for “{words}”.", words=customer.say("umbrella")))
    )
    await customer.portrait("conversation-search-none")
    await field.fill(customer.say("Wednesday"))
    await (
        customer.page.get_by_role("dialog").get_by_role("button").filter(has=customer.page.locator("mark")).last.click()
    )
    await customer.shows(customer.page.locator(".talk-words mark"))
    await customer.portrait("conversation-found")
    await customer.page.reload()


async def _devices(scene: Set, customer: Writer) -> None:
    await customer.tap("My devices")
    await customer.shows(customer.page.get_by_text(customer.say("This device")))
    await customer.portrait("conversation-devices")
    await customer.tap("Add a device")
    digits = await customer.page.get_by_role("dialog").locator("strong").inner_text()
    await customer.portrait("conversation-device-code", SIZES)
    await customer.tap("Close")
    second = await scene.writer()
    address = f"{second.page.url}#join={digits.replace(' ', '')}"
    await second.page.goto("about:blank")  # as a scanned code opens it: anew
    await second.page.goto(address)
    await second.shows(second.button("Open it here"))
    await second.portrait("conversation-join")
    await second.tap("Open it here")
    await second.sees("Wednesday after four is fine.")
    await customer.tap("My devices")
    await customer.shows(customer.button("Sign out"))
    await customer.portrait("conversation-two-devices")
    await customer.tap("Sign out")
    await second.sees("This device was signed out")
    await second.portrait("conversation-signed-out", SIZES)
    await customer.tap("Close")


async def _ring(customer: Writer, clerk: Clerk) -> None:
    await clerk.button("Video call").click()
    await customer.shows(customer.page.get_by_role("alertdialog"))
    await customer.portrait("conversation-ring", SIZES)
    await clerk.portrait("inbox-ringing")
    await customer.tap("Not now")
    await clerk.shows(clerk.button("Ring again"))
    await clerk.portrait("inbox-ring-declined")
    await customer.portrait("conversation-rung")


async def _erased(customer: Writer, clerk: Clerk) -> None:
    panel = clerk.page.get_by_role("complementary")
    dialog = clerk.page.get_by_role("dialog")
    async with clerk.on_a_phone():
        await clerk.tap("More")
        await clerk.button("About this customer", within=dialog).click()
        await clerk.button("Erase all data…", within=panel).click()
        await clerk.portrait("inbox-erase", ("phone",))
        await clerk.button("Cancel", within=dialog).click()
    await clerk.button("Erase all data…", within=panel).click()
    await clerk.portrait("inbox-erase", ("tablet", "small"))
    await dialog.get_by_role("textbox").fill(clerk.say("Ana"))
    await clerk.button("Erase everything", within=dialog).click()
    await customer.sees("Your data were erased")
    await customer.portrait("conversation-erased")
    await expect(dialog).to_have_count(0)
    await clerk.portrait("inbox-erased")
