import type { Stroke } from "../wire/frames";
import type { Point } from "./geometry";

/** Marks are drawn in a plane that is 1000 wide, so that widths and letters scale with the picture. */
export const PLANE = 1000;

export const COLORS = ["#ff3b30", "#ffcc00", "#34c759", "#0a84ff", "#ffffff"] as const;
export const THICKNESS = { fine: 0.004, normal: 0.007, bold: 0.013 } as const;
/** Radius of a numbered mark and height of letters, as shares of the picture's width. */
export const MARK_RADIUS = 0.022;
export const LETTER_HEIGHT = 0.032;

export function inPlane(at: Point, aspect: number): Point {
  return [at[0] * PLANE, (at[1] * PLANE) / aspect];
}

const n = (value: number): string => String(Math.round(value * 10) / 10);
const spot = (p: Point): string => `${n(p[0])} ${n(p[1])}`;

/** SVG path of a pen stroke: quadratic curves through the middles of neighbouring points, so that no corner shows.
 * A single tap becomes a dot. */
export function penPath(points: readonly Point[], aspect: number): string {
  const plane = points.map((p) => inPlane(p, aspect));
  const [first, second] = plane;
  if (!first) return "";
  if (!second) return `M${spot(first)}l0.1 0`;
  let path = `M${spot(first)}`;
  for (let i = 1; i < plane.length - 1; i++) {
    const here = plane[i] as Point;
    const next = plane[i + 1] as Point;
    path += `Q${spot(here)} ${spot([(here[0] + next[0]) / 2, (here[1] + next[1]) / 2])}`;
  }
  return `${path}L${spot(plane[plane.length - 1] as Point)}`;
}

/** SVG path of an arrow from the first point to the second: a shaft and an open head whose size follows the line's. */
export function arrowPath(from: Point, to: Point, width: number, aspect: number): string {
  const a = inPlane(from, aspect);
  const b = inPlane(to, aspect);
  const length = Math.hypot(b[0] - a[0], b[1] - a[1]);
  if (length < 1) return `M${spot(a)}l0.1 0`;
  const angle = Math.atan2(b[1] - a[1], b[0] - a[0]);
  const head = Math.min(length * 0.5, Math.max(24, width * PLANE * 4.5));
  const barb = (turn: number): Point => [b[0] - head * Math.cos(angle + turn), b[1] - head * Math.sin(angle + turn)];
  return `M${spot(a)}L${spot(b)}M${spot(barb(0.5))}L${spot(b)}L${spot(barb(-0.5))}`;
}

export interface Ellipse {
  cx: number;
  cy: number;
  rx: number;
  ry: number;
}

/** The ellipse inside the rectangle that two opposite corners span. */
export function ellipse(from: Point, to: Point, aspect: number): Ellipse {
  const a = inPlane(from, aspect);
  const b = inPlane(to, aspect);
  return {
    cx: (a[0] + b[0]) / 2,
    cy: (a[1] + b[1]) / 2,
    rx: Math.abs(b[0] - a[0]) / 2,
    ry: Math.abs(b[1] - a[1]) / 2,
  };
}

/** Black or white, whichever is read better on this colour (WCAG 2 relative luminance). */
export function inkOn(color: string): "#000000" | "#ffffff" {
  const part = (at: number): number => {
    const c = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  };
  const light = 0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5);
  return light > 0.36 ? "#000000" : "#ffffff";
}

/** The number that the next numbered mark gets. */
export function nextNumber(strokes: readonly Stroke[]): number {
  return Math.min(99, 1 + strokes.reduce((most, s) => Math.max(most, s.tool === "number" ? s.number : 0), 0));
}

/** Adds a stroke or replaces the one with its id; the order of first arrival stays. */
export function withStroke(strokes: readonly Stroke[], stroke: Stroke): Stroke[] {
  const at = strokes.findIndex((s) => s.id === stroke.id);
  return at < 0 ? [...strokes, stroke] : strokes.map((s, i) => (i === at ? stroke : s));
}

/** A picture keeps its strokes as loose JSON; what is no stroke is left out. */
export function strokesOf(kept: readonly Record<string, unknown>[]): Stroke[] {
  return kept.filter(
    (s) => typeof s.id === "string" && Array.isArray(s.points) && typeof s.tool === "string",
  ) as unknown as Stroke[];
}
