"""People who sit for portraits: a page each, asked for things by the names that it gives them in its language."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TypeVar

from playwright.async_api import Browser, BrowserContext, Error, Locator, Page, expect

from loadtest.browser import PHONE, TABLET, person
from loadtest.words import ROOMS, word

# A phone held upright gives upright pictures for a wide wish; Chromium's fake camera would cut them to the wish.
UPRIGHT = """(() => {
  const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = (wish) => open(
    wish.video?.width ? {...wish, video: {...wish.video, width: wish.video.height, height: wish.video.width}} : wish);
})()"""
FAULTS = (AssertionError, Error, KeyError)  # playwright's, and words that no page has any more
OWN_NETWORK = (
    "if (sessionStorage.getItem('cut')) probe.wsBlocked = true;"  # lost for the page, also when it is loaded again
)
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
THREE = (*BOTH, "small")
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


class Album:
    """Where the portraits go, and what of them did not come in time: one late state does not cost the others."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.faults: list[str] = []
        self._late: list[str] = []
        self._last = "the beginning"

    def taken(self, name: str) -> None:
        self.faults += [f"{name}: {late}" for late in self._late]
        self._late, self._last = [], name

    @contextlib.contextmanager
    def waits(self) -> Iterator[None]:
        try:
            yield
        except FAULTS as fault:
            self._late.append(_briefly(fault))

    @contextlib.contextmanager
    def scene(self, name: str) -> Iterator[None]:
        """What breaks off ends with the scene."""
        try:
            yield
        except FAULTS as fault:
            self.faults.append(f"{name} broke off after {self._last}: {_briefly(fault)}")


def _briefly(fault: BaseException) -> str:
    return " ".join(str(fault).split())[:300]


class Sitter:
    """One person's page, asked for things by the names that the page gives them in this language."""

    rooms: tuple[str, ...] = tuple(ROOMS)

    def __init__(self, page: Page, context: BrowserContext, language: str, album: Album) -> None:
        self.page, self.context, self.language, self.album = page, context, language, album

    @classmethod
    async def at(
        cls, browser: Browser, url: str, size: dict[str, int], language: str, album: Album, *scripts: str
    ) -> Self:
        """`scripts` run in the page before its own: a phone with a torch, a camera that is blocked."""
        context, page = await person(browser, size=size, language=language, time_zone=SHOP_TIME)
        for script in (UPRIGHT, *scripts) if size == PHONE else scripts:
            await context.add_init_script(script)
        page.set_default_timeout(PATIENCE_MS)
        await page.goto(url)
        return cls(page, context, language, album)

    def say(self, english: str, /, **values: str | int) -> str:
        return word(english, self.language, self.rooms, **values)

    def button(self, text: str, /, *, within: Locator | None = None, **values: str | int) -> Locator:
        return (within or self.page).get_by_role("button", name=self.say(text, **values), exact=True).first

    def field(self, name: str) -> Locator:
        return self.page.get_by_role("textbox", name=self.say(name), exact=True)

    async def tap(self, name: str) -> None:
        await self.button(name).click()

    async def write(self, name: str, text: str) -> None:
        await self.field(name).fill(self.say(text))

    def about(self, text: str, name: str) -> Locator:
        """The words of the page with somebody's name in them."""
        return self.page.get_by_text(self.say(text, name=self.say(name)), exact=True)

    async def sees(self, text: str, name: str = "") -> None:
        await self.shows(self.about(text, name).filter(visible=True).first)

    async def shows(self, what: Locator) -> None:
        """Waits for it; what does not come in time is told with the next portrait, which is taken all the same."""
        with self.album.waits():
            await expect(what).to_be_visible()

    async def sees_call(self) -> None:
        with self.album.waits():
            await self.page.wait_for_function(SEES_PICTURE)

    async def calm(self) -> None:
        """Waits for the mark of a good connection; a busy machine may never come to it, and is portrayed as it is."""
        with contextlib.suppress(AssertionError):
            await expect(self.page.get_by_label(self.say("Good connection")).first).to_be_visible(timeout=CALM_MS)

    async def chat(self, text: str) -> None:
        await self.write("Message", text)
        await self.tap("Send")

    async def message(self, text: str) -> None:
        """In a conversation, where "Send" is a mark."""
        await self.write("Write a message", text)
        await self.field("Write a message").press("Enter")

    async def has_mark(self, text: str, *marks: str) -> None:
        """One of these receipts stands at what this person wrote."""
        names = re.compile("^(" + "|".join(self.say(mark) for mark in marks) + ")$")
        line = self.page.get_by_role("listitem").filter(has_text=self.say(text))
        await self.shows(line.last.get_by_role("img", name=names))

    async def choose(self, *files: Path) -> None:
        """Opens the sheet as a person does, then gives its file field these."""
        await self.tap("Add a picture or a file")
        await self.page.locator('input[data-from="files"]').set_input_files(files)
        await expect(self.page.locator(".talk-tray li")).to_have_count(len(files))

    async def loses_network(self) -> None:
        await self.context.route("**/api/**", lambda route: route.abort())
        await self.page.evaluate("sessionStorage.setItem('cut', '1'); probe.cutSockets()")

    async def has_network_again(self) -> None:
        await self.context.unroute("**/api/**")
        await self.page.evaluate(
            "sessionStorage.removeItem('cut'); probe.healSockets(); dispatchEvent(new Event('online'))"
        )

    async def portrait(self, name: str, sizes: tuple[str, ...] = BOTH, *, whole: bool = False) -> None:
        """`name.size.png` for each size; `whole`: the page to its end instead of what is in sight."""
        was = self.page.viewport_size
        for size in sizes:
            await self.resize(size)
            path = self.album.out / f"{name}.{size}.png"
            await self.page.screenshot(path=path, animations="disabled", full_page=whole)
        self.album.taken(name)
        if was:
            await self.page.set_viewport_size(was)
            await self.page.evaluate(PAINTED)

    async def resize(self, size: str) -> None:
        await self.page.set_viewport_size({"width": SIZES[size]["width"], "height": SIZES[size]["height"]})
        await self.page.evaluate(PAINTED)


class Customer(Sitter):
    rooms = ("customer", "shared", *ROOMS)

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
    rooms = ("shared", "staff", "talk", *ROOMS)

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

    async def portrait_of_panel(self, name: str, tab: str) -> None:
        """On a narrow screen the words lie over the picture, and only when they are asked for."""
        await self.portrait(name, ("tablet", "small"))
        await self.resize("phone")
        await self.tap("Show chat and notes")
        await self.page.get_by_role("tab", name=self.say(tab)).click()
        await self.portrait(name, ("phone",))
        await self.resize("tablet")

    async def drag(self, *path: tuple[float, float]) -> None:
        """Draws along shares of the picture."""
        box: dict[str, float] = await self.page.evaluate(SHOWN)
        at = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in path]
        await self.page.mouse.move(*at[0])
        await self.page.mouse.down()
        for x, y in at[1:]:
            await self.page.mouse.move(x, y, steps=12)
        await self.page.mouse.up()


class Writer(Customer):
    """A customer in the conversation with the shop."""

    rooms = ("talk", "files", "search", *ROOMS)

    async def call_me(self, name: str) -> None:
        await self.write("What may we call you?", name)
        await self.tap("Save")
        await self.shows(self.page.get_by_text(self.say("Hello {name}, how can we help?", name=self.say(name))))


class Clerk(Staff):
    """A member of staff in the inbox."""

    rooms = ("talk", "inbox", "files", "search", *ROOMS)

    async def open(self, name: str) -> None:
        """The conversation of this customer."""
        rows = self.page.get_by_role("navigation", name=self.say("Conversations"))
        await rows.get_by_role("link").filter(has_text=self.say(name)).first.click()
        await self.shows(self.page.get_by_role("heading", name=self.say(name), exact=True).first)

    async def shelf(self, name: str) -> None:
        await self.page.locator(".inbox-shelf").filter(has_text=self.say(name)).first.click()

    @contextlib.asynccontextmanager
    async def on_a_phone(self) -> AsyncIterator[None]:
        """What only a phone's size has."""
        await self.page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
        try:
            yield
        finally:
            await self.page.set_viewport_size({"width": TABLET["width"], "height": TABLET["height"]})


Came = TypeVar("Came", bound=Sitter)


@dataclass
class Set:
    """Where a story is told: a server's facts, browsers for phones and tablets, and who came."""

    phones: Browser
    tablets: Browser
    facts: dict[str, Any]
    language: str
    album: Album
    photo: Path
    sitters: list[Sitter] = field(default_factory=list)

    async def customer(self, *scripts: str) -> Customer:
        return self._came(
            await Customer.at(self.phones, self.facts["customer_url"], PHONE, self.language, self.album, *scripts)
        )

    async def writer(self, name: str = "", *says: str) -> Writer:
        url = self.facts["customer_url"].split("?")[0] + "/chat"
        writer = self._came(await Writer.at(self.phones, url, PHONE, self.language, self.album, OWN_NETWORK))
        if name:
            await writer.call_me(name)
        for text in says:
            await writer.message(text)
            await writer.has_mark(text, "Sent")
        return writer

    async def clerk(self, username: str) -> Clerk:
        clerk = self._came(
            await Clerk.at(self.tablets, self.facts["staff_url"], TABLET, self.language, self.album, OWN_NETWORK)
        )
        await clerk.sign_in(username, self.facts["password"])
        return clerk

    async def staff(self, *scripts: str) -> Staff:
        return self._came(
            await Staff.at(self.tablets, self.facts["staff_url"], TABLET, self.language, self.album, *scripts)
        )

    def _came(self, sitter: Came) -> Came:
        self.sitters.append(sitter)
        return sitter

    @contextlib.asynccontextmanager
    async def part(self, name: str) -> AsyncIterator[None]:
        """A scene of pages that may be loaded again: what breaks off leaves no open dialog to the next one."""
        before = len(self.album.faults)
        with self.album.scene(name):
            yield
        if len(self.album.faults) > before:
            for sitter in self.sitters:
                with self.album.waits():
                    await sitter.page.reload()

    async def over(self) -> None:
        for sitter in self.sitters:
            await sitter.context.close()
