import { describe, expect, it } from "vitest";
import { brightness, HEIGHT, Judge, shift, WIDTH } from "./steady";

/** A textured picture, moved by whole cells; `light` scales it. */
function scene(dx: number, dy: number, light = 1): Uint8Array {
  const grey = new Uint8Array(WIDTH * HEIGHT);
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      const [u, v] = [x - dx, y - dy];
      grey[y * WIDTH + x] =
        (120 + 60 * Math.sin(u * 0.9) * Math.cos(v * 0.7) + 40 * Math.sin(u * 0.31 + v * 0.53)) * light;
    }
  }
  return grey;
}

describe("the judge of the own picture", () => {
  it("finds how far a picture moved", () => {
    expect(shift(scene(0, 0), scene(2, -1))).toEqual({ x: 2, y: -1 });
    expect(shift(scene(0, 0), scene(0, 0))).toEqual({ x: 0, y: 0 });
    expect(shift(new Uint8Array(WIDTH * HEIGHT), new Uint8Array(WIDTH * HEIGHT))).toEqual({ x: 0, y: 0 });
  });

  it("calls a picture dark only after a while, and bright again at once", () => {
    const judge = new Judge();
    expect(brightness(scene(0, 0, 0.2))).toBeLessThan(42);
    for (let n = 0; n < 5; n++) judge.see(scene(0, 0, 0.2));
    expect(judge.dark).toBe(false);
    judge.see(scene(0, 0, 0.2));
    expect(judge.dark).toBe(true);
    judge.see(scene(0, 0));
    expect(judge.dark).toBe(false);
  });

  it("calls a trembling hand shaking, and a still or slowly moving one not", () => {
    const trembling = new Judge();
    for (let n = 0; n < 12; n++) trembling.see(scene(n % 2 ? 2 : 0, n % 3 ? 1 : -1));
    expect(trembling.shaking).toBe(true);
    const still = new Judge();
    for (let n = 0; n < 12; n++) still.see(scene(Math.floor(n / 4), 0));
    expect(still.shaking).toBe(false);
    for (let n = 0; n < 12; n++) trembling.see(scene(0, 0));
    expect(trembling.shaking).toBe(false);
  });
});
