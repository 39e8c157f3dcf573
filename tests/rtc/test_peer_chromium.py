"""A real Chromium connects to the one port."""

from __future__ import annotations

import asyncio

import pytest

from loadtest.lab import Lab
from rtc.endpoint import Endpoint
from rtc.events import ChannelOpen, ChannelText, PeerBack, PeerClosed, PeerConnected, PeerLost
from tests.support.rtc_browser import chromium, peer_page
from tests.support.rtc_heard import Heard, until

pytestmark = pytest.mark.browser


async def test_chromium_connects_with_gcm_sends_packets_and_talks_on_the_data_channel() -> None:
    heard = Heard()
    packets: list[bytes] = []
    reports: list[bytes] = []
    async with Endpoint("127.0.0.1", 0, hear=heard) as endpoint, chromium() as browser, peer_page(browser) as page:
        offer = await page.evaluate("offer()")
        answer = await endpoint.open_peer("ann", offer)
        peer = endpoint.peers["ann"]
        peer.on_rtp = lambda packet, at_ns: packets.append(packet)
        peer.on_rtcp = lambda packet, at_ns: reports.append(packet)
        await page.evaluate("sdp => answer(sdp)", answer)
        await heard.until(PeerConnected)
        assert peer.srtp_profile == "SRTP_AEAD_AES_128_GCM"

        agreed = peer.negotiated
        assert [(line.kind, line.slot, line.accepts, line.sends) for line in agreed.lines] == [
            ("audio", 0, True, True),
            ("video", 0, True, True),
            ("audio", 1, False, True),
            ("video", 1, False, True),
            ("audio", 2, False, True),
            ("video", 2, False, True),
        ]
        video = agreed.line("video", 0)
        assert video is not None
        assert {"VP8", "H264"} >= set(video.codecs) >= {"VP8"}
        assert video.codecs["VP8"].rtx_pt is not None

        await heard.until(ChannelOpen)
        assert peer.send_text("hello from the server 你好")
        await page.wait_for_function("texts.length > 0")
        assert await page.evaluate("texts") == ["hello from the server 你好"]
        await page.evaluate("dc.send('hello from the phone')")
        assert (await heard.until(ChannelText)).text == "hello from the phone"

        ssrcs = {int.from_bytes(packet[8:12], "big") for packet in packets}
        await until(lambda: any((p[1] & 0x7F) == video.codecs["VP8"].pt for p in packets))
        ssrcs = {int.from_bytes(packet[8:12], "big") for packet in packets}
        announced = {s for line in agreed.lines for s in line.source_ssrcs + line.source_rtx_ssrcs}
        assert ssrcs <= announced
        await until(lambda: reports)

        # An ICE restart in place: new credentials, the same DTLS, the same keys.
        before, place, count = peer.ice.local, peer.ice.address, len(packets)
        again = await endpoint.open_peer("ann", await page.evaluate("restart()"))
        assert peer.ice.local != before
        await page.evaluate("sdp => answer(sdp)", again)
        # Chromium takes new ports in a restart.
        await until(lambda: peer.ice.address != place)
        await until(lambda: len(packets) > count + 20)
        assert peer.send_text("still here")
        await page.wait_for_function("texts.length > 1")
        assert len(heard.of(PeerConnected)) == 1
        assert endpoint.counters.srtp_auth_failed == 0
        assert endpoint.counters.stun_forged == 0

        await page.evaluate("pc.close()")
        await heard.until(PeerClosed)
        assert not endpoint.peers
    await asyncio.sleep(0)


async def test_a_cut_network_is_noticed_and_heals_by_itself_from_another_port() -> None:
    heard = Heard()
    async with (
        Lab() as lab,
        Endpoint("127.0.0.1", 0, hear=heard, advertise=[("127.0.0.1", lab.port)]) as endpoint,
        chromium() as browser,
        peer_page(browser) as page,
    ):
        lab.target_port = endpoint.port
        await page.evaluate("sdp => answer(sdp)", await endpoint.open_peer("ann", await page.evaluate("offer()")))
        await heard.until(ChannelOpen)
        peer = endpoint.peers["ann"]
        await until(lambda: endpoint.counters.srtp_opened > 20)
        before = peer.ice.address
        lab.is_dark = True
        lost = await heard.until(PeerLost, deadline_s=5)
        assert lost.silent_s < 3
        await page.evaluate("dc.send('said while away')")
        assert not peer.send_text("would wait")
        lab.rebind()
        lab.is_dark = False
        await heard.until(PeerBack, deadline_s=2)
        await until(lambda: peer.ice.address != before, deadline_s=2)
        assert (await heard.until(ChannelText, deadline_s=2)).text == "said while away"
        assert peer.send_text("welcome back")
        await page.wait_for_function("texts.includes('welcome back')", timeout=2000)
