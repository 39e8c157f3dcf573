import type { Stroke } from "../wire/frames";
import { apart, type Point, sendable, simplified } from "./geometry";
import { LETTER_HEIGHT, MARK_RADIUS } from "./shapes";

export type Tool = Stroke["tool"];

/** The protocol's limit; a pen that draws longer starts another stroke. */
const MOST_POINTS = 2000;
const SIMPLIFY_ABOVE = 300;
const LEAST_STEP = 0.0025; // of the width: below this a hand trembles
const LEAST_DRAG = 0.012; // a shorter arrow or circle was a slip of the finger

export interface Style {
  tool: Tool;
  color: string;
  width: number;
}

/** A stroke while the finger is down. Pure: give it points (shares of the picture), it gives the stroke to show. */
export class Growing {
  #points: Point[];
  readonly #last: { at: Point };

  constructor(
    readonly id: string,
    readonly style: Style,
    from: Point,
    private readonly aspect: number,
    private readonly number = 0,
    private readonly text = "",
  ) {
    this.#points = [from];
    this.#last = { at: from };
  }

  /** Adds where the finger went; true when the picture of the stroke changed. */
  grow(to: Point): boolean {
    if (this.style.tool === "pen") {
      if (apart(this.#last.at, to, this.aspect) < LEAST_STEP || this.isFull) return false;
      this.#points.push(to);
      this.#last.at = to;
      if (this.#points.length % SIMPLIFY_ABOVE === 0) this.#points = simplified(this.#points, 0.0008, this.aspect);
      return true;
    }
    if (apart(this.#last.at, to, this.aspect) < 0.001) return false;
    this.#last.at = to;
    if (this.style.tool === "number" || this.style.tool === "text") this.#points = [to];
    else this.#points = [this.#points[0] as Point, to];
    return true;
  }

  get isFull(): boolean {
    return this.#points.length >= MOST_POINTS;
  }

  /** False for an arrow or circle too short to be meant. */
  get isMeant(): boolean {
    if (this.style.tool !== "arrow" && this.style.tool !== "circle") return true;
    const [a, b] = this.#points;
    return a !== undefined && b !== undefined && apart(a, b, this.aspect) >= LEAST_DRAG;
  }

  stroke(): Stroke {
    const { tool, color, width } = this.style;
    const points = this.#points.map(sendable);
    return { id: this.id, tool, color, width, points, text: this.text, number: tool === "number" ? this.number : 0 };
  }

  /** The stroke as it is kept: a pen's line without the points that do not show. */
  finished(): Stroke {
    if (this.style.tool === "pen") this.#points = simplified(this.#points, 0.0006, this.aspect);
    return this.stroke();
  }
}

/** A numbered mark or letters stand a little above the fingertip, so that the finger does not hide them. */
export function aboveFinger(at: Point, tool: Tool, pointerType: string, aspect: number): Point {
  if (pointerType !== "touch") return at;
  const lift = tool === "number" ? MARK_RADIUS : tool === "text" ? LETTER_HEIGHT : 0;
  return [at[0], at[1] - lift * 1.2 * aspect];
}
