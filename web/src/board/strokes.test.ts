import { describe, expect, it } from "vitest";
import type { Stroke } from "../wire/frames";
import { Growing } from "./growing";
import { laid } from "./lay";
import { type Clock, LEAST_GAP_MS, Pace } from "./pace";
import { PalmRule } from "./palm";
import { arrowPath, ellipse, inkOn, nextNumber, penPath, strokesOf, withStroke } from "./shapes";

const stroke = (id: string, more: Partial<Stroke> = {}): Stroke => ({
  id,
  tool: "pen",
  color: "#ff3b30",
  width: 0.006,
  points: [[0, 0]],
  text: "",
  number: 0,
  ...more,
});

class StillClock implements Clock {
  ms = 0;
  timers: { at: number; run: () => void }[] = [];
  now = (): number => this.ms;
  later = (run: () => void, ms: number): unknown => {
    const timer = { at: this.ms + ms, run };
    this.timers.push(timer);
    return timer;
  };
  cancel = (timer: unknown): void => {
    this.timers = this.timers.filter((t) => t !== timer);
  };
  pass(ms: number): void {
    const until = this.ms + ms;
    for (;;) {
      const next = this.timers.filter((t) => t.at <= until).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.cancel(next);
      this.ms = Math.max(this.ms, next.at);
      next.run();
    }
    this.ms = until;
  }
}

describe("a growing stroke", () => {
  const pen = { tool: "pen", color: "#ff3b30", width: 0.006 } as const;

  it("ignores the tremble of a resting finger", () => {
    const growing = new Growing("a", pen, [0.5, 0.5], 1);
    expect(growing.grow([0.5005, 0.5])).toBe(false);
    expect(growing.grow([0.51, 0.5])).toBe(true);
    expect(growing.stroke().points).toEqual([
      [0.5, 0.5],
      [0.51, 0.5],
    ]);
  });

  it("an arrow always has two points", () => {
    const growing = new Growing("a", { ...pen, tool: "arrow" }, [0.1, 0.1], 1);
    for (let i = 2; i < 9; i++) growing.grow([i / 10, 0.2]);
    expect(growing.finished().points).toEqual([
      [0.1, 0.1],
      [0.8, 0.2],
    ]);
  });

  it("a circle too small to be meant is not meant, a dot of the pen is", () => {
    expect(new Growing("a", { ...pen, tool: "circle" }, [0.1, 0.1], 1).isMeant).toBe(false);
    expect(new Growing("a", pen, [0.1, 0.1], 1).isMeant).toBe(true);
  });

  it("never holds more points than the protocol allows", () => {
    const growing = new Growing("a", pen, [0, 0], 1);
    for (let i = 0; i < 9000; i++) growing.grow([((i * 7919) % 1000) / 1000, ((i * 104729) % 1000) / 1000]);
    expect(growing.stroke().points.length).toBeLessThanOrEqual(2000);
  });

  it("a numbered mark carries its number, a pen none", () => {
    expect(new Growing("a", { ...pen, tool: "number" }, [0, 0], 1, 4).stroke().number).toBe(4);
    expect(new Growing("a", pen, [0, 0], 1, 4).stroke().number).toBe(0);
  });
});

describe("the pace of sending", () => {
  it("sends at most 30 a second and always the last one", () => {
    const clock = new StillClock();
    const sent: number[] = [];
    const pace = new Pace<number>(
      (v) => sent.push(v),
      () => 100,
      clock,
    );
    for (let i = 0; i <= 1000; i += 4) {
      pace.offer(i);
      clock.pass(4);
    }
    clock.pass(LEAST_GAP_MS);
    expect(sent.length).toBeLessThanOrEqual(31);
    expect(sent.at(-1)).toBe(1000);
  });

  it("a long stroke is sent less often", () => {
    const clock = new StillClock();
    let sent = 0;
    const pace = new Pace<number>(
      () => sent++,
      () => 24_000,
      clock,
    );
    for (let i = 0; i < 100; i++) {
      pace.offer(i);
      clock.pass(10);
    }
    expect(sent).toBeLessThanOrEqual(3);
  });

  it("a dropped stroke is never sent", () => {
    const clock = new StillClock();
    const sent: string[] = [];
    const pace = new Pace<string>(
      (v) => sent.push(v),
      () => 1,
      clock,
    );
    pace.offer("first");
    pace.offer("second");
    pace.drop();
    clock.pass(500);
    expect(sent).toEqual(["first"]);
  });
});

describe("the palm rule", () => {
  const finger = { pointerId: 1, pointerType: "touch", button: 0, width: 24, height: 24 };
  const stylus = { pointerId: 9, pointerType: "pen", button: 0, width: 1, height: 1 };

  it("one finger draws, the second is ignored", () => {
    const rule = new PalmRule();
    expect(rule.down(finger, 0)).toBe("draws");
    expect(rule.down({ ...finger, pointerId: 2 }, 5)).toBe("ignored");
  });

  it("the side of a hand does not draw", () => {
    expect(new PalmRule().down({ ...finger, width: 90 }, 0)).toBe("ignored");
  });

  it("a stylus takes over from a resting finger and silences fingers for a while", () => {
    const rule = new PalmRule();
    rule.down(finger, 0);
    expect(rule.down(stylus, 100)).toBe("takes over");
    rule.up(9, 200);
    expect(rule.down(finger, 900)).toBe("ignored");
    expect(rule.down(finger, 5000)).toBe("draws");
  });

  it("a right mouse button does not draw", () => {
    expect(new PalmRule().down({ ...finger, pointerType: "mouse", button: 2 }, 0)).toBe("ignored");
  });
});

describe("shapes", () => {
  it("a tap of the pen is a dot", () => {
    expect(penPath([[0.5, 0.5]], 1)).toBe("M500 500l0.1 0");
  });

  it("a pen's line starts and ends where the finger did", () => {
    const path = penPath(
      [
        [0, 0],
        [0.5, 0.1],
        [1, 0],
      ],
      1,
    );
    expect(path.startsWith("M0 0")).toBe(true);
    expect(path.endsWith("L1000 0")).toBe(true);
  });

  it("the height is measured in the picture's own aspect", () => {
    expect(ellipse([0, 0], [1, 1], 2)).toEqual({ cx: 500, cy: 250, rx: 500, ry: 250 });
  });

  it("a circle dragged up and left is as good as one dragged down and right", () => {
    expect(ellipse([0.6, 0.8], [0.2, 0.4], 1)).toEqual(ellipse([0.2, 0.4], [0.6, 0.8], 1));
  });

  it("an arrow's head is never longer than half its shaft", () => {
    expect(arrowPath([0, 0], [0.02, 0], 0.1, 1)).toContain("L20 0");
    expect(arrowPath([0.5, 0.5], [0.5, 0.5], 0.1, 1)).toBe("M500 500l0.1 0");
  });

  it("numbers are readable on every colour", () => {
    expect(inkOn("#ffcc00")).toBe("#000000");
    expect(inkOn("#0a84ff")).toBe("#ffffff");
  });

  it("marks are counted on from the highest", () => {
    expect(nextNumber([])).toBe(1);
    expect(nextNumber([stroke("a", { tool: "number", number: 3 }), stroke("b", { tool: "number", number: 1 })])).toBe(
      4,
    );
  });

  it("a stroke that grows keeps its place", () => {
    const grown = withStroke([stroke("a"), stroke("b")], stroke("a", { number: 7 }));
    expect(grown.map((s) => [s.id, s.number])).toEqual([
      ["a", 7],
      ["b", 0],
    ]);
  });

  it("what is no stroke is left out of a kept picture's drawing", () => {
    expect(strokesOf([{ id: "a" }, { ...stroke("b") }])).toHaveLength(1);
  });

  it("a mirrored picture has mirrored marks", () => {
    const [mark] = laid([stroke("a", { points: [[0.2, 0.3]] })], { fit: "contain", turn: 0, mirrored: true });
    expect(mark?.points).toEqual([[0.8, 0.3]]);
  });
});
