import type { ComponentChildren, JSX, RefObject } from "preact";
import { useEffect, useId, useLayoutEffect, useRef } from "preact/hooks";
import type { Quality } from "../rtc/quality";

interface ToolProps {
  /** The accessible name; stays the same while the tool is on or off. */
  name: string;
  icon: JSX.Element;
  /** The word below the disc, when it should differ from the name. */
  word?: string;
  pressed?: boolean;
  danger?: boolean;
  disabled?: boolean;
  badge?: number;
  onClick(): void;
}

/** A round tool of the call. With `pressed` it is a toggle. */
export function Tool({ name, icon, word, pressed, danger, disabled, badge, onClick }: ToolProps) {
  return (
    <button
      type="button"
      class={danger ? "tool danger" : "tool"}
      aria-label={name}
      aria-pressed={pressed}
      disabled={disabled}
      onClick={onClick}
    >
      <span class="disc" aria-hidden="true">
        {icon}
      </span>
      <span aria-hidden="true">{word ?? name}</span>
      {badge ? (
        <span class="badge" aria-hidden="true">
          {badge > 9 ? "9+" : badge}
        </span>
      ) : null}
    </button>
  );
}

/** Plays a stream. `data-remote` or `data-local` come in `marks`; the own picture is always muted. */
export function Video(props: {
  stream: MediaStream | null;
  muted?: boolean;
  mirrored?: boolean;
  class?: string;
  label: string;
  marks?: Record<`data-${string}`, string>;
  /** Nobody sees it now: it keeps its first or last frame, and its frames cost nothing. */
  still?: boolean;
  onElement?(element: HTMLVideoElement | null): void;
  /** The browser wants a tap before it plays sound. */
  onSilenced?(play: () => void): void;
}) {
  const ref = useRef<HTMLVideoElement>(null);
  const { stream, onElement, onSilenced } = props;
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    if (element.srcObject !== stream) element.srcObject = stream;
    element.play().catch((error: unknown) => {
      if (!(error instanceof DOMException) || error.name !== "NotAllowedError" || !onSilenced) return;
      element.muted = true;
      element.play().catch(() => undefined);
      onSilenced(() => {
        element.muted = false;
        element.play().catch(() => undefined);
      });
    });
    onElement?.(element);
    return () => onElement?.(null);
  }, [stream, onElement, onSilenced]);
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element || !props.still) return;
    const rest = () => element.pause();
    if (element.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) rest();
    element.addEventListener("loadeddata", rest);
    return () => {
      element.removeEventListener("loadeddata", rest);
      element.play().catch(() => undefined);
    };
  }, [props.still]);
  return (
    <video
      ref={ref}
      class={props.class}
      style={props.mirrored ? { transform: "scaleX(-1)" } : undefined}
      autoplay
      playsInline
      muted={props.muted}
      disablePictureInPicture
      aria-label={props.label}
      {...props.marks}
    />
  );
}

const STOPS = "button:enabled, input:enabled, textarea:enabled, select:enabled, a[href], [tabindex='0']";

/** Tab goes around within the box. */
export function keepFocus(event: KeyboardEvent, box: HTMLElement | null): void {
  if (event.key !== "Tab" || !box) return;
  const stops = [...box.querySelectorAll<HTMLElement>(STOPS)];
  const [first, last] = [stops[0], stops.at(-1)];
  const [from, to] = event.shiftKey ? [first, last] : [last, first];
  if (document.activeElement !== from) return;
  event.preventDefault();
  to?.focus();
}

/** What is over the page takes the focus and gives it back: before the next paint, for the next key may come before that. */
export function useFocusHeld<T extends HTMLElement>(): RefObject<T> {
  const ref = useRef<T>(null);
  useLayoutEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    ref.current?.focus();
    return () => before?.focus?.();
  }, []);
  return ref;
}

/** A dialog that holds the focus; Escape calls `onClose` when there is one. */
export function Dialog(props: { title: string; onClose?(): void; children: ComponentChildren }) {
  const id = useId();
  const ref = useFocusHeld<HTMLDivElement>();
  const { onClose } = props;
  const keep = (event: KeyboardEvent) => {
    if (event.key === "Escape") onClose?.();
    else keepFocus(event, ref.current);
  };
  const stay = (event: MouseEvent) => event.target === event.currentTarget && event.preventDefault();
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: a tap beside the dialog leaves the focus where it is
    <div class="scrim" onMouseDown={stay}>
      <div class="dialog" role="dialog" aria-modal="true" aria-labelledby={id} tabIndex={-1} ref={ref} onKeyDown={keep}>
        <h2 id={id}>{props.title}</h2>
        {props.children}
      </div>
    </div>
  );
}

const BARS: Record<Quality, number> = { good: 3, fair: 2, poor: 1, lost: 0 };

/** Three bars; the words are for everybody who cannot see them. */
export function QualityMark({ quality, label }: { quality: Quality; label: string }) {
  return (
    <span class={`bars ${quality}`} role="img" aria-label={label} title={label}>
      {[1, 2, 3].map((n) => (
        <i key={n} class={n <= BARS[quality] ? "on" : ""} />
      ))}
    </span>
  );
}
