import type { Stroke } from "../wire/frames";
import { type Lay, type Point, type Size, sendable, toBox } from "./geometry";

const UNIT = { x: 0, y: 0, width: 1, height: 1 };

/** Strokes as they lie on a turned or mirrored picture: the points move, letters stay upright and readable. */
export function laid(strokes: readonly Stroke[], lay: Lay): readonly Stroke[] {
  if (lay.turn === 0 && !lay.mirrored) return strokes;
  return strokes.map((stroke) => ({
    ...stroke,
    points: stroke.points.map((p) => sendable(toBox(p as Point, UNIT, lay))),
  }));
}

/** Width / height of the picture as shown; 4:3 until its size is known. */
export function aspectOf(picture: Size, turn: Lay["turn"] = 0): number {
  if (!(picture.width > 0 && picture.height > 0)) return 4 / 3;
  const aspect = picture.width / picture.height;
  return turn === 90 || turn === 270 ? 1 / aspect : aspect;
}
