/** What the palm rule looks at in a pointer event. Contact sizes are in CSS pixels. */
export interface Touch {
  pointerId: number;
  pointerType: string;
  button: number;
  width: number;
  height: number;
}

/** A fingertip covers up to about 45 px; the side of a hand starts near 70. */
const PALM_PX = 64;
/** After a stylus was seen, fingers do not draw for this long: they are the hand that holds it. */
const STYLUS_QUIET_MS = 1500;

/** Decides which pointer draws. One at a time; a stylus beats a finger; a palm never draws. */
export class PalmRule {
  #drawing: { id: number; type: string } | null = null;
  #stylusAt = Number.NEGATIVE_INFINITY;

  /** Asks for a pointer that came down. `"takes over"`: what the finger before it drew was a resting hand; discard it. */
  down(touch: Touch, nowMs: number): "draws" | "takes over" | "ignored" {
    if (touch.button !== 0) return "ignored";
    if (touch.pointerType === "pen") {
      this.#stylusAt = nowMs;
      const before = this.#drawing;
      if (before?.type === "pen") return "ignored";
      this.#drawing = { id: touch.pointerId, type: "pen" };
      return before ? "takes over" : "draws";
    }
    if (this.#drawing) return "ignored";
    if (touch.pointerType === "touch") {
      if (nowMs - this.#stylusAt < STYLUS_QUIET_MS) return "ignored";
      if (Math.max(touch.width, touch.height) > PALM_PX) return "ignored";
    }
    this.#drawing = { id: touch.pointerId, type: touch.pointerType };
    return "draws";
  }

  /** A drawing finger that spreads became a palm: stop and discard. */
  becamePalm(touch: Touch): boolean {
    return (
      this.#drawing?.id === touch.pointerId &&
      touch.pointerType === "touch" &&
      Math.max(touch.width, touch.height) > PALM_PX * 1.5
    );
  }

  draws(pointerId: number): boolean {
    return this.#drawing?.id === pointerId;
  }

  up(pointerId: number, nowMs: number): void {
    if (this.#drawing?.id !== pointerId) return;
    if (this.#drawing.type === "pen") this.#stylusAt = nowMs;
    this.#drawing = null;
  }
}
