"""Two real Chromium pages through the one port and the forwarder."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from playwright.async_api import Page

from loadtest.impairment import Impairment
from loadtest.lab import Lab
from tests.support.rtc_browser import chromium, peer_page
from tests.support.rtc_heard import until
from tests.support.rtc_room import Room, room

pytestmark = [pytest.mark.browser, pytest.mark.alone]

WATCH = """() => {
  const play = (kind, slot) => {
    const found = tracks.filter(t => t.kind === kind)[slot];
    return pc.getTransceivers().find(t => t.mid === found.mid).receiver.track;
  };
  const video = document.createElement('video');
  video.autoplay = video.muted = true;
  video.srcObject = new MediaStream([play('video', 0)]);
  document.body.append(video);
  window.firstPicture = new Promise(done => video.requestVideoFrameCallback(() => done(Date.now())));
  window.next = count => new Promise(done => {
    const one = () => --count > 0 ? video.requestVideoFrameCallback(one) : done();
    video.requestVideoFrameCallback(one);
  });
}"""


async def enter(made: Room, name: str, page: Page, *, by_way_of: Lab | None = None) -> None:
    answer = await made.endpoint.open_peer(name, await page.evaluate("offer()"))
    if by_way_of is not None:
        by_way_of.target_port = made.endpoint.port
        answer = answer.replace(f" {made.endpoint.port} typ", f" {by_way_of.port} typ")
    await page.evaluate("sdp => answer(sdp)", answer)
    await until(lambda: name in made.connected)
    await page.evaluate(WATCH)


async def inbound(page: Page, kind: str) -> dict[str, Any]:
    found = [r for r in await page.evaluate("report('inbound-rtp')") if r["kind"] == kind]
    return max(found, key=lambda r: r.get("packetsReceived", 0))


async def test_two_browsers_see_and_hear_each_other_at_once_and_measure_the_whole_way() -> None:
    async with (
        room() as made,
        chromium() as browser,
        chromium() as other,
        peer_page(browser) as phone,
        peer_page(other) as tablet,
    ):
        await enter(made, "phone", phone)
        await enter(made, "tablet", tablet)
        await until(lambda: all(made.forwarder.gop(name) for name in ("phone", "tablet")))
        answered = time.time() * 1000
        routes = [("tablet", 0, "phone"), ("phone", 0, "tablet")]
        made.forwarder.set_routes("call", routes, time.monotonic_ns())
        first = await tablet.evaluate("firstPicture") - answered
        assert first < 600
        await phone.evaluate("firstPicture")
        before = await inbound(tablet, "video")
        started = time.monotonic()
        await asyncio.wait_for(tablet.evaluate("new Promise(done => setTimeout(done, 4000))"), 10)
        after = await inbound(tablet, "video")
        shown = after["framesDecoded"] - before["framesDecoded"]
        passed = time.monotonic() - started
        assert shown / passed > 15  # the fake camera gives 20
        assert after["packetsLost"] <= 0
        sound = await inbound(tablet, "audio")
        assert sound["packetsReceived"] > 100
        remote = [r for r in await phone.evaluate("report('remote-inbound-rtp')") if r["kind"] == "video"]
        assert remote[0]["fractionLost"] == 0
        assert 0 <= remote[0]["roundTripTime"] < 1  # of the whole way: the tablet's report of the phone's own clock
        pairs = await phone.evaluate("report('candidate-pair')")
        assert max(pair.get("availableOutgoingBitrate", 0) for pair in pairs) > 150_000


async def test_a_picture_goes_on_and_the_tape_is_whole_when_both_ways_lose_five_percent() -> None:
    tape: dict[tuple[bytes, bytes], int] = {}
    async with (
        room() as made, Lab(seed=1) as near, Lab(seed=2) as far, chromium() as browser, chromium() as other,
        peer_page(browser) as phone, peer_page(other) as tablet,
    ):  # fmt: skip
        await enter(made, "phone", phone, by_way_of=near)
        await enter(made, "tablet", tablet, by_way_of=far)
        await until(lambda: all(made.forwarder.gop(name) for name in ("phone", "tablet")))
        made.forwarder.set_routes("call", [("tablet", 0, "phone"), ("phone", 0, "tablet")], time.monotonic_ns())
        await tablet.evaluate("firstPicture")

        def hear(packet: bytes, at_ns: int, is_video: bool) -> None:
            name = (packet[8:12], packet[2:4])
            tape[name] = tape.get(name, 0) + 1

        made.forwarder.set_tap("phone", hear)
        near.impairment = far.impairment = Impairment(loss_share=0.05)
        before = await inbound(tablet, "video")
        started = time.monotonic()
        await asyncio.wait_for(tablet.evaluate("new Promise(done => setTimeout(done, 6000))"), 20)
        after = await inbound(tablet, "video")
        near.impairment = far.impairment = Impairment()
        rate = (after["framesDecoded"] - before["framesDecoded"]) / (time.monotonic() - started)
        await until(lambda: not any(source.missing for source in made.forwarder.source_of("phone").sources.values()))
        assert rate > 10
        assert set(tape.values()) == {1}
        for ssrc in {name[0] for name in tape}:
            numbers = [int.from_bytes(name[1], "big") for name in tape if name[0] == ssrc]
            first = numbers[0]
            span = max((n - first) & 0xFFFF for n in numbers if (n - first) & 0xFFFF < 0x8000) + 1
            assert len(numbers) >= 0.995 * span
        assert made.forwarder.stats()["recovered"] > 5


async def test_after_a_hand_over_the_customer_sees_the_colleague_in_the_same_picture() -> None:
    async with (
        room() as made, chromium() as browser, chromium() as other,
        peer_page(browser) as phone, peer_page(other) as first, peer_page(other) as second,
    ):  # fmt: skip
        for name, page in (("phone", phone), ("first", first), ("second", second)):
            await enter(made, name, page)
        await until(lambda: all(made.forwarder.gop(name) for name in ("phone", "first", "second")))
        made.forwarder.set_routes("call", [("phone", 0, "first"), ("first", 0, "phone")], time.monotonic_ns())
        await phone.evaluate("firstPicture")
        await phone.evaluate("next(20)")
        before = await inbound(phone, "video")
        made.forwarder.set_routes("call", [("phone", 0, "second"), ("second", 0, "phone")], time.monotonic_ns())
        await asyncio.wait_for(phone.evaluate("next(40)"), 20)
        after = await inbound(phone, "video")
        assert after["ssrc"] == before["ssrc"]
        assert after["packetsLost"] <= 0
        await asyncio.wait_for(second.evaluate("firstPicture"), 10)
