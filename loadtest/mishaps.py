"""What may go wrong, and what is rare, for the portraits: a blocked camera, a lost person, a full line, a second tab."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

from playwright.async_api import Route, expect

from loadtest.browser import PHONE
from loadtest.sitters import THREE, Customer, Set, Staff

BLOCKED = """(() => {
  const refuse = () => Promise.reject(new DOMException('blocked', 'NotAllowedError'));
  navigator.mediaDevices.getUserMedia = refuse;
  navigator.permissions.query = () => Promise.resolve({state: 'denied'});
})()"""
# A phone with two cameras, a torch and a zoom; `window.night` darkens what the page's own judge of the light sees.
RICH = """(() => {
  const settings = MediaStreamTrack.prototype.getSettings, apply = MediaStreamTrack.prototype.applyConstraints;
  const set = {torch: false, zoom: 1, facingMode: 'environment'};
  MediaStreamTrack.prototype.getCapabilities = function () {
    return this.kind === 'video' ? {torch: true, zoom: {min: 1, max: 8, step: 0.1}} : {};
  };
  MediaStreamTrack.prototype.getSettings = function () {
    return this.kind === 'video' ? {...settings.call(this), ...set} : settings.call(this);
  };
  MediaStreamTrack.prototype.applyConstraints = function (wish) {
    const advanced = wish?.advanced?.[0];
    if (!advanced) return apply.call(this, wish);
    Object.assign(set, advanced);
    return Promise.resolve();
  };
  const devices = navigator.mediaDevices.enumerateDevices.bind(navigator.mediaDevices);
  navigator.mediaDevices.enumerateDevices = async () => [...await devices(), {kind: 'videoinput'}, {kind: 'videoinput'}];
  const pixels = CanvasRenderingContext2D.prototype.getImageData;
  CanvasRenderingContext2D.prototype.getImageData = function (...where) {
    const seen = pixels.apply(this, where);
    if (window.night) seen.data.fill(0);
    return seen;
  };
})()"""
CUT = "() => { probe.cutSockets(); probe.cutChannels(); }"
LINE = (
    ("Mrs Wang-Hernández de la Torre", "A suede jacket with a wine stain on the left sleeve, and the lining is torn"),
    ("Mr Chen", "New soles for walking boots"),
    ("Ms Zhao", ""),
    ("Tom", "Zip"),
    ("Auntie Liu", "Ring too tight"),
)


async def mishaps(scene: Set) -> None:
    album, facts = scene.album, scene.facts
    with album.scene("doors"):
        await _doors(scene)
    staff = await scene.staff()
    await staff.sign_in(facts["username"], facts["password"])
    colleague = await scene.staff()
    await colleague.sign_in("li", facts["password"])
    await staff.be_available()
    await colleague.be_available()
    customer = await scene.customer(RICH)
    await customer.join("Ana", "A scratch on my brown bag", consent=True)
    with album.scene("line of six"):
        await _line(scene, staff)
    with album.scene("trouble"):
        await _trouble(staff, customer)
    with album.scene("bookings"):
        await _bookings(staff, customer)
    with album.scene("company"):
        await _company(staff, colleague, customer)
    with album.scene("lost"):
        await _lost(staff, customer, facts["customer_url"])
    with album.scene("records"):
        await _records(staff)
    with album.scene("tabs"):
        await _tabs(staff, customer, facts)
    await scene.over()


async def _doors(scene: Set) -> None:
    """Pages that let nobody in, and forms that lack something."""
    blocked = await scene.customer(BLOCKED)
    await blocked.sees("Your camera is blocked")
    await blocked.portrait("customer-camera-blocked", ("phone", "tablet", "side"), whole=True)
    await blocked.tap("Start video call")
    await blocked.sees("Please tell us your name.")
    await blocked.portrait("customer-name-missing", ("phone",), whole=True)
    await blocked.context.close()
    for code in ("link_expired", "link_needed", "unavailable"):
        refused = await scene.customer(_refused(code))
        await refused.shows(refused.page.get_by_role("heading", level=2))
        await refused.portrait(f"customer-{code.replace('_', '-')}")
        await refused.context.close()
    shut = await scene.staff(BLOCKED)
    await shut.sign_in("zhao", scene.facts["password"])
    await shut.be_available()
    await shut.sees("Try again")
    await shut.portrait("staff-camera-blocked")
    await shut.tap("Personal link")
    await shut.portrait("staff-personal-link")
    await shut.tap("Cancel")
    await shut.page.evaluate("() => probe.cutSockets()")
    await shut.sees("Connection lost. Reconnecting…")
    await shut.portrait("staff-desk-lost")
    await shut.page.route("**/api/**", lambda route: route.abort())
    await shut.page.reload()
    await shut.sees("The server cannot be reached")
    await shut.portrait("staff-unreachable")
    await shut.context.close()


def _refused(code: str) -> str:
    """The server lets nobody in, for this reason."""
    return f"""(() => {{
      const real = window.fetch;
      const refusal = () => Response.json({{type: 'error', code: '{code}', message: ''}}, {{status: 403}});
      window.fetch = (where, ...rest) =>
        String(where?.url ?? where).includes('/api/enter') ? Promise.resolve(refusal()) : real(where, ...rest);
    }})()"""


def _recording(state: str) -> Callable[[Route], Awaitable[None]]:
    async def say(route: Route) -> None:
        answer = await route.fetch()
        record = await answer.json()
        record["recording"]["state"] = state
        await route.fulfill(response=answer, json=record)

    return say


async def _line(scene: Set, staff: Staff) -> None:
    waiting = []
    for name, matter in LINE:
        one = await scene.customer(BLOCKED)
        await one.join(name, matter, consent=False)
        waiting.append(one)
    line = staff.page.get_by_role("list", name=staff.say("Waiting")).get_by_role("listitem")
    await expect(line).to_have_count(len(LINE) + 1)
    await waiting[1].page.close()
    await staff.sees("Out of reach, place kept")
    await staff.portrait("staff-desk-six", THREE, whole=True)
    await waiting[4].portrait("customer-sixth-in-line")


async def _trouble(staff: Staff, customer: Customer) -> None:
    await staff.answer("Ana")
    await customer.sees_call()
    await expect(staff.button("Customer torch")).not_to_have_attribute("aria-disabled", "true")
    await asyncio.gather(staff.calm(), customer.calm())
    await staff.portrait("staff-rich-phone", THREE)
    await customer.portrait("customer-rich-phone", ("phone", "tablet", "side"))
    await staff.tap("Pause recording")
    await customer.sees("Recording paused")
    await staff.portrait("staff-recording-paused", THREE)
    await customer.portrait("customer-recording-paused")
    await customer.tap("Recording paused")
    await customer.portrait("customer-recording-menu")
    await customer.button("Close", within=customer.page.get_by_role("dialog")).click()
    await staff.tap("Pause recording")
    await customer.page.evaluate("() => { window.night = true; }")
    await staff.sees("Picture is dark")
    await customer.sees("It is quite dark. More light shows more detail.")
    await staff.portrait("staff-dark", THREE)
    await customer.portrait("customer-dark", ("phone", "tablet", "side"))
    await customer.page.evaluate("() => { window.night = false; }")
    await customer.tap("Mute")
    await customer.tap("Camera off")
    await staff.sees("{name} turned the camera off", "Ana")
    await staff.tap("Mute")
    await staff.tap("Camera off")
    await staff.portrait("staff-camera-off", THREE)
    await customer.portrait("customer-camera-off", ("phone", "tablet", "side"))
    for sitter in (customer, staff):
        await sitter.tap("Mute")
        await sitter.tap("Camera off")
    await staff.about("{name} is muted", "Ana").wait_for(state="hidden")
    await staff.tap("Draw")
    await staff.tap("Text")
    await staff.drag((0.35, 0.2))
    await staff.portrait("staff-drawing-words")
    await staff.page.get_by_role("textbox", name=staff.say("Text on the picture")).press("Escape")
    await staff.tap("Done")


async def _bookings(staff: Staff, customer: Customer) -> None:
    for answer in ("Decline", "Confirm", None):
        await staff.tap("Propose booking")
        await staff.tap("Send proposal")
        await expect(customer.button("Confirm")).to_be_visible()
        if answer:
            await customer.tap(answer)
            await staff.sees("Declined" if answer == "Decline" else "Confirmed")
    await staff.tap("Snapshot")
    await staff.portrait_of_panel("staff-bookings", "Chat")
    await customer.tap("Decline")
    await customer.sees("Appointment declined")
    await customer.portrait("customer-declined")


async def _company(staff: Staff, colleague: Staff, customer: Customer) -> None:
    await staff.tap("Invite colleague")
    await staff.page.get_by_role("dialog").get_by_role("button", name=re.compile("Li Wei")).click()
    await expect(colleague.button("Join")).to_be_visible()
    await colleague.portrait("staff-invited-at-desk")
    await staff.portrait("staff-colleague-invited")
    await colleague.tap("Join")
    await expect(customer.page.locator("video[data-colleague]")).to_be_visible()
    await expect(staff.page.locator("video[data-colleague]")).to_be_visible()
    await staff.portrait("staff-colleague", THREE)
    await customer.portrait("customer-colleague", ("phone", "tablet", "side"))
    await colleague.tap("Leave call")
    await expect(staff.page.locator("video[data-colleague]")).to_have_count(0)


async def _lost(staff: Staff, customer: Customer, url: str) -> None:
    await customer.page.evaluate(CUT)
    await customer.sees("Reconnecting. Please stay here.")
    await customer.portrait("customer-reconnecting", ("phone", "tablet", "side"))
    await customer.page.close()
    await staff.sees("{name} lost the connection", "Ana")
    await staff.portrait("staff-customer-lost", THREE)
    customer.page = await customer.context.new_page()
    await customer.page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    await customer.page.goto(url)
    await customer.sees_call()
    await customer.tap("Hang up")
    await expect(customer.button("Call again")).to_be_visible()
    await expect(staff.page.get_by_role("heading", name=staff.say("Call ended"))).to_be_visible()


async def _records(staff: Staff) -> None:
    """A record's page with each fate of a recording. What the server says of it is changed on the way."""
    await staff.tap("Open the record")
    await expect(staff.page.get_by_role("heading", name=staff.say("Pictures"))).to_be_visible()
    for state in ("none", "finishing", "failed"):
        await staff.page.route(re.compile(r"/api/calls/[^/]+$"), _recording(state))
        await staff.page.reload()
        await expect(staff.page.get_by_role("heading", name=staff.say("Pictures"))).to_be_visible()
        await staff.portrait(f"staff-record-{state}", THREE, whole=True)
        await staff.page.unroute_all()
    await staff.page.goto(f"{staff.page.url.split('/calls')[0]}/calls/gone")
    await expect(staff.page.get_by_role("alert").filter(visible=True).first).to_be_visible()
    await staff.portrait("staff-record-missing")


async def _tabs(staff: Staff, customer: Customer, facts: dict[str, Any]) -> None:
    await customer.tap("Call again")
    await expect(customer.button("Start video call")).to_be_visible()
    for sitter, name, told in (
        (staff, "staff", "Loupe is open in another tab"),
        (customer, "customer", "This call is open in another tab"),
    ):
        await (await sitter.context.new_page()).goto(facts[f"{name}_url"])
        await sitter.sees(told)
        await sitter.portrait(f"{name}-other-tab")
