"""`python -m loadtest.portraits OUT_DIR [--language zh-CN]`: every page and state as a picture, phone and tablet size.

Two real browsers with painted cameras, and a demonstration server for each of four stories: a day (a left message, a
call with its drawing, pictures and booking, and a second call without consent to recording), `mishaps` (what may go
wrong), the customer's conversation, and the staff's inbox. A state that does not come in time is told at the end, with
exit code 1; the others are portrayed all the same.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

from playwright.async_api import expect

from loadtest.browser import chromium
from loadtest.conversing import conversation
from loadtest.inbox_states import inbox
from loadtest.mishaps import mishaps
from loadtest.scenes import bag_photo, bag_video, counter_video
from loadtest.server_process import LoupeServer
from loadtest.sitters import PATIENCE_MS, THREE, Album, Customer, Set, Staff
from loadtest.words import CHINESE, ENGLISH

REPLAYS = (
    "() => [...document.querySelectorAll('video')].filter((v) => v.currentTime > 1.5 && v.videoWidth > 0).length >= 2"
)


async def day(scene: Set) -> None:
    album = scene.album
    staff = await scene.staff()
    with album.scene("door"):
        await _door(staff, scene.facts)
    customer = await scene.customer()
    with album.scene("left message"):
        await _left_message(customer, scene.photo)
    colleague = await scene.staff()
    with album.scene("desk"):
        await _desk(staff, colleague, scene.facts)
    second = await scene.customer()
    with album.scene("line"):
        await _line(staff, customer, second)
    with album.scene("call"):
        await _call(staff, customer)
    with album.scene("agreement"):
        await _agreement(staff, customer)
    with album.scene("afterwards"):
        await _afterwards(staff, customer)
    with album.scene("without consent"):
        await _without_consent(staff, second)
    for query, name in (("?t=altered", "customer-link-altered"), ("-gone", "customer-no-shop")):
        with album.scene(name):
            await customer.page.goto(scene.facts["customer_url"].split("?")[0] + query)
            await customer.shows(customer.page.get_by_role("heading").first)
            await customer.portrait(name)
    await scene.over()


async def _door(staff: Staff, facts: dict[str, Any]) -> None:
    await expect(staff.field("Username")).to_be_visible()
    await staff.portrait("staff-sign-in")
    await staff.field("Username").fill(facts["username"])
    await staff.field("Password").fill("not this one")
    await staff.tap("Sign in")
    await staff.sees("The username or password is not right. Please try again.")
    await staff.portrait("staff-wrong-password")
    await staff.sign_in(facts["username"], facts["password"])
    await staff.sees("No calls yet")
    await staff.portrait("staff-desk-new", THREE)


async def _left_message(customer: Customer, photo: Path) -> None:
    await expect(customer.page.locator("video[data-local]")).to_be_visible()
    await customer.portrait("customer-form-nobody-there")
    await customer.join("Ana", "A scratch on my brown bag", consent=True)
    await customer.sees("Nobody is available right now")
    await customer.portrait("customer-waiting-nobody-there")
    await customer.tap("Leave a message")
    await customer.field("Phone or WeChat").fill("138 0013 8000")
    await customer.write("Your message", "There is a scratch on the flap of my bag. What would you take for it?")
    await customer.page.locator("input[type=file]").first.set_input_files(photo)
    await customer.portrait("customer-message", whole=True)
    await customer.portrait("customer-message-side", ("side",))
    await customer.tap("Send message")
    await customer.sees("Your message is with us")
    await customer.portrait("customer-message-sent")
    await customer.tap("Keep waiting")
    await customer.tap("Leave the line")
    await expect(customer.button("Call again")).to_be_visible()
    await customer.portrait("customer-left-the-line")


async def _desk(staff: Staff, colleague: Staff, facts: dict[str, Any]) -> None:
    await colleague.sign_in("li", facts["password"])
    await colleague.be_available()
    await staff.be_available()
    await expect(staff.page.locator("video[data-local]").first).to_be_visible()
    await expect(staff.page.get_by_text("Li Wei").first).to_be_visible()
    await staff.portrait("staff-desk-empty")
    await staff.portrait("staff-desk-empty-whole", whole=True)
    await staff.page.get_by_role("tab", name=re.compile(staff.say("Messages"))).click()
    await expect(staff.page.get_by_role("tabpanel").get_by_role("listitem").get_by_role("button").first).to_be_visible()
    await staff.portrait("staff-left-messages", whole=True)
    await staff.page.get_by_role("tab", name=re.compile(staff.say("Past calls"))).click()
    await staff.tap("Show the code large")
    await staff.portrait("staff-customer-link")
    await staff.button("Close", within=staff.page.get_by_role("dialog")).click()


async def _line(staff: Staff, customer: Customer, second: Customer) -> None:
    await customer.tap("Call again")
    await customer.fill_form("Ana", "A scratch on my brown bag", consent=True)
    await customer.page.wait_for_function("() => document.querySelector('video[data-local]')?.videoWidth > 0")
    await customer.portrait("customer-form", ("phone", "tablet", "side"))
    await customer.portrait("customer-form-whole", ("phone",), whole=True)
    await customer.tap("Start video call")
    await expect(
        customer.page.get_by_role("status").filter(has_text=customer.say("You are number {n} in line", n=1))
    ).to_be_visible()
    await customer.portrait("customer-waiting", ("phone", "tablet", "side"))
    await second.join("Mr Chen", "New soles for walking boots", consent=False)
    await expect(staff.page.get_by_role("list", name=staff.say("Waiting")).get_by_role("listitem")).to_have_count(2)
    await staff.portrait("staff-desk-waiting", THREE)


async def _call(staff: Staff, customer: Customer) -> None:
    await staff.answer("Ana")
    await customer.sees_call()
    await asyncio.gather(staff.calm(), customer.calm())
    await customer.portrait("customer-call", ("phone", "tablet", "side"))
    await staff.portrait("staff-call", THREE)
    await customer.chat("It happened on the train. Can it be saved?")
    await staff.sees("It happened on the train. Can it be saved?")
    await staff.tap("Draw")
    await expect(staff.page.get_by_label(staff.say("Drawing area over the picture"))).to_be_visible()
    await staff.tap("Circle")
    await staff.drag((0.57, 0.355), (0.83, 0.445))  # around the scratch
    await staff.tap("Yellow")
    await staff.tap("Arrow")
    await staff.drag((0.40, 0.22), (0.585, 0.345))
    await staff.tap("Numbered mark")
    await staff.drag((0.36, 0.19))
    await asyncio.gather(staff.calm(), customer.calm())
    await staff.chat("Yes. Only the finish is gone, the leather is sound.")
    await customer.sees("Yes. Only the finish is gone, the leather is sound.")
    await customer.portrait(
        "customer-drawing", ("phone", "tablet", "side")
    )  # at once: new messages lie over the picture for a few seconds
    await staff.portrait("staff-drawing", THREE)
    await customer.tap("Open chat")
    await customer.portrait("customer-chat", ("phone",))
    await customer.portrait("customer-chat", ("side",))
    await customer.tap("Close chat")
    await staff.tap("Snapshot")
    await staff.tap("Done")
    await expect(staff.page.get_by_role("list", name=staff.say("Pictures"))).to_be_visible()
    await staff.tap("Freeze")
    await customer.sees("Picture frozen")
    await staff.portrait("staff-frozen", THREE)
    await customer.portrait("customer-frozen")
    await staff.tap("Freeze")
    await staff.tap("Hold")
    await customer.sees("On hold")
    await staff.portrait("staff-hold", THREE)
    await customer.portrait("customer-hold")
    await staff.tap("Hold")
    await customer.page.get_by_text(customer.say("On hold"), exact=True).wait_for(state="hidden")
    await customer.button("Show {name} large", name="Lin Mei").click()
    await customer.portrait("customer-face")
    await customer.tap("Show my camera large")


async def _agreement(staff: Staff, customer: Customer) -> None:
    await staff.tap("Invite colleague")
    await staff.portrait("staff-colleagues")
    await staff.button("Cancel", within=staff.page.get_by_role("dialog")).click()
    await staff.tap("Propose booking")
    dialog = staff.page.get_by_role("dialog")
    await dialog.get_by_role("radio", name=re.compile(staff.say("Leather repair"))).check(force=True)
    # Its days by their place, since their names are dates: the day after tomorrow.
    days = dialog.get_by_role("group").nth(1).get_by_role("radio")
    await days.nth(2).check(force=True)
    await dialog.get_by_role("radio", name="10:00", exact=True).check(force=True)
    await dialog.get_by_role("textbox", name=staff.say("Note for the customer")).fill(
        staff.say("We match the colour first.")
    )
    await staff.portrait("staff-booking", THREE)
    await staff.button("Send proposal", within=dialog).click()
    await expect(customer.button("Confirm")).to_be_visible()
    await customer.portrait("customer-proposal", ("phone", "tablet", "side"))
    await staff.portrait("staff-proposal", THREE)
    await customer.tap("Confirm")
    await staff.sees("Confirmed")
    await customer.portrait("customer-confirmed")
    await customer.chat("Wonderful! It was a gift.")
    await staff.sees("Wonderful! It was a gift.")
    await staff.portrait("staff-confirmed", THREE)
    await staff.page.get_by_role("tab", name=staff.say("Note")).click()
    await staff.write("Private note", "Bag from her sister. Match tan no. 4; test inside the flap.")
    await staff.sees("Saved")
    await staff.portrait_of_panel("staff-note", "Note")
    await staff.page.get_by_role("tab", name=staff.say("Chat")).click()


async def _afterwards(staff: Staff, customer: Customer) -> None:
    await staff.tap("Hang up")
    await expect(staff.page.get_by_role("heading", name=staff.say("Call ended"))).to_be_visible()
    await staff.portrait("staff-ended")
    await expect(customer.button("Call again")).to_be_visible()
    await customer.portrait("customer-goodbye", whole=True)
    await staff.tap("Open the record")
    await staff.tap("Play")
    await staff.page.wait_for_function(REPLAYS)
    await staff.portrait("staff-record", whole=True)
    await staff.portrait("staff-record-small", ("small",))
    await (
        staff.page.locator("section", has=staff.page.get_by_role("heading", name=staff.say("Pictures")))
        .get_by_role("button")
        .first.click()
    )
    await expect(staff.page.get_by_role("dialog").get_by_role("img").first).to_be_visible()
    await staff.portrait("staff-record-picture")
    await staff.page.goto(staff.page.url.split("/calls")[0])


async def _without_consent(staff: Staff, customer: Customer) -> None:
    await expect(staff.page.get_by_role("switch", name=staff.say("Available"))).to_be_enabled()
    await staff.portrait("staff-desk-busy", whole=True)
    await staff.answer("Mr Chen")
    await customer.sees_call()
    await staff.tap("Snapshot")
    await customer.sees("Keep this picture?")
    await customer.portrait("customer-keep-picture")
    await staff.portrait("staff-not-recorded", THREE)
    await customer.tap("Keep")
    await customer.tap("Hang up")
    await expect(staff.page.get_by_role("heading", name=staff.say("Call ended"))).to_be_visible()
    await staff.portrait("staff-ended-by-customer")


STORIES: dict[str, Callable[[Set], Awaitable[None]]] = {
    "day": day,
    "mishaps": mishaps,
    "conversation": conversation,
    "inbox": inbox,
}


async def portraits(out: Path, language: str = ENGLISH, stories: Iterable[str] = ()) -> list[str]:
    """The states that did not come in time: they are portrayed as they were by then, and the stories go on."""
    out.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=PATIENCE_MS)
    album = Album(out)
    with tempfile.TemporaryDirectory(prefix="loupe-portraits-") as folder:
        home = Path(folder)
        async with (
            chromium(camera=await asyncio.to_thread(bag_video, home / "bag.y4m")) as phones,
            chromium(camera=await asyncio.to_thread(counter_video, home / "counter.y4m")) as tablets,
        ):
            photo = await asyncio.to_thread(bag_photo, home / "photo.jpg")
            for story in stories or STORIES:
                with album.scene(story):
                    async with LoupeServer(home / story) as server:
                        await STORIES[story](Set(phones, tablets, server.facts, language, album, photo))
    return album.faults


def for_readme(out: Path, images: Path) -> None:
    """The two pictures that the README shows."""
    images.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(out / "staff-drawing.tablet.png", images / "tablet.png")
    shutil.copyfile(out / "customer-drawing.phone.png", images / "phone.png")


def main(given: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m loadtest.portraits", description="Every page and state as a picture."
    )
    parser.add_argument("out", type=Path, metavar="OUT_DIR")
    parser.add_argument("--language", choices=(ENGLISH, CHINESE), default=ENGLISH)
    parser.add_argument("--story", choices=STORIES, help="only this one")
    parser.add_argument("--readme", type=Path, metavar="IMAGES_DIR", help="also put the README's two pictures there")
    asked = parser.parse_args(given)
    faults = asyncio.run(portraits(asked.out, asked.language, (asked.story,) if asked.story else ()))
    if asked.readme:
        for_readme(asked.out, asked.readme)
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
