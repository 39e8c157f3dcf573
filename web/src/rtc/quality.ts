export type Quality = "good" | "fair" | "poor" | "lost";

/** What the last seconds of receiving and sending were like; shares are 0..1, times in milliseconds. */
export interface LinkSample {
  inLoss: number;
  outLoss: number;
  rttMs: number;
  jitterMs: number;
  /** Frames decoded per second, null when no picture is expected. */
  fps: number | null;
  /** Bytes per second in, of everything. */
  bytesPerS: number;
}

/** The mark that people see. Limits: G.114 for time, and what Opus with FEC (5 %) and video with resends (2 %) hide. */
export function mark(sample: LinkSample): Quality {
  const loss = Math.max(sample.inLoss, sample.outLoss);
  const frozen = sample.fps !== null && sample.fps < 4;
  if (loss > 0.1 || sample.rttMs > 600 || sample.jitterMs > 120 || frozen) return "poor";
  if (loss > 0.03 || sample.rttMs > 300 || sample.jitterMs > 50 || (sample.fps !== null && sample.fps < 10))
    return "fair";
  return "good";
}

interface Totals {
  at: number;
  packets: number;
  lost: number;
  remoteLost: number;
  sent: number;
  frames: number;
  bytes: number;
  transportPackets: number;
}

/** Turns successive `getStats` reports into samples. */
export class StatsReader {
  #last: Totals | null = null;
  /** Packets of any kind that came in since the connection began; RTP, RTCP and data. */
  packetsIn = 0;
  /** Answered STUN checks since the connection began: the path lives, even when nobody speaks. */
  answers = 0;

  read(report: RTCStatsReport, expectsPicture: boolean): LinkSample | null {
    const now: Totals = {
      at: performance.now(),
      packets: 0,
      lost: 0,
      remoteLost: 0,
      sent: 0,
      frames: 0,
      bytes: 0,
      transportPackets: 0,
    };
    let rtt = 0;
    let jitter = 0;
    let answers = 0;
    for (const entry of report.values() as IterableIterator<Record<string, number | string | boolean>>) {
      const number = (key: string) => Number(entry[key] ?? 0);
      if (entry.type === "inbound-rtp") {
        now.packets += number("packetsReceived");
        now.lost += Math.max(0, number("packetsLost"));
        now.bytes += number("bytesReceived");
        if (entry.kind === "video") now.frames += number("framesDecoded");
        if (entry.kind === "audio") jitter = Math.max(jitter, number("jitter"));
      } else if (entry.type === "remote-inbound-rtp") {
        now.remoteLost += Math.max(0, number("packetsLost"));
        rtt = Math.max(rtt, number("roundTripTime"));
      } else if (entry.type === "outbound-rtp") now.sent += number("packetsSent");
      else if (entry.type === "candidate-pair" && (entry.nominated || entry.selected)) {
        rtt = Math.max(rtt, number("currentRoundTripTime"));
        now.transportPackets += number("packetsReceived");
        answers += number("responsesReceived");
      }
    }
    this.packetsIn = Math.max(now.packets, now.transportPackets);
    this.answers = answers;
    const before = this.#last;
    this.#last = now;
    if (!before || now.at - before.at < 200) return null;
    const seconds = (now.at - before.at) / 1000;
    const share = (lost: number, good: number) => (lost <= 0 ? 0 : lost / Math.max(1, lost + good));
    return {
      inLoss: share(now.lost - before.lost, now.packets - before.packets),
      outLoss: share(now.remoteLost - before.remoteLost, now.sent - before.sent),
      rttMs: rtt * 1000,
      jitterMs: jitter * 1000,
      fps: expectsPicture ? (now.frames - before.frames) / seconds : null,
      bytesPerS: (now.bytes - before.bytes) / seconds,
    };
  }
}
