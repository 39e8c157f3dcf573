"""Pictures, voice notes, films and files between a customer's phone and the shop's tablet, in real Chromium pages."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import pytest
from PIL import Image
from playwright.async_api import Browser, Page, expect

from loadtest.server_process import LoupeServer
from tests.journeys.meeting import hang_up, meet, ready_record, records
from tests.journeys.test_conversation import has_mark, open_first, phone, reads, say, tablet
from tests.media.test_incoming import film
from tests.media.test_stills import with_place

pytestmark = [pytest.mark.journey, pytest.mark.timeout(120)]

DRAWN = "(image) => image.complete && image.naturalWidth > 0"


def photo(width: int = 3000, height: int = 2000) -> bytes:
    """Reddish to the left, bluish to the right, as large as a phone takes them."""
    image = Image.linear_gradient("L").resize((width, height))
    made = io.BytesIO()
    Image.merge("RGB", (image, image.rotate(180), image.rotate(90))).save(made, "JPEG", quality=90)
    return made.getvalue()


async def choose(page: Page, *files: tuple[str, str, bytes], source: str = "gallery") -> None:
    """Opens the sheet as a person does, then gives its file field these (name, type, content)."""
    await page.get_by_role("button", name="Add a picture or a file").click()
    await expect(page.get_by_role("button", name="Photos and videos")).to_be_visible()
    given = [{"name": name, "mimeType": kind, "buffer": data} for name, kind, data in files]
    await page.locator(f'input[data-from="{source}"]').set_input_files(given)  # type: ignore[arg-type]
    await expect(page.locator(".talk-tray li")).to_have_count(len(files))


async def sees_pictures(page: Page, count: int) -> None:
    pictures = page.get_by_role("button", name="Open the picture").locator("img")
    await expect(pictures).to_have_count(count)
    for number in range(count):
        handle = await pictures.nth(number).element_handle()
        await page.wait_for_function(DRAWN, arg=handle)


async def test_a_picture_taken_in_flight_mode_is_kept_and_sent_later(browser: Browser, server: LoupeServer) -> None:
    context, customer = await phone(browser, server)
    await say(customer, "before the flight")
    await has_mark(customer, "before the flight", "Sent")
    await customer.evaluate("navigator.serviceWorker.ready.then(() => undefined)")
    _, staff = await tablet(browser, server, "lin")
    await open_first(staff)
    await reads(staff, "before the flight")

    await context.set_offline(True)
    await choose(customer, ("heel.jpg", "image/jpeg", photo()), source="camera")
    await say(customer, "The heel, from above the clouds")
    await has_mark(customer, "The heel, from above the clouds", "Waiting to be sent")
    await customer.reload()  # the page, too, is kept
    await sees_pictures(customer, 1)
    await has_mark(customer, "The heel, from above the clouds", "Waiting to be sent")
    await expect(customer.get_by_text("Waits for the network")).to_be_visible()

    await context.set_offline(False)
    await sees_pictures(staff, 1)
    await reads(staff, "The heel, from above the clouds")
    await has_mark(customer, "The heel, from above the clouds", "Read")
    await staff.get_by_role("button", name="Open the picture").click()
    whole = staff.get_by_role("dialog", name="Picture").locator("img")
    await staff.wait_for_function(
        "(image) => image.naturalWidth === 2048 && image.naturalHeight === 1365", arg=await whole.element_handle()
    )
    await staff.keyboard.press("Escape")
    await expect(staff.get_by_role("dialog", name="Picture")).to_have_count(0)


async def test_a_voice_note_from_the_phone_plays_on_the_tablet(browser: Browser, server: LoupeServer) -> None:
    context, customer = await phone(browser, server)
    await context.grant_permissions(["microphone"])
    _, staff = await tablet(browser, server, "lin")
    await customer.get_by_role("button", name="Record a voice note").click()
    await expect(customer.get_by_role("timer", name="Recording")).to_have_text("0:02", timeout=15_000)
    await customer.get_by_role("button", name="Send the voice note").click()
    await open_first(staff)
    play = staff.get_by_role("button", name="Play the voice note")
    await expect(staff.locator(".talk-wave rect")).not_to_have_count(0)
    await play.click()
    await staff.wait_for_function("() => document.querySelector('audio').currentTime > 0.5")
    heights = await staff.locator(".talk-wave rect").evaluate_all(
        "all => all.map((each) => each.getAttribute('height'))"
    )
    assert len(set(heights)) > 3  # the fake microphone beeps
    length = float(await staff.get_by_role("slider", name="Position in the voice note").get_attribute("max") or 0)
    assert 1.5 < length < 10

    await customer.get_by_role("button", name="Record a voice note").click()
    await customer.get_by_role("button", name="Discard the voice note").click()
    await expect(customer.get_by_role("button", name="Record a voice note")).to_be_visible()
    await say(customer, "that is all")
    await reads(staff, "that is all")
    await expect(staff.locator(".talk-sound")).to_have_count(1)


async def test_films_files_and_several_pictures_arrive_and_what_claims_to_be_one_is_only_a_file(
    browser: Browser, server: LoupeServer, tmp_path: Path
) -> None:
    _, customer = await phone(browser, server)
    await choose(customer, ("one.jpg", "image/jpeg", with_place(6)), ("two.png", "image/jpeg", photo(800, 600)))
    await customer.get_by_role("button", name="Send", exact=True).click()
    _, staff = await tablet(browser, server, "lin")
    await open_first(staff)
    await sees_pictures(staff, 2)

    film_ = film("webm", "libvpx", tmp_path, sound="libopus")
    await choose(customer, ("heel.webm", "video/webm", film_))
    await customer.get_by_role("button", name="Send", exact=True).click()
    shown = staff.get_by_label("Video", exact=True)
    await expect(shown).to_be_visible()
    await shown.evaluate("(video) => { video.muted = true; return video.play(); }")
    await staff.wait_for_function("() => document.querySelector('video.talk-film').currentTime > 0.3")

    html = b"<!doctype html><script>document.title = 'taken over'</script>"
    await choose(customer, ("photo.jpg", "image/jpeg", html), ("invoice.pdf", "application/pdf", b"%PDF-1.4 x"))
    await customer.get_by_role("button", name="Send", exact=True).click()
    await expect(customer.get_by_role("alert")).to_have_count(0)
    for name in ("photo.jpg", "invoice.pdf"):
        async with staff.expect_download() as saved:
            await staff.locator("a.talk-document", has_text=name).click()
        assert (await saved.value).suggested_filename == name
    assert await staff.title() != "taken over"

    beep = io.BytesIO()
    with wave.open(beep, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(b"\x00\x10\x00\xf0" * 8000)
    await choose(staff, ("answer.wav", "audio/wav", beep.getvalue()), source="files")
    await staff.get_by_role("button", name="Send", exact=True).click()
    await expect(customer.get_by_role("button", name="Play the voice note")).to_be_visible()


async def test_a_file_that_is_given_up_while_it_waits_is_gone(browser: Browser, server: LoupeServer) -> None:
    context, customer = await phone(browser, server)
    await say(customer, "hello")
    await has_mark(customer, "hello", "Sent")
    await context.set_offline(True)
    await choose(customer, ("wrong.jpg", "image/jpeg", photo(600, 400)))
    await customer.get_by_role("button", name="Send", exact=True).click()
    await customer.get_by_role("button", name="Do not send").click()
    await expect(customer.get_by_role("button", name="Open the picture")).to_have_count(0)
    await context.set_offline(False)
    await say(customer, "no picture after all")
    await has_mark(customer, "no picture after all", "Sent")
    await customer.reload()
    await reads(customer, "no picture after all")
    await expect(customer.get_by_role("button", name="Open the picture")).to_have_count(0)


async def test_a_recorded_call_is_watched_where_it_stands_in_the_conversation(
    browser: Browser, server: LoupeServer
) -> None:
    customer, staff = await meet(browser, server)
    await staff.button("Snapshot")
    await expect(staff.page.get_by_role("list", name="Pictures").get_by_role("button").first).to_be_visible()
    await hang_up(staff)
    [call] = await records(staff, server)
    await ready_record(staff, server, call["id"])
    page = customer.page
    await page.goto(f"{server.base}/s/demo/chat")
    await sees_pictures(page, 1)
    await page.get_by_role("button", name="Watch").click()
    await expect(page.locator(".talk-watch video")).to_have_count(2)
    await page.get_by_role("button", name="Play the recording").click()
    await page.wait_for_function(
        "() => [...document.querySelectorAll('video')].every((each) => each.currentTime > 0.3)"
    )
