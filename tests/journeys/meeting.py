"""Steps that several journeys share."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Browser, Page, expect

from loadtest.people import CustomerPerson, StaffPerson
from loadtest.server_process import LoupeServer


async def sees_picture(page: Page) -> None:
    await page.wait_for_function(
        "() => { const v = document.querySelector('video[data-remote]'); return v && v.videoWidth > 0 && probe.frames > 2; }"
    )


async def meet(browser: Browser, server: LoupeServer, *, consent: bool = True) -> tuple[CustomerPerson, StaffPerson]:
    """Both are in the same live call and see each other."""
    staff = await StaffPerson.come_in(browser, server)
    await staff.be_available()
    customer = await CustomerPerson.arrive(browser, server)
    await customer.join(consent=consent)
    await customer.wait_in_line()
    await staff.answer()
    await sees_picture(staff.page)
    await sees_picture(customer.page)
    return customer, staff


async def hang_up(staff: StaffPerson) -> None:
    """Staff end the call and see that it is over."""
    await staff.button("Hang up")
    await expect(staff.page.get_by_role("heading", name="Call ended")).to_be_visible()


async def records(staff: StaffPerson, server: LoupeServer) -> list[dict[str, Any]]:
    answer = await staff.context.request.get(f"{server.base}/api/calls")
    return list((await answer.json())["calls"])


async def ready_record(staff: StaffPerson, server: LoupeServer, call_id: str) -> dict[str, Any]:
    """The call's record once its recording is ready (the page itself asks again and again; so does this, at most 20 s)."""
    return dict(
        await staff.page.evaluate(
            """async (url) => {
              const end = performance.now() + 20000;
              while (performance.now() < end) {
                const record = await (await fetch(url)).json();
                if (record.recording && ['ready', 'failed'].includes(record.recording.state)) return record;
                await new Promise((resolve) => setTimeout(resolve, 200));
              }
              throw new Error('the recording was not ready within 20 s');
            }""",
            f"/api/calls/{call_id}",
        )
    )


async def gap_after(page: Page) -> float:
    """Seconds from now until a remote frame is presented."""
    return float(
        await page.evaluate(
            "async () => { const from = performance.now(); const before = probe.frames;"
            "while (probe.frames === before && performance.now() - from < 20000) await new Promise(requestAnimationFrame);"
            "return (performance.now() - from) / 1000; }"
        )
    )


async def longest_gap(page: Page, seconds: float) -> float:
    """The longest time, in seconds, in which no new remote frame is presented from now on for `seconds`."""
    return float(
        await page.evaluate(
            """async (ms) => {
              const end = performance.now() + ms;
              let [frames, last, longest] = [probe.frames, performance.now(), 0];
              while (performance.now() < end) {
                await new Promise(requestAnimationFrame);
                if (probe.frames !== frames) last = performance.now();
                frames = probe.frames;
                longest = Math.max(longest, performance.now() - last);
              }
              return longest / 1000;
            }""",
            seconds * 1000,
        )
    )
