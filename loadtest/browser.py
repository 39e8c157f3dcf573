"""Real Chromium pages with fake devices, and the few probes that a test needs inside them."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, BrowserContext, Page, async_playwright

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
    "--allow-loopback-in-peer-connection", "--autoplay-policy=no-user-gesture-required",
    "--disable-renderer-backgrounding", "--disable-backgrounding-occluded-windows", "--disable-background-timer-throttling",
]  # fmt: skip
PHONE = {"width": 390, "height": 844}
TABLET = {"width": 1180, "height": 820}

PROBES = """
(() => {
  const probe = window.probe = {sockets: [], channels: [], peers: [], wsBlocked: false, frames: 0,
    answeredAt: 0, toldAt: 0, pictureAt: 0, frontAt: 0, firstPictureAt: 0};
  const RealSocket = window.WebSocket;
  window.WebSocket = class extends RealSocket {
    constructor(...args) {
      if (probe.wsBlocked) args[0] = 'ws://127.0.0.1:9/';
      super(...args);
      probe.sockets.push(this);
      this.addEventListener('message', (event) => {
        if (probe.answeredAt && !probe.toldAt && event.data.includes('"state":"live"')) probe.toldAt = performance.now();
      });
    }
  };
  const RealPeer = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends RealPeer {
    constructor(...args) {
      if (probe.forceRelay) args[0] = {...(args[0] || {}), iceTransportPolicy: 'relay'};
      super(...args);
      probe.peers.push(this);
    }
    createDataChannel(...args) { const channel = super.createDataChannel(...args); probe.channels.push(channel); return channel; }
  };
  probe.cutSockets = () => { probe.wsBlocked = true; for (const s of probe.sockets) s.close(); };
  probe.healSockets = () => { probe.wsBlocked = false; };
  probe.cutChannels = () => { for (const c of probe.channels) c.close(); };
  probe.arm = (at) => {
    probe.answeredAt = at;
    probe.toldAt = probe.pictureAt = probe.frontAt = probe.firstPictureAt = 0;
  };
  // Somebody sees a picture once it is drawn and its page, which waits offstage beneath another, is in front.
  const isSeen = () => {
    if (probe.pictureAt && probe.frontAt && probe.frontAt < Infinity) probe.firstPictureAt = Math.max(probe.pictureAt, probe.frontAt);
  };
  document.addEventListener('click', (event) => {
    const button = event.target.closest && event.target.closest('button');
    if (button && (button.getAttribute('aria-label') || button.textContent || '').trim() === 'Answer') {
      probe.arm(performance.now());
    }
  }, true);
  const watched = new WeakSet();
  const watch = (video) => {
    if (watched.has(video)) return;
    watched.add(video);
    const seen = (now, meta) => {
      probe.frames += 1;
      // When it is on the screen: the callback itself comes later, when the page's own work lets it.
      if (probe.answeredAt && !probe.pictureAt) {
        probe.pictureAt = Math.min(performance.now(), Math.max(meta.expectedDisplayTime, meta.presentationTime));
        isSeen();
      }
      video.requestVideoFrameCallback(seen);
    };
    video.requestVideoFrameCallback(seen);
  };
  new MutationObserver(() => {
    const videos = document.querySelectorAll('video[data-remote]');
    videos.forEach(watch);
    if (!probe.answeredAt || probe.frontAt || !videos[0] || videos[0].closest('.offstage')) return;
    probe.frontAt = Infinity;
    // In front when the frame after the one that brings it there is begun; a late page's frames bear too early a time.
    requestAnimationFrame(() => requestAnimationFrame(() => { probe.frontAt = performance.now(); isSeen(); }));
  }).observe(document, {childList: true, subtree: true, attributes: true, attributeFilter: ['class', 'data-remote']});
})();
"""

HEARS_TONE = """async () => {
  const video = document.querySelector('video[data-remote]');
  const context = new AudioContext();
  await context.resume();
  const analyser = context.createAnalyser();
  analyser.fftSize = 2048;
  context.createMediaStreamSource(new MediaStream(video.srcObject.getAudioTracks())).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const end = performance.now() + 5000;
  let loudest = 0;
  while (performance.now() < end && loudest < 0.02) {
    analyser.getFloatTimeDomainData(samples);
    for (const sample of samples) loudest = Math.max(loudest, Math.abs(sample));
    await new Promise(requestAnimationFrame);
  }
  await context.close();
  return loudest;
}"""


@asynccontextmanager
async def chromium(*, camera: Path | None = None) -> AsyncIterator[Browser]:
    """`camera`: a Y4M or Motion JPEG file that every fake camera shows, instead of Chromium's green one."""
    path = shutil.which("chromium")
    assert path, "Chromium is needed: apt-get install chromium (make test does it where it may)"
    arguments = [*ARGUMENTS, f"--use-file-for-fake-video-capture={camera}"] if camera else ARGUMENTS
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=arguments)
        try:
            yield browser
        finally:
            await browser.close()


async def person(
    browser: Browser, *, size: dict[str, int], language: str = "en-US", time_zone: str | None = None, script: str = ""
) -> tuple[BrowserContext, Page]:
    """A person's own browser profile with one page in it; `time_zone` None: this machine's; `script` runs before the
    page's own."""
    context = await browser.new_context(
        viewport={"width": size["width"], "height": size["height"]},
        locale=language,
        timezone_id=time_zone,
        permissions=["camera", "microphone"],
    )
    await context.add_init_script(PROBES + script)
    page = await context.new_page()
    page.set_default_timeout(15_000)
    return context, page
