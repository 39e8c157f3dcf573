"""A real Chromium page with fake devices that connects to an endpoint of the test's own process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from playwright.async_api import Browser, Page, async_playwright

ARGUMENTS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--allow-loopback-in-peer-connection",
    "--autoplay-policy=no-user-gesture-required",
]

_PAGE = """<!doctype html><title>peer</title><script>
window.texts = []; window.tracks = []; window.states = [];
async function offer({receivers = 2, media = {audio: true, video: {width: 640, height: 480}}} = {}) {
  const pc = window.pc = new RTCPeerConnection({bundlePolicy: 'max-bundle'});
  pc.onconnectionstatechange = () => states.push(pc.connectionState);
  pc.ontrack = e => tracks.push({kind: e.track.kind, mid: e.transceiver.mid, stream: e.streams[0] && e.streams[0].id});
  const stream = window.stream = await navigator.mediaDevices.getUserMedia(media);
  for (const track of stream.getTracks()) pc.addTransceiver(track, {direction: 'sendrecv', streams: [stream]});
  const kinds = Array(receivers).fill(['audio', 'video']).flat();
  for (const kind of kinds) pc.addTransceiver(kind, {direction: 'recvonly'});
  window.dc = pc.createDataChannel('loupe');
  dc.onmessage = e => texts.push(e.data);
  await pc.setLocalDescription();
  return pc.localDescription.sdp;
}
async function answer(sdp) { await pc.setRemoteDescription({type: 'answer', sdp}); }
async function restart() {
  await pc.setLocalDescription(await pc.createOffer({iceRestart: true}));
  return pc.localDescription.sdp;
}
async function report(type) {
  return [...(await pc.getStats()).values()].filter(r => r.type === type);
}
</script>"""


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def peer_page(browser: Browser) -> AsyncIterator[Page]:
    """A page on a loopback origin (so that it may use camera and microphone) with `offer`, `answer`, `restart`."""

    async def page_text(_: web.Request) -> web.Response:
        return web.Response(text=_PAGE, content_type="text/html")

    app = web.Application()
    app.router.add_get("/", page_text)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    page = await browser.new_page()
    try:
        await page.goto(f"http://127.0.0.1:{runner.addresses[0][1]}/")
        yield page
    finally:
        await page.close()
        await runner.cleanup()
