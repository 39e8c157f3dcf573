import type { Stroke } from "../wire/frames";
import type { Point } from "./geometry";
import { arrowPath, ellipse, inkOn, inPlane, LETTER_HEIGHT, MARK_RADIUS, PLANE, penPath } from "./shapes";

const FONT = 'system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif';

/** The picture at `url` with its drawing burnt in, as a JPEG of the picture's own size. */
export async function withDrawing(url: string, strokes: readonly Stroke[]): Promise<Blob> {
  const image = new Image();
  image.src = url;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = image.naturalWidth;
  canvas.height = image.naturalHeight;
  const pen = canvas.getContext("2d");
  if (!pen) throw new Error("This browser gives no 2D canvas.");
  pen.drawImage(image, 0, 0);
  pen.scale(canvas.width / PLANE, canvas.width / PLANE);
  for (const stroke of strokes) paint(pen, stroke, canvas.width / canvas.height);
  return new Promise((resolve, reject) => {
    canvas.toBlob(
      (made) => (made ? resolve(made) : reject(new Error("The picture could not be encoded."))),
      "image/jpeg",
      0.92,
    );
  });
}

function paint(pen: CanvasRenderingContext2D, stroke: Stroke, aspect: number): void {
  const [first, second] = stroke.points as Point[];
  if (!first) return;
  const [x, y] = inPlane(first, aspect);
  pen.lineCap = "round";
  pen.lineJoin = "round";
  if (stroke.tool === "number") {
    const radius = MARK_RADIUS * PLANE;
    pen.fillStyle = stroke.color;
    pen.beginPath();
    pen.arc(x, y, radius, 0, Math.PI * 2);
    pen.fill();
    letters(pen, String(stroke.number), x, y, `700 ${radius * 1.25}px ${FONT}`, inkOn(stroke.color), "center");
    return;
  }
  if (stroke.tool === "text") {
    const font = `650 ${LETTER_HEIGHT * PLANE}px ${FONT}`;
    letters(pen, stroke.text, x, y, font, stroke.color, "left", inkOn(stroke.color));
    return;
  }
  let path: Path2D;
  if (stroke.tool === "circle") {
    const shape = ellipse(first, second ?? first, aspect);
    path = new Path2D();
    path.ellipse(shape.cx, shape.cy, shape.rx, shape.ry, 0, 0, Math.PI * 2);
  } else if (stroke.tool === "arrow") path = new Path2D(arrowPath(first, second ?? first, stroke.width, aspect));
  else path = new Path2D(penPath(stroke.points, aspect));
  for (const [color, more] of [["rgba(0,0,0,0.35)", 3] as const, [stroke.color, 0] as const]) {
    pen.strokeStyle = color;
    pen.lineWidth = stroke.width * PLANE + more;
    pen.stroke(path);
  }
}

function letters(
  pen: CanvasRenderingContext2D,
  text: string,
  x: number,
  y: number,
  font: string,
  fill: string,
  align: CanvasTextAlign,
  outline?: string,
): void {
  pen.font = font;
  pen.textAlign = align;
  pen.textBaseline = "middle";
  if (outline) {
    pen.lineWidth = 5;
    pen.strokeStyle = outline;
    pen.strokeText(text, x, y);
  }
  pen.fillStyle = fill;
  pen.fillText(text, x, y);
}
