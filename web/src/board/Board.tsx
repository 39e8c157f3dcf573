import type { ComponentChildren, JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Stroke } from "../wire/frames";
import "./board.css";
import { contentRect, type Lay, PLAIN, type Rect, type Size } from "./geometry";
import { aspectOf, laid } from "./lay";
import { Marks } from "./Marks";

export interface BoardProps {
  /** The picture's own size in pixels (`videoWidth` x `videoHeight`); zero while unknown. */
  picture: Size;
  strokes: readonly Stroke[];
  /** Shown in place of what lies under the board while frozen. */
  frozenUrl?: string | null | undefined;
  frozenAlt?: string | undefined;
  lay?: Lay | undefined;
  /** Laid over the marks, given where the picture's content lies. The drawing surface of staff comes here. */
  children?: ((content: Rect, aspect: number) => ComponentChildren) | undefined;
}

/** The marks exactly over a picture that lies under it with `object-fit`. Put it in the same positioned box as the
 * picture; it fills that box and lets touches through. Read-only by itself. */
export function Board({ picture, strokes, frozenUrl, frozenAlt = "", lay = PLAIN, children }: BoardProps): JSX.Element {
  const [box, place] = useBox();
  const [still, setStill] = useState<Size | null>(null);
  useLayoutEffect(() => setStill(null), [frozenUrl]);
  const shown = frozenUrl && still ? still : picture;
  const content = contentRect(box, shown, lay);
  const aspect = aspectOf(shown, lay.turn);
  const at = { left: content.x, top: content.y, width: content.width, height: content.height };
  return (
    <div class="board" ref={place}>
      {frozenUrl && (
        <img
          class={`board-still board-still-${lay.fit}`}
          src={frozenUrl}
          alt={frozenAlt}
          draggable={false}
          onLoad={(e) => setStill({ width: e.currentTarget.naturalWidth, height: e.currentTarget.naturalHeight })}
        />
      )}
      <div class="board-marks" style={at}>
        <Marks strokes={laid(strokes, lay)} aspect={aspect} />
      </div>
      {children?.(content, aspect)}
    </div>
  );
}

/** The size of a box, followed while it changes, and the `ref` that says which box. */
export function useBox(): [Size, (element: HTMLDivElement | null) => void] {
  const [box, setBox] = useState<Size>({ width: 0, height: 0 });
  const watched = useRef<ResizeObserver | null>(null);
  const place = useRef((element: HTMLDivElement | null): void => {
    watched.current?.disconnect();
    watched.current = null;
    if (!element) return;
    const measure = (): void => setBox({ width: element.clientWidth, height: element.clientHeight });
    watched.current = new ResizeObserver(measure);
    watched.current.observe(element);
    measure();
  });
  return [box, place.current];
}

/** The size of what a video shows, followed through rotations and camera switches. */
export function useVideoSize(video: HTMLVideoElement | null): Size {
  const [size, setSize] = useState<Size>({ width: 0, height: 0 });
  useEffect(() => {
    if (!video) return;
    const read = (): void =>
      setSize((old) =>
        old.width === video.videoWidth && old.height === video.videoHeight
          ? old
          : { width: video.videoWidth, height: video.videoHeight },
      );
    read();
    video.addEventListener("resize", read);
    video.addEventListener("loadedmetadata", read);
    return () => {
      video.removeEventListener("resize", read);
      video.removeEventListener("loadedmetadata", read);
    };
  }, [video]);
  return size;
}
