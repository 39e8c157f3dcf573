import type { IceServer } from "../wire/frames";
import { newId } from "../wire/ids";
import { mark, type Quality, StatsReader } from "./quality";

export type LinkState = "new" | "connecting" | "connected" | "lost" | "closed";
export const SLOTS = 3;

export interface ConnectionHooks {
  /** Sends the offer (`media.offer`) and gives the server's answer. The same `peer` again is an ICE restart in place.
   * `given` up means that a newer offer takes its place: it need not be sent any more. */
  offer(peer: string, sdp: string, given: AbortSignal): Promise<string>;
  /** A data channel of a new connection; it may not be open yet. */
  channel(channel: RTCDataChannel): void;
  state(state: LinkState): void;
  quality(quality: Quality): void;
}

/** What the link should expect now; decides whether silence means loss. */
export interface Expectation {
  /** Sound or picture of somebody is on its way to us. */
  media: boolean;
  /** A picture is. */
  picture: boolean;
}

export type SendingLevel = "waiting" | "live";
/** What the own camera is for. */
export type Showing = "item" | "face";
interface Level {
  maxBitrate: number;
  maxFramerate: number;
  scaleResolutionDownBy: number;
}
// Waiting, an item's picture is small: a replay of it is decoded in a fraction of the time, and the phone stays cool.
const LEVELS: Record<Showing, Record<SendingLevel, Level>> = {
  item: {
    waiting: { maxBitrate: 200_000, maxFramerate: 5, scaleResolutionDownBy: 2 },
    live: { maxBitrate: 2_500_000, maxFramerate: 30, scaleResolutionDownBy: 1 },
  },
  face: {
    waiting: { maxBitrate: 200_000, maxFramerate: 5, scaleResolutionDownBy: 1 },
    live: { maxBitrate: 800_000, maxFramerate: 30, scaleResolutionDownBy: 1 },
  },
};
// To change what a sender sends can hold the page (134 ms in a trace of a busy machine): not while the first picture of a call is being made.
export const FIRST_PICTURE_MS = 300;
const WATCH_EVERY_MS = 250;
const QUALITY_EVERY_MS = 2000;
const DISCONNECTED_FOR_MS = 1000;
const SILENT_FOR_MS = 1500; // 75 packets of audio; a check of the path goes unanswered too
const RESTART_PATIENCE_MS = 4000;
const NEW_PATIENCE_MS = 6000;

/** One peer connection after another to the server: this page's own sound and picture up, three people's down, and the
 * data channel. It notices loss, restarts ICE, and replaces a connection that does not come back. The browser offers. */
export class Connection {
  /** What each slot shows; the streams stay the same over reconnects, so an element needs its `srcObject` once. */
  readonly remotes: readonly MediaStream[] = Array.from({ length: SLOTS }, () => new MediaStream());
  state: LinkState = "new";
  peer = "";
  #pc: RTCPeerConnection | null = null;
  #stats = new StatsReader();
  #audio: MediaStreamTrack | null = null;
  #video: MediaStreamTrack | null = null;
  #level: SendingLevel = "waiting";
  #expectation: Expectation = { media: false, picture: false };
  #timer: ReturnType<typeof setInterval> | undefined;
  #tuning: ReturnType<typeof setTimeout> | undefined;
  #packets = 0;
  #answers = 0;
  #flowing = false;
  #heardAt = 0;
  #badSince = 0;
  #actedAt = 0;
  #restarts = 0;
  #qualityAt = 0;
  #busy = false;
  #offered = false;
  #offering: AbortController | null = null;

  constructor(
    private readonly iceServers: () => IceServer[],
    private readonly hooks: ConnectionHooks,
    private readonly showing: Showing,
    private readonly policy: RTCIceTransportPolicy = "all",
  ) {}

  /** Makes the first connection; does nothing when there is one. */
  start(): void {
    if (this.#pc) return;
    clearInterval(this.#timer);
    this.#timer = setInterval(() => void this.#watch(), WATCH_EVERY_MS);
    this.renew();
  }

  stop(): void {
    clearInterval(this.#timer);
    clearTimeout(this.#tuning);
    this.#close();
    this.#set("closed");
  }

  /** Replaces the connection by a new one with a new peer id (also on `media.renew`). */
  renew(): void {
    this.#close();
    this.peer = newId();
    this.#restarts = 0;
    this.#set("connecting");
    this.#pc = this.#make();
    void this.#offer(this.#pc);
  }

  /** ICE restart in place. */
  restart(): void {
    const pc = this.#pc;
    if (!pc || !this.#offered || pc.connectionState === "failed" || pc.connectionState === "closed")
      return this.renew();
    this.#restarts += 1;
    pc.restartIce();
    void this.#offer(pc);
  }

  /** The network or the signalling came back: if the link is not well, try now rather than later. */
  hurry(): void {
    if (this.#pc && this.state !== "connected" && !this.#offering) this.restart();
  }

  /** What this page sends; null sends nothing of that kind. Never renegotiates. */
  async send(audio: MediaStreamTrack | null, video: MediaStreamTrack | null): Promise<void> {
    this.#audio = audio;
    this.#video = video;
    const [a, v] = this.#pc?.getTransceivers() ?? [];
    await Promise.all([a?.sender.replaceTrack(audio), v?.sender.replaceTrack(video)]);
    await this.#tune();
  }

  /** `waiting` keeps the path warm at little cost; `live` is the full picture. */
  level(level: SendingLevel): void {
    if (this.#level === level) return;
    this.#level = level;
    clearTimeout(this.#tuning);
    this.#tuning = setTimeout(() => void this.#tune(), level === "live" ? FIRST_PICTURE_MS : 0);
  }

  expect(expectation: Expectation): void {
    if (expectation.media && !this.#expectation.media) this.#flowing = false;
    this.#expectation = expectation;
  }

  #make(): RTCPeerConnection {
    const pc = new RTCPeerConnection({
      iceServers: this.iceServers().map((server) => ({ ...server })),
      iceTransportPolicy: this.policy,
      bundlePolicy: "max-bundle",
      rtcpMuxPolicy: "require",
    });
    this.#offered = false;
    this.#stats = new StatsReader();
    this.#packets = 0;
    this.#answers = 0;
    this.#flowing = false;
    pc.addTransceiver(this.#audio ?? "audio", { direction: "sendrecv" });
    pc.addTransceiver(this.#video ?? "video", {
      direction: "sendrecv",
      sendEncodings: [{ ...LEVELS[this.showing][this.#level], networkPriority: "high", priority: "high" }],
    });
    for (const kind of ["audio", "audio", "video", "video"]) pc.addTransceiver(kind, { direction: "recvonly" });
    for (const [index, transceiver] of pc.getTransceivers().entries()) this.#place(transceiver, index);
    const channel = pc.createDataChannel("loupe", { ordered: true });
    this.hooks.channel(channel);
    pc.onconnectionstatechange = () => this.#pc === pc && this.#changed(pc);
    pc.oniceconnectionstatechange = () => this.#pc === pc && this.#changed(pc);
    return pc;
  }

  /** m-lines: 0, 1 own and slot 0; then audio of slots 1, 2; then video of slots 1, 2. */
  #place(transceiver: RTCRtpTransceiver, index: number): void {
    const slot = index < 2 ? 0 : ((index - 2) % 2) + 1;
    const stream = this.remotes[slot];
    const track = transceiver.receiver.track;
    for (const old of stream?.getTracks() ?? []) if (old.kind === track.kind) stream?.removeTrack(old);
    stream?.addTrack(track);
    // Low latency: newer browsers take a target in milliseconds, older Chromium a hint in seconds.
    const receiver = transceiver.receiver as RTCRtpReceiver & {
      jitterBufferTarget?: number | null;
      playoutDelayHint?: number;
    };
    if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0;
    else if ("playoutDelayHint" in receiver) (receiver as { playoutDelayHint?: number }).playoutDelayHint = 0;
  }

  async #offer(pc: RTCPeerConnection): Promise<void> {
    this.#actedAt = performance.now();
    const peer = this.peer;
    const offering = new AbortController();
    this.#offering?.abort();
    this.#offering = offering;
    try {
      await pc.setLocalDescription(await pc.createOffer());
      const answer = await this.hooks.offer(peer, pc.localDescription?.sdp ?? "", offering.signal);
      this.#actedAt = performance.now();
      if (this.#pc !== pc || pc.signalingState !== "have-local-offer") return;
      await pc.setRemoteDescription({ type: "answer", sdp: answer });
      this.#offered = true;
      await this.#tune();
    } catch {
      if (this.#pc === pc && this.state !== "connected") this.#set("lost"); // the watch tries again
      if (this.#pc === pc && pc.signalingState === "have-local-offer" && this.#offered) {
        await pc.setLocalDescription({ type: "rollback" }).catch(() => undefined);
      }
    } finally {
      if (this.#offering === offering) this.#offering = null;
    }
  }

  async #tune(): Promise<void> {
    const sender = this.#pc?.getTransceivers()[1]?.sender;
    if (!sender?.track) return;
    const item = this.showing === "item";
    if ("contentHint" in sender.track) sender.track.contentHint = item ? "detail" : "motion";
    const parameters = sender.getParameters() as RTCRtpSendParameters & { degradationPreference?: string };
    parameters.degradationPreference = item ? "maintain-resolution" : "maintain-framerate";
    for (const encoding of parameters.encodings ?? []) Object.assign(encoding, LEVELS[this.showing][this.#level]);
    await sender.setParameters(parameters).catch(() => undefined); // before the answer Firefox refuses; the answer tunes again
  }

  #changed(pc: RTCPeerConnection): void {
    const now = performance.now();
    if (pc.connectionState === "connected" && pc.iceConnectionState !== "disconnected") {
      this.#badSince = 0;
      this.#restarts = 0;
      this.#heardAt = now;
      this.#set("connected");
    } else if (["disconnected", "failed"].includes(pc.iceConnectionState) || pc.connectionState === "failed") {
      this.#badSince ||= now;
    }
  }

  async #watch(): Promise<void> {
    const pc = this.#pc;
    if (!pc || this.#busy) return;
    this.#busy = true;
    try {
      const now = performance.now();
      const report = await pc.getStats();
      if (this.#pc !== pc) return;
      this.#listen(report, now);
      this.#heal(pc, now);
    } finally {
      this.#busy = false;
    }
  }

  #listen(report: RTCStatsReport, now: number): void {
    const due = now - this.#qualityAt >= QUALITY_EVERY_MS;
    const probe = due ? this.#stats : new StatsReader();
    const sample = probe.read(report, this.#expectation.picture);
    if (probe.packetsIn > this.#packets) this.#flowing = true;
    if (probe.packetsIn > this.#packets || probe.answers !== this.#answers) this.#heardAt = now;
    this.#packets = Math.max(this.#packets, probe.packetsIn);
    this.#answers = probe.answers;
    if (this.state === "lost" && this.#pc?.connectionState === "connected" && this.#heardAt > this.#actedAt) {
      this.#badSince = 0;
      this.#restarts = 0;
      this.#set("connected");
    }
    if (!due) return;
    this.#qualityAt = now;
    this.hooks.quality(this.state === "connected" ? (sample ? mark(sample) : "good") : "lost");
  }

  #heal(pc: RTCPeerConnection, now: number): void {
    if (this.state === "connected") {
      if (this.#restarts > 0 && this.#heardAt < this.#actedAt && now - this.#actedAt > DISCONNECTED_FOR_MS) {
        this.#set("lost");
        this.hooks.quality("lost");
        return;
      }
      const silent = this.#expectation.media && this.#flowing && now - this.#heardAt > SILENT_FOR_MS;
      const broken = this.#badSince > 0 && now - this.#badSince > DISCONNECTED_FOR_MS;
      if (!silent && !broken && pc.connectionState !== "failed") return;
      this.#flowing = false;
      if (broken || pc.connectionState === "failed") this.#set("lost");
      return this.restart();
    }
    if (this.#offering) return; // it has its own deadline; without a carrier a newer one would fare no better
    const patience = this.#restarts > 0 ? RESTART_PATIENCE_MS : NEW_PATIENCE_MS;
    const failed = pc.connectionState === "failed" && now - this.#actedAt > DISCONNECTED_FOR_MS;
    if (failed || now - this.#actedAt > patience) {
      if (this.state === "connecting") this.#set("lost");
      this.#renewLost();
    }
  }

  #renewLost(): void {
    const was = this.state;
    this.renew();
    if (was === "lost") this.#set("lost");
  }

  #close(): void {
    const pc = this.#pc;
    this.#pc = null;
    this.#badSince = 0;
    this.#offering?.abort();
    this.#offering = null;
    if (!pc) return;
    pc.onconnectionstatechange = null;
    pc.oniceconnectionstatechange = null;
    pc.close();
  }

  #set(state: LinkState): void {
    if (this.state === state) return;
    this.state = state;
    this.hooks.state(state);
  }
}
