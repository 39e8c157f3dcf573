"""A customer and a member of staff who use the pages as people do: by the names of buttons and fields."""

from __future__ import annotations

from playwright.async_api import Browser, BrowserContext, Locator, Page, expect

from loadtest.browser import PHONE, TABLET, person
from loadtest.server_process import LoupeServer


class CustomerPerson:
    def __init__(self, context: BrowserContext, page: Page) -> None:
        self.context = context
        self.page = page

    @classmethod
    async def arrive(
        cls,
        browser: Browser,
        server: LoupeServer,
        *,
        language: str = "en-US",
        size: dict[str, int] = PHONE,
        script: str = "",
    ) -> CustomerPerson:
        context, page = await person(browser, size=size, language=language, script=script)
        await page.goto(server.facts["customer_url"])
        return cls(context, page)

    async def join(self, name: str = "Ana", matter: str = "A scratch on my bag", *, consent: bool = True) -> None:
        await self.page.get_by_role("textbox", name="Your name").fill(name)
        await self.page.get_by_role("textbox", name="What is it about?").fill(matter)
        agreed = self.page.get_by_role("checkbox", name="I agree to this call being recorded")
        await agreed.set_checked(consent, force=True)
        await self.page.get_by_role("button", name="Start video call").click()

    async def wait_in_line(self, number: int = 1) -> None:
        await expect(
            self.page.get_by_role("status").filter(has_text=f"You are number {number} in line")
        ).to_be_visible()

    async def button(self, name: str) -> None:
        await self.page.get_by_role("button", name=name, exact=True).click()

    async def say(self, text: str) -> None:
        await self.page.get_by_role("textbox", name="Message").fill(text)
        await self.page.get_by_role("button", name="Send", exact=True).click()

    async def sees_call(self) -> None:
        await expect(self.page.get_by_role("button", name="Hang up", exact=True)).to_be_visible()


class StaffPerson(CustomerPerson):
    @classmethod
    async def come_in(
        cls,
        browser: Browser,
        server: LoupeServer,
        *,
        username: str = "",
        language: str = "en-US",
        size: dict[str, int] = TABLET,
        script: str = "",
    ) -> StaffPerson:
        context, page = await person(browser, size=size, language=language, script=script)
        await page.goto(server.facts["staff_url"])
        await page.get_by_role("textbox", name="Username").fill(username or server.facts["username"])
        await page.get_by_role("textbox", name="Password").fill(server.facts["password"])
        await page.get_by_role("button", name="Sign in").click()
        return cls(context, page)

    async def be_available(self) -> None:
        switch = self.page.get_by_role("switch", name="Available")
        await expect(switch).to_be_visible()
        if await switch.get_attribute("aria-checked") != "true":
            await switch.click()
        await expect(switch).to_have_attribute("aria-checked", "true")

    def answer_button(self, name: str = "Ana") -> Locator:
        entry = self.page.get_by_role("list", name="Waiting").get_by_role("listitem").filter(has_text=name)
        return entry.get_by_role("button", name="Answer")

    async def answer(self, name: str = "Ana") -> None:
        await self.answer_button(name).click()

    async def point_at_answer(self, name: str) -> None:
        """The finger above the button: what is left of `answer` is to press."""
        await self.answer_button(name).hover()

    async def press(self) -> None:
        """Where it points, and nothing else: `click` looks around the page before and after, which takes the machine
        from the pages just then."""
        await self.page.mouse.down()
        await self.page.mouse.up()


CAMERA_FRAMES = """async () => {
  const report = await probe.peers.at(-1).getStats();
  return [...report.values()].find((s) => s.type === 'media-source' && s.kind === 'video').frames ?? 0;
}"""


async def frames_in(page: Page, seconds: float) -> int:
    """How many remote frames the page presents in `seconds`."""
    return int(
        await page.evaluate(
            "async (ms) => { const before = probe.frames; const end = performance.now() + ms;"
            "while (performance.now() < end) await new Promise(requestAnimationFrame); return probe.frames - before; }",
            seconds * 1000,
        )
    )


async def share_shown(viewer: Page, camera: Page, seconds: float) -> float:
    """Of the frames that `camera`'s page takes in `seconds`, the share that `viewer` presents; over 1 by a boundary frame."""
    given = int(await camera.evaluate(CAMERA_FRAMES))
    shown = await frames_in(viewer, seconds)
    return shown / max(1, int(await camera.evaluate(CAMERA_FRAMES)) - given)
