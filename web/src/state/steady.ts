/** Judges small grey pictures of the own camera: too dark to see a scratch, or too restless to look at. Pure arithmetic. */

export const WIDTH = 32;
export const HEIGHT = 24;
const DARK_BELOW = 42; // of 255; measured at the edge of what a person can inspect on a tablet
const BRIGHT_ABOVE = 52; // a margin, so that the notice does not flicker
const DARK_FOR = 6;
const REACH = 3;
const RESTLESS = 1.1; // cells of 1/32 picture width per sample, on average
const CALM = 0.5;
const SAMPLES = 8;

/** Mean of grey values 0..255. */
export function brightness(grey: Uint8Array): number {
  let sum = 0;
  for (const value of grey) sum += value;
  return sum / grey.length;
}

/** How far the whole picture moved from `before` to `now`, in cells: the shift with the least difference. A picture
 * without structure, or one in which something else changed, counts as still. */
export function shift(before: Uint8Array, now: Uint8Array): { x: number; y: number } {
  let best = Number.POSITIVE_INFINITY;
  let at = { x: 0, y: 0 };
  let still = 0;
  for (let dy = -REACH; dy <= REACH; dy++) {
    for (let dx = -REACH; dx <= REACH; dx++) {
      const difference = distance(before, now, dx, dy);
      if (dx === 0 && dy === 0) still = difference;
      if (difference < best) {
        best = difference;
        at = { x: dx, y: dy };
      }
    }
  }
  return best < still * 0.8 && still > 3 ? at : { x: 0, y: 0 };
}

function distance(before: Uint8Array, now: Uint8Array, dx: number, dy: number): number {
  let sum = 0;
  for (let y = REACH; y < HEIGHT - REACH; y++) {
    const row = y * WIDTH;
    const other = (y - dy) * WIDTH - dx;
    for (let x = REACH; x < WIDTH - REACH; x++) sum += Math.abs((now[row + x] ?? 0) - (before[other + x] ?? 0));
  }
  return sum / ((WIDTH - 2 * REACH) * (HEIGHT - 2 * REACH));
}

/** Fed with one picture every 120 ms or so; says what holds for a while, not for a moment. */
export class Judge {
  dark = false;
  shaking = false;
  #before: Uint8Array | null = null;
  #darkCount = 0;
  #moves: number[] = [];

  see(grey: Uint8Array): void {
    const light = brightness(grey);
    this.#darkCount = light < (this.dark ? BRIGHT_ABOVE : DARK_BELOW) ? this.#darkCount + 1 : 0;
    if (this.#darkCount >= DARK_FOR) this.dark = true;
    else if (this.#darkCount === 0) this.dark = false;
    if (this.#before) {
      const move = shift(this.#before, grey);
      this.#moves.push(Math.hypot(move.x, move.y));
      if (this.#moves.length > SAMPLES) this.#moves.shift();
      const mean = this.#moves.reduce((sum, length) => sum + length, 0) / SAMPLES;
      this.shaking = this.shaking ? mean > CALM : this.#moves.length === SAMPLES && mean > RESTLESS;
    }
    this.#before = grey;
  }

  /** Forgets, e.g. when the camera was switched. */
  clear(): void {
    this.#before = null;
    this.#moves = [];
    this.#darkCount = 0;
    this.dark = false;
    this.shaking = false;
  }
}
