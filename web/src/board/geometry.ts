/** A point in CSS pixels, or in shares (0..1) of the picture's width and height. */
export type Point = readonly [x: number, y: number];

export interface Rect {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Size {
  width: number;
  height: number;
}

/** Clockwise turn of the picture on the screen. */
export type Turn = 0 | 90 | 180 | 270;

/** How a picture lies in its box: the CSS meaning of `object-fit`, after the turn. */
export interface Lay {
  fit: "contain" | "cover";
  turn: Turn;
  /** Shown left-right reversed (a selfie view). */
  mirrored: boolean;
}

export const PLAIN: Lay = { fit: "contain", turn: 0, mirrored: false };

/** Where the picture's content lies inside a box of this size (CSS pixels, before any mirroring). An unknown picture
 * size fills the box, so that a stroke drawn before the first frame is not lost. */
export function contentRect(box: Size, picture: Size, lay: Pick<Lay, "fit" | "turn"> = PLAIN): Rect {
  const onItsSide = lay.turn === 90 || lay.turn === 270;
  const width = onItsSide ? picture.height : picture.width;
  const height = onItsSide ? picture.width : picture.height;
  if (!(width > 0 && height > 0 && box.width > 0 && box.height > 0)) {
    return { x: 0, y: 0, width: box.width, height: box.height };
  }
  const pick = lay.fit === "contain" ? Math.min : Math.max;
  const scale = pick(box.width / width, box.height / height);
  const shown = { width: width * scale, height: height * scale };
  return { x: (box.width - shown.width) / 2, y: (box.height - shown.height) / 2, ...shown };
}

/** From a point in the box to shares of the picture, as the camera sees it: not turned, not mirrored. */
export function toPicture(at: Point, content: Rect, lay: Pick<Lay, "turn" | "mirrored"> = PLAIN): Point {
  const u = content.width > 0 ? (at[0] - content.x) / content.width : 0;
  const v = content.height > 0 ? (at[1] - content.y) / content.height : 0;
  return unturn(lay.mirrored ? 1 - u : u, v, lay.turn);
}

/** From shares of the picture to a point in the box; undoes `toPicture`. */
export function toBox(at: Point, content: Rect, lay: Pick<Lay, "turn" | "mirrored"> = PLAIN): Point {
  const [u, v] = turned(at[0], at[1], lay.turn);
  return [content.x + (lay.mirrored ? 1 - u : u) * content.width, content.y + v * content.height];
}

function turned(u: number, v: number, turn: Turn): Point {
  if (turn === 90) return [1 - v, u];
  if (turn === 180) return [1 - u, 1 - v];
  if (turn === 270) return [v, 1 - u];
  return [u, v];
}

function unturn(u: number, v: number, turn: Turn): Point {
  if (turn === 90) return [v, 1 - u];
  if (turn === 180) return [1 - u, 1 - v];
  if (turn === 270) return [1 - v, u];
  return [u, v];
}

/** The protocol lets a pen leave the picture by half its size, no further. Four digits: a tenth of a pixel of 1080. */
export function sendable(at: Point): [number, number] {
  return [tidy(at[0]), tidy(at[1])];
}

function tidy(share: number): number {
  return Math.round(Math.min(1.5, Math.max(-0.5, share)) * 1e4) / 1e4;
}

/** True where a finger may start a mark: on the picture, with a margin so that its very edge can be reached. */
export function isOnPicture(at: Point, margin = 0.02): boolean {
  return at[0] >= -margin && at[0] <= 1 + margin && at[1] >= -margin && at[1] <= 1 + margin;
}

/** Distance in shares of the picture's width: the height's shares are made comparable by `aspect` (width / height). */
export function apart(a: Point, b: Point, aspect: number): number {
  return Math.hypot(a[0] - b[0], (a[1] - b[1]) / aspect);
}

/** Drops the points that lie within `tolerance` (shares of the width) of the line that their neighbours make
 * (Douglas and Peucker, 1973). Ends stay. */
export function simplified(points: readonly Point[], tolerance: number, aspect: number): Point[] {
  const first = points[0];
  const last = points[points.length - 1];
  if (!first || !last || points.length < 3) return [...points];
  const kept = new Set([0, points.length - 1]);
  const todo: [number, number][] = [[0, points.length - 1]];
  for (let span = todo.pop(); span; span = todo.pop()) {
    const [from, to] = span;
    let far = 0;
    let worst = -1;
    for (let i = from + 1; i < to; i++) {
      const off = offLine(points[i] as Point, points[from] as Point, points[to] as Point, aspect);
      if (off > far) [far, worst] = [off, i];
    }
    if (worst > 0 && far > tolerance) {
      kept.add(worst);
      todo.push([from, worst], [worst, to]);
    }
  }
  return points.filter((_, i) => kept.has(i));
}

function offLine(p: Point, a: Point, b: Point, aspect: number): number {
  const [ax, ay] = [a[0], a[1] / aspect];
  const [dx, dy] = [b[0] - ax, b[1] / aspect - ay];
  const [px, py] = [p[0] - ax, p[1] / aspect - ay];
  const length = dx * dx + dy * dy;
  const along = length > 0 ? Math.min(1, Math.max(0, (px * dx + py * dy) / length)) : 0;
  return Math.hypot(px - along * dx, py - along * dy);
}
