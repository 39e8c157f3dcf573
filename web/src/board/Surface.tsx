import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Stroke } from "../wire/frames";
import { newId } from "../wire/ids";
import { isOnPicture, type Lay, PLAIN, type Point, type Rect, toPicture } from "./geometry";
import { aboveFinger, Growing, type Style } from "./growing";
import { PalmRule } from "./palm";

export interface SurfaceProps {
  content: Rect;
  aspect: number;
  lay?: Lay | undefined;
  style: Style;
  /** The number for the next numbered mark. */
  nextNumber: number;
  label: string;
  /** A stroke began, grew (`finished` false) or was completed. */
  onStroke: (stroke: Stroke, finished: boolean) => void;
  /** What was being drawn was a slip or a palm: take the stroke with this id away again. */
  onDiscard: (id: string) => void;
  /** The text tool was tapped here (shares of the picture). */
  onWords: (at: Point) => void;
}

/** Where staff draw: turns pointers into strokes. Lies over a `Board`, inside its `children`. */
export function Surface(props: SurfaceProps): JSX.Element {
  const now = useRef(props);
  now.current = props;
  const palm = useRef(new PalmRule());
  const growing = useRef<Growing | null>(null);

  const discard = (): void => {
    if (growing.current) now.current.onDiscard(growing.current.id);
    growing.current = null;
  };

  useEffect(() => discard, []);

  const down = (event: PointerEvent): void => {
    const says = palm.current.down(event, event.timeStamp);
    if (says === "ignored") return;
    if (says === "takes over") discard();
    const { style, aspect, nextNumber, onStroke, onWords } = now.current;
    const at = placeOf(event, event.currentTarget as HTMLElement, now.current);
    event.preventDefault();
    if (style.tool === "text") {
      palm.current.up(event.pointerId, event.timeStamp);
      if (isOnPicture(at)) onWords(at);
      return;
    }
    if (!isOnPicture(at, 0.05)) {
      palm.current.up(event.pointerId, event.timeStamp);
      return;
    }
    (event.currentTarget as HTMLElement).setPointerCapture?.(event.pointerId);
    growing.current = new Growing(newId(), style, at, aspect, nextNumber);
    if (style.tool !== "arrow" && style.tool !== "circle") onStroke(growing.current.stroke(), false);
  };

  const move = (event: PointerEvent): void => {
    const stroke = growing.current;
    if (!stroke || !palm.current.draws(event.pointerId)) return;
    if (palm.current.becamePalm(event)) {
      palm.current.up(event.pointerId, event.timeStamp);
      discard();
      return;
    }
    // The points between two frames, where the browser gives them: a quick curve stays round.
    const steps = event.getCoalescedEvents?.() ?? [];
    const target = event.currentTarget as HTMLElement;
    let changed = false;
    for (const step of steps.length > 0 ? steps : [event]) {
      changed = stroke.grow(placeOf(step, target, now.current)) || changed;
    }
    if (changed && stroke.isMeant) now.current.onStroke(stroke.stroke(), false);
    if (stroke.isFull) finish(event);
  };

  const finish = (event: PointerEvent): void => {
    if (!palm.current.draws(event.pointerId)) return;
    palm.current.up(event.pointerId, event.timeStamp);
    const stroke = growing.current;
    growing.current = null;
    if (!stroke) return;
    if (stroke.isMeant) now.current.onStroke(stroke.finished(), true);
    else now.current.onDiscard(stroke.id);
  };

  const cancel = (event: PointerEvent): void => {
    if (!palm.current.draws(event.pointerId)) return;
    palm.current.up(event.pointerId, event.timeStamp);
    discard();
  };

  return (
    <div
      class="board-surface"
      role="img"
      aria-label={props.label}
      onPointerDown={down}
      onPointerMove={move}
      onPointerUp={finish}
      onPointerCancel={cancel}
      onContextMenu={(event) => event.preventDefault()}
    />
  );
}

function placeOf(event: PointerEvent, target: HTMLElement, props: SurfaceProps): Point {
  const box = target.getBoundingClientRect();
  const { content, lay = PLAIN, style, aspect } = props;
  const at = toPicture([event.clientX - box.left, event.clientY - box.top], content, lay);
  return aboveFinger(at, style.tool, event.pointerType, aspect);
}
