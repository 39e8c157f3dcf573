import { describe, expect, it } from "vitest";
import {
  apart,
  contentRect,
  isOnPicture,
  type Lay,
  type Point,
  sendable,
  simplified,
  type Turn,
  toBox,
  toPicture,
} from "./geometry";

const near = (a: Point, b: Point): void => {
  expect(a[0]).toBeCloseTo(b[0], 9);
  expect(a[1]).toBeCloseTo(b[1], 9);
};

describe("where the picture lies", () => {
  it("a wide picture in a tall box has bars above and below", () => {
    expect(contentRect({ width: 400, height: 800 }, { width: 1600, height: 900 })).toEqual({
      x: 0,
      y: 287.5,
      width: 400,
      height: 225,
    });
  });

  it("a tall picture in a wide box has bars left and right", () => {
    expect(contentRect({ width: 800, height: 400 }, { width: 480, height: 640 })).toEqual({
      x: 250,
      y: 0,
      width: 300,
      height: 400,
    });
  });

  it("a picture that covers its box sticks out evenly", () => {
    const lay = { fit: "cover", turn: 0 } as const;
    expect(contentRect({ width: 400, height: 400 }, { width: 800, height: 400 }, lay)).toEqual({
      x: -200,
      y: 0,
      width: 800,
      height: 400,
    });
  });

  it("a picture turned on its side is fitted by its turned size", () => {
    const upright = contentRect({ width: 900, height: 600 }, { width: 480, height: 640 });
    const turned = contentRect({ width: 900, height: 600 }, { width: 640, height: 480 }, { fit: "contain", turn: 90 });
    expect(turned).toEqual(upright);
  });

  it("an unknown picture size fills the box", () => {
    expect(contentRect({ width: 300, height: 200 }, { width: 0, height: 0 })).toEqual({
      x: 0,
      y: 0,
      width: 300,
      height: 200,
    });
  });
});

describe("from the finger to the picture and back", () => {
  const content = { x: 50, y: 20, width: 300, height: 400 };

  it("the content's corners are the picture's corners", () => {
    near(toPicture([50, 20], content), [0, 0]);
    near(toPicture([350, 420], content), [1, 1]);
  });

  it("a quarter turn clockwise brings the picture's left bottom corner to the left top of the screen", () => {
    near(toPicture([50, 20], content, { turn: 90, mirrored: false }), [0, 1]);
    near(toPicture([350, 20], content, { turn: 90, mirrored: false }), [0, 0]);
  });

  it("a mirrored picture reads from the other side", () => {
    near(toPicture([50, 20], content, { turn: 0, mirrored: true }), [1, 0]);
  });

  it("every way of lying gives the same finger back", () => {
    for (const turn of [0, 90, 180, 270] as Turn[]) {
      for (const mirrored of [false, true]) {
        for (const fit of ["contain", "cover"] as Lay["fit"][]) {
          const lay = { turn, mirrored, fit };
          const rect = contentRect({ width: 777, height: 555 }, { width: 640, height: 480 }, lay);
          for (const at of [
            [0, 0],
            [123, 45],
            [777, 555],
          ] as Point[])
            near(toBox(toPicture(at, rect, lay), rect, lay), at);
        }
      }
    }
  });

  it("an empty content rectangle gives no NaN", () => {
    near(toPicture([5, 5], { x: 0, y: 0, width: 0, height: 0 }), [0, 0]);
  });

  it("what is sent stays within the protocol's limits and is short", () => {
    expect(sendable([-3, 9])).toEqual([-0.5, 1.5]);
    expect(sendable([1 / 3, 2 / 3])).toEqual([0.3333, 0.6667]);
  });

  it("a mark may start at the very edge but not in the bars", () => {
    expect(isOnPicture([1.01, 0.5])).toBe(true);
    expect(isOnPicture([1.2, 0.5])).toBe(false);
  });
});

describe("fewer points, same line", () => {
  it("a straight line keeps its two ends", () => {
    const line = Array.from({ length: 100 }, (_, i): Point => [i / 100, i / 200]);
    expect(simplified(line, 0.001, 1)).toEqual([line[0], line[99]]);
  });

  it("no dropped point lies further than the tolerance from what is left", () => {
    const wave = Array.from({ length: 400 }, (_, i): Point => [i / 400, 0.5 + 0.2 * Math.sin(i / 20)]);
    const few = simplified(wave, 0.002, 4 / 3);
    expect(few.length).toBeLessThan(120);
    for (const p of wave) {
      const nearest = few.slice(1).reduce((best, b, i) => {
        const a = few[i] as Point;
        const steps = Array.from(
          { length: 41 },
          (_, k): Point => [a[0] + ((b[0] - a[0]) * k) / 40, a[1] + ((b[1] - a[1]) * k) / 40],
        );
        return Math.min(best, ...steps.map((s) => apart(s, p, 4 / 3)));
      }, 1);
      expect(nearest).toBeLessThan(0.0045);
    }
  });

  it("one and two points stay as they are", () => {
    expect(simplified([[0, 0]], 1, 1)).toEqual([[0, 0]]);
    expect(
      simplified(
        [
          [0, 0],
          [1, 1],
        ],
        1,
        1,
      ),
    ).toEqual([
      [0, 0],
      [1, 1],
    ]);
  });
});
