"""`python -m loadtest.portraits OUT_DIR [--language zh-CN]`: every page and state as a picture, phone and tablet size.

A demonstration server, two real browsers with painted cameras, and one story: a left message, a call with its drawing,
pictures and booking, and a second call without consent to recording.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, Self

from playwright.async_api import Browser, BrowserContext, Locator, Page, expect

from loadtest.browser import PHONE, TABLET, chromium, person
from loadtest.scenes import bag_photo, bag_video, counter_video
from loadtest.server_process import LoupeServer
from loadtest.words import CHINESE, ENGLISH, word

# A phone held upright gives upright pictures for a wide wish; Chromium's fake camera would cut them to the wish.
UPRIGHT = """(() => {
  const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = (wish) => open(
    wish.video?.width ? {...wish, video: {...wish.video, width: wish.video.height, height: wish.video.width}} : wish);
})()"""
CALM_MS = 10_000
SHOP_TIME = "Asia/Shanghai"  # the demonstration shop's: all clocks in the portraits agree
SIZES = {"phone": PHONE, "tablet": TABLET}
# Two frames after the new size the page has been laid out and painted; pictures of the call need one more of their own.
PAINTED = """() => new Promise((done) => {
  const videos = [...document.querySelectorAll('video')].filter((v) => v.videoWidth > 0 && !v.paused);
  const frames = videos.map((v) => new Promise((seen) => { v.requestVideoFrameCallback(seen); setTimeout(seen, 1000); }));
  Promise.all(frames).then(() => requestAnimationFrame(() => requestAnimationFrame(() => done())));
})"""
SEES_PICTURE = "() => { const v = document.querySelector('video[data-remote]'); return v && v.videoWidth > 0 && probe.frames > 30; }"
REPLAYS = (
    "() => [...document.querySelectorAll('video')].filter((v) => v.currentTime > 1.5 && v.videoWidth > 0).length >= 2"
)
# The picture's rectangle within the page: the video element may be larger than what it shows.
SHOWN = """() => {
  const video = document.querySelector('video[data-remote]'), box = video.getBoundingClientRect();
  const scale = Math.min(box.width / video.videoWidth, box.height / video.videoHeight);
  const width = video.videoWidth * scale, height = video.videoHeight * scale;
  return {x: box.x + (box.width - width) / 2, y: box.y + (box.height - height) / 2, width, height};
}"""


class Sitter:
    """One person's page, asked for things by the names that the page gives them in this language."""

    def __init__(self, page: Page, context: BrowserContext, language: str, out: Path) -> None:
        self.page, self.context, self.language, self.out = page, context, language, out

    @classmethod
    async def at(cls, browser: Browser, url: str, size: dict[str, int], language: str, out: Path) -> Self:
        context, page = await person(browser, size=size, language=language, time_zone=SHOP_TIME)
        if size == PHONE:
            await context.add_init_script(UPRIGHT)
        await page.goto(url)
        return cls(page, context, language, out)

    def say(self, english: str) -> str:
        return word(english, self.language)

    def button(self, name: str, *, within: Locator | None = None) -> Locator:
        return (within or self.page).get_by_role("button", name=self.say(name), exact=True).first

    def field(self, name: str) -> Locator:
        return self.page.get_by_role("textbox", name=self.say(name), exact=True)

    async def tap(self, name: str) -> None:
        await self.button(name).click()

    async def write(self, name: str, text: str) -> None:
        await self.field(name).fill(self.say(text))

    async def sees(self, text: str) -> None:
        await expect(self.page.get_by_text(self.say(text), exact=True).filter(visible=True).first).to_be_visible()

    async def sees_call(self) -> None:
        await self.page.wait_for_function(SEES_PICTURE)

    async def calm(self) -> None:
        """Waits for the mark of a good connection; a busy machine may never come to it, and is portrayed as it is."""
        with contextlib.suppress(AssertionError):
            await expect(self.page.get_by_label(self.say("Good connection")).first).to_be_visible(timeout=CALM_MS)

    async def chat(self, text: str) -> None:
        await self.write("Message", text)
        await self.tap("Send")

    async def portrait(self, name: str, sizes: tuple[str, ...] = ("phone", "tablet"), *, whole: bool = False) -> None:
        """`name.size.png` for each size; `whole`: the page to its end instead of what is in sight."""
        was = self.page.viewport_size
        for size in sizes:
            await self.page.set_viewport_size({"width": SIZES[size]["width"], "height": SIZES[size]["height"]})
            await self.page.evaluate(PAINTED)
            await self.page.screenshot(path=self.out / f"{name}.{size}.png", animations="disabled", full_page=whole)
        if was:
            await self.page.set_viewport_size(was)
            await self.page.evaluate(PAINTED)


class Customer(Sitter):
    async def join(self, name: str, matter: str, *, consent: bool) -> None:
        await self.fill_form(name, matter, consent=consent)
        await self.tap("Start video call")
        await expect(self.page.get_by_role("status").first).to_be_visible()

    async def fill_form(self, name: str, matter: str, *, consent: bool) -> None:
        await self.write("Your name", name)
        await self.write("What is it about?", matter)
        agreed = self.page.get_by_role("checkbox", name=self.say("I agree to this call being recorded"))
        await agreed.set_checked(consent, force=True)


class Staff(Sitter):
    async def sign_in(self, username: str, password: str) -> None:
        await self.field("Username").fill(username)
        await self.field("Password").fill(password)
        await self.tap("Sign in")
        await expect(self.page.get_by_role("switch", name=self.say("Available"))).to_be_enabled()

    async def be_available(self) -> None:
        switch = self.page.get_by_role("switch", name=self.say("Available"))
        await switch.click()
        await expect(switch).to_have_attribute("aria-checked", "true")

    async def answer(self, name: str) -> None:
        waiting = self.page.get_by_role("list", name=self.say("Waiting")).get_by_role("listitem")
        await self.button("Answer", within=waiting.filter(has_text=self.say(name))).click()
        await self.sees_call()

    async def portrait_of_call(self, name: str) -> None:
        """On a phone the words lie over the picture: put away for the portrait."""
        await self.portrait(name, ("tablet",))
        await self.tap("Hide chat and notes")
        await self.portrait(name, ("phone",))
        await self.tap("Show chat and notes")

    async def drag(self, *path: tuple[float, float]) -> None:
        """Draws along shares of the picture."""
        box: dict[str, float] = await self.page.evaluate(SHOWN)
        at = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in path]
        await self.page.mouse.move(*at[0])
        await self.page.mouse.down()
        for x, y in at[1:]:
            await self.page.mouse.move(x, y, steps=12)
        await self.page.mouse.up()


async def portraits(out: Path, language: str = ENGLISH) -> None:
    """Raises AssertionError or playwright's errors when the pages do not do what the story wants."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="loupe-portraits-") as folder:
        home = Path(folder)
        async with (
            chromium(camera=await asyncio.to_thread(bag_video, home / "bag.y4m")) as phones,
            chromium(camera=await asyncio.to_thread(counter_video, home / "counter.y4m")) as tablets,
            LoupeServer(home / "data") as server,
        ):
            url = server.facts["customer_url"]
            customer = await Customer.at(phones, url, PHONE, language, out)
            await _left_message(customer, await asyncio.to_thread(bag_photo, home / "photo.jpg"))
            staff = await Staff.at(tablets, server.facts["staff_url"], TABLET, language, out)
            colleague = await Staff.at(tablets, server.facts["staff_url"], TABLET, language, out)
            await _desk(staff, colleague, server.facts)
            second = await Customer.at(phones, url, PHONE, language, out)
            await _line(staff, customer, second)
            await _call(staff, customer)
            await _agreement(staff, customer)
            await _afterwards(staff, customer)
            await _without_consent(staff, second)
            for query, name in (("?t=altered", "customer-link-altered"), ("-gone", "customer-no-shop")):
                await customer.page.goto(url.split("?")[0] + query)
                await expect(customer.page.get_by_role("heading").first).to_be_visible()
                await customer.portrait(name)


async def _left_message(customer: Customer, photo: Path) -> None:
    await expect(customer.page.locator("video[data-local]")).to_be_visible()
    await customer.portrait("customer-form-nobody-there")
    await customer.join("Ana", "A scratch on my brown bag", consent=True)
    await customer.sees("Nobody is available right now")
    await customer.portrait("customer-waiting-nobody-there")
    await customer.tap("Leave a message")
    await customer.field("Phone or WeChat").fill("138 0013 8000")
    await customer.write("Your message", "There is a scratch on the flap of my bag. What would you take for it?")
    await customer.page.locator("input[type=file]").set_input_files(photo)
    await customer.portrait("customer-message", whole=True)
    await customer.tap("Send message")
    await customer.sees("Your message is with us")
    await customer.portrait("customer-message-sent")
    await customer.tap("Keep waiting")
    await customer.tap("Leave the line")
    await expect(customer.button("Call again")).to_be_visible()
    await customer.portrait("customer-left-the-line")


async def _desk(staff: Staff, colleague: Staff, facts: dict[str, Any]) -> None:
    await expect(staff.field("Username")).to_be_visible()
    await staff.portrait("staff-sign-in")
    await staff.field("Username").fill(facts["username"])
    await staff.field("Password").fill("not this one")
    await staff.tap("Sign in")
    await expect(staff.page.get_by_role("alert").filter(visible=True).first).to_be_visible()
    await staff.portrait("staff-wrong-password")
    await staff.sign_in(facts["username"], facts["password"])
    await staff.portrait("staff-desk-unavailable")
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
    await customer.portrait("customer-form")
    await customer.portrait("customer-form-whole", ("phone",), whole=True)
    await customer.tap("Start video call")
    await expect(
        customer.page.get_by_role("status").filter(has_text=customer.say("You are number 1 in line"))
    ).to_be_visible()
    await customer.portrait("customer-waiting")
    await second.join("Mr Chen", "New soles for walking boots", consent=False)
    await expect(staff.page.get_by_role("list", name=staff.say("Waiting")).get_by_role("listitem")).to_have_count(2)
    await staff.portrait("staff-desk-waiting")


async def _call(staff: Staff, customer: Customer) -> None:
    await staff.answer("Ana")
    await customer.sees_call()
    await asyncio.gather(staff.calm(), customer.calm())
    await customer.portrait("customer-call")
    await staff.portrait_of_call("staff-call")
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
    await customer.portrait("customer-drawing")  # at once: new messages lie over the picture for a few seconds
    await staff.portrait_of_call("staff-drawing")
    await customer.tap("Open chat")
    await customer.portrait("customer-chat", ("phone",))
    await customer.tap("Close chat")
    await staff.tap("Snapshot")
    await staff.tap("Done")
    await expect(staff.page.get_by_role("list", name=staff.say("Pictures"))).to_be_visible()
    await staff.tap("Freeze")
    await customer.sees("Picture frozen")
    await staff.portrait_of_call("staff-frozen")
    await customer.portrait("customer-frozen")
    await staff.tap("Freeze")
    await staff.tap("Hold")
    await customer.sees("On hold")
    await staff.portrait_of_call("staff-hold")
    await customer.portrait("customer-hold")
    await staff.tap("Hold")
    await customer.page.get_by_text(customer.say("On hold"), exact=True).wait_for(state="hidden")
    await customer.tap("Show Lin Mei large")
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
    await staff.portrait("staff-booking")
    await staff.button("Send proposal", within=dialog).click()
    await expect(customer.button("Confirm")).to_be_visible()
    await customer.portrait("customer-proposal")
    await staff.portrait_of_call("staff-proposal")
    await customer.tap("Confirm")
    await staff.sees("Confirmed")
    await customer.portrait("customer-confirmed")
    await customer.chat("Wonderful! It was a gift.")
    await staff.sees("Wonderful! It was a gift.")
    await staff.portrait_of_call("staff-confirmed")
    await staff.page.get_by_role("tab", name=staff.say("Note")).click()
    await staff.write("Private note", "Bag from her sister. Match tan no. 4; test inside the flap.")
    await staff.sees("Saved")
    await staff.portrait("staff-note")
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
    await staff.portrait_of_call("staff-not-recorded")
    await customer.tap("Keep")
    await customer.tap("Hang up")
    await expect(staff.page.get_by_role("heading", name=staff.say("Call ended"))).to_be_visible()
    await staff.portrait("staff-ended-by-customer")


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
    parser.add_argument("--readme", type=Path, metavar="IMAGES_DIR", help="also put the README's two pictures there")
    asked = parser.parse_args(given)
    asyncio.run(portraits(asked.out, asked.language))
    if asked.readme:
        for_readme(asked.out, asked.readme)
    return 0


if __name__ == "__main__":
    sys.exit(main())
