"""People who sit for portraits: a page each, asked for things by the names that it gives them in its language."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Self

from playwright.async_api import Browser, BrowserContext, Locator, Page, expect

from loadtest.browser import PHONE, TABLET, person
from loadtest.words import word

# A phone held upright gives upright pictures for a wide wish; Chromium's fake camera would cut them to the wish.
UPRIGHT = """(() => {
  const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = (wish) => open(
    wish.video?.width ? {...wish, video: {...wish.video, width: wish.video.height, height: wish.video.width}} : wish);
})()"""
CALM_MS = 10_000
PATIENCE_MS = 30_000  # several encoders and decoders share what may be a small, busy machine
SHOP_TIME = "Asia/Shanghai"  # the demonstration shop's: all clocks in the portraits agree
# `side` is a phone on its side, `small` the smallest tablet that is supported.
SIZES = {
    "phone": PHONE,
    "tablet": TABLET,
    "side": {"width": 844, "height": 390},
    "small": {"width": 1024, "height": 700},
}
BOTH = ("phone", "tablet")
# Two frames after the new size the page has been laid out and painted; pictures of the call need one more of their own.
PAINTED = """() => new Promise((done) => {
  const videos = [...document.querySelectorAll('video')].filter((v) => v.srcObject && v.checkVisibility());
  const frames = videos.map((v) => new Promise((seen) => { v.requestVideoFrameCallback(seen); setTimeout(seen, 1000); }));
  Promise.all(frames).then(() => requestAnimationFrame(() => requestAnimationFrame(() => done())));
})"""
SEES_PICTURE = "() => { const v = document.querySelector('video[data-remote]'); return v && v.videoWidth > 0 && probe.frames > 30; }"
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
    async def at(
        cls, browser: Browser, url: str, size: dict[str, int], language: str, out: Path, *scripts: str
    ) -> Self:
        """`scripts` run in the page before its own: a phone with a torch, a camera that is blocked."""
        context, page = await person(browser, size=size, language=language, time_zone=SHOP_TIME)
        for script in (UPRIGHT, *scripts) if size == PHONE else scripts:
            await context.add_init_script(script)
        page.set_default_timeout(PATIENCE_MS)
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

    def about(self, text: str, name: str) -> Locator:
        """The words of the page with somebody's name in them."""
        return self.page.get_by_text(self.say(text).format(name=self.say(name)), exact=True)

    async def sees(self, text: str, name: str = "") -> None:
        await expect(self.about(text, name).filter(visible=True).first).to_be_visible()

    async def sees_call(self) -> None:
        await self.page.wait_for_function(SEES_PICTURE)

    async def calm(self) -> None:
        """Waits for the mark of a good connection; a busy machine may never come to it, and is portrayed as it is."""
        with contextlib.suppress(AssertionError):
            await expect(self.page.get_by_label(self.say("Good connection")).first).to_be_visible(timeout=CALM_MS)

    async def chat(self, text: str) -> None:
        await self.write("Message", text)
        await self.tap("Send")

    async def portrait(self, name: str, sizes: tuple[str, ...] = BOTH, *, whole: bool = False) -> None:
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
        in_line = self.page.get_by_role("status").first
        await self.tap("Start video call")
        with contextlib.suppress(AssertionError):
            await expect(in_line).to_be_visible(timeout=CALM_MS)
        if not await in_line.is_visible():  # a server that is short of machine refuses: once more, as a person would
            await self.tap("Start video call")
            await expect(in_line).to_be_visible()

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
        await self.portrait(name, ("tablet", "small"))
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
