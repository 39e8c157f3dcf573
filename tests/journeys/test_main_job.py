"""The main job, as a customer and a member of staff do it in real Chromium pages."""

from __future__ import annotations

import asyncio
import re

import av
import pytest
from playwright.async_api import Browser, Page, expect

from loadtest.browser import HEARS_TONE
from loadtest.people import StaffPerson, frames_in, share_shown
from loadtest.server_process import LoupeServer
from tests.journeys.meeting import hang_up, meet, ready_record, records

pytestmark = [pytest.mark.journey, pytest.mark.timeout(180)]


async def reads(page: Page, text: str) -> None:
    await expect(page.get_by_text(text, exact=True)).to_have_count(1)


async def lines_in(page: Page, texts: tuple[str, ...]) -> list[str]:
    """Those of `texts` that stand in the page's chat once the last one is there, as often and in the order as they do."""
    await expect(page.locator(".talk-words", has_text=texts[-1])).to_be_visible()
    return [said for said in await page.locator(".talk-words").all_inner_texts() if said in texts]


async def propose(staff: StaffPerson, service: str) -> None:
    await staff.button("Propose booking")
    dialog = staff.page.get_by_role("dialog")
    await dialog.get_by_role("radio", name="Something else").check(force=True)
    await dialog.get_by_label("Name of the service").fill(service)
    await dialog.get_by_role("radio", name=re.compile(r"^\w{3},? \d+ \w{3}$")).nth(1).check(force=True)
    await dialog.get_by_label("Price").fill("180")
    await dialog.get_by_role("button", name="Send proposal").click()


async def frames_sent(page: Page) -> int:
    return int(
        await page.evaluate(
            "async () => { let sent = 0; for (const peer of probe.peers) for (const stat of (await peer.getStats()).values())"
            " if (stat.type === 'outbound-rtp' && stat.kind === 'video') sent += stat.framesSent || 0; return sent; }"
        )
    )


def frames_of(server: LoupeServer, file: str) -> int:
    """How many pictures lie in one person's file, counted there."""
    with av.open(str(next(server.data.rglob(file)))) as container:
        return sum(1 for packet in container.demux(container.streams.video[0]) if packet.size)


@pytest.mark.alone
async def test_both_see_and_hear_each_other_and_render_nine_of_ten_frames(
    browser: Browser, server: LoupeServer
) -> None:
    customer, staff = await meet(browser, server)
    for page in (staff.page, customer.page):
        assert await page.evaluate(HEARS_TONE) > 0.02
    shown = await asyncio.gather(
        share_shown(staff.page, customer.page, 5.0), share_shown(customer.page, staff.page, 5.0)
    )
    assert min(shown) >= 0.9, shown


async def test_chat_and_a_booking_pass_with_the_websocket_cut_and_with_the_channel_closed(
    browser: Browser, server: LoupeServer
) -> None:
    customer, staff = await meet(browser, server)
    for page in (staff.page, customer.page):
        await page.wait_for_function("() => probe.channels.some((channel) => channel.readyState === 'open')")
        await page.evaluate("probe.cutSockets()")
    await customer.say("hello over the channel")
    await reads(staff.page, "hello over the channel")
    await staff.say("and back over the channel")
    await reads(customer.page, "and back over the channel")
    await propose(staff, "Channel stitching")
    await customer.button("Confirm")
    await expect(staff.page.get_by_text("Confirmed").first).to_be_visible()

    for page in (staff.page, customer.page):
        await page.evaluate("probe.healSockets()")
    for page in (staff.page, customer.page):
        await page.wait_for_function("() => probe.sockets.some((socket) => socket.readyState === 1)")
        await page.evaluate("probe.cutChannels()")
    await customer.say("hello over the socket")
    await reads(staff.page, "hello over the socket")
    await staff.say("and back over the socket")
    await reads(customer.page, "and back over the socket")
    await propose(staff, "Socket stitching")
    await customer.button("Confirm")
    await expect(staff.page.get_by_text("Confirmed")).to_have_count(2)
    await propose(staff, "Another stitching")
    await customer.button("Decline")
    await expect(staff.page.get_by_text("Declined").first).to_be_visible()
    await customer.page.get_by_role("button", name="Open chat").click()
    said = ("hello over the channel", "and back over the channel", "hello over the socket", "and back over the socket")
    # nothing was shown twice on the way, and it stands in the same order everywhere: in the call, in the inbox of the
    # tablets, on the customer's own page, and in the call's record
    assert await lines_in(staff.page, said) == await lines_in(customer.page, said) == list(said)
    [row] = (await (await staff.context.request.get(f"{server.base}/api/inbox?state=open&who=all")).json())["rows"]
    other = await StaffPerson.come_in(browser, server, username="li")
    await expect(other.page.get_by_role("switch", name="Available")).to_be_visible()
    await other.page.goto(f"{server.base}/staff/inbox/{row['conversation']}")
    assert await lines_in(other.page, said) == list(said)
    await hang_up(staff)
    await expect(customer.page.get_by_role("heading", name="Messages")).to_be_visible()
    assert await lines_in(customer.page, said) == list(said)
    await customer.page.goto(f"{server.facts['customer_url']}/chat")
    assert await lines_in(customer.page, said) == list(said)
    call_id = (await records(staff, server))[0]["id"]
    await staff.page.goto(f"{server.base}/staff/calls/{call_id}")
    assert await lines_in(staff.page, said) == list(said)


@pytest.mark.alone
async def test_the_record_of_a_call_plays_both_people_and_holds_its_pictures_and_booking(
    browser: Browser, server: LoupeServer
) -> None:
    customer, staff = await meet(browser, server)
    await staff.button("Snapshot")
    await expect(staff.page.get_by_role("list", name="Pictures").get_by_role("button").first).to_be_visible()
    await propose(staff, "Leather repair")
    await customer.button("Confirm")
    await expect(staff.page.get_by_text("Confirmed").first).to_be_visible()
    begun = [await frames_sent(person.page) for person in (customer, staff)]
    await frames_in(staff.page, 20.0)
    sent = [await frames_sent(person.page) - before for person, before in zip((customer, staff), begun, strict=True)]
    await hang_up(staff)
    await expect(customer.page.get_by_text("Leather repair").first).to_be_visible()

    call_id = (await records(staff, server))[0]["id"]
    record = await ready_record(staff, server, call_id)
    assert {(track["label"], track["kind"]) for track in record["recording"]["tracks"]} == {
        (label, kind) for label in ("customer", "staff") for kind in ("audio", "video")
    }
    pictures = {track["label"]: track for track in record["recording"]["tracks"] if track["kind"] == "video"}
    for label, least in zip(("customer", "staff"), sent, strict=True):
        in_file = frames_of(server, record["recording"]["files"][label])
        received = pictures[label]["frames"] + pictures[label]["frames_dropped"] + pictures[label]["frames_missing"]
        assert in_file >= 0.999 * max(received, least), (in_file, received, least)
    await staff.page.goto(f"{server.base}/staff/calls/{call_id}")
    await staff.page.wait_for_function(
        "() => document.querySelectorAll('video').length >= 2 && [...document.querySelectorAll('video')].every((v) => v.readyState >= 2)"
    )
    await staff.page.get_by_role("button", name="Play").first.click()
    await staff.page.wait_for_function(
        "() => [...document.querySelectorAll('video')].slice(0, 2).every((v) => v.currentTime > 1 && v.videoWidth > 0)"
    )


async def test_without_consent_nothing_is_recorded_and_a_picture_needs_the_customers_tap(
    browser: Browser, server: LoupeServer
) -> None:
    customer, staff = await meet(browser, server, consent=False)
    await staff.button("Snapshot")
    await expect(customer.page.get_by_text("Keep this picture?")).to_be_visible()
    assert not list((server.data / "journals").glob("*/*"))
    await customer.page.get_by_role("dialog").get_by_role("button").first.click()
    await customer.button("Hang up")
    await expect(staff.page.get_by_role("heading", name="Call ended")).to_be_visible()
    assert not list((server.data / "journals").glob("*/*"))
