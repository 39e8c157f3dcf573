import { describe, expect, it } from "vitest";
import { type LinkSample, mark, StatsReader } from "./quality";

const fine: LinkSample = { inLoss: 0, outLoss: 0, rttMs: 40, jitterMs: 4, fps: 25, bytesPerS: 100_000 };

describe("the quality mark", () => {
  it("is good on a clean link, fair with some loss or delay, poor with much of either or a frozen picture", () => {
    expect(mark(fine)).toBe("good");
    expect(mark({ ...fine, fps: null })).toBe("good");
    expect(mark({ ...fine, outLoss: 0.05 })).toBe("fair");
    expect(mark({ ...fine, rttMs: 400 })).toBe("fair");
    expect(mark({ ...fine, inLoss: 0.2 })).toBe("poor");
    expect(mark({ ...fine, fps: 0 })).toBe("poor");
  });

  it("comes from what changed between two reports", async () => {
    const report = (packets: number, lost: number, answers: number) =>
      new Map<string, object>([
        [
          "v",
          {
            type: "inbound-rtp",
            kind: "video",
            packetsReceived: packets,
            packetsLost: lost,
            framesDecoded: packets / 10,
            bytesReceived: packets * 1000,
          },
        ],
        ["p", { type: "candidate-pair", nominated: true, responsesReceived: answers, currentRoundTripTime: 0.05 }],
      ]) as unknown as RTCStatsReport;
    const reader = new StatsReader();
    expect(reader.read(report(100, 0, 1), true)).toBeNull();
    const from = performance.now();
    while (performance.now() - from < 210) await new Promise((done) => setImmediate(done));
    const sample = reader.read(report(190, 10, 2), true);
    expect(sample?.inLoss).toBeCloseTo(0.1);
    expect(sample?.rttMs).toBeCloseTo(50);
    expect(reader.packetsIn).toBe(190);
    expect(reader.answers).toBe(2);
  });
});
