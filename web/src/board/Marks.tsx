import type { JSX } from "preact";
import type { Stroke } from "../wire/frames";
import type { Point } from "./geometry";
import { arrowPath, ellipse, inkOn, inPlane, LETTER_HEIGHT, MARK_RADIUS, PLANE, penPath } from "./shapes";

const LINE = { fill: "none", "stroke-linecap": "round", "stroke-linejoin": "round" } as const;

/** Strokes as SVG that fills its parent; `aspect` is the picture's width / height. Decorative for assistive technology:
 * what is drawn is told in words by whoever shows it. */
export function Marks({ strokes, aspect }: { strokes: readonly Stroke[]; aspect: number }): JSX.Element {
  const height = PLANE / aspect;
  return (
    <svg class="marks" viewBox={`0 0 ${PLANE} ${height}`} aria-hidden="true" focusable="false">
      {strokes.map((stroke) => (
        <Mark key={stroke.id} stroke={stroke} aspect={aspect} />
      ))}
    </svg>
  );
}

function Mark({ stroke, aspect }: { stroke: Stroke; aspect: number }): JSX.Element | null {
  const [first, second] = stroke.points as Point[];
  if (!first) return null;
  const width = stroke.width * PLANE;
  // A dark edge keeps every colour visible on every material.
  const edge = { stroke: "#000", "stroke-opacity": 0.35, "stroke-width": width + 3 };
  const ink = { stroke: stroke.color, "stroke-width": width };
  if (stroke.tool === "circle") {
    const shape = ellipse(first, second ?? first, aspect);
    return (
      <g {...LINE}>
        <ellipse {...shape} {...edge} />
        <ellipse {...shape} {...ink} />
      </g>
    );
  }
  if (stroke.tool === "number" || stroke.tool === "text") {
    const [x, y] = inPlane(first, aspect);
    return stroke.tool === "number" ? numbered(stroke, x, y) : lettered(stroke, x, y);
  }
  const path =
    stroke.tool === "arrow" ? arrowPath(first, second ?? first, stroke.width, aspect) : penPath(stroke.points, aspect);
  return (
    <g {...LINE}>
      <path d={path} {...edge} />
      <path d={path} {...ink} />
    </g>
  );
}

function numbered(stroke: Stroke, x: number, y: number): JSX.Element {
  const radius = MARK_RADIUS * PLANE;
  return (
    <g transform={`translate(${x} ${y})`}>
      <circle r={radius} fill={stroke.color} stroke="#000" stroke-opacity={0.4} stroke-width={2.5} />
      <text class="marks-number" text-anchor="middle" dy="0.36em" font-size={radius * 1.25} fill={inkOn(stroke.color)}>
        {stroke.number}
      </text>
    </g>
  );
}

function lettered(stroke: Stroke, x: number, y: number): JSX.Element {
  return (
    <text
      class="marks-text"
      x={x}
      y={y}
      dy="0.36em"
      font-size={LETTER_HEIGHT * PLANE}
      fill={stroke.color}
      stroke={inkOn(stroke.color)}
      stroke-opacity={0.75}
      stroke-width={5}
      paint-order="stroke"
    >
      {stroke.text}
    </text>
  );
}
