"""What runs inside the pages of the glass-to-glass test: a camera that shows the time, an eye that reads it, and a bare page
that talks to another one without a server. The same scripts run in Loupe's pages and in the bare ones."""

from __future__ import annotations

import json

from loadtest import timecode

# 29.4 pictures a second: a camera does not keep step with a display. At 33.3 ms each picture of a turn would meet the
# 60 Hz display in the same phase, and two turns would differ by up to 16 ms for no reason of their own.
FRAME_MS = 34.0

_CAMERA = """
(() => {
  const C = __CODE__;
  const glass = window.glass = {cameras: 0};
  const crc = (ticks) => {
    let value = C.start;
    for (let shift = C.timeBits - 1; shift >= 0; shift--) {
      const carry = (value >>> 15) ^ ((ticks >>> shift) & 1);
      value = ((value << 1) & 0xffff) ^ (carry ? C.polynomial : 0);
    }
    return value;
  };
  // Below the code: a surface with grain, seen by a hand that is not quite still.
  const surface = (width, height, seed) => {
    const picture = new Uint8Array(width * height);
    let state = seed >>> 0 || 1;
    const random = () => {
      state ^= state << 13; state >>>= 0; state ^= state >>> 17; state ^= state << 5; state >>>= 0;
      return state / 4294967296;
    };
    const grain = 16, across = Math.ceil(width / grain) + 2, down = Math.ceil(height / grain) + 2;
    const knots = Float32Array.from({length: across * down}, () => 60 + 130 * random());
    for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) {
      const column = Math.floor(x / grain), row = Math.floor(y / grain), u = (x % grain) / grain, v = (y % grain) / grain;
      const at = row * across + column;
      const above = knots[at] * (1 - u) + knots[at + 1] * u, below = knots[at + across] * (1 - u) + knots[at + across + 1] * u;
      picture[y * width + x] = above * (1 - v) + below * v + 6 * random();
    }
    return picture;
  };
  const camera = (width, height) => {
    const generator = new MediaStreamTrackGenerator({kind: 'video'});
    const writer = generator.writable.getWriter();
    const slack = 32, wide = width + slack;
    const texture = surface(wide, height + slack, C.seed + glass.cameras++);
    const data = new Uint8Array(width * height * 3 / 2).fill(128);
    const top = Math.round(height * C.heightShare / C.rows) * C.rows, tall = top / C.rows, block = width / C.columns;
    const line = new Uint8Array(width);
    let number = 0, due = performance.now();
    const take = async () => {
      if (generator.readyState === 'ended') return;
      const dx = Math.round(slack / 2 * (1 + Math.sin(number / 40))), dy = Math.round(slack / 2 * (1 + Math.cos(number / 55)));
      for (let y = top; y < height; y++) {
        const from = (y + dy) * wide + dx;
        data.set(texture.subarray(from, from + width), y * width);
      }
      const now = performance.now();
      const ticks = Math.round((performance.timeOrigin + now) * C.ticksPerMs) % 4294967296;
      const check = crc(ticks);
      for (let row = 0, bit = C.timeBits + C.checkBits - 1; row < C.rows; row++) {
        for (let column = 0; column < C.columns; column++, bit--) {
          const is = bit >= C.checkBits ? ticks >>> (bit - C.checkBits) & 1 : check >>> bit & 1;
          line.fill(is ? 235 : 16, Math.round(column * block), Math.round((column + 1) * block));
        }
        for (let y = 0; y < tall; y++) data.set(line, (row * tall + y) * width);
      }
      const frame = new VideoFrame(data, {format: 'I420', codedWidth: width, codedHeight: height, timestamp: Math.round(now * 1000)});
      number += 1;
      due = Math.max(due + C.frameMs, performance.now());  // a page that was busy takes its next picture at once, not five
      setTimeout(take, due - performance.now());
      try { await writer.write(frame); } catch { frame.close(); }
    };
    take();
    return generator;
  };
  const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  const ideal = (wish, otherwise) => wish?.ideal ?? wish?.exact ?? (typeof wish === 'number' ? wish : otherwise);
  navigator.mediaDevices.getUserMedia = async (wish) => {
    const stream = wish.audio ? await real({audio: wish.audio}) : new MediaStream();
    if (wish.video) stream.addTrack(camera(ideal(wish.video.width, 640), ideal(wish.video.height, 360)));
    return stream;
  };
})();
"""

_EYE = """
(() => {
  const C = __CODE__;
  // One entry per picture: when the page was told, when it is on the screen (page clock), and 48 brightnesses.
  const eye = window.eye = {pictures: [], unread: 0, on: false};
  const look = async (video) => {
    const frame = new VideoFrame(video);
    try {
      const {width, height} = frame.visibleRect;
      const top = Math.floor(height * C.heightShare / 2) * 2;
      const rect = {x: frame.visibleRect.x, y: frame.visibleRect.y, width, height: top};
      if (!['I420', 'NV12', 'I420A'].includes(frame.format)) throw new Error('format ' + frame.format);
      const data = new Uint8Array(frame.allocationSize({rect}));
      const [{offset, stride}] = await frame.copyTo(data, {rect});
      const means = [], wide = width / C.columns, tall = height * C.heightShare / C.rows;
      for (let row = 0; row < C.rows; row++) for (let column = 0; column < C.columns; column++) {
        let sum = 0, count = 0;
        const right = (column + 0.75) * wide, bottom = (row + 0.75) * tall;
        for (let y = Math.floor((row + 0.25) * tall); y < bottom; y += 2)
          for (let x = Math.floor((column + 0.25) * wide); x < right; x += 2) { sum += data[offset + y * stride + x]; count++; }
        means.push(Math.round(sum / count));
      }
      return means;
    } finally { frame.close(); }
  };
  const watched = new WeakSet();
  const watch = (video) => {
    if (watched.has(video)) return;
    watched.add(video);
    const seen = (_, meta) => {
      const told = performance.now();
      video.requestVideoFrameCallback(seen);
      if (!eye.on) return;
      const origin = performance.timeOrigin;
      const shown = Math.min(told, Math.max(meta.expectedDisplayTime, meta.presentationTime));
      look(video).then((means) => eye.pictures.push([origin + told, origin + shown, means]), (fault) => {
        eye.unread += 1; eye.fault = String(fault);
        eye.pictures.push([origin + told, origin + shown, []]);
      });
    };
    video.requestVideoFrameCallback(seen);
  };
  new MutationObserver(() => document.querySelectorAll('video[data-remote]').forEach(watch))
    .observe(document, {childList: true, subtree: true});
})();
"""

BARE_PAGE = """<!doctype html><meta charset="utf-8"><title>Direct</title>
<style>body { margin: 0; background: #000 } video[data-remote] { width: 100vw; height: 100vh; object-fit: contain }
video[data-local] { position: fixed; right: 8px; bottom: 8px; width: 25vw }</style>
<video data-remote autoplay playsinline></video><video data-local autoplay playsinline muted></video>"""

# As Loupe's own pages set their connection up; `prefer` keeps the codec that Loupe's server takes first.
OPEN_DIRECT = """async ({width, height, hint, preference, maxBitrate}) => {
  const stream = await navigator.mediaDevices.getUserMedia({audio: true, video: {width: {ideal: width}, height: {ideal: height}}});
  document.querySelector('video[data-local]').srcObject = new MediaStream(stream.getVideoTracks());
  const pc = window.pc = new RTCPeerConnection({bundlePolicy: 'max-bundle', rtcpMuxPolicy: 'require'});
  const [audio] = stream.getAudioTracks(), [video] = stream.getVideoTracks();
  video.contentHint = hint;
  window.direct = {audio, video, preference, encoding: {maxBitrate, maxFramerate: 30, scaleResolutionDownBy: 1,
    networkPriority: 'high', priority: 'high'}};
}"""
_PREFER_VP8 = """
  const codecs = RTCRtpSender.getCapabilities('video').codecs;
  const wanted = codecs.filter((c) => ['video/VP8', 'video/rtx'].includes(c.mimeType));
  for (const t of pc.getTransceivers()) if (t.receiver.track.kind === 'video') t.setCodecPreferences(wanted);
  for (const t of pc.getTransceivers()) if ('jitterBufferTarget' in t.receiver) t.receiver.jitterBufferTarget = 0;
  document.querySelector('video[data-remote]').srcObject = new MediaStream(pc.getReceivers().map((r) => r.track));
"""
_GATHERED = """
  if (pc.iceGatheringState !== 'complete')
    await new Promise((done) => pc.addEventListener('icegatheringstatechange', () => pc.iceGatheringState === 'complete' && done()));
  return pc.localDescription.sdp;
"""
# Sound and picture in streams of their own, as in Loupe's answers: neither waits for the other.
OFFER = """async () => {
  pc.addTransceiver(direct.audio, {direction: 'sendrecv', streams: [new MediaStream()]});
  pc.addTransceiver(direct.video, {direction: 'sendrecv', streams: [new MediaStream()], sendEncodings: [direct.encoding]});
""" + _PREFER_VP8 + "  await pc.setLocalDescription(await pc.createOffer());" + _GATHERED + "}"  # fmt: skip
ANSWER = """async (sdp) => {
  await pc.setRemoteDescription({type: 'offer', sdp});
  const [a, v] = pc.getTransceivers();
  for (const [transceiver, track] of [[a, direct.audio], [v, direct.video]]) {
    transceiver.direction = 'sendrecv';
    transceiver.sender.setStreams(new MediaStream());
    await transceiver.sender.replaceTrack(track);
  }
""" + _PREFER_VP8 + "  await pc.setLocalDescription(await pc.createAnswer());" + _GATHERED + "}"  # fmt: skip
ACCEPT = "async (sdp) => { await pc.setRemoteDescription({type: 'answer', sdp}); }"
TUNE_DIRECT = """async () => {
  const sender = pc.getTransceivers()[1].sender, parameters = sender.getParameters();
  parameters.degradationPreference = direct.preference;
  for (const encoding of parameters.encodings) Object.assign(encoding, direct.encoding);
  await sender.setParameters(parameters);
}"""
CLOSE_DIRECT = "() => { pc.close(); direct.audio.stop(); direct.video.stop(); }"

# Wall clock minus page clock, to a tenth of a millisecond: what is left at the moments at which the wall clock's
# millisecond turns. The page is held for 30 ms: only between measurements.
CLOCK_OFFSET = """() => {
  const found = [];
  for (let turn = 0; turn < 30; turn++) {
    const before = Date.now();
    let wall = before, at = 0;
    while (wall === before) { wall = Date.now(); at = performance.timeOrigin + performance.now(); }
    found.push(wall - at);
  }
  return found.sort((a, b) => a - b)[15];
}"""
# What the phone's encoder made since the connection began, and what it thinks the path carries.
SENT = """async () => {
  const report = [...(await (window.pc ?? probe.peers.at(-1)).getStats()).values()];
  const out = report.find((entry) => entry.type === 'outbound-rtp' && entry.kind === 'video');
  const transport = report.find((entry) => entry.type === 'transport');
  const pair = report.find((entry) => entry.id === transport?.selectedCandidatePairId);
  return {at: performance.now(), bytes: out.bytesSent, frames: out.framesEncoded, encoding_s: out.totalEncodeTime,
    estimate_bps: pair?.availableOutgoingBitrate ?? 0};
}"""
BEGIN = "() => { eye.pictures = []; eye.unread = 0; eye.on = true; }"
END = "() => { eye.on = false; return {pictures: eye.pictures, fault: eye.fault ?? ''}; }"


def script(seed: int) -> str:
    """For `add_init_script`: the camera of this seed, and the eye."""
    code = {
        "columns": timecode.COLUMNS,
        "rows": timecode.ROWS,
        "heightShare": timecode.HEIGHT_SHARE,
        "timeBits": timecode.TIME_BITS,
        "checkBits": timecode.CHECK_BITS,
        "ticksPerMs": timecode.TICKS_PER_MS,
        "polynomial": timecode.POLYNOMIAL,
        "start": timecode.START,
        "frameMs": FRAME_MS,
        "seed": seed,
    }
    return (_CAMERA + _EYE).replace("__CODE__", json.dumps(code))
